/* Columns to rows and back: rows.h's writer and reader. */
#include "base/size.h"
#include "kernel/sortkey.h"
#include "kernel/template.h"
#include "rows/nested.h"
#include "rows/rows.h"

enum { FILLED_MAX = 512 }; /* sets of two calls: a part is a byte */

typedef struct two_words {
    uint64_t words[2];
} two_words;

#define T    uint8_t
#define LANE 1
#include "rows/size.inc.h"
#define T    uint16_t
#define LANE 2
#include "rows/size.inc.h"
#define T    uint32_t
#define LANE 4
#include "rows/size.inc.h"
#define T    uint64_t
#define LANE 8
#include "rows/size.inc.h"
#define T    two_words
#define LANE 16
#include "rows/size.inc.h"
#define T    tn_i256
#define LANE 32
#include "rows/size.inc.h"

/* ---- writer ---- */

static TN_FALLIBLE zeroed(tn_pool *pool, size_t size, void **out, tarn_error *err)
{
    return tn_pool_alloc_zeroed(pool, size, out, err);
}

tarn_code tn_row_writer_create(tn_pool *pool, const tn_row_layout *layout, uint32_t key_count,
                               tn_row_writer **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_row_writer *writer = NULL;
    void *memory = NULL;
    const size_t count = layout->count;

    *out = NULL;
    TN_TRY(zeroed(pool, sizeof(*writer), &memory, err));
    writer = memory;
    writer->pool = pool;
    writer->layout = layout;
    writer->key_count = key_count;
    TN_TRY(zeroed(pool, count * sizeof(tn_column), (void **)&writer->columns, err));
    TN_TRY(zeroed(pool, count * sizeof(tn_scratch), (void **)&writer->scratch, err));
    TN_TRY(zeroed(pool, count * sizeof(tn_nested *), (void **)&writer->nested, err));
    TN_TRY(zeroed(pool, TN_BATCH_ROWS * sizeof(uint32_t), (void **)&writer->heaps, err));
    TN_TRY(zeroed(pool, TN_BATCH_ROWS * sizeof(uint8_t *), (void **)&writer->heap_at, err));
    TN_TRY(tn_pool_alloc(pool, FILLED_MAX * sizeof(tn_rows *), (void **)&writer->filled, err));
    for (uint32_t i = 0; i < count; i++) {
        tn_scratch_init(&writer->scratch[i], pool);
        if (layout->fields[i].is_nested) {
            TN_TRY(tn_nested_create(pool, layout->fields[i].type, &writer->nested[i], err));
        }
    }
    *out = writer;
    writer = NULL;
done:
    tn_row_writer_destroy(writer);
    return code;
}

void tn_row_writer_destroy(tn_row_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    tn_pool *pool = writer->pool;
    const size_t count = writer->layout->count;
    for (uint32_t i = 0; writer->scratch != NULL && i < count; i++) {
        if (writer->scratch[i].pool != NULL) {
            tn_scratch_deinit(&writer->scratch[i]);
        }
    }
    for (uint32_t i = 0; writer->nested != NULL && i < count; i++) {
        tn_nested_destroy(writer->nested[i]);
    }
    tn_pool_free(pool, writer->columns, count * sizeof(tn_column));
    tn_pool_free(pool, writer->scratch, count * sizeof(tn_scratch));
    tn_pool_free(pool, writer->nested, count * sizeof(tn_nested *));
    tn_pool_free(pool, writer->heaps, TN_BATCH_ROWS * sizeof(uint32_t));
    tn_pool_free(pool, writer->heap_at, TN_BATCH_ROWS * sizeof(uint8_t *));
    tn_pool_free(pool, writer->filled, FILLED_MAX * sizeof(tn_rows *));
    tn_pool_free(pool, writer, sizeof(*writer));
}

