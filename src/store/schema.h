/* The tables, as a list of steps forward: a workspace at version n runs steps n, n+1, … once. Never edit a step that
   has been released; add one. */
#ifndef KT_STORE_SCHEMA_H
#define KT_STORE_SCHEMA_H

extern const char *const kt_schema_steps[]; /* NULL at the end */

#endif
