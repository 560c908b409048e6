/* A struct's field: handed through, with the struct's nulls. */
#include "expr/program_internal.h"

static void hand_through(tn_register *out, const tn_column *child, const tn_type *type)
{
    const tn_faults *faults = out->column.faults;
    out->column = *child;
    out->column.type = type;
    out->column.faults = faults;
}

/* The struct's nulls are put on the child, which becomes flat. */
static TN_FALLIBLE masked_child(tn_evaluator *ev, const tn_column *child, const uint64_t *validity,
                                const tn_type *type, tn_register *out, tarn_error *err)
{
    tn_register *spare = &ev->spare[0];
    const tn_faults *faults = out->column.faults;
    const size_t size = tn_lane_size(type->lane);
    tn_operand operand;
    spare->column = *child;
    spare->epoch = spare->flat_epoch = spare->bounds_epoch = 0;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, spare, type->lane, &operand, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, size, err));
    if (type->lane == TN_LANE_bool) {
        for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
            ((uint64_t *)out->values)[i] =
                ((const uint64_t *)operand.values)[operand.mask == UINT32_MAX ? i : 0];
        }
    }
    for (uint32_t row = 0; size > 0 && row < ev->rows; row++) {
        memcpy((char *)out->values + row * size,
               (const char *)operand.values + (row & operand.mask) * size, size);
    }
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        out->validity[i] =
            validity[i] &
            (operand.validity == NULL ? ~UINT64_C(0)
                                      : operand.validity[operand.mask == UINT32_MAX ? i : 0]);
    }
    tn_eval__flat_result(ev, out, type, type->lane);
    out->column.validity = out->validity;
    out->column.faults = faults;
    if (tn_type_is_nested(type)) {
        out->column.children = operand.column->children;
    }
    return TARN_OK;
}

tarn_code tn_eval__field(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                         tn_register *out, tarn_error *err)
{
    const tn_type *type = ins->expr->type;
    const uint32_t index = *(const uint32_t *)ins->bound->data;
    const tn_column *column = &args[0]->column;
    TN_RETURN_IF_ERROR(tn_eval__strict(ev, args, 1, out, err));
    if (column->encoding == TN_DICTIONARY) {
        const tn_column *child = &column->children->children[index];
        if (child->encoding != TN_FLAT || column->children->validity != NULL) {
            return tn_fail(err, TARN_E_UNSUPPORTED,
                           "a field of structs in a dictionary with nulls");
        }
        hand_through(out, column, type);
        out->column.lane = child->lane;
        out->column.children = child;
        out->column.dictionary_id = tn_dictionary_next_id();
        return TARN_OK;
    }
    const tn_column *child = &column->children[index];
    if (out->column.validity == NULL || column->encoding == TN_CONSTANT) {
        hand_through(out, child, type);
        return TARN_OK;
    }
    return masked_child(ev, child, out->column.validity, type, out, err);
}
