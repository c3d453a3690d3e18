#include "cli/merge/merge_answers.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "cli/columns_file.h"
#include "cli/merge/merge_grouped.h"

#include <stdio.h>

static const char *const off_on[] = { "majority", "em", NULL };
static const kt_setting mask_options[] = {
    { "method", "how pixels are decided", KT_SET_CHOICE, offsetof(kt_answer_opts, em), 0, 0, off_on },
    { "n_iter", "em: rounds", KT_SET_INT, offsetof(kt_answer_opts, n_iter), 0, 100000, NULL },
    { .name = NULL },
};

#define OF_REGIONS                                                                                                                            \
    "P(there), P(label) = posterior of auto over {each label, nothing} from everybody who looked at the item: who drew a region that is the same one\n" \
    "(overlap as --set says, most alike first, one of each annotator) votes for its label, who drew none for nothing; kept where P(there) >= 1/2.\n"
#define OF_EDGES OF_REGIONS "edge = Σ w x / Σ w over those who drew it; w = 1 / variance of the annotator's edges around the merged ones, as shares of the region's size"

#define AT(member) offsetof(kt_answer_opts, member)
const kt_answer_merge kt_answer_merges[] = {
    { "rover", "item,annotator,text", "texts: word by word, the word most sources say (Fiscus 1997)",
      "the texts are aligned word by word into slots; word of a slot = the one most annotators say; its share = annotators behind it / annotators\n"
      "agreement = mean share of the chosen words; an annotator's worth = mean share of the chosen words that it has in their place", true, true, NULL, 0, { 0 }, kt_merge_rover },
    { "medoid", "item,annotator,text", "texts: the one with the least edits of words to the others",
      "distance(a, b) = edits of words that turn a into b / words of the longer\n"
      "text = the one with the least mean distance to the others; agreement = 1 - that", true, true, NULL, 0, { 0 }, kt_merge_medoid },
    { "segmentation", "item,annotator,mask", "masks, rows of 0 and 1 with / between: pixels by majority or EM",
      "majority: a pixel is set where at least half of the masks set it; its posterior is the share that does\n"
      "em: P(set) ∝ prior Π over annotators of quality or 1 - quality; qualities and priors from the posteriors, again and again; set above 1/2\n"
      "agreement = mean intersection over union of the masks with the merged one, which is also an annotator's worth", true, true, mask_options, 0, { .em = 0, .n_iter = 10 }, kt_merge_masks },
    { "boxes", "item,annotator,label,x1,y1,x2,y2", "boxes: joined by overlap, there or not and as what by auto, edges by precision", OF_EDGES, true, false, kt_region_options, AT(regions),
      { .regions = KT_REGION_OPTS_INIT }, kt_merge_boxes },
    { "spans", "item,annotator,label,start,end", "spans of text or time: as boxes", OF_EDGES, true, false, kt_region_options, AT(regions), { .regions = KT_REGION_OPTS_INIT }, kt_merge_spans },
    { "segments", "item,annotator,label,start,end", "segments in time, in seconds or frames: as spans", OF_EDGES, true, false, kt_region_options, AT(regions),
      { .regions = KT_REGION_OPTS_INIT }, kt_merge_spans },
    { "polygons", "item,annotator,label,polygon", "outlines, x1 y1 x2 y2 …: as boxes, borders by precision; simple polygons out",
      OF_REGIONS "outline = where Σ w d / Σ w is 0, d the distance of a place to each outline, inside below 0; w = 1 / variance of the annotator's borders", true, false, kt_region_options,
      AT(regions), { .regions = KT_REGION_OPTS_INIT }, kt_merge_polygons },
    { "keypoints", "item,annotator,label,keypoints", "skeletons, x y seen of every point (0 not there, 1 hidden, 2 seen): joined by OKS, places robust",
      OF_REGIONS "place of a point = Σ w x / Σ w over those who see it, w the annotator's precision, less for a place far off; seen or hidden by auto", true, false, kt_keypoint_options,
      AT(regions), { .regions = KT_REGION_OPTS_INIT }, kt_merge_keypoints },
    { "sequences", "item,annotator,tags", "tagged tokens, O B-city I-city: a Markov model of spans and of each annotator's slips; valid BIO out",
      "P(tags) ∝ Π over tokens of P(tag | tag before) Π over annotators of P(said | tag, what it said before), of valid BIO only; posteriors of tokens by\n"
      "forward and backward sums; tags = the valid sequence with most expected right tokens; accuracy on tokens where the tag or the truth is not O", true, true, kt_sequence_options,
      AT(sequences), { .sequences = KT_SEQUENCE_OPTS_INIT }, kt_merge_sequences },
    { "taxonomy", "item,annotator,label", "labels that are nodes of a tree, a/b/c or by --taxonomy: as deep as the votes carry",
      "P(leaf) ∝ share(leaf) Π over votes Π over the levels of the vote's way of: accuracy of the annotator on that level where it steps right, else\n"
      "(1 - accuracy) P(taken for that sibling), off the way evenly; P(node) = Σ of its leaves; label = the deepest node with P >= target", true, true, kt_taxonomy_options, AT(taxonomy),
      { .taxonomy = KT_TAXONOMY_OPTS_INIT }, kt_merge_taxonomy },
    { "multi_label", "item,annotator,labels", "sets of labels, a|b|c: every label merged by itself as auto does",
      "each label is a question of its own, yes from who names it and no from who does not, answered by auto: in the set where P(yes) > 1/2\n"
      "accuracy = mean over the labels, weighed by share (1 - share)", true, true, NULL, 0, { 0 }, kt_merge_sets },
    { "numeric", "item,annotator,value", "numbers: each annotator's bias and precision, robust",
      "value = Σ w (x - bias) / Σ w; w = 1 (mean), or precision of the annotator = 1 / variance of its errors, times (d + 1) / (d + r²) where errors are\n"
      "robust, r = |x - bias - value| / sd, d degrees of freedom; interval = value ± 1.96 / sqrt(Σ precision); auto takes what predicts votes best", true, true, kt_numeric_options,
      AT(numeric), { .numeric = KT_NUMERIC_OPTS_INIT }, kt_merge_numeric },
    { "bradley_terry", "left,right,winner, perhaps annotator", "comparisons: strengths by maximum likelihood (Bradley and Terry 1952)",
      "P(a before b) = strength(a) / (strength(a) + strength(b)); strength = wins / Σ over its comparisons of 1 / (sum of the two strengths)", false, false, kt_rank_settings, AT(rank),
      { .rank = KT_RANK_OPTS_INIT }, kt_merge_pairs },
    { "plackett_luce", "ranking, perhaps annotator", "rankings, best > next > worst: strengths by maximum likelihood (Plackett 1975, Luce 1959)",
      "P(next | what is left) = strength / Σ strengths left; strength = stages won / Σ over the stages it was in of 1 / (sum of strengths left)", false, false, kt_rank_settings, AT(rank),
      { .rank = KT_RANK_OPTS_INIT }, kt_merge_rankings },
};
const size_t kt_n_answer_merges = KT_LEN(kt_answer_merges);

