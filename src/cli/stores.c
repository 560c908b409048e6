/* tarn ls, cat, cp, rm, stat: files and objects of any store. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): nftw */
#include "targets.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 20, JOBS_MAX = 64 };

/* ---- ls and stat ---- */

static void put_size(const invocation *in, const char *text, char *out, size_t room)
{
    static const char units[] = "BKMGTPE";
    double size = text == NULL ? 0 : strtod(text, NULL);
    size_t unit = 0;
    if (text == NULL || !option_is_set(in, "human") || size < 1024) {
        (void)snprintf(out, room, "%s", text == NULL ? "-" : text);
        return;
    }
    while (size >= 1024 && unit + 2 < sizeof(units)) {
        size /= 1024;
        unit++;
    }
    (void)snprintf(out, room, size < 10 ? "%.1f%c" : "%.0f%c", size, units[unit]);
}

typedef struct lines {
    const invocation *in;
    output *out;
    bool is_long;
    bool bare; /* the folder that we are in: its name says nothing */
} lines;

static int put_line(void *context, const char *const *values, size_t count)
{
    const lines *l = context;
    char head[96];
    char size[32];
    (void)count;
    if (l->is_long) {
        put_size(l->in, values[1], size, sizeof(size));
        (void)snprintf(head, sizeof(head), "%12s  %.19s  ", size,
                       values[2] == NULL ? "-                  " : values[2]);
        (void)output_write(l->out, head, strlen(head));
    }
    const char *name = values[0] + (l->bare && strncmp(values[0], "./", 2) == 0 ? 2 : 0);
    return output_write(l->out, name, strlen(name)) && output_write(l->out, "\n", 1);
}

static int list_one(invocation *in, const char *uri, output *out)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_result *result;
    lines l = {in, out, option_is_set(in, "long") || option_is_set(in, "human"),
               strcmp(uri, ".") == 0};
    const uint32_t what =
        TARN_LIST_FOLDERS | (option_is_set(in, "recursive") ? TARN_LIST_ALL : TARN_LIST_LEVEL);
    if (tarn_store_list(in->session, uri, what, &result, &error) != TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    if (option_text(in, "format") != NULL || option_text(in, "output") != NULL) {
        return print_and_close(in, result);
    }
    const tarn_code code = tarn_result_rows(result, put_line, &l, &error);
    tarn_result_close(result);
    return code == TARN_OK ? EXIT_DONE : report(in, &error, NULL, 0);
}

/* Each URI has a list of its own: they do not fit into one file. */
static int refuse_lists(const invocation *in)
{
    size_t at = 0;
    return in->word_count < 2 || option_each(in, "output", &at) == NULL
               ? -1
               : usage_error(in, "a glob is one URI, in quotes",
                             "-o holds one list: 'tarn %s' takes one URI then", in->command->name);
}

