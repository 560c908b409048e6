/* Chunks and schemas as Arrow's structs. */
#include "column/arrow_internal.h"

#include "base/size.h"
#include "base/sort.h"

/* What an empty buffer points to: some readers dislike NULL. */
static const uint64_t nothing[8];

/*
 * All that a tree of structs needs.  Every struct of the tree holds it, since each may be moved out
 * and released on its own.
 */
typedef struct holder {
    _Atomic size_t refs;
    tn_pool *pool;
    tn_arena arena;
    tn_chunk *chunk;
    TN_VEC(tn_buffer *) made;
    tn_arrow_options options;
} holder;

static void holder_release(holder *h)
{
    if (h->options.is_stale != NULL && h->options.is_stale(h->options.owner)) {
        return;
    }
    if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    const tn_arrow_options options = h->options;
    for (size_t i = 0; i < h->made.count; i++) {
        tn_buffer_release(h->made.items[i]);
    }
    tn_vec_free(&h->made);
    tn_chunk_release(h->chunk);
    tn_arena_deinit(&h->arena);
    tn_pool_free(h->pool, h, sizeof(*h));
    if (options.release != NULL) {
        options.release(options.owner);
    }
}

static TN_FALLIBLE holder_create(const tn_arrow_options *options, tn_pool *pool, holder **out,
                                 tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(holder), &memory, err));
    holder *h = memory;
    atomic_init(&h->refs, 1);
    h->pool = pool;
    h->made.pool = pool;
    tn_arena_init(&h->arena, pool);
    h->options = options == NULL ? (tn_arrow_options){.views = false} : *options;
    if (h->options.retain != NULL) {
        h->options.retain(h->options.owner);
    }
    *out = h;
    return TARN_OK;
}

static holder *hold(holder *h)
{
    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    return h;
}

/* ---- schemas ----------------------------------------------------------------------------------*/

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release != NULL) {
            schema->children[i]->release(schema->children[i]); /* as deep as a type */
        }
    }
    holder *h = schema->private_data;
    schema->release = NULL;
    holder_release(h);
}

static TN_FALLIBLE schema_children(holder *h, struct ArrowSchema *out, uint32_t count,
                                   tarn_error *err)
{
    struct ArrowSchema *all;
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, struct ArrowSchema, count, &all, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, struct ArrowSchema *, count, &out->children, err));
    for (uint32_t i = 0; i < count; i++) {
        out->children[i] = &all[i];
    }
    out->n_children = count;
    return TARN_OK;
}

static TN_FALLIBLE export_field(holder *h, const tn_field *field, struct ArrowSchema *out,
                                tarn_error *err);

static TN_FALLIBLE export_fields(holder *h, const tn_field *fields, uint32_t count,
                                 struct ArrowSchema *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(schema_children(h, out, count, err));
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(export_field(h, &fields[i], out->children[i], err));
    }
    return TARN_OK;
}

static void schema_init(holder *h, const char *format, const char *name, bool nullable,
                        struct ArrowSchema *out)
{
    *out = (struct ArrowSchema){.format = format,
                                .name = name,
                                .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
                                .release = release_schema,
                                .private_data = hold(h)};
}

static TN_FALLIBLE export_field(holder *h, const tn_field *field, struct ArrowSchema *out,
                                tarn_error *err)
{
    tn_str name;
    const char *format;
    const tn_type *type = field->type;
    TN_RETURN_IF_ERROR(tn_arena_copy(&h->arena, field->name, &name, err));
    TN_RETURN_IF_ERROR(tn_arrow__format(type, h->options.views, &h->arena, &format, err));
    schema_init(h, format, name.data, field->nullable, out);
    if (type->kind == TN_KIND_MAP) {
        TN_RETURN_IF_ERROR(schema_children(h, out, 1, err));
        schema_init(h, "+s", "entries", false, out->children[0]);
        const tn_field pair[] = {{TN_STR("key"), type->fields[0].type, false},
                                 {TN_STR("value"), type->fields[1].type, true}};
        return export_fields(h, pair, 2, out->children[0], err);
    }
    if (type->kind == TN_KIND_LIST) {
        const tn_field item = {TN_STR("item"), type->fields[0].type, true};
        return export_fields(h, &item, 1, out, err);
    }
    return export_fields(h, type->fields, type->field_count, out, err);
}

tarn_code tn_arrow_export_schema(const tn_schema *schema, const tn_arrow_options *options,
                                 tn_pool *pool, struct ArrowSchema *out, tarn_error *err)
{
    holder *h;
    *out = (struct ArrowSchema){.release = NULL};
    TN_RETURN_IF_ERROR(holder_create(options, pool, &h, err));
    schema_init(h, "+s", "", false, out);
    const tarn_code code = export_fields(h, schema->fields, schema->count, out, err);
    holder_release(h); /* the struct holds it */
    if (code != TARN_OK) {
        out->release(out);
    }
    return code;
}

