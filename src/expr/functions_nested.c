/* Lists, structs, maps: made, read, searched.  Results that are lists are gathered value by value
 * into a chunk, which lives until the kernel's next run. */
#include "expr/nested_internal.h"
#include "kernel/find.h"
#include "kernel/operand.h"

/* ---- elements being gathered ---- */

tarn_code tn_gather__open(const tn_bound_call *bound, const tn_value *const *constants,
                          tn_pool *pool, void **state, tarn_error *err)
{
    (void)bound;
    (void)constants;
    *state = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(gathered), state, err));
    ((gathered *)*state)->pool = pool;
    return TARN_OK;
}
void tn_gather__close(void *opaque, tn_pool *pool)
{
    gathered *state = opaque;
    for (size_t i = 0; i < 2; i++) {
        tn_chunk_builder_destroy(state->builders[i]);
        tn_chunk_release(state->chunks[i]);
    }
    tn_pool_free(pool, state, sizeof(*state));
}

static void gather_reset(gathered *state)
{
    for (uint32_t i = 0; i < 2; i++) {
        tn_chunk_release(state->chunks[i]);
        state->chunks[i] = NULL;
        tn_chunk_builder_destroy(state->builders[i]); /* what a failed run left */
        state->builders[i] = NULL;
    }
}

tarn_code tn_gather__begin(tn_call *call, tarn_error *err)
{
    gathered *state = call->state;
    gather_reset(state);
    for (uint32_t i = 0; i < call->type->field_count && i < 2; i++) {
        TN_RETURN_IF_ERROR(tn_chunk_builder_create(state->pool, &call->type->fields[i].type, 1,
                                                   ELEMENTS_MAX, &state->builders[i], err));
    }
    return TARN_OK;
}

tarn_code tn_gather__put(tn_call *call, uint32_t which, const tn_value *value, tarn_error *err)
{
    const gathered *state = call->state;
    tn_value typed = *value;
    typed.type = call->type->fields[which].type;
    if (tn_chunk_builder_rows(state->builders[which]) >= ELEMENTS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a batch of lists passes %d elements", ELEMENTS_MAX);
    }
    return tn_chunk_builder_put(state->builders[which], 0, &typed, err);
}

uint32_t tn_gather__count(const tn_call *call)
{
    return tn_chunk_builder_rows(((const gathered *)call->state)->builders[0]);
}

tarn_code tn_gather__end(tn_call *call, tarn_error *err)
{
    gathered *state = call->state;
    tn_column *children = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(call->arena, tn_column, call->type->field_count, &children, err));
    for (uint32_t i = 0; i < call->type->field_count && i < 2; i++) {
        TN_RETURN_IF_ERROR(tn_chunk_builder_finish(state->builders[i], &state->chunks[i], err));
        tn_chunk_builder_destroy(state->builders[i]);
        state->builders[i] = NULL;
        children[i] = state->chunks[i]->columns[0];
    }
    call->children = children;
    return TARN_OK;
}

/* ---- reading lists ---- */

tarn_code tn_list__element(tn_call *call, const tn_column *elements, uint32_t at, tn_value *out,
                           tarn_error *err)
{
    uint32_t row = at;
    const tn_column *located = tn_column_locate(elements, &row);
    *out = tn_value_null(elements->type);
    return located == NULL ? TARN_OK : tn_value_of(elements, at, call->arena, out, err);
}

/* ---- list_value ---- */

static tarn_code run_list_value(tn_call *call, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        TN_OUT(call, tn_list, row) = (tn_list){tn_gather__count(call), call->in_count};
        for (uint32_t k = 0; k < call->in_count; k++) {
            tn_column scratch;
            tn_value value;
            TN_RETURN_IF_ERROR(tn_call_value(call, k, row, &scratch, &value, err));
            TN_RETURN_IF_ERROR(tn_gather__put(call, 0, &value, err));
        }
    }
    return tn_gather__end(call, err);
}

static const tn_kernel list_value_kernel = {
    .run = run_list_value, .open = tn_gather__open, .close = tn_gather__close, .sees_null = true};
static tarn_code resolve_list_value(tn_binder *binder, tarn_error *err)
{
    const tn_type *type = TN_TYPE_NULL;
    bool found = true;
    TN_RETURN_IF_ERROR(tn_coerce__common(binder->context, binder->children, binder->count, false,
                                         &type, &found, err));
    if (!found) {
        tn_bind__fail(err, binder->span, "the elements of a list have no common type");
        tn_hint(err, "cast them to one type");
        return TARN_E_INVALID;
    }
    for (uint32_t i = 0; i < binder->count; i++) {
        TN_RETURN_IF_ERROR(
            tn_coerce__to(binder->context, binder->children[i], type, &binder->children[i], err));
    }
    binder->bound->kernel = &list_value_kernel;
    return tn_types_list(binder->context->types, type, &binder->type, err);
}

