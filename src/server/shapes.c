/* What each body holds, said once: decoding, encoding and the OpenAPI schemas read these rows. */
#include "server/shapes.h"

static const char *const roles[] = { "none", "viewer", "annotator", "expert", "manager", "admin", NULL };
static const char *const desks[] = { "annotator", "expert", NULL };
static const char *const queues[] = { "trusted", "train", "human", "expert", "audit", "relabel", "gold", NULL };
static const char *const example_kinds[] = { "vote", "right", "wrong", NULL };
static const char *const tasks[] = { "text-classification", "multi-label", "spans", NULL };
static const char *const states[] = { "dispute", "voted", "adjudicated", "gold", "auto", "open", NULL };

#define ID_MAX 9007199254740991.0 /* what a JavaScript number holds exactly */

const kt_shape kt_none_shape = { "kt_none", "nothing", sizeof(kt_none), NULL, 0 };

KT_SHAPE(kt_health, "whether the server answers",
         KT_TEXT(kt_health, status, 0, 0, 0, "\"up\""), KT_TEXT(kt_health, version, 0, 0, 0, "Karat's version"));

KT_SHAPE(kt_credentials, "who wants to sign in",
         KT_TEXT(kt_credentials, name, KT_REQUIRED, 1, 64, "user name"),
         KT_TEXT(kt_credentials, password, KT_REQUIRED, 1, 1024, "password"));
KT_SHAPE(kt_session, "a session; browsers get the token as a cookie too",
         KT_TEXT(kt_session, token, 0, 0, 0, "for the header Authorization: Bearer TOKEN"),
         KT_TEXT(kt_session, until, 0, 0, 0, "when it ends"), KT_I64(kt_session, id, 0, 0, 0, "the user's number"),
         KT_TEXT(kt_session, name, 0, 0, 0, "user name"), KT_BOOL(kt_session, admin, 0, "may administer the workspace"));
KT_SHAPE(kt_me, "the signed-in user", KT_I64(kt_me, id, 0, 0, 0, "the user's number"), KT_TEXT(kt_me, name, 0, 0, 0, "user name"),
         KT_BOOL(kt_me, admin, 0, "may administer the workspace"));
KT_SHAPE(kt_password_change, "a new password; ends the user's sessions, this one too",
         KT_TEXT(kt_password_change, old, KT_REQUIRED, 1, 1024, "the present password"),
         KT_TEXT(kt_password_change, new_password, KT_REQUIRED, 8, 1024, "the new one, 8 bytes at least"));

KT_SHAPE(kt_user_create, "a new user", KT_TEXT(kt_user_create, name, KT_REQUIRED, 1, 64, "unique in the workspace"),
         KT_TEXT(kt_user_create, password, KT_REQUIRED, 8, 1024, "8 bytes at least"),
         KT_BOOL(kt_user_create, admin, 0, "may administer the workspace"));
KT_SHAPE(kt_user_row, "a user", KT_I64(kt_user_row, id, 0, 0, 0, "number"), KT_TEXT(kt_user_row, name, 0, 0, 0, "user name"),
         KT_BOOL(kt_user_row, admin, 0, "may administer the workspace"), KT_BOOL(kt_user_row, simulated, 0, "not a person"));
KT_SHAPE(kt_users, "all users", KT_LIST_OF(kt_users, users, 0, &kt_user_row_shape, "by number"));

KT_SHAPE(kt_project_row, "a project in a list", KT_I64(kt_project_row, id, 0, 0, 0, "number"),
         KT_TEXT(kt_project_row, name, 0, 0, 0, "name"), KT_ONE_OF(kt_project_row, role, 0, roles, "what the user may do in it"),
         KT_I64(kt_project_row, items, 0, 0, 0, "items in it"),
         KT_TEXTS(kt_project_row, desks, 0, 0, 0, "where the user may work: annotator, expert"));
KT_SHAPE(kt_projects, "the user's projects", KT_LIST_OF(kt_projects, projects, 0, &kt_project_row_shape, "by number"));
KT_SHAPE(kt_project_full, "a project", KT_I64(kt_project_full, id, 0, 0, 0, "number"),
         KT_TEXT(kt_project_full, name, 0, 0, 0, "name"), KT_ONE_OF(kt_project_full, task, 0, tasks, "what an answer is: one label an item, a set of labels, or regions of the text"),
         KT_ONE_OF(kt_project_full, role, 0, roles, "what the user may do in it"),
         KT_TEXT(kt_project_full, guidelines, 0, 0, 0, "for annotators, plain text"),
         KT_I64(kt_project_full, items, 0, 0, 0, "items in it"), KT_TEXTS(kt_project_full, labels, 0, 0, 0, "the label set, in order"),
         KT_TEXTS(kt_project_full, desks, 0, 0, 0, "where the user may work: annotator, expert"));

