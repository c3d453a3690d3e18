/* Pruning by the joint, label by label. The cut for label k and true label j is the joint's number of items from the top of
   the margins p[j] - p[k]. A sample of k's items tells about where it lies, so that one pass over the rows keeps only what is
   near or above it, for all j at once; should the sample have been wrong, that j is done again with all items. Equal margins
   at a cut are all suspects, equal self-confidences at a cut are none, as in cleanlab. */
#include "algo/errors/errors_int.h"
#include "algo/nth.h"

#include "base/mem.h"

#include <math.h>

enum { BY_NOISE = 1, BY_CLASS = 2, LIKELIEST = 4 }; /* marks; the last of items whose label is the likeliest anyway */
enum { SAMPLE = 1024, SAMPLED_ABOVE = 4096 }; /* rows of a label; smaller labels are taken whole */
enum { AHEAD = 12 };                          /* rows fetched before they are needed: a label's rows lie far apart */

#define MOST_PARTS 32
#define PART_ROWS 16384
#define PARTS_COUNTS ((size_t)1 << 20)

struct prune {
    const kt_label_probs *d;
    const kt_confident *c;
    const int64_t *count; /* items to prune, label × true label */
    size_t *start;        /* n_labels + 1: items of each label in order */
    uint32_t *order;
    double *own;          /* by place in order: probability of the item's label */
    size_t parts, *at;    /* parts × n_labels: where a part puts its next item of a label */
    int want;             /* marks a suspect has, no others */
    uint8_t *mark;        /* by item */
};

/* What is near or above the cut of one true label. */
struct candidate {
    double margin;
    uint32_t item;
};

struct column {
    uint32_t truth;
    size_t prune;
    double least; /* margins below are not kept */
    KT_VEC(struct candidate) kept;
};

/* Numbers of items to prune, by (label, true label): the joint, where every label keeps one item at the cost of the others. */
static int64_t *prune_counts(const kt_confident *c)
{
    uint32_t k = c->n_labels;
    double *x = kt_alloc_array((size_t)k * k + 1, sizeof(*x));
    int64_t *ret = kt_alloc_array((size_t)k * k + 1, sizeof(*ret));
    for (uint32_t a = 0; a < k; a++) {
        const int64_t *row = c->joint + (size_t)a * k;
        double others = -1, raise = (double)KT_MAX(row[a], 1) - (double)row[a];
        for (uint32_t b = 0; b < k; b++)
            others += row[b] != 0;
        for (uint32_t b = 0; b < k; b++)
            x[(size_t)a * k + b] = KT_MAX((double)row[b] - raise / KT_MAX(others, 1), 0);
        x[(size_t)a * k + a] = (double)row[a] + raise;
    }
    for (uint32_t b = 0; b < k; b++) /* the true labels keep their totals */
        kt_round_keeping_sum(x + b, k, k, ret + b);
    kt_free(x);
    return ret;
}

static void collect(const struct prune *w, uint32_t label, struct column *column, size_t n_columns, double *buf)
{
    double least = INFINITY;
    for (size_t c = 0; c < n_columns; c++) {
        column[c].kept.n = 0;
        least = KT_MIN(least, column[c].least);
    }
    for (size_t q = w->start[label]; q < w->start[label + 1]; q++) {
        if (w->own[q] > KT_CLEARLY_LIKELIEST && least > 0) /* all its margins are below 0 */
            continue;
        if (q + AHEAD < w->start[label + 1])
            __builtin_prefetch((const char *)w->d->prob + w->order[q + AHEAD] * w->d->row_stride);
        const double *p = kt_probs_row(w->d, w->order[q], buf);
        for (size_t c = 0; c < n_columns; c++) {
            double margin = p[column[c].truth] - w->own[q];
            if (margin >= column[c].least)
                KT_PUSH(&column[c].kept, (struct candidate){ margin, w->order[q] });
        }
    }
}

/* A margin that about a quarter more items reach than are to be pruned, from every step-th item. */
static double guess(const struct prune *w, uint32_t label, const struct column *c, double *v, double *buf)
{
    size_t n = w->start[label + 1] - w->start[label], step = n / SAMPLE, m = 0;
    for (size_t q = w->start[label]; q < w->start[label + 1]; q += step)
        v[m++] = kt_probs_row(w->d, w->order[q], buf)[c->truth] - w->own[q];
    size_t rank = (size_t)(1.25 * (double)c->prune / (double)n * (double)m) + 8;
    return rank >= m ? -INFINITY : kt_nth_smallest(v, m, m - 1 - rank);
}

