/* karat denoise VOTES.csv: class probabilities from the votes of labeling functions. */
#include "algo/denoise/denoise.h"
#include "algo/stats.h"
#include "algo/stats_options.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/plot.h"
#include "cli/votes_file.h"

#define XXH_INLINE_ALL
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

#define FLUSH_BYTES ((size_t)1 << 20)
#define MAX_VOTE_BYTES ((size_t)1 << 34)

static const char *const methods[] = { "em", "moments", "majority" };

static const char *const dependences[] = { "ignore", "find", NULL }, *const silences[] = { "ignore", "count", NULL };
static const kt_setting options[] = {
    { "dependence", "em, moments: find functions that copy each other, and let them count together as one", KT_SET_CHOICE,
      offsetof(kt_denoise_opts, dependence), 0, 0, dependences },
    { "abstain", "em: that a function does not vote counts where it votes more often on some labels' items", KT_SET_CHOICE,
      offsetof(kt_denoise_opts, abstain), 0, 0, silences },
    { "n_iter", "em: most rounds", KT_SET_INT, offsetof(kt_denoise_opts, n_iter), 0, 1000000, NULL },
    { "right", "em: pseudo-votes that are right", KT_SET_FLOAT, offsetof(kt_denoise_opts, right), 1e-6, 1e6, NULL },
    { "wrong", "em: pseudo-votes that are wrong", KT_SET_FLOAT, offsetof(kt_denoise_opts, wrong), 1e-6, 1e6, NULL },
    { "n_epochs", "moments: steps", KT_SET_INT, offsetof(kt_denoise_opts, n_epochs), 0, 10000000, NULL },
    { "lr", "moments: learning rate", KT_SET_FLOAT, offsetof(kt_denoise_opts, lr), 0, 10, NULL },
    { "prec_init", "moments: precision to start from", KT_SET_FLOAT, offsetof(kt_denoise_opts, prec_init), 0, 1, NULL },
    { "init_scale", "moments: factor of the start", KT_SET_FLOAT, offsetof(kt_denoise_opts, init_scale), 0, 10, NULL },
    { .name = NULL },
};

struct denoise {
    kt_cli *cli;
    kt_votes_file file;
    kt_lf_columns v;
    kt_denoise_opts o;
    kt_label_model model;
    float *prob;
    double *gold_accuracy; /* NULL without --gold */
};

static void flush(kt_buf *b, bool last)
{
    if (b->n < FLUSH_BYTES && !last)
        return;
    fwrite(b->p, 1, b->n, stdout);
    kt_buf_reset(b);
}

static kt_rc make_columns(struct denoise *d, kt_err *err)
{
    const kt_votes *v = &d->file.votes;
    size_t n = (size_t)v->n_items;
    if (v->n_labels > KT_MAX_LABELS)
        return kt_fail(err, KT_LIMIT, "%u labels; up to %d", v->n_labels, KT_MAX_LABELS);
    if (v->n_labels < 2) {
        kt_fail(err, KT_RANGE, "only %u label occurs in the votes; there must be two", v->n_labels);
        return kt_hint(err, "--labels A,B names them all");
    }
    if (v->n_sources > MAX_VOTE_BYTES / 2 / (n + 1))
        return kt_fail(err, KT_LIMIT, "%u functions on %zu items are more than fit in memory", v->n_sources, n);
    int16_t **column = kt_arena_array(d->cli->arena, v->n_sources, sizeof(*column));
    for (uint32_t j = 0; j < v->n_sources; j++) {
        column[j] = kt_arena_alloc(d->cli->arena, n * sizeof(int16_t));
        memset(column[j], 0xff, n * sizeof(int16_t)); /* every bit set: KT_ABSTAIN */
    }
    for (size_t i = 0; i < v->n; i++)
        if (v->label[i] >= 0)
            column[v->source[i]][v->item[i]] = (int16_t)v->label[i];
    d->v = (kt_lf_columns){ n, 1, v->n_sources, v->n_labels, (const int16_t *const *)column };
    return 0;
}

