/* COPY ... TO: one file in any format that can be written, or a Delta table. */
#include "session/session_internal.h"

#include "codec/stream.h"
#include "format/csv/csv.h"
#include "format/json/json.h"
#include "format/parquet/parquet.h"
#include "table/delta/delta.h"

struct tn_copy {
    tn_session *session;
    tn_arena arena;
    tn_delta_writer *delta;
    tn_file_sink *file;
    bool committed;
};

typedef struct settings {
    tn_writer_options writer;
    tn_delta_mode mode;
    uint64_t file_size;
} settings;

static TN_FALLIBLE place(const tn_copy_option *option, tarn_error *err)
{
    if (err != NULL) {
        err->span_start = option->span.start;
        err->span_length = option->span.length;
    }
    return TARN_E_INVALID;
}

static TN_FALLIBLE wrong(const tn_copy_option *option, const char *wanted, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "the option %.*s takes %s", TN_STR_ARGS(option->name),
                  wanted);
    return place(option, err);
}

static TN_FALLIBLE text_of(const tn_copy_option *option, tn_str *out, tarn_error *err)
{
    if (option->value_count != 1 || option->values[0].is_null ||
        option->values[0].type->kind != TN_KIND_VARCHAR) {
        return wrong(option, "a text", err);
    }
    *out = option->values[0].str;
    return TARN_OK;
}

static TN_FALLIBLE character_of(const tn_copy_option *option, char *out, tarn_error *err)
{
    tn_str text;
    TN_RETURN_IF_ERROR(text_of(option, &text, err));
    if (tn_str_equal(text, TN_STR("\\t"))) {
        text = TN_STR("\t");
    }
    if (text.size != 1) {
        return wrong(option, "one ASCII character", err);
    }
    *out = text.data[0];
    return TARN_OK;
}

static TN_FALLIBLE boolean_of(const tn_copy_option *option, bool *out, tarn_error *err)
{
    *out = true;
    if (option->value_count == 0) {
        return TARN_OK;
    }
    const tn_value *value = &option->values[0];
    if (value->is_null || option->value_count > 1) {
        return wrong(option, "true or false", err);
    }
    if (value->type->kind == TN_KIND_BOOLEAN) {
        *out = value->boolean;
        return TARN_OK;
    }
    if (value->type->kind == TN_KIND_VARCHAR) {
        *out = tn_str_equal_fold(value->str, TN_STR("true")) ||
               tn_str_equal_fold(value->str, TN_STR("on"));
        if (*out || tn_str_equal_fold(value->str, TN_STR("false")) ||
            tn_str_equal_fold(value->str, TN_STR("off"))) {
            return TARN_OK;
        }
    }
    return wrong(option, "true or false", err);
}

static TN_FALLIBLE number_of(const tn_copy_option *option, uint64_t *out, tarn_error *err)
{
    if (option->value_count != 1 || option->values[0].is_null ||
        !tn_type_is_integer(option->values[0].type) || option->values[0].i64 <= 0) {
        return wrong(option, "a number above 0", err);
    }
    *out = (uint64_t)option->values[0].i64;
    return TARN_OK;
}

static TN_FALLIBLE mode_of(const tn_copy_option *option, tn_delta_mode *out, tarn_error *err)
{
    tn_str text;
    TN_RETURN_IF_ERROR(text_of(option, &text, err));
    if (tn_str_equal_fold(text, TN_STR("append"))) {
        *out = TN_DELTA_APPEND;
    } else if (tn_str_equal_fold(text, TN_STR("overwrite"))) {
        *out = TN_DELTA_OVERWRITE;
    } else if (tn_str_equal_fold(text, TN_STR("error"))) {
        *out = TN_DELTA_ERROR;
    } else {
        return wrong(option, "append, overwrite or error", err);
    }
    return TARN_OK;
}

