/* The public API: merging. Members of the family come by name, with all their options. */
#include "api_int.h"

#include "algo/merge/aggregate.h"
#include "algo/merge/copying.h"
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
    kt_mace_opts mace;
    kt_crowdlab_opts crowdlab;
    kt_auto_opts best;
    double align;
};

static kt_rc unused(const kt_aggregator *m, const char *what, const char *who, kt_err *err)
{
    return kt_fail(err, KT_USAGE, "%s does not use %s; %s", m->name, what, who);
}

/* What stands beside the votes goes where the method looks for it; what it does not look for is refused. */
static kt_rc put_inputs(const kt_aggregator *m, const karat_aggregate_options *o, union options *opt, kt_err *err)
{
    bool best = m == &kt_aggregate_auto, ds = m == &kt_aggregate_dawid_skene || m == &kt_aggregate_fast_dawid_skene;
    bool majority = m == &kt_aggregate_majority || m == &kt_aggregate_weighted_majority;
    if (o->gold && !best && !ds)
        return unused(m, "gold", "auto, dawid_skene and fast_dawid_skene do", err);
    if (o->source_weight && !majority)
        return unused(m, "weights", "weighted_majority does", err);
    if (o->probs && !best && m != &kt_aggregate_crowdlab)
        return unused(m, "probabilities", "auto and crowdlab do", err);
    if ((o->init_spamming || o->init_strategy) && m != &kt_aggregate_mace)
        return unused(m, "a start", "mace does", err);
    if (!o->init_spamming != !o->init_strategy)
        return kt_fail(err, KT_USAGE, "mace starts from init_spamming and init_strategy, or from neither");
    if (best) {
        opt->best.probs = o->probs;
        opt->best.gold = o->gold;
    }
    if (ds)
        opt->dawid_skene.gold = o->gold;
    if (majority)
        opt->majority.source_weight = o->source_weight;
    if (m == &kt_aggregate_crowdlab)
        opt->crowdlab.probs = o->probs;
    if (m == &kt_aggregate_mace) {
        opt->mace.init_spamming = o->init_spamming;
        opt->mace.init_strategy = o->init_strategy;
    }
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

const int32_t *karat_posterior_label(const karat_posterior *p)
{
    return p->post.label;
}

const double *karat_posterior_get(const karat_posterior *p, const char *name, size_t *ret_n)
{
    const kt_posterior *q = &p->post;
    size_t i = q->n_items, k = q->n_labels, s = q->n_sources;
    const struct { const char *name; const double *v; size_t n; } all[] = {
        { "prob", q->prob, i * k },
        { "prior", q->prior, k },
        { "source_accuracy", q->source_accuracy, s },
        { "source_ci", q->source_ci, 2 * s },
        { "source_confusion", q->source_confusion, s * k * k },
        { "source_weight", q->source_weight, s },
        { "source_ability", q->source_ability, s },
        { "source_spamming", q->source_spamming, 2 * s },
        { "source_strategy", q->source_strategy, s * k },
        { "item_ease", q->item_ease, i },
        { "source_group", q->copying ? q->copying->group : NULL, s },
    };
    for (size_t n = 0; n < KT_LEN(all); n++)
        if (name && all[n].v && kt_str_eq(kt_str_of(name), kt_str_of(all[n].name))) {
            if (ret_n)
                *ret_n = all[n].n;
            return all[n].v;
        }
    return NULL;
}
