/* The summary for a terminal, and the same numbers as JSON. */
#include "stage/report_int.h"

#include <math.h>

static void percent(kt_buf *b, double v)
{
    if (isnan(v))
        kt_buf_puts(b, "–");
    else
        kt_buf_printf(b, "%.2f %%", 100 * v);
}

static void row(kt_buf *b, const char *name, uint64_t n, const char *note)
{
    kt_buf_printf(b, "  %-34s %10llu%s%s\n", name, (unsigned long long)n, *note ? "  " : "", note);
}

static void functions(const kt_report *r, kt_buf *b)
{
    uint64_t votes = 0, conflicts = 0;
    for (size_t i = 0; i < r->n_functions; i++) {
        votes += r->function[i].votes;
        conflicts += r->function[i].conflicts;
    }
    kt_buf_printf(b, "  %-34s %10.1f %% of the items, %.1f %% of their votes in conflict\n", "labeling functions cover",
                  r->n_canonical ? 100.0 * (double)r->n_voted_by_functions / (double)r->n_canonical : 0.0,
                  votes ? 100.0 * (double)conflicts / (double)votes : 0.0);
    for (size_t i = 0; i < r->n_functions; i++)
        if (r->function[i].failed)
            kt_buf_printf(b, "    %.*s failed on %llu items (%.*s)\n", KT_F(r->function[i].name), (unsigned long long)r->function[i].failed,
                          KT_F(r->function[i].failure));
}

static void guarantee(const kt_report *r, kt_buf *b)
{
    kt_buf_printf(b, "\n  error budget %.3g %% of the auto-approved, %.3g %% sure\n%s    promised: ", 100 * r->budget, 100 * r->confidence,
                  r->whole ? "    (" KT_WHOLE_ANSWERS ")\n" : "");
    if (isnan(r->bound)) {
        kt_buf_puts(b, "no threshold could be proved with these trusted labels; nothing was auto-approved\n");
        return;
    }
    kt_buf_puts(b, "at most ");
    percent(b, r->bound);
    kt_buf_printf(b, " (of the trusted sample %llu wrong of %llu above the threshold)\n    measured: ", (unsigned long long)r->bound_errors,
                  (unsigned long long)r->bound_n);
    percent(b, r->measured_error);
    kt_buf_puts(b, isnan(r->measured_error) ? " (no truth was held back)\n" : " against the held-back truth, 95 % interval ");
    if (!isnan(r->measured_error)) {
        percent(b, r->measured_lo);
        kt_buf_puts(b, " to ");
        percent(b, r->measured_hi);
        kt_buf_char(b, '\n');
    }
}

/* What more labels are expected to bring, and whether asking ended because of it. */
static void outlook(const kt_report *r, kt_buf *b)
{
    if (!r->outlook)
        return;
    kt_buf_printf(b, "\n  learning: %s%.0f items answered; 100 more would add ", r->stopped ? "stopped at " : "", r->asked);
    percent(b, r->next_gain);
    kt_buf_puts(b, " accuracy (95 % interval ");
    percent(b, r->next_low);
    kt_buf_puts(b, " to ");
    percent(b, r->next_high);
    kt_buf_puts(b, "), all that is left about ");
    percent(b, r->left_gain);
    if (r->least_gain > 0) {
        kt_buf_puts(b, "; worth asking from ");
        percent(b, r->least_gain);
    }
    kt_buf_char(b, '\n');
}

void kt_report_text(const kt_report *r, kt_buf *ret)
{
    kt_buf_printf(ret, "project %.*s%s\n\n", KT_F(r->project), r->simulated ? " (annotators and experts are simulated)" : "");
    row(ret, "items", r->n_items, "");
    row(ret, "rejected records", r->n_rejected, "");
    row(ret, "exact duplicates", r->n_exact_dups, "");
    row(ret, "near duplicates", r->n_near_dups, "");
    row(ret, "to label", r->n_canonical, "");
    functions(r, ret);
    row(ret, "auto-approved", r->n_auto, "by the model, under the budget");
    row(ret, "to annotators", r->n_human, "");
    row(ret, "to experts", r->n_expert, "");
    row(ret, "chosen for training", r->n_train, "by active learning");
    row(ret, "trusted sample", r->n_trusted, "drawn at random, answered by experts");
    row(ret, "disputes adjudicated", r->n_disputes, "");
    row(ret, "answers by people", r->n_answers, r->simulated ? "simulated" : "");
    if (r->n_suspects) {
        row(ret, "labels asked about once more", r->n_suspects, "which a model thought wrong");
        row(ret, "… and another label now", r->n_suspects_changed, "");
    }
    row(ret, "final labels", r->n_final, "");
    row(ret, "left out", r->n_left_out, "");
    guarantee(r, ret);
    if (r->n_checked)
        kt_buf_printf(ret, "    checked:  %llu of the approved, %llu wrong; %llu of %llu batches opened again\n", (unsigned long long)r->n_checked,
                      (unsigned long long)r->n_checked_wrong, (unsigned long long)r->n_reopened, (unsigned long long)r->n_batches);
    outlook(r, ret);
    kt_text_labels(ret, r);
    kt_buf_puts(ret, "\n  error of final labels: annotators ");
    percent(ret, r->human_error);
    kt_buf_puts(ret, ", experts ");
    percent(ret, r->expert_error);
    kt_buf_puts(ret, ", all ");
    percent(ret, r->final_error);
    kt_buf_printf(ret, "\n  agreement: %.1f %% of pairs, Cohen %.3f, Fleiss %.3f, Krippendorff %.3f (%llu items)\n", 100 * r->percent_agreement,
                  r->cohen, r->fleiss, r->krippendorff, (unsigned long long)r->n_agreement_items);
    kt_buf_printf(ret, "  audit: %llu events, root %s, %s\n", (unsigned long long)r->audit_events, r->audit_root,
                  r->audit_ok ? "verified" : "DOES NOT HOLD");
}

