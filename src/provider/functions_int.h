/* Shared by the rules and the Lua sandbox; for files of this folder only. */
#ifndef KT_PROVIDER_FUNCTIONS_INT_H
#define KT_PROVIDER_FUNCTIONS_INT_H

#include "provider/functions.h"

typedef struct kt_lua kt_lua;

/* A sandbox with one function per program. sources[i].p NULL: function i is no Lua. KT_PARSE: a program does not compile. */
kt_rc kt_lua_new(const kt_str *sources, uint32_t n, kt_lua **ret, kt_err *err) KT_MUST_USE;
kt_lua *kt_lua_free(kt_lua *l);
/* Shows an item to all functions: text, and the string fields of meta by name (item.text, item.meta.name, item.name). */
void kt_lua_item(kt_lua *l, kt_str text, kt_str meta);
/* Runs function i; *ret_label views the returned name until the next call, empty for nil. KT_LIMIT: too long or too much. */
kt_rc kt_lua_call(kt_lua *l, uint32_t i, kt_str *ret_label, kt_err *err) KT_MUST_USE;

#endif
