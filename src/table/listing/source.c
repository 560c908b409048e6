/* Files of a listing as one source: format, schema, Hive partitions. */
#include "base/utf8.h"
#include "base/vec.h"
#include "codec/stream.h"
#include "format/csv/csv.h"
#include "format/parquet/parquet.h"
#include "kernel/text.h"
#include "table/delta/delta.h"
#include "table/files/files.h"
#include "table/listing/listing_internal.h"

typedef enum format {
    FORMAT_PARQUET,
    FORMAT_CSV,
    FORMAT_JSON,
    FORMAT_JSONL,
    FORMAT_DELTA,
    FORMAT_COUNT
} format;

static const struct {
    const char *name;
    format format;
} endings[] = {
    {".parquet", FORMAT_PARQUET}, {".pq", FORMAT_PARQUET},   {".csv", FORMAT_CSV},
    {".tsv", FORMAT_CSV},         {".txt", FORMAT_CSV},      {".json", FORMAT_JSON},
    {".jsonl", FORMAT_JSONL},     {".ndjson", FORMAT_JSONL},
};
static const char *const format_names[FORMAT_COUNT] = {"parquet", "csv", "json", "jsonl", "delta"};
static const char *const planned[] = {"arrow", "ipc", "feather", "avro", "orc", "xlsx"};

/* ---- which format -----------------------------------------------------------------------------*/

static TN_FALLIBLE format_named(tn_str name, format *out, tarn_error *err)
{
    tn_str names[FORMAT_COUNT];
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        names[i] = tn_str_of(format_names[i]);
        if (tn_str_equal_fold(name, names[i])) {
            *out = (format)i;
            return TARN_OK;
        }
    }
    for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
        if (tn_str_equal_fold(name, tn_str_of(planned[i]))) {
            return tn_fail(err, TARN_E_UNSUPPORTED, "the format '%s' is not built yet", planned[i]);
        }
    }
    const tn_str near = tn_str_nearest(name, names, FORMAT_COUNT);
    (void)tn_fail(err, TARN_E_INVALID, "no format named '%.*s'", TN_STR_ARGS(name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    } else {
        tn_hint(err, "there are parquet, csv, json, jsonl and delta");
    }
    return TARN_E_INVALID;
}

static tn_str without_codec(tn_str key)
{
    static const char *const codecs[] = {".gz", ".zst", ".gzip", ".zstd"};
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (tn_str_has_ending(key, tn_str_of(codecs[i]))) {
            key.size -= strlen(codecs[i]);
            break;
        }
    }
    return key;
}

/*
 * The first bytes of the text behind the compression.  Where it is damaged `head` is left: the
 * reader of the whole says so.
 */
static TN_FALLIBLE look_behind(tn_object *object, tn_codec codec, tn_pool *pool, uint8_t head[4],
                               tarn_error *err)
{
    enum { PIECE = 64 << 10 };
    tarn_code code = TARN_OK;
    tn_inflater *inflater = NULL;
    void *piece = NULL;
    uint8_t text[4] = {0};
    uint8_t *to = text;
    const uint64_t object_size = tn_object_about(object)->size;
    const size_t size = object_size < PIECE ? (size_t)object_size : PIECE;

    TN_TRY(tn_pool_alloc(pool, PIECE, &piece, err));
    TN_TRY(tn_inflater_create(codec, pool, &inflater, err));
    TN_TRY(tn_object_read(object, 0, piece, size, err));
    const uint8_t *from = piece;
    const uint8_t *const from_end = from + size;
    while (from < from_end && to < text + 4 && code == TARN_OK) {
        code = tn_inflater_step(inflater, &from, from_end, &to, text + 4, err);
    }
    if (code == TARN_E_CORRUPT) {
        code = TARN_OK;
    } else if (code == TARN_OK) {
        memcpy(head, text, 4);
    }
done:
    tn_inflater_destroy(inflater);
    tn_pool_free(pool, piece, PIECE);
    return code;
}

