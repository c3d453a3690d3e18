/* One function a format; which one, the first bytes say. */
#include "format/image.h"

#include "base/mem.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

static kt_rc check(uint64_t w, uint64_t h, kt_err *err)
{
    if (!w || !h)
        return kt_fail(err, KT_PARSE, "a picture of %llu x %llu pixels", (unsigned long long)w, (unsigned long long)h);
    if (w > KT_IMAGE_MAX_SIDE || h > KT_IMAGE_MAX_SIDE || w * h > KT_IMAGE_MAX_PIXELS)
        return kt_fail(err, KT_LIMIT, "a picture of %llu x %llu pixels is larger than is taken", (unsigned long long)w, (unsigned long long)h);
    return KT_OK;
}

static kt_rc read_png(kt_str b, kt_image *ret, kt_err *err)
{
    png_image p = { .version = PNG_IMAGE_VERSION };
    if (!png_image_begin_read_from_memory(&p, b.p, b.n))
        return kt_fail(err, KT_PARSE, "PNG: %s", p.message);
    kt_rc rc = check(p.width, p.height, err);
    if (rc < 0) {
        png_image_free(&p);
        return rc;
    }
    p.format = PNG_FORMAT_RGB;
    *ret = (kt_image){ p.width, p.height, kt_zalloc((size_t)p.width * p.height * 3) };
    const png_color white = { 255, 255, 255 };
    if (png_image_finish_read(&p, &white, ret->rgb, 0, NULL))
        return KT_OK;
    png_image_free(&p);
    kt_free(ret->rgb);
    return kt_fail(err, KT_PARSE, "PNG: %s", p.message);
}

typedef struct jpeg_trouble {
    struct jpeg_error_mgr base;
    jmp_buf back;
    char what[JMSG_LENGTH_MAX];
} jpeg_trouble;

static void jpeg_stop(j_common_ptr j)
{
    jpeg_trouble *t = (jpeg_trouble *)j->err;
    t->base.format_message(j, t->what);
    longjmp(t->back, 1);
}

static void jpeg_quiet(j_common_ptr j)
{
    (void)j;
}

/* Everything between setjmp and longjmp; what must outlive it is in *ret and *j. */
static kt_rc decode_jpeg(struct jpeg_decompress_struct *j, kt_str b, kt_image *ret, kt_err *err)
{
    jpeg_mem_src(j, (const unsigned char *)b.p, b.n);
    jpeg_read_header(j, TRUE);
    KT_TRY(check(j->image_width, j->image_height, err));
    j->out_color_space = JCS_RGB;
    jpeg_start_decompress(j);
    *ret = (kt_image){ j->output_width, j->output_height, kt_zalloc((size_t)j->output_width * j->output_height * 3) };
    while (j->output_scanline < j->output_height) {
        JSAMPROW row = ret->rgb + (size_t)j->output_scanline * j->output_width * 3;
        jpeg_read_scanlines(j, &row, 1);
    }
    jpeg_finish_decompress(j);
    return KT_OK;
}

static kt_rc read_jpeg(kt_str b, kt_image *ret, kt_err *err)
{
    struct jpeg_decompress_struct j;
    jpeg_trouble t;
    kt_rc rc;
    j.err = jpeg_std_error(&t.base);
    t.base.error_exit = jpeg_stop;
    t.base.output_message = jpeg_quiet;
    ret->rgb = NULL;
    jpeg_create_decompress(&j);
    if (setjmp(t.back))
        rc = kt_fail(err, KT_PARSE, "JPEG: %s", t.what);
    else
        rc = decode_jpeg(&j, b, ret, err);
    jpeg_destroy_decompress(&j);
    if (rc < 0)
        ret->rgb = kt_free(ret->rgb);
    return rc;
}

/* A number of a PGM or PPM head, behind white space and comments. */
static bool pnm_number(kt_str b, size_t *at, uint64_t *ret)
{
    while (*at < b.n && (b.p[*at] == ' ' || (b.p[*at] >= '\t' && b.p[*at] <= '\r') || b.p[*at] == '#')) {
        if (b.p[*at] == '#')
            while (*at < b.n && b.p[*at] != '\n')
                ++*at;
        else
            ++*at;
    }
    size_t from = *at;
    for (*ret = 0; *at < b.n && b.p[*at] >= '0' && b.p[*at] <= '9' && *at - from < 9; ++*at)
        *ret = 10 * *ret + (uint64_t)(b.p[*at] - '0');
    return *at > from;
}

static kt_rc read_pnm(kt_str b, kt_image *ret, kt_err *err)
{
    size_t at = 2;
    uint64_t w, h, most, channels = b.p[1] == '6' ? 3 : 1;
    if (!pnm_number(b, &at, &w) || !pnm_number(b, &at, &h) || !pnm_number(b, &at, &most) || most < 1 || most > 65535 || at++ >= b.n)
        return kt_fail(err, KT_PARSE, "the head of the PGM or PPM picture is wrong");
    KT_TRY(check(w, h, err));
    size_t wide = most > 255 ? 2 : 1, n = w * h * channels;
    if (b.n - at < n * wide)
        return kt_fail(err, KT_PARSE, "the PGM or PPM picture ends early");
    *ret = (kt_image){ (uint32_t)w, (uint32_t)h, kt_alloc(w * h * 3) };
    for (size_t i = 0; i < w * h * 3; i++) {
        const unsigned char *p = (const unsigned char *)b.p + at + (channels == 3 ? i : i / 3) * wide;
        uint64_t v = wide == 2 ? (uint64_t)(p[0] << 8 | p[1]) : p[0];
        ret->rgb[i] = (uint8_t)(KT_MIN(v, most) * 255 / most);
    }
    return KT_OK;
}

kt_rc kt_image_parse(kt_str b, kt_image *ret, kt_err *err)
{
    if (b.n >= 8 && memcmp(b.p, "\x89PNG\r\n\x1a\n", 8) == 0)
        return read_png(b, ret, err);
    if (b.n >= 3 && memcmp(b.p, "\xff\xd8\xff", 3) == 0)
        return read_jpeg(b, ret, err);
    if (b.n >= 3 && b.p[0] == 'P' && (b.p[1] == '5' || b.p[1] == '6'))
        return read_pnm(b, ret, err);
    return kt_fail(err, KT_PARSE, "this is no PNG, JPEG, PGM or PPM picture");
}
