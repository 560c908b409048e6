/*
 * One Parquet file in the making.
 *
 * Groups are encoded by their workers alone; a group's bytes go to the upload in one piece, and
 * only then, under the lock, its record joins the others.  The footer is written from the records.
 */
#include "format/parquet/parquet.h"
#include "format/parquet/write_internal.h"

#include "base/size.h"

#include <inttypes.h>
#include <math.h>
#include <tarn/version.h>

enum { GROUP_ROWS = 1 << 20, GROUP_BYTES = 64 << 20, FOOTER_MAX = 1 << 30 };

typedef struct chunk_record {
    uint64_t start; /* in the file */
    size_t stored_size, raw_size, dictionary_size;
    uint64_t values, nulls;
    tn_out_mode mode;
    tn_codec codec;
    size_t pages;
    bool has_dictionary;
    tn_out_bounds bounds;
    size_t column_index, column_index_size, offset_index, offset_index_size; /* in `indexes` */
} chunk_record;

typedef struct group_record {
    uint64_t rows, start;
    size_t stored_size, raw_size;
    chunk_record *chunks;
} group_record;

/* What a column of a group took: its bytes, and at most of gathered values. */
typedef struct size_hint {
    size_t body, values;
} size_hint;

typedef struct parquet_writer {
    tn_file_writer base;
    tn_pool *pool;
    tn_upload *upload;
    tn_arena arena;
    tn_out_layout layout;
    uint64_t group_rows, group_bytes;
    tn_str created_by;
    _Atomic uint64_t bytes;
    pthread_mutex_t lock; /* guards what follows; docs/locks.md: taken last, held shortly */
    TN_VEC(group_record) groups;
    tn_text indexes;
    tn_out_bounds *bounds; /* of the file, by leaf */
    uint64_t *nulls;
    size_hint *hints; /* by leaf, of the group that ended last */
    uint64_t rows;
} parquet_writer;

typedef struct parquet_group {
    tn_group_writer base;
    parquet_writer *writer;
    tn_pool *pool;
    tn_out_column *columns;
    tn_out_shared shared;
    tn_scratch *scratches; /* one a top-level column */
    tn_shredder shredder;
    tn_out_room values;
    uint64_t rows;
    size_t bytes, memory;
    size_t stored_size;
    bool is_whole; /* `body` holds all of it, or each column its own */
    tn_out_room body;
} parquet_group;

/* ---- groups ---------------------------------------------------------------------------------- */

static void group_free(parquet_group *group)
{
    const tn_out_layout *const layout = &group->writer->layout;
    for (uint32_t i = 0; group->columns != NULL && i < layout->leaf_count; i++) {
        tn_out__close(&group->columns[i]);
    }
    for (uint32_t i = 0; group->scratches != NULL && i < layout->schema.count; i++) {
        tn_scratch_deinit(&group->scratches[i]);
    }
    tn_shredder__close(&group->shredder);
    tn_out_shared__close(&group->shared);
    tn_out_room__free(group->pool, &group->values);
    tn_out_room__free(group->pool, &group->body);
    tn_pool_free(group->pool, group->columns, layout->leaf_count * sizeof(tn_out_column));
    tn_pool_free(group->pool, group->scratches, layout->schema.count * sizeof(tn_scratch));
    tn_pool_free(group->pool, group, sizeof(*group));
}

static void group_abort(tn_group_writer *base)
{
    if (base != NULL) {
        group_free((parquet_group *)base);
    }
}

static tarn_code group_begin(tn_file_writer *base, tn_pool *pool, size_t room,
                             tn_group_writer **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    parquet_writer *const writer = (parquet_writer *)base;
    const tn_out_layout *const layout = &writer->layout;
    parquet_group *group = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*group), &memory, err));
    group = memory;
    group->base.ops = base->ops;
    group->writer = writer;
    group->pool = pool;
    group->shredder.pool = pool;
    tn_out_shared__open(&group->shared, room, layout->leaf_count, pool);
    TN_TRY(tn_pool_alloc_zeroed(pool, layout->leaf_count * sizeof(tn_out_column), &memory, err));
    group->columns = memory;
    TN_TRY(tn_pool_alloc_zeroed(pool, layout->schema.count * sizeof(tn_scratch), &memory, err));
    group->scratches = memory;
    for (uint32_t i = 0; i < layout->schema.count; i++) {
        tn_scratch_init(&group->scratches[i], pool);
    }
    for (uint32_t i = 0; i < layout->leaf_count; i++) {
        tn_out__open(&group->columns[i], layout, i, &group->shared);
    }
    pthread_mutex_lock(&writer->lock);
    for (uint32_t i = 0; i < layout->leaf_count && !group->shared.is_short; i++) {
        group->columns[i].body_hint = writer->hints[i].body;
        group->columns[i].values_hint = writer->hints[i].values;
    }
    pthread_mutex_unlock(&writer->lock);
    TN_TRY(tn_out_room__grow(pool, &group->values, TN_SLICE_ROWS * sizeof(tn_i256), err));
    *out = &group->base;
    group = NULL;
