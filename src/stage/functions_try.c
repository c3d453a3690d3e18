#include "stage/functions_try.h"

#include "algo/stats.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "stage/functions_kept.h"
#include "stage/given.h"
#include "store/column.h"

#include <math.h>
#include <xxhash.h>

struct tally {
    kt_functions_scratch *scratch;
    uint64_t n, votes, gold_n, gold_votes, right;
    uint64_t *by_label;
    kt_lf_example *example;
    kt_marks marks;     /* tasks whose labels are sets or regions: of the items at hand … */
    kt_given given;     /* … and their trusted answers */
    kt_arena arena;
};

struct kt_try {
    kt_try_opts o;
    const kt_project *p;
    kt_arena arena;
    kt_config c;
    kt_functions *f;
    uint64_t seed;     /* by the rule: the same answer for the same rule, and no sample that is unlucky for all of them */
    uint32_t *cluster; /* n_items; UINT32_MAX: not looked for duplicates yet */
    int16_t *gold;     /* n_items */
    struct tally slot[KT_SCAN_SLOTS];
    const uint32_t *sample, *sample_gold; /* ascending; NULL: the pass is over all items */
    size_t n_sample, n_sample_gold;
};

static kt_rc read_rule(kt_try *t, kt_str text, const char *file, kt_err *err)
{
    kt_yaml *y, *list = kt_arena_array(&t->arena, 1, sizeof(*list)), *one = kt_arena_array(&t->arena, 1, sizeof(*one));
    KT_TRY(kt_yaml_parse(text, file, &t->arena, &y, err));
    KT_TRY(kt_function_map(y, KT_S("tried"), &t->arena, one, err));
    *list = (kt_yaml){ .kind = KT_YAML_LIST, .line = y->line, .path = "", .val = one, .n = 1 };
    const kt_functions_opts o = { .file = file, .labels = t->p->label, .n_labels = t->p->n_labels, .task = t->c.task, .foreign = t->o.foreign };
    KT_TRY(kt_functions_read(list, &o, &t->f, err));
    return kt_functions_compile(t->f, NULL, err);
}

static kt_rc prepare(kt_try *t, kt_store *s, kt_err *err)
{
    t->cluster = kt_alloc_array((size_t)t->p->n_items + 1, sizeof(*t->cluster));
    t->gold = kt_alloc_array((size_t)t->p->n_items + 1, sizeof(*t->gold));
    kt_column_part part = { KT_S("cluster"), 0, t->p->n_items, sizeof(*t->cluster) };
    KT_TRY(kt_column_get(s, t->p->id, &part, 0xff, t->cluster, err));
    if (t->c.task == KT_TASK_CLASSES)
        KT_TRY(kt_functions_gold(s, t->p, t->gold, err));
    else /* trusted sets and regions are read with their items */
        memset(t->gold, 0xff, t->p->n_items * sizeof(*t->gold));
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        if (t->c.task != KT_TASK_CLASSES)
            KT_TRY(kt_given_open(t->p, &t->c, t->c.gold_field, &t->arena, &t->slot[i].given, err));
        KT_TRY(kt_functions_scratch_new(t->f, &t->slot[i].scratch, err));
        t->slot[i].by_label = kt_arena_array(&t->arena, t->p->n_labels + 1, sizeof(uint64_t));
        t->slot[i].example = kt_arena_array(&t->arena, (size_t)KT_LF_EXAMPLES * t->o.n_examples + 1, sizeof(kt_lf_example));
    }
    return 0;
}

kt_rc kt_try_new(kt_store *s, const kt_project *p, kt_str text, const char *file, const kt_try_opts *o, kt_try **ret, kt_err *err)
{
    kt_try *t = kt_zalloc(sizeof(*t));
    t->o = *o;
    t->p = p;
    t->seed = (uint64_t)p->seed ^ XXH3_64bits(text.p, text.n);
    kt_rc rc = kt_config_of(s, p, &t->arena, &t->c, err);
    if (rc == 0)
        rc = read_rule(t, text, file, err);
    if (rc == 0)
        rc = prepare(t, s, err);
    if (rc < 0)
        return kt_try_free(t), rc;
    *ret = t;
    return 0;
}

kt_try *kt_try_free(kt_try *t)
{
    if (!t)
        return NULL;
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        kt_functions_scratch_free(t->slot[i].scratch);
        kt_given_close(&t->slot[i].given);
        kt_free(t->slot[i].marks.v);
        kt_arena_done(&t->slot[i].arena);
    }
    kt_functions_free(t->f);
    kt_free(t->cluster);
    kt_free(t->gold);
    kt_arena_done(&t->arena);
    return kt_free(t);
}

/* ---- a pass over items ---- */

