/*
 * Every row kernel, form and cast, as expressions over batches: each argument flat, flat in a
 * narrower lane, constant, as a dictionary, as a sequence; selections of none, some and all rows;
 * nulls none, some, all; lengths 0 to 193.  What a row must be is the expression evaluated alone on
 * that row's values, as literals: no batch, no encoding, no selection.  A declared kernel, form or
 * operator that no expression ran fails the test.
 */
#include "expr/expr_internal.h"
#include "expr/program_internal.h"
#include "support/exprs.h"

#include <stdio.h>

enum {
    LENGTH = 193,
    ROOM = 256,
    ARITY = 3,
    POOL = 12,           /* values of a type */
    NULL_INDEX = POOL,   /* stands for a null */
    SEQUENCE_INDEX = 13, /* + row */
    EXPECTED_SLOTS = 1 << 14,
    KERNELS = 1024,
    LARGE = 320 /* entries of a dictionary that does not pay to compute */
};

typedef enum shape_kind {
    FLAT,
    NARROW,
    CONSTANT,
    DICTIONARY,
    DICTIONARY_LARGE,
    SEQUENCE,
    SHAPES
} shape_kind;
typedef enum nulls_kind { NULLS_NONE, NULLS_SOME, NULLS_ALL, NULLS } nulls_kind;
typedef enum chosen_kind { ALL_UNSAID, NO_ROWS, SOME_ROWS, ALL_SAID, CHOICES } chosen_kind;

typedef struct argument {
    const tn_type *type;
    tn_value values[POOL];
    uint32_t count;
    /* of the batch at hand */
    uint16_t index[ROOM];
    tn_column column, dictionary;
    _Alignas(64) char memory[ROOM * 32], entries[LARGE * 32];
    uint16_t codes[ROOM];
    uint64_t validity[ROOM / 64], entry_validity[LARGE / 64];
    tn_sequence sequence;
} argument;

typedef struct expected {
    uint64_t key; /* 0: free */
    tarn_code code;
    tn_value value;
} expected;

typedef struct matrix {
    tn_pool *pool;
    exprs e;
    uint32_t arity;
    argument arguments[ARITY];
    const tn_expr *expr;
    expected *slots;
    uint32_t used;
    bool lengths[LENGTH + 1];
    size_t batches, rows, wrong;
    char label[160];
} matrix;

static struct {
    const tn_kernel *kernels[KERNELS];
    size_t count;
    bool forms[TN_FORM_FIELD + 1][16], opcodes[TN_OPCODE_IN + 1];
} ran;
static size_t cases_run, batches_run, rows_checked;

/* ---- what is run ---- */

static bool note_expr(void *context, const tn_expr *expr)
{
    exprs *e = context;
    const tn_bound_call *bound = NULL;
    static const uint8_t opcodes[] = {
        [TN_EXPR_COLUMN] = TN_OPCODE_COLUMN, [TN_EXPR_LITERAL] = TN_OPCODE_CONSTANT,
        [TN_EXPR_CALL] = TN_OPCODE_CALL,     [TN_EXPR_CAST] = TN_OPCODE_CAST,
        [TN_EXPR_AND] = TN_OPCODE_AND,       [TN_EXPR_OR] = TN_OPCODE_OR,
        [TN_EXPR_CASE] = TN_OPCODE_CASE,     [TN_EXPR_IN] = TN_OPCODE_IN};
    ran.opcodes[opcodes[expr->kind]] = true;
    if (expr->kind == TN_EXPR_CALL) {
        bound = expr->function_data;
    } else if (expr->kind == TN_EXPR_CAST) {
        tn_bound_call *cast = NULL;
        (void)!tn_cast__find(&e->context, expr->children[0]->type, expr->type, &cast, NULL);
        bound = cast;
    }
    if (bound != NULL) {
        ran.forms[bound->form][bound->op] = true;
        bool known = bound->kernel == NULL || ran.count == KERNELS;
        for (size_t i = 0; i < ran.count && !known; i++) {
            known = ran.kernels[i] == bound->kernel;
        }
        if (!known) {
            ran.kernels[ran.count++] = bound->kernel;
        }
    }
    return true;
}

/* ---- what must come out ---- */

typedef struct substitution {
    matrix *m;
    const uint32_t *index;
} substitution;

static tn_value value_at(const argument *a, uint32_t index)
{
    if (index == NULL_INDEX) {
        return tn_value_null(a->type);
    }
    if (index < NULL_INDEX) {
        return a->values[index];
    }
    tn_value value = {.type = a->type};
    const int64_t number = a->sequence.first + a->sequence.step * (int64_t)(index - SEQUENCE_INDEX);
    if (a->type->lane == TN_LANE_i128) {
        value.i128 = number;
    } else {
        value.i64 = number;
    }
    return value;
}

static tarn_code substitute(void *context, const tn_expr *expr, const tn_expr **out,
                            tarn_error *err)
{
    const substitution *s = context;
    *out = expr;
    if (expr->kind != TN_EXPR_COLUMN) {
        return TARN_OK;
    }
    const tn_value value = value_at(&s->m->arguments[expr->column], s->index[expr->column]);
    return tn_expr_literal(&s->m->e.context, &value, expr->span, out, err);
}

