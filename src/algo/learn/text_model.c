/* Texts in, probabilities out. Prediction works in pieces, so features of a million texts are never in memory together. */
#include "algo/learn/text_model.h"

#include "base/mem.h"

enum { PIECE = 4096 };

static const char *const tasks[] = { "single", "multi", "tree", NULL };
#define AT(member) .offset = offsetof(kt_text_options, member)
const kt_setting kt_text_settings[] = {
    { .name = "task", .help = "one label a text; several, as a|b; or labels below each other, as a/b", .kind = KT_SET_CHOICE, AT(task), .choice = tasks },
    { .name = "words", .help = "longest n-gram of words; 0: none", .kind = KT_SET_INT, AT(features.words), .min = 0, .max = 3 },
    { .name = "char_min", .help = "shortest n-gram of characters within words; 0: none", .kind = KT_SET_INT, AT(features.char_min), .min = 0, .max = 8 },
    { .name = "char_max", .help = "longest", .kind = KT_SET_INT, AT(features.char_max), .min = 0, .max = 8 },
    { .name = "bits", .help = "features are hashed into 2^bits", .kind = KT_SET_INT, AT(features.bits), .min = 8, .max = 24 },
    { .name = "epochs", .help = "visits to each text", .kind = KT_SET_INT, AT(epochs), .min = 1, .max = 1000 },
    { .name = "cost", .help = "of a text's loss against the weights' size", .kind = KT_SET_FLOAT, AT(cost), .min = 1e-6, .max = 1e6 },
    { .name = NULL },
};
#undef AT

/* Weighted rows of texts; idf is counted first where it is empty. */
static kt_rc rows_of(const kt_text_options *o, const kt_text_data *d, kt_idf *idf, kt_pool *pool, kt_features *ret, kt_err *err)
{
    KT_TRY(kt_features_make(d->text, d->n, &o->features, pool, ret, err));
    kt_idf_init(idf, o->features.bits);
    kt_idf_add(idf, ret);
    kt_features_weigh(ret, idf, pool);
    return KT_OK;
}

static kt_linear_options linear_options(const kt_text_options *o)
{
    kt_linear_options l = KT_LINEAR_OPTIONS_INIT;
    l.bits = o->features.bits;
    l.cost = o->cost;
    l.epochs = o->epochs;
    l.seed = o->seed;
    return l;
}

static kt_linear_data linear_data(const kt_text_data *d, const kt_features *x)
{
    bool free_rows = false;
    for (size_t i = 0; d->label && i < d->n; i++)
        free_rows = free_rows || d->label[i] < 0;
    return (kt_linear_data){ .x = x, .n_labels = d->n_labels, .label = d->label, .group = d->group, .unlabeled = free_rows ? x : NULL };
}

static kt_rc check(const kt_text_data *d, const kt_text_options *o, kt_err *err)
{
    if (o->task == KT_TEXT_MULTI ? !d->has : !d->label)
        return kt_fail(err, KT_RANGE, "there are no labels to learn from");
    if (o->task == KT_TEXT_TREE && !d->parent)
        return kt_fail(err, KT_RANGE, "a tree of labels needs to know what lies below what");
    return KT_OK;
}

kt_rc kt_text_fit(const kt_text_data *d, const kt_text_options *o, kt_pool *pool, kt_text_model *ret, kt_err *err)
{
    KT_TRY(check(d, o, err));
    kt_text_model m = { .task = o->task, .n_labels = d->n_labels, .features = o->features };
    kt_linear_options l = linear_options(o);
    kt_features x;
    KT_TRY(rows_of(o, d, &m.idf, pool, &x, err));
    kt_linear_data ld = linear_data(d, &x);
    kt_rc rc;
    switch (o->task) {
    case KT_TEXT_MULTI: rc = kt_linear_multi_fit(&x, d->n_labels, d->has, d->group, &l, pool, &m.linear, err); break;
    case KT_TEXT_TREE: rc = kt_linear_tree_fit(&ld, d->parent, &l, pool, &m.linear, err); break;
    default: rc = kt_linear_fit(&ld, &l, pool, &m.linear, err); break;
    }
    kt_features_done(&x);
    if (rc < 0) {
        kt_idf_done(&m.idf);
        return rc;
    }
    if (o->task == KT_TEXT_TREE) {
        m.parent = kt_alloc_array(d->n_labels, sizeof(*m.parent));
        memcpy(m.parent, d->parent, d->n_labels * sizeof(*m.parent));
    }
    *ret = m;
    return KT_OK;
}

