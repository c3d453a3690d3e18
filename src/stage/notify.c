#include "stage/notify.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define TIMEOUT_MS 5000L
#define FLUSH_US INT64_C(4000000) /* how long a program that ends waits for another try */
#define SECOND_US INT64_C(1000000)
enum { MAX_SECRET = 4096, AT_ONCE = 100 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* What comes back is not looked at. */
static size_t swallow(char *p, size_t size, size_t n, void *ctx)
{
    (void)p, (void)ctx;
    return size * n;
}

static bool secret_of(const kt_config *c, kt_arena *a, kt_str *ret, kt_buf *error)
{
    if (c->notify_secret_env.n) {
        *ret = kt_str_of(getenv(kt_arena_cstr(a, c->notify_secret_env)));
        if (!ret->n)
            kt_buf_printf(error, "the environment variable %.*s, which notify.secret_env names, is not set", KT_F(c->notify_secret_env));
        return ret->n > 0;
    }
    kt_err err = { 0 };
    kt_buf b = KT_BUF_INIT(MAX_SECRET);
    if (kt_file_read(kt_arena_cstr(a, c->notify_secret_file), &b, &err) == 0)
        *ret = kt_str_trim(kt_arena_str(a, KT_BUF_STR(&b)));
    if (!ret->n)
        kt_buf_printf(error, "notify.secret_file %.*s: %s", KT_F(c->notify_secret_file), err.rc ? err.what : "it is empty");
    kt_buf_done(&b);
    return ret->n > 0;
}

static kt_str signature(kt_str secret, kt_str body, kt_arena *a)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_state st;
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret.p, secret.n);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)body.p, body.n);
    crypto_auth_hmacsha256_final(&st, mac);
    return kt_arena_printf(a, "Karat-Signature: sha256=%s", sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac)));
}

static void post(const char *url, struct curl_slist *head, kt_str body, kt_buf *error)
{
    CURL *h = curl_easy_init();
    char said[CURL_ERROR_SIZE] = "";
    long status = 0;
    if (!h) {
        kt_buf_puts(error, "no memory for a connection");
        return;
    }
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, head);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "karat/" KT_VERSION);
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, body.p);
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, said);
    CURLcode rc = curl_easy_perform(h);
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    if (rc != CURLE_OK)
        kt_buf_puts(error, said[0] ? said : curl_easy_strerror(rc));
    else if (status < 200 || status > 299)
        kt_buf_printf(error, "answered with status %ld; expected 2xx", status);
    curl_easy_cleanup(h);
}

void kt_notify_try(const kt_config *c, const kt_notice *n, kt_buf *error)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str secret = { NULL, 0 };
    if (!c->notify_url.n) {
        kt_buf_puts(error, "the pipeline names no notify.url any more");
        return;
    }
    if (!secret_of(c, &a, &secret, error))
        return;
    pthread_once(&once, begin);
    struct curl_slist *head = curl_slist_append(NULL, "Content-Type: application/json");
    head = curl_slist_append(head, kt_arena_printf(&a, "Karat-Event: %.*s", KT_F(n->kind)).p);
    head = curl_slist_append(head, kt_arena_printf(&a, "Karat-Delivery: %lld", (long long)n->id).p);
    head = curl_slist_append(head, signature(secret, n->body, &a).p);
    post(kt_arena_cstr(&a, c->notify_url), head, n->body, error);
    curl_slist_free_all(head);
}

int64_t kt_notify_again(int64_t tries, int64_t now_us)
{
    static const int seconds[] = { 1, 3, 15, 60, 300, 900, 3600 };
    if (tries >= KT_NOTIFY_TRIES)
        return 0;
    return now_us + SECOND_US * seconds[KT_MIN((size_t)tries, KT_LEN(seconds)) - 1];
}

/* Tries one notice and writes down how it went. */
static kt_rc send_one(kt_store *s, const kt_notice *n, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    KT_AUTO(kt_buf) error = KT_BUF_INIT(2000);
    kt_project p;
    kt_config c;
    KT_TRY(kt_project_by_id(s, n->project, &a, &p, err));
    KT_TRY(kt_config_of(s, &p, &a, &c, err));
    kt_notify_try(&c, n, &error);
    if (error.n)
        fprintf(stderr, "karat: %.*s was not told of %.*s: %.*s\n", KT_F(c.notify_url), KT_F(n->kind), KT_F(KT_BUF_STR(&error)));
    KT_TRY(kt_store_begin(s, err));
    int64_t now = kt_now_us();
    return kt_store_finish(s, kt_notice_tried(s, n->id, now, error.n ? KT_BUF_STR(&error) : KT_S(""), kt_notify_again(n->tries + 1, now), err), err);
}

void kt_notify_flush(kt_store *s)
{
    for (int64_t end = kt_mono_us() + FLUSH_US; kt_mono_us() < end; usleep(50000)) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_notice *v;
        size_t n;
        kt_err err = { 0 };
        if (kt_notice_due(s, 0, kt_now_us() + end - kt_mono_us(), AT_ONCE, &a, &v, &n, &err) < 0 || n == 0)
            return; /* nothing is due before this ends */
        if (kt_notice_due(s, 0, kt_now_us(), AT_ONCE, &a, &v, &n, &err) < 0)
            return;
        for (size_t i = 0; i < n && kt_mono_us() < end; i++)
            if (send_one(s, &v[i], &err) < 0)
                return;
    }
}
