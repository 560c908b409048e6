#include "pipeline/stop.h"

#ifdef TARN_TEST_HOOKS

#    include "base/str.h"
#    include "os/clock.h"

#    include <signal.h>
#    include <stdlib.h>
#    include <unistd.h>

#    define NAME(name) #    name,
static const char *const names[] = {TN_STOP_POINTS(NAME)};
#    undef NAME

void tn_stop_at(tn_stop point)
{
    const char *wanted = getenv("TARN_HOLD_AT");
    if (wanted != NULL && strcmp(wanted, names[point]) == 0) { /* for two seconds */
        for (int i = 0; i < 100; i++) {
            tn_clock_sleep_ms(20);
        }
    }
    wanted = getenv("TARN_STOP_AT");
    if (wanted != NULL && strcmp(wanted, names[point]) == 0) {
        (void)kill(getpid(), SIGKILL);
        for (;;) {
            (void)pause();
        }
    }
}

tarn_code tn_stop_check(tarn_error *err)
{
    const char *wanted = getenv("TARN_STOP_AT");
    char list[TARN_ERROR_HINT_SIZE];
    size_t size = 0;
    for (size_t i = 0; i < TN_STOP_COUNT; i++) {
        if (wanted == NULL || strcmp(wanted, names[i]) == 0) {
            return TARN_OK;
        }
    }
    list[0] = '\0';
    for (size_t i = 0; i < TN_STOP_COUNT; i++) {
        const size_t more = strlen(names[i]);
        if (size + more + 2 < sizeof(list)) {
            memcpy(list + size, names[i], more);
            size += more;
            list[size++] = ' ';
            list[size] = '\0';
        }
    }
    (void)tn_fail(err, TARN_E_INVALID, "TARN_STOP_AT names no point");
    tn_hint(err, "%s", list);
    return TARN_E_INVALID;
}

#endif
