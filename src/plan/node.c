/* Nodes: the field list, copies, equality, hashes, outputs that are handed through. */
#include "plan/plan_internal.h"

#define ON(kind)    (UINT32_C(1) << TN_PLAN_##kind)
#define ON_JOIN     (ON(JOIN) | ON(APPLY))
#define ON_ALL      ((UINT32_C(1) << TN_PLAN_KIND_COUNT) - 1)
#define COUNT_OF(m) offsetof(tn_plan, m)
#define FIELD(kinds, form, member, count) \
    {(kinds), TN_FORM_##form, #member, offsetof(tn_plan, member), COUNT_OF(count)},
const tn_plan_field tn_plan__fields[] = {
#include "plan/fields.inc.h"
};
const size_t tn_plan__field_count = sizeof(tn_plan__fields) / sizeof(tn_plan__fields[0]);

const char *tn_plan__kind_name(tn_plan_kind kind)
{
    static const char *const names[TN_PLAN_KIND_COUNT] = {
        [TN_PLAN_SCAN] = "scan",           [TN_PLAN_VALUES] = "values",
        [TN_PLAN_FILTER] = "filter",       [TN_PLAN_PROJECT] = "project",
        [TN_PLAN_AGGREGATE] = "aggregate", [TN_PLAN_JOIN] = "join",
        [TN_PLAN_APPLY] = "apply",         [TN_PLAN_SORT] = "sort",
        [TN_PLAN_LIMIT] = "limit",         [TN_PLAN_DISTINCT] = "distinct",
        [TN_PLAN_UNION] = "union",         [TN_PLAN_EXCEPT] = "except",
        [TN_PLAN_INTERSECT] = "intersect", [TN_PLAN_UNNEST] = "unnest",
        [TN_PLAN_SHARED] = "shared",       [TN_PLAN_WRITE] = "write",
        [TN_PLAN_METER] = "meter",         [TN_PLAN_ALL] = "all",
    };
    return kind < TN_PLAN_KIND_COUNT ? names[kind] : "?";
}

const char *tn_plan__join_name(tn_join_kind kind)
{
    static const char *const names[] = {
        [TN_JOIN_INNER] = "inner", [TN_JOIN_LEFT] = "left",     [TN_JOIN_RIGHT] = "right",
        [TN_JOIN_FULL] = "full",   [TN_JOIN_SEMI] = "semi",     [TN_JOIN_ANTI] = "anti",
        [TN_JOIN_MARK] = "mark",   [TN_JOIN_SINGLE] = "single",
    };
    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

TN_FALLIBLE tn_plan__new(tn_plan_context *context, tn_plan_kind kind, tn_span span,
                         tn_plan *const *children, uint32_t child_count, tn_plan **out,
                         tarn_error *err)
{
    tn_arena *arena = context->expr.arena;
    tn_plan *plan = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_plan, &plan, err));
    *plan = (tn_plan){.kind = kind,
                      .span = span,
                      .child_count = child_count,
                      .row_limit = UINT64_MAX,
                      .limit = UINT64_MAX,
                      .mark = TN_COLUMN_NONE,
                      .rows_estimate = -1};
    if (child_count > 0) {
        tn_plan **copy = NULL;
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_plan *, child_count, &copy, err));
        memcpy(copy, children, child_count * sizeof(*copy));
        plan->children = copy;
    }
    *out = plan;
    return TARN_OK;
}

TN_FALLIBLE tn_plan__copy(tn_plan_context *context, const tn_plan *plan, tn_plan **out,
                          tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(context->expr.arena, tn_plan, out, err));
    **out = *plan;
    return TARN_OK;
}

const tn_output *tn_plan_output(const tn_plan *plan, tn_column_id id)
{
    for (uint32_t i = 0; i < plan->output_count; i++) {
        if (plan->outputs[i].id == id) {
            return &plan->outputs[i];
        }
    }
    return NULL;
}

tn_column_id tn_plan_new_column(tn_plan_context *context)
{
    return context->next_column++;
}

