/* Arrow's arrays as chunks. */
#include "column/arrow_internal.h"

#include "base/size.h"
#include "base/utf8.h"
#include "column/arrow_values.h"
#include "column/gather.h"

struct tn_arrow_import {
    tn_pool *pool;
    tn_arena arena;
    tn_arrow_node root;
    tn_schema schema;
    size_t column_count; /* of all levels */
};

/* ---- opening ----------------------------------------------------------------------------------*/

static size_t count_nodes(const tn_arrow_node *node)
{
    size_t count = 1;
    for (uint32_t i = 0; i < node->child_count; i++) {
        count += count_nodes(&node->children[i]); /* as deep as a type */
    }
    return count;
}

tarn_code tn_arrow_import_open(const struct ArrowSchema *schema, tn_types *types, tn_pool *pool,
                               tn_arrow_import **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arrow_import *import = NULL;
    tn_field *fields;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*import), &memory, err));
    import = memory;
    import->pool = pool;
    tn_arena_init(&import->arena, pool);
    TN_TRY(tn_arrow__node(schema, types, &import->arena, 0, &import->root, err));
    if (import->root.form != TN_ARROW_STRUCT) {
        code = tn_fail(err, TARN_E_INVALID, "an Arrow schema must be a struct of columns, not '%s'",
                       schema->format);
        goto done;
    }
    const uint32_t count = import->root.child_count;
    TN_TRY(tn_arena_array(&import->arena, tn_field, count, &fields, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_arrow_node *child = &import->root.children[i];
        fields[i] = (tn_field){child->name, child->type, child->nullable};
    }
    import->schema = (tn_schema){count, fields};
    import->column_count = count_nodes(&import->root);
    *out = import;
    import = NULL;
done:
    tn_arrow_import_close(import);
    return code;
}

void tn_arrow_import_close(tn_arrow_import *import)
{
    if (import != NULL) {
        tn_arena_deinit(&import->arena);
        tn_pool_free(import->pool, import, sizeof(*import));
    }
}

const tn_schema *tn_arrow_import_schema(const tn_arrow_import *import)
{
    return &import->schema;
}

/* ---- one array --------------------------------------------------------------------------------*/

/* The foreign array, released with the last chunk that looks into it. */
typedef struct guest {
    tn_pool *pool;
    struct ArrowArray array;
} guest;

static void guest_leave(void *context)
{
    guest *g = context;
    g->array.release(&g->array);
    tn_pool_free(g->pool, g, sizeof(*g));
}

typedef struct import_run {
    tn_pool *pool;
    tn_owners *owners;
    tn_column *spare; /* columns of nested levels */
} import_run;

/* Rows `start` (counted from the array's own offset) and on of a node's array. */
typedef struct piece {
    const tn_arrow_node *node;
    const struct ArrowArray *array;
    size_t start; /* with the array's offset */
    uint32_t rows;
} piece;

static TN_FALLIBLE own(import_run *run, size_t size, void **out, tarn_error *err)
{
    tn_buffer *buffer;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_buffer_create(run->pool, tn_max_size(size, 8), &buffer, err));
    run->owners->items[run->owners->count++] = buffer;
    *out = buffer->data;
    return TARN_OK;
}

static TN_FALLIBLE own_array(import_run *run, size_t count, size_t size, void **out,
                             tarn_error *err)
{
    size_t bytes;
    *out = NULL;
    if (!tn_size_mul(count, size, &bytes)) {
        return tn_fail(err, TARN_E_LIMIT, "%zu Arrow values", count);
    }
    return own(run, bytes, out, err);
}

static int64_t buffers_of(const tn_arrow_node *node)
{
    switch (node->form) {
    case TN_ARROW_NULL:
        return 0;
    case TN_ARROW_STRUCT:
    case TN_ARROW_FIXED_LIST:
        return 1;
    case TN_ARROW_TEXT:
    case TN_ARROW_LIST_VIEW:
        return 3;
    case TN_ARROW_BITS:
    case TN_ARROW_VALUES:
    case TN_ARROW_HALF:
    case TN_ARROW_DECIMAL:
    case TN_ARROW_SCALED:
    case TN_ARROW_DURATION:
    case TN_ARROW_MONTHS:
    case TN_ARROW_DAYS_MILLIS:
    case TN_ARROW_VIEWS: /* or more */
    case TN_ARROW_FIXED:
    case TN_ARROW_UUID:
    case TN_ARROW_LIST:
    case TN_ARROW_DICTIONARY:
    default:
        return 2;
    }
}

