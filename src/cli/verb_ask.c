/* karat ask VOTES.csv: which items are worth another vote, and whose; a live consensus that answers vote by vote with --follow. */
#include "base/limits.h"
#include "base/str.h"
#include "cli/ask/ask_cli.h"
#include "cli/columns_file.h"
#include "cli/votes_file.h"
#include "format/array_file.h"

#include <stdio.h>

#define SETTLE_ROUNDS 1000
#define SETTLE_TOL 1e-9 /* at 1e-8 it may stand still beside where it has to go for hundreds of rounds */

enum { ITEM = KT_ASK_ITEM, SOURCE = KT_ASK_SOURCE, LABEL = KT_ASK_LABEL, N_ROLES = KT_ASK_ROLES };
static const char *const role_name[N_ROLES] = { "item", "annotator", "label" };
const char *const kt_ask_verdicts[] = { "ask", "sure", "not_worth" };

/* Whoever votes may be asked from then on, at the common price, unless it was said who may. */
static void may_ask(kt_asking *k, uint32_t source, double price)
{
    KT_PUSH(&k->who, source);
    KT_PUSH(&k->prices, price);
}

static kt_rc read_prices(kt_asking *k, kt_str path, kt_err *err)
{
    kt_columns t;
    kt_str *name;
    double *price;
    KT_TRY(kt_columns_read(kt_arena_cstr(k->cli->arena, path), k->cli->arena, &t, err));
    kt_rc rc = kt_columns_need(&t, kt_vote_columns[SOURCE], &name, err);
    kt_str *cell = rc == 0 ? kt_columns_find(&t, (const char *const[]){ "price", "cost", NULL }) : NULL;
    if (rc == 0 && !cell) {
        kt_fail(err, KT_PARSE, "no column 'price'");
        rc = kt_at(err, t.path, 1, "price");
    }
    if (rc == 0)
        rc = kt_columns_numbers(&t, cell, "price", k->cli->arena, &price, err);
    for (size_t i = 0; i < t.n_rows && rc == 0; i++) {
        if (!(price[i] >= 0)) {
            kt_fail(err, KT_RANGE, "a price is a number from 0 up");
            rc = kt_columns_fail(&t, i, "price", err, KT_RANGE);
            break;
        }
        size_t before = k->name[SOURCE].n;
        uint32_t source = kt_names_copy(&k->name[SOURCE], name[i], k->cli->arena);
        if (source < before) {
            kt_fail(err, KT_RANGE, "annotator %.*s has two prices", KT_F(name[i]));
            rc = kt_columns_fail(&t, i, "annotator", err, KT_RANGE);
            break;
        }
        may_ask(k, source, price[i]);
        KT_PUSH(&k->said, 0);
    }
    k->fixed = true;
    kt_columns_done(&t);
    return rc;
}

/* ---- reading votes ---- */

static kt_rc find_columns(kt_asking *k, kt_err *err)
{
    const kt_rows *r = &k->s.rows;
    for (int role = 0; role < N_ROLES; role++) {
        k->column[role] = SIZE_MAX;
        for (const char *const *a = kt_vote_columns[role]; *a && k->column[role] == SIZE_MAX; a++)
            k->column[role] = kt_rows_column(r, kt_str_of(*a));
    }
    k->withdrawn = kt_rows_column(r, KT_S("withdrawn"));
    k->wide = k->column[ITEM] == 0 && k->column[SOURCE] == SIZE_MAX && k->column[LABEL] == SIZE_MAX && r->n_columns > 1;
    for (int role = 0; role < N_ROLES && !k->wide; role++) {
        if (k->column[role] != SIZE_MAX)
            continue;
        char have[120];
        kt_rows_columns(r, have, sizeof(have));
        kt_fail(err, KT_PARSE, "no column '%s'; the first line names: %s", role_name[role], have);
        kt_hint(err, "the first line should be item,annotator,label, and withdrawn where votes are taken back");
        kt_at(err, r->path, 1, role_name[role]);
        return KT_PARSE;
    }
    return 0;
}

static kt_rc wrong(const kt_asking *k, int role, kt_err *err, kt_rc rc)
{
    kt_rows_at(&k->s.rows, role_name[role], err);
    return rc;
}

