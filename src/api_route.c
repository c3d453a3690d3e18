/* The public API: what a machine may decide alone. */
#include "api_int.h"

#include "algo/route/confidence.h"
#include "algo/route/route.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

static kt_rc check_scores(const karat_scores *d, kt_err *err)
{
    KT_TRY(kt_api_given(d, 1, "the scores", err));
    KT_TRY(kt_api_given(d->score, d->n, "score", err));
    KT_TRY(kt_api_given(d->trusted_score, d->n_trusted, "trusted_score", err));
    KT_TRY(kt_api_given(d->trusted_right, d->n_trusted, "trusted_right", err));
    KT_TRY(kt_api_fits(d->n, 32, "items", err));
    return kt_api_fits(d->n_trusted, 64, "trusted items", err);
}

static kt_threshold_data data_of(const karat_scores *d)
{
    return (kt_threshold_data){ d->n, d->score, d->n_trusted, d->trusted_score, d->trusted_right };
}

karat_rc karat_threshold(const karat_scores *d, const uint32_t *part, const uint32_t *trusted_part, const double *budget, uint32_t n_parts,
                         double confidence, karat_approval *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_rc rc = check_scores(d, &e);
    if (rc == 0 && (n_parts == 0 || d->n == 0))
        rc = kt_fail(&e, KT_RANGE, "%zu items in %u parts; expected one at least", d->n, n_parts);
    if (rc == 0)
        rc = kt_api_given(budget, n_parts, "budget", &e);
    if (rc == 0 && n_parts > 1)
        rc = kt_api_given(part, d->n, "part", &e);
    if (rc == 0 && n_parts > 1)
        rc = kt_api_given(trusted_part, d->n_trusted, "trusted_part", &e);
    if (rc == 0)
        rc = kt_api_fits(n_parts, sizeof(kt_cell), "parts", &e);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    kt_cell *cell = kt_zalloc_array(n_parts, sizeof(*cell));
    kt_cells_data x = { n_parts, budget, d->n, d->score, n_parts > 1 ? part : NULL, d->n_trusted, d->trusted_score, n_parts > 1 ? trusted_part : NULL,
                        d->trusted_right };
    rc = kt_cells_find(&x, KT_ROUTE_THRESHOLD, 1 - confidence, cell, &e);
    for (uint32_t c = 0; c < n_parts && rc == 0; c++) {
        const kt_cell *v = &cell[c];
        ret[c] = (karat_approval){ v->found, v->found ? v->score : NAN, v->budget, 1 - v->delta, v->n_pool, v->n_approved, v->n_cell_trusted,
                                   v->n_trusted,
                                   v->n_wrong, v->found ? v->error : NAN, v->found ? v->upper : NAN, v->n_more };
    }
    kt_free(cell);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_threshold_weighted(const karat_scores *d, const double *trusted_weight, double most_weight, double budget, double confidence,
                                  karat_approval *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_weighted w;
    kt_rc rc = check_scores(d, &e);
    if (rc == 0)
        rc = kt_api_given(trusted_weight, d->n_trusted, "trusted_weight", &e);
    if (rc == 0) {
        kt_threshold_data x = data_of(d);
        kt_threshold_options o = { budget, 1 - confidence, 0 };
        rc = kt_weighted_find(&x, trusted_weight, most_weight, &o, &w, &e);
    }
    if (rc == 0)
        *ret = (karat_approval){ w.found, w.found ? w.score : NAN, budget, confidence, d->n, (uint64_t)llround(w.coverage * (double)d->n), d->n_trusted,
                                 w.n_trusted, w.n_wrong, w.error, w.found ? w.upper : NAN, 0 };
    return kt_api_end(rc, &e, err);
}

karat_rc karat_conformal_select(const karat_scores *d, double budget, karat_approval *ret, double *ret_p, karat_error *err)
{
    kt_err e = { 0 };
    kt_conformal s;
    kt_rc rc = check_scores(d, &e);
    if (rc == 0) {
        kt_threshold_data x = data_of(d);
        rc = kt_conformal_find(&x, budget, &s, ret_p, &e);
    }
    if (rc == 0)
        *ret = (karat_approval){ s.found, s.found ? s.score : NAN, budget, NAN, d->n, s.n_selected, d->n_trusted, s.n_trusted, s.n_wrong,
                                 s.n_trusted ? s.n_wrong / (double)s.n_trusted : NAN, NAN, 0 };
    return kt_api_end(rc, &e, err);
}

karat_rc karat_confidence_sequence(const uint8_t *wrong, size_t n, uint64_t size, double confidence, double *ret_low, double *ret_high,
                                   karat_error *err)
{
    kt_err e = { 0 };
    kt_confidence c = { 0 };
    kt_rc rc = kt_api_given(wrong, n, "wrong", &e);
    if (rc == 0 && size > 0 && n > size)
        rc = kt_fail(&e, KT_RANGE, "%zu answers about a batch of %llu items", n, (unsigned long long)size);
    if (rc == 0)
        rc = kt_confidence_begin(size, 1 - confidence, &c, &e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = kt_confidence_add(&c, wrong[i] != 0, &e);
        if (ret_low)
            ret_low[i] = c.low;
        if (ret_high)
            ret_high[i] = c.high;
    }
    return kt_api_end(rc, &e, err);
}

static kt_rc method_of(const char *name, int *ret, kt_err *err)
{
    for (*ret = 0; *ret < KT_CALIBRATE__COUNT; ++*ret)
        if (kt_str_eq(kt_str_of(name), kt_str_of(kt_calibrate_name((kt_calibrate_method)*ret))))
            return 0;
    return kt_fail(err, KT_USAGE, "there is no calibration %.80s; there are none, temperature, platt, beta, isotonic and histogram", name);
}

karat_rc karat_calibrate(karat_context *ctx, const float *trusted_score, const uint8_t *trusted_right, size_t n_trusted, const char *method,
                         uint64_t seed, const float *score, size_t n, float *ret, const char **ret_method, karat_error *err)
{
    kt_err e = { 0 };
    kt_calibration c;
    int m = 0;
    kt_rc rc = kt_api_given(trusted_score, n_trusted, "trusted_score", &e);
    if (rc == 0)
        rc = kt_api_given(trusted_right, n_trusted, "trusted_right", &e);
    if (rc == 0)
        rc = kt_api_given(score, n, "score", &e);
    if (rc == 0)
        rc = kt_api_fits(n_trusted, 64, "trusted items", &e);
    if (rc == 0 && method)
        rc = method_of(method, &m, &e);
    if (rc == 0)
        rc = method ? kt_calibrate_fit((kt_calibrate_method)m, trusted_score, trusted_right, n_trusted, &c, &e)
                    : kt_calibrate_choose(trusted_score, trusted_right, n_trusted, seed, &c, NULL, &e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (!(score[i] >= 0 && score[i] <= 1))
            rc = kt_fail(&e, KT_RANGE, "score %zu is %g, not within 0 and 1", i, (double)score[i]);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        kt_calibrate_apply_all(&c, score, n, pool, ret);
        kt_api_give(ctx, pool);
        if (ret_method)
            *ret_method = kt_calibrate_name(c.method);
    }
    return kt_api_end(rc, &e, err);
}
