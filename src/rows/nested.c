#include "rows/nested.h"

#include "base/vec.h"
#include "kernel/sortkey.h"

/* What the sort form says before a value: the end of a list is below a value, null above. */
enum { SORT_END = 0, SORT_VALUE = 1, SORT_NULL = 2 };

/* One node of the type's tree, with the column that is read back. */
typedef struct node {
    const tn_type *type;
    uint32_t first_child; /* in nodes */
    uint8_t *values;
    size_t values_capacity; /* rows */
    uint64_t *validity;
    size_t validity_capacity; /* words */
    uint32_t rows, nulls;
    tn_column column; /* of the children of a node, in a row: column.children */
} node;

typedef struct frame {
    const tn_column *column; /* written */
    uint32_t node;           /* read */
    uint32_t row, end;       /* elements, or fields of a struct */
    uint32_t at;             /* the struct's row; which of key and value comes next */
    enum { FRAME_VALUES, FRAME_FIELDS, FRAME_ENTRIES } kind;
    bool is_null; /* reading: nothing in the bytes */
} frame;

struct tn_nested {
    tn_pool *pool;
    const tn_type *type;
    node *nodes;
    uint32_t node_count, node_capacity;
    tn_bytes bytes;
    frame *stack;
    size_t depth, stack_capacity;
    tn_view *views;
    uint64_t *validity;
    size_t *ends;
    tn_column *columns; /* one a node, children of one node in a row */
};

static uint32_t count_nodes(const tn_type *root)
{
    /* Breadth first over types: a type of depth 64 has a bounded, small tree. */
    const tn_type *queue[1024];
    uint32_t head = 0;
    uint32_t tail = 1;
    queue[0] = root;
    while (head < tail) {
        const tn_type *type = queue[head++];
        for (uint32_t i = 0; tn_type_is_nested(type) && i < type->field_count; i++) {
            if (tail == 1024) {
                return UINT32_MAX;
            }
            queue[tail++] = type->fields[i].type;
        }
    }
    return tail;
}

tarn_code tn_nested_create(tn_pool *pool, const tn_type *type, tn_nested **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_nested *nested = NULL;
    void *memory = NULL;

    *out = NULL;
    const uint32_t count = count_nodes(type);
    if (count == UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "the type %.*s has more than 1,024 parts",
                       TN_STR_ARGS(type->name));
    }
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*nested), &memory, err));
    nested = memory;
    nested->pool = pool;
    nested->type = type;
    nested->bytes.pool = pool;
    nested->node_capacity = count;
    TN_TRY(tn_pool_alloc_zeroed(pool, count * sizeof(node), (void **)&nested->nodes, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, count * sizeof(tn_column), (void **)&nested->columns, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(tn_view), (void **)&nested->views, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS / 8, (void **)&nested->validity, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(size_t), (void **)&nested->ends, err));
    nested->nodes[0].type = type;
    nested->node_count = 1;
    for (uint32_t i = 0; i < nested->node_count; i++) {
        node *at = &nested->nodes[i];
        at->first_child = nested->node_count;
        for (uint32_t f = 0; tn_type_is_nested(at->type) && f < at->type->field_count; f++) {
            nested->nodes[nested->node_count++].type = at->type->fields[f].type;
        }
    }
    *out = nested;
    nested = NULL;
done:
    tn_nested_destroy(nested);
    return code;
}

void tn_nested_destroy(tn_nested *nested)
{
    if (nested == NULL) {
        return;
    }
    tn_pool *pool = nested->pool;
    for (uint32_t i = 0; i < nested->node_count; i++) {
        node *at = &nested->nodes[i];
        const size_t size = tn_lane_size(at->type->lane);
        tn_pool_free(pool, at->values, at->values_capacity * (size == 0 ? 8 : size));
        tn_pool_free(pool, at->validity, at->validity_capacity * 8);
    }
    tn_pool_free(pool, nested->nodes, nested->node_capacity * sizeof(node));
    tn_pool_free(pool, nested->columns, nested->node_capacity * sizeof(tn_column));
    tn_pool_free(pool, nested->bytes.items, nested->bytes.capacity);
    tn_pool_free(pool, nested->stack, nested->stack_capacity * sizeof(frame));
    tn_pool_free(pool, nested->views, TN_BATCH_ROWS * sizeof(tn_view));
    tn_pool_free(pool, nested->validity, TN_BATCH_ROWS / 8);
    tn_pool_free(pool, nested->ends, TN_BATCH_ROWS * sizeof(size_t));
    tn_pool_free(pool, nested, sizeof(*nested));
}

static TN_FALLIBLE push(tn_nested *nested, frame added, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_grow(nested->pool, (void **)&nested->stack, &nested->stack_capacity,
                                   nested->depth, 1, sizeof(frame), err));
    nested->stack[nested->depth++] = added;
    return TARN_OK;
}

