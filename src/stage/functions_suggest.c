/* 1. The labelled texts are split in two by a hash of the item. 2. The first half counts n-grams, of words and with # for a number, by
   label; those that mostly go with one label become candidates, with a few fixed patterns for every label. 3. All candidates run as
   the rules they would be, in one pass over the labelled texts. 4. For each label the one that adds most is taken, again and again,
   judged by the first half. 5. The second half measures them; a random sample of the project tells the coverage. */
#include "stage/functions_suggest.h"

#include "algo/stats.h"
#include "algo/learn/text_features.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/column.h"

#include <ctype.h>
#include <math.h>
#include <xxhash.h>

#define MAX_TEXTS 20000
#define MAX_TOKENS 300   /* of one text */
#define MAX_GRAM 3
#define MAX_WORD 40
#define MIN_TEXTS 20     /* labelled ones, below which nothing can be said */
#define MIN_SUPPORT 4    /* texts of the first half with a candidate */
#define COVERAGE_ITEMS 4000
#define MAX_CANDIDATES 800

static const char *const patterns[] = {
    "[$£€]\\s?\\d+", "\\d+ ?%", "https?://|www\\.", "[\\w.+-]+@[\\w-]+\\.\\w+", "\\b\\d{5,}\\b", "!{2,}", "\\?{2,}", "\\b[A-Z]{4,}\\b", "\\b\\d{1,2}:\\d{2}\\b", "\\?\\s*$",
};

struct text {
    uint32_t item;
    int32_t label;
    bool first_half;
    kt_str text;
};

struct gram {
    kt_str text; /* tokens with a space between; # for a number */
    uint32_t n, candidate; /* texts with it; row of counts, UINT32_MAX: none */
};

struct candidate {
    kt_str rule, name;
    int32_t label;
    uint32_t n, right; /* on the first half */
};

struct token {
    char word[MAX_WORD];
    size_t n;
    bool joined; /* white space only between it and the one before */
};

struct suggest {
    kt_store *s;
    const kt_project *p;
    const kt_suggest_opts *o;
    kt_pool *pool;
    kt_arena *a;
    struct text *text;
    size_t n;
    kt_map map;
    KT_VEC(struct gram) grams;
    uint32_t *counts;        /* rows × labels */
    double *share;           /* of each label in the first half */
    struct token *token;     /* MAX_TOKENS */
    KT_VEC(struct candidate) candidates;
    uint8_t *vote;           /* n × candidates */
    kt_functions *f;
    kt_functions_scratch *scratch[KT_SCAN_SLOTS];
    uint64_t *covered;       /* per slot, per candidate: items of the sample */
    uint64_t sampled[KT_SCAN_SLOTS];
    uint32_t *cluster;
};

/* ---- labelled texts ---- */

struct pred {
    int32_t label;
    float score;
};

static kt_rc load(struct suggest *g, const char *name, size_t width, void *ret, kt_err *err)
{
    kt_column_part part = { kt_str_of(name), 0, g->p->n_items, (uint32_t)width };
    return kt_column_get(g->s, g->p->id, &part, 0xff, ret, err);
}

static void take_labels(struct suggest *g, const int16_t *gold, const struct pred *pred, kt_suggestions *ret)
{
    uint32_t n = g->p->n_items, *list = kt_alloc_array((size_t)n + 1, sizeof(*list));
    size_t k = 0;
    for (uint32_t i = 0; i < n; i++)
        ret->n_gold += gold[i] >= 0;
    bool predicted = ret->n_gold < g->o->min_gold;
    for (uint32_t i = 0; i < n; i++)
        if (gold[i] >= 0 || (predicted && pred[i].label >= 0 && pred[i].score >= g->o->confident))
            list[k++] = i;
    g->n = KT_MIN(k, (size_t)MAX_TEXTS);
    g->text = kt_arena_array(g->a, g->n + 1, sizeof(*g->text));
    for (size_t i = 0; i < g->n; i++) { /* the lowest of a hash would be as random; this keeps them in order */
        uint32_t item = list[i * k / g->n];
        bool trusted = gold[item] >= 0;
        g->text[i] = (struct text){ item, trusted ? gold[item] : pred[item].label, kt_mix64(item ^ 0x5ull) & 1, { NULL, 0 } };
        ret->n_predicted += !trusted;
    }
    kt_free(list);
}

