/* The label model. Checked against planted truth (functions that vote for one label only, rare labels, a useless function),
   a plain EM, the boundaries of its input, and equality over threads and layouts; the stored answers are in tests/cli/reference_test.py. */
#include "algo/denoise/denoise.h"
#include "algo/denoise/lf_codes.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

#include <math.h>

enum { N = 12000, M = 8, MOST = 16 /* labels */ };

typedef struct data {
    int16_t column[M][N];
    const int16_t *of[M];
    int32_t truth[N];
} data;

/* Two labels, label 1 with the given share. Function j votes only for label j % 2: on share coverage of the items of that
   label and rarely on the others; the last one votes at random. */
static kt_lf_columns draw(data *d, double share, double coverage, double slip)
{
    kt_rng r = kt_rng_keyed(11, 0, 0);
    for (size_t i = 0; i < N; i++) {
        d->truth[i] = kt_rng_unit(&r) < share;
        for (int j = 0; j < M; j++) {
            bool own = d->truth[i] == j % 2;
            bool votes = kt_rng_unit(&r) < (j == M - 1 ? 0.2 : own ? coverage : slip);
            d->column[j][i] = !votes ? KT_ABSTAIN : (int16_t)(j == M - 1 ? (int)kt_rng_below(&r, 2) : j % 2);
        }
    }
    for (int j = 0; j < M; j++)
        d->of[j] = d->column[j];
    return (kt_lf_columns){ N, 1, M, 2, d->of };
}

static double right_share(const data *d, const kt_lf_columns *v, const float *prob)
{
    size_t right = 0, n = 0;
    for (size_t i = 0; i < N; i++) {
        bool any = false;
        for (int j = 0; j < M; j++)
            any |= v->vote[j][i] >= 0;
        n += any;
        right += any && (prob[2 * i + 1] > prob[2 * i]) == d->truth[i];
    }
    return (double)right / (double)n;
}

/* Functions of one label, label 1 on every sixth item: must beat the majority and find the useless function. */
static void one_label_functions(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    data *d = kt_alloc(sizeof(*d));
    float *prob = kt_alloc_array(2 * N, sizeof(*prob)), *again = kt_alloc_array(2 * N, sizeof(*again));
    double score[2], gold[M];
    kt_lf_columns v = draw(d, 0.17, 0.4, 0.02);
    kt_pool *pool = kt_pool_new(3);
    kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
    for (int majority = 0; majority < 2; majority++) {
        kt_label_model m;
        o.method = majority ? KT_DENOISE_MAJORITY : KT_DENOISE_EM;
        o.abstain = 0;
        assert_int_equal(kt_denoise_fit(&v, &o, NULL, &a, &m, NULL), 0);
        kt_denoise_posteriors(&m, &v, NULL, prob);
        score[majority] = right_share(d, &v, prob);
        if (majority)
            continue;
        kt_denoise_accuracy(&v, d->truth, gold);
        for (int j = 0; j < M; j++)
            kt_assert_close(m.summary[j].accuracy, gold[j], 0.12); /* silence is not counted as evidence, so rare labels come out low */
        kt_label_model n;
        assert_int_equal(kt_denoise_fit(&v, &o, pool, &a, &n, NULL), 0);
        kt_denoise_posteriors(&n, &v, pool, again);
        assert_memory_equal(prob, again, 2 * N * sizeof(*prob));
        assert_memory_equal(m.log_likelihood, n.log_likelihood, (size_t)M * 4 * sizeof(double));
    }
    assert_true(score[0] > score[1] + 0.005);
    kt_pool_free(pool);
    kt_free(prob);
    kt_free(again);
    kt_free(d);
}

static void rows_equal_columns(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    data *d = kt_alloc(sizeof(*d));
    int16_t *rows = kt_alloc_array((size_t)N * M, sizeof(*rows));
    float *p = kt_alloc_array(2 * N, sizeof(*p)), *q = kt_alloc_array(2 * N, sizeof(*q));
    kt_lf_columns v = draw(d, 0.4, 0.5, 0.1);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < M; j++)
            rows[i * M + j] = d->column[j][i];
    kt_label_model m;
    kt_lf_summary s[M];
    kt_lf_votes by_row = { N, M, 2, rows };
    assert_int_equal(kt_denoise_fit(&v, NULL, NULL, &a, &m, NULL), 0);
    kt_denoise_posteriors(&m, &v, NULL, p);
    assert_int_equal(kt_denoise(&by_row, NULL, q, s, NULL), 0);
    assert_memory_equal(p, q, 2 * N * sizeof(*p));
    assert_memory_equal(s, m.summary, sizeof(s));
    kt_free(rows);
    kt_free(p);
    kt_free(q);
    kt_free(d);
}

