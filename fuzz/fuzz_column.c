/* A column chunk's bytes, as a damaged disk may give them back. Two bytes say how many values of which width are expected; the
   rest is the blob. */
#include "store/column.c"

#include "fuzz.h"

void fuzz_one(const uint8_t *data, size_t n)
{
    kt_err err = { 0 };
    if (n < 2)
        return;
    size_t values = data[0], width = 1 + data[1] % 16;
    unsigned char *ret = kt_alloc(values * width);
    kt_rc rc = decode((kt_str){ (const char *)data + 2, n - 2 }, values, width, ret, &err);
    KT_ASSERT(rc == 0 || rc == KT_CORRUPT);
    kt_free(ret);
}
