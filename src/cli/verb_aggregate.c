/* karat aggregate VOTES.csv: one label an item from many votes. */
#include "algo/aggregate.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/votes_file.h"

#define XXH_INLINE_ALL
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

#define FLUSH_BYTES ((size_t)1 << 20)

struct merge {
    kt_cli *cli;
    kt_votes_file file;
    const kt_aggregator *method;
    kt_posterior post;
    uint32_t *votes_of_source;
    union {
        char bytes[KT_AGGREGATE_OPTION_BYTES];
        kt_majority_opts majority;
        kt_dawid_skene_opts dawid_skene;
        double align;
    } opt;
};

static void flush(kt_buf *b, bool last)
{
    if (b->n < FLUSH_BYTES && !last)
        return;
    fwrite(b->p, 1, b->n, stdout);
    kt_buf_reset(b);
}

static void put_probabilities(kt_buf *b, const struct merge *m, const double *p)
{
    kt_buf_char(b, '{');
    for (uint32_t c = 0; c < m->post.n_labels; c++) {
        if (c)
            kt_buf_char(b, ',');
        kt_buf_json(b, m->file.label[c]);
        kt_buf_char(b, ':');
        kt_buf_f64(b, p[c]);
    }
    kt_buf_char(b, '}');
}

static void put_source(kt_buf *b, const struct merge *m, uint32_t s)
{
    uint32_t k = m->post.n_labels;
    kt_buf_puts(b, "{\"annotator\":");
    kt_buf_json(b, m->file.source[s]);
    kt_buf_puts(b, ",\"accuracy\":");
    kt_buf_f64(b, m->post.source_accuracy[s]);
    kt_buf_printf(b, ",\"votes\":%u", m->votes_of_source[s]);
    if (m->post.source_confusion) {
        kt_buf_puts(b, ",\"confusion\":{"); /* said → truth → P(said | truth) */
        for (uint32_t said = 0; said < k; said++) {
            if (said)
                kt_buf_char(b, ',');
            kt_buf_json(b, m->file.label[said]);
            kt_buf_char(b, ':');
            put_probabilities(b, m, m->post.source_confusion + ((size_t)s * k + said) * k);
        }
        kt_buf_char(b, '}');
    }
    kt_buf_char(b, '}');
}

static void print_json(const struct merge *m)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    kt_buf_printf(&b, "{\"method\":\"%s\",\"n_items\":%u,\"n_annotators\":%u,\"prior\":", m->method->name, m->post.n_items,
                  m->post.n_sources);
    put_probabilities(&b, m, m->post.prior);
    kt_buf_puts(&b, ",\"items\":[");
    for (uint32_t i = 0; i < m->post.n_items; i++) {
        kt_buf_puts(&b, i ? ",\n{\"item\":" : "\n{\"item\":");
        kt_buf_json(&b, m->file.item[i]);
        kt_buf_puts(&b, ",\"label\":");
        if (m->post.label[i] < 0)
            kt_buf_puts(&b, "null");
        else
            kt_buf_json(&b, m->file.label[m->post.label[i]]);
        if (m->post.item_ease) {
            kt_buf_puts(&b, ",\"log_ease\":");
            kt_buf_f64(&b, m->post.item_ease[i]);
        }
        kt_buf_puts(&b, ",\"posterior\":");
        put_probabilities(&b, m, m->post.prob + (size_t)i * m->post.n_labels);
        kt_buf_char(&b, '}');
        flush(&b, false);
    }
    kt_buf_puts(&b, "],\"sources\":[");
    for (uint32_t s = 0; s < m->post.n_sources; s++) {
        kt_buf_puts(&b, s ? ",\n" : "\n");
        put_source(&b, m, s);
        flush(&b, false);
    }
    kt_buf_puts(&b, "]}\n");
    flush(&b, true);
    kt_buf_done(&b);
}

static void print_csv(const struct merge *m)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    kt_buf_puts(&b, "item,label,posterior\n");
    for (uint32_t i = 0; i < m->post.n_items; i++) {
        int32_t c = m->post.label[i];
        kt_buf_csv(&b, m->file.item[i], ',');
        kt_buf_char(&b, ',');
        if (c >= 0)
            kt_buf_csv(&b, m->file.label[c], ',');
        kt_buf_char(&b, ',');
        if (c >= 0)
            kt_buf_printf(&b, "%.6g", m->post.prob[(size_t)i * m->post.n_labels + (size_t)c]);
        kt_buf_char(&b, '\n');
        flush(&b, false);
    }
    flush(&b, true);
    kt_buf_done(&b);
}

