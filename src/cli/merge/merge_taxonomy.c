/* karat aggregate --method taxonomy: item,annotator,label, labels being nodes of a tree. */
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>

typedef struct said {
    kt_names item, source, node;
    KT_VEC(int32_t) parent; /* of each node; -1: a root */
    KT_VEC(uint32_t) item_of;
    KT_VEC(uint32_t) source_of;
    KT_VEC(int32_t) label;
} said;

/* A node by its name; new ones are roots until a line says otherwise. */
static uint32_t node_of(said *x, kt_str name)
{
    uint32_t id = kt_names_add(&x->node, name);
    if (id == x->parent.n)
        KT_PUSH(&x->parent, -1);
    return id;
}

static kt_rc check_tree(const said *x, const char *path, kt_err *err)
{
    for (size_t node = 0; node < x->node.n; node++) {
        size_t steps = 0;
        for (int32_t up = x->parent.v[node]; up >= 0; up = x->parent.v[up])
            if (++steps > x->node.n || up == (int32_t)node) {
                kt_fail(err, KT_RANGE, "node %.*s is below itself", KT_F(x->node.name[node]));
                kt_at(err, path, 0, "parent");
                return KT_RANGE;
            }
    }
    return 0;
}

static kt_rc read_tree(kt_cli *cli, said *x, kt_str path, kt_table_file *ret, kt_err *err)
{
    static const char *const child_names[] = { "child", "node", "label", NULL }, *const parent_names[] = { "parent", NULL };
    size_t child, parent;
    KT_TRY(kt_table_file_read(kt_arena_cstr(cli->arena, path), cli->arena, ret, err));
    KT_TRY(kt_table_file_column(ret, child_names, &child, err));
    KT_TRY(kt_table_file_column(ret, parent_names, &parent, err));
    for (size_t row = 0; row < ret->n_rows; row++) {
        kt_str name = kt_str_trim(ret->cell[row * ret->n_columns + child]), up = kt_str_trim(ret->cell[row * ret->n_columns + parent]);
        uint32_t id = node_of(x, name);
        if (name.n == 0 || (up.n && x->parent.v[id] >= 0 && !kt_str_eq(x->node.name[x->parent.v[id]], up))) {
            kt_fail(err, KT_RANGE, name.n ? "node %.*s has two parents" : "a node%.*s without a name", KT_F(name));
            kt_at(err, ret->path, ret->line[row], "child");
            return KT_RANGE;
        }
        if (up.n) {
            int32_t above = (int32_t)node_of(x, up);
            x->parent.v[id] = above;
        }
    }
    return check_tree(x, ret->path, err);
}

/* a/b/c: the nodes a, a/b and a/b/c. */
static uint32_t node_of_way(said *x, kt_str way)
{
    uint32_t id = UINT32_MAX;
    for (size_t n = 1; n <= way.n; n++)
        if (n == way.n || way.p[n] == '/') {
            uint32_t above = id;
            id = node_of(x, (kt_str){ way.p, n });
            if (above != UINT32_MAX)
                x->parent.v[id] = (int32_t)above;
        }
    return id;
}

static kt_rc read_row(said *x, const kt_table_file *t, size_t row, const size_t *column, bool ways, kt_err *err)
{
    const kt_str *cell = t->cell + row * t->n_columns;
    kt_str name = kt_str_trim(cell[column[2]]);
    while (ways && name.n && name.p[name.n - 1] == '/')
        name.n--;
    int64_t node = name.n == 0 ? KT_ABSTAIN : ways ? (int64_t)node_of_way(x, name) : kt_names_get(&x->node, name);
    if (name.n && node < 0) {
        kt_fail(err, KT_RANGE, "label %.*s is not in the tree", KT_F(name));
        kt_at(err, t->path, t->line[row], "label");
        return KT_RANGE;
    }
    KT_PUSH(&x->item_of, kt_names_add(&x->item, cell[column[0]]));
    KT_PUSH(&x->source_of, kt_names_add(&x->source, cell[column[1]]));
    KT_PUSH(&x->label, (int32_t)node);
    return 0;
}

