/*
 * The optimiser: what it makes of small plans, held against tests/golden/plans/NAME.txt (written
 * again with TARN_GOLDEN_WRITE=1).  Each plan is also made with every rule switched off in turn.
 */
#include "plan/plan_internal.h"
#include "support/plans.h"

#include <stdlib.h>
#include <time.h>

#define WITH_PLANS(p)                        \
    plans p;                                 \
    plans_init(&p, pool);                    \
    tn_plan *t = plans_table(&p, "t", 1000); \
    tn_plan *u = plans_table(&p, "u", 10);   \
    (void)t;                                 \
    (void)u

#define COL(plan, i)    plans_column_of(&p, (plan), (i))
#define CALL(name, ...) plans_call(&p, (name), __VA_ARGS__)
#define INT(n)          plans_int(&p, (n))

static const char *const rules[] = {
    "",
    "fold",
    "inline_shared",
    "top_n",
    "simplify",
    "filter_pushdown",
    "pull_fallible",
    "join_order",
    "build_side",
    "statistics",
    "projection_pushdown",
    "scan_conjuncts",
    ("fold,inline_shared,top_n,simplify,filter_pushdown,pull_fallible,join_order,build_side,"
     "statistics,projection_pushdown,scan_conjuncts")};

/* The plan as all rules leave it; with any of them off it must still be a plan. */
static const char *optimised(plans *p, tn_plan *plan)
{
    const char *text = "";
    for (size_t i = 0; p->code == TARN_OK && i < sizeof(rules) / sizeof(rules[0]); i++) {
        tn_plan *made = plans_optimise(p, plan, rules[i]);
        if (p->code == TARN_OK) {
            PLANS_TRY(p, tn_plan__check(made, p->context.pool, true, &p->err));
        }
        if (i == 0 && p->code == TARN_OK) {
            text = plans_explain(p, made);
            if (!plans_json_returns(p, plan) || !plans_json_returns(p, made)) {
                return p->code == TARN_OK ? "its JSON form does not return" : p->err.message;
            }
        }
    }
    return p->code == TARN_OK ? text : p->err.message;
}

/* What the golden file says, in the arena; NULL where there are no golden files here. */
static const char *golden(plans *p, const char *name, const char *got)
{
    const char *folder = getenv("TARN_GOLDEN");
    char path[512];
    char *text = NULL;
    (void)snprintf(path, sizeof(path), "%s/plans/%s.txt", folder == NULL ? "tests/golden" : folder,
                   name);
    if (getenv("TARN_GOLDEN_WRITE") != NULL) {
        FILE *out = fopen(path, "w");
        if (out != NULL) {
            (void)fputs(got, out);
            (void)fclose(out);
        }
    }
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return NULL;
    }
    enum { SIZE = 1 << 16 };
    if (tn_arena_alloc(&p->arena, SIZE, (void **)&text, NULL) == TARN_OK) {
        text[fread(text, 1, SIZE - 1, in)] = 0;
    }
    (void)fclose(in);
    return text;
}

/* The plan before and after. */
#define CHECK_PLAN(name, plan)                                                         \
    do {                                                                               \
        const char *file_ = NULL;                                                      \
        if (p.code == TARN_OK) {                                                       \
            char *both_ = NULL;                                                        \
            const char *before_ = plans_explain(&p, (plan));                           \
            const char *after_ = optimised(&p, (plan));                                \
            const size_t size_ = strlen(before_) + strlen(after_) + 2;                 \
            CHECK_STR(p.code == TARN_OK ? "" : p.err.message, "");                     \
            CHECK_EQ(tn_arena_alloc(&p.arena, size_, (void **)&both_, NULL), TARN_OK); \
            (void)snprintf(both_, size_, "%s\n%s", before_, after_);                   \
            file_ = golden(&p, (name), both_);                                         \
            if (file_ == NULL) {                                                       \
                printf("SKIPPED: no golden files here\n");                             \
            } else {                                                                   \
                CHECK_STR(both_, file_);                                               \
            }                                                                          \
        }                                                                              \
        CHECK_STR(p.code == TARN_OK ? "" : p.err.message, "");                         \
        plans_deinit(&p);                                                              \
    } while (0)