enum { OF_CSV = 1, OF_JSON = 2, OF_PARQUET = 4, OF_DELTA = 8, OF_ALL = 15 };
static const struct {
    const char *name;
    unsigned formats; /* that heed it: others would write something else than was asked for */
} options_known[] = {
    {"format", OF_ALL},
    {"partition_by", OF_ALL}, /* refused further on */
    {"delimiter", OF_CSV},
    {"delim", OF_CSV},
    {"sep", OF_CSV},
    {"quote", OF_CSV},
    {"escape", OF_CSV},
    {"header", OF_CSV},
    {"null", OF_CSV},
    {"nullstr", OF_CSV},
    {"codec", OF_ALL},
    {"compression", OF_ALL},
    {"row_group_size", OF_PARQUET | OF_DELTA},
    {"mode", OF_DELTA},
    {"file_size", OF_DELTA},
};
enum { OPTION_COUNT = sizeof(options_known) / sizeof(options_known[0]) };

static TN_FALLIBLE unknown(const tn_copy_option *option, tarn_error *err)
{
    tn_str names[OPTION_COUNT];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        names[i] = tn_str_of(options_known[i].name);
    }
    const tn_str near = tn_str_nearest(option->name, names, OPTION_COUNT);
    (void)tn_fail(err, TARN_E_INVALID, "COPY has no option '%.*s'", TN_STR_ARGS(option->name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    }
    return place(option, err);
}

static bool is_named(const tn_copy_option *option, const char *a, const char *b)
{
    return tn_str_equal_fold(option->name, tn_str_of(a)) ||
           tn_str_equal_fold(option->name, tn_str_of(b));
}

static TN_FALLIBLE read_option(const tn_copy_option *option, settings *out, tarn_error *err)
{
    bool header;
    if (is_named(option, "format", "partition_by")) {
        return TARN_OK;
    }
    if (is_named(option, "delimiter", "delim") || is_named(option, "sep", "sep")) {
        return character_of(option, &out->writer.delimiter, err);
    }
    if (is_named(option, "quote", "quote")) {
        return character_of(option, &out->writer.quote, err);
    }
    if (is_named(option, "escape", "escape")) {
        return character_of(option, &out->writer.escape, err);
    }
    if (is_named(option, "header", "header")) {
        TN_RETURN_IF_ERROR(boolean_of(option, &header, err));
        out->writer.no_header = !header;
        return TARN_OK;
    }
    if (is_named(option, "null", "nullstr")) {
        return text_of(option, &out->writer.null_text, err);
    }
    if (is_named(option, "codec", "compression")) {
        return text_of(option, &out->writer.codec, err);
    }
    if (is_named(option, "row_group_size", "row_group_size")) {
        return number_of(option, &out->writer.group_rows, err);
    }
    if (is_named(option, "file_size", "file_size")) {
        return number_of(option, &out->file_size, err);
    }
    return is_named(option, "mode", "mode") ? mode_of(option, &out->mode, err)
                                            : unknown(option, err);
}

static TN_FALLIBLE open_delta(tn_copy *copy, const tn_schema *schema,
                              const tn_copy_options *options, const settings *chosen,
                              tarn_error *err)
{
    const tn_delta_write_options write = {.mode = chosen->mode,
                                          .partition_by = options->partition_by,
                                          .partition_count = options->partition_count,
                                          .file_size = chosen->file_size,
                                          .parquet = chosen->writer};
    const tarn_code code =
        tn_delta_writer_open(copy->session->stores, copy->session->types, options->uri, schema,
                             &write, &copy->session->pool, &copy->delta, err);
    if (code == TARN_E_EXISTS && err != NULL) { /* in the words of SQL */
        err->hint[0] = '\0';
        tn_hint(err,
                "(FORMAT delta, MODE append) adds the rows, MODE overwrite replaces what is there");
    }
    return code;
}

/* x.csv, and x.csv.gz as well. */
static bool ends_with(tn_str uri, const char *ending)
{
    const tn_codec codec = tn_codec_of_name(uri.data, uri.size);
    uri.size -= codec == TN_CODEC_GZIP ? 3 : codec == TN_CODEC_ZSTD ? 4 : 0;
    return tn_str_has_ending(uri, tn_str_of(ending));
}