/* "0.9,0.1" in the order of the labels. */
static kt_rc read_balance(struct denoise *d, kt_str text, kt_err *err)
{
    kt_strs part;
    double sum = 0;
    kt_votes_file_labels(text, d->cli->arena, &part);
    if (part.n != d->v.n_labels)
        return kt_fail(err, KT_USAGE, "--class-balance has %zu numbers for %u labels", part.n, d->v.n_labels);
    double *p = kt_arena_array(d->cli->arena, part.n, sizeof(*p));
    for (size_t c = 0; c < part.n; c++) {
        if (!kt_parse_f64(part.v[c], &p[c]) || p[c] < 0)
            return kt_fail(err, KT_USAGE, "--class-balance: %.*s is not a share", KT_F(part.v[c]));
        sum += p[c];
    }
    if (fabs(sum - 1) > 1e-6)
        return kt_fail(err, KT_USAGE, "--class-balance sums to %g, not to 1", sum);
    d->o.class_balance = p;
    return 0;
}

static kt_rc measure_gold(struct denoise *d, kt_str path, kt_err *err)
{
    kt_arena *a = d->cli->arena;
    kt_votes_file f;
    kt_map items = { 0 };
    KT_TRY(kt_votes_file_read(kt_arena_cstr(a, path), &(kt_votes_file_opts){ .pairs = true }, a, &f, err));
    int32_t *gold = kt_arena_array(a, d->v.n_items, sizeof(*gold)), *label = kt_arena_array(a, f.votes.n_labels, sizeof(*label));
    for (uint32_t i = 0; i < d->v.n_items; i++) {
        gold[i] = -1;
        kt_map_put(&items, XXH3_64bits(d->file.item[i].p, d->file.item[i].n), i);
    }
    for (uint32_t c = 0; c < f.votes.n_labels; c++) {
        label[c] = (int32_t)d->v.n_labels; /* a label no function votes for: every vote there is wrong */
        for (uint32_t k = 0; k < d->v.n_labels; k++)
            if (kt_str_eq(f.label[c], d->file.label[k]))
                label[c] = (int32_t)k;
    }
    for (size_t i = 0; i < f.votes.n; i++) {
        kt_str name = f.item[f.votes.item[i]];
        int64_t id = kt_map_get(&items, XXH3_64bits(name.p, name.n));
        if (id >= 0 && f.votes.label[i] >= 0 && kt_str_eq(d->file.item[id], name))
            gold[id] = label[f.votes.label[i]];
    }
    d->gold_accuracy = kt_arena_array(a, d->v.n_functions, sizeof(double));
    kt_denoise_accuracy(&d->v, gold, d->gold_accuracy);
    kt_map_done(&items);
    kt_votes_file_done(&f);
    return 0;
}

static void put_number(kt_buf *b, const char *name, double x)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, x);
}

