/* Readers: bytes of a source to raw items. A member is one file (read_NAME.c) and one line of readers.def.

   Made for bulk: the stage reads blocks, calls head once, split on each block in order, and parse on the whole records
   of several blocks at once from several threads. What comes out does not depend on where the blocks were cut. */
#ifndef KT_FORMAT_READER_H
#define KT_FORMAT_READER_H

#include "base/buf.h"
#include "store/batch.h"

/* What a field of the source may become. */
enum { KT_ROLE_ID, KT_ROLE_TEXT, KT_ROLE_GROUP, KT_ROLE_TRUTH, KT_ROLE_GOLD, KT_ROLE__COUNT };

/* Names of the source's fields or columns; empty: absent. JSON names may be dotted paths ("data.text"). */
typedef struct kt_field_map {
    kt_str id, text, group, truth, gold; /* text empty means "text" */
    bool keep_meta;                      /* every other field goes to kt_raw.meta */
    kt_str root;                         /* dir: the folder its listing is relative to; empty: the current one */
} kt_field_map;

/* What head found out: read-only afterwards, shared by all threads. Start from KT_LAYOUT_INIT; owner: the caller. */
typedef struct kt_layout {
    kt_str name[KT_ROLE__COUNT]; /* field that fills the role; empty: none does */
    bool keep_meta;
    kt_str root;
    kt_str *column;   /* csv, tsv: n_columns names */
    int8_t *role;     /* csv, tsv: role of each column; -1 goes to meta */
    size_t n_columns;
    char sep;         /* csv, tsv: between fields */
    kt_arena arena;   /* holds all of the above */
} kt_layout;

#define KT_LAYOUT_INIT { .arena = KT_ARENA_INIT }
void kt_layout_done(kt_layout *l);

typedef struct kt_reader {
    const char *name, *help;
    const char *const *suffixes; /* ".jsonl", …, NULL */

    /* 0 (not mine) to 100 (surely mine). head: first bytes of the source; name: its path, with / at the end for a folder. */
    int (*sniff)(kt_str head, kt_str name);

    /* Looks at the front of the source: byte-order mark, header line. data: its first block, all of it where it is
       shorter. *ret_used bytes and *ret_lines physical lines are done with; the first record starts behind them.
       KT_RANGE: a mapped column is not there (the message names the file's columns); KT_PARSE: not this kind of file. */
    kt_rc (*head)(const kt_field_map *map, kt_str data, kt_layout *ret, size_t *ret_used, uint64_t *ret_lines, kt_err *err);

    /* Bytes at the front of data that are whole records, and the physical lines they span. 0: none yet, bring more
       bytes (never 0 when eof and data is not empty, nor when data is longer than KT_MAX_LINE_BYTES). */
    size_t (*split)(const kt_layout *l, kt_str data, bool eof, uint64_t *ret_lines);

    /* Appends the items of block (whole records, the first at physical line first_line) to *ret and what it could not
       accept to *rej; both may hold earlier ones. Views point into block or ret->arena. Pure: any thread, own ret and
       rej. Bad records are data, not errors; an error means the reader itself could not go on (KT_NOMEM, KT_IO). */
    kt_rc (*parse)(const kt_layout *l, kt_str block, uint64_t first_line, kt_batch *ret, kt_rejects *rej, kt_err *err);
} kt_reader;

extern const kt_reader *const kt_readers[]; /* in table order; kt_n_readers of them */
extern const size_t kt_n_readers;

/* Member by name, or NULL. */
const kt_reader *kt_reader_find(kt_str name);
/* The member most sure of this head (any length, often 64 KB) and name; NULL when none is. */
const kt_reader *kt_reader_sniff(kt_str head, kt_str name);

/* For the reader "dir": relative paths of the regular files under path, sorted bytewise, one a line, into *ret.
   suffix: only names that end so (empty: all). Names that begin with a dot are left out; links to folders are not
   followed. KT_RANGE: a name holds a line end; KT_LIMIT: the listing is larger than ret's maximum; KT_NOTFOUND, KT_IO. */
kt_rc kt_dir_listing(const char *path, kt_str suffix, kt_buf *ret, kt_err *err) KT_MUST_USE;

#endif
