/* Results made of text: SHOW, DESCRIBE, EXPLAIN. */
#include "session/session_internal.h"

#include "expr/function.h"

/* Rows of VARCHAR columns, gathered one by one. */
typedef struct table {
    tn_chunk_builder *builder;
    uint32_t width;
} table;

static TN_FALLIBLE begin(tn_session *session, const char *const *names, uint32_t width,
                         tn_arena *arena, tn_schema *schema, table *out, tarn_error *err)
{
    tn_field *fields;
    const tn_type **types;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, width, &fields, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_type *, width, &types, err));
    for (uint32_t i = 0; i < width; i++) {
        fields[i] = (tn_field){tn_str_of(names[i]), TN_VARCHAR, true};
        types[i] = TN_VARCHAR;
    }
    *schema = (tn_schema){width, fields};
    out->width = width;
    return tn_chunk_builder_create(&session->pool, types, width, UINT32_MAX, &out->builder, err);
}

static TN_FALLIBLE put(table *t, const char *const *texts, tarn_error *err)
{
    for (uint32_t i = 0; i < t->width; i++) {
        const tn_value value =
            texts[i] == NULL ? tn_value_null(TN_VARCHAR) : tn_value_varchar(tn_str_of(texts[i]));
        TN_RETURN_IF_ERROR(tn_chunk_builder_put(t->builder, i, &value, err));
    }
    return TARN_OK;
}

/* A chunk, also on failure: nothing is left behind. */
static TN_FALLIBLE finish(table *t, tarn_code code, tn_chunk **out, tarn_error *err)
{
    if (code == TARN_OK) {
        code = tn_chunk_builder_finish(t->builder, out, err);
    }
    tn_chunk_builder_destroy(t->builder);
    return code;
}

/* ---- SHOW ---- */

static TN_FALLIBLE show_tables(tn_session *session, table *t, tarn_error *err)
{
    /* In the order of their names: the list is in the order of making. */
    tn_str last = TN_STR_NONE;
    for (;;) {
        const tn_entry *next = NULL;
        for (const tn_entry *each = session->entries; each != NULL; each = each->next) {
            if ((last.data == NULL || tn_str_compare(each->name, last) > 0) &&
                (next == NULL || tn_str_compare(each->name, next->name) < 0)) {
                next = each;
            }
        }
        if (next == NULL) {
            return TARN_OK;
        }
        const char *texts[] = {next->name.data, next->is_view ? "view" : "table"};
        TN_RETURN_IF_ERROR(put(t, texts, err));
        last = next->name;
    }
}

