/* The public API given what it must refuse, and what it must answer all the same: nothing here may end the process. */
#include "karat.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed;

#define CHECK(what)                                                 \
    do {                                                            \
        if (!(what)) {                                              \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #what);       \
            failed++;                                               \
        }                                                           \
    } while (0)

static const uint32_t item[] = { 0, 0, 1, 1, 2, 2 }, source[] = { 0, 1, 0, 1, 0, 1 };
static const int32_t label[] = { 0, 0, 1, 0, 1, 1 };
static const karat_votes votes = { 6, 3, 2, 2, item, source, label };

static void refused(karat_context *ctx)
{
    karat_agreement r = { 7, 7, 7, 0, { { 0, 0, 0 } } };
    karat_error e = { 0 };
    const char *bad[] = { "level=loud" }, *unknown[] = { "levle=ordinal" };
    karat_agree_options o = KARAT_OPTIONS_INIT(karat_agree_options);
    CHECK(karat_agree(ctx, "kapa", &votes, NULL, &r, &e) == KARAT_USAGE && strstr(e.what, "kapa") && e.hint[0]);
    CHECK(karat_agree(ctx, NULL, &votes, NULL, &r, &e) == KARAT_USAGE);
    o.set = bad;
    o.n_set = 1;
    CHECK(karat_agree(ctx, "krippendorff_alpha", &votes, &o, &r, &e) == KARAT_USAGE && strstr(e.what, "nominal"));
    o.set = unknown;
    CHECK(karat_agree(ctx, "krippendorff_alpha", &votes, &o, &r, &e) == KARAT_USAGE && strstr(e.hint, "level"));
    karat_votes v = votes;
    v.n_labels = 1;
    CHECK(karat_agree(ctx, "fleiss_kappa", &v, NULL, &r, &e) == KARAT_RANGE && r.value == 7);
    v = votes;
    v.item = NULL;
    CHECK(karat_agree(ctx, "fleiss_kappa", &v, NULL, &r, &e) == KARAT_RANGE);
    CHECK(karat_agree(ctx, "fleiss_kappa", NULL, NULL, &r, &e) == KARAT_RANGE);
    v = votes;
    v.n_items = UINT32_MAX; /* arrays of that size are no problem for a machine with room, and refused on others */
    v.n_labels = UINT32_MAX;
    karat_posterior *p = NULL;
    CHECK(karat_aggregate(ctx, "majority", &v, NULL, &p, &e) == KARAT_NOMEM && !p);
    CHECK(karat_aggregate(ctx, "", &votes, NULL, &p, NULL) == KARAT_USAGE);
    karat_matrix m = { item, (karat_type)99, 1, 1, 4, 4 };
    CHECK(karat_agree_matrix(ctx, "percent", &m, NULL, &r, &e) == KARAT_RANGE);
    m.type = KARAT_U32;
    m.n_rows = (size_t)1 << 60;
    CHECK(karat_agree_matrix(ctx, "percent", &m, NULL, &r, &e) == KARAT_NOMEM);
    double prob[4] = { 0.5, 0.5, 0.1, 0.2 };
    karat_label_probs d = { 2, 2, label, prob, KARAT_F64, 16 };
    uint8_t issue[2];
    CHECK(karat_label_issues(ctx, &d, NULL, issue, NULL, &e) == KARAT_RANGE && strstr(e.what, "item 1"));
    CHECK(karat_label_issues(ctx, &d, "all of them", issue, NULL, &e) == KARAT_USAGE);
    float feature[4] = { 1, 2, NAN, 0 };
    karat_outlier_options oo = KARAT_OPTIONS_INIT(karat_outlier_options);
    CHECK(karat_outliers(ctx, feature, 2, 2, NULL, prob, NULL, NULL, &e) == KARAT_RANGE && strstr(e.what, "item 1"));
    CHECK(karat_outliers(ctx, NULL, 2, 2, NULL, prob, NULL, NULL, &e) == KARAT_RANGE);
    CHECK(karat_outliers(ctx, feature, (size_t)1 << 62, 2, NULL, prob, NULL, NULL, &e) == KARAT_NOMEM);
    CHECK(karat_outliers(ctx, feature, (size_t)1 << 40, (size_t)1 << 40, NULL, prob, NULL, NULL, &e) == KARAT_NOMEM);
    oo.metric = "manhattan";
    CHECK(karat_outliers(ctx, feature, 1, 2, &oo, prob, NULL, NULL, &e) == KARAT_USAGE);
    oo.metric = "euclidean";
    oo.neighbours = 1000;
    CHECK(karat_outliers(ctx, feature, 1, 2, &oo, prob, NULL, NULL, &e) == KARAT_RANGE);
    d.row_stride = 8;
    CHECK(karat_label_issues(ctx, &d, NULL, issue, NULL, &e) == KARAT_RANGE);
    d.type = KARAT_I32;
    CHECK(karat_label_issues(ctx, &d, NULL, issue, NULL, &e) == KARAT_RANGE);
    size_t start[] = { 0, 9 };
    CHECK(karat_group_quality(prob, 4, start, 1, 0, prob, &e) == KARAT_RANGE);
    const char *tags[] = { "B-X", "nonsense" };
    size_t sentence[] = { 0, 2 };
    karat_span_scores *s = NULL;
    CHECK(karat_score_spans(tags, tags, sentence, 1, NULL, 0, &s, &e) == KARAT_PARSE && !s);
    CHECK(karat_score_spans(tags, tags, sentence, 1, "IOB9", 0, &s, &e) == KARAT_USAGE && !s);
    double box[4] = { 0, 0, NAN, 1 };
    CHECK(karat_box_iou(box, 1, box, 1, NULL, prob, &e) == KARAT_RANGE);
}

