/* karat aggregate --method bradley_terry, plackett_luce: strengths of things from comparisons (left,right,winner) or rankings (best > next > worst),
   with a column of annotators or without. */
#include "algo/merge/aggregate.h"
#include "algo/merge/rank.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include <math.h>
#include <stdio.h>

typedef struct ranks {
    kt_names things, sources; /* sources: empty where the table has no annotators */
    KT_VEC(uint32_t) source;
    KT_VEC(uint32_t) thing;
    KT_VEC(size_t) start;
} ranks;

static kt_rc read_pairs(const kt_table_file *t, ranks *r, kt_err *err)
{
    static const char *const left_names[] = { "left", "a", NULL }, *const right_names[] = { "right", "b", NULL }, *const winner_names[] = { "winner", "label", "preferred", NULL };
    size_t column[3];
    KT_TRY(kt_table_file_column(t, left_names, &column[0], err));
    KT_TRY(kt_table_file_column(t, right_names, &column[1], err));
    KT_TRY(kt_table_file_column(t, winner_names, &column[2], err));
    for (size_t row = 0; row < t->n_rows; row++) {
        kt_str left = t->cell[row * t->n_columns + column[0]], right = t->cell[row * t->n_columns + column[1]], won = t->cell[row * t->n_columns + column[2]];
        bool is_left = kt_str_eq(won, left);
        if ((!is_left && !kt_str_eq(won, right)) || kt_str_eq(left, right)) {
            kt_fail(err, KT_RANGE, "the winner '%.*s' is neither '%.*s' nor '%.*s', or they are the same", KT_F(won), KT_F(left), KT_F(right));
            kt_at(err, t->path, t->line[row], "winner");
            return KT_RANGE;
        }
        uint32_t l = kt_names_add(&r->things, left), g = kt_names_add(&r->things, right);
        KT_PUSH(&r->thing, is_left ? l : g);
        KT_PUSH(&r->thing, is_left ? g : l);
        KT_PUSH(&r->start, r->thing.n);
    }
    return 0;
}

/* ranking: things from best to worst with > between. */
static kt_rc read_rankings(const kt_table_file *t, ranks *r, kt_err *err)
{
    static const char *const ranking_names[] = { "ranking", "order", "label", NULL };
    size_t column;
    KT_TRY(kt_table_file_column(t, ranking_names, &column, err));
    for (size_t row = 0; row < t->n_rows; row++) {
        kt_str rest = t->cell[row * t->n_columns + column], name;
        while (kt_str_cut(&rest, '>', &name)) {
            name = kt_str_trim(name);
            if (name.n == 0) {
                kt_fail(err, KT_PARSE, "a ranking is written best > next > worst");
                kt_at(err, t->path, t->line[row], "ranking");
                return KT_PARSE;
            }
            KT_PUSH(&r->thing, kt_names_add(&r->things, name));
        }
        KT_PUSH(&r->start, r->thing.n);
    }
    return 0;
}

/* Who made each row, where the table says so. */
static void read_rankers(const kt_table_file *t, ranks *r)
{
    size_t column;
    kt_err none;
    if (kt_table_file_column(t, kt_source_names, &column, &none) < 0)
        return;
    for (size_t row = 0; row < t->n_rows; row++)
        KT_PUSH(&r->source, kt_names_add(&r->sources, t->cell[row * t->n_columns + column]));
}

struct strengths {
    const ranks *r;
    const kt_rankings *v;
    const kt_strengths *s;
    double prior;
};

static void print(const char *method, const struct strengths *w, bool json)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    const kt_strengths *s = w->s;
    if (json)
        kt_buf_printf(&b, "{\"method\":\"%s\",\"comparable\":%s,\"things\":[", method, s->connected ? "true" : "false");
    else
        kt_buf_puts(&b, "thing,strength,low,high\n");
    for (uint32_t t = 0; t < s->n_things; t++) {
        if (json) {
            kt_buf_puts(&b, t ? ",\n{\"thing\":" : "\n{\"thing\":");
            kt_buf_json(&b, w->r->things.name[t]);
            kt_buf_puts(&b, ",\"strength\":");
            kt_buf_f64(&b, s->strength[t]);
            kt_buf_puts(&b, ",\"ci95\":[");
            kt_buf_f64(&b, s->ci[2 * t]);
            kt_buf_char(&b, ',');
            kt_buf_f64(&b, s->ci[2 * t + 1]);
            kt_buf_printf(&b, "],\"won\":%u,\"compared\":%u}", s->wins[t], s->seen[t]);
        } else {
            kt_buf_csv(&b, w->r->things.name[t], ',');
            kt_buf_printf(&b, ",%.6g", s->strength[t]);
            kt_buf_printf(&b, isnan(s->ci[2 * t]) ? ",,\n" : ",%.6g,%.6g\n", s->ci[2 * t], s->ci[2 * t + 1]);
        }
    }
    kt_buf_puts(&b, json ? "]" : "");
    kt_merge_flush(&b);
}

