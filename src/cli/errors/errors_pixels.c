/* A class for every pixel: confident learning over all pixels, and a score for each image. */
#include "algo/errors/errors.h"
#include "algo/nth.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/errors/errors_cli.h"
#include "cli/label_map.h"

#include <stdio.h>

#define TEMPERATURE 0.1
#define MAX_FILE_BYTES ((size_t)1 << 36)

struct pixels {
    kt_errors_job *j;
    kt_label_map map;
    kt_buf text;
    kt_npy prob; /* (images ×) classes × height × width */
    size_t n_images, height, width, n_labels;
    size_t *start;      /* of each image among the labelled pixels */
    kt_label_probs d;   /* the labelled pixels, a row each */
    uint32_t *place;    /* of each in its image */
    uint8_t *issue;
    double *score, *image;
    size_t n_issues;
};

/* Suspects of an image and the rectangle around them. */
struct region {
    size_t n, left, top, right, bottom;
};

static kt_rc read_files(struct pixels *p, kt_err *err)
{
    int32_t most = -1;
    KT_TRY(kt_label_map_read(p->j->labels, p->j->cli->arena, &p->map, &most, err));
    KT_TRY(kt_file_read(p->j->probs, &p->text, err));
    if (kt_npy_parse(KT_BUF_STR(&p->text), p->j->cli->arena, &p->prob, err) < 0)
        return kt_at(err, p->j->probs, 0, NULL);
    const kt_npy *m = &p->map.x, *x = &p->prob;
    uint32_t d = m->n_dims;
    bool fits = x->kind == KT_NPY_NUMBER && x->n_dims == d + 1 && x->shape[d] == m->shape[d - 1] && x->shape[d - 1] == m->shape[d - 2];
    if (!fits || (d == 3 && x->shape[0] != m->shape[0])) {
        kt_fail(err, KT_RANGE, "expected numbers, (images ×) classes × height × width, for labels of (images ×) height × width");
        kt_at(err, p->j->probs, 0, NULL);
        return KT_RANGE;
    }
    p->height = m->shape[d - 2];
    p->width = m->shape[d - 1];
    p->n_images = d == 3 ? m->shape[0] : 1;
    p->n_labels = x->shape[d - 2];
    if (p->height * p->width > UINT32_MAX || p->n_labels > UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "an image has more than 2^32 pixels");
    if (most >= (int64_t)p->n_labels) {
        kt_fail(err, KT_RANGE, "a pixel has label %d and the probabilities have %zu classes", most, p->n_labels);
        kt_at(err, p->j->labels, 0, NULL);
        return KT_RANGE;
    }
    return 0;
}

/* A row of probabilities for each labelled pixel. */
static kt_rc lay_out(struct pixels *p, float **ret, kt_err *err)
{
    size_t pixels = p->height * p->width, k = p->n_labels, n = 0;
    kt_arena *a = p->j->cli->arena;
    int32_t *label = p->map.label;
    float *row = kt_try_alloc((p->prob.n + 1) * sizeof(float), SIZE_MAX);
    if (!row)
        return kt_fail(err, KT_NOMEM, "%zu probabilities do not fit in memory", p->prob.n);
    p->start = kt_arena_array(a, p->n_images + 1, sizeof(size_t));
    p->place = kt_arena_array(a, p->map.x.n + 1, sizeof(uint32_t));
    for (size_t i = 0; i < p->n_images; i++) {
        p->start[i] = n;
        for (size_t at = 0; at < pixels; at++) {
            if (p->map.label[i * pixels + at] < 0)
                continue;
            for (size_t c = 0; c < k; c++)
                row[n * k + c] = (float)kt_npy_number(&p->prob, (i * k + c) * pixels + at);
            label[n] = p->map.label[i * pixels + at]; /* n never overtakes */
            p->place[n++] = (uint32_t)at;
        }
    }
    p->start[p->n_images] = n;
    p->d = (kt_label_probs){ .n = n, .n_labels = (uint32_t)k, .label = label, .prob = row, .floats = true, .row_stride = k * sizeof(float) };
    *ret = row;
    return 0;
}

static struct region region_of(const struct pixels *p, size_t image)
{
    struct region r = { 0, SIZE_MAX, SIZE_MAX, 0, 0 };
    for (size_t q = p->start[image]; q < p->start[image + 1]; q++)
        if (p->issue[q]) {
            size_t x = p->place[q] % p->width, y = p->place[q] / p->width;
            r.n++;
            r.left = KT_MIN(r.left, x);
            r.top = KT_MIN(r.top, y);
            r.right = KT_MAX(r.right, x + 1);
            r.bottom = KT_MAX(r.bottom, y + 1);
        }
    return r;
}

