/* One class an item: accuracy, F1, MCC; with probabilities log loss, Brier score and calibration. */
#include "algo/merge/aggregate.h"
#include "algo/score/score.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/str.h"
#include "cli/fields_file.h"
#include "cli/plot.h"
#include "cli/score/score_cli.h"
#include "format/array_file.h"

#include <math.h>

static const char *const predicted_names[] = { "predicted", "prediction", "label", "class", NULL };

enum { BINS = 15 };

enum { ITEM, LABEL, FIELDS };

typedef struct labels {
    kt_field field[FIELDS];
    kt_fields_file file;
} labels;

struct classes {
    kt_score_job *j;
    labels truth, predicted;
    kt_matrix_file probs;
    kt_names name;
    size_t n;
    int32_t *t, *p;     /* p NULL: from the probabilities */
    const double *prob; /* n × classes */
    double *own;        /* where they had to be moved or widened */
};

static kt_rc read_labels(struct classes *w, const char *path, const char *const *names, labels *ret, kt_err *err)
{
    ret->field[ITEM] = (kt_field){ .names = kt_item_names, .kind = KT_FIELD_NAME };
    ret->field[LABEL] = (kt_field){ .names = names, .kind = KT_FIELD_CLASS, .needed = true, .filled = true, .alone = true };
    return kt_fields_read(path, ret->field, FIELDS, w->j->cli->arena, &ret->file, err);
}

/* Class numbers of a file's labels, in the order of row (NULL: its own); fixed: only classes that are known already. */
static kt_rc number(struct classes *w, const labels *l, const size_t *row, bool fixed, int32_t **ret, kt_err *err)
{
    const kt_field *label = &l->field[LABEL];
    int64_t *class = kt_arena_array(w->j->cli->arena, label->class.n, sizeof(*class)), place;
    for (size_t c = 0; c < label->class.n; c++) {
        kt_str name = label->class.name[c];
        class[c] = fixed ? kt_names_get(&w->name, name) : (int64_t)kt_names_add(&w->name, name);
        if (class[c] < 0 && kt_parse_i64(name, 0, (int64_t)w->name.n - 1, &place))
            class[c] = place;
    }
    *ret = kt_alloc_array(w->n, sizeof(**ret));
    for (size_t i = 0; i < l->file.n; i++)
        if (class[label->id.v[i]] < 0) {
            kt_fail(err, KT_RANGE, "class '%.*s' is none of the %zu known", KT_F(label->class.name[label->id.v[i]]), w->name.n);
            kt_hint(err, "--classes A,B,C names them in the order of the probabilities' columns");
            return kt_fields_fail(&l->file, i, "label", err, KT_RANGE);
        }
    for (size_t i = 0; i < w->n; i++)
        (*ret)[i] = (int32_t)class[label->id.v[row ? row[i] : i]];
    return 0;
}

static kt_rc read_probs(struct classes *w, const char *path, kt_err *err)
{
    kt_arena *a = w->j->cli->arena;
    KT_TRY(kt_matrix_file_read(path, "probs", a, &w->probs, err));
    size_t k = w->probs.n_columns, *row;
    const kt_strs *given = &w->j->classes;
    if (given->n && given->n != k)
        return kt_fail(err, KT_USAGE, "--classes names %zu and the probabilities have %zu columns", given->n, k);
    for (size_t c = 0; c < k; c++)
        kt_names_add(&w->name, given->n ? given->v[c] : w->probs.column ? w->probs.column[c] : kt_arena_printf(a, "%zu", c));
    KT_TRY(kt_fields_match(&w->truth.file, &w->truth.field[ITEM], w->probs.named ? &w->probs.row : NULL, w->probs.n_rows, "prediction", &row, err));
    w->prob = w->probs.x;
    if (row || w->probs.floats) {
        w->prob = w->own = kt_alloc((w->n * k + 1) * sizeof(double));
        for (size_t i = 0; i < w->n * k; i++)
            w->own[i] = kt_matrix_at(&w->probs, row ? row[i / k] : i / k, i % k);
    }
    kt_free(row);
    return 0;
}

