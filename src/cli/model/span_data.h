/* Sentences with spans, from the files people have: CoNLL lines, a table of tokens, or texts with spans by offset. */
#ifndef KT_CLI_MODEL_SPAN_DATA_H
#define KT_CLI_MODEL_SPAN_DATA_H

#include "algo/learn/crf.h"
#include "cli/model/model_cli.h"

typedef struct kt_span_data {
    kt_crf_text x;
    kt_str *item;      /* per sentence */
    kt_str *text;      /* per sentence, where texts were given; else NULL */
    kt_names *types;   /* in the order of the model */
    int32_t *tag;      /* per token, -1: none */
    uint64_t *group;   /* per sentence, or NULL */
    bool tagged;       /* there are tags at all */
} kt_span_data;

/* Spans that do not begin and end where tokens do are widened to whole tokens. fixed: a type the model does not have is KT_RANGE. */
kt_rc kt_span_data_read(kt_model_job *j, bool fixed, kt_span_data *ret, kt_err *err) KT_MUST_USE;
/* "O", "B-person", … */
kt_str kt_span_tag_name(const kt_span_data *d, kt_arena *a, uint32_t tag);

#endif
