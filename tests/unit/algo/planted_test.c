/* Merges on crowds whose truth is planted. Checked against the planted truth and accuracies: how many labels are found, whether
   95 % intervals hold the accuracy 95 % of the time, whether a posterior of p is right p of the time; with spammers, colluders,
   unequal labels, hard items, and from 2 to 1,000 labels. */
#include "algo/merge/aggregate.h"
#include "base/mem.h"
#include "kt_test.h"

typedef struct plan {
    uint32_t n_items, n_sources, n_labels, per_item;
    double low, high;    /* accuracies are spread between */
    uint32_t spammers;   /* the last sources answer at random */
    uint32_t colluders;  /* and those before them all copy one of them */
    double skew;         /* share of label c ∝ skew^c */
    double hard;         /* share of items on which everybody guesses half of the time */
    bool by_label;       /* accuracies differ by label too */
} plan;

typedef struct crowd {
    kt_votes v;
    uint32_t *item, *source;
    int32_t *label, *truth;
    double *accuracy; /* of each source and label */
} crowd;

static int32_t other(kt_rng *r, int32_t truth, uint32_t k)
{
    return (int32_t)(((uint32_t)truth + 1 + (uint32_t)kt_rng_below(r, k - 1)) % k);
}

static crowd draw(const plan *p, uint64_t seed)
{
    size_t n = (size_t)p->n_items * p->per_item;
    uint32_t k = p->n_labels, honest = p->n_sources - p->spammers - p->colluders;
    crowd c = { { 0 }, kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(n, 4), kt_alloc_array(p->n_items, 4),
                kt_alloc_array((size_t)p->n_sources * k, 8) };
    kt_rng r = kt_rng_keyed(seed, p->n_items, k);
    uint64_t *who = kt_alloc_array(p->per_item, sizeof(*who));
    double all = 0;
    for (uint32_t l = 0; l < k; l++)
        all += pow(p->skew, l);
    for (size_t s = 0; s < p->n_sources; s++)
        for (uint32_t l = 0; l < k; l++)
            c.accuracy[s * k + l] = s >= p->n_sources - p->spammers ? 1.0 / k
                                    : l && !p->by_label             ? c.accuracy[s * k]
                                                                    : p->low + (p->high - p->low) * kt_rng_unit(&r);
    for (uint32_t i = 0; i < p->n_items; i++) {
        double u = kt_rng_unit(&r) * all;
        int32_t truth = 0, copied = -1;
        while (truth + 1 < (int32_t)k && (u -= pow(p->skew, truth)) > 0)
            truth++;
        c.truth[i] = truth;
        bool hard = kt_rng_unit(&r) < p->hard;
        kt_rng_sample(&r, p->n_sources, p->per_item, who);
        for (uint32_t q = 0; q < p->per_item; q++) {
            size_t at = (size_t)i * p->per_item + q, s = who[q];
            double a = c.accuracy[s * k + (uint32_t)truth];
            if (hard)
                a = (a + 1.0 / k) / 2;
            int32_t said = kt_rng_unit(&r) < a ? truth : other(&r, truth, k);
            if (s >= honest && s < p->n_sources - p->spammers)
                said = copied = copied < 0 ? said : copied;
            c.item[at] = i;
            c.source[at] = (uint32_t)s;
            c.label[at] = said;
        }
    }
    kt_free(who);
    c.v = (kt_votes){ n, p->n_items, p->n_sources, k, c.item, c.source, c.label };
    return c;
}

static void drop(crowd *c)
{
    kt_free(c->item);
    kt_free(c->source);
    kt_free(c->label);
    kt_free(c->truth);
    kt_free(c->accuracy);
}

static double right(const crowd *c, const kt_posterior *p)
{
    double n = 0;
    for (size_t i = 0; i < c->v.n_items; i++)
        n += p->label[i] == c->truth[i];
    return n / c->v.n_items;
}

