/* The public API: errors in labels. */
#include "api_int.h"

#include "algo/errors/errors.h"
#include "algo/errors/errors_outliers.h"
#include "algo/errors/errors_rate.h"
#include "algo/errors/errors_sources.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

static kt_rc place_of(const char *name, const char *const *names, const char *what, int *ret, kt_err *err)
{
    for (int i = 0; names[i]; i++)
        if (!name ? i == 0 : kt_str_eq(kt_str_of(name), kt_str_of(names[i]))) {
            *ret = i;
            return 0;
        }
    return kt_fail(err, KT_USAGE, "there is no %s %.80s", what, name);
}

static kt_rc data_of(const karat_label_probs *d, kt_label_probs *ret, kt_err *err)
{
    if (!d || (d->type != KARAT_F32 && d->type != KARAT_F64))
        return kt_fail(err, KT_RANGE, "probabilities are float or double");
    size_t size = d->type == KARAT_F32 ? sizeof(float) : sizeof(double);
    KT_TRY(kt_api_given(d->label, d->n, "label", err));
    KT_TRY(kt_api_given(d->prob, d->n, "prob", err));
    KT_TRY(kt_api_fits(d->n, 4 * sizeof(double), "items", err));
    if (d->n > 1 && (d->row_stride / size < d->n_labels || d->row_stride % size != 0))
        return kt_fail(err, KT_RANGE, "rows of %u numbers are %zu bytes apart", d->n_labels, d->row_stride);
    *ret = (kt_label_probs){ d->n, d->n_labels, d->label, d->prob, d->type == KARAT_F32, d->row_stride };
    return 0;
}

karat_rc karat_label_issues(karat_context *ctx, const karat_label_probs *data, const char *filter, uint8_t *ret_issue, size_t *ret_n, karat_error *err)
{
    kt_err e = { 0 };
    kt_label_probs d;
    kt_confident c;
    int f = 0;
    size_t n = 0;
    kt_rc rc = data_of(data, &d, &e);
    if (rc == 0)
        rc = place_of(filter, kt_error_filter_names, "filter", &f, &e);
    if (rc == 0) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_confident_fit(&d, pool, &a, &c, &e);
        if (rc == 0)
            kt_confident_issues(&d, &c, (kt_error_filter)f, pool, ret_issue, &n);
        kt_api_give(ctx, pool);
    }
    if (rc == 0 && ret_n)
        *ret_n = n;
    return kt_api_end(rc, &e, err);
}

