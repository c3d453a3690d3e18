/* Answers as people write them into files: a CSV cell or a JSON value. */
#ifndef KT_CLI_ANSWER_TEXT_H
#define KT_CLI_ANSWER_TEXT_H

#include "store/answer.h"

/* Reads what text says in the project's task; parts live in a. json: a JSON value ("x", ["x","y"], [{"start":0,"end":3,"label":"x"}] or
   [[0,3,"x"]]). Else a cell: x; x;y or (none), or the JSON. KT_PARSE, KT_RANGE with the place in err->field. Regions are not checked against
   the text. */
kt_rc kt_answer_read(const kt_project *p, kt_str text, bool json, kt_arena *a, kt_answer_said *ret, kt_err *err) KT_MUST_USE;

#endif
