/* The OpenAPI 3.1 document, derived: paths from routes.def, schemas from the shapes, problems from errors.def. */
#include "server/req.h"
#include "server/server.h"

#include "base/str.h"

static const char *const need_names[] = { "public", "user", "viewer", "annotator", "expert", "manager", "admin" };

static void put_params(kt_str path, kt_buf *b)
{
    static const struct { const char *name, *type, *help; } known[] = {
        { "project", "string", "a project's name or number" }, { "user", "integer", "a user's number" }, { "item", "integer", "an item's number" },
        { "file", "string", "a file's name" },
    };
    bool any = false;
    kt_str part;
    while (kt_str_cut(&path, '/', &part)) {
        if (!part.n || part.p[0] != '{')
            continue;
        for (size_t i = 0; i < KT_LEN(known); i++)
            if (kt_str_eq((kt_str){ part.p + 1, part.n - 2 }, kt_str_of(known[i].name)))
                kt_buf_printf(b, "%s{\"name\":\"%s\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"%s\"},\"description\":\"%s\"}",
                              any ? "," : "\"parameters\":[", known[i].name, known[i].type, known[i].help);
        any = true;
    }
    if (any)
        kt_buf_puts(b, "],");
}

static void put_body(const kt_shape *s, kt_buf *b)
{
    kt_buf_printf(b, "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}", s->name);
}

static void put_answer(const kt_route *r, kt_buf *b)
{
    kt_buf_printf(b, "\"responses\":{\"%d\":{\"description\":\"done\"", r->status);
    if (r->flags & KT_STREAM && r->out != &kt_none_shape)
        kt_buf_printf(b, ",\"content\":{\"text/event-stream\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}", r->out->name);
    else if (r->out != &kt_none_shape) {
        kt_buf_char(b, ',');
        put_body(r->out, b);
    }
    kt_buf_puts(b, "},\"default\":{\"$ref\":\"#/components/responses/problem\"}}");
}

static void put_operation(const kt_route *r, kt_buf *b)
{
    static const char *const methods[] = { "get", "post", "put", "delete" };
    kt_buf_printf(b, "\"%s\":{\"operationId\":\"%s\",\"summary\":\"%s\",\"x-role\":\"%s\",", methods[r->method], r->name, r->summary,
                  need_names[r->need]);
    if (r->need == KT_NEED_PUBLIC)
        kt_buf_puts(b, "\"security\":[],");
    put_params(kt_str_of(r->path), b);
    if (r->method != KT_GET && r->in != &kt_none_shape) {
        kt_buf_puts(b, "\"requestBody\":{\"required\":true,");
        put_body(r->in, b);
        kt_buf_puts(b, "},");
    }
    put_answer(r, b);
    kt_buf_char(b, '}');
}

/* Operations of one path stand together; a path is written at its first route. */
static void put_paths(kt_buf *b)
{
    bool any = false;
    for (size_t i = 0; i < KT_OP__COUNT; i++) {
        bool seen = false, first = true;
        for (size_t k = 0; k < i; k++)
            seen |= strcmp(kt_routes[k].path, kt_routes[i].path) == 0;
        if (seen)
            continue;
        kt_buf_printf(b, "%s\"%s\":{", any ? ",\n" : "", kt_routes[i].path);
        any = true;
        for (size_t k = i; k < KT_OP__COUNT; k++)
            if (strcmp(kt_routes[k].path, kt_routes[i].path) == 0) {
                kt_buf_puts(b, first ? "" : ",");
                put_operation(&kt_routes[k], b);
                first = false;
            }
        kt_buf_char(b, '}');
    }
}

static void put_problem(kt_buf *b)
{
    static const char *const slugs[] = {
#define KT_ERROR(name, value, http, exitcode, slug, sentence) slug,
#include "base/errors.def"
#undef KT_ERROR
    };
    kt_buf_puts(b, "\"problem\":{\"type\":\"object\",\"description\":\"what went wrong (RFC 9457)\",\"properties\":{\"type\":{\"type\":\"string\",\"enum\":[");
    for (size_t i = 0; i < KT_LEN(slugs); i++)
        kt_buf_printf(b, "%s\"urn:karat:error:%s\"", i ? "," : "", slugs[i]);
    kt_buf_puts(b, "]},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
                   "\"field\":{\"type\":\"string\",\"description\":\"JSON pointer into the body\"},"
                   "\"hint\":{\"type\":\"string\",\"description\":\"what to do about it\"}},\"required\":[\"type\",\"title\",\"status\",\"detail\"]}");
}

void kt_openapi_write(kt_buf *b)
{
    static const kt_shape *const shapes[] = {
#define KT_BODY(T) &T##_shape,
        KT_BODIES(KT_BODY)
#undef KT_BODY
    };
    kt_buf_puts(b, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Karat\",\"version\":\"" KT_VERSION "\"},\"servers\":[{\"url\":\"/api/v1\"}],\n"
                   "\"security\":[{\"bearer\":[]},{\"cookie\":[]}],\n\"paths\":{\n");
    put_paths(b);
    kt_buf_puts(b, "},\n\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                   "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"karat_session\"}},\n\"responses\":{\"problem\":{\"description\":\"a problem\","
                   "\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}},\n\"schemas\":{");
    for (size_t i = 0; i < KT_LEN(shapes); i++) {
        if (shapes[i] == &kt_none_shape)
            continue;
        kt_buf_printf(b, "\"%s\":", shapes[i]->name);
        kt_shape_schema(shapes[i], b);
        kt_buf_puts(b, ",\n");
    }
    put_problem(b);
    kt_buf_puts(b, "}}}\n");
}
