/* The numbers of the report: what the flow did, how people agree, and, where a truth was held back, how right it all is. */
#include "algo/agree/agree.h"
#include "algo/route/confidence.h"
#include "algo/stats.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/parts.h"
#include "stage/review.h"
#include "stage/run.h"
#include "store/approval.h"
#include "store/audit.h"
#include "store/column.h"
#include "store/pack.h"
#include "store/suspect.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>

#define BINS 10

struct build {
    kt_run *r;
    kt_report *ret;
    kt_annotations a;
    kt_consensus *final, **of;
    size_t n_final;
};

static void *keep(struct build *b, const void *p, size_t n, size_t size)
{
    void *q = kt_arena_array(b->r->arena, n + 1, size);
    if (n)
        memcpy(q, p, n * size);
    return q;
}

static void count_flow(struct build *b)
{
    kt_run *r = b->r;
    kt_report *o = b->ret;
    o->n_rejected = r->ingested.n_rejected;
    o->n_items = r->n;
    o->n_raw = o->n_items + o->n_rejected;
    o->n_exact_dups = r->dedup.n_exact;
    o->n_near_dups = r->dedup.n_near;
    o->n_canonical = r->dedup.n_canonical;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->state[i] == KT_ITEM_DUPLICATE)
            continue;
        o->n_trusted += r->state[i] == KT_ITEM_TRUSTED;
        o->n_train += r->state[i] == KT_ITEM_TRAIN;
        o->n_auto += r->state[i] == KT_ITEM_AUTO;
        o->n_human += r->state[i] == KT_ITEM_HUMAN;
        o->n_expert += r->state[i] == KT_ITEM_EXPERT;
        const kt_consensus *c = b->of[i];
        bool done = r->state[i] == KT_ITEM_AUTO || (c && c->label >= 0);
        o->n_final += done;
        o->n_left_out += !done;
        o->n_disputes += c && c->state == KT_FINAL_ADJUDICATED && r->state[i] != KT_ITEM_EXPERT;
    }
    o->n_answers = b->a.n;
}

struct tally {
    uint64_t n, wrong;
};

static double rate(struct tally t)
{
    return t.n ? (double)t.wrong / (double)t.n : NAN;
}

/* What the final answer of an item is worth against the truth. */
static kt_rc judge(struct build *b, uint32_t i, struct tally *machine, struct tally *human, struct tally *expert, struct tally *all)
{
    kt_run *r = b->r;
    const kt_consensus *c = b->of[i];
    bool automatic = r->state[i] == KT_ITEM_AUTO;
    uint8_t right = automatic && kt_run_machine_true(r, i), final;
    if (!automatic)
        KT_TRY(kt_run_true(r, i, c->label, &right));
    struct tally *t = automatic ? machine : c->state == KT_FINAL_VOTED ? human : expert;
    t->n++;
    t->wrong += !right;
    final = right;
    if (automatic && c && c->label >= 0) /* of the machine's, one that an expert has checked */
        KT_TRY(kt_run_true(r, i, c->label, &final));
    all->n++;
    all->wrong += !final;
    return 0;
}

static kt_rc measure_errors(struct build *b)
{
    kt_run *r = b->r;
    kt_report *o = b->ret;
    struct tally machine = { 0 }, human = { 0 }, expert = { 0 }, all = { 0 };
    uint64_t *confusion = kt_arena_array(r->arena, (size_t)r->k * r->k, 8);
    for (uint32_t i = 0; i < r->n; i++) {
        const kt_consensus *c = b->of[i];
        bool final = c && c->label >= 0;
        if (r->state[i] == KT_ITEM_DUPLICATE || r->truth[i] < 0 || (!final && (r->state[i] != KT_ITEM_AUTO || r->pred[i].label < 0)))
            continue;
        KT_TRY(judge(b, i, &machine, &human, &expert, &all));
        if (!r->parts)
            confusion[(size_t)r->truth[i] * r->k + (size_t)(final ? c->label : r->pred[i].label)]++;
    }
    double ci[2] = { NAN, NAN };
    if (machine.n)
        kt_clopper_pearson(machine.wrong, machine.n, 0.95, ci);
    o->measured_error = rate(machine);
    o->measured_lo = ci[0];
    o->measured_hi = ci[1];
    o->human_error = rate(human);
    o->expert_error = rate(expert);
    o->final_error = rate(all);
    if (r->has_truth && !r->parts)
        o->confusion = confusion;
    return 0;
}

