/* What the readers share: field map to layout, front of file, and the checks every record must pass. */
#ifndef KT_FORMAT_RECORD_H
#define KT_FORMAT_RECORD_H

#include "format/reader.h"

/* One record before its checks. Views as in kt_raw. */
typedef struct kt_record {
    kt_str value[KT_ROLE__COUNT];
    kt_str meta;
    kt_str raw;    /* the record's bytes, shown shortened in a reject */
    uint64_t line;
} kt_record;

extern const char *const kt_role_names[KT_ROLE__COUNT];

/* Copies the map's names into *ret (text defaults to "text"). */
void kt_layout_map(kt_layout *ret, const kt_field_map *map);
/* Fills roles of ret->column (already set) from ret->name; KT_RANGE for a name that is no column. */
kt_rc kt_layout_columns(kt_layout *ret, kt_err *err) KT_MUST_USE;
/* Steps over a UTF-8 byte-order mark; KT_PARSE for UTF-16, compressed data and the like. */
kt_rc kt_front(kt_str data, size_t *ret_used, kt_err *err) KT_MUST_USE;
/* Accepts the record into *ret or says in *rej why not: missing, empty or too long text, NUL, id too long. */
void kt_record_put(const kt_layout *l, const kt_record *r, kt_batch *ret, kt_rejects *rej);
/* True when s is valid UTF-8; else the record is put to *rej with the offset of its first bad byte. */
bool kt_record_utf8(kt_str s, uint64_t line, kt_rejects *rej);
/* Line ends in s. */
uint64_t kt_count_lines(kt_str s);
/* The front of data that ends in a line end (all of it at eof): split for formats with one record a line. */
size_t kt_split_lines(const kt_layout *l, kt_str data, bool eof, uint64_t *ret_lines);
/* Cuts the next line, without its LF or CRLF, off the front of *rest; false when nothing is left. */
bool kt_next_line(kt_str *rest, kt_str *ret);

#endif
