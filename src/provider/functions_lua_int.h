/* Between the Lua sandbox and its text library; for these two files only. */
#ifndef KT_PROVIDER_FUNCTIONS_LUA_INT_H
#define KT_PROVIDER_FUNCTIONS_LUA_INT_H

#include "provider/functions_int.h"

#include <lua.h>

/* Work done in C counts like instructions: raises an error when the call has done too much. */
void kt_lua_charge(lua_State *L, uint64_t steps);
/* Steps the call may still do. */
uint64_t kt_lua_allowance(lua_State *L);

/* The functions that replace Lua's own where those take unbounded time: patterns, copies, table moves. Sets them in the table on top
   of the stack. */
void kt_lua_open_string(lua_State *L);
void kt_lua_open_table(lua_State *L);
/* The helper library, global "karat": words(text), has(text, word), count(text, word), chars(text). */
void kt_lua_open_helpers(lua_State *L);

#endif
