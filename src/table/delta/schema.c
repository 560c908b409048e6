/* The schema string of a table's metadata (PROTOCOL.md, "Schema Serialization Format"). */
#include "table/delta/delta_internal.h"

#include <stdio.h>

enum { FIELDS_MAX = 100000 };

static const struct {
    const char *name;
    const tn_type *type;
} primitives[] = {
    {"string", TN_VARCHAR}, {"long", TN_BIGINT},           {"integer", TN_INTEGER},
    {"short", TN_SMALLINT}, {"byte", TN_TINYINT},          {"float", TN_REAL},
    {"double", TN_DOUBLE},  {"boolean", TN_BOOLEAN},       {"binary", TN_BLOB},
    {"date", TN_DATE},      {"timestamp", TN_TIMESTAMPTZ}, {"timestamp_ntz", TN_TIMESTAMP},
    {"void", TN_TYPE_NULL},
};
enum { PRIMITIVE_COUNT = sizeof(primitives) / sizeof(primitives[0]) };

static TN_FALLIBLE primitive(tn_delta *table, tn_str name, const tn_type **out, tarn_error *err)
{
    for (size_t i = 0; i < PRIMITIVE_COUNT; i++) {
        if (tn_str_equal(name, tn_str_of(primitives[i].name))) {
            *out = primitives[i].type;
            return TARN_OK;
        }
    }
    if (tn_str_starts(name, TN_STR("decimal"))) {
        return tn_types_parse(table->types, name, out, err);
    }
    if (tn_str_equal(name, TN_STR("variant"))) { /* as the bytes that files hold */
        static const tn_field parts[] = {{{"metadata", 8}, TN_BLOB, true},
                                         {{"value", 5}, TN_BLOB, true}};
        return tn_types_struct(table->types, parts, 2, out, err);
    }
    if (tn_str_starts(name, TN_STR("geometry")) || tn_str_starts(name, TN_STR("geography"))) {
        return tn_fail(err, TARN_E_UNSUPPORTED,
                       "the Delta table '%.*s' needs the feature 'geospatial', which Tarn cannot "
                       "read yet",
                       TN_STR_ARGS(table->about.uri));
    }
    (void)tn_fail(err, TARN_E_UNSUPPORTED, "the Delta table '%.*s' has a column of type '%.*s'",
                  TN_STR_ARGS(table->about.uri), TN_STR_ARGS(name));
    return TARN_E_UNSUPPORTED;
}

/* As deep as a type may be (JSON's own limit is above), and so is this recursion. */
static TN_FALLIBLE parse_type(tn_delta *table, const tn_json *json, int depth, bool physical,
                              const tn_type **out, tarn_error *err);

/* A field's name in data files: with column mapping not the table's. */
static tn_str physical_name(const tn_json *field)
{
    return tn_json_get_text(tn_json_get(field, "metadata"), "delta.columnMapping.physicalName",
                            tn_json_get_text(field, "name", TN_STR("")));
}

static TN_FALLIBLE parse_fields(tn_delta *table, const tn_json *json, int depth, bool physical,
                                tn_field **out, uint32_t *count, tarn_error *err)
{
    const tn_json *fields = tn_json_get(json, "fields");
    const uint32_t total = fields == NULL ? 0 : fields->count;
    uint32_t i = 0;
    *count = total;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_field, total, out, err));
    for (const tn_json *field = tn_json_first(fields); field != NULL; field = field->next, i++) {
        tn_field *made = &(*out)[i];
        const tn_str name =
            physical ? physical_name(field) : tn_json_get_text(field, "name", TN_STR(""));
        TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, name, &made->name, err));
        made->nullable = tn_json_get_bool(field, "nullable", true);
        TN_RETURN_IF_ERROR(
            parse_type(table, tn_json_get(field, "type"), depth + 1, physical, &made->type, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE parse_type(tn_delta *table, const tn_json *json, int depth, bool physical,
                              const tn_type **out, tarn_error *err)
{
    const tn_type *key;
    const tn_type *value;
    tn_field *fields;
    uint32_t count;

    *out = NULL;
    if (depth > TN_TYPE_DEPTH_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "types may be nested %d deep", TN_TYPE_DEPTH_MAX);
    }
    if (tn_json_is(json, TN_JSON_STRING)) {
        return primitive(table, json->text, out, err);
    }
    const tn_str kind = tn_json_get_text(json, "type", TN_STR(""));
    if (tn_str_equal(kind, TN_STR("struct"))) {
        TN_RETURN_IF_ERROR(parse_fields(table, json, depth, physical, &fields, &count, err));
        return tn_types_struct(table->types, fields, count, out, err);
    }
    if (tn_str_equal(kind, TN_STR("array"))) {
        TN_RETURN_IF_ERROR(
            parse_type(table, tn_json_get(json, "elementType"), depth + 1, physical, &value, err));
        return tn_types_list(table->types, value, out, err);
    }
    if (tn_str_equal(kind, TN_STR("map"))) {
        TN_RETURN_IF_ERROR(
            parse_type(table, tn_json_get(json, "keyType"), depth + 1, physical, &key, err));
        TN_RETURN_IF_ERROR(
            parse_type(table, tn_json_get(json, "valueType"), depth + 1, physical, &value, err));
        return tn_types_map(table->types, key, value, out, err);
    }
    return tn_fail(err, TARN_E_CORRUPT, "the schema of the Delta table '%.*s' has an unknown type",
                   TN_STR_ARGS(table->about.uri));
}

static TN_FALLIBLE parse_ids(tn_delta *table, const tn_json *json, uint32_t count, tarn_error *err)
{
    int32_t *ids;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, int32_t, count, &ids, err));
    const tn_json *field = tn_json_first(tn_json_get(json, "fields"));
    for (; field != NULL; field = field->next, i++) {
        const int64_t id =
            tn_json_get_integer(tn_json_get(field, "metadata"), "delta.columnMapping.id", -1);
        ids[i] = id < 0 || id > INT32_MAX ? -1 : (int32_t)id;
    }
    table->field_ids = ids;
    return TARN_OK;
}

