/* Sounds to labels by a linear model on their spectrum over time. */
#include "algo/learn/audio_features.h"
#include "algo/learn/dense_model.h"
#include "base/mem.h"
#include "cli/model/dense_rows.h"
#include "cli/model/media_rows.h"
#include "format/wav.h"

static const kt_dense_options defaults = KT_DENSE_OPTIONS_INIT;

static kt_rc features(kt_str bytes, float *ret, kt_err *err)
{
    kt_wav w;
    KT_TRY(kt_wav_parse(bytes, &w, err));
    kt_rc rc = kt_audio_features(w.sample, w.n, w.rate_hz, ret, err);
    kt_free(w.sample);
    return rc;
}

static kt_rc read(kt_model_job *j, kt_row_data *ret, kt_err *err)
{
    static const char *const suffixes[] = { ".wav", NULL };
    return kt_media_rows_read(j, &(const kt_media){ suffixes, KT_AUDIO_FEATURES, features, kt_audio_feature_name }, ret, err);
}

const kt_model_kind kt_model_audio = {
    .name = "audio", .help = "sounds (WAV) to labels by their spectrum over time", .files = "FOLDER (LABEL/file) or TABLE (path, label)",
    .options = kt_dense_settings, .defaults = &defaults, .option_size = sizeof(defaults), KT_ROW_ACTS,
    .rows = &(const kt_row_kind)KT_DENSE_ROW_KIND(read),
};
