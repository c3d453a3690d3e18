/* Numbers, rankings, texts and masks. Checked against planted truth, and against values worked out by hand. */
#include "algo/merge/aggregate.h"
#include "algo/mask.h"
#include "algo/merge/multilabel.h"
#include "algo/merge/numeric.h"
#include "algo/merge/rank.h"
#include "algo/merge/regions.h"
#include "algo/merge/rover.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

#include <stdlib.h>

enum { N = 2000, S = 12, PER = 5, V = N * PER };

typedef struct measured {
    uint32_t item[V], source[V];
    double value[V], truth[N], bias[S], sd[S];
} measured;

/* outliers: share of votes that are far off. */
static kt_numbers measure(measured *m, uint64_t seed, double outliers)
{
    kt_rng r = kt_rng_keyed(seed, 0, 0);
    double all = 0;
    for (int s = 0; s < S; s++) {
        m->bias[s] = kt_rng_normal(&r) * 2;
        m->sd[s] = 0.5 + 3.0 * s / S;
        all += m->bias[s] / S;
    }
    for (int s = 0; s < S; s++)
        m->bias[s] -= all;
    for (uint32_t i = 0, q = 0; i < N; i++) {
        uint64_t who[PER];
        m->truth[i] = kt_rng_unit(&r) * 100;
        kt_rng_sample(&r, S, PER, who);
        for (int x = 0; x < PER; x++, q++) {
            m->item[q] = i;
            m->source[q] = (uint32_t)who[x];
            m->value[q] = m->truth[i] + m->bias[who[x]] + m->sd[who[x]] * kt_rng_normal(&r);
            if (kt_rng_unit(&r) < outliers)
                m->value[q] += 50 * kt_rng_normal(&r);
        }
    }
    return (kt_numbers){ V, N, S, m->item, m->source, m->value };
}

static double mean_error(const measured *m, const kt_numeric *r)
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += fabs(r->value[i] - m->truth[i]) / N;
    return sum;
}

static void numbers_planted(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    measured *m = kt_alloc(sizeof(*m));
    int in = 0;
    kt_numbers v = measure(m, 1, 0);
    kt_numeric best, mean, robust;
    assert_int_equal(kt_numeric_fit(&v, NULL, &a, &best, NULL), 0);
    kt_numeric_opts o = KT_NUMERIC_OPTS_INIT;
    o.method = KT_NUMERIC_MEAN;
    assert_int_equal(kt_numeric_fit(&v, &o, &a, &mean, NULL), 0);
    assert_int_equal(best.method, KT_NUMERIC_PRECISION);
    assert_true(mean_error(m, &best) < 0.7 * mean_error(m, &mean));
    for (int s = 0; s < S; s++) {
        kt_assert_close(best.bias[s], m->bias[s], 0.5);
        kt_assert_close(best.sd[s], m->sd[s], 0.35);
    }
    for (int i = 0; i < N; i++)
        in += best.ci[2 * i] <= m->truth[i] && m->truth[i] <= best.ci[2 * i + 1];
    print_message("95 %% intervals of values hold %.3f of the time\n", (double)in / N);
    assert_true(in > 0.92 * N && in < 0.98 * N);
    v = measure(m, 2, 0.1);
    assert_int_equal(kt_numeric_fit(&v, NULL, &a, &robust, NULL), 0);
    o.method = KT_NUMERIC_PRECISION;
    o.robust = 0;
    assert_int_equal(kt_numeric_fit(&v, &o, &a, &best, NULL), 0);
    assert_true(mean_error(m, &robust) < 0.7 * mean_error(m, &best)); /* one vote in ten far off */
    m->value[7] = NAN;
    assert_int_equal(kt_numeric_fit(&v, NULL, &a, &best, NULL), KT_RANGE);
    kt_numbers none = { 0, 3, 2, NULL, NULL, NULL };
    assert_int_equal(kt_numeric_fit(&none, NULL, &a, &best, NULL), 0);
    assert_true(isnan(best.value[2]) && isnan(best.sd[0]));
    kt_free(m);
}

