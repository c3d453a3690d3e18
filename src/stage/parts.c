#include "stage/parts.h"

#include "base/mem.h"
#include "base/str.h"
#include "stage/marks.h"
#include "store/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

uint64_t kt_parts_print(const kt_answer_part *v, size_t n)
{
    uint64_t h = XXH3_64bits(v, n * sizeof(*v));
    return h ? h : 1;
}

/* ---- numbers and fingerprints ---- */

/* Fingerprints of all numbers up to this one. */
static kt_rc print_of(kt_run *r, int32_t number, uint64_t *ret)
{
    kt_parts *p = r->parts;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    if (p->print.n <= (size_t)number && !p->print.n) {
        size_t *start, n;
        kt_answer_part *part;
        KT_TRY(kt_answers_load(r->s, &r->p, &a, &start, &part, &n, r->err));
        for (size_t i = 0; i < n; i++)
            KT_PUSH(&p->print, kt_parts_print(part + start[i], start[i + 1] - start[i]));
    }
    while (p->print.n <= (size_t)number) { /* made since then */
        kt_answer_said said;
        KT_TRY(kt_answer_get(r->s, &r->p, (int32_t)p->print.n, &a, &said, r->err));
        KT_PUSH(&p->print, kt_parts_print(said.part, said.n));
        kt_arena_reset(&a);
    }
    *ret = p->print.v[number];
    return 0;
}

/* Whether an answer of this number is `label` (one label an item), or has this fingerprint. */
static kt_rc is_answer(kt_run *r, int32_t number, int32_t label, const uint64_t *print, uint8_t *ret)
{
    uint64_t mine;
    *ret = number >= 0 && !print && label == number;
    if (number < 0 || !print)
        return 0;
    KT_TRY(print_of(r, number, &mine));
    *ret = mine == *print;
    return 0;
}

kt_rc kt_run_right(kt_run *r, uint32_t item, int32_t number, uint8_t *ret)
{
    return is_answer(r, number, r->pred[item].label, r->parts ? &r->parts->said_print[item] : NULL, ret);
}

kt_rc kt_run_true(kt_run *r, uint32_t item, int32_t number, uint8_t *ret)
{
    return is_answer(r, number, r->truth[item], r->parts ? &r->parts->truth_print[item] : NULL, ret);
}

bool kt_run_machine_true(const kt_run *r, uint32_t item)
{
    if (r->pred[item].label < 0 || r->truth[item] < 0)
        return false;
    return r->parts ? r->parts->said_print[item] == r->parts->truth_print[item] : r->pred[item].label == r->truth[item];
}

size_t kt_parts_row(const kt_machine_mark *v, size_t n, uint32_t row, size_t *at)
{
    size_t from = *at;
    while (*at < n && v[*at].row == row)
        ++*at;
    return *at - from;
}

size_t kt_parts_of_marks(const kt_machine_mark *v, size_t n, kt_answer_parts *ret)
{
    size_t from = ret->n;
    for (size_t i = 0; i < n; i++)
        KT_PUSH(ret, ((kt_answer_part){ v[i].label, v[i].start, v[i].end }));
    if (n)
        ret->n = from + kt_answer_sort(ret->v + from, n);
    return ret->n - from;
}

struct asked {
    uint32_t item;
    size_t at;
};

static int by_item(const void *a, const void *b)
{
    const struct asked *x = a, *y = b;
    return (x->item > y->item) - (x->item < y->item);
}

/* Those of one chunk, ascending. */
static kt_rc number_chunk(kt_run *r, const struct asked *v, size_t n, uint32_t first, int32_t *ret)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)4 << 30);
    kt_answer_parts part = { 0 };
    KT_TRY(kt_pack_get(r->s, r->p.id, KT_MACHINE_MARKS, first, &b, r->err));
    const kt_machine_mark *m = (const kt_machine_mark *)(const void *)b.p;
    size_t n_marks = b.n / sizeof(*m), at = 0;
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        while (at < n_marks && m[at].row < v[i].item - first)
            at++;
        size_t from = at, k = kt_parts_row(m, n_marks, v[i].item - first, &at);
        part.n = 0;
        kt_parts_of_marks(m + from, k, &part);
        rc = kt_answer_number(r->s, &r->p, &(kt_answer_said){ part.v, part.n }, &ret[v[i].at], r->err);
    }
    KT_VEC_DONE(&part);
    return rc;
}

kt_rc kt_run_numbers(kt_run *r, const uint32_t *item, size_t n, int32_t *ret)
{
    struct asked *v = kt_alloc_array(n + 1, sizeof(*v));
    kt_rc rc = 0;
    for (size_t i = 0; i < n; i++) {
        v[i] = (struct asked){ item[i], i };
        ret[i] = r->pred[item[i]].label;
    }
    if (n)
        qsort(v, n, sizeof(*v), by_item);
    for (size_t i = 0, k; r->parts && i < n && rc == 0; i = k) {
        uint32_t first = v[i].item / KT_COLUMN_CHUNK * KT_COLUMN_CHUNK;
        for (k = i; k < n && v[k].item - first < KT_COLUMN_CHUNK; k++)
            ;
        rc = number_chunk(r, v + i, k - i, first, ret);
    }
    kt_free(v);
    return rc;
}

