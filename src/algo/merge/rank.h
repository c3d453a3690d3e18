/* Strengths from comparisons and rankings: Bradley and Terry (1952), Plackett (1975) and Luce (1959). */
#ifndef KT_ALGO_RANK_H
#define KT_ALGO_RANK_H

#include "algo/stats_options.h"
#include "base/arena.h"

/* Rankings, best first: ranking r is thing[start[r]] .. thing[start[r + 1] - 1]. A comparison is a ranking of two. */
typedef struct kt_rankings {
    size_t n;
    uint32_t n_things;
    const size_t *start;   /* n + 1 */
    const uint32_t *thing; /* < n_things, none twice in a ranking */
} kt_rankings;

typedef struct kt_rank_opts {
    int32_t n_iter; /* most rounds */
    double tol;     /* stop when no strength moves by more, relatively */
    double prior;   /* wins and losses that every thing has against one of mean strength; 0: maximum likelihood */
} kt_rank_opts;
#define KT_RANK_OPTS_INIT { .n_iter = 100000, .tol = 1e-10 }

extern const kt_setting kt_rank_settings[]; /* what users may set */

typedef struct kt_strengths {
    uint32_t n_things;
    double *strength;   /* n_things, sum 1: P(a before b) = strength[a] / (strength[a] + strength[b]) */
    double *ci;         /* n_things × 2: 95 % interval, from the observed information of log strengths; NaN where not known */
    uint32_t *wins, *seen; /* stages won, and stages taken part in */
    int32_t rounds;
    bool converged;
    bool connected;     /* every thing is both above and below others, directly or not: the strengths are comparable */
} kt_strengths;

/* Maximum likelihood by Hunter's MM (2004), in the arena. KT_RANGE for a thing out of bounds or twice in one ranking. */
kt_rc kt_rank_fit(const kt_rankings *r, const kt_rank_opts *o, kt_arena *a, kt_strengths *ret, kt_err *err) KT_MUST_USE;
/* How often each source agrees with the strengths: of the neighbours in its rankings, the share that stands in their order (equal strengths:
   half). source: r->n, < n_sources. ret_share (n_sources; NaN: none), ret_n. O(things ranked). */
void kt_rank_sources(const kt_rankings *r, const kt_strengths *s, const uint32_t *source, uint32_t n_sources, double *ret_share, double *ret_n);

#endif
