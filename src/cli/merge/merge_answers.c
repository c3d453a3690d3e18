#include "cli/merge/merge_answers.h"

#include "algo/merge/aggregate.h"
#include "algo/mask.h"
#include "algo/merge/multilabel.h"
#include "algo/merge/rank.h"
#include "algo/merge/rover.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/merge/merge_regions.h"
#include "cli/merge/merge_sequences.h"
#include "cli/merge/merge_taxonomy.h"
#include "base/names.h"

#include <math.h>
#include <stdio.h>

/* ---- names and groups ---- */

/* Answers by item, in the order of the file within one. */
typedef struct answers {
    kt_names item, source;
    uint32_t *source_of;  /* of each answer in the order of order */
    kt_str *text;
    size_t *start;        /* n items + 1 */
    double *right, *square, *said; /* of each source: Σ agreement, Σ its square, answers */
} answers;

static const char *const source_names[] = { "annotator", "annotator_id", "worker", "source", NULL };

static kt_rc group(const kt_table_file *t, const char *const *text_names, kt_arena *a, answers *ret, kt_err *err)
{
    static const char *const item_names[] = { "item", "item_id", "task", "id", NULL };
    size_t item, source, text;
    KT_TRY(kt_table_file_column(t, item_names, &item, err));
    KT_TRY(kt_table_file_column(t, source_names, &source, err));
    KT_TRY(kt_table_file_column(t, text_names, &text, err));
    *ret = (answers){ 0 };
    uint32_t *of = kt_alloc_array(t->n_rows, sizeof(*of)), *who = kt_alloc_array(t->n_rows, sizeof(*who));
    for (size_t r = 0; r < t->n_rows; r++) {
        of[r] = kt_names_add(&ret->item, t->cell[r * t->n_columns + item]);
        who[r] = kt_names_add(&ret->source, t->cell[r * t->n_columns + source]);
    }
    ret->start = kt_arena_array(a, ret->item.n + 2, sizeof(size_t));
    ret->text = kt_arena_array(a, t->n_rows, sizeof(kt_str));
    ret->source_of = kt_arena_array(a, t->n_rows, sizeof(uint32_t));
    ret->right = kt_arena_array(a, ret->source.n, sizeof(double));
    ret->square = kt_arena_array(a, ret->source.n, sizeof(double));
    ret->said = kt_arena_array(a, ret->source.n, sizeof(double));
    for (size_t r = 0; r < t->n_rows; r++)
        ret->start[of[r] + 2]++;
    for (size_t i = 2; i <= ret->item.n; i++)
        ret->start[i] += ret->start[i - 1];
    for (size_t r = 0; r < t->n_rows; r++) {
        size_t at = ret->start[of[r] + 1]++;
        ret->text[at] = t->cell[r * t->n_columns + text];
        ret->source_of[at] = who[r];
    }
    kt_free(of);
    kt_free(who);
    return 0;
}

static void answers_done(answers *x)
{
    kt_names_done(&x->item);
    kt_names_done(&x->source);
}

static void flush(kt_buf *b)
{
    fwrite(b->p, 1, b->n, stdout);
    kt_buf_reset(b);
}

typedef struct merged {
    kt_str answer;
    double agreement;
    const double *posterior; /* of its words or pixels */
    size_t n_posterior;
} merged;

static void agree(answers *x, uint32_t source, double share)
{
    x->right[source] += share;
    x->square[source] += share * share;
    x->said[source]++;
}

