/* The flow beside the people. One thread goes from project to project: where nobody is asked for anything, the pipeline goes on
   until it needs people again (the next round of training items, the trusted sample, what the machine may not decide, disputes) or
   has come to its end. It writes through a sibling of the committer's store and computes at low priority, so that the people's
   requests come first. */
#include "server/server_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "stage/pipeline.h"

#include <sys/resource.h>
#include <unistd.h>

#define LOOK_US 500000 /* how often it looks whether the people are through */
#define NICE 10

struct kt_flow {
    kt_server *s;
    kt_store *store;
    kt_pool *pool;
    pthread_t thread;
    atomic_int stop;
    struct job {
        unsigned waiting_for; /* queues; 0: go on */
        int64_t answers;      /* when a round of learning was last looked for */
        bool ended;           /* nothing more to do … */
        bool failed;          /* … because of an error */
    } *job;                   /* one a project */
};

static const char *waits_for(unsigned queues)
{
    if (queues & 1u << KT_QUEUE_TRUSTED)
        return "waits for experts: the trusted sample";
    if (queues & 1u << KT_QUEUE_TRAIN)
        return "waits for annotators: items to learn from";
    return queues & 1u << KT_QUEUE_EXPERT ? "waits for experts: disputes and hard items" : "waits for annotators";
}

static void say(kt_flow *f, kt_served *p, const char *what)
{
    atomic_store(&p->flow, what);
    kt_committer_touch(f->s->writer);
}

static void advance(kt_flow *f, size_t i)
{
    kt_served *p = &f->s->project[i];
    struct job *j = &f->job[i];
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_progress progress = { .stop = &f->stop };
    kt_pipeline_result r;
    kt_err err = { 0 };
    char text[900];
    say(f, p, "computes");
    pthread_mutex_lock(&f->s->computing);
    atomic_store(&p->again, false);
    kt_rc rc = kt_pipeline_continue(f->store, &p->p, KT_UNTIL_END, f->s->o->watch ? KT_RUN_WATCH : 0, f->pool, &progress, &a, &r, &err);
    pthread_mutex_unlock(&f->s->computing);
    kt_served_forget(f->s, p);
    j->ended = rc < 0 || !r.waiting;
    j->failed = rc < 0;
    if (rc < 0 && rc != KT_CANCELLED) {
        kt_err_format(&err, text, sizeof(text));
        kt_log(KT_LOG_ERROR, "flow", "project %.*s: %s", KT_F(p->p.name), text);
        say(f, p, "stopped by an error; the server's log says which");
    } else if (rc == 0 && r.waiting) {
        j->waiting_for = r.waiting_for;
        say(f, p, waits_for(r.waiting_for));
    } else if (rc == 0) {
        kt_log(KT_LOG_NOTE, "flow", "project %.*s is through: %llu final labels, %s", KT_F(p->p.name), (unsigned long long)r.report.n_final, r.report_path);
        say(f, p, "is through; the report is written");
    }
}

#define LOOK_ANSWERS 5 /* so many new ones before it looks again whether a batch is complete */

/* While people are at what was routed to them: the next round of learning, when there are answers enough for one. */
static void learn_on(kt_flow *f, size_t i)
{
    kt_served *p = &f->s->project[i];
    struct job *j = &f->job[i];
    kt_progress progress = { .stop = &f->stop };
    int64_t answers = 0;
    uint64_t moved = 0;
    kt_err err = { 0 };
    char text[900];
    if (!(f->s->o->watch || p->rules.watch) || !(j->waiting_for & (1u << KT_QUEUE_HUMAN | 1u << KT_QUEUE_EXPERT)))
        return;
    if (kt_counter_get(f->store, p->p.id, KT_S("annotations"), &answers, &err) < 0 || answers < j->answers + LOOK_ANSWERS)
        return;
    j->answers = answers;
    pthread_mutex_lock(&f->s->computing);
    kt_rc rc = kt_pipeline_watch(f->store, &p->p, f->pool, &progress, &moved, &err);
    pthread_mutex_unlock(&f->s->computing);
    if (rc == 0) {
        kt_log(KT_LOG_NOTE, "flow", "project %.*s: the model learned from new answers; %llu items taken from the annotators' queue", KT_F(p->p.name),
               (unsigned long long)moved);
        kt_served_forget(f->s, p);
        kt_committer_touch(f->s->writer);
    } else if (rc < 0 && rc != KT_CANCELLED) {
        kt_err_format(&err, text, sizeof(text));
        kt_log(KT_LOG_ERROR, "flow", "project %.*s: learning from new answers: %s", KT_F(p->p.name), text);
    }
}

/* Whether the people have emptied what the project waits for. */
static bool people_are_through(kt_flow *f, size_t i)
{
    int64_t open = 0;
    kt_err err = { 0 };
    return kt_queue_open(f->store, f->s->project[i].p.id, f->job[i].waiting_for, &open, &err) == 0 && open == 0;
}

/* Whether checks have opened approved items again since the flow came to its end. */
static bool opened_again(kt_flow *f, size_t i)
{
    int64_t round = 0, next = 0, project = f->s->project[i].p.id;
    kt_err err = { 0 };
    return !f->job[i].failed && kt_counter_get(f->store, project, KT_S("route.round"), &round, &err) == 0 &&
           kt_counter_get(f->store, project, KT_S("route.next"), &next, &err) == 0 && next > round;
}

static void *flow_thread(void *arg)
{
    kt_flow *f = arg;
    kt_ignore(setpriority(PRIO_PROCESS, (id_t)gettid(), NICE), "then it competes as an equal");
    f->pool = kt_pool_new(0); /* its threads are as nice as this one */
    while (!atomic_load(&f->stop)) {
        for (size_t i = 0; i < f->s->n_projects && !atomic_load(&f->stop); i++)
            if (atomic_load(&f->s->project[i].again) || (f->job[i].ended ? opened_again(f, i) : people_are_through(f, i)))
                advance(f, i);
            else if (!f->job[i].ended)
                learn_on(f, i);
        for (int k = 0; k < 10 && !atomic_load(&f->stop); k++)
            usleep(LOOK_US / 10);
    }
    kt_pool_free(f->pool);
    return NULL;
}

kt_flow *kt_flow_start(kt_server *s, kt_store *store)
{
    kt_flow *f = kt_zalloc(sizeof(*f));
    f->s = s;
    f->store = store;
    f->job = kt_zalloc_array(s->n_projects + 1, sizeof(*f->job));
    KT_ASSERT(pthread_create(&f->thread, NULL, flow_thread, f) == 0);
    return f;
}

kt_flow *kt_flow_stop(kt_flow *f)
{
    if (!f)
        return NULL;
    atomic_store(&f->stop, 1);
    pthread_join(f->thread, NULL);
    kt_store_close(f->store);
    kt_free(f->job);
    return kt_free(f);
}
