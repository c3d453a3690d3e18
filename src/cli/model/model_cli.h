/* karat model: one file model_NAME.c for each kind of model, one line in model_kinds.def. */
#ifndef KT_CLI_MODEL_CLI_H
#define KT_CLI_MODEL_CLI_H

#include "algo/learn/linear.h"
#include "algo/stats_options.h"
#include "base/mem.h"
#include "base/names.h"
#include "cli/cli.h"
#include "cli/columns_file.h"
#include "cli/matrix_file.h"
#include "cli/out.h"
#include "format/model_file.h"

typedef struct kt_model_kind kt_model_kind;

/* What was asked. Paths are NULL where not given. */
typedef struct kt_model_job {
    kt_cli *cli;
    kt_out out;
    const kt_model_kind *kind;
    const char *data, *labels, *parents;
    _Alignas(16) char settings[128]; /* of the kind */
    kt_names names;                  /* labels, in the model's order */
    kt_model_file file;              /* the model to predict with, explain or update */
    kt_str note;                     /* to be kept with a new model */
    kt_str item, label;              /* explain: which; empty: all, the likeliest */
    int64_t folds, seed, top;
    bool probs;                      /* print every label's probability */
    KT_VEC(kt_columns *) tables;     /* what was read: its text lives as long as the job */
    KT_VEC(kt_matrix_file *) matrices;
} kt_model_job;

/* Reads a table, or a matrix of numbers, for as long as the job lasts. */
kt_rc kt_model_table(kt_model_job *j, const char *path, kt_columns **ret, kt_err *err) KT_MUST_USE;
kt_rc kt_model_matrix(kt_model_job *j, const char *path, kt_matrix_file **ret, kt_err *err) KT_MUST_USE;

struct kt_model_kind {
    const char *name, *help, *files; /* files: what DATA is */
    const kt_setting *options;
    const void *defaults;
    size_t option_size;
    kt_rc (*train)(kt_model_job *j, kt_buf *ret_body, kt_err *err);
    kt_rc (*cross)(kt_model_job *j, kt_err *err);                    /* out-of-fold probabilities, printed */
    kt_rc (*predict)(kt_model_job *j, kt_err *err);
    kt_rc (*explain)(kt_model_job *j, kt_err *err);
    kt_rc (*update)(kt_model_job *j, kt_buf *ret_body, kt_err *err); /* the model with DATA's labels learned on top */
    const struct kt_row_kind *rows;  /* of the kinds below */
};

extern const kt_model_kind *const kt_model_kinds[]; /* NULL at the end */
#define KT_MODEL_KIND(name) extern const kt_model_kind kt_model_##name;
#include "cli/model/model_kinds.def"
#undef KT_MODEL_KIND

/* ---- kinds whose items are rows: a label, or several, an item ---- */

typedef enum kt_label_shape { KT_SHAPE_SINGLE, KT_SHAPE_MULTI, KT_SHAPE_TREE } kt_label_shape;

typedef struct kt_row_data {
    size_t n;
    kt_str *item;      /* n names */
    kt_str *text;      /* n, of text kinds */
    const float *x;    /* n × d, of kinds of numbers */
    uint32_t d;
    kt_str *column;    /* d names of columns, or NULL: numbers */
    kt_str *cell;      /* n labels as written, empty: none; NULL: DATA has none */
    uint64_t *group;   /* n, or NULL */
    kt_label_shape shape;
    uint32_t n_labels;
    int32_t *label;    /* n: single, tree */
    float *has;        /* n × n_labels: multi */
    int32_t *parent;   /* n_labels: tree */
} kt_row_data;

typedef struct kt_row_kind {
    kt_rc (*read)(kt_model_job *j, kt_row_data *ret, kt_err *err); /* item, cell, group, and text or x; in the arena */
    kt_label_shape (*shape)(const kt_model_job *j);                /* by the settings; NULL: single */
    kt_rc (*fit)(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err);
    kt_rc (*cross)(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err);
    /* By j->file.body: n × n_labels. */
    kt_rc (*predict)(kt_model_job *j, const kt_row_data *d, float *ret_prob, kt_err *err);
    kt_rc (*update)(kt_model_job *j, const kt_row_data *d, kt_buf *ret_body, kt_err *err);
    /* Why row has label: at most j->top, strongest first. */
    kt_rc (*explain)(kt_model_job *j, const kt_row_data *d, size_t row, uint32_t label, kt_reason *ret, size_t *ret_n, kt_err *err);
} kt_row_kind;

kt_rc kt_rows_train(kt_model_job *j, kt_buf *ret_body, kt_err *err) KT_MUST_USE;
kt_rc kt_rows_cross(kt_model_job *j, kt_err *err) KT_MUST_USE;
kt_rc kt_rows_predict(kt_model_job *j, kt_err *err) KT_MUST_USE;
kt_rc kt_rows_explain(kt_model_job *j, kt_err *err) KT_MUST_USE;
kt_rc kt_rows_update(kt_model_job *j, kt_buf *ret_body, kt_err *err) KT_MUST_USE;
#define KT_ROW_ACTS .train = kt_rows_train, .cross = kt_rows_cross, .predict = kt_rows_predict, .explain = kt_rows_explain, .update = kt_rows_update

/* read: a table with a column text (body, content), and label, item and group where there are such columns. */
kt_rc kt_rows_read_text(kt_model_job *j, kt_row_data *ret, kt_err *err) KT_MUST_USE;
/* read: a matrix of numbers, a row an item. */
kt_rc kt_rows_read_numbers(kt_model_job *j, kt_row_data *ret, kt_err *err) KT_MUST_USE;
/* Labels from --labels, matched by item or place, where it was given. */
kt_rc kt_rows_read_labels(kt_model_job *j, kt_row_data *d, kt_err *err) KT_MUST_USE;
/* 1, 2, …: equal names are one group; an empty one is 0. */
uint64_t *kt_rows_groups(kt_arena *a, const kt_str *name, size_t n);
/* The strongest of d columns by what they add. */
void kt_rows_reasons(kt_model_job *j, const kt_row_data *d, const float *adds, kt_reason *ret, size_t *ret_n);

#endif