/* Makes the floats of a key equal where they are equal; in scratch, as the column is lent. */
static TN_FALLIBLE canonical_floats(tn_column *column, uint32_t count, tn_scratch *scratch,
                                    tarn_error *err)
{
    const size_t size = tn_lane_size((tn_lane)column->lane);
    if (column->values != scratch->values) {
        TN_RETURN_IF_ERROR(tn_scratch_reserve(scratch, tn_scratch_rows(count) * size, err));
        memcpy(scratch->values, column->values, count * size);
        column->values = scratch->values;
    }
    if (column->lane == TN_LANE_f64) {
        double *values = scratch->values;
        const uint64_t nan = UINT64_C(0x7ff8000000000000);
        double one_nan;
        memcpy(&one_nan, &nan, sizeof(nan));
        for (size_t i = 0; i < count; i++) {
            values[i] = values[i] != values[i] ? one_nan : values[i] + 0.0;
        }
    } else {
        float *values = scratch->values;
        const uint32_t nan = UINT32_C(0x7fc00000);
        float one_nan;
        memcpy(&one_nan, &nan, sizeof(nan));
        for (size_t i = 0; i < count; i++) {
            values[i] = values[i] != values[i] ? one_nan : values[i] + 0.0F;
        }
    }
    return TARN_OK;
}

tarn_code tn_row_writer_prepare(tn_row_writer *writer, const tn_column *const *columns,
                                const uint16_t *selection, uint32_t count, tarn_error *err)
{
    return tn_row_writer_prepare_from(writer, 0, columns, selection, count, err);
}

static TN_FALLIBLE prepare_fields(tn_row_writer *writer, uint32_t first, uint32_t end,
                                  const tn_column *const *columns, const uint16_t *selection,
                                  uint32_t count, tarn_error *err)
{
    for (uint32_t i = first; i < end; i++) {
        const tn_row_field *field = &writer->layout->fields[i];
        tn_column *out = &writer->columns[i];
        if (field->is_nested) {
            TN_RETURN_IF_ERROR(tn_nested_encode(
                writer->nested[i], columns[i], selection, count,
                i < writer->key_count ? TN_NESTED_CANONICAL : TN_NESTED_VERBATIM, out, err));
            continue;
        }
        if (field->lane == TN_LANE_none) {
            *out = (tn_column){.type = field->type, .lane = TN_LANE_none, .rows = count};
            continue;
        }
        TN_RETURN_IF_ERROR(tn_column_flatten(columns[i], selection, count, (tn_lane)field->lane,
                                             &writer->scratch[i], out, err));
        if (i < writer->key_count && (out->lane == TN_LANE_f32 || out->lane == TN_LANE_f64)) {
            TN_RETURN_IF_ERROR(canonical_floats(out, count, &writer->scratch[i], err));
        }
    }
    return TARN_OK;
}

tarn_code tn_row_writer_prepare_from(tn_row_writer *writer, uint32_t first,
                                     const tn_column *const *columns, const uint16_t *selection,
                                     uint32_t count, tarn_error *err)
{
    return prepare_fields(writer, first, writer->layout->count, columns, selection, count, err);
}

tarn_code tn_row_writer_prepare_keys(tn_row_writer *writer, const tn_column *const *columns,
                                     const uint16_t *selection, uint32_t count, tarn_error *err)
{
    return prepare_fields(writer, 0, writer->key_count, columns, selection, count, err);
}

void tn_row_writer_measure(tn_row_writer *writer, uint32_t count)
{
    const tn_row_layout *layout = writer->layout;
    uint32_t any = 0;
    if (layout->view_count == 0) {
        writer->has_heap = false;
        return;
    }
    memset(writer->heaps, 0, count * sizeof(uint32_t));
    for (uint32_t v = 0; v < layout->view_count; v++) {
        const tn_view *views = writer->columns[layout->views[v]].values;
        for (size_t i = 0; i < count; i++) {
            const uint32_t heap = views[i].size > TN_VIEW_INLINE ? views[i].size : 0;
            writer->heaps[i] += heap;
            any |= heap;
        }
    }
    writer->has_heap = any != 0;
}

