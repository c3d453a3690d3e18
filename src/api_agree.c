/* The public API: agreement. */
#include "api_int.h"

#include "algo/agree/agreement_parts.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

_Static_assert((int)KARAT_F64 == (int)KT_F64 && (int)KARAT_I8 == (int)KT_I8, "the same types inside and out");
_Static_assert(sizeof(((karat_agreement *)0)->term) / sizeof(((karat_agreement *)0)->term[0]) == KT_AGREE_TERMS, "room for all terms");

/* A metric with its options, made from what the caller said. */
struct asked {
    const kt_agreement *m;
    karat_agree_options o;
    kt_label_distance distance;
    union {
        char bytes[KT_AGREE_OPTION_BYTES];
        const double *value;
        kt_krippendorff_opts krippendorff;
    } opt;
};

const char *karat_agree_name(size_t i)
{
    for (const kt_agreement *const *m = kt_agreements; *m; m++)
        if (i-- == 0)
            return (*m)->name;
    return NULL;
}

const char *karat_agree_help(const char *method)
{
    const kt_agreement *m = kt_agreement_find(kt_str_of(method));
    return m ? m->help : NULL;
}

const char *karat_agree_formula(const char *method)
{
    const kt_agreement *m = kt_agreement_find(kt_str_of(method));
    return m ? m->formula : NULL;
}

static kt_rc ask(const char *method, const karat_agree_options *given, struct asked *ret, kt_err *err)
{
    KT_API_OPTIONS(karat_agree_options, o, given);
    *ret = (struct asked){ .m = kt_agreement_find(kt_str_of(method)), .o = o };
    if (!ret->m) {
        kt_fail(err, KT_USAGE, "there is no agreement metric %.80s", method ? method : "(null)");
        kt_hint(err, "karat_agree_name lists them");
        return KT_USAGE;
    }
    if (ret->m->defaults)
        memcpy(ret->opt.bytes, ret->m->defaults, ret->m->option_size);
    for (size_t i = 0; i < o.n_set; i++)
        KT_TRY(kt_agreement_options(ret->m, kt_str_of(o.set[i]), &ret->opt, err));
    if (ret->m->numeric)
        ret->opt.value = o.value;
    if (o.distance && ret->m != &kt_agree_krippendorff_alpha)
        return kt_fail(err, KT_USAGE, "a distance goes with krippendorff_alpha, not with %s", ret->m->name);
    ret->distance = (kt_label_distance){ o.distance, o.user };
    if (o.distance)
        ret->opt.krippendorff.distance = &ret->distance;
    return 0;
}

static kt_rc check_values(const struct asked *a, uint32_t n_labels, kt_err *err)
{
    for (uint32_t c = 0; a->o.value && a->m->numeric && c < n_labels; c++)
        if (!isfinite(a->o.value[c]))
            return kt_fail(err, KT_RANGE, "the value of label %u is no number", c);
    return 0;
}

static void give(const kt_agree_result *r, karat_agreement *ret)
{
    *ret = (karat_agreement){ .value = r->value, .low = r->ci95[0], .high = r->ci95[1], .n_terms = r->n_terms };
    for (uint32_t t = 0; t < r->n_terms; t++) {
        ret->term[t].name = r->term[t].name;
        ret->term[t].help = r->term[t].help;
        ret->term[t].value = r->term[t].value;
    }
}

karat_rc karat_agree(karat_context *ctx, const char *method, const karat_votes *votes, const karat_agree_options *options, karat_agreement *ret,
                     karat_error *err)
{
    kt_err e = { 0 };
    kt_votes v;
    struct asked a;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc == 0)
        rc = ask(method, options, &a, &e);
    if (rc == 0)
        rc = check_values(&a, v.n_labels, &e);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    kt_pool *pool = kt_api_take(ctx);
    kt_agree_result r = { .no_interval = a.o.no_interval || a.o.n_bootstrap };
    rc = kt_agreement_measure(a.m, &v, &a.opt, pool, &r, &e);
    if (rc == 0 && a.o.n_bootstrap && !a.o.no_interval)
        rc = kt_agreement_bootstrap(a.m, &v, &a.opt, a.o.n_bootstrap, a.o.seed, pool, r.ci95, &e);
    kt_api_give(ctx, pool);
    if (rc == 0)
        give(&r, ret);
    return kt_api_end(rc, &e, err);
}