/* ---- what came with the records ---- */

struct known {
    kt_run *r;
    kt_given gold, truth;
    KT_VEC(uint32_t) item;  /* with a trusted answer … */
    KT_VEC(size_t) start;   /* … which is gold_part from here on */
    kt_answer_parts part;
};

static kt_rc visit(void *ctx, int slot, const kt_item *items, size_t n, kt_err *err)
{
    (void)slot, (void)err;
    struct known *k = ctx;
    kt_parts *p = k->r->parts;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = items[i].number;
        p->start[number] = p->truth.n;
        if (k->r->cluster[number] != number)
            continue;
        if (kt_given_read(&k->truth, &items[i])) {
            size_t m = kt_given_parts(&k->truth, &p->truth);
            p->truth_print[number] = kt_parts_print(p->truth.v + p->truth.n - m, m);
            k->r->truth[number] = 0;
        }
        if (!kt_given_read(&k->gold, &items[i]))
            continue;
        KT_PUSH(&k->item, number);
        KT_PUSH(&k->start, k->part.n);
        kt_given_parts(&k->gold, &k->part);
    }
    return 0;
}

static void say_bad(const kt_given *f, kt_str name)
{
    if (f->bad)
        fprintf(stderr, "karat: field %.*s of %llu items holds no answer of this project, so they count as items without one; the first is item %s: %s\n", KT_F(name),
                (unsigned long long)f->bad, f->id, f->said);
}

static kt_rc number_gold(struct known *k, int32_t *ret)
{
    kt_run *r = k->r;
    KT_TRY(kt_store_begin(r->s, r->err));
    kt_rc rc = 0;
    for (size_t i = 0; i < k->item.n && rc == 0; i++)
        rc = kt_answer_number(r->s, &r->p, &(kt_answer_said){ k->part.v + k->start.v[i], k->start.v[i + 1] - k->start.v[i] }, &ret[i], r->err);
    return kt_store_finish(r->s, rc, r->err);
}

static kt_rc read_all(struct known *k)
{
    kt_item_reader *reader;
    kt_run *r = k->r;
    if (!r->c->gold_field.n && !r->c->truth_field.n)
        return 0;
    KT_TRY(kt_item_reader_new(r->s, r->p.id, &reader, r->err));
    kt_rc rc = kt_given_open(&r->p, r->c, r->c->gold_field, r->arena, &k->gold, r->err);
    if (rc == 0)
        rc = kt_given_open(&r->p, r->c, r->c->truth_field, r->arena, &k->truth, r->err);
    if (rc == 0)
        rc = kt_item_scan(reader, 0, r->n, NULL, visit, k, r->err);
    say_bad(&k->gold, r->c->gold_field);
    say_bad(&k->truth, r->c->truth_field);
    kt_given_close(&k->gold);
    kt_given_close(&k->truth);
    kt_item_reader_free(reader);
    return rc;
}

kt_rc kt_parts_known(kt_run *r, uint32_t **ret_item, int32_t **ret_number, size_t *ret_n)
{
    struct known k = { .r = r };
    size_t n = (size_t)r->n + 1;
    r->parts = kt_zalloc(sizeof(*r->parts));
    r->parts->start = kt_zalloc_array(n, sizeof(size_t));
    r->parts->truth_print = kt_zalloc_array(n, sizeof(uint64_t));
    r->parts->said_print = kt_zalloc_array(n, sizeof(uint64_t));
    kt_rc rc = read_all(&k);
    r->parts->start[r->n] = r->parts->truth.n;
    KT_PUSH(&k.start, k.part.n);
    *ret_number = kt_alloc_array(k.item.n + 1, sizeof(**ret_number));
    if (rc == 0 && k.item.n)
        rc = number_gold(&k, *ret_number);
    *ret_item = k.item.v;
    *ret_n = k.item.n;
    KT_VEC_DONE(&k.start);
    KT_VEC_DONE(&k.part);
    return rc;
}

kt_rc kt_parts_item(kt_run *r, uint32_t item, kt_item *ret)
{
    if (!r->parts->reader)
        KT_TRY(kt_item_reader_new(r->s, r->p.id, &r->parts->reader, r->err));
    return kt_item_get(r->parts->reader, item, ret, r->err);
}

void kt_parts_free(kt_run *r)
{
    if (!r->parts)
        return;
    kt_item_reader_free(r->parts->reader);
    KT_VEC_DONE(&r->parts->truth);
    KT_VEC_DONE(&r->parts->print);
    kt_free(r->parts->start);
    kt_free(r->parts->truth_print);
    kt_free(r->parts->said_print);
    kt_free(r->parts->weak);
    kt_free(r->parts->weak_said);
    r->parts = kt_free(r->parts);
}
