/* Regions that several people drew, from a table to a table. */
#ifndef KT_CLI_MERGE_REGIONS_H
#define KT_CLI_MERGE_REGIONS_H

#include "algo/merge/regions.h"
#include "cli/cli.h"
#include "cli/table_file.h"

typedef enum kt_region_columns {
    KT_COLUMNS_SPAN,      /* start,end */
    KT_COLUMNS_BOX,       /* x1,y1,x2,y2 */
    KT_COLUMNS_POLYGON,   /* polygon: "x1 y1 x2 y2 x3 y3 …", commas, semicolons and brackets ignored */
    KT_COLUMNS_KEYPOINTS, /* keypoints: "x y seen x y seen …" */
} kt_region_columns;

/* Beside item, annotator and label. Prints to standard output. */
kt_rc kt_merge_regions(kt_cli *cli, const char *method, const kt_table_file *t, const kt_region_opts *o, kt_region_columns columns, bool json,
                       kt_err *err) KT_MUST_USE;

#endif
