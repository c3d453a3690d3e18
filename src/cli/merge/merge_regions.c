/* karat aggregate --method boxes and spans: a row a region; a row without label and places says that somebody looked and saw
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
} drawn;

static size_t answer_id(drawn *d, uint32_t item, uint32_t source)
{
    uint32_t id = kt_map_put(&d->answer_of, kt_mix64((uint64_t)item << 32 | source), (uint32_t)d->answer_item.n);
    if (id == d->answer_item.n) {
        KT_PUSH(&d->answer_item, item);
        KT_PUSH(&d->answer_source, source);
    }
    return id;
}

static kt_rc read_row(drawn *d, const kt_table_file *t, size_t row, const size_t *column, uint32_t n_numbers, kt_err *err)
{
    const kt_str *cell = t->cell + row * t->n_columns;
    size_t answer = answer_id(d, kt_names_add(&d->item, cell[column[0]]), kt_names_add(&d->source, cell[column[1]]));
    if (cell[column[2]].n == 0)
        return 0;
    KT_PUSH(&d->answer, answer);
    KT_PUSH(&d->label_of, (int32_t)kt_names_add(&d->label, cell[column[2]]));
    for (uint32_t x = 0; x < n_numbers; x++) {
        kt_str text = kt_str_trim(cell[column[3 + x]]);
        double value;
        if (!kt_parse_f64(text, &value)) {
            kt_fail(err, KT_PARSE, "'%.*s' is not a number", KT_F(text));
            char name[64];
            snprintf(name, sizeof(name), "%.*s", KT_F(t->column[column[3 + x]]));
            kt_at(err, t->path, t->line[row], name);
            return KT_PARSE;
        }
        KT_PUSH(&d->at, value);
    }
    return 0;
}

static kt_rc find_columns(const kt_table_file *t, uint32_t n_numbers, size_t *column, kt_err *err)
{
    static const char *const names[][5] = {
        { "item", "item_id", "task", "id", NULL }, { "annotator", "annotator_id", "worker", "source", NULL }, { "label", "class", "category", NULL },
    };
    static const char *const box[][4] = { { "x1", "xmin", "left", NULL }, { "y1", "ymin", "top", NULL }, { "x2", "xmax", "right", NULL }, { "y2", "ymax", "bottom", NULL } };
    static const char *const span[][4] = { { "start", "begin", "from", NULL }, { "end", "stop", "to", NULL } };
    for (int c = 0; c < 3; c++)
        KT_TRY(kt_table_file_column(t, names[c], &column[c], err));
    for (uint32_t c = 0; c < n_numbers; c++)
        KT_TRY(kt_table_file_column(t, n_numbers == 4 ? box[c] : span[c], &column[3 + c], err));
    return 0;
}

static void put_places(kt_buf *b, const double *at, uint32_t n, const char *between)
{
    for (uint32_t x = 0; x < n; x++)
        kt_buf_printf(b, "%s%.9g", x ? between : "", at[x]);
}

static void print_json(kt_buf *b, const drawn *d, const kt_regions *r, uint32_t n_numbers)
{
    kt_buf_puts(b, "\"regions\":[");
    for (size_t g = 0; g < r->n; g++) {
        kt_buf_puts(b, g ? ",\n{\"item\":" : "\n{\"item\":");
        kt_buf_json(b, d->item.name[r->item[g]]);
        kt_buf_puts(b, ",\"label\":");
        kt_buf_json(b, d->label.name[r->label[g]]);
        kt_buf_puts(b, n_numbers == 4 ? ",\"box\":[" : ",\"span\":[");
        put_places(b, r->at + g * n_numbers, n_numbers, ",");
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
        kt_buf_char(b, '}');
    }
    kt_buf_puts(b, "]}\n");
}

static void print(const char *method, const drawn *d, const kt_regions *r, uint32_t n_numbers, bool json)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 32);
    if (json) {
        kt_buf_printf(&b, "{\"method\":\"%s\",", method);
        print_json(&b, d, r, n_numbers);
    } else {
        kt_buf_puts(&b, n_numbers == 4 ? "item,label,x1,y1,x2,y2,there\n" : "item,label,start,end,there\n");
        for (size_t g = 0; g < r->n; g++) {
            if (!r->kept[g])
                continue;
            kt_buf_csv(&b, d->item.name[r->item[g]], ',');
            kt_buf_char(&b, ',');
            kt_buf_csv(&b, d->label.name[r->label[g]], ',');
            kt_buf_char(&b, ',');
            put_places(&b, r->at + g * n_numbers, n_numbers, ",");
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
}

kt_rc kt_merge_regions(kt_cli *cli, const char *method, const kt_table_file *t, const kt_region_opts *o, uint32_t n_numbers, bool json, kt_err *err)
{
    drawn d = { 0 };
    kt_regions r;
    size_t column[7];
    kt_rc rc = find_columns(t, n_numbers, column, err);
    for (size_t row = 0; row < t->n_rows && rc == 0; row++)
        rc = read_row(&d, t, row, column, n_numbers, err);
    if (rc == 0) {
        kt_region_answers v = { d.answer_item.n, (uint32_t)d.item.n, (uint32_t)d.source.n, (uint32_t)d.label.n, n_numbers,
                                d.answer_item.v, d.answer_source.v, d.answer.n, d.answer.v, d.label_of.v, d.at.v };
        rc = kt_regions_merge(&v, o, cli->pool, cli->arena, &r, err);
    }
    bool whole = true; /* characters, pixels: places given as whole numbers are given back so */
    for (size_t x = 0; x < d.at.n && whole; x++)
        whole = d.at.v[x] == nearbyint(d.at.v[x]);
    for (size_t x = 0; rc == 0 && whole && x < r.n * n_numbers; x++)
        r.at[x] = nearbyint(r.at[x]);
    if (rc == 0)
        print(method, &d, &r, n_numbers, json);
    done(&d);
    return rc;
}
