/* The public API: models. One table of kinds; every function checks what the algorithms take for granted, then goes through it. */
#include "api_int.h"

#include "algo/learn/crf.h"
#include "algo/learn/dense_model.h"
#include "algo/learn/knn.h"
#include "algo/learn/prototypes.h"
#include "algo/learn/text_model.h"
#include "algo/nth.h"
#include "base/mem.h"
#include "base/str.h"
#include "format/model_file.h"

#include <stdio.h>

#define MAX_MODEL ((size_t)8 << 30)

typedef struct kind kind;

struct karat_model {
    const kind *kind;
    uint32_t n_labels;
    char **name; /* n_labels, or NULL */
    union {
        kt_text_model text;
        kt_crf crf;
        kt_knn knn;
        kt_prototypes prototypes;
        kt_dense_model dense;
    } u;
};

/* The caller's data as the algorithms take them. */
typedef struct input {
    const karat_model_data *d;
    kt_str *text;    /* texts or tokens */
    kt_crf_text crf;
    union {
        kt_text_options text;
        kt_crf_options crf;
        kt_knn_options knn;
        kt_prototypes_options prototypes;
        kt_dense_options dense;
    } o;
    uint32_t folds;
    uint64_t seed;
} input;

struct kind {
    const char *name, *help;
    bool texts, tokens, numbers; /* what of the data it reads */
    const kt_setting *settings;
    const void *defaults;
    size_t option_size;
    kt_rc (*fit)(input *in, kt_pool *pool, karat_model *ret, kt_err *err);
    kt_rc (*cross)(input *in, kt_pool *pool, float *ret_prob, kt_err *err);
    kt_rc (*predict)(const karat_model *m, const input *in, kt_pool *pool, float *ret_prob, int32_t *ret_tag, kt_err *err);
    kt_rc (*update)(karat_model *m, const input *in, size_t item, kt_err *err);
    kt_rc (*explain)(const karat_model *m, const input *in, size_t item, uint32_t label, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n,
                     kt_err *err);
    void (*bytes)(const karat_model *m, kt_buf *ret);
    kt_rc (*open)(kt_str bytes, karat_model *ret, kt_err *err);
    void (*done)(karat_model *m);
};

/* ---- linear ---- */

static kt_text_data text_data(const input *in)
{
    const karat_model_data *d = in->d;
    return (kt_text_data){ .text = in->text, .n = d->n, .n_labels = d->n_labels, .label = in->o.text.task == KT_TEXT_MULTI ? NULL : d->label,
                           .has = d->has, .parent = d->parent, .group = d->group };
}

static kt_rc linear_fit(input *in, kt_pool *pool, karat_model *ret, kt_err *err)
{
    kt_text_data d = text_data(in);
    in->o.text.seed = in->seed;
    return kt_text_fit(&d, &in->o.text, pool, &ret->u.text, err);
}

static kt_rc linear_cross(input *in, kt_pool *pool, float *ret_prob, kt_err *err)
{
    kt_text_data d = text_data(in);
    in->o.text.seed = in->seed;
    return kt_text_cross(&d, &in->o.text, in->folds, pool, ret_prob, err);
}

static kt_rc linear_predict(const karat_model *m, const input *in, kt_pool *pool, float *ret_prob, int32_t *ret_tag, kt_err *err)
{
    (void)ret_tag;
    (void)err;
    kt_text_predict(&m->u.text, in->text, in->d->n, pool, ret_prob);
    return KT_OK;
}

static kt_rc linear_update(karat_model *m, const input *in, size_t item, kt_err *err)
{
    const karat_model_data *d = in->d;
    bool multi = m->u.text.task == KT_TEXT_MULTI;
    if (multi ? !d->has : !d->label)
        return kt_fail(err, KT_RANGE, "there are no labels to learn");
    if (multi || d->label[item] >= 0)
        kt_text_update(&m->u.text, in->text[item], multi ? 0 : (uint32_t)d->label[item], multi ? d->has + item * m->n_labels : NULL);
    return KT_OK;
}

