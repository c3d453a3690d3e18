/* The public API: merging answers that are not labels out of a few. What a merge found is a list of named arrays of doubles, so that a
   new kind, or a new thing to tell about an old one, changes no structure. */
#include "api_int.h"

#include "algo/mask.h"
#include "algo/merge/aggregate.h"
#include "algo/merge/multilabel.h"
#include "algo/merge/numeric.h"
#include "algo/merge/rank.h"
#include "algo/merge/regions.h"
#include "algo/merge/rover.h"
#include "algo/merge/sequences.h"
#include "algo/merge/taxonomy.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <string.h>

#define MOST_ARRAYS 24

struct karat_merged {
    kt_arena arena;
    const char **text; /* n_texts */
    size_t n_texts, n;
    struct {
        const char *name;
        const double *v;
        size_t n;
    } array[MOST_ARRAYS];
};

const double *karat_merged_get(const karat_merged *m, const char *name, size_t *ret_n)
{
    for (size_t i = 0; i < m->n; i++)
        if (name && kt_str_eq(kt_str_of(name), kt_str_of(m->array[i].name))) {
            if (ret_n)
                *ret_n = m->array[i].n;
            return m->array[i].v;
        }
    return NULL;
}

const char *karat_merged_text(const karat_merged *m, size_t item)
{
    return item < m->n_texts ? m->text[item] : NULL;
}

void karat_merged_free(karat_merged *m)
{
    if (m)
        kt_arena_done(&m->arena);
    kt_free(m);
}

static void put(karat_merged *m, const char *name, const double *v, size_t n)
{
    KT_ASSERT(m->n < MOST_ARRAYS);
    m->array[m->n].name = name;
    m->array[m->n].v = v;
    m->array[m->n++].n = n;
}

/* Anything that is not an array of doubles, number by number; a macro for want of a type. */
#define PUT_AS_DOUBLES(m, name, from, n_numbers)                                            \
    do {                                                                                    \
        size_t n_ = (n_numbers);                                                            \
        double *to_ = kt_arena_array(&(m)->arena, n_ + 1, sizeof(*to_));                    \
        for (size_t i_ = 0; i_ < n_; i_++)                                                  \
            to_[i_] = (double)(from)[i_];                                                   \
        put((m), (name), to_, n_);                                                          \
    } while (0)

static kt_rc set_options(const karat_merge_options *given, const kt_setting *table, void *opt, kt_err *err)
{
    KT_API_OPTIONS(karat_merge_options, o, given);
    for (size_t i = 0; i < o.n_set; i++)
        KT_TRY(kt_settings_set(table, kt_str_of(o.set[i]), opt, err));
    return 0;
}

/* Ends a call: hands m out, or frees it. */
static karat_rc finish(kt_rc rc, karat_merged *m, karat_merged **ret, const kt_err *e, karat_error *err)
{
    if (rc == 0)
        *ret = m;
    else
        karat_merged_free(m);
    return kt_api_end(rc, e, err);
}

static kt_rc answers_fit(const uint32_t *item, const uint32_t *source, size_t n, uint32_t n_items, uint32_t n_sources, kt_err *err)
{
    KT_TRY(kt_api_given(item, n, "item", err));
    KT_TRY(kt_api_given(source, n, "source", err));
    KT_TRY(kt_api_fits(n, 16 * sizeof(double), "answers", err));
    KT_TRY(kt_api_fits(n_items, 16 * sizeof(double), "items", err));
    KT_TRY(kt_api_fits(n_sources, 16 * sizeof(double), "sources", err));
    for (size_t i = 0; i < n; i++)
        if (item[i] >= n_items || source[i] >= n_sources)
            return kt_fail(err, KT_RANGE, "answer %zu: item %u of %u, source %u of %u", i, item[i], n_items, source[i], n_sources);
    return 0;
}

