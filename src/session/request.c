/* The JSON shell. */
#include "session/request.h"

#include "base/number.h"
#include "base/vec.h"
#include "kernel/text.h"
#include "os/clock.h"
#include "session/render.h"

#include <pthread.h>
#include <stdio.h>

static const size_t answer_rows_max = 64 << 20; /* bytes of rows, unless max_rows says otherwise */
static const size_t answer_max = (size_t)1 << 31;

typedef struct named_session {
    struct named_session *next;
    tn_session *session;
    size_t name_size;
    char name[];
} named_session;

typedef struct kept_setting {
    tn_str name, value;
    tn_setting_from from;
} kept_setting;

struct tn_shell {
    tn_pool pool;
    tn_arena arena; /* of the settings */
    named_session *sessions;
    TN_VEC(kept_setting) settings;
    pthread_mutex_t lock; /* guards `running` and `answering` */
    tn_session *running;
    bool answering, cancelled;
};

typedef struct request {
    tn_shell *shell;
    const tn_json *json;
    tn_arena *arena;
    tn_parameters parameters;
    uint64_t max_rows;
    uint64_t peak_bytes;
    tn_text *rows; /* the text of "rows" */
    bool truncated;
    const char *not_enforced; /* a constraint that was taken as a note */
} request;

/* ---- sessions ---------------------------------------------------------------------------------*/

tarn_code tn_shell_create(tn_shell **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(tn_process_pool(), sizeof(tn_shell), &memory, err));
    tn_shell *shell = memory;
    tn_pool_init(&shell->pool, tn_process_pool(), "shell", SIZE_MAX);
    tn_arena_init(&shell->arena, &shell->pool);
    shell->settings.pool = &shell->pool;
    (void)pthread_mutex_init(&shell->lock, NULL);
    *out = shell;
    return TARN_OK;
}

static void forget_sessions(tn_shell *shell)
{
    while (shell->sessions != NULL) {
        named_session *first = shell->sessions;
        shell->sessions = first->next;
        tn_session_destroy(first->session);
        tn_pool_free(&shell->pool, first, sizeof(*first) + first->name_size);
    }
}

void tn_shell_destroy(tn_shell *shell)
{
    if (shell == NULL) {
        return;
    }
    forget_sessions(shell);
    tn_vec_free(&shell->settings);
    tn_arena_deinit(&shell->arena);
    tn_pool_deinit(&shell->pool);
    (void)pthread_mutex_destroy(&shell->lock);
    tn_pool_free(tn_process_pool(), shell, sizeof(*shell));
}

tarn_code tn_shell_set(tn_shell *shell, tn_str name, tn_str value, tn_setting_from from,
                       tarn_error *err)
{
    kept_setting kept = {.from = from};
    TN_RETURN_IF_ERROR(tn_arena_copy(&shell->arena, name, &kept.name, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(&shell->arena, value, &kept.value, err));
    return tn_vec_push(&shell->settings, kept, err);
}

static TN_FALLIBLE find_session(tn_shell *shell, tn_str name, tn_session **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_session *session = NULL;
    void *memory;

    for (named_session *each = shell->sessions; each != NULL; each = each->next) {
        if (tn_str_equal(name, (tn_str){each->name, each->name_size})) {
            *out = each->session;
            return TARN_OK;
        }
    }
    TN_TRY(tn_session_create(&session, err));
    for (size_t i = 0; i < shell->settings.count; i++) {
        const kept_setting *kept = &shell->settings.items[i];
        TN_TRY(tn_session_set(session, kept->name, kept->value, kept->from, err));
    }
    TN_TRY(tn_pool_alloc_zeroed(&shell->pool, sizeof(named_session) + name.size, &memory, err));
    named_session *made = memory;
    *made = (named_session){shell->sessions, session, name.size};
    if (name.size > 0) {
        memcpy(made->name, name.data, name.size);
    }
    shell->sessions = made;
    *out = session;
    session = NULL;
done:
    tn_session_destroy(session);
    return code;
}

/* ---- cancel -----------------------------------------------------------------------------------*/

bool tn_shell_is_cancel(tn_str line)
{
    /* Looked for by the reader of every line, so without memory: {"cmd":"cancel"} has three tokens
     * and no others may stand in it. */
    static const char *const tokens[] = {"{", "\"cmd\"", ":", "\"cancel\"", "}"};
    size_t at = 0;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        const size_t size = strlen(tokens[i]);
        while (at < line.size && (line.data[at] == ' ' || line.data[at] == '\t')) {
            at++;
        }
        if (line.size - at < size || memcmp(line.data + at, tokens[i], size) != 0) {
            return false;
        }
        at += size;
    }
    while (at < line.size &&
           (line.data[at] == ' ' || line.data[at] == '\t' || line.data[at] == '\r')) {
        at++;
    }
    return at == line.size;
}

