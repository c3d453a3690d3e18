/* karat functions DIR: what the labeling functions do; --try one rule, --suggest new ones. */
#include "algo/stats.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/str.h"
#include "cli/stages.h"
#include "stage/functions_figures.h"
#include "stage/functions_kept.h"
#include "stage/functions_suggest.h"
#include "stage/functions_try.h"

#include <math.h>
#include <stdio.h>

struct call {
    kt_cli *cli;
    kt_store *s;
    kt_project p;
    kt_config c;
    kt_str project, rule;
    int64_t examples;
    bool json, suggest;
    kt_buf out;
};

#define SHOWN_PAIRS 5

static void percent(kt_buf *b, double v)
{
    if (isnan(v))
        kt_buf_printf(b, " %9s", "–");
    else
        kt_buf_printf(b, " %7.2f %%", 100 * v);
}

/* ---- the table ---- */

static void show_function(const kt_functions *f, const kt_lf_figures *g, const kt_lf_summary *lf, uint32_t j, kt_buf *b)
{
    const kt_lf_tally *t = &g->tally;
    double all = t->n ? 1 / (double)t->n : 0, ci[2], lift = NAN;
    uint64_t n = 0, right = 0;
    for (uint32_t c = 0; c < t->k; c++) {
        n += t->gold_by_label[(size_t)j * t->k + c];
        right += t->right[(size_t)j * t->k + c];
        if ((int32_t)c == kt_functions_label(f, j))
            lift = kt_lf_tally_lift(t, j, c);
    }
    kt_buf_printf(b, "%-24.*s", KT_F(kt_functions_name(f, j)));
    percent(b, all * (double)t->votes[j]);
    percent(b, all * (double)t->overlaps[j]);
    percent(b, all * (double)t->conflicts[j]);
    kt_buf_printf(b, " %9.3f", lf[j].accuracy);
    percent(b, n ? (double)right / (double)n : NAN);
    if (n) {
        kt_clopper_pearson(right, n, 0.95, ci);
        kt_buf_printf(b, " (%.1f to %.1f of %llu)", 100 * ci[0], 100 * ci[1], (unsigned long long)n);
        if (!isnan(lift))
            kt_buf_printf(b, " lift %.2f", lift);
    }
    kt_buf_char(b, '\n');
}

static void show_examples(const struct call *x, const kt_functions *f, const kt_lf_figures *g, kt_buf *b)
{
    static const char *const title[] = { [KT_LF_HIT] = "right", [KT_LF_MISS] = "wrong", [KT_LF_CONFLICT] = "against others", [KT_LF_VOTE] = "votes" };
    for (uint32_t j = 0; j < g->tally.m; j++)
        for (int k = 0; k < KT_LF_EXAMPLES; k++)
            for (uint32_t i = 0; i < g->n_shown; i++) {
                const kt_lf_example *e = &g->example[((size_t)j * KT_LF_EXAMPLES + (size_t)k) * g->n_shown + i];
                if (e->order == UINT64_MAX)
                    break;
                if (i == 0)
                    kt_buf_printf(b, "\n%.*s, %s\n", KT_F(kt_functions_name(f, j)), title[k]);
                kt_buf_printf(b, "  %.*s: %.*s", KT_F(e->id), KT_F(x->p.label[e->said]));
                if (e->gold >= 0)
                    kt_buf_printf(b, ", gold %.*s", KT_F(x->p.label[e->gold]));
                if (e->other >= 0)
                    kt_buf_printf(b, ", %.*s says %.*s", KT_F(kt_functions_name(f, (uint32_t)e->other)), KT_F(x->p.label[e->other_said]));
                kt_buf_printf(b, ": %.*s\n", KT_F(e->text));
            }
}

static void show_pairs(const kt_functions *f, const kt_lf_tally *t, kt_buf *b)
{
    kt_lf_correlation pair[SHOWN_PAIRS];
    size_t n = kt_lf_correlations(t, pair, SHOWN_PAIRS);
    for (size_t i = 0; i < n; i++)
        kt_buf_printf(b, "%s%.*s and %.*s: correlation %.2f\n", i ? "" : "\nfunctions that speak on the same items, or avoid each other's\n",
                      KT_F(kt_functions_name(f, pair[i].a)), KT_F(kt_functions_name(f, pair[i].b)), pair[i].phi);
}

