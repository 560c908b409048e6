/* How far a statement has come: a line that is drawn over on a terminal, log lines elsewhere. */
#include "commands.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const uint64_t first_ns = 500000000;
static const uint64_t each_ns = 100000000;
static const uint64_t log_each_ns = UINT64_C(10000000000);

/* A process has one terminal. */
static struct {
    const invocation *in;
    uint64_t begun, last;
    bool draws, shown, whole; /* whole: the last line drawn said 100 % */
} state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* cp has several threads */

static void put_amount(double bytes, char *out, size_t room)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1000;
        unit++;
    }
    (void)snprintf(out, room, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void draw(uint64_t done, uint64_t total, double seconds)
{
    char amount[32];
    char bar[64] = "";
    put_amount((double)done, amount, sizeof(amount));
    if (total > 0) {
        const size_t cells = 30;
        const double share = done < total ? (double)done / (double)total : 1;
        size_t at = 0;
        bar[at++] = '[';
        for (size_t i = 0; i < cells; i++) {
            bar[at++] = (double)i < share * (double)cells ? '=' : ' ';
        }
        (void)snprintf(bar + at, sizeof(bar) - at, "] %3.0f %%  ", share * 100);
    }
    (void)fprintf(stderr, "\r%s%s read, %.1f s\033[K", bar, amount, seconds);
    (void)fflush(stderr);
    state.shown = true;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    const uint64_t now = now_ns();
    char members[128];
    (void)context;
    (void)pthread_mutex_lock(&lock);
    /* The end is drawn at once: a bar that vanishes at 85 % looks like something that failed. */
    const bool ends = total > 0 && done >= total && !state.whole;
    if (state.draws && now - state.begun >= first_ns && (ends || now - state.last >= each_ns)) {
        state.last = now;
        state.whole = total > 0 && done >= total;
        draw(done, total, (double)(now - state.begun) / 1e9);
    } else if (!state.draws && now - state.last >= log_each_ns) {
        state.last = now;
        (void)snprintf(members, sizeof(members), "\"bytes_read\":%llu,\"seconds\":%.1f",
                       (unsigned long long)done, (double)(now - state.begun) / 1e9);
        log_line(state.in, "info", "running", members);
    }
    (void)pthread_mutex_unlock(&lock);
}

void progress_begin(const invocation *in)
{
    const char *wanted = option_text(in, "progress");
    const char *format = option_text(in, "log-format");
    if (wanted != NULL && strcmp(wanted, "never") == 0) {
        return;
    }
    state.in = in;
    state.begun = state.last = now_ns();
    state.whole = false;
    state.draws = (wanted != NULL && strcmp(wanted, "always") == 0) ||
                  (isatty(STDERR_FILENO) == 1 && !is_quiet(in) &&
                   (format == NULL || strcmp(format, "json") != 0));
    tarn_session_on_progress(in->session, on_progress, NULL);
}

void progress_clear(void)
{
    (void)pthread_mutex_lock(&lock);
    if (state.shown) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        state.shown = false;
    }
    (void)pthread_mutex_unlock(&lock);
}

void progress_end(const invocation *in)
{
    progress_clear();
    tarn_session_on_progress(in->session, NULL, NULL);
}
