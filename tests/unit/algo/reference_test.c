/* The stored answers of other implementations (shared reference/, one JSON a case, tolerances in the case) through the C
   functions themselves. Skipped where the folder is absent. */
#include "algo/merge/aggregate.h"
#include "algo/merge/crowdlab.h"
#include "algo/denoise/denoise.h"
#include "algo/mask.h"
#include "algo/merge/rank.h"
#include "algo/merge/rover.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kt_test.h"

#include <dirent.h>
#include <stdlib.h>

/* ---- reading a case ---- */

static kt_arena arena;

/* The value of a field, "input.hyper.lr"; p NULL: there is none. */
static kt_str at(kt_str object, const char *path)
{
    kt_str rest = kt_str_of(path), name;
    while (kt_str_cut(&rest, '.', &name)) {
        kt_json j = { .s = object };
        bool first = true, found = false;
        kt_str field, value;
        if (kt_json_peek(&j) != KT_JSON_OBJECT || !kt_json_enter(&j, '{'))
            return (kt_str){ NULL, 0 };
        while (!found && kt_json_field(&j, &first, &arena, &field) && kt_json_skip(&j, &value))
            if ((found = kt_str_eq(field, name)))
                object = value;
        if (!found)
            return (kt_str){ NULL, 0 };
    }
    return object;
}

/* All numbers of nested arrays in their order, null as NaN. */
static double *numbers(kt_str text, size_t *ret_n)
{
    size_t n = 0;
    double *ret = kt_arena_array(&arena, text.n + 1, sizeof(*ret));
    for (size_t i = 0; i < text.n;) {
        char c = text.p[i];
        if (c == '-' || (c >= '0' && c <= '9')) {
            kt_json j = { .s = { text.p + i, text.n - i } };
            assert_true(kt_json_number(&j, &ret[n++]));
            i += j.at;
        } else if (c == 'n') {
            ret[n++] = NAN;
            i += 4;
        } else {
            i++;
        }
    }
    if (ret_n)
        *ret_n = n;
    return ret;
}

static double number(kt_str text)
{
    return text.p ? numbers(text, NULL)[0] : NAN;
}

/* The number of field "17" of an object keyed by numbers. */
static double keyed(kt_str object, double key)
{
    char name[32];
    snprintf(name, sizeof(name), "%.0f", key);
    return number(at(object, name));
}

static void close_to(const char *what, double got, double want, double tolerance)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= tolerance))
        fail_msg("%s: %.15g, expected %.15g within %g", what, got, want, tolerance);
}

/* Votes [task, worker, label]; ids of each by value. */
typedef struct crowd {
    kt_votes v;
    double *task, *worker, *label; /* values by id */
} crowd;

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double *distinct(const double *x, size_t n, size_t step, uint32_t *ret_n)
{
    double *all = kt_arena_array(&arena, n + 1, sizeof(*all));
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        all[i] = x[i * step];
    if (n)
        qsort(all, n, sizeof(*all), by_value);
    for (size_t i = 0; i < n; i++)
        if (m == 0 || all[i] != all[m - 1])
            all[m++] = all[i];
    *ret_n = (uint32_t)m;
    return all;
}

static uint32_t id_of(const double *all, uint32_t n, double x)
{
    const double *p = bsearch(&x, all, n, sizeof(*all), by_value);
    assert_non_null(p);
    return (uint32_t)(p - all);
}

static crowd votes_of(kt_str input)
{
    size_t n;
    double *x = numbers(at(input, "task_worker_label"), &n);
    crowd c = { { .n = n / 3 }, NULL, NULL, NULL };
    uint32_t *item = kt_arena_array(&arena, n, 4), *source = kt_arena_array(&arena, n, 4);
    int32_t *label = kt_arena_array(&arena, n, 4);
    c.task = distinct(x, n / 3, 3, &c.v.n_items);
    c.worker = distinct(x + 1, n / 3, 3, &c.v.n_sources);
    c.label = distinct(x + 2, n / 3, 3, &c.v.n_labels);
    for (size_t i = 0; i < n / 3; i++) {
        item[i] = id_of(c.task, c.v.n_items, x[3 * i]);
        source[i] = id_of(c.worker, c.v.n_sources, x[3 * i + 1]);
        label[i] = (int32_t)id_of(c.label, c.v.n_labels, x[3 * i + 2]);
    }
    c.v.item = item;
    c.v.source = source;
    c.v.label = label;
    return c;
}

