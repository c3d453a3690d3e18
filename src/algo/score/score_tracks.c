/* Tracks. CLEAR MOT keeps each frame's matches into the next while they still overlap enough, matches the rest at least
   cost, and counts a switch when a true track goes on with another predicted one than it last had. IDF1 matches whole tracks
   one to one, most frames in common. HOTA matches frame by frame at each IoU alpha, preferring pairs that go together over
   the whole sequence, and is the root of detection times association accuracy. */
#include "algo/score/score.h"

#include "algo/merge/assign.h"
#include "base/map.h"
#include "base/mem.h"

#include <math.h>

#define LEAST_IOU 0.5
#define MAX_PAIRS ((size_t)1 << 26)
#define FORBIDDEN 1e6 /* cost of a pair that must not be matched; others cost at most 1 */
enum { ALPHAS = 19 };

/* One side: boxes sorted by frame, tracks numbered from 0. */
struct side {
    size_t n, n_tracks;
    uint32_t *frame, *track;
    kt_xywh *box;
};

struct order {
    uint32_t frame, track;
    size_t at;
};

struct scene {
    struct side t, p;
    double *potential;       /* true × predicted tracks: how well they go together (HOTA) */
    double *frames_of[2];    /* boxes of each track */
    uint32_t *together;      /* frames in which the two overlap by LEAST_IOU */
    uint32_t *matched[ALPHAS]; /* frames matched at alpha */
};

/* The boxes of one frame on both sides, and their IoUs (n × m). */
struct frame {
    size_t t0, p0, n, m;
    double *iou;
};

static int by_frame(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->frame != y->frame)
        return x->frame < y->frame ? -1 : 1;
    return (x->track > y->track) - (x->track < y->track);
}

static void side_done(struct side *s)
{
    kt_free(s->frame);
    kt_free(s->track);
    kt_free(s->box);
}

static kt_rc side_make(const kt_track_boxes *b, const char *what, struct side *s, kt_err *err)
{
    for (size_t i = 0; i < b->n; i++)
        KT_TRY(kt_xywh_check(b->box[i], what, i, err));
    struct order *o = kt_alloc_array(b->n + 1, sizeof(*o));
    kt_map tracks = { 0 };
    *s = (struct side){ .n = b->n, .frame = kt_alloc_array(b->n + 1, 4), .track = kt_alloc_array(b->n + 1, 4), .box = kt_alloc_array(b->n + 1, sizeof(kt_xywh)) };
    for (size_t i = 0; i < b->n; i++)
        o[i] = (struct order){ b->frame[i], b->track[i], i };
    if (b->n)
        qsort(o, b->n, sizeof(*o), by_frame);
    kt_rc rc = 0;
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        s->frame[i] = o[i].frame;
        s->track[i] = kt_map_put(&tracks, (uint64_t)o[i].track * 0x9e3779b97f4a7c15u + 1, (uint32_t)s->n_tracks);
        s->n_tracks += s->track[i] == s->n_tracks;
        s->box[i] = b->box[o[i].at];
        if (i && by_frame(&o[i - 1], &o[i]) == 0)
            rc = kt_fail(err, KT_RANGE, "%s: track %u is twice in frame %u", what, o[i].track, o[i].frame);
    }
    kt_map_done(&tracks);
    kt_free(o);
    if (rc < 0)
        side_done(s);
    return rc;
}

/* The next frame that either side has boxes in; false at the end. */
static bool next_frame(const struct scene *s, struct frame *f)
{
    f->t0 += f->n;
    f->p0 += f->m;
    f->n = f->m = 0;
    if (f->t0 >= s->t.n && f->p0 >= s->p.n)
        return false;
    uint32_t at = UINT32_MAX;
    if (f->t0 < s->t.n)
        at = s->t.frame[f->t0];
    if (f->p0 < s->p.n)
        at = KT_MIN(at, s->p.frame[f->p0]);
    while (f->t0 + f->n < s->t.n && s->t.frame[f->t0 + f->n] == at)
        f->n++;
    while (f->p0 + f->m < s->p.n && s->p.frame[f->p0 + f->m] == at)
        f->m++;
    f->iou = kt_realloc(f->iou, (f->n * f->m + 1) * sizeof(double));
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->m; j++)
            f->iou[i * f->m + j] = kt_xywh_iou(s->t.box[f->t0 + i], s->p.box[f->p0 + j], false);
    return true;
}

