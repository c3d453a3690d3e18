/* One request and its fixed walk, without sockets: http.c brings bytes and takes the answer.

     headers → route → method → authenticate → authorize the role in the project → size limit   kt_req_begin
     body → decode, validate → handler (in a snapshot, or in the writer's transaction)           kt_req_run
     commit → fill in what only reads (rq->after) → encode                                       kt_req_answer

   No handler sets a status or writes JSON text; it fills `out` or returns an error. */
#ifndef KT_SERVER_REQ_H
#define KT_SERVER_REQ_H

#include "server/shapes.h"
#include "stage/review.h"

typedef struct kt_server kt_server;
typedef struct kt_req kt_req;

typedef enum kt_method { KT_GET, KT_POST, KT_PUT, KT_DELETE, KT_METHOD__COUNT } kt_method;
typedef enum kt_need { KT_NEED_PUBLIC, KT_NEED_USER, KT_NEED_VIEWER, KT_NEED_ANNOTATOR, KT_NEED_EXPERT, KT_NEED_MANAGER, KT_NEED_ADMIN } kt_need;
typedef enum kt_route_flags { KT_WRITE = 1, KT_SLOW = 2, KT_STREAM = 4, KT_LONG = 8 /* with KT_SLOW */ } kt_route_flags;
typedef enum kt_param { KT_PARAM_PROJECT, KT_PARAM_USER, KT_PARAM_ITEM, KT_PARAM_FILE, KT_PARAM__COUNT } kt_param;

typedef struct kt_route {
    const char *name, *path, *summary;
    kt_method method;
    kt_need need;
    int flags, status;
    const kt_shape *in, *out;
    kt_rc (*run)(kt_req *rq, const void *in, void *out);
} kt_route;

enum {
#define ROUTE(op, ...) KT_OP_##op,
#include "server/routes.def"
#undef ROUTE
    KT_OP__COUNT
};
extern const kt_route kt_routes[KT_OP__COUNT];

#define ROUTE(op, method, path, role, in, out, ...) kt_rc h_##op(kt_req *rq, const in *body, out *ret) KT_MUST_USE;
#include "server/routes.def"
#undef ROUTE

typedef struct kt_served kt_served;       /* a project as the server keeps it: server_int.h */
typedef struct kt_reader_slot kt_reader_slot;

struct kt_req {
    kt_server *server;
    kt_arena arena;
    const kt_route *route;
    kt_method method;
    kt_str path, token, param[KT_PARAM__COUNT];
    bool json;            /* the body says it is JSON */
    bool foreign;         /* a browser sent it from another site's page */
    bool secure;          /* the proxy in front speaks TLS */
    kt_buf body;
    kt_user user;         /* id 0: nobody; role is in `project` when the route has one */
    kt_served *project;   /* NULL: the route has none */
    const kt_project *p;  /* the same, as the store knows it */
    kt_store *store;      /* what the handler works on */
    kt_reader_slot *slot; /* what store belongs to; NULL: the writer */
    void *in, *out;
    kt_rc (*after)(kt_req *rq); /* set by a WRITE handler: reads on a fresh snapshot once it is committed */
    int64_t began_us;
    kt_err err;
    /* the answer */
    int status;
    kt_buf reply;
    const char *type;
    char cookie[200], allow[40];
    const char *attachment; /* file name for the browser to save under */
    int fd;                 /* a file to send instead of reply; -1: none */
    bool watch;             /* server-sent events follow */
};

kt_req *kt_req_new(kt_server *s, kt_method method, kt_str path);
kt_req *kt_req_free(kt_req *rq);
/* 0: go on with the body; else the answer is ready. content_length -1: unknown. */
kt_rc kt_req_begin(kt_req *rq, int64_t content_length) KT_MUST_USE;
/* Decodes and runs the handler on store. Errors are kept for kt_req_answer. */
kt_rc kt_req_run(kt_req *rq, kt_store *store, kt_reader_slot *slot) KT_MUST_USE;
/* Builds status and reply from what the handler left or from rq->err. */
void kt_req_answer(kt_req *rq, kt_rc rc);

/* Finds the route of a path; fills params. KT_NOTFOUND, or KT_USAGE with *ret_allow filled when only the method is wrong. */
kt_rc kt_route_find(kt_method method, kt_str path, const kt_route **ret, kt_str param[KT_PARAM__COUNT], char ret_allow[40], kt_err *err) KT_MUST_USE;
/* Two routes with the same method and pattern: a mistake in routes.def; NULL when there is none. */
const char *kt_routes_clash(void);
const char *kt_method_name(kt_method m);

/* For handlers. A number in the path, or KT_NOTFOUND. */
kt_rc kt_req_number(kt_req *rq, kt_param p, int64_t *ret) KT_MUST_USE;
kt_str kt_req_time(kt_req *rq, int64_t us);
/* An array of n zeroed rows in the request's arena as a list. */
kt_list kt_req_list(kt_req *rq, size_t n, size_t size);
/* Desks a role works at: list of texts. */
kt_list kt_req_desks(kt_req *rq, kt_role role);
/* Runs fn in a transaction of the writer and waits until it is durable: for SLOW handlers. */
kt_rc kt_req_write(kt_req *rq, kt_rc (*fn)(kt_store *s, void *ctx, kt_err *err), void *ctx) KT_MUST_USE;
/* The machine's label of an item of the request's project; -1: none. Any thread. */
kt_rc kt_served_pred(kt_req *rq, uint32_t item, int32_t *ret_label, double *ret_score) KT_MUST_USE;
/* What reads the items of the request's project. */
kt_rc kt_req_items(kt_req *rq, kt_item_reader **ret) KT_MUST_USE;
/* An item and people's answers to it, on a reading store. */
kt_rc kt_req_item(kt_req *rq, uint32_t item, kt_item *ret) KT_MUST_USE;
kt_rc kt_req_votes(kt_req *rq, uint32_t item, kt_list *ret) KT_MUST_USE;
/* Why a model called the item's label into question: none or one kt_evidence_row. */
kt_rc kt_req_evidence(kt_req *rq, uint32_t item, kt_list *ret) KT_MUST_USE;
/* The lease rules of the request's project. */
const kt_review_rules *kt_req_rules(const kt_req *rq);

#endif
