/* Tab-separated values with a header line; one record a line. */
#include "base/str.h"
#include "format/delimited.h"

static int tsv_sniff(kt_str head, kt_str name)
{
    int score = head.n && memchr(head.p, 0, head.n) ? 0 : kt_delimited_sniff(head, '\t') + 5;
    return kt_str_ends(name, KT_S(".tsv")) || kt_str_ends(name, KT_S(".tab")) ? KT_MAX(score, 70) : score > 5 ? score : 0;
}

static kt_rc tsv_head(const kt_field_map *map, kt_str data, kt_layout *ret, size_t *ret_used, uint64_t *ret_lines, kt_err *err)
{
    ret->sep = '\t';
    return kt_delimited_head(map, data, ret, ret_used, ret_lines, err);
}

const kt_reader kt_reader_tsv = {
    .name = "tsv", .help = "tab-separated values with a header line; one record a line",
    .suffixes = (const char *const[]){ ".tsv", ".tab", NULL },
    .sniff = tsv_sniff, .head = tsv_head, .split = kt_delimited_split, .parse = kt_delimited_parse,
};
