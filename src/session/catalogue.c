/* What names mean in a session: its tables and views, files by URI, and table functions. */
#include "session/session_internal.h"

#include "kernel/text.h"
#include "scan/memory.h"
#include "scan/range.h"

#include <stddef.h>

static tn_session *session_of(tn_catalogue *catalogue)
{
    return (tn_session *)(void *)((char *)catalogue - offsetof(tn_session, catalogue));
}

/* ---- tables and views ---- */

tn_entry *tn_session__find(tn_session *session, tn_str name, bool *ambiguous)
{
    tn_entry *found = NULL;
    *ambiguous = false;
    for (tn_entry *each = session->entries; each != NULL; each = each->next) {
        if (tn_str_equal(each->name, name)) {
            *ambiguous = false;
            return each;
        }
        if (tn_str_equal_fold(each->name, name)) {
            *ambiguous = found != NULL;
            found = each;
        }
    }
    return *ambiguous ? NULL : found;
}

void tn_session__drop(tn_session *session, tn_entry *entry)
{
    tn_entry **link = &session->entries;
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    for (size_t i = 0; i < entry->chunk_count; i++) {
        tn_chunk_release(entry->chunks[i]);
    }
    tn_source_release(entry->source);
    tn_arena_deinit(&entry->arena);
    tn_pool_free(&session->pool, entry, sizeof(*entry));
}

static TN_FALLIBLE new_entry(tn_session *session, tn_str name, tn_entry **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(&session->pool, sizeof(tn_entry), &memory, err));
    tn_entry *entry = memory;
    tn_arena_init(&entry->arena, &session->pool);
    if (tn_arena_copy(&entry->arena, name, &entry->name, err) != TARN_OK) {
        tn_arena_deinit(&entry->arena);
        tn_pool_free(&session->pool, entry, sizeof(*entry));
        return TARN_E_NOMEM;
    }
    entry->next = session->entries; /* listed: dropping it frees it */
    session->entries = entry;
    *out = entry;
    return TARN_OK;
}

/* Of two entries of one name the newer stands first: the older goes once the newer is whole. */
static void drop_older(tn_session *session, const tn_entry *newer)
{
    for (tn_entry *each = newer->next; each != NULL; each = each->next) {
        if (tn_str_equal_fold(each->name, newer->name)) {
            tn_session__drop(session, each);
            return;
        }
    }
}

tarn_code tn_session__add_table(tn_session *session, tn_str name, const tn_schema *schema,
                                tn_chunk *const *chunks, size_t count, bool replace,
                                tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_entry *entry = NULL;

    TN_TRY(new_entry(session, name, &entry, err));
    TN_TRY(tn_schema_copy(&entry->arena, schema, &entry->schema, err));
    TN_TRY(tn_arena_array(&entry->arena, tn_chunk *, count, &entry->chunks, err));
    for (size_t i = 0; i < count; i++) {
        entry->chunks[entry->chunk_count++] = tn_chunk_retain(chunks[i]);
    }
    TN_TRY(tn_memory_source_create(&session->pool, entry->name, &entry->schema, entry->chunks,
                                   count, &entry->source, err));
    if (replace) {
        drop_older(session, entry);
    }
    entry = NULL;
done:
    if (entry != NULL) {
        tn_session__drop(session, entry);
    }
    return code;
}

tarn_code tn_session_add_table(tn_session *session, tn_str name, const tn_schema *schema,
                               tn_chunk *const *chunks, size_t count, tarn_error *err)
{
    return tn_session__add_table(session, name, schema, chunks, count, true, err);
}

tarn_code tn_session__add_view(tn_session *session, const tn_bound *bound, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_entry *entry = NULL;
    tn_str *columns = NULL;

    TN_TRY(new_entry(session, bound->name.name, &entry, err));
    entry->is_view = true;
    TN_TRY(tn_arena_copy(&entry->arena, bound->sql, &entry->sql, err));
    TN_TRY(tn_arena_array(&entry->arena, tn_str, bound->column_count, &columns, err));
    for (uint32_t i = 0; i < bound->column_count; i++) {
        TN_TRY(tn_arena_copy(&entry->arena, bound->columns[i], &columns[i], err));
    }
    entry->columns = bound->column_count > 0 ? columns : NULL;
    entry->column_count = bound->column_count;
    drop_older(session, entry);
    entry = NULL;
done:
    if (entry != NULL) {
        tn_session__drop(session, entry);
    }
    return code;
}

