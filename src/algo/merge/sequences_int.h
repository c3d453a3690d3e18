/* Between the parts of merging sequences: a first truth that cannot drift away from its names. */
#ifndef KT_ALGO_SEQUENCES_INT_H
#define KT_ALGO_SEQUENCES_INT_H

#include "algo/merge/sequences.h"

/* Tags of all sequences, one after the other (start), from the answers' spans: those that overlap are one, whether it is there and as
   what by auto (regions.h), its borders by the discrete offsets of the sources. tag: of answer a own[a] .., valid. ret: all tokens. */
kt_rc kt_sequences_anchor(const kt_sequence_answers *v, const int32_t *tag, const size_t *own, const size_t *start, kt_pool *pool, int32_t *ret,
                          kt_err *err) KT_MUST_USE;

#endif