static kt_rc take_back(const kt_asking *k, kt_str s, bool *ret, kt_err *err)
{
    static const char *const yes[] = { "1", "true", "yes" }, *const no[] = { "", "0", "false", "no" };
    for (size_t i = 0; i < KT_LEN(yes); i++)
        if ((*ret = kt_str_ieq(s, kt_str_of(yes[i]))))
            return 0;
    for (size_t i = 0; i < KT_LEN(no); i++)
        if (kt_str_ieq(s, kt_str_of(no[i])))
            return 0;
    kt_fail(err, KT_PARSE, "withdrawn is true or false, not '%.*s'", KT_F(s));
    kt_rows_at(&k->s.rows, "withdrawn", err);
    return KT_PARSE;
}

static kt_rc withdraw(kt_asking *k, uint32_t item, uint32_t source, kt_err *err)
{
    int32_t old = kt_live_said(k->live, item, source);
    if (old >= 0) {
        k->said.v[source]--;
        return kt_live_withdraw(k->live, item, source, old, err);
    }
    kt_fail(err, KT_NOTFOUND, "%.*s has no vote on item %.*s to withdraw", KT_F(k->name[SOURCE].name[source]), KT_F(k->name[ITEM].name[item]));
    return wrong(k, SOURCE, err, KT_NOTFOUND);
}

/* A vote replaces the one the annotator gave before; without a label it says that there is such an item. */
static kt_rc vote(kt_asking *k, uint32_t item, uint32_t source, kt_str label, kt_err *err)
{
    uint32_t before = (uint32_t)k->name[LABEL].n, id;
    int32_t old = kt_live_said(k->live, item, source);
    if (label.n == 0)
        return 0;
    id = kt_names_copy(&k->name[LABEL], label, k->cli->arena);
    if (id >= before && k->labels.n) {
        kt_fail(err, KT_RANGE, "label %.*s is not one of the %u given labels", KT_F(label), before);
        return wrong(k, LABEL, err, KT_RANGE);
    }
    if (id >= KT_MAX_LABELS) {
        kt_fail(err, KT_LIMIT, "more than %d labels", KT_MAX_LABELS);
        return wrong(k, LABEL, err, KT_LIMIT);
    }
    kt_live_grow(k->live, id + 1);
    if (old >= 0)
        KT_TRY(kt_live_withdraw(k->live, item, source, old, err));
    k->said.v[source] += old < 0;
    return kt_live_add(k->live, item, source, (int32_t)id, err);
}

/* The number of a name; who is new may be asked from now on. */
static kt_rc number(kt_asking *k, int role, kt_str s, uint32_t *ret, kt_err *err)
{
    if (s.n == 0 || s.n > KT_MAX_ID_BYTES) {
        kt_fail(err, s.n ? KT_LIMIT : KT_PARSE, s.n ? "the %s is longer than %zu bytes" : "the %s is empty", role_name[role], KT_MAX_ID_BYTES);
        return wrong(k, role, err, s.n ? KT_LIMIT : KT_PARSE);
    }
    size_t before = k->name[role].n;
    *ret = kt_names_copy(&k->name[role], s, k->cli->arena);
    while (role == SOURCE && k->said.n < k->name[SOURCE].n)
        KT_PUSH(&k->said, 0);
    if (role == SOURCE && *ret >= before && !k->fixed)
        may_ask(k, *ret, k->price);
    return 0;
}

/* The row last read. */
static kt_rc take_row(kt_asking *k, uint32_t *ret_item, kt_err *err)
{
    const kt_rows *r = &k->s.rows;
    bool back = false;
    uint32_t source;
    KT_TRY(number(k, ITEM, r->field[k->column[ITEM]], ret_item, err));
    for (size_t c = 1; k->wide && c < r->n_columns; c++) {
        KT_TRY(number(k, SOURCE, r->column[c], &source, err));
        KT_TRY(vote(k, *ret_item, source, r->field[c], err));
    }
    if (k->wide)
        return 0;
    KT_TRY(number(k, SOURCE, r->field[k->column[SOURCE]], &source, err));
    if (k->withdrawn != SIZE_MAX)
        KT_TRY(take_back(k, r->field[k->withdrawn], &back, err));
    return back ? withdraw(k, *ret_item, source, err) : vote(k, *ret_item, source, r->field[k->column[LABEL]], err);
}

