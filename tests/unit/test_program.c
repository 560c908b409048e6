/* Programs on batches: every encoding, nulls, selections, faults that are raised only when needed.
 */
#include "expr/program.h"
#include "support/exprs.h"

/* ---- batches of small columns ---- */

enum { ROWS = 200 };

typedef struct input {
    tn_column columns[4];
    int64_t values[4][ROWS];
    uint64_t validity[4][4];
    uint8_t codes[4][ROWS];
    int64_t entries[4][8];
    tn_column dictionaries[4];
    uint16_t selection[ROWS];
    tn_batch batch;
} input;

static void input_init(input *in)
{
    memset(in, 0, sizeof(*in));
    in->batch = (tn_batch){.columns = in->columns, .width = 4, .rows = ROWS, .selected = ROWS};
}

static void flat(input *in, uint32_t i, const tn_type *type, int64_t (*make)(uint32_t row))
{
    for (uint32_t row = 0; row < ROWS; row++) {
        in->values[i][row] = make(row);
    }
    in->columns[i] = (tn_column){.type = type,
                                 .lane = TN_LANE_i64,
                                 .encoding = TN_FLAT,
                                 .rows = ROWS,
                                 .values = in->values[i]};
}

static int64_t row_number(uint32_t row)
{
    return row;
}
static int64_t modulo_five(uint32_t row)
{
    return row % 5;
}

typedef struct run {
    exprs e;
    const tn_program *program;
    tn_evaluator *ev;
    tn_column out[4];
} run;

static const tn_layout layout = {4, (const tn_column_id[]){0, 1, 2, 3}};

static tarn_code start(run *r, tn_pool *pool, const tn_expr *const *list, uint32_t count)
{
    tarn_code code = r->e.code;
    if (code == TARN_OK) {
        code =
            tn_program_compile(&r->e.context, list, count, &layout, NULL, &r->program, &r->e.err);
    }
    return code == TARN_OK ? tn_evaluator_create(r->program, pool, &r->ev, &r->e.err) : code;
}

static void stop(run *r)
{
    tn_evaluator_destroy(r->ev);
    r->ev = NULL;
    exprs_deinit(&r->e);
}

static int64_t int_at(const tn_column *column, uint32_t row)
{
    tn_value value;
    const tn_column *located = tn_column_locate(column, &row);
    if (located == NULL) {
        return INT64_MIN;
    }
    (void)!tn_value_of(located, row, NULL, &value, NULL);
    return located->type->kind == TN_KIND_BOOLEAN ? value.boolean
           : located->type->lane == TN_LANE_i128  ? (int64_t)value.i128
                                                  : value.i64;
}

TEST(columns_are_added_and_shared_subexpressions_computed_once)
{
    run r = {.program = NULL};
    input in;
    uint32_t next = 0;
    input_init(&in);
    exprs_init(&r.e, pool);
    flat(&in, 0, TN_BIGINT, row_number);
    flat(&in, 1, TN_BIGINT, modulo_five);
    const tn_expr *a = exprs_column(&r.e, 0, "BIGINT");
    const tn_expr *b = exprs_column(&r.e, 1, "BIGINT");
    const tn_expr *sum = exprs_call(&r.e, "+", a, b);
    const tn_expr *list[] = {sum, exprs_call(&r.e, "*", sum, exprs_int(&r.e, 2)),
                             exprs_call(&r.e, "+", exprs_column(&r.e, 0, "BIGINT"), b)};
    CHECK_EQ(start(&r, pool, list, 3), TARN_OK);
    CHECK_EQ(tn_evaluator_run(r.ev, &in.batch, &next, r.out, &r.e.err), TARN_OK);
    CHECK_EQ(next, ROWS);
    CHECK(r.out[0].values == r.out[2].values);
    for (uint32_t row = 0; row < ROWS; row++) {
        CHECK_EQ(int_at(&r.out[0], row), row + row % 5);
        CHECK_EQ(int_at(&r.out[1], row), 2 * (row + row % 5));
    }
    stop(&r);
}

