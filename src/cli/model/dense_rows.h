/* The linear classifier on rows of numbers, for every kind of model that makes such rows. Its settings begin with a kt_dense_options. */
#ifndef KT_CLI_MODEL_DENSE_ROWS_H
#define KT_CLI_MODEL_DENSE_ROWS_H

#include "cli/model/model_cli.h"

kt_rc kt_dense_rows_fit(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err) KT_MUST_USE;
kt_rc kt_dense_rows_cross(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err) KT_MUST_USE;
kt_rc kt_dense_rows_predict(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err) KT_MUST_USE;
kt_rc kt_dense_rows_update(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err) KT_MUST_USE;
kt_rc kt_dense_rows_explain(kt_model_job *j, const kt_row_data *d, size_t row, uint32_t label, kt_reason *ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
#define KT_DENSE_ROW_KIND(reader) \
    { reader, NULL, kt_dense_rows_fit, kt_dense_rows_cross, kt_dense_rows_predict, kt_dense_rows_update, kt_dense_rows_explain }

#endif
