/* Functions in any language: a child process, kept alive, spoken to in lines of JSON.

     once        {"functions":["f","g"],"labels":["spam","ham"]}
     then, often {"items":[{"n":0,"id":"a1","text":"…","meta":{…}},{"n":1,…}]}
     answers     {"n":0,"votes":{"f":"spam","g":null}}            one line an item, in any order
                 {"n":1,"votes":{…},"errors":{"g":"what broke"}}  errors: this function, this item
                 {"ready":true}                                   may come first, after slow imports

   n counts up over the life of a process, so an answer given twice or late cannot pass for another item's. A process that ends, says
   nothing for `timeout`, sends what is no answer, or answers what was not asked is killed with its whole group; the first item it
   owed an answer loses its votes, the others go to a new process. After MAX_DEATHS of them the command's functions are off.
   Memory is bounded by RLIMIT_AS; one command's processes are as many as threads that ask at once. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "provider/functions_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DEATHS 10
#define MAX_ANSWER ((size_t)1 << 20)
#define MAX_BATCH ((size_t)1 << 29)
#define START_US 5000000 /* what a new process may take beyond its timeout before it says anything */
#define LAST_WORDS 400

typedef struct kt_child {
    pid_t pid;
    int in, out, err;
    uint64_t next;          /* n of the next item */
    bool spoke;
    kt_buf said;            /* of out, not yet a line */
    char last[LAST_WORDS];  /* end of err */
    size_t n_last;
} kt_child;

struct batch {
    kt_functions_scratch *s;
    kt_command *c;
    const kt_item *items;
    size_t n;
    int16_t *vote;
    bool *done;             /* n */
    size_t left;
    uint64_t first;         /* n of items[0] */
    char why[160];          /* it failed because of this */
};

/* ---- processes ---- */

/* Runs in the child; async-signal-safe calls only. */
_Noreturn static void become(const kt_command *c, int in, int out, int err, int status)
{
    struct rlimit memory = { (rlim_t)c->memory_mb << 20, (rlim_t)c->memory_mb << 20 }, none = { 0, 0 };
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_CORE, &none);
    if (chdir(c->dir) == 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0)
        execvp(c->argv[0], c->argv);
    int code = errno;
    kt_ignore(write(status, &code, sizeof(code)), "the parent sees the end of the pipe instead");
    _exit(127);
}

static void close_all(const int *fd, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fd[i] >= 0)
            close(fd[i]);
}

/* NULL: why says what is wrong. */
static kt_child *child_start(const kt_command *c, char *why, size_t size)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, status[2] = { -1, -1 }, code = 0;
    pid_t pid = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 &&
        pipe2(status, O_CLOEXEC) == 0)
        pid = fork();
    if (pid == 0)
        become(c, in[1], out[1], err[1], status[1]);
    const int theirs[] = { in[1], out[1], err[1], status[1] }, ours[] = { in[0], out[0], err[0] };
    if (pid < 0)
        code = errno;
    close_all(theirs, KT_LEN(theirs));
    if (pid > 0 && read(status[0], &code, sizeof(code)) == sizeof(code)) {
        waitpid(pid, NULL, 0);
        pid = -1;
    }
    close_all(&status[0], 1);
    if (pid < 0) {
        close_all(ours, KT_LEN(ours));
        snprintf(why, size, "%.60s does not start: %.60s", c->argv[0], strerror(code));
        return NULL;
    }
    for (size_t i = 0; i < KT_LEN(ours); i++)
        fcntl(ours[i], F_SETFL, O_NONBLOCK);
    kt_child *ch = kt_zalloc(sizeof(*ch));
    *ch = (kt_child){ .pid = pid, .in = in[0], .out = out[0], .err = err[0], .said = KT_BUF_INIT(2 * MAX_ANSWER) };
    return ch;
}

/* Ends the process, its children too; *ret_status (may be NULL) as waitpid gives it. */
static void child_end(kt_child *ch, bool gently, int *ret_status)
{
    int status = 0;
    pid_t got = 0;
    close(ch->in);
    for (int i = 0; gently && i < 50 && (got = waitpid(ch->pid, &status, WNOHANG)) == 0; i++)
        usleep(10000);
    kill(-ch->pid, SIGKILL);
    if (got == 0)
        waitpid(ch->pid, &status, 0);
    if (ret_status)
        *ret_status = status;
    close(ch->out);
    if (ch->err >= 0)
        close(ch->err);
    kt_buf_done(&ch->said);
    kt_free(ch);
}