static kt_rc read_labels(struct suggest *g, kt_suggestions *ret, kt_err *err)
{
    size_t n = (size_t)g->p->n_items + 1;
    int16_t *gold = kt_alloc_array(n, sizeof(*gold));
    struct pred *pred = kt_alloc_array(n, sizeof(*pred));
    kt_rc rc = kt_functions_gold(g->s, g->p, gold, err);
    if (rc == 0)
        rc = load(g, "pred", sizeof(*pred), pred, err);
    if (rc == 0)
        take_labels(g, gold, pred, ret);
    kt_free(gold);
    kt_free(pred);
    if (rc == 0 && g->n < MIN_TEXTS) {
        kt_fail(err, KT_RANGE, "%zu labels are known; suggestions want at least %d", g->n, MIN_TEXTS);
        kt_hint(err, "give gold labels, or run the flow until it has predictions");
        rc = KT_RANGE;
    }
    return rc;
}

static kt_rc read_texts(struct suggest *g, kt_item_reader *r, kt_err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        kt_item it;
        KT_TRY(kt_item_get(r, g->text[i].item, &it, err));
        g->text[i].text = kt_arena_str(g->a, it.text);
    }
    return 0;
}

/* ---- n-grams ---- */

static bool blank(kt_str s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!isspace((unsigned char)s.p[i]))
            return false;
    return to > from;
}

static size_t tokens_of(kt_str text, struct token *ret)
{
    size_t n = 0, at = 0, len, before = 0;
    while (n < MAX_TOKENS && (len = kt_token_next(text, &at, ret[n].word, MAX_WORD)) > 0) {
        struct token *t = &ret[n];
        unsigned char last = (unsigned char)text.p[at - 1];
        size_t end = at - (last < 0x80 && !isalnum(last)), from = end >= len ? end - len : 0; /* at may have stepped over one separator */
        bool number = true;
        t->n = len;
        for (size_t i = 0; i < len; i++)
            number &= isdigit((unsigned char)t->word[i]) != 0;
        t->joined = n > 0 && len < MAX_WORD && from > before && blank(text, before, from);
        if (number) {
            t->word[0] = '#';
            t->n = 1;
        }
        before = end;
        n++;
    }
    return n;
}

/* Each n-gram of a text once; fn gets its number. */
static void each_gram(struct suggest *g, const struct text *t, bool add, void (*fn)(struct suggest *g, uint32_t gram, int32_t label))
{
    struct token *token = g->token;
    uint32_t seen[MAX_TOKENS * MAX_GRAM];
    size_t n_seen = 0, n = tokens_of(t->text, token);
    for (size_t i = 0; i < n; i++) {
        char key[MAX_GRAM * (MAX_WORD + 1)];
        size_t len = 0;
        bool word = false;
        for (size_t k = i; k < KT_MIN(i + MAX_GRAM, n) && (k == i || token[k].joined); k++) {
            if (k > i)
                key[len++] = ' ';
            memcpy(key + len, token[k].word, token[k].n);
            len += token[k].n;
            word |= token[k].word[0] != '#' && token[k].n > 1;
            if (!word)
                continue;
            int64_t id = kt_map_get(&g->map, XXH3_64bits(key, len));
            if (id < 0 && add) {
                id = (int64_t)g->grams.n;
                kt_map_put(&g->map, XXH3_64bits(key, len), (uint32_t)id);
                KT_PUSH(&g->grams, (struct gram){ kt_arena_str(g->a, (kt_str){ key, len }), 0, UINT32_MAX });
            }
            bool repeated = id < 0;
            for (size_t x = 0; x < n_seen && !repeated; x++)
                repeated = seen[x] == (uint32_t)id;
            if (repeated)
                continue;
            seen[n_seen++] = (uint32_t)id;
            fn(g, (uint32_t)id, t->label);
        }
    }
}

