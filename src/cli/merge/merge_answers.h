/* Merges of answers that are not labels out of a few: texts, masks, regions, numbers, trees, rankings. They are asked for like aggregators of votes. */
#ifndef KT_CLI_MERGE_ANSWERS_H
#define KT_CLI_MERGE_ANSWERS_H

#include "algo/merge/numeric.h"
#include "algo/merge/rank.h"
#include "algo/merge/regions.h"
#include "algo/merge/sequences.h"
#include "algo/merge/taxonomy.h"
#include "algo/stats_options.h"
#include "cli/cli.h"
#include "cli/table_file.h"

typedef struct kt_answer_opts {
    int32_t em, n_iter; /* segmentation */
    kt_rank_opts rank;  /* bradley_terry, plackett_luce */
    kt_numeric_opts numeric;
    kt_region_opts regions; /* boxes, spans, polygons, keypoints */
    kt_taxonomy_opts taxonomy;
    kt_sequence_opts sequences;
    kt_str tree;            /* taxonomy: a file child,parent; empty: labels are ways a/b/c */
} kt_answer_opts;

typedef struct kt_answer_merge {
    const char *name, *columns, *help; /* columns: what the first line names */
    const kt_setting *options;
    size_t at;          /* of what options speak of, within kt_answer_opts */
    kt_answer_opts defaults;
    /* Prints to standard output, as JSON or CSV. */
    kt_rc (*run)(kt_cli *cli, const struct kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err);
} kt_answer_merge;

extern const kt_answer_merge kt_answer_merges[];
extern const size_t kt_n_answer_merges;
const kt_answer_merge *kt_answer_merge_find(kt_str name);

#endif