static void print_json(struct pixels *p, const size_t *order, size_t shown)
{
    kt_out *o = &p->j->out;
    kt_out_open(o, NULL, '{');
    kt_out_u64(o, "n_images", p->n_images);
    kt_out_u64(o, "n_pixels", p->d.n);
    kt_out_u64(o, "n_issues", p->n_issues);
    kt_out_open(o, "images", '[');
    for (size_t q = 0; q < shown; q++) {
        struct region r = region_of(p, order[q]);
        kt_out_open(o, NULL, '{');
        kt_out_u64(o, "image", order[q]);
        kt_out_u64(o, "pixels", p->start[order[q] + 1] - p->start[order[q]]);
        kt_out_u64(o, "suspects", r.n);
        kt_out_f64(o, "quality", p->image[order[q]]);
        if (r.n)
            kt_out_f64s(o, "region", (double[]){ (double)r.left, (double)r.top, (double)r.right, (double)r.bottom }, 4);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static void print_csv(struct pixels *p, const size_t *order, size_t shown)
{
    kt_out *o = &p->j->out;
    kt_buf_puts(&o->b, "image,pixels,suspects,quality,x1,y1,x2,y2\n");
    for (size_t q = 0; q < shown; q++) {
        struct region r = region_of(p, order[q]);
        kt_buf_printf(&o->b, "%zu,%zu,%zu", order[q], p->start[order[q] + 1] - p->start[order[q]], r.n);
        kt_out_field_f64(o, p->image[order[q]]);
        if (r.n)
            kt_buf_printf(&o->b, ",%zu,%zu,%zu,%zu\n", r.left, r.top, r.right, r.bottom);
        else
            kt_buf_puts(&o->b, ",,,,\n");
        kt_out_flush(o, false);
    }
    fprintf(stderr, "%zu of %zu pixels in %zu images are suspects\n", p->n_issues, p->d.n, p->n_images);
}

static kt_rc find(struct pixels *p, kt_err *err)
{
    kt_arena *a = p->j->cli->arena;
    kt_pool *pool = p->j->cli->pool;
    int filter, quality;
    kt_confident c;
    KT_TRY(kt_cli_choose(p->j->filter, kt_error_filter_names, "--filter", &filter, err));
    KT_TRY(kt_cli_choose(p->j->quality, kt_label_quality_names, "--quality", &quality, err));
    if (kt_confident_fit(&p->d, pool, a, &c, err) < 0)
        return kt_at(err, p->j->probs, 0, NULL);
    p->issue = kt_arena_alloc(a, p->d.n + 1);
    p->score = kt_arena_array(a, p->d.n + 1, sizeof(double));
    p->image = kt_arena_array(a, p->n_images + 1, sizeof(double));
    kt_confident_issues(&p->d, &c, (kt_error_filter)filter, pool, p->issue, &p->n_issues);
    kt_label_quality_of(&p->d, (kt_label_quality)quality, pool, p->score);
    kt_group_quality(p->score, p->start, p->n_images, TEMPERATURE, p->image);
    size_t *order = kt_arena_array(a, p->n_images + 1, sizeof(*order)), shown = 0;
    for (size_t i = 0; i < p->n_images; i++)
        if (p->j->all || region_of(p, i).n)
            order[shown++] = i;
    kt_sort_places(order, shown, p->image);
    if (p->j->plot)
        KT_TRY(kt_errors_draw_scores(p->j, "pixels", p->score, p->d.n, p->issue, err));
    (p->j->out.look == KT_LOOK_JSON ? print_json : print_csv)(p, order, shown);
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    struct pixels p = { .j = j, .map.text = KT_BUF_INIT(0), .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    float *row = NULL;
    KT_TRY(kt_errors_need(j->labels, "--labels FILE.npy", err));
    KT_TRY(kt_errors_need(j->probs, "--probs FILE.npy", err));
    kt_rc rc = read_files(&p, err);
    if (rc == 0)
        rc = lay_out(&p, &row, err);
    if (rc == 0)
        rc = find(&p, err);
    kt_free(row);
    kt_buf_done(&p.map.text);
    kt_buf_done(&p.text);
    return rc;
}

const kt_error_task kt_errors_pixels = {
    .name = "pixels", .help = "a class a pixel: label maps (.npy, images × height × width; -1: none) and probabilities (images × classes × height × width)",
    .files = "--labels L --probs P", .run = run, .draws = true,
    .formula = "suspects by confident learning over all pixels (see task labels); quality of a pixel = p(its label)\n"
               "of an image: the soft minimum of its pixels",
};
