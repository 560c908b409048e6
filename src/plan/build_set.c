/* Constructors of nodes with many inputs, shared plans and sinks. */
#include "plan/plan_internal.h"

/* ---- set operations ---- */

static const char *set_name(tn_plan_kind kind)
{
    return kind == TN_PLAN_UNION ? "UNION" : kind == TN_PLAN_EXCEPT ? "EXCEPT" : "INTERSECT";
}

static tarn_code at(tarn_error *err, tn_span span, tarn_code code)
{
    if (err != NULL) {
        err->span_start = span.start;
        err->span_length = span.length;
    }
    return code;
}

/* The type column `i` has in all children. */
static tarn_code common_type(tn_plan_context *context, tn_plan_kind kind, tn_plan *const *children,
                             uint32_t count, uint32_t i, tn_span span, const tn_type **out,
                             tarn_error *err)
{
    *out = children[0]->outputs[i].type;
    for (uint32_t c = 1; c < count; c++) {
        const tn_type *before = *out;
        const tn_type *other = children[c]->outputs[i].type;
        bool found = true;
        if (other == before) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_types_common(context->expr.types, before, other, out, &found, err));
        if (!found) {
            const tarn_code code =
                tn_fail(err, TARN_E_INVALID,
                        "%s: column %u ('%.*s') is %.*s in one input and %.*s in another",
                        set_name(kind), i + 1, TN_STR_ARGS(children[0]->outputs[i].name),
                        TN_STR_ARGS(before->name), TN_STR_ARGS(other->name));
            tn_hint(err, "cast one of them");
            return at(err, span, code);
        }
    }
    if ((*out)->kind == TN_KIND_NULL) {
        *out =
            TN_INTEGER; /* NULL everywhere: a type must be had, and this is PostgreSQL's way out */
    }
    return TARN_OK;
}

/* The child with its columns cast to the types, where they differ. */
static tarn_code cast_child(tn_plan_context *context, tn_plan *child, const tn_type *const *types,
                            bool stored, tn_plan **out, tarn_error *err)
{
    const uint32_t count = child->output_count;
    bool same = true;
    for (uint32_t i = 0; i < count; i++) {
        same &= child->outputs[i].type == types[i];
    }
    *out = child;
    if (same) {
        return TARN_OK;
    }
    const tn_expr **exprs = NULL;
    tn_str *names = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_expr *, count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_str, count, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        const tn_expr *column = NULL;
        TN_RETURN_IF_ERROR(tn_expr__column_of(context, &child->outputs[i], &column, err));
        const tarn_code code = stored ? tn_expr_cast_stored(&context->expr, column, types[i],
                                                            column->span, &exprs[i], err)
                                      : tn_expr_cast(&context->expr, column, types[i], false, false,
                                                     column->span, &exprs[i], err);
        if (code != TARN_OK) {
            tn_explain(err, "column '%.*s'", TN_STR_ARGS(child->outputs[i].name));
            return code;
        }
        names[i] = child->outputs[i].name;
    }
    return tn_plan_project(context, child, exprs, names, count, out, err);
}

static tarn_code check_set(tn_plan_kind kind, tn_plan *const *children, uint32_t count,
                           tn_span span, tarn_error *err)
{
    if (count == 0 || (kind != TN_PLAN_UNION && count != 2)) {
        return tn_fail(err, TARN_E_INTERNAL, "%s of %u inputs", set_name(kind), count);
    }
    for (uint32_t c = 1; c < count; c++) {
        if (children[c]->output_count != children[0]->output_count) {
            const tarn_code code = tn_fail(
                err, TARN_E_INVALID, "%s: the first input has %u column%s, input %u has %u",
                set_name(kind), children[0]->output_count,
                children[0]->output_count == 1 ? "" : "s", c + 1, children[c]->output_count);
            if (kind == TN_PLAN_UNION) {
                tn_hint(err,
                        "UNION BY NAME matches columns by name and fills the others with NULL");
            }
            return at(err, span, code);
        }
    }
    return TARN_OK;
}

