/* Rules that people keep from a page. They stand beside the pipeline file's functions, as the text they were typed as, in a document of the
   project; each change is an event. A function of the file wins over a kept one of its name, so a rule may move into the file. */
#ifndef KT_STAGE_FUNCTIONS_KEPT_H
#define KT_STAGE_FUNCTIONS_KEPT_H

#include "base/yaml.h"
#include "store/project.h"

typedef struct kt_kept {
    kt_str name, text; /* text: one function as YAML, without its name */
    kt_str by;         /* who kept it last … */
    int64_t at_us;     /* … and when */
} kt_kept;

#define KT_KEPT_MAX_NAME 60
#define KT_KEPT_MAX_TEXT 20000

/* In the order they were first kept; texts in a. *ret has room for one more. */
kt_rc kt_kept_list(kt_store *s, int64_t project, kt_arena *a, kt_kept **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* Whether it could be kept: its name, and whether the text is a rule that runs, without files and programs. KT_RANGE, KT_PARSE, KT_DENIED; KT_EXISTS:
   the pipeline file has a function of the name. */
kt_rc kt_kept_check(kt_store *s, const kt_project *p, const kt_kept *k, kt_err *err) KT_MUST_USE;
/* Keeps a checked rule, in place of the one of its name, if any; by actor. In a transaction. */
kt_rc kt_kept_put(kt_store *s, const kt_project *p, const kt_kept *k, kt_str actor, kt_err *err) KT_MUST_USE;
/* KT_NOTFOUND: none of the name. In a transaction. */
kt_rc kt_kept_drop(kt_store *s, const kt_project *p, kt_str name, kt_str actor, kt_err *err) KT_MUST_USE;

/* All functions of a project: of_file (may be NULL), then the kept ones; NULL: none. For kt_functions_read. */
kt_rc kt_project_functions(kt_store *s, const kt_project *p, const kt_yaml *of_file, kt_arena *a, const kt_yaml **ret, kt_err *err) KT_MUST_USE;

/* A function's map as kt_functions_read wants it: with this name where it has none of its own. y: the map, or a list of one. KT_RANGE. */
kt_rc kt_function_map(const kt_yaml *y, kt_str name, kt_arena *a, kt_yaml *ret, kt_err *err) KT_MUST_USE;

#endif
