/* Binding, printing, comparing and rewriting expressions. */
#include "support/exprs.h"

TEST(literals_take_the_type_of_the_column_beside_them)
{
    exprs e;
    exprs_init(&e, pool);
    const tn_expr *small = exprs_column(&e, 0, "SMALLINT");
    const tn_expr *money = exprs_column(&e, 1, "DECIMAL(15,2)");
    const tn_expr *expr = exprs_call(&e, "=", small, exprs_int(&e, 5));
    CHECK_STR(exprs_print(&e, expr), "a = 5");
    CHECK(expr->children[1]->type == TN_SMALLINT);
    expr = exprs_call(&e, "<", money, exprs_int(&e, 24));
    CHECK_STR(exprs_print(&e, expr), "b < 24.00");
    expr = exprs_call(&e, "<", money, exprs_double(&e, 0.5));
    CHECK_STR(exprs_print(&e, expr), "CAST(b AS DOUBLE) < 0.5");
    expr = exprs_call(&e, "=", small, exprs_int(&e, 70000));
    CHECK_STR(exprs_print(&e, expr), "CAST(a AS INTEGER) = 70000");
    CHECK_EQ(e.code, TARN_OK);
    exprs_deinit(&e);
}

TEST(arithmetic_follows_the_rules_of_its_types)
{
    exprs e;
    exprs_init(&e, pool);
    const tn_expr *price = exprs_column(&e, 0, "DECIMAL(15,2)");
    const tn_expr *discount = exprs_column(&e, 1, "DECIMAL(15,2)");
    const tn_expr *tax = exprs_column(&e, 2, "DECIMAL(15,2)");
    const tn_expr *charge = exprs_call(
        &e, "*", exprs_call(&e, "*", price, exprs_call(&e, "-", exprs_int(&e, 1), discount)),
        exprs_call(&e, "+", exprs_int(&e, 1), tax));
    CHECK_EQ(e.code, TARN_OK);
    CHECK(tn_str_equal(charge->type->name, TN_STR("DECIMAL(38,6)")));
    const tn_expr *half = exprs_call(&e, "/", exprs_column(&e, 3, "INTEGER"), exprs_int(&e, 2));
    CHECK(half->type == TN_INTEGER && half->can_fail);
    const tn_expr *share = exprs_call(&e, "/", price, discount);
    CHECK(tn_str_equal(share->type->name, TN_STR("DECIMAL(25,10)")));
    exprs_deinit(&e);
}

TEST(printing_needs_few_parentheses)
{
    exprs e;
    exprs_init(&e, pool);
    const tn_expr *a = exprs_column(&e, 0, "INTEGER");
    const tn_expr *b = exprs_column(&e, 1, "INTEGER");
    const tn_expr *sum = exprs_call(&e, "+", a, b);
    CHECK_STR(exprs_print(&e, exprs_call(&e, "*", sum, b)), "(a + b) * b");
    CHECK_STR(exprs_print(&e, exprs_call(&e, "-", a, sum)), "a - (a + b)");
    CHECK_STR(exprs_print(&e, exprs_call(&e, "-", sum, a)), "a + b - a");
    CHECK_STR(exprs_print(&e, exprs_call(&e, "not", exprs_call(&e, "is_null", sum))),
              "NOT a + b IS NULL");
    exprs_deinit(&e);
}

TEST(unknown_names_and_wrong_types_are_explained)
{
    exprs e;
    exprs_init(&e, pool);
    CHECK(exprs_call(&e, "colesce", exprs_int(&e, 1)) == NULL);
    CHECK_STR(e.err.message, "there is no function 'colesce'");
    CHECK_STR(e.err.hint, "did you mean 'coalesce'?");
    e.code = TARN_OK;
    CHECK(exprs_call(&e, "=", exprs_column(&e, 0, "VARCHAR"), exprs_column(&e, 1, "INTEGER")) ==
          NULL);
    CHECK_STR(e.err.message, "VARCHAR cannot be compared with INTEGER");
    exprs_deinit(&e);
}

/* a + 1 + 1 + ..., deep enough to end any recursion. */
TEST(a_hundred_thousand_terms_are_bound_printed_compared_and_rewritten)
{
    enum { TERMS = TEST_SIZE(100000, 10000) };
    exprs e;
    exprs_init(&e, pool);
    const tn_expr *chains[2] = {NULL, NULL};
    for (int which = 0; which < 2; which++) {
        const tn_expr *chain = exprs_column(&e, 0, "BIGINT");
        for (int i = 0; i < TERMS; i++) {
            chain = exprs_call(&e, "+", chain, exprs_int(&e, 1));
        }
        chains[which] = chain;
    }
    CHECK_EQ(e.code, TARN_OK);
    CHECK(tn_expr_equal(chains[0], chains[1]));
    CHECK_EQ(strlen(exprs_print(&e, chains[0])), 1 + 4 * TERMS);
    exprs_deinit(&e);
}

static tarn_code b_for_a(void *context, const tn_expr *expr, const tn_expr **out, tarn_error *err)
{
    exprs *e = context;
    (void)err;
    *out = expr->kind == TN_EXPR_COLUMN && expr->column == 0 ? exprs_column(e, 1, "INTEGER") : expr;
    return TARN_OK;
}

TEST(rewriting_shares_what_did_not_change)
{
    exprs e;
    exprs_init(&e, pool);
    const tn_expr *constant = exprs_call(&e, "+", exprs_column(&e, 2, "INTEGER"), exprs_int(&e, 2));
    const tn_expr *expr = exprs_call(&e, "*", exprs_column(&e, 0, "INTEGER"), constant);
    const tn_expr *out = NULL;
    CHECK_EQ(tn_expr_rewrite(expr, &e.arena, b_for_a, &e, &out, NULL), TARN_OK);
    CHECK_STR(exprs_print(&e, out), "b * (c + 2)");
    CHECK(out->children[1] == constant);
    CHECK(!tn_expr_equal(out, expr));
    exprs_deinit(&e);
}