void tn_shell_cancel(tn_shell *shell)
{
    (void)pthread_mutex_lock(&shell->lock);
    if (shell->answering) {
        shell->cancelled = true;
        if (shell->running != NULL) {
            tn_session_cancel(shell->running);
        }
    }
    (void)pthread_mutex_unlock(&shell->lock);
}

/* From here on a cancel reaches the session; one that came before it does, too. */
static void set_running(tn_shell *shell, tn_session *session)
{
    (void)pthread_mutex_lock(&shell->lock);
    shell->running = session;
    if (session != NULL) {
        tn_session_resume(session);
        if (shell->cancelled) {
            tn_session_cancel(session);
        }
    }
    (void)pthread_mutex_unlock(&shell->lock);
}

void tn_shell_begin(tn_shell *shell, bool cancelled)
{
    (void)pthread_mutex_lock(&shell->lock);
    shell->answering = true;
    shell->cancelled = cancelled;
    (void)pthread_mutex_unlock(&shell->lock);
}

static void end_answering(tn_shell *shell)
{
    (void)pthread_mutex_lock(&shell->lock);
    shell->answering = false;
    shell->cancelled = false;
    (void)pthread_mutex_unlock(&shell->lock);
}

static TN_FALLIBLE check_cancelled(tn_shell *shell, tarn_error *err)
{
    (void)pthread_mutex_lock(&shell->lock);
    const bool cancelled = shell->cancelled;
    (void)pthread_mutex_unlock(&shell->lock);
    return cancelled ? tn_fail(err, TARN_E_CANCELLED, "cancelled") : TARN_OK;
}

/* ---- parameters -------------------------------------------------------------------------------*/