done:
    if (group != NULL) {
        group_free(group);
    }
    return code;
}

#define COMPACT(T)                           \
    do {                                     \
        T *const all = values;               \
        for (size_t i = 0; i < count; i++) { \
            all[kept] = all[i];              \
            kept += tn_bit_get(validity, i); \
        }                                    \
    } while (0)

/* Brings the values that are not null together; answers their number. */
static size_t compact(void *values, size_t size, size_t count, const uint64_t *validity)
{
    size_t kept = 0;
    switch (size) {
    case 0:
        for (size_t i = 0; i < count; i++) {
            if (tn_bit_get(validity, i)) {
                tn_bit_put(values, kept++, tn_bit_get(values, i));
            }
        }
        break;
    case 4:
        COMPACT(uint32_t);
        break;
    case 8:
        COMPACT(uint64_t);
        break;
    case 16:
        COMPACT(tn_view);
        break;
    default:
        COMPACT(tn_i256);
    }
    return kept;
}

static TN_FALLIBLE write_flat(parquet_group *group, tn_out_column *to, const tn_column *column,
                              const uint16_t *selection, uint32_t rows, tarn_error *err)
{
    const tn_out_leaf *const leaf = to->leaf;
    const tn_out_node *const node = &group->writer->layout.nodes[leaf->node];
    const size_t size = tn_lane_size(leaf->lane);
    const bool as_it_lies = column->encoding == TN_FLAT && column->validity == NULL &&
                            selection == NULL && (tn_lane)column->lane == leaf->lane && size > 0 &&
                            column->type->kind != TN_KIND_NULL;
    for (uint32_t done = 0; done < rows; done += TN_SLICE_ROWS) {
        tn_slice slice;
        uint64_t validity[TN_SLICE_ROWS / 64] = {0};
        const uint32_t some = rows - done < TN_SLICE_ROWS ? rows - done : TN_SLICE_ROWS;
        size_t count = some;
        if (leaf->kind == TN_OUT_NULL) {
            TN_RETURN_IF_ERROR(tn_out__append(to, some, validity, NULL, 0, err));
            continue;
        }
        if (as_it_lies) {
            const char *const values = column->values;
            TN_RETURN_IF_ERROR(tn_out__append(to, some, NULL, values + done * size, some, err));
            continue;
        }
        tn_slice_open(&slice, column, selection == NULL ? NULL : selection + done, NULL, done,
                      some);
        if (leaf->kind == TN_OUT_BOOL) {
            memset(group->values.data, 0, TN_SLICE_ROWS / 8);
        }
        tn_slice_values(&slice, leaf->lane, group->values.data, 0);
        if (slice.has_nulls) {
            tn_slice_validity(&slice, validity, 0);
            count = compact(group->values.data, tn_lane_size(leaf->lane), some, validity);
            if (count < some && !node->nullable) {
                return tn_fail(err, TARN_E_INVALID, "'%.*s' has nulls and is declared NOT NULL",
                               TN_STR_ARGS(node->name));
            }
        }
        TN_RETURN_IF_ERROR(tn_out__append(to, some, slice.has_nulls ? validity : NULL,
                                          group->values.data, count, err));
    }
    return TARN_OK;
}