/* start: n + 1 numbers that do not fall. */
static kt_rc starts_fit(const size_t *start, size_t n, const char *what, kt_err *err)
{
    KT_TRY(kt_api_given(start, n, "start", err));
    for (size_t i = 0; i < n; i++)
        if (start[i] > start[i + 1])
            return kt_fail(err, KT_RANGE, "%s %zu ends before it starts", what, i);
    return 0;
}

/* ---- numbers ---- */

static void put_numeric(karat_merged *m, const kt_numeric *r)
{
    size_t i = r->n_items, s = r->n_sources;
    double method = r->method;
    put(m, "value", r->value, i);
    put(m, "value_ci", r->ci, 2 * i);
    PUT_AS_DOUBLES(m, "votes", r->n_votes, i);
    put(m, "bias", r->bias, s);
    put(m, "bias_ci", r->bias_ci, 2 * s);
    put(m, "sd", r->sd, s);
    put(m, "sd_ci", r->sd_ci, 2 * s);
    PUT_AS_DOUBLES(m, "source_votes", r->n_said, s);
    PUT_AS_DOUBLES(m, "held_out", &r->held_out, 1);
    PUT_AS_DOUBLES(m, "robust", &r->robust, 1);
    PUT_AS_DOUBLES(m, "method", &method, 1);
}

karat_rc karat_merge_numbers(const uint32_t *item, const uint32_t *source, const double *value, size_t n, uint32_t n_items, uint32_t n_sources,
                             const karat_merge_options *options, karat_merged **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    kt_numeric_opts o = KT_NUMERIC_OPTS_INIT;
    kt_numeric r;
    kt_rc rc = answers_fit(item, source, n, n_items, n_sources, &e);
    if (rc == 0)
        rc = kt_api_given(value, n, "value", &e);
    if (rc == 0)
        rc = set_options(options, kt_numeric_options, &o, &e);
    if (rc == 0)
        rc = kt_numeric_fit(&(kt_numbers){ n, n_items, n_sources, item, source, value }, &o, &m->arena, &r, &e);
    if (rc == 0)
        put_numeric(m, &r);
    return finish(rc, m, ret, &e, err);
}

/* ---- sets of labels ---- */

static kt_rc merge_sets(karat_context *ctx, const karat_label_sets *v, const char *method, karat_merged *m, kt_err *err)
{
    const kt_aggregator *by = method ? kt_aggregator_find(kt_str_of(method)) : &kt_aggregate_auto;
    kt_multilabel r;
    if (!v)
        return kt_fail(err, KT_RANGE, "there are no answers");
    if (!by)
        return kt_fail(err, KT_USAGE, "there is no aggregator %.80s", method);
    if (by->needs != KT_NEEDS_NOTHING)
        return kt_fail(err, KT_USAGE, "%s needs more than the answers", by->name);
    KT_TRY(answers_fit(v->item, v->source, v->n, v->n_items, v->n_sources, err));
    KT_TRY(starts_fit(v->start, v->n, "answer", err));
    KT_TRY(kt_api_given(v->label, v->n ? v->start[v->n] : 0, "label", err));
    KT_TRY(kt_api_fits((size_t)v->n_items * v->n_labels, 4 * sizeof(double), "items × labels", err));
    KT_TRY(kt_api_fits(v->n_labels, 8 * sizeof(double), "labels", err));
    size_t none = 0;
    kt_label_sets sets = { v->n, v->n_items, v->n_sources, v->n_labels, v->item, v->source, v->n ? v->start : &none, v->label };
    kt_pool *pool = kt_api_take(ctx);
    kt_rc rc = kt_multilabel_fit(&sets, by, pool, &m->arena, &r, err);
    kt_api_give(ctx, pool);
    if (rc < 0)
        return rc;
    size_t cells = (size_t)r.n_items * r.n_labels;
    PUT_AS_DOUBLES(m, "prob", r.prob, cells);
    PUT_AS_DOUBLES(m, "votes_for", r.n_for, cells);
    PUT_AS_DOUBLES(m, "votes", r.n_votes, r.n_items);
    put(m, "share", r.share, r.n_labels);
    put(m, "source_accuracy", r.source_accuracy, r.n_sources);
    put(m, "source_ci", r.source_ci, 2 * (size_t)r.n_sources);
    return 0;
}

