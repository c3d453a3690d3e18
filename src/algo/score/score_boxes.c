/* The COCO detection protocol (cocodataset.org, "detection evaluation"). Per category: detections of an image, best first,
   take the free truth of largest IoU at or above the threshold, real truth before regions that are to be ignored (crowds,
   or sizes outside the range asked for); matches with the ignored count neither way. Precision is made to fall with recall
   and read at 101 recall points. Categories do not know each other, so they run in parallel. */
#include "algo/score/score.h"

#include "base/mem.h"

#include <math.h>

enum { THRESHOLDS = 10, RECALLS = 101, MOST = 100, RANGES = 4, CUTS = 3 };
static const size_t cuts[CUTS] = { 1, 10, MOST };
static const double range[RANGES][2] = { { 0, 1e10 }, { 0, 1024 }, { 1024, 9216 }, { 9216, 1e10 } };

/* Sums of what is defined, and how much there was. */
struct mean {
    double sum, n;
};

struct category {
    struct mean ap[RANGES], ap50, ap75, ar[CUTS], ar_range[RANGES], iou;
};

struct pass {
    const kt_detections *p, *t;
    const size_t *p_start, *t_start; /* n_categories + 1 */
    const size_t *p_order, *t_order; /* by category, image, detections best first */
    struct category *category;
};

/* One detection's fate in one category and size range. */
struct fate {
    double score;
    uint32_t image, rank;       /* rank within its image */
    uint16_t hit, ignored;      /* bit per threshold */
    double iou;                 /* of its match at .5 */
};

struct scored {
    uint32_t image;
    double score;
    size_t at;
};

static double threshold(int t)
{
    return 0.5 + 0.05 * t;
}

static double recall_point(int r)
{
    return r * 0.01;
}

/* Detections d (best first) of one image against its truth; truth is ordered with the ignored last. */
static void match(const kt_detections *p, const size_t *d, size_t n_d, const kt_detections *t, const size_t *g, size_t n_g, const double size[2],
                  struct fate *ret)
{
    double *iou = kt_alloc_array(n_d * n_g + 1, sizeof(*iou));
    size_t *order = kt_alloc_array(n_g + 1, sizeof(*order)), real = 0, at = 0;
    uint8_t *taken = kt_alloc_array(n_g + 1, 1);
    for (int ignored = 0; ignored < 2; ignored++) {
        for (size_t j = 0; j < n_g; j++) {
            double area = t->box[g[j]].w * t->box[g[j]].h;
            if (((t->crowd && t->crowd[g[j]]) || area < size[0] || area > size[1]) == ignored)
                order[at++] = g[j];
        }
        real = ignored ? real : at;
    }
    for (size_t i = 0; i < n_d; i++)
        for (size_t j = 0; j < n_g; j++)
            iou[i * n_g + j] = kt_xywh_iou(p->box[d[i]], t->box[order[j]], t->crowd && t->crowd[order[j]]);
    for (int k = 0; k < THRESHOLDS; k++) {
        memset(taken, 0, n_g);
        for (size_t i = 0; i < n_d; i++) {
            double best = KT_MIN(threshold(k), 1 - 1e-10);
            size_t found = SIZE_MAX;
            for (size_t j = 0; j < n_g; j++) {
                if (taken[j] && !(t->crowd && t->crowd[order[j]]))
                    continue;
                if (found < real && j >= real)
                    break; /* a real match is better than an ignored one */
                if (iou[i * n_g + j] >= best) {
                    best = iou[i * n_g + j];
                    found = j;
                }
            }
            double area = p->box[d[i]].w * p->box[d[i]].h;
            bool ignored = found == SIZE_MAX ? area < size[0] || area > size[1] : found >= real;
            ret[i].hit |= (uint16_t)((found != SIZE_MAX) << k);
            ret[i].ignored |= (uint16_t)(ignored << k);
            if (found != SIZE_MAX)
                taken[found] = 1;
            if (k == 0)
                ret[i].iou = found < real ? best : NAN;
        }
    }
    kt_free(iou);
    kt_free(order);
    kt_free(taken);
}