/* ---- arrays -----------------------------------------------------------------------------------*/

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release != NULL) {
            array->children[i]->release(array->children[i]); /* as deep as a type */
        }
    }
    holder *h = array->private_data;
    array->release = NULL;
    holder_release(h);
}

static TN_FALLIBLE array_init(holder *h, uint32_t rows, uint32_t buffers, uint32_t children,
                              struct ArrowArray *out, tarn_error *err)
{
    struct ArrowArray *all;
    *out = (struct ArrowArray){
        .length = rows, .release = release_array, .private_data = hold(h), .n_buffers = buffers};
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, const void *, buffers, &out->buffers, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, struct ArrowArray, children, &all, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&h->arena, struct ArrowArray *, children, &out->children, err));
    for (uint32_t i = 0; i < children; i++) {
        out->children[i] = &all[i];
    }
    out->n_children = children;
    return TARN_OK;
}

/* Bytes that live as long as the tree. */
static TN_FALLIBLE make(holder *h, size_t size, void **out, tarn_error *err)
{
    tn_buffer *buffer;
    TN_RETURN_IF_ERROR(tn_vec_reserve(&h->made, 1, err));
    TN_RETURN_IF_ERROR(tn_buffer_create(h->pool, tn_max_size(size, 8), &buffer, err));
    h->made.items[h->made.count++] = buffer;
    *out = buffer->data;
    return TARN_OK;
}

static void set_validity(const tn_column *column, uint32_t from, struct ArrowArray *out)
{
    if (column->validity != NULL) {
        const uint64_t *bits = column->validity + from / 64;
        out->null_count = out->length - (int64_t)tn_bitmap_count(bits, (size_t)out->length);
        out->buffers[0] = out->null_count == 0 ? NULL : bits;
    }
}

static bool is_valid(const tn_column *column, uint32_t row)
{
    return column->validity == NULL || tn_bit_get(column->validity, row);
}

/* Decimals of up to 18 digits: Arrow's smallest common decimal has 128 bits. */
static TN_FALLIBLE widen_decimal(holder *h, const tn_column *column, uint32_t from,
                                 struct ArrowArray *out, tarn_error *err)
{
    void *memory;
    const size_t rows = (size_t)out->length;
    TN_RETURN_IF_ERROR(make(h, rows * sizeof(tn_i128), &memory, err));
    tn_i128 *wide = memory;
    const int64_t *narrow = (const int64_t *)column->values + from;
    for (size_t i = 0; i < rows; i++) {
        wide[i] = narrow[i];
    }
    out->buffers[1] = wide;
    return TARN_OK;
}

static TN_FALLIBLE export_text(holder *h, const tn_column *column, uint32_t from,
                               struct ArrowArray *out, tarn_error *err)
{
    void *memory;
    const size_t rows = (size_t)out->length;
    const tn_view *views = (const tn_view *)column->values + from;
    uint64_t total = 0;

    TN_RETURN_IF_ERROR(make(h, (rows + 1) * 4, &memory, err));
    int32_t *offsets = memory;
    for (size_t i = 0; i < rows; i++) {
        offsets[i] = (int32_t)(uint32_t)total;
        total += is_valid(column, from + (uint32_t)i) ? views[i].size : 0;
        if (total > INT32_MAX) {
            (void)tn_fail(err, TARN_E_LIMIT, "a column holds more than 2 GiB of text in %zu rows",
                          i + 1);
            tn_hint(err, "ask for string views");
            return TARN_E_LIMIT;
        }
    }
    offsets[rows] = (int32_t)total;
    TN_RETURN_IF_ERROR(make(h, total, &memory, err));
    char *bytes = memory;
    for (size_t i = 0; i < rows; i++) {
        memcpy(bytes + offsets[i], tn_view_data(&views[i]), (size_t)(offsets[i + 1] - offsets[i]));
    }
    out->buffers[1] = offsets;
    out->buffers[2] = bytes;
    return TARN_OK;
}

/* ---- views ---- */

static int by_address(const void *a, const void *b, void *context)
{
    const tn_buffer *const *left = a;
    const tn_buffer *const *right = b;
    (void)context;
    return (*left)->data < (*right)->data ? -1 : (*left)->data > (*right)->data;
}

/* Index of the buffer that a string lies in; `count` where it lies in none. */
static size_t heap_of(tn_buffer *const *heaps, size_t count, const tn_view *view, size_t guess)
{
    const uintptr_t at = (uintptr_t)view->data;
    if (guess < count && at >= (uintptr_t)heaps[guess]->data &&
        at - (uintptr_t)heaps[guess]->data + view->size <= heaps[guess]->size) {
        return guess;
    }
    size_t low = 0;
    size_t high = count;
    while (low < high) { /* the first that begins above */
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)heaps[middle]->data <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || at - (uintptr_t)heaps[low - 1]->data + view->size > heaps[low - 1]->size) {
        return count;
    }
    return low - 1;
}

