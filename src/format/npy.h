/* NumPy's array files: .npy (format versions 1.0 to 3.0) and .npz (a ZIP archive of them, stored or deflated). */
#ifndef KT_FORMAT_NPY_H
#define KT_FORMAT_NPY_H

#include "algo/agree/vote_groups.h"
#include "base/arena.h"
#include "base/err.h"

enum { KT_NPY_MAX_DIMS = 8 };

typedef enum kt_npy_kind { KT_NPY_NUMBER, KT_NPY_TEXT } kt_npy_kind;

/* An array in memory, in native byte order, aligned, C order; data points into the file's bytes where it could. */
typedef struct kt_npy {
    kt_npy_kind kind;
    kt_dtype type;       /* of numbers; booleans are KT_U8 */
    size_t text_bytes;   /* of texts: each entry's width; UTF-8, padded with NUL */
    uint32_t n_dims;
    size_t shape[KT_NPY_MAX_DIMS];
    size_t n;            /* entries in all */
    const void *data;
} kt_npy;

bool kt_npy_is(kt_str bytes); /* begins as .npy does */
bool kt_npz_is(kt_str bytes); /* begins as a ZIP archive does */

/* KT_PARSE: not such a file, cut short, or of a type that is no number or text (Python objects are never loaded); KT_LIMIT:
   more dimensions or bytes than accepted. Any bytes may be given. */
kt_rc kt_npy_parse(kt_str bytes, kt_arena *a, kt_npy *ret, kt_err *err) KT_MUST_USE;

typedef struct kt_npz_member {
    kt_str name; /* without ".npy" */
    kt_npy array;
} kt_npz_member;

/* All arrays of the archive, unpacked into the arena. Checksums are verified. */
kt_rc kt_npz_parse(kt_str bytes, kt_arena *a, kt_npz_member **ret, size_t *ret_n, kt_err *err) KT_MUST_USE;

/* Entry i as a number, or as text (numbers are printed). Text lives in the array or in a. */
double kt_npy_number(const kt_npy *x, size_t i);
kt_str kt_npy_text(const kt_npy *x, size_t i, kt_arena *a);

#endif
