/* Kept counts. Inside a transaction additions are gathered and meet the table once, at the commit: a batch of thousands of
   answers adds to the same dozen counts with every one of them. */
#include "store/store_int.h"

#include <string.h>

/* Place of a count among the gathered ones, or counts.n. */
static size_t place(const kt_store *s, int64_t project, kt_str name)
{
    size_t i = 0;
    while (i < s->counts.n && (s->counts.row[i].project != project || s->counts.row[i].len != name.n ||
                               memcmp(s->counts.row[i].name, name.p, name.n) != 0))
        i++;
    return i;
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
    *ret = 0;
    kt_rc rc = kt_db_i64(s->db, ret, err, "SELECT value FROM counter WHERE project=$1 AND name=$2", "is", project, name);
    size_t i = place(s, project, name);
    if (i < s->counts.n)
        *ret += s->counts.row[i].by;
    return rc < 0 ? rc : 0;
}

kt_rc kt_counter_add(kt_store *s, int64_t project, kt_str name, int64_t by, kt_err *err)
{
    size_t i = place(s, project, name);
    if (!kt_db_in_transaction(s->db) || (i == KT_LEN(s->counts.row)) || name.n > sizeof(s->counts.row[0].name))
        return add_now(s, project, name, by, err);
    if (i == s->counts.n) {
        s->counts.row[i].project = project;
        s->counts.row[i].by = 0;
        s->counts.row[i].len = name.n;
        memcpy(s->counts.row[i].name, name.p, name.n);
        s->counts.n++;
    }
    s->counts.row[i].by += by;
    return 0;
}

kt_rc kt_counter_set(kt_store *s, int64_t project, kt_str name, int64_t v, kt_err *err)
{
    size_t i = place(s, project, name);
    if (i < s->counts.n)
        s->counts.row[i].by = 0;
    return kt_db_run(s->db, err, "INSERT INTO counter VALUES($1,$2,$3) ON CONFLICT(project,name) DO UPDATE SET value=excluded.value",
                     "isi", project, name, v);
}
