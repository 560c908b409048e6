#include "table/files/row_set.h"

#include "base/bitmap.h"
#include "base/vec.h"

#include <assert.h>

enum {
    BLOCK_ROWS = 65536, /* what one container covers */
    LIST_MAX = 4096,    /* values: above, a container is a bitmap */
    BITMAP_BYTES = BLOCK_ROWS / 8,
    COOKIE_PLAIN = 12346,
    COOKIE_RUNS = 12347,
    OFFSETS_FROM = 4 /* containers: below, a bitmap with runs has no offsets */
};
/* Of an array of bitmaps in the portable form. */
static const uint32_t array_magic = UINT32_C(1681511377);

typedef enum container_kind { CONTAINER_LIST, CONTAINER_BITMAP, CONTAINER_RUNS } container_kind;

typedef struct container {
    uint64_t block; /* rows block * 65536 and on */
    uint32_t offset, count;
    container_kind kind;
} container;

struct tn_row_set {
    tn_pool *pool;
    tn_buffer *bytes;
    TN_VEC(container) containers; /* by ascending block */
    uint64_t count, end;
};

/* ---- reading ----------------------------------------------------------------------------------*/

typedef struct cursor {
    const uint8_t *data;
    size_t size, at;
} cursor;

static uint16_t load16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t load32(const uint8_t *at)
{
    return (uint32_t)load16(at) | (uint32_t)load16(at + 2) << 16;
}

static TN_FALLIBLE damaged(const char *what, tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "the bitmap of deleted rows is damaged: %s", what);
}

/* `size` bytes at the cursor, which moves past them. */
static TN_FALLIBLE take(cursor *c, size_t size, const uint8_t **out, tarn_error *err)
{
    if (size > c->size - c->at) {
        return damaged("it ends early", err);
    }
    *out = c->data + c->at;
    c->at += size;
    return TARN_OK;
}

static TN_FALLIBLE take32(cursor *c, uint32_t *out, tarn_error *err)
{
    const uint8_t *at = NULL;
    TN_RETURN_IF_ERROR(take(c, sizeof(*out), &at, err));
    *out = load32(at);
    return TARN_OK;
}

static TN_FALLIBLE check_list(const uint8_t *values, uint32_t count, uint32_t *last,
                              tarn_error *err)
{
    for (uint32_t i = 1; i < count; i++) {
        if (load16(values + 2 * (size_t)i) <= load16(values + 2 * (size_t)i - 2)) {
            return damaged("its values do not ascend", err);
        }
    }
    *last = load16(values + 2 * (size_t)count - 2);
    return TARN_OK;
}

static TN_FALLIBLE check_bitmap(const uint8_t *bits, uint32_t count, uint32_t *last,
                                tarn_error *err)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < BITMAP_BYTES; i++) {
        found += (uint32_t)__builtin_popcount(bits[i]);
        if (bits[i] != 0) {
            *last = 8 * i + 31 - (uint32_t)__builtin_clz(bits[i]);
        }
    }
    return found == count ? TARN_OK : damaged("a block holds another number of rows", err);
}

static TN_FALLIBLE check_runs(const uint8_t *runs, uint32_t run_count, uint32_t count,
                              uint32_t *last, tarn_error *err)
{
    uint32_t found = 0;
    uint32_t next = 0;
    for (uint32_t i = 0; i < run_count; i++) {
        const uint32_t start = load16(runs + 4 * (size_t)i);
        const uint32_t length = load16(runs + 4 * (size_t)i + 2) + UINT32_C(1);
        if (start < next || start + length > BLOCK_ROWS) {
            return damaged("its runs do not ascend", err);
        }
        next = start + length;
        found += length;
    }
    *last = next - 1;
    return found == count ? TARN_OK : damaged("a block holds another number of rows", err);
}

