/* Expression trees: making, comparing and walking nodes.  Nothing here recurses. */
#include "base/hash.h"
#include "base/vec.h"
#include "expr/expr_internal.h"
#include "kernel/order.h"

/* ---- values ---- */

static tn_lane value_lane(const tn_value *value)
{
    return value->type->lane;
}

uint64_t tn_value__hash(const tn_value *value)
{
    const uint64_t kind = tn_hash_u64((uint64_t)value->type->kind + 77);
    if (value->is_null) {
        return tn_hash_mix(kind, TN_HASH_NULL);
    }
    switch (value_lane(value)) {
    case TN_LANE_bool:
        return tn_hash_mix(kind, value->boolean);
    case TN_LANE_f32:
    case TN_LANE_f64: {
        uint64_t bits;
        memcpy(&bits, &value->f64, 8);
        return tn_hash_mix(kind, bits);
    }
    case TN_LANE_i128:
    case TN_LANE_i256:
    case TN_LANE_interval:
    case TN_LANE_list:
    case TN_LANE_none: /* found by comparing */
        return kind;
    case TN_LANE_view:
        return tn_hash_mix(kind, tn_hash_bytes(value->str.data, value->str.size, 0));
    case TN_LANE_i8:
    case TN_LANE_i16:
    case TN_LANE_i32:
    case TN_LANE_i64:
    case TN_LANE_u8:
    case TN_LANE_u16:
    case TN_LANE_u32:
    case TN_LANE_u64:
    case TN_LANE_ALL:
        break;
    }
    return tn_hash_mix(kind, value->u64);
}

/* Stricter than the order of values: -0 and 0 are two literals, and so are a month and 30 days. */
bool tn_value__equal(const tn_value *a, const tn_value *b)
{
    if (a->type != b->type || a->is_null != b->is_null) {
        return false;
    }
    if (a->is_null) {
        return true;
    }
    switch (value_lane(a)) {
    case TN_LANE_bool:
        return a->boolean == b->boolean;
    case TN_LANE_f32:
    case TN_LANE_f64:
        return memcmp(&a->f64, &b->f64, 8) == 0;
    case TN_LANE_view:
        return tn_str_equal(a->str, b->str);
    case TN_LANE_list:
    case TN_LANE_none:
        return a->nested == b->nested;
    case TN_LANE_i128:
    case TN_LANE_i256:
        return tn_value_compare(a, b) == 0;
    case TN_LANE_interval:
        return a->interval.months == b->interval.months && a->interval.days == b->interval.days &&
               a->interval.nanos == b->interval.nanos;
    case TN_LANE_i8:
    case TN_LANE_i16:
    case TN_LANE_i32:
    case TN_LANE_i64:
    case TN_LANE_u8:
    case TN_LANE_u16:
    case TN_LANE_u32:
    case TN_LANE_u64:
    case TN_LANE_ALL:
        break;
    }
    return a->u64 == b->u64;
}

/* ---- nodes ---- */

static uint64_t hash_str(tn_str str)
{
    return tn_hash_bytes(str.data == NULL ? "" : str.data, str.size, 1);
}

void tn_expr__finish(tn_expr *expr)
{
    uint64_t hash = tn_hash_u64((uint64_t)expr->kind + 1);
    uint64_t weight = 1;
    expr->can_fail = expr->fails_itself;
    hash = tn_hash_mix(hash, (uint64_t)(uintptr_t)expr->type);
    hash = tn_hash_mix(hash, (uint64_t)expr->try_cast | (uint64_t)expr->distinct << 1 |
                                 (uint64_t)expr->negated << 2);
    hash = tn_hash_mix(hash, (uint64_t)(uintptr_t)expr->function);
    for (uint32_t i = 0; i < expr->child_count; i++) {
        hash = tn_hash_mix(hash, expr->children[i]->hash);
        weight += expr->children[i]->weight;
        expr->can_fail |= expr->children[i]->can_fail;
        expr->is_volatile |= expr->children[i]->is_volatile;
    }
    if (expr->kind == TN_EXPR_COLUMN) {
        hash = tn_hash_mix(hash, expr->column);
    } else if (expr->kind == TN_EXPR_LITERAL) {
        hash = tn_hash_mix(hash, tn_value__hash(&expr->value));
    } else if (expr->kind == TN_EXPR_PARAMETER) {
        hash = tn_hash_mix(hash, hash_str(expr->name));
    } else if (expr->kind == TN_EXPR_SUBQUERY) {
        hash = tn_hash_mix(hash, (uint64_t)(uintptr_t)expr->subquery);
    }
    if (expr->filter != NULL) {
        hash = tn_hash_mix(hash, expr->filter->hash);
        weight += expr->filter->weight;
        expr->can_fail |= expr->filter->can_fail;
    }
    for (uint32_t i = 0; i < expr->order_count; i++) {
        hash = tn_hash_mix(hash, expr->order[i].expr->hash);
        weight += expr->order[i].expr->weight;
        expr->can_fail |= expr->order[i].expr->can_fail;
    }
    bool constant = expr->kind == TN_EXPR_LITERAL;
    if (expr->kind == TN_EXPR_CALL || expr->kind == TN_EXPR_AND || expr->kind == TN_EXPR_OR ||
        expr->kind == TN_EXPR_CAST || expr->kind == TN_EXPR_CASE || expr->kind == TN_EXPR_IN) {
        constant = !expr->is_volatile;
        for (uint32_t i = 0; i < expr->child_count && constant; i++) {
            constant = expr->children[i]->is_constant;
        }
    }
    expr->is_constant = constant;
    expr->hash = hash;
    expr->weight = weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight;
}

