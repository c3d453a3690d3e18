/* Ingest: files to items. Durable wave by wave; a run that was killed goes on where the last committed wave ended. */
#ifndef KT_STAGE_INGEST_H
#define KT_STAGE_INGEST_H

#include "base/pool.h"
#include "base/progress.h"
#include "stage/config.h"
#include "store/project.h"

typedef struct kt_ingested {
    uint64_t n_added, n_there, n_rejected, n_exact; /* n_there: records whose id was in the project already, unchanged */
} kt_ingested;

/* Adds what one source holds. p->n_items is brought up to date. *ret adds up over calls. */
kt_rc kt_ingest(kt_store *s, kt_project *p, const kt_source_config *src, kt_pool *pool, kt_progress *progress, kt_ingested *ret,
                kt_err *err) KT_MUST_USE;

#endif
