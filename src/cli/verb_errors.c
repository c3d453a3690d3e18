/* karat errors: which labels are likely wrong. */
#include "base/str.h"
#include "cli/errors/errors_cli.h"
#include "cli/plot.h"
#include "cli/votes_file.h"

#include <math.h>
#include <stdio.h>

const kt_error_task *const kt_error_tasks[] = {
#define KT_ERROR_TASK(name) &kt_errors_##name,
#include "cli/errors/error_tasks.def"
#undef KT_ERROR_TASK
    NULL,
};

static kt_rc find_task(kt_str name, const kt_error_task **ret, kt_err *err)
{
    const char *names[32];
    size_t n = 0;
    for (const kt_error_task *const *t = kt_error_tasks; *t; t++) {
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
        kt_hint(err, "did you mean %s? 'karat list error_tasks' shows all", near);
    else
        kt_hint(err, "'karat list error_tasks' shows all");
    return KT_USAGE;
}

static const char *path_of(kt_cli *cli, kt_str s)
{
    return s.n ? kt_arena_cstr(cli->arena, s) : NULL;
}

kt_rc kt_errors_draw_scores(const kt_errors_job *j, const char *of_what, const double *score, size_t n, const uint8_t *issue, kt_err *err)
{
    char title[80];
    snprintf(title, sizeof(title), "Quality of %s", of_what);
    return kt_plot_histogram(j->plot, &(kt_plot_bars){ title, "quality: 0 likely wrong, 1 likely right", "suspects", 0, 1, NAN, n, score, issue }, err);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    bool json = false, csv = false, all = false, explain = false;
    kt_str task = { NULL, 0 }, labels = { NULL, 0 }, probs = { NULL, 0 }, classes = { NULL, 0 }, gold = { NULL, 0 }, plot = { NULL, 0 };
    kt_errors_job j = { .cli = cli, .seed = 1 };
    kt_strs pos;
    const kt_opt opts[] = {
        { "task", KT_OPT_TEXT, "NAME", "what the labels are: labels, tokens, boxes, … ('karat list error_tasks')", &task },
        { "labels", KT_OPT_TEXT, "FILE", "the labels as they are (item,label)", &labels },
        { "probs", KT_OPT_TEXT, "FILE", "what a model says that did not see them: a row an item, a column a class", &probs },
        { "classes", KT_OPT_TEXT, "A,B,C", "the classes in the order of the columns", &classes },
        { "filter", KT_OPT_TEXT, "NAME", "prune_by_noise_rate, prune_by_class, both, confident_learning, predicted_neq_given, …", &j.filter },
        { "quality", KT_OPT_TEXT, "NAME", "self_confidence, normalized_margin or confidence_weighted_entropy", &j.quality },
        { "all", KT_OPT_FLAG, NULL, "a score for every label, not only for suspects", &all },
        { "gold", KT_OPT_TEXT, "FILE", "annotators: known labels (item,label)", &gold },
        { "strata", KT_OPT_TEXT, "A=N,B=M", "rate: how many items each stratum has", &j.strata },
        { "seed", KT_OPT_INT, "N", "annotators, outliers: of what is drawn (1)", &j.seed },
        { "plot", KT_OPT_TEXT, "FILE.svg", "draw what was found: the joint, how scores are spread, rates", &plot },
        { "explain", KT_OPT_FLAG, NULL, "print the formulas, with the numbers put in where the task has few", &explain },
        { "json", KT_OPT_FLAG, NULL, "print a JSON object", &json },
        { "csv", KT_OPT_FLAG, NULL, "print a CSV table (what most tasks print anyway)", &csv },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_errors, opts, KT_LEN(opts), (int[]){ 0, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    const kt_error_task *t;
    KT_TRY(find_task(task, &t, err));
    if (classes.n)
        kt_votes_file_labels(classes, cli->arena, &j.classes);
    j.labels = path_of(cli, labels);
    j.probs = path_of(cli, probs);
    j.plot = path_of(cli, plot);
    j.gold = path_of(cli, gold);
    j.file = pos.n ? path_of(cli, pos.v[0]) : NULL;
    j.all = all;
    j.explain = explain;
    if (j.plot && !t->draws)
        return kt_fail(err, KT_USAGE, "task %s has no picture", t->name);
    if (explain && json)
        return kt_fail(err, KT_USAGE, "--explain is for people, --json for programs; one of them");
    j.out = (kt_out)KT_OUT_INIT(json ? KT_LOOK_JSON : csv ? KT_LOOK_CSV : KT_LOOK_TEXT);
    if (explain)
        kt_buf_printf(&j.out.b, "%s\n\n", t->formula);
    rc = t->run(&j, err);
    if (rc == 0)
        kt_out_flush(&j.out, true);
    kt_out_done(&j.out);
    return rc;
}

const kt_verb kt_verb_errors = {
    .name = "errors", .help = "which labels are likely wrong", .usage = "[FILE] [--task NAME] [--labels L --probs P] [--json]",
    .more = "Labels and probabilities are CSV, TSV, JSON lines, .npy or .npz; - is standard input. Rows are matched by item where both\n"
            "files have such a column, else by place.\n\n"
            "  karat errors --labels labels.csv --probs probs.npy\n"
            "  karat errors --labels labels.csv --probs probs.csv --filter both --quality normalized_margin --json\n"
            "  karat errors --task outliers embeddings.npy\n"
            "  karat errors --task boxes --labels boxes.csv --probs detections.csv\n"
            "  karat errors --task rate audit.csv --strata suspect=812,other=21350\n"
            "  karat errors --task annotators votes.csv --gold gold.csv",
    .run = run,
};
