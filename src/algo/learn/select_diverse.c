/* A batch of uncertain items that differ: the TIMES × want items of smallest lead are clustered, weighted by how unsure they are, and of each
   cluster the one closest to the centre is taken (Zhdanov 2019, "Diverse mini-batch active learning"). */
#include "algo/cluster.h"
#include "algo/learn/select.h"
#include "base/mem.h"

enum { TIMES = 10 };

static size_t choose(const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want, uint32_t *ret_item)
{
    double *score = kt_alloc_array(d->n_items + 1, sizeof(*score));
    uint32_t *item = kt_alloc_array(TIMES * want + 1, sizeof(*item)), *typical = kt_alloc_array(want + 1, sizeof(*typical));
    for (size_t i = 0; i < d->n_items; i++)
        score[i] = kt_select_unsure(d->prob + i * d->n_labels, d->n_labels);
    size_t n = kt_select_best(d, score, TIMES * want, item);
    float *weight = kt_alloc_array(n + 1, sizeof(*weight));
    for (size_t i = 0; i < n; i++)
        weight[i] = (float)score[item[i]] + 1e-6f;
    want = KT_MIN(want, n);
    if (want) {
        kt_clusters c;
        kt_clusters_find(d->x, item, n, weight, (uint32_t)want, seed, pool, &c);
        kt_clusters_typical(&c, n, want, typical);
        for (size_t i = 0; i < want; i++)
            ret_item[i] = item[typical[i]];
        kt_clusters_done(&c);
    }
    kt_free(score);
    kt_free(item);
    kt_free(typical);
    kt_free(weight);
    return want;
}

const kt_selector kt_select_diverse = {
    .name = "diverse", .help = "a batch of small leads, one from each cluster of them", .needs = KT_SELECT_X,
    .choose = choose,
};
