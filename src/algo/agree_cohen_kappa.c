/* Cohen (1960) for two sources; for more, the mean over pairs of sources weighted by the items they share. Per pair:
   kappa = (p_o - p_e) / (1 - p_e). Pairs without variation (p_e = 1) are left out. */
#include "algo/agree.h"

#include "base/mem.h"

#include <math.h>

struct pair { /* of sources a < b */
    double n, same, *of_a, *of_b;
};

/* Position of the pair (a, b), a < b, among n sources. */
static size_t pair_at(size_t n, size_t a, size_t b)
{
    return a * n - a * (a + 1) / 2 + b - a - 1;
}

static void add_item(const kt_votes *v, const size_t *order, size_t n, struct pair *pairs)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            uint32_t sa = v->source[order[i]], sb = v->source[order[k]];
            int32_t la = v->label[order[i]], lb = v->label[order[k]];
            if (sa == sb || la < 0 || lb < 0)
                continue;
            if (sa > sb) {
                uint32_t t = sa;
                int32_t tl = la;
                sa = sb;
                sb = t;
                la = lb;
                lb = tl;
            }
            struct pair *p = &pairs[pair_at(v->n_sources, sa, sb)];
            if (!p->of_a) {
                p->of_a = kt_zalloc_array(v->n_labels, sizeof(double));
                p->of_b = kt_zalloc_array(v->n_labels, sizeof(double));
            }
            p->n++;
            p->same += la == lb;
            p->of_a[la]++;
            p->of_b[lb]++;
        }
}

static double measure(const kt_votes *v)
{
    size_t n_pairs = v->n_sources < 2 ? 0 : (size_t)v->n_sources * (v->n_sources - 1) / 2;
    if (n_pairs == 0 || n_pairs > 1000000) /* more than 1,414 sources: Fleiss or Krippendorff say it better */
        return NAN;
    struct pair *pairs = kt_zalloc_array(n_pairs, sizeof(*pairs));
    size_t *start = kt_alloc_array((size_t)v->n_items + 1, sizeof(*start)), *order = kt_alloc_array(v->n, sizeof(*order));
    kt_votes_by_item(v, start, order);
    for (size_t i = 0; i < v->n_items; i++)
        add_item(v, order + start[i], start[i + 1] - start[i], pairs);
    double sum = 0, weight = 0;
    for (size_t i = 0; i < n_pairs; i++) {
        struct pair *p = &pairs[i];
        double chance = 0;
        for (uint32_t c = 0; p->n > 0 && c < v->n_labels; c++)
            chance += p->of_a[c] * p->of_b[c] / (p->n * p->n);
        if (p->n > 0 && chance < 1) {
            sum += p->n * (p->same / p->n - chance) / (1 - chance);
            weight += p->n;
        }
        kt_free(p->of_a);
        kt_free(p->of_b);
    }
    kt_free(pairs);
    kt_free(start);
    kt_free(order);
    return weight > 0 ? sum / weight : NAN;
}

const kt_agreement kt_agree_cohen_kappa = { "cohen_kappa", "two sources; mean over pairs for more (Cohen 1960)", measure };
