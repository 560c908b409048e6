#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
/*
 * Files.  Reads try the page cache first and hand only misses to an I/O thread.  Writes go to a
 * file without a name, which gets one when it is whole.  What is no regular file (a pipe, standard
 * input) is copied to a file without a name when opened, and written in order when written.
 */
#include "os/file.h"
#include "store/local_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { READ_STEP = 4 << 20, COPY_SIZE = 256 << 10 };

void tn_local__about(const struct stat *file, tn_object_info *out)
{
    const struct timespec changed = file->st_mtim;
    out->size = (uint64_t)file->st_size;
    out->modified_us = (int64_t)changed.tv_sec * 1000000 + changed.tv_nsec / 1000;
    out->is_folder = S_ISDIR(file->st_mode);
    out->is_stream = S_ISFIFO(file->st_mode) || S_ISSOCK(file->st_mode) || S_ISCHR(file->st_mode);
    (void)snprintf(out->tag, sizeof(out->tag), "%jx-%jx-%jx.%09lx-%jx", (uintmax_t)file->st_dev,
                   (uintmax_t)file->st_ino, (uintmax_t)changed.tv_sec,
                   (unsigned long)changed.tv_nsec, (uintmax_t)file->st_size);
}

static TN_FALLIBLE path_of(tn_str key, tn_path *path, tarn_error *err)
{
    return tn_path_set(path, key.size == 0 ? TN_STR(".") : key, err);
}

