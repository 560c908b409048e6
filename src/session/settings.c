/* The one table of settings, and their values in a session. */
#include "session/session_internal.h"

#include "base/size.h"
#include "os/file.h"
#include "os/thread.h"
#include "plan/optimise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SETTING(name, fallback, doc)           \
    {                                          \
        (name), NULL, (fallback), (doc), false \
    }
#define STORE(name, environment, doc)             \
    {                                             \
        (name), (environment), NULL, (doc), false \
    }
#define SECRET(name, environment, doc)           \
    {                                            \
        (name), (environment), NULL, (doc), true \
    }

static const tn_setting settings[] = {
    SETTING("memory", "75%", "memory that queries may hold: 512MB, 2GiB or 50% of what there is"),
    SETTING("threads", "0", "tasks of a query that run at once; 0: one a core"),
    SETTING("temp_dir", "", "where queries spill; empty: TMPDIR, else /tmp"),
    SETTING("preserve_order", "on", "results, COPY and tables keep the order of their input"),
    SETTING("deterministic", "off", "grouped sums of floats have the same bits in every run"),
    SETTING("timezone", "UTC", "zone of TIMESTAMP WITH TIME ZONE as text"),
    SETTING("seed", "", "seed of random(); empty: another one for each statement"),
    SETTING("optimizer_disabled", "", "rules of the optimiser to leave out, with commas between"),
    SETTING("codec", "", "codec of written Parquet: snappy, zstd, gzip, lz4, none"),
    SETTING("parquet_plain", "off", "write PLAIN instead of DELTA encodings, for old readers"),
    SECRET("s3.access_key_id", "AWS_ACCESS_KEY_ID", "S3 access key"),
    SECRET("s3.secret_access_key", "AWS_SECRET_ACCESS_KEY", "S3 secret key"),
    SECRET("s3.session_token", "AWS_SESSION_TOKEN", "S3 session token"),
    STORE("s3.profile", "AWS_PROFILE", "profile of ~/.aws/credentials and ~/.aws/config"),
    STORE("s3.region", "AWS_REGION", "S3 region"),
    STORE("s3.endpoint", "AWS_ENDPOINT_URL", "S3 endpoint, such as http://127.0.0.1:9000"),
    STORE("s3.path_style", NULL, "bucket in the path: on, off; default on with an endpoint"),
    STORE("s3.allow_http", "AWS_ALLOW_HTTP", "talk plain HTTP to the endpoint"),
    STORE("s3.skip_signature", NULL, "anonymous requests"),
    STORE("s3.trust_conditional_put", NULL, "do not ask whether an endpoint keeps If-None-Match"),
    STORE("s3.ca_file", "AWS_CA_BUNDLE", "certificates to trust instead of the system's"),
    STORE("s3.retries", NULL, "attempts without progress before giving up (10)"),
    STORE("s3.retry_timeout_s", NULL, "seconds without progress before giving up (180)"),
    STORE("s3.retry_wait_ms", NULL, "the longest first wait between attempts (100)"),
    STORE("s3.connect_timeout_ms", NULL, "to make a connection (10000)"),
    STORE("s3.idle_timeout_ms", NULL, "without a byte in either direction (30000)"),
    STORE("s3.part_size", NULL, "bytes of an upload's part (8 MiB, growing)"),
};
enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]), VALUE_SIZE_MAX = 4096 };
_Static_assert((int)SETTING_COUNT <= (int)TN_SETTINGS_MAX, "room for every value");

const tn_setting *tn_settings(size_t *count)
{
    *count = SETTING_COUNT;
    return settings;
}

static const tn_setting *find(tn_str name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (tn_str_equal_fold(name, tn_str_of(settings[i].name))) {
            return &settings[i];
        }
    }
    return NULL;
}

bool tn_session__has_setting(tn_str name)
{
    return find(name) != NULL;
}

static TN_FALLIBLE unknown(tn_str name, tarn_error *err)
{
    tn_str names[SETTING_COUNT];
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        names[i] = tn_str_of(settings[i].name);
    }
    const tn_str near = tn_str_nearest(name, names, SETTING_COUNT);
    (void)tn_fail(err, TARN_E_INVALID, "no setting named '%.*s'", TN_STR_ARGS(name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    } else {
        tn_hint(err, "SHOW ALL lists what there is");
    }
    return TARN_E_INVALID;
}

/* ---- values that mean something here ---- */

static bool parse_switch(tn_str text, bool *out)
{
    static const char *const on[] = {"on", "true", "1", "yes"};
    static const char *const off[] = {"off", "false", "0", "no"};
    for (size_t i = 0; i < 4; i++) {
        if (tn_str_equal_fold(text, tn_str_of(on[i])) ||
            tn_str_equal_fold(text, tn_str_of(off[i]))) {
            *out = tn_str_equal_fold(text, tn_str_of(on[i]));
            return true;
        }
    }
    return false;
}