/* Merged item i; what: the answer's name. */
static void put_item(kt_buf *b, bool json, const char *what, const answers *x, size_t i, const merged *m)
{
    if (json) {
        kt_buf_puts(b, i ? ",\n{\"item\":" : "\n{\"item\":");
        kt_buf_json(b, x->item.name[i]);
        kt_buf_printf(b, ",\"%s\":", what);
        kt_buf_json(b, m->answer);
        kt_buf_puts(b, ",\"agreement\":");
        kt_buf_f64(b, m->agreement);
        for (size_t p = 0; p < m->n_posterior; p++)
            kt_buf_printf(b, "%s%.6g%s", p ? "," : ",\"posterior\":[", m->posterior[p], p + 1 == m->n_posterior ? "]" : "");
        kt_buf_printf(b, ",\"votes\":%zu}", x->start[i + 1] - x->start[i]);
    } else {
        kt_buf_csv(b, x->item.name[i], ',');
        kt_buf_char(b, ',');
        kt_buf_csv(b, m->answer, ',');
        kt_buf_printf(b, ",%.6g\n", m->agreement);
    }
    flush(b);
}

static void put_source(kt_buf *b, bool first, kt_str name, double accuracy, const double ci[2], double n)
{
    kt_buf_puts(b, first ? "\n{\"annotator\":" : ",\n{\"annotator\":");
    kt_buf_json(b, name);
    kt_buf_puts(b, ",\"accuracy\":");
    kt_buf_f64(b, accuracy);
    kt_buf_puts(b, ",\"ci95\":[");
    kt_buf_f64(b, ci[0]);
    kt_buf_char(b, ',');
    kt_buf_f64(b, ci[1]);
    kt_buf_printf(b, "],\"votes\":%.0f}", n);
}

/* Mean agreement with what was merged. */
static void put_sources(kt_buf *b, const answers *x)
{
    for (size_t s = 0; s < x->source.n; s++) {
        double ci[2];
        kt_shares_interval(x->right[s], x->square[s], x->said[s], ci);
        put_source(b, s == 0, x->source.name[s], x->said[s] > 0 ? x->right[s] / x->said[s] : NAN, ci, x->said[s]);
    }
    flush(b);
}

static void open_items(kt_buf *b, const kt_answer_merge *m, const char *what, bool json)
{
    if (json)
        kt_buf_printf(b, "{\"method\":\"%s\",\"items\":[", m->name);
    else
        kt_buf_printf(b, "item,%s,agreement\n", what);
    flush(b);
}

static void close_items(kt_buf *b, const answers *x, bool json)
{
    if (json) {
        kt_buf_puts(b, "],\"sources\":[");
        put_sources(b, x);
        kt_buf_puts(b, "]}\n");
    }
    flush(b);
}

/* ---- texts ---- */

static kt_rc merge_texts(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, bool json, bool medoid, kt_err *err)
{
    static const char *const text_names[] = { "text", "output", "answer", "label", NULL };
    answers x;
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    KT_TRY(group(t, text_names, cli->arena, &x, err));
    open_items(&b, m, "text", json);
    for (size_t i = 0; i < x.item.n; i++) {
        KT_AUTO(kt_arena) own = KT_ARENA_INIT;
        size_t from = x.start[i], n = x.start[i + 1] - from;
        kt_text_merge r = medoid ? kt_text_medoid(x.text + from, n, &own) : kt_rover(x.text + from, n, &own);
        for (size_t q = 0; q < n; q++)
            agree(&x, x.source_of[from + q], r.source_share[q]);
        put_item(&b, json, "text", &x, i, &(merged){ r.text, r.agreement, r.word_share, r.n_words });
    }
    close_items(&b, &x, json);
    kt_buf_done(&b);
    answers_done(&x);
    return 0;
}

static kt_rc run_rover(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    (void)o;
    return merge_texts(cli, m, t, json, false, err);
}

static kt_rc run_medoid(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    (void)o;
    return merge_texts(cli, m, t, json, true, err);
}

/* ---- masks ---- */

/* Rows of 0 and 1 with anything but them between; all masks of an item must have the same pixels. */
static kt_rc read_mask(kt_str text, kt_arena *a, uint8_t **ret, size_t *ret_n, kt_err *err)
{
    *ret = kt_arena_alloc(a, text.n + 1);
    *ret_n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '0' || text.p[i] == '1')
            (*ret)[(*ret_n)++] = text.p[i] == '1';
        else if (text.p[i] != '/' && text.p[i] != '|' && text.p[i] != ' ' && text.p[i] != '\n' && text.p[i] != '\r')
            return kt_fail(err, KT_PARSE, "a mask is rows of 0 and 1 with / between them, not '%c'", text.p[i]);
    }
    return 0;
}