static TN_FALLIBLE fail_open(tn_str key, int error, tarn_error *err)
{
    char name[256];
    (void)snprintf(name, sizeof(name), "%.*s", (int)(key.size < 200 ? key.size : 200),
                   key.size > 0 ? key.data : "");
    tarn_code code;
    if (error == ENOENT || error == ENOTDIR) {
        code = tn_fail(err, TARN_E_NOT_FOUND, "there is no file '%s'", name);
        if (err != NULL) {
            err->os_errno = error;
        }
        if (name[0] == '~') {
            tn_hint(err, "'~' is not expanded within quotes: give the whole path");
        }
    } else {
        code = tn_os_fail(err, error, "opening '%s'", name);
    }
    tn_subject(err, name);
    return code;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

typedef struct local_object {
    tn_object base;
    int fd;
    bool copied; /* from a pipe: nobody else can change it */
    /* How the file system answers RWF_NOWAIT; found out by the first read. */
    _Atomic bool always_waits;
    _Atomic bool never_waits;
} local_object;

static void local_close(tn_object *object)
{
    tn_file_close(((local_object *)object)->fd);
}

static void finish_read(const local_object *object, tn_read *read, tarn_code code)
{
    tn_witness *witness = object->base.witness;
    if (code == TARN_OK && witness != NULL) {
        witness->saw(witness, read->offset, read->into, read->size);
    }
    tn_read__finish(read, code);
}

static tarn_code local_verify(tn_object *base, tarn_error *err);

static void read_rest(tn_job *job)
{
    tn_read *read = (tn_read *)(void *)((char *)job - offsetof(tn_read, job));
    local_object *object = read->private_data[0];
    size_t done = (size_t)(uintptr_t)read->private_data[1];
    tarn_code code = TARN_OK;

    (void)posix_fadvise(object->fd, (off_t)(read->offset + done), (off_t)(read->size - done),
                        POSIX_FADV_WILLNEED);
    while (code == TARN_OK && done < read->size) {
        const size_t rest = read->size - done;
        const size_t step = rest < READ_STEP ? rest : READ_STEP;
        if (atomic_load_explicit(&read->cancelled, memory_order_relaxed)) {
            code = tn_fail(&read->error, TARN_E_CANCELLED, "the read was cancelled");
            break;
        }
        code =
            tn_file_read_at(object->fd, read->offset + done, read->into + done, step, &read->error);
        done += step;
    }
    tarn_error changed = TARN_ERROR_INIT;
    if (code == TARN_E_CORRUPT && local_verify(&object->base, &changed) == TARN_E_CONFLICT) {
        code = TARN_E_CONFLICT; /* it ended early because it was cut off meanwhile */
        tn_error_copy(&read->error, &changed);
    } else if (code != TARN_OK && code != TARN_E_CANCELLED) {
        tn_explain(&read->error, "reading '%s'", object->base.uri);
        tn_subject(&read->error, object->base.uri);
    }
    finish_read(object, read, code);
}

static void local_read_start(tn_object *base, tn_read *read)
{
    local_object *object = (local_object *)base;
    size_t done = 0;
    bool unsure = false;

    if (!atomic_load_explicit(&object->always_waits, memory_order_relaxed)) {
        done = tn_file_read_cached(object->fd, read->offset, read->into, read->size, &unsure);
        if (unsure) {
            atomic_store(&object->never_waits, tn_file_in_memory(object->fd));
            atomic_store(&object->always_waits, true);
        }
    }
    read->private_data[0] = object;
    read->private_data[1] = (void *)(uintptr_t)done;
    read->job.run = read_rest;
    if (done == read->size) {
        finish_read(object, read, TARN_OK);
    } else if (atomic_load_explicit(&object->never_waits, memory_order_relaxed)) {
        read_rest(&read->job);
    } else {
        tn_io_submit(&read->job);
    }
}

static void local_expect(tn_object *base, uint64_t offset, uint64_t size)
{
    (void)posix_fadvise(((local_object *)base)->fd, (off_t)offset, (off_t)size,
                        POSIX_FADV_WILLNEED);
}

static TN_FALLIBLE fail_changed(const tn_object *object, tarn_error *err)
{
    const tarn_code code =
        tn_fail(err, TARN_E_CONFLICT, "'%s' was changed while being read", object->uri);
    tn_subject(err, object->uri);
    tn_hint(err, "run it again; writers should replace a file, not write over it");
    return code;
}

static tarn_code local_verify(tn_object *base, tarn_error *err)
{
    const local_object *object = (const local_object *)base;
    struct stat file;
    tn_object_info now = {.size = 0};
    if (object->copied) {
        return TARN_OK;
    }
    if (fstat(object->fd, &file) != 0) {
        return tn_os_fail(err, errno, "looking at '%s' again", base->uri);
    }
    tn_local__about(&file, &now);
    return strcmp(now.tag, base->info.tag) == 0 ? TARN_OK : fail_changed(base, err);
}

static const tn_object_kind local_object_kind = {local_close, local_read_start, NULL, local_expect,
                                                 local_verify};

/* Standard input and other pipes: their bytes come once, so they are kept. */
static TN_FALLIBLE copy_stream(int *fd, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_stage stage = {.fd = -1};
    char bytes[16 << 10];
    const char *folder = getenv("TMPDIR");
    char place[TN_PATH_SIZE];

    (void)snprintf(place, sizeof(place), "%s/",
                   folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    TN_TRY(tn_stage_open(&stage, tn_str_of(place), err));
    for (;;) {
        const ssize_t got = read(*fd, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            code = tn_os_fail(err, errno, "reading the stream");
            goto done;
        }
        if (got == 0) {
            break;
        }
        TN_TRY(tn_file_write(stage.fd, bytes, (size_t)got, err));
    }
    tn_file_close(*fd);
    *fd = dup(stage.fd);
    if (*fd < 0) {
        code = tn_os_fail(err, errno, "keeping the stream's copy");
    }
done:
    tn_stage_drop(&stage);
    return code;
}

static tarn_code local_open(tn_store *store, tn_str key, tn_pool *pool,
                            const tn_object_open_options *options, tn_object **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_object *base = NULL;
    struct stat file;
    tn_path path;
    int fd = -1;
    bool copied = false;

    TN_TRY(path_of(key, &path, err));
    fd = open(path.text, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &file) != 0) {
        code = fail_open(key, errno, err);
        goto done;
    }
    if (S_ISDIR(file.st_mode)) {
        code = tn_fail(err, TARN_E_INVALID, "'%s' is a folder, not a file", path.text);
        goto done;
    }
    if (!S_ISREG(file.st_mode)) {
        copied = true;
        TN_TRY(copy_stream(&fd, err));
        if (fstat(fd, &file) != 0) {
            code = fail_open(key, errno, err);
            goto done;
        }
    }
    TN_TRY(
        tn_object__create(store, key, pool, sizeof(local_object), &local_object_kind, &base, err));
    tn_local__about(&file, &base->info);
    if (options->tag != NULL && options->tag[0] != '\0' &&
        strcmp(options->tag, base->info.tag) != 0) {
        code = tn_fail(err, TARN_E_CONFLICT, "'%s' has changed since it was listed", base->uri);
        tn_hint(err, "run it again; writers should replace a file, not write over it");
        goto done;
    }
    ((local_object *)base)->fd = fd;
    ((local_object *)base)->copied = copied;
    fd = -1;
    *out = base;
    base = NULL;
done:
    tn_object__destroy(base);
    tn_file_close(fd);
    return code;
}

static tarn_code local_head(tn_store *store, tn_str key, tn_object_info *out, tarn_error *err)
{
    struct stat file;
    tn_path path;
    (void)store;
    TN_RETURN_IF_ERROR(path_of(key, &path, err));
    if (stat(path.text, &file) != 0) {
        return fail_open(key, errno, err);
    }
    tn_local__about(&file, out);
    return TARN_OK;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* One file on its way to its name. */
typedef struct local_target {
    tn_path path;   /* symbolic links followed */
    tn_stage stage; /* with only `fd` where the target is a device or a pipe */
    bool in_order;  /* such a target: bytes are written as they come */
} local_target;

/* The number of a descriptor of ours that the path names; -1: none. */
static int own_descriptor(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0) {
        return path[8] == 'o' ? STDOUT_FILENO : STDERR_FILENO;
    }
    for (size_t i = 0; i < 2; i++) {
        const size_t size = strlen(folders[i]);
        const char *const digits = path + size;
        const size_t count =
            strncmp(path, folders[i], size) == 0 ? strspn(digits, "0123456789") : 0;
        if (count > 0 && count < 7 && digits[count] == '\0') {
            return (int)strtol(digits, NULL, 10);
        }
    }
    return -1;
}

/* Where the bytes of `key` go, through symbolic links; looks at what is there now. */
static TN_FALLIBLE target_open(local_target *target, tn_str key, const tn_put_options *options,
                               tarn_error *err)
{
    struct stat file;
    struct stat link;
    char real[TN_PATH_SIZE];

    target->stage.fd = -1;
    target->stage.temporary[0] = '\0';
    target->in_order = false;
    TN_RETURN_IF_ERROR(path_of(key, &target->path, err));
    const char *path = target->path.text;
    const bool exists = stat(path, &file) == 0;
    if (exists && S_ISDIR(file.st_mode)) {
        return tn_fail(err, TARN_E_INVALID, "'%s' is a folder", path);
    }
    const int own = own_descriptor(path);
    if (own >= 0 && !exists) {
        return tn_fail(err, TARN_E_NOT_FOUND, "'%s': no such descriptor is open", path);
    }
    if (own >= 0) { /* what is there stays, also where it is a file: as a shell has it */
        const int flags = fcntl(own, F_GETFL);
        if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY) { /* or taken by who has the process */
            (void)tn_fail(err, TARN_E_INVALID, "%s cannot be written here",
                          own == STDOUT_FILENO ? "standard output" : path);
            tn_hint(err, "name a file, or a named pipe");
            return TARN_E_INVALID;
        }
        target->in_order = true;
        target->stage.fd = fcntl(own, F_DUPFD_CLOEXEC, 3);
        return target->stage.fd >= 0 ? TARN_OK : tn_os_fail(err, errno, "opening '%s'", path);
    }
    if (exists && !S_ISREG(file.st_mode)) {
        target->in_order = true;
        return tn_file_open(path, O_WRONLY, &target->stage.fd, err);
    }
    if (exists && options->mode != TN_PUT_CREATE && lstat(path, &link) == 0 &&
        S_ISLNK(link.st_mode) && realpath(path, real) != NULL) {
        TN_RETURN_IF_ERROR(tn_path_set(&target->path, tn_str_of(real), err));
    }
    const tn_str folder = tn_path_folder((tn_str){target->path.text, target->path.size});
    if (folder.size == target->path.size) {
        return tn_fail(err, TARN_E_INVALID, "'%s' is the name of a folder, not of a file", path);
    }
    tarn_code code = tn_stage_open(&target->stage, folder, err);
    if (code == TARN_E_NOT_FOUND && folder.size > 0) {
        tn_path above;
        TN_RETURN_IF_ERROR(tn_path_set(&above, tn_str_slice(folder, 0, folder.size - 1), err));
        struct stat there;
        const bool stands = stat(above.text, &there) == 0; /* somebody may just have made it */
        if (stands && !S_ISDIR(there.st_mode)) {
            return tn_folder_refuse(above.text, err);
        }
        if (!stands && options->needs_folder) {
            (void)tn_fail(err, TARN_E_NOT_FOUND, "there is no folder '%s'", above.text);
            tn_hint(err, "was it mistyped? else make it: mkdir -p '%s'", above.text);
            return TARN_E_NOT_FOUND;
        }
        if (!stands) {
            TN_RETURN_IF_ERROR(tn_folder_make(above.text, options->durable, err));
        }
        code = tn_stage_open(&target->stage, folder, err);
        if (stands && code == TARN_E_NOT_FOUND) {
            return tn_fail(err, TARN_E_INVALID, "the folder '%s' takes no files", above.text);
        }
    }
    if (code == TARN_OK && exists && options->mode != TN_PUT_CREATE) {
        (void)fchmod(target->stage.fd, file.st_mode & 0777); /* as the replaced file had it */
    }
    return code;
}

