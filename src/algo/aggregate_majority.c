/* The label most sources gave; posterior: its share of the votes. The file to copy for a new aggregator. */
#include "algo/aggregate.h"

static kt_rc fit(const kt_votes *v, kt_posterior *ret, kt_err *err)
{
    KT_TRY(kt_votes_check(v, err));
    kt_posterior_shares(v, ret);
    kt_posterior_finish(v, ret);
    return 0;
}

const kt_aggregator kt_aggregate_majority = { "majority", "the label most sources gave", fit };
