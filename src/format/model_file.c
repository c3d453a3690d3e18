/* "karatmdl" and a version byte; kind, note, number of labels and their names, body, each behind its length; XXH3 of all before, little endian. */
#include "format/model_file.h"

#define XXH_INLINE_ALL /* libkarat needs only the C library */
#include <xxhash.h>

#include <string.h>

static const char MAGIC[9] = { 'k', 'a', 'r', 'a', 't', 'm', 'd', 'l', 1 };

static void put(kt_buf *b, kt_str s)
{
    kt_buf_varint(b, s.n);
    kt_buf_str(b, s);
}

void kt_model_file_write(const kt_model_file *m, kt_buf *ret)
{
    size_t from = ret->n;
    kt_buf_add(ret, MAGIC, sizeof(MAGIC));
    put(ret, m->kind);
    put(ret, m->note);
    kt_buf_varint(ret, m->n_labels);
    for (size_t i = 0; i < m->n_labels; i++)
        put(ret, m->label[i]);
    put(ret, m->body);
    if (ret->failed)
        return;
    uint64_t sum = XXH3_64bits(ret->p + from, ret->n - from);
    kt_buf_add(ret, &sum, sizeof(sum));
}

static bool get(kt_str b, size_t *at, kt_str *ret)
{
    uint64_t n;
    if (!kt_varint_read(b, at, &n) || n > b.n - *at)
        return false;
    *ret = (kt_str){ b.p + *at, n };
    *at += n;
    return true;
}

kt_rc kt_model_file_parse(kt_str b, kt_arena *a, kt_model_file *ret, kt_err *err)
{
    kt_model_file m = { 0 };
    size_t at = sizeof(MAGIC);
    uint64_t sum, n;
    if (b.n < sizeof(MAGIC) || memcmp(b.p, MAGIC, sizeof(MAGIC)) != 0) {
        kt_fail(err, KT_PARSE, "this is no model file");
        return kt_hint(err, "'karat model train MODEL DATA' makes one"), KT_PARSE;
    }
    if (b.n < sizeof(MAGIC) + sizeof(sum))
        return kt_fail(err, KT_CORRUPT, "the model file is cut short");
    b.n -= sizeof(sum);
    memcpy(&sum, b.p + b.n, sizeof(sum));
    if (sum != XXH3_64bits(b.p, b.n))
        return kt_fail(err, KT_CORRUPT, "the model file was cut or changed: its checksum does not hold");
    if (!get(b, &at, &m.kind) || !get(b, &at, &m.note) || !kt_varint_read(b, &at, &n) || n > b.n - at)
        return kt_fail(err, KT_CORRUPT, "the model file's head is wrong");
    m.n_labels = n;
    m.label = kt_arena_array(a, n + 1, sizeof(kt_str));
    for (size_t i = 0; i < n; i++)
        if (!get(b, &at, &m.label[i]))
            return kt_fail(err, KT_CORRUPT, "the model file's labels end early");
    if (!get(b, &at, &m.body) || at != b.n)
        return kt_fail(err, KT_CORRUPT, "the model file's body does not fit");
    *ret = m;
    return KT_OK;
}
