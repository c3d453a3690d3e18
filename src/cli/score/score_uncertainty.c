/* How unsure a model is, item by item: what active learning ranks by. */
#include "algo/nth.h"
#include "algo/learn/select.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/score/score_cli.h"

#include <math.h>

enum { ENTROPY, MARGIN, LEAST_CONFIDENCE, KINDS };
static const char *const kinds[KINDS] = { "entropy", "margin", "least_confidence" };

struct uncertainty {
    kt_score_job *j;
    kt_matrix_file probs;
    double *score[KINDS];
    size_t *rank[KINDS];
};

static kt_rc check(const kt_matrix_file *m, kt_err *err)
{
    for (size_t i = 0; i < m->n_rows; i++) {
        double sum = 0;
        for (size_t k = 0; k < m->n_columns; k++) {
            double p = kt_matrix_at(m, i, k);
            if (!(p >= 0 && p <= 1))
                return kt_fail(err, KT_RANGE, "row %zu, column %zu: %g; expected a probability", i, k, p);
            sum += p;
        }
        if (fabs(sum - 1) > 0.01)
            return kt_fail(err, KT_RANGE, "row %zu sums to %g, not to 1", i, sum);
    }
    return 0;
}

/* Scores rounded to 1e-10, so that what is equal but for rounding ties, and the lower index comes first. */
static void measure(struct uncertainty *w)
{
    kt_arena *a = w->j->cli->arena;
    size_t n = w->probs.n_rows, k = w->probs.n_columns;
    double *row = kt_arena_array(a, k + 1, sizeof(*row)), *key = kt_arena_array(a, n + 1, sizeof(*key));
    for (int s = 0; s < KINDS; s++) {
        const kt_selector *selector = kt_selector_find(kt_str_of(kinds[s]));
        w->score[s] = kt_arena_array(a, n + 1, sizeof(double));
        w->rank[s] = kt_arena_array(a, n + 1, sizeof(size_t));
        for (size_t i = 0; i < n; i++) {
            for (size_t c = 0; c < k; c++)
                row[c] = kt_matrix_at(&w->probs, i, c);
            double x = selector->score(row, (uint32_t)k, 0); /* larger, sooner; a margin comes as 1 - margin */
            key[i] = -nearbyint(x * 1e10);
            w->score[s][i] = s == MARGIN ? 1 - x : x;
            w->rank[s][i] = i;
        }
        kt_sort_places(w->rank[s], n, key);
    }
}

static void print(struct uncertainty *w)
{
    kt_out *o = &w->j->out;
    size_t n = w->probs.n_rows;
    if (o->look != KT_LOOK_JSON) {
        kt_buf_puts(&o->b, "item,entropy,margin,least_confidence\n");
        for (size_t i = 0; i < n; i++) {
            kt_out_field(o, true, kt_matrix_row(&w->probs, i, w->j->cli->arena));
            for (int s = 0; s < KINDS; s++)
                kt_out_field_f64(o, w->score[s][i]);
            kt_buf_char(&o->b, '\n');
            kt_out_flush(o, false);
        }
        return;
    }
    kt_out_open(o, NULL, '{');
    for (int s = 0; s < KINDS; s++)
        kt_out_f64s(o, kinds[s], w->score[s], n);
    for (int s = 0; s < KINDS; s++) {
        char name[40];
        snprintf(name, sizeof(name), "rank_%s", kinds[s]);
        kt_out_open(o, name, '[');
        for (size_t i = 0; i < n; i++)
            kt_out_u64(o, NULL, w->rank[s][i]);
        kt_out_close(o, ']');
    }
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    struct uncertainty w = { .j = j };
    KT_TRY(kt_matrix_file_read(j->predicted, "probs", j->cli->arena, &w.probs, err));
    kt_rc rc = check(&w.probs, err);
    if (rc < 0)
        kt_at(err, j->predicted, 0, NULL);
    else if (w.probs.n_columns > 0)
        measure(&w);
    if (rc == 0)
        print(&w);
    kt_matrix_file_done(&w.probs);
    return rc;
}

const kt_score_task kt_score_task_uncertainty = {
    .name = "uncertainty", .help = "entropy (nats), margin and least confidence of probabilities; needs no truth", .files = "PROBABILITIES", .alone = true, .run = run,
};
