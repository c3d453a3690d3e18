/* What the server's threads share; for files of this folder only.

   IO threads (http.c) parse requests, run reading handlers on a store of their own, and send answers. WRITE handlers go to the
   writer, SLOW ones to two threads for slow work, LONG ones to two others; the connection sleeps meanwhile. */
#ifndef KT_SERVER_SERVER_INT_H
#define KT_SERVER_SERVER_INT_H

#include "server/req.h"
#include "server/server.h"
#include "server/committer.h"
#include "stage/marks.h"

#include <pthread.h>

#define KT_SESSION_COOKIE "karat_session"

typedef struct kt_pred {
    int32_t label; /* -1: none */
    float score;
} kt_pred;

/* A chunk of column "machine.marks". */
typedef struct kt_marks_chunk {
    kt_machine_mark *v; /* NULL: not read yet */
    size_t n, bytes;
} kt_marks_chunk;

#define KT_SERVED_MARKS ((size_t)256 << 20) /* bytes of these chunks a project keeps */
#define KT_SERVED_CHARS 4096                /* texts whose length is remembered from handing them out until they are answered */

/* A project, loaded once: nobody else writes while the server runs. */
struct kt_served {
    kt_project p;
    kt_review_rules rules;
    kt_str known[2];      /* fields of a record that hold its answer: shown to nobody */
    kt_pred **pred;       /* chunks of column "pred", read when first wanted; guarded by the server's lock */
    kt_marks_chunk *marks; /* the same where labels are sets or regions */
    size_t marks_bytes;
    unsigned pred_age;    /* counts the times they were forgotten; the same lock */
    struct kt_served_chars { uint32_t item, n; } *chars; /* item + 1, by item modulo their number; the same lock */
    _Atomic(const char *) flow; /* what the flow does or waits for, a literal; NULL: it does not run */
    atomic_bool again;    /* its functions have changed: the flow goes through it once more */
};

/* A store to read with, lent to one request at a time. */
struct kt_reader_slot {
    kt_store *s;
    kt_item_reader **items; /* by place of the project in server->project */
    kt_reader_slot *next;
};

/* An answer in the form the project's task has in bodies; all three empty: none. */
typedef struct kt_answer_form {
    kt_str label;
    kt_list labels, spans;
} kt_answer_form;

/* said.c. Answers by number into bodies: in their form, or in words for people's eyes; what the machine says (score: that all of it is right, where a model says it; else NaN). */
kt_rc kt_req_said(kt_req *rq, int32_t number, kt_answer_form *ret) KT_MUST_USE;
kt_rc kt_req_words(kt_req *rq, int32_t number, kt_str *ret) KT_MUST_USE;
kt_rc kt_req_machine(kt_req *rq, uint32_t item, kt_answer_form *ret, double *ret_score) KT_MUST_USE;
/* The number of what a body says, or KT_LABEL_SKIP; in a transaction. KT_RANGE with the field's pointer. */
kt_rc kt_req_answer_number(kt_req *rq, const kt_answer *in, int32_t *ret) KT_MUST_USE;
/* The machine's marks on an item, into the request's arena. Any thread. */
kt_rc kt_served_marks(kt_req *rq, uint32_t item, kt_machine_mark **ret, size_t *ret_n) KT_MUST_USE;
/* Code points of an item's text: as noted when it was handed out, else read. Any thread. */
void kt_served_note_chars(kt_req *rq, uint32_t item, kt_str text);
kt_rc kt_served_chars(kt_req *rq, uint32_t item, uint32_t *ret) KT_MUST_USE;

/* Times of one operation, in steps of the fourth root of two microseconds: a few percent exact, no memory to speak of. */
#define KT_TIME_BINS 128
typedef struct kt_op_times {
    _Atomic uint64_t n[KT_TIME_BINS], failed, total_us;
} kt_op_times;

#define KT_TYPISTS 64

typedef struct kt_slow kt_slow;
typedef struct kt_tries kt_tries;

struct kt_server {
    const kt_server_opts *o;
    kt_arena arena;            /* projects */
    kt_served *project;
    size_t n_projects;
    kt_committer *writer;
    kt_slow *slow, *lasting;   /* sign-in's hashing; exports, proofs and rules being tried */
    kt_tries *tries;
    pthread_mutex_t lock;      /* guards free_slots and the pred chunks */
    kt_reader_slot *free_slots;
    pthread_mutex_t exporting; /* one export at a time */
    pthread_mutex_t trying;    /* one rule over a project at a time: the pool is its */
    pthread_mutex_t computing; /* stages of the flow run one at a time; guards stages */
    kt_store *stages;          /* a sibling of the committer's: what a page asks the stages for writes through it */
    kt_pool *pool;
    atomic_uint typed[KT_TYPISTS]; /* by user, some sharing: counts rules, so that the one before stops */
    char public_key[65];
    atomic_bool stopping;
    kt_op_times times[KT_OP__COUNT];
};

/* A reading store; gives it back with kt_server_give. */
kt_rc kt_server_take(kt_server *s, kt_reader_slot **ret, kt_err *err) KT_MUST_USE;
void kt_server_give(kt_server *s, kt_reader_slot *slot);
void kt_server_close_slots(kt_server *s);
/* The predictions have changed. */
void kt_served_forget(kt_server *s, kt_served *p);
kt_served *kt_server_project(kt_server *s, kt_str name_or_id);
void kt_server_time(kt_server *s, const kt_req *rq);

/* Two threads for slow work of a kind. false: too much of it waits. */
kt_slow *kt_slow_new(void);
kt_slow *kt_slow_free(kt_slow *w); /* finishes what waits */
bool kt_slow_post(kt_slow *w, void (*run)(void *ctx), void *ctx);

/* Sign-in attempts by name: a few a minute, so that guessing takes years. */
kt_tries *kt_tries_new(void);
kt_tries *kt_tries_free(kt_tries *t);
bool kt_tries_allow(kt_tries *t, kt_str name, int64_t now_us); /* counts one */
void kt_tries_forget(kt_tries *t, kt_str name);                /* it was the right one */

/* The progress object as one line of JSON, for kt_req_answer and for the event stream. */
kt_rc kt_progress_json(kt_server *s, kt_served *p, kt_buf *ret, kt_err *err) KT_MUST_USE;

/* flow.c: runs the flow of every project beside the people, on a thread of low priority: whenever they have emptied the queues it
   waits for, it goes on. */
typedef struct kt_flow kt_flow;
kt_flow *kt_flow_start(kt_server *s, kt_store *store); /* store: a sibling of the committer's; taken over */
kt_flow *kt_flow_stop(kt_flow *f);

/* hooks.c: sends what others are to be told, on a thread of its own. Stopped before the committer. */
typedef struct kt_hooks kt_hooks;
kt_hooks *kt_hooks_start(kt_server *s);
kt_hooks *kt_hooks_stop(kt_hooks *h);

/* Server-sent events for the batches that were opened again since there were *inout_seen of them; *inout_seen -1: none yet, only count. */
kt_rc kt_reopened_events(kt_server *s, kt_served *p, int64_t *inout_seen, kt_buf *ret, kt_err *err) KT_MUST_USE;

/* http.c */
typedef struct kt_http kt_http;
kt_rc kt_http_start(kt_server *s, kt_http **ret, int *ret_port, kt_err *err) KT_MUST_USE;
kt_http *kt_http_stop(kt_http *h);

#endif