TEST(division_by_zero_is_raised_only_where_a_row_needs_it)
{
    run r = {.program = NULL};
    input in;
    uint32_t next = 0;
    input_init(&in);
    exprs_init(&r.e, pool);
    flat(&in, 0, TN_BIGINT, row_number);
    flat(&in, 1, TN_BIGINT, modulo_five);
    const tn_expr *a = exprs_column(&r.e, 0, "BIGINT");
    const tn_expr *b = exprs_column(&r.e, 1, "BIGINT");
    const tn_expr *quotient = exprs_call(&r.e, "/", a, b);
    const tn_expr *guard = exprs_call(&r.e, "<>", b, exprs_int(&r.e, 0));
    const tn_expr *parts[] = {guard, quotient};
    const tn_expr *guarded = NULL;
    CHECK_EQ(tn_expr_case(&r.e.context, parts, 2, (tn_span){0, 0}, &guarded, NULL), TARN_OK);
    const tn_expr *list[] = {quotient, guarded};
    CHECK_EQ(start(&r, pool, list, 2), TARN_OK);
    CHECK_EQ(tn_evaluator_run(r.ev, &in.batch, &next, r.out, &r.e.err), TARN_OK);
    CHECK_EQ(tn_column_raise(&r.out[0], &in.batch, &r.e.err), TARN_E_INVALID);
    CHECK_STR(r.e.err.message, "division by zero: 0 / 0");
    CHECK_EQ(tn_column_raise(&r.out[1], &in.batch, &r.e.err), TARN_OK);
    for (uint32_t row = 0; row < ROWS; row++) {
        CHECK_EQ(int_at(&r.out[1], row), row % 5 == 0 ? INT64_MIN : row / (row % 5));
    }
    stop(&r);
}

TEST(conjuncts_drop_rows_with_their_faults_in_any_order)
{
    for (int turn = 0; turn < 2; turn++) {
        run r = {.program = NULL};
        input in;
        input_init(&in);
        exprs_init(&r.e, pool);
        flat(&in, 0, TN_BIGINT, row_number);
        flat(&in, 1, TN_BIGINT, modulo_five);
        const tn_expr *a = exprs_column(&r.e, 0, "BIGINT");
        const tn_expr *b = exprs_column(&r.e, 1, "BIGINT");
        const tn_expr *fallible =
            exprs_call(&r.e, ">", exprs_call(&r.e, "/", a, b), exprs_int(&r.e, 10));
        const tn_expr *guard = exprs_call(&r.e, "<>", b, exprs_int(&r.e, 0));
        const tn_expr *list[] = {turn == 0 ? fallible : guard, turn == 0 ? guard : fallible};
        const uint16_t *selection = NULL;
        uint32_t selected = 0;
        uint32_t expected = 0;
        CHECK_EQ(start(&r, pool, list, 2), TARN_OK);
        for (uint32_t row = 0; row < ROWS; row++) {
            expected += row % 5 != 0 && row / (row % 5) > 10;
        }
        for (int batch = 0; batch < 40; batch++) {
            CHECK_EQ(tn_evaluator_filter(r.ev, &in.batch, false, &selection, &selected, &r.e.err),
                     TARN_OK);
            CHECK_EQ(selected, expected);
        }
        stop(&r);
        exprs_init(&r.e, pool);
        const tn_expr *alone[] = {exprs_call(
            &r.e, ">",
            exprs_call(&r.e, "/", exprs_column(&r.e, 0, "BIGINT"), exprs_column(&r.e, 1, "BIGINT")),
            exprs_int(&r.e, 10))};
        CHECK_EQ(start(&r, pool, alone, 1), TARN_OK);
        CHECK_EQ(tn_evaluator_filter(r.ev, &in.batch, false, &selection, &selected, &r.e.err),
                 TARN_E_INVALID);
        CHECK_EQ(tn_evaluator_filter(r.ev, &in.batch, true, &selection, &selected, &r.e.err),
                 TARN_OK);
        CHECK_EQ(selected, expected + ROWS / 5); /* a prefilter lets faults pass */
        stop(&r);
    }
}