static kt_posterior fit(const kt_aggregator *m, const crowd *c, kt_arena *a)
{
    kt_posterior p;
    assert_int_equal(m->fit(&c->v, NULL, NULL, NULL, a, &p, NULL), 0);
    return p;
}

/* Methods that claim a chance of being right, not an agreement with a majority. */
static const kt_aggregator *const claim[] = { &kt_aggregate_auto, &kt_aggregate_dawid_skene, &kt_aggregate_one_coin_dawid_skene,
                                              &kt_aggregate_mace, &kt_aggregate_glad, &kt_aggregate_fast_dawid_skene, &kt_aggregate_spectral };

/* Over many crowds, 95 % intervals hold the planted accuracy of the source 93 to 97 % of the time. */
static void intervals_cover(void **state)
{
    (void)state;
    static const plan plans[] = { { 2000, 20, 4, 5, 0.55, 0.95, .skew = 1 }, { 2000, 20, 2, 5, 0.6, 0.95, .skew = 1 },
                                  { 300, 40, 5, 10, 0.4, 0.9, .skew = 1 }, { 2000, 20, 4, 5, 0.55, 0.95, .skew = 1, .by_label = true } };
    for (size_t m = 0; m < KT_LEN(claim); m++) {
        int in = 0, all = 0;
        for (size_t x = 0; x < KT_LEN(plans); x++)
            for (uint64_t seed = 0; seed < 12; seed++) {
                KT_AUTO(kt_arena) a = KT_ARENA_INIT;
                crowd c = draw(&plans[x], seed);
                kt_posterior p = fit(claim[m], &c, &a);
                for (uint32_t s = 0; s < c.v.n_sources; s++, all++) {
                    double mean = 0;
                    for (uint32_t l = 0; l < c.v.n_labels; l++)
                        mean += c.accuracy[s * c.v.n_labels + l] / c.v.n_labels;
                    assert_true(p.source_ci[2 * s] <= p.source_accuracy[s] && p.source_accuracy[s] <= p.source_ci[2 * s + 1]);
                    in += p.source_ci[2 * s] <= mean && mean <= p.source_ci[2 * s + 1];
                }
                drop(&c);
            }
        print_message("%s: %.3f of %d intervals\n", claim[m]->name, (double)in / all, all);
        assert_true(in >= 0.93 * all && in <= 0.97 * all);
    }
}

/* Three annotators who see every item are judged by one another alone: what is uncertain about one is about all, and a posterior that is bent for
   better labels would bend them all one way. */
static void few_cover(void **state)
{
    (void)state;
    static const kt_aggregator *const few[] = { &kt_aggregate_auto, &kt_aggregate_dawid_skene, &kt_aggregate_fast_dawid_skene, &kt_aggregate_spectral };
    for (size_t m = 0; m < KT_LEN(few); m++) {
        int in = 0, all = 0;
        for (uint64_t seed = 0; seed < 240; seed++) {
            KT_AUTO(kt_arena) a = KT_ARENA_INIT;
            const plan p = { 1000, 3, seed % 2 ? 2 : 4, 3, 0.55, 0.95, .skew = 1 };
            crowd c = draw(&p, 1000 + seed);
            kt_posterior post = fit(few[m], &c, &a);
            for (uint32_t s = 0; s < 3; s++, all++)
                in += post.source_ci[2 * s] <= c.accuracy[s * p.n_labels] && c.accuracy[s * p.n_labels] <= post.source_ci[2 * s + 1];
            drop(&c);
        }
        print_message("%s: %.3f of %d intervals of three annotators\n", few[m]->name, (double)in / all, all);
        assert_true(in >= 0.93 * all && in <= 0.97 * all);
    }
}