void kt_command_done(kt_command *c)
{
    for (size_t i = 0; i < c->idle.n; i++)
        child_end(c->idle.v[i], true, NULL);
    KT_VEC_DONE(&c->idle);
    KT_VEC_DONE(&c->rules);
    pthread_mutex_destroy(&c->lock);
}

static kt_child *take_idle(kt_command *c)
{
    pthread_mutex_lock(&c->lock);
    kt_child *ch = c->idle.n ? c->idle.v[--c->idle.n] : NULL;
    pthread_mutex_unlock(&c->lock);
    return ch;
}

static void give_back(kt_command *c, kt_child *ch)
{
    pthread_mutex_lock(&c->lock);
    KT_PUSH(&c->idle, ch);
    pthread_mutex_unlock(&c->lock);
}

/* ---- what is said ---- */

static void put_hello(const kt_functions *f, const kt_command *c, kt_buf *b)
{
    kt_buf_puts(b, "{\"functions\":[");
    for (size_t k = 0; k < c->rules.n; k++) {
        kt_buf_puts(b, k ? "," : "");
        kt_buf_json(b, f->rule[c->rules.v[k]].in_command);
    }
    kt_buf_puts(b, "],\"labels\":[");
    for (uint32_t k = 0; k < f->o.n_labels; k++) {
        kt_buf_puts(b, k ? "," : "");
        kt_buf_json(b, f->o.labels[k]);
    }
    kt_buf_puts(b, "]}\n");
}

static void put_items(const struct batch *x, kt_buf *b)
{
    const char *before = "{\"items\":[";
    for (size_t i = 0; i < x->n; i++) {
        if (x->done[i])
            continue;
        const kt_item *it = &x->items[i];
        kt_buf_printf(b, "%s{\"n\":%llu,\"id\":", before, (unsigned long long)(x->first + i));
        kt_buf_json(b, it->ext_id);
        kt_buf_puts(b, ",\"text\":");
        kt_buf_json(b, it->text);
        kt_buf_puts(b, ",\"meta\":");
        kt_buf_str(b, it->meta.n ? it->meta : KT_S("{}"));
        kt_buf_char(b, '}');
        before = ",";
    }
    kt_buf_puts(b, "]}\n");
}

static const uint32_t *rule_named(const struct batch *x, kt_str name)
{
    for (size_t k = 0; k < x->c->rules.n; k++)
        if (kt_str_eq(x->s->f->rule[x->c->rules.v[k]].in_command, name))
            return &x->c->rules.v[k];
    return NULL;
}

struct answer {
    uint64_t n;
    bool numbered, ready;
    kt_str votes, errors; /* JSON objects */
};

/* {"f": "label" or null, …}: votes, or errors, of one item. false: no such object, or of a function that was not asked. */
static bool take_texts(struct batch *x, kt_str object, size_t item, bool errors, kt_arena *a)
{
    kt_json j = { .s = object };
    bool first = true;
    kt_str name, value;
    if (!kt_json_enter(&j, '{'))
        return false;
    while (kt_json_field(&j, &first, a, &name)) {
        const uint32_t *rule = rule_named(x, name);
        bool none = kt_json_peek(&j) == KT_JSON_NULL;
        if (x->s->marks && rule && !none && !errors) {
            if (!kt_json_skip(&j, &value))
                return false;
            if (x->s->f->rule[*rule].wanted && !kt_function_take_marks(x->s, *rule, (uint32_t)item, &x->items[item], value))
                return false;
            continue;
        }
        if (!rule || !(none ? kt_json_skip(&j, NULL) : kt_json_string(&j, a, &value)))
            return false;
        if (none || !x->s->f->rule[*rule].wanted)
            continue;
        int32_t label = errors ? -1 : kt_function_label_of(x->s->f, value);
        if (label >= 0)
            x->vote[item * x->s->f->n + *rule] = (int16_t)label;
        else
            kt_function_fault_note(x->s, *rule, &x->items[item], errors ? "%.*s" : "said '%.*s', which is no label of the project",
                                   (int)KT_MIN(value.n, 100), value.p);
    }
    return !j.wrong;
}

