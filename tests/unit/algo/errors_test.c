/* Label errors. Checked against planted truth (noise, error rates, changes, copiers, spammers), coverage of intervals by
   simulation, and definitions worked out by hand. The stored answers of cleanlab are in tests/reference. */
#include "algo/errors/errors.h"
#include "algo/errors/errors_outliers.h"
#include "algo/errors/errors_rate.h"
#include "algo/errors/errors_sources.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

/* n items of k labels, each given label wrong with chance noise (then the next one), and a model of the given sharpness. */
struct planted {
    int32_t *truth, *label;
    double *prob;
    float *narrow;
};

static struct planted plant(size_t n, uint32_t k, double noise, double sharp, uint64_t seed)
{
    struct planted p = { kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(n * k, sizeof(double)), kt_alloc_array(n * k, sizeof(float)) };
    kt_rng r = kt_rng_keyed(seed, n, k);
    for (size_t i = 0; i < n; i++) {
        double sum = 0, *row = p.prob + i * k;
        p.truth[i] = (int32_t)kt_rng_below(&r, k);
        p.label[i] = kt_rng_unit(&r) < noise ? (int32_t)(((uint32_t)p.truth[i] + 1) % k) : p.truth[i];
        for (uint32_t c = 0; c < k; c++) {
            row[c] = exp(kt_rng_normal(&r) + ((int32_t)c == p.truth[i] ? sharp : 0));
            sum += row[c];
        }
        for (uint32_t c = 0; c < k; c++) {
            p.narrow[i * k + c] = (float)(row[c] / sum);
            row[c] = (double)p.narrow[i * k + c];
        }
    }
    return p;
}

static void planted_free(struct planted *p)
{
    kt_free(p->truth);
    kt_free(p->label);
    kt_free(p->prob);
    kt_free(p->narrow);
}

static kt_label_probs doubles(const struct planted *p, size_t n, uint32_t k)
{
    return (kt_label_probs){ .n = n, .n_labels = k, .label = p->label, .prob = p->prob, .row_stride = k * sizeof(double) };
}

/* The joint shows the planted noise, every filter finds errors far better than chance; float rows and any pool say the same. */
static void planted_noise(void **state)
{
    (void)state;
    enum { N = 60000, K = 5 };
    struct planted p = plant(N, K, 0.15, 4, 1);
    kt_label_probs d = doubles(&p, N, K), f = d;
    f.prob = p.narrow;
    f.floats = true;
    f.row_stride = K * sizeof(float);
    kt_arena a = KT_ARENA_INIT;
    kt_pool *pool = kt_pool_new(3);
    kt_confident c, again;
    assert_int_equal(kt_confident_fit(&d, NULL, &a, &c, NULL), 0);
    assert_int_equal(kt_confident_fit(&f, pool, &a, &again, NULL), 0);
    assert_memory_equal(c.joint, again.joint, K * K * sizeof(*c.joint));
    assert_memory_equal(c.threshold, again.threshold, K * sizeof(double));
    for (uint32_t k = 0; k < K; k++) {
        int64_t row = 0;
        for (uint32_t j = 0; j < K; j++)
            row += c.joint[k * K + j];
        assert_int_equal(row, c.count[k]);
        double share = (double)c.joint[k * K + (k + K - 1) % K] / (double)c.count[k]; /* label k that should be k - 1 */
        kt_assert_close(share, 0.15, 0.02);
    }
    uint8_t *one = kt_alloc(N), *two = kt_alloc(N);
    size_t wrong = 0, n, m;
    for (size_t i = 0; i < N; i++)
        wrong += p.label[i] != p.truth[i];
    for (int q = 0; q < KT_FILTER__COUNT; q++) {
        kt_confident_issues(&d, &c, (kt_error_filter)q, NULL, one, &n);
        kt_confident_issues(&f, &c, (kt_error_filter)q, pool, two, &m);
        assert_int_equal(n, m);
        assert_memory_equal(one, two, N);
        double hits = 0;
        for (size_t i = 0; i < N; i++)
            hits += one[i] && p.label[i] != p.truth[i];
        if (hits / (double)n < 0.85 || hits / (double)wrong < 0.75)
            fail_msg("%s: precision %g, recall %g", kt_error_filter_names[q], hits / (double)n, hits / (double)wrong);
    }
    kt_free(one);
    kt_free(two);
    planted_free(&p);
    kt_pool_free(pool);
    kt_arena_done(&a);
}