TN_FALLIBLE tn_plan_column(tn_plan_context *context, const tn_plan *plan, uint32_t output,
                           tn_span span, const tn_expr **out, tarn_error *err)
{
    const tn_output *column = &plan->outputs[output];
    return tn_expr_column(&context->expr, column->id, column->name, column->type, span, out, err);
}

TN_FALLIBLE tn_expr__column_of(tn_plan_context *context, const tn_output *output,
                               const tn_expr **out, tarn_error *err)
{
    return tn_expr_column(&context->expr, output->id, output->name, output->type, (tn_span){0, 0},
                          out, err);
}

bool tn_plan__same_outputs(const tn_plan *a, const tn_plan *b)
{
    if (a->output_count != b->output_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->output_count; i++) {
        if (a->outputs[i].id != b->outputs[i].id) {
            return false;
        }
    }
    return true;
}

/* ---- outputs that are handed through ---- */

static tarn_code join_outputs(tn_plan_context *context, tn_plan *plan, tarn_error *err)
{
    const tn_plan *left = plan->children[0];
    const tn_plan *right = plan->children[1];
    const bool left_only = tn_plan__left_only(plan->join);
    const bool nulls_left = plan->join == TN_JOIN_RIGHT || plan->join == TN_JOIN_FULL;
    const bool nulls_right =
        plan->join == TN_JOIN_LEFT || plan->join == TN_JOIN_FULL || plan->join == TN_JOIN_SINGLE;
    const bool mark = plan->join == TN_JOIN_MARK;
    const uint32_t count = left->output_count + (left_only ? mark : right->output_count);
    tn_output *outputs = NULL;
    uint32_t n = 0;

    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count, &outputs, err));
    for (uint32_t i = 0; i < left->output_count; i++) {
        outputs[n] = left->outputs[i];
        outputs[n++].nullable |= nulls_left;
    }
    for (uint32_t i = 0; !left_only && i < right->output_count; i++) {
        outputs[n] = right->outputs[i];
        outputs[n++].nullable |= nulls_right;
    }
    if (mark) {
        outputs[n++] = (tn_output){plan->mark, TN_STR("mark"), TN_BOOLEAN, plan->null_aware};
    }
    plan->outputs = outputs;
    plan->output_count = n;
    return TARN_OK;
}

static tarn_code unnest_outputs(tn_plan_context *context, tn_plan *plan, tarn_error *err)
{
    const tn_plan *child = plan->children[0];
    const uint32_t count = child->output_count + plan->expr_count;
    tn_output *outputs = NULL;
    TN_RETURN_IF_ERROR(tn_arena_array(context->expr.arena, tn_output, count, &outputs, err));
    if (child->output_count > 0) {
        memcpy(outputs, child->outputs, child->output_count * sizeof(*outputs));
    }
    /* The new ones keep their ids: they stand last in what the node had. */
    memcpy(outputs + child->output_count, plan->outputs + (plan->output_count - plan->expr_count),
           plan->expr_count * sizeof(*outputs));
    plan->outputs = outputs;
    plan->output_count = count;
    return TARN_OK;
}

