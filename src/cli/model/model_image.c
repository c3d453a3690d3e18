/* Pictures to labels by a linear model on their edges and colours. */
#include "algo/learn/dense_model.h"
#include "algo/learn/image_features.h"
#include "base/mem.h"
#include "cli/model/dense_rows.h"
#include "cli/model/media_rows.h"
#include "format/image.h"

static const kt_dense_options defaults = KT_DENSE_OPTIONS_INIT;

static kt_rc features(kt_str bytes, float *ret, kt_err *err)
{
    kt_image p;
    KT_TRY(kt_image_parse(bytes, &p, err));
    kt_image_features(p.rgb, p.width_px, p.height_px, ret);
    kt_free(p.rgb);
    return KT_OK;
}

static kt_rc read(kt_model_job *j, kt_row_data *ret, kt_err *err)
{
    static const char *const suffixes[] = { ".png", ".jpg", ".jpeg", ".pgm", ".ppm", NULL };
    return kt_media_rows_read(j, &(const kt_media){ suffixes, KT_IMAGE_FEATURES, features, kt_image_feature_name }, ret, err);
}

const kt_model_kind kt_model_image = {
    .name = "image", .help = "pictures (PNG, JPEG, PGM, PPM) to labels by edges and colours", .files = "FOLDER (LABEL/file) or TABLE (path, label)",
    .options = kt_dense_settings, .defaults = &defaults, .option_size = sizeof(defaults), KT_ROW_ACTS,
    .rows = &(const kt_row_kind)KT_DENSE_ROW_KIND(read),
};
