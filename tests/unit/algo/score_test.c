/* Scores of predictions. Checked against: brute force over all assignments and all pairs of boundary pixels, counts worked out
   by hand, the figures py-motmetrics publishes for the two TUD sequences, and what every score must obey. The stored answers
   of scikit-learn, seqeval and pycocotools are in tests/reference. */
#include "algo/merge/assign.h"
#include "algo/nth.h"
#include "algo/score/score.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

static double best_of(const double *cost, size_t n, size_t m, size_t row, uint32_t used)
{
    double best = row == n ? 0 : INFINITY;
    for (size_t j = 0; row < n && j < m; j++)
        if (!(used >> j & 1))
            best = KT_MIN(best, cost[row * m + j] + best_of(cost, n, m, row + 1, used | 1u << j));
    return best;
}

static void assignment_is_least(void **state)
{
    (void)state;
    kt_rng r = kt_rng_keyed(1, 2, 3);
    for (int run = 0; run < 300; run++) {
        size_t n = kt_rng_below(&r, 6), m = n + kt_rng_below(&r, 3);
        double cost[64], turned[64], sum = 0, sum_turned = 0;
        int64_t match[8], back[8];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < m; j++)
                turned[j * n + i] = cost[i * m + j] = (double)kt_rng_below(&r, 20) - 10;
        kt_assign(cost, n, m, match);
        kt_assign(turned, m, n, back);
        uint32_t used = 0;
        for (size_t i = 0; i < n; i++) {
            assert_true(match[i] >= 0 && !(used >> match[i] & 1));
            used |= 1u << match[i];
            sum += cost[i * m + (size_t)match[i]];
        }
        for (size_t j = 0; j < m; j++)
            sum_turned += back[j] < 0 ? 0 : cost[(size_t)back[j] * m + j];
        kt_assert_close(sum, best_of(cost, n, m, 0, 0), 1e-12);
        kt_assert_close(sum_turned, sum, 1e-12);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void nth_is_sorted(void **state)
{
    (void)state;
    kt_rng r = kt_rng_keyed(4, 5, 6);
    double v[500], sorted[500];
    for (int run = 0; run < 200; run++) {
        size_t n = 1 + kt_rng_below(&r, 500), nth = kt_rng_below(&r, n);
        for (size_t i = 0; i < n; i++)
            sorted[i] = v[i] = run % 3 == 0 ? (double)kt_rng_below(&r, 5) - 2 : run % 3 == 1 ? kt_rng_normal(&r) * pow(10, kt_rng_normal(&r) * 50) : -0.0;
        qsort(sorted, n, sizeof(double), ascending);
        assert_true(kt_nth_smallest(v, n, nth) == sorted[nth]);
    }
}

static void edits_by_hand(void **state)
{
    (void)state;
    kt_edit_counts c = { 0 };
    assert_int_equal(kt_score_text(KT_S("the cat sat on mat"), KT_S("the cat sat on the  mat "), KT_UNIT_WORD, &c, NULL), 0);
    assert_int_equal(c.length, 6);
    assert_int_equal(c.deleted, 1);
    assert_int_equal(c.substituted + c.inserted, 0);
    assert_int_equal(kt_score_text(KT_S("a hat sits"), KT_S("the cat sat"), KT_UNIT_WORD, &c, NULL), 0); /* sums up */
    kt_assert_close(kt_edit_rate(&c), 4.0 / 9, 1e-12);
    kt_edit_counts k = { 0 };
    assert_int_equal(kt_score_text(KT_S("sitting"), KT_S("kitten"), KT_UNIT_CHAR, &k, NULL), 0); /* k→s, e→i, +g */
    assert_true(k.substituted == 2 && k.inserted == 1 && k.deleted == 0 && k.length == 6);
    kt_assert_close(kt_text_distance(KT_S("größe"), KT_S("grosse")), 3.0 / 6, 1e-12); /* ö→o, ß→s, +s, of 6 */
    kt_assert_close(kt_text_distance(KT_S(""), KT_S("")), 0, 0);
    kt_edit_counts none = { 0 };
    assert_true(isnan(kt_edit_rate(&none)));
    assert_int_equal(kt_score_text(KT_S("\xff"), KT_S("a"), KT_UNIT_CHAR, &none, NULL), KT_PARSE);
}

enum { W = 13, H = 9 };

static bool edge(const uint8_t *m, int x, int y)
{
    static const int step[4][2] = { { 0, 1 }, { 1, 0 }, { 0, -1 }, { -1, 0 } };
    bool any = false;
    for (int k = 0; k < 4; k++) {
        int a = x + step[k][0], b = y + step[k][1];
        any |= a < 0 || b < 0 || a >= W || b >= H || !m[b * W + a];
    }
    return m[y * W + x] && any;
}

static void boundaries_by_brute_force(void **state)
{
    (void)state;
    kt_rng r = kt_rng_keyed(7, 8, 9);
    for (int run = 0; run < 60; run++) {
        uint8_t m[2][W * H];
        for (int i = 0; i < W * H; i++)
            for (int s = 0; s < 2; s++)
                m[s][i] = kt_rng_below(&r, 12) < (uint64_t)(run % 12);
        double sum = 0, most = 0, near[2] = { 0, 0 }, n[2] = { 0, 0 };
        for (int s = 0; s < 2; s++)
            for (int i = 0; i < W * H; i++) {
                double best = INFINITY;
                if (!edge(m[s], i % W, i / W))
                    continue;
                for (int j = 0; j < W * H; j++)
                    if (edge(m[1 - s], j % W, j / W))
                        best = KT_MIN(best, hypot(i % W - j % W, i / W - j / W));
                n[s]++;
                sum += best;
                most = KT_MAX(most, best);
                near[s] += best <= 1;
            }
        kt_boundary_score got;
        kt_score_boundary(m[0], m[1], W, H, 1, &got);
        if (n[0] == 0 || n[1] == 0) {
            assert_true(isnan(got.f1) && isnan(got.max_px));
            continue;
        }
        kt_assert_close(got.precision, near[0] / n[0], 1e-12);
        kt_assert_close(got.recall, near[1] / n[1], 1e-12);
        kt_assert_close(got.mean_px, sum / (n[0] + n[1]), 1e-12);
        kt_assert_close(got.max_px, most, 1e-12);
    }
}

static void masks_by_hand(void **state)
{
    (void)state;
    /* truth 0 0 1 1 2 void, said 0 1 1 1 0 1: label 0 has 1 of 3, label 1 has 2 of 3, label 2 has 0 of 1, label 3 is nowhere */
    int32_t truth[] = { 0, 0, 1, 1, 2, 255 }, said[] = { 0, 1, 1, 1, 0, 1 };
    kt_arena a = KT_ARENA_INIT;
    kt_mask_score s = { 0 };
    kt_score_masks(said, truth, 3, 4, &a, &s);
    kt_score_masks(said + 3, truth + 3, 3, 4, &a, &s);
    kt_mask_score_finish(&s, 4);
    kt_assert_close(s.iou[0], 1.0 / 3, 1e-12);
    kt_assert_close(s.iou[1], 2.0 / 3, 1e-12);
    kt_assert_close(s.dice[1], 4.0 / 5, 1e-12);
    kt_assert_close(s.iou[2], 0, 0);
    assert_true(isnan(s.iou[3]));
    kt_assert_close(s.mean_iou, 1.0 / 3, 1e-12);
    kt_assert_close(s.pixel_accuracy, 3.0 / 5, 1e-12);
    kt_arena_done(&a);
}

static void segments_by_hand(void **state)
{
    (void)state;
    kt_segment truth[] = { { 0, 1, 0, 10 }, { 0, 2, 10, 20 }, { 1, 1, 0, 4 } };
    kt_segment said[] = { { 0, 2, 12, 20 }, { 0, 1, 0, 6 }, { 0, 1, 6, 12 } };
    kt_segment_score s;
    /* label 1: 10 of 12 s, label 2: 8 of 10, recording 1: 0 of 4. IoU of the pairs: .6, .3 (taken), .8 */
    assert_int_equal(kt_score_segments(said, 3, truth, 3, &s, NULL), 0);
    kt_assert_close(s.iou, 18.0 / 26, 1e-12);
    assert_int_equal(s.f1_at[2].hits, 2);
    kt_assert_close(s.f1_at[2].f1, 2.0 / 3, 1e-12);
    said[0].end_s = -1;
    assert_int_equal(kt_score_segments(said, 3, truth, 3, &s, NULL), KT_RANGE);
}

/* MOTChallenge lines: frame, track, left, top, width, height, … */
static kt_track_boxes read_tracks(const char *sequence, const char *file, kt_arena *a)
{
    char path[500];
    snprintf(path, sizeof(path), "%s/data/video-mot-tud/%s/%s", getenv("KARAT_SHARED"), sequence, file);
    kt_buf text = KT_BUF_INIT((size_t)1 << 24);
    assert_int_equal(kt_file_read(path, &text, NULL), 0);
    uint32_t *frame = kt_arena_array(a, 2000, 4), *track = kt_arena_array(a, 2000, 4);
    kt_xywh *box = kt_arena_array(a, 2000, sizeof(kt_xywh));
    size_t n = 0;
    kt_str rest = KT_BUF_STR(&text), line;
    while (kt_str_cut(&rest, '\n', &line) && line.n) {
        double x[6];
        kt_str field;
        for (int k = 0; k < 6; k++)
            assert_true(kt_str_cut(&line, ',', &field) && kt_parse_f64(kt_str_trim(field), &x[k]));
        frame[n] = (uint32_t)x[0];
        track[n] = (uint32_t)x[1];
        box[n++] = (kt_xywh){ x[2], x[3], x[4], x[5] };
    }
    kt_buf_done(&text);
    return (kt_track_boxes){ n, frame, track, box };
}

static void tracks_of_tud(void **state)
{
    (void)state;
    static const struct { const char *name; uint64_t fp, misses, switches; double mota, idf1, idp, idr, motp, hota, det_a, ass_a; } want[] = {
        { "TUD-Campus", 13, 150, 7, .526, .558, .730, .451, .277, .3914, .4180, .3691 },
        { "TUD-Stadtmitte", 45, 452, 7, .564, .645, .820, .531, .346, .3978, .3923, .4088 },
    };
    char probe[500];
    snprintf(probe, sizeof(probe), "%s/data/video-mot-tud/README.md", getenv("KARAT_SHARED") ? getenv("KARAT_SHARED") : "");
    if (!kt_file_exists(probe)) {
        print_message("skipped: video-mot-tud (no shared data)\n");
        skip();
    }
    for (size_t i = 0; i < KT_LEN(want); i++) {
        kt_arena a = KT_ARENA_INIT;
        kt_track_boxes truth = read_tracks(want[i].name, "gt.txt", &a), said = read_tracks(want[i].name, "test.txt", &a);
        kt_track_score s;
        assert_int_equal(kt_score_tracks(&said, &truth, &s, NULL), 0);
        assert_int_equal(s.false_positives, want[i].fp);
        assert_int_equal(s.misses, want[i].misses);
        assert_int_equal(s.switches, want[i].switches);
        kt_assert_close(s.mota, want[i].mota, 0.0005);
        kt_assert_close(s.idf1, want[i].idf1, 0.0005);
        kt_assert_close(s.id_precision, want[i].idp, 0.0005);
        kt_assert_close(s.id_recall, want[i].idr, 0.0005);
        kt_assert_close(1 - s.motp, want[i].motp, 0.0005); /* they print a distance */
        kt_assert_close(s.hota, want[i].hota, 0.0001);
        kt_assert_close(s.det_a, want[i].det_a, 0.0001);
        kt_assert_close(s.ass_a, want[i].ass_a, 0.0001);
        assert_int_equal(kt_score_tracks(&truth, &truth, &s, NULL), 0);
        kt_assert_close(s.mota, 1, 0);
        kt_assert_close(s.idf1, 1, 0);
        kt_assert_close(s.hota, 1, 1e-12);
        kt_arena_done(&a);
    }
}

/* HOTA by hand: 4 frames, one true track; track A has it in 2 frames, B in the other 2, always at IoU 1.
   Detections all hit; association of each hit 2 / (4 + 2 - 2); HOTA = √.5. A track twice in a frame is refused. */
static void hota_by_hand(void **state)
{
    (void)state;
    uint32_t frame[4] = { 1, 2, 3, 4 }, one[4] = { 7, 7, 7, 7 }, two[4] = { 1, 1, 2, 2 };
    kt_xywh box[4] = { { 0, 0, 5, 5 }, { 1, 0, 5, 5 }, { 2, 0, 5, 5 }, { 3, 0, 5, 5 } };
    kt_track_score s;
    kt_track_boxes truth = { 4, frame, one, box }, said = { 4, frame, two, box };
    assert_int_equal(kt_score_tracks(&said, &truth, &s, NULL), 0);
    kt_assert_close(s.det_a, 1, 1e-12);
    kt_assert_close(s.ass_a, 0.5, 1e-12);
    kt_assert_close(s.hota, sqrt(0.5), 1e-12);
    assert_int_equal(s.switches, 1);
    kt_assert_close(s.idf1, 0.5, 1e-12);
    frame[1] = 1;
    kt_err err = { 0 };
    assert_int_equal(kt_score_tracks(&said, &truth, &s, &err), KT_RANGE);
    kt_track_boxes none = { 0, frame, one, box };
    assert_int_equal(kt_score_tracks(&none, &none, &s, NULL), 0);
    assert_true(isnan(s.mota) && isnan(s.idf1));
}

static void bad_input(void **state)
{
    (void)state;
    kt_arena a = KT_ARENA_INIT;
    int32_t truth[2] = { 0, 1 }, said[2] = { 0, 2 };
    double prob[4] = { 0.5, 0.5, NAN, 1 };
    kt_class_score c;
    assert_int_equal(kt_score_classes(&(kt_class_predictions){ 2, 2, truth, said, NULL }, NULL, &a, &c, NULL), KT_RANGE);
    assert_int_equal(kt_score_classes(&(kt_class_predictions){ 2, 2, truth, NULL, prob }, NULL, &a, &c, NULL), KT_RANGE);
    assert_int_equal(kt_score_classes(&(kt_class_predictions){ 0, 2, truth, NULL, prob }, NULL, &a, &c, NULL), 0);
    assert_true(isnan(c.accuracy) && isnan(c.log_loss));
    kt_span_types types = { 0 };
    kt_token_spans spans = { 0 };
    kt_str bad[2] = { KT_S("B-X"), KT_S("Q-X") };
    kt_err err = { 0 };
    assert_int_equal(kt_spans_of_tags(bad, 2, 0, KT_TAGS_DEFAULT, &types, &spans, &err), KT_PARSE);
    kt_span_types_done(&types);
    kt_free(spans.v);
    uint32_t zero[1] = { 0 };
    kt_xywh box[1] = { { 0, 0, -1, 5 } };
    kt_map_score m;
    assert_int_equal(kt_score_boxes(&(kt_detections){ 1, zero, zero, box, prob, NULL }, &(kt_detections){ 0 }, 1, 1, NULL, &a, &m, NULL), KT_RANGE);
    assert_int_equal(kt_score_boxes(&(kt_detections){ 0 }, &(kt_detections){ 0 }, 1, 1, NULL, &a, &m, NULL), 0);
    assert_true(isnan(m.ap) && isnan(m.ap_of[0]));
    kt_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assignment_is_least), cmocka_unit_test(nth_is_sorted), cmocka_unit_test(edits_by_hand),
        cmocka_unit_test(boundaries_by_brute_force), cmocka_unit_test(masks_by_hand), cmocka_unit_test(segments_by_hand),
        cmocka_unit_test(tracks_of_tud), cmocka_unit_test(hota_by_hand), cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
