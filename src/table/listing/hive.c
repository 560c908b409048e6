/* Hive partitions of a listing: the "name=value" folders of its files' paths as columns. */
#include "base/utf8.h"
#include "kernel/text.h"
#include "table/listing/listing_internal.h"

/* The next "name=value" folder of a key; false where there is none. */
static bool next_partition(tn_str key, size_t *at, tn_str *name, tn_str *value)
{
    while (*at < key.size) {
        size_t end = *at;
        while (end < key.size && key.data[end] != '/') {
            end++;
        }
        const tn_str part = tn_str_slice(key, *at, end);
        const size_t equals = tn_str_find(part, '=');
        *at = end + 1;
        if (end < key.size && equals != SIZE_MAX && equals > 0) {
            *name = tn_str_slice(part, 0, equals);
            *value = tn_str_slice(part, equals + 1, part.size);
            return true;
        }
    }
    return false;
}

enum { HIVE_MAX = 64 };

static bool has_partition(const tn_listing_maker *m, tn_str wanted)
{
    for (uint32_t i = 0; i < m->hive_count; i++) {
        if (tn_str_equal(m->hive_names[i], wanted)) {
            return true;
        }
    }
    return false;
}

/* What the path of a file says of one; of folders of the same name the outermost counts. */
static bool partition_of(tn_str key, tn_str wanted, tn_str *out)
{
    size_t at = 0;
    tn_str name;
    tn_str value;
    while (next_partition(key, &at, &name, &value)) {
        if (tn_str_equal(name, wanted)) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* A file whose path lacks one that others have, where they were asked for. */
static TN_FALLIBLE lacks_partition(const tn_listing_maker *m, size_t file, tn_str name,
                                   tarn_error *err)
{
    const tn_str uri = m->files[file].uri;
    (void)tn_fail(err, TARN_E_INVALID, "'%.*s' stands in no folder '%.*s=...', as other files do",
                  TN_STR_ARGS(uri), TN_STR_ARGS(name));
    tn_subject(err, uri.data);
    tn_hint(err,
            m->options->union_by_name
                ? "there is a column of that name, too: hive_partitioning => false takes it "
                  "from the files alone"
                : "union_by_name => true makes it NULL there; hive_partitioning => false takes "
                  "no column from folders");
    return TARN_E_INVALID;
}

tarn_code tn_listing__find_partitions(tn_listing_maker *m, tarn_error *err)
{
    tn_str name;
    tn_str value;
    const bool all = m->options->union_by_name || m->options->hive == TN_YES;
    m->hive_count = 0;
    if (m->options->hive == TN_NO || m->count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, tn_str, HIVE_MAX, &m->hive_names, err));
    for (size_t i = 0; i < (all ? m->count : 1); i++) {
        size_t at = 0;
        while (m->hive_count < HIVE_MAX && next_partition(m->files[i].key, &at, &name, &value)) {
            if (!has_partition(m, name)) {
                m->hive_names[m->hive_count++] = name;
            }
        }
    }
    const tn_schema columns = {(uint32_t)m->fields.count, m->fields.items};
    for (size_t i = 0; i < m->count; i++) {
        uint32_t kept = 0;
        for (uint32_t j = 0; j < m->hive_count; j++) {
            const bool has = partition_of(m->files[i].key, m->hive_names[j], &value);
            if (!has && all && /* what the file itself says of it would be lost */
                (!m->options->union_by_name || tn_schema_has(&columns, m->hive_names[j]))) {
                return lacks_partition(m, i, m->hive_names[j], err);
            }
            if (has || m->options->union_by_name) {
                m->hive_names[kept++] = m->hive_names[j];
            }
        }
        m->hive_count = kept;
    }
    return TARN_OK;
}

tarn_code tn_listing__split_columns(tn_listing_maker *m, tarn_error *err)
{
    tn_read_options *own;
    tn_field *columns;
    if (m->options->column_count == 0 || m->options->columns_are_all) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_listing__find_partitions(m, err));
    TN_RETURN_IF_ERROR(tn_arena_new(&m->arena, tn_read_options, &own, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&m->arena, tn_field, m->options->column_count, &columns, err));
    *own = *m->options;
    own->columns = columns;
    own->column_count = 0;
    for (uint32_t i = 0; i < m->options->column_count; i++) {
        bool of_folder = false;
        for (uint32_t j = 0; j < m->hive_count && !of_folder; j++) {
            of_folder = tn_str_equal_fold(m->options->columns[i].name, m->hive_names[j]);
        }
        if (!of_folder) {
            columns[own->column_count++] = m->options->columns[i];
        }
    }
    m->options = own;
    return TARN_OK;
}

