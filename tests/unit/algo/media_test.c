/* Features of pictures and sounds. Checked against: pictures and sounds made here, whose features can be said beforehand; the transform's
   definition, term by term; and what must not matter: size, light, loudness. */
#include "algo/learn/audio_features.h"
#include "algo/learn/image_features.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "kt_test.h"

static double apart(const float *a, const float *b, size_t n)
{
    double off = 0, size = 1e-12;
    for (size_t i = 0; i < n; i++) {
        off += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)a[i] * (double)a[i];
    }
    return sqrt(off / size);
}

/* w × h of a value that depends on the place, 0..1. */
static uint8_t *draw(uint32_t w, uint32_t h, double (*value)(double x, double y))
{
    uint8_t *rgb = kt_alloc((size_t)w * h * 3);
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                rgb[((size_t)y * w + x) * 3 + (size_t)c] = (uint8_t)lrint(255 * value((x + 0.5) / w, (y + 0.5) / h));
    return rgb;
}

static double even(double x, double y)
{
    (void)x;
    (void)y;
    return 0.4;
}

static double upright(double x, double y)
{
    (void)y;
    return x < 0.5 ? 0.2 : 0.8;
}

static double lying(double x, double y)
{
    return upright(y, x);
}

static double blob(double x, double y)
{
    return exp(-20 * ((x - 0.3) * (x - 0.3) + (y - 0.6) * (y - 0.6)));
}

static double dim_blob(double x, double y)
{
    return 0.5 * blob(x, y) + 0.2;
}

static void features_of(uint32_t w, uint32_t h, double (*value)(double x, double y), float *ret)
{
    uint8_t *rgb = draw(w, h, value);
    kt_image_features(rgb, w, h, ret);
    kt_free(rgb);
}

/* Edges by direction, summed over all places. */
static void directions(const float *f, double *ret)
{
    memset(ret, 0, KT_IMAGE_DIRECTIONS * sizeof(*ret));
    for (int i = 0; i < KT_IMAGE_EDGES; i++)
        ret[i % KT_IMAGE_DIRECTIONS] += (double)f[i];
}

static void pictures_are_edges_and_colours(void **state)
{
    (void)state;
    static float f[KT_IMAGE_FEATURES], g[KT_IMAGE_FEATURES];
    double d[KT_IMAGE_DIRECTIONS], all = 0;
    features_of(40, 30, even, f);
    for (int i = 0; i < KT_IMAGE_EDGES; i++)
        assert_true(f[i] == 0);
    for (int i = KT_IMAGE_EDGES; i < KT_IMAGE_EDGES + KT_IMAGE_GREY + KT_IMAGE_PLACES; i++)
        kt_assert_close((double)f[i], 0.4, 1e-3);
    for (int i = KT_IMAGE_FEATURES - KT_IMAGE_COLOURS; i < KT_IMAGE_FEATURES; i++)
        kt_assert_close((double)f[i], i == KT_IMAGE_FEATURES - KT_IMAGE_COLOURS + 21, 1e-3); /* 0.4 is in the second quarter: 1 + 4 + 16 */
    features_of(32, 32, upright, f);
    directions(f, d);
    for (int i = 0; i < KT_IMAGE_DIRECTIONS; i++)
        all += d[i];
    assert_true((d[0] + d[KT_IMAGE_DIRECTIONS - 1]) / all > 0.95); /* across 0 degrees, which lies between the first and the last */
    features_of(32, 32, lying, f);
    directions(f, d);
    for (int i = 0; i < KT_IMAGE_DIRECTIONS; i++)
        all = i ? all + d[i] : d[i];
    assert_true(d[KT_IMAGE_DIRECTIONS / 2] / all > 0.95);
    features_of(64, 64, blob, f);
    features_of(200, 200, blob, g);
    assert_true(apart(f, g, KT_IMAGE_FEATURES) < 0.1); /* size */
    features_of(64, 64, dim_blob, g);
    assert_true(apart(f, g, KT_IMAGE_EDGES) < 0.15); /* light and contrast */
    features_of(1, 1, even, g);
    char name[64];
    for (uint32_t i = 0; i < KT_IMAGE_FEATURES; i++) {
        kt_image_feature_name(i, name);
        assert_true(strlen(name) > 10 && strlen(name) < 63);
    }
}

