/* Tagged sequences. Checked against planted spans: merged tags beat the majority of every token and spans merged by overlap, by exact
   spans found; posteriors are right as often as they say; intervals hold what a source is worth; and against sums over all tag
   sequences of a short one. */
#include "algo/merge/regions.h"
#include "algo/merge/sequences.c" /* its own numbers, to add up by hand */
#include "algo/merge/spans.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

enum { TYPES = 3, TAGS = 1 + 2 * TYPES, LONGEST = 24 };

typedef struct habits {
    double misses, moves, renames, invents; /* a span left out; each border moved by one; another type; a span that is not there, a token */
} habits;

typedef struct text {
    uint32_t n, n_sources, per;
    size_t *length, *at;
    int32_t *truth, *tag; /* n × LONGEST; answers × LONGEST */
    uint32_t *sequence, *source;
    kt_sequence_answers v;
} text;

static void paint(int32_t *tag, size_t n, int64_t from, int64_t to, int type)
{
    from = KT_MAX(from, 0);
    to = KT_MIN(to, (int64_t)n);
    for (int64_t x = from; x < to; x++)
        tag[x] = x == from ? 1 + 2 * type : 2 + 2 * type;
}

/* Makes I behind what it cannot follow B, as after painting over. */
static void repair(int32_t *tag, size_t n)
{
    for (size_t x = 0; x < n; x++)
        if (tag[x] && tag[x] % 2 == 0 && !(x && (tag[x - 1] == tag[x] || tag[x - 1] == tag[x] - 1)))
            tag[x]--;
}

static void write_truth(kt_rng *r, int32_t *tag, size_t n)
{
    memset(tag, 0, LONGEST * sizeof(*tag));
    for (size_t x = kt_rng_below(r, 5); x + 1 < n;) {
        size_t m = 1 + kt_rng_below(r, 4);
        paint(tag, n, (int64_t)x, (int64_t)(x + m), (int)kt_rng_below(r, TYPES));
        x += m + 1 + kt_rng_below(r, 7);
    }
}

static void annotate(kt_rng *r, const habits *h, const int32_t *truth, int32_t *tag, size_t n)
{
    memset(tag, 0, LONGEST * sizeof(*tag));
    for (size_t x = 0; x < n; x++) {
        if (truth[x] == 0 && kt_rng_unit(r) < h->invents)
            paint(tag, n, (int64_t)x, (int64_t)(x + 1 + kt_rng_below(r, 2)), (int)kt_rng_below(r, TYPES));
        if (truth[x] % 2 == 0)
            continue;
        size_t to = x + 1;
        int type = (truth[x] - 1) / 2;
        while (to < n && truth[to] == truth[x] + 1)
            to++;
        if (kt_rng_unit(r) < h->misses)
            continue;
        if (kt_rng_unit(r) < h->renames)
            type = (int)kt_rng_below(r, TYPES);
        int64_t from = (int64_t)x + (kt_rng_unit(r) < h->moves ? (int64_t)kt_rng_below(r, 3) - 1 : 0);
        int64_t end = (int64_t)to + (kt_rng_unit(r) < h->moves ? (int64_t)kt_rng_below(r, 3) - 1 : 0);
        paint(tag, n, from, KT_MAX(end, from + 1), type);
    }
    repair(tag, n);
}

static habits habits_of(uint32_t s)
{
    static const habits kinds[] = { { 0.1, 0.25, 0.05, 0.005 }, { 0.15, 0.8, 0.1, 0.01 }, { 0.4, 0.4, 0.2, 0.02 }, { 0.2, 0.9, 0.3, 0.05 } };
    return kinds[s % 4];
}

static text write_text(uint32_t n, uint32_t n_sources, uint32_t per, uint64_t seed, kt_arena *a)
{
    kt_rng r = kt_rng_keyed(seed, 7, 7);
    text t = { .n = n, .n_sources = n_sources, .per = per };
    t.length = kt_arena_array(a, n, sizeof(size_t));
    t.at = kt_arena_array(a, (size_t)n * per, sizeof(size_t));
    t.truth = kt_arena_array(a, (size_t)n * LONGEST, 4);
    t.tag = kt_arena_array(a, (size_t)n * per * LONGEST, 4);
    t.sequence = kt_arena_array(a, (size_t)n * per, 4);
    t.source = kt_arena_array(a, (size_t)n * per, 4);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t who[16];
        t.length[i] = 6 + kt_rng_below(&r, LONGEST - 5);
        write_truth(&r, t.truth + i * LONGEST, t.length[i]);
        kt_rng_sample(&r, n_sources, per, who);
        for (uint32_t x = 0; x < per; x++) {
            size_t q = (size_t)i * per + x;
            habits h = habits_of((uint32_t)who[x]);
            t.sequence[q] = i;
            t.source[q] = (uint32_t)who[x];
            t.at[q] = q * LONGEST;
            annotate(&r, &h, t.truth + i * LONGEST, t.tag + t.at[q], t.length[i]);
        }
    }
    t.v = (kt_sequence_answers){ n, n_sources, TYPES, t.length, (size_t)n * per, t.sequence, t.source, t.at, t.tag };
    return t;
}

