#include "stage/config.h"

#include "algo/learn/select.h"
#include "algo/merge/aggregate.h"
#include "base/limits.h"
#include "base/str.h"
#include "format/writer.h"

#include <limits.h>
#include <math.h>

#define MIN_LEASE_US INT64_C(1000000)
#define MAX_LEASE_US (30 * INT64_C(86400000000))

struct ctx {
    const char *file;
    kt_arena *a;
    kt_err *err;
};

#define KNOWN(y, ...) kt_yaml_known((y), (const char *const[]){ __VA_ARGS__ }, KT_LEN(((const char *const[]){ __VA_ARGS__ })), c->file, c->err)
#define I64(y, key, lo, hi, ret) KT_TRY(kt_yaml_i64((y), key, c->file, (int64_t[]){ lo, hi }, (ret), c->err))
#define F64(y, key, lo, hi, ret) KT_TRY(kt_yaml_f64((y), key, c->file, (double[]){ lo, hi }, (ret), c->err))
#define TEXT(y, key, ret) KT_TRY(kt_yaml_text((y), key, c->file, (ret), c->err))

static kt_rc read_labels(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "labels");
    size_t least = ret->task == KT_TASK_CLASSES ? 2 : 1;
    if (!y || y->kind != KT_YAML_LIST || y->n < least)
        return kt_yaml_fail(y ? y : root, c->file, c->err, "labels: a list of at least %s is needed", least == 2 ? "two names" : "one name");
    if (y->n > KT_MAX_LABELS)
        return kt_yaml_fail(y, c->file, c->err, "more than %d labels", KT_MAX_LABELS);
    ret->label = kt_arena_array(c->a, y->n, sizeof(kt_str));
    ret->n_labels = (uint32_t)y->n;
    for (size_t i = 0; i < y->n; i++) {
        ret->label[i] = y->val[i].text;
        if (y->val[i].kind != KT_YAML_SCALAR || ret->label[i].n == 0 || ret->label[i].n > KT_MAX_LABEL_BYTES)
            return kt_yaml_fail(&y->val[i], c->file, c->err, "a label's name has 1 to %zu bytes", KT_MAX_LABEL_BYTES);
        for (size_t k = 0; k < i; k++)
            if (kt_str_eq(ret->label[i], ret->label[k]))
                return kt_yaml_fail(&y->val[i], c->file, c->err, "label %.*s is given twice", KT_F(ret->label[i]));
    }
    return 0;
}

static char *beside(struct ctx *c, kt_str path)
{
    const char *slash = strrchr(c->file, '/');
    if (path.n == 0 || path.p[0] == '/' || !slash || kt_str_eq(path, KT_S("-")))
        return kt_arena_cstr(c->a, path);
    return kt_arena_cstr(c->a, kt_arena_printf(c->a, "%.*s/%.*s", (int)(slash - c->file), c->file, KT_F(path)));
}

/* A list: it stays in the item's other fields, and is read there. One name for all sources. */
static kt_rc keep_field(struct ctx *c, const kt_yaml *y, kt_str *field, kt_str *all)
{
    if (field->n && all->n && !kt_str_eq(*all, *field))
        return kt_yaml_fail(y, c->file, c->err, "two sources have the same kind of answers in fields of different names, %.*s and %.*s", KT_F(*all), KT_F(*field));
    if (field->n)
        *all = *field;
    *field = (kt_str){ "", 0 };
    return 0;
}