static kt_rc read_predicted(struct classes *w, const char *path, kt_err *err)
{
    labels *l = &w->predicted;
    size_t *row;
    KT_TRY(read_labels(w, path, predicted_names, l, err));
    KT_TRY(kt_fields_match(&w->truth.file, &w->truth.field[ITEM], l->field[ITEM].there ? &l->field[ITEM].text : NULL, l->file.n, "prediction", &row, err));
    kt_rc rc = number(w, l, row, w->prob || w->j->classes.n, &w->p, err);
    kt_free(row);
    return rc;
}

static bool is_predicted(const kt_rows *r)
{
    for (const char *const *n = predicted_names; *n; n++)
        if (kt_rows_column(r, kt_str_of(*n)) != SIZE_MAX)
            return true;
    return false;
}

/* A table of labels has one column beside the items; anything wider, or an array of two dimensions, is probabilities. Standard
   input can be read once only, and is labels. */
static bool is_matrix(const char *path, kt_arena *a)
{
    kt_row_stream s;
    kt_err ignored = { 0 };
    bool ret = false;
    if (kt_str_eq(kt_str_of(path), KT_S("-")))
        return false;
    if (kt_row_stream_open(&s, path, a, &ignored) == 0 && kt_array_file_is(&s)) {
        kt_array_file f;
        bool npy = kt_npy_is(KT_BUF_STR(&s.text));
        if (kt_array_file_read(&s, "probs", a, &f, &ignored) == 0)
            ret = npy && f.array->array.n_dims == 2 && f.array->array.kind == KT_NPY_NUMBER;
        kt_array_file_done(&f);
    } else if (s.text.n && kt_row_stream_header(&s, &ignored) == 0) {
        size_t items = 0;
        for (const char *const *n = kt_item_names; *n; n++)
            items += kt_rows_column(&s.rows, kt_str_of(*n)) != SIZE_MAX;
        ret = !is_predicted(&s.rows) && s.rows.n_columns > 1 + items;
    }
    kt_row_stream_done(&s);
    return ret;
}

static void put_classes(struct classes *w, const kt_class_score *s)
{
    kt_out *o = &w->j->out;
    uint32_t k = (uint32_t)w->name.n;
    if (o->look == KT_LOOK_JSON) {
        kt_out_interval(o, "accuracy_ci95", s->accuracy_ci95);
        kt_out_open(o, "classes", '[');
        for (uint32_t c = 0; c < k; c++) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "label", w->name.name[c]);
            kt_out_f64(o, "precision", s->precision[c]);
            kt_out_f64(o, "recall", s->recall[c]);
            kt_out_f64(o, "f1", s->f1[c]);
            kt_out_u64(o, "support", s->support[c]);
            kt_out_close(o, '}');
        }
        kt_out_close(o, ']');
        kt_out_open(o, "confusion", '[');
        for (uint32_t t = 0; t < k; t++) {
            kt_out_open(o, NULL, '[');
            for (uint32_t c = 0; c < k; c++)
                kt_out_u64(o, NULL, s->confusion[(size_t)t * k + c]);
            kt_out_close(o, ']');
        }
        kt_out_close(o, ']');
    } else if (o->look == KT_LOOK_TEXT) {
        kt_buf_puts(&o->b, "\nlabel                precision  recall      f1  support\n");
        for (uint32_t c = 0; c < k; c++)
            kt_buf_printf(&o->b, "%-20.*s %9.4f %7.4f %7.4f %8llu\n", KT_F(w->name.name[c]), s->precision[c], s->recall[c], s->f1[c], (unsigned long long)s->support[c]);
    }
}

static void put_all(struct classes *w, const kt_class_score *s)
{
    kt_score_job *j = w->j;
    kt_score_begin(j);
    kt_score_put(j, "accuracy", s->accuracy, "right / all");
    if (j->out.look == KT_LOOK_TEXT && !isnan(s->accuracy_ci95[0]))
        kt_buf_printf(&j->out.b, "%-20s %.4f to %.4f\n", "  95 % interval", s->accuracy_ci95[0], s->accuracy_ci95[1]);
    kt_score_put(j, "balanced_accuracy", s->balanced_accuracy, "mean recall of the classes that occur");
    kt_score_put(j, "f1_macro", s->f1_macro, "mean over classes of 2 precision recall / (precision + recall)");
    kt_score_put(j, "f1_weighted", s->f1_weighted, "the same, each class by how often it occurs");
    kt_score_put(j, "f1_micro", s->f1_micro, "of all items together: the accuracy");
    kt_score_put(j, "mcc", s->mcc, "correlation of truth and prediction over all classes");
    if (w->prob) {
        kt_score_put(j, "log_loss", s->log_loss, "mean of -log p[truth]");
        kt_score_put(j, "brier", s->brier, "mean of the sum over classes of (p - 1 where true, else 0) squared");
        kt_score_put(j, "ece", s->ece, "15 bins of the largest p: |accuracy - mean p|, weighted by their items");
        kt_score_put(j, "mce", s->mce, "the largest of these gaps");
    }
    put_classes(w, s);
    kt_score_end(j);
}