static kt_rc print_figures(struct call *x, const kt_functions *f, const kt_stage_numbers *n, kt_err *err)
{
    kt_lf_figures g;
    kt_buf *b = &x->out;
    KT_TRY(kt_functions_figures(x->s, &x->p, kt_functions_count(f), (uint32_t)x->examples, x->cli->arena, &g, err));
    if (x->json) {
        kt_buf_puts(b, "{\"project\":");
        kt_buf_json(b, x->p.name);
        kt_buf_printf(b, ",\"items\":%u,\"ran\":%u,\"seconds\":%.6f,\"cpu_seconds\":%.6f", n->n_items, n->functions.n_ran, n->functions.seconds, n->functions.cpu_seconds);
        kt_functions_figures_json(&g, &x->p, f, n->functions.fault, n->lf, b);
        kt_buf_puts(b, "}\n");
        return 0;
    }
    kt_buf_printf(b, "%-24s %9s %9s %9s %9s %9s\n", "function", "coverage", "overlap", "conflict", "learned", "on gold");
    for (uint32_t j = 0; j < g.tally.m; j++)
        show_function(f, &g, n->lf, j, b);
    show_pairs(f, &g.tally, b);
    show_examples(x, f, &g, b);
    return 0;
}

static kt_rc figures(struct call *x, kt_err *err)
{
    kt_pipeline_result r;
    kt_functions *f = NULL;
    const kt_yaml *list;
    KT_TRY(kt_pipeline_continue(x->s, &x->p, KT_UNTIL_FUNCTIONS, 0, x->cli->pool, x->cli->progress, x->cli->arena, &r, err));
    if (r.marked) {
        if (x->examples > 0)
            return kt_fail(err, KT_USAGE, "--examples is not there for task %s yet", kt_task_names[x->c.task]);
        kt_buf_str(&x->out, x->json ? r.marks_json : r.marks_text);
        return 0;
    }
    const kt_functions_opts o = { .file = x->c.file, .labels = x->p.label, .n_labels = x->p.n_labels, .other = kt_functions_other, .other_ctx = x->s };
    KT_TRY(kt_project_functions(x->s, &x->p, x->c.functions, x->cli->arena, &list, err));
    KT_TRY(kt_functions_read(list, &o, &f, err));
    kt_rc rc = print_figures(x, f, &r.numbers, err);
    kt_functions_free(f);
    return rc;
}

/* ---- one rule ---- */

static void show_tried(const struct call *x, const kt_tried *t, kt_buf *b)
{
    kt_buf_printf(b, "%s %llu items in %.3f s: votes on %.3f %%", t->exact ? "all" : "a random sample of", (unsigned long long)t->n, t->seconds, 100 * t->coverage);
    if (!t->exact)
        kt_buf_printf(b, " (95 %% interval %.3f to %.3f)", 100 * t->lo, 100 * t->hi);
    if (t->gold_votes)
        kt_buf_printf(b, "; right on %.1f %% of %llu trusted labels (%.1f to %.1f)", 100 * t->precision, (unsigned long long)t->gold_votes, 100 * t->p_lo, 100 * t->p_hi);
    if (t->fault.n)
        kt_buf_printf(b, "; failed on %llu, first on item %s: %s", (unsigned long long)t->fault.n, t->fault.id, t->fault.said);
    kt_buf_char(b, '\n');
    for (int k = 0; t->exact && k < KT_LF_EXAMPLES; k++)
        for (int64_t i = 0; i < x->examples; i++) {
            const kt_lf_example *e = &t->example[k * x->examples + i];
            if (e->order == UINT64_MAX)
                break;
            kt_buf_printf(b, "  %s %.*s: %.*s\n", k == KT_LF_HIT ? "right" : k == KT_LF_MISS ? "WRONG" : "     ", KT_F(e->id), KT_F(e->text));
        }
}

static kt_rc try_both(struct call *x, kt_try *t, kt_item_reader *r, kt_err *err)
{
    kt_buf_puts(&x->out, x->json ? "{\"sample\":" : "");
    for (int exact = 0; exact < 2; exact++) {
        kt_tried tried;
        KT_TRY(kt_try_run(t, r, exact, x->cli->pool, x->cli->arena, &tried, err));
        if (x->json)
            kt_tried_json(t, &tried, &x->out);
        else
            show_tried(x, &tried, &x->out);
        kt_buf_puts(&x->out, !x->json ? "" : exact ? "}\n" : ",\"exact\":");
        if (!x->json) { /* the first answer is there to be read while the second is made */
            fwrite(x->out.p, 1, x->out.n, stdout);
            fflush(stdout);
            kt_buf_reset(&x->out);
        }
    }
    return 0;
}

