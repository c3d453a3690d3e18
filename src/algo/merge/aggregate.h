/* Merging votes into one label an item: the family of aggregators (aggregators.def, one file aggregate_NAME.c each). */
#ifndef KT_ALGO_AGGREGATE_H
#define KT_ALGO_AGGREGATE_H

#include "algo/merge/ballot.h"
#include "algo/stats_options.h"
#include "base/rng.h"

/* What a merge returns; everything lives in the arena. */
typedef struct kt_posterior {
    uint32_t n_items, n_labels, n_sources;
    double *prob;             /* n_items × n_labels, rows sum to 1; an item without votes: the method's prior */
    int32_t *label;           /* n_items: likeliest, ties to the smaller; -1 without votes */
    uint32_t *n_votes, *n_for; /* n_items: evidence: votes, and votes that name the label */
    double *source_accuracy;  /* n_sources: chance that a vote is right, as the method sees it; NaN without votes. majority, weighted
                                 majority and wawa: share of votes that agree with the majority, of which they are a part: no accuracy */
    double *source_ci;        /* n_sources × 2: 95 % interval of source_accuracy (of those three: of the agreement, by Wilson); NaN without
                                 votes. fast Dawid-Skene: as Dawid-Skene has it */
    double *source_confusion; /* n_sources × said × truth: P(said | truth); NULL where the method has none or it is large */
    double *prior;            /* n_labels: share of each label, as the method sees it */
    /* Only where the method has them, else NULL: */
    double *item_ease;        /* n_items: log ease (glad) */
    double *source_weight;    /* n_sources: weight of its votes (crowdlab, wawa, weighted majority) */
    double *source_ability;   /* n_sources: glad's alpha */
    double *source_spamming;  /* n_sources × 2: spams, knows (mace) */
    double *source_strategy;  /* n_sources × n_labels: what it answers when it spams (mace) */
    double power;             /* prob is the model's posterior to this power (auto, held_out.h); 0: as it is */
    const struct kt_disagreement *disagreement; /* auto */
    const struct kt_model_trust *model_trust;   /* auto beside a model's probabilities (beside_model.h) */
    const struct kt_copying *copying; /* auto and dawid_skene with correlated, where sources depend on each other (copying.h) */
} kt_posterior;

/* How far a merge is from the plain majority, and what makes it so. */
typedef struct kt_disagreement {
    uint32_t n_compared, n_differ;  /* items with an untied majority; those that got another label */
    double low, high;               /* 10 % and 90 % quantile of the sources' accuracies */
    int32_t said, truth;            /* the commonest mistake, and how often truth is called said; -1: none */
    double mistake;
    double hard;                    /* share of items on which votes tell little */
    bool alone;                     /* no item has two votes: accuracies and posteriors are an assumption */
} kt_disagreement;

typedef struct kt_aggregator {
    const char *name, *alias, *help; /* alias: another name it answers to, or NULL */
    const char *formula;       /* one or more lines for --explain */
    const kt_setting *options; /* ends with a row without a name; NULL: none */
    const void *defaults;      /* option_size bytes; NULL: no option struct */
    size_t option_size;        /* at most KT_AGGREGATE_OPTION_BYTES */
    enum { KT_NEEDS_NOTHING, KT_NEEDS_WEIGHTS, KT_NEEDS_PROBS } needs; /* what must stand in the option struct beside the votes */
    /* Votes in any order; abstentions do not count unless an option says so; a source that votes twice on an item counts
       twice. opt NULL: defaults. Same result for any pool, NULL among them. rng may be NULL: a fixed seed. KT_RANGE for ids
       or numbers out of bounds, KT_LIMIT where tables would not fit, KT_USAGE for a missing input. *ret is written on
       success only. */
    kt_rc (*fit)(const kt_votes *v, const void *opt, kt_rng *rng, kt_pool *pool, kt_arena *a, kt_posterior *ret, kt_err *err);
} kt_aggregator;

