/* karat model: the built-in models on plain files. */
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/model/model_cli.h"

#include <stdio.h>

#define MAX_MODEL ((size_t)8 << 30)

const kt_model_kind *const kt_model_kinds[] = {
#define KT_MODEL_KIND(name) &kt_model_##name,
#include "cli/model/model_kinds.def"
#undef KT_MODEL_KIND
    NULL,
};

static kt_rc find_kind(kt_str name, const kt_model_kind **ret, kt_err *err)
{
    const char *names[32];
    size_t n = 0;
    for (const kt_model_kind *const *k = kt_model_kinds; *k; k++) {
        if (!name.n || kt_str_eq(name, kt_str_of((*k)->name))) {
            *ret = *k;
            return 0;
        }
        if (n < KT_LEN(names))
            names[n++] = (*k)->name;
    }
    kt_fail(err, KT_USAGE, "there is no kind of model %.*s", KT_F(name));
    const char *near = kt_nearest(name, names, n);
    if (near)
        kt_hint(err, "did you mean %s? 'karat list model_kinds' shows all", near);
    else
        kt_hint(err, "'karat list model_kinds' shows all");
    return KT_USAGE;
}

static kt_rc settings(kt_model_job *j, kt_strs set, kt_err *err)
{
    KT_ASSERT(j->kind->option_size <= sizeof(j->settings));
    memcpy(j->settings, j->kind->defaults, j->kind->option_size);
    for (size_t i = 0; i < set.n; i++)
        KT_TRY(kt_settings_set(j->kind->options, set.v[i], j->settings, err));
    return KT_OK;
}

/* The model of path; bytes: its memory. */
static kt_rc open_model(kt_model_job *j, const char *path, kt_buf *bytes, kt_err *err)
{
    KT_TRY(kt_file_read(path, bytes, err));
    if (kt_model_file_parse(KT_BUF_STR(bytes), j->cli->arena, &j->file, err) < 0)
        return kt_at(err, path, 0, NULL);
    KT_TRY(find_kind(j->file.kind, &j->kind, err));
    for (size_t i = 0; i < j->file.n_labels; i++)
        if (kt_names_add(&j->names, j->file.label[i]) != i) {
            kt_fail(err, KT_CORRUPT, "label '%.*s' is there twice", KT_F(j->file.label[i]));
            return kt_at(err, path, 0, NULL);
        }
    return KT_OK;
}

static kt_rc write_model(kt_model_job *j, const char *path, kt_str body, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(MAX_MODEL);
    kt_model_file m = { kt_str_of(j->kind->name), j->note, j->names.name, j->names.n, body };
    kt_model_file_write(&m, &b);
    if (b.failed)
        return kt_fail(err, KT_LIMIT, "the model is larger than %zu GB", MAX_MODEL >> 30);
    KT_TRY(kt_file_write(path, KT_BUF_STR(&b), err));
    fprintf(stderr, "%s: %s model of %zu labels, %.1f MB\n", path, j->kind->name, j->names.n, (double)b.n / 1e6);
    return KT_OK;
}

static kt_rc train(kt_model_job *j, const char *path, kt_err *err)
{
    KT_AUTO(kt_buf) body = KT_BUF_INIT(MAX_MODEL);
    KT_TRY(j->kind->train(j, &body, err));
    return write_model(j, path, KT_BUF_STR(&body), err);
}

static kt_rc update(kt_model_job *j, const char *path, kt_err *err)
{
    KT_AUTO(kt_buf) body = KT_BUF_INIT(MAX_MODEL);
    j->note = j->file.note;
    KT_TRY(j->kind->update(j, &body, err));
    return write_model(j, path, KT_BUF_STR(&body), err);
}

static kt_rc show(kt_model_job *j)
{
    kt_out *o = &j->out;
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "kind", j->file.kind);
        kt_out_u64(o, "bytes", j->file.body.n);
        kt_out_open(o, "labels", '[');
        for (size_t i = 0; i < j->names.n; i++)
            kt_out_str(o, NULL, j->names.name[i]);
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
        return KT_OK;
    }
    kt_buf_printf(&o->b, "%.*s model, %.1f MB, %zu labels\n", KT_F(j->file.kind), (double)j->file.body.n / 1e6, j->names.n);
    for (size_t i = 0; i < j->names.n; i++)
        kt_buf_printf(&o->b, "  %.*s\n", KT_F(j->names.name[i]));
    return KT_OK;
}

typedef enum act { TRAIN, CROSS, PREDICT, EXPLAIN, UPDATE, SHOW } act;
static const char *const acts[] = { "train", "cross", "predict", "explain", "update", "show", NULL };
static const size_t n_files[] = { 2, 1, 2, 2, 2, 1 };

static kt_rc run_act(kt_model_job *j, act what, const char *model, kt_buf *bytes, kt_err *err)
{
    if (what != TRAIN && what != CROSS)
        KT_TRY(open_model(j, model, bytes, err));
    switch (what) {
    case TRAIN: return train(j, model, err);
    case CROSS: return j->kind->cross(j, err);
    case PREDICT: return j->kind->predict(j, err);
    case EXPLAIN: return j->kind->explain(j, err);
    case UPDATE: return update(j, model, err);
    case SHOW: return show(j);
    }
    return KT_OK;
}

