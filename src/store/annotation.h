/* People's answers, one row each, never overwritten: an undone one stays with its withdrawal time. */
#ifndef KT_STORE_ANNOTATION_H
#define KT_STORE_ANNOTATION_H

#include "store/queue.h"

#define KT_LABEL_SKIP (-1) /* "not for me": the item goes to somebody else */

typedef struct kt_annotation {
    int64_t id;          /* its event's sequence number */
    uint32_t item;
    int64_t user;
    int32_t label;       /* the answer's number (store/answer.h), or KT_LABEL_SKIP */
    bool flagged, gold;  /* flagged: the person asks for a second look */
    kt_queue queue;
    int64_t at_us, duration_us;
    kt_str comment, user_name;
} kt_annotation;

typedef struct kt_submit {
    int64_t token;    /* of the lease */
    uint32_t item;
    int32_t label;    /* the answer's number, or KT_LABEL_SKIP */
    bool flagged;
    kt_str comment;   /* may be empty */
    kt_str client_id; /* made by the client; the same one again changes nothing and gives the same answer */
} kt_submit;

typedef struct kt_submitted {
    int64_t id;
    bool repeated;    /* this client_id had been here */
    bool complete;    /* the item has all the answers it wanted */
} kt_submitted;

/* KT_LEASE: the token is not the lease's (passed to somebody else, or run out and given away). KT_RANGE: unknown label. */
kt_rc kt_annotation_submit(kt_store *s, const kt_project *p, int64_t user, const kt_submit *in, kt_submitted *ret, kt_err *err) KT_MUST_USE;
/* Withdraws the person's last answer, if its item is not final, and leases the item to them again; *ret_label is what it said. KT_DONE: nothing to undo. */
kt_rc kt_annotation_undo(kt_store *s, const kt_project *p, int64_t user, const kt_lease_rules *rules, kt_lease *ret, int32_t *ret_label,
                         kt_err *err) KT_MUST_USE;
/* Valid answers on an item, oldest first (names included), into a. */
kt_rc kt_annotation_of_item(kt_store *s, int64_t project, uint32_t item, kt_arena *a, kt_annotation **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* All valid, unskipped answers of a project by id, for the algorithms: arrays the caller frees with kt_annotations_done. */
typedef struct kt_annotations {
    size_t n;
    uint32_t *item;
    int64_t *user, *at_us, *duration_us;
    int32_t *label;
    unsigned char *queue, *gold;
} kt_annotations;
kt_rc kt_annotations_load(kt_store *s, int64_t project, kt_annotations *ret, kt_err *err) KT_MUST_USE;
void kt_annotations_done(kt_annotations *a);

/* Answers per minute from from_us on, minutes without one left out, oldest first, into a. */
typedef struct kt_minute {
    int64_t at_us, n;
} kt_minute;
kt_rc kt_answer_minutes(kt_store *s, int64_t project, int64_t from_us, kt_arena *a, kt_minute **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* Kept figures per person. */
typedef struct kt_person_stat {
    int64_t user;
    kt_str name;
    bool simulated;
    int64_t n, skips, flags, gold_n, gold_right, busy_us, first_us, last_us;
} kt_person_stat;
kt_rc kt_person_stats(kt_store *s, int64_t project, kt_arena *a, kt_person_stat **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* Time of a person's last answer or skip; 0: none. */
kt_rc kt_person_last(kt_store *s, int64_t project, int64_t user, int64_t *ret_us, kt_err *err) KT_MUST_USE;
/* The queue an answer came from. */
kt_rc kt_annotation_queue(kt_store *s, int64_t id, kt_queue *ret, kt_err *err) KT_MUST_USE;
/* Answers of one person, skips not counted. */
kt_rc kt_person_answers(kt_store *s, int64_t project, int64_t user, int64_t *ret, kt_err *err) KT_MUST_USE;

#endif
