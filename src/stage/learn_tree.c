/* The flow's model where labels are paths (model: {kind: tree}): steps of a path that are no labels take part in training alone. */
#include "algo/learn/linear_tree.h"
#include "base/mem.h"
#include "stage/learn.h"

kt_rc kt_learn_fit(kt_run *r, const kt_linear_data *d, const kt_linear_options *o, kt_linear *ret)
{
    if (!r->c->tree)
        return kt_linear_fit(d, o, r->pool, ret, r->err);
    int32_t *parent;
    uint32_t k = r->k, nodes;
    size_t n = d->x->n_rows;
    kt_tree_of_paths(r->c->label, k, &parent, &nodes);
    float *soft = kt_zalloc_array(n + 1, nodes * sizeof(*soft));
    for (size_t i = 0; i < n; i++)
        memcpy(soft + i * nodes, d->soft + i * k, k * sizeof(*soft));
    kt_linear_data wide = *d;
    wide.n_labels = nodes;
    wide.soft = soft;
    kt_rc rc = kt_linear_tree_fit(&wide, parent, o, r->pool, ret, r->err);
    if (rc == 0)
        kt_linear_keep_labels(ret, k);
    kt_free(soft);
    kt_free(parent);
    return rc;
}
