/* Votes from a file, for the filters that need no project. */
#ifndef KT_CLI_VOTES_FILE_H
#define KT_CLI_VOTES_FILE_H

#include "algo/votes.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "format/array_file.h"

typedef enum kt_duplicates { KT_DUPLICATES_ERROR, KT_DUPLICATES_FIRST, KT_DUPLICATES_LAST } kt_duplicates;

typedef struct kt_votes_file_opts {
    kt_strs labels;           /* allowed labels in their order; n 0: those that occur, numbers by value, else bytewise */
    kt_duplicates duplicates; /* what to do when a source votes twice on an item */
    bool minus_one_abstains;  /* "-1" is an abstention, like the empty field */
    kt_str missing;           /* so is this text; empty: none (arrays of integers: -1) */
    bool pairs;               /* no annotators: columns item and label, or just two columns; everything is by source 0 */
} kt_votes_file_opts;

/* Names by id; they point into arrays or the arena. */
typedef struct kt_votes_file {
    kt_votes votes; /* ids of items and sources by first appearance, of labels by their order */
    kt_str *item, *source, *label;
    double *value;  /* n_labels numbers, or NULL when some label is none */
    kt_array_file arrays; /* of numpy's files, what names may point to */
    uint32_t *item_of, *source_of; /* what votes points to, owned */
    int32_t *label_of;
    double *value_of;              /* where value is owned */
} kt_votes_file;

/* Reads path ("-": standard input). CSV, TSV and JSON lines name their columns: item, annotator and label in any order (others
   are passed over), or item and then one column per source. An empty label is an abstention. A .npy file holds one row an item
   and one column a source, NaN missing; a .npz file holds such an array, or arrays item, annotator and label. Errors name
   file, line and field: KT_PARSE, KT_RANGE (twice the same vote, unknown label), KT_LIMIT. */
kt_rc kt_votes_file_read(const char *path, const kt_votes_file_opts *o, kt_arena *a, kt_votes_file *ret, kt_err *err) KT_MUST_USE;
/* The same from a stream that was just opened and is used up; it stays the caller's to end. */
kt_rc kt_votes_file_from(kt_row_stream *s, const kt_votes_file_opts *o, kt_arena *a, kt_votes_file *ret, kt_err *err) KT_MUST_USE;
void kt_votes_file_done(kt_votes_file *f);

/* Names that the columns item, annotator and label go by; NULL at the end of each. */
extern const char *const kt_vote_columns[3][8];
/* "a,b,c" cut at the commas into *ret. */
void kt_votes_file_labels(kt_str text, kt_arena *a, kt_strs *ret);
/* "error", "first" or "last"; empty: error. KT_USAGE. */
kt_rc kt_votes_file_duplicates(kt_str text, kt_duplicates *ret, kt_err *err) KT_MUST_USE;

#endif