static void offer(const kt_try *t, struct tally *w, kt_lf_example_kind kind, const kt_item *it, int16_t said, int32_t gold, kt_str shown)
{
    kt_lf_example *list = w->example + (size_t)kind * t->o.n_examples;
    uint64_t order = kt_mix64(it->number);
    uint32_t n = t->o.n_examples;
    if (n == 0 || order >= list[n - 1].order)
        return;
    uint32_t at = n - 1;
    for (; at > 0 && list[at - 1].order > order; at--)
        list[at] = list[at - 1];
    list[at] = (kt_lf_example){ order, it->number, said, gold, -1, -1, kt_arena_str(&w->arena, it->ext_id), kt_arena_str(&w->arena, shown) };
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool is_in(const uint32_t *list, size_t n, uint32_t item)
{
    return !list || bsearch(&item, list, n, sizeof(*list), by_number);
}

static void count(const kt_try *t, struct tally *w, const kt_item *it, int16_t said)
{
    int16_t gold = t->gold[it->number];
    if (is_in(t->sample, t->n_sample, it->number)) {
        w->n++;
        if (said >= 0) {
            w->votes++;
            w->by_label[said]++;
            offer(t, w, KT_LF_VOTE, it, said, gold, kt_lf_shown(it->text));
        }
    }
    if (gold < 0 || !is_in(t->sample_gold, t->n_sample_gold, it->number))
        return;
    w->gold_n++;
    if (said >= 0) {
        w->gold_votes++;
        w->right += said == gold;
        offer(t, w, said == gold ? KT_LF_HIT : KT_LF_MISS, it, said, gold, kt_lf_shown(it->text));
    }
}

/* The text around a mark, with it in brackets; of a mark on the whole item its beginning. */
static kt_str shown_mark(kt_arena *a, kt_str text, const kt_mark *m)
{
    size_t from = 0, at = 0;
    uint32_t n = 0;
    if (m->end == 0)
        return kt_lf_shown(text);
    for (; at < text.n && n < m->start; n++)
        kt_utf8_next(text, &at);
    from = at;
    for (; at < text.n && n < m->end; n++)
        kt_utf8_next(text, &at);
    size_t begin = from > KT_LF_SHOWN / 3 ? from - KT_LF_SHOWN / 3 : 0;
    while (begin && ((unsigned char)text.p[begin] & 0xc0) == 0x80)
        begin--;
    kt_str after = kt_lf_shown((kt_str){ text.p + at, text.n - at });
    return kt_arena_printf(a, "%s%.*s[%.*s]%.*s", begin ? "…" : "", (int)(from - begin), text.p + begin, (int)(at - from), text.p + from, KT_F(after));
}

static bool is_given(const kt_given *g, const kt_mark *m)
{
    for (size_t i = 0; i < g->marks.n; i++)
        if (g->marks.v[i].label == m->label && g->marks.v[i].start == m->start && g->marks.v[i].end == m->end)
            return true;
    return false;
}

/* One item where labels are sets or regions: a mark is right when the trusted answer has just it. */
static void count_marks(const kt_try *t, struct tally *w, const kt_item *it, const kt_mark *v, size_t n)
{
    size_t right = 0, wrong = 0; /* wrong: place of one that is not, if any */
    kt_str shown = n ? shown_mark(&w->arena, it->text, &v[0]) : (kt_str){ "", 0 };
    bool trusted = kt_given_read(&w->given, it);
    w->n++;
    w->votes += n > 0;
    for (size_t i = 0; i < n; i++)
        w->by_label[v[i].label]++;
    if (n)
        offer(t, w, KT_LF_VOTE, it, v[0].label, trusted ? v[0].label : -1, shown);
    if (!trusted)
        return;
    for (size_t i = 0; i < n; i++) {
        bool hit = is_given(&w->given, &v[i]);
        right += hit;
        wrong = hit ? wrong : i;
    }
    w->gold_n++;
    w->gold_votes += n;
    w->right += right;
    if (n && right == n)
        offer(t, w, KT_LF_HIT, it, v[0].label, v[0].label, shown);
    else if (n)
        offer(t, w, KT_LF_MISS, it, v[wrong].label, -1, shown_mark(&w->arena, it->text, &v[wrong]));
}

static void mark_part(const kt_try *t, struct tally *w, const kt_item *open, size_t n)
{
    w->marks.n = 0;
    kt_functions_mark(w->scratch, open, n, &w->marks);
    for (size_t x = 0, at = 0; x < n; x++) {
        size_t from = at;
        while (at < w->marks.n && w->marks.v[at].row == x)
            at++;
        count_marks(t, w, &open[x], w->marks.v + from, at - from);
    }
}

static kt_rc look(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    kt_try *t = ctx;
    struct tally *w = &t->slot[slot];
    kt_item open[64];
    int16_t vote[64];
    if (t->o.stale && t->o.stale(t->o.ctx))
        return kt_fail(err, KT_CANCELLED, "another rule was typed meanwhile");
    for (size_t i = 0; i < n;) {
        size_t k = 0;
        for (; i < n && k < KT_LEN(open); i++)
            if (t->cluster[items[i].number] == items[i].number || t->cluster[items[i].number] == UINT32_MAX)
                open[k++] = items[i];
        if (t->c.task != KT_TASK_CLASSES) {
            mark_part(t, w, open, k);
            continue;
        }
        kt_functions_apply(w->scratch, open, k, vote);
        for (size_t x = 0; x < k; x++)
            count(t, w, &open[x], vote[x]);
    }
    return 0;
}

/* A sample of the items and one of the trusted labels, read in one pass: what costs is the frames, not the items in them. */
static kt_rc sample_pass(kt_try *t, kt_item_reader *r, kt_pool *pool, kt_err *err)
{
    uint32_t n = t->p->n_items, *gold = kt_alloc_array((size_t)n + 1, sizeof(*gold)), *list = kt_alloc_array(2 * (size_t)t->o.sample + 1, sizeof(*list));
    uint32_t *sample = kt_alloc_array((size_t)t->o.sample + 1, sizeof(*sample)), *sample_gold = kt_alloc_array((size_t)t->o.sample + 1, sizeof(*list));
    size_t n_gold = 0, k = 0, unique = 0;
    for (uint32_t i = 0; i < n; i++)
        if (t->gold[i] >= 0)
            gold[n_gold++] = i;
    t->n_sample = kt_sample_items(t->seed, NULL, n, t->o.sample, sample);
    t->n_sample_gold = kt_sample_items(t->seed, gold, n_gold, t->o.sample / 3, sample_gold);
    t->sample = sample;
    t->sample_gold = sample_gold;
    for (size_t i = 0; i < t->n_sample; i++)
        list[k++] = sample[i];
    for (size_t i = 0; i < t->n_sample_gold; i++)
        list[k++] = sample_gold[i];
    qsort(list, k, sizeof(*list), by_number);
    for (size_t i = 0; i < k; i++)
        if (i == 0 || list[i] != list[unique - 1])
            list[unique++] = list[i];
    kt_rc rc = kt_item_scan_list(r, list, unique, pool, look, t, err);
    t->sample = t->sample_gold = NULL;
    kt_free(gold);
    kt_free(list);
    kt_free(sample);
    kt_free(sample_gold);
    return rc;
}

static void reset(kt_try *t)
{
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        struct tally *w = &t->slot[i];
        kt_arena_reset(&w->arena);
        kt_functions_forget_faults(w->scratch);
        w->n = w->votes = w->gold_n = w->gold_votes = w->right = 0;
        memset(w->by_label, 0, t->p->n_labels * sizeof(*w->by_label));
        for (size_t e = 0; e < (size_t)KT_LF_EXAMPLES * t->o.n_examples; e++)
            w->example[e].order = UINT64_MAX;
    }
}

