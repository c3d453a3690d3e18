/* Budgets of cells, conformal selection, weighted samples, the watch over an audit, forecasts and plans: against direct counts, and
   over many draws of planted populations, where the truth is known. Tolerances are three and a half standard errors of a binomial count. */
#include "kt_test.h"

#include "algo/nth.h"
#include "algo/route/confidence.h"
#include "algo/route/route.h"
#include "algo/route/spend.h"
#include "base/mem.h"
#include "base/rng.h"

static int most_broken(int n, double delta)
{
    return (int)floor(delta * n + 3.5 * sqrt(n * delta * (1 - delta)));
}

static int up(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void floats_are_sorted_as_qsort_does(void **state)
{
    (void)state;
    enum { N = 5000 };
    float *a = kt_alloc_array(N, sizeof(*a)), *b = kt_alloc_array(N, sizeof(*b));
    kt_rng r = kt_rng_keyed(3, 3, 3);
    for (int kind = 0; kind < 4; kind++) {
        for (int i = 0; i < N; i++)
            b[i] = a[i] = kind == 0 ? (float)kt_rng_unit(&r) : kind == 1 ? (float)(kt_rng_normal(&r) * 1e20) : kind == 2 ? (float)(i % 7) / 7 : 0.5f;
        kt_sort_floats(a, N);
        qsort(b, N, sizeof(*b), up);
        assert_memory_equal(a, b, N * sizeof(*a));
    }
    kt_sort_floats(a, 0);
    kt_free(a);
    kt_free(b);
}

/* The ends against every m of a small batch: the chance of the answers multiplied up draw by draw, the marginal summed over the prior. */
static void the_interval_is_that_of_its_definition(void **state)
{
    (void)state;
    enum { N = 40 };
    double prior[N + 1], delta = 0.097;
    for (int m = 0; m <= N; m++)
        prior[m] = exp(lgamma(N + 1) - lgamma(m + 1) - lgamma(N - m + 1) + lgamma(m + .5) + lgamma(N - m + .5) - lgamma(N + 1) - 2 * lgamma(.5));
    for (uint64_t seed = 0; seed < 30; seed++) {
        kt_rng g = kt_rng_keyed(5, seed, 0);
        double chance[N + 1], low = 0, high = 1;
        for (int m = 0; m <= N; m++)
            chance[m] = 1;
        kt_confidence c;
        assert_int_equal(kt_confidence_begin(N, delta, &c, NULL), 0);
        for (int t = 0, seen = 0; t < N; t++) {
            bool wrong = kt_rng_unit(&g) < 0.3;
            double marginal = 0;
            int first = N, last = 0;
            for (int m = 0; m <= N; m++)
                chance[m] *= (wrong ? KT_MAX(m - seen, 0) : KT_MAX(N - m - (t - seen), 0)) / (double)(N - t);
            seen += wrong;
            for (int m = 0; m <= N; m++)
                marginal += prior[m] * chance[m];
            for (int m = 0; m <= N; m++)
                if (chance[m] > 0 && marginal / chance[m] < 1 / delta) {
                    first = KT_MIN(first, m);
                    last = KT_MAX(last, m);
                }
            low = KT_MAX(low, first / (double)N);
            high = KT_MIN(high, last / (double)N);
            assert_int_equal(kt_confidence_add(&c, wrong, NULL), 0);
            kt_assert_close(c.low, low, 1e-12);
            kt_assert_close(c.high, high, 1e-12);
        }
        double truth = (double)c.wrong / N; /* everything has been looked at: it is all that is left, unless it was outside before */
        assert_true((c.low == truth || low > truth) && (c.high == truth || high < truth));
        assert_int_equal(kt_confidence_add(&c, false, NULL), KT_RANGE);
    }
}

/* The truth is never outside, at no moment, in more than delta of the runs; and a batch that is far over is caught soon. */
static void the_watch_holds_at_every_moment(void **state)
{
    (void)state;
    enum { RUNS = 500, ANSWERS = 300 };
    const struct { uint64_t size; double share; } cases[] = { { 500, 0.02 }, { 500, 0.3 }, { 100000, 0.05 }, { 0, 0.05 } };
    for (size_t k = 0; k < KT_LEN(cases); k++) {
        int outside = 0;
        for (uint64_t run = 0; run < RUNS; run++) {
            kt_rng g = kt_rng_keyed(7, k, run);
            kt_confidence c;
            bool out = false;
            assert_int_equal(kt_confidence_begin(cases[k].size, 0.05, &c, NULL), 0);
            double m = cases[k].share * (double)cases[k].size;
            for (int t = 0; t < ANSWERS; t++) {
                double p = cases[k].size ? (m - (double)c.wrong) / (double)(cases[k].size - c.n) : cases[k].share;
                assert_int_equal(kt_confidence_add(&c, kt_rng_unit(&g) < p, NULL), 0);
                out |= c.low > cases[k].share + 1e-12 || c.high < cases[k].share - 1e-12;
            }
            outside += out;
        }
        assert_true(outside <= most_broken(RUNS, 0.05));
    }
    int caught = 0;
    for (uint64_t run = 0; run < 200; run++) {
        kt_rng g = kt_rng_keyed(8, 0, run);
        kt_confidence c;
        assert_int_equal(kt_confidence_begin(10000, 0.05, &c, NULL), 0);
        for (int t = 0; t < ANSWERS && c.low <= 0.02; t++)
            assert_int_equal(kt_confidence_add(&c, kt_rng_unit(&g) < 0.08, NULL), 0);
        caught += c.low > 0.02;
    }
    assert_true(caught >= 190);
    kt_confidence c;
    assert_int_equal(kt_confidence_begin(5, 1, &c, NULL), KT_RANGE);
}

enum { POOL = 3000, TRUSTED = 1500, CELLS = 5 };

/* Chance that an item of a cell is wrong; the higher the cell, the worse the machine is at it. */
static double wrong_of(uint32_t cell, double s)
{
    return (0.1 + 0.1 * cell) * pow(1 - s, 2) + (cell == 4 ? 0.12 : 0.002 * cell);
}

struct draw {
    float pool[POOL], score[TRUSTED];
    uint32_t cell[POOL], tcell[TRUSTED];
    uint8_t pool_right[POOL], right[TRUSTED];
};

static void draw_one(uint64_t seed, struct draw *d)
{
    kt_rng g = kt_rng_keyed(17, seed, 0);
    for (int i = 0; i < POOL + TRUSTED; i++) {
        float s = (float)kt_rng_unit(&g);
        uint32_t c = (uint32_t)kt_rng_below(&g, CELLS);
        uint8_t right = kt_rng_unit(&g) >= wrong_of(c, (double)s);
        if (i < POOL) {
            d->pool[i] = s;
            d->cell[i] = c;
            d->pool_right[i] = right;
        } else {
            d->score[i - POOL] = s;
            d->tcell[i - POOL] = c;
            d->right[i - POOL] = right;
        }
    }
}

/* Error of a cell's law at or above a score. */
static double law_error(uint32_t cell, double score)
{
    double sum = 0;
    enum { STEPS = 300 };
    for (int i = 0; i < STEPS; i++)
        sum += wrong_of(cell, score + (1 - score) * (i + 0.5) / STEPS) / STEPS;
    return sum;
}

static void no_cell_breaks_its_budget(void **state)
{
    (void)state;
    enum { RUNS = 300 };
    const double budget[CELLS] = { 0.05, 0.05, 0.1, 0.1, 0.1 };
    struct draw *d = kt_alloc(sizeof(*d));
    int broken = 0, approved[CELLS] = { 0 };
    for (uint64_t run = 0; run < RUNS; run++) {
        draw_one(run, d);
        kt_cell cell[CELLS];
        kt_cells_data x = { CELLS, budget, POOL, d->pool, d->cell, TRUSTED, d->score, d->tcell, d->right };
        kt_err err = { 0 };
        assert_int_equal(kt_cells_find(&x, KT_ROUTE_THRESHOLD, 0.05, cell, &err), 0);
        bool over = false;
        double shared = 0;
        for (uint32_t c = 0; c < CELLS; c++) {
            over |= cell[c].found && law_error(c, cell[c].score) > budget[c];
            approved[c] += cell[c].found;
            shared += cell[c].delta;
            assert_true(!cell[c].found || (cell[c].upper <= budget[c] + 1e-9 && cell[c].n_approved > 0));
            assert_true(cell[c].found || (cell[c].n_approved == 0 && cell[c].n_more > 0));
        }
        assert_true(shared <= 0.05 + 1e-12);
        broken += over;
    }
    assert_true(broken <= most_broken(RUNS, 0.05));
    assert_true(approved[0] > RUNS / 2 && approved[2] > RUNS / 2); /* it is no proof to approve nothing */
    assert_true(approved[4] <= most_broken(RUNS, 0.05));           /* 12 % wrong at best */
    kt_free(d);
}

static void cells_too_small_give_their_part_away(void **state)
{
    (void)state;
    float pool[] = { 1, 1, 1, 1 }, score[100];
    uint32_t cell[] = { 0, 0, 0, 1 }, tcell[100];
    uint8_t right[100];
    for (int i = 0; i < 100; i++) {
        score[i] = 1;
        right[i] = 1;
        tcell[i] = i == 0;
    }
    double budget[] = { 0.05, 0.05 };
    kt_cell got[2];
    kt_err err = { 0 };
    kt_cells_data d = { 2, budget, 4, pool, cell, 100, score, tcell, right };
    assert_int_equal(kt_cells_find(&d, KT_ROUTE_THRESHOLD, 0.05, got, &err), 0);
    assert_true(got[0].found && got[0].delta == 0.05 && got[0].n_approved == 3);
    assert_true(!got[1].found && got[1].delta == 0 && got[1].n_more >= 4 * 58); /* 59 prove 5 %, a quarter of a sample is in the cell */
    cell[3] = 2;
    assert_int_equal(kt_cells_find(&d, KT_ROUTE_THRESHOLD, 0.05, got, &err), KT_RANGE);
    cell[3] = 1;
    budget[1] = 1;
    assert_int_equal(kt_cells_find(&d, KT_ROUTE_CONFORMAL, 0.05, got, &err), KT_RANGE);
}

static int up_double(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void conformal_selection_is_benjamini_hochberg_on_its_p_values(void **state)
{
    (void)state;
    struct draw *d = kt_alloc(sizeof(*d));
    double *p = kt_alloc_array(POOL, sizeof(*p)), *sorted = kt_alloc_array(POOL, sizeof(*sorted)), share = 0, square = 0;
    enum { RUNS = 200 };
    const double q = 0.1;
    for (uint64_t run = 0; run < RUNS; run++) {
        draw_one(run, d);
        for (int i = 0; i < POOL; i++)
            d->pool[i] = roundf(d->pool[i] * 200) / 200; /* ties */
        for (int i = 0; i < TRUSTED; i++)
            d->score[i] = roundf(d->score[i] * 200) / 200;
        kt_threshold_data x = { POOL, d->pool, TRUSTED, d->score, d->right };
        kt_conformal got;
        kt_err err = { 0 };
        assert_int_equal(kt_conformal_find(&x, q, &got, p, &err), 0);
        size_t k = 0, n = 0, wrong = 0;
        for (int i = 0; i < POOL; i++) {
            int above = 0;
            for (int t = 0; t < TRUSTED && run < 2; t++)
                above += !d->right[t] && d->score[t] >= d->pool[i];
            assert_true(run >= 2 || fabs(p[i] - (above + 1.0) / (TRUSTED + 1)) < 1e-12);
            sorted[i] = p[i];
        }
        qsort(sorted, POOL, sizeof(*sorted), up_double);
        for (int i = 0; i < POOL; i++)
            if (sorted[i] <= q * (i + 1) / POOL)
                k = (size_t)i + 1;
        for (int i = 0; i < POOL; i++) {
            n += got.found && (double)d->pool[i] >= got.score;
            wrong += got.found && (double)d->pool[i] >= got.score && !d->pool_right[i];
        }
        assert_int_equal(n, k);
        assert_int_equal(n, got.n_selected);
        double of = n ? (double)wrong / (double)n : 0;
        share += of / RUNS;
        square += of * of / RUNS;
    }
    double error = sqrt((square - share * share) / RUNS);
    assert_true(share <= q + 3.5 * error && share > q / 2);
    kt_free(p);
    kt_free(sorted);
    kt_free(d);
}

/* Trusted items taken where the machine doubts, and less often where its mistakes are: unweighted the promise breaks, weighted it holds. */
static void weights_undo_a_choice(void **state)
{
    (void)state;
    enum { RUNS = 200, N = 8000 };
    float *pool = kt_alloc_array(N, sizeof(*pool)), *score = kt_alloc_array(N, sizeof(*score));
    uint8_t *pool_right = kt_alloc(N), *right = kt_alloc(N);
    double *weight = kt_alloc_array(N, sizeof(*weight));
    const double budget = 0.1, delta = 0.1, rare = 0.04, often = 0.16;
    int broken[2] = { 0 }, found = 0, plain_broken = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        kt_rng g = kt_rng_keyed(23, run, 0);
        bool replace = run & 1;
        size_t n = 0;
        uint8_t kind[N];
        for (int i = 0; i < N; i++) {
            pool[i] = (float)kt_rng_unit(&g);
            kind[i] = kt_rng_unit(&g) < 0.4; /* seen from the item, not from its label: the machine is bad at them */
            pool_right[i] = kt_rng_unit(&g) >= (kind[i] ? 0.24 : 0.01) + 0.2 * pow(1 - (double)pool[i], 4);
        }
        for (int i = 0; i < N; i++) {
            int k = replace ? (int)kt_rng_below(&g, N) : i;
            double p = kind[k] ? rare : often;
            if (kt_rng_unit(&g) >= p)
                continue;
            score[n] = pool[k];
            right[n] = pool_right[k];
            weight[n++] = 1 / p;
        }
        kt_weighted w;
        static kt_threshold plain;
        kt_err err = { 0 };
        kt_threshold_data d = { N, pool, n, score, right };
        kt_threshold_options o = { budget, delta, 0 };
        assert_int_equal(kt_weighted_find(&d, weight, 1 / rare, &o, &w, &err), 0);
        assert_int_equal(kt_threshold_find(&d, &o, &plain, &err), 0);
        size_t in = 0, bad = 0, pin = 0, pbad = 0;
        for (int i = 0; i < N; i++) {
            in += w.found && (double)pool[i] >= w.score;
            bad += w.found && (double)pool[i] >= w.score && !pool_right[i];
            pin += plain.found && (double)pool[i] >= plain.score;
            pbad += plain.found && (double)pool[i] >= plain.score && !pool_right[i];
        }
        broken[replace] += in && (double)bad > budget * (double)in;
        plain_broken += pin && (double)pbad > budget * (double)pin;
        found += w.found;
        assert_true(!w.found || (w.upper <= budget && w.upper > 0));
    }
    print_message("weighted: something approved in %d, broken %d + %d, unweighted %d of %d\n", found, broken[0], broken[1], plain_broken, RUNS);
    assert_true(broken[0] <= most_broken(RUNS / 2, delta) && broken[1] <= most_broken(RUNS / 2, delta));
    assert_true(plain_broken > RUNS / 2);
    /* the same sample without a bad kind: it can be found */
    for (uint64_t run = 0; run < 20; run++) {
        kt_rng g = kt_rng_keyed(29, run, 0);
        size_t n = 0;
        for (int i = 0; i < N; i++) {
            pool[i] = (float)kt_rng_unit(&g);
            double p = (double)pool[i] < 0.5 ? often : often / 2;
            if (kt_rng_unit(&g) >= p)
                continue;
            score[n] = pool[i];
            right[n] = kt_rng_unit(&g) >= 0.3 * pow(1 - (double)pool[i], 2);
            weight[n++] = 1 / p;
        }
        kt_weighted w;
        kt_err err = { 0 };
        kt_threshold_data d = { N, pool, n, score, right };
        kt_threshold_options o = { budget, delta, 0 };
        assert_int_equal(kt_weighted_find(&d, weight, 2 / often, &o, &w, &err), 0);
        assert_true(w.found && w.coverage > 0.25);
        weight[0] = 2 / rare;
        assert_int_equal(kt_weighted_find(&d, weight, 1 / rare, &o, &w, &err), KT_RANGE);
    }
    kt_free(pool);
    kt_free(score);
    kt_free(pool_right);
    kt_free(right);
    kt_free(weight);
}

/* The forecast for 500 more of 300 trusted items, on average over many first samples, against what 500 more give. */
static void the_forecast_is_what_then_happens(void **state)
{
    (void)state;
    enum { RUNS = 40, FIRST = 300, MORE = 500 };
    float pool[POOL], score[FIRST + MORE];
    uint8_t right[FIRST + MORE];
    const size_t more[] = { 0, MORE };
    double said = 0, happened = 0, now = 0, said_now = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        kt_rng g = kt_rng_keyed(31, run, 0);
        for (int i = 0; i < POOL; i++)
            pool[i] = (float)kt_rng_unit(&g);
        for (int i = 0; i < FIRST + MORE; i++) {
            score[i] = (float)kt_rng_unit(&g);
            right[i] = kt_rng_unit(&g) >= 0.48 * pow(1 - (double)score[i], 3);
        }
        static kt_threshold t;
        kt_threshold_data d = { POOL, pool, FIRST, score, right };
        kt_threshold_options o = { 0.05, 0.05, 0 };
        kt_worth w[2];
        kt_err err = { 0 };
        assert_int_equal(kt_worth_of(&d, &o, more, 2, 40, run, NULL, w, &err), 0);
        said_now += w[0].coverage / RUNS;
        said += w[1].coverage / RUNS;
        assert_true(w[1].low <= w[1].coverage && w[1].high >= w[1].low);
        assert_int_equal(kt_threshold_find(&d, &o, &t, &err), 0);
        now += t.coverage / RUNS;
        d.n_trusted = FIRST + MORE;
        assert_int_equal(kt_threshold_find(&d, &o, &t, &err), 0);
        happened += t.coverage / RUNS;
    }
    print_message("forecast %.3f, happened %.3f; at once %.3f\n", said, happened, now);
    kt_assert_close(said_now, now, 0.02); /* nothing drawn: the threshold as it is (through fewer scores of the pool) */
    kt_assert_close(said, happened, 0.06);
    assert_true(happened > now + 0.05);
}

