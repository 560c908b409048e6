/* Forms for programs: delimited text and JSON, a row after the other. */
#include "session/render_internal.h"

#include "base/json.h"

static const size_t text_max = 1 << 30; /* one row's */
enum { FLUSH_SIZE = 64 << 10 };

static const char *const form_names[TN_FORM_COUNT] = {"table", "box",   "csv",      "tsv",
                                                      "json",  "jsonl", "markdown", "vertical"};

tn_form tn_form_find(tn_str name)
{
    int form = 0;
    while (form < TN_FORM_COUNT && !tn_str_equal_fold(name, tn_str_of(form_names[form]))) {
        form++;
    }
    return tn_str_equal_fold(name, TN_STR("ndjson")) ? TN_FORM_JSONL : (tn_form)form;
}

const char *tn_form_name(tn_form form)
{
    return form_names[form];
}

/* ---- delimited text ---------------------------------------------------------------------------*/

void tn_render_field(tn_str text, char delimiter, tn_str null_text, tn_text *out)
{
    bool quoted = text.size == 0 || tn_str_equal(text, null_text);
    for (size_t i = 0; i < text.size && !quoted; i++) {
        const char c = text.data[i];
        quoted = c == delimiter || c == '"' || c == '\n' || c == '\r';
    }
    if (!quoted) {
        tn_text_append(out, text);
        return;
    }
    tn_text_putc(out, '"');
    for (size_t from = 0; from < text.size;) {
        const tn_str rest = tn_str_slice(text, from, text.size);
        const size_t quote = tn_str_find(rest, '"');
        if (quote == SIZE_MAX) {
            tn_text_append(out, rest);
            break;
        }
        tn_text_append(out, tn_str_slice(rest, 0, quote + 1));
        tn_text_putc(out, '"');
        from += quote + 1;
    }
    tn_text_putc(out, '"');
}

/* Does a value's text never need quotes?  Digits, points, colons, letters. */
static bool is_plain(const tn_type *type, char delimiter)
{
    return type->kind < TN_KIND_LIST && type->kind != TN_KIND_VARCHAR && delimiter != '.' &&
           delimiter != ':';
}

static void put_delimited(tn_renderer *r, const tn_column *column, uint32_t row, char delimiter)
{
    uint32_t at = row;
    const tn_column *flat = tn_column_locate(column, &at);
    if (flat == NULL) {
        tn_text_append(&r->text, r->options->null_text);
        return;
    }
    if (flat->type->kind == TN_KIND_VARCHAR) {
        tn_render_field(tn_view_str(&((const tn_view *)flat->values)[at]), delimiter,
                        r->options->null_text, &r->text);
        return;
    }
    if (is_plain(column->type, delimiter) && r->options->null_text.size == 0) {
        tn_text_value(column, row, &r->text);
        return;
    }
    tn_text_clear(&r->cell);
    tn_text_value(column, row, &r->cell);
    tn_text_take_failure(&r->text, &r->cell);
    tn_render_field(tn_text_str(&r->cell), delimiter, r->options->null_text, &r->text);
}

static TN_FALLIBLE render_delimited(tn_renderer *r, char delimiter, tarn_error *err)
{
    const tn_schema *schema = r->source->schema;
    tn_chunk *chunk = NULL;
    tarn_code code = TARN_OK;

    for (uint32_t i = 0; i < schema->count && !r->options->no_header; i++) {
        if (i > 0) {
            tn_text_putc(&r->text, delimiter);
        }
        tn_render_field(schema->fields[i].name, delimiter, TN_STR_NONE, &r->text);
        if (i + 1 == schema->count) {
            tn_text_putc(&r->text, '\n');
        }
    }
    while (!r->stopped) {
        TN_TRY(r->source->read(r->source->context, &chunk, err));
        if (chunk == NULL) {
            break;
        }
        for (uint32_t row = 0; row < chunk->rows && !r->stopped; row++) {
            for (uint32_t i = 0; i < schema->count; i++) {
                if (i > 0) {
                    tn_text_putc(&r->text, delimiter);
                }
                put_delimited(r, &chunk->columns[i], row, delimiter);
            }
            tn_text_putc(&r->text, '\n');
            if (r->text.size >= FLUSH_SIZE) {
                TN_TRY(tn_renderer__flush(r, err));
            }
        }
        tn_chunk_release(chunk);
        chunk = NULL;
    }
    code = tn_renderer__flush(r, err);
done:
    tn_chunk_release(chunk);
    return code;
}

/* ---- JSON -------------------------------------------------------------------------------------*/

static void put_object(tn_renderer *r, const tn_chunk *chunk, uint32_t row)
{
    const tn_schema *schema = r->source->schema;
    const tn_json_style style = {.strings = r->options->json_strings};
    tn_text_putc(&r->text, '{');
    for (uint32_t i = 0; i < schema->count; i++) {
        if (i > 0) {
            tn_text_putc(&r->text, ',');
        }
        tn_json_quote(&r->text, schema->fields[i].name);
        tn_text_putc(&r->text, ':');
        tn_text_json(&chunk->columns[i], row, &style, &r->text);
    }
    tn_text_putc(&r->text, '}');
}

static TN_FALLIBLE render_json(tn_renderer *r, bool lines, tarn_error *err)
{
    tn_chunk *chunk = NULL;
    tarn_code code = TARN_OK;
    bool first = true;

    if (!lines) {
        tn_text_putc(&r->text, '[');
    }
    while (!r->stopped) {
        TN_TRY(r->source->read(r->source->context, &chunk, err));
        if (chunk == NULL) {
            break;
        }
        for (uint32_t row = 0; row < chunk->rows && !r->stopped; row++) {
            if (!lines && !first) {
                tn_text_puts(&r->text, ",\n ");
            }
            first = false;
            put_object(r, chunk, row);
            if (lines) {
                tn_text_putc(&r->text, '\n');
            }
            if (r->text.size >= FLUSH_SIZE) {
                TN_TRY(tn_renderer__flush(r, err));
            }
        }
        tn_chunk_release(chunk);
        chunk = NULL;
    }
    if (!lines) {
        tn_text_puts(&r->text, "]\n");
    }
    code = tn_renderer__flush(r, err);
done:
    tn_chunk_release(chunk);
    return code;
}

/* ---- the whole --------------------------------------------------------------------------------*/

tarn_code tn_renderer__flush(tn_renderer *r, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_text_status(&r->text, err));
    if (!r->stopped && r->text.size > 0 &&
        !r->write(r->write_context, r->text.data, r->text.size)) {
        r->stopped = true;
    }
    tn_text_clear(&r->text);
    return TARN_OK;
}

tarn_code tn_render(const tn_render_source *source, const tn_render_options *options,
                    tn_render_write *write, void *context, tarn_error *err)
{
    tn_renderer r = {
        .source = source, .options = options, .write = write, .write_context = context};
    tarn_code code;

    tn_text_init(&r.text, source->pool, text_max);
    tn_text_init(&r.cell, source->pool, text_max);
    switch (options->form) {
    case TN_FORM_CSV:
        code = render_delimited(&r, ',', err);
        break;
    case TN_FORM_TSV:
        code = render_delimited(&r, '\t', err);
        break;
    case TN_FORM_JSON:
    case TN_FORM_JSONL:
        code = render_json(&r, options->form == TN_FORM_JSONL, err);
        break;
    default:
        code = tn_renderer__table(&r, err);
        break;
    }
    tn_text_deinit(&r.text);
    tn_text_deinit(&r.cell);
    return code;
}
