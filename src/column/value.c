#include "column/column_internal.h"

#include "column/gather.h"

/* Bytes of the union that a lane uses. */
static const void *payload(const tn_value *value)
{
    return &value->i64;
}

static int compare_f64(double a, double b)
{
    const bool a_nan = a != a;
    const bool b_nan = b != b;
    if (a_nan || b_nan) {
        return (int)a_nan - (int)b_nan;
    }
    return (a > b) - (a < b);
}

static int compare_i256(const tn_i256 *a, const tn_i256 *b)
{
    const int64_t a_top = (int64_t)a->words[3];
    const int64_t b_top = (int64_t)b->words[3];
    if (a_top != b_top) {
        return a_top < b_top ? -1 : 1;
    }
    for (int word = 2; word >= 0; word--) {
        if (a->words[word] != b->words[word]) {
            return a->words[word] < b->words[word] ? -1 : 1;
        }
    }
    return 0;
}

/* Months count 30 days and days 24 hours, as PostgreSQL orders intervals. */
static int compare_interval(const tn_interval *a, const tn_interval *b)
{
    const tn_i128 day = INT64_C(86400000000000);
    const tn_i128 left = ((tn_i128)a->months * 30 + a->days) * day + a->nanos;
    const tn_i128 right = ((tn_i128)b->months * 30 + b->days) * day + b->nanos;
    return (left > right) - (left < right);
}

static int compare_nested(const tn_column *a, const tn_column *b);

int tn_value_compare(const tn_value *a, const tn_value *b)
{
    if (a->is_null || b->is_null) {
        return (int)a->is_null - (int)b->is_null;
    }
    switch (a->type->kind) {
    case TN_KIND_NULL:
        return 0;
    case TN_KIND_BOOLEAN:
        return (int)a->boolean - (int)b->boolean;
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        return (a->u64 > b->u64) - (a->u64 < b->u64);
    case TN_KIND_REAL:
    case TN_KIND_DOUBLE:
        return compare_f64(a->f64, b->f64);
    case TN_KIND_VARCHAR:
    case TN_KIND_BLOB:
        return tn_str_compare(a->str, b->str);
    case TN_KIND_INTERVAL:
        return compare_interval(&a->interval, &b->interval);
    case TN_KIND_DECIMAL:
        if (a->type->lane == TN_LANE_i256) {
            return compare_i256(&a->i256, &b->i256);
        }
        if (a->type->lane == TN_LANE_i128) {
            return (a->i128 > b->i128) - (a->i128 < b->i128);
        }
        return (a->i64 > b->i64) - (a->i64 < b->i64);
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
        return compare_nested(a->nested, b->nested);
    default:
        return (a->i64 > b->i64) - (a->i64 < b->i64);
    }
}

/* Reads a scalar out of a flat column. */
static void load(const tn_column *column, uint32_t row, tn_value *out)
{
    const void *values = column->values;
    switch ((tn_lane)column->lane) {
    case TN_LANE_bool:
        out->boolean = tn_bit_get(values, row);
        break;
    case TN_LANE_i8:
        out->i64 = ((const int8_t *)values)[row];
        break;
    case TN_LANE_i16:
        out->i64 = ((const int16_t *)values)[row];
        break;
    case TN_LANE_i32:
        out->i64 = ((const int32_t *)values)[row];
        break;
    case TN_LANE_i64:
        out->i64 = ((const int64_t *)values)[row];
        break;
    case TN_LANE_u8:
        out->u64 = ((const uint8_t *)values)[row];
        break;
    case TN_LANE_u16:
        out->u64 = ((const uint16_t *)values)[row];
        break;
    case TN_LANE_u32:
        out->u64 = ((const uint32_t *)values)[row];
        break;
    case TN_LANE_u64:
        out->u64 = ((const uint64_t *)values)[row];
        break;
    case TN_LANE_f32:
        out->f64 = (double)((const float *)values)[row];
        break;
    case TN_LANE_f64:
        out->f64 = ((const double *)values)[row];
        break;
    case TN_LANE_i128:
        memcpy(&out->i128, (const tn_i128 *)values + row, sizeof(out->i128));
        break;
    case TN_LANE_i256:
        memcpy(&out->i256, (const tn_i256 *)values + row, sizeof(out->i256));
        break;
    case TN_LANE_interval:
        memcpy(&out->interval, (const tn_interval *)values + row, sizeof(out->interval));
        break;
    case TN_LANE_view:
        out->str = tn_view_str((const tn_view *)values + row);
        break;
    default:
        break;
    }
}