/* "512MB", "2GiB", "1024", "50%": bytes; `whole` is what a share is of. */
static bool parse_size(const char *text, uint64_t whole, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = {{"", 1},
                 {"B", 1},
                 {"KB", 1000},
                 {"MB", 1000000},
                 {"GB", 1000000000},
                 {"TB", 1000000000000},
                 {"KiB", 1 << 10},
                 {"MiB", 1 << 20},
                 {"GiB", 1 << 30},
                 {"TiB", UINT64_C(1) << 40},
                 {"K", 1 << 10},
                 {"M", 1 << 20},
                 {"G", 1 << 30}};
    char *end;
    const double number = strtod(text, &end);
    if (end == text || !(number >= 0) || number > 1e18) {
        return false;
    }
    while (*end == ' ') {
        end++;
    }
    if (strcmp(end, "%") == 0) {
        *out = (uint64_t)(number / 100 * (double)whole);
        return number <= 100;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (tn_str_equal_fold(tn_str_of(end), tn_str_of(units[i].unit))) {
            *out = (uint64_t)(number * (double)units[i].bytes);
            return true;
        }
    }
    return false;
}

static TN_FALLIBLE bad_value(const char *name, tn_str value, const char *wanted, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "'%.*s' is no value of the setting '%s'", TN_STR_ARGS(value),
                  name);
    tn_hint(err, "%s", wanted);
    return TARN_E_INVALID;
}

static TN_FALLIBLE apply(tn_session *session, const tn_setting *setting, tn_str value,
                         tarn_error *err)
{
    const char *name = setting->name;
    uint64_t bytes;
    bool on;
    if (strcmp(name, "memory") == 0) {
        if (!parse_size(value.data, tn_session__memory(), &bytes) || bytes < 1000000) {
            return bad_value(name, value, "a size of at least 1MB, such as 512MB, 2GiB or 50%",
                             err);
        }
        /* The rest is for what no pool pays for: stacks, the program's own pages, and holes between
         * blocks, which come with many of them. */
        const uint64_t many = bytes > (32 << 20) ? bytes - (32 << 20) : 0;
        const uint64_t others = (bytes + many) / 16 < (32 << 20) ? (bytes + many) / 16 : 32 << 20;
        tn_pool_set_limit(&session->pool, (size_t)(bytes - others));
    } else if (strcmp(name, "threads") == 0) {
        char *end;
        const long threads = strtol(value.data, &end, 10);
        if (*end != '\0' || end == value.data || threads < 0 || threads > 256) {
            return bad_value(name, value, "a number from 0 (one a core) to 256", err);
        }
        session->threads = threads > 0 ? (uint32_t)threads : tn_os_cores();
    } else if (strcmp(name, "preserve_order") == 0 || strcmp(name, "deterministic") == 0) {
        if (!parse_switch(value, &on)) {
            return bad_value(name, value, "on or off", err);
        }
        session->preserve_order =
            strcmp(name, "preserve_order") == 0 ? on : session->preserve_order;
        session->deterministic = strcmp(name, "deterministic") == 0 ? on : session->deterministic;
    } else if (strcmp(name, "timezone") == 0 && !tn_str_equal_fold(value, TN_STR("UTC"))) {
        (void)tn_fail(err, TARN_E_UNSUPPORTED, "time zones other than UTC are not built yet");
        return TARN_E_UNSUPPORTED;
    }
    return TARN_OK;
}

/* ---- what a value may be: told when it is set, not where it is first used ---- */

typedef enum value_kind { A_SWITCH, A_NUMBER, A_CODEC, A_LIST_OF_RULES, A_FOLDER } value_kind;

static const struct {
    const char *name;
    value_kind kind;
    uint64_t most; /* of a number */
} kinds[] = {
    {"preserve_order", A_SWITCH, 0},
    {"deterministic", A_SWITCH, 0},
    {"parquet_plain", A_SWITCH, 0},
    {"s3.path_style", A_SWITCH, 0},
    {"s3.allow_http", A_SWITCH, 0},
    {"s3.skip_signature", A_SWITCH, 0},
    {"s3.trust_conditional_put", A_SWITCH, 0},
    {"seed", A_NUMBER, UINT64_MAX},
    {"s3.retries", A_NUMBER, 1000},
    {"s3.retry_timeout_s", A_NUMBER, 86400},
    {"s3.retry_wait_ms", A_NUMBER, 60000},
    {"s3.connect_timeout_ms", A_NUMBER, 600000},
    {"s3.idle_timeout_ms", A_NUMBER, 3600000},
    {"s3.part_size", A_NUMBER, UINT64_C(5) << 30},
    {"codec", A_CODEC, 0},
    {"optimizer_disabled", A_LIST_OF_RULES, 0},
    {"temp_dir", A_FOLDER, 0},
};