KT_SHAPE(kt_span, "a region of the text and its label; regions may overlap and nest",
         KT_I64(kt_span, start, KT_REQUIRED, 0, 4294967295.0, "its first code point, counted from 0 (not bytes, not UTF-16 units)"),
         KT_I64(kt_span, end, KT_REQUIRED, 0, 4294967295.0, "the code point after its last"), KT_TEXT(kt_span, label, KT_REQUIRED, 1, 128, "a label's name"));
KT_SHAPE(kt_vote_row, "one person's answer; all three forms null: skipped", KT_TEXT(kt_vote_row, annotator, 0, 0, 0, "user name"),
         KT_TEXT(kt_vote_row, label, KT_NULLABLE, 0, 0, "task text-classification"), KT_TEXTS(kt_vote_row, labels, KT_NULLABLE, 0, 0, "task multi-label"),
         KT_LIST_OF(kt_vote_row, spans, KT_NULLABLE, &kt_span_shape, "task spans"), KT_BOOL(kt_vote_row, flagged, 0, "asked for a second look"),
         KT_TEXT(kt_vote_row, comment, 0, 0, 0, "may be empty"), KT_TEXT(kt_vote_row, at, 0, 0, 0, "when"));
KT_SHAPE(kt_evidence_row, "why a model thinks people's label wrong", KT_TEXT(kt_evidence_row, given, 0, 0, 0, "people's answer then, in words"),
         KT_TEXT(kt_evidence_row, likely, 0, 0, 0, "the model's, in words"), KT_F64(kt_evidence_row, probability, 0, "of the likely one, by a model that had not seen the given one"),
         KT_F64(kt_evidence_row, quality, 0, "of the given one: its own probability; low is bad"));
KT_SHAPE(kt_task_row, "an item under a lease of the caller",
         KT_I64(kt_task_row, token, 0, 0, 0, "the lease's fencing token; the answer must bring it"),
         KT_I64(kt_task_row, item, 0, 0, 0, "item number"), KT_TEXT(kt_task_row, id, 0, 0, 0, "external id"),
         KT_TEXT(kt_task_row, text, 0, 0, 0, "what to label"), KT_TEXT(kt_task_row, group, KT_NULLABLE, 0, 0, "group"),
         KT_ONE_OF(kt_task_row, queue, 0, queues, "where it comes from"), KT_TEXT(kt_task_row, deadline, 0, 0, 0, "end of the lease"),
         KT_TEXT(kt_task_row, pre_label, KT_NULLABLE, 0, 0, "the machine's label; null: none, or not to be shown"),
         KT_TEXTS(kt_task_row, pre_labels, KT_NULLABLE, 0, 0, "task multi-label: the machine's; null as above"),
         KT_LIST_OF(kt_task_row, pre_spans, KT_NULLABLE, &kt_span_shape, "task spans: the machine's; null as above"),
         KT_F64(kt_task_row, pre_score, KT_NULLABLE, "its calibrated confidence, 0 to 1, that all of it is right; null: functions alone said it"),
         KT_TEXT(kt_task_row, previous, KT_NULLABLE, 0, 0, "the caller's own withdrawn label, after an undo"),
         KT_TEXTS(kt_task_row, previous_labels, KT_NULLABLE, 0, 0, "the same in task multi-label"),
         KT_LIST_OF(kt_task_row, previous_spans, KT_NULLABLE, &kt_span_shape, "the same in task spans"),
         KT_LIST_OF(kt_task_row, votes, 0, &kt_vote_row_shape, "the annotators' answers (disputes at the expert's desk only)"),
         KT_LIST_OF(kt_task_row, evidence, 0, &kt_evidence_row_shape, "where a model called the label into question (expert's desk only); at most one"));
KT_SHAPE(kt_task_request, "how many items to reserve",
         KT_ONE_OF(kt_task_request, desk, KT_REQUIRED, desks, "which work"),
         KT_I64(kt_task_request, want, 0, 1, 2, "1, or 2 to have the one after it too; 0 counts as 1"));
