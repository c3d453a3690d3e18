/* 95 % intervals of what merges of numbers, sets, texts and masks tell of sources and items: over many planted crowds they hold the planted
   value 93 to 97 % of the time. */
#include "algo/mask.h"
#include "algo/merge/multilabel.h"
#include "algo/merge/aggregate.h"
#include "algo/merge/numeric.h"
#include "algo/merge/rover.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

typedef struct held {
    const char *what;
    int in, all;
} held;

static void hold(held *h, const double *ci, double truth)
{
    h->all++;
    h->in += ci[0] <= truth && truth <= ci[1];
}

static void judge(const held *h)
{
    print_message("%s: %.3f of %d intervals\n", h->what, (double)h->in / h->all, h->all);
    assert_true(h->in >= 0.93 * h->all && h->in <= 0.97 * h->all);
}

static void numbers_cover(void **state)
{
    (void)state;
    enum { N = 250, S = 10, PER = 4, V = N * PER };
    held value = { "values", 0, 0 }, bias = { "biases", 0, 0 }, sd = { "spreads", 0, 0 };
    for (uint64_t seed = 0; seed < 40; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng r = kt_rng_keyed(seed, 1, 9);
        uint32_t item[V], source[V], said[S] = { 0 };
        double x[V], truth[N], b[S], spread[S], all = 0;
        for (int s = 0; s < S; s++) {
            b[s] = 2 * kt_rng_normal(&r);
            spread[s] = 0.5 + 2.5 * kt_rng_unit(&r);
        }
        for (uint32_t i = 0, q = 0; i < N; i++) {
            uint64_t who[PER];
            truth[i] = 100 * kt_rng_unit(&r);
            kt_rng_sample(&r, S, PER, who);
            for (int y = 0; y < PER; y++, q++) {
                item[q] = i;
                source[q] = (uint32_t)who[y];
                said[who[y]]++;
                x[q] = truth[i] + b[who[y]] + spread[who[y]] * kt_rng_normal(&r);
                all += b[who[y]] / V;
            }
        }
        kt_numeric_opts o = KT_NUMERIC_OPTS_INIT;
        kt_numeric m;
        o.method = KT_NUMERIC_PRECISION;
        o.robust = 0;
        assert_int_equal(kt_numeric_fit(&(kt_numbers){ V, N, S, item, source, x }, &o, &a, &m, NULL), 0);
        for (int i = 0; i < N; i++)
            hold(&value, m.ci + 2 * i, truth[i] + all); /* only differences of biases can be seen */
        for (int s = 0; s < S; s++) {
            hold(&bias, m.bias_ci + 2 * s, b[s] - all);
            hold(&sd, m.sd_ci + 2 * s, spread[s]);
        }
    }
    judge(&value);
    judge(&bias);
    judge(&sd);
}

static void sets_cover(void **state)
{
    (void)state;
    enum { N = 400, S = 12, PER = 5, LABELS = 5, V = N * PER };
    held accuracy = { "accuracies of sets", 0, 0 };
    for (uint64_t seed = 0; seed < 40; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng r = kt_rng_keyed(seed, 4, 2);
        uint32_t item[V], source[V], *label = kt_arena_array(&a, V * LABELS, 4);
        size_t start[V + 1] = { 0 }, n = 0;
        double right[S], share[LABELS];
        for (int s = 0; s < S; s++)
            right[s] = 0.7 + 0.25 * kt_rng_unit(&r);
        for (int l = 0; l < LABELS; l++)
            share[l] = 0.2 + 0.1 * l;
        for (uint32_t i = 0, q = 0; i < N; i++) {
            uint64_t who[PER];
            bool truth[LABELS];
            kt_rng_sample(&r, S, PER, who);
            for (int l = 0; l < LABELS; l++)
                truth[l] = kt_rng_unit(&r) < share[l];
            for (int y = 0; y < PER; y++, q++) {
                item[q] = i;
                source[q] = (uint32_t)who[y];
                for (uint32_t l = 0; l < LABELS; l++)
                    if ((kt_rng_unit(&r) < right[who[y]]) == truth[l])
                        label[n++] = l;
                start[q + 1] = n;
            }
        }
        kt_multilabel m;
        assert_int_equal(kt_multilabel_fit(&(kt_label_sets){ V, N, S, LABELS, item, source, start, label }, &kt_aggregate_auto, NULL, &a, &m, NULL), 0);
        for (int s = 0; s < S; s++)
            hold(&accuracy, m.source_ci + 2 * s, right[s]);
    }
    judge(&accuracy);
}

/* ---- texts ---- */

enum { WORDS = 14, VOCABULARY = 300, ROOM = WORDS * 8 };

/* Words are w0 .. w299; a text of a source of this skill: each word kept, or replaced, dropped or doubled by another. */
static kt_str write_text(kt_rng *r, const uint32_t *truth, double skill, char *room)
{
    size_t n = 0;
    for (size_t x = 0; x < WORDS; x++) {
        bool right = kt_rng_unit(r) < skill;
        uint64_t slip = right ? 3 : kt_rng_below(r, 3);
        if (slip == 0)
            continue;
        n += (size_t)snprintf(room + n, ROOM - n, "%sw%u", n ? " " : "", slip == 1 ? (uint32_t)kt_rng_below(r, VOCABULARY) : truth[x]);
        if (slip == 2)
            n += (size_t)snprintf(room + n, ROOM - n, " w%u", (uint32_t)kt_rng_below(r, VOCABULARY));
    }
    return (kt_str){ room, n };
}

