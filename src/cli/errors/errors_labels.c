/* Labels of one class each against a model's probabilities. */
#include "algo/errors/errors.h"
#include "algo/nth.h"
#include "base/str.h"
#include "cli/errors/errors_cli.h"
#include "cli/plot.h"

#include <math.h>
#include <stdio.h>

struct finding {
    kt_errors_job *j;
    kt_labelled in;
    kt_label_probs d;
    kt_confident c;
    kt_error_filter filter;
    kt_label_quality quality;
    uint8_t *issue;
    double *score;
    size_t n_issues, *order; /* suspects, worst first */
};

static double prob_of(const struct finding *f, size_t i, size_t k)
{
    const char *row = (const char *)f->d.prob + i * f->d.row_stride;
    return f->d.floats ? (double)((const float *)(const void *)row)[k] : ((const double *)(const void *)row)[k];
}

/* The likeliest other label. */
static uint32_t suggested(const struct finding *f, size_t i)
{
    uint32_t best = f->d.label[i] == 0 && f->d.n_labels > 1, given = (uint32_t)f->d.label[i];
    double most = -1;
    for (uint32_t k = 0; k < f->d.n_labels; k++) {
        double p = prob_of(f, i, k);
        if (k != given && p > most) {
            most = p;
            best = k;
        }
    }
    return best;
}

static void print_model(struct finding *f)
{
    kt_out *o = &f->j->out;
    uint32_t k = f->d.n_labels;
    double n = (double)f->d.n;
    kt_out_open(o, "classes", '[');
    for (uint32_t c = 0; c < k; c++)
        kt_out_str(o, NULL, f->in.class[c]);
    kt_out_close(o, ']');
    kt_out_f64s(o, "thresholds", f->c.threshold, k);
    static const char *const names[] = { "confident_joint_raw", "confident_joint", "joint" };
    for (int m = 0; m < 3; m++) {
        kt_out_open(o, names[m], '[');
        for (uint32_t a = 0; a < k; a++) {
            kt_out_open(o, NULL, '[');
            for (uint32_t b = 0; b < k; b++) {
                size_t at = (size_t)a * k + b;
                kt_out_f64(o, NULL, m == 0 ? (double)f->c.raw[at] : m == 1 ? (double)f->c.joint[at] : (double)f->c.joint[at] / n);
            }
            kt_out_close(o, ']');
        }
        kt_out_close(o, ']');
    }
    kt_out_u64(o, "num_issues_off_diagonal", f->c.off_diagonal);
}

/* Share of labels that the joint holds for wrong. */
static double estimated_rate(const struct finding *f)
{
    double right = 0;
    for (uint32_t k = 0; k < f->d.n_labels; k++)
        right += (double)f->c.joint[(size_t)k * f->d.n_labels + k];
    return 1 - right / (double)f->d.n;
}