/* Arrays of numpy, as karat aggregate reads them. */
static kt_rc take_arrays(kt_asking *k, kt_err *err)
{
    kt_votes_file f;
    const kt_votes_file_opts o = { .labels = k->labels, .duplicates = KT_DUPLICATES_LAST };
    if (k->follows)
        return kt_fail(err, KT_USAGE, "--follow takes rows as they come: CSV, TSV or JSON lines");
    KT_TRY(kt_votes_file_from(&k->s, &o, k->cli->arena, &f, err));
    const kt_votes *v = &f.votes;
    kt_str *const names[N_ROLES] = { f.item, f.source, f.label };
    const size_t n[N_ROLES] = { v->n_items, v->n_sources, v->n_labels };
    uint32_t *id[N_ROLES];
    kt_rc rc = 0;
    for (int role = 0; role < N_ROLES; role++) {
        id[role] = kt_arena_array(k->cli->arena, n[role], sizeof(uint32_t));
        for (size_t x = 0; x < n[role] && rc == 0; x++)
            rc = number(k, role, names[role][x], &id[role][x], err);
    }
    if (rc == 0 && v->n_labels > KT_MAX_LABELS)
        rc = kt_fail(err, KT_LIMIT, "more than %d labels", KT_MAX_LABELS);
    if (rc == 0)
        kt_live_grow(k->live, v->n_labels);
    for (size_t q = 0; q < v->n && rc == 0; q++)
        if (v->label[q] >= 0) {
            k->said.v[id[SOURCE][v->source[q]]]++;
            rc = kt_live_add(k->live, id[ITEM][v->item[q]], id[SOURCE][v->source[q]], (int32_t)id[LABEL][v->label[q]], err);
        }
    kt_votes_file_done(&f);
    return rc;
}

/* ---- answers ---- */

kt_ask_answer kt_ask_about(kt_asking *k, uint32_t item)
{
    kt_ask_answer a = { .votes = kt_live_votes(k->live, item), .posterior = kt_live_posterior(k->live, item) };
    for (uint32_t c = 1; c < k->name[LABEL].n; c++)
        a.best = a.posterior[c] > a.posterior[a.best] ? c : a.best;
    k->q.source = k->who.v;
    k->q.price = k->prices.v;
    k->q.n_sources = (uint32_t)k->who.n;
    a.verdict = kt_live_next(k->live, item, &k->q, &a.whom, &a.gain);
    return a;
}

static void answer(kt_asking *k, uint32_t item)
{
    kt_out *o = &k->out;
    const kt_ask_answer r = kt_ask_about(k, item);
    kt_str label = r.votes && k->name[LABEL].n ? k->name[LABEL].name[r.best] : KT_S(""), next = r.verdict == KT_LIVE_ASK ? k->name[SOURCE].name[r.whom] : KT_S("");
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, NULL, '{');
        kt_out_str(o, "item", k->name[ITEM].name[item]);
        kt_out_str(o, "label", label);
        kt_out_open(o, "posterior", '{');
        for (uint32_t c = 0; c < k->name[LABEL].n; c++)
            kt_out_f64(o, kt_arena_cstr(k->cli->arena, k->name[LABEL].name[c]), r.posterior[c]);
        kt_out_close(o, '}');
        kt_out_u64(o, "votes", r.votes);
        kt_out_str(o, "verdict", kt_str_of(kt_ask_verdicts[r.verdict]));
        kt_out_str(o, "annotator", next);
        kt_out_f64(o, "gain", r.gain);
        kt_out_close(o, '}');
        return;
    }
    kt_out_field(o, true, k->name[ITEM].name[item]);
    kt_out_field(o, false, label);
    kt_out_field_f64(o, k->name[LABEL].n ? r.posterior[r.best] : 0);
    kt_buf_printf(&o->b, ",%u", r.votes);
    kt_out_field(o, false, kt_str_of(kt_ask_verdicts[r.verdict]));
    kt_out_field(o, false, next);
    kt_out_field_f64(o, r.gain);
    kt_buf_char(&o->b, '\n');
}

static void send(kt_asking *k)
{
    kt_out_flush(&k->out, true);
    fflush(stdout);
}

/* One line for each row, at once. */
static kt_rc follow(kt_asking *k, kt_err *err)
{
    kt_rc rc;
    while ((rc = kt_row_stream_next(&k->s, err)) == 0) {
        uint32_t item;
        if ((rc = take_row(k, &item, err)) < 0)
            break;
        answer(k, item);
        if (k->out.look == KT_LOOK_JSON) {
            kt_buf_char(&k->out.b, '\n');
            k->out.comma = false;
        }
        send(k);
    }
    return rc;
}

