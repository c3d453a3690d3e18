/* Plackett and Luce's model: of the things that are left, the next is chosen with a chance proportional to its strength. Hunter
   (2004, "MM algorithms for generalized Bradley-Terry models"): strength = stages won / Σ over stages it was in of 1 / (sum of
   the strengths left), again and again; every round raises the likelihood. The last place is not a stage: nothing is chosen. */
#include "algo/merge/rank.h"

#include "base/mem.h"

#include <math.h>

#define Z95 1.959963984540054
#define MOST_INVERTED 400 /* things whose information matrix is inverted; more get the diagonal's word for it */

static kt_rc check(const kt_rankings *r, kt_err *err)
{
    size_t *seen = kt_zalloc_array(r->n_things, sizeof(*seen));
    kt_rc rc = 0;
    for (size_t k = 0; k < r->n && rc == 0; k++)
        for (size_t x = r->start[k]; x < r->start[k + 1] && rc == 0; x++) {
            if (r->thing[x] >= r->n_things)
                rc = kt_fail(err, KT_RANGE, "ranking %zu: thing %u of %u", k, r->thing[x], r->n_things);
            else if (seen[r->thing[x]] == k + 1)
                rc = kt_fail(err, KT_RANGE, "ranking %zu names thing %u twice", k, r->thing[x]);
            else
                seen[r->thing[x]] = k + 1;
        }
    kt_free(seen);
    return rc;
}

static void count(const kt_rankings *r, kt_strengths *s)
{
    for (size_t k = 0; k < r->n; k++)
        for (size_t x = r->start[k]; x < r->start[k + 1]; x++) {
            s->wins[r->thing[x]] += x + 1 < r->start[k + 1];
            s->seen[r->thing[x]] += (uint32_t)KT_MIN(x + 1, r->start[k + 1] - 1) - (uint32_t)r->start[k];
        }
}

/* Marks what is reached from thing 0 over "beat" (or "lost to") edges. */
static size_t reach(const kt_rankings *r, bool down)
{
    bool *there = kt_zalloc_array(r->n_things, sizeof(*there)), changed = r->n_things > 0;
    size_t n = r->n_things > 0;
    if (n)
        there[0] = true;
    while (changed) {
        changed = false;
        for (size_t k = 0; k < r->n; k++) {
            size_t from = r->start[k], to = r->start[k + 1];
            bool found = false;
            for (size_t x = 0; x < to - from; x++) {
                uint32_t t = r->thing[down ? from + x : to - 1 - x];
                if (found && !there[t]) {
                    there[t] = changed = true;
                    n++;
                }
                found |= there[t];
            }
        }
    }
    kt_free(there);
    return n;
}

/* One MM round from s into next; returns the largest relative move. */
static double move(const kt_rankings *r, const kt_rank_opts *o, const kt_strengths *s, double *next)
{
    uint32_t n = s->n_things;
    double sum = 0, moved = 0, mean = 1.0 / n;
    for (uint32_t t = 0; t < n; t++)
        next[t] = o->prior > 0 ? 2 * o->prior / (s->strength[t] + mean) : 0;
    for (size_t k = 0; k < r->n; k++) {
        double left = 0, over = 0;
        for (size_t x = r->start[k]; x < r->start[k + 1]; x++)
            left += s->strength[r->thing[x]];
        for (size_t x = r->start[k]; x < r->start[k + 1]; x++) {
            if (x + 1 < r->start[k + 1])
                over += 1 / KT_MAX(left, 1e-300);
            next[r->thing[x]] += over;
            left -= s->strength[r->thing[x]];
        }
    }
    for (uint32_t t = 0; t < n; t++) {
        next[t] = next[t] > 0 ? (s->wins[t] + o->prior) / next[t] : s->strength[t];
        sum += next[t];
    }
    for (uint32_t t = 0; t < n; t++) {
        next[t] /= sum > 0 ? sum : 1;
        if (s->wins[t] || o->prior > 0) /* a strength of 0 is approached for ever, and moves nothing else */
            moved = KT_MAX(moved, fabs(next[t] - s->strength[t]) / KT_MAX(s->strength[t], 1e-300));
    }
    return moved;
}

/* Σ over stages of diag(p) - p pᵀ, p the chances of the things left: the information about log strengths. */
static void inform(const kt_rankings *r, const kt_strengths *s, double *info, bool whole)
{
    uint32_t n = s->n_things;
    for (size_t k = 0; k < r->n; k++)
        for (size_t stage = r->start[k]; stage + 1 < r->start[k + 1]; stage++) {
            double left = 0;
            for (size_t x = stage; x < r->start[k + 1]; x++)
                left += s->strength[r->thing[x]];
            for (size_t x = stage; x < r->start[k + 1] && left > 0; x++) {
                uint32_t a = r->thing[x];
                double p = s->strength[a] / left;
                info[whole ? (size_t)a * n + a : a] += whole ? p : p * (1 - p);
                for (size_t y = stage; whole && y < r->start[k + 1]; y++)
                    info[(size_t)a * n + r->thing[y]] -= p * s->strength[r->thing[y]] / left;
            }
        }
}

