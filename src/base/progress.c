#include "base/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

void kt_progress_begin(kt_progress *p, const char *stage, uint64_t total)
{
    if (!p)
        return;
    p->stage = stage;
    p->done = 0;
    p->total = total;
    p->started_us = p->shown_us = kt_mono_us();
}

kt_rc kt_progress_step(kt_progress *p, uint64_t done, kt_err *err)
{
    if (!p)
        return 0;
    p->done = done;
    int64_t now = kt_mono_us();
    if (p->show && now - p->shown_us > 200000) {
        p->shown_us = now;
        p->show(p, false);
    }
    if (p->stop && atomic_load(p->stop)) {
        kt_fail(err, KT_CANCELLED, "stopped during %s", p->stage);
        return kt_hint(err, "everything committed is kept; run the same command again to go on"), KT_CANCELLED;
    }
    return 0;
}

void kt_progress_end(kt_progress *p)
{
    if (p && p->show)
        p->show(p, true);
}

void kt_progress_stderr(kt_progress *p, bool last)
{
    double s = (double)(kt_mono_us() - p->started_us) / 1e6;
    if (s < 1 || !isatty(2))
        return;
    double rate = (double)p->done / s;
    fprintf(stderr, "\r\033[K%s: %llu", p->stage, (unsigned long long)p->done);
    if (p->total)
        fprintf(stderr, " of %llu", (unsigned long long)p->total);
    fprintf(stderr, ", %.0f/s", rate);
    if (p->total > p->done && rate > 0)
        fprintf(stderr, ", %.0f s left", (double)(p->total - p->done) / rate);
    if (last)
        fprintf(stderr, "\r\033[K");
}
