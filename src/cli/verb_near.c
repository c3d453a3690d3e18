/* karat near FILE: near-duplicate texts of a plain file, MinHash signatures, pairs compared. */
#include "algo/minhash.h"
#include "algo/near.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/columns_file.h"
#include "cli/out.h"
#include "cli/plot.h"
#include "format/array_file.h"

#include <math.h>
#include <stdio.h>

static const char *const text_names[] = { "text", "content", "sentence", "title", "body", NULL };

enum { ITEM, TEXT, OTHER, N_ROLES };

typedef struct near_job {
    kt_cli *cli;
    kt_row_stream s;
    kt_array_file arrays; /* instead of rows */
    kt_arena scratch;     /* of an array's row */
    size_t at;
    kt_near_options o;
    kt_shingling how;
    kt_str field, plot;
    int64_t n_slots, seed;
    size_t column[N_ROLES]; /* SIZE_MAX: none; without items rows are numbered */
    uint64_t row;
    uint64_t a[KT_MINHASH_MAX_SLOTS], b[KT_MINHASH_MAX_SLOTS];
    kt_out out;
} near_job;

static kt_rc no_column(const near_job *j, const char *what, const char *have, kt_err *err)
{
    kt_fail(err, KT_PARSE, "no column '%s'; there are: %s", what, have);
    kt_hint(err, "--field NAME says which column holds the text");
    kt_at(err, j->s.rows.path, 1, what);
    return KT_PARSE;
}

/* Which of the columns is what. */
static kt_rc find_columns(near_job *j, const kt_str *name, size_t n, bool compare, kt_err *err)
{
    const char *named[] = { kt_arena_cstr(j->cli->arena, j->field), NULL };
    const char *const *wanted[N_ROLES] = { kt_item_names, compare ? (const char *const[]){ "a", NULL } : j->field.n ? named : text_names,
                                           compare ? (const char *const[]){ "b", NULL } : NULL };
    char have[120] = "";
    for (size_t k = 0, at = 0; k < n && at < sizeof(have); k++)
        at += (size_t)snprintf(have + at, sizeof(have) - at, "%s%.*s", k ? ", " : "", KT_F(name[k]));
    for (int role = 0; role < N_ROLES; role++) {
        j->column[role] = SIZE_MAX;
        for (const char *const *p = wanted[role]; p && *p && j->column[role] == SIZE_MAX; p++)
            for (size_t k = 0; k < n && j->column[role] == SIZE_MAX; k++)
                if (kt_str_ieq(name[k], kt_str_of(*p)))
                    j->column[role] = k;
        if (wanted[role] && role != ITEM && j->column[role] == SIZE_MAX)
            return no_column(j, wanted[role][0], have, err);
    }
    return 0;
}

/* Arrays of texts, all of one length; a .npy is the texts. */
static kt_rc open_arrays(near_job *j, bool compare, kt_err *err)
{
    KT_TRY(kt_array_file_read(&j->s, j->field.n ? kt_arena_cstr(j->cli->arena, j->field) : text_names[0], j->cli->arena, &j->arrays, err));
    kt_str *name = kt_arena_array(j->cli->arena, j->arrays.n, sizeof(*name));
    for (size_t k = 0; k < j->arrays.n; k++) {
        const kt_npy *x = &j->arrays.array[k].array;
        name[k] = j->arrays.array[k].name;
        if (x->n_dims == 1 && x->n == j->arrays.array[0].array.n)
            continue;
        kt_fail(err, KT_PARSE, "array %.*s is not of one dimension and as long as the first", KT_F(name[k]));
        return kt_at(err, j->s.rows.path, 0, NULL);
    }
    return find_columns(j, name, j->arrays.n, compare, err);
}

static kt_rc open_file(near_job *j, kt_str path, bool compare, kt_err *err)
{
    KT_TRY(kt_row_stream_open(&j->s, kt_arena_cstr(j->cli->arena, path), j->cli->arena, err));
    if (kt_array_file_is(&j->s))
        return open_arrays(j, compare, err);
    KT_TRY(kt_row_stream_header(&j->s, err));
    return find_columns(j, j->s.rows.column, j->s.rows.n_columns, compare, err);
}