static void scatter_views(const tn_view *views, const uint16_t *which, size_t count,
                          uint8_t *const *rows, size_t offset, uint8_t **heap_at)
{
    for (size_t i = 0; i < count; i++) {
        const tn_view *from = &views[which == NULL ? i : which[i]];
        tn_view *to = (tn_view *)(void *)(rows[i] + offset);
        *to = *from;
        if (from->size > TN_VIEW_INLINE) {
            memcpy(heap_at[i], from->data, from->size);
            to->data = (const char *)heap_at[i];
            heap_at[i] += from->size;
        }
    }
}

static void scatter_bits(const uint64_t *bits, const uint16_t *which, size_t count,
                         uint8_t *const *rows, size_t offset)
{
    for (size_t i = 0; i < count; i++) {
        rows[i][offset] = tn_bit_get(bits, which == NULL ? i : which[i]);
    }
}

static void scatter_nulls(const tn_row_layout *layout, const tn_column *columns,
                          const uint16_t *which, size_t count, uint8_t *const *rows)
{
    for (uint32_t at = 0; at < (layout->count + 7) / 8; at++) {
        for (size_t i = 0; i < count; i++) {
            rows[i][layout->nulls + at] = 0;
        }
    }
    for (uint32_t f = 0; f < layout->count; f++) {
        const uint64_t *validity = columns[f].validity;
        const uint8_t bit = (uint8_t)(1U << (f % 8));
        const size_t byte = layout->nulls + f / 8;
        if (layout->fields[f].lane == TN_LANE_none) {
            for (size_t i = 0; i < count; i++) {
                rows[i][byte] |= bit;
            }
        } else if (validity != NULL) {
            for (size_t i = 0; i < count; i++) {
                rows[i][byte] |= tn_bit_get(validity, which == NULL ? i : which[i]) ? 0 : bit;
            }
        }
    }
}

void tn_row_writer_fill(tn_row_writer *writer, const uint16_t *which, uint32_t count,
                        uint8_t *const *rows, uint8_t **heap_at)
{
    const tn_row_layout *layout = writer->layout;
    for (uint32_t f = 0; f < layout->count; f++) {
        const tn_row_field *field = &layout->fields[f];
        const void *values = writer->columns[f].values;
        if (field->lane == TN_LANE_view) {
            scatter_views(values, which, count, rows, field->offset, heap_at);
            continue;
        }
        switch (field->lane == TN_LANE_bool ? 0 : field->size) {
        case 0:
            if (field->lane == TN_LANE_bool) {
                scatter_bits(values, which, count, rows, field->offset);
            }
            break;
        case 1:
            scatter_1(values, which, count, rows, field->offset);
            break;
        case 2:
            scatter_2(values, which, count, rows, field->offset);
            break;
        case 4:
            scatter_4(values, which, count, rows, field->offset);
            break;
        case 8:
            scatter_8(values, which, count, rows, field->offset);
            break;
        case 16:
            scatter_16(values, which, count, rows, field->offset);
            break;
        default:
            scatter_32(values, which, count, rows, field->offset);
            break;
        }
    }
    scatter_nulls(layout, writer->columns, which, count, rows);
}

tarn_code tn_row_writer_add(tn_row_writer *writer, tn_rows *sets, const uint8_t *part,
                            const uint16_t *which, uint32_t count, uint8_t **rows, tarn_error *err)
{
    const bool has_heap = writer->has_heap;
    for (uint32_t i = 0; i < count; i++) {
        tn_rows *set = &sets[part == NULL ? 0 : part[i]];
        const size_t heap = has_heap ? writer->heaps[which == NULL ? i : which[i]] : 0;
        const bool was_held = set->held != NULL;
        TN_RETURN_IF_ERROR(tn_rows_slot(set, heap, &rows[i], err));
        if (!was_held && set->held != NULL && writer->filled_count < FILLED_MAX) {
            writer->filled[writer->filled_count++] = set;
        }
        writer->heap_at[i] = set->heap;
    }
    tn_row_writer_fill(writer, which, count, rows, writer->heap_at);
    return TARN_OK;
}

