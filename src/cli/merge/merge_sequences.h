/* Tagged sequences, from a table to a table. */
#ifndef KT_CLI_MERGE_SEQUENCES_H
#define KT_CLI_MERGE_SEQUENCES_H

#include "algo/merge/sequences.h"
#include "cli/cli.h"
#include "cli/table_file.h"

/* Columns item, annotator, tags: "O B-city I-city O", one a token. Prints to standard output. */
kt_rc kt_merge_sequences(kt_cli *cli, const kt_table_file *t, const kt_sequence_opts *o, bool json, kt_err *err) KT_MUST_USE;

#endif
