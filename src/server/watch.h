/* Browsers that watch a project's progress: server-sent events, one whenever something was committed, twice a second at most. */
#ifndef KT_SERVER_WATCH_H
#define KT_SERVER_WATCH_H

#include "server/server_int.h"

#include <microhttpd.h>

typedef struct kt_watch kt_watch;

kt_watch *kt_watch_new(kt_server *s);
/* The endless response for one watcher; NULL: too many watch already. */
struct MHD_Response *kt_watch_response(kt_watch *w, struct MHD_Connection *conn, kt_served *project);
void kt_watch_end(kt_watch *w); /* every watcher is woken and its response ends */
kt_watch *kt_watch_free(kt_watch *w);

#endif
