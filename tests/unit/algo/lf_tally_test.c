/* The figures of labeling functions against a table small enough to count by hand, and phi against its definition on planted votes. */
#include "kt_test.h"

#include "algo/denoise/lf_tally.h"
#include "base/rng.h"

static void by_hand(void **state)
{
    (void)state;
    enum { A = KT_ABSTAIN };
    static const struct { int16_t vote[3]; int gold; } rows[] = {
        { { 0, 0, A }, 0 }, { { 0, 1, A }, 1 }, { { A, A, A }, 0 }, { { 1, A, 0 }, -1 }, { { 0, A, A }, 0 }, { { 0, 0, 1 }, 1 },
    };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_lf_tally t;
    kt_lf_tally_init(&t, 3, 2, &a);
    for (size_t i = 0; i < KT_LEN(rows); i++)
        kt_lf_tally_add(&t, rows[i].vote, rows[i].gold);
    assert_int_equal(t.n, 6);
    assert_int_equal(t.n_covered, 5);
    assert_int_equal(t.n_conflicted, 3);
    assert_int_equal(t.n_gold, 5);
    static const uint64_t votes[] = { 5, 3, 2 }, overlaps[] = { 4, 3, 2 }, conflicts[] = { 3, 2, 2 };
    for (int j = 0; j < 3; j++) {
        assert_int_equal(t.votes[j], votes[j]);
        assert_int_equal(t.overlaps[j], overlaps[j]);
        assert_int_equal(t.conflicts[j], conflicts[j]);
    }
    assert_int_equal(t.by_label[0], 4); /* function 0: four times label 0, once label 1 … */
    assert_int_equal(t.by_label[1], 1);
    assert_int_equal(t.gold_by_label[0], 4); /* … all four on gold, two of them right */
    assert_int_equal(t.right[0], 2);
    assert_int_equal(t.gold[0], 3);
    assert_int_equal(t.both[0 * 3 + 1], 3);
    assert_int_equal(t.agree[0 * 3 + 1], 2);
    assert_int_equal(t.both[0 * 3 + 2], 2);
    assert_int_equal(t.agree[0 * 3 + 2], 0);
    kt_assert_close(kt_lf_tally_lift(&t, 0, 0), 0.5 / (3.0 / 5), 1e-12);
    assert_true(isnan(kt_lf_tally_lift(&t, 0, 1)));
}

/* Function 1 repeats half of function 0's votes, function 2 is independent: phi is what the formula for the planted rates gives. */
static void correlation(void **state)
{
    (void)state;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_lf_tally t;
    kt_rng g = kt_rng_keyed(4, 0, 0);
    kt_lf_tally_init(&t, 4, 2, &a);
    for (int i = 0; i < 200000; i++) {
        int16_t first = kt_rng_unit(&g) < 0.2 ? 0 : KT_ABSTAIN;
        int16_t vote[] = { first, kt_rng_unit(&g) < 0.5 ? first : KT_ABSTAIN, kt_rng_unit(&g) < 0.3 ? 1 : KT_ABSTAIN, 0 };
        kt_lf_tally_add(&t, vote, -1);
    }
    double want = (0.1 - 0.2 * 0.1) / sqrt(0.2 * 0.8 * 0.1 * 0.9);
    kt_assert_close(kt_lf_tally_phi(&t, 0, 1), want, 0.01);
    kt_assert_close(kt_lf_tally_phi(&t, 1, 0), kt_lf_tally_phi(&t, 0, 1), 0);
    kt_assert_close(kt_lf_tally_phi(&t, 0, 2), 0, 0.01);
    assert_true(isnan(kt_lf_tally_phi(&t, 0, 3))); /* it always votes */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(by_hand), cmocka_unit_test(correlation) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