static void bad_probabilities(void **state)
{
    (void)state;
    int32_t label[3] = { 0, 1, 0 };
    double prob[6] = { 0.9, 0.1, 0.2, 0.8, 0.5, 0.5 };
    kt_label_probs d = { 3, 2, label, prob, false, 2 * sizeof(double) };
    kt_err err = { 0 };
    assert_int_equal(kt_label_probs_check(&d, NULL, NULL), 0);
    static const double wrong[] = { NAN, INFINITY, -0.1, 1.1 };
    for (size_t i = 0; i < KT_LEN(wrong); i++) {
        prob[3] = wrong[i];
        assert_int_equal(kt_label_probs_check(&d, NULL, &err), KT_RANGE);
        assert_non_null(strstr(err.what, "item 1"));
    }
    prob[3] = 0.5;
    assert_int_equal(kt_label_probs_check(&d, NULL, &err), KT_RANGE);
    assert_non_null(strstr(err.what, "sum to 0.7"));
    prob[3] = 0.8;
    label[2] = 2;
    assert_int_equal(kt_label_probs_check(&d, NULL, &err), KT_RANGE);
    label[2] = -1;
    assert_int_equal(kt_label_probs_check(&d, NULL, &err), KT_RANGE);
    d.n_labels = 0;
    assert_int_equal(kt_label_probs_check(&d, NULL, NULL), KT_RANGE);
    d.n = 0;
    kt_arena a = KT_ARENA_INIT;
    kt_confident c;
    size_t n = 1;
    assert_int_equal(kt_confident_fit(&d, NULL, &a, &c, NULL), 0);
    for (int q = 0; q < KT_FILTER__COUNT; q++) {
        kt_confident_issues(&d, &c, (kt_error_filter)q, NULL, NULL, &n);
        assert_int_equal(n, 0);
    }
    kt_arena_done(&a);
}

