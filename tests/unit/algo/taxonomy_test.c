/* Labels that are nodes of a tree. Checked against a posterior worked out by hand, the sum over all leaves of a small tree, and planted
   truth: leaves found, posteriors that are right as often as they say, intervals that hold the planted accuracies. */
#include "algo/merge/taxonomy.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kt_test.h"

enum { WIDE = 4, NODES = WIDE + WIDE * WIDE + WIDE * WIDE * WIDE, LEAVES = WIDE * WIDE * WIDE };

static void make_tree(int32_t *parent)
{
    for (int x = 0; x < NODES; x++)
        parent[x] = x < WIDE ? -1 : (x - WIDE) / WIDE;
}

typedef struct crowd {
    kt_votes v;
    uint32_t *item, *source;
    int32_t *label, *truth;
    double *accuracy; /* sources × 3 */
} crowd;

/* Votes by the model: right on each level with the source's accuracy; a wrong child is the next one three times of four. */
static crowd draw(uint32_t n_items, uint32_t n_sources, uint32_t per, uint64_t seed)
{
    crowd c = { { 0 }, kt_alloc_array(n_items * per, 4), kt_alloc_array(n_items * per, 4), kt_alloc_array(n_items * per, 4), kt_alloc_array(n_items, 4),
                kt_alloc_array(n_sources * 3, 8) };
    kt_rng r = kt_rng_keyed(seed, 3, 3);
    uint64_t *who = kt_alloc_array(per, sizeof(*who));
    for (uint32_t s = 0; s < n_sources; s++)
        for (int d = 0; d < 3; d++)
            c.accuracy[s * 3 + d] = 0.95 - 0.1 * d - 0.3 * kt_rng_unit(&r);
    for (uint32_t i = 0; i < n_items; i++) {
        c.truth[i] = (int32_t)(WIDE + WIDE * WIDE + kt_rng_below(&r, LEAVES));
        kt_rng_sample(&r, n_sources, per, who);
        int32_t way[3] = { (c.truth[i] - WIDE) / WIDE, 0, c.truth[i] };
        way[1] = way[0];
        way[0] = (way[1] - WIDE) / WIDE;
        for (uint32_t x = 0; x < per; x++) {
            int32_t at = -1;
            bool on = true;
            uint32_t deep = 1 + (uint32_t)kt_rng_below(&r, 3);
            deep = kt_rng_unit(&r) < 0.4 ? 3 : deep;
            for (uint32_t d = 0; d < deep; d++) {
                int32_t first = at < 0 ? 0 : WIDE + WIDE * at, right = on ? way[d] - first : -1;
                int32_t said = (int32_t)kt_rng_below(&r, WIDE);
                if (on && kt_rng_unit(&r) < c.accuracy[who[x] * 3 + d])
                    said = right;
                else if (on)
                    said = kt_rng_unit(&r) < 0.75 ? (right + 1) % WIDE : (right + 2 + (int32_t)kt_rng_below(&r, 2)) % WIDE;
                on = on && said == right;
                at = first + said;
            }
            c.item[i * per + x] = i;
            c.source[i * per + x] = (uint32_t)who[x];
            c.label[i * per + x] = at;
        }
    }
    kt_free(who);
    c.v = (kt_votes){ (size_t)n_items * per, n_items, n_sources, NODES, c.item, c.source, c.label };
    return c;
}

static void drop(crowd *c)
{
    kt_free(c->item);
    kt_free(c->source);
    kt_free(c->label);
    kt_free(c->truth);
    kt_free(c->accuracy);
}

static bool at_or_below(const int32_t *parent, int32_t x, int32_t node)
{
    while (x >= 0 && x != node)
        x = parent[x];
    return x == node;
}

/* Leaves against the majority of those who named a leaf, ties and silence to the first; the answer's posterior against how often it
   holds. */
