/* The linear classifier on rows of numbers. */
#include "algo/learn/dense_model.h"
#include "cli/model/dense_rows.h"

static const kt_dense_options defaults = KT_DENSE_OPTIONS_INIT;

const kt_model_kind kt_model_dense = {
    .name = "dense", .help = "rows of numbers (embeddings, measurements) to labels by a linear model", .files = "MATRIX (.npy, .csv) and --labels",
    .options = kt_dense_settings, .defaults = &defaults, .option_size = sizeof(defaults), KT_ROW_ACTS,
    .rows = &(const kt_row_kind)KT_DENSE_ROW_KIND(kt_rows_read_numbers),
};
