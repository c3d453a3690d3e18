/* Edit distance of texts (Levenshtein 1966) with its parts. Alignments of equal cost are told apart: most substitutions, then
   most deletions, so that the counts do not depend on how the table is walked. */
#include "algo/score/score.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Units of a text as numbers: code points, or hashes of words (64 bits: equal hashes are taken for equal words). */
static size_t units_of(kt_str text, kt_text_unit unit, uint64_t *ret)
{
    size_t n = 0, at = 0;
    while (at < text.n) {
        if (unit == KT_UNIT_CHAR) {
            ret[n++] = kt_utf8_next(text, &at);
            continue;
        }
        while (at < text.n && (text.p[at] == ' ' || (text.p[at] >= '\t' && text.p[at] <= '\r')))
            at++;
        size_t from = at;
        while (at < text.n && !(text.p[at] == ' ' || (text.p[at] >= '\t' && text.p[at] <= '\r')))
            at++;
        if (at > from)
            ret[n++] = XXH3_64bits(text.p + from, at - from);
    }
    return n;
}

struct cell {
    uint32_t cost, substituted, deleted;
};

static bool better(struct cell a, struct cell b)
{
    if (a.cost != b.cost)
        return a.cost < b.cost;
    return a.substituted != b.substituted ? a.substituted > b.substituted : a.deleted > b.deleted;
}

/* From the n units of t to the m of p, in one row of cells. */
static struct cell align(const uint64_t *t, size_t n, const uint64_t *p, size_t m)
{
    struct cell *row = kt_alloc_array(m + 1, sizeof(*row));
    for (size_t j = 0; j <= m; j++)
        row[j] = (struct cell){ (uint32_t)j, 0, 0 };
    for (size_t i = 1; i <= n; i++) {
        struct cell corner = row[0];
        row[0] = (struct cell){ (uint32_t)i, 0, (uint32_t)i };
        for (size_t j = 1; j <= m; j++) {
            bool same = t[i - 1] == p[j - 1];
            struct cell best = { corner.cost + !same, corner.substituted + !same, corner.deleted };
            struct cell drop = { row[j].cost + 1, row[j].substituted, row[j].deleted + 1 };
            struct cell more = { row[j - 1].cost + 1, row[j - 1].substituted, row[j - 1].deleted };
            best = better(drop, best) ? drop : best;
            best = better(more, best) ? more : best;
            corner = row[j];
            row[j] = best;
        }
    }
    struct cell ret = row[m];
    kt_free(row);
    return ret;
}

kt_rc kt_score_text(kt_str predicted, kt_str truth, kt_text_unit unit, kt_edit_counts *ret, kt_err *err)
{
    size_t bad;
    if (!kt_utf8_valid(predicted, &bad) || !kt_utf8_valid(truth, &bad))
        return kt_fail(err, KT_PARSE, "a text is not UTF-8 (byte %zu)", bad);
    if (predicted.n >= UINT32_MAX || truth.n >= UINT32_MAX)
        return kt_fail(err, KT_LIMIT, "a text is longer than 4 GB");
    uint64_t *t = kt_alloc_array(truth.n + 1, sizeof(*t)), *p = kt_alloc_array(predicted.n + 1, sizeof(*p));
    size_t n = units_of(truth, unit, t), m = units_of(predicted, unit, p);
    struct cell c = align(t, n, p, m);
    ret->length += n;
    ret->substituted += c.substituted;
    ret->deleted += c.deleted;
    ret->inserted += c.cost - c.substituted - c.deleted;
    kt_free(t);
    kt_free(p);
    return 0;
}

double kt_edit_rate(const kt_edit_counts *c)
{
    return c->length ? (double)(c->substituted + c->deleted + c->inserted) / (double)c->length : NAN;
}

double kt_text_distance(kt_str a, kt_str b)
{
    uint64_t *t = kt_alloc_array(a.n + 1, sizeof(*t)), *p = kt_alloc_array(b.n + 1, sizeof(*p));
    size_t n = units_of(a, KT_UNIT_CHAR, t), m = units_of(b, KT_UNIT_CHAR, p);
    double d = KT_MAX(n, m) ? (double)align(t, n, p, m).cost / (double)KT_MAX(n, m) : 0;
    kt_free(t);
    kt_free(p);
    return d;
}
