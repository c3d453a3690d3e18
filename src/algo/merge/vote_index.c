#include "algo/merge/vote_index.h"

#include "base/mem.h"

void kt_vote_index_make(const kt_votes *v, kt_vote_index *ret)
{
    kt_votes by_source = *v;
    by_source.item = v->source;
    by_source.n_items = v->n_sources;
    ret->item_start = kt_alloc_array((size_t)v->n_items + 1, sizeof(size_t));
    ret->item_order = kt_alloc_array(v->n + 1, sizeof(size_t));
    ret->source_start = kt_alloc_array((size_t)v->n_sources + 1, sizeof(size_t));
    ret->source_order = kt_alloc_array(v->n + 1, sizeof(size_t));
    kt_votes_by_item(v, ret->item_start, ret->item_order);
    kt_votes_by_item(&by_source, ret->source_start, ret->source_order);
}

void kt_vote_index_done(kt_vote_index *x)
{
    x->item_start = kt_free(x->item_start);
    x->item_order = kt_free(x->item_order);
    x->source_start = kt_free(x->source_start);
    x->source_order = kt_free(x->source_order);
}
