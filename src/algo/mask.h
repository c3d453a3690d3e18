/* One mask from several people's masks of the same picture. */
#ifndef KT_ALGO_MASK_H
#define KT_ALGO_MASK_H

#include "base/arena.h"

/* Pixels that at least half of the n masks set. mask[i], ret: n_pixels bytes, 0 or 1. */
void kt_mask_majority(const uint8_t *const *mask, size_t n, size_t n_pixels, uint8_t *ret);
/* EM with one quality per source (chance that it is right on a pixel): start with the majority's agreement; then n_iter times
   the posterior of every pixel, which becomes its next prior, and qualities from it. Set where the posterior is above 0.5.
   ret_prob (n_pixels) and ret_quality (n) may be NULL. A pixel on which nobody differs is settled by that. */
void kt_mask_em(const uint8_t *const *mask, size_t n, size_t n_pixels, int32_t n_iter, uint8_t *ret, double *ret_prob, double *ret_quality);
/* Intersection over union of each mask with the truth, as it is expected: what each source finds and leaves alone, and with it each pixel, is found by
   EM. Fewer than three masks: over union with what at least half of them set. */
void kt_mask_overlaps(const uint8_t *const *mask, size_t n, size_t n_pixels, double *ret_overlap);
/* Intersection over union of two masks; 1 when both are empty. */
double kt_mask_iou(const uint8_t *a, const uint8_t *b, size_t n_pixels);

#endif
