#include "column/column_internal.h"

#include "base/size.h"
#include "base/vec.h"
#include "column/gather.h"

enum { HEAP_BLOCK_MIN = 4 << 10, HEAP_BLOCK_MAX = 1 << 20, ROWS_FIRST = 256 };
static const size_t heap_max = (size_t)2 << 30;

/* A column being gathered; nested ones have a builder for each child. */
typedef struct growing {
    const tn_type *type;
    tn_buffer *values; /* in the declared lane; NULL for structs and NULL columns */
    tn_buffer *validity;
    size_t rows, capacity;
    size_t rows_max;    /* of a chunk; elements of lists have none */
    size_t rows_before; /* of the chunk before: this one will be about as large */
    bool has_nulls;
    uint32_t child_count;
    struct growing *children;
} growing;

struct tn_chunk_builder {
    tn_pool *pool;
    uint32_t width, rows_max;
    growing *columns;
    size_t heap_bytes; /* of strings kept */
    size_t heap_left;  /* of the newest heap block */
    size_t next_block;
    TN_VEC(tn_buffer *) heap; /* of all columns */
};

/* ---- chunks ---- */

tn_chunk *tn_chunk_retain(tn_chunk *chunk)
{
    atomic_fetch_add_explicit(&chunk->refs, 1, memory_order_relaxed);
    return chunk;
}

void tn_chunk_release(tn_chunk *chunk)
{
    if (chunk != NULL && atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) == 1) {
        tn_owners_release(chunk->owners);
        tn_pool_free(chunk->pool, chunk, chunk->size);
    }
}

static uint32_t room_of(const tn_type *type)
{
    uint32_t room = 1;
    for (uint32_t i = 0; type->kind == TN_KIND_STRUCT && i < type->field_count; i++) {
        room += room_of(type->fields[i].type); /* as deep as a type */
    }
    return room;
}

uint32_t tn_chunk_room(const tn_type *const *types, uint32_t width)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < width; i++) {
        room += room_of(types[i]);
    }
    return room;
}

uint32_t tn_chunk_room_of(const tn_schema *schema)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < schema->count; i++) {
        room += room_of(schema->fields[i].type);
    }
    return room;
}

/* Rows of one column; the fields of a struct go to *spare. */
static void slice_column(const tn_column *whole, uint32_t from, uint32_t rows, tn_column **spare,
                         tn_column *out)
{
    const size_t size = tn_lane_size((tn_lane)whole->lane);
    *out = *whole;
    out->rows = rows;
    if (whole->validity != NULL) {
        out->validity = whole->validity + from / 64;
    }
    if (whole->lane == TN_LANE_bool) {
        out->values = (const uint64_t *)whole->values + from / 64;
    } else if (size > 0) {
        out->values = (const uint8_t *)whole->values + from * size;
    }
    if (from > 0 && whole->type->kind == TN_KIND_STRUCT) {
        tn_column *fields = *spare;
        *spare += whole->type->field_count;
        for (uint32_t i = 0; i < whole->type->field_count; i++) {
            slice_column(&whole->children[i], from, rows, spare, &fields[i]);
        }
        out->children = fields;
    }
}

void tn_chunk_batch(const tn_chunk *chunk, uint32_t from, uint32_t rows, tn_column *columns,
                    tn_batch *out)
{
    tn_column *spare = columns + chunk->width;
    for (uint32_t i = 0; i < chunk->width; i++) {
        slice_column(&chunk->columns[i], from, rows, &spare, &columns[i]);
    }
    *out = (tn_batch){.columns = columns, .width = chunk->width, .rows = rows, .selected = rows};
}

/* ---- one growing column ---- */

static void growing_release(growing *column, tn_pool *pool)
{
    tn_buffer_release(column->values);
    tn_buffer_release(column->validity);
    for (uint32_t i = 0; i < column->child_count; i++) {
        growing_release(&column->children[i], pool); /* as deep as a type */
    }
    tn_pool_free(pool, column->children, column->child_count * sizeof(growing));
    column->children = NULL;
    column->child_count = 0;
    column->values = column->validity = NULL;
}

static TN_FALLIBLE growing_init(growing *column, const tn_type *type, size_t rows_max,
                                tn_pool *pool, tarn_error *err)
{
    void *children = NULL;
    const size_t child_max = type->kind == TN_KIND_STRUCT ? rows_max : SIZE_MAX;
    *column = (growing){.type = type, .rows_max = rows_max};
    if (type->field_count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_pool_alloc_zeroed(pool, type->field_count * sizeof(growing), &children, err));
    column->children = children;
    column->child_count = type->field_count;
    for (uint32_t i = 0; i < type->field_count; i++) {
        TN_RETURN_IF_ERROR(
            growing_init(&column->children[i], type->fields[i].type, child_max, pool, err));
    }
    return TARN_OK;
}

