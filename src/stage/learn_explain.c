/* Why the model gives an item its label: the n-grams of its text, and the votes of functions that are words to the model. */
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "store/item.h"

enum { GRAMS = 256 };

/* "function NAME: LABEL" for a vote's word; pairs with such a word say nothing a person can read: *ret_show false. */
static kt_str readable(kt_run *r, kt_str gram, bool *ret_show)
{
    for (uint32_t j = 0; j < r->m; j++)
        for (uint32_t c = 0; c < r->k; c++) {
            kt_str word = kt_arena_printf(r->arena, KT_VOTE_WORD, j, (int)c);
            if (kt_str_eq(gram, word))
                return kt_arena_printf(r->arena, "function %.*s: %.*s", KT_F(kt_functions_name(r->functions, j)), KT_F(r->c->label[c]));
            if (gram.n > word.n && memmem(gram.p, gram.n, word.p, word.n))
                *ret_show = false;
        }
    return gram;
}

/* The reasons for `label`, less those for `second`: what decides between them. */
static kt_rc reasons(kt_run *r, kt_str text, uint32_t label, uint32_t second, kt_explanation *ret)
{
    kt_features_options o = kt_learn_features(r->c);
    kt_reason why[GRAMS], not[GRAMS];
    size_t n = 0, n_not = 0;
    KT_TRY(kt_linear_explain(&r->model.linear, text, &o, &r->idf, label, GRAMS, true, r->arena, why, &n, r->err));
    KT_TRY(kt_linear_explain(&r->model.linear, text, &o, &r->idf, second, GRAMS, true, r->arena, not, &n_not, r->err));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_not; k++)
            if (not[k].gram.p == why[i].gram.p && not[k].gram.n == why[i].gram.n)
                why[i].adds -= not[k].adds;
    bool used[GRAMS] = { false };
    while (ret->n < KT_LEN(ret->reason)) {
        size_t best = n;
        for (size_t i = 0; i < n; i++)
            if (!used[i] && (best == n || fabsf(why[i].adds) > fabsf(why[best].adds)))
                best = i;
        if (best == n || why[best].adds == 0)
            break;
        bool show = true;
        kt_str gram = readable(r, why[best].gram, &show);
        used[best] = true;
        if (show)
            ret->reason[ret->n++] = (struct kt_explained){ kt_arena_str(r->arena, gram), why[best].adds };
    }
    return 0;
}

kt_rc kt_learn_explain(kt_run *r, kt_str ext_id, kt_explanation *ret)
{
    uint32_t number;
    kt_item item;
    kt_item_reader *reader;
    KT_TRY(kt_item_find(r->s, r->p.id, ext_id, &number, r->err));
    kt_str words;
    KT_TRY(kt_task_of(r)->words(r, &number, 1, r->arena, &words));
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    kt_rc rc = kt_item_get(reader, number, &item, r->err);
    kt_str text = rc == 0 ? kt_learn_text(r->arena, &item, words) : (kt_str){ "", 0 };
    kt_item_reader_free(reader);
    kt_features_options o = kt_learn_features(r->c);
    kt_features x;
    uint16_t label[2];
    float prob[2];
    KT_TRY(rc);
    KT_TRY(kt_features_make(&text, 1, &o, NULL, &x, r->err));
    kt_features_weigh(&x, &r->idf, NULL);
    kt_linear_top(&r->model.linear, &x, 2, NULL, label, prob);
    kt_features_done(&x);
    *ret = (kt_explanation){ .item = ext_id, .label = r->c->label[label[0]], .second = r->c->label[label[1]], .prob = prob[0],
                             .second_prob = prob[1] };
    return reasons(r, text, label[0], label[1], ret);
}
