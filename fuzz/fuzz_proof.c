/* A proof file from somebody else: it holds or it does not. Nothing a fuzzer makes may hold with a key it does not have, which
   is why the key expected here belongs to nobody. */
#include "fuzz.h"

#include "base/str.h"
#include "store/audit.h"

void fuzz_one(const uint8_t *data, size_t n)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_err err = { 0 };
    kt_str event, proof = { (const char *)data, n };
    kt_rc rc = kt_audit_proof_check(proof, KT_S(""), &a, &event, &err);
    KT_ASSERT(rc <= 0 && (rc == 0 ? event.n > 0 : err.what[0] != 0));
    rc = kt_audit_proof_check(proof, KT_S("0000000000000000000000000000000000000000000000000000000000000001"), &a, &event, &err);
    KT_ASSERT(rc == KT_PARSE || rc == KT_NO);
}
