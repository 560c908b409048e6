/* Who we are to S3: settings, the environment, ~/.aws.  Secrets stay in these structs. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include "os/file.h"
#include "store/s3_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { INI_MAX = 256 << 10 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static tn_str trimmed(tn_str text)
{
    while (text.size > 0 && (uint8_t)text.data[0] <= ' ') {
        text = tn_str_slice(text, 1, text.size);
    }
    while (text.size > 0 && (uint8_t)text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

/* "[profile x]" and "[x]" both name x: the two files differ in that. */
static bool is_section(tn_str line, tn_str section)
{
    const size_t end = tn_str_find(line, ']');
    if (line.size == 0 || line.data[0] != '[' || end == SIZE_MAX) {
        return false;
    }
    tn_str name = trimmed(tn_str_slice(line, 1, end));
    if (tn_str_starts(name, TN_STR("profile "))) {
        name = trimmed(tn_str_slice(name, strlen("profile "), name.size));
    }
    return tn_str_equal(name, section);
}

bool tn_s3__ini_value(tn_str file, tn_str section, tn_str name, tn_str *value)
{
    bool inside = false;
    bool found = false;
    while (file.size > 0) {
        size_t end = tn_str_find(file, '\n');
        end = end == SIZE_MAX ? file.size : end;
        const tn_str raw = tn_str_slice(file, 0, end);
        const tn_str line = trimmed(raw);
        file = tn_str_slice(file, end + (end < file.size), file.size);
        if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';') {
            continue;
        }
        if (line.data[0] == '[') {
            inside = is_section(line, section);
            continue;
        }
        const size_t equals = tn_str_find(line, '=');
        /* Indented lines belong to a nested setting ("s3 =" and its children). */
        if (inside && equals != SIZE_MAX && raw.data[0] != ' ' && raw.data[0] != '\t' &&
            tn_str_equal_fold(trimmed(tn_str_slice(line, 0, equals)), name)) {
            *value = trimmed(tn_str_slice(line, equals + 1, line.size));
            found = true; /* the last one counts */
        }
    }
    return found;
}

/* A file of ~/.aws; NULL where there is none that we may read. */
static tn_buffer *read_aws_file(tn_pool *pool, const char *variable, const char *name)
{
    char path[TN_PATH_SIZE + 32];
    const char *set = environment(variable);
    tn_buffer *buffer = NULL;
    struct stat about;
    int fd;

    if (set != NULL) {
        (void)snprintf(path, sizeof(path), "%s", set);
    } else {
        char home[TN_PATH_SIZE];
        tn_os_home(home);
        (void)snprintf(path, sizeof(path), "%s/.aws/%s", home, name);
    }
    if (tn_file_open(path, O_RDONLY, &fd, NULL) != TARN_OK) {
        return NULL;
    }
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= INI_MAX &&
        tn_buffer_create(pool, (size_t)about.st_size, &buffer, NULL) == TARN_OK &&
        tn_file_read_at(fd, 0, buffer->data, buffer->size, NULL) != TARN_OK) {
        tn_buffer_release(buffer);
        buffer = NULL;
    }
    tn_file_close(fd);
    return buffer;
}

static bool profile_value(const tn_buffer *file, const char *name, char *out, size_t out_size)
{
    const char *profile = environment("AWS_PROFILE");
    tn_str value;
    profile = profile != NULL ? profile : environment("AWS_DEFAULT_PROFILE");
    if (file == NULL ||
        !tn_s3__ini_value((tn_str){(const char *)file->data, file->size},
                          tn_str_of(profile != NULL ? profile : "default"), tn_str_of(name),
                          &value) ||
        value.size == 0 || value.size >= out_size) {
        return false;
    }
    memcpy(out, value.data, value.size);
    out[value.size] = '\0';
    return true;
}

static bool keep(char *out, size_t out_size, const char *value)
{
    out[0] = '\0';
    if (value == NULL || strlen(value) >= out_size) {
        return value == NULL;
    }
    memcpy(out, value, strlen(value) + 1);
    return true;
}

static TN_FALLIBLE set(tn_s3_credentials *out, const char *access, const char *secret,
                       const char *token, const char *where, tarn_error *err)
{
    if (secret == NULL || access == NULL) {
        return tn_fail(err, TARN_E_AUTH,
                       "%s gives an access key or a secret key, and not the other", where);
    }
    if (!keep(out->access_key, sizeof(out->access_key), access) ||
        !keep(out->secret_key, sizeof(out->secret_key), secret) ||
        !keep(out->session_token, sizeof(out->session_token), token)) {
        return tn_fail(err, TARN_E_AUTH, "a credential from %s is too long to be one", where);
    }
    return TARN_OK;
}

tarn_code tn_s3__credentials(const tn_stores *stores, tn_s3_credentials *out, tarn_error *err)
{
    *out = (tn_s3_credentials){{0}, {0}, {0}};
    const char *access = tn_stores__option(stores, "s3.access_key_id");
    const char *secret = tn_stores__option(stores, "s3.secret_access_key");
    if (access != NULL || secret != NULL) {
        return set(out, access, secret, tn_stores__option(stores, "s3.session_token"),
                   "the settings s3.*", err);
    }
    access = environment("AWS_ACCESS_KEY_ID");
    secret = environment("AWS_SECRET_ACCESS_KEY");
    if ((access != NULL || secret != NULL) && environment("AWS_PROFILE") == NULL) {
        return set(out, access, secret, environment("AWS_SESSION_TOKEN"), "the environment (AWS_*)",
                   err);
    }
    if (access != NULL && secret != NULL) {
        return set(out, access, secret, environment("AWS_SESSION_TOKEN"), "the environment (AWS_*)",
                   err);
    }
    static const struct {
        const char *variable, *name;
    } files[] = {{"AWS_SHARED_CREDENTIALS_FILE", "credentials"}, {"AWS_CONFIG_FILE", "config"}};
    for (size_t i = 0; i < 2 && out->access_key[0] == '\0'; i++) {
        tn_buffer *file = read_aws_file(stores->pool, files[i].variable, files[i].name);
        if (!profile_value(file, "aws_access_key_id", out->access_key, sizeof(out->access_key)) ||
            !profile_value(file, "aws_secret_access_key", out->secret_key,
                           sizeof(out->secret_key))) {
            out->access_key[0] = out->secret_key[0] = '\0';
        } else {
            (void)profile_value(file, "aws_session_token", out->session_token,
                                sizeof(out->session_token));
        }
        tn_buffer_release(file);
    }
    if (out->access_key[0] == '\0' && environment("AWS_PROFILE") != NULL) {
        (void)tn_fail(err, TARN_E_AUTH,
                      "the profile '%s' (AWS_PROFILE) has no access key in ~/.aws",
                      environment("AWS_PROFILE"));
        tn_hint(err, "profiles with SSO, roles or credential_process are not read: export AWS_* "
                     "variables with 'aws configure export-credentials --format env'");
        return TARN_E_AUTH;
    }
    return TARN_OK;
}

void tn_s3__region(const tn_stores *stores, char out[40])
{
    const char *region = tn_stores__option(stores, "s3.region");
    region = region != NULL ? region : environment("AWS_REGION");
    region = region != NULL ? region : environment("AWS_DEFAULT_REGION");
    out[0] = '\0';
    if (region != NULL) {
        (void)snprintf(out, 40, "%s", region);
        return;
    }
    tn_buffer *file = read_aws_file(stores->pool, "AWS_CONFIG_FILE", "config");
    (void)profile_value(file, "region", out, 40);
    tn_buffer_release(file);
}
