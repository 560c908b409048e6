/* The table of groups: linear probing, batch by batch. */
#include "exec/aggregate_internal.h"

#include "kernel/hash_column.h"

#include <assert.h>

enum { DIRECTORY_MIN = 1024, AHEAD = 16, SALT_SHIFT = 48 };

typedef struct short_entry {
    uint64_t key;
    uint8_t *row; /* NULL: free */
} short_entry;

static const uint64_t POINTER = (UINT64_C(1) << SALT_SHIFT) - 1;

static inline uint64_t salt_of(uint64_t hash)
{
    return hash << 16 & ~POINTER; /* bits between directory and partition */
}

static TN_FALLIBLE heap_take(tn_state_heap *base, size_t size, char **out, tarn_error *err)
{
    void *memory;
    const tarn_code code = tn_arena_alloc(&((tn_agg_heap *)base)->arena, size, &memory, err);
    *out = memory;
    return code;
}

tarn_code tn_agg__heap_create(tn_pool *pool, tn_agg_heap **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn_agg_heap), &memory, err));
    *out = memory;
    (*out)->base.take = heap_take;
    tn_arena_init(&(*out)->arena, pool);
    return TARN_OK;
}

static size_t entry_size(const tn_groups *groups)
{
    return groups->op->short_key ? sizeof(short_entry) : sizeof(uint64_t);
}

static TN_FALLIBLE array(tn_pool *pool, size_t item, void *out, tarn_error *err)
{
    void *memory = NULL;
    const tarn_code code = tn_pool_alloc(pool, TN_BATCH_ROWS * item, &memory, err);
    memcpy(out, &memory, sizeof(memory));
    return code;
}

tarn_code tn_groups__create(const tn_aggregation *op, tn_pool *pool, uint32_t set_count,
                            bool evictable, tn_groups **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_groups *made = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*made), &memory, err));
    made = memory;
    made->op = op;
    made->pool = pool;
    made->set_count = set_count;
    made->bits = set_count > 1 ? op->bits : 0;
    for (uint32_t i = 0; i < 4; i++) {
        tn_scratch_init(&made->scratch[i], pool);
    }
    TN_TRY(tn_pool_alloc(pool, set_count * sizeof(tn_rows), (void **)&made->sets, err));
    for (uint32_t i = 0; i < set_count; i++) {
        tn_rows_init(&made->sets[i], op->groups, (tn_pool *)(uintptr_t)&op->pool,
                     evictable ? op->run->spill : NULL);
        made->sets[i].keep = true;
        made->sets[i].page_max = set_count > 1 ? op->page_max : 0;
    }
    TN_TRY(tn_row_writer_create(pool, op->groups, op->key_count, &made->writer, err));
    TN_TRY(array(pool, 2, &made->memo.miss, err));
    TN_TRY(array(pool, 8, &made->memo.found, err));
    TN_TRY(array(pool, 2, &made->memo.codes, err));
    TN_TRY(
        tn_pool_alloc_zeroed(pool, TN_MEMO_SIZE * sizeof(void *), (void **)&made->memo.rows, err));
    if (op->has_exact) {
        TN_TRY(array(pool, 2 * TN_FEW, &made->few.rows, err));
    }
    TN_TRY(array(pool, 8, &made->hashes, err));
    TN_TRY(array(pool, 8, &made->keys, err));
    TN_TRY(array(pool, 8, &made->rows, err));
    TN_TRY(array(pool, 8, &made->fresh_rows, err));
    TN_TRY(array(pool, 8, &made->heap_at, err));
    TN_TRY(array(pool, 8, &made->states, err));
    TN_TRY(array(pool, 8, &made->from, err));
    TN_TRY(array(pool, 8, &made->at, err));
    TN_TRY(array(pool, 2, &made->fresh, err));
    TN_TRY(array(pool, 2, &made->active, err));
    TN_TRY(array(pool, 2, &made->found, err));
    TN_TRY(array(pool, 2, &made->equal, err));
    TN_TRY(array(pool, 2, &made->other, err));
    TN_TRY(array(pool, 2, &made->which, err));
    TN_TRY(array(pool, 2, &made->selection, err));
    if (op->has_move) {
        TN_TRY(tn_agg__heap_create((tn_pool *)(uintptr_t)&op->pool, &made->heap, err));
    }
    *out = made;
    made = NULL;
