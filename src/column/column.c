#include "column/column_internal.h"

#include <assert.h>

int tn_view_compare(const tn_view *a, const tn_view *b)
{
    return tn_str_compare(tn_view_str(a), tn_view_str(b));
}

uint64_t tn_dictionary_next_id(void)
{
    static _Atomic uint64_t last; /* of the process: ids are never used twice */
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/* The bits a lane's values span, and whether they may be negative. */
static bool integer_lane(tn_lane lane, unsigned *bits, bool *is_signed)
{
    const bool integer = lane <= TN_LANE_u64 || lane == TN_LANE_i128 || lane == TN_LANE_i256;
    *bits = (unsigned)(8 * tn_lane_size(lane));
    *is_signed = lane <= TN_LANE_i64 || lane == TN_LANE_i128 || lane == TN_LANE_i256;
    return integer;
}

bool tn_lane_fits(const tn_type *type, tn_lane lane)
{
    unsigned declared_bits;
    unsigned bits;
    bool declared_signed;
    bool is_signed;

    if (lane == type->lane) {
        return true;
    }
    if (!integer_lane(type->lane, &declared_bits, &declared_signed) ||
        !integer_lane(lane, &bits, &is_signed)) {
        return false;
    }
    return bits < declared_bits && (is_signed == declared_signed || declared_signed);
}

const tn_column *tn_column_locate(const tn_column *column, uint32_t *row)
{
    for (;;) {
        const uint32_t at = column->encoding == TN_CONSTANT ? 0 : *row;
        if (column->validity != NULL && !tn_bit_get(column->validity, at)) {
            return NULL;
        }
        if (column->type->kind == TN_KIND_NULL) {
            return NULL;
        }
        if (column->encoding != TN_DICTIONARY) {
            *row = at;
            return column;
        }
        *row = tn_column_code(column, *row);
        column = column->children;
    }
}

bool tn_column_is_null(const tn_column *column, uint32_t row)
{
    return tn_column_locate(column, &row) == NULL;
}

void tn_owners_retain(tn_owners *owners)
{
    atomic_fetch_add_explicit(&owners->refs, 1, memory_order_relaxed);
}

void tn_owners_release(tn_owners *owners)
{
    if (owners == NULL || atomic_fetch_sub_explicit(&owners->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t i = 0; i < owners->count; i++) {
        tn_buffer_release(owners->items[i]);
    }
    tn_pool_free(owners->pool, owners, sizeof(*owners) + owners->capacity * sizeof(tn_buffer *));
}

static bool is_selected(const tn_batch *batch, uint32_t row)
{
    if (batch->selection == NULL) {
        return row < batch->rows;
    }
    uint32_t low = 0;
    uint32_t high = batch->selected;
    while (low < high) { /* ascending: one search a fault, not one a survivor */
        const uint32_t middle = (low + high) / 2;
        if (batch->selection[middle] < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < batch->selected && batch->selection[low] == row;
}

tarn_code tn_column_raise(const tn_column *column, const tn_batch *batch, tarn_error *err)
{
    const tn_faults *first = NULL;
    uint32_t first_row = UINT32_MAX;

    for (const tn_faults *faults = column->faults; faults != NULL; faults = faults->next) {
        for (size_t word = 0; word < tn_bitmap_words(batch->rows); word++) {
            uint64_t bits = faults->mask[word];
            for (; bits != 0; bits &= bits - 1) {
                const uint32_t row = (uint32_t)(64 * word) + (uint32_t)__builtin_ctzll(bits);
                if (row < first_row && is_selected(batch, row)) {
                    first_row = row;
                    first = faults;
                }
            }
        }
    }
    if (first == NULL) {
        return TARN_OK;
    }
    const tarn_code code = first->describe(first, first_row, err);
    assert(code != TARN_OK);
    if (err != NULL && err->span_length == 0) {
        err->span_start = first->span_start;
        err->span_length = first->span_length;
    }
    return code;
}
