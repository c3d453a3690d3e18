/* karat agree VOTES.csv: how much the sources agree. */
#include "base/str.h"
#include "cli/agree/agree_cli.h"

#include <math.h>
#include <stdio.h>

#define MAX_OUTPUT_BYTES ((size_t)1 << 36)

/* --distance: what the labels mean, for alpha. */
static kt_rc use_distance(kt_agree_job *g, kt_str name, kt_err *err)
{
    int kind;
    if (!name.n)
        return 0;
    if (g->method != &kt_agree_krippendorff_alpha)
        return kt_fail(err, KT_USAGE, "--distance goes with --method krippendorff_alpha");
    KT_TRY(kt_cli_choose(name, kt_distance_names, "--distance", &kind, err));
    KT_TRY(kt_label_distance_make((kt_distance_kind)kind, g->file.label, g->file.votes.n_labels, g->cli->arena, &g->distance, err));
    g->opt.krippendorff.distance = &g->distance;
    return 0;
}

static kt_rc values_for(kt_agree_job *g, kt_err *err)
{
    if (!g->method || !g->method->numeric)
        return 0;
    g->opt.value = g->file.value;
    if (g->method == &kt_agree_krippendorff_alpha && g->opt.krippendorff.distance)
        return 0;
    bool by_rank = g->method == &kt_agree_krippendorff_alpha && g->opt.krippendorff.level < KT_LEVEL_INTERVAL;
    if (by_rank || g->file.value || g->file.votes.n_labels == 0)
        return 0;
    double unused;
    uint32_t c = 0;
    while (kt_parse_f64(g->file.label[c], &unused))
        c++;
    kt_fail(err, KT_RANGE, "%s needs numbers as labels here; %.*s is none", g->method->name, KT_F(g->file.label[c]));
    return kt_hint(err, "--method krippendorff_alpha takes level=nominal, and level=ordinal with --labels LOWEST,…,HIGHEST");
}

static kt_rc measure_one(kt_agree_job *g, const kt_agreement *m, kt_agree_result *ret, kt_err *err)
{
    const void *opt = g->method ? &g->opt : NULL;
    ret->no_interval = g->bounds != KT_BOUNDS_ANALYTIC;
    KT_TRY(kt_agreement_measure(m, &g->file.votes, opt, g->cli->pool, ret, err));
    if (g->bounds == KT_BOUNDS_BOOTSTRAP)
        KT_TRY(kt_agreement_bootstrap(m, &g->file.votes, opt, g->replicates, g->seed, g->cli->pool, ret->ci95, err));
    return 0;
}

static kt_rc measure_all(kt_agree_job *g, kt_buf *b, kt_err *err)
{
    const kt_agreement *shown[32];
    kt_agree_result result[32];
    size_t n = 0;
    kt_agree_print_begin(g, b);
    for (const kt_agreement *const *m = kt_agreements; *m; m++) {
        if (g->method ? *m != g->method : !(*m)->nominal)
            continue;
        kt_rc rc = measure_one(g, *m, &result[n], err);
        if (rc == KT_LIMIT && !g->method) /* one metric that does not fit must not hide the others */
            kt_agree_undefined(&result[n]);
        else if (rc < 0)
            return rc;
        kt_agree_print(g, b, *m, &result[n], n == 0);
        KT_ASSERT(n + 1 < KT_LEN(shown));
        shown[n++] = *m;
    }
    kt_agree_print_end(g, b);
    return g->plot ? kt_agree_plot_metrics(g, shown, result, n, err) : 0;
}

static kt_rc by_pair(kt_agree_job *g, kt_buf *b, kt_err *err)
{
    kt_agreement_pair *pair;
    size_t n;
    KT_TRY(kt_agreement_by_pair(g->method, &g->file.votes, &g->opt, g->cli->pool, g->cli->arena, &pair, &n, err));
    kt_agree_print_pairs(g, b, pair, n);
    return g->plot ? kt_agree_plot_pairs(g, pair, n, err) : 0;
}

static kt_rc by_class(kt_agree_job *g, kt_buf *b, kt_err *err)
{
    kt_agreement_class *c = kt_arena_array(g->cli->arena, (size_t)g->file.votes.n_labels + 1, sizeof(*c));
    KT_TRY(kt_agreement_by_class(g->method, &g->file.votes, &g->opt, g->cli->pool, c, err));
    kt_agree_print_classes(g, b, c);
    return g->plot ? kt_agree_plot_classes(g, c, err) : 0;
}

