/*
 * fake_http.h - an HTTP engine that answers by script, for tests of what stands above it.
 *
 * Each request takes the next answer of the script, which says what came back or how it was lost,
 * and may let the pretended server act first (effect).  Answers come from within start(), so that
 * nothing waits; `start_ns` is kept in the log, not obeyed.
 */
#ifndef TN_TESTS_FAKE_HTTP_H
#define TN_TESTS_FAKE_HTTP_H

#include "net/http.h"

enum { FAKE_MAX = 64 };

typedef struct fake_answer {
    int status; /* 0: no answer, `result` says how */
    tn_http_result result;
    const char *headers; /* "Name: value\n..." */
    const char *body;
    size_t body_size; /* 0: strlen */
} fake_answer;

typedef struct fake_http {
    tn_http http;
    const fake_answer *answers;
    size_t count;
    size_t next;
    /* What was asked: */
    char methods[FAKE_MAX][8];
    char urls[FAKE_MAX][512];
    char headers[FAKE_MAX][2048];
    uint64_t start_ns[FAKE_MAX];
    bool fresh[FAKE_MAX];
} fake_http;

void fake_http_init(fake_http *fake, const fake_answer *answers, size_t count);

#endif
