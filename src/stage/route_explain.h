/* Why routing does what it does, and what would change it. */
#ifndef KT_STAGE_ROUTE_EXPLAIN_H
#define KT_STAGE_ROUTE_EXPLAIN_H

#include "algo/route/outlook.h"
#include "stage/run.h"

typedef struct kt_route_explained {
    bool whole;               /* labels are sets or regions: what is right or wrong is an item's whole answer */
    kt_route_method method;
    double confidence;
    uint32_t n_wanted;        /* trusted items drawn */
    kt_outlook outlook;       /* of everything together */
    kt_cell *cell;            /* as it would be decided now */
    kt_str *cell_name;
    uint32_t n_cells;
    const char *annotators_from, *experts_from; /* where their accuracy is from; NULL: not known */
    kt_outlook_people people;
} kt_route_explained;

/* With what experts have answered of the trusted sample so far, which is drawn but not queued. Texts live in r->arena. */
kt_rc kt_route_explain(kt_run *r, kt_route_explained *ret) KT_MUST_USE;

#endif
