/* Labels that are nodes of a tree, from a table to a table. */
#ifndef KT_CLI_MERGE_TAXONOMY_H
#define KT_CLI_MERGE_TAXONOMY_H

#include "algo/merge/taxonomy.h"
#include "cli/cli.h"
#include "cli/table_file.h"

/* tree: a file child,parent (an empty parent: a root), or empty: labels are ways a/b/c from a root down. Prints to standard output. */
kt_rc kt_merge_taxonomy(kt_cli *cli, const kt_table_file *t, const kt_taxonomy_opts *o, kt_str tree, bool json, kt_err *err) KT_MUST_USE;

#endif
