/* Field comparisons. Two numbers are compared as numbers, anything else as text; a field the item does not have satisfies nothing. */
#include "base/str.h"
#include "provider/functions_int.h"

static bool contains(kt_str s, kt_str part)
{
    return kt_str_find(s, part) != NULL;
}

/* <0, 0, >0; false: one is a number and the other is not, so that neither is less. */
static bool compare(kt_str a, kt_str b, int *ret)
{
    double x, y;
    bool na = kt_parse_f64(a, &x), nb = kt_parse_f64(b, &y);
    if (na != nb)
        return false;
    *ret = na ? (x > y) - (x < y) : kt_str_cmp(a, b);
    return true;
}

static bool equal(kt_str a, kt_str b)
{
    int order;
    return compare(a, b, &order) && order == 0;
}

bool kt_where_holds(const kt_where *w, kt_str value)
{
    int order = 0;
    if (!value.p)
        return false;
    switch (w->op) {
    case KT_CMP_EQ: return equal(value, w->value[0]);
    case KT_CMP_NE: return !equal(value, w->value[0]);
    case KT_CMP_CONTAINS: return contains(value, w->value[0]);
    case KT_CMP_IN:
        for (uint32_t i = 0; i < w->n_values; i++)
            if (equal(value, w->value[i]))
                return true;
        return false;
    case KT_CMP_LT: return compare(value, w->value[0], &order) && order < 0;
    case KT_CMP_LE: return compare(value, w->value[0], &order) && order <= 0;
    case KT_CMP_GT: return compare(value, w->value[0], &order) && order > 0;
    case KT_CMP_GE: return compare(value, w->value[0], &order) && order >= 0;
    }
    return false;
}
