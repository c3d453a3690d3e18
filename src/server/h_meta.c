/* The server about itself: health, times, the log's head, its own description. */
#include "server/server_int.h"

#include "base/str.h"
#include "store/notice.h"

#include <math.h>

kt_rc h_health_get(kt_req *rq, const kt_none *in, kt_health *ret)
{
    (void)rq, (void)in;
    *ret = (kt_health){ KT_S("up"), kt_str_of(KT_VERSION) };
    return 0;
}

kt_rc h_log_head(kt_req *rq, const kt_none *in, kt_log_head *ret)
{
    uint64_t size;
    unsigned char root[32];
    KT_AUTO(kt_buf) hex = KT_BUF_INIT(100);
    (void)in;
    kt_committer_log_head(rq->server->writer, &size, root);
    kt_buf_hex(&hex, root, sizeof(root));
    *ret = (kt_log_head){ (int64_t)size, kt_arena_str(&rq->arena, KT_BUF_STR(&hex)), kt_str_of(rq->server->public_key) };
    return 0;
}

kt_rc h_openapi_get(kt_req *rq, const kt_none *in, kt_none *ret)
{
    (void)in, (void)ret;
    kt_openapi_write(&rq->reply);
    rq->type = "application/json";
    return 0;
}

/* Upper edge, in seconds, of the bin below which share of the n requests lie. */
static double quantile(const uint64_t bin[KT_TIME_BINS], uint64_t n, double share)
{
    uint64_t seen = 0;
    for (int i = 0; i < KT_TIME_BINS; i++)
        if ((double)(seen += bin[i]) >= share * (double)n)
            return exp2((i + 1) / 4.0) / 1e6;
    return 0;
}

static void put_times(kt_buf *b, const char *name, kt_op_times *t)
{
    static const double shares[] = { 0.5, 0.9, 0.99, 0.999 };
    uint64_t bin[KT_TIME_BINS], n = 0;
    for (int i = 0; i < KT_TIME_BINS; i++)
        n += bin[i] = atomic_load(&t->n[i]);
    if (n == 0)
        return;
    for (size_t i = 0; i < KT_LEN(shares); i++)
        kt_buf_printf(b, "karat_request_seconds{operation=\"%s\",quantile=\"%g\"} %.6f\n", name, shares[i], quantile(bin, n, shares[i]));
    kt_buf_printf(b, "karat_request_seconds_sum{operation=\"%s\"} %.6f\n", name, (double)atomic_load(&t->total_us) / 1e6);
    kt_buf_printf(b, "karat_request_seconds_count{operation=\"%s\"} %llu\n", name, (unsigned long long)n);
}

static kt_rc put_notices(kt_req *rq, kt_buf *b)
{
    kt_server *s = rq->server;
    kt_buf_puts(b, "# HELP karat_notices What notify.url is told, by how far it is.\n# TYPE karat_notices gauge\n");
    for (size_t i = 0; i < s->n_projects; i++) {
        kt_notice_counts c;
        KT_TRY(kt_notice_count(rq->store, s->project[i].p.id, &rq->arena, &c, &rq->err));
        const struct { const char *state; int64_t n; } rows[] = { { "waiting", c.waiting }, { "failing", c.failing }, { "sent", c.sent }, { "given_up", c.given_up } };
        for (size_t k = 0; k < KT_LEN(rows); k++)
            kt_buf_printf(b, "karat_notices{project=\"%lld\",state=\"%s\"} %lld\n", (long long)s->project[i].p.id, rows[k].state, (long long)rows[k].n);
    }
    kt_buf_puts(b, "# HELP karat_batches_reopened_total Batches of machine labels that checks proved to be over their budget.\n"
                   "# TYPE karat_batches_reopened_total counter\n");
    for (size_t i = 0; i < s->n_projects; i++) {
        int64_t n;
        KT_TRY(kt_counter_get(rq->store, s->project[i].p.id, KT_S("approval.reopened"), &n, &rq->err));
        kt_buf_printf(b, "karat_batches_reopened_total{project=\"%lld\"} %lld\n", (long long)s->project[i].p.id, (long long)n);
    }
    return 0;
}

kt_rc h_metrics_get(kt_req *rq, const kt_none *in, kt_none *ret)
{
    kt_server *s = rq->server;
    (void)in, (void)ret;
    kt_buf_puts(&rq->reply, "# HELP karat_request_seconds From a request's head to its answer, on the server.\n# TYPE karat_request_seconds summary\n");
    for (size_t i = 0; i < KT_OP__COUNT; i++)
        put_times(&rq->reply, kt_routes[i].name, &s->times[i]);
    kt_buf_puts(&rq->reply, "# HELP karat_requests_failed_total Requests answered with 400 or more.\n# TYPE karat_requests_failed_total counter\n");
    for (size_t i = 0; i < KT_OP__COUNT; i++)
        if (atomic_load(&s->times[i].failed))
            kt_buf_printf(&rq->reply, "karat_requests_failed_total{operation=\"%s\"} %llu\n", kt_routes[i].name, (unsigned long long)atomic_load(&s->times[i].failed));
    rq->type = "text/plain; version=0.0.4";
    return put_notices(rq, &rq->reply);
}
