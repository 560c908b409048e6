/* Expressions over every encoding, null pattern, selection and length give what they give row by
 * row: one-row batches of flat columns are the reference. */
#include "expr/program.h"
#include "kernel/text.h"
#include "support/exprs.h"

#include <stdio.h>

enum { ROWS = 193, ENTRIES = 7, ENCODINGS = 5, WIDTH = 4 };

static const char *const column_types[] = {"BIGINT", "BIGINT", "VARCHAR", "DOUBLE"};

static const char *const expressions[] = {
    "a + b",
    "a - b",
    "a * b",
    "a / nullif(b, 0)",
    "a % nullif(b, 0)",
    "a / b",
    "-a",
    "a = b",
    "a <> b",
    "a < b",
    "a <= 3",
    "3 > a",
    "a >= b",
    "a IS DISTINCT FROM b",
    "a IS NOT DISTINCT FROM NULL",
    "a IS NULL",
    "c IS NOT NULL",
    "a + 1",
    "a * 2.5",
    "CAST(a AS DOUBLE)",
    "CAST(a AS TINYINT)",
    "TRY_CAST(a AS UTINYINT)",
    "CAST(a AS VARCHAR)",
    "CAST(a AS DECIMAL(20,2)) + b",
    "CAST(d AS INTEGER)",
    "CAST(d AS DECIMAL(12,3))",
    "TRY_CAST(c AS INTEGER)",
    "a > 2 AND b < 4",
    "a > 2 OR b < 4",
    "NOT a > 2",
    "(a > 2) IS TRUE",
    "a > 2 AND a / b > 1",
    "CASE WHEN a > b THEN a WHEN b > 2 THEN b END",
    "CASE WHEN b <> 0 THEN a / b ELSE -1 END",
    "coalesce(a, b, 9)",
    "coalesce(c, 'none')",
    "a IN (1, 3, 5)",
    "a NOT IN (1, 3, NULL)",
    "c IN ('tern', 'a text of more than twelve bytes')",
    "greatest(a, b)",
    "least(d, a)",
    "c = 'tern'",
    "c < 'tern'",
    "c >= 'gull'",
    "c || a",
    "upper(c)",
    "length(c)",
    "substr(c, 2, 3)",
    "c LIKE '%e%n%'",
    "c ILIKE 'T_RN'",
    "replace(c, 'e', 'xx')",
    "strpos(c, 'r')",
    "regexp_matches(c, 'e.*n')",
    "regexp_replace(c, '[aeiou]', '#', 'g')",
    "concat(c, a, d)",
    "lpad(c, 6, '*')",
    "md5(c)",
    "d + a",
    "d * d",
    "d / a",
    "d = a",
    "floor(d)",
    "round(d, 1)",
    "sqrt(abs(d))",
    "isnan(d)",
    "DATE '2001-01-01' + a",
    "hash(a, c)",
    "date_trunc('month', DATE '2001-01-01' + a)",
    "list_value(a, b)[1]",
    "len(string_split(c, 'e'))",
    "struct_extract(struct_pack('x', a, 'y', c), 'y')",
    "list_contains([1, a, b], 3)",
    "a & b",
    "if(a > 2, c, 'x')",
    "sign(a)",
    "year(DATE '2001-01-01' + a * 100)",
};

static const tn_column_id ids[] = {0, 1, 2, 3};
static const tn_layout layout = {WIDTH, ids};

typedef struct values {
    int64_t a[ROWS], b[ROWS];
    double d[ROWS];
    const char *c[ROWS];
    bool null[WIDTH][ROWS];
} values;

typedef struct encoded {
    tn_column columns[WIDTH], dictionaries[WIDTH];
    int64_t whole[2][ROWS];
    int8_t narrow[2][ROWS];
    double real[ROWS];
    tn_view texts[ROWS];
    uint8_t codes[WIDTH][ROWS];
    uint64_t validity[WIDTH][4], entry_validity[WIDTH];
    tn_sequence sequences[2];
} encoded;

static const char *const words[] = {"tern",  "gull", "a text of more than twelve bytes", "",
                                    "Tern!", "42",   "žluťoučký kůň úpěl ďábelské"};

/* Encodings repeat a value each ENTRIES rows; constants are row 0's; sequences count on. */
static int64_t whole_of(uint32_t which, uint32_t row, int encoding)
{
    const uint32_t at = encoding == 1 ? 0 : encoding == 4 ? row : row % ENTRIES;
    return which == 0      ? (int64_t)at - 2
           : encoding == 4 ? 3 * (int64_t)at - 5
                           : (int64_t)(at * 5 % 7);
}