void kt_text_model_done(kt_text_model *m)
{
    kt_idf_done(&m->idf);
    kt_linear_done(&m->linear);
    m->parent = kt_free(m->parent);
}

kt_rc kt_text_cross(const kt_text_data *d, const kt_text_options *o, uint32_t folds, kt_pool *pool, float *ret_prob, kt_err *err)
{
    KT_TRY(check(d, o, err));
    kt_idf idf;
    kt_features x;
    kt_linear_options l = linear_options(o);
    KT_TRY(rows_of(o, d, &idf, pool, &x, err));
    kt_linear_data ld = linear_data(d, &x);
    kt_rc rc;
    switch (o->task) {
    case KT_TEXT_MULTI: rc = kt_linear_multi_cross(&x, d->n_labels, d->has, d->group, &l, folds, pool, ret_prob, err); break;
    case KT_TEXT_TREE: rc = kt_linear_tree_cross(&ld, d->parent, &l, folds, pool, ret_prob, err); break;
    default: rc = kt_linear_cross(&ld, &l, folds, pool, ret_prob, err); break;
    }
    kt_features_done(&x);
    kt_idf_done(&idf);
    return rc;
}

static void renew_rows(const kt_text_model *m, const kt_str *text, size_t n, kt_pool *pool, kt_features *x)
{
    KT_ASSERT(kt_features_renew(text, n, &m->features, pool, x, NULL) == 0); /* its options were checked when the model was made */
    kt_features_weigh(x, &m->idf, pool);
}

void kt_text_predict(const kt_text_model *m, const kt_str *text, size_t n, kt_pool *pool, float *ret_prob)
{
    kt_features x = { 0 };
    for (size_t at = 0; at < n; at += PIECE) {
        size_t some = KT_MIN(n - at, (size_t)PIECE);
        float *to = ret_prob + at * m->n_labels;
        renew_rows(m, text + at, some, pool, &x);
        (m->task == KT_TEXT_MULTI ? kt_linear_multi_predict : kt_linear_predict)(&m->linear, &x, pool, to);
        if (m->task == KT_TEXT_TREE)
            kt_tree_sums(m->parent, m->n_labels, some, to);
    }
    kt_features_done(&x);
}

void kt_text_update(kt_text_model *m, kt_str text, uint32_t label, const float *has)
{
    kt_features x = { 0 };
    renew_rows(m, &text, 1, NULL, &x);
    if (m->task == KT_TEXT_MULTI)
        kt_linear_multi_update(&m->linear, &x, 0, has);
    else
        kt_linear_update(&m->linear, &x, 0, label);
    kt_features_done(&x);
}

kt_rc kt_text_explain(const kt_text_model *m, kt_str text, uint32_t label, size_t max, kt_arena *a, kt_reason *ret, size_t *ret_n, kt_err *err)
{
    return kt_linear_explain(&m->linear, text, &m->features, &m->idf, label, max, m->task != KT_TEXT_MULTI, a, ret, ret_n, err);
}

/* "KTT1", task, n_labels, n-gram options; parents + 1 of a tree; rows counted and, for each feature met, its distance to the one before and
   its count; then the linear model. */