static const expected *expect(matrix *m, const uint32_t *index)
{
    uint64_t key = 1;
    for (uint32_t k = 0; k < m->arity; k++) {
        key = key << 10 | index[k];
    }
    size_t slot = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 50) % EXPECTED_SLOTS;
    for (; m->slots[slot].key != 0; slot = (slot + 1) % EXPECTED_SLOTS) {
        if (m->slots[slot].key == key) {
            return &m->slots[slot];
        }
    }
    if (++m->used > EXPECTED_SLOTS * 3 / 4) {
        test_fail(__FILE__, __LINE__, "%s: too many different rows", m->label);
        return NULL;
    }
    expected *entry = &m->slots[slot];
    substitution s = {m, index};
    const tn_expr *alone = NULL;
    entry->key = key;
    entry->code = tn_expr_rewrite(m->expr, &m->e.arena, substitute, &s, &alone, &m->e.err);
    if (entry->code == TARN_OK) {
        entry->code = tn_expr_evaluate(&m->e.context, alone, m->pool, &entry->value, &m->e.err);
    }
    return entry;
}

/* ---- columns ---- */

static void put(const tn_value *value, tn_lane lane, void *values, uint32_t row)
{
    const tn_i128 whole = value->type->lane == TN_LANE_i128 ? value->i128 : (tn_i128)value->i64;
    switch (lane) {
#define PUT(name, ctype)                                                             \
    case TN_LANE_##name:                                                             \
        ((ctype *)values)[row] = (ctype)0.5 != 0 ? (ctype)value->f64 : (ctype)whole; \
        break;
        TN_LANES(PUT)
    case TN_LANE_i128:
        ((tn_i128 *)values)[row] = whole;
        break;
    case TN_LANE_i256:
        ((tn_i256 *)values)[row] = value->i256;
        break;
    case TN_LANE_interval:
        ((tn_interval *)values)[row] = value->interval;
        break;
    case TN_LANE_view:
        ((tn_view *)values)[row] = tn_view_of(value->str.data, value->str.size);
        break;
    case TN_LANE_bool:
        tn_bit_put(values, row, value->boolean);
        break;
    case TN_LANE_list:
        ((tn_list *)values)[row] = *(const tn_list *)value->nested->values;
        break;
    default:
        break;
    }
}

static bool is_whole(const tn_type *type)
{
    return (type->lane <= TN_LANE_u64 && type->lane != TN_LANE_f32 && type->lane != TN_LANE_f64) ||
           type->lane == TN_LANE_i128;
}

static bool holds(tn_lane lane, const tn_value *value)
{
    const tn_i128 whole = value->type->lane == TN_LANE_i128 ? value->i128 : (tn_i128)value->i64;
    return lane == TN_LANE_i8    ? whole >= INT8_MIN && whole <= INT8_MAX
           : lane == TN_LANE_u8  ? whole >= 0 && whole <= UINT8_MAX
           : lane == TN_LANE_i16 ? whole >= INT16_MIN && whole <= INT16_MAX
                                 : whole >= INT64_MIN && whole <= INT64_MAX;
}

/* A narrower lane that the type may come in, and one of its values fits; the declared one: none. */
static tn_lane narrow_lane(const argument *a)
{
    static const tn_lane lanes[] = {TN_LANE_i8, TN_LANE_u8, TN_LANE_i16, TN_LANE_i64};
    for (size_t i = 0; i < 4 && is_whole(a->type); i++) {
        if (lanes[i] != a->type->lane && tn_lane_fits(a->type, lanes[i])) {
            for (uint32_t k = 0; k < a->count; k++) {
                if (holds(lanes[i], &a->values[k])) {
                    return lanes[i];
                }
            }
        }
    }
    return a->type->lane;
}

static bool shape_exists(const argument *a, shape_kind shape)
{
    if (tn_type_is_nested(a->type)) {
        return shape == CONSTANT || (shape == FLAT && a->type->lane == TN_LANE_list);
    }
    return shape == NARROW     ? narrow_lane(a) != a->type->lane
           : shape == SEQUENCE ? is_whole(a->type) && a->type->lane != TN_LANE_i128
           : shape == DICTIONARY || shape == DICTIONARY_LARGE ? a->type->kind != TN_KIND_NULL
                                                              : true;
}

static bool is_null_row(nulls_kind nulls, uint32_t which, uint32_t row)
{
    return nulls == NULLS_ALL || (nulls == NULLS_SOME && (row * 5 + which) % (3 + which) == 1);
}

/* Of `entries` entries, values over and over, the last a null: half of the nulls are that entry,
 * the others the rows'. */
static void make_dictionary(argument *a, uint32_t entries)
{
    const uint32_t rows = a->column.rows;
    bool nulls = false;
    memset(a->entries, 0, sizeof(a->entries));
    memset(a->entry_validity, 0xff, sizeof(a->entry_validity));
    tn_bit_clear(a->entry_validity, entries - 1);
    for (uint32_t k = 0; k + 1 < entries; k++) {
        put(&a->values[k % a->count], a->type->lane, a->entries, k);
    }
    for (uint32_t row = 0; row < rows; row++) {
        const bool null = a->index[row] == NULL_INDEX;
        const bool by_entry = null && row % 2 == 0;
        const uint32_t turn = entries / a->count > 1 ? row % (entries / a->count - 1) : 0;
        a->codes[row] = (uint16_t)(by_entry ? entries - 1
                                   : null   ? 0
                                            : a->index[row] + turn * a->count);
        tn_bit_put(a->validity, row, !null || by_entry);
        nulls |= null;
    }
    a->dictionary = a->column;
    a->dictionary.rows = entries;
    a->dictionary.values = a->entries;
    a->dictionary.validity = a->entry_validity;
    a->column.encoding = TN_DICTIONARY;
    a->column.code_lane = TN_LANE_u16;
    a->column.values = a->codes;
    a->column.validity = nulls ? a->validity : NULL;
    a->column.children = &a->dictionary;
    a->column.dictionary_id = tn_dictionary_next_id();
}