/* Sources alike or not, biased or not, three to ten votes an item: the default is never noticeably behind the plain mean, and far ahead
   where sources differ much. */
static void numbers_against_the_mean(void **state)
{
    (void)state;
    enum { ITEMS = 400, CROWD = 20, MOST = 10 };
    static const int pers[] = { 3, 5, 10 };
    static const double spreads[] = { 0, 0.3, 1 }, biases[] = { 0, 0.5, 2 };
    for (int c = 0; c < 27; c++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng r = kt_rng_keyed((uint64_t)c, 5, 5);
        uint32_t item[ITEMS * MOST], source[ITEMS * MOST], q = 0;
        double x[ITEMS * MOST], truth[ITEMS], sd[CROWD], bias[CROWD], error[2] = { 0 };
        for (int s = 0; s < CROWD; s++) {
            sd[s] = exp(spreads[c / 3 % 3] * kt_rng_normal(&r));
            bias[s] = biases[c % 3] * kt_rng_normal(&r);
        }
        for (uint32_t i = 0; i < ITEMS; i++) {
            uint64_t who[MOST];
            truth[i] = 20 * kt_rng_unit(&r);
            kt_rng_sample(&r, CROWD, (size_t)pers[c / 9], who);
            for (int y = 0; y < pers[c / 9]; y++, q++) {
                item[q] = i;
                source[q] = (uint32_t)who[y];
                x[q] = truth[i] + bias[who[y]] + sd[who[y]] * kt_rng_normal(&r);
            }
        }
        kt_numbers v = { q, ITEMS, CROWD, item, source, x };
        for (int m = 0; m < 2; m++) { /* around the mean error: only differences of biases can be seen */
            kt_numeric_opts o = KT_NUMERIC_OPTS_INIT;
            kt_numeric n;
            double middle = 0;
            o.method = m ? KT_NUMERIC_AUTO : KT_NUMERIC_MEAN;
            assert_int_equal(kt_numeric_fit(&v, &o, &a, &n, NULL), 0);
            for (int i = 0; i < ITEMS; i++)
                middle += (n.value[i] - truth[i]) / ITEMS;
            for (int i = 0; i < ITEMS; i++)
                error[m] += pow(n.value[i] - truth[i] - middle, 2);
        }
        double ratio = sqrt(error[1] / error[0]);
        if (ratio > 1.02 || (c % 3 == 2 && ratio > 0.6))
            fail_msg("%d votes, spread %g, bias %g: %.3f times the mean's error", pers[c / 9], spreads[c / 3 % 3], biases[c % 3], ratio);
    }
}

/* Rankings drawn from known strengths: found again, and 95 % intervals hold them. */
static void rankings_planted(void **state)
{
    (void)state;
    enum { THINGS = 10, RANKINGS = 400, LONG = 4, SEEDS = 40 };
    int in = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng r = kt_rng_keyed(seed, 1, 2);
        double strength[THINGS];
        size_t start[RANKINGS + 1] = { 0 };
        uint32_t thing[RANKINGS * LONG];
        for (int t = 0; t < THINGS; t++)
            strength[t] = exp(kt_rng_normal(&r));
        for (size_t k = 0; k < RANKINGS; k++) {
            uint64_t left[LONG];
            kt_rng_sample(&r, THINGS, LONG, left);
            for (size_t x = 0; x < LONG; x++) {
                double sum = 0, u;
                for (size_t y = x; y < LONG; y++)
                    sum += strength[left[y]];
                u = kt_rng_unit(&r) * sum;
                size_t y = x;
                while (y + 1 < LONG && (u -= strength[left[y]]) > 0)
                    y++;
                uint64_t chosen = left[y];
                left[y] = left[x];
                left[x] = chosen;
                thing[k * LONG + x] = (uint32_t)chosen;
            }
            start[k + 1] = (k + 1) * LONG;
        }
        kt_strengths s;
        assert_int_equal(kt_rank_fit(&(kt_rankings){ RANKINGS, THINGS, start, thing }, NULL, &a, &s, NULL), 0);
        assert_true(s.connected && s.converged);
        double mean = 0, log_mean = 0; /* intervals are of log strengths around their mean */
        for (int t = 0; t < THINGS; t++) {
            mean += log(strength[t]) / THINGS;
            log_mean += log(s.strength[t]) / THINGS;
        }
        for (int t = 0; t < THINGS; t++) {
            double planted = log(strength[t]) - mean;
            in += log(s.ci[2 * t]) - log_mean <= planted && planted <= log(s.ci[2 * t + 1]) - log_mean;
        }
    }
    print_message("95 %% intervals of strengths hold %.3f of the time\n", in / 400.0);
    assert_true(in >= 0.93 * 400 && in <= 0.98 * 400);
}

