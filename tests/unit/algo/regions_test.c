/* Outlines and skeletons. Checked against areas and overlaps worked out by hand, and against planted shapes: which are found, how near
   the merged ones are compared with one source's and with the pixel majority's, and whether spreads and their intervals hold the
   planted ones. */
#include "algo/merge/outline.h"
#include "algo/merge/regions.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

static void outlines_by_hand(void **state)
{
    (void)state;
    double square[] = { 0, 0, 10, 0, 10, 10, 0, 10 }, right[] = { 5, 0, 15, 0, 15, 10, 5, 10 }, triangle[] = { 0, 0, 0, 10, 10, 0 };
    double tie[] = { 0, 0, 10, 10, 10, 0, 0, 10 }, letter[] = { 0, 0, 10, 0, 10, 10, 8, 10, 8, 2, 2, 2, 2, 10, 0, 10 };
    kt_assert_close(kt_outline_area(square, 4), 100, 1e-12);
    kt_assert_close(kt_outline_area(triangle, 3), -50, 1e-12);
    kt_assert_close(kt_outline_iou(square, 4, right, 4), 50.0 / 150, 1e-12);
    kt_assert_close(kt_outline_iou(square, 4, triangle, 3), 0.5, 1e-3);
    kt_assert_close(kt_outline_iou(letter, 8, square, 4), (100.0 - 6 * 8) / 100, 5e-3);
    kt_assert_close(kt_outline_iou(square, 4, (double[]){ 20, 0, 30, 0, 30, 10 }, 3), 0, 0);
    assert_true(kt_outline_simple(letter, 8) && !kt_outline_simple(tie, 4) && !kt_outline_simple(square, 2));
    enum { W = 41 };
    kt_grid g = { -5, -5, 0.5, W, W };
    double field[W * W];
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_outline_distance(letter, 8, &g, 3, field);
    kt_assert_close(field[(10 + 12) * W + 10 + 2], 1, 1e-12); /* (1, 6), in the left leg; half way between its sides */
    kt_assert_close(field[(10 + 12) * W + 10 + 10], -3, 1e-12); /* (5, 6), between the legs: as far as the cut allows */
    size_t n;
    double *traced = kt_outline_trace(field, &g, 0.05, &a, &n);
    assert_true(kt_outline_simple(traced, n) && kt_outline_area(traced, n) > 0);
    assert_true(kt_outline_iou(traced, n, letter, 8) > 0.95);
    for (int x = 0; x < W * W; x++)
        field[x] = -1;
    kt_outline_trace(field, &g, 0.05, &a, &n);
    assert_int_equal(n, 0);
    for (int x = 0; x < W * W; x++)
        field[x] = (x / W + x % W) % 2 ? 1 : -1; /* all saddles */
    traced = kt_outline_trace(field, &g, 0, &a, &n);
    assert_true(kt_outline_simple(traced, n));
}

enum { ITEMS = 150, CROWD = 8, EACH = 5, CORNERS = 40, MOST = ITEMS * EACH };

typedef struct scene {
    uint32_t item[MOST], source[MOST];
    size_t answer[MOST], start[MOST + 1], n, said;
    int32_t label[MOST];
    double at[MOST * 2 * CORNERS], shape[ITEMS][2 * CORNERS], sd[CROWD];
} scene;

/* A star-shaped outline a source draws: every border point moved outwards by slowly varying noise of sd, a share of the size. */
static void draw_shape(kt_rng *r, const double *shape, double sd, double *ret)
{
    double wave[3] = { kt_rng_normal(r), kt_rng_normal(r), kt_rng_normal(r) }, turn[2] = { 6.3 * kt_rng_unit(r), 6.3 * kt_rng_unit(r) }, cx = 0, cy = 0;
    for (int c = 0; c < CORNERS; c++) {
        cx += shape[2 * c] / CORNERS;
        cy += shape[2 * c + 1] / CORNERS;
    }
    double size = sqrt(kt_outline_area(shape, CORNERS));
    for (int c = 0; c < CORNERS; c++) {
        double angle = 2 * M_PI * c / CORNERS, off = sd * size * (wave[0] + sqrt(2) * (wave[1] * sin(angle + turn[0]) + wave[2] * sin(2 * angle + turn[1]))) / sqrt(3);
        double x = shape[2 * c] - cx, y = shape[2 * c + 1] - cy, radius = hypot(x, y);
        ret[2 * c] = cx + x * (1 + off / radius);
        ret[2 * c + 1] = cy + y * (1 + off / radius);
    }
}