/* Labels of the items of a chunk, the machine's beside the truth's. */
static void tally_labels(struct build *b, uint32_t first, const kt_machine_mark *m, size_t n_marks, kt_report_label *ret)
{
    const kt_run *r = b->r;
    kt_answer_parts said = { 0 };
    for (uint32_t i = first, at = 0; i < r->n && i - first < KT_COLUMN_CHUNK; i++) {
        size_t next = at, n = kt_parts_row(m, n_marks, i - first, &next);
        const kt_answer_part *truth = r->parts->truth.v + r->parts->start[i];
        size_t n_truth = r->parts->start[i + 1] - r->parts->start[i];
        said.n = 0;
        kt_parts_of_marks(m + at, n, &said);
        at = (uint32_t)next;
        if (r->truth[i] < 0 || r->pred[i].label < 0 || r->state[i] == KT_ITEM_TRAIN || r->state[i] == KT_ITEM_DUPLICATE)
            continue;
        for (size_t k = 0; k < said.n; k++) {
            kt_report_label *l = &ret[said.v[k].label];
            l->said++;
            for (size_t q = 0; q < n_truth; q++)
                l->right += memcmp(&truth[q], &said.v[k], sizeof(*truth)) == 0;
        }
        for (size_t q = 0; q < n_truth; q++)
            ret[truth[q].label].truth++;
    }
    KT_VEC_DONE(&said);
}

static kt_rc measure_labels(struct build *b)
{
    kt_run *r = b->r;
    b->ret->whole = r->parts != NULL;
    if (!r->parts || !r->has_truth)
        return 0;
    kt_report_label *v = kt_arena_array(r->arena, r->k, sizeof(*v));
    for (uint32_t c = 0; c < r->k; c++)
        v[c].name = r->p.label[c];
    for (uint32_t first = 0; first < r->n; first += KT_COLUMN_CHUNK) {
        KT_AUTO(kt_buf) m = KT_BUF_INIT((size_t)4 << 30);
        KT_TRY(kt_pack_get(r->s, r->p.id, KT_MACHINE_MARKS, first, &m, r->err));
        tally_labels(b, first, (const kt_machine_mark *)(const void *)m.p, m.n / sizeof(kt_machine_mark), v);
    }
    b->ret->of_label = v;
    return 0;
}

/* A metric that cannot be measured here is undefined, which is what the report then says. */
static double agreement(const kt_agreement *m, const kt_votes *v)
{
    kt_agree_result r = { .no_interval = true };
    return kt_agreement_measure(m, v, NULL, NULL, &r, NULL) < 0 ? NAN : r.value;
}

static void measure_agreement(struct build *b)
{
    size_t n = 0;
    uint32_t *item = kt_alloc_array(b->a.n + 1, 4), *source = kt_alloc_array(b->a.n + 1, 4), n_sources = 1, n_labels = b->r->k;
    int32_t *label = kt_alloc_array(b->a.n + 1, 4);
    uint8_t *seen = kt_zalloc((size_t)b->r->n + 1);
    for (size_t i = 0; i < b->a.n; i++)
        if (!b->a.gold[i] && (b->a.queue[i] == KT_QUEUE_TRAIN || b->a.queue[i] == KT_QUEUE_HUMAN)) {
            item[n] = b->a.item[i];
            source[n] = (uint32_t)b->a.user[i];
            label[n++] = b->a.label[i];
            n_labels = KT_MAX(n_labels, (uint32_t)b->a.label[i] + 1); /* different answers, where labels are sets or regions */
            n_sources = KT_MAX(n_sources, (uint32_t)b->a.user[i] + 1);
            if (++seen[b->a.item[i]] == 2)
                b->ret->n_agreement_items++;
        }
    kt_votes v = { n, b->r->n, n_sources, n_labels, item, source, label };
    b->ret->percent_agreement = agreement(&kt_agree_percent, &v);
    b->ret->cohen = agreement(&kt_agree_cohen_kappa, &v);
    b->ret->fleiss = agreement(&kt_agree_fleiss_kappa, &v);
    b->ret->krippendorff = agreement(&kt_agree_krippendorff_alpha, &v);
    kt_free(item);
    kt_free(source);
    kt_free(label);
    kt_free(seen);
}