void kt_text_bytes(const kt_text_model *m, kt_buf *ret)
{
    const kt_features_options *f = &m->features;
    const uint32_t head[] = { m->task, m->n_labels, f->bits, f->words, f->char_min, f->char_max };
    uint32_t n_met = 0, last = 0;
    kt_buf_add(ret, "KTT1", 4);
    for (size_t i = 0; i < KT_LEN(head); i++)
        kt_buf_varint(ret, head[i]);
    for (uint32_t c = 0; m->task == KT_TEXT_TREE && c < m->n_labels; c++)
        kt_buf_varint(ret, (uint64_t)(m->parent[c] + 1));
    for (uint32_t i = 0; i < (uint32_t)1 << f->bits; i++)
        n_met += m->idf.rows[i] > 0;
    kt_buf_varint(ret, m->idf.n_rows);
    kt_buf_varint(ret, n_met);
    for (uint32_t i = 0; i < (uint32_t)1 << f->bits; i++)
        if (m->idf.rows[i]) {
            kt_buf_varint(ret, i - last);
            kt_buf_varint(ret, m->idf.rows[i]);
            last = i;
        }
    kt_linear_bytes(&m->linear, ret);
}

static bool read_head(kt_str b, size_t *at, kt_text_model *m)
{
    uint64_t head[6];
    if (b.n < 4 || memcmp(b.p, "KTT1", 4) != 0)
        return false;
    *at = 4;
    for (size_t i = 0; i < KT_LEN(head); i++)
        if (!kt_varint_read(b, at, &head[i]) || head[i] > UINT16_MAX)
            return false;
    m->task = (kt_text_task)head[0];
    m->n_labels = (uint32_t)head[1];
    m->features = (kt_features_options){ (uint32_t)head[2], (uint32_t)head[3], (uint32_t)head[4], (uint32_t)head[5] };
    return head[0] <= KT_TEXT_TREE && head[1] >= 1 && kt_features_options_check(&m->features, NULL) == 0;
}

static bool read_tree(kt_str b, size_t *at, kt_text_model *m)
{
    if (m->task != KT_TEXT_TREE)
        return true;
    m->parent = kt_alloc_array(m->n_labels, sizeof(*m->parent));
    for (uint32_t c = 0; c < m->n_labels; c++) {
        uint64_t up;
        if (!kt_varint_read(b, at, &up) || up > m->n_labels)
            return false;
        m->parent[c] = (int32_t)up - 1;
    }
    return kt_tree_check(m->parent, m->n_labels, NULL) == 0;
}

static bool read_idf(kt_str b, size_t *at, kt_text_model *m)
{
    uint64_t n_met, i = 0, step, rows;
    if (!kt_varint_read(b, at, &m->idf.n_rows) || !kt_varint_read(b, at, &n_met) || n_met > (uint64_t)1 << m->features.bits)
        return false;
    for (uint64_t q = 0; q < n_met; q++) {
        if (!kt_varint_read(b, at, &step) || !kt_varint_read(b, at, &rows) || step >> m->features.bits || (i += step) >> m->features.bits ||
            rows > UINT32_MAX)
            return false;
        m->idf.rows[i] = (uint32_t)rows;
    }
    return true;
}

kt_rc kt_text_from_bytes(kt_str b, kt_text_model *ret, kt_err *err)
{
    kt_text_model m = { 0 };
    size_t at;
    if (!read_head(b, &at, &m))
        return kt_fail(err, KT_CORRUPT, "these bytes are no text model");
    kt_idf_init(&m.idf, m.features.bits);
    kt_rc rc = read_tree(b, &at, &m) && read_idf(b, &at, &m) ? KT_OK : kt_fail(err, KT_CORRUPT, "the text model's bytes end or are wrong inside");
    if (rc == 0)
        rc = kt_linear_from_bytes((kt_str){ b.p + at, b.n - at }, &m.linear, err);
    if (rc == 0 && (m.linear.n_labels != m.n_labels || m.linear.bits != m.features.bits))
        rc = kt_fail(err, KT_CORRUPT, "the text model's parts do not fit each other");
    if (rc == 0)
        *ret = m;
    else
        kt_text_model_done(&m);
    return rc;
}
