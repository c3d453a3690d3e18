/* Grouping of vote triples. One pass checks the ids and looks whether the votes come item by item; a second counts the
   codes of the items. Counts are whole numbers, so the threads that share the work cannot change them. */
#include "algo/agree/vote_groups.h"

#include "base/mem.h"

#define MOST_PARTS 16
#define PART_VOTES 65536

size_t kt_dtype_size(kt_dtype t)
{
    static const uint8_t size[KT_DTYPE__COUNT] = { 1, 1, 2, 2, 4, 4, 8, 8, 4, 8 };
    return size[t];
}

struct part {
    bool bad, back, abstains; /* an id out of bounds; an item after a later one; somebody abstained */
    bool overflow;            /* a code that the table has no place for */
};

struct pass {
    const kt_votes *v;
    size_t parts;
    struct part part[MOST_PARTS];
    uint32_t *count; /* parts × KT_GROUP_CODES */
};

static size_t cut(const struct pass *w, size_t part)
{
    return w->v->n / w->parts * part + KT_MIN(part, w->v->n % w->parts);
}

static void look(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_votes *v = w->v;
    const uint32_t *item = v->item, *source = v->source;
    uint32_t bad = 0, back = 0;
    int32_t abstains = 0;
    for (size_t i = cut(w, part), to = cut(w, part + 1); i < to; i++) {
        bad |= (uint32_t)(item[i] >= v->n_items) | (uint32_t)(source[i] >= v->n_sources) |
               (uint32_t)(v->label[i] < KT_ABSTAIN) | (uint32_t)(v->label[i] >= (int32_t)v->n_labels);
        abstains |= v->label[i];
    }
    for (size_t i = KT_MAX(cut(w, part), 1), to = cut(w, part + 1); i < to; i++)
        back |= item[i] < item[i - 1];
    w->part[part] = (struct part){ .bad = bad, .back = back, .abstains = abstains < 0 };
}

/* Codes of the items whose first vote lies in the part. */
static void count_codes(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_votes *v = w->v;
    uint32_t *count = w->count + part * KT_GROUP_CODES, base = v->n_labels + 1, code = 0;
    size_t i = cut(w, part), to = cut(w, part + 1);
    while (i > 0 && i < to && v->item[i] == v->item[i - 1])
        i++;
    while (to > i && to < v->n && v->item[to] == v->item[to - 1])
        to++;
    memset(count, 0, KT_GROUP_CODES * sizeof(*count));
    for (; i < to; i++) {
        code = code * base + (uint32_t)(v->label[i] + 1);
        if (code >= KT_GROUP_CODES) {
            w->part[part].overflow = true;
            return;
        }
        if (i + 1 == to || v->item[i + 1] != v->item[i]) {
            count[code]++;
            code = 0;
        }
    }
}

/* The same for votes in any order: one code an item, then their counts. */
static bool count_scattered(const kt_votes *v, uint32_t *count)
{
    uint32_t *code = kt_zalloc_array(v->n_items, sizeof(*code)), base = v->n_labels + 1, most = 0;
    for (size_t i = 0; i < v->n && most < KT_GROUP_CODES; i++) {
        uint32_t *c = &code[v->item[i]];
        *c = *c * base + (uint32_t)(v->label[i] + 1);
        most = KT_MAX(most, *c);
    }
    for (size_t i = 0; i < v->n_items && most < KT_GROUP_CODES; i++)
        count[code[i]]++;
    kt_free(code);
    return most < KT_GROUP_CODES;
}

