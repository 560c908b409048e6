/* Rows as CSV: NULL is empty (or as the options say), what could be mistaken stands in quotes. */
#include "format/csv/csv.h"
#include "format/text/writer_internal.h"

static char delimiter_of(const tn__row_writer *w)
{
    return w->options.delimiter == 0 ? ',' : w->options.delimiter;
}

static char quote_of(const tn__row_writer *w)
{
    return w->options.quote == 0 ? '"' : w->options.quote;
}

static bool needs_quotes(const tn__row_writer *w, tn_str text)
{
    const char delimiter = delimiter_of(w);
    const char quote = quote_of(w);
    bool any = false;
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        any |= (c == delimiter) | (c == quote) | (c == '\n') | (c == '\r');
    }
    /* what would read back as NULL, or be passed over */
    return any || tn_str_equal(text, w->options.null_text) || text.size == 0;
}

static void put_quoted(const tn__row_writer *w, tn_str text, tn_text *out)
{
    const char quote = quote_of(w);
    const char escape = w->options.escape == 0 ? quote : w->options.escape;
    char *to = tn_text_reserve(out, 2 * text.size + 2);
    if (to == NULL) {
        return;
    }
    char *at = to;
    *at++ = quote;
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        *at = escape;
        at += c == quote || c == escape;
        *at++ = c;
    }
    *at++ = quote;
    out->size += (size_t)(at - to);
}

static void put_string(const tn__row_writer *w, tn_str text, tn_text *out)
{
    if (needs_quotes(w, text)) {
        put_quoted(w, text, out);
        return;
    }
    char *to = tn_text_reserve(out, text.size);
    if (to != NULL) {
        memcpy(to, text.data, text.size);
        out->size += text.size;
    }
}

/* Binary and nested values, and others that may need quotes: their text is made first. */
static void put_other(const tn__row_writer *w, const tn_column *column, uint32_t row, tn_text *out)
{
    tn_text text;
    tn_text_init(&text, out->pool, out->limit);
    tn_text_value(column, row, &text);
    if (text.failed != TARN_OK) {
        out->failed = text.failed;
    } else {
        put_string(w, tn_text_str(&text), out);
    }
    tn_text_deinit(&text);
}

static void put_cell(const tn__row_writer *w, const tn__row_column *column, uint32_t row,
                     tn_text *out)
{
    const tn_column *flat = &column->flat;
    if (flat->type->kind == TN_KIND_NULL ||
        (flat->validity != NULL && !tn_bit_get(flat->validity, row))) {
        tn_text_append(out, w->options.null_text);
    } else if (column->print != NULL && w->plain_scalars) {
        char *to = tn_text_reserve(out, TN_TEXT_SCALAR_SIZE);
        if (to != NULL) {
            out->size += column->print(flat->type, flat->values, row, to);
        }
    } else if (flat->type->kind == TN_KIND_VARCHAR) {
        put_string(w, tn_view_str(&((const tn_view *)flat->values)[row]), out);
    } else {
        put_other(w, flat, row, out);
    }
}

static void print_rows(const tn__row_writer *w, const tn__row_column *columns, uint32_t rows,
                       uint64_t written, tn_text *out)
{
    const char delimiter = delimiter_of(w);
    const uint32_t width = w->schema.count;
    (void)written;
    for (uint32_t row = 0; row < rows && out->failed == TARN_OK; row++) {
        for (uint32_t i = 0; i < width; i++) {
            put_cell(w, &columns[i], row, out);
            char *to = tn_text_reserve(out, 1);
            if (to != NULL) {
                *to = i + 1 == width ? '\n' : delimiter;
                out->size++;
            }
        }
    }
}

/* May the text of a number or a time have this character? */
static bool is_in_scalars(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '-' || c == '.' || c == ':' || c == ' ';
}

/* May it be the text of a number, a time or a boolean? */
static bool is_scalar(tn_str text)
{
    static const char *const words[] = {"nan", "inf", "true", "false"};
    bool is = text.size > 0 && ((text.data[0] >= '0' && text.data[0] <= '9') ||
                                text.data[0] == '-' || text.data[0] == '+');
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        is = is || tn_str_equal_fold(text, tn_str_of(words[i]));
    }
    return is;
}

/* Rows that no reader could take apart again are not written. */
static TN_FALLIBLE check_dialect(const tn__row_writer *w, tarn_error *err)
{
    const char delimiter = delimiter_of(w);
    const char quote = quote_of(w);
    const char escape = w->options.escape == 0 ? quote : w->options.escape;
    const tn_str null_text = w->options.null_text;
    const char *const breaks = "\n\r";
    if (strchr(breaks, delimiter) != NULL || strchr(breaks, quote) != NULL ||
        strchr(breaks, escape) != NULL) {
        return tn_fail(err, TARN_E_INVALID,
                       "a line end can be no delimiter, quote or escape of a CSV file");
    }
    if (delimiter == quote || delimiter == escape) {
        return tn_fail(err, TARN_E_INVALID, "the delimiter of a CSV file is its %s as well",
                       delimiter == quote ? "quote" : "escape");
    }
    for (size_t i = 0; i < null_text.size; i++) {
        const char c = null_text.data[i];
        if (c == delimiter || c == quote || c == '\n' || c == '\r') {
            (void)tn_fail(err, TARN_E_INVALID,
                          "'%.*s' cannot stand for NULL: it has the delimiter, the quote or a line "
                          "end in it",
                          TN_STR_ARGS(null_text));
            return TARN_E_INVALID;
        }
    }
    return TARN_OK;
}

tarn_code tn_csv_writer_open(tn_upload *upload, const tn_schema *schema,
                             const tn_writer_options *options, tn_pool *pool, tn_file_writer **out,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn__row_writer *writer;
    tn_text header;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn__row_writer_create(upload, schema, options, pool, &writer, err));
    tn_text_init(&header, pool, SIZE_MAX / 8);
    TN_TRY(check_dialect(writer, err));
    writer->print = print_rows;
    writer->plain_scalars = !is_in_scalars(delimiter_of(writer)) &&
                            !is_in_scalars(quote_of(writer)) &&
                            !is_scalar(writer->options.null_text);
    for (uint32_t i = 0; i < schema->count && !writer->options.no_header; i++) {
        put_string(writer, schema->fields[i].name, &header);
        const char end = i + 1 == schema->count ? '\n' : delimiter_of(writer);
        tn_text_append(&header, (tn_str){&end, 1});
    }
    TN_TRY(tn_text_status(&header, err));
    TN_TRY(tn_arena_copy(&writer->arena, tn_text_str(&header), &writer->header, err));
    *out = &writer->base;
    writer = NULL;
done:
    tn_text_deinit(&header);
    if (writer != NULL) {
        tn__row_writer_destroy(&writer->base);
    }
    return code;
}
