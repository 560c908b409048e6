/*
 * Rows of nested columns to levels: for each leaf the rows are walked down its path, and grow where
 * a list has elements.  An entry that ends on the way (null, empty) keeps its levels and no row.
 */
#include "format/parquet/write_internal.h"

#include "base/size.h"

enum { ENTRIES_MAX = 1 << 28 };

typedef struct entries {
    tn_out_room *defs, *reps, *rows;
    size_t count;
} entries;

static const uint32_t none = UINT32_MAX;

void tn_shredder__close(tn_shredder *shredder)
{
    if (shredder->pool == NULL) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        tn_out_room__free(shredder->pool, &shredder->defs[i]);
        tn_out_room__free(shredder->pool, &shredder->reps[i]);
        tn_out_room__free(shredder->pool, &shredder->rows[i]);
    }
    tn_out_room__free(shredder->pool, &shredder->values);
}

size_t tn_shredder__memory(const tn_shredder *shredder)
{
    size_t sum = shredder->values.capacity;
    for (size_t i = 0; i < 2; i++) {
        sum += shredder->defs[i].capacity + shredder->reps[i].capacity + shredder->rows[i].capacity;
    }
    return sum;
}

static TN_FALLIBLE make_room(tn_pool *pool, const entries *to, size_t count, tarn_error *err)
{
    if (count > ENTRIES_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a batch has more than %d elements", (int)ENTRIES_MAX);
    }
    to->defs->size = to->reps->size = to->rows->size = 0;
    TN_RETURN_IF_ERROR(tn_out_room__grow(pool, to->defs, count * 2 + 2, err));
    TN_RETURN_IF_ERROR(tn_out_room__grow(pool, to->reps, count * 2 + 2, err));
    return tn_out_room__grow(pool, to->rows, count * 4 + 4, err);
}

static uint16_t *defs_of(const entries *from)
{
    return (uint16_t *)(void *)from->defs->data;
}
static uint16_t *reps_of(const entries *from)
{
    return (uint16_t *)(void *)from->reps->data;
}
static uint32_t *rows_of(const entries *from)
{
    return (uint32_t *)(void *)from->rows->data;
}

static TN_FALLIBLE drop_nulls(const tn_out_node *node, const tn_column *column, entries *at,
                              tarn_error *err)
{
    uint16_t *const defs = defs_of(at);
    uint32_t *const rows = rows_of(at);
    if (!node->nullable && column->validity == NULL) {
        return TARN_OK;
    }
    for (size_t i = 0; i < at->count; i++) {
        if (rows[i] == none) {
            continue;
        }
        if (tn_column_is_null(column, rows[i])) {
            if (!node->nullable) {
                return tn_fail(err, TARN_E_INVALID, "'%.*s' has nulls and is declared NOT NULL",
                               TN_STR_ARGS(node->name));
            }
            rows[i] = none;
        } else {
            defs[i] = (uint16_t)(defs[i] + node->nullable);
        }
    }
    return TARN_OK;
}

/* Each entry with a list becomes one an element. */
static TN_FALLIBLE grow_lists(tn_pool *pool, const tn_out_node *node, const tn_column *column,
                              entries *at, entries *next, tarn_error *err)
{
    const tn_list *const lists = column->values;
    const uint16_t rep = (uint16_t)(node->rep + 1);
    size_t total = 0;
    for (size_t i = 0; i < at->count; i++) {
        const uint32_t row = rows_of(at)[i];
        total += row == none || lists[row].length == 0 ? 1 : lists[row].length;
    }
    TN_RETURN_IF_ERROR(make_room(pool, next, total, err));
    size_t to = 0;
    for (size_t i = 0; i < at->count; i++) {
        const uint32_t row = rows_of(at)[i];
        const tn_list list = row == none ? (tn_list){0, 0} : lists[row];
        if (list.length == 0) {
            defs_of(next)[to] = defs_of(at)[i];
            reps_of(next)[to] = reps_of(at)[i];
            rows_of(next)[to++] = none;
            continue;
        }
        for (uint32_t k = 0; k < list.length; k++) {
            defs_of(next)[to] = (uint16_t)(defs_of(at)[i] + 1);
            reps_of(next)[to] = k == 0 ? reps_of(at)[i] : rep;
            rows_of(next)[to++] = list.offset + k;
        }
    }
    next->count = to;
    return TARN_OK;
}

/* Values of the entries that reached the leaf; their rows are brought together first. */
static TN_FALLIBLE take_values(tn_shredder *shredder, const tn_out_leaf *leaf,
                               const tn_column *column, entries *at, size_t *count, tarn_error *err)
{
    uint32_t *const rows = rows_of(at);
    const size_t size = tn_lane_size(leaf->lane);
    *count = 0;
    for (size_t i = 0; i < at->count; i++) {
        rows[*count] = rows[i];
        *count += rows[i] != none;
    }
    shredder->values.size = 0;
    TN_RETURN_IF_ERROR(tn_out_room__grow(shredder->pool, &shredder->values,
                                         size > 0 ? *count * size : (*count / 64 + 2) * 8, err));
    if (leaf->kind == TN_OUT_NULL) {
        return TARN_OK;
    }
    if (size == 0) {
        memset(shredder->values.data, 0, (*count / 64 + 2) * 8);
    }
    for (size_t done = 0; done < *count; done += TN_SLICE_ROWS) {
        tn_slice slice;
        tn_slice_open(&slice, column, NULL, rows + done, 0,
                      (uint32_t)tn_min_size(*count - done, TN_SLICE_ROWS));
        tn_slice_values(&slice, leaf->lane, shredder->values.data, done);
    }
    return TARN_OK;
}

TN_FALLIBLE tn_shredder__append(tn_shredder *shredder, const tn_out_layout *layout,
                                tn_out_column *to, const tn_column *column, uint32_t rows,
                                tarn_error *err)
{
    const tn_out_leaf *const leaf = to->leaf;
    entries one = {&shredder->defs[0], &shredder->reps[0], &shredder->rows[0], rows};
    entries two = {&shredder->defs[1], &shredder->reps[1], &shredder->rows[1], 0};
    entries *at = &one;
    entries *next = &two;
    size_t count;
    TN_RETURN_IF_ERROR(make_room(shredder->pool, at, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        defs_of(at)[i] = reps_of(at)[i] = 0;
        rows_of(at)[i] = i;
    }
    for (uint32_t depth = 0; depth < leaf->depth; depth++) {
        const tn_out_node *const node = &layout->nodes[leaf->path[depth]];
        TN_RETURN_IF_ERROR(drop_nulls(node, column, at, err));
        if (depth + 1 == leaf->depth) {
            break;
        }
        if (node->type->kind != TN_KIND_STRUCT) {
            TN_RETURN_IF_ERROR(grow_lists(shredder->pool, node, column, at, next, err));
            entries *const swap = at;
            at = next;
            next = swap;
        }
        column = &column->children[layout->nodes[leaf->path[depth + 1]].child];
    }
    TN_RETURN_IF_ERROR(take_values(shredder, leaf, column, at, &count, err));
    return tn_out__append_levels(to, rows, defs_of(at), reps_of(at), at->count,
                                 shredder->values.data, count, err);
}
