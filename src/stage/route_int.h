/* One routing of a project: what route.c decides from, route_cells.c divides, route_explain.c explains. */
#ifndef KT_STAGE_ROUTE_INT_H
#define KT_STAGE_ROUTE_INT_H

#include "stage/run.h"

typedef struct kt_routing {
    kt_run *r;
    int64_t round;        /* 0: the first; one more each time a batch had to be opened again */
    uint8_t *open;        /* n: routed in this round, its trusted sample included */
    uint32_t n_open;
    uint32_t n_cells;
    uint32_t *cell;       /* n, of open items; NULL: all in cell 0 */
    double *budget;       /* n_cells */
    kt_str *name;
    uint32_t *trusted;    /* the sample of this round, in the order drawn */
    size_t n_trusted;
    /* what the algorithms see: the pool (open items), and the trusted items that have been answered */
    size_t n_pool;        /* conformal selection's pool is without the trusted items: none may be on both sides */
    float *pool, *score;
    uint32_t *pool_cell, *trusted_cell;
    uint8_t *right;
    size_t n_answered;
} kt_routing;

/* Finds the round and its items (advancing where a batch was opened again), its cells and its trusted sample, drawn but not queued. Arrays
   live in r->arena. */
kt_rc kt_routing_begin(kt_run *r, kt_routing *ret) KT_MUST_USE;
/* Scores and answers as they stand now. */
kt_rc kt_routing_gather(kt_routing *x) KT_MUST_USE;
/* Class and slice of every open item; budgets and names of the cells that occur. */
kt_rc kt_routing_cells(kt_routing *x) KT_MUST_USE;

/* Draws the part of what was just approved (items, n, ascending) that people check, and queues it; batch (by item): the number of each. turn: another
   one, another draw. In a transaction. */
kt_rc kt_route_draw_checks(kt_run *r, const uint32_t *items, size_t n, const uint32_t *batch, uint64_t turn) KT_MUST_USE;
/* The budgets of x's cells as they are to be aimed at by what may use up delta: conformal selection stays a little under them for the checks that
   follow (kt_spend_mean). In r->arena. */
double *kt_routing_aim(const kt_routing *x, double delta);
/* kt_cells_find over the pool and the answers, at delta. ret: x->n_cells, with the budgets as they are promised. */
kt_rc kt_routing_search(const kt_routing *x, double delta, kt_cell *ret) KT_MUST_USE;
/* Appends ',"cells":[…]' for an event; of more than a few hundred, those without a threshold are left out. */
void kt_route_put_cells(const kt_cell *cell, const kt_str *name, uint32_t n, kt_buf *ret);

#endif