static void trees_planted(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    enum { N = 2000, S = 20, PER = 5 };
    int32_t parent[NODES];
    make_tree(parent);
    crowd c = draw(N, S, PER, 1);
    kt_taxonomy_merge r, again;
    kt_pool *pool = kt_pool_new(3);
    assert_int_equal(kt_taxonomy_fit(&c.v, parent, NULL, NULL, &a, &r, NULL), 0);
    assert_int_equal(kt_taxonomy_fit(&c.v, parent, NULL, pool, &a, &again, NULL), 0);
    kt_pool_free(pool);
    assert_memory_equal(r.node_prob, again.node_prob, r.start[N] * sizeof(double));
    int32_t turned[NODES], *other = kt_alloc_array(c.v.n, 4); /* node numbers mean nothing */
    for (int x = 0; x < NODES; x++)
        turned[(x * 37 + 5) % NODES] = parent[x] < 0 ? -1 : (parent[x] * 37 + 5) % NODES;
    for (size_t q = 0; q < c.v.n; q++)
        other[q] = (c.label[q] * 37 + 5) % NODES;
    kt_votes named = { c.v.n, N, S, NODES, c.item, c.source, other };
    assert_int_equal(kt_taxonomy_fit(&named, turned, NULL, NULL, &a, &again, NULL), 0);
    for (uint32_t i = 0; i < N; i++)
        assert_true(r.label[i] < 0 ? again.label[i] < 0 : again.label[i] == (r.label[i] * 37 + 5) % NODES && fabs(again.prob[i] - r.prob[i]) < 1e-6);
    kt_free(other);
    double leaves = 0, plain = 0, holds = 0, claimed = 0, deep = 0, answered = 0;
    for (uint32_t i = 0; i < N; i++) {
        int32_t most = -1, votes = 0;
        for (int x = 0; x < PER; x++) {
            int32_t l = c.label[i * PER + x], n = 0;
            for (int y = 0; y < PER; y++)
                n += l >= NODES - LEAVES && c.label[i * PER + y] == l;
            if (n > votes) {
                votes = n;
                most = l;
            }
        }
        plain += most == c.truth[i];
        leaves += r.deepest[i] == c.truth[i];
        assert_true(r.n_votes[i] == PER && r.n_for[i] + r.n_above[i] <= PER);
        if (r.label[i] < 0)
            continue;
        answered++;
        assert_true(r.prob[i] >= 0.8 && r.n_for[i] > 0);
        holds += at_or_below(parent, c.truth[i], r.label[i]);
        claimed += r.prob[i];
        deep += r.label[i] >= NODES - LEAVES;
    }
    print_message("leaves right %.4f, majority of leaves %.4f; of %g answers %.4f hold, %.4f claimed, %.3f are leaves\n", leaves / N, plain / N, answered,
                  holds / answered, claimed / answered, deep / answered);
    assert_true(leaves > plain + 0.1 * N && fabs(holds - claimed) < 0.03 * answered && answered > 0.9 * N);
    drop(&c);
}

/* Over many crowds, 95 % intervals of what a source is worth on a level hold the planted accuracy. */
static void intervals_cover(void **state)
{
    (void)state;
    int in = 0, all = 0, in_all = 0, sources = 0;
    int32_t parent[NODES];
    make_tree(parent);
    for (uint64_t seed = 0; seed < 20; seed++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        crowd c = draw(800, 20, 5, seed);
        kt_taxonomy_merge r;
        assert_int_equal(kt_taxonomy_fit(&c.v, parent, NULL, NULL, &a, &r, NULL), 0);
        double right[20] = { 0 }, said[20] = { 0 };
        for (size_t q = 0; q < c.v.n; q++) {
            said[c.source[q]]++;
            right[c.source[q]] += at_or_below(parent, c.truth[c.item[q]], c.label[q]);
        }
        for (int s = 0; s < 20; s++) {
            for (int d = 0; d < 3; d++, all++)
                in += r.level_ci[2 * (s * 3 + d)] <= c.accuracy[s * 3 + d] && c.accuracy[s * 3 + d] <= r.level_ci[2 * (s * 3 + d) + 1];
            sources++;
            in_all += r.source_ci[2 * s] <= right[s] / said[s] && right[s] / said[s] <= r.source_ci[2 * s + 1];
        }
        drop(&c);
    }
    print_message("%.3f of %d level intervals hold the planted accuracy; %.3f of the sources' hold their own share\n", (double)in / all, all, (double)in_all / sources);
    assert_true(in >= 0.93 * all && in <= 0.97 * all && in_all >= 0.92 * sources);
}

