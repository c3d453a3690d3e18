/* What export writes of answers that are sets or regions: people's by number, the machine's from its packed column. */
#ifndef KT_STAGE_EXPORT_ANSWERS_H
#define KT_STAGE_EXPORT_ANSWERS_H

#include "stage/marks.h"
#include "store/answer.h"

typedef struct kt_export_answers {
    kt_store *s;
    const kt_project *p;
    size_t *start, n_known;  /* of the project's answers, by number … */
    kt_answer_part *part;    /* … their parts */
    kt_buf chunk;            /* kt_machine_mark of the items from first on … */
    uint32_t first;
    size_t *at;              /* … where those of each of them begin; one more */
    KT_VEC(kt_machine_mark) far; /* of canonical items whose duplicates are in another chunk; row: the item */
    uint8_t *spoken;         /* n_items: a function says something of it; NULL: not asked */
    kt_arena arena;
} kt_export_answers;

/* cluster: canonical item of each. spoken: whether functions speak of an item is to be known. */
kt_rc kt_export_answers_open(kt_store *s, const kt_project *p, const uint32_t *cluster, bool spoken, kt_export_answers *ret, kt_err *err) KT_MUST_USE;
void kt_export_answers_close(kt_export_answers *x);
/* Before anything is said of items from `first` on, a multiple of a window that divides a column chunk. */
kt_rc kt_export_answers_window(kt_export_answers *x, uint32_t first, kt_err *err) KT_MUST_USE;

typedef enum kt_export_how {
    KT_EXPORT_MEMBERS,   /* "labels":[…] or "spans":[…], as members of an object; the machine's regions with the chance of each */
    KT_EXPORT_FUNCTIONS, /* the same with the chance of each label of a set: of projects where functions alone label */
    KT_EXPORT_LINE,      /* a|b */
} kt_export_how;
/* number: of people's answer, or negative: what the machine says of the item. In a; from any thread. */
kt_str kt_export_answer(const kt_export_answers *x, int32_t number, uint32_t item, kt_export_how how, kt_arena *a);

#endif