static tarn_code find(tn_catalogue *catalogue, const tn_object_name *name, tn_relation *out,
                      tarn_error *err)
{
    tn_session *session = session_of(catalogue);
    bool ambiguous;
    *out = (tn_relation){.kind = TN_RELATION_NONE};
    if (name->schema.size > 0 && !tn_str_equal_fold(name->schema, TN_STR("main"))) {
        return TARN_OK;
    }
    const tn_entry *entry = tn_session__find(session, name->name, &ambiguous);
    if (ambiguous) {
        return tn_fail(err, TARN_E_INVALID, "the name '%.*s' fits two tables",
                       TN_STR_ARGS(name->name));
    }
    if (entry == NULL) {
        return TARN_OK;
    }
    if (entry->is_view) {
        *out = (tn_relation){.kind = TN_RELATION_VIEW,
                             .sql = entry->sql,
                             .columns = entry->columns,
                             .column_count = entry->column_count};
        return TARN_OK;
    }
    /* A statement sees the table as it is now, also where it replaces it. */
    TN_RETURN_IF_ERROR(tn_vec_push(&session->opened, entry->source, err));
    (void)tn_source_retain(entry->source);
    *out = (tn_relation){.kind = TN_RELATION_SOURCE, .source = entry->source};
    return TARN_OK;
}

/* ---- files ---- */

static TN_FALLIBLE keep_open(tn_session *session, tn_source *source, uint32_t virtuals,
                             tn_relation *out, tarn_error *err)
{
    if (tn_vec_push(&session->opened, source, err) != TARN_OK) {
        tn_source_release(source);
        return TARN_E_NOMEM;
    }
    *out = (tn_relation){.kind = TN_RELATION_SOURCE, .source = source, .virtuals = virtuals};
    return TARN_OK;
}

enum { FILE_VIRTUALS = TN_VIRTUAL_FILE | TN_VIRTUAL_ROW | TN_VIRTUAL_LINE | TN_VIRTUAL_MODIFIED };

static TN_FALLIBLE open_files(tn_session *session, const tn_str *uris, uint32_t count,
                              const tn_read_options *options, tn_relation *out, tarn_error *err)
{
    tn_source *source;
    TN_RETURN_IF_ERROR(tn_listing_source(session->stores, session->types, uris, count, options,
                                         &session->pool, &source, err));
    return keep_open(session, source, FILE_VIRTUALS, out, err);
}

static tarn_code open_uri(tn_catalogue *catalogue, tn_str uri, tn_span span, tn_relation *out,
                          tarn_error *err)
{
    const tn_read_options options = TN_READ_DEFAULT;
    (void)span;
    return open_files(session_of(catalogue), &uri, 1, &options, out, err);
}

/* ---- table functions ---- */

typedef struct reader_call {
    tn_session *session;
    tn_arena arena;
    tn_read_options options;
    tn_str *uris;
    uint32_t uri_count;
} reader_call;

static TN_FALLIBLE wrong(const tn_argument *argument, const char *wanted, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "the argument '%.*s' must be %s",
                  TN_STR_ARGS(argument->name), wanted);
    if (err != NULL && err->span_length == 0) {
        err->span_start = argument->span.start;
        err->span_length = argument->span.length;
    }
    return TARN_E_INVALID;
}

/* A text, or a list of texts. */
static TN_FALLIBLE texts(reader_call *call, const tn_argument *argument, const char *wanted,
                         tn_str **out, uint32_t *count, tarn_error *err)
{
    const tn_value *value = &argument->value;
    if (!value->is_null && value->type->kind == TN_KIND_VARCHAR) {
        *count = 1;
        TN_RETURN_IF_ERROR(tn_arena_new(&call->arena, tn_str, out, err));
        **out = value->str;
        return TARN_OK;
    }
    if (value->is_null || value->type->kind != TN_KIND_LIST) {
        return wrong(argument, wanted, err);
    }
    const tn_list list = *(const tn_list *)value->nested->values;
    TN_RETURN_IF_ERROR(tn_arena_array(&call->arena, tn_str, list.length, out, err));
    for (uint32_t i = 0; i < list.length; i++) {
        tn_value item;
        TN_RETURN_IF_ERROR(
            tn_value_of(&value->nested->children[0], list.offset + i, &call->arena, &item, err));
        if (item.is_null || item.type->kind != TN_KIND_VARCHAR) {
            return wrong(argument, wanted, err);
        }
        (*out)[i] = item.str;
    }
    *count = list.length;
    return TARN_OK;
}

