/* Labeling functions: rules and small Lua programs that vote on items. All keyword and regex rules of a project are
   compiled into one Vectorscan database per field and answered in one pass over the text. */
#ifndef KT_PROVIDER_FUNCTIONS_H
#define KT_PROVIDER_FUNCTIONS_H

#include "base/yaml.h"

typedef struct kt_functions kt_functions;             /* compiled; read-only, any thread */
typedef struct kt_functions_scratch kt_functions_scratch; /* one per thread */

typedef struct kt_function_fault {
    uint64_t n;      /* times a function failed (its vote was an abstention) */
    char first[160]; /* what the first failure said */
} kt_function_fault;

/* list: the YAML list under "functions:". Entries: name, label, and one or more of any, all, none (lists of words or
   phrases, whole words, case ignored), regex (PCRE syntax Vectorscan takes), field (a field of the item's meta instead of
   its text), min_chars, max_chars; or name and lua. KT_RANGE names file, line and key. */
kt_rc kt_functions_new(const kt_yaml *list, const char *file, const kt_str *labels, uint32_t n_labels, kt_functions **ret,
                       kt_err *err) KT_MUST_USE;
kt_functions *kt_functions_free(kt_functions *f);
uint32_t kt_functions_count(const kt_functions *f);
kt_str kt_functions_name(const kt_functions *f, uint32_t i);
int32_t kt_functions_label(const kt_functions *f, uint32_t i); /* -1: a Lua function chooses */

kt_rc kt_functions_scratch_new(const kt_functions *f, kt_functions_scratch **ret, kt_err *err) KT_MUST_USE;
kt_functions_scratch *kt_functions_scratch_free(kt_functions_scratch *s);
/* ret_vote: one per function, KT_ABSTAIN or a label. meta: JSON object text or empty. Never fails: a function that does is
   counted in the scratch's faults and abstains. */
void kt_functions_apply(kt_functions_scratch *s, kt_str text, kt_str meta, int16_t *ret_vote);
const kt_function_fault *kt_functions_faults(const kt_functions_scratch *s); /* one per function */

#endif
