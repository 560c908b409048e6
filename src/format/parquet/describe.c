/* What is inside a file, as text. */
#include "format/parquet/page_internal.h"
#include "format/parquet/source_internal.h"

#include "base/vec.h"

#include <inttypes.h>
#include <math.h>

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

static void put_decimal(tn_text *out, int64_t value, unsigned scale)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = 1;
    for (unsigned i = 0; i < scale; i++) {
        unit *= 10;
    }
    tn_text_printf(out, "%s%" PRIu64, value < 0 ? "-" : "", size / unit);
    if (scale > 0) {
        tn_text_printf(out, ".%0*" PRIu64, (int)scale, size % unit);
    }
}

static void put_date(tn_text *out, int64_t days)
{
    /* From days to a civil date, as Hinnant has it. */
    const int64_t shifted = days + 719468;
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const int64_t of_era = shifted - era * 146097;
    const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month = (5 * of_year + 2) / 153;
    const int64_t real_month = month < 10 ? month + 3 : month - 9;
    tn_text_printf(out, "%04" PRId64 "-%02" PRId64 "-%02" PRId64,
                   year_of_era + era * 400 + (real_month <= 2), real_month,
                   of_year - (153 * month + 2) / 5 + 1);
}

static void put_time_of_day(tn_text *out, int64_t micros)
{
    tn_text_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, micros / 3600000000,
                   micros / 60000000 % 60, micros / 1000000 % 60);
    if (micros % 1000000 != 0) {
        tn_text_printf(out, ".%06" PRId64, micros % 1000000);
    }
}

static void put_timestamp(tn_text *out, int64_t value, int64_t per_day)
{
    const int64_t day = value / per_day - (value % per_day < 0);
    put_date(out, day);
    tn_text_putc(out, ' ');
    put_time_of_day(out, (value - day * per_day) / (per_day / 86400000000));
}

static void put_value(tn_text *out, const tn_value *value)
{
    const tn_type *const type = value->type;
    switch (type->kind) {
    case TN_KIND_BOOLEAN:
        tn_text_puts(out, value->boolean ? "true" : "false");
        break;
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        tn_text_printf(out, "%" PRIu64, value->u64);
        break;
    case TN_KIND_REAL:
    case TN_KIND_DOUBLE:
        tn_text_printf(out, isnan(value->f64) ? "NaN" : "%.17g", value->f64);
        break;
    case TN_KIND_VARCHAR:
    case TN_KIND_BLOB:
        put_bytes(out, value->str);
        break;
    case TN_KIND_DATE:
        put_date(out, value->i64);
        break;
    case TN_KIND_TIME:
        put_time_of_day(out, value->i64);
        break;
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMPTZ:
        put_timestamp(out, value->i64, INT64_C(86400000000));
        break;
    case TN_KIND_TIMESTAMP_NS:
        put_timestamp(out, value->i64, INT64_C(86400000000000));
        break;
    case TN_KIND_DECIMAL:
        if (type->lane == TN_LANE_i64) {
            put_decimal(out, value->i64, type->scale);
        } else {
            tn_text_puts(out, "(wide)");
        }
        break;
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_BIGINT:
        tn_text_printf(out, "%" PRId64, value->i64);
        break;
    case TN_KIND_NULL:
    case TN_KIND_INTERVAL:
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
    case TN_KIND_COUNT:
        tn_text_puts(out, "?");
        break;
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
    tn_text_printf(out, "row group %" PRIu32 ": %" PRIu64 " rows, ", group, rows->rows);
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
    tn_text_printf(out, ", %" PRIu64 " rows in %" PRIu32 " row groups, footer of ", footer->rows,
                   footer->group_count);
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
