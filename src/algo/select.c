#include "algo/select.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#include <math.h>

static const kt_selector *const table[] = {
#define KT_SELECTOR(name) &kt_select_##name,
#include "algo/selectors.def"
#undef KT_SELECTOR
};

const kt_selector *const *kt_selectors(size_t *ret_n)
{
    *ret_n = KT_LEN(table);
    return table;
}

const kt_selector *kt_selector_find(kt_str name)
{
    for (size_t i = 0; i < KT_LEN(table); i++)
        if (kt_str_eq(name, kt_str_of(table[i]->name)))
            return table[i];
    return NULL;
}

struct scored {
    double score;
    uint32_t item;
};

static int best_first(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : (x->item > y->item) - (x->item < y->item);
}

/* Keeps the `want` best in a heap whose root is the worst kept. */
static void offer(struct scored *heap, size_t *n, size_t want, struct scored x)
{
    size_t i;
    if (*n == want) {
        if (best_first(&x, &heap[0]) >= 0)
            return;
        for (i = 0;;) {
            size_t c = 2 * i + 1;
            if (c + 1 < want && best_first(&heap[c + 1], &heap[c]) > 0)
                c++;
            if (c >= want || best_first(&heap[c], &x) <= 0)
                break;
            heap[i] = heap[c];
            i = c;
        }
        heap[i] = x;
        return;
    }
    for (i = (*n)++; i && best_first(&x, &heap[(i - 1) / 2]) > 0; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

static bool group_seen(const kt_select_data *d, const struct scored *v, const uint32_t *chosen, size_t n, size_t i)
{
    uint64_t g = d->group ? d->group[v[i].item] : 0;
    for (size_t k = 0; g && k < n; k++)
        if (d->group[chosen[k]] == g)
            return true;
    return false;
}

kt_rc kt_select(const kt_selector *s, const kt_select_data *d, uint64_t seed, kt_pool *pool, size_t want, uint32_t *ret_item, size_t *ret_n,
                kt_err *err)
{
    (void)pool;
    (void)err;
    size_t room = d->group ? KT_MIN(d->n_items, 8 * want) : KT_MIN(d->n_items, want), n = 0;
    struct scored *heap = kt_alloc_array(room + 1, sizeof(*heap));
    double *p = kt_alloc_array(d->n_labels, sizeof(*p));
    for (size_t i = 0; i < d->n_items && room; i++) {
        if (d->excluded && d->excluded[i])
            continue;
        for (uint32_t c = 0; c < d->n_labels; c++)
            p[c] = (double)d->prob[i * d->n_labels + c];
        double score = s->score(p, d->n_labels, kt_mix64(kt_mix64(seed) ^ i));
        offer(heap, &n, room, (struct scored){ round(score * 1e10) / 1e10, (uint32_t)i });
    }
    qsort(heap, n, sizeof(*heap), best_first);
    *ret_n = 0;
    for (size_t i = 0; i < n && *ret_n < want; i++)
        if (!group_seen(d, heap, ret_item, *ret_n, i))
            ret_item[(*ret_n)++] = heap[i].item;
    kt_free(heap);
    kt_free(p);
    return 0;
}