TEST(filters_go_down_and_are_offered_to_scans)
{
    WITH_PLANS(p);
    tn_plan *join = plans_join(&p, TN_JOIN_INNER, t, u, CALL("=", COL(t, 0), COL(u, 0)));
    CHECK_PLAN("filter_join", plans_filter(&p, join,
                                           plans_and(&p, CALL(">", COL(t, 0), INT(5)),
                                                     CALL("<", COL(t, 1), COL(u, 1)))));
}

TEST(filters_go_through_groups_unions_and_projections)
{
    WITH_PLANS(p);
    tn_plan *children[2] = {t, u};
    tn_plan *set = NULL;
    PLANS_TRY(&p, tn_plan_set(&p.context, TN_PLAN_UNION, children, 2, true, (tn_span){0, 0}, &set,
                              &p.err));
    const tn_expr *sum = plans_aggregate_of(&p, "sum", COL(set, 2), false);
    tn_plan *group = plans_group(&p, set, COL(set, 0), &sum, 1);
    tn_plan *plan = plans_select(&p, group, COL(group, 0), COL(group, 1));
    CHECK_PLAN("filter_group", plans_filter(&p, plan,
                                            plans_and(&p, CALL("=", COL(plan, 0), INT(7)),
                                                      CALL("is_not_null", COL(plan, 1)))));
}

TEST(a_filter_that_can_fail_goes_below_a_join_as_a_prefilter)
{
    WITH_PLANS(p);
    tn_plan *join = plans_join(&p, TN_JOIN_INNER, t, u, CALL("=", COL(t, 0), COL(u, 0)));
    CHECK_PLAN("filter_fallible",
               plans_filter(&p, join, CALL(">", CALL("+", COL(t, 1), INT(1)), INT(5))));
}

TEST(outer_joins_become_inner_where_a_filter_drops_their_nulls)
{
    WITH_PLANS(p);
    tn_plan *join = plans_join(&p, TN_JOIN_FULL, t, u, CALL("=", COL(t, 0), COL(u, 0)));
    tn_plan *left = plans_filter(&p, join, CALL(">", COL(t, 1), INT(5)));
    tn_plan *again =
        plans_join(&p, TN_JOIN_LEFT, left, plans_table(&p, "v", 5), CALL("=", COL(t, 2), INT(1)));
    CHECK_PLAN("outer_join", plans_filter(&p, again, CALL(">", COL(again, 7), COL(u, 1))));
}

TEST(common_conditions_of_alternatives_become_the_join_s)
{
    WITH_PLANS(p);
    tn_plan *join = plans_join(&p, TN_JOIN_INNER, t, u, NULL);
    const tn_expr *same = CALL("=", COL(t, 0), COL(u, 0));
    const tn_expr *one = plans_and(
        &p, same, plans_and(&p, CALL("=", COL(t, 1), INT(1)), CALL("=", COL(u, 1), INT(2))));
    const tn_expr *two = plans_and(
        &p, same, plans_and(&p, CALL("=", COL(t, 1), INT(3)), CALL("=", COL(u, 1), INT(4))));
    CHECK_PLAN("or_factor", plans_filter(&p, join, plans_or(&p, one, two)));
}

TEST(a_false_filter_leaves_nothing)
{
    WITH_PLANS(p);
    tn_plan *join = plans_join(&p, TN_JOIN_INNER, t, u, CALL("=", COL(t, 0), COL(u, 0)));
    tn_plan *none = plans_filter(&p, join, CALL("=", INT(1), INT(2)));
    const tn_expr *count = plans_aggregate_of(&p, "count", NULL, false);
    CHECK_PLAN("false_filter", plans_group(&p, none, NULL, &count, 1));
}