/* Σ over the stages that thing t was in of 1 / (strengths left): what its wins are divided by. */
static double expected_of(const struct strengths *w, uint32_t t)
{
    const kt_rankings *v = w->v;
    double sum = 0;
    for (size_t k = 0; k < v->n; k++) {
        double left = 0, over = 0;
        for (size_t x = v->start[k]; x < v->start[k + 1]; x++)
            left += w->s->strength[v->thing[x]];
        for (size_t x = v->start[k]; x < v->start[k + 1]; x++) {
            over += x + 1 < v->start[k + 1] && left > 0 ? 1 / left : 0;
            sum += v->thing[x] == t ? over : 0;
            left -= w->s->strength[v->thing[x]];
        }
    }
    return sum;
}

static kt_rc explain(const void *of, kt_str thing, kt_err *err)
{
    const struct strengths *w = of;
    const kt_strengths *s = w->s;
    int64_t t = kt_names_get(&w->r->things, thing);
    if (t < 0) {
        kt_fail(err, KT_NOTFOUND, "there is no thing %.*s", KT_F(thing));
        return kt_hint(err, "--explain takes a thing as the file names it");
    }
    double under = expected_of(w, (uint32_t)t), prior = w->prior > 0 ? 2 * w->prior / (s->strength[t] + 1.0 / s->n_things) : 0;
    printf("%.*s, chosen in %u of the %u stages it was in, strength %.6g (95 %%: %.4g to %.4g) after %d rounds%s\n", KT_F(thing), s->wins[t], s->seen[t], s->strength[t],
           s->ci[2 * t], s->ci[2 * t + 1], s->rounds, s->converged ? "" : ", not still yet");
    printf("with the numbers put in: strength = (%u", s->wins[t]);
    if (w->prior > 0)
        printf(" + %.4g", w->prior);
    printf(") / (%.6g", under);
    if (prior > 0)
        printf(" + %.6g", prior);
    printf(") = %.6g%s\nagainst the others:\n", (s->wins[t] + w->prior) / (under + prior), prior > 0 ? ", then scaled so that all sum to 1" : "");
    for (uint32_t x = 0; x < s->n_things && x < 40; x++)
        if (x != t)
            printf("  P(before %.*s) = %.4g / (%.4g + %.4g) = %.4f\n", KT_F(w->r->things.name[x]), s->strength[t], s->strength[t], s->strength[x],
                   s->strength[t] / (s->strength[t] + s->strength[x]));
    if (s->n_things > 40)
        printf("  …\n");
    return 0;
}

static kt_rc give(kt_cli *cli, const kt_answer_merge *m, const struct strengths *n, const kt_merge_wishes *w, kt_err *err)
{
    const ranks *r = n->r;
    size_t n_sources = r->sources.n;
    double *share = kt_arena_array(cli->arena, n_sources, sizeof(double)), *ci = kt_arena_array(cli->arena, n_sources, 2 * sizeof(double)),
           *pairs = kt_arena_array(cli->arena, n_sources, sizeof(double));
    if (n_sources)
        kt_rank_sources(n->v, n->s, r->source.v, (uint32_t)n_sources, share, pairs);
    for (size_t q = 0; q < n_sources; q++) {
        ci[2 * q] = ci[2 * q + 1] = NAN;
        if (pairs[q] > 0)
            kt_wilson(share[q], pairs[q], ci + 2 * q);
    }
    const kt_account account = {
        .method = m->name, .help = m->help, .formula = m->formula, .anonymous = r->source.n == 0 && n->v->n, .n_sources = n_sources, .source = r->sources.name, .votes = pairs,
        .measure = { { "accuracy", "How often each annotator agrees with the strengths", share, ci, false } }, .n_measures = 1,
        .sure_title = "Strengths of the things", .sure_axis = "strength, all sum to 1; bars are 95 % intervals", .n = n->s->n_things, .thing = r->things.name,
        .strength = n->s->strength, .strength_ci = n->s->ci, .explain = explain, .of = n,
    };
    return kt_merge_account(cli, &account, w, err);
}

static kt_rc run(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, bool pairs, kt_err *err)
{
    ranks r = { 0 };
    kt_strengths s;
    KT_PUSH(&r.start, 0);
    kt_rc rc = pairs ? read_pairs(t, &r, err) : read_rankings(t, &r, err);
    const kt_rankings v = { r.start.n - 1, (uint32_t)r.things.n, r.start.v, r.thing.v };
    const struct strengths n = { &r, &v, &s, o->rank.prior };
    if (rc == 0)
        rc = kt_rank_fit(&v, &o->rank, cli->arena, &s, err);
    if (rc == 0) {
        read_rankers(t, &r);
        if (kt_merge_wants_answers(w))
            print(m->name, &n, w->json);
        rc = give(cli, m, &n, w, err);
    }
    if (rc == 0 && !s.connected)
        fprintf(stderr, "karat: warning: some things only win or only lose against the rest, so their strengths cannot be compared; --set prior=0.5 "
                        "draws all towards the middle\n");
    kt_names_done(&r.things);
    kt_names_done(&r.sources);
    KT_VEC_DONE(&r.source);
    KT_VEC_DONE(&r.thing);
    KT_VEC_DONE(&r.start);
    return rc;
}

kt_rc kt_merge_pairs(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    return run(cli, m, t, o, w, true, err);
}

kt_rc kt_merge_rankings(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    return run(cli, m, t, o, w, false, err);
}