/* The mask in the form of the given text. */
static kt_str write_mask(const uint8_t *mask, kt_str like, kt_arena *a)
{
    char *p = kt_arena_alloc(a, like.n + 1);
    for (size_t i = 0, x = 0; i < like.n; i++)
        p[i] = like.p[i] == '0' || like.p[i] == '1' ? (mask[x++] ? '1' : '0') : like.p[i];
    return (kt_str){ p, like.n };
}

static kt_rc merge_masks(answers *x, size_t i, const kt_answer_opts *o, kt_arena *a, merged *ret, kt_err *err)
{
    size_t from = x->start[i], n = x->start[i + 1] - from, size = 0;
    uint8_t **mask = kt_arena_array(a, n, sizeof(*mask));
    for (size_t q = 0; q < n; q++) {
        size_t own;
        KT_TRY(read_mask(x->text[from + q], a, &mask[q], &own, err));
        if (q && own != size)
            return kt_fail(err, KT_RANGE, "item %.*s: a mask of %zu pixels beside one of %zu", KT_F(x->item.name[i]), own, size);
        size = own;
    }
    uint8_t *out = kt_arena_alloc(a, size + 1);
    double *prob = kt_arena_array(a, size, sizeof(*prob)), *overlap = kt_arena_array(a, n, sizeof(*overlap));
    kt_mask_overlaps((const uint8_t *const *)mask, n, size, overlap);
    if (o->em)
        kt_mask_em((const uint8_t *const *)mask, n, size, o->n_iter, out, prob, NULL);
    else
        kt_mask_majority((const uint8_t *const *)mask, n, size, out);
    for (size_t p = 0; !o->em && p < size; p++)
        for (size_t q = 0; q < n; q++)
            prob[p] += mask[q][p] / (double)n;
    *ret = (merged){ write_mask(out, x->text[from], a), 0, prob, size };
    for (size_t q = 0; q < n; q++) {
        ret->agreement += kt_mask_iou(mask[q], out, size) / (double)n;
        agree(x, x->source_of[from + q], overlap[q]);
    }
    return 0;
}

static kt_rc run_segmentation(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    static const char *const mask_names[] = { "mask", "segmentation", "label", NULL };
    answers x = { 0 };
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    kt_rc rc = group(t, mask_names, cli->arena, &x, err);
    if (rc == 0)
        open_items(&b, m, "mask", json);
    for (size_t i = 0; rc == 0 && i < x.item.n; i++) {
        KT_AUTO(kt_arena) own = KT_ARENA_INIT;
        merged r;
        rc = merge_masks(&x, i, o, &own, &r, err);
        if (rc == 0)
            put_item(&b, json, "mask", &x, i, &r);
    }
    if (rc < 0)
        kt_at(err, t->path, 0, "mask");
    else
        close_items(&b, &x, json);
    kt_buf_done(&b);
    answers_done(&x);
    return rc;
}

/* ---- comparisons and rankings ---- */

typedef struct ranks {
    kt_names things, sources; /* sources: empty where the table has no annotators */
    KT_VEC(uint32_t) source;
    KT_VEC(uint32_t) thing;
    KT_VEC(size_t) start;
} ranks;