/* ---- writing ---- */

static TN_FALLIBLE room(tn_bytes *bytes, size_t more, tarn_error *err)
{
    return tn_vec_grow(bytes->pool, (void **)&bytes->items, &bytes->capacity, bytes->count, more, 1,
                       err);
}

static TN_FALLIBLE put_byte(tn_bytes *bytes, uint8_t byte, tarn_error *err)
{
    TN_RETURN_IF_ERROR(room(bytes, 1, err));
    bytes->items[bytes->count++] = byte;
    return TARN_OK;
}

static TN_FALLIBLE put_u32(tn_bytes *bytes, uint32_t value, tarn_error *err)
{
    TN_RETURN_IF_ERROR(room(bytes, 4, err));
    memcpy(bytes->items + bytes->count, &value, 4);
    bytes->count += 4;
    return TARN_OK;
}

/* Zeros are doubled into 0 1, the end is 0 0: no string's key begins another's. */
static TN_FALLIBLE put_sort_string(tn_bytes *bytes, tn_str text, tarn_error *err)
{
    TN_RETURN_IF_ERROR(room(bytes, 2 * text.size + 2, err));
    uint8_t *to = bytes->items + bytes->count;
    for (size_t i = 0; i < text.size; i++) {
        *to++ = (uint8_t)text.data[i];
        if (text.data[i] == 0) {
            *to++ = 1;
        }
    }
    *to++ = 0;
    *to++ = 0;
    bytes->count = (size_t)(to - bytes->items);
    return TARN_OK;
}

static TN_FALLIBLE put_scalar(tn_bytes *bytes, const tn_column *flat, uint32_t row,
                              tn_nested_form form, tarn_error *err)
{
    const tn_type *type = flat->type;
    if (type->lane == TN_LANE_view) {
        const tn_str text = tn_view_str((const tn_view *)flat->values + row);
        if (form == TN_NESTED_SORT) {
            return put_sort_string(bytes, text, err);
        }
        TN_RETURN_IF_ERROR(put_u32(bytes, (uint32_t)text.size, err));
        TN_RETURN_IF_ERROR(room(bytes, text.size, err));
        if (text.size > 0) {
            memcpy(bytes->items + bytes->count, text.data, text.size);
        }
        bytes->count += text.size;
        return TARN_OK;
    }
    /* One row of it, flat and in the declared lane. */
    uint64_t wide[4];
    tn_column one = *flat;
    one.lane = (uint8_t)type->lane;
    one.values = wide;
    if (flat->encoding == TN_SEQUENCE || flat->lane != type->lane) {
        const tn_sequence *sequence = flat->values;
        tn_i256 value = {{0}};
        if (flat->encoding == TN_SEQUENCE) {
            value.words[0] = (uint64_t)(sequence->first + sequence->step * (int64_t)row);
        } else {
            const size_t size = tn_lane_size((tn_lane)flat->lane);
            memcpy(value.words, (const char *)flat->values + size * row, size);
            const unsigned shift = (unsigned)(64 - 8 * (size < 8 ? size : 8));
            const bool is_unsigned = flat->lane >= TN_LANE_u8 && flat->lane <= TN_LANE_u64;
            value.words[0] = is_unsigned ? value.words[0]
                                         : (uint64_t)((int64_t)(value.words[0] << shift) >> shift);
            if (size == 16) {
                value.words[2] = value.words[3] = (value.words[1] >> 63) != 0 ? ~UINT64_C(0) : 0;
                memcpy(wide, &value, sizeof(wide));
                goto written;
            }
            if (is_unsigned) {
                memcpy(wide, &value, sizeof(wide));
                goto written;
            }
        }
        value.words[1] = value.words[2] = value.words[3] =
            (value.words[0] >> 63) != 0 ? ~UINT64_C(0) : 0;
        memcpy(wide, &value, sizeof(wide));
    } else if (type->lane == TN_LANE_bool) {
        wide[0] = tn_bit_get(flat->values, row);
    } else {
        const size_t size = tn_lane_size(type->lane);
        memcpy(wide, (const char *)flat->values + size * row, size);
    }
written:;
    const size_t size = tn_sortkey_size(type);
    TN_RETURN_IF_ERROR(room(bytes, size, err));
    if (form == TN_NESTED_SORT) {
        tn_sortkey_scalar(&one, 0, bytes->items + bytes->count);
    } else {
        if (form == TN_NESTED_CANONICAL && type->lane == TN_LANE_f64) {
            double value;
            memcpy(&value, wide, sizeof(value));
            wide[0] = value == 0 ? 0 : value != value ? UINT64_C(0x7ff8000000000000) : wide[0];
        } else if (form == TN_NESTED_CANONICAL && type->lane == TN_LANE_f32) {
            float value;
            memcpy(&value, wide, sizeof(value));
            const uint32_t nan = UINT32_C(0x7fc00000);
            if (value == 0 || value != value) {
                wide[0] = 0;
                memcpy(wide, value == 0 ? &(uint32_t){0} : &nan, sizeof(nan));
            }
        }
        memcpy(bytes->items + bytes->count, wide, size);
    }
    bytes->count += size;
    return TARN_OK;
}