/* Empty, one source, one class, all abstain: undefined, not wrong. */
static void answered(karat_context *ctx)
{
    static const int32_t nothing[] = { -1, -1, -1, -1, -1, -1 }, same[] = { 0, 0, 0, 0, 0, 0 };
    static const uint32_t alone[] = { 0, 0, 0, 0, 0, 0 }, each[] = { 0, 1, 2, 3, 4, 5 };
    karat_votes cases[] = { { 0, 0, 0, 0, NULL, NULL, NULL }, { 6, 3, 2, 2, item, source, nothing }, { 6, 3, 2, 2, item, source, same },
                            { 6, 6, 1, 2, each, alone, label }, { 6, 3, 2, 0, item, source, nothing } };
    karat_error e = { 0 };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t m = 0; karat_agree_name(m); m++) {
            karat_agreement r = { 0 };
            CHECK(karat_agree(ctx, karat_agree_name(m), &cases[i], NULL, &r, &e) == KARAT_OK);
            int full = i == 2 && strcmp(karat_agree_name(m), "percent") == 0; /* everybody agrees; chance cannot be told */
            int corrected_by_size = i == 2 && (strcmp(karat_agree_name(m), "randolph_kappa") == 0 || strncmp(karat_agree_name(m), "gwet", 4) == 0);
            CHECK(full || corrected_by_size ? r.value == 1 : isnan(r.value));
        }
        for (size_t m = 0; karat_aggregate_name(m); m++) {
            karat_posterior *p = NULL;
            karat_rc rc = karat_aggregate(ctx, karat_aggregate_name(m), &cases[i], NULL, &p, &e);
            CHECK(rc == KARAT_OK || (e.what[0] && !p)); /* some want more than votes */
            karat_posterior_free(p);
        }
    }
    CHECK(!karat_agree_help("kapa") && karat_agree_help("percent") && karat_agree_formula("percent") && karat_version()[0]);
}

static double expected;