/* The next row; KT_DONE at the end. */
static kt_rc next(near_job *j, kt_err *err)
{
    j->row++;
    if (j->arrays.n == 0)
        return kt_row_stream_next(&j->s, err);
    kt_arena_reset(&j->scratch);
    return j->at++ < j->arrays.array[0].array.n ? 0 : KT_DONE;
}

static kt_str cell(near_job *j, int role)
{
    size_t c = j->column[role];
    return j->arrays.n ? kt_npy_text(&j->arrays.array[c].array, j->at - 1, &j->scratch) : j->s.rows.field[c];
}

/* The name of the row last read. */
static kt_str name_of(near_job *j, kt_arena *a)
{
    return j->column[ITEM] == SIZE_MAX ? kt_arena_printf(a, "%llu", (unsigned long long)j->row) : kt_arena_str(a, cell(j, ITEM));
}

static void send(near_job *j)
{
    kt_out_flush(&j->out, true);
    fflush(stdout);
}

/* ---- pairs, signatures: row by row ---- */

static kt_rc compare(near_job *j, kt_err *err)
{
    kt_rc rc;
    uint32_t x[KT_MINHASH_MAX_SLOTS], y[KT_MINHASH_MAX_SLOTS], slots = (uint32_t)j->n_slots;
    if (j->out.look == KT_LOOK_CSV)
        kt_buf_puts(&j->out.b, "item,shingles_a,shingles_b,jaccard,estimate\n");
    while ((rc = next(j, err)) == 0) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_str one = cell(j, TEXT), two = cell(j, OTHER);
        size_t n_one, n_two;
        double exact = kt_shingles_jaccard(one, two, j->how, &n_one, &n_two);
        kt_minhash_sign(one, j->how, j->a, j->b, slots, x);
        kt_minhash_sign(two, j->how, j->a, j->b, slots, y);
        if (j->out.look == KT_LOOK_JSON) {
            kt_out_open(&j->out, NULL, '{');
            kt_out_str(&j->out, "item", name_of(j, &a));
            kt_out_u64(&j->out, "shingles_a", n_one);
            kt_out_u64(&j->out, "shingles_b", n_two);
            kt_out_f64(&j->out, "jaccard", exact);
            kt_out_f64(&j->out, "estimate", kt_minhash_estimate(x, y, slots));
            kt_out_close(&j->out, '}');
            j->out.comma = false;
        } else {
            kt_out_field(&j->out, true, name_of(j, &a));
            kt_buf_printf(&j->out.b, ",%zu,%zu", n_one, n_two);
            kt_out_field_f64(&j->out, exact);
            kt_out_field_f64(&j->out, kt_minhash_estimate(x, y, slots));
        }
        kt_buf_char(&j->out.b, '\n');
        kt_out_flush(&j->out, false);
    }
    return rc < 0 ? rc : 0;
}

static kt_rc sign(near_job *j, kt_err *err)
{
    kt_rc rc;
    uint32_t slot[KT_MINHASH_MAX_SLOTS];
    while ((rc = next(j, err)) == 0) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        size_t n = kt_minhash_sign(cell(j, TEXT), j->how, j->a, j->b, (uint32_t)j->n_slots, slot);
        kt_out_open(&j->out, NULL, '{');
        kt_out_str(&j->out, "item", name_of(j, &a));
        kt_out_u64(&j->out, "shingles", n);
        kt_out_open(&j->out, "minhash", '[');
        for (int64_t i = 0; i < j->n_slots; i++)
            kt_out_u64(&j->out, NULL, slot[i]);
        kt_out_close(&j->out, ']');
        kt_out_close(&j->out, '}');
        kt_buf_char(&j->out.b, '\n');
        j->out.comma = false;
        kt_out_flush(&j->out, false);
    }
    return rc < 0 ? rc : 0;
}

/* ---- clusters ---- */

typedef KT_VEC(kt_str) names;