static void scores_by_hand(void **state)
{
    (void)state;
    uint8_t given[4] = { 1, 0, 1, 1 };
    double p[4] = { 0.9, 0.3, 0.2, 0.6 }, ret[2], score[5] = { 0.9, 0.1, 0.5, 0.7, 0.2 };
    assert_int_equal(kt_multilabel_quality(given, p, 2, 2, ret, NULL), 0);
    kt_assert_close(ret[0], 0.8 * 0.7 + 0.2 * 0.9, 1e-12); /* self-confidences .9 and .7 */
    kt_assert_close(ret[1], 0.8 * 0.2 + 0.2 * 0.6, 1e-12);
    p[1] = -0.5;
    assert_int_equal(kt_multilabel_quality(given, p, 2, 2, ret, NULL), KT_RANGE);
    size_t start[4] = { 0, 3, 3, 5 };
    double group[3];
    kt_group_quality(score, start, 3, 0, group);
    assert_true(group[0] == 0.1 && group[1] == 1 && group[2] == 0.2);
    kt_group_quality(score, start, 3, 0.05, group);
    double w[2] = { exp((1 - 0.7) / 0.05), exp((1 - 0.2) / 0.05) };
    kt_assert_close(group[2], (0.7 * w[0] + 0.2 * w[1]) / (w[0] + w[1]), 1e-12);
    double y[6] = { 1, 2, 3, 4, 5, 60 }, guess[6] = { 1.1, 1.9, 3.2, 3.9, 5.1, 6 }, z[6];
    assert_int_equal(kt_value_errors(y, guess, 6, z, NULL), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(fabs(z[i]) > 3.5, i == 5);
    y[0] = NAN;
    assert_int_equal(kt_value_errors(y, guess, 6, z, NULL), KT_RANGE);
    int32_t label[8] = { 1, 1, 2, 0, 0, 1, -1, 3 };
    int64_t cluster[8] = { 5, 5, 5, 9, -1, 9, 5, 7 };
    static const uint8_t want[8] = { 0, 0, 1, 1, 0, 1, 0, 0 }; /* outvoted in 5; one to one in 9 */
    uint8_t issue[8];
    size_t n;
    assert_int_equal(kt_duplicate_errors(label, cluster, 8, issue, &n, NULL), 0);
    assert_memory_equal(issue, want, 8);
    assert_int_equal(n, 3);
}

/* Coverage of the three error rates over 2,000 planted audits. */
static void rates_cover(void **state)
{
    (void)state;
    enum { RUNS = 2000, STRATA = 4, N = 200 };
    static const double rate[STRATA] = { 0.02, 0.05, 0.1, 0.3 };
    static const uint64_t size[STRATA] = { 50000, 20000, 8000, 2000 };
    static const size_t checked[STRATA] = { 60, 60, 50, 30 };
    double truth = 0, total = 80000;
    for (int h = 0; h < STRATA; h++)
        truth += rate[h] * (double)size[h] / total;
    int covered[3] = { 0, 0, 0 };
    kt_error_rate r;
    for (uint64_t run = 0; run < RUNS; run++) {
        kt_rng g = kt_rng_keyed(run, 3, 3);
        uint8_t wrong[N];
        uint32_t stratum[N];
        double chance[N];
        size_t n = 0;
        for (uint32_t h = 0; h < STRATA; h++)
            for (size_t i = 0; i < checked[h]; i++, n++) {
                wrong[n] = kt_rng_unit(&g) < rate[h];
                stratum[n] = h;
            }
        assert_int_equal(kt_error_rate_stratified(wrong, stratum, n, size, STRATA, &r, NULL), 0);
        covered[0] += r.ci95[0] <= truth && truth <= r.ci95[1];
        for (size_t i = 0; i < N; i++) { /* suspects are drawn five times as often: stratum by size × chance */
            double weight[STRATA], sum = 0;
            for (int h = 0; h < STRATA; h++)
                sum += weight[h] = (double)size[h] * (h >= 2 ? 5 : 1);
            double u = kt_rng_unit(&g) * sum;
            int h = 0;
            while (h < STRATA - 1 && u >= weight[h])
                u -= weight[h++];
            wrong[i] = kt_rng_unit(&g) < rate[h];
            chance[i] = h >= 2 ? 5 : 1;
        }
        assert_int_equal(kt_error_rate_weighted(wrong, chance, N, &r, NULL), 0);
        covered[1] += r.ci95[0] <= truth && truth <= r.ci95[1];
        for (size_t i = 0; i < N; i++)
            wrong[i] = kt_rng_unit(&g) < truth;
        kt_error_rate_of(wrong, N, &r);
        covered[2] += r.ci95[0] <= truth && truth <= r.ci95[1];
    }
    for (int i = 0; i < 3; i++)
        if (covered[i] < 0.93 * RUNS)
            fail_msg("estimator %d: %d of %d intervals cover", i, covered[i], RUNS);
}

static void rates_at_the_edges(void **state)
{
    (void)state;
    kt_error_rate r;
    kt_error_rate_of(NULL, 0, &r);
    assert_true(isnan(r.rate) && r.ci95[0] == 0 && r.ci95[1] == 1);
    uint8_t wrong[3] = { 0, 1, 0 };
    uint32_t stratum[3] = { 0, 0, 1 };
    uint64_t size[3] = { 2, 1, 0 };
    assert_int_equal(kt_error_rate_stratified(wrong, stratum, 3, size, 3, &r, NULL), 0);
    kt_assert_close(r.rate, 1.0 / 3, 1e-12); /* everything was checked */
    assert_true(r.ci95[0] == r.rate && r.ci95[1] == r.rate);
    size[2] = 4;
    assert_int_equal(kt_error_rate_stratified(wrong, stratum, 3, size, 3, &r, NULL), KT_RANGE);
    double chance[3] = { 1, 0, 1 };
    assert_int_equal(kt_error_rate_weighted(wrong, chance, 3, &r, NULL), KT_RANGE);
    assert_int_equal(kt_error_rate_weighted(wrong, chance, 0, &r, NULL), 0);
    assert_true(isnan(r.rate));
}

/* One planted change is found near its place nine times of ten; steady sources raise an alarm about as rarely as the level. */
static void drift(void **state)
{
    (void)state;
    enum { N = 600, RUNS = 60 };
    kt_arena a = KT_ARENA_INIT;
    kt_drift_opts o = KT_DRIFT_OPTS_INIT;
    o.permutations = 199;
    int found = 0, alarms = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        uint8_t right[N];
        kt_change *c;
        size_t n;
        kt_rng r = kt_rng_keyed(run, 8, 8);
        for (int i = 0; i < N; i++)
            right[i] = kt_rng_unit(&r) < (i < 350 ? 0.92 : 0.7);
        assert_int_equal(kt_drift(right, N, &o, &a, &c, &n, NULL), 0);
        found += n == 1 && c[0].at > 300 && c[0].at < 400 && c[0].before > c[0].after;
        for (int i = 0; i < N; i++)
            right[i] = kt_rng_unit(&r) < 0.85;
        assert_int_equal(kt_drift(right, N, &o, &a, &c, &n, NULL), 0);
        alarms += n > 0;
    }
    if (found < 0.85 * RUNS || alarms > 4)
        fail_msg("%d of %d changes found, %d alarms without one", found, RUNS, alarms);
    o.least = 0;
    kt_change *c;
    size_t n;
    assert_int_equal(kt_drift(NULL, 0, &o, &a, &c, &n, NULL), KT_RANGE);
    kt_arena_done(&a);
}

