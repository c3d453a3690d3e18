/* A cell is a class (as the machine says; those without a budget of their own together) within a slice (a value of a field of the
   record). Its budget is the smallest of those of the whole, the class and the slice. Only cells with items count. */
#include "stage/route_int.h"

#include "algo/route/spend.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/item.h"

#include <math.h>

enum { MOST_SLICES = 1000, MOST_CELLS = 10000 };

struct slices {
    kt_str field;
    uint64_t *hash; /* n: of the item's value */
    struct slot {
        kt_map seen;
        KT_VEC(kt_str) value;
        kt_arena arena;
    } slot[KT_SCAN_SLOTS];
};

static kt_rc read_values(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    struct slices *x = ctx;
    struct slot *o = &x->slot[slot];
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    for (size_t i = 0; i < n; i++) {
        kt_str v = kt_item_value(&items[i], x->field, &a);
        uint64_t h = kt_id_hash(v);
        x->hash[items[i].number] = h;
        if (kt_map_get(&o->seen, h) < 0) {
            if (o->value.n > MOST_SLICES)
                return kt_fail(err, KT_LIMIT, "budget.per_slice.field: %.*s has more than %d values", KT_F(x->field), MOST_SLICES);
            kt_map_put(&o->seen, h, (uint32_t)o->value.n);
            KT_PUSH(&o->value, kt_arena_str(&o->arena, v));
        }
        kt_arena_reset(&a);
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return kt_str_cmp(*(const kt_str *)a, *(const kt_str *)b);
}

/* All values, sorted, each once, into the run's arena. */
static size_t merge_values(struct slices *x, kt_arena *a, kt_str **ret)
{
    size_t n = 0, kept = 0;
    for (int s = 0; s < KT_SCAN_SLOTS; s++)
        n += x->slot[s].value.n;
    kt_str *v = kt_arena_array(a, n + 1, sizeof(*v));
    n = 0;
    for (int s = 0; s < KT_SCAN_SLOTS; s++)
        for (size_t i = 0; i < x->slot[s].value.n; i++)
            v[n++] = kt_arena_str(a, x->slot[s].value.v[i]);
    if (n)
        qsort(v, n, sizeof(*v), by_text);
    for (size_t i = 0; i < n; i++)
        if (!kept || !kt_str_eq(v[kept - 1], v[i]))
            v[kept++] = v[i];
    *ret = v;
    return kept;
}

/* slice: n, the number of each item's value among the sorted ones. */
static kt_rc read_slices(kt_run *r, uint32_t *slice, kt_str **ret_value, size_t *ret_n)
{
    struct slices x = { .field = r->c->slice_field, .hash = kt_zalloc_array((size_t)r->n + 1, sizeof(uint64_t)) };
    kt_item_reader *reader;
    kt_rc rc = kt_item_reader_new(r->s, r->p.id, &reader, r->err);
    if (rc == 0) {
        rc = kt_item_scan(reader, 0, r->n, r->pool, read_values, &x, r->err);
        kt_item_reader_free(reader);
    }
    *ret_n = merge_values(&x, r->arena, ret_value);
    if (rc == 0 && *ret_n > MOST_SLICES)
        rc = kt_fail(r->err, KT_LIMIT, "budget.per_slice.field: %.*s has more than %d values", KT_F(x.field), MOST_SLICES);
    kt_map number = { 0 };
    for (size_t i = 0; i < *ret_n; i++)
        kt_map_put(&number, kt_id_hash((*ret_value)[i]), (uint32_t)i);
    for (uint32_t i = 0; i < r->n && rc == 0; i++)
        slice[i] = (uint32_t)kt_map_get(&number, x.hash[i]);
    kt_map_done(&number);
    for (int s = 0; s < KT_SCAN_SLOTS; s++) {
        kt_map_done(&x.slot[s].seen);
        KT_VEC_DONE(&x.slot[s].value);
        kt_arena_done(&x.slot[s].arena);
    }
    kt_free(x.hash);
    return rc;
}

static double slice_budget(const kt_config *c, kt_str value)
{
    for (size_t i = 0; i < c->n_slices; i++)
        if (kt_str_eq(c->slice[i].value, value))
            return c->slice[i].error;
    return isnan(c->slice_error) ? c->budget : c->slice_error;
}

static kt_str cell_name(const kt_run *r, int32_t label, const kt_str *value)
{
    kt_str l = label >= 0 ? r->p.label[label] : KT_S("other classes"), f = r->c->slice_field;
    if (!value)
        return l;
    kt_str v = value->n ? *value : KT_S("(none)");
    if (!r->c->class_budget)
        return kt_arena_printf(r->arena, "%.*s=%.*s", KT_F(f), KT_F(v));
    return kt_arena_printf(r->arena, "%.*s, %.*s=%.*s", KT_F(l), KT_F(f), KT_F(v));
}

/* Place of a class among those with a budget of their own; the last place is the others'. */
static uint32_t class_of(const kt_run *r, int32_t label)
{
    return r->c->class_budget && label >= 0 && !isnan(r->c->class_budget[label]) ? (uint32_t)label : r->k;
}

kt_rc kt_routing_cells(kt_routing *x)
{
    kt_run *r = x->r;
    x->n_cells = 1;
    x->cell = NULL;
    x->budget = kt_arena_array(r->arena, 1, sizeof(double));
    x->name = kt_arena_array(r->arena, 1, sizeof(kt_str));
    x->budget[0] = r->c->budget;
    x->name[0] = KT_S("everything");
    if (!r->c->class_budget && !r->c->slice_field.n)
        return 0;
    x->cell = kt_arena_array(r->arena, (size_t)r->n + 1, sizeof(*x->cell));
    kt_str *value = NULL;
    size_t n_values = 1;
    if (r->c->slice_field.n)
        KT_TRY(read_slices(r, x->cell, &value, &n_values));
    size_t width = (size_t)r->k + 1, all = n_values * width;
    uint32_t *place = kt_zalloc_array(all + 1, sizeof(*place)); /* number of a cell + 1; 0: no item */
    for (uint32_t i = 0; i < r->n; i++) {
        x->cell[i] = x->cell[i] * (uint32_t)width + class_of(r, r->pred[i].label);
        if (x->open[i])
            place[x->cell[i]] = 1;
    }
    x->n_cells = 0;
    for (size_t c = 0; c < all; c++)
        if (place[c])
            place[c] = ++x->n_cells;
    x->budget = kt_arena_array(r->arena, (size_t)x->n_cells + 1, sizeof(double));
    x->name = kt_arena_array(r->arena, (size_t)x->n_cells + 1, sizeof(kt_str));
    for (size_t c = 0; c < all; c++) {
        if (!place[c])
            continue;
        int32_t label = c % width < r->k ? (int32_t)(c % width) : -1;
        double of_class = label >= 0 ? r->c->class_budget[label] : r->c->budget;
        x->budget[place[c] - 1] = KT_MIN(r->c->budget, KT_MIN(of_class, value ? slice_budget(r->c, value[c / width]) : r->c->budget));
        x->name[place[c] - 1] = cell_name(r, label, value ? &value[c / width] : NULL);
    }
    for (uint32_t i = 0; i < r->n; i++)
        x->cell[i] = x->open[i] ? place[x->cell[i]] - 1 : 0;
    kt_free(place);
    if (x->n_cells > MOST_CELLS)
        return kt_fail(r->err, KT_LIMIT, "classes and slices make %u budgets; at most %d", x->n_cells, MOST_CELLS);
    return 0;
}

double *kt_routing_aim(const kt_routing *x, double delta)
{
    const kt_config *c = x->r->c;
    double *aim = kt_arena_array(x->r->arena, (size_t)x->n_cells + 1, sizeof(*aim));
    for (uint32_t i = 0; i < x->n_cells; i++)
        aim[i] = c->method_of_route == KT_ROUTE_CONFORMAL && c->audit > 0 ? kt_spend_mean(x->budget[i], delta) : x->budget[i];
    return aim;
}

kt_rc kt_routing_search(const kt_routing *x, double delta, kt_cell *ret)
{
    kt_cells_data d = { x->n_cells, kt_routing_aim(x, delta), x->n_pool, x->pool, x->pool_cell, x->n_answered, x->score, x->trusted_cell, x->right };
    KT_TRY(kt_cells_find(&d, x->r->c->method_of_route, delta, ret, x->r->err));
    for (uint32_t i = 0; i < x->n_cells; i++)
        ret[i].budget = x->budget[i];
    return 0;
}