void tn_row_writer_settle(tn_row_writer *writer)
{
    for (uint32_t i = 0; i < writer->filled_count; i++) {
        tn_rows_settle(writer->filled[i]);
    }
    writer->filled_count = 0;
}

static void differ_views(const tn_view *views, const uint16_t *which, size_t count,
                         uint8_t *const *rows, size_t offset, uint8_t *differs)
{
    enum { AHEAD = 16 }; /* where a table is larger than caches, its rows' strings are far away */
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            const tn_view *next = (const tn_view *)(void *)(rows[i + AHEAD] + offset);
            if (next->size > TN_VIEW_INLINE) {
                __builtin_prefetch(next->data);
            }
        }
        differs[i] |= !tn_view_equal(&views[which == NULL ? i : which[i]],
                                     (const tn_view *)(void *)(rows[i] + offset));
    }
}

static void differ_nulls(const tn_row_layout *layout, uint32_t f, const uint64_t *validity,
                         const uint16_t *which, size_t count, uint8_t *const *rows,
                         uint8_t *differs)
{
    for (size_t i = 0; i < count; i++) {
        const bool is_null =
            layout->fields[f].lane == TN_LANE_none ||
            (validity != NULL && !tn_bit_get(validity, which == NULL ? i : which[i]));
        differs[i] |= is_null != tn_row_is_null(layout, rows[i], f);
    }
}

uint32_t tn_row_writer_match(const tn_row_writer *writer, const uint16_t *which, uint32_t count,
                             uint8_t *const *rows, uint16_t *equal, uint16_t *other)
{
    const tn_row_layout *layout = writer->layout;
    uint8_t differs[TN_BATCH_ROWS];
    memset(differs, 0, count);
    for (uint32_t f = 0; f < writer->key_count; f++) {
        const tn_row_field *field = &layout->fields[f];
        const tn_column *column = &writer->columns[f];
        const void *values = column->values;
        differ_nulls(layout, f, column->validity, which, count, rows, differs);
        if (field->lane == TN_LANE_view) {
            differ_views(values, which, count, rows, field->offset, differs);
            continue;
        }
        switch (field->lane == TN_LANE_bool ? 0 : field->size) {
        case 0:
            for (size_t i = 0; field->lane == TN_LANE_bool && i < count; i++) {
                differs[i] |= tn_bit_get(values, which == NULL ? i : which[i]) !=
                              (rows[i][field->offset] != 0);
            }
            break;
        case 1:
            differ_1(values, which, count, rows, field->offset, differs);
            break;
        case 2:
            differ_2(values, which, count, rows, field->offset, differs);
            break;
        case 4:
            differ_4(values, which, count, rows, field->offset, differs);
            break;
        case 8:
            differ_8(values, which, count, rows, field->offset, differs);
            break;
        case 16:
            differ_16(values, which, count, rows, field->offset, differs);
            break;
        default:
            differ_32(values, which, count, rows, field->offset, differs);
            break;
        }
    }
    uint32_t equals = 0;
    uint32_t others = 0;
    for (uint32_t i = 0; i < count; i++) {
        equal[equals] = (uint16_t)i;
        other[others] = (uint16_t)i;
        equals += differs[i] == 0;
        others += differs[i] != 0;
    }
    return equals;
}

/* ---- reader ---- */

tarn_code tn_row_reader_create(tn_pool *pool, const tn_row_layout *layout, tn_row_reader **out,
                               tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_row_reader *reader = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(zeroed(pool, sizeof(*reader), &memory, err));
    reader = memory;
    reader->pool = pool;
    reader->layout = layout;
    TN_TRY(zeroed(pool, layout->count * sizeof(tn_scratch), (void **)&reader->scratch, err));
    TN_TRY(zeroed(pool, layout->count * sizeof(tn_nested *), (void **)&reader->nested, err));
    TN_TRY(zeroed(pool, layout->row_size, (void **)&reader->null_row, err));
    memset(reader->null_row + layout->nulls, 0xff, (layout->count + 7) / 8);
    for (uint32_t i = 0; i < layout->count; i++) {
        tn_scratch_init(&reader->scratch[i], pool);
        if (layout->fields[i].is_nested) {
            TN_TRY(tn_nested_create(pool, layout->fields[i].type, &reader->nested[i], err));
        }
    }
    *out = reader;
    reader = NULL;
done:
    tn_row_reader_destroy(reader);
    return code;
}

