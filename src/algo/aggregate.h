/* Merging votes into one label an item: the family of aggregators (aggregators.def, one file aggregate_NAME.c each). */
#ifndef KT_ALGO_AGGREGATE_H
#define KT_ALGO_AGGREGATE_H

#include "algo/stats_options.h"
#include "algo/votes.h"
#include "base/arena.h"
#include "base/pool.h"
#include "base/rng.h"

/* What a merge returns; everything lives in the arena. */
typedef struct kt_posterior {
    uint32_t n_items, n_labels, n_sources;
    double *prob;             /* n_items × n_labels, rows sum to 1; an item without votes: the method's prior */
    int32_t *label;           /* n_items: likeliest, ties to the smaller; -1 without votes */
    double *source_accuracy;  /* n_sources: chance that a vote is right, as the method sees it; NaN without votes */
    double *source_confusion; /* n_sources × said × truth: P(said | truth); NULL where the method has none or it is large */
    double *prior;            /* n_labels: share of each label, as the method sees it */
    double *item_ease;        /* n_items: log ease (GLAD), else NULL */
} kt_posterior;

typedef struct kt_aggregator {
    const char *name, *help;
    const kt_setting *options; /* ends with a row without a name; NULL: none */
    const void *defaults;      /* option_size bytes; NULL: no option struct */
    size_t option_size;        /* at most KT_AGGREGATE_OPTION_BYTES */
    /* Votes in any order; abstentions do not count; a source that votes twice on an item counts twice. opt NULL:
       defaults. Same result for any pool, NULL among them. rng may be NULL for methods without random starts (all but
       mace). KT_RANGE for ids out of bounds, KT_LIMIT where tables would not fit. *ret is written on success only. */
    kt_rc (*fit)(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err);
} kt_aggregator;

#define KT_AGGREGATE_OPTION_BYTES 128

#define KT_AGGREGATOR(name) extern const kt_aggregator kt_aggregate_##name;
#include "algo/aggregators.def"
#undef KT_AGGREGATOR

extern const kt_aggregator *const kt_aggregators[]; /* NULL at the end */
const kt_aggregator *kt_aggregator_find(kt_str name);
/* Sets one option of m from "NAME=VALUE"; opt: m->option_size bytes that began as m->defaults. KT_USAGE. */
kt_rc kt_aggregate_options(const kt_aggregator *m, kt_str text, void *opt, kt_err *err) KT_MUST_USE;

typedef struct kt_majority_opts {
    const double *source_weight; /* n_sources, >= 0, or NULL: every vote counts 1 */
} kt_majority_opts;

typedef struct kt_dawid_skene_opts {
    int32_t n_iter;      /* rounds of EM; there is no early stop */
    double pull;         /* pseudo-votes per true label towards the pooled confusion of all sources; 0: plain. Not in one coin */
    const int32_t *gold; /* n_items: known labels, -1 unknown; or NULL */
} kt_dawid_skene_opts;
/* For live projects, where sources with few votes are common: plain Dawid and Skene may let their lone votes drift. */
#define KT_DAWID_SKENE_FEW_VOTES ((kt_dawid_skene_opts){ .n_iter = 50, .pull = 4 })

typedef enum kt_mace_method { KT_MACE_VB, KT_MACE_EM } kt_mace_method;
typedef struct kt_mace_opts {
    int32_t method; /* kt_mace_method */
    int32_t n_iter, n_restarts;
    double alpha, beta, strategy_prior; /* vb: Beta(alpha, beta) of spamming, Dirichlet of the strategy */
    double smoothing;                   /* em: added to every count; < 0: 0.1 / n_labels */
    const double *init_spamming;        /* n_sources × 2 (spams, knows), or NULL: random */
    const double *init_strategy;        /* n_sources × n_labels, or NULL: random */
} kt_mace_opts;

typedef struct kt_glad_opts {
    int32_t n_iter;
    double tol; /* stop when no posterior moves more */
} kt_glad_opts;

/* ---- for members ---- */

/* Votes grouped by item, abstentions left out: those of item i are start[i] .. start[i + 1] - 1. In the arena. */
typedef struct kt_ballot {
    uint32_t n_items, n_labels, n_sources, n_voted; /* n_voted: items with a vote */
    uint32_t *start;
    uint32_t *source;
    int32_t *label;
    uint32_t most; /* votes on one item */
} kt_ballot;

kt_rc kt_ballot_make(const kt_votes *v, kt_arena *a, kt_ballot *ret, kt_err *err) KT_MUST_USE;
/* Parts that a pass over the items is cut into, a function of sizes alone; table: doubles each part accumulates in. */
size_t kt_ballot_parts(const kt_ballot *b, size_t table);
/* First item of a part (part = parts: n_items). */
uint32_t kt_ballot_part(const kt_ballot *b, size_t part, size_t parts);

/* Allocates *ret, zeroed; source_confusion and item_ease stay NULL. */
void kt_posterior_make(const kt_ballot *b, kt_arena *a, kt_posterior *ret);
/* prob: share of the votes; weight (n_sources) may be NULL; items whose weights sum to 0 fall back to plain shares;
   items without votes get uniform rows. prior: mean over items with votes. */
void kt_posterior_shares(const kt_ballot *b, const double *weight, kt_posterior *ret);
/* label from prob; items without votes: -1, and the prior as their row. */
void kt_posterior_labels(const kt_ballot *b, kt_posterior *ret);
/* source_accuracy: share of a source's votes equal to the consensus. Needs label. */
void kt_posterior_agreement(const kt_ballot *b, kt_posterior *ret);

/* EM where a vote speaks only for its own label: posterior of c ∝ prior[c] Π ratio[cell of vote] over the votes for c. */
typedef struct kt_own_em {
    const kt_ballot *b;
    const uint32_t *cell; /* of each vote of the ballot, < n_cells */
    size_t n_cells;
    const double *ratio;  /* n_cells, > 0: P(vote | its label is true) / P(vote | another is) */
    const double *prior;  /* n_labels */
    double *prob;         /* out: n_items × n_labels */
    double *right;        /* out: n_cells: Σ prob[item][label] over the votes of the cell */
    double *share;        /* out: n_labels: Σ prob over items with votes */
} kt_own_em;
void kt_own_em_round(kt_own_em *e, kt_pool *pool);
/* right and share from prob as it stands. */
void kt_own_em_count(kt_own_em *e, kt_pool *pool);

#endif
