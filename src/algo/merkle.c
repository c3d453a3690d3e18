#include "algo/merkle.h"

#include "base/err.h"

#include <sodium.h>
#include <string.h>

kt_hash kt_merkle_leaf(kt_str data)
{
    kt_hash h;
    crypto_hash_sha256_state st;
    crypto_hash_sha256_init(&st);
    crypto_hash_sha256_update(&st, (const unsigned char *)"\0", 1);
    crypto_hash_sha256_update(&st, (const unsigned char *)data.p, data.n);
    crypto_hash_sha256_final(&st, h.b);
    return h;
}

static kt_hash node(kt_hash l, kt_hash r)
{
    unsigned char in[1 + 2 * KT_HASH_BYTES] = { 1 };
    kt_hash h;
    memcpy(in + 1, l.b, KT_HASH_BYTES);
    memcpy(in + 1 + KT_HASH_BYTES, r.b, KT_HASH_BYTES);
    crypto_hash_sha256(h.b, in, sizeof(in));
    return h;
}

void kt_merkle_push(kt_merkle *t, kt_hash leaf)
{
    int n = __builtin_popcountll(t->size);
    kt_hash h = leaf;
    for (uint64_t s = t->size; s & 1; s >>= 1)
        h = node(t->peak[--n], h);
    t->peak[n] = h;
    t->size++;
}

kt_hash kt_merkle_root(const kt_merkle *t)
{
    kt_hash h;
    int n = __builtin_popcountll(t->size);
    if (n == 0) {
        crypto_hash_sha256(h.b, (const unsigned char *)"", 0);
        return h;
    }
    h = t->peak[--n];
    while (n > 0)
        h = node(t->peak[--n], h);
    return h;
}

static kt_hash subtree(uint64_t from, uint64_t n, kt_merkle_leaf_fn leaf, void *ctx)
{
    kt_merkle t = { 0 };
    for (uint64_t i = 0; i < n; i++)
        kt_merkle_push(&t, leaf(ctx, from + i));
    return kt_merkle_root(&t);
}

/* The largest power of two below n (n > 1): where RFC 6962 splits. */
static uint64_t split(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

void kt_merkle_prove(uint64_t index, uint64_t size, kt_merkle_leaf_fn leaf, void *ctx, kt_merkle_path *ret)
{
    KT_ASSERT(index < size);
    uint64_t from = 0, n = size;
    size_t depth = 0;
    while (n > 1) { /* from the root down; turned round below */
        uint64_t k = split(n);
        if (index - from < k) {
            ret->node[depth++] = subtree(from + k, n - k, leaf, ctx);
            n = k;
        } else {
            ret->node[depth++] = subtree(from, k, leaf, ctx);
            from += k;
            n -= k;
        }
    }
    for (size_t i = 0; i < depth / 2; i++) {
        kt_hash h = ret->node[i];
        ret->node[i] = ret->node[depth - 1 - i];
        ret->node[depth - 1 - i] = h;
    }
    ret->n = depth;
}

bool kt_merkle_check(kt_hash leaf, uint64_t index, uint64_t size, const kt_merkle_path *path, kt_hash root)
{
    if (index >= size)
        return false;
    uint64_t fn = index, sn = size - 1;
    kt_hash h = leaf;
    for (size_t i = 0; i < path->n; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            h = node(path->node[i], h);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            h = node(h, path->node[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && memcmp(h.b, root.b, sizeof(h.b)) == 0;
}