/* Shingles are kept, not texts: a batch of texts at a time is in memory. */
static kt_rc read_set(near_job *j, kt_near_set *set, names *name, kt_err *err)
{
    KT_AUTO(kt_arena) texts = KT_ARENA_INIT;
    kt_str *batch = kt_alloc_array(KT_NEAR_BATCH, sizeof(*batch));
    uint32_t n = 0;
    kt_rc rc;
    while ((rc = next(j, err)) == 0) {
        batch[n++] = kt_arena_str(&texts, cell(j, TEXT));
        KT_PUSH(name, name_of(j, j->cli->arena));
        if (name->n >= UINT32_MAX - 1) {
            rc = kt_fail(err, KT_LIMIT, "%s holds more than %u texts", j->s.rows.path, UINT32_MAX - 2);
            break;
        }
        if (n == KT_NEAR_BATCH) {
            kt_near_set_add(set, batch, n, j->cli->pool);
            kt_arena_reset(&texts);
            n = 0;
        }
    }
    if (rc >= 0 && n)
        kt_near_set_add(set, batch, n, j->cli->pool);
    kt_free(batch);
    return rc < 0 ? rc : 0;
}

static void print_clusters(near_job *j, const kt_near_set *set, const names *name, const uint32_t *canonical)
{
    uint32_t n = (uint32_t)name->n, copies = 0;
    kt_out *o = &j->out;
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, NULL, '{');
        kt_out_u64(o, "n_items", n);
        kt_out_open(o, "duplicates", '[');
    } else {
        kt_buf_puts(&o->b, "item,canonical,jaccard\n");
    }
    for (uint32_t i = 0; i < n; i++) {
        bool copy = canonical[i] != i;
        copies += copy;
        if (o->look == KT_LOOK_JSON && copy) {
            kt_out_open(o, NULL, '{');
            kt_out_str(o, "item", name->v[i]);
            kt_out_str(o, "canonical", name->v[canonical[i]]);
            kt_out_f64(o, "jaccard", kt_near_set_jaccard(set, i, canonical[i]));
            kt_out_close(o, '}');
        } else if (o->look == KT_LOOK_CSV) {
            kt_out_field(o, true, name->v[i]);
            kt_out_field(o, false, name->v[canonical[i]]);
            kt_out_field_f64(o, copy ? kt_near_set_jaccard(set, i, canonical[i]) : NAN);
            kt_buf_char(&o->b, '\n');
            kt_out_flush(o, false);
        }
    }
    if (o->look == KT_LOOK_JSON) {
        kt_out_close(o, ']');
        kt_out_close(o, '}');
        kt_buf_char(&o->b, '\n');
    }
    fprintf(stderr, "%u texts, %u of them near duplicates of an earlier one\n", n, copies);
}

/* How alike copies are to the first of their cluster, and how large clusters are. */
static kt_rc draw(near_job *j, const kt_near_set *set, const uint32_t *canonical, size_t n, kt_err *err)
{
    kt_arena *a = j->cli->arena;
    double *alike = kt_arena_array(a, n, sizeof(*alike)), *size = kt_arena_array(a, n, sizeof(*size)), most = 3;
    for (uint32_t i = 0; i < n; i++) {
        alike[i] = canonical[i] == i ? NAN : kt_near_set_jaccard(set, i, canonical[i]);
        size[canonical[i]]++;
    }
    for (size_t i = 0; i < n; i++) {
        most = KT_MAX(most, size[i]);
        size[i] = size[i] < 2 ? NAN : size[i];
    }
    const kt_plot_bars copies = { "How alike near duplicates are", "Jaccard index with the first of the cluster; the line is the threshold", NULL, 0, 1, j->o.threshold, n, alike, NULL };
    const kt_plot_bars clusters = { "How large their clusters are", "texts in a cluster, of two and more", NULL, 2, most, NAN, n, size, NULL };
    return kt_plot_panels(kt_arena_cstr(a, j->plot), (kt_plot_panel[]){ { .bars = &copies }, { .bars = &clusters } }, 2, err);
}