/* Digits alone: such a number is never rounded. */
static bool is_whole(tn_str text)
{
    const size_t sign = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    for (size_t i = sign; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > sign;
}

tarn_code tn_parameter_of_json(const tn_json *json, tn_value *out, tarn_error *err)
{
    switch ((tn_json_kind)json->kind) {
    case TN_JSON_NULL:
        *out = tn_value_null(TN_TYPE_NULL);
        return TARN_OK;
    case TN_JSON_FALSE:
    case TN_JSON_TRUE:
        *out = tn_value_boolean(json->kind == TN_JSON_TRUE);
        return TARN_OK;
    case TN_JSON_NUMBER:
        if (!json->is_integer && is_whole(json->text)) {
            (void)tn_fail(err, TARN_E_INVALID, "the parameter '%.*s' has more than 64 bits: %.*s",
                          TN_STR_ARGS(json->name), TN_STR_ARGS(json->text));
            tn_hint(err, "give it as a text, and CAST it where it is used");
            return TARN_E_INVALID;
        }
        *out = json->is_integer ? tn_value_bigint(json->integer)
                                : tn_value_double(tn_json_double(json));
        return TARN_OK;
    case TN_JSON_STRING:
        *out = tn_value_varchar(json->text);
        return TARN_OK;
    default:
        return tn_fail(err, TARN_E_INVALID,
                       "the parameter '%.*s' is a list or an object; a parameter is one value",
                       TN_STR_ARGS(json->name));
    }
}

void tn_parameter_of_text(tn_str text, tn_value *out)
{
    int64_t integer;
    double number;
    const bool digits = text.size > 0 && text.data[text.size - 1] >= '0' &&
                        text.data[text.size - 1] <= '9' && text.data[0] != '+';
    const size_t sign = digits && text.data[0] == '-' ? 1 : 0;
    const bool zeros = digits && text.size > sign + 1 && text.data[sign] == '0' &&
                       text.data[sign + 1] >= '0' && text.data[sign + 1] <= '9';
    if (digits && !zeros && tn_parse_i64(text.data, text.size, &integer) == TN_PARSED) {
        *out = tn_value_bigint(integer);
    } else if (digits && !zeros && !is_whole(text) &&
               tn_parse_f64(text.data, text.size, &number) == TN_PARSED) {
        *out = tn_value_double(number);
    } else if (tn_str_equal(text, TN_STR("true")) || tn_str_equal(text, TN_STR("false"))) {
        *out = tn_value_boolean(text.size == 4);
    } else {
        *out = tn_value_varchar(text);
    }
}

static TN_FALLIBLE read_parameters(request *r, tarn_error *err)
{
    tn_str *names;
    tn_value *values;
    uint32_t count = 0;
    const tn_json *given = tn_json_get(r->json, "params");
    if (given == NULL) {
        return TARN_OK;
    }
    if (given->kind != TN_JSON_OBJECT && given->kind != TN_JSON_ARRAY) {
        return tn_fail(err, TARN_E_INVALID, "\"params\" must be an object, or a list for ?");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(r->arena, tn_str, given->count, &names, err));
    TN_RETURN_IF_ERROR(tn_arena_array(r->arena, tn_value, given->count, &values, err));
    for (const tn_json *each = tn_json_first(given); each != NULL; each = each->next) {
        names[count] = each->name;
        if (given->kind == TN_JSON_ARRAY) {
            TN_RETURN_IF_ERROR(tn_arena_print(r->arena, &names[count], err, "%u", count + 1));
        }
        tn_json named = *each; /* for messages: an element of a list has no name */
        named.name = names[count];
        TN_RETURN_IF_ERROR(tn_parameter_of_json(&named, &values[count], err));
        count++;
    }
    r->parameters = (tn_parameters){count, names, values};
    return TARN_OK;
}

/* ---- statements -------------------------------------------------------------------------------*/

static void put_row(request *r, const tn_chunk *chunk, uint32_t row, tn_text *cell)
{
    tn_text *out = r->rows;
    tn_text_putc(out, out->size == 0 ? '[' : ',');
    tn_text_putc(out, '[');
    for (uint32_t i = 0; i < chunk->width; i++) {
        tn_text_puts(out, i > 0 ? "," : "");
        if (tn_column_is_null(&chunk->columns[i], row)) {
            tn_text_puts(out, "null");
            continue;
        }
        tn_text_clear(cell);
        tn_text_value(&chunk->columns[i], row, cell);
        tn_text_take_failure(out, cell);
        tn_json_quote(out, tn_text_str(cell));
    }
    tn_text_putc(out, ']');
}

static TN_FALLIBLE read_rows(request *r, tn_result *result, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunk *chunk = NULL;
    uint64_t rows = 0;
    tn_text cell;

    tn_text_init(&cell, r->arena->pool, answer_max);
    tn_text_clear(r->rows);
    r->truncated = false;
    while (!r->truncated) {
        TN_TRY(tn_result_read(result, &chunk, err));
        if (chunk == NULL) {
            break;
        }
        for (uint32_t row = 0; row < chunk->rows && !r->truncated; row++) {
            const size_t before = r->rows->size;
            r->truncated = r->max_rows != UINT64_MAX && rows == r->max_rows;
            if (!r->truncated) {
                put_row(r, chunk, row, &cell);
                rows++;
                TN_TRY(tn_text_status(r->rows, err));
            }
            if (r->max_rows == UINT64_MAX && r->rows->size > answer_rows_max) {
                r->rows->size = before;
                r->truncated = true;
            }
        }
        tn_chunk_release(chunk);
        chunk = NULL;
    }
done:
    tn_chunk_release(chunk);
    tn_text_deinit(&cell);
    return code;
}

/* Which of the given parameters the statements name, and what else they do. */
typedef struct use {
    const tn_parameters *given;
    bool *used;
    tn_str names[16];
    size_t name_count;
} use;

static void see_parameter(void *context, tn_str name)
{
    use *u = context;
    for (uint32_t i = 0; i < u->given->count; i++) {
        u->used[i] = u->used[i] || tn_str_equal(u->given->names[i], name);
    }
    const bool is_mark = name.data[0] >= '0' && name.data[0] <= '9';
    if (!is_mark && u->name_count < sizeof(u->names) / sizeof(u->names[0])) {
        u->names[u->name_count++] = name;
    }
}

/* A value that no statement asks for was meant for another name. */
static TN_FALLIBLE check_parameters(request *r, const tn_script *script, tarn_error *err)
{
    const tn_parameters *given = &r->parameters;
    use u = {.given = given};
    uint32_t at = 0;
    if (given->count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(r->arena, bool, given->count, &u.used, err));
    for (uint32_t i = 0; i < given->count; i++) {
        u.used[i] = false;
    }
    TN_RETURN_IF_ERROR(tn_script_parameters(script, see_parameter, &u, err));
    while (at < given->count && u.used[at]) {
        at++;
    }
    if (at == given->count) {
        return TARN_OK;
    }
    if (tn_json_is(tn_json_get(r->json, "params"), TN_JSON_ARRAY)) {
        (void)tn_fail(err, TARN_E_INVALID, "\"params\" has %u value%s, but no statement has $%u",
                      given->count, given->count == 1 ? "" : "s", at + 1);
        tn_hint(err, "? is $1, the next one $2..., in each statement anew");
        return TARN_E_INVALID;
    }
    const tn_str near = tn_str_nearest(given->names[at], u.names, u.name_count);
    (void)tn_fail(err, TARN_E_INVALID, "\"params\" has '%.*s', but no statement has $%.*s",
                  TN_STR_ARGS(given->names[at]), TN_STR_ARGS(given->names[at]));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    }
    return TARN_E_INVALID;
}

