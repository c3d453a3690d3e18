/* .npy and .npz files: any bytes give arrays that lie where they say, or an error that says something. */
#include "fuzz.h"

#include "format/npy.h"

static void check(const kt_npy *x, kt_arena *a)
{
    size_t n = 1;
    KT_ASSERT(x->n_dims <= KT_NPY_MAX_DIMS);
    for (uint32_t d = 0; d < x->n_dims; d++)
        n *= x->shape[d];
    KT_ASSERT(n == x->n);
    double sum = 0;
    for (size_t i = 0; i < x->n && i < 4096; i++) {
        if (x->kind == KT_NPY_NUMBER)
            sum += kt_npy_number(x, i);
        sum += (double)kt_npy_text(x, i, a).n;
    }
    if (x->n) /* the last entry too */
        sum += x->kind == KT_NPY_NUMBER ? kt_npy_number(x, x->n - 1) : (double)kt_npy_text(x, x->n - 1, a).n;
    kt_ignore(sum, "read for the sanitizers to see");
}

void fuzz_one(const uint8_t *data, size_t n)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str bytes = { (const char *)data, n };
    kt_err err = { 0 };
    kt_npy x;
    kt_npz_member *m;
    size_t count;
    kt_rc rc = kt_npy_parse(bytes, &a, &x, &err);
    KT_ASSERT(rc == 0 || (rc < 0 && err.what[0]));
    if (rc == 0)
        check(&x, &a);
    kt_err again = { 0 };
    rc = kt_npz_parse(bytes, &a, &m, &count, &again);
    KT_ASSERT(rc == 0 || (rc < 0 && again.what[0]));
    for (size_t i = 0; rc == 0 && i < count; i++)
        check(&m[i].array, &a);
}
