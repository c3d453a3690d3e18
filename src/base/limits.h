/* Every maximum in one place, one line and one reason each. */
#ifndef KT_BASE_LIMITS_H
#define KT_BASE_LIMITS_H

#define KT_MAX_LINE_BYTES ((size_t)16 << 20)   /* one input record; a longer one is rejected, not read into memory */
#define KT_MAX_TEXT_BYTES ((size_t)10 << 20)   /* one item's text; what a browser still shows */
#define KT_MAX_ID_BYTES ((size_t)512)          /* an external id; longer ones are almost always a wrong mapping */
#define KT_MAX_LABELS 4096                     /* a label set; votes and columns hold labels in 16 bits */
#define KT_MAX_LABEL_BYTES ((size_t)128)       /* a label's name; must fit a button */
#define KT_MAX_FUNCTIONS 1024                  /* labeling functions in a project */
#define KT_MAX_DICTIONARY 200000               /* entries of a function's dictionary */
#define KT_MAX_CONFIG_BYTES ((size_t)4 << 20)  /* a pipeline file */
#define KT_MAX_BODY_BYTES ((size_t)1 << 20)    /* an HTTP request body, unless its route says otherwise */
#define KT_MAX_JSON_DEPTH 64                   /* nesting; deeper is an attack, not data */
#define KT_MAX_ITEMS UINT32_MAX                /* dense item numbers are 32 bits within a project */

#endif
