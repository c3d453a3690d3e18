/* What an answer says. Everything about people (answers, known answers, consensus, checks, majorities) compares numbers. Where an item has
   one label, the number is the label's. Where labels are sets or regions, each different answer of a project is one row, numbered in the
   order they first came; two answers are the same number exactly when they say the same. */
#ifndef KT_STORE_ANSWER_H
#define KT_STORE_ANSWER_H

#include "base/buf.h"
#include "store/project.h"

/* One label, or one region with its label: places in code points, end not included; 0, 0 in sets. */
typedef struct kt_answer_part {
    int32_t label;
    uint32_t start, end;
} kt_answer_part;

/* No part is an answer too: none of the labels, no region. */
typedef struct kt_answer_said {
    kt_answer_part *part;
    size_t n;
} kt_answer_said;

enum { KT_ANSWER_MAX_PARTS = 10000 };
#define KT_ANSWER_MAX_JSON ((size_t)16 << 20) /* what as many parts with the longest names come to in words, every byte escaped, and more */

/* Order in which parts are kept (by start, end, label); repeated ones go. In place; returns how many stay. */
size_t kt_answer_sort(kt_answer_part *v, size_t n);
/* KT_RANGE, with the part and what was expected: a label that is none, a region that is empty or beyond n_chars (UINT32_MAX: not known), more than one
   label in task classes, too many parts. Regions may overlap and nest; the same region may have several labels. */
kt_rc kt_answer_check(const kt_project *p, const kt_answer_said *a, uint32_t n_chars, kt_err *err) KT_MUST_USE;
/* The number of what is said (parts in any order): the label's own where an item has one; else found, or made in the current transaction. */
kt_rc kt_answer_number(kt_store *s, const kt_project *p, const kt_answer_said *a, int32_t *ret, kt_err *err) KT_MUST_USE;
/* What a number says; parts in arena. KT_NOTFOUND: no such answer. Negative numbers (no answer yet) say nothing. */
kt_rc kt_answer_get(kt_store *s, const kt_project *p, int32_t number, kt_arena *arena, kt_answer_said *ret, kt_err *err) KT_MUST_USE;
/* The member(s) by which events, exports and pages say it: "label":"x" or "label":null; "labels":["a","b"]; "spans":[{"start":0,"end":3,"label":"x"}]. */
kt_rc kt_answer_json(kt_store *s, const kt_project *p, int32_t number, kt_buf *ret, kt_err *err) KT_MUST_USE;
/* The name of that member: label, labels, spans. */
const char *kt_answer_field(kt_task task);
/* For people's eyes: "x"; "a, b" or "(none)"; "x 0-3, y 8-20". */
kt_rc kt_answer_text(kt_store *s, const kt_project *p, int32_t number, kt_buf *ret, kt_err *err) KT_MUST_USE;
/* All answers of a project by number, for the algorithms: parts of answer i are part[start[i]] .. part[start[i + 1]]; arrays live in arena. Task
   classes has none (*ret_n 0). */
kt_rc kt_answers_load(kt_store *s, const kt_project *p, kt_arena *arena, size_t **ret_start, kt_answer_part **ret_part, size_t *ret_n, kt_err *err) KT_MUST_USE;

#endif
