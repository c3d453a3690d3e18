/* WAV files: RIFF/WAVE with PCM of 8 to 32 bits or floating point, any number of channels. */
#ifndef KT_FORMAT_WAV_H
#define KT_FORMAT_WAV_H

#include "base/err.h"

typedef struct kt_wav {
    uint32_t rate_hz, channels;
    size_t n;      /* samples a channel */
    float *sample; /* n: the mean of the channels, -1..1; freed by kt_free */
} kt_wav;

/* Any bytes may be given. KT_PARSE: no such file, cut short in its head, or in a coding that is not read (compressed). A file whose sound is
   cut short gives what is there. */
kt_rc kt_wav_parse(kt_str bytes, kt_wav *ret, kt_err *err) KT_MUST_USE;

#endif
