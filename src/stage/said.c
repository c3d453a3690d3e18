/* People's answers as the merges of all tasks see them. */
#include "stage/task.h"

#include "base/mem.h"

const kt_task_ops *kt_task_of(const kt_run *r)
{
    static const kt_task_ops *const ops[] = { [KT_TASK_CLASSES] = &kt_task_classes, [KT_TASK_LABEL_SETS] = &kt_task_sets, [KT_TASK_SPANS] = &kt_task_spans };
    _Static_assert(KT_LEN(ops) == KT_TASK__COUNT, "one row per task");
    return ops[r->p.task];
}

/* The answers that are wanted, in order; of a person's on one item the later counts. */
static size_t choose(kt_run *r, const kt_annotations *a, kt_wanted_fn *wanted, kt_said *ret, size_t *which)
{
    uint32_t *dense = kt_zalloc_array((size_t)r->n + 1, sizeof(*dense));
    size_t *last = kt_alloc_array(a->n + 1, sizeof(*last)), *before = kt_alloc_array(a->n + 1, sizeof(*before)), n = 0;
    for (size_t i = 0; i < a->n; i++) {
        size_t same = SIZE_MAX;
        if (!wanted(r, a, i))
            continue;
        if (!dense[a->item[i]]) {
            ret->number[ret->n_items] = a->item[i];
            dense[a->item[i]] = ++ret->n_items;
            last[ret->n_items - 1] = SIZE_MAX;
        }
        uint32_t item = dense[a->item[i]] - 1;
        for (size_t k = last[item]; k != SIZE_MAX && same == SIZE_MAX; k = before[k])
            same = ret->source[k] == (uint32_t)a->user[i] ? k : SIZE_MAX;
        if (same == SIZE_MAX) {
            before[n] = last[item];
            last[item] = same = n;
            ret->item[n] = item;
            ret->source[n++] = (uint32_t)a->user[i];
        }
        which[same] = i;
        ret->n_sources = KT_MAX(ret->n_sources, (uint32_t)a->user[i] + 1);
    }
    kt_free(dense);
    kt_free(last);
    kt_free(before);
    return n;
}

kt_rc kt_said_gather(kt_run *r, const kt_annotations *a, kt_wanted_fn *wanted, kt_arena *arena, kt_said *ret)
{
    size_t *start, n_known, at = 0;
    kt_answer_part *part;
    KT_TRY(kt_answers_load(r->s, &r->p, arena, &start, &part, &n_known, r->err));
    kt_said v = { .item = kt_arena_array(arena, a->n + 1, 4), .source = kt_arena_array(arena, a->n + 1, 4), .start = kt_arena_array(arena, a->n + 1, sizeof(size_t)),
                  .number = kt_arena_array(arena, a->n + 1, 4) };
    size_t *which = kt_arena_array(arena, a->n + 1, sizeof(*which));
    v.n = choose(r, a, wanted, &v, which);
    for (size_t i = 0; i < v.n; i++) {
        size_t number = (size_t)a->label[which[i]];
        v.start[i] = at;
        at += r->parts ? start[number + 1] - start[number] : 1;
    }
    v.start[v.n] = at;
    v.part = kt_arena_array(arena, at + 1, sizeof(*v.part));
    for (size_t i = 0; i < v.n; i++) {
        size_t number = (size_t)a->label[which[i]], n = v.start[i + 1] - v.start[i];
        if (!r->parts)
            v.part[v.start[i]].label = (int32_t)number;
        else if (n)
            memcpy(v.part + v.start[i], part + start[number], n * sizeof(*part));
    }
    *ret = v;
    return 0;
}
