/* The one writer with group commit: acts that wait are run one after the other in one transaction, each undone alone when it
   fails, and told so only when the transaction is durable. */
#ifndef KT_SERVER_COMMITTER_H
#define KT_SERVER_COMMITTER_H

#include "store/store.h"

#include <stdatomic.h>

typedef struct kt_committer kt_committer;

typedef struct kt_act {
    kt_rc (*run)(kt_store *s, void *ctx, kt_err *err); /* in the transaction; < 0 undoes what it did */
    void (*done)(struct kt_act *act);                  /* after the commit, on the writer's thread; rc and err are set */
    void *ctx;
    kt_rc rc;
    kt_err err;
    struct kt_act *next;
} kt_act;

/* s: open for writing, used by the writer's thread alone from now on. */
kt_committer *kt_committer_new(kt_store *s);
/* Takes what is still queued, signs the log and ends the thread. */
kt_committer *kt_committer_free(kt_committer *c);
/* Any thread. false: too many wait already, or it is ending; done is not called then. */
bool kt_committer_post(kt_committer *c, kt_act *act);
/* Commits so far: changes whenever something was written. Any thread. */
uint64_t kt_committer_generation(const kt_committer *c);
/* Something changed that the committer did not write: watchers look again. */
void kt_committer_touch(kt_committer *c);
/* Size and root of the log as of the last commit. Any thread. */
void kt_committer_log_head(kt_committer *c, uint64_t *ret_size, unsigned char ret_root[32]);

#endif
