/* Tokens in lines, as the CoNLL tasks have them: a token, tabs or blanks, and in the last column its tag; an empty line ends a sentence. */
#ifndef KT_FORMAT_CONLL_H
#define KT_FORMAT_CONLL_H

#include "base/arena.h"
#include "base/err.h"

typedef struct kt_conll {
    size_t n, n_sentences;
    kt_str *token, *tag; /* n; tag: empty where a line has one column */
    size_t *start;       /* n_sentences + 1 */
} kt_conll;

/* Lines that begin with "-DOCSTART-" end a sentence too; comments ("# ", with nothing else that is a column) are passed over. Views into text;
   arrays in a. KT_PARSE with the line for what is not UTF-8. */
kt_rc kt_conll_parse(const char *path, kt_str text, kt_arena *a, kt_conll *ret, kt_err *err) KT_MUST_USE;

#endif
