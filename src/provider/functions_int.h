/* Shared by the kinds of labeling functions; for files of this folder only. */
#ifndef KT_PROVIDER_FUNCTIONS_INT_H
#define KT_PROVIDER_FUNCTIONS_INT_H

#include "base/arena.h"
#include "base/mem.h"
#include "provider/functions.h"

#include <pthread.h>
#include <stdatomic.h>

#define KT_FUNCTION_TEXT UINT32_MAX /* a slot: the item's text, not a field */

typedef enum kt_clause { KT_CLAUSE_ANY, KT_CLAUSE_ALL, KT_CLAUSE_NONE, KT_CLAUSE_DICTIONARY, KT_CLAUSE_REGEX } kt_clause;
typedef enum kt_function_kind { KT_FUNCTION_RULE, KT_FUNCTION_LUA, KT_FUNCTION_COMMAND, KT_FUNCTION_FIELD, KT_FUNCTION_PROJECT } kt_function_kind;

/* ---- field comparisons: functions_where.c ---- */
typedef enum kt_compare { KT_CMP_EQ, KT_CMP_NE, KT_CMP_LT, KT_CMP_LE, KT_CMP_GT, KT_CMP_GE, KT_CMP_IN, KT_CMP_CONTAINS } kt_compare;
typedef struct kt_where {
    uint32_t slot;
    kt_compare op;
    const kt_str *value; /* n_values */
    uint32_t n_values;
} kt_where;
/* Value of a field as text; .p NULL: the item has none. */
bool kt_where_holds(const kt_where *w, kt_str value);

typedef struct kt_rule {
    kt_str name, lua;
    kt_function_kind kind;
    int32_t label;          /* -1: chooses for itself */
    uint32_t slot;          /* what its words, regexes, lengths and from_field look at */
    uint32_t n_all;
    bool has_any, has_dictionary, has_regex, measured, wanted;
    int64_t min_chars, max_chars;
    kt_where *where;
    uint32_t n_where;
    uint32_t *agree;        /* numbers of functions before this one */
    uint32_t n_agree, at_least;
    uint32_t command;       /* number in kt_functions.commands */
    kt_str in_command;      /* its name there */
    kt_other other;         /* of a project */
    unsigned char digest[16];
} kt_rule;

/* ---- matching: functions_match.c ---- */
typedef struct kt_pattern {
    uint32_t rule;
    kt_clause clause;
    uint64_t line;
    kt_str text; /* as written */
} kt_pattern;
typedef struct kt_matcher kt_matcher;             /* patterns of one slot, compiled */
typedef struct kt_match_scratch kt_match_scratch;
typedef struct kt_hit {
    uint32_t all;
    bool any, none, dictionary, regex, gave_up, flood;
} kt_hit;
typedef KT_VEC(kt_pattern) kt_patterns;
/* Where in the text a rule's words and regexes are: bytes [start, end). A regex with a group marks its first group. */
typedef struct kt_region {
    uint32_t rule, start, end;
} kt_region;
typedef struct kt_regions { /* KT_PUSH works on it */
    kt_region *v;
    size_t n, cap;
} kt_regions;
#define KT_MAX_REGIONS 65536 /* on one text, of all functions; a function that goes beyond marks nothing there */
/* regions: it will be asked where, too. */
kt_rc kt_matcher_new(const kt_patterns *p, const char *file, bool regions, kt_matcher **ret, kt_err *err) KT_MUST_USE;
kt_matcher *kt_matcher_free(kt_matcher *m);
/* KT_RANGE when neither engine takes the regex. */
kt_rc kt_regex_check(const kt_pattern *p, const char *file, kt_err *err) KT_MUST_USE;
kt_rc kt_match_scratch_new(kt_matcher *const *m, size_t n, kt_match_scratch **ret, kt_err *err) KT_MUST_USE;
kt_match_scratch *kt_match_scratch_free(kt_match_scratch *s);
/* Marks in hit (one per function) what matches, and adds where to ret_regions (NULL: does not matter). off: functions not to try hard for. */
void kt_match(const kt_matcher *m, kt_match_scratch *s, kt_str text, const atomic_bool *off, kt_hit *hit, kt_regions *ret_regions);

