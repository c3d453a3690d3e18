/* The linear classifier on texts. */
#include "algo/learn/text_model.h"
#include "cli/model/model_cli.h"

static const kt_text_options defaults = KT_TEXT_OPTIONS_INIT;

static kt_text_options options_of(const kt_model_job *j)
{
    kt_text_options o;
    memcpy(&o, j->settings, sizeof(o));
    o.seed = (uint64_t)j->seed;
    return o;
}

static kt_label_shape shape(const kt_model_job *j)
{
    return (kt_label_shape)options_of(j).task;
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
    kt_text_options o = options_of(j);
    KT_TRY(kt_text_fit(&data, &o, j->cli->pool, &m, err));
    kt_text_bytes(&m, ret_body);
    kt_text_model_done(&m);
    return KT_OK;
}

static kt_rc cross(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_text_data data = text_data(d);
    kt_text_options o = options_of(j);
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
    .options = kt_text_settings, .defaults = &defaults, .option_size = sizeof(defaults), KT_ROW_ACTS,
    .rows = &(const kt_row_kind){ kt_rows_read_text, shape, fit, cross, predict, update, explain },
};