/* Checks what can be checked of an array before its buffers are touched. */
static TN_FALLIBLE take_piece(const tn_arrow_node *node, const struct ArrowArray *array,
                              size_t start, size_t rows, piece *out, tarn_error *err)
{
    const int64_t buffers = buffers_of(node);
    const bool is_views = node->form == TN_ARROW_VIEWS;
    const bool is_map = node->type != NULL && node->type->kind == TN_KIND_MAP;
    const int64_t children = node->form == TN_ARROW_DICTIONARY ? 0 : is_map ? 1 : node->child_count;
    if (array == NULL || array->release == NULL) {
        return tn_fail(err, TARN_E_CORRUPT, "an Arrow array that was released");
    }
    if (array->length < 0 || array->offset < 0 || array->null_count < -1 ||
        array->null_count > array->length || array->length > INT64_MAX / 64 - array->offset) {
        return tn_fail(
            err, TARN_E_CORRUPT, "an Arrow array of length %lld, offset %lld, null count %lld",
            (long long)array->length, (long long)array->offset, (long long)array->null_count);
    }
    /* Unions aside, null arrays of old writers have a buffer. */
    if (array->n_children != children || (children > 0 && array->children == NULL) ||
        (array->dictionary == NULL) != (node->form != TN_ARROW_DICTIONARY) ||
        (is_views ? array->n_buffers < 3
                  : array->n_buffers != buffers && node->form != TN_ARROW_NULL) ||
        (buffers > 0 && array->buffers == NULL)) {
        return tn_fail(err, TARN_E_CORRUPT,
                       "an Arrow array with %lld buffers and %lld children, where its type has "
                       "%lld and %lld",
                       (long long)array->n_buffers, (long long)array->n_children,
                       (long long)buffers, (long long)children);
    }
    if (start > (size_t)array->length || rows > (size_t)array->length - start) {
        return tn_fail(err, TARN_E_CORRUPT,
                       "an Arrow array of %lld rows where its parent needs %zu",
                       (long long)array->length, start + rows);
    }
    if (rows > UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "an Arrow array of %zu rows: more than 2^32", rows);
    }
    *out = (piece){node, array, start + (size_t)array->offset, (uint32_t)rows};
    return TARN_OK;
}

/* A buffer that must be there where there are rows. */
static TN_FALLIBLE buffer_at(const piece *p, size_t index, const void **out, tarn_error *err)
{
    *out = p->array->buffers[index];
    if (*out == NULL && p->rows > 0) {
        return tn_fail(err, TARN_E_CORRUPT, "buffer %zu of an Arrow array is NULL", index);
    }
    return TARN_OK;
}

static TN_FALLIBLE read_validity(import_run *run, const piece *p, const uint64_t **out,
                                 tarn_error *err)
{
    void *memory;
    *out = NULL;
    if (p->node->form == TN_ARROW_NULL || p->rows == 0 || p->array->null_count == 0) {
        return TARN_OK;
    }
    if (p->array->buffers[0] == NULL) {
        return p->array->null_count > 0
                   ? tn_fail(err, TARN_E_CORRUPT, "an Arrow array with nulls has no bitmap")
                   : TARN_OK;
    }
    TN_RETURN_IF_ERROR(own(run, tn_bitmap_words(p->rows) * 8, &memory, err));
    tn_bitmap_copy(memory, p->array->buffers[0], p->start, p->rows);
    *out = tn_bitmap_all(memory, p->rows) ? NULL : memory;
    return TARN_OK;
}

/* ---- fixed width ------------------------------------------------------------------------------*/

static bool is_aligned(const void *data, size_t unit)
{
    return ((uintptr_t)data & (unit - 1)) == 0;
}