/* A decimal or integer read from a narrower lane, brought to the field its type says. */
static void widen(const tn_column *column, tn_value *out)
{
    const tn_lane declared = out->type->lane;
    if ((tn_lane)column->lane == declared ||
        (declared != TN_LANE_i128 && declared != TN_LANE_i256)) {
        return;
    }
    const tn_i128 wide = (tn_lane)column->lane == TN_LANE_i128  ? out->i128
                         : (tn_lane)column->lane == TN_LANE_u64 ? (tn_i128)out->u64
                                                                : (tn_i128)out->i64;
    if (declared == TN_LANE_i128) {
        out->i128 = wide;
        return;
    }
    const uint64_t sign = wide < 0 ? ~UINT64_C(0) : 0;
    out->i256 = (tn_i256){{(uint64_t)wide, (uint64_t)(wide >> 64), sign, sign}};
}

tarn_code tn_value_of(const tn_column *column, uint32_t row, tn_arena *arena, tn_value *out,
                      tarn_error *err)
{
    *out = tn_value_null(column->type);
    const tn_column *at = tn_column_locate(column, &row);
    if (at == NULL) {
        return TARN_OK;
    }
    out->is_null = false;
    if (at->encoding == TN_SEQUENCE) {
        const tn_sequence *sequence = at->values;
        out->i64 = sequence->first + sequence->step * (int64_t)row;
        widen(&(tn_column){.lane = TN_LANE_i64}, out);
        return TARN_OK;
    }
    if (!tn_type_is_nested(column->type)) {
        load(at, row, out);
        widen(at, out);
        return TARN_OK;
    }
    tn_column *one;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_column, &one, err));
    *one = *at;
    one->rows = 1;
    one->encoding = TN_FLAT;
    one->validity = NULL;
    if (column->type->kind == TN_KIND_STRUCT) {
        tn_column *children;
        const uint32_t count = column->type->field_count;
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column, count, &children, err));
        for (uint32_t i = 0; i < count; i++) {
            tn_value child; /* the depth of a type bounds this recursion */
            TN_RETURN_IF_ERROR(tn_value_of(&at->children[i], row, arena, &child, err));
            TN_RETURN_IF_ERROR(tn_value_column(&child, 1, arena, &children[i], err));
        }
        one->children = children;
    } else {
        one->values = (const tn_list *)at->values + row;
    }
    out->nested = one;
    return TARN_OK;
}

static TN_FALLIBLE copy_strings(tn_view *views, uint32_t count, tn_arena *arena, tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        tn_str copy;
        if (views[i].size > TN_VIEW_INLINE) {
            TN_RETURN_IF_ERROR(tn_arena_copy(arena, tn_view_str(&views[i]), &copy, err));
            views[i].data = copy.data;
        }
    }
    return TARN_OK;
}

/* Heads come to lie one behind the other: rows of the copy are the elements in list order. */
static TN_FALLIBLE copy_elements(const tn_slice *slice, tn_list *heads, tn_arena *arena,
                                 tn_column *out, tarn_error *err)
{
    const uint32_t fields = out->type->field_count;
    tn_column *children;
    uint32_t total = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column, fields, &children, err));
    const uint32_t first = slice->count > 0 ? heads[0].offset : 0;
    for (uint32_t i = 0; i < slice->count; i++) {
        heads[i].offset -= first; /* lists of one value lie together: nothing is moved */
        const uint32_t end = heads[i].offset + heads[i].length;
        total = heads[i].length > 0 && end > total ? end : total;
    }
    for (uint32_t field = 0; field < fields; field++) {
        TN_RETURN_IF_ERROR(tn_column__copy(&slice->base->children[field], first, total, arena,
                                           &children[field], err));
    }
    out->children = children;
    return TARN_OK;
}

