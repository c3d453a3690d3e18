/* The command line: one file per verb, one line per verb in verbs.def; options are rows of a table. */
#ifndef KT_CLI_CLI_H
#define KT_CLI_CLI_H

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"

typedef enum kt_opt_kind { KT_OPT_FLAG, KT_OPT_TEXT, KT_OPT_INT, KT_OPT_FLOAT, KT_OPT_LIST } kt_opt_kind;

typedef struct kt_opt {
    const char *name; /* without the dashes */
    kt_opt_kind kind;
    const char *arg;  /* "NAME" in the help; NULL for a flag */
    const char *help;
    void *ret;        /* bool *, kt_str *, int64_t *, double *, kt_strs * */
} kt_opt;

typedef struct kt_strs {
    kt_str *v;
    size_t n;
} kt_strs;

/* What a verb gets. stdout is for results, stderr for talk. */
typedef struct kt_cli {
    int argc;          /* arguments after the verb */
    char **argv;
    kt_arena *arena;
    kt_pool *pool;     /* one thread per processor */
    kt_progress *progress;
} kt_cli;

typedef struct kt_verb {
    const char *name, *help; /* one line */
    const char *usage;       /* "DIR [--json]" */
    const char *more;        /* paragraphs and examples for --help; may be NULL */
    kt_rc (*run)(kt_cli *cli, kt_err *err);
} kt_verb;

/* Reads options and positional arguments of verb. Positionals: at least min, at most max (max < 0: any number), left in
   ret_pos. --help prints the page and returns KT_DONE: the verb then returns 0. Anything unknown: KT_USAGE. */
kt_rc kt_cli_parse(kt_cli *cli, const kt_verb *verb, const kt_opt *opts, size_t n_opts, int bounds[2], kt_strs *ret_pos,
                   kt_err *err) KT_MUST_USE;

extern const kt_verb *const kt_verbs[]; /* NULL at the end */
#define KT_VERB(name) extern const kt_verb kt_verb_##name;
#include "cli/verbs.def"
#undef KT_VERB

#endif