static void print_json(const struct denoise *d)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    uint32_t k = d->v.n_labels;
    double n = (double)KT_MAX(d->v.n_items, 1);
    kt_buf_printf(&b, "{\"method\":\"%s\",\"n_items\":%zu,\"prior\":{", methods[d->o.method], d->v.n_items);
    for (uint32_t c = 0; c < k; c++) {
        kt_buf_puts(&b, c ? "," : "");
        kt_buf_json(&b, d->file.label[c]);
        kt_buf_char(&b, ':');
        kt_buf_f64(&b, d->model.prior[c]);
    }
    kt_buf_puts(&b, "},\"functions\":[");
    for (uint32_t j = 0; j < d->v.n_functions; j++) {
        const kt_lf_summary *s = &d->model.summary[j];
        kt_buf_puts(&b, j ? ",\n{\"function\":" : "\n{\"function\":");
        kt_buf_json(&b, d->file.source[j]);
        put_number(&b, "coverage", (double)s->votes / n);
        put_number(&b, "overlap", (double)s->overlaps / n);
        put_number(&b, "conflict", (double)s->conflicts / n);
        put_number(&b, "accuracy", s->accuracy);
        put_number(&b, "vote_weight", d->model.vote_weight[j]);
        if (d->gold_accuracy)
            put_number(&b, "gold_accuracy", d->gold_accuracy[j]);
        kt_buf_char(&b, '}');
    }
    kt_buf_puts(&b, "],\"dependent\":[");
    for (size_t p = 0; p < d->model.n_pairs; p++) {
        kt_buf_puts(&b, p ? ",\n[" : "\n[");
        kt_buf_json(&b, d->file.source[d->model.pairs[p].a]);
        kt_buf_char(&b, ',');
        kt_buf_json(&b, d->file.source[d->model.pairs[p].b]);
        kt_buf_char(&b, ',');
        kt_buf_f64(&b, d->model.pairs[p].rho);
        kt_buf_char(&b, ']');
    }
    kt_buf_puts(&b, "],\"items\":[");
    for (size_t i = 0; i < d->v.n_items; i++) {
        const float *p = d->prob + i * k;
        kt_buf_puts(&b, i ? ",\n{\"item\":" : "\n{\"item\":");
        kt_buf_json(&b, d->file.item[i]);
        kt_buf_puts(&b, ",\"label\":");
        kt_buf_json(&b, d->file.label[kt_largest(p, k)]);
        kt_buf_puts(&b, ",\"posterior\":{");
        for (uint32_t c = 0; c < k; c++) {
            kt_buf_puts(&b, c ? "," : "");
            kt_buf_json(&b, d->file.label[c]);
            kt_buf_printf(&b, ":%.9g", (double)p[c]);
        }
        kt_buf_puts(&b, "}}");
        flush(&b, false);
    }
    kt_buf_puts(&b, "]}\n");
    flush(&b, true);
    kt_buf_done(&b);
}

static void print_csv(const struct denoise *d)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    uint32_t k = d->v.n_labels;
    kt_buf_puts(&b, "item");
    for (uint32_t c = 0; c < k; c++) {
        kt_buf_char(&b, ',');
        kt_buf_csv(&b, d->file.label[c], ',');
    }
    kt_buf_char(&b, '\n');
    for (size_t i = 0; i < d->v.n_items; i++) {
        kt_buf_csv(&b, d->file.item[i], ',');
        for (uint32_t c = 0; c < k; c++)
            kt_buf_printf(&b, ",%.6g", (double)d->prob[i * k + c]);
        kt_buf_char(&b, '\n');
        flush(&b, false);
    }
    flush(&b, true);
    kt_buf_done(&b);
}

static void print_functions(const struct denoise *d)
{
    double n = (double)KT_MAX(d->v.n_items, 1);
    printf("%-24s %9s %9s %9s %9s%s\n", "function", "coverage", "overlap", "conflict", "accuracy", d->gold_accuracy ? "      gold" : "");
    for (uint32_t j = 0; j < d->v.n_functions; j++) {
        const kt_lf_summary *s = &d->model.summary[j];
        printf("%-24.*s %9.4f %9.4f %9.4f %9.4f", KT_F(d->file.source[j]), (double)s->votes / n, (double)s->overlaps / n,
               (double)s->conflicts / n, s->accuracy);
        if (d->gold_accuracy && isnan(d->gold_accuracy[j]))
            printf("         -");
        else if (d->gold_accuracy)
            printf(" %9.4f", d->gold_accuracy[j]);
        printf("\n");
    }
}

static void explain_silence(const struct denoise *d, size_t item, uint32_t shown)
{
    const kt_label_model *m = &d->model;
    double sum[12] = { 0 };
    uint32_t n = 0;
    for (uint32_t j = 0; j < m->n_functions; j++) {
        if (d->v.vote[j][item * d->v.stride] >= 0)
            continue;
        n++;
        for (uint32_t c = 0; c < shown; c++)
            sum[c] += m->silence[(size_t)j * m->n_labels + c];
    }
    printf("\nsilence of %-17u", n);
    for (uint32_t c = 0; c < shown; c++)
        printf(" %12.4f", sum[c]);
}

