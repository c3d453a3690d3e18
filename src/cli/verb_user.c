/* karat user add|grant|password|list DIR */
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "store/audit.h"
#include "store/project.h"
#include "store/user.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

struct asked {
    kt_cli *cli;
    kt_str what, dir, name, role, project, password_file;
    kt_role grant;
    char hash[128];
};

/* One line from the terminal, not shown. */
static kt_rc type_password(const char *prompt, kt_buf *ret, kt_err *err)
{
    struct termios old, quiet;
    char line[1100];
    if (tcgetattr(STDIN_FILENO, &old)) {
        kt_fail(err, KT_USAGE, "there is no terminal to type a password on");
        return kt_hint(err, "give it with --password-file FILE, or - for standard input"), KT_USAGE;
    }
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    bool got = fgets(line, sizeof(line), stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fputc('\n', stderr);
    if (got)
        kt_buf_puts(ret, line);
    explicit_bzero(line, sizeof(line));
    return got ? 0 : kt_fail(err, KT_USAGE, "no password was typed");
}

static kt_rc read_password(struct asked *q, kt_err *err)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT(1100);
    if (q->password_file.n)
        KT_TRY(kt_file_read(kt_arena_cstr(q->cli->arena, q->password_file), &b, err));
    else
        KT_TRY(type_password("password (8 characters at least): ", &b, err));
    kt_str p = KT_BUF_STR(&b);
    while (p.n && (p.p[p.n - 1] == '\n' || p.p[p.n - 1] == '\r'))
        p.n--;
    if (!p.n)
        return kt_fail(err, KT_RANGE, "the password is empty");
    return kt_password_hash(p, q->hash, err);
}

static kt_rc project_of(struct asked *q, kt_store *s, int64_t *ret, kt_err *err)
{
    kt_project p;
    *ret = 0;
    if (q->grant == KT_ROLE_ADMIN)
        return 0; /* of the whole workspace */
    KT_TRY(kt_project_get(s, q->project, q->cli->arena, &p, err));
    *ret = p.id;
    return 0;
}

static kt_rc change(struct asked *q, kt_store *s, kt_err *err)
{
    int64_t id, project;
    if (kt_str_eq(q->what, KT_S("add")))
        KT_TRY(kt_user_add(s, 0, q->name, kt_str_of(q->hash), false, &id, err));
    else
        KT_TRY(kt_user_find(s, q->name, &id, err));
    if (kt_str_eq(q->what, KT_S("password")))
        KT_TRY(kt_user_set_hash(s, 0, id, kt_str_of(q->hash), err));
    if (q->role.n) {
        KT_TRY(project_of(q, s, &project, err));
        KT_TRY(kt_user_grant(s, 0, id, project, q->grant, err));
    }
    return kt_audit_sign(s, err);
}

static kt_rc write_change(struct asked *q, kt_err *err)
{
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(q->cli->arena, q->dir), KT_STORE_WRITE, &s, err));
    kt_rc rc = kt_store_begin(s, err);
    if (rc == 0)
        rc = kt_store_finish(s, change(q, s, err), err);
    kt_store_close(s);
    if (rc == 0)
        printf("%.*s%s%.*s\n", KT_F(q->name), q->role.n ? " is now " : ": done", KT_F(q->role));
    return rc;
}

static kt_rc list(struct asked *q, kt_err *err)
{
    kt_store *s;
    kt_project *p;
    kt_user *u;
    size_t n, n_users;
    KT_TRY(kt_store_open(kt_arena_cstr(q->cli->arena, q->dir), KT_STORE_READ, &s, err));
    kt_rc rc = kt_project_list(s, q->cli->arena, &p, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if ((rc = kt_user_list(s, p[i].id, q->cli->arena, &u, &n_users, err)) < 0)
            break;
        printf("project %.*s\n", KT_F(p[i].name));
        for (size_t k = 0; k < n_users; k++)
            if (u[k].role != KT_ROLE_NONE)
                printf("  %-30.*s %s%s\n", KT_F(u[k].name), kt_role_name(u[k].role), u[k].simulated ? " (simulated)" : "");
    }
    kt_store_close(s);
    return rc;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    struct asked q = { .cli = cli };
    const kt_opt opts[] = {
        { "role", KT_OPT_TEXT, "ROLE", "admin (of the workspace), manager, expert, annotator, viewer, none", &q.role },
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &q.project },
        { "password-file", KT_OPT_TEXT, "FILE", "its first line; - is standard input (else it is asked for)", &q.password_file },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_user, opts, KT_LEN(opts), (int[]){ 2, 3 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    q.what = pos.v[0];
    q.dir = pos.v[1];
    if (kt_str_eq(q.what, KT_S("list")))
        return list(&q, err);
    bool add = kt_str_eq(q.what, KT_S("add")), password = kt_str_eq(q.what, KT_S("password"));
    if (!add && !password && !kt_str_eq(q.what, KT_S("grant")))
        return kt_fail(err, KT_USAGE, "karat user knows add, grant, password and list, not %.*s", KT_F(q.what));
    if (pos.n < 3)
        return kt_fail(err, KT_USAGE, "karat user %.*s wants a user's name after the folder", KT_F(q.what));
    q.name = pos.v[2];
    if (q.role.n && !kt_role_parse(q.role, &q.grant))
        return kt_fail(err, KT_USAGE, "there is no role %.*s; there are admin, manager, expert, annotator, viewer and none", KT_F(q.role));
    if (!add && !password && !q.role.n)
        return kt_fail(err, KT_USAGE, "karat user grant wants --role");
    if (add || password)
        KT_TRY(read_password(&q, err));
    return write_change(&q, err);
}

const kt_verb kt_verb_user = {
    .name = "user", .help = "people and what they may do", .usage = "add|grant|password DIR NAME [--role ROLE]  |  list DIR",
    .more = "add       a user, with a role in a project (or admin of the workspace)\n"
            "grant     another role\n"
            "password  a new password; ends the user's sessions\n"
            "list      who may do what\n\n"
            "  karat user add shop ada --role admin\n  karat user add shop ben --role annotator --password-file ben.txt",
    .run = run,
};