static kt_rc read_source(struct ctx *c, const kt_yaml *y, kt_config *all, kt_source_config *ret)
{
    kt_str path = { 0 };
    KT_TRY(KNOWN(y, "path", "format", "fields"));
    TEXT(y, "path", &path);
    TEXT(y, "format", &ret->format);
    if (!path.n)
        return kt_yaml_fail(y, c->file, c->err, "a source needs a path (a file, a folder, or - for standard input)");
    if (ret->format.n && !kt_reader_find(ret->format))
        return kt_yaml_fail(kt_yaml_get(y, "format"), c->file, c->err, "there is no format %.*s; 'karat list readers' shows them", KT_F(ret->format));
    ret->path = beside(c, path);
    const kt_yaml *f = kt_yaml_get(y, "fields");
    KT_TRY(KNOWN(f, "id", "text", "group", "truth", "gold"));
    TEXT(f, "id", &ret->fields.id);
    TEXT(f, "text", &ret->fields.text);
    TEXT(f, "group", &ret->fields.group);
    TEXT(f, "truth", &ret->fields.truth);
    TEXT(f, "gold", &ret->fields.gold);
    ret->fields.keep_meta = true;
    if (all->task == KT_TASK_CLASSES)
        return 0;
    KT_TRY(keep_field(c, kt_yaml_get(f, "gold"), &ret->fields.gold, &all->gold_field));
    return keep_field(c, kt_yaml_get(f, "truth"), &ret->fields.truth, &all->truth_field);
}

static kt_rc read_sources(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "sources");
    if (!y)
        return 0;
    if (y->kind != KT_YAML_LIST)
        return kt_yaml_fail(y, c->file, c->err, "sources: expected a list");
    ret->n_sources = y->n;
    ret->source = kt_arena_array(c->a, y->n, sizeof(kt_source_config));
    for (size_t i = 0; i < y->n; i++)
        KT_TRY(read_source(c, &y->val[i], ret, &ret->source[i]));
    return 0;
}

static kt_rc read_stop(struct ctx *c, const kt_yaml *y, kt_config *ret)
{
    KT_TRY(KNOWN(y, "gain", "answer_price", "error_price"));
    F64(y, "gain", 0, 1, &ret->al_stop_gain);
    F64(y, "answer_price", 0, 1e9, &ret->al_answer_price);
    F64(y, "error_price", 0, 1e9, &ret->al_error_price);
    if ((ret->al_answer_price > 0) == (ret->al_error_price > 0))
        return 0;
    return kt_yaml_fail(y, c->file, c->err, "whether labels are worth their price takes both: answer_price and error_price");
}

/* cost: time, or {field: NAME}. */
static kt_rc read_cost(struct ctx *c, const kt_yaml *y, kt_config *ret)
{
    if (!y)
        return 0;
    ret->al_cost = y->kind == KT_YAML_MAP ? KT_COST_FIELD : KT_COST_TIME;
    if (y->kind == KT_YAML_MAP)
        KT_TRY(KNOWN(y, "field"));
    TEXT(y, "field", &ret->al_cost_field);
    if (y->kind == KT_YAML_MAP ? ret->al_cost_field.n > 0 : y->kind == KT_YAML_SCALAR && kt_str_eq(y->text, KT_S("time")))
        return 0;
    return kt_yaml_fail(y, c->file, c->err, "expected time (what people take, learned from their answers), or {field: NAME} of the record that holds a number");
}

static kt_rc read_machine(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "dedup");
    KT_TRY(KNOWN(y, "near"));
    y = kt_yaml_get(y, "near");
    KT_TRY(KNOWN(y, "threshold"));
    ret->near_on = y != NULL;
    F64(y, "threshold", 0.3, 1, &ret->near_threshold);
    ret->functions = kt_yaml_get(root, "functions");
    y = kt_yaml_get(root, "model");
    KT_TRY(KNOWN(y, "kind", "words", "chars", "epochs"));
    kt_str kind = KT_S("linear");
    TEXT(y, "kind", &kind);
    ret->tree = kt_str_eq(kind, KT_S("tree"));
    if (!ret->tree && !kt_str_eq(kind, KT_S("linear")))
        return kt_yaml_fail(kt_yaml_get(y, "kind"), c->file, c->err, "the flow's models are 'linear' and 'tree', not %.*s", KT_F(kind));
    I64(y, "words", 0, 3, &ret->words);
    I64(y, "chars", 0, 8, &ret->chars);
    I64(y, "epochs", 0, 1000, &ret->epochs);
    y = kt_yaml_get(root, "active_learning");
    KT_TRY(KNOWN(y, "strategy", "start", "batch", "rounds", "stop", "cost"));
    TEXT(y, "strategy", &ret->strategy);
    I64(y, "start", 1, 100000, &ret->al_start);
    I64(y, "batch", 1, 100000, &ret->al_batch);
    I64(y, "rounds", 0, 1000, &ret->al_rounds);
    KT_TRY(read_stop(c, kt_yaml_get(y, "stop"), ret));
    return read_cost(c, kt_yaml_get(y, "cost"), ret);
}