static uint32_t *count_votes(const kt_votes *v, kt_arena *a)
{
    uint32_t *n = kt_arena_array(a, v->n_sources, sizeof(*n));
    for (size_t i = 0; i < v->n; i++)
        n[v->source[i]] += v->label[i] >= 0;
    return n;
}

/* Ids of the names of a second file among n names of the first; -1: not there. */
static int32_t *match(const kt_str *name, uint32_t n, const kt_str *want, uint32_t n_want, kt_arena *a)
{
    kt_map map = { 0 };
    int32_t *ret = kt_arena_array(a, n_want, sizeof(*ret));
    for (uint32_t i = 0; i < n; i++)
        kt_map_put(&map, XXH3_64bits(name[i].p, name[i].n), i);
    for (uint32_t i = 0; i < n_want; i++) {
        int64_t id = kt_map_get(&map, XXH3_64bits(want[i].p, want[i].n));
        ret[i] = id >= 0 && kt_str_eq(name[id], want[i]) ? (int32_t)id : -1;
    }
    kt_map_done(&map);
    return ret;
}

/* Known labels (item,label) become the gold of the method. */
static kt_rc use_gold(struct merge *m, kt_str path, kt_err *err)
{
    kt_arena *a = m->cli->arena;
    if (m->method != &kt_aggregate_dawid_skene)
        return kt_fail(err, KT_USAGE, "--gold goes with --method dawid_skene");
    kt_votes_file f;
    const char *name = kt_arena_cstr(a, path);
    KT_TRY(kt_votes_file_read(name, &(kt_votes_file_opts){ .pairs = true }, a, &f, err));
    int32_t *item = match(m->file.item, m->file.votes.n_items, f.item, f.votes.n_items, a);
    int32_t *label = match(m->file.label, m->file.votes.n_labels, f.label, f.votes.n_labels, a);
    int32_t *gold = kt_arena_array(a, m->file.votes.n_items, sizeof(*gold));
    kt_rc rc = 0;
    for (uint32_t i = 0; i < m->file.votes.n_items; i++)
        gold[i] = -1;
    for (size_t i = 0; i < f.votes.n && rc == 0; i++) {
        if (f.votes.label[i] < 0 || item[f.votes.item[i]] < 0)
            continue; /* gold of items nobody voted on changes nothing */
        if (label[f.votes.label[i]] < 0) {
            rc = kt_fail(err, KT_RANGE, "gold label %.*s occurs in no vote", KT_F(f.label[f.votes.label[i]]));
            kt_hint(err, "--labels A,B,C names labels that no vote names");
            kt_at(err, name, 0, "label");
        }
        gold[item[f.votes.item[i]]] = label[f.votes.label[i]];
    }
    kt_votes_file_done(&f);
    m->opt.dawid_skene.gold = gold;
    return rc;
}

/* Weights (annotator,weight) for a weighted majority. */
static kt_rc use_weights(struct merge *m, kt_str path, kt_err *err)
{
    kt_arena *a = m->cli->arena;
    if (m->method != &kt_aggregate_majority)
        return kt_fail(err, KT_USAGE, "--weights goes with --method majority");
    kt_votes_file f;
    const char *name = kt_arena_cstr(a, path);
    KT_TRY(kt_votes_file_read(name, &(kt_votes_file_opts){ .pairs = true }, a, &f, err));
    int32_t *source = match(m->file.source, m->file.votes.n_sources, f.item, f.votes.n_items, a);
    double *weight = kt_arena_array(a, m->file.votes.n_sources, sizeof(*weight));
    kt_rc rc = 0;
    for (uint32_t s = 0; s < m->file.votes.n_sources; s++)
        weight[s] = NAN;
    if (f.votes.n && (!f.value || f.value[0] < 0)) {
        rc = kt_fail(err, KT_RANGE, "weights are numbers from 0 up");
        kt_at(err, name, 0, "weight");
    }
    for (size_t i = 0; i < f.votes.n && rc == 0; i++)
        if (source[f.votes.item[i]] >= 0 && f.votes.label[i] >= 0)
            weight[source[f.votes.item[i]]] = f.value[f.votes.label[i]];
    for (uint32_t s = 0; s < m->file.votes.n_sources && rc == 0; s++)
        if (isnan(weight[s])) {
            rc = kt_fail(err, KT_RANGE, "annotator %.*s has no weight", KT_F(m->file.source[s]));
            kt_at(err, name, 0, "annotator");
        }
    kt_votes_file_done(&f);
    m->opt.majority.source_weight = weight;
    return rc;
}