static void count_text(struct suggest *g, uint32_t gram, int32_t label)
{
    (void)label;
    g->grams.v[gram].n++;
}

/* Frequent ones have a row of counts by label. */
static void count_label(struct suggest *g, uint32_t gram, int32_t label)
{
    if (g->grams.v[gram].candidate != UINT32_MAX)
        g->counts[(size_t)g->grams.v[gram].candidate * g->p->n_labels + (uint32_t)label]++;
}

/* The condition that finds the n-gram, as YAML. */
static kt_str rule_of(struct suggest *g, kt_str gram)
{
    KT_AUTO(kt_buf) re = KT_BUF_INIT(4096);
    KT_AUTO(kt_buf) b = KT_BUF_INIT(8192);
    bool number = memchr(gram.p, '#', gram.n) != NULL;
    for (size_t i = 0; number && i < gram.n; i++)
        kt_buf_printf(&re, gram.p[i] == '#' ? "\\d+" : gram.p[i] == ' ' ? "\\s+" : "%c", gram.p[i]);
    if (number) {
        kt_buf_puts(&b, "regex: ");
        kt_str s = kt_arena_printf(g->a, "(?i)\\b%.*s\\b", KT_F(KT_BUF_STR(&re)));
        kt_buf_json(&b, s);
    } else {
        kt_buf_puts(&b, "any: [");
        kt_buf_json(&b, gram);
        kt_buf_char(&b, ']');
    }
    return kt_arena_str(g->a, KT_BUF_STR(&b));
}

static kt_str name_of(struct suggest *g, kt_str gram, int32_t label)
{
    kt_str s = kt_arena_printf(g->a, "%.*s_%.*s", (int)KT_MIN(g->p->label[label].n, 24), g->p->label[label].p, (int)KT_MIN(gram.n, 40), gram.p);
    char *p = kt_arena_cstr(g->a, s);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] == ' ' || p[i] == '#' || p[i] == '"')
            p[i] = p[i] == '#' ? 'n' : '_';
    return (kt_str){ p, s.n };
}

static int by_right(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return x->right != y->right ? (x->right > y->right ? -1 : 1) : kt_str_cmp(x->rule, y->rule);
}

/* The best of each label, so that all of them fit into one run. */
static void keep_best(struct suggest *g)
{
    size_t most = KT_MAX((MAX_CANDIDATES - KT_LEN(patterns)) / g->p->n_labels, (size_t)2), n = 0, of_label = 0;
    qsort(g->candidates.v, g->candidates.n, sizeof(*g->candidates.v), by_right);
    for (size_t i = 0; i < g->candidates.n && n < MAX_CANDIDATES; i++) {
        of_label = n && i && g->candidates.v[i].label == g->candidates.v[i - 1].label ? of_label + 1 : 0;
        if (of_label < most)
            g->candidates.v[n++] = g->candidates.v[i];
    }
    g->candidates.n = n;
}

/* Its precision is above the asked one, and, as so many n-grams are looked at, surely above the label's share of all texts. */
static bool precise(const struct suggest *g, int32_t label, uint32_t right, uint32_t n)
{
    double ci[2], surely[2];
    kt_clopper_pearson(right, n, 0.9, ci);
    kt_clopper_pearson(right, n, 0.999, surely);
    return n >= MIN_SUPPORT && ci[0] >= g->o->min_precision && surely[0] > g->share[label];
}

static void share_labels(struct suggest *g)
{
    size_t n = 0;
    g->share = kt_arena_array(g->a, g->p->n_labels + 1, sizeof(*g->share));
    for (size_t i = 0; i < g->n; i++)
        if (g->text[i].first_half) {
            g->share[g->text[i].label]++;
            n++;
        }
    for (uint32_t c = 0; c < g->p->n_labels && n; c++)
        g->share[c] /= (double)n;
}

