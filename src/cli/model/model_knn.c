/* Nearest neighbours on rows of numbers. */
#include "algo/learn/knn.h"
#include "cli/model/model_cli.h"

static const kt_knn_options defaults = KT_KNN_OPTIONS_INIT;

static kt_rc make(kt_model_job *j, const kt_row_data *d, kt_knn *ret, kt_err *err)
{
    kt_knn_options o;
    memcpy(&o, j->settings, sizeof(o));
    o.seed = (uint64_t)j->seed;
    return kt_knn_fit(d->x, d->n, d->d, d->label, d->n_labels, d->group, &o, j->cli->pool, ret, err);
}

static kt_rc fit(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_knn m;
    KT_TRY(make(j, d, &m, err));
    kt_knn_bytes(&m, ret_body);
    kt_knn_done(&m);
    return KT_OK;
}

/* Every labelled row by all others, so folds do not matter. */
static kt_rc cross(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_knn m;
    KT_TRY(make(j, d, &m, err));
    kt_knn_cross(&m, d->n, d->label, d->group, j->cli->pool, ret_prob);
    kt_knn_done(&m);
    return KT_OK;
}

static kt_rc open(kt_model_job *j, const kt_row_data *d, kt_knn *ret, kt_err *err)
{
    KT_TRY(kt_knn_from_bytes(j->file.body, ret, err));
    if (ret->v.d == d->d)
        return KT_OK;
    kt_fail(err, KT_RANGE, "%u columns for a model of %u", d->d, ret->v.d);
    kt_knn_done(ret);
    return KT_RANGE;
}

static kt_rc predict(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err)
{
    kt_knn m;
    KT_TRY(open(j, d, &m, err));
    kt_rc rc = kt_knn_predict(&m, d->x, d->n, j->cli->pool, ret_prob, NULL, err);
    kt_knn_done(&m);
    return rc;
}

static kt_rc update(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err)
{
    kt_knn m;
    kt_rc rc = 0;
    KT_TRY(open(j, d, &m, err));
    for (size_t i = 0; i < d->n && rc == 0; i++)
        if (d->label[i] >= 0)
            rc = kt_knn_update(&m, d->x + i * d->d, (uint32_t)d->label[i], err);
    kt_knn_bytes(&m, ret_body);
    kt_knn_done(&m);
    return rc;
}

/* The neighbours: what each counts, for the label or against it. */
static kt_rc explain(kt_model_job *j, const kt_row_data *d, size_t row, uint32_t label, kt_reason *ret, size_t *ret_n, kt_err *err)
{
    kt_knn m;
    KT_TRY(open(j, d, &m, err));
    kt_arena *a = j->cli->arena;
    kt_neighbour *near = kt_arena_array(a, m.k + 1, sizeof(*near));
    float *prob = kt_arena_array(a, d->n_labels + 1, sizeof(*prob));
    kt_rc rc = kt_knn_predict(&m, d->x + row * d->d, 1, NULL, prob, near, err);
    *ret_n = 0;
    for (uint32_t i = 0; rc == 0 && i < m.k && near[i].row != UINT32_MAX && *ret_n < (size_t)j->top; i++) {
        uint32_t own = (uint32_t)m.label[near[i].row];
        double w = kt_knn_weight(&m, near, i);
        ret[(*ret_n)++] = (kt_reason){ kt_arena_printf(a, "labelled row %u (%.*s) at distance %.4g", near[i].row, KT_F(j->names.name[own]),
                                                       (double)near[i].distance), (float)(own == label ? w : -w) };
    }
    kt_knn_done(&m);
    return rc;
}

const kt_model_kind kt_model_knn = {
    .name = "knn", .help = "rows of numbers (embeddings) to labels by their nearest neighbours", .files = "MATRIX (.npy, .csv) and --labels",
    .options = kt_knn_settings, .defaults = &defaults, .option_size = sizeof(defaults), KT_ROW_ACTS,
    .rows = &(const kt_row_kind){ kt_rows_read_numbers, NULL, fit, cross, predict, update, explain },
};