static kt_posterior fit(const kt_aggregator *m, const crowd *c, const void *opt)
{
    kt_posterior p;
    kt_err err = { 0 };
    if (m->fit(&c->v, opt, NULL, NULL, &arena, &p, &err) != 0)
        fail_msg("%s: %s", m->name, err.what);
    return p;
}

static void check_probabilities(const crowd *c, const kt_posterior *p, kt_str expected, double tolerance, bool exact_ties)
{
    size_t n;
    double *want = numbers(at(expected, "probas"), &n);
    kt_str consensus = at(expected, "consensus");
    assert_int_equal(n, (size_t)c->v.n_items * c->v.n_labels);
    for (size_t i = 0; i < c->v.n_items; i++) {
        double top = -1, second = -1;
        for (size_t k = 0; k < c->v.n_labels; k++) {
            double w = want[i * c->v.n_labels + k];
            close_to("probability", p->prob[i * c->v.n_labels + k], w, tolerance);
            second = KT_MAX(second, KT_MIN(w, top));
            top = KT_MAX(top, w);
        }
        if (exact_ties || top - second >= 1e-9)
            close_to("consensus", c->label[p->label[i]], keyed(consensus, c->task[i]), 0);
    }
}

static void check_sources(const crowd *c, const double *got, kt_str expected, double tolerance)
{
    for (size_t s = 0; s < c->v.n_sources && expected.p; s++)
        close_to("source", got[s], keyed(expected, c->worker[s]), tolerance);
}

/* ---- one function a method ---- */

static void majority_vote(kt_str input, kt_str expected, kt_str tolerance)
{
    crowd c = votes_of(input);
    kt_posterior p = fit(&kt_aggregate_majority, &c, NULL);
    check_probabilities(&c, &p, expected, number(at(tolerance, "abs")), true);
    check_sources(&c, p.source_accuracy, at(expected, "worker_agreement"), number(at(tolerance, "abs")));
}

static void weighted_majority_vote(kt_str input, kt_str expected, kt_str tolerance)
{
    crowd c = votes_of(input);
    double *weight = kt_arena_array(&arena, c.v.n_sources, sizeof(*weight));
    for (size_t s = 0; s < c.v.n_sources; s++)
        weight[s] = keyed(at(input, "worker_weight"), c.worker[s]);
    kt_posterior p = fit(&kt_aggregate_weighted_majority, &c, &(kt_majority_opts){ weight });
    check_probabilities(&c, &p, expected, number(at(tolerance, "abs")), true);
}

static void wawa(kt_str input, kt_str expected, kt_str tolerance)
{
    crowd c = votes_of(input);
    kt_posterior p = fit(&kt_aggregate_wawa, &c, NULL);
    check_probabilities(&c, &p, expected, number(at(tolerance, "abs")), true);
    check_sources(&c, p.source_accuracy, at(expected, "skills"), number(at(tolerance, "abs")));
}

static void dawid_skene(kt_str input, kt_str expected, kt_str tolerance)
{
    crowd c = votes_of(input);
    double t = number(at(tolerance, "abs"));
    int32_t *gold = kt_arena_array(&arena, c.v.n_items, sizeof(*gold));
    for (size_t i = 0; i < c.v.n_items; i++) {
        double g = keyed(at(input, "gold"), c.task[i]);
        gold[i] = isnan(g) ? -1 : (int32_t)id_of(c.label, c.v.n_labels, g);
    }
    kt_posterior p = fit(&kt_aggregate_dawid_skene, &c, &(kt_dawid_skene_opts){ .n_iter = (int32_t)number(at(input, "n_iter")), .gold = gold });
    check_probabilities(&c, &p, expected, t, false);
    for (size_t k = 0; k < c.v.n_labels && at(expected, "priors").p; k++)
        close_to("prior", p.prior[k], keyed(at(expected, "priors"), c.label[k]), t);
    size_t n;
    double *confusion = numbers(at(expected, "confusion_worker_observed_true"), &n);
    if (n) {
        assert_int_equal(n, (size_t)c.v.n_sources * c.v.n_labels * c.v.n_labels);
        for (size_t x = 0; x < n; x++)
            close_to("confusion", p.source_confusion[x], confusion[x], t);
    }
}