static bool is_number(const char *text, uint64_t most)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && number <= most;
}

static bool is_codec(tn_str text)
{
    static const char *const names[] = {"snappy",  "zstd", "gzip",        "lz4",
                                        "lz4_raw", "none", "uncompressed"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tn_str_equal_fold(text, tn_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static TN_FALLIBLE check_rules(const char *name, tn_str list, tarn_error *err)
{
    while (list.size > 0) {
        const size_t comma = tn_str_find(list, ',');
        tn_str item = tn_str_slice(list, 0, comma == SIZE_MAX ? list.size : comma);
        while (item.size > 0 && item.data[0] == ' ') {
            item = tn_str_slice(item, 1, item.size);
        }
        while (item.size > 0 && item.data[item.size - 1] == ' ') {
            item.size--;
        }
        const char *rule = "";
        for (size_t i = 0; item.size > 0 && (rule = tn_optimise_rule(i)) != NULL; i++) {
            if (tn_str_equal_fold(item, tn_str_of(rule))) {
                break;
            }
        }
        if (rule == NULL) {
            return bad_value(name, item, "rules that can be left out, such as fold, top_n", err);
        }
        list = comma == SIZE_MAX ? TN_STR_NONE : tn_str_slice(list, comma + 1, list.size);
    }
    return TARN_OK;
}

static TN_FALLIBLE check(const tn_setting *setting, tn_str value, tarn_error *err)
{
    const char *name = setting->name;
    char wanted[96];
    struct stat about;
    bool on;
    for (size_t i = 0; value.size > 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) != 0) {
            continue;
        }
        switch (kinds[i].kind) {
        case A_SWITCH:
            return parse_switch(value, &on) ? TARN_OK : bad_value(name, value, "on or off", err);
        case A_NUMBER:
            (void)snprintf(wanted, sizeof(wanted), "a number from 0 to %llu",
                           (unsigned long long)kinds[i].most);
            return is_number(value.data, kinds[i].most) ? TARN_OK
                                                        : bad_value(name, value, wanted, err);
        case A_CODEC:
            return is_codec(value) ? TARN_OK
                                   : bad_value(name, value, "snappy, zstd, gzip, lz4 or none", err);
        case A_LIST_OF_RULES:
            return check_rules(name, value, err);
        case A_FOLDER:
        default:
            return stat(value.data, &about) == 0 && S_ISDIR(about.st_mode)
                       ? TARN_OK
                       : bad_value(name, value, "a folder that is there", err);
        }
    }
    return TARN_OK;
}

/* ---- setting ---- */

bool tn_setting_says_secret(tn_str text)
{
    static const char *const words[] = {"secret", "token", "pass", "access_key"};
    for (size_t i = 0; i < text.size; i++) {
        for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
            const size_t end = i + strlen(words[w]);
            if (end <= text.size &&
                tn_str_equal_fold(tn_str_slice(text, i, end), tn_str_of(words[w]))) {
                return true;
            }
        }
    }
    return false;
}

/* Up to where its name may end. */
bool tn_setting_names_secret(tn_str text)
{
    for (size_t i = 0; i + 3 <= text.size; i++) {
        if (tn_str_equal_fold(tn_str_slice(text, i, i + 3), TN_STR("s3."))) {
            size_t end = i + 3;
            while (end < text.size && strchr(" \t\r\n=/'", text.data[end]) == NULL) {
                end++;
            }
            if (tn_setting_says_secret(tn_str_slice(text, i + 3, end))) {
                return true;
            }
        }
    }
    return false;
}

tarn_code tn_session_refuse_secret(tn_str name, tarn_error *err)
{
    const tn_setting *setting = find(name);
    if (setting == NULL || !setting->is_secret) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "'%s' is a secret and is not taken from the command line or from SQL",
                  setting->name);
    tn_hint(err, "put it into the environment (%s) or into ~/.aws/credentials",
            setting->environment);
    return TARN_E_INVALID;
}

static TN_FALLIBLE keep(tn_session *session, tn_kept_value *kept, tn_str value,
                        tn_setting_from from, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc(&session->pool, value.size + 1, &memory, err));
    if (value.size > 0) {
        memcpy(memory, value.data, value.size);
    }
    ((char *)memory)[value.size] = '\0';
    tn_pool_free(&session->pool, kept->text, kept->size);
    *kept = (tn_kept_value){memory, value.size + 1, from};
    return TARN_OK;
}

