/* The heads of chains of build rows. */
#include "exec/join_internal.h"

#include "kernel/template.h"

void tn_join__table_free(tn_pool *pool, tn_join_table *table)
{
    tn_join__direct_free(pool, table);
    tn_pool_free_pages(pool, table->heads, table->size);
    *table = (tn_join_table){0};
}

#define KEY(TYPE)                          \
    {                                      \
        TYPE value;                        \
        memcpy(&value, at, sizeof(value)); \
        return (uint64_t)value;            \
    }

uint64_t tn_join__key(const tn_join *join, const uint8_t *row)
{
    const tn_row_field *field = &join->layout->fields[0];
    const uint8_t *at = row + field->offset;
    TN_BY_INTEGER_LANE(field->lane, KEY, KEY(uint64_t))
}

static bool chain_rows(const tn_join *join, tn_join_table *table, uint8_t *const *rows,
                       uint32_t count)
{
    uint64_t at[256];
    for (uint32_t i = 0; i < count; i++) {
        tn_join_row *row = (tn_join_row *)(void *)rows[i];
        at[i] = table->dense ? tn_join__key(join, rows[i]) - table->min : row->hash & table->mask;
        __builtin_prefetch(&table->heads[at[i]], 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        tn_join_row *row = (tn_join_row *)(void *)rows[i];
        const uint64_t head = table->heads[at[i]];
        const uint64_t tag = UINT64_C(1) << (48 + (row->hash >> 44 & 15));
        const uint64_t pointer = (UINT64_C(1) << 48) - 1;
        row->next = (tn_join_row *)(uintptr_t)(head & pointer);
        if (table->dense) {
            table->unique = table->unique && head == 0;
        } else if (table->unique && (head & tag) != 0) { /* the tag says that it may be there */
            for (const tn_join_row *other = row->next; other != NULL; other = other->next) {
                table->unique = table->unique && other->hash != row->hash;
            }
        }
        table->heads[at[i]] =
            (table->dense ? 0 : (head & ~pointer) | tag) | (uint64_t)(uintptr_t)row;
    }
    table->rows += count;
    return true;
}

tarn_code tn_join__each_row(const tn_join *join, tn_rows *const *sets, uint32_t count,
                            tn_join_visit *visit, tn_join_table *table, tarn_error *err)
{
    tarn_code code = TARN_OK;
    uint8_t *rows[256];
    tn_rows_cursor cursor = {0};
    for (uint32_t s = 0; s < count; s++) {
        uint32_t part;
        uint64_t seen = 0;
        cursor = (tn_rows_cursor){.rows = sets[s]};
        do {
            TN_TRY(tn_rows_cursor_next(&cursor, 256, rows, &part, err));
            if (!visit(join, table, rows, part)) {
                goto done;
            }
            seen += part;
            if (seen % (64 << 10) < 256 &&
                atomic_load_explicit(join->run->cancelled, memory_order_relaxed)) {
                code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
                goto done;
            }
        } while (part > 0);
    }
done:
    if (cursor.rows != NULL) {
        tn_rows_cursor_close(&cursor);
    }
    return code;
}

tarn_code tn_join__table_make(const tn_join *join, tn_pool *pool, tn_rows *const *sets,
                              uint32_t count, bool dense, tn_join_table *table, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory;
    uint64_t total = 0;

    *table = (tn_join_table){.unique = true};
    for (uint32_t s = 0; s < count; s++) {
        total += sets[s]->count;
    }
    const uint64_t range = (uint64_t)join->max - (uint64_t)join->min;
    if (dense && range < 2 * total + 1024) {
        table->dense = true;
        table->min = (uint64_t)join->min;
        table->range = range + 1;
        code = tn_join__direct_make(join, pool, sets, count, table, err);
        if (code != TARN_OK || table->present != NULL) {
            return code;
        }
        table->size = (size_t)table->range * 8;
    } else {
        size_t heads = 64;
        while (heads < total + total / 4 && join->options.key_count > 0) {
            heads *= 2;
        }
        table->mask = heads - 1;
        table->size = heads * 8;
    }
    code = tn_pool_alloc_pages(pool, table->size, true, &memory, err);
    if (code != TARN_OK) {
        table->size = 0;
        return tn_spill_explain(join->run->spill, code, err);
    }
    table->heads = memory;
    return tn_join__each_row(join, sets, count, chain_rows, table, err);
}