enum { ITEMS = 400, SOURCES = 14, LABELS = 4, PER_ITEM = 7 };

struct crowd {
    uint32_t item[ITEMS * PER_ITEM], source[ITEMS * PER_ITEM];
    int32_t label[ITEMS * PER_ITEM], truth[ITEMS];
    kt_votes v;
};

/* Honest people on items of which a third are hard, and the odd ones: source 0 always says 2, 1 draws at random, 2 reads the
   labels wrong, 3 goes round. With copies, 5 says what 4 said where both answered. */
static void draw_crowd(struct crowd *c, bool spammers, bool copies, uint64_t seed)
{
    kt_rng r = kt_rng_keyed(seed, 9, 9);
    size_t n = 0;
    int32_t turn = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint64_t who[PER_ITEM];
        int32_t of4 = -1, lure = (int32_t)kt_rng_below(&r, LABELS);
        double hard = kt_rng_below(&r, 3) == 0 ? 0.45 : 0.9;
        c->truth[i] = (int32_t)kt_rng_below(&r, LABELS);
        kt_rng_sample(&r, SOURCES, PER_ITEM, who);
        for (int k = 0; k < PER_ITEM; k++, n++) {
            uint32_t s = (uint32_t)who[k];
            int32_t l = kt_rng_unit(&r) < hard ? c->truth[i] : kt_rng_below(&r, 2) ? lure : (int32_t)kt_rng_below(&r, LABELS);
            if (spammers && s < 4)
                l = s == 0 ? 2 : s == 1 ? (int32_t)kt_rng_below(&r, LABELS) : s == 2 ? (l + 1) % LABELS : turn++ % LABELS;
            if (copies && (s == 4 || s == 5) && of4 >= 0)
                l = of4;
            of4 = s == 4 || s == 5 ? l : of4;
            c->item[n] = i;
            c->source[n] = s;
            c->label[n] = l;
        }
    }
    c->v = (kt_votes){ n, ITEMS, SOURCES, LABELS, c->item, c->source, c->label };
}

static void patterns(void **state)
{
    (void)state;
    struct crowd *c = kt_alloc(sizeof(*c));
    static const int want[4] = { KT_PATTERN_CONSTANT, KT_PATTERN_RANDOM, KT_PATTERN_OPPOSED, KT_PATTERN_CYCLE | KT_PATTERN_RANDOM };
    kt_source_pattern p[SOURCES];
    for (uint64_t seed = 0; seed < 10; seed++) {
        draw_crowd(c, true, false, seed);
        assert_int_equal(kt_source_patterns(&c->v, p, NULL), 0);
        for (int s = 0; s < SOURCES; s++)
            if (p[s].flags != (s < 4 ? want[s] : 0))
                fail_msg("seed %d, source %d: flags %d, kappa %g (%g to %g)", (int)seed, s, p[s].flags, p[s].kappa, p[s].kappa_ci95[0], p[s].kappa_ci95[1]);
        assert_int_equal(p[3].cycle_lag % LABELS, 0);
    }
    kt_free(c);
}

static void collusion(void **state)
{
    (void)state;
    struct crowd *c = kt_alloc(sizeof(*c));
    kt_arena a = KT_ARENA_INIT;
    int found = 0, others = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        kt_collusion *pair;
        size_t n;
        draw_crowd(c, false, true, seed);
        assert_int_equal(kt_find_collusion(&c->v, c->truth, 20, 0.01, &a, &pair, &n, NULL), 0);
        found += n > 0 && pair[0].a == 4 && pair[0].b == 5;
        others += (int)n - 1;
        draw_crowd(c, false, false, seed + 100);
        assert_int_equal(kt_find_collusion(&c->v, c->truth, 20, 0.01, &a, &pair, &n, NULL), 0);
        others += (int)n;
    }
    if (found < 19 || others > 2)
        fail_msg("%d of 20 pairs found, %d innocent ones", found, others);
    c->truth[0] = LABELS;
    kt_collusion *pair;
    size_t n;
    assert_int_equal(kt_find_collusion(&c->v, c->truth, 20, 0.01, &a, &pair, &n, NULL), KT_RANGE);
    kt_arena_done(&a);
    kt_free(c);
}

