#include "format/row_places.h"

void kt_row_places_add(kt_row_places *p, uint64_t line)
{
    const struct kt_row_place *last = p->jump.n ? &p->jump.v[p->jump.n - 1] : NULL;
    if (!last || last->line + (p->rows - last->row) != line)
        KT_PUSH(&p->jump, (struct kt_row_place){ p->rows, line });
    p->rows++;
}

uint64_t kt_row_places_line(const kt_row_places *p, size_t row)
{
    size_t from = 0, to = p->jump.n;
    while (to - from > 1) {
        size_t middle = (from + to) / 2;
        *(p->jump.v[middle].row <= row ? &from : &to) = middle;
    }
    return p->jump.n ? p->jump.v[from].line + (row - p->jump.v[from].row) : 0;
}

void kt_row_places_done(kt_row_places *p)
{
    KT_VEC_DONE(&p->jump);
    p->rows = 0;
}
