/*
 * tarn shell --json: a thread reads requests, so that a cancel is seen while another one runs; the
 * main thread answers them in order.
 */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10, WAITING_MAX = 1024 };
static const size_t line_size_max = (size_t)1 << 30;

typedef struct request {
    char *text;
    size_t size;
} request;

typedef struct channel {
    tarn_shell *shell;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    request waiting[WAITING_MAX];
    int requests; /* the descriptor they come by */
    int answers;  /* ... and go by */
    size_t first, count;
    uint64_t received, answered;
    uint64_t cancelled_to; /* requests up to this one were cancelled before their turn */
    bool ended;
    bool no_memory;
} channel;

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \t\r", text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Takes the text, or false when the other side has left. */
static bool hand_over(channel *c, char *text, size_t size)
{
    if (is_blank(text, size)) {
        tarn_text_free(text);
        return true;
    }
    (void)pthread_mutex_lock(&c->lock);
    if (tarn_shell_is_cancel(text, size)) {
        c->cancelled_to = c->received;
        tarn_shell_cancel(c->shell);
        tarn_text_free(text);
    } else {
        while (c->count == WAITING_MAX && !c->ended) {
            (void)pthread_cond_wait(&c->changed, &c->lock);
        }
        c->waiting[(c->first + c->count++) % WAITING_MAX] = (request){text, size};
        c->received++;
        (void)pthread_cond_broadcast(&c->changed);
    }
    const bool goes_on = !c->ended;
    (void)pthread_mutex_unlock(&c->lock);
    return goes_on;
}

static void finish(channel *c, bool no_memory)
{
    (void)pthread_mutex_lock(&c->lock);
    c->ended = true;
    c->no_memory = no_memory;
    (void)pthread_cond_broadcast(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
}

static void *read_requests(void *argument)
{
    channel *c = argument;
    char buffer[READ_SIZE];
    char *line = NULL;
    size_t size = 0;
    for (;;) {
        const ssize_t got = read(c->requests, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        for (size_t from = 0; from < (size_t)got;) {
            const char *end = memchr(buffer + from, '\n', (size_t)got - from);
            const size_t part = end == NULL ? (size_t)got - from : (size_t)(end - (buffer + from));
            if (size + part > line_size_max || !text_add(&line, &size, buffer + from, part)) {
                tarn_text_free(line);
                finish(c, true);
                return NULL;
            }
            from += part;
            if (end != NULL) {
                from++;
                if (!hand_over(c, line, size)) {
                    return NULL;
                }
                line = NULL;
                size = 0;
            }
        }
    }
    if (size > 0) {
        (void)hand_over(c, line, size);
    } else {
        tarn_text_free(line);
    }
    finish(c, false);
    return NULL;
}

/* The next request, or false at the end. */
static bool next_request(channel *c, request *out)
{
    (void)pthread_mutex_lock(&c->lock);
    while (c->count == 0 && !c->ended && signal_seen() == 0) {
        (void)pthread_cond_wait(&c->changed, &c->lock);
    }
    const bool found = c->count > 0;
    if (found) {
        *out = c->waiting[c->first];
        c->first = (c->first + 1) % WAITING_MAX;
        c->count--;
        c->answered++;
        tarn_shell_begin(c->shell, c->answered <= c->cancelled_to);
        (void)pthread_cond_broadcast(&c->changed);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return found;
}

static int answer_all(invocation *in, channel *c)
{
    output out;
    request next;
    int code = output_open(&out, in, NULL);
    out.fd = c->answers;
    while (code < 0 && next_request(c, &next)) {
        tarn_error error = TARN_ERROR_INIT;
        char *answer = NULL;
        size_t size;
        if (tarn_shell_answer(c->shell, next.text, next.size, &answer, &size, &error) != TARN_OK) {
            code = report(in, &error, NULL, 0);
        } else if (!output_write(&out, answer, size)) {
            code = output_close(&out, EXIT_DONE);
        }
        tarn_text_free(answer);
        tarn_text_free(next.text);
    }
    return code;
}

/* A stream of the process under another number; behind its own stands what cannot be used. */
static bool take_stream(int stream, int flags, int *out)
{
    const int nothing = open("/dev/null", flags | O_CLOEXEC);
    *out = fcntl(stream, F_DUPFD_CLOEXEC, 3);
    const bool taken = *out >= 0 && nothing >= 0 && dup2(nothing, stream) == stream;
    if (nothing > STDERR_FILENO) {
        (void)close(nothing);
    }
    return taken;
}

/* Standard input and output belong to requests and answers: a statement that would read the one
 * (FROM '-') or write to the other (COPY ... TO '-') fails, in place of spoiling them. */
static bool take_streams(channel *c)
{
    return take_stream(STDIN_FILENO, O_WRONLY, &c->requests) &&
           take_stream(STDOUT_FILENO, O_RDONLY, &c->answers);
}

static int set_in_shell(void *context, const char *name, const char *value)
{
    return tarn_shell_set(context, name, value, NULL) == TARN_OK ? -1 : EXIT_TRY_AGAIN;
}

int serve_json(invocation *in)
{
    static channel c; /* large; one a process */
    tarn_error error = TARN_ERROR_INIT;
    pthread_t reader;
    int code;
    /* A session of its own checks the settings of the command line before any request. */
    if (session_of(in, &code) == NULL) {
        return code;
    }
    cancel_with(NULL, NULL); /* Ctrl-C ends the shell: a client sends {"cmd": "cancel"} */
    if (tarn_shell_open(&c.shell, &error) != TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    code = each_setting(in, set_in_shell, c.shell);
    (void)pthread_mutex_init(&c.lock, NULL);
    (void)pthread_cond_init(&c.changed, NULL);
    if (code < 0 && !take_streams(&c)) {
        code = usage_error(in, "", "standard input or output is closed");
    }
    if (code < 0 && pthread_create(&reader, NULL, read_requests, &c) != 0) {
        code = usage_error(in, "", "no thread could be started");
    }
    if (code >= 0) {
        tarn_shell_close(c.shell);
        return code;
    }
    code = answer_all(in, &c);
    if (code >= 0) { /* the reader may wait for input for ever: the process ends under it */
        return code;
    }
    (void)pthread_join(reader, NULL);
    tarn_shell_close(c.shell);
    return c.no_memory ? usage_error(in, "", "a request is too long") : EXIT_DONE;
}
