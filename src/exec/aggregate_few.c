/*
 * Batches of a few groups, whose codes the memo knows: rows are put by group once, and each
 * aggregate then takes a group's rows at a time, as if there were no other, in place of a state a
 * row.
 */
#include "exec/aggregate_internal.h"

#include "column/gather.h"

enum { ROWS_LEAST = 128 /* of a batch: for fewer it does not pay */ };

/* DO(row, code) of each row of the part, with `i` its number in it. */
#define EACH_ROW(TYPE, DO)                                                   \
    for (uint32_t i = 0; i < part->selected; i++) {                          \
        const uint16_t row = selection == NULL ? (uint16_t)i : selection[i]; \
        const size_t code = ((const TYPE *)few->of)[few->by_part ? i : row]; \
        DO;                                                                  \
    }
#define EACH(DO)                               \
    do {                                       \
        if (few->lane == TN_LANE_u8) {         \
            EACH_ROW(uint8_t, DO)              \
        } else if (few->lane == TN_LANE_u16) { \
            EACH_ROW(uint16_t, DO)             \
        } else {                               \
            EACH_ROW(uint32_t, DO)             \
        }                                      \
    } while (0)

bool tn_few__divide(tn_groups *groups, const void *of, tn_lane lane, bool by_part, uint32_t codes,
                    const tn_batch *part)
{
    tn_few *const few = &groups->few;
    const uint16_t *const selection = part->selection;
    if (!groups->op->has_exact || codes > TN_FEW || part->selected < ROWS_LEAST) {
        return false;
    }
    few->of = of;
    few->lane = lane;
    few->by_part = by_part;
    memset(few->count, 0, sizeof(few->count));
    EACH(few->rows[code * TN_BATCH_ROWS + few->count[code]++] = row);
    for (uint32_t code = 0; code < codes; code++) {
        few->group[code] = groups->memo.rows[code];
        if (few->count[code] > 0 && few->group[code] == NULL) {
            return false; /* its first row: the table makes the group */
        }
    }
    few->codes = codes;
    few->has_rows = false;
    return true;
}

void tn_few__spell(tn_groups *groups, const tn_batch *part)
{
    tn_few *const few = &groups->few;
    const uint16_t *const selection = part->selection;
    if (!few->has_rows) {
        EACH(groups->rows[i] = few->group[code]);
        few->has_rows = true;
    }
}

/* The arguments flat, each row's value at the row's own place; `done` is cleared where that is not
 * to be had. */
static TN_FALLIBLE spread(tn_groups *groups, const tn_agg_slot *slot, const tn_column *exprs,
                          const tn_batch *part, tn_column *out, bool *done, tarn_error *err)
{
    for (uint32_t a = 0; a < slot->bound->argument_count && *done; a++) {
        const tn_column *column = &exprs[slot->arguments + a];
        const tn_lane lane = tn_agg__lane(slot->bound, column);
        tn_scratch *const scratch = &groups->scratch[a];
        TN_RETURN_IF_ERROR(tn_inputs__raise(column, part, err));
        out[a] = *column;
        if (column->encoding == TN_FLAT && (tn_lane)column->lane == lane) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_scratch_reserve(scratch, TN_BATCH_ROWS * sizeof(tn_view), err));
        *done = tn_column_decode(column, part->selection, 0, part->selected, lane, true,
                                 scratch->values);
        out[a] = (tn_column){.type = column->type,
                             .lane = (uint8_t)lane,
                             .encoding = TN_FLAT,
                             .rows = TN_BATCH_ROWS,
                             .values = scratch->values};
    }
    return TARN_OK;
}

tarn_code tn_few__update(tn_groups *groups, const tn_agg_slot *slot, const tn_column *exprs,
                         const tn_batch *part, bool *done, tarn_error *err)
{
    const tn_few *const few = &groups->few;
    const tn_bound_aggregate *const bound = slot->bound;
    tn_column arguments[4];
    *done = bound->ops->is_exact && slot->filter == TN_NO_EXPR;
    TN_RETURN_IF_ERROR(spread(groups, slot, exprs, part, arguments, done, err));
    for (uint32_t code = 0; *done && code < few->codes; code++) {
        if (few->count[code] > 0) {
            TN_RETURN_IF_ERROR(bound->ops->update_one(
                bound, few->group[code] + slot->state, arguments,
                few->rows + (size_t)code * TN_BATCH_ROWS, few->count[code], 0, NULL, err));
        }
    }
    return TARN_OK;
}