static kt_rc read_rows(said *x, const kt_table_file *t, bool ways, kt_err *err)
{
    const char *const *const names[] = { kt_item_column_names, kt_source_names, (const char *const[]){ "label", "class", "category", "node", NULL } };
    size_t column[3];
    for (int c = 0; c < 3; c++)
        KT_TRY(kt_table_file_column(t, names[c], &column[c], err));
    for (size_t row = 0; row < t->n_rows; row++)
        KT_TRY(read_row(x, t, row, column, ways, err));
    return 0;
}

static void put_name(kt_buf *b, const said *x, int32_t node)
{
    if (node < 0)
        kt_buf_puts(b, "null");
    else
        kt_buf_json(b, x->node.name[node]);
}

static void put_item(kt_buf *b, const said *x, const kt_taxonomy_merge *r, uint32_t i)
{
    kt_buf_puts(b, i ? ",\n{\"item\":" : "\n{\"item\":");
    kt_buf_json(b, x->item.name[i]);
    kt_buf_puts(b, ",\"label\":");
    put_name(b, x, r->label[i]);
    kt_buf_puts(b, ",\"label_posterior\":");
    kt_buf_f64(b, r->prob[i]);
    kt_buf_puts(b, ",\"deepest\":");
    put_name(b, x, r->deepest[i]);
    kt_buf_printf(b, ",\"votes\":%u,\"votes_for\":%u,\"votes_above\":%u,\"posterior\":{", r->n_votes[i], r->n_for[i], r->n_above[i]);
    for (size_t q = r->start[i]; q < r->start[i + 1]; q++) {
        kt_buf_puts(b, q > r->start[i] ? "," : "");
        kt_buf_json(b, x->node.name[r->node[q]]);
        kt_buf_char(b, ':');
        kt_buf_f64(b, r->node_prob[q]);
    }
    kt_buf_puts(b, "}}");
}

static void print_json(const said *x, const kt_taxonomy_merge *r)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 32);
    kt_buf_puts(&b, "{\"method\":\"taxonomy\",\"items\":[");
    for (uint32_t i = 0; i < r->n_items; i++)
        put_item(&b, x, r, i);
    kt_buf_puts(&b, "]");
    kt_merge_flush(&b);
}

static void print_csv(const said *x, const kt_taxonomy_merge *r)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 32);
    kt_buf_puts(&b, "item,label,posterior,deepest\n");
    for (uint32_t i = 0; i < r->n_items; i++) {
        kt_buf_csv(&b, x->item.name[i], ',');
        kt_buf_char(&b, ',');
        if (r->label[i] >= 0)
            kt_buf_csv(&b, x->node.name[r->label[i]], ',');
        kt_buf_char(&b, ',');
        if (r->label[i] >= 0)
            kt_buf_printf(&b, "%.6g", r->prob[i]);
        kt_buf_char(&b, ',');
        if (r->deepest[i] >= 0)
            kt_buf_csv(&b, x->node.name[r->deepest[i]], ',');
        kt_buf_char(&b, '\n');
    }
    kt_merge_flush(&b);
}

static void done(said *x)
{
    kt_names_done(&x->item);
    kt_names_done(&x->source);
    kt_names_done(&x->node);
    KT_VEC_DONE(&x->parent);
    KT_VEC_DONE(&x->item_of);
    KT_VEC_DONE(&x->source_of);
    KT_VEC_DONE(&x->label);
}

/* What --explain and --sources look at. */
struct merging {
    const said *x;
    const kt_taxonomy_merge *r;
};

