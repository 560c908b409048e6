/* IN over literals: a look-up table made once, by lane. */
#include "base/hash.h"
#include "expr/program_internal.h"
#include "kernel/operand.h"

typedef enum in_kind { IN_WORDS, IN_TEXTS, IN_VALUES } in_kind;

typedef struct in_table {
    in_kind kind;
    bool has_null;
    uint32_t count;  /* of values, without nulls */
    uint32_t mask;   /* slots - 1, a power of two */
    uint32_t *slots; /* index + 1; 0: free */
    uint64_t *words; /* values as 64 bits; floats made canonical */
    tn_view *texts;
    const void *values; /* others, one after another in the declared lane */
} in_table;

/* Any value of a lane up to 64 bits as a key: equal values, equal keys. */
static uint64_t key_of(tn_lane lane, const void *values, size_t row)
{
    switch (lane) {
#define KEY(name, type)  \
    case TN_LANE_##name: \
        return (uint64_t)((const type *)values)[row];
        KEY(i8, int8_t)
        KEY(i16, int16_t)
        KEY(i32, int32_t)
        KEY(i64, int64_t)
        KEY(u8, uint8_t)
        KEY(u16, uint16_t)
        KEY(u32, uint32_t)
        KEY(u64, uint64_t)
    case TN_LANE_f32:
    case TN_LANE_f64: {
        const double value = lane == TN_LANE_f32 ? (double)((const float *)values)[row]
                                                 : ((const double *)values)[row];
        uint64_t bits;
        memcpy(&bits, &value, 8);
        return value != value ? UINT64_C(0x7ff8000000000000) : value == 0 ? 0 : bits;
    }
    default:
        return 0;
    }
}

static uint64_t hash_at(const in_table *table, uint32_t i)
{
    return table->kind == IN_WORDS
               ? tn_hash_u64(table->words[i])
               : tn_hash_bytes(tn_view_data(&table->texts[i]), table->texts[i].size, 0);
}

static TN_FALLIBLE fill_slots(tn_arena *arena, in_table *table, tarn_error *err)
{
    size_t size = 16;
    while (size < (size_t)table->count * 2) {
        size *= 2;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, uint32_t, size, &table->slots, err));
    table->mask = (uint32_t)size - 1;
    for (uint32_t i = 0; i < table->count; i++) {
        size_t slot = (size_t)hash_at(table, i) & table->mask;
        while (table->slots[slot] != 0) {
            slot = (slot + 1) & table->mask;
        }
        table->slots[slot] = i + 1;
    }
    return TARN_OK;
}

tarn_code tn_in__build(tn_arena *arena, const tn_expr *expr, const void **out, tarn_error *err)
{
    const tn_type *type = expr->children[0]->type;
    const uint32_t count = expr->child_count - 1;
    const size_t size = tn_lane_size(type->lane) == 0 ? 8 : tn_lane_size(type->lane);
    in_table *table = NULL;
    char *values = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, in_table, &table, err));
    TN_RETURN_IF_ERROR(tn_arena_alloc_array(arena, count, size, (void **)&values, err));
    table->kind = type->lane < TN_LANE_COUNT   ? IN_WORDS
                  : type->lane == TN_LANE_view ? IN_TEXTS
                                               : IN_VALUES;
    for (uint32_t i = 0; i < count; i++) {
        const tn_value *value = &expr->children[i + 1]->value;
        tn_column column;
        if (value->is_null) {
            table->has_null = true;
            continue;
        }
        TN_RETURN_IF_ERROR(tn_value_column(value, 1, arena, &column, err));
        memcpy(values + table->count++ * size, column.values, size);
    }
    table->values = values;
    table->texts = (tn_view *)(void *)values;
    if (table->kind == IN_WORDS) {
        TN_RETURN_IF_ERROR(tn_arena_array(arena, uint64_t, count, &table->words, err));
        for (uint32_t i = 0; i < table->count; i++) {
            table->words[i] = key_of(type->lane, values, i);
        }
    }
    *out = table;
    return table->kind == IN_VALUES ? TARN_OK : fill_slots(arena, table, err);
}

static bool has_word(const in_table *table, uint64_t word)
{
    if (table->count <= 8) {
        bool found = false;
        for (uint32_t i = 0; i < table->count; i++) {
            found |= table->words[i] == word;
        }
        return found;
    }
    for (size_t slot = (size_t)tn_hash_u64(word) & table->mask; table->slots[slot] != 0;
         slot = (slot + 1) & table->mask) {
        if (table->words[table->slots[slot] - 1] == word) {
            return true;
        }
    }
    return false;
}

static bool has_text(const in_table *table, const tn_view *text)
{
    if (table->count <= 4) {
        for (uint32_t i = 0; i < table->count; i++) {
            if (tn_view_equal(&table->texts[i], text)) {
                return true;
            }
        }
        return false;
    }
    const uint64_t hash = tn_hash_bytes(tn_view_data(text), text->size, 0);
    for (size_t slot = (size_t)hash & table->mask; table->slots[slot] != 0;
         slot = (slot + 1) & table->mask) {
        if (tn_view_equal(&table->texts[table->slots[slot] - 1], text)) {
            return true;
        }
    }
    return false;
}

static bool has_value(const in_table *table, const tn_operand *operand, uint32_t row,
                      const tn_type *type)
{
    if (type->lane == TN_LANE_bool) {
        const bool value = tn_bit_get(operand->values, row & operand->mask);
        for (uint32_t i = 0; i < table->count; i++) {
            if (((((const uint64_t *)table->values)[i] & 1) != 0) == value) {
                return true;
            }
        }
        return false;
    }
    const tn_operand list = {.values = table->values, .mask = UINT32_MAX};
    for (uint32_t i = 0; i < table->count; i++) {
        if (tn_operand_compare(operand, row, &list, i, type) == 0) {
            return true;
        }
    }
    return false;
}

tarn_code tn_eval__in(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                      tn_register *out, tarn_error *err)
{
    const in_table *table = ins->data;
    const tn_type *type = args[0]->column.type;
    uint64_t skip[TN_ROW_WORDS];
    tn_operand operand;
    TN_RETURN_IF_ERROR(tn_eval__strict(ev, args, 1, out, err));
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], type->lane, &operand, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, 0, err));
    (void)tn_eval__fault_words(ev, &out->column, skip);
    uint64_t *values = out->values;
    memset(values, 0, TN_ROW_WORDS * sizeof(*values));
    for (uint32_t i = 0; i < ev->count; i++) {
        const uint32_t row = ev->selection == NULL ? i : ev->selection[i];
        bool found;
        if ((out->column.validity != NULL && !tn_bit_get(out->column.validity, row)) ||
            tn_bit_get(skip, row)) {
            continue;
        }
        if (table->kind == IN_WORDS) {
            found = has_word(table, key_of(type->lane, operand.values, row & operand.mask));
        } else if (table->kind == IN_TEXTS) {
            found = has_text(table, &((const tn_view *)operand.values)[row & operand.mask]);
        } else {
            found = has_value(table, &operand, row, type);
        }
        values[row / 64] |= (uint64_t)found << row % 64;
    }
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        if (table->has_null) { /* not found beside a NULL is unknown */
            out->validity[i] =
                values[i] & (out->column.validity == NULL ? ~UINT64_C(0) : out->column.validity[i]);
        }
        values[i] = ins->expr->negated ? ~values[i] : values[i];
    }
    if (table->has_null) {
        out->column.validity = out->validity;
    }
    tn_eval__flat_result(ev, out, TN_BOOLEAN, TN_LANE_bool);
    return TARN_OK;
}