karat_rc karat_merge_sets(karat_context *ctx, const karat_label_sets *sets, const char *method, karat_merged **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    kt_rc rc = merge_sets(ctx, sets, method, m, &e);
    return finish(rc, m, ret, &e, err);
}

/* ---- regions ---- */

static const struct {
    const char *name;
    kt_region_form form;
    uint32_t n_numbers; /* 0: any */
    const kt_setting *options;
} kinds[] = {
    { "spans", KT_REGION_EDGES, 2, kt_region_options }, { "boxes", KT_REGION_EDGES, 4, kt_region_options },
    { "polygons", KT_REGION_POLYGONS, 0, kt_region_options }, { "keypoints", KT_REGION_KEYPOINTS, 0, kt_keypoint_options },
};

/* Regions of a fixed number of numbers stand one after the other. */
static kt_rc fixed_numbers(const karat_regions *v, size_t kind, uint32_t *ret, kt_err *err)
{
    size_t d = kinds[kind].n_numbers ? kinds[kind].n_numbers : v->n ? v->start[1] - v->start[0] : 3;
    if (v->n && v->start[0] != 0)
        return kt_fail(err, KT_RANGE, "start begins with %zu, not 0", v->start[0]);
    for (size_t r = 0; r < v->n; r++)
        if (v->start[r + 1] - v->start[r] != d)
            return kt_fail(err, KT_RANGE, "region %zu has %zu numbers, not %zu", r, v->start[r + 1] - v->start[r], d);
    if (d > UINT32_MAX / 4)
        return kt_fail(err, KT_LIMIT, "%zu numbers a region", d);
    *ret = (uint32_t)d;
    return 0;
}

static void put_regions(karat_merged *m, const kt_region_answers *v, const kt_regions *r)
{
    size_t s = v->n_sources;
    size_t *start = r->start ? r->start : kt_arena_array(&m->arena, r->n + 1, sizeof(*start));
    for (size_t g = 0; !r->start && g <= r->n; g++)
        start[g] = g * v->n_numbers;
    PUT_AS_DOUBLES(m, "item", r->item, r->n);
    PUT_AS_DOUBLES(m, "label", r->label, r->n);
    put(m, "there", r->prob, r->n);
    put(m, "label_posterior", r->label_prob, r->n);
    PUT_AS_DOUBLES(m, "votes_for", r->n_for, r->n);
    PUT_AS_DOUBLES(m, "looked", r->n_looked, r->n);
    PUT_AS_DOUBLES(m, "kept", r->kept, r->n);
    PUT_AS_DOUBLES(m, "start", start, r->n + 1);
    put(m, "at", r->at, start[r->n]);
    if (r->seen)
        put(m, "seen", r->seen, r->n * v->n_numbers);
    put(m, "source_accuracy", r->source_accuracy, s);
    put(m, "source_ci", r->source_ci, 2 * s);
    put(m, "source_sd", r->source_sd, s);
    put(m, "source_sd_ci", r->source_sd_ci, 2 * s);
}

