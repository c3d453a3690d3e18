/* Items that are (nearly) the same and bear different labels. */
#include "algo/errors/errors.h"
#include "base/mem.h"
#include "base/names.h"
#include "cli/errors/errors_cli.h"

#include <stdio.h>

static const char *const cluster_names[] = { "cluster", "group", "canonical", NULL };

static void print(kt_errors_job *j, const kt_columns *c, const uint8_t *issue, size_t found, const kt_str *item, const kt_str *cluster, const kt_str *label)
{
    kt_out *o = &j->out;
    bool json = o->look == KT_LOOK_JSON;
    if (json) {
        kt_out_open(o, NULL, '{');
        kt_out_u64(o, "n_items", c->n_rows);
        kt_out_u64(o, "n_issues", found);
        kt_out_open(o, "issues", '[');
    } else {
        kt_buf_puts(&o->b, "item,cluster,label\n");
    }
    for (size_t i = 0; i < c->n_rows; i++) {
        if (!issue[i])
            continue;
        if (json) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "item", item[i]);
            kt_out_str(o, "cluster", cluster[i]);
            kt_out_str(o, "label", label[i]);
            kt_out_close(o, '}');
            continue;
        }
        kt_out_field(o, true, item[i]);
        kt_out_field(o, false, cluster[i]);
        kt_out_field(o, false, label[i]);
        kt_buf_char(&o->b, '\n');
    }
    if (json) {
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    } else {
        fprintf(stderr, "%zu of %zu items bear another label than their duplicates\n", found, c->n_rows);
    }
}

static kt_rc find(kt_errors_job *j, const kt_columns *c, kt_err *err)
{
    kt_str *item, *cluster, *label;
    KT_TRY(kt_columns_need(c, kt_item_names, &item, err));
    KT_TRY(kt_columns_need(c, cluster_names, &cluster, err));
    KT_TRY(kt_columns_need(c, kt_label_names, &label, err));
    kt_arena *a = j->cli->arena;
    int32_t *labels = kt_arena_array(a, c->n_rows + 1, sizeof(*labels));
    int64_t *clusters = kt_arena_array(a, c->n_rows + 1, sizeof(*clusters));
    uint8_t *issue = kt_arena_array(a, c->n_rows + 1, 1);
    kt_names label_names = { 0 }, clusters_seen = { 0 };
    for (size_t i = 0; i < c->n_rows; i++) {
        labels[i] = label[i].n ? (int32_t)kt_names_add(&label_names, label[i]) : -1;
        clusters[i] = cluster[i].n ? (int64_t)kt_names_add(&clusters_seen, cluster[i]) : -1;
    }
    kt_names_done(&label_names);
    kt_names_done(&clusters_seen);
    size_t found;
    KT_TRY(kt_duplicate_errors(labels, clusters, c->n_rows, issue, &found, err));
    print(j, c, issue, found, item, cluster, label);
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    kt_columns c;
    KT_TRY(kt_errors_need(j->file, "a FILE with the columns item, cluster and label", err));
    KT_TRY(kt_columns_read(j->file, j->cli->arena, &c, err));
    kt_rc rc = find(j, &c, err);
    kt_columns_done(&c);
    return rc;
}

const kt_error_task kt_errors_duplicates = {
    .name = "duplicates", .help = "near-duplicates (item, cluster, label) whose labels differ", .files = "FILE", .run = run,
    .formula = "suspects: the items of a cluster whose labels are not all the same",
};