tarn_code tn_list__need(const tn_binder *binder, uint32_t i, tarn_error *err)
{
    return i < binder->count && binder->children[i]->type->kind == TN_KIND_LIST
               ? TARN_OK
               : tn_coerce__no_overload(binder, err);
}
static TN_FALLIBLE to_bigint(tn_binder *binder, uint32_t i, tarn_error *err)
{
    return tn_coerce__to(binder->context, binder->children[i], TN_BIGINT, &binder->children[i],
                         err);
}

/* ---- one element ---- */

/* A value of any type into the result's row. */
static TN_FALLIBLE tn_list__put_element(tn_call *call, uint32_t row, const tn_column *elements,
                                        uint32_t at, tarn_error *err)
{
    uint32_t index = at;
    const tn_column *located = tn_column_locate(elements, &index);
    const tn_type *type = call->type;
    if (located == NULL) {
        tn_call_null(call, row);
        return TARN_OK;
    }
    if (type->lane == TN_LANE_bool) {
        tn_call_put_bool(call, row, tn_bit_get(located->values, index));
        return TARN_OK;
    }
    if (located->lane != type->lane || located->encoding == TN_SEQUENCE) {
        tn_column constant;
        tn_value value;
        TN_RETURN_IF_ERROR(tn_value_of(located, index, call->arena, &value, err));
        value.type = type;
        TN_RETURN_IF_ERROR(tn_value_column(&value, 1, call->arena, &constant, err));
        memcpy((char *)call->values + row * tn_lane_size(type->lane), constant.values,
               tn_lane_size(type->lane));
        return TARN_OK;
    }
    const size_t size = tn_lane_size(type->lane);
    memcpy((char *)call->values + row * size, (const char *)located->values + index * size, size);
    if (type->lane == TN_LANE_list) {
        call->children = located->children; /* one child column serves all rows */
    }
    return TARN_OK;
}

/* What a result of lists has for children where no row was taken. */
static void keep_children(tn_call *call, const tn_column *elements)
{
    call->children =
        elements->encoding == TN_DICTIONARY ? elements->children->children : elements->children;
}

/* Structs are gathered whole, a value for each row of the batch. */
static TN_FALLIBLE extract_structs(tn_call *call, uint32_t field, tn_element_at *find,
                                   tarn_error *err)
{
    gathered *state = call->state;
    uint32_t next = 0;
    gather_reset(state);
    TN_RETURN_IF_ERROR(tn_chunk_builder_create(state->pool, &call->type, 1, ELEMENTS_MAX,
                                               &state->builders[0], err));
    for (uint32_t row = 0; row < call->batch_rows; row++) {
        tn_value value = tn_value_null(call->type);
        if (next < call->count && tn_call_row(call, next) == row) {
            uint32_t at = UINT32_MAX;
            next++;
            TN_RETURN_IF_ERROR(find(call, row, &at, err));
            if (at != UINT32_MAX) {
                TN_RETURN_IF_ERROR(
                    tn_list__element(call, tn_list__elements(call, 0, field), at, &value, err));
            }
            if (value.is_null) {
                tn_call_null(call, row);
            }
        }
        TN_RETURN_IF_ERROR(tn_chunk_builder_put(state->builders[0], 0, &value, err));
    }
    TN_RETURN_IF_ERROR(tn_chunk_builder_finish(state->builders[0], &state->chunks[0], err));
    call->children = state->chunks[0]->columns[0].children;
    return TARN_OK;
}

tarn_code tn_list__extract(tn_call *call, uint32_t field, tn_element_at *find, tarn_error *err)
{
    if (call->type->kind == TN_KIND_STRUCT) {
        return extract_structs(call, field, find, err);
    }
    keep_children(call, tn_list__elements(call, 0, field));
    TN_EACH (call, row) {
        uint32_t at = UINT32_MAX;
        TN_RETURN_IF_ERROR(find(call, row, &at, err));
        if (at == UINT32_MAX) {
            tn_call_null(call, row);
            continue;
        }
        TN_RETURN_IF_ERROR(
            tn_list__put_element(call, row, tn_list__elements(call, 0, field), at, err));
    }
    return TARN_OK;
}

