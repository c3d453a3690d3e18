/* A request without a socket: the first byte chooses the method, the first line is the path, the rest the body. The route is
   found and the body decoded by its shape; what decodes is encoded and must decode again to the same text. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "server/req.h"

static void decode(const kt_shape *shape, kt_str body)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_AUTO(kt_buf) once = KT_BUF_INIT((size_t)1 << 24);
    KT_AUTO(kt_buf) twice = KT_BUF_INIT((size_t)1 << 24);
    kt_err err = { 0 };
    void *v = kt_arena_zalloc(&a, shape->size + 1), *w = kt_arena_zalloc(&a, shape->size + 1);
    if (kt_shape_decode(shape, body, &a, v, &err) < 0) {
        KT_ASSERT(err.rc == KT_PARSE || err.rc == KT_RANGE);
        KT_ASSERT(err.what[0]);
        return;
    }
    kt_shape_encode(shape, v, &once);
    /* absent texts are written as "" and may be shorter than the row allows; what was there must come back as it was */
    if (kt_shape_decode(shape, KT_BUF_STR(&once), &a, w, &err) < 0)
        return;
    kt_shape_encode(shape, w, &twice);
    KT_ASSERT(kt_str_eq(KT_BUF_STR(&once), KT_BUF_STR(&twice)));
}

void fuzz_one(const uint8_t *data, size_t n)
{
    if (n < 1)
        return;
    kt_method m = (kt_method)(data[0] % KT_METHOD__COUNT);
    kt_str rest = { (const char *)data + 1, n - 1 }, path = rest, param[KT_PARAM__COUNT] = { { 0 } };
    const kt_route *r = NULL;
    char allow[40];
    kt_err err = { 0 };
    if (kt_str_cut(&rest, '\n', &path) && kt_route_find(m, path, &r, param, allow, &err) == 0)
        decode(r->in, rest);
    for (size_t i = 0; i < KT_OP__COUNT; i++)
        if (kt_routes[i].in != &kt_none_shape)
            decode(kt_routes[i].in, rest);
}