static kt_rc merge_regions(karat_context *ctx, const char *kind, const karat_regions *v, const karat_merge_options *options, karat_merged *m, kt_err *err)
{
    size_t k = 0;
    kt_region_opts o = KT_REGION_OPTS_INIT;
    kt_regions r;
    while (k < KT_LEN(kinds) && !(kind && kt_str_eq(kt_str_of(kind), kt_str_of(kinds[k].name))))
        k++;
    if (k == KT_LEN(kinds))
        return kt_fail(err, KT_USAGE, "there are no regions called %.80s; there are spans, boxes, polygons and keypoints", kind ? kind : "(null)");
    if (!v)
        return kt_fail(err, KT_RANGE, "there are no answers");
    KT_TRY(set_options(options, kinds[k].options, &o, err));
    KT_TRY(answers_fit(v->item, v->source, v->n_answers, v->n_items, v->n_sources, err));
    KT_TRY(starts_fit(v->start, v->n, "region", err));
    KT_TRY(kt_api_given(v->answer, v->n, "answer", err));
    KT_TRY(kt_api_given(v->label, v->n, "label", err));
    KT_TRY(kt_api_given(v->at, v->n, "at", err));
    KT_TRY(kt_api_fits(v->n, 16 * sizeof(double), "regions", err));
    KT_TRY(kt_api_fits((size_t)v->n_sources * v->n_labels, v->n_labels * sizeof(double), "sources × labels²", err));
    kt_region_answers a = { v->n_answers, v->n_items, v->n_sources, v->n_labels, 0, v->item, v->source, v->n, v->answer, v->label, v->at,
                            kinds[k].form, kinds[k].form == KT_REGION_POLYGONS ? v->start : NULL };
    if (!a.start)
        KT_TRY(fixed_numbers(v, k, &a.n_numbers, err));
    size_t none = 0;
    if (a.form == KT_REGION_POLYGONS && v->n == 0)
        a.start = &none;
    kt_pool *pool = kt_api_take(ctx);
    kt_rc rc = kt_regions_merge(&a, &o, pool, &m->arena, &r, err);
    kt_api_give(ctx, pool);
    if (rc == 0)
        put_regions(m, &a, &r);
    return rc;
}

karat_rc karat_merge_regions(karat_context *ctx, const char *kind, const karat_regions *regions, const karat_merge_options *options, karat_merged **ret,
                             karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    kt_rc rc = merge_regions(ctx, kind, regions, options, m, &e);
    return finish(rc, m, ret, &e, err);
}

/* ---- trees ---- */

static void put_taxonomy(karat_merged *m, const kt_taxonomy_merge *r)
{
    size_t i = r->n_items, s = r->n_sources, cells = s * r->n_levels;
    PUT_AS_DOUBLES(m, "label", r->label, i);
    PUT_AS_DOUBLES(m, "deepest", r->deepest, i);
    put(m, "posterior", r->prob, i);
    PUT_AS_DOUBLES(m, "votes", r->n_votes, i);
    PUT_AS_DOUBLES(m, "votes_for", r->n_for, i);
    PUT_AS_DOUBLES(m, "votes_above", r->n_above, i);
    PUT_AS_DOUBLES(m, "start", r->start, i + 1);
    PUT_AS_DOUBLES(m, "node", r->node, r->start[i]);
    put(m, "node_posterior", r->node_prob, r->start[i]);
    put(m, "share", r->share, r->n_nodes);
    put(m, "source_accuracy", r->source_accuracy, s);
    put(m, "source_ci", r->source_ci, 2 * s);
    put(m, "level_accuracy", r->level_accuracy, cells);
    put(m, "level_ci", r->level_ci, 2 * cells);
    put(m, "level_votes", r->level_votes, cells);
}

karat_rc karat_merge_taxonomy(karat_context *ctx, const karat_votes *votes, const int32_t *parent, const karat_merge_options *options, karat_merged **ret,
                              karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    kt_taxonomy_opts o = KT_TAXONOMY_OPTS_INIT;
    kt_taxonomy_merge r;
    kt_votes v;
    kt_rc rc = kt_api_votes(votes, &v, &e);
    if (rc == 0)
        rc = kt_api_given(parent, v.n_labels, "parent", &e);
    if (rc == 0)
        rc = kt_api_fits((size_t)v.n_sources * v.n_labels, 32 * sizeof(double), "sources × nodes", &e);
    if (rc == 0)
        rc = set_options(options, kt_taxonomy_options, &o, &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        rc = kt_taxonomy_fit(&v, parent, &o, pool, &m->arena, &r, &e);
        kt_api_give(ctx, pool);
    }
    if (rc == 0)
        put_taxonomy(m, &r);
    return finish(rc, m, ret, &e, err);
}