static kt_rc linear_explain(const karat_model *m, const input *in, size_t item, uint32_t label, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n,
                            kt_err *err)
{
    return kt_text_explain(&m->u.text, in->text[item], label, max, a, ret, ret_n, err);
}

/* ---- crf ---- */

static kt_rc crf_fit(input *in, kt_pool *pool, karat_model *ret, kt_err *err)
{
    (void)pool;
    in->o.crf.seed = in->seed;
    return kt_crf_fit(&in->crf, in->d->label, in->d->n_labels, &in->o.crf, &ret->u.crf, err);
}

static kt_rc crf_cross(input *in, kt_pool *pool, float *ret_prob, kt_err *err)
{
    in->o.crf.seed = in->seed;
    return kt_crf_cross(&in->crf, in->d->label, in->d->n_labels, in->d->group, &in->o.crf, in->folds, pool, ret_prob, err);
}

static kt_rc crf_predict(const karat_model *m, const input *in, kt_pool *pool, float *ret_prob, int32_t *ret_tag, kt_err *err)
{
    (void)err;
    kt_crf_predict(&m->u.crf, &in->crf, pool, ret_tag, ret_prob);
    return KT_OK;
}

static kt_rc crf_update(karat_model *m, const input *in, size_t item, kt_err *err)
{
    size_t from = in->d->token[item], n = in->d->token[item + 1] - from;
    if (!in->d->label)
        return kt_fail(err, KT_RANGE, "there are no tags to learn");
    for (size_t t = 0; t < n; t++) {
        if (in->d->label[from + t] >= (int32_t)(1 + 2 * m->n_labels))
            return kt_fail(err, KT_RANGE, "token %zu has tag %d of %u", from + t, (int)in->d->label[from + t], 1 + 2 * m->n_labels);
        if (in->d->label[from + t] < 0)
            return KT_OK;
    }
    kt_crf_update(&m->u.crf, in->text + from, n, in->d->label + from);
    return KT_OK;
}

static kt_rc crf_explain(const karat_model *m, const input *in, size_t item, uint32_t label, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n,
                         kt_err *err)
{
    size_t s = 0;
    if (label >= 1 + 2 * m->n_labels)
        return kt_fail(err, KT_RANGE, "tag %u of %u", label, 1 + 2 * m->n_labels);
    while (in->d->token[s + 1] <= item)
        s++;
    size_t from = in->d->token[s], n = in->d->token[s + 1] - from;
    kt_crf_explain(&m->u.crf, in->text + from, n, item - from, label, max, a, ret, ret_n);
    return KT_OK;
}

/* ---- rows of numbers ---- */

static kt_rc right_width(const input *in, size_t d, kt_err *err)
{
    return in->d->d == d ? KT_OK : kt_fail(err, KT_RANGE, "%zu columns for a model of %zu", in->d->d, d);
}

static kt_rc label_of(const input *in, size_t item, uint32_t n_labels, uint32_t *ret, kt_err *err)
{
    if (!in->d->label)
        return kt_fail(err, KT_RANGE, "there are no labels to learn");
    if (in->d->label[item] >= (int32_t)n_labels)
        return kt_fail(err, KT_RANGE, "row %zu: label %d of %u labels", item, (int)in->d->label[item], n_labels);
    *ret = in->d->label[item] < 0 ? UINT32_MAX : (uint32_t)in->d->label[item];
    return KT_OK;
}

/* The strongest columns. */
static void strongest(const float *adds, size_t d, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n)
{
    size_t *at = kt_arena_array(a, max + 1, sizeof(*at));
    *ret_n = kt_strongest(adds, d, max, at);
    for (size_t i = 0; i < *ret_n; i++)
        ret[i] = (kt_reason){ kt_arena_printf(a, "column %zu", at[i]), adds[at[i]] };
}