TEST(a_correlated_count_gives_zero_where_nothing_matches)
{
    WITH_PLANS(p);
    tn_plan *inner = plans_filter(&p, u, CALL("=", COL(u, 0), COL(t, 1)));
    const tn_expr *count = plans_aggregate_of(&p, "count", NULL, false);
    tn_plan *group = plans_group(&p, inner, NULL, &count, 1);
    const tn_expr *sub = plans_subquery(&p, TN_SUBQUERY_SCALAR, group, NULL, NULL, false);
    CHECK_PLAN("scalar_count", plans_select(&p, t, COL(t, 0), sub));
}

TEST(an_aggregate_over_other_comparisons_is_computed_over_the_domain)
{
    WITH_PLANS(p);
    tn_plan *inner = plans_filter(&p, u, CALL("<", COL(u, 0), COL(t, 1)));
    const tn_expr *max = plans_aggregate_of(&p, "max", CALL("-", COL(u, 1), COL(t, 2)), false);
    tn_plan *group = plans_group(&p, inner, NULL, &max, 1);
    const tn_expr *sub = plans_subquery(&p, TN_SUBQUERY_SCALAR, group, NULL, NULL, false);
    CHECK_PLAN("scalar_domain", plans_filter(&p, t, CALL(">", COL(t, 0), sub)));
}

TEST(exists_is_a_semi_join_with_all_its_conditions)
{
    WITH_PLANS(p);
    tn_plan *inner = plans_filter(
        &p, u, plans_and(&p, CALL("=", COL(u, 0), COL(t, 0)), CALL("<>", COL(u, 1), COL(t, 1))));
    const tn_expr *exists = plans_subquery(&p, TN_SUBQUERY_EXISTS, inner, NULL, NULL, false);
    tn_plan *v = plans_table(&p, "v", 5);
    tn_plan *other = plans_filter(&p, v, CALL("=", COL(v, 0), COL(t, 0)));
    const tn_expr *none = plans_subquery(&p, TN_SUBQUERY_EXISTS, other, NULL, NULL, true);
    CHECK_PLAN("exists", plans_filter(&p, t, plans_and(&p, exists, none)));
}

TEST(not_in_is_null_aware_only_where_it_must)
{
    WITH_PLANS(p);
    tn_plan *keys = plans_select(&p, u, COL(u, 0));
    tn_plan *v = plans_table(&p, "v", 5);
    tn_plan *values = plans_select(&p, v, COL(v, 1));
    const tn_expr *plain = plans_subquery(&p, TN_SUBQUERY_ANY, keys, COL(t, 0), "=", true);
    const tn_expr *aware = plans_subquery(&p, TN_SUBQUERY_ANY, values, COL(t, 1), "=", true);
    CHECK_PLAN("not_in", plans_filter(&p, t, plans_and(&p, plain, aware)));
}

TEST(a_correlated_not_in_asks_for_no_row_that_is_true_or_unknown)
{
    WITH_PLANS(p);
    tn_plan *inner = plans_filter(&p, u, CALL("=", COL(u, 0), COL(t, 0)));
    tn_plan *values = plans_select(&p, inner, COL(u, 1));
    const tn_expr *not_in = plans_subquery(&p, TN_SUBQUERY_ANY, values, COL(t, 1), "=", true);
    CHECK_PLAN("not_in_correlated", plans_filter(&p, t, not_in));
}

TEST(in_as_a_value_is_a_mark)
{
    WITH_PLANS(p);
    tn_plan *values = plans_select(&p, u, COL(u, 1));
    tn_plan *v = plans_table(&p, "v", 5);
    tn_plan *inner = plans_filter(&p, v, CALL("=", COL(v, 0), COL(t, 0)));
    tn_plan *correlated = plans_select(&p, inner, COL(v, 1));
    CHECK_PLAN("mark", plans_select(
                           &p, t, COL(t, 0),
                           plans_subquery(&p, TN_SUBQUERY_ANY, values, COL(t, 1), "=", false),
                           plans_subquery(&p, TN_SUBQUERY_ALL, correlated, COL(t, 1), "<", false)));
}

