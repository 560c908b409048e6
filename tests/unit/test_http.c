/* The libcurl engine against a server of a few lines, which answers by script and misbehaves. */
#include "net/http.h"
#include "os/clock.h"
#include "sched/io.h"
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct script {
    const char *answer;
    bool stall;   /* says no more, and keeps the connection */
    int requests; /* answered on one connection before it is closed; 0 is one */
} script;

typedef struct server {
    int listener;
    unsigned port;
    script script;
    pthread_t thread;
    _Atomic int heads;       /* requests that came */
    _Atomic int connections; /* and over how many connections */
    _Atomic bool over;
} server;

/* Until the blank line; bodies of these tests are in the same piece, or empty. */
static bool read_head(int peer)
{
    char text[8192];
    size_t size = 0;
    while (size < sizeof(text) - 1) {
        const ssize_t got = read(peer, text + size, sizeof(text) - 1 - size);
        if (got <= 0) {
            return false;
        }
        size += (size_t)got;
        text[size] = '\0';
        if (strstr(text, "\r\n\r\n") != NULL) {
            return true;
        }
    }
    return false;
}

static void *serve(void *argument)
{
    server *self = argument;
    for (;;) {
        const int peer = accept(self->listener, NULL, NULL);
        if (peer < 0 || self->over) {
            if (peer >= 0) {
                (void)close(peer);
            }
            return NULL;
        }
        const struct timeval patience = {0, 600000};
        (void)setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        self->connections++;
        int left = self->script.requests == 0 ? 1 : self->script.requests;
        while (left-- > 0 && read_head(peer)) {
            self->heads++;
            (void)!write(peer, self->script.answer, strlen(self->script.answer));
        }
        if (self->script.requests > 0) {
            self->heads += read_head(peer); /* one more may come, and is never answered */
        }
        while (self->script.stall && !self->over) {
            tn_clock_sleep_ms(5);
        }
        (void)close(peer);
    }
}

static bool server_start(server *self, script what)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    *self = (server){.script = what};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    const bool bound =
        bind(self->listener, (struct sockaddr *)(void *)&address, sizeof(address)) == 0 &&
        listen(self->listener, 8) == 0 &&
        getsockname(self->listener, (struct sockaddr *)(void *)&address, &size) == 0;
    self->port = ntohs(address.sin_port);
    return bound && pthread_create(&self->thread, NULL, serve, self) == 0;
}

static void server_stop(server *self)
{
    self->over = true;
    (void)shutdown(self->listener, SHUT_RDWR);
    (void)pthread_join(self->thread, NULL);
    (void)close(self->listener);
}

typedef struct asked {
    tn_http_request request;
    tn_latch latch;
    char body[256];
    size_t size;
    char url[64];
} asked;

static bool take(tn_http_request *request, const uint8_t *data, size_t size)
{
    asked *self = (asked *)(void *)request;
    const size_t room = sizeof(self->body) - 1 - self->size;
    memcpy(self->body + self->size, data, size < room ? size : room);
    self->size += size < room ? size : room;
    return size <= room;
}

static void complete(tn_http_request *request)
{
    asked *self = (asked *)(void *)request;
    tn_wake(&self->latch.waker);
}

static void ask_start(asked *self, const tn_http *http, unsigned port, const char *method)
{
    memset(self, 0, sizeof(*self));
    (void)snprintf(self->url, sizeof(self->url), "http://127.0.0.1:%u/a%%20b", port);
    self->request.method = method;
    self->request.url = self->url;
    self->request.connect_ms = 2000;
    self->request.idle_ms = 700;
    self->request.take = take;
    self->request.complete = complete;
    tn_latch_init(&self->latch);
    http->start(http, &self->request);
}

static const tn_http *engine(void)
{
    const tn_http *http;
    tarn_error err = TARN_ERROR_INIT;
    if (tn_http_open(&http, &err) != TARN_OK) {
        printf("SKIPPED: %s (%s)\n", err.message, err.hint);
        return NULL;
    }
    return http;
}

TEST(tells_how_a_request_ended)
{
    static const struct {
        script script;
        const char *method;
        tn_http_result result;
        int status;
        const char *body;
    } cases[] = {
        {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\nhello", false, 0},
         "GET",
         TN_HTTP_ANSWERED,
         200,
         "hello"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false, 0},
         "GET",
         TN_HTTP_ANSWERED,
         200,
         "hello"},
        {{"HTTP/1.1 503 Slow\r\nContent-Length: 0\r\n\r\n", false, 0},
         "PUT",
         TN_HTTP_ANSWERED,
         503,
         ""},
        {{"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", false,
          0},
         "GET",
         TN_HTTP_ANSWERED,
         301,
         ""}, /* not followed */
        {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false, 0},
         "HEAD",
         TN_HTTP_ANSWERED,
         200,
         ""},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", false, 0},
         "GET",
         TN_HTTP_LOST,
         200,
         "hello"},
        {{"", false, 0}, "PUT", TN_HTTP_LOST, 0, ""},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", false, 0},
         "GET",
         TN_HTTP_LOST,
         200,
         "hel"},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe", true, 0},
         "GET",
         TN_HTTP_LOST,
         200,
         "he"},
        {{"", true, 0}, "DELETE", TN_HTTP_LOST, 0, ""},
    };
    const tn_http *http = engine();
    if (http == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        server local;
        asked one;
        CHECK(server_start(&local, cases[i].script));
        ask_start(&one, http, local.port, cases[i].method);
        tn_latch_wait(&one.latch);
        server_stop(&local);
        CHECK_EQ(one.request.result, cases[i].result);
        CHECK_EQ(one.request.head.status, cases[i].status);
        CHECK_STR(one.body, cases[i].body);
        CHECK((one.request.problem[0] != '\0') == (cases[i].result != TN_HTTP_ANSWERED));
    }
}

