/* What every merge can say of itself, whatever its answers are: its sources' worth with intervals, how sure it is of each answer, and its
   formula with the numbers of one item put in. --sources, --plot, --explain and the end of --json come from it, alike for all. */
#ifndef KT_CLI_MERGE_ACCOUNT_H
#define KT_CLI_MERGE_ACCOUNT_H

#include "base/names.h"
#include "cli/cli.h"
#include "cli/out.h"

typedef struct kt_merge_wishes {
    bool json;
    kt_str sources, explain, plot; /* a file or -; an item; a file. Empty: not wished for */
} kt_merge_wishes;

/* One thing known of every source. value: n_sources, NaN where not known; ci: n_sources × 2. */
typedef struct kt_measure {
    const char *name;  /* its column and member; the interval of accuracy is plainly low, high and ci95, that of others name_low, … */
    const char *title; /* above its picture */
    const double *value, *ci;
    bool less_is_better;
} kt_measure;

typedef struct kt_account {
    const char *method, *help, *formula;
    bool anonymous;   /* the table does not say who answered */
    size_t n_sources;
    const kt_str *source;
    const double *votes; /* n_sources: what each has said */
    kt_measure measure[2];
    size_t n_measures;
    /* How sure the answers are: a number each, between from and to. marked: those that were dropped. */
    const char *sure_title, *sure_axis;
    size_t n;
    const double *sure;
    double from, to, line; /* line: where marked begins; NaN: nowhere */
    const uint8_t *dropped;
    /* Instead of them: things by name with a number each. */
    const kt_str *thing;
    const double *strength, *strength_ci; /* n, n × 2 */
    /* More of source s in JSON, after the measures; or NULL. */
    void (*source_more)(kt_out *o, const void *of, uint32_t s);
    /* Prints the votes on an item and what the formula makes of them. KT_NOTFOUND for an item that is not there. */
    kt_rc (*explain)(const void *of, kt_str item, kt_err *err);
    const void *of;
} kt_account;

/* Whether answers go to standard output, and not an explanation or the sources in their place. */
bool kt_merge_wants_answers(const kt_merge_wishes *w);
/* Everything else that is wished for. Where answers were printed as JSON, the object that they stand in is ended: sources and '}'. */
kt_rc kt_merge_account(kt_cli *cli, const kt_account *a, const kt_merge_wishes *w, kt_err *err) KT_MUST_USE;
/* The number of an item for --explain: KT_NOTFOUND. */
kt_rc kt_merge_find(const kt_names *item, kt_str name, uint32_t *ret, kt_err *err) KT_MUST_USE;

#endif
