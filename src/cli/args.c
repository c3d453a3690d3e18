/* Options from tables: --name VALUE, --name=VALUE, flags, lists by repetition; "--" ends them. */
#include "base/str.h"
#include "cli/cli.h"

#include <stdio.h>

static void print_help(const kt_verb *verb, const kt_opt *opts, size_t n)
{
    printf("karat %s: %s\n\nusage: karat %s %s\n", verb->name, verb->help, verb->name, verb->usage);
    if (n)
        printf("\n");
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", opts[i].name, opts[i].arg ? " " : "", opts[i].arg ? opts[i].arg : "");
        printf("  %-26s %s\n", left, opts[i].help);
    }
    printf("  %-26s %s\n", "--help", "this page");
    if (verb->more)
        printf("\n%s\n", verb->more);
}

static kt_rc unknown(const kt_verb *verb, kt_str name, const kt_opt *opts, size_t n, kt_err *err)
{
    const char *names[64];
    size_t k = KT_MIN(n, KT_LEN(names));
    for (size_t i = 0; i < k; i++)
        names[i] = opts[i].name;
    const char *near = kt_nearest(name, names, k);
    kt_fail(err, KT_USAGE, "karat %s has no option --%.*s", verb->name, KT_F(name));
    if (near)
        kt_hint(err, "did you mean --%s? 'karat %s --help' lists them", near, verb->name);
    else
        kt_hint(err, "'karat %s --help' lists them", verb->name);
    return KT_USAGE;
}

static kt_rc store(kt_cli *cli, const kt_opt *o, kt_str v, kt_err *err)
{
    switch (o->kind) {
    case KT_OPT_FLAG: *(bool *)o->ret = true; return 0;
    case KT_OPT_TEXT: *(kt_str *)o->ret = v; return 0;
    case KT_OPT_INT:
        if (kt_parse_i64(v, INT64_MIN, INT64_MAX, o->ret))
            return 0;
        return kt_fail(err, KT_USAGE, "--%s wants a whole number, not %.*s", o->name, KT_F(v));
    case KT_OPT_FLOAT:
        if (kt_parse_f64(v, o->ret))
            return 0;
        return kt_fail(err, KT_USAGE, "--%s wants a number, not %.*s", o->name, KT_F(v));
    case KT_OPT_LIST: {
        kt_strs *l = o->ret;
        kt_str *grown = kt_arena_array(cli->arena, l->n + 1, sizeof(kt_str));
        for (size_t i = 0; i < l->n; i++)
            grown[i] = l->v[i];
        grown[l->n] = v;
        *l = (kt_strs){ grown, l->n + 1 };
        return 0;
    }
    }
    return 0;
}

/* One option at argv[*i]; steps over its value. */
static kt_rc option(kt_cli *cli, const kt_verb *verb, const kt_opt *opts, size_t n, int *i, kt_err *err)
{
    kt_str arg = kt_str_of(cli->argv[*i] + 2), name = arg, value = { NULL, 0 };
    for (size_t k = 0; k < arg.n; k++)
        if (arg.p[k] == '=') {
            name.n = k;
            value = (kt_str){ arg.p + k + 1, arg.n - k - 1 };
            break;
        }
    const kt_opt *o = NULL;
    for (size_t k = 0; k < n; k++)
        if (kt_str_eq(name, kt_str_of(opts[k].name)))
            o = &opts[k];
    if (!o)
        return unknown(verb, name, opts, n, err);
    if (o->kind == KT_OPT_FLAG && value.p)
        return kt_fail(err, KT_USAGE, "--%s takes no value", o->name);
    if (o->kind != KT_OPT_FLAG && !value.p) {
        if (*i + 1 >= cli->argc)
            return kt_fail(err, KT_USAGE, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
        value = kt_str_of(cli->argv[++*i]);
    }
    return store(cli, o, value, err);
}

kt_rc kt_cli_parse(kt_cli *cli, const kt_verb *verb, const kt_opt *opts, size_t n_opts, int bounds[2], kt_strs *ret_pos,
                   kt_err *err)
{
    kt_str *pos = kt_arena_array(cli->arena, (size_t)cli->argc, sizeof(kt_str));
    size_t n = 0;
    bool only_pos = false;
    for (int i = 0; i < cli->argc; i++) {
        const char *a = cli->argv[i];
        if (only_pos || a[0] != '-' || !a[1]) {
            pos[n++] = kt_str_of(a);
        } else if (kt_str_eq(kt_str_of(a), KT_S("--"))) {
            only_pos = true;
        } else if (kt_str_eq(kt_str_of(a), KT_S("--help")) || kt_str_eq(kt_str_of(a), KT_S("-h"))) {
            print_help(verb, opts, n_opts);
            return KT_DONE;
        } else if (a[1] != '-') {
            return kt_fail(err, KT_USAGE, "karat %s has no option %s; long options start with two dashes", verb->name, a);
        } else {
            KT_TRY(option(cli, verb, opts, n_opts, &i, err));
        }
    }
    if (n < (size_t)bounds[0] || (bounds[1] >= 0 && n > (size_t)bounds[1])) {
        kt_fail(err, KT_USAGE, n < (size_t)bounds[0] ? "karat %s needs more arguments" : "karat %s: too many arguments", verb->name);
        return kt_hint(err, "usage: karat %s %s", verb->name, verb->usage), KT_USAGE;
    }
    if (ret_pos)
        *ret_pos = (kt_strs){ pos, n };
    return 0;
}