static tarn_code group_write(tn_group_writer *base, const tn_batch *batch, tarn_error *err)
{
    parquet_group *const group = (parquet_group *)base;
    const tn_out_layout *const layout = &group->writer->layout;
    if (batch->width < layout->schema.count) {
        return tn_fail(err, TARN_E_INTERNAL, "a batch has %" PRIu32 " columns of %" PRIu32,
                       batch->width, layout->schema.count);
    }
    for (uint32_t i = 0; i < layout->leaf_count; i++) {
        tn_out_column *const to = &group->columns[i];
        const tn_column *const column = &batch->columns[to->leaf->column];
        tarn_code code;
        if (to->leaf->is_flat) {
            code = write_flat(group, to, column, batch->selection, batch->selected, err);
        } else {
            tn_column flat;
            code = tn_column_flatten(column, batch->selection, batch->selected, column->type->lane,
                                     &group->scratches[to->leaf->column], &flat, err);
            if (code == TARN_OK) {
                code =
                    tn_shredder__append(&group->shredder, layout, to, &flat, batch->selected, err);
            }
        }
        if (code != TARN_OK) {
            tn_explain(err, "writing column '%.*s'",
                       TN_STR_ARGS(layout->schema.fields[to->leaf->column].name));
            return code;
        }
    }
    group->rows += batch->selected;
    group->bytes = 0;
    group->memory = group->shared.scratch.capacity + group->shared.packed.capacity +
                    tn_shredder__memory(&group->shredder) + group->values.capacity;
    for (uint32_t i = 0; i < layout->leaf_count; i++) {
        group->bytes += tn_out__bytes(&group->columns[i]);
        group->memory += tn_out__memory(&group->columns[i]);
    }
    return TARN_OK;
}

/* About the bytes so far; what is large enough by rows says so by a number nobody passes. */
static uint64_t group_bytes(const tn_group_writer *base)
{
    const parquet_group *const group = (const parquet_group *)base;
    const parquet_writer *const writer = group->writer;
    return group->rows >= writer->group_rows || group->bytes >= writer->group_bytes ? UINT64_MAX
                                                                                    : group->bytes;
}

static size_t group_memory(const tn_group_writer *base)
{
    return ((const parquet_group *)base)->memory;
}

/* ---- page indexes ---------------------------------------------------------------------------- */

/* Without bounds for every page that has values there is no column index. */
static bool has_column_index(const tn_out_column *column)
{
    char room[TN_OUT_BOUND_MAX];
    bool exact;
    for (size_t i = 0; i < column->pages.count; i++) {
        const tn_out_page *const page = &column->pages.items[i];
        if (page->values > 0 &&
            (tn_out__bound(column->leaf, &page->bounds, 0, room, &exact).data == NULL ||
             tn_out__bound(column->leaf, &page->bounds, 1, room, &exact).data == NULL)) {
            return false;
        }
    }
    return true;
}

static void put_column_index(const tn_out_column *column, tn_text *to)
{
    tn_thrift_out out = {.to = to};
    char room[TN_OUT_BOUND_MAX];
    bool exact;
    const size_t count = column->pages.count;
    tn_thrift__put_struct(&out, 0);
    tn_thrift__put_list(&out, 1, TN_THRIFT_TRUE, count);
    for (size_t i = 0; i < count; i++) {
        tn_text_putc(to, column->pages.items[i].values == 0 ? TN_THRIFT_TRUE : TN_THRIFT_FALSE);
    }
    for (int upper = 0; upper < 2; upper++) {
        tn_thrift__put_list(&out, 2 + upper, TN_THRIFT_BINARY, count);
        for (size_t i = 0; i < count; i++) {
            const tn_out_page *const page = &column->pages.items[i];
            const tn_str bound = tn_out__bound(column->leaf, &page->bounds, upper, room, &exact);
            tn_thrift__put_text(&out, page->values > 0 ? bound : TN_STR(""));
        }
    }
    tn_thrift__put_i32(&out, 4, 0); /* in no order */
    tn_thrift__put_list(&out, 5, TN_THRIFT_I64, count);
    for (size_t i = 0; i < count; i++) {
        tn_thrift__put_element(&out, column->pages.items[i].nulls);
    }
    tn_thrift__end_struct(&out);
}

static void put_offset_index(const tn_out_column *column, uint64_t start, tn_text *to)
{
    tn_thrift_out out = {.to = to};
    tn_thrift__put_struct(&out, 0);
    tn_thrift__put_list(&out, 1, TN_THRIFT_STRUCT, column->pages.count);
    for (size_t i = 0; i < column->pages.count; i++) {
        const tn_out_page *const page = &column->pages.items[i];
        tn_thrift__put_struct(&out, 0);
        tn_thrift__put_i64(&out, 1, (int64_t)(start + page->offset));
        tn_thrift__put_i32(&out, 2, (int64_t)page->stored_size);
        tn_thrift__put_i64(&out, 3, (int64_t)page->first_row);
        tn_thrift__end_struct(&out);
    }
    tn_thrift__end_struct(&out);
}

