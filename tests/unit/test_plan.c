/* Nodes of plans: their outputs, conditions, equality, and how EXPLAIN shows them. */
#include "plan/plan_internal.h"
#include "support/plans.h"

#define WITH_PLANS(p) \
    plans p;          \
    plans_init(&p, pool)

TEST(a_join_condition_is_split_into_pairs_and_the_rest)
{
    WITH_PLANS(p);
    tn_plan *t = plans_table(&p, "t", 1000);
    tn_plan *u = plans_table(&p, "u", 10);
    const tn_expr *a = plans_column_of(&p, t, 0);
    const tn_expr *b = plans_column_of(&p, t, 1);
    const tn_expr *x = plans_column_of(&p, u, 0);
    const tn_expr *y = plans_column_of(&p, u, 1);
    const tn_expr *condition = plans_and(
        &p, plans_call(&p, "=", x, a),
        plans_and(&p, plans_call(&p, "<", b, y), plans_call(&p, "is_not_distinct_from", b, y)));
    tn_plan *join = plans_join(&p, TN_JOIN_LEFT, t, u, condition);
    CHECK_STR(plans_explain(&p, join),
              "LEFT JOIN on a = a AND b IS NOT DISTINCT FROM b where b < b  order: none\n"
              "├─ SCAN t (double) [a, b, c]  order: none\n"
              "└─ SCAN u (double) [a, b, c]  order: none\n");
    CHECK_EQ(join->pair_count, 2);
    CHECK_EQ(join->pairs[0].left->column, a->column);
    CHECK(join->pairs[1].null_equal);
    CHECK_EQ(join->output_count, 6);
    CHECK(!join->outputs[0].nullable);
    CHECK(join->outputs[3].nullable);
    plans_deinit(&p);
}

TEST(an_equality_that_can_fail_is_a_pair_only_where_there_is_no_other)
{
    WITH_PLANS(p);
    tn_plan *t = plans_table(&p, "t", 1000);
    tn_plan *u = plans_table(&p, "u", 10);
    const tn_expr *sum = plans_call(&p, "+", plans_column_of(&p, t, 1), plans_int(&p, 1));
    const tn_expr *fallible = plans_call(&p, "=", sum, plans_column_of(&p, u, 1));
    const tn_expr *plain =
        plans_call(&p, "=", plans_column_of(&p, t, 0), plans_column_of(&p, u, 0));
    CHECK_EQ(p.code, TARN_OK);
    CHECK(fallible->can_fail);
    tn_plan *alone = plans_join(&p, TN_JOIN_INNER, t, u, fallible);
    tn_plan *both = plans_join(&p, TN_JOIN_INNER, t, u, plans_and(&p, fallible, plain));
    CHECK_EQ(alone->pair_count, 1);
    CHECK_EQ(both->pair_count, 1);
    CHECK_EQ(both->expr_count, 1);
    plans_deinit(&p);
}

TEST(projected_columns_keep_their_ids_once)
{
    WITH_PLANS(p);
    tn_plan *t = plans_table(&p, "t", 1000);
    const tn_expr *a = plans_column_of(&p, t, 0);
    tn_plan *plan = plans_select(&p, t, a, a, plans_call(&p, "+", a, plans_int(&p, 1)));
    CHECK_EQ(p.code, TARN_OK);
    CHECK_EQ(plan->outputs[0].id, a->column);
    CHECK(plan->outputs[1].id != a->column);
    CHECK(plan->outputs[2].id != plan->outputs[1].id);
    CHECK(!plan->outputs[2].nullable);
    plans_deinit(&p);
}

TEST(aggregates_group_and_a_mark_join_adds_its_column)
{
    WITH_PLANS(p);
    tn_plan *t = plans_table(&p, "t", 1000);
    tn_plan *u = plans_table(&p, "u", 10);
    const tn_expr *c = plans_column_of(&p, t, 2);
    const tn_expr *aggregates[2] = {plans_aggregate_of(&p, "sum", c, false),
                                    plans_aggregate_of(&p, "count", NULL, false)};
    tn_plan *group = plans_group(&p, t, plans_column_of(&p, t, 1), aggregates, 2);
    CHECK_EQ(p.code, TARN_OK);
    CHECK_EQ(group->output_count, 3);
    CHECK(group->outputs[1].nullable);
    CHECK(!group->outputs[2].nullable);
    tn_plan *mark =
        plans_join(&p, TN_JOIN_MARK, group, u,
                   plans_call(&p, "=", plans_column_of(&p, group, 0), plans_column_of(&p, u, 0)));
    CHECK_EQ(mark->output_count, 4);
    CHECK_EQ(mark->outputs[3].id, mark->mark);
    CHECK_STR(plans_explain(&p, mark),
              "MARK JOIN on b = a  order: none\n"
              "├─ AGGREGATE by b: sum(c) AS v, count(*) AS w  order: none\n"
              "│  └─ SCAN t (double) [a, b, c]  order: none\n"
              "└─ SCAN u (double) [a, b, c]  order: none\n");
    plans_deinit(&p);
}