static tarn_code at_index(tn_call *call, uint32_t row, uint32_t *at, tarn_error *err)
{
    const tn_list list = tn_list__at(call, 0, row);
    int64_t index = TN_IN(call, 1, int64_t, row);
    (void)err;
    index = index < 0 ? (int64_t)list.length + index : index - 1;
    *at = index < 0 || index >= (int64_t)list.length ? UINT32_MAX : list.offset + (uint32_t)index;
    return TARN_OK;
}
static tarn_code run_list_extract(tn_call *call, tarn_error *err)
{
    return tn_list__extract(call, 0, at_index, err);
}

static const tn_kernel list_extract_kernel = GATHER(run_list_extract);
static tarn_code resolve_list_extract(tn_binder *binder, tarn_error *err)
{
    if (binder->count == 2 && binder->children[0]->type->kind == TN_KIND_VARCHAR) {
        const tn_value one = tn_value_bigint(1);
        const tn_expr *parts[3] = {binder->children[0], binder->children[1], NULL};
        TN_RETURN_IF_ERROR(tn_bind__literal(binder->context, &one, binder->span, &parts[2], err));
        return tn_expr_call(binder->context, TN_STR("substr"), parts, 3, binder->span,
                            &binder->replaced, err);
    }
    if (binder->count == 2 && binder->children[0]->type->kind == TN_KIND_MAP) {
        return tn_expr_call(binder->context, TN_STR("map_extract_value"), binder->children, 2,
                            binder->span, &binder->replaced, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(to_bigint(binder, 1, err));
    binder->type = binder->children[0]->type->fields[0].type;
    binder->bound->kernel = &list_extract_kernel;
    return TARN_OK;
}

/* ---- lengths and searching ---- */

static tarn_code run_len(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = tn_list__at(call, 0, row).length;
    }
    return TARN_OK;
}
static const tn_kernel len_kernel = {.run = run_len};
static tarn_code resolve_len(tn_binder *binder, tarn_error *err)
{
    if (binder->count == 1 && tn_type_is_string(binder->children[0]->type)) {
        return tn_expr_call(binder->context, TN_STR("length"), binder->children, 1, binder->span,
                            &binder->replaced, err);
    }
    if (binder->count == 0 || binder->count > 2 ||
        binder->children[0]->type->lane != TN_LANE_list) {
        return tn_coerce__no_overload(binder, err);
    }
    binder->count = 1; /* array_length(list, 1) */
    binder->bound->kernel = &len_kernel;
    binder->type = TN_BIGINT;
    return TARN_OK;
}

/* From 1; 0 where it is not there. */
static TN_FALLIBLE find_element(tn_call *call, uint32_t row, uint32_t *out, tarn_error *err)
{
    const tn_list list = tn_list__at(call, 0, row);
    const tn_column *elements = tn_list__elements(call, 0, 0);
    tn_column scratch;
    tn_value wanted;
    TN_RETURN_IF_ERROR(tn_call_value(call, 1, row, &scratch, &wanted, err));
    *out = 0;
    for (uint32_t i = 0; i < list.length && *out == 0; i++) {
        tn_value value;
        TN_RETURN_IF_ERROR(tn_list__element(call, elements, list.offset + i, &value, err));
        if (!value.is_null && tn_value_compare(&value, &wanted) == 0) {
            *out = i + 1;
        }
    }
    return TARN_OK;
}
static tarn_code run_list_contains(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        uint32_t at = 0;
        TN_RETURN_IF_ERROR(find_element(call, row, &at, err));
        tn_call_put_bool(call, row, at != 0);
    }
    return TARN_OK;
}
static tarn_code run_list_position(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        uint32_t at = 0;
        TN_RETURN_IF_ERROR(find_element(call, row, &at, err));
        TN_OUT(call, int64_t, row) = at;
        if (at == 0) {
            tn_call_null(call, row);
        }
    }
    return TARN_OK;
}
static const tn_kernel position_kernel = {.run = run_list_position};
static const tn_kernel contains_kernel = {.run = run_list_contains};
static tarn_code resolve_search(tn_binder *binder, tarn_error *err)
{
    const tn_type *element = NULL;
    const tn_type *list = NULL;
    bool found = false;
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    const tn_expr stand_in = {.kind = TN_EXPR_COLUMN,
                              .type = binder->children[0]->type->fields[0].type};
    const tn_expr *const pair[] = {&stand_in, binder->children[1]};
    TN_RETURN_IF_ERROR(tn_coerce__common(binder->context, pair, 2, true, &element, &found, err));
    if (!found) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_types_list(binder->context->types, element, &list, err));
    TN_RETURN_IF_ERROR(
        tn_coerce__to(binder->context, binder->children[0], list, &binder->children[0], err));
    TN_RETURN_IF_ERROR(
        tn_coerce__to(binder->context, binder->children[1], element, &binder->children[1], err));
    binder->bound->kernel =
        binder->function->binding->op == 0 ? &contains_kernel : &position_kernel;
    binder->type = binder->function->binding->op == 0 ? TN_BOOLEAN : TN_BIGINT;
    return TARN_OK;
}