static tarn_code set_of(tn_plan_context *context, tn_plan_kind kind, tn_plan *const *children,
                        uint32_t count, const tn_type *const *types, tn_span span, tn_plan **out,
                        tarn_error *err)
{
    const uint32_t width = children[0]->output_count;
    tn_plan **casted = NULL;
    tn_output *outputs = NULL;
    tn_plan *plan = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_plan *, count, &casted, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, width, &outputs, err));
    for (uint32_t c = 0; c < count; c++) {
        TN_RETURN_IF_ERROR(cast_child(context, children[c], types, false, &casted[c], err));
    }
    for (uint32_t i = 0; i < width; i++) {
        outputs[i] = (tn_output){tn_plan_new_column(context), casted[0]->outputs[i].name, types[i],
                                 casted[0]->outputs[i].nullable};
        for (uint32_t c = 1; c < count && kind == TN_PLAN_UNION; c++) {
            outputs[i].nullable |= casted[c]->outputs[i].nullable;
        }
    }
    TN_RETURN_IF_ERROR(tn_plan__new(context, kind, span, casted, count, &plan, err));
    plan->outputs = outputs;
    plan->output_count = width;
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_set(tn_plan_context *context, tn_plan_kind kind, tn_plan *const *children,
                        uint32_t count, bool all, tn_span span, tn_plan **out, tarn_error *err)
{
    const tn_type **types = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(check_set(kind, children, count, span, err));
    const uint32_t width = children[0]->output_count;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_type *, width, &types, err));
    for (uint32_t i = 0; i < width; i++) {
        TN_RETURN_IF_ERROR(common_type(context, kind, children, count, i, span, &types[i], err));
    }
    TN_RETURN_IF_ERROR(set_of(context, kind, children, count, types, span, out, err));
    if (kind == TN_PLAN_UNION && !all) {
        return tn_plan_distinct(context, *out, NULL, 0, NULL, 0, out, err);
    }
    (*out)->all = kind != TN_PLAN_UNION && all;
    return TARN_OK;
}

/* ---- by name ---- */

typedef struct named_columns {
    TN_VEC(tn_str) names;   /* in order of first appearance */
    TN_VEC(uint32_t) at;    /* child * names + name: output, or UINT32_MAX; filled per child */
    TN_VEC(uint32_t) slots; /* open addressing over names, by folded hash */
} named_columns;

static uint64_t folded_hash(tn_str name)
{
    uint64_t hash = name.size;
    for (size_t i = 0; i < name.size; i++) {
        hash = hash * 31 + (uint8_t)tn_ascii_lower(name.data[i]);
    }
    return tn_hash_u64(hash);
}

static tarn_code rehash_names(named_columns *n, tarn_error *err)
{
    const size_t capacity = n->slots.count == 0 ? 64 : n->slots.count * 2;
    n->slots.count = 0;
    TN_RETURN_IF_ERROR(tn_vec_reserve(&n->slots, capacity, err));
    n->slots.count = capacity;
    memset(n->slots.items, 0xff, capacity * sizeof(*n->slots.items));
    for (uint32_t i = 0; i < n->names.count; i++) {
        size_t slot = folded_hash(n->names.items[i]) & (capacity - 1);
        while (n->slots.items[slot] != UINT32_MAX) {
            slot = (slot + 1) & (capacity - 1);
        }
        n->slots.items[slot] = i;
    }
    return TARN_OK;
}

static tarn_code name_index(named_columns *n, tn_str name, uint32_t *out, tarn_error *err)
{
    if ((n->names.count + 1) * 2 > n->slots.count) {
        TN_RETURN_IF_ERROR(rehash_names(n, err));
    }
    size_t slot = folded_hash(name) & (n->slots.count - 1);
    while (n->slots.items[slot] != UINT32_MAX) {
        if (tn_str_equal_fold(n->names.items[n->slots.items[slot]], name)) {
            *out = n->slots.items[slot];
            return TARN_OK;
        }
        slot = (slot + 1) & (n->slots.count - 1);
    }
    *out = (uint32_t)n->names.count;
    n->slots.items[slot] = *out;
    return tn_vec_push(&n->names, name, err);
}

/* The child's columns in the order of all names, NULL where it has none. */
static tarn_code by_name(tn_plan_context *context, tn_plan *child, const named_columns *n,
                         const uint32_t *position, tn_plan **out, tarn_error *err)
{
    const uint32_t width = (uint32_t)n->names.count;
    const tn_value null = tn_value_null(TN_TYPE_NULL);
    const tn_expr **exprs = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_expr *, width, &exprs, err));
    for (uint32_t i = 0; i < width; i++) {
        if (position[i] == UINT32_MAX) {
            TN_RETURN_IF_ERROR(
                tn_expr_literal(&context->expr, &null, (tn_span){0, 0}, &exprs[i], err));
        } else {
            TN_RETURN_IF_ERROR(
                tn_expr__column_of(context, &child->outputs[position[i]], &exprs[i], err));
        }
    }
    return tn_plan_project(context, child, exprs, n->names.items, width, out, err);
}