static kt_rc read_pairs(const kt_table_file *t, ranks *r, kt_err *err)
{
    static const char *const left_names[] = { "left", "a", NULL }, *const right_names[] = { "right", "b", NULL }, *const winner_names[] = { "winner", "label", "preferred", NULL };
    size_t column[3];
    KT_TRY(kt_table_file_column(t, left_names, &column[0], err));
    KT_TRY(kt_table_file_column(t, right_names, &column[1], err));
    KT_TRY(kt_table_file_column(t, winner_names, &column[2], err));
    for (size_t row = 0; row < t->n_rows; row++) {
        kt_str left = t->cell[row * t->n_columns + column[0]], right = t->cell[row * t->n_columns + column[1]], won = t->cell[row * t->n_columns + column[2]];
        bool is_left = kt_str_eq(won, left);
        if ((!is_left && !kt_str_eq(won, right)) || kt_str_eq(left, right)) {
            kt_fail(err, KT_RANGE, "the winner '%.*s' is neither '%.*s' nor '%.*s', or they are the same", KT_F(won), KT_F(left), KT_F(right));
            kt_at(err, t->path, t->line[row], "winner");
            return KT_RANGE;
        }
        uint32_t l = kt_names_add(&r->things, left), g = kt_names_add(&r->things, right);
        KT_PUSH(&r->thing, is_left ? l : g);
        KT_PUSH(&r->thing, is_left ? g : l);
        KT_PUSH(&r->start, r->thing.n);
    }
    return 0;
}

/* ranking: things from best to worst with > between. */
static kt_rc read_rankings(const kt_table_file *t, ranks *r, kt_err *err)
{
    static const char *const ranking_names[] = { "ranking", "order", "label", NULL };
    size_t column;
    KT_TRY(kt_table_file_column(t, ranking_names, &column, err));
    for (size_t row = 0; row < t->n_rows; row++) {
        kt_str rest = t->cell[row * t->n_columns + column], name;
        while (kt_str_cut(&rest, '>', &name)) {
            name = kt_str_trim(name);
            if (name.n == 0) {
                kt_fail(err, KT_PARSE, "a ranking is written best > next > worst");
                kt_at(err, t->path, t->line[row], "ranking");
                return KT_PARSE;
            }
            KT_PUSH(&r->thing, kt_names_add(&r->things, name));
        }
        KT_PUSH(&r->start, r->thing.n);
    }
    return 0;
}

/* Who made each row, where the table says so. */
static void read_rankers(const kt_table_file *t, ranks *r)
{
    size_t column;
    kt_err none;
    if (kt_table_file_column(t, source_names, &column, &none) < 0)
        return;
    for (size_t row = 0; row < t->n_rows; row++)
        KT_PUSH(&r->source, kt_names_add(&r->sources, t->cell[row * t->n_columns + column]));
}

static void put_rankers(kt_buf *b, const ranks *r, const kt_rankings *v, const kt_strengths *s)
{
    double *share = kt_alloc_array(r->sources.n, sizeof(*share)), *n = kt_alloc_array(r->sources.n, sizeof(*n)), ci[2];
    kt_rank_sources(v, s, r->source.v, (uint32_t)r->sources.n, share, n);
    kt_buf_puts(b, "],\"sources\":[");
    for (size_t j = 0; j < r->sources.n; j++) {
        ci[0] = ci[1] = NAN;
        if (n[j] > 0)
            kt_wilson(share[j], n[j], ci);
        put_source(b, j == 0, r->sources.name[j], share[j], ci, n[j]);
    }
    kt_free(share);
    kt_free(n);
}