KT_SHAPE(kt_tasks, "reserved items", KT_LIST_OF(kt_tasks, tasks, 0, &kt_task_row_shape, "oldest lease first; empty: nothing for you now"),
         KT_I64(kt_tasks, answered, 0, 0, 0, "the caller's answers in this project"),
         KT_I64(kt_tasks, open, 0, 0, 0, "answers still wanted at this desk, of anybody"));
KT_SHAPE(kt_answer, "an answer to a reserved item, in the form the project's task wants: label, labels or spans; without it the item is skipped", KT_ONE_OF(kt_answer, desk, KT_REQUIRED, desks, "which work"),
         KT_I64(kt_answer, token, KT_REQUIRED, 1, ID_MAX, "of the lease"), KT_I64(kt_answer, item, KT_REQUIRED, 0, 4294967295.0, "item number"),
         KT_TEXT(kt_answer, label, KT_NULLABLE, 1, 128, "task text-classification: a label's name"),
         KT_TEXTS(kt_answer, labels, KT_NULLABLE, 1, 128, "task multi-label: labels' names, in any order; empty: none of them"),
         KT_LIST_OF(kt_answer, spans, KT_NULLABLE, &kt_span_shape, "task spans: regions, in any order; empty: none"),
         KT_BOOL(kt_answer, flagged, 0, "asks for a second look"), KT_TEXT(kt_answer, comment, 0, 0, 2000, "for whoever looks at it next"),
         KT_TEXT(kt_answer, client_id, KT_REQUIRED, 8, 64, "made by the client, new for each answer; the same again changes nothing"),
         KT_I64(kt_answer, want, 0, 0, 2, "reserve as many items in the same breath"));
KT_SHAPE(kt_answered, "the answer is stored", KT_I64(kt_answered, id, 0, 0, 0, "its event in the audit log"),
         KT_BOOL(kt_answered, complete, 0, "the item has all the answers it wanted"),
         KT_BOOL(kt_answered, repeated, 0, "this client_id had been here"),
         KT_LIST_OF(kt_answered, evidence, 0, &kt_evidence_row_shape, "after the answer, where it was asked for because a model thought the label wrong; at most one"),
         KT_LIST_OF(kt_answered, tasks, 0, &kt_task_row_shape, "the caller's reserved items now"),
         KT_I64(kt_answered, answered, 0, 0, 0, "the caller's answers in this project"),
         KT_I64(kt_answered, open, 0, 0, 0, "answers still wanted at this desk, of anybody"));

KT_SHAPE(kt_queue_row, "a queue", KT_ONE_OF(kt_queue_row, queue, 0, queues, "name"), KT_I64(kt_queue_row, items, 0, 0, 0, "items in it"),
         KT_I64(kt_queue_row, slots, 0, 0, 0, "answers it still wants"));
KT_SHAPE(kt_rate_row, "answers in one minute, those taken back later included", KT_TEXT(kt_rate_row, at, 0, 0, 0, "its begin"), KT_I64(kt_rate_row, answers, 0, 0, 0, "how many"));
KT_SHAPE(kt_progress_row, "how far a project is", KT_I64(kt_progress_row, items, 0, 0, 0, "items"),
         KT_I64(kt_progress_row, duplicates, 0, 0, 0, "of them duplicates"), KT_I64(kt_progress_row, auto_approved, 0, 0, 0, "labels by machine"),
         KT_I64(kt_progress_row, final_by_annotators, 0, 0, 0, "labels by annotators"),
         KT_I64(kt_progress_row, final_by_experts, 0, 0, 0, "labels by experts"), KT_I64(kt_progress_row, gold, 0, 0, 0, "trusted labels"),
         KT_I64(kt_progress_row, disputes_open, 0, 0, 0, "items people disagree on, not decided yet"),
         KT_I64(kt_progress_row, answers, 0, 0, 0, "answers by people"), KT_I64(kt_progress_row, skips, 0, 0, 0, "skips"),
         KT_I64(kt_progress_row, flags, 0, 0, 0, "flagged answers"),
         KT_I64(kt_progress_row, suspected, 0, 0, 0, "labels a model called into question"),
         KT_I64(kt_progress_row, suspected_changed, 0, 0, 0, "of them, those with another label now"),
         KT_I64(kt_progress_row, batches_reopened, 0, 0, 0, "batches of machine labels that checks proved to be over their budget"),
         KT_I64(kt_progress_row, notices_waiting, 0, 0, 0, "notices that notify.url has not heard yet"),
         KT_I64(kt_progress_row, notices_failing, 0, 0, 0, "of them tried in vain"),
         KT_I64(kt_progress_row, notices_given_up, 0, 0, 0, "notices it never heard"),
         KT_F64(kt_progress_row, agreement, KT_NULLABLE, "share of agreeing pairs of answers on the same item; null: no pair yet"),
         KT_LIST_OF(kt_progress_row, queues, 0, &kt_queue_row_shape, "the queues"),
         KT_LIST_OF(kt_progress_row, rate, 0, &kt_rate_row_shape, "the last hour, minutes without answers left out"),
         KT_TEXT(kt_progress_row, flow, KT_NULLABLE, 0, 0, "what the flow does or waits for; null: it does not run"),
         KT_TEXT(kt_progress_row, at, 0, 0, 0, "when this was read"));