typedef struct tally {
    double found, said, there;
} tally;

static bool same_span(const int32_t *truth, size_t n, size_t from, size_t to, int32_t type)
{
    bool same = to > from && to <= n && truth[from] == 1 + 2 * type && (to == n || truth[to] != 2 + 2 * type);
    for (size_t x = from + 1; x < to && same; x++)
        same = truth[x] == 2 + 2 * type;
    return same;
}

static void tally_tags(tally *t, const int32_t *tag, const int32_t *truth, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        t->there += truth[x] % 2;
        if (tag[x] % 2 == 0)
            continue;
        size_t to = x + 1;
        while (to < n && tag[to] == tag[x] + 1)
            to++;
        t->said++;
        t->found += same_span(truth, n, x, to, (tag[x] - 1) / 2);
    }
}

static double f1(const tally *t)
{
    return 2 * t->found / (t->said + t->there);
}

static void tally_majority(const text *t, tally *ret)
{
    for (uint32_t i = 0; i < t->n; i++) {
        int32_t tag[LONGEST] = { 0 };
        for (size_t x = 0; x < t->length[i]; x++) {
            int votes[TAGS] = { 0 };
            for (uint32_t q = i * t->per; q < (i + 1) * t->per; q++)
                votes[t->tag[t->at[q] + x]]++;
            for (int c = 1; c < TAGS; c++)
                tag[x] = votes[c] > votes[tag[x]] ? c : tag[x];
        }
        repair(tag, t->length[i]);
        tally_tags(ret, tag, t->truth + i * LONGEST, t->length[i]);
    }
}

static void tally_regions(const text *t, tally *ret, kt_arena *a)
{
    size_t most = (size_t)t->n * t->per * LONGEST, n = 0;
    size_t *answer = kt_arena_array(a, most, sizeof(size_t));
    int32_t *label = kt_arena_array(a, most, 4);
    double *at = kt_arena_array(a, most, 16);
    for (size_t q = 0; q < (size_t)t->n * t->per; q++)
        for (size_t x = 0; x < t->length[t->sequence[q]]; x++) {
            const int32_t *tag = t->tag + t->at[q];
            size_t to = x + 1;
            if (tag[x] % 2 == 0)
                continue;
            while (to < t->length[t->sequence[q]] && tag[to] == tag[x] + 1)
                to++;
            answer[n] = q;
            label[n] = (tag[x] - 1) / 2;
            at[2 * n] = (double)x;
            at[2 * n++ + 1] = (double)to;
        }
    kt_region_answers v = { (size_t)t->n * t->per, t->n, t->n_sources, TYPES, 2, t->sequence, t->source, n, answer, label, at, KT_REGION_EDGES, NULL };
    kt_regions r;
    assert_int_equal(kt_regions_merge(&v, NULL, NULL, a, &r, NULL), 0);
    for (size_t g = 0; g < r.n; g++) {
        ret->said += r.kept[g];
        ret->found += r.kept[g] && same_span(t->truth + r.item[g] * LONGEST, t->length[r.item[g]], (size_t)nearbyint(r.at[2 * g]), (size_t)nearbyint(r.at[2 * g + 1]), r.label[g]);
    }
}

