/* Near-duplicate texts: shingles, MinHash bands (Broder 1997; Leskovec, Rajaraman, Ullman, ch. 3), exact check,
   clusters. In pieces, so that a stage can run it over a store without holding the texts:
       text → kt_near_shingles → kt_near_bands → band by band kt_near_buckets_add → kt_near_join → canonical items. */
#ifndef KT_ALGO_NEAR_H
#define KT_ALGO_NEAR_H

#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"

typedef struct kt_near_options {
    double threshold;   /* two texts are near when the Jaccard index of their shingle sets is at least this; (0, 1] */
    uint32_t words;     /* tokens in a word shingle, 1..8; 0: characters instead */
    uint32_t chars;     /* bytes of folded text in a character shingle, 3..16; used when words is 0 */
    uint32_t bands;     /* 0: chosen (kt_near_resolve) */
    uint32_t rows;      /* MinHash values in a band; 0: chosen */
    uint64_t seed;
} kt_near_options;

#define KT_NEAR_OPTIONS_INIT { 0.8, 3, 0, 0, 0, 1 }

enum { KT_NEAR_MAX_BANDS = 64 };

/* A growing array of shingle hashes; start from {0}, free by kt_shingles_done. */
typedef struct kt_shingles {
    uint32_t *v;
    size_t n, cap;
} kt_shingles;

void kt_shingles_done(kt_shingles *s);

/* Fills in bands and rows where 0: the most selective choice whose chance to miss a pair at threshold + 0.05 is under
   0.5 percent. KT_RANGE for options out of bounds. Call it once; the functions below want resolved options. */
kt_rc kt_near_resolve(kt_near_options *o, kt_err *err) KT_MUST_USE;

/* Replaces *ret by the text's shingle hashes, sorted, each once. Case, punctuation and white space do not count; a
   text shorter than one shingle gives one; a text without tokens gives none and is near no other. */
void kt_near_shingles(kt_str text, const kt_near_options *o, kt_shingles *ret);
/* Band keys of one item: ret_key has room for o->bands. n_shingles > 0. */
void kt_near_bands(const uint32_t *shingle, size_t n_shingles, const kt_near_options *o, uint64_t *ret_key);
/* Jaccard index of two sorted sets; 0 when both are empty. */
double kt_near_jaccard(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b);
/* Whether the index is at least threshold; stops as soon as that is settled. */
bool kt_near_same(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, double threshold);

/* Clusters under construction: parent[i] leads to the smallest item of i's cluster. n entries, at first parent[i] = i. */
void kt_near_start(uint32_t *parent, uint32_t n);
/* parent[i] is the smallest item of i's cluster from here on. */
void kt_near_finish(uint32_t *parent, uint32_t n);

/* Buckets: items that share a band key, ascending, bucket after bucket; bucket b ends at end.v[b]. Start from {0}. */
typedef struct kt_near_buckets {
    KT_VEC(uint32_t) item;
    KT_VEC(size_t) end;
} kt_near_buckets;

/* Appends the buckets of one band: key has n entries, 0 for an item without content. Buckets of one item, or of one
   cluster already, are left out. Work and memory are proportional to n. */
void kt_near_buckets_add(kt_near_buckets *b, const uint64_t *key, uint32_t n, uint32_t *parent);
void kt_near_buckets_done(kt_near_buckets *b);
/* Compares the items of buckets [from, to) by same(ctx, a, b), a < b, each only with a few representatives of its bucket,
   so that the work stays proportional to their number, and joins the clusters of those that are the same. The order of
   buckets and items is fixed by the keys, so the result is. */
void kt_near_join(const kt_near_buckets *b, size_t from, size_t to, bool (*same)(void *ctx, uint32_t a, uint32_t b), void *ctx,
                  uint32_t *parent);

/* A set of texts that keeps their shingles and band keys (4 bytes a shingle, 8 a band), not the texts. o: as for kt_near_resolve. */
typedef struct kt_near_set kt_near_set;
enum { KT_NEAR_BATCH = 16384 };
kt_rc kt_near_set_new(const kt_near_options *o, kt_near_set **ret, kt_err *err) KT_MUST_USE;
kt_near_set *kt_near_set_free(kt_near_set *s);
/* Texts in batches of KT_NEAR_BATCH, the last of any size. */
void kt_near_set_add(kt_near_set *s, const kt_str *text, uint32_t n, kt_pool *pool);
/* ret_canonical: of each text the first of its cluster. Same result for any number of threads. */
void kt_near_set_clusters(kt_near_set *s, uint32_t *ret_canonical);
double kt_near_set_jaccard(const kt_near_set *s, uint32_t a, uint32_t b);

/* All of it for texts in memory. ret_canonical: n. */
kt_rc kt_near_clusters(const kt_str *text, uint32_t n, const kt_near_options *o, kt_pool *pool, uint32_t *ret_canonical,
                       kt_err *err) KT_MUST_USE;

#endif
