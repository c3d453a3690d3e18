/* The public API: MinHash signatures, and near-duplicates among texts. */
#include "api_int.h"

#include "algo/minhash.h"
#include "algo/near.h"
#include "base/mem.h"
#include "base/str.h"

typedef struct near_options {
    kt_shingling how;
    double threshold;
    uint32_t n_slots, seed;
} near_options;

static kt_rc read_options(const karat_near_options *given, near_options *ret, kt_err *err)
{
    KT_API_OPTIONS(karat_near_options, o, given);
    ret->threshold = o.threshold != 0 ? o.threshold : 0.8;
    ret->n_slots = o.n_slots ? o.n_slots : 128;
    ret->seed = o.seed ? o.seed : 1;
    if (ret->n_slots > KT_MINHASH_MAX_SLOTS)
        return kt_fail(err, KT_LIMIT, "%u slots; up to %d are taken", ret->n_slots, KT_MINHASH_MAX_SLOTS);
    return kt_shingling_parse(kt_str_of(o.shingle ? o.shingle : "w3"), &ret->how, err);
}

/* The caller's texts as views, all of them UTF-8; the caller frees *ret. */
static kt_rc take_texts(const char *const *text, const size_t *n_bytes, size_t n, kt_str **ret, kt_err *err)
{
    *ret = NULL;
    KT_TRY(kt_api_given(text, n, "text", err));
    KT_TRY(kt_api_fits(n, 128, "texts", err));
    if (n >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "%zu texts; fewer than %u are taken", n, UINT32_MAX);
    kt_str *s = kt_alloc_array(n + 1, sizeof(*s));
    for (size_t i = 0; i < n; i++) {
        size_t bad;
        s[i] = n_bytes ? (kt_str){ text[i], n_bytes[i] } : kt_str_of(text[i]);
        if (kt_utf8_valid(s[i], &bad))
            continue;
        kt_free(s);
        return kt_fail(err, KT_PARSE, "text %zu is not UTF-8 (byte %zu)", i, bad);
    }
    *ret = s;
    return 0;
}

typedef struct signing {
    const kt_str *text;
    near_options o;
    uint64_t a[KT_MINHASH_MAX_SLOTS], b[KT_MINHASH_MAX_SLOTS];
    uint32_t *slot;
    size_t *shingles;
} signing;

static void sign(void *ctx, size_t i)
{
    const signing *s = ctx;
    size_t n = kt_minhash_sign(s->text[i], s->o.how, s->a, s->b, s->o.n_slots, s->slot + i * s->o.n_slots);
    if (s->shingles)
        s->shingles[i] = n;
}

karat_rc karat_minhash(karat_context *ctx, const char *const *text, const size_t *n_bytes, size_t n, const karat_near_options *options,
                       uint32_t *ret_slots, size_t *ret_shingles, karat_error *err)
{
    kt_err e = { 0 };
    kt_str *texts = NULL;
    signing s = { .slot = ret_slots, .shingles = ret_shingles };
    kt_rc rc = read_options(options, &s.o, &e);
    if (rc == 0)
        rc = take_texts(text, n_bytes, n, &texts, &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        s.text = texts;
        kt_minhash_permutations(s.o.seed, s.o.n_slots, s.a, s.b);
        kt_pool_run(pool, n, sign, &s);
        kt_api_give(ctx, pool);
    }
    kt_free(texts);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_minhash_permutations(const karat_near_options *options, uint64_t *ret_a, uint64_t *ret_b, karat_error *err)
{
    kt_err e = { 0 };
    near_options o;
    kt_rc rc = read_options(options, &o, &e);
    if (rc == 0)
        kt_minhash_permutations(o.seed, o.n_slots, ret_a, ret_b);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_minhash_bands(double threshold, uint32_t n_slots, uint32_t *ret_bands, uint32_t *ret_rows, karat_error *err)
{
    kt_err e = { 0 };
    return kt_api_end(kt_minhash_bands(threshold, n_slots, ret_bands, ret_rows, &e), &e, err);
}

karat_rc karat_jaccard(const char *a, size_t a_bytes, const char *b, size_t b_bytes, const karat_near_options *options, double *ret,
                       size_t *ret_a_shingles, size_t *ret_b_shingles, karat_error *err)
{
    kt_err e = { 0 };
    near_options o;
    kt_str *texts = NULL;
    size_t n_a, n_b;
    kt_rc rc = read_options(options, &o, &e);
    if (rc == 0)
        rc = take_texts((const char *const[]){ a, b }, (const size_t[]){ a_bytes, b_bytes }, 2, &texts, &e);
    if (rc == 0) {
        *ret = kt_shingles_jaccard(texts[0], texts[1], o.how, &n_a, &n_b);
        if (ret_a_shingles)
            *ret_a_shingles = n_a;
        if (ret_b_shingles)
            *ret_b_shingles = n_b;
    }
    kt_free(texts);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_near_clusters(karat_context *ctx, const char *const *text, const size_t *n_bytes, size_t n, const karat_near_options *options,
                             uint32_t *ret_canonical, karat_error *err)
{
    kt_err e = { 0 };
    near_options o;
    kt_str *texts = NULL;
    kt_rc rc = read_options(options, &o, &e);
    if (rc == 0)
        rc = take_texts(text, n_bytes, n, &texts, &e);
    if (rc == 0) {
        kt_near_options near = { .threshold = o.threshold, .words = o.how.chars ? 0 : o.how.size, .chars = o.how.chars ? o.how.size : 0, .seed = o.seed };
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_near_clusters(texts, (uint32_t)n, &near, pool, ret_canonical, &e);
        kt_api_give(ctx, pool);
    }
    kt_free(texts);
    return kt_api_end(rc, &e, err);
}
