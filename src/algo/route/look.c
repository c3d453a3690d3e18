#include "algo/route/look.h"

#include "base/mem.h"
#include "base/rng.h"

uint64_t kt_look_key(uint64_t seed, uint32_t item)
{
    return kt_mix64(seed ^ kt_mix64(item + 0x77617463u)) >> 1;
}

int kt_look_order(const void *a, const void *b)
{
    const kt_look_item *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->item > y->item) - (x->item < y->item);
}

size_t kt_look_size(size_t every, double budget, double delta)
{
    return KT_MAX(every, (size_t)(2 * kt_threshold_least(budget, delta)));
}

void kt_look_plan(uint64_t seed, const uint8_t *human, const uint8_t *out, uint32_t n, bool some, uint64_t cut, size_t every, uint8_t *learn,
                  kt_look *ret)
{
    *ret = (kt_look){ .left = kt_alloc_array((size_t)n + 1, sizeof(*ret->left)) };
    for (uint32_t i = 0; i < n; i++) {
        if (!human[i])
            continue;
        uint64_t key = kt_look_key(seed, i);
        if (some && key <= cut)
            learn[i] = 1;
        else if (!out[i])
            ret->left[ret->n_left++] = (kt_look_item){ key, i };
    }
    qsort(ret->left, ret->n_left, sizeof(*ret->left), kt_look_order);
    ret->n_batch = ret->n_left > every ? every : 0;
    if (ret->n_batch)
        ret->cut = ret->left[ret->n_batch - 1].key;
}

void kt_look_done(kt_look *l)
{
    kt_free(l->left);
    l->left = NULL;
}

kt_rc kt_look_find(const kt_look *l, const float *score, const uint32_t *cell, const uint8_t *right, const double *budget, uint32_t n_cells,
                   kt_route_method method, double delta, kt_cell *ret, kt_err *err)
{
    size_t n = l->n_left, m = l->n_batch;
    float *s = kt_alloc_array(n + 1, sizeof(*s));
    uint32_t *c = kt_zalloc_array(n + 1, sizeof(*c));
    for (size_t i = 0; i < n; i++) {
        s[i] = score[l->left[i].item];
        if (cell)
            c[i] = cell[l->left[i].item];
    }
    kt_cells_data d = { n_cells, budget, n - m, s + m, c + m, m, s, c, right };
    kt_rc rc = kt_cells_find(&d, method, delta, ret, err);
    kt_free(s);
    kt_free(c);
    return rc;
}