/* Where abstaining says nothing, an item without votes gets the balance, and a lone vote keeps its accuracy. */
static void silence(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    data *d = kt_alloc(sizeof(*d));
    kt_lf_columns v = draw(d, 0.3, 0.5, 0.05);
    for (kt_denoise_method method = KT_DENOISE_EM; method <= KT_DENOISE_MAJORITY; method++) {
        kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
        kt_label_model m;
        int16_t votes[M];
        double p[2], balance[2] = { 0.7, 0.3 };
        o.method = method;
        o.abstain = 0;
        o.class_balance = balance;
        assert_int_equal(kt_denoise_fit(&v, &o, NULL, &a, &m, NULL), 0);
        for (int j = 0; j < M; j++)
            votes[j] = KT_ABSTAIN;
        kt_denoise_posterior(&m, votes, p);
        kt_assert_close(p[0], method == KT_DENOISE_MAJORITY ? 0.5 : 0.7, 1e-12);
        votes[0] = 0;
        kt_denoise_posterior(&m, votes, p);
        assert_true(p[0] > 0.8 && p[0] <= 1);
        kt_assert_close(p[0] + p[1], 1, 1e-12);
    }
    kt_free(d);
}

enum { RULES = 9, LABELS = 3, TEXTS = 6000 };

struct silent {
    int16_t column[RULES][TEXTS], truth[TEXTS];
    const int16_t *of[RULES];
};

/* Rules of one label each that find `recall` of its items, and a fifth as many of the others'. */
static kt_lf_columns plant_rules(struct silent *d, double recall, uint64_t seed)
{
    kt_rng g = kt_rng_keyed(seed, 7, 0);
    for (int i = 0; i < TEXTS; i++) {
        d->truth[i] = (int16_t)(kt_rng_unit(&g) < 0.5 ? 0 : 1 + kt_rng_unit(&g) * 2);
        for (int j = 0; j < RULES; j++) {
            double rate = d->truth[i] == j % LABELS ? recall : recall / 5;
            d->column[j][i] = kt_rng_unit(&g) < rate ? (int16_t)(j % LABELS) : KT_ABSTAIN;
        }
    }
    for (int j = 0; j < RULES; j++)
        d->of[j] = d->column[j];
    return (kt_lf_columns){ TEXTS, 1, RULES, LABELS, d->of };
}

/* Mean log loss against the truth, abstentions counted or not. */
static double loss_of(const struct silent *d, const kt_lf_columns *v, int abstain)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
    kt_label_model m;
    double loss = 0, p[LABELS];
    int16_t votes[RULES];
    float *all = kt_alloc_array(TEXTS, LABELS * sizeof(*all));
    o.abstain = abstain;
    assert_int_equal(kt_denoise_fit(v, &o, NULL, &a, &m, NULL), 0);
    kt_denoise_posteriors(&m, v, NULL, all);
    for (int i = 0; i < TEXTS; i++) {
        for (int j = 0; j < RULES; j++)
            votes[j] = d->column[j][i];
        kt_denoise_posterior(&m, votes, p);
        for (int c = 0; c < LABELS; c++)
            kt_assert_close((double)all[i * LABELS + c], p[c], 1e-6);
        loss -= log(KT_MAX(p[d->truth[i]], 1e-12)) / TEXTS;
    }
    kt_free(all);
    return loss;
}

/* Against planted rules: that nobody votes is worth most where rules find most of what there is, and costs next to nothing where they find little. */
static void silence_counts_where_it_speaks(void **state)
{
    (void)state;
    static const struct { double recall, at_least; } row[] = { { 0.1, -0.005 }, { 0.3, -0.002 }, { 0.6, 0.015 } };
    struct silent *d = kt_alloc(sizeof(*d));
    for (size_t x = 0; x < KT_LEN(row); x++) {
        kt_lf_columns v = plant_rules(d, row[x].recall, x);
        double without = loss_of(d, &v, 0), with = loss_of(d, &v, 1);
        print_message("rules that find %2.0f %%: log loss %.4f with silence ignored, %.4f with it counted\n", 100 * row[x].recall, without, with);
        assert_true(without - with > row[x].at_least);
    }
    kt_free(d);
}

/* The rates of the planted functions: on half of their own label's items and a twentieth of the others'; the last one a fifth of all. */
static void silence_is_what_was_planted(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    data *d = kt_alloc(sizeof(*d));
    kt_lf_columns v = draw(d, 0.3, 0.5, 0.05);
    kt_label_model m;
    assert_int_equal(kt_denoise_fit(&v, NULL, NULL, &a, &m, NULL), 0);
    for (int j = 0; j < M; j++)
        for (int c = 0; c < 2; c++)
            kt_assert_close(exp(m.silence[j * 2 + c]), j == M - 1 ? 0.8 : c == j % 2 ? 0.5 : 0.95, 0.06);
    kt_assert_close(m.silence[(M - 1) * 2], m.silence[(M - 1) * 2 + 1], 0.05);
    kt_free(d);
}