/* One value; what lies inside it is pushed. */
static TN_FALLIBLE put_value(tn_nested *nested, tn_bytes *bytes, const tn_column *column,
                             uint32_t row, tn_nested_form form, tarn_error *err)
{
    const bool sort = form == TN_NESTED_SORT;
    const tn_column *flat = tn_column_locate(column, &row);
    TN_RETURN_IF_ERROR(put_byte(bytes, flat == NULL ? SORT_NULL : SORT_VALUE, err));
    if (flat == NULL) {
        return TARN_OK;
    }
    if (flat->type->kind == TN_KIND_STRUCT) {
        return push(
            nested,
            (frame){
                .column = flat, .end = flat->type->field_count, .at = row, .kind = FRAME_FIELDS},
            err);
    }
    if (flat->type->kind == TN_KIND_LIST || flat->type->kind == TN_KIND_MAP) {
        const tn_list list = ((const tn_list *)flat->values)[row];
        if (!sort) {
            TN_RETURN_IF_ERROR(put_u32(bytes, list.length, err));
        }
        return push(nested,
                    (frame){.column = flat,
                            .row = list.offset,
                            .end = list.offset + list.length,
                            .kind = flat->type->kind == TN_KIND_MAP ? FRAME_ENTRIES : FRAME_VALUES},
                    err);
    }
    return put_scalar(bytes, flat, row, form, err);
}

static TN_FALLIBLE put_tree(tn_nested *nested, tn_bytes *bytes, const tn_column *column,
                            uint32_t row, tn_nested_form form, tarn_error *err)
{
    nested->depth = 0;
    TN_RETURN_IF_ERROR(put_value(nested, bytes, column, row, form, err));
    while (nested->depth > 0) {
        frame *top = &nested->stack[nested->depth - 1];
        const tn_column *child = top->column->children;
        uint32_t at = top->row;
        if (top->row == top->end) {
            const bool closes = form == TN_NESTED_SORT && top->kind != FRAME_FIELDS;
            nested->depth--;
            if (closes) {
                TN_RETURN_IF_ERROR(put_byte(bytes, SORT_END, err));
            }
            continue;
        }
        if (top->kind == FRAME_FIELDS) {
            child += top->row++;
            at = top->at;
        } else if (top->kind == FRAME_ENTRIES) {
            child += top->at;
            top->row += top->at; /* key, then value, then the next entry */
            top->at ^= 1;
        } else {
            top->row++;
        }
        TN_RETURN_IF_ERROR(put_value(nested, bytes, child, at, form, err));
    }
    return TARN_OK;
}

tarn_code tn_nested_sort_bytes(tn_nested *nested, const tn_column *in, uint32_t row, tn_bytes *out,
                               tarn_error *err)
{
    return put_tree(nested, out, in, row, TN_NESTED_SORT, err);
}

tarn_code tn_nested_encode(tn_nested *nested, const tn_column *in, const uint16_t *selection,
                           uint32_t count, tn_nested_form form, tn_column *out, tarn_error *err)
{
    bool has_nulls = false;
    nested->bytes.count = 0;
    memset(nested->validity, 0xff, TN_BATCH_ROWS / 8);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = selection == NULL ? i : selection[i];
        if (tn_column_is_null(in, row)) {
            tn_bit_clear(nested->validity, i);
            has_nulls = true;
        } else {
            TN_RETURN_IF_ERROR(put_tree(nested, &nested->bytes, in, row, form, err));
        }
        nested->ends[i] = nested->bytes.count;
    }
    size_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        nested->views[i] =
            tn_view_of((const char *)nested->bytes.items + from, nested->ends[i] - from);
        from = nested->ends[i];
    }
    *out = (tn_column){.type = in->type,
                       .lane = TN_LANE_view,
                       .encoding = TN_FLAT,
                       .rows = count,
                       .values = nested->views,
                       .validity = has_nulls ? nested->validity : NULL};
    return TARN_OK;
}

/* ---- reading ---- */