static kt_region_answers draw_scene(scene *s, uint64_t seed)
{
    kt_rng r = kt_rng_keyed(seed, 2, 2);
    s->n = s->said = 0;
    for (int x = 0; x < CROWD; x++)
        s->sd[x] = x < 3 ? 0.02 : 0.1;
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint64_t who[EACH];
        double size = 40 + 40 * kt_rng_unit(&r), bump = 0.25 * kt_rng_unit(&r);
        for (int c = 0; c < CORNERS; c++) {
            double angle = 2 * M_PI * c / CORNERS, radius = size * (1 + bump * sin(3 * angle));
            s->shape[i][2 * c] = 200 + radius * cos(angle);
            s->shape[i][2 * c + 1] = 200 + radius * sin(angle);
        }
        kt_rng_sample(&r, CROWD, EACH, who);
        for (int x = 0; x < EACH; x++) {
            s->item[s->said] = i;
            s->source[s->said++] = (uint32_t)who[x];
            if (kt_rng_unit(&r) < 0.15)
                continue;
            draw_shape(&r, s->shape[i], s->sd[who[x]], s->at + s->n * 2 * CORNERS);
            s->label[s->n] = kt_rng_unit(&r) < 0.9 ? (int32_t)(i % 2) : (int32_t)((i + 1) % 2);
            s->start[s->n] = s->n * 2 * CORNERS;
            s->answer[s->n++] = s->said - 1;
        }
    }
    s->start[s->n] = s->n * 2 * CORNERS;
    return (kt_region_answers){ s->said, ITEMS, CROWD, 2, 0, s->item, s->source, s->n, s->answer, s->label, s->at, KT_REGION_POLYGONS, s->start };
}

/* Merged outlines are nearer the planted ones than single ones and than the borders of pixels most sources set; spreads are found. */
static void polygons_planted(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    scene *s = kt_alloc(sizeof(*s));
    kt_region_answers v = draw_scene(s, 1);
    kt_regions one, many;
    kt_pool *pool = kt_pool_new(3);
    assert_int_equal(kt_regions_merge(&v, NULL, NULL, &a, &one, NULL), 0);
    assert_int_equal(kt_regions_merge(&v, NULL, pool, &a, &many, NULL), 0);
    kt_pool_free(pool);
    assert_int_equal(one.start[one.n], many.start[many.n]);
    assert_memory_equal(one.at, many.at, one.start[one.n] * sizeof(double));
    double merged = 0, single = 0, found = 0;
    for (size_t g = 0; g < one.n; g++) {
        size_t n = (one.start[g + 1] - one.start[g]) / 2;
        if (!one.kept[g])
            continue;
        assert_true(kt_outline_simple(one.at + one.start[g], n));
        merged += kt_outline_iou(one.at + one.start[g], n, s->shape[one.item[g]], CORNERS);
        found++;
    }
    for (size_t x = 0; x < s->n; x++)
        single += kt_outline_iou(s->at + s->start[x], CORNERS, s->shape[s->item[s->answer[x]]], CORNERS) / (double)s->n;
    print_message("%g of %d shapes; IoU with the planted %.4f, of single ones %.4f\n", found, ITEMS, merged / found, single);
    assert_true(found > 0.97 * ITEMS && merged / found > 0.93 && 1 - merged / found < 0.5 * (1 - single));
    for (int x = 0; x < CROWD; x++) {
        print_message("source %d: %.3f (%.3f to %.3f), planted %.3f\n", x, one.source_sd[x], one.source_sd_ci[2 * x], one.source_sd_ci[2 * x + 1], s->sd[x]);
        kt_assert_close(one.source_sd[x], s->sd[x], 0.25 * s->sd[x] + 0.01);
        assert_true(one.source_sd_ci[2 * x] < one.source_sd[x] && one.source_sd[x] < one.source_sd_ci[2 * x + 1]);
    }
    s->start[1] = 3;
    assert_int_equal(kt_regions_merge(&v, NULL, NULL, &a, &one, NULL), KT_RANGE);
    kt_free(s);
}