#define KT_AGGREGATE_OPTION_BYTES 128

#define KT_AGGREGATOR(name) extern const kt_aggregator kt_aggregate_##name;
#include "algo/merge/aggregators.def"
#undef KT_AGGREGATOR

extern const kt_aggregator *const kt_aggregators[]; /* NULL at the end */
const kt_aggregator *kt_aggregator_find(kt_str name);
/* Sets one option of m from "NAME=VALUE"; opt: m->option_size bytes that began as m->defaults. KT_USAGE. */
kt_rc kt_aggregate_options(const kt_aggregator *m, kt_str text, void *opt, kt_err *err) KT_MUST_USE;

typedef struct kt_majority_opts {
    const double *source_weight; /* n_sources, finite, >= 0, or NULL: every vote counts 1 (majority only) */
} kt_majority_opts;

typedef struct kt_dawid_skene_opts {
    int32_t n_iter;        /* rounds of EM; there is no early stop */
    int32_t abstain;       /* 1: an abstention is one more thing a source can say (not in one coin) */
    int32_t correlated;    /* 1: what sources that depend on each other agree on counts once (copying.h). Not in one coin */
    double pull;           /* pseudo-votes per true label towards the pooled confusion of all sources; 0: plain. Not in one coin */
    double uniform, right; /* pseudo-votes: on every label, and on top of it on the right one; 0: plain. In one coin: shared */
    double unnamed;        /* what a label that no vote on the item names keeps of its chance; 0 or 1: all. Not in one coin */
    double equal;          /* pseudo-items of every label in the shares of the labels; 0: plain. Not in one coin */
    const int32_t *gold;   /* n_items: known labels, -1 unknown; or NULL */
} kt_dawid_skene_opts;
/* For live projects, where sources with few votes are common: plain Dawid and Skene may let their lone votes drift. */
#define KT_DAWID_SKENE_FEW_VOTES ((kt_dawid_skene_opts){ .n_iter = 50, .pull = 4 })

typedef enum kt_mace_method { KT_MACE_VB, KT_MACE_EM } kt_mace_method;
typedef struct kt_mace_opts {
    int32_t method; /* kt_mace_method */
    int32_t n_iter, n_restarts;
    double alpha, beta, strategy_prior; /* vb: Beta(alpha, beta) of spamming, Dirichlet of the strategy */
    double smoothing;                   /* em: added to every count; < 0: 0.01 / n_labels */
    const double *init_spamming;        /* n_sources × 2 (spams, knows), or NULL: random */
    const double *init_strategy;        /* n_sources × n_labels, or NULL: random */
} kt_mace_opts;

typedef struct kt_glad_opts {
    int32_t n_iter;
    double tol; /* stop when no parameter moves more in a round */
} kt_glad_opts;

typedef struct kt_crowdlab_opts {
    const double *probs; /* n_items × n_labels: a model's probabilities, rows sum to 1; needed */
} kt_crowdlab_opts;

typedef struct kt_auto_opts {
    /* What aggregate_auto.c says at its top, as numbers: */
    double unnamed;    /* what a label that no vote on the item names keeps of its chance */
    double hard;       /* power on the confusions for hard items; a quarter of it for the hardest */
    double coin_share; /* of the posterior from one accuracy per source, */
    double coin_right, coin_wrong; /* which has these pseudo-votes */
    const double *probs; /* n_items × n_labels: a model's probabilities, rows sum to 1; or NULL */
    const int32_t *gold; /* n_items: known labels, -1 unknown; or NULL */
} kt_auto_opts;
#define KT_AUTO_OPTS_INIT { .unnamed = 0.2, .hard = 0.4, .coin_share = 0.25, .coin_right = 2.8, .coin_wrong = 1.2 }

/* ---- for members ---- */

/* Allocates *ret; n_items × n_labels and larger arrays with undefined contents, the rest zeroed; what only some methods have
   stays NULL. */
