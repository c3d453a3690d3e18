/* --plot: who is worth asking, and which items are worth it. */
#include "algo/merge/aggregate.h"
#include "base/str.h"
#include "cli/ask/ask_cli.h"
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>

#define MOST_DRAWN 60

struct known {
    uint32_t source;
    double accuracy, votes;
};

static int by_accuracy(const void *x, const void *y)
{
    const struct known *a = x, *b = y;
    if (a->accuracy != b->accuracy)
        return a->accuracy < b->accuracy ? 1 : -1;
    return a->source < b->source ? -1 : 1;
}

kt_rc kt_ask_plot(kt_asking *k, const char *path, kt_err *err)
{
    kt_arena *a = k->cli->arena;
    size_t n_items = k->name[KT_ASK_ITEM].n, n = k->name[KT_ASK_SOURCE].n, drawn = KT_MIN(n, MOST_DRAWN);
    double *sure = kt_arena_array(a, n_items, sizeof(*sure)), *accuracy = kt_arena_array(a, drawn, sizeof(*accuracy)), *votes = kt_arena_array(a, drawn, sizeof(*votes)),
           (*ci)[2] = kt_arena_array(a, drawn, sizeof(*ci));
    uint8_t *asked = kt_arena_array(a, n_items, 1);
    kt_str *name = kt_arena_array(a, drawn, sizeof(*name));
    struct known *all = kt_arena_array(a, n, sizeof(*all));
    for (uint32_t s = 0; s < n; s++)
        all[s] = (struct known){ s, kt_live_accuracy(k->live, s), k->said.v[s] };
    qsort(all, n, sizeof(*all), by_accuracy);
    for (size_t x = 0; x < drawn; x++) {
        const struct known *w = &all[x < drawn / 2 ? x : n - drawn + x];
        name[x] = k->name[KT_ASK_SOURCE].name[w->source];
        accuracy[x] = w->accuracy;
        votes[x] = w->votes;
        kt_wilson(w->accuracy, w->votes, ci[x]);
    }
    for (uint32_t i = 0; i < n_items; i++) {
        const kt_ask_answer r = kt_ask_about(k, i);
        sure[i] = k->name[KT_ASK_LABEL].n ? r.posterior[r.best] : NAN;
        asked[i] = r.verdict == KT_LIVE_ASK;
    }
    const kt_plot_dots dots = { "Accuracy of the annotators, as far as votes tell", "bars are 95 % intervals were labels known, votes in brackets", drawn, name, accuracy,
                                (const double (*)[2])ci, NAN, votes, n - drawn };
    const kt_plot_bars bars = { "How sure the items are", "posterior of the label; the line is the target", "worth another vote", 0, 1, k->q.target, n_items, sure, asked };
    return kt_plot_panels(path, (kt_plot_panel[]){ { .dots = &dots }, { .bars = &bars } }, 2, err);
}