static TN_FALLIBLE one_character(const tn_argument *argument, char *out, tarn_error *err)
{
    const tn_value *value = &argument->value;
    if (value->is_null || value->type->kind != TN_KIND_VARCHAR || value->str.size > 1) {
        return wrong(argument, "one ASCII character", err);
    }
    *out = value->str.size == 0 ? '\0' : value->str.data[0];
    return TARN_OK;
}

static TN_FALLIBLE tristate(const tn_argument *argument, tn_tristate *out, tarn_error *err)
{
    const tn_value *value = &argument->value;
    if (value->is_null || value->type->kind != TN_KIND_BOOLEAN) {
        return wrong(argument, "true or false", err);
    }
    *out = value->boolean ? TN_YES : TN_NO;
    return TARN_OK;
}

static TN_FALLIBLE boolean(const tn_argument *argument, bool *out, tarn_error *err)
{
    tn_tristate value;
    TN_RETURN_IF_ERROR(tristate(argument, &value, err));
    *out = value == TN_YES;
    return TARN_OK;
}

static TN_FALLIBLE whole_number(const tn_argument *argument, int64_t *out, tarn_error *err)
{
    const tn_value *value = &argument->value;
    if (value->is_null || !tn_type_is_integer(value->type)) {
        return wrong(argument, "a whole number", err);
    }
    *out = value->i64;
    return TARN_OK;
}

static TN_FALLIBLE text(const tn_argument *argument, tn_str *out, tarn_error *err)
{
    const tn_value *value = &argument->value;
    if (value->is_null || value->type->kind != TN_KIND_VARCHAR) {
        return wrong(argument, "a text", err);
    }
    *out = value->str;
    return TARN_OK;
}

