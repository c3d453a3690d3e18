/* Labels of people that a model finds suspicious go to one more person. */
#ifndef KT_STAGE_RELABEL_H
#define KT_STAGE_RELABEL_H

#include "stage/run.h"

/* The stage: finds, asks, waits. Before the consensus weighs all votes. */
kt_rc kt_relabel_run(kt_run *r) KT_MUST_USE;
/* Finds and asks, as far as the pipeline's share of the labels there are now is not used up. r: as far as states and routing. */
kt_rc kt_relabel_find(kt_run *r, bool last) KT_MUST_USE;

#endif