/* Chance in the sense of the metric: what p_e or D_e of its formula says. */
static double chance_of(const kt_agree_result *r)
{
    for (uint32_t t = 0; t < r->n_terms; t++) {
        if (kt_str_eq(kt_str_of(r->term[t].name), KT_S("p_e")))
            return r->term[t].value;
        if (kt_str_eq(kt_str_of(r->term[t].name), KT_S("D_e")))
            return 1 - r->term[t].value;
    }
    return NAN;
}

static kt_rc by_item(kt_agree_job *g, kt_buf *b, kt_err *err)
{
    kt_agreement_item *item = kt_arena_array(g->cli->arena, (size_t)g->file.votes.n_items + 1, sizeof(*item));
    kt_agree_result r = { .no_interval = true };
    KT_TRY(kt_agreement_by_item(&g->file.votes, g->file.value, item, err));
    if (g->method->nominal)
        KT_TRY(kt_agreement_measure(g->method, &g->file.votes, &g->opt, g->cli->pool, &r, err));
    kt_agree_print_items(g, b, item, chance_of(&r));
    return g->plot ? kt_agree_plot_items(g, item, err) : 0;
}

/* What --per can say; NULL name: all items together. */
static const struct part {
    const char *name, *method; /* method: when none is given */
    kt_rc (*run)(kt_agree_job *g, kt_buf *b, kt_err *err);
} parts[] = {
    { NULL, NULL, measure_all }, { "pair", "cohen_kappa", by_pair }, { "class", "fleiss_kappa", by_class }, { "item", "fleiss_kappa", by_item },
};

static kt_rc find_part(kt_str name, const struct part **ret, kt_err *err)
{
    *ret = &parts[0];
    if (!name.n)
        return 0;
    for (size_t i = 1; i < KT_LEN(parts); i++)
        if (kt_str_eq(name, kt_str_of(parts[i].name))) {
            *ret = &parts[i];
            return 0;
        }
    return kt_fail(err, KT_USAGE, "--per is pair, class or item, not %.*s", KT_F(name));
}

static const char *const bounds_names[] = { "analytic", "bootstrap", "none", NULL }; /* kt_agree_bounds */

static kt_rc choose(kt_agree_job *g, kt_str name, kt_strs set, kt_votes_file_opts *o, kt_err *err)
{
    if (name.n && !(g->method = kt_agreement_find(name))) {
        const char *names[32];
        size_t n = 0;
        for (const kt_agreement *const *m = kt_agreements; *m && n < KT_LEN(names); m++)
            names[n++] = (*m)->name;
        const char *near = kt_nearest(name, names, n);
        kt_fail(err, KT_USAGE, "there is no agreement metric %.*s", KT_F(name));
        if (near)
            return kt_hint(err, "did you mean %s? 'karat list agreements' shows all", near);
        return kt_hint(err, "'karat list agreements' shows all");
    }
    if (g->method && g->method->defaults)
        memcpy(g->opt.bytes, g->method->defaults, g->method->option_size);
    for (size_t i = 0; i < set.n; i++) {
        kt_str value = set.v[i], key;
        kt_str_cut(&value, '=', &key);
        if (kt_str_eq(key, KT_S("labels")) || kt_str_eq(key, KT_S("value_domain")))
            kt_votes_file_labels(value, g->cli->arena, &o->labels);
        else if (!g->method)
            return kt_fail(err, KT_USAGE, "--set %.*s needs --method", KT_F(set.v[i]));
        else
            KT_TRY(kt_agreement_options(g->method, set.v[i], &g->opt, err));
    }
    return 0;
}