/* By the ending; else by the first bytes. */
static TN_FALLIBLE find_format(tn_stores *stores, const tn_listed_file *file, tn_str asked,
                               tn_pool *pool, format *out, tarn_error *err)
{
    const tn_str key = without_codec(file->key);
    tn_object *object;
    uint8_t head[4] = {0};
    (void)stores;

    if (asked.size > 0) {
        return format_named(asked, out, err);
    }
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (tn_str_has_ending(key, tn_str_of(endings[i].name))) {
            *out = endings[i].format;
            return TARN_OK;
        }
    }
    for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
        if (tn_str_has_ending(key, tn_str_of(planned[i])) &&
            key.data[key.size - strlen(planned[i]) - 1] == '.') {
            return format_named(tn_str_of(planned[i]), out, err);
        }
    }
    TN_RETURN_IF_ERROR(
        tn_object_open(file->store, file->key, pool, &TN_OBJECT_OPEN_DEFAULT, &object, err));
    const size_t size = tn_object_about(object)->size < 4 ? 0 : 4;
    tarn_code code = tn_object_read(object, 0, head, size, err);
    const tn_codec codec = tn_codec_of_bytes(head, size);
    if (code == TARN_OK && codec != TN_CODEC_NONE) {
        code = look_behind(object, codec, pool, head, err);
    }
    tn_object_close(object);
    TN_RETURN_IF_ERROR(code);
    *out = memcmp(head, "PAR1", 4) == 0       ? FORMAT_PARQUET
           : head[0] == '{' || head[0] == '[' ? FORMAT_JSON
                                              : FORMAT_CSV;
    return TARN_OK;
}

/* ---- openers ----------------------------------------------------------------------------------*/

typedef struct csv_context {
    tn_csv_options options;
} csv_context;

static tarn_code open_csv(const void *context, tn_object *object, tn_types *types, tn_pool *pool,
                          tn_source **out, tarn_error *err)
{
    const csv_context *csv = context;
    const bool local = tn_uri_is_local(tn_str_of(tn_object_uri(object)));
    return tn_csv_open(object, local, &csv->options, types, pool, out, err);
}

static TN_FALLIBLE csv_options(const tn_read_options *options, tn_str key, tn_arena *keep,
                               tn_csv_options *out, tarn_error *err)
{
    tn_field *fields = NULL;
    tn_str *nulls = NULL;
    *out = TN_CSV_OPTIONS_DEFAULT;
    if (options->delimiter != '\0' || tn_str_has_ending(without_codec(key), TN_STR(".tsv"))) {
        const char delimiter = options->delimiter != '\0' ? options->delimiter : '\t';
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, (tn_str){&delimiter, 1}, &out->delimiter, err));
    }
    out->quote = options->no_quotes       ? TN_CSV_NONE
                 : options->quote != '\0' ? (unsigned char)options->quote
                                          : TN_CSV_AUTO;
    out->escape = options->escape != '\0' ? (unsigned char)options->escape : TN_CSV_AUTO;
    out->comment = options->comment != '\0' ? (unsigned char)options->comment : TN_CSV_NONE;
    out->header = options->header == TN_AUTO ? TN_CSV_AUTO : options->header == TN_YES;
    out->skip = options->skip;
    out->sample_rows = options->sample_rows;
    out->all_text = options->all_varchar;
    out->ignore_errors = options->drop_bad_records;
    out->compression = options->codec;
    out->null_padding = options->null_padding;
    out->new_line_in_values = options->new_line_in_values;
    out->record_size_max = (size_t)options->record_size_max;
    out->is_pipeline = options->is_pipeline;
    out->may_be_empty =
        !options->is_pipeline && (options->column_count > 0 || options->name_count > 0);
    tn_str *names;
    TN_RETURN_IF_ERROR(tn_arena_array(keep, tn_str, options->name_count, &names, err));
    for (uint32_t i = 0; i < options->name_count; i++) {
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, options->names[i], &names[i], err));
    }
    out->names = names;
    out->name_count = options->name_count;
    TN_RETURN_IF_ERROR(tn_arena_array(keep, tn_str, options->null_count, &nulls, err));
    for (uint32_t i = 0; i < options->null_count; i++) {
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, options->nulls[i], &nulls[i], err));
    }
    out->nulls = nulls;
    out->null_count = options->null_count;
    TN_RETURN_IF_ERROR(tn_arena_array(keep, tn_field, options->column_count, &fields, err));
    for (uint32_t i = 0; i < options->column_count; i++) {
        fields[i] = options->columns[i];
        TN_RETURN_IF_ERROR(tn_arena_copy(keep, options->columns[i].name, &fields[i].name, err));
    }
    if (options->columns_are_all) {
        out->columns = fields;
        out->column_count = options->column_count;
    } else {
        out->types = fields;
        out->type_count = options->column_count;
        out->types_may_lack = options->union_by_name;
        out->origin = options->columns_are_kept ? TN_CSV_LEDGER : TN_CSV_DECLARED;
    }
    return TARN_OK;
}