/* The rows of argument `which`; its index says which value each is. */
static void make_column(matrix *m, uint32_t which, shape_kind shape, nulls_kind nulls,
                        uint32_t rows)
{
    argument *a = &m->arguments[which];
    const bool nested = tn_type_is_nested(a->type);
    const tn_lane lane = shape == NARROW ? narrow_lane(a) : a->type->lane;
    a->column =
        (tn_column){.type = a->type, .lane = (uint8_t)lane, .encoding = TN_FLAT, .rows = rows};
    memset(a->validity, 0, sizeof(a->validity));
    memset(a->memory, 0, sizeof(a->memory));
    a->column.values = a->memory;
    for (uint32_t row = 0; row < ROOM; row++) {
        uint32_t index = (row * (3 + which) + row / (4 + which)) % a->count;
        index = nested ? 0 : index;
        for (uint32_t tries = 0; shape == NARROW && !holds(lane, &a->values[index]); tries++) {
            index = (index + 1) % a->count;
        }
        index = shape == CONSTANT && !nested ? rows % 2 % a->count : index;
        const bool null = is_null_row(nulls, which, shape == CONSTANT ? rows : row);
        a->index[row] = (uint16_t)(null ? NULL_INDEX : index);
        tn_bit_put(a->validity, row, !null);
    }
    switch (shape) {
    case FLAT:
    case NARROW:
        for (uint32_t row = 0; row < rows; row++) {
            if (a->index[row] != NULL_INDEX) {
                put(&a->values[a->index[row]], lane, a->memory, row);
            }
        }
        a->column.children = nested ? a->values[0].nested->children : NULL;
        a->column.validity = nulls == NULLS_NONE ? NULL : a->validity;
        break;
    case CONSTANT: {
        const tn_value value = value_at(a, a->index[0]);
        (void)!tn_value_column(&value, rows, &m->e.arena, &a->column, NULL);
        break;
    }
    case DICTIONARY:
    case DICTIONARY_LARGE:
        make_dictionary(a, shape == DICTIONARY ? a->count + 1 : LARGE);
        break;
    case SEQUENCE:
        a->column.encoding = TN_SEQUENCE;
        a->column.values = &a->sequence;
        for (uint32_t row = 0; row < rows; row++) {
            a->index[row] = (uint16_t)(SEQUENCE_INDEX + row);
        }
        break;
    case SHAPES:
        break;
    }
}

/* ---- one batch ---- */

static uint32_t choose(chosen_kind chosen, uint32_t rows, uint16_t *selection)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < rows && chosen != NO_ROWS; row++) {
        if (chosen != SOME_ROWS || row * row % 7 < 3) {
            selection[count++] = (uint16_t)row;
        }
    }
    return count;
}

static bool has_fault(const tn_column *column, uint32_t row)
{
    for (const tn_faults *faults = column->faults; faults != NULL; faults = faults->next) {
        if (tn_bit_get(faults->mask, row)) {
            return true;
        }
    }
    return false;
}

static void complain(matrix *m, const char *what, const tn_batch *batch, uint32_t row)
{
    if (m->wrong++ < 2) {
        fprintf(stderr, "%s: %s in row %u of %u, %u selected, arguments", m->label, what, row,
                batch->rows, batch->selected);
        for (uint32_t k = 0; k < m->arity; k++) {
            const tn_value value = value_at(&m->arguments[k], m->arguments[k].index[row]);
            const tn_expr *literal = NULL;
            (void)!tn_expr_literal(&m->e.context, &value, (tn_span){0, 0}, &literal, NULL);
            fprintf(stderr, " %u:%s", m->arguments[k].column.encoding,
                    literal == NULL ? "?" : exprs_print(&m->e, literal));
        }
        fprintf(stderr, "\n");
    }
}

static void check_row(matrix *m, const tn_batch *batch, const tn_column *out, uint32_t row,
                      tn_arena *arena)
{
    uint32_t index[ARITY];
    for (uint32_t k = 0; k < m->arity; k++) {
        index[k] = m->arguments[k].index[row];
    }
    const expected *want = expect(m, index);
    tn_value got = tn_value_null(m->expr->type);
    if (want == NULL) {
        m->wrong++;
        return;
    }
    m->rows++;
    if (has_fault(out, row) != (want->code != TARN_OK)) {
        complain(m, want->code != TARN_OK ? "no fault" : "a fault", batch, row);
        return;
    }
    if (want->code != TARN_OK) {
        return;
    }
    if (tn_value_of(out, row, arena, &got, NULL) != TARN_OK) {
        complain(m, "no value", batch, row);
        return;
    }
    got.type = want->value.type;
    if (got.is_null != want->value.is_null ||
        (!got.is_null && tn_value_compare(&got, &want->value) != 0)) {
        const tn_expr *left = NULL;
        const tn_expr *right = NULL;
        (void)!tn_expr_literal(&m->e.context, &got, (tn_span){0, 0}, &left, NULL);
        (void)!tn_expr_literal(&m->e.context, &want->value, (tn_span){0, 0}, &right, NULL);
        complain(m, "another value", batch, row);
        if (m->wrong <= 2 && left != NULL && right != NULL) {
            fprintf(stderr, "    %s", exprs_print(&m->e, left));
            fprintf(stderr, " for %s\n", exprs_print(&m->e, right));
        }
    }
}