static void number(kt_buf *b, const char *name, double v)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, v);
}

void kt_report_json(const kt_report *r, kt_buf *ret)
{
    const struct { const char *name; uint64_t v; } counts[] = {
        { "items", r->n_items }, { "rejected", r->n_rejected }, { "exact_duplicates", r->n_exact_dups }, { "near_duplicates", r->n_near_dups },
        { "canonical", r->n_canonical }, { "covered_by_functions", r->n_voted_by_functions }, { "auto", r->n_auto }, { "human", r->n_human },
        { "expert", r->n_expert }, { "train", r->n_train }, { "trusted", r->n_trusted }, { "disputes", r->n_disputes },
        { "answers", r->n_answers }, { "final", r->n_final }, { "left_out", r->n_left_out }, { "bound_n", r->bound_n }, { "suspected", r->n_suspects }, { "suspected_changed", r->n_suspects_changed },
        { "bound_errors", r->bound_errors }, { "audit_events", r->audit_events },
        { "batches", r->n_batches }, { "batches_reopened", r->n_reopened }, { "checked", r->n_checked }, { "checked_wrong", r->n_checked_wrong },
    };
    const struct { const char *name; double v; } numbers[] = {
        { "budget", r->budget }, { "confidence", r->confidence }, { "threshold", r->threshold }, { "bound", r->bound },
        { "measured_error", r->measured_error }, { "measured_lo", r->measured_lo }, { "measured_hi", r->measured_hi },
        { "human_error", r->human_error }, { "expert_error", r->expert_error }, { "final_error", r->final_error },
        { "percent_agreement", r->percent_agreement }, { "cohen_kappa", r->cohen }, { "fleiss_kappa", r->fleiss },
        { "krippendorff_alpha", r->krippendorff }, { "ece_before", r->ece_before }, { "ece_after", r->ece_after },
        { "next_gain", r->outlook ? r->next_gain : NAN }, { "next_gain_lo", r->outlook ? r->next_low : NAN },
        { "next_gain_hi", r->outlook ? r->next_high : NAN }, { "gain_left", r->outlook ? r->left_gain : NAN }, { "least_gain", r->least_gain },
    };
    kt_buf_puts(ret, "{\"project\":");
    kt_buf_json(ret, r->project);
    kt_buf_printf(ret, ",\"simulated\":%s", r->simulated ? "true" : "false");
    for (size_t i = 0; i < KT_LEN(counts); i++)
        kt_buf_printf(ret, ",\"%s\":%llu", counts[i].name, (unsigned long long)counts[i].v);
    for (size_t i = 0; i < KT_LEN(numbers); i++)
        number(ret, numbers[i].name, numbers[i].v);
    kt_buf_puts(ret, ",\"calibration\":");
    kt_buf_json(ret, r->calibration);
    kt_json_labels(ret, r);
    kt_buf_puts(ret, ",\"failed_functions\":[");
    bool first = true;
    for (size_t i = 0; i < r->n_functions; i++) {
        if (!r->function[i].failed)
            continue;
        kt_buf_puts(ret, first ? "{\"name\":" : ",{\"name\":");
        kt_buf_json(ret, r->function[i].name);
        kt_buf_printf(ret, ",\"items\":%llu,\"first\":", (unsigned long long)r->function[i].failed);
        kt_buf_json(ret, r->function[i].failure);
        kt_buf_char(ret, '}');
        first = false;
    }
    kt_buf_puts(ret, "],\"seconds\":{");
    for (size_t i = 0; i < r->n_times; i++) {
        kt_buf_puts(ret, i ? "," : "");
        kt_buf_json(ret, r->times[i].stage);
        kt_buf_char(ret, ':');
        kt_buf_f64(ret, r->times[i].seconds);
    }
    kt_buf_puts(ret, "},\"rounds\":");
    kt_rounds_json(r->round, r->n_rounds, r->n_rounds, ret);
    kt_buf_printf(ret, ",\"audit_root\":\"%s\",\"audit_ok\":%s}\n", r->audit_root, r->audit_ok ? "true" : "false");
}
