/*
 * file.h - the few things asked of the file system: whole reads and writes, temporary files that
 * vanish with the process, publishing one under its name.
 *
 * Every function waits; none is for a worker in the middle of a task unless its comment says so.
 * Descriptors are opened close-on-exec.  Failures carry the system's reason and a code that tells
 * a full disk, a missing file and a forbidden one apart.
 */
#ifndef TN_OS_FILE_H
#define TN_OS_FILE_H

#include "base/error.h"
#include "base/str.h"

#include <sys/stat.h>

/* "<message>: No space left on device", with os_errno set and the code that fits. */
tarn_code tn_os_fail(tarn_error *err, int error, const char *format, ...) TN_PRINTF(3, 4);

/* A path with its terminating zero; refuses too long ones and such with a zero inside. */
enum { TN_PATH_SIZE = 4096 };
typedef struct tn_path {
    char text[TN_PATH_SIZE];
    size_t size;
} tn_path;
TN_FALLIBLE tn_path_set(tn_path *path, tn_str text, tarn_error *err);
/* "dir/", or "" where the path has no folder. */
tn_str tn_path_folder(tn_str path);
/* The process's own folder, in `into`; "" where it is gone or its name too long. */
tn_str tn_path_current(char *into, size_t size);

/* `flags` as of open(2); O_CLOEXEC and O_NOCTTY are added. */
TN_FALLIBLE tn_file_open(const char *path, int flags, int *fd, tarn_error *err);
void tn_file_close(int fd); /* below 0 is allowed */

/* All of it, or an error; short reads and writes go on.  A read past the end is TARN_E_CORRUPT. */
TN_FALLIBLE tn_file_read_at(int fd, uint64_t offset, void *into, size_t size, tarn_error *err);
TN_FALLIBLE tn_file_write_at(int fd, uint64_t offset, const void *data, size_t size,
                             tarn_error *err);
TN_FALLIBLE tn_file_write(int fd, const void *data, size_t size, tarn_error *err); /* in order */
/* Has the disk begin with what was written, so that a later fsync() finds little to wait for; it is
 * the fsync() that reports failures, too.  For workers. */
void tn_file_start_sync(int fd, uint64_t offset, uint64_t size);
/* What the page cache has of a range, without waiting: true in `*whole` when that was all.  Where
 * the file system cannot say, nothing.  For workers. */
size_t tn_file_read_cached(int fd, uint64_t offset, void *into, size_t size, bool *unsure);
/* Is a read of this file never a wait, since it lives in memory (tmpfs)? */
bool tn_file_in_memory(int fd);

TN_FALLIBLE tn_folder_make(const char *path, bool durable, tarn_error *err);
/* Raises that a file stands where a folder is needed. */
TN_FALLIBLE tn_folder_refuse(const char *path, tarn_error *err); /* and those above */
TN_FALLIBLE tn_folder_sync(tn_str folder, tarn_error *err);      /* its entries are on disk */

/*
 * A file without a name, or with one of ours (".tarn-…") where the file system knows no O_TMPFILE.
 * tn_stage_publish() gives it its name; a stage that is dropped leaves nothing.
 */
typedef struct tn_stage {
    int fd;
    tn_path folder;     /* with its slash, or "" */
    char temporary[32]; /* below folder; "" while it has no name */
} tn_stage;
TN_FALLIBLE tn_stage_open(tn_stage *stage, tn_str folder, tarn_error *err);
/*
 * TARN_E_EXISTS where `replace` is false and the name is taken.  `*visible` tells, after a failure,
 * that the name may already show the new bytes.  The stage is closed in every case.
 */
TN_FALLIBLE tn_stage_publish(tn_stage *stage, const char *path, bool replace, bool durable,
                             bool *visible, tarn_error *err);
void tn_stage_drop(tn_stage *stage);

/* HOME, or what the user database says; "" where neither does.  `out` has TN_PATH_SIZE bytes. */
void tn_os_home(char *out);

#endif
