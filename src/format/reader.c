/* The table of readers and what is chosen from it. */
#include "format/reader.h"

#include "base/str.h"

#define KT_READER(name) extern const kt_reader kt_reader_##name;
#include "format/readers.def"
#undef KT_READER

const kt_reader *const kt_readers[] = {
#define KT_READER(name) &kt_reader_##name,
#include "format/readers.def"
#undef KT_READER
};
const size_t kt_n_readers = KT_LEN(kt_readers);

void kt_layout_done(kt_layout *l)
{
    kt_arena_done(&l->arena);
    *l = (kt_layout)KT_LAYOUT_INIT;
}

const kt_reader *kt_reader_find(kt_str name)
{
    for (size_t i = 0; i < kt_n_readers; i++)
        if (kt_str_eq(name, kt_str_of(kt_readers[i]->name)))
            return kt_readers[i];
    return NULL;
}

const kt_reader *kt_reader_sniff(kt_str head, kt_str name)
{
    const kt_reader *best = NULL;
    int most = 0;
    for (size_t i = 0; i < kt_n_readers; i++) {
        int score = kt_readers[i]->sniff(head, name);
        for (const char *const *s = kt_readers[i]->suffixes; score && *s; s++)
            score += kt_str_ends(name, kt_str_of(*s)) ? 5 : 0;
        if (score > most) {
            most = score;
            best = kt_readers[i];
        }
    }
    return best;
}
