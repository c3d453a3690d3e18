/* Ratings as a table of numbers of any type. A survey finds the values that occur; small whole numbers then become labels by
   subtraction, anything else through a hash map. Rows are read in blocks that stay in the second-level cache, each number
   once for the survey and once for the labels; doubles that lie together are used where they are. */
#include "algo/agree/vote_groups.h"

#include "base/map.h"
#include "base/mem.h"

#include <math.h>

#define MOST_PARTS 32
#define PART_ITEMS 16384
#define BLOCK 8192                           /* items read at a time */
#define MAX_RANGE ((uint32_t)1 << 20)        /* whole numbers this far apart are labels by subtraction */
#define MAX_VALUES ((uint32_t)1 << 24)
#define MAX_WHOLE 9007199254740992.0         /* 2^53: larger integers are not all doubles */
#define MAX_TABLE_LABELS 4096
#define LANES 8

/* How numbers become labels. */
struct coder {
    const kt_vote_matrix *m;
    double low;        /* by subtraction: label of x is place[x - low]; place has range entries, -1: does not occur */
    uint32_t range;    /* 0: through the map */
    int32_t *place;
    kt_map map;        /* bits of a value → label */
    double *value;
    uint32_t n_labels;
};

struct span {
    double low, high;
    bool whole;
};

struct pass {
    struct coder *c;
    size_t parts;
    struct span *span;
    uint32_t *count;  /* parts × width */
    size_t width;
    uint8_t *seen;    /* parts × range */
    uint32_t s, t;
};

static size_t cut(const struct pass *w, size_t part)
{
    size_t n = w->c->m->n_items;
    return n / w->parts * part + KT_MIN(part, n % w->parts);
}

static size_t parts_of(const kt_vote_matrix *m)
{
    return KT_MIN(m->n_items / PART_ITEMS + 1, MOST_PARTS);
}

/* n numbers of source s from item i on, as doubles; NAN: missing. Where they stand, or in dst. */
static const double *load(const kt_vote_matrix *m, uint32_t s, size_t i, size_t n, double *dst)
{
    const char *from = (const char *)m->data + (ptrdiff_t)s * m->source_stride + (ptrdiff_t)i * m->item_stride;
    ptrdiff_t step = m->item_stride;
    if (m->type == KT_F64 && step == (ptrdiff_t)sizeof(double))
        return (const double *)(const void *)from;
#define LOAD(tag, T)                                                                  \
    case tag:                                                                         \
        if (step == (ptrdiff_t)sizeof(T))                                             \
            for (size_t k = 0; k < n; k++)                                            \
                dst[k] = (double)((const T *)(const void *)from)[k];                  \
        else                                                                          \
            for (size_t k = 0; k < n; k++)                                            \
                dst[k] = (double)*(const T *)(const void *)(from + (ptrdiff_t)k * step); \
        break
    switch (m->type) {
        LOAD(KT_I8, int8_t);
        LOAD(KT_U8, uint8_t);
        LOAD(KT_I16, int16_t);
        LOAD(KT_U16, uint16_t);
        LOAD(KT_I32, int32_t);
        LOAD(KT_U32, uint32_t);
        LOAD(KT_I64, int64_t);
        LOAD(KT_U64, uint64_t);
        LOAD(KT_F32, float);
        LOAD(KT_F64, double);
    case KT_DTYPE__COUNT: break;
    }
#undef LOAD
    if (m->has_missing && m->type < KT_F32)
        for (size_t k = 0; k < n; k++)
            dst[k] = dst[k] == (double)m->missing ? NAN : dst[k];
    return dst;
}