/* Update: between processes of ours the check and the rename are one step, under the folder's
 * lock. */
static TN_FALLIBLE publish_update(local_target *target, tn_store *store, tn_str key,
                                  const tn_put_options *options, bool *visible, tn_outcome *outcome,
                                  tarn_error *err)
{
    tarn_code code = TARN_OK;
    struct stat file;
    tn_object_info now = {.size = 0};
    const tn_path *folder = &target->stage.folder;
    int lock = -1;

    TN_TRY(
        tn_file_open(folder->size == 0 ? "." : folder->text, O_RDONLY | O_DIRECTORY, &lock, err));
    while (flock(lock, LOCK_EX) != 0) {
        if (errno != EINTR) {
            code = tn_os_fail(err, errno, "locking the folder of '%s'", target->path.text);
            goto done;
        }
    }
    if (stat(target->path.text, &file) == 0) {
        tn_local__about(&file, &now);
    }
    if (options->if_match == NULL || strcmp(now.tag, options->if_match) != 0) {
        code = tn_store__conflict(store, key, TN_PUT_UPDATE, outcome, err);
        goto done;
    }
    code =
        tn_stage_publish(&target->stage, target->path.text, true, options->durable, visible, err);
done:
    tn_file_close(lock);
    tn_stage_drop(&target->stage);
    return code;
}