static TN_FALLIBLE unescape(tn_arena *arena, tn_str text, tn_str *out, tarn_error *err)
{
    void *memory;
    size_t size = 0;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, text.size + 1, &memory, err));
    char *to = memory;
    for (size_t i = 0; i < text.size; i++) {
        unsigned code = 0;
        bool is_code = text.data[i] == '%' && i + 2 < text.size;
        for (size_t j = 1; j <= 2 && is_code; j++) {
            const char c = tn_ascii_lower(text.data[i + j]);
            is_code = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            code = 16 * code + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        to[size++] = is_code ? (char)code : text.data[i];
        i += is_code ? 2 : 0;
    }
    *out = (tn_str){to, size};
    return TARN_OK;
}

/* Names and values are text like any other. */
static TN_FALLIBLE check_partition(const tn_listing_maker *m, size_t file, tn_str name, tn_str text,
                                   tarn_error *err)
{
    if (tn_utf8_valid(name.data, name.size) && tn_utf8_valid(text.data, text.size)) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "a folder in the path of '%.*s' has a name=value that is no "
                  "UTF-8",
                  TN_STR_ARGS(m->files[file].uri));
    tn_subject(err, m->files[file].uri.data);
    tn_hint(err, "hive_partitioning => false takes no column from folders");
    return TARN_E_INVALID;
}

/* The narrowest of BIGINT, DATE and VARCHAR that every file's value fits. */
static TN_FALLIBLE hive_type(tn_listing_maker *m, uint32_t column, const tn_str *texts,
                             const tn_type **out, tarn_error *err)
{
    bool integers = true;
    bool dates = true;
    for (size_t i = 0; i < m->count; i++) {
        const tn_str text = texts[i * m->hive_count + column];
        if (text.data != NULL) {
            integers = integers && tn_text_why(text, TN_BIGINT) == NULL;
            dates = dates && text.size == 10 && tn_text_why(text, TN_DATE) == NULL;
        }
    }
    *out = integers ? TN_BIGINT : dates ? TN_DATE : TN_VARCHAR;
    for (uint32_t i = 0; i < m->given->column_count; i++) {
        if (tn_str_equal_fold(m->given->columns[i].name, m->hive_names[column])) {
            *out = m->given->columns[i].type;
        }
    }
    (void)err;
    return TARN_OK;
}

tarn_code tn_listing__add_partitions(tn_listing_maker *m, tn_data_file *files, tarn_error *err)
{
    const tn_str null_name = TN_STR("__HIVE_DEFAULT_PARTITION__");
    tn_str *texts;
    tn_value *values;
    uint32_t *fields;

    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, tn_str, m->count * m->hive_count, &texts, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, tn_value, m->count * m->hive_count, &values, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, uint32_t, m->hive_count, &fields, err));
    for (size_t i = 0; i < m->count; i++) {
        for (uint32_t j = 0; j < m->hive_count; j++) {
            tn_str value = TN_STR_NONE;
            tn_str *text = &texts[i * m->hive_count + j];
            *text = TN_STR_NONE;
            if (partition_of(m->files[i].key, m->hive_names[j], &value) && value.size > 0 &&
                !tn_str_equal(value, null_name)) {
                TN_RETURN_IF_ERROR(unescape(&m->arena, value, text, err));
                TN_RETURN_IF_ERROR(check_partition(m, i, m->hive_names[j], *text, err));
            }
        }
    }
    for (uint32_t j = 0; j < m->hive_count; j++) {
        const tn_type *type;
        bool ambiguous;
        const tn_schema so_far = {(uint32_t)m->fields.count, m->fields.items};
        TN_RETURN_IF_ERROR(hive_type(m, j, texts, &type, err));
        fields[j] = tn_schema_find(&so_far, m->hive_names[j], &ambiguous);
        if (fields[j] == UINT32_MAX) { /* else the path's value counts, as others have it */
            const tn_field field = {m->hive_names[j], type, true};
            TN_RETURN_IF_ERROR(tn_vec_push(&m->fields, field, err));
            fields[j] = (uint32_t)m->fields.count - 1;
        }
        m->fields.items[fields[j]].type = type;
        for (size_t i = 0; i < m->count; i++) {
            tn_value *value = &values[i * m->hive_count + j];
            const tn_str text = texts[i * m->hive_count + j];
            *value = tn_value_null(type);
            if (text.data != NULL) {
                TN_RETURN_IF_ERROR(tn_text_parse(text, type, &m->arena, value, err));
                value->type = type;
            }
            files[i].partitions = &values[i * m->hive_count];
        }
    }
    m->set.partition_fields = fields;
    m->set.partition_count = m->hive_count;
    return TARN_OK;
}