static kt_rc check(const kt_model_job *j, act what, size_t n_pos, kt_err *err)
{
    if (n_pos != 1 + n_files[what]) {
        kt_fail(err, KT_USAGE, "karat model %s takes %s", acts[what], what == CROSS ? "DATA" : what == SHOW ? "MODEL" : "MODEL and DATA");
        return kt_hint(err, "usage: karat model %s", kt_verb_model.usage), KT_USAGE;
    }
    if (j->folds < 2 || j->folds > 100)
        return kt_fail(err, KT_USAGE, "--folds is 2 to 100, not %lld", (long long)j->folds);
    if (j->top < 1 || j->top > 1000)
        return kt_fail(err, KT_USAGE, "--top is 1 to 1000, not %lld", (long long)j->top);
    return KT_OK;
}

kt_rc kt_model_table(kt_model_job *j, const char *path, kt_columns **ret, kt_err *err)
{
    *ret = kt_arena_array(j->cli->arena, 1, sizeof(**ret));
    KT_TRY(kt_columns_read(path, j->cli->arena, *ret, err));
    KT_PUSH(&j->tables, *ret);
    return 0;
}

kt_rc kt_model_matrix(kt_model_job *j, const char *path, kt_matrix_file **ret, kt_err *err)
{
    *ret = kt_arena_array(j->cli->arena, 1, sizeof(**ret));
    KT_TRY(kt_matrix_file_read(path, "x", j->cli->arena, *ret, err));
    KT_PUSH(&j->matrices, *ret);
    return 0;
}

static void files_done(kt_model_job *j)
{
    for (size_t i = 0; i < j->tables.n; i++)
        kt_columns_done(j->tables.v[i]);
    for (size_t i = 0; i < j->matrices.n; i++)
        kt_matrix_file_done(j->matrices.v[i]);
    KT_VEC_DONE(&j->tables);
    KT_VEC_DONE(&j->matrices);
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    bool json = false, csv = false, probs = false;
    kt_str kind = { NULL, 0 }, labels = { NULL, 0 }, parents = { NULL, 0 };
    kt_strs pos, set = { NULL, 0 };
    kt_model_job j = { .cli = cli, .folds = 5, .seed = 1, .top = 10 };
    int what;
    const kt_opt opts[] = {
        { "kind", KT_OPT_TEXT, "NAME", "train, cross: linear, crf, knn, … ('karat list model_kinds')", &kind },
        { "set", KT_OPT_LIST, "NAME=VALUE", "an option of the kind", &set },
        { "labels", KT_OPT_TEXT, "FILE", "the labels (item,label), where DATA has none", &labels },
        { "parents", KT_OPT_TEXT, "FILE", "task=tree: which label lies below which (label,parent)", &parents },
        { "folds", KT_OPT_INT, "N", "cross: parts that are held back in turn (5)", &j.folds },
        { "probs", KT_OPT_FLAG, NULL, "predict: every label's probability, a column each", &probs },
        { "item", KT_OPT_TEXT, "ID", "explain: this item alone", &j.item },
        { "label", KT_OPT_TEXT, "NAME", "explain: this label instead of the likeliest", &j.label },
        { "top", KT_OPT_INT, "N", "explain: how many reasons (10)", &j.top },
        { "seed", KT_OPT_INT, "N", "of what is drawn (1)", &j.seed },
        { "json", KT_OPT_FLAG, NULL, "print JSON", &json },
        { "csv", KT_OPT_FLAG, NULL, "print a CSV table (what is printed anyway)", &csv },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_model, opts, KT_LEN(opts), (int[]){ 1, 3 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    KT_TRY(kt_cli_choose(pos.v[0], acts, "what karat model does", &what, err));
    KT_TRY(check(&j, (act)what, pos.n, err));
    const char *first = kt_arena_cstr(cli->arena, pos.v[1]);
    j.data = what == CROSS ? first : pos.n > 2 ? kt_arena_cstr(cli->arena, pos.v[2]) : NULL;
    j.labels = labels.n ? kt_arena_cstr(cli->arena, labels) : NULL;
    j.parents = parents.n ? kt_arena_cstr(cli->arena, parents) : NULL;
    j.probs = probs;
    j.out = (kt_out)KT_OUT_INIT(json ? KT_LOOK_JSON : KT_LOOK_CSV);
    KT_TRY(find_kind(kind, &j.kind, err));
    KT_TRY(settings(&j, set, err));
    KT_AUTO(kt_buf) bytes = KT_BUF_INIT(MAX_MODEL);
    rc = run_act(&j, (act)what, first, &bytes, err);
    if (rc == 0)
        kt_out_flush(&j.out, true);
    kt_out_done(&j.out);
    kt_names_done(&j.names);
    files_done(&j);
    return rc;
}

const kt_verb kt_verb_model = {
    .name = "model", .help = "train the built-in models on plain files, predict and explain",
    .usage = "train MODEL DATA | cross DATA | predict MODEL DATA | explain MODEL DATA | update MODEL DATA | show MODEL",
    .more = "MODEL is a file of one's own choice. DATA depends on the kind: a table with text and label; a matrix of numbers with --labels;\n"
            "tokens with tags; pictures or sounds. 'karat list model_kinds' says what each kind reads and which options it has. Items that\n"
            "belong together (column group) are held back together.\n\n"
            "  karat model train news.model train.csv                      # text,label\n"
            "  karat model predict news.model new.csv > labels.csv\n"
            "  karat model explain news.model new.csv --item 17\n"
            "  karat model cross train.csv > probs.csv                     # probabilities by models that did not see the item, for\n"
            "  karat errors --labels train.csv --probs probs.csv           # finding wrong labels, or for calibration\n"
            "  karat model train topics.model q.csv --set task=multi       # a|b|c; task=tree: animal/dog\n"
            "  karat model train spans.model train.conll --kind crf\n"
            "  karat model train near.model vectors.npy --labels l.csv --kind knn\n"
            "  karat model update news.model one_more.csv",
    .run = run,
};