/* The budget of a class or slice; no part may have more than the whole, or the whole would not be kept. */
static kt_rc part_error(struct ctx *c, const kt_yaml *y, const char *key, const kt_config *of, double *ret)
{
    F64(y, key, 0.0001, 0.9, ret);
    const kt_yaml *at = kt_yaml_get(y, key);
    if (at && *ret > of->budget)
        return kt_yaml_fail(at, c->file, c->err, "%g is more than the budget of everything, %g; a part's budget may be at most that", *ret, of->budget);
    return 0;
}

/* per_class: one number for every class, or a map of labels. */
static kt_rc read_class_budgets(struct ctx *c, const kt_yaml *budget, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(budget, "per_class");
    if (!y)
        return 0;
    ret->class_budget = kt_arena_array(c->a, ret->n_labels, sizeof(double));
    double all = NAN;
    if (y->kind == KT_YAML_SCALAR)
        KT_TRY(part_error(c, budget, "per_class", ret, &all));
    else if (y->kind == KT_YAML_LIST)
        return kt_yaml_fail(y, c->file, c->err, "expected a number for every class, or a map of labels to numbers");
    for (uint32_t k = 0; k < ret->n_labels; k++)
        ret->class_budget[k] = all;
    if (y->kind == KT_YAML_SCALAR)
        return 0;
    const char **name = kt_arena_array(c->a, ret->n_labels, sizeof(*name));
    for (uint32_t k = 0; k < ret->n_labels; k++)
        name[k] = kt_arena_cstr(c->a, ret->label[k]);
    KT_TRY(kt_yaml_known(y, name, ret->n_labels, c->file, c->err));
    for (uint32_t k = 0; k < ret->n_labels; k++)
        KT_TRY(part_error(c, y, name[k], ret, &ret->class_budget[k]));
    return 0;
}

/* per_slice: {field, error, values: {value: error}}. */
static kt_rc read_slice_budgets(struct ctx *c, const kt_yaml *budget, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(budget, "per_slice");
    if (!y)
        return 0;
    KT_TRY(KNOWN(y, "field", "error", "values"));
    TEXT(y, "field", &ret->slice_field);
    if (y->kind != KT_YAML_MAP || !ret->slice_field.n)
        return kt_yaml_fail(y, c->file, c->err, "expected {field: NAME, error: 0.05, values: {VALUE: 0.02}}; the field of the record that makes the slices is needed");
    KT_TRY(part_error(c, y, "error", ret, &ret->slice_error));
    const kt_yaml *v = kt_yaml_get(y, "values");
    if (v && v->kind != KT_YAML_MAP)
        return kt_yaml_fail(v, c->file, c->err, "expected a map of values of %.*s to numbers", KT_F(ret->slice_field));
    if (isnan(ret->slice_error) && (!v || !v->n))
        return kt_yaml_fail(y, c->file, c->err, "no slice has a budget: error is that of every value, values are those of some");
    ret->n_slices = v ? v->n : 0;
    ret->slice = kt_arena_array(c->a, ret->n_slices + 1, sizeof(*ret->slice));
    for (size_t i = 0; i < ret->n_slices; i++) {
        ret->slice[i].value = v->key[i].text;
        KT_TRY(part_error(c, v, kt_arena_cstr(c->a, v->key[i].text), ret, &ret->slice[i].error));
    }
    return 0;
}

