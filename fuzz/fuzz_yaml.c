/* YAML to a tree: every node has a line and a path, and every accessor copes with every node. */
#include "fuzz.h"

#include "base/yaml.h"

static void touch(const kt_yaml *y, int depth)
{
    static const char *const names[] = { "a", "b" };
    kt_err err = { 0 };
    kt_str s = { NULL, 0 };
    int64_t i = 0;
    double d = 0;
    bool b = false;
    KT_ASSERT(y->line > 0 && y->path && depth < 100);
    KT_ASSERT(kt_yaml_known(y, names, 2, "f", &err) <= 0 && kt_yaml_text(y, "a", "f", &s, &err) <= 0);
    KT_ASSERT(kt_yaml_i64(y, "a", "f", (int64_t[]){ -5, 5 }, &i, &err) <= 0 && i >= -5 && i <= 5);
    KT_ASSERT(kt_yaml_f64(y, "a", "f", (double[]){ 0, 1 }, &d, &err) <= 0 && d >= 0 && d <= 1);
    KT_ASSERT(kt_yaml_bool(y, "a", "f", &b, &err) <= 0 && kt_yaml_duration_us(y, "a", "f", &i, &err) <= 0);
    for (size_t k = 0; k < y->n; k++) {
        touch(&y->val[k], depth + 1);
        if (y->kind == KT_YAML_MAP)
            KT_ASSERT(y->key[k].kind == KT_YAML_SCALAR && kt_yaml_get(y, y->key[k].text.p) != NULL);
    }
}

void fuzz_one(const uint8_t *data, size_t n)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_err err = { 0 };
    kt_yaml *y = NULL;
    kt_rc rc = kt_yaml_parse((kt_str){ (const char *)data, n }, "f", &a, &y, &err);
    KT_ASSERT(rc <= 0 && (rc < 0 ? err.what[0] != 0 : y != NULL));
    if (rc == 0)
        touch(y, 0);
}