static void one_coin_dawid_skene(kt_str input, kt_str expected, kt_str tolerance)
{
    crowd c = votes_of(input);
    double t = number(at(tolerance, "abs"));
    kt_posterior p = fit(&kt_aggregate_one_coin_dawid_skene, &c, &(kt_dawid_skene_opts){ .n_iter = (int32_t)number(at(input, "n_iter")) });
    check_probabilities(&c, &p, expected, t, false);
    check_sources(&c, p.source_accuracy, at(expected, "skills"), t);
}

static void mace(kt_str input, kt_str expected, kt_str tolerance)
{
    crowd c = votes_of(input);
    double t = number(at(tolerance, "abs"));
    kt_mace_opts o = *(const kt_mace_opts *)kt_aggregate_mace.defaults;
    o.method = kt_str_eq(at(input, "method"), KT_S("\"em\"")) ? KT_MACE_EM : KT_MACE_VB;
    o.n_iter = (int32_t)number(at(input, "n_iter"));
    o.alpha = number(at(input, "alpha"));
    o.beta = number(at(input, "beta"));
    o.strategy_prior = number(at(input, "strategy_prior"));
    o.smoothing = number(at(input, "smoothing"));
    o.init_spamming = numbers(at(input, "init_spamming"), NULL);
    o.init_strategy = numbers(at(input, "init_strategy"), NULL);
    kt_posterior p = fit(&kt_aggregate_mace, &c, &o);
    check_probabilities(&c, &p, expected, t, false);
    double *spamming = numbers(at(expected, "spamming"), NULL), *strategy = numbers(at(expected, "strategy"), NULL);
    for (size_t x = 0; x < 2 * (size_t)c.v.n_sources; x++)
        close_to("spamming", p.source_spamming[x], spamming[x], t);
    for (size_t x = 0; x < (size_t)c.v.n_sources * c.v.n_labels; x++)
        close_to("strategy", p.source_strategy[x], strategy[x], t);
}

static void glad(kt_str input, kt_str expected, kt_str tolerance)
{
    crowd c = votes_of(input);
    kt_posterior p = fit(&kt_aggregate_glad, &c, NULL);
    check_probabilities(&c, &p, expected, number(at(tolerance, "probas_abs")), false);
    check_sources(&c, p.source_ability, at(expected, "alphas"), number(at(tolerance, "alphas_abs")));
    for (size_t i = 0; i < c.v.n_items; i++)
        close_to("log ease", p.item_ease[i], keyed(at(expected, "log_betas"), c.task[i]), number(at(tolerance, "log_betas_abs")));
}

static void check_row(const char *what, const double *got, kt_str expected, double tolerance)
{
    size_t n;
    double *want = numbers(expected, &n);
    for (size_t i = 0; i < n; i++)
        close_to(what, got[i], want[i], tolerance);
}

static void check_ids(const char *what, const int32_t *got, kt_str expected)
{
    size_t n;
    double *want = numbers(expected, &n);
    for (size_t i = 0; i < n; i++)
        close_to(what, got[i], want[i], 0);
}

