/* One text from several people's texts: word by word (ROVER), or the one nearest to all others (medoid). */
#ifndef KT_ALGO_ROVER_H
#define KT_ALGO_ROVER_H

#include "base/arena.h"

typedef struct kt_text_merge {
    kt_str text;       /* in the arena, or one of the given ones */
    double agreement;  /* rover: mean share of the sources behind the chosen words; medoid: 1 - mean distance to the others */
    double *word_share; /* rover: of each of the n_words words of text, the share of the sources behind it; medoid: NULL */
    size_t n_words;
    double *source_share; /* n: rover: share of the true text it is expected to have, 1 - edits / words of the longer (with two texts: of the
                             merged one); medoid: 1 - mean distance */
} kt_text_merge;

/* ROVER (Fiscus 1997): the texts, cut at blanks, are aligned one after the other into a network of slots, least edits first
   (match before substitution, deletion, insertion); every slot goes to the word with most sources, then the longest, then the
   last in code point order. O(slots × words) per text. */
kt_text_merge kt_rover(const kt_str *text, size_t n, kt_arena *a);
/* The text with the least mean distance to the others: edits of words / words of the longer; ties: the first. */
kt_text_merge kt_text_medoid(const kt_str *text, size_t n, kt_arena *a);
/* Edits of words that turn a into b. */
size_t kt_word_edits(kt_str a, kt_str b);

#endif