static TN_FALLIBLE timestamp(const tn_argument *argument, int64_t *out, tarn_error *err)
{
    tn_str given = TN_STR_NONE;
    if (!argument->value.is_null && tn_type_is_timestamp(argument->value.type) &&
        argument->value.type->kind != TN_KIND_TIMESTAMP_NS) {
        *out = argument->value.i64;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(text(argument, &given, err));
    const tn_reason why = tn_text_parse_timestamp(given, 1000000, out);
    return why == NULL ? TARN_OK : tn_text_fail(given, TN_TIMESTAMP, why, err);
}

/* columns => {'a': 'BIGINT', ...} */
static TN_FALLIBLE columns(reader_call *call, const tn_argument *argument, tarn_error *err)
{
    const tn_value *value = &argument->value;
    tn_field *fields;
    if (value->is_null || value->type->kind != TN_KIND_STRUCT) {
        return wrong(argument, "a struct of types, such as {'id': 'BIGINT'}", err);
    }
    const uint32_t count = value->type->field_count;
    TN_RETURN_IF_ERROR(tn_arena_array(&call->arena, tn_field, count, &fields, err));
    for (uint32_t i = 0; i < count; i++) {
        tn_value type;
        TN_RETURN_IF_ERROR(tn_value_of(&value->nested->children[i], 0, &call->arena, &type, err));
        if (type.is_null || type.type->kind != TN_KIND_VARCHAR) {
            return wrong(argument, "a struct of types, such as {'id': 'BIGINT'}", err);
        }
        fields[i] = (tn_field){value->type->fields[i].name, NULL, true};
        TN_RETURN_IF_ERROR(tn_types_parse(call->session->types, type.str, &fields[i].type, err));
    }
    call->options.columns = fields;
    call->options.column_count = count;
    return TARN_OK;
}

typedef enum option_kind {
    OPTION_DELIMITER,
    OPTION_QUOTE,
    OPTION_ESCAPE,
    OPTION_COMMENT,
    OPTION_HEADER,
    OPTION_NULL,
    OPTION_SKIP,
    OPTION_SAMPLE,
    OPTION_NAMES,
    OPTION_PADDING,
    OPTION_BREAKS,
    OPTION_LINE_SIZE,
    OPTION_COLUMNS,
    OPTION_ALL_VARCHAR,
    OPTION_IGNORE_ERRORS,
    OPTION_HIVE,
    OPTION_UNION,
    OPTION_NEW_COLUMN,
    OPTION_STATISTICS,
    OPTION_VERSION,
    OPTION_TIMESTAMP,
    OPTION_FORMAT,
    OPTION_CODEC
} option_kind;

/* Formats that know an option. */
enum { OF_CSV = 1, OF_JSON = 2, OF_PARQUET = 4, OF_DELTA = 8, OF_TEXT = 3, OF_FILES = 7 };

static const struct {
    const char *name;
    option_kind kind;
    unsigned formats;
} option_names[] = {
    {"delim", OPTION_DELIMITER, OF_CSV},
    {"delimiter", OPTION_DELIMITER, OF_CSV},
    {"sep", OPTION_DELIMITER, OF_CSV},
    {"quote", OPTION_QUOTE, OF_CSV},
    {"escape", OPTION_ESCAPE, OF_CSV},
    {"comment", OPTION_COMMENT, OF_CSV},
    {"header", OPTION_HEADER, OF_CSV},
    {"null", OPTION_NULL, OF_CSV},
    {"nullstr", OPTION_NULL, OF_CSV},
    {"skip", OPTION_SKIP, OF_CSV},
    {"names", OPTION_NAMES, OF_CSV},
    {"null_padding", OPTION_PADDING, OF_CSV},
    {"new_line_in_values", OPTION_BREAKS, OF_CSV},
    {"sample_size", OPTION_SAMPLE, OF_TEXT},
    {"max_line_size", OPTION_LINE_SIZE, OF_TEXT},
    {"columns", OPTION_COLUMNS, OF_TEXT},
    {"types", OPTION_COLUMNS, OF_FILES},
    {"all_varchar", OPTION_ALL_VARCHAR, OF_TEXT},
    {"ignore_errors", OPTION_IGNORE_ERRORS, OF_TEXT},
    {"compression", OPTION_CODEC, OF_TEXT},
    {"hive_partitioning", OPTION_HIVE, OF_FILES},
    {"union_by_name", OPTION_UNION, OF_FILES},
    {"on_new_column", OPTION_NEW_COLUMN, OF_FILES},
    {"ignore_statistics", OPTION_STATISTICS, OF_PARQUET},
    {"format", OPTION_FORMAT, OF_JSON}, /* DuckDB's name for what is found here */
    {"version", OPTION_VERSION, OF_DELTA},
    {"timestamp", OPTION_TIMESTAMP, OF_DELTA},
};
enum { OPTION_COUNT = sizeof(option_names) / sizeof(option_names[0]) };

static unsigned format_bit(tn_str format)
{
    return tn_str_equal(format, TN_STR("csv"))       ? OF_CSV
           : tn_str_equal(format, TN_STR("parquet")) ? OF_PARQUET
           : tn_str_equal(format, TN_STR("delta"))   ? OF_DELTA
                                                     : OF_JSON;
}

static TN_FALLIBLE unknown_option(const tn_argument *argument, tn_str function, unsigned format,
                                  tarn_error *err)
{
    tn_str names[OPTION_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((option_names[i].formats & format) != 0) {
            names[count++] = tn_str_of(option_names[i].name);
        }
    }
    const tn_str near = tn_str_nearest(argument->name, names, count);
    (void)tn_fail(err, TARN_E_INVALID, "%.*s() has no option '%.*s'", TN_STR_ARGS(function),
                  TN_STR_ARGS(argument->name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    }
    if (err != NULL) {
        err->span_start = argument->name_span.start;
        err->span_length = argument->name_span.length;
    }
    return TARN_E_INVALID;
}

static TN_FALLIBLE read_option(reader_call *call, const tn_argument *argument, tn_str function,
                               tarn_error *err)
{
    tn_read_options *options = &call->options;
    const unsigned format = format_bit(options->format);
    int64_t number = 0;
    size_t i = 0;
    tn_str *nulls = NULL;
    tn_str ignored;

    while (i < OPTION_COUNT &&
           ((option_names[i].formats & format) == 0 ||
            !tn_str_equal_fold(argument->name, tn_str_of(option_names[i].name)))) {
        i++;
    }
    if (i == OPTION_COUNT) {
        return unknown_option(argument, function, format, err);
    }
    switch (option_names[i].kind) {
    case OPTION_DELIMITER:
        if (!argument->value.is_null && argument->value.type->kind == TN_KIND_VARCHAR &&
            tn_str_equal(argument->value.str, TN_STR("\\t"))) {
            options->delimiter = '\t';
            return TARN_OK;
        }
        return one_character(argument, &options->delimiter, err);
    case OPTION_QUOTE:
        TN_RETURN_IF_ERROR(one_character(argument, &options->quote, err));
        options->no_quotes = options->quote == '\0';
        return TARN_OK;
    case OPTION_ESCAPE:
        return one_character(argument, &options->escape, err);
    case OPTION_COMMENT:
        return one_character(argument, &options->comment, err);
    case OPTION_HEADER:
        return tristate(argument, &options->header, err);
    case OPTION_NULL:
        TN_RETURN_IF_ERROR(
            texts(call, argument, "a text or a list of texts", &nulls, &options->null_count, err));
        options->nulls = nulls;
        return TARN_OK;
    case OPTION_SKIP:
        TN_RETURN_IF_ERROR(whole_number(argument, &number, err));
        options->skip = (uint64_t)number;
        return number < 0 ? wrong(argument, "0 or more", err) : TARN_OK;
    case OPTION_SAMPLE:
        TN_RETURN_IF_ERROR(whole_number(argument, &number, err));
        options->sample_rows = number < 0 ? UINT64_MAX : (uint64_t)number;
        return TARN_OK;
    case OPTION_NAMES:
        TN_RETURN_IF_ERROR(
            texts(call, argument, "a list of names", &nulls, &options->name_count, err));
        options->names = nulls;
        return TARN_OK;
    case OPTION_PADDING:
        return boolean(argument, &options->null_padding, err);
    case OPTION_BREAKS:
        return boolean(argument, &options->new_line_in_values, err);
    case OPTION_LINE_SIZE:
        TN_RETURN_IF_ERROR(whole_number(argument, &number, err));
        options->record_size_max = (uint64_t)number;
        return number < 1 || number > 1 << 30 ? wrong(argument, "from 1 to 1073741824", err)
                                              : TARN_OK;
    case OPTION_COLUMNS:
        return columns(call, argument, err);
    case OPTION_ALL_VARCHAR:
        return boolean(argument, &options->all_varchar, err);
    case OPTION_IGNORE_ERRORS:
        return boolean(argument, &options->drop_bad_records, err);
    case OPTION_HIVE:
        return tristate(argument, &options->hive, err);
    case OPTION_UNION:
        return boolean(argument, &options->union_by_name, err);
    case OPTION_STATISTICS:
        return boolean(argument, &options->ignore_statistics, err);
    case OPTION_NEW_COLUMN:
        TN_RETURN_IF_ERROR(text(argument, &ignored, err));
        options->ignore_new_columns = tn_str_equal_fold(ignored, TN_STR("ignore"));
        return options->ignore_new_columns || tn_str_equal_fold(ignored, TN_STR("fail"))
                   ? TARN_OK
                   : wrong(argument, "'fail' or 'ignore'", err);
    case OPTION_VERSION:
        return whole_number(argument, &options->version, err);
    case OPTION_TIMESTAMP:
        return timestamp(argument, &options->timestamp_us, err);
    case OPTION_FORMAT:
        return text(argument, &ignored, err);
    default:
        return text(argument, &options->codec, err);
    }
}

static TN_FALLIBLE call_reader(tn_session *session, tn_str function, tn_str format,
                               const tn_argument *arguments, uint32_t count, tn_relation *out,
                               tarn_error *err)
{
    tarn_code code = TARN_OK;
    reader_call call = {.session = session, .options = TN_READ_DEFAULT};

    tn_arena_init(&call.arena, &session->pool);
    call.options.format = format;
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i].name.size > 0) {
            TN_TRY(read_option(&call, &arguments[i], function, err));
        } else if (call.uris == NULL) {
            TN_TRY(texts(&call, &arguments[i], "a URI or a list of URIs", &call.uris,
                         &call.uri_count, err));
        } else {
            code = tn_fail(err, TARN_E_INVALID, "%.*s() takes one URI, or a list of them",
                           TN_STR_ARGS(function));
            goto done;
        }
    }
    if (call.uri_count == 0) {
        code = tn_fail(err, TARN_E_INVALID, "%.*s() needs a URI", TN_STR_ARGS(function));
        goto done;
    }
    TN_TRY(open_files(session, call.uris, call.uri_count, &call.options, out, err));