/* ---- sequences ---- */

#define PUT_SPANS(m, name, r, member)                                                                            \
    do {                                                                                                         \
        double *to_ = kt_arena_array(&(m)->arena, (r)->n_spans + 1, sizeof(*to_));                               \
        for (size_t i_ = 0; i_ < (r)->n_spans; i_++)                                                             \
            to_[i_] = (double)(r)->span[i_].member;                                                              \
        put((m), (name), to_, (r)->n_spans);                                                                     \
    } while (0)

static void put_sequences(karat_merged *m, const kt_sequences *r)
{
    size_t tokens = r->start[r->n_sequences], s = r->n_sources;
    PUT_AS_DOUBLES(m, "start", r->start, (size_t)r->n_sequences + 1);
    PUT_AS_DOUBLES(m, "tag", r->tag, tokens);
    put(m, "prob", r->prob, tokens * r->n_tags);
    PUT_SPANS(m, "span_sequence", r, sequence);
    PUT_SPANS(m, "span_type", r, type);
    PUT_SPANS(m, "span_from", r, from);
    PUT_SPANS(m, "span_to", r, to);
    PUT_SPANS(m, "span_posterior", r, prob);
    PUT_SPANS(m, "span_votes_for", r, n_for);
    PUT_SPANS(m, "span_looked", r, n_looked);
    put(m, "source_accuracy", r->source_accuracy, s);
    put(m, "source_ci", r->source_ci, 2 * s);
}

static kt_rc sequences_fit(const karat_sequences *v, kt_err *err)
{
    if (!v)
        return kt_fail(err, KT_RANGE, "there are no answers");
    KT_TRY(answers_fit(v->sequence, v->source, v->n, v->n_sequences, v->n_sources, err));
    KT_TRY(kt_api_given(v->length, v->n_sequences, "length", err));
    KT_TRY(kt_api_given(v->at, v->n, "at", err));
    KT_TRY(kt_api_given(v->tag, v->n_tags, "tag", err));
    KT_TRY(kt_api_fits(v->n_sources, 4096, "sources", err));
    size_t tokens = 0;
    for (uint32_t i = 0; i < v->n_sequences; i++)
        if (__builtin_add_overflow(tokens, v->length[i], &tokens))
            return kt_fail(err, KT_NOMEM, "sequence %u has %zu tokens", i, v->length[i]);
    KT_TRY(kt_api_fits(tokens, (size_t)(KT_MIN(v->n_types, 1000) + 1) * 64, "tokens × tags", err));
    for (size_t a = 0; a < v->n; a++)
        if (v->at[a] > v->n_tags || v->length[v->sequence[a]] > v->n_tags - v->at[a])
            return kt_fail(err, KT_RANGE, "answer %zu: %zu tags from %zu on, of %zu", a, v->length[v->sequence[a]], v->at[a], v->n_tags);
    return 0;
}

karat_rc karat_merge_sequences(karat_context *ctx, const karat_sequences *v, const karat_merge_options *options, karat_merged **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    kt_sequence_opts o = KT_SEQUENCE_OPTS_INIT;
    kt_sequences r;
    kt_rc rc = sequences_fit(v, &e);
    if (rc == 0)
        rc = set_options(options, kt_sequence_options, &o, &e);
    if (rc == 0) {
        kt_pool *pool = kt_api_take(ctx);
        kt_sequence_answers s = { v->n_sequences, v->n_sources, v->n_types, v->length, v->n, v->sequence, v->source, v->at, v->tag };
        rc = kt_sequences_fit(&s, &o, pool, &m->arena, &r, &e);
        kt_api_give(ctx, pool);
    }
    if (rc == 0)
        put_sequences(m, &r);
    return finish(rc, m, ret, &e, err);
}

