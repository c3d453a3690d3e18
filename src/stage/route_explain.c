#include "stage/route_explain.h"

#include "base/str.h"
#include "stage/route_int.h"
#include "stage/watch.h"
#include "store/annotation.h"

#include <math.h>

enum { LEAST_GOLD = 30, LEAST_PAIRS = 50, DIFFERENT = 1000 }; /* DIFFERENT: ways to be wrong where an answer is a set or regions: nobody errs alike */

/* How often annotators are right: on blind gold items; else the accuracy at which independent people with evenly spread mistakes
   agree as often as these do: P = a^2 + (1 - a)^2 / (labels - 1). */
static kt_rc annotator_accuracy(kt_run *r, double *ret, const char **ret_from)
{
    kt_person_stat *v;
    size_t n;
    int64_t gold = 0, right = 0, pairs, same;
    KT_TRY(kt_person_stats(r->s, r->p.id, r->arena, &v, &n, r->err));
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("pairs"), &pairs, r->err));
    KT_TRY(kt_counter_get(r->s, r->p.id, KT_S("pairs.same"), &same, r->err));
    for (size_t i = 0; i < n; i++) {
        gold += v[i].gold_n;
        right += v[i].gold_right;
    }
    *ret = NAN;
    if (gold >= LEAST_GOLD) {
        *ret = (double)right / (double)gold;
        *ret_from = "measured on gold items";
    } else if (pairs >= LEAST_PAIRS) {
        double k = r->parts ? DIFFERENT : (double)r->k - 1, p = (double)same / (double)pairs, root = 1 - (k + 1) * (1 - k * p);
        *ret = (1 + sqrt(KT_MAX(root, 0.0))) / (k + 1);
        *ret_from = "from how often they agree";
    } else if (!isnan(r->c->annotator_accuracy)) {
        *ret = r->c->annotator_accuracy;
        *ret_from = "as prices.annotator_accuracy says";
    }
    return 0;
}

kt_rc kt_route_explain(kt_run *r, kt_route_explained *ret)
{
    kt_routing x;
    double accuracy;
    double delta;
    *ret = (kt_route_explained){ .whole = r->parts != NULL, .method = r->c->method_of_route, .confidence = r->c->confidence };
    KT_TRY(kt_watch_delta(r, &delta));
    KT_TRY(kt_routing_begin(r, &x));
    KT_TRY(kt_routing_gather(&x));
    if (x.n_pool == 0)
        return kt_fail(r->err, KT_RANGE, "nothing is to be routed: every item has its label");
    KT_TRY(annotator_accuracy(r, &accuracy, &ret->annotators_from));
    bool said = !isnan(r->c->expert_accuracy);
    ret->experts_from = said ? "as prices.expert_accuracy says" : "taken as right, as in the trusted sample";
    ret->people = (kt_outlook_people){ r->c->price_machine, r->c->price_annotator, r->c->price_expert, 1 - accuracy,
                                       said ? 1 - r->c->expert_accuracy : 0 };
    ret->n_wanted = (uint32_t)x.n_trusted;
    kt_threshold_data d = { x.n_pool, x.pool, x.n_answered, x.score, x.right };
    kt_threshold_options o = { r->c->budget, delta, 0 };
    KT_TRY(kt_outlook_of(&d, &o, &ret->people, (uint64_t)r->c->seed, r->pool, &ret->outlook, r->err));
    ret->n_cells = x.n_cells;
    ret->cell_name = x.name;
    ret->cell = kt_arena_array(r->arena, (size_t)x.n_cells + 1, sizeof(*ret->cell));
    ret->outlook.delta = 1 - r->c->confidence; /* what holds of all rounds together */
    return kt_routing_search(&x, delta, ret->cell);
}
