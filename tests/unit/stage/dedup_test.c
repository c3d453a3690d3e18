/* Dedup over a store against kt_near_clusters over the same texts in memory, with room for all candidates at once and for a
   handful at a time, with one thread and with several. */
#include "stage/dedup.c"

#include "base/rng.h"
#include "kt_test.h"
#include "stage/ingest.h"

#include <stdlib.h>

enum { N = 3000, WORDS = 30, LEN = 400 };

struct world {
    char dir[64];
    kt_store *s;
    kt_arena a;
    kt_project p;
    char (*buf)[LEN];
    kt_str text[N];
    uint32_t want[N];
};

static void ok(kt_rc rc, const kt_err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", kt_rc_name(rc), err->what);
}

/* Every third text repeats one before with one or two words changed, every fortieth is one of four texts over and over. */
static void write_texts(struct world *w)
{
    kt_rng r = kt_rng_keyed(11, 0, 0);
    uint32_t(*word)[WORDS] = kt_alloc_array(N, sizeof(*word));
    for (int i = 0; i < N; i++) {
        const uint32_t *from = i % 40 == 39 ? word[kt_rng_below(&r, 4)] : i > 3 && i % 3 == 2 ? word[kt_rng_below(&r, (uint64_t)i)] : NULL;
        for (int k = 0; k < WORDS; k++)
            word[i][k] = from ? from[k] : (uint32_t)kt_rng_below(&r, 5000);
        for (uint64_t k = 0; from && k < 1 + kt_rng_below(&r, 2); k++)
            word[i][kt_rng_below(&r, WORDS)] = (uint32_t)kt_rng_below(&r, 5000);
        size_t n = 0;
        for (int k = 0; k < WORDS; k++)
            n += (size_t)snprintf(w->buf[i] + n, LEN - n, "w%u ", word[i][k]);
        w->text[i] = (kt_str){ w->buf[i], n - 1 };
    }
    kt_free(word);
}

static int setup(void **state)
{
    static kt_str labels[] = { { "a", 1 }, { "b", 1 } };
    struct world *w = kt_zalloc(sizeof(*w));
    kt_err err = { 0 };
    snprintf(w->dir, sizeof(w->dir), "/tmp/karat-dedup-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->buf = kt_alloc_array(N, sizeof(*w->buf));
    write_texts(w);
    KT_AUTO(kt_buf) lines = KT_BUF_INIT((size_t)16 << 20);
    for (int i = 0; i < N; i++) {
        kt_buf_str(&lines, w->text[i]);
        kt_buf_char(&lines, '\n');
    }
    char path[100];
    snprintf(path, sizeof(path), "%s/in.txt", w->dir);
    ok(kt_file_write(path, KT_BUF_STR(&lines), &err), &err);
    ok(kt_store_create(w->dir, &err), &err);
    ok(kt_store_open(w->dir, KT_STORE_WRITE, &w->s, &err), &err);
    ok(kt_store_begin(w->s, &err), &err);
    w->p = (kt_project){ .name = KT_S("t"), .label = labels, .n_labels = 2 };
    ok(kt_project_put(w->s, &w->p, &w->p.id, &err), &err);
    ok(kt_store_commit(w->s, &err), &err);
    const kt_source_config src = { .path = path, .format = KT_S("lines") };
    kt_ingested done = { 0 };
    ok(kt_ingest(w->s, &w->p, &src, NULL, NULL, &done, &err), &err);
    assert_int_equal(w->p.n_items, N);
    kt_near_options o = KT_NEAR_OPTIONS_INIT;
    o.threshold = 0.7;
    ok(kt_near_clusters(w->text, N, &o, NULL, w->want, &err), &err);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char cmd[100];
    kt_store_close(w->s);
    kt_arena_done(&w->a);
    kt_free(w->buf);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", w->dir);
    int rc = system(cmd);
    kt_free(w);
    return rc;
}

static void clusters_are(struct world *w, size_t max_items, int threads)
{
    uint32_t got[N], exact[N];
    kt_err err = { 0 };
    kt_pool *pool = kt_pool_new(threads);
    for (uint32_t i = 0; i < N; i++)
        exact[i] = i;
    struct near x = { .o = KT_NEAR_OPTIONS_INIT, .n = N, .exact = exact, .parent = got, .pool = pool, .fd = -1, .err = &err };
    x.o.threshold = 0.7;
    ok(hash_all(w->s, &w->p, &x), &err);
    assert_true(x.max_items > N);
    if (max_items)
        x.max_items = max_items;
    ok(find_near(&x), &err);
    near_done(&x);
    kt_pool_free(pool);
    assert_memory_equal(got, w->want, sizeof(got));
}

static void same_clusters_however_cut(void **state)
{
    struct world *w = *state;
    int joined = 0;
    for (uint32_t i = 0; i < N; i++)
        joined += w->want[i] != i;
    assert_true(joined > N / 5);
    clusters_are(w, 0, 1);
    clusters_are(w, 0, 7);
    clusters_are(w, 5, 3);
    clusters_are(w, 100, 2);
}

static void leaves_no_file(void **state)
{
    struct world *w = *state;
    kt_err err = { 0 };
    const kt_config c = { .near_on = true, .near_threshold = 0.7 };
    char path[100];
    uint32_t got[N];
    ok(kt_dedup_run(w->s, &w->p, &c, NULL, NULL, KT_S("key"), &err), &err);
    snprintf(path, sizeof(path), "%s/near.tmp", w->dir);
    assert_false(kt_file_exists(path));
    kt_column_part part = { KT_S("cluster"), 0, N, 4 };
    ok(kt_column_get(w->s, w->p.id, &part, 0, got, &err), &err);
    assert_memory_equal(got, w->want, sizeof(got));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(same_clusters_however_cut), cmocka_unit_test(leaves_no_file) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
