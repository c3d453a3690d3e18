/* karat ask's inner parts: what is known while votes are read, and how it is explained and drawn. */
#ifndef KT_CLI_ASK_CLI_H
#define KT_CLI_ASK_CLI_H

#include "algo/merge/live.h"
#include "base/mem.h"
#include "base/names.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "format/row_stream.h"

enum { KT_ASK_ITEM, KT_ASK_SOURCE, KT_ASK_LABEL, KT_ASK_ROLES };

typedef struct kt_asking {
    kt_cli *cli;
    kt_row_stream s;
    size_t column[KT_ASK_ROLES], withdrawn; /* of the rows; SIZE_MAX: none */
    bool wide;                              /* a row an item, a column an annotator */
    kt_names name[KT_ASK_ROLES];
    kt_live *live;
    kt_strs labels;         /* given; n 0: as they turn up */
    double price;
    kt_live_question q;
    KT_VEC(double) said;    /* of each annotator: items with a vote by it */
    KT_VEC(uint32_t) who;   /* who may be asked */
    KT_VEC(double) prices;  /* of each of them */
    int64_t least;
    bool fixed;             /* they were named: those who vote do not join them */
    bool follows;
    kt_str explain, plot;   /* an item, a file; empty: not wished for */
    kt_out out;
} kt_asking;

/* What is to be done about an item. */
typedef struct kt_ask_answer {
    uint32_t best, votes, whom; /* whom: where the verdict is to ask */
    const double *posterior;
    kt_live_verdict verdict;
    double gain;
} kt_ask_answer;
kt_ask_answer kt_ask_about(kt_asking *k, uint32_t item);
extern const char *const kt_ask_verdicts[]; /* by kt_live_verdict */

/* To standard output: the expected gain of a vote by each who could be asked, with the numbers of one item put in. KT_NOTFOUND. */
kt_rc kt_ask_explain(kt_asking *k, kt_err *err) KT_MUST_USE;
/* An SVG picture: the annotators' accuracies, and how sure the items are, those worth another vote marked. */
kt_rc kt_ask_plot(kt_asking *k, const char *path, kt_err *err) KT_MUST_USE;

#endif
