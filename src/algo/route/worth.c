/* Each draw has random numbers of its own, so any number of threads gives the same forecast. The pool is looked at through at most
   POOL of its scores, at even steps. */
#include "algo/route/route.h"

#include "algo/nth.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>

enum { POOL = 10000, MOST = 20000 };

struct forecast {
    const kt_threshold_data *d;
    const kt_threshold_options *o;
    kt_calibrate_method method;
    float *pool;
    size_t n_pool, n_more;
    double level;
    uint64_t seed;
    double *coverage, *upper; /* a draw each; NaN: nothing approved */
};

/* The curve of right answers over the scores, as a bootstrap of the trusted items has it. */
static kt_calibration curve(const struct forecast *f, kt_rng *g)
{
    kt_calibration c = { .method = KT_CALIBRATE_NONE };
    size_t n = f->d->n_trusted;
    kt_err none = { 0 };
    float *s = kt_alloc_array(n + 1, sizeof(*s));
    uint8_t *right = kt_alloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        size_t k = kt_rng_below(g, n);
        s[i] = f->d->trusted_score[k];
        right[i] = f->d->trusted_right[k];
    }
    if (f->method != KT_CALIBRATE_NONE && n && kt_calibrate_fit(f->method, s, right, n, &c, &none) < 0)
        c = (kt_calibration){ .method = KT_CALIBRATE_NONE };
    kt_free(s);
    kt_free(right);
    return c;
}

static void one_draw(void *ctx, size_t draw)
{
    struct forecast *f = ctx;
    kt_rng g = kt_rng_keyed(f->seed, f->n_more, draw);
    kt_calibration c = curve(f, &g);
    size_t n = f->d->n_trusted, all = n + f->n_more;
    float *s = kt_alloc_array(all + 1, sizeof(*s));
    uint8_t *right = kt_alloc(all + 1);
    kt_threshold *t = kt_alloc(sizeof(*t));
    if (n) {
        memcpy(s, f->d->trusted_score, n * sizeof(*s));
        memcpy(right, f->d->trusted_right, n);
    }
    for (size_t i = n; i < all; i++) {
        s[i] = f->pool[kt_rng_below(&g, f->n_pool)];
        right[i] = kt_rng_unit(&g) < kt_calibrate_apply(&c, (double)s[i]);
    }
    kt_threshold_data d = { f->n_pool, f->pool, all, s, right };
    kt_threshold_options o = { f->o->budget, f->o->delta, f->level };
    kt_err none = { 0 };
    bool found = kt_threshold_find(&d, &o, t, &none) == 0 && t->found;
    f->coverage[draw] = found ? t->coverage : 0;
    f->upper[draw] = found ? t->upper : NAN;
    kt_free(s);
    kt_free(right);
    kt_free(t);
}

static int up(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static kt_worth sum_up(struct forecast *f, uint32_t n_draws)
{
    kt_worth w = { .n_more = f->n_more };
    double upper = 0;
    for (uint32_t i = 0; i < n_draws; i++) {
        w.coverage += f->coverage[i] / n_draws;
        w.found += isnan(f->upper[i]) ? 0 : 1.0 / n_draws;
        upper += isnan(f->upper[i]) ? 0 : f->upper[i] / n_draws;
    }
    qsort(f->coverage, n_draws, sizeof(double), up);
    w.low = f->coverage[n_draws / 10];
    w.high = f->coverage[n_draws - 1 - n_draws / 10];
    w.upper = w.found > 0 ? upper / w.found : NAN;
    return w;
}

kt_rc kt_worth_of(const kt_threshold_data *d, const kt_threshold_options *o, const size_t *n_more, size_t n, uint32_t n_draws, uint64_t seed,
                  kt_pool *pool, kt_worth *ret, kt_err *err)
{
    kt_threshold *now = kt_alloc(sizeof(*now));
    kt_rc rc = kt_threshold_find(d, o, now, err); /* refuses what cannot be */
    kt_free(now);
    KT_TRY(rc);
    struct forecast f = { .d = d, .o = o, .seed = seed, .n_pool = KT_MIN(d->n_pool, (size_t)POOL) };
    kt_calibration best = { .method = KT_CALIBRATE_NONE };
    if (d->n_trusted)
        KT_TRY(kt_calibrate_choose(d->trusted_score, d->trusted_right, d->n_trusted, seed, &best, NULL, err));
    f.method = best.method;
    float *sorted = kt_alloc_array(d->n_pool, sizeof(*sorted));
    memcpy(sorted, d->pool_score, d->n_pool * sizeof(*sorted));
    kt_sort_floats(sorted, d->n_pool);
    f.pool = kt_alloc_array(f.n_pool, sizeof(*f.pool));
    for (size_t i = 0; i < f.n_pool; i++)
        f.pool[i] = sorted[(size_t)((double)i / (double)f.n_pool * (double)d->n_pool)];
    kt_free(sorted);
    f.coverage = kt_alloc_array(n_draws + 1, sizeof(double));
    f.upper = kt_alloc_array(n_draws + 1, sizeof(double));
    for (size_t i = 0; i < n && rc == 0; i++) {
        f.n_more = n_more[i];
        if (n_draws == 0 || d->n_trusted + f.n_more > MOST) {
            rc = kt_fail(err, KT_RANGE, "a forecast for %zu trusted items; expected at most %d, and a draw at least", d->n_trusted + f.n_more, MOST);
            break;
        }
        f.level = d->n_trusted + f.n_more ? kt_threshold_level(d->n_trusted + f.n_more, o) : 0;
        kt_pool_run(pool, n_draws, one_draw, &f);
        ret[i] = sum_up(&f, n_draws);
    }
    kt_free(f.pool);
    kt_free(f.coverage);
    kt_free(f.upper);
    return rc;
}
