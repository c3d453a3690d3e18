/* The bodies of the HTTP API: a struct and a shape each. Labels travel by name, times as RFC 3339 text. An answer has one of three forms, by the
   project's task: label, labels or spans; the other two are null. */
#ifndef KT_SERVER_SHAPES_H
#define KT_SERVER_SHAPES_H

#include "base/shape.h"

typedef struct kt_none { char nothing; } kt_none;

typedef struct kt_health { kt_str status, version; } kt_health;

typedef struct kt_credentials { kt_str name, password; } kt_credentials;
typedef struct kt_session { kt_str token, until; int64_t id; kt_str name; bool admin; } kt_session;
typedef struct kt_me { int64_t id; kt_str name; bool admin; } kt_me;
typedef struct kt_password_change { kt_str old, new_password; } kt_password_change;

typedef struct kt_user_create { kt_str name, password; bool admin; } kt_user_create;
typedef struct kt_user_row { int64_t id; kt_str name; bool admin, simulated; } kt_user_row;
typedef struct kt_users { kt_list users; } kt_users;

typedef struct kt_project_row { int64_t id; kt_str name, role; int64_t items; kt_list desks; } kt_project_row;
typedef struct kt_projects { kt_list projects; } kt_projects;
typedef struct kt_project_full { int64_t id; kt_str name, task, role, guidelines; int64_t items; kt_list labels, desks; } kt_project_full;

typedef struct kt_span { int64_t start, end; kt_str label; } kt_span;
typedef struct kt_vote_row { kt_str annotator, label; kt_list labels, spans; bool flagged; kt_str comment, at; } kt_vote_row;
typedef struct kt_evidence_row { kt_str given, likely; double probability, quality; } kt_evidence_row;
typedef struct kt_task_row {
    int64_t token, item;
    kt_str id, text, group, queue, deadline, pre_label;
    kt_list pre_labels, pre_spans;
    double pre_score;
    kt_str previous;
    kt_list previous_labels, previous_spans;
    kt_list votes, evidence;
} kt_task_row;
typedef struct kt_task_request { kt_str desk; int64_t want; } kt_task_request;
typedef struct kt_tasks { kt_list tasks; int64_t answered, open; } kt_tasks;
typedef struct kt_answer { kt_str desk; int64_t token, item; kt_str label; kt_list labels, spans; bool flagged; kt_str comment, client_id; int64_t want; } kt_answer;
typedef struct kt_answered { int64_t id; bool complete, repeated; kt_list evidence, tasks; int64_t answered, open; } kt_answered;

typedef struct kt_queue_row { kt_str queue; int64_t items, slots; } kt_queue_row;
typedef struct kt_rate_row { kt_str at; int64_t answers; } kt_rate_row;
typedef struct kt_progress_row {
    int64_t items, duplicates, auto_approved, final_by_annotators, final_by_experts, gold, disputes_open, answers, skips, flags, suspected, suspected_changed,
        batches_reopened, notices_waiting, notices_failing, notices_given_up;
    double agreement;
    kt_list queues, rate;
    kt_str flow, at;
} kt_progress_row;

typedef struct kt_round_row {
    int64_t round, event;
    kt_str at, stage;
    int64_t labels;
    kt_str data, model, settings, measured_on;
    int64_t measured;
    double accuracy, accuracy_lo, accuracy_hi, log_loss, log_loss_lo, log_loss_hi, automation;
    int64_t moved;
} kt_round_row;
typedef struct kt_rounds { kt_list rounds; } kt_rounds;

typedef struct kt_person_row {
    int64_t id;
    kt_str name, role;
    bool simulated;
    int64_t answers, skips, flags, gold_answered, gold_right;
    double gold_accuracy, gold_lo, gold_hi, per_hour;
    kt_str last_at;
} kt_person_row;
typedef struct kt_people { kt_list people; } kt_people;
typedef struct kt_role_set { kt_str role; } kt_role_set;

typedef struct kt_item_wanted { kt_str id; } kt_item_wanted;
typedef struct kt_item_row {
    int64_t item;
    kt_str id, text, group, meta, pre_label;
    kt_list pre_labels, pre_spans;
    double pre_score;
    kt_str label;
    kt_list labels, spans;
    kt_str state, method;
    double posterior;
    bool blind;
    kt_list votes, evidence;
} kt_item_row;

typedef struct kt_export_request { kt_str format; bool text; } kt_export_request;
typedef struct kt_export_done { kt_str format, file; int64_t rows, left_out; kt_str left_out_file; } kt_export_done;

typedef struct kt_functions_body { kt_str figures; kt_list kept; bool running; } kt_functions_body;
typedef struct kt_kept_row { kt_str name, rule, by, at; } kt_kept_row;
typedef struct kt_function_rule { kt_str name, rule; } kt_function_rule;
typedef struct kt_suggestion_row { kt_str name, label, rule; int64_t votes, right; double precision, lo, hi, coverage; } kt_suggestion_row;
typedef struct kt_functions_suggested { int64_t gold, predicted; kt_list suggestions; } kt_functions_suggested;
typedef struct kt_function_name { kt_str name; } kt_function_name;
typedef struct kt_function_trial { kt_str rule; bool exact; } kt_function_trial;
typedef struct kt_label_votes { kt_str label; int64_t votes; } kt_label_votes;
typedef struct kt_shown_vote { int64_t item; kt_str id, text, said, gold, kind; } kt_shown_vote;
typedef struct kt_function_tried {
    bool exact;
    int64_t n, votes;
    double coverage, lo, hi;
    int64_t gold, gold_votes, right;
    double precision, precision_lo, precision_hi, seconds;
    kt_list labels, examples;
    int64_t failed;
    kt_str failed_item, failure;
} kt_function_tried;

typedef struct kt_log_head { int64_t size; kt_str root, public_key; } kt_log_head;

#define KT_BODIES(X)                                                                                                              \
    X(kt_none) X(kt_health) X(kt_credentials) X(kt_session) X(kt_me) X(kt_password_change) X(kt_user_create) X(kt_user_row)       \
    X(kt_users) X(kt_project_row) X(kt_projects) X(kt_project_full) X(kt_span) X(kt_vote_row) X(kt_evidence_row) X(kt_task_row) X(kt_task_request) X(kt_tasks)  \
    X(kt_answer) X(kt_answered) X(kt_queue_row) X(kt_rate_row) X(kt_progress_row) X(kt_person_row) X(kt_round_row) X(kt_rounds) X(kt_people) X(kt_role_set)    \
    X(kt_item_wanted) X(kt_item_row) X(kt_export_request) X(kt_export_done) X(kt_log_head) X(kt_functions_body)       \
    X(kt_kept_row) X(kt_function_rule) X(kt_function_name) X(kt_suggestion_row) X(kt_functions_suggested) X(kt_function_trial) X(kt_label_votes) X(kt_shown_vote) X(kt_function_tried)
#define KT_BODY(T) extern const kt_shape T##_shape;
KT_BODIES(KT_BODY)
#undef KT_BODY

#endif