static kt_rc choose(struct merge *m, kt_str name, kt_strs set, kt_err *err)
{
    m->method = kt_aggregator_find(name);
    if (!m->method) {
        const char *names[32];
        size_t n = 0;
        for (const kt_aggregator *const *a = kt_aggregators; *a && n < KT_LEN(names); a++)
            names[n++] = (*a)->name;
        const char *near = kt_nearest(name, names, n);
        kt_fail(err, KT_USAGE, "there is no aggregator %.*s", KT_F(name));
        if (near)
            return kt_hint(err, "did you mean %s? 'karat list aggregators' shows all", near);
        return kt_hint(err, "'karat list aggregators' shows all");
    }
    if (m->method->defaults)
        memcpy(m->opt.bytes, m->method->defaults, m->method->option_size);
    for (size_t i = 0; i < set.n; i++)
        KT_TRY(kt_aggregate_options(m->method, set.v[i], &m->opt, err));
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    bool json = false;
    kt_str method = KT_S("dawid_skene"), labels = { NULL, 0 }, duplicates = { NULL, 0 }, gold = { NULL, 0 }, weights = { NULL, 0 };
    kt_strs set = { NULL, 0 }, pos;
    int64_t seed = 1;
    const kt_opt opts[] = {
        { "method", KT_OPT_TEXT, "NAME", "how to merge (dawid_skene); 'karat list aggregators' shows all", &method },
        { "set", KT_OPT_LIST, "NAME=VALUE", "an option of the method", &set },
        { "labels", KT_OPT_TEXT, "A,B,C", "the labels in their order, also those nobody used", &labels },
        { "gold", KT_OPT_TEXT, "FILE", "known labels, item,label (dawid_skene)", &gold },
        { "weights", KT_OPT_TEXT, "FILE", "weights of votes, annotator,weight (majority)", &weights },
        { "duplicates", KT_OPT_TEXT, "WHAT", "two votes by one annotator on one item: error, first or last", &duplicates },
        { "seed", KT_OPT_INT, "NUMBER", "for methods with random starts (1)", &seed },
        { "json", KT_OPT_FLAG, NULL, "print a JSON object with all probabilities and the annotators", &json },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_aggregate, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct merge m = { .cli = cli };
    kt_votes_file_opts o = { 0 };
    KT_TRY(kt_votes_file_duplicates(duplicates, &o.duplicates, err));
    if (labels.n)
        kt_votes_file_labels(labels, cli->arena, &o.labels);
    KT_TRY(choose(&m, method, set, err));
    KT_TRY(kt_votes_file_read(kt_arena_cstr(cli->arena, pos.v[0]), &o, cli->arena, &m.file, err));
    kt_rng rng = kt_rng_keyed((uint64_t)seed, 0, 0);
    if (gold.n)
        rc = use_gold(&m, gold, err);
    if (rc == 0 && weights.n)
        rc = use_weights(&m, weights, err);
    if (rc == 0)
        rc = m.method->fit(&m.file.votes, m.method->defaults ? &m.opt : NULL, &rng, cli->pool, cli->arena, &m.post, err);
    if (rc == 0) {
        m.votes_of_source = count_votes(&m.file.votes, cli->arena);
        if (json)
            print_json(&m);
        else
            print_csv(&m);
    }
    kt_votes_file_done(&m.file);
    return rc;
}

const kt_verb kt_verb_aggregate = {
    .name = "aggregate", .help = "one label an item from many votes: majority, Dawid-Skene, …",
    .usage = "VOTES.csv [--method NAME] [--set NAME=VALUE]… [--json]",
    .more = "VOTES.csv (or - for standard input) begins with the line item,annotator,label, or has one column per annotator.\n"
            "Prints item,label,posterior, items in the order of the file.\n\n"
            "  karat aggregate votes.csv > labels.csv\n"
            "  karat aggregate votes.csv --method majority\n"
            "  karat aggregate votes.csv --method dawid_skene --set n_iter=20 --gold known.csv --json",
    .run = run,
};
