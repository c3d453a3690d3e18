/* The one clock: UTC microseconds since 1970, and a monotonic one for durations. Text form is RFC 3339. */
#ifndef KT_BASE_CLOCK_H
#define KT_BASE_CLOCK_H

#include "base/types.h"

int64_t kt_now_us(void);
int64_t kt_mono_us(void);
/* "2026-01-31T12:00:00.000000Z" into dst (at least 28 bytes). */
void kt_time_format(int64_t us, char dst[28]);

#endif
