#include "api/api_internal.h"

#include "kernel/text.h"

static TN_FALLIBLE read_at(const tarn_at *at, tn_delta_at *out, tarn_error *err)
{
    *out = TN_DELTA_LATEST;
    if (at == NULL) {
        return TARN_OK;
    }
    if (at->struct_size < sizeof(*at)) {
        return tn_fail(err, TARN_E_INVALID, "the version was not made with TARN_AT_LATEST");
    }
    out->version = at->version;
    if (at->timestamp == NULL) {
        return TARN_OK;
    }
    const tn_str text = tn_str_of(at->timestamp);
    const tn_reason why = tn_text_parse_timestamp(text, 1000000, &out->timestamp_us);
    return why == NULL ? TARN_OK : tn_text_fail(text, TN_TIMESTAMP, why, err);
}

tarn_code tarn_table_history(tarn_session *session, const char *uri, uint64_t limit,
                             tarn_result **out, tarn_error *err)
{
    tn_facts facts;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    TN_RETURN_IF_ERROR(tn_api__begin_result(session, out, err));
    return tn_api__end_result(tn_inspect_history(session->session, tn_str_of(uri),
                                                 limit == 0 ? UINT64_MAX : limit, &(*out)->arena,
                                                 &facts, err),
                              &facts, out);
}

tarn_code tarn_table_files(tarn_session *session, const char *uri, const tarn_at *at,
                           tarn_result **out, tarn_error *err)
{
    tn_facts facts;
    tn_delta_at which;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    TN_RETURN_IF_ERROR(read_at(at, &which, err));
    TN_RETURN_IF_ERROR(tn_api__begin_result(session, out, err));
    return tn_api__end_result(
        tn_inspect_files(session->session, tn_str_of(uri), &which, &(*out)->arena, &facts, err),
        &facts, out);
}

tarn_code tarn_table_detail(tarn_session *session, const char *uri, const tarn_at *at,
                            tarn_result **out, tarn_error *err)
{
    tn_facts facts;
    tn_delta_at which;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    TN_RETURN_IF_ERROR(read_at(at, &which, err));
    TN_RETURN_IF_ERROR(tn_api__begin_result(session, out, err));
    return tn_api__end_result(
        tn_inspect_detail(session->session, tn_str_of(uri), &which, &(*out)->arena, &facts, err),
        &facts, out);
}

tarn_code tarn_table_exists(tarn_session *session, const char *uri, bool *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = false;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    return tn_listing_is_delta(tn_session_stores(session->session), tn_str_of(uri),
                               tn_session_pool(session->session), out, err);
}

tarn_code tarn_describe(tarn_session *session, const char *uri, uint32_t what, char **out,
                        tarn_error *err)
{
    tn_text text;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    tn_text_init(&text, tn_session_pool(session->session), 1 << 30);
    const tarn_code code =
        tn_inspect_describe(session->session, tn_str_of(uri), (what & TARN_DESCRIBE_PAGES) != 0,
                            (what & TARN_DESCRIBE_JSON) != 0, &text, err);
    if (code != TARN_OK) {
        tn_text_deinit(&text);
        return code;
    }
    return tn_api__give(&text, out, NULL, err);
}

/* ---- CREATE ---- */

/* "a, b": names with commas between. */
static TN_FALLIBLE split(tn_str list, tn_arena *arena, const tn_str **out, uint32_t *count,
                         tarn_error *err)
{
    tn_str *names;
    uint32_t found = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, list.size + 1, &names, err));
    while (list.size > 0) {
        const size_t comma = tn_str_find(list, ',');
        tn_str name = tn_str_slice(list, 0, comma == SIZE_MAX ? list.size : comma);
        list = tn_str_slice(list, comma == SIZE_MAX ? list.size : comma + 1, list.size);
        while (name.size > 0 && name.data[0] == ' ') {
            name = tn_str_slice(name, 1, name.size);
        }
        while (name.size > 0 && name.data[name.size - 1] == ' ') {
            name.size--;
        }
        if (name.size > 0) {
            names[found++] = name;
        }
    }
    *out = names;
    *count = found;
    return TARN_OK;
}

static TN_FALLIBLE read_properties(const char *const *texts, tn_arena *arena, tn_table_options *out,
                                   tarn_error *err)
{
    tn_delta_property *properties;
    uint32_t count = 0;
    while (texts != NULL && texts[count] != NULL) {
        count++;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_delta_property, count, &properties, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_str text = tn_str_of(texts[i]);
        const size_t equals = tn_str_find(text, '=');
        if (equals == SIZE_MAX || equals == 0) {
            return tn_fail(err, TARN_E_INVALID, "a property is NAME=VALUE, not '%s'", texts[i]);
        }
        properties[i] = (tn_delta_property){tn_str_slice(text, 0, equals),
                                            tn_str_slice(text, equals + 1, text.size)};
    }
    out->properties = properties;
    out->property_count = count;
    return TARN_OK;
}

tarn_code tarn_table_checkpoint(tarn_session *session, const char *uri, int64_t *version,
                                tarn_error *err)
{
    int64_t written;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    TN_RETURN_IF_ERROR(tn_inspect_checkpoint(session->session, tn_str_of(uri), &written, err));
    if (version != NULL) {
        *version = written;
    }
    return TARN_OK;
}

tarn_code tarn_table_create(tarn_session *session, const char *uri, const tarn_table *options,
                            tarn_receipt *receipt, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_table_options table = {.schema = TN_STR_NONE};
    tn_delta_receipt made;
    const char *not_enforced;
    tn_arena arena;

    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(uri, "URI", err));
    if (options == NULL || options->struct_size < sizeof(*options) ||
        (options->schema == NULL) == (options->like == NULL)) {
        return tn_fail(err, TARN_E_INVALID, "a table is made from a schema, or like another");
    }
    tn_arena_init(&arena, tn_session_pool(session->session));
    table.schema = tn_str_of(options->schema);
    table.like = tn_str_of(options->like);
    TN_TRY(split(tn_str_of(options->partition_by), &arena, &table.partition_by,
                 &table.partition_count, err));
    TN_TRY(read_properties(options->properties, &arena, &table, err));
    TN_TRY(tn_inspect_create_table(session->session, tn_str_of(uri), &table, &made, &not_enforced,
                                   err));
    if (receipt != NULL && receipt->struct_size >= sizeof(*receipt)) {
        receipt->version = made.version;
        receipt->rows = made.rows;
        receipt->files = made.files;
        receipt->bytes = made.bytes;
        receipt->not_enforced = not_enforced;
    }
done:
    tn_arena_deinit(&arena);
    return code;
}
