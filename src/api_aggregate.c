/* The public API: merging. Members of the family come by name, with all their options. */
#include "api_int.h"

#include "algo/aggregate.h"
#include "base/mem.h"
#include "base/str.h"

struct karat_posterior {
    kt_arena arena;
    kt_posterior post;
};

const char *karat_aggregate_name(size_t i)
{
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++)
        if (i-- == 0)
            return (*m)->name;
    return NULL;
}

const char *karat_aggregate_help(const char *method)
{
    const kt_aggregator *m = kt_aggregator_find(kt_str_of(method));
    return m ? m->help : NULL;
}

union options {
    char bytes[KT_AGGREGATE_OPTION_BYTES];
    kt_majority_opts majority;
    kt_dawid_skene_opts dawid_skene;
    double align;
};

/* What stands beside the votes goes where the method looks for it; what it does not look for is refused. */
static kt_rc put_inputs(const kt_aggregator *m, const karat_aggregate_options *o, union options *opt, kt_err *err)
{
    if (o->gold && m != &kt_aggregate_dawid_skene)
        return kt_fail(err, KT_USAGE, "%s does not use gold", m->name);
    if (o->source_weight && m != &kt_aggregate_majority)
        return kt_fail(err, KT_USAGE, "%s does not use weights", m->name);
    if (o->probs)
        return kt_fail(err, KT_USAGE, "%s does not use probabilities", m->name);
    if (m == &kt_aggregate_dawid_skene)
        opt->dawid_skene.gold = o->gold;
    if (m == &kt_aggregate_majority)
        opt->majority.source_weight = o->source_weight;
    return 0;
}

static kt_rc fit(karat_context *ctx, const char *method, const karat_votes *votes, const karat_aggregate_options *given, karat_posterior *p, kt_err *err)
{
    KT_API_OPTIONS(karat_aggregate_options, o, given);
    const kt_aggregator *m = kt_aggregator_find(kt_str_of(method));
    union options opt = { { 0 } };
    kt_votes v;
    if (!m) {
        kt_fail(err, KT_USAGE, "there is no aggregator %.80s", method ? method : "(null)");
        kt_hint(err, "karat_aggregate_name lists them");
        return KT_USAGE;
    }
    KT_TRY(kt_api_votes(votes, &v, err));
    KT_TRY(kt_api_fits((size_t)v.n_items * v.n_labels, 2 * sizeof(double), "items × labels", err));
    KT_TRY(kt_api_fits((size_t)v.n_sources * v.n_labels, v.n_labels * sizeof(double), "sources × labels²", err));
    if (m->defaults)
        memcpy(opt.bytes, m->defaults, m->option_size);
    for (size_t i = 0; i < o.n_set; i++)
        KT_TRY(kt_aggregate_options(m, kt_str_of(o.set[i]), &opt, err));
    KT_TRY(put_inputs(m, &o, &opt, err));
    kt_rng rng = kt_rng_keyed(o.seed, 0, 0);
    kt_pool *pool = kt_api_take(ctx);
    kt_rc rc = m->fit(&v, &opt, &rng, pool, &p->arena, &p->post, err);
    kt_api_give(ctx, pool);
    return rc;
}

karat_rc karat_aggregate(karat_context *ctx, const char *method, const karat_votes *votes, const karat_aggregate_options *options,
                         karat_posterior **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_posterior *p = kt_zalloc(sizeof(*p));
    kt_rc rc = fit(ctx, method, votes, options, p, &e);
    if (rc == 0)
        *ret = p;
    else
        karat_posterior_free(p);
    return kt_api_end(rc, &e, err);
}

void karat_posterior_free(karat_posterior *p)
{
    if (p)
        kt_arena_done(&p->arena);
    kt_free(p);
}

const double *karat_posterior_prob(const karat_posterior *p)
{
    return p->post.prob;
}

const int32_t *karat_posterior_label(const karat_posterior *p)
{
    return p->post.label;
}

const double *karat_posterior_prior(const karat_posterior *p)
{
    return p->post.prior;
}

const double *karat_posterior_source_accuracy(const karat_posterior *p)
{
    return p->post.source_accuracy;
}

const double *karat_posterior_source_confusion(const karat_posterior *p)
{
    return p->post.source_confusion;
}