static void print_strengths(const kt_answer_merge *m, const ranks *r, const kt_rankings *v, const kt_strengths *s, bool json)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    if (json)
        kt_buf_printf(&b, "{\"method\":\"%s\",\"comparable\":%s,\"things\":[", m->name, s->connected ? "true" : "false");
    else
        kt_buf_puts(&b, "thing,strength,low,high\n");
    for (uint32_t t = 0; t < s->n_things; t++) {
        if (json) {
            kt_buf_puts(&b, t ? ",\n{\"thing\":" : "\n{\"thing\":");
            kt_buf_json(&b, r->things.name[t]);
            kt_buf_puts(&b, ",\"strength\":");
            kt_buf_f64(&b, s->strength[t]);
            kt_buf_puts(&b, ",\"ci95\":[");
            kt_buf_f64(&b, s->ci[2 * t]);
            kt_buf_char(&b, ',');
            kt_buf_f64(&b, s->ci[2 * t + 1]);
            kt_buf_printf(&b, "],\"won\":%u,\"compared\":%u}", s->wins[t], s->seen[t]);
        } else {
            kt_buf_csv(&b, r->things.name[t], ',');
            kt_buf_printf(&b, ",%.6g", s->strength[t]);
            kt_buf_printf(&b, isnan(s->ci[2 * t]) ? ",,\n" : ",%.6g,%.6g\n", s->ci[2 * t], s->ci[2 * t + 1]);
        }
    }
    if (json && r->sources.n)
        put_rankers(&b, r, v, s);
    kt_buf_puts(&b, json ? "]}\n" : "");
    flush(&b);
    kt_buf_done(&b);
    if (!s->connected)
        fprintf(stderr, "karat: warning: some things only win or only lose against the rest, so their strengths cannot be compared; --set prior=0.5 "
                        "draws all towards the middle\n");
}

static kt_rc rank(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, bool pairs, kt_err *err)
{
    ranks r = { 0 };
    kt_strengths s;
    KT_PUSH(&r.start, 0);
    kt_rc rc = pairs ? read_pairs(t, &r, err) : read_rankings(t, &r, err);
    const kt_rankings v = { r.start.n - 1, (uint32_t)r.things.n, r.start.v, r.thing.v };
    if (rc == 0)
        rc = kt_rank_fit(&v, &o->rank, cli->arena, &s, err);
    if (rc == 0) {
        read_rankers(t, &r);
        print_strengths(m, &r, &v, &s, json);
    }
    kt_names_done(&r.things);
    kt_names_done(&r.sources);
    KT_VEC_DONE(&r.source);
    KT_VEC_DONE(&r.thing);
    KT_VEC_DONE(&r.start);
    return rc;
}

static kt_rc run_pairs(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    return rank(cli, m, t, o, json, true, err);
}

static kt_rc run_rankings(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    return rank(cli, m, t, o, json, false, err);
}

/* ---- sets of labels ---- */

/* "a|b" of every answer as ids; answers stand item by item. */
static void read_sets(const answers *x, kt_names *label, size_t *start, uint32_t **ret_label, kt_arena *a)
{
    KT_VEC(uint32_t) all = { 0 };
    size_t n = x->start[x->item.n];
    for (size_t q = 0; q < n; q++) {
        kt_str rest = x->text[q], name;
        while (rest.n && kt_str_cut(&rest, '|', &name)) {
            name = kt_str_trim(name);
            uint32_t id = name.n ? kt_names_add(label, name) : UINT32_MAX;
            bool twice = id == UINT32_MAX;
            for (size_t y = start[q]; y < all.n && !twice; y++)
                twice = all.v[y] == id;
            if (!twice)
                KT_PUSH(&all, id);
        }
        start[q + 1] = all.n;
    }
    *ret_label = kt_arena_array(a, all.n, sizeof(uint32_t));
    if (all.n)
        memcpy(*ret_label, all.v, all.n * sizeof(uint32_t));
    KT_VEC_DONE(&all);
}

static void put_set(kt_buf *b, const answers *x, const kt_names *label, const kt_multilabel *r, uint32_t i, bool json)
{
    const float *p = r->prob + (size_t)i * r->n_labels;
    bool first = true;
    if (!json) {
        KT_AUTO(kt_buf) set = KT_BUF_INIT((size_t)1 << 24);
        for (uint32_t l = 0; l < r->n_labels; l++)
            if (p[l] > 0.5f) {
                kt_buf_puts(&set, set.n ? "|" : "");
                kt_buf_str(&set, label->name[l]);
            }
        kt_buf_csv(b, x->item.name[i], ',');
        kt_buf_char(b, ',');
        kt_buf_csv(b, KT_BUF_STR(&set), ',');
        kt_buf_char(b, '\n');
        return;
    }
    kt_buf_puts(b, i ? ",\n{\"item\":" : "\n{\"item\":");
    kt_buf_json(b, x->item.name[i]);
    kt_buf_puts(b, ",\"labels\":[");
    for (uint32_t l = 0; l < r->n_labels; l++)
        if (p[l] > 0.5f) {
            kt_buf_puts(b, first ? "" : ",");
            kt_buf_json(b, label->name[l]);
            first = false;
        }
    kt_buf_printf(b, "],\"votes\":%u,\"posterior\":{", r->n_votes[i]);
    for (uint32_t l = 0; l < r->n_labels; l++) {
        kt_buf_puts(b, l ? "," : "");
        kt_buf_json(b, label->name[l]);
        kt_buf_char(b, ':');
        kt_buf_f64(b, (double)p[l]);
    }
    kt_buf_puts(b, "}}");
}