static void fill(values *v, int encoding, int nulls)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const uint32_t at = encoding == 1 ? 0 : row % ENTRIES;
        v->a[row] = whole_of(0, row, encoding);
        v->b[row] = whole_of(1, row, encoding);
        v->c[row] = words[at];
        v->d[row] = (double)at * 1.75 - 3;
        for (uint32_t i = 0; i < WIDTH; i++) {
            const bool some = encoding == 1 ? i == 1 : (row * 7 + i * 3) % 4 == 0;
            v->null[i][row] = nulls == 2 || (nulls == 1 && some);
            if (encoding == 4 && i < 2) {
                v->null[i][row] = false;
            }
        }
    }
}

static tn_view view_of(const char *text)
{
    return tn_view_of(text, strlen(text));
}

static void encode(encoded *e, const values *v, int encoding, int nulls, uint32_t from,
                   uint32_t rows)
{
    static const uint8_t lanes[] = {TN_LANE_i64, TN_LANE_i64, TN_LANE_view, TN_LANE_f64};
    memset(e, 0, sizeof(*e));
    for (uint32_t i = 0; i < WIDTH; i++) {
        const tn_type *type = i < 2 ? TN_BIGINT : i == 2 ? TN_VARCHAR : TN_DOUBLE;
        tn_column *column = &e->columns[i];
        const uint32_t stored = encoding == 1 ? 1 : encoding == 3 ? ENTRIES : rows;
        for (uint32_t row = 0; row < stored; row++) {
            const uint32_t at = from + row;
            e->texts[row] = view_of(v->c[at]);
            e->real[row] = v->d[at];
            if (i < 2) {
                e->whole[i][row] = i == 0 ? v->a[at] : v->b[at];
                e->narrow[i][row] = (int8_t)e->whole[i][row];
            }
        }
        for (uint32_t row = 0; row < rows; row++) {
            e->codes[i][row] = v->null[i][from + row] ? 255 : (uint8_t)((from + row) % ENTRIES);
            tn_bit_put(e->validity[i], row, !v->null[i][from + row]);
        }
        *column = (tn_column){.type = type, .lane = lanes[i], .encoding = TN_FLAT, .rows = rows};
        column->values = i == 2   ? (const void *)e->texts
                         : i == 3 ? (const void *)e->real
                                  : (const void *)e->whole[i];
        column->validity = nulls == 0 ? NULL : e->validity[i];
        if (encoding == 1) {
            column->encoding = TN_CONSTANT;
        } else if (encoding == 2 && i < 2) {
            column->lane = TN_LANE_i8;
            column->values = e->narrow[i];
        } else if (encoding == 3) {
            e->dictionaries[i] = *column;
            e->dictionaries[i].rows = ENTRIES;
            e->dictionaries[i].validity = NULL;
            column->encoding = TN_DICTIONARY;
            column->code_lane = TN_LANE_u8;
            column->values = e->codes[i];
            column->children = &e->dictionaries[i];
            column->dictionary_id = tn_dictionary_next_id();
        } else if (encoding == 4 && i < 2) {
            e->sequences[i] = (tn_sequence){i == 0 ? v->a[from] : v->b[from], i == 0 ? 1 : 3};
            column->encoding = TN_SEQUENCE;
            column->values = &e->sequences[i];
            column->validity = NULL;
        }
    }
}

/* A row's result as text: its value, NULL, or that it fails. */
static void result_of(const tn_column *column, uint32_t row, tn_pool *pool, tn_text *out)
{
    tn_value value;
    tn_arena arena;
    tn_text_clear(out);
    for (const tn_faults *node = column->faults; node != NULL; node = node->next) {
        if (tn_bit_get(node->mask, row)) {
            tn_text_puts(out, "fault");
            return;
        }
    }
    uint32_t at = row;
    const tn_column *located = tn_column_locate(column, &at);
    tn_arena_init(&arena, pool);
    if (located == NULL) {
        tn_text_puts(out, "null");
    } else if (tn_value_of(located, at, &arena, &value, NULL) == TARN_OK) {
        tn_text_of(&value, out);
    }
    tn_arena_deinit(&arena);
}

static tarn_code compute(tn_evaluator *ev, const tn_batch *batch, tn_column *out)
{
    uint32_t next = 0;
    tarn_error err = TARN_ERROR_INIT;
    const tarn_code code = tn_evaluator_run(ev, batch, &next, out, &err);
    if (code != TARN_OK) {
        fprintf(stderr, "%s\n", err.message);
    }
    return code == TARN_OK && next != batch->selected ? TARN_E_INTERNAL : code;
}

typedef struct rig {
    tn_pool *pool;
    tn_evaluator *ev, *single;
    values v;
    encoded many, one;
    tn_text got, want;
    size_t wrong;
} rig;

