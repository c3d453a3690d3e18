/* karat aggregate's inner parts: what stands beside the votes, and how the answer is printed, explained and drawn. */
#ifndef KT_CLI_MERGE_H
#define KT_CLI_MERGE_H

#include "algo/merge/aggregate.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/votes_file.h"

typedef struct kt_merge {
    kt_cli *cli;
    kt_votes_file file;
    const kt_aggregator *method;
    kt_posterior post;
    uint32_t *votes_of_source;
    union {
        char bytes[KT_AGGREGATE_OPTION_BYTES];
        kt_majority_opts majority;
        kt_dawid_skene_opts dawid_skene;
        kt_mace_opts mace;
        kt_crowdlab_opts crowdlab;
        kt_auto_opts best;
    } opt;
} kt_merge;

/* The names of the labels in a file of probabilities, its columns after the first: KT_RANGE, … as kt_votes_file_read. */
kt_rc kt_merge_probs_labels(kt_cli *cli, kt_str path, kt_strs *ret, kt_err *err) KT_MUST_USE;
/* Each reads a file and sets the option of the method that it is for; KT_USAGE where the method has none. The arrays live in
   the command's arena. gold: item,label. weights: annotator,weight. probs: item and one column per label. start:
   id,spams,knows and one column per label (mace). */
kt_rc kt_merge_gold(kt_merge *m, kt_str path, kt_err *err) KT_MUST_USE;
kt_rc kt_merge_weights(kt_merge *m, kt_str path, kt_err *err) KT_MUST_USE;
kt_rc kt_merge_probs(kt_merge *m, kt_str path, kt_err *err) KT_MUST_USE;
kt_rc kt_merge_start(kt_merge *m, kt_str path, kt_err *err) KT_MUST_USE;

/* To standard output: one JSON object; item,label,posterior,votes,for; annotator,votes,accuracy,low,high. */
void kt_merge_print_json(const kt_merge *m);
void kt_merge_print_items(const kt_merge *m);
void kt_merge_print_sources(const kt_merge *m);
/* The method's formula with the numbers of one item put in. KT_NOTFOUND for an item that is not in the file. */
kt_rc kt_merge_explain(const kt_merge *m, kt_str item, kt_err *err) KT_MUST_USE;
/* An SVG picture of the sources' accuracies with their intervals. */
kt_rc kt_merge_plot(const kt_merge *m, const char *path, kt_err *err) KT_MUST_USE;
/* On standard error, where the labels are far from the majority's: how far, and why. */
void kt_merge_warn(const kt_merge *m);

#endif