TEST(set_operations_cast_to_common_types)
{
    WITH_PLANS(p);
    const plans_column narrow[] = {{"n", TN_INTEGER, false, 0, 0, 0}};
    const plans_column wide[] = {{"m", TN_BIGINT, true, 0, 0, 0}};
    const plans_column text[] = {{"s", TN_VARCHAR, true, 0, 0, 0}};
    tn_plan *children[2] = {plans_scan(&p, plans_source_of(&p, "t", 1, narrow, 1)),
                            plans_scan(&p, plans_source_of(&p, "u", 1, wide, 1))};
    tn_plan *plan = NULL;
    CHECK_EQ(
        tn_plan_set(&p.context, TN_PLAN_UNION, children, 2, true, (tn_span){3, 5}, &plan, &p.err),
        TARN_OK);
    CHECK(plan->outputs[0].type == TN_BIGINT);
    CHECK(plan->outputs[0].nullable);
    CHECK_EQ(plan->children[0]->kind, TN_PLAN_PROJECT);
    CHECK_EQ(plan->children[1]->kind, TN_PLAN_SCAN);
    tn_plan *two[2] = {plans_table(&p, "t", 1), children[0]};
    CHECK_EQ(tn_plan_set(&p.context, TN_PLAN_EXCEPT, two, 2, true, (tn_span){3, 5}, &plan, &p.err),
             TARN_E_INVALID);
    CHECK_STR(p.err.message, "EXCEPT: the first input has 3 columns, input 2 has 1");
    CHECK_EQ(p.err.span_start, 3);
    const plans_column dates[] = {{"d", TN_DATE, true, 0, 0, 0}};
    children[1] = plans_scan(&p, plans_source_of(&p, "d", 1, dates, 1));
    p.err = (tarn_error)TARN_ERROR_INIT;
    CHECK_EQ(
        tn_plan_set(&p.context, TN_PLAN_UNION, children, 2, true, (tn_span){3, 5}, &plan, &p.err),
        TARN_E_INVALID);
    CHECK_STR(p.err.message, "UNION: column 1 ('n') is INTEGER in one input and DATE in another");
    (void)text;
    plans_deinit(&p);
}

TEST(union_by_name_fills_missing_columns)
{
    WITH_PLANS(p);
    const plans_column one[] = {{"n", TN_INTEGER, false, 0, 0, 0},
                                {"s", TN_VARCHAR, true, 0, 0, 0}};
    const plans_column two[] = {{"d", TN_DATE, false, 0, 0, 0}, {"N", TN_BIGINT, false, 0, 0, 0}};
    tn_plan *const children[2] = {plans_scan(&p, plans_source_of(&p, "t", 1, one, 2)),
                                  plans_scan(&p, plans_source_of(&p, "u", 1, two, 2))};
    tn_plan *plan = NULL;
    PLANS_TRY(&p, tn_plan_union_by_name(&p.context, children, 2, (tn_span){0, 0}, &plan, &p.err));
    CHECK_EQ(p.code, TARN_OK);
    CHECK_EQ(plan->output_count, 3);
    CHECK(plan->outputs[0].type == TN_BIGINT);
    CHECK(plan->outputs[1].type == TN_VARCHAR);
    CHECK(plan->outputs[2].type == TN_DATE);
    CHECK(!plan->outputs[0].nullable);
    CHECK(plan->outputs[2].nullable);
    plans_deinit(&p);
}

TEST(virtual_columns_stand_behind_the_fields_in_order)
{
    WITH_PLANS(p);
    tn_plan *t = plans_table(&p, "t", 1000);
    PLANS_TRY(&p, tn_plan_scan_add_virtual(&p.context, t, TN_VIRTUAL_LINE, &p.err));
    PLANS_TRY(&p, tn_plan_scan_add_virtual(&p.context, t, TN_VIRTUAL_FILE, &p.err));
    PLANS_TRY(&p, tn_plan_scan_add_virtual(&p.context, t, TN_VIRTUAL_LINE, &p.err));
    CHECK_STR(plans_explain(&p, t), "SCAN t (double) [a, b, c, _file, _line]  order: none\n");
    plans_deinit(&p);
}

TEST(a_shared_plan_is_shown_once)
{
    WITH_PLANS(p);
    tn_plan *t = plans_table(&p, "t", 1000);
    tn_plan *one = NULL;
    tn_plan *two = NULL;
    PLANS_TRY(&p, tn_plan_shared(&p.context, t, 7, &one, &p.err));
    PLANS_TRY(&p, tn_plan_shared(&p.context, t, 7, &two, &p.err));
    tn_plan *const children[2] = {one, two};
    tn_plan *plan = NULL;
    PLANS_TRY(&p, tn_plan_set(&p.context, TN_PLAN_UNION, children, 2, true, (tn_span){0, 0}, &plan,
                              &p.err));
    CHECK_STR(plans_explain(&p, plan), "UNION ALL  order: none\n"
                                       "├─ SHARED #7  order: none\n"
                                       "│  └─ SCAN t (double) [a, b, c]  order: none\n"
                                       "└─ SHARED #7  order: none  (see above)\n");
    plans_deinit(&p);
}