static kt_rc read_budget(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "budget");
    KT_TRY(KNOWN(y, "error", "confidence", "trusted", "method", "per_class", "per_slice", "audit"));
    F64(y, "error", 0.0001, 0.9, &ret->budget);
    F64(y, "confidence", 0.5, 0.9999, &ret->confidence);
    I64(y, "trusted", 0, 1000000, &ret->trusted);
    F64(y, "audit", 0, 1, &ret->audit);
    kt_str method = kt_str_of(kt_route_method_name(KT_ROUTE_THRESHOLD));
    TEXT(y, "method", &method);
    int m = 0;
    while (m < KT_ROUTE__COUNT && !kt_str_eq(method, kt_str_of(kt_route_method_name((kt_route_method)m))))
        m++;
    if (m == KT_ROUTE__COUNT)
        return kt_yaml_fail(kt_yaml_get(y, "method"), c->file, c->err, "there is no method %.*s; there are threshold (the budget holds with the stated "
                            "confidence) and conformal (it holds on average)", KT_F(method));
    ret->method_of_route = (kt_route_method)m;
    KT_TRY(read_class_budgets(c, y, ret));
    return read_slice_budgets(c, y, ret);
}

static kt_rc read_prices(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "prices");
    KT_TRY(KNOWN(y, "machine", "annotator", "expert", "annotator_accuracy", "expert_accuracy"));
    F64(y, "machine", 0, 1e9, &ret->price_machine);
    F64(y, "annotator", 0, 1e9, &ret->price_annotator);
    F64(y, "expert", 0, 1e9, &ret->price_expert);
    F64(y, "annotator_accuracy", 0, 1, &ret->annotator_accuracy);
    F64(y, "expert_accuracy", 0, 1, &ret->expert_accuracy);
    return 0;
}

static kt_rc read_notify(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "notify");
    if (!y)
        return 0;
    KT_TRY(KNOWN(y, "url", "secret_env", "secret_file"));
    TEXT(y, "url", &ret->notify_url);
    TEXT(y, "secret_env", &ret->notify_secret_env);
    TEXT(y, "secret_file", &ret->notify_secret_file);
    if (!kt_str_starts(ret->notify_url, KT_S("https://")) && !kt_str_starts(ret->notify_url, KT_S("http://")))
        return kt_yaml_fail(y, c->file, c->err, "url: expected an address that begins with https:// or http://");
    if (!ret->notify_secret_env.n == !ret->notify_secret_file.n)
        return kt_yaml_fail(y, c->file, c->err, "expected secret_env (the name of an environment variable) or secret_file: what is sent is signed with it");
    if (ret->notify_secret_file.n)
        ret->notify_secret_file = kt_str_of(beside(c, ret->notify_secret_file));
    return 0;
}

static kt_rc read_learning_on(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "relabel");
    KT_TRY(KNOWN(y, "share"));
    ret->relabel_share = y ? 0.05 : 0;
    F64(y, "share", 0, 1, &ret->relabel_share);
    y = kt_yaml_get(root, "watch");
    KT_TRY(KNOWN(y, "every", "rounds"));
    ret->watch = y != NULL;
    I64(y, "every", 20, 1000000, &ret->watch_every);
    I64(y, "rounds", 1, 100, &ret->watch_rounds);
    return 0;
}

