/* Labels of tokens: confident learning over all tokens, and a score for each sentence. */
#include "algo/errors/errors.h"
#include "algo/nth.h"
#include "base/str.h"
#include "cli/errors/errors_cli.h"

#include <stdio.h>

#define TEMPERATURE 0.05

static const char *const sentence_names[] = { "sentence", "item", "item_id", "id", "document", NULL };

struct tokens {
    kt_errors_job *j;
    kt_labelled in;
    size_t n_sentences, *start;
    uint8_t *issue;
    double *score;
    size_t n_issues, *order, *of; /* of: sentence of each token */
};

static kt_str sentence(const struct tokens *t, size_t token)
{
    return kt_texts_at(&t->in.field[KT_LABELLED_MORE].text, token);
}

/* Sentences are runs of rows with one name. */
static void cut_sentences(struct tokens *t)
{
    kt_arena *a = t->j->cli->arena;
    size_t n = t->in.n;
    t->start = kt_arena_array(a, n + 2, sizeof(size_t));
    t->of = kt_arena_array(a, n + 1, sizeof(size_t));
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !kt_str_eq(sentence(t, i), sentence(t, i - 1)))
            t->start[t->n_sentences++] = i;
        t->of[i] = t->n_sentences - 1;
    }
    t->start[t->n_sentences] = n;
}

static void print_json(struct tokens *t, const double *least, const double *soft)
{
    kt_out *o = &t->j->out;
    kt_out_open(o, NULL, '{');
    kt_out_u64(o, "n_tokens", t->in.n);
    kt_out_u64(o, "n_sentences", t->n_sentences);
    kt_out_u64(o, "n_issues", t->n_issues);
    kt_out_open(o, "issues", '[');
    for (size_t q = 0; q < t->n_issues; q++) {
        size_t i = t->order[q];
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "sentence", sentence(t, i));
        kt_out_u64(o, "token", i - t->start[t->of[i]]);
        kt_out_str(o, "label", t->in.class[t->in.label[i]]);
        kt_out_f64(o, "quality", t->score[i]);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_open(o, "sentences", '[');
    for (size_t s = 0; s < t->n_sentences; s++) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "sentence", sentence(t, t->start[s]));
        kt_out_f64(o, "quality_min", least[s]);
        kt_out_f64(o, "quality_softmin", soft[s]);
        if (t->j->all)
            kt_out_f64s(o, "tokens", t->score + t->start[s], t->start[s + 1] - t->start[s]);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static void print_csv(struct tokens *t)
{
    kt_out *o = &t->j->out;
    kt_buf_puts(&o->b, "sentence,token,label,quality\n");
    for (size_t q = 0; q < t->n_issues; q++) {
        size_t i = t->order[q];
        kt_out_field(o, true, sentence(t, i));
        kt_buf_printf(&o->b, ",%zu", i - t->start[t->of[i]]);
        kt_out_field(o, false, t->in.class[t->in.label[i]]);
        kt_out_field_f64(o, t->score[i]);
        kt_buf_char(&o->b, '\n');
    }
    fprintf(stderr, "%zu of %zu tokens in %zu sentences are suspects\n", t->n_issues, t->in.n, t->n_sentences);
}

static kt_rc find(struct tokens *t, kt_err *err)
{
    kt_arena *a = t->j->cli->arena;
    const kt_labelled *in = &t->in;
    kt_label_probs d = { .n = in->n, .n_labels = in->k, .label = in->label, .prob = in->prob, .floats = in->probs.floats,
                         .row_stride = in->k * (in->probs.floats ? sizeof(float) : sizeof(double)) };
    kt_confident c;
    cut_sentences(t);
    KT_TRY(kt_confident_fit(&d, t->j->cli->pool, a, &c, err));
    t->issue = kt_arena_alloc(a, in->n + 1);
    t->score = kt_arena_alloc(a, (in->n + 1) * sizeof(double));
    kt_confident_issues(&d, &c, KT_FILTER_PRUNE_BY_NOISE_RATE, t->j->cli->pool, t->issue, &t->n_issues);
    kt_label_quality_of(&d, KT_QUALITY_SELF_CONFIDENCE, t->j->cli->pool, t->score);
    t->order = kt_arena_alloc(a, (t->n_issues + 1) * sizeof(size_t));
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++)
        if (t->issue[i])
            t->order[n++] = i;
    kt_sort_places(t->order, n, t->score);
    double *least = kt_arena_alloc(a, (t->n_sentences + 1) * sizeof(double)), *soft = kt_arena_alloc(a, (t->n_sentences + 1) * sizeof(double));
    kt_group_quality(t->score, t->start, t->n_sentences, 0, least);
    kt_group_quality(t->score, t->start, t->n_sentences, TEMPERATURE, soft);
    if (t->j->plot)
        KT_TRY(kt_errors_draw_scores(t->j, "tokens", t->score, in->n, t->issue, err));
    if (t->j->out.look == KT_LOOK_JSON)
        print_json(t, least, soft);
    else
        print_csv(t);
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    struct tokens t = { .j = j };
    KT_TRY(kt_labelled_read(j, sentence_names, &t.in, err));
    kt_rc rc = find(&t, err);
    kt_labelled_done(&t.in);
    return rc;
}

const kt_error_task kt_errors_tokens = {
    .name = "tokens", .help = "one class a token; labels have the columns sentence and label, a row a token", .files = "--labels L --probs P", .run = run, .draws = true,
    .formula = "suspects by confident learning over all tokens (see task labels); quality of a token = p(its label)\n"
               "of a sentence: the smallest, or the soft minimum Σ s × softmax((1 - s) / 0.05)",
};