static void rankings_by_hand(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_strengths s;
    size_t start[] = { 0, 2, 4, 6, 8 };
    uint32_t thing[] = { 0, 1, 0, 1, 0, 1, 1, 0 }; /* 3 wins to 1: strengths 3/4 and 1/4 */
    assert_int_equal(kt_rank_fit(&(kt_rankings){ 4, 2, start, thing }, NULL, &a, &s, NULL), 0);
    kt_assert_close(s.strength[0], 0.75, 1e-9);
    assert_int_equal(kt_rank_fit(&(kt_rankings){ 3, 2, start, thing }, NULL, &a, &s, NULL), 0); /* one never wins */
    assert_true(!s.connected && isnan(s.ci[0]) && s.strength[0] > 0.99);
    kt_rank_opts o = KT_RANK_OPTS_INIT;
    o.prior = 0.5;
    assert_int_equal(kt_rank_fit(&(kt_rankings){ 3, 2, start, thing }, &o, &a, &s, NULL), 0);
    assert_true(s.strength[1] > 0.05 && s.ci[0] < s.strength[0]);
    thing[1] = 0;
    assert_int_equal(kt_rank_fit(&(kt_rankings){ 3, 2, start, thing }, NULL, &a, &s, NULL), KT_RANGE);
    thing[1] = 2;
    assert_int_equal(kt_rank_fit(&(kt_rankings){ 3, 2, start, thing }, NULL, &a, &s, NULL), KT_RANGE);
    assert_int_equal(kt_rank_fit(&(kt_rankings){ 0, 0, start, thing }, NULL, &a, &s, NULL), 0);
}

static void texts_by_hand(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str text[3] = { KT_S("the cat sat"), KT_S("the cat sat down"), KT_S("a cat sat down") };
    kt_text_merge m = kt_rover(text, 3, &a);
    assert_true(kt_str_eq(m.text, KT_S("the cat sat down")) && m.n_words == 4);
    kt_assert_close(m.word_share[0], 2.0 / 3, 1e-12);
    kt_assert_close(m.word_share[1], 1, 1e-12);
    m = kt_text_medoid(text, 3, &a); /* distances: 1/4, 2/4; 1/4, 1/4; 2/4, 1/4 */
    assert_true(kt_str_eq(m.text, text[1]));
    kt_assert_close(m.agreement, 0.75, 1e-12);
    assert_int_equal(kt_word_edits(text[0], text[2]), 2);
    text[0] = text[1] = KT_S("");
    assert_int_equal(kt_rover(text, 2, &a).text.n, 0);
    assert_int_equal(kt_text_medoid(text, 1, &a).text.n, 0);
    assert_int_equal(kt_rover(text, 0, &a).text.n, 0);
}