static void merge_examples(const kt_try *t, const struct tally *w, kt_arena *a, kt_lf_example *ret)
{
    uint32_t n = t->o.n_examples;
    for (size_t e = 0; e < (size_t)KT_LF_EXAMPLES * n; e++) {
        kt_lf_example now = w->example[e], *list = ret + e / n * n;
        if (now.order == UINT64_MAX)
            continue;
        now.id = kt_arena_str(a, now.id);
        now.text = kt_arena_str(a, now.text);
        for (uint32_t i = 0; i < n; i++)
            if (now.order < list[i].order) {
                kt_lf_example x = list[i];
                list[i] = now;
                now = x;
            }
    }
}

static void gather(kt_try *t, kt_arena *a, kt_tried *ret)
{
    size_t n_examples = (size_t)KT_LF_EXAMPLES * t->o.n_examples;
    kt_functions_scratch *scratch[KT_SCAN_SLOTS];
    ret->by_label = kt_arena_array(a, t->p->n_labels + 1, sizeof(*ret->by_label));
    ret->example = kt_arena_array(a, n_examples + 1, sizeof(*ret->example));
    for (size_t e = 0; e < n_examples; e++)
        ret->example[e].order = UINT64_MAX;
    for (int i = 0; i < KT_SCAN_SLOTS; i++) {
        const struct tally *w = &t->slot[i];
        scratch[i] = w->scratch;
        ret->n += w->n;
        ret->votes += w->votes;
        ret->gold_n += w->gold_n;
        ret->gold_votes += w->gold_votes;
        ret->right += w->right;
        for (uint32_t c = 0; c < t->p->n_labels; c++)
            ret->by_label[c] += w->by_label[c];
        if (n_examples)
            merge_examples(t, w, a, ret->example);
    }
    kt_functions_gather(t->f, scratch, KT_SCAN_SLOTS, &ret->fault);
}

