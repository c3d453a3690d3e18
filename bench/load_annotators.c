/* load_annotators PORT PROJECT SECONDS THINK_MS TOKENS_FILE LABELS_CSV: one annotator per line of TOKENS_FILE (a session token each), all
   at once: take an item, think, answer and take the next. Prints one JSON line: requests, failures, latencies as the client sees
   them (microseconds). Talks to 127.0.0.1 only and ends by itself after SECONDS (at most 120). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#define MAX_PEOPLE 2000
#define MAX_TIMES 4000000

struct person {
    int fd;
    char token[64], buf[65536];
    size_t n;
    long long lease, item;
    int64_t sent_us, due_us; /* due 0: an answer is awaited */
    bool answering;
    uint64_t acts;
};

static struct person people[MAX_PEOPLE];
static int n_people, n_labels;
static char label[64][64];
static uint32_t *times;
static size_t n_times;
static uint64_t failures, nothing;
static int project;
static double think_ms;
static uint64_t rng = 88172645463325252u;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint64_t next_random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    return rng ^= rng << 17;
}

static void send_next(struct person *p)
{
    char body[400], out[1200];
    const char *path = p->lease ? "annotations" : "queue:next";
    int n = p->lease ? snprintf(body, sizeof(body), "{\"desk\":\"annotator\",\"token\":%lld,\"item\":%lld,\"label\":\"%s\",\"client_id\":\"load-%d-%llu\",\"want\":1}",
                                p->lease, p->item, label[next_random() % (uint64_t)n_labels], (int)(p - people), (unsigned long long)p->acts)
                     : snprintf(body, sizeof(body), "{\"desk\":\"annotator\",\"want\":1}");
    int len = snprintf(out, sizeof(out), "POST /api/v1/projects/%d/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                       "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", project, path, p->token, n, body);
    p->acts++;
    p->sent_us = now_us();
    p->due_us = 0;
    p->n = 0;
    if (send(p->fd, out, (size_t)len, MSG_NOSIGNAL) != len) {
        fprintf(stderr, "send: %s\n", strerror(errno));
        exit(4);
    }
}

/* Whole answer there? Then its status, else 0. */
static int complete(struct person *p)
{
    p->buf[p->n] = 0;
    char *head = strstr(p->buf, "\r\n\r\n"), *len = strcasestr(p->buf, "Content-Length:");
    if (!head || !len || len > head)
        return 0;
    size_t body = (size_t)strtoul(len + 15, NULL, 10);
    return p->n >= (size_t)(head + 4 - p->buf) + body ? (int)strtol(p->buf + 9, NULL, 10) : 0;
}

static void on_answer(struct person *p, int status)
{
    int64_t now = now_us();
    if (n_times < MAX_TIMES)
        times[n_times++] = (uint32_t)(now - p->sent_us);
    char *lease = strstr(p->buf, "\"tasks\":[{\"token\":"), *item = lease ? strstr(lease, "\"item\":") : NULL;
    if (status >= 300) {
        if (failures++ < 3)
            fprintf(stderr, "%s\n", p->buf);
    }
    nothing += status < 300 && !lease;
    p->lease = lease ? strtoll(lease + 18, NULL, 10) : 0;
    p->item = item ? strtoll(item + 7, NULL, 10) : 0;
    double u = (double)(next_random() >> 11) * 0x1p-53;
    p->due_us = now + 1 + (int64_t)(1000 * think_ms * (0.5 + u)); /* between half and one and a half times the mean */
}

static int by_value(const void *a, const void *b)
{
    return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : *(const uint32_t *)a > *(const uint32_t *)b;
}

static void setup(char **argv, int ep)
{
    FILE *f = fopen(argv[5], "r");
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(argv[1], NULL, 10)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char line[200];
    if (!f)
        exit(3);
    while (n_people < MAX_PEOPLE && fgets(line, sizeof(line), f)) {
        struct person *p = &people[n_people++];
        line[strcspn(line, "\n")] = 0;
        snprintf(p->token, sizeof(p->token), "%.63s", line);
        p->fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        if (connect(p->fd, (struct sockaddr *)&a, sizeof(a))) {
            perror("connect");
            exit(4);
        }
        epoll_ctl(ep, EPOLL_CTL_ADD, p->fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = p });
        p->due_us = now_us() + (int64_t)(next_random() % (uint64_t)(1000 * think_ms + 1000));
    }
    fclose(f);
    for (char *s = strtok_r(argv[6], ",", &argv[6]); s && n_labels < 64; s = strtok_r(NULL, ",", &argv[6]))
        snprintf(label[n_labels++], 64, "%s", s);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return fprintf(stderr, "usage: load_annotators PORT PROJECT SECONDS THINK_MS TOKENS_FILE LABELS\n"), 2;
    double seconds = strtod(argv[3], NULL);
    int ep = epoll_create1(0);
    project = (int)strtol(argv[2], NULL, 10);
    think_ms = strtod(argv[4], NULL);
    times = calloc(MAX_TIMES, sizeof(*times));
    setup(argv, ep);
    int64_t begin = now_us(), end = begin + (int64_t)(1e6 * (seconds < 120 ? seconds : 120));
    while (now_us() < end) {
        struct epoll_event ev[256];
        int64_t now = now_us(), first = now + 1000;
        for (int i = 0; i < n_people; i++) {
            if (people[i].due_us && people[i].due_us <= now)
                send_next(&people[i]);
            else if (people[i].due_us && people[i].due_us < first)
                first = people[i].due_us;
        }
        int n = epoll_wait(ep, ev, 256, first - now > 500 ? 1 : 0);
        for (int i = 0; i < n; i++) {
            struct person *p = ev[i].data.ptr;
            ssize_t got = recv(p->fd, p->buf + p->n, sizeof(p->buf) - 1 - p->n, MSG_DONTWAIT);
            if (got <= 0)
                return fprintf(stderr, "the server closed a connection\n"), 4;
            p->n += (size_t)got;
            int status = complete(p);
            if (status)
                on_answer(p, status);
        }
    }
    double took = (double)(now_us() - begin) / 1e6;
    qsort(times, n_times, sizeof(*times), by_value);
    printf("{\"people\":%d,\"requests\":%zu,\"per_second\":%.0f,\"failures\":%llu,\"nothing\":%llu,\"p50_us\":%u,\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u}\n",
           n_people, n_times, (double)n_times / took, (unsigned long long)failures, (unsigned long long)nothing, times[n_times / 2], times[n_times * 99 / 100],
           times[n_times * 999 / 1000], times[n_times - 1]);
    return 0;
}
