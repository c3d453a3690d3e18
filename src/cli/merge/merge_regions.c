/* karat aggregate --method boxes, spans, segments, polygons, keypoints: a row a region; a row without label and places says that somebody looked and saw
   nothing. */
#include "cli/merge/merge_regions.h"

#include "algo/merge/regions.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/names.h"

#include <math.h>
#include <stdio.h>

typedef struct drawn {
    kt_names item, source, label;
    kt_map answer_of;
    KT_VEC(uint32_t) answer_item;
    KT_VEC(uint32_t) answer_source;
    KT_VEC(size_t) answer;
    KT_VEC(int32_t) label_of;
    KT_VEC(double) at;
    KT_VEC(size_t) start; /* of each region in at, and the end */
} drawn;

static const char *const extra_columns[][5] = {
    [KT_COLUMNS_SPAN] = { "start", "end" }, [KT_COLUMNS_BOX] = { "x1", "y1", "x2", "y2" }, [KT_COLUMNS_POLYGON] = { "polygon" }, [KT_COLUMNS_KEYPOINTS] = { "keypoints" },
};

static size_t answer_id(drawn *d, uint32_t item, uint32_t source)
{
    uint32_t id = kt_map_put(&d->answer_of, kt_mix64((uint64_t)item << 32 | source), (uint32_t)d->answer_item.n);
    if (id == d->answer_item.n) {
        KT_PUSH(&d->answer_item, item);
        KT_PUSH(&d->answer_source, source);
    }
    return id;
}

static kt_rc not_a_number(const kt_table_file *t, size_t row, size_t column, kt_str text, kt_err *err)
{
    char name[64];
    snprintf(name, sizeof(name), "%.*s", KT_F(t->column[column]));
    kt_fail(err, KT_PARSE, "'%.*s' is not a number", KT_F(text));
    kt_at(err, t->path, t->line[row], name);
    return KT_PARSE;
}

/* All numbers of a cell; whatever stands between them that is no number's part is skipped. */
static kt_rc read_numbers(drawn *d, const kt_table_file *t, size_t row, size_t column, kt_err *err)
{
    kt_str rest = t->cell[row * t->n_columns + column];
    while (rest.n) {
        size_t n = 0;
        double value;
        while (n < rest.n && !strchr(" ,;()[]\t\n", rest.p[n]))
            n++;
        if (n > 0 && !kt_parse_f64((kt_str){ rest.p, n }, &value))
            return not_a_number(t, row, column, (kt_str){ rest.p, n }, err);
        if (n > 0)
            KT_PUSH(&d->at, value);
        n += n < rest.n;
        rest = (kt_str){ rest.p + n, rest.n - n };
    }
    return 0;
}

static kt_rc read_row(drawn *d, const kt_table_file *t, size_t row, const size_t *column, size_t n_columns, kt_err *err)
{
    const kt_str *cell = t->cell + row * t->n_columns;
    size_t answer = answer_id(d, kt_names_add(&d->item, cell[column[0]]), kt_names_add(&d->source, cell[column[1]]));
    if (cell[column[2]].n == 0)
        return 0;
    KT_PUSH(&d->answer, answer);
    KT_PUSH(&d->label_of, (int32_t)kt_names_add(&d->label, cell[column[2]]));
    for (size_t x = 3; x < n_columns; x++) {
        size_t before = d->at.n;
        KT_TRY(read_numbers(d, t, row, column[x], err));
        if (n_columns > 4 && d->at.n != before + 1) /* one number a column */
            return not_a_number(t, row, column[x], cell[column[x]], err);
    }
    KT_PUSH(&d->start, d->at.n);
    return 0;
}

static kt_rc find_columns(const kt_table_file *t, kt_region_columns columns, size_t *column, size_t *ret_n, kt_err *err)
{
    static const char *const names[][5] = {
        { "item", "item_id", "task", "id", NULL }, { "annotator", "annotator_id", "worker", "source", NULL }, { "label", "class", "category", NULL },
    };
    static const char *const extra[][4][5] = {
        [KT_COLUMNS_SPAN] = { { "start", "begin", "from", NULL }, { "end", "stop", "to", NULL } },
        [KT_COLUMNS_BOX] = { { "x1", "xmin", "left", NULL }, { "y1", "ymin", "top", NULL }, { "x2", "xmax", "right", NULL }, { "y2", "ymax", "bottom", NULL } },
        [KT_COLUMNS_POLYGON] = { { "polygon", "outline", "points", "segmentation", NULL } },
        [KT_COLUMNS_KEYPOINTS] = { { "keypoints", "points", NULL } },
    };
    for (int c = 0; c < 3; c++)
        KT_TRY(kt_table_file_column(t, names[c], &column[c], err));
    *ret_n = 3;
    for (int c = 0; c < 4 && extra[columns][c][0]; c++)
        KT_TRY(kt_table_file_column(t, extra[columns][c], &column[(*ret_n)++], err));
    return 0;
}

