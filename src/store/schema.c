#include "store/schema.h"

#include <stddef.h>

const char *const kt_schema_steps[] = {
    /* 0 → 1 */
    "CREATE TABLE project(id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, guidelines TEXT NOT NULL, config TEXT NOT NULL,"
    " labels TEXT NOT NULL, n_items BIGINT NOT NULL, seed BIGINT NOT NULL);"
    "CREATE TABLE counter(project BIGINT NOT NULL, name TEXT NOT NULL, value BIGINT NOT NULL, PRIMARY KEY(project, name));"
    "CREATE TABLE doc(project BIGINT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(project, name));"
    /* items and columns: one row per chunk, the bytes in blobs */
    "CREATE TABLE item_chunk(project BIGINT NOT NULL, first BIGINT NOT NULL, n BIGINT NOT NULL, digest BYTEA NOT NULL,"
    " event BIGINT NOT NULL, PRIMARY KEY(project, first));"
    "CREATE TABLE column_chunk(project BIGINT NOT NULL, name TEXT NOT NULL, first BIGINT NOT NULL, n BIGINT NOT NULL,"
    " width BIGINT NOT NULL, digest BYTEA NOT NULL, PRIMARY KEY(project, name, first));"
    "CREATE TABLE ingest_source(project BIGINT NOT NULL, path TEXT NOT NULL, size BIGINT NOT NULL, mtime BIGINT NOT NULL,"
    " at_byte BIGINT NOT NULL, at_line BIGINT NOT NULL, done BIGINT NOT NULL, PRIMARY KEY(project, path));"
    "CREATE TABLE reject(project BIGINT NOT NULL, path TEXT NOT NULL, line BIGINT NOT NULL, field TEXT NOT NULL,"
    " reason TEXT NOT NULL, sample TEXT NOT NULL, PRIMARY KEY(project, path, line, field));"
    /* people */
    "CREATE TABLE person(id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password TEXT NOT NULL, simulated BIGINT NOT NULL,"
    " created_us BIGINT NOT NULL);"
    "CREATE TABLE grant_role(person BIGINT NOT NULL, project BIGINT NOT NULL, role BIGINT NOT NULL, PRIMARY KEY(person, project));"
    "CREATE TABLE session(digest TEXT PRIMARY KEY, person BIGINT NOT NULL, until_us BIGINT NOT NULL);"
    /* queue, leases, answers */
    "CREATE TABLE queue(project BIGINT NOT NULL, item BIGINT NOT NULL, queue BIGINT NOT NULL, ord BIGINT NOT NULL,"
    " slots BIGINT NOT NULL, need BIGINT NOT NULL, PRIMARY KEY(project, item));"
    "CREATE INDEX queue_open ON queue(project, queue, ord) WHERE slots > 0;"
    "CREATE TABLE gold(project BIGINT NOT NULL, ord BIGINT NOT NULL, item BIGINT NOT NULL, label BIGINT NOT NULL,"
    " PRIMARY KEY(project, ord));"
    "CREATE UNIQUE INDEX gold_item ON gold(project, item);"
    "CREATE TABLE place(project BIGINT NOT NULL, person BIGINT NOT NULL, queue BIGINT NOT NULL, ord BIGINT NOT NULL,"
    " PRIMARY KEY(project, person, queue));"
    "CREATE TABLE lease(token BIGINT PRIMARY KEY, project BIGINT NOT NULL, item BIGINT NOT NULL, person BIGINT NOT NULL,"
    " queue BIGINT NOT NULL, gold BIGINT NOT NULL, started_us BIGINT NOT NULL, deadline_us BIGINT NOT NULL);"
    "CREATE INDEX lease_person ON lease(project, person);"
    "CREATE INDEX lease_deadline ON lease(deadline_us);"
    "CREATE TABLE annotation(id BIGINT PRIMARY KEY, project BIGINT NOT NULL, item BIGINT NOT NULL, person BIGINT NOT NULL,"
    " label BIGINT NOT NULL, queue BIGINT NOT NULL, gold BIGINT NOT NULL, flagged BIGINT NOT NULL, at_us BIGINT NOT NULL,"
    " duration_us BIGINT NOT NULL, comment TEXT NOT NULL, client_id TEXT NOT NULL, withdrawn_us BIGINT);"
    "CREATE INDEX annotation_item ON annotation(project, item);"
    "CREATE INDEX annotation_person ON annotation(project, person, id);"
    "CREATE UNIQUE INDEX annotation_client ON annotation(project, person, client_id);"
    "CREATE TABLE person_stat(project BIGINT NOT NULL, person BIGINT NOT NULL, n BIGINT NOT NULL, skips BIGINT NOT NULL,"
    " flags BIGINT NOT NULL, gold_n BIGINT NOT NULL, gold_right BIGINT NOT NULL, busy_us BIGINT NOT NULL,"
    " first_us BIGINT NOT NULL, last_us BIGINT NOT NULL, PRIMARY KEY(project, person));"
    "CREATE TABLE consensus(project BIGINT NOT NULL, item BIGINT NOT NULL, label BIGINT NOT NULL, state BIGINT NOT NULL,"
    " posterior DOUBLE PRECISION NOT NULL, n_votes BIGINT NOT NULL, method TEXT NOT NULL, event BIGINT NOT NULL,"
    " PRIMARY KEY(project, item));"
    /* the audit log */
    "CREATE TABLE event(seq BIGINT PRIMARY KEY, hash BYTEA NOT NULL, body TEXT NOT NULL);"
    "CREATE TABLE tree_head(size BIGINT PRIMARY KEY, root BYTEA NOT NULL, at_us BIGINT NOT NULL, signature BYTEA NOT NULL);",
    /* 1 → 2: answers per minute, for live figures */
    "CREATE TABLE answer_minute(project BIGINT NOT NULL, minute BIGINT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY(project, minute));",
    /* 2 → 3: what the machine approved, in batches that people check; what others are told; queues 4 and 5 are the checks' and the
       suspects' now, 6 the known answers' */
    "CREATE TABLE approval_batch(project BIGINT NOT NULL, batch BIGINT NOT NULL, round BIGINT NOT NULL, name TEXT NOT NULL,"
    " budget DOUBLE PRECISION NOT NULL, delta DOUBLE PRECISION NOT NULL, size BIGINT NOT NULL, n BIGINT NOT NULL, wrong BIGINT NOT NULL,"
    " low DOUBLE PRECISION NOT NULL, high DOUBLE PRECISION NOT NULL, reopened_us BIGINT NOT NULL, PRIMARY KEY(project, batch));"
    "CREATE TABLE approval_check(project BIGINT NOT NULL, item BIGINT NOT NULL, batch BIGINT NOT NULL, label BIGINT NOT NULL,"
    " answer BIGINT NOT NULL, ord BIGINT NOT NULL, PRIMARY KEY(project, item));"
    "CREATE INDEX approval_order ON approval_check(project, batch, ord);"
    "CREATE TABLE notice(id BIGINT PRIMARY KEY, project BIGINT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, tries BIGINT NOT NULL,"
    " next_us BIGINT NOT NULL, done_us BIGINT NOT NULL, error TEXT NOT NULL);"
    "CREATE INDEX notice_due ON notice(next_us) WHERE next_us > 0;"
    "UPDATE place SET queue=6 WHERE queue=4;",
    /* 3 → 4: rounds of learning; labels a model thinks wrong */
    "CREATE TABLE round(project BIGINT NOT NULL, number BIGINT NOT NULL, event BIGINT NOT NULL, at_us BIGINT NOT NULL, stage TEXT NOT NULL,"
    " n_labels BIGINT NOT NULL, data TEXT NOT NULL, model TEXT NOT NULL, settings TEXT NOT NULL, measured_on TEXT NOT NULL,"
    " n_measured BIGINT NOT NULL, accuracy DOUBLE PRECISION NOT NULL, lo DOUBLE PRECISION NOT NULL, hi DOUBLE PRECISION NOT NULL,"
    " log_loss DOUBLE PRECISION NOT NULL, log_loss_lo DOUBLE PRECISION NOT NULL, log_loss_hi DOUBLE PRECISION NOT NULL,"
    " automation DOUBLE PRECISION NOT NULL, n_moved BIGINT NOT NULL, PRIMARY KEY(project, number));"
    "CREATE TABLE suspect(project BIGINT NOT NULL, item BIGINT NOT NULL, given BIGINT NOT NULL, likely BIGINT NOT NULL,"
    " probability DOUBLE PRECISION NOT NULL, quality DOUBLE PRECISION NOT NULL, event BIGINT NOT NULL, PRIMARY KEY(project, item));",
    /* 4 → 5: what an answer is where labels are sets or regions; a project says which it is. Those made before say it in their text alone */
    "CREATE TABLE answer(project BIGINT NOT NULL, id BIGINT NOT NULL, digest BYTEA NOT NULL, body TEXT NOT NULL, PRIMARY KEY(project, id));"
    "CREATE UNIQUE INDEX answer_said ON answer(project, digest);"
    "ALTER TABLE project ADD COLUMN task BIGINT NOT NULL DEFAULT 0;"
    "UPDATE project SET task=1 WHERE config LIKE 'task: multi-label%' OR config LIKE '%\ntask: multi-label%';"
    "UPDATE project SET task=2 WHERE config LIKE 'task: spans%' OR config LIKE '%\ntask: spans%';",
    NULL,
};