/* The body of one container, whose block and number of values are known. */
static TN_FALLIBLE read_container(tn_row_set *set, cursor *c, container made, tarn_error *err)
{
    const uint32_t values = made.count;
    const uint8_t *at = NULL;
    uint32_t last = 0;
    if (made.kind == CONTAINER_RUNS) {
        TN_RETURN_IF_ERROR(take(c, 2, &at, err));
        made.count = load16(at);
        made.offset = (uint32_t)c->at;
        TN_RETURN_IF_ERROR(take(c, 4 * (size_t)made.count, &at, err));
        TN_RETURN_IF_ERROR(check_runs(at, made.count, values, &last, err));
    } else if (values <= LIST_MAX) {
        made.offset = (uint32_t)c->at;
        TN_RETURN_IF_ERROR(take(c, 2 * (size_t)values, &at, err));
        TN_RETURN_IF_ERROR(check_list(at, values, &last, err));
    } else {
        made.kind = CONTAINER_BITMAP;
        made.offset = (uint32_t)c->at;
        TN_RETURN_IF_ERROR(take(c, BITMAP_BYTES, &at, err));
        TN_RETURN_IF_ERROR(check_bitmap(at, values, &last, err));
    }
    set->count += values;
    set->end = made.block * BLOCK_ROWS + last + 1;
    return tn_vec_push(&set->containers, made, err);
}