/* Not written yet, and better refused by name than guessed at. */
static const char *const planned[] = {"arrow", "avro", "orc"};

/* By FORMAT, else by the URI's ending. */
static TN_FALLIBLE choose_format(const tn_copy_options *options, tn_file_writer_open **open,
                                 bool *is_delta, char *delimiter, tarn_error *err)
{
    const tn_str format = options->format;
    const tn_str uri = options->uri;
    *open = NULL;
    *is_delta = tn_str_equal_fold(format, TN_STR("delta"));
    if (*is_delta) {
        return TARN_OK;
    }
    if (tn_str_equal_fold(format, TN_STR("parquet")) ||
        (format.size == 0 && (ends_with(uri, ".parquet") || ends_with(uri, ".pq")))) {
        *open = tn_parquet_writer_open;
    } else if (tn_str_equal_fold(format, TN_STR("csv")) ||
               tn_str_equal_fold(format, TN_STR("tsv")) ||
               (format.size == 0 && (ends_with(uri, ".csv") || ends_with(uri, ".tsv")))) {
        const bool tabs = tn_str_equal_fold(format, TN_STR("tsv")) || ends_with(uri, ".tsv");
        *delimiter = tabs && *delimiter == '\0' ? '\t' : *delimiter;
        *open = tn_csv_writer_open;
    } else if (tn_str_equal_fold(format, TN_STR("json")) ||
               (format.size == 0 && ends_with(uri, ".json"))) {
        *open = tn_json_array_writer_open;
    } else if (tn_str_equal_fold(format, TN_STR("jsonl")) ||
               tn_str_equal_fold(format, TN_STR("ndjson")) ||
               (format.size == 0 && (ends_with(uri, ".jsonl") || ends_with(uri, ".ndjson")))) {
        *open = tn_json_lines_writer_open;
    }
    if (*open != NULL) {
        return TARN_OK;
    }
    for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
        if (format.size > 0
                ? tn_str_equal_fold(format, tn_str_of(planned[i]))
                : tn_str_has_ending(uri, tn_str_of(planned[i])) && uri.size > strlen(planned[i]) &&
                      uri.data[uri.size - strlen(planned[i]) - 1] == '.') {
            (void)tn_fail(err, TARN_E_UNSUPPORTED, "the format '%s' is not built yet", planned[i]);
            tn_hint(err, "(FORMAT parquet), csv, json, jsonl or delta");
            return TARN_E_UNSUPPORTED;
        }
    }
    (void)tn_fail(err, format.size > 0 ? TARN_E_UNSUPPORTED : TARN_E_INVALID,
                  format.size > 0 ? "nothing is written as '%.*s'"
                                  : "the ending of '%.*s' names no format",
                  TN_STR_ARGS(format.size > 0 ? format : uri));
    tn_hint(err, "(FORMAT parquet), csv, json, jsonl or delta");
    return err == NULL ? TARN_E_INVALID : err->code;
}

/* x.parquet.gz: no reader of gzip would find any in it. */
static TN_FALLIBLE refuse_packed(const tn_copy_options *options, bool is_parquet, tarn_error *err)
{
    const tn_str uri = options->uri;
    if (!is_parquet || tn_codec_of_name(uri.data, uri.size) == TN_CODEC_NONE) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "'%.*s' promises a compressed file, and Parquet is never "
                  "compressed as a whole",
                  TN_STR_ARGS(uri));
    tn_hint(err, "its pages are: name it '.parquet', and choose with (CODEC 'zstd')");
    return TARN_E_INVALID;
}

static const char *format_name(unsigned format)
{
    return format == OF_CSV     ? "a CSV file"
           : format == OF_JSON  ? "a JSON file"
           : format == OF_DELTA ? "a Delta table"
                                : "a Parquet file";
}

