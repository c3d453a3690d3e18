#include "algo/denoise/lf_tally.h"

#include <math.h>

void kt_lf_tally_init(kt_lf_tally *t, uint32_t m, uint32_t k, kt_arena *a)
{
    size_t mk = (size_t)m * k + 1, mm = (size_t)m * m + 1;
    *t = (kt_lf_tally){ .m = m, .k = k };
    t->votes = kt_arena_array(a, m + 1, sizeof(*t->votes));
    t->overlaps = kt_arena_array(a, m + 1, sizeof(*t->overlaps));
    t->conflicts = kt_arena_array(a, m + 1, sizeof(*t->conflicts));
    t->by_label = kt_arena_array(a, mk, sizeof(*t->by_label));
    t->gold_by_label = kt_arena_array(a, mk, sizeof(*t->gold_by_label));
    t->right = kt_arena_array(a, mk, sizeof(*t->right));
    t->gold = kt_arena_array(a, k + 1, sizeof(*t->gold));
    t->both = kt_arena_array(a, mm, sizeof(*t->both));
    t->agree = kt_arena_array(a, mm, sizeof(*t->agree));
    t->who = kt_arena_array(a, m + 1, sizeof(*t->who));
}

void kt_lf_tally_add(kt_lf_tally *t, const int16_t *vote, int32_t gold)
{
    uint32_t n = 0;
    bool differ = false;
    t->n++;
    if (gold >= 0) {
        t->n_gold++;
        t->gold[gold]++;
    }
    for (uint32_t j = 0; j < t->m; j++)
        if (vote[j] >= 0)
            t->who[n++] = j;
    t->n_covered += n > 0;
    for (uint32_t x = 0; x < n; x++)
        differ |= vote[t->who[x]] != vote[t->who[0]];
    t->n_conflicted += differ;
    for (uint32_t x = 0; x < n; x++) {
        uint32_t i = t->who[x];
        size_t cell = (size_t)i * t->k + (size_t)vote[i];
        bool against = false;
        t->votes[i]++;
        t->by_label[cell]++;
        t->gold_by_label[cell] += gold >= 0;
        t->right[cell] += gold == vote[i];
        for (uint32_t y = 0; y < n && differ && !against; y++)
            against = vote[t->who[y]] != vote[i];
        t->overlaps[i] += n > 1;
        t->conflicts[i] += against;
        for (uint32_t y = x + 1; y < n; y++) {
            size_t pair = (size_t)i * t->m + t->who[y];
            t->both[pair]++;
            t->agree[pair] += vote[i] == vote[t->who[y]];
        }
    }
}

double kt_lf_tally_phi(const kt_lf_tally *t, uint32_t i, uint32_t j)
{
    double n = (double)t->n, a = (double)t->votes[i], b = (double)t->votes[j];
    double both = (double)t->both[i < j ? (size_t)i * t->m + j : (size_t)j * t->m + i];
    double spread = a * (n - a) * b * (n - b);
    return spread > 0 ? (n * both - a * b) / sqrt(spread) : NAN;
}

double kt_lf_tally_lift(const kt_lf_tally *t, uint32_t j, uint32_t c)
{
    size_t cell = (size_t)j * t->k + c;
    if (!t->gold_by_label[cell] || !t->gold[c])
        return NAN;
    return (double)t->right[cell] / (double)t->gold_by_label[cell] / ((double)t->gold[c] / (double)t->n_gold);
}