static void crowdlab(kt_str input, kt_str expected, kt_str tolerance)
{
    size_t cells, n_probs, n_quality, n_unlabelled;
    double t = number(at(tolerance, "abs"));
    double *labels = numbers(at(input, "labels"), &cells), *probs = numbers(at(input, "pred_probs"), &n_probs);
    numbers(at(expected, "consensus_quality"), &n_quality);
    uint32_t n = (uint32_t)n_quality, sources = (uint32_t)(cells / n), k = (uint32_t)(n_probs / n);
    uint32_t *item = kt_arena_array(&arena, cells, 4), *source = kt_arena_array(&arena, cells, 4);
    int32_t *label = kt_arena_array(&arena, cells, 4);
    size_t votes = 0;
    for (size_t x = 0; x < cells; x++)
        if (!isnan(labels[x])) {
            item[votes] = (uint32_t)(x / sources);
            source[votes] = (uint32_t)(x % sources);
            label[votes++] = (int32_t)labels[x];
        }
    kt_votes v = { votes, n, sources, k, item, source, label };
    kt_crowdlab r;
    assert_int_equal(kt_crowdlab_fit(&v, probs, NULL, &arena, &r, NULL), 0);
    check_ids("majority", r.majority, at(expected, "majority_label"));
    check_ids("consensus", r.label, at(expected, "consensus_label"));
    check_ids("worst class", r.worst_class, at(expected, "worst_class"));
    check_row("agreement", r.agreement, at(expected, "annotator_agreement"), t);
    check_row("annotator quality", r.source_quality, at(expected, "annotator_quality"), t);
    check_row("agreement with consensus", r.source_agreement, at(expected, "agreement_with_consensus"), t);
    check_row("agreement with majority", r.source_majority_agreement, at(expected, "agreement_method_annotator_quality"), t);
    check_row("annotator weight", r.source_weight, at(expected, "annotator_weight"), t);
    close_to("model weight", r.model_weight, number(at(expected, "model_weight")), t);
    double *quality = numbers(at(expected, "consensus_quality"), NULL), *own = numbers(at(expected, "label_quality_per_annotator"), NULL);
    for (size_t i = 0; i < n; i++)
        close_to("consensus quality", r.post[i * k + (size_t)r.label[i]], quality[i], t);
    for (size_t x = 0; x < cells; x++)
        if (!isnan(labels[x]))
            close_to("label quality", r.post[x / sources * k + (size_t)labels[x]], own[x], t);
    double *unlabelled = numbers(at(input, "pred_probs_unlabeled"), &n_unlabelled), temperature;
    double *score = kt_arena_array(&arena, n, sizeof(*score)), *more = kt_arena_array(&arena, n_unlabelled / k + 1, sizeof(*more));
    assert_int_equal(kt_crowdlab_active(&v, probs, unlabelled, n_unlabelled / k, NULL, score, more, &temperature, NULL), 0);
    check_row("active learning, labelled", score, at(expected, "active_learning_labeled"), t);
    check_row("active learning, unlabelled", more, at(expected, "active_learning_unlabeled"), t);
    if (at(expected, "active_learning_temperature").p)
        close_to("temperature", temperature, number(at(expected, "active_learning_temperature")), t);
}

