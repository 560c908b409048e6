/*
 * DISTINCT: groups without aggregates.  DISTINCT ON: rows sorted by the keys, then by the order
 * asked for, then by tag; the first ones of each key come out.
 */
#include "exec/block_internal.h"
#include "exec/sort_internal.h"

tarn_code tn_distinct_create(tn_run *run, const tn_expr *const *keys, uint32_t key_count,
                             const tn_sort_key *order, uint32_t order_count, uint64_t limit,
                             uint64_t offset, const tn_layout *layout, const tn_type *const *types,
                             uint32_t width, tn_operator **out, tarn_error *err)
{
    tn_arena *arena = run->expr->arena;
    tn_sort_key *sort;
    const tn_expr **columns;

    *out = NULL;
    if (key_count == 0) { /* the whole row */
        TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_expr *, width, &columns, err));
        for (uint32_t i = 0; i < width; i++) {
            TN_RETURN_IF_ERROR(tn_expr_column(run->expr, layout->ids[i], TN_STR("column"), types[i],
                                              (tn_span){0, 0}, &columns[i], err));
        }
        return tn_aggregate_create(run, columns, width, NULL, 0, layout, false, -1, out, err);
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_sort_key, key_count + order_count, &sort, err));
    for (uint32_t i = 0; i < key_count; i++) {
        sort[i] = (tn_sort_key){.expr = keys[i]};
    }
    for (uint32_t i = 0; i < order_count; i++) {
        sort[key_count + i] = order[i];
    }
    return tn_sort__create_first(run, sort, key_count + order_count, key_count, limit, offset,
                                 layout, types, width, out, err);
}