/* The hint for a missing value speaks of a command line, which a request has not. */
static void speak_of_params(tarn_error *err)
{
    static const char of_line[] = "on the command line: -p ";
    const tn_str hint = tn_str_of(err->hint);
    char name[TARN_ERROR_HINT_SIZE];
    if (tn_str_starts(hint, tn_str_of(of_line))) {
        const tn_str rest = tn_str_slice(hint, sizeof(of_line) - 1, hint.size);
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest.data, "="), rest.data);
        err->hint[0] = '\0';
        tn_hint(err, "\"params\": {\"%s\": VALUE}", name);
    } else if (tn_str_starts(hint, TN_STR("? is $1"))) {
        err->hint[0] = '\0';
        tn_hint(err, "\"params\": [VALUE, ...] gives one for each ?");
    }
}

/* The rows of the last statement, and its columns copied, since its result is gone by then. */
static TN_FALLIBLE run_statements(request *r, tn_session *session, tn_str sql, tn_schema *schema,
                                  tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_script *script = NULL;
    tn_result *result = NULL;
    tn_query_stats stats;

    TN_TRY(tn_script_open(session, sql, &r->parameters, &script, err));
    TN_TRY(check_parameters(r, script, err));
    for (;;) {
        TN_TRY(check_cancelled(r->shell, err));
        TN_TRY(tn_script_next(script, &result, err));
        if (result == NULL) {
            break;
        }
        TN_TRY(tn_schema_copy(r->arena, tn_result_schema(result), schema, err));
        TN_TRY(read_rows(r, result, err));
        r->not_enforced =
            tn_result_warning(result) != NULL ? tn_result_warning(result) : r->not_enforced;
        tn_result_stats(result, &stats);
        r->peak_bytes = stats.peak_bytes > r->peak_bytes ? stats.peak_bytes : r->peak_bytes;
        tn_result_close(result);
    }
done:
    tn_script_close(script);
    return code;
}

