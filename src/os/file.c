#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include "os/file.h"

#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { TRANSFER_MAX = 1 << 30 }; /* one call's worth: the kernel stops at 2 GiB */

static tarn_code code_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return TARN_E_NOT_FOUND;
    case EEXIST:
        return TARN_E_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return TARN_E_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TARN_E_DISK_FULL;
    case ENOMEM:
        return TARN_E_NOMEM;
    case EMFILE:
    case ENFILE:
    case EAGAIN:
        return TARN_E_LIMIT;
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return TARN_E_INVALID;
    case EOPNOTSUPP:
    case ENOSYS:
        return TARN_E_UNSUPPORTED;
    default:
        return TARN_E_IO;
    }
}

tarn_code tn_os_fail(tarn_error *err, int error, const char *format, ...)
{
    char text[TARN_ERROR_MESSAGE_SIZE];
    va_list args;
    const tarn_code code = code_of(error);

    if (err == NULL) {
        return code;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const char *reason = strerrordesc_np(error);
    (void)tn_fail(err, code, "%s: %s", text, reason != NULL ? reason : "unknown error");
    err->os_errno = error;
    if (code == TARN_E_DISK_FULL) {
        tn_hint(err, "free some space, or write elsewhere");
    } else if (error == EACCES || error == EPERM) {
        tn_hint(err, "'ls -l' shows whose it is and who may do that");
    } else if (error == EROFS) {
        tn_hint(err, "the file system is mounted to be read only");
    } else if (error == EMFILE) {
        tn_hint(err, "raise the limit of open files: ulimit -n");
    }
    return code;
}

tarn_code tn_path_set(tn_path *path, tn_str text, tarn_error *err)
{
    path->size = 0;
    path->text[0] = '\0';
    if (text.size >= TN_PATH_SIZE) {
        return tn_fail(err, TARN_E_INVALID, "a path of %zu bytes is too long: at most %d",
                       text.size, TN_PATH_SIZE - 1);
    }
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL) {
        return tn_fail(err, TARN_E_INVALID, "the path '%.*s' has a zero byte in it",
                       TN_STR_ARGS(text));
    }
    if (text.size > 0) {
        memcpy(path->text, text.data, text.size);
    }
    path->text[text.size] = '\0';
    path->size = text.size;
    return TARN_OK;
}

tn_str tn_path_folder(tn_str path)
{
    const size_t slash = tn_str_find_last(path, '/');
    return slash == SIZE_MAX ? (tn_str){path.data, 0} : tn_str_slice(path, 0, slash + 1);
}

tn_str tn_path_current(char *into, size_t size)
{
    return getcwd(into, size) == NULL ? (tn_str){into, 0} : tn_str_of(into);
}

tarn_code tn_file_open(const char *path, int flags, int *fd, tarn_error *err)
{
    do {
        *fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
    } while (*fd < 0 && errno == EINTR);
    if (*fd < 0) {
        const tarn_code code = tn_os_fail(err, errno, "opening '%s'", path);
        tn_subject(err, path);
        return code;
    }
    return TARN_OK;
}

void tn_file_close(int fd)
{
    if (fd >= 0) {
        (void)close(fd); /* what was written is on disk only after an fsync, which reports */
    }
}

tarn_code tn_file_read_at(int fd, uint64_t offset, void *into, size_t size, tarn_error *err)
{
    uint8_t *at = into;
    while (size > 0) {
        const ssize_t got = pread(fd, at, size < TRANSFER_MAX ? size : TRANSFER_MAX, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return tn_os_fail(err, errno, "reading %zu bytes at %llu", size,
                              (unsigned long long)offset);
        }
        if (got == 0) {
            return tn_fail(err, TARN_E_CORRUPT,
                           "the file ends early, at byte %llu, %zu bytes short",
                           (unsigned long long)offset, size);
        }
        at += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return TARN_OK;
}

tarn_code tn_file_write_at(int fd, uint64_t offset, const void *data, size_t size, tarn_error *err)
{
    const uint8_t *at = data;
    while (size > 0) {
        const ssize_t put =
            pwrite(fd, at, size < TRANSFER_MAX ? size : TRANSFER_MAX, (off_t)offset);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return tn_os_fail(err, put < 0 ? errno : EIO, "writing %zu bytes", size);
        }
        at += put;
        size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return TARN_OK;
}

tarn_code tn_file_write(int fd, const void *data, size_t size, tarn_error *err)
{
    const uint8_t *at = data;
    while (size > 0) {
        const ssize_t put = write(fd, at, size < TRANSFER_MAX ? size : TRANSFER_MAX);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return tn_os_fail(err, put < 0 ? errno : EIO, "writing %zu bytes", size);
        }
        at += put;
        size -= (size_t)put;
    }
    return TARN_OK;
}

