/* Text to sparse vectors: hashed word n-grams and character n-grams (Weinberger et al. 2009, "Feature hashing"). */
#ifndef KT_ALGO_TEXT_FEATURES_H
#define KT_ALGO_TEXT_FEATURES_H

#include "base/err.h"
#include "base/pool.h"

/* Sparse rows (CSR): row i holds entries start[i] .. start[i + 1] - 1; each index occurs once in a row. */
typedef struct kt_features {
    size_t n_rows;
    size_t *start;   /* n_rows + 1 */
    uint32_t *index; /* < 2^bits */
    float *value;
    struct kt_features_room *room; /* of kt_features_renew; else NULL */
} kt_features;

typedef struct kt_features_options {
    uint32_t bits;       /* size of the hashed space, 8..24; 18 suits most projects */
    uint32_t words;      /* longest word n-gram, 0..3; 0: no words */
    uint32_t char_min;   /* character n-grams inside words, in bytes of the folded text; 0: none */
    uint32_t char_max;   /* <= 8 */
} kt_features_options;

#define KT_FEATURES_OPTIONS_INIT { 18, 2, 0, 0 }

/* KT_RANGE for options out of bounds. */
kt_rc kt_features_options_check(const kt_features_options *o, kt_err *err) KT_MUST_USE;

/* How many rows each feature occurs in, summed over any number of chunks. */
typedef struct kt_idf {
    uint32_t bits;
    uint64_t n_rows;
    uint32_t *rows; /* 2^bits */
} kt_idf;

/* Next token of text from *at: a run of letters and digits (ASCII and Latin-1 letters folded to lower case, other
   scripts as they are), or one kana or Han character, folded into dst (cut at cap bytes). Returns its length; 0 at
   the end. Punctuation and white space separate. Bytes need not be valid UTF-8. */
size_t kt_token_next(kt_str text, size_t *at, char *dst, size_t cap);

/* Rows for n texts with values 1 + log(count), not yet weighted or normalised. Caller frees *ret by kt_features_done.
   The result does not depend on the number of threads. KT_RANGE for options out of bounds. */
kt_rc kt_features_make(const kt_str *text, size_t n, const kt_features_options *o, kt_pool *pool, kt_features *ret,
                       kt_err *err) KT_MUST_USE;
/* The same into *x, zeroed or renewed before, whose memory is used again: for texts that come in pieces. */
kt_rc kt_features_renew(const kt_str *text, size_t n, const kt_features_options *o, kt_pool *pool, kt_features *x, kt_err *err) KT_MUST_USE;
void kt_features_done(kt_features *f);

/* Calls see for each n-gram of a text in the order kt_features_make meets them, repeated ones included. index: its feature; gram: words with
   what stands between them in the text, or a piece of a folded word (valid during the call; < and > mark the word's ends). */
void kt_features_each(kt_str text, const kt_features_options *o, void (*see)(void *ctx, uint32_t index, kt_str gram), void *ctx);

void kt_idf_init(kt_idf *idf, uint32_t bits);
void kt_idf_add(kt_idf *idf, const kt_features *f); /* once per chunk, before kt_features_weigh */
void kt_idf_done(kt_idf *idf);

/* Multiplies by 1 + log((1 + N) / (1 + rows with the feature)) where idf is given (not NULL), then divides each row by
   its Euclidean norm. In place; an empty row stays empty. */
void kt_features_weigh(kt_features *f, const kt_idf *idf, kt_pool *pool);

/* ret[i]: mean over all rows j of weight[j] (NULL: 1) times the inner product of rows i and j (the cosine, for rows of norm 1). Linear in the
   entries. ret: n_rows. */
void kt_features_near(const kt_features *f, const double *weight, double *ret);

#endif
