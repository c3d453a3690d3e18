/* Delimited text (CSV, TSV): what both readers do. */
#ifndef KT_FORMAT_DELIMITED_H
#define KT_FORMAT_DELIMITED_H

#include "format/record.h"

/* As the functions of kt_reader. sep 0 in head: found out from the header line (, then ; then |). A layout with sep '\t'
   has one record a line. */
kt_rc kt_delimited_head(const kt_field_map *map, kt_str data, kt_layout *ret, size_t *ret_used, uint64_t *ret_lines, kt_err *err) KT_MUST_USE;
size_t kt_delimited_split(const kt_layout *l, kt_str data, bool eof, uint64_t *ret_lines);
kt_rc kt_delimited_parse(const kt_layout *l, kt_str block, uint64_t first_line, kt_batch *ret, kt_rejects *rej, kt_err *err) KT_MUST_USE;
/* Score of the head as text separated by sep: several lines with the same number of fields, more than one. */
int kt_delimited_sniff(kt_str head, char sep);

#endif