done:
    tn_groups__destroy(made);
    return code;
}

void tn_groups__destroy(tn_groups *groups)
{
    if (groups == NULL) {
        return;
    }
    tn_pool *pool = groups->pool;
    for (uint32_t i = 0; groups->sets != NULL && i < groups->set_count; i++) {
        tn_rows_clear(&groups->sets[i]);
    }
    if (groups->heap != NULL) {
        tn_arena_deinit(&groups->heap->arena);
        tn_pool_free(groups->heap->arena.pool, groups->heap, sizeof(tn_agg_heap));
    }
    for (uint32_t i = 0; i < 4; i++) {
        tn_scratch_deinit(&groups->scratch[i]);
    }
    if (groups->directory != NULL) {
        tn_pool_free_pages(pool, groups->directory, (groups->mask + 1) * entry_size(groups));
    }
    tn_row_writer_destroy(groups->writer);
    void *const wide[] = {groups->hashes,  groups->keys,   groups->rows, groups->fresh_rows,
                          groups->heap_at, groups->states, groups->from, groups->at};
    void *const narrow[] = {groups->fresh, groups->active, groups->found,    groups->equal,
                            groups->other, groups->which,  groups->selection};
    for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++) {
        tn_pool_free(pool, wide[i], TN_BATCH_ROWS * 8);
    }
    for (size_t i = 0; i < sizeof(narrow) / sizeof(*narrow); i++) {
        tn_pool_free(pool, narrow[i], TN_BATCH_ROWS * 2);
    }
    tn_pool_free(pool, groups->few.rows, TN_BATCH_ROWS * 2 * TN_FEW);
    tn_pool_free(pool, groups->memo.miss, TN_BATCH_ROWS * 2);
    tn_pool_free(pool, groups->memo.found, TN_BATCH_ROWS * 8);
    tn_pool_free(pool, groups->memo.codes, TN_BATCH_ROWS * 2);
    tn_pool_free(pool, groups->memo.rows, TN_MEMO_SIZE * sizeof(void *));
    tn_pool_free(pool, groups->sets, groups->set_count * sizeof(tn_rows));
    tn_pool_free(pool, groups, sizeof(*groups));
}

size_t tn_groups__bytes(const tn_groups *groups)
{
    size_t bytes = groups->directory == NULL ? 0 : (groups->mask + 1) * entry_size(groups);
    for (uint32_t i = 0; i < groups->set_count; i++) {
        bytes += groups->sets[i].bytes;
    }
    return bytes;
}

void tn_groups__reset(tn_groups *groups)
{
    if (groups->directory != NULL) {
        memset(groups->directory, 0, (groups->mask + 1) * entry_size(groups));
    }
    groups->count = 0;
    tn_memo__forget(&groups->memo);
    groups->null_group = NULL;
    for (uint32_t i = 0; i < groups->set_count; i++) {
        groups->sets[i].keep = true;
    }
}

static size_t entries_of(uint64_t count)
{
    size_t entries = DIRECTORY_MIN;
    while (entries < 2 * count) {
        entries *= 2;
    }
    return entries;
}

size_t tn_groups__need(const tn_groups *groups, uint64_t count, bool reserved)
{
    const size_t directory = entries_of(count) * entry_size(groups);
    return count * groups->op->groups->row_size + directory + (reserved ? 0 : directory / 2);
}