static void find_candidates(struct suggest *g)
{
    uint32_t k = g->p->n_labels, rows = 0;
    share_labels(g);
    for (size_t i = 0; i < g->n; i++)
        if (g->text[i].first_half)
            each_gram(g, &g->text[i], true, count_text);
    for (size_t i = 0; i < g->grams.n; i++)
        if (g->grams.v[i].n >= MIN_SUPPORT)
            g->grams.v[i].candidate = rows++;
    g->counts = kt_zalloc_array((size_t)rows * k + 1, sizeof(*g->counts));
    for (size_t i = 0; i < g->n; i++)
        if (g->text[i].first_half)
            each_gram(g, &g->text[i], false, count_label);
    for (size_t i = 0; i < g->grams.n; i++) {
        const struct gram *x = &g->grams.v[i];
        uint32_t best = 0;
        if (x->candidate == UINT32_MAX)
            continue;
        const uint32_t *row = g->counts + (size_t)x->candidate * k;
        for (uint32_t c = 1; c < k; c++)
            if (row[c] > row[best])
                best = c;
        if (precise(g, (int32_t)best, row[best], x->n))
            KT_PUSH(&g->candidates, (struct candidate){ rule_of(g, x->text), name_of(g, x->text, (int32_t)best), (int32_t)best, x->n, row[best] });
    }
    g->counts = kt_free(g->counts);
    keep_best(g);
    for (size_t i = 0; i < KT_LEN(patterns); i++) {
        KT_AUTO(kt_buf) b = KT_BUF_INIT(400);
        kt_buf_puts(&b, "regex: ");
        kt_buf_json(&b, kt_str_of(patterns[i]));
        KT_PUSH(&g->candidates, (struct candidate){ kt_arena_str(g->a, KT_BUF_STR(&b)), kt_arena_printf(g->a, "pattern_%zu", i), -1, 0, 0 });
    }
}

/* ---- as rules ---- */

static kt_rc compile(struct suggest *g, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)8 << 20);
    for (size_t i = 0; i < g->candidates.n; i++) {
        kt_buf_printf(&b, "- {name: c%zu, label: ", i);
        kt_buf_json(&b, g->p->label[0]); /* only whether it votes matters here */
        kt_buf_printf(&b, ", %.*s}\n", KT_F(g->candidates.v[i].rule));
    }
    kt_yaml *y;
    const kt_functions_opts o = { .file = "suggestions", .labels = g->p->label, .n_labels = g->p->n_labels, .foreign = true };
    KT_TRY(kt_yaml_parse(kt_arena_str(g->a, KT_BUF_STR(&b)), "suggestions", g->a, &y, err));
    KT_TRY(kt_functions_read(y, &o, &g->f, err));
    KT_TRY(kt_functions_compile(g->f, NULL, err));
    for (int i = 0; i < KT_SCAN_SLOTS; i++)
        KT_TRY(kt_functions_scratch_new(g->f, &g->scratch[i], err));
    return 0;
}

static void vote_on_labels(struct suggest *g)
{
    size_t m = g->candidates.n;
    int16_t *vote = kt_alloc_array(m + 1, sizeof(*vote));
    g->vote = kt_zalloc(g->n * m + 1);
    for (size_t i = 0; i < g->n; i++) {
        const kt_item it = { .number = g->text[i].item, .text = g->text[i].text };
        kt_functions_apply(g->scratch[0], &it, 1, vote);
        for (size_t c = 0; c < m; c++)
            g->vote[i * m + c] = vote[c] >= 0;
    }
    kt_free(vote);
}

/* Texts the candidate adds, right ones minus twice the wrong ones; *ret_n: how many it votes on in the first half. */
static int64_t gain(const struct suggest *g, size_t c, int32_t label, const bool *covered, uint32_t *ret_n, uint32_t *ret_right)
{
    size_t m = g->candidates.n;
    int64_t added = 0;
    *ret_n = *ret_right = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (!g->text[i].first_half || !g->vote[i * m + c])
            continue;
        bool right = g->text[i].label == label;
        ++*ret_n;
        *ret_right += right;
        added += right ? !covered[i] : -2;
    }
    return added;
}