/* ---- a listing being made ---------------------------------------------------------------------*/

typedef struct maker {
    tn_stores *stores;
    tn_types *types;
    const tn_read_options *options;
    tn_pool *pool;
    tn_arena arena; /* of the making */
    tn_arena keep;  /* of the opener's options */
    const tn_listed_file *files;
    size_t count;
    format format;
    tn_file_set set;
    tn_source *first;
    tn_str *hive_names; /* partition columns in the files' paths */
    uint32_t hive_count;
    bool without_rows; /* the files looked at so far have no row that shows types */
    bool guessed;      /* a file has columns without a value, whose types the others tell */
    bool retyped;      /* a column has another type than in its file */
    TN_VEC(tn_field) fields;
} maker;

static TN_FALLIBLE choose_opener(maker *m, tarn_error *err)
{
    csv_context *csv;
    tn_parquet_options *parquet;
    switch (m->format) {
    case FORMAT_PARQUET:
        m->set.open = tn_files_open_parquet;
        TN_RETURN_IF_ERROR(tn_arena_new(&m->keep, tn_parquet_options, &parquet, err));
        parquet->ignore_statistics = m->options->ignore_statistics;
        const tn_schema given = {m->options->column_count, m->options->columns};
        m->set.context = parquet;
        return tn_schema_copy(&m->keep, &given, &parquet->types, err);
    case FORMAT_CSV:
        TN_RETURN_IF_ERROR(tn_arena_new(&m->keep, csv_context, &csv, err));
        TN_RETURN_IF_ERROR(csv_options(m->options, m->files[0].key, &m->keep, &csv->options, err));
        m->set.open = open_csv;
        m->set.context = csv;
        return TARN_OK;
    default:
        return tn_listing__open_json(m->options, m->count == 1, &m->keep, &m->set, err);
    }
}

static TN_FALLIBLE open_file(maker *m, size_t index, tn_source **out, tarn_error *err)
{
    const tn_listed_file *file = &m->files[index];
    const tn_object_open_options options = {file->tag[0] == '\0' ? NULL : file->tag, file->size};
    tn_object *object;
    TN_RETURN_IF_ERROR(tn_object_open(file->store, file->key, m->pool, &options, &object, err));
    const tarn_code code = m->set.open(m->set.context, object, m->types, m->pool, out, err);
    if (code != TARN_OK) {
        tn_object_close(object);
    }
    return code;
}

/* ---- Hive partitions --------------------------------------------------------------------------*/

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

static bool has_partition(const maker *m, tn_str wanted)
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
static TN_FALLIBLE lacks_partition(const maker *m, size_t file, tn_str name, tarn_error *err)
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

/* Those that every file has, wherever they stand in its path; of all files, where they are united.
 */
