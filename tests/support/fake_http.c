#include "support/fake_http.h"

#include <stdio.h>
#include <string.h>

static void answer(const fake_answer *with, tn_http_request *request)
{
    char status[64];
    request->head = (tn_http_head){.range_total = UINT64_MAX};
    request->received = 0;
    request->begun = true;
    request->problem[0] = '\0';
    request->result = with->status == 0 ? with->result : TN_HTTP_ANSWERED;
    if (with->status == 0) {
        (void)snprintf(request->problem, sizeof(request->problem), "the script says so");
    } else {
        (void)snprintf(status, sizeof(status), "HTTP/1.1 %d Scripted", with->status);
        tn_http_head_line(&request->head, tn_str_of(status));
    }
    for (const char *line = with->headers; line != NULL && *line != '\0';) {
        const size_t size = strcspn(line, "\n");
        tn_http_head_line(&request->head, (tn_str){line, size});
        line += size + (line[size] == '\n');
    }
    /* A lost answer may have begun. */
    const size_t size = with->body == NULL     ? 0
                        : with->body_size != 0 ? with->body_size
                                               : strlen(with->body);
    if (size > 0 && request->head.status != 0) {
        request->received = size;
        if (!request->take(request, (const uint8_t *)with->body, size)) {
            request->result = TN_HTTP_STOPPED;
        }
    }
    if (with->status != 0 && with->result != TN_HTTP_ANSWERED &&
        request->result == TN_HTTP_ANSWERED) {
        request->result = with->result;
        (void)snprintf(request->problem, sizeof(request->problem), "the script says so");
    }
}

static void start(const tn_http *http, tn_http_request *request)
{
    static const fake_answer end = {0, TN_HTTP_REFUSED, NULL, NULL, 0};
    fake_http *fake = http->context;
    const size_t at = fake->next++;
    if (at < FAKE_MAX) {
        char *lines = fake->headers[at];
        size_t used = 0;
        (void)snprintf(fake->methods[at], sizeof(fake->methods[at]), "%s", request->method);
        (void)snprintf(fake->urls[at], sizeof(fake->urls[at]), "%s", request->url);
        lines[0] = '\0';
        for (size_t i = 0; i < request->header_count && used < sizeof(fake->headers[at]) - 1; i++) {
            const int size = snprintf(lines + used, sizeof(fake->headers[at]) - used, "%s\n",
                                      request->headers[i]);
            used += size > 0 ? (size_t)size : 0;
        }
        fake->start_ns[at] = request->start_ns;
        fake->fresh[at] = request->fresh_connection;
    }
    answer(at < fake->count ? &fake->answers[at] : &end, request);
    request->complete(request);
}

static void cancel(const tn_http *http, tn_http_request *request)
{
    (void)http;
    request->cancelled = true;
}

void fake_http_init(fake_http *fake, const fake_answer *answers, size_t count)
{
    memset(fake, 0, sizeof(*fake));
    fake->http = (tn_http){start, cancel, fake};
    fake->answers = answers;
    fake->count = count;
}