static size_t lane_bytes(tn_lane lane, size_t rows)
{
    return lane == TN_LANE_bool ? tn_bitmap_words(rows) * 8 : rows * tn_lane_size(lane);
}

static TN_FALLIBLE regrow(tn_pool *pool, tn_buffer **buffer, size_t used, size_t size,
                          tarn_error *err)
{
    tn_buffer *fresh;
    TN_RETURN_IF_ERROR(tn_buffer_create(pool, size, &fresh, err));
    if (*buffer != NULL) {
        memcpy(fresh->data, (*buffer)->data, used);
    }
    tn_buffer_release(*buffer);
    *buffer = fresh;
    return TARN_OK;
}

static TN_FALLIBLE growing_reserve(growing *column, tn_pool *pool, size_t more, tarn_error *err)
{
    if (column->rows + more <= column->capacity) {
        return TARN_OK;
    }
    const size_t wish =
        tn_max_size(tn_max_size(ROWS_FIRST, column->rows_before), 2 * column->capacity);
    const size_t capacity =
        tn_round_up(tn_max_size(tn_min_size(wish, column->rows_max), column->rows + more), 64);
    const tn_lane lane = column->type->lane;
    if (capacity > UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "more than %u list elements in one chunk", UINT32_MAX);
    }
    TN_RETURN_IF_ERROR(
        regrow(pool, &column->validity, tn_bitmap_words(column->rows) * 8, capacity / 8, err));
    if (lane_bytes(lane, capacity) > 0) {
        TN_RETURN_IF_ERROR(regrow(pool, &column->values, lane_bytes(lane, column->rows),
                                  lane_bytes(lane, capacity), err));
    }
    column->capacity = capacity;
    return TARN_OK;
}

/* ---- the builder ---- */

tarn_code tn_chunk_builder_create(tn_pool *pool, const tn_type *const *types, uint32_t width,
                                  uint32_t rows_max, tn_chunk_builder **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunk_builder *builder = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*builder), &memory, err));
    builder = memory;
    builder->pool = pool;
    builder->rows_max = rows_max;
    builder->heap.pool = pool;
    builder->next_block = HEAP_BLOCK_MIN;
    TN_TRY(tn_pool_alloc_zeroed(pool, width * sizeof(growing), &memory, err));
    builder->columns = memory;
    builder->width = width;
    for (uint32_t i = 0; i < width; i++) {
        TN_TRY(growing_init(&builder->columns[i], types[i], rows_max, pool, err));
    }
    *out = builder;
    builder = NULL;
done:
    tn_chunk_builder_destroy(builder);
    return code;
}

static void release_heap(tn_chunk_builder *builder)
{
    for (size_t i = 0; i < builder->heap.count; i++) {
        tn_buffer_release(builder->heap.items[i]);
    }
    tn_vec_free(&builder->heap);
}

void tn_chunk_builder_destroy(tn_chunk_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    for (uint32_t i = 0; i < builder->width; i++) {
        growing_release(&builder->columns[i], builder->pool);
    }
    release_heap(builder);
    tn_pool_free(builder->pool, builder->columns, builder->width * sizeof(growing));
    tn_pool_free(builder->pool, builder, sizeof(*builder));
}

uint32_t tn_chunk_builder_rows(const tn_chunk_builder *builder)
{
    return builder->width == 0 ? 0 : (uint32_t)builder->columns[0].rows;
}

size_t tn_chunk_builder_bytes(const tn_chunk_builder *builder)
{
    size_t bytes = builder->heap_bytes;
    for (uint32_t i = 0; i < builder->width; i++) {
        bytes += lane_bytes(builder->columns[i].type->lane, builder->columns[i].rows);
    }
    return bytes;
}

/* Room for a string that stays where it is; blocks are shared by all columns. */
static TN_FALLIBLE heap_take(tn_chunk_builder *builder, size_t size, char **out, tarn_error *err)
{
    const size_t count = builder->heap.count;
    tn_buffer *last = count == 0 ? NULL : builder->heap.items[count - 1];
    if (last == NULL || builder->heap_left < size) {
        const size_t block = tn_max_size(builder->next_block, size);
        TN_RETURN_IF_ERROR(tn_vec_reserve(&builder->heap, 1, err));
        TN_RETURN_IF_ERROR(tn_buffer_create(builder->pool, block, &last, err));
        builder->heap.items[builder->heap.count++] = last;
        builder->heap_left = block;
        builder->next_block = tn_min_size(2 * builder->next_block, HEAP_BLOCK_MAX);
    }
    *out = (char *)last->data + (last->size - builder->heap_left);
    builder->heap_left -= size;
    builder->heap_bytes += size;
    return TARN_OK;
}

