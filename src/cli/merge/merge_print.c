/* The answer of a merge as JSON or CSV, and the warning that comes with it. */
#include "cli/merge/merge.h"

#include "algo/merge/copying.h"

#include <math.h>
#include <stdio.h>

#define FLUSH_BYTES ((size_t)1 << 20)
#define FAR 0.02 /* share of other labels than the majority's from which on a warning is printed */

static void flush(kt_buf *b, bool last)
{
    if (b->n < FLUSH_BYTES && !last)
        return;
    fwrite(b->p, 1, b->n, stdout);
    kt_buf_reset(b);
}

static void put_by_label(kt_buf *b, const kt_merge *m, const double *p)
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

static void put_number(kt_buf *b, const char *name, double x)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, x);
}

static void put_confusion(kt_buf *b, const kt_merge *m, uint32_t s)
{
    uint32_t k = m->post.n_labels;
    kt_buf_puts(b, ",\"confusion\":{"); /* said → truth → P(said | truth) */
    for (uint32_t said = 0; said < k; said++) {
        if (said)
            kt_buf_char(b, ',');
        kt_buf_json(b, m->file.label[said]);
        kt_buf_char(b, ':');
        put_by_label(b, m, m->post.source_confusion + ((size_t)s * k + said) * k);
    }
    kt_buf_char(b, '}');
}

/* What the method knows of a source beside its accuracy. */
static void source_more(kt_out *o, const void *of, uint32_t s)
{
    const kt_merge *m = of;
    const kt_posterior *p = &m->post;
    if (p->copying && !isnan(p->copying->group[s]))
        kt_out_f64(o, "group", p->copying->group[s]);
    if (p->source_weight)
        kt_out_f64(o, "weight", p->source_weight[s]);
    if (p->source_ability)
        kt_out_f64(o, "ability", p->source_ability[s]);
    if (p->source_spamming) {
        kt_out_f64(o, "spams", p->source_spamming[2 * s]);
        kt_out_f64(o, "knows", p->source_spamming[2 * s + 1]);
        kt_buf_puts(&o->b, ",\"strategy\":");
        put_by_label(&o->b, m, p->source_strategy + (size_t)s * p->n_labels);
    }
    if (p->source_confusion)
        put_confusion(&o->b, m, s);
}

static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    return kt_merge_explain(of, item, err);
}

kt_account kt_merge_account_of(const kt_merge *m)
{
    const kt_posterior *p = &m->post;
    double *sure = kt_arena_array(m->cli->arena, p->n_items, sizeof(*sure));
    for (size_t i = 0; i < p->n_items; i++)
        sure[i] = p->label[i] < 0 ? NAN : p->prob[i * p->n_labels + (size_t)p->label[i]];
    return (kt_account){
        .method = m->method->name, .help = m->method->help, .formula = m->method->formula, .n_sources = p->n_sources, .source = m->file.source, .votes = m->votes_of_source,
        .measure = { { "accuracy", "Accuracy of the annotators, as the method sees it", p->source_accuracy, p->source_ci, false } }, .n_measures = 1,
        .sure_title = "How sure the labels are", .sure_axis = "posterior of the label", .n = p->n_items, .sure = sure, .to = 1, .line = NAN,
        .source_more = source_more, .explain = explain, .of = m,
    };
}

static void put_item(kt_buf *b, const kt_merge *m, uint32_t i)
{
    const kt_posterior *p = &m->post;
    kt_buf_puts(b, "{\"item\":");
    kt_buf_json(b, m->file.item[i]);
    kt_buf_puts(b, ",\"label\":");
    if (p->label[i] < 0)
        kt_buf_puts(b, "null");
    else
        kt_buf_json(b, m->file.label[p->label[i]]);
    kt_buf_printf(b, ",\"votes\":%u,\"votes_for\":%u", p->n_votes[i], p->label[i] < 0 ? 0 : p->n_for[i]);
    if (p->item_ease)
        put_number(b, "log_ease", p->item_ease[i]);
    kt_buf_puts(b, ",\"posterior\":");
    put_by_label(b, m, p->prob + (size_t)i * p->n_labels);
    kt_buf_char(b, '}');
}

static void put_disagreement(kt_buf *b, const kt_merge *m)
{
    const kt_disagreement *d = m->post.disagreement;
    kt_buf_printf(b, ",\"against_majority\":{\"compared\":%u,\"differ\":%u", d->n_compared, d->n_differ);
    put_number(b, "accuracy_low", d->low);
    put_number(b, "accuracy_high", d->high);
    put_number(b, "hard_items", d->hard);
    put_number(b, "posterior_power", m->post.power);
    if (d->said >= 0) {
        kt_buf_puts(b, ",\"commonest_mistake\":{\"said\":");
        kt_buf_json(b, m->file.label[d->said]);
        kt_buf_puts(b, ",\"truth\":");
        kt_buf_json(b, m->file.label[d->truth]);
        put_number(b, "probability", d->mistake);
        kt_buf_char(b, '}');
    }
    kt_buf_char(b, '}');
}