/* Three careful sources and two careless ones: EM finds out who is who, and the picture better than the majority does. */
static void masks_planted(void **state)
{
    (void)state;
    enum { SIDE = 64, PIXELS = SIDE * SIDE, SOURCES = 5 };
    kt_rng r = kt_rng_keyed(1, 1, 1);
    uint8_t truth[PIXELS], mask[SOURCES][PIXELS], majority[PIXELS], em[PIXELS];
    const uint8_t *all[SOURCES];
    double quality[SOURCES];
    for (int x = 0; x < PIXELS; x++)
        truth[x] = (x / SIDE - 32) * (x / SIDE - 32) + (x % SIDE - 32) * (x % SIDE - 32) < 400;
    for (int s = 0; s < SOURCES; s++) {
        all[s] = mask[s];
        for (int x = 0; x < PIXELS; x++)
            mask[s][x] = kt_rng_unit(&r) < (s < 2 ? 0.03 : 0.4) ? !truth[x] : truth[x];
    }
    kt_mask_majority(all, SOURCES, PIXELS, majority);
    kt_mask_em(all, SOURCES, PIXELS, 20, em, NULL, quality);
    assert_true(kt_mask_iou(em, truth, PIXELS) > kt_mask_iou(majority, truth, PIXELS) + 0.05);
    assert_true(quality[0] > quality[2] + 0.2 && quality[1] > quality[4] + 0.2);
    kt_mask_em(all, 0, PIXELS, 3, em, NULL, NULL);
    kt_assert_close(kt_mask_iou(em, truth, PIXELS), 0, 0);
}

/* Six labels of different frequency, sources that overlook and invent: more sets are found whole than by majority, and lone labels
   keep their evidence. */
