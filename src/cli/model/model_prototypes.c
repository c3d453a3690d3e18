/* Class means on rows of numbers. */
#include "algo/learn/prototypes.h"
#include "cli/model/model_cli.h"

static const kt_prototypes_options defaults = KT_PROTOTYPES_OPTIONS_INIT;

static kt_rc make(kt_model_job *j, const kt_row_data *d, kt_prototypes *ret, kt_err *err)
{
    kt_prototypes_options o;
    memcpy(&o, j->settings, sizeof(o));
    return kt_prototypes_fit(d->x, d->n, d->d, d->label, d->n_labels, d->group, &o, ret, err);
}

static kt_rc fit(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_prototypes m;
    KT_TRY(make(j, d, &m, err));
    kt_prototypes_bytes(&m, ret_body);
    kt_prototypes_done(&m);
    return KT_OK;
}

static kt_rc cross(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_prototypes m;
    KT_TRY(make(j, d, &m, err));
    kt_prototypes_cross(&m, d->x, d->n, d->label, d->group, ret_prob);
    kt_prototypes_done(&m);
    return KT_OK;
}

static kt_rc open(kt_model_job *j, const kt_row_data *d, kt_prototypes *ret, kt_err *err)
{
    KT_TRY(kt_prototypes_from_bytes(j->file.body, ret, err));
    if (ret->d == d->d)
        return KT_OK;
    kt_fail(err, KT_RANGE, "%u columns for a model of %u", d->d, ret->d);
    kt_prototypes_done(ret);
    return KT_RANGE;
}

static kt_rc predict(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_prototypes m;
    KT_TRY(open(j, d, &m, err));
    kt_rc rc = kt_prototypes_predict(&m, d->x, d->n, j->cli->pool, ret_prob, err);
    kt_prototypes_done(&m);
    return rc;
}

static kt_rc update(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_prototypes m;
    kt_rc rc = 0;
    KT_TRY(open(j, d, &m, err));
    for (size_t i = 0; i < d->n && rc == 0; i++)
        if (d->label[i] >= 0)
            rc = kt_prototypes_update(&m, d->x + i * d->d, (uint32_t)d->label[i], err);
    kt_prototypes_bytes(&m, ret_body);
    kt_prototypes_done(&m);
    return rc;
}

static kt_rc explain(kt_model_job *j, const kt_row_data *d, size_t row, uint32_t label, kt_reason *ret, size_t *ret_n, kt_err *err)
{
    kt_prototypes m;
    KT_TRY(open(j, d, &m, err));
    float *adds = kt_arena_array(j->cli->arena, d->d + 1, sizeof(*adds));
    kt_rc rc = kt_prototypes_explain(&m, d->x + row * d->d, label, adds, err);
    if (rc == 0)
        kt_rows_reasons(j, d, adds, ret, ret_n);
    kt_prototypes_done(&m);
    return rc;
}

const kt_model_kind kt_model_prototypes = {
    .name = "prototypes", .help = "rows of numbers (embeddings) to labels by the nearest class mean", .files = "MATRIX (.npy, .csv) and --labels",
    .options = kt_prototypes_settings, .defaults = &defaults, .option_size = sizeof(defaults), KT_ROW_ACTS,
    .rows = &(const kt_row_kind){ kt_rows_read_numbers, NULL, fit, cross, predict, update, explain },
};
