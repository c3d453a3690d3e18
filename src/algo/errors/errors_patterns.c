#include "algo/errors/errors_sources.h"

#include "algo/agree/agree.h"
#include "algo/merge/vote_index.h"
#include "base/limits.h"
#include "base/mem.h"

#include <math.h>

#define LEAST_COMPARED 20
#define CONSTANT_SHARE 0.98
#define RANDOM_KAPPA 0.2
#define MOST_LAG 12
#define CYCLE_Z 6.0
#define CYCLE_SHARE 0.9

/* Majority of an item's votes without those of source s; -1: none, or a tie. count: n_labels zeros, left zeros. */
static int32_t majority_without(const kt_votes *v, const size_t *order, size_t from, size_t to, uint32_t s, uint32_t *count)
{
    uint32_t most = 0, winners = 0;
    int32_t best = -1;
    for (size_t q = from; q < to; q++)
        if (v->label[order[q]] >= 0 && v->source[order[q]] != s)
            count[v->label[order[q]]]++;
    for (size_t q = from; q < to; q++) {
        int32_t l = v->label[order[q]];
        if (l < 0 || v->source[order[q]] == s || count[l] == 0)
            continue;
        winners = count[l] > most ? 1 : winners + (count[l] == most);
        best = count[l] > most ? l : best;
        most = KT_MAX(most, count[l]);
        count[l] = 0; /* each label once; the rest of its votes are passed over */
    }
    return winners == 1 ? best : -1;
}

struct looking {
    const kt_votes *v;
    kt_vote_index x;
    uint32_t *count, *table, *own, *others;
};

/* How often the source's labels equal those lag before, where they repeat most beyond chance. */
static void find_cycle(const struct looking *w, uint32_t s, kt_source_pattern *p)
{
    const kt_votes *v = w->v;
    const size_t *at = w->x.source_order + w->x.source_start[s];
    size_t n = 0, m = w->x.source_start[s + 1] - w->x.source_start[s];
    int32_t *label = kt_alloc_array(m + 1, sizeof(*label));
    double chance = 0;
    for (size_t q = 0; q < m; q++)
        if (v->label[at[q]] >= 0)
            label[n++] = v->label[at[q]];
    for (uint32_t c = 0; c < v->n_labels && n; c++)
        chance += (double)w->own[c] * w->own[c] / ((double)n * (double)n);
    for (size_t lag = 1; lag <= MOST_LAG && n > lag + LEAST_COMPARED && chance < 1; lag++) {
        double pairs = (double)(n - lag), same = 0;
        for (size_t i = lag; i < n; i++)
            same += label[i] == label[i - lag];
        double z = (same / pairs - chance) / sqrt(chance * (1 - chance) / pairs);
        if (z > p->cycle_z) {
            p->cycle_z = z;
            p->cycle_lag = (uint32_t)lag;
            p->cycle_share = same / pairs;
        }
    }
    kt_free(label);
}

static void compare(const struct looking *w, uint32_t s, kt_source_pattern *p)
{
    const kt_votes *v = w->v;
    uint32_t k = v->n_labels, top = 0, others_n = 0, others_top = 0;
    memset(w->table, 0, (size_t)k * k * sizeof(*w->table));
    memset(w->own, 0, k * sizeof(*w->own));
    memset(w->others, 0, k * sizeof(*w->others));
    for (size_t q = w->x.source_start[s]; q < w->x.source_start[s + 1]; q++) {
        size_t mine = w->x.source_order[q];
        uint32_t item = v->item[mine];
        if (v->label[mine] < 0)
            continue;
        int32_t rest = majority_without(v, w->x.item_order, w->x.item_start[item], w->x.item_start[item + 1], s, w->count);
        p->votes++;
        w->own[v->label[mine]]++;
        if (rest < 0)
            continue;
        p->compared++;
        w->others[rest]++;
        others_n++;
        w->table[(size_t)v->label[mine] * k + (size_t)rest]++;
    }
    for (uint32_t c = 0; c < k; c++) {
        if (w->own[c] > top) {
            top = w->own[c];
            p->top_label = (int32_t)c;
        }
        others_top = KT_MAX(others_top, w->others[c]);
    }
    p->top_share = p->votes ? (double)top / p->votes : NAN;
    p->others_top_share = others_n ? (double)others_top / others_n : NAN;
    kt_agree_result r = { 0 };
    kt_cohen_of_table(w->table, k, KT_COHEN_NONE, &r);
    p->kappa = r.value;
    p->kappa_ci95[0] = r.ci95[0];
    p->kappa_ci95[1] = r.ci95[1];
}

static int judge(const kt_source_pattern *p)
{
    int flags = p->cycle_z > CYCLE_Z && p->cycle_share > CYCLE_SHARE && p->cycle_lag > 1 ? KT_PATTERN_CYCLE : 0;
    if (p->compared < LEAST_COMPARED)
        return flags;
    if (p->top_share >= CONSTANT_SHARE && p->others_top_share < 0.9)
        return flags | KT_PATTERN_CONSTANT;
    if (p->kappa_ci95[1] < 0)
        return flags | KT_PATTERN_OPPOSED;
    return flags | (p->kappa_ci95[1] < RANDOM_KAPPA ? KT_PATTERN_RANDOM : 0);
}

kt_rc kt_source_patterns(const kt_votes *v, kt_source_pattern *ret, kt_err *err)
{
    KT_TRY(kt_votes_check(v, err));
    size_t k = v->n_labels;
    if (k > KT_MAX_LABELS)
        return kt_fail(err, KT_LIMIT, "%zu labels; up to %d", k, KT_MAX_LABELS);
    struct looking w = { .v = v, .count = kt_zalloc_array(k + 1, sizeof(uint32_t)), .table = kt_alloc_array(k * k + 1, sizeof(uint32_t)),
                         .own = kt_alloc_array(k + 1, sizeof(uint32_t)), .others = kt_alloc_array(k + 1, sizeof(uint32_t)) };
    kt_vote_index_make(v, &w.x);
    for (uint32_t s = 0; s < v->n_sources; s++) {
        ret[s] = (kt_source_pattern){ .top_label = -1 };
        compare(&w, s, &ret[s]);
        find_cycle(&w, s, &ret[s]);
        ret[s].flags = judge(&ret[s]);
    }
    kt_vote_index_done(&w.x);
    kt_free(w.count);
    kt_free(w.table);
    kt_free(w.own);
    kt_free(w.others);
    return 0;
}