KT_SHAPE(kt_round_row, "one round of learning", KT_I64(kt_round_row, round, 0, 0, 0, "counts from 1"),
         KT_I64(kt_round_row, event, 0, 0, 0, "its event in the audit log"), KT_TEXT(kt_round_row, at, 0, 0, 0, "when"),
         KT_TEXT(kt_round_row, stage, 0, 0, 0, "learn: from chosen items; route: the frozen model met the trusted sample; watch: while people worked"),
         KT_I64(kt_round_row, labels, 0, 0, 0, "items the model was trained on"), KT_TEXT(kt_round_row, data, 0, 0, 0, "digest of the answers to them"),
         KT_TEXT(kt_round_row, model, 0, 0, 0, "digest of the trained model"), KT_JSON_TEXT(kt_round_row, settings, "how it was trained"),
         KT_TEXT(kt_round_row, measured_on, 0, 0, 0, "items the figures are of; none of them was trained on"),
         KT_I64(kt_round_row, measured, 0, 0, 0, "how many"), KT_F64(kt_round_row, accuracy, KT_NULLABLE, "share right; null: nothing to measure on"),
         KT_F64(kt_round_row, accuracy_lo, KT_NULLABLE, "its 95 % Clopper-Pearson interval"), KT_F64(kt_round_row, accuracy_hi, KT_NULLABLE, "its 95 % Clopper-Pearson interval"),
         KT_F64(kt_round_row, log_loss, KT_NULLABLE, "of the confidence in the first label"), KT_F64(kt_round_row, log_loss_lo, KT_NULLABLE, "its 95 % interval"),
         KT_F64(kt_round_row, log_loss_hi, KT_NULLABLE, "its 95 % interval"),
         KT_F64(kt_round_row, automation, KT_NULLABLE, "share of the items no person sees; null before routing"),
         KT_I64(kt_round_row, moved, 0, 0, 0, "items taken back from people's queue"));
KT_SHAPE(kt_rounds, "how the model learned", KT_LIST_OF(kt_rounds, rounds, 0, &kt_round_row_shape, "oldest first"));
KT_SHAPE(kt_person_row, "a person's work in a project", KT_I64(kt_person_row, id, 0, 0, 0, "user number"),
         KT_TEXT(kt_person_row, name, 0, 0, 0, "user name"), KT_ONE_OF(kt_person_row, role, 0, roles, "role in this project"),
         KT_BOOL(kt_person_row, simulated, 0, "not a person"), KT_I64(kt_person_row, answers, 0, 0, 0, "answers"),
         KT_I64(kt_person_row, skips, 0, 0, 0, "skips"), KT_I64(kt_person_row, flags, 0, 0, 0, "flagged answers"),
         KT_I64(kt_person_row, gold_answered, 0, 0, 0, "blind gold items answered"), KT_I64(kt_person_row, gold_right, 0, 0, 0, "of them right"),
         KT_F64(kt_person_row, gold_accuracy, KT_NULLABLE, "share right"), KT_F64(kt_person_row, gold_lo, KT_NULLABLE, "its 95 % Clopper-Pearson interval"),
         KT_F64(kt_person_row, gold_hi, KT_NULLABLE, "its 95 % Clopper-Pearson interval"),
         KT_F64(kt_person_row, per_hour, KT_NULLABLE, "answers per hour of work"), KT_TEXT(kt_person_row, last_at, KT_NULLABLE, 0, 0, "last answer"));
KT_SHAPE(kt_people, "who works in a project", KT_LIST_OF(kt_people, people, 0, &kt_person_row_shape, "by number"));
KT_SHAPE(kt_role_set, "a person's role in a project", KT_ONE_OF(kt_role_set, role, KT_REQUIRED, roles, "none takes it away"));