static TN_FALLIBLE set(tn_session *session, const tn_setting *setting, tn_str value,
                       tn_setting_from from, bool checked, tarn_error *err)
{
    char text[VALUE_SIZE_MAX];
    if (value.size >= sizeof(text)) {
        return tn_fail(err, TARN_E_INVALID, "the value of '%s' is too long", setting->name);
    }
    if (value.size > 0) {
        memcpy(text, value.data, value.size);
    }
    text[value.size] = '\0';
    const tn_str whole = {text, value.size};
    TN_RETURN_IF_ERROR(checked ? check(setting, whole, err) : TARN_OK);
    TN_RETURN_IF_ERROR(apply(session, setting, whole, err));
    const size_t index = (size_t)(setting - settings);
    if (from == TN_FROM_OPTION) {
        TN_RETURN_IF_ERROR(keep(session, &session->option_values[index], whole, from, err));
    }
    return keep(session, &session->values[index], whole, from, err);
}

tarn_code tn_session_set(tn_session *session, tn_str name, tn_str value, tn_setting_from from,
                         tarn_error *err)
{
    const tn_setting *setting = find(name);
    return setting == NULL ? unknown(name, err) : set(session, setting, value, from, true, err);
}

/* Its own twin, or one that other programs know, too. */
static const char *from_environment(const tn_setting *setting, char name[64], bool *is_own)
{
    size_t at = (size_t)snprintf(name, 64, "TARN_");
    for (const char *c = setting->name; *c != '\0' && at + 1 < 64; c++) {
        const bool letter = *c >= 'a' && *c <= 'z';
        name[at++] = (char)(letter ? *c - ('a' - 'A') : *c == '.' ? '_' : *c);
    }
    name[at] = '\0';
    const char *own = getenv(name);
    *is_own = own != NULL;
    return own != NULL ? own : setting->environment != NULL ? getenv(setting->environment) : NULL;
}

tarn_code tn_session_reset(tn_session *session, tn_str name, tarn_error *err)
{
    const tn_setting *only = name.size == 0 ? NULL : find(name);
    if (name.size > 0 && only == NULL) {
        return unknown(name, err);
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (only != NULL && only != &settings[i]) {
            continue;
        }
        char variable[64];
        bool is_own;
        const char *environment = from_environment(&settings[i], variable, &is_own);
        const char *file = session->file_values[i].text;
        const char *option = session->option_values[i].text;
        const char *text = option != NULL        ? option
                           : environment != NULL ? environment
                           : file != NULL        ? file
                                                 : settings[i].fallback;
        tn_pool_free(&session->pool, session->values[i].text, session->values[i].size);
        session->values[i] = (tn_kept_value){NULL, 0, TN_FROM_DEFAULT};
        if (text == NULL) {
            continue;
        }
        const tn_setting_from from = option != NULL        ? TN_FROM_OPTION
                                     : environment != NULL ? TN_FROM_ENVIRONMENT
                                     : file != NULL        ? TN_FROM_FILE
                                                           : TN_FROM_DEFAULT;
        /* what is set for other programs, too, stops nobody who needs it not */
        const tarn_code code = set(session, &settings[i], tn_str_of(text), from,
                                   from != TN_FROM_ENVIRONMENT || is_own, err);
        if (code != TARN_OK && option == NULL && environment != NULL) {
            tn_explain(err, "%s in the environment", is_own ? variable : settings[i].environment);
        } else if (code != TARN_OK && option == NULL && file != NULL) {
            tn_explain(err, "in config.toml");
        }
        TN_RETURN_IF_ERROR(code);
    }
    return TARN_OK;
}

const char *tn_session_get(tn_session *session, const char *name, tn_setting_from *from)
{
    const tn_setting *setting = find(tn_str_of(name));
    if (setting == NULL) {
        return NULL;
    }
    const tn_kept_value *kept = &session->values[setting - settings];
    if (from != NULL) {
        *from = kept->from;
    }
    return kept->text;
}

uint32_t tn_session_threads(tn_session *session)
{
    return session->threads;
}

void tn_session__free_settings(tn_session *session)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        tn_pool_free(&session->pool, session->values[i].text, session->values[i].size);
        tn_pool_free(&session->pool, session->file_values[i].text, session->file_values[i].size);
        tn_pool_free(&session->pool, session->option_values[i].text,
                     session->option_values[i].size);
    }
}

tarn_code tn_session__keep_file_value(tn_session *session, tn_str name, tn_str value,
                                      tarn_error *err)
{
    const tn_setting *setting = find(name);
    if (setting == NULL) {
        return unknown(name, err);
    }
    tn_kept_value *kept = &session->file_values[setting - settings];
    TN_RETURN_IF_ERROR(keep(session, kept, value, TN_FROM_FILE, err));
    const tn_str whole = {kept->text, value.size};
    TN_RETURN_IF_ERROR(check(setting, whole, err));
    return apply(session, setting, whole, err);
}
