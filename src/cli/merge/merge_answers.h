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
#include "cli/merge/merge_account.h"
#include "cli/table_file.h"
#include "cli/votes_file.h"

typedef struct kt_answer_opts {
    int32_t em, n_iter; /* segmentation */
    kt_rank_opts rank;  /* bradley_terry, plackett_luce */
    kt_numeric_opts numeric;
    kt_region_opts regions; /* boxes, spans, polygons, keypoints */
    kt_taxonomy_opts taxonomy;
    kt_sequence_opts sequences;
    kt_str tree;            /* taxonomy: a file child,parent; empty: labels are ways a/b/c */
} kt_answer_opts;

typedef struct kt_answer_merge kt_answer_merge;
/* Merges the table and gives what is wished for: answers as JSON or CSV to standard output, and the account of it. */
typedef kt_rc kt_merge_run(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err);

struct kt_answer_merge {
    const char *name, *columns, *help; /* columns: what the first line names */
    const char *formula;               /* for --explain */
    bool keyed, once;                  /* a row names an item and an annotator; who answers each item once */
    const kt_setting *options;
    size_t at;          /* of what options speak of, within kt_answer_opts */
    kt_answer_opts defaults;
    kt_merge_run *run;
};

extern const kt_answer_merge kt_answer_merges[];
extern const size_t kt_n_answer_merges;
const kt_answer_merge *kt_answer_merge_find(kt_str name);

/* Of a table that is keyed: every row names its item and annotator, and where they answer once nobody does twice, or the first or the last
   of such rows is kept. KT_PARSE, KT_RANGE. */
kt_rc kt_answers_check(const kt_answer_merge *m, kt_table_file *t, kt_duplicates duplicates, kt_err *err) KT_MUST_USE;

/* One file a kind: merge_texts.c, merge_masks.c, merge_regions.c, … */
kt_merge_run kt_merge_rover, kt_merge_medoid, kt_merge_masks, kt_merge_boxes, kt_merge_spans, kt_merge_polygons, kt_merge_keypoints, kt_merge_sequences,
    kt_merge_taxonomy, kt_merge_sets, kt_merge_numeric, kt_merge_pairs, kt_merge_rankings;

#endif