static void survey(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const kt_vote_matrix *m = w->c->m;
    double low[LANES], high[LANES], buf[BLOCK];
    uint64_t odd[LANES] = { 0 };
    for (int l = 0; l < LANES; l++) {
        low[l] = INFINITY;
        high[l] = -INFINITY;
    }
    for (size_t i = cut(w, part), to = cut(w, part + 1); i < to; i += BLOCK)
        for (uint32_t s = 0; s < m->n_sources; s++) {
            size_t n = KT_MIN(to - i, (size_t)BLOCK), full = (n + LANES - 1) / LANES * LANES;
            const double *v = load(m, s, i, n, buf);
            if (full > n) { /* the last ones, filled up with nothing */
                memmove(buf, v, n * sizeof(double));
                for (size_t k = n; k < full; k++)
                    buf[k] = NAN;
                v = buf;
            }
            for (size_t k = 0; k < full; k += LANES)
                for (int l = 0; l < LANES; l++) {
                    double x = v[k + (size_t)l], whole = x + 6755399441055744.0 - 6755399441055744.0;
                    low[l] = x < low[l] ? x : low[l];
                    high[l] = x > high[l] ? x : high[l];
                    odd[l] |= (uint64_t)((x < whole) | (x > whole)); /* neither for NaN */
                }
        }
    struct span r = { INFINITY, -INFINITY, true };
    for (int l = 0; l < LANES; l++) {
        r.low = KT_MIN(r.low, low[l]);
        r.high = KT_MAX(r.high, high[l]);
        r.whole &= !odd[l];
    }
    w->span[part] = r;
}

static kt_rc check(const kt_vote_matrix *m, const struct span *all, kt_err *err)
{
    if (isinf(all->low) || isinf(all->high))
        return kt_fail(err, KT_RANGE, "a rating is infinite");
    if (m->type < KT_F32 && (all->low < -MAX_WHOLE || all->high > MAX_WHOLE)) {
        kt_fail(err, KT_RANGE, "a rating is a whole number beyond 2^53");
        return kt_hint(err, "number the values from 0");
    }
    return 0;
}

/* x - low for whole x within range, -1 where missing. */
static inline int32_t offset_of(double x, double low)
{
    return x == x ? (int32_t)(x - low) : -1;
}

static void mark(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const struct coder *c = w->c;
    uint8_t *seen = w->seen + part * c->range;
    double buf[BLOCK];
    memset(seen, 0, c->range);
    for (size_t i = cut(w, part), to = cut(w, part + 1); i < to; i += BLOCK)
        for (uint32_t s = 0; s < c->m->n_sources; s++) {
            size_t n = KT_MIN(to - i, (size_t)BLOCK);
            const double *v = load(c->m, s, i, n, buf);
            for (size_t k = 0; k < n; k++)
                if (v[k] == v[k])
                    seen[offset_of(v[k], c->low)] = 1;
        }
}

