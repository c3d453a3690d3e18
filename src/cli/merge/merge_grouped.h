/* Answers that stand in one column of text, by item: what merges of texts, masks, sets and numbers read. */
#ifndef KT_CLI_MERGE_GROUPED_H
#define KT_CLI_MERGE_GROUPED_H

#include "base/buf.h"
#include "base/names.h"
#include "cli/merge/merge_account.h"
#include "cli/table_file.h"

/* In the order of the file within an item. The texts are the table's. */
typedef struct kt_grouped {
    kt_names item, source;
    uint32_t *source_of; /* of each answer */
    kt_str *text;
    uint64_t *line;      /* of each answer, for messages */
    size_t *start;       /* n items + 1: answers of item i are start[i] .. start[i + 1] - 1 */
    double *said;        /* of each source: answers */
} kt_grouped;

/* The columns of items and annotators, and the first with one of the names. Errors are those of kt_table_file_column. */
kt_rc kt_grouped_read(const kt_table_file *t, const char *const *text_names, kt_arena *a, kt_grouped *ret, kt_err *err) KT_MUST_USE;
void kt_grouped_done(kt_grouped *x);
/* The item of every answer, in the arena. */
uint32_t *kt_grouped_items(const kt_grouped *x, kt_arena *a);
extern const char *const kt_item_column_names[], *const kt_source_names[]; /* what the columns of items and annotators may be called */

/* Sources judged by how much each answer of theirs agrees with what was merged, a share: the account's accuracy. */
typedef struct kt_agreed {
    const kt_grouped *x;
    double *right, *square; /* n sources: Σ agreement, Σ its square */
    double *mean, *ci;      /* set by kt_agreed_account */
    double *agreement;      /* n items: of what was merged */
} kt_agreed;
kt_agreed kt_agreed_make(const kt_grouped *x, kt_arena *a);
void kt_agreed_add(kt_agreed *g, uint32_t source, double share);
/* Sources and sureness of the account. */
void kt_agreed_account(kt_agreed *g, kt_account *ret);

/* What was merged of item i, printed as it comes; posterior: of its n words or pixels. */
typedef struct kt_merged {
    kt_str answer;
    double agreement;
    const double *posterior;
    size_t n_posterior;
} kt_merged;
/* Items of kt_merged as CSV or JSON, one after the other; what: the answer's name. */
void kt_merged_begin(const char *method, const char *what, bool json);
void kt_merged_put(const char *what, bool json, const kt_grouped *x, size_t i, const kt_merged *m);
void kt_merged_end(bool json);
/* Sends what has gathered to standard output. */
void kt_merge_flush(kt_buf *b);

#endif