done:
    tn_arena_deinit(&call.arena);
    return code;
}

/* range(end), range(from, end), range(from, end, step); generate_series includes its end. */
static TN_FALLIBLE call_range(tn_session *session, tn_str function, bool inclusive,
                              const tn_argument *arguments, uint32_t count, tn_relation *out,
                              tarn_error *err)
{
    int64_t numbers[3] = {0, 0, 1};
    bool unknown = false; /* from, to or by NULL there is no row */
    tn_source *source;
    if (count < 1 || count > 3) {
        return tn_fail(err, TARN_E_INVALID,
                       "%.*s() takes one to three numbers: [from,] to [, step]",
                       TN_STR_ARGS(function));
    }
    for (uint32_t i = 0; i < count; i++) {
        unknown |= arguments[i].value.is_null;
        if (!arguments[i].value.is_null) {
            TN_RETURN_IF_ERROR(whole_number(&arguments[i], &numbers[count == 1 ? 1 : i], err));
        }
    }
    const int64_t step = numbers[2];
    if (step == 0) {
        return tn_fail(err, TARN_E_INVALID, "the step of %.*s() is 0", TN_STR_ARGS(function));
    }
    const tn_i128 span =
        step > 0 ? (tn_i128)numbers[1] - numbers[0] : (tn_i128)numbers[0] - numbers[1];
    const tn_i128 width = step > 0 ? step : -(tn_i128)step;
    const tn_i128 rows = span < 0 || unknown ? 0
                         : inclusive         ? span / width + 1
                                             : (span + width - 1) / width;
    TN_RETURN_IF_ERROR(tn_range_source_create(&session->pool, function, numbers[0], step,
                                              (uint64_t)rows, &source, err));
    return keep_open(session, source, 0, out, err);
}