static kt_rc knn_fit(input *in, kt_pool *pool, karat_model *ret, kt_err *err)
{
    const karat_model_data *d = in->d;
    in->o.knn.seed = in->seed;
    return kt_knn_fit(d->x, d->n, (uint32_t)d->d, d->label, d->n_labels, d->group, &in->o.knn, pool, &ret->u.knn, err);
}

static kt_rc knn_cross(input *in, kt_pool *pool, float *ret_prob, kt_err *err)
{
    const karat_model_data *d = in->d;
    karat_model m = { .n_labels = d->n_labels };
    KT_TRY(knn_fit(in, pool, &m, err));
    kt_knn_cross(&m.u.knn, d->n, d->label, d->group, pool, ret_prob);
    kt_knn_done(&m.u.knn);
    return KT_OK;
}

static kt_rc knn_predict(const karat_model *m, const input *in, kt_pool *pool, float *ret_prob, int32_t *ret_tag, kt_err *err)
{
    (void)ret_tag;
    KT_TRY(right_width(in, m->u.knn.v.d, err));
    return kt_knn_predict(&m->u.knn, in->d->x, in->d->n, pool, ret_prob, NULL, err);
}

static kt_rc knn_update(karat_model *m, const input *in, size_t item, kt_err *err)
{
    uint32_t label = UINT32_MAX;
    KT_TRY(right_width(in, m->u.knn.v.d, err));
    KT_TRY(label_of(in, item, m->n_labels, &label, err));
    return label == UINT32_MAX ? KT_OK : kt_knn_update(&m->u.knn, in->d->x + item * in->d->d, label, err);
}

static kt_rc knn_explain(const karat_model *m, const input *in, size_t item, uint32_t label, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n,
                         kt_err *err)
{
    const kt_knn *k = &m->u.knn;
    kt_neighbour *near = kt_arena_array(a, k->k + 1, sizeof(*near));
    float *prob = kt_arena_array(a, m->n_labels + 1, sizeof(*prob));
    KT_TRY(right_width(in, k->v.d, err));
    KT_TRY(kt_knn_predict(k, in->d->x + item * in->d->d, 1, NULL, prob, near, err));
    *ret_n = 0;
    for (uint32_t i = 0; i < k->k && near[i].row != UINT32_MAX && *ret_n < max; i++) {
        uint32_t own = (uint32_t)k->label[near[i].row];
        double w = kt_knn_weight(k, near, i);
        ret[(*ret_n)++] = (kt_reason){ kt_arena_printf(a, "labelled row %u (label %u)", near[i].row, own), (float)(own == label ? w : -w) };
    }
    return KT_OK;
}

static kt_rc prototypes_fit(input *in, kt_pool *pool, karat_model *ret, kt_err *err)
{
    const karat_model_data *d = in->d;
    (void)pool;
    return kt_prototypes_fit(d->x, d->n, (uint32_t)d->d, d->label, d->n_labels, d->group, &in->o.prototypes, &ret->u.prototypes, err);
}

static kt_rc prototypes_cross(input *in, kt_pool *pool, float *ret_prob, kt_err *err)
{
    karat_model m;
    KT_TRY(prototypes_fit(in, pool, &m, err));
    kt_prototypes_cross(&m.u.prototypes, in->d->x, in->d->n, in->d->label, in->d->group, ret_prob);
    kt_prototypes_done(&m.u.prototypes);
    return KT_OK;
}

static kt_rc prototypes_predict(const karat_model *m, const input *in, kt_pool *pool, float *ret_prob, int32_t *ret_tag, kt_err *err)
{
    (void)ret_tag;
    KT_TRY(right_width(in, m->u.prototypes.d, err));
    return kt_prototypes_predict(&m->u.prototypes, in->d->x, in->d->n, pool, ret_prob, err);
}