/* ---- a group's end --------------------------------------------------------------------------- */

static TN_FALLIBLE finish_columns(parquet_group *group, tarn_error *err)
{
    const tn_out_layout *const layout = &group->writer->layout;
    for (uint32_t i = 0; i < layout->leaf_count; i++) {
        const tarn_code code = tn_out__finish(&group->columns[i], err);
        if (code != TARN_OK) {
            tn_explain(err, "writing column '%.*s'",
                       TN_STR_ARGS(layout->schema.fields[layout->leaves[i].column].name));
            return code;
        }
    }
    size_t size = 0;
    for (uint32_t i = 0; i < layout->leaf_count; i++) {
        size += group->columns[i].body.size;
    }
    group->stored_size = size;
    group->is_whole = true;
    if (tn_upload_takes_pieces(group->writer->upload)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_out_room__grow(group->pool, &group->body, size, err));
    for (uint32_t i = 0; i < layout->leaf_count; i++) {
        tn_out_room *const part = &group->columns[i].body;
        if (part->size > 0) {
            memcpy(group->body.data + group->body.size, part->data, part->size);
        }
        group->body.size += part->size;
        tn_out_room__free(group->pool, part);
    }
    return TARN_OK;
}

/* Notes the group, whose bytes stand at `start` of the file. */
static TN_FALLIBLE record_group(parquet_group *group, uint64_t start, const size_t *sizes,
                                tarn_error *err)
{
    tarn_code code = TARN_OK;
    parquet_writer *const writer = group->writer;
    const tn_out_layout *const layout = &writer->layout;
    group_record record = {.rows = group->rows, .start = start};
    uint64_t at = start;
    pthread_mutex_lock(&writer->lock);
    TN_TRY(tn_arena_array(&writer->arena, chunk_record, layout->leaf_count, &record.chunks, err));
    for (uint32_t i = 0; i < layout->leaf_count; i++) {
        const tn_out_column *const column = &group->columns[i];
        chunk_record *const chunk = &record.chunks[i];
        uint64_t levels = 0;
        for (size_t k = 0; k < column->pages.count; k++) {
            levels += column->pages.items[k].levels;
        }
        *chunk = (chunk_record){.start = at,
                                .stored_size = sizes[i],
                                .raw_size = column->raw_size,
                                .dictionary_size = column->data_offset,
                                .values = levels,
                                .nulls = column->nulls,
                                .mode = column->mode,
                                .codec = tn_out__codec(column),
                                .pages = column->pages.count,
                                .has_dictionary = column->has_dictionary,
                                .bounds = column->bounds};
        if (has_column_index(column)) {
            chunk->column_index = writer->indexes.size;
            put_column_index(column, &writer->indexes);
            chunk->column_index_size = writer->indexes.size - chunk->column_index;
        }
        chunk->offset_index = writer->indexes.size;
        put_offset_index(column, at, &writer->indexes);
        chunk->offset_index_size = writer->indexes.size - chunk->offset_index;
        tn_out__merge(column->leaf, &writer->bounds[i], &column->bounds);
        writer->nulls[i] += column->nulls;
        /* An eighth more: groups of a file are alike, and not the same. */
        writer->hints[i] = (size_hint){.body = sizes[i] + sizes[i] / 8,
                                       .values = column->values_most + column->values_most / 8};
        at += sizes[i];
        record.raw_size += column->raw_size;
    }
    record.stored_size = (size_t)(at - start);
    TN_TRY(tn_text_status(&writer->indexes, err));
    TN_TRY(tn_vec_push(&writer->groups, record, err));
    writer->rows += group->rows;
done:
    pthread_mutex_unlock(&writer->lock);
    return code;
}

static TN_FALLIBLE upload_group(parquet_group *group, uint64_t *start, tn_waker *waker, bool *taken,
                                tarn_error *err)
{
    tn_upload *const upload = group->writer->upload;
    const size_t count = group->writer->layout.leaf_count;
    void *pieces;
    if (!tn_upload_takes_pieces(upload)) {
        return tn_upload_append_start(upload, group->body.data, group->body.size, start, waker,
                                      taken, err);
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(group->pool, count * sizeof(tn_str), &pieces, err));
    for (size_t i = 0; i < count; i++) {
        const tn_out_room *const body = &group->columns[i].body;
        ((tn_str *)pieces)[i] = (tn_str){(const char *)body->data, body->size};
    }
    const tarn_code code = tn_upload_append_pieces(upload, pieces, count, start, err);
    tn_pool_free(group->pool, pieces, count * sizeof(tn_str));
    return code;
}

