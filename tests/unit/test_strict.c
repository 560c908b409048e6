/* Values of a file in a set's types: the same value, or a bad record. */
#include "support/exprs.h"
#include "support/print.h"
#include "table/files/strict_internal.h"

#include <stdio.h>

/* The cast's value and whether it is none, as "12 false". */
static tarn_code cast_value(exprs *e, const char *text, const char *from, const char *to,
                            tn_text *out)
{
    tarn_code code = TARN_OK;
    const tn_expr *both[2] = {NULL, NULL};
    const tn_program *program;
    tn_evaluator *evaluator = NULL;
    tn_column columns[2];
    uint32_t next = 0;
    const tn_layout none = {0, NULL};
    const tn_batch in = {.rows = 1, .selected = 1};
    const tn_expr *const own =
        text == NULL ? exprs_cast(e, exprs_null(e), from, false) : exprs_typed(e, text, from);
    const tn_type *const wanted = exprs_type(e, to);
    tarn_error *const err = &e->err;

    TN_TRY(e->code);
    TN_TRY(tn_strict__cast(&e->context, own, wanted, &both[0], &both[1], err));
    const uint32_t count = both[1] == NULL ? 1 : 2;
    TN_TRY(tn_program_compile(&e->context, both, count, &none, NULL, &program, err));
    TN_TRY(tn_evaluator_create(program, e->arena.pool, &evaluator, err));
    TN_TRY(tn_evaluator_run(evaluator, &in, &next, columns, err));
    TN_TRY(tn_column_raise(&columns[0], &in, err));
    const tn_batch done = {.columns = columns, .width = count, .rows = 1, .selected = 1};
    test_print_row(out, &done, 0);
    code = out->failed;
done:
    tn_evaluator_destroy(evaluator);
    return code;
}

