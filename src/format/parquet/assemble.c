#include "format/parquet/assemble_internal.h"

#include "base/size.h"

/* Breadth first, so that children lie side by side. */
TN_FALLIBLE tn_assembly__open(tn_assembly *assembly, const tn_node *column, tn_pool *pool,
                              tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(tn_assembly_node) found = TN_VEC_INIT(pool);
    void *memory;
    *assembly = (tn_assembly){.pool = pool};
    TN_TRY(tn_vec_push(&found, (tn_assembly_node){.node = column}, err));
    for (size_t i = 0; i < found.count; i++) {
        const tn_node *const node = found.items[i].node;
        found.items[i].first_child = (uint32_t)found.count;
        for (uint32_t child = 0; child < node->child_count; child++) {
            const tn_assembly_node next = {.node = &node->children[child], .parent = (uint32_t)i};
            TN_TRY(tn_vec_push(&found, next, err));
        }
    }
    TN_TRY(tn_pool_alloc_zeroed(pool, found.count * sizeof(tn_assembly_node), &memory, err));
    assembly->nodes = memory;
    memcpy(assembly->nodes, found.items, found.count * sizeof(tn_assembly_node));
    assembly->count = (uint32_t)found.count;
    TN_TRY(tn_pool_alloc_zeroed(pool, found.count * sizeof(tn_column), &memory, err));
    assembly->columns = memory;
done:
    tn_vec_free(&found);
    return code;
}

void tn_assembly__close(tn_assembly *assembly)
{
    if (assembly->pool == NULL) {
        return;
    }
    for (uint32_t i = 0; i < assembly->count; i++) {
        tn_room__free(assembly->pool, &assembly->nodes[i].validity);
        tn_room__free(assembly->pool, &assembly->nodes[i].heads);
    }
    tn_pool_free(assembly->pool, assembly->nodes, assembly->count * sizeof(tn_assembly_node));
    tn_pool_free(assembly->pool, assembly->columns, assembly->count * sizeof(tn_column));
    assembly->pool = NULL;
}

/* The repetition level of the list around a node: its slots begin at this level or below. */
static uint16_t enclosing_rep(const tn_node *node)
{
    return node->kind == TN_NODE_LIST || node->kind == TN_NODE_MAP ? (uint16_t)(node->rep - 1)
                                                                   : node->rep;
}

/*
 * Which slots a node has, and which are null: a slot stands where the enclosing list has an
 * element.  Answers their number and that of the nulls.
 */
static size_t slots(const tn_node *node, const tn_leaf_reader *reader, uint64_t *validity,
                    size_t *nulls)
{
    const uint16_t *const defs = reader->def_levels.data;
    const uint16_t *const reps = reader->rep_levels.data;
    const uint16_t rep = enclosing_rep(node);
    size_t count = 0;
    size_t valid = 0;
    for (size_t i = 0; i < reader->level_count; i++) {
        if (reps[i] <= rep && defs[i] >= node->def_slot) {
            const uint64_t bit = defs[i] >= node->def_present;
            validity[count / 64] |= bit << (count % 64);
            valid += bit;
            count++;
        }
    }
    *nulls = count - valid;
    return count;
}

/* Heads of lists: offset and length in the child; answers the child's rows. */
static TN_FALLIBLE list_heads(const tn_node *node, const tn_leaf_reader *reader, tn_list *heads,
                              size_t *elements, tarn_error *err)
{
    const uint16_t *const defs = reader->def_levels.data;
    const uint16_t *const reps = reader->rep_levels.data;
    const uint16_t outer = (uint16_t)(node->rep - 1);
    size_t count = 0;
    uint32_t total = 0;
    for (size_t i = 0; i < reader->level_count; i++) {
        if (reps[i] <= outer && defs[i] >= node->def_slot) {
            heads[count++] = (tn_list){total, 0};
        }
        if (reps[i] <= node->rep && defs[i] >= node->def_element) {
            if (count == 0) {
                return tn_fail(err, TARN_E_CORRUPT, "an element belongs to no list");
            }
            heads[count - 1].length++;
            total++;
        }
    }
    *elements = total;
    return TARN_OK;
}