static TN_FALLIBLE find_partitions(maker *m, tarn_error *err)
{
    tn_str name;
    tn_str value;
    const bool all = m->options->union_by_name || m->options->hive == TN_YES;
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
static TN_FALLIBLE check_partition(const maker *m, size_t file, tn_str name, tn_str text,
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
static TN_FALLIBLE hive_type(maker *m, uint32_t column, const tn_str *texts, const tn_type **out,
                             tarn_error *err)
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
    for (uint32_t i = 0; i < m->options->column_count; i++) {
        if (tn_str_equal_fold(m->options->columns[i].name, m->hive_names[column])) {
            *out = m->options->columns[i].type;
        }
    }
    (void)err;
    return TARN_OK;
}

static TN_FALLIBLE add_partitions(maker *m, tn_data_file *files, tarn_error *err)
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

/* ---- schemas ----------------------------------------------------------------------------------*/

/* The column of the same name so far.  Names that differ in case are one column's, unless a file
 * has both. */
static uint32_t find_same(const maker *m, const tn_schema *schema, uint32_t field)
{
    const tn_schema so_far = {(uint32_t)m->fields.count, m->fields.items};
    bool ambiguous;
    const uint32_t at = tn_schema_find(&so_far, schema->fields[field].name, &ambiguous);
    return at != UINT32_MAX && !tn_str_equal(so_far.fields[at].name, schema->fields[field].name) &&
                   tn_schema_has(schema, so_far.fields[at].name)
               ? UINT32_MAX
               : at;
}

static TN_FALLIBLE unite_types(maker *m, const tn_type *a, const tn_type *b, const tn_type **out,
                               bool *found, tarn_error *err);

/* Fields by their names, those of `a` first. */
static TN_FALLIBLE unite_structs(maker *m, const tn_type *a, const tn_type *b, const tn_type **out,
                                 bool *found, tarn_error *err)
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
static TN_FALLIBLE unite_types(maker *m, const tn_type *a, const tn_type *b, const tn_type **out,
                               bool *found, tarn_error *err)
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

static TN_FALLIBLE unite(maker *m, const tn_source *source, tn_str uri, tarn_error *err)
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
                         : m->format == FORMAT_PARQUET
                             ? "read the files apart, cast the column, and unite the rows with "
                               "UNION ALL BY NAME"
                             : "types => {'name': 'TYPE'} declares one");
            return TARN_E_INVALID;
        }
    }
    return TARN_OK;
}

