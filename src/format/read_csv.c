/* CSV with a header line (RFC 4180); ; or | instead of commas is noticed in the header. */
#include "base/str.h"
#include "format/delimited.h"

static int csv_sniff(kt_str head, kt_str name)
{
    int score = head.n && memchr(head.p, 0, head.n) ? 0 : KT_MAX(kt_delimited_sniff(head, ','), kt_delimited_sniff(head, ';'));
    return kt_str_ends(name, KT_S(".csv")) ? KT_MAX(score, 70) : score;
}

const kt_reader kt_reader_csv = {
    .name = "csv", .help = "comma-separated values with a header line; also ; and |",
    .suffixes = (const char *const[]){ ".csv", NULL },
    .sniff = csv_sniff, .head = kt_delimited_head, .split = kt_delimited_split, .parse = kt_delimited_parse,
};