static void run_batch(matrix *m, tn_evaluator *ev, chosen_kind chosen, uint32_t rows)
{
    tn_column columns[ARITY];
    uint16_t selection[ROOM];
    const uint32_t selected = choose(chosen, rows, selection);
    for (uint32_t k = 0; k < m->arity; k++) {
        columns[k] = m->arguments[k].column;
    }
    const tn_batch batch = {.columns = columns,
                            .width = m->arity,
                            .rows = rows,
                            .selection = chosen == ALL_UNSAID ? NULL : selection,
                            .selected = selected};
    uint32_t next = 0;
    m->lengths[rows] = true;
    m->batches++;
    do {
        tn_column out;
        tn_arena arena;
        const uint32_t from = next;
        const tarn_code code = tn_evaluator_run(ev, &batch, &next, &out, &m->e.err);
        if (code != TARN_OK || (next == from && from < selected)) {
            complain(m, code != TARN_OK ? m->e.err.message : "no step forward", &batch, 0);
            return;
        }
        tn_arena_init(&arena, m->pool);
        for (uint32_t i = from; i < next && i < selected; i++) {
            check_row(m, &batch, &out, tn_batch_row(&batch, i), &arena);
        }
        tn_arena_deinit(&arena);
    } while (next < selected);
}

/* ---- one expression ---- */

static void run_shapes(matrix *m, tn_evaluator *ev, const shape_kind *shapes, uint32_t turn)
{
    static const uint32_t edges[] = {0, 1, 63, 64, 65, LENGTH};
    for (nulls_kind nulls = NULLS_NONE; nulls < NULLS; nulls++) {
        for (chosen_kind chosen = ALL_UNSAID; chosen < CHOICES; chosen++) {
            const uint32_t combination = (turn * NULLS + nulls) * CHOICES + chosen;
            const bool plain = nulls == NULLS_NONE && chosen == ALL_UNSAID;
            const uint32_t turns = (m->arity == 1 ? 5U : 2U) + (plain ? 6U : 0U);
            for (uint32_t k = 0; k < turns; k++) {
                const uint32_t rows =
                    k < turns - (plain ? 6 : 0)
                        ? (combination * (m->arity == 1 ? 5 : 2) + k) * 61 % (LENGTH + 1)
                        : edges[k - (turns - 6)];
                for (uint32_t i = 0; i < m->arity; i++) {
                    make_column(m, i, shapes[i], nulls, rows);
                }
                run_batch(m, ev, chosen, rows);
            }
        }
    }
}

static const tn_layout layout = {ARITY, (const tn_column_id[]){0, 1, 2}};

/* All shapes of all arguments.  Answers whether everything was right. */
static bool run_matrix(matrix *m)
{
    const tn_program *program = NULL;
    tn_evaluator *ev = NULL;
    uint32_t turn = 0;
    uint32_t total = 1;
    m->e.code = tn_expr_walk(m->expr, m->pool, note_expr, &m->e, &m->e.err);
    if (m->e.code == TARN_OK) {
        m->e.code =
            tn_program_compile(&m->e.context, &m->expr, 1, &layout, NULL, &program, &m->e.err);
    }
    if (m->e.code == TARN_OK) {
        m->e.code = tn_evaluator_create(program, m->pool, &ev, &m->e.err);
    }
    if (m->e.code != TARN_OK) {
        fprintf(stderr, "%s: %s\n", m->label, m->e.err.message);
        return false;
    }
    for (uint32_t k = 0; k < m->arity; k++) {
        total *= SHAPES;
    }
    for (uint32_t number = 0; number < total; number++) {
        shape_kind shapes[ARITY];
        bool exists = true;
        for (uint32_t k = 0, rest = number; k < m->arity; k++, rest /= SHAPES) {
            shapes[k] = (shape_kind)(rest % SHAPES);
            exists &= shape_exists(&m->arguments[k], shapes[k]);
        }
        if (exists) {
            run_shapes(m, ev, shapes, turn++);
        }
    }
    for (uint32_t rows = 0; rows <= LENGTH; rows++) { /* few shapes: the lengths left over */
        for (uint32_t k = 0; k < m->arity && !m->lengths[rows]; k++) {
            make_column(m, k, shape_exists(&m->arguments[k], FLAT) ? FLAT : CONSTANT, NULLS_SOME,
                        rows);
        }
        if (!m->lengths[rows]) {
            run_batch(m, ev, ALL_UNSAID, rows);
        }
    }
    tn_evaluator_destroy(ev);
    cases_run++;
    batches_run += m->batches;
    rows_checked += m->rows;
    return m->wrong == 0;
}

