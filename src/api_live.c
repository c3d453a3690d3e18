/* The public API: a consensus that is kept up to date vote by vote, and whom to ask next. */
#include "api_int.h"

#include "algo/merge/live.h"
#include "base/limits.h"
#include "base/mem.h"

#include <math.h>

struct karat_live {
    kt_live *live;
};

/* Item and source are what memory grows with; ids far out would end the process. */
static kt_rc check_ids(const karat_live *l, uint32_t item, uint32_t source, kt_err *err)
{
    size_t k = kt_live_labels(l->live);
    if (item < kt_live_items(l->live) && source < kt_live_sources(l->live))
        return 0;
    KT_TRY(kt_api_fits((size_t)item + 1, 2 * (32 + k * sizeof(double)), "items", err));
    return kt_api_fits((size_t)source + 1, 2 * k * (k + 1) * sizeof(double), "sources", err);
}

static kt_rc check_labels(size_t n_labels, kt_err *err)
{
    if (n_labels == 0 || n_labels > KT_MAX_LABELS)
        return kt_fail(err, n_labels ? KT_LIMIT : KT_RANGE, "%zu labels; 1 to %d are taken", n_labels, KT_MAX_LABELS);
    return 0;
}

karat_rc karat_live_open(uint32_t n_labels, const karat_live_options *options, karat_live **ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_live_opts opts = KT_LIVE_OPTS_INIT;
    KT_API_OPTIONS(karat_live_options, o, options);
    kt_rc rc = check_labels(n_labels, &e);
    if (rc == 0 && !(o.wrong >= 0 && o.right >= 0 && o.equal >= 0 && o.wrong < 1e6 && o.right < 1e6 && o.equal < 1e6))
        rc = kt_fail(&e, KT_RANGE, "pseudo-votes right %g, wrong %g and pseudo-items %g go from 0 to 1e6", o.right, o.wrong, o.equal);
    if (rc == 0 && !(o.unnamed >= 0 && o.unnamed <= 1))
        rc = kt_fail(&e, KT_RANGE, "unnamed labels keep %g of their chance; expected 0 to 1", o.unnamed);
    if (rc == 0 && (o.wrong > 0 || o.right > 0 || o.equal > 0)) {
        opts.wrong = o.wrong;
        opts.right = o.right;
        opts.equal = o.equal;
        opts.unnamed = o.unnamed > 0 ? o.unnamed : 1;
    }
    if (o.refresh)
        opts.refresh = o.refresh < 0 ? 0 : (uint32_t)o.refresh;
    if (rc == 0) {
        *ret = kt_zalloc(sizeof(**ret));
        (*ret)->live = kt_live_new(n_labels, &opts);
    }
    return kt_api_end(rc, &e, err);
}

void karat_live_close(karat_live *l)
{
    if (l)
        kt_live_free(l->live);
    kt_free(l);
}

karat_rc karat_live_grow(karat_live *l, uint32_t n_labels, karat_error *err)
{
    kt_err e = { 0 };
    size_t k = n_labels;
    kt_rc rc = check_labels(n_labels, &e);
    if (rc == 0)
        rc = kt_api_fits(kt_live_items(l->live), 2 * k * sizeof(double), "items × labels", &e);
    if (rc == 0)
        rc = kt_api_fits(kt_live_sources(l->live), 2 * k * k * sizeof(double), "sources × labels²", &e);
    if (rc == 0)
        kt_live_grow(l->live, n_labels);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_live_add(karat_live *l, uint32_t item, uint32_t source, int32_t label, karat_error *err)
{
    kt_err e = { 0 };
    kt_rc rc = check_ids(l, item, source, &e);
    if (rc == 0)
        rc = kt_live_add(l->live, item, source, label, &e);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_live_add_votes(karat_live *l, const karat_votes *votes, karat_error *err)
{
    kt_err e = { 0 };
    kt_votes v;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    uint32_t item = 0, source = 0;
    for (size_t i = 0; rc == 0 && i < v.n; i++) { /* before the first is counted */
        item = KT_MAX(item, v.item[i]);
        source = KT_MAX(source, v.source[i]);
        if (v.label[i] >= (int32_t)kt_live_labels(l->live))
            rc = kt_fail(&e, KT_RANGE, "vote %zu says label %d of %u labels", i, v.label[i], kt_live_labels(l->live));
    }
    if (rc == 0)
        rc = check_ids(l, item, source, &e);
    for (size_t i = 0; rc == 0 && i < v.n; i++)
        if (v.label[i] >= 0)
            rc = kt_live_add(l->live, v.item[i], v.source[i], v.label[i], &e);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_live_withdraw(karat_live *l, uint32_t item, uint32_t source, karat_error *err)
{
    kt_err e = { 0 };
    int32_t said = kt_live_said(l->live, item, source);
    kt_rc rc = said < 0 ? kt_fail(&e, KT_RANGE, "source %u has no vote on item %u to withdraw", source, item)
                        : kt_live_withdraw(l->live, item, source, said, &e);
    return kt_api_end(rc, &e, err);
}

uint32_t karat_live_settle(karat_live *l, uint32_t rounds, double tol)
{
    return kt_live_settle(l->live, rounds, tol);
}

int32_t karat_live_said(const karat_live *l, uint32_t item, uint32_t source)
{
    return kt_live_said(l->live, item, source);
}

uint32_t karat_live_posterior(const karat_live *l, uint32_t item, double *ret_prob)
{
    memcpy(ret_prob, kt_live_posterior(l->live, item), kt_live_labels(l->live) * sizeof(double));
    return kt_live_votes(l->live, item);
}

double karat_live_accuracy(const karat_live *l, uint32_t source)
{
    return kt_live_accuracy(l->live, source);
}

karat_rc karat_live_next(const karat_live *l, uint32_t item, const karat_live_question *question, int *ret_verdict, uint32_t *ret_source, double *ret_gain,
                         karat_error *err)
{
    kt_err e = { 0 };
    KT_API_OPTIONS(karat_live_question, q, question);
    double gain = 0, *price = NULL;
    uint32_t source = UINT32_MAX;
    kt_rc rc = kt_api_given(q.source, q.n_sources, "source", &e);
    if (rc == 0 && !(q.target > 0 && q.target <= 1))
        rc = kt_fail(&e, KT_RANGE, "the target %g is no chance above 0 and up to 1", q.target);
    if (rc == 0 && !(q.worth > 0 && isfinite(q.worth)))
        rc = kt_fail(&e, KT_RANGE, "a right label is worth %g; expected a number above 0", q.worth);
    if (rc == 0 && !(q.doubt >= 0 && q.doubt < 1))
        rc = kt_fail(&e, KT_RANGE, "the doubt %g is no share from 0 up to under 1", q.doubt);
    for (uint32_t s = 0; s < q.n_sources && rc == 0 && q.price; s++)
        if (!(q.price[s] >= 0 && isfinite(q.price[s])))
            rc = kt_fail(&e, KT_RANGE, "price %u is %g; expected a number from 0 up", s, q.price[s]);
    if (rc == 0) {
        if (!q.price)
            price = kt_zalloc_array(q.n_sources, sizeof(*price));
        kt_live_question ask = { q.target, q.least, q.doubt, q.worth, q.n_sources, q.source, q.price ? q.price : price };
        kt_live_verdict v = kt_live_next(l->live, item, &ask, &source, &gain);
        *ret_verdict = (int)v;
        *ret_source = source;
        *ret_gain = gain;
    }
    kt_free(price);
    return kt_api_end(rc, &e, err);
}