TEST(a_mark_that_is_filtered_for_is_a_semi_join)
{
    WITH_PLANS(p);
    tn_plan *mark = plans_join(&p, TN_JOIN_MARK, t, u, CALL("=", COL(t, 0), COL(u, 0)));
    CHECK_PLAN("mark_filter", plans_filter(&p, mark, COL(mark, 3)));
}

TEST(the_first_row_of_each_outer_value_is_a_distinct_on)
{
    WITH_PLANS(p);
    tn_plan *inner = plans_filter(&p, u, CALL("=", COL(u, 0), COL(t, 1)));
    tn_plan *sorted = plans_sort(&p, inner, COL(u, 2), UINT64_MAX);
    tn_plan *values = plans_select(&p, sorted, COL(u, 1));
    tn_plan *first = NULL;
    PLANS_TRY(&p, tn_plan_limit(&p.context, values, 1, 0, &first, &p.err));
    CHECK_PLAN("limit_one",
               plans_select(&p, t, COL(t, 0),
                            plans_subquery(&p, TN_SUBQUERY_SCALAR, first, NULL, NULL, false)));
}

TEST(a_limit_in_a_correlated_subquery_counts_for_each_outer_value)
{
    WITH_PLANS(p);
    tn_plan *inner = plans_filter(&p, u, CALL("=", COL(u, 0), COL(t, 1)));
    const tn_sort_key key = {.expr = COL(u, 1), .descending = true};
    tn_plan *some = NULL;
    tn_plan *plan = NULL;
    PLANS_TRY(&p, tn_plan_sort(&p.context, inner, &key, 1, 3, 2, &some, &p.err));
    PLANS_TRY(
        &p, tn_plan_apply(&p.context, TN_JOIN_LEFT, t, some, NULL, (tn_span){0, 0}, &plan, &p.err));
    CHECK_PLAN("limit_by_key", plan);
}

TEST(correlation_reaches_through_unions_and_outer_joins)
{
    WITH_PLANS(p);
    tn_plan *v = plans_table(&p, "v", 5);
    tn_plan *w = plans_table(&p, "w", 50);
    tn_plan *left = plans_filter(&p, u, CALL("=", COL(u, 0), COL(t, 0)));
    tn_plan *join =
        plans_join(&p, TN_JOIN_LEFT, v, w,
                   plans_and(&p, CALL("=", COL(v, 0), COL(w, 0)), CALL(">", COL(w, 1), COL(t, 1))));
    tn_plan *members[2] = {plans_select(&p, left, COL(u, 1)), plans_select(&p, join, COL(w, 1))};
    tn_plan *set = NULL;
    PLANS_TRY(&p, tn_plan_set(&p.context, TN_PLAN_UNION, members, 2, true, (tn_span){0, 0}, &set,
                              &p.err));
    const tn_expr *sum = plans_aggregate_of(&p, "sum", COL(set, 0), false);
    tn_plan *group = plans_group(&p, set, NULL, &sum, 1);
    CHECK_PLAN("correlated_union",
               plans_select(&p, t, COL(t, 0),
                            plans_subquery(&p, TN_SUBQUERY_SCALAR, group, NULL, NULL, false)));
}

TEST(correlation_reaches_over_two_levels)
{
    WITH_PLANS(p);
    tn_plan *v = plans_table(&p, "v", 5);
    tn_plan *deep = plans_filter(
        &p, v, plans_and(&p, CALL("=", COL(v, 0), COL(u, 0)), CALL("=", COL(v, 1), COL(t, 1))));
    const tn_expr *count = plans_aggregate_of(&p, "count", NULL, false);
    tn_plan *counted = plans_group(&p, deep, NULL, &count, 1);
    const tn_expr *inner = plans_subquery(&p, TN_SUBQUERY_SCALAR, counted, NULL, NULL, false);
    tn_plan *middle = plans_filter(
        &p, u, plans_and(&p, CALL("=", COL(u, 1), COL(t, 0)), CALL("=", inner, INT(2))));
    CHECK_PLAN(
        "two_levels",
        plans_filter(&p, t, plans_subquery(&p, TN_SUBQUERY_EXISTS, middle, NULL, NULL, false)));
}

