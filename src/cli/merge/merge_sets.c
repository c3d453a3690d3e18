/* karat aggregate --method multi_label: sets of labels, item,annotator,labels, a|b|c. */
#include "algo/merge/multilabel.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include <math.h>
#include <stdio.h>

struct sets {
    const kt_grouped *x;
    const kt_names *label;
    const kt_label_sets *v;
    const kt_multilabel *r;
};

/* "a|b" of every answer as ids; answers stand item by item. */
static void read_sets(const kt_grouped *x, kt_names *label, size_t *start, uint32_t **ret_label, kt_arena *a)
{
    KT_VEC(uint32_t) all = { 0 };
    size_t n = x->start[x->item.n];
    for (size_t q = 0; q < n; q++) {
        kt_str rest = x->text[q], name;
        while (rest.n && kt_str_cut(&rest, '|', &name)) {
            name = kt_str_trim(name);
            uint32_t id = name.n ? kt_names_add(label, name) : UINT32_MAX;
            bool twice = id == UINT32_MAX;
            for (size_t y = start[q]; y < all.n && !twice; y++)
                twice = all.v[y] == id;
            if (!twice)
                KT_PUSH(&all, id);
        }
        start[q + 1] = all.n;
    }
    *ret_label = kt_arena_array(a, all.n, sizeof(uint32_t));
    if (all.n)
        memcpy(*ret_label, all.v, all.n * sizeof(uint32_t));
    KT_VEC_DONE(&all);
}

static void put_csv(kt_buf *b, const struct sets *w, uint32_t i)
{
    const float *p = w->r->prob + (size_t)i * w->r->n_labels;
    KT_AUTO(kt_buf) set = KT_BUF_INIT((size_t)1 << 24);
    for (uint32_t l = 0; l < w->r->n_labels; l++)
        if (p[l] > 0.5f) {
            kt_buf_puts(&set, set.n ? "|" : "");
            kt_buf_str(&set, w->label->name[l]);
        }
    kt_buf_csv(b, w->x->item.name[i], ',');
    kt_buf_char(b, ',');
    kt_buf_csv(b, KT_BUF_STR(&set), ',');
    kt_buf_char(b, '\n');
}

static void put_json(kt_buf *b, const struct sets *w, uint32_t i)
{
    const float *p = w->r->prob + (size_t)i * w->r->n_labels;
    bool first = true;
    kt_buf_puts(b, i ? ",\n{\"item\":" : "\n{\"item\":");
    kt_buf_json(b, w->x->item.name[i]);
    kt_buf_puts(b, ",\"labels\":[");
    for (uint32_t l = 0; l < w->r->n_labels; l++)
        if (p[l] > 0.5f) {
            kt_buf_puts(b, first ? "" : ",");
            kt_buf_json(b, w->label->name[l]);
            first = false;
        }
    kt_buf_printf(b, "],\"votes\":%u,\"posterior\":{", w->r->n_votes[i]);
    for (uint32_t l = 0; l < w->r->n_labels; l++) {
        kt_buf_puts(b, l ? "," : "");
        kt_buf_json(b, w->label->name[l]);
        kt_buf_char(b, ':');
        kt_buf_f64(b, (double)p[l]);
    }
    kt_buf_puts(b, "}}");
}

static void print(const char *method, const struct sets *w, bool json)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    if (json)
        kt_buf_printf(&b, "{\"method\":\"%s\",\"items\":[", method);
    else
        kt_buf_puts(&b, "item,labels\n");
    for (uint32_t i = 0; i < w->r->n_items; i++) {
        (json ? put_json : put_csv)(&b, w, i);
        kt_merge_flush(&b);
    }
    kt_buf_puts(&b, json ? "]" : "");
    kt_merge_flush(&b);
}

static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    const struct sets *w = of;
    const kt_multilabel *r = w->r;
    uint32_t i;
    KT_TRY(kt_merge_find(&w->x->item, item, &i, err));
    printf("item %.*s, %u answers:\n", KT_F(item), r->n_votes[i]);
    for (size_t q = w->x->start[i]; q < w->x->start[i + 1]; q++) {
        uint32_t s = w->x->source_of[q];
        printf("  %.*s says {%.*s}   accuracy %.4f (95 %%: %.3f to %.3f, %.0f answers)\n", KT_F(w->x->source.name[s]), KT_F(w->x->text[q]), r->source_accuracy[s],
               r->source_ci[2 * s], r->source_ci[2 * s + 1], w->x->said[s]);
    }
    printf("label by label: share of all items that have it, answers for it here, what auto makes of them\n");
    for (uint32_t l = 0; l < r->n_labels; l++) {
        uint32_t votes = r->n_for[(size_t)i * r->n_labels + l];
        double p = (double)r->prob[(size_t)i * r->n_labels + l];
        if (votes || p > 0.01)
            printf("  %.*s: %.4f, %u of %u, posterior %.6f%s\n", KT_F(w->label->name[l]), r->share[l], votes, r->n_votes[i], p, p > 0.5 ? " → in the set" : "");
    }
    return 0;
}

static kt_rc give(kt_cli *cli, const kt_answer_merge *m, const struct sets *n, const kt_merge_wishes *w, kt_err *err)
{
    const kt_multilabel *r = n->r;
    double *sure = kt_arena_array(cli->arena, r->n_items, sizeof(*sure));
    for (size_t i = 0; i < r->n_items; i++) {
        sure[i] = r->n_labels ? 1 : NAN;
        for (size_t l = 0; l < r->n_labels; l++) {
            double p = (double)r->prob[i * r->n_labels + l];
            sure[i] = isnan(p) ? NAN : KT_MIN(sure[i], KT_MAX(p, 1 - p));
        }
    }
    const kt_account account = {
        .method = m->name, .help = m->help, .formula = m->formula, .n_sources = r->n_sources, .source = n->x->source.name, .votes = n->x->said,
        .measure = { { "accuracy", "Accuracy of the annotators", r->source_accuracy, r->source_ci, false } }, .n_measures = 1,
        .sure_title = "How sure the sets are", .sure_axis = "posterior of the least certain yes or no of an item", .n = r->n_items, .sure = sure, .from = 0.5, .to = 1,
        .line = NAN, .explain = explain, .of = n,
    };
    return kt_merge_account(cli, &account, w, err);
}

kt_rc kt_merge_sets(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    static const char *const set_names[] = { "labels", "label", "tags", NULL };
    kt_grouped x;
    kt_names label = { 0 };
    kt_multilabel r;
    (void)o;
    KT_TRY(kt_grouped_read(t, set_names, cli->arena, &x, err));
    size_t *start = kt_arena_array(cli->arena, t->n_rows + 1, sizeof(*start));
    uint32_t *set;
    read_sets(&x, &label, start, &set, cli->arena);
    const kt_label_sets v = { t->n_rows, (uint32_t)x.item.n, (uint32_t)x.source.n, (uint32_t)label.n, kt_grouped_items(&x, cli->arena), x.source_of, start, set };
    kt_rc rc = kt_multilabel_fit(&v, &kt_aggregate_auto, cli->pool, cli->arena, &r, err);
    const struct sets n = { &x, &label, &v, &r };
    if (rc == 0 && kt_merge_wants_answers(w))
        print(m->name, &n, w->json);
    if (rc == 0)
        rc = give(cli, m, &n, w, err);
    kt_names_done(&label);
    kt_grouped_done(&x);
    return rc;
}