/* One more row of a node, null until it is filled. */
static TN_FALLIBLE node_row(tn_nested *nested, uint32_t index, void **value, tarn_error *err)
{
    node *at = &nested->nodes[index];
    const size_t lane_size = tn_lane_size(at->type->lane);
    const size_t size = lane_size == 0 ? 8 : lane_size; /* bits and none: more than enough */
    TN_RETURN_IF_ERROR(tn_vec_grow(nested->pool, (void **)&at->values, &at->values_capacity,
                                   at->rows, 1, size, err));
    const size_t words = at->rows / 64;
    TN_RETURN_IF_ERROR(tn_vec_grow(nested->pool, (void **)&at->validity, &at->validity_capacity,
                                   words, 1, 8, err));
    if (at->rows % 64 == 0) {
        at->validity[words] = 0;
    }
    *value = at->values + (lane_size == 0 ? 0 : at->rows * size);
    if (lane_size != 0) {
        memset(*value, 0, size);
    } else if (at->type->lane == TN_LANE_bool) {
        *value = at->values;
        if (at->rows % 64 == 0) {
            memset(at->values + at->rows / 8, 0, 8);
        }
    }
    at->rows++;
    at->nulls++;
    return TARN_OK;
}

/* Takes one value's bytes from `*from` into the node. */
static TN_FALLIBLE get_value(tn_nested *nested, uint32_t index, const uint8_t **from, bool is_null,
                             tarn_error *err)
{
    void *value;
    uint32_t size;
    TN_RETURN_IF_ERROR(node_row(nested, index, &value, err));
    node *at = &nested->nodes[index];
    is_null = is_null || *(*from)++ == SORT_NULL;
    if (!is_null) {
        tn_bit_set(at->validity, at->rows - 1);
        at->nulls--;
    }
    if (at->type->kind == TN_KIND_STRUCT) { /* a null one's fields have its row, too */
        return push(nested,
                    (frame){.node = index,
                            .end = at->type->field_count,
                            .kind = FRAME_FIELDS,
                            .is_null = is_null},
                    err);
    }
    if (is_null) {
        return TARN_OK;
    }
    if (tn_type_is_nested(at->type)) {
        memcpy(&size, *from, 4);
        *from += 4;
        *(tn_list *)value = (tn_list){nested->nodes[at->first_child].rows, size};
        return push(nested,
                    (frame){.node = index,
                            .end = size,
                            .kind = at->type->kind == TN_KIND_MAP ? FRAME_ENTRIES : FRAME_VALUES},
                    err);
    }
    if (at->type->lane == TN_LANE_view) {
        memcpy(&size, *from, 4);
        *(tn_view *)value = tn_view_of((const char *)*from + 4, size);
        *from += 4 + size;
    } else if (at->type->lane == TN_LANE_bool) {
        tn_bit_put(value, at->rows - 1, **from != 0);
        *from += 1;
    } else {
        memcpy(value, *from, tn_lane_size(at->type->lane));
        *from += tn_lane_size(at->type->lane);
    }
    return TARN_OK;
}

static TN_FALLIBLE get_tree(tn_nested *nested, const uint8_t *from, bool is_null, tarn_error *err)
{
    nested->depth = 0;
    TN_RETURN_IF_ERROR(get_value(nested, 0, &from, is_null, err));
    while (nested->depth > 0) {
        frame *top = &nested->stack[nested->depth - 1];
        uint32_t child = nested->nodes[top->node].first_child;
        if (top->row == top->end) {
            nested->depth--;
            continue;
        }
        if (top->kind == FRAME_ENTRIES) {
            child += top->at;
            top->row += top->at;
            top->at ^= 1;
        } else {
            child += top->kind == FRAME_FIELDS ? top->row : 0;
            top->row++;
        }
        TN_RETURN_IF_ERROR(get_value(nested, child, &from, top->is_null, err));
    }
    return TARN_OK;
}

tarn_code tn_nested_decode(tn_nested *nested, const tn_column *views, tn_column *out,
                           tarn_error *err)
{
    for (uint32_t i = 0; i < nested->node_count; i++) {
        nested->nodes[i].rows = nested->nodes[i].nulls = 0;
    }
    for (uint32_t row = 0; row < views->rows; row++) {
        const tn_view *view = (const tn_view *)views->values + row;
        const bool is_null = views->validity != NULL && !tn_bit_get(views->validity, row);
        TN_RETURN_IF_ERROR(get_tree(nested, (const uint8_t *)tn_view_data(view), is_null, err));
    }
    for (uint32_t i = 0; i < nested->node_count; i++) {
        const node *at = &nested->nodes[i];
        nested->columns[i] = (tn_column){
            .type = at->type,
            .lane = (uint8_t)at->type->lane,
            .encoding = TN_FLAT,
            .rows = at->rows,
            .values = at->values,
            .validity = at->nulls > 0 ? at->validity : NULL,
            .children = tn_type_is_nested(at->type) ? &nested->columns[at->first_child] : NULL,
        };
    }
    *out = nested->columns[0];
    out->type = views->type;
    return TARN_OK;
}
