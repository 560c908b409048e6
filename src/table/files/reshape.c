/* Nested columns in another shape: a tree of columns, parents first, over the tree that was read.
 */
#include "table/files/reshape_internal.h"

#include "base/vec.h"

typedef struct node {
    const tn_type *type, *physical, *own;
    uint32_t from;        /* among the children read; UINT32_MAX: not in the file */
    uint32_t first_child; /* they lie together */
} node;

struct tn_reshape {
    node *nodes;
    uint32_t count;
};

struct tn_reshaped {
    const tn_reshape *plan;
    tn_column *columns; /* one a node */
    const tn_column **read;
};

bool tn_reshape__only_wider(const tn_type *from, const tn_type *to)
{
    if (from == to) {
        return true;
    }
    const bool times = (from->kind == TN_KIND_TIMESTAMP || from->kind == TN_KIND_TIMESTAMPTZ) &&
                       (to->kind == TN_KIND_TIMESTAMP || to->kind == TN_KIND_TIMESTAMPTZ);
    const bool integers = tn_type_is_integer(from) && tn_type_is_integer(to);
    const bool decimals = from->kind == TN_KIND_DECIMAL && to->kind == TN_KIND_DECIMAL &&
                          from->scale == to->scale && from->precision <= to->precision;
    return times || ((integers || decimals) && tn_lane_fits(to, from->lane));
}

static uint32_t find_field(const tn_type *type, tn_str name)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (tn_str_equal(type->fields[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

typedef TN_VEC(node) node_list;

/* A variant whose values lie in columns of their own: metadata and value are not all of it. */
static TN_FALLIBLE refuse_shredded(const node *at, tarn_error *err)
{
    const tn_type *type = at->type;
    if (type->kind != TN_KIND_STRUCT || type->field_count != 2 ||
        find_field(type, TN_STR("metadata")) != 0 || find_field(type, TN_STR("value")) != 1 ||
        at->own->kind != TN_KIND_STRUCT ||
        find_field(at->own, TN_STR("typed_value")) == UINT32_MAX) {
        return TARN_OK;
    }
    return tn_fail(err, TARN_E_UNSUPPORTED,
                   "variants that are shredded (the feature 'variantShredding', or "
                   "'variantShredding-preview') cannot be read yet");
}

/* The children of one node; false where the file's do not fit. */
static TN_FALLIBLE add_children(node_list *nodes, uint32_t at, bool fill_missing, bool *fits,
                                tarn_error *err)
{
    const node parent = nodes->items[at];
    nodes->items[at].first_child = (uint32_t)nodes->count;
    for (uint32_t i = 0; i < parent.type->field_count; i++) {
        const bool by_name = parent.type->kind == TN_KIND_STRUCT;
        node child = {.type = parent.type->fields[i].type,
                      .physical = parent.physical->fields[i].type,
                      .from =
                          by_name ? find_field(parent.own, parent.physical->fields[i].name) : i};
        *fits = child.from != UINT32_MAX || fill_missing;
        if (child.from != UINT32_MAX) {
            child.own = parent.own->fields[child.from].type;
            *fits = tn_type_is_nested(child.type) ? child.own->kind == child.type->kind
                                                  : tn_reshape__only_wider(child.own, child.type);
        }
        if (!*fits) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(tn_vec_push(nodes, child, err));
    }
    return TARN_OK;
}

tarn_code tn_reshape__plan(const tn_type *own, const tn_type *type, const tn_type *physical,
                           bool fill_missing, tn_arena *arena, const tn_reshape **out,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    const node root = {.type = type, .physical = physical, .own = own};
    tn_reshape *plan = NULL;
    void *memory;
    node_list nodes = {.pool = arena->pool};
    bool fits = tn_type_is_nested(type) && own->kind == type->kind;

    *out = NULL;
    TN_TRY(tn_vec_push(&nodes, root, err));
    for (uint32_t i = 0; i < nodes.count && fits; i++) {
        if (nodes.items[i].own != NULL && tn_type_is_nested(nodes.items[i].type)) {
            TN_TRY(refuse_shredded(&nodes.items[i], err));
            TN_TRY(add_children(&nodes, i, fill_missing, &fits, err));
        }
    }
    if (fits) {
        TN_TRY(tn_arena_alloc(arena, sizeof(*plan), &memory, err));
        plan = memory;
        plan->count = (uint32_t)nodes.count;
        TN_TRY(tn_arena_array(arena, node, nodes.count, &plan->nodes, err));
        memcpy(plan->nodes, nodes.items, nodes.count * sizeof(node));
        *out = plan;
    }
done:
    tn_vec_free(&nodes);
    return code;
}

tarn_code tn_reshape__start(const tn_reshape *plan, tn_arena *arena, tn_reshaped **out,
                            tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, sizeof(tn_reshaped), &memory, err));
    tn_reshaped *const task = memory;
    task->plan = plan;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_column, plan->count, &task->columns, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_column *, plan->count, &task->read, err));
    for (uint32_t i = 1; i < plan->count; i++) {
        const tn_value none = tn_value_null(plan->nodes[i].type);
        if (plan->nodes[i].from == UINT32_MAX) {
            TN_RETURN_IF_ERROR(tn_value_column(&none, 0, arena, &task->columns[i], err));
        }
    }
    *out = task;
    return TARN_OK;
}

void tn_reshape__run(tn_reshaped *task, const tn_column *in, tn_column *out)
{
    const node *const nodes = task->plan->nodes;
    task->read[0] = in;
    for (uint32_t i = 0; i < task->plan->count; i++) {
        const node *const at = &nodes[i];
        tn_column *const column = &task->columns[i];
        if (at->from == UINT32_MAX) {
            continue; /* NULL; its rows are set already */
        }
        *column = *task->read[i];
        column->type = at->type;
        if (!tn_type_is_nested(at->type)) {
            continue;
        }
        const tn_column *const read = column->children;
        column->children = &task->columns[at->first_child];
        for (uint32_t c = 0; c < at->type->field_count; c++) {
            const uint32_t child = at->first_child + c;
            if (nodes[child].from == UINT32_MAX) {
                task->columns[child].rows = at->own->field_count > 0 ? read[0].rows : column->rows;
            } else {
                task->read[child] = &read[nodes[child].from];
            }
        }
    }
    *out = task->columns[0];
}
