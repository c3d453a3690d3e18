/* Kept counts. Inside a transaction additions are gathered and meet the table once, at the commit: a batch of thousands of
   answers adds to the same dozen counts with every one of them. What the table says is read once, too: a transaction that
   writes is alone. */
#include "store/store_int.h"

#include <string.h>

/* The gathered count of a name, a new one when it has none; NULL when there is no room, or no transaction. */
static struct kt_count *count_of(kt_store *s, int64_t project, kt_str name)
{
    struct kt_count *c = s->counts.row;
    size_t n = kt_db_in_transaction(s->db) ? s->counts.n : 0;
    for (size_t i = 0; i < n; i++)
        if (c[i].project == project && c[i].len == name.n && memcmp(c[i].name, name.p, name.n) == 0)
            return &c[i];
    if (!kt_db_in_transaction(s->db) || n == KT_LEN(s->counts.row) || name.n > sizeof(c->name))
        return NULL;
    c[n] = (struct kt_count){ .project = project, .len = name.n };
    memcpy(c[n].name, name.p, name.n);
    s->counts.n++;
    return &c[n];
}

static kt_rc read_now(kt_store *s, int64_t project, kt_str name, int64_t *ret, kt_err *err)
{
    *ret = 0;
    kt_rc rc = kt_db_i64(s->db, ret, err, "SELECT value FROM counter WHERE project=$1 AND name=$2", "is", project, name);
    return rc < 0 ? rc : 0;
}

static kt_rc add_now(kt_store *s, int64_t project, kt_str name, int64_t by, kt_err *err)
{
    return kt_db_run(s->db, err, "INSERT INTO counter VALUES($1,$2,$3) ON CONFLICT(project,name) DO UPDATE SET value=counter.value+excluded.value",
                     "isi", project, name, by);
}

kt_rc kt_counts_save(kt_store *s, kt_err *err)
{
    for (size_t i = 0; i < s->counts.n; i++)
        if (s->counts.row[i].by)
            KT_TRY(add_now(s, s->counts.row[i].project, (kt_str){ s->counts.row[i].name, s->counts.row[i].len }, s->counts.row[i].by, err));
    s->counts.n = 0;
    return 0;
}

kt_rc kt_counter_get(kt_store *s, int64_t project, kt_str name, int64_t *ret, kt_err *err)
{
    struct kt_count *c = count_of(s, project, name);
    if (!c)
        return read_now(s, project, name, ret, err);
    if (!c->known)
        KT_TRY(read_now(s, project, name, &c->base, err));
    c->known = true;
    *ret = c->base + c->by;
    return 0;
}

kt_rc kt_counter_add(kt_store *s, int64_t project, kt_str name, int64_t by, kt_err *err)
{
    struct kt_count *c = count_of(s, project, name);
    if (!c)
        return add_now(s, project, name, by, err);
    c->by += by;
    return 0;
}

kt_rc kt_counter_next(kt_store *s, int64_t project, kt_str name, int64_t *ret, kt_err *err)
{
    KT_ASSERT(kt_db_in_transaction(s->db));
    KT_TRY(kt_counter_add(s, project, name, 1, err));
    return kt_counter_get(s, project, name, ret, err);
}

kt_rc kt_counter_set(kt_store *s, int64_t project, kt_str name, int64_t v, kt_err *err)
{
    struct kt_count *c = count_of(s, project, name);
    if (c) {
        c->by = 0;
        c->base = v;
        c->known = true;
    }
    return kt_db_run(s->db, err, "INSERT INTO counter VALUES($1,$2,$3) ON CONFLICT(project,name) DO UPDATE SET value=excluded.value",
                     "isi", project, name, v);
}
