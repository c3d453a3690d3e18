/* Files as rows of numbers: pictures or sounds in folders named after their labels, or named by a table. */
#ifndef KT_CLI_MODEL_MEDIA_ROWS_H
#define KT_CLI_MODEL_MEDIA_ROWS_H

#include "cli/model/model_cli.h"

/* Features of one file's bytes into ret (width numbers); called from several threads. */
typedef kt_rc kt_media_features(kt_str bytes, float *ret, kt_err *err);
typedef struct kt_media {
    const char *const *suffixes;           /* ".png", …, NULL at the end: other files of a folder are passed over */
    uint32_t width;
    kt_media_features *features;
    void (*name)(uint32_t i, char dst[64]); /* of a column */
} kt_media;
/* DATA is a folder (DATA/LABEL/file; files right in DATA have no label), or a table with a column path (file, image, audio), relative to the
   table, and label, item and group where there are such columns. Errors name the file. */
kt_rc kt_media_rows_read(kt_model_job *j, const kt_media *media, kt_row_data *ret, kt_err *err) KT_MUST_USE;

#endif
