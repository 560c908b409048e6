/* What is inside a file, as text and as JSON. */
#include "format/parquet/page_internal.h"
#include "format/parquet/source_internal.h"

#include "base/json.h"
#include "base/vec.h"
#include "kernel/text.h"

#include <inttypes.h>

enum { SHOWN_MAX = 40 /* bytes of a bound */, INDEX_MAX = 64 << 20 };

static void put_size(tn_text *out, uint64_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    double value = (double)size;
    while (value >= 1024 && unit < 4) {
        value /= 1024;
        unit++;
    }
    if (unit == 0) {
        tn_text_printf(out, "%" PRIu64 " B", size);
    } else {
        tn_text_printf(out, "%.1f %s", value, units[unit]);
    }
}

static void put_encodings(tn_text *out, uint64_t encodings)
{
    const char *between = "";
    for (unsigned i = 0; i < TN_PAGE_ENCODING_COUNT; i++) {
        if ((encodings >> i & 1) != 0) {
            tn_text_printf(out, "%s%s", between, tn_page_encoding_name((tn_page_encoding)i));
            between = "+";
        }
    }
}

/* Bytes that may be no text. */
static void put_bytes(tn_text *out, tn_str bytes)
{
    size_t shown = bytes.size < SHOWN_MAX ? bytes.size : SHOWN_MAX;
    while (shown < bytes.size && shown > 0 && ((unsigned char)bytes.data[shown] & 0xc0) == 0x80) {
        shown--; /* no half a character */
    }
    tn_text_putc(out, '\'');
    for (size_t i = 0; i < shown; i++) {
        const unsigned char c = (unsigned char)bytes.data[i];
        if (c < 0x20 || c == 0x7f || c == '\\' || c == '\'') {
            tn_text_printf(out, "\\x%02x", c);
        } else {
            tn_text_putc(out, (char)c);
        }
    }
    tn_text_puts(out, bytes.size > SHOWN_MAX ? "...'" : "'");
}

static void put_value(tn_text *out, const tn_value *value)
{
    if (tn_type_is_string(value->type)) {
        put_bytes(out, value->str);
    } else {
        tn_text_of(value, out);
    }
}

static void put_statistics(tn_text *out, const tn_footer *footer, uint32_t leaf,
                           const tn_chunk_statistics *from)
{
    tn_column_statistics statistics;
    tn_bounds__read(footer, leaf, from, &statistics);
    if (statistics.bounds != TN_UNKNOWN) {
        tn_text_puts(out, ", ");
        put_value(out, &statistics.min);
        tn_text_puts(out, " to ");
        put_value(out, &statistics.max);
        tn_text_puts(out, statistics.bounds == TN_EXACT ? " (exact)" : "");
    }
    if (statistics.nulls == TN_EXACT && footer->leaves[leaf].def_max > 0) {
        tn_text_printf(out, ", %" PRIu64 " nulls", statistics.null_count);
    }
}

/* ---- pages ----------------------------------------------------------------------------------- */

static TN_FALLIBLE read_index(const tn_parquet_source *source, uint64_t offset, uint64_t size,
                              tn_buffer **out, tarn_error *err)
{
    *out = NULL;
    if (size == 0) {
        return TARN_OK;
    }
    if (size > INDEX_MAX || offset > source->file_size || size > source->file_size - offset) {
        return tn_fail(err, TARN_E_CORRUPT, "a page index lies outside the file");
    }
    TN_RETURN_IF_ERROR(tn_buffer_create(source->pool, (size_t)size, out, err));
    return tn_object_read(source->object, offset, (*out)->data, (size_t)size, err);
}

typedef struct page_list {
    tn_arena arena;
    tn_buffer *offsets, *bounds;
    tn_page_index index;
} page_list;

