/*
 * Dictionaries of a chunk in the making: 64-bit keys or strings to 16-bit codes.
 *
 * Integers within a narrow span need no hash: a map by their difference to the span's start.
 */
#include "format/parquet/write_internal.h"

#include "base/hash.h"
#include "base/size.h"

enum {
    SPAN = 8192,
    SLOTS_FIRST = 1 << 11,
    ENTRIES_MAX = 1 << 13, /* half of the slots at most */
    HEAP_MAX = 1 << 20,
    STEP = 512,       /* values added at a time */
    PAGES = 16 << 10, /* bytes of a room that is pages of its own */
    PAGE = 4096
};

static void free_room(tn_pool *pool, void *data, size_t capacity)
{
    if (capacity >= PAGES) {
        tn_pool_free_pages(pool, data, capacity);
    } else {
        tn_pool_free(pool, data, capacity);
    }
}

TN_FALLIBLE tn_out_room__reserve(tn_pool *pool, tn_out_room *room, size_t capacity, tarn_error *err)
{
    void *memory;
    if (capacity >= PAGES) {
        capacity = tn_round_up(capacity, PAGE);
        TN_RETURN_IF_ERROR(tn_pool_alloc_pages(pool, capacity, false, &memory, err));
    } else {
        TN_RETURN_IF_ERROR(tn_pool_alloc(pool, capacity, &memory, err));
    }
    if (room->size > 0) {
        memcpy(memory, room->data, room->size);
    }
    free_room(pool, room->data, room->capacity);
    room->data = memory;
    room->capacity = capacity;
    return TARN_OK;
}

TN_FALLIBLE tn_out_room__grow(tn_pool *pool, tn_out_room *room, size_t more, tarn_error *err)
{
    size_t needed;
    if (!tn_size_add(room->size, more, &needed) || needed > SIZE_MAX / 4) {
        return tn_fail(err, TARN_E_LIMIT, "a column is too large for one row group");
    }
    if (needed <= room->capacity) {
        return TARN_OK;
    }
    return tn_out_room__reserve(pool, room,
                                tn_max_size(tn_max_size(PAGE, 2 * room->capacity), needed), err);
}

void tn_out_room__free(tn_pool *pool, tn_out_room *room)
{
    free_room(pool, room->data, room->capacity);
    *room = (tn_out_room){0};
}

TN_FALLIBLE tn_out_dictionary__open(tn_out_column *column, bool is_direct, int64_t least,
                                    int64_t most, tarn_error *err)
{
    tn_out_dictionary *const dictionary = &column->dictionary;
    void *memory;
    *dictionary = (tn_out_dictionary){.is_direct = is_direct};
    dictionary->slot_count = is_direct ? SPAN : SLOTS_FIRST;
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
    tn_arena_init(&dictionary->heap, column->pool);
    return TARN_OK;
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

static uint64_t hash_key(uint64_t key)
{
    return key * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_view(const tn_view *view)
{
    uint64_t words[2];
    memcpy(words, view, 16);
    return view->size <= TN_VIEW_INLINE
               ? hash_key(words[0] ^ (words[1] * UINT64_C(0xff51afd7ed558ccd)))
               : tn_hash_bytes(view->data, view->size, 0);
}

/* The slots are told by the highest bits of the hash. */
static unsigned shift_of(const tn_out_dictionary *dictionary)
{
    return 64 - (unsigned)__builtin_ctzll(dictionary->slot_count);
}

static bool add_keys(tn_out_dictionary *dictionary, const void *values, size_t size, size_t count,
                     uint16_t *restrict codes)
{
    uint16_t *const slots = dictionary->slots;
    uint64_t *const entries = (uint64_t *)(void *)dictionary->entries.data;
    const size_t mask = dictionary->slot_count - 1;
    const unsigned shift = shift_of(dictionary);
    for (size_t i = 0; i < count; i++) {
        uint64_t key;
        if (size == 4) {
            uint32_t narrow;
            memcpy(&narrow, (const uint8_t *)values + 4 * i, 4);
            key = narrow;
        } else {
            memcpy(&key, (const uint8_t *)values + 8 * i, 8);
        }
        size_t slot = (size_t)(hash_key(key) >> shift);
        for (;; slot = (slot + 1) & mask) {
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
    const size_t mask = dictionary->slot_count - 1;
    const unsigned shift = shift_of(dictionary);
    for (size_t i = 0; i < count; i++) {
        const tn_view *const view = &views[i];
        size_t slot = (size_t)(hash_view(view) >> shift);
        for (;; slot = (slot + 1) & mask) {
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

/* Twice the slots, and each entry in one of them. */
static TN_FALLIBLE grow_slots(tn_out_column *column, tarn_error *err)
{
    tn_out_dictionary *const dictionary = &column->dictionary;
    const uint64_t *const keys = (const uint64_t *)(void *)dictionary->entries.data;
    const tn_view *const views = (const tn_view *)(void *)dictionary->entries.data;
    const bool is_view = column->leaf->kind == TN_OUT_VIEW;
    const size_t count = 2 * dictionary->slot_count;
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(column->pool, count * sizeof(uint16_t), &memory, err));
    tn_pool_free(column->pool, dictionary->slots, dictionary->slot_count * sizeof(uint16_t));
    dictionary->slots = memory;
    dictionary->slot_count = count;
    const unsigned shift = shift_of(dictionary);
    for (uint32_t i = 0; i < dictionary->count; i++) {
        size_t slot = (size_t)((is_view ? hash_view(&views[i]) : hash_key(keys[i])) >> shift);
        while (dictionary->slots[slot] != 0) {
            slot = (slot + 1) & (count - 1);
        }
        dictionary->slots[slot] = (uint16_t)(i + 1);
    }
    return TARN_OK;
}

/* Room for `more` entries, or for all that there may be. */
static TN_FALLIBLE make_room(tn_out_column *column, size_t more, tarn_error *err)
{
    tn_out_dictionary *const dictionary = &column->dictionary;
    const size_t size = column->leaf->kind == TN_OUT_VIEW ? sizeof(tn_view) : sizeof(uint64_t);
    const size_t most = dictionary->is_direct ? SPAN : ENTRIES_MAX;
    const size_t wanted = tn_min_size(dictionary->count + more, most);
    while (!dictionary->is_direct && wanted > dictionary->slot_count / 2) {
        TN_RETURN_IF_ERROR(grow_slots(column, err));
    }
    dictionary->entries.size = dictionary->count * size;
    return tn_out_room__grow(column->pool, &dictionary->entries,
                             (wanted - dictionary->count) * size, err);
}

TN_FALLIBLE tn_out_dictionary__add(tn_out_column *column, const void *values, size_t count,
                                   uint16_t *codes, bool *full, tarn_error *err)
{
    const tn_out_leaf *const leaf = column->leaf;
    tn_out_dictionary *const dictionary = &column->dictionary;
    const size_t size = leaf->kind == TN_OUT_VIEW ? sizeof(tn_view) : tn_lane_size(leaf->lane);
    *full = false;
    for (size_t done = 0; done < count && !*full; done += STEP) {
        const size_t some = tn_min_size(count - done, STEP);
        const void *const from = (const uint8_t *)values + done * size;
        TN_RETURN_IF_ERROR(make_room(column, some, err));
        if (leaf->kind == TN_OUT_VIEW) {
            TN_RETURN_IF_ERROR(add_views(column, from, some, codes + done, full, err));
        } else {
            *full = dictionary->is_direct ? !add_direct(dictionary, from, some, codes + done)
                                          : !add_keys(dictionary, from, size, some, codes + done);
        }
    }
    return TARN_OK;
}
