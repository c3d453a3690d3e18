/* Pictures, sounds, token files and model files of any bytes; the first byte says which. What is read is gone through. */
#include "fuzz.h"

#include "algo/learn/audio_features.h"
#include "algo/learn/crf.h"
#include "algo/learn/dense_model.h"
#include "algo/learn/image_features.h"
#include "algo/learn/knn.h"
#include "algo/learn/prototypes.h"
#include "algo/learn/text_model.h"
#include "base/mem.h"
#include "format/conll.h"
#include "format/image.h"
#include "format/model_file.h"
#include "format/wav.h"

static float feature[KT_IMAGE_FEATURES + KT_AUDIO_FEATURES];

static void picture(kt_str b)
{
    kt_image p;
    if (kt_image_parse(b, &p, NULL) == 0) {
        if ((size_t)p.width_px * p.height_px < 1 << 20)
            kt_image_features(p.rgb, p.width_px, p.height_px, feature);
        kt_free(p.rgb);
    }
}

static void sound(kt_str b)
{
    kt_wav w;
    if (kt_wav_parse(b, &w, NULL) == 0) {
        kt_ignore(kt_audio_features(w.sample, KT_MIN(w.n, (size_t)4000), w.rate_hz, feature, NULL), "any answer will do");
        kt_free(w.sample);
    }
}

static void learned(kt_str b)
{
    const kt_str word[] = { KT_S("sea"), KT_S("Bonn") };
    const size_t start[] = { 0, 2 };
    const kt_crf_text x = { .n_sentences = 1, .start = start, .token = word };
    int32_t tag[2];
    kt_text_model text;
    kt_crf crf;
    kt_knn knn;
    kt_prototypes prototypes;
    kt_dense_model dense;
    if (kt_text_from_bytes(b, &text, NULL) == 0) {
        float *prob = kt_alloc_array(text.n_labels, sizeof(*prob));
        kt_text_predict(&text, word, 1, NULL, prob);
        kt_free(prob);
        kt_text_model_done(&text);
    }
    if (kt_crf_from_bytes(b, &crf, NULL) == 0) {
        kt_crf_predict(&crf, &x, NULL, tag, NULL);
        kt_crf_done(&crf);
    }
    if (kt_knn_from_bytes(b, &knn, NULL) == 0)
        kt_knn_done(&knn);
    if (kt_prototypes_from_bytes(b, &prototypes, NULL) == 0)
        kt_prototypes_done(&prototypes);
    if (kt_dense_from_bytes(b, &dense, NULL) == 0)
        kt_dense_model_done(&dense);
}

void fuzz_one(const uint8_t *data, size_t n)
{
    if (!n)
        return;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str b = { (const char *)data + 1, n - 1 };
    kt_conll c;
    kt_model_file m;
    switch (data[0]) {
    case 'i': picture(b); break;
    case 'w': sound(b); break;
    case 'm': kt_ignore(kt_model_file_parse(b, &a, &m, NULL), "any answer will do"); break;
    case 'l': learned(b); break;
    default: kt_ignore(kt_conll_parse("fuzz", b, &a, &c, NULL), "any answer will do"); break;
    }
}
