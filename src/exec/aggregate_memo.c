/*
 * The memo in front of a table of groups: where the one key is a dictionary's code, or an integer
 * near a base, its group is found without a hash.  What it does not know goes to the table.
 */
#include "exec/aggregate_internal.h"
#include "kernel/template.h"

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
    }

static uint32_t look(tn_memo *memo, const tn_column *key, tn_lane lane, const uint16_t *selection,
                     uint32_t count, uint8_t **out)
{
    const void *values = key->values;
    const uint64_t base = memo->base;
    const uint64_t *validity = key->validity;
    uint32_t missed = 0;
    TN_BY_INTEGER_LANE(lane, LOOK, LOOK(int64_t))
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

#define VALUE(TYPE) return (uint64_t)((const TYPE *)key->values)[row]

static uint64_t value_at(const tn_column *key, tn_lane lane, uint32_t row)
{
    TN_BY_INTEGER_LANE(lane, VALUE, VALUE(uint64_t))
}

/* Each row's codes as one number, into memo->codes. */
#define MIX(type)                                                                           \
    for (uint32_t i = 0; i < count; i++) {                                                  \
        const uint32_t code = ((const type *)values)[selection == NULL ? i : selection[i]]; \
        codes[i] = (uint16_t)(k == 0 ? code : codes[i] * entries + code);                   \
    }                                                                                       \
    break

static void mix_codes(tn_memo *memo, const tn_column *const *keys, uint32_t key_count,
                      const uint16_t *selection, uint32_t count)
{
    uint16_t *codes = memo->codes;
    for (uint32_t k = 0; k < key_count; k++) {
        const void *values = keys[k]->values;
        const uint32_t entries = keys[k]->children->rows;
        switch (keys[k]->code_lane) {
        case TN_LANE_u8:
            MIX(uint8_t);
        case TN_LANE_u16:
            MIX(uint16_t);
        default:
            MIX(uint32_t);
        }
    }
}

/* Are all keys coded by small dictionaries, and without nulls?  How many numbers there may be. */
static bool prepare_several(tn_groups *groups, const tn_column *const *keys, uint32_t *codes)
{
    const uint32_t key_count = groups->op->key_count;
    tn_memo *memo = &groups->memo;
    uint64_t product = 1;
    bool same = memo->dictionary_id == UINT64_MAX;
    if (key_count > TN_MEMO_KEYS) {
        return false;
    }
    for (uint32_t k = 0; k < key_count; k++) {
        if (keys[k]->encoding != TN_DICTIONARY || keys[k]->validity != NULL ||
            keys[k]->children->rows == 0) {
            return false;
        }
        product *= keys[k]->children->rows;
        if (product > TN_MEMO_SIZE) {
            return false;
        }
        same = same && memo->more_ids[k] == keys[k]->dictionary_id;
    }
    if (!same) {
        tn_memo__forget(memo);
        for (uint32_t k = 0; k < key_count; k++) {
            memo->more_ids[k] = keys[k]->dictionary_id;
        }
    }
    memo->dictionary_id = UINT64_MAX;
    memo->base = 0;
    memo->has_base = false;
    *codes = (uint32_t)product;
    return true;
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

/* Rows that the memo does not know: to the table, and into the memo. */
static TN_FALLIBLE fill(tn_groups *groups, const tn_column *const *keys, const tn_batch *part,
                        const tn_column *coded, tn_lane lane, uint32_t missed, tarn_error *err)
{
    tn_memo *memo = &groups->memo;
    const uint32_t count = part->selected;
    const bool several = coded != keys[0];
    if (missed < count) {
        memcpy(memo->found, groups->rows, count * sizeof(void *));
    }
    for (uint32_t m = 0; m < missed; m++) {
        groups->selection[m] = (uint16_t)tn_batch_row(part, memo->miss[m]);
    }
    TN_RETURN_IF_ERROR(tn_groups__prepare(groups, keys, groups->selection, missed, err));
    TN_RETURN_IF_ERROR(tn_groups__find(groups, missed, err));
    for (uint32_t m = 0; m < missed; m++) {
        const uint32_t row = several ? memo->miss[m] : groups->selection[m];
        const uint64_t at = value_at(coded, lane, row) - memo->base;
        if (at < TN_MEMO_SIZE && (coded->validity == NULL || tn_bit_get(coded->validity, row))) {
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

tarn_code tn_groups__look_up(tn_groups *groups, const tn_column *const *keys, const tn_batch *part,
                             tarn_error *err)
{
    tn_memo *memo = &groups->memo;
    const uint32_t count = part->selected;
    const tn_column *coded = keys[0];
    const uint16_t *selection = part->selection;
    tn_column mixed;
    tn_lane lane;
    uint32_t codes = TN_FEW + 1;

    groups->few.codes = 0;
    if (groups->op->key_count > 1 && !memo->is_off && count > 0 &&
        prepare_several(groups, keys, &codes)) {
        mix_codes(memo, keys, groups->op->key_count, selection, count);
        mixed = (tn_column){.type = TN_USMALLINT, .lane = TN_LANE_u16, .values = memo->codes};
        coded = &mixed;
        lane = TN_LANE_u16;
        selection = NULL;
    } else if (!prepare(groups, keys[0], part, &lane)) {
        TN_RETURN_IF_ERROR(tn_groups__prepare(groups, keys, part->selection, count, err));
        return tn_groups__find(groups, count, err);
    }
    if (coded->encoding == TN_DICTIONARY && coded->validity == NULL) {
        codes = coded->children->rows;
    }
    if (tn_few__divide(groups, coded->values, lane, coded == &mixed, codes, part)) {
        weigh(memo, count, 0);
        return TARN_OK;
    }
    const uint32_t missed = look(memo, coded, lane, selection, count, groups->rows);
    weigh(memo, count, missed);
    return missed == 0 ? TARN_OK : fill(groups, keys, part, coded, lane, missed, err);
}
