/* karat list FAMILY: what is built in, from the families' own tables. */
#include "algo/merge/aggregate.h"
#include "algo/agree/agree.h"
#include "base/str.h"
#include "algo/learn/select.h"
#include "cli/cli.h"
#include "cli/errors/errors_cli.h"
#include "cli/merge/merge_answers.h"
#include "cli/model/model_cli.h"
#include "cli/score/score_cli.h"
#include "format/reader.h"
#include "format/writer.h"

#include <stdio.h>

static void list_verbs(void)
{
    for (const kt_verb *const *v = kt_verbs; *v; v++)
        printf("%-20s %s\n", (*v)->name, (*v)->help);
}

static void list_options(const kt_setting *row, const void *defaults)
{
    char text[400];
    for (; row && row->name; row++) {
        kt_setting_describe(row, defaults, text, sizeof(text));
        printf("%-22s --set %s\n", "", text);
    }
}

static void list_agreements(void)
{
    for (const kt_agreement *const *m = kt_agreements; *m; m++) {
        printf("%-22s %s\n", (*m)->name, (*m)->help);
        list_options((*m)->options, (*m)->defaults);
    }
}

static void list_aggregators(void)
{
    for (const kt_aggregator *const *m = kt_aggregators; *m; m++) {
        printf("%-22s %s\n", (*m)->name, (*m)->help);
        list_options((*m)->options, (*m)->defaults);
    }
    for (size_t i = 0; i < kt_n_answer_merges; i++) {
        printf("%-22s %s; columns %s\n", kt_answer_merges[i].name, kt_answer_merges[i].help, kt_answer_merges[i].columns);
        list_options(kt_answer_merges[i].options, (const char *)&kt_answer_merges[i].defaults + kt_answer_merges[i].at);
    }
}

static void list_readers(void)
{
    for (size_t i = 0; i < kt_n_readers; i++)
        printf("%-20s %s\n", kt_readers[i]->name, kt_readers[i]->help);
}

static void list_writers(void)
{
    for (size_t i = 0; i < kt_n_writers; i++)
        printf("%-20s %s\n", kt_writers[i]->name, kt_writers[i]->help);
}

static void list_selectors(void)
{
    size_t n;
    const kt_selector *const *v = kt_selectors(&n);
    for (size_t i = 0; i < n; i++)
        printf("%-20s %s\n", v[i]->name, v[i]->help);
}

static void list_error_tasks(void)
{
    for (const kt_error_task *const *t = kt_error_tasks; *t; t++)
        printf("%-22s %s: %s\n", (*t)->name, (*t)->files, (*t)->help);
}

static void list_score_tasks(void)
{
    for (const kt_score_task *const *t = kt_score_tasks; *t; t++) {
        printf("%-22s %s: %s\n", (*t)->name, (*t)->files, (*t)->help);
        list_options((*t)->options, (*t)->defaults);
    }
}

static void list_model_kinds(void)
{
    for (const kt_model_kind *const *k = kt_model_kinds; *k; k++) {
        printf("%-22s %s: %s\n", (*k)->name, (*k)->files, (*k)->help);
        list_options((*k)->options, (*k)->defaults);
    }
}

/* One row per family; its print function walks the family's table. */
static const struct { const char *name; void (*print)(void); } families[] = {
    { "verbs", list_verbs }, { "readers", list_readers }, { "writers", list_writers }, { "selectors", list_selectors },
    { "agreements", list_agreements },
    { "aggregators", list_aggregators },
    { "error_tasks", list_error_tasks },
    { "score_tasks", list_score_tasks },
    { "model_kinds", list_model_kinds },
};

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_list, NULL, 0, (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    for (size_t i = 0; i < KT_LEN(families); i++)
        if (kt_str_eq(pos.v[0], kt_str_of(families[i].name))) {
            families[i].print();
            return 0;
        }
    kt_fail(err, KT_USAGE, "there is no family %.*s", KT_F(pos.v[0]));
    char all[160] = "";
    for (size_t i = 0, n = 0; i < KT_LEN(families); i++)
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "", families[i].name);
    return kt_hint(err, "there are: %s", all), KT_USAGE;
}

const kt_verb kt_verb_list = {
    .name = "list", .help = "what is built in: methods, readers, writers, …", .usage = "FAMILY", .run = run,
};