tarn_code tn_expr__new(tn_expr_context *context, tn_expr_kind kind, const tn_type *type,
                       const tn_expr *const *children, uint32_t count, tn_span span, tn_expr **out,
                       tarn_error *err)
{
    tn_expr *expr = NULL;
    const tn_expr **copy = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(context->arena, tn_expr, &expr, err));
    if (count > 0) {
        TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *, count, &copy, err));
        memcpy(copy, children, count * sizeof(*copy));
    }
    expr->kind = kind;
    expr->type = type;
    expr->span = span;
    expr->children = copy;
    expr->child_count = count;
    expr->column = TN_COLUMN_NONE;
    *out = expr;
    return TARN_OK;
}

/* ---- equality ---- */

static bool same_head(const tn_expr *a, const tn_expr *b)
{
    if (a->kind != b->kind || a->type != b->type || a->hash != b->hash ||
        a->try_cast != b->try_cast || a->exact != b->exact || a->distinct != b->distinct ||
        a->negated != b->negated || a->child_count != b->child_count ||
        a->function != b->function || a->subquery != b->subquery ||
        a->order_count != b->order_count || (a->filter == NULL) != (b->filter == NULL) ||
        a->is_volatile || b->is_volatile) {
        return false;
    }
    for (uint32_t i = 0; i < a->order_count; i++) {
        if (a->order[i].descending != b->order[i].descending ||
            a->order[i].nulls_first != b->order[i].nulls_first) {
            return false;
        }
    }
    if (a->kind == TN_EXPR_COLUMN) {
        return a->column == b->column;
    }
    if (a->kind == TN_EXPR_PARAMETER) {
        return tn_str_equal(a->name, b->name);
    }
    return a->kind != TN_EXPR_LITERAL || tn_value__equal(&a->value, &b->value);
}

/* Children, then the filter, then the sort keys, as one list. */
static uint32_t part_count(const tn_expr *expr)
{
    return expr->child_count + (expr->filter != NULL) + expr->order_count;
}
static const tn_expr *part_of(const tn_expr *expr, uint32_t i)
{
    if (i < expr->child_count) {
        return expr->children[i];
    }
    i -= expr->child_count;
    if (expr->filter != NULL) {
        if (i == 0) {
            return expr->filter;
        }
        i--;
    }
    return expr->order[i].expr;
}

/*
 * Every part but the heaviest is looked into first, and the heaviest takes its parent's place: so a
 * frame weighs at most half of the one below it, and 32 frames hold any tree.
 */
bool tn_expr_equal(const tn_expr *a, const tn_expr *b)
{
    struct {
        const tn_expr *a, *b;
        uint32_t next, heaviest;
    } stack[34];
    size_t depth = 1;
    stack[0].a = a;
    stack[0].b = b;
    stack[0].next = UINT32_MAX;
    while (depth > 0) {
        const size_t top = depth - 1;
        const tn_expr *left = stack[top].a;
        const tn_expr *right = stack[top].b;
        if (stack[top].next == UINT32_MAX) { /* new here */
            if (left == right && !left->is_volatile) {
                depth--;
                continue;
            }
            if (!same_head(left, right)) {
                return false;
            }
            uint32_t heaviest = 0;
            for (uint32_t i = 1; i < part_count(left); i++) {
                if (part_of(left, i)->weight > part_of(left, heaviest)->weight) {
                    heaviest = i;
                }
            }
            stack[top].next = 0;
            stack[top].heaviest = heaviest;
        }
        if (stack[top].next == stack[top].heaviest) {
            stack[top].next++;
        }
        if (stack[top].next < part_count(left)) {
            const uint32_t i = stack[top].next++;
            if (depth == sizeof(stack) / sizeof(*stack)) {
                return false; /* past counting: two such trees are as good as different */
            }
            stack[depth].a = part_of(left, i);
            stack[depth].b = part_of(right, i);
            stack[depth++].next = UINT32_MAX;
        } else if (part_count(left) > 0) {
            stack[top].a = part_of(left, stack[top].heaviest);
            stack[top].b = part_of(right, stack[top].heaviest);
            stack[top].next = UINT32_MAX;
        } else {
            depth--;
        }
    }
    return true;
}

/* ---- walking and rewriting ---- */