static TN_FALLIBLE own_strings(tn_chunk_builder *builder, growing *column, size_t from,
                               size_t count, tarn_error *err)
{
    tn_view *views = (tn_view *)(void *)column->values->data + from;
    for (size_t i = 0; i < count; i++) {
        if (views[i].size > TN_VIEW_INLINE) {
            char *copy;
            TN_RETURN_IF_ERROR(heap_take(builder, views[i].size, &copy, err));
            memcpy(copy, views[i].data, views[i].size);
            views[i].data = copy;
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE append_rows(tn_chunk_builder *builder, growing *column, const tn_column *in,
                               const uint16_t *rows16, const uint32_t *rows32, uint32_t from,
                               uint32_t count, tarn_error *err);

/* The elements of the lists just appended, list by list. */
static TN_FALLIBLE append_elements(tn_chunk_builder *builder, growing *column,
                                   const tn_column *base, size_t from, size_t count,
                                   tarn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        tn_list *head = (tn_list *)(void *)column->values->data + from + i;
        const tn_list source = *head;
        head->offset = (uint32_t)column->children[0].rows;
        for (uint32_t field = 0; field < column->child_count; field++) {
            TN_RETURN_IF_ERROR(append_rows(builder, &column->children[field],
                                           &base->children[field], NULL, NULL, source.offset,
                                           source.length, err));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE append_slice(tn_chunk_builder *builder, growing *column, const tn_slice *slice,
                                tarn_error *err)
{
    const tn_type *type = column->type;
    const size_t from = column->rows;

    TN_RETURN_IF_ERROR(growing_reserve(column, builder->pool, slice->count, err));
    tn_slice_validity(slice, (uint64_t *)(void *)column->validity->data, from);
    if (column->values != NULL) {
        tn_slice_values(slice, type->lane, column->values->data, from);
    }
    column->has_nulls = column->has_nulls || slice->has_nulls;
    if (type->lane == TN_LANE_view) {
        TN_RETURN_IF_ERROR(own_strings(builder, column, from, slice->count, err));
    } else if (type->lane == TN_LANE_list) {
        TN_RETURN_IF_ERROR(append_elements(builder, column, slice->base, from, slice->count, err));
    }
    for (uint32_t i = 0; type->kind == TN_KIND_STRUCT && i < column->child_count; i++) {
        if (slice->base->type->kind == TN_KIND_NULL || slice->base->rows == 0) {
            tn_column nulls = {.type = TN_TYPE_NULL, .lane = TN_LANE_none, .rows = slice->count};
            TN_RETURN_IF_ERROR(append_rows(builder, &column->children[i], &nulls, NULL, NULL, 0,
                                           slice->count, err));
            continue;
        }
        TN_RETURN_IF_ERROR(append_rows(builder, &column->children[i], &slice->base->children[i],
                                       NULL, slice->index, 0, slice->count, err));
    }
    column->rows += slice->count;
    return TARN_OK;
}

static TN_FALLIBLE append_rows(tn_chunk_builder *builder, growing *column, const tn_column *in,
                               const uint16_t *rows16, const uint32_t *rows32, uint32_t from,
                               uint32_t count, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory = NULL;
    if (count == 0) {
        return TARN_OK;
    }
    /* From the pool, since nesting stacks these up. */
    TN_TRY(tn_pool_alloc(builder->pool, sizeof(tn_slice), &memory, err));
    for (uint32_t at = 0; at < count; at += TN_SLICE_ROWS) {
        const uint32_t part = count - at < TN_SLICE_ROWS ? count - at : TN_SLICE_ROWS;
        tn_slice_open(memory, in, rows16 == NULL ? NULL : rows16 + at,
                      rows32 == NULL ? NULL : rows32 + at, from + at, part);
        TN_TRY(append_slice(builder, column, memory, err));
    }
done:
    tn_pool_free(builder->pool, memory, sizeof(tn_slice));
    return code;
}

tarn_code tn_chunk_builder_append(tn_chunk_builder *builder, const tn_batch *batch, uint32_t *next,
                                  tarn_error *err)
{
    const uint32_t room = builder->rows_max - tn_chunk_builder_rows(builder);
    uint32_t count = batch->selected - *next;
    count = count < room ? count : room;
    if (builder->heap_bytes > heap_max) {
        count = 0;
    }
    for (uint32_t i = 0; i < builder->width; i++) {
        const tn_column *in = &batch->columns[i];
        TN_RETURN_IF_ERROR(tn_column_raise(in, batch, err));
        TN_RETURN_IF_ERROR(append_rows(builder, &builder->columns[i], in,
                                       batch->selection == NULL ? NULL : batch->selection + *next,
                                       NULL, *next, count, err));
    }
    *next += count;
    return TARN_OK;
}

tarn_code tn_chunk_builder_put(tn_chunk_builder *builder, uint32_t column, const tn_value *value,
                               tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_column one;

    tn_arena_init(&arena, builder->pool);
    tn_value typed = *value;
    typed.type = value->is_null ? builder->columns[column].type : value->type;
    TN_TRY(tn_value_column(&typed, 1, &arena, &one, err));
    TN_TRY(append_rows(builder, &builder->columns[column], &one, NULL, NULL, 0, 1, err));
done:
    tn_arena_deinit(&arena);
    return code;
}

/* ---- finishing ---- */

static uint32_t count_columns(const growing *column)
{
    uint32_t count = column->child_count;
    for (uint32_t i = 0; i < column->child_count; i++) {
        count += count_columns(&column->children[i]);
    }
    return count;
}

static uint32_t count_buffers(const growing *column)
{
    uint32_t count = 2;
    for (uint32_t i = 0; i < column->child_count; i++) {
        count += count_buffers(&column->children[i]);
    }
    return count;
}

/* Moves the buffers to the owners and lays the column out; children's columns come from *spare. */
static void finish_column(growing *column, tn_owners *owners, tn_column **spare, tn_column *out)
{
    *out = (tn_column){.type = column->type,
                       .lane = (uint8_t)column->type->lane,
                       .encoding = TN_FLAT,
                       .rows = (uint32_t)column->rows,
                       .owners = owners};
    if (column->values != NULL) {
        out->values = column->values->data;
        owners->items[owners->count++] = column->values;
    }
    if (column->validity != NULL) {
        out->validity =
            column->has_nulls ? (const uint64_t *)(const void *)column->validity->data : NULL;
        owners->items[owners->count++] = column->validity;
    }
    column->values = column->validity = NULL;
    tn_column *children = *spare;
    *spare += column->child_count;
    for (uint32_t i = 0; i < column->child_count; i++) {
        finish_column(&column->children[i], owners, spare, &children[i]);
    }
    out->children = column->child_count > 0 ? children : NULL;
    column->rows_before = column->rows;
    column->rows = column->capacity = 0;
    column->has_nulls = false;
}

tarn_code tn_chunk_builder_finish(tn_chunk_builder *builder, tn_chunk **out, tarn_error *err)
{
    uint32_t column_count = builder->width;
    size_t buffer_count = builder->heap.count;
    void *memory;
    void *owners_memory;

    *out = NULL;
    for (uint32_t i = 0; i < builder->width; i++) {
        column_count += count_columns(&builder->columns[i]);
        buffer_count += count_buffers(&builder->columns[i]);
    }
    const size_t size = sizeof(tn_chunk) + column_count * sizeof(tn_column);
    const size_t owners_size = sizeof(tn_owners) + buffer_count * sizeof(tn_buffer *);
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(builder->pool, size, &memory, err));
    if (tn_pool_alloc_zeroed(builder->pool, owners_size, &owners_memory, err) != TARN_OK) {
        tn_pool_free(builder->pool, memory, size);
        return TARN_E_NOMEM;
    }
    tn_chunk *chunk = memory;
    tn_owners *owners = owners_memory;
    *chunk = (tn_chunk){.pool = builder->pool, .width = builder->width, .size = size};
    atomic_init(&chunk->refs, 1);
    chunk->columns = (tn_column *)(chunk + 1);
    chunk->rows = tn_chunk_builder_rows(builder);
    chunk->owners = owners;
    owners->pool = builder->pool;
    owners->capacity = (uint32_t)buffer_count;
    atomic_init(&owners->refs, 1);
    tn_column *spare = chunk->columns + builder->width;
    for (uint32_t i = 0; i < builder->width; i++) {
        finish_column(&builder->columns[i], owners, &spare, &chunk->columns[i]);
    }
    for (size_t i = 0; i < builder->heap.count; i++) {
        owners->items[owners->count++] = builder->heap.items[i];
    }
    tn_vec_free(&builder->heap);
    /* The next one will be about as large: no block of a megabyte where chunks are small. */
    builder->next_block = tn_min_size(
        builder->next_block, tn_max_size(HEAP_BLOCK_MIN, tn_round_up(builder->heap_bytes / 2, 64)));
    builder->heap_bytes = builder->heap_left = 0;
    *out = chunk;
    return TARN_OK;
}