/* Expected calibration error of the posterior of the chosen label, 15 equal bins. */
static void posteriors_are_calibrated(void **state)
{
    (void)state;
    static const plan plans[] = { { 4000, 40, 4, 5, 0.5, 0.95, .skew = 1 }, { 4000, 40, 2, 3, 0.6, 0.95, .skew = 0.4 },
                                  { 4000, 60, 3, 5, 0.4, 0.9, .skew = 0.7, .by_label = true },
                                  { 4000, 40, 4, 5, 0.55, 0.95, .skew = 1, .hard = 0.5 }, { 4000, 40, 4, 3, 0.55, 0.95, .skew = 1, .hard = 0.5 } };
    for (size_t x = 0; x < KT_LEN(plans); x++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        crowd c = draw(&plans[x], 77);
        kt_posterior p = fit(&kt_aggregate_auto, &c, &a);
        double conf[15] = { 0 }, hit[15] = { 0 }, ece = 0;
        for (size_t i = 0; i < c.v.n_items; i++) {
            double q = p.prob[i * c.v.n_labels + (uint32_t)p.label[i]];
            int bin = KT_MIN((int)(q * 15), 14);
            conf[bin] += q;
            hit[bin] += p.label[i] == c.truth[i];
        }
        for (int bin = 0; bin < 15; bin++)
            ece += fabs(conf[bin] - hit[bin]) / c.v.n_items;
        print_message("plan %zu: ECE %.4f, posteriors to the power %.3f\n", x, ece, p.power);
        assert_true(ece < 0.03 && p.power > 0 && p.power <= 1 && (plans[x].hard == 0 || p.power < 0.95));
        drop(&c);
    }
}

/* One vote an item: nothing can be known but what each says, and that is what comes out: the prior's accuracy, its interval, and all untold. */
static void lone_votes(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    const plan p = { 1000, 20, 3, 1, 0.55, 0.95, .skew = 1 };
    crowd c = draw(&p, 8);
    kt_posterior post = fit(&kt_aggregate_auto, &c, &a);
    uint32_t judged = 0;
    assert_true(post.disagreement->alone);
    assert_int_equal(kt_posterior_untold(&post, &judged), 20);
    assert_int_equal(judged, 20);
    for (size_t q = 0; q < c.v.n; q++) {
        assert_int_equal(post.label[c.item[q]], c.label[q]);
        kt_assert_close(post.prob[c.item[q] * 3 + (uint32_t)c.label[q]], 0.7, 1e-9);
    }
    for (size_t s = 0; s < 20; s++)
        assert_true(post.source_ci[2 * s] < c.accuracy[s * 3] && c.accuracy[s * 3] < post.source_ci[2 * s + 1]);
    drop(&c);
    const plan met = { 1000, 20, 3, 5, 0.55, 0.95, .skew = 1 };
    c = draw(&met, 8);
    post = fit(&kt_aggregate_auto, &c, &a);
    assert_true(!post.disagreement->alone && kt_posterior_untold(&post, &judged) == 0 && judged == 20);
    drop(&c);
}

/* The default is never far behind the majority, and ahead where sources differ: spammers, colluders, skew, hard items. */
static void auto_holds(void **state)
{
    (void)state;
    static const struct { plan p; double gain; } cases[] = {
        { { 2000, 30, 4, 5, 0.5, 0.95, .spammers = 10, .skew = 1 }, 0.02 },
        { { 2000, 30, 2, 5, 0.6, 0.95, .spammers = 8, .skew = 0.3 }, 0.0 },
        { { 2000, 40, 3, 6, 0.6, 0.9, .colluders = 4, .skew = 1 }, -0.005 },
        { { 2000, 30, 4, 5, 0.6, 0.95, .skew = 1, .hard = 0.3 }, 0.0 },
        { { 300, 400, 5, 6, 0.7, 0.9, .skew = 1 }, -0.01 },   /* passers-by: four or five votes each */
        { { 2000, 20, 10, 3, 0.5, 0.9, .skew = 1 }, 0.01 },
        { { 108, 39, 2, 39, 0.4, 0.9, .skew = 1, .by_label = true }, 0.0 },
        { { 3000, 30, 100, 4, 0.5, 0.9, .skew = 1 }, 0.0 },
        { { 3000, 30, 1000, 4, 0.5, 0.9, .skew = 1 }, 0.0 },
        { { 200, 10, 3, 1, 0.5, 0.9, .skew = 1 }, -0.001 },   /* one vote an item: nothing to learn from */
    };
    for (size_t x = 0; x < KT_LEN(cases); x++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        crowd c = draw(&cases[x].p, 5);
        kt_posterior best = fit(&kt_aggregate_auto, &c, &a), heads = fit(&kt_aggregate_majority, &c, &a);
        print_message("case %zu: auto %.4f, majority %.4f\n", x, right(&c, &best), right(&c, &heads));
        assert_true(right(&c, &best) >= right(&c, &heads) + cases[x].gain);
        drop(&c);
    }
}