static kt_rc answer(kt_agree_job *g, const struct part *part, kt_err *err)
{
    kt_buf b = KT_BUF_INIT(MAX_OUTPUT_BYTES);
    kt_rc rc = values_for(g, err);
    if (rc == 0)
        rc = part->run(g, &b, err);
    if (rc == 0)
        fwrite(b.p, 1, b.n, stdout);
    kt_buf_done(&b);
    return rc;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    bool json = false, csv = false, explain = false;
    kt_str method = { NULL, 0 }, labels = { NULL, 0 }, duplicates = { NULL, 0 }, per = { NULL, 0 }, bounds = { NULL, 0 }, plot = { NULL, 0 }, distance = { NULL, 0 };
    kt_votes_file_opts o = { 0 };
    int64_t replicates = 1000, seed = 1;
    int how;
    kt_strs set = { NULL, 0 }, pos;
    const kt_opt opts[] = {
        { "method", KT_OPT_TEXT, "NAME", "one metric instead of all nominal ones", &method },
        { "set", KT_OPT_LIST, "NAME=VALUE", "an option of the metric", &set },
        { "distance", KT_OPT_TEXT, "KIND", "krippendorff_alpha of labels that are texts (edit), boxes or spans", &distance },
        { "per", KT_OPT_TEXT, "WHAT", "one row a pair (of annotators), class or item", &per },
        { "interval", KT_OPT_TEXT, "HOW", "analytic, bootstrap or none", &bounds },
        { "replicates", KT_OPT_INT, "N", "samples of the bootstrap (1000)", &replicates },
        { "seed", KT_OPT_INT, "N", "of the bootstrap (1)", &seed },
        { "labels", KT_OPT_TEXT, "A,B,C", "the labels in their order, also those nobody used", &labels },
        { "duplicates", KT_OPT_TEXT, "WHAT", "two votes by one annotator on one item: error, first or last", &duplicates },
        { "missing", KT_OPT_TEXT, "TEXT", "a label that means no vote, as NA (arrays of integers: -1)", &o.missing },
        { "plot", KT_OPT_TEXT, "FILE.svg", "draw it: metrics, or with --per the matrix of annotators, the labels, the items", &plot },
        { "explain", KT_OPT_FLAG, NULL, "print the formula with the numbers put in", &explain },
        { "json", KT_OPT_FLAG, NULL, "print a JSON object", &json },
        { "csv", KT_OPT_FLAG, NULL, "print a CSV table", &csv },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_agree, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    kt_agree_job g = { .cli = cli, .explain = explain, .seed = (uint64_t)seed, .look = json ? KT_LOOK_JSON : csv ? KT_LOOK_CSV : KT_LOOK_TEXT };
    const struct part *part;
    if (replicates < 40 || replicates > 1000000)
        return kt_fail(err, KT_USAGE, "--replicates is a number from 40 to 1000000, not %lld", (long long)replicates);
    g.replicates = (uint32_t)replicates;
    g.plot = plot.n ? kt_arena_cstr(cli->arena, plot) : NULL;
    KT_TRY(kt_votes_file_duplicates(duplicates, &o.duplicates, err));
    KT_TRY(kt_cli_choose(bounds, bounds_names, "--interval", &how, err));
    g.bounds = (kt_agree_bounds)how;
    KT_TRY(find_part(per, &part, err));
    if (labels.n)
        kt_votes_file_labels(labels, cli->arena, &o.labels);
    KT_TRY(choose(&g, method.n || !part->method ? method : kt_str_of(part->method), set, &o, err));
    KT_TRY(kt_votes_file_read(kt_arena_cstr(cli->arena, pos.v[0]), &o, cli->arena, &g.file, err));
    rc = use_distance(&g, distance, err);
    if (rc == 0)
        rc = answer(&g, part, err);
    kt_votes_file_done(&g.file);
    return rc;
}

const kt_verb kt_verb_agree = {
    .name = "agree", .help = "agreement between annotators: kappa, Fleiss, Krippendorff, …", .usage = "VOTES.csv [--method NAME] [--set NAME=VALUE]… [--per WHAT] [--json]",
    .more = "VOTES.csv (or - for standard input) begins with the line item,annotator,label, or has one column per annotator; TSV, JSON\n"
            "lines, .npy (items × annotators) and .npz are read too. An empty label is a missing vote. Intervals are over items, 95 %.\n\n"
            "  karat agree votes.csv --explain\n"
            "  karat agree votes.csv --method krippendorff_alpha --set level=ordinal --json\n"
            "  karat agree votes.csv --method cohen_kappa --set weights=quadratic --labels low,middle,high\n"
            "  karat agree votes.csv --per pair --method cohen_kappa --plot pairs.svg\n"
            "  karat agree boxes.csv --method krippendorff_alpha --distance boxes    (labels: 10,20,30,40; 5,5,8,8)\n"
            "  karat agree scores.csv --method icc --set type=icc2 --interval bootstrap",
    .run = run,
};
