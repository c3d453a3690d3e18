/* Labels of people that a model thinks wrong, with its evidence. Nothing is changed by them; the item is asked about once more. */
#ifndef KT_STORE_SUSPECT_H
#define KT_STORE_SUSPECT_H

#include "store/project.h"

typedef struct kt_suspect {
    uint32_t item;
    int32_t given, likely; /* people's label, and the model's; numbers of answers */
    double probability;    /* of the likely one, by models that had not seen the given one */
    double quality;        /* of the given one: its own probability; low is bad */
    int64_t event;         /* that named it */
} kt_suspect;

/* Adds those that are not there yet, in one event "errors.suspect". In a transaction. */
kt_rc kt_suspects_add(kt_store *s, const kt_project *p, const kt_suspect *v, size_t n, kt_err *err) KT_MUST_USE;
kt_rc kt_suspect_get(kt_store *s, int64_t project, uint32_t item, kt_suspect *ret, kt_err *err) KT_MUST_USE; /* KT_DONE: it is none */
/* How many there are, and of how many the label is another one now. */
kt_rc kt_suspects_count(kt_store *s, int64_t project, int64_t *ret_n, int64_t *ret_changed, kt_err *err) KT_MUST_USE;

#endif
