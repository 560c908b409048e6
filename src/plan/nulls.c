/* What expressions are where columns are NULL: outer joins become inner ones by it. */
#include "expr/function.h"
#include "plan/optimise_internal.h"

typedef enum verdict {
    ANYTHING,
    NOT_TRUE, /* NULL or FALSE */
    IS_NULL
} verdict;

enum { DEPTH_MAX = 32 };

static verdict judge(const tn_expr *expr, const tn_columns *columns, int depth);

static verdict judge_call(const tn_expr *expr, const tn_columns *columns, int depth)
{
    const char *name = expr->function->name;
    const bool test = strcmp(name, "is_not_null") == 0 || strcmp(name, "is_true") == 0;
    if (test || strcmp(name, "is_false") == 0) {
        return judge(expr->children[0], columns, depth - 1) == IS_NULL ? NOT_TRUE : ANYTHING;
    }
    if (expr->function->sees_null) {
        return ANYTHING;
    }
    for (uint32_t i = 0; i < expr->child_count; i++) {
        if (judge(expr->children[i], columns, depth - 1) == IS_NULL) {
            return IS_NULL;
        }
    }
    return ANYTHING;
}

/* The depth is bounded, so this recursion is not on the user's input. */
static verdict judge(const tn_expr *expr, const tn_columns *columns, int depth)
{
    if (depth == 0) {
        return ANYTHING;
    }
    switch (expr->kind) {
    case TN_EXPR_COLUMN:
        return tn_columns__has(columns, expr->column) ? IS_NULL : ANYTHING;
    case TN_EXPR_LITERAL:
        return expr->value.is_null ? IS_NULL : tn_expr__is_not_true(expr) ? NOT_TRUE : ANYTHING;
    case TN_EXPR_CALL:
        return judge_call(expr, columns, depth);
    case TN_EXPR_CAST:
    case TN_EXPR_IN:
        return judge(expr->children[0], columns, depth - 1) == IS_NULL ? IS_NULL : ANYTHING;
    case TN_EXPR_AND:
        for (uint32_t i = 0; i < expr->child_count && i < 64; i++) {
            if (judge(expr->children[i], columns, depth - 1) != ANYTHING) {
                return NOT_TRUE;
            }
        }
        return ANYTHING;
    case TN_EXPR_OR:
        for (uint32_t i = 0; i < expr->child_count; i++) {
            if (i == 64 || judge(expr->children[i], columns, depth - 1) == ANYTHING) {
                return ANYTHING;
            }
        }
        return NOT_TRUE;
    case TN_EXPR_PARAMETER:
    case TN_EXPR_CASE:
    case TN_EXPR_AGGREGATE:
    case TN_EXPR_SUBQUERY:
    default:
        return ANYTHING;
    }
}

TN_FALLIBLE tn_expr__rejects_null(const tn_expr *expr, const tn_columns *columns, tn_pool *pool,
                                  bool *out, tarn_error *err)
{
    (void)pool;
    (void)err;
    *out = judge(expr, columns, DEPTH_MAX) != ANYTHING;
    return TARN_OK;
}

static bool strict(const tn_expr *expr, bool *reads, int depth)
{
    if (depth == 0) {
        return false;
    }
    if (expr->kind == TN_EXPR_COLUMN) {
        *reads = true;
        return true;
    }
    if (expr->kind == TN_EXPR_LITERAL) {
        return true;
    }
    if (expr->kind != TN_EXPR_CAST &&
        (expr->kind != TN_EXPR_CALL || expr->function->sees_null || expr->is_volatile)) {
        return false;
    }
    for (uint32_t i = 0; i < expr->child_count; i++) {
        bool child_reads = false;
        const bool constant = expr->children[i]->kind == TN_EXPR_LITERAL;
        if (!strict(expr->children[i], &child_reads, depth - 1) || (!child_reads && !constant)) {
            return false;
        }
        *reads |= child_reads;
    }
    return true;
}

bool tn_expr__is_strict(const tn_expr *expr)
{
    bool reads = false;
    return strict(expr, &reads, DEPTH_MAX) && reads;
}