static kt_rc try_rule(struct call *x, kt_err *err)
{
    kt_try_opts o = KT_TRY_OPTS_INIT;
    const char *file = "--try";
    KT_AUTO(kt_buf) text = KT_BUF_INIT(KT_MAX_CONFIG_BYTES);
    kt_try *t;
    kt_item_reader *r;
    o.n_examples = (uint32_t)x->examples;
    if (kt_file_exists(kt_arena_cstr(x->cli->arena, x->rule))) {
        file = kt_arena_cstr(x->cli->arena, x->rule);
        KT_TRY(kt_file_read(file, &text, err));
    } else {
        kt_buf_str(&text, x->rule);
    }
    KT_TRY(kt_try_new(x->s, &x->p, KT_BUF_STR(&text), file, &o, &t, err));
    kt_rc rc = kt_item_reader_new(x->s, x->p.id, &r, err);
    if (rc == 0) {
        rc = try_both(x, t, r, err);
        kt_item_reader_free(r);
    }
    kt_try_free(t);
    return rc;
}

static kt_rc suggest(struct call *x, kt_err *err)
{
    kt_suggestions g;
    KT_TRY(kt_functions_suggest(x->s, &x->p, &(kt_suggest_opts)KT_SUGGEST_OPTS_INIT, x->cli->pool, x->cli->arena, &g, err));
    if (x->json)
        kt_suggestions_json(&g, &x->p, &x->out);
    else
        kt_suggestions_yaml(&g, &x->p, &x->out);
    return 0;
}

static kt_rc in_store(struct call *x, kt_err *err)
{
    KT_TRY(kt_project_get(x->s, x->project, x->cli->arena, &x->p, err));
    KT_TRY(kt_config_of(x->s, &x->p, x->cli->arena, &x->c, err));
    if (x->suggest)
        KT_TRY(kt_task_needs_classes(x->c.task, "suggesting rules", err));
    KT_TRY(x->rule.n ? try_rule(x, err) : x->suggest ? suggest(x, err) : figures(x, err));
    fwrite(x->out.p, 1, x->out.n, stdout);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    struct call x = { .cli = cli, .out = KT_BUF_INIT((size_t)256 << 20), .examples = -1 };
    const kt_opt opts[] = {
        { "examples", KT_OPT_INT, "N", "for each function so many items it was right on, wrong on, and against others on", &x.examples },
        { "try", KT_OPT_TEXT, "RULE", "one function as YAML, or a file of it: what it would do, without changing anything", &x.rule },
        { "suggest", KT_OPT_FLAG, NULL, "rules that trusted labels, or confident predictions, speak for", &x.suggest },
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &x.project },
        { "json", KT_OPT_FLAG, NULL, "as one JSON object", &x.json },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_functions, opts, KT_LEN(opts), (int[]){ 1, 2 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    x.suggest |= pos.n > 1 && kt_str_eq(pos.v[1], KT_S("suggest"));
    if (pos.n > 1 && !x.suggest && !kt_str_eq(pos.v[1], KT_S("analyze")))
        return kt_fail(err, KT_USAGE, "karat functions does not know %.*s; it is analyze or suggest", KT_F(pos.v[1]));
    if (x.examples > 1000 || (x.rule.n && x.suggest))
        return kt_fail(err, KT_USAGE, x.suggest && x.rule.n ? "--try and --suggest are two things" : "--examples wants at most 1000");
    x.examples = x.examples < 0 ? (x.rule.n ? 3 : 0) : x.examples;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), x.rule.n || x.suggest ? KT_STORE_READ : KT_STORE_WRITE, &x.s, err));
    rc = in_store(&x, err);
    kt_store_close(x.s);
    kt_buf_done(&x.out);
    return rc;
}

const kt_verb kt_verb_functions = {
    .name = "functions", .help = "run the labeling functions and say what they do; try one, suggest some",
    .usage = "DIR [analyze | suggest] [--examples N | --try RULE | --suggest] [--project NAME] [--json]",
    .more = "A function whose definition has not changed keeps its votes; only the others run. Coverage, overlap and conflict are shares of the\n"
            "items without duplicates; learned: the accuracy the label model gives the function, from agreement among functions alone; on gold:\n"
            "share of its votes that trusted labels confirm, with the 95 % interval of Clopper and Pearson; lift: that share over its label's.\n\n"
            "  karat functions ws --try '{label: spam, any: [free, winner]}'\n"
            "  karat functions ws --suggest >> karat.yaml",
    .run = run,
};
