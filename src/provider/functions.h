/* Labeling functions: rules, small Lua programs and child processes that vote on items. All keyword, dictionary and regex rules of a
   project are compiled into one Vectorscan database per field and answered in one pass over the text.

   An entry of the YAML list under "functions:" has a name, and a label when it is a rule. Its conditions must all hold:

     any, all, none    lists of words or phrases, whole words, case ignored        phrase      one phrase that must be there
     dictionary        a file of words and phrases, one a line (# comments)        regex       one pattern, or a list of which one matches
     field             a field of the item's meta to look at instead of its text   min_chars, max_chars
     where             field comparisons: {price: {">": 10}, lang: {in: [en, de]}, source: web, title: {contains: free}}
     agree             names of functions above that vote this label, at_least so many of them (default all)

   or it votes by itself:

     lua               function(item) … end, returns a label's name or nil; item.text, item.id, item.meta.FIELD, item.FIELD
     command           a program with its arguments, spoken to in JSON lines (functions_child.c); function, timeout, memory_mb
     from_field        a field of the item that holds a label's name: a foreign model's prediction, another project's label
     project           another project of the workspace: its label of the item with the same id, where this one has a label of that name; with
                       predictions: true what its built-in model predicts

   Where an item may bear several labels (task: multi-label) a function may return a list of names, and a field hold one. Where labels are of
   regions (task: spans) a rule marks every place its words and regexes match (of a regex with a group, that group), when its other conditions
   hold; label is then what the others mark, too, unless they say. Lua returns a list of {start, end} or {start, end, "label"} as its own
   string functions count: bytes from 1, end included. Processes and fields say [start, end] or [start, end, "label"] in code points from 0, end
   not included, which is how regions are stored and exported. */
#ifndef KT_PROVIDER_FUNCTIONS_H
#define KT_PROVIDER_FUNCTIONS_H

#include "base/yaml.h"
#include "store/item.h"
#include "store/project.h"

typedef struct kt_functions kt_functions;                 /* read-only once compiled, any thread */
typedef struct kt_functions_scratch kt_functions_scratch; /* one per thread */

typedef struct kt_function_fault {
    uint64_t n;      /* items it failed on; its vote there is an abstention */
    uint32_t item;   /* the first of them */
    char id[64];     /* its external id */
    char said[160];  /* what went wrong there */
    bool off;        /* failed too often to go on: it abstains everywhere */
} kt_function_fault;

/* What another project of the workspace says of items, by the hash of their external id (kt_id_hash), ascending; labels are this project's. */
typedef struct kt_other {
    size_t n;
    const uint64_t *id_hash;
    const int16_t *label;
} kt_other;
typedef kt_rc (*kt_other_fn)(void *ctx, kt_str project, bool predictions, const kt_str *labels, uint32_t n_labels, kt_arena *a, kt_other *ret, kt_err *err);

typedef struct kt_functions_opts {
    const char *file;    /* the pipeline file: for messages; its folder is what dictionary and command are relative to */
    const kt_str *labels;
    uint32_t n_labels;
    kt_task task;        /* KT_TASK_CLASSES: one vote an item; else marks */
    kt_other_fn other;   /* finds other projects; NULL: there are none */
    void *other_ctx;
    bool foreign;        /* somebody typed them into a page: no files, no programs */
} kt_functions_opts;

/* What a function says where it may say several things of an item: a label; or a region with one, in code points, end not included. */
typedef struct kt_mark {
    uint32_t row;      /* of the items looked at */
    uint16_t function;
    int16_t label;
    uint32_t start, end; /* 0, 0 where labels are of whole items */
} kt_mark;
typedef struct kt_marks { /* KT_PUSH works on it */
    kt_mark *v;
    size_t n, cap;
} kt_marks;
#define KT_MAX_MARKS 4096 /* of one function on one item */

/* Reads the list (NULL: none) with the files it names. KT_RANGE names file, line and key. Views of the list and of o are kept. */
kt_rc kt_functions_read(const kt_yaml *list, const kt_functions_opts *o, kt_functions **ret, kt_err *err) KT_MUST_USE;
/* Makes those with want[i] ready to run (NULL: all). Once. */
kt_rc kt_functions_compile(kt_functions *f, const bool *want, kt_err *err) KT_MUST_USE;
kt_functions *kt_functions_free(kt_functions *f);

uint32_t kt_functions_count(const kt_functions *f);
kt_str kt_functions_name(const kt_functions *f, uint32_t i);
int32_t kt_functions_label(const kt_functions *f, uint32_t i); /* -1: it chooses for itself */
const char *kt_functions_kind(const kt_functions *f, uint32_t i); /* "rule", "lua", "command", "field" */
/* Of everything its votes follow from: definition, dictionary, program files, functions it agrees with. Not of its name. */
void kt_functions_digest(const kt_functions *f, uint32_t i, unsigned char ret[16]);

kt_rc kt_functions_scratch_new(const kt_functions *f, kt_functions_scratch **ret, kt_err *err) KT_MUST_USE;
kt_functions_scratch *kt_functions_scratch_free(kt_functions_scratch *s);
/* vote: n rows of one vote per function, KT_ABSTAIN or a label; those of functions not wanted are read, not written. Never fails: a
   function that does is noted in the scratch's faults and abstains. */
void kt_functions_apply(kt_functions_scratch *s, const kt_item *items, size_t n, int16_t *vote);
void kt_functions_forget_faults(kt_functions_scratch *s); /* those noted so far; what is off stays off */
/* As kt_functions_apply for the other tasks: adds the marks of all wanted functions, by row, function, place and label, each once. */
void kt_functions_mark(kt_functions_scratch *s, const kt_item *items, size_t n, kt_marks *ret);
kt_task kt_functions_task(const kt_functions *f);
/* Whether the item looked at last has a field that a function looks at. */
bool kt_functions_has_fields(const kt_functions_scratch *s);
bool kt_functions_agree(const kt_functions *f); /* one of them looks at what others say */
/* Adds what the scratches of one run noted into ret (one per function). */
void kt_functions_gather(const kt_functions *f, kt_functions_scratch *const *s, size_t n, kt_function_fault *ret);

#endif