void kt_vote_groups_of_codes(const uint32_t *count, size_t n_codes, uint32_t n_labels, kt_vote_groups *ret)
{
    size_t n = 0;
    uint32_t base = n_labels + 1, total = 0;
    int32_t digit[16]; /* base 2 at least, codes below 2^16 */
    for (uint32_t code = 1; code < n_codes; code++)
        n += count[code] > 0;
    uint32_t *start = kt_alloc_array(n + 1, sizeof(*start)), *times = kt_alloc_array(n + 1, sizeof(*times));
    int32_t *label = kt_alloc_array(n + 1, sizeof(digit));
    *ret = (kt_vote_groups){ .n_labels = n_labels, .label = label, .start = start, .times = times, .own = { label, start, times } };
    start[0] = 0;
    for (uint32_t code = 1; code < n_codes; code++) {
        uint32_t m = 0;
        if (!count[code])
            continue;
        for (uint32_t rest = code; rest; rest /= base)
            if (rest % base)
                digit[m++] = (int32_t)(rest % base) - 1;
        for (uint32_t k = 0; k < m; k++)
            label[total + k] = digit[m - 1 - k];
        times[ret->n++] = count[code];
        start[ret->n] = total += m;
        ret->most = KT_MAX(ret->most, m);
    }
}

static bool by_codes(struct pass *w, bool in_order, kt_pool *pool, kt_vote_groups *ret)
{
    if (w->v->n_labels >= KT_GROUP_CODES)
        return false;
    if (!in_order)
        w->parts = 1;
    w->count = kt_zalloc_array(w->parts, KT_GROUP_CODES * sizeof(*w->count));
    bool fits = true;
    if (in_order) {
        kt_pool_run(pool, w->parts, count_codes, w);
        for (size_t p = 0; p < w->parts; p++)
            fits &= !w->part[p].overflow;
    } else {
        fits = count_scattered(w->v, w->count);
    }
    for (size_t p = 1; fits && p < w->parts; p++)
        for (size_t c = 0; c < KT_GROUP_CODES; c++)
            w->count[c] += w->count[p * KT_GROUP_CODES + c];
    if (fits)
        kt_vote_groups_of_codes(w->count, KT_GROUP_CODES, w->v->n_labels, ret);
    kt_free(w->count);
    return fits;
}

/* One group an item; labels stand where they are when nothing has to move. */
static void item_by_item(const kt_votes *v, bool in_order, kt_vote_groups *ret)
{
    /* start[i + 1] holds the place of the next vote of item i while filling, and so ends as the start of item i + 1 */
    uint32_t *start = kt_zalloc_array((size_t)v->n_items + 1, sizeof(*start)), *at = start + 1, sum = 0;
    int32_t *label = NULL;
    for (size_t i = 0; i < v->n; i++)
        at[v->item[i]] += v->label[i] >= 0;
    *ret = (kt_vote_groups){ .n = v->n_items, .n_labels = v->n_labels, .label = v->label, .start = start };
    for (size_t i = 0; i < v->n_items; i++) {
        uint32_t m = at[i];
        ret->most = KT_MAX(ret->most, m);
        at[i] = in_order ? sum + m : sum;
        sum += m;
    }
    if (!in_order) {
        ret->label = label = kt_alloc_array((size_t)sum + 1, sizeof(*label));
        for (size_t i = 0; i < v->n; i++)
            if (v->label[i] >= 0)
                label[at[v->item[i]]++] = v->label[i];
    }
    ret->own[0] = label;
    ret->own[1] = start;
}

kt_rc kt_vote_groups_make(const kt_votes *v, kt_pool *pool, kt_vote_groups *ret, kt_err *err)
{
    if (v->n >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu votes; agreement takes up to %u", v->n, UINT32_MAX - 1);
    struct pass w = { .v = v, .parts = KT_MIN(v->n / PART_VOTES + 1, MOST_PARTS) };
    kt_pool_run(pool, w.parts, look, &w);
    bool back = false, abstains = false, bad = false;
    for (size_t p = 0; p < w.parts; p++) {
        bad |= w.part[p].bad;
        back |= w.part[p].back;
        abstains |= w.part[p].abstains;
    }
    if (bad)
        return kt_votes_check(v, err); /* says which */
    if (!by_codes(&w, !back, pool, ret))
        item_by_item(v, !back && !abstains, ret);
    return 0;
}

void kt_vote_groups_done(kt_vote_groups *g)
{
    for (size_t i = 0; i < KT_LEN(g->own); i++)
        g->own[i] = kt_free(g->own[i]);
    *g = (kt_vote_groups){ 0 };
}
