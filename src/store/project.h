/* A project: one labeling job. Its configuration is the pipeline file's text, kept as it was when the project was made. */
#ifndef KT_STORE_PROJECT_H
#define KT_STORE_PROJECT_H

#include "store/store.h"

typedef struct kt_project {
    int64_t id;
    kt_str name, guidelines, config; /* config: YAML text */
    kt_str *label;                   /* n_labels names */
    uint32_t n_labels;
    uint32_t n_items;                /* dense numbers 0..n_items-1 */
    int64_t seed;
} kt_project;

/* Makes a project, or refreshes guidelines and config of the one with this name; labels may only be added at the end. */
kt_rc kt_project_put(kt_store *s, const kt_project *p, int64_t *ret_id, kt_err *err) KT_MUST_USE;
/* By name, or the only one when name is empty. Texts are copied into a. */
kt_rc kt_project_get(kt_store *s, kt_str name, kt_arena *a, kt_project *ret, kt_err *err) KT_MUST_USE;
kt_rc kt_project_by_id(kt_store *s, int64_t id, kt_arena *a, kt_project *ret, kt_err *err) KT_MUST_USE;
/* All projects, by id. */
kt_rc kt_project_list(kt_store *s, kt_arena *a, kt_project **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;
/* Label number of a name, or -1. */
int32_t kt_project_label(const kt_project *p, kt_str name);

#endif
