#include "algo/merge/assign.h"

#include "base/mem.h"

#include <math.h>

/* One row more: grows a tree of shortest paths from it over reduced costs until a free column is met, then turns the path
   round. Columns are 1-based, 0 stands for the new row's place. */
static void add_row(const double *cost, size_t m, size_t row, size_t *row_of, double *u, double *v, double *least, size_t *way, uint8_t *used)
{
    size_t at = 0;
    row_of[0] = row;
    for (size_t j = 0; j <= m; j++) {
        least[j] = INFINITY;
        used[j] = 0;
    }
    do {
        size_t i = row_of[at], next = 0;
        double step = INFINITY;
        used[at] = 1;
        for (size_t j = 1; j <= m; j++) {
            if (used[j])
                continue;
            double c = cost[(i - 1) * m + j - 1] - u[i] - v[j];
            if (c < least[j]) {
                least[j] = c;
                way[j] = at;
            }
            if (least[j] < step) {
                step = least[j];
                next = j;
            }
        }
        for (size_t j = 0; j <= m; j++) {
            if (used[j]) {
                u[row_of[j]] += step;
                v[j] -= step;
            } else {
                least[j] -= step;
            }
        }
        at = next;
    } while (row_of[at] != 0);
    for (; at; at = way[at])
        row_of[at] = row_of[way[at]];
}

static void assign_wide(const double *cost, size_t n, size_t m, size_t *row_of)
{
    double *u = kt_zalloc_array(n + 1, sizeof(*u)), *v = kt_zalloc_array(m + 1, sizeof(*v)), *least = kt_alloc_array(m + 1, sizeof(*least));
    size_t *way = kt_zalloc_array(m + 1, sizeof(*way));
    uint8_t *used = kt_alloc_array(m + 1, 1);
    for (size_t row = 1; row <= n; row++)
        add_row(cost, m, row, row_of, u, v, least, way, used);
    kt_free(u);
    kt_free(v);
    kt_free(least);
    kt_free(way);
    kt_free(used);
}

void kt_assign(const double *cost, size_t n, size_t m, int64_t *ret)
{
    size_t *row_of = kt_zalloc_array(KT_MAX(n, m) + 1, sizeof(*row_of));
    for (size_t i = 0; i < n; i++)
        ret[i] = -1;
    if (n <= m) {
        assign_wide(cost, n, m, row_of);
        for (size_t j = 1; j <= m; j++)
            if (row_of[j])
                ret[row_of[j] - 1] = (int64_t)j - 1;
    } else {
        double *turned = kt_alloc_array(n, m * sizeof(*turned) + 1);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < m; j++)
                turned[j * n + i] = cost[i * m + j];
        assign_wide(turned, m, n, row_of);
        for (size_t i = 1; i <= n; i++)
            if (row_of[i])
                ret[i - 1] = (int64_t)row_of[i] - 1;
        kt_free(turned);
    }
    kt_free(row_of);
}
