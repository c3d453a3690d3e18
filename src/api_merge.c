/* The public API: merging what is no vote among classes. */
#include "api_int.h"

#include "algo/merge/crowdlab.h"
#include "algo/denoise/denoise.h"
#include "algo/mask.h"
#include "algo/merge/rank.h"
#include "algo/merge/rover.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

static kt_rc denoise_options(const karat_denoise_options *given, kt_denoise_opts *ret, kt_err *err)
{
    static const char *const names[] = { "em", "moments", "majority" }; /* kt_denoise_method */
    KT_API_OPTIONS(karat_denoise_options, o, given);
    *ret = (kt_denoise_opts)KT_DENOISE_OPTS_INIT;
    size_t m = 0;
    while (o.method && m < KT_LEN(names) && !kt_str_eq(kt_str_of(o.method), kt_str_of(names[m])))
        m++;
    if (m == KT_LEN(names))
        return kt_fail(err, KT_USAGE, "there is no method %.80s; there are em, moments and majority", o.method);
    ret->method = (kt_denoise_method)m;
    ret->class_balance = o.class_balance;
    ret->dependence = o.dependence != 0;
    ret->abstain = !o.ignore_abstentions;
    ret->n_iter = o.n_iter > 0 ? o.n_iter : ret->n_iter;
    ret->n_epochs = o.n_epochs > 0 ? o.n_epochs : ret->n_epochs;
    ret->lr = o.lr > 0 ? o.lr : ret->lr;
    ret->prec_init = o.prec_init > 0 ? o.prec_init : ret->prec_init;
    ret->init_scale = o.init_scale > 0 ? o.init_scale : ret->init_scale;
    return 0;
}

static kt_rc check_balance(const double *balance, uint32_t n_labels, kt_err *err)
{
    double sum = 0;
    for (uint32_t k = 0; balance && k < n_labels; k++) {
        if (!(balance[k] >= 0))
            return kt_fail(err, KT_RANGE, "class balance %u is %g", k, balance[k]);
        sum += balance[k];
    }
    if (balance && !(sum > 1 - 1e-6 && sum < 1 + 1e-6))
        return kt_fail(err, KT_RANGE, "the class balance sums to %g, not to 1", sum);
    return 0;
}

static kt_rc denoise(karat_context *ctx, const kt_lf_columns *v, const karat_denoise_options *options, kt_arena *a, float *ret_prob,
                     kt_label_model *ret, kt_err *err)
{
    kt_denoise_opts o;
    KT_TRY(denoise_options(options, &o, err));
    KT_TRY(check_balance(o.class_balance, v->n_labels, err));
    kt_pool *pool = kt_api_take(ctx);
    kt_rc rc = kt_denoise_fit(v, &o, pool, a, ret, err);
    if (rc == 0)
        kt_denoise_posteriors(ret, v, pool, ret_prob);
    kt_api_give(ctx, pool);
    return rc;
}

