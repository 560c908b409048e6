/*
 * Dictionaries of a chunk in the making: 64-bit keys or strings to 16-bit codes.
 *
 * Integers within a narrow span need no hash: a map by their difference to the span's start.
 */
#include "format/parquet/write_internal.h"

#include "base/hash.h"
#include "base/size.h"

enum { SPAN = 8192, SLOTS = 1 << 14, ENTRIES_MAX = 1 << 13, HEAP_MAX = 1 << 20 };

TN_FALLIBLE tn_out_room__grow(tn_pool *pool, tn_out_room *room, size_t more, tarn_error *err)
{
    size_t needed;
    void *memory;
    if (!tn_size_add(room->size, more, &needed) || needed > SIZE_MAX / 4) {
        return tn_fail(err, TARN_E_LIMIT, "a column is too large for one row group");
    }
    if (needed <= room->capacity) {
        return TARN_OK;
    }
    const size_t capacity = tn_max_size(tn_max_size(4096, 2 * room->capacity), needed);
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, capacity, &memory, err));
    if (room->size > 0) {
        memcpy(memory, room->data, room->size);
    }
    tn_pool_free(pool, room->data, room->capacity);
    room->data = memory;
    room->capacity = capacity;
    return TARN_OK;
}

void tn_out_room__free(tn_pool *pool, tn_out_room *room)
{
    tn_pool_free(pool, room->data, room->capacity);
    *room = (tn_out_room){0};
}

TN_FALLIBLE tn_out_dictionary__open(tn_out_column *column, bool is_direct, int64_t least,
                                    int64_t most, tarn_error *err)
{
    tn_out_dictionary *const dictionary = &column->dictionary;
    void *memory;
    *dictionary = (tn_out_dictionary){.is_direct = is_direct};
    dictionary->slot_count = is_direct ? SPAN : SLOTS;
    if (is_direct) { /* the span lies around what was seen, as far as numbers go */
        const int64_t room = (SPAN - 1 - (most - least)) / 2;
        dictionary->base = least < INT64_MIN + room ? INT64_MIN : least - room;
        if (dictionary->base > INT64_MAX - SPAN) {
            dictionary->base = INT64_MAX - SPAN;
        }
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(column->pool, dictionary->slot_count * sizeof(uint16_t),
                                            &memory, err));
    dictionary->slots = memory;
    const size_t size = column->leaf->kind == TN_OUT_VIEW ? sizeof(tn_view) : sizeof(uint64_t);
    tn_arena_init(&dictionary->heap, column->pool);
    return tn_out_room__grow(column->pool, &dictionary->entries,
                             (is_direct ? SPAN : ENTRIES_MAX) * size, err);
}

void tn_out_dictionary__close(tn_out_column *column)
{
    tn_out_dictionary *const dictionary = &column->dictionary;
    tn_pool_free(column->pool, dictionary->slots, dictionary->slot_count * sizeof(uint16_t));
    tn_out_room__free(column->pool, &dictionary->entries);
    if (dictionary->heap.pool != NULL) {
        tn_arena_deinit(&dictionary->heap);
    }
    *dictionary = (tn_out_dictionary){0};
}

static bool add_direct(tn_out_dictionary *dictionary, const int64_t *restrict values, size_t count,
                       uint16_t *restrict codes)
{
    uint16_t *const slots = dictionary->slots;
    uint64_t *const entries = (uint64_t *)(void *)dictionary->entries.data;
    const uint64_t base = (uint64_t)dictionary->base;
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t at = (uint64_t)values[i] - base;
        most = at > most ? at : most;
    }
    if (most >= SPAN) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t at = (uint64_t)values[i] - base;
        uint16_t code = slots[at];
        if (__builtin_expect(code == 0, 0)) {
            entries[dictionary->count] = (uint64_t)values[i];
            slots[at] = code = (uint16_t)++dictionary->count;
        }
        codes[i] = (uint16_t)(code - 1);
    }
    return true;
}

static bool add_keys(tn_out_dictionary *dictionary, const void *values, size_t size, size_t count,
                     uint16_t *restrict codes)
{
    uint16_t *const slots = dictionary->slots;
    uint64_t *const entries = (uint64_t *)(void *)dictionary->entries.data;
    for (size_t i = 0; i < count; i++) {
        uint64_t key;
        if (size == 4) {
            uint32_t narrow;
            memcpy(&narrow, (const uint8_t *)values + 4 * i, 4);
            key = narrow;
        } else {
            memcpy(&key, (const uint8_t *)values + 8 * i, 8);
        }
        size_t slot = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 50);
        for (;; slot = (slot + 1) % SLOTS) {
            const uint16_t code = slots[slot];
            if (code != 0) {
                if (entries[code - 1] == key) {
                    codes[i] = (uint16_t)(code - 1);
                    break;
                }
                continue;
            }
            if (dictionary->count == ENTRIES_MAX) {
                return false;
            }
            entries[dictionary->count] = key;
            slots[slot] = (uint16_t)++dictionary->count;
            codes[i] = (uint16_t)(dictionary->count - 1);
            break;
        }
    }
    return true;
}

static TN_FALLIBLE add_views(tn_out_column *column, const tn_view *views, size_t count,
                             uint16_t *restrict codes, bool *full, tarn_error *err)
{
    tn_out_dictionary *const dictionary = &column->dictionary;
    uint16_t *const slots = dictionary->slots;
    tn_view *const entries = (tn_view *)(void *)dictionary->entries.data;
    for (size_t i = 0; i < count; i++) {
        const tn_view *const view = &views[i];
        uint64_t words[2];
        memcpy(words, view, 16);
        const uint64_t hash = view->size <= TN_VIEW_INLINE
                                  ? (words[0] ^ (words[1] * UINT64_C(0xff51afd7ed558ccd))) *
                                        UINT64_C(0x9e3779b97f4a7c15)
                                  : tn_hash_bytes(view->data, view->size, 0);
        size_t slot = (size_t)(hash >> 50);
        for (;; slot = (slot + 1) % SLOTS) {
            const uint16_t code = slots[slot];
            if (code != 0) {
                if (tn_view_equal(&entries[code - 1], view)) {
                    codes[i] = (uint16_t)(code - 1);
                    break;
                }
                continue;
            }
            if (dictionary->count == ENTRIES_MAX || dictionary->heap_size + view->size > HEAP_MAX) {
                *full = true;
                return TARN_OK;
            }
            tn_str copy;
            TN_RETURN_IF_ERROR(tn_arena_copy(&dictionary->heap, tn_view_str(view), &copy, err));
            entries[dictionary->count] = tn_view_of(copy.data, copy.size);
            dictionary->heap_size += view->size;
            slots[slot] = (uint16_t)++dictionary->count;
            codes[i] = (uint16_t)(dictionary->count - 1);
            break;
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_out_dictionary__add(tn_out_column *column, const void *values, size_t count,
                                   uint16_t *codes, bool *full, tarn_error *err)
{
    const tn_out_leaf *const leaf = column->leaf;
    *full = false;
    if (leaf->kind == TN_OUT_VIEW) {
        return add_views(column, values, count, codes, full, err);
    }
    *full = column->dictionary.is_direct
                ? !add_direct(&column->dictionary, values, count, codes)
                : !add_keys(&column->dictionary, values, tn_lane_size(leaf->lane), count, codes);
    return TARN_OK;
}