karat_rc karat_label_quality(karat_context *ctx, const karat_label_probs *data, const char *quality, double *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_label_probs d;
    int q = 0;
    kt_rc rc = data_of(data, &d, &e);
    if (rc == 0)
        rc = place_of(quality, kt_label_quality_names, "quality", &q, &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_label_probs_check(&d, pool, &e);
        if (rc == 0)
            kt_label_quality_of(&d, (kt_label_quality)q, pool, ret);
        kt_api_give(ctx, pool);
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_confident_joint(karat_context *ctx, const karat_label_probs *data, double *ret_threshold, int64_t *ret_raw, int64_t *ret_joint,
                               size_t *ret_off_diagonal, karat_error *err)
{
    kt_err e = { 0 };
    kt_label_probs d;
    kt_confident c;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rc rc = data_of(data, &d, &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_confident_fit(&d, pool, &a, &c, &e);
        kt_api_give(ctx, pool);
    }
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    size_t kk = (size_t)d.n_labels * d.n_labels;
    if (ret_threshold && d.n_labels)
        memcpy(ret_threshold, c.threshold, d.n_labels * sizeof(double));
    for (size_t i = 0; ret_raw && i < kk; i++)
        ret_raw[i] = (int64_t)c.raw[i];
    if (ret_joint && kk)
        memcpy(ret_joint, c.joint, kk * sizeof(int64_t));
    if (ret_off_diagonal)
        *ret_off_diagonal = c.off_diagonal;
    return KARAT_OK;
}

karat_rc karat_group_quality(const double *score, size_t n, const size_t *start, size_t n_groups, double temperature, double *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_rc rc = temperature >= 0 ? 0 : kt_fail(&e, KT_RANGE, "temperature is %g; expected 0 or more", temperature);
    for (size_t g = 0; g < n_groups && rc == 0; g++)
        if (start[g] > start[g + 1] || start[g + 1] > n)
            rc = kt_fail(&e, KT_RANGE, "group %zu goes from %zu to %zu of %zu scores", g, start[g], start[g + 1], n);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (isnan(score[i]))
            rc = kt_fail(&e, KT_RANGE, "score %zu is no number", i);
    if (rc == 0)
        kt_group_quality(score, start, n_groups, temperature, ret);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_multilabel_quality(const uint8_t *given, const double *prob, size_t n, uint32_t n_labels, double *ret, karat_error *err)
{
    kt_err e = { 0 };
    return kt_api_end(kt_multilabel_quality(given, prob, n, n_labels, ret, &e), &e, err);
}

karat_rc karat_value_errors(const double *given, const double *predicted, size_t n, double *ret_z, karat_error *err)
{
    kt_err e = { 0 };
    return kt_api_end(kt_value_errors(given, predicted, n, ret_z, &e), &e, err);
}

karat_rc karat_duplicate_errors(const int32_t *label, const int64_t *cluster, size_t n, uint8_t *ret_issue, size_t *ret_n, karat_error *err)
{
    kt_err e = { 0 };
    size_t found;
    kt_rc rc = kt_duplicate_errors(label, cluster, n, ret_issue, &found, &e);
    if (rc == 0 && ret_n)
        *ret_n = found;
    return kt_api_end(rc, &e, err);
}

karat_rc karat_outliers(karat_context *ctx, const float *x, size_t n, size_t d, const karat_outlier_options *options, double *ret_distance,
                        size_t *ret_nearest, double *ret_z, karat_error *err)
{
    kt_err e = { 0 };
    kt_outlier_opts o = KT_OUTLIER_OPTS_INIT;
    KT_API_OPTIONS(karat_outlier_options, given, options);
    int metric = 0;
    kt_rc rc = place_of(given.metric, kt_metric_names, "metric", &metric, &e);
    if (rc == 0)
        rc = kt_api_given(x, n && d, "x", &e);
    if (rc == 0 && d && n > SIZE_MAX / d)
        rc = kt_fail(&e, KT_NOMEM, "%zu items of %zu features", n, d);
    if (rc == 0)
        rc = kt_api_fits(n * d + n, 3 * sizeof(double), "features", &e);
    o.neighbours = given.neighbours ? given.neighbours : o.neighbours;
    o.metric = (kt_metric)metric;
    o.sample = given.sample ? given.sample : o.sample;
    o.seed = given.seed;
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_outlier_distances(x, n, d, &o, pool, ret_distance, ret_nearest, ret_z, &e);
        kt_api_give(ctx, pool);
    }
    return kt_api_end(rc, &e, err);
}

static kt_boxes boxes_of(const karat_boxes *b)
{
    _Static_assert(sizeof(kt_xyxy) == 4 * sizeof(double), "four numbers a box");
    return (kt_boxes){ b->n, b->start, (const kt_xyxy *)(const void *)b->xyxy, b->label, b->score };
}

karat_rc karat_box_quality(karat_context *ctx, const karat_boxes *given, const karat_boxes *predicted, double *ret_overlooked, double *ret_badloc,
                           double *ret_swap, double *ret_image, karat_error *err)
{
    kt_err e = { 0 };
    kt_rc rc = 0;
    if (!given || !predicted || !given->start || !predicted->start || !predicted->score)
        rc = kt_fail(&e, KT_RANGE, "boxes, their starts or the predictions' scores are missing");
    if (rc == 0) {
        kt_boxes g = boxes_of(given), p = boxes_of(predicted);
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_box_quality(&g, &p, pool, ret_overlooked, ret_badloc, ret_swap, ret_image, &e);
        kt_api_give(ctx, pool);
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_error_rate(const uint8_t *wrong, size_t n, const uint32_t *stratum, const uint64_t *stratum_items, uint32_t n_strata,
                          const double *chance, karat_rate *ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_error_rate r;
    kt_rc rc = 0;
    if (stratum && chance)
        rc = kt_fail(&e, KT_USAGE, "strata and chances of being drawn are two designs; one sample has one");
    else if (stratum)
        rc = kt_api_given(stratum_items, n_strata, "stratum_items", &e);
    if (rc == 0 && stratum)
        rc = kt_error_rate_stratified(wrong, stratum, n, stratum_items, n_strata, &r, &e);
    else if (rc == 0 && chance)
        rc = kt_error_rate_weighted(wrong, chance, n, &r, &e);
    else if (rc == 0)
        kt_error_rate_of(wrong, n, &r);
    if (rc == 0)
        *ret = (karat_rate){ r.rate, r.ci95[0], r.ci95[1], r.effective_n };
    return kt_api_end(rc, &e, err);
}

karat_rc karat_drift(const uint8_t *right, size_t n, size_t least, double level, uint32_t permutations, uint64_t seed, karat_change **ret_changes,
                     size_t *ret_n, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_change *c;
    size_t found = 0;
    kt_rc rc = kt_drift(right, n, &(kt_drift_opts){ least, level, permutations, seed }, &a, &c, &found, &e);
    if (rc == 0) {
        karat_change *out = kt_alloc_array(found + 1, sizeof(*out));
        for (size_t i = 0; i < found; i++)
            out[i] = (karat_change){ c[i].at, c[i].before, c[i].after, c[i].p_value };
        *ret_changes = out;
        *ret_n = found;
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_source_patterns(const karat_votes *votes, karat_pattern *ret, karat_error *err)
{
    _Static_assert(KARAT_CONSTANT == (int)KT_PATTERN_CONSTANT && KARAT_CYCLE == (int)KT_PATTERN_CYCLE, "the same flags inside and out");
    kt_err e = { 0 };
    kt_votes v;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    kt_source_pattern *p = kt_alloc_array((size_t)v.n_sources + 1, sizeof(*p));
    rc = kt_source_patterns(&v, p, &e);
    for (uint32_t s = 0; rc == 0 && s < v.n_sources; s++)
        ret[s] = (karat_pattern){ p[s].votes, p[s].compared, p[s].kappa, p[s].kappa_ci95[0], p[s].kappa_ci95[1], p[s].top_label, p[s].top_share,
                                  p[s].others_top_share, p[s].cycle_lag, p[s].cycle_share, p[s].cycle_z, p[s].flags };
    kt_free(p);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_find_collusion(const karat_votes *votes, const int32_t *consensus, uint32_t least, double level, karat_collusion **ret_pairs,
                              size_t *ret_n, karat_error *err)
{
    kt_err e = { 0 };
    kt_votes v;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_collusion *c;
    size_t found = 0;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc == 0)
        rc = kt_api_given(consensus, v.n_items, "consensus", &e);
    if (rc == 0)
        rc = kt_find_collusion(&v, consensus, least, level, &a, &c, &found, &e);
    if (rc == 0) {
        karat_collusion *out = kt_alloc_array(found + 1, sizeof(*out));
        for (size_t i = 0; i < found; i++)
            out[i] = (karat_collusion){ c[i].a, c[i].b, c[i].shared, c[i].agreed, c[i].expected, c[i].z, c[i].q_value };
        *ret_pairs = out;
        *ret_n = found;
    }
    return kt_api_end(rc, &e, err);
}