static kt_rc prototypes_update(karat_model *m, const input *in, size_t item, kt_err *err)
{
    uint32_t label = UINT32_MAX;
    KT_TRY(right_width(in, m->u.prototypes.d, err));
    KT_TRY(label_of(in, item, m->n_labels, &label, err));
    return label == UINT32_MAX ? KT_OK : kt_prototypes_update(&m->u.prototypes, in->d->x + item * in->d->d, label, err);
}

static kt_rc prototypes_explain(const karat_model *m, const input *in, size_t item, uint32_t label, size_t max, kt_arena *a, kt_reason *ret,
                                size_t *ret_n, kt_err *err)
{
    float *adds = kt_arena_array(a, in->d->d + 1, sizeof(*adds));
    KT_TRY(right_width(in, m->u.prototypes.d, err));
    KT_TRY(kt_prototypes_explain(&m->u.prototypes, in->d->x + item * in->d->d, label, adds, err));
    strongest(adds, in->d->d, max, a, ret, ret_n);
    return KT_OK;
}

static kt_dense_data dense_data(const input *in)
{
    const karat_model_data *d = in->d;
    return (kt_dense_data){ d->x, d->n, (uint32_t)d->d, d->n_labels, d->label, d->group };
}

static kt_rc dense_fit(input *in, kt_pool *pool, karat_model *ret, kt_err *err)
{
    kt_dense_data d = dense_data(in);
    in->o.dense.seed = in->seed;
    return kt_dense_fit(&d, &in->o.dense, pool, &ret->u.dense, err);
}

static kt_rc dense_cross(input *in, kt_pool *pool, float *ret_prob, kt_err *err)
{
    kt_dense_data d = dense_data(in);
    in->o.dense.seed = in->seed;
    return kt_dense_cross(&d, &in->o.dense, in->folds, pool, ret_prob, err);
}

static kt_rc dense_predict(const karat_model *m, const input *in, kt_pool *pool, float *ret_prob, int32_t *ret_tag, kt_err *err)
{
    (void)ret_tag;
    KT_TRY(right_width(in, m->u.dense.d, err));
    return kt_dense_predict(&m->u.dense, in->d->x, in->d->n, pool, ret_prob, err);
}

static kt_rc dense_update(karat_model *m, const input *in, size_t item, kt_err *err)
{
    uint32_t label = UINT32_MAX;
    KT_TRY(right_width(in, m->u.dense.d, err));
    KT_TRY(label_of(in, item, m->n_labels, &label, err));
    return label == UINT32_MAX ? KT_OK : kt_dense_update(&m->u.dense, in->d->x + item * in->d->d, label, err);
}

static kt_rc dense_explain(const karat_model *m, const input *in, size_t item, uint32_t label, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n,
                           kt_err *err)
{
    float *adds = kt_arena_array(a, in->d->d + 1, sizeof(*adds));
    KT_TRY(right_width(in, m->u.dense.d, err));
    KT_TRY(kt_dense_explain(&m->u.dense, in->d->x + item * in->d->d, label, adds, err));
    strongest(adds, in->d->d, max, a, ret, ret_n);
    return KT_OK;
}

/* ---- kept, opened, freed ---- */

#define KIND(kind, member, to_bytes, from_bytes, free_it, labels)                        \
    static void kind##_bytes(const karat_model *m, kt_buf *ret)                           \
    {                                                                                     \
        to_bytes(&m->u.member, ret);                                                      \
    }                                                                                     \
    static kt_rc kind##_open(kt_str bytes, karat_model *ret, kt_err *err)                 \
    {                                                                                     \
        KT_TRY(from_bytes(bytes, &ret->u.member, err));                                   \
        ret->n_labels = ret->u.labels;                                                    \
        return KT_OK;                                                                     \
    }                                                                                     \
    static void kind##_done(karat_model *m)                                               \
    {                                                                                     \
        free_it(&m->u.member);                                                            \
    }