static void label_model(kt_str input, kt_str expected, kt_str tolerance)
{
    size_t cells, rows;
    double *l = numbers(at(input, "L"), &cells), *want = numbers(at(expected, "probas"), NULL), *row = numbers(at(expected, "probas_rows"), &rows);
    double *weight = numbers(at(expected, "lf_weights"), &rows), *coverage = numbers(at(expected, "lf_coverage"), NULL);
    double *conflict = numbers(at(expected, "lf_conflict"), NULL);
    uint32_t k = (uint32_t)number(at(input, "cardinality")), m = (uint32_t)rows;
    size_t n = cells / m;
    int16_t *vote = kt_arena_array(&arena, cells, sizeof(*vote));
    for (size_t x = 0; x < cells; x++)
        vote[x] = (int16_t)l[x];
    const int16_t **column = kt_arena_array(&arena, m, sizeof(*column));
    for (uint32_t j = 0; j < m; j++)
        column[j] = vote + j;
    kt_lf_columns v = { n, m, m, k, column };
    kt_denoise_opts o = KT_DENOISE_OPTS_INIT;
    o.method = KT_DENOISE_MOMENTS;
    o.class_balance = numbers(at(input, "hyper.class_balance"), NULL);
    o.n_epochs = (int32_t)number(at(input, "hyper.n_epochs"));
    o.lr = number(at(input, "hyper.lr"));
    o.prec_init = number(at(input, "hyper.prec_init"));
    o.init_scale = number(at(input, "init_scale"));
    kt_label_model model;
    assert_int_equal(kt_denoise_fit(&v, &o, NULL, &arena, &model, NULL), 0);
    float *prob = kt_arena_array(&arena, n * k, sizeof(*prob));
    kt_denoise_posteriors(&model, &v, NULL, prob);
    numbers(at(expected, "probas_rows"), &rows);
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < k; c++)
            close_to("probability", (double)prob[(size_t)row[i] * k + c], want[i * k + c], number(at(tolerance, "probas_abs")));
    for (uint32_t j = 0; j < m; j++) {
        close_to("weight", model.summary[j].accuracy, weight[j], number(at(tolerance, "lf_weights_abs")));
        close_to("coverage", (double)model.summary[j].votes / (double)n, coverage[j], number(at(tolerance, "lf_stats_abs")));
        close_to("conflict", (double)model.summary[j].conflicts / (double)n, conflict[j], number(at(tolerance, "lf_stats_abs")));
    }
}

static void bradley_terry(kt_str input, kt_str expected, kt_str tolerance)
{
    size_t n;
    double *x = numbers(at(input, "left_right_winner"), &n);
    kt_rankings r = { .n = n / 3 };
    double *things = distinct(x, n, 1, &r.n_things);
    size_t *start = kt_arena_array(&arena, n + 1, sizeof(*start));
    uint32_t *thing = kt_arena_array(&arena, n, sizeof(*thing));
    for (size_t k = 0; k < n / 3; k++) {
        double winner = x[3 * k + 2], loser = x[3 * k] == winner ? x[3 * k + 1] : x[3 * k];
        thing[2 * k] = id_of(things, r.n_things, winner);
        thing[2 * k + 1] = id_of(things, r.n_things, loser);
        start[k + 1] = 2 * (k + 1);
    }
    r.start = start;
    r.thing = thing;
    kt_strengths s;
    assert_int_equal(kt_rank_fit(&r, NULL, &arena, &s, NULL), 0);
    for (uint32_t t = 0; t < r.n_things; t++) {
        close_to("strength", s.strength[t], keyed(at(expected, "scores"), things[t]), number(at(tolerance, "abs")));
        assert_true(!s.connected || (s.ci[2 * t] < s.strength[t] && s.strength[t] < s.ci[2 * t + 1]));
    }
}

/* Elements of an array of [task, worker, answer]: task, worker and the answer's text; false at the end. */
static bool next_answer(kt_json *j, bool *first, double *task, double *worker, kt_str *answer)
{
    kt_str raw;
    bool inner = true, more = kt_json_element(j, first) && kt_json_skip(j, &raw);
    if (!more)
        return false;
    kt_json e = { .s = raw };
    return kt_json_enter(&e, '[') && kt_json_element(&e, &inner) && kt_json_number(&e, task) && kt_json_element(&e, &inner) &&
           kt_json_number(&e, worker) && kt_json_element(&e, &inner) && kt_json_skip(&e, answer);
}

static kt_str string_of(kt_str raw)
{
    kt_json j = { .s = raw };
    kt_str ret;
    assert_true(kt_json_string(&j, &arena, &ret));
    return ret;
}

/* Texts of a task come together, in the order of the workers. */
static void rover(kt_str input, kt_str expected, kt_str tolerance)
{
    (void)tolerance;
    kt_json j = { .s = at(input, "task_worker_text") };
    bool first = true, more = kt_json_enter(&j, '[');
    kt_str text[64], raw = { 0 };
    double task = -1, worker, last = -1;
    size_t n = 0;
    while (more) {
        more = next_answer(&j, &first, &task, &worker, &raw);
        if (n && (!more || task != last)) {
            char key[32];
            snprintf(key, sizeof(key), "%.0f", last);
            kt_text_merge m = kt_rover(text, n, &arena);
            kt_str want = string_of(at(at(expected, "text"), key));
            if (!kt_str_eq(m.text, want))
                fail_msg("task %s: '%.*s', expected '%.*s'", key, KT_F(m.text), KT_F(want));
            n = 0;
        }
        if (more)
            text[n++] = string_of(raw);
        last = task;
    }
}

