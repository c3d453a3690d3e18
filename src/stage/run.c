/* What stages read of a run's project. */
#include "stage/run.h"

#include "base/str.h"
#include "store/column.h"

kt_rc kt_run_column(kt_run *r, const char *name, uint32_t width, int fill, void *ret)
{
    kt_column_part part = { kt_str_of(name), 0, r->n, width };
    return kt_column_get(r->s, r->p.id, &part, fill, ret, r->err);
}

kt_rc kt_run_votes(kt_run *r, uint32_t first, uint32_t n, int16_t *ret)
{
    kt_column_part part = { KT_S("lf"), first, n, r->m * (uint32_t)sizeof(*ret) };
    return r->m ? kt_column_get(r->s, r->p.id, &part, 0xff, ret, r->err) : 0;
}
