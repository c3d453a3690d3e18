/* What others are to be told, kept until they have heard it: written in the transaction of what happened, sent afterwards. */
#ifndef KT_STORE_NOTICE_H
#define KT_STORE_NOTICE_H

#include "store/project.h"

typedef struct kt_notice {
    int64_t id, project;
    kt_str kind;      /* "route.reopened" */
    kt_str body;      /* a JSON object */
    int64_t tries;    /* so far, all in vain */
    kt_str error;     /* of the last one */
} kt_notice;

typedef struct kt_notice_counts {
    int64_t waiting, failing, sent, given_up; /* failing: of those that wait, tried in vain */
    kt_str error;     /* the last one that is not over; empty: none */
} kt_notice_counts;

/* body without its closing brace: the notice's id is added. In the current transaction. */
kt_rc kt_notice_add(kt_store *s, int64_t project, kt_str kind, kt_str body, kt_err *err) KT_MUST_USE;
/* Up to max of any project that are due by now_us, oldest first, into a. project 0: of all. */
kt_rc kt_notice_due(kt_store *s, int64_t project, int64_t now_us, int max, kt_arena *a, kt_notice **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* How a try went: error empty: heard; else again at next_us, or never when that is 0. In the current transaction. */
kt_rc kt_notice_tried(kt_store *s, int64_t id, int64_t now_us, kt_str error, int64_t next_us, kt_err *err) KT_MUST_USE;
kt_rc kt_notice_count(kt_store *s, int64_t project, kt_arena *a, kt_notice_counts *ret, kt_err *err) KT_MUST_USE;

#endif
