/* From method and path to a line of routes.def. A pattern's literal segments beat its {parameters}, leftmost first, so the order
   of the lines does not matter. */
#include "server/req.h"

#include "base/str.h"

#include <stdio.h>

#define PREFIX "/api/v1"

#define ROUTE(op, method_, path_, role_, in_, out_, status_, flags_, summary_)    \
    static kt_rc call_##op(kt_req *rq, const void *in, void *out)                 \
    {                                                                             \
        return h_##op(rq, in, out);                                               \
    }
#include "server/routes.def"
#undef ROUTE

enum { FLAG_0 = 0, FLAG_WRITE = KT_WRITE, FLAG_SLOW = KT_SLOW, FLAG_STREAM = KT_STREAM, FLAG_LONG = KT_SLOW | KT_LONG, FLAG_LONG_STREAM = KT_SLOW | KT_LONG | KT_STREAM };
#define ROUTE(op, method_, path_, role_, in_, out_, status_, flags_, summary_)                                         \
    { .name = #op, .path = (path_), .summary = (summary_), .method = KT_##method_, .need = KT_NEED_##role_,            \
      .flags = FLAG_##flags_, .status = (status_), .in = &in_##_shape, .out = &out_##_shape, .run = call_##op },
const kt_route kt_routes[KT_OP__COUNT] = {
#include "server/routes.def"
};
#undef ROUTE

static const char *const method_names[] = { [KT_GET] = "GET", [KT_POST] = "POST", [KT_PUT] = "PUT", [KT_DELETE] = "DELETE" };
_Static_assert(KT_LEN(method_names) == KT_METHOD__COUNT, "one name per method");

const char *kt_method_name(kt_method m)
{
    return method_names[m];
}

static int param_of(kt_str name)
{
    static const char *const names[] = { "{project}", "{user}", "{item}", "{file}" };
    _Static_assert(KT_LEN(names) == KT_PARAM__COUNT, "one name per parameter");
    for (int i = 0; i < KT_PARAM__COUNT; i++)
        if (kt_str_eq(name, kt_str_of(names[i])))
            return i;
    return -1;
}

/* 0: no match; else a number that is larger for a more literal match. */
static unsigned match(const char *pattern, kt_str path, kt_str param[KT_PARAM__COUNT])
{
    kt_str rest = kt_str_of(pattern), want, have;
    unsigned score = 1;
    for (;;) {
        bool more_want = kt_str_cut(&rest, '/', &want), more_have = kt_str_cut(&path, '/', &have);
        if (!more_want || !more_have)
            return more_want == more_have ? score : 0;
        int p = param_of(want);
        if (p >= 0 ? have.n == 0 : !kt_str_eq(want, have))
            return 0;
        score = score << 1 | (p < 0);
        if (p >= 0 && param)
            param[p] = have;
    }
}

kt_rc kt_route_find(kt_method method, kt_str path, const kt_route **ret, kt_str param[KT_PARAM__COUNT], char ret_allow[40], kt_err *err)
{
    unsigned best = 0;
    size_t n = 0;
    ret_allow[0] = 0;
    if (!kt_str_starts(path, KT_S(PREFIX "/")))
        return kt_fail(err, KT_NOTFOUND, "there is nothing at %.*s", (int)KT_MIN(path.n, 100), path.p);
    path = (kt_str){ path.p + strlen(PREFIX), path.n - strlen(PREFIX) };
    for (size_t i = 0; i < KT_OP__COUNT; i++) {
        unsigned score = match(kt_routes[i].path, path, NULL);
        if (!score)
            continue;
        n += (size_t)snprintf(ret_allow + n, 40 - n, n ? ", %s" : "%s", method_names[kt_routes[i].method]);
        if (kt_routes[i].method == method && score > best) {
            best = score;
            *ret = &kt_routes[i];
        }
    }
    if (!best && n)
        return kt_fail(err, KT_USAGE, "%s is not for this path; it takes %s", method_names[method], ret_allow);
    if (!best)
        return kt_fail(err, KT_NOTFOUND, "there is no operation at %.*s; /api/v1/openapi.json lists them", (int)KT_MIN(path.n, 100), path.p);
    match((*ret)->path, path, param);
    return 0;
}

const char *kt_routes_clash(void)
{
    for (size_t i = 0; i < KT_OP__COUNT; i++)
        for (size_t k = 0; k < i; k++)
            if (kt_routes[i].method == kt_routes[k].method && strcmp(kt_routes[i].path, kt_routes[k].path) == 0)
                return kt_routes[i].name;
    return NULL;
}
