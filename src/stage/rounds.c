/* The figures of a round. Log loss is of the model's confidence in its first label, which is what routing goes by: -log s where that was
   right, -log (1 - s) where it was not. Out of fold figures are of items that were chosen to be learned from, so they say how rounds
   compare, not how good the model is on everything; the trusted sample does. */
#include "stage/rounds.h"

#include "algo/stats.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "stage/parts.h"
#include "store/consensus.h"

#include <math.h>

#define LEAST 1e-6 /* of a probability, so that one sure mistake does not weigh more than all others together */

void kt_round_figures(const float *score, const uint8_t *right, size_t n, kt_round *ret)
{
    double ci[2] = { NAN, NAN }, sum = 0, squares = 0;
    uint64_t n_right = 0;
    for (size_t i = 0; i < n; i++) {
        double p = right[i] ? (double)score[i] : 1 - (double)score[i], loss = -log(KT_MIN(KT_MAX(p, LEAST), 1.0));
        n_right += right[i];
        sum += loss;
        squares += loss * loss;
    }
    if (n)
        kt_clopper_pearson(n_right, n, 0.95, ci);
    double mean = n ? sum / (double)n : NAN, sd = n > 1 ? sqrt(KT_MAX(0.0, squares / (double)n - mean * mean) / (double)(n - 1)) : NAN;
    ret->n_measured = (int64_t)n;
    ret->accuracy = n ? (double)n_right / (double)n : NAN;
    ret->lo = ci[0];
    ret->hi = ci[1];
    ret->log_loss = mean;
    ret->log_loss_lo = KT_MAX(0.0, mean - 1.96 * sd);
    ret->log_loss_hi = mean + 1.96 * sd;
    if (isnan(sd))
        ret->log_loss_lo = ret->log_loss_hi = NAN;
}

static kt_str hex(kt_run *r, const kt_digest *d)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(80);
    kt_buf_hex(&b, d->b, 16);
    return kt_arena_str(r->arena, KT_BUF_STR(&b));
}

static kt_str settings(kt_run *r)
{
    const kt_config *c = r->c;
    KT_AUTO(kt_buf) b = KT_BUF_INIT(4096);
    kt_buf_printf(&b, "{\"kind\":\"%s\",\"words\":%lld,\"chars\":%lld,\"epochs\":%lld,\"seed\":%lld,\"functions\":%u,\"strategy\":", c->tree ? "tree" : kt_task_of(r)->model, (long long)c->words,
                  (long long)c->chars, (long long)c->epochs, (long long)c->seed, r->m);
    kt_buf_json(&b, c->strategy);
    kt_buf_char(&b, '}');
    return kt_arena_str(r->arena, KT_BUF_STR(&b));
}

static void describe(kt_run *r, size_t n_labels, const kt_digest *data, const kt_taught *m, kt_round *ret)
{
    KT_AUTO(kt_buf) bytes = KT_BUF_INIT((size_t)8 << 30);
    kt_task_of(r)->bytes(m, &bytes);
    kt_digest model = kt_digest_of(KT_BUF_STR(&bytes));
    ret->n_labels = (int64_t)n_labels;
    ret->data = hex(r, data);
    ret->model = hex(r, &model);
    ret->settings = settings(r);
    ret->automation = NAN;
}

kt_rc kt_round_learned(kt_run *r, const kt_lesson *l, const kt_taught *m, kt_round *ret)
{
    size_t n = 0;
    describe(r, l->n, &l->data, m, ret);
    ret->measured_on = r->c->tree ? KT_S("the answered items, out of fold, by a flat model") : KT_S("the answered items, out of fold");
    if (l->n < 2 * KT_LEARN_FOLDS) { /* too few to hold some back: no figures */
        kt_round_figures(NULL, NULL, 0, ret);
        return 0;
    }
    float *score = kt_alloc_array(r->n_pool + 1, sizeof(*score));
    uint64_t *print = kt_alloc_array(r->n_pool + 1, sizeof(*print));
    uint8_t *right = kt_alloc(l->n + 1);
    kt_rc rc = kt_task_of(r)->cross(r, l, score, print);
    for (size_t i = 0; i < r->n_pool && rc == 0; i++) {
        if (!l->has[i])
            continue;
        right[n] = print[i] == kt_lesson_print(r, l, i);
        score[n++] = score[i];
    }
    if (rc == 0)
        kt_round_figures(score, right, n, ret);
    kt_free(score);
    kt_free(print);
    kt_free(right);
    return rc;
}

static double automation(const kt_run *r)
{
    uint64_t all = 0, machine = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        all += r->state[i] != KT_ITEM_DUPLICATE;
        machine += r->state[i] == KT_ITEM_AUTO;
    }
    return all ? (double)machine / (double)all : NAN;
}

kt_rc kt_round_answers(kt_run *r, float **ret_score, uint8_t **ret_right, size_t *ret_n)
{
    kt_consensus *all;
    size_t n_all;
    *ret_n = 0;
    KT_TRY(kt_consensus_load(r->s, r->p.id, r->arena, &all, &n_all, r->err));
    *ret_score = kt_alloc_array(n_all + 1, sizeof(float));
    *ret_right = kt_alloc(n_all + 1);
    kt_rc rc = 0;
    for (size_t i = 0; i < n_all && rc == 0; i++)
        if (r->state[all[i].item] == KT_ITEM_TRUSTED && all[i].state == KT_FINAL_GOLD) {
            (*ret_score)[*ret_n] = r->pred[all[i].item].score;
            rc = kt_run_right(r, all[i].item, all[i].label, &(*ret_right)[(*ret_n)++]);
        }
    kt_free(all);
    if (rc < 0) {
        *ret_score = kt_free(*ret_score);
        *ret_right = kt_free(*ret_right);
    }
    return rc;
}

kt_rc kt_round_trusted(kt_run *r, kt_round *ret)
{
    size_t n;
    float *score;
    uint8_t *right;
    KT_TRY(kt_round_answers(r, &score, &right, &n));
    describe(r, r->n_learned, &r->learned, &r->model, ret);
    ret->measured_on = KT_S("the trusted sample");
    kt_round_figures(score, right, n, ret);
    ret->automation = automation(r);
    kt_free(score);
    kt_free(right);
    return 0;
}