/* The sum of logarithms behind one item's probabilities, function by function. */
static kt_rc explain(const struct denoise *d, kt_str name, kt_err *err)
{
    const kt_label_model *m = &d->model;
    uint32_t k = m->n_labels, shown = KT_MIN(k, 12);
    size_t i = 0;
    while (i < d->v.n_items && !kt_str_eq(d->file.item[i], name))
        i++;
    if (i == d->v.n_items) {
        kt_fail(err, KT_NOTFOUND, "there is no item %.*s", KT_F(name));
        return kt_hint(err, "--explain takes an item as the file names it");
    }
    printf("%s: %s\n\nitem %.*s\n", methods[m->method], m->method == KT_DENOISE_MAJORITY ? "P(c) = share of the labels with most votes; all alike without votes"
           : "P(c) = prior(c) × Π over votes exp(log P(function says vote | c)) × Π over the silent P(function is silent | c), divided by its sum over c", KT_F(name));
    printf("%-28s", "log");
    for (uint32_t c = 0; c < shown; c++)
        printf(" %12.*s", KT_F(d->file.label[c]));
    printf("\n%-28s", "prior");
    for (uint32_t c = 0; c < shown; c++)
        printf(" %12.4f", log(m->prior[c]));
    for (uint32_t j = 0; j < m->n_functions; j++) {
        int16_t said = d->v.vote[j][i * d->v.stride];
        if (said < 0)
            continue;
        kt_str label = d->file.label[said];
        printf("\n%-12.*s says %-10.*s", KT_F(d->file.source[j]), KT_F(label));
        for (uint32_t c = 0; c < shown && m->log_likelihood; c++)
            printf(" %12.4f", m->log_likelihood[((size_t)j * k + (size_t)said) * k + c]);
        printf("   accuracy %.4f, counts %.2f", m->summary[j].accuracy, m->vote_weight ? m->vote_weight[j] : 1.0);
    }
    if (m->silence)
        explain_silence(d, i, shown);
    printf("\n%-28s", "P");
    for (uint32_t c = 0; c < shown; c++)
        printf(" %12.6f", (double)d->prob[i * k + c]);
    printf("\n");
    return 0;
}

/* What was learned about the functions, without an interval: the model gives none. */
static kt_rc draw(const struct denoise *d, const char *path, kt_err *err)
{
    size_t n = d->v.n_functions;
    double *accuracy = kt_arena_array(d->cli->arena, n + 1, sizeof(*accuracy));
    for (size_t j = 0; j < n; j++)
        accuracy[j] = d->model.summary[j].votes ? d->model.summary[j].accuracy : NAN;
    return kt_plot_values(path, &(kt_plot_dots){ "Labeling functions", "learned accuracy of their votes", n, d->file.source, accuracy, NULL, .line = NAN }, err);
}

static kt_rc choose(struct denoise *d, kt_str method, kt_strs set, kt_str *balance, kt_err *err)
{
    size_t m = 0;
    if (kt_str_eq(method, KT_S("label_model")))
        method = KT_S("moments"); /* the name that others know it by */
    while (m < KT_LEN(methods) && !kt_str_eq(method, kt_str_of(methods[m])))
        m++;
    if (m == KT_LEN(methods)) {
        const char *near = kt_nearest(method, methods, KT_LEN(methods));
        kt_fail(err, KT_USAGE, "there is no label model %.*s", KT_F(method));
        return kt_hint(err, "%s%s%s", near ? "did you mean " : "there are em, moments, majority", near ? near : "", near ? "?" : "");
    }
    d->o = (kt_denoise_opts)KT_DENOISE_OPTS_INIT;
    d->o.method = (kt_denoise_method)m;
    for (size_t i = 0; i < set.n; i++)
        if (kt_str_starts(set.v[i], KT_S("class_balance=")))
            *balance = (kt_str){ set.v[i].p + 14, set.v[i].n - 14 };
        else
            KT_TRY(kt_settings_set(options, set.v[i], &d->o, err));
    return 0;
}