TN_FALLIBLE tn_plan__derive(tn_plan_context *context, tn_plan *plan, tarn_error *err)
{
    if (plan->kind == TN_PLAN_JOIN || plan->kind == TN_PLAN_APPLY) {
        return join_outputs(context, plan, err);
    }
    if (plan->kind == TN_PLAN_UNNEST) {
        return unnest_outputs(context, plan, err);
    }
    if (plan->kind == TN_PLAN_FILTER || plan->kind == TN_PLAN_SORT || plan->kind == TN_PLAN_LIMIT ||
        plan->kind == TN_PLAN_DISTINCT || plan->kind == TN_PLAN_METER) {
        plan->outputs = plan->children[0]->outputs;
        plan->output_count = plan->children[0]->output_count;
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan__with_children(tn_plan_context *context, tn_plan *plan,
                                   tn_plan *const *children, tn_plan **out, tarn_error *err)
{
    bool changed = false;
    bool outputs_changed = false;
    for (uint32_t i = 0; i < plan->child_count; i++) {
        changed |= children[i] != plan->children[i];
        outputs_changed |= children[i]->outputs != plan->children[i]->outputs &&
                           !tn_plan__same_outputs(children[i], plan->children[i]);
    }
    if (!changed) {
        *out = plan;
        return TARN_OK;
    }
    tn_plan **list = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(context->expr.arena, tn_plan *, plan->child_count, &list, err));
    memcpy(list, children, plan->child_count * sizeof(*list)); /* `out` may be one of them */
    TN_RETURN_IF_ERROR(tn_plan__copy(context, plan, out, err));
    (*out)->children = list;
    return outputs_changed ? tn_plan__derive(context, *out, err) : TARN_OK;
}

/* ---- expressions of a node ---- */

TN_FALLIBLE tn_plan__each_expr(const tn_plan *plan, tn_expr_see *see, void *context,
                               tarn_error *err)
{
    for (size_t f = 0; f < tn_plan__field_count; f++) {
        const tn_plan_field *field = &tn_plan__fields[f];
        if (!tn_plan__has(plan, field)) {
            continue;
        }
        if (field->form == TN_FORM_EXPRS || field->form == TN_FORM_CONJUNCTS) {
            const tn_expr *const *exprs = TN_FIELD_AT(plan, field, const tn_expr *const *);
            for (uint32_t i = 0, n = tn_plan__field_length(plan, field); i < n; i++) {
                TN_RETURN_IF_ERROR(see(context, exprs[i], err));
            }
        } else if (field->form == TN_FORM_PAIRS) {
            const tn_join_pair *pairs = TN_FIELD_AT(plan, field, const tn_join_pair *);
            for (uint32_t i = 0, n = tn_plan__field_length(plan, field); i < n; i++) {
                TN_RETURN_IF_ERROR(see(context, pairs[i].left, err));
                TN_RETURN_IF_ERROR(see(context, pairs[i].right, err));
            }
        } else if (field->form == TN_FORM_ORDER) {
            const tn_sort_key *keys = TN_FIELD_AT(plan, field, const tn_sort_key *);
            for (uint32_t i = 0, n = tn_plan__field_length(plan, field); i < n; i++) {
                TN_RETURN_IF_ERROR(see(context, keys[i].expr, err));
            }
        }
    }
    return TARN_OK;
}

/* The expressions of one list, rewritten in a copy that is made at the first change. */
static tarn_code map_list(tn_plan_context *context, const char *list, size_t item_size,
                          size_t expr_offset, uint32_t count, tn_expr_rewriter *map,
                          void *map_context, const void **out, tarn_error *err)
{
    char *copy = NULL;
    *out = list;
    for (uint32_t i = 0; i < count; i++) {
        const tn_expr *old = *(const tn_expr *const *)(list + i * item_size + expr_offset);
        const tn_expr *now = NULL;
        TN_RETURN_IF_ERROR(map(map_context, old, &now, err));
        if (now == old) {
            continue;
        }
        if (copy == NULL) {
            TN_RETURN_IF_ERROR(
                tn_arena_alloc_array(context->expr.arena, count, item_size, (void **)&copy, err));
            memcpy(copy, list, count * item_size);
            *out = copy;
        }
        memcpy(copy + i * item_size + expr_offset, (const void *)&now, sizeof(now));
    }
    return TARN_OK;
}

TN_FALLIBLE tn_plan__map_exprs(tn_plan_context *context, tn_plan *plan, tn_expr_rewriter *map,
                               void *map_context, tn_plan **out, tarn_error *err)
{
    tn_plan *copy = NULL;
    *out = plan;
    for (size_t f = 0; f < tn_plan__field_count; f++) {
        const tn_plan_field *field = &tn_plan__fields[f];
        const bool exprs = field->form == TN_FORM_EXPRS || field->form == TN_FORM_CONJUNCTS;
        if (!tn_plan__has(plan, field) ||
            (!exprs && field->form != TN_FORM_PAIRS && field->form != TN_FORM_ORDER)) {
            continue;
        }
        const char *list = TN_FIELD_AT(plan, field, const char *);
        const uint32_t count = tn_plan__field_length(plan, field);
        const void *now = list;
        if (exprs) {
            TN_RETURN_IF_ERROR(map_list(context, list, sizeof(const tn_expr *), 0, count, map,
                                        map_context, &now, err));
        } else if (field->form == TN_FORM_ORDER) {
            TN_RETURN_IF_ERROR(map_list(context, list, sizeof(tn_sort_key),
                                        offsetof(tn_sort_key, expr), count, map, map_context, &now,
                                        err));
        } else {
            TN_RETURN_IF_ERROR(map_list(context, list, sizeof(tn_join_pair),
                                        offsetof(tn_join_pair, left), count, map, map_context, &now,
                                        err));
            TN_RETURN_IF_ERROR(map_list(context, now, sizeof(tn_join_pair),
                                        offsetof(tn_join_pair, right), count, map, map_context,
                                        &now, err));
        }
        if (now == list) {
            continue;
        }
        if (copy == NULL) {
            TN_RETURN_IF_ERROR(tn_plan__copy(context, plan, &copy, err));
            *out = copy;
        }
        memcpy((char *)copy + field->offset, (const void *)&now, sizeof(now));
    }
    return TARN_OK;
}

/* ---- equality and hash ---- */

static bool exprs_equal(const tn_expr *const *a, const tn_expr *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!tn_expr_equal(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static bool list_equal(const tn_plan *a, const tn_plan *b, const tn_plan_field *field)
{
    const uint32_t count = tn_plan__field_length(a, field);
    if (count != tn_plan__field_length(b, field)) {
        return false;
    }
    if (field->form == TN_FORM_NUMBERS) {
        return count == 0 ||
               memcmp(TN_FIELD_AT(a, field, const uint32_t *),
                      TN_FIELD_AT(b, field, const uint32_t *), count * sizeof(uint32_t)) == 0;
    }
    if (field->form == TN_FORM_PAIRS) {
        const tn_join_pair *pa = TN_FIELD_AT(a, field, const tn_join_pair *);
        const tn_join_pair *pb = TN_FIELD_AT(b, field, const tn_join_pair *);
        for (uint32_t i = 0; i < count; i++) {
            if (pa[i].null_equal != pb[i].null_equal || !tn_expr_equal(pa[i].left, pb[i].left) ||
                !tn_expr_equal(pa[i].right, pb[i].right)) {
                return false;
            }
        }
        return true;
    }
    if (field->form == TN_FORM_ORDER) {
        const tn_sort_key *ka = TN_FIELD_AT(a, field, const tn_sort_key *);
        const tn_sort_key *kb = TN_FIELD_AT(b, field, const tn_sort_key *);
        for (uint32_t i = 0; i < count; i++) {
            if (ka[i].descending != kb[i].descending || ka[i].nulls_first != kb[i].nulls_first ||
                !tn_expr_equal(ka[i].expr, kb[i].expr)) {
                return false;
            }
        }
        return true;
    }
    return exprs_equal(TN_FIELD_AT(a, field, const tn_expr *const *),
                       TN_FIELD_AT(b, field, const tn_expr *const *), count);
}

static bool field_equal(const tn_plan *a, const tn_plan *b, const tn_plan_field *field)
{
    switch (field->form) {
    case TN_FORM_BOOL:
        return TN_FIELD_AT(a, field, bool) == TN_FIELD_AT(b, field, bool);
    case TN_FORM_U32:
        return TN_FIELD_AT(a, field, uint32_t) == TN_FIELD_AT(b, field, uint32_t);
    case TN_FORM_U64:
        return TN_FIELD_AT(a, field, uint64_t) == TN_FIELD_AT(b, field, uint64_t);
    case TN_FORM_TEXT:
        return tn_str_equal(TN_FIELD_AT(a, field, tn_str), TN_FIELD_AT(b, field, tn_str));
    case TN_FORM_JOIN_KIND:
        return TN_FIELD_AT(a, field, tn_join_kind) == TN_FIELD_AT(b, field, tn_join_kind);
    case TN_FORM_SOURCE:
    case TN_FORM_SINK:
    case TN_FORM_REJECTS:
        return TN_FIELD_AT(a, field, const void *) == TN_FIELD_AT(b, field, const void *);
    case TN_FORM_NUMBERS:
    case TN_FORM_EXPRS:
    case TN_FORM_PAIRS:
    case TN_FORM_ORDER:
    case TN_FORM_CONJUNCTS:
    default:
        return list_equal(a, b, field);
    }
}

bool tn_plan__node_equal(const tn_plan *a, const tn_plan *b)
{
    if (a->kind != b->kind || a->child_count != b->child_count ||
        a->output_count != b->output_count) {
        return false;
    }
    for (size_t f = 0; f < tn_plan__field_count; f++) {
        if (tn_plan__has(a, &tn_plan__fields[f]) && !field_equal(a, b, &tn_plan__fields[f])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->output_count; i++) {
        const tn_output *x = &a->outputs[i];
        const tn_output *y = &b->outputs[i];
        if (x->id != y->id || x->type != y->type || x->nullable != y->nullable ||
            !tn_str_equal(x->name, y->name)) {
            return false;
        }
    }
    return true;
}

TN_FALLIBLE tn_plan__equal(const tn_plan *a, const tn_plan *b, tn_pool *pool, bool *out,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(const tn_plan *) stack = TN_VEC_INIT(pool);
    tn_pointer_map seen;
    tn_pointer_map__init(&seen, pool);
    *out = true;
    TN_TRY(tn_vec_push(&stack, a, err));
    TN_TRY(tn_vec_push(&stack, b, err));
    while (*out && stack.count > 0) {
        const tn_plan *right = tn_vec_pop(&stack);
        const tn_plan *left = tn_vec_pop(&stack);
        size_t twin;
        if (tn_pointer_map__find(&seen, left, &twin)) {
            *out = twin == (size_t)(uintptr_t)right; /* shared here means shared there */
            continue;
        }
        TN_TRY(tn_pointer_map__put(&seen, left, (size_t)(uintptr_t)right, err));
        *out = tn_plan__node_equal(left, right);
        for (uint32_t i = 0; *out && i < left->child_count; i++) {
            TN_TRY(tn_vec_push(&stack, left->children[i], err));
            TN_TRY(tn_vec_push(&stack, right->children[i], err));
        }
    }
done:
    tn_vec_free(&stack);
    tn_pointer_map__deinit(&seen);
    return code;
}

uint64_t tn_plan__node_hash(const tn_plan *plan)
{
    uint64_t hash = tn_hash_u64((uint64_t)plan->kind + 1);
    for (size_t f = 0; f < tn_plan__field_count; f++) {
        const tn_plan_field *field = &tn_plan__fields[f];
        if (!tn_plan__has(plan, field)) {
            continue;
        }
        if (field->form == TN_FORM_U32) {
            hash = tn_hash_mix(hash, TN_FIELD_AT(plan, field, uint32_t));
        } else if (field->form == TN_FORM_U64) {
            hash = tn_hash_mix(hash, TN_FIELD_AT(plan, field, uint64_t));
        } else if (field->form >= TN_FORM_EXPRS && field->form <= TN_FORM_CONJUNCTS) {
            hash = tn_hash_mix(hash, tn_plan__field_length(plan, field));
        } else if (field->form == TN_FORM_SOURCE) {
            hash = tn_hash_mix(hash, (uint64_t)(uintptr_t)TN_FIELD_AT(plan, field, const void *));
        }
    }
    return hash;
}