KT_SHAPE(kt_item_wanted, "which item", KT_TEXT(kt_item_wanted, id, KT_REQUIRED, 1, 1024, "its external id"));
KT_SHAPE(kt_item_row, "an item with all that is known of it", KT_I64(kt_item_row, item, 0, 0, 0, "item number"),
         KT_TEXT(kt_item_row, id, 0, 0, 0, "external id"), KT_TEXT(kt_item_row, text, 0, 0, 0, "its text"),
         KT_TEXT(kt_item_row, group, KT_NULLABLE, 0, 0, "group"), KT_JSON_TEXT(kt_item_row, meta, "other fields of its record"),
         KT_TEXT(kt_item_row, pre_label, KT_NULLABLE, 0, 0, "the machine's label"),
         KT_TEXTS(kt_item_row, pre_labels, KT_NULLABLE, 0, 0, "the same in task multi-label"), KT_LIST_OF(kt_item_row, pre_spans, KT_NULLABLE, &kt_span_shape, "the same in task spans"), KT_F64(kt_item_row, pre_score, KT_NULLABLE, "its confidence"),
         KT_TEXT(kt_item_row, label, KT_NULLABLE, 0, 0, "the final label so far"),
         KT_TEXTS(kt_item_row, labels, KT_NULLABLE, 0, 0, "the same in task multi-label"), KT_LIST_OF(kt_item_row, spans, KT_NULLABLE, &kt_span_shape, "the same in task spans"), KT_ONE_OF(kt_item_row, state, 0, states, "how it came about"),
         KT_TEXT(kt_item_row, method, KT_NULLABLE, 0, 0, "majority, dawid_skene, adjudicated, trusted, audit, gold, auto"),
         KT_F64(kt_item_row, posterior, KT_NULLABLE, "probability that the label is right, as the method sees it"),
         KT_BOOL(kt_item_row, blind, 0, "an answer is awaited that nothing may sway: labels and votes are not shown until it is there"),
         KT_LIST_OF(kt_item_row, votes, 0, &kt_vote_row_shape, "people's answers"),
         KT_LIST_OF(kt_item_row, evidence, 0, &kt_evidence_row_shape, "where a model called the label into question; at most one"));

KT_SHAPE(kt_export_request, "an export", KT_TEXT(kt_export_request, format, 0, 1, 32, "a writer's name; default jsonl"),
         KT_BOOL(kt_export_request, text, 0, "with the items' texts"));
KT_SHAPE(kt_export_done, "a written export", KT_TEXT(kt_export_done, format, 0, 0, 0, "the writer"),
         KT_TEXT(kt_export_done, file, 0, 0, 0, "name to download"), KT_I64(kt_export_done, rows, 0, 0, 0, "labels in it"),
         KT_I64(kt_export_done, left_out, 0, 0, 0, "items without a label"), KT_TEXT(kt_export_done, left_out_file, 0, 0, 0, "name of the list that says why"));

KT_SHAPE(kt_kept_row, "a rule that was kept from a page", KT_TEXT(kt_kept_row, name, 0, 0, 0, "its name"), KT_TEXT(kt_kept_row, rule, 0, 0, 0, "the function as YAML, as it was typed"),
         KT_TEXT(kt_kept_row, by, 0, 0, 0, "who kept it last"), KT_TEXT(kt_kept_row, at, 0, 0, 0, "when"));
KT_SHAPE(kt_functions_body, "the labeling functions", KT_JSON_TEXT(kt_functions_body, figures, "what 'karat functions --json' prints; null: they have not run yet"),
         KT_LIST_OF(kt_functions_body, kept, 0, &kt_kept_row_shape, "those kept from pages, beside the pipeline file's"),
         KT_BOOL(kt_functions_body, running, 0, "the flow is at work and runs what changed when it has come to a stop: figures are from before"));
KT_SHAPE(kt_function_rule, "a rule to keep", KT_TEXT(kt_function_rule, name, KT_REQUIRED, 1, 60, "its name; a kept rule of this name is replaced"),
         KT_TEXT(kt_function_rule, rule, KT_REQUIRED, 1, 20000, "one labeling function as YAML, without its name"));
