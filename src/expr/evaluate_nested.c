/* Nested values: a struct's field, handed through with the struct's nulls; branches of a choice. */
#include "column/chunk.h"
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

/* ---- CASE and COALESCE of nested values ---- */

/* One branch has values, and a column of its own: its nulls are all that changes. */
static TN_FALLIBLE take_one(tn_evaluator *ev, const tn_type *type, tn_register *branch,
                            const uint64_t *take, tn_register *out, tarn_error *err)
{
    tn_operand operand;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, branch, type->lane, &operand, err));
    const tn_faults *faults = out->column.faults;
    out->column = branch->column;
    out->column.faults = faults;
    out->column.type = type;
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        out->validity[i] = take[i] & tn_eval__word_of(operand.validity, &operand, i);
    }
    out->column.validity = out->validity;
    return TARN_OK;
}

/* What a branch gives goes behind what those before it gave; codes say where. */
static TN_FALLIBLE gather_branch(tn_evaluator *ev, const tn_column *branch, const uint64_t *take,
                                 tn_chunk_builder *builder, uint16_t *codes, tn_register *out,
                                 tarn_error *err)
{
    uint16_t selection[TN_BATCH_ROWS];
    tn_batch batch = {.columns = branch, .selection = selection, .width = 1, .rows = ev->rows};
    tn_column calm = *branch; /* its faults are the result's already */
    uint32_t next = 0;
    const uint32_t base = tn_chunk_builder_rows(builder);
    for (uint32_t i = 0; i < ev->count; i++) {
        const uint32_t row = ev->selection == NULL ? i : ev->selection[i];
        bool taken = tn_bit_get(take, row);
        for (const tn_faults *node = branch->faults; node != NULL && taken; node = node->next) {
            taken = !tn_bit_get(node->mask, row);
        }
        if (taken) {
            tn_bit_set(out->validity, row);
            codes[row] = (uint16_t)(base + batch.selected);
            selection[batch.selected++] = (uint16_t)row;
        }
    }
    calm.faults = NULL;
    batch.columns = &calm;
    return batch.selected == 0 ? TARN_OK : tn_chunk_builder_append(builder, &batch, &next, err);
}

/* The rows of several branches, gathered branch by branch and then brought into order. */
static TN_FALLIBLE take_several(tn_evaluator *ev, const tn_type *type, tn_register *const *branches,
                                uint32_t count, const uint64_t (*take)[TN_ROW_WORDS],
                                tn_register *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_chunk_builder *builder = NULL;
    tn_chunk *parts = NULL;
    uint16_t codes[TN_BATCH_ROWS] = {0};
    uint32_t next = 0;
    const tn_faults *faults = out->column.faults;
    memset(out->validity, 0, sizeof(out->validity));
    TN_TRY(tn_chunk_builder_create(ev->pool, &type, 1, TN_BATCH_ROWS, &builder, err));
    for (uint32_t k = 0; k < count; k++) {
        if (!tn_eval__is_null_constant(&branches[k]->column)) {
            TN_TRY(gather_branch(ev, &branches[k]->column, take[k], builder, codes, out, err));
        }
    }
    TN_TRY(tn_chunk_builder_finish(builder, &parts, err));
    if (parts->rows == 0) {
        tn_eval__null_result(ev, out, type);
        goto done;
    }
    const tn_column ordered = {.type = type,
                               .lane = parts->columns[0].lane,
                               .encoding = TN_DICTIONARY,
                               .code_lane = TN_LANE_u16,
                               .rows = ev->rows,
                               .values = codes,
                               .validity = out->validity,
                               .children = &parts->columns[0],
                               .dictionary_id = tn_dictionary_next_id()};
    const tn_batch batch = {
        .columns = &ordered, .width = 1, .rows = ev->rows, .selected = ev->rows};
    TN_TRY(tn_chunk_builder_append(builder, &batch, &next, err));
    tn_chunk_release(out->chunk);
    out->chunk = NULL;
    TN_TRY(tn_chunk_builder_finish(builder, &out->chunk, err));
    out->column = out->chunk->columns[0];
    out->column.faults = faults;
    out->column.owners = NULL;
done:
    tn_chunk_builder_destroy(builder);
    tn_chunk_release(parts);
    return code;
}

tarn_code tn_eval__merge_nested(tn_evaluator *ev, const tn_type *type, tn_register *const *branches,
                                uint32_t count, const uint64_t (*take)[TN_ROW_WORDS],
                                tn_register *out, tarn_error *err)
{
    uint32_t only = 0;
    uint32_t with_values = 0;
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_eval__keep_faults(ev, &branches[i]->column, take[i], out, err));
        if (!tn_eval__is_null_constant(&branches[i]->column)) {
            only = i;
            with_values++;
        }
    }
    if (with_values == 0) {
        tn_eval__null_result(ev, out, type);
        return TARN_OK;
    }
    return with_values == 1 && branches[only]->column.encoding == TN_FLAT
               ? take_one(ev, type, branches[only], take[only], out, err)
               : take_several(ev, type, branches, count, take, out, err);
}