TEST(a_lateral_join_keeps_its_left)
{
    WITH_PLANS(p);
    tn_plan *inner = plans_filter(&p, u, CALL("=", COL(u, 0), COL(t, 0)));
    tn_plan *made = plans_select(&p, inner, COL(u, 1), CALL("+", COL(u, 1), COL(t, 1)));
    tn_plan *plan = NULL;
    PLANS_TRY(
        &p, tn_plan_apply(&p.context, TN_JOIN_LEFT, t, made, NULL, (tn_span){0, 0}, &plan, &p.err));
    CHECK_PLAN("lateral", plan);
}

TEST(distinct_aggregates_are_groups)
{
    WITH_PLANS(p);
    const tn_expr *some[3] = {plans_aggregate_of(&p, "count", COL(t, 1), true),
                              plans_aggregate_of(&p, "sum", COL(t, 2), false),
                              plans_aggregate_of(&p, "avg", COL(t, 2), false)};
    CHECK_PLAN("distinct_one", plans_group(&p, t, COL(t, 0), some, 3));
}

TEST(several_distinct_aggregates_share_their_input)
{
    WITH_PLANS(p);
    const tn_expr *some[3] = {plans_aggregate_of(&p, "count", COL(t, 1), true),
                              plans_aggregate_of(&p, "count", COL(t, 2), true),
                              plans_aggregate_of(&p, "median", COL(t, 2), false)};
    CHECK_PLAN("distinct_many", plans_group(&p, t, COL(t, 0), some, 3));
}

TEST(what_can_fail_is_computed_above_joins_and_sorts)
{
    WITH_PLANS(p);
    tn_plan *made = plans_select(&p, t, COL(t, 0), CALL("/", COL(t, 1), COL(t, 2)));
    tn_plan *join = plans_join(&p, TN_JOIN_INNER, made, u, CALL("=", COL(t, 0), COL(u, 0)));
    tn_plan *sorted = plans_sort(&p, join, COL(u, 1), UINT64_MAX);
    tn_plan *plan = NULL;
    PLANS_TRY(&p, tn_plan_limit(&p.context, sorted, 10, 5, &plan, &p.err));
    CHECK_PLAN("fallible", plan);
}

TEST(limits_reach_the_scans)
{
    WITH_PLANS(p);
    tn_plan *members[2] = {plans_select(&p, t, CALL("+", COL(t, 0), INT(1))),
                           plans_select(&p, u, COL(u, 1))};
    tn_plan *set = NULL;
    tn_plan *plan = NULL;
    PLANS_TRY(&p, tn_plan_set(&p.context, TN_PLAN_UNION, members, 2, true, (tn_span){0, 0}, &set,
                              &p.err));
    PLANS_TRY(&p, tn_plan_limit(&p.context, set, 10, 2, &plan, &p.err));
    CHECK_PLAN("limit", plan);
}

TEST(exact_statistics_answer_counts_and_extremes)
{
    WITH_PLANS(p);
    tn_plan *made = plans_select(&p, t, COL(t, 2), COL(t, 0));
    const tn_expr *some[4] = {plans_aggregate_of(&p, "count", NULL, false),
                              plans_aggregate_of(&p, "count", COL(made, 1), false),
                              plans_aggregate_of(&p, "min", COL(made, 0), false),
                              plans_aggregate_of(&p, "max", COL(made, 0), false)};
    CHECK_PLAN("statistics", plans_group(&p, made, NULL, some, 4));
}