static kt_bin *bins_of(struct build *b, const float *score, const uint8_t *right, size_t n, double *ret_ece)
{
    kt_reliability_bin raw[BINS];
    kt_reliability all;
    kt_reliability_of(score, right, n, BINS, raw, &all);
    kt_bin *v = kt_arena_array(b->r->arena, BINS, sizeof(*v));
    for (int i = 0; i < BINS; i++)
        v[i] = (kt_bin){ raw[i].low, raw[i].high, raw[i].mean_score, raw[i].accuracy, raw[i].n };
    *ret_ece = n ? all.ece : NAN;
    return v;
}

/* "isotonic 0.2131, platt 0.2150, …": the best first. */
static kt_str losses(kt_run *r)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1000);
    bool said[KT_CALIBRATE__COUNT] = { false };
    for (int k = 0; k < KT_CALIBRATE__COUNT && r->calibration_loss[0] > 0; k++) {
        int best = -1;
        for (int m = 0; m < KT_CALIBRATE__COUNT; m++)
            if (!said[m] && (best < 0 || r->calibration_loss[m] < r->calibration_loss[best]))
                best = m;
        said[best] = true;
        kt_buf_printf(&b, "%s%s %.4f", k ? ", " : "", kt_calibrate_name((kt_calibrate_method)best), r->calibration_loss[best]);
    }
    return b.n ? kt_arena_str(r->arena, KT_BUF_STR(&b)) : KT_S("");
}

/* Reliability on everything that has a truth (else on the trusted sample), before and after. */
static kt_rc reliability(struct build *b)
{
    kt_run *r = b->r;
    size_t n = 0;
    kt_rc rc = 0;
    float *before = kt_alloc_array((size_t)r->n + 1, sizeof(float)), *after = kt_alloc_array((size_t)r->n + 1, sizeof(float));
    uint8_t *right = kt_alloc((size_t)r->n + 1);
    for (uint32_t i = 0; i < r->n; i++) {
        bool trusted = r->state[i] == KT_ITEM_TRUSTED && b->of[i] && b->of[i]->label >= 0;
        if (r->state[i] == KT_ITEM_DUPLICATE || r->state[i] == KT_ITEM_TRAIN || r->pred[i].label < 0 || (r->has_truth ? r->truth[i] < 0 : !trusted))
            continue;
        before[n] = r->pred[i].score;
        after[n] = (float)kt_calibrate_apply(&r->calibration, (double)before[n]);
        right[n] = kt_run_machine_true(r, i);
        if (!r->has_truth)
            rc = rc < 0 ? rc : kt_run_right(r, i, b->of[i]->label, &right[n]);
        n++;
    }
    b->ret->before = bins_of(b, before, right, n, &b->ret->ece_before);
    b->ret->after = bins_of(b, after, right, n, &b->ret->ece_after);
    b->ret->n_before = b->ret->n_after = BINS;
    b->ret->calibration = kt_str_of(kt_calibrate_name(r->calibration.method));
    b->ret->calibration_why = losses(r);
    kt_free(before);
    kt_free(after);
    kt_free(right);
    return rc;
}

