/* karat agree VOTES.csv: how much the sources agree. */
#include "algo/agree.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/votes_file.h"

#include <math.h>
#include <stdio.h>

struct agree {
    kt_cli *cli;
    kt_votes_file file;
    const kt_agreement *method; /* NULL: all */
    kt_rng rng;
    union {
        char bytes[KT_AGREE_OPTION_BYTES];
        kt_krippendorff_opts krippendorff;
        double align;
    } opt;
};

static void put_metric(kt_buf *b, const char *name, double value, const double ci95[2])
{
    kt_buf_printf(b, "\"method\":\"%s\",\"value\":", name);
    kt_buf_f64(b, value);
    kt_buf_puts(b, ",\"ci95\":");
    if (isnan(ci95[0])) {
        kt_buf_puts(b, "null");
        return;
    }
    kt_buf_char(b, '[');
    kt_buf_f64(b, ci95[0]);
    kt_buf_char(b, ',');
    kt_buf_f64(b, ci95[1]);
    kt_buf_char(b, ']');
}

static void print_line(const char *name, double value, const double ci95[2])
{
    if (isnan(value))
        printf("%-20s undefined\n", name);
    else if (isnan(ci95[0]))
        printf("%-20s %8.4f\n", name, value);
    else
        printf("%-20s %8.4f   95 %% interval %.4f to %.4f\n", name, value, ci95[0], ci95[1]);
}

static kt_rc values_for(struct agree *g, kt_err *err)
{
    if (g->method != &kt_agree_krippendorff_alpha)
        return 0;
    g->opt.krippendorff.value = g->file.value;
    if (g->opt.krippendorff.level < KT_LEVEL_INTERVAL || g->file.value || g->file.votes.n_labels == 0)
        return 0;
    double unused;
    uint32_t c = 0;
    while (kt_parse_f64(g->file.label[c], &unused))
        c++;
    kt_fail(err, KT_RANGE, "this level needs numbers as labels; %.*s is none", KT_F(g->file.label[c]));
    return kt_hint(err, "use level nominal, or level ordinal with --labels LOWEST,…,HIGHEST");
}

static kt_rc measure(struct agree *g, bool json, kt_err *err)
{
    const kt_votes *v = &g->file.votes;
    double value, ci95[2];
    kt_buf b = KT_BUF_INIT((size_t)1 << 20);
    kt_rc rc = 0;
    if (!json)
        printf("%u items, %u annotators, %zu votes, %u labels\n", v->n_items, v->n_sources, v->n, v->n_labels);
    kt_buf_puts(&b, g->method ? "{" : "{\"metrics\":[");
    bool first = true;
    for (const kt_agreement *const *m = kt_agreements; *m; m++) {
        if (g->method ? *m != g->method : !(*m)->nominal)
            continue;
        rc = (*m)->measure(v, g->method ? &g->opt : NULL, &g->rng, &value, ci95, err);
        if (rc == KT_LIMIT && !g->method) /* one metric that does not fit must not hide the others */
            value = ci95[0] = ci95[1] = NAN;
        else if (rc < 0)
            break;
        rc = 0;
        if (!json) {
            print_line((*m)->name, value, ci95);
            continue;
        }
        kt_buf_puts(&b, g->method ? "" : first ? "{" : ",{");
        put_metric(&b, (*m)->name, value, ci95);
        kt_buf_puts(&b, g->method ? "" : "}");
        first = false;
    }
    if (json && rc == 0) {
        kt_buf_printf(&b, "%s,\"n_items\":%u,\"n_annotators\":%u}\n", g->method ? "" : "]", v->n_items, v->n_sources);
        fwrite(b.p, 1, b.n, stdout);
    }
    kt_buf_done(&b);
    return rc;
}

static kt_rc choose(struct agree *g, kt_str name, kt_strs set, kt_votes_file_opts *o, kt_err *err)
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

static kt_rc run(kt_cli *cli, kt_err *err)
{
    bool json = false;
    kt_str method = { NULL, 0 }, labels = { NULL, 0 }, duplicates = { NULL, 0 };
    kt_strs set = { NULL, 0 }, pos;
    const kt_opt opts[] = {
        { "method", KT_OPT_TEXT, "NAME", "one metric instead of all nominal ones", &method },
        { "set", KT_OPT_LIST, "NAME=VALUE", "an option of the metric", &set },
        { "labels", KT_OPT_TEXT, "A,B,C", "the labels in their order, also those nobody used", &labels },
        { "duplicates", KT_OPT_TEXT, "WHAT", "two votes by one annotator on one item: error, first or last", &duplicates },
        { "json", KT_OPT_FLAG, NULL, "print a JSON object", &json },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_agree, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct agree g = { .cli = cli, .rng = kt_rng_keyed(1, 0, 0) };
    kt_votes_file_opts o = { 0 };
    KT_TRY(kt_votes_file_duplicates(duplicates, &o.duplicates, err));
    if (labels.n)
        kt_votes_file_labels(labels, cli->arena, &o.labels);
    KT_TRY(choose(&g, method, set, &o, err));
    KT_TRY(kt_votes_file_read(kt_arena_cstr(cli->arena, pos.v[0]), &o, cli->arena, &g.file, err));
    rc = values_for(&g, err);
    if (rc == 0)
        rc = measure(&g, json, err);
    kt_votes_file_done(&g.file);
    return rc;
}

const kt_verb kt_verb_agree = {
    .name = "agree", .help = "agreement between annotators: kappa, Fleiss, Krippendorff, …", .usage = "VOTES.csv [--method NAME] [--set NAME=VALUE]… [--json]",
    .more = "VOTES.csv (or - for standard input) begins with the line item,annotator,label, or has one column per annotator.\n"
            "An empty label is a missing vote. Intervals are over items, 95 %.\n\n"
            "  karat agree votes.csv\n"
            "  karat agree votes.csv --method krippendorff_alpha --set level=ordinal --json\n"
            "  karat agree votes.csv --method cohen_kappa --set weights=quadratic --labels low,middle,high",
    .run = run,
};
