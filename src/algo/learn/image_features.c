/* Features of a picture of 32 × 32: 8 × 8 cells, their gradients shared out between neighbouring directions and cells, blocks of 2 × 2 cells
   brought to one length, so that light and contrast do not matter. */
#include "algo/learn/image_features.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = KT_IMAGE_SIDE, C = KT_IMAGE_CELLS, D = KT_IMAGE_DIRECTIONS };

/* The mean of the pixels under each of N × N equal parts, pixels on an edge counted by the share that lies inside. ret: N × N × 3, 0..1. */
static void shrink(const uint8_t *rgb, uint32_t w, uint32_t h, float *ret)
{
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            double top = (double)y * h / N, bottom = (double)(y + 1) * h / N, left = (double)x * w / N, right = (double)(x + 1) * w / N, sum[3] = { 0 };
            for (uint32_t v = (uint32_t)top; v < h && v < bottom; v++)
                for (uint32_t u = (uint32_t)left; u < w && u < right; u++) {
                    double area = (fmin(v + 1, bottom) - fmax(v, top)) * (fmin(u + 1, right) - fmax(u, left));
                    for (int c = 0; c < 3; c++)
                        sum[c] += area * rgb[((size_t)v * w + u) * 3 + (size_t)c];
                }
            for (int c = 0; c < 3; c++)
                ret[(y * N + x) * 3 + c] = (float)(sum[c] / (255 * (bottom - top) * (right - left)));
        }
}

static float grey_at(const float *grey, int y, int x)
{
    y = y < 0 ? 0 : y >= N ? N - 1 : y;
    x = x < 0 ? 0 : x >= N ? N - 1 : x;
    return grey[y * N + x];
}

/* Adds a gradient to the four cells around its pixel and the two directions around its own. */
static void share_out(float *cell, int y, int x, float angle, float size)
{
    float cy = ((float)y + 0.5f) * C / N - 0.5f, cx = ((float)x + 0.5f) * C / N - 0.5f, at = angle * D / (float)M_PI - 0.5f;
    int y0 = (int)floorf(cy), x0 = (int)floorf(cx), d0 = (int)floorf(at);
    float fy = cy - (float)y0, fx = cx - (float)x0, fd = at - (float)d0;
    for (int k = 0; k < 8; k++) {
        int v = y0 + (k & 1), u = x0 + (k >> 1 & 1), d = (d0 + (k >> 2) + D) % D;
        if (v >= 0 && v < C && u >= 0 && u < C)
            cell[(v * C + u) * D + d] += size * (k & 1 ? fy : 1 - fy) * (k & 2 ? fx : 1 - fx) * (k & 4 ? fd : 1 - fd);
    }
}

/* Blocks of four cells, scaled to length 1, no part above 0.2, and scaled again. */
static void blocks(const float *cell, float *ret)
{
    for (int y = 0; y + 1 < C; y++)
        for (int x = 0; x + 1 < C; x++, ret += 4 * D) {
            for (int k = 0; k < 4; k++)
                memcpy(ret + k * D, cell + ((y + (k >> 1)) * C + x + (k & 1)) * D, D * sizeof(*ret));
            for (int twice = 0; twice < 2; twice++) {
                float sum = 1e-4f;
                for (int i = 0; i < 4 * D; i++)
                    sum += ret[i] * ret[i];
                for (int i = 0; i < 4 * D; i++)
                    ret[i] = fminf(ret[i] / sqrtf(sum), twice ? 1 : 0.2f);
            }
        }
}

static void edges(const float *grey, float *ret)
{
    float cell[C * C * D] = { 0 };
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            float dx = grey_at(grey, y, x + 1) - grey_at(grey, y, x - 1), dy = grey_at(grey, y + 1, x) - grey_at(grey, y - 1, x);
            float size = sqrtf(dx * dx + dy * dy), angle = atan2f(dy, dx);
            if (size > 0)
                share_out(cell, y, x, angle < 0 ? angle + (float)M_PI : angle, size);
        }
    blocks(cell, ret);
}

/* Means over side × side places of n channels. */
static void pool(const float *x, int channels, int side, float *ret)
{
    int step = N / side;
    memset(ret, 0, (size_t)(side * side * channels) * sizeof(*ret));
    for (int v = 0; v < N; v++)
        for (int u = 0; u < N; u++)
            for (int c = 0; c < channels; c++)
                ret[((v / step) * side + u / step) * channels + c] += x[(v * N + u) * channels + c] / (float)(step * step);
}

/* Shares of 4 × 4 × 4 colours; their roots, so that a common one does not drown the others. */
static void colours(const float *rgb, float *ret)
{
    memset(ret, 0, KT_IMAGE_COLOURS * sizeof(*ret));
    for (int i = 0; i < N * N; i++) {
        int at = 0;
        for (int c = 0; c < 3; c++)
            at = 4 * at + (int)fminf(3, 4 * rgb[3 * i + c]);
        ret[at] += 1.0f / (N * N);
    }
    for (int i = 0; i < KT_IMAGE_COLOURS; i++)
        ret[i] = sqrtf(ret[i]);
}

void kt_image_features(const uint8_t *rgb, uint32_t width_px, uint32_t height_px, float *ret)
{
    float small[N * N * 3], grey[N * N];
    shrink(rgb, width_px, height_px, small);
    for (int i = 0; i < N * N; i++)
        grey[i] = 0.299f * small[3 * i] + 0.587f * small[3 * i + 1] + 0.114f * small[3 * i + 2];
    edges(grey, ret);
    pool(grey, 1, 8, ret + KT_IMAGE_EDGES);
    pool(small, 3, 4, ret + KT_IMAGE_EDGES + KT_IMAGE_GREY);
    colours(small, ret + KT_IMAGE_EDGES + KT_IMAGE_GREY + KT_IMAGE_PLACES);
}

void kt_image_feature_name(uint32_t i, char dst[64])
{
    static const char *const channel[] = { "red", "green", "blue" };
    if (i < KT_IMAGE_EDGES) {
        uint32_t block = i / (4 * D), k = i / D % 4, row = block / (C - 1) + (k >> 1), column = block % (C - 1) + (k & 1);
        snprintf(dst, 64, "edges across %u degrees at row %u, column %u of %d", i % D * 180 / D + 90 / D, row + 1, column + 1, C);
    } else if (i < KT_IMAGE_EDGES + KT_IMAGE_GREY) {
        i -= KT_IMAGE_EDGES;
        snprintf(dst, 64, "brightness at row %u, column %u of 8", i / 8 + 1, i % 8 + 1);
    } else if (i < KT_IMAGE_EDGES + KT_IMAGE_GREY + KT_IMAGE_PLACES) {
        i -= KT_IMAGE_EDGES + KT_IMAGE_GREY;
        snprintf(dst, 64, "%s at row %u, column %u of 4", channel[i % 3], i / 12 + 1, i / 3 % 4 + 1);
    } else {
        i -= KT_IMAGE_EDGES + KT_IMAGE_GREY + KT_IMAGE_PLACES;
        snprintf(dst, 64, "colour red %u, green %u, blue %u of 4", i / 16 + 1, i / 4 % 4 + 1, i % 4 + 1);
    }
}