TEST(clones_are_alike_but_for_ids)
{
    WITH_PLANS(p);
    tn_plan *t = plans_table(&p, "t", 1000);
    tn_plan *filter =
        plans_filter(&p, t, plans_call(&p, ">", plans_column_of(&p, t, 1), plans_int(&p, 5)));
    tn_plan *plan = plans_sort(&p, filter, plans_column_of(&p, filter, 2), 10);
    tn_plan *copy = NULL;
    bool equal = true;
    PLANS_TRY(&p, tn_plan__clone(&p.context, plan, &copy, &p.err));
    CHECK_EQ(p.code, TARN_OK);
    CHECK_STR(plans_explain(&p, plan), plans_explain(&p, copy));
    CHECK_EQ(tn_plan__equal(plan, copy, pool, &equal, &p.err), TARN_OK);
    CHECK(!equal);
    CHECK_EQ(tn_plan__equal(copy, copy, pool, &equal, &p.err), TARN_OK);
    CHECK(equal);
    CHECK_EQ(tn_plan__check(copy, pool, true, &p.err), TARN_OK);
    CHECK(copy->outputs[0].id != plan->outputs[0].id);
    plans_deinit(&p);
}

TEST(a_thousand_tables_in_a_union_and_a_hundred_thousand_conjuncts)
{
    WITH_PLANS(p);
    enum { TABLES = 1000, TERMS = 100000 };
    tn_plan **children = NULL;
    tn_plan *plan = NULL;
    tn_plan_vec nodes = TN_VEC_INIT(pool);
    plans_source *source = NULL;
    const plans_column columns[] = {{"a", TN_BIGINT, false, 0, 0, 0}};
    source = plans_source_of(&p, "t", 10, columns, 1);
    PLANS_TRY(&p, tn_arena_array(&p.arena, tn_plan *, TABLES, &children, &p.err));
    for (int i = 0; i < TABLES; i++) {
        children[i] = plans_scan(&p, source);
    }
    PLANS_TRY(&p, tn_plan_set(&p.context, TN_PLAN_UNION, children, TABLES, true, (tn_span){0, 0},
                              &plan, &p.err));
    const tn_expr **terms = NULL;
    const tn_expr *all = NULL;
    const tn_expr *a = plans_column_of(&p, plan, 0);
    PLANS_TRY(&p, tn_arena_array(&p.arena, const tn_expr *, TERMS, &terms, &p.err));
    for (int i = 0; i < TERMS; i++) {
        terms[i] = plans_call(&p, "<>", a, plans_int(&p, i));
    }
    PLANS_TRY(&p, tn_expr_and(&p.context.expr, terms, TERMS, &all, &p.err));
    tn_plan *filter = plans_filter(&p, plan, all);
    CHECK_EQ(p.code, TARN_OK);
    CHECK_EQ(filter->expr_count, TERMS);
    CHECK_EQ(tn_plan__postorder(filter, &nodes, &p.err), TARN_OK);
    CHECK_EQ(nodes.count, TABLES + 2);
    tn_vec_free(&nodes);
    const char *text = plans_explain(&p, filter);
    CHECK(strstr(text, "UNION ALL") != NULL);
    plans_deinit(&p);
}

static tarn_code build_some(plans *p)
{
    tn_plan *t = plans_table(p, "t", 1000);
    tn_plan *u = plans_table(p, "u", 10);
    if (p->code != TARN_OK) {
        return p->code;
    }
    const tn_expr *c = plans_column_of(p, t, 2);
    const tn_expr *condition =
        p->code == TARN_OK ? plans_call(p, "=", c, plans_column_of(p, u, 0)) : NULL;
    tn_plan *join = p->code == TARN_OK ? plans_join(p, TN_JOIN_FULL, t, u, condition) : NULL;
    tn_plan *copy = NULL;
    PLANS_TRY(p, tn_plan__clone(&p->context, join, &copy, &p->err));
    tn_plan *children[2] = {join, copy};
    tn_plan *set = NULL;
    PLANS_TRY(p, tn_plan_union_by_name(&p->context, children, 1, (tn_span){0, 0}, &set, &p->err));
    if (p->code == TARN_OK) {
        (void)plans_explain(p, copy);
    }
    return p->code;
}

TEST(building_survives_the_loss_of_any_allocation)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        plans p;
        plans_init(&p, pool);
        const tarn_code code = p.code == TARN_OK ? build_some(&p) : p.code;
        plans_deinit(&p);
        if (!oom.refused) {
            CHECK_EQ(code, TARN_E_INVALID); /* two columns of one name */
        } else {
            CHECK_EQ(code, TARN_E_NOMEM);
        }
    }
}