/* The watch over the batch with most checks, answer by answer. */
static kt_rc checks(struct build *b)
{
    kt_run *r = b->r;
    kt_approval_batch *v, *most = NULL;
    kt_approval_check *c;
    size_t n, n_checks;
    kt_confidence w;
    KT_TRY(kt_approval_batch_list(r->s, r->p.id, r->arena, &v, &n, r->err));
    b->ret->n_batches = n;
    for (size_t i = 0; i < n; i++) {
        b->ret->n_reopened += v[i].reopened_us > 0;
        b->ret->n_checked += (uint64_t)v[i].n;
        b->ret->n_checked_wrong += (uint64_t)v[i].wrong;
        if (v[i].n > 0 && (!most || v[i].n > most->n))
            most = &v[i];
    }
    if (!most)
        return 0;
    KT_TRY(kt_approval_check_list(r->s, r->p.id, most->batch, r->arena, &c, &n_checks, r->err));
    kt_curve_point *at = kt_arena_array(r->arena, n_checks + 1, sizeof(*at));
    KT_TRY(kt_confidence_begin((uint64_t)most->size, most->delta, &w, r->err));
    for (size_t i = 0; i < n_checks; i++) {
        KT_TRY(kt_confidence_add(&w, c[i].answer != c[i].label, r->err));
        at[i] = (kt_curve_point){ (double)w.n, (double)w.wrong / (double)w.n, w.low, w.high };
    }
    b->ret->check = at;
    b->ret->n_check = n_checks;
    b->ret->check_name = most->name;
    b->ret->check_size = (uint64_t)most->size;
    b->ret->check_budget = most->budget;
    b->ret->check_delta = most->delta;
    b->ret->check_reopened = most->reopened_us > 0;
    return 0;
}

struct scored {
    float score;
    uint8_t wrong;
};

static int high_first(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static void coverage(struct build *b)
{
    kt_run *r = b->r;
    const kt_threshold *t = &r->threshold;
    kt_curve_point *v = kt_arena_array(r->arena, t->n_points + 1, sizeof(*v));
    for (uint32_t i = 0; i < t->n_points; i++)
        v[i] = (kt_curve_point){ t->point[i].coverage, t->point[i].error, NAN, t->point[i].upper };
    b->ret->coverage = v;
    b->ret->n_coverage = t->n_points;
    b->ret->threshold = r->proved && r->n_cells == 1 ? r->cell[0].score : NAN;
    /* What was tested is the budget; the interval at the chosen threshold alone would forget that it was chosen. */
    b->ret->bound = r->proved ? r->c->budget : NAN;
    for (uint32_t c = 0; c < r->n_cells; c++)
        if (r->cell[c].found) {
            b->ret->bound_n += r->cell[c].n_trusted;
            b->ret->bound_errors += r->cell[c].n_wrong;
        }
    if (!r->has_truth)
        return;
    struct scored *s = kt_alloc_array((size_t)r->n + 1, sizeof(*s));
    size_t n = 0, wrong = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->truth[i] >= 0 && (r->state[i] == KT_ITEM_AUTO || r->state[i] == KT_ITEM_HUMAN || r->state[i] == KT_ITEM_EXPERT))
            s[n++] = (struct scored){ r->pred[i].score, !kt_run_machine_true(r, i) };
    qsort(s, n, sizeof(*s), high_first);
    kt_curve_point *truth = kt_arena_array(r->arena, 101, sizeof(*truth));
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        wrong += s[i].wrong;
        if ((i + 1) * 100 / n > i * 100 / n && k < 100)
            truth[k++] = (kt_curve_point){ (double)(i + 1) / (double)n, (double)wrong / (double)(i + 1), NAN, NAN };
    }
    b->ret->coverage_true = truth;
    b->ret->n_coverage_true = k;
    kt_free(s);
}

