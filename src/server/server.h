/* karat serve: the HTTP API and the browser's pages over one workspace. */
#ifndef KT_SERVER_SERVER_H
#define KT_SERVER_SERVER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>

typedef struct kt_server_opts {
    const char *dir;     /* the workspace; held for writing while the server runs */
    const char *address; /* IPv4 or IPv6 address to listen on */
    int port;            /* 0: any free one */
    int threads;         /* that read requests; 0: one per processor */
    bool flow;           /* run the projects' flow beside the people … */
    bool watch;          /* … and let the model learn on while they work, also where the pipeline does not say watch: */
    void (*ready)(void *ctx, const char *address, int port); /* called once when requests are taken */
    void *ctx;
} kt_server_opts;

/* Serves until *stop is set; then answers what is under way, signs the log and returns 0. KT_BUSY: somebody else writes in
   the workspace; KT_NET: the address cannot be had. */
kt_rc kt_server_run(const kt_server_opts *o, const atomic_int *stop, kt_err *err) KT_MUST_USE;

/* The API as an OpenAPI 3.1 document, from routes.def and the shapes. */
void kt_openapi_write(kt_buf *ret);

#endif
