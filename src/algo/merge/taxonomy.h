/* Merging labels that are nodes of a tree: answers of any depth, one answer as deep as the votes carry it. */
#ifndef KT_ALGO_TAXONOMY_H
#define KT_ALGO_TAXONOMY_H

#include "algo/merge/aggregate.h"

typedef struct kt_taxonomy_opts {
    double target;  /* the answer is the deepest node whose posterior reaches it */
    double pull;    /* pseudo-votes of a source's accuracy on a level towards that of all */
    int32_t n_iter; /* most rounds */
} kt_taxonomy_opts;
#define KT_TAXONOMY_OPTS_INIT { .target = 0.8, .pull = 4, .n_iter = 100 }
extern const kt_setting kt_taxonomy_options[];

/* In the arena; NaN where there are no votes. Levels: 0 chooses among the roots, 1 among their children, … */
typedef struct kt_taxonomy_merge {
    uint32_t n_items, n_sources, n_nodes, n_levels;
    int32_t *label;            /* n_items: the answer; -1: no votes, or not even a root reaches the target */
    int32_t *deepest;          /* n_items: likeliest node all the way down, among those that votes name or pass; -1 without votes */
    double *prob;              /* n_items: posterior of label: the truth is that node or below it; 1 for -1 with votes */
    uint32_t *n_votes, *n_for, *n_above; /* n_items: votes; those for the label or below it; those for a node above it */
    size_t *start;             /* n_items + 1: the nodes that votes on the item name or pass are node[start[i]] .., with their posteriors */
    uint32_t *node;
    double *node_prob;
    double *share;             /* n_nodes: of the items, at or below the node */
    double *source_accuracy, *source_ci; /* n_sources, × 2: chance that the truth is at or below what it says */
    double *level_accuracy, *level_ci, *level_votes; /* n_sources × n_levels (× 2): of choosing right there, having been right above; votes
                                                        that count for it */
} kt_taxonomy_merge;

/* parent: v->n_labels nodes, -1 for a root; the truth of an item is a leaf. A vote walks down from the root: on level d the source takes
   the right child with its accuracy there, else a sibling as all sources confuse it (pooled, with uniform pseudo-votes); once off the
   way it chooses evenly; where it stops tells nothing. So a vote for an inner node is evidence for its leaves, alike for all. Posterior
   by EM, over the nodes that votes touch and their siblings only: time votes × depth × children, memory votes × depth. Same for any pool.
   KT_RANGE: ids out of bounds, a parent that is no node, a circle. */
kt_rc kt_taxonomy_fit(const kt_votes *v, const int32_t *parent, const kt_taxonomy_opts *o, kt_pool *pool, kt_arena *a, kt_taxonomy_merge *ret,
                      kt_err *err) KT_MUST_USE;

#endif