/* ---- lists from lists: heads only ---- */

static tarn_code run_list_slice(tn_call *call, tarn_error *err)
{
    (void)err;
    call->children = call->in[0].column->children;
    TN_EACH (call, row) {
        if (tn_call_is_null(call, 0, row)) {
            tn_call_null(call, row);
            continue;
        }
        const tn_list list = tn_list__at(call, 0, row);
        const int64_t length = list.length;
        int64_t from = tn_call_is_null(call, 1, row) ? 1 : TN_IN(call, 1, int64_t, row);
        int64_t to = tn_call_is_null(call, 2, row) ? length : TN_IN(call, 2, int64_t, row);
        from = from < 0 ? (from < -length ? 1 : length + 1 + from) : from < 1 ? 1 : from;
        to = to < 0 ? (to < -length ? 0 : length + 1 + to) : to > length ? length : to;
        TN_OUT(call, tn_list, row) =
            from > to ? (tn_list){0, 0}
                      : (tn_list){list.offset + (uint32_t)(from - 1), (uint32_t)(to - from + 1)};
    }
    return TARN_OK;
}
static const tn_kernel list_slice_kernel = {.run = run_list_slice, .sees_null = true};
static tarn_code resolve_list_slice(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 3) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    TN_RETURN_IF_ERROR(to_bigint(binder, 1, err));
    TN_RETURN_IF_ERROR(to_bigint(binder, 2, err));
    binder->bound->kernel = &list_slice_kernel;
    binder->type = binder->children[0]->type;
    return TARN_OK;
}

static tarn_code run_list_concat(tn_call *call, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        const uint32_t from = tn_gather__count(call);
        for (uint32_t k = 0; k < call->in_count; k++) {
            const tn_list list = tn_list__at(call, k, row);
            for (uint32_t i = 0; i < list.length; i++) {
                tn_value value;
                TN_RETURN_IF_ERROR(tn_list__element(call, tn_list__elements(call, k, 0),
                                                    list.offset + i, &value, err));
                TN_RETURN_IF_ERROR(tn_gather__put(call, 0, &value, err));
            }
        }
        TN_OUT(call, tn_list, row) = (tn_list){from, tn_gather__count(call) - from};
    }
    return tn_gather__end(call, err);
}
static const tn_kernel list_concat_kernel = GATHER(run_list_concat);
static tarn_code resolve_list_concat(tn_binder *binder, tarn_error *err)
{
    const tn_type *type = NULL;
    bool found = false;
    for (uint32_t i = 0; i < binder->count; i++) {
        TN_RETURN_IF_ERROR(tn_list__need(binder, i, err));
    }
    TN_RETURN_IF_ERROR(tn_coerce__common(binder->context, binder->children, binder->count, false,
                                         &type, &found, err));
    if (!found || binder->count == 0) {
        return tn_coerce__no_overload(binder, err);
    }
    for (uint32_t i = 0; i < binder->count; i++) {
        TN_RETURN_IF_ERROR(
            tn_coerce__to(binder->context, binder->children[i], type, &binder->children[i], err));
    }
    binder->bound->kernel = &list_concat_kernel;
    binder->type = type;
    return TARN_OK;
}

/* list_append(list, x) and list_prepend(x, list): a list of one beside it. */
static tarn_code resolve_list_add(tn_binder *binder, tarn_error *err)
{
    const uint32_t at = binder->function->binding->op; /* of the element */
    const tn_expr *one = NULL;
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 1 - at, err));
    TN_RETURN_IF_ERROR(tn_expr_call(binder->context, TN_STR("list_value"), &binder->children[at], 1,
                                    binder->children[at]->span, &one, err));
    const tn_expr *const lists[2] = {at == 0 ? one : binder->children[0],
                                     at == 0 ? binder->children[1] : one};
    return tn_expr_call(binder->context, TN_STR("list_concat"), lists, 2, binder->span,
                        &binder->replaced, err);
}

/* ---- texts and ranges as lists ---- */