/* ---- values ---- */

static void add_value(matrix *m, argument *a, const char *text)
{
    tn_value value;
    m->e.code = TARN_OK;
    const tn_expr *literal = exprs_typed(&m->e, text, a->type->name.data);
    if (m->e.code == TARN_OK && a->count < POOL) {
        m->e.code = tn_expr_evaluate(&m->e.context, literal, m->pool, &value, &m->e.err);
        if (m->e.code == TARN_OK) {
            a->values[a->count++] = value;
        }
    }
    m->e.code = TARN_OK;
}

/* A few values of the type; with `extremes` those at its bounds. */
static void add_values(matrix *m, argument *a, bool extremes)
{
    static const char *const texts[] = {"abc", "", "a long enough text for sixteen bytes",
                                        "\xc5\xbelu\xc5\xa5", "12"};
    static const char *const wholes[] = {"0", "1", "-1", "2", "7", "100"};
    static const char *const reals[] = {"0.5", "1", "-1.5", "2", "NaN"};
    static const char *const bounds[] = {
        "127", "-128", "32767", "2147483647", "-9223372036854775808", "18446744073709551615"};
    static const char *const days[] = {"2001-02-03", "1969-12-31", "2024-02-29", "1970-01-01"};
    static const char *const clocks[] = {"00:00:00", "12:34:56.789", "23:59:59.999999"};
    static const char *const moments[] = {"2001-02-03 04:05:06", "1969-12-31 23:59:59.5",
                                          "2024-02-29 00:00:00", "1970-01-01 00:00:00"};
    static const char *const spans[] = {"1 day", "1 month 2 days", "-3 hours", "0 days"};
#define ADD(list)                                                 \
    for (size_t i = 0; i < sizeof(list) / sizeof(*(list)); i++) { \
        add_value(m, a, (list)[i]);                               \
    }
    switch (a->type->kind) {
    case TN_KIND_BOOLEAN:
        add_value(m, a, "true");
        add_value(m, a, "false");
        break;
    case TN_KIND_VARCHAR:
    case TN_KIND_BLOB:
        ADD(texts)
        if (extremes) {
            ADD(days)
            add_value(m, a, "1.5");
            add_value(m, a, "12:34:56");
        }
        break;
    case TN_KIND_DATE:
        ADD(days)
        break;
    case TN_KIND_TIME:
        ADD(clocks)
        break;
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMP_NS:
    case TN_KIND_TIMESTAMPTZ:
        ADD(moments)
        break;
    case TN_KIND_INTERVAL:
        ADD(spans)
        break;
    case TN_KIND_REAL:
    case TN_KIND_DOUBLE:
        ADD(reals)
        if (extremes) {
            add_value(m, a, "1e30");
            add_value(m, a, "-Infinity");
        }
        break;
    default:
        ADD(wholes)
        if (a->type->kind == TN_KIND_DECIMAL) {
            add_value(m, a, "1.5");
            add_value(m, a, "-2.25");
        }
        if (extremes) {
            ADD(bounds)
        }
        break;
    }
    const bool is_signed = a->type->kind != TN_KIND_UTINYINT;
    a->sequence = (tn_sequence){is_signed ? -100 : 0, 1};
    if (a->type->lane >= TN_LANE_u8 && a->type->lane <= TN_LANE_u64) {
        a->sequence.first = 0;
    }
}

static matrix *matrix_create(tn_pool *pool)
{
    matrix *m = NULL;
    if (tn_pool_alloc_zeroed(pool, sizeof(*m), (void **)&m, NULL) != TARN_OK ||
        tn_pool_alloc_zeroed(pool, EXPECTED_SLOTS * sizeof(expected), (void **)&m->slots, NULL) !=
            TARN_OK) {
        return NULL;
    }
    m->pool = pool;
    exprs_init(&m->e, pool);
    return m;
}

static void matrix_destroy(matrix *m)
{
    exprs_deinit(&m->e);
    tn_pool_free(m->pool, m->slots, EXPECTED_SLOTS * sizeof(expected));
    tn_pool_free(m->pool, m, sizeof(*m));
}

/* ---- cases: an operator over columns of named types ---- */

static bool run_call(tn_pool *pool, const char *name, const char *const *types, uint32_t count)
{
    matrix *m = matrix_create(pool);
    const tn_expr *children[ARITY];
    bool good = true;
    m->arity = count;
    snprintf(m->label, sizeof(m->label), "%s(%s%s%s)", name, types[0], count > 1 ? ", " : "",
             count > 1 ? types[1] : "");
    for (uint32_t k = 0; k < count; k++) {
        m->arguments[k].type = exprs_type(&m->e, types[k]);
        add_values(m, &m->arguments[k], true);
        children[k] = exprs_column(&m->e, k, types[k]);
    }
    m->expr = exprs_call_(&m->e, name, children, count);
    if (m->e.code == TARN_OK) {
        good = run_matrix(m);
    } /* else: the operator is not for these types */
    matrix_destroy(m);
    return good;
}

