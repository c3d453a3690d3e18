/* Rounds are rows, and events that say the same. */
#include "store/round.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/audit.h"

#include <math.h>

static void put_number(kt_buf *b, const char *name, double v)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, v);
}

/* Without the opening brace and what the log says anyway (number and time). */
static void put_members(const kt_round *r, kt_buf *b)
{
    kt_buf_puts(b, "\"stage\":");
    kt_buf_json(b, r->stage);
    kt_buf_printf(b, ",\"labels\":%lld,\"data\":\"%.*s\",\"model\":\"%.*s\",\"settings\":%.*s,\"measured_on\":", (long long)r->n_labels, KT_F(r->data), KT_F(r->model),
                  KT_F(r->settings));
    kt_buf_json(b, r->measured_on);
    kt_buf_printf(b, ",\"measured\":%lld", (long long)r->n_measured);
    put_number(b, "accuracy", r->accuracy);
    put_number(b, "accuracy_lo", r->lo);
    put_number(b, "accuracy_hi", r->hi);
    put_number(b, "log_loss", r->log_loss);
    put_number(b, "log_loss_lo", r->log_loss_lo);
    put_number(b, "log_loss_hi", r->log_loss_hi);
    put_number(b, "automation", r->automation);
    kt_buf_printf(b, ",\"moved\":%lld}", (long long)r->n_moved);
}

/* Columns hold numbers; what is undefined is below all of them. */
static double stored(double v)
{
    return isnan(v) ? -1 : v;
}

static double loaded(double v)
{
    return v < 0 ? NAN : v;
}

kt_rc kt_round_put(kt_store *s, int64_t project, kt_round *r, kt_err *err)
{
    uint64_t seq;
    KT_TRY(kt_counter_next(s, project, KT_S("rounds"), &r->number, err));
    r->at_us = kt_store_now(s);
    KT_AUTO(kt_buf) b = KT_BUF_INIT(65536);
    kt_buf_printf(&b, "{\"round\":%lld,", (long long)r->number);
    put_members(r, &b);
    const kt_event e = { KT_S("karat"), KT_S("learn.round"), project, -1, KT_BUF_STR(&b) };
    KT_TRY(kt_audit_append(s, &e, &seq, err));
    r->event = (int64_t)seq;
    return kt_db_run(kt_store_db(s), err, "INSERT INTO round VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19)",
                     "iiiisissssidddddddi", project, r->number, r->event, r->at_us, r->stage, r->n_labels, r->data, r->model, r->settings, r->measured_on,
                     r->n_measured, stored(r->accuracy), stored(r->lo), stored(r->hi), stored(r->log_loss), stored(r->log_loss_lo), stored(r->log_loss_hi),
                     stored(r->automation), r->n_moved);
}

static kt_round read_row(kt_stmt *st, kt_arena *a)
{
    return (kt_round){ .number = kt_stmt_i64(st, 0), .event = kt_stmt_i64(st, 1), .at_us = kt_stmt_i64(st, 2), .stage = kt_arena_str(a, kt_stmt_str(st, 3)),
                       .n_labels = kt_stmt_i64(st, 4), .data = kt_arena_str(a, kt_stmt_str(st, 5)), .model = kt_arena_str(a, kt_stmt_str(st, 6)),
                       .settings = kt_arena_str(a, kt_stmt_str(st, 7)), .measured_on = kt_arena_str(a, kt_stmt_str(st, 8)), .n_measured = kt_stmt_i64(st, 9),
                       .accuracy = loaded(kt_stmt_f64(st, 10)), .lo = loaded(kt_stmt_f64(st, 11)), .hi = loaded(kt_stmt_f64(st, 12)),
                       .log_loss = loaded(kt_stmt_f64(st, 13)), .log_loss_lo = loaded(kt_stmt_f64(st, 14)), .log_loss_hi = loaded(kt_stmt_f64(st, 15)),
                       .automation = loaded(kt_stmt_f64(st, 16)), .n_moved = kt_stmt_i64(st, 17) };
}

kt_rc kt_round_list(kt_store *s, int64_t project, kt_arena *a, kt_round **ret, size_t *ret_n, kt_err *err)
{
    kt_stmt *st;
    KT_VEC(kt_round) v = { 0 };
    KT_TRY(kt_db_query(kt_store_db(s), &st, err,
                       "SELECT number,event,at_us,stage,n_labels,data,model,settings,measured_on,n_measured,accuracy,lo,hi,log_loss,"
                       "log_loss_lo,log_loss_hi,automation,n_moved FROM round WHERE project=$1 ORDER BY number", "i", project));
    kt_rc rc;
    while ((rc = kt_stmt_step(st, err)) == 0)
        KT_PUSH(&v, read_row(st, a));
    kt_stmt_done(st);
    *ret = kt_arena_array(a, v.n, sizeof(kt_round));
    if (v.n)
        memcpy(*ret, v.v, v.n * sizeof(kt_round));
    *ret_n = v.n;
    KT_VEC_DONE(&v);
    return rc < 0 ? rc : 0;
}

void kt_rounds_json(const kt_round *v, size_t n, size_t most, kt_buf *ret)
{
    char at[28];
    kt_buf_char(ret, '[');
    for (size_t i = n > most ? n - most : 0, first = i; i < n; i++) {
        kt_time_format(v[i].at_us, at);
        kt_buf_printf(ret, "%s{\"round\":%lld,\"event\":%lld,\"at\":\"%s\",", i > first ? "," : "", (long long)v[i].number, (long long)v[i].event, at);
        put_members(&v[i], ret);
    }
    kt_buf_char(ret, ']');
}
