/* The stopping rule of active learning. Accuracy is what the model expects of itself on the pool: its probabilities come from rows that were
   held back, and no truth is needed. Its level may be off by a little, its growth, which decides, is measured well. */
#include "base/mem.h"
#include "base/str.h"
#include "stage/learn.h"
#include "store/audit.h"

enum { MORE = 100, MEASURED = 2000 }; /* MEASURED: rows the accuracy is as good as measured on, for its error */

static const kt_str DOC = { "learn.outlook", 13 };

/* Gain of accuracy under which MORE labels cost more than they save. */
static double least_gain(const kt_run *r)
{
    double open = 0, cost = (double)MORE * (double)r->c->overlap * r->c->al_answer_price;
    for (uint32_t i = 0; i < r->n; i++)
        open += r->state[i] != KT_ITEM_DUPLICATE && r->state[i] != KT_ITEM_GOLD;
    double by_price = r->c->al_error_price > 0 && open > 0 ? cost / (open * r->c->al_error_price) : 0;
    return KT_MAX(by_price, r->c->al_stop_gain);
}

/* A line: labels,believed,gain,low,high,left,stop,least; unknown ones are empty. */
static bool read_line(kt_str line, kt_learn_stop *ret)
{
    double v[8];
    kt_str f;
    *ret = (kt_learn_stop){ 0 };
    for (int i = 0; i < 8; i++) {
        if (!kt_str_cut(&line, ',', &f))
            return false;
        v[i] = NAN;
        if (f.n && !kt_parse_f64(f, &v[i]))
            return false;
    }
    *ret = (kt_learn_stop){ .labels = v[0], .believed = v[1], .known = !isnan(v[2]), .stop = v[6] > 0, .least = v[7],
                            .next = { .gain = v[2], .low = v[3], .high = v[4], .left = v[5] } };
    return true;
}

static double error_of(double accuracy)
{
    double a = KT_MIN(0.999, KT_MAX(0.001, accuracy));
    return sqrt(a * (1 - a) / MEASURED);
}

kt_rc kt_learn_outlook(kt_run *r, double labels, double believed, kt_learn_stop *ret)
{
    kt_str doc = { "", 0 }, line;
    KT_VEC(kt_learning_point) p = { 0 };
    kt_learn_stop one;
    KT_TRY(kt_doc_get(r->s, r->p.id, DOC, r->arena, &doc, r->err));
    while (kt_str_cut(&doc, '\n', &line) && line.n)
        if (read_line(line, &one) && one.labels < labels && (!p.n || one.labels > p.v[p.n - 1].labels))
            KT_PUSH(&p, (kt_learning_point){ one.labels, one.believed, error_of(one.believed) });
    KT_PUSH(&p, (kt_learning_point){ labels, believed, error_of(believed) });
    *ret = (kt_learn_stop){ .labels = labels, .believed = believed, .known = p.n >= 3, .least = least_gain(r) };
    kt_rc rc = ret->known ? kt_learning_outlook(p.v, p.n, MORE, &ret->next, r->err) : 0;
    KT_VEC_DONE(&p);
    ret->stop = rc == 0 && ret->known && ret->next.gain < ret->least;
    return rc;
}

kt_rc kt_learn_outlook_put(kt_run *r, const kt_learn_stop *s)
{
    kt_str old = { "", 0 };
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    KT_TRY(kt_doc_get(r->s, r->p.id, DOC, r->arena, &old, r->err));
    kt_buf_str(&b, old);
    kt_buf_printf(&b, "%.0f,%.6f,", s->labels, s->believed);
    if (s->known)
        kt_buf_printf(&b, "%.6f,%.6f,%.6f,%.6f,%d,%.6f\n", s->next.gain, s->next.low, s->next.high, s->next.left, s->stop, s->least);
    else
        kt_buf_printf(&b, ",,,,0,%.6f\n", s->least);
    KT_TRY(kt_doc_put(r->s, r->p.id, DOC, KT_BUF_STR(&b), r->err));
    if (!s->stop)
        return 0;
    kt_str data = kt_arena_printf(r->arena, "{\"labels\":%.0f,\"gain\":%.6f,\"low\":%.6f,\"high\":%.6f,\"least\":%.6f}", s->labels, s->next.gain,
                                  s->next.low, s->next.high, s->least);
    return kt_audit_append(r->s, &(const kt_event){ KT_S("karat"), KT_S("learn.stop"), r->p.id, -1, data }, NULL, r->err);
}

kt_rc kt_learn_outlook_last(kt_run *r, kt_learn_stop *ret)
{
    kt_str doc = { "", 0 }, line, last = { "", 0 };
    KT_TRY(kt_doc_get(r->s, r->p.id, DOC, r->arena, &doc, r->err));
    while (kt_str_cut(&doc, '\n', &line) && line.n)
        last = line;
    return read_line(last, ret) ? 0 : KT_DONE;
}
