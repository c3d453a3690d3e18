/* --explain: the formula of the method, and the votes of one item with the numbers that they bring in. */
#include "algo/merge/beside_model.h"
#include "cli/merge/merge.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

static kt_rc find_item(const kt_merge *m, kt_str name, uint32_t *ret, kt_err *err)
{
    for (uint32_t i = 0; i < m->post.n_items; i++)
        if (kt_str_eq(m->file.item[i], name)) {
            *ret = i;
            return 0;
        }
    kt_fail(err, KT_NOTFOUND, "there is no item %.*s", KT_F(name));
    return kt_hint(err, "--explain takes an item as the file names it");
}

/* What the method knows of a source, for a vote said. */
static void explain_vote(const kt_merge *m, uint32_t s, int32_t said)
{
    const kt_posterior *p = &m->post;
    uint32_t k = p->n_labels;
    double a = p->source_accuracy[s];
    printf("  %.*s says %.*s", KT_F(m->file.source[s]), KT_F(m->file.label[said]));
    if (p->source_spamming)
        printf("   spams %.4f, knows %.4f, strategy(%.*s) %.4f → factor %.4g", p->source_spamming[2 * s], p->source_spamming[2 * s + 1],
               KT_F(m->file.label[said]), p->source_strategy[s * k + (uint32_t)said],
               1 + p->source_spamming[2 * s + 1] / (p->source_spamming[2 * s] * p->source_strategy[s * k + (uint32_t)said]));
    else if (p->source_ability)
        printf("   ability %.4f", p->source_ability[s]);
    else if (p->source_weight)
        printf("   weight %.4f", p->source_weight[s]);
    if (p->source_confusion) {
        printf("   P(it says that |");
        for (uint32_t c = 0; c < k && c < 12; c++)
            printf(" %.*s: %.4f", KT_F(m->file.label[c]), p->source_confusion[((size_t)s * k + (uint32_t)said) * k + c]);
        printf(k > 12 ? " …)" : ")");
    } else if (!isnan(a)) {
        printf("   accuracy %.4f", a);
        if (m->method == &kt_aggregate_one_coin_dawid_skene)
            printf(" → factor %.4g", a * (k > 1 ? k - 1 : 1) / (1 - a));
    }
    printf("   (accuracy 95 %%: %.3f to %.3f, %.0f votes)\n", p->source_ci[2 * s], p->source_ci[2 * s + 1], m->votes_of_source[s]);
}

/* What a vote for said multiplies label c by; for methods whose posterior is such a product. */
static double factor_of(const kt_merge *m, uint32_t i, uint32_t s, uint32_t said, uint32_t c)
{
    const kt_posterior *p = &m->post;
    double k = p->n_labels, a = p->source_accuracy[s];
    if (p->source_confusion)
        return p->source_confusion[((size_t)s * p->n_labels + said) * p->n_labels + c];
    if (said != c)
        return 1;
    if (p->source_spamming)
        return 1 + p->source_spamming[2 * s + 1] / (p->source_spamming[2 * s] * p->source_strategy[s * p->n_labels + said]);
    if (p->source_ability)
        return exp(p->source_ability[s] * exp(p->item_ease[i])) * KT_MAX(k - 1, 1);
    return a / (1 - a) * KT_MAX(k - 1, 1);
}

/* The product of every label, number by number. */
static void explain_products(const kt_merge *m, uint32_t i)
{
    const kt_posterior *p = &m->post;
    const kt_votes *v = &m->file.votes;
    bool whole = p->source_confusion || p->source_spamming || p->source_ability || m->method == &kt_aggregate_one_coin_dawid_skene ||
                 m->method == &kt_aggregate_spectral;
    bool has_prior = p->source_confusion || m->method == &kt_aggregate_one_coin_dawid_skene;
    if (!whole || p->label[i] < 0)
        return;
    printf(m->method == &kt_aggregate_auto ? "with the numbers put in (confusions of easy items; hard ones and the last quarter pull it to the prior):\n"
                                           : "with the numbers put in:\n");
    for (uint32_t c = 0; c < p->n_labels && c < 12; c++) {
        double product = has_prior ? p->prior[c] : 1;
        bool first = !has_prior;
        printf("  %.*s:", KT_F(m->file.label[c]));
        if (has_prior)
            printf(" %.4g", p->prior[c]);
        for (size_t q = 0; q < v->n; q++)
            if (v->item[q] == i && v->label[q] >= 0) {
                double f = factor_of(m, i, v->source[q], (uint32_t)v->label[q], c);
                printf(first ? " %.4g" : " × %.4g", f);
                product *= f;
                first = false;
            }
        printf(" = %.4g\n", product);
    }
}

/* What auto makes of the model beside the votes. */
static void explain_model(const kt_merge *m, uint32_t i)
{
    const kt_posterior *p = &m->post;
    const double *row = m->opt.best.probs + (size_t)i * p->n_labels;
    double sum = 0, t = p->model_trust->sharpness, w = p->model_trust->share;
    for (uint32_t c = 0; c < p->n_labels; c++)
        sum += pow(KT_MAX(row[c], 1e-9), t);
    printf("the model, as far as the votes bear it out: × (%.3g p^%.2g / Σ p^%.2g / prior + %.3g)\n", w, t, t, 1 - w);
    for (uint32_t c = 0; c < p->n_labels && c < 12; c++)
        printf("  %.*s: p %.4f → × %.4g\n", KT_F(m->file.label[c]), row[c], w * pow(KT_MAX(row[c], 1e-9), t) / sum / KT_MAX(p->prior[c], 1e-10) + 1 - w);
}

kt_rc kt_merge_explain(const kt_merge *m, kt_str item, kt_err *err)
{
    const kt_posterior *p = &m->post;
    const kt_votes *v = &m->file.votes;
    uint32_t i = 0, k = p->n_labels;
    KT_TRY(find_item(m, item, &i, err));
    printf("prior:");
    for (uint32_t c = 0; c < k; c++)
        printf("  %.*s %.4f", KT_F(m->file.label[c]), p->prior[c]);
    printf("\nitem %.*s, %u votes:\n", KT_F(item), p->n_votes[i]);
    if (p->item_ease)
        printf("  log_ease %.4f, exp %.4f\n", p->item_ease[i], exp(p->item_ease[i]));
    for (size_t q = 0; q < v->n; q++)
        if (v->item[q] == i && v->label[q] >= 0)
            explain_vote(m, v->source[q], v->label[q]);
    explain_products(m, i);
    if (p->model_trust)
        explain_model(m, i);
    if (p->power > 0 && p->power < 1)
        printf("raised to the power %.3f, which predicts each vote best from the others on its item\n", p->power);
    if (p->disagreement && p->disagreement->alone)
        printf("no item has two votes: nothing tells how good the annotators are, and each is taken to be right %.0f %% of the time\n", 100 * p->disagreement->low);
    printf("posterior:");
    for (uint32_t c = 0; c < k; c++)
        printf("  %.*s %.6f", KT_F(m->file.label[c]), p->prob[(size_t)i * k + c]);
    if (p->label[i] >= 0)
        printf("\nlabel: %.*s (%u of %u votes)\n", KT_F(m->file.label[p->label[i]]), p->n_for[i], p->n_votes[i]);
    else
        printf("\nno votes, no label\n");
    return 0;
}
