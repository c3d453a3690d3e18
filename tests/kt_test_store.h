/* A real store in a temporary folder, in one transaction that is never committed, with its clock set. */
#ifndef KT_TEST_STORE_H
#define KT_TEST_STORE_H

#include "kt_test.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct kt_test_store {
    char dir[64];
    kt_store *s;
};

static inline void ok(kt_rc rc, const kt_err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", kt_rc_name(rc), err->what);
}

static inline void kt_test_store_open(struct kt_test_store *t)
{
    kt_err err = { 0 };
    snprintf(t->dir, sizeof(t->dir), "/tmp/karat-store-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    ok(kt_store_create(t->dir, &err), &err);
    ok(kt_store_open(t->dir, KT_STORE_WRITE, &t->s, &err), &err);
    kt_store_set_now(t->s, 1000000000);
    ok(kt_store_begin(t->s, &err), &err);
}

static inline int kt_test_store_close(struct kt_test_store *t)
{
    char cmd[100];
    kt_store_rollback(t->s);
    kt_store_close(t->s);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", t->dir);
    return system(cmd);
}

#endif