static uint64_t key_of(double x)
{
    uint64_t bits;
    x += 0.0; /* -0 is 0 */
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Labels from the values seen, ascending, or from the domain in its order. */
static kt_rc place_seen(struct coder *c, const uint8_t *seen, kt_err *err)
{
    const kt_vote_matrix *m = c->m;
    c->place = kt_alloc_array((size_t)c->range + 1, sizeof(*c->place));
    for (uint32_t x = 0; x < c->range; x++)
        c->place[x] = -1;
    for (uint32_t d = 0; m->domain && d < m->n_domain; d++) {
        double at = m->domain[d] - c->low;
        if (at >= 0 && at < c->range && at == floor(at))
            c->place[(size_t)at] = (int32_t)d;
    }
    uint32_t n = 0;
    for (uint32_t x = 0; x < c->range; x++)
        if (seen[x]) {
            if (m->domain && c->place[x] < 0)
                return kt_fail(err, KT_RANGE, "the rating %g is not in the value domain", c->low + x);
            if (!m->domain)
                c->place[x] = (int32_t)n;
            n++;
        }
    c->n_labels = m->domain ? m->n_domain : n;
    c->value = kt_alloc_array((size_t)c->n_labels + 1, sizeof(double));
    for (uint32_t d = 0; m->domain && d < m->n_domain; d++)
        c->value[d] = m->domain[d];
    for (uint32_t x = 0; !m->domain && x < c->range; x++)
        if (seen[x])
            c->value[c->place[x]] = c->low + x;
    return 0;
}

static kt_rc code_whole(struct coder *c, kt_pool *pool, kt_err *err)
{
    struct pass w = { .c = c, .parts = parts_of(c->m) };
    w.parts = KT_MIN(w.parts, (MAX_RANGE * (size_t)4) / c->range);
    w.seen = kt_alloc_array(w.parts, c->range);
    kt_pool_run(pool, w.parts, mark, &w);
    for (size_t p = 1; p < w.parts; p++)
        for (uint32_t x = 0; x < c->range; x++)
            w.seen[x] |= w.seen[p * c->range + x];
    kt_rc rc = place_seen(c, w.seen, err);
    kt_free(w.seen);
    return rc;
}

/* Any numbers: collected in a map, sorted, put into the map again with their places. */
static kt_rc code_any(struct coder *c, kt_err *err)
{
    const kt_vote_matrix *m = c->m;
    KT_VEC(double) v = { 0 };
    double buf[BLOCK];
    for (uint32_t d = 0; m->domain && d < m->n_domain; d++)
        KT_PUSH(&v, m->domain[d]);
    for (size_t i = 0; !m->domain && i < m->n_items; i += BLOCK)
        for (uint32_t s = 0; s < m->n_sources; s++) {
            size_t n = KT_MIN(m->n_items - i, (size_t)BLOCK);
            const double *x = load(m, s, i, n, buf);
            for (size_t k = 0; k < n; k++)
                if (x[k] == x[k] && v.n <= MAX_VALUES && kt_map_put(&c->map, key_of(x[k]), (uint32_t)v.n) == v.n)
                    KT_PUSH(&v, x[k]);
        }
    kt_map_done(&c->map);
    c->value = v.v ? v.v : kt_alloc(sizeof(double));
    c->n_labels = (uint32_t)v.n;
    if (v.n > MAX_VALUES)
        return kt_fail(err, KT_LIMIT, "more than %u different ratings", MAX_VALUES);
    if (!m->domain && v.n)
        qsort(c->value, v.n, sizeof(double), by_value);
    for (uint32_t k = 0; k < c->n_labels; k++)
        kt_map_put(&c->map, key_of(c->value[k]), k);
    return 0;
}

static kt_rc check_domain(const kt_vote_matrix *m, kt_err *err)
{
    kt_map seen = { 0 };
    kt_rc rc = 0;
    for (uint32_t d = 0; m->domain && d < m->n_domain && rc == 0; d++)
        if (!isfinite(m->domain[d]) || kt_map_put(&seen, key_of(m->domain[d]), d) != d)
            rc = kt_fail(err, KT_RANGE, "value %u of the domain, %g, is %s", d, m->domain[d], isfinite(m->domain[d]) ? "there already" : "no number");
    kt_map_done(&seen);
    return rc;
}

static void coder_done(struct coder *c)
{
    kt_free(c->place);
    kt_free(c->value);
    kt_map_done(&c->map);
}

/* Looks over the numbers; sets low and range where subtraction will do. */
static kt_rc coder_survey(const kt_vote_matrix *m, kt_pool *pool, struct coder *c, kt_err *err)
{
    *c = (struct coder){ .m = m };
    if (m->n_sources && m->n_items >= UINT32_MAX / m->n_sources)
        return kt_fail(err, KT_LIMIT, "%zu items by %u sources; agreement takes up to %u votes", m->n_items, m->n_sources, UINT32_MAX - 1);
    KT_TRY(check_domain(m, err));
    struct span part[MOST_PARTS], all = { INFINITY, -INFINITY, true };
    struct pass w = { .c = c, .parts = parts_of(m), .span = part };
    kt_pool_run(pool, w.parts, survey, &w);
    bool any = false;
    for (size_t p = 0; p < w.parts; p++) {
        all.low = KT_MIN(all.low, part[p].low);
        all.high = KT_MAX(all.high, part[p].high);
        all.whole &= part[p].whole;
        any |= part[p].low <= part[p].high;
    }
    if (!any)
        return 0;
    KT_TRY(check(m, &all, err));
    if (all.whole && all.high - all.low < MAX_RANGE) {
        c->low = all.low;
        c->range = (uint32_t)(all.high - all.low) + 1;
    }
    return 0;
}

static kt_rc coder_finish(struct coder *c, kt_pool *pool, kt_err *err)
{
    return c->range ? code_whole(c, pool, err) : code_any(c, err);
}

static kt_rc coder_make(const kt_vote_matrix *m, kt_pool *pool, struct coder *c, kt_err *err)
{
    KT_TRY(coder_survey(m, pool, c, err));
    return coder_finish(c, pool, err);
}

/* Labels of n ratings of source s from item i on; -1 missing, -2 outside the domain. */
static void labels_of(const struct coder *c, uint32_t s, size_t i, size_t n, int32_t *dst)
{
    double buf[BLOCK];
    const double *x = load(c->m, s, i, n, buf);
    for (size_t k = 0; k < n; k++) {
        if (x[k] != x[k]) {
            dst[k] = -1;
        } else if (c->range) {
            dst[k] = c->place[offset_of(x[k], c->low)];
        } else {
            int64_t at = kt_map_get(&c->map, key_of(x[k]));
            dst[k] = at < 0 ? -2 : (int32_t)at;
        }
    }
}

/* Codes over offsets rather than labels, so that the loop is arithmetic alone; translated when they are read. */
static void count_codes(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const struct coder *c = w->c;
    uint32_t *count = w->count + part * w->width, code[BLOCK], base = c->range + 1;
    double buf[BLOCK];
    memset(count, 0, w->width * sizeof(*count));
    for (size_t i = cut(w, part), to = cut(w, part + 1); i < to; i += BLOCK) {
        size_t n = KT_MIN(to - i, (size_t)BLOCK);
        memset(code, 0, sizeof(code));
        for (uint32_t s = 0; s < c->m->n_sources; s++) {
            const double *v = load(c->m, s, i, n, buf);
            for (size_t k = 0; k < n; k++)
                code[k] = code[k] * base + (uint32_t)(offset_of(v[k], c->low) + 1);
        }
        for (size_t k = 0; k < n; k++)
            count[code[k]]++;
    }
}

/* Number of codes there can be; 0: too many for a table. */
static size_t codes_of(const struct coder *c)
{
    double n = pow((double)c->range + 1, c->m->n_sources);
    return c->range && n <= KT_GROUP_CODES ? (size_t)n : 0;
}

/* The codes hold every rating, so they also tell which values occur. */
static kt_rc by_codes(struct coder *c, kt_pool *pool, kt_vote_groups *ret, kt_err *err)
{
    struct pass w = { .c = c, .parts = parts_of(c->m), .width = codes_of(c) };
    w.count = kt_alloc_array(w.parts, w.width * sizeof(*w.count));
    kt_pool_run(pool, w.parts, count_codes, &w);
    for (size_t p = 1; p < w.parts; p++)
        for (size_t k = 0; k < w.width; k++)
            w.count[k] += w.count[p * w.width + k];
    kt_vote_groups_of_codes(w.count, w.width, c->range, ret);
    kt_free(w.count);
    int32_t *label = ret->own[0];
    uint32_t n = ret->start[ret->n];
    w.seen = kt_zalloc(c->range);
    for (uint32_t k = 0; k < n; k++)
        w.seen[label[k]] = 1;
    kt_rc rc = place_seen(c, w.seen, err);
    for (uint32_t k = 0; rc == 0 && k < n; k++)
        label[k] = c->place[label[k]];
    kt_free(w.seen);
    ret->n_labels = c->n_labels;
    return rc;
}

/* Calls put for every block of items with the labels of all sources, source by source, `width` apart. */
static void each_block(const struct coder *c, void (*put)(void *ctx, size_t item, size_t n, const int32_t *label, size_t width), void *ctx)
{
    size_t width = KT_MIN((size_t)BLOCK, ((size_t)1 << 20) / (c->m->n_sources + 1) + 1);
    int32_t *label = kt_alloc_array(width * c->m->n_sources + 1, sizeof(*label));
    for (size_t i = 0; i < c->m->n_items; i += width) {
        size_t n = KT_MIN(width, c->m->n_items - i);
        for (uint32_t s = 0; s < c->m->n_sources; s++)
            labels_of(c, s, i, n, label + s * width);
        put(ctx, i, n, label, width);
    }
    kt_free(label);
}

struct filling {
    kt_vote_groups *g;
    uint32_t n_sources, *start, n, *item, *source;
    int32_t *label;
    bool outside;
};

static void put_votes(void *ctx, size_t item, size_t n, const int32_t *label, size_t width)
{
    struct filling *f = ctx;
    for (size_t k = 0; k < n; k++) {
        uint32_t from = f->n;
        for (uint32_t s = 0; s < f->n_sources; s++) {
            int32_t l = label[s * width + k];
            f->outside |= l == -2;
            if (l < 0)
                continue;
            if (f->item) {
                f->item[f->n] = (uint32_t)(item + k);
                f->source[f->n] = s;
            }
            f->label[f->n++] = l;
        }
        if (f->start)
            f->start[item + k + 1] = f->n;
        if (f->g)
            f->g->most = KT_MAX(f->g->most, f->n - from);
    }
}

static kt_rc outside(kt_err *err)
{
    return kt_fail(err, KT_RANGE, "a rating is not in the value domain");
}

kt_rc kt_vote_groups_of_matrix(const kt_vote_matrix *m, kt_pool *pool, kt_vote_groups *ret, double **ret_value, kt_err *err)
{
    struct coder c;
    kt_vote_groups g = { 0 };
    kt_rc rc = coder_survey(m, pool, &c, err);
    bool codes = rc == 0 && codes_of(&c);
    if (rc == 0)
        rc = codes ? by_codes(&c, pool, &g, err) : coder_finish(&c, pool, err);
    if (rc == 0 && !codes) {
        struct filling f = { .g = &g, .n_sources = m->n_sources };
        f.start = kt_zalloc_array(m->n_items + 1, sizeof(*f.start));
        f.label = kt_alloc_array(m->n_items * m->n_sources + 1, sizeof(*f.label));
        g = (kt_vote_groups){ .n = m->n_items, .n_labels = c.n_labels, .label = f.label, .start = f.start, .own = { f.label, f.start } };
        each_block(&c, put_votes, &f);
        if (f.outside)
            rc = outside(err);
    }
    if (rc == 0) {
        *ret = g;
        *ret_value = c.value;
        c.value = NULL;
    } else {
        kt_vote_groups_done(&g);
    }
    coder_done(&c);
    return rc;
}

kt_rc kt_matrix_votes_make(const kt_vote_matrix *m, kt_pool *pool, kt_matrix_votes *ret, kt_err *err)
{
    struct coder c;
    kt_rc rc = coder_make(m, pool, &c, err);
    if (rc == 0) {
        size_t n = m->n_items * m->n_sources + 1;
        struct filling f = { .n_sources = m->n_sources, .item = kt_alloc_array(n, 4), .source = kt_alloc_array(n, 4), .label = kt_alloc_array(n, 4) };
        each_block(&c, put_votes, &f);
        *ret = (kt_matrix_votes){
            .votes = { f.n, (uint32_t)m->n_items, m->n_sources, c.n_labels, f.item, f.source, f.label },
            .value = c.value, .item = f.item, .source = f.source, .label = f.label,
        };
        c.value = NULL;
        if (f.outside) {
            kt_matrix_votes_done(ret);
            rc = outside(err);
        }
    }
    coder_done(&c);
    return rc;
}

void kt_matrix_votes_done(kt_matrix_votes *v)
{
    kt_free(v->value);
    kt_free(v->item);
    kt_free(v->source);
    kt_free(v->label);
    *v = (kt_matrix_votes){ 0 };
}

static void count_pairs(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const struct coder *c = w->c;
    uint32_t *count = w->count + part * w->width;
    int32_t a[BLOCK], b[BLOCK];
    memset(count, 0, w->width * sizeof(*count));
    for (size_t i = cut(w, part), to = cut(w, part + 1); i < to; i += BLOCK) {
        size_t n = KT_MIN(to - i, (size_t)BLOCK);
        labels_of(c, w->s, i, n, a);
        labels_of(c, w->t, i, n, b);
        for (size_t k = 0; k < n; k++) {
            if (a[k] >= 0 && b[k] >= 0)
                count[(size_t)a[k] * c->n_labels + (size_t)b[k]]++;
            if (a[k] == -2 || b[k] == -2)
                w->span[part].whole = false; /* outside the domain */
        }
    }
}

/* The same in one pass, for whole numbers that all lie within a window around the first few: most ratings do. */
enum { WINDOW = 64, MARGIN = 16, SAMPLE = 256 };

/* Pairs of whole numbers from i to `to`, without a detour through doubles; false when one lies outside. */
static bool count_integers(const struct pass *w, size_t i, size_t to, uint32_t *count)
{
    const kt_vote_matrix *m = w->c->m;
    const char *p = (const char *)m->data + (ptrdiff_t)w->s * m->source_stride, *q = (const char *)m->data + (ptrdiff_t)w->t * m->source_stride;
    int64_t low = (int64_t)w->c->low;
    uint64_t all = 0;
#define COUNT(tag, T)                                                                                                    \
    case tag:                                                                                                            \
        for (; i < to; i++) {                                                                                            \
            uint64_t a = (uint64_t)*(const T *)(const void *)(p + (ptrdiff_t)i * m->item_stride) - (uint64_t)low;        \
            uint64_t b = (uint64_t)*(const T *)(const void *)(q + (ptrdiff_t)i * m->item_stride) - (uint64_t)low;        \
            all |= a | b;                                                                                                \
            count[(a & (WINDOW - 1)) * (WINDOW + 1) + (b & (WINDOW - 1))]++;                                             \
        }                                                                                                                \
        break
    switch (m->type) {
        COUNT(KT_I8, int8_t);
        COUNT(KT_U8, uint8_t);
        COUNT(KT_I16, int16_t);
        COUNT(KT_U16, uint16_t);
        COUNT(KT_I32, int32_t);
        COUNT(KT_U32, uint32_t);
        COUNT(KT_I64, int64_t);
        COUNT(KT_U64, uint64_t);
    default: break;
    }
#undef COUNT
    return all < WINDOW; /* a power of two: none of them reaches it */
}

static void count_window(void *ctx, size_t part)
{
    struct pass *w = ctx;
    const struct coder *c = w->c;
    uint32_t *count = w->count + part * w->width;
    double room_a[BLOCK], room_b[BLOCK], low = c->low;
    bool outside = false;
    memset(count, 0, w->width * sizeof(*count));
    if (c->m->type < KT_F32 && !c->m->has_missing) {
        w->span[part].whole = count_integers(w, cut(w, part), cut(w, part + 1), count);
        return;
    }
    for (size_t i = cut(w, part), to = cut(w, part + 1); i < to && !outside; i += BLOCK) {
        size_t n = KT_MIN(to - i, (size_t)BLOCK);
        const double *a = load(c->m, w->s, i, n, room_a), *b = load(c->m, w->t, i, n, room_b);
        for (size_t k = 0; k < n; k++) {
            double x = a[k] == a[k] ? a[k] - low : WINDOW, y = b[k] == b[k] ? b[k] - low : WINDOW; /* the last place: missing */
            bool in = (x >= 0) & (x <= WINDOW) & (y >= 0) & (y <= WINDOW);
            uint32_t p = in ? (uint32_t)x : WINDOW, q = in ? (uint32_t)y : WINDOW;
            outside |= !in | ((double)p != x) | ((double)q != y) | ((a[k] == a[k]) & (p == WINDOW)) | ((b[k] == b[k]) & (q == WINDOW));
            count[p * (WINDOW + 1) + q]++;
        }
    }
    w->span[part].whole = !outside;
}

static bool table_in_window(struct coder *c, uint32_t s, uint32_t t, kt_pool *pool, uint32_t **ret_table)
{
    const kt_vote_matrix *m = c->m;
    double room[SAMPLE];
    struct span part[MOST_PARTS];
    struct pass w = { .c = c, .parts = parts_of(m), .span = part, .width = (WINDOW + 1) * (WINDOW + 1), .s = s, .t = t };
    size_t n = KT_MIN(m->n_items, (size_t)SAMPLE);
    const double *first = load(m, s, 0, n, room);
    c->low = INFINITY;
    for (size_t k = 0; k < n; k++)
        c->low = first[k] < c->low ? first[k] : c->low;
    c->low -= MARGIN;
    if (!(fabs(c->low) < MAX_WHOLE) || c->low != floor(c->low) || m->domain)
        return false;
    w.count = kt_alloc_array(w.parts, w.width * sizeof(*w.count));
    kt_pool_run(pool, w.parts, count_window, &w);
    bool inside = part[0].whole;
    for (size_t p = 1; p < w.parts; p++) {
        inside &= part[p].whole;
        for (size_t k = 0; k < w.width; k++)
            w.count[k] += w.count[p * w.width + k];
    }
    if (inside)
        *ret_table = w.count;
    else
        kt_free(w.count);
    return inside;
}

/* Cuts a window's table to the values that occur. */
static void shrink_table(struct coder *c, uint32_t *count, uint32_t *ret_n)
{
    uint32_t value[WINDOW], k = 0;
    for (uint32_t x = 0; x < WINDOW; x++) {
        uint64_t seen = 0;
        for (uint32_t y = 0; y <= WINDOW; y++)
            seen += (uint64_t)count[x * (WINDOW + 1) + y] + count[y * (WINDOW + 1) + x];
        if (seen)
            value[k++] = x;
    }
    c->value = kt_alloc_array((size_t)k + 1, sizeof(double));
    for (uint32_t a = 0; a < k; a++) {
        c->value[a] = c->low + value[a];
        for (uint32_t b = 0; b < k; b++) /* moves up only, so in place */
            count[a * k + b] = count[value[a] * (WINDOW + 1) + value[b]];
    }
    *ret_n = k;
}

kt_rc kt_vote_matrix_table(const kt_vote_matrix *m, uint32_t s, uint32_t t, kt_pool *pool, uint32_t **ret_table, double **ret_value,
                           uint32_t *ret_n_labels, kt_err *err)
{
    struct coder c = { .m = m };
    struct span part[MOST_PARTS];
    if (m->n_items < UINT32_MAX && table_in_window(&c, s, t, pool, ret_table)) {
        shrink_table(&c, *ret_table, ret_n_labels);
        *ret_value = c.value;
        return 0;
    }
    kt_rc rc = coder_make(m, pool, &c, err);
    if (rc == 0 && c.n_labels > MAX_TABLE_LABELS)
        rc = kt_fail(err, KT_LIMIT, "%u different ratings; a table of two sources takes up to %d", c.n_labels, MAX_TABLE_LABELS);
    if (rc == 0) {
        struct pass w = { .c = &c, .parts = parts_of(m), .span = part, .width = (size_t)c.n_labels * c.n_labels + 1, .s = s, .t = t };
        w.parts = KT_MAX(KT_MIN(w.parts, ((size_t)1 << 22) / w.width), 1);
        w.count = kt_alloc_array(w.parts, w.width * sizeof(*w.count));
        for (size_t p = 0; p < w.parts; p++)
            part[p].whole = true;
        kt_pool_run(pool, w.parts, count_pairs, &w);
        bool inside = part[0].whole;
        for (size_t p = 1; p < w.parts; p++) {
            inside &= part[p].whole;
            for (size_t k = 0; k < w.width; k++)
                w.count[k] += w.count[p * w.width + k];
        }
        if (inside) {
            *ret_table = w.count;
            *ret_value = c.value;
            *ret_n_labels = c.n_labels;
            c.value = NULL;
        } else {
            kt_free(w.count);
            rc = outside(err);
        }
    }
    coder_done(&c);
    return rc;
}