static TN_FALLIBLE read_pages(const tn_parquet_source *source, const tn_chunk_meta *chunk,
                              uint64_t rows, page_list *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(read_index(source, chunk->offset_index_offset, chunk->offset_index_size,
                                  &out->offsets, err));
    TN_RETURN_IF_ERROR(read_index(source, chunk->column_index_offset, chunk->column_index_size,
                                  &out->bounds, err));
    const tn_buffer *offsets = out->offsets;
    const tn_buffer *bounds = out->bounds;
    return tn_page_index__read(
        offsets == NULL ? NULL : offsets->data, offsets == NULL ? 0 : offsets->size,
        bounds == NULL ? NULL : bounds->data, bounds == NULL ? 0 : bounds->size, rows, &out->arena,
        &out->index, err);
}

static void pages_free(page_list *pages)
{
    tn_arena_deinit(&pages->arena);
    tn_buffer_release(pages->offsets);
    tn_buffer_release(pages->bounds);
}

static TN_FALLIBLE put_pages(const tn_parquet_source *source, uint32_t leaf,
                             const tn_chunk_meta *chunk, uint64_t rows, tn_text *out,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    page_list pages = {.offsets = NULL};
    tn_arena_init(&pages.arena, source->pool);
    TN_TRY(read_pages(source, chunk, rows, &pages, err));
    for (size_t i = 0; i < pages.index.count; i++) {
        const tn_page_place *const page = &pages.index.places[i];
        tn_text_printf(out, "      page %zu: row %" PRIu64 ", at %" PRIu64 ", ", i, page->first_row,
                       page->offset);
        put_size(out, page->size);
        if (pages.index.bounds != NULL) {
            put_statistics(out, &source->footer, leaf, &pages.index.bounds[i]);
        }
        tn_text_putc(out, '\n');
    }
done:
    pages_free(&pages);
    return code;
}