static kt_rc matrix_of(const karat_matrix *m, const karat_agree_options *o, kt_vote_matrix *ret, kt_err *err)
{
    if (!m || (unsigned)m->type > KARAT_F64)
        return kt_fail(err, KT_RANGE, "the matrix is missing or of no known type");
    if (m->n_rows && m->n_columns)
        KT_TRY(kt_api_given(m->data, 1, "the matrix's data", err));
    if (m->n_columns > UINT32_MAX || o->n_domain > UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu columns", m->n_columns);
    KT_TRY(kt_api_fits(m->n_rows, 4 * sizeof(size_t), "rows", err));
    KT_TRY(kt_api_fits(m->n_columns, 4 * sizeof(size_t), "columns", err));
    *ret = (kt_vote_matrix){ .data = m->data, .type = (kt_dtype)m->type, .n_sources = (uint32_t)m->n_columns, .n_items = m->n_rows,
                             .source_stride = m->column_stride, .item_stride = m->row_stride, .has_missing = o->has_missing != 0,
                             .missing = o->missing, .domain = o->domain, .n_domain = (uint32_t)o->n_domain };
    return 0;
}

karat_rc karat_agree_matrix(karat_context *ctx, const char *method, const karat_matrix *ratings, const karat_agree_options *options,
                            karat_agreement *ret, karat_error *err)
{
    kt_err e = { 0 };
    struct asked a;
    kt_vote_matrix m;
    kt_rc rc = ask(method, options, &a, &e);
    if (rc == 0)
        rc = matrix_of(ratings, &a.o, &m, &e);
    if (rc == 0 && a.o.n_bootstrap)
        rc = kt_fail(&e, KT_USAGE, "the bootstrap is for karat_agree");
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        kt_agree_result r = { .no_interval = a.o.no_interval };
        rc = kt_agreement_measure_matrix(a.m, &m, &a.opt, pool, &r, &e);
        kt_api_give(ctx, pool);
        if (rc == 0)
            give(&r, ret);
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_agree_pairs(karat_context *ctx, const char *method, const karat_votes *votes, const karat_agree_options *options,
                           karat_pair **ret_pairs, size_t *ret_n, karat_error *err)
{
    kt_err e = { 0 };
    kt_votes v;
    struct asked a;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc == 0)
        rc = ask(method, options, &a, &e);
    if (rc == 0)
        rc = check_values(&a, v.n_labels, &e);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
    kt_agreement_pair *pair;
    size_t n = 0;
    kt_pool *pool = kt_api_take(ctx);
    rc = kt_agreement_by_pair(a.m, &v, &a.opt, pool, &arena, &pair, &n, &e);
    kt_api_give(ctx, pool);
    if (rc == 0) {
        karat_pair *out = kt_alloc_array(n + 1, sizeof(*out));
        for (size_t i = 0; i < n; i++)
            out[i] = (karat_pair){ pair[i].a, pair[i].b, pair[i].items, pair[i].percent, pair[i].result.value, pair[i].result.ci95[0], pair[i].result.ci95[1] };
        *ret_pairs = out;
        *ret_n = n;
    }
    return kt_api_end(rc, &e, err);
}

karat_rc karat_agree_classes(karat_context *ctx, const char *method, const karat_votes *votes, const karat_agree_options *options,
                             double *ret_value, double *ret_low, double *ret_high, double *ret_specific, karat_error *err)
{
    kt_err e = { 0 };
    kt_votes v;
    struct asked a;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc == 0)
        rc = ask(method, options, &a, &e);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    kt_agreement_class *c = kt_alloc_array((size_t)v.n_labels + 1, sizeof(*c));
    kt_pool *pool = kt_api_take(ctx);
    rc = kt_agreement_by_class(a.m, &v, &a.opt, pool, c, &e);
    kt_api_give(ctx, pool);
    for (uint32_t k = 0; rc == 0 && k < v.n_labels; k++) {
        const double x[] = { c[k].result.value, c[k].result.ci95[0], c[k].result.ci95[1], c[k].specific };
        double *ret[] = { ret_value, ret_low, ret_high, ret_specific };
        for (size_t i = 0; i < KT_LEN(ret); i++)
            if (ret[i])
                ret[i][k] = x[i];
    }
    kt_free(c);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_agree_items(const karat_votes *votes, double *ret_percent, karat_error *err)
{
    kt_err e = { 0 };
    kt_votes v;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc < 0)
        return kt_api_end(rc, &e, err);
    kt_agreement_item *item = kt_alloc_array((size_t)v.n_items + 1, sizeof(*item));
    rc = kt_agreement_by_item(&v, NULL, item, &e);
    for (uint32_t i = 0; rc == 0 && i < v.n_items; i++)
        ret_percent[i] = item[i].percent;
    kt_free(item);
    return kt_api_end(rc, &e, err);
}
