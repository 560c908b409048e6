/* Rows as JSON objects. */
#include "base/json.h"
#include "base/number.h"
#include "format/json/json.h"
#include "format/text/writer_internal.h"

static bool is_plain(tn_str text)
{
    bool odd = false;
    for (size_t i = 0; i < text.size; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        odd |= (c < 0x20) | (c == '"') | (c == '\\') | (c >= 0x80);
    }
    return !odd;
}

static void put_string(tn_str text, tn_text *out)
{
    if (!is_plain(text)) {
        tn_json_quote(out, text);
        return;
    }
    char *to = tn_text_reserve(out, text.size + 2);
    if (to != NULL) {
        to[0] = '"';
        if (text.size > 0) {
            memcpy(to + 1, text.data, text.size);
        }
        to[text.size + 1] = '"';
        out->size += text.size + 2;
    }
}

/* Types whose every value is a JSON number or word. */
static bool is_bare(const tn__row_writer *w, const tn_type *type)
{
    return type->kind == TN_KIND_BOOLEAN ||
           (!w->options.json_strings &&
            (tn_type_is_integer(type) || type->kind == TN_KIND_DECIMAL));
}

static void put_cell(const tn__row_writer *w, const tn__row_column *column, uint32_t row,
                     tn_text *out)
{
    const tn_column *flat = &column->flat;
    if (flat->type->kind == TN_KIND_NULL ||
        (flat->validity != NULL && !tn_bit_get(flat->validity, row))) {
        tn_text_append(out, TN_STR("null"));
    } else if (column->print != NULL && is_bare(w, flat->type)) {
        char *to = tn_text_reserve(out, TN_TEXT_SCALAR_SIZE);
        if (to != NULL) {
            out->size += column->print(flat->type, flat->values, row, to);
        }
    } else if (flat->type->kind == TN_KIND_VARCHAR) {
        put_string(tn_view_str(&((const tn_view *)flat->values)[row]), out);
    } else {
        const tn_json_style style = {.strings = w->options.json_strings};
        tn_text_json(flat, row, &style, out);
    }
}

static void print_rows(const tn__row_writer *w, const tn__row_column *columns, uint32_t rows,
                       uint64_t written, tn_text *out)
{
    const uint32_t width = w->schema.count;
    const tn_str between = w->separator.size > 0 ? w->separator : TN_STR("\n");
    const bool in_array = w->separator.size > 0;
    for (uint32_t row = 0; row < rows && out->failed == TARN_OK; row++) {
        if (in_array && written + row > 0) {
            tn_text_append(out, between);
        }
        for (uint32_t i = 0; i < width; i++) {
            tn_text_append(out, w->names[i]);
            put_cell(w, &columns[i], row, out);
        }
        tn_text_append(out, width == 0 ? TN_STR("{}") : TN_STR("}"));
        if (!in_array) {
            tn_text_append(out, between);
        }
    }
}

static tarn_code open_writer(tn_upload *upload, const tn_schema *schema,
                             const tn_writer_options *options, tn_pool *pool, bool array,
                             tn_file_writer **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn__row_writer *writer;
    tn_str *names;
    tn_text text;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn__row_writer_create(upload, schema, options, pool, &writer, err));
    tn_text_init(&text, pool, SIZE_MAX / 8);
    writer->print = print_rows;
    if (array) {
        writer->header = TN_STR("[\n");
        writer->separator = TN_STR(",\n");
        writer->footer = TN_STR("\n]\n");
    }
    TN_TRY(tn_arena_array(&writer->arena, tn_str, schema->count + 1, &names, err));
    for (uint32_t i = 0; i < schema->count; i++) {
        tn_text_clear(&text);
        tn_text_putc(&text, i == 0 ? '{' : ',');
        tn_json_quote(&text, schema->fields[i].name);
        tn_text_putc(&text, ':');
        TN_TRY(tn_text_status(&text, err));
        TN_TRY(tn_arena_copy(&writer->arena, tn_text_str(&text), &names[i], err));
    }
    writer->names = names;
    *out = &writer->base;
    writer = NULL;
done:
    tn_text_deinit(&text);
    if (writer != NULL) {
        tn__row_writer_destroy(&writer->base);
    }
    return code;
}

tarn_code tn_json_lines_writer_open(tn_upload *upload, const tn_schema *schema,
                                    const tn_writer_options *options, tn_pool *pool,
                                    tn_file_writer **out, tarn_error *err)
{
    return open_writer(upload, schema, options, pool, false, out, err);
}

tarn_code tn_json_array_writer_open(tn_upload *upload, const tn_schema *schema,
                                    const tn_writer_options *options, tn_pool *pool,
                                    tn_file_writer **out, tarn_error *err)
{
    return open_writer(upload, schema, options, pool, true, out, err);
}