TN_FALLIBLE tn_plan_union_by_name(tn_plan_context *context, tn_plan *const *children,
                                  uint32_t count, tn_span span, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_plan **lined_up = NULL;
    named_columns n = {.names = TN_VEC_INIT(context->pool),
                       .at = TN_VEC_INIT(context->pool),
                       .slots = TN_VEC_INIT(context->pool)};
    uint32_t name;
    *out = NULL;
    for (uint32_t c = 0; c < count; c++) {
        for (uint32_t i = 0; i < children[c]->output_count; i++) {
            TN_TRY(name_index(&n, children[c]->outputs[i].name, &name, err));
        }
    }
    TN_TRY(tn_arena_array(context->expr.arena, tn_plan *, count, &lined_up, err));
    TN_TRY(tn_vec_reserve(&n.at, n.names.count, err));
    for (uint32_t c = 0; c < count; c++) {
        memset(n.at.items, 0xff, n.names.count * sizeof(*n.at.items));
        for (uint32_t i = 0; i < children[c]->output_count; i++) {
            const tn_str column = children[c]->outputs[i].name;
            TN_TRY(name_index(&n, column, &name, err));
            if (n.at.items[name] != UINT32_MAX) {
                code = at(err, span,
                          tn_fail(err, TARN_E_INVALID,
                                  "UNION BY NAME: input %u has two columns '%.*s'", c + 1,
                                  TN_STR_ARGS(column)));
                goto done;
            }
            n.at.items[name] = i;
        }
        TN_TRY(by_name(context, children[c], &n, n.at.items, &lined_up[c], err));
    }
    TN_TRY(tn_plan_set(context, TN_PLAN_UNION, lined_up, count, true, span, out, err));
done:
    tn_vec_free(&n.names);
    tn_vec_free(&n.at);
    tn_vec_free(&n.slots);
    return code;
}

/* ---- shared plans, sinks ---- */

TN_FALLIBLE tn_plan_shared(tn_plan_context *context, tn_plan *child, uint32_t shared_id,
                           tn_plan **out, tarn_error *err)
{
    tn_plan *plan = NULL;
    tn_output *outputs = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_plan__new(context, TN_PLAN_SHARED, child->span, &child, 1, &plan, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_output, child->output_count, &outputs, err));
    for (uint32_t i = 0; i < child->output_count; i++) {
        outputs[i] = child->outputs[i];
        outputs[i].id = tn_plan_new_column(context);
    }
    plan->shared_id = shared_id;
    plan->outputs = outputs;
    plan->output_count = child->output_count;
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_meter(tn_plan_context *context, tn_plan *child, uint32_t meter, tn_plan **out,
                          tarn_error *err)
{
    tn_plan *plan = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_plan__new(context, TN_PLAN_METER, child->span, &child, 1, &plan, err));
    plan->meter = meter;
    TN_RETURN_IF_ERROR(tn_plan__derive(context, plan, err));
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_write(tn_plan_context *context, tn_plan *child, tn_sink *sink, tn_plan **out,
                          tarn_error *err)
{
    const uint32_t width = sink->schema.count;
    tn_plan *plan = NULL;
    tn_output *count = NULL;
    const tn_type **types = NULL;
    *out = NULL;
    if (child->output_count != width) {
        return tn_fail(err, TARN_E_INVALID, "%u column%s written where %u %s wanted",
                       child->output_count, child->output_count == 1 ? " is" : "s are", width,
                       width == 1 ? "is" : "are");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, const tn_type *, width, &types, err));
    for (uint32_t i = 0; i < width; i++) {
        types[i] = sink->schema.fields[i].type;
    }
    TN_RETURN_IF_ERROR(cast_child(context, child, types, true, &child, err));
    TN_RETURN_IF_ERROR(tn_plan__new(context, TN_PLAN_WRITE, child->span, &child, 1, &plan, err));
    TN_RETURN_IF_ERROR(tn_arena_new(context->expr.arena, tn_output, &count, err));
    *count = (tn_output){tn_plan_new_column(context), TN_STR("count"), TN_BIGINT, false};
    plan->sink = sink;
    plan->outputs = count;
    plan->output_count = 1;
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan_all(tn_plan_context *context, tn_plan *const *roots, uint32_t count,
                        tn_plan **out, tarn_error *err)
{
    return tn_plan__new(context, TN_PLAN_ALL, (tn_span){0, 0}, roots, count, out, err);
}
