/* MinHash signatures in the common definition (datasketch's), and the choice of bands for them. */
#ifndef KT_ALGO_MINHASH_H
#define KT_ALGO_MINHASH_H

#include "base/types.h"

/* slot_i = min over h of (((a_i × h + b_i) mod 2^64) mod (2^61 - 1)) mod 2^32. */
typedef struct kt_minhash_family {
    uint32_t n;
    const uint64_t *a, *b; /* n each, below 2^61 - 1; a > 0 */
} kt_minhash_family;

/* Draws a family; a and b have room for n. */
void kt_minhash_draw(uint64_t seed, uint32_t n, uint64_t *ret_a, uint64_t *ret_b);
/* Signature of a set of 32-bit hashes: ret has room for family->n. The empty set gives all ones. */
void kt_minhash_signature(const kt_minhash_family *family, const uint32_t *hash, size_t n_hashes, uint32_t *ret);
/* Share of equal slots: an unbiased estimate of the Jaccard index with variance J(1 - J)/n. */
double kt_minhash_estimate(const uint32_t *a, const uint32_t *b, uint32_t n);
/* The bands × rows <= n that minimise fp_weight × false positives + (1 - fp_weight) × false negatives of a pair with
   uniform Jaccard index around threshold; the first minimum in the order of bands, then rows. */
void kt_minhash_bands(double threshold, uint32_t n, double fp_weight, uint32_t *ret_bands, uint32_t *ret_rows);

#endif
