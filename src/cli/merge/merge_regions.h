/* Boxes and spans that several people drew, from a table to a table. */
#ifndef KT_CLI_MERGE_REGIONS_H
#define KT_CLI_MERGE_REGIONS_H

#include "algo/merge/regions.h"
#include "cli/cli.h"
#include "cli/table_file.h"

/* n_numbers 4: columns x1,y1,x2,y2; 2: start,end. Prints to standard output. */
kt_rc kt_merge_regions(kt_cli *cli, const char *method, const kt_table_file *t, const kt_region_opts *o, uint32_t n_numbers, bool json,
                       kt_err *err) KT_MUST_USE;

#endif