/* Gives the bytes their name.  The target is closed in every case. */
static TN_FALLIBLE target_publish(local_target *target, tn_store *store, tn_str key,
                                  const tn_put_options *options, tn_object_info *info,
                                  tn_outcome *outcome, tarn_error *err)
{
    struct stat file;
    bool visible = false;
    tarn_code code;

    *outcome = TN_OUTCOME_REFUSED;
    if (target->in_order) {
        tn_stage_drop(&target->stage);
        *outcome = TN_OUTCOME_DONE;
        return TARN_OK;
    }
    const int copy = info == NULL ? -1 : dup(target->stage.fd);
    if (options->mode == TN_PUT_UPDATE) {
        code = publish_update(target, store, key, options, &visible, outcome, err);
    } else {
        code = tn_stage_publish(&target->stage, target->path.text,
                                options->mode == TN_PUT_OVERWRITE, options->durable, &visible, err);
        if (code == TARN_E_EXISTS) {
            code = tn_store__conflict(store, key, options->mode, outcome, err);
        }
    }
    if (code == TARN_OK) {
        *outcome = TN_OUTCOME_DONE;
        if (copy >= 0 && fstat(copy, &file) == 0) {
            tn_local__about(&file, info);
        }
    } else if (visible) {
        *outcome = TN_OUTCOME_UNKNOWN; /* named, but perhaps not for long */
        if (err != NULL) {
            err->code = TARN_E_OUTCOME_UNKNOWN;
            err->flags |= TARN_ERROR_OUTCOME_UNKNOWN;
            err->hint[0] = '\0';
            tn_hint(err,
                    "it is in place and whole; whether it outlives a loss of power is unknown");
        }
        code = TARN_E_OUTCOME_UNKNOWN;
    }
    tn_file_close(copy);
    return code;
}

