/* Greedy k-centre (Sener and Savarese 2018): each next item is the one farthest, by cosine, from everything labelled or chosen. Looks at no
   probability; a factor of two from the best cover. */
#include "algo/learn/select.h"
#include "base/mem.h"

enum { CHUNK_ROWS = 1024, MOST_KNOWN = 1000 };

typedef struct centre_job {
    const kt_features *x;
    const float *centre; /* dense */
    float *closest;      /* n_rows: largest cosine so far */
} centre_job;

static void compare_part(void *ctx, size_t part)
{
    const centre_job *j = ctx;
    for (size_t i = part * CHUNK_ROWS; i < KT_MIN(j->x->n_rows, (part + 1) * CHUNK_ROWS); i++) {
        float sum = 0;
        for (size_t e = j->x->start[i]; e < j->x->start[i + 1]; e++)
            sum += j->x->value[e] * j->centre[j->x->index[e]];
        j->closest[i] = KT_MAX(j->closest[i], sum);
    }
}

/* All rows hear of a new centre. dense: scratch of zeros, left so. */
static void add_centre(const kt_features *x, size_t row, kt_pool *pool, float *dense, float *closest)
{
    centre_job j = { x, dense, closest };
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++)
        dense[x->index[e]] = x->value[e];
    kt_pool_run(pool, (x->n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS, compare_part, &j);
    for (size_t e = x->start[row]; e < x->start[row + 1]; e++)
        dense[x->index[e]] = 0;
}

static size_t choose(const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want, uint32_t *ret_item)
{
    (void)seed;
    const kt_features *x = d->x;
    uint32_t space = 0;
    for (size_t e = 0; e < x->start[x->n_rows]; e++)
        space = KT_MAX(space, x->index[e] + 1);
    float *dense = kt_zalloc_array(space + 1, sizeof(*dense)), *closest = kt_zalloc_array(x->n_rows + 1, sizeof(*closest));
    double *score = kt_alloc_array(x->n_rows + 1, sizeof(*score));
    uint8_t *out = kt_zalloc(d->n_items + 1);
    size_t n = 0, n_known = 0;
    kt_select_data left = *d;
    left.excluded = out;
    if (d->excluded)
        memcpy(out, d->excluded, d->n_items);
    for (size_t i = 0; i < d->n_items && d->known && n_known < MOST_KNOWN; i++)
        if (d->known[i]) {
            add_centre(x, i, pool, dense, closest);
            n_known++;
        }
    if (!n_known)
        kt_features_near(x, NULL, score); /* the first is the most typical */
    for (; n < want; n++) {
        for (size_t i = 0; i < d->n_items && n_known + n; i++)
            score[i] = 1 - (double)closest[i];
        if (!kt_select_best(&left, score, 1, &ret_item[n]))
            break;
        out[ret_item[n]] = 1;
        for (size_t i = 0; i < d->n_items && d->group && d->group[ret_item[n]]; i++)
            out[i] |= d->group[i] == d->group[ret_item[n]];
        add_centre(x, ret_item[n], pool, dense, closest);
    }
    kt_free(dense);
    kt_free(closest);
    kt_free(score);
    kt_free(out);
    return n;
}

const kt_selector kt_select_k_center = {
    .name = "k_center", .help = "farthest from everything labelled or chosen", .needs = KT_SELECT_X,
    .choose = choose,
};
