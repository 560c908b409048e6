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

/* The one that was chosen, or NULL. */
static const char *chosen_profile(const tn_stores *stores)
{
    const char *profile = tn_stores__option(stores, "s3.profile");
    profile = profile != NULL ? profile : environment("AWS_PROFILE");
    return profile != NULL ? profile : environment("AWS_DEFAULT_PROFILE");
}

static const char *profile_name(const tn_stores *stores)
{
    const char *profile = chosen_profile(stores);
    return profile != NULL ? profile : "default";
}

static bool profile_value(const tn_stores *stores, const tn_buffer *file, const char *name,
                          char *out, size_t out_size)
{
    tn_str value;
    if (file == NULL ||
        !tn_s3__ini_value((tn_str){(const char *)file->data, file->size},
                          tn_str_of(profile_name(stores)), tn_str_of(name), &value) ||
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

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* One key without the other: says which was given, and by whom. */
static TN_FALLIBLE fail_half(const char *access, const char *secret, tarn_error *err)
{
    static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"};
    static const char *const settings[] = {"s3.access_key_id", "s3.secret_access_key"};
    const size_t given = access != NULL ? 0 : 1;
    const bool by_variable = is_same(given == 0 ? access : secret, environment(variables[given]));
    const char *const *names = by_variable ? variables : settings;
    (void)tn_fail(err, TARN_E_AUTH, "%s %s is given, and not %s",
                  by_variable ? "the environment variable" : "the setting", names[given],
                  names[1 - given]);
    tn_hint(err, "an access key and its secret key go together");
    return TARN_E_AUTH;
}

static TN_FALLIBLE set(tn_s3_credentials *out, const char *access, const char *secret,
                       const char *token, const char *where, tarn_error *err)
{
    if (secret == NULL || access == NULL) {
        return fail_half(access, secret, err);
    }
    if (!keep(out->access_key, sizeof(out->access_key), access) ||
        !keep(out->secret_key, sizeof(out->secret_key), secret) ||
        !keep(out->session_token, sizeof(out->session_token), token)) {
        return tn_fail(err, TARN_E_AUTH, "a credential from %s is too long to be one", where);
    }
    return TARN_OK;
}

/* How credentials are named that we do not read: then somebody expects us to have them. */
static const char *unread_source(const tn_stores *stores, const tn_buffer *file)
{
    static const char *const settings[] = {"credential_process", "sso_session",
                                           "sso_start_url",      "web_identity_token_file",
                                           "role_arn",           "credential_source"};
    static const char *const variables[] = {"AWS_WEB_IDENTITY_TOKEN_FILE",
                                            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                            "AWS_CONTAINER_CREDENTIALS_FULL_URI"};
    char value[1024];
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (profile_value(stores, file, settings[i], value, sizeof(value))) {
            return settings[i];
        }
    }
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (environment(variables[i]) != NULL) {
            return variables[i];
        }
    }
    return NULL;
}

static TN_FALLIBLE fail_unread(const tn_stores *stores, const char *source, tarn_error *err)
{
    if (strncmp(source, "AWS_", 4) == 0) {
        (void)tn_fail(err, TARN_E_AUTH, "credentials by %s are not read by Tarn", source);
    } else {
        (void)tn_fail(err, TARN_E_AUTH,
                      "the profile '%s' of ~/.aws has its credentials by %s, which Tarn does not "
                      "read",
                      profile_name(stores), source);
    }
    tn_hint(err, "'aws configure export-credentials --format env' makes AWS_* variables of them; "
                 "s3.skip_signature is for public buckets");
    return TARN_E_AUTH;
}

static TN_FALLIBLE of_profile(const tn_stores *stores, tn_s3_credentials *out, tarn_error *err)
{
    static const struct {
        const char *variable, *name;
    } files[] = {{"AWS_SHARED_CREDENTIALS_FILE", "credentials"}, {"AWS_CONFIG_FILE", "config"}};
    const char *unread = NULL;
    for (size_t i = 0; i < 2 && out->access_key[0] == '\0'; i++) {
        tn_buffer *file = read_aws_file(stores->pool, files[i].variable, files[i].name);
        if (!profile_value(stores, file, "aws_access_key_id", out->access_key,
                           sizeof(out->access_key)) ||
            !profile_value(stores, file, "aws_secret_access_key", out->secret_key,
                           sizeof(out->secret_key))) {
            out->access_key[0] = out->secret_key[0] = '\0';
        } else {
            (void)profile_value(stores, file, "aws_session_token", out->session_token,
                                sizeof(out->session_token));
        }
        unread = unread != NULL ? unread : unread_source(stores, file);
        tn_buffer_release(file);
    }
    if (out->access_key[0] == '\0' && unread != NULL) {
        return fail_unread(stores, unread, err);
    }
    if (out->access_key[0] == '\0' && chosen_profile(stores) != NULL) {
        (void)tn_fail(err, TARN_E_AUTH,
                      "the profile '%s' (AWS_PROFILE) has no access key in ~/.aws",
                      chosen_profile(stores));
        tn_hint(err, "is the name right? profiles are sections of ~/.aws/credentials and "
                     "~/.aws/config");
        return TARN_E_AUTH;
    }
    return TARN_OK;
}

/* On purpose, and not by the environment, whose keys go before its profile. */
static bool profile_is_set(const tn_stores *stores)
{
    const char *profile = tn_stores__option(stores, "s3.profile");
    return profile != NULL && !is_same(profile, environment("AWS_PROFILE"));
}

tarn_code tn_s3__credentials(const tn_stores *stores, tn_s3_credentials *out, tarn_error *err)
{
    *out = (tn_s3_credentials){{0}, {0}, {0}};
    const char *access = tn_stores__option(stores, "s3.access_key_id");
    const char *secret = tn_stores__option(stores, "s3.secret_access_key");
    if (is_same(access, environment("AWS_ACCESS_KEY_ID")) && profile_is_set(stores)) {
        return of_profile(stores, out, err);
    }
    if (access != NULL || secret != NULL) {
        return set(out, access, secret, tn_stores__option(stores, "s3.session_token"),
                   "the settings s3.*", err);
    }
    access = environment("AWS_ACCESS_KEY_ID");
    secret = environment("AWS_SECRET_ACCESS_KEY");
    if ((access != NULL || secret != NULL) && chosen_profile(stores) == NULL) {
        return set(out, access, secret, environment("AWS_SESSION_TOKEN"), "the environment (AWS_*)",
                   err);
    }
    if (access != NULL && secret != NULL) {
        return set(out, access, secret, environment("AWS_SESSION_TOKEN"), "the environment (AWS_*)",
                   err);
    }
    return of_profile(stores, out, err);
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
    tn_s3__profile(stores, "region", out, 40);
}

void tn_s3__profile(const tn_stores *stores, const char *name, char *out, size_t out_size)
{
    static const char *const files[][2] = {{"AWS_CONFIG_FILE", "config"},
                                           {"AWS_SHARED_CREDENTIALS_FILE", "credentials"}};
    out[0] = '\0';
    for (size_t i = 0; i < 2 && out[0] == '\0'; i++) {
        tn_buffer *file = read_aws_file(stores->pool, files[i][0], files[i][1]);
        (void)profile_value(stores, file, name, out, out_size);
        tn_buffer_release(file);
    }
}