size_t tn_file_read_cached(int fd, uint64_t offset, void *into, size_t size, bool *unsure)
{
    size_t done = 0;
    *unsure = false;
    while (done < size) {
        const size_t rest = size - done;
        struct iovec part = {(uint8_t *)into + done, rest < TRANSFER_MAX ? rest : TRANSFER_MAX};
        const ssize_t got = preadv2(fd, &part, 1, (off_t)(offset + done), RWF_NOWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) { /* at the end, or failing: the waiting form finds out and says so */
            *unsure = got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL);
            break;
        }
        done += (size_t)got;
    }
    return done;
}

void tn_file_start_sync(int fd, uint64_t offset, uint64_t size)
{
#ifdef SYNC_FILE_RANGE_WRITE
    (void)sync_file_range(fd, (off64_t)offset, (off64_t)size, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd, (void)offset, (void)size;
#endif
}

bool tn_file_in_memory(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) == 0 &&
           (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

tarn_code tn_folder_sync(tn_str folder, tarn_error *err)
{
    tn_path path;
    int fd;
    TN_RETURN_IF_ERROR(tn_path_set(&path, folder.size == 0 ? TN_STR(".") : folder, err));
    TN_RETURN_IF_ERROR(tn_file_open(path.text, O_RDONLY | O_DIRECTORY, &fd, err));
    tarn_code code = TARN_OK;
    /* Some file systems cannot sync a folder and answer EINVAL: then there is nothing to do. */
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP) {
        code = tn_os_fail(err, errno, "syncing the folder '%s'", path.text);
    }
    tn_file_close(fd);
    return code;
}

tarn_code tn_folder_refuse(const char *path, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "'%s' is a file, no folder", path);
    tn_hint(err, "name another place, or move the file away");
    return TARN_E_INVALID;
}

tarn_code tn_folder_make(const char *path, bool durable, tarn_error *err)
{
    tn_path part;
    TN_RETURN_IF_ERROR(tn_path_set(&part, tn_str_of(path), err));
    for (size_t i = 1; i <= part.size; i++) {
        const char kept = part.text[i];
        if (kept != '/' && kept != '\0') {
            continue;
        }
        part.text[i] = '\0';
        if (mkdir(part.text, 0777) == 0) {
            if (durable) {
                TN_RETURN_IF_ERROR(tn_folder_sync(tn_path_folder((tn_str){part.text, i}), err));
            }
        } else {
            struct stat about; /* EEXIST, or a forbidden or read-only place that holds it already */
            const int error = errno;
            const bool exists = stat(part.text, &about) == 0;
            if (exists && !S_ISDIR(about.st_mode)) {
                return tn_folder_refuse(part.text, err);
            }
            if (!exists) {
                return tn_os_fail(err, error, "making the folder '%s'", part.text);
            }
        }
        part.text[i] = kept;
    }
    return TARN_OK;
}

/* ---- stages -----------------------------------------------------------------------------------
 */

/* A name nobody has, in the stage's folder. */
static TN_FALLIBLE name_temporary(tn_stage *stage, tn_path *out, tarn_error *err)
{
    (void)snprintf(stage->temporary, sizeof(stage->temporary), ".tarn-%016llx",
                   (unsigned long long)tn_random_u64());
    const size_t size = strlen(stage->temporary);
    *out = stage->folder;
    if (out->size + size >= TN_PATH_SIZE) {
        return tn_fail(err, TARN_E_INVALID, "the path of '%s' is too long", stage->folder.text);
    }
    memcpy(out->text + out->size, stage->temporary, size + 1);
    out->size += size;
    return TARN_OK;
}