static const char *const scalar_types[] = {
    "BOOLEAN",   "TINYINT",      "SMALLINT",      "INTEGER",       "BIGINT",       "UTINYINT",
    "USMALLINT", "UINTEGER",     "UBIGINT",       "REAL",          "DOUBLE",       "VARCHAR",
    "BLOB",      "DATE",         "TIME",          "TIMESTAMP",     "TIMESTAMP_NS", "TIMESTAMPTZ",
    "INTERVAL",  "DECIMAL(5,2)", "DECIMAL(18,4)", "DECIMAL(38,5)", "DECIMAL(50,3)"};
enum { SCALAR_TYPES = sizeof(scalar_types) / sizeof(*scalar_types) };

static size_t run_operators(tn_pool *pool)
{
    static const char *const operators[] = {"+",
                                            "-",
                                            "*",
                                            "/",
                                            "%",
                                            "=",
                                            "<>",
                                            "<",
                                            "<=",
                                            ">",
                                            ">=",
                                            "is_distinct_from",
                                            "is_not_distinct_from",
                                            "coalesce"};
    static const char *const single[] = {"not",         "is_null",  "is_not_null", "is_true",
                                         "is_not_true", "is_false", "is_not_false"};
    size_t wrong = 0;
    for (size_t type = 0; type < SCALAR_TYPES; type++) {
        const char *const both[] = {scalar_types[type], scalar_types[type]};
        for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
            wrong += !run_call(pool, operators[i], both, 2);
        }
        for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++) {
            wrong += !run_call(pool, single[i], both, 1);
        }
        const char *const digits[] = {scalar_types[type], "BIGINT"};
        wrong += !run_call(pool, "round", digits, 2);
    }
    return wrong;
}

static size_t run_casts(tn_pool *pool)
{
    size_t wrong = 0;
    for (size_t from = 0; from < SCALAR_TYPES; from++) {
        for (size_t to = 0; to < SCALAR_TYPES; to++) {
            for (int is_try = 0; is_try < 2; is_try++) {
                matrix *m = matrix_create(pool);
                m->arity = 1;
                snprintf(m->label, sizeof(m->label), "%s(%s AS %s)", is_try ? "try_cast" : "cast",
                         scalar_types[from], scalar_types[to]);
                m->arguments[0].type = exprs_type(&m->e, scalar_types[from]);
                add_values(m, &m->arguments[0], true);
                m->expr = exprs_cast(&m->e, exprs_column(&m->e, 0, scalar_types[from]),
                                     scalar_types[to], is_try != 0);
                if (m->e.code == TARN_OK) {
                    wrong += !run_matrix(m);
                }
                matrix_destroy(m);
            }
        }
    }
    return wrong;
}

/* Expressions that are no calls. */
static size_t run_logic(tn_pool *pool)
{
    static const struct {
        const char *text;
        const char *types[3];
    } list[] = {
        {"a AND b", {"BOOLEAN", "BOOLEAN", NULL}},
        {"a AND b AND c", {"BOOLEAN", "BOOLEAN", "BOOLEAN"}},
        {"a OR b", {"BOOLEAN", "BOOLEAN", NULL}},
        {"a OR b OR c", {"BOOLEAN", "BOOLEAN", "BOOLEAN"}},
        {"a AND 10 / b > 1", {"BOOLEAN", "INTEGER", NULL}},
        {"a OR 10 / b > 1", {"BOOLEAN", "INTEGER", NULL}},
        {"CASE WHEN a THEN b ELSE c END", {"BOOLEAN", "INTEGER", "INTEGER"}},
        {"CASE WHEN a THEN b ELSE c END", {"BOOLEAN", "VARCHAR", "VARCHAR"}},
        {"CASE WHEN b <> 0 THEN a / b END", {"BIGINT", "BIGINT", NULL}},
        {"CASE WHEN a > b THEN 1 WHEN a = b THEN 2 END", {"DOUBLE", "DOUBLE", NULL}},
        {"a IN (1, 7, 9)", {"INTEGER", NULL, NULL}},
        {"a IN (1, 7, NULL)", {"BIGINT", NULL, NULL}},
        {"a NOT IN (1, 7, 8, 9, 10, 11, 12, 13, 14)", {"SMALLINT", NULL, NULL}},
        {"a IN ('abc', 'x', '')", {"VARCHAR", NULL, NULL}},
        {"a IN (0.5, 2.0)", {"DOUBLE", NULL, NULL}},
        {"coalesce(a, 1 / b, c)", {"INTEGER", "INTEGER", "INTEGER"}},
        {"nullif(a, b)", {"INTEGER", "INTEGER", NULL}},
        {"try(a / b)", {"INTEGER", "INTEGER", NULL}},
        {"CAST(list_value(a, b) AS VARCHAR)", {"INTEGER", "INTEGER", NULL}},
        {"CAST(CASE WHEN a > 0 THEN list_value(1, 2) END AS VARCHAR)", {"INTEGER", NULL, NULL}},
        {"CAST(CAST(CASE WHEN a > 0 THEN list_value(NULL, NULL) END AS INTEGER[]) AS VARCHAR)",
         {"INTEGER", NULL, NULL}},
        {"CAST(list_sort(list_value(a, b, NULL), 'DESC', 'NULLS FIRST') AS VARCHAR)",
         {"VARCHAR", "VARCHAR", NULL}},
        {"CAST(list_distinct(list_value(a, b, a)) AS VARCHAR)", {"DOUBLE", "DOUBLE", NULL}},
        {"list_max(list_value(a, b, c))", {"VARCHAR", "VARCHAR", "VARCHAR"}},
        {"list_sum(list_value(a, b))", {"INTEGER", "INTEGER", NULL}},
        {"list_sum(list_value(a, b))", {"DOUBLE", "DOUBLE", NULL}},
        {"array_to_string(list_value(a, b), c, a)", {"VARCHAR", "VARCHAR", "VARCHAR"}},
        {"date_trunc('month', a)", {"INTERVAL", NULL, NULL}},
        {"a + b * c", {"INTEGER", "INTEGER", "INTEGER"}},
        {"(a + b) / (a - b)", {"DECIMAL(18,4)", "DECIMAL(18,4)", NULL}},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        matrix *m = matrix_create(pool);
        for (; m->arity < 3 && list[i].types[m->arity] != NULL; m->arity++) {
            argument *a = &m->arguments[m->arity];
            a->type = exprs_type(&m->e, list[i].types[m->arity]);
            add_values(m, a, false);
        }
        snprintf(m->label, sizeof(m->label), "%s", list[i].text);
        m->expr = exprs_parse(&m->e, list[i].text, list[i].types);
        if (m->e.code != TARN_OK) {
            fprintf(stderr, "%s: %s\n", list[i].text, m->e.err.message);
            wrong++;
        } else {
            wrong += !run_matrix(m);
        }
        matrix_destroy(m);
    }
    return wrong;
}

