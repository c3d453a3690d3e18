/* karat agree, between its two files: what was asked, and the printing of the answers. */
#ifndef KT_CLI_AGREE_CLI_H
#define KT_CLI_AGREE_CLI_H

#include "algo/agreement_parts.h"
#include "cli/cli.h"
#include "cli/votes_file.h"

typedef enum kt_agree_look { KT_LOOK_TEXT, KT_LOOK_JSON, KT_LOOK_CSV } kt_agree_look;
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
    kt_agree_look look;
    kt_agree_bounds bounds;
    uint32_t replicates;
    uint64_t seed;
    bool explain;
} kt_agree_job;

/* One metric after the other: put is called for each, between begin and end. */
void kt_agree_print_begin(const kt_agree_job *g, kt_buf *b);
void kt_agree_print(const kt_agree_job *g, kt_buf *b, const kt_agreement *m, const kt_agree_result *r, bool first);
void kt_agree_print_end(const kt_agree_job *g, kt_buf *b);

void kt_agree_print_pairs(const kt_agree_job *g, kt_buf *b, const kt_agreement_pair *p, size_t n);
void kt_agree_print_classes(const kt_agree_job *g, kt_buf *b, const kt_agreement_class *c);
/* chance: what of an item's agreement is expected by chance, NaN: not known. */
void kt_agree_print_items(const kt_agree_job *g, kt_buf *b, const kt_agreement_item *i, double chance);

#endif
