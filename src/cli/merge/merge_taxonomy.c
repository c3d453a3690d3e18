/* karat aggregate --method taxonomy: item,annotator,label, labels being nodes of a tree. */
#include "cli/merge/merge_taxonomy.h"

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
    static const char *const names[][5] = {
        { "item", "item_id", "task", "id", NULL }, { "annotator", "annotator_id", "worker", "source", NULL }, { "label", "class", "category", "node", NULL },
    };
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

static void put_accuracy(kt_buf *b, double a, const double *ci)
{
    kt_buf_puts(b, "\"accuracy\":");
    kt_buf_f64(b, a);
    kt_buf_puts(b, ",\"ci95\":[");
    kt_buf_f64(b, ci[0]);
    kt_buf_char(b, ',');
    kt_buf_f64(b, ci[1]);
    kt_buf_char(b, ']');
}

static void print_json(const said *x, const kt_taxonomy_merge *r)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 32);
    kt_buf_puts(&b, "{\"method\":\"taxonomy\",\"items\":[");
    for (uint32_t i = 0; i < r->n_items; i++)
        put_item(&b, x, r, i);
    kt_buf_puts(&b, "],\"sources\":[");
    for (uint32_t s = 0; s < r->n_sources; s++) {
        kt_buf_puts(&b, s ? ",\n{\"annotator\":" : "\n{\"annotator\":");
        kt_buf_json(&b, x->source.name[s]);
        kt_buf_char(&b, ',');
        put_accuracy(&b, r->source_accuracy[s], r->source_ci + 2 * s);
        kt_buf_puts(&b, ",\"levels\":[");
        for (uint32_t d = 0; d < r->n_levels; d++) {
            size_t cell = (size_t)s * r->n_levels + d;
            kt_buf_puts(&b, d ? ",{" : "{");
            put_accuracy(&b, r->level_accuracy[cell], r->level_ci + 2 * cell);
            kt_buf_puts(&b, ",\"votes\":");
            kt_buf_f64(&b, r->level_votes[cell]);
            kt_buf_char(&b, '}');
        }
        kt_buf_puts(&b, "]}");
    }
    kt_buf_puts(&b, "]}\n");
    fwrite(b.p, 1, b.n, stdout);
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
    fwrite(b.p, 1, b.n, stdout);
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

kt_rc kt_merge_taxonomy(kt_cli *cli, const kt_table_file *t, const kt_taxonomy_opts *o, kt_str tree, bool json, kt_err *err)
{
    said x = { 0 };
    kt_table_file tree_file = { 0 };
    kt_taxonomy_merge r;
    kt_rc rc = tree.n ? read_tree(cli, &x, tree, &tree_file, err) : 0;
    if (rc == 0)
        rc = read_rows(&x, t, tree.n == 0, err);
    if (rc == 0) {
        kt_votes v = { x.label.n, (uint32_t)x.item.n, (uint32_t)x.source.n, (uint32_t)x.node.n, x.item_of.v, x.source_of.v, x.label.v };
        rc = kt_taxonomy_fit(&v, x.parent.v, o, cli->pool, cli->arena, &r, err);
    }
    if (rc == 0 && json)
        print_json(&x, &r);
    else if (rc == 0)
        print_csv(&x, &r);
    done(&x);
    kt_table_file_done(&tree_file);
    return rc;
}
