/* Shapes: one table of fields per object that crosses a border. From a shape come strict decoding with the bad field named,
   encoding, and the OpenAPI schema. A shape describes a plain C struct; the macros refuse a row whose member has another type. */
#ifndef KT_BASE_SHAPE_H
#define KT_BASE_SHAPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

typedef enum kt_field_kind {
    KT_FIELD_BOOL,   /* bool */
    KT_FIELD_I64,    /* int64_t */
    KT_FIELD_F64,    /* double; NaN is null */
    KT_FIELD_TEXT,   /* kt_str, UTF-8; .p NULL is null */
    KT_FIELD_TEXTS,  /* kt_list of kt_str; .v NULL is null where null is allowed */
    KT_FIELD_JSON,   /* kt_str holding one JSON value's text; encode only */
    KT_FIELD_LIST,   /* kt_list of structs of another shape; .v as above */
} kt_field_kind;

typedef enum kt_field_flags {
    KT_REQUIRED = 1, /* decoding: must be there and not null */
    KT_NULLABLE = 2, /* null is an answer of its own */
} kt_field_flags;

typedef struct kt_list {
    void *v; /* n elements */
    size_t n;
} kt_list;

typedef struct kt_shape kt_shape;
typedef struct kt_field {
    const char *name;
    kt_field_kind kind;
    int flags;
    size_t offset;
    double lo, hi;         /* numbers: range; texts, and each of a list: bytes; ignored when both are 0 */
    const kt_shape *of;    /* KT_FIELD_LIST */
    const char *const *one_of; /* texts: the allowed values, NULL at the end; or NULL */
    const char *help;
} kt_field;

struct kt_shape {
    const char *name, *help;
    size_t size; /* of the struct */
    const kt_field *field;
    size_t n;
};

/* offsetof that compiles only when the member is of the C type. */
#define KT_OFFSET(type, member, ctype) (offsetof(type, member) + 0 * sizeof(_Generic(((type *)0)->member, ctype: 1)))

#define KT_BOOL(T, m, flags_, help_) { #m, KT_FIELD_BOOL, (flags_), KT_OFFSET(T, m, bool), 0, 0, NULL, NULL, (help_) }
#define KT_I64(T, m, flags_, lo_, hi_, help_) { #m, KT_FIELD_I64, (flags_), KT_OFFSET(T, m, int64_t), (lo_), (hi_), NULL, NULL, (help_) }
#define KT_F64(T, m, flags_, help_) { #m, KT_FIELD_F64, (flags_), KT_OFFSET(T, m, double), 0, 0, NULL, NULL, (help_) }
#define KT_TEXT(T, m, flags_, lo_, hi_, help_) { #m, KT_FIELD_TEXT, (flags_), KT_OFFSET(T, m, kt_str), (lo_), (hi_), NULL, NULL, (help_) }
#define KT_ONE_OF(T, m, flags_, values_, help_) { #m, KT_FIELD_TEXT, (flags_), KT_OFFSET(T, m, kt_str), 0, 0, NULL, (values_), (help_) }
#define KT_TEXTS(T, m, flags_, lo_, hi_, help_) { #m, KT_FIELD_TEXTS, (flags_), KT_OFFSET(T, m, kt_list), (lo_), (hi_), NULL, NULL, (help_) }
#define KT_JSON_TEXT(T, m, help_) { #m, KT_FIELD_JSON, KT_NULLABLE, KT_OFFSET(T, m, kt_str), 0, 0, NULL, NULL, (help_) }
#define KT_LIST_OF(T, m, flags_, shape_, help_) { #m, KT_FIELD_LIST, (flags_), KT_OFFSET(T, m, kt_list), 0, 0, (shape_), NULL, (help_) }
/* const kt_shape SHAPE_T describing struct T. */
#define KT_SHAPE(T, help_, ...)                             \
    static const kt_field T##_fields[] = { __VA_ARGS__ };   \
    const kt_shape T##_shape = { #T, (help_), sizeof(T), T##_fields, KT_LEN(T##_fields) }

/* Reads one JSON object into the zeroed struct *ret; texts live in a or in `text`, lists in a. Unknown and repeated fields, missing
   required ones and values out of range are refused with the field's JSON pointer in err->field. KT_PARSE, KT_RANGE. */
kt_rc kt_shape_decode(const kt_shape *shape, kt_str text, kt_arena *a, void *ret, kt_err *err) KT_MUST_USE;
void kt_shape_encode(const kt_shape *shape, const void *value, kt_buf *ret);
/* The shape as a JSON Schema object (OpenAPI 3.1); lists refer to "#/components/schemas/NAME". */
void kt_shape_schema(const kt_shape *shape, kt_buf *ret);

#endif
