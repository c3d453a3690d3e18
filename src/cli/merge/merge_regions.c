/* karat aggregate --method boxes, spans, segments, polygons, keypoints: a row a region; a row without label and places says that somebody looked and saw
   nothing. */
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include "base/map.h"
#include "base/rng.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/names.h"

#include <math.h>
#include <stdio.h>

typedef enum region_columns {
    COLUMNS_SPAN,      /* start,end */
    COLUMNS_BOX,       /* x1,y1,x2,y2 */
    COLUMNS_POLYGON,   /* polygon: "x1 y1 x2 y2 x3 y3 …", commas, semicolons and brackets ignored */
    COLUMNS_KEYPOINTS, /* keypoints: "x y seen x y seen …" */
} region_columns;

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
    [COLUMNS_SPAN] = { "start", "end" }, [COLUMNS_BOX] = { "x1", "y1", "x2", "y2" }, [COLUMNS_POLYGON] = { "polygon" }, [COLUMNS_KEYPOINTS] = { "keypoints" },
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

static kt_rc find_columns(const kt_table_file *t, region_columns columns, size_t *column, size_t *ret_n, kt_err *err)
{
    const char *const *const names[] = { kt_item_column_names, kt_source_names, (const char *const[]){ "label", "class", "category", NULL } };
    static const char *const extra[][4][5] = {
        [COLUMNS_SPAN] = { { "start", "begin", "from", NULL }, { "end", "stop", "to", NULL } },
        [COLUMNS_BOX] = { { "x1", "xmin", "left", NULL }, { "y1", "ymin", "top", NULL }, { "x2", "xmax", "right", NULL }, { "y2", "ymax", "bottom", NULL } },
        [COLUMNS_POLYGON] = { { "polygon", "outline", "points", "segmentation", NULL } },
        [COLUMNS_KEYPOINTS] = { { "keypoints", "points", NULL } },
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

static void print_json(kt_buf *b, const drawn *d, const kt_regions *r, const kt_region_answers *v, region_columns columns)
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
    kt_buf_puts(b, "]");
}

static void print(const char *method, const drawn *d, const kt_regions *r, const kt_region_answers *v, region_columns columns, bool json)
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
    kt_merge_flush(&b);
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

static kt_region_answers answers_of(const drawn *d, region_columns columns)
{
    kt_region_answers v = { .n_answers = d->answer_item.n, .n_items = (uint32_t)d->item.n, .n_sources = (uint32_t)d->source.n,
                            .n_labels = (uint32_t)d->label.n, .item = d->answer_item.v, .source = d->answer_source.v, .n = d->answer.n,
                            .answer = d->answer.v, .label = d->label_of.v, .at = d->at.v };
    v.form = columns == COLUMNS_POLYGON ? KT_REGION_POLYGONS : columns == COLUMNS_KEYPOINTS ? KT_REGION_KEYPOINTS : KT_REGION_EDGES;
    v.start = columns == COLUMNS_POLYGON ? d->start.v : NULL;
    v.n_numbers = columns == COLUMNS_SPAN ? 2 : columns == COLUMNS_BOX ? 4 : v.n ? (uint32_t)(d->start.v[1] - d->start.v[0]) : 3;
    return v;
}

/* Characters, pixels: edges given as whole numbers are given back so; corners, which lie anywhere, where they mean one. */
static void round_edges(const drawn *d, kt_regions *r, const kt_region_answers *v)
{
    bool whole = true;
    size_t n = v->form == KT_REGION_POLYGONS && r->n ? r->start[r->n] : r->n * v->n_numbers;
    for (size_t x = 0; x < d->at.n && whole; x++)
        whole = d->at.v[x] == nearbyint(d->at.v[x]);
    for (size_t x = 0; whole && x < n; x++)
        if (v->form == KT_REGION_EDGES || fabs(r->at[x] - nearbyint(r->at[x])) < 1e-5)
            r->at[x] = nearbyint(r->at[x]) + 0.0; /* not -0 */
}

static kt_rc read_rows(drawn *d, const kt_table_file *t, region_columns columns, kt_err *err)
{
    size_t column[7], n;
    KT_TRY(find_columns(t, columns, column, &n, err));
    KT_PUSH(&d->start, 0);
    for (size_t row = 0; row < t->n_rows; row++) {
        KT_TRY(read_row(d, t, row, column, n, err));
        size_t m = d->start.n;
        if (columns == COLUMNS_KEYPOINTS && m > 2 && d->start.v[m - 1] - d->start.v[m - 2] != d->start.v[1]) {
            kt_fail(err, KT_RANGE, "%zu numbers, where the first skeleton has %zu", d->start.v[m - 1] - d->start.v[m - 2], d->start.v[1]);
            kt_hint(err, "x y seen of every point; 0 0 0 where it is not there");
            kt_at(err, t->path, t->line[row], "keypoints");
            return KT_RANGE;
        }
    }
    return 0;
}

/* What --explain looks at. */
struct merging {
    const drawn *d;
    const kt_regions *r;
    const kt_region_answers *v;
};

/* Merged region g: who drew it, as what, where. */
static void explain_region(kt_buf *b, const struct merging *w, size_t g)
{
    const kt_regions *r = w->r;
    const kt_region_answers *v = w->v;
    uint32_t n;
    const double *at = place_of(r, v, g, &n);
    kt_buf_printf(b, "region %.*s at ", KT_F(w->d->label.name[r->label[g]]));
    put_places(b, at, n, " ", "-");
    kt_buf_puts(b, "\n");
    for (size_t x = 0; x < v->n; x++) {
        if (r->of[x] != g)
            continue;
        uint32_t s = v->source[v->answer[x]];
        size_t from = v->start ? v->start[x] : x * v->n_numbers, to = v->start ? v->start[x + 1] : (x + 1) * v->n_numbers;
        kt_buf_printf(b, "  %.*s drew %.*s at ", KT_F(w->d->source.name[s]), KT_F(w->d->label.name[v->label[x]]));
        put_places(b, v->at + from, (uint32_t)(to - from), " ", "-");
        kt_buf_printf(b, "   accuracy %.4f (95 %%: %.3f to %.3f), sd of its edges %.4f, w %.5g\n", r->source_accuracy[s], r->source_ci[2 * s], r->source_ci[2 * s + 1],
                      r->source_sd[s], r->source_precision[s]);
    }
    kt_buf_printf(b, "  drawn by %u of %u who looked: P(there) = %.6f%s, P(%.*s | there) = %.6f\n", r->n_for[g], r->n_looked[g], r->prob[g],
                  r->kept[g] ? "" : ", not kept", KT_F(w->d->label.name[r->label[g]]), r->label_prob[g]);
    for (uint32_t c = 0; v->form == KT_REGION_EDGES && c < n; c++) {
        double over = 0, under = 0;
        for (size_t x = 0; x < v->n; x++)
            if (r->of[x] == g) {
                over += r->source_precision[v->source[v->answer[x]]] * v->at[x * n + c];
                under += r->source_precision[v->source[v->answer[x]]];
            }
        kt_buf_printf(b, "  %s = %.6g / %.6g = %.6g\n", n == 2 ? extra_columns[COLUMNS_SPAN][c] : extra_columns[COLUMNS_BOX][c], over, under, over / under);
    }
}

static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    const struct merging *w = of;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 28);
    uint32_t i;
    KT_TRY(kt_merge_find(&w->d->item, item, &i, err));
    kt_buf_printf(&b, "item %.*s, looked at by", KT_F(item));
    for (size_t q = 0; q < w->v->n_answers; q++)
        if (w->v->item[q] == i) {
            kt_buf_puts(&b, " ");
            kt_buf_str(&b, w->d->source.name[w->v->source[q]]);
        }
    kt_buf_puts(&b, "\n");
    for (size_t g = 0; g < w->r->n; g++)
        if (w->r->item[g] == i)
            explain_region(&b, w, g);
    kt_merge_flush(&b);
    return 0;
}

