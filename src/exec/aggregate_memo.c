/*
 * The memo in front of a table of groups: where the one key is a dictionary's code, or an integer
 * near a base, its group is found without a hash.  What it does not know goes to the table.
 */
#include "exec/aggregate_internal.h"

enum { WINDOW = 64 << 10, BELOW = 512 };

void tn_memo__forget(tn_memo *memo)
{
    memset(memo->rows, 0, TN_MEMO_SIZE * sizeof(void *));
}

/* One loop a lane: rows whose group is known, and those that miss. */
#define LOOK(TYPE)                                                                         \
    for (uint32_t i = 0; i < count; i++) {                                                 \
        const uint64_t at =                                                                \
            (uint64_t)((const TYPE *)values)[selection == NULL ? i : selection[i]] - base; \
        uint8_t *row = at < TN_MEMO_SIZE ? memo->rows[at] : NULL;                          \
        out[i] = row;                                                                      \
        memo->miss[missed] = (uint16_t)i;                                                  \
        missed += row == NULL;                                                             \
    }                                                                                      \
    break

static uint32_t look(tn_memo *memo, const tn_column *key, tn_lane lane, const uint16_t *selection,
                     uint32_t count, uint8_t **out)
{
    const void *values = key->values;
    const uint64_t base = memo->base;
    const uint64_t *validity = key->validity;
    uint32_t missed = 0;
    switch (lane) {
    case TN_LANE_i8:
        LOOK(int8_t);
    case TN_LANE_i16:
        LOOK(int16_t);
    case TN_LANE_i32:
        LOOK(int32_t);
    case TN_LANE_u8:
        LOOK(uint8_t);
    case TN_LANE_u16:
        LOOK(uint16_t);
    case TN_LANE_u32:
        LOOK(uint32_t);
    case TN_LANE_i64:
    case TN_LANE_u64:
    case TN_LANE_f32:
    case TN_LANE_f64:
    case TN_LANE_bool:
    case TN_LANE_i128:
    case TN_LANE_i256:
    case TN_LANE_interval:
    case TN_LANE_view:
    case TN_LANE_list:
    case TN_LANE_none:
    case TN_LANE_ALL:
    default:
        LOOK(int64_t);
    }
    if (validity == NULL) {
        return missed;
    }
    missed = 0; /* nulls are the table's */
    for (uint32_t i = 0; i < count; i++) {
        if (!tn_bit_get(validity, selection == NULL ? i : selection[i])) {
            out[i] = NULL;
        }
        memo->miss[missed] = (uint16_t)i;
        missed += out[i] == NULL;
    }
    return missed;
}

static uint64_t value_at(const tn_column *key, tn_lane lane, uint32_t row)
{
    switch (lane) {
    case TN_LANE_i8:
        return (uint64_t)((const int8_t *)key->values)[row];
    case TN_LANE_i16:
        return (uint64_t)((const int16_t *)key->values)[row];
    case TN_LANE_i32:
        return (uint64_t)((const int32_t *)key->values)[row];
    case TN_LANE_u8:
        return ((const uint8_t *)key->values)[row];
    case TN_LANE_u16:
        return ((const uint16_t *)key->values)[row];
    case TN_LANE_u32:
        return ((const uint32_t *)key->values)[row];
    case TN_LANE_i64:
    case TN_LANE_u64:
    case TN_LANE_f32:
    case TN_LANE_f64:
    case TN_LANE_bool:
    case TN_LANE_i128:
    case TN_LANE_i256:
    case TN_LANE_interval:
    case TN_LANE_view:
    case TN_LANE_list:
    case TN_LANE_none:
    case TN_LANE_ALL:
    default:
        return ((const uint64_t *)key->values)[row];
    }
}

/* Can the memo answer for this column?  Sets it up for the column's codes or values. */
static bool prepare(tn_groups *groups, const tn_column *key, const tn_batch *part, tn_lane *lane)
{
    tn_memo *memo = &groups->memo;
    if (memo->is_off || groups->op->key_count != 1 || part->selected == 0) {
        return false;
    }
    if (key->encoding == TN_DICTIONARY) {
        *lane = (tn_lane)key->code_lane;
        if (memo->dictionary_id != key->dictionary_id) {
            tn_memo__forget(memo);
            memo->dictionary_id = key->dictionary_id;
        }
        memo->base = 0;
        memo->has_base = false;
        return true;
    }
    *lane = (tn_lane)key->lane;
    if (key->encoding != TN_FLAT || *lane > TN_LANE_u64 || !groups->op->short_key) {
        return false;
    }
    if (memo->dictionary_id != 0 || !memo->has_base) {
        uint64_t least = UINT64_MAX;
        for (uint32_t i = 0; i < part->selected; i++) { /* the least, as signed */
            const uint64_t value = value_at(key, *lane, tn_batch_row(part, i)) ^ UINT64_C(1) << 63;
            least = value < least ? value : least;
        }
        tn_memo__forget(memo);
        memo->dictionary_id = 0;
        memo->base = (least ^ UINT64_C(1) << 63) - BELOW;
        memo->has_base = true;
    }
    return true;
}

/* Where it seldom knows, it only costs. */
static void weigh(tn_memo *memo, uint32_t asked, uint32_t missed)
{
    memo->asked += asked;
    memo->missed += missed;
    if (memo->asked >= WINDOW) {
        memo->is_off = memo->missed > memo->asked / 4;
        memo->asked = memo->missed = 0;
    }
}

tarn_code tn_groups__look_up(tn_groups *groups, const tn_column *const *keys, const tn_batch *part,
                             tarn_error *err)
{
    tn_memo *memo = &groups->memo;
    const uint32_t count = part->selected;
    tn_lane lane;

    if (!prepare(groups, keys[0], part, &lane)) {
        TN_RETURN_IF_ERROR(tn_groups__prepare(groups, keys, part->selection, count, err));
        return tn_groups__find(groups, count, err);
    }
    const uint32_t missed = look(memo, keys[0], lane, part->selection, count, groups->rows);
    weigh(memo, count, missed);
    if (missed == 0) {
        return TARN_OK;
    }
    if (missed < count) {
        memcpy(memo->found, groups->rows, count * sizeof(void *));
    }
    for (uint32_t m = 0; m < missed; m++) {
        groups->selection[m] = (uint16_t)tn_batch_row(part, memo->miss[m]);
    }
    TN_RETURN_IF_ERROR(tn_groups__prepare(groups, keys, groups->selection, missed, err));
    TN_RETURN_IF_ERROR(tn_groups__find(groups, missed, err));
    for (uint32_t m = 0; m < missed; m++) {
        const uint32_t row = groups->selection[m];
        const uint64_t at = value_at(keys[0], lane, row) - memo->base;
        if (at < TN_MEMO_SIZE &&
            (keys[0]->validity == NULL || tn_bit_get(keys[0]->validity, row))) {
            memo->rows[at] = groups->rows[m];
        }
    }
    if (missed < count) {
        for (uint32_t m = 0; m < missed; m++) {
            memo->found[memo->miss[m]] = groups->rows[m];
        }
        memcpy(groups->rows, memo->found, count * sizeof(void *));
    }
    return TARN_OK;
}