/* Room for `more` groups at half full. */
static TN_FALLIBLE grow(tn_groups *groups, uint64_t more, tarn_error *err)
{
    const size_t old_count = groups->directory == NULL ? 0 : groups->mask + 1;
    const size_t size = entry_size(groups);
    size_t count = old_count == 0 ? DIRECTORY_MIN : old_count;
    void *memory;

    while (count < 2 * (groups->count + more)) {
        count *= 2;
    }
    if (count == old_count) {
        return TARN_OK;
    }
    /* Twice as many at once, where so many may come. */
    const bool may_fill = groups->most == 0 || groups->most > count / 2;
    count = old_count > 0 && groups->count > 4 * TN_BATCH_ROWS && may_fill ? 2 * count : count;
    TN_RETURN_IF_ERROR(tn_pool_alloc_pages(groups->pool, count * size, true, &memory, err));
    const size_t mask = count - 1;
    for (size_t i = 0; i < old_count; i++) {
        if (groups->op->short_key) {
            const short_entry entry = ((const short_entry *)groups->directory)[i];
            if (entry.row != NULL) {
                size_t at = tn_group__hash(entry.row) & mask;
                while (((short_entry *)memory)[at].row != NULL) {
                    at = (at + 1) & mask;
                }
                ((short_entry *)memory)[at] = entry;
            }
        } else {
            const uint64_t entry = ((const uint64_t *)groups->directory)[i];
            if (entry != 0) {
                size_t at = tn_group__hash((uint8_t *)(uintptr_t)(entry & POINTER)) & mask;
                while (((uint64_t *)memory)[at] != 0) {
                    at = (at + 1) & mask;
                }
                ((uint64_t *)memory)[at] = entry;
            }
        }
    }
    tn_pool_free_pages(groups->pool, groups->directory, old_count * size);
    groups->directory = memory;
    groups->mask = mask;
    return TARN_OK;
}

tarn_code tn_groups__reserve(tn_groups *groups, uint64_t count, tarn_error *err)
{
    if (groups->directory != NULL && groups->mask + 1 < entries_of(count)) {
        tn_groups__shrink(groups); /* it is empty: both need not be there at once */
    }
    return grow(groups, count, err);
}

void tn_groups__shrink(tn_groups *groups)
{
    tn_pool_free_pages(groups->pool, groups->directory,
                       groups->directory == NULL ? 0 : (groups->mask + 1) * entry_size(groups));
    groups->directory = NULL;
    groups->mask = 0;
}

/* Copies the groups to `sets` and enters the copies in the directory, which was emptied. */
static TN_FALLIBLE move_groups(tn_groups *groups, tn_rows *sets, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const unsigned shift = 64 - groups->op->bits;
    uint64_t *directory = groups->directory;
    uint8_t *rows[512];
    uint8_t *copies[512];
    uint8_t part_of[512];
    tn_rows_cursor cursor = {.rows = &groups->sets[0]};
    uint32_t count;
    do {
        TN_TRY(tn_rows_cursor_next(&cursor, 512, rows, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            part_of[i] = (uint8_t)(tn_group__hash(rows[i]) >> shift);
        }
        TN_TRY(tn_rows_copy(sets, part_of, rows, count, copies, err));
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t hash = tn_group__hash(copies[i]);
            size_t at = hash & groups->mask;
            while (directory[at] != 0) {
                at = (at + 1) & groups->mask;
            }
            directory[at] = salt_of(hash) | (uint64_t)(uintptr_t)copies[i];
        }
    } while (count > 0);
done:
    tn_rows_cursor_close(&cursor);
    return code;
}

tarn_code tn_groups__spread(tn_groups *groups, tarn_error *err)
{
    const tn_aggregation *op = groups->op;
    tarn_code code = TARN_OK;
    tn_rows *sets = NULL;

    assert(!op->short_key && !op->has_move && groups->set_count == 1 && op->bits > 0);
    TN_TRY(tn_pool_alloc(groups->pool, op->parts * sizeof(tn_rows), (void **)&sets, err));
    for (uint32_t p = 0; p < op->parts; p++) {
        tn_rows_init(&sets[p], op->groups, (tn_pool *)(uintptr_t)&op->pool, op->run->spill);
        sets[p].keep = true;
        sets[p].page_max = op->page_max;
    }
    memset(groups->directory, 0, (groups->mask + 1) * entry_size(groups));
    tn_memo__forget(&groups->memo);
    code = move_groups(groups, sets, err);
    /* Where it failed, the directory points into both: the query ends, nothing is looked up. */
    for (uint32_t p = 0; code != TARN_OK && p < op->parts; p++) {
        tn_rows_clear(&sets[p]);
    }
    TN_TRY(code);
    tn_rows_clear(&groups->sets[0]);
    tn_pool_free(groups->pool, groups->sets, sizeof(tn_rows));
    groups->sets = sets;
    groups->set_count = op->parts;
    groups->bits = op->bits;
    sets = NULL;
done:
    tn_pool_free(groups->pool, sets, op->parts * sizeof(tn_rows));
    return code;
}