static TN_FALLIBLE answer_sql(request *r, tn_json_writer *w, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_session *session = NULL;
    tn_schema schema = {0, NULL};
    const tn_json *sql = tn_json_get(r->json, "sql");
    const tn_json *limit = tn_json_get(r->json, "max_rows");
    const tn_json *conn = tn_json_get(r->json, "conn");
    const uint64_t begun = tn_clock_monotonic_ns();

    if (!tn_json_is(sql, TN_JSON_STRING)) {
        return sql == NULL
                   ? tn_fail(err, TARN_E_INVALID, "a request has \"sql\" or \"cmd\", a text")
                   : tn_fail(err, TARN_E_INVALID, "\"sql\" must be a text");
    }
    if (limit != NULL && (!limit->is_integer || limit->integer < 0)) {
        return tn_fail(err, TARN_E_INVALID, "\"max_rows\" must be a number from 0");
    }
    if (conn != NULL && conn->kind != TN_JSON_STRING) {
        return tn_fail(err, TARN_E_INVALID, "\"conn\" must be a text");
    }
    r->max_rows = limit == NULL ? UINT64_MAX : (uint64_t)limit->integer;
    TN_TRY(read_parameters(r, err));
    TN_TRY(find_session(r->shell, conn == NULL ? TN_STR_NONE : conn->text, &session, err));
    set_running(r->shell, session);
    TN_TRY(run_statements(r, session, sql->text, &schema, err));
    tn_text_putc(r->rows, r->rows->size == 0 ? '[' : ']');
    tn_text_puts(r->rows, r->rows->size == 1 ? "]" : "");
    TN_TRY(tn_text_status(r->rows, err)); /* the last failure: nothing was written yet */
    tn_json_name(w, "ok");
    tn_json_put_bool(w, true);
    tn_json_name(w, "columns");
    tn_json_begin(w, '[');
    for (uint32_t i = 0; i < schema.count; i++) {
        tn_json_put_str(w, schema.fields[i].name);
    }
    tn_json_end(w, ']');
    tn_json_name(w, "types");
    tn_json_begin(w, '[');
    for (uint32_t i = 0; i < schema.count; i++) {
        tn_json_put_str(w, schema.fields[i].type->name);
    }
    tn_json_end(w, ']');
    tn_json_name(w, "rows");
    tn_json_put_raw(w, tn_text_str(r->rows));
    tn_json_name(w, "truncated");
    tn_json_put_bool(w, r->truncated);
    tn_json_name(w, "seconds");
    tn_json_put_double(w, (double)((tn_clock_monotonic_ns() - begun) / 1000) / 1e6);
    tn_json_name(w, "peak_bytes");
    tn_json_put_unsigned(w, r->peak_bytes);
    if (r->not_enforced != NULL) {
        tn_text warning;
        tn_text_init(&warning, r->arena->pool, 256);
        tn_text_printf(&warning, "%s is not enforced", r->not_enforced);
        tn_json_name(w, "warning");
        tn_json_put_str(w, tn_text_str(&warning));
        tn_text_deinit(&warning);
    }
done:
    set_running(r->shell, NULL);
    return code;
}