/* "0110…" rows of a mask, one byte a pixel. */
static uint8_t *pixels(kt_str raw, size_t *ret_n)
{
    uint8_t *ret = kt_arena_alloc(&arena, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] == '0' || raw.p[i] == '1')
            ret[n++] = raw.p[i] == '1';
    *ret_n = n;
    return ret;
}

static void segmentation(kt_str input, kt_str expected, kt_str tolerance)
{
    kt_json j = { .s = at(input, "task_worker_mask") };
    bool first = true, more = kt_json_enter(&j, '[');
    const uint8_t *mask[64];
    kt_str raw = { 0 };
    double task = -1, worker, last = -1;
    size_t n = 0, size = 0;
    while (more) {
        more = next_answer(&j, &first, &task, &worker, &raw);
        if (n && (!more || task != last)) {
            char key[32];
            snprintf(key, sizeof(key), "%.0f", last);
            uint8_t *got = kt_arena_alloc(&arena, size), *want = pixels(at(at(expected, "majority"), key), &size);
            kt_mask_majority(mask, n, size, got);
            assert_memory_equal(got, want, size);
            want = pixels(at(at(expected, "em10"), key), &size);
            kt_mask_em(mask, n, size, 10, got, NULL, NULL);
            double differ = 0;
            for (size_t x = 0; x < size; x++)
                differ += got[x] != want[x];
            assert_true(differ <= number(at(tolerance, "em10_max_pixel_differences")));
            n = 0;
        }
        if (more)
            mask[n++] = pixels(raw, &size);
        last = task;
    }
}

static const struct { const char *method; void (*check)(kt_str input, kt_str expected, kt_str tolerance); int least; } checks[] = {
    { "majority_vote", majority_vote, 10 }, { "weighted_majority_vote", weighted_majority_vote, 3 }, { "wawa", wawa, 9 },
    { "dawid_skene", dawid_skene, 19 }, { "one_coin_dawid_skene", one_coin_dawid_skene, 9 }, { "mace", mace, 24 }, { "glad", glad, 3 },
    { "crowdlab", crowdlab, 8 }, { "label_model", label_model, 6 }, { "bradley_terry", bradley_terry, 2 }, { "rover", rover, 2 },
    { "segmentation", segmentation, 1 },
};

static void run_cases(const char *dir, const char *method, void (*check)(kt_str, kt_str, kt_str), int least)
{
    DIR *d = opendir(dir);
    char prefix[64], path[4096];
    int n = 0;
    snprintf(prefix, sizeof(prefix), "%s__", method);
    for (struct dirent *e; (e = readdir(d));) {
        if (!kt_str_starts(kt_str_of(e->d_name), kt_str_of(prefix)))
            continue;
        KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        assert_int_equal(kt_file_read(path, &b, NULL), 0);
        print_message("  %s\n", e->d_name);
        kt_str all = KT_BUF_STR(&b);
        check(at(all, "input"), at(all, "expected"), at(all, "tolerance"));
        kt_arena_reset(&arena);
        n++;
    }
    closedir(d);
    assert_true(n >= least);
}

static void reference(void **state)
{
    (void)state;
    char dir[4000];
    const char *shared = getenv("KARAT_SHARED");
    snprintf(dir, sizeof(dir), "%s/reference", shared ? shared : "../shared");
    DIR *d = opendir(dir);
    if (!d) {
        print_message("skipped: reference (no folder %s)\n", dir);
        skip();
    }
    closedir(d);
    for (size_t x = 0; x < KT_LEN(checks); x++)
        run_cases(dir, checks[x].method, checks[x].check, checks[x].least);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reference) };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    kt_arena_done(&arena);
    return rc;
}