/* MODE append of a file would be one that is replaced. */
static TN_FALLIBLE refuse_unheeded(const tn_copy_options *options, unsigned format, tarn_error *err)
{
    for (uint32_t i = 0; i < options->option_count; i++) {
        const tn_copy_option *option = &options->options[i];
        for (size_t o = 0; o < OPTION_COUNT; o++) {
            if (!tn_str_equal_fold(option->name, tn_str_of(options_known[o].name)) ||
                (options_known[o].formats & format) != 0) {
                continue;
            }
            (void)tn_fail(err, TARN_E_INVALID, "'%.*s' says nothing of %s",
                          TN_STR_ARGS(option->name), format_name(format));
            if (options_known[o].formats == OF_DELTA) {
                tn_hint(err, "it is an option of FORMAT delta: COPY writes a file anew, whatever "
                             "was there");
            }
            return place(option, err);
        }
    }
    return TARN_OK;
}

tarn_code tn_copy_open(tn_session *session, const tn_schema *schema, const tn_copy_options *options,
                       tn_copy **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_copy *copy = NULL;
    settings chosen = {.mode = TN_DELTA_ERROR};
    tn_file_writer_open *open = NULL;
    bool is_delta;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(&session->pool, sizeof(tn_copy), &memory, err));
    copy = memory;
    copy->session = session;
    tn_arena_init(&copy->arena, &session->pool);
    for (uint32_t i = 0; i < options->option_count; i++) {
        TN_TRY(read_option(&options->options[i], &chosen, err));
    }
    TN_TRY(choose_format(options, &open, &is_delta, &chosen.writer.delimiter, err));
    TN_TRY(refuse_packed(options, !is_delta && open == tn_parquet_writer_open, err));
    const bool is_parquet = is_delta || open == tn_parquet_writer_open;
    TN_TRY(refuse_unheeded(options,
                           is_delta                     ? OF_DELTA
                           : is_parquet                 ? OF_PARQUET
                           : open == tn_csv_writer_open ? OF_CSV
                                                        : OF_JSON,
                           err));
    if (chosen.writer.codec.size == 0) { /* text: by the ending; Parquet: the session's choice */
        const char *codec = tn_session_get(session, "codec", NULL);
        const tn_codec by_name = tn_codec_of_name(options->uri.data, options->uri.size);
        chosen.writer.codec = is_parquet                 ? tn_str_of(codec == NULL ? "" : codec)
                              : by_name == TN_CODEC_NONE ? TN_STR("")
                                                         : tn_str_of(tn_codec_name(by_name));
    }
    if (is_delta) {
        TN_TRY(open_delta(copy, schema, options, &chosen, err));
    } else if (options->partition_count > 0) {
        code = tn_fail(err, TARN_E_UNSUPPORTED, "PARTITION_BY is built for FORMAT delta only");
        goto done;
    } else { /* "-" is standard output, as it is standard input behind FROM */
        const bool to_output = tn_str_equal(options->uri, TN_STR("-"));
        TN_TRY(tn_file_sink_create(
            session->stores, to_output ? TN_STR("/dev/stdout") : options->uri, schema, open,
            &chosen.writer, open == tn_parquet_writer_open, &session->pool, &copy->file, err));
    }
    *out = copy;
    copy = NULL;
done:
    tn_copy_close(copy);
    return code;
}

tn_sink *tn_copy_sink(tn_copy *copy)
{
    return copy->delta != NULL ? tn_delta_writer_sink(copy->delta) : tn_file_sink_base(copy->file);
}

tarn_code tn_copy_commit(tn_copy *copy, tarn_error *err)
{
    return copy->delta != NULL ? tn_delta_writer_commit(copy->delta, NULL, err)
                               : tn_file_sink_commit(copy->file, err);
}

void tn_copy_close(tn_copy *copy)
{
    if (copy == NULL) {
        return;
    }
    tn_delta_writer_close(copy->delta);
    tn_file_sink_destroy(copy->file);
    tn_arena_deinit(&copy->arena);
    tn_pool_free(&copy->session->pool, copy, sizeof(*copy));
}
