/* karat route: what a workspace and a plain file of scores share. */
#ifndef KT_CLI_ROUTE_CLI_H
#define KT_CLI_ROUTE_CLI_H

#include "algo/route/outlook.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/out.h"

/* What it would approve at which bound, what more labels would buy, the cheapest plan. */
void kt_route_print(const kt_outlook *x, kt_out *o);
/* Classes and slices. */
void kt_route_print_cells(const kt_cell *cell, const kt_str *name, uint32_t n, kt_out *o);

typedef struct kt_route_file {
    const char *path;
    kt_str method, by;         /* by: names of columns, divided by commas */
    double budget, confidence;
    kt_str annotator, expert;  /* PRICE:ACCURACY */
    double machine_price;
    bool explain;
    kt_look look;
} kt_route_file;

/* karat route SCORES.csv. */
kt_rc kt_route_file_run(kt_cli *cli, const kt_route_file *f, kt_err *err) KT_MUST_USE;

#endif
