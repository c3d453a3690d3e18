/* For a point of the machine what is left is a linear program of two constraints (shares add up to 1, error within what remains of the
   budget), so its optimum mixes at most two sources: all pairs are tried. */
#include "algo/route/route.h"

#include <math.h>

double kt_majority_error(int n_people, double error)
{
    if (error <= 0 || error >= 1)
        return error <= 0 ? 0 : 1;
    double sum = 0;
    for (int k = n_people / 2 + 1; k <= n_people; k++) {
        int sign;
        sum += exp(lgamma_r(n_people + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n_people - k + 1, &sign) + k * log(error) +
                   (n_people - k) * log1p(-error));
    }
    return KT_MIN(sum, 1.0);
}

/* Least price of a mixture of a and b with an error of at most `most`: its share of a; NaN: none. */
static double mix(const kt_plan_source *a, const kt_plan_source *b, double most)
{
    double low = 0, high = 1; /* shares of a that are allowed */
    double slope = a->error - b->error, room = most - b->error;
    if (slope > 0)
        high = KT_MIN(high, room / slope);
    else if (slope < 0)
        low = KT_MAX(low, room / slope);
    else if (room < 0)
        return NAN;
    if (low > high)
        return NAN;
    return a->price <= b->price ? high : low;
}

/* The best for one point of the machine into *best, which stays where it is better. */
static void try_point(double coverage, double machine_error, double machine_price, const kt_plan_source *h, size_t n, double budget, kt_plan *best)
{
    double rest = 1 - coverage, most = rest > 1e-12 ? (budget - coverage * machine_error) / rest : 0;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a; b < n; b++) {
            double w = mix(&h[a], &h[b], most);
            bool possible = rest <= 1e-12 ? coverage * machine_error <= budget : !isnan(w);
            if (!possible) /* as near as it comes */
                w = h[a].error <= h[b].error ? 1 : 0;
            if (isnan(w))
                w = 1;
            kt_plan p = { .possible = possible, .machine = coverage, .machine_error = machine_error };
            p.share[a] += rest * w;
            p.share[b] += rest * (1 - w);
            p.error = coverage * machine_error + rest * (w * h[a].error + (1 - w) * h[b].error);
            p.price = coverage * machine_price + rest * (w * h[a].price + (1 - w) * h[b].price);
            bool better = p.possible != best->possible ? p.possible : p.possible ? p.price < best->price : p.error < best->error;
            if (better)
                *best = p;
        }
}

kt_plan kt_plan_cheapest(const double *coverage, const double *machine_error, size_t n_points, double machine_price,
                         const kt_plan_source *human, size_t n_human, double budget)
{
    kt_plan best = { .price = INFINITY, .error = INFINITY };
    n_human = KT_MIN(n_human, (size_t)KT_PLAN_SOURCES);
    try_point(0, 0, machine_price, human, n_human, budget, &best);
    for (size_t i = 0; i < n_points; i++)
        try_point(coverage[i], machine_error[i], machine_price, human, n_human, budget, &best);
    return best;
}