/* The bits of a short key; floats were made canonical. */
static void load_keys(const tn_column *column, size_t count, uint64_t *restrict keys)
{
    const void *values = column->values;
    if (column->lane == TN_LANE_bool) {
        for (size_t i = 0; i < count; i++) {
            keys[i] = tn_bit_get(values, i);
        }
        return;
    }
    switch (tn_lane_size((tn_lane)column->lane)) {
    case 1:
        for (size_t i = 0; i < count; i++) {
            keys[i] = ((const uint8_t *)values)[i];
        }
        break;
    case 2:
        for (size_t i = 0; i < count; i++) {
            keys[i] = ((const uint16_t *)values)[i];
        }
        break;
    case 4:
        for (size_t i = 0; i < count; i++) {
            keys[i] = ((const uint32_t *)values)[i];
        }
        break;
    default:
        memcpy(keys, values, count * 8);
        break;
    }
}

tarn_code tn_groups__prepare(tn_groups *groups, const tn_column *const *keys,
                             const uint16_t *selection, uint32_t count, tarn_error *err)
{
    const uint32_t key_count = groups->op->key_count;
    TN_RETURN_IF_ERROR(tn_row_writer_prepare(groups->writer, keys, selection, count, err));
    for (uint32_t k = 0; k < key_count; k++) {
        tn_hash_column(&groups->writer->columns[k], count, k > 0, groups->hashes);
    }
    if (key_count == 0) {
        memset(groups->hashes, 0, count * sizeof(uint64_t));
    }
    return TARN_OK;
}

void tn_agg__init_states(const tn_aggregation *op, uint8_t *row)
{
    for (uint32_t s = 0; s < op->slot_count; s++) {
        if (!op->slots[s].bound->is_ordered && !op->slots[s].is_shared) {
            op->slots[s].bound->ops->init(op->slots[s].bound, row + op->slots[s].state);
        }
    }
}

static inline TN_FALLIBLE new_row(tn_groups *groups, uint32_t i, uint32_t fresh, uint8_t **row,
                                  tarn_error *err)
{
    const uint64_t hash = groups->hashes[i];
    tn_rows *set = &groups->sets[groups->bits == 0 ? 0 : hash >> (64 - groups->bits)];
    const size_t heap = groups->writer->has_heap ? groups->writer->heaps[i] : 0;
    TN_RETURN_IF_ERROR(tn_rows_slot(set, heap, row, err));
    groups->fresh[fresh] = (uint16_t)i;
    groups->fresh_rows[fresh] = *row;
    groups->heap_at[fresh] = set->heap;
    return TARN_OK;
}

/* The rest of the rows that were made: hash, keys, states. */
static void fill(tn_groups *groups, uint32_t fresh)
{
    const tn_aggregation *op = groups->op;
    if (fresh == 0) {
        return;
    }
    tn_row_writer_fill(groups->writer, groups->fresh, fresh, groups->fresh_rows, groups->heap_at);
    for (uint32_t i = 0; i < fresh; i++) {
        uint8_t *row = groups->fresh_rows[i];
        memcpy(row, &groups->hashes[groups->fresh[i]], 8);
        if (op->has_ordered) {
            const uint64_t number = groups->count + i;
            memset(row + op->index_at, 0, op->groups->header_size - op->index_at);
            memcpy(row + op->index_at, &number, 8);
        }
        tn_agg__init_states(op, row);
    }
    groups->count += fresh;
}

static TN_FALLIBLE find_short(tn_groups *groups, uint32_t count, tarn_error *err)
{
    short_entry *directory = groups->directory;
    const tn_column *column = &groups->writer->columns[0];
    const uint64_t *validity = column->validity;
    const uint64_t *hashes = groups->hashes;
    const size_t mask = groups->mask;
    uint32_t fresh = 0;

    load_keys(column, count, groups->keys);
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            __builtin_prefetch(&directory[hashes[i + AHEAD] & mask], 1);
        }
        if (validity != NULL && !tn_bit_get(validity, i)) {
            if (groups->null_group == NULL) {
                TN_RETURN_IF_ERROR(new_row(groups, i, fresh++, &groups->null_group, err));
            }
            groups->rows[i] = groups->null_group;
            continue;
        }
        const uint64_t key = groups->keys[i];
        size_t at = hashes[i] & mask;
        while (directory[at].row != NULL && directory[at].key != key) {
            at = (at + 1) & mask;
        }
        if (directory[at].row == NULL) {
            uint8_t *row;
            TN_RETURN_IF_ERROR(new_row(groups, i, fresh++, &row, err));
            directory[at] = (short_entry){key, row};
        }
        groups->rows[i] = directory[at].row;
    }
    fill(groups, fresh);
    return TARN_OK;
}