static void put_copying(kt_buf *b, const kt_merge *m)
{
    const kt_copying *c = m->post.copying;
    kt_buf_printf(b, ",\"copying\":{\"groups\":%u,\"annotators\":%u,\"surest\":[", c->n_groups, c->n_sources);
    kt_buf_json(b, m->file.source[c->a]);
    kt_buf_char(b, ',');
    kt_buf_json(b, m->file.source[c->b]);
    kt_buf_printf(b, "],\"shared\":%u,\"agreed\":%u", c->shared, c->agreed);
    put_number(b, "copied", c->copied);
    put_number(b, "usual", c->usual);
    kt_buf_char(b, '}');
}

void kt_merge_print_json(const kt_merge *m)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    kt_buf_printf(&b, "{\"method\":\"%s\",\"n_items\":%u,\"n_annotators\":%u,\"prior\":", m->method->name, m->post.n_items, m->post.n_sources);
    put_by_label(&b, m, m->post.prior);
    if (m->post.disagreement)
        put_disagreement(&b, m);
    uint32_t voted = 0, untold = kt_posterior_untold(&m->post, &voted);
    kt_buf_printf(&b, ",\"accuracies\":{\"annotators\":%u,\"untold\":%u}", voted, untold);
    if (m->post.copying)
        put_copying(&b, m);
    kt_buf_puts(&b, ",\"items\":[");
    for (uint32_t i = 0; i < m->post.n_items; i++) {
        kt_buf_puts(&b, i ? ",\n" : "\n");
        put_item(&b, m, i);
        flush(&b, false);
    }
    kt_buf_puts(&b, "]");
    flush(&b, true);
    kt_buf_done(&b);
}

void kt_merge_print_items(const kt_merge *m)
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

static void warn_of_copying(const kt_merge *m)
{
    const kt_copying *c = m->post.copying;
    if (!c)
        return;
    fprintf(stderr, "karat: warning: %u of %u annotators, in %u group%s, say the same wrong things more often than chance and their accuracies explain: ", c->n_sources,
            m->post.n_sources, c->n_groups, c->n_groups > 1 ? "s" : "");
    fprintf(stderr, "most surely %.*s and %.*s, who agree on %u of %u common items, some %.0f %% of them as if copied", KT_F(m->file.source[c->a]),
            KT_F(m->file.source[c->b]), c->agreed, c->shared, 100 * c->copied);
    fprintf(stderr, ". What a group agrees on was counted once; --json names the groups, karat errors --task annotators looks closer\n");
}

/* Half of the intervals are wide and hold guessing: then accuracies are not known, and the labels rest on numbers more than on trust. */
static void warn_of_untold(const kt_merge *m)
{
    uint32_t n = 0, untold = kt_posterior_untold(&m->post, &n);
    if (m->post.disagreement && n > 0 && untold > n / 2)
        fprintf(stderr, "karat: warning: the accuracy of %u of %u annotators cannot be told from guessing: they have too few votes in common with others, or all are "
                        "close to chance. Their intervals (--sources) are wide for that reason\n", untold, n);
}

void kt_merge_warn(const kt_merge *m)
{
    warn_of_copying(m);
    const kt_disagreement *d = m->post.disagreement;
    if (d && d->alone && m->post.n_items)
        fprintf(stderr, "karat: warning: no item has two votes, so nothing tells how good the annotators are: posteriors and accuracies are the assumption that "
                        "%.0f %% of the votes are right. Second votes on some items (karat ask), or known labels (--gold), would tell\n", 100 * d->low);
    else
        warn_of_untold(m);
    if (!d || d->n_differ < FAR * d->n_compared || d->n_differ == 0)
        return;
    fprintf(stderr, "karat: warning: %s and the majority give different labels to %u of %u items (%.1f %%): ", m->method->name, d->n_differ,
            d->n_compared, 100.0 * d->n_differ / d->n_compared);
    fprintf(stderr, "annotators are right from %.0f %% to %.0f %% of the time (10 %% and 90 %% quantile)", 100 * d->low, 100 * d->high);
    if (d->said >= 0)
        fprintf(stderr, "; what is %.*s they call %.*s %.0f %% of the time", KT_F(m->file.label[d->truth]), KT_F(m->file.label[d->said]),
                100 * d->mistake);
    if (d->hard > 0.1)
        fprintf(stderr, "; %.0f %% of the items are hard, and votes on them tell little", 100 * d->hard);
    fprintf(stderr, ". A few items with known labels (--gold) would settle it\n");
}