static void measure(struct suggest *g, size_t c, int32_t label, kt_suggestion *ret)
{
    double ci[2];
    *ret = (kt_suggestion){ .rule = g->candidates.v[c].rule, .name = g->candidates.v[c].name, .label = label };
    for (size_t i = 0; i < g->n; i++)
        if (!g->text[i].first_half && g->vote[i * g->candidates.n + c]) {
            ret->n++;
            ret->right += g->text[i].label == label;
        }
    kt_clopper_pearson(ret->right, ret->n, 0.95, ci);
    ret->precision = ret->n ? (double)ret->right / (double)ret->n : NAN;
    ret->lo = ret->n ? ci[0] : NAN;
    ret->hi = ret->n ? ci[1] : NAN;
    uint64_t covered = 0, n = 0;
    for (int k = 0; k < KT_SCAN_SLOTS; k++) {
        covered += g->covered[(size_t)k * g->candidates.n + c];
        n += g->sampled[k];
    }
    ret->coverage = n ? (double)covered / (double)n : 0;
}

static void choose_for(struct suggest *g, int32_t label, bool *covered, kt_suggestions *ret)
{
    size_t m = g->candidates.n;
    memset(covered, 0, g->n * sizeof(*covered));
    for (uint32_t round = 0; round < g->o->per_label; round++) {
        int64_t best_gain = MIN_SUPPORT - 1;
        size_t best = m;
        for (size_t c = 0; c < m; c++) {
            uint32_t n, right;
            if (g->candidates.v[c].label >= 0 && g->candidates.v[c].label != label)
                continue;
            int64_t add = gain(g, c, label, covered, &n, &right);
            if (add > best_gain && precise(g, label, right, n)) {
                best_gain = add;
                best = c;
            }
        }
        if (best == m)
            return;
        for (size_t i = 0; i < g->n; i++)
            covered[i] |= g->vote[i * m + best];
        measure(g, best, label, &ret->v[ret->n++]);
    }
}

/* ---- coverage ---- */

static kt_rc look(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)err;
    struct suggest *g = ctx;
    size_t m = g->candidates.n;
    int16_t *vote = kt_alloc_array(m + 1, sizeof(*vote));
    for (size_t i = 0; i < n; i++) {
        if (g->cluster[items[i].number] != items[i].number && g->cluster[items[i].number] != UINT32_MAX)
            continue;
        kt_functions_apply(g->scratch[slot], &items[i], 1, vote);
        g->sampled[slot]++;
        for (size_t c = 0; c < m; c++)
            g->covered[(size_t)slot * m + c] += vote[c] >= 0;
    }
    kt_free(vote);
    return 0;
}

static kt_rc cover(struct suggest *g, kt_item_reader *r, kt_err *err)
{
    uint32_t list[COVERAGE_ITEMS];
    size_t n = KT_MIN((size_t)COVERAGE_ITEMS, g->p->n_items);
    g->covered = kt_zalloc_array(KT_SCAN_SLOTS * (g->candidates.n + 1), sizeof(*g->covered));
    g->cluster = kt_alloc_array((size_t)g->p->n_items + 1, sizeof(*g->cluster));
    KT_TRY(load(g, "cluster", sizeof(*g->cluster), g->cluster, err));
    n = kt_sample_items((uint64_t)g->p->seed, NULL, g->p->n_items, n, list);
    return kt_item_scan_list(r, list, n, g->pool, look, g, err);
}