static void summary_by_hand(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    static const int16_t x[4] = { 0, 1, -1, 0 }, y[4] = { 0, 0, 1, -1 }, z[4] = { -1, -1, -1, -1 };
    const int16_t *of[] = { x, y, z };
    kt_lf_columns v = { 4, 1, 3, 2, of };
    kt_label_model m;
    double gold[3];
    assert_int_equal(kt_denoise_fit(&v, NULL, NULL, &a, &m, NULL), 0);
    assert_true(m.summary[0].votes == 3 && m.summary[0].overlaps == 2 && m.summary[0].conflicts == 1);
    assert_true(m.summary[1].votes == 3 && m.summary[1].overlaps == 2 && m.summary[1].conflicts == 1);
    assert_true(m.summary[2].votes == 0 && m.summary[2].overlaps == 0);
    kt_denoise_accuracy(&v, (const int32_t[]){ 0, 0, -1, 1 }, gold);
    kt_assert_close(gold[0], 1.0 / 3, 1e-12);
    kt_assert_close(gold[1], 1, 1e-12);
    assert_true(isnan(gold[2]));
}

static void refuses(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    static const int16_t x[2] = { 0, 2 };
    const int16_t *of[] = { x };
    kt_lf_columns v = { 2, 1, 1, 2, of };
    kt_label_model m;
    kt_err err = { 0 };
    for (kt_denoise_method method = KT_DENOISE_EM; method <= KT_DENOISE_MAJORITY; method++) {
        kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
        o.method = method;
        assert_int_equal(kt_denoise_fit(&v, &o, NULL, &a, &m, &err), KT_RANGE);
        kt_lf_columns none = { 0, 1, 0, 2, NULL }; /* nothing at all is no error */
        assert_int_equal(kt_denoise_fit(&none, &o, NULL, &a, &m, &err), 0);
    }
    v.n_labels = 1;
    assert_int_equal(kt_denoise_fit(&v, NULL, NULL, &a, &m, &err), KT_RANGE);
}

/* Three copies (one vote in ten of its own) of a weak function among five good ones: plainly they outvote the others; found, they
   count as one. Independent functions and functions of one label are not taken for copies. */
static void copies_are_found(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    data *d = kt_alloc(sizeof(*d));
    float *prob = kt_alloc_array(2 * N, sizeof(*prob));
    double score[2];
    kt_rng r = kt_rng_keyed(12, 0, 0);
    for (size_t i = 0; i < N; i++) {
        int16_t copied = 0;
        d->truth[i] = kt_rng_unit(&r) < 0.5;
        for (int j = 0; j < M; j++) {
            bool right = kt_rng_unit(&r) < (j < 3 ? 0.6 : 0.75), votes = kt_rng_unit(&r) < 0.8;
            int16_t said = (int16_t)(right ? d->truth[i] : !d->truth[i]);
            if (j == 0)
                copied = said;
            d->column[j][i] = votes ? (j > 0 && j < 3 && kt_rng_unit(&r) < 0.9 ? copied : said) : KT_ABSTAIN;
        }
    }
    for (int j = 0; j < M; j++)
        d->of[j] = d->column[j];
    kt_lf_columns v = { N, 1, M, 2, d->of };
    kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
    for (int x = 0; x < 2; x++) {
        kt_label_model m;
        o.dependence = x;
        assert_int_equal(kt_denoise_fit(&v, &o, NULL, &a, &m, NULL), 0);
        kt_denoise_posteriors(&m, &v, NULL, prob);
        score[x] = right_share(d, &v, prob);
        assert_int_equal(m.n_pairs, x ? 3 : 0);
        for (size_t p = 0; p < m.n_pairs; p++)
            assert_true(m.pairs[p].a < 3 && m.pairs[p].b < 3 && m.pairs[p].rho > 0.6);
        for (int j = 0; j < M && x; j++) {
            kt_assert_close(m.vote_weight[j], j < 3 ? 0.36 : 1, j < 3 ? 0.1 : 0);
            kt_assert_close(m.summary[j].accuracy, j < 3 ? 0.6 : 0.75, 0.04);
        }
    }
    print_message("right: %.4f with copies counted, %.4f with copies found\n", score[0], score[1]);
    assert_true(score[1] > score[0] + 0.02);
    v = draw(d, 0.3, 0.4, 0.05);
    kt_label_model m;
    assert_int_equal(kt_denoise_fit(&v, &o, NULL, &a, &m, NULL), 0);
    assert_int_equal(m.n_pairs, 0);
    kt_free(prob);
    kt_free(d);
}

