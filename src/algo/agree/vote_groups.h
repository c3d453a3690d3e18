/* Votes grouped by item, as the metrics of agreement see them when it does not matter who said what. Where few labels and
   few votes per item allow it, items with the same votes in the same order are one *group* that counts several times: a
   million items then are a few thousand groups, and every metric costs next to nothing more than reading the votes. */
#ifndef KT_ALGO_VOTE_GROUPS_H
#define KT_ALGO_VOTE_GROUPS_H

#include "algo/votes.h"
#include "base/pool.h"

/* Labels of group g: label[start[g] .. start[g + 1] - 1], all >= 0; empty for items nobody voted on. */
typedef struct kt_vote_groups {
    size_t n;
    uint32_t n_labels, most; /* most: votes in the largest group */
    const int32_t *label;
    const uint32_t *start; /* n + 1 */
    const uint32_t *times; /* n: items of the group (0 allowed), or NULL: one each */
    void *own[3];          /* what kt_vote_groups_done frees */
} kt_vote_groups;

/* Abstentions are left out. Borrows v's labels where they stand grouped already. Same groups for any pool. KT_RANGE for ids
   out of bounds, KT_LIMIT above 2^32 votes. */
kt_rc kt_vote_groups_make(const kt_votes *v, kt_pool *pool, kt_vote_groups *ret, kt_err *err) KT_MUST_USE;
void kt_vote_groups_done(kt_vote_groups *g);

/* One number type of a matrix; also of .npy files. */
typedef enum kt_dtype {
    KT_I8, KT_U8, KT_I16, KT_U16, KT_I32, KT_U32, KT_I64, KT_U64, KT_F32, KT_F64, KT_DTYPE__COUNT
} kt_dtype;
size_t kt_dtype_size(kt_dtype t);

/* Ratings as a table: the one of source s on item i stands at data + s · source_stride + i · item_stride bytes, aligned to
   its type. NaN is missing; so is the integer `missing` (types without NaN; set has_missing). */
typedef struct kt_vote_matrix {
    const void *data;
    kt_dtype type;
    uint32_t n_sources;
    size_t n_items;
    ptrdiff_t source_stride, item_stride;
    bool has_missing;
    int64_t missing;
    const double *domain; /* n_domain different numbers, in their order; NULL: those that occur, ascending */
    uint32_t n_domain;
} kt_vote_matrix;

/* Groups of a matrix. *ret_value: ret->n_labels numbers behind the labels, to be freed with kt_free. KT_RANGE: an infinite
   rating, one outside the domain, a domain that repeats itself; KT_LIMIT: too many votes or different values. */
kt_rc kt_vote_groups_of_matrix(const kt_vote_matrix *m, kt_pool *pool, kt_vote_groups *ret, double **ret_value, kt_err *err) KT_MUST_USE;

/* The same ratings as votes, item by item, missing ones left out; value: of the labels, votes.n_labels of them. */
typedef struct kt_matrix_votes {
    kt_votes votes;
    double *value;
    uint32_t *item, *source;
    int32_t *label;
} kt_matrix_votes;
kt_rc kt_matrix_votes_make(const kt_vote_matrix *m, kt_pool *pool, kt_matrix_votes *ret, kt_err *err) KT_MUST_USE;
void kt_matrix_votes_done(kt_matrix_votes *v);

/* What two sources of a matrix said: *ret_table[a * n_labels + b] items where s said a and t said b. Both results are to be
   freed with kt_free. KT_LIMIT where the table would not fit. */
kt_rc kt_vote_matrix_table(const kt_vote_matrix *m, uint32_t s, uint32_t t, kt_pool *pool, uint32_t **ret_table, double **ret_value,
                           uint32_t *ret_n_labels, kt_err *err) KT_MUST_USE;

/* ---- for vote_matrix.c ---- */

/* Tables of codes: the code of votes l1, l2, … is the number with digits l + 1 to the base n_labels + 1; a digit 0 is a
   missing vote. */
enum { KT_GROUP_CODES = 1 << 16 };
/* Groups from the n_codes <= KT_GROUP_CODES counts, ascending. */
void kt_vote_groups_of_codes(const uint32_t *count, size_t n_codes, uint32_t n_labels, kt_vote_groups *ret);

#endif
