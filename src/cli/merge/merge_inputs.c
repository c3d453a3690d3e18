/* Files beside the votes: gold, weights, a model's probabilities, a start. Names are matched to those of the votes. */
#include "cli/merge/merge.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#define XXH_INLINE_ALL
#include <math.h>
#include <xxhash.h>

/* Ids of the names of a second file among n names of the first; -1: not there. */
static int32_t *match(const kt_str *name, uint32_t n, const kt_str *want, uint32_t n_want, kt_arena *a)
{
    kt_map map = { 0 };
    int32_t *ret = kt_arena_array(a, n_want, sizeof(*ret));
    for (uint32_t i = 0; i < n; i++)
        kt_map_put(&map, XXH3_64bits(name[i].p, name[i].n), i);
    for (uint32_t i = 0; i < n_want; i++) {
        int64_t id = kt_map_get(&map, XXH3_64bits(want[i].p, want[i].n));
        ret[i] = id >= 0 && kt_str_eq(name[id], want[i]) ? (int32_t)id : -1;
    }
    kt_map_done(&map);
    return ret;
}

static kt_rc wrong_method(const kt_merge *m, const char *option, const char *methods, kt_err *err)
{
    return kt_fail(err, KT_USAGE, "--%s goes with --method %s, not %s", option, methods, m->method->name);
}

kt_rc kt_merge_gold(kt_merge *m, kt_str path, kt_err *err)
{
    kt_arena *a = m->cli->arena;
    bool plain = m->method == &kt_aggregate_dawid_skene || m->method == &kt_aggregate_fast_dawid_skene;
    if (!plain && m->method != &kt_aggregate_auto)
        return wrong_method(m, "gold", "auto, dawid_skene or fast_dawid_skene", err);
    kt_votes_file f;
    const char *name = kt_arena_cstr(a, path);
    KT_TRY(kt_votes_file_read(name, &(kt_votes_file_opts){ .pairs = true }, a, &f, err));
    int32_t *item = match(m->file.item, m->file.votes.n_items, f.item, f.votes.n_items, a);
    int32_t *label = match(m->file.label, m->file.votes.n_labels, f.label, f.votes.n_labels, a);
    int32_t *gold = kt_arena_array(a, m->file.votes.n_items, sizeof(*gold));
    kt_rc rc = 0;
    for (uint32_t i = 0; i < m->file.votes.n_items; i++)
        gold[i] = -1;
    for (size_t i = 0; i < f.votes.n && rc == 0; i++) {
        if (f.votes.label[i] < 0 || item[f.votes.item[i]] < 0)
            continue; /* gold of items nobody voted on changes nothing */
        if (label[f.votes.label[i]] < 0) {
            rc = kt_fail(err, KT_RANGE, "gold label %.*s occurs in no vote", KT_F(f.label[f.votes.label[i]]));
            kt_hint(err, "--labels A,B,C names labels that no vote names");
            kt_at(err, name, 0, "label");
        }
        gold[item[f.votes.item[i]]] = label[f.votes.label[i]];
    }
    kt_votes_file_done(&f);
    *(plain ? &m->opt.dawid_skene.gold : &m->opt.best.gold) = gold;
    return rc;
}

kt_rc kt_merge_weights(kt_merge *m, kt_str path, kt_err *err)
{
    kt_arena *a = m->cli->arena;
    if (m->method != &kt_aggregate_majority && m->method != &kt_aggregate_weighted_majority)
        return wrong_method(m, "weights", "weighted_majority_vote", err);
    kt_votes_file f;
    const char *name = kt_arena_cstr(a, path);
    KT_TRY(kt_votes_file_read(name, &(kt_votes_file_opts){ .pairs = true }, a, &f, err));
    int32_t *source = match(m->file.source, m->file.votes.n_sources, f.item, f.votes.n_items, a);
    double *weight = kt_arena_array(a, m->file.votes.n_sources, sizeof(*weight));
    kt_rc rc = 0;
    for (uint32_t s = 0; s < m->file.votes.n_sources; s++)
        weight[s] = NAN;
    if (f.votes.n && (!f.value || f.value[0] < 0)) {
        rc = kt_fail(err, KT_RANGE, "weights are numbers from 0 up");
        kt_at(err, name, 0, "weight");
    }
    for (size_t i = 0; i < f.votes.n && rc == 0; i++)
        if (source[f.votes.item[i]] >= 0 && f.votes.label[i] >= 0)
            weight[source[f.votes.item[i]]] = f.value[f.votes.label[i]];
    for (uint32_t s = 0; s < m->file.votes.n_sources && rc == 0; s++)
        if (isnan(weight[s])) {
            rc = kt_fail(err, KT_RANGE, "annotator %.*s has no weight", KT_F(m->file.source[s]));
            kt_at(err, name, 0, "annotator");
        }
    kt_votes_file_done(&f);
    m->opt.majority.source_weight = weight;
    return rc;
}

/* A table of numbers: rows named by the first column, columns by the first line. */
struct numbers {
    kt_votes_file f; /* its item: the rows' names, its source: the columns' */
    const char *path;
};

