/* No pages in this build. */
#include "server/assets.h"

const kt_asset kt_assets[] = { { "/", "text/plain", "\"none\"", (const unsigned char *)"", NULL, 0, 0 } };
const size_t kt_n_assets = 0;
