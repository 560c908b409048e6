/* Columns that are being filled. */
#include "base/size.h"
#include "format/json/json_internal.h"

enum { ROWS_FIRST = 2048 };

/* Bytes of `rows` values; a struct has none. */
static size_t values_size(const tn_type *type, uint32_t rows)
{
    return type->lane == TN_LANE_bool ? tn_bitmap_words(rows) * 8
                                      : tn_lane_size(type->lane) * (size_t)rows;
}

static size_t validity_size(uint32_t rows)
{
    return tn_bitmap_words(rows) * 8;
}

static void free_node(tn_pool *pool, tn__json_node *node)
{
    if (node->values != NULL) {
        tn_pool_free(pool, node->values, values_size(node->type, node->capacity));
    }
    if (node->validity != NULL) {
        tn_pool_free(pool, node->validity, validity_size(node->capacity));
    }
    node->values = NULL;
    node->validity = NULL;
    node->capacity = 0;
}

void tn__json_nodes_deinit(tn__json_nodes *nodes)
{
    for (uint32_t i = 0; nodes->nodes != NULL && i < nodes->count; i++) {
        free_node(nodes->pool, &nodes->nodes[i]);
    }
    tn_pool_free(nodes->pool, nodes->nodes, nodes->count * sizeof(*nodes->nodes));
    tn_pool_free(nodes->pool, nodes->columns, nodes->count * sizeof(*nodes->columns));
    nodes->nodes = NULL;
    nodes->columns = NULL;
}

tarn_code tn__json_nodes_init(tn__json_nodes *nodes, const tn_type *const *types, uint32_t count,
                              tn_pool *pool, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory;
    TN_VEC(tn__json_node) made = TN_VEC_INIT(pool);

    *nodes = (tn__json_nodes){.pool = pool};
    for (uint32_t i = 0; i < count; i++) {
        const tn__json_node node = {.type = types[i], .parent = UINT32_MAX};
        TN_TRY(tn_vec_push(&made, node, err));
    }
    for (size_t i = 0; i < made.count; i++) { /* each one's children behind all that is there */
        const tn_type *type = made.items[i].type;
        made.items[i].first_child = (uint32_t)made.count;
        for (uint32_t f = 0; tn_type_is_nested(type) && f < type->field_count; f++) {
            const tn__json_node node = {.type = type->fields[f].type, .parent = (uint32_t)i};
            TN_TRY(tn_vec_push(&made, node, err));
        }
    }
    nodes->count = (uint32_t)made.count;
    if (made.count > 0) {
        TN_TRY(tn_pool_alloc(pool, made.count * sizeof(*nodes->nodes), &memory, err));
        memcpy(memory, made.items, made.count * sizeof(*nodes->nodes));
        nodes->nodes = memory;
        TN_TRY(tn_pool_alloc_zeroed(pool, made.count * sizeof(*nodes->columns), &memory, err));
        nodes->columns = memory;
    }
done:
    tn_vec_free(&made);
    return code;
}

void tn__json_nodes_clear(tn__json_nodes *nodes)
{
    for (uint32_t i = 0; i < nodes->count; i++) {
        tn__json_node *node = &nodes->nodes[i];
        const uint32_t used =
            nodes->columns[i].rows < node->rows ? node->rows : nodes->columns[i].rows;
        const uint32_t rows = used < node->capacity ? used : node->capacity;
        if (rows > 0 && node->values != NULL) {
            memset(node->values, 0, values_size(node->type, rows));
        }
        if (rows > 0) {
            memset(node->validity, 0, validity_size(rows));
        }
        node->rows = 0;
    }
}

tarn_code tn__json_node_grow(tn__json_nodes *nodes, uint32_t index, uint32_t row, tarn_error *err)
{
    tn__json_node *node = &nodes->nodes[index];
    void *values = NULL;
    void *validity = NULL;
    uint32_t capacity = node->capacity == 0 ? ROWS_FIRST : node->capacity;
    if (row < node->capacity) {
        return TARN_OK;
    }
    while (capacity <= row) {
        if (capacity > UINT32_MAX / 2) {
            return tn_fail(err, TARN_E_LIMIT, "a batch has more than %u list elements", capacity);
        }
        capacity *= 2;
    }
    tn__json_node grown = *node;
    grown.capacity = capacity;
    const size_t size = values_size(node->type, capacity);
    if (size > 0) {
        TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(nodes->pool, size, &values, err));
    }
    const tarn_code code =
        tn_pool_alloc_zeroed(nodes->pool, validity_size(capacity), &validity, err);
    if (code != TARN_OK) {
        tn_pool_free(nodes->pool, values, size);
        return code;
    }
    grown.values = values;
    grown.validity = validity;
    if (node->capacity > 0) {
        if (size > 0) {
            memcpy(values, node->values, values_size(node->type, node->capacity));
        }
        memcpy(validity, node->validity, validity_size(node->capacity));
    }
    free_node(nodes->pool, node);
    *node = grown;
    return TARN_OK;
}

tarn_code tn__json_nodes_finish(tn__json_nodes *nodes, uint32_t top_count, uint32_t rows,
                                tarn_error *err)
{
    for (uint32_t i = 0; i < nodes->count; i++) {
        tn__json_node *node = &nodes->nodes[i];
        const bool under_struct =
            i >= top_count && nodes->nodes[node->parent].type->kind == TN_KIND_STRUCT;
        const uint32_t own = i < top_count  ? rows
                             : under_struct ? nodes->columns[node->parent].rows
                                            : node->rows;
        TN_RETURN_IF_ERROR(tn__json_node_grow(nodes, i, own, err));
        node = &nodes->nodes[i];
        nodes->columns[i] = (tn_column){
            .type = node->type,
            .lane = (uint8_t)node->type->lane,
            .rows = own,
            .values = node->values,
            .validity = tn_bitmap_all(node->validity, own) ? NULL : node->validity,
            .children = tn_type_is_nested(node->type) ? &nodes->columns[node->first_child] : NULL};
    }
    return TARN_OK;
}
