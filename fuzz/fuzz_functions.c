/* Labeling functions from YAML: rules through Vectorscan, Lua in its sandbox. What compiles is run on a few items; a vote is a
   label or an abstention, and a program that does not end, or eats memory, is a fault and not a hang. */
#include "fuzz.h"

#include "provider/functions.h"

#define MAX_BYTES 2048 /* compiling a long expression may take seconds, which says nothing */

static void run(kt_functions *f, uint32_t n_labels)
{
    static const struct { const char *text, *meta; } items[] = {
        { "", "" },
        { "My refund has not come, and the order broke; thank you! 12345", "{\"name\":\"lib-x-dev\",\"n\":3,\"o\":{\"a\":[1]}}" },
        { "\xc3\xa9\xe2\x82\xac \xf0\x9f\x98\x80 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\tb", "{\"name\":null}" },
        { "\xff\xfe\x01", "{broken" },
    };
    kt_functions_scratch *s;
    kt_err err = { 0 };
    if (kt_functions_compile(f, NULL, &err) < 0 || kt_functions_scratch_new(f, &s, &err) < 0)
        return;
    int16_t *vote = kt_alloc_array((size_t)kt_functions_count(f) + 1, sizeof(*vote));
    for (size_t i = 0; i < KT_LEN(items); i++) {
        const kt_item it = { .number = (uint32_t)i, .ext_id = KT_S("id"), .text = { items[i].text, strlen(items[i].text) },
                             .meta = { items[i].meta, strlen(items[i].meta) } };
        kt_functions_apply(s, &it, 1, vote);
        for (uint32_t j = 0; j < kt_functions_count(f); j++)
            KT_ASSERT(vote[j] >= KT_ABSTAIN && vote[j] < (int16_t)n_labels);
    }
    kt_free(vote);
    kt_functions_scratch_free(s);
}

void fuzz_one(const uint8_t *data, size_t n)
{
    static const kt_str labels[] = { { "a", 1 }, { "b", 1 }, { "praise", 6 } };
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_err err = { 0 };
    kt_yaml *y = NULL;
    kt_functions *f = NULL;
    if (n > MAX_BYTES || kt_yaml_parse((kt_str){ (const char *)data, n }, "f", &a, &y, &err) < 0)
        return;
    const kt_functions_opts o = { .file = "f", .labels = labels, .n_labels = KT_LEN(labels), .foreign = true };
    kt_rc rc = kt_functions_read(y, &o, &f, &err);
    KT_ASSERT(rc <= 0 && (rc == 0 || err.what[0]));
    if (rc < 0)
        return;
    for (uint32_t j = 0; j < kt_functions_count(f); j++)
        KT_ASSERT(kt_functions_name(f, j).n && kt_functions_label(f, j) < (int32_t)KT_LEN(labels));
    run(f, KT_LEN(labels));
    kt_functions_free(f);
}