static void *work(void *ctx)
{
    for (int i = 0; i < 200; i++) {
        karat_agreement r = { 0 };
        CHECK(karat_agree(ctx, "krippendorff_alpha", &votes, NULL, &r, NULL) == KARAT_OK && r.value == expected);
    }
    return NULL;
}

/* One context from many threads, and from a child. */
static void shared(karat_context *ctx)
{
    pthread_t thread[4];
    karat_agreement r = { 0 };
    CHECK(karat_agree(NULL, "krippendorff_alpha", &votes, NULL, &r, NULL) == KARAT_OK);
    expected = r.value;
    for (int t = 0; t < 4; t++)
        pthread_create(&thread[t], NULL, work, ctx);
    for (int t = 0; t < 4; t++)
        pthread_join(thread[t], NULL);
    pid_t child = fork();
    if (child == 0) {
        work(ctx);
        karat_close(ctx);
        _exit(failed > 0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
}

static double far(const void *user, int32_t a, int32_t b)
{
    (void)user;
    return a != b;
}

/* Options of an older caller, whose struct was shorter; a distance of one's own. */
static void options(karat_context *ctx)
{
    karat_agree_options o = KARAT_OPTIONS_INIT(karat_agree_options);
    karat_agreement r = { 0 }, nominal = { 0 };
    o.distance = far;
    CHECK(karat_agree(ctx, "krippendorff_alpha", &votes, NULL, &nominal, NULL) == KARAT_OK);
    CHECK(karat_agree(NULL, "krippendorff_alpha", &votes, &o, &r, NULL) == KARAT_OK && fabs(r.value - nominal.value) < 1e-12);
    CHECK(karat_agree(NULL, "percent", &votes, &o, &r, NULL) == KARAT_USAGE);
    o.size = offsetof(karat_agree_options, value); /* distance lies beyond */
    CHECK(karat_agree(NULL, "percent", &votes, &o, &r, NULL) == KARAT_OK);
    o.size = sizeof(o);
    o.distance = NULL;
    o.n_bootstrap = 50;
    CHECK(karat_agree(ctx, "percent", &votes, &o, &r, NULL) == KARAT_OK && r.low <= r.value && r.value <= r.high);
}

/* Models given wrong offsets, shapes, labels and bytes. */
static void models_refuse(karat_context *ctx)
{
    const size_t start[] = { 0, 3, 6, 9, 12 }, falling[] = { 0, 5, 3, 9, 12 };
    const int32_t two[] = { 0, 1, 0, 1 };
    const float x[] = { 1, 0, 0, 1, 1, 0.1f, 0.1f, 1 };
    karat_model_data d = { .n = 4, .bytes = "red sea red sun", .start = start, .x = x, .d = 2, .n_labels = 2, .label = two };
    karat_model_options o = KARAT_OPTIONS_INIT(karat_model_options);
    const char *tree[] = { "task=tree" }, *multi[] = { "task=multi" }, *odd[] = { "k=-1" };
    karat_model *m = NULL;
    karat_error e = { 0 };
    float prob[8];
    CHECK(karat_model_fit(ctx, "liner", &d, NULL, &m, &e) == KARAT_USAGE && strstr(e.hint, "linear") && !m);
    CHECK(karat_model_fit(ctx, NULL, &d, NULL, &m, &e) == KARAT_USAGE);
    CHECK(karat_model_fit(ctx, "linear", NULL, NULL, &m, &e) == KARAT_RANGE);
    karat_model_data bad = d;
    bad.start = falling;
    CHECK(karat_model_fit(ctx, "linear", &bad, NULL, &m, &e) == KARAT_RANGE && strstr(e.what, "falls"));
    bad = d;
    bad.label = NULL;
    CHECK(karat_model_fit(ctx, "linear", &bad, NULL, &m, &e) == KARAT_RANGE);
    CHECK(karat_model_fit(ctx, "knn", &bad, NULL, &m, &e) == KARAT_RANGE);
    o.set = tree;
    o.n_set = 1;
    CHECK(karat_model_fit(ctx, "linear", &d, &o, &m, &e) == KARAT_RANGE && strstr(e.what, "parent"));
    o.set = multi;
    CHECK(karat_model_fit(ctx, "linear", &d, &o, &m, &e) == KARAT_RANGE && strstr(e.what, "has"));
    o.set = odd;
    CHECK(karat_model_fit(ctx, "knn", &d, &o, &m, &e) == KARAT_USAGE);
    bad = d;
    bad.d = 0;
    CHECK(karat_model_fit(ctx, "dense", &bad, NULL, &m, &e) == KARAT_RANGE);
    bad.d = (size_t)1 << 40;
    CHECK(karat_model_fit(ctx, "dense", &bad, NULL, &m, &e) == KARAT_RANGE);
    bad = d;
    bad.n_labels = 1;
    CHECK(karat_model_fit(ctx, "prototypes", &bad, NULL, &m, &e) == KARAT_RANGE && !m);
    CHECK(karat_model_fit(ctx, "crf", &d, NULL, &m, &e) == KARAT_RANGE && strstr(e.what, "token"));
    CHECK(karat_model_open("karatmdl", 8, &m, &e) == KARAT_PARSE && !m);
    CHECK(karat_model_fit(ctx, "linear", &d, NULL, &m, &e) == KARAT_OK && m);
    CHECK(karat_model_predict(ctx, m, &bad, prob, NULL, &e) == KARAT_OK && prob[0] + prob[1] > 0.999f);
    karat_reason why[2];
    karat_span *span;
    size_t n;
    CHECK(karat_model_explain(m, &d, 4, 0, 2, why, &n, &e) == KARAT_RANGE);
    CHECK(karat_model_explain(m, &d, 0, 2, 2, why, &n, &e) == KARAT_RANGE);
    CHECK(karat_model_explain(m, &d, 0, 1, 2, why, &n, &e) == KARAT_OK && n <= 2);
    CHECK(karat_model_spans(ctx, m, &d, &span, &n, &e) == KARAT_USAGE);
    void *bytes = NULL;
    CHECK(karat_model_bytes(m, NULL, &bytes, &n, &e) == KARAT_OK && bytes);
    karat_model *back = NULL;
    CHECK(karat_model_open(bytes, n - 1, &back, &e) == KARAT_CORRUPT && !back);
    CHECK(karat_model_open(bytes, n, &back, &e) == KARAT_OK && strcmp(karat_model_label(back, 1), "1") == 0 && !karat_model_label(back, 2));
    karat_free(bytes);
    karat_model_free(back);
    karat_model_free(m);
    karat_model_free(NULL);
    CHECK(karat_model_fit(ctx, "knn", &d, NULL, &m, &e) == KARAT_OK);
    bad = d;
    bad.d = 1;
    CHECK(karat_model_predict(ctx, m, &bad, prob, NULL, &e) == KARAT_RANGE && strstr(e.what, "columns"));
    karat_model_free(m);
}

/* Answers that are no labels: by hand, and what cannot be. */
static void answers(karat_context *ctx)
{
    uint32_t of[] = { 0, 0, 0 }, who[] = { 0, 1, 2 }, named[] = { 0, 1, 0 };
    size_t start[] = { 0, 2, 3, 3 }, answer[] = { 0, 1, 2 }, place[] = { 0, 2, 4, 6 }, n = 0, falling[] = { 0, 2, 1, 3 };
    int32_t what[] = { 0, 0, 0 };
    double value[] = { 1, 3, 8 }, at[] = { 0, 10, 0, 10, 2, 10 };
    const char *set[] = { "method=mean" };
    karat_merge_options o = KARAT_OPTIONS_INIT(karat_merge_options);
    karat_merged *m = NULL;
    o.set = set;
    o.n_set = 1;
    CHECK(karat_merge_numbers(of, who, value, 3, 1, 3, &o, &m, NULL) == KARAT_OK);
    const double *v = karat_merged_get(m, "value", &n);
    CHECK(v && n == 1 && fabs(v[0] - 4) < 1e-12 && !karat_merged_get(m, "colour", NULL) && !karat_merged_get(m, NULL, NULL));
    karat_merged_free(m);
    CHECK(karat_merge_numbers(of, who, value, 3, 1, 2, &o, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_numbers(of, who, NULL, 3, 1, 3, &o, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_numbers(of, who, value, (size_t)1 << 60, 1, 3, &o, &m, NULL) == KARAT_NOMEM);
    set[0] = "method=guess";
    CHECK(karat_merge_numbers(of, who, value, 3, 1, 3, &o, &m, NULL) == KARAT_USAGE);
    karat_label_sets sets = { 3, 1, 3, 2, of, who, start, named };
    CHECK(karat_merge_sets(ctx, &sets, "majority", &m, NULL) == KARAT_OK);
    v = karat_merged_get(m, "votes_for", &n);
    CHECK(v && n == 2 && v[0] == 2 && v[1] == 1);
    karat_merged_free(m);
    CHECK(karat_merge_sets(ctx, &sets, "crowdlab", &m, NULL) == KARAT_USAGE);
    CHECK(karat_merge_sets(ctx, NULL, NULL, &m, NULL) == KARAT_RANGE);
    sets.start = falling;
    CHECK(karat_merge_sets(ctx, &sets, NULL, &m, NULL) == KARAT_RANGE);
    sets = (karat_label_sets){ 3, UINT32_MAX, 3, UINT32_MAX, of, who, start, named };
    CHECK(karat_merge_sets(ctx, &sets, NULL, &m, NULL) == KARAT_NOMEM);
    karat_regions r = { 3, 1, 3, 1, of, who, 3, answer, what, place, at };
    CHECK(karat_merge_regions(ctx, "spans", &r, NULL, &m, NULL) == KARAT_OK);
    v = karat_merged_get(m, "there", &n);
    CHECK(v && n == 1 && v[0] > 0.9);
    karat_merged_free(m);
    CHECK(karat_merge_regions(ctx, "boxes", &r, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_regions(ctx, "polygons", &r, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_regions(ctx, "keypoints", &r, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_regions(ctx, "cubes", &r, NULL, &m, NULL) == KARAT_USAGE);
    CHECK(karat_merge_regions(ctx, NULL, &r, NULL, &m, NULL) == KARAT_USAGE);
    answer[1] = 7;
    CHECK(karat_merge_regions(ctx, "spans", &r, NULL, &m, NULL) == KARAT_RANGE);
    karat_merged_free(NULL);
}

/* A live consensus: wrong numbers and votes that are not there are refused, and the largest ids do not end the process. */
static void live(void)
{
    karat_error e = { 0 };
    karat_live *l = NULL;
    karat_live_options o = KARAT_OPTIONS_INIT(karat_live_options);
    CHECK(karat_live_open(0, NULL, &l, &e) == KARAT_RANGE && karat_live_open(1 << 30, NULL, &l, &e) == KARAT_LIMIT && !l);
    o.right = NAN;
    CHECK(karat_live_open(2, &o, &l, &e) == KARAT_RANGE && !l);
    CHECK(karat_live_open(2, NULL, &l, &e) == KARAT_OK && l);
    CHECK(karat_live_add(l, 0, 0, 2, &e) == KARAT_RANGE && karat_live_add(l, 0, 0, -1, &e) == KARAT_RANGE);
    CHECK(karat_live_add(l, UINT32_MAX, UINT32_MAX, 0, &e) == KARAT_NOMEM);
    CHECK(karat_live_withdraw(l, 7, 7, &e) == KARAT_RANGE && strstr(e.what, "no vote"));
    double p[3] = { 0 };
    CHECK(karat_live_posterior(l, 9, p) == 0 && p[0] == 0.5 && p[1] == 0.5);
    CHECK(karat_live_add_votes(l, &votes, &e) == KARAT_OK && karat_live_posterior(l, 0, p) == 2 && p[0] > 0.5);
    karat_votes v = votes;
    int32_t wrong[] = { 0, 0, 1, 0, 1, 5 };
    v.label = wrong;
    CHECK(karat_live_add_votes(l, &v, &e) == KARAT_RANGE && karat_live_posterior(l, 0, p) == 2 && karat_live_add_votes(l, NULL, &e) == KARAT_RANGE);
    CHECK(karat_live_grow(l, 3, &e) == KARAT_OK && karat_live_grow(l, 1 << 30, &e) == KARAT_LIMIT);
    CHECK(karat_live_posterior(l, 0, p) == 2 && p[0] + p[1] + p[2] > 1 - 1e-9 && karat_live_settle(l, 10, 1e-9) > 0);
    uint32_t who[] = { 1, UINT32_MAX }, whom = 5;
    double gain, price[] = { 0, -1 };
    int verdict = 7;
    karat_live_question q = KARAT_OPTIONS_INIT(karat_live_question);
    CHECK(karat_live_next(l, 0, &q, &verdict, &whom, &gain, &e) == KARAT_RANGE && verdict == 7);
    q.target = 1;
    q.worth = 1;
    q.n_sources = 2;
    CHECK(karat_live_next(l, 0, &q, &verdict, &whom, &gain, &e) == KARAT_RANGE);
    q.source = who;
    CHECK(karat_live_next(l, UINT32_MAX, &q, &verdict, &whom, &gain, &e) == KARAT_OK && verdict == KARAT_LIVE_ASK && gain > 0);
    q.price = price;
    CHECK(karat_live_next(l, 0, &q, &verdict, &whom, &gain, &e) == KARAT_RANGE && strstr(e.what, "price 1"));
    karat_live_close(l);
    karat_live_close(NULL);
}

/* Texts, masks and rankings of several sources. */
static void many(void)
{
    uint32_t of[] = { 0, 0, 1 }, who[] = { 0, 1, 1 }, beyond[] = { 0, 5, 1 }, thing[] = { 0, 1, 1, 0, 0, 1 };
    const char *text[] = { "a b", "a c", "x" }, *odd[] = { "a", NULL, "x" }, *cut[] = { "a", "\xff", "x" };
    uint8_t mask[] = { 1, 0, 1, 1, 0, 0 }, two[] = { 1, 2, 0, 0, 0, 0 };
    size_t start[] = { 0, 2, 4, 6 }, falling[] = { 0, 4, 2, 6 }, n = 0;
    karat_merged *m = NULL;
    CHECK(karat_merge_answer_texts(of, who, text, 3, 3, 2, NULL, &m, NULL) == KARAT_OK && strcmp(karat_merged_text(m, 1), "x") == 0);
    CHECK(karat_merged_text(m, 0) && !karat_merged_text(m, 2) && !karat_merged_text(m, 3) && karat_merged_get(m, "source_ci", &n) && n == 4);
    CHECK(karat_merged_get(m, "start", &n) && n == 4 && karat_merged_get(m, "word_share", &n) && n == 3 && isnan(karat_merged_get(m, "agreement", NULL)[2]));
    karat_merged_free(m);
    CHECK(karat_merge_answer_texts(of, who, text, 3, 2, 2, "best", &m, NULL) == KARAT_USAGE);
    CHECK(karat_merge_answer_texts(of, beyond, text, 3, 2, 2, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_answer_texts(of, who, odd, 3, 2, 2, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_answer_texts(of, who, cut, 3, 2, 2, NULL, &m, NULL) == KARAT_PARSE);
    CHECK(karat_merge_answer_texts(NULL, NULL, NULL, 0, 0, 0, NULL, &m, NULL) == KARAT_OK);
    karat_merged_free(m);
    CHECK(karat_merge_answer_masks(of, who, mask, 3, 2, 2, 2, 0, &m, NULL) == KARAT_OK && karat_merged_get(m, "mask", &n) && n == 4);
    karat_merged_free(m);
    CHECK(karat_merge_answer_masks(of, who, two, 3, 2, 2, 2, 0, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_answer_masks(of, who, mask, 3, 2, 2, 2, -1, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_answer_masks(of, who, mask, 3, SIZE_MAX / 8, 2, 2, 0, &m, NULL) == KARAT_NOMEM);
    CHECK(karat_merge_rankings(start, thing, who, 3, 2, 2, NULL, &m, NULL) == KARAT_OK && karat_merged_get(m, "strength", &n) && n == 2);
    const double *share = karat_merged_get(m, "source_accuracy", &n);
    CHECK(share && n == 2 && share[0] == 1 && share[1] == 0.5);
    karat_merged_free(m);
    CHECK(karat_merge_rankings(falling, thing, who, 3, 2, 2, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_rankings(start, thing, beyond, 3, 2, 2, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_rankings(start, thing, NULL, 3, 2, 2, NULL, &m, NULL) == KARAT_RANGE);
}

/* 149 right answers prove 2 % at 95 %, 148 do not; what cannot be is refused. */
static void routing(karat_context *ctx)
{
    float score[150], calibrated[2];
    uint8_t right[150];
    uint32_t part[150] = { 0 };
    double budget[] = { 0.02, 0.02 }, low, high, p[150];
    const char *used;
    karat_approval r[2];
    karat_error e = { 0 };
    for (int i = 0; i < 150; i++) {
        score[i] = 0.9f;
        right[i] = 1;
    }
    karat_scores d = { 150, score, 149, score, right };
    CHECK(karat_threshold(&d, NULL, NULL, budget, 1, 0.95, r, &e) == KARAT_OK && r[0].found && r[0].n_approved == 150 && r[0].upper <= 0.02);
    d.n_trusted = 148;
    CHECK(karat_threshold(&d, NULL, NULL, budget, 1, 0.95, r, &e) == KARAT_OK && !r[0].found && isnan(r[0].score) && r[0].n_more == 1);
    part[149] = 1;
    CHECK(karat_threshold(&d, part, part, budget, 2, 0.95, r, &e) == KARAT_OK && r[1].n_items == 1 && !r[1].found && r[1].confidence == 1);
    part[149] = 2;
    CHECK(karat_threshold(&d, part, part, budget, 2, 0.95, r, &e) == KARAT_RANGE && strstr(e.what, "149"));
    CHECK(karat_threshold(&d, NULL, part, budget, 2, 0.95, r, &e) == KARAT_RANGE && strstr(e.what, "part"));
    CHECK(karat_threshold(NULL, NULL, NULL, budget, 1, 0.95, r, &e) == KARAT_RANGE);
    CHECK(karat_threshold(&d, NULL, NULL, budget, 1, 1, r, &e) == KARAT_RANGE);
    budget[0] = 0;
    CHECK(karat_threshold(&d, NULL, NULL, budget, 1, 0.95, r, &e) == KARAT_RANGE && strstr(e.what, "budget"));
    CHECK(karat_conformal_select(&d, 0.02, r, p, &e) == KARAT_OK && r[0].n_approved == 150 && fabs(p[3] - 1 / 149.0) < 1e-12 && isnan(r[0].confidence));
    CHECK(karat_conformal_select(&d, 0.001, r, NULL, &e) == KARAT_OK && !r[0].found);
    double weight[] = { 1, 9 };
    d.n_trusted = 2;
    CHECK(karat_threshold_weighted(&d, weight, 8, 0.1, 0.95, r, &e) == KARAT_RANGE && strstr(e.what, "weight"));
    CHECK(karat_threshold_weighted(&d, weight, 9, 0.1, 0.95, r, &e) == KARAT_OK && !r[0].found);
    right[0] = 0;
    CHECK(karat_confidence_sequence(right, 1, 1, 0.95, &low, &high, &e) == KARAT_OK && low == 0 && high == 0);
    CHECK(karat_confidence_sequence(right, 2, 1, 0.95, &low, &high, &e) == KARAT_RANGE);
    CHECK(karat_confidence_sequence(right, 0, 0, 0.95, NULL, NULL, &e) == KARAT_OK);
    CHECK(karat_calibrate(ctx, score, right, 150, "guess", 0, score, 2, calibrated, NULL, &e) == KARAT_USAGE && strstr(e.what, "isotonic"));
    CHECK(karat_calibrate(ctx, score, right, 150, NULL, 0, score, 2, calibrated, &used, &e) == KARAT_OK && used && calibrated[0] > 0.9f);
    score[1] = 2;
    CHECK(karat_calibrate(ctx, score, right, 150, "none", 0, score, 2, calibrated, NULL, &e) == KARAT_RANGE);
    d.score = score + 1;
    score[1] = NAN;
    CHECK(karat_conformal_select(&d, 0.02, r, NULL, &e) == KARAT_RANGE);
}

/* Trees and tagged sequences. */
static void shapes(karat_context *ctx)
{
    int32_t parent[] = { -1, -1 }, circle[] = { 1, 0 }, tag[] = { 1, 2, 0, 1, 2, 0 };
    uint32_t of[] = { 0, 0 }, who[] = { 0, 1 };
    size_t length[] = { 3 }, at[] = { 0, 3 }, n = 0;
    karat_votes v = { 2, 1, 2, 2, of, who, (int32_t[]){ 0, 0 } };
    karat_merged *m = NULL;
    CHECK(karat_merge_taxonomy(ctx, &v, parent, NULL, &m, NULL) == KARAT_OK);
    const double *x = karat_merged_get(m, "label", &n);
    CHECK(x && n == 1 && x[0] == 0);
    karat_merged_free(m);
    CHECK(karat_merge_taxonomy(ctx, &v, circle, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_taxonomy(ctx, &v, NULL, NULL, &m, NULL) == KARAT_RANGE);
    CHECK(karat_merge_taxonomy(ctx, NULL, parent, NULL, &m, NULL) == KARAT_RANGE);
    karat_sequences s = { 1, 2, 1, length, 2, of, who, at, tag, 6 };
    CHECK(karat_merge_sequences(ctx, &s, NULL, &m, NULL) == KARAT_OK);
    x = karat_merged_get(m, "tag", &n);
    CHECK(x && n == 3 && x[0] == 1 && x[1] == 2 && x[2] == 0);
    karat_merged_free(m);
    at[1] = 4;
    CHECK(karat_merge_sequences(ctx, &s, NULL, &m, NULL) == KARAT_RANGE);
    at[1] = 3;
    tag[0] = 3;
    CHECK(karat_merge_sequences(ctx, &s, NULL, &m, NULL) == KARAT_RANGE);
    length[0] = SIZE_MAX / 2;
    CHECK(karat_merge_sequences(ctx, &s, NULL, &m, NULL) == KARAT_NOMEM);
    CHECK(karat_merge_sequences(ctx, NULL, NULL, &m, NULL) == KARAT_RANGE);
}

int main(void)
{
    karat_context *ctx = karat_open(3);
    routing(ctx);
    refused(ctx);
    models_refuse(ctx);
    refused(NULL);
    answered(ctx);
    shared(ctx);
    options(ctx);
    answers(ctx);
    answers(NULL);
    live();
    many();
    shapes(ctx);
    shapes(NULL);
    karat_close(ctx);
    karat_close(NULL);
    karat_posterior_free(NULL);
    karat_span_scores_free(NULL);
    karat_free(NULL);
    printf(failed ? "%d checks failed\n" : "all is refused or answered\n", failed);
    return failed > 0;
}