static tarn_code local_put(tn_store *store, tn_str key, tn_str bytes, const tn_put_options *options,
                           tn_outcome *outcome, tarn_error *err)
{
    local_target target;
    tarn_code code = target_open(&target, key, options, err);

    if (code == TARN_OK) {
        code = tn_file_write(target.stage.fd, bytes.data, bytes.size, err);
        if (code != TARN_OK) {
            tn_stage_drop(&target.stage);
        }
    }
    if (code == TARN_OK) {
        return target_publish(&target, store, key, options, NULL, outcome, err);
    }
    char name[256];
    tn_store__name(store, key, name);
    tn_explain(err, "writing '%s'", name);
    tn_subject(err, name);
    return code;
}

/* Smaller appends are left to the fsync at the end. */
enum { START_SYNC_SIZE = 1 << 20 };

typedef struct local_upload {
    tn_upload base;
    local_target target;
    pthread_mutex_t lock; /* of what is written in order */
    _Atomic uint64_t size;
    _Atomic int failed; /* the first failure of an append: finish must not publish a hole */
} local_upload;

static tarn_code local_append_pieces(tn_upload *base, const tn_str *pieces, size_t count,
                                     uint64_t *offset, tarn_error *err)
{
    local_upload *upload = (local_upload *)base;
    tarn_code code = TARN_OK;
    uint64_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size += pieces[i].size;
    }
    if (upload->target.in_order) {
        pthread_mutex_lock(&upload->lock);
    }
    *offset = atomic_fetch_add(&upload->size, size);
    uint64_t at = *offset;
    for (size_t i = 0; i < count && code == TARN_OK; at += pieces[i++].size) {
        code = upload->target.in_order
                   ? tn_file_write(upload->target.stage.fd, pieces[i].data, pieces[i].size, err)
                   : tn_file_write_at(upload->target.stage.fd, at, pieces[i].data, pieces[i].size,
                                      err);
    }
    if (upload->target.in_order) {
        pthread_mutex_unlock(&upload->lock);
    } else if (code == TARN_OK && base->options.durable && size >= START_SYNC_SIZE) {
        tn_file_start_sync(upload->target.stage.fd, *offset, size);
    }
    if (code != TARN_OK) {
        atomic_store(&upload->failed, (int)code);
        tn_explain(err, "writing '%s'", base->key);
        tn_subject(err, base->key);
    }
    return code;
}

static tarn_code local_append(tn_upload *base, const void *data, size_t size, uint64_t *offset,
                              tn_waker *waker, bool *taken, tarn_error *err)
{
    const tn_str piece = {data, size};
    (void)waker; /* there is always room: a full disk is an error */
    const tarn_code code = local_append_pieces(base, &piece, 1, offset, err);
    *taken = code == TARN_OK;
    return code;
}

static void local_abort(tn_upload *base)
{
    tn_stage_drop(&((local_upload *)base)->target.stage);
}

static tarn_code local_finish(tn_upload *base, tn_object_info *info, tn_outcome *outcome,
                              tarn_error *err)
{
    local_upload *upload = (local_upload *)base;
    const tarn_code failed = (tarn_code)atomic_load(&upload->failed);
    if (failed != TARN_OK) {
        local_abort(base);
        return tn_fail(err, failed, "'%s' was not written: an earlier write failed", base->key);
    }
    info->size = atomic_load(&upload->size);
    const tarn_code code =
        target_publish(&upload->target, base->store, (tn_str){base->key, base->key_size},
                       &base->options, info, outcome, err);
    if (code != TARN_OK) {
        tn_subject(err, base->key);
    }
    return code;
}

static void local_upload_destroy(tn_upload *base)
{
    (void)pthread_mutex_destroy(&((local_upload *)base)->lock);
}

