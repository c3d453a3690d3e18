/* Known answers: mixed blind into annotators' work to see how well they do. */
#ifndef KT_STORE_GOLD_H
#define KT_STORE_GOLD_H

#include "store/project.h"

/* Adds items with their labels (numbers of answers); those already there keep their label. One event. */
kt_rc kt_gold_add(kt_store *s, const kt_project *p, const uint32_t *items, const int32_t *labels, size_t n, kt_err *err) KT_MUST_USE;

#endif
