/* --explain: what one more vote on an item is expected to be worth, source by source, with the numbers put in. */
#include "base/str.h"
#include "cli/ask/ask_cli.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_LABELS 12
#define MOST_SOURCES 20

typedef struct offer {
    uint32_t source;
    double gain, net, price;
} offer;

static int by_net(const void *x, const void *y)
{
    const offer *a = x, *b = y;
    if (a->net != b->net)
        return a->net < b->net ? 1 : -1;
    return a->source < b->source ? -1 : 1;
}

static void explain_votes(const kt_asking *k, uint32_t item)
{
    const kt_names *label = &k->name[KT_ASK_LABEL];
    for (uint32_t s = 0; s < k->name[KT_ASK_SOURCE].n; s++) {
        int32_t said = kt_live_said(k->live, item, s);
        if (said < 0)
            continue;
        printf("  %.*s says %.*s   P(it says that |", KT_F(k->name[KT_ASK_SOURCE].name[s]), KT_F(label->name[said]));
        for (uint32_t c = 0; c < label->n && c < MOST_LABELS; c++)
            printf(" %.*s: %.4f", KT_F(label->name[c]), kt_live_confusion(k->live, s, (uint32_t)said, c));
        printf("%s   accuracy %.4f\n", label->n > MOST_LABELS ? " …)" : ")", kt_live_accuracy(k->live, s));
    }
}

/* Σ over what the source may say, number by number. */
static void explain_offer(const kt_asking *k, const kt_ask_answer *r, const offer *o)
{
    uint32_t n = kt_live_labels(k->live);
    printf("  %.*s (accuracy %.4f): ", KT_F(k->name[KT_ASK_SOURCE].name[o->source]), kt_live_accuracy(k->live, o->source));
    for (uint32_t said = 0; said < n; said++) {
        double best = 0;
        for (uint32_t c = 0; c < n; c++)
            best = KT_MAX(best, r->posterior[c] * kt_live_confusion(k->live, o->source, said, c));
        if (said < MOST_LABELS)
            printf("%s%.4f", said ? " + " : "", best);
    }
    printf("%s - %.4f = gain %.5f; × %g - %g = %.5f\n", n > MOST_LABELS ? " + …" : "", r->posterior[r->best], o->gain, k->q.worth, o->price, o->net);
}

static void explain_offers(const kt_asking *k, uint32_t item, const kt_ask_answer *r)
{
    offer *all = kt_alloc_array(k->who.n, sizeof(*all));
    size_t n = 0;
    for (size_t x = 0; x < k->who.n; x++)
        if (kt_live_said(k->live, item, k->who.v[x]) < 0) {
            double gain = kt_live_gain(k->live, item, k->who.v[x]);
            all[n++] = (offer){ k->who.v[x], gain, gain * k->q.worth - k->prices.v[x], k->prices.v[x] };
        }
    qsort(all, n, sizeof(*all), by_net);
    printf("who could be asked, best first (Σ over what they may say - now; gain × worth - price):\n");
    for (size_t x = 0; x < n && x < MOST_SOURCES; x++)
        explain_offer(k, r, &all[x]);
    if (n > MOST_SOURCES)
        printf("  … %zu more\n", n - MOST_SOURCES);
    if (n == 0)
        printf("  nobody: all who may be asked have voted on it\n");
    kt_free(all);
}

static void explain_verdict(const kt_asking *k, const kt_ask_answer *r)
{
    kt_str who = r->verdict == KT_LIVE_ASK ? k->name[KT_ASK_SOURCE].name[r->whom] : KT_S("");
    printf("verdict: %s", kt_ask_verdicts[r->verdict]);
    if (r->verdict == KT_LIVE_SURE)
        printf(": the posterior %.4f is at the target %g, with at least %u votes\n", r->posterior[r->best], k->q.target, k->q.least);
    else if (r->verdict == KT_LIVE_NOT_WORTH)
        printf(": no vote, nor up to three together, gains more than it costs\n");
    else if (r->votes < k->q.least)
        printf(" %.*s: fewer than %u votes, which are taken in any case\n", KT_F(who), k->q.least);
    else
        printf(" %.*s, expected gain %.5f of the best offer%s\n", KT_F(who), r->gain,
               k->q.doubt > 0 ? "; whom is drawn, each with its accuracy as wide as it is known (--doubt 0 takes the first above)" : "");
}

kt_rc kt_ask_explain(kt_asking *k, kt_err *err)
{
    const kt_names *label = &k->name[KT_ASK_LABEL];
    int64_t item = kt_names_get(&k->name[KT_ASK_ITEM], k->explain);
    if (item < 0) {
        kt_fail(err, KT_NOTFOUND, "there is no item %.*s", KT_F(k->explain));
        return kt_hint(err, "--explain takes an item as the file names it");
    }
    const kt_ask_answer r = kt_ask_about(k, (uint32_t)item);
    printf("posterior p(c) ∝ share(c) Π over the votes of P(said | c)\n"
           "gain of a vote by s = Σ over what s may say of max over c of p(c) P(s says it | c), - max over c of p(c)\n"
           "ask while the posterior is below the target and gain × worth is above the price\n\n");
    printf("item %.*s, %u votes:\n", KT_F(k->explain), r.votes);
    explain_votes(k, (uint32_t)item);
    printf("posterior:");
    for (uint32_t c = 0; c < label->n; c++)
        printf("  %.*s %.6f", KT_F(label->name[c]), r.posterior[c]);
    printf("\n");
    explain_offers(k, (uint32_t)item, &r);
    explain_verdict(k, &r);
    return 0;
}