static TN_FALLIBLE parse_mapping(tn_delta *table, const tn_json *json, tarn_error *err)
{
    const tn_str mode = tn_delta__property(table, "delta.columnMapping.mode");
    const tn_type **types;
    tn_field *fields;
    tn_str *names;
    uint32_t count;
    table->physical_names = NULL;
    table->physical_types = NULL;
    table->field_ids = NULL;
    if (mode.size == 0 || tn_str_equal(mode, TN_STR("none"))) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(parse_fields(table, json, 1, true, &fields, &count, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_str, count, &names, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, const tn_type *, count, &types, err));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = fields[i].name;
        types[i] = fields[i].type;
    }
    table->physical_types = types;
    table->physical_names = names;
    return tn_str_equal(mode, TN_STR("id")) ? parse_ids(table, json, count, err) : TARN_OK;
}

/* "containsNull": false, or "valueContainsNull", anywhere in a column's type. */
static bool bars_nulls(tn_str type)
{
    static const char name[] = "ontainsNull\"";
    const size_t size = sizeof(name) - 1;
    for (size_t i = 0; i + size < type.size; i++) {
        if (memcmp(type.data + i, name, size) != 0) {
            continue;
        }
        for (i += size; i < type.size && strchr(" \t\r\n:", type.data[i]) != NULL; i++) {
        }
        if (i < type.size && type.data[i] == 'f') {
            return true;
        }
    }
    return false;
}

static TN_FALLIBLE note_nulls(tn_delta *table, const tn_json *schema, tarn_error *err)
{
    bool *bars;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, bool, table->about.schema.count, &bars, err));
    const tn_json *field = tn_json_first(tn_json_get(schema, "fields"));
    for (; field != NULL; field = field->next, i++) {
        const tn_json *type = tn_json_get(field, "type");
        bars[i] = tn_json_is(type, TN_JSON_OBJECT) &&
                  bars_nulls((tn_str){table->schema_json.data + type->offset, type->size});
    }
    table->bars_nulls_within = bars;
    return TARN_OK;
}

bool tn_delta__bars_nulls_within(const tn_delta *table, uint32_t field)
{
    return table->bars_nulls_within[field];
}

static TN_FALLIBLE note_defaults(tn_delta *table, const tn_json *schema, tarn_error *err)
{
    bool *has;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, bool, table->about.schema.count, &has, err));
    const tn_json *field = tn_json_first(tn_json_get(schema, "fields"));
    for (; field != NULL; field = field->next, i++) {
        has[i] = tn_json_get(tn_json_get(field, "metadata"), "CURRENT_DEFAULT") != NULL;
    }
    table->has_default = has;
    return TARN_OK;
}

bool tn_delta__has_default(const tn_delta *table, uint32_t field)
{
    return table->has_default[field];
}

tarn_code tn_delta__parse_schema(tn_delta *table, tarn_error *err)
{
    const tn_json *json;
    tn_field *fields;
    uint32_t count;
    tarn_code code = tn_json_parse(&table->arena, table->schema_json, &json, err);
    if (code == TARN_OK) {
        code = parse_fields(table, json, 1, false, &fields, &count, err);
    }
    if (code != TARN_OK) {
        tn_explain(err, "reading the schema of the Delta table '%.*s'",
                   TN_STR_ARGS(table->about.uri));
        return code;
    }
    table->about.schema = (tn_schema){count, fields};
    TN_RETURN_IF_ERROR(note_defaults(table, json, err));
    TN_RETURN_IF_ERROR(note_nulls(table, json, err));
    return parse_mapping(table, json, err);
}

/* ---- writing ----------------------------------------------------------------------------------*/

static const char *primitive_name(const tn_type *type)
{
    for (size_t i = 0; i < PRIMITIVE_COUNT; i++) {
        if (primitives[i].type == type) {
            return primitives[i].name;
        }
    }
    return NULL;
}