/* Two, three, four annotators who see every item: two good ones beside a poor one are not taken for copies of each other. */
static void few_annotators(void **state)
{
    (void)state;
    static const uint32_t n_labels[] = { 2, 4, 8, 20 };
    double worst = 1;
    for (uint32_t s = 2; s <= 4; s++)
        for (size_t x = 0; x < KT_LEN(n_labels); x++)
            for (uint64_t seed = 0; seed < 12; seed++) {
                KT_AUTO(kt_arena) a = KT_ARENA_INIT;
                const plan p = { 1000, s, n_labels[x], s, 0.55, 0.95, .skew = 1 };
                crowd c = draw(&p, seed);
                kt_posterior best = fit(&kt_aggregate_auto, &c, &a), heads = fit(&kt_aggregate_majority, &c, &a);
                worst = KT_MIN(worst, right(&c, &best) - right(&c, &heads));
                drop(&c);
            }
    print_message("worst against the majority: %+.4f\n", worst);
    assert_true(worst > -0.03);
}

/* A model that knows a share of the items and guesses the others, beside annotators half of whom guess: with it the labels are better
   than either, as far as it is good; where it is bad they are no worse than without it; and the posterior is right about itself. */
static void model_beside(void **state)
{
    (void)state;
    static const double knows[] = { 0.95, 0.5, 0.05 };
    static const plan p = { 3000, 40, 5, 3, 0.6, 0.9, .spammers = 20, .skew = 1 };
    for (size_t x = 0; x < KT_LEN(knows); x++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        crowd c = draw(&p, 30 + x);
        kt_rng r = kt_rng_keyed(6, x, 0);
        double *probs = kt_alloc_array((size_t)p.n_items * 5, sizeof(*probs)), model = 0, sure = 0, n_right = 0;
        for (uint32_t i = 0; i < p.n_items; i++) {
            int32_t says = kt_rng_unit(&r) < knows[x] ? c.truth[i] : (int32_t)kt_rng_below(&r, 5);
            model += (says == c.truth[i]) / (double)p.n_items;
            for (int32_t l = 0; l < 5; l++)
                probs[i * 5 + (uint32_t)l] = l == says ? 0.9 : 0.025; /* as sure of itself when it guesses */
        }
        kt_posterior alone = fit(&kt_aggregate_auto, &c, &a), both;
        kt_auto_opts o = KT_AUTO_OPTS_INIT;
        o.probs = probs;
        assert_int_equal(kt_aggregate_auto.fit(&c.v, &o, NULL, NULL, &a, &both, NULL), 0);
        for (uint32_t i = 0; i < p.n_items; i++) {
            sure += both.prob[i * 5 + (uint32_t)both.label[i]] / p.n_items;
            assert_int_equal(both.n_votes[i], 3);
        }
        n_right = right(&c, &both);
        print_message("model %.3f, votes %.3f, both %.3f, says %.3f\n", model, right(&c, &alone), n_right, sure);
        assert_true(n_right >= KT_MAX(model, right(&c, &alone)) - 0.01 && (knows[x] < 0.2 || n_right > right(&c, &alone) + 0.05));
        assert_true(fabs(sure - n_right) < 0.09);
        assert_int_equal(both.n_sources, 40);
        probs[7] = NAN;
        kt_err err = { 0 };
        assert_int_equal(kt_aggregate_auto.fit(&c.v, &o, NULL, NULL, &a, &both, &err), KT_RANGE);
        kt_free(probs);
        drop(&c);
    }
}

