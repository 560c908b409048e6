/*
 * failing_io.c - a library to be preloaded: the n-th operation of a kind fails, on files below the
 * working folder and in TMPDIR.  tests/fault/failing_io.py builds and uses it.
 *
 * FAIL_KIND open, read, write, sync, start (of a writeback nobody waits for), writeback or link;
 * FAIL_AT from 1, 0: none; FAIL_ERRNO a number; FAIL_REPORT a file that gets how many operations of
 * the kind there were.
 */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 4096 };
static _Atomic long operations;
static _Atomic bool is_ours[FILES];
static const char *kind, *prefix;
static long fail_at;
static int fail_errno;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("FAIL_AT");
    const char *number = getenv("FAIL_ERRNO");
    kind = getenv("FAIL_KIND");
    kind = kind == NULL ? "" : kind;
    prefix = getenv("TMPDIR");
    fail_at = at == NULL ? 0 : strtol(at, NULL, 10);
    fail_errno = number == NULL ? EIO : (int)strtol(number, NULL, 10);
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("FAIL_REPORT");
    char text[32];
    const int size = snprintf(text, sizeof(text), "%ld", atomic_load(&operations));
    if (path != NULL) {
        const long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        (void)!syscall(SYS_write, fd, text, (size_t)size);
        (void)syscall(SYS_close, fd);
    }
}

static bool wanted(const char *path)
{
    return path[0] != '/' || (prefix != NULL && strncmp(path, prefix, strlen(prefix)) == 0) ||
           strncmp(path, "/proc/self/fd/", 14) == 0;
}

static bool fails(const char *what)
{
    if (strcmp(what, kind) != 0 || atomic_fetch_add(&operations, 1) + 1 != fail_at) {
        return false;
    }
    errno = fail_errno;
    return true;
}

static bool fails_on(int fd, const char *what)
{
    return fd >= 0 && fd < FILES && atomic_load(&is_ours[fd]) && fails(what);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    if (wanted(path) && fails("open")) {
        return -1;
    }
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fd < FILES) {
        atomic_store(&is_ours[fd], wanted(path));
    }
    return fd;
}

int close(int fd)
{
    if (fd >= 0 && fd < FILES) {
        atomic_store(&is_ours[fd], false);
    }
    return (int)syscall(SYS_close, fd);
}

static int same(int from, int to)
{
    if (from >= 0 && from < FILES && to >= 0 && to < FILES) {
        atomic_store(&is_ours[to], atomic_load(&is_ours[from]));
    }
    return to;
}

int dup(int fd)
{
    return same(fd, (int)syscall(SYS_dup, fd));
}

int fcntl(int fd, int what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    const long value = va_arg(arguments, long);
    va_end(arguments);
    const int result = (int)syscall(SYS_fcntl, fd, what, value);
    return what == F_DUPFD || what == F_DUPFD_CLOEXEC ? same(fd, result) : result;
}

ssize_t read(int fd, void *into, size_t size)
{
    return fails_on(fd, "read") ? -1 : syscall(SYS_read, fd, into, size);
}

ssize_t pread(int fd, void *into, size_t size, off_t at)
{
    return fails_on(fd, "read") ? -1 : syscall(SYS_pread64, fd, into, size, at);
}

/* Reads of what is cached may always say that nothing is. */
ssize_t preadv2(int fd, const struct iovec *into, int count, off_t at, int flags)
{
    if (fd >= 0 && fd < FILES && atomic_load(&is_ours[fd])) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_preadv2, fd, into, count, at, 0, flags);
}

ssize_t write(int fd, const void *from, size_t size)
{
    return fails_on(fd, "write") ? -1 : syscall(SYS_write, fd, from, size);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at)
{
    return fails_on(fd, "write") ? -1 : syscall(SYS_pwrite64, fd, from, size, at);
}

int fsync(int fd)
{
    return fails_on(fd, "sync") ? -1 : (int)syscall(SYS_fsync, fd);
}

/* A page that the disk did not take is told to who waits for it. */
int sync_file_range(int fd, off64_t at, off64_t size, unsigned flags)
{
    const char *kind = flags == SYNC_FILE_RANGE_WRITE ? "start" : "writeback";
    return fails_on(fd, kind) ? -1 : (int)syscall(SYS_sync_file_range, fd, at, size, flags);
}

int link(const char *from, const char *to)
{
    return fails("link") ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    return fails("link") ? -1 : (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

int rename(const char *from, const char *to)
{
    return fails("link") ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return fails("link") ? -1
                         : (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}
