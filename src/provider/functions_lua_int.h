/* Between the Lua sandbox, its memory and its text library; for these files only. */
#ifndef KT_PROVIDER_FUNCTIONS_LUA_INT_H
#define KT_PROVIDER_FUNCTIONS_LUA_INT_H

#include "provider/functions_int.h"

#include <lua.h>

#define KT_LUA_GRAIN 16
#define KT_LUA_CLASSES 129 /* blocks of up to 2 KB */

typedef struct kt_lua_memory {
    char *region;
    size_t n;                     /* of the region, handed out at least once */
    void *unused[KT_LUA_CLASSES]; /* per size in grains: blocks of the region, each begins with the place of the next */
    size_t held, taken;           /* bytes now; since somebody set it to 0 */
} kt_lua_memory;
void kt_lua_memory_init(kt_lua_memory *m);
void kt_lua_memory_done(kt_lua_memory *m); /* after everything in it was freed */
/* As lua_Alloc: p NULL makes, nsize 0 frees; NULL also where a limit would be passed. */
void *kt_lua_memory_change(kt_lua_memory *m, void *p, size_t osize, size_t nsize);

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
