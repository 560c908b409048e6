#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
/*
 * Listing folders: depth first with a stack of our own, in the byte order of whole keys.  For that
 * a folder sorts as its name with the slash behind it ("a.txt" before "a/b").  Held are the names
 * of the folders between the prefix and the current file, and no descriptor.
 */
#include "base/sort.h"
#include "base/vec.h"
#include "os/file.h"
#include "store/local_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

typedef struct local_name {
    size_t at; /* in the level's names; with a trailing slash for folders */
    size_t size;
} local_name;

typedef struct local_level {
    size_t path_size; /* of this folder, with its slash */
    dev_t device;     /* which folder it is: a link to one above would never end */
    ino_t inode;
    TN_VEC(char) names;
    TN_VEC(local_name) entries;
    size_t next;
} local_level;

typedef struct local_listing {
    tn_listing base;
    bool delimited;
    tn_str after;       /* our copy */
    tn_path key;        /* the folder of the top level, then the entry */
    tn_str name_prefix; /* what names in the first folder start with; our copy */
    char *copies;
    size_t copies_size;
    TN_VEC(local_level) levels;
} local_listing;

static void level_free(local_level *level)
{
    tn_vec_free(&level->names);
    tn_vec_free(&level->entries);
}

static void list_close(tn_listing *base)
{
    local_listing *list = (local_listing *)base;
    for (size_t i = 0; i < list->levels.count; i++) {
        level_free(&list->levels.items[i]);
    }
    tn_vec_free(&list->levels);
    tn_pool_free(base->pool, list->copies, list->copies_size);
    tn_pool_free(base->pool, list, sizeof(*list));
}

static int compare_names(const void *a, const void *b, void *context)
{
    const local_name *x = a;
    const local_name *y = b;
    const char *names = context;
    return tn_str_compare((tn_str){names + x->at, x->size}, (tn_str){names + y->at, y->size});
}

/* May a key that starts so still come after `after`? */
static bool is_past(const local_listing *list, tn_str key, bool is_folder)
{
    const bool below = is_folder && !list->delimited && tn_str_starts(list->after, key);
    return list->after.size == 0 || below || tn_str_compare(key, list->after) > 0;
}

/* Is this entry a folder?  Links are followed. */
static bool entry_is_folder(int folder, const struct dirent *entry)
{
    struct stat file;
    return entry->d_type == DT_DIR ||
           ((entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) &&
            fstatat(folder, entry->d_name, &file, 0) == 0 && S_ISDIR(file.st_mode));
}

static TN_FALLIBLE level_add(local_level *level, tn_str name, bool is_folder, tarn_error *err)
{
    const local_name entry = {level->names.count, name.size + is_folder};
    TN_RETURN_IF_ERROR(tn_vec_reserve(&level->names, name.size + 1, err));
    memcpy(level->names.items + level->names.count, name.data, name.size);
    level->names.items[level->names.count + name.size] = '/';
    level->names.count += entry.size;
    return tn_vec_push(&level->entries, entry, err);
}

static TN_FALLIBLE level_fill(local_listing *list, local_level *level, DIR *folder, tarn_error *err)
{
    const bool first = list->levels.count == 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder); /* NOLINT(concurrency-mt-unsafe) */
        if (entry == NULL) {
            return errno == 0 ? TARN_OK : tn_os_fail(err, errno, "listing '%s'", list->key.text);
        }
        const tn_str name = tn_str_of(entry->d_name);
        if (tn_str_equal(name, TN_STR(".")) || tn_str_equal(name, TN_STR("..")) ||
            tn_store__is_hidden(name) || (first && !tn_str_starts(name, list->name_prefix))) {
            continue;
        }
        TN_RETURN_IF_ERROR(level_add(level, name, entry_is_folder(dirfd(folder), entry), err));
    }
}

