#include "algo/errors/errors_sources.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

struct search {
    const uint8_t *right;
    const kt_drift_opts *o;
    double *xlogx;     /* i log i, up to n */
    uint8_t *shuffled; /* n */
    KT_VEC(kt_change) found;
};

/* Log likelihood of x right among n at their own rate. */
static double likelihood(const struct search *s, size_t x, size_t n)
{
    return s->xlogx[x] + s->xlogx[n - x] - s->xlogx[n];
}

/* Largest log likelihood over all splits that leave `least` on either side; *ret_at: where. */
static double best_split(const struct search *s, const uint8_t *v, size_t n, size_t total, size_t *ret_at)
{
    double best = -INFINITY;
    size_t x = 0, least = s->o->least;
    for (size_t i = 0; i + least <= n; i++) {
        double here = i < least ? -INFINITY : likelihood(s, x, i) + likelihood(s, total - x, n - i);
        if (here > best) {
            best = here;
            *ret_at = i;
        }
        x += v[i] != 0;
    }
    return best;
}

/* Fisher and Yates. */
static void shuffle(uint8_t *v, size_t n, kt_rng *r)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = kt_rng_below(r, i);
        uint8_t x = v[i - 1];
        v[i - 1] = v[j];
        v[j] = x;
    }
}

static void segment(struct search *s, size_t from, size_t to)
{
    size_t n = to - from, total = 0, at = 0, ignored = 0;
    uint32_t beyond = 0;
    if (n < 2 * s->o->least)
        return;
    for (size_t i = 0; i < n; i++)
        total += s->shuffled[i] = s->right[from + i] != 0;
    double best = best_split(s, s->right + from, n, total, &at);
    kt_rng r = kt_rng_keyed(s->o->seed, from, to);
    double most = s->o->level * (s->o->permutations + 1.0); /* more beyond it cannot be accepted: no need to go on */
    for (uint32_t p = 0; p < s->o->permutations && beyond + 1.0 <= most; p++) {
        shuffle(s->shuffled, n, &r);
        beyond += best_split(s, s->shuffled, n, total, &ignored) >= best - 1e-9;
    }
    double p_value = (beyond + 1.0) / (s->o->permutations + 1.0);
    if (p_value > s->o->level)
        return;
    segment(s, from, from + at);
    KT_PUSH(&s->found, (kt_change){ .at = from + at, .p_value = p_value });
    segment(s, from + at, to);
}

static double rate(const uint8_t *right, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += right[i] != 0;
    return sum / (double)(to - from);
}

kt_rc kt_drift(const uint8_t *right, size_t n, const kt_drift_opts *o, kt_arena *a, kt_change **ret, size_t *ret_n, kt_err *err)
{
    if (o->least == 0 || !(o->level > 0 && o->level < 1) || o->permutations == 0)
        return kt_fail(err, KT_RANGE, "changes need at least 1 answer between them, a level inside 0 to 1 and a permutation");
    struct search s = { .right = right, .o = o, .xlogx = kt_alloc_array(n + 1, sizeof(double)), .shuffled = kt_alloc_array(n + 1, 1) };
    s.xlogx[0] = 0;
    for (size_t i = 1; i <= n; i++)
        s.xlogx[i] = (double)i * log((double)i);
    segment(&s, 0, n);
    *ret = kt_arena_array(a, s.found.n + 1, sizeof(**ret));
    *ret_n = s.found.n;
    for (size_t i = 0; i < s.found.n; i++) {
        (*ret)[i] = s.found.v[i];
        (*ret)[i].before = rate(right, i ? s.found.v[i - 1].at : 0, s.found.v[i].at);
        (*ret)[i].after = rate(right, s.found.v[i].at, i + 1 < s.found.n ? s.found.v[i + 1].at : n);
    }
    KT_VEC_DONE(&s.found);
    kt_free(s.xlogx);
    kt_free(s.shuffled);
    return 0;
}
