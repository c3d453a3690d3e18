/* Pool and trusted items are gathered by cell (a counting sort), and each cell is searched alone with its part of delta. */
#include "algo/route/route.h"

#include "base/mem.h"

#include <math.h>

static const char *const names[] = { "threshold", "conformal" };
_Static_assert(KT_LEN(names) == KT_ROUTE__COUNT, "one name per method");

const char *kt_route_method_name(kt_route_method m)
{
    return names[m];
}

static kt_rc check(const kt_cells_data *d, double delta, kt_err *err)
{
    if (!(delta > 0 && delta < 1))
        return kt_fail(err, KT_RANGE, "delta %g is outside (0, 1)", delta);
    for (uint32_t c = 0; c < d->n_cells; c++)
        if (!(d->budget[c] > 0 && d->budget[c] < 1))
            return kt_fail(err, KT_RANGE, "the error budget %g of cell %u is outside (0, 1)", d->budget[c], c);
    for (size_t i = 0; i < d->n_pool && d->pool_cell; i++)
        if (d->pool_cell[i] >= d->n_cells)
            return kt_fail(err, KT_RANGE, "item %zu is in cell %u of %u", i, d->pool_cell[i], d->n_cells);
    for (size_t i = 0; i < d->n_trusted && d->trusted_cell; i++)
        if (d->trusted_cell[i] >= d->n_cells)
            return kt_fail(err, KT_RANGE, "trusted item %zu is in cell %u of %u", i, d->trusted_cell[i], d->n_cells);
    return 0;
}

struct strength {
    double proof; /* of a sample without a mistake: log of the chance it had at an error of just the budget, negated */
    uint32_t cell;
};

static int by_proof(const void *a, const void *b)
{
    const struct strength *x = a, *y = b;
    return x->proof != y->proof ? (x->proof > y->proof) - (x->proof < y->proof) : (x->cell > y->cell) - (x->cell < y->cell);
}

/* A cell can pass when even a sample without a mistake would prove its budget at its part of delta. Cells that cannot give theirs to the
   others; the fewer share it, the more can, so the weakest go first. */
static void share_delta(double delta, kt_cell *cell, uint32_t n)
{
    struct strength *v = kt_alloc_array((size_t)n + 1, sizeof(*v));
    uint32_t k = 0, weak = 0;
    for (uint32_t c = 0; c < n; c++)
        if (cell[c].n_pool)
            v[k++] = (struct strength){ -(double)cell[c].n_cell_trusted * log1p(-cell[c].budget), c };
    if (k)
        qsort(v, k, sizeof(*v), by_proof);
    while (weak < k && v[weak].proof < log((k - weak) / delta))
        weak++;
    for (uint32_t i = weak; i < k; i++)
        cell[v[i].cell].delta = delta / (k - weak);
    kt_free(v);
}

/* The scores (and rights) of one kind, by cell; start: n_cells + 1. */
static void gather(const float *score, const uint8_t *right, const uint32_t *cell, size_t n, uint32_t n_cells, float *ret_score, uint8_t *ret_right,
                   size_t *start)
{
    for (uint32_t c = 0; c <= n_cells; c++)
        start[c] = 0;
    for (size_t i = 0; i < n; i++)
        start[(cell ? cell[i] : 0) + 1]++;
    for (uint32_t c = 0; c < n_cells; c++)
        start[c + 1] += start[c];
    size_t *at = kt_alloc_array((size_t)n_cells + 1, sizeof(*at));
    memcpy(at, start, ((size_t)n_cells + 1) * sizeof(*at));
    for (size_t i = 0; i < n; i++) {
        size_t to = at[cell ? cell[i] : 0]++;
        ret_score[to] = score[i];
        if (right)
            ret_right[to] = right[i];
    }
    kt_free(at);
}

static kt_rc search_threshold(const kt_threshold_data *d, kt_cell *c, double whole, kt_err *err)
{
    kt_threshold *t = kt_alloc(sizeof(*t));
    kt_threshold_options o = { c->budget, c->delta > 0 ? c->delta : whole, 0 };
    kt_rc rc = kt_threshold_find(d, &o, t, err);
    if (rc == 0) {
        c->found = t->found && c->delta > 0;
        c->score = t->score;
        c->n_trusted = t->n_trusted;
        c->n_wrong = t->n_wrong;
        c->error = t->error;
        c->upper = t->upper;
        c->n_more = c->found ? 0 : KT_MAX(t->n_more, (uint64_t)1);
    }
    kt_free(t);
    return rc;
}

static kt_rc search_conformal(const kt_threshold_data *d, kt_cell *c, kt_err *err)
{
    kt_conformal x;
    KT_TRY(kt_conformal_find(d, c->budget, &x, NULL, err));
    c->found = x.found;
    c->score = x.score;
    c->n_trusted = x.n_trusted;
    c->n_wrong = x.n_wrong;
    c->error = x.n_trusted ? x.n_wrong / (double)x.n_trusted : 0;
    c->upper = NAN;
    if (!c->found) /* with no mistake and everything selected, 1 / (n + 1) must be within the budget */
        c->n_more = KT_MAX((uint64_t)ceil(1 / c->budget - 1), (uint64_t)d->n_trusted + 1) - d->n_trusted;
    return 0;
}

/* Items at or above the cell's threshold; what is missing in a cell is missing in the whole by so much more. */
static void finish(const kt_threshold_data *d, size_t n_all, kt_cell *c)
{
    for (size_t i = 0; i < d->n_pool && c->found; i++)
        c->n_approved += (double)d->pool_score[i] >= c->score;
    c->n_more = (uint64_t)ceil((double)c->n_more * (double)n_all / (double)d->n_pool);
}

kt_rc kt_cells_find(const kt_cells_data *d, kt_route_method method, double delta, kt_cell *ret, kt_err *err)
{
    KT_TRY(check(d, delta, err));
    uint32_t n = d->n_cells;
    float *pool = kt_alloc_array(d->n_pool + 1, sizeof(*pool)), *trusted = kt_alloc_array(d->n_trusted + 1, sizeof(*trusted));
    uint8_t *right = kt_alloc(d->n_trusted + 1);
    size_t *start = kt_alloc_array((size_t)n + 1, sizeof(*start)), *tstart = kt_alloc_array((size_t)n + 1, sizeof(*tstart));
    gather(d->pool_score, NULL, d->pool_cell, d->n_pool, n, pool, NULL, start);
    gather(d->trusted_score, d->trusted_right, d->trusted_cell, d->n_trusted, n, trusted, right, tstart);
    for (uint32_t c = 0; c < n; c++)
        ret[c] = (kt_cell){ .budget = d->budget[c], .n_pool = start[c + 1] - start[c], .n_cell_trusted = (uint32_t)(tstart[c + 1] - tstart[c]),
                            .upper = NAN };
    if (method == KT_ROUTE_THRESHOLD)
        share_delta(delta, ret, n);
    kt_rc rc = 0;
    for (uint32_t c = 0; c < n && rc == 0; c++) {
        kt_threshold_data part = { ret[c].n_pool, pool + start[c], ret[c].n_cell_trusted, trusted + tstart[c], right + tstart[c] };
        if (part.n_pool == 0)
            continue;
        rc = method == KT_ROUTE_THRESHOLD ? search_threshold(&part, &ret[c], delta, err) : search_conformal(&part, &ret[c], err);
        finish(&part, d->n_pool, &ret[c]);
    }
    kt_free(pool);
    kt_free(trusted);
    kt_free(right);
    kt_free(start);
    kt_free(tstart);
    return rc;
}