/* What the whole sequence says of pairs of tracks: frames together, and HOTA's share of alignment. */
static void survey(struct scene *s)
{
    struct frame f = { 0 };
    size_t m = s->p.n_tracks;
    while (next_frame(s, &f)) {
        for (size_t i = 0; i < f.n; i++)
            for (size_t j = 0; j < f.m; j++) {
                double row = 0, column = 0, x = f.iou[i * f.m + j];
                for (size_t k = 0; k < f.m; k++)
                    row += f.iou[i * f.m + k];
                for (size_t k = 0; k < f.n; k++)
                    column += f.iou[k * f.m + j];
                size_t at = s->t.track[f.t0 + i] * m + s->p.track[f.p0 + j];
                if (row + column - x > 0)
                    s->potential[at] += x / (row + column - x);
                s->together[at] += x >= LEAST_IOU;
            }
        for (size_t i = 0; i < f.n; i++)
            s->frames_of[0][s->t.track[f.t0 + i]]++;
        for (size_t j = 0; j < f.m; j++)
            s->frames_of[1][s->p.track[f.p0 + j]]++;
    }
    for (size_t i = 0; i < s->t.n_tracks; i++)
        for (size_t j = 0; j < m; j++)
            s->potential[i * m + j] /= s->frames_of[0][i] + s->frames_of[1][j] - s->potential[i * m + j];
    kt_free(f.iou);
}

/* Matches of one frame for CLEAR MOT: ret[i] = j or -1. last: predicted track each true one had last, -1 none. */
static void clear_match(const struct scene *s, const struct frame *f, const int64_t *last, double *cost, int64_t *ret, uint8_t *kept)
{
    memset(kept, 0, f->m);
    for (size_t i = 0; i < f->n; i++) {
        ret[i] = -1;
        for (size_t j = 0; j < f->m; j++)
            if (!kept[j] && last[s->t.track[f->t0 + i]] == (int64_t)s->p.track[f->p0 + j] && f->iou[i * f->m + j] >= LEAST_IOU) {
                ret[i] = (int64_t)j;
                kept[j] = 1;
            }
    }
    size_t rows = 0, *row = kt_alloc_array(f->n + 1, sizeof(*row));
    int64_t *found = kt_alloc_array(f->n + 1, sizeof(*found));
    for (size_t i = 0; i < f->n; i++)
        if (ret[i] < 0) {
            for (size_t j = 0; j < f->m; j++) {
                double x = f->iou[i * f->m + j];
                cost[rows * f->m + j] = kept[j] || x < LEAST_IOU ? FORBIDDEN : 1 - x;
            }
            row[rows++] = i;
        }
    kt_assign(cost, rows, f->m, found);
    for (size_t r = 0; r < rows; r++)
        if (found[r] >= 0 && cost[r * f->m + (size_t)found[r]] < FORBIDDEN)
            ret[row[r]] = found[r];
    kt_free(row);
    kt_free(found);
}

static void clear_mot(const struct scene *s, kt_track_score *r)
{
    struct frame f = { 0 };
    int64_t *last = kt_alloc_array(s->t.n_tracks + 1, sizeof(*last));
    double iou = 0;
    for (size_t i = 0; i < s->t.n_tracks; i++)
        last[i] = -1;
    while (next_frame(s, &f)) {
        double *cost = kt_alloc_array(f.n * f.m + 1, sizeof(*cost));
        int64_t *match = kt_alloc_array(f.n + 1, sizeof(*match));
        uint8_t *kept = kt_alloc_array(f.m + 1, 1);
        uint64_t hits = 0;
        clear_match(s, &f, last, cost, match, kept);
        for (size_t i = 0; i < f.n; i++) {
            int64_t *had = &last[s->t.track[f.t0 + i]];
            if (match[i] < 0)
                continue;
            int64_t now = (int64_t)s->p.track[f.p0 + (size_t)match[i]];
            r->switches += *had >= 0 && *had != now;
            *had = now;
            iou += f.iou[i * f.m + (size_t)match[i]];
            hits++;
        }
        r->hits += hits;
        r->misses += f.n - hits;
        r->false_positives += f.m - hits;
        kt_free(cost);
        kt_free(match);
        kt_free(kept);
    }
    double n = (double)s->t.n;
    r->mota = n > 0 ? 1 - (double)(r->misses + r->false_positives + r->switches) / n : NAN;
    r->motp = r->hits ? iou / (double)r->hits : NAN;
    kt_free(last);
    kt_free(f.iou);
}

