/* A table of which some columns are wanted, read row by row into what they are: numbers, classes, names. Its text is not kept. */
#ifndef KT_CLI_FIELDS_FILE_H
#define KT_CLI_FIELDS_FILE_H

#include "base/arena.h"
#include "base/names.h"
#include "base/texts.h"
#include "format/row_places.h"

typedef enum kt_field_kind {
    KT_FIELD_CLASS,  /* few different ones: their numbers in names */
    KT_FIELD_NAME,   /* many different ones */
    KT_FIELD_NUMBER, /* NaN where the cell is empty */
} kt_field_kind;

/* One wanted column: the first that goes by one of names (NULL at the end, as messages call it first). */
typedef struct kt_field {
    const char *const *names;
    kt_field_kind kind;
    bool needed;           /* KT_PARSE where there is none */
    bool filled;           /* KT_PARSE for an empty cell */
    bool alone;            /* where no name fits, the only column that is not another field's */
    bool there;            /* found */
    kt_names class;        /* KT_FIELD_CLASS: by first appearance, copied into the arena */
    KT_VEC(uint32_t) id;   /* KT_FIELD_CLASS: a row's class */
    kt_texts text;         /* KT_FIELD_NAME: a text a row */
    KT_VEC(double) number; /* KT_FIELD_NUMBER: a number a row */
} kt_field;

typedef struct kt_fields_file {
    const char *path;
    size_t n; /* rows */
    kt_row_places places;
} kt_fields_file;

/* CSV, TSV, JSON lines, .npy, .npz ("-": standard input). field: n_fields, each with what is wanted and the rest zeros; to be ended by
   kt_fields_done, also after an error. KT_PARSE, KT_RANGE (no number), KT_LIMIT; errors name file, line and field. */
kt_rc kt_fields_read(const char *path, kt_field *field, size_t n_fields, kt_arena *a, kt_fields_file *ret, kt_err *err) KT_MUST_USE;
void kt_fields_done(kt_field *field, size_t n_fields, kt_fields_file *f);
/* Where each item of a file of n rows stands among the rows of another: by name where both have names (one is indexed for it), else by
   place. *ret: f->n places, to be freed, or NULL where all stand in one order. of: the names of f's items; in: those of the n_in rows
   of the other file, NULL where it has none; what: what each of these is, for messages ("prediction"). KT_RANGE: an item that is not there, or is there twice; other numbers of rows. */
kt_rc kt_fields_match(const kt_fields_file *f, const kt_field *of, kt_texts *in, size_t n_in, const char *what, size_t **ret, kt_err *err) KT_MUST_USE;
/* Says where: file, the row's line, the column. Returns rc. */
kt_rc kt_fields_fail(const kt_fields_file *f, size_t row, const char *column, kt_err *err, kt_rc rc);

#endif
