/* What answers cost. By time: seconds for an item of its length, learned from the answers people gave to items of the pool so far. By field: the
   number in the item's record; where there is none, the median of the others. */
#include "algo/learn/answer_time.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "store/annotation.h"

#include <math.h>

struct reading {
    const kt_run *r;
    float *value; /* n_pool: characters, or what the field says, NAN without */
};

static float n_chars(kt_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return (float)n;
}

static kt_rc read_part(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)slot, (void)err;
    const struct reading *x = ctx;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    for (size_t i = 0; i < n; i++) {
        float *to = &x->value[kt_learn_place(x->r, items[i].number)];
        double v;
        if (x->r->c->al_cost == KT_COST_TIME)
            *to = n_chars(items[i].text);
        else
            *to = kt_parse_f64(kt_item_value(&items[i], x->r->c->al_cost_field, &a), &v) && v > 0 ? (float)v : NAN;
        kt_arena_reset(&a);
    }
    return 0;
}

static kt_rc read_pool(kt_run *r, float *ret)
{
    struct reading x = { r, ret };
    kt_item_reader *reader;
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    kt_rc rc = kt_item_scan_list(reader, r->pool_item, r->n_pool, r->pool, read_part, &x, r->err);
    kt_item_reader_free(reader);
    return rc;
}

/* Characters become seconds. */
static kt_rc by_time(kt_run *r, float *value)
{
    kt_annotations v;
    size_t n = 0;
    KT_TRY(kt_annotations_load(r->s, r->p.id, &v, r->err));
    float *chars = kt_alloc_array(v.n + 1, sizeof(*chars)), *seconds = kt_alloc_array(v.n + 1, sizeof(*seconds));
    for (size_t i = 0; i < v.n; i++) {
        size_t row = v.queue[i] == KT_QUEUE_TRAIN ? kt_learn_place(r, v.item[i]) : SIZE_MAX;
        if (row == SIZE_MAX)
            continue;
        chars[n] = value[row];
        seconds[n++] = (float)((double)v.duration_us[i] / 1e6);
    }
    const kt_answer_time t = kt_answer_time_fit(chars, seconds, n);
    for (size_t i = 0; i < r->n_pool; i++)
        value[i] = (float)(t.base + t.per_char * (double)value[i]);
    kt_annotations_done(&v);
    kt_free(chars);
    kt_free(seconds);
    return 0;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static kt_rc fill_gaps(kt_run *r, float *value)
{
    size_t n = 0;
    float *known = kt_alloc_array(r->n_pool + 1, sizeof(*known));
    for (size_t i = 0; i < r->n_pool; i++)
        if (!isnan(value[i]))
            known[n++] = value[i];
    if (n)
        qsort(known, n, sizeof(*known), by_value);
    float median = n ? known[n / 2] : 1;
    kt_free(known);
    if (n == 0 && r->n_pool)
        return kt_fail(r->err, KT_RANGE, "active_learning.cost: no item has a positive number in field %.*s", KT_F(r->c->al_cost_field));
    for (size_t i = 0; i < r->n_pool; i++)
        value[i] = isnan(value[i]) ? median : value[i];
    return 0;
}

kt_rc kt_learn_costs(kt_run *r, float *ret)
{
    KT_TRY(read_pool(r, ret));
    return r->c->al_cost == KT_COST_TIME ? by_time(r, ret) : fill_gaps(r, ret);
}
