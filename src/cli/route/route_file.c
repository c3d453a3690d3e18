/* karat route SCORES.csv: a row an item; where 'correct' is filled, the row is one of the trusted sample. */
#include "cli/route/route_cli.h"

#include "base/mem.h"
#include "cli/columns_file.h"

#include <math.h>
#include <stdio.h>

static const char *const correct_names[] = { "correct", "right", "is_correct", NULL };
static const char *const chance_names[] = { "probability", "inclusion_probability", "inclusion", NULL };
enum { MOST_CELLS = 10000 };

struct table {
    const kt_route_file *f;
    kt_arena *a;
    kt_columns c;
    size_t n, n_trusted;
    float *score, *trusted_score;
    uint32_t *cell, *trusted_cell, n_cells;
    uint8_t *right;
    double *weight, most_weight; /* of the trusted ones; NULL: drawn uniformly */
    kt_str *name;
    double *budget;
    kt_str *item;
};

static bool truth(kt_str s, bool *ret)
{
    static const char *const yes[] = { "1", "true", "yes", "t", "y", "1.0" }, *const no[] = { "0", "false", "no", "f", "n", "0.0" };
    for (size_t i = 0; i < KT_LEN(yes); i++) {
        if (kt_str_ieq(s, kt_str_of(yes[i])) || kt_str_ieq(s, kt_str_of(no[i])))
            return *ret = kt_str_ieq(s, kt_str_of(yes[i])), true;
    }
    return false;
}

static int by_text(const void *a, const void *b)
{
    return kt_str_cmp(*(const kt_str *)a, *(const kt_str *)b);
}

/* Cells by the columns of --by: their values side by side. */
static kt_rc read_cells(struct table *t, kt_err *err)
{
    kt_str rest = t->f->by, column;
    kt_str *key = kt_arena_array(t->a, t->n + 1, sizeof(*key));
    t->cell = kt_arena_array(t->a, t->n + 1, sizeof(*t->cell));
    while (kt_str_cut(&rest, ',', &column)) {
        kt_str *cell;
        const char *names[] = { kt_arena_cstr(t->a, kt_str_trim(column)), NULL };
        KT_TRY(kt_columns_need(&t->c, names, &cell, err));
        for (size_t i = 0; i < t->n; i++)
            key[i] = key[i].p ? kt_arena_printf(t->a, "%.*s, %s=%.*s", KT_F(key[i]), names[0], KT_F(cell[i]))
                              : kt_arena_printf(t->a, "%s=%.*s", names[0], KT_F(cell[i]));
    }
    kt_str *sorted = kt_arena_array(t->a, t->n + 1, sizeof(*sorted));
    for (size_t i = 0; i < t->n; i++)
        sorted[i] = key[i].p ? key[i] : KT_S("everything");
    qsort(sorted, t->n, sizeof(*sorted), by_text);
    for (size_t i = 0; i < t->n; i++)
        if (!t->n_cells || !kt_str_eq(sorted[t->n_cells - 1], sorted[i]))
            sorted[t->n_cells++] = sorted[i];
    if (t->n_cells > MOST_CELLS)
        return kt_fail(err, KT_LIMIT, "--by %.*s makes %u parts; at most %d", KT_F(t->f->by), t->n_cells, MOST_CELLS);
    for (size_t i = 0; i < t->n && t->f->by.n; i++)
        t->cell[i] = (uint32_t)((kt_str *)bsearch(&key[i], sorted, t->n_cells, sizeof(*sorted), by_text) - sorted);
    t->name = sorted;
    t->budget = kt_arena_array(t->a, (size_t)t->n_cells + 1, sizeof(double));
    for (uint32_t c = 0; c < t->n_cells; c++)
        t->budget[c] = t->f->budget;
    return 0;
}

static kt_rc read_trusted(struct table *t, const kt_str *correct, const double *chance, kt_err *err)
{
    t->trusted_score = kt_arena_array(t->a, t->n + 1, sizeof(float));
    t->trusted_cell = kt_arena_array(t->a, t->n + 1, 4);
    t->right = kt_arena_zalloc(t->a, t->n + 1);
    t->weight = chance ? kt_arena_array(t->a, t->n + 1, sizeof(double)) : NULL;
    for (size_t i = 0; i < t->n; i++) {
        kt_str s = correct ? kt_str_trim(correct[i]) : KT_S("");
        bool right;
        if (chance && !isnan(chance[i])) {
            if (!(chance[i] > 0 && chance[i] <= 1)) {
                kt_fail(err, KT_RANGE, "%g is no chance of being taken: expected above 0 and at most 1", chance[i]);
                return kt_columns_fail(&t->c, i, "probability", err, KT_RANGE);
            }
            t->most_weight = KT_MAX(t->most_weight, 1 / chance[i]);
        }
        if (!s.n)
            continue;
        if (!truth(s, &right)) {
            kt_fail(err, KT_RANGE,
                    "'%.*s' is neither right nor wrong: expected 1 or 0, true or false, or nothing for an item nobody has looked at", KT_F(s));
            return kt_columns_fail(&t->c, i, "correct", err, KT_RANGE);
        }
        if (chance && isnan(chance[i])) {
            kt_fail(err, KT_PARSE, "a trusted item needs the chance it had to be taken");
            return kt_columns_fail(&t->c, i, "probability", err, KT_PARSE);
        }
        t->trusted_score[t->n_trusted] = t->score[i];
        t->trusted_cell[t->n_trusted] = t->cell[i];
        if (chance)
            t->weight[t->n_trusted] = 1 / chance[i];
        t->right[t->n_trusted++] = right;
    }
    return 0;
}