/* The bins of the calibration error, with Wilson's intervals, beside the confusion. */
static kt_rc plot_reliability(const struct classes *w, const kt_class_score *s, const kt_plot_grid *g, kt_err *err)
{
    double sum[BINS] = { 0 }, right[BINS] = { 0 }, count[BINS] = { 0 }, ci[BINS][2];
    size_t k = w->name.n;
    for (size_t i = 0; i < w->n; i++) {
        const double *p = w->prob + i * k;
        size_t best = 0;
        for (size_t c = 1; c < k; c++)
            best = p[c] > p[best] ? c : best;
        int bin = KT_MIN((int)(p[best] * BINS), BINS - 1);
        sum[bin] += p[best];
        right[bin] += (size_t)w->t[i] == best;
        count[bin]++;
    }
    for (int b = 0; b < BINS; b++) {
        sum[b] /= count[b];
        right[b] /= count[b];
        kt_wilson(right[b], count[b], ci[b]);
    }
    kt_plot_bins r = { BINS, sum, right, (const double (*)[2])ci, count, s->ece };
    return kt_plot_panels(w->j->plot, (kt_plot_panel[]){ { .grid = g }, { .bins = &r } }, 2, err);
}

/* The confusion matrix, each row as shares of the true class. */
static kt_rc plot(struct classes *w, const kt_class_score *s, kt_err *err)
{
    size_t k = w->name.n;
    double *share = kt_arena_array(w->j->cli->arena, k * k + 1, sizeof(*share));
    for (size_t i = 0; i < k * k; i++)
        share[i] = s->support[i / k] ? (double)s->confusion[i] / (double)s->support[i / k] : NAN;
    kt_plot_grid g = { "Confusion", "truth", "predicted", k, k, w->name.name, w->name.name, share, 0, 1, .percent = true };
    w->j->drawn = true;
    return w->prob ? plot_reliability(w, s, &g, err) : kt_plot_matrix(w->j->plot, &g, err);
}

static kt_rc score(struct classes *w, kt_err *err)
{
    kt_arena *a = w->j->cli->arena;
    KT_TRY(read_labels(w, w->j->truth, kt_label_names, &w->truth, err));
    w->n = w->truth.file.n;
    const char *probs = w->j->probs ? w->j->probs : is_matrix(w->j->predicted, a) ? w->j->predicted : NULL;
    if (probs)
        KT_TRY(read_probs(w, probs, err));
    for (size_t c = 0; !probs && c < w->j->classes.n; c++)
        kt_names_add(&w->name, w->j->classes.v[c]);
    KT_TRY(number(w, &w->truth, NULL, probs || w->j->classes.n, &w->t, err));
    if (w->j->predicted != probs)
        KT_TRY(read_predicted(w, w->j->predicted, err));
    kt_class_score s;
    kt_class_predictions p = { w->n, (uint32_t)w->name.n, w->t, w->p, w->prob };
    if (kt_score_classes(&p, w->j->cli->pool, a, &s, err) < 0)
        return kt_at(err, probs, 0, NULL);
    put_all(w, &s);
    return w->j->plot ? plot(w, &s, err) : 0;
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    struct classes w = { .j = j };
    kt_rc rc = score(&w, err);
    kt_fields_done(w.truth.field, FIELDS, &w.truth.file);
    kt_fields_done(w.predicted.field, FIELDS, &w.predicted.file);
    kt_matrix_file_done(&w.probs);
    kt_names_done(&w.name);
    kt_free(w.t);
    kt_free(w.p);
    kt_free(w.own);
    return rc;
}

const kt_score_task kt_score_task_classes = {
    .name = "classes", .help = "one class an item; with probabilities also log loss, Brier score and calibration", .files = "PREDICTED TRUTH, or TRUTH with --probs P",
    .run = run,
};
