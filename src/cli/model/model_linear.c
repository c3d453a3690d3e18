/* The linear classifier on texts. */
#include "algo/learn/text_model.h"
#include "cli/model/model_cli.h"

struct settings {
    int32_t task, words, char_min, char_max, bits, epochs;
    double cost;
};
static const struct settings defaults = { KT_TEXT_SINGLE, 2, 0, 0, 20, 8, 1 };
static const char *const tasks[] = { "single", "multi", "tree", NULL };
static const kt_setting options[] = {
    { .name = "task", .help = "one label a text; several, as a|b; or labels below each other, as a/b (or by --parents)", .kind = KT_SET_CHOICE,
      .offset = offsetof(struct settings, task), .choice = tasks },
    { .name = "words", .help = "longest n-gram of words; 0: none", .kind = KT_SET_INT, .offset = offsetof(struct settings, words), .min = 0, .max = 3 },
    { .name = "char_min", .help = "shortest n-gram of characters within words; 0: none", .kind = KT_SET_INT,
      .offset = offsetof(struct settings, char_min), .min = 0, .max = 8 },
    { .name = "char_max", .help = "longest", .kind = KT_SET_INT, .offset = offsetof(struct settings, char_max), .min = 0, .max = 8 },
    { .name = "bits", .help = "features are hashed into 2^bits", .kind = KT_SET_INT, .offset = offsetof(struct settings, bits), .min = 8, .max = 24 },
    { .name = "epochs", .help = "visits to each text", .kind = KT_SET_INT, .offset = offsetof(struct settings, epochs), .min = 1, .max = 1000 },
    { .name = "cost", .help = "of a text's loss against the weights' size", .kind = KT_SET_FLOAT, .offset = offsetof(struct settings, cost), .min = 1e-6, .max = 1e6 },
    { .name = NULL },
};

static const struct settings *settings_of(const kt_model_job *j)
{
    return (const struct settings *)(const void *)j->settings;
}

static kt_label_shape shape(const kt_model_job *j)
{
    return (kt_label_shape)settings_of(j)->task;
}

static kt_text_options text_options(const kt_model_job *j)
{
    const struct settings *s = settings_of(j);
    kt_features_options f = { (uint32_t)s->bits, (uint32_t)s->words, (uint32_t)s->char_min, (uint32_t)s->char_max };
    return (kt_text_options){ (kt_text_task)s->task, f, s->cost, (uint32_t)s->epochs, (uint64_t)j->seed };
}

static kt_text_data text_data(const kt_row_data *d)
{
    return (kt_text_data){ .text = d->text, .n = d->n, .n_labels = d->n_labels, .label = d->shape == KT_SHAPE_MULTI ? NULL : d->label, .has = d->has,
                           .parent = d->parent, .group = d->group };
}

static kt_rc fit(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_text_model m;
    kt_text_data data = text_data(d);
    kt_text_options o = text_options(j);
    KT_TRY(kt_text_fit(&data, &o, j->cli->pool, &m, err));
    kt_text_bytes(&m, ret_body);
    kt_text_model_done(&m);
    return KT_OK;
}

static kt_rc cross(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_text_data data = text_data(d);
    kt_text_options o = text_options(j);
    return kt_text_cross(&data, &o, (uint32_t)j->folds, j->cli->pool, ret_prob, err);
}

static kt_rc predict(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_text_model m;
    KT_TRY(kt_text_from_bytes(j->file.body, &m, err));
    kt_text_predict(&m, d->text, d->n, j->cli->pool, ret_prob);
    kt_text_model_done(&m);
    return KT_OK;
}

static kt_rc update(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_text_model m;
    KT_TRY(kt_text_from_bytes(j->file.body, &m, err));
    for (size_t i = 0; i < d->n; i++)
        if (d->has || d->label[i] >= 0)
            kt_text_update(&m, d->text[i], (uint32_t)KT_MAX(d->label[i], 0), d->has ? d->has + i * d->n_labels : NULL);
    kt_text_bytes(&m, ret_body);
    kt_text_model_done(&m);
    return KT_OK;
}

static kt_rc explain(kt_model_job *j, const kt_row_data *d, size_t row, uint32_t label, kt_reason *ret, size_t *ret_n, kt_err *err)
{
    kt_text_model m;
    KT_TRY(kt_text_from_bytes(j->file.body, &m, err));
    kt_rc rc = kt_text_explain(&m, d->text[row], label, (size_t)j->top, j->cli->arena, ret, ret_n, err);
    kt_text_model_done(&m);
    return rc;
}

const kt_model_kind kt_model_linear = {
    .name = "linear", .help = "texts to labels by their words: one, several, or labels below labels", .files = "TABLE (text, label)",
    .options = options, .defaults = &defaults, .option_size = sizeof(defaults), KT_ROW_ACTS,
    .rows = &(const kt_row_kind){ kt_rows_read_text, shape, fit, cross, predict, update, explain },
};
