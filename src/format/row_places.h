/* On which line each row of a table stood, for messages: rows that follow each other line by line cost nothing. */
#ifndef KT_FORMAT_ROW_PLACES_H
#define KT_FORMAT_ROW_PLACES_H

#include "base/mem.h"

struct kt_row_place {
    size_t row;
    uint64_t line;
};

/* Start from zeros. */
typedef struct kt_row_places {
    KT_VEC(struct kt_row_place) jump; /* row is on line, and the rows behind it each on the next, up to the next of these */
    size_t rows;
} kt_row_places;

void kt_row_places_add(kt_row_places *p, uint64_t line);              /* of the next row */
uint64_t kt_row_places_line(const kt_row_places *p, size_t row); /* 0: unknown */
void kt_row_places_done(kt_row_places *p);

#endif
