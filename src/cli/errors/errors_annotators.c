/* Annotators that changed over time, answered without looking, or copied. */
#include "algo/merge/aggregate.h"
#include "algo/errors/errors_sources.h"
#include "algo/merge/vote_index.h"
#include "base/names.h"
#include "base/str.h"
#include "cli/errors/errors_cli.h"
#include "cli/plot.h"
#include "cli/votes_file.h"

#include <math.h>

#define LEAST_SHARED 20
#define LEVEL 0.01

static const struct { int flag; const char *name; } flags[] = {
    { KT_PATTERN_CONSTANT, "constant" }, { KT_PATTERN_RANDOM, "random" }, { KT_PATTERN_OPPOSED, "opposed" }, { KT_PATTERN_CYCLE, "cycle" },
};

struct looking {
    kt_errors_job *j;
    kt_votes_file file;
    int32_t *truth; /* by item */
    kt_source_pattern *pattern;
    kt_collusion *pair;
    size_t n_pairs;
    kt_change **change; /* by source */
    size_t *n_changes;
};

/* Truth: gold where it was given, else the consensus of all. */
static kt_rc find_truth(struct looking *w, kt_err *err)
{
    const kt_votes *v = &w->file.votes;
    kt_arena *a = w->j->cli->arena;
    w->truth = kt_arena_array(a, (size_t)v->n_items + 1, sizeof(*w->truth));
    if (!w->j->gold) {
        kt_posterior post;
        KT_TRY(kt_aggregator_find(KT_S("dawid_skene"))->fit(v, NULL, NULL, w->j->cli->pool, a, &post, err));
        memcpy(w->truth, post.label, v->n_items * sizeof(*w->truth));
        return 0;
    }
    kt_votes_file gold;
    KT_TRY(kt_votes_file_read(w->j->gold, &(kt_votes_file_opts){ .pairs = true }, a, &gold, err));
    kt_names items = { 0 }, labels = { 0 };
    for (uint32_t i = 0; i < v->n_items; i++) {
        kt_names_add(&items, w->file.item[i]);
        w->truth[i] = -1;
    }
    for (uint32_t c = 0; c < v->n_labels; c++)
        kt_names_add(&labels, w->file.label[c]);
    for (size_t i = 0; i < gold.votes.n; i++) {
        int64_t item = kt_names_get(&items, gold.item[gold.votes.item[i]]);
        if (item >= 0 && gold.votes.label[i] >= 0)
            w->truth[item] = (int32_t)kt_names_get(&labels, gold.label[gold.votes.label[i]]);
    }
    kt_names_done(&items);
    kt_names_done(&labels);
    kt_votes_file_done(&gold);
    return 0;
}

/* Each source's answers in the order of the file, right or not. */
static kt_rc find_drift(struct looking *w, kt_err *err)
{
    const kt_votes *v = &w->file.votes;
    kt_arena *a = w->j->cli->arena;
    kt_drift_opts o = KT_DRIFT_OPTS_INIT;
    kt_vote_index x;
    o.seed = (uint64_t)w->j->seed;
    o.level = LEVEL / KT_MAX(v->n_sources, 1); /* one false alarm among all sources, not one each */
    o.permutations = (uint32_t)KT_MIN(20 / o.level, 20000);
    o.level = KT_MAX(o.level, 1.0 / (o.permutations + 1.0));
    uint8_t *right = kt_arena_alloc(a, v->n + 1);
    w->change = kt_arena_array(a, (size_t)v->n_sources + 1, sizeof(*w->change));
    w->n_changes = kt_arena_array(a, (size_t)v->n_sources + 1, sizeof(*w->n_changes));
    kt_vote_index_make(v, &x);
    kt_rc rc = 0;
    for (uint32_t s = 0; s < v->n_sources && rc == 0; s++) {
        size_t n = 0;
        for (size_t q = x.source_start[s]; q < x.source_start[s + 1]; q++) {
            size_t i = x.source_order[q];
            if (v->label[i] >= 0 && w->truth[v->item[i]] >= 0)
                right[n++] = v->label[i] == w->truth[v->item[i]];
        }
        rc = kt_drift(right, n, &o, a, &w->change[s], &w->n_changes[s], err);
    }
    kt_vote_index_done(&x);
    return rc;
}

static kt_str flags_of(int set, kt_arena *a)
{
    kt_str ret = KT_S("");
    for (size_t i = 0; i < KT_LEN(flags); i++)
        if (set & flags[i].flag)
            ret = kt_arena_printf(a, "%.*s%s%s", KT_F(ret), ret.n ? " " : "", flags[i].name);
    return ret;
}

