/* Telling others over HTTP what happened (store/notice.h). A notice is sent until it is heard (any 2xx) or a dozen tries over half a day
   were in vain; a receiver may hear one twice, so it carries an id. What is sent is signed:
       Karat-Signature: sha256=HEX      HMAC-SHA-256 of the body, keyed with the secret
       Karat-Event, Karat-Delivery      kind and id, as in the body */
#ifndef KT_STAGE_NOTIFY_H
#define KT_STAGE_NOTIFY_H

#include "stage/config.h"
#include "store/notice.h"

enum { KT_NOTIFY_TRIES = 12 };

/* One try, at most five seconds; error is left empty when it was heard. Any thread. */
void kt_notify_try(const kt_config *c, const kt_notice *n, kt_buf *error);
/* When to try again after so many in vain: 0: never. */
int64_t kt_notify_again(int64_t tries, int64_t now_us);
/* For a program that is about to end: sends what is due in any project, again for a few seconds where need be. Never fails: what could not be
   sent waits for the next run, and is said on standard error. */
void kt_notify_flush(kt_store *s);

#endif
