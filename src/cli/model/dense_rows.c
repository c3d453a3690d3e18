/* Linear models of numbers, from settings to bytes. */
#include "cli/model/dense_rows.h"

#include "algo/learn/dense_model.h"

static kt_dense_options options_of(const kt_model_job *j)
{
    kt_dense_options o;
    memcpy(&o, j->settings, sizeof(o));
    o.seed = (uint64_t)j->seed;
    return o;
}

static kt_dense_data data_of(const kt_row_data *d)
{
    return (kt_dense_data){ d->x, d->n, d->d, d->n_labels, d->label, d->group };
}

kt_rc kt_dense_rows_fit(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_dense_model m;
    kt_dense_data data = data_of(d);
    kt_dense_options o = options_of(j);
    KT_TRY(kt_dense_fit(&data, &o, j->cli->pool, &m, err));
    kt_dense_bytes(&m, ret_body);
    kt_dense_model_done(&m);
    return KT_OK;
}

kt_rc kt_dense_rows_cross(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_dense_data data = data_of(d);
    kt_dense_options o = options_of(j);
    return kt_dense_cross(&data, &o, (uint32_t)j->folds, j->cli->pool, ret_prob, err);
}

static kt_rc open(kt_model_job *j, const kt_row_data *d, kt_dense_model *ret, kt_err *err)
{
    KT_TRY(kt_dense_from_bytes(j->file.body, ret, err));
    if (ret->d == d->d)
        return KT_OK;
    kt_fail(err, KT_RANGE, "%u columns for a model of %u", d->d, ret->d);
    kt_dense_model_done(ret);
    return KT_RANGE;
}

kt_rc kt_dense_rows_predict(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_dense_model m;
    KT_TRY(open(j, d, &m, err));
    kt_rc rc = kt_dense_predict(&m, d->x, d->n, j->cli->pool, ret_prob, err);
    kt_dense_model_done(&m);
    return rc;
}

kt_rc kt_dense_rows_update(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_dense_model m;
    kt_rc rc = 0;
    KT_TRY(open(j, d, &m, err));
    for (size_t i = 0; i < d->n && rc == 0; i++)
        if (d->label[i] >= 0)
            rc = kt_dense_update(&m, d->x + i * d->d, (uint32_t)d->label[i], err);
    kt_dense_bytes(&m, ret_body);
    kt_dense_model_done(&m);
    return rc;
}

kt_rc kt_dense_rows_explain(kt_model_job *j, const kt_row_data *d, size_t row, uint32_t label, kt_reason *ret, size_t *ret_n, kt_err *err)
{
    kt_dense_model m;
    KT_TRY(open(j, d, &m, err));
    float *adds = kt_arena_array(j->cli->arena, d->d + 1, sizeof(*adds));
    kt_rc rc = kt_dense_explain(&m, d->x + row * d->d, label, adds, err);
    if (rc == 0)
        kt_rows_reasons(j, d, adds, ret, ret_n);
    kt_dense_model_done(&m);
    return rc;
}
