/* karat: finds the verb, catches Ctrl-C, turns the error into a message and an exit code. */
#include "base/str.h"
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

const kt_verb *const kt_verbs[] = {
#define KT_VERB(name) &kt_verb_##name,
#include "cli/verbs.def"
#undef KT_VERB
    NULL,
};

static atomic_int stop_asked;

static void on_signal(int sig)
{
    (void)sig;
    if (atomic_exchange(&stop_asked, 1))
        _exit(4); /* asked twice: nothing committed is lost by leaving at once */
}

static void catch_signals(void)
{
    struct sigaction sa = { .sa_handler = on_signal };
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void print_usage(FILE *f)
{
    fprintf(f, "karat: raw data in, training-ready labels out, every label provable\n\nusage: karat VERB …\n\n");
    for (const kt_verb *const *v = kt_verbs; *v; v++)
        fprintf(f, "  %-11s %s\n", (*v)->name, (*v)->help);
    fprintf(f, "\n'karat VERB --help' tells more; exit codes: 0 done, 1 the answer is no, 2 usage, 3 bad input, 4 environment\n");
}

static const kt_verb *find_verb(kt_str name, kt_err *err)
{
    const char *names[64];
    size_t n = 0;
    for (const kt_verb *const *v = kt_verbs; *v; v++) {
        if (kt_str_eq(name, kt_str_of((*v)->name)))
            return *v;
        if (n < KT_LEN(names))
            names[n++] = (*v)->name;
    }
    const char *near = kt_nearest(name, names, n);
    kt_fail(err, KT_USAGE, "there is no verb %.*s", KT_F(name));
    if (near)
        kt_hint(err, "did you mean 'karat %s'? 'karat --help' lists all", near);
    else
        kt_hint(err, "'karat --help' lists all");
    return NULL;
}

static int report(const kt_err *err)
{
    char text[900];
    kt_err_format(err, text, sizeof(text));
    fprintf(stderr, "karat: %s\n", text);
    return kt_rc_exit(err->rc);
}

int main(int argc, char **argv)
{
    kt_str first = kt_str_of(argc > 1 ? argv[1] : "");
    if (argc < 2 || kt_str_eq(first, KT_S("--help")) || kt_str_eq(first, KT_S("-h")) || kt_str_eq(first, KT_S("help"))) {
        print_usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? kt_rc_exit(KT_USAGE) : 0;
    }
    if (kt_str_eq(first, KT_S("--version"))) {
        printf("karat %s\n", KT_VERSION);
        return 0;
    }
    kt_err err = { 0 };
    const kt_verb *verb = find_verb(first, &err);
    if (!verb)
        return report(&err);
    catch_signals();
    KT_AUTO(kt_arena) arena = KT_ARENA_INIT;
    kt_progress progress = { .show = kt_progress_stderr, .stop = &stop_asked };
    kt_cli cli = { .argc = argc - 2, .argv = argv + 2, .arena = &arena, .progress = &progress };
    cli.pool = kt_pool_new(0);
    kt_rc rc = verb->run(&cli, &err);
    kt_pool_free(cli.pool);
    if (rc >= 0 && (fflush(stdout) || ferror(stdout)) && errno != EPIPE) /* a reader that had enough, like head, is no error */
        rc = kt_fail_errno(&err, "cannot write the result");
    return rc < 0 ? report(&err) : 0;
}
