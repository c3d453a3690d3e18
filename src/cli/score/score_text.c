/* Texts: word and character error rate. */
#include "algo/score/score.h"
#include "base/names.h"
#include "base/str.h"
#include "cli/score/score_cli.h"

static const char *const text_names[] = { "text", "answer", "output", "transcript", "label", NULL };

static void put_counts(kt_score_job *j, const char *unit, const kt_edit_counts *c)
{
    kt_out *o = &j->out;
    if (o->look == KT_LOOK_JSON) {
        kt_out_open(o, unit, '{');
        kt_out_u64(o, "length", c->length);
        kt_out_u64(o, "substituted", c->substituted);
        kt_out_u64(o, "deleted", c->deleted);
        kt_out_u64(o, "inserted", c->inserted);
        kt_out_close(o, '}');
    } else if (o->look == KT_LOOK_TEXT) {
        kt_buf_printf(&o->b, "%-20s (%llu substituted + %llu deleted + %llu inserted) / %llu %s\n", "", (unsigned long long)c->substituted,
                      (unsigned long long)c->deleted, (unsigned long long)c->inserted, (unsigned long long)c->length, unit);
    }
}

static kt_rc compare(kt_score_job *j, const kt_columns *p, const kt_columns *t, kt_err *err)
{
    kt_str *said, *truth, *item = kt_columns_find(t, kt_item_names), *said_item = kt_columns_find(p, kt_item_names);
    kt_edit_counts words = { 0 }, chars = { 0 };
    kt_names names = { 0 };
    size_t right = 0;
    KT_TRY(kt_columns_need(p, text_names, &said, err));
    KT_TRY(kt_columns_need(t, text_names, &truth, err));
    if (p->n_rows != t->n_rows)
        return kt_fail(err, KT_RANGE, "%zu texts for %zu true ones", p->n_rows, t->n_rows);
    for (size_t i = 0; item && said_item && i < p->n_rows; i++)
        kt_names_add(&names, said_item[i]);
    kt_rc rc = 0;
    for (size_t i = 0; i < t->n_rows && rc == 0; i++) {
        int64_t at = item && said_item ? kt_names_get(&names, item[i]) : (int64_t)i;
        if (at < 0) {
            kt_fail(err, KT_RANGE, "item %.*s has no text in the other file", KT_F(item[i]));
            rc = kt_columns_fail(t, i, "item", err, KT_RANGE);
            break;
        }
        rc = kt_score_text(said[at], truth[i], KT_UNIT_WORD, &words, err);
        if (rc == 0)
            rc = kt_score_text(said[at], truth[i], KT_UNIT_CHAR, &chars, err);
        right += kt_str_eq(said[at], truth[i]);
    }
    kt_names_done(&names);
    KT_TRY(rc);
    kt_score_begin(j);
    kt_score_put(j, "wer", kt_edit_rate(&words), NULL);
    put_counts(j, "words", &words);
    kt_score_put(j, "cer", kt_edit_rate(&chars), NULL);
    put_counts(j, "characters", &chars);
    kt_score_put(j, "exact", t->n_rows ? (double)right / (double)t->n_rows : 0.0 / 0.0, "share of texts without any edit");
    kt_score_end(j);
    return 0;
}

static kt_rc run(kt_score_job *j, kt_err *err)
{
    kt_columns p, t;
    KT_TRY(kt_columns_read(j->predicted, j->cli->arena, &p, err));
    kt_rc rc = kt_columns_read(j->truth, j->cli->arena, &t, err);
    if (rc == 0) {
        rc = compare(j, &p, &t, err);
        kt_columns_done(&t);
    }
    kt_columns_done(&p);
    return rc;
}

const kt_score_task kt_score_task_text = {
    .name = "text", .help = "texts (item, text): word and character error rate", .files = "PREDICTED TRUTH", .run = run,
};
