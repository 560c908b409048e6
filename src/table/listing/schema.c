/* The columns of a listing: the first file's, or those of all files united by name. */
#include "table/listing/listing_internal.h"

/* The column of the same name so far.  Names that differ in case are one column's, unless a file
 * has both. */
static uint32_t find_same(const tn_listing_maker *m, const tn_schema *schema, uint32_t field)
{
    const tn_schema so_far = {(uint32_t)m->fields.count, m->fields.items};
    bool ambiguous;
    const uint32_t at = tn_schema_find(&so_far, schema->fields[field].name, &ambiguous);
    return at != UINT32_MAX && !tn_str_equal(so_far.fields[at].name, schema->fields[field].name) &&
                   tn_schema_has(schema, so_far.fields[at].name)
               ? UINT32_MAX
               : at;
}

static TN_FALLIBLE unite_types(tn_listing_maker *m, const tn_type *a, const tn_type *b,
                               const tn_type **out, bool *found, tarn_error *err);

/* Fields by their names, those of `a` first. */
static TN_FALLIBLE unite_structs(tn_listing_maker *m, const tn_type *a, const tn_type *b,
                                 const tn_type **out, bool *found, tarn_error *err)
{
    tn_field *fields;
    uint32_t count = a->field_count;
    *found = true;
    TN_RETURN_IF_ERROR(
        tn_arena_array(&m->arena, tn_field, a->field_count + b->field_count, &fields, err));
    memcpy(fields, a->fields, a->field_count * sizeof(*fields));
    for (uint32_t i = 0; i < b->field_count && *found; i++) {
        uint32_t at = 0;
        while (at < count && !tn_str_equal(fields[at].name, b->fields[i].name)) {
            at++;
        }
        if (at == count) {
            fields[count] = b->fields[i];
            fields[count++].nullable = true;
            continue;
        }
        fields[at].nullable = fields[at].nullable || b->fields[i].nullable;
        TN_RETURN_IF_ERROR(
            unite_types(m, fields[at].type, b->fields[i].type, &fields[at].type, found, err));
    }
    return *found ? tn_types_struct(m->types, fields, count, out, err) : TARN_OK;
}

/* Depth is bounded by TN_TYPE_DEPTH_MAX, and so is this recursion. */
static TN_FALLIBLE unite_types(tn_listing_maker *m, const tn_type *a, const tn_type *b,
                               const tn_type **out, bool *found, tarn_error *err)
{
    const tn_type *inner[2] = {NULL, NULL};
    if (a == b || a->kind != b->kind || !tn_type_is_nested(a)) {
        return tn_types_common(m->types, a, b, out, found, err);
    }
    if (a->kind == TN_KIND_STRUCT) {
        return unite_structs(m, a, b, out, found, err);
    }
    *found = true;
    for (uint32_t i = 0; i < a->field_count && *found; i++) {
        TN_RETURN_IF_ERROR(
            unite_types(m, a->fields[i].type, b->fields[i].type, &inner[i], found, err));
    }
    if (!*found) {
        return TARN_OK;
    }
    return a->kind == TN_KIND_LIST ? tn_types_list(m->types, inner[0], out, err)
                                   : tn_types_map(m->types, inner[0], inner[1], out, err);
}

static TN_FALLIBLE unite(tn_listing_maker *m, const tn_source *source, tn_str uri, tarn_error *err)
{
    const bool may_guess =
        (m->options->union_by_name || m->without_rows) && source->found.count > 0;
    const tn_schema *schema = may_guess ? &source->found : &source->schema;
    m->guessed = m->guessed || may_guess;
    for (uint32_t i = 0; i < schema->count; i++) {
        bool found;
        const uint32_t at = find_same(m, schema, i);
        if (at == UINT32_MAX) {
            tn_field field = schema->fields[i];
            field.nullable = field.nullable || m->fields.count > 0;
            TN_RETURN_IF_ERROR(tn_arena_copy(&m->arena, schema->fields[i].name, &field.name, err));
            TN_RETURN_IF_ERROR(tn_vec_push(&m->fields, field, err));
            continue;
        }
        tn_field *known = &m->fields.items[at];
        TN_RETURN_IF_ERROR(
            unite_types(m, known->type, schema->fields[i].type, &known->type, &found, err));
        if (!found) {
            (void)tn_fail(err, TARN_E_INVALID,
                          "column '%.*s' of '%.*s' has type %.*s, which no "
                          "common type unites with that of the files before it",
                          TN_STR_ARGS(schema->fields[i].name), TN_STR_ARGS(uri),
                          TN_STR_ARGS(schema->fields[i].type->name));
            tn_subject(err, uri.data);
            tn_hint(err, m->options->is_pipeline ? "columns = { name = \"TYPE\" } declares one"
                         : m->format == TN_FORMAT_PARQUET
                             ? "read the files apart, cast the column, and unite the rows with "
                               "UNION ALL BY NAME"
                             : "types => {'name': 'TYPE'} declares one");
            return TARN_E_INVALID;
        }
    }
    return TARN_OK;
}