static tarn_code group_end(tn_group_writer *base, tn_waker *waker, bool *taken, tarn_error *err)
{
    tarn_code code = TARN_OK;
    parquet_group *const group = (parquet_group *)base;
    parquet_writer *const writer = group->writer;
    const size_t count = writer->layout.leaf_count;
    uint64_t start = 0;
    void *sizes = NULL;

    *taken = true;
    if (group->rows == 0) {
        goto done;
    }
    if (!group->is_whole) {
        TN_TRY(finish_columns(group, err));
    }
    TN_TRY(tn_pool_alloc(group->pool, count * sizeof(size_t), &sizes, err));
    for (size_t i = 0; i < count; i++) {
        const tn_out_column *const column = &group->columns[i];
        size_t size = column->data_offset;
        if (column->pages.count > 0) {
            const tn_out_page *const last = &column->pages.items[column->pages.count - 1];
            size = last->offset + last->stored_size;
        }
        ((size_t *)sizes)[i] = size;
    }
    TN_TRY(upload_group(group, &start, waker, taken, err));
    if (*taken) {
        writer->bytes += group->stored_size;
        TN_TRY(record_group(group, start, sizes, err));
    }
done:
    tn_pool_free(group->pool, sizes, count * sizeof(size_t));
    if (code != TARN_OK || *taken) {
        group_free(group);
    }
    return code;
}

/* ---- the footer ------------------------------------------------------------------------------ */

static void put_path(tn_thrift_out *out, const tn_out_layout *layout, const tn_out_leaf *leaf)
{
    size_t count = 0;
    for (uint32_t i = 0; i < leaf->depth; i++) {
        const tn_kind kind = layout->nodes[leaf->path[i]].type->kind;
        count += kind == TN_KIND_LIST || kind == TN_KIND_MAP ? 2 : 1;
    }
    tn_thrift__put_list(out, 3, TN_THRIFT_BINARY, count);
    for (uint32_t i = 0; i < leaf->depth; i++) {
        const tn_out_node *const node = &layout->nodes[leaf->path[i]];
        tn_thrift__put_text(out, node->name);
        if (node->type->kind == TN_KIND_LIST) {
            tn_thrift__put_text(out, TN_STR("list"));
        } else if (node->type->kind == TN_KIND_MAP) {
            tn_thrift__put_text(out, TN_STR("key_value"));
        }
    }
}

static void put_statistics(tn_thrift_out *out, const tn_out_leaf *leaf, const chunk_record *chunk)
{
    char rooms[2][TN_OUT_BOUND_MAX];
    bool exact[2];
    const tn_str min = tn_out__bound(leaf, &chunk->bounds, 0, rooms[0], &exact[0]);
    const tn_str max = tn_out__bound(leaf, &chunk->bounds, 1, rooms[1], &exact[1]);
    tn_thrift__put_struct(out, 12);
    tn_thrift__put_i64(out, 3, (int64_t)chunk->nulls);
    if (max.data != NULL) {
        tn_thrift__put_binary(out, 5, max);
    }
    if (min.data != NULL) {
        tn_thrift__put_binary(out, 6, min);
    }
    if (max.data != NULL) {
        tn_thrift__put_bool(out, 7, exact[1]);
    }
    if (min.data != NULL) {
        tn_thrift__put_bool(out, 8, exact[0]);
    }
    if (leaf->kind == TN_OUT_FLOAT) {
        tn_thrift__put_i64(out, 9, (int64_t)chunk->bounds.nan_count);
    }
    tn_thrift__end_struct(out);
}

static void put_encoding_stats(tn_thrift_out *out, const chunk_record *chunk, int encoding)
{
    tn_thrift__put_list(out, 13, TN_THRIFT_STRUCT, chunk->has_dictionary ? 2 : 1);
    if (chunk->has_dictionary) {
        tn_thrift__put_struct(out, 0);
        tn_thrift__put_i32(out, 1, TN_PAGE_DICTIONARY);
        tn_thrift__put_i32(out, 2, TN_PAGE_PLAIN);
        tn_thrift__put_i32(out, 3, 1);
        tn_thrift__end_struct(out);
    }
    tn_thrift__put_struct(out, 0);
    tn_thrift__put_i32(out, 1, TN_PAGE_DATA);
    tn_thrift__put_i32(out, 2, encoding);
    tn_thrift__put_i32(out, 3, (int64_t)chunk->pages);
    tn_thrift__end_struct(out);
}