static bool parse_answer(kt_str line, struct answer *ret, kt_arena *a)
{
    kt_json j = { .s = line };
    bool first = true;
    kt_str name, raw;
    double n;
    *ret = (struct answer){ 0 };
    if (!kt_json_enter(&j, '{'))
        return false;
    while (kt_json_field(&j, &first, a, &name)) {
        if (kt_str_eq(name, KT_S("n"))) {
            if (!kt_json_number(&j, &n) || n < 0 || n > 9e15)
                return false;
            ret->n = (uint64_t)n;
            ret->numbered = (double)ret->n == n;
        } else if (!kt_json_skip(&j, &raw)) {
            return false;
        } else if (kt_str_eq(name, KT_S("votes"))) {
            ret->votes = raw;
        } else if (kt_str_eq(name, KT_S("errors"))) {
            ret->errors = raw;
        } else if (kt_str_eq(name, KT_S("ready"))) {
            ret->ready = true;
        }
    }
    return !j.wrong && kt_json_end(&j) && ((ret->numbered && ret->votes.p) || (ret->ready && !ret->votes.p));
}

/* false: the process is not to be trusted any more; why says so. */
static bool take_line(struct batch *x, kt_str line)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    struct answer w;
    if (!parse_answer(line, &w, &a))
        return snprintf(x->why, sizeof(x->why), "sent what is no answer: %.*s", (int)KT_MIN(line.n, 80), line.p), false;
    if (!w.votes.p)
        return true;
    if (w.n < x->first || w.n >= x->first + x->n || x->done[w.n - x->first])
        return snprintf(x->why, sizeof(x->why), "answered number %llu, which it does not owe", (unsigned long long)w.n), false;
    size_t item = (size_t)(w.n - x->first);
    if (!take_texts(x, w.votes, item, false, &a) || (w.errors.p && !take_texts(x, w.errors, item, true, &a)))
        return snprintf(x->why, sizeof(x->why), "sent what are no votes of its functions: %.*s", (int)KT_MIN(line.n, 80), line.p), false;
    x->done[item] = true;
    x->left--;
    return true;
}

/* ---- one batch through one process ---- */

/* 1 went on, 0 nothing there, -1 ended or not to be trusted. */
static int read_out(struct batch *x, kt_child *ch)
{
    char chunk[65536];
    ssize_t n = read(ch->out, chunk, sizeof(chunk));
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        return -1;
    ch->spoke = true;
    size_t from = 0, left = x->left;
    kt_buf_add(&ch->said, chunk, (size_t)n);
    for (size_t i = ch->said.n - (size_t)n; i < ch->said.n; i++) {
        if (ch->said.p[i] != '\n')
            continue;
        if (i > from && !take_line(x, (kt_str){ ch->said.p + from, i - from }))
            return -1;
        from = i + 1;
    }
    memmove(ch->said.p, ch->said.p + from, ch->said.n - from);
    ch->said.n -= from;
    if (ch->said.n > MAX_ANSWER)
        return snprintf(x->why, sizeof(x->why), "sent more than 1 MB without an end of line"), -1;
    return x->left < left;
}

static void read_err(kt_child *ch)
{
    char chunk[4096];
    ssize_t n = ch->err >= 0 ? read(ch->err, chunk, sizeof(chunk)) : -1;
    if (n == 0) { /* closed: nothing to wait for any more */
        close(ch->err);
        ch->err = -1;
    }
    if (n <= 0)
        return;
    size_t take = KT_MIN((size_t)n, sizeof(ch->last)), keep = KT_MIN(ch->n_last, sizeof(ch->last) - take);
    memmove(ch->last, ch->last + ch->n_last - keep, keep);
    memcpy(ch->last + keep, chunk + (size_t)n - take, take);
    ch->n_last = keep + take;
}

static int64_t deadline(const struct batch *x, const kt_child *ch)
{
    return kt_mono_us() + x->c->timeout_us + (ch->spoke ? 0 : START_US);
}