static int best_first(const void *a, const void *b)
{
    const struct fate *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Final recall of the first `most` detections of each image, and with most = MOST the average precision, into *ret_ap. */
static double walk(const struct fate *f, size_t n, int k, size_t most, double n_truth, double *precision, double *recall, double *ret_ap)
{
    size_t m = 0;
    double hits = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        if (f[i].rank >= most)
            continue;
        bool ignored = f[i].ignored >> k & 1, hit = f[i].hit >> k & 1;
        hits += !ignored && hit;
        wrong += !ignored && !hit;
        recall[m] = hits / n_truth;
        precision[m++] = hits / (hits + wrong + 2.220446049250313e-16);
    }
    double last = m ? recall[m - 1] : 0, sum = 0;
    for (size_t i = m; i-- > 1;)
        precision[i - 1] = KT_MAX(precision[i - 1], precision[i]);
    size_t at = 0;
    for (int r = 0; ret_ap && r < RECALLS; r++) {
        while (at < m && recall[at] < recall_point(r))
            at++;
        sum += at < m ? precision[at] : 0;
    }
    if (ret_ap)
        *ret_ap = sum / RECALLS;
    return last;
}

static void add(struct mean *m, double x)
{
    m->sum += x;
    m->n++;
}

static void judge(struct category *c, int r, struct fate *f, size_t n, double n_truth)
{
    double *precision = kt_alloc_array(n + 1, sizeof(*precision)), *recall = kt_alloc_array(n + 1, sizeof(*recall)), ap;
    if (n)
        qsort(f, n, sizeof(*f), best_first);
    for (int k = 0; k < THRESHOLDS; k++) {
        double last = walk(f, n, k, MOST, n_truth, precision, recall, &ap);
        add(&c->ap[r], ap);
        add(&c->ar_range[r], last);
        if (r == 0 && k == 0)
            add(&c->ap50, ap);
        if (r == 0 && k == 5)
            add(&c->ap75, ap);
        for (int m = 0; r == 0 && m < CUTS; m++)
            add(&c->ar[m], walk(f, n, k, cuts[m], n_truth, precision, recall, NULL));
    }
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!isnan(f[i].iou))
            add(&c->iou, f[i].iou);
    kt_free(precision);
    kt_free(recall);
}

static void category_part(void *ctx, size_t number)
{
    struct pass *w = ctx;
    const size_t *d = w->p_order + w->p_start[number], *g = w->t_order + w->t_start[number];
    size_t n_d = w->p_start[number + 1] - w->p_start[number], n_g = w->t_start[number + 1] - w->t_start[number];
    struct fate *f = kt_alloc_array(n_d + 1, sizeof(*f));
    for (int r = 0; r < RANGES; r++) {
        size_t n = 0, j = 0;
        double n_truth = 0;
        for (size_t q = 0; q < n_g; q++) {
            double area = w->t->box[g[q]].w * w->t->box[g[q]].h;
            n_truth += !((w->t->crowd && w->t->crowd[g[q]]) || area < range[r][0] || area > range[r][1]);
        }
        for (size_t i = 0, to; i < n_d; i = to) {
            uint32_t image = w->p->image[d[i]];
            size_t from = n;
            for (to = i; to < n_d && w->p->image[d[to]] == image; to++)
                if (to - i < MOST)
                    f[n++] = (struct fate){ .score = w->p->score[d[to]], .image = image, .rank = (uint32_t)(to - i), .iou = NAN };
            while (j < n_g && w->t->image[g[j]] < image)
                j++;
            size_t end = j;
            while (end < n_g && w->t->image[g[end]] == image)
                end++;
            match(w->p, d + i, n - from, w->t, g + j, end - j, range[r], f + from);
        }
        if (n_truth > 0)
            judge(&w->category[number], r, f, n, n_truth);
    }
    kt_free(f);
}

