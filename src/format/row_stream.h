/* The rows of rows.h as they come out of a file or pipe: memory for a piece of the text and the longest row, never the whole. */
#ifndef KT_FORMAT_ROW_STREAM_H
#define KT_FORMAT_ROW_STREAM_H

#include "base/arena.h"
#include "base/buf.h"
#include "format/rows.h"

typedef struct kt_row_stream {
    kt_rows rows;     /* column (in the arena), field (valid until the next call), line */
    kt_buf text;      /* what has been read and not yet been given out */
    kt_arena scratch; /* fields that were escaped */
    kt_arena *a;
    size_t valid;     /* bytes of text known to be whole characters of UTF-8 */
    size_t piece;     /* bytes read at a time */
    int fd;
    bool ended;
    bool no_header;   /* set before kt_row_stream_header: the first line is a row; columns are called 1, 2, … (delimited only) */
    kt_err wrong;
} kt_row_stream;

/* Opens path ("-": standard input) and reads the first piece, which then is s->text: what begins like an archive of numpy can be
   told from rows. Always to be ended by kt_row_stream_done, also after an error. */
kt_rc kt_row_stream_open(kt_row_stream *s, const char *path, kt_arena *a, kt_err *err) KT_MUST_USE;
/* The same from fd, which is taken over unless it is 0, reading piece bytes at a time. */
kt_rc kt_row_stream_from(kt_row_stream *s, int fd, size_t piece, const char *path, kt_arena *a, kt_err *err) KT_MUST_USE;
/* All the rest into s->text, for a file that is no rows; then no other call but done. KT_LIMIT above most bytes. */
kt_rc kt_row_stream_all(kt_row_stream *s, size_t most, kt_err *err) KT_MUST_USE;
/* The first line, before the header is read; it is read again as what it is. Of a file without one, all of it. */
kt_rc kt_row_stream_first_line(kt_row_stream *s, kt_str *ret, kt_err *err) KT_MUST_USE;
/* The header, and rows, with the errors of kt_rows_open and kt_rows_next. A row is given out as soon as its line is there;
   KT_LIMIT for a row of more than KT_MAX_LINE_BYTES. */
kt_rc kt_row_stream_header(kt_row_stream *s, kt_err *err) KT_MUST_USE;
kt_rc kt_row_stream_next(kt_row_stream *s, kt_err *err) KT_MUST_USE;
void kt_row_stream_done(kt_row_stream *s);

#endif
