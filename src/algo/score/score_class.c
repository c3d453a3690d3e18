#include "algo/score/score.h"

#include "algo/stats.h"
#include "base/limits.h"
#include "base/mem.h"

#include <math.h>

#define PART_ROWS 8192
#define CLIP 1e-15
#define ROW_SUM_TOLERANCE 0.01 /* as where label errors are looked for */

struct bin {
    double n, score, right;
};

struct part {
    double log_loss, brier;
    struct bin bin[KT_ECE_BINS];
    size_t bad; /* first wrong row + 1 */
};

struct pass {
    const kt_class_predictions *p;
    struct part *part;
    int32_t *label; /* n: likeliest; NULL: they were given */
};

/* Bins are (b / 15, (b + 1) / 15]; the first also holds 0. */
static int bin_of(double score)
{
    int b = (int)(score * KT_ECE_BINS);
    b = KT_MIN(b, KT_ECE_BINS - 1);
    while (b > 0 && score <= (double)b / KT_ECE_BINS)
        b--;
    return b;
}

static bool take_row(const struct pass *w, size_t i, struct part *t)
{
    uint32_t k = w->p->n_labels, best = 0;
    const double *row = w->p->prob + i * k;
    double sum = 0, whole = 0, brier = 0;
    bool inside = true;
    for (uint32_t c = 0; c < k; c++) {
        whole += row[c];
        double d = row[c] - ((int32_t)c == w->p->truth[i]);
        inside &= (row[c] >= 0) & (row[c] <= 1);
        best = row[c] > row[best] ? c : best;
        sum += KT_MIN(KT_MAX(row[c], CLIP), 1 - CLIP);
        brier += d * d;
    }
    if (!inside || !(fabs(whole - 1) <= ROW_SUM_TOLERANCE) || w->p->truth[i] < 0 || (uint32_t)w->p->truth[i] >= k)
        return false;
    double mine = KT_MIN(KT_MAX(row[w->p->truth[i]], CLIP), 1 - CLIP);
    struct bin *b = &t->bin[bin_of(row[best])];
    t->log_loss -= log(mine / sum);
    t->brier += brier;
    b->n++;
    b->score += row[best];
    b->right += (int32_t)best == w->p->truth[i];
    if (w->label)
        w->label[i] = (int32_t)best;
    return true;
}

static void take_part(void *ctx, size_t part)
{
    struct pass *w = ctx;
    struct part *t = &w->part[part];
    for (size_t i = part * PART_ROWS; i < KT_MIN(w->p->n, (part + 1) * PART_ROWS); i++)
        if (!take_row(w, i, t)) {
            t->bad = i + 1;
            return;
        }
}

static kt_rc bad_row(const kt_class_predictions *p, size_t i, kt_err *err)
{
    if (p->truth[i] < 0 || (uint32_t)p->truth[i] >= p->n_labels)
        return kt_fail(err, KT_RANGE, "item %zu: its true label is %d of %u labels", i, p->truth[i], p->n_labels);
    if (p->label && (p->label[i] < 0 || (uint32_t)p->label[i] >= p->n_labels))
        return kt_fail(err, KT_RANGE, "item %zu: its predicted label is %d of %u labels", i, p->label[i], p->n_labels);
    const double *row = p->prob + i * p->n_labels;
    double sum = 0;
    for (uint32_t c = 0; c < p->n_labels; c++) {
        if (!(row[c] >= 0 && row[c] <= 1))
            return kt_fail(err, KT_RANGE, "item %zu: probability of label %u is %g; expected a number from 0 to 1", i, c, row[c]);
        sum += row[c];
    }
    kt_fail(err, KT_RANGE, "item %zu: its probabilities sum to %g, not to 1", i, sum);
    return kt_hint(err, "divide each row by its sum; scores before a softmax are no probabilities");
}

static kt_rc read_probabilities(struct pass *w, kt_pool *pool, kt_class_score *ret, kt_err *err)
{
    const kt_class_predictions *p = w->p;
    size_t parts = (p->n + PART_ROWS - 1) / PART_ROWS;
    struct bin bin[KT_ECE_BINS] = { { 0 } };
    kt_rc rc = 0;
    w->part = kt_zalloc_array(parts + 1, sizeof(*w->part));
    kt_pool_run(pool, parts, take_part, w);
    ret->log_loss = ret->brier = 0;
    for (size_t t = 0; t < parts && rc == 0; t++) {
        if (w->part[t].bad)
            rc = bad_row(p, w->part[t].bad - 1, err);
        ret->log_loss += w->part[t].log_loss / (double)p->n;
        ret->brier += w->part[t].brier / (double)p->n;
        for (int b = 0; b < KT_ECE_BINS; b++) {
            bin[b].n += w->part[t].bin[b].n;
            bin[b].score += w->part[t].bin[b].score;
            bin[b].right += w->part[t].bin[b].right;
        }
    }
    kt_free(w->part);
    ret->ece = ret->mce = 0;
    for (int b = 0; b < KT_ECE_BINS; b++) {
        double gap = bin[b].n > 0 ? fabs(bin[b].right - bin[b].score) / bin[b].n : 0;
        ret->ece += gap * bin[b].n / (double)p->n;
        ret->mce = KT_MAX(ret->mce, gap);
    }
    return rc;
}

