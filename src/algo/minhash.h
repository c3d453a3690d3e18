/* MinHash signatures as the Python package datasketch has them (num_perm slots, SHA-1, permutations of its seed), so that signatures can
   be compared with those stored elsewhere; exact Jaccard indices; the bands that suit a threshold. near.h finds the duplicates. */
#ifndef KT_ALGO_MINHASH_H
#define KT_ALGO_MINHASH_H

#include "base/err.h"
#include "base/types.h"

enum { KT_MINHASH_MAX_SLOTS = 1024, KT_MINHASH_MAX_SHINGLE = 64 };

/* Set of shingles: size consecutive tokens joined by a blank, or size consecutive bytes of all tokens so joined. A text shorter than
   that is one shingle, an empty one the empty shingle. Tokens are runs of letters and digits, ASCII and Latin-1 letters folded to
   lower case; any bytes are taken. */
typedef struct kt_shingling {
    uint32_t size; /* 1..KT_MINHASH_MAX_SHINGLE */
    bool chars;
} kt_shingling;

/* "w3" words, "c5" characters; KT_USAGE. */
kt_rc kt_shingling_parse(kt_str text, kt_shingling *ret, kt_err *err) KT_MUST_USE;

/* Permutations: a[i], b[i] < 2^61 - 1, drawn by the generator of numpy's RandomState(seed). */
void kt_minhash_permutations(uint32_t seed, uint32_t n_slots, uint64_t *ret_a, uint64_t *ret_b);
/* slot i = min over shingles of ((a[i] h + b[i]) mod 2^64 mod (2^61 - 1)) & (2^32 - 1), h the first four bytes of the shingle's SHA-1,
   little endian. Returns how many different shingles there are (by a hash of 64 bits). */
size_t kt_minhash_sign(kt_str text, kt_shingling how, const uint64_t *a, const uint64_t *b, uint32_t n_slots, uint32_t *ret_slot);
/* Share of equal slots: estimates the Jaccard index with standard deviation sqrt(J (1 - J) / n_slots). */
double kt_minhash_estimate(const uint32_t *x, const uint32_t *y, uint32_t n_slots);
/* Jaccard index of the two sets, and their sizes. */
double kt_shingles_jaccard(kt_str x, kt_str y, kt_shingling how, size_t *ret_x, size_t *ret_y);

/* bands × rows <= n_slots with the least area of errors: half the chance that a pair below the threshold shares a band, 0 to t, plus half
   the chance that one above it shares none, t to 1. KT_RANGE. */
kt_rc kt_minhash_bands(double threshold, uint32_t n_slots, uint32_t *ret_bands, uint32_t *ret_rows, kt_err *err) KT_MUST_USE;

#endif