static kt_rc cluster(near_job *j, kt_err *err)
{
    kt_near_set *set;
    names name = { 0 };
    KT_TRY(kt_near_set_new(&j->o, &set, err));
    kt_rc rc = read_set(j, set, &name, err);
    if (rc == 0) {
        uint32_t *canonical = kt_alloc_array(name.n + 1, sizeof(*canonical));
        kt_near_set_clusters(set, canonical);
        if (j->plot.n)
            rc = draw(j, set, canonical, name.n, err);
        if (rc == 0)
            print_clusters(j, set, &name, canonical);
        kt_free(canonical);
    }
    KT_VEC_DONE(&name);
    kt_near_set_free(set);
    return rc;
}

/* ---- the formula with the numbers put in ---- */

static kt_rc explain(near_job *j, kt_err *err)
{
    uint32_t bands = 0, rows = 0;
    kt_near_options o = j->o;
    double t = o.threshold;
    KT_TRY(kt_near_resolve(&o, err));
    if (t < 1)
        KT_TRY(kt_minhash_bands(t, (uint32_t)j->n_slots, &bands, &rows, err));
    if (j->out.look == KT_LOOK_JSON) {
        kt_out_open(&j->out, NULL, '{');
        kt_out_f64(&j->out, "threshold", t);
        kt_out_u64(&j->out, "bands_here", o.bands);
        kt_out_u64(&j->out, "rows_here", o.rows);
        kt_out_u64(&j->out, "slots", (uint64_t)j->n_slots);
        kt_out_u64(&j->out, "bands", bands);
        kt_out_u64(&j->out, "rows", rows);
        kt_out_close(&j->out, '}');
        kt_buf_char(&j->out.b, '\n');
        return 0;
    }
    kt_buf *b = &j->out.b;
    kt_buf_printf(b, "Jaccard index J = shingles in both / shingles in either; near: J >= %g\n", t);
    kt_buf_printf(b, "a signature slot is equal with chance J; a pair is looked at when some band of rows equal slots is shared:\n");
    kt_buf_printf(b, "  P(looked at | J) = 1 - (1 - J^rows)^bands, here %u bands of %u rows\n", o.bands, o.rows);
    const double at[] = { t - 0.2, t - 0.1, t, t + 0.05, t + 0.1 };
    for (size_t i = 0; i < KT_LEN(at); i++)
        if (at[i] > 0 && at[i] <= 1)
            kt_buf_printf(b, "  J = %.2f: 1 - (1 - %.2f^%u)^%u = %.4f\n", at[i], at[i], o.rows, o.bands, 1 - pow(1 - pow(at[i], o.rows), o.bands));
    kt_buf_puts(b, "who is looked at is compared exactly, so nothing below the threshold is joined directly\n");
    if (t < 1)
        kt_buf_printf(b, "with %lld slots and no exact check, the areas of both errors are least with %u bands of %u rows\n", (long long)j->n_slots, bands, rows);
    kt_buf_printf(b, "an estimate from %lld slots has standard deviation sqrt(J (1 - J) / %lld) = %.4f at J = %g\n", (long long)j->n_slots, (long long)j->n_slots,
                  sqrt(t * (1 - t) / (double)j->n_slots), t);
    return 0;
}

