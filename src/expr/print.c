/* Expressions as SQL would write them, without recursion and with as few parentheses as it takes.
 */
#include "base/vec.h"
#include "expr/expr_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* How tightly an expression holds together: an operand that holds less gets parentheses. */
enum precedence {
    HOLDS_OR = 1,
    HOLDS_AND,
    HOLDS_NOT,
    HOLDS_IS,
    HOLDS_COMPARE,
    HOLDS_LIKE,
    HOLDS_OTHER, /* || and the like */
    HOLDS_ADD,
    HOLDS_MULTIPLY,
    HOLDS_ALL
};

/* What is still to be printed: a text, or an expression that must hold at least `least`. */
typedef struct piece {
    const tn_expr *expr;
    tn_str text;
    int least;
} piece;

typedef struct printer {
    tn_text *out;
    TN_VEC(piece) stack;
    bool failed;
} printer;

static void push(printer *state, piece item)
{
    if (tn_vec_push(&state->stack, item, NULL) != TARN_OK) {
        state->failed = true;
    }
}
static void push_text(printer *state, const char *text)
{
    push(state, (piece){.text = tn_str_of(text)});
}
static void push_str(printer *state, tn_str text)
{
    push(state, (piece){.text = text});
}
static void push_expr(printer *state, const tn_expr *expr, int least)
{
    push(state, (piece){.expr = expr, .least = least});
}

static const char *infix_of(const tn_function *function, int *holds)
{
    static const struct {
        const char *name, *text;
        int holds;
    } table[] = {
        {"=", " = ", HOLDS_COMPARE},
        {"<>", " <> ", HOLDS_COMPARE},
        {"<", " < ", HOLDS_COMPARE},
        {"<=", " <= ", HOLDS_COMPARE},
        {">", " > ", HOLDS_COMPARE},
        {">=", " >= ", HOLDS_COMPARE},
        {"+", " + ", HOLDS_ADD},
        {"-", " - ", HOLDS_ADD},
        {"*", " * ", HOLDS_MULTIPLY},
        {"/", " / ", HOLDS_MULTIPLY},
        {"%", " % ", HOLDS_MULTIPLY},
        {"||", " || ", HOLDS_OTHER},
        {"like", " LIKE ", HOLDS_LIKE},
        {"ilike", " ILIKE ", HOLDS_LIKE},
        {"is_distinct_from", " IS DISTINCT FROM ", HOLDS_IS},
        {"is_not_distinct_from", " IS NOT DISTINCT FROM ", HOLDS_IS},
    };
    for (size_t i = 0; function != NULL && i < sizeof(table) / sizeof(*table); i++) {
        if (strcmp(function->name, table[i].name) == 0) {
            *holds = table[i].holds;
            return table[i].text;
        }
    }
    return NULL;
}

static const char *postfix_of(const tn_function *function)
{
    static const char *const table[][2] = {
        {"is_null", " IS NULL"},         {"is_not_null", " IS NOT NULL"},
        {"is_true", " IS TRUE"},         {"is_false", " IS FALSE"},
        {"is_not_true", " IS NOT TRUE"}, {"is_not_false", " IS NOT FALSE"},
    };
    for (size_t i = 0; function != NULL && i < sizeof(table) / sizeof(*table); i++) {
        if (strcmp(function->name, table[i][0]) == 0) {
            return table[i][1];
        }
    }
    return NULL;
}

static int holds_of(const tn_expr *expr)
{
    int holds = HOLDS_ALL;
    switch (expr->kind) {
    case TN_EXPR_OR:
        return HOLDS_OR;
    case TN_EXPR_AND:
        return HOLDS_AND;
    case TN_EXPR_IN:
        return HOLDS_LIKE;
    case TN_EXPR_CALL:
        if (expr->child_count == 1 && strcmp(expr->function->name, "not") == 0) {
            return HOLDS_NOT;
        }
        if (expr->child_count == 1 && postfix_of(expr->function) != NULL) {
            return HOLDS_IS;
        }
        if (expr->child_count == 2) {
            (void)infix_of(expr->function, &holds);
        }
        return holds;
    case TN_EXPR_COLUMN:
    case TN_EXPR_LITERAL:
    case TN_EXPR_PARAMETER:
    case TN_EXPR_CAST:
    case TN_EXPR_CASE:
    case TN_EXPR_AGGREGATE:
    case TN_EXPR_SUBQUERY:
        break;
    }
    return HOLDS_ALL;
}

static void print_list(printer *state, const tn_expr *const *items, uint32_t count,
                       const char *between, int least)
{
    for (uint32_t i = count; i > 0; i--) {
        push_expr(state, items[i - 1], least);
        if (i > 1) {
            push_text(state, between);
        }
    }
}

static void print_call(printer *state, const tn_expr *expr)
{
    int holds = 0;
    const char *infix = infix_of(expr->function, &holds);
    const char *postfix = postfix_of(expr->function);
    if (expr->child_count == 2 && infix != NULL) {
        push_expr(state, expr->children[1], holds + 1);
        push_text(state, infix);
        push_expr(state, expr->children[0], holds <= HOLDS_COMPARE ? holds + 1 : holds);
    } else if (expr->child_count == 1 && postfix != NULL) {
        push_text(state, postfix);
        push_expr(state, expr->children[0], HOLDS_IS + 1);
    } else if (expr->child_count == 1 && strcmp(expr->function->name, "not") == 0) {
        push_expr(state, expr->children[0], HOLDS_NOT);
        push_text(state, "NOT ");
    } else {
        push_text(state, ")");
        print_list(state, expr->children, expr->child_count, ", ", 0);
        push_text(state, "(");
        push_text(state, expr->function->name);
    }
}

