/* Frames of 25 ms every 10 ms, a Hann window, power in 26 triangular bands even in mel from 60 Hz to half the rate (at most 8 kHz), logarithms
   less the whole sound's mean, cosine transform; then means, spreads and slopes over time. */
#include "algo/learn/audio_features.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>

enum { B = KT_AUDIO_BANDS, C = KT_AUDIO_CEPSTRA, P = KT_AUDIO_PARTS };

void kt_power_spectrum(const float *sample, size_t n, double *z, float *ret)
{
    for (size_t i = 0, j = 0; i < n; i++) {
        z[2 * j] = (double)sample[i];
        z[2 * j + 1] = 0;
        size_t bit = n >> 1;
        for (; bit && j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (size_t len = 2; len <= n; len *= 2)
        for (size_t k = 0; k < len / 2; k++) {
            double turn = -2 * M_PI * (double)k / (double)len, c = cos(turn), s = sin(turn);
            for (size_t i = k; i < n; i += len) {
                double *a = z + 2 * i, *b = a + len, re = b[0] * c - b[1] * s, im = b[0] * s + b[1] * c;
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] += re;
                a[1] += im;
            }
        }
    for (size_t i = 0; i <= n / 2; i++)
        ret[i] = (float)(z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
}

static double mel(double hz)
{
    return 2595 * log10(1 + hz / 700);
}

static double hz_of(double m)
{
    return 700 * (pow(10, m / 2595) - 1);
}

/* Logarithms of the power in the bands. */
static void bands(const float *power, size_t n_bins, double hz_a_bin, uint32_t rate_hz, float *ret)
{
    double low = mel(60), high = mel(fmin(8000, rate_hz / 2.0));
    for (int b = 0; b < B; b++) {
        double from = hz_of(low + (high - low) * b / (B + 1)), mid = hz_of(low + (high - low) * (b + 1) / (B + 1)),
               to = hz_of(low + (high - low) * (b + 2) / (B + 1)), sum = 0;
        for (size_t i = (size_t)(from / hz_a_bin); i < n_bins && (double)i * hz_a_bin < to; i++) {
            double hz = (double)i * hz_a_bin, share = hz < from ? 0 : hz < mid ? (hz - from) / (mid - from) : (to - hz) / (to - mid);
            sum += share * (double)power[i];
        }
        ret[b] = (float)log(sum + 1e-9);
    }
}

/* Cosine transform, coefficients 1 .. C (0 is loudness alone). */
static void cepstra(const float *band, float *ret)
{
    for (int c = 0; c < C; c++) {
        double sum = 0;
        for (int b = 0; b < B; b++)
            sum += (double)band[b] * cos(M_PI * (c + 1) * (b + 0.5) / B);
        ret[c] = (float)(sum * sqrt(2.0 / B));
    }
}

/* Mean and standard deviation of each of k columns of n rows. */
static void moments(const float *x, size_t n, int k, float *mean, float *sd)
{
    for (int c = 0; c < k; c++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)x[i * (size_t)k + (size_t)c];
        sum /= (double)n;
        for (size_t i = 0; i < n; i++)
            square += ((double)x[i * (size_t)k + (size_t)c] - sum) * ((double)x[i * (size_t)k + (size_t)c] - sum);
        mean[c] = (float)sum;
        sd[c] = (float)sqrt(square / (double)n);
    }
}

/* How it goes: means of the cepstra, and of loudness, over P parts of equal length. */
static void parts(const float *cep, const float *loud, size_t n, float *ret)
{
    for (size_t p = 0; p < P; p++, ret += C + 1) {
        size_t from = p * n / P, to = KT_MAX((p + 1) * n / P, from + 1);
        memset(ret, 0, (C + 1) * sizeof(*ret));
        for (size_t i = from; i < KT_MIN(to, n); i++) {
            for (int c = 0; c < C; c++)
                ret[c] += cep[i * C + (size_t)c] / (float)(to - from);
            ret[C] += loud[i] / (float)(to - from);
        }
    }
}

static void summarise(float *band, float *cep, size_t n, float *ret)
{
    float *loud = kt_alloc_array(n, sizeof(*loud)), *delta = kt_alloc_array(n, C * sizeof(*delta));
    double whole = 0;
    for (size_t i = 0; i < n * B; i++)
        whole += (double)band[i] / (double)(n * B);
    for (size_t i = 0; i < n; i++) {
        loud[i] = 0;
        for (int b = 0; b < B; b++) {
            band[i * B + (size_t)b] -= (float)whole; /* loudness of the whole is not told */
            loud[i] += band[i * B + (size_t)b] / B;
        }
        cepstra(band + i * B, cep + i * C);
    }
    for (size_t i = 0; i < n * C; i++)
        delta[i] = (cep[KT_MIN(i + C, n * C - C + i % C)] - cep[i >= C ? i - C : i]) / 2;
    moments(band, n, B, ret, ret + B);
    moments(cep, n, C, ret + 2 * B, ret + 2 * B + C);
    float mean_of_delta[C];
    moments(delta, n, C, mean_of_delta, ret + 2 * B + 2 * C);
    memcpy(ret + 2 * B + 3 * C, mean_of_delta, sizeof(mean_of_delta));
    parts(cep, loud, n, ret + 2 * B + 4 * C);
    kt_free(loud);
    kt_free(delta);
}

kt_rc kt_audio_features(const float *sample, size_t n, uint32_t rate_hz, float *ret, kt_err *err)
{
    if (rate_hz < 1000 || rate_hz > 1000000)
        return kt_fail(err, KT_RANGE, "%u samples a second; 1,000 to 1,000,000 are taken", rate_hz);
    size_t frame = rate_hz / 40, hop = rate_hz / 100, size = 1;
    if (n < hop)
        return kt_fail(err, KT_RANGE, "%zu samples are less than 10 ms", n);
    while (size < frame)
        size *= 2;
    size_t frames = n < frame ? 1 : 1 + (n - frame) / hop, crossings = 0;
    float *window = kt_zalloc_array(size, sizeof(*window)), *power = kt_alloc_array(size / 2 + 1, sizeof(*power));
    float *band = kt_alloc_array(frames, B * sizeof(*band)), *cep = kt_alloc_array(frames, C * sizeof(*cep));
    double *scratch = kt_alloc_array(size, 2 * sizeof(*scratch));
    for (size_t f = 0; f < frames; f++) {
        for (size_t i = 0; i < frame; i++) {
            double hann = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)frame);
            window[i] = f * hop + i < n ? (float)(hann * (double)sample[f * hop + i]) : 0;
        }
        kt_power_spectrum(window, size, scratch, power);
        bands(power, size / 2 + 1, (double)rate_hz / (double)size, rate_hz, band + f * B);
    }
    summarise(band, cep, frames, ret);
    for (size_t i = 1; i < n; i++)
        crossings += (sample[i] > 0) != (sample[i - 1] > 0);
    ret[KT_AUDIO_FEATURES - 2] = logf((float)n / (float)rate_hz);
    ret[KT_AUDIO_FEATURES - 1] = (float)crossings / (float)n * (float)rate_hz / 1000;
    void *const all[] = { window, power, band, cep, scratch };
    for (size_t i = 0; i < KT_LEN(all); i++)
        kt_free(all[i]);
    return KT_OK;
}

void kt_audio_feature_name(uint32_t i, char dst[64])
{
    static const char *const what[] = { "mean of cepstrum", "spread of cepstrum", "liveliness of cepstrum", "slope of cepstrum" };
    if (i < 2 * B)
        snprintf(dst, 64, "%s of band %u of %d", i < B ? "mean" : "spread", i % B + 1, B);
    else if (i < 2 * B + 4 * C)
        snprintf(dst, 64, "%s %u", what[(i - 2 * B) / C], (i - 2 * B) % C + 1);
    else if (i < KT_AUDIO_FEATURES - 2) {
        i -= 2 * B + 4 * C;
        if (i % (C + 1) == C)
            snprintf(dst, 64, "loudness in part %u of %d", i / (C + 1) + 1, P);
        else
            snprintf(dst, 64, "cepstrum %u in part %u of %d", i % (C + 1) + 1, i / (C + 1) + 1, P);
    } else
        snprintf(dst, 64, "%s", i == KT_AUDIO_FEATURES - 2 ? "duration" : "zero crossings");
}