tarn_code tn_expr_walk(const tn_expr *root, tn_pool *pool, tn_expr_visitor *visit, void *context,
                       tarn_error *err)
{
    TN_VEC(const tn_expr *) stack = TN_VEC_INIT(pool);
    tarn_code code = TARN_OK;
    TN_TRY(tn_vec_push(&stack, root, err));
    while (stack.count > 0) {
        const tn_expr *expr = tn_vec_pop(&stack);
        if (!visit(context, expr)) {
            continue;
        }
        for (uint32_t i = part_count(expr); i > 0; i--) {
            TN_TRY(tn_vec_push(&stack, part_of(expr, i - 1), err));
        }
    }
done:
    tn_vec_free(&stack);
    return code;
}

/* The node with other parts; `parts` has part_count(expr) entries. */
static tarn_code with_parts(tn_arena *arena, const tn_expr *expr, const tn_expr *const *parts,
                            const tn_expr **out, tarn_error *err)
{
    tn_expr *copy = NULL;
    const tn_expr **children = NULL;
    tn_sort_key *order = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_expr, &copy, err));
    *copy = *expr;
    if (expr->child_count > 0) {
        TN_RETURN_IF_ERROR(
            tn_arena_array(arena, const tn_expr *, expr->child_count, &children, err));
        memcpy(children, parts, expr->child_count * sizeof(*children));
        copy->children = children;
    }
    parts += expr->child_count;
    if (expr->filter != NULL) {
        copy->filter = *parts++;
    }
    if (expr->order_count > 0) {
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_sort_key, expr->order_count, &order, err));
        for (uint32_t i = 0; i < expr->order_count; i++) {
            order[i] = expr->order[i];
            order[i].expr = parts[i];
        }
        copy->order = order;
    }
    tn_expr__finish(copy);
    if (copy->kind == TN_EXPR_AGGREGATE && copy->function_data != NULL) {
        tn_bound_aggregate *bound = NULL;
        TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_bound_aggregate, &bound, err));
        *bound = *(const tn_bound_aggregate *)copy->function_data;
        bound->expr = copy;
        copy->function_data = bound;
    }
    *out = copy;
    return TARN_OK;
}

typedef struct rewrite_frame {
    const tn_expr *expr;
    uint32_t next;
} rewrite_frame;

typedef struct rewriting {
    tn_arena *arena;
    tn_expr_rewriter *rewrite;
    void *context;
    TN_VEC(rewrite_frame) frames;
    TN_VEC(const tn_expr *) done; /* finished parts of the frames, in order */
} rewriting;

/* All parts of the top frame stand at the end of `done`: they become one node there. */
static tarn_code finish_frame(rewriting *state, tarn_error *err)
{
    const tn_expr *expr = state->frames.items[state->frames.count - 1].expr;
    const uint32_t count = part_count(expr);
    const tn_expr *const *parts = state->done.items + state->done.count - count;
    const tn_expr *made = expr;
    bool changed = false;
    for (uint32_t i = 0; i < count; i++) {
        changed |= parts[i] != part_of(expr, i);
    }
    if (changed) {
        TN_RETURN_IF_ERROR(with_parts(state->arena, expr, parts, &made, err));
    }
    const tn_expr *result = made;
    TN_RETURN_IF_ERROR(state->rewrite(state->context, made, &result, err));
    state->done.count -= count;
    state->frames.count--;
    return tn_vec_push(&state->done, result, err);
}

tarn_code tn_expr_rewrite(const tn_expr *root, tn_arena *arena, tn_expr_rewriter *rewrite,
                          void *context, const tn_expr **out, tarn_error *err)
{
    rewriting state = {arena, rewrite, context, TN_VEC_INIT(arena->pool), TN_VEC_INIT(arena->pool)};
    tarn_code code = TARN_OK;
    *out = NULL;
    TN_TRY(tn_vec_push(&state.frames, ((rewrite_frame){root, 0}), err));
    while (state.frames.count > 0) {
        rewrite_frame *frame = &state.frames.items[state.frames.count - 1];
        if (frame->next < part_count(frame->expr)) {
            const tn_expr *child = part_of(frame->expr, frame->next++);
            TN_TRY(tn_vec_push(&state.frames, ((rewrite_frame){child, 0}), err));
        } else {
            TN_TRY(finish_frame(&state, err));
        }
    }
    *out = state.done.items[0];
done:
    tn_vec_free(&state.frames);
    tn_vec_free(&state.done);
    return code;
}

tarn_code tn_expr_with_children(tn_expr_context *context, const tn_expr *expr,
                                const tn_expr *const *children, const tn_expr **out,
                                tarn_error *err)
{
    const uint32_t count = part_count(expr);
    const tn_expr **parts = NULL;
    *out = expr;
    if (count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *, count, &parts, err));
    for (uint32_t i = 0; i < count; i++) {
        parts[i] = i < expr->child_count ? children[i] : part_of(expr, i);
    }
    return with_parts(context->arena, expr, parts, out, err);
}