int run_ls(invocation *in)
{
    output out;
    int code = refuse_lists(in);
    if (code >= 0) {
        return code;
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    code = output_open(&out, in, NULL);
    code = code < 0 ? EXIT_DONE : code;
    if (in->word_count == 0) {
        code = list_one(in, ".", &out);
    }
    for (size_t i = 0; i < in->word_count && code == EXIT_DONE; i++) {
        code = list_one(in, in->words[i], &out);
    }
    return output_close(&out, code);
}

int run_stat(invocation *in)
{
    int code = EXIT_DONE;
    if (in->word_count == 0) {
        return usage_error(in, "tarn stat URI...", "no URI given");
    }
    if ((code = refuse_lists(in)) >= 0) {
        return code;
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    code = EXIT_DONE;
    for (size_t i = 0; i < in->word_count && code == EXIT_DONE; i++) {
        tarn_error error = TARN_ERROR_INIT;
        tarn_result *result;
        code = tarn_store_stat(in->session, in->words[i], &result, &error) == TARN_OK
                   ? print_and_close(in, result)
                   : report(in, &error, NULL, 0);
    }
    return code;
}

/* ---- names of files, gathered before anything is done to them ---- */

static int gather(void *context, const char *const *values, size_t count)
{
    names *n = context;
    (void)count;
    if (strcmp(values[3], "folder") == 0) {
        n->folders = true;
        return 1;
    }
    n->failed = !text_add(&n->text, &n->size, values[0], strlen(values[0]) + 1);
    n->count++;
    return !n->failed;
}

/*
 * What a URI names; with -r all that lies below it.  Exit code, or -1.  Without -r a folder gives
 * no names, and `folders` is set: what is in it was not asked for.
 */
static int expand(invocation *in, const char *uri, names *out)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_result *result;
    if (!option_is_set(in, "recursive") && strcspn(uri, "*?[") == strlen(uri)) {
        if (tarn_store_stat(in->session, uri, &result, NULL) != TARN_OK) {
            if (tarn_store_list(in->session, uri, TARN_LIST_LEVEL, &result, &error) != TARN_OK) {
                return report(in, &error, NULL, 0);
            }
            tarn_result_close(result); /* a bucket's folder */
            out->folders = true;
            return -1;
        }
        const tarn_code code = tarn_result_rows(result, gather, out, &error);
        tarn_result_close(result);
        return code == TARN_OK ? -1 : report(in, &error, NULL, 0);
    }
    if (tarn_store_list(in->session, uri,
                        option_is_set(in, "recursive") ? TARN_LIST_ALL : TARN_LIST_LEVEL, &result,
                        &error) != TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    const tarn_code code = tarn_result_rows(result, gather, out, &error);
    tarn_result_close(result);
    if (code == TARN_OK && !out->failed) {
        return -1;
    }
    return code != TARN_OK ? report(in, &error, NULL, 0) : usage_error(in, "", "out of memory");
}

/* ---- cat ---- */

int run_cat(invocation *in)
{
    output out;
    names n = {NULL, 0, 0, false, false};
    int code;
    if (in->word_count == 0) {
        return usage_error(in, "tarn cat URI...", "no URI given");
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    code = output_open(&out, in, option_text(in, "output"));
    for (size_t i = 0; i < in->word_count && code < 0; i++) {
        code = expand(in, in->words[i], &n);
    }
    const char *name = n.text;
    for (size_t i = 0; i < n.count && code < 0; i++, name += strlen(name) + 1) {
        tarn_error error = TARN_ERROR_INIT;
        if (tarn_store_read(in->session, name, output_write, &out, &error) != TARN_OK) {
            code = report(in, &error, NULL, 0);
        }
    }
    if (code < 0 && n.count == 0) {
        code = usage_error(in, "-r takes all that is in it", "'%s' is a folder", in->words[0]);
    }
    tarn_text_free(n.text);
    return output_close(&out, code < 0 ? EXIT_DONE : code);
}

/* ---- cp ---- */

typedef struct copying {
    invocation *in;
    const char *const *from; /* pairs */
    const char *const *to;
    size_t count;
    size_t next; /* under the lock */
    pthread_mutex_t lock;
    uint64_t bytes;
    int code;
} copying;

static const tarn_copy *copy_options(const invocation *in, tarn_copy *out)
{
    *out = (tarn_copy){.struct_size = sizeof(*out),
                       .no_clobber = option_is_set(in, "no-clobber"),
                       .if_match = option_text(in, "if-match")};
    return out;
}

static void *copy_some(void *argument)
{
    copying *c = argument;
    tarn_copy options;
    for (;;) {
        tarn_error error = TARN_ERROR_INIT;
        uint64_t bytes = 0;
        (void)pthread_mutex_lock(&c->lock);
        const size_t at = c->code < 0 && signal_seen() == 0 ? c->next++ : c->count;
        (void)pthread_mutex_unlock(&c->lock);
        if (at >= c->count) {
            return NULL;
        }
        const tarn_code code = tarn_store_copy(c->in->session, c->from[at], c->to[at],
                                               copy_options(c->in, &options), &bytes, &error);
        (void)pthread_mutex_lock(&c->lock);
        c->bytes += bytes;
        if (code != TARN_OK && c->code < 0) {
            c->code = report(c->in, &error, NULL, 0);
        } else if (code == TARN_OK && isatty(STDERR_FILENO) == 1) {
            progress_clear();
            tell(c->in, "'%s' -> '%s'\n", c->from[at], c->to[at]);
        }
        (void)pthread_mutex_unlock(&c->lock);
    }
}

static int copy_all(copying *c)
{
    pthread_t threads[JOBS_MAX];
    uint64_t jobs;
    size_t started = 0;
    if (!option_number(c->in, "jobs", 4, &jobs) || jobs == 0 || jobs > JOBS_MAX) {
        return usage_error(c->in, "", "--jobs takes a number from 1 to %d", JOBS_MAX);
    }
    (void)pthread_mutex_init(&c->lock, NULL);
    while (started + 1 < jobs && started + 1 < c->count) {
        if (pthread_create(&threads[started], NULL, copy_some, c) != 0) {
            break;
        }
        started++;
    }
    (void)copy_some(c);
    while (started > 0) {
        (void)pthread_join(threads[--started], NULL);
    }
    (void)pthread_mutex_destroy(&c->lock);
    return c->code < 0 ? EXIT_DONE : c->code;
}

/* From standard input. */
static int copy_input(invocation *in, const char *to)
{
    static char buffer[READ_SIZE];
    tarn_error error = TARN_ERROR_INIT;
    tarn_copy options;
    tarn_upload *upload;
    ssize_t got;
    if (tarn_upload_open(in->session, to, copy_options(in, &options), &upload, &error) != TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    while ((got = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
        if (tarn_upload_write(upload, buffer, (size_t)got, &error) != TARN_OK) {
            tarn_upload_abort(upload);
            return report(in, &error, NULL, 0);
        }
    }
    if (got < 0) {
        error.code = errno == EINTR ? TARN_E_CANCELLED : TARN_E_IO;
        (void)snprintf(error.message, sizeof(error.message), "reading standard input: %s",
                       errno == EINTR ? "cancelled" : strerror(errno));
        tarn_upload_abort(upload);
        return report(in, &error, NULL, 0);
    }
    return tarn_upload_finish(upload, &error) == TARN_OK ? EXIT_DONE : report(in, &error, NULL, 0);
}

/* A folder that a pattern matches has a slash at its end, and is not what is written to. */
static int see_folder(void *context, const char *const *values, size_t count)
{
    bool *found = context;
    (void)count;
    *found = *found || (strcmp(values[3], "folder") == 0 && !ends_with_slash(values[0]));
    return 1;
}

/* Is the target a folder?  By its slash, or since there is one. */
static bool is_folder(invocation *in, const char *uri)
{
    tarn_result *result;
    bool found = false;
    const char *bucket = strstr(uri, "://");
    if (ends_with_slash(uri) || (bucket != NULL && strchr(bucket + 3, '/') == NULL)) {
        return true;
    }
    if (tarn_store_stat(in->session, uri, &result, NULL) != TARN_OK) {
        return false;
    }
    const tarn_code code = tarn_result_rows(result, see_folder, &found, NULL);
    tarn_result_close(result);
    return code == TARN_OK && found;
}

static int copy_lists(invocation *in, const names *from, const names *to)
{
    char *memory = NULL;
    if (tarn_text_resize(&memory, 2 * (from->count + 1) * sizeof(char *), NULL) != TARN_OK) {
        return usage_error(in, "", "out of memory");
    }
    const char **sources = (const char **)(void *)memory;
    const char **targets = sources + from->count;
    const char *a = from->text;
    const char *b = to->text;
    for (size_t i = 0; i < from->count; i++) {
        sources[i] = a;
        targets[i] = b;
        a += strlen(a) + 1;
        b += strlen(b) + 1;
    }
    copying c = {.in = in, .from = sources, .to = targets, .count = from->count, .code = -1};
    int code = EXIT_DONE;
    if (option_is_set(in, "dry-run")) {
        for (size_t i = 0; i < c.count; i++) {
            printf("'%s' -> '%s'\n", sources[i], targets[i]);
        }
    } else {
        progress_begin(in);
        code = copy_all(&c);
        progress_end(in);
    }
    tarn_text_free(memory);
    return code;
}

int run_cp(invocation *in)
{
    names from = {NULL, 0, 0, false, false};
    names to = {NULL, 0, 0, false, false};
    output out;
    int code;
    if (in->word_count < 2) {
        return usage_error(in, "tarn cp FROM... TO", "cp takes at least a source and a target");
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    const char *word = in->words[in->word_count - 1];
    if (strcmp(in->words[0], "-") == 0) {
        return in->word_count == 2 ? copy_input(in, word)
                                   : usage_error(in, "", "standard input is one source");
    }
    code = -1;
    if (strcmp(word, "-") == 0) {
        code = output_open(&out, in, NULL);
        for (size_t i = 0; i + 1 < in->word_count && code < 0; i++) {
            tarn_error error = TARN_ERROR_INIT;
            if (tarn_store_read(in->session, in->words[i], output_write, &out, &error) != TARN_OK) {
                code = report(in, &error, NULL, 0);
            }
        }
        return output_close(&out, code < 0 ? EXIT_DONE : code);
    }
    const bool into_folder = is_folder(in, word);
    char *target = plain_uri(word);
    code = target == NULL ? usage_error(in, "", "out of memory") : -1;
    for (size_t i = 0; i + 1 < in->word_count && code < 0; i++) {
        const size_t before = from.count;
        const size_t begin = from.size;
        code = expand(in, in->words[i], &from);
        const bool into = into_folder || from.count - before > 1 || in->word_count > 2 ||
                          option_is_set(in, "recursive");
        char *source = plain_uri(in->words[i]);
        if (code < 0) {
            code = source == NULL ? usage_error(in, "", "out of memory")
                                  : add_targets(in, &from, before, from.text + begin, source,
                                                target, into, &to);
        }
        tarn_text_free(source);
        if (code < 0 && from.count == before) {
            code = usage_error(in, "-r copies all that is in it", "'%s' is a folder", in->words[i]);
        }
    }
    code = code < 0 ? refuse_clashes(in, &from, &to) : code;
    code = code < 0 ? copy_lists(in, &from, &to) : code;
    tarn_text_free(target);
    tarn_text_free(from.text);
    tarn_text_free(to.text);
    return code;
}

/* ---- rm ---- */

/* What is left in the journal belongs to processes that still run. */
static int tell_running(void *context, const char *const *values, size_t count)
{
    if (count > 3) {
        tell(context, "left the upload to '%s' of process %s, which still runs\n", values[0],
             values[3] == NULL ? "?" : values[3]);
    }
    return 0;
}

static int remove_uploads(invocation *in)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_result *result;
    const char *uri = in->word_count == 0 ? "" : in->words[0];
    uint64_t count = 0;
    if (in->word_count > 1) {
        return usage_error(in, "tarn rm --uploads URI", "--uploads takes one URI");
    }
    if (option_is_set(in, "dry-run")) {
        return tarn_store_uploads(in->session, uri, &result, &error) == TARN_OK
                   ? print_and_close(in, result)
                   : report(in, &error, NULL, 0);
    }
    if (tarn_store_abort_uploads(in->session, uri, in->word_count == 1, &count, &error) !=
        TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    tell(in, "%llu open upload%s aborted\n", (unsigned long long)count, count == 1 ? "" : "s");
    if (tarn_store_uploads(in->session, uri, &result, NULL) == TARN_OK) {
        (void)!tarn_result_rows(result, tell_running, in, NULL);
        tarn_result_close(result);
    }
    return EXIT_DONE;
}

static bool may_remove(const invocation *in, size_t count)
{
    char answer[16] = "";
    if (count < 2 || option_is_set(in, "yes") || isatty(STDIN_FILENO) != 1) {
        return true;
    }
    (void)fprintf(stderr, "remove %zu files? [y/N] ", count);
    (void)fflush(stderr);
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Folders that are empty now, from the removed file up to what was named.  A bucket has none. */
static void remove_folders(const char *file, const char *root)
{
    char folder[4096];
    const size_t root_size = strlen(root);
    const size_t size = strlen(file);
    struct stat about;
    if (strstr(file, "://") != NULL || size >= sizeof(folder) ||
        (strcspn(root, "*?[") < root_size && stat(root, &about) != 0)) { /* a pattern */
        return;
    }
    memcpy(folder, file, size + 1);
    for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
        *slash = '\0';
        if ((size_t)(slash - folder) + ends_with_slash(root) < root_size || rmdir(folder) != 0) {
            return;
        }
    }
}

/* A link to nothing: it is there to be removed, though nothing can be read of it. */
static bool is_dangling(const char *uri)
{
    struct stat about;
    return strstr(uri, "://") == NULL && lstat(uri, &about) == 0 && S_ISLNK(about.st_mode) &&
           stat(uri, &about) != 0 && errno == ENOENT;
}

static bool is_link(const char *path)
{
    struct stat about;
    return strstr(path, "://") == NULL && lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}

static bool is_link_to_folder(const char *path)
{
    struct stat about;
    return is_link(path) && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Of a file below `root` that stands behind a link to a folder, the size of the link's path; or 0.
 */
static size_t link_size(const char *file, const char *root)
{
    char path[4096];
    const size_t size = strlen(file);
    const size_t root_size = strlen(root);
    if (strstr(file, "://") != NULL || size >= sizeof(path) ||
        strncmp(file, root, root_size) != 0) {
        return 0;
    }
    memcpy(path, file, size + 1);
    for (size_t i = root_size + 1; i < size; i++) {
        if (path[i] != '/') {
            continue;
        }
        path[i] = '\0';
        if (is_link(path)) {
            return i;
        }
        path[i] = '/';
    }
    return 0;
}

/* A thousand at a time: a bucket is asked once for all of them. */
static int remove_names(invocation *in, const names *all)
{
    enum { BATCH = 1000 };
    const char *batch[BATCH];
    const char *name = all->text;
    for (size_t done = 0; done < all->count;) {
        tarn_error error = TARN_ERROR_INIT;
        size_t count = 0;
        for (; count < BATCH && done + count < all->count; name += strlen(name) + 1) {
            batch[count++] = name;
            if (is_dangling(name) || is_link_to_folder(name)) {
                /* a store looks for what is behind it; a failure is the store's to tell */
                (void)unlink(name);
            }
        }
        if (tarn_store_delete_many(in->session, batch, count, &error) != TARN_OK) {
            return report(in, &error, NULL, 0);
        }
        for (size_t k = 0; k < in->word_count && option_is_set(in, "recursive"); k++) {
            char *root = plain_uri(in->words[k]);
            for (size_t i = 0; i < count && root != NULL; i++) {
                remove_folders(batch[i], root);
            }
            tarn_text_free(root);
        }
        done += count;
    }
    return -1;
}

static int add_name(const invocation *in, names *to, const char *name, size_t size)
{
    to->count++;
    return text_add(&to->text, &to->size, name, size) && text_add(&to->text, &to->size, "", 1)
               ? -1
               : usage_error(in, "", "out of memory");
}

/* The folder that a pattern begins in, in place; false where there is no "**" in it. */
static bool cut_pattern(char *pattern)
{
    const bool is_deep = strstr(pattern, "**") != NULL;
    pattern[strcspn(pattern, "*?[")] = '\0';
    char *slash = strrchr(pattern, '/');
    *(slash == NULL ? pattern : slash) = '\0';
    return is_deep;
}

/* What a URI names.  With -r a link is removed itself, and never what stands behind it; "**" goes
 * through none. */
static int expand_removed(invocation *in, const char *uri, names *out)
{
    names found = {NULL, 0, 0, false, false};
    const char *last = NULL;
    if (is_dangling(uri) || (option_is_set(in, "recursive") && is_link(uri))) {
        return add_name(in, out, uri, strlen(uri));
    }
    char *root = plain_uri(uri);
    int code = root == NULL ? usage_error(in, "", "out of memory") : expand(in, uri, &found);
    const char *name = found.text;
    const bool is_pattern = root != NULL && strcspn(root, "*?[") < strlen(root);
    const bool looks = is_pattern ? cut_pattern(root) : option_is_set(in, "recursive");
    for (size_t i = 0; i < found.count && code < 0; i++, name += strlen(name) + 1) {
        const size_t link = looks ? link_size(name, root) : 0;
        if (link > 0 && is_pattern) {
            continue;
        }
        if (link > 0 && last != NULL && strncmp(last, name, link + 1) == 0) {
            continue; /* another file behind the same link */
        }
        last = link > 0 ? name : NULL;
        code = add_name(in, out, name, link > 0 ? link : strlen(name));
    }
    out->folders = found.folders;
    tarn_text_free(root);
    tarn_text_free(found.text);
    return code;
}

/* What no listing shows: folders without files, links to nothing, pipes. */
static int sweep_one(const char *path, const struct stat *about, int kind, struct FTW *at)
{
    (void)at;
    if (kind == FTW_DP) {
        (void)rmdir(path); /* not what has something in it */
    } else if (S_ISLNK(about->st_mode) || S_ISFIFO(about->st_mode) || S_ISSOCK(about->st_mode)) {
        (void)unlink(path);
    }
    return 0;
}

static void sweep(const char *uri)
{
    enum { DESCRIPTORS = 32 };
    struct stat about;
    char *root = plain_uri(uri);
    for (size_t size = root == NULL ? 0 : strlen(root); size > 1 && root[size - 1] == '/'; size--) {
        root[size - 1] = '\0'; /* which would follow a link */
    }
    if (root != NULL && strstr(root, "://") == NULL && lstat(root, &about) == 0 &&
        S_ISDIR(about.st_mode)) {
        (void)nftw(root, sweep_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    }
    tarn_text_free(root);
}

/* A slip that nothing brings back: what holds everything, or the folder one stands in. */
static int refuse_root(const invocation *in, const char *uri)
{
    char *path = plain_uri(uri);
    struct stat about;
    struct stat root;
    int code = -1;
    if (path == NULL) {
        return usage_error(in, "", "out of memory");
    }
    if (strstr(path, "://") == NULL && stat(path, &about) == 0) {
        size_t size = strlen(path);
        while (size > 1 && path[size - 1] == '/') {
            path[--size] = '\0';
        }
        const char *slash = strrchr(path, '/');
        const char *last = slash == NULL ? path : slash + 1;
        const bool is_root = stat("/", &root) == 0 && about.st_dev == root.st_dev &&
                             about.st_ino == root.st_ino && !is_link(path);
        if (is_root || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
            code = usage_error(in, is_root ? "name what is in it" : "name the folder itself",
                               "'%s' is not removed: %s", uri,
                               is_root ? "it holds everything" : "'.' and '..' stand for a folder");
        }
    }
    tarn_text_free(path);
    return code;
}

int run_rm(invocation *in)
{
    names n = {NULL, 0, 0, false, false};
    int code;
    if (session_of(in, &code) == NULL) {
        return code;
    }
    if (option_is_set(in, "uploads")) {
        return remove_uploads(in);
    }
    if (in->word_count == 0) {
        return usage_error(in, "tarn rm URI...", "no URI given");
    }
    for (size_t i = 0; i < in->word_count && code < 0; i++) {
        const size_t before = n.count;
        code = refuse_root(in, in->words[i]);
        code = code < 0 ? expand_removed(in, in->words[i], &n) : code;
        if (code < 0 && n.count == before && n.folders) {
            code =
                usage_error(in, "-r removes all that is in it", "'%s' is a folder", in->words[i]);
        }
    }
    const char *name = n.text;
    if (code < 0 && option_is_set(in, "dry-run")) {
        for (size_t i = 0; i < n.count; i++, name += strlen(name) + 1) {
            puts(name);
        }
    } else if (code < 0 && may_remove(in, n.count)) {
        code = remove_names(in, &n);
        for (size_t i = 0; i < in->word_count && code < 0 && option_is_set(in, "recursive"); i++) {
            sweep(in->words[i]);
        }
    }
    tarn_text_free(n.text);
    return code < 0 ? EXIT_DONE : code;
}