static void print_json(struct finding *f)
{
    kt_out *o = &f->j->out;
    kt_out_open(o, NULL, '{');
    kt_out_str(o, "method", kt_str_of(kt_error_filter_names[f->filter]));
    kt_out_u64(o, "n_items", f->d.n);
    kt_out_u64(o, "n_issues", f->n_issues);
    kt_out_f64(o, "estimated_error_rate", estimated_rate(f));
    print_model(f);
    kt_out_open(o, "issues", '[');
    for (size_t q = 0; q < f->n_issues; q++) {
        size_t i = f->order[q];
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "item", kt_labelled_item(&f->in, i, f->j->cli->arena));
        kt_out_u64(o, "index", i);
        kt_out_str(o, "label", f->in.class[f->d.label[i]]);
        kt_out_str(o, "suggested", f->in.class[suggested(f, i)]);
        kt_out_f64(o, "quality", f->score[i]);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    if (f->j->all)
        kt_out_f64s(o, "quality", f->score, f->d.n);
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static void print_csv(struct finding *f)
{
    kt_out *o = &f->j->out;
    kt_buf_puts(&o->b, f->j->all ? "item,label,suggested,quality,suspect\n" : "item,label,suggested,quality\n");
    for (size_t q = 0; q < (f->j->all ? f->d.n : f->n_issues); q++) {
        size_t i = f->j->all ? q : f->order[q];
        kt_out_field(o, true, kt_labelled_item(&f->in, i, f->j->cli->arena));
        kt_out_field(o, false, f->in.class[f->d.label[i]]);
        kt_out_field(o, false, f->in.class[suggested(f, i)]);
        kt_out_field_f64(o, f->score[i]);
        if (f->j->all)
            kt_buf_printf(&o->b, ",%d", f->issue[i]);
        kt_buf_char(&o->b, '\n');
        kt_out_flush(o, false);
    }
    fprintf(stderr, "%zu of %zu labels are suspects by %s; about %.2f %% of all are wrong by the confident joint\n", f->n_issues, f->d.n,
            kt_error_filter_names[f->filter], f->d.n ? 100 * estimated_rate(f) : 0);
}

/* The steps of the method with their numbers, and the worst label as an example. */
static void explain(struct finding *f)
{
    kt_buf *b = &f->j->out.b;
    uint32_t k = f->d.n_labels;
    kt_buf_puts(b, "label                 items   threshold  confident of it  joint: it is it\n");
    for (uint32_t c = 0; c < k; c++)
        kt_buf_printf(b, "%-20.*s %6llu   %9.4f  %15llu  %15lld\n", KT_F(f->in.class[c]), (unsigned long long)f->c.count[c], f->c.threshold[c],
                      (unsigned long long)f->c.raw[(size_t)c * k + c], (long long)f->c.joint[(size_t)c * k + c]);
    kt_buf_printf(b, "\n%zu labels are confidently another's; the joint puts %.2f %% of all off its diagonal; %s marks %zu\n", f->c.off_diagonal,
                  100 * estimated_rate(f), kt_error_filter_names[f->filter], f->n_issues);
    if (f->n_issues == 0)
        return;
    size_t i = f->order[0], given = (size_t)f->d.label[i], best = suggested(f, i);
    double p = prob_of(f, i, given), q = prob_of(f, i, best);
    kt_str item = kt_labelled_item(&f->in, i, f->j->cli->arena);
    kt_buf_printf(b, "worst: %.*s is labelled %.*s with p %.4f; %.*s has p %.4f, threshold %.4f; %s %.4f\n\n", KT_F(item), KT_F(f->in.class[given]), p,
                  KT_F(f->in.class[best]), q, f->c.threshold[best], kt_label_quality_names[f->quality], f->score[i]);
}

/* The joint, each row as shares of the label's items. */
static kt_rc plot(const struct finding *f, kt_err *err)
{
    uint32_t k = f->d.n_labels;
    double *share = kt_arena_array(f->j->cli->arena, (size_t)k * k + 1, sizeof(*share));
    for (size_t i = 0; i < (size_t)k * k; i++)
        share[i] = f->c.count[i / k] ? (double)f->c.joint[i] / (double)f->c.count[i / k] : NAN;
    kt_plot_grid g = { "What labels are likely to be, by the confident joint", "label as given", "likely true label", k, k, f->in.class, f->in.class, share, 0, 1,
                       .percent = true };
    kt_plot_bars h = { "Quality of the labels", "quality: 0 likely wrong, 1 likely right", "suspects", 0, 1, NAN, f->d.n, f->score, f->issue };
    return kt_plot_panels(f->j->plot, (kt_plot_panel[]){ { .grid = &g }, { .bars = &h } }, 2, err);
}

static kt_rc find(struct finding *f, kt_err *err)
{
    kt_arena *a = f->j->cli->arena;
    const kt_labelled *in = &f->in;
    f->d = (kt_label_probs){ .n = in->n, .n_labels = in->k, .label = in->label, .prob = in->prob, .floats = in->probs.floats,
                             .row_stride = in->k * (in->probs.floats ? sizeof(float) : sizeof(double)) };
    if (kt_confident_fit(&f->d, f->j->cli->pool, a, &f->c, err) < 0)
        return kt_at(err, f->j->probs, 0, NULL);
    f->issue = kt_arena_alloc(a, in->n + 1);
    f->score = kt_arena_alloc(a, (in->n + 1) * sizeof(double));
    kt_confident_issues(&f->d, &f->c, f->filter, f->j->cli->pool, f->issue, &f->n_issues);
    kt_label_quality_of(&f->d, f->quality, f->j->cli->pool, f->score);
    f->order = kt_arena_alloc(a, (f->n_issues + 1) * sizeof(size_t));
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++)
        if (f->issue[i])
            f->order[n++] = i;
    kt_sort_places(f->order, n, f->score);
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    struct finding f = { .j = j };
    int filter, quality;
    KT_TRY(kt_cli_choose(j->filter, kt_error_filter_names, "--filter", &filter, err));
    KT_TRY(kt_cli_choose(j->quality, kt_label_quality_names, "--quality", &quality, err));
    f.filter = (kt_error_filter)filter;
    f.quality = (kt_label_quality)quality;
    KT_TRY(kt_labelled_read(j, NULL, &f.in, err));
    kt_rc rc = find(&f, err);
    if (rc == 0 && j->explain)
        explain(&f);
    if (rc == 0)
        (j->out.look == KT_LOOK_JSON ? print_json : print_csv)(&f);
    if (rc == 0 && j->plot)
        rc = plot(&f, err);
    kt_labelled_done(&f.in);
    return rc;
}

const kt_error_task kt_errors_labels = {
    .name = "labels", .help = "one class an item, by confident learning (Northcutt 2021)", .files = "--labels L --probs P", .run = run, .draws = true,
    .formula = "threshold(k) = mean of p(k) over the items labelled k; an item is confident of the k of largest p(k) >= threshold(k)\n"
               "raw joint: items by label given and label they are confident of; joint: its rows scaled to the items of each label\n"
               "prune_by_noise_rate: of items labelled k, for each other j the joint(k, j) with the largest p(j) - p(k) are suspects\n"
               "self_confidence = p(label given); normalized_margin = (p(given) - max of the others + 1) / 2",
};