static void the_plan_is_the_cheapest(void **state)
{
    (void)state;
    const double coverage[] = { 0.3, 0.6, 0.8 }, error[] = { 0.005, 0.02, 0.05 };
    const kt_plan_source h[] = { { "one", 1, 0.1 }, { "three", 3, kt_majority_error(3, 0.1) }, { "expert", 10, 0.01 } };
    kt_assert_close(kt_majority_error(3, 0.1), 3 * 0.01 * 0.9 + 0.001, 1e-12);
    for (double budget = 0.012; budget < 0.12; budget += 0.007) {
        kt_plan p = kt_plan_cheapest(coverage, error, 3, 0.01, h, 3, budget);
        double best = INFINITY;
        for (int m = -1; m < 3; m++)
            for (int a = 0; a <= 200; a++)
                for (int b = 0; a + b <= 200; b++) {
                    double c = m < 0 ? 0 : coverage[m], e = m < 0 ? 0 : error[m], rest = 1 - c, x = a / 200.0, y = b / 200.0, z = 1 - x - y;
                    double all = c * e + rest * (x * h[0].error + y * h[1].error + z * h[2].error);
                    if (all <= budget)
                        best = KT_MIN(best, c * 0.01 + rest * (x * h[0].price + y * h[1].price + z * h[2].price));
                }
        assert_true(p.possible && p.error <= budget + 1e-12);
        assert_true(p.price <= best + 1e-9 && p.price >= best - 0.05);
        kt_assert_close(p.machine + p.share[0] + p.share[1] + p.share[2], 1, 1e-12);
    }
    kt_plan p = kt_plan_cheapest(coverage, error, 3, 0, h, 3, 0.001);
    assert_true(!p.possible && p.error > 0.001);
}