/* How each source chooses on every level. */
static void put_levels(kt_out *o, const void *of, uint32_t s)
{
    const kt_taxonomy_merge *r = ((const struct merging *)of)->r;
    kt_out_open(o, "levels", '[');
    for (uint32_t d = 0; d < r->n_levels; d++) {
        size_t cell = (size_t)s * r->n_levels + d;
        kt_out_open(o, NULL, '{');
        kt_out_f64(o, "accuracy", r->level_accuracy[cell]);
        kt_out_interval(o, "ci95", r->level_ci + 2 * cell);
        kt_out_f64(o, "votes", r->level_votes[cell]);
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
}

static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    const struct merging *w = of;
    const said *x = w->x;
    const kt_taxonomy_merge *r = w->r;
    uint32_t i;
    KT_TRY(kt_merge_find(&x->item, item, &i, err));
    printf("item %.*s, %u votes:\n", KT_F(item), r->n_votes[i]);
    for (size_t q = 0; q < x->label.n; q++) {
        uint32_t s = x->source_of.v[q];
        if (x->item_of.v[q] != i || x->label.v[q] < 0)
            continue;
        printf("  %.*s says %.*s   accuracy by level:", KT_F(x->source.name[s]), KT_F(x->node.name[x->label.v[q]]));
        for (uint32_t d = 0; d < r->n_levels; d++)
            printf(" %.4f", r->level_accuracy[(size_t)s * r->n_levels + d]);
        printf("   (right at or above what it says %.4f, 95 %%: %.3f to %.3f)\n", r->source_accuracy[s], r->source_ci[2 * s], r->source_ci[2 * s + 1]);
    }
    printf("posterior of each node, its share of all items before:\n");
    for (size_t q = r->start[i]; q < r->start[i + 1]; q++)
        printf("  %.*s %.6f   (%.4f)\n", KT_F(x->node.name[r->node[q]]), r->node_prob[q], r->share[r->node[q]]);
    if (r->label[i] >= 0)
        printf("label: %.*s, the deepest that reaches the target (%u votes for it, %u for a node above)\n", KT_F(x->node.name[r->label[i]]), r->n_for[i], r->n_above[i]);
    else
        printf("no node reaches the target: no label\n");
    return 0;
}

static kt_rc give(kt_cli *cli, const kt_answer_merge *m, const struct merging *n, const kt_merge_wishes *w, kt_err *err)
{
    const kt_taxonomy_merge *r = n->r;
    double *votes = kt_arena_array(cli->arena, r->n_sources, sizeof(*votes));
    for (size_t q = 0; q < n->x->label.n; q++)
        votes[n->x->source_of.v[q]] += n->x->label.v[q] >= 0;
    const kt_account account = {
        .method = m->name, .help = m->help, .formula = m->formula, .n_sources = r->n_sources, .source = n->x->source.name, .votes = votes,
        .measure = { { "accuracy", "Accuracy of the annotators: the truth is at or below what they say", r->source_accuracy, r->source_ci, false } }, .n_measures = 1,
        .sure_title = "How sure the labels are", .sure_axis = "posterior of the label", .n = r->n_items, .sure = r->prob, .to = 1, .line = NAN,
        .source_more = put_levels, .explain = explain, .of = n,
    };
    return kt_merge_account(cli, &account, w, err);
}

kt_rc kt_merge_taxonomy(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    said x = { 0 };
    kt_table_file tree_file = { 0 };
    kt_taxonomy_merge r;
    kt_rc rc = o->tree.n ? read_tree(cli, &x, o->tree, &tree_file, err) : 0;
    if (rc == 0)
        rc = read_rows(&x, t, o->tree.n == 0, err);
    if (rc == 0) {
        kt_votes v = { x.label.n, (uint32_t)x.item.n, (uint32_t)x.source.n, (uint32_t)x.node.n, x.item_of.v, x.source_of.v, x.label.v };
        rc = kt_taxonomy_fit(&v, x.parent.v, &o->taxonomy, cli->pool, cli->arena, &r, err);
    }
    if (rc == 0 && kt_merge_wants_answers(w))
        (w->json ? print_json : print_csv)(&x, &r);
    if (rc == 0)
        rc = give(cli, m, &(struct merging){ &x, &r }, w, err);
    done(&x);
    kt_table_file_done(&tree_file);
    return rc;
}