static kt_rc read_people(struct ctx *c, const kt_yaml *root, kt_config *ret)
{
    const kt_yaml *y = kt_yaml_get(root, "review");
    KT_TRY(KNOWN(y, "overlap", "expert_below", "gold_share", "lease"));
    I64(y, "overlap", 1, 100, &ret->overlap);
    F64(y, "expert_below", 0, 1, &ret->expert_below);
    F64(y, "gold_share", 0, 0.5, &ret->gold_share);
    KT_TRY(kt_yaml_duration_us(y, "lease", c->file, &ret->lease_us, c->err));
    if (ret->lease_us < MIN_LEASE_US || ret->lease_us > MAX_LEASE_US)
        return kt_yaml_fail(kt_yaml_get(y, "lease"), c->file, c->err, "a lease lasts from 1s to 30d");
    y = kt_yaml_get(root, "consensus");
    KT_TRY(KNOWN(y, "method", "min_posterior"));
    TEXT(y, "method", &ret->method);
    if (!kt_aggregator_find(ret->method))
        return kt_yaml_fail(kt_yaml_get(y, "method"), c->file, c->err, "there is no method %.*s; 'karat list aggregators' shows them", KT_F(ret->method));
    F64(y, "min_posterior", 0, 1, &ret->min_posterior);
    y = kt_yaml_get(root, "simulate");
    KT_TRY(KNOWN(y, "annotators", "experts", "accuracy", "expert_accuracy", "seconds_per_item"));
    ret->simulate = y != NULL;
    I64(y, "annotators", 1, 1000, &ret->sim_annotators);
    I64(y, "experts", 1, 1000, &ret->sim_experts);
    F64(y, "accuracy", 0, 1, &ret->sim_accuracy);
    F64(y, "expert_accuracy", 0, 1, &ret->sim_expert_accuracy);
    F64(y, "seconds_per_item", 0.01, 36000, &ret->sim_seconds);
    if (ret->simulate && ret->sim_annotators < ret->overlap)
        return kt_yaml_fail(y, c->file, c->err, "%lld annotators cannot give %lld different answers an item", (long long)ret->sim_annotators,
                            (long long)ret->overlap);
    y = kt_yaml_get(root, "export");
    KT_TRY(KNOWN(y, "format", "splits", "text"));
    TEXT(y, "format", &ret->export_format);
    if (!kt_writer_find(ret->export_format))
        return kt_yaml_fail(kt_yaml_get(y, "format"), c->file, c->err, "there is no export format %.*s; 'karat list writers' shows them", KT_F(ret->export_format));
    KT_TRY(kt_yaml_bool(y, "text", c->file, &ret->export_text, c->err));
    y = kt_yaml_get(y, "splits");
    double test = 1 - ret->train_share;
    KT_TRY(KNOWN(y, "train", "test"));
    F64(y, "train", 0, 1, &ret->train_share);
    F64(y, "test", 0, 1, &test);
    if (y && (ret->train_share + test < 0.999 || ret->train_share + test > 1.001))
        return kt_yaml_fail(y, c->file, c->err, "the splits must add up to 1");
    return 0;
}

/* What only one label an item has, and what is possible instead. */
static kt_rc fits_task(struct ctx *c, const kt_yaml *root, const kt_config *ret)
{
    static const struct { const char *section, *key, *instead; } rows[] = {
        { "watch", NULL, "without it the same people are asked, and 'karat serve --run' goes on whenever their queues are empty" },
        { "relabel", NULL, "'review: {overlap: 3}' asks several people about each item, and what they leave unsure goes to experts" },
        { "budget", "per_class", "an answer is approved or not as a whole; 'per_slice' has budgets for parts of the items" },
        { "model", "kind", "the task has a model of its own" },
    };
    if (ret->task == KT_TASK_CLASSES)
        return 0;
    for (size_t i = 0; i < KT_LEN(rows); i++) {
        const kt_yaml *y = kt_yaml_get(root, rows[i].section);
        if (rows[i].key)
            y = kt_yaml_get(y, rows[i].key);
        if (y)
            return kt_yaml_fail(y, c->file, c->err, "%s%s%s: is not there for task %s: %s", rows[i].section, rows[i].key ? "." : "", rows[i].key ? rows[i].key : "",
                                kt_task_names[ret->task], rows[i].instead);
    }
    const kt_yaml *format = kt_yaml_get(kt_yaml_get(root, "export"), "format");
    if (ret->task == KT_TASK_SPANS && !kt_str_eq(ret->export_format, KT_S("jsonl")))
        return kt_yaml_fail(format, c->file, c->err, "task %s is exported as jsonl, not as %.*s", kt_task_names[ret->task], KT_F(ret->export_format));
    const kt_selector *s = kt_selector_find(ret->strategy);
    if (s && (s->needs & ~(unsigned)KT_SELECT_X))
        return kt_yaml_fail(kt_yaml_get(kt_yaml_get(root, "active_learning"), "strategy"), c->file, c->err,
                            "strategy %.*s looks at single labels; task %s has diverse, entropy, margin, least_confidence, density, k_center, cluster and random", KT_F(ret->strategy), kt_task_names[ret->task]);
    return 0;
}

