/* karat agree, between its two files: what was asked, and the printing of the answers. */
#ifndef KT_CLI_AGREE_CLI_H
#define KT_CLI_AGREE_CLI_H

#include "algo/agree/agreement_parts.h"
#include "algo/agree/label_distance.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "cli/votes_file.h"

typedef enum kt_agree_bounds { KT_BOUNDS_ANALYTIC, KT_BOUNDS_BOOTSTRAP, KT_BOUNDS_NONE } kt_agree_bounds;

typedef struct kt_agree_job {
    kt_cli *cli;
    kt_votes_file file;
    const kt_agreement *method; /* NULL: all nominal ones */
    union {
        char bytes[KT_AGREE_OPTION_BYTES];
        const double *value;
        kt_krippendorff_opts krippendorff;
        double align;
    } opt;
    kt_label_distance distance; /* --distance */
    kt_look look;
    kt_agree_bounds bounds;
    uint32_t replicates;
    uint64_t seed;
    bool explain;
    const char *plot; /* file, or NULL */
} kt_agree_job;

/* One metric after the other: put is called for each, between begin and end. */
void kt_agree_print_begin(const kt_agree_job *g, kt_buf *b);
void kt_agree_print(const kt_agree_job *g, kt_buf *b, const kt_agreement *m, const kt_agree_result *r, bool first);
void kt_agree_print_end(const kt_agree_job *g, kt_buf *b);

void kt_agree_print_pairs(const kt_agree_job *g, kt_buf *b, const kt_agreement_pair *p, size_t n);
void kt_agree_print_classes(const kt_agree_job *g, kt_buf *b, const kt_agreement_class *c);
/* chance: what of an item's agreement is expected by chance, NaN: not known. */
void kt_agree_print_items(const kt_agree_job *g, kt_buf *b, const kt_agreement_item *i, double chance);

/* --plot: the pairs as a matrix of annotators; labels with their intervals; every metric with its interval; how many items
   agree how much. */
kt_rc kt_agree_plot_pairs(const kt_agree_job *g, const kt_agreement_pair *p, size_t n, kt_err *err) KT_MUST_USE;
kt_rc kt_agree_plot_classes(const kt_agree_job *g, const kt_agreement_class *c, kt_err *err) KT_MUST_USE;
kt_rc kt_agree_plot_metrics(const kt_agree_job *g, const kt_agreement *const *m, const kt_agree_result *r, size_t n, kt_err *err) KT_MUST_USE;
kt_rc kt_agree_plot_items(const kt_agree_job *g, const kt_agreement_item *item, kt_err *err) KT_MUST_USE;

#endif