static void put_chunk(tn_thrift_out *out, const parquet_writer *writer, uint32_t leaf_index,
                      const chunk_record *chunk, uint64_t indexes)
{
    const tn_out_leaf *const leaf = &writer->layout.leaves[leaf_index];
    const int encoding = tn_out__encoding(chunk->mode);
    tn_thrift__put_struct(out, 0);
    tn_thrift__put_i64(out, 2, 0);
    tn_thrift__put_struct(out, 3);
    tn_thrift__put_i32(out, 1, leaf->physical);
    tn_thrift__put_list(out, 2, TN_THRIFT_I32, chunk->has_dictionary ? 3 : 2);
    if (chunk->has_dictionary) {
        tn_thrift__put_element(out, TN_PAGE_PLAIN);
    }
    tn_thrift__put_element(out, encoding);
    tn_thrift__put_element(out, TN_PAGE_RLE);
    put_path(out, &writer->layout, leaf);
    tn_thrift__put_i32(out, 4, chunk->codec);
    tn_thrift__put_i64(out, 5, (int64_t)chunk->values);
    tn_thrift__put_i64(out, 6, (int64_t)chunk->raw_size);
    tn_thrift__put_i64(out, 7, (int64_t)chunk->stored_size);
    tn_thrift__put_i64(out, 9, (int64_t)(chunk->start + chunk->dictionary_size));
    if (chunk->has_dictionary) {
        tn_thrift__put_i64(out, 11, (int64_t)chunk->start);
    }
    put_statistics(out, leaf, chunk);
    put_encoding_stats(out, chunk, encoding);
    tn_thrift__end_struct(out);
    tn_thrift__put_i64(out, 4, (int64_t)(indexes + chunk->offset_index));
    tn_thrift__put_i32(out, 5, (int64_t)chunk->offset_index_size);
    if (chunk->column_index_size > 0) {
        tn_thrift__put_i64(out, 6, (int64_t)(indexes + chunk->column_index));
        tn_thrift__put_i32(out, 7, (int64_t)chunk->column_index_size);
    }
    tn_thrift__end_struct(out);
}

static void put_footer(const parquet_writer *writer, uint64_t indexes, tn_text *to)
{
    tn_thrift_out out = {.to = to};
    tn_thrift__put_struct(&out, 0);
    tn_thrift__put_i32(&out, 1, 2);
    tn_out__put_schema(&out, &writer->layout);
    tn_thrift__put_i64(&out, 3, (int64_t)writer->rows);
    tn_thrift__put_list(&out, 4, TN_THRIFT_STRUCT, writer->groups.count);
    for (size_t i = 0; i < writer->groups.count; i++) {
        const group_record *const group = &writer->groups.items[i];
        tn_thrift__put_struct(&out, 0);
        tn_thrift__put_list(&out, 1, TN_THRIFT_STRUCT, writer->layout.leaf_count);
        for (uint32_t leaf = 0; leaf < writer->layout.leaf_count; leaf++) {
            put_chunk(&out, writer, leaf, &group->chunks[leaf], indexes);
        }
        tn_thrift__put_i64(&out, 2, (int64_t)group->raw_size);
        tn_thrift__put_i64(&out, 3, (int64_t)group->rows);
        tn_thrift__put_i64(&out, 5, (int64_t)group->start);
        tn_thrift__put_i64(&out, 6, (int64_t)group->stored_size);
        tn_thrift__end_struct(&out);
    }
    tn_thrift__put_binary(&out, 6, writer->created_by);
    tn_thrift__put_list(&out, 7, TN_THRIFT_STRUCT, writer->layout.leaf_count);
    for (uint32_t leaf = 0; leaf < writer->layout.leaf_count; leaf++) {
        tn_thrift__put_struct(&out, 0);
        tn_thrift__put_struct(&out, TN_ORDER_TYPE);
        tn_thrift__end_struct(&out);
        tn_thrift__end_struct(&out);
    }
    tn_thrift__end_struct(&out);
}