static void print_sources(kt_asking *k)
{
    kt_out_open(&k->out, "sources", '[');
    for (uint32_t s = 0; s < k->name[SOURCE].n; s++) {
        kt_out_open(&k->out, NULL, '{');
        kt_out_str(&k->out, "annotator", k->name[SOURCE].name[s]);
        kt_out_f64(&k->out, "accuracy", kt_live_accuracy(k->live, s));
        kt_out_close(&k->out, '}');
    }
    kt_out_close(&k->out, ']');
}

static void print_all(kt_asking *k)
{
    bool json = k->out.look == KT_LOOK_JSON;
    if (json) {
        kt_out_open(&k->out, NULL, '{');
        kt_out_open(&k->out, "items", '[');
    }
    for (uint32_t i = 0; i < k->name[ITEM].n; i++) {
        answer(k, i);
        kt_out_flush(&k->out, false);
    }
    if (json) {
        kt_out_close(&k->out, ']');
        print_sources(k);
        kt_out_close(&k->out, '}');
        kt_buf_char(&k->out.b, '\n');
    }
}

static kt_rc read_rows(kt_asking *k, kt_err *err)
{
    kt_rc rc;
    while ((rc = kt_row_stream_next(&k->s, err)) == 0) {
        uint32_t item;
        KT_TRY(take_row(k, &item, err));
    }
    return rc < 0 ? rc : 0;
}

static void begin_table(kt_asking *k)
{
    if (k->out.look == KT_LOOK_CSV && !k->explain.n)
        kt_buf_puts(&k->out.b, "item,label,posterior,votes,verdict,annotator,gain\n");
}

static kt_rc ask(kt_asking *k, kt_str path, kt_err *err)
{
    KT_TRY(kt_row_stream_open(&k->s, kt_arena_cstr(k->cli->arena, path), k->cli->arena, err));
    if (kt_array_file_is(&k->s)) {
        KT_TRY(take_arrays(k, err));
        begin_table(k);
    } else {
        KT_TRY(kt_row_stream_header(&k->s, err));
        KT_TRY(find_columns(k, err));
        begin_table(k);
        if (k->follows) {
            send(k);
            return follow(k, err);
        }
        KT_TRY(read_rows(k, err));
    }
    kt_live_settle(k->live, SETTLE_ROUNDS, SETTLE_TOL);
    if (k->plot.n)
        KT_TRY(kt_ask_plot(k, kt_arena_cstr(k->cli->arena, k->plot), err));
    if (k->explain.n)
        return kt_ask_explain(k, err);
    print_all(k);
    return 0;
}