kt_rc kt_config_parse(kt_str text, const char *file, kt_arena *a, kt_config *ret, kt_err *err)
{
    struct ctx here = { file, a, err }, *c = &here;
    kt_yaml *root;
    KT_TRY(kt_yaml_parse(text, file, a, &root, err));
    KT_TRY(KNOWN(root, "project", "task", "guidelines", "seed", "labels", "sources", "dedup", "functions", "model", "active_learning",
                 "budget", "prices", "notify", "watch", "relabel", "review", "consensus", "simulate", "export"));
    *ret = (kt_config){ .file = file, .text = text, .seed = 1, .near_threshold = 0.8, .words = 2, .epochs = 10, .strategy = KT_S("diverse"),
                        .al_start = 100, .al_batch = 100, .al_rounds = 5, .budget = 0.05, .confidence = 0.95, .trusted = 500, .slice_error = NAN, .audit = 0.02, .watch_every = 200, .watch_rounds = 5, .overlap = 3,
                        .price_annotator = 1, .price_expert = 5, .annotator_accuracy = NAN, .expert_accuracy = NAN,
                        .lease_us = 1800000000, .expert_below = 0.25, .gold_share = 0.05, .method = KT_S("dawid_skene"),
                        .min_posterior = 0.8, .sim_annotators = 8, .sim_experts = 2, .sim_accuracy = 0.9, .sim_expert_accuracy = 0.98,
                        .sim_seconds = 8, .export_format = KT_S("jsonl"), .train_share = 0.8, .export_text = true };
    kt_str task = KT_S("text-classification");
    TEXT(root, "project", &ret->project);
    TEXT(root, "task", &task);
    TEXT(root, "guidelines", &ret->guidelines);
    if (!ret->project.n || ret->project.n > 64)
        return kt_yaml_fail(root, file, err, "project: a name of 1 to 64 bytes is needed");
    while (ret->task < KT_TASK__COUNT && !kt_str_eq(task, kt_str_of(kt_task_names[ret->task])))
        ret->task++;
    if (ret->task == KT_TASK__COUNT)
        return kt_yaml_fail(kt_yaml_get(root, "task"), file, err, "there is no task %.*s; there are text-classification, multi-label and spans", KT_F(task));
    I64(root, "seed", 0, INT64_MAX, &ret->seed);
    KT_TRY(read_labels(c, root, ret));
    KT_TRY(read_sources(c, root, ret));
    KT_TRY(read_machine(c, root, ret));
    KT_TRY(read_budget(c, root, ret));
    KT_TRY(read_prices(c, root, ret));
    KT_TRY(read_notify(c, root, ret));
    KT_TRY(read_learning_on(c, root, ret));
    KT_TRY(read_people(c, root, ret));
    static const char *const people[] = { "model", "active_learning", "budget", "watch", "relabel", "review", "consensus", "simulate" };
    for (size_t i = 0; i < KT_LEN(people); i++)
        ret->people |= kt_yaml_get(root, people[i]) != NULL;
    return fits_task(c, root, ret);
}

kt_rc kt_config_remember(kt_store *s, int64_t project, const kt_config *c, kt_err *err)
{
    char path[PATH_MAX];
    return kt_doc_put(s, project, KT_S("pipeline.file"), kt_str_of(realpath(c->file, path) ? path : c->file), err);
}

kt_rc kt_config_of(kt_store *s, const kt_project *p, kt_arena *a, kt_config *ret, kt_err *err)
{
    kt_str file = KT_S("karat.yaml");
    KT_TRY(kt_doc_get(s, p->id, KT_S("pipeline.file"), a, &file, err));
    return kt_config_parse(p->config, kt_arena_cstr(a, file), a, ret, err);
}