void kt_posterior_make(const kt_ballot *b, kt_arena *a, kt_posterior *ret);
/* prob: share of the votes; weight (n_sources) may be NULL; items whose weights sum to 0 fall back to plain shares;
   items without votes get uniform rows. prior: mean over items with votes. */
void kt_posterior_shares(const kt_ballot *b, const double *weight, kt_pool *pool, kt_posterior *ret);
/* label, n_votes, n_for from prob; items without votes: -1, and the prior as their row. */
void kt_posterior_labels(const kt_ballot *b, kt_pool *pool, kt_posterior *ret);
/* Shares and labels in one pass; source_accuracy: share of a source's votes equal to the label, and its interval. */
void kt_posterior_majority(const kt_ballot *b, const double *weight, kt_pool *pool, kt_posterior *ret);
/* Intervals of source_accuracy as it stands, from prob (source_intervals.c). cells: what the votes of b are numbered by, or NULL: sources. */
void kt_posterior_intervals(const kt_ballot *b, const kt_cells *cells, kt_pool *pool, kt_posterior *ret);
/* Sources whose accuracy cannot be told from guessing: their interval is wider than 0.2 and holds 1 / n_labels. ret_judged: sources with an interval. */
uint32_t kt_posterior_untold(const kt_posterior *p, uint32_t *ret_judged);
/* Wilson's 95 % interval around share of n votes, n need not be whole. */
void kt_wilson(double share, double n, double ret[2]);
/* 95 % interval of the mean of n shares (sum, and sum of their squares): Wilson's for as many votes of a proportion as have their variance. NaN
   without any. */
void kt_shares_interval(double sum, double squares, double n, double ret[2]);
/* 95 % interval of an accuracy over n votes whose truth is not known for sure: Wilson's with the information that is left when each
   vote is right with probability p, doubt = Σ p (1 - p) (Louis 1982: n - doubt / (a (1 - a))). NaN without votes. */
void kt_doubtful_interval(double accuracy, double n, double doubt, double ret[2]);
/* 95 % interval of a spread that was measured with dof degrees of freedom: chi square by Wilson and Hilferty's cube root. */
void kt_sd_interval(double sd, double dof, double ret[2]);
/* Fails unless probs is n × k of numbers from 0 to 1 with rows that sum to 1 within 1e-3. */
kt_rc kt_probs_check(const double *probs, size_t n, size_t k, kt_err *err) KT_MUST_USE;
/* Fails unless gold holds -1 or labels. */
kt_rc kt_gold_check(const int32_t *gold, size_t n, uint32_t n_labels, kt_err *err) KT_MUST_USE;

/* EM where a vote speaks only for its own label: posterior of c ∝ prior[c] Π ratio[index of vote] over the votes for c.
   Several fits side by side, in lanes, share the reading of the votes. */
typedef struct kt_own_em {
    const kt_ballot *b;
    const uint32_t *index; /* of each vote of the ballot, < n_index */
    size_t n_index;
    int lanes;             /* 1, or KT_OWN_LANES: every array below but prob has them as its last dimension */
    const double *ratio;   /* n_index, > 0: P(vote | its label is true) / P(vote | another is) */
    const double *prior;   /* n_labels */
    double *prob;          /* out: n_items × n_labels; NULL: not wanted. One lane only */
    double *right;         /* out: n_index: Σ prob[item][label] over the votes of the index */
    double *share;         /* out: n_labels: Σ prob over items with votes */
    double *log_lik;       /* out: Σ over items of log Σ_c prior Π ratio; NULL: not wanted */
} kt_own_em;
#define KT_OWN_LANES 4
void kt_own_em_round(kt_own_em *e, kt_pool *pool);
/* right and share from prob as it stands; one lane. */
void kt_own_em_count(kt_own_em *e, kt_pool *pool);

#endif
