/*
 * thread.h - threads of the library's own: all signals blocked, so that a host's handlers run on
 * the host's threads (decision 17).
 */
#ifndef TN_OS_THREAD_H
#define TN_OS_THREAD_H

#include "base/error.h"

#include <pthread.h>

/* `name` has at most 15 characters.  Joined by tn_thread_join() or detached. */
TN_FALLIBLE tn_thread_start(const char *name, void *(*run)(void *), void *argument, pthread_t *out,
                            tarn_error *err);
void tn_thread_join(pthread_t thread);
void tn_thread_detach(pthread_t thread);

unsigned tn_os_cores(void); /* this process may use: its affinity and its cgroup's quota */

#endif