/* Known labels are kept, and teach about the sources: with half of the items known, the others are better. */
static void gold_teaches(void **state)
{
    (void)state;
    static const plan p = { 400, 60, 4, 3, 0.3, 0.9, .spammers = 20, .skew = 1 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    crowd c = draw(&p, 9);
    int32_t gold[400];
    for (int i = 0; i < 400; i++)
        gold[i] = i % 2 ? -1 : c.truth[i];
    kt_auto_opts o = KT_AUTO_OPTS_INIT;
    o.gold = gold;
    kt_posterior with, without = fit(&kt_aggregate_auto, &c, &a);
    assert_int_equal(kt_aggregate_auto.fit(&c.v, &o, NULL, NULL, &a, &with, NULL), 0);
    int better = 0;
    for (int i = 0; i < 400; i++) {
        if (i % 2 == 0)
            assert_true(with.label[i] == c.truth[i] && with.prob[i * 4 + c.truth[i]] > 0.999);
        else
            better += (with.label[i] == c.truth[i]) - (without.label[i] == c.truth[i]);
    }
    assert_true(better > 0);
    gold[3] = 4;
    assert_int_equal(kt_aggregate_auto.fit(&c.v, &o, NULL, NULL, &a, &with, NULL), KT_RANGE);
    drop(&c);
}

/* Where a source abstains on one label only, silence speaks: Dawid and Skene with abstain finds what plain counting cannot. */
static void silence_speaks(void **state)
{
    (void)state;
    enum { N = 3000, S = 6 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    uint32_t *item = kt_alloc_array(N * S, 4), *source = kt_alloc_array(N * S, 4);
    int32_t *label = kt_alloc_array(N * S, 4), truth[N], hits[2] = { 0 };
    kt_rng r = kt_rng_keyed(4, 4, 4);
    for (uint32_t i = 0, q = 0; i < N; i++) {
        truth[i] = (int32_t)kt_rng_below(&r, 2);
        for (uint32_t s = 0; s < S; s++, q++) {
            item[q] = i;
            source[q] = s;
            bool speaks = kt_rng_unit(&r) < (truth[i] ? 0.8 : 0.3);
            label[q] = !speaks ? KT_ABSTAIN : kt_rng_unit(&r) < 0.65 ? truth[i] : 1 - truth[i];
        }
    }
    kt_votes v = { N * S, N, S, 2, item, source, label };
    for (int x = 0; x < 2; x++) {
        kt_posterior p;
        assert_int_equal(kt_aggregate_dawid_skene.fit(&v, &(kt_dawid_skene_opts){ .n_iter = 100, .abstain = x }, NULL, NULL, &a, &p, NULL), 0);
        for (int i = 0; i < N; i++)
            hits[x] += p.label[i] == truth[i];
        for (int s = 0; s < S; s++)
            kt_assert_close(p.source_accuracy[s], 0.65, x ? 0.08 : 0.3);
    }
    print_message("right: %d without, %d with abstentions\n", hits[0], hits[1]);
    assert_true(hits[1] > hits[0] + N / 20);
    kt_free(item);
    kt_free(source);
    kt_free(label);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_cover), cmocka_unit_test(few_cover), cmocka_unit_test(lone_votes), cmocka_unit_test(posteriors_are_calibrated), cmocka_unit_test(auto_holds),
        cmocka_unit_test(few_annotators), cmocka_unit_test(model_beside), cmocka_unit_test(gold_teaches), cmocka_unit_test(silence_speaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