/* A model that is too sure by a factor of two in its logits. */
static void temperature_is_found(void **state)
{
    (void)state;
    enum { N = 20000 };
    float *s = kt_alloc_array(N, sizeof(*s));
    uint8_t *right = kt_alloc(N);
    kt_rng g = kt_rng_keyed(41, 0, 0);
    for (int i = 0; i < N; i++) {
        double z = 1.5 * kt_rng_normal(&g);
        s[i] = (float)(1 / (1 + exp(-2 * z)));
        right[i] = kt_rng_unit(&g) < 1 / (1 + exp(-z));
    }
    kt_calibration c;
    double loss[KT_CALIBRATE__COUNT];
    assert_int_equal(kt_calibrate_fit(KT_CALIBRATE_TEMPERATURE, s, right, N, &c, NULL), 0);
    kt_assert_close(c.a, 0.5, 0.03);
    assert_int_equal(kt_calibrate_choose(s, right, N, 1, &c, loss, NULL), 0);
    assert_true(loss[KT_CALIBRATE_TEMPERATURE] < loss[KT_CALIBRATE_NONE] && loss[KT_CALIBRATE_TEMPERATURE] < loss[c.method] + 1e-4);
    float *all = kt_alloc_array(N, sizeof(*all));
    kt_calibrate_apply_all(&c, s, N, NULL, all);
    for (int i = 0; i < N; i++)
        assert_true(all[i] == (float)kt_calibrate_apply(&c, (double)s[i]));
    kt_free(s);
    kt_free(right);
    kt_free(all);
}

