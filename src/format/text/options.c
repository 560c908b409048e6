#include "format/text/options_internal.h"

static tarn_code wrong(tn_str name, const tn_value *value, const char *wanted, tarn_error *err)
{
    return tn_fail(err, TARN_E_INVALID, "the option %.*s takes %s, not %.*s", TN_STR_ARGS(name),
                   wanted, TN_STR_ARGS(value->type->name));
}

tarn_code tn__option_bool(tn_str name, const tn_value *value, bool *out, tarn_error *err)
{
    if (value->is_null) {
        return wrong(name, value, "true or false", err);
    }
    if (value->type->kind == TN_KIND_BOOLEAN) {
        *out = value->boolean;
        return TARN_OK;
    }
    if (tn_type_is_integer(value->type) && (value->i64 == 0 || value->i64 == 1)) {
        *out = value->i64 == 1;
        return TARN_OK;
    }
    if (value->type->kind == TN_KIND_VARCHAR && (tn_str_equal_fold(value->str, TN_STR("true")) ||
                                                 tn_str_equal_fold(value->str, TN_STR("false")))) {
        *out = value->str.size == 4;
        return TARN_OK;
    }
    return wrong(name, value, "true or false", err);
}

tarn_code tn__option_size(tn_str name, const tn_value *value, uint64_t *out, tarn_error *err)
{
    if (value->is_null || !tn_type_is_integer(value->type)) {
        return wrong(name, value, "a whole number", err);
    }
    if (value->type->kind < TN_KIND_UTINYINT && value->i64 < 0) {
        *out = UINT64_MAX; /* -1: all of it */
        return value->i64 == -1
                   ? TARN_OK
                   : tn_fail(err, TARN_E_INVALID, "the option %.*s is negative", TN_STR_ARGS(name));
    }
    *out = (uint64_t)value->i64;
    return TARN_OK;
}

tarn_code tn__option_text(tn_str name, const tn_value *value, tn_str *out, tarn_error *err)
{
    if (value->is_null || value->type->kind != TN_KIND_VARCHAR) {
        return wrong(name, value, "a text", err);
    }
    *out = value->str;
    return TARN_OK;
}

tarn_code tn__option_byte(tn_str name, const tn_value *value, int *out, tarn_error *err)
{
    tn_str text = TN_STR_NONE;
    TN_RETURN_IF_ERROR(tn__option_text(name, value, &text, err));
    if (text.size > 1 || (text.size == 1 && (unsigned char)text.data[0] >= 0x80)) {
        return tn_fail(err, TARN_E_INVALID, "the option %.*s takes one ASCII character, not '%.*s'",
                       TN_STR_ARGS(name), TN_STR_ARGS(text));
    }
    *out = text.size == 0 ? 0 : text.data[0];
    return TARN_OK;
}

/* The text in a row of a column, or TN_STR_NONE with `data` NULL. */
static tn_str text_at(const tn_column *column, uint32_t row)
{
    const tn_column *flat = tn_column_locate(column, &row);
    if (flat == NULL || flat->type->kind != TN_KIND_VARCHAR) {
        return TN_STR_NONE;
    }
    return tn_view_str(&((const tn_view *)flat->values)[row]);
}

/* The nested value's own column and row; NULL where it is null. */
static const tn_column *nested_of(const tn_value *value, uint32_t *row)
{
    *row = 0;
    return value->is_null || value->nested == NULL ? NULL : tn_column_locate(value->nested, row);
}

tarn_code tn__option_texts(tn_str name, const tn_value *value, tn_arena *arena, tn_str **out,
                           uint32_t *count, tarn_error *err)
{
    uint32_t row;
    if (value->type->kind == TN_KIND_VARCHAR && !value->is_null) {
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, 1, out, err));
        (*out)[0] = value->str;
        *count = 1;
        return TARN_OK;
    }
    const tn_column *list = value->type->kind == TN_KIND_LIST ? nested_of(value, &row) : NULL;
    if (list == NULL) {
        return wrong(name, value, "a text or a list of texts", err);
    }
    const tn_list head = ((const tn_list *)list->values)[row];
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, head.length + 1, out, err));
    *count = head.length;
    for (uint32_t i = 0; i < head.length; i++) {
        const tn_str text = text_at(&list->children[0], head.offset + i);
        if (text.data == NULL) {
            return wrong(name, value, "a text or a list of texts", err);
        }
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, text, &(*out)[i], err));
    }
    return TARN_OK;
}

static tarn_code field_of(tn_str option, tn_str name, tn_str type, tn_types *types, tn_arena *arena,
                          tn_field *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, name, &out->name, err));
    out->nullable = true;
    const tarn_code code = tn_types_parse(types, type, &out->type, err);
    if (code != TARN_OK) {
        tn_explain(err, "the option %.*s, column '%.*s'", TN_STR_ARGS(option), TN_STR_ARGS(name));
    }
    return code;
}

tarn_code tn__option_fields(tn_str name, const tn_value *value, tn_types *types, tn_arena *arena,
                            tn_field **out, uint32_t *count, tarn_error *err)
{
    static const char wanted[] = "{'name': 'TYPE', ...}";
    uint32_t row;
    const tn_kind kind = value->type->kind;
    const tn_column *nested =
        kind == TN_KIND_STRUCT || kind == TN_KIND_MAP ? nested_of(value, &row) : NULL;
    if (nested == NULL) {
        return wrong(name, value, wanted, err);
    }
    const bool map = kind == TN_KIND_MAP;
    const tn_list head =
        map ? ((const tn_list *)nested->values)[row] : (tn_list){0, value->type->field_count};
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, head.length + 1, out, err));
    *count = head.length;
    for (uint32_t i = 0; i < head.length; i++) {
        const tn_str column =
            map ? text_at(&nested->children[0], head.offset + i) : value->type->fields[i].name;
        const tn_str type = map ? text_at(&nested->children[1], head.offset + i)
                                : text_at(&nested->children[i], row);
        if (column.data == NULL || type.data == NULL) {
            return wrong(name, value, wanted, err);
        }
        TN_RETURN_IF_ERROR(field_of(name, column, type, types, arena, &(*out)[i], err));
    }
    return TARN_OK;
}

tarn_code tn__option_unknown(tn_str name, const char *const *names, size_t count,
                             const char *format, tarn_error *err)
{
    enum { NAMES_MAX = 64 };
    tn_str all[NAMES_MAX];
    count = count < NAMES_MAX ? count : NAMES_MAX;
    for (size_t i = 0; i < count; i++) {
        all[i] = tn_str_of(names[i]);
    }
    const tarn_code code =
        tn_fail(err, TARN_E_INVALID, "there is no option '%.*s' for %s", TN_STR_ARGS(name), format);
    const tn_str nearest = tn_str_nearest(name, all, count);
    if (nearest.size > 0) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(nearest));
    }
    return code;
}