/* ---- texts, masks, rankings ---- */

/* Answers item by item, and what each source agreed with. */
struct shares {
    size_t *start, *order;
    double *agreement, *votes;              /* items */
    double *accuracy, *ci, *said, *squares; /* sources */
};

static void shares_make(const uint32_t *item, const uint32_t *source, size_t n, uint32_t n_items, uint32_t n_sources, kt_arena *a, struct shares *ret)
{
    const kt_votes v = { .n = n, .n_items = n_items, .n_sources = n_sources, .item = item, .source = source };
    *ret = (struct shares){ kt_arena_array(a, (size_t)n_items + 1, sizeof(size_t)), kt_arena_array(a, n + 1, sizeof(size_t)),
                            kt_arena_array(a, n_items, sizeof(double)), kt_arena_array(a, n_items, sizeof(double)),
                            kt_arena_array(a, n_sources, sizeof(double)), kt_arena_array(a, n_sources, 2 * sizeof(double)),
                            kt_arena_array(a, n_sources, sizeof(double)), kt_arena_array(a, n_sources, sizeof(double)) };
    kt_votes_by_item(&v, ret->start, ret->order);
    for (uint32_t i = 0; i < n_items; i++) {
        ret->votes[i] = (double)(ret->start[i + 1] - ret->start[i]);
        ret->agreement[i] = NAN;
    }
}

static void shares_add(struct shares *x, uint32_t source, double share)
{
    x->accuracy[source] += share;
    x->squares[source] += share * share;
    x->said[source]++;
}

static void shares_put(karat_merged *m, struct shares *x, uint32_t n_items, uint32_t n_sources)
{
    for (uint32_t s = 0; s < n_sources; s++) {
        kt_shares_interval(x->accuracy[s], x->squares[s], x->said[s], x->ci + 2 * (size_t)s);
        x->accuracy[s] = x->said[s] > 0 ? x->accuracy[s] / x->said[s] : NAN;
    }
    put(m, "agreement", x->agreement, n_items);
    put(m, "votes", x->votes, n_items);
    put(m, "source_accuracy", x->accuracy, n_sources);
    put(m, "source_ci", x->ci, 2 * (size_t)n_sources);
    put(m, "source_votes", x->said, n_sources);
}

static kt_rc texts_fit(const char *const *text, size_t n, kt_err *err)
{
    KT_TRY(kt_api_given(text, n, "text", err));
    for (size_t i = 0; i < n; i++) {
        size_t bad;
        KT_TRY(kt_api_given(text[i], 1, "text", err));
        if (!kt_utf8_valid(kt_str_of(text[i]), &bad))
            return kt_fail(err, KT_PARSE, "text %zu is not UTF-8 (byte %zu)", i, bad);
    }
    return 0;
}

/* Merges the texts of every item; the words' shares into *ret_words, of item i from start[i] on. */
static void merge_texts(karat_merged *m, struct shares *x, const uint32_t *source, const char *const *text, uint32_t n_items, bool medoid, double *start,
                        kt_buf *ret_words)
{
    for (uint32_t i = 0; i < n_items; i++) {
        size_t from = x->start[i], n = x->start[i + 1] - from;
        start[i] = (double)(ret_words->n / sizeof(double));
        if (n == 0)
            continue;
        KT_AUTO(kt_arena) own = KT_ARENA_INIT;
        kt_str *given = kt_arena_array(&own, n, sizeof(*given));
        for (size_t q = 0; q < n; q++)
            given[q] = kt_str_of(text[x->order[from + q]]);
        kt_text_merge r = medoid ? kt_text_medoid(given, n, &own) : kt_rover(given, n, &own);
        m->text[i] = kt_arena_str(&m->arena, r.text).p;
        x->agreement[i] = r.agreement;
        kt_buf_add(ret_words, r.word_share, r.word_share ? r.n_words * sizeof(double) : 0);
        for (size_t q = 0; q < n; q++)
            shares_add(x, source[x->order[from + q]], r.source_share[q]);
    }
    start[n_items] = (double)(ret_words->n / sizeof(double));
}