static kt_rc read_table(struct table *t, kt_err *err)
{
    kt_str *score, *correct, *chance;
    double *x, *p = NULL;
    KT_TRY(kt_columns_read(t->f->path, t->a, &t->c, err));
    t->n = t->c.n_rows;
    if (t->n == 0)
        return kt_fail(err, KT_RANGE, "%s holds no item", t->f->path);
    KT_TRY(kt_columns_need(&t->c, kt_score_names, &score, err));
    KT_TRY(kt_columns_filled(&t->c, score, "score", err));
    KT_TRY(kt_columns_numbers(&t->c, score, "score", t->a, &x, err));
    t->score = kt_arena_array(t->a, t->n + 1, sizeof(float));
    for (size_t i = 0; i < t->n; i++) {
        if (!(x[i] >= 0 && x[i] <= 1)) {
            kt_fail(err, KT_RANGE, "score %g is outside 0 to 1", x[i]);
            return kt_columns_fail(&t->c, i, "score", err, KT_RANGE);
        }
        t->score[i] = (float)x[i];
    }
    correct = kt_columns_find(&t->c, correct_names);
    chance = kt_columns_find(&t->c, chance_names);
    t->item = kt_columns_find(&t->c, kt_item_names);
    if (!correct)
        return kt_columns_need(&t->c, correct_names, &correct, err);
    if (chance)
        KT_TRY(kt_columns_numbers(&t->c, chance, "probability", t->a, &p, err));
    KT_TRY(read_cells(t, err));
    return read_trusted(t, correct, p, err);
}

/* "0.05:0.9" */
static kt_rc price_of(kt_str s, const char *option, double *ret_price, double *ret_error, kt_err *err)
{
    kt_str rest = s, price;
    double accuracy;
    if (!s.n)
        return 0;
    bool numbers = kt_str_cut(&rest, ':', &price) && kt_parse_f64(price, ret_price) && kt_parse_f64(rest, &accuracy);
    if (!numbers || *ret_price < 0 || accuracy < 0 || accuracy > 1)
        return kt_fail(err, KT_USAGE, "%s %.*s: expected PRICE:ACCURACY, as in 0.05:0.9", option, KT_F(s));
    *ret_error = 1 - accuracy;
    return 0;
}

static kt_rc decide(struct table *t, kt_cell *cell, kt_err *err)
{
    int method;
    KT_TRY(kt_cli_choose(t->f->method, (const char *const[]){ "threshold", "conformal", NULL }, "--method", &method, err));
    if (!t->weight) {
        kt_cells_data d = { t->n_cells, t->budget, t->n, t->score, t->cell, t->n_trusted, t->trusted_score, t->trusted_cell, t->right };
        return kt_cells_find(&d, (kt_route_method)method, 1 - t->f->confidence, cell, err);
    }
    if (t->n_cells > 1 || method != KT_ROUTE_THRESHOLD)
        return kt_fail(err, KT_USAGE, "items taken with unequal probabilities are bounded for everything together, by --method threshold");
    kt_weighted w;
    kt_threshold_data d = { t->n, t->score, t->n_trusted, t->trusted_score, t->right };
    kt_threshold_options o = { t->f->budget, 1 - t->f->confidence, 0 };
    KT_TRY(kt_weighted_find(&d, t->weight, t->most_weight, &o, &w, err));
    cell[0] = (kt_cell){ .budget = t->f->budget, .delta = o.delta, .n_pool = t->n, .n_cell_trusted = (uint32_t)t->n_trusted, .found = w.found,
                         .score = w.score, .n_trusted = w.n_trusted, .n_wrong = w.n_wrong, .error = w.error, .upper = w.upper,
                         .n_approved = (uint64_t)llround(w.coverage * (double)t->n) };
    return 0;
}

static bool approved(const struct table *t, const kt_cell *cell, size_t i)
{
    const kt_cell *c = &cell[t->cell[i]];
    return c->found && (double)t->score[i] >= c->score;
}