void tn_row_reader_destroy(tn_row_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    tn_pool *pool = reader->pool;
    const size_t count = reader->layout->count;
    for (uint32_t i = 0; i < count; i++) {
        if (reader->scratch != NULL && reader->scratch[i].pool != NULL) {
            tn_scratch_deinit(&reader->scratch[i]);
        }
        if (reader->nested != NULL) {
            tn_nested_destroy(reader->nested[i]);
        }
    }
    tn_pool_free(pool, reader->scratch, count * sizeof(tn_scratch));
    tn_pool_free(pool, reader->nested, count * sizeof(tn_nested *));
    tn_pool_free(pool, reader->null_row, reader->layout->row_size);
    tn_pool_free(pool, reader, sizeof(*reader));
}

static bool gather_nulls(uint8_t *const *rows, size_t count, size_t byte, unsigned bit,
                         const uint16_t *positions, uint64_t *validity)
{
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) {
        any |= rows[i][byte];
    }
    if (((any >> bit) & 1) == 0) {
        return false;
    }
    memset(validity, 0xff, TN_BATCH_ROWS / 8);
    for (size_t i = 0; i < count; i++) {
        if (((rows[i][byte] >> bit) & 1) != 0) {
            tn_bit_clear(validity, positions == NULL ? i : positions[i]);
        }
    }
    return true;
}

tarn_code tn_row_reader_gather(tn_row_reader *reader, uint32_t field, uint8_t *const *rows,
                               uint32_t count, const uint16_t *positions, uint32_t span,
                               tn_column *out, tarn_error *err)
{
    const tn_row_field *at = &reader->layout->fields[field];
    tn_scratch *scratch = &reader->scratch[field];
    const size_t size = at->lane == TN_LANE_bool ? 1 : at->size;

    TN_RETURN_IF_ERROR(
        tn_scratch_reserve(scratch, tn_scratch_rows(span) * (size == 0 ? 1 : size), err));
    void *values = scratch->values;
    switch (at->lane == TN_LANE_bool ? 0 : at->size) {
    case 0:
        if (at->lane == TN_LANE_bool) {
            memset(values, 0, tn_scratch_rows(span) / 8);
            for (size_t i = 0; i < count; i++) {
                const size_t row = positions == NULL ? i : positions[i];
                ((uint64_t *)values)[row / 64] |= (uint64_t)(rows[i][at->offset] & 1) << (row % 64);
            }
        }
        break;
    case 1:
        gather_1(rows, at->offset, count, positions, values);
        break;
    case 2:
        gather_2(rows, at->offset, count, positions, values);
        break;
    case 4:
        gather_4(rows, at->offset, count, positions, values);
        break;
    case 8:
        gather_8(rows, at->offset, count, positions, values);
        break;
    case 16:
        gather_16(rows, at->offset, count, positions, values);
        break;
    default:
        gather_32(rows, at->offset, count, positions, values);
        break;
    }
    const bool has_nulls =
        at->lane == TN_LANE_none || gather_nulls(rows, count, reader->layout->nulls + field / 8,
                                                 field % 8, positions, scratch->validity);
    if (at->lane == TN_LANE_none) {
        memset(scratch->validity, 0, TN_BATCH_ROWS / 8);
    }
    *out = (tn_column){.type = at->type,
                       .lane = at->lane,
                       .encoding = TN_FLAT,
                       .rows = span,
                       .values = values,
                       .validity = has_nulls ? scratch->validity : NULL};
    if (at->is_nested) {
        const tn_column views = *out;
        return tn_nested_decode(reader->nested[field], &views, out, err);
    }
    return TARN_OK;
}
