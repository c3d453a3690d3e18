/* What the parts of ingest share. A *wave* is what comes in: bytes of the source, cut into blocks at record ends and parsed.
   A *parcel* is what goes out: a wave's new items, numbered and packed, with the place in the file behind them. */
#ifndef KT_STAGE_INGEST_INT_H
#define KT_STAGE_INGEST_INT_H

#include "base/map.h"
#include "stage/ingest.h"
#include "store/intake.h"
#include "store/item.h"

#define KT_WAVE_BLOCKS 20

struct kt_hashes {
    uint64_t id, low, high; /* of the external id; of the normalised text, 128 bits */
};

struct kt_block {
    kt_str data; /* whole records, a view into the wave's window */
    uint64_t first_line;
    kt_batch batch;
    kt_rejects rejects;
    struct kt_hashes *hash;
    const kt_raw **keep; /* the new items, in order */
    size_t n_keep;
    kt_rc rc;
    kt_err err;
};

struct kt_wave {
    char *window;
    size_t n, at; /* bytes in it, bytes that are cut */
    struct kt_block block[KT_WAVE_BLOCKS];
    size_t n_blocks;
    kt_place after; /* where the next wave begins */
    kt_rc rc;       /* of reading it */
    kt_err err;
};

struct kt_parcel {
    kt_frames frames[KT_WAVE_BLOCKS];
    kt_rejects rejects[KT_WAVE_BLOCKS];
    bool ready; /* numbered and not stored yet */
    size_t n_blocks;
    uint32_t first;  /* number of its first item */
    size_t n;
    KT_VEC(uint64_t) id, low, high, group;
    KT_VEC(uint32_t) canonical;
    KT_VEC(int16_t) truth, gold;
    kt_place after;
    kt_rc rc; /* of storing it */
    kt_err err;
};

/* A source while it is read. */
struct kt_source {
    const kt_source_config *config;
    const kt_reader *reader;
    kt_layout layout;
    const char *name; /* last part of the path */
    int fd;
    kt_buf list;      /* a folder's listing stands for its bytes */
    size_t list_at;
    bool is_dir, eof;
    bool skip; /* inside a line that is too long and has been rejected: on to its end */
    uint64_t line, offset; /* of what comes next */
};

/* Opens the source where it was left, chooses the reader, steps over a header and cuts the first wave. KT_DONE: nothing to do. */
kt_rc kt_source_open(kt_store *s, int64_t project, const kt_source_config *config, struct kt_source *ret, struct kt_wave *first,
                     kt_err *err) KT_MUST_USE;
/* The next wave, whose front is what the last one left uncut. No blocks and not KT_PLACE_DONE: a long line goes on. */
kt_rc kt_source_next(struct kt_source *src, const struct kt_wave *last, struct kt_wave *ret, kt_err *err) KT_MUST_USE;
void kt_source_close(struct kt_source *src);

/* Stores a parcel in a transaction of its own: chunk, columns, rejects, events, place. */
kt_rc kt_parcel_store(kt_store *s, kt_project *p, const kt_source_config *config, const struct kt_parcel *x, kt_ingested *ret,
                      kt_err *err) KT_MUST_USE;
void kt_parcel_done(struct kt_parcel *x);

#endif