/* Inverts the symmetric positive definite n × n matrix m in place (Gauss-Jordan); false where it is not. */
static bool invert(double *m, uint32_t n)
{
    for (uint32_t c = 0; c < n; c++) {
        double pivot = m[(size_t)c * n + c];
        if (!(pivot > 1e-12))
            return false;
        m[(size_t)c * n + c] = 1;
        for (uint32_t x = 0; x < n; x++)
            m[(size_t)c * n + x] /= pivot;
        for (uint32_t row = 0; row < n; row++) {
            double f = m[(size_t)row * n + c];
            if (row == c)
                continue;
            m[(size_t)row * n + c] = 0;
            for (uint32_t x = 0; x < n; x++)
                m[(size_t)row * n + x] -= f * m[(size_t)c * n + x];
        }
    }
    return true;
}

/* Intervals of log strengths, whose mean is fixed: adding the same to all changes nothing, so the matrix gets 1 / n everywhere. */
static void set_intervals(const kt_rankings *r, const kt_rank_opts *o, kt_strengths *s)
{
    uint32_t n = s->n_things;
    bool whole = n <= MOST_INVERTED;
    double *info = kt_zalloc_array(whole ? (size_t)n * n : n, sizeof(*info));
    inform(r, s, info, whole);
    for (size_t x = 0; whole && x < (size_t)n * n; x++)
        info[x] += 1.0 / n + (x % (n + 1) == 0 ? o->prior / 2 : 0);
    bool known = (s->connected || o->prior > 0) && (!whole || invert(info, n));
    for (uint32_t t = 0; t < n; t++) {
        double variance = !known ? NAN : whole ? info[(size_t)t * n + t] - 1.0 / n : info[t] > 0 ? 1 / info[t] : NAN;
        double spread = exp(Z95 * sqrt(KT_MAX(variance, 0)));
        s->ci[2 * t] = isnan(variance) ? NAN : s->strength[t] / spread;
        s->ci[2 * t + 1] = isnan(variance) ? NAN : KT_MIN(s->strength[t] * spread, 1);
    }
    kt_free(info);
}

const kt_setting kt_rank_settings[] = {
    { "prior", "wins and losses of everything against one of mean strength", KT_SET_FLOAT, offsetof(kt_rank_opts, prior), 0, 1e6, NULL },
    { .name = NULL },
};

kt_rc kt_rank_fit(const kt_rankings *r, const kt_rank_opts *o, kt_arena *a, kt_strengths *ret, kt_err *err)
{
    const kt_rank_opts defaults = KT_RANK_OPTS_INIT;
    kt_strengths s = { .n_things = r->n_things };
    o = o ? o : &defaults;
    KT_TRY(check(r, err));
    s.strength = kt_arena_array(a, r->n_things, sizeof(double));
    s.ci = kt_arena_array(a, r->n_things, 2 * sizeof(double));
    s.wins = kt_arena_array(a, r->n_things, sizeof(uint32_t));
    s.seen = kt_arena_array(a, r->n_things, sizeof(uint32_t));
    count(r, &s);
    s.connected = reach(r, true) == r->n_things && reach(r, false) == r->n_things;
    double *next = kt_alloc_array(r->n_things, sizeof(*next));
    for (uint32_t t = 0; t < r->n_things; t++)
        s.strength[t] = 1.0 / r->n_things;
    while (r->n_things && s.rounds < o->n_iter && !s.converged) {
        s.converged = move(r, o, &s, next) <= o->tol;
        memcpy(s.strength, next, r->n_things * sizeof(*next));
        s.rounds++;
    }
    kt_free(next);
    if (r->n_things)
        set_intervals(r, o, &s);
    *ret = s;
    return 0;
}

void kt_rank_sources(const kt_rankings *r, const kt_strengths *s, const uint32_t *source, uint32_t n_sources, double *ret_share, double *ret_n)
{
    for (uint32_t j = 0; j < n_sources; j++)
        ret_share[j] = ret_n[j] = 0;
    for (size_t i = 0; i < r->n; i++)
        for (size_t x = r->start[i]; x + 1 < r->start[i + 1]; x++) {
            double above = s->strength[r->thing[x]], below = s->strength[r->thing[x + 1]];
            ret_share[source[i]] += above > below ? 1 : above < below ? 0 : 0.5;
            ret_n[source[i]]++;
        }
    for (uint32_t j = 0; j < n_sources; j++)
        ret_share[j] = ret_n[j] > 0 ? ret_share[j] / ret_n[j] : NAN;
}