static const struct {
    const char *name, *format;
} readers[] = {
    {"read_csv", "csv"},         {"read_csv_auto", "csv"}, {"read_parquet", "parquet"},
    {"parquet_scan", "parquet"}, {"read_json", "json"},    {"read_json_auto", "json"},
    {"read_ndjson", "jsonl"},    {"delta_scan", "delta"},
};
enum { READER_COUNT = sizeof(readers) / sizeof(readers[0]) };
static const char *const ranges[] = {"range", "generate_series"};

static tarn_code call(tn_catalogue *catalogue, tn_str name, tn_span span,
                      const tn_argument *arguments, uint32_t count, tn_relation *out,
                      tarn_error *err)
{
    tn_session *session = session_of(catalogue);
    (void)span;
    *out = (tn_relation){.kind = TN_RELATION_NONE};
    for (size_t i = 0; i < READER_COUNT; i++) {
        if (tn_str_equal_fold(name, tn_str_of(readers[i].name))) {
            return call_reader(session, name, tn_str_of(readers[i].format), arguments, count, out,
                               err);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (tn_str_equal_fold(name, tn_str_of(ranges[i]))) {
            return call_range(session, tn_str_of(ranges[i]), i == 1, arguments, count, out, err);
        }
    }
    return TARN_OK;
}

static tarn_code names(tn_catalogue *catalogue, bool functions, tn_arena *arena, const tn_str **out,
                       size_t *count, tarn_error *err)
{
    tn_session *session = session_of(catalogue);
    tn_str *list;
    size_t entries = functions ? READER_COUNT + 2 : 0;
    for (const tn_entry *each = session->entries; each != NULL && !functions; each = each->next) {
        entries++;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, entries, &list, err));
    *count = 0;
    for (size_t i = 0; i < READER_COUNT && functions; i++) {
        list[(*count)++] = tn_str_of(readers[i].name);
    }
    for (size_t i = 0; i < 2 && functions; i++) {
        list[(*count)++] = tn_str_of(ranges[i]);
    }
    for (const tn_entry *each = session->entries; each != NULL && !functions; each = each->next) {
        list[(*count)++] = each->name;
    }
    *out = list;
    return TARN_OK;
}

const tn_catalogue_ops tn_session__catalogue_ops = {
    .find = find, .open_uri = open_uri, .call = call, .names = names};