static void id_f1(const struct scene *s, kt_track_score *r)
{
    size_t n = s->t.n_tracks, m = s->p.n_tracks;
    double *cost = kt_alloc_array(n * m + 1, sizeof(*cost)), together = 0;
    int64_t *match = kt_alloc_array(n + 1, sizeof(*match));
    for (size_t i = 0; i < n * m; i++)
        cost[i] = -(double)s->together[i];
    kt_assign(cost, n, m, match);
    for (size_t i = 0; i < n; i++)
        together += match[i] >= 0 ? s->together[i * m + (size_t)match[i]] : 0;
    r->id_precision = s->p.n ? together / (double)s->p.n : NAN;
    r->id_recall = s->t.n ? together / (double)s->t.n : NAN;
    r->idf1 = s->t.n + s->p.n ? 2 * together / (double)(s->t.n + s->p.n) : NAN;
    kt_free(cost);
    kt_free(match);
}

/* Matches of every frame at every alpha, into matched[]. */
static void hota_match(struct scene *s)
{
    struct frame f = { 0 };
    size_t m = s->p.n_tracks;
    while (next_frame(s, &f)) {
        double *cost = kt_alloc_array(f.n * f.m + 1, sizeof(*cost));
        int64_t *match = kt_alloc_array(f.n + 1, sizeof(*match));
        for (size_t i = 0; i < f.n; i++)
            for (size_t j = 0; j < f.m; j++)
                cost[i * f.m + j] = -s->potential[s->t.track[f.t0 + i] * m + s->p.track[f.p0 + j]] * f.iou[i * f.m + j];
        kt_assign(cost, f.n, f.m, match);
        for (size_t i = 0; i < f.n; i++)
            for (int a = 0; a < ALPHAS && match[i] >= 0; a++)
                if (f.iou[i * f.m + (size_t)match[i]] >= 0.05 * (a + 1) - 2.220446049250313e-16)
                    s->matched[a][s->t.track[f.t0 + i] * m + s->p.track[f.p0 + (size_t)match[i]]]++;
        kt_free(cost);
        kt_free(match);
    }
    kt_free(f.iou);
}

static void hota(const struct scene *s, kt_track_score *r)
{
    size_t n = s->t.n_tracks, m = s->p.n_tracks;
    r->hota = r->det_a = r->ass_a = 0;
    for (int a = 0; a < ALPHAS; a++) {
        double hits = 0, association = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < m; j++) {
                double x = s->matched[a][i * m + j];
                hits += x;
                association += x > 0 ? x * x / (s->frames_of[0][i] + s->frames_of[1][j] - x) : 0;
            }
        double all = (double)s->t.n + (double)s->p.n - hits, det = all > 0 ? hits / all : NAN, ass = association / KT_MAX(hits, 1);
        r->det_a += det / ALPHAS;
        r->ass_a += ass / ALPHAS;
        r->hota += sqrt(det * ass) / ALPHAS;
    }
}

kt_rc kt_score_tracks(const kt_track_boxes *predicted, const kt_track_boxes *truth, kt_track_score *ret, kt_err *err)
{
    struct scene s = { 0 };
    KT_TRY(side_make(truth, "true box", &s.t, err));
    kt_rc rc = side_make(predicted, "predicted box", &s.p, err);
    if (rc < 0) {
        side_done(&s.t);
        return rc;
    }
    size_t n = s.t.n_tracks * s.p.n_tracks;
    if (n > MAX_PAIRS) {
        rc = kt_fail(err, KT_LIMIT, "%zu true and %zu predicted tracks; up to %zu pairs", s.t.n_tracks, s.p.n_tracks, MAX_PAIRS);
    } else {
        s.potential = kt_zalloc_array(n + 1, sizeof(double));
        s.together = kt_zalloc_array((ALPHAS + 1) * (n + 1), sizeof(uint32_t));
        for (int a = 0; a < ALPHAS; a++)
            s.matched[a] = s.together + (size_t)(a + 1) * (n + 1);
        s.frames_of[0] = kt_zalloc_array(s.t.n_tracks + 1, sizeof(double));
        s.frames_of[1] = kt_zalloc_array(s.p.n_tracks + 1, sizeof(double));
        *ret = (kt_track_score){ .n_truth = s.t.n, .n_predicted = s.p.n };
        survey(&s);
        clear_mot(&s, ret);
        id_f1(&s, ret);
        hota_match(&s);
        hota(&s, ret);
        kt_free(s.potential);
        kt_free(s.together);
        kt_free(s.frames_of[0]);
        kt_free(s.frames_of[1]);
    }
    side_done(&s.t);
    side_done(&s.p);
    return rc;
}