/* As they are: lent where they are aligned. */
static TN_FALLIBLE read_values(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    const void *data;
    void *memory;
    const size_t width = p->node->width;
    const size_t unit = width > 16 ? 8 : p->node->type->kind == TN_KIND_INTERVAL ? 8 : width;
    TN_RETURN_IF_ERROR(buffer_at(p, 1, &data, err));
    const uint8_t *first = p->rows == 0 ? NULL : (const uint8_t *)data + p->start * width;
    if (p->rows > 0 && is_aligned(first, unit)) {
        out->values = first;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(own_array(run, p->rows, width, &memory, err));
    if (p->rows > 0) {
        memcpy(memory, first, p->rows * width);
    }
    out->values = memory;
    return TARN_OK;
}

static TN_FALLIBLE read_bits(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    const void *data;
    void *memory;
    TN_RETURN_IF_ERROR(buffer_at(p, 1, &data, err));
    TN_RETURN_IF_ERROR(own(run, tn_bitmap_words(p->rows) * 8, &memory, err));
    if (p->rows > 0) {
        tn_bitmap_copy(memory, data, p->start, p->rows);
    }
    out->values = memory;
    return TARN_OK;
}

/* Values that are made anew, one by one: see arrow_values.c. */
static TN_FALLIBLE read_converted(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    const void *data;
    void *memory;
    const tn_arrow_node *node = p->node;
    const size_t width = node->form == TN_ARROW_HALF ? 2 : node->width;
    const size_t size = tn_lane_size(node->type->lane);
    TN_RETURN_IF_ERROR(buffer_at(p, 1, &data, err));
    TN_RETURN_IF_ERROR(own_array(run, p->rows, size, &memory, err));
    out->values = memory;
    if (p->rows == 0) {
        return TARN_OK;
    }
    const tn_arrow_values values = {.node = node,
                                    .data = (const uint8_t *)data + p->start * width,
                                    .validity = out->validity,
                                    .rows = p->rows};
    return tn_arrow__convert(&values, memory, err);
}

/* ---- strings ----------------------------------------------------------------------------------*/

static bool is_null(const tn_column *column, uint32_t row)
{
    return column->validity != NULL && !tn_bit_get(column->validity, row);
}

static TN_FALLIBLE bad_text(uint32_t row, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_CORRUPT, "row %u is no UTF-8", row + 1);
    tn_hint(err, "hand it over as binary");
    return TARN_E_CORRUPT;
}

/* Each valid row on its own: where the bytes as a whole are not known to be good. */
static TN_FALLIBLE check_texts(const tn_column *column, const tn_view *views, tarn_error *err)
{
    for (uint32_t row = 0; row < column->rows; row++) {
        if (!tn_utf8_valid(tn_view_data(&views[row]), views[row].size)) {
            return bad_text(row, err);
        }
    }
    return TARN_OK;
}

static int64_t offset_at(const void *offsets, uint32_t width, size_t index)
{
    int32_t narrow;
    int64_t wide;
    if (width == 8) {
        memcpy(&wide, (const uint8_t *)offsets + index * 8, 8);
        return wide;
    }
    memcpy(&narrow, (const uint8_t *)offsets + index * 4, 4);
    return narrow;
}

/* Offsets of `rows` values never fall, begin at 0 or later, and none spans 4 GiB. */
static TN_FALLIBLE check_offsets(const piece *p, const void *offsets, int64_t *first, int64_t *last,
                                 tarn_error *err)
{
    int64_t at = *first = *last = p->rows == 0 ? 0 : offset_at(offsets, p->node->width, p->start);
    for (size_t i = 1; p->rows > 0 && i <= p->rows; i++) {
        const int64_t next = offset_at(offsets, p->node->width, p->start + i);
        if (at < 0 || next < at || next - at > UINT32_MAX) {
            return tn_fail(err, TARN_E_CORRUPT, "Arrow offset %lld follows %lld", (long long)next,
                           (long long)at);
        }
        at = next;
    }
    *last = at;
    return TARN_OK;
}

static TN_FALLIBLE read_text(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    const void *offsets;
    void *memory;
    int64_t first;
    int64_t last;
    bool good = p->node->type->kind == TN_KIND_BLOB;

    TN_RETURN_IF_ERROR(buffer_at(p, 1, &offsets, err));
    TN_RETURN_IF_ERROR(check_offsets(p, offsets, &first, &last, err));
    const char *data = p->array->buffers[2];
    if (data == NULL && last > first) {
        return tn_fail(err, TARN_E_CORRUPT, "buffer 2 of an Arrow array is NULL");
    }
    TN_RETURN_IF_ERROR(own_array(run, p->rows, sizeof(tn_view), &memory, err));
    tn_view *views = memory;
    /* Good as a whole, and no value begins inside a character: good one by one. */
    good = good || last == first || tn_utf8_valid(data + first, (size_t)(last - first));
    bool cut = false;
    for (uint32_t row = 0; row < p->rows; row++) {
        const int64_t from = offset_at(offsets, p->node->width, p->start + row);
        const int64_t to = offset_at(offsets, p->node->width, p->start + row + 1);
        const size_t size = is_null(out, row) ? 0 : (size_t)(to - from);
        views[row] = tn_view_of(size == 0 ? NULL : data + from, size);
        cut = cut || (from < last && ((uint8_t)data[from] & 0xc0) == 0x80);
    }
    out->values = views;
    return p->node->type->kind == TN_KIND_BLOB || (good && !cut) ? TARN_OK
                                                                 : check_texts(out, views, err);
}