/* One of Arrow's views. */
typedef struct arrow_view {
    int32_t size;
    char prefix[4];
    int32_t buffer, offset;
} arrow_view;
_Static_assert(sizeof(arrow_view) == 16, "a view is 16 bytes");

typedef struct heaps {
    tn_buffer **sorted; /* the owners' */
    int32_t *numbers;   /* of those used, from 0; -1: not used */
    size_t count;
    tn_buffer **used;
    int64_t *sizes; /* of those used */
    uint32_t used_count;
} heaps;

static TN_FALLIBLE list_heaps(holder *h, heaps *out, tarn_error *err)
{
    const tn_owners *owners = h->chunk->owners;
    const size_t all = owners == NULL ? 0 : owners->count;
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, tn_buffer *, all, &out->sorted, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, int32_t, all, &out->numbers, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, tn_buffer *, all + 1, &out->used, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&h->arena, int64_t, all + 1, &out->sizes, err));
    for (size_t i = 0; i < all; i++) {
        if (owners->items[i]->size > 0 && owners->items[i]->size <= INT32_MAX) {
            out->sorted[out->count++] = owners->items[i];
        }
    }
    tn_sort(out->sorted, out->count, sizeof(tn_buffer *), by_address, NULL);
    for (size_t i = 0; i < out->count; i++) {
        out->numbers[i] = -1;
    }
    return TARN_OK;
}

/* Strings that lie in none of the owners' buffers are copied to one more. */
static TN_FALLIBLE add_strays(holder *h, const tn_column *column, uint32_t from, uint64_t size,
                              heaps *list, arrow_view *views, uint32_t rows, tarn_error *err)
{
    void *memory;
    if (size > INT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "more than 2 GiB of text must be copied");
    }
    TN_RETURN_IF_ERROR(make(h, size, &memory, err));
    size_t at = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const tn_view *view = (const tn_view *)column->values + from + i;
        if (views[i].buffer == -1) {
            memcpy((char *)memory + at, view->data, view->size);
            views[i].buffer = (int32_t)list->used_count;
            views[i].offset = (int32_t)at;
            at += view->size;
        }
    }
    list->used[list->used_count] = h->made.items[h->made.count - 1];
    list->sizes[list->used_count++] = (int64_t)at;
    return TARN_OK;
}

static TN_FALLIBLE export_views(holder *h, const tn_column *column, uint32_t from,
                                struct ArrowArray *out, tarn_error *err)
{
    heaps list = {.count = 0};
    void *memory;
    const uint32_t rows = (uint32_t)out->length;
    uint64_t stray = 0;
    size_t guess = 0;

    TN_RETURN_IF_ERROR(list_heaps(h, &list, err));
    TN_RETURN_IF_ERROR(make(h, rows * sizeof(arrow_view), &memory, err));
    arrow_view *views = memory;
    for (uint32_t i = 0; i < rows; i++) {
        const tn_view *view = (const tn_view *)column->values + from + i;
        if (!is_valid(column, from + i) || view->size <= TN_VIEW_INLINE) {
            const tn_view empty = {.size = 0, .prefix = {0}, .rest = {0}};
            memcpy(&views[i], is_valid(column, from + i) ? view : &empty, sizeof(*view));
            continue;
        }
        if (view->size > INT32_MAX) {
            return tn_fail(err, TARN_E_LIMIT, "a string of %u bytes", view->size);
        }
        views[i].size = (int32_t)view->size;
        memcpy(views[i].prefix, view->prefix, 4);
        guess = heap_of(list.sorted, list.count, view, guess);
        if (guess == list.count) {
            views[i].buffer = -1;
            stray += view->size;
            continue;
        }
        if (list.numbers[guess] < 0) {
            list.used[list.used_count] = list.sorted[guess];
            list.sizes[list.used_count] = (int64_t)list.sorted[guess]->size;
            list.numbers[guess] = (int32_t)list.used_count++;
        }
        views[i].buffer = list.numbers[guess];
        views[i].offset = (int32_t)(view->data - (const char *)list.sorted[guess]->data);
    }
    if (stray > 0) {
        TN_RETURN_IF_ERROR(add_strays(h, column, from, stray, &list, views, rows, err));
    }
    const void *validity = out->buffers[0];
    TN_RETURN_IF_ERROR(
        tn_arena_array(&h->arena, const void *, list.used_count + 3, &out->buffers, err));
    out->buffers[0] = validity;
    out->buffers[1] = views;
    for (uint32_t i = 0; i < list.used_count; i++) {
        out->buffers[2 + i] = list.used[i]->data;
    }
    out->buffers[2 + list.used_count] = list.sizes;
    out->n_buffers = 3 + (int64_t)list.used_count;
    return TARN_OK;
}