TEST(a_value_comes_back_the_same_or_does_not_fit)
{
    static const struct {
        const char *from, *value, *to, *got; /* `got` has one value where nothing can go wrong */
    } cases[] = {
        {"VARCHAR", "12", "INTEGER", "[12,false]"},
        {"VARCHAR", " 012", "INTEGER", "[12,false]"},
        {"VARCHAR", "abc", "INTEGER", "[null,true]"},
        {"VARCHAR", NULL, "INTEGER", "[null,false]"},
        {"DOUBLE", "2", "INTEGER", "[2,false]"},
        {"DOUBLE", "1.5", "INTEGER", "[2,true]"},
        {"BIGINT", "5000000000", "INTEGER", "[null,true]"},
        {"BIGINT", NULL, "INTEGER", "[null,false]"},
        {"BIGINT", "9007199254740992", "DOUBLE", "[9007199254740992,false]"},
        {"BIGINT", "9007199254740993", "DOUBLE", "[9007199254740992,true]"},
        {"INTEGER", "7", "DOUBLE", "[7]"},
        {"REAL", "0.5", "DOUBLE", "[0.5]"},
        {"DOUBLE", "0.1", "REAL", "[0.10000000149011612,true]"},
        {"INTEGER", "7", "VARCHAR", "[\"7\"]"},
        {"DATE", "1970-01-03", "TIMESTAMP", "[172800000000]"},
        {"TIMESTAMP", "1970-01-03 00:00:00", "DATE", "[2,false]"},
        {"TIMESTAMP", "1970-01-03 12:00:00", "DATE", "[2,true]"},
        {"DECIMAL(9, 2)", "1.50", "DECIMAL(9, 1)", "[15,false]"},
        {"DECIMAL(9, 2)", "1.55", "DECIMAL(9, 1)", "[16,true]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        exprs e;
        tn_text text;
        exprs_init(&e, pool);
        tn_text_init(&text, pool, SIZE_MAX);
        const tarn_code code = cast_value(&e, cases[i].value, cases[i].from, cases[i].to, &text);
        if (code != TARN_OK || strcmp(text.data, cases[i].got) != 0) {
            test_fail(__FILE__, __LINE__, "%s %s as %s: %s%s", cases[i].from,
                      cases[i].value == NULL ? "NULL" : cases[i].value, cases[i].to,
                      code == TARN_OK ? text.data : "", e.err.message);
        }
        tn_text_deinit(&text);
        exprs_deinit(&e);
    }
}

TEST(truth_is_no_number_and_a_strict_cast_survives_the_loss_of_any_allocation)
{
    exprs e;
    tn_text text;
    exprs_init(&e, pool);
    tn_text_init(&text, pool, SIZE_MAX);
    CHECK_EQ(cast_value(&e, "true", "BOOLEAN", "INTEGER", &text), TARN_E_INVALID);
    CHECK_STR(e.err.message, "BOOLEAN is not taken as INTEGER");
    CHECK_EQ(cast_value(&e, "1", "DOUBLE", "BOOLEAN", &text), TARN_E_INVALID);
    tn_text_deinit(&text);
    exprs_deinit(&e);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        exprs_init(&e, pool);
        tn_text_init(&text, pool, SIZE_MAX);
        CHECK_EQ(cast_value(&e, "abc", "VARCHAR", "INTEGER", &text),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
        tn_text_deinit(&text);
        exprs_deinit(&e);
        CHECK_U64(pool->used, 0);
    }
}

/* ---- bad records ---- */

enum { ROWS = 4 };

typedef struct taker {
    tn_reject_edge edge;
    uint32_t count, most; /* fails behind that many */
    char said[512];
} taker;

static tarn_code take(tn_reject_edge *edge, const tn_reject *row, tarn_error *err)
{
    taker *to = (taker *)(void *)edge;
    const size_t size = strlen(to->said);
    if (to->count++ == to->most) {
        return tn_fail(err, TARN_E_LIMIT, "enough bad records");
    }
    (void)snprintf(to->said + size, sizeof(to->said) - size, "%.*s %" PRId64 " %.*s: %.*s [%.*s]\n",
                   TN_STR_ARGS(row->file), row->row, TN_STR_ARGS(row->column),
                   TN_STR_ARGS(row->reason), TN_STR_ARGS(row->raw));
    return TARN_OK;
}

typedef struct records {
    tn_view texts[ROWS];
    tn_sequence numbers;
    uint64_t faulty[2];
    tn_column columns[2], checked[2], number;
    tn_strict_check checks[2];
    tn_strict_rows rows;
    tn_batch batch;
    uint16_t selection[ROWS];
} records;

static void records_make(records *r, tn_reject_edge *rejects)
{
    static const char *const texts[ROWS] = {"1", "two, which is long enough to lie elsewhere", "3",
                                            "4"};
    static const uint16_t odd[3] = {0, 1, 3};
    *r = (records){.numbers = {11, 1}, .faulty = {2, 2 | 4 | 8}};
    for (size_t i = 0; i < ROWS; i++) {
        r->texts[i] = tn_view_of(texts[i], strlen(texts[i]));
    }
    for (size_t i = 0; i < 2; i++) {
        r->columns[i] =
            (tn_column){.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = ROWS, .values = r->texts};
        r->checked[i] = (tn_column){
            .type = TN_BOOLEAN, .lane = TN_LANE_bool, .rows = ROWS, .values = &r->faulty[i]};
        r->checks[i] = (tn_strict_check){(uint32_t)i, i == 0 ? TN_STR("a") : TN_STR("b"),
                                         TN_VARCHAR, TN_INTEGER};
    }
    r->number = (tn_column){.type = TN_BIGINT,
                            .lane = TN_LANE_i64,
                            .encoding = TN_SEQUENCE,
                            .rows = ROWS,
                            .values = &r->numbers};
    r->rows = (tn_strict_rows){.uri = TN_STR("f.csv"),
                               .checks = r->checks,
                               .check_count = 2,
                               .faulty = r->checked,
                               .columns = r->columns,
                               .numbers = &r->number,
                               .rejects = rejects};
    r->batch = (tn_batch){
        .columns = r->columns, .selection = odd, .width = 2, .rows = ROWS, .selected = 3};
}

TEST(bad_records_leave_the_batch_and_each_is_told_once)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        records r;
        taker to = {.edge = {take}, .most = 9};
        uint32_t rejected = 9;
        tn_arena arena;
        tn_arena_init(&arena, pool);
        records_make(&r, &to.edge);
        const tarn_code code =
            tn_strict__leave_out(&r.rows, &r.batch, r.selection, &arena, &rejected, NULL);
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        if (code == TARN_OK) {
            CHECK_EQ(rejected, 2); /* row 2, faulty as well, was not selected */
            CHECK_EQ(r.batch.selected, 1);
            CHECK_EQ(r.batch.selection[0], 0);
            CHECK_STR(to.said,
                      "f.csv 12 a: 'two, which is long enough to lie elsewhere' (VARCHAR) does not "
                      "fit INTEGER [two, which is long enough to lie elsewhere]\n"
                      "f.csv 14 b: '4' (VARCHAR) does not fit INTEGER [4]\n");
        }
        tn_arena_deinit(&arena);
        CHECK_U64(pool->used, 0);
    }
}

TEST(without_a_taker_the_first_bad_record_is_an_error_that_names_its_place)
{
    records r;
    taker to = {.edge = {take}, .most = 1};
    uint32_t rejected;
    tarn_error err = TARN_ERROR_INIT;
    tn_arena arena;
    tn_arena_init(&arena, pool);
    records_make(&r, NULL);
    CHECK_EQ(tn_strict__leave_out(&r.rows, &r.batch, r.selection, &arena, &rejected, &err),
             TARN_E_INVALID);
    CHECK(strstr(err.message, "'f.csv', row 12, column 'a': 'two, which") != NULL);
    CHECK_EQ(err.row, 12);
    CHECK_STR(err.subject, "f.csv");
    records_make(&r, &to.edge); /* one that has enough after the first */
    CHECK_EQ(tn_strict__leave_out(&r.rows, &r.batch, r.selection, &arena, &rejected, &err),
             TARN_E_LIMIT);
    records_make(&r, NULL);
    r.faulty[0] = r.faulty[1] = 0;
    CHECK_EQ(tn_strict__leave_out(&r.rows, &r.batch, r.selection, &arena, &rejected, &err),
             TARN_OK);
    CHECK_EQ(rejected, 0);
    CHECK_EQ(r.batch.selected, 3);
    tn_arena_deinit(&arena);
}
