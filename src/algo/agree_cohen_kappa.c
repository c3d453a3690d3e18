/* Cohen (1960, 1968): for two sources, with O the table of their labels, E the table expected from its margins and W the
   weights of disagreement, kappa = 1 - Σ W O / Σ W E; W is 0 on the diagonal and 1, |i - j| or (i - j)² off it.

   For more than two sources: the mean of kappa over pairs of sources, each pair weighed by the items it shares; pairs
   without variation are left out. The pairs of one source are counted at a time, so memory is sources × labels². The
   interval is given for two sources only: pairs of more are not independent of each other. */
#include "algo/agree.h"

#include "base/mem.h"

#include <math.h>

#define MAX_CELLS ((size_t)1 << 27)

struct pairs {
    const kt_votes *v;
    kt_cohen_weights weights;
    size_t *item_start, *item_order; /* votes by item, and their positions by source */
    size_t *source_start, *source_order;
    uint32_t *cell;    /* n_sources × K × K: label of the source at hand × label of the other */
    uint32_t *touched; /* other sources that share items with the one at hand */
    double *row, *col; /* margins */
};

static double disagree(kt_cohen_weights w, double i, double k)
{
    double d = fabs(i - k);
    return w == KT_COHEN_NONE ? d > 0 : w == KT_COHEN_LINEAR ? d : d * d;
}

static double margins(struct pairs *p, const uint32_t *cell)
{
    uint32_t k = p->v->n_labels;
    double n = 0;
    for (uint32_t c = 0; c < k; c++)
        p->row[c] = p->col[c] = 0;
    for (uint32_t a = 0; a < k; a++)
        for (uint32_t b = 0; b < k; b++) {
            p->row[a] += cell[(size_t)a * k + b];
            p->col[b] += cell[(size_t)a * k + b];
            n += cell[(size_t)a * k + b];
        }
    return n;
}

/* kappa of one table, NaN where undefined. *ret_n: its pairs. ret_squares (may be NULL): Σ psi² over the pairs, with
   psi_ab = -W_ab / B + A / B² (Σ_k W_ak col_k + Σ_k W_kb row_k) / n less its mean, A = Σ W O, B = Σ W E. */
static double kappa(struct pairs *p, const uint32_t *cell, double *ret_n, double *ret_squares)
{
    uint32_t k = p->v->n_labels;
    double n = *ret_n = margins(p, cell), seen = 0, expected = 0;
    for (uint32_t a = 0; a < k; a++)
        for (uint32_t b = 0; b < k; b++) {
            double w = disagree(p->weights, a, b);
            seen += w * cell[(size_t)a * k + b];
            expected += w * p->row[a] * p->col[b] / n;
        }
    if (!(expected > 0))
        return NAN;
    double *by_row = kt_zalloc_array(k, sizeof(double)), *by_col = kt_zalloc_array(k, sizeof(double)), sum = 0, squares = 0;
    for (uint32_t a = 0; ret_squares && a < k; a++)
        for (uint32_t b = 0; b < k; b++) {
            double w = disagree(p->weights, a, b);
            by_row[a] += w * p->col[b] / n;
            by_col[b] += w * p->row[a] / n;
        }
    for (uint32_t a = 0; ret_squares && a < k; a++)
        for (uint32_t b = 0; b < k; b++) {
            double psi = (-disagree(p->weights, a, b) + seen / expected * (by_row[a] + by_col[b])) / expected;
            sum += cell[(size_t)a * k + b] * psi;
            squares += cell[(size_t)a * k + b] * psi * psi;
        }
    if (ret_squares)
        *ret_squares = KT_MAX(squares - sum * sum / n, 0);
    kt_free(by_row);
    kt_free(by_col);
    return 1 - seen / expected;
}

