/* A batch of raw items between a reader and the store, and the list of what a reader could not accept. */
#ifndef KT_STORE_BATCH_H
#define KT_STORE_BATCH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"

/* One raw item. Views live as long as the batch's arena and input block. Empty view: the field is absent. */
typedef struct kt_raw {
    kt_str ext_id; /* external id, unique in the project; empty: the stage makes one from source and line */
    kt_str text;   /* valid UTF-8, not empty */
    kt_str group;  /* items of one group never cross train and test (e.g. source package) */
    kt_str truth;  /* held-back true label's name, for simulation and measurement only */
    kt_str gold;   /* trusted label's name, used */
    kt_str meta;   /* the other fields as one JSON object's text */
    uint64_t line; /* 1-based record line in its source */
} kt_raw;

typedef struct kt_batch {
    kt_raw *v;
    size_t n, cap;   /* KT_PUSH works on it */
    kt_arena arena;  /* holds what the views point to, besides the input block */
} kt_batch;

typedef struct kt_reject {
    uint64_t line;     /* 1-based */
    char field[64];    /* "" when the record as a whole is bad */
    char reason[160];  /* "not valid UTF-8 at byte 12" */
    char sample[80];   /* start of the offending record, made printable */
} kt_reject;

typedef struct kt_rejects {
    kt_reject *v;
    size_t n, cap;
} kt_rejects;

void kt_batch_reset(kt_batch *b);
void kt_batch_done(kt_batch *b);
/* Appends; record is the raw record (may be empty), shown shortened. field may be NULL. */
void kt_reject_add(kt_rejects *r, uint64_t line, const char *field, kt_str record, const char *fmt, ...) KT_PRINTF(5, 6);
void kt_rejects_done(kt_rejects *r);

#endif