static void print_sets(const kt_answer_merge *m, const answers *x, const kt_names *label, const kt_multilabel *r, bool json)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    if (json)
        kt_buf_printf(&b, "{\"method\":\"%s\",\"items\":[", m->name);
    else
        kt_buf_puts(&b, "item,labels\n");
    for (uint32_t i = 0; i < r->n_items; i++) {
        put_set(&b, x, label, r, i, json);
        flush(&b);
    }
    kt_buf_puts(&b, json ? "],\"sources\":[" : "");
    for (uint32_t s = 0; json && s < r->n_sources; s++) {
        kt_buf_puts(&b, s ? ",\n{\"annotator\":" : "\n{\"annotator\":");
        kt_buf_json(&b, x->source.name[s]);
        kt_buf_puts(&b, ",\"accuracy\":");
        kt_buf_f64(&b, r->source_accuracy[s]);
        kt_buf_puts(&b, ",\"ci95\":[");
        kt_buf_f64(&b, r->source_ci[2 * s]);
        kt_buf_char(&b, ',');
        kt_buf_f64(&b, r->source_ci[2 * s + 1]);
        kt_buf_puts(&b, "]}");
    }
    kt_buf_puts(&b, json ? "]}\n" : "");
    flush(&b);
    kt_buf_done(&b);
}

static kt_rc run_sets(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    static const char *const set_names[] = { "labels", "label", "tags", NULL };
    answers x;
    kt_names label = { 0 };
    kt_multilabel r;
    (void)o;
    KT_TRY(group(t, set_names, cli->arena, &x, err));
    size_t *start = kt_arena_array(cli->arena, t->n_rows + 1, sizeof(*start));
    uint32_t *item = kt_arena_array(cli->arena, t->n_rows, sizeof(*item)), *set;
    for (uint32_t i = 0; i < x.item.n; i++)
        for (size_t q = x.start[i]; q < x.start[i + 1]; q++)
            item[q] = i;
    read_sets(&x, &label, start, &set, cli->arena);
    kt_label_sets v = { t->n_rows, (uint32_t)x.item.n, (uint32_t)x.source.n, (uint32_t)label.n, item, x.source_of, start, set };
    kt_rc rc = kt_multilabel_fit(&v, &kt_aggregate_auto, cli->pool, cli->arena, &r, err);
    if (rc == 0)
        print_sets(m, &x, &label, &r, json);
    kt_names_done(&label);
    answers_done(&x);
    return rc;
}

/* ---- regions ---- */

static kt_rc run_boxes(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    return kt_merge_regions(cli, m->name, t, &o->regions, KT_COLUMNS_BOX, json, err);
}

static kt_rc run_spans(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    return kt_merge_regions(cli, m->name, t, &o->regions, KT_COLUMNS_SPAN, json, err);
}

static kt_rc run_polygons(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    return kt_merge_regions(cli, m->name, t, &o->regions, KT_COLUMNS_POLYGON, json, err);
}

static kt_rc run_keypoints(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    return kt_merge_regions(cli, m->name, t, &o->regions, KT_COLUMNS_KEYPOINTS, json, err);
}

