/* A growing byte buffer with a maximum given at init and a sticky failure flag, checked once at the end. */
#ifndef KT_BASE_BUF_H
#define KT_BASE_BUF_H

#include "base/types.h"

typedef struct kt_buf {
    char *p; /* NUL-terminated when n > 0 */
    size_t n, cap, max;
    int failed; /* set when an append would pass max; later appends do nothing */
} kt_buf;

#define KT_BUF_INIT(maximum) { NULL, 0, 0, (maximum), 0 }
#define KT_BUF_STR(b) ((kt_str){ (b)->p, (b)->n })

bool kt_buf_reserve(kt_buf *b, size_t more);
void kt_buf_add(kt_buf *b, const void *p, size_t n);
void kt_buf_str(kt_buf *b, kt_str s);
void kt_buf_puts(kt_buf *b, const char *s);
void kt_buf_char(kt_buf *b, char c);
void kt_buf_printf(kt_buf *b, const char *fmt, ...) KT_PRINTF(2, 3);
void kt_buf_u64(kt_buf *b, uint64_t v);         /* decimal */
void kt_buf_f64(kt_buf *b, double v);           /* shortest that reads back equal; null when not finite */
void kt_buf_json(kt_buf *b, kt_str s);          /* quoted and escaped JSON string */
void kt_buf_csv(kt_buf *b, kt_str s, char sep); /* RFC 4180 field, quoted when needed */
void kt_buf_html(kt_buf *b, kt_str s);          /* & < > " escaped */
void kt_buf_hex(kt_buf *b, const void *p, size_t n);
void kt_buf_varint(kt_buf *b, uint64_t v);      /* LEB128 */
void kt_buf_reset(kt_buf *b);
void kt_buf_done(kt_buf *b);

/* Reads a LEB128 number at *at; false when it runs past the end or over 64 bits. */
bool kt_varint_read(kt_str s, size_t *at, uint64_t *ret);

#endif