/* One round of the model as its header defines it, a vote at a time: accuracies a (M × k) to those that follow from them. */
static void plain_round(const kt_lf_columns *v, uint32_t k, double *a, double *balance)
{
    const double belief = 0.9;
    double right[M * MOST] = { 0 }, seen[M * MOST] = { 0 }, share[MOST] = { 0 }, voted = 0;
    for (size_t i = 0; i < v->n_items; i++) {
        double p[MOST], sum = 0;
        int votes = 0;
        for (uint32_t c = 0; c < k; c++)
            p[c] = balance[c];
        for (int j = 0; j < M; j++) {
            int said = v->vote[j][i];
            if (said >= 0) {
                double x = a[j * MOST + said];
                p[said] *= x / (1 - x) * (1 - balance[said]) / balance[said];
                votes++;
            }
        }
        for (uint32_t c = 0; c < k; c++)
            sum += p[c];
        voted += votes > 0;
        for (uint32_t c = 0; c < k; c++)
            share[c] += votes ? p[c] / sum : 0;
        for (int j = 0; j < M; j++)
            if (v->vote[j][i] >= 0) {
                seen[j * MOST + v->vote[j][i]]++;
                right[j * MOST + v->vote[j][i]] += votes == 1 ? belief : p[v->vote[j][i]] / sum;
            }
    }
    for (uint32_t c = 0; c < k; c++)
        balance[c] = (share[c] + 1) / (voted + k);
    for (int j = 0; j < M; j++) {
        double all = 18, n = 20;
        for (uint32_t c = 0; c < k; c++) {
            all += right[j * MOST + c];
            n += seen[j * MOST + c];
        }
        for (uint32_t c = 0; c < k; c++)
            a[j * MOST + c] = (right[j * MOST + c] + 5 * all / n) / (seen[j * MOST + c] + 5);
    }
}

/* The fixed point, found by many plain rounds, and the model's: for labels few enough for codes, in groups of several sizes,
   and for 16, which are not. */
static void rests_where_plain_rounds_do(void **state)
{
    (void)state;
    data *d = kt_zalloc(sizeof(*d));
    for (uint32_t k = 2; k <= MOST; k += k < 7 ? 1 : 9) {
        kt_rng r = kt_rng_keyed(5, k, 0);
        for (size_t i = 0; i < N; i++)
            for (int j = 0; j < M; j++) {
                uint32_t truth = (uint32_t)(kt_mix64(i) % k), other = (truth + 1 + kt_rng_below(&r, k - 1)) % k;
                bool votes = kt_rng_unit(&r) < 0.5, right = kt_rng_unit(&r) < 0.6 + 0.04 * j;
                d->column[j][i] = !votes ? KT_ABSTAIN : (int16_t)(right ? truth : other);
                d->of[j] = d->column[j];
            }
        kt_lf_columns v = { N, 1, M, k, d->of };
        KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
        kt_label_model m;
        kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
        o.abstain = 0;
        assert_int_equal(kt_denoise_fit(&v, &o, NULL, &arena, &m, NULL), 0);
        double a[M * MOST], balance[MOST];
        for (int x = 0; x < M * MOST; x++)
            a[x] = 0.8;
        for (int c = 0; c < MOST; c++)
            balance[c] = 1.0 / k;
        for (int round = 0; round < 200; round++)
            plain_round(&v, k, a, balance);
        for (int j = 0; j < M; j++)
            for (uint32_t c = 0; c < k; c++) {
                double odds = m.log_likelihood[((size_t)j * k + c) * k + c] - log((1 - balance[c]) / balance[c]);
                kt_assert_close(1 / (1 + exp(-odds)), a[j * MOST + (int)c], 2e-4);
            }
    }
    kt_free(d);
}

static void softmax_is_exact(void **state)
{
    (void)state;
    kt_rng r = kt_rng_keyed(6, 0, 0);
    for (int round = 0; round < 2000; round++) {
        double p[6], want[6], sum = 0;
        for (int c = 0; c < 6; c++)
            p[c] = (kt_rng_unit(&r) - 0.5) * (round % 2 ? 8 : 1500);
        p[0] = 750;
        for (int c = 0; c < 6; c++)
            sum += want[c] = exp(p[c] - 750);
        kt_lf_softmax(p, 1, 6);
        for (int c = 0; c < 6; c++)
            kt_assert_close(p[c], want[c] / sum, 4e-16 + 1e-15 * want[c] / sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_label_functions), cmocka_unit_test(rows_equal_columns), cmocka_unit_test(silence), cmocka_unit_test(silence_counts_where_it_speaks), cmocka_unit_test(silence_is_what_was_planted),
        cmocka_unit_test(summary_by_hand), cmocka_unit_test(refuses), cmocka_unit_test(copies_are_found),
        cmocka_unit_test(rests_where_plain_rounds_do), cmocka_unit_test(softmax_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
