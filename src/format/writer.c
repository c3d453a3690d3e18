/* The table of writers, and the columns they share. */
#include "format/writer.h"

#include "base/str.h"
#include "format/row.h"

#define KT_WRITER(name) extern const kt_writer kt_writer_##name;
#include "format/writers.def"
#undef KT_WRITER

const kt_writer *const kt_writers[] = {
#define KT_WRITER(name) &kt_writer_##name,
#include "format/writers.def"
#undef KT_WRITER
};
const size_t kt_n_writers = KT_LEN(kt_writers);

#define TEXT(field) { #field, offsetof(kt_export_row, field), false }
#define OBJECT(field) { #field, offsetof(kt_export_row, field), true }
const kt_row_column kt_row_columns[] = {
    { "id", offsetof(kt_export_row, ext_id), false },
    TEXT(text), TEXT(label),
    { "posterior", KT_ROW_POSTERIOR, false },
    TEXT(method), TEXT(split), TEXT(group), TEXT(source),
    { "event", KT_ROW_EVENT, false },
    OBJECT(meta), OBJECT(provenance),
};
const size_t kt_n_row_columns = KT_LEN(kt_row_columns);

const kt_writer *kt_writer_find(kt_str name)
{
    for (size_t i = 0; i < kt_n_writers; i++)
        if (kt_str_eq(name, kt_str_of(kt_writers[i]->name)))
            return kt_writers[i];
    return NULL;
}

kt_rc kt_row_done(const kt_buf *out, kt_err *err)
{
    return out->failed ? kt_fail(err, KT_LIMIT, "the output buffer of %zu bytes is full", out->max) : 0;
}
