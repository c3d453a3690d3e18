/* What a linear model sees of a sound: how its spectrum, in bands as the ear has them (mel), is on average, how it varies, and how it goes
   from beginning to end; and cepstral coefficients of it (Davis and Mermelstein 1980). */
#ifndef KT_ALGO_AUDIO_FEATURES_H
#define KT_ALGO_AUDIO_FEATURES_H

#include "base/err.h"

enum {
    KT_AUDIO_BANDS = 26, KT_AUDIO_CEPSTRA = 13, KT_AUDIO_PARTS = 8,
    KT_AUDIO_FEATURES = 2 * KT_AUDIO_BANDS + 4 * KT_AUDIO_CEPSTRA + KT_AUDIO_PARTS * (KT_AUDIO_CEPSTRA + 1) + 2
};

/* sample: n, mono, -1..1, rate_hz a second. Loudness does not matter. ret: KT_AUDIO_FEATURES. KT_RANGE: fewer samples than 10 ms, or a rate
   outside 1,000..1,000,000. */
kt_rc kt_audio_features(const float *sample, size_t n, uint32_t rate_hz, float *ret, kt_err *err) KT_MUST_USE;
/* What feature i is, in words. dst: 64 bytes. */
void kt_audio_feature_name(uint32_t i, char dst[64]);

/* Power spectrum of n = 2^k samples: ret n / 2 + 1. Radix-2; scratch: 2 n. */
void kt_power_spectrum(const float *sample, size_t n, double *scratch, float *ret);

#endif
