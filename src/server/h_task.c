/* The work itself: reserve, answer, take back. The writer reserves and stores; texts, pre-labels and votes are read after the
   commit, on the thread that answers. */
#include "server/server_int.h"

#include "base/str.h"

#include <math.h>

struct work {
    kt_lease lease[3]; /* one more than is ever wanted: an undone one in front */
    size_t n;
    int32_t previous;  /* of lease[0], after an undo; -1: none */
    unsigned queues;
    kt_list *tasks;
    int64_t *answered, *open;
    int64_t id;        /* of the answer that was submitted … */
    uint32_t item;     /* … its item … */
    kt_list *evidence; /* … and where to put what spoke against the label it had; NULL: it was none, or a skip */
};

static kt_rc desk(kt_req *rq, kt_str name, unsigned *ret)
{
    *ret = kt_review_queues(rq->user.role, kt_str_eq(name, KT_S("expert")));
    if (*ret)
        return 0;
    return kt_fail(&rq->err, KT_DENIED, "the role %s does not work at the %.*s's desk", kt_role_name(rq->user.role), KT_F(name));
}

/* An expert decides a dispute on the votes; trusted items and checks are answered blind, or the error bound would rest on a hint, and so is a label
   that a model called into question, which would otherwise be told to be wrong: it looks like any other item. */
static kt_rc fill_task(kt_req *rq, const kt_lease *l, kt_task_row *ret)
{
    kt_item it;
    kt_answer_form said;
    kt_queue shown = l->queue == KT_QUEUE_RELABEL ? KT_QUEUE_HUMAN : l->queue;
    KT_TRY(kt_req_item(rq, l->item, &it));
    kt_served_note_chars(rq, l->item, it.text);
    *ret = (kt_task_row){ .token = l->token, .item = l->item, .id = it.ext_id, .text = it.text, .queue = kt_str_of(kt_queue_name(shown)),
                          .deadline = kt_req_time(rq, l->deadline_us), .pre_score = NAN };
    if (it.group.n)
        ret->group = it.group;
    if (l->queue != KT_QUEUE_TRUSTED && l->queue != KT_QUEUE_AUDIT && l->queue != KT_QUEUE_RELABEL) {
        KT_TRY(kt_req_machine(rq, l->item, &said, &ret->pre_score));
        ret->pre_label = said.label;
        ret->pre_labels = said.labels;
        ret->pre_spans = said.spans;
    }
    if (l->queue != KT_QUEUE_EXPERT)
        return 0;
    KT_TRY(kt_req_evidence(rq, l->item, &ret->evidence));
    return kt_req_votes(rq, l->item, &ret->votes);
}

/* What a model thought of the label an annotator was asked about again: now that they have answered. */
static kt_rc fill_evidence(kt_req *rq, const struct work *w)
{
    kt_queue q;
    if (!w->evidence)
        return 0;
    KT_TRY(kt_annotation_queue(rq->store, w->id, &q, &rq->err));
    return q == KT_QUEUE_RELABEL ? kt_req_evidence(rq, w->item, w->evidence) : 0;
}

static kt_rc fill_work(kt_req *rq)
{
    struct work *w = rq->in; /* the body has been read; its place holds the work now */
    *w->tasks = kt_req_list(rq, w->n, sizeof(kt_task_row));
    kt_task_row *row = w->tasks->v;
    for (size_t i = 0; i < w->n; i++)
        KT_TRY(fill_task(rq, &w->lease[i], &row[i]));
    if (w->n && w->previous >= 0) {
        kt_answer_form said;
        KT_TRY(kt_req_said(rq, w->previous, &said));
        row[0].previous = said.label;
        row[0].previous_labels = said.labels;
        row[0].previous_spans = said.spans;
    }
    KT_TRY(fill_evidence(rq, w));
    KT_TRY(kt_person_answers(rq->store, rq->p->id, rq->user.id, w->answered, &rq->err));
    *w->open = 0;
    for (int q = 0; q < KT_QUEUE__COUNT; q++) {
        int64_t items, slots = 0;
        if (w->queues & 1u << q)
            KT_TRY(kt_queue_size(rq->store, rq->p->id, (kt_queue)q, &items, &slots, &rq->err));
        *w->open += slots;
    }
    return 0;
}

/* Leases up to want items and leaves the rest for fill_work. */
static kt_rc reserve(kt_req *rq, struct work *w, int64_t want)
{
    if (want > 0) {
        size_t n;
        KT_TRY(kt_review_next(rq->store, rq->p, rq->user.id, w->queues, kt_req_rules(rq), (size_t)want, w->lease + w->n, &n, &rq->err));
        w->n += n;
    }
    rq->in = w;
    rq->after = fill_work;
    return 0;
}

static struct work *work_new(kt_req *rq, kt_list *tasks, int64_t *answered, int64_t *open)
{
    struct work *w = kt_arena_zalloc(&rq->arena, sizeof(*w));
    *w = (struct work){ .previous = -1, .tasks = tasks, .answered = answered, .open = open };
    return w;
}

kt_rc h_task_next(kt_req *rq, const kt_task_request *in, kt_tasks *ret)
{
    struct work *w = work_new(rq, &ret->tasks, &ret->answered, &ret->open);
    KT_TRY(desk(rq, in->desk, &w->queues));
    return reserve(rq, w, KT_MAX(in->want, (int64_t)1));
}

kt_rc h_answer_submit(kt_req *rq, const kt_answer *in, kt_answered *ret)
{
    struct work *w = work_new(rq, &ret->tasks, &ret->answered, &ret->open);
    kt_submit s = { .token = in->token, .item = (uint32_t)in->item, .flagged = in->flagged, .comment = in->comment,
                    .client_id = in->client_id };
    kt_submitted done;
    KT_TRY(desk(rq, in->desk, &w->queues));
    KT_TRY(kt_req_answer_number(rq, in, &s.label));
    KT_TRY(kt_review_submit(rq->store, rq->p, &rq->user, &s, &done, &rq->err));
    ret->id = w->id = done.id;
    w->item = s.item;
    w->evidence = s.label >= 0 ? &ret->evidence : NULL;
    ret->complete = done.complete;
    ret->repeated = done.repeated;
    return reserve(rq, w, in->want);
}

kt_rc h_answer_undo(kt_req *rq, const kt_task_request *in, kt_tasks *ret)
{
    struct work *w = work_new(rq, &ret->tasks, &ret->answered, &ret->open);
    KT_TRY(desk(rq, in->desk, &w->queues));
    kt_rc rc = kt_review_undo(rq->store, rq->p, rq->user.id, kt_req_rules(rq), &w->lease[0], &w->previous, &rq->err);
    KT_TRY(rc);
    if (rc == KT_DONE)
        return kt_fail(&rq->err, KT_NOTFOUND, "you have no answer to take back");
    w->n = 1;
    return reserve(rq, w, 0);
}