/* LIKE with % and _, for SHOW FUNCTIONS 'a%'. */
static bool matches(tn_str text, tn_str pattern)
{
    size_t at = 0;
    size_t star = SIZE_MAX;
    size_t resume = 0;
    size_t i = 0;
    if (pattern.size == 0) {
        return true;
    }
    while (i < text.size) {
        if (at < pattern.size && (pattern.data[at] == '_' || tn_ascii_lower(pattern.data[at]) ==
                                                                 tn_ascii_lower(text.data[i]))) {
            at++;
            i++;
        } else if (at < pattern.size && pattern.data[at] == '%') {
            star = at++;
            resume = i;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (at < pattern.size && pattern.data[at] == '%') {
        at++;
    }
    return at == pattern.size;
}

static TN_FALLIBLE show_functions(table *t, tn_str pattern, tarn_error *err)
{
    size_t count;
    const tn_function *const *functions = tn_functions(&count);
    for (size_t i = 0; i < count; i++) {
        const tn_function *f = functions[i];
        if (!matches(tn_str_of(f->name), pattern)) {
            continue;
        }
        const char *texts[] = {f->name, f->category, f->signature, f->doc, f->example};
        TN_RETURN_IF_ERROR(put(t, texts, err));
    }
    return TARN_OK;
}

static const char *from_text(tn_setting_from from)
{
    static const char *const texts[] = {"default", "file", "environment", "command line",
                                        "session"};
    return texts[from];
}

/* A URL without the user and the password that it may have before its host. */
static TN_FALLIBLE without_user(tn_arena *arena, const char **value, tarn_error *err)
{
    const char *scheme = *value == NULL ? NULL : strstr(*value, "://");
    const char *host = *value == NULL ? NULL : strrchr(*value, '@');
    const char *behind = scheme == NULL ? *value : scheme + 3;
    tn_str shown;
    if (host == NULL || host < behind) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_print(arena, &shown, err, "%.*s***%s", (int)(behind - *value), *value, host));
    *value = shown.data;
    return TARN_OK;
}

static TN_FALLIBLE show_settings(tn_session *session, table *t, tn_arena *arena, tn_str only,
                                 tarn_error *err)
{
    size_t count;
    bool found = false;
    const tn_setting *settings = tn_settings(&count);
    for (size_t i = 0; i < count; i++) {
        tn_setting_from from = TN_FROM_DEFAULT;
        const char *value = tn_session_get(session, settings[i].name, &from);
        if (only.size > 0 && !tn_str_equal_fold(only, tn_str_of(settings[i].name))) {
            continue;
        }
        found = true;
        if (tn_str_equal(tn_str_of(settings[i].name), TN_STR("s3.endpoint"))) {
            TN_RETURN_IF_ERROR(without_user(arena, &value, err));
        }
        const char *texts[] = {settings[i].name,
                               value != NULL && settings[i].is_secret ? "***" : value,
                               from_text(from), settings[i].doc};
        TN_RETURN_IF_ERROR(put(t, texts, err));
    }
    if (!found) { /* for its message: the nearest name */
        return tn_session_reset(session, only, err);
    }
    return TARN_OK;
}

tarn_code tn_session__show(tn_session *session, const tn_bound *bound, tn_arena *arena,
                           tn_schema *schema, tn_chunk **out, tarn_error *err)
{
    static const char *const table_names[] = {"name", "kind"};
    static const char *const function_names[] = {"name", "category", "signature", "description",
                                                 "example"};
    static const char *const setting_names[] = {"name", "value", "from", "description"};
    const bool tables = bound->show == TN_SHOW_TABLES;
    const bool functions = bound->show == TN_SHOW_FUNCTIONS;
    table t;

    *out = NULL;
    TN_RETURN_IF_ERROR(begin(session,
                             tables      ? table_names
                             : functions ? function_names
                                         : setting_names,
                             tables      ? 2
                             : functions ? 5
                                         : 4,
                             arena, schema, &t, err));
    const tarn_code code =
        tables      ? show_tables(session, &t, err)
        : functions ? show_functions(&t, bound->name.name, err)
                    : show_settings(session, &t, arena,
                                    bound->show == TN_SHOW_ALL ? TN_STR_NONE : bound->setting, err);
    return finish(&t, code, out, err);
}

/* ---- DESCRIBE and EXPLAIN ---- */

tarn_code tn_session__describe(tn_session *session, const tn_plan *plan, tn_arena *arena,
                               tn_schema *schema, tn_chunk **out, tarn_error *err)
{
    static const char *const names[] = {"column_name", "column_type", "null"};
    tarn_code code = TARN_OK;
    table t;

    *out = NULL;
    TN_RETURN_IF_ERROR(begin(session, names, 3, arena, schema, &t, err));
    for (uint32_t i = 0; i < plan->output_count && code == TARN_OK; i++) {
        const tn_output *output = &plan->outputs[i];
        const tn_value values[] = {
            tn_value_varchar(output->name), tn_value_varchar(output->type->name),
            tn_value_varchar(output->nullable ? TN_STR("YES") : TN_STR("NO"))};
        for (uint32_t column = 0; column < 3 && code == TARN_OK; column++) {
            code = tn_chunk_builder_put(t.builder, column, &values[column], err);
        }
    }
    return finish(&t, code, out, err);
}

tarn_code tn_session__lines(tn_session *session, tn_str text, tn_arena *arena, tn_schema *schema,
                            tn_chunk **out, tarn_error *err)
{
    static const char *const names[] = {"plan"};
    tarn_code code = TARN_OK;
    table t;

    *out = NULL;
    TN_RETURN_IF_ERROR(begin(session, names, 1, arena, schema, &t, err));
    while (text.size > 0 && code == TARN_OK) {
        const size_t end = tn_str_find(text, '\n');
        const size_t size = end == SIZE_MAX ? text.size : end;
        const tn_value line = tn_value_varchar((tn_str){text.data, size});
        code = tn_chunk_builder_put(t.builder, 0, &line, err);
        text = tn_str_slice(text, end == SIZE_MAX ? size : size + 1, text.size);
    }
    return finish(&t, code, out, err);
}
