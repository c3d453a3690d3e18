/* Log lines in logfmt on stderr; only the faces and the stages log. Item content is never logged. */
#ifndef KT_BASE_LOG_H
#define KT_BASE_LOG_H

#include "base/types.h"

typedef enum kt_level { KT_LOG_ERROR, KT_LOG_WARN, KT_LOG_NOTE, KT_LOG_DEBUG } kt_level;

void kt_log_level(kt_level least); /* call once, before threads */
void kt_log(kt_level level, const char *area, const char *fmt, ...) KT_PRINTF(3, 4);

#endif