static TN_FALLIBLE find_any(tn_groups *groups, uint32_t count, tarn_error *err)
{
    uint64_t *directory = groups->directory;
    const uint64_t *hashes = groups->hashes;
    const size_t mask = groups->mask;
    uint32_t active = count;
    uint8_t **candidates = (uint8_t **)groups->states;
    const size_t last_word = groups->op->groups->row_size - 8; /* its nulls, perhaps a line on */

    for (uint32_t i = 0; i < count; i++) {
        groups->active[i] = (uint16_t)i;
        groups->at[i] = hashes[i] & mask;
    }
    while (active > 0) {
        uint32_t fresh = 0;
        uint32_t found = 0;
        for (uint32_t a = 0; a < active; a++) {
            const uint32_t i = groups->active[a];
            const uint64_t salt = salt_of(hashes[i]);
            size_t at = groups->at[i];
            if (a + AHEAD < active) {
                __builtin_prefetch(&directory[groups->at[groups->active[a + AHEAD]]], 1);
            }
            while (directory[at] != 0 && (directory[at] & ~POINTER) != salt) {
                at = (at + 1) & mask;
            }
            groups->at[i] = at;
            if (directory[at] == 0) {
                uint8_t *row;
                TN_RETURN_IF_ERROR(new_row(groups, i, fresh++, &row, err));
                directory[at] = salt | (uint64_t)(uintptr_t)row;
                groups->rows[i] = row;
            } else {
                candidates[found] = (uint8_t *)(uintptr_t)(directory[at] & POINTER);
                __builtin_prefetch(candidates[found]);
                __builtin_prefetch(candidates[found] + last_word);
                groups->found[found++] = (uint16_t)i;
            }
        }
        fill(groups, fresh);
        const uint32_t equal = tn_row_writer_match(groups->writer, groups->found, found, candidates,
                                                   groups->equal, groups->other);
        for (uint32_t e = 0; e < equal; e++) {
            groups->rows[groups->found[groups->equal[e]]] = candidates[groups->equal[e]];
        }
        active = found - equal;
        for (uint32_t o = 0; o < active; o++) {
            const uint16_t i = groups->found[groups->other[o]];
            groups->active[o] = i;
            groups->at[i] = (groups->at[i] + 1) & mask;
        }
    }
    return TARN_OK;
}

tarn_code tn_groups__find(tn_groups *groups, uint32_t count, tarn_error *err)
{
    TN_RETURN_IF_ERROR(grow(groups, count, err));
    tn_row_writer_measure(groups->writer, count);
    return groups->op->short_key ? find_short(groups, count, err) : find_any(groups, count, err);
}

/* ---- states ---- */

tarn_code tn_agg__filter(const tn_agg_slot *slot, const tn_column *exprs, const tn_batch *part,
                         uint16_t *which, uint32_t *count, tarn_error *err)
{
    const tn_column *filter = &exprs[slot->filter];
    uint32_t kept = 0;
    TN_RETURN_IF_ERROR(tn_inputs__raise(filter, part, err));
    for (uint32_t i = 0; i < part->selected; i++) {
        uint32_t row = tn_batch_row(part, i);
        const tn_column *flat = tn_column_locate(filter, &row);
        which[kept] = (uint16_t)i;
        kept += flat != NULL && tn_bit_get(flat->values, row);
    }
    *count = kept;
    return TARN_OK;
}