static kt_rc check(near_job *j, kt_str shingle, kt_err *err)
{
    if (j->n_slots < 2 || j->n_slots > KT_MINHASH_MAX_SLOTS)
        return kt_fail(err, KT_USAGE, "--slots is 2 to %d, not %lld", KT_MINHASH_MAX_SLOTS, (long long)j->n_slots);
    if (j->seed < 0 || j->seed > UINT32_MAX)
        return kt_fail(err, KT_USAGE, "--seed is 0 to %u, not %lld", UINT32_MAX, (long long)j->seed);
    if (!(j->o.threshold > 0 && j->o.threshold <= 1))
        return kt_fail(err, KT_USAGE, "--threshold is above 0 and up to 1, not %g", j->o.threshold);
    KT_TRY(kt_shingling_parse(shingle, &j->how, err));
    j->o.words = j->how.chars ? 0 : j->how.size;
    j->o.chars = j->how.chars ? j->how.size : 0;
    j->o.seed = (uint64_t)j->seed;
    kt_minhash_permutations((uint32_t)j->seed, (uint32_t)j->n_slots, j->a, j->b);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    near_job j = { .cli = cli, .o = KT_NEAR_OPTIONS_INIT, .n_slots = 128, .seed = 1, .out = KT_OUT_INIT(KT_LOOK_CSV), .s = { .fd = -1 }, .scratch = KT_ARENA_INIT };
    bool json = false, csv = false, pairs = false, signatures = false, explains = false;
    kt_str shingle = KT_S("w3");
    kt_strs pos;
    const kt_opt opts[] = {
        { "threshold", KT_OPT_FLOAT, "J", "near: Jaccard index of the sets of shingles from here up (0.8)", &j.o.threshold },
        { "shingle", KT_OPT_TEXT, "wN|cN", "N words, or N characters, in a row (w3)", &shingle },
        { "field", KT_OPT_TEXT, "NAME", "the column with the text (text)", &j.field },
        { "compare", KT_OPT_FLAG, NULL, "instead: each row has two texts, columns a and b; how alike they are", &pairs },
        { "signatures", KT_OPT_FLAG, NULL, "instead: each text's MinHash signature, as datasketch has it, JSON lines", &signatures },
        { "slots", KT_OPT_INT, "N", "of a signature (128)", &j.n_slots },
        { "seed", KT_OPT_INT, "N", "of the permutations (1)", &j.seed },
        { "plot", KT_OPT_TEXT, "FILE.svg", "draw how alike near duplicates are, and how large their clusters", &j.plot },
        { "json", KT_OPT_FLAG, NULL, "JSON instead of CSV (--compare: an object a line)", &json },
        { "csv", KT_OPT_FLAG, NULL, "CSV, which is printed anyway", &csv },
        { "explain", KT_OPT_FLAG, NULL, "the chances to find a pair, with the numbers put in; no file is read", &explains },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_near, opts, KT_LEN(opts), (int[]){ 0, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    KT_TRY(check(&j, shingle, err));
    if (pos.n == 0 && !explains)
        return kt_fail(err, KT_USAGE, "karat near needs a file: karat near %s", kt_verb_near.usage);
    if (pairs && signatures)
        return kt_fail(err, KT_USAGE, "--compare and --signatures do not go together");
    if (j.plot.n && (pairs || signatures || explains))
        return kt_fail(err, KT_USAGE, "--plot draws clusters; it does not go with --compare, --signatures and --explain");
    if (json)
        j.out.look = KT_LOOK_JSON;
    rc = explains ? explain(&j, err) : open_file(&j, pos.v[0], pairs, err);
    if (rc == 0 && !explains)
        rc = pairs ? compare(&j, err) : signatures ? sign(&j, err) : cluster(&j, err);
    if (rc == 0)
        send(&j);
    kt_row_stream_done(&j.s);
    kt_array_file_done(&j.arrays);
    kt_arena_done(&j.scratch);
    kt_out_done(&j.out);
    return rc;
}

const kt_verb kt_verb_near = {
    .name = "near", .help = "near-duplicate texts of a file, MinHash signatures", .usage = "FILE [--threshold J] [--shingle w3] [--json]",
    .more = "FILE (or - for standard input; CSV, TSV, JSON lines in UTF-8, .npy, .npz) has a column text, and perhaps item or id. Prints item,canonical,\n"
            "jaccard: the first text of each one's cluster. Case, punctuation and white space do not count; a text of fewer words than a\n"
            "shingle is one shingle, one without words is near no other. Texts are read in batches and not kept: 4 bytes a word and 100 an\n"
            "item are. Candidates are found by MinHash bands and compared exactly; --explain says how many pairs that misses.\n\n"
            "  karat near texts.jsonl --threshold 0.7\n"
            "  karat near texts.csv --field body --shingle c5 --json\n"
            "  karat near pairs.jsonl --compare --shingle w1\n"
            "  karat near texts.jsonl --signatures > signatures.jsonl",
    .run = run,
};
