#include "stage/pretend.h"

#include "base/mem.h"

enum { TRIES = 20 };

static const double CARELESS = 0.5; /* of who is known to have got something wrong */

const kt_answer_part *kt_pretend_truth(const kt_run *r, uint32_t item, size_t *ret_n)
{
    *ret_n = r->parts->start[item + 1] - r->parts->start[item];
    return r->parts->truth.v + r->parts->start[item];
}

static void say(const kt_answer_part *v, size_t n, kt_answer_parts *ret)
{
    for (size_t i = 0; i < n; i++)
        KT_PUSH(ret, v[i]);
}

kt_rc kt_pretend(kt_run *r, uint32_t item, uint64_t person, double right, bool whole, kt_mistakes_fn *mistakes, kt_answer_parts *ret)
{
    kt_rng g = kt_rng_keyed((uint64_t)r->c->seed ^ 0x616e73, item, person);
    size_t n, from = ret->n;
    const kt_answer_part *truth = kt_pretend_truth(r, item, &n);
    bool wrong = whole && kt_rng_unit(&g) >= right;
    if (whole && !wrong) {
        say(truth, n, ret);
        return 0;
    }
    for (int i = 0; i < TRIES; i++) {
        ret->n = from;
        KT_TRY(mistakes(r, item, &g, wrong ? CARELESS : 1 - right, ret));
        ret->n = from + (ret->n > from ? kt_answer_sort(ret->v + from, ret->n - from) : 0);
        if (!wrong || ret->n - from != n || (n && memcmp(ret->v + from, truth, n * sizeof(*truth)) != 0))
            return 0;
    }
    ret->n = from;
    say(truth, n ? n - 1 : 0, ret); /* of an empty text nothing can be said but the truth */
    return 0;
}