/* ---- cases: every function ---- */

typedef struct found {
    const tn_function *function;
    const tn_expr *call;
} found;

static bool find_call(void *context, const tn_expr *expr)
{
    found *f = context;
    if (f->call == NULL && expr->kind == TN_EXPR_CALL &&
        (f->function == NULL || expr->function == f->function)) {
        f->call = expr;
    }
    return true;
}

static const char *type_of_letter(char letter)
{
    switch (letter) {
    case 'b':
        return "BOOLEAN";
    case 'i':
        return "INTEGER";
    case 'l':
        return "BIGINT";
    case 'd':
        return "DOUBLE";
    case 's':
    case 'S':
        return "VARCHAR";
    case 'x':
        return "BLOB";
    case 'D':
        return "DATE";
    case 't':
        return "TIME";
    case 'T':
        return "TIMESTAMP";
    case 'N':
        return "TIMESTAMP_NS";
    case 'Z':
        return "TIMESTAMPTZ";
    case 'v':
        return "INTERVAL";
    default:
        return NULL;
    }
}

/*
 * A function with these argument types (NULL: the example's), as many of them columns as it allows;
 * the others are the example's literals.  *bound: some form of it was run.
 */
static bool run_function(tn_pool *pool, const tn_function *function, const char *letters,
                         bool *bound)
{
    bool good = true;
    *bound = false;
    for (uint32_t literal_mask = 0; literal_mask < 16 && !*bound; literal_mask++) {
        matrix *m = matrix_create(pool);
        tn_value examples[8];
        uint32_t example_count = 0;
        found f = {function, NULL};
        const tn_expr *whole = exprs_parse(&m->e, function->example, NULL);
        if (m->e.code == TARN_OK) {
            m->e.code = tn_expr_walk(whole, pool, find_call, &f, &m->e.err);
        }
        for (; m->e.code == TARN_OK && f.call != NULL && example_count < f.call->child_count &&
               example_count < 8;
             example_count++) {
            const tn_expr *child = f.call->children[example_count];
            examples[example_count] = tn_value_null(child->type); /* stays so for try(1 / 0) */
            (void)!tn_expr_evaluate(&m->e.context, child, pool, &examples[example_count], NULL);
        }
        m->e.code = TARN_OK;
        uint32_t count = example_count;
        char spelled[9] = "";
        if (letters != NULL) {
            count = 0;
            for (const char *at = letters; *at != 0 && count < 8; at++) {
                spelled[count++] = *at == '*' ? at[-1] : *at;
            }
        }
        const tn_expr *children[9];
        for (uint32_t k = 0; k < count && m->e.code == TARN_OK; k++) {
            const char *name = letters == NULL ? NULL : type_of_letter(spelled[k]);
            const tn_type *type = name != NULL        ? exprs_type(&m->e, name)
                                  : k < example_count ? examples[k].type
                                                      : TN_INTEGER;
            const bool has_example = k < example_count && examples[k].type == type;
            argument scratch;
            argument *a = m->arity < ARITY && (literal_mask >> k & 1) == 0 ? &m->arguments[m->arity]
                                                                           : &scratch;
            memset(a, 0, sizeof(*a));
            a->type = type;
            if (has_example && !examples[k].is_null) {
                a->values[a->count++] = examples[k];
            }
            if (!tn_type_is_nested(type)) {
                add_values(m, a, false);
            }
            if (a->count == 0) {
                m->e.code = TARN_E_INVALID;
            } else if (a == &scratch || type->kind == TN_KIND_NULL) {
                m->e.code = tn_expr_literal(&m->e.context, &a->values[0], (tn_span){0, 0},
                                            &children[k], &m->e.err);
            } else {
                const char letter = (char)('a' + m->arity);
                m->e.code = tn_expr_column(&m->e.context, m->arity++, (tn_str){&letter, 1}, type,
                                           (tn_span){0, 0}, &children[k], &m->e.err);
            }
        }
        if (m->e.code == TARN_OK) {
            m->expr = exprs_call_(&m->e, function->name, children, count);
        }
        if (m->e.code == TARN_OK) {
            snprintf(m->label, sizeof(m->label), "%s(%s) with literals %x", function->name,
                     letters == NULL ? "as in its example" : letters, literal_mask);
            good = run_matrix(m);
            *bound = true;
        }
        matrix_destroy(m);
    }
    return good;
}