kt_rc kt_try_run(kt_try *t, kt_item_reader *r, bool exact, kt_pool *pool, kt_arena *a, kt_tried *ret, kt_err *err)
{
    int64_t from = kt_mono_us();
    kt_rc rc;
    reset(t);
    rc = exact ? kt_item_scan(r, 0, t->p->n_items, pool, look, t, err) : sample_pass(t, r, pool, err);
    *ret = (kt_tried){ .exact = exact };
    KT_TRY(rc);
    gather(t, a, ret);
    double ci[2] = { 0, 0 };
    ret->coverage = ret->n ? (double)ret->votes / (double)ret->n : 0;
    kt_clopper_pearson(ret->votes, ret->n, 0.95, ci);
    ret->lo = exact ? ret->coverage : ci[0];
    ret->hi = exact ? ret->coverage : ci[1];
    kt_clopper_pearson(ret->right, ret->gold_votes, 0.95, ci);
    bool known = ret->gold_votes > 0;
    ret->precision = known ? (double)ret->right / (double)ret->gold_votes : NAN;
    ret->p_lo = known ? ci[0] : NAN;
    ret->p_hi = known ? ci[1] : NAN;
    ret->seconds = (double)(kt_mono_us() - from) / 1e6;
    return 0;
}

/* ---- JSON ---- */

static void put_examples(const kt_try *t, const kt_tried *x, const char *name, kt_lf_example_kind kind, kt_buf *b)
{
    kt_buf_printf(b, ",\"%s\":[", name);
    for (uint32_t i = 0; i < t->o.n_examples; i++) {
        const kt_lf_example *e = &x->example[(size_t)kind * t->o.n_examples + i];
        if (e->order == UINT64_MAX)
            break;
        kt_buf_printf(b, "%s{\"item\":%u,\"id\":", i ? "," : "", e->item);
        kt_buf_json(b, e->id);
        kt_buf_puts(b, ",\"text\":");
        kt_buf_json(b, e->text);
        kt_buf_puts(b, ",\"said\":");
        kt_buf_json(b, t->p->label[e->said]);
        kt_buf_puts(b, ",\"gold\":");
        if (e->gold >= 0)
            kt_buf_json(b, t->p->label[e->gold]);
        else
            kt_buf_puts(b, "null");
        kt_buf_char(b, '}');
    }
    kt_buf_char(b, ']');
}

void kt_tried_json(const kt_try *t, const kt_tried *x, kt_buf *b)
{
    const struct { const char *name; double v; } numbers[] = {
        { "coverage", x->coverage }, { "lo", x->lo }, { "hi", x->hi }, { "precision", x->precision }, { "precision_lo", x->p_lo },
        { "precision_hi", x->p_hi }, { "seconds", x->seconds },
    };
    kt_buf_printf(b, "{\"exact\":%s,\"n\":%llu,\"votes\":%llu,\"gold\":%llu,\"gold_votes\":%llu,\"right\":%llu", x->exact ? "true" : "false",
                  (unsigned long long)x->n, (unsigned long long)x->votes, (unsigned long long)x->gold_n, (unsigned long long)x->gold_votes,
                  (unsigned long long)x->right);
    for (size_t i = 0; i < KT_LEN(numbers); i++) {
        kt_buf_printf(b, ",\"%s\":", numbers[i].name);
        kt_buf_f64(b, numbers[i].v);
    }
    kt_buf_puts(b, ",\"labels\":{");
    bool first = true;
    for (uint32_t c = 0; c < t->p->n_labels; c++)
        if (x->by_label[c]) {
            kt_buf_puts(b, first ? "" : ",");
            kt_buf_json(b, t->p->label[c]);
            kt_buf_printf(b, ":%llu", (unsigned long long)x->by_label[c]);
            first = false;
        }
    kt_buf_char(b, '}');
    put_examples(t, x, "votes_shown", KT_LF_VOTE, b);
    put_examples(t, x, "hits", KT_LF_HIT, b);
    put_examples(t, x, "misses", KT_LF_MISS, b);
    kt_buf_printf(b, ",\"failed\":%llu,\"failed_item\":", (unsigned long long)x->fault.n);
    kt_buf_json(b, kt_str_of(x->fault.id));
    kt_buf_puts(b, ",\"failure\":");
    kt_buf_json(b, kt_str_of(x->fault.said));
    kt_buf_char(b, '}');
}
