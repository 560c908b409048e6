/* Settings that files give: /etc/tarn/config.toml, then ~/.config/tarn/config.toml, which wins. */
#include "base/toml.h"
#include "os/file.h"
#include "session/session_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_SIZE_MAX = 1 << 20, NAME_SIZE_MAX = 128 };

typedef struct config {
    tn_session *session;
    tn_arena arena; /* of the document */
    const char *path;
    bool may_be_closed; /* no permission to read it is as if it were not there */
} config;

/* *out NULL where there is no such file. What is the user's own and may not be read is passed over:
 * the command warns of it. */
static TN_FALLIBLE read_file(config *c, tn_str *out, bool *there, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tarn_error cause = TARN_ERROR_INIT;
    struct stat about;
    void *memory;
    int fd = -1;

    *there = false;
    if (tn_file_open(c->path, O_RDONLY, &fd, &cause) != TARN_OK) {
        if (cause.code == TARN_E_NOT_FOUND || (cause.code == TARN_E_DENIED && c->may_be_closed)) {
            return TARN_OK;
        }
        tn_error_copy(err, &cause);
        return cause.code;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > FILE_SIZE_MAX) {
        code = tn_fail(err, TARN_E_INVALID, "'%s' is no file of settings", c->path);
        goto done;
    }
    TN_TRY(tn_arena_alloc(&c->arena, (size_t)about.st_size + 1, &memory, err));
    TN_TRY(tn_file_read_at(fd, 0, memory, (size_t)about.st_size, err));
    *out = (tn_str){memory, (size_t)about.st_size};
    *there = true;
done:
    tn_file_close(fd);
    return code;
}

static tn_str text_of(const tn_toml *value)
{
    return value->kind == TN_TOML_BOOLEAN ? (value->boolean ? TN_STR("on") : TN_STR("off"))
                                          : value->text;
}

static TN_FALLIBLE take(config *c, tn_str prefix, const tn_toml *value, tarn_error *err)
{
    char name[NAME_SIZE_MAX];
    const int size = snprintf(name, sizeof(name), "%.*s%s%.*s", TN_STR_ARGS(prefix),
                              prefix.size > 0 ? "." : "", TN_STR_ARGS(value->key));
    const bool is_value = value->kind != TN_TOML_TABLE && value->kind != TN_TOML_ARRAY;
    tarn_code code = TARN_E_INVALID;
    if (!is_value || size < 0 || size >= (int)sizeof(name)) {
        (void)tn_fail(err, TARN_E_INVALID, "'%.*s' is %s", TN_STR_ARGS(value->key),
                      tn_toml_kind_name((tn_toml_kind)value->kind));
    } else {
        code = tn_session__keep_file_value(c->session, (tn_str){name, (size_t)size}, text_of(value),
                                           err);
    }
    if (code != TARN_OK) {
        const bool of_value = is_value && tn_session__has_setting((tn_str){name, (size_t)size});
        tn_locate(err, of_value ? value->line : value->key_line,
                  of_value ? value->column : value->key_column, 0);
        tn_subject(err, c->path);
    }
    return code;
}

/* name = value, or [group] with such lines: "s3.endpoint" is endpoint of [s3]. */
static TN_FALLIBLE take_all(config *c, const tn_toml *root, tarn_error *err)
{
    for (const tn_toml *each = tn_toml_first(root); each != NULL; each = each->next) {
        if (each->kind != TN_TOML_TABLE) {
            TN_RETURN_IF_ERROR(take(c, TN_STR_NONE, each, err));
            continue;
        }
        for (const tn_toml *inner = each->child; inner != NULL; inner = inner->next) {
            TN_RETURN_IF_ERROR(take(c, each->key, inner, err));
        }
    }
    return TARN_OK;
}

/* A message repeats what it cannot read, which may be a secret: where the line looks like one, the
 * message says only where that is. */
static void hide_secret(tn_str text, tarn_error *err)
{
    size_t begin = 0;
    if (err == NULL || err->line <= 0) {
        return;
    }
    const int64_t line = err->line;
    const int64_t column = err->column;
    for (int64_t i = 1; i < line; i++) {
        const char *end = memchr(text.data + begin, '\n', text.size - begin);
        if (end == NULL) {
            return;
        }
        begin = (size_t)(end - text.data) + 1;
    }
    const char *end = memchr(text.data + begin, '\n', text.size - begin);
    const size_t stop = end == NULL ? text.size : (size_t)(end - text.data);
    if (!tn_setting_says_secret(tn_str_slice(text, begin, stop))) {
        return;
    }
    (void)tn_fail(err, TARN_E_INVALID, "the line of a secret cannot be read");
    tn_locate(err, line, column, 0);
    tn_hint(err, "it is name = \"value\": a text stands in quotes");
}

static TN_FALLIBLE read_one(tn_session *session, const char *path, bool may_be_closed,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    config c = {.session = session, .path = path, .may_be_closed = may_be_closed};
    const tn_toml *root;
    tn_str text = TN_STR_NONE;
    bool there;

    tn_arena_init(&c.arena, &session->pool);
    TN_TRY(read_file(&c, &text, &there, err));
    if (!there) {
        goto done;
    }
    code = tn_toml_parse(&c.arena, text, &root, err);
    if (code != TARN_OK) {
        hide_secret(text, err);
        tn_subject(err, path);
        goto done;
    }
    code = take_all(&c, root, err);
done:
    tn_arena_deinit(&c.arena);
    return code;
}

tarn_code tn_session__read_config(tn_session *session, tarn_error *err)
{
    char home[TN_PATH_SIZE];
    char path[TN_PATH_SIZE + 64];
    const char *own = getenv("XDG_CONFIG_HOME");
    TN_RETURN_IF_ERROR(read_one(session, "/etc/tarn/config.toml", false, err));
    if (own != NULL && own[0] == '/') {
        (void)snprintf(path, sizeof(path), "%.*s/tarn/config.toml", TN_PATH_SIZE, own);
        return read_one(session, path, true, err);
    }
    tn_os_home(home);
    if (home[0] == '\0') {
        return TARN_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/.config/tarn/config.toml", home);
    return read_one(session, path, true, err);
}
