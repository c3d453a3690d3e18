/* karat errors: one file errors_NAME.c for each kind of labels, one line in error_tasks.def. */
#ifndef KT_CLI_ERRORS_CLI_H
#define KT_CLI_ERRORS_CLI_H

#include "cli/cli.h"
#include "cli/columns_file.h"
#include "cli/fields_file.h"
#include "cli/matrix_file.h"
#include "cli/out.h"

/* What was asked. Paths are NULL where not given. */
typedef struct kt_errors_job {
    kt_cli *cli;
    kt_out out;
    const char *labels, *probs, *file, *gold, *plot; /* file: the positional argument */
    kt_strs classes;      /* in the order of the probabilities; n 0: not given */
    kt_str filter, quality, strata;
    bool explain;
    bool all;             /* a score for every label, not only for suspects */
    int64_t seed;
} kt_errors_job;

typedef struct kt_error_task {
    const char *name, *help, *files; /* files: what it reads */
    const char *formula;             /* for --explain; one or more lines */
    bool draws;                      /* heeds job->plot */
    kt_rc (*run)(kt_errors_job *j, kt_err *err);
} kt_error_task;

extern const kt_error_task *const kt_error_tasks[]; /* NULL at the end */
#define KT_ERROR_TASK(name) extern const kt_error_task kt_errors_##name;
#include "cli/errors/error_tasks.def"
#undef KT_ERROR_TASK

/* ---- for members ---- */

/* --plot: scores from 0 (wrong) to 1 as bars; issue (NULL: none) marks suspects. */
kt_rc kt_errors_draw_scores(const kt_errors_job *j, const char *of_what, const double *score, size_t n, const uint8_t *issue, kt_err *err) KT_MUST_USE;

/* KT_USAGE unless the files a task reads were given. */
kt_rc kt_errors_need(const char *path, const char *option, kt_err *err) KT_MUST_USE;

/* Labels beside probabilities: rows brought together by item where both files name the items, else by place. */
enum { KT_LABELLED_ITEM, KT_LABELLED_LABEL, KT_LABELLED_MORE, KT_LABELLED_FIELDS };
typedef struct kt_labelled {
    kt_field field[KT_LABELLED_FIELDS];
    kt_fields_file labels;
    kt_matrix_file probs;
    size_t n;
    uint32_t k;
    int32_t *label;    /* n class numbers */
    kt_str *class;     /* k names */
    const void *prob;  /* n rows */
    void *own;         /* where they had to be moved */
} kt_labelled;
/* more (NULL: none): names of one more column of the labels, which then is field[KT_LABELLED_MORE].text. */
kt_rc kt_labelled_read(const kt_errors_job *j, const char *const *more, kt_labelled *ret, kt_err *err) KT_MUST_USE;
/* The name of item i, or its number where no file has names: in the arena. */
kt_str kt_labelled_item(const kt_labelled *l, size_t i, kt_arena *a);
void kt_labelled_done(kt_labelled *l);

/* Boxes of images from a table: image, label, x1, y1, x2, y2 or x, y, width, height, and a score for predictions. Images and
   labels are numbered in names, shared between tables. */
typedef struct kt_box_table {
    size_t n;
    uint32_t *image, *label;
    double (*corner)[4]; /* x1 y1 x2 y2, or with size x y w h */
    double *score;       /* NULL: no such column */
    uint8_t *crowd;      /* column iscrowd or crowd; NULL: none */
} kt_box_table;
struct kt_names;
kt_rc kt_box_table_read(const kt_columns *c, bool corners, bool scores, struct kt_names *image, struct kt_names *label, kt_arena *a,
                        kt_box_table *ret, kt_err *err) KT_MUST_USE;

#endif