static kt_rc run_taxonomy(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    (void)m;
    return kt_merge_taxonomy(cli, t, &o->taxonomy, o->tree, json, err);
}

static kt_rc run_sequences(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    (void)m;
    return kt_merge_sequences(cli, t, &o->sequences, json, err);
}

/* ---- numbers ---- */

static void put_pair(kt_buf *b, const char *name, double value, const double *ci)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, value);
    kt_buf_printf(b, ",\"%s_ci95\":[", name);
    kt_buf_f64(b, ci[0]);
    kt_buf_char(b, ',');
    kt_buf_f64(b, ci[1]);
    kt_buf_char(b, ']');
}

static void print_numbers(const kt_answer_merge *m, const answers *x, const kt_numeric *r, bool json)
{
    kt_buf b = KT_BUF_INIT((size_t)1 << 30);
    if (json)
        kt_buf_printf(&b, "{\"method\":\"%s\",\"used\":\"%s\",\"items\":[", m->name,
                      r->method == KT_NUMERIC_MEAN ? "mean" : r->method == KT_NUMERIC_MEDIAN ? "median" : r->robust > 0 ? "precision, robust" : "precision");
    else
        kt_buf_puts(&b, "item,value,low,high\n");
    for (uint32_t i = 0; i < r->n_items; i++) {
        if (json) {
            kt_buf_puts(&b, i ? ",\n{\"item\":" : "\n{\"item\":");
            kt_buf_json(&b, x->item.name[i]);
            put_pair(&b, "value", r->value[i], r->ci + 2 * i);
            kt_buf_printf(&b, ",\"votes\":%u}", r->n_votes[i]);
        } else {
            kt_buf_csv(&b, x->item.name[i], ',');
            kt_buf_printf(&b, ",%.9g,%.9g,%.9g\n", r->value[i], r->ci[2 * i], r->ci[2 * i + 1]);
        }
    }
    kt_buf_puts(&b, json ? "],\"sources\":[" : "");
    for (uint32_t s = 0; json && s < r->n_sources; s++) {
        kt_buf_puts(&b, s ? ",\n{\"annotator\":" : "\n{\"annotator\":");
        kt_buf_json(&b, x->source.name[s]);
        put_pair(&b, "bias", r->bias[s], r->bias_ci + 2 * s);
        put_pair(&b, "sd", r->sd[s], r->sd_ci + 2 * s);
        kt_buf_printf(&b, ",\"votes\":%u}", r->n_said[s]);
    }
    kt_buf_puts(&b, json ? "]}\n" : "");
    flush(&b);
    kt_buf_done(&b);
}

static kt_rc run_numeric(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, bool json, kt_err *err)
{
    static const char *const value_names[] = { "value", "label", "vote", "answer", "score", NULL };
    answers x;
    kt_numeric r;
    KT_TRY(group(t, value_names, cli->arena, &x, err));
    uint32_t *item = kt_arena_array(cli->arena, t->n_rows, sizeof(*item));
    double *value = kt_arena_array(cli->arena, t->n_rows, sizeof(*value));
    kt_rc rc = 0;
    for (uint32_t i = 0; i < x.item.n; i++)
        for (size_t q = x.start[i]; q < x.start[i + 1] && rc == 0; q++) {
            item[q] = i;
            if (!kt_parse_f64(kt_str_trim(x.text[q]), &value[q])) {
                rc = kt_fail(err, KT_PARSE, "item %.*s: '%.*s' is not a number", KT_F(x.item.name[i]), KT_F(x.text[q]));
                kt_at(err, t->path, 0, "value");
            }
        }
    kt_numbers v = { t->n_rows, (uint32_t)x.item.n, (uint32_t)x.source.n, item, x.source_of, value };
    if (rc == 0)
        rc = kt_numeric_fit(&v, &o->numeric, cli->arena, &r, err);
    if (rc == 0)
        print_numbers(m, &x, &r, json);
    answers_done(&x);
    return rc;
}

