/* Shared by appending and verifying; for files of this folder only. */
#ifndef KT_STORE_AUDIT_INT_H
#define KT_STORE_AUDIT_INT_H

#include <stdint.h>

#define KT_HEAD_BYTES 160

/* The text that is signed for a tree head: "karat tree head 1\nSIZE\nROOT\nTIME\n", NUL-padded. */
void kt_head_bytes(uint64_t size, const unsigned char root[32], int64_t at_us, char ret[KT_HEAD_BYTES]);

#endif