/* One 32-bit bitmap: cookie, which containers are runs, keys and counts, offsets, bodies. */
static TN_FALLIBLE read_bitmap(tn_row_set *set, cursor *c, uint32_t high, tarn_error *err)
{
    const uint8_t *run_flags = NULL;
    const uint8_t *heads = NULL;
    const uint8_t *offsets;
    uint32_t cookie = 0;
    uint32_t count = 0;

    TN_RETURN_IF_ERROR(take32(c, &cookie, err));
    if ((cookie & 0xFFFF) == COOKIE_RUNS) {
        count = (cookie >> 16) + 1;
        TN_RETURN_IF_ERROR(take(c, (count + 7) / 8, &run_flags, err));
    } else if (cookie == COOKIE_PLAIN) {
        TN_RETURN_IF_ERROR(take32(c, &count, err));
    } else {
        return damaged("it is no Roaring bitmap", err);
    }
    if (count > BLOCK_ROWS) {
        return damaged("it has too many blocks", err);
    }
    TN_RETURN_IF_ERROR(take(c, 4 * (size_t)count, &heads, err));
    if (run_flags == NULL || count >= OFFSETS_FROM) { /* bodies lie back to back all the same */
        TN_RETURN_IF_ERROR(take(c, 4 * (size_t)count, &offsets, err));
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *head = heads + 4 * (size_t)i;
        const bool is_run = run_flags != NULL && (run_flags[i / 8] >> i % 8 & 1) != 0;
        const container made = {.block = (uint64_t)high << 16 | load16(head),
                                .count = load16(head + 2) + UINT32_C(1),
                                .kind = is_run ? CONTAINER_RUNS : CONTAINER_LIST};
        if (set->containers.count > 0 &&
            set->containers.items[set->containers.count - 1].block >= made.block) {
            return damaged("its blocks do not ascend", err);
        }
        TN_RETURN_IF_ERROR(read_container(set, c, made, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE read_all(tn_row_set *set, cursor *c, tarn_error *err)
{
    uint32_t magic = 0;
    uint32_t count = 0;
    uint32_t high_count = 0;
    uint32_t high = 0;
    TN_RETURN_IF_ERROR(take32(c, &magic, err));
    if (magic != array_magic) {
        return damaged("its magic number is another", err);
    }
    TN_RETURN_IF_ERROR(take32(c, &count, err));
    TN_RETURN_IF_ERROR(take32(c, &high_count, err));
    if (high_count != 0) {
        return damaged("it has too many parts", err);
    }
    for (uint32_t i = 0; i < count; i++) { /* each takes bytes, which end */
        TN_RETURN_IF_ERROR(take32(c, &high, err));
        TN_RETURN_IF_ERROR(read_bitmap(set, c, high, err));
    }
    return TARN_OK;
}

tarn_code tn_row_set_read(tn_buffer *bytes, tn_pool *pool, tn_row_set **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_row_set *set = NULL;
    cursor c = {.data = bytes->data, .size = bytes->size};
    void *memory;

    *out = NULL;
    if (bytes->size > UINT32_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a bitmap of deleted rows has more than 4 GiB");
    }
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_row_set), &memory, err));
    set = memory;
    set->pool = set->containers.pool = pool;
    TN_TRY(read_all(set, &c, err));
    set->bytes = bytes;
    *out = set;
    set = NULL;
done:
    tn_row_set_destroy(set);
    return code;
}

void tn_row_set_destroy(tn_row_set *set)
{
    if (set == NULL) {
        return;
    }
    tn_buffer_release(set->bytes);
    tn_vec_free(&set->containers);
    tn_pool_free(set->pool, set, sizeof(*set));
}

uint64_t tn_row_set_count(const tn_row_set *set)
{
    return set->count;
}

uint64_t tn_row_set_end(const tn_row_set *set)
{
    return set->end;
}

/* ---- asking -----------------------------------------------------------------------------------*/

/* The first container of block `block` or above. */
static size_t find_block(const tn_row_set *set, uint64_t block)
{
    size_t from = 0;
    size_t to = set->containers.count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (set->containers.items[middle].block < block) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* The first of `count` entries of `width` bytes whose leading value is `low` or above. */
static uint32_t find_value(const uint8_t *entries, uint32_t count, size_t width, uint32_t low)
{
    uint32_t from = 0;
    uint32_t to = count;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (load16(entries + width * middle) < low) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static uint32_t put_range(uint32_t from, uint32_t to, uint16_t *out, uint32_t kept)
{
    for (uint32_t i = from; i < to; i++) {
        out[kept++] = (uint16_t)i;
    }
    return kept;
}

/* The rows low <= row < high of one block that are not in it, as positions less `base`. */
static uint32_t put_others(const tn_row_set *set, const container *c, uint32_t low, uint32_t high,
                           uint32_t base, uint16_t *out, uint32_t kept)
{
    const uint8_t *const data = set->bytes->data + c->offset;
    uint32_t next = low; /* not decided yet */
    if (c->kind == CONTAINER_BITMAP) {
        for (uint32_t row = low; row < high; row++) {
            out[kept] = (uint16_t)(row - base);
            kept += (data[row / 8] >> row % 8 & 1) == 0;
        }
        return kept;
    }
    const size_t width = c->kind == CONTAINER_RUNS ? 4 : 2;
    uint32_t i = find_value(data, c->count, width, low);
    i -= c->kind == CONTAINER_RUNS && i > 0; /* the run before may reach into the range */
    for (; i < c->count && next < high; i++) {
        const uint32_t start = load16(data + width * i);
        const uint32_t length =
            c->kind == CONTAINER_RUNS ? load16(data + width * i + 2) + UINT32_C(1) : 1;
        if (start >= high) {
            break;
        }
        kept = start > next ? put_range(next - base, start - base, out, kept) : kept;
        next = start + length > next ? start + length : next;
    }
    return next < high ? put_range(next - base, high - base, out, kept) : kept;
}

uint32_t tn_row_set_others(const tn_row_set *set, uint64_t from, uint32_t count, uint16_t *out)
{
    uint32_t kept = 0;
    uint32_t done = 0;
    assert(count <= BLOCK_ROWS);
    while (done < count) {
        const uint64_t row = from + done;
        const uint32_t low = (uint32_t)(row % BLOCK_ROWS);
        const uint32_t left = count - done;
        const uint32_t here = left < BLOCK_ROWS - low ? left : BLOCK_ROWS - low;
        const size_t index = find_block(set, row / BLOCK_ROWS);
        if (index < set->containers.count &&
            set->containers.items[index].block == row / BLOCK_ROWS) {
            /* positions count from `from`: modulo 2^32, which the difference takes back */
            kept = put_others(set, &set->containers.items[index], low, low + here, low - done, out,
                              kept);
        } else {
            kept = put_range(done, done + here, out, kept);
        }
        done += here;
    }
    return kept;
}
