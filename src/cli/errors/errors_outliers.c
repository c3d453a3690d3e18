/* Items far from all others by their features, such as embeddings. */
#include "algo/errors/errors_outliers.h"
#include "algo/nth.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/errors/errors_cli.h"
#include "cli/plot.h"

#include <stdio.h>

#define OUTLIER 3.5

struct finding {
    kt_errors_job *j;
    kt_matrix_file m;
    double *distance, *z;
    size_t *nearest, *order, n_issues; /* order: farthest first */
};

static kt_str name_of(struct finding *f, size_t i)
{
    return i == SIZE_MAX ? (kt_str){ NULL, 0 } : kt_matrix_row(&f->m, i, f->j->cli->arena);
}

static void print_json(struct finding *f, size_t shown)
{
    kt_out *o = &f->j->out;
    kt_out_open(o, NULL, '{');
    kt_out_u64(o, "n_items", f->m.n_rows);
    kt_out_u64(o, "n_issues", f->n_issues);
    kt_out_open(o, f->j->all ? "items" : "issues", '[');
    for (size_t q = 0; q < shown; q++) {
        size_t i = f->order[q];
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "item", name_of(f, i));
        kt_out_f64(o, "distance", f->distance[i]);
        kt_out_f64(o, "z", f->z[i]);
        kt_out_str(o, "nearest", name_of(f, f->nearest[i]));
        kt_out_close(o, '}');
    }
    kt_out_close(o, ']');
    kt_out_close(o, '}');
    kt_buf_char(&o->b, '\n');
}

static void print_csv(struct finding *f, size_t shown)
{
    kt_out *o = &f->j->out;
    kt_buf_puts(&o->b, "item,distance,z,nearest\n");
    for (size_t q = 0; q < shown; q++) {
        size_t i = f->order[q];
        kt_out_field(o, true, name_of(f, i));
        kt_out_field_f64(o, f->distance[i]);
        kt_out_field_f64(o, f->z[i]);
        kt_out_field(o, false, name_of(f, f->nearest[i]));
        kt_buf_char(&o->b, '\n');
        kt_out_flush(o, false);
    }
    fprintf(stderr, "%zu of %zu items lie far from all others (z above %g)\n", f->n_issues, f->m.n_rows, OUTLIER);
}

static kt_rc find(struct finding *f, kt_err *err)
{
    kt_errors_job *j = f->j;
    kt_arena *a = j->cli->arena;
    size_t n = f->m.n_rows, d = f->m.n_columns;
    kt_outlier_opts opt = KT_OUTLIER_OPTS_INIT;
    int metric;
    KT_TRY(kt_cli_choose(j->quality, kt_metric_names, "--quality", &metric, err));
    opt.metric = (kt_metric)metric;
    opt.seed = (uint64_t)j->seed;
    const float *x = f->m.x;
    if (!f->m.floats) {
        float *narrow = kt_arena_array(a, n * d + 1, sizeof(*narrow));
        for (size_t i = 0; i < n * d; i++)
            narrow[i] = (float)((const double *)f->m.x)[i];
        x = narrow;
    }
    f->distance = kt_arena_array(a, n + 1, sizeof(double));
    f->z = kt_arena_array(a, n + 1, sizeof(double));
    f->nearest = kt_arena_array(a, n + 1, sizeof(size_t));
    f->order = kt_arena_array(a, n + 1, sizeof(size_t));
    if (kt_outlier_distances(x, n, d, &opt, j->cli->pool, f->distance, f->nearest, f->z, err) < 0)
        return kt_at(err, j->file, 0, NULL);
    double *rank = kt_arena_array(a, n + 1, sizeof(*rank));
    size_t shown = 0;
    for (size_t i = 0; i < n; i++) {
        rank[i] = -f->z[i];
        f->n_issues += f->z[i] > OUTLIER;
        if (j->all || f->z[i] > OUTLIER)
            f->order[shown++] = i;
    }
    kt_sort_places(f->order, shown, rank);
    if (j->plot)
        KT_TRY(kt_plot_histogram(j->plot, &(kt_plot_bars){ "How far items are from all others", "robust z of the log distance; suspects are right of the line", NULL, -6, 12,
                                                           OUTLIER, n, f->z, NULL }, err));
    (j->out.look == KT_LOOK_JSON ? print_json : print_csv)(f, shown);
    return 0;
}

static kt_rc run(kt_errors_job *j, kt_err *err)
{
    struct finding f = { .j = j };
    KT_TRY(kt_errors_need(j->file, "a FILE of features", err));
    KT_TRY(kt_matrix_file_read(j->file, "features", j->cli->arena, &f.m, err));
    kt_rc rc = find(&f, err);
    kt_matrix_file_done(&f.m);
    return rc;
}

const kt_error_task kt_errors_outliers = {
    .name = "outliers", .help = "items far from all others by their features (embeddings: a row an item); --quality cosine or euclidean", .files = "FILE",
    .run = run, .draws = true,
    .formula = "distance = mean distance to the nearest neighbours; z = 0.6745 (log d - median) / median |log d - median|; suspects have z > 3.5",
};
