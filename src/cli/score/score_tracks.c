/* Tracks: MOTA, IDF1, HOTA. Reads tables with names, and MOTChallenge's lines of numbers without. */
#include "algo/score/score.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/score/score_cli.h"
#include "format/rows.h"

#define MAX_FILE_BYTES ((size_t)1 << 34)

enum { FRAME, TRACK, X, Y, W, H, FIELDS };
static const char *const names[FIELDS][4] = { { "frame", "time", NULL }, { "track", "track_id", "id", NULL }, { "x", "left", NULL },
                                              { "y", "top", NULL }, { "width", "w", NULL }, { "height", "h", NULL } };

static kt_rc columns_of(const kt_rows *r, bool header, size_t column[FIELDS], kt_err *err)
{
    for (size_t f = 0; f < FIELDS; f++) {
        column[f] = header ? SIZE_MAX : f;
        for (const char *const *n = names[f]; *n && header && column[f] == SIZE_MAX; n++)
            column[f] = kt_rows_column(r, kt_str_of(*n));
        if (column[f] < r->n_columns)
            continue;
        kt_fail(err, KT_PARSE, "no column '%s'", names[f][0]);
        kt_hint(err, "expected frame,track,x,y,width,height, or MOTChallenge lines in that order");
        kt_at(err, r->path, 1, names[f][0]);
        return KT_PARSE;
    }
    return 0;
}

static kt_rc read_row(const kt_rows *r, const size_t column[FIELDS], double v[FIELDS], kt_err *err)
{
    for (size_t f = 0; f < FIELDS; f++) {
        bool whole = f == FRAME || f == TRACK;
        kt_str s = kt_str_trim(r->field[column[f]]);
        if (!kt_parse_f64(s, &v[f]) || (whole && (v[f] < 0 || v[f] >= UINT32_MAX || v[f] != (double)(uint32_t)v[f]))) {
            kt_fail(err, KT_RANGE, "'%.*s' is no %s", KT_F(s), whole ? "whole number from 0 up" : "number");
            kt_rows_at(r, names[f][0], err);
            return KT_RANGE;
        }
    }
    return 0;
}

struct tracks {
    kt_buf text;
    KT_VEC(uint32_t) frame;
    KT_VEC(uint32_t) track;
    KT_VEC(kt_xywh) box;
};

static kt_rc read_tracks(const char *path, kt_arena *a, struct tracks *t, kt_err *err)
{
    kt_rows r;
    kt_rc rc;
    size_t column[FIELDS];
    *t = (struct tracks){ .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    KT_TRY(kt_file_read(path, &t->text, err));
    bool header = t->text.n && !(t->text.p[0] >= '0' && t->text.p[0] <= '9');
    KT_TRY(kt_rows_open(&r, path, KT_BUF_STR(&t->text), !header, a, err));
    KT_TRY(columns_of(&r, header, column, err));
    while ((rc = kt_rows_next(&r, err)) == 0) {
        double v[FIELDS];
        KT_TRY(read_row(&r, column, v, err));
        KT_PUSH(&t->frame, (uint32_t)v[FRAME]);
        KT_PUSH(&t->track, (uint32_t)v[TRACK]);
        KT_PUSH(&t->box, (kt_xywh){ v[X], v[Y], v[W], v[H] });
    }
    return rc < 0 ? rc : 0;
}

static void tracks_done(struct tracks *t)
{
    kt_buf_done(&t->text);
    KT_VEC_DONE(&t->frame);
    KT_VEC_DONE(&t->track);
    KT_VEC_DONE(&t->box);
}

static void print(kt_score_job *j, const kt_track_score *s)
{
    kt_score_begin(j);
    kt_score_put(j, "mota", s->mota, "1 - (misses + false positives + switches) / true boxes");
    kt_score_put(j, "motp", s->motp, "mean IoU of the matched boxes");
    kt_score_put(j, "idf1", s->idf1, "2 boxes of rightly paired tracks / (true + predicted boxes)");
    kt_score_put(j, "id_precision", s->id_precision, NULL);
    kt_score_put(j, "id_recall", s->id_recall, NULL);
    kt_score_put(j, "hota", s->hota, "mean over IoU .05:.05:.95 of sqrt(det_a ass_a)");
    kt_score_put(j, "det_a", s->det_a, "detection accuracy: hits / (true + predicted boxes - hits)");
    kt_score_put(j, "ass_a", s->ass_a, "association accuracy: the same of each hit's pair of tracks");
    kt_score_put(j, "truth", (double)s->n_truth, "true boxes");
    kt_score_put(j, "predicted", (double)s->n_predicted, "predicted boxes");
    kt_score_put(j, "misses", (double)s->misses, NULL);
    kt_score_put(j, "false_positives", (double)s->false_positives, NULL);
    kt_score_put(j, "switches", (double)s->switches, "a true track goes on under another number");
    kt_score_end(j);
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    struct tracks p, t = { 0 };
    kt_track_score s;
    kt_rc rc = read_tracks(j->predicted, j->cli->arena, &p, err);
    if (rc == 0)
        rc = read_tracks(j->truth, j->cli->arena, &t, err);
    if (rc == 0)
        rc = kt_score_tracks(&(kt_track_boxes){ p.box.n, p.frame.v, p.track.v, p.box.v }, &(kt_track_boxes){ t.box.n, t.frame.v, t.track.v, t.box.v }, &s, err);
    if (rc == 0)
        print(j, &s);
    tracks_done(&p);
    tracks_done(&t);
    return rc;
}

const kt_score_task kt_score_task_tracks = {
    .name = "tracks", .help = "tracks (frame, track, x, y, width, height, or MOTChallenge lines): MOTA, IDF1, HOTA", .files = "PREDICTED TRUTH", .run = run,
};