static void sets_planted(void **state)
{
    (void)state;
    enum { ITEMS = 1500, LABELS = 6, EACH = 5, CROWD = 15 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rng r = kt_rng_keyed(6, 6, 6);
    uint32_t *item = kt_arena_array(&a, ITEMS * EACH, 4), *source = kt_arena_array(&a, ITEMS * EACH, 4), *label = kt_arena_array(&a, ITEMS * EACH * LABELS, 4);
    size_t *start = kt_arena_array(&a, ITEMS * EACH + 1, sizeof(*start)), m = 0;
    bool *truth = kt_arena_array(&a, ITEMS * LABELS, sizeof(*truth));
    for (uint32_t i = 0, q = 0; i < ITEMS; i++) {
        uint64_t who[EACH];
        for (uint32_t l = 0; l < LABELS; l++)
            truth[i * LABELS + l] = kt_rng_unit(&r) < 0.1 + 0.1 * l;
        kt_rng_sample(&r, CROWD, EACH, who);
        for (int x = 0; x < EACH; x++, q++) {
            double overlooks = who[x] % 3 ? 0.15 : 0.6, invents = who[x] % 3 ? 0.05 : 0.3;
            item[q] = i;
            source[q] = (uint32_t)who[x];
            for (uint32_t l = 0; l < LABELS; l++)
                if (kt_rng_unit(&r) < (truth[i * LABELS + l] ? 1 - overlooks : invents))
                    label[m++] = l;
            start[q + 1] = m;
        }
    }
    kt_label_sets v = { ITEMS * EACH, ITEMS, CROWD, LABELS, item, source, start, label };
    int whole[2] = { 0 };
    const kt_aggregator *both[2] = { &kt_aggregate_majority, &kt_aggregate_auto };
    for (int x = 0; x < 2; x++) {
        kt_multilabel s;
        assert_int_equal(kt_multilabel_fit(&v, both[x], NULL, &a, &s, NULL), 0);
        for (int i = 0; i < ITEMS; i++) {
            bool same = true;
            for (int l = 0; l < LABELS; l++)
                same &= (s.prob[i * LABELS + l] > 0.5f) == truth[i * LABELS + l];
            whole[x] += same;
        }
        if (x)
            assert_true(s.source_accuracy[1] > s.source_accuracy[0] + 0.1 && s.source_ci[0] < s.source_accuracy[0]);
    }
    print_message("sets right: majority %d, auto %d of %d\n", whole[0], whole[1], ITEMS);
    assert_true(whole[1] > whole[0] + ITEMS / 50);
    label[0] = LABELS;
    kt_multilabel s;
    assert_int_equal(kt_multilabel_fit(&v, both[1], NULL, &a, &s, NULL), KT_RANGE);
}

/* Pictures with objects that some overlook, invent, call by another name or draw sloppily. Found objects, their names and edges are
   checked against the planted ones, and edges against the plain mean's. */
static void boxes_planted(void **state)
{
    (void)state;
    enum { ITEMS = 400, CROWD = 10, EACH = 5, OBJECTS = 3, MOST = ITEMS * EACH * (OBJECTS + 2) };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rng r = kt_rng_keyed(8, 8, 8);
    uint32_t *item = kt_arena_array(&a, ITEMS * EACH, 4), *source = kt_arena_array(&a, ITEMS * EACH, 4);
    size_t *answer = kt_arena_array(&a, MOST, sizeof(size_t)), n = 0;
    int32_t *label = kt_arena_array(&a, MOST, 4), *truth = kt_arena_array(&a, ITEMS * OBJECTS, 4);
    double *at = kt_arena_array(&a, MOST, 4 * sizeof(double)), *place = kt_arena_array(&a, ITEMS * OBJECTS, 4 * sizeof(double));
    for (uint32_t i = 0, q = 0; i < ITEMS; i++) {
        uint64_t who[EACH];
        for (int o = 0; o < OBJECTS; o++) {
            double *p = place + (i * OBJECTS + (uint32_t)o) * 4;
            truth[i * OBJECTS + (uint32_t)o] = (int32_t)kt_rng_below(&r, 3);
            p[0] = 300 * o + 100 * kt_rng_unit(&r);
            p[1] = 300 * kt_rng_unit(&r);
            p[2] = p[0] + 60 + 100 * kt_rng_unit(&r);
            p[3] = p[1] + 60 + 100 * kt_rng_unit(&r);
        }
        kt_rng_sample(&r, CROWD, EACH, who);
        for (int x = 0; x < EACH; x++, q++) {
            bool good = who[x] < 5;
            item[q] = i;
            source[q] = (uint32_t)who[x];
            for (int o = 0; o < OBJECTS; o++) {
                uint32_t t = i * OBJECTS + (uint32_t)o;
                if (kt_rng_unit(&r) < (good ? 0.05 : 0.35))
                    continue;
                for (int e = 0; e < 4; e++)
                    at[n * 4 + (size_t)e] = place[t * 4 + (uint32_t)e] + kt_rng_normal(&r) * (good ? 1.5 : 8);
                label[n] = kt_rng_unit(&r) < (good ? 0.95 : 0.6) ? truth[t] : (truth[t] + 1) % 3;
                answer[n++] = q;
            }
            if (kt_rng_unit(&r) < (good ? 0.02 : 0.4)) { /* something that is not there */
                double left = 1000 + 200 * kt_rng_unit(&r);
                memcpy(at + n * 4, (double[]){ left, 0, left + 90, 90 }, 4 * sizeof(double));
                label[n] = 0;
                answer[n++] = q;
            }
        }
    }
    kt_region_answers v = { ITEMS * EACH, ITEMS, CROWD, 3, 4, item, source, n, answer, label, at, KT_REGION_EDGES, NULL };
    kt_regions m;
    kt_pool *pool = kt_pool_new(2);
    assert_int_equal(kt_regions_merge(&v, NULL, pool, &a, &m, NULL), 0);
    kt_pool_free(pool);
    int found = 0, named = 0, invented = 0;
    double off = 0, plain = 0, sums[5] = { 0 };
    for (size_t g = 0; g < m.n; g++) {
        double best = 0;
        uint32_t t = 0;
        for (uint32_t o = 0; o < OBJECTS; o++) {
            double iou = kt_region_iou(m.at + g * 4, place + (m.item[g] * OBJECTS + o) * 4, 4);
            t = iou > best ? m.item[g] * OBJECTS + o : t;
            best = KT_MAX(best, iou);
        }
        if (!m.kept[g])
            continue;
        found += best > 0.7;
        invented += best < 0.3;
        named += best > 0.7 && m.label[g] == truth[t];
        memset(sums, 0, sizeof(sums));
        for (size_t x = 0; x < n; x++) /* the plain mean of what was drawn there */
            if (item[answer[x]] == m.item[g] && kt_region_iou(at + x * 4, m.at + g * 4, 4) >= 0.5) {
                for (int e = 0; e < 4; e++)
                    sums[e] += at[x * 4 + (size_t)e];
                sums[4]++;
            }
        for (int e = 0; best > 0.7 && e < 4; e++) {
            off += fabs(m.at[g * 4 + (size_t)e] - place[t * 4 + (uint32_t)e]);
            plain += fabs(sums[e] / sums[4] - place[t * 4 + (uint32_t)e]);
        }
    }
    print_message("of %d objects %d found, %d named, %d invented; edges off by %.2f, plain mean %.2f\n", ITEMS * OBJECTS, found, named, invented,
                  off / (4 * found), plain / (4 * found));
    assert_true(found > 0.97 * ITEMS * OBJECTS && named > 0.95 * found && invented < ITEMS / 50 && off < 0.6 * plain);
    for (int s = 1; s < CROWD; s++)
        assert_true((s < 5) == (m.source_sd[s] < 0.04) && m.source_ci[2 * s] < m.source_accuracy[s]);
    at[2] = at[0] - 1;
    assert_int_equal(kt_regions_merge(&v, NULL, NULL, &a, &m, NULL), KT_RANGE);
    kt_region_answers none = { 2, 2, 1, 1, 2, (uint32_t[]){ 0, 1 }, (uint32_t[]){ 0, 0 }, 0, NULL, NULL, NULL, KT_REGION_EDGES, NULL };
    assert_int_equal(kt_regions_merge(&none, NULL, NULL, &a, &m, NULL), 0);
    assert_int_equal(m.n, 0);
}

/* The median is nearer than the likeliest label, on ratings whose errors are near misses. */
static void ordinal_is_nearer(void **state)
{
    (void)state;
    enum { K = 7, ITEMS = 3000, EACH = 3 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    uint32_t *item = kt_alloc_array(ITEMS * EACH, 4), *source = kt_alloc_array(ITEMS * EACH, 4);
    int32_t *label = kt_alloc_array(ITEMS * EACH, 4), *truth = kt_alloc_array(ITEMS, 4);
    kt_rng r = kt_rng_keyed(3, 3, 3);
    double off[2] = { 0 };
    for (uint32_t i = 0, q = 0; i < ITEMS; i++) {
        uint64_t who[EACH];
        truth[i] = (int32_t)kt_rng_below(&r, K);
        kt_rng_sample(&r, 15, EACH, who);
        for (int x = 0; x < EACH; x++, q++) {
            int said = truth[i] + (int)lround(kt_rng_normal(&r) * (0.5 + (double)who[x] / 6));
            item[q] = i;
            source[q] = (uint32_t)who[x];
            label[q] = KT_MIN(KT_MAX(said, 0), K - 1);
        }
    }
    kt_votes v = { ITEMS * EACH, ITEMS, 15, K, item, source, label };
    const kt_aggregator *both[2] = { &kt_aggregate_auto, &kt_aggregate_ordinal };
    for (int m = 0; m < 2; m++) {
        kt_posterior p;
        assert_int_equal(both[m]->fit(&v, NULL, NULL, NULL, &a, &p, NULL), 0);
        for (int i = 0; i < ITEMS; i++)
            off[m] += abs(p.label[i] - truth[i]);
    }
    print_message("mean distance: likeliest %.4f, median %.4f\n", off[0] / ITEMS, off[1] / ITEMS);
    assert_true(off[1] < off[0]);
    kt_free(item);
    kt_free(source);
    kt_free(label);
    kt_free(truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_planted), cmocka_unit_test(numbers_against_the_mean), cmocka_unit_test(rankings_planted), cmocka_unit_test(rankings_by_hand),
        cmocka_unit_test(texts_by_hand), cmocka_unit_test(masks_planted), cmocka_unit_test(sets_planted), cmocka_unit_test(boxes_planted), cmocka_unit_test(ordinal_is_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