static void put_type(tn_json_writer *w, const tn_type *type);

static void put_fields(tn_json_writer *w, const tn_field *fields, uint32_t count)
{
    tn_json_begin(w, '{');
    tn_json_name(w, "type");
    tn_json_put_text(w, "struct");
    tn_json_name(w, "fields");
    tn_json_begin(w, '[');
    for (uint32_t i = 0; i < count; i++) {
        tn_json_begin(w, '{');
        tn_json_name(w, "name");
        tn_json_put_str(w, fields[i].name);
        tn_json_name(w, "type");
        put_type(w, fields[i].type);
        tn_json_name(w, "nullable");
        tn_json_put_bool(w, fields[i].nullable);
        tn_json_name(w, "metadata");
        tn_json_begin(w, '{');
        tn_json_end(w, '}');
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
    tn_json_end(w, '}');
}

static void put_type(tn_json_writer *w, const tn_type *type)
{
    char text[32];
    switch (type->kind) {
    case TN_KIND_STRUCT:
        put_fields(w, type->fields, type->field_count);
        break;
    case TN_KIND_LIST:
        tn_json_begin(w, '{');
        tn_json_name(w, "type");
        tn_json_put_text(w, "array");
        tn_json_name(w, "elementType");
        put_type(w, type->fields[0].type);
        tn_json_name(w, "containsNull");
        tn_json_put_bool(w, true);
        tn_json_end(w, '}');
        break;
    case TN_KIND_MAP:
        tn_json_begin(w, '{');
        tn_json_name(w, "type");
        tn_json_put_text(w, "map");
        tn_json_name(w, "keyType");
        put_type(w, type->fields[0].type);
        tn_json_name(w, "valueType");
        put_type(w, type->fields[1].type);
        tn_json_name(w, "valueContainsNull");
        tn_json_put_bool(w, true);
        tn_json_end(w, '}');
        break;
    case TN_KIND_DECIMAL:
        (void)snprintf(text, sizeof(text), "decimal(%u,%u)", type->precision, type->scale);
        tn_json_put_text(w, text);
        break;
    default:
        tn_json_put_text(w, primitive_name(type));
        break;
    }
}

tarn_code tn_delta__put_schema(const tn_schema *schema, tn_text *out, tarn_error *err)
{
    tn_json_writer w = {.out = out};
    put_fields(&w, schema->fields, schema->count);
    return tn_text_status(out, err);
}

static TN_FALLIBLE stored_nested(tn_types *types, tn_str column, const tn_type *type,
                                 const tn_type **out, tarn_error *err)
{
    tn_field fields[256];
    if (type->field_count > 256) {
        return tn_fail(err, TARN_E_LIMIT, "the column '%.*s' has more than 256 fields",
                       TN_STR_ARGS(column));
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        fields[i] = type->fields[i];
        TN_RETURN_IF_ERROR(
            tn_delta__stored_type(types, column, type->fields[i].type, &fields[i].type, err));
    }
    return type->kind == TN_KIND_LIST ? tn_types_list(types, fields[0].type, out, err)
           : type->kind == TN_KIND_MAP
               ? tn_types_map(types, fields[0].type, fields[1].type, out, err)
               : tn_types_struct(types, fields, type->field_count, out, err);
}

tarn_code tn_delta__stored_type(tn_types *types, tn_str column, const tn_type *type,
                                const tn_type **out, tarn_error *err)
{
    bool found;
    *out = type;
    switch (type->kind) {
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT: /* the least type with a sign */
        return tn_types_common(types, type, TN_TINYINT, out, &found, err);
    case TN_KIND_TIMESTAMP_NS:
        *out = TN_TIMESTAMP;
        return TARN_OK;
    case TN_KIND_LIST:
    case TN_KIND_MAP:
    case TN_KIND_STRUCT:
        return stored_nested(types, column, type, out, err);
    case TN_KIND_DECIMAL:
        if (type->precision <= 38) {
            return TARN_OK;
        }
        break;
    default:
        if (type->kind != TN_KIND_NULL && primitive_name(type) != NULL) {
            return TARN_OK;
        }
        break;
    }
    (void)tn_fail(err, TARN_E_INVALID, "a Delta table cannot keep the column '%.*s' of type %.*s",
                  TN_STR_ARGS(column), TN_STR_ARGS(type->name));
    if (type->kind == TN_KIND_DECIMAL) {
        tn_hint(err, "tables have 38 digits at most: cast it to DECIMAL(38, %u)",
                type->scale > 38 ? 38U : (unsigned)type->scale);
    } else {
        tn_hint(err, "cast it, for example to VARCHAR");
    }
    return TARN_E_INVALID;
}

bool tn_delta__has_ntz(const tn_type *type)
{
    bool found = type->kind == TN_KIND_TIMESTAMP;
    for (uint32_t i = 0; i < type->field_count && !found; i++) {
        found = tn_delta__has_ntz(type->fields[i].type);
    }
    return found;
}