static void mark_column(const struct prune *w, const struct column *c)
{
    size_t n = c->kept.n;
    double *v = kt_alloc_array(n + 1, sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = c->kept.v[i].margin;
    double cut = kt_nth_smallest(v, n, n - c->prune);
    for (size_t i = 0; i < n; i++)
        if (c->kept.v[i].margin >= cut)
            w->mark[c->kept.v[i].item] |= BY_NOISE;
    kt_free(v);
}

static void mark_noise(const struct prune *w, uint32_t label, double *buf)
{
    uint32_t k = w->c->n_labels;
    size_t n = w->start[label + 1] - w->start[label], m = 0;
    struct column *column = kt_zalloc_array(k, sizeof(*column));
    double *v = kt_alloc_array(2 * SAMPLE + 2, sizeof(*v));
    for (uint32_t truth = 0; truth < k && n > 0; truth++) {
        int64_t prune = w->count[(size_t)label * k + truth];
        if (truth != label && prune > 0 && w->c->count[truth] > 1)
            column[m++] = (struct column){ .truth = truth, .prune = KT_MIN((size_t)prune, n), .least = -INFINITY };
    }
    size_t together = n > SAMPLED_ABOVE ? m : 1; /* small labels: one column after the other, so that memory stays small */
    for (size_t c = 0; c < m && n > SAMPLED_ABOVE; c++)
        column[c].least = guess(w, label, &column[c], v, buf);
    for (size_t c = 0; c < m; c += together) {
        collect(w, label, column + c, together, buf);
        for (size_t i = c; i < c + together; i++) {
            if (column[i].kept.n < column[i].prune) {
                column[i].least = -INFINITY;
                collect(w, label, column + i, 1, buf);
            }
            mark_column(w, &column[i]);
            KT_VEC_DONE(&column[i].kept);
        }
    }
    kt_free(column);
    kt_free(v);
}

static void mark_class(const struct prune *w, uint32_t label)
{
    size_t from = w->start[label], n = w->start[label + 1] - from;
    int64_t keep = w->count[(size_t)label * w->c->n_labels + label];
    if (n < 2 || keep < 1 || (size_t)keep > n)
        return;
    double *v = kt_alloc_array(n, sizeof(*v));
    memcpy(v, w->own + from, n * sizeof(*v));
    double cut = kt_nth_smallest(v, n, n - (size_t)keep);
    for (size_t q = from; q < from + n; q++)
        if (w->own[q] < cut)
            w->mark[w->order[q]] |= BY_CLASS;
    kt_free(v);
}

static void prune_label(void *ctx, size_t label)
{
    struct prune *w = ctx;
    double *buf = kt_alloc_array(w->c->n_labels, sizeof(*buf));
    if (w->want & BY_NOISE)
        mark_noise(w, (uint32_t)label, buf);
    if (w->want & BY_CLASS)
        mark_class(w, (uint32_t)label);
    kt_free(buf);
}

static size_t cut_at(const struct prune *w, size_t part)
{
    return w->d->n / w->parts * part + KT_MIN(part, w->d->n % w->parts);
}

static void count_part(void *ctx, size_t part)
{
    struct prune *w = ctx;
    size_t *at = w->at + part * w->c->n_labels;
    for (size_t i = cut_at(w, part), to = cut_at(w, part + 1); i < to; i++)
        at[w->d->label[i]]++;
}

/* Puts the items in order by label, and looks at their rows while they come one after the other. */
static void sort_part(void *ctx, size_t part)
{
    struct prune *w = ctx;
    uint32_t k = w->c->n_labels;
    size_t *at = w->at + part * k;
    double *buf = kt_alloc_array((size_t)k + 1, sizeof(*buf));
    for (size_t i = cut_at(w, part), to = cut_at(w, part + 1); i < to; i++) {
        const double *p = kt_probs_row(w->d, i, buf);
        uint32_t l = (uint32_t)w->d->label[i];
        size_t place = at[l]++;
        w->order[place] = (uint32_t)i;
        w->own[place] = p[l];
        w->mark[i] = kt_probs_likeliest(p, l, k) ? LIKELIEST : 0;
    }
    kt_free(buf);
}

static void sort_by_label(struct prune *w, kt_pool *pool)
{
    uint32_t k = w->c->n_labels;
    size_t sum = 0;
    w->parts = KT_MAX(KT_MIN(KT_MIN(w->d->n / PART_ROWS + 1, MOST_PARTS), PARTS_COUNTS / (k + 1)), 1);
    w->at = kt_zalloc_array(w->parts, (k + 1) * sizeof(*w->at));
    w->start = kt_alloc_array((size_t)k + 1, sizeof(*w->start));
    kt_pool_run(pool, w->parts, count_part, w);
    for (uint32_t l = 0; l < k; l++) {
        w->start[l] = sum;
        for (size_t p = 0; p < w->parts; p++) {
            size_t n = w->at[p * k + l];
            w->at[p * k + l] = sum;
            sum += n;
        }
    }
    w->start[k] = sum;
    kt_pool_run(pool, w->parts, sort_part, w);
    kt_free(w->at);
}

size_t kt_confident_prune(const kt_label_probs *d, const kt_confident *c, kt_error_filter f, kt_pool *pool, uint8_t *ret_issue)
{
    size_t found = 0;
    int64_t *count = prune_counts(c);
    struct prune w = { .d = d, .c = c, .count = count, .mark = ret_issue, .order = kt_alloc_array(d->n + 1, sizeof(uint32_t)),
                       .own = kt_alloc_array(d->n + 1, sizeof(double)) };
    w.want = f == KT_FILTER_PRUNE_BY_NOISE_RATE ? BY_NOISE : f == KT_FILTER_PRUNE_BY_CLASS ? BY_CLASS : BY_NOISE | BY_CLASS;
    sort_by_label(&w, pool);
    kt_pool_run(pool, c->n_labels, prune_label, &w);
    for (size_t i = 0; i < d->n; i++)
        found += ret_issue[i] = ret_issue[i] == w.want;
    kt_free(w.start);
    kt_free(w.order);
    kt_free(w.own);
    kt_free(count);
    return found;
}
