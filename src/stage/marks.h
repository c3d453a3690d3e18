/* Functions where labels are not one an item: sets of labels, or regions of texts. They mark, and the marks are weighed label by label. Where nobody else
   is asked (no section of the pipeline is about people or models) what comes out are the machine's labels; else a model learns from it. */
#ifndef KT_STAGE_MARKS_H
#define KT_STAGE_MARKS_H

#include "stage/machine.h"

/* KT_RANGE, with what is not there, unless the task is one label an item. what: "trying a rule", … */
kt_rc kt_task_needs_classes(kt_task task, const char *what, kt_err *err) KT_MUST_USE;

/* ---- votes: marks.c; the counterpart of what kt_functions_run does for one vote an item ---- */

#define KT_MARKS KT_S("marks") /* the column: packed kt_mark, row: place in the chunk */

typedef struct kt_marks_work {
    kt_store *s;
    const kt_project *p;
    kt_functions *f;
    const uint32_t *cluster;
    uint32_t m_past;
    const int32_t *from;            /* per function: its number in the column as it is; -1: it runs */
    kt_functions_scratch **scratch; /* KT_SCAN_SLOTS; NULL: none runs */
} kt_marks_work;
/* Writes the column anew, in a transaction: what runs is run, the rest moved. fault: per function, filled. */
kt_rc kt_marks_write(const kt_marks_work *w, kt_item_reader *r, kt_pool *pool, kt_progress *progress, kt_function_fault *fault, kt_err *err) KT_MUST_USE;
/* The marks of the chunk that begins at first; the caller frees ret->v. */
kt_rc kt_marks_read(kt_store *s, int64_t project, uint32_t first, kt_marks *ret, kt_err *err) KT_MUST_USE;

/* ---- labels: marks_denoise.c ---- */

typedef struct kt_marks_figures {  /* of one function */
    uint64_t marks, items, overlaps, conflicts; /* items: with a mark of it; of them, with another's on the same label or place; against another's */
    double precision, recall;      /* as the label model sees them; NaN: it never fires. Recall is of a rule's own label */
    uint64_t gold_n, gold_right;   /* its marks on items with trusted labels, and those that are among them, exactly */
} kt_marks_figures;

typedef struct kt_marks_result {
    kt_task task;
    uint32_t m;
    uint64_t n_items, n_canonical, n_covered, n_labels; /* covered: a function says something; labels: given by machine */
    uint64_t n_gold, gold_marks, right, said;           /* items with trusted labels; trusted marks on them, the machine's that are right, and the machine's */
    uint64_t n_rows, n_left_out;                        /* of the export */
    kt_marks_figures *function; /* m; in the arena */
} kt_marks_result;

/* Weighs the marks and writes what comes out into a column where they are new: KT_MACHINE_MARKS, or KT_WEIGHED_MARKS where a model learns from it; measures
   in any case. */
kt_rc kt_marks_denoise(kt_store *s, const kt_project *p, const kt_config *c, const kt_functions *f, const uint32_t *cluster, kt_str column, kt_arena *a,
                       kt_marks_result *ret, kt_err *err) KT_MUST_USE;
void kt_marks_text(const kt_marks_result *r, const kt_project *p, const kt_functions *f, const kt_function_fault *fault, kt_buf *ret);
void kt_marks_json(const kt_marks_result *r, const kt_project *p, const kt_functions *f, const kt_function_fault *fault, kt_buf *ret);

/* One label the machine gave: a packed value of column "machine.marks", which is what the machine says in the end. "weighed.marks" is what the functions
   come to: of sets each label that any of them names, with its chance; of regions those that are likelier than not. */
typedef struct kt_machine_mark {
    uint32_t row;
    int16_t label;
    uint16_t zero;
    uint32_t start, end;
    float chance;
} kt_machine_mark;
#define KT_MACHINE_MARKS KT_S("machine.marks")
#define KT_WEIGHED_MARKS KT_S("weighed.marks")

#endif
