/* EXPLAIN: a plan as a tree, one node a line, read from the field list. */
#include "plan/plan_internal.h"

enum { EXPRESSION_MAX = 2000 /* bytes shown of one expression */ };

typedef struct line {
    const tn_plan *plan;
    uint32_t depth;
    bool is_last; /* of its siblings */
} line;

typedef struct explaining {
    tn_pool *pool;
    tn_plan_annotate *annotate;
    void *annotate_context;
    tn_text *out;
    TN_VEC(line) stack;
    TN_VEC(bool) more;       /* by depth: siblings follow */
    TN_VEC(uint32_t) shared; /* printed already */
} explaining;

static void print_expr(const tn_expr *expr, tn_text *out)
{
    const size_t start = out->size;
    tn_expr_print(expr, out);
    if (out->failed == TARN_OK && out->size - start > EXPRESSION_MAX) {
        size_t end = start + EXPRESSION_MAX;
        while (end > start && ((uint8_t)out->data[end] & 0xc0) == 0x80) {
            end--; /* not within a character */
        }
        out->size = end;
        tn_text_puts(out, "...");
    }
}

static void print_exprs(const tn_plan *plan, const tn_plan_field *field, tn_text *out)
{
    const tn_expr *const *exprs = TN_FIELD_AT(plan, field, const tn_expr *const *);
    const uint32_t count = tn_plan__field_length(plan, field);
    const bool conjuncts = plan->kind == TN_PLAN_FILTER || plan->kind == TN_PLAN_JOIN ||
                           plan->kind == TN_PLAN_APPLY || field->form == TN_FORM_CONJUNCTS;
    /* Where outputs are named: those of PROJECT and AGGREGATE, behind the keys. */
    const uint32_t first =
        plan->kind == TN_PLAN_AGGREGATE && exprs == plan->exprs ? plan->key_count : 0;
    const bool named = plan->kind == TN_PLAN_PROJECT ||
                       (plan->kind == TN_PLAN_AGGREGATE && plan->output_count >= first + count);
    for (uint32_t i = 0; i < count; i++) {
        tn_text_puts(out, i == 0 ? "" : conjuncts ? " AND " : ", ");
        print_expr(exprs[i], out);
        if (named) {
            const tn_output *output = &plan->outputs[first + i];
            if (output->name.size > 0 &&
                (exprs[i]->kind != TN_EXPR_COLUMN || !tn_str_equal(exprs[i]->name, output->name))) {
                tn_text_printf(out, " AS %.*s", TN_STR_ARGS(output->name));
            }
        }
    }
}

static void print_pairs(const tn_plan *plan, tn_text *out)
{
    for (uint32_t i = 0; i < plan->pair_count; i++) {
        const tn_join_pair *pair = &plan->pairs[i];
        tn_text_puts(out, i == 0 ? "" : " AND ");
        print_expr(pair->left, out);
        tn_text_puts(out, pair->null_equal ? " IS NOT DISTINCT FROM " : " = ");
        print_expr(pair->right, out);
    }
}

/* What a column without a name was computed from, below `plan`; else the expression itself. */
static const tn_expr *source_of(const tn_plan *plan, const tn_expr *expr)
{
    if (expr->kind != TN_EXPR_COLUMN || expr->name.size > 0) {
        return expr;
    }
    for (const tn_plan *at = plan; at->child_count == 1;) {
        at = at->children[0];
        for (uint32_t i = 0; at->kind == TN_PLAN_PROJECT && i < at->output_count; i++) {
            if (at->outputs[i].id == expr->column) {
                return at->exprs[i];
            }
        }
    }
    return expr;
}