/* Reads the folder that list->key names, and goes down into it.  A folder that is gone is empty. */
static TN_FALLIBLE level_open(local_listing *list, tarn_error *err)
{
    tarn_code code = TARN_OK;
    local_level level = {.path_size = list->key.size,
                         .names = TN_VEC_INIT(list->base.pool),
                         .entries = TN_VEC_INIT(list->base.pool)};
    struct stat about;
    const int fd =
        open(list->key.size == 0 ? "." : list->key.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (folder == NULL) {
        const int error = errno;
        tn_file_close(fd);
        if (error == ENOENT || error == ENOTDIR) {
            return TARN_OK;
        }
        code = tn_os_fail(err, error, "listing '%s'", list->key.text);
        tn_subject(err, list->key.text);
        return code;
    }
    if (fstat(fd, &about) == 0) {
        level.device = about.st_dev;
        level.inode = about.st_ino;
    }
    for (size_t i = 0; i < list->levels.count; i++) {
        const local_level *above = &list->levels.items[i];
        if (above->inode == level.inode && above->device == level.device) {
            goto done; /* a link back up */
        }
    }
    TN_TRY(level_fill(list, &level, folder, err));
    if (level.entries.count > 1) {
        tn_sort(level.entries.items, level.entries.count, sizeof(local_name), compare_names,
                level.names.items);
    }
    TN_TRY(tn_vec_push(&list->levels, level, err));
    level.names.items = NULL; /* the stack's now */
    level.entries.items = NULL;
    level.names.capacity = level.entries.capacity = 0;
done:
    level_free(&level);
    (void)closedir(folder);
    return code;
}

static TN_FALLIBLE list_next(tn_listing *base, tn_object_info *entry, bool *more, tarn_error *err)
{
    local_listing *list = (local_listing *)base;
    while (list->levels.count > 0) {
        local_level *level = &list->levels.items[list->levels.count - 1];
        if (level->next == level->entries.count) {
            level_free(level);
            list->levels.count--;
            continue;
        }
        const local_name name = level->entries.items[level->next++];
        if (level->path_size + name.size >= TN_PATH_SIZE) {
            return tn_fail(err, TARN_E_LIMIT, "a path below '%.200s' is too long", list->key.text);
        }
        memcpy(list->key.text + level->path_size, level->names.items + name.at, name.size);
        list->key.size = level->path_size + name.size;
        list->key.text[list->key.size] = '\0';
        const tn_str key = {list->key.text, list->key.size};
        const bool is_folder = key.data[key.size - 1] == '/';
        if (!is_past(list, key, is_folder)) {
            continue;
        }
        if (is_folder && !list->delimited) {
            TN_RETURN_IF_ERROR(level_open(list, err));
            continue;
        }
        struct stat file;
        if (stat(list->key.text, &file) != 0) {
            if (lstat(list->key.text, &file) != 0 || !S_ISLNK(file.st_mode)) {
                continue; /* gone since */
            }
            entry->is_broken = true;
        }
        tn_local__about(&file, entry);
        if (is_folder) {
            entry->size = 0;
        }
        entry->key = key;
        entry->is_folder = is_folder;
        *more = true;
        return TARN_OK;
    }
    return TARN_OK;
}

tarn_code tn_local__list(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                         tn_pool *pool, tn_listing **out, tarn_error *err)
{
    static const tn_listing_kind kind = {list_next, list_close};
    tarn_code code = TARN_OK;
    void *memory = NULL;
    void *copies = NULL;
    local_listing *list = NULL;
    const tn_str folder = tn_path_folder(prefix);
    const size_t name_size = prefix.size - folder.size;

    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(local_listing), &memory, err));
    list = memory;
    list->base = (tn_listing){.kind = &kind, .store = store, .pool = pool};
    list->delimited = delimited;
    list->levels.pool = pool;
    TN_TRY(tn_pool_alloc(pool, name_size + after.size + 1, &copies, err));
    list->copies = copies;
    list->copies_size = name_size + after.size + 1;
    if (name_size > 0) {
        memcpy(list->copies, prefix.data + folder.size, name_size);
    }
    if (after.size > 0) {
        memcpy(list->copies + name_size, after.data, after.size);
    }
    list->name_prefix = (tn_str){list->copies, name_size};
    list->after = (tn_str){list->copies + name_size, after.size};
    TN_TRY(tn_path_set(&list->key, folder, err));
    TN_TRY(level_open(list, err));
    *out = &list->base;
    list = NULL;
done:
    if (list != NULL) {
        list_close(&list->base);
    }
    return code;
}