static TN_FALLIBLE read_views(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    const void *data;
    void *memory;
    const int64_t heaps = p->array->n_buffers - 3;
    const uint8_t *sizes = p->array->buffers[p->array->n_buffers - 1];

    TN_RETURN_IF_ERROR(buffer_at(p, 1, &data, err));
    TN_RETURN_IF_ERROR(own_array(run, p->rows, sizeof(tn_view), &memory, err));
    tn_view *views = memory;
    for (uint32_t row = 0; row < p->rows; row++) {
        int32_t head[4]; /* size, prefix, buffer, offset */
        int64_t size = 0;
        memcpy(head, (const uint8_t *)data + (p->start + row) * 16, 16);
        if (is_null(out, row)) {
            views[row] = tn_view_of(NULL, 0);
            continue;
        }
        if (head[0] >= 0 && head[0] <= TN_VIEW_INLINE) {
            views[row] = tn_view_of((const char *)&head[1], (size_t)head[0]);
            continue;
        }
        if (head[2] >= 0 && head[2] < heaps && sizes != NULL) {
            memcpy(&size, sizes + (size_t)head[2] * 8, 8);
        }
        const char *heap = size > 0 ? p->array->buffers[2 + head[2]] : NULL;
        if (heap == NULL || head[0] < 0 || head[3] < 0 || (int64_t)head[3] + head[0] > size) {
            return tn_fail(err, TARN_E_CORRUPT,
                           "row %u: an Arrow view of %d bytes at %d of buffer %d", row + 1, head[0],
                           head[3], head[2]);
        }
        views[row] = tn_view_of(heap + head[3], (size_t)head[0]);
    }
    out->values = views;
    return p->node->type->kind == TN_KIND_BLOB ? TARN_OK : check_texts(out, views, err);
}

static TN_FALLIBLE read_fixed(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    enum { UUID_SIZE = 36 };
    const void *data;
    void *memory;
    const size_t width = p->node->width;
    const bool is_uuid = p->node->form == TN_ARROW_UUID;
    char *texts = NULL;

    TN_RETURN_IF_ERROR(buffer_at(p, 1, &data, err));
    if (is_uuid) {
        TN_RETURN_IF_ERROR(own_array(run, p->rows, UUID_SIZE, &memory, err));
        texts = memory;
    }
    TN_RETURN_IF_ERROR(own_array(run, p->rows, sizeof(tn_view), &memory, err));
    tn_view *views = memory;
    for (size_t row = 0; row < p->rows; row++) {
        const char *value = (const char *)data + (p->start + row) * width;
        if (is_null(out, (uint32_t)row)) {
            views[row] = tn_view_of(NULL, 0);
        } else if (is_uuid) {
            tn_arrow__uuid((const uint8_t *)value, texts + row * UUID_SIZE);
            views[row] = tn_view_of(texts + row * UUID_SIZE, UUID_SIZE);
        } else {
            views[row] = tn_view_of(value, width);
        }
    }
    out->values = views;
    return TARN_OK;
}

/* ---- nested -----------------------------------------------------------------------------------*/

static TN_FALLIBLE read_column(import_run *run, const tn_arrow_node *node,
                               const struct ArrowArray *array, size_t start, size_t rows,
                               tn_column *out, tarn_error *err);

static tn_column *take_columns(import_run *run, uint32_t count)
{
    tn_column *taken = run->spare;
    run->spare += count;
    return taken;
}