KIND(linear, text, kt_text_bytes, kt_text_from_bytes, kt_text_model_done, text.n_labels)
KIND(crf, crf, kt_crf_bytes, kt_crf_from_bytes, kt_crf_done, crf.n_types)
KIND(knn, knn, kt_knn_bytes, kt_knn_from_bytes, kt_knn_done, knn.n_labels)
KIND(prototypes, prototypes, kt_prototypes_bytes, kt_prototypes_from_bytes, kt_prototypes_done, prototypes.n_labels)
KIND(dense, dense, kt_dense_bytes, kt_dense_from_bytes, kt_dense_model_done, dense.linear.n_labels)
#undef KIND

/* ---- the table ---- */

#define ACTS(name) name##_fit, name##_cross, name##_predict, name##_update, name##_explain, name##_bytes, name##_open, name##_done

static const kind kinds[] = {
    { "linear", "texts to labels by their words: one, several, or labels below labels", true, false, false, kt_text_settings,
      &(const kt_text_options)KT_TEXT_OPTIONS_INIT, sizeof(kt_text_options), ACTS(linear) },
    { "crf", "spans in tokens: a conditional random field", true, true, false, kt_crf_settings, &(const kt_crf_options)KT_CRF_OPTIONS_INIT,
      sizeof(kt_crf_options), ACTS(crf) },
    { "knn", "rows of numbers to labels by their nearest neighbours", false, false, true, kt_knn_settings, &(const kt_knn_options)KT_KNN_OPTIONS_INIT,
      sizeof(kt_knn_options), ACTS(knn) },
    { "prototypes", "rows of numbers to labels by the nearest class mean", false, false, true, kt_prototypes_settings,
      &(const kt_prototypes_options)KT_PROTOTYPES_OPTIONS_INIT, sizeof(kt_prototypes_options), ACTS(prototypes) },
    { "dense", "rows of numbers to labels by a linear model", false, false, true, kt_dense_settings, &(const kt_dense_options)KT_DENSE_OPTIONS_INIT,
      sizeof(kt_dense_options), ACTS(dense) },
};

const char *karat_model_name(size_t i)
{
    return i < KT_LEN(kinds) ? kinds[i].name : NULL;
}

static kt_rc find_kind(kt_str name, const kind **ret, kt_err *err)
{
    for (size_t i = 0; i < KT_LEN(kinds); i++)
        if (kt_str_eq(name, kt_str_of(kinds[i].name))) {
            *ret = &kinds[i];
            return KT_OK;
        }
    kt_fail(err, KT_USAGE, "there is no kind of model %.*s", KT_F(name));
    return kt_hint(err, "linear, crf, knn, prototypes, dense"), KT_USAGE;
}

const char *karat_model_help(const char *name)
{
    const kind *k;
    return name && find_kind(kt_str_of(name), &k, NULL) == 0 ? k->help : NULL;
}

/* ---- checks ---- */

static kt_rc ascending(const size_t *start, size_t n, const char *what, kt_err *err)
{
    KT_TRY(kt_api_given(start, 1, what, err));
    if (start[0] != 0)
        return kt_fail(err, KT_RANGE, "%s begins at %zu, not at 0", what, start[0]);
    for (size_t i = 0; i < n; i++)
        if (start[i + 1] < start[i])
            return kt_fail(err, KT_RANGE, "%s falls from %zu to %zu at %zu", what, start[i], start[i + 1], i);
    return KT_OK;
}

static kt_rc read_texts(const kind *k, input *in, kt_err *err)
{
    const karat_model_data *d = in->d;
    size_t n = d->n;
    if (k->tokens) {
        KT_TRY(ascending(d->token, d->n, "token", err));
        n = d->token[d->n];
    }
    KT_TRY(kt_api_fits(n, 64, k->tokens ? "tokens" : "texts", err));
    KT_TRY(ascending(d->start, n, "start", err));
    KT_TRY(kt_api_given(d->bytes, d->start[n], "bytes", err));
    in->text = kt_alloc_array(n + 1, sizeof(*in->text));
    for (size_t i = 0; i < n; i++)
        in->text[i] = (kt_str){ d->bytes + d->start[i], d->start[i + 1] - d->start[i] };
    in->crf = (kt_crf_text){ .n_sentences = d->n, .start = d->token, .token = in->text };
    return KT_OK;
}

