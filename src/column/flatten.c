#include "column/flatten.h"

#include "base/size.h"
#include "column/gather.h"

void tn_scratch_init(tn_scratch *scratch, tn_pool *pool)
{
    *scratch = (tn_scratch){.pool = pool};
}

/* Children are as deep as a type may be, and so is this recursion. */
void tn_scratch_deinit(tn_scratch *scratch)
{
    for (uint32_t i = 0; i < scratch->child_count; i++) {
        tn_scratch_deinit(&scratch->children[i]);
    }
    tn_pool_free(scratch->pool, scratch->children, scratch->child_count * sizeof(tn_scratch));
    tn_pool_free(scratch->pool, scratch->child_columns, scratch->child_count * sizeof(tn_column));
    tn_pool_free(scratch->pool, scratch->values, scratch->values_size);
    tn_pool_free(scratch->pool, scratch->validity, scratch->validity_size);
    *scratch = (tn_scratch){.pool = scratch->pool};
}

static TN_FALLIBLE ensure(tn_pool *pool, void **memory, size_t *have, size_t want, tarn_error *err)
{
    if (*have >= want) {
        return TARN_OK;
    }
    tn_pool_free(pool, *memory, *have);
    *have = 0;
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, want, memory, err));
    *have = want;
    return TARN_OK;
}

tarn_code tn_scratch_reserve(tn_scratch *scratch, size_t size, tarn_error *err)
{
    void *validity = scratch->validity;
    TN_RETURN_IF_ERROR(ensure(scratch->pool, &scratch->values, &scratch->values_size, size, err));
    TN_RETURN_IF_ERROR(
        ensure(scratch->pool, &validity, &scratch->validity_size, TN_BATCH_ROWS / 8, err));
    scratch->validity = validity;
    return TARN_OK;
}

static TN_FALLIBLE ensure_children(tn_scratch *scratch, uint32_t count, tarn_error *err)
{
    void *children;
    void *columns;
    if (scratch->child_count >= count) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(scratch->pool, count * sizeof(tn_scratch), &children, err));
    if (tn_pool_alloc(scratch->pool, count * sizeof(tn_column), &columns, err) != TARN_OK) {
        tn_pool_free(scratch->pool, children, count * sizeof(tn_scratch));
        return TARN_E_NOMEM;
    }
    for (uint32_t i = 0; i < scratch->child_count; i++) {
        tn_scratch_deinit(&scratch->children[i]);
    }
    tn_pool_free(scratch->pool, scratch->children, scratch->child_count * sizeof(tn_scratch));
    tn_pool_free(scratch->pool, scratch->child_columns, scratch->child_count * sizeof(tn_column));
    scratch->children = children;
    scratch->child_columns = columns;
    scratch->child_count = count;
    for (uint32_t i = 0; i < count; i++) {
        tn_scratch_init(&scratch->children[i], scratch->pool);
    }
    return TARN_OK;
}

static bool passes_through(const tn_column *in, const uint16_t *selection, tn_lane lane)
{
    return in->encoding == TN_FLAT && selection == NULL && (tn_lane)in->lane == lane &&
           !tn_type_is_nested(in->type) && in->validity == NULL && in->type->kind != TN_KIND_NULL;
}

/* The rows of a struct's children are the struct's own. */
static TN_FALLIBLE flatten_fields(const tn_column *in, const uint16_t *selection, uint32_t count,
                                  tn_scratch *scratch, tn_column *out, tarn_error *err)
{
    const uint32_t fields = in->type->field_count;
    TN_RETURN_IF_ERROR(ensure_children(scratch, fields, err));
    for (uint32_t i = 0; i < fields; i++) {
        tn_column child =
            in->encoding == TN_DICTIONARY ? in->children->children[i] : in->children[i];
        if (in->encoding == TN_CONSTANT) {
            child.encoding = child.encoding == TN_FLAT ? TN_CONSTANT : child.encoding;
        }
        if (in->encoding == TN_DICTIONARY && child.encoding == TN_FLAT) {
            /* The child seen through its parent's codes: nulls of the parent hide it anyway. */
            tn_column coded = *in;
            coded.type = child.type;
            coded.lane = child.lane;
            coded.children = &in->children->children[i];
            TN_RETURN_IF_ERROR(tn_column_flatten(&coded, selection, count, child.type->lane,
                                                 &scratch->children[i], &scratch->child_columns[i],
                                                 err));
            continue;
        }
        TN_RETURN_IF_ERROR(tn_column_flatten(&child, selection, count, child.type->lane,
                                             &scratch->children[i], &scratch->child_columns[i],
                                             err));
    }
    out->children = scratch->child_columns;
    return TARN_OK;
}

tarn_code tn_column_flatten(const tn_column *in, const uint16_t *selection, uint32_t count,
                            tn_lane lane, tn_scratch *scratch, tn_column *out, tarn_error *err)
{
    tn_slice slice;
    bool has_nulls = false;

    if (passes_through(in, selection, lane)) {
        *out = *in;
        out->rows = count;
        out->faults = NULL;
        return TARN_OK;
    }
    const size_t rows = tn_scratch_rows(count);
    const size_t values_size = lane == TN_LANE_bool ? rows / 8 : rows * tn_lane_size(lane);
    void *validity = scratch->validity;
    TN_RETURN_IF_ERROR(
        ensure(scratch->pool, &scratch->values, &scratch->values_size, values_size, err));
    const tarn_code code = ensure(scratch->pool, &validity, &scratch->validity_size, rows / 8, err);
    scratch->validity = validity;
    TN_RETURN_IF_ERROR(code);

    const bool decoded = tn_column_decode(in, selection, 0, count, lane, false, scratch->values);
    for (uint32_t at = 0; !decoded && at < count; at += TN_SLICE_ROWS) {
        const uint32_t part = count - at < TN_SLICE_ROWS ? count - at : TN_SLICE_ROWS;
        tn_slice_open(&slice, in, selection == NULL ? NULL : selection + at, NULL, at, part);
        tn_slice_values(&slice, lane, scratch->values, at);
        tn_slice_validity(&slice, scratch->validity, at);
        has_nulls = has_nulls || slice.has_nulls;
    }
    *out = (tn_column){.type = in->type,
                       .lane = (uint8_t)lane,
                       .encoding = TN_FLAT,
                       .rows = count,
                       .values = scratch->values,
                       .validity = has_nulls ? scratch->validity : NULL};
    if (in->type->kind == TN_KIND_STRUCT) {
        return flatten_fields(in, selection, count, scratch, out, err);
    }
    if (tn_type_is_nested(in->type)) { /* heads were taken; elements stay where they are */
        out->children = in->encoding == TN_DICTIONARY ? in->children->children : in->children;
    }
    return TARN_OK;
}