/* No rows of a nested type: its children have none, either.  Types bound the depth. */
static TN_FALLIBLE no_rows(const tn_type *type, tn_arena *arena, tn_column *out, tarn_error *err)
{
    static const uint64_t nothing[4];
    tn_column *children = NULL;
    *out = (tn_column){.type = type, .lane = (uint8_t)type->lane, .values = nothing};
    if (type->field_count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column, type->field_count, &children, err));
    for (uint32_t i = 0; i < type->field_count; i++) {
        TN_RETURN_IF_ERROR(no_rows(type->fields[i].type, arena, &children[i], err));
    }
    out->children = children;
    return TARN_OK;
}

tarn_code tn_column__copy(const tn_column *column, uint32_t from, uint32_t count, tn_arena *arena,
                          tn_column *out, tarn_error *err)
{
    const tn_type *type = column->type;
    const size_t size = tn_lane_size(type->lane);
    void *values = NULL;
    uint64_t *validity;
    tn_slice *slice;
    bool has_nulls = false;

    if (count == 0) {
        return no_rows(type, arena, out, err);
    }
    *out = (tn_column){.type = type, .lane = (uint8_t)type->lane, .rows = count};
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_slice, &slice, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, uint64_t, tn_bitmap_words(count) + 1, &validity, err));
    TN_RETURN_IF_ERROR(tn_arena_alloc(
        arena, size > 0 ? count * size : (tn_bitmap_words(count) + 1) * 8, &values, err));
    for (uint32_t at = 0; at < count; at += TN_SLICE_ROWS) {
        const uint32_t part = count - at < TN_SLICE_ROWS ? count - at : TN_SLICE_ROWS;
        tn_slice_open(slice, column, NULL, NULL, from + at, part);
        tn_slice_values(slice, type->lane, values, at);
        tn_slice_validity(slice, validity, at);
        has_nulls = has_nulls || slice->has_nulls;
    }
    out->values = values;
    out->validity = has_nulls ? validity : NULL;
    if (type->lane == TN_LANE_view) {
        return copy_strings(values, count, arena, err);
    }
    if (type->lane == TN_LANE_list) {
        slice->count = count;
        return copy_elements(slice, values, arena, out, err);
    }
    if (type->field_count == 0) {
        return TARN_OK;
    }
    tn_column *children;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column, type->field_count, &children, err));
    for (uint32_t i = 0; i < type->field_count; i++) {
        TN_RETURN_IF_ERROR(
            tn_column__copy(&slice->base->children[i], from, count, arena, &children[i], err));
    }
    out->children = children;
    return TARN_OK;
}

tarn_code tn_value_copy(tn_arena *arena, const tn_value *from, tn_value *out, tarn_error *err)
{
    *out = *from;
    if (from->is_null) {
        return TARN_OK;
    }
    if (tn_type_is_string(from->type)) {
        return tn_arena_copy(arena, from->str, &out->str, err);
    }
    if (!tn_type_is_nested(from->type)) {
        return TARN_OK;
    }
    tn_column *copy;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_column, &copy, err));
    *copy = *from->nested;
    const bool is_list = from->type->kind != TN_KIND_STRUCT;
    const tn_list whole = is_list ? *(const tn_list *)from->nested->values : (tn_list){0, 1};
    const uint32_t count = from->type->field_count;
    tn_column *children;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column, count, &children, err));
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_column__copy(&from->nested->children[i], whole.offset, whole.length,
                                           arena, &children[i], err));
    }
    copy->children = children;
    copy->owners = NULL;
    if (is_list) {
        tn_list *head;
        TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_list, &head, err));
        *head = (tn_list){0, whole.length};
        copy->values = head;
    }
    out->nested = copy;
    return TARN_OK;
}

