/* Merging spans several people marked, where only the exact answer counts: which are there and as what, where exactly, and how sure the whole is. */
#ifndef KT_ALGO_SPANS_H
#define KT_ALGO_SPANS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"

typedef struct kt_span {
    uint32_t start, end; /* in any unit of places, end not included */
    int32_t label;
} kt_span;

/* An answer says that a source looked at an item, and stands there also when it saw nothing. Spans may overlap and nest. */
typedef struct kt_span_answers {
    size_t n;
    uint32_t n_items, n_sources, n_labels;
    const uint32_t *item, *source; /* n; each pair once */
    const size_t *start;           /* n + 1: spans of answer a are span[start[a]] .. span[start[a + 1] - 1] */
    const kt_span *span;
} kt_span_answers;

/* In the arena; items without answers have no span and posterior NaN. */
typedef struct kt_merged_spans {
    size_t *start;           /* n_items + 1 */
    kt_span *span;           /* by start, end, label */
    double *prob;            /* of each: that exactly this is a span of the label */
    double *posterior;       /* n_items: that the spans are all there are, exactly: the product over what was marked by anybody */
    uint32_t *n_votes;       /* n_items: answers */
    double *source_accuracy; /* n_sources: of saying of a span what it is, or that there is none; NaN without answers */
    double *source_exact;    /* n_sources: of both borders of a span that is there; the prior's 0.8 where it marked none */
} kt_merged_spans;

/* Spans of different sources that share a third of their places are one (regions.h), and 'auto' says from who drew it and who looked whether it
   is there and as what. Where exactly is a question of its own: the candidates are the borders somebody gave and OTHER_BORDERS unsaid ones, and
   a source gives the right ones with a chance found by EM (one coin, Dawid and Skene 1979); a mean of borders would lie where nobody's is. Time: pairs
   of spans on an item. KT_RANGE for ids or ends that are wrong. */
kt_rc kt_spans_merge(const kt_span_answers *v, kt_pool *pool, kt_arena *a, kt_merged_spans *ret, kt_err *err) KT_MUST_USE;

#endif