static kt_rc give(kt_cli *cli, const kt_answer_merge *m, const struct merging *n, const kt_merge_wishes *w, kt_err *err)
{
    const kt_regions *r = n->r;
    size_t n_sources = n->d->source.n;
    double *looked = kt_arena_array(cli->arena, n_sources, sizeof(*looked));
    uint8_t *dropped = kt_arena_array(cli->arena, r->n, sizeof(*dropped));
    for (size_t q = 0; q < n->v->n_answers; q++)
        looked[n->v->source[q]]++;
    for (size_t g = 0; g < r->n; g++)
        dropped[g] = !r->kept[g];
    const kt_account account = {
        .method = m->name, .help = m->help, .formula = m->formula, .n_sources = n_sources, .source = n->d->source.name, .votes = looked,
        .measure = { { "accuracy", "Accuracy of the annotators: what is there, and as what", r->source_accuracy, r->source_ci, false },
                     { "edge_sd", "Spread of their edges, as a share of the region", r->source_sd, r->source_sd_ci, true } },
        .n_measures = 2, .sure_title = "How sure it is that the regions are there", .sure_axis = "posterior of being there; kept from the line on", .n = r->n, .sure = r->prob,
        .to = 1, .line = 0.5, .dropped = dropped, .explain = explain, .of = n,
    };
    return kt_merge_account(cli, &account, w, err);
}

static kt_rc run(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_region_opts *o, region_columns columns, const kt_merge_wishes *w, kt_err *err)
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
    if (rc == 0 && v.form != KT_REGION_KEYPOINTS)
        round_edges(&d, &r, &v);
    if (rc == 0 && kt_merge_wants_answers(w))
        print(m->name, &d, &r, &v, columns, w->json);
    if (rc == 0)
        rc = give(cli, m, &(struct merging){ &d, &r, &v }, w, err);
    done(&d);
    return rc;
}

kt_rc kt_merge_boxes(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    return run(cli, m, t, &o->regions, COLUMNS_BOX, w, err);
}

kt_rc kt_merge_spans(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    return run(cli, m, t, &o->regions, COLUMNS_SPAN, w, err);
}

kt_rc kt_merge_polygons(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    return run(cli, m, t, &o->regions, COLUMNS_POLYGON, w, err);
}

kt_rc kt_merge_keypoints(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    return run(cli, m, t, &o->regions, COLUMNS_KEYPOINTS, w, err);
}