static TN_FALLIBLE put_group(const tn_parquet_source *source, uint32_t group, bool pages,
                             tn_text *out, tarn_error *err)
{
    const tn_footer *const footer = &source->footer;
    const tn_row_group *const rows = &footer->groups[group];
    tn_text_printf(out, "row group %" PRIu32 ": %" PRIu64 " row%s, ", group, rows->rows,
                   rows->rows == 1 ? "" : "s");
    put_size(out, rows->raw_size);
    tn_text_puts(out, " before compression\n");
    for (uint32_t leaf = 0; leaf < footer->leaf_count; leaf++) {
        tn_chunk_meta chunk;
        const tarn_code code =
            tn_footer__chunk(footer, group, leaf, source->file_size, &chunk, err);
        if (code != TARN_OK) {
            return code;
        }
        tn_text_printf(out, "    %.*s: ", TN_STR_ARGS(footer->leaves[leaf].path));
        put_encodings(out, chunk.has_encoding_stats ? chunk.data_encodings : chunk.encodings);
        tn_text_printf(out, ", %s, ", tn_codec_name(chunk.codec));
        put_size(out, chunk.stored_size);
        tn_text_puts(out, " of ");
        put_size(out, chunk.raw_size);
        put_statistics(out, footer, leaf, &chunk.statistics);
        if (chunk.bloom_offset > 0) {
            tn_text_puts(out, ", bloom filter");
        }
        tn_text_puts(out, chunk.column_index_size > 0   ? ", page index\n"
                          : chunk.offset_index_size > 0 ? ", offset index\n"
                                                        : "\n");
        if (pages) {
            TN_RETURN_IF_ERROR(put_pages(source, leaf, &chunk, rows->rows, out, err));
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_parquet_describe(tn_source *base, bool pages, tn_text *out, tarn_error *err)
{
    const tn_parquet_source *const source = (const tn_parquet_source *)base;
    const tn_footer *const footer = &source->footer;
    tn_text_printf(out, "Parquet, format version %" PRId64 ", ", footer->version);
    put_size(out, source->file_size);
    tn_text_printf(out, ", %" PRIu64 " row%s in %" PRIu32 " row group%s, footer of ", footer->rows,
                   footer->rows == 1 ? "" : "s", footer->group_count,
                   footer->group_count == 1 ? "" : "s");
    put_size(out, footer->size);
    tn_text_puts(out, "\n");
    if (footer->created_by.size > 0) {
        tn_text_printf(out, "written by %.*s\n", TN_STR_ARGS(footer->created_by));
    }
    for (uint32_t i = 0; i < footer->metadata_count; i++) {
        tn_text_printf(out, "metadata %.*s: ", TN_STR_ARGS(footer->metadata[2 * i]));
        put_bytes(out, footer->metadata[2 * i + 1]);
        tn_text_putc(out, '\n');
    }
    tn_text_puts(out, "columns:\n");
    for (uint32_t i = 0; i < footer->schema.count; i++) {
        const tn_field *const field = &footer->schema.fields[i];
        tn_text_printf(out, "    %.*s %.*s%s\n", TN_STR_ARGS(field->name),
                       TN_STR_ARGS(field->type->name), field->nullable ? "" : " NOT NULL");
    }
    for (uint32_t group = 0; group < footer->group_count; group++) {
        const tarn_code code = put_group(source, group, pages, out, err);
        if (code != TARN_OK) {
            tn_explain(err, "describing '%.*s'", TN_STR_ARGS(base->name));
            return code;
        }
    }
    return tn_text_status(out, err);
}

/* ---- JSON -------------------------------------------------------------------------------------*/

/* Bounds as text, as in the other form: bytes need not be any. */
static TN_FALLIBLE json_statistics(tn_json_writer *w, const tn_footer *footer, uint32_t leaf,
                                   const tn_chunk_statistics *from, tn_text *scratch,
                                   tarn_error *err)
{
    tn_column_statistics statistics;
    tn_bounds__read(footer, leaf, from, &statistics);
    if (statistics.bounds != TN_UNKNOWN) {
        const tn_value *const bounds[] = {&statistics.min, &statistics.max};
        for (size_t i = 0; i < 2; i++) {
            tn_text_clear(scratch);
            if (tn_type_is_string(bounds[i]->type)) {
                put_bytes(scratch, bounds[i]->str);
            } else {
                tn_text_of(bounds[i], scratch);
            }
            TN_RETURN_IF_ERROR(tn_text_status(scratch, err));
            tn_str text = tn_text_str(scratch);
            if (tn_type_is_string(bounds[i]->type)) { /* without its quotes */
                text = tn_str_slice(text, 1, text.size - 1);
            }
            tn_json_name(w, i == 0 ? "min" : "max");
            tn_json_put_str(w, text);
        }
        tn_json_name(w, "exact");
        tn_json_put_bool(w, statistics.bounds == TN_EXACT);
    }
    if (statistics.nulls == TN_EXACT) {
        tn_json_name(w, "nulls");
        tn_json_put_unsigned(w, statistics.null_count);
    }
    return TARN_OK;
}

static TN_FALLIBLE json_pages(const tn_parquet_source *source, uint32_t leaf,
                              const tn_chunk_meta *chunk, uint64_t rows, tn_json_writer *w,
                              tn_text *scratch, tarn_error *err)
{
    tarn_code code = TARN_OK;
    page_list pages = {.offsets = NULL};
    tn_arena_init(&pages.arena, source->pool);
    TN_TRY(read_pages(source, chunk, rows, &pages, err));
    tn_json_name(w, "pages");
    tn_json_begin(w, '[');
    for (size_t i = 0; i < pages.index.count; i++) {
        const tn_page_place *const page = &pages.index.places[i];
        tn_json_begin(w, '{');
        tn_json_name(w, "first_row");
        tn_json_put_unsigned(w, page->first_row);
        tn_json_name(w, "offset");
        tn_json_put_unsigned(w, page->offset);
        tn_json_name(w, "bytes");
        tn_json_put_unsigned(w, page->size);
        if (pages.index.bounds != NULL) {
            TN_TRY(json_statistics(w, &source->footer, leaf, &pages.index.bounds[i], scratch, err));
        }
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
done:
    pages_free(&pages);
    return code;
}

static TN_FALLIBLE json_chunk(const tn_parquet_source *source, uint32_t group, uint32_t leaf,
                              bool pages, tn_json_writer *w, tn_text *scratch, tarn_error *err)
{
    const tn_footer *const footer = &source->footer;
    tn_chunk_meta chunk;
    TN_RETURN_IF_ERROR(tn_footer__chunk(footer, group, leaf, source->file_size, &chunk, err));
    const uint64_t encodings = chunk.has_encoding_stats ? chunk.data_encodings : chunk.encodings;
    tn_json_begin(w, '{');
    tn_json_name(w, "path");
    tn_json_put_str(w, footer->leaves[leaf].path);
    tn_json_name(w, "encodings");
    tn_json_begin(w, '[');
    for (unsigned i = 0; i < TN_PAGE_ENCODING_COUNT; i++) {
        if ((encodings >> i & 1) != 0) {
            tn_json_put_text(w, tn_page_encoding_name((tn_page_encoding)i));
        }
    }
    tn_json_end(w, ']');
    tn_json_name(w, "codec");
    tn_json_put_text(w, tn_codec_name(chunk.codec));
    tn_json_name(w, "bytes");
    tn_json_put_unsigned(w, chunk.stored_size);
    tn_json_name(w, "raw_bytes");
    tn_json_put_unsigned(w, chunk.raw_size);
    TN_RETURN_IF_ERROR(json_statistics(w, footer, leaf, &chunk.statistics, scratch, err));
    tn_json_name(w, "bloom_filter");
    tn_json_put_bool(w, chunk.bloom_offset > 0);
    tn_json_name(w, "page_index");
    tn_json_put_bool(w, chunk.column_index_size > 0);
    if (pages) {
        TN_RETURN_IF_ERROR(
            json_pages(source, leaf, &chunk, footer->groups[group].rows, w, scratch, err));
    }
    tn_json_end(w, '}');
    return TARN_OK;
}

static void json_head(const tn_parquet_source *source, tn_json_writer *w)
{
    const tn_footer *const footer = &source->footer;
    tn_json_name(w, "format_version");
    tn_json_put_integer(w, footer->version);
    tn_json_name(w, "rows");
    tn_json_put_unsigned(w, footer->rows);
    tn_json_name(w, "bytes");
    tn_json_put_unsigned(w, source->file_size);
    tn_json_name(w, "footer_bytes");
    tn_json_put_unsigned(w, footer->size);
    tn_json_name(w, "written_by");
    tn_json_put_str(w, footer->created_by);
    tn_json_name(w, "metadata");
    tn_json_begin(w, '{');
    for (uint32_t i = 0; i < footer->metadata_count; i++) {
        tn_json_name_str(w, footer->metadata[2 * i]);
        tn_json_put_str(w, footer->metadata[2 * i + 1]);
    }
    tn_json_end(w, '}');
}

TN_FALLIBLE tn_parquet_describe_json(tn_source *base, bool pages, tn_json_writer *w,
                                     tarn_error *err)
{
    const tn_parquet_source *const source = (const tn_parquet_source *)base;
    const tn_footer *const footer = &source->footer;
    tarn_code code = TARN_OK;
    tn_text scratch;
    tn_text_init(&scratch, source->pool, 1 << 20);
    json_head(source, w);
    tn_json_name(w, "row_groups");
    tn_json_begin(w, '[');
    for (uint32_t group = 0; group < footer->group_count; group++) {
        tn_json_begin(w, '{');
        tn_json_name(w, "rows");
        tn_json_put_unsigned(w, footer->groups[group].rows);
        tn_json_name(w, "raw_bytes");
        tn_json_put_unsigned(w, footer->groups[group].raw_size);
        tn_json_name(w, "columns");
        tn_json_begin(w, '[');
        for (uint32_t leaf = 0; leaf < footer->leaf_count; leaf++) {
            TN_TRY(json_chunk(source, group, leaf, pages, w, &scratch, err));
        }
        tn_json_end(w, ']');
        tn_json_end(w, '}');
    }
    tn_json_end(w, ']');
    code = tn_text_status(w->out, err);
done:
    tn_text_deinit(&scratch);
    if (code != TARN_OK) {
        tn_explain(err, "describing '%.*s'", TN_STR_ARGS(base->name));
    }
    return code;
}
