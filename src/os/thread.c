#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include "os/thread.h"

#include "os/file.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

tarn_code tn_thread_start(const char *name, void *(*run)(void *), void *argument, pthread_t *out,
                          tarn_error *err)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(out, NULL, run, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        return tn_os_fail(err, failed, "starting the thread '%s'", name);
    }
    (void)pthread_setname_np(*out, name);
    return TARN_OK;
}

void tn_thread_join(pthread_t thread)
{
    (void)pthread_join(thread, NULL);
}

void tn_thread_detach(pthread_t thread)
{
    (void)pthread_detach(thread);
}

/* Cores' worth of time that a cgroup allows, rounded up; 0 where there is no limit. */
static unsigned quota(void)
{
    char text[64];
    unsigned long time;
    unsigned long period;
    char *end;
    const int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    tn_file_close(fd);
    text[size > 0 ? size : 0] = '\0'; /* "max 100000" or "150000 100000" */
    time = strtoul(text, &end, 10);
    if (end == text) {
        return 0;
    }
    period = strtoul(end, &end, 10);
    return period == 0 || time == 0 ? 0 : (unsigned)((time + period - 1) / period);
}

unsigned tn_os_cores(void)
{
    cpu_set_t set;
    unsigned cores = 1;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        cores = (unsigned)CPU_COUNT(&set);
    } else {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        cores = online > 0 ? (unsigned)online : 1;
    }
    const unsigned allowed = quota();
    cores = allowed > 0 && allowed < cores ? allowed : cores;
    return cores > 0 ? cores : 1;
}