static kt_rc work(struct denoise *d, kt_str balance, kt_str gold, kt_err *err)
{
    KT_TRY(make_columns(d, err));
    if (balance.n)
        KT_TRY(read_balance(d, balance, err));
    if (gold.n)
        KT_TRY(measure_gold(d, gold, err));
    KT_TRY(kt_denoise_fit(&d->v, &d->o, d->cli->pool, d->cli->arena, &d->model, err));
    d->prob = kt_arena_alloc(d->cli->arena, d->v.n_items * d->v.n_labels * sizeof(float));
    kt_denoise_posteriors(&d->model, &d->v, d->cli->pool, d->prob);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    bool json = false, csv = false, functions = false;
    kt_str method = KT_S("em"), labels = { NULL, 0 }, balance = { NULL, 0 }, gold = { NULL, 0 }, item = { NULL, 0 }, plot = { NULL, 0 };
    kt_strs set = { NULL, 0 }, pos;
    const kt_opt opts[] = {
        { "method", KT_OPT_TEXT, "NAME", "em (as it stands), moments or majority", &method },
        { "set", KT_OPT_LIST, "NAME=VALUE", "an option of the method", &set },
        { "labels", KT_OPT_TEXT, "A,B,C", "the labels in their order, also those nobody used", &labels },
        { "class-balance", KT_OPT_TEXT, "P,P,…", "known share of each label", &balance },
        { "gold", KT_OPT_TEXT, "FILE", "known labels, item,label: measures the functions", &gold },
        { "explain", KT_OPT_TEXT, "ITEM", "print the sum behind the probabilities of one item", &item },
        { "plot", KT_OPT_TEXT, "FILE.svg", "draw the learned accuracies of the functions", &plot },
        { "functions", KT_OPT_FLAG, NULL, "print a table of the functions instead of the items", &functions },
        { "json", KT_OPT_FLAG, NULL, "print a JSON object with both", &json },
        { "csv", KT_OPT_FLAG, NULL, "CSV, which is printed anyway", &csv },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_denoise, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct denoise d = { .cli = cli };
    kt_votes_file_opts o = { .minus_one_abstains = true };
    if (labels.n)
        kt_votes_file_labels(labels, cli->arena, &o.labels);
    KT_TRY(choose(&d, method, set, &balance, err));
    KT_TRY(kt_votes_file_read(kt_arena_cstr(cli->arena, pos.v[0]), &o, cli->arena, &d.file, err));
    rc = work(&d, balance, gold, err);
    if (rc == 0 && plot.n)
        rc = draw(&d, kt_arena_cstr(cli->arena, plot), err);
    if (rc == 0 && item.n)
        rc = explain(&d, item, err);
    else if (rc == 0 && json)
        print_json(&d);
    else if (rc == 0 && functions)
        print_functions(&d);
    else if (rc == 0)
        print_csv(&d);
    kt_votes_file_done(&d.file);
    return rc;
}

const kt_verb kt_verb_denoise = {
    .name = "denoise", .help = "class probabilities from the votes of labeling functions",
    .usage = "VOTES.csv [--method em|moments|majority] [--set NAME=VALUE]… [--json]",
    .more = "VOTES.csv (or - for standard input) begins with item,lf,label (one vote a line), or with item and one column per\n"
            "function. An empty label or -1 is an abstention. Options of --set: n_iter, right, wrong, abstain (em); n_epochs, lr, prec_init,\n"
            "init_scale (moments); class_balance; dependence=find lets functions that copy each other count together as one.\n\n"
            "  karat denoise votes.csv > probabilities.csv\n"
            "  karat denoise votes.csv --functions --gold known.csv",
    .run = run,
};