static void put_places(kt_buf *b, const double *at, uint32_t n, const char *between, const char *nowhere)
{
    for (uint32_t x = 0; x < n; x++) {
        kt_buf_puts(b, x ? between : "");
        if (isnan(at[x]))
            kt_buf_puts(b, nowhere);
        else
            kt_buf_printf(b, "%.9g", at[x]);
    }
}

static const double *place_of(const kt_regions *r, const kt_region_answers *v, size_t g, uint32_t *ret_n)
{
    *ret_n = r->start ? (uint32_t)(r->start[g + 1] - r->start[g]) : v->n_numbers;
    return r->at + (r->start ? r->start[g] : g * v->n_numbers);
}

static void put_seen(kt_buf *b, const kt_regions *r, const kt_region_answers *v, size_t g)
{
    kt_buf_puts(b, "],\"seen_posterior\":[");
    for (uint32_t p = 0; p < v->n_numbers / 3; p++) {
        const double *s = r->seen + (g * (v->n_numbers / 3) + p) * 3;
        kt_buf_printf(b, "%s[%.6g,%.6g,%.6g]", p ? "," : "", s[0], s[1], s[2]);
    }
}

static void print_json(kt_buf *b, const drawn *d, const kt_regions *r, const kt_region_answers *v, kt_region_columns columns)
{
    static const char *const name[] = { "span", "box", "polygon", "keypoints" };
    kt_buf_puts(b, "\"regions\":[");
    for (size_t g = 0; g < r->n; g++) {
        uint32_t n;
        const double *at = place_of(r, v, g, &n);
        kt_buf_puts(b, g ? ",\n{\"item\":" : "\n{\"item\":");
        kt_buf_json(b, d->item.name[r->item[g]]);
        kt_buf_puts(b, ",\"label\":");
        kt_buf_json(b, d->label.name[r->label[g]]);
        kt_buf_printf(b, ",\"%s\":[", name[columns]);
        put_places(b, at, n, ",", "null");
        if (r->seen)
            put_seen(b, r, v, g);
        kt_buf_printf(b, "],\"there\":%.9g,\"label_posterior\":%.9g,\"votes_for\":%u,\"looked\":%u,\"kept\":%s}", r->prob[g], r->label_prob[g], r->n_for[g],
                      r->n_looked[g], r->kept[g] ? "true" : "false");
    }
    kt_buf_puts(b, "],\"sources\":[");
    for (size_t s = 0; s < d->source.n; s++) {
        kt_buf_puts(b, s ? ",\n{\"annotator\":" : "\n{\"annotator\":");
        kt_buf_json(b, d->source.name[s]);
        kt_buf_puts(b, ",\"accuracy\":");
        kt_buf_f64(b, r->source_accuracy[s]);
        kt_buf_puts(b, ",\"ci95\":[");
        kt_buf_f64(b, r->source_ci[2 * s]);
        kt_buf_char(b, ',');
        kt_buf_f64(b, r->source_ci[2 * s + 1]);
        kt_buf_puts(b, "],\"edge_sd\":");
        kt_buf_f64(b, r->source_sd[s]);
        kt_buf_puts(b, ",\"edge_sd_ci95\":[");
        kt_buf_f64(b, r->source_sd_ci[2 * s]);
        kt_buf_char(b, ',');
        kt_buf_f64(b, r->source_sd_ci[2 * s + 1]);
        kt_buf_puts(b, "]}");
    }
    kt_buf_puts(b, "]}\n");
}

