/* What every fuzz target includes. A target is one file fuzz_NAME.c with fuzz_one, a folder corpus/NAME of small seeds and
   former crashes, and, where words help, dict/NAME.dict; fuzz/meson.build builds it twice: with libFuzzer (make fuzz), and
   with a main of its own that runs the corpus as an ordinary test, under any compiler. */
#ifndef KT_FUZZ_H
#define KT_FUZZ_H

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>

/* Must return, free everything, and hold its own assertions, whatever the bytes. */
void fuzz_one(const uint8_t *data, size_t n);

#endif