static bool talk(struct batch *x, kt_child *ch, kt_str request)
{
    int64_t until = deadline(x, ch);
    while (x->left) {
        int64_t now = kt_mono_us();
        if (now >= until)
            return snprintf(x->why, sizeof(x->why), "gave no answer for %.3g s", (double)x->c->timeout_us / 1e6), false;
        struct pollfd fd[] = { { ch->out, POLLIN, 0 }, { ch->err, POLLIN, 0 }, { request.n ? ch->in : -1, POLLOUT, 0 } };
        if (poll(fd, KT_LEN(fd), (int)KT_MIN((until - now) / 1000 + 1, 1000)) < 0 && errno != EINTR)
            return false;
        if (fd[2].revents) {
            ssize_t n = send(ch->in, request.p, request.n, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                request.n = 0; /* it does not listen any more; what it said before still counts */
            else if (n > 0)
                request = (kt_str){ request.p + n, request.n - (size_t)n };
        }
        if (fd[1].revents)
            read_err(ch);
        bool spoke = ch->spoke;
        int went = fd[0].revents ? read_out(x, ch) : 0;
        if (went < 0)
            return false;
        if (went > 0 || ch->spoke != spoke)
            until = deadline(x, ch);
    }
    return true;
}

/* The last line of what it wrote to stderr. */
static kt_str last_words(const kt_child *ch)
{
    kt_str s = kt_str_trim((kt_str){ ch->last, ch->n_last });
    for (size_t i = s.n; i-- > 0;)
        if (s.p[i] == '\n')
            return (kt_str){ s.p + i + 1, s.n - i - 1 };
    return s;
}

static void say_end(struct batch *x, kt_child *ch)
{
    int status;
    for (int i = 0; i < 16; i++)
        read_err(ch); /* what it wrote while it fell */
    kt_str words = last_words(ch);
    char said[80];
    snprintf(said, sizeof(said), "%s%.*s", words.n ? ": " : "", (int)KT_MIN(words.n, 70), words.p);
    bool own = x->why[0] != 0;
    if (!own)
        usleep(20000); /* its end may be a moment behind the end of its output */
    child_end(ch, !own, &status);
    if (own)
        return;
    if (WIFSIGNALED(status))
        snprintf(x->why, sizeof(x->why), "its process was ended by signal %d%s", WTERMSIG(status), said);
    else
        snprintf(x->why, sizeof(x->why), "its process ended with code %d%s", WEXITSTATUS(status), said);
}

/* A new or idle process gets what is left of the batch. */
static bool try_batch(struct batch *x)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(MAX_BATCH);
    kt_child *ch = take_idle(x->c);
    x->why[0] = 0;
    if (!ch) {
        ch = child_start(x->c, x->why, sizeof(x->why));
        if (!ch)
            return false;
        put_hello(x->s->f, x->c, &b);
    }
    x->first = ch->next;
    ch->next += x->n;
    put_items(x, &b);
    if (b.failed)
        snprintf(x->why, sizeof(x->why), "its items are too large to send");
    if (!b.failed && talk(x, ch, KT_BUF_STR(&b))) {
        give_back(x->c, ch);
        return true;
    }
    say_end(x, ch);
    return false;
}

/* The first item still owed an answer is blamed; all of them when the command is off. */
static void blame(struct batch *x, bool all)
{
    const kt_functions *f = x->s->f;
    bool one = false;
    for (size_t i = 0; i < x->n && (all || !one); i++) {
        if (x->done[i])
            continue;
        for (size_t k = 0; k < x->c->rules.n; k++)
            if (f->rule[x->c->rules.v[k]].wanted)
                kt_function_fault_note(x->s, x->c->rules.v[k], &x->items[i], "%s", x->why);
        x->done[i] = one = true;
        x->left--;
    }
}

static bool is_off(const struct batch *x)
{
    return atomic_load(&x->c->deaths) >= MAX_DEATHS;
}

void kt_command_apply(kt_functions_scratch *s, kt_command *c, const kt_item *items, size_t n, int16_t *vote)
{
    struct batch x = { .s = s, .c = c, .items = items, .n = n, .vote = vote, .left = n };
    bool wanted = false;
    for (size_t k = 0; k < c->rules.n; k++) {
        uint32_t rule = c->rules.v[k];
        for (size_t i = 0; vote && s->f->rule[rule].wanted && i < n; i++)
            vote[i * s->f->n + rule] = KT_ABSTAIN;
        wanted |= s->f->rule[rule].wanted;
    }
    if (!wanted || n == 0 || is_off(&x))
        return;
    x.done = kt_zalloc_array(n, sizeof(*x.done));
    while (x.left && !is_off(&x))
        if (!try_batch(&x)) {
            if (atomic_fetch_add(&c->deaths, 1) + 1 >= MAX_DEATHS)
                for (size_t k = 0; k < c->rules.n; k++)
                    kt_function_limit(s->f, c->rules.v[k], 0);
            blame(&x, is_off(&x));
        }
    kt_free(x.done);
}
