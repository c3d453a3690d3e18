#include "algo/agree/label_distance.h"

#include "algo/merge/assign.h"
#include "algo/boxes.h"
#include "algo/score/score.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

const char *const kt_distance_names[] = { "edit", "boxes", "spans", NULL };
_Static_assert(KT_LEN(kt_distance_names) == KT_DISTANCE__COUNT + 1, "a name for every distance");

struct span {
    double first, last;
    kt_str type;
};

struct shape {
    size_t n;
    kt_xywh *box;      /* boxes */
    struct span *span; /* spans, in order of first */
};

struct shapes {
    const kt_str *label;
    struct shape *shape; /* n_labels; not for texts */
};

static double edit(const void *ctx, int32_t a, int32_t b)
{
    const struct shapes *s = ctx;
    return kt_text_distance(s->label[a], s->label[b]);
}

static double boxes(const void *ctx, int32_t i, int32_t k)
{
    const struct shape *a = &((const struct shapes *)ctx)->shape[i], *b = &((const struct shapes *)ctx)->shape[k];
    size_t most = KT_MAX(a->n, b->n);
    if (most == 0)
        return 0;
    double *cost = kt_alloc_array(a->n * b->n + 1, sizeof(*cost)), sum = 0;
    int64_t *match = kt_alloc_array(a->n + 1, sizeof(*match));
    for (size_t p = 0; p < a->n; p++)
        for (size_t q = 0; q < b->n; q++)
            cost[p * b->n + q] = -kt_xywh_iou(a->box[p], b->box[q], false);
    kt_assign(cost, a->n, b->n, match);
    for (size_t p = 0; p < a->n; p++)
        sum -= match[p] >= 0 ? cost[p * b->n + (size_t)match[p]] : 0;
    kt_free(cost);
    kt_free(match);
    return 1 - sum / (double)most;
}

static double covered(const struct shape *s)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += s->span[i].last - s->span[i].first + 1;
    return sum;
}

static double spans(const void *ctx, int32_t i, int32_t k)
{
    const struct shape *a = &((const struct shapes *)ctx)->shape[i], *b = &((const struct shapes *)ctx)->shape[k];
    double both = 0, all = covered(a) + covered(b);
    for (size_t p = 0; p < a->n; p++)
        for (size_t q = 0; q < b->n; q++)
            if (kt_str_eq(a->span[p].type, b->span[q].type))
                both += KT_MAX(KT_MIN(a->span[p].last, b->span[q].last) - KT_MAX(a->span[p].first, b->span[q].first) + 1, 0);
    return all > 0 ? 1 - 2 * both / all : 0;
}

static kt_rc parse_box(kt_str text, kt_xywh *ret, kt_err *err)
{
    double v[4];
    kt_str rest = text, field;
    int n = 0;
    while (n < 4 && kt_str_cut(&rest, ',', &field) && kt_parse_f64(kt_str_trim(field), &v[n]))
        n++;
    if (n < 4 || rest.p) {
        kt_fail(err, KT_PARSE, "'%.*s' is no box", KT_F(text));
        kt_hint(err, "expected x,y,width,height and ; between boxes, or none");
        return KT_PARSE;
    }
    *ret = (kt_xywh){ v[0], v[1], v[2], v[3] };
    return kt_xywh_check(*ret, "box of a label", 0, err);
}

static kt_rc parse_span(kt_str text, struct span *ret, kt_err *err)
{
    kt_str type = text, place, first;
    int64_t a, b;
    bool ok = kt_str_cut(&type, ':', &place) && kt_str_cut(&place, '-', &first);
    ok = ok && kt_parse_i64(kt_str_trim(first), 0, INT64_MAX, &a) && kt_parse_i64(kt_str_trim(place), 0, INT64_MAX, &b) && a <= b;
    if (!ok) {
        kt_fail(err, KT_PARSE, "'%.*s' is no span", KT_F(text));
        kt_hint(err, "expected FIRST-LAST or FIRST-LAST:TYPE and ; between spans, or none");
        return KT_PARSE;
    }
    *ret = (struct span){ (double)a, (double)b, type.p ? kt_str_trim(type) : KT_S("") };
    return 0;
}

static kt_rc parse_shape(kt_distance_kind kind, kt_str label, kt_arena *a, struct shape *ret, kt_err *err)
{
    size_t most = 1;
    kt_str rest = label, part;
    if (kt_str_ieq(kt_str_trim(label), KT_S("none")))
        return 0;
    for (size_t i = 0; i < label.n; i++)
        most += label.p[i] == ';';
    ret->box = kind == KT_DISTANCE_BOXES ? kt_arena_array(a, most, sizeof(*ret->box)) : NULL;
    ret->span = kind == KT_DISTANCE_SPANS ? kt_arena_array(a, most, sizeof(*ret->span)) : NULL;
    while (kt_str_cut(&rest, ';', &part)) {
        part = kt_str_trim(part);
        if (!part.n)
            continue;
        KT_TRY(kind == KT_DISTANCE_BOXES ? parse_box(part, &ret->box[ret->n], err) : parse_span(part, &ret->span[ret->n], err));
        ret->n++;
    }
    return 0;
}

kt_rc kt_label_distance_make(kt_distance_kind kind, const kt_str *label, uint32_t n, kt_arena *a, kt_label_distance *ret, kt_err *err)
{
    struct shapes *s = kt_arena_zalloc(a, sizeof(*s));
    s->label = label;
    s->shape = kt_arena_array(a, (size_t)n + 1, sizeof(*s->shape));
    for (uint32_t c = 0; c < n; c++) {
        if (kind != KT_DISTANCE_EDIT)
            KT_TRY(parse_shape(kind, label[c], a, &s->shape[c], err));
        else if (!kt_utf8_valid(label[c], &(size_t){ 0 }))
            return kt_fail(err, KT_PARSE, "label %u is not UTF-8", c);
    }
    *ret = (kt_label_distance){ kind == KT_DISTANCE_EDIT ? edit : kind == KT_DISTANCE_BOXES ? boxes : spans, s };
    return 0;
}
