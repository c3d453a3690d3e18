/* A model's bytes: what is read predicts, and writes itself again. */
#include "fuzz.h"

#include "algo/learn/linear.h"

void fuzz_one(const uint8_t *data, size_t n)
{
    kt_err err = { 0 };
    kt_linear m;
    kt_rc rc = kt_linear_from_bytes((kt_str){ (const char *)data, n }, &m, &err);
    KT_ASSERT(rc == 0 || rc == KT_CORRUPT);
    if (rc < 0)
        return;
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 30);
    kt_linear_bytes(&m, &b);
    kt_linear again;
    KT_ASSERT(kt_linear_from_bytes(KT_BUF_STR(&b), &again, &err) == 0 && again.n_seen == m.n_seen);
    kt_linear_done(&again);
    size_t start[] = { 0, 2 };
    uint32_t index[] = { 0, ((uint32_t)1 << m.bits) - 1 };
    float value[] = { 1, 0.5f }, *prob = kt_alloc_array(m.n_labels, sizeof(*prob));
    const kt_features x = { .n_rows = 1, .start = start, .index = index, .value = value };
    kt_linear_predict(&m, &x, NULL, prob);
    kt_free(prob);
    kt_linear_done(&m);
}