/* Elements `first` to `last`: the child of a list, or the two of a map's entries. */
static TN_FALLIBLE read_elements(import_run *run, const piece *p, size_t first, size_t last,
                                 tn_column *out, tarn_error *err)
{
    const struct ArrowArray *child = p->array->children[0];
    tn_column *columns = take_columns(run, p->node->child_count);
    out->children = columns;
    if (p->node->type->kind != TN_KIND_MAP) {
        return read_column(run, &p->node->children[0], child, first, last - first, columns, err);
    }
    if (child == NULL || child->release == NULL || child->n_children != 2 ||
        child->children == NULL || child->offset < 0 || child->length < 0 ||
        (size_t)child->length < last || child->null_count > 0) {
        return tn_fail(err, TARN_E_CORRUPT, "the entries of an Arrow map are damaged");
    }
    for (uint32_t i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(read_column(run, &p->node->children[i], child->children[i],
                                       first + (size_t)child->offset, last - first, &columns[i],
                                       err));
    }
    return columns[0].validity != NULL ? tn_fail(err, TARN_E_CORRUPT, "an Arrow map has a null key")
                                       : TARN_OK;
}

static TN_FALLIBLE read_list(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    const void *offsets;
    void *memory;
    int64_t first;
    int64_t last;
    TN_RETURN_IF_ERROR(buffer_at(p, 1, &offsets, err));
    TN_RETURN_IF_ERROR(check_offsets(p, offsets, &first, &last, err));
    TN_RETURN_IF_ERROR(own_array(run, p->rows, sizeof(tn_list), &memory, err));
    if (last - first > UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "more than 2^32 list elements in one Arrow array");
    }
    tn_list *lists = memory;
    for (uint32_t row = 0; row < p->rows; row++) {
        const int64_t from = offset_at(offsets, p->node->width, p->start + row);
        const int64_t to = offset_at(offsets, p->node->width, p->start + row + 1);
        lists[row] = is_null(out, row) ? (tn_list){0, 0}
                                       : (tn_list){(uint32_t)(from - first), (uint32_t)(to - from)};
    }
    out->values = lists;
    return read_elements(run, p, (size_t)first, (size_t)last, out, err);
}

static TN_FALLIBLE read_list_view(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    const void *offsets;
    const void *sizes;
    void *memory;
    const struct ArrowArray *child = p->array->children[0];
    const int64_t elements = child == NULL || child->length < 0 ? 0 : child->length;
    TN_RETURN_IF_ERROR(buffer_at(p, 1, &offsets, err));
    TN_RETURN_IF_ERROR(buffer_at(p, 2, &sizes, err));
    TN_RETURN_IF_ERROR(own_array(run, p->rows, sizeof(tn_list), &memory, err));
    tn_list *lists = memory;
    for (uint32_t row = 0; row < p->rows; row++) {
        const int64_t from = offset_at(offsets, p->node->width, p->start + row);
        const int64_t size = offset_at(sizes, p->node->width, p->start + row);
        if (is_null(out, row)) {
            lists[row] = (tn_list){0, 0};
            continue;
        }
        if (from < 0 || size < 0 || from > elements || size > elements - from ||
            from > UINT32_MAX || size > UINT32_MAX) {
            return tn_fail(err, TARN_E_CORRUPT, "row %u: an Arrow list of %lld elements from %lld",
                           row + 1, (long long)size, (long long)from);
        }
        lists[row] = (tn_list){(uint32_t)from, (uint32_t)size};
    }
    out->values = lists;
    return read_elements(run, p, 0, (size_t)elements, out, err);
}

static TN_FALLIBLE read_fixed_list(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    void *memory;
    size_t first;
    size_t last;
    const uint32_t width = p->node->width;
    if (!tn_size_mul(p->start, width, &first) || !tn_size_mul(p->start + p->rows, width, &last) ||
        last - first > UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "more than 2^32 list elements in one Arrow array");
    }
    TN_RETURN_IF_ERROR(own_array(run, p->rows, sizeof(tn_list), &memory, err));
    tn_list *lists = memory;
    for (uint32_t row = 0; row < p->rows; row++) {
        lists[row] = is_null(out, row) ? (tn_list){0, 0} : (tn_list){row * width, width};
    }
    out->values = lists;
    return read_elements(run, p, first, last, out, err);
}

static TN_FALLIBLE read_struct(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    tn_column *columns = take_columns(run, p->node->child_count);
    out->children = columns;
    for (uint32_t i = 0; i < p->node->child_count; i++) {
        TN_RETURN_IF_ERROR(read_column(run, &p->node->children[i], p->array->children[i], p->start,
                                       p->rows, &columns[i], err));
    }
    return TARN_OK;
}

/* ---- dictionaries -----------------------------------------------------------------------------*/