static const tn_upload_kind local_upload_kind = {local_append, local_append_pieces, local_finish,
                                                 local_abort, local_upload_destroy};

static tarn_code local_upload_create(tn_store *store, tn_str key, tn_pool *pool,
                                     const tn_put_options *options, tn_upload **out,
                                     tarn_error *err)
{
    tn_upload *base;
    TN_RETURN_IF_ERROR(tn_upload__create(store, key, pool, sizeof(local_upload), options,
                                         &local_upload_kind, &base, err));
    local_upload *upload = (local_upload *)base;
    const tarn_code code = target_open(&upload->target, key, &base->options, err);
    if (code != TARN_OK) {
        tn_explain(err, "writing '%s'", base->key);
        tn_subject(err, base->key);
        tn_upload__destroy(base);
        return code;
    }
    (void)pthread_mutex_init(&upload->lock, NULL);
    *out = base;
    return TARN_OK;
}

/* ---- names ------------------------------------------------------------------------------------
 */

static tarn_code local_delete_many(tn_store *store, const tn_str *keys, size_t count,
                                   tarn_error *err)
{
    tn_path path;
    (void)store;
    for (size_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(path_of(keys[i], &path, err));
        const bool folder = tn_str_ends(keys[i], TN_STR("/"));
        if ((folder ? rmdir(path.text) : unlink(path.text)) == 0 || errno == ENOENT ||
            errno == ENOTDIR || (folder && (errno == ENOTEMPTY || errno == EEXIST))) {
            continue;
        }
        const tarn_code code = tn_os_fail(err, errno, "deleting '%s'", path.text);
        tn_subject(err, path.text);
        return code;
    }
    return TARN_OK;
}

static TN_FALLIBLE copy_bytes(int from, int to, tn_pool *pool, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *bytes = NULL;

    for (;;) { /* within the kernel, where the file systems agree; some share the blocks */
        const ssize_t moved = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
        if (moved > 0) {
            continue;
        }
        if (moved == 0) {
            return TARN_OK;
        }
        if (errno != EINTR) {
            break;
        }
    }
    if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP &&
        errno != EPERM) {
        return tn_os_fail(err, errno, "copying");
    }
    TN_TRY(tn_pool_alloc(pool, COPY_SIZE, &bytes, err));
    for (;;) {
        const ssize_t got = read(from, bytes, COPY_SIZE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            code = tn_os_fail(err, errno, "reading");
            goto done;
        }
        if (got == 0) {
            break;
        }
        TN_TRY(tn_file_write(to, bytes, (size_t)got, err));
    }
done:
    tn_pool_free(pool, bytes, COPY_SIZE);
    return code;
}

static tarn_code local_copy(tn_store *store, tn_str from, tn_str to, const tn_put_options *options,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    local_target target = {.stage = {.fd = -1}};
    tn_outcome outcome;
    tn_path path;
    int fd = -1;

    TN_TRY(path_of(from, &path, err));
    fd = open(path.text, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        code = fail_open(from, errno, err);
        goto done;
    }
    TN_TRY(target_open(&target, to, options, err));
    TN_TRY(copy_bytes(fd, target.stage.fd, store->stores->pool, err));
    code = target_publish(&target, store, to, options, NULL, &outcome, err);
done:
    if (code != TARN_OK && target.stage.fd >= 0) {
        tn_stage_drop(&target.stage);
    }
    tn_file_close(fd);
    return code;
}

static void local_destroy(tn_store *store)
{
    tn_pool_free(store->stores->pool, store, sizeof(*store));
}

tarn_code tn_store__local(tn_stores *stores, tn_store **out, tarn_error *err)
{
    static const tn_store_kind kind = {
        .is_local = true,
        .destroy = local_destroy,
        .open = local_open,
        .head = local_head,
        .put = local_put,
        .upload_create = local_upload_create,
        .listing_open = tn_local__list,
        .delete_many = local_delete_many,
        .copy = local_copy,
    };
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(stores->pool, sizeof(tn_store), &memory, err));
    *out = memory;
    (*out)->kind = &kind;
    (*out)->stores = stores;
    return TARN_OK;
}
