/* The browser's files, built by web/ and embedded. */
#ifndef KT_SERVER_ASSETS_H
#define KT_SERVER_ASSETS_H

#include <stddef.h>

typedef struct kt_asset {
    const char *path, *type, *etag; /* "/app.js", "text/javascript", "\"…\"" */
    const unsigned char *data, *gzip; /* gzip NULL: it would not be smaller */
    size_t n, n_gzip;
} kt_asset;

extern const kt_asset kt_assets[];
extern const size_t kt_n_assets;

#endif