static void spans_planted(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    text t = write_text(900, 12, 5, 1, &a);
    kt_sequences one, many;
    tally merged = { 0 }, majority = { 0 }, regions = { 0 };
    kt_pool *pool = kt_pool_new(3);
    assert_int_equal(kt_sequences_fit(&t.v, NULL, NULL, &a, &one, NULL), 0);
    assert_int_equal(kt_sequences_fit(&t.v, NULL, pool, &a, &many, NULL), 0);
    kt_pool_free(pool);
    assert_memory_equal(one.prob, many.prob, one.start[t.n] * TAGS * sizeof(double));
    double claimed = 0, right = 0, conf = 0, hits = 0;
    for (uint32_t i = 0; i < t.n; i++) {
        const int32_t *tag = one.tag + one.start[i];
        for (size_t x = 0; x < t.length[i]; x++) {
            assert_true(tag[x] == 0 || tag[x] % 2 == 1 || (x && (tag[x - 1] == tag[x] || tag[x - 1] == tag[x] - 1)));
            conf += one.prob[(one.start[i] + x) * TAGS + (size_t)tag[x]];
            hits += tag[x] == t.truth[i * LONGEST + x];
        }
        tally_tags(&merged, tag, t.truth + i * LONGEST, t.length[i]);
    }
    assert_int_equal(one.n_spans, (size_t)merged.said);
    for (size_t s = 0; s < one.n_spans; s++) {
        const kt_merged_span *p = &one.span[s];
        assert_true(p->n_looked == 5 && p->n_for <= 5 && p->prob >= 0 && p->prob <= 1);
        claimed += p->prob;
        right += same_span(t.truth + p->sequence * LONGEST, t.length[p->sequence], p->from, p->to, (int32_t)p->type);
    }
    tally_majority(&t, &majority);
    tally_regions(&t, &regions, &a);
    regions.there = merged.there;
    print_message("F1 of exact spans: merged %.4f, majority of tokens %.4f, by overlap %.4f\n", f1(&merged), f1(&majority), f1(&regions));
    print_message("spans right %.4f, claimed %.4f; tokens right %.4f, claimed %.4f\n", right / merged.said, claimed / merged.said, hits / one.start[t.n], conf / one.start[t.n]);
    assert_true(f1(&merged) > f1(&majority) + 0.2 && f1(&merged) > f1(&regions) + 0.015);
    assert_true(fabs(right - claimed) < 0.06 * merged.said && fabs(hits - conf) < 0.02 * one.start[t.n]);
}

/* What each kind of source is worth is drawn large; intervals hold it. */
static void intervals_cover(void **state)
{
    (void)state;
    double worth[4];
    kt_rng r = kt_rng_keyed(1, 1, 1);
    for (uint32_t kind = 0; kind < 4; kind++) {
        double right = 0, weight = 0;
        habits h = habits_of(kind);
        for (int i = 0; i < 20000; i++) {
            int32_t truth[LONGEST], tag[LONGEST];
            size_t n = 6 + kt_rng_below(&r, LONGEST - 5);
            write_truth(&r, truth, n);
            annotate(&r, &h, truth, tag, n);
            for (size_t x = 0; x < n; x++) {
                weight += truth[x] || tag[x];
                right += tag[x] && truth[x] == tag[x];
            }
        }
        worth[kind] = right / weight;
    }
    int in = 0, all = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        text t = write_text(300, 12, 6, seed, &a);
        kt_sequences m;
        assert_int_equal(kt_sequences_fit(&t.v, NULL, NULL, &a, &m, NULL), 0);
        for (uint32_t s = 0; s < 12; s++, all++)
            in += m.source_ci[2 * s] <= worth[s % 4] && worth[s % 4] <= m.source_ci[2 * s + 1];
    }
    print_message("%.3f of %d intervals hold\n", (double)in / all, all);
    assert_true(in >= 0.93 * all && in <= 0.97 * all);
}

