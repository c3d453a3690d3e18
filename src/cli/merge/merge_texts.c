/* karat aggregate --method rover, medoid: one text from several, item,annotator,text. */
#include "algo/merge/rover.h"
#include "base/str.h"
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include <stdio.h>

struct texts {
    const kt_grouped *x;
    bool medoid;
};

static kt_text_merge merge(const struct texts *w, size_t i, kt_arena *a)
{
    const kt_str *text = w->x->text + w->x->start[i];
    size_t n = w->x->start[i + 1] - w->x->start[i];
    return w->medoid ? kt_text_medoid(text, n, a) : kt_rover(text, n, a);
}

static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    const struct texts *w = of;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    uint32_t i;
    KT_TRY(kt_merge_find(&w->x->item, item, &i, err));
    kt_text_merge r = merge(w, i, &a);
    size_t from = w->x->start[i], n = w->x->start[i + 1] - from, word = 0;
    printf("item %.*s, %zu texts:\n", KT_F(item), n);
    for (size_t q = 0; q < n; q++)
        printf("  %.*s: %.*s   %s %.4f\n", KT_F(w->x->source.name[w->x->source_of[from + q]]), KT_F(w->x->text[from + q]),
               w->medoid ? "1 - mean distance" : "share of the chosen words", r.source_share[q]);
    if (w->medoid) {
        printf("the most of these, %.4f:\n", r.agreement);
    } else {
        kt_str rest = r.text, next;
        printf("chosen, with the annotators behind each word:\n ");
        while (word < r.n_words && kt_str_cut(&rest, ' ', &next))
            printf(" %.*s %.0f/%zu", KT_F(next), r.word_share[word++] * (double)n, n);
        printf("\nagreement: (");
        for (size_t k = 0; k < r.n_words; k++)
            printf("%s%.4g", k ? " + " : "", r.word_share[k]);
        printf(") / %zu = %.4f\n", r.n_words, r.agreement);
    }
    printf("text: %.*s\n", KT_F(r.text));
    return 0;
}

static kt_rc run(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_merge_wishes *w, bool medoid, kt_err *err)
{
    static const char *const text_names[] = { "text", "output", "answer", "label", NULL };
    kt_grouped x;
    bool print = kt_merge_wants_answers(w);
    KT_TRY(kt_grouped_read(t, text_names, cli->arena, &x, err));
    kt_agreed g = kt_agreed_make(&x, cli->arena);
    struct texts texts = { &x, medoid };
    if (print)
        kt_merged_begin(m->name, "text", w->json);
    for (size_t i = 0; i < x.item.n; i++) {
        KT_AUTO(kt_arena) own = KT_ARENA_INIT;
        kt_text_merge r = merge(&texts, i, &own);
        for (size_t q = x.start[i]; q < x.start[i + 1]; q++)
            kt_agreed_add(&g, x.source_of[q], r.source_share[q - x.start[i]]);
        g.agreement[i] = r.agreement;
        if (print)
            kt_merged_put("text", w->json, &x, i, &(kt_merged){ r.text, r.agreement, r.word_share, r.n_words });
    }
    if (print)
        kt_merged_end(w->json);
    kt_account account = { .method = m->name, .help = m->help, .formula = m->formula, .sure_title = "How far the texts of an item agree", .explain = explain, .of = &texts,
                           .sure_axis = medoid ? "1 - mean distance of the merged text to the others" : "mean share of the annotators behind the chosen words" };
    kt_agreed_account(&g, &account);
    kt_rc rc = kt_merge_account(cli, &account, w, err);
    kt_grouped_done(&x);
    return rc;
}

kt_rc kt_merge_rover(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    (void)o;
    return run(cli, m, t, w, false, err);
}

kt_rc kt_merge_medoid(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    (void)o;
    return run(cli, m, t, w, true, err);
}