/* Of what no file has a value the type is VARCHAR, in lists and structs too. */
static TN_FALLIBLE settle(tn_listing_maker *m, const tn_type *type, const tn_type **out,
                          tarn_error *err)
{
    /* Depth is bounded by TN_TYPE_DEPTH_MAX, and so is this recursion. */
    tn_field *fields;
    bool same = true;
    *out = type->kind != TN_KIND_NULL       ? type
           : m->format == TN_FORMAT_PARQUET ? TN_INTEGER /* as of one file alone */
                                            : TN_VARCHAR;
    if (!tn_type_is_nested(type)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, tn_field, type->field_count, &fields, err));
    for (uint32_t i = 0; i < type->field_count; i++) {
        fields[i] = type->fields[i];
        TN_RETURN_IF_ERROR(settle(m, fields[i].type, &fields[i].type, err));
        same = same && fields[i].type == type->fields[i].type;
    }
    if (same) {
        return TARN_OK;
    }
    return type->kind == TN_KIND_LIST ? tn_types_list(m->types, fields[0].type, out, err)
           : type->kind == TN_KIND_MAP
               ? tn_types_map(m->types, fields[0].type, fields[1].type, out, err)
               : tn_types_struct(m->types, fields, type->field_count, out, err);
}

/* What was guessed is known now.  The first file, which is open, is cast to it, but for lists and
 * structs: those are read again, in these types. */
static TN_FALLIBLE settle_all(tn_listing_maker *m, tarn_error *err)
{
    bool again = false;
    for (size_t i = 0; i < m->fields.count && m->guessed; i++) {
        TN_RETURN_IF_ERROR(settle(m, m->fields.items[i].type, &m->fields.items[i].type, err));
    }
    const bool json = m->format == TN_FORMAT_JSON || m->format == TN_FORMAT_JSONL;
    for (uint32_t i = 0;
         m->first != NULL && i < m->first->schema.count && json && m->options->union_by_name; i++) {
        again = again || (tn_type_is_nested(m->fields.items[i].type) &&
                          m->first->schema.fields[i].type != m->fields.items[i].type);
    }
    if (again && m->count > 1) {
        tn_source_release(m->first);
        m->first = NULL;
    }
    return TARN_OK;
}

/* Of columns by name no file may have one: what the ledger keeps is NULL then, what is declared is
 * a mistake. */
static TN_FALLIBLE add_kept(tn_listing_maker *m, tarn_error *err)
{
    for (uint32_t i = 0; i < m->options->column_count && !m->options->columns_are_all; i++) {
        tn_field field = m->options->columns[i];
        const tn_schema so_far = {(uint32_t)m->fields.count, m->fields.items};
        bool ambiguous;
        if (tn_schema_find(&so_far, field.name, &ambiguous) != UINT32_MAX || ambiguous) {
            continue;
        }
        if (!m->options->columns_are_kept) {
            return tn_fail(err, TARN_E_NOT_FOUND,
                           "a type is given for '%.*s', but no file has such a column",
                           TN_STR_ARGS(field.name));
        }
        TN_RETURN_IF_ERROR(tn_arena_copy(&m->arena, field.name, &field.name, err));
        field.nullable = true;
        TN_RETURN_IF_ERROR(tn_vec_push(&m->fields, field, err));
        m->retyped = true; /* a file's own source lacks it */
    }
    return TARN_OK;
}

/* Does no record of a text file show of what type its columns are? */
static bool shows_no_type(const tn_listing_maker *m, const tn_source *source)
{
    if (m->format == TN_FORMAT_PARQUET || m->count == 1) {
        return false;
    }
    for (uint32_t i = 0; i < source->schema.count; i++) {
        bool declared = false;
        for (uint32_t j = 0; j < m->options->column_count && !declared; j++) {
            declared =
                tn_str_equal_fold(m->options->columns[j].name, source->schema.fields[i].name);
        }
        if (!declared &&
            (i >= source->found.count || source->found.fields[i].type->kind != TN_KIND_NULL)) {
            return false;
        }
    }
    return true;
}

/* The columns are the first file's, whose types may be shown by later ones alone. */
static TN_FALLIBLE learn_types(tn_listing_maker *m, const tn_source *source, tarn_error *err)
{
    const tn_schema *schema = source->found.count > 0 ? &source->found : &source->schema;
    if (m->fields.count == 0) { /* the first that has any */
        return unite(m, source, TN_STR(""), err);
    }
    for (uint32_t i = 0; i < schema->count; i++) {
        const uint32_t at = find_same(m, schema, i);
        if (at != UINT32_MAX && m->fields.items[at].type->kind == TN_KIND_NULL) {
            m->fields.items[at].type = schema->fields[i].type;
        }
    }
    return TARN_OK;
}

/* Of files that have only a header, or nothing, to those that have rows; of so many at most. */
enum { FILES_WITHOUT_ROWS_MAX = 256 };