static kt_rc learning_curve(struct build *b)
{
    kt_str doc = { "", 0 }, line, f[3];
    kt_rc rc = kt_doc_get(b->r->s, b->r->p.id, KT_S("learn.curve"), b->r->arena, &doc, b->r->err);
    KT_TRY(rc);
    KT_VEC(kt_curve_point) act = { 0 }, rnd = { 0 };
    while (kt_str_cut(&doc, '\n', &line) && line.n) {
        double x, y;
        kt_str_cut(&line, ',', &f[0]);
        kt_str_cut(&line, ',', &f[1]);
        f[2] = line;
        if (!kt_parse_f64(f[0], &x))
            continue;
        if (kt_parse_f64(f[1], &y))
            KT_PUSH(&act, (kt_curve_point){ x, y, NAN, NAN });
        if (kt_parse_f64(f[2], &y))
            KT_PUSH(&rnd, (kt_curve_point){ x, y, NAN, NAN });
    }
    b->ret->active = keep(b, act.v, act.n, sizeof(*act.v));
    b->ret->n_active = act.n;
    b->ret->random = keep(b, rnd.v, rnd.n, sizeof(*rnd.v));
    b->ret->n_random = rnd.n;
    b->ret->active_strategy = b->r->c->strategy;
    kt_learn_stop s;
    if ((rc = kt_learn_outlook_last(b->r, &s)) == 0 && s.known) {
        b->ret->outlook = true;
        b->ret->stopped = s.stop;
        b->ret->next_gain = s.next.gain;
        b->ret->next_low = s.next.low;
        b->ret->next_high = s.next.high;
        b->ret->left_gain = s.next.left;
        b->ret->least_gain = s.least;
        b->ret->asked = s.labels;
    }
    b->ret->learning_measured_on = KT_S("held-back truth");
    KT_VEC_DONE(&act);
    KT_VEC_DONE(&rnd);
    return rc < 0 ? rc : 0;
}

static double share(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : NAN;
}

struct lf_tally {
    uint64_t votes, known, right; /* known: on items with a truth */
};

static void tally_chunk(struct build *b, uint32_t first, uint32_t n, const int16_t *vote, struct lf_tally *t)
{
    const kt_run *r = b->r;
    for (uint32_t i = 0; i < n; i++) {
        bool any = false;
        for (uint32_t j = 0; j < r->m; j++) {
            int16_t said = vote[(size_t)i * r->m + j];
            if (said < 0)
                continue;
            any = true;
            t[j].votes++;
            t[j].known += r->truth[first + i] >= 0;
            t[j].right += said == r->truth[first + i];
        }
        b->ret->n_voted_by_functions += any;
    }
}

static kt_rc tally_votes(struct build *b, struct lf_tally *t)
{
    kt_run *r = b->r;
    int16_t *vote = kt_alloc_array((size_t)KT_COLUMN_CHUNK * r->m + 1, sizeof(*vote));
    kt_rc rc = 0;
    for (uint32_t at = 0; at < r->n && rc == 0; at += KT_COLUMN_CHUNK) {
        uint32_t n = KT_MIN(KT_COLUMN_CHUNK, r->n - at);
        rc = kt_run_votes(r, at, n, vote);
        if (rc == 0)
            tally_chunk(b, at, n, vote, t);
    }
    kt_free(vote);
    return rc;
}

static kt_str failure_of(kt_run *r, const kt_function_fault *f)
{
    return f->n ? kt_arena_printf(r->arena, "%s%s: %s", f->off ? "switched off; item " : "item ", f->id, f->said) : KT_S("");
}

/* Functions that mark: what the label model counted of them (marks.h), and how right their marks on trusted answers are. */
static kt_rc mark_functions(struct build *b)
{
    kt_run *r = b->r;
    kt_report_function *v = kt_arena_array(r->arena, r->m + 1, sizeof(*v));
    for (uint32_t j = 0; j < r->m; j++) {
        const kt_marks_figures *f = &r->marks.function[j];
        int32_t label = kt_functions_label(r->functions, j);
        v[j] = (kt_report_function){ kt_functions_name(r->functions, j), label >= 0 ? r->p.label[label] : kt_str_of(kt_functions_kind(r->functions, j)), f->items, f->overlaps, f->conflicts,
                                     f->precision, share(f->gold_right, f->gold_n), r->ran.fault[j].n, failure_of(r, &r->ran.fault[j]) };
    }
    b->ret->function = v;
    b->ret->n_functions = r->m;
    b->ret->n_voted_by_functions = r->marks.n_covered;
    return 0;
}

