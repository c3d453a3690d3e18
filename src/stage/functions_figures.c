#include "stage/functions_figures.h"

#include "algo/stats.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/column.h"
#include "store/consensus.h"

#include <math.h>

#define MAX_PAIRS 200 /* of functions, in the JSON */

struct reading {
    kt_store *s;
    const kt_project *p;
    kt_lf_figures *x;
    uint32_t m, first, n;
    uint32_t *cluster; /* of the chunk that begins at first */
    int16_t *vote;     /* of it, too */
    int16_t *gold;     /* of all items */
};

static void offer(kt_lf_figures *x, uint32_t j, kt_lf_example_kind kind, const kt_lf_example *e)
{
    kt_lf_example *list = x->example + ((size_t)j * KT_LF_EXAMPLES + kind) * x->n_shown, now = *e;
    for (uint32_t i = 0; i < x->n_shown; i++)
        if (now.order < list[i].order) {
            kt_lf_example t = list[i];
            list[i] = now;
            now = t;
        }
}

static void offer_item(struct reading *r, uint32_t item, const int16_t *vote, int32_t gold)
{
    for (uint32_t j = 0; j < r->m; j++) {
        if (vote[j] < 0)
            continue;
        kt_lf_example e = { .order = kt_mix64(item), .item = item, .said = vote[j], .gold = gold, .other = -1, .other_said = -1 };
        offer(r->x, j, KT_LF_VOTE, &e);
        if (gold >= 0)
            offer(r->x, j, gold == vote[j] ? KT_LF_HIT : KT_LF_MISS, &e);
        for (uint32_t i = 0; i < r->m && e.other < 0; i++)
            if (vote[i] >= 0 && vote[i] != vote[j]) {
                e.other = (int32_t)i;
                e.other_said = vote[i];
            }
        if (e.other >= 0)
            offer(r->x, j, KT_LF_CONFLICT, &e);
    }
}

static kt_rc column(struct reading *r, const char *name, uint32_t width, int fill, void *ret, kt_err *err)
{
    kt_column_part part = { kt_str_of(name), r->first, r->n, width };
    return kt_column_get(r->s, r->p->id, &part, fill, ret, err);
}

kt_rc kt_functions_gold(kt_store *s, const kt_project *p, int16_t *ret, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_column_part part = { KT_S("gold"), 0, p->n_items, sizeof(*ret) };
    kt_consensus *c;
    size_t n;
    KT_TRY(kt_column_get(s, p->id, &part, 0xff, ret, err));
    KT_TRY(kt_consensus_load(s, p->id, &a, &c, &n, err));
    for (size_t i = 0; i < n; i++)
        if (c[i].state == KT_FINAL_ADJUDICATED && c[i].label >= 0 && c[i].item < p->n_items)
            ret[c[i].item] = (int16_t)c[i].label;
    kt_free(c);
    return 0;
}

static kt_rc read_chunk(struct reading *r, kt_err *err)
{
    KT_TRY(column(r, "cluster", 4, 0, r->cluster, err));
    KT_TRY(column(r, "lf", r->m * (uint32_t)sizeof(*r->vote), 0xff, r->vote, err));
    for (uint32_t i = 0; i < r->n; i++) {
        const int16_t *vote = r->vote + (size_t)i * r->m;
        if (r->cluster[i] != r->first + i)
            continue;
        kt_lf_tally_add(&r->x->tally, vote, r->gold[r->first + i]);
        if (r->x->n_shown)
            offer_item(r, r->first + i, vote, r->gold[r->first + i]);
    }
    return 0;
}

kt_str kt_lf_shown(kt_str s)
{
    size_t n = KT_LF_SHOWN;
    if (s.n <= n)
        return s;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return (kt_str){ s.p, n };
}

static kt_rc read_texts(kt_store *s, const kt_project *p, kt_lf_figures *x, size_t n, kt_arena *a, kt_err *err)
{
    kt_item_reader *r = NULL;
    KT_TRY(kt_item_reader_new(s, p->id, &r, err));
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        kt_lf_example *e = &x->example[i];
        kt_item it;
        if (e->order == UINT64_MAX || (rc = kt_item_get(r, e->item, &it, err)) < 0)
            continue;
        e->id = kt_arena_str(a, it.ext_id);
        e->text = kt_arena_str(a, kt_lf_shown(it.text));
    }
    kt_item_reader_free(r);
    return rc;
}