static void print_items(const struct table *t, const kt_cell *cell, kt_out *o)
{
    kt_buf_puts(&o->b, "item,score,approved\n");
    for (size_t i = 0; i < t->n; i++) {
        char place[24];
        snprintf(place, sizeof(place), "%zu", i);
        kt_out_field(o, true, t->item ? t->item[i] : kt_str_of(place));
        kt_out_field_f64(o, (double)t->score[i]);
        kt_out_field(o, false, approved(t, cell, i) ? KT_S("1") : KT_S("0"));
        kt_buf_char(&o->b, '\n');
        kt_out_flush(o, false);
    }
}

static void print_text(const struct table *t, const kt_cell *cell, uint64_t n, kt_buf *b)
{
    kt_buf_printf(b, "%llu of %zu items approved (%.1f %%); ", (unsigned long long)n, t->n, 100 * (double)n / (double)t->n);
    bool mean = kt_str_eq(t->f->method, KT_S("conformal"));
    if (!n && t->n_cells == 1 && cell[0].n_more)
        kt_buf_printf(b, "nothing is proved; at least %llu more trusted answers, all right, are needed\n", (unsigned long long)cell[0].n_more);
    else if (!n)
        kt_buf_puts(b, "nothing is proved\n");
    else if (mean)
        kt_buf_printf(b, "of them at most %.4g %% are wrong on average over such samples\n", 100 * t->f->budget);
    else
        kt_buf_printf(b, "of them at most %.4g %% are wrong, %.4g %% sure%s\n", 100 * t->f->budget, 100 * t->f->confidence,
                      t->n_cells > 1 ? ", in each part" : "");
    if (n && t->n_cells == 1)
        kt_buf_printf(b, "score at least %.6g; of the trusted ones there %u of %u wrong\n", cell[0].score, cell[0].n_wrong, cell[0].n_trusted);
    kt_buf_puts(b, t->weight ? "It assumes that each trusted item was taken with its stated probability, whatever its label.\n"
                             : "It assumes that the rows with an answer are a uniform random sample of all rows.\n");
}

static kt_rc print(struct table *t, const kt_cell *cell, kt_cli *cli, kt_err *err)
{
    kt_out o = KT_OUT_INIT(t->f->look);
    uint64_t n = 0;
    kt_outlook *x = kt_arena_zalloc(cli->arena, sizeof(*x));
    kt_rc rc = 0;
    for (uint32_t c = 0; c < t->n_cells; c++)
        n += cell[c].n_approved;
    if (t->f->explain) {
        kt_outlook_people p = { t->f->machine_price, 0, 0, NAN, NAN };
        kt_threshold_data d = { t->n, t->score, t->n_trusted, t->trusted_score, t->right };
        kt_threshold_options opt = { t->f->budget, 1 - t->f->confidence, 0 };
        rc = price_of(t->f->annotator, "--annotator", &p.annotator_price, &p.annotator_error, err);
        if (rc == 0)
            rc = price_of(t->f->expert, "--expert", &p.expert_price, &p.expert_error, err);
        if (rc == 0 && t->weight)
            rc = kt_fail(err, KT_USAGE, "--explain is for a sample drawn uniformly, without a column 'probability'");
        if (rc == 0)
            rc = kt_outlook_of(&d, &opt, &p, 1, cli->pool, x, err);
    }
    if (rc == 0 && o.look == KT_LOOK_CSV) {
        print_items(t, cell, &o);
    } else if (rc == 0 && o.look == KT_LOOK_JSON) {
        kt_out_open(&o, NULL, '{');
        kt_out_u64(&o, "approved", n);
        kt_out_f64(&o, "share", (double)n / (double)t->n);
        kt_route_print_cells(cell, t->name, t->n_cells, &o);
        if (t->f->explain)
            kt_route_print(x, &o);
        kt_out_close(&o, '}');
        kt_buf_char(&o.b, '\n');
    } else if (rc == 0) {
        print_text(t, cell, n, &o.b);
        kt_route_print_cells(cell, t->name, t->n_cells, &o);
        if (t->f->explain) {
            kt_buf_char(&o.b, '\n');
            kt_route_print(x, &o);
        }
    }
    if (rc == 0)
        kt_out_flush(&o, true);
    kt_out_done(&o);
    return rc;
}

kt_rc kt_route_file_run(kt_cli *cli, const kt_route_file *f, kt_err *err)
{
    struct table t = { .f = f, .a = cli->arena };
    kt_rc rc = read_table(&t, err);
    if (rc == 0) {
        kt_cell *cell = kt_arena_array(cli->arena, (size_t)t.n_cells + 1, sizeof(*cell));
        rc = decide(&t, cell, err);
        if (rc == 0)
            rc = print(&t, cell, cli, err);
    }
    kt_columns_done(&t.c);
    return rc;
}