static void compare(rig *r, const char *name, int encoding, int nulls, int selecting, uint32_t rows)
{
    uint16_t selection[ROWS];
    uint32_t selected = 0;
    tn_column out;
    tn_column alone;
    encode(&r->many, &r->v, encoding, nulls, 0, rows);
    for (uint32_t row = 0; row < rows; row++) {
        if (selecting == 2 || row % 5 == 1) {
            selection[selected++] = (uint16_t)row;
        }
    }
    const tn_batch batch = {.columns = r->many.columns,
                            .selection = selecting == 0 ? NULL : selection,
                            .width = WIDTH,
                            .rows = rows,
                            .selected = selecting == 0 ? rows : selected};
    if (compute(r->ev, &batch, &out) != TARN_OK) {
        fprintf(stderr, "%s failed\n", name);
        r->wrong++;
        return;
    }
    for (uint32_t i = 0; i < batch.selected && r->wrong < 20; i++) {
        const uint32_t row = tn_batch_row(&batch, i);
        encode(&r->one, &r->v, 0, nulls == 0 ? 0 : 1, row, 1);
        const tn_batch single = {
            .columns = r->one.columns, .width = WIDTH, .rows = 1, .selected = 1};
        if (compute(r->single, &single, &alone) != TARN_OK) {
            r->wrong++;
            return;
        }
        result_of(&out, row, r->pool, &r->got);
        result_of(&alone, 0, r->pool, &r->want);
        if (!tn_str_equal(tn_text_str(&r->got), tn_text_str(&r->want))) {
            fprintf(stderr,
                    "%s: encoding %d nulls %d selection %d rows %u row %u: '%s', not '%s'\n", name,
                    encoding, nulls, selecting, rows, row, r->got.data, r->want.data);
            r->wrong++;
        }
    }
}

TEST(every_encoding_selection_null_pattern_and_length_agrees_with_single_rows)
{
    static const uint32_t lengths[] = {0, 1, 63, 64, 65, 128, 193};
    static rig r;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
        exprs e;
        const tn_program *program = NULL;
        exprs_init(&e, pool);
        const tn_expr *expr = exprs_parse(&e, expressions[i], column_types);
        if (e.code != TARN_OK ||
            tn_program_compile(&e.context, &expr, 1, &layout, NULL, &program, &e.err) != TARN_OK) {
            fprintf(stderr, "%s: %s\n", expressions[i], e.err.message);
            wrong++;
            exprs_deinit(&e);
            continue;
        }
        memset(&r, 0, sizeof(r));
        r.pool = pool;
        tn_text_init(&r.got, pool, 4096);
        tn_text_init(&r.want, pool, 4096);
        CHECK_EQ(tn_evaluator_create(program, pool, &r.ev, NULL), TARN_OK);
        CHECK_EQ(tn_evaluator_create(program, pool, &r.single, NULL), TARN_OK);
        for (int encoding = 0; encoding < ENCODINGS; encoding++) {
            for (int nulls = 0; nulls < 3; nulls++) {
                fill(&r.v, encoding, nulls);
                compare(&r, expressions[i], encoding, nulls, 1, 193);
                if (TEST_SIZE(false, true)) {
                    compare(&r, expressions[i], encoding, nulls, (encoding + nulls) % 3, 65);
                    continue;
                }
                compare(&r, expressions[i], encoding, nulls, 0, 193);
                for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++) {
                    compare(&r, expressions[i], encoding, nulls, (int)(l % 3), lengths[l]);
                }
            }
        }
        wrong += r.wrong;
        tn_text_deinit(&r.got);
        tn_text_deinit(&r.want);
        tn_evaluator_destroy(r.ev);
        tn_evaluator_destroy(r.single);
        exprs_deinit(&e);
    }
    CHECK_EQ(wrong, 0);
}

TEST(compiling_and_running_survive_the_loss_of_any_allocation)
{
    static const char *const list[] = {"c || a", "c LIKE '%e%'", "regexp_matches(c, 'e')",
                                       "CASE WHEN b > 1 THEN a / b END", "[a, b][1]"};
    static values v;
    static encoded data;
    fill(&v, 0, 0);
    for (int encoding = 0; encoding < 4; encoding += 3) {
        for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
            for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
                exprs e;
                tn_evaluator *ev = NULL;
                const tn_program *program = NULL;
                tn_column out;
                uint32_t next = 0;
                exprs_init(&e, pool);
                const tn_expr *expr = exprs_parse(&e, list[i], column_types);
                tarn_code code = e.code;
                encode(&data, &v, encoding, 0, 0, ROWS);
                const tn_batch batch = {
                    .columns = data.columns, .width = WIDTH, .rows = ROWS, .selected = ROWS};
                if (code == TARN_OK) {
                    code = tn_program_compile(&e.context, &expr, 1, &layout, NULL, &program, NULL);
                }
                if (code == TARN_OK) {
                    code = tn_evaluator_create(program, pool, &ev, NULL);
                }
                if (code == TARN_OK) {
                    code = tn_evaluator_run(ev, &batch, &next, &out, NULL);
                }
                CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
                tn_evaluator_destroy(ev);
                exprs_deinit(&e);
            }
        }
    }
}