static kt_rc check(const kt_asking *k, kt_err *err)
{
    if (!(k->q.target > 0 && k->q.target <= 1))
        return kt_fail(err, KT_USAGE, "--target is a chance of being right, above 0 and up to 1, not %g", k->q.target);
    if (k->least < 0 || k->least > 1000)
        return kt_fail(err, KT_USAGE, "--least is a number of votes from 0 to 1000, not %lld", (long long)k->least);
    if (!(k->q.doubt >= 0 && k->q.doubt < 1))
        return kt_fail(err, KT_USAGE, "--doubt is a share from 0 up to under 1, not %g", k->q.doubt);
    if (!(k->price >= 0))
        return kt_fail(err, KT_USAGE, "--price is a number from 0 up, not %g", k->price);
    if (!(k->q.worth > 0))
        return kt_fail(err, KT_USAGE, "--worth is a number above 0, not %g", k->q.worth);
    if (k->follows && (k->plot.n || k->explain.n))
        return kt_fail(err, KT_USAGE, "--plot and --explain are for votes that are read whole, not for --follow");
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_asking k = { .cli = cli, .q = { .target = 0.95, .worth = 1, .doubt = 0.7 }, .least = 2, .out = KT_OUT_INIT(KT_LOOK_CSV), .s = { .fd = -1 } };
    kt_live_opts o = KT_LIVE_OPTS_INIT;
    kt_str labels = { NULL, 0 }, prices = { NULL, 0 };
    kt_strs pos, names = { NULL, 0 };
    bool json = false, csv = false;
    const kt_opt opts[] = {
        { "target", KT_OPT_FLOAT, "CHANCE", "enough for a label: the chance that it is right (0.95)", &k.q.target },
        { "least", KT_OPT_INT, "N", "votes to take in any case: one alone is never sure of who gave it (2)", &k.least },
        { "doubt", KT_OPT_FLOAT, "SHARE", "of an annotator's votes not believed when choosing whom; 0: accuracies are taken for true (0.7)", &k.q.doubt },
        { "price", KT_OPT_FLOAT, "PRICE", "of a vote by anybody (0)", &k.price },
        { "prices", KT_OPT_TEXT, "FILE", "who may be asked and what each charges, annotator,price", &prices },
        { "worth", KT_OPT_FLOAT, "VALUE", "of one more right label, in the unit of the prices (1)", &k.q.worth },
        { "labels", KT_OPT_TEXT, "A,B,C", "all labels; without it they are learned as they turn up", &labels },
        { "follow", KT_OPT_FLAG, NULL, "answer every vote at once, for a pipe", &k.follows },
        { "explain", KT_OPT_TEXT, "ITEM", "print whose vote would gain what, with the numbers of one item put in", &k.explain },
        { "plot", KT_OPT_TEXT, "FILE.svg", "draw the annotators' accuracies, and how sure the items are and which are worth another vote", &k.plot },
        { "json", KT_OPT_FLAG, NULL, "JSON instead of CSV, with all probabilities (with --follow: an object a line)", &json },
        { "csv", KT_OPT_FLAG, NULL, "CSV, which is printed anyway", &csv },
    };
    kt_rc rc = kt_cli_parse(cli, &kt_verb_ask, opts, KT_LEN(opts), (int[]){ 1, 1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    KT_TRY(check(&k, err));
    k.q.least = (uint32_t)k.least;
    if (json)
        k.out.look = KT_LOOK_JSON;
    if (labels.n)
        kt_votes_file_labels(labels, cli->arena, &names);
    for (size_t i = 0; i < names.n && rc == 0; i++)
        if (kt_names_add(&k.name[LABEL], names.v[i]) != i)
            rc = kt_fail(err, KT_USAGE, "label %.*s is listed twice", KT_F(names.v[i]));
    k.labels = names;
    o.refresh = k.follows ? o.refresh : 0; /* what is read whole is settled at the end */
    k.live = kt_live_new(names.n ? (uint32_t)names.n : 2, &o); /* there is another label than the first */
    if (prices.n && rc == 0)
        rc = read_prices(&k, prices, err);
    if (rc == 0)
        rc = ask(&k, pos.v[0], err);
    if (rc >= 0)
        send(&k);
    kt_row_stream_done(&k.s);
    for (int role = 0; role < N_ROLES; role++)
        kt_names_done(&k.name[role]);
    KT_VEC_DONE(&k.said);
    KT_VEC_DONE(&k.who);
    KT_VEC_DONE(&k.prices);
    kt_live_free(k.live);
    kt_out_done(&k.out);
    return rc < 0 ? rc : 0;
}

const kt_verb kt_verb_ask = {
    .name = "ask", .help = "which items are worth another vote, and by whom", .usage = "VOTES.csv [--target P] [--price X] [--worth V] [--follow] [--json]",
    .more = "VOTES.csv (or - for standard input; CSV, TSV, JSON lines, .npy, .npz) names item, annotator and label, or has one column per annotator;\n"
            "a row with a column withdrawn that says true takes the annotator's vote back, a second vote replaces the first. Prints\n"
            "item,label,posterior,votes,verdict,annotator,gain. The verdict is ask (whom, and what a vote is expected to add to the chance that the label is right), sure\n"
            "(the posterior is at the target) or not_worth (nobody's gain × worth is above the price). With --follow there is one line for\n"
            "each vote as it comes, and its cost does not grow with the set. The model is dawid_skene with uniform=1.2/(labels - 1),\n"
            "right=2.8 - uniform, equal=1 and unnamed=0.2; what is read whole is within 0.001 of it.\n\n"
            "  karat ask votes.csv --target 0.95\n"
            "  karat ask votes.csv --prices people.csv --worth 2 --explain item17\n"
            "  karat ask votes.csv --plot asking.svg\n"
            "  tail -f votes.jsonl | karat ask - --follow --json",
    .run = run,
};
