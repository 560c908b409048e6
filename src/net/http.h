/*
 * http.h - one HTTP request: started, answered, told apart.
 *
 * A request is a struct of its owner's: filled in, started, and kept still until `complete` is
 * called, exactly once, from the engine's thread (or from within start).  Nothing is retried, no
 * redirect followed, no cookie kept: what to do about an answer is for those who know what they
 * asked (store/).  The usual engine is libcurl on one thread of the process, loaded when first
 * needed; tests bring an engine that answers by script.
 */
#ifndef TN_NET_HTTP_H
#define TN_NET_HTTP_H

#include "base/error.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What we use of an answer's head. */
typedef struct tn_http_head {
    int status; /* 0 while there is none */
    bool has_length, has_range, has_date, has_modified, has_retry_after;
    uint64_t length;
    uint64_t range_first, range_last;
    uint64_t range_total; /* UINT64_MAX where it is not told */
    int64_t date_s, modified_s;
    uint32_t retry_after_s;
    char etag[128];
    char region[40]; /* x-amz-bucket-region */
    char request_id[72];
} tn_http_head;

/* Takes one line, its end included or not.  A status line starts over (100 Continue, then 200). */
void tn_http_head_line(tn_http_head *head, tn_str line);

typedef enum tn_http_result {
    TN_HTTP_ANSWERED,  /* head and all of the body that the head promised */
    TN_HTTP_NOT_SENT,  /* no connection was made: it had no effect */
    TN_HTTP_LOST,      /* the connection broke, or stood still too long: who knows */
    TN_HTTP_STOPPED,   /* the body's taker had enough */
    TN_HTTP_CANCELLED, /* by tn_http_cancel */
    TN_HTTP_REFUSED    /* it cannot work: a wrong certificate, a wrong URL */
} tn_http_result;

typedef struct tn_http_request {
    /* The question. */
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value"; all that is sent besides what HTTP itself needs */
    size_t header_count;
    tn_str body;
    const char *ca_file;   /* or NULL */
    bool fresh_connection; /* libcurl repeats a request in silence when a kept connection died */
    unsigned connect_ms;
    unsigned idle_ms;  /* without a byte in either direction; 0 for ever */
    uint64_t start_ns; /* not before that time of the monotonic clock */

    /* Takes the body as it comes; the head is known by then.  False stops. */
    bool (*take)(struct tn_http_request *request, const uint8_t *data, size_t size);
    void (*complete)(struct tn_http_request *request);
    /* Asked on the engine's thread, every 50 ms at least, also before the request's time has come:
     * true ends it as tn_http_cancel() does.  NULL: nobody loses interest. */
    bool (*unwanted)(const struct tn_http_request *request);
    void *context;

    /* The answer. */
    tn_http_result result;
    bool begun; /* false: it was cancelled before its time, and had no effect */
    tn_http_head head;
    char problem[192]; /* for messages, where there was no answer */
    uint64_t received;

    /* The engine's own. */
    struct tn_http_request *next;
    _Atomic bool cancelled;
    void *handle;
    void *lines;
    size_t sent;
    uint64_t progress_ns;
} tn_http_request;

typedef struct tn_http {
    void (*start)(const struct tn_http *http, tn_http_request *request);
    /* Ends it soon; `complete` is still called.  Allowed until complete was called. */
    void (*cancel)(const struct tn_http *http, tn_http_request *request);
    void *context;
} tn_http;

/* The process's engine.  Fails with the package to install where libcurl is missing. */
TN_FALLIBLE tn_http_open(const tn_http **out, tarn_error *err);

#endif
