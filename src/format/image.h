/* Pictures in memory: PNG (libpng), JPEG (libjpeg), PGM and PPM. */
#ifndef KT_FORMAT_IMAGE_H
#define KT_FORMAT_IMAGE_H

#include "base/err.h"

enum { KT_IMAGE_MAX_SIDE = 30000 };
#define KT_IMAGE_MAX_PIXELS ((size_t)200 << 20)

typedef struct kt_image {
    uint32_t width_px, height_px;
    uint8_t *rgb; /* height × width × 3; freed by kt_free */
} kt_image;

/* By their first bytes; transparency is laid on white. Any bytes may be given. KT_PARSE: none of these, or broken; KT_LIMIT: larger than the
   above. */
kt_rc kt_image_parse(kt_str bytes, kt_image *ret, kt_err *err) KT_MUST_USE;

#endif