TEST(nobody_at_the_port_means_not_sent)
{
    const tn_http *http = engine();
    server local;
    asked one;
    if (http == NULL) {
        return;
    }
    CHECK(server_start(&local, (script){"", false, 0}));
    server_stop(&local);
    ask_start(&one, http, local.port, "PUT");
    tn_latch_wait(&one.latch);
    CHECK_EQ(one.request.result, TN_HTTP_NOT_SENT);
}

TEST(a_kept_connection_that_died_does_not_send_a_commit_twice)
{
    const tn_http *http = engine();
    server local;
    if (http == NULL) {
        return;
    }
    for (int fresh = 0; fresh < 2; fresh++) {
        asked one;
        CHECK(server_start(&local,
                           (script){"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 1}));
        ask_start(&one, http, local.port, "PUT");
        tn_latch_wait(&one.latch);
        CHECK_EQ(one.request.result, TN_HTTP_ANSWERED);
        /* The next one on this connection is read and not answered: libcurl repeats it by itself.
         */
        memset(&one, 0, sizeof(one));
        (void)snprintf(one.url, sizeof(one.url), "http://127.0.0.1:%u/commit", local.port);
        one.request = (tn_http_request){.method = "PUT",
                                        .url = one.url,
                                        .connect_ms = 2000,
                                        .idle_ms = 10000,
                                        .fresh_connection = fresh == 1,
                                        .take = take,
                                        .complete = complete};
        tn_latch_init(&one.latch);
        const int before = local.heads;
        http->start(http, &one.request);
        tn_latch_wait(&one.latch);
        const int sent = local.heads - before;
        const tn_http_result result = one.request.result;
        server_stop(&local);
        CHECK_EQ(result, TN_HTTP_ANSWERED);
        CHECK_EQ(sent, fresh == 0 ? 2 : 1);
    }
}

TEST(a_request_waits_for_its_time_and_can_be_cancelled)
{
    const tn_http *http = engine();
    server local;
    asked one;
    if (http == NULL) {
        return;
    }
    CHECK(server_start(&local, (script){"", true, 0}));
    ask_start(&one, http, local.port, "GET");
    CHECK(!tn_latch_wait_ms(&one.latch, 50));
    http->cancel(http, &one.request);
    tn_latch_wait(&one.latch);
    CHECK_EQ(one.request.result, TN_HTTP_CANCELLED);
    server_stop(&local);

    CHECK(server_start(&local, (script){"HTTP/1.1 204 None\r\n\r\n", false, 0}));
    const uint64_t before = tn_clock_monotonic_ns();
    memset(&one, 0, sizeof(one));
    (void)snprintf(one.url, sizeof(one.url), "http://127.0.0.1:%u/", local.port);
    one.request = (tn_http_request){.method = "DELETE",
                                    .url = one.url,
                                    .connect_ms = 2000,
                                    .idle_ms = 700,
                                    .start_ns = before + 100 * 1000000,
                                    .take = take,
                                    .complete = complete};
    tn_latch_init(&one.latch);
    http->start(http, &one.request);
    tn_latch_wait(&one.latch);
    CHECK_EQ(one.request.head.status, 204);
    CHECK(tn_clock_monotonic_ns() - before >= 100 * 1000000);
    server_stop(&local);
}

typedef struct interest {
    _Atomic bool gone;
} interest;

static bool unwanted(const tn_http_request *request)
{
    const interest *in = request->context;
    return atomic_load(&in->gone);
}

TEST(a_request_that_nobody_wants_any_more_ends_soon)
{
    static const uint64_t starts_s[] = {0, 3600}; /* under way, and waiting for its time */
    const tn_http *http = engine();
    for (size_t i = 0; http != NULL && i < 2; i++) {
        interest in = {false};
        server local;
        asked one;
        CHECK(server_start(&local, (script){"", true, 0}));
        memset(&one, 0, sizeof(one));
        (void)snprintf(one.url, sizeof(one.url), "http://127.0.0.1:%u/", local.port);
        one.request =
            (tn_http_request){.method = "GET",
                              .url = one.url,
                              .connect_ms = 2000,
                              .start_ns = tn_clock_monotonic_ns() + starts_s[i] * 1000000000,
                              .take = take,
                              .complete = complete,
                              .unwanted = unwanted,
                              .context = &in};
        tn_latch_init(&one.latch);
        http->start(http, &one.request);
        CHECK(!tn_latch_wait_ms(&one.latch, 120));
        in.gone = true; /* no wake of the engine: a signal handler may do no more */
        const uint64_t before = tn_clock_monotonic_ns();
        tn_latch_wait(&one.latch);
        CHECK(tn_clock_monotonic_ns() - before <
              UINT64_C(1000000000)); /* 50 ms, on a quiet machine */
        CHECK_EQ(one.request.result, TN_HTTP_CANCELLED);
        CHECK_EQ(one.request.begun, i == 0);
        server_stop(&local);
    }
}