static kt_rc read_input(const kind *k, const karat_model_data *d, input *in, kt_err *err)
{
    in->d = d;
    if (!d)
        return kt_fail(err, KT_RANGE, "there are no data");
    if (k->texts)
        return read_texts(k, in, err);
    if (!d->d || d->d > KT_DENSE_MAX_COLUMNS || d->n >= UINT32_MAX)
        return kt_fail(err, KT_RANGE, "%zu rows of %zu columns; 1 to %d columns, and under 2^32 rows, are taken", d->n, d->d, KT_DENSE_MAX_COLUMNS);
    KT_TRY(kt_api_given(d->x, d->n, "x", err));
    return kt_api_fits(d->n, 4 * d->d * sizeof(float), "rows", err);
}

/* What training needs beside. */
static kt_rc read_training(const kind *k, const karat_model_options *options, input *in, kt_err *err)
{
    KT_API_OPTIONS(karat_model_options, o, options);
    const karat_model_data *d = in->d;
    memcpy(&in->o, k->defaults, k->option_size);
    for (size_t i = 0; i < o.n_set; i++)
        KT_TRY(kt_settings_set(k->settings, kt_str_of(o.set[i]), &in->o, err));
    in->folds = o.folds ? o.folds : 5;
    in->seed = options ? o.seed : 1;
    if (!d->n_labels || d->n_labels > 65535)
        return kt_fail(err, KT_RANGE, "%u labels; 1 to 65535 are taken", d->n_labels);
    bool multi = k->texts && !k->tokens && in->o.text.task == KT_TEXT_MULTI;
    KT_TRY(kt_api_given(multi ? (const void *)d->has : d->label, k->tokens ? d->token[d->n] : d->n, multi ? "has" : "label", err));
    if (k->texts && !k->tokens && in->o.text.task == KT_TEXT_TREE)
        KT_TRY(kt_api_given(d->parent, 1, "parent", err));
    return kt_api_fits(d->n, 8 * (size_t)d->n_labels, "probabilities", err);
}

/* ---- functions ---- */

karat_rc karat_model_fit(karat_context *ctx, const char *name, const karat_model_data *data, const karat_model_options *options, karat_model **ret,
                         karat_error *err)
{
    kt_err e = { 0 };
    const kind *k = NULL;
    input in = { 0 };
    kt_rc rc = find_kind(kt_str_of(name ? name : ""), &k, &e);
    if (rc == 0)
        rc = read_input(k, data, &in, &e);
    if (rc == 0)
        rc = read_training(k, options, &in, &e);
    if (rc == 0) {
        karat_model *m = kt_zalloc(sizeof(*m));
        m->kind = k;
        m->n_labels = data->n_labels;
        kt_pool *pool = kt_api_take(ctx);
        rc = k->fit(&in, pool, m, &e);
        kt_api_give(ctx, pool);
        if (rc == 0)
            *ret = m;
        else
            kt_free(m);
    }
    kt_free(in.text);
    return kt_api_end(rc, &e, err);
}

void karat_model_free(karat_model *m)
{
    if (!m)
        return;
    m->kind->done(m);
    for (uint32_t c = 0; m->name && c < m->n_labels; c++)
        kt_free(m->name[c]);
    kt_free(m->name);
    kt_free(m);
}