kt_rc kt_functions_figures(kt_store *s, const kt_project *p, uint32_t m, uint32_t n_examples, kt_arena *a, kt_lf_figures *ret, kt_err *err)
{
    size_t n = (size_t)m * KT_LF_EXAMPLES * n_examples;
    *ret = (kt_lf_figures){ .n_shown = n_examples, .example = kt_arena_array(a, n + 1, sizeof(kt_lf_example)) };
    for (size_t i = 0; i < n; i++)
        ret->example[i].order = UINT64_MAX;
    kt_lf_tally_init(&ret->tally, m, p->n_labels, a);
    struct reading r = { .s = s, .p = p, .x = ret, .m = m, .cluster = kt_alloc_array(KT_COLUMN_CHUNK, sizeof(*r.cluster)),
                         .vote = kt_alloc_array(KT_COLUMN_CHUNK, ((size_t)m + 1) * sizeof(*r.vote)), .gold = kt_alloc_array((size_t)p->n_items + 1, sizeof(*r.gold)) };
    kt_rc rc = kt_functions_gold(s, p, r.gold, err);
    for (; r.first < p->n_items && m && rc == 0; r.first += KT_COLUMN_CHUNK) {
        r.n = KT_MIN(KT_COLUMN_CHUNK, p->n_items - r.first);
        rc = read_chunk(&r, err);
    }
    kt_free(r.cluster);
    kt_free(r.vote);
    kt_free(r.gold);
    return rc == 0 && n ? read_texts(s, p, ret, n, a, err) : rc;
}

/* ---- samples ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

size_t kt_sample_items(uint64_t seed, const uint32_t *from, size_t n, size_t want, uint32_t *ret)
{
    want = KT_MIN(n, want);
    uint64_t *at = kt_alloc_array(want + 1, sizeof(*at));
    kt_rng g = kt_rng_keyed(seed, n, 0x747279);
    kt_rng_sample(&g, n, want, at);
    for (size_t i = 0; i < want; i++)
        ret[i] = from ? from[at[i]] : (uint32_t)at[i];
    kt_free(at);
    qsort(ret, want, sizeof(*ret), by_number);
    return want;
}

/* ---- pairs ---- */

size_t kt_lf_correlations(const kt_lf_tally *t, kt_lf_correlation *ret, size_t max)
{
    size_t n = 0;
    for (uint32_t i = 0; i < t->m; i++)
        for (uint32_t j = i + 1; j < t->m; j++) {
            kt_lf_correlation now = { i, j, kt_lf_tally_phi(t, i, j) };
            if (isnan(now.phi) || (n == max && fabs(now.phi) <= fabs(ret[n - 1].phi)))
                continue;
            size_t at = n < max ? n++ : n - 1;
            for (; at > 0 && fabs(ret[at - 1].phi) < fabs(now.phi); at--)
                ret[at] = ret[at - 1];
            ret[at] = now;
        }
    return n;
}

/* ---- JSON ---- */

static void number(kt_buf *b, const char *before, double v)
{
    kt_buf_puts(b, before);
    kt_buf_f64(b, v);
}

static void label_or_null(kt_buf *b, const kt_project *p, int32_t label)
{
    if (label >= 0)
        kt_buf_json(b, p->label[label]);
    else
        kt_buf_puts(b, "null");
}

static void put_gold(const kt_lf_tally *t, uint32_t j, kt_buf *b)
{
    uint64_t n = 0, right = 0;
    double ci[2];
    for (uint32_t c = 0; c < t->k; c++) {
        n += t->gold_by_label[(size_t)j * t->k + c];
        right += t->right[(size_t)j * t->k + c];
    }
    kt_clopper_pearson(right, n, 0.95, ci);
    kt_buf_printf(b, ",\"gold\":{\"votes\":%llu,\"right\":%llu", (unsigned long long)n, (unsigned long long)right);
    number(b, ",\"accuracy\":", n ? (double)right / (double)n : NAN);
    number(b, ",\"lo\":", n ? ci[0] : NAN);
    number(b, ",\"hi\":", n ? ci[1] : NAN);
    kt_buf_char(b, '}');
}

static void put_classes(const kt_lf_tally *t, const kt_project *p, uint32_t j, kt_buf *b)
{
    bool first = true;
    kt_buf_puts(b, ",\"labels\":[");
    for (uint32_t c = 0; c < t->k; c++) {
        size_t cell = (size_t)j * t->k + c;
        if (!t->by_label[cell])
            continue;
        kt_buf_puts(b, first ? "{\"label\":" : ",{\"label\":");
        kt_buf_json(b, p->label[c]);
        kt_buf_printf(b, ",\"votes\":%llu,\"gold_votes\":%llu,\"right\":%llu", (unsigned long long)t->by_label[cell],
                      (unsigned long long)t->gold_by_label[cell], (unsigned long long)t->right[cell]);
        number(b, ",\"precision\":", t->gold_by_label[cell] ? (double)t->right[cell] / (double)t->gold_by_label[cell] : NAN);
        number(b, ",\"recall\":", t->gold[c] ? (double)t->right[cell] / (double)t->gold[c] : NAN);
        number(b, ",\"lift\":", kt_lf_tally_lift(t, j, c));
        kt_buf_char(b, '}');
        first = false;
    }
    kt_buf_char(b, ']');
}

