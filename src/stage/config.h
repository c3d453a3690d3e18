/* The pipeline file: one YAML document that describes a project. Unknown keys are errors. */
#ifndef KT_STAGE_CONFIG_H
#define KT_STAGE_CONFIG_H

#include "algo/route/route.h"
#include "base/yaml.h"
#include "format/reader.h"
#include "store/project.h"

typedef struct kt_source_config {
    char *path;
    kt_str format; /* empty: found out by looking */
    kt_field_map fields;
} kt_source_config;

typedef struct kt_slice_budget {
    kt_str value;
    double error;
} kt_slice_budget;

/* What an answer costs, where items are chosen to learn from: nothing is said; the time people take; a number in a field of the record. */
typedef enum kt_learn_cost { KT_COST_NONE, KT_COST_TIME, KT_COST_FIELD } kt_learn_cost;

typedef struct kt_config {
    const char *file; /* for messages */
    kt_str text;      /* the document */
    kt_task task;
    kt_str gold_field, truth_field; /* where labels are sets or regions: the fields that hold the trusted ones and the held-back truth; empty: none */
    bool people;       /* a section says that people or models take part; false: functions alone label, unless somebody is asked to by a verb */
    kt_str project, guidelines;
    kt_str *label;
    uint32_t n_labels;
    int64_t seed;
    kt_source_config *source;
    size_t n_sources;
    bool near_on;
    double near_threshold;
    const kt_yaml *functions; /* NULL: none */
    bool tree; /* the model reads labels as paths */
    int64_t words, chars, epochs;
    kt_str strategy;
    int64_t al_start, al_batch, al_rounds;
    kt_learn_cost al_cost;
    kt_str al_cost_field;
    double al_stop_gain;                     /* stop asking when 100 more labels add less accuracy than this; 0: never */
    double al_answer_price, al_error_price;  /* … or less than they cost: of an answer, and of a wrong label; 0: not said */
    double budget, confidence;
    int64_t trusted;
    kt_route_method method_of_route;
    double *class_budget;     /* n_labels, NAN: none of its own; NULL: no class has one */
    kt_str slice_field;       /* of the record; empty: no slices */
    double slice_error;       /* of every value of it; NAN: only of those below */
    kt_slice_budget *slice;
    size_t n_slices;
    double audit;             /* share of the auto-approved that people check */
    double price_machine, price_annotator, price_expert; /* an answer */
    double annotator_accuracy, expert_accuracy;          /* where they are not measured; NAN: not said */
    kt_str notify_url, notify_secret_env, notify_secret_file; /* url empty: nobody is told */
    bool watch;            /* the section is there, or it was asked for: learn on while people work (stage/watch.c) */
    int64_t watch_every, watch_rounds;
    double relabel_share;  /* at most so many of people's labels are asked about once more; 0: none */
    int64_t overlap, lease_us;
    double expert_below, gold_share;
    kt_str method;
    double min_posterior;
    bool simulate; /* the section is there */
    int64_t sim_annotators, sim_experts;
    double sim_accuracy, sim_expert_accuracy, sim_seconds;
    kt_str export_format;
    double train_share;
    bool export_text;
} kt_config;

/* file's folder is what relative source paths are relative to. Views and nodes live in a. */
kt_rc kt_config_parse(kt_str text, const char *file, kt_arena *a, kt_config *ret, kt_err *err) KT_MUST_USE;
/* Keeps where c's file is, so that what it names beside itself is found later; in the transaction that stores the project. */
kt_rc kt_config_remember(kt_store *s, int64_t project, const kt_config *c, kt_err *err) KT_MUST_USE;
/* The configuration of a project as it is stored. */
kt_rc kt_config_of(kt_store *s, const kt_project *p, kt_arena *a, kt_config *ret, kt_err *err) KT_MUST_USE;

#endif