/* Two votes on one item, the accuracy fixed by so many pseudo-votes that nothing moves it. Tree: 0 (2, 3), 1. */
static void by_hand(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    int32_t parent[] = { -1, -1, 0, 0 }, label[] = { 0, 2, 1 };
    uint32_t item[] = { 0, 0, 1 }, source[] = { 0, 1, 0 };
    kt_votes v = { 2, 1, 2, 4, item, source, label };
    kt_taxonomy_opts o = KT_TAXONOMY_OPTS_INIT;
    kt_taxonomy_merge r;
    o.n_iter = 1; /* accuracies and shares after one round are not those of the start; so compare them as they are */
    assert_int_equal(kt_taxonomy_fit(&v, parent, &o, NULL, &a, &r, NULL), 0);
    assert_int_equal(r.start[1], 2);
    assert_int_equal(r.node[0], 0);
    assert_int_equal(r.node[1], 2);
    /* round 1, all accuracies 0.7, shares even: the leaves are 1, 2, 3 with prior 1/2, 1/4, 1/4.
       P(votes | 2) = .7 · .7 · .7, P(votes | 3) = .7 · .7 · .3, P(votes | 1) = .3 · .3 · 1/2 */
    double two = 0.25 * 0.343, three = 0.25 * 0.147, one = 0.5 * 0.045, all = one + two + three;
    double p0 = (two + three) / all, p2 = two / all;
    double share0 = (p0 + 5) / 11, share2 = (p2 + 5) / (p0 + 10);
    double w = 1 / (1 + 4 + 1e-9), v0 = 1 / (p0 + 4 + 1e-9); /* what a source with a vote, with p0 of one, counts */
    double mean0 = (1.4 + 2 * w * p0) / (2 + 2 * w), mean1 = (1.4 + v0 * p2) / (2 + v0 * p0);
    double a0 = (p0 + 4 * mean0) / 5, a1 = (p2 + 4 * mean1) / (p0 + 4);
    two = share0 * share2 * a0 * a0 * a1;
    three = share0 * (1 - share2) * a0 * a0 * (1 - a1);
    one = (1 - share0) * (1 - a0) * (1 - a0) / 2;
    all = one + two + three;
    kt_assert_close(r.node_prob[0], (two + three) / all, 1e-9);
    kt_assert_close(r.node_prob[1], two / all, 1e-9);
    assert_true(r.n_for[0] == (r.label[0] == 2 ? 1 : 2));
    label[0] = 4;
    assert_int_equal(kt_taxonomy_fit(&v, parent, NULL, NULL, &a, &r, NULL), KT_RANGE);
    label[0] = 0;
    parent[0] = 2;
    assert_int_equal(kt_taxonomy_fit(&v, parent, NULL, NULL, &a, &r, NULL), KT_RANGE);
    parent[0] = 9;
    assert_int_equal(kt_taxonomy_fit(&v, parent, NULL, NULL, &a, &r, NULL), KT_RANGE);
    kt_votes none = { 0, 2, 1, 0, NULL, NULL, NULL };
    assert_int_equal(kt_taxonomy_fit(&none, NULL, NULL, NULL, &a, &r, NULL), 0);
    assert_true(r.label[1] == -1 && isnan(r.prob[0]) && isnan(r.source_accuracy[0]));
    parent[0] = -1;
    label[0] = label[1] = KT_ABSTAIN;
    assert_int_equal(kt_taxonomy_fit(&v, parent, NULL, NULL, &a, &r, NULL), 0);
    assert_true(r.label[0] == -1 && r.deepest[0] == -1 && isnan(r.source_ci[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(trees_planted), cmocka_unit_test(intervals_cover), cmocka_unit_test(by_hand) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