static TN_FALLIBLE append(parquet_writer *writer, const void *data, size_t size, uint64_t *offset,
                          tarn_error *err)
{
    bool taken = false;
    TN_RETURN_IF_ERROR(
        tn_upload_append_start(writer->upload, data, size, offset, NULL, &taken, err));
    if (!taken) {
        TN_RETURN_IF_ERROR(tn_upload_append(writer->upload, data, size, offset, err));
    }
    writer->bytes += size;
    return TARN_OK;
}

/* ---- the receipt ----------------------------------------------------------------------------- */

static TN_FALLIBLE bound_value(const parquet_writer *writer, uint32_t leaf_index, int upper,
                               tn_arena *arena, tn_value *out, bool *known, bool *exact,
                               tarn_error *err)
{
    const tn_out_leaf *const leaf = &writer->layout.leaves[leaf_index];
    const tn_out_bounds *const bounds = &writer->bounds[leaf_index];
    char room[TN_OUT_BOUND_MAX];
    *out = (tn_value){.type = writer->layout.nodes[leaf->node].type};
    *exact = true;
    *known = bounds->any;
    switch (leaf->kind) {
    case TN_OUT_INT:
        out->i64 = bounds->i64[upper];
        break;
    case TN_OUT_UINT:
        out->u64 = bounds->u64[upper];
        break;
    case TN_OUT_BOOL:
        out->boolean = bounds->i64[upper] != 0;
        break;
    case TN_OUT_FLOAT:
        out->f64 = upper == 1 && bounds->nan_count > 0 ? NAN : bounds->f64[upper];
        break;
    case TN_OUT_WIDE:
        if (leaf->lane == TN_LANE_i128) {
            out->i128 = bounds->i128[upper];
        } else {
            out->i256 = bounds->i256[upper];
        }
        break;
    case TN_OUT_VIEW: {
        const tn_str bound = tn_out__bound(leaf, bounds, upper, room, exact);
        *known = bound.data != NULL;
        if (*known) {
            return tn_arena_copy(arena, bound, &out->str, err);
        }
        break;
    }
    case TN_OUT_INTERVAL:
    case TN_OUT_NULL:
        *known = false;
        break;
    }
    return TARN_OK;
}

static TN_FALLIBLE make_receipt(const parquet_writer *writer, tn_arena *arena, tn_file_receipt *out,
                                tarn_error *err)
{
    const tn_out_layout *const layout = &writer->layout;
    *out = (tn_file_receipt){
        .rows = writer->rows, .bytes = writer->bytes, .column_count = layout->schema.count};
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_column_statistics, layout->schema.count, &out->columns, err));
    for (uint32_t leaf = 0; leaf < layout->leaf_count; leaf++) {
        tn_column_statistics *const column = &out->columns[layout->leaves[leaf].column];
        bool known[2];
        bool exact[2];
        if (!layout->leaves[leaf].is_flat) {
            continue; /* nulls of a list's leaf are not nulls of the column */
        }
        column->nulls = TN_EXACT;
        column->null_count = writer->nulls[leaf];
        TN_RETURN_IF_ERROR(
            bound_value(writer, leaf, 0, arena, &column->min, &known[0], &exact[0], err));
        TN_RETURN_IF_ERROR(
            bound_value(writer, leaf, 1, arena, &column->max, &known[1], &exact[1], err));
        column->bounds = !known[0] || !known[1] ? TN_UNKNOWN
                         : exact[0] && exact[1] ? TN_EXACT
                                                : TN_ESTIMATE;
    }
    return TARN_OK;
}

static tarn_code finish(tn_file_writer *base, tn_arena *arena, tn_file_receipt *out,
                        tarn_error *err)
{
    tarn_code code = TARN_OK;
    parquet_writer *const writer = (parquet_writer *)base;
    tn_text footer;
    uint64_t indexes = 0;
    uint64_t offset = 0;

    tn_text_init(&footer, writer->pool, FOOTER_MAX);
    if (writer->indexes.size > 0) {
        TN_TRY(append(writer, writer->indexes.data, writer->indexes.size, &indexes, err));
    }
    put_footer(writer, indexes, &footer);
    const uint32_t size = (uint32_t)footer.size;
    tn_text_append(&footer, (tn_str){(const char *)&size, 4});
    tn_text_append(&footer, TN_STR("PAR1"));
    TN_TRY(tn_text_status(&footer, err));
    TN_TRY(append(writer, footer.data, footer.size, &offset, err));
    TN_TRY(make_receipt(writer, arena, out, err));
done:
    tn_text_deinit(&footer);
    return code;
}

