/* A pipeline file: refused with a place, or within the bounds every stage relies on. */
#include "fuzz.h"

#include "base/limits.h"
#include "stage/config.h"

void fuzz_one(const uint8_t *data, size_t n)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_err err = { 0 };
    kt_config c;
    kt_rc rc = kt_config_parse((kt_str){ (const char *)data, n }, "d/karat.yaml", &a, &c, &err);
    KT_ASSERT(rc <= 0 && (rc == 0 || (err.what[0] && err.where[0])));
    if (rc < 0)
        return;
    KT_ASSERT(c.project.n && c.n_labels >= 2 && c.n_labels <= KT_MAX_LABELS && c.budget > 0 && c.budget < 1);
    KT_ASSERT(c.confidence >= 0.5 && c.confidence < 1 && c.overlap >= 1 && c.lease_us > 0 && c.train_share >= 0 && c.train_share <= 1);
    KT_ASSERT(c.al_start >= 1 && c.al_batch >= 1 && c.words >= 0 && c.chars >= 0 && c.sim_annotators >= 1 && c.sim_experts >= 1);
    KT_ASSERT(!c.near_on || (c.near_threshold >= 0.3 && c.near_threshold <= 1));
    for (size_t i = 0; i < c.n_sources; i++)
        KT_ASSERT(c.source[i].path && c.source[i].path[0]);
}