static TN_FALLIBLE find_rows(tn_listing_maker *m, tarn_error *err)
{
    size_t i = 1;
    while (m->without_rows && i < m->count && i < FILES_WITHOUT_ROWS_MAX) {
        tn_source *source;
        TN_RETURN_IF_ERROR(tn_listing__open_file(m, i++, &source, err));
        m->without_rows = shows_no_type(m, source);
        const tarn_code code = learn_types(m, source, err);
        tn_source_release(source);
        TN_RETURN_IF_ERROR(code);
    }
    return TARN_OK;
}

static TN_FALLIBLE check_columns(tn_listing_maker *m, tarn_error *err)
{
    if (m->fields.count > 0 || m->format == TN_FORMAT_PARQUET) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "opening '%.*s' as JSON: there is no record to take columns from, nor in the "
                  "files behind it",
                  TN_STR_ARGS(m->files[0].uri));
    tn_hint(err, m->options->is_pipeline ? "say what they are: columns = { id = \"BIGINT\", ... }"
                                         : "give them with columns => {'name': 'TYPE', ...}");
    return TARN_E_INVALID;
}

tarn_code tn_listing__leave_out_empty(tn_listing_maker *m, tarn_error *err)
{
    tn_listed_file *files;
    size_t count = 0;
    if (m->format == TN_FORMAT_PARQUET || m->count < 2) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, tn_listed_file, m->count, &files, err));
    for (size_t i = 0; i < m->count; i++) {
        if (m->files[i].size > 0) {
            files[count++] = m->files[i];
        }
    }
    if (count > 0) {
        m->files = files;
        m->count = count;
    }
    return TARN_OK;
}

tarn_code tn_listing__find_schema(tn_listing_maker *m, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_listing__open_file(m, 0, &m->first, err));
    m->without_rows = shows_no_type(m, m->first);
    TN_RETURN_IF_ERROR(unite(m, m->first, m->files[0].uri, err));
    if (m->first->schema.count == 0 && m->format != TN_FORMAT_PARQUET &&
        m->count > 1) { /* what it is told to have comes later */
        tn_source_release(m->first);
        m->first = NULL;
    }
    if (!m->options->union_by_name) {
        TN_RETURN_IF_ERROR(find_rows(m, err));
    }
    for (size_t i = 1; i < m->count && m->options->union_by_name; i++) {
        tn_source *source;
        TN_RETURN_IF_ERROR(tn_listing__open_file(m, i, &source, err));
        const tarn_code code = unite(m, source, m->files[i].uri, err);
        tn_source_release(source);
        TN_RETURN_IF_ERROR(code);
    }
    TN_RETURN_IF_ERROR(check_columns(m, err));
    TN_RETURN_IF_ERROR(settle_all(m, err));
    m->set.fill_missing = m->options->union_by_name;
    return m->options->union_by_name && m->format == TN_FORMAT_CSV ? add_kept(m, err) : TARN_OK;
}

/* Parquet files come in the types that are declared for some columns. */
static TN_FALLIBLE declare_types(tn_listing_maker *m, tarn_error *err)
{
    for (uint32_t i = 0; m->format == TN_FORMAT_PARQUET && i < m->options->column_count; i++) {
        const tn_field *given = &m->options->columns[i];
        const tn_schema so_far = {(uint32_t)m->fields.count, m->fields.items};
        bool ambiguous;
        const uint32_t at = tn_schema_find(&so_far, given->name, &ambiguous);
        if (at == UINT32_MAX && !m->options->is_pipeline) {
            return tn_fail(err, TARN_E_NOT_FOUND,
                           "a type is given for '%.*s', but '%.*s' has no such column",
                           TN_STR_ARGS(given->name), TN_STR_ARGS(m->files[0].uri));
        }
        if (at != UINT32_MAX && !ambiguous && !tn_type_is_nested(given->type)) {
            m->retyped = m->retyped || m->fields.items[at].type != given->type;
            m->fields.items[at].type = given->type;
        }
    }
    return TARN_OK;
}

tarn_code tn_listing__fix_types(tn_listing_maker *m, tarn_error *err)
{
    TN_RETURN_IF_ERROR(declare_types(m, err));
    if (m->format == TN_FORMAT_PARQUET || m->count < 2 || m->options->columns_are_all) {
        return TARN_OK;
    }
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(&m->keep, tn_field, m->fields.count, &fields, err));
    uint32_t count = 0;
    for (size_t i = 0; i < m->fields.count; i++) {
        fields[count] = m->fields.items[i];
        TN_RETURN_IF_ERROR(
            tn_arena_copy(&m->keep, m->fields.items[i].name, &fields[count].name, err));
        count++;
    }
    if (m->format != TN_FORMAT_CSV) {
        return tn_listing__type_json(fields, count, &m->keep, &m->set, err);
    }
    return tn_listing__type_csv(m->options, fields, count, &m->keep, &m->set, err);
}
