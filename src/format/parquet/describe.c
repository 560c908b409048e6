/* What is inside a file, as text. */
#include "format/parquet/page_internal.h"
#include "format/parquet/source_internal.h"

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
    tn_text_putc(out, '\'');
    for (size_t i = 0; i < bytes.size && i < SHOWN_MAX; i++) {
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

static TN_FALLIBLE put_pages(const tn_parquet_source *source, uint32_t leaf,
                             const tn_chunk_meta *chunk, uint64_t rows, tn_text *out,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_buffer *offsets = NULL;
    tn_buffer *bounds = NULL;
    tn_arena arena;
    tn_page_index index;
    tn_arena_init(&arena, source->pool);
    TN_TRY(read_index(source, chunk->offset_index_offset, chunk->offset_index_size, &offsets, err));
    TN_TRY(read_index(source, chunk->column_index_offset, chunk->column_index_size, &bounds, err));
    TN_TRY(tn_page_index__read(offsets == NULL ? NULL : offsets->data,
                               offsets == NULL ? 0 : offsets->size,
                               bounds == NULL ? NULL : bounds->data,
                               bounds == NULL ? 0 : bounds->size, rows, &arena, &index, err));
    for (size_t i = 0; i < index.count; i++) {
        const tn_page_place *const page = &index.places[i];
        tn_text_printf(out, "      page %zu: row %" PRIu64 ", at %" PRIu64 ", ", i, page->first_row,
                       page->offset);
        put_size(out, page->size);
        if (index.bounds != NULL) {
            put_statistics(out, &source->footer, leaf, &index.bounds[i]);
        }
        tn_text_putc(out, '\n');
    }
done:
    tn_arena_deinit(&arena);
    tn_buffer_release(offsets);
    tn_buffer_release(bounds);
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