static const char *const off_on[] = { "majority", "em", NULL };
static const kt_setting mask_options[] = {
    { "method", "how pixels are decided", KT_SET_CHOICE, offsetof(kt_answer_opts, em), 0, 0, off_on },
    { "n_iter", "em: rounds", KT_SET_INT, offsetof(kt_answer_opts, n_iter), 0, 100000, NULL },
    { .name = NULL },
};
#define AT(member) offsetof(kt_answer_opts, member)
const kt_answer_merge kt_answer_merges[] = {
    { "rover", "item,annotator,text", "texts: word by word, the word most sources say (Fiscus 1997)", NULL, 0, { 0 }, run_rover },
    { "medoid", "item,annotator,text", "texts: the one with the least edits of words to the others", NULL, 0, { 0 }, run_medoid },
    { "segmentation", "item,annotator,mask", "masks, rows of 0 and 1 with / between: pixels by majority or EM", mask_options, 0, { .em = 0, .n_iter = 10 }, run_segmentation },
    { "boxes", "item,annotator,label,x1,y1,x2,y2", "boxes: joined by overlap, there or not and as what by auto, edges by precision", kt_region_options, AT(regions), { .regions = KT_REGION_OPTS_INIT }, run_boxes },
    { "spans", "item,annotator,label,start,end", "spans of text or time: as boxes", kt_region_options, AT(regions), { .regions = KT_REGION_OPTS_INIT }, run_spans },
    { "segments", "item,annotator,label,start,end", "segments in time, in seconds or frames: as spans", kt_region_options, AT(regions), { .regions = KT_REGION_OPTS_INIT }, run_spans },
    { "polygons", "item,annotator,label,polygon", "outlines, x1 y1 x2 y2 …: as boxes, borders by precision; simple polygons out", kt_region_options, AT(regions), { .regions = KT_REGION_OPTS_INIT }, run_polygons },
    { "keypoints", "item,annotator,label,keypoints", "skeletons, x y seen of every point (0 not there, 1 hidden, 2 seen): joined by OKS, places robust", kt_keypoint_options, AT(regions), { .regions = KT_REGION_OPTS_INIT }, run_keypoints },
    { "sequences", "item,annotator,tags", "tagged tokens, O B-city I-city: a Markov model of spans and of each annotator's slips; valid BIO out", kt_sequence_options, AT(sequences), { .sequences = KT_SEQUENCE_OPTS_INIT }, run_sequences },
    { "taxonomy", "item,annotator,label", "labels that are nodes of a tree, a/b/c or by --taxonomy: as deep as the votes carry", kt_taxonomy_options, AT(taxonomy), { .taxonomy = KT_TAXONOMY_OPTS_INIT }, run_taxonomy },
    { "multi_label", "item,annotator,labels", "sets of labels, a|b|c: every label merged by itself as auto does", NULL, 0, { 0 }, run_sets },
    { "numeric", "item,annotator,value", "numbers: each annotator's bias and precision, robust", kt_numeric_options, AT(numeric), { .numeric = KT_NUMERIC_OPTS_INIT }, run_numeric },
    { "bradley_terry", "left,right,winner, perhaps annotator", "comparisons: strengths by maximum likelihood (Bradley and Terry 1952)", kt_rank_settings, AT(rank), { .rank = KT_RANK_OPTS_INIT }, run_pairs },
    { "plackett_luce", "ranking, perhaps annotator", "rankings, best > next > worst: strengths by maximum likelihood (Plackett 1975, Luce 1959)", kt_rank_settings, AT(rank), { .rank = KT_RANK_OPTS_INIT }, run_rankings },
};
const size_t kt_n_answer_merges = KT_LEN(kt_answer_merges);

const kt_answer_merge *kt_answer_merge_find(kt_str name)
{
    for (size_t i = 0; i < kt_n_answer_merges; i++)
        if (kt_str_eq(name, kt_str_of(kt_answer_merges[i].name)))
            return &kt_answer_merges[i];
    return NULL;
}
