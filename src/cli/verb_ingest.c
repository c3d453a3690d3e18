/* karat ingest DIR FILE…: items into a project, by its pipeline's mapping or by options. */
#include "base/str.h"
#include "cli/cli.h"
#include "stage/ingest.h"
#include "store/audit.h"

#include <stdio.h>

static bool has_fields(const kt_field_map *m)
{
    return m->id.n || m->text.n || m->group.n || m->gold.n || m->truth.n;
}

/* Answers that are sets or regions stay in the record's other fields, under the name the pipeline gives. */
static kt_rc keep_list(const kt_project *p, const char *option, kt_str known, kt_str *field, kt_err *err)
{
    if (p->task == KT_TASK_CLASSES || !field->n)
        return 0;
    if (!kt_str_eq(known, *field))
        return kt_fail(err, KT_USAGE, "--%s %.*s: of task %s the pipeline says which field that is ('sources: [{path: FILE, fields: {%s: %.*s}}]'), and it says %.*s", option, KT_F(*field),
                       kt_task_names[p->task], option, KT_F(*field), known.n ? (int)known.n : 7, known.n ? known.p : "nothing");
    *field = (kt_str){ "", 0 };
    return 0;
}

static kt_rc ingest(kt_cli *cli, kt_store *s, const kt_strs *pos, kt_str project, const kt_source_config *how, kt_err *err)
{
    kt_project p;
    kt_config c;
    kt_ingested total = { 0 };
    KT_TRY(kt_project_get(s, project, cli->arena, &p, err));
    KT_TRY(kt_config_parse(p.config, "karat.yaml", cli->arena, &c, err));
    for (size_t i = 1; i < pos->n; i++) {
        kt_source_config src = *how;
        if (!has_fields(&how->fields) && c.n_sources)
            src.fields = c.source[0].fields;
        src.fields.keep_meta = how->fields.keep_meta;
        KT_TRY(keep_list(&p, "gold", c.gold_field, &src.fields.gold, err));
        KT_TRY(keep_list(&p, "truth", c.truth_field, &src.fields.truth, err));
        src.path = kt_arena_cstr(cli->arena, pos->v[i]);
        KT_TRY(kt_ingest(s, &p, &src, cli->pool, cli->progress, &total, err));
    }
    KT_TRY(kt_store_begin(s, err));
    KT_TRY(kt_store_finish(s, kt_audit_sign(s, err), err));
    printf("%llu items added, %llu were there already, %llu exact duplicates among the new, %llu records rejected\n",
           (unsigned long long)total.n_added, (unsigned long long)total.n_there, (unsigned long long)total.n_exact,
           (unsigned long long)total.n_rejected);
    return 0;
}

static kt_rc run(kt_cli *cli, kt_err *err)
{
    kt_str project = { 0 };
    bool no_meta = false;
    kt_source_config how = { 0 };
    const kt_opt opts[] = {
        { "project", KT_OPT_TEXT, "NAME", "where the workspace holds more than one", &project },
        { "format", KT_OPT_TEXT, "NAME", "a reader ('karat list readers'); default: found out by looking", &how.format },
        { "text", KT_OPT_TEXT, "FIELD", "the field or column with the text (default: text)", &how.fields.text },
        { "id", KT_OPT_TEXT, "FIELD", "… with the external id (default: file:line)", &how.fields.id },
        { "group", KT_OPT_TEXT, "FIELD", "… whose items never cross train and test", &how.fields.group },
        { "gold", KT_OPT_TEXT, "FIELD", "… with a trusted label", &how.fields.gold },
        { "truth", KT_OPT_TEXT, "FIELD", "… with a label held back, for simulated people and for measuring", &how.fields.truth },
        { "no-meta", KT_OPT_FLAG, NULL, "do not keep the other fields", &no_meta },
    };
    kt_strs pos;
    kt_rc rc = kt_cli_parse(cli, &kt_verb_ingest, opts, KT_LEN(opts), (int[]){ 2, -1 }, &pos, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (how.format.n && !kt_reader_find(how.format))
        return kt_fail(err, KT_USAGE, "there is no reader %.*s; 'karat list readers' shows them", KT_F(how.format));
    how.fields.keep_meta = !no_meta;
    kt_store *s;
    KT_TRY(kt_store_open(kt_arena_cstr(cli->arena, pos.v[0]), KT_STORE_WRITE, &s, err));
    rc = ingest(cli, s, &pos, project, &how, err);
    kt_store_close(s);
    return rc;
}

const kt_verb kt_verb_ingest = {
    .name = "ingest", .help = "add items from files, folders or standard input (-)", .usage = "DIR FILE… [--text FIELD] [--id FIELD]",
    .more = "Without field options the mapping of the pipeline's first source is used. Running it again adds nothing twice. What could\n"
            "not be taken: 'karat status DIR --rejects' says it, with line and reason.",
    .run = run,
};
