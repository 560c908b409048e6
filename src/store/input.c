/* Standard input as an object: what can be read only once is copied to a file without a name. */
#include "os/file.h"
#include "store/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK = 1 << 18 };

static TN_FALLIBLE copy_input(tn_stores *stores, int to, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *block = NULL;
    TN_TRY(tn_pool_alloc(stores->pool, BLOCK, &block, err));
    for (;;) {
        const ssize_t size = read(STDIN_FILENO, block, BLOCK);
        if (size > 0) {
            TN_TRY(tn_file_write(to, block, (size_t)size, err));
        } else if (size == 0) {
            break;
        } else if (errno == EBADF) { /* closed, or taken by who has the process */
            code = tn_fail(err, TARN_E_INVALID, "standard input cannot be read here");
            tn_hint(err, "name a file, or a named pipe");
            goto done;
        } else if (errno != EINTR) {
            code = tn_os_fail(err, errno, "reading standard input");
            goto done;
        }
        if (stores->options.stop != NULL && atomic_load(stores->options.stop)) {
            code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
            goto done;
        }
    }
done:
    tn_pool_free(stores->pool, block, BLOCK);
    return code;
}

tarn_code tn_stores_input(tn_stores *stores, tn_arena *arena, tn_store **store, tn_str *key,
                          tarn_error *err)
{
    tarn_code code = TARN_OK;
    const char *folder = getenv("TMPDIR");
    tn_path path;

    *store = stores->local;
    pthread_mutex_lock(&stores->input_lock);
    if (!stores->has_input) {
        TN_TRY(tn_path_set(&path, tn_str_of(folder != NULL && folder[0] != '\0' ? folder : "/tmp"),
                           err));
        char with_slash[TN_PATH_SIZE + 1];
        (void)snprintf(with_slash, sizeof(with_slash), "%s/", path.text);
        TN_TRY(tn_stage_open(&stores->input, tn_str_of(with_slash), err));
        code = copy_input(stores, stores->input.fd, err);
        if (code != TARN_OK) {
            tn_stage_drop(&stores->input);
            goto done;
        }
        stores->has_input = true;
    }
    TN_TRY(tn_arena_print(arena, key, err, "/proc/self/fd/%d", stores->input.fd));
done:
    pthread_mutex_unlock(&stores->input_lock);
    return code;
}

bool tn_stores__is_input(tn_stores *stores, tn_str key)
{
    char name[64];
    if (stores == NULL || !tn_str_starts(key, TN_STR("/proc/self/fd/"))) {
        return false; /* nobody waits here for another's standard input */
    }
    pthread_mutex_lock(&stores->input_lock);
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", stores->input.fd);
    const bool same = stores->has_input && tn_str_equal(key, tn_str_of(name));
    pthread_mutex_unlock(&stores->input_lock);
    return same;
}

void tn_stores__close_input(tn_stores *stores)
{
    if (stores->has_input) {
        tn_stage_drop(&stores->input);
    }
}
