/* A cold start without labels: as many clusters as items are wanted, and of each the text closest to its centre, the heaviest clusters first
   (Kang, Ryu, Kwon 2004; "typical" before "uncertain": Hacohen, Dekel, Weinshall 2022). At most MOST items are looked at. */
#include "algo/cluster.h"
#include "algo/learn/select.h"
#include "base/mem.h"
#include "base/rng.h"

enum { MOST = 10000 };

static size_t choose(const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want, uint32_t *ret_item)
{
    double *key = kt_alloc_array(d->n_items + 1, sizeof(*key));
    uint32_t *item = kt_alloc_array(MOST + want, sizeof(*item)), *typical = kt_alloc_array(want + 1, sizeof(*typical));
    for (size_t i = 0; i < d->n_items; i++)
        key[i] = (double)(kt_mix64(kt_mix64(seed) ^ i) >> 11) * 0x1p-53;
    size_t n = kt_select_best(d, key, MOST + want, item);
    want = KT_MIN(want, n);
    if (want) {
        kt_clusters c;
        kt_clusters_find(d->x, item, n, NULL, (uint32_t)want, seed, pool, &c);
        kt_clusters_typical(&c, n, want, typical);
        for (size_t i = 0; i < want; i++)
            ret_item[i] = item[typical[i]];
        kt_clusters_done(&c);
    }
    kt_free(key);
    kt_free(item);
    kt_free(typical);
    return want;
}

const kt_selector kt_select_cluster = {
    .name = "cluster", .help = "the most typical item of each of as many clusters (to start without labels)", .needs = KT_SELECT_X,
    .choose = choose,
};
