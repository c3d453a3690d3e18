/* Chunks after the RIFF head: "fmt " says how samples lie, "data" holds them; others are passed over. */
#include "format/wav.h"

#include "base/mem.h"

#include <math.h>

typedef struct layout {
    uint32_t coding, channels, rate_hz, bits;
} layout;

static uint32_t u16(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)(u[0] | u[1] << 8);
}

static uint32_t u32(const char *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static kt_rc read_layout(kt_str chunk, layout *ret, kt_err *err)
{
    if (chunk.n < 16)
        return kt_fail(err, KT_PARSE, "the WAV file's fmt chunk is cut short");
    *ret = (layout){ u16(chunk.p), u16(chunk.p + 2), u32(chunk.p + 4), u16(chunk.p + 14) };
    if (ret->coding == 0xfffe && chunk.n >= 26)
        ret->coding = u16(chunk.p + 24); /* extensible: the true coding stands behind */
    bool pcm = ret->coding == 1 && (ret->bits == 8 || ret->bits == 16 || ret->bits == 24 || ret->bits == 32);
    bool real = ret->coding == 3 && (ret->bits == 32 || ret->bits == 64);
    if (!pcm && !real)
        return kt_fail(err, KT_PARSE, "WAV coding %u of %u bits is not read; PCM and floating point are", ret->coding, ret->bits);
    if (!ret->channels || ret->channels > 64 || !ret->rate_hz)
        return kt_fail(err, KT_PARSE, "a WAV file of %u channels and %u samples a second", ret->channels, ret->rate_hz);
    return KT_OK;
}

static float sample_at(const char *p, const layout *l)
{
    double d;
    float f;
    switch (l->bits + 1000 * l->coding) {
    case 1008: return ((float)(unsigned char)p[0] - 128) / 128;
    case 1016: return (float)(int16_t)u16(p) / 32768;
    case 1024: return (float)((int32_t)(u16(p) << 8 | (uint32_t)(unsigned char)p[2] << 24) >> 8) / 8388608;
    case 1032: return (float)((double)(int32_t)u32(p) / 2147483648.0);
    case 3032: memcpy(&f, p, sizeof(f)); return isfinite(f) ? f : 0;
    default: memcpy(&d, p, sizeof(d)); return isfinite(d) ? (float)d : 0;
    }
}

kt_rc kt_wav_parse(kt_str b, kt_wav *ret, kt_err *err)
{
    layout l = { 0 };
    kt_str data = { NULL, 0 };
    if (b.n < 12 || memcmp(b.p, "RIFF", 4) != 0 || memcmp(b.p + 8, "WAVE", 4) != 0)
        return kt_fail(err, KT_PARSE, "this is no WAV file");
    for (size_t at = 12; b.n - at >= 8 && !data.p;) {
        size_t size = u32(b.p + at + 4), have = KT_MIN(size, b.n - at - 8);
        kt_str chunk = { b.p + at + 8, have };
        if (memcmp(b.p + at, "fmt ", 4) == 0)
            KT_TRY(read_layout(chunk, &l, err));
        else if (memcmp(b.p + at, "data", 4) == 0)
            data = chunk;
        at += KT_MIN(8 + have + (have & 1), b.n - at);
    }
    if (!l.channels || !data.p)
        return kt_fail(err, KT_PARSE, "the WAV file has no %s chunk", l.channels ? "data" : "fmt");
    size_t width = l.bits / 8, frame = width * l.channels;
    kt_wav w = { l.rate_hz, l.channels, data.n / frame, kt_alloc_array(data.n / frame + 1, sizeof(float)) };
    for (size_t i = 0; i < w.n; i++) {
        w.sample[i] = 0;
        for (uint32_t c = 0; c < l.channels; c++)
            w.sample[i] += sample_at(data.p + i * frame + c * width, &l) / (float)l.channels;
    }
    *ret = w;
    return KT_OK;
}
