/* Why a label: hashes cannot be turned back, but the n-grams of the one text can be hashed again, and then each feature of the text has a
   name beside its contribution. */
#include "algo/learn/linear_int.h"

#include <stdlib.h>

typedef struct naming {
    const kt_features *x; /* one row */
    kt_str *gram;         /* per entry; n 0: not met yet */
    kt_arena *a;
    kt_str text;
} naming;

static void name_entry(void *ctx, uint32_t index, kt_str gram)
{
    naming *j = ctx;
    for (size_t e = 0; e < j->x->start[1]; e++)
        if (j->x->index[e] == index) {
            bool inside = gram.p >= j->text.p && gram.p < j->text.p + j->text.n;
            if (!j->gram[e].n)
                j->gram[e] = inside ? gram : kt_arena_str(j->a, gram);
            return;
        }
}

static int strongest_first(const void *a, const void *b)
{
    float x = ((const kt_reason *)a)->adds, y = ((const kt_reason *)b)->adds;
    x = x < 0 ? -x : x;
    y = y < 0 ? -y : y;
    return (x < y) - (x > y);
}

/* What the entry adds to the label's score, less the mean of its rivals. */
static float contribution(const kt_linear *m, const kt_features *x, size_t e, uint32_t label, bool rivals)
{
    if (!m->row_of[x->index[e]])
        return 0;
    const float *w = m->weight + (size_t)(m->row_of[x->index[e]] - 1) * m->n_labels;
    float mean = 0;
    for (uint32_t c = 0; rivals && c < m->n_labels; c++)
        mean += w[c] / (float)m->n_labels;
    return x->value[e] * (w[label] - mean);
}

kt_rc kt_linear_explain(const kt_linear *m, kt_str text, const kt_features_options *o, const kt_idf *idf, uint32_t label, size_t max,
                        bool rivals, kt_arena *a, kt_reason *ret, size_t *ret_n, kt_err *err)
{
    kt_features x;
    if (label >= m->n_labels || o->bits != m->bits)
        return kt_fail(err, KT_RANGE, "label %u of %u, features of %u bits for a model of %u", label, m->n_labels, o->bits, m->bits);
    KT_TRY(kt_features_make(&text, 1, o, NULL, &x, err));
    kt_features_weigh(&x, idf, NULL);
    size_t n = x.start[1];
    naming j = { &x, kt_zalloc_array(n + 1, sizeof(kt_str)), a, text };
    kt_features_each(text, o, name_entry, &j);
    kt_reason *all = kt_alloc_array(n + 1, sizeof(*all));
    for (size_t e = 0; e < n; e++)
        all[e] = (kt_reason){ j.gram[e], contribution(m, &x, e, label, rivals) };
    qsort(all, n, sizeof(*all), strongest_first);
    *ret_n = KT_MIN(n, max);
    memcpy(ret, all, *ret_n * sizeof(*all));
    kt_free(all);
    kt_free(j.gram);
    kt_features_done(&x);
    return 0;
}
