/* Plain text, one item a line: the smallest reader, and the one to copy. No ids; blank lines are stepped over. */
#include "base/limits.h"
#include "base/str.h"
#include "format/record.h"

static int lines_sniff(kt_str head, kt_str name)
{
    if (kt_str_ends(name, KT_S("/")) || (head.n && memchr(head.p, 0, head.n)))
        return 0;
    return kt_str_ends(name, KT_S(".txt")) || kt_str_ends(name, KT_S(".text")) ? 60 : 1;
}

static kt_rc lines_head(const kt_field_map *map, kt_str data, kt_layout *ret, size_t *ret_used, uint64_t *ret_lines, kt_err *err)
{
    kt_field_map only_text = { .text = map->text };
    KT_TRY(kt_front(data, ret_used, err));
    *ret_lines = 0;
    kt_layout_map(ret, &only_text);
    return 0;
}

static kt_rc lines_parse(const kt_layout *l, kt_str block, uint64_t first_line, kt_batch *ret, kt_rejects *rej, kt_err *err)
{
    (void)err;
    bool valid = kt_utf8_valid(block, NULL);
    kt_str line;
    for (uint64_t no = first_line; kt_next_line(&block, &line); no++) {
        if (kt_str_trim(line).n == 0 || (!valid && !kt_record_utf8(line, no, rej)))
            continue;
        kt_record r = { .value = { [KT_ROLE_TEXT] = line }, .raw = line, .line = no };
        kt_record_put(l, &r, ret, rej);
    }
    return 0;
}

const kt_reader kt_reader_lines = {
    .name = "lines", .help = "plain text: every line is one item",
    .suffixes = (const char *const[]){ ".txt", ".text", NULL },
    .sniff = lines_sniff, .head = lines_head, .split = kt_split_lines, .parse = lines_parse,
};