KT_SHAPE(kt_suggestion_row, "a rule that labels speak for", KT_TEXT(kt_suggestion_row, name, 0, 0, 0, "a name for it"), KT_TEXT(kt_suggestion_row, label, 0, 0, 0, "what it votes for"),
         KT_TEXT(kt_suggestion_row, rule, 0, 0, 0, "its condition as YAML"), KT_I64(kt_suggestion_row, votes, 0, 0, 0, "its votes on labels that did not choose it"),
         KT_I64(kt_suggestion_row, right, 0, 0, 0, "of them right"), KT_F64(kt_suggestion_row, precision, KT_NULLABLE, "right / votes"),
         KT_F64(kt_suggestion_row, lo, KT_NULLABLE, "its exact 95 % interval"), KT_F64(kt_suggestion_row, hi, KT_NULLABLE, "its end"),
         KT_F64(kt_suggestion_row, coverage, 0, "share of the items it votes on, from a random sample"));
KT_SHAPE(kt_functions_suggested, "suggested rules", KT_I64(kt_functions_suggested, gold, 0, 0, 0, "trusted labels they rest on"),
         KT_I64(kt_functions_suggested, predicted, 0, 0, 0, "and confident predictions"), KT_LIST_OF(kt_functions_suggested, suggestions, 0, &kt_suggestion_row_shape, "by label"));
KT_SHAPE(kt_function_name, "a kept rule", KT_TEXT(kt_function_name, name, KT_REQUIRED, 1, 60, "its name"));
KT_SHAPE(kt_function_trial, "a rule to try", KT_TEXT(kt_function_trial, rule, KT_REQUIRED, 1, 20000, "one labeling function as YAML; a name is not needed"),
         KT_BOOL(kt_function_trial, exact, 0, "over every item; else over a random sample, at once"));
KT_SHAPE(kt_label_votes, "votes for a label", KT_TEXT(kt_label_votes, label, 0, 0, 0, "the label"), KT_I64(kt_label_votes, votes, 0, 0, 0, "how many"));
KT_SHAPE(kt_shown_vote, "an item the rule votes on", KT_I64(kt_shown_vote, item, 0, 0, 0, "item number"), KT_TEXT(kt_shown_vote, id, 0, 0, 0, "external id"),
         KT_TEXT(kt_shown_vote, text, 0, 0, 0, "the begin of its text"), KT_TEXT(kt_shown_vote, said, 0, 0, 0, "the rule's label"),
         KT_TEXT(kt_shown_vote, gold, KT_NULLABLE, 0, 0, "its trusted label"), KT_ONE_OF(kt_shown_vote, kind, 0, example_kinds, "right and wrong by the trusted label"));
KT_SHAPE(kt_function_tried, "what a rule does", KT_BOOL(kt_function_tried, exact, 0, "every item was looked at"),
         KT_I64(kt_function_tried, n, 0, 0, 0, "items looked at, without duplicates"), KT_I64(kt_function_tried, votes, 0, 0, 0, "of them voted on"),
         KT_F64(kt_function_tried, coverage, 0, "votes / n"), KT_F64(kt_function_tried, lo, 0, "its 95 % interval; exact: none"), KT_F64(kt_function_tried, hi, 0, "its 95 % interval"),
         KT_I64(kt_function_tried, gold, 0, 0, 0, "trusted labels looked at"), KT_I64(kt_function_tried, gold_votes, 0, 0, 0, "of them voted on"),
         KT_I64(kt_function_tried, right, 0, 0, 0, "of these alike"), KT_F64(kt_function_tried, precision, KT_NULLABLE, "right / gold_votes"),
         KT_F64(kt_function_tried, precision_lo, KT_NULLABLE, "its 95 % interval"), KT_F64(kt_function_tried, precision_hi, KT_NULLABLE, "its 95 % interval"),
         KT_F64(kt_function_tried, seconds, 0, "what it took"), KT_LIST_OF(kt_function_tried, labels, 0, &kt_label_votes_shape, "votes by label"),
         KT_LIST_OF(kt_function_tried, examples, 0, &kt_shown_vote_shape, "some of the items"), KT_I64(kt_function_tried, failed, 0, 0, 0, "items the rule failed on"),
         KT_TEXT(kt_function_tried, failed_item, 0, 0, 0, "the first of them"), KT_TEXT(kt_function_tried, failure, 0, 0, 0, "and why"));

KT_SHAPE(kt_log_head, "the audit log as it stands", KT_I64(kt_log_head, size, 0, 0, 0, "events"),
         KT_TEXT(kt_log_head, root, 0, 0, 0, "Merkle root (RFC 6962), hex"), KT_TEXT(kt_log_head, public_key, 0, 0, 0, "Ed25519 key that signs heads, hex"));
