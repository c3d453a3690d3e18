/* karat aggregate VOTES.csv: one label an item from many votes. */
#include "base/str.h"
#include "cli/merge/merge.h"
#include "cli/merge/merge_answers.h"

struct wishes {
    kt_merge_wishes out;
    kt_str method, labels, duplicates, gold, weights, probs, start, taxonomy;
    kt_strs set;
    int64_t seed;
};

static kt_rc choose(kt_merge *m, kt_str name, kt_strs set, kt_err *err)
{
    m->method = kt_aggregator_find(name);
    if (!m->method) {
        const char *names[64];
        size_t n = 0;
        for (const kt_aggregator *const *a = kt_aggregators; *a && n < KT_LEN(names); a++)
            names[n++] = (*a)->name;
        for (size_t i = 0; i < kt_n_answer_merges && n < KT_LEN(names); i++)
            names[n++] = kt_answer_merges[i].name;
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

static double *count_votes(const kt_votes *v, kt_arena *a)
{
    double *n = kt_arena_array(a, v->n_sources, sizeof(*n));
    for (size_t i = 0; i < v->n; i++)
        n[v->source[i]] += v->label[i] >= 0;
    return n;
}

static kt_rc merge(kt_merge *m, const struct wishes *w, kt_err *err)
{
    kt_rng rng = kt_rng_keyed((uint64_t)w->seed, 0, 0);
    if (w->gold.n)
        KT_TRY(kt_merge_gold(m, w->gold, err));
    if (w->weights.n)
        KT_TRY(kt_merge_weights(m, w->weights, err));
    if (w->probs.n)
        KT_TRY(kt_merge_probs(m, w->probs, err));
    if (w->start.n)
        KT_TRY(kt_merge_start(m, w->start, err));
    KT_TRY(m->method->fit(&m->file.votes, m->method->defaults ? &m->opt : NULL, &rng, m->cli->pool, m->cli->arena, &m->post, err));
    m->votes_of_source = count_votes(&m->file.votes, m->cli->arena);
    if (!w->out.explain.n)
        kt_merge_warn(m);
    if (kt_merge_wants_answers(&w->out))
        (w->out.json ? kt_merge_print_json : kt_merge_print_items)(m);
    const kt_account account = kt_merge_account_of(m);
    return kt_merge_account(m->cli, &account, &w->out, err);
}

static kt_rc merge_answers(kt_cli *cli, const kt_answer_merge *m, const struct wishes *w, kt_str path, kt_err *err)
{
    kt_answer_opts o = m->defaults;
    kt_duplicates duplicates;
    kt_table_file t;
    KT_TRY(kt_votes_file_duplicates(w->duplicates, &duplicates, err));
    for (size_t i = 0; i < w->set.n; i++)
        if (kt_settings_set(m->options, w->set.v[i], (char *)&o + m->at, err) < 0)
            return kt_context(err, "%s", m->name);
    if (w->labels.n || w->gold.n || w->probs.n || w->weights.n || w->start.n)
        return kt_fail(err, KT_USAGE, "%s takes --set, --duplicates, --json, --sources, --plot and --explain; the other options are for votes that are labels", m->name);
    if (w->taxonomy.n && m->options != kt_taxonomy_options)
        return kt_fail(err, KT_USAGE, "--taxonomy goes with --method taxonomy, not %s", m->name);
    o.tree = w->taxonomy;
    KT_TRY(kt_table_file_read(kt_arena_cstr(cli->arena, path), cli->arena, &t, err));
    kt_rc rc = kt_answers_check(m, &t, duplicates, err);
    if (rc == 0)
        rc = m->run(cli, m, &t, &o, &w->out, err);
    kt_table_file_done(&t);
    return rc;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    struct wishes w = { .method = KT_S("auto"), .seed = 1 };
    kt_strs pos;
    bool csv = false;
    const kt_opt opts[] = {
        { "method", KT_OPT_TEXT, "NAME", "how to merge (auto); 'karat list aggregators' shows all", &w.method },
        { "set", KT_OPT_LIST, "NAME=VALUE", "an option of the method", &w.set },
        { "labels", KT_OPT_TEXT, "A,B,C", "the labels in their order, also those nobody used", &w.labels },
        { "gold", KT_OPT_TEXT, "FILE", "known labels, item,label (auto, dawid_skene, fast_dawid_skene)", &w.gold },
        { "probs", KT_OPT_TEXT, "FILE", "a model's probabilities, item and one column per label (auto, crowdlab)", &w.probs },
        { "weights", KT_OPT_TEXT, "FILE", "weights of votes, annotator,weight (weighted_majority_vote)", &w.weights },
        { "start", KT_OPT_TEXT, "FILE", "where to start, id,spams,knows and one column per label (mace)", &w.start },
        { "taxonomy", KT_OPT_TEXT, "FILE", "the tree of the labels, child,parent (taxonomy); without it labels are ways a/b/c", &w.taxonomy },
        { "duplicates", KT_OPT_TEXT, "WHAT", "two votes by one annotator on one item: error, first or last", &w.duplicates },
        { "seed", KT_OPT_INT, "NUMBER", "for methods with random starts (1)", &w.seed },
        { "json", KT_OPT_FLAG, NULL, "print a JSON object with all probabilities and the annotators", &w.out.json },
        { "csv", KT_OPT_FLAG, NULL, "CSV, which is printed anyway", &csv },
        { "sources", KT_OPT_TEXT, "FILE", "write what each annotator is worth, with 95 % intervals: CSV or FILE.json; - prints it instead", &w.out.sources },
        { "explain", KT_OPT_TEXT, "ITEM", "print the formula with the numbers of one item put in", &w.out.explain },
        { "plot", KT_OPT_TEXT, "FILE.svg", "draw what the annotators are worth, with intervals, and how sure the answers are", &w.out.plot },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_aggregate, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    const kt_answer_merge *answers = kt_answer_merge_find(w.method);
    if (answers)
        return merge_answers(cli, answers, &w, pos.v[0], err);
    if (w.taxonomy.n)
        return kt_fail(err, KT_USAGE, "--taxonomy goes with --method taxonomy");
    kt_merge m = { .cli = cli };
    kt_votes_file_opts o = { 0 };
    KT_TRY(kt_votes_file_duplicates(w.duplicates, &o.duplicates, err));
    if (w.labels.n)
        kt_votes_file_labels(w.labels, cli->arena, &o.labels);
    else if (w.probs.n)
        KT_TRY(kt_merge_probs_labels(cli, w.probs, &o.labels, err));
    KT_TRY(choose(&m, w.method, w.set, err));
    KT_TRY(kt_votes_file_read(kt_arena_cstr(cli->arena, pos.v[0]), &o, cli->arena, &m.file, err));
    rc = merge(&m, &w, err);
    kt_votes_file_done(&m.file);
    return rc;
}

const kt_verb kt_verb_aggregate = {
    .name = "aggregate", .help = "one label an item from many votes: majority, Dawid-Skene, …",
    .usage = "VOTES.csv [--method NAME] [--set NAME=VALUE]… [--json]",
    .more = "VOTES.csv (or - for standard input) begins with the line item,annotator,label, or has one column per annotator.\n"
            "Prints item,label,posterior, items in the order of the file. Without --method the merge is chosen from the votes alone;\n"
            "a warning says where and why it is far from the majority, and which annotators seem to copy each other. Answers that are no labels\n"
            "out of a few have methods of their own (regions, tagged tokens, trees, sets, numbers, texts, masks, rankings); 'karat list\n"
            "aggregators' says which columns they read.\n\n"
            "  karat aggregate votes.csv --sources annotators.csv --plot annotators.svg > labels.csv\n"
            "  karat aggregate votes.csv --probs model.csv\n"
            "  karat aggregate votes.csv --explain item17\n"
            "  karat aggregate votes.csv --method taxonomy --taxonomy tree.csv\n"
            "  karat aggregate votes.csv --method dawid_skene --set n_iter=20 --gold known.csv --json",
    .run = run,
};