/* ---- constants ---- */

static const char *value_text(exprs *e, const tn_expr *expr)
{
    tn_value value;
    const tn_expr *literal = NULL;
    if (e->code == TARN_OK) {
        e->code = tn_expr_evaluate(&e->context, expr, e->arena.pool, &value, &e->err);
    }
    if (e->code == TARN_OK) {
        e->code = tn_expr_literal(&e->context, &value, (tn_span){0, 0}, &literal, &e->err);
    }
    return exprs_print(e, literal);
}

TEST(constants_are_evaluated)
{
    exprs e;
    exprs_init(&e, pool);
    CHECK_STR(value_text(&e, exprs_call(&e, "+", exprs_int(&e, 1), exprs_int(&e, 2))), "3");
    CHECK_STR(value_text(&e, exprs_call(&e, "/", exprs_int(&e, 7), exprs_int(&e, 2))), "3");
    CHECK_STR(value_text(&e, exprs_typed(&e, "12.345", "DECIMAL(5,2)")), "12.35");
    CHECK_STR(value_text(&e, exprs_call(&e, "/", exprs_typed(&e, "1", "DECIMAL(5,2)"),
                                        exprs_typed(&e, "3", "DECIMAL(5,2)"))),
              "0.3333333333");
    CHECK_STR(value_text(&e, exprs_cast(&e, exprs_double(&e, 2.5), "INTEGER", false)), "2");
    CHECK_STR(value_text(&e, exprs_cast(&e, exprs_text(&e, "abc"), "INTEGER", true)), "NULL");
    CHECK_STR(
        value_text(&e, exprs_cast(&e, exprs_typed(&e, "2001-02-03", "DATE"), "VARCHAR", false)),
        "'2001-02-03'");
    CHECK_STR(value_text(&e, exprs_call(&e, "coalesce", exprs_null(&e), exprs_int(&e, 4))), "4");
    CHECK_STR(value_text(&e, exprs_call(&e, "greatest", exprs_int(&e, 4), exprs_int(&e, 9),
                                        exprs_null(&e))),
              "9");
    CHECK_STR(value_text(&e, exprs_call(&e, "<", exprs_typed(&e, "2001-02-03", "DATE"),
                                        exprs_text(&e, "2001-02-04"))),
              "true");
    CHECK_STR(value_text(&e, exprs_call(&e, "-", exprs_typed(&e, "9223372036854775807", "BIGINT"),
                                        exprs_int(&e, -1))),
              "BIGINT overflow in 9223372036854775807 - -1");
    e.code = TARN_OK;
    CHECK_STR(value_text(&e, exprs_cast(&e, exprs_text(&e, "abc"), "INTEGER", false)),
              "cannot cast 'abc' to INTEGER: it is no whole number");
    exprs_deinit(&e);
}

TEST(choosing_between_nested_values_survives_the_loss_of_any_allocation)
{
    exprs e;
    tn_value value;
    exprs_init(&e, pool);
    const tn_expr *const parts[] = {
        exprs_call(&e, "=", exprs_int(&e, 1), exprs_int(&e, 2)),
        exprs_call(&e, "list_value", exprs_text(&e, "a text that is not kept in its view")),
        exprs_call(&e, "list_value", exprs_text(&e, "b"), exprs_null(&e))};
    const tn_expr *choice = NULL;
    CHECK_EQ(tn_expr_case(&e.context, parts, 3, (tn_span){0, 0}, &choice, NULL), TARN_OK);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        CHECK_EQ(tn_expr_evaluate(&e.context, choice, pool, &value, NULL),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
    CHECK_EQ(((const tn_list *)value.nested->values)->length, 2);
    exprs_deinit(&e);
}
