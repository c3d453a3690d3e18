/* The Merkle tree of RFC 6962 (Certificate Transparency) with SHA-256: leaf = H(0x00 || data), node = H(0x01 || left || right).
   A growing tree is kept as its peaks: the roots of the perfect subtrees of the bits of its size, largest first. */
#ifndef KT_ALGO_MERKLE_H
#define KT_ALGO_MERKLE_H

#include "base/types.h"

#define KT_HASH_BYTES 32
#define KT_MERKLE_MAX_PATH 64

typedef struct kt_hash {
    unsigned char b[KT_HASH_BYTES];
} kt_hash;

typedef struct kt_merkle {
    uint64_t size;
    kt_hash peak[64]; /* popcount(size) of them */
} kt_merkle;

typedef struct kt_merkle_path {
    size_t n;
    kt_hash node[KT_MERKLE_MAX_PATH];
} kt_merkle_path;

kt_hash kt_merkle_leaf(kt_str data);
void kt_merkle_push(kt_merkle *t, kt_hash leaf);
kt_hash kt_merkle_root(const kt_merkle *t); /* of the empty tree: H("") */

/* Hash of leaf i. */
typedef kt_hash (*kt_merkle_leaf_fn)(void *ctx, uint64_t i);
/* Audit path (RFC 6962, 2.1.1) of leaf `index` in the tree of `size` leaves, index < size. Reads every leaf once. */
void kt_merkle_prove(uint64_t index, uint64_t size, kt_merkle_leaf_fn leaf, void *ctx, kt_merkle_path *ret);
/* True when path leads from leaf to root (RFC 9162, 2.1.3.2). */
bool kt_merkle_check(kt_hash leaf, uint64_t index, uint64_t size, const kt_merkle_path *path, kt_hash root);

#endif