static kt_rc functions(struct build *b)
{
    kt_run *r = b->r;
    if (r->parts)
        return mark_functions(b);
    kt_report_function *v = kt_arena_array(r->arena, r->m + 1, sizeof(*v));
    struct lf_tally *t = kt_arena_array(r->arena, r->m + 1, sizeof(*t));
    KT_TRY(tally_votes(b, t));
    for (uint32_t j = 0; j < r->m; j++) {
        int32_t label = kt_functions_label(r->functions, j);
        /* overlaps and conflicts were counted on the pool; the same shares hold for all, which is what is shown */
        double up = r->lf[j].votes ? (double)t[j].votes / (double)r->lf[j].votes : 0;
        v[j] = (kt_report_function){ kt_functions_name(r->functions, j), label >= 0 ? r->p.label[label] : kt_str_of(kt_functions_kind(r->functions, j)), t[j].votes,
                                     (uint64_t)lround(up * (double)r->lf[j].overlaps), (uint64_t)lround(up * (double)r->lf[j].conflicts),
                                     r->lf[j].accuracy, share(t[j].right, t[j].known), r->ran.fault[j].n, failure_of(r, &r->ran.fault[j]) };
    }
    b->ret->function = v;
    b->ret->n_functions = r->m;
    return 0;
}

struct person_tally {
    uint64_t tried, right, agreed, judged;
    bool expert;
};