static size_t run_functions(tn_pool *pool)
{
    size_t count = 0;
    size_t wrong = 0;
    const tn_function *const *functions = tn_functions(&count);
    for (size_t i = 0; i < count; i++) {
        const tn_function *function = functions[i];
        bool bound = false;
        if (function->aggregate != NULL || function->volatility == TN_VOLATILE ||
            function->example == NULL) {
            continue;
        }
        const tn_overload *overload = function->binding->overloads;
        for (; overload != NULL && overload->parameters != NULL; overload++) {
            wrong += !run_function(pool, function, overload->parameters, &bound);
            if (!bound) {
                fprintf(stderr, "%s(%s) is never run\n", function->name, overload->parameters);
                wrong++;
            }
        }
        wrong += !run_function(pool, function, NULL, &bound);
    }
    return wrong;
}

/* What has no reference of its own: a value in each selected row is all that can be asked. */
static size_t run_volatile(tn_pool *pool)
{
    exprs e;
    const tn_program *program = NULL;
    tn_evaluator *ev = NULL;
    size_t wrong = 0;
    exprs_init(&e, pool);
    const tn_expr *expr = exprs_call_(&e, "random", NULL, 0);
    e.code = tn_expr_walk(expr, pool, note_expr, &e, &e.err);
    if (e.code == TARN_OK) {
        e.code = tn_program_compile(&e.context, &expr, 1, &layout, NULL, &program, &e.err);
    }
    if (e.code == TARN_OK) {
        e.code = tn_evaluator_create(program, pool, &ev, &e.err);
    }
    wrong += e.code != TARN_OK;
    for (uint32_t rows = 0; rows <= LENGTH && e.code == TARN_OK; rows++) {
        const tn_batch batch = {.rows = rows, .selected = rows};
        tn_column out;
        uint32_t next = 0;
        wrong += tn_evaluator_run(ev, &batch, &next, &out, &e.err) != TARN_OK || next != rows;
        for (uint32_t row = 0; row < rows && wrong == 0; row++) {
            const double value = ((const double *)out.values)[row];
            wrong += !(value >= 0 && value < 1);
        }
    }
    tn_evaluator_destroy(ev);
    exprs_deinit(&e);
    return wrong;
}

/* ---- what exists and was not run ---- */

static size_t not_run(void)
{
    static const struct {
        tn_form form;
        uint8_t ops;
    } forms[] = {{TN_FORM_ROWS, 1},
                 {TN_FORM_ARITHMETIC, TN_ARITHMETIC_COUNT},
                 {TN_FORM_COMPARE, TN_COMPARE_NOT_DISTINCT + 1},
                 {TN_FORM_NOT, 1},
                 {TN_FORM_IS_NULL, 1},
                 {TN_FORM_IS_NOT_NULL, 1},
                 {TN_FORM_TRUTH, TN_IS_NOT_FALSE + 1},
                 {TN_FORM_COALESCE, 1},
                 {TN_FORM_TRY, 1},
                 {TN_FORM_CONVERT, 1},
                 {TN_FORM_FIELD, 1}};
    _Static_assert(sizeof(forms) / sizeof(*forms) == TN_FORM_FIELD + 1, "each form once");
    size_t missing = 0;
    const char *owner = NULL;
    const tn_kernel *kernel = NULL;
    for (size_t i = 0; (kernel = tn_kernel__at(i, &owner)) != NULL; i++) {
        bool was_run = false;
        for (size_t k = 0; k < ran.count && !was_run; k++) {
            was_run = ran.kernels[k] == kernel;
        }
        if (!was_run) {
            fprintf(stderr, "kernel %zu, of %s, was not run\n", i, owner);
            missing++;
        }
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        for (uint8_t op = 0; op < forms[i].ops; op++) {
            if (!ran.forms[forms[i].form][op]) {
                fprintf(stderr, "form %zu with operator %u was not run\n", i, op);
                missing++;
            }
        }
    }
    for (size_t i = 0; i <= TN_OPCODE_IN; i++) {
        if (!ran.opcodes[i]) {
            fprintf(stderr, "instruction %zu was not run\n", i);
            missing++;
        }
    }
    return missing;
}

TEST(every_kernel_gives_the_same_in_any_encoding_selection_and_length)
{
    memset(&ran, 0, sizeof(ran));
    CHECK_EQ(run_logic(pool), 0);
    CHECK_EQ(run_functions(pool), 0);
    CHECK_EQ(run_operators(pool), 0);
    CHECK_EQ(run_casts(pool), 0);
    CHECK_EQ(run_volatile(pool), 0);
    CHECK_EQ(not_run(), 0);
    printf("     %zu expressions, %zu batches, %zu rows\n", cases_run, batches_run, rows_checked);
}
