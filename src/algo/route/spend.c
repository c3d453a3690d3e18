#include "algo/route/spend.h"

#include "base/err.h"

double kt_spend_round(double delta, double looks)
{
    return (delta - looks) / (1 + 2 * delta);
}

double kt_spend_looks(double delta, double round)
{
    return KT_MAX(0.0, delta - round * (1 + 2 * delta));
}

double kt_spend_half(double delta)
{
    return delta / (2 + 2 * delta);
}

double kt_spend_mean(double q, double checks)
{
    return q * (1 - checks);
}