static TN_FALLIBLE leaf_values(tn_leaf_reader *reader, size_t count, const uint64_t *validity,
                               size_t nulls, tn_column *out, tarn_error *err)
{
    const size_t size = reader->lane_size;
    const size_t bytes = size > 0 ? (count + 1) * size : (tn_bitmap_words(count) + 1) * 8;
    if (count - nulls != reader->dense) {
        return tn_fail(err, TARN_E_CORRUPT, "the levels do not fit the values");
    }
    const size_t old = reader->values.size;
    TN_RETURN_IF_ERROR(tn_room__grow(reader->pool, &reader->values, bytes,
                                     size > 0 ? reader->dense * size : old, err));
    if (size == 0 && reader->values.size > old) {
        memset((uint8_t *)reader->values.data + old, 0, reader->values.size - old);
    }
    if (reader->is_spread) {
        nulls = 0;
    }
    reader->is_spread = true;
    if (nulls > 0 && size > 0) {
        tn_values__spread(reader->values.data, size, reader->dense, count, validity);
    } else if (nulls > 0) {
        tn_values__spread_bits(reader->values.data, reader->dense, count, validity);
    }
    out->lane = (uint8_t)reader->lane;
    out->values = reader->values.data;
    return TARN_OK;
}

static TN_FALLIBLE assemble_node(tn_assembly *assembly, uint32_t at, tn_leaf_reader *const *readers,
                                 size_t rows, tarn_error *err)
{
    tn_assembly_node *const self = &assembly->nodes[at];
    const tn_node *const node = self->node;
    tn_leaf_reader *const reader = readers[node->leaf];
    tn_column *const out = &assembly->columns[at];
    size_t nulls;
    size_t elements = 0;

    const size_t words = tn_bitmap_words(reader->level_count) + 1;
    TN_RETURN_IF_ERROR(tn_room__grow(assembly->pool, &self->validity, words * 8, 0, err));
    memset(self->validity.data, 0, words * 8);
    const size_t count = slots(node, reader, self->validity.data, &nulls);
    if (count != rows) {
        return tn_fail(err, TARN_E_CORRUPT, "the leaves of a column disagree: %zu rows and %zu",
                       count, rows);
    }
    *out = (tn_column){.type = node->type,
                       .lane = (uint8_t)node->type->lane,
                       .encoding = TN_FLAT,
                       .rows = (uint32_t)count,
                       .validity = nulls > 0 ? self->validity.data : NULL,
                       .children = &assembly->columns[self->first_child]};
    switch (node->kind) {
    case TN_NODE_LEAF:
        out->children = NULL;
        return leaf_values(reader, count, self->validity.data, nulls, out, err);
    case TN_NODE_STRUCT:
        elements = count;
        break;
    case TN_NODE_LIST:
    case TN_NODE_MAP:
        TN_RETURN_IF_ERROR(
            tn_room__grow(assembly->pool, &self->heads, (count + 1) * sizeof(tn_list), 0, err));
        TN_RETURN_IF_ERROR(list_heads(node, reader, self->heads.data, &elements, err));
        out->values = self->heads.data;
        break;
    }
    for (uint32_t i = 0; i < node->child_count; i++) {
        assembly->columns[self->first_child + i].rows = (uint32_t)elements; /* expected */
    }
    return TARN_OK;
}

TN_FALLIBLE tn_assembly__column(tn_assembly *assembly, tn_leaf_reader *const *readers, size_t rows,
                                tn_column *out, tarn_error *err)
{
    assembly->columns[0].rows = (uint32_t)rows;
    for (uint32_t i = 0; i < assembly->count; i++) {
        TN_RETURN_IF_ERROR(assemble_node(assembly, i, readers, assembly->columns[i].rows, err));
    }
    *out = assembly->columns[0];
    return TARN_OK;
}