static tarn_code run_string_split(tn_call *call, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const tn_str by = tn_call_str(call, 1, row);
        const uint32_t first = tn_gather__count(call);
        size_t from = 0;
        for (;;) {
            const size_t to = by.size == 0 ? SIZE_MAX : tn_find(text, by, from);
            const tn_value part =
                tn_value_varchar(tn_str_slice(text, from, to == SIZE_MAX ? text.size : to));
            TN_RETURN_IF_ERROR(tn_gather__put(call, 0, &part, err));
            if (to == SIZE_MAX) {
                break;
            }
            from = to + by.size;
        }
        TN_OUT(call, tn_list, row) = (tn_list){first, tn_gather__count(call) - first};
    }
    return tn_gather__end(call, err);
}
static const tn_kernel string_split_kernel = GATHER(run_string_split);
static tarn_code resolve_string_split(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    for (uint32_t i = 0; i < 2; i++) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i], TN_VARCHAR,
                                         &binder->children[i], err));
    }
    binder->bound->kernel = &string_split_kernel;
    return tn_types_list(binder->context->types, TN_VARCHAR, &binder->type, err);
}

static tarn_code run_range(tn_call *call, tarn_error *err)
{
    const bool closed = call->data != NULL;
    TN_RETURN_IF_ERROR(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        const bool single = call->in_count == 1;
        const int64_t start = single ? 0 : TN_IN(call, 0, int64_t, row);
        const int64_t stop = TN_IN(call, single ? 0 : 1, int64_t, row);
        const int64_t step = call->in_count > 2 ? TN_IN(call, 2, int64_t, row) : 1;
        const uint32_t first = tn_gather__count(call);
        if (step == 0) {
            tn_call_fault(call, row);
            continue;
        }
        for (int64_t at = start; step > 0 ? at < stop || (closed && at == stop)
                                          : at > stop || (closed && at == stop);) {
            const tn_value value = tn_value_bigint(at);
            TN_RETURN_IF_ERROR(tn_gather__put(call, 0, &value, err));
            if (__builtin_add_overflow(at, step, &at)) {
                break;
            }
        }
        TN_OUT(call, tn_list, row) = (tn_list){first, tn_gather__count(call) - first};
    }
    return tn_gather__end(call, err);
}
static const tn_kernel range_kernel = {
    .run = run_range, .open = tn_gather__open, .close = tn_gather__close, .can_fail = true};
static tarn_code resolve_range(tn_binder *binder, tarn_error *err)
{
    if (binder->count == 0 || binder->count > 3) {
        return tn_coerce__no_overload(binder, err);
    }
    for (uint32_t i = 0; i < binder->count; i++) {
        TN_RETURN_IF_ERROR(to_bigint(binder, i, err));
    }
    binder->bound->kernel = &range_kernel;
    binder->bound->data = binder->function->binding->op == 1 ? binder->function : NULL;
    binder->can_fail = true;
    return tn_types_list(binder->context->types, TN_BIGINT, &binder->type, err);
}

/* ---- structs ---- */

/* A field's values outlive the call: those that stand in the operand's own room, where another
 * operation may ask for them in another lane, are copied. */
static TN_FALLIBLE field_values(tn_call *call, uint32_t k, const void **out, tarn_error *err)
{
    const tn_operand *in = &call->in[k];
    const size_t size = tn_lane_size(call->in_types[k]->lane);
    const size_t bytes = size == 0 ? tn_bitmap_words(call->batch_rows) * sizeof(uint64_t)
                                   : (size_t)call->batch_rows * size;
    char *copy = NULL;
    *out = in->values;
    if (in->values == in->column->values || in->values == NULL || bytes == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_alloc(call->arena, bytes, (void **)&copy, err));
    memcpy(copy, in->values, bytes);
    *out = copy;
    return TARN_OK;
}

static tarn_code run_struct(tn_call *call, tarn_error *err)
{
    tn_column *children = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(call->arena, tn_column, call->in_count + 1, &children, err));
    for (uint32_t k = 0; k < call->in_count; k++) {
        const tn_operand *in = &call->in[k];
        children[k] = *in->column;
        if (in->mask == UINT32_MAX) {
            children[k].encoding = TN_FLAT;
            children[k].lane = (uint8_t)call->in_types[k]->lane;
            children[k].validity = in->validity;
            TN_RETURN_IF_ERROR(field_values(call, k, &children[k].values, err));
        }
        children[k].rows = call->batch_rows;
        children[k].faults = NULL;
        children[k].owners = NULL;
    }
    call->children = children;
    return TARN_OK;
}

static const tn_kernel struct_kernel = {.run = run_struct, .sees_null = true};
static TN_FALLIBLE finish_struct(tn_binder *binder, tn_field *fields, uint32_t count,
                                 tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (binder->children[i]->type->kind == TN_KIND_NULL) {
            TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i], TN_INTEGER,
                                             &binder->children[i], err));
        }
        fields[i].type = binder->children[i]->type;
        fields[i].nullable = true;
    }
    binder->count = count;
    binder->bound->kernel = &struct_kernel;
    return tn_types_struct(binder->context->types, fields, count, &binder->type, err);
}