/* Posterior of tokens and spans of a short sequence against the sum over all its tag sequences, with the model's own numbers. */
static void all_sequences(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    size_t length[] = { 4 }, at[] = { 0, 4 };
    uint32_t sequence[] = { 0, 0 }, source[] = { 0, 1 };
    int32_t tag[] = { 1, 2, 0, 3, 1, 0, 0, 3 };
    kt_sequence_answers v = { 1, 2, 2, length, 2, sequence, source, at, tag };
    static const kt_sequence_opts o = KT_SEQUENCE_OPTS_INIT;
    kt_sequences m;
    fitting f = { .v = &v, .o = &o, .t = 5, .start = true };
    chain c = { 0 };
    make_states(&f, &a);
    sort_answers(&f, &a);
    make(&f, &a, &a, &m);
    f.anchor.tag = (int32_t[]){ 1, 2, 0, 3 };
    run(&f, NULL);
    maximise(&f);
    f.start = false;
    run(&f, NULL);
    walk(&f, 0, &c);
    double all = 0, token[4][5] = { { 0 } }, whole = 0, lone = 0;
    for (int x = 0; x < 625; x++) {
        int32_t t[4] = { x / 125, x / 25 % 5, x / 5 % 5, x % 5 };
        uint32_t s[4];
        double p = 1;
        bool valid = follows(0, t[0]);
        for (int y = 1; y < 4; y++)
            valid &= follows(t[y - 1], t[y]);
        if (!valid)
            continue;
        for (size_t y = 0; y < 4; y++) {
            s[y] = state_of(&f, t, y, 4);
            assert_int_equal(f.tag_of[s[y]], t[y]);
            p *= y ? f.next[edge_of(&f, s[y - 1], s[y])] : f.first[s[0]];
            for (uint32_t q = 0; q < 2; q++)
                p *= exp(log_chance(&f, q, s[y], type_before(tag + 4 * q, y), tag[4 * q + y]));
        }
        all += p;
        for (int y = 0; y < 4; y++)
            token[y][t[y]] += p;
        whole += t[0] == 1 && t[1] == 2 && t[2] != 2 ? p : 0;
        lone += t[3] == 3 ? p : 0;
    }
    for (int y = 0; y < 4; y++)
        for (int t = 0; t < 5; t++)
            kt_assert_close(m.prob[5 * y + t], token[y][t] / all, 1e-9);
    kt_assert_close(span_prob(&f, &c, &(kt_merged_span){ .type = 0, .from = 0, .to = 2 }), whole / all, 1e-9);
    kt_assert_close(span_prob(&f, &c, &(kt_merged_span){ .type = 1, .from = 3, .to = 4 }), lone / all, 1e-9);
    kt_free(c.emission);
    assert_int_equal(kt_sequences_fit(&v, &o, NULL, &a, &m, NULL), 0);
    assert_true(m.tag[0] == 1);
    tag[1] = 5;
    assert_int_equal(kt_sequences_fit(&v, &o, NULL, &a, &m, NULL), KT_RANGE);
    tag[1] = 2;
    source[1] = 2;
    assert_int_equal(kt_sequences_fit(&v, &o, NULL, &a, &m, NULL), KT_RANGE);
    kt_sequence_answers none = { 1, 1, 1, length, 0, NULL, NULL, NULL, NULL };
    assert_int_equal(kt_sequences_fit(&none, NULL, NULL, &a, &m, NULL), 0);
    assert_true(m.tag[2] == -1 && isnan(m.prob[0]) && isnan(m.source_accuracy[0]) && m.n_spans == 0);
    length[0] = 0;
    source[1] = 1;
    assert_int_equal(kt_sequences_fit(&v, NULL, NULL, &a, &m, NULL), 0);
}

/* The same texts' answers as spans. */
static kt_span_answers spans_of(const text *t, kt_arena *a)
{
    size_t m = (size_t)t->n * t->per, n = 0, *start = kt_arena_array(a, m + 1, sizeof(*start));
    kt_span *span = kt_arena_array(a, m * LONGEST + 1, sizeof(*span));
    for (size_t q = 0; q < m; q++) {
        const int32_t *tag = t->tag + t->at[q];
        start[q] = n;
        for (size_t x = 0, to, len = t->length[t->sequence[q]]; x < len; x++) {
            for (to = x + 1; tag[x] % 2 && to < len && tag[to] == tag[x] + 1;)
                to++;
            if (tag[x] % 2)
                span[n++] = (kt_span){ (uint32_t)x, (uint32_t)to, (tag[x] - 1) / 2 };
        }
    }
    start[m] = n;
    return (kt_span_answers){ m, t->n, t->n_sources, TYPES, t->sequence, t->source, start, span };
}

/* Whole answers, exactly. Spans merged one by one are better than the most frequent whole answer, the model of sequences is better still, which is
   why the flow takes it where no spans overlap; and what both claim of a whole text, that it is right, is how often it is. */