static void print_order(const tn_plan *plan, tn_text *out)
{
    for (uint32_t i = 0; i < plan->order_count; i++) {
        const tn_sort_key *key = &plan->order[i];
        tn_text_puts(out, i == 0 ? "" : ", ");
        print_expr(source_of(plan, key->expr), out);
        tn_text_puts(out, key->descending ? " DESC" : "");
        if (key->nulls_first != key->descending) {
            tn_text_puts(out, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static void print_columns(const tn_plan *plan, tn_text *out)
{
    enum { SHOWN = 40 };
    tn_text_puts(out, "[");
    for (uint32_t i = 0; i < plan->output_count && i < SHOWN; i++) {
        tn_text_puts(out, i == 0 ? "" : ", ");
        tn_text_append(out, plan->outputs[i].name);
    }
    if (plan->output_count > SHOWN) {
        tn_text_printf(out, ", ... %u columns", plan->output_count);
    }
    tn_text_puts(out, "]");
}

/* What stands before a list: "by: ", "on: "; NULL: nothing is said about the field. */
static const char *list_label(const tn_plan *plan, const tn_plan_field *field)
{
    if (field->form == TN_FORM_CONJUNCTS) {
        return plan->conjuncts_fallible ? "pushed (as prefilters): " : "pushed: ";
    }
    if (field->form == TN_FORM_PAIRS) {
        return "on ";
    }
    if (field->form == TN_FORM_ORDER) {
        return "by ";
    }
    if (field->offset == offsetof(tn_plan, keys)) {
        return plan->kind == TN_PLAN_DISTINCT ? "on " : "by ";
    }
    return plan->kind == TN_PLAN_JOIN || plan->kind == TN_PLAN_APPLY ? "where " : "";
}

static void print_list(const tn_plan *plan, const tn_plan_field *field, tn_text *out)
{
    if (tn_plan__field_length(plan, field) == 0) {
        return;
    }
    const bool computed = plan->kind == TN_PLAN_AGGREGATE && plan->key_count > 0 &&
                          field->offset == offsetof(tn_plan, exprs);
    tn_text_puts(out, computed ? ": " : " ");
    tn_text_puts(out, list_label(plan, field));
    if (field->form == TN_FORM_PAIRS) {
        print_pairs(plan, out);
    } else if (field->form == TN_FORM_ORDER) {
        print_order(plan, out);
    } else {
        print_exprs(plan, field, out);
    }
}

static void print_field(const tn_plan *plan, const tn_plan_field *field, tn_text *out)
{
    switch (field->form) {
    case TN_FORM_BOOL:
        if (TN_FIELD_AT(plan, field, bool) &&
            field->offset != offsetof(tn_plan, conjuncts_fallible)) {
            tn_text_printf(out, " %s", field->name);
        }
        break;
    case TN_FORM_U32:
        if (field->offset == offsetof(tn_plan, shared_id)) {
            tn_text_printf(out, " #%u", plan->shared_id);
        } else if (field->offset == offsetof(tn_plan, row_count)) {
            tn_text_printf(out, " %u row%s:", plan->row_count, plan->row_count == 1 ? "" : "s");
        }
        break;
    case TN_FORM_U64:
        if (plan->kind == TN_PLAN_DISTINCT && (plan->limit == 1 || plan->limit == UINT64_MAX) &&
            field->offset == offsetof(tn_plan, limit)) {
            tn_text_puts(out, plan->limit == 1 ? "" : " limit: all");
        } else if (field->offset == offsetof(tn_plan, offset)
                       ? plan->offset > 0
                       : TN_FIELD_AT(plan, field, uint64_t) != UINT64_MAX) {
            tn_text_printf(out, " %s: %llu", field->name,
                           (unsigned long long)TN_FIELD_AT(plan, field, uint64_t));
        }
        break;
    case TN_FORM_SOURCE:
        tn_text_printf(out, " %.*s (%s)", TN_STR_ARGS(plan->source->name), plan->source->ops->kind);
        break;
    case TN_FORM_NUMBERS:
        tn_text_puts(out, " ");
        print_columns(plan, out);
        break;
    case TN_FORM_SINK:
        tn_text_printf(out, " into %s", plan->sink->ops->kind);
        break;
    case TN_FORM_REJECTS:
        tn_text_puts(out, plan->rejects == NULL ? "" : " rejects");
        break;
    case TN_FORM_TEXT:
        if (plan->label.size > 0) {
            tn_text_printf(out, " (step %.*s)", TN_STR_ARGS(plan->label));
        }
        break;
    case TN_FORM_JOIN_KIND: /* stands in front of the kind */
        break;
    case TN_FORM_EXPRS:
    case TN_FORM_PAIRS:
    case TN_FORM_ORDER:
    case TN_FORM_CONJUNCTS:
    default:
        print_list(plan, field, out);
        break;
    }
}

static void print_upper(const char *name, tn_text *out)
{
    for (; *name != 0; name++) {
        tn_text_putc(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
    }
}

static void print_node(explaining *e, const tn_plan *plan)
{
    tn_text *out = e->out;
    const bool join = plan->kind == TN_PLAN_JOIN || plan->kind == TN_PLAN_APPLY;
    if (join) {
        const bool cross = plan->join == TN_JOIN_INNER && plan->pair_count + plan->expr_count == 0;
        print_upper(cross ? "cross" : tn_plan__join_name(plan->join), out);
        tn_text_putc(out, ' ');
    }
    const bool top_n = plan->kind == TN_PLAN_SORT && plan->limit != UINT64_MAX;
    print_upper(top_n                         ? "top-n"
                : plan->kind == TN_PLAN_UNION ? "union all"
                                              : tn_plan__kind_name(plan->kind),
                out);
    for (size_t f = 0; f < tn_plan__field_count; f++) {
        if (tn_plan__has(plan, &tn_plan__fields[f])) {
            print_field(plan, &tn_plan__fields[f], out);
        }
    }
    if (plan->rows_estimate >= 0) {
        tn_text_printf(out, "  ~%.0f row%s", plan->rows_estimate,
                       plan->rows_estimate > 0.5 && plan->rows_estimate < 1.5 ? "" : "s");
    }
    tn_text_puts(out, plan->keeps_order ? "  order: input" : "  order: none");
    if (e->annotate != NULL) {
        e->annotate(e->annotate_context, plan, out);
    }
}

static tarn_code print_lead(explaining *e, const line *l, tarn_error *err)
{
    e->more.count = l->depth;
    for (uint32_t i = 1; i < l->depth; i++) {
        tn_text_puts(e->out, e->more.items[i] ? "│  " : "   ");
    }
    if (l->depth > 0) {
        tn_text_puts(e->out, l->is_last ? "└─ " : "├─ ");
    }
    return tn_vec_push(&e->more, !l->is_last, err);
}

static bool printed_before(const explaining *e, uint32_t shared_id)
{
    for (size_t i = 0; i < e->shared.count; i++) {
        if (e->shared.items[i] == shared_id) {
            return true;
        }
    }
    return false;
}

TN_FALLIBLE tn_plan_explain(const tn_plan *plan, tn_pool *pool, tn_plan_annotate *annotate,
                            void *annotate_context, tn_text *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    explaining e = {.pool = pool,
                    .annotate = annotate,
                    .annotate_context = annotate_context,
                    .out = out,
                    .stack = TN_VEC_INIT(pool),
                    .more = TN_VEC_INIT(pool),
                    .shared = TN_VEC_INIT(pool)};
    TN_TRY(tn_vec_push(&e.stack, ((line){plan, 0, true}), err));
    while (e.stack.count > 0) {
        const line l = tn_vec_pop(&e.stack);
        TN_TRY(print_lead(&e, &l, err));
        print_node(&e, l.plan);
        if (l.plan->kind == TN_PLAN_SHARED) {
            if (printed_before(&e, l.plan->shared_id)) {
                tn_text_puts(out, "  (see above)\n");
                continue;
            }
            TN_TRY(tn_vec_push(&e.shared, l.plan->shared_id, err));
        }
        tn_text_putc(out, '\n');
        for (uint32_t i = l.plan->child_count; i > 0; i--) {
            TN_TRY(tn_vec_push(
                &e.stack, ((line){l.plan->children[i - 1], l.depth + 1, i == l.plan->child_count}),
                err));
        }
        TN_TRY(tn_text_status(out, err));
    }
    TN_TRY(tn_text_status(out, err));
done:
    tn_vec_free(&e.stack);
    tn_vec_free(&e.more);
    tn_vec_free(&e.shared);
    return code;
}