static void a_spectrum_is_its_sum(void **state)
{
    (void)state;
    enum { N = 64 };
    float x[N], p[N / 2 + 1];
    double scratch[2 * N];
    kt_rng g = kt_rng_keyed(1, 1, 1);
    for (int i = 0; i < N; i++)
        x[i] = (float)kt_rng_normal(&g);
    kt_power_spectrum(x, N, scratch, p);
    for (int k = 0; k <= N / 2; k++) {
        double re = 0, im = 0;
        for (int i = 0; i < N; i++) {
            re += (double)x[i] * cos(2 * M_PI * k * i / N);
            im -= (double)x[i] * sin(2 * M_PI * k * i / N);
        }
        kt_assert_close((double)p[k], re * re + im * im, 1e-4 * (1 + re * re + im * im));
    }
}

static void tone(float *x, size_t n, uint32_t rate, double hz, double loud)
{
    kt_rng g = kt_rng_keyed(2, 2, 2);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(loud * (sin(2 * M_PI * hz * (double)i / rate) + 0.001 * kt_rng_normal(&g)));
}

static uint32_t loudest_band(const float *f)
{
    uint32_t best = 0;
    for (uint32_t b = 1; b < KT_AUDIO_BANDS; b++)
        best = f[b] > f[best] ? b : best;
    return best;
}

static void sounds_are_bands_over_time(void **state)
{
    (void)state;
    enum { N = 16000 };
    static float x[N], f[KT_AUDIO_FEATURES], g[KT_AUDIO_FEATURES];
    uint32_t before = 0;
    for (double hz = 200; hz < 7000; hz *= 1.6) {
        tone(x, N, 16000, hz, 0.5);
        assert_int_equal(kt_audio_features(x, N, 16000, f, NULL), 0);
        double m = 2595 * log10(1 + hz / 700), low = 2595 * log10(1 + 60.0 / 700), high = 2595 * log10(1 + 8000.0 / 700);
        double want = (m - low) / (high - low) * (KT_AUDIO_BANDS + 1) - 1;
        kt_assert_close(loudest_band(f), want, 1);
        assert_true(loudest_band(f) >= before);
        before = loudest_band(f);
        kt_assert_close((double)f[KT_AUDIO_FEATURES - 1], 2 * hz / 1000, 0.05 * hz / 500 + 0.05); /* zero crossings, thousands a second */
    }
    tone(x, N, 16000, 440, 0.5);
    assert_int_equal(kt_audio_features(x, N, 16000, f, NULL), 0);
    tone(x, N, 16000, 440, 0.05);
    assert_int_equal(kt_audio_features(x, N, 16000, g, NULL), 0);
    assert_true(apart(f, g, KT_AUDIO_FEATURES) < 0.02);
    kt_assert_close((double)f[KT_AUDIO_FEATURES - 2], 0, 1e-6); /* one second */
    tone(x, N / 2, 16000, 440, 0.5);
    tone(x + N / 2, N / 2, 16000, 440, 0.0001);
    assert_int_equal(kt_audio_features(x, N, 16000, f, NULL), 0);
    uint32_t loud = 2 * KT_AUDIO_BANDS + 4 * KT_AUDIO_CEPSTRA + KT_AUDIO_CEPSTRA;
    assert_true(f[loud] > f[loud + (KT_AUDIO_PARTS - 1) * (KT_AUDIO_CEPSTRA + 1)] + 3);
    assert_int_equal(kt_audio_features(x, 100, 16000, f, NULL), KT_RANGE);
    assert_int_equal(kt_audio_features(x, N, 10, f, NULL), KT_RANGE);
    memset(x, 0, sizeof(x));
    assert_int_equal(kt_audio_features(x, N, 16000, f, NULL), 0);
    char name[64];
    for (uint32_t i = 0; i < KT_AUDIO_FEATURES; i++) {
        assert_true(isfinite(f[i]));
        kt_audio_feature_name(i, name);
        assert_true(strlen(name) > 5 && strlen(name) < 63);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_edges_and_colours), cmocka_unit_test(a_spectrum_is_its_sum), cmocka_unit_test(sounds_are_bands_over_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