karat_rc karat_denoise(karat_context *ctx, const int16_t *vote, size_t n_items, uint32_t n_functions, uint32_t n_labels,
                       const karat_denoise_options *options, float *ret_prob, double *ret_accuracy, uint64_t *ret_votes, uint64_t *ret_overlaps,
                       uint64_t *ret_conflicts, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_label_model m = { 0 };
    kt_rc rc = kt_api_given(vote, n_items * (n_functions > 0), "vote", &e);
    if (rc == 0 && (n_functions > KT_MAX_FUNCTIONS || n_labels > KT_MAX_LABELS))
        rc = kt_fail(&e, KT_LIMIT, "%u functions, %u labels; up to %d and %d", n_functions, n_labels, KT_MAX_FUNCTIONS, KT_MAX_LABELS);
    if (rc == 0) {
        const int16_t **column = kt_arena_array(&a, (size_t)n_functions + 1, sizeof(*column));
        for (uint32_t j = 0; j < n_functions; j++)
            column[j] = vote + j;
        kt_lf_columns v = { n_items, n_functions, n_functions, n_labels, column };
        rc = denoise(ctx, &v, options, &a, ret_prob, &m, &e);
    }
    for (uint32_t j = 0; rc == 0 && j < n_functions; j++) {
        if (ret_accuracy)
            ret_accuracy[j] = m.summary[j].accuracy;
        if (ret_votes)
            ret_votes[j] = m.summary[j].votes;
        if (ret_overlaps)
            ret_overlaps[j] = m.summary[j].overlaps;
        if (ret_conflicts)
            ret_conflicts[j] = m.summary[j].conflicts;
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_crowdlab_active(karat_context *ctx, const karat_votes *votes, const double *probs, const double *unlabelled, size_t n_unlabelled,
                               double *ret_labelled, double *ret_unlabelled, double *ret_temperature, karat_error *err)
{
    kt_err e = { 0 };
    kt_votes v;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc == 0)
        rc = kt_api_given(probs, v.n_items, "probs", &e);
    if (rc == 0)
        rc = kt_api_given(unlabelled, n_unlabelled, "unlabelled", &e);
    if (rc == 0)
        rc = kt_api_fits((size_t)v.n_items * v.n_labels, 2 * sizeof(double), "items × labels", &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_crowdlab_active(&v, probs, unlabelled, n_unlabelled, pool, ret_labelled, ret_unlabelled, ret_temperature, &e);
        kt_api_give(ctx, pool);
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_rank(const size_t *start, const uint32_t *thing, size_t n, uint32_t n_things, double *ret_strength, double *ret_ci, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_strengths s;
    kt_rc rc = kt_api_fits(n_things, 64 * sizeof(double), "things", &e);
    for (size_t r = 0; r < n && rc == 0; r++)
        if (start[r] > start[r + 1])
            rc = kt_fail(&e, KT_RANGE, "ranking %zu ends before it starts", r);
    if (rc == 0) {
        kt_rank_opts o = KT_RANK_OPTS_INIT;
        kt_rankings v = { n, n_things, start, thing };
        rc = kt_rank_fit(&v, &o, &a, &s, &e);
    }
    if (rc == 0 && n_things) {
        memcpy(ret_strength, s.strength, n_things * sizeof(double));
        if (ret_ci)
            memcpy(ret_ci, s.ci, 2 * (size_t)n_things * sizeof(double));
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_merge_texts(const char *const *text, size_t n, char **ret_text, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str *s = kt_arena_array(&a, n + 1, sizeof(*s));
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        size_t bad;
        s[i] = kt_str_of(text[i]);
        if (!kt_utf8_valid(s[i], &bad))
            rc = kt_fail(&e, KT_PARSE, "text %zu is not UTF-8 (byte %zu)", i, bad);
    }
    if (rc == 0) {
        kt_str merged = n ? kt_rover(s, n, &a).text : KT_S("");
        char *out = kt_alloc(merged.n + 1);
        if (merged.n)
            memcpy(out, merged.p, merged.n);
        out[merged.n] = 0;
        *ret_text = out;
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_merge_masks(const uint8_t *masks, size_t n, size_t n_pixels, int32_t n_iter, uint8_t *ret, double *ret_prob, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rc rc = kt_api_given(masks, n * n_pixels, "masks", &e);
    if (rc == 0)
        rc = kt_api_fits(n_pixels, 32, "pixels", &e);
    if (rc == 0 && n_iter < 0)
        rc = kt_fail(&e, KT_RANGE, "%d rounds", n_iter);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    const uint8_t **mask = kt_arena_array(&a, n + 1, sizeof(*mask));
    for (size_t i = 0; i < n; i++)
        mask[i] = masks + i * n_pixels;
    if (n_iter == 0) {
        kt_mask_majority(mask, n, n_pixels, ret);
        for (size_t p = 0; ret_prob && p < n_pixels; p++) {
            ret_prob[p] = 0;
            for (size_t i = 0; i < n; i++)
                ret_prob[p] += mask[i][p] / (double)n;
        }
    } else {
        kt_mask_em(mask, n, n_pixels, n_iter, ret, ret_prob, NULL);
    }
    return KARAT_OK;
}