static void boxes_at_the_edges(void **state)
{
    (void)state;
    size_t start[2] = { 0, 1 }, none[2] = { 0, 0 };
    kt_xyxy box[1] = { { 0, 0, 10, 10 } };
    int32_t label[1] = { 0 };
    double score[1] = { 0.9 }, image[1], badloc[1];
    kt_boxes given = { 1, start, box, label, NULL }, predicted = { 1, none, box, label, score };
    assert_int_equal(kt_box_quality(&given, &predicted, NULL, NULL, badloc, NULL, image, NULL), 0);
    kt_assert_close(image[0], 1, 1e-12); /* nothing speaks against it */
    predicted.start = start;
    assert_int_equal(kt_box_quality(&given, &predicted, NULL, NULL, badloc, NULL, image, NULL), 0);
    kt_assert_close(badloc[0], 1, 1e-12);
    score[0] = 1.5;
    assert_int_equal(kt_box_quality(&given, &predicted, NULL, NULL, NULL, NULL, image, NULL), KT_RANGE);
    score[0] = 0.5;
    box[0].x2 = -1;
    assert_int_equal(kt_box_quality(&given, &predicted, NULL, NULL, NULL, NULL, image, &(kt_err){ 0 }), KT_RANGE);
    predicted.n = 0;
    assert_int_equal(kt_box_quality(&given, &predicted, NULL, NULL, NULL, NULL, image, NULL), KT_RANGE);
}

