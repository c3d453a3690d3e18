/* Answers that came with the records, in a field of each: trusted ones, and held-back truth. Read as what a labeling function of its own would say. */
#ifndef KT_STAGE_GIVEN_H
#define KT_STAGE_GIVEN_H

#include "provider/functions.h"
#include "stage/config.h"
#include "store/answer.h"

typedef struct kt_given {
    kt_functions *f;
    kt_functions_scratch *s;
    kt_marks marks; /* of the item read last, as it said them: places and labels, each once */
    uint64_t bad;   /* items whose field could not be read … */
    char id[64], said[160]; /* … the first of them, and why */
} kt_given;

/* name: of the field; empty: there is none, and nothing is ever read. */
kt_rc kt_given_open(const kt_project *p, const kt_config *c, kt_str name, kt_arena *a, kt_given *ret, kt_err *err) KT_MUST_USE;
void kt_given_close(kt_given *x);
/* Whether the item has an answer there; an empty list is one, too. A field that says what cannot be is none, and is counted. */
bool kt_given_read(kt_given *x, const kt_item *it);
/* What was read, as an answer's parts in their order, appended to ret (KT_PUSH). */
typedef KT_VEC(kt_answer_part) kt_answer_parts;
size_t kt_given_parts(const kt_given *x, kt_answer_parts *ret);

#endif