static kt_rc suggest(struct suggest *g, kt_item_reader *r, kt_suggestions *ret, kt_err *err)
{
    KT_TRY(read_texts(g, r, err));
    find_candidates(g);
    KT_TRY(compile(g, err));
    vote_on_labels(g);
    KT_TRY(cover(g, r, err));
    ret->v = kt_arena_array(g->a, (size_t)g->p->n_labels * g->o->per_label + 1, sizeof(*ret->v));
    bool *covered = kt_arena_array(g->a, g->n + 1, sizeof(*covered));
    for (uint32_t c = 0; c < g->p->n_labels; c++)
        choose_for(g, (int32_t)c, covered, ret);
    return 0;
}

kt_rc kt_functions_suggest(kt_store *s, const kt_project *p, const kt_suggest_opts *o, kt_pool *pool, kt_arena *a, kt_suggestions *ret, kt_err *err)
{
    struct suggest g = { .s = s, .p = p, .o = o, .pool = pool, .a = a };
    kt_item_reader *r = NULL;
    *ret = (kt_suggestions){ 0 };
    g.token = kt_arena_array(a, MAX_TOKENS, sizeof(*g.token));
    kt_rc rc = kt_item_reader_new(s, p->id, &r, err);
    if (rc == 0)
        rc = read_labels(&g, ret, err);
    if (rc == 0)
        rc = suggest(&g, r, ret, err);
    for (int i = 0; i < KT_SCAN_SLOTS; i++)
        kt_functions_scratch_free(g.scratch[i]);
    kt_functions_free(g.f);
    kt_item_reader_free(r);
    kt_map_done(&g.map);
    KT_VEC_DONE(&g.grams);
    KT_VEC_DONE(&g.candidates);
    kt_free(g.vote);
    kt_free(g.covered);
    kt_free(g.cluster);
    return rc;
}

/* ---- out ---- */

void kt_suggestions_yaml(const kt_suggestions *g, const kt_project *p, kt_buf *b)
{
    kt_buf_printf(b, "  # from %llu trusted labels and %llu confident predictions; one half chose these rules, the other measured them\n",
                  (unsigned long long)g->n_gold, (unsigned long long)g->n_predicted);
    for (size_t i = 0; i < g->n; i++) {
        const kt_suggestion *s = &g->v[i];
        kt_buf_puts(b, "  - {name: ");
        kt_buf_json(b, s->name);
        kt_buf_puts(b, ", label: ");
        kt_buf_json(b, p->label[s->label]);
        kt_buf_printf(b, ", %.*s} # right on %llu of %llu", KT_F(s->rule), (unsigned long long)s->right, (unsigned long long)s->n);
        if (s->n)
            kt_buf_printf(b, " (%.1f to %.1f %%)", 100 * s->lo, 100 * s->hi);
        kt_buf_printf(b, ", on %.2f %% of the items\n", 100 * s->coverage);
    }
}

void kt_suggestions_json(const kt_suggestions *g, const kt_project *p, kt_buf *b)
{
    kt_buf_printf(b, "{\"gold\":%llu,\"predicted\":%llu,\"suggestions\":[", (unsigned long long)g->n_gold, (unsigned long long)g->n_predicted);
    for (size_t i = 0; i < g->n; i++) {
        const kt_suggestion *s = &g->v[i];
        const struct { const char *name; double v; } numbers[] = { { "precision", s->precision }, { "lo", s->lo }, { "hi", s->hi }, { "coverage", s->coverage } };
        kt_buf_puts(b, i ? ",{\"name\":" : "{\"name\":");
        kt_buf_json(b, s->name);
        kt_buf_puts(b, ",\"label\":");
        kt_buf_json(b, p->label[s->label]);
        kt_buf_puts(b, ",\"rule\":");
        kt_buf_json(b, s->rule);
        kt_buf_printf(b, ",\"n\":%llu,\"right\":%llu", (unsigned long long)s->n, (unsigned long long)s->right);
        for (size_t k = 0; k < KT_LEN(numbers); k++) {
            kt_buf_printf(b, ",\"%s\":", numbers[k].name);
            kt_buf_f64(b, numbers[k].v);
        }
        kt_buf_char(b, '}');
    }
    kt_buf_puts(b, "]}\n");
}