/* Distance of item i by definition, and its nearest item. */
static double by_definition(const float *x, size_t n, size_t d, size_t i, size_t k, bool cosine, size_t *ret_nearest)
{
    double *all = kt_alloc_array(n, sizeof(*all)), sum = 0;
    *ret_nearest = SIZE_MAX;
    for (size_t j = 0; j < n; j++) {
        double square = 0, xy = 0, xx = 0, yy = 0;
        for (size_t c = 0; c < d; c++) {
            double p = (double)x[i * d + c], q = (double)x[j * d + c];
            square += (p - q) * (p - q);
            xy += p * q;
            xx += p * p;
            yy += q * q;
        }
        all[j] = i == j ? INFINITY : cosine ? 1 - xy / sqrt(xx * yy) : sqrt(square);
        if (*ret_nearest == SIZE_MAX || all[j] < all[*ret_nearest])
            *ret_nearest = j;
    }
    for (size_t q = 0; q < k; q++) {
        size_t least = 0;
        for (size_t j = 1; j < n; j++)
            least = all[j] < all[least] ? j : least;
        sum += all[least];
        all[least] = INFINITY;
    }
    kt_free(all);
    return sum / (double)k;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The n numbers sorted, or with a middle how far their logarithms are from its own. */
static double *by_size(const double *x, size_t n, double middle)
{
    double *v = kt_alloc_array(n, sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = middle > 0 ? fabs(log(x[i] / middle)) : x[i];
    qsort(v, n, sizeof(*v), ascending);
    return v;
}

/* The first `far` items lie farthest, all of them outliers; of the others at most 1 % are. */
static bool first_are_far(const double *z, size_t n, size_t far)
{
    double least = INFINITY, most = -INFINITY;
    size_t others = 0;
    for (size_t i = 0; i < n; i++)
        if (i < far) {
            least = KT_MIN(least, z[i]);
        } else {
            most = KT_MAX(most, z[i]);
            others += z[i] > 3.5;
        }
    return least > 3.5 && least > most && others * 100 <= n;
}

/* Items around four centres and a few far from them, which are found, whatever the metric, pool and sample. */
static void outliers(void **state)
{
    (void)state;
    enum { N = 1003, D = 7, FAR = 5 };
    float *x = kt_alloc_array(N * D, sizeof(*x));
    double *distance = kt_alloc_array(N * 2, sizeof(*distance)), *z = kt_alloc_array(N * 2, sizeof(*z));
    size_t *nearest = kt_alloc_array(N * 2, sizeof(*nearest));
    kt_pool *pool = kt_pool_new(3);
    kt_rng r = kt_rng_keyed(11, N, D);
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < D; c++) {
            double centre = i < FAR ? (c % FAR == i ? -9 : 9) : i % 4 == c ? 5 : 1;
            x[i * D + c] = (float)(centre + kt_rng_normal(&r) * 0.3);
        }
    for (int m = 0; m < KT_METRIC__COUNT; m++) {
        kt_outlier_opts o = { 10, (kt_metric)m, 0, 1 };
        assert_int_equal(kt_outlier_distances(x, N, D, &o, NULL, distance, nearest, z, NULL), 0);
        assert_int_equal(kt_outlier_distances(x, N, D, &o, pool, distance + N, nearest + N, z + N, NULL), 0);
        assert_memory_equal(distance, distance + N, N * sizeof(*distance));
        assert_memory_equal(nearest, nearest + N, N * sizeof(*nearest));
        assert_memory_equal(z, z + N, N * sizeof(*z));
        for (size_t i = 0; i < N; i++) {
            size_t first;
            double want = by_definition(x, N, D, i, 10, m == KT_METRIC_COSINE, &first);
            kt_assert_close(distance[i], want, 1e-5 * KT_MAX(want, 1.0));
        }
        assert_true(first_are_far(z, N, FAR));
        double *v = by_size(distance, N, 0), middle = log(v[(N - 1) / 2]), *away = by_size(distance, N, v[(N - 1) / 2]);
        for (size_t i = 0; i < N; i++)
            kt_assert_close(z[i], (log(distance[i]) - middle) / (1.4826 * away[(N - 1) / 2]), 1e-9);
        kt_free(v);
        kt_free(away);
        o.sample = 200;
        assert_int_equal(kt_outlier_distances(x, N, D, &o, pool, distance, NULL, z, NULL), 0);
        assert_true(first_are_far(z, N, FAR));
    }
    kt_pool_free(pool);
    kt_free(x);
    kt_free(distance);
    kt_free(z);
    kt_free(nearest);
}

static void outliers_at_the_edges(void **state)
{
    (void)state;
    double distance[3], z[3];
    size_t nearest[3];
    kt_outlier_opts o = KT_OUTLIER_OPTS_INIT;
    float x[6] = { 1, 2, 1, 2, 2, 4 };
    kt_err err = { 0 };
    assert_int_equal(kt_outlier_distances(NULL, 0, 5, &o, NULL, NULL, NULL, NULL, NULL), 0);
    assert_int_equal(kt_outlier_distances(x, 1, 2, &o, NULL, distance, nearest, z, NULL), 0);
    assert_true(isnan(distance[0]) && nearest[0] == SIZE_MAX && z[0] == 0);
    assert_int_equal(kt_outlier_distances(x, 3, 2, &o, NULL, distance, nearest, z, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(distance[i]) < 1e-12 && z[i] < 3.5); /* one direction */
    assert_int_equal(nearest[0], 1);
    o.metric = KT_METRIC_EUCLIDEAN;
    o.sample = 1; /* two, or an item would have nobody */
    assert_int_equal(kt_outlier_distances(x, 3, 2, &o, NULL, distance, nearest, z, NULL), 0);
    x[3] = 1e19F;
    assert_int_equal(kt_outlier_distances(x, 3, 2, &o, NULL, distance, nearest, z, &err), KT_RANGE);
    x[3] = NAN;
    assert_int_equal(kt_outlier_distances(x, 3, 2, &o, NULL, distance, nearest, z, &(kt_err){ 0 }), KT_RANGE);
    x[2] = x[3] = 0;
    o.metric = KT_METRIC_COSINE;
    assert_int_equal(kt_outlier_distances(x, 3, 2, &o, NULL, distance, nearest, z, &(kt_err){ 0 }), KT_RANGE);
    o.neighbours = 0;
    assert_int_equal(kt_outlier_distances(x, 3, 2, &o, NULL, distance, nearest, z, &(kt_err){ 0 }), KT_RANGE);
    o.neighbours = KT_MAX_NEIGHBOURS + 1;
    assert_int_equal(kt_outlier_distances(x, 3, 2, &o, NULL, distance, nearest, z, &(kt_err){ 0 }), KT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_noise), cmocka_unit_test(bad_probabilities), cmocka_unit_test(scores_by_hand),
        cmocka_unit_test(rates_cover), cmocka_unit_test(rates_at_the_edges), cmocka_unit_test(drift), cmocka_unit_test(patterns),
        cmocka_unit_test(collusion), cmocka_unit_test(boxes_at_the_edges), cmocka_unit_test(outliers),
        cmocka_unit_test(outliers_at_the_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