static tarn_code resolve_struct_pack(tn_binder *binder, tarn_error *err)
{
    tn_field *fields = NULL;
    if (binder->count == 0 || binder->count % 2 != 0) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(binder->context->arena, tn_field, binder->count, &fields, err));
    for (uint32_t i = 0; i < binder->count; i += 2) {
        if (!tn_coerce__is_text_literal(binder->children[i])) {
            return tn_coerce__no_overload(binder, err);
        }
        fields[i / 2].name = binder->children[i]->value.str;
        binder->children[i / 2] = binder->children[i + 1];
    }
    return finish_struct(binder, fields, binder->count / 2, err);
}

static tarn_code resolve_row(tn_binder *binder, tarn_error *err)
{
    tn_field *fields = NULL;
    if (binder->count == 0) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(binder->context->arena, tn_field, binder->count, &fields, err));
    for (uint32_t i = 0; i < binder->count; i++) {
        TN_RETURN_IF_ERROR(
            tn_arena_print(binder->context->arena, &fields[i].name, err, "f%u", i + 1));
    }
    return finish_struct(binder, fields, binder->count, err);
}

static tarn_code no_field(const tn_binder *binder, const tn_type *type, tn_str name,
                          tarn_error *err)
{
    tn_str names[64];
    const uint32_t count = type->field_count < 64 ? type->field_count : 64;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = type->fields[i].name;
    }
    const tn_str near = tn_str_nearest(name, names, count);
    tn_bind__fail(err, binder->span, "%.*s has no field '%.*s'", TN_STR_ARGS(type->name),
                  TN_STR_ARGS(name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    }
    return TARN_E_INVALID;
}

static tarn_code resolve_struct_extract(tn_binder *binder, tarn_error *err)
{
    uint32_t *index = NULL;
    if (binder->count != 2 || binder->children[0]->type->kind != TN_KIND_STRUCT ||
        binder->children[1]->kind != TN_EXPR_LITERAL || binder->children[1]->value.is_null) {
        return tn_coerce__no_overload(binder, err);
    }
    const tn_type *type = binder->children[0]->type;
    const tn_value *key = &binder->children[1]->value;
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, uint32_t, &index, err));
    if (key->type->kind == TN_KIND_VARCHAR) {
        const tn_schema schema = {type->field_count, type->fields};
        bool ambiguous = false;
        *index = tn_schema_find(&schema, key->str, &ambiguous);
        if (ambiguous) {
            return tn_bind__fail(err, binder->span, "two fields are called '%.*s'",
                                 TN_STR_ARGS(key->str));
        }
        if (*index == UINT32_MAX) {
            return no_field(binder, type, key->str, err);
        }
    } else if (tn_type_is_integer(key->type) && key->i64 >= 1 &&
               key->i64 <= (int64_t)type->field_count) {
        *index = (uint32_t)key->i64 - 1;
    } else {
        return tn_coerce__no_overload(binder, err);
    }
    binder->bound->form = TN_FORM_FIELD;
    binder->bound->data = index; /* the name stays as a child: for printing and comparing */
    binder->type = type->fields[*index].type;
    return TARN_OK;
}

/* ---- maps ---- */

static tarn_code run_map(tn_call *call, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        const tn_list keys = tn_list__at(call, 0, row);
        const tn_list values = tn_list__at(call, 1, row);
        const uint32_t from = tn_gather__count(call);
        if (keys.length != values.length) {
            tn_call_fault(call, row);
            TN_OUT(call, tn_list, row) = (tn_list){0, 0};
            continue;
        }
        for (uint32_t i = 0; i < keys.length; i++) {
            tn_value key;
            tn_value value;
            TN_RETURN_IF_ERROR(
                tn_list__element(call, tn_list__elements(call, 0, 0), keys.offset + i, &key, err));
            TN_RETURN_IF_ERROR(tn_list__element(call, tn_list__elements(call, 1, 0),
                                                values.offset + i, &value, err));
            TN_RETURN_IF_ERROR(tn_gather__put(call, 0, &key, err));
            TN_RETURN_IF_ERROR(tn_gather__put(call, 1, &value, err));
        }
        TN_OUT(call, tn_list, row) = (tn_list){from, keys.length};
    }
    return tn_gather__end(call, err);
}
static tarn_code describe_map(const tn_bound_call *bound, const tn_value *arguments,
                              tarn_error *err)
{
    (void)bound;
    (void)arguments;
    return tn_fail(err, TARN_E_INVALID, "map: there must be as many values as keys");
}
static const tn_kernel map_kernel = {.run = run_map,
                                     .open = tn_gather__open,
                                     .close = tn_gather__close,
                                     .can_fail = true,
                                     .describe = describe_map};