/* What a source is worth: the share of the true text it has, by edits, over very many texts. */
static double worth_of_text(kt_rng *r, double skill)
{
    double sum = 0;
    char room[ROOM], true_room[ROOM];
    for (int i = 0; i < 4000; i++) {
        uint32_t truth[WORDS];
        for (size_t x = 0; x < WORDS; x++)
            truth[x] = (uint32_t)kt_rng_below(r, VOCABULARY);
        kt_str t = write_text(r, truth, 1, true_room), text = write_text(r, truth, skill, room);
        size_t words = text.n ? 1 : 0;
        for (size_t x = 0; x < text.n; x++)
            words += text.p[x] == ' ';
        sum += 1 - (double)kt_word_edits(text, t) / (double)KT_MAX(words, (size_t)WORDS);
    }
    return sum / 4000;
}

static void texts_cover(void **state)
{
    (void)state;
    enum { N = 80, S = 8, PER = 5 };
    held share = { "shares of texts", 0, 0 };
    kt_rng w = kt_rng_keyed(5, 5, 5);
    double skill[S], worth[S];
    for (int s = 0; s < S; s++)
        worth[s] = worth_of_text(&w, skill[s] = 0.75 + 0.03 * s);
    for (uint64_t seed = 0; seed < 60; seed++) {
        kt_rng r = kt_rng_keyed(seed, 8, 8);
        double sum[S] = { 0 }, squares[S] = { 0 }, n[S] = { 0 };
        for (int i = 0; i < N; i++) {
            KT_AUTO(kt_arena) a = KT_ARENA_INIT;
            uint32_t truth[WORDS];
            uint64_t who[PER];
            char room[PER][ROOM];
            kt_str text[PER];
            for (size_t x = 0; x < WORDS; x++)
                truth[x] = (uint32_t)kt_rng_below(&r, VOCABULARY);
            kt_rng_sample(&r, S, PER, who);
            for (int y = 0; y < PER; y++)
                text[y] = write_text(&r, truth, skill[who[y]], room[y]);
            kt_text_merge m = kt_rover(text, PER, &a);
            for (int y = 0; y < PER; y++) {
                sum[who[y]] += m.source_share[y];
                squares[who[y]] += m.source_share[y] * m.source_share[y];
                n[who[y]]++;
            }
        }
        for (int s = 0; s < S; s++) {
            double ci[2];
            kt_shares_interval(sum[s], squares[s], n[s], ci);
            hold(&share, ci, worth[s]);
        }
    }
    judge(&share);
}

/* ---- masks ---- */

enum { SIDE = 24, PIXELS = SIDE * SIDE };

static void draw_truth(kt_rng *r, uint8_t *mask)
{
    double x = 8 + 8 * kt_rng_unit(r), y = 8 + 8 * kt_rng_unit(r), radius = 4 + 3 * kt_rng_unit(r);
    for (int p = 0; p < PIXELS; p++)
        mask[p] = (p % SIDE - x) * (p % SIDE - x) + (p / SIDE - y) * (p / SIDE - y) < radius * radius;
}

/* Flips pixels within a margin of the shape; what is far from it nobody sets. */
static void draw_mask(kt_rng *r, const uint8_t *truth, double quality, uint8_t *mask)
{
    for (int p = 0; p < PIXELS; p++) {
        bool near = truth[p];
        for (int d = -2; d <= 2 && !near; d++)
            near = (p + d >= 0 && p + d < PIXELS && truth[p + d]) || (p + d * SIDE >= 0 && p + d * SIDE < PIXELS && truth[p + d * SIDE]);
        mask[p] = near && kt_rng_unit(r) >= quality ? !truth[p] : truth[p];
    }
}

static void masks_cover(void **state)
{
    (void)state;
    enum { N = 60, S = 8, PER = 5 };
    held share = { "overlaps of masks", 0, 0 };
    kt_rng w = kt_rng_keyed(6, 5, 5);
    double quality[S], worth[S] = { 0 };
    uint8_t truth[PIXELS], mask[PER][PIXELS];
    for (int s = 0; s < S; s++) {
        quality[s] = 0.7 + 0.035 * s;
        for (int i = 0; i < 3000; i++) {
            draw_truth(&w, truth);
            draw_mask(&w, truth, quality[s], mask[0]);
            worth[s] += kt_mask_iou(mask[0], truth, PIXELS) / 3000;
        }
    }
    for (uint64_t seed = 0; seed < 60; seed++) {
        kt_rng r = kt_rng_keyed(seed, 8, 9);
        double sum[S] = { 0 }, squares[S] = { 0 }, n[S] = { 0 };
        for (int i = 0; i < N; i++) {
            uint64_t who[PER];
            const uint8_t *given[PER];
            draw_truth(&r, truth);
            kt_rng_sample(&r, S, PER, who);
            for (int y = 0; y < PER; y++) {
                draw_mask(&r, truth, quality[who[y]], mask[y]);
                given[y] = mask[y];
            }
            double overlap[PER];
            kt_mask_overlaps(given, PER, PIXELS, overlap);
            for (int y = 0; y < PER; y++) {
                sum[who[y]] += overlap[y];
                squares[who[y]] += overlap[y] * overlap[y];
                n[who[y]]++;
            }
        }
        for (int s = 0; s < S; s++) {
            double ci[2];
            kt_shares_interval(sum[s], squares[s], n[s], ci);
            hold(&share, ci, worth[s]);
        }
    }
    judge(&share);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(numbers_cover), cmocka_unit_test(sets_cover), cmocka_unit_test(texts_cover), cmocka_unit_test(masks_cover) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
