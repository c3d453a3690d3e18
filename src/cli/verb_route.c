/* karat route DIR: by the error budget, or everything to people; karat route SCORES.csv: the same from a file of scores. */
#include "base/str.h"
#include "cli/route/route_cli.h"
#include "cli/stages.h"
#include "stage/review.h"
#include "store/audit.h"

#include <stdio.h>
#include <sys/stat.h>

static void show(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    if (r->waiting && !n->routed)
        return;
    kt_buf_printf(b, "%llu items to the machine, %llu to annotators, %llu to experts\n", (unsigned long long)n->state[KT_ITEM_AUTO],
                  (unsigned long long)n->state[KT_ITEM_HUMAN], (unsigned long long)n->state[KT_ITEM_EXPERT]);
    if (n->proved && n->n_cells > 1)
        kt_buf_printf(b, "of the machine's, at most %.2f %% are wrong; each of %u classes and slices has its own budget\n", 100 * n->bound,
                      n->n_cells);
    else if (n->proved)
        kt_buf_printf(b, "of the machine's, at most %.2f %% are wrong (score at least %.4f)\n", 100 * n->bound, n->threshold);
}

static void show_json(const kt_pipeline_result *r, kt_buf *b)
{
    const kt_stage_numbers *n = &r->numbers;
    kt_buf_printf(b, ",\"routed\":%s,\"auto\":%llu,\"human\":%llu,\"expert\":%llu,\"bound\":", n->routed ? "true" : "false",
                  (unsigned long long)n->state[KT_ITEM_AUTO], (unsigned long long)n->state[KT_ITEM_HUMAN], (unsigned long long)n->state[KT_ITEM_EXPERT]);
    if (n->proved)
        kt_buf_f64(b, n->bound);
    else
        kt_buf_puts(b, "null");
}

static kt_rc to_people(kt_cli *cli, kt_store *s, kt_str project, int64_t overlap, kt_err *err)
{
    kt_project p;
    kt_review_rules rules;
    uint64_t n;
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_review_rules_get(&p, &rules, err));
    int need = overlap > 0 ? (int)overlap : rules.overlap;
    KT_TRY(kt_route_people(s, &p, need, &n, err));
    KT_TRY(kt_store_begin(s, err));
    KT_TRY(kt_store_finish(s, kt_audit_sign(s, err), err));
    printf("%llu items wait for annotators, %d answers each\n", (unsigned long long)n, need);
    return 0;
}

static void say_people(const kt_route_explained *x, kt_buf *b)
{
    if (x->annotators_from)
        kt_buf_printf(b, "  annotators are right on %.1f %%, %s\n", 100 * (1 - x->people.annotator_error), x->annotators_from);
    kt_buf_printf(b, "  experts are right on %.1f %%, %s\n", 100 * (1 - x->people.expert_error), x->experts_from);
}

static kt_rc explain(kt_cli *cli, kt_store *s, kt_str project, bool json, kt_err *err)
{
    kt_project p;
    bool waiting;
    kt_route_explained *x = kt_arena_zalloc(cli->arena, sizeof(*x));
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_pipeline_explain_route(s, &p, cli->pool, cli->progress, cli->arena, &waiting, x, err));
    if (waiting)
        return kt_fail(err, KT_NO, "the model is still learning: people have items to answer first ('karat status %s')", kt_store_dir(s));
    kt_out o = KT_OUT_INIT(json ? KT_LOOK_JSON : KT_LOOK_TEXT);
    if (json) {
        kt_out_open(&o, NULL, '{');
        kt_out_str(&o, "project", p.name);
        kt_out_str(&o, "method", kt_str_of(kt_route_method_name(x->method)));
        kt_out_u64(&o, "trusted_wanted", x->n_wanted);
    } else if (x->outlook.n_trusted < x->n_wanted) {
        kt_buf_printf(&o.b, "%u of the %u trusted items wait for experts\n", x->n_wanted - x->outlook.n_trusted, x->n_wanted);
    }
    if (x->whole && !json)
        kt_buf_puts(&o.b, "an item's whole answer is right or wrong: the budget is of approved items that differ from the expert in anything\n");
    kt_route_print(&x->outlook, &o);
    if (!json)
        say_people(x, &o.b);
    kt_route_print_cells(x->cell, x->cell_name, x->n_cells, &o);
    if (json) {
        kt_out_close(&o, '}');
        kt_buf_char(&o.b, '\n');
    }
    kt_out_flush(&o, true);
    kt_out_done(&o);
    return 0;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Options of a file mean nothing in a workspace, where the pipeline says them, and the other way round. */