TEST(a_shared_plan_with_one_reader_is_inlined)
{
    WITH_PLANS(p);
    tn_plan *one = NULL;
    tn_plan *two = NULL;
    tn_plan *three = NULL;
    tn_plan *narrow = plans_select(&p, u, COL(u, 0), COL(u, 1), COL(u, 2));
    p.context.next_shared = 2;
    PLANS_TRY(&p, tn_plan_shared(&p.context, t, 0, &one, &p.err));
    PLANS_TRY(&p, tn_plan_shared(&p.context, narrow, 1, &two, &p.err));
    PLANS_TRY(&p, tn_plan_shared(&p.context, narrow, 1, &three, &p.err));
    tn_plan *join = plans_join(&p, TN_JOIN_INNER, one, two, CALL("=", COL(one, 0), COL(two, 0)));
    tn_plan *all = plans_join(&p, TN_JOIN_LEFT, join, three, CALL("=", COL(two, 1), COL(three, 1)));
    CHECK_PLAN("shared", plans_select(&p, all, COL(one, 0), COL(three, 1)));
}

/* A star of 11 tables around a large one. */
static tn_plan *star(plans *p, uint32_t tables)
{
    const plans_column columns[] = {{"k", TN_BIGINT, false, 0, 0, 0},
                                    {"v", TN_BIGINT, true, 0, 0, 0}};
    plans_column facts[16];
    const tn_expr *all = NULL;
    for (uint32_t i = 0; i < tables; i++) {
        facts[i] = (plans_column){"f", TN_BIGINT, false, 1, 1000 * (i + 1), 1000 * (i + 1)};
    }
    tn_plan *plan = plans_scan(p, plans_source_of(p, "fact", 10000000, facts, tables));
    tn_plan *fact = plan;
    for (uint32_t i = 0; i < tables && p->code == TARN_OK; i++) {
        tn_plan *side = plans_scan(p, plans_source_of(p, "side", 1000 * (i + 1), columns, 2));
        if (i % 3 == 0) {
            side = plans_filter(p, side,
                                plans_call(p, "<", plans_column_of(p, side, 1), plans_int(p, 3)));
        }
        const tn_expr *same =
            plans_call(p, "=", plans_column_of(p, fact, i), plans_column_of(p, side, 0));
        plan = plans_join(p, TN_JOIN_INNER, side, plan, NULL);
        all = all == NULL ? same : plans_and(p, all, same);
    }
    return plans_filter(p, plan, all);
}