static kt_rc read_numbers(kt_cli *cli, kt_str path, struct numbers *ret, kt_err *err)
{
    ret->path = kt_arena_cstr(cli->arena, path);
    KT_TRY(kt_votes_file_read(ret->path, &(kt_votes_file_opts){ 0 }, cli->arena, &ret->f, err));
    if (ret->f.votes.n && ret->f.value)
        return 0;
    for (uint32_t c = 0; c < ret->f.votes.n_labels; c++) {
        double ignored;
        if (!kt_parse_f64(ret->f.label[c], &ignored)) {
            kt_fail(err, KT_PARSE, "'%.*s' is not a number", KT_F(ret->f.label[c]));
            break;
        }
    }
    if (ret->f.votes.n == 0)
        kt_fail(err, KT_PARSE, "no numbers");
    kt_at(err, ret->path, 0, NULL);
    kt_votes_file_done(&ret->f);
    return KT_PARSE;
}

kt_rc kt_merge_probs_labels(kt_cli *cli, kt_str path, kt_strs *ret, kt_err *err)
{
    struct numbers x;
    KT_TRY(read_numbers(cli, path, &x, err));
    *ret = (kt_strs){ kt_arena_array(cli->arena, x.f.votes.n_sources, sizeof(kt_str)), x.f.votes.n_sources };
    for (size_t c = 0; c < ret->n; c++)
        ret->v[c] = kt_arena_str(cli->arena, x.f.source[c]);
    kt_votes_file_done(&x.f);
    return 0;
}

/* A cell of each wanted (row, column), in the order of the votes' names; every one must be there. column: n_columns names. */
static kt_rc take_numbers(const struct numbers *x, kt_arena *a, const kt_str *row, uint32_t n_rows, const kt_str *column, uint32_t n_columns,
                          double *ret, kt_err *err)
{
    int32_t *r = match(row, n_rows, x->f.item, x->f.votes.n_items, a), *c = match(column, n_columns, x->f.source, x->f.votes.n_sources, a);
    for (size_t i = 0; i < (size_t)n_rows * n_columns; i++)
        ret[i] = NAN;
    for (size_t i = 0; i < x->f.votes.n; i++)
        if (r[x->f.votes.item[i]] >= 0 && c[x->f.votes.source[i]] >= 0 && x->f.votes.label[i] >= 0)
            ret[(size_t)r[x->f.votes.item[i]] * n_columns + (size_t)c[x->f.votes.source[i]]] = x->f.value[x->f.votes.label[i]];
    for (size_t i = 0; i < (size_t)n_rows * n_columns; i++)
        if (isnan(ret[i])) {
            kt_fail(err, KT_RANGE, "%.*s has no number in column %.*s", KT_F(row[i / n_columns]), KT_F(column[i % n_columns]));
            kt_hint(err, "there must be a row for each of the %u, and the columns %.*s, …", n_rows, KT_F(column[0]));
            kt_at(err, x->path, 0, NULL);
            return KT_RANGE;
        }
    return 0;
}

kt_rc kt_merge_probs(kt_merge *m, kt_str path, kt_err *err)
{
    const kt_votes *v = &m->file.votes;
    struct numbers x;
    if (m->method != &kt_aggregate_crowdlab && m->method != &kt_aggregate_auto)
        return wrong_method(m, "probs", "auto or crowdlab", err);
    KT_TRY(read_numbers(m->cli, path, &x, err));
    double *probs = kt_arena_array(m->cli->arena, (size_t)v->n_items * v->n_labels, sizeof(*probs));
    kt_rc rc = take_numbers(&x, m->cli->arena, m->file.item, v->n_items, m->file.label, v->n_labels, probs, err);
    kt_votes_file_done(&x.f);
    *(m->method == &kt_aggregate_auto ? &m->opt.best.probs : &m->opt.crowdlab.probs) = probs;
    return rc;
}

kt_rc kt_merge_start(kt_merge *m, kt_str path, kt_err *err)
{
    const kt_votes *v = &m->file.votes;
    const kt_str two[2] = { KT_S("spams"), KT_S("knows") };
    struct numbers x;
    if (m->method != &kt_aggregate_mace)
        return wrong_method(m, "start", "mace", err);
    KT_TRY(read_numbers(m->cli, path, &x, err));
    double *spamming = kt_arena_array(m->cli->arena, (size_t)v->n_sources * 2, sizeof(double));
    double *strategy = kt_arena_array(m->cli->arena, (size_t)v->n_sources * v->n_labels, sizeof(double));
    kt_rc rc = take_numbers(&x, m->cli->arena, m->file.source, v->n_sources, two, 2, spamming, err);
    if (rc == 0)
        rc = take_numbers(&x, m->cli->arena, m->file.source, v->n_sources, m->file.label, v->n_labels, strategy, err);
    kt_votes_file_done(&x.f);
    m->opt.mace.init_spamming = spamming;
    m->opt.mace.init_strategy = strategy;
    return rc;
}
