/* Folds: a row's own draw, or its group's hash, so that who else is there does not matter. */
#include "algo/learn/folds.h"

#include "base/rng.h"

uint32_t kt_fold_of(uint64_t group, uint32_t folds, uint64_t seed)
{
    return (uint32_t)(kt_mix64(kt_mix64(group) ^ seed) % folds);
}

kt_rc kt_folds_draw(size_t n, const uint64_t *group, uint32_t folds, uint64_t seed, uint8_t *ret, kt_err *err)
{
    if (folds < 2 || folds > 100)
        return kt_fail(err, KT_RANGE, "%u folds are outside 2..100", folds);
    kt_rng g = kt_rng_keyed(seed, 0x666f6c, 0);
    for (size_t i = 0; i < n; i++) {
        ret[i] = (uint8_t)kt_rng_below(&g, folds);
        if (group && group[i])
            ret[i] = (uint8_t)kt_fold_of(group[i], folds, seed);
    }
    return KT_OK;
}
