/* karat aggregate's inner parts: what stands beside the votes, and how the answer is printed, explained and drawn. */
#ifndef KT_CLI_MERGE_H
#define KT_CLI_MERGE_H

#include "algo/merge/aggregate.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/merge/merge_account.h"
#include "cli/votes_file.h"

typedef struct kt_merge {
    kt_cli *cli;
    kt_votes_file file;
    const kt_aggregator *method;
    kt_posterior post;
    double *votes_of_source;
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

/* To standard output: the JSON object up to its sources; or item,label,posterior. */
void kt_merge_print_json(const kt_merge *m);
void kt_merge_print_items(const kt_merge *m);
/* The rest that can be said of it; what it points to lives in m and the command's arena. */
kt_account kt_merge_account_of(const kt_merge *m);
/* The votes on one item, and what the method's formula makes of them. KT_NOTFOUND for an item that is not in the file. */
kt_rc kt_merge_explain(const kt_merge *m, kt_str item, kt_err *err) KT_MUST_USE;
/* On standard error, where the labels are far from the majority's: how far, and why. */
void kt_merge_warn(const kt_merge *m);

#endif