static size_t person_at(const kt_person_stat *st, size_t n, int64_t user)
{
    size_t lo = 0;
    for (size_t hi = n; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        if (st[mid].user < user)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* One pass over the answers, however many people. */
static kt_rc tally_people(struct build *b, const kt_person_stat *st, size_t n, struct person_tally *t)
{
    kt_run *r = b->r;
    for (size_t k = 0; k < b->a.n; k++) {
        size_t i = person_at(st, n, b->a.user[k]);
        if (i == n || st[i].user != b->a.user[k])
            continue;
        const kt_consensus *c = b->of[b->a.item[k]];
        bool trusted = c && c->state == KT_FINAL_GOLD, known = r->has_truth ? r->truth[b->a.item[k]] >= 0 : trusted;
        uint8_t right = trusted && b->a.label[k] == c->label;
        if (r->has_truth)
            KT_TRY(kt_run_true(r, b->a.item[k], b->a.label[k], &right));
        t[i].expert |= b->a.queue[k] == KT_QUEUE_EXPERT || b->a.queue[k] == KT_QUEUE_TRUSTED || b->a.queue[k] == KT_QUEUE_AUDIT;
        t[i].tried += known;
        t[i].right += known && right;
        t[i].judged += c && c->label >= 0;
        t[i].agreed += c && c->label == b->a.label[k];
    }
    return 0;
}

static kt_rc people(struct build *b)
{
    kt_run *r = b->r;
    kt_person_stat *st;
    size_t n;
    KT_TRY(kt_person_stats(r->s, r->p.id, r->arena, &st, &n, r->err)); /* by user */
    kt_report_person *v = kt_arena_array(r->arena, n + 1, sizeof(*v));
    struct person_tally *t = kt_arena_array(r->arena, n + 1, sizeof(*t));
    KT_TRY(tally_people(b, st, n, t));
    for (size_t i = 0; i < n; i++) {
        double ci[2] = { NAN, NAN };
        if (t[i].tried)
            kt_clopper_pearson(t[i].right, t[i].tried, 0.95, ci);
        v[i] = (kt_report_person){ st[i].name, t[i].expert, st[i].simulated, (uint64_t)st[i].n, (uint64_t)st[i].skips,
                                   (uint64_t)st[i].gold_n, (uint64_t)st[i].gold_right, share(t[i].right, t[i].tried), ci[0], ci[1],
                                   share(t[i].agreed, t[i].judged),
                                   st[i].busy_us ? (double)(st[i].n + st[i].skips) * 3.6e9 / (double)st[i].busy_us : NAN };
    }
    b->ret->person = v;
    b->ret->n_people = n;
    return 0;
}

static void throughput(struct build *b)
{
    if (b->a.n == 0)
        return;
    int64_t first = b->a.at_us[0], last = first;
    for (size_t i = 0; i < b->a.n; i++) {
        first = KT_MIN(first, b->a.at_us[i]);
        last = KT_MAX(last, b->a.at_us[i]);
    }
    enum { STEPS = 60 };
    double hours = KT_MAX((double)(last - first) / 3.6e9, 1e-6);
    kt_curve_point *v = kt_arena_array(b->r->arena, STEPS, sizeof(*v));
    for (int i = 0; i < STEPS; i++)
        v[i] = (kt_curve_point){ hours * (i + 0.5) / STEPS, 0, NAN, NAN };
    for (size_t i = 0; i < b->a.n; i++)
        v[KT_MIN(STEPS - 1, (int)((double)(b->a.at_us[i] - first) / 3.6e9 / hours * STEPS))].y += STEPS / hours;
    b->ret->throughput = v;
    b->ret->n_throughput = STEPS;
}

static kt_rc proof(struct build *b)
{
    uint64_t size;
    unsigned char root[32];
    kt_audit_report audit;
    kt_rc rc = kt_audit_verify(b->r->s, b->r->progress, &audit, b->r->err);
    if (rc < 0 && rc != KT_NO)
        return rc;
    b->ret->audit_ok = rc == 0;
    kt_audit_root(b->r->s, &size, root);
    b->ret->audit_events = size;
    sodium_bin2hex(b->ret->audit_root, sizeof(b->ret->audit_root), root, sizeof(root));
    return 0;
}

kt_rc kt_quality_report(kt_run *r, kt_report *ret)
{
    char now[28];
    kt_time_format(kt_now_us(), now);
    *ret = (kt_report){ .project = r->p.name, .version = KT_S(KT_VERSION), .created = kt_arena_str(r->arena, kt_str_of(now)),
                        .simulated = r->c->simulate, .label = r->p.label, .n_labels = r->k, .budget = r->c->budget,
                        .confidence = r->c->confidence, .measured_error = NAN, .measured_lo = NAN, .measured_hi = NAN };
    struct build b = { .r = r, .ret = ret, .of = kt_zalloc_array((size_t)r->n + 1, sizeof(kt_consensus *)) };
    kt_rc rc = kt_annotations_load(r->s, r->p.id, &b.a, r->err);
    if (rc == 0)
        rc = kt_consensus_load(r->s, r->p.id, r->arena, &b.final, &b.n_final, r->err);
    if (rc == 0) {
        for (size_t i = 0; i < b.n_final; i++)
            b.of[b.final[i].item] = &b.final[i];
        count_flow(&b);
        measure_agreement(&b);
        coverage(&b);
        throughput(&b);
        rc = measure_errors(&b);
        if (rc == 0)
            rc = measure_labels(&b);
        if (rc == 0)
            rc = reliability(&b);
        if (rc == 0)
            rc = learning_curve(&b);
    }
    kt_round *round;
    int64_t suspects = 0, changed = 0;
    if (rc == 0)
        rc = checks(&b);
    if (rc == 0)
        rc = kt_suspects_count(r->s, r->p.id, &suspects, &changed, r->err);
    ret->n_suspects = (uint64_t)suspects;
    ret->n_suspects_changed = (uint64_t)changed;
    if (rc == 0)
        rc = kt_round_list(r->s, r->p.id, r->arena, &round, &ret->n_rounds, r->err);
    if (rc == 0) {
        ret->round = round;
        rc = functions(&b);
    }
    if (rc == 0)
        rc = people(&b);
    if (rc == 0)
        rc = proof(&b);
    kt_annotations_done(&b.a);
    kt_free(b.final);
    kt_free(b.of);
    return rc;
}