karat_rc karat_model_cross(karat_context *ctx, const char *name, const karat_model_data *data, const karat_model_options *options, float *ret_prob,
                           karat_error *err)
{
    kt_err e = { 0 };
    const kind *k = NULL;
    input in = { 0 };
    kt_rc rc = find_kind(kt_str_of(name ? name : ""), &k, &e);
    if (rc == 0)
        rc = read_input(k, data, &in, &e);
    if (rc == 0)
        rc = read_training(k, options, &in, &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        rc = k->cross(&in, pool, ret_prob, &e);
        kt_api_give(ctx, pool);
    }
    kt_free(in.text);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_model_predict(karat_context *ctx, const karat_model *m, const karat_model_data *data, float *ret_prob, int32_t *ret_label,
                             karat_error *err)
{
    kt_err e = { 0 };
    input in = { 0 };
    kt_rc rc = read_input(m->kind, data, &in, &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        rc = m->kind->predict(m, &in, pool, ret_prob, ret_label, &e);
        kt_api_give(ctx, pool);
    }
    for (size_t i = 0; rc == 0 && ret_label && !m->kind->tokens && i < data->n; i++) {
        const float *p = ret_prob + i * m->n_labels;
        ret_label[i] = 0;
        for (uint32_t c = 1; c < m->n_labels; c++)
            if (p[c] > p[ret_label[i]])
                ret_label[i] = (int32_t)c;
    }
    kt_free(in.text);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_model_update(karat_model *m, const karat_model_data *data, karat_error *err)
{
    kt_err e = { 0 };
    input in = { 0 };
    kt_rc rc = read_input(m->kind, data, &in, &e);
    if (rc == 0 && m->kind == &kinds[0] && m->u.text.task != KT_TEXT_MULTI && data->label)
        for (size_t i = 0; i < data->n && rc == 0; i++)
            if (data->label[i] >= (int32_t)m->n_labels)
                rc = kt_fail(&e, KT_RANGE, "text %zu: label %d of %u labels", i, (int)data->label[i], m->n_labels);
    for (size_t i = 0; rc == 0 && i < data->n; i++)
        rc = m->kind->update(m, &in, i, &e);
    kt_free(in.text);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_model_spans(karat_context *ctx, const karat_model *m, const karat_model_data *data, karat_span **ret_spans, size_t *ret_n, karat_error *err)
{
    kt_err e = { 0 };
    input in = { 0 };
    kt_rc rc = m->kind->tokens ? read_input(m->kind, data, &in, &e) : kt_fail(&e, KT_USAGE, "a %s model has no spans", m->kind->name);
    if (rc == 0) {
        size_t n = data->token[data->n];
        kt_crf_span *span = kt_alloc_array(n + 1, sizeof(*span));
        kt_pool *pool = kt_api_take(ctx);
        *ret_n = kt_crf_spans(&m->u.crf, &in.crf, pool, span);
        kt_api_give(ctx, pool);
        *ret_spans = kt_alloc_array(*ret_n + 1, sizeof(**ret_spans));
        for (size_t i = 0; i < *ret_n; i++)
            (*ret_spans)[i] = (karat_span){ span[i].sentence, span[i].first, span[i].last, span[i].type, span[i].prob };
        kt_free(span);
    }
    kt_free(in.text);
    return kt_api_end(rc, &e, err);
}

karat_rc karat_model_explain(const karat_model *m, const karat_model_data *data, size_t item, uint32_t label, size_t max, karat_reason *ret, size_t *ret_n,
                             karat_error *err)
{
    kt_err e = { 0 };
    input in = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rc rc = max <= 1000 ? read_input(m->kind, data, &in, &e) : kt_fail(&e, KT_RANGE, "%zu reasons; at most 1000 are given", max);
    if (rc == 0 && item >= (m->kind->tokens ? data->token[data->n] : data->n))
        rc = kt_fail(&e, KT_RANGE, "there is no item %zu", item);
    if (rc == 0 && !m->kind->tokens && label >= m->n_labels)
        rc = kt_fail(&e, KT_RANGE, "label %u of %u labels", label, m->n_labels);
    kt_reason *why = kt_arena_array(&a, max + 1, sizeof(*why));
    if (rc == 0)
        rc = m->kind->explain(m, &in, item, label, max, &a, why, ret_n, &e);
    for (size_t i = 0; rc == 0 && i < *ret_n; i++) {
        snprintf(ret[i].feature, sizeof(ret[i].feature), "%.*s", KT_F(why[i].gram));
        ret[i].adds = why[i].adds;
    }
    kt_free(in.text);
    return kt_api_end(rc, &e, err);
}

/* What the program wants to know beside the labels' names (src/cli/model/row_model.c). */
static void note_of(const karat_model *m, kt_buf *b)
{
    kt_buf_puts(b, m->kind->tokens ? "" : karat_model_shape(m));
    for (uint32_t c = 0; m->kind == &kinds[0] && m->u.text.task == KT_TEXT_TREE && c < m->n_labels; c++)
        kt_buf_printf(b, " %d", (int)m->u.text.parent[c] + 1);
}

karat_rc karat_model_bytes(const karat_model *m, const char *const *names, void **ret_bytes, size_t *ret_n, karat_error *err)
{
    kt_err e = { 0 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_AUTO(kt_buf) body = KT_BUF_INIT(MAX_MODEL);
    KT_AUTO(kt_buf) note = KT_BUF_INIT((size_t)1 << 24);
    kt_buf all = KT_BUF_INIT(MAX_MODEL);
    kt_str *label = kt_arena_array(&a, m->n_labels + 1, sizeof(*label));
    for (uint32_t c = 0; c < m->n_labels; c++)
        label[c] = names ? kt_str_of(names[c]) : m->name ? kt_str_of(m->name[c]) : kt_arena_printf(&a, "%u", c);
    m->kind->bytes(m, &body);
    note_of(m, &note);
    kt_model_file f = { kt_str_of(m->kind->name), KT_BUF_STR(&note), label, m->n_labels, KT_BUF_STR(&body) };
    kt_model_file_write(&f, &all);
    if (body.failed || all.failed) {
        kt_buf_done(&all);
        return kt_api_end(kt_fail(&e, KT_LIMIT, "the model is larger than %zu GB", MAX_MODEL >> 30), &e, err);
    }
    *ret_bytes = all.p;
    *ret_n = all.n;
    return KARAT_OK;
}

karat_rc karat_model_open(const void *bytes, size_t n, karat_model **ret, karat_error *err)
{
    kt_err e = { 0 };
    kt_model_file f;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    karat_model *m = kt_zalloc(sizeof(*m));
    kt_rc rc = kt_api_given(bytes, n, "bytes", &e);
    if (rc == 0)
        rc = kt_model_file_parse((kt_str){ bytes, n }, &a, &f, &e);
    if (rc == 0)
        rc = find_kind(f.kind, &m->kind, &e);
    if (rc == 0)
        rc = m->kind->open(f.body, m, &e);
    if (rc < 0) {
        kt_free(m);
        return kt_api_end(rc, &e, err);
    }
    if (f.n_labels != m->n_labels) {
        karat_model_free(m);
        return kt_api_end(kt_fail(&e, KT_CORRUPT, "the model has another number of labels than names"), &e, err);
    }
    m->name = kt_zalloc_array(m->n_labels + 1, sizeof(*m->name));
    for (uint32_t c = 0; c < m->n_labels; c++)
        m->name[c] = kt_strdup(kt_arena_cstr(&a, f.label[c]));
    *ret = m;
    return KARAT_OK;
}

const char *karat_model_kind(const karat_model *m)
{
    return m->kind->name;
}

uint32_t karat_model_n_labels(const karat_model *m)
{
    return m->n_labels;
}

const char *karat_model_label(const karat_model *m, uint32_t label)
{
    return m->name && label < m->n_labels ? m->name[label] : NULL;
}

const char *karat_model_shape(const karat_model *m)
{
    static const char *const names[] = { "single", "multi", "tree" };
    return names[m->kind == &kinds[0] ? m->u.text.task : KT_TEXT_SINGLE];
}
