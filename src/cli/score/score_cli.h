/* karat score: one file score_NAME.c for each kind of labels, one line in score_tasks.def. */
#ifndef KT_CLI_SCORE_CLI_H
#define KT_CLI_SCORE_CLI_H

#include "algo/stats_options.h"
#include "cli/cli.h"
#include "cli/columns_file.h"
#include "cli/matrix_file.h"
#include "cli/out.h"

typedef struct kt_score_job {
    kt_cli *cli;
    kt_out out;
    const char *predicted, *truth; /* truth NULL: not given */
    const char *probs;             /* --probs FILE, or NULL */
    kt_strs classes;
    _Alignas(double) char settings[64]; /* --set, as the task's options say */
    bool explain;
    const char *plot;
    bool drawn;                  /* the task has drawn its own picture */
    kt_str measure[32];          /* what was put, for a picture of it */
    double value[32];
    size_t n_measures;
} kt_score_job;

typedef struct kt_score_task {
    const char *name, *help, *files;
    const kt_setting *options; /* into job->settings; may be NULL */
    const void *defaults;
    size_t option_size;
    bool alone;                /* needs no truth */
    kt_rc (*run)(kt_score_job *j, kt_err *err);
} kt_score_task;

extern const kt_score_task *const kt_score_tasks[]; /* NULL at the end */
#define KT_SCORE_TASK(name) extern const kt_score_task kt_score_task_##name;
#include "cli/score/score_tasks.def"
#undef KT_SCORE_TASK

/* A line of text, a CSV row or a JSON member, by the look: what most tasks print. explain: the formula, or NULL. */
void kt_score_begin(kt_score_job *j);
void kt_score_put(kt_score_job *j, const char *name, double value, const char *explain);
void kt_score_end(kt_score_job *j);

#endif