/* Of what no file has a value the type is VARCHAR, in lists and structs too. */
static TN_FALLIBLE settle(maker *m, const tn_type *type, const tn_type **out, tarn_error *err)
{
    /* Depth is bounded by TN_TYPE_DEPTH_MAX, and so is this recursion. */
    tn_field *fields;
    bool same = true;
    *out = type->kind != TN_KIND_NULL    ? type
           : m->format == FORMAT_PARQUET ? TN_INTEGER /* as of one file alone */
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
static TN_FALLIBLE settle_all(maker *m, tarn_error *err)
{
    bool again = false;
    for (size_t i = 0; i < m->fields.count && m->guessed; i++) {
        TN_RETURN_IF_ERROR(settle(m, m->fields.items[i].type, &m->fields.items[i].type, err));
    }
    const bool json = m->format == FORMAT_JSON || m->format == FORMAT_JSONL;
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
static TN_FALLIBLE add_kept(maker *m, tarn_error *err)
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
static bool shows_no_type(const maker *m, const tn_source *source)
{
    if (m->format == FORMAT_PARQUET || m->count == 1) {
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
static TN_FALLIBLE learn_types(maker *m, const tn_source *source, tarn_error *err)
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

static TN_FALLIBLE find_rows(maker *m, tarn_error *err)
{
    size_t i = 1;
    while (m->without_rows && i < m->count && i < FILES_WITHOUT_ROWS_MAX) {
        tn_source *source;
        TN_RETURN_IF_ERROR(open_file(m, i++, &source, err));
        m->without_rows = shows_no_type(m, source);
        const tarn_code code = learn_types(m, source, err);
        tn_source_release(source);
        TN_RETURN_IF_ERROR(code);
    }
    return TARN_OK;
}

static TN_FALLIBLE check_columns(maker *m, tarn_error *err)
{
    if (m->fields.count > 0 || m->format == FORMAT_PARQUET) {
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

/* Text files without a byte have nothing to say where others have. */
static TN_FALLIBLE leave_out_empty(maker *m, tarn_error *err)
{
    tn_listed_file *files;
    size_t count = 0;
    if (m->format == FORMAT_PARQUET || m->count < 2) {
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

static TN_FALLIBLE find_schema(maker *m, tarn_error *err)
{
    TN_RETURN_IF_ERROR(open_file(m, 0, &m->first, err));
    m->without_rows = shows_no_type(m, m->first);
    TN_RETURN_IF_ERROR(unite(m, m->first, m->files[0].uri, err));
    if (m->first->schema.count == 0 && m->format != FORMAT_PARQUET &&
        m->count > 1) { /* what it is told to have comes later */
        tn_source_release(m->first);
        m->first = NULL;
    }
    if (!m->options->union_by_name) {
        TN_RETURN_IF_ERROR(find_rows(m, err));
    }
    for (size_t i = 1; i < m->count && m->options->union_by_name; i++) {
        tn_source *source;
        TN_RETURN_IF_ERROR(open_file(m, i, &source, err));
        const tarn_code code = unite(m, source, m->files[i].uri, err);
        tn_source_release(source);
        TN_RETURN_IF_ERROR(code);
    }
    TN_RETURN_IF_ERROR(check_columns(m, err));
    TN_RETURN_IF_ERROR(settle_all(m, err));
    m->set.fill_missing = m->options->union_by_name;
    return m->options->union_by_name && m->format == FORMAT_CSV ? add_kept(m, err) : TARN_OK;
}

/* Parquet files come in the types that are declared for some columns. */
static TN_FALLIBLE declare_types(maker *m, tarn_error *err)
{
    for (uint32_t i = 0; m->format == FORMAT_PARQUET && i < m->options->column_count; i++) {
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

/* Text files after the first are read in its types, so that a column is one type in all of them. */
static TN_FALLIBLE fix_types(maker *m, tarn_error *err)
{
    TN_RETURN_IF_ERROR(declare_types(m, err));
    if (m->format == FORMAT_PARQUET || m->count < 2 || m->options->columns_are_all) {
        return TARN_OK;
    }
    csv_context *csv;
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(&m->keep, tn_field, m->fields.count, &fields, err));
    uint32_t count = 0;
    for (size_t i = 0; i < m->fields.count; i++) {
        fields[count] = m->fields.items[i];
        TN_RETURN_IF_ERROR(
            tn_arena_copy(&m->keep, m->fields.items[i].name, &fields[count].name, err));
        count++;
    }
    if (m->format != FORMAT_CSV) {
        return tn_listing__type_json(fields, count, &m->keep, &m->set, err);
    }
    TN_RETURN_IF_ERROR(tn_arena_new(&m->keep, csv_context, &csv, err));
    *csv = *(const csv_context *)m->set.context;
    csv->options.types = fields;
    csv->options.type_count = count;
    csv->options.types_may_lack = m->options->union_by_name;
    csv->options.origin = TN_CSV_OTHER_FILES;
    m->set.context = csv;
    return TARN_OK;
}

static TN_FALLIBLE make(maker *m, tn_str name, tn_source **out, tarn_error *err)
{
    tn_data_file *files;
    TN_RETURN_IF_ERROR(
        find_format(m->stores, &m->files[0], m->options->format, m->pool, &m->format, err));
    TN_RETURN_IF_ERROR(leave_out_empty(m, err));
    TN_RETURN_IF_ERROR(choose_opener(m, err));
    TN_RETURN_IF_ERROR(find_schema(m, err));
    TN_RETURN_IF_ERROR(fix_types(m, err));
    TN_RETURN_IF_ERROR(find_partitions(m, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&m->arena, tn_data_file, m->count, &files, err));
    for (size_t i = 0; i < m->count; i++) {
        files[i] = (tn_data_file){.file = m->files[i], .rows = UINT64_MAX};
    }
    if (m->hive_count > 0) {
        TN_RETURN_IF_ERROR(add_partitions(m, files, err));
    }
    if (m->count == 1 && m->hive_count == 0 && !m->retyped) { /* one file is its own source */
        *out = m->first;
        m->first = NULL;
        return TARN_OK;
    }
    m->set.name = name;
    m->set.kind = format_names[m->format];
    m->set.schema = (tn_schema){(uint32_t)m->fields.count, m->fields.items};
    m->set.files = files;
    m->set.count = m->count;
    m->set.keep = &m->keep;
    m->set.is_pipeline = m->options->is_pipeline;
    m->set.refuse_new_columns = !m->options->union_by_name && !m->options->ignore_new_columns &&
                                (m->format == FORMAT_PARQUET || m->format == FORMAT_CSV ||
                                 m->options->is_pipeline || !m->options->drop_bad_records);
    TN_RETURN_IF_ERROR(tn_files_source_create(&m->set, m->types, m->first, m->pool, out, err));
    m->first = NULL;
    return TARN_OK;
}

/* ---- the interface ----------------------------------------------------------------------------*/

static TN_FALLIBLE source_of(tn_stores *stores, tn_types *types, tn_str name,
                             const tn_listed_file *files, size_t count,
                             const tn_read_options *options, tn_pool *pool, tn_source **out,
                             tarn_error *err)
{
    maker m = {.stores = stores,
               .types = types,
               .options = options,
               .pool = pool,
               .files = files,
               .count = count};
    *out = NULL;
    tn_arena_init(&m.arena, pool);
    tn_arena_init(&m.keep, pool);
    m.fields.pool = pool;
    const tarn_code code = make(&m, name, out, err);
    if (m.first != NULL) {
        tn_source_release(m.first);
    }
    tn_vec_free(&m.fields);
    tn_arena_deinit(&m.arena);
    if (code != TARN_OK || *out == NULL || m.set.keep == NULL) {
        /* One file's own source keeps what it needs of the options itself. */
        tn_arena_deinit(&m.keep);
    }
    return code;
}

/* Without files there are the columns that were declared, and no rows. */
static TN_FALLIBLE empty_source(tn_types *types, const tn_read_options *options, tn_pool *pool,
                                tn_source **out, tarn_error *err)
{
    const tn_file_set set = {.name = TN_STR("no files"),
                             .kind = "files",
                             .schema = {options->column_count, options->columns},
                             .fill_missing = true,
                             .open = tn_files_open_parquet};
    return tn_files_source_create(&set, types, NULL, pool, out, err);
}

tarn_code tn_listing_source_of(tn_stores *stores, tn_types *types, const tn_listed_file *files,
                               size_t count, const tn_read_options *options, tn_pool *pool,
                               tn_source **out, tarn_error *err)
{
    return count == 0
               ? empty_source(types, options, pool, out, err)
               : source_of(stores, types, files[0].uri, files, count, options, pool, out, err);
}

static TN_FALLIBLE delta_source(tn_stores *stores, tn_types *types, tn_str uri,
                                const tn_read_options *options, tn_pool *pool, tn_source **out,
                                tarn_error *err)
{
    const tn_delta_at at = {options->version, options->timestamp_us};
    tn_delta *table;
    TN_RETURN_IF_ERROR(tn_delta_open(stores, types, uri, &at, pool, &table, err));
    const tarn_code code = tn_delta_source(table, pool, out, err);
    tn_delta_close(table);
    return code;
}

tarn_code tn_listing_source(tn_stores *stores, tn_types *types, const tn_str *uris, uint32_t count,
                            const tn_read_options *options, tn_pool *pool, tn_source **out,
                            tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_listed_file *files;
    size_t file_count;
    bool is_delta = tn_str_equal_fold(options->format, TN_STR("delta"));

    *out = NULL;
    if (count == 1 && options->format.size == 0 && !tn_str_equal(uris[0], TN_STR("-"))) {
        TN_RETURN_IF_ERROR(tn_listing_is_delta(stores, uris[0], pool, &is_delta, err));
    }
    if (is_delta) {
        return delta_source(stores, types, uris[0], options, pool, out, err);
    }
    tn_arena_init(&arena, pool);
    TN_TRY(tn_listing_expand(stores, uris, count, false, &arena, pool, &files, &file_count, err));
    TN_TRY(source_of(stores, types, uris[0], files, file_count, options, pool, out, err));
done:
    tn_arena_deinit(&arena);
    return code;
}