static TN_FALLIBLE read_codes(const piece *p, const tn_column *out, uint32_t entries,
                              uint32_t *codes, tarn_error *err)
{
    const void *data;
    const uint32_t width = p->node->width;
    TN_RETURN_IF_ERROR(buffer_at(p, 1, &data, err));
    for (uint32_t row = 0; row < p->rows; row++) {
        uint64_t code = 0;
        memcpy(&code, (const uint8_t *)data + (p->start + row) * width, width);
        const bool negative = p->node->is_signed && (code >> (8 * width - 1) & 1) != 0;
        codes[row] = 0;
        if (is_null(out, row)) {
            continue;
        }
        if (negative || code >= entries) {
            return tn_fail(err, TARN_E_CORRUPT,
                           "row %u: index %s%llu into an Arrow dictionary of %u values", row + 1,
                           negative ? "below 0: " : "", (unsigned long long)code, entries);
        }
        codes[row] = (uint32_t)code;
    }
    return TARN_OK;
}

/* Values of nulls are zero then, whatever the dictionary says. */
static TN_FALLIBLE read_dictionary(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *codes = NULL;
    void *slice = NULL;
    void *values;
    void *validity;
    const tn_type *type = p->node->type;
    const struct ArrowArray *theirs = p->array->dictionary;
    const size_t entries = theirs->length < 0 ? 0 : (size_t)theirs->length;
    const size_t size = type->lane == TN_LANE_bool ? 1 : tn_lane_size(type->lane);
    tn_column *dictionary = take_columns(run, 1);

    TN_TRY(read_column(run, &p->node->children[0], theirs, 0, entries, dictionary, err));
    TN_TRY(own_array(run, tn_round_up(p->rows, 64), size, &values, err));
    TN_TRY(own(run, tn_bitmap_words(p->rows) * 8, &validity, err));
    TN_TRY(tn_pool_alloc(run->pool, (p->rows + (size_t)1) * 4, &codes, err));
    TN_TRY(tn_pool_alloc(run->pool, sizeof(tn_slice), &slice, err));
    TN_TRY(read_codes(p, out, dictionary->rows, codes, err));
    const tn_column encoded = {.type = type,
                               .lane = dictionary->lane,
                               .encoding = TN_DICTIONARY,
                               .code_lane = TN_LANE_u32,
                               .rows = p->rows,
                               .values = codes,
                               .validity = out->validity,
                               .children = dictionary};
    bool has_nulls = false;
    memset(validity, 0, tn_bitmap_words(p->rows) * 8);
    memset(values, 0, tn_round_up(p->rows, 64) * size);
    for (uint32_t at = 0; at < p->rows; at += TN_SLICE_ROWS) {
        const uint32_t count = p->rows - at < TN_SLICE_ROWS ? p->rows - at : TN_SLICE_ROWS;
        tn_slice *s = slice;
        tn_slice_open(s, &encoded, NULL, NULL, at, count);
        if (type->lane != TN_LANE_none) {
            tn_slice_values(s, type->lane, values, at);
        }
        tn_slice_validity(s, validity, at);
        has_nulls = has_nulls || s->has_nulls;
    }
    out->values = type->lane == TN_LANE_none ? NULL : values;
    out->validity = has_nulls ? validity : NULL;
done:
    tn_pool_free(run->pool, slice, sizeof(tn_slice));
    tn_pool_free(run->pool, codes, (p->rows + (size_t)1) * 4);
    return code;
}

/* ---- all --------------------------------------------------------------------------------------*/

static TN_FALLIBLE read_form(import_run *run, const piece *p, tn_column *out, tarn_error *err)
{
    switch (p->node->form) {
    case TN_ARROW_NULL:
        return TARN_OK;
    case TN_ARROW_BITS:
        return read_bits(run, p, out, err);
    case TN_ARROW_VALUES:
        return read_values(run, p, out, err);
    case TN_ARROW_DECIMAL:
        return p->node->width == tn_lane_size(p->node->type->lane)
                   ? read_values(run, p, out, err)
                   : read_converted(run, p, out, err);
    case TN_ARROW_TEXT:
        return read_text(run, p, out, err);
    case TN_ARROW_VIEWS:
        return read_views(run, p, out, err);
    case TN_ARROW_FIXED:
    case TN_ARROW_UUID:
        return read_fixed(run, p, out, err);
    case TN_ARROW_LIST:
        return read_list(run, p, out, err);
    case TN_ARROW_LIST_VIEW:
        return read_list_view(run, p, out, err);
    case TN_ARROW_FIXED_LIST:
        return read_fixed_list(run, p, out, err);
    case TN_ARROW_STRUCT:
        return read_struct(run, p, out, err);
    case TN_ARROW_DICTIONARY:
        return read_dictionary(run, p, out, err);
    case TN_ARROW_HALF:
    case TN_ARROW_SCALED:
    case TN_ARROW_DURATION:
    case TN_ARROW_MONTHS:
    case TN_ARROW_DAYS_MILLIS:
    default:
        return read_converted(run, p, out, err);
    }
}