/* One run of a project in which everything goes wrong as often as it may: batches over their budget, all of them found out, and good ones opened by
   mistake, each of which makes a routing of its own necessary. Counts both. */
static void run_of_misfortune(kt_rng *g, double round, double look, int looks, int *over, int *opened)
{
    enum { PARTS = 3 };
    int due = 1;
    for (int i = 0; i < looks; i++) {
        bool bad = kt_rng_unit(g) < look, mistake = !bad && kt_rng_unit(g) < look / (1 - look);
        *over += bad;
        *opened += mistake;
        due += bad || mistake;
    }
    for (; due; due--)
        for (int c = 0; c < PARTS; c++) {
            double part = round / PARTS;
            bool bad = kt_rng_unit(g) < part, mistake = !bad && kt_rng_unit(g) < part / (1 - part);
            *over += bad;
            *opened += mistake;
            due += bad || mistake;
        }
}

/* Against runs in which every part is used up. Their mean numbers are delta, so the chance of one at least is below it: nothing is promised too
   much, and nothing is wasted either. */
static void parts_of_delta_add_up_over_any_number_of_rounds(void **state)
{
    (void)state;
    enum { RUNS = 200000, LOOKS = 4 };
    const double deltas[] = { 0.05, 0.2, 0.5 };
    for (size_t d = 0; d < KT_LEN(deltas); d++)
        for (int watched = 0; watched < 2; watched++) {
            double delta = deltas[d], round = watched ? kt_spend_half(delta) : kt_spend_round(delta, 0), looks = kt_spend_looks(delta, round);
            kt_assert_close(looks, watched ? round : 0, 1e-12);
            kt_assert_close(kt_spend_round(delta, looks), round, 1e-12);
            double sum[2] = { 0 };
            int any[2] = { 0 };
            kt_rng g = kt_rng_keyed(29, d, (uint64_t)watched);
            for (int i = 0; i < RUNS; i++) {
                int n[2] = { 0 };
                run_of_misfortune(&g, round, looks / LOOKS, watched ? LOOKS : 0, &n[0], &n[1]);
                for (int k = 0; k < 2; k++) {
                    sum[k] += n[k];
                    any[k] += n[k] > 0;
                }
            }
            for (int k = 0; k < 2; k++) {
                assert_true(any[k] <= most_broken(RUNS, delta));
                kt_assert_close(sum[k] / RUNS, delta, 5 * sqrt(delta / RUNS) / (1 - 2 * round));
            }
        }
    assert_true(kt_spend_looks(0.05, 0.05) == 0); /* whoever gave all to the routing has no looks */
}