static kt_rc check_options(bool folder, bool people, int64_t overlap, kt_str project, bool csv, const kt_route_file *f, kt_err *err)
{
    if (overlap < 0 || overlap > 100 || (overlap && !people))
        return kt_fail(err, KT_USAGE, "--overlap goes with --people and wants 1 to 100");
    if (people && f->explain)
        return kt_fail(err, KT_USAGE, "--people routes everything to annotators; there is nothing to explain");
    bool file_only = csv || f->method.n || f->by.n || f->annotator.n || f->expert.n || f->machine_price > 0 || f->budget > 0 || f->confidence > 0;
    if (folder && file_only)
        return kt_fail(err, KT_USAGE,
                       "--budget, --confidence, --method, --by, --csv and prices are of a file of scores; a workspace has them in its pipeline");
    if (!folder && (people || project.n))
        return kt_fail(err, KT_USAGE, "--people and --project are of a workspace, not of a file of scores");
    if (!folder && f->budget != 0 && !(f->budget > 0 && f->budget < 1))
        return kt_fail(err, KT_USAGE, "--budget %g is no share: expected a number between 0 and 1, as in 0.02", f->budget);
    if (!folder && f->budget == 0)
        return kt_fail(err, KT_USAGE, "a file of scores needs --budget, the share of the approved that may be wrong, as in --budget 0.02");
    if (!folder && f->confidence != 0 && !(f->confidence > 0 && f->confidence < 1))
        return kt_fail(err, KT_USAGE, "--confidence wants a number between 0 and 1, as in 0.95");
    if (!folder && !f->explain && (f->annotator.n || f->expert.n || f->machine_price > 0))
        return kt_fail(err, KT_USAGE, "--annotator, --expert and --machine are for the plan: add --explain");
    if (csv && f->explain)
        return kt_fail(err, KT_USAGE, "--csv lists the items; --explain prints text or --json");
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 };
    int64_t overlap = 0;
    bool people = false, json = false, csv = false;
    kt_route_file f = { .budget = 0 };
    const kt_opt opts[] = {
        { "explain", KT_OPT_FLAG, NULL, "what would be approved at which bound, what more trusted labels would buy, the cheapest plan", &f.explain },
        { "people", KT_OPT_FLAG, NULL, "everything that has no label yet to annotators", &people },
        { "overlap", KT_OPT_INT, "N", "with --people: answers each item gets (default: the pipeline's review.overlap, 3)", &overlap },
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "budget", KT_OPT_FLOAT, "SHARE", "of a file: how many of the approved may be wrong, as in 0.02", &f.budget },
        { "confidence", KT_OPT_FLOAT, "SHARE", "of a file: how sure that must be (0.95)", &f.confidence },
        { "method", KT_OPT_TEXT, "NAME", "of a file: threshold (holds with that confidence) or conformal (holds on average)", &f.method },
        { "by", KT_OPT_TEXT, "COLUMNS", "of a file: the budget in each value of these columns, as in label,lang", &f.by },
        { "annotator", KT_OPT_TEXT, "PRICE:ACCURACY", "of a file, for the plan: an annotator's answer, as in 0.05:0.9", &f.annotator },
        { "expert", KT_OPT_TEXT, "PRICE:ACCURACY", "of a file, for the plan: an expert's answer", &f.expert },
        { "machine", KT_OPT_FLOAT, "PRICE", "of a file, for the plan: a label by the machine (0)", &f.machine_price },
        { "csv", KT_OPT_FLAG, NULL, "of a file: item, score, approved as CSV", &csv },
        { "json", KT_OPT_FLAG, NULL, "as one JSON object", &json },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_route, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    f.path = kt_arena_cstr(cli->arena, pos.v[0]);
    f.look = json ? KT_LOOK_JSON : csv ? KT_LOOK_CSV : KT_LOOK_TEXT;
    bool folder = is_folder(f.path);
    KT_TRY(check_options(folder, people, overlap, project, csv, &f, err));
    f.confidence = f.confidence > 0 ? f.confidence : 0.95;
    if (!folder)
        return kt_route_file_run(cli, &f, err);
    kt_store *s;
    KT_TRY(kt_store_open(f.path, KT_STORE_WRITE, &s, err));
    const kt_stage_call call = { .verb = &kt_verb_route, .until = KT_UNTIL_ROUTE, .show = show, .show_json = show_json };
    if (people)
        rc = to_people(cli, s, project, overlap, err);
    else
        rc = f.explain ? explain(cli, s, project, json, err) : kt_stage_call_in(cli, &call, s, project, json, err);
    kt_store_close(s);
    return rc;
}

const kt_verb kt_verb_route = {
    .name = "route", .help = "to the machine what it can prove, the rest to people",
    .usage = "DIR [--explain | --people [--overlap N]] [--json]  |  SCORES.csv --budget SHARE [--explain] [--csv | --json]",
    .more = "By the pipeline's budget: a trusted random sample, calibration, a threshold. --people is for a team that just wants to label:\n"
            "init, ingest, route --people, serve.\n\n"
            "SCORES.csv has a row an item: score (0 to 1), correct (1 or 0 on the rows somebody has looked at, a uniform random sample of all; else\n"
            "empty), and perhaps item. With a column probability, the chance each item had to be looked at, the sample need not be uniform.\n\n"
            "  karat route ws --explain\n"
            "  karat route scores.csv --budget 0.02 --by lang\n"
            "  karat route scores.csv --budget 0.02 --explain --annotator 0.05:0.9 --expert 0.5:0.99\n"
            "  karat route scores.csv --budget 0.02 --csv > approved.csv",
    .run = run,
};
