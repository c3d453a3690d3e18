/* Votes of several labeling functions on one item as one number, so that what they say together is looked up once. */
#ifndef KT_ALGO_LF_CODES_H
#define KT_ALGO_LF_CODES_H

#include "algo/denoise/denoise.h"

/* Functions go in groups of per_group, the last perhaps smaller. A group's votes v on an item have the code
   Σ (v_j + 1) (n_labels + 1)^j < n_codes. */
typedef struct kt_lf_codes {
    uint32_t n_functions, n_labels, per_group, n_groups;
    size_t n_codes;
} kt_lf_codes;

/* The largest groups with at most `most` codes; one function a group where even that is more. */
kt_lf_codes kt_lf_codes_of(uint32_t n_functions, uint32_t n_labels, size_t most);
/* Codes of group g for items [first, first + n). */
void kt_lf_codes_block(const kt_lf_codes *c, const kt_lf_columns *v, uint32_t g, size_t first, size_t n, uint32_t *ret);
/* n_groups × n_codes × n_labels into ret: what a code adds to the log probability of each label. log_likelihood as in kt_label_model. */
void kt_lf_codes_table(const kt_lf_codes *c, const double *log_likelihood, double *ret);

/* Adds what group g's codes of n items say to their scores (n × k). Inline so that k can be a constant. */
static inline __attribute__((always_inline)) void kt_lf_codes_add(const kt_lf_codes *c, const double *table, uint32_t g, const uint32_t *code,
                                                                  size_t n, uint32_t k, double *score)
{
    table += g * c->n_codes * k;
    for (size_t i = 0; i < n; i++)
        for (uint32_t x = 0; x < k; x++)
            score[i * k + x] += table[code[i] * k + x];
}

/* n rows of k log scores to probabilities. */
void kt_lf_softmax(double *p, size_t n, uint32_t k);

#endif