/* ---- nested ---- */

static TN_FALLIBLE export_column(holder *h, const tn_column *column, uint32_t from, uint32_t rows,
                                 struct ArrowArray *out, tarn_error *err);

/* The lists of a chunk lie back to back, except that null rows may say anything. */
static TN_FALLIBLE export_list(holder *h, const tn_column *column, uint32_t from,
                               struct ArrowArray *out, tarn_error *err)
{
    void *memory;
    const uint32_t rows = (uint32_t)out->length;
    const tn_list *lists = (const tn_list *)column->values + from;
    const uint32_t elements = column->children[0].rows;
    struct ArrowArray *child = out->children[0];
    bool begun = false;
    uint32_t at = 0;

    TN_RETURN_IF_ERROR(make(h, (rows + (size_t)1) * 4, &memory, err));
    int32_t *offsets = memory;
    for (uint32_t i = 0; i < rows; i++) {
        if (is_valid(column, from + i) && lists[i].length > 0) {
            for (uint32_t back = i; !begun && back-- > 0;) {
                offsets[back] = (int32_t)lists[i].offset;
            }
            at = begun ? at : lists[i].offset;
            begun = true;
            if (lists[i].offset != at) {
                return tn_fail(err, TARN_E_INTERNAL, "lists of a chunk do not follow one another");
            }
            offsets[i] = (int32_t)at;
            at += lists[i].length;
        } else {
            offsets[i] = (int32_t)at;
        }
    }
    offsets[rows] = (int32_t)at;
    out->buffers[1] = offsets;
    if (elements > INT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a chunk with more than 2^31 list elements");
    }
    if (column->type->kind == TN_KIND_LIST) {
        return export_column(h, &column->children[0], 0, elements, child, err);
    }
    TN_RETURN_IF_ERROR(array_init(h, elements, 1, 2, child, err));
    for (uint32_t i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(
            export_column(h, &column->children[i], 0, elements, child->children[i], err));
    }
    return TARN_OK;
}

static TN_FALLIBLE export_column(holder *h, const tn_column *column, uint32_t from, uint32_t rows,
                                 struct ArrowArray *out, tarn_error *err)
{
    const tn_type *type = column->type;
    const bool is_map = type->kind == TN_KIND_MAP;
    const uint32_t buffers = type->kind == TN_KIND_NULL                     ? 0
                             : type->kind == TN_KIND_STRUCT                 ? 1
                             : tn_type_is_string(type) && !h->options.views ? 3
                                                                            : 2;
    TN_RETURN_IF_ERROR(array_init(h, rows, buffers, is_map ? 1 : type->field_count, out, err));
    if (type->kind == TN_KIND_NULL) {
        out->null_count = rows;
        return TARN_OK;
    }
    set_validity(column, from, out);
    if (type->kind == TN_KIND_STRUCT) {
        for (uint32_t i = 0; i < type->field_count; i++) {
            TN_RETURN_IF_ERROR(
                export_column(h, &column->children[i], from, rows, out->children[i], err));
        }
        return TARN_OK;
    }
    if (type->lane == TN_LANE_list) {
        return export_list(h, column, from, out, err);
    }
    if (tn_type_is_string(type)) {
        return h->options.views ? export_views(h, column, from, out, err)
                                : export_text(h, column, from, out, err);
    }
    if (type->kind == TN_KIND_DECIMAL && type->lane == TN_LANE_i64) {
        return widen_decimal(h, column, from, out, err);
    }
    const size_t size = tn_lane_size(type->lane);
    out->buffers[1] = rows == 0   ? nothing
                      : size == 0 ? (const void *)((const uint64_t *)column->values + from / 64)
                                  : (const void *)((const uint8_t *)column->values + from * size);
    return TARN_OK;
}

tarn_code tn_arrow_export_chunk(tn_chunk *chunk, uint32_t from, uint32_t rows,
                                const tn_arrow_options *options, tn_pool *pool,
                                struct ArrowArray *out, tarn_error *err)
{
    holder *h;
    *out = (struct ArrowArray){.release = NULL};
    TN_RETURN_IF_ERROR(holder_create(options, pool, &h, err));
    h->chunk = tn_chunk_retain(chunk);
    tarn_code code = array_init(h, rows, 1, chunk->width, out, err);
    for (uint32_t i = 0; i < chunk->width && code == TARN_OK; i++) {
        code = export_column(h, &chunk->columns[i], from, rows, out->children[i], err);
    }
    holder_release(h); /* the struct holds it */
    if (code != TARN_OK) {
        out->release(out);
    }
    return code;
}