const kt_answer_merge *kt_answer_merge_find(kt_str name)
{
    for (size_t i = 0; i < kt_n_answer_merges; i++)
        if (kt_str_eq(name, kt_str_of(kt_answer_merges[i].name)))
            return &kt_answer_merges[i];
    return NULL;
}

/* ---- rows that cannot be ---- */

static kt_rc check_name(const kt_table_file *t, size_t row, kt_str s, const char *what, kt_err *err)
{
    if (s.n && s.n <= KT_MAX_ID_BYTES)
        return 0;
    if (s.n == 0)
        kt_fail(err, KT_PARSE, "the %s is empty", what);
    else
        kt_fail(err, KT_LIMIT, "the %s is longer than %zu bytes", what, KT_MAX_ID_BYTES);
    kt_at(err, t->path, t->line[row], what);
    return s.n ? KT_LIMIT : KT_PARSE;
}

static kt_rc twice(const kt_table_file *t, size_t first, size_t row, const size_t *column, kt_err *err)
{
    const kt_str *cell = t->cell + row * t->n_columns;
    char earlier[40] = "";
    if (t->line[first])
        snprintf(earlier, sizeof(earlier), ", first on line %llu", (unsigned long long)t->line[first]);
    kt_fail(err, KT_RANGE, "%.*s answers item %.*s twice%s", KT_F(cell[column[1]]), KT_F(cell[column[0]]), earlier);
    kt_hint(err, "--duplicates first or --duplicates last keeps one of them");
    kt_at(err, t->path, t->line[row], "annotator");
    return KT_RANGE;
}

kt_rc kt_answers_check(const kt_answer_merge *m, kt_table_file *t, kt_duplicates duplicates, kt_err *err)
{
    size_t column[2], n = 0;
    if (!m->keyed)
        return 0;
    KT_TRY(kt_table_file_column(t, kt_item_column_names, &column[0], err));
    KT_TRY(kt_table_file_column(t, kt_source_names, &column[1], err));
    kt_names name[2] = { { .n = 0 }, { .n = 0 } };
    kt_map seen = { 0 };
    kt_rc rc = 0;
    for (size_t row = 0; row < t->n_rows && rc == 0; row++) {
        const kt_str *cell = t->cell + row * t->n_columns;
        rc = check_name(t, row, cell[column[0]], "item", err);
        if (rc == 0)
            rc = check_name(t, row, cell[column[1]], "annotator", err);
        if (rc < 0)
            break;
        uint64_t pair = (uint64_t)kt_names_add(&name[0], cell[column[0]]) << 32 | kt_names_add(&name[1], cell[column[1]]);
        uint32_t at = m->once ? kt_map_put(&seen, kt_mix64(pair), (uint32_t)n) : (uint32_t)n;
        if (at < n && duplicates == KT_DUPLICATES_ERROR)
            rc = twice(t, at, row, column, err);
        if (at < n && duplicates == KT_DUPLICATES_FIRST)
            continue;
        n += at == n;
        memmove(t->cell + (size_t)at * t->n_columns, cell, t->n_columns * sizeof(*cell));
        t->line[at] = t->line[row];
    }
    t->n_rows = rc == 0 ? n : t->n_rows;
    kt_map_done(&seen);
    kt_names_done(&name[0]);
    kt_names_done(&name[1]);
    return rc;
}