static void print(const char *method, const drawn *d, const kt_regions *r, const kt_region_answers *v, kt_region_columns columns, bool json)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 32);
    if (json) {
        kt_buf_printf(&b, "{\"method\":\"%s\",", method);
        print_json(&b, d, r, v, columns);
    } else {
        kt_buf_puts(&b, "item,label");
        for (const char *const *c = extra_columns[columns]; *c; c++)
            kt_buf_printf(&b, ",%s", *c);
        kt_buf_puts(&b, ",there\n");
        for (size_t g = 0; g < r->n; g++) {
            uint32_t n;
            const double *at = place_of(r, v, g, &n);
            if (!r->kept[g])
                continue;
            kt_buf_csv(&b, d->item.name[r->item[g]], ',');
            kt_buf_char(&b, ',');
            kt_buf_csv(&b, d->label.name[r->label[g]], ',');
            kt_buf_char(&b, ',');
            put_places(&b, at, n, v->form == KT_REGION_EDGES ? "," : " ", "0"); /* a point that is nowhere, as COCO writes it */
            kt_buf_printf(&b, ",%.6g\n", r->prob[g]);
        }
    }
    fwrite(b.p, 1, b.n, stdout);
}

static void done(drawn *d)
{
    kt_names_done(&d->item);
    kt_names_done(&d->source);
    kt_names_done(&d->label);
    kt_map_done(&d->answer_of);
    KT_VEC_DONE(&d->answer_item);
    KT_VEC_DONE(&d->answer_source);
    KT_VEC_DONE(&d->answer);
    KT_VEC_DONE(&d->label_of);
    KT_VEC_DONE(&d->at);
    KT_VEC_DONE(&d->start);
}

static kt_region_answers answers_of(const drawn *d, kt_region_columns columns)
{
    kt_region_answers v = { .n_answers = d->answer_item.n, .n_items = (uint32_t)d->item.n, .n_sources = (uint32_t)d->source.n,
                            .n_labels = (uint32_t)d->label.n, .item = d->answer_item.v, .source = d->answer_source.v, .n = d->answer.n,
                            .answer = d->answer.v, .label = d->label_of.v, .at = d->at.v };
    v.form = columns == KT_COLUMNS_POLYGON ? KT_REGION_POLYGONS : columns == KT_COLUMNS_KEYPOINTS ? KT_REGION_KEYPOINTS : KT_REGION_EDGES;
    v.start = columns == KT_COLUMNS_POLYGON ? d->start.v : NULL;
    v.n_numbers = columns == KT_COLUMNS_SPAN ? 2 : columns == KT_COLUMNS_BOX ? 4 : v.n ? (uint32_t)(d->start.v[1] - d->start.v[0]) : 3;
    return v;
}

/* Characters, pixels: edges given as whole numbers are given back so. */
static void round_edges(const drawn *d, kt_regions *r, uint32_t n_numbers)
{
    bool whole = true;
    for (size_t x = 0; x < d->at.n && whole; x++)
        whole = d->at.v[x] == nearbyint(d->at.v[x]);
    for (size_t x = 0; whole && x < r->n * n_numbers; x++)
        r->at[x] = nearbyint(r->at[x]);
}

static kt_rc read_rows(drawn *d, const kt_table_file *t, kt_region_columns columns, kt_err *err)
{
    size_t column[7], n;
    KT_TRY(find_columns(t, columns, column, &n, err));
    KT_PUSH(&d->start, 0);
    for (size_t row = 0; row < t->n_rows; row++) {
        KT_TRY(read_row(d, t, row, column, n, err));
        size_t m = d->start.n;
        if (columns == KT_COLUMNS_KEYPOINTS && m > 2 && d->start.v[m - 1] - d->start.v[m - 2] != d->start.v[1]) {
            kt_fail(err, KT_RANGE, "%zu numbers, where the first skeleton has %zu", d->start.v[m - 1] - d->start.v[m - 2], d->start.v[1]);
            kt_hint(err, "x y seen of every point; 0 0 0 where it is not there");
            kt_at(err, t->path, t->line[row], "keypoints");
            return KT_RANGE;
        }
    }
    return 0;
}

kt_rc kt_merge_regions(kt_cli *cli, const char *method, const kt_table_file *t, const kt_region_opts *o, kt_region_columns columns, bool json, kt_err *err)
{
    drawn d = { 0 };
    kt_regions r;
    kt_rc rc = read_rows(&d, t, columns, err);
    kt_region_answers v = answers_of(&d, columns);
    if (rc == 0) {
        rc = kt_regions_merge(&v, o, cli->pool, cli->arena, &r, err);
        if (rc < 0)
            kt_at(err, t->path, 0, NULL);
    }
    if (rc == 0 && v.form == KT_REGION_EDGES)
        round_edges(&d, &r, v.n_numbers);
    if (rc == 0)
        print(method, &d, &r, &v, columns, json);
    done(&d);
    return rc;
}
