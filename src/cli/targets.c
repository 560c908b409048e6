#include "targets.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool ends_with_slash(const char *text)
{
    const size_t size = strlen(text);
    return size > 0 && text[size - 1] == '/';
}

static int no_memory(const invocation *in)
{
    return usage_error(in, "", "out of memory");
}

/* ---- URIs as a listing writes them ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Its size; 0: not one to take apart, which the store says why. */
static size_t decode(const char *path, char *out)
{
    size_t size = 0;
    for (; *path != '\0'; path++) {
        const int high = *path == '%' ? hex_digit(path[1]) : -1;
        const int low = high < 0 ? -1 : hex_digit(path[2]);
        if (low < 0) {
            out[size++] = *path;
            continue;
        }
        if (high == 0 && low == 0) {
            return 0;
        }
        out[size++] = (char)(16 * high + low);
        path += 2;
    }
    return size;
}

char *plain_uri(const char *uri)
{
    char *text = NULL;
    size_t size = strlen(uri);
    if (tarn_text_resize(&text, size + 1, NULL) != TARN_OK) {
        return NULL;
    }
    memcpy(text, uri, size + 1);
    if (strncasecmp(uri, "file://", 7) == 0) {
        const char *path = uri + 7 + (strncmp(uri + 7, "localhost/", 10) == 0 ? 9 : 0);
        size = path[0] == '/' ? decode(path, text) : 0;
        if (size == 0) {
            memcpy(text, uri, strlen(uri));
        } else {
            text[size] = '\0';
        }
    } else if (strncasecmp(uri, "s3://", 5) == 0 || strncasecmp(uri, "s3a://", 6) == 0 ||
               strncasecmp(uri, "s3n://", 6) == 0) {
        const char *rest = strstr(uri, "://");
        text[0] = 's';
        memcpy(text + 2, rest, strlen(rest) + 1);
    }
    return text;
}

/* Everywhere but in a bucket a path's ".." leads upwards. */
static bool is_local(const char *target)
{
    return strncmp(target, "s3://", 5) != 0;
}

/* ---- what a key may not choose ---- */

static bool has_dots(const char *path)
{
    while (*path != '\0') {
        const size_t size = strcspn(path, "/");
        if (size > 0 && size <= 2 && strncmp(path, "..", size) == 0) {
            return true;
        }
        path += size + (path[size] == '/' ? 1 : 0);
    }
    return false;
}

static int refuse(const invocation *in, const char *subject, const char *hint, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
static int refuse(const invocation *in, const char *subject, const char *hint, const char *format,
                  ...)
{
    tarn_error error = TARN_ERROR_INIT;
    va_list arguments;
    va_start(arguments, format);
    error.code = TARN_E_INVALID;
    (void)vsnprintf(error.message, sizeof(error.message), format, arguments);
    va_end(arguments);
    (void)snprintf(error.subject, sizeof(error.subject), "%s", subject);
    (void)snprintf(error.hint, sizeof(error.hint), "%s", hint);
    return report(in, &error, NULL, 0);
}

/* What stands behind the source's folder; of a pattern's matches the name. */
static const char *behind(const char *file, const char *source)
{
    const char *slash = strrchr(file, '/');
    const size_t size = strlen(source);
    const bool below = strncmp(file, source, size) == 0 &&
                       (file[size] == '/' || (size > 0 && source[size - 1] == '/'));
    if (below) {
        return file + size + (file[size] == '/' ? 1 : 0);
    }
    return slash == NULL ? file : slash + 1;
}

int add_targets(const invocation *in, const names *from, size_t first, const char *file,
                const char *source, const char *target, bool into, names *targets)
{
    for (size_t i = first; i < from->count; i++, file += strlen(file) + 1) {
        const char *name = into ? behind(file, source) : "";
        if (is_local(target) && has_dots(name)) {
            return refuse(in, file, "'tarn cp URI FILE' copies it alone, to a name of your choice",
                          "'%.300s' has a '.' or '..' as a part of its name, which below '%.200s' "
                          "would lead elsewhere: nothing was copied",
                          file, target);
        }
        if (!text_add(&targets->text, &targets->size, target, strlen(target)) ||
            (into && !ends_with_slash(target) &&
             !text_add(&targets->text, &targets->size, "/", 1)) ||
            !text_add(&targets->text, &targets->size, name, strlen(name) + 1)) {
            return no_memory(in);
        }
        targets->count++;
    }
    return -1;
}

/* ---- two sources, one target ---- */

/* The next byte of a target; for a local one several slashes are one. */
static char next_byte(const char **at, bool local)
{
    while (local && (*at)[0] == '/' && (*at)[1] == '/') {
        ++*at;
    }
    return *(*at)++;
}

static uint64_t hash_of(const char *target)
{
    const bool local = is_local(target);
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (char c = next_byte(&target, local); c != '\0'; c = next_byte(&target, local)) {
        hash = (hash ^ (unsigned char)c) * 1099511628211U;
    }
    return hash ^ hash >> 29;
}

static bool is_same(const char *a, const char *b)
{
    const bool local = is_local(a);
    for (;;) {
        const char c = next_byte(&a, local);
        if (c != next_byte(&b, local)) {
            return false;
        }
        if (c == '\0') {
            return true;
        }
    }
}

typedef struct copy_pair {
    const char *from, *to; /* `to` NULL: a free slot */
} copy_pair;

int refuse_clashes(const invocation *in, const names *from, const names *targets)
{
    char *memory = NULL;
    size_t slots = 16;
    int code = -1;
    while (slots < 2 * from->count) {
        slots *= 2;
    }
    if (tarn_text_resize(&memory, slots * sizeof(copy_pair), NULL) != TARN_OK) {
        return no_memory(in);
    }
    memset(memory, 0, slots * sizeof(copy_pair));
    copy_pair *seen = (copy_pair *)(void *)memory;
    const char *source = from->text;
    const char *target = targets->text;
    for (size_t i = 0; i < from->count && code < 0; i++) {
        size_t at = (size_t)hash_of(target) & (slots - 1);
        while (seen[at].to != NULL && !is_same(seen[at].to, target)) {
            at = (at + 1) & (slots - 1);
        }
        if (seen[at].to != NULL && strcmp(seen[at].from, source) != 0) {
            code = refuse(in, source, "copy them into folders of their own, or under other names",
                          "'%.300s' and '%.300s' would both go to '%.200s': nothing was copied",
                          seen[at].from, source, target);
        }
        seen[at] = (copy_pair){source, target};
        source += strlen(source) + 1;
        target += strlen(target) + 1;
    }
    tarn_text_free(memory);
    return code;
}
