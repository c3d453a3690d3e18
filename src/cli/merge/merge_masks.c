/* karat aggregate --method segmentation: masks of the same picture, item,annotator,mask; a mask is rows of 0 and 1 with / between. */
#include "algo/mask.h"
#include "cli/merge/merge_answers.h"
#include "cli/merge/merge_grouped.h"

#include <stdio.h>

struct masks {
    const kt_grouped *x;
    const kt_answer_opts *o;
};

/* Of one item. */
typedef struct drawn {
    uint8_t **mask, *out; /* n masks of size pixels */
    size_t n, size;
    double *prob, *quality, *iou, *overlap; /* size, n, n, n; quality: NULL but for em; iou: with the merged one, overlap: with the truth as it is expected */
    double agreement;
} drawn;

static size_t read_mask(kt_str text, uint8_t *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '0' || text.p[i] == '1')
            ret[n++] = text.p[i] == '1';
    return n;
}

/* Before anything is printed: masks of one item have the same pixels. */
static kt_rc check(const kt_grouped *x, const char *path, kt_err *err)
{
    for (size_t i = 0; i < x->item.n; i++)
        for (size_t q = x->start[i], size = 0; q < x->start[i + 1]; q++) {
            size_t own = 0;
            for (size_t p = 0; p < x->text[q].n && err->rc == 0; p++) {
                char c = x->text[q].p[p];
                own += c == '0' || c == '1';
                if (c != '0' && c != '1' && c != '/' && c != '|' && c != ' ' && c != '\n' && c != '\r')
                    kt_fail(err, KT_PARSE, "a mask is rows of 0 and 1 with / between them, not '%c'", c);
            }
            if (err->rc == 0 && q > x->start[i] && own != size)
                kt_fail(err, KT_RANGE, "item %.*s: a mask of %zu pixels beside one of %zu", KT_F(x->item.name[i]), own, size);
            if (err->rc < 0)
                return kt_at(err, path, x->line[q], "mask");
            size = own;
        }
    return 0;
}

/* The mask in the form of the given text. */
static kt_str write_mask(const uint8_t *mask, kt_str like, kt_arena *a)
{
    char *p = kt_arena_alloc(a, like.n + 1);
    for (size_t i = 0, x = 0; i < like.n; i++)
        p[i] = like.p[i] == '0' || like.p[i] == '1' ? (mask[x++] ? '1' : '0') : like.p[i];
    return (kt_str){ p, like.n };
}

static void merge(const struct masks *w, size_t i, kt_arena *a, drawn *d)
{
    const kt_grouped *x = w->x;
    size_t from = x->start[i], n = x->start[i + 1] - from;
    *d = (drawn){ .mask = kt_arena_array(a, n, sizeof(*d->mask)), .n = n, .iou = kt_arena_array(a, n, sizeof(double)), .overlap = kt_arena_array(a, n, sizeof(double)) };
    for (size_t q = 0; q < n; q++) {
        d->mask[q] = kt_arena_alloc(a, x->text[from + q].n + 1);
        d->size = read_mask(x->text[from + q], d->mask[q]);
    }
    d->out = kt_arena_alloc(a, d->size + 1);
    d->prob = kt_arena_array(a, d->size, sizeof(double));
    const uint8_t *const *mask = (const uint8_t *const *)d->mask;
    if (w->o->em) {
        d->quality = kt_arena_array(a, n, sizeof(double));
        kt_mask_em(mask, n, d->size, w->o->n_iter, d->out, d->prob, d->quality);
    } else {
        kt_mask_majority(mask, n, d->size, d->out);
        for (size_t p = 0; p < d->size; p++)
            for (size_t q = 0; q < n; q++)
                d->prob[p] += d->mask[q][p] / (double)n;
    }
    kt_mask_overlaps(mask, n, d->size, d->overlap);
    for (size_t q = 0; q < n; q++) {
        d->iou[q] = kt_mask_iou(d->mask[q], d->out, d->size);
        d->agreement += d->iou[q] / (double)n;
    }
}

static kt_rc explain(const void *of, kt_str item, kt_err *err)
{
    const struct masks *w = of;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    uint32_t i;
    drawn d;
    KT_TRY(kt_merge_find(&w->x->item, item, &i, err));
    merge(w, i, &a, &d);
    size_t from = w->x->start[i], *pixels = kt_arena_array(&a, d.n + 1, sizeof(*pixels)), *set = kt_arena_array(&a, d.n + 1, sizeof(*set));
    double *sum = kt_arena_array(&a, d.n + 1, sizeof(*sum));
    printf("item %.*s, %zu masks of %zu pixels:\n", KT_F(item), d.n, d.size);
    for (size_t q = 0; q < d.n; q++) {
        printf("  %.*s   overlap with the merged mask %.4f", KT_F(w->x->source.name[w->x->source_of[from + q]]), d.iou[q]);
        if (d.quality)
            printf("   right on a pixel %.4f", d.quality[q]);
        printf("\n");
    }
    for (size_t p = 0; p < d.size; p++) {
        size_t votes = 0;
        for (size_t q = 0; q < d.n; q++)
            votes += d.mask[q][p];
        pixels[votes]++;
        set[votes] += d.out[p];
        sum[votes] += d.prob[p];
    }
    for (size_t v = 0; v <= d.n; v++)
        if (pixels[v])
            printf("  set by %zu of %zu: %zu pixels, mean posterior %.4f; %zu of them set\n", v, d.n, pixels[v], sum[v] / (double)pixels[v], set[v]);
    printf("agreement: mean overlap %.4f\n", d.agreement);
    return 0;
}

static void merge_all(const char *method, const struct masks *masks, kt_agreed *g, const kt_merge_wishes *w)
{
    const kt_grouped *x = masks->x;
    bool print = kt_merge_wants_answers(w);
    if (print)
        kt_merged_begin(method, "mask", w->json);
    for (size_t i = 0; i < x->item.n; i++) {
        KT_AUTO(kt_arena) own = KT_ARENA_INIT;
        drawn d;
        merge(masks, i, &own, &d);
        for (size_t q = 0; q < d.n; q++)
            kt_agreed_add(g, x->source_of[x->start[i] + q], d.overlap[q]);
        g->agreement[i] = d.agreement;
        if (print)
            kt_merged_put("mask", w->json, x, i, &(kt_merged){ write_mask(d.out, x->text[x->start[i]], &own), d.agreement, d.prob, d.size });
    }
    if (print)
        kt_merged_end(w->json);
}

kt_rc kt_merge_masks(kt_cli *cli, const kt_answer_merge *m, const kt_table_file *t, const kt_answer_opts *o, const kt_merge_wishes *w, kt_err *err)
{
    static const char *const mask_names[] = { "mask", "segmentation", "label", NULL };
    kt_grouped x;
    KT_TRY(kt_grouped_read(t, mask_names, cli->arena, &x, err));
    kt_agreed g = kt_agreed_make(&x, cli->arena);
    struct masks masks = { &x, o };
    kt_rc rc = check(&x, t->path, err);
    if (rc == 0) {
        merge_all(m->name, &masks, &g, w);
        kt_account account = { .method = m->name, .help = m->help, .formula = m->formula, .sure_title = "How far the masks of an item agree",
                               .sure_axis = "mean overlap (IoU) of the masks with the merged one", .explain = explain, .of = &masks };
        kt_agreed_account(&g, &account);
        rc = kt_merge_account(cli, &account, w, err);
    }
    kt_grouped_done(&x);
    return rc;
}