/* ---- child processes: functions_child.c ---- */
typedef struct kt_command {
    char **argv;             /* NULL at the end */
    const char *dir;         /* where it runs */
    int64_t timeout_us, memory_mb;
    KT_VEC(uint32_t) rules;
    pthread_mutex_t lock;    /* guards idle */
    KT_VEC(struct kt_child *) idle;
    atomic_int deaths;       /* of all its processes in this run */
} kt_command;
/* Votes of the command's functions on n items; rows of vote as in kt_functions_apply; NULL: marks, into s->marks. */
void kt_command_apply(kt_functions_scratch *s, kt_command *c, const kt_item *items, size_t n, int16_t *vote);
void kt_command_done(kt_command *c);

struct kt_functions {
    kt_arena arena;
    kt_functions_opts o;
    const char *dir;         /* of the pipeline file */
    kt_rule *rule;
    uint32_t n;
    KT_VEC(kt_str) fields;   /* the slots */
    kt_patterns *patterns;   /* of the text, then of each slot; once read */
    kt_matcher **matcher;    /* n_fields + 1, NULL where nothing is looked for */
    KT_VEC(kt_command *) commands;
    atomic_int *limits;      /* per function: times it ran out of its allowance … */
    atomic_bool *off;        /* … once too often */
    bool any_lua, any_agree, any_field;
};

typedef struct kt_lua kt_lua;

struct kt_functions_scratch {
    const kt_functions *f;
    kt_match_scratch *match;
    kt_lua *lua;
    kt_hit *hit;
    kt_str *value;           /* per slot, of the item at hand */
    kt_function_fault *fault;
    kt_arena arena;
    kt_regions region;       /* of the item at hand */
    kt_marks *marks;         /* where commands put what they mark; NULL: they vote */
};

/* ---- one item: functions.c ---- */
/* What the rules' patterns find in an item, and its fields. */
void kt_function_look(kt_functions_scratch *s, const kt_item *it);
/* Whether the conditions of rule i hold on the item looked at; notes a regex that gave up. */
bool kt_function_holds(kt_functions_scratch *s, uint32_t i, const kt_item *it);
/* The label of that name, or KT_ABSTAIN with a note. */
int16_t kt_function_named(kt_functions_scratch *s, uint32_t i, const kt_item *it, kt_str name);

/* ---- marks: functions_marks.c ---- */
/* Takes what a process or a field says of one item, a JSON value: a label or a list of them; for spans a list of [start, end],
   [start, end, label] or {start, end, label}, code points. false: it is none of these; a wrong label or place is a note. */
bool kt_function_take_marks(kt_functions_scratch *s, uint32_t i, uint32_t row, const kt_item *it, kt_str json);

void kt_function_fault_note(kt_functions_scratch *s, uint32_t rule, const kt_item *it, const char *fmt, ...) KT_PRINTF(4, 5);
/* One more time that the function used up its allowance; at the most-th it is off. */
void kt_function_limit(const kt_functions *f, uint32_t rule, int most);
bool kt_function_is_off(const kt_functions *f, uint32_t rule);
/* Number of the label, or -1. */
int32_t kt_function_label_of(const kt_functions *f, kt_str name);

/* ---- Lua: functions_lua.c ---- */
/* A sandbox with one function for each wanted Lua rule. KT_PARSE names the function. */
kt_rc kt_lua_new(const kt_functions *f, kt_lua **ret, kt_err *err) KT_MUST_USE;
kt_lua *kt_lua_free(kt_lua *l);
/* Shows an item to all functions; it must live until the calls are over. */
void kt_lua_item(kt_lua *l, const kt_item *it);
/* Runs function i; *ret_label views the returned name until the next call, .p NULL for nil. KT_LIMIT: too long or too much. */
kt_rc kt_lua_call(kt_lua *l, uint32_t i, kt_str *ret_label, kt_err *err) KT_MUST_USE;
/* One mark as Lua says it: bytes from 1, end included (0, 0: none given); label .p NULL: none given. */
typedef struct kt_lua_mark {
    double start, end;
    kt_str label;
} kt_lua_mark;
/* The same where a function may return a list; *ret lives until the next call. */
kt_rc kt_lua_marks(kt_lua *l, uint32_t i, bool spans, kt_lua_mark **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

#endif