karat_rc karat_merge_answer_texts(const uint32_t *item, const uint32_t *source, const char *const *text, size_t n, uint32_t n_items, uint32_t n_sources,
                                  const char *method, karat_merged **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    bool medoid = method && strcmp(method, "medoid") == 0;
    kt_rc rc = answers_fit(item, source, n, n_items, n_sources, &e);
    if (rc == 0)
        rc = texts_fit(text, n, &e);
    if (rc == 0 && method && !medoid && strcmp(method, "rover") != 0)
        rc = kt_fail(&e, KT_USAGE, "texts are merged by rover or medoid, not %.80s", method);
    if (rc == 0) {
        struct shares x;
        KT_AUTO(kt_buf) words = KT_BUF_INIT((size_t)1 << 34);
        double *start = kt_arena_array(&m->arena, (size_t)n_items + 1, sizeof(*start));
        shares_make(item, source, n, n_items, n_sources, &m->arena, &x);
        m->text = kt_arena_array(&m->arena, n_items, sizeof(*m->text));
        m->n_texts = n_items;
        merge_texts(m, &x, source, text, n_items, medoid, start, &words);
        if (!medoid) {
            double *share = kt_arena_array(&m->arena, words.n / sizeof(double), sizeof(*share));
            if (words.n)
                memcpy(share, words.p, words.n);
            put(m, "word_share", share, words.n / sizeof(double));
            put(m, "start", start, (size_t)n_items + 1);
        }
        shares_put(m, &x, n_items, n_sources);
    }
    return finish(rc, m, ret, &e, err);
}

/* One item's masks; prob and mask: its n_pixels places. */
static void merge_masks(struct shares *x, const uint32_t *source, const uint8_t *masks, size_t item, size_t n_pixels, int32_t n_iter, double *mask, double *prob)
{
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    size_t from = x->start[item], n = x->start[item + 1] - from;
    const uint8_t **given = kt_arena_array(&own, n + 1, sizeof(*given));
    uint8_t *out = kt_arena_alloc(&own, n_pixels + 1);
    double *overlap = kt_arena_array(&own, n, sizeof(*overlap));
    for (size_t q = 0; q < n; q++)
        given[q] = masks + x->order[from + q] * n_pixels;
    if (n_iter)
        kt_mask_em(given, n, n_pixels, n_iter, out, prob, NULL);
    else
        kt_mask_majority(given, n, n_pixels, out);
    for (size_t p = 0; p < n_pixels; p++) {
        mask[p] = out[p];
        for (size_t q = 0; q < n && !n_iter; q++)
            prob[p] += given[q][p] / (double)n;
    }
    kt_mask_overlaps(given, n, n_pixels, overlap);
    x->agreement[item] = 0;
    for (size_t q = 0; q < n; q++) {
        x->agreement[item] += kt_mask_iou(given[q], out, n_pixels) / (double)n;
        shares_add(x, source[x->order[from + q]], overlap[q]);
    }
}