static TN_FALLIBLE answer_command(request *r, tn_json_writer *w, tarn_error *err)
{
    const tn_json *cmd = tn_json_get(r->json, "cmd");
    if (cmd->kind != TN_JSON_STRING) {
        return tn_fail(err, TARN_E_INVALID, "\"cmd\" must be a text");
    }
    const tn_str command = cmd->text;
    if (tn_str_equal(command, TN_STR("cancel"))) { /* else its reader had obeyed it */
        (void)tn_fail(err, TARN_E_INVALID, "{\"cmd\": \"cancel\"} stands alone in its line");
        tn_hint(err, "it is obeyed as it is read, without an answer: it takes no \"id\"");
        return TARN_E_INVALID;
    }
    if (!tn_str_equal(command, TN_STR("reset"))) {
        (void)tn_fail(err, TARN_E_INVALID, "no command named '%.*s'", TN_STR_ARGS(command));
        tn_hint(err, "\"cmd\" is \"reset\" or \"cancel\"");
        return TARN_E_INVALID;
    }
    forget_sessions(r->shell);
    tn_json_name(w, "ok");
    tn_json_put_bool(w, true);
    return TARN_OK;
}

/* What is not heeded is refused by its name. */
static TN_FALLIBLE check_members(const request *r, tarn_error *err)
{
    const tn_str known[] = {TN_STR("sql"),    TN_STR("cmd"),      TN_STR("id"),
                            TN_STR("params"), TN_STR("max_rows"), TN_STR("conn")};
    enum { KNOWN = sizeof(known) / sizeof(known[0]), OF_COMMAND = 3 };
    const bool is_command = tn_json_get(r->json, "cmd") != NULL;
    for (const tn_json *each = tn_json_first(r->json); each != NULL; each = each->next) {
        size_t at = 0;
        while (at < KNOWN && !tn_str_equal(each->name, known[at])) {
            at++;
        }
        if (at == KNOWN) {
            const tn_str near = tn_str_nearest(each->name, known, KNOWN);
            (void)tn_fail(err, TARN_E_INVALID, "a request has no member '%.*s'",
                          TN_STR_ARGS(each->name));
            if (near.data != NULL) {
                tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
            }
            tn_hint(err, "it has sql, id, params, max_rows and conn, or cmd and id");
            return TARN_E_INVALID;
        }
        if (is_command && each->kind != TN_JSON_NULL && (at == 0 || at >= OF_COMMAND)) {
            return tn_fail(err, TARN_E_INVALID, "a request with \"cmd\" has no \"%.*s\"",
                           TN_STR_ARGS(each->name));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE answer(request *r, tn_str line, tn_json_writer *w, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_json_parse(r->arena, line, &r->json, err));
    if (r->json->kind != TN_JSON_OBJECT) {
        return tn_fail(err, TARN_E_INVALID, "a request is a JSON object");
    }
    const tn_json *id = tn_json_find(r->json, TN_STR("id")); /* null is one, too */
    if (id != NULL) {
        tn_json_name(w, "id");
        tn_json_put(w, id);
    }
    TN_RETURN_IF_ERROR(check_members(r, err));
    TN_RETURN_IF_ERROR(check_cancelled(r->shell, err));
    return tn_json_get(r->json, "cmd") != NULL ? answer_command(r, w, err) : answer_sql(r, w, err);
}

tarn_code tn_shell_answer(tn_shell *shell, tn_str line, tn_text *out, tarn_error *err)
{
    tarn_error failure = TARN_ERROR_INIT;
    tn_json_writer w = {.out = out};
    tn_arena arena;
    tn_text rows;
    request r = {.shell = shell, .arena = &arena, .rows = &rows};

    tn_arena_init(&arena, &shell->pool);
    tn_text_init(&rows, &shell->pool, answer_max);
    tn_json_begin(&w, '{');
    if (answer(&r, line, &w, &failure) != TARN_OK) {
        /* What was written before the failure was the id, or nothing. */
        speak_of_params(&failure);
        tn_json_name(&w, "ok");
        tn_json_put_bool(&w, false);
        tn_report_members(&failure, "error", &w);
    }
    tn_json_end(&w, '}');
    tn_text_putc(out, '\n');
    end_answering(shell);
    tn_text_deinit(&rows);
    tn_arena_deinit(&arena);
    return tn_text_status(out, err);
}