static void print_json(struct looking *w)
{
    kt_out *o = &w->j->out;
    const kt_votes *v = &w->file.votes;
    kt_out_open(o, NULL, '{');
    kt_out_open(o, "annotators", '[');
    for (uint32_t s = 0; s < v->n_sources; s++) {
        const kt_source_pattern *p = &w->pattern[s];
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "annotator", w->file.source[s]);
        kt_out_u64(o, "votes", p->votes);
        kt_out_f64(o, "kappa_with_others", p->kappa);
        kt_out_interval(o, "ci95", p->kappa_ci95);
        kt_out_f64(o, "top_share", p->top_share);
        kt_out_u64(o, "cycle_lag", p->cycle_lag);
        kt_out_f64(o, "cycle_share", p->cycle_lag ? p->cycle_share : NAN);
        kt_out_open(o, "flags", '[');
        for (size_t i = 0; i < KT_LEN(flags); i++)
            if (p->flags & flags[i].flag)
                kt_out_str(o, NULL, kt_str_of(flags[i].name));
        kt_out_close(o, ']');
        kt_out_open(o, "changes", '[');
        for (size_t c = 0; c < w->n_changes[s]; c++) {
            kt_out_open(o, NULL, '{');
            kt_out_u64(o, "at", w->change[s][c].at);
            kt_out_f64(o, "before", w->change[s][c].before);
            kt_out_f64(o, "after", w->change[s][c].after);
            kt_out_f64(o, "p_value", w->change[s][c].p_value);
            kt_out_close(o, '}');
        }
        kt_out_close(o, ']');
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_open(o, "copies", '[');
    for (size_t i = 0; i < w->n_pairs; i++) {
        const kt_collusion *c = &w->pair[i];
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "a", w->file.source[c->a]);
        kt_out_str(o, "b", w->file.source[c->b]);
        kt_out_u64(o, "shared", c->shared);
        kt_out_u64(o, "agreed", c->agreed);
        kt_out_f64(o, "expected", c->expected);
        kt_out_f64(o, "z", c->z);
        kt_out_f64(o, "q_value", c->q_value);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static void print_csv(struct looking *w)
{
    kt_out *o = &w->j->out;
    kt_arena *a = w->j->cli->arena;
    kt_buf_puts(&o->b, "annotator,votes,kappa_with_others,low,high,flags,changes_at,copies\n");
    for (uint32_t s = 0; s < w->file.votes.n_sources; s++) {
        const kt_source_pattern *p = &w->pattern[s];
        kt_str at = KT_S(""), copies = KT_S("");
        for (size_t c = 0; c < w->n_changes[s]; c++)
            at = kt_arena_printf(a, "%.*s%s%zu (%.2f to %.2f)", KT_F(at), at.n ? "; " : "", w->change[s][c].at, w->change[s][c].before, w->change[s][c].after);
        for (size_t i = 0; i < w->n_pairs; i++)
            if (w->pair[i].a == s || w->pair[i].b == s) {
                kt_str other = w->file.source[w->pair[i].a == s ? w->pair[i].b : w->pair[i].a];
                copies = kt_arena_printf(a, "%.*s%s%.*s", KT_F(copies), copies.n ? "; " : "", KT_F(other));
            }
        kt_out_field(o, true, w->file.source[s]);
        kt_buf_printf(&o->b, ",%u", p->votes);
        kt_out_field_f64(o, p->kappa);
        kt_out_field_f64(o, p->kappa_ci95[0]);
        kt_out_field_f64(o, p->kappa_ci95[1]);
        kt_out_field(o, false, flags_of(p->flags, a));
        kt_out_field(o, false, at);
        kt_out_field(o, false, copies);
        kt_buf_char(&o->b, '\n');
    }
}

static kt_rc plot(const struct looking *w, kt_err *err)
{
    size_t n = w->file.votes.n_sources;
    kt_arena *a = w->j->cli->arena;
    double *kappa = kt_arena_array(a, n + 1, sizeof(*kappa)), (*ci)[2] = kt_arena_array(a, n + 1, sizeof(*ci));
    for (size_t s = 0; s < n; s++) {
        kappa[s] = w->pattern[s].kappa;
        ci[s][0] = w->pattern[s].kappa_ci95[0];
        ci[s][1] = w->pattern[s].kappa_ci95[1];
    }
    return kt_plot_values(w->j->plot, &(kt_plot_dots){ "Annotators against the majority of the others", "kappa: 0 chance (line), 1 full agreement; bars are 95 % intervals", n,
                                                       w->file.source, kappa, (const double (*)[2])ci, .line = 0 }, err);
}

static kt_rc look(struct looking *w, kt_err *err)
{
    const kt_votes *v = &w->file.votes;
    kt_arena *a = w->j->cli->arena;
    KT_TRY(find_truth(w, err));
    w->pattern = kt_arena_array(a, (size_t)v->n_sources + 1, sizeof(*w->pattern));
    KT_TRY(kt_source_patterns(v, w->pattern, err));
    KT_TRY(kt_find_collusion(v, w->truth, LEAST_SHARED, LEVEL, a, &w->pair, &w->n_pairs, err));
    KT_TRY(find_drift(w, err));
    if (w->j->plot)
        KT_TRY(plot(w, err));
    (w->j->out.look == KT_LOOK_JSON ? print_json : print_csv)(w);
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    struct looking w = { .j = j };
    kt_votes_file_opts o = { .labels = j->classes };
    KT_TRY(kt_errors_need(j->file, "a FILE of votes (item,annotator,label)", err));
    KT_TRY(kt_votes_file_read(j->file, &o, j->cli->arena, &w.file, err));
    kt_rc rc = look(&w, err);
    kt_votes_file_done(&w.file);
    return rc;
}

const kt_error_task kt_errors_annotators = {
    .name = "annotators", .help = "who answers without looking, copies, or changed over time; --gold FILE (item,label) instead of the consensus", .files = "VOTES", .run = run, .draws = true,
    .formula = "kappa = (p_o - p_e) / (1 - p_e) with the majority of the others; copies: agreements of a pair against what both accuracies explain,\n"
               "by z and false discovery rate; changes: places in the order of votes where the share of right ones changes, by permutation p-value",
};
