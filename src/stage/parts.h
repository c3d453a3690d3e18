/* Where labels are sets or regions, what a run knows of answers besides their numbers: what the machine says of every item and what was held back are
   not numbered (store/answer.h), they are compared by 64-bit fingerprints of their parts. 16 bytes an item, and the parts of the truth. */
#ifndef KT_STAGE_PARTS_H
#define KT_STAGE_PARTS_H

#include "stage/given.h"
#include "stage/run.h"

typedef struct kt_parts {
    size_t *start;          /* n + 1: held-back truth of item i is truth.v[start[i]] .. truth.v[start[i + 1] - 1] */
    kt_answer_parts truth;
    uint64_t *truth_print;  /* n; 0: nothing is held back of it */
    uint64_t *said_print;   /* n: of what the machine says; 0: nothing */
    KT_VEC(uint64_t) print; /* of the project's answers, by number, as far as anybody asked */
    kt_item_reader *reader; /* for who needs the text of one item; NULL until then */
    /* of the pool */
    uint8_t *weak_said;     /* n_pool: functions say something of it */
    float *weak;            /* sets: n_pool × k, the label model's chances; 0: nobody names the label */
    struct kt_span_pool *spans; /* regions: the pool's tokens (learn_spans.c) */
} kt_parts;

/* Of an answer's parts in their order; never 0. */
uint64_t kt_parts_print(const kt_answer_part *v, size_t n);

/* Whether an item has the answer of this number by the machine, or by the held-back truth. Negative numbers are no answers. Any task. */
kt_rc kt_run_right(kt_run *r, uint32_t item, int32_t number, uint8_t *ret) KT_MUST_USE;
kt_rc kt_run_true(kt_run *r, uint32_t item, int32_t number, uint8_t *ret) KT_MUST_USE;
/* The same of what the machine says; false where either is not known. */
bool kt_run_machine_true(const kt_run *r, uint32_t item);
/* Numbers of what the machine says of n items, in any order, each of which it says something of; in a transaction. */
kt_rc kt_run_numbers(kt_run *r, const uint32_t *item, size_t n, int32_t *ret) KT_MUST_USE;

/* Reads trusted answers and held-back truth of all items: *ret_gold of ret_item numbered answers, in a transaction of its own when there are new ones
   (ret_number). r->truth becomes 0 where there is one. Memory for *ret_item and *ret_number is the caller's to free. */
kt_rc kt_parts_known(kt_run *r, uint32_t **ret_item, int32_t **ret_number, size_t *ret_n) KT_MUST_USE;
/* An item of the project by number; views live until the next one. */
kt_rc kt_parts_item(kt_run *r, uint32_t item, kt_item *ret) KT_MUST_USE;
void kt_parts_free(kt_run *r);

/* The marks of one item: v[*at .. ) as long as they are of row. Steps *at over them. */
size_t kt_parts_row(const kt_machine_mark *v, size_t n, uint32_t row, size_t *at);
/* As an answer's parts, in their order; appended to ret. */
size_t kt_parts_of_marks(const kt_machine_mark *v, size_t n, kt_answer_parts *ret);

#endif