/* The arguments flat and in the declared lane, with the selection that goes with them. */
static TN_FALLIBLE ready(tn_groups *groups, const tn_agg_slot *slot, const tn_column *exprs,
                         const tn_batch *rows, tn_column *out, const uint16_t **selection,
                         tarn_error *err)
{
    const uint32_t count = slot->bound->argument_count;
    bool flat = true;
    for (uint32_t a = 0; a < count; a++) {
        const tn_column *column = &exprs[slot->arguments + a];
        TN_RETURN_IF_ERROR(tn_inputs__raise(column, rows, err));
        flat = flat && column->encoding == TN_FLAT &&
               (tn_lane)column->lane == tn_agg__lane(slot->bound, column);
        out[a] = *column;
    }
    *selection = rows->selection;
    for (uint32_t a = 0; !flat && a < count; a++) {
        const tn_column *column = &exprs[slot->arguments + a];
        TN_RETURN_IF_ERROR(tn_column_flatten(column, rows->selection, rows->selected,
                                             tn_agg__lane(slot->bound, column), &groups->scratch[a],
                                             &out[a], err));
        *selection = NULL;
    }
    return TARN_OK;
}

/* The states of a slot within rows.  Four at a time, since the compiler does not see that it may;
 * both arrays have room for a batch. */
static void point(uint8_t *const *rows, size_t state, uint32_t count, void **out)
{
    typedef uintptr_t four __attribute__((vector_size(32), aligned(8), may_alias));
    for (size_t i = 0; i < count; i += 4) {
        *(four *)(void *)(out + i) = *(const four *)(const void *)(rows + i) + state;
    }
}

tarn_code tn_groups__update(tn_groups *groups, const tn_column *exprs, const tn_batch *part,
                            uint64_t rank, const uint64_t *ranks, tarn_error *err)
{
    tn_column arguments[4];
    const uint16_t *selection;

    for (uint32_t s = 0; s < groups->op->slot_count; s++) {
        const tn_agg_slot *slot = &groups->op->slots[s];
        const tn_bound_aggregate *bound = slot->bound;
        tn_batch rows = *part;
        if (bound->is_ordered || slot->is_shared) {
            continue;
        }
        if (groups->few.codes > 0) {
            bool done;
            TN_RETURN_IF_ERROR(tn_few__update(groups, slot, exprs, part, &done, err));
            if (done) {
                continue;
            }
            tn_few__spell(groups, part);
        }
        if (slot->filter != TN_NO_EXPR) {
            TN_RETURN_IF_ERROR(
                tn_agg__filter(slot, exprs, part, groups->which, &rows.selected, err));
            for (uint32_t i = 0; i < rows.selected; i++) {
                groups->selection[i] = (uint16_t)tn_batch_row(part, groups->which[i]);
                groups->states[i] = groups->rows[groups->which[i]] + slot->state;
            }
            rows.selection = groups->selection;
        } else {
            point(groups->rows, slot->state, rows.selected, groups->states);
        }
        TN_RETURN_IF_ERROR(ready(groups, slot, exprs, &rows, arguments, &selection, err));
        tn_state_heap *heap = groups->heap == NULL ? NULL : &groups->heap->base;
        if (ranks == NULL || !bound->keeps_tag) {
            TN_RETURN_IF_ERROR(bound->ops->update(bound, groups->states, arguments, selection,
                                                  rows.selected, rank, heap, err));
            continue;
        }
        for (uint32_t i = 0; i < rows.selected; i++) { /* each has a rank of its own */
            const uint16_t at = (uint16_t)(selection == NULL ? i : selection[i]);
            const uint64_t own = ranks[slot->filter != TN_NO_EXPR ? groups->which[i] : i];
            TN_RETURN_IF_ERROR(bound->ops->update(bound, groups->states + i, arguments, &at, 1,
                                                  own - at, heap, err));
        }
    }
    return TARN_OK;
}

tarn_code tn_groups__merge(tn_groups *groups, uint8_t *const *from, uint32_t count, tarn_error *err)
{
    for (uint32_t s = 0; s < groups->op->slot_count; s++) {
        const tn_agg_slot *slot = &groups->op->slots[s];
        if (slot->bound->is_ordered || slot->is_shared) {
            continue;
        }
        point(groups->rows, slot->state, count, groups->states);
        for (uint32_t i = 0; i < count; i++) {
            groups->from[i] = from[i] + slot->state;
        }
        TN_RETURN_IF_ERROR(
            slot->bound->ops->merge(slot->bound, groups->states, (const void *const *)groups->from,
                                    count, groups->heap == NULL ? NULL : &groups->heap->base, err));
    }
    return TARN_OK;
}