tarn_code tn_stage_open(tn_stage *stage, tn_str folder, tarn_error *err)
{
    tn_path path;
    stage->fd = -1;
    stage->temporary[0] = '\0';
    TN_RETURN_IF_ERROR(tn_path_set(&stage->folder, folder, err));
    const char *place = folder.size == 0 ? "." : stage->folder.text;
    stage->fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (stage->fd >= 0) {
        return TARN_OK;
    }
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT) {
        return tn_os_fail(err, errno, "making a file in '%s'", place);
    }
    TN_RETURN_IF_ERROR(name_temporary(stage, &path, err));
    stage->fd = open(path.text, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (stage->fd < 0) {
        stage->temporary[0] = '\0';
        return tn_os_fail(err, errno, "making a file in '%s'", place);
    }
    return TARN_OK;
}

static void unlink_temporary(tn_stage *stage)
{
    if (stage->temporary[0] != '\0') {
        tn_path path = stage->folder;
        memcpy(path.text + path.size, stage->temporary, strlen(stage->temporary) + 1);
        (void)unlink(path.text);
        stage->temporary[0] = '\0';
    }
}

void tn_stage_drop(tn_stage *stage)
{
    unlink_temporary(stage);
    tn_file_close(stage->fd);
    stage->fd = -1;
}

/* Gives a file without a name one.  0, or the system's reason. */
static int link_unnamed(int fd, const char *path)
{
    char self[32];
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) {
        return 0;
    }
    const int error = errno;
    /* Without /proc the other form may serve, for those who have the right. */
    if (error == ENOENT && linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0) {
        return 0;
    }
    return error;
}

/* From the temporary name to a free one; file systems differ in what they can. */
static int move_to_free(const char *from, const char *to)
{
    if (link(from, to) == 0) {
        return 0; /* the caller removes the old name */
    }
    int error = errno;
    if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK) {
        error = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
    }
    return error;
}

static TN_FALLIBLE publish(tn_stage *stage, const char *path, bool replace, bool *visible,
                           tarn_error *err)
{
    tn_path temporary;
    int error;

    if (!replace && stage->temporary[0] == '\0') {
        error = link_unnamed(stage->fd, path);
    } else {
        if (stage->temporary[0] == '\0') {
            TN_RETURN_IF_ERROR(name_temporary(stage, &temporary, err));
            error = link_unnamed(stage->fd, temporary.text);
            if (error != 0) {
                stage->temporary[0] = '\0';
                return tn_os_fail(err, error, "naming the file for '%s'", path);
            }
        }
        temporary = stage->folder;
        memcpy(temporary.text + temporary.size, stage->temporary, strlen(stage->temporary) + 1);
        if (replace) {
            error = rename(temporary.text, path) == 0 ? 0 : errno;
            if (error == 0) {
                stage->temporary[0] = '\0';
            }
        } else {
            error = move_to_free(temporary.text, path);
        }
    }
    if (error == EEXIST && !replace) {
        return tn_fail(err, TARN_E_EXISTS, "'%s' is already there", path);
    }
    if (error != 0) {
        *visible = error == EIO; /* a device that failed may have done it all the same */
        return tn_os_fail(err, error, "giving the file its name '%s'", path);
    }
    return TARN_OK;
}

tarn_code tn_stage_publish(tn_stage *stage, const char *path, bool replace, bool durable,
                           bool *visible, tarn_error *err)
{
    tarn_code code = TARN_OK;

    *visible = false;
    if (durable && fsync(stage->fd) != 0) {
        code = tn_os_fail(err, errno, "syncing '%s'", path);
        goto done;
    }
    TN_TRY(publish(stage, path, replace, visible, err));
    *visible = true;
    unlink_temporary(stage); /* the second name of a linked file */
    if (durable) {
        TN_TRY(tn_folder_sync((tn_str){stage->folder.text, stage->folder.size}, err));
    }
done:
    tn_stage_drop(stage);
    return code;
}

void tn_os_home(char *out)
{
    const char *home = getenv("HOME");
    out[0] = '\0';
    if (home != NULL && home[0] != '\0') {
        (void)snprintf(out, TN_PATH_SIZE, "%s", home);
        return;
    }
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL &&
        found->pw_dir != NULL) {
        (void)snprintf(out, TN_PATH_SIZE, "%s", found->pw_dir);
    }
}
