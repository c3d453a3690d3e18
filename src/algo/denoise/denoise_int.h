/* Between the files of the label model. ret: arrays allocated, vote_weight filled. */
#ifndef KT_ALGO_DENOISE_INT_H
#define KT_ALGO_DENOISE_INT_H

#include "algo/denoise/denoise.h"

void kt_denoise_em(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_label_model *ret);
kt_rc kt_denoise_moments(const kt_lf_columns *v, const kt_denoise_opts *o, kt_pool *pool, kt_arena *a, kt_label_model *ret, kt_err *err) KT_MUST_USE;

/* ret->silence, in a, from the model as it stands. */
void kt_denoise_silence(const kt_lf_columns *v, kt_arena *a, kt_label_model *ret);

#endif