/* Five points each; some sources are careless, swap to nonsense now and then, or take hidden points for absent. */
static void keypoints_planted(void **state)
{
    (void)state;
    enum { N = 300, POINTS = 5, PER = 5, D = 3 * POINTS, OUT = N * PER };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_rng r = kt_rng_keyed(5, 5, 5);
    uint32_t *item = kt_arena_array(&a, OUT, 4), *source = kt_arena_array(&a, OUT, 4);
    size_t *answer = kt_arena_array(&a, OUT, sizeof(size_t));
    int32_t *label = kt_arena_array(&a, OUT, 4);
    double *at = kt_arena_array(&a, OUT, D * sizeof(double)), *truth = kt_arena_array(&a, N, D * sizeof(double));
    for (uint32_t i = 0, q = 0; i < N; i++) {
        uint64_t who[PER];
        for (int p = 0; p < POINTS; p++)
            memcpy(truth + i * D + 3 * p, (double[]){ 100 * (p % 3) + 30 * kt_rng_unit(&r), 100 * (p / 3) + 30 * kt_rng_unit(&r), (double)kt_rng_below(&r, 3) }, 3 * sizeof(double));
        truth[i * D + 2] = truth[i * D + 14] = 2;
        kt_rng_sample(&r, CROWD, PER, who);
        for (int x = 0; x < PER; x++, q++) {
            double sd = who[x] < 4 ? 2 : 10;
            item[q] = i;
            source[q] = (uint32_t)who[x];
            answer[q] = q;
            for (int p = 0; p < D; p += 3) {
                double *mine = at + q * D + p;
                const double *there = truth + i * D + p;
                mine[2] = kt_rng_unit(&r) < (who[x] < 4 ? 0.95 : 0.7) ? there[2] : (double)kt_rng_below(&r, 3);
                for (int c = 0; c < 2; c++)
                    mine[c] = mine[2] > 0 ? there[c] + sd * kt_rng_normal(&r) + (kt_rng_unit(&r) < 0.03 ? 60 : 0) : 0;
            }
        }
    }
    kt_region_answers v = { OUT, N, CROWD, 1, D, item, source, OUT, answer, label, at, KT_REGION_KEYPOINTS, NULL };
    kt_region_opts o = KT_REGION_OPTS_INIT;
    kt_regions m;
    o.overlap = 0.2;
    o.sigma = 0.1;
    assert_int_equal(kt_regions_merge(&v, &o, NULL, &a, &m, NULL), 0);
    double off = 0, plain = 0, n = 0, seen = 0, majority = 0, all = 0;
    for (size_t g = 0; g < m.n; g++)
        for (int p = 0; p < D && m.kept[g] && m.n_for[g] == PER; p += 3) {
            const double *there = truth + m.item[g] * D + p, *got = m.at + g * D + p;
            double mean[2] = { 0 }, said = 0, votes[3] = { 0 };
            for (uint32_t q = m.item[g] * PER; q < (m.item[g] + 1) * PER; q++) {
                votes[(int)at[q * D + p + 2]]++;
                said += at[q * D + p + 2] > 0;
                for (int c = 0; c < 2; c++)
                    mean[c] += at[q * D + p + 2] > 0 ? at[q * D + p + c] : 0;
            }
            int top = votes[1] > votes[0] ? 1 : 0;
            top = votes[2] > votes[top] ? 2 : top;
            seen += got[2] == there[2];
            majority += top == there[2];
            all++;
            const double *chance = m.seen + (g * POINTS + (size_t)p / 3) * 3;
            kt_assert_close(chance[0] + chance[1] + chance[2], 1, 1e-9);
            if (said > 0 && there[2] > 0) {
                off += hypot(got[0] - there[0], got[1] - there[1]);
                plain += hypot(mean[0] / said - there[0], mean[1] / said - there[1]);
                n++;
            }
        }
    print_message("%g points: off by %.2f, plain mean %.2f; seen or not right %.4f, majority %.4f\n", n, off / n, plain / n, seen / all, majority / all);
    assert_true(n > 800 && off < 0.5 * plain && all - seen < 0.5 * (all - majority));
    for (int s = 0; s < CROWD; s++)
        assert_true((m.source_sd[s] < 0.03) == (s < 4) && m.source_sd_ci[2 * s] < m.source_sd[s]);
    at[2] = 3;
    assert_int_equal(kt_regions_merge(&v, &o, NULL, &a, &m, NULL), KT_RANGE);
    v.n_numbers = 4;
    assert_int_equal(kt_regions_merge(&v, &o, NULL, &a, &m, NULL), KT_RANGE);
}

/* Edges: the 95 % intervals of the sources' spreads hold the planted ones 93 to 97 % of the time. */
static void spreads_cover(void **state)
{
    (void)state;
    enum { SEEDS = 40, SPANS = 150, WHO = 10, PER = 4 };
    int in = 0, all = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_rng r = kt_rng_keyed(seed, 9, 9);
        uint32_t item[SPANS * PER], source[SPANS * PER];
        size_t answer[SPANS * PER];
        int32_t label[SPANS * PER] = { 0 };
        double at[SPANS * PER * 2], sd[WHO];
        for (int s = 0; s < WHO; s++)
            sd[s] = 0.02 + 0.08 * kt_rng_unit(&r);
        for (uint32_t i = 0, q = 0; i < SPANS; i++) {
            uint64_t who[PER];
            kt_rng_sample(&r, WHO, PER, who);
            for (int x = 0; x < PER; x++, q++) {
                item[q] = i;
                source[q] = (uint32_t)who[x];
                answer[q] = q;
                at[2 * q] = 10 + sd[who[x]] * kt_rng_normal(&r);
                at[2 * q + 1] = 11 + sd[who[x]] * kt_rng_normal(&r);
            }
        }
        kt_region_answers v = { SPANS * PER, SPANS, WHO, 1, 2, item, source, SPANS * PER, answer, label, at, KT_REGION_EDGES, NULL };
        kt_regions m;
        assert_int_equal(kt_regions_merge(&v, NULL, NULL, &a, &m, NULL), 0);
        for (int s = 0; s < WHO; s++, all++)
            in += m.source_sd_ci[2 * s] <= sd[s] && sd[s] <= m.source_sd_ci[2 * s + 1];
    }
    print_message("95 %% intervals of spreads hold %.3f of the time\n", (double)in / all);
    assert_true(in >= 0.93 * all && in <= 0.97 * all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outlines_by_hand), cmocka_unit_test(polygons_planted), cmocka_unit_test(keypoints_planted), cmocka_unit_test(spreads_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