/* Batches whose share of wrong ones is right on average alone, half of them over the budget, are opened by mistake as often as may be, and where they
   are over it never (the worst case) or always. The mean of what stands in the end. */
static void opening_keeps_the_mean_of_conformal_selection(void **state)
{
    (void)state;
    enum { RUNS = 100000 };
    const double q = 0.1, checks = 0.05, aim = kt_spend_mean(q, checks);
    for (int found = 0; found < 2; found++) {
        double sum = 0;
        kt_rng g = kt_rng_keyed(31, (uint64_t)found, 0);
        for (int i = 0; i < RUNS; i++) {
            double share;
            bool opened;
            do {
                share = kt_rng_unit(&g) * 2 * aim;
                opened = share > q ? found : kt_rng_unit(&g) < checks;
            } while (opened);
            sum += share;
        }
        assert_true(sum / RUNS <= q + 0.001 && (found || sum / RUNS > aim - 0.001));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_sorted_as_qsort_does),
        cmocka_unit_test(the_interval_is_that_of_its_definition),
        cmocka_unit_test(the_watch_holds_at_every_moment),
        cmocka_unit_test(no_cell_breaks_its_budget),
        cmocka_unit_test(cells_too_small_give_their_part_away),
        cmocka_unit_test(parts_of_delta_add_up_over_any_number_of_rounds),
        cmocka_unit_test(opening_keeps_the_mean_of_conformal_selection),
        cmocka_unit_test(conformal_selection_is_benjamini_hochberg_on_its_p_values),
        cmocka_unit_test(weights_undo_a_choice),
        cmocka_unit_test(the_forecast_is_what_then_happens),
        cmocka_unit_test(the_plan_is_the_cheapest),
        cmocka_unit_test(temperature_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