static int by_image(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Positions by category, within it by image, best score first, then as given. */
static void sort_boxes(const kt_detections *d, uint32_t n_categories, size_t *start, size_t *order)
{
    struct scored *s = kt_alloc_array(d->n + 1, sizeof(*s));
    for (size_t i = 0; i < d->n; i++)
        start[d->category[i] + 1]++;
    for (uint32_t c = 0; c < n_categories; c++)
        start[c + 1] += start[c];
    size_t *at = kt_alloc_array((size_t)n_categories + 1, sizeof(*at));
    memcpy(at, start, ((size_t)n_categories + 1) * sizeof(*at));
    for (size_t i = 0; i < d->n; i++)
        s[at[d->category[i]]++] = (struct scored){ d->image[i], d->score ? d->score[i] : 0, i };
    for (uint32_t c = 0; c < n_categories; c++)
        if (start[c + 1] > start[c])
            qsort(s + start[c], start[c + 1] - start[c], sizeof(*s), by_image);
    for (size_t i = 0; i < d->n; i++)
        order[i] = s[i].at;
    kt_free(at);
    kt_free(s);
}

static kt_rc check(const kt_detections *d, const char *what, uint32_t n_images, uint32_t n_categories, kt_err *err)
{
    for (size_t i = 0; i < d->n; i++) {
        if (d->image[i] >= n_images || d->category[i] >= n_categories)
            return kt_fail(err, KT_RANGE, "%s %zu: image %u of %u, category %u of %u", what, i, d->image[i], n_images, d->category[i], n_categories);
        KT_TRY(kt_xywh_check(d->box[i], what, i, err));
        if (d->score && !isfinite(d->score[i]))
            return kt_fail(err, KT_RANGE, "%s %zu: its score is no number", what, i);
    }
    return 0;
}

static void merge(struct mean *to, struct mean from)
{
    to->sum += from.sum;
    to->n += from.n;
}

static double value(struct mean m)
{
    return m.n > 0 ? m.sum / m.n : NAN;
}

static void summarise(const struct category *c, uint32_t n, kt_arena *a, kt_map_score *ret)
{
    struct category all = { 0 };
    *ret = (kt_map_score){ .ap_of = kt_arena_array(a, n + 1, sizeof(double)), .ap50_of = kt_arena_array(a, n + 1, sizeof(double)) };
    for (uint32_t k = 0; k < n; k++) {
        for (int r = 0; r < RANGES; r++) {
            merge(&all.ap[r], c[k].ap[r]);
            merge(&all.ar_range[r], c[k].ar_range[r]);
        }
        for (int m = 0; m < CUTS; m++)
            merge(&all.ar[m], c[k].ar[m]);
        merge(&all.ap50, c[k].ap50);
        merge(&all.ap75, c[k].ap75);
        merge(&all.iou, c[k].iou);
        ret->ap_of[k] = value(c[k].ap[0]);
        ret->ap50_of[k] = value(c[k].ap50);
    }
    ret->ap = value(all.ap[0]);
    ret->ap50 = value(all.ap50);
    ret->ap75 = value(all.ap75);
    ret->ap_small = value(all.ap[1]);
    ret->ap_medium = value(all.ap[2]);
    ret->ap_large = value(all.ap[3]);
    ret->ar1 = value(all.ar[0]);
    ret->ar10 = value(all.ar[1]);
    ret->ar100 = value(all.ar[2]);
    ret->ar_small = value(all.ar_range[1]);
    ret->ar_medium = value(all.ar_range[2]);
    ret->ar_large = value(all.ar_range[3]);
    ret->matched_iou = value(all.iou);
}

kt_rc kt_score_boxes(const kt_detections *predicted, const kt_detections *truth, uint32_t n_images, uint32_t n_categories, kt_pool *pool,
                     kt_arena *a, kt_map_score *ret, kt_err *err)
{
    KT_TRY(check(predicted, "detection", n_images, n_categories, err));
    KT_TRY(check(truth, "true box", n_images, n_categories, err));
    size_t *p_start = kt_zalloc_array((size_t)n_categories + 1, sizeof(size_t)), *t_start = kt_zalloc_array((size_t)n_categories + 1, sizeof(size_t));
    size_t *p_order = kt_alloc_array(predicted->n + 1, sizeof(size_t)), *t_order = kt_alloc_array(truth->n + 1, sizeof(size_t));
    struct pass w = { predicted, truth, p_start, t_start, p_order, t_order, kt_zalloc_array((size_t)n_categories + 1, sizeof(struct category)) };
    sort_boxes(predicted, n_categories, p_start, p_order);
    sort_boxes(truth, n_categories, t_start, t_order);
    kt_pool_run(pool, n_categories, category_part, &w);
    summarise(w.category, n_categories, a, ret);
    void *all[] = { p_start, t_start, p_order, t_order, w.category };
    for (size_t i = 0; i < KT_LEN(all); i++)
        kt_free(all[i]);
    return 0;
}
