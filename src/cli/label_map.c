#include "cli/label_map.h"

#include "base/file.h"
#include "base/str.h"

#include <math.h>

#define MAX_FILE_BYTES ((size_t)1 << 34)
#define MAX_LABEL 65535

kt_rc kt_label_map_read(const char *path, kt_arena *a, kt_label_map *m, int32_t *most, kt_err *err)
{
    *m = (kt_label_map){ .text = KT_BUF_INIT(MAX_FILE_BYTES) };
    KT_TRY(kt_file_read(path, &m->text, err));
    if (kt_npy_parse(KT_BUF_STR(&m->text), a, &m->x, err) < 0)
        return kt_at(err, path, 0, NULL);
    if (m->x.kind != KT_NPY_NUMBER || m->x.n_dims < 2 || m->x.n_dims > 3) {
        kt_fail(err, KT_PARSE, "expected numbers in two or three dimensions, (images ×) height × width");
        kt_at(err, path, 0, NULL);
        return KT_PARSE;
    }
    m->label = kt_arena_alloc(a, (m->x.n + 1) * sizeof(int32_t));
    for (size_t i = 0; i < m->x.n; i++) {
        double v = kt_npy_number(&m->x, i);
        if (!(v >= -1 && v <= MAX_LABEL) || v != floor(v)) {
            kt_fail(err, KT_RANGE, "pixel %zu is %g; labels are whole numbers from 0 to %d, -1 where there is none", i, v, MAX_LABEL);
            kt_at(err, path, 0, NULL);
            return KT_RANGE;
        }
        m->label[i] = (int32_t)v;
        *most = KT_MAX(*most, m->label[i]);
    }
    return 0;
}