static TN_FALLIBLE read_column(import_run *run, const tn_arrow_node *node,
                               const struct ArrowArray *array, size_t start, size_t rows,
                               tn_column *out, tarn_error *err)
{
    piece p;
    *out = (tn_column){.type = node->type, .encoding = TN_FLAT, .owners = run->owners};
    out->lane = (uint8_t)node->type->lane;
    tarn_code code = take_piece(node, array, start, rows, &p, err);
    if (code == TARN_OK) {
        out->rows = p.rows;
        code = read_validity(run, &p, &out->validity, err);
    }
    if (code == TARN_OK) {
        code = read_form(run, &p, out, err);
    }
    if (code != TARN_OK && node->name.size > 0) {
        tn_explain(err, "column '%.100s'", node->name.data);
    }
    return code;
}

/* The chunk with its columns of all levels behind it, and the owners, which hold the guest. */
static TN_FALLIBLE chunk_create(const tn_arrow_import *import, guest *g, tn_chunk **out,
                                tarn_error *err)
{
    enum { BUFFERS_EACH = 4 }; /* at most, of a column */
    void *memory;
    tn_buffer *buffer;
    tn_pool *pool = import->pool;
    const size_t size = sizeof(tn_chunk) + import->column_count * sizeof(tn_column);
    const size_t capacity = 1 + BUFFERS_EACH * import->column_count;
    const size_t owners_size = sizeof(tn_owners) + capacity * sizeof(tn_buffer *);

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, size, &memory, err));
    tn_chunk *chunk = memory;
    *chunk = (tn_chunk){.pool = pool, .width = import->schema.count, .size = size};
    atomic_init(&chunk->refs, 1);
    chunk->columns = (tn_column *)(chunk + 1);
    if (tn_pool_alloc_zeroed(pool, owners_size, &memory, err) != TARN_OK) {
        tn_chunk_release(chunk);
        return TARN_E_NOMEM;
    }
    chunk->owners = memory;
    chunk->owners->pool = pool;
    chunk->owners->capacity = (uint32_t)capacity;
    atomic_init(&chunk->owners->refs, 1);
    if (tn_buffer_adopt(pool, NULL, 0, guest_leave, g, &buffer, err) != TARN_OK) {
        tn_chunk_release(chunk);
        return TARN_E_NOMEM;
    }
    chunk->owners->items[chunk->owners->count++] = buffer;
    *out = chunk;
    return TARN_OK;
}

tarn_code tn_arrow_import_array(const tn_arrow_import *import, struct ArrowArray *array,
                                tn_chunk **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunk *chunk = NULL;
    guest *g = NULL;
    piece p;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc(import->pool, sizeof(guest), &memory, err));
    g = memory;
    *g = (guest){import->pool, *array};
    TN_TRY(chunk_create(import, g, &chunk, err));
    array->release = NULL; /* moved: the chunk's from here on */
    g = NULL;
    const struct ArrowArray *theirs = &((guest *)chunk->owners->items[0]->context)->array;
    import_run run = {import->pool, chunk->owners, chunk->columns + chunk->width};
    TN_TRY(take_piece(&import->root, theirs, 0, theirs->length < 0 ? 0 : (size_t)theirs->length, &p,
                      err));
    if (theirs->null_count > 0) {
        code = tn_fail(err, TARN_E_CORRUPT, "an Arrow record batch with null rows");
        goto done;
    }
    for (uint32_t i = 0; i < chunk->width; i++) {
        TN_TRY(read_column(&run, &import->root.children[i], theirs->children[i], p.start, p.rows,
                           &chunk->columns[i], err));
    }
    chunk->rows = p.rows;
    *out = chunk;
    chunk = NULL;
done:
    tn_chunk_release(chunk);
    tn_pool_free(import->pool, g, sizeof(*g));
    if (array->release != NULL) {
        array->release(array);
    }
    return code;
}