static void exact_spans(void **state)
{
    (void)state;
    enum { N = 900, PER = 5 };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    text t = write_text(N, 12, PER, 1, &a);
    kt_span_answers v = spans_of(&t, &a);
    kt_merged_spans m, again;
    kt_sequences by_token;
    kt_pool *pool = kt_pool_new(3);
    assert_int_equal(kt_spans_merge(&v, NULL, &a, &m, NULL), 0);
    assert_int_equal(kt_spans_merge(&v, pool, &a, &again, NULL), 0);
    assert_int_equal(kt_sequences_fit(&t.v, NULL, pool, &a, &by_token, NULL), 0);
    kt_pool_free(pool);
    assert_memory_equal(m.posterior, again.posterior, N * sizeof(double));
    tally mine_all = { 0 }, tags = { 0 };
    double whole = 0, whole_tags = 0, whole_votes = 0, claimed = 0, claimed_tags = 0, span_claimed = 0;
    for (uint32_t i = 0; i < N; i++) {
        const int32_t *truth = t.truth + i * LONGEST, *tag = by_token.tag + by_token.start[i];
        int32_t mine[LONGEST] = { 0 };
        int most = 0, best = 0;
        for (size_t s = m.start[i]; s < m.start[i + 1]; s++) {
            paint(mine, t.length[i], m.span[s].start, m.span[s].end, m.span[s].label);
            span_claimed += m.prob[s];
        }
        repair(mine, t.length[i]);
        tally_tags(&mine_all, mine, truth, t.length[i]);
        tally_tags(&tags, tag, truth, t.length[i]);
        for (int x = 0; x < PER; x++) {
            int same = 0;
            for (int y = 0; y < PER; y++)
                same += memcmp(t.tag + t.at[i * PER + x], t.tag + t.at[i * PER + y], LONGEST * 4) == 0;
            if (same > most)
                most = same, best = x;
        }
        whole += memcmp(mine, truth, t.length[i] * 4) == 0;
        whole_tags += memcmp(tag, truth, t.length[i] * 4) == 0;
        whole_votes += memcmp(t.tag + t.at[i * PER + best], truth, t.length[i] * 4) == 0;
        assert_true(m.posterior[i] >= 0 && m.posterior[i] <= 1 && m.n_votes[i] == PER);
        claimed += m.posterior[i];
        claimed_tags += by_token.whole[i];
    }
    print_message("exact spans: F1 %.4f, by tokens %.4f; whole texts right %.4f (claimed %.4f), by tokens %.4f (claimed %.4f), by whole answers %.4f; spans right %.4f, claimed %.4f\n", f1(&mine_all),
                  f1(&tags), whole / N, claimed / N, whole_tags / N, claimed_tags / N, whole_votes / N, mine_all.found / mine_all.said, span_claimed / mine_all.said);
    assert_true(whole > whole_votes * 1.5 && whole_tags > whole + 0.1 * N);
    assert_true(fabs(mine_all.found - span_claimed) < 0.06 * mine_all.said && fabs(whole - claimed) < 0.1 * N && fabs(whole_tags - claimed_tags) < 0.1 * N);
}

static void spans_at_the_edges(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    const uint32_t item[] = { 0, 0, 0, 2 }, source[] = { 0, 1, 2, 0 };
    const size_t none[] = { 0, 0, 0, 0, 0 }, some[] = { 0, 2, 4, 6, 6 };
    kt_span span[] = { { 0, 3, 0 }, { 1, 3, 1 }, { 0, 3, 0 }, { 1, 3, 1 }, { 0, 3, 0 }, { 8, 9, 1 } };
    kt_span_answers v = { 4, 3, 3, 2, item, source, none, span };
    kt_merged_spans m;
    kt_err e = { 0 };
    assert_int_equal(kt_spans_merge(&v, NULL, &a, &m, &e), 0);
    assert_true(m.start[3] == 0 && m.posterior[0] == 1 && isnan(m.posterior[1]) && m.posterior[2] == 1); /* nobody marked anything */
    v.start = some;
    assert_int_equal(kt_spans_merge(&v, NULL, &a, &m, &e), 0); /* one in the other: both stay */
    assert_int_equal(m.start[1], 2);
    assert_true(m.span[0].start == 0 && m.span[0].end == 3 && m.span[0].label == 0 && m.span[1].start == 1 && m.span[1].label == 1);
    span[2].end = 0;
    assert_int_equal(kt_spans_merge(&v, NULL, &a, &m, &e), KT_RANGE);
    span[2] = (kt_span){ 0, 3, 2 };
    assert_int_equal(kt_spans_merge(&v, NULL, &a, &m, &e), KT_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(spans_planted), cmocka_unit_test(exact_spans), cmocka_unit_test(spans_at_the_edges), cmocka_unit_test(intervals_cover), cmocka_unit_test(all_sequences) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
