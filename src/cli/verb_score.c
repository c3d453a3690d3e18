/* karat score PREDICTED TRUTH: how good predictions are. */
#include "base/str.h"
#include "cli/plot.h"
#include "cli/score/score_cli.h"
#include "cli/votes_file.h"

#include <math.h>
#include <stdio.h>

const kt_score_task *const kt_score_tasks[] = {
#define KT_SCORE_TASK(name) &kt_score_task_##name,
#include "cli/score/score_tasks.def"
#undef KT_SCORE_TASK
    NULL,
};

void kt_score_begin(kt_score_job *j)
{
    if (j->out.look == KT_LOOK_JSON)
        kt_out_open(&j->out, NULL, '{');
    else if (j->out.look == KT_LOOK_CSV)
        kt_buf_puts(&j->out.b, "measure,value\n");
}

void kt_score_put(kt_score_job *j, const char *name, double value, const char *explain)
{
    kt_out *o = &j->out;
    if (j->n_measures < KT_LEN(j->measure) && value >= -1 && value <= 1) { /* counts and pixels have other axes */
        j->measure[j->n_measures] = kt_str_of(name);
        j->value[j->n_measures++] = value;
    }
    if (o->look == KT_LOOK_JSON) {
        kt_out_f64(o, name, value);
    } else if (o->look == KT_LOOK_CSV) {
        kt_buf_puts(&o->b, name);
        kt_out_field_f64(o, value);
        kt_buf_char(&o->b, '\n');
    } else {
        if (isnan(value))
            kt_buf_printf(&o->b, "%-20s undefined", name);
        else
            kt_buf_printf(&o->b, value == floor(value) && fabs(value) > 1 ? "%-20s %.0f" : "%-20s %.4f", name, value);
        kt_buf_printf(&o->b, j->explain && explain ? "   %s\n" : "\n", explain);
    }
}

void kt_score_end(kt_score_job *j)
{
    if (j->out.look != KT_LOOK_JSON)
        return;
    kt_out_close(&j->out, '}');
    kt_buf_char(&j->out.b, '\n');
}

/* The measures that are shares, as a picture. */
static kt_rc draw(const kt_score_job *j, const kt_score_task *t, kt_err *err)
{
    char title[80];
    snprintf(title, sizeof(title), "Scores: %s", t->name);
    if (j->n_measures == 0)
        return kt_fail(err, KT_USAGE, "task %s has no shares to draw", t->name);
    return kt_plot_values(j->plot, &(kt_plot_dots){ title, "1 is perfect, but for error rates and losses", j->n_measures, j->measure, j->value, NULL, .line = NAN }, err);
}

static kt_rc find_task(kt_str name, const kt_score_task **ret, kt_err *err)
{
    const char *names[32];
    size_t n = 0;
    for (const kt_score_task *const *t = kt_score_tasks; *t; t++) {
        if (!name.n || kt_str_eq(name, kt_str_of((*t)->name))) {
            *ret = *t;
            return 0;
        }
        if (n < KT_LEN(names))
            names[n++] = (*t)->name;
    }
    kt_fail(err, KT_USAGE, "there is no task %.*s", KT_F(name));
    const char *near = kt_nearest(name, names, n);
    if (near)
        kt_hint(err, "did you mean %s? 'karat list score_tasks' shows all", near);
    else
        kt_hint(err, "'karat list score_tasks' shows all");
    return KT_USAGE;
}

/* PREDICTED TRUTH; with --probs, or for tasks that need no truth, the only file may be the other one. */
static kt_rc files(kt_score_job *j, const kt_score_task *t, kt_strs pos, kt_str probs, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    const char *first = kt_arena_cstr(a, pos.v[0]), *second = pos.n > 1 ? kt_arena_cstr(a, pos.v[1]) : NULL;
    j->probs = probs.n ? kt_arena_cstr(a, probs) : NULL;
    j->predicted = second || !j->probs ? first : j->probs;
    j->truth = second ? second : j->probs ? first : NULL;
    if (t->alone && second)
        return kt_fail(err, KT_USAGE, "task %s takes one file", t->name);
    if (!t->alone && !j->truth)
        return kt_fail(err, KT_USAGE, "task %s needs two files: PREDICTED TRUTH", t->name);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    bool json = false, csv = false, explain = false;
    kt_str task = { NULL, 0 }, classes = { NULL, 0 }, probs = { NULL, 0 }, plot = { NULL, 0 };
    kt_score_job j = { .cli = cli };
    kt_strs pos, set = { NULL, 0 };
    const kt_opt opts[] = {
        { "task", KT_OPT_TEXT, "NAME", "what is compared: classes, spans, boxes, … ('karat list score_tasks')", &task },
        { "set", KT_OPT_LIST, "NAME=VALUE", "an option of the task", &set },
        { "probs", KT_OPT_TEXT, "FILE", "classes: probabilities, a row an item and a column a class", &probs },
        { "classes", KT_OPT_TEXT, "A,B,C", "the classes in the order of the columns", &classes },
        { "plot", KT_OPT_TEXT, "FILE.svg", "draw the confusion and the reliability of probabilities (classes), or the measures", &plot },
        { "explain", KT_OPT_FLAG, NULL, "say what each number is", &explain },
        { "json", KT_OPT_FLAG, NULL, "print a JSON object", &json },
        { "csv", KT_OPT_FLAG, NULL, "print a CSV table", &csv },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_score, opts, KT_LEN(opts), (int[]){ 1, 2 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    const kt_score_task *t;
    KT_TRY(find_task(task, &t, err));
    KT_TRY(files(&j, t, pos, probs, err));
    if (classes.n)
        kt_votes_file_labels(classes, cli->arena, &j.classes);
    if (t->defaults)
        memcpy(j.settings, t->defaults, t->option_size);
    for (size_t i = 0; i < set.n; i++)
        KT_TRY(kt_settings_set(t->options, set.v[i], j.settings, err));
    j.plot = plot.n ? kt_arena_cstr(cli->arena, plot) : NULL;
    j.explain = explain;
    j.out = (kt_out)KT_OUT_INIT(json ? KT_LOOK_JSON : csv ? KT_LOOK_CSV : KT_LOOK_TEXT);
    rc = t->run(&j, err);
    if (rc == 0 && j.plot && !j.drawn)
        rc = draw(&j, t, err);
    if (rc == 0)
        kt_out_flush(&j.out, true);
    kt_out_done(&j.out);
    return rc;
}

const kt_verb kt_verb_score = {
    .name = "score", .help = "predictions against a truth: accuracy, F1, mAP, calibration, …", .usage = "PREDICTED TRUTH [--task NAME] [--set NAME=VALUE]… [--json]",
    .more = "Files are CSV, TSV, JSON lines, .npy or .npz. Rows are matched by item where both files have such a column, else by place.\n\n"
            "  karat score predicted.csv truth.csv\n"
            "  karat score truth.csv --probs probs.npy --explain\n"
            "  karat score tags.csv gold.csv --task spans --set scheme=IOB2\n"
            "  karat score detections.csv boxes.csv --task boxes --json\n"
            "  karat score tracker.txt gt.txt --task tracks",
    .run = run,
};