static uint64_t file_bytes(const tn_file_writer *base)
{
    return ((const parquet_writer *)base)->bytes;
}

static void destroy(tn_file_writer *base)
{
    parquet_writer *const writer = (parquet_writer *)base;
    if (writer == NULL) {
        return;
    }
    tn_vec_free(&writer->groups);
    tn_text_deinit(&writer->indexes);
    tn_arena_deinit(&writer->arena);
    pthread_mutex_destroy(&writer->lock);
    tn_pool_free(writer->pool, writer, sizeof(*writer));
}

static const tn_file_writer_ops ops = {
    .group_begin = group_begin,
    .group_write = group_write,
    .group_bytes = group_bytes,
    .group_memory = group_memory,
    .group_end = group_end,
    .group_abort = group_abort,
    .file_bytes = file_bytes,
    .finish = finish,
    .destroy = destroy,
};

/* ---- options --------------------------------------------------------------------------------- */

static TN_FALLIBLE choose_codec(tn_str name, tn_codec *out, tarn_error *err)
{
    static const struct {
        const char *name;
        tn_codec codec;
    } known[] = {{"snappy", TN_CODEC_SNAPPY},    {"zstd", TN_CODEC_ZSTD},   {"gzip", TN_CODEC_GZIP},
                 {"lz4", TN_CODEC_LZ4},          {"lz4_raw", TN_CODEC_LZ4}, {"none", TN_CODEC_NONE},
                 {"uncompressed", TN_CODEC_NONE}};
    *out = TN_CODEC_SNAPPY;
    if (name.size == 0) {
        return TARN_OK;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (tn_str_equal_fold(name, tn_str_of(known[i].name))) {
            *out = known[i].codec;
            return TARN_OK;
        }
    }
    (void)tn_fail(err, TARN_E_INVALID, "Parquet cannot be written with the codec '%.*s'",
                  TN_STR_ARGS(name));
    tn_hint(err, "codecs are snappy, zstd, gzip, lz4 and none");
    return TARN_E_INVALID;
}

TN_FALLIBLE tn_parquet_writer_open(tn_upload *upload, const tn_schema *schema,
                                   const tn_writer_options *options, tn_pool *pool,
                                   tn_file_writer **out, tarn_error *err)
{
    static const tn_writer_options defaults = {0};
    tarn_code code = TARN_OK;
    parquet_writer *writer = NULL;
    void *memory;
    uint64_t offset;

    *out = NULL;
    options = options == NULL ? &defaults : options;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*writer), &memory, err));
    writer = memory;
    writer->base.ops = &ops;
    writer->pool = pool;
    writer->upload = upload;
    writer->groups.pool = pool;
    writer->group_rows = options->group_rows > 0 ? options->group_rows : GROUP_ROWS;
    writer->group_bytes = options->group_bytes > 0 ? options->group_bytes : GROUP_BYTES;
    pthread_mutex_init(&writer->lock, NULL);
    tn_arena_init(&writer->arena, pool);
    tn_text_init(&writer->indexes, pool, FOOTER_MAX);
    TN_TRY(choose_codec(options->codec, &writer->layout.codec, err));
    writer->layout.level = options->codec_level;
    writer->layout.plain_only = options->plain_only;
    TN_TRY(tn_out__layout(&writer->arena, schema, &writer->layout, err));
    TN_TRY(tn_arena_array(&writer->arena, tn_out_bounds, writer->layout.leaf_count, &writer->bounds,
                          err));
    TN_TRY(
        tn_arena_array(&writer->arena, uint64_t, writer->layout.leaf_count, &writer->nulls, err));
    TN_TRY(
        tn_arena_array(&writer->arena, size_hint, writer->layout.leaf_count, &writer->hints, err));
    TN_TRY(tn_arena_copy(&writer->arena,
                         tn_str_of(options->created_by != NULL ? options->created_by
                                                               : "tarn version " TARN_VERSION
                                                                 " (build release)"),
                         &writer->created_by, err));
    TN_TRY(append(writer, "PAR1", 4, &offset, err));
    *out = &writer->base;
    writer = NULL;
done:
    if (writer != NULL) {
        destroy(&writer->base);
    }
    return code;
}