static tarn_code resolve_map(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    TN_RETURN_IF_ERROR(tn_list__need(binder, 1, err));
    binder->bound->kernel = &map_kernel;
    binder->can_fail = true;
    return tn_types_map(binder->context->types, binder->children[0]->type->fields[0].type,
                        binder->children[1]->type->fields[0].type, &binder->type, err);
}

static tarn_code at_key(tn_call *call, uint32_t row, uint32_t *at, tarn_error *err)
{
    uint32_t found = 0;
    TN_RETURN_IF_ERROR(find_element(call, row, &found, err));
    *at = found == 0 ? UINT32_MAX : tn_list__at(call, 0, row).offset + found - 1;
    return TARN_OK;
}
static tarn_code run_map_extract(tn_call *call, tarn_error *err)
{
    return tn_list__extract(call, 1, at_key, err);
}
static const tn_kernel map_extract_kernel = GATHER(run_map_extract);
static tarn_code resolve_map_extract(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 2 || binder->children[0]->type->kind != TN_KIND_MAP) {
        return tn_coerce__no_overload(binder, err);
    }
    const tn_type *type = binder->children[0]->type;
    TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[1], type->fields[0].type,
                                     &binder->children[1], err));
    binder->bound->kernel = &map_extract_kernel;
    binder->type = type->fields[1].type;
    return TARN_OK;
}

/* A map's keys or values: the same heads over one of its children. */
static tarn_code run_map_part(tn_call *call, tarn_error *err)
{
    (void)err;
    const uint32_t field = call->data == NULL ? 0 : 1;
    call->children = &call->in[0].column->children[field];
    TN_EACH (call, row) {
        TN_OUT(call, tn_list, row) = tn_list__at(call, 0, row);
    }
    return TARN_OK;
}
static const tn_kernel map_part_kernel = {.run = run_map_part};
static tarn_code resolve_map_part(tn_binder *binder, tarn_error *err)
{
    const uint8_t field = binder->function->binding->op;
    if (binder->count != 1 || binder->children[0]->type->kind != TN_KIND_MAP) {
        return tn_coerce__no_overload(binder, err);
    }
    binder->bound->kernel = &map_part_kernel;
    binder->bound->data = field == 0 ? NULL : binder->function;
    return tn_types_list(binder->context->types, binder->children[0]->type->fields[field].type,
                         &binder->type, err);
}

#define ENTRY(name_, signature_, doc_, example_, result_)                            \
    .name = (name_), .category = "nested", .signature = (signature_), .doc = (doc_), \
    .example = (example_), .example_result = (result_), .cost = 4
#define RESOLVE(rule, op_)                  \
    .binding = &(const tn_function_binding) \
    {                                       \
        .resolve = (rule), .op = (op_)      \
    }