static void put_examples(const kt_lf_figures *x, const kt_project *p, const kt_functions *f, uint32_t j, kt_buf *b)
{
    static const char *const kinds[] = { [KT_LF_HIT] = "hits", [KT_LF_MISS] = "misses", [KT_LF_CONFLICT] = "conflicts", [KT_LF_VOTE] = "votes" };
    for (int k = 0; k < KT_LF_EXAMPLES; k++) {
        kt_buf_printf(b, "%s\"%s\":[", k ? "," : ",\"examples\":{", kinds[k]);
        for (uint32_t i = 0; i < x->n_shown; i++) {
            const kt_lf_example *e = &x->example[((size_t)j * KT_LF_EXAMPLES + (size_t)k) * x->n_shown + i];
            if (e->order == UINT64_MAX)
                break;
            kt_buf_printf(b, "%s{\"item\":%u,\"id\":", i ? "," : "", e->item);
            kt_buf_json(b, e->id);
            kt_buf_puts(b, ",\"text\":");
            kt_buf_json(b, e->text);
            kt_buf_puts(b, ",\"said\":");
            label_or_null(b, p, e->said);
            kt_buf_puts(b, ",\"gold\":");
            label_or_null(b, p, e->gold);
            if (k == KT_LF_CONFLICT) {
                kt_buf_puts(b, ",\"against\":");
                kt_buf_json(b, kt_functions_name(f, (uint32_t)e->other));
                kt_buf_puts(b, ",\"against_said\":");
                label_or_null(b, p, e->other_said);
            }
            kt_buf_char(b, '}');
        }
        kt_buf_char(b, ']');
    }
    kt_buf_char(b, '}');
}

static void put_pairs(const kt_lf_tally *t, const kt_functions *f, kt_buf *b)
{
    kt_lf_correlation pair[MAX_PAIRS];
    size_t n = kt_lf_correlations(t, pair, MAX_PAIRS);
    kt_buf_puts(b, ",\"pairs\":[");
    for (size_t i = 0; i < n; i++) {
        size_t cell = (size_t)pair[i].a * t->m + pair[i].b;
        kt_buf_puts(b, i ? ",{\"a\":" : "{\"a\":");
        kt_buf_json(b, kt_functions_name(f, pair[i].a));
        kt_buf_puts(b, ",\"b\":");
        kt_buf_json(b, kt_functions_name(f, pair[i].b));
        kt_buf_printf(b, ",\"both\":%llu,\"agree\":%llu", (unsigned long long)t->both[cell], (unsigned long long)t->agree[cell]);
        number(b, ",\"phi\":", pair[i].phi);
        kt_buf_char(b, '}');
    }
    kt_buf_char(b, ']');
}

void kt_functions_figures_json(const kt_lf_figures *x, const kt_project *p, const kt_functions *f, const kt_function_fault *fault,
                               const kt_lf_summary *learned, kt_buf *b)
{
    const kt_lf_tally *t = &x->tally;
    kt_buf_printf(b, ",\"measured_on\":%llu,\"covered\":%llu,\"conflicted\":%llu,\"gold\":%llu,\"functions\":[", (unsigned long long)t->n,
                  (unsigned long long)t->n_covered, (unsigned long long)t->n_conflicted, (unsigned long long)t->n_gold);
    for (uint32_t j = 0; j < t->m; j++) {
        kt_buf_puts(b, j ? ",{\"name\":" : "{\"name\":");
        kt_buf_json(b, kt_functions_name(f, j));
        kt_buf_printf(b, ",\"kind\":\"%s\",\"label\":", kt_functions_kind(f, j));
        label_or_null(b, p, kt_functions_label(f, j));
        kt_buf_printf(b, ",\"votes\":%llu,\"overlaps\":%llu,\"conflicts\":%llu", (unsigned long long)t->votes[j],
                      (unsigned long long)t->overlaps[j], (unsigned long long)t->conflicts[j]);
        number(b, ",\"learned_accuracy\":", learned ? learned[j].accuracy : NAN);
        put_gold(t, j, b);
        put_classes(t, p, j, b);
        kt_buf_printf(b, ",\"failed\":%llu,\"off\":%s,\"failed_item\":", (unsigned long long)fault[j].n, fault[j].off ? "true" : "false");
        kt_buf_json(b, kt_str_of(fault[j].id));
        kt_buf_puts(b, ",\"failure\":");
        kt_buf_json(b, kt_str_of(fault[j].said));
        if (x->n_shown)
            put_examples(x, p, f, j, b);
        kt_buf_char(b, '}');
    }
    kt_buf_char(b, ']');
    put_pairs(t, f, b);
}