static double ratio(double above, double below)
{
    return below > 0 ? above / below : 0;
}

/* Covariance of truth and prediction over the root of their variances, all of indicator vectors. */
static double matthews(const kt_class_score *s, const double *said, uint32_t k, double right, double n)
{
    double both = right * n, truth = n * n, predicted = n * n;
    for (uint32_t c = 0; c < k; c++) {
        both -= (double)s->support[c] * said[c];
        truth -= (double)s->support[c] * (double)s->support[c];
        predicted -= said[c] * said[c];
    }
    return truth > 0 && predicted > 0 ? both / sqrt(truth) / sqrt(predicted) : 0;
}

static void work_out(const kt_class_predictions *p, kt_arena *a, kt_class_score *s)
{
    uint32_t k = p->n_labels, occur = 0;
    double *said = kt_arena_array(a, k + 1, sizeof(*said)), right = 0, n = (double)p->n, recalls = 0;
    for (uint32_t t = 0; t < k; t++) {
        right += (double)s->confusion[(size_t)t * k + t];
        for (uint32_t c = 0; c < k; c++) {
            s->support[t] += s->confusion[(size_t)t * k + c];
            said[c] += (double)s->confusion[(size_t)t * k + c];
        }
    }
    s->f1_macro = s->f1_weighted = 0;
    for (uint32_t c = 0; c < k; c++) {
        double hit = (double)s->confusion[(size_t)c * k + c], truth = (double)s->support[c];
        s->precision[c] = ratio(hit, said[c]);
        s->recall[c] = ratio(hit, truth);
        s->f1[c] = ratio(2 * hit, said[c] + truth);
        s->f1_macro += s->f1[c] / k;
        s->f1_weighted += s->f1[c] * truth / n;
        recalls += s->recall[c];
        occur += truth > 0;
    }
    s->accuracy = s->f1_micro = right / n;
    kt_clopper_pearson((uint64_t)right, p->n, 0.95, s->accuracy_ci95);
    s->balanced_accuracy = recalls / occur;
    s->mcc = matthews(s, said, k, right, n);
}

kt_rc kt_score_classes(const kt_class_predictions *p, kt_pool *pool, kt_arena *a, kt_class_score *ret, kt_err *err)
{
    uint32_t k = p->n_labels;
    if (k > KT_MAX_LABELS)
        return kt_fail(err, KT_LIMIT, "%u labels; up to %d", k, KT_MAX_LABELS);
    kt_class_score s = { NAN, { NAN, NAN }, NAN, NAN, NAN, NAN, NAN, .log_loss = NAN, .brier = NAN, .ece = NAN, .mce = NAN };
    s.precision = kt_arena_array(a, k + 1, sizeof(double));
    s.recall = kt_arena_array(a, k + 1, sizeof(double));
    s.f1 = kt_arena_array(a, k + 1, sizeof(double));
    s.support = kt_arena_array(a, k + 1, sizeof(uint64_t));
    s.confusion = kt_arena_array(a, (size_t)k * k + 1, sizeof(uint64_t));
    struct pass w = { .p = p, .label = p->label ? NULL : kt_alloc_array(p->n + 1, sizeof(int32_t)) };
    const int32_t *label = p->label ? p->label : w.label;
    kt_rc rc = p->prob && p->n && k ? read_probabilities(&w, pool, &s, err) : 0;
    for (size_t i = 0; i < p->n && rc == 0; i++) {
        if (p->truth[i] < 0 || (uint32_t)p->truth[i] >= k || label[i] < 0 || (uint32_t)label[i] >= k)
            rc = bad_row(p, i, err);
        else
            s.confusion[(size_t)p->truth[i] * k + (size_t)label[i]]++;
    }
    kt_free(w.label);
    if (rc == 0 && p->n)
        work_out(p, a, &s);
    if (rc == 0)
        *ret = s;
    return rc;
}
