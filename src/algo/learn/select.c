#include "algo/learn/select.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CHUNK_ROWS = 1 << 18 };

static const kt_selector *const table[] = {
#define KT_SELECTOR(name) &kt_select_##name,
#include "algo/learn/selectors.def"
#undef KT_SELECTOR
};

const kt_selector *const *kt_selectors(size_t *ret_n)
{
    *ret_n = KT_LEN(table);
    return table;
}

const kt_selector *kt_selector_find(kt_str name)
{
    for (size_t i = 0; i < KT_LEN(table); i++)
        if (kt_str_eq(name, kt_str_of(table[i]->name)))
            return table[i];
    return NULL;
}

double kt_select_unsure(const float *p, uint32_t n_labels)
{
    float first = 0, second = 0;
    for (uint32_t c = 0; c < n_labels; c++) {
        second = KT_MAX(second, KT_MIN(first, p[c]));
        first = KT_MAX(first, p[c]);
    }
    return 1 - ((double)first - (double)second);
}

struct scored {
    double score;
    uint32_t item;
};

static int best_first(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : (x->item > y->item) - (x->item < y->item);
}

/* Keeps the `want` best in a heap whose root is the worst kept. */
static void offer(struct scored *heap, size_t *n, size_t want, struct scored x)
{
    size_t i;
    if (*n == want) {
        if (best_first(&x, &heap[0]) >= 0)
            return;
        for (i = 0;;) {
            size_t c = 2 * i + 1;
            if (c + 1 < want && best_first(&heap[c + 1], &heap[c]) > 0)
                c++;
            if (c >= want || best_first(&heap[c], &x) <= 0)
                break;
            heap[i] = heap[c];
            i = c;
        }
        heap[i] = x;
        return;
    }
    for (i = (*n)++; i && best_first(&x, &heap[(i - 1) / 2]) > 0; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

typedef struct kept { /* the best of one chunk, a heap */
    struct scored *v;
    size_t n;
    double least; /* what has less is out */
} kept;

typedef struct score_job {
    const kt_selector *s;
    const kt_select_data *d;
    const double *score; /* n_items, or NULL: s->score */
    uint64_t seed;
    size_t room;
    kept *chunk;
    _Atomic double *floor; /* as many as wanted have at least this score, so what is under it is out: only work depends on who was first */
} score_job;

static bool hopeless(const score_job *j, const kept *k, const float *p)
{
    return (double)j->s->bound(p, j->d->n_labels) < k->least;
}

static double score_of(const score_job *j, size_t i, double *row)
{
    const kt_select_data *d = j->d;
    double score;
    if (j->score) {
        score = j->score[i];
    } else {
        for (uint32_t c = 0; c < d->n_labels; c++)
            row[c] = (double)d->prob[i * d->n_labels + c];
        score = j->s->score(row, d->n_labels, kt_mix64(kt_mix64(j->seed) ^ i));
    }
    return round((d->cost ? score / (double)d->cost[i] : score) * 1e10) / 1e10;
}

static void raise_floor(const score_job *j, kept *k)
{
    double was = atomic_load(j->floor);
    if (k->n == j->room)
        k->least = KT_MAX(k->least, k->v[0].score);
    while (was < k->least && !atomic_compare_exchange_weak(j->floor, &was, k->least))
        continue;
    k->least = KT_MAX(k->least, was);
}

static void score_part(void *ctx, size_t part)
{
    const score_job *j = ctx;
    const kt_select_data *d = j->d;
    bool bounded = j->s && j->s->bound && !d->cost;
    kept *k = &j->chunk[part];
    double *row = kt_alloc_array(d->n_labels, sizeof(*row));
    k->v = kt_alloc_array(KT_MIN(j->room, (size_t)CHUNK_ROWS) + 1, sizeof(*k->v));
    k->least = -INFINITY;
    raise_floor(j, k);
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(d->n_items, (part + 1) * CHUNK_ROWS); i++) {
        if ((d->excluded && d->excluded[i]) || (bounded && hopeless(j, k, d->prob + i * d->n_labels)))
            continue;
        offer(k->v, &k->n, j->room, (struct scored){ score_of(j, i, row), (uint32_t)i });
        if (k->n == j->room)
            k->least = KT_MAX(k->least, k->v[0].score);
    }
    raise_floor(j, k);
    kt_free(row);
}

static bool group_seen(const kt_select_data *d, const struct scored *v, const uint32_t *chosen, size_t n, size_t i)
{
    uint64_t g = d->group ? d->group[v[i].item] : 0;
    for (size_t k = 0; g && k < n; k++)
        if (d->group[chosen[k]] == g)
            return true;
    return false;
}

/* The best of all: each chunk keeps its best, and the best of those are chosen. */
static size_t best_of(const kt_selector *s, const kt_select_data *d, const double *score, uint64_t seed, kt_pool *pool, size_t want, uint32_t *ret)
{
    size_t room = d->group ? KT_MIN(d->n_items, 8 * want) : KT_MIN(d->n_items, want), n_chunks = (d->n_items + CHUNK_ROWS - 1) / CHUNK_ROWS;
    _Atomic double floor = -INFINITY;
    score_job j = { score ? NULL : s, d, score, seed, room, kt_zalloc_array(n_chunks + 1, sizeof(kept)), &floor };
    if (room)
        kt_pool_run(pool, n_chunks, score_part, &j);
    struct scored *all = kt_alloc_array(room + 1, sizeof(*all));
    size_t n = 0, n_chosen = 0;
    for (size_t c = 0; c < n_chunks && room; c++) {
        for (size_t i = 0; i < j.chunk[c].n; i++)
            offer(all, &n, room, j.chunk[c].v[i]);
        kt_free(j.chunk[c].v);
    }
    qsort(all, n, sizeof(*all), best_first);
    for (size_t i = 0; i < n && n_chosen < want; i++)
        if (!group_seen(d, all, ret, n_chosen, i))
            ret[n_chosen++] = all[i].item;
    kt_free(all);
    kt_free(j.chunk);
    return n_chosen;
}

size_t kt_select_best(const kt_select_data *d, const double *score, size_t want, uint32_t *ret_item)
{
    return best_of(NULL, d, score, 0, NULL, want, ret_item);
}

static kt_rc check_needs(const kt_selector *s, const kt_select_data *d, kt_err *err)
{
    const char *lacks = (s->needs & KT_SELECT_X) && !d->x                                          ? "the items' features"
                        : (s->needs & KT_SELECT_COMMITTEE) && (!d->committee || d->n_members < 2)  ? "at least two models' probabilities"
                        : (s->needs & KT_SELECT_COUNTS) && !d->n_of_label                          ? "how many labels there are of each"
                        : (s->needs & KT_SELECT_ANSWERS) && (!d->label || !d->n_answers)           ? "the answers so far"
                                                                                                   : NULL;
    return lacks ? kt_fail(err, KT_USAGE, "strategy %s needs %s", s->name, lacks) : KT_OK;
}

kt_rc kt_select(const kt_selector *s, const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want, uint32_t *ret_item, size_t *ret_n,
                kt_err *err)
{
    KT_TRY(check_needs(s, d, err));
    double *score = NULL;
    if (s->scores) {
        score = kt_alloc_array(d->n_items + 1, sizeof(*score));
        s->scores(d, seed, pool, score);
    }
    *ret_n = s->choose ? s->choose(d, seed, pool, want, ret_item) : best_of(s, d, score, seed, pool, want, ret_item);
    kt_free(score);
    return 0;
}