TEST(twelve_tables_are_ordered_in_milliseconds)
{
    WITH_PLANS(p);
    struct timespec from;
    struct timespec to;
    tn_plan *plan = star(&p, 11);
    CHECK_EQ(p.code, TARN_OK);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    (void)plans_optimise(&p, plan, "");
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    const double ms =
        (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    printf("twelve tables planned in %.1f ms\n", ms);
    CHECK(ms < 2000); /* sanitizers and busy machines are slow */
    CHECK_PLAN("star", plan);
}

TEST(a_chain_of_many_tables_is_ordered_greedily)
{
    WITH_PLANS(p);
    tn_plan *plan = t;
    const tn_expr *all = NULL;
    tn_plan *before = t;
    for (int i = 0; i < 30; i++) {
        tn_plan *next = plans_table(&p, "v", (uint64_t)(100 + i * 37 % 11));
        const tn_expr *same = CALL("=", COL(before, 0), COL(next, 0));
        plan = plans_join(&p, TN_JOIN_INNER, plan, next, NULL);
        all = all == NULL ? same : plans_and(&p, all, same);
        before = next;
    }
    (void)plans_optimise(&p, plans_filter(&p, plan, all), "");
    CHECK_STR(p.code == TARN_OK ? "" : p.err.message, "");
    plans_deinit(&p);
}

TEST(a_thousand_tables_and_a_hundred_thousand_terms_are_optimised)
{
    WITH_PLANS(p);
    enum { TABLES = 1000, TERMS = TEST_SIZE(100000, 10000) };
    tn_plan **children = NULL;
    tn_plan *set = NULL;
    const tn_expr **terms = NULL;
    const tn_expr *all = NULL;
    PLANS_TRY(&p, tn_arena_array(&p.arena, tn_plan *, TABLES, &children, &p.err));
    for (int i = 0; i < TABLES && p.code == TARN_OK; i++) {
        children[i] = plans_scan(&p, p.sources[0]);
    }
    PLANS_TRY(&p, tn_plan_set(&p.context, TN_PLAN_UNION, children, TABLES, true, (tn_span){0, 0},
                              &set, &p.err));
    (void)plans_optimise(&p, plans_filter(&p, set, CALL(">", COL(set, 0), INT(5))), "");
    PLANS_TRY(&p, tn_arena_array(&p.arena, const tn_expr *, TERMS, &terms, &p.err));
    for (int i = 0; i < TERMS && p.code == TARN_OK; i++) {
        terms[i] = CALL("<>", COL(t, 1), INT(i));
    }
    PLANS_TRY(&p, tn_expr_and(&p.context.expr, terms, TERMS, &all, &p.err));
    (void)plans_optimise(&p, plans_filter(&p, t, all), "");
    PLANS_TRY(&p, tn_expr_or(&p.context.expr, terms, TERMS, &all, &p.err));
    (void)plans_optimise(&p, plans_filter(&p, t, all), "");
    CHECK_STR(p.code == TARN_OK ? "" : p.err.message, "");
    plans_deinit(&p);
}

/* A plan that most rules have something to do with. */
static tarn_code optimise_some(plans *p)
{
    tn_plan *t = plans_table(p, "t", 1000);
    tn_plan *u = p->code == TARN_OK ? plans_table(p, "u", 10) : NULL;
    tn_plan *v = p->code == TARN_OK ? plans_table(p, "v", 5) : NULL;
    if (p->code != TARN_OK) {
        return p->code;
    }
    const tn_expr *ta = plans_column_of(p, t, 0);
    const tn_expr *tb = plans_column_of(p, t, 1);
    const tn_expr *ua = plans_column_of(p, u, 0);
    const tn_expr *ub = plans_column_of(p, u, 1);
    const tn_expr *va = plans_column_of(p, v, 0);
    const tn_expr *same = p->code == TARN_OK ? plans_call(p, "<", ua, tb) : NULL;
    tn_plan *inner = p->code == TARN_OK ? plans_filter(p, u, same) : NULL;
    const tn_expr *max = p->code == TARN_OK ? plans_aggregate_of(p, "max", ub, false) : NULL;
    tn_plan *group = p->code == TARN_OK ? plans_group(p, inner, NULL, &max, 1) : NULL;
    const tn_expr *sub =
        p->code == TARN_OK ? plans_subquery(p, TN_SUBQUERY_SCALAR, group, NULL, NULL, false) : NULL;
    const tn_expr *wanted = p->code == TARN_OK ? plans_call(p, ">", tb, sub) : NULL;
    const tn_expr *on = p->code == TARN_OK ? plans_call(p, "=", ta, va) : NULL;
    tn_plan *join = p->code == TARN_OK ? plans_join(p, TN_JOIN_LEFT, t, v, on) : NULL;
    tn_plan *filter = p->code == TARN_OK ? plans_filter(p, join, wanted) : NULL;
    const tn_expr *distinct = p->code == TARN_OK ? plans_aggregate_of(p, "count", va, true) : NULL;
    tn_plan *plan = p->code == TARN_OK ? plans_group(p, filter, ta, &distinct, 1) : NULL;
    if (p->code == TARN_OK) {
        plan = plans_sort(p, plan, plans_column_of(p, plan, 1), 10);
    }
    if (p->code == TARN_OK) {
        plan = plans_optimise(p, plan, "");
    }
    if (p->code == TARN_OK) {
        (void)plans_json_returns(p, plan);
    }
    return p->code;
}

TEST(optimising_survives_the_loss_of_any_allocation)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        plans p;
        plans_init(&p, pool);
        const tarn_code code = p.code == TARN_OK ? optimise_some(&p) : p.code;
        const bool refused = oom.refused;
        plans_deinit(&p);
        if (!refused) {
            CHECK_STR(code == TARN_OK ? "" : p.err.message, "");
        } else {
            CHECK_EQ(code, TARN_E_NOMEM);
        }
    }
}