/* Counts what source s said against what each later source said; returns how many of those there are. */
static size_t meet(struct pairs *p, uint32_t s)
{
    const kt_votes *v = p->v;
    size_t k = v->n_labels, kk = k * k, n = 0;
    for (size_t q = p->source_start[s]; q < p->source_start[s + 1]; q++) {
        size_t mine = p->source_order[q];
        uint32_t item = v->item[mine];
        if (v->label[mine] < 0)
            continue;
        for (size_t o = p->item_start[item]; o < p->item_start[item + 1]; o++) {
            size_t other = p->item_order[o];
            uint32_t t = v->source[other];
            if (t <= s || v->label[other] < 0)
                continue;
            if (!p->touched[t]) {
                p->touched[t] = 1;
                memset(p->cell + t * kk, 0, kk * sizeof(uint32_t));
                n++;
            }
            p->cell[t * kk + (size_t)v->label[mine] * k + (size_t)v->label[other]]++;
        }
    }
    return n;
}

static void evaluate(struct pairs *p, double *ret_value, double *ret_ci95)
{
    size_t kk = (size_t)p->v->n_labels * p->v->n_labels;
    double sum = 0, weight = 0, squares = 0, n = 0;
    for (uint32_t s = 0; s < p->v->n_sources; s++) {
        size_t left = meet(p, s);
        for (uint32_t t = s + 1; t < p->v->n_sources && left; t++) {
            if (!p->touched[t])
                continue;
            p->touched[t] = 0;
            left--;
            double value = kappa(p, p->cell + t * kk, &n, ret_ci95 && p->v->n_sources == 2 ? &squares : NULL);
            if (isnan(value))
                continue;
            sum += n * value;
            weight += n;
        }
    }
    *ret_value = weight > 0 ? sum / weight : NAN;
    if (!ret_ci95)
        return;
    ret_ci95[0] = ret_ci95[1] = NAN;
    if (p->v->n_sources == 2)
        kt_agree_interval(*ret_value, squares, weight, ret_ci95);
}

static const kt_cohen_opts defaults = { .weights = KT_COHEN_NONE };

static kt_rc measure(const kt_votes *v, const void *opt, kt_rng *rng, double *ret_value, double ret_ci95[2], kt_err *err)
{
    const kt_cohen_opts *o = opt ? opt : &defaults;
    (void)rng;
    KT_TRY(kt_votes_check(v, err));
    size_t kk = (size_t)v->n_labels * v->n_labels, s = v->n_sources;
    if (kk && s > MAX_CELLS / kk) {
        kt_fail(err, KT_LIMIT, "%zu sources with %u labels: their tables would not fit in memory", s, v->n_labels);
        return kt_hint(err, "krippendorff_alpha compares any number of sources");
    }
    struct pairs p = { .v = v, .weights = (kt_cohen_weights)o->weights };
    p.item_start = kt_alloc_array((size_t)v->n_items + 1, sizeof(size_t));
    p.item_order = kt_alloc_array(v->n, sizeof(size_t));
    p.source_start = kt_alloc_array(s + 1, sizeof(size_t));
    p.source_order = kt_alloc_array(v->n, sizeof(size_t));
    p.cell = kt_alloc_array(s * kk, sizeof(uint32_t));
    p.touched = kt_zalloc_array(s, sizeof(uint32_t));
    p.row = kt_alloc_array(v->n_labels, sizeof(double));
    p.col = kt_alloc_array(v->n_labels, sizeof(double));
    kt_votes by_source = *v;
    by_source.item = v->source;
    by_source.n_items = v->n_sources;
    kt_votes_by_item(v, p.item_start, p.item_order);
    kt_votes_by_item(&by_source, p.source_start, p.source_order);
    evaluate(&p, ret_value, ret_ci95);
    void *all[] = { p.item_start, p.item_order, p.source_start, p.source_order, p.cell, p.touched, p.row, p.col };
    for (size_t i = 0; i < KT_LEN(all); i++)
        kt_free(all[i]);
    return 0;
}

static const char *const weights[] = { "none", "linear", "quadratic", NULL };
static const kt_setting options[] = {
    { .name = "weights", .help = "what a disagreement costs by distance in the order of labels", .kind = KT_SET_CHOICE,
      .offset = offsetof(kt_cohen_opts, weights), .choice = weights },
    { .name = NULL },
};

const kt_agreement kt_agree_cohen_kappa = {
    .name = "cohen_kappa", .help = "two sources; mean over pairs for more (Cohen 1960, 1968)", .nominal = true,
    .options = options, .defaults = &defaults, .option_size = sizeof(defaults), .measure = measure,
};
