/* A project: one labeling job. Its configuration is the pipeline file's text, kept as it was when the project was made. */
#ifndef KT_STORE_PROJECT_H
#define KT_STORE_PROJECT_H

#include "store/store.h"

/* What a label is of: one of the set for each item; any number of them; regions of the text, each with one. */
typedef enum kt_task { KT_TASK_CLASSES, KT_TASK_LABEL_SETS, KT_TASK_SPANS, KT_TASK__COUNT } kt_task;
extern const char *const kt_task_names[KT_TASK__COUNT + 1]; /* as the pipeline file has them; NULL at the end */

typedef struct kt_project {
    int64_t id;
    kt_str name, guidelines, config; /* config: YAML text */
    kt_task task;
    kt_str *label;                   /* n_labels names */
    uint32_t n_labels;
    uint32_t n_items;                /* dense numbers 0..n_items-1 */
    int64_t seed;
} kt_project;

/* Makes a project, or refreshes guidelines and config of the one with this name; labels may only be added at the end, and the task stays once
   there are answers. */
kt_rc kt_project_put(kt_store *s, const kt_project *p, int64_t *ret_id, kt_err *err) KT_MUST_USE;
/* By name, or the only one when name is empty. Texts are copied into a. */
kt_rc kt_project_get(kt_store *s, kt_str name, kt_arena *a, kt_project *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_project_by_id(kt_store *s, int64_t id, kt_arena *a, kt_project *ret, kt_err *err) KT_MUST_USE;
/* All projects, by id. */
kt_rc kt_project_list(kt_store *s, kt_arena *a, kt_project **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* Label number of a name, or -1. */
int32_t kt_project_label(const kt_project *p, kt_str name);

#endif