static const tn_function functions[] = {
    {ENTRY("list_value", "list_value(value, ...) or [value, ...] -> a list",
           "A list of these values.", "[1, 2, NULL]", "[1,2,null]"),
     .aliases = TN_ALIASES("array_value", "list_pack"), .sees_null = true,
     RESOLVE(resolve_list_value, 0)},
    {ENTRY("list_extract", "list_extract(list, index BIGINT) or list[index] -> an element",
           "The element at a place from 1, or from -1 at the end; NULL beyond.", "[10, 20, 30][-1]",
           "30"),
     .aliases = TN_ALIASES("list_element", "array_extract", "element_at"),
     RESOLVE(resolve_list_extract, 0)},
    {ENTRY("len", "len(list) -> BIGINT", "How many elements (of text: characters).", "len([1, 2])",
           "2"),
     .aliases = TN_ALIASES("array_length", "cardinality", "list_length"), RESOLVE(resolve_len, 0)},
    {ENTRY("list_contains", "list_contains(list, value) -> BOOLEAN", "Is the value in the list?",
           "list_contains([1, 2], 2)", "true"),
     .aliases = TN_ALIASES("array_contains", "list_has", "array_has"), RESOLVE(resolve_search, 0)},
    {ENTRY("list_position", "list_position(list, value) -> BIGINT",
           "Where the value is first, from 1; NULL where it is not.",
           "list_position(['a', 'b'], 'b')", "2"),
     .aliases = TN_ALIASES("array_position", "list_indexof"), RESOLVE(resolve_search, 1)},
    {ENTRY("list_slice", "list_slice(list, from BIGINT, to BIGINT) or list[from:to] -> a list",
           "The elements from one place to another, both with them.",
           "list_slice([1, 2, 3, 4], 2, 3)", "[2,3]"),
     .aliases = TN_ALIASES("array_slice"), .sees_null = true, RESOLVE(resolve_list_slice, 0)},
    {ENTRY("list_append", "list_append(list, value) -> a list", "The list with one value more.",
           "list_append([1, 2], 3)", "[1,2,3]"),
     .aliases = TN_ALIASES("array_append", "array_push_back"), .sees_null = true,
     RESOLVE(resolve_list_add, 1)},
    {ENTRY("list_prepend", "list_prepend(value, list) -> a list", "The value before the list.",
           "list_prepend(1, [2, 3])", "[1,2,3]"),
     .aliases = TN_ALIASES("array_prepend", "array_push_front"), .sees_null = true,
     RESOLVE(resolve_list_add, 0)},
    {ENTRY("list_concat", "list_concat(list, ...) -> a list", "One list behind the other.",
           "list_concat([1], [2, 3])", "[1,2,3]"),
     .aliases = TN_ALIASES("array_cat", "list_cat"), RESOLVE(resolve_list_concat, 0)},
    {ENTRY("string_split", "string_split(text VARCHAR, by VARCHAR) -> VARCHAR[]",
           "The parts between separators.", "string_split('a,b', ',')", "[\"a\",\"b\"]"),
     .aliases = TN_ALIASES("str_split", "split", "string_to_array"),
     RESOLVE(resolve_string_split, 0)},
    {ENTRY("range", "range([start BIGINT,] stop BIGINT [, step BIGINT]) -> BIGINT[]",
           "The whole numbers from start (0) to before stop.", "range(1, 4)", "[1,2,3]"),
     .can_fail = true, RESOLVE(resolve_range, 0)},
    {ENTRY("generate_series",
           "generate_series([start BIGINT,] stop BIGINT [, step BIGINT]) -> BIGINT[]",
           "The whole numbers from start (0) to stop.", "generate_series(1, 3)", "[1,2,3]"),
     .can_fail = true, RESOLVE(resolve_range, 1)},
    {ENTRY("struct_pack", "struct_pack(name, value, ...) or {'name': value, ...} -> a struct",
           "A struct of named fields.", "struct_pack('a', 1, 'b', 'x')", "{\"a\":1,\"b\":\"x\"}"),
     .sees_null = true, RESOLVE(resolve_struct_pack, 0)},
    {ENTRY("row", "row(value, ...) -> a struct", "A struct of fields f1, f2...", "row(1, 'x')",
           "{\"f1\":1,\"f2\":\"x\"}"),
     .sees_null = true, RESOLVE(resolve_row, 0)},
    {ENTRY("struct_extract", "struct_extract(struct, name) or struct.name -> a field",
           "One field of a struct.", "struct_extract(struct_pack('a', 1, 'b', 2), 'b')", "2"),
     RESOLVE(resolve_struct_extract, 0)},
    {ENTRY("map", "map(keys, values) -> a map", "A map from two lists.", "map(['a'], [1])",
           "{\"a\":1}"),
     .can_fail = true, RESOLVE(resolve_map, 0)},
    {ENTRY("map_extract_value", "map_extract_value(map, key) or map[key] -> a value",
           "The value of a key; NULL where there is none.",
           "map_extract_value(map(['a', 'b'], [1, 2]), 'b')", "2"),
     RESOLVE(resolve_map_extract, 0)},
    {ENTRY("map_keys", "map_keys(map) -> a list", "The keys.", "map_keys(map(['a'], [1]))",
           "[\"a\"]"),
     RESOLVE(resolve_map_part, 0)},
    {ENTRY("map_values", "map_values(map) -> a list", "The values.", "map_values(map(['a'], [1]))",
           "[1]"),
     RESOLVE(resolve_map_part, 1)},
};

static const tn_kernel *const kernels[] = {&list_value_kernel,  &list_extract_kernel,
                                           &len_kernel,         &contains_kernel,
                                           &position_kernel,    &list_slice_kernel,
                                           &list_concat_kernel, &string_split_kernel,
                                           &range_kernel,       &struct_kernel,
                                           &map_kernel,         &map_extract_kernel,
                                           &map_part_kernel,    NULL};
const tn_function_list tn__nested_functions = {functions, sizeof(functions) / sizeof(*functions),
                                               kernels};