static void store(const tn_value *value, void *values)
{
    switch (value->type->lane) {
    case TN_LANE_bool:
        *(uint64_t *)values = value->boolean;
        break;
    case TN_LANE_f32:
        *(float *)values = (float)value->f64;
        break;
    case TN_LANE_view:
        *(tn_view *)values = tn_view_of(value->str.data, value->str.size);
        break;
    case TN_LANE_list:
        *(tn_list *)values = *(const tn_list *)value->nested->values;
        break;
    default: /* little endian: the low bytes are the narrow value */
        memcpy(values, payload(value), tn_lane_size(value->type->lane));
        break;
    }
}

tarn_code tn_value_column(const tn_value *value, uint32_t rows, tn_arena *arena, tn_column *out,
                          tarn_error *err)
{
    static const uint64_t no_row_is_valid[1] = {0};
    void *values;

    *out = (tn_column){.type = value->type,
                       .lane = (uint8_t)value->type->lane,
                       .encoding = TN_CONSTANT,
                       .rows = rows};
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, sizeof(tn_i256), &values, err));
    out->values = values;
    if (value->is_null || value->type->kind == TN_KIND_NULL) {
        out->validity = no_row_is_valid;
    } else {
        store(value, values);
    }
    if (!tn_type_is_nested(value->type)) {
        return TARN_OK;
    }
    if (!value->is_null) {
        out->children = value->nested->children;
        return TARN_OK;
    }
    tn_column *children;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column, value->type->field_count, &children, err));
    for (uint32_t i = 0; i < value->type->field_count; i++) {
        const tn_value none = tn_value_null(value->type->fields[i].type);
        TN_RETURN_IF_ERROR(tn_value_column(&none, 1, arena, &children[i], err));
    }
    out->children = children;
    return TARN_OK;
}

/* One row of a column against one of another: by the type's order, nulls last. */
int tn_column__compare(const tn_column *a, uint32_t a_row, const tn_column *b, uint32_t b_row)
{
    const tn_column *left = tn_column_locate(a, &a_row);
    const tn_column *right = tn_column_locate(b, &b_row);
    if (left == NULL || right == NULL) {
        return (int)(left == NULL) - (int)(right == NULL);
    }
    if (!tn_type_is_nested(left->type)) {
        tn_value left_value;
        tn_value right_value;
        (void)!tn_value_of(left, a_row, NULL, &left_value, NULL); /* scalars need no arena */
        (void)!tn_value_of(right, b_row, NULL, &right_value, NULL);
        return tn_value_compare(&left_value, &right_value);
    }
    const bool is_struct = left->type->kind == TN_KIND_STRUCT;
    const tn_list one = {0, 1};
    const tn_list x = is_struct ? one : ((const tn_list *)left->values)[a_row];
    const tn_list y = is_struct ? one : ((const tn_list *)right->values)[b_row];
    const uint32_t shared = x.length < y.length ? x.length : y.length;
    for (uint32_t i = 0; i < shared; i++) {
        for (uint32_t field = 0; field < left->type->field_count; field++) {
            const uint32_t x_at = is_struct ? a_row : x.offset + i;
            const uint32_t y_at = is_struct ? b_row : y.offset + i;
            const int order =
                tn_column__compare(&left->children[field], x_at, &right->children[field], y_at);
            if (order != 0) {
                return order;
            }
        }
    }
    return (x.length > y.length) - (x.length < y.length);
}

static int compare_nested(const tn_column *a, const tn_column *b)
{
    return tn_column__compare(a, 0, b, 0);
}

int tn_column_compare(const tn_column *a, uint32_t a_row, const tn_column *b, uint32_t b_row)
{
    return tn_column__compare(a, a_row, b, b_row);
}
