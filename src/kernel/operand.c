#include "kernel/operand.h"

#include "kernel/order.h"

#define AT(operand, type, row) (((const type *)(operand)->values)[(row) & (operand)->mask])

int tn_operand_compare(const tn_operand *a, uint32_t a_row, const tn_operand *b, uint32_t b_row,
                       const tn_type *type)
{
    switch (type->lane) {
#define CASE(name, type_)                              \
    case TN_LANE_##name: {                             \
        const type_ x = AT(a, type_, a_row);           \
        const type_ y = AT(b, type_, b_row);           \
        return TN_EQ(x, y) ? 0 : TN_LT(x, y) ? -1 : 1; \
    }
        TN_LANES(CASE)
        CASE(i128, tn_i128)
    case TN_LANE_bool:
        return (int)tn_bit_get(a->values, a_row & a->mask) -
               (int)tn_bit_get(b->values, b_row & b->mask);
    case TN_LANE_view:
        return tn_view_compare(&AT(a, tn_view, a_row), &AT(b, tn_view, b_row));
    case TN_LANE_list:
    case TN_LANE_none:
        return tn_column_compare(a->column, a_row & a->mask, b->column, b_row & b->mask);
    case TN_LANE_i256:
    case TN_LANE_interval:
    case TN_LANE_ALL:
        break;
    }
    tn_column scratch;
    tn_value left;
    tn_value right;
    tn_operand_value(a, a_row, type, &scratch, &left);
    tn_operand_value(b, b_row, type, &scratch, &right);
    return tn_value_compare(&left, &right);
}

void tn_operand_value(const tn_operand *operand, uint32_t row, const tn_type *type,
                      tn_column *scratch, tn_value *out)
{
    *out = (tn_value){.type = type};
    if (operand->validity != NULL && !tn_bit_get(operand->validity, row & operand->mask)) {
        out->is_null = true;
        return;
    }
    switch (type->lane) {
    case TN_LANE_bool:
        out->boolean = tn_bit_get(operand->values, row & operand->mask);
        return;
    case TN_LANE_f32:
        out->f64 = (double)AT(operand, float, row);
        return;
    case TN_LANE_f64:
        out->f64 = AT(operand, double, row);
        return;
#define SIGNED(name, type_)                 \
    case TN_LANE_##name:                    \
        out->i64 = AT(operand, type_, row); \
        return;
        SIGNED(i8, int8_t)
        SIGNED(i16, int16_t)
        SIGNED(i32, int32_t)
        SIGNED(i64, int64_t)
#define UNSIGNED(name, type_)               \
    case TN_LANE_##name:                    \
        out->u64 = AT(operand, type_, row); \
        return;
        UNSIGNED(u8, uint8_t)
        UNSIGNED(u16, uint16_t)
        UNSIGNED(u32, uint32_t)
        UNSIGNED(u64, uint64_t)
    case TN_LANE_i128:
        out->i128 = AT(operand, tn_i128, row);
        return;
    case TN_LANE_i256:
        out->i256 = AT(operand, tn_i256, row);
        return;
    case TN_LANE_interval:
        out->interval = AT(operand, tn_interval, row);
        return;
    case TN_LANE_view:
        out->str = tn_view_str(&AT(operand, tn_view, row));
        return;
    case TN_LANE_list:
    case TN_LANE_none:
    case TN_LANE_ALL:
        break;
    }
    if (operand->column == NULL) { /* NULL's own type */
        out->is_null = true;
        return;
    }
    *scratch = *operand->column;
    scratch->rows = 1;
    scratch->validity = NULL;
    scratch->values =
        (const char *)operand->values + (row & operand->mask) * tn_lane_size(type->lane);
    out->nested = scratch;
}

TN_FALLIBLE tn_call_value(tn_call *call, uint32_t k, uint32_t row, tn_column *scratch,
                          tn_value *out, tarn_error *err)
{
    const tn_operand *operand = &call->in[k];
    const tn_type *type = call->in_types[k];
    if (type->kind != TN_KIND_STRUCT || tn_call_is_null(call, k, row)) {
        tn_operand_value(operand, row, type, scratch, out);
        return TARN_OK;
    }
    return tn_value_of(operand->column, row & operand->mask, call->arena, out, err);
}