karat_rc karat_merge_answer_masks(const uint32_t *item, const uint32_t *source, const uint8_t *masks, size_t n, size_t n_pixels, uint32_t n_items,
                                  uint32_t n_sources, int32_t n_iter, karat_merged **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    kt_rc rc = answers_fit(item, source, n, n_items, n_sources, &e);
    if (rc == 0)
        rc = kt_api_fits(n_pixels, 2 * sizeof(double) * KT_MAX((size_t)n_items, (size_t)1), "items × pixels", &e);
    if (rc == 0)
        rc = kt_api_given(masks, n * n_pixels, "masks", &e);
    for (size_t i = 0; i < n * n_pixels && rc == 0; i++)
        if (masks[i] > 1)
            rc = kt_fail(&e, KT_RANGE, "mask %zu, pixel %zu: %d is neither 0 nor 1", i / n_pixels, i % n_pixels, masks[i]);
    if (rc == 0 && n_iter < 0)
        rc = kt_fail(&e, KT_RANGE, "%d rounds", n_iter);
    if (rc == 0) {
        struct shares x;
        shares_make(item, source, n, n_items, n_sources, &m->arena, &x);
        double *mask = kt_arena_array(&m->arena, n_items * n_pixels, sizeof(*mask)), *prob = kt_arena_array(&m->arena, n_items * n_pixels, sizeof(*prob));
        for (size_t i = 0; i < n_items; i++)
            if (x.votes[i] > 0)
                merge_masks(&x, source, masks, i, n_pixels, n_iter, mask + i * n_pixels, prob + i * n_pixels);
        put(m, "mask", mask, n_items * n_pixels);
        put(m, "prob", prob, n_items * n_pixels);
        shares_put(m, &x, n_items, n_sources);
    }
    return finish(rc, m, ret, &e, err);
}

static void put_strengths(karat_merged *m, const kt_rankings *v, const kt_strengths *s, const uint32_t *source, uint32_t n_sources)
{
    double *share = kt_arena_array(&m->arena, n_sources, sizeof(*share)), *said = kt_arena_array(&m->arena, n_sources, sizeof(*said));
    double *ci = kt_arena_array(&m->arena, n_sources, 2 * sizeof(*ci)), comparable = s->connected;
    kt_rank_sources(v, s, source, n_sources, share, said);
    for (uint32_t j = 0; j < n_sources; j++) {
        ci[2 * j] = ci[2 * j + 1] = NAN;
        if (said[j] > 0)
            kt_wilson(share[j], said[j], ci + 2 * (size_t)j);
    }
    put(m, "strength", s->strength, s->n_things);
    put(m, "strength_ci", s->ci, 2 * (size_t)s->n_things);
    PUT_AS_DOUBLES(m, "won", s->wins, s->n_things);
    PUT_AS_DOUBLES(m, "compared", s->seen, s->n_things);
    PUT_AS_DOUBLES(m, "comparable", &comparable, 1);
    put(m, "source_accuracy", share, n_sources);
    put(m, "source_ci", ci, 2 * (size_t)n_sources);
    put(m, "source_votes", said, n_sources);
}

karat_rc karat_merge_rankings(const size_t *start, const uint32_t *thing, const uint32_t *source, size_t n, uint32_t n_things, uint32_t n_sources,
                              const karat_merge_options *options, karat_merged **ret, karat_error *err)
{
    kt_err e = { 0 };
    karat_merged *m = kt_zalloc(sizeof(*m));
    kt_rank_opts o = KT_RANK_OPTS_INIT;
    kt_strengths s;
    const kt_rankings v = { n, n_things, start, thing };
    kt_rc rc = starts_fit(start, n, "ranking", &e);
    if (rc == 0)
        rc = kt_api_given(source, n, "source", &e);
    if (rc == 0)
        rc = kt_api_fits(n_things, 64 * sizeof(double), "things", &e);
    if (rc == 0)
        rc = kt_api_fits(n_sources, 8 * sizeof(double), "sources", &e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (source[i] >= n_sources)
            rc = kt_fail(&e, KT_RANGE, "ranking %zu: source %u of %u", i, source[i], n_sources);
    if (rc == 0)
        rc = set_options(options, kt_rank_settings, &o, &e);
    if (rc == 0)
        rc = kt_rank_fit(&v, &o, &m->arena, &s, &e);
    if (rc == 0)
        put_strengths(m, &v, &s, source, n_sources);
    return finish(rc, m, ret, &e, err);
}
