/* What a linear model sees of a picture: edges by direction and place (histograms of oriented gradients, Dalal and Triggs 2005), coarse
   brightness and colour by place, and how much there is of each colour. Pictures are brought to 32 × 32 first, whatever their shape. */
#ifndef KT_ALGO_IMAGE_FEATURES_H
#define KT_ALGO_IMAGE_FEATURES_H

#include "base/types.h"

enum {
    KT_IMAGE_SIDE = 32,
    KT_IMAGE_CELLS = 8,        /* a side, of 4 × 4 pixels */
    KT_IMAGE_DIRECTIONS = 9,   /* of 180 degrees */
    KT_IMAGE_EDGES = (KT_IMAGE_CELLS - 1) * (KT_IMAGE_CELLS - 1) * 4 * KT_IMAGE_DIRECTIONS,
    KT_IMAGE_GREY = 64, KT_IMAGE_PLACES = 48, KT_IMAGE_COLOURS = 64,
    KT_IMAGE_FEATURES = KT_IMAGE_EDGES + KT_IMAGE_GREY + KT_IMAGE_PLACES + KT_IMAGE_COLOURS
};

/* rgb: height_px × width_px × 3; both at least 1. ret: KT_IMAGE_FEATURES. */
void kt_image_features(const uint8_t *rgb, uint32_t width_px, uint32_t height_px, float *ret);
/* What feature i is, in words: "edges of 40 degrees at row 3, column 5 of 8". dst: 64 bytes. */
void kt_image_feature_name(uint32_t i, char dst[64]);

#endif