static void print_case(printer *state, const tn_expr *expr)
{
    const uint32_t pairs = expr->child_count / 2;
    push_text(state, " END");
    if (expr->child_count % 2 == 1) {
        push_expr(state, expr->children[expr->child_count - 1], 0);
        push_text(state, " ELSE ");
    }
    for (uint32_t i = pairs; i > 0; i--) {
        push_expr(state, expr->children[2 * i - 1], 0);
        push_text(state, " THEN ");
        push_expr(state, expr->children[2 * i - 2], 0);
        push_text(state, " WHEN ");
    }
    push_text(state, "CASE");
}

static void print_aggregate(printer *state, const tn_expr *expr)
{
    if (expr->filter != NULL) {
        push_text(state, ")");
        push_expr(state, expr->filter, 0);
        push_text(state, " FILTER (WHERE ");
    }
    push_text(state, ")");
    for (uint32_t i = expr->order_count; i > 0; i--) {
        const tn_sort_key *key = &expr->order[i - 1];
        if (key->nulls_first != key->descending) {
            push_text(state, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
        push_text(state, key->descending ? " DESC" : "");
        push_expr(state, key->expr, 0);
        push_text(state, i > 1 ? ", " : " ORDER BY ");
    }
    if (expr->child_count == 0) {
        push_text(state, "*");
    }
    print_list(state, expr->children, expr->child_count, ", ", 0);
    push_text(state, expr->distinct ? "(DISTINCT " : "(");
    push_text(state, expr->function->name);
}

static void print_subquery(printer *state, const tn_expr *expr)
{
    switch (expr->subquery->kind) {
    case TN_SUBQUERY_SCALAR:
        push_text(state, "(subquery)");
        return;
    case TN_SUBQUERY_EXISTS:
        push_text(state, expr->subquery->negated ? "NOT EXISTS (subquery)" : "EXISTS (subquery)");
        return;
    case TN_SUBQUERY_ANY:
    case TN_SUBQUERY_ALL:
        push_text(state,
                  expr->subquery->kind == TN_SUBQUERY_ANY ? " ANY (subquery)" : " ALL (subquery)");
        push_text(state, expr->subquery->comparison);
        push_text(state, " ");
        push_expr(state, expr->children[0], HOLDS_COMPARE);
        if (expr->subquery->negated) {
            push_text(state, "NOT ");
        }
        return;
    }
}

static void print_node(printer *state, const tn_expr *expr)
{
    switch (expr->kind) {
    case TN_EXPR_COLUMN:
        push_str(state, expr->name);
        return;
    case TN_EXPR_LITERAL:
        tn_value__print(&expr->value, state->out);
        return;
    case TN_EXPR_PARAMETER:
        push_str(state, expr->name);
        push_text(state, "$");
        return;
    case TN_EXPR_CALL:
        print_call(state, expr);
        return;
    case TN_EXPR_AND:
    case TN_EXPR_OR:
        print_list(state, expr->children, expr->child_count,
                   expr->kind == TN_EXPR_AND ? " AND " : " OR ",
                   expr->kind == TN_EXPR_AND ? HOLDS_AND + 1 : HOLDS_OR + 1);
        return;
    case TN_EXPR_CAST:
        push_text(state, ")");
        push_str(state, expr->type->name);
        push_text(state, " AS ");
        push_expr(state, expr->children[0], 0);
        push_text(state, expr->try_cast ? "TRY_CAST(" : "CAST(");
        return;
    case TN_EXPR_CASE:
        print_case(state, expr);
        return;
    case TN_EXPR_IN:
        push_text(state, ")");
        print_list(state, expr->children + 1, expr->child_count - 1, ", ", 0);
        push_text(state, expr->negated ? " NOT IN (" : " IN (");
        push_expr(state, expr->children[0], HOLDS_LIKE + 1);
        return;
    case TN_EXPR_AGGREGATE:
        print_aggregate(state, expr);
        return;
    case TN_EXPR_SUBQUERY:
        print_subquery(state, expr);
        return;
    }
}

void tn_expr_print(const tn_expr *expr, tn_text *out)
{
    printer state = {.out = out, .stack = TN_VEC_INIT(out->pool)};
    push_expr(&state, expr, 0);
    while (state.stack.count > 0 && !state.failed && out->failed == TARN_OK) {
        const piece next = tn_vec_pop(&state.stack);
        if (next.expr == NULL) {
            tn_text_append(out, next.text);
        } else if (holds_of(next.expr) < next.least) {
            tn_text_putc(out, '(');
            push_text(&state, ")");
            push_expr(&state, next.expr, 0);
        } else {
            print_node(&state, next.expr);
        }
    }
    if (state.failed && out->failed == TARN_OK) {
        out->failed = TARN_E_NOMEM;
    }
    tn_vec_free(&state.stack);
}
