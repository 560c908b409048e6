/* Runs programs on batches: registers, operands, constants and dictionaries around the kernels. */
#include "base/hash.h"
#include "base/size.h"
#include "column/chunk.h"
#include "expr/program_internal.h"

#include <assert.h>

enum { HEAP_LEAST = 64 << 10 }; /* of one kernel's texts in one run, however little memory */

/* ---- making and destroying ---- */

static void close_register(tn_evaluator *ev, tn_register *reg, const tn_instruction *ins)
{
    if (reg->state != NULL && ins != NULL && ins->bound != NULL &&
        ins->bound->kernel->close != NULL) {
        ins->bound->kernel->close(reg->state, ev->pool);
    }
    tn_chunk_release(reg->chunk);
    tn_heap_deinit(&reg->heap);
    tn_pool_free(ev->pool, reg->values, reg->values_size);
    tn_pool_free(ev->pool, reg->flat_values, reg->flat_size);
    if (reg->entries != NULL) {
        tn_entries *entries = reg->entries;
        const size_t words = tn_bitmap_words(entries->capacity) * 8;
        tn_heap_deinit(&entries->heap);
        tn_pool_free(ev->pool, entries->values, entries->capacity * sizeof(tn_i256));
        tn_pool_free(ev->pool, entries->validity, words);
        tn_pool_free(ev->pool, entries->faults, words);
        tn_pool_free(ev->pool, entries, sizeof(*entries));
    }
}

void tn_evaluator_destroy(tn_evaluator *ev)
{
    if (ev == NULL) {
        return;
    }
    const tn_program *program = ev->program;
    const size_t most = program->arguments_most + 1;
    for (uint32_t i = 0; ev->registers != NULL && i < program->instruction_count; i++) {
        close_register(ev, &ev->registers[i], &program->instructions[i]);
    }
    for (uint32_t i = 0; ev->spare != NULL && i < most; i++) {
        close_register(ev, &ev->spare[i], NULL);
    }
    tn_pool_free(ev->pool, ev->registers, (program->instruction_count + 1) * sizeof(tn_register));
    tn_pool_free(ev->pool, ev->spare, most * sizeof(tn_register));
    tn_pool_free(ev->pool, ev->arguments, most * sizeof(tn_register *));
    tn_pool_free(ev->pool, ev->spare_arguments, most * sizeof(tn_register *));
    tn_pool_free(ev->pool, ev->operands, most * sizeof(tn_operand));
    tn_pool_free(ev->pool, ev->conjuncts, (program->root_count + 1) * sizeof(tn_conjunct_state));
    tn_pool_free(ev->pool, ev->order, (program->root_count + 1) * sizeof(uint32_t));
    tn_arena_deinit(&ev->arena);
    tn_pool_free(ev->pool, ev, sizeof(*ev));
}

tarn_code tn_evaluator_create(const tn_program *program, tn_pool *pool, tn_evaluator **out,
                              tarn_error *err)
{
    tn_evaluator *ev = NULL;
    tarn_code code = TARN_OK;
    const size_t count = program->instruction_count + 1;
    const size_t most = program->arguments_most + 1;
    const size_t roots = program->root_count + 1;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(*ev), (void **)&ev, err));
    ev->program = program;
    ev->pool = pool;
    ev->heap_most = tn_min_size(TN_BATCH_HEAP, tn_max_size(HEAP_LEAST, tn_pool_budget(pool) / 64));
    tn_arena_init(&ev->arena, pool);
    TN_TRY(tn_pool_alloc_zeroed(pool, count * sizeof(tn_register), (void **)&ev->registers, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, most * sizeof(tn_register), (void **)&ev->spare, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, most * sizeof(tn_register *), (void **)&ev->arguments, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, most * sizeof(tn_register *), (void **)&ev->spare_arguments,
                                err));
    TN_TRY(tn_pool_alloc_zeroed(pool, most * sizeof(tn_operand), (void **)&ev->operands, err));
    TN_TRY(tn_pool_alloc_zeroed(pool, roots * sizeof(tn_conjunct_state), (void **)&ev->conjuncts,
                                err));
    TN_TRY(tn_pool_alloc_zeroed(pool, roots * sizeof(uint32_t), (void **)&ev->order, err));
    for (uint32_t i = 0; i < program->root_count; i++) {
        ev->order[i] = i;
    }
    for (uint32_t i = 0; i < program->instruction_count; i++) {
        tn_heap_init(&ev->registers[i].heap, pool);
        if (program->instructions[i].opcode == TN_OPCODE_CONSTANT) {
            ev->registers[i].column = program->instructions[i].constant;
            ev->registers[i].epoch = TN_STATIC_EPOCH;
        }
    }
    for (uint32_t i = 0; i < most; i++) {
        tn_heap_init(&ev->spare[i].heap, pool);
    }
    *out = ev;
done:
    if (code != TARN_OK) {
        tn_evaluator_destroy(ev);
    }
    return code;
}

/* ---- memory ---- */

tarn_code tn_eval__grow(tn_pool *pool, void **memory, size_t *have, size_t want, tarn_error *err)
{
    if (*have >= want) {
        return TARN_OK;
    }
    tn_pool_free(pool, *memory, *have);
    *have = 0;
    *memory = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, want, memory, err));
    *have = want;
    return TARN_OK;
}

tarn_code tn_eval__values(tn_evaluator *ev, tn_register *reg, size_t size, tarn_error *err)
{
    const size_t rows = ev->rows <= 64 ? 64 : TN_BATCH_ROWS;
    const size_t bytes = size == 0 ? sizeof(uint64_t) * TN_ROW_WORDS : rows * size;
    return tn_eval__grow(ev->pool, &reg->values, &reg->values_size, tn_max_size(bytes, 64), err);
}

/* ---- faults ---- */

typedef struct fault_source {
    const tn_evaluator *ev;
    const tn_instruction *ins;
    uint32_t count;
    tn_column columns[];
} fault_source;

/* The kernel's message, from the values that the arguments have in that row. */
static tarn_code describe(const tn_faults *faults, uint32_t row, tarn_error *err)
{
    const fault_source *source = faults->context[0];
    const tn_bound_call *bound = source->ins->bound;
    tn_value values[8];
    tn_arena arena;
    tarn_code code = TARN_OK;
    tn_arena_init(&arena, source->ev->pool);
    const uint32_t count = source->count < 8 ? source->count : 8;
    for (uint32_t i = 0; i < count && code == TARN_OK; i++) {
        uint32_t at = row;
        const tn_column *column = tn_column_locate(&source->columns[i], &at);
        values[i] = tn_value_null(source->columns[i].type);
        if (column != NULL) {
            code = tn_value_of(column, at, &arena, &values[i], err);
            values[i].type = source->columns[i].type;
        }
    }
    if (code == TARN_OK) {
        code = tn_fault__describe(source->ins->expr, bound, values, count, err);
    }
    tn_arena_deinit(&arena);
    return code;
}

tarn_code tn_eval__push_faults(tn_evaluator *ev, const tn_faults *node, tn_column *column,
                               tarn_error *err)
{
    tn_faults *copy = NULL;
    for (const tn_faults *known = column->faults; known != NULL; known = known->next) {
        if (known->mask == node->mask && known->context[0] == node->context[0]) {
            return TARN_OK; /* the same fault by two ways */
        }
    }
    TN_RETURN_IF_ERROR(tn_arena_new(&ev->arena, tn_faults, &copy, err));
    *copy = *node;
    copy->next = column->faults;
    column->faults = copy;
    return TARN_OK;
}

tarn_code tn_eval__add_faults(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                              tn_register *out, tarn_error *err)
{
    uint64_t any = 0;
    fault_source *source = NULL;
    uint64_t *mask = NULL;
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        if (out->column.validity != NULL) {
            out->faults[i] &= out->column.validity[i];
        }
        for (const tn_faults *node = out->column.faults; node != NULL; node = node->next) {
            out->faults[i] &= ~node->mask[i]; /* an operand's, whose value means nothing */
        }
        any |= out->faults[i];
    }
    if (any == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_alloc(&ev->arena,
                                      sizeof(*source) + ins->argument_count * sizeof(tn_column),
                                      (void **)&source, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&ev->arena, uint64_t, TN_ROW_WORDS, &mask, err));
    memcpy(mask, out->faults, tn_eval__word_count(ev) * sizeof(*mask));
    source->ev = ev;
    source->ins = ins;
    source->count = ins->argument_count;
    for (uint32_t i = 0; i < ins->argument_count; i++) {
        source->columns[i] = args[i]->column;
    }
    const tn_faults node = {.mask = mask,
                            .describe = describe,
                            .context = {source, NULL, NULL},
                            .span_start = ins->expr->span.start,
                            .span_length = ins->expr->span.length};
    return tn_eval__push_faults(ev, &node, &out->column, err);
}

/* ---- results ---- */

tarn_code tn_eval__strict(tn_evaluator *ev, tn_register *const *args, uint32_t count,
                          tn_register *out, tarn_error *err)
{
    static const uint64_t no_row[TN_ROW_WORDS];
    const uint64_t *single = NULL;
    uint32_t with_nulls = 0;
    tn_operand operand;
    out->column.validity = NULL;
    out->column.faults = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const tn_column *column = &args[i]->column;
        for (const tn_faults *node = column->faults; node != NULL; node = node->next) {
            TN_RETURN_IF_ERROR(tn_eval__push_faults(ev, node, &out->column, err));
        }
        const uint64_t *validity = column->validity;
        if (column->type->kind == TN_KIND_NULL || column->encoding == TN_CONSTANT) {
            validity = tn_eval__is_null_constant(column) ? no_row : NULL;
        } else if (column->encoding == TN_DICTIONARY && column->children->validity != NULL) {
            TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[i], column->type->lane, &operand, err));
            validity = operand.validity;
        }
        if (validity == NULL) {
            continue;
        }
        with_nulls++;
        if (with_nulls == 1) {
            single = validity;
            continue;
        }
        if (with_nulls == 2) {
            memcpy(out->validity, single, tn_eval__word_count(ev) * sizeof(uint64_t));
            single = out->validity;
        }
        for (uint32_t word = 0; word < tn_eval__word_count(ev); word++) {
            out->validity[word] &= validity[word];
        }
    }
    out->column.validity = single;
    return TARN_OK;
}

void tn_eval__flat_result(tn_evaluator *ev, tn_register *out, const tn_type *type, tn_lane lane)
{
    out->column.type = type;
    out->column.lane = (uint8_t)lane;
    out->column.encoding = TN_FLAT;
    out->column.code_lane = 0;
    out->column.in_heap_order = 0;
    out->column.rows = ev->rows;
    out->column.values = out->values;
    out->column.owners = NULL;
    out->column.children = NULL;
    out->column.dictionary_id = 0;
}

void tn_eval__null_result(tn_evaluator *ev, tn_register *out, const tn_type *type)
{
    static const uint64_t no_row_is_valid[1] = {0};
    static const tn_i256 zero = {{0, 0, 0, 0}};
    const tn_faults *faults = out->column.faults;
    out->column = (tn_column){.type = type,
                              .lane = (uint8_t)type->lane,
                              .encoding = TN_CONSTANT,
                              .rows = ev->rows,
                              .values = &zero,
                              .validity = no_row_is_valid,
                              .faults = faults};
}

/* ---- row kernels ---- */

static TN_FALLIBLE open_kernel(tn_evaluator *ev, const tn_instruction *ins, tn_register *out,
                               tarn_error *err)
{
    const tn_kernel *kernel = ins->bound->kernel;
    tn_value *values = NULL;
    const tn_value **constants = NULL;
    if (out->is_open || kernel->open == NULL) {
        return TARN_OK;
    }
    const uint32_t count = ins->argument_count;
    TN_RETURN_IF_ERROR(tn_arena_array(&ev->arena, tn_value, count + 1, &values, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&ev->arena, const tn_value *, count + 1, &constants, err));
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t argument = ev->program->arguments[ins->first_argument + i];
        const tn_column *column = &ev->registers[argument].column;
        if (ev->program->instructions[argument].is_static) {
            TN_RETURN_IF_ERROR(tn_value_of(column, 0, &ev->arena, &values[i], err));
            constants[i] = &values[i];
        }
    }
    tarn_code code = kernel->open(ins->bound, constants, ev->pool, &out->state, err);
    if (code == TARN_E_INVALID || code == TARN_E_LIMIT) {
        /* A constant that is wrong is the fault of each row that needs it, and of no other. */
        memset(constants, 0, count * sizeof(*constants));
        code = kernel->open(ins->bound, constants, ev->pool, &out->state, err);
    }
    TN_RETURN_IF_ERROR(code);
    out->is_open = true;
    return TARN_OK;
}

/* The rows a kernel is given: selected, valid, and without a faulty argument. */
static void rows_to_give(tn_evaluator *ev, const tn_column *out, const uint16_t **rows,
                         uint32_t *count)
{
    uint64_t *words = ev->words[0];
    *rows = ev->selection;
    *count = ev->count;
    if (out->validity == NULL && out->faults == NULL) {
        return;
    }
    const uint32_t word_count = tn_eval__word_count(ev);
    if (out->validity != NULL) {
        memcpy(words, out->validity, word_count * sizeof(*words));
    } else {
        memset(words, 0xff, word_count * sizeof(*words));
    }
    for (const tn_faults *node = out->faults; node != NULL; node = node->next) {
        for (uint32_t i = 0; i < word_count; i++) {
            words[i] &= ~node->mask[i];
        }
    }
    *count = ev->selection == NULL ? tn_bits_to_selection(words, ev->count, ev->valid)
                                   : tn_bits_filter(words, ev->selection, ev->count, ev->valid);
    *rows = ev->valid;
}

/* A kernel stopped at a full heap: rows from `row` on are for the next call. */
static void cut_rows(tn_evaluator *ev, uint32_t row)
{
    ev->was_cut = true;
    if (ev->selection == NULL) {
        ev->count = row < ev->count ? row : ev->count; /* rows before it */
        return;
    }
    while (ev->count > 0 && ev->selection[ev->count - 1] >= row) {
        ev->count--;
    }
}

static TN_FALLIBLE run_rows(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                            tn_register *out, tarn_error *err)
{
    const tn_kernel *kernel = ins->bound->kernel;
    tn_call call = {.in = ev->operands,
                    .in_count = ins->argument_count,
                    .batch_rows = ev->rows,
                    .heap = &out->heap,
                    .heap_bound = ev->heap_bound,
                    .type = ins->expr->type,
                    .in_types = ins->bound->argument_types,
                    .data = ins->bound->data,
                    .seed = ev->program->context->seed +
                            ins->bound->ordinal * UINT64_C(0x9e3779b97f4a7c15),
                    .row_base = ev->row_base,
                    .arena = &ev->arena};
    TN_RETURN_IF_ERROR(open_kernel(ev, ins, out, err));
    TN_RETURN_IF_ERROR(tn_eval__strict(ev, args, ins->argument_count, out, err));
    if (kernel->sees_null) {
        out->column.validity = NULL;
    }
    for (uint32_t i = 0; i < ins->argument_count; i++) {
        const tn_type *type = ins->bound->argument_types[i];
        TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[i], type->lane, &ev->operands[i], err));
    }
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, tn_lane_size(ins->expr->type->lane), err));
    tn_heap_reset(&out->heap);
    rows_to_give(ev, &out->column, &call.rows, &call.count);
    const uint32_t given = call.count;
    call.values = out->values;
    call.validity = out->validity;
    call.faults = out->faults;
    call.state = out->state;
    memset(out->faults, 0, sizeof(out->faults));
    if (out->column.validity != NULL && out->column.validity != out->validity) {
        memcpy(out->validity, out->column.validity, tn_eval__word_count(ev) * sizeof(uint64_t));
    } else if (out->column.validity == NULL) {
        memset(out->validity, 0xff, sizeof(out->validity));
    }
    const tarn_code code = kernel->run(&call, err);
    if (code == TARN_E_NOMEM) {
        tn_explain(err, "%s()", ins->bound->function->name);
    }
    TN_RETURN_IF_ERROR(code);
    if (call.count < given) {
        cut_rows(ev, tn_call_row(&call, call.count));
    }
    if (call.some_null) {
        out->column.validity = out->validity;
    }
    tn_eval__flat_result(ev, out, ins->expr->type, ins->expr->type->lane);
    out->column.children = call.children;
    return call.some_fault ? tn_eval__add_faults(ev, ins, args, out, err) : TARN_OK;
}

/* ---- one operation ---- */

static TN_FALLIBLE run_form(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                            tn_register *out, tarn_error *err)
{
    switch (ins->opcode) {
    case TN_OPCODE_AND:
    case TN_OPCODE_OR:
        return tn_eval__junction(ev, ins, args, out, err);
    case TN_OPCODE_CASE:
        return tn_eval__case(ev, ins, args, out, err);
    case TN_OPCODE_IN:
        return tn_eval__in(ev, ins, args, out, err);
    case TN_OPCODE_COLUMN:
    case TN_OPCODE_CONSTANT:
        return TARN_OK;
    case TN_OPCODE_CALL:
    case TN_OPCODE_CAST:
        break;
    }
    switch (ins->bound->form) {
    case TN_FORM_ROWS:
        return run_rows(ev, ins, args, out, err);
    case TN_FORM_ARITHMETIC:
        return tn_eval__arithmetic(ev, ins, args, out, err);
    case TN_FORM_COMPARE:
        return tn_eval__compare(ev, ins, args, out, err);
    case TN_FORM_CONVERT:
        return tn_eval__convert(ev, ins, args, out, err);
    case TN_FORM_NOT:
    case TN_FORM_IS_NULL:
    case TN_FORM_IS_NOT_NULL:
    case TN_FORM_TRUTH:
        return tn_eval__simple_logic(ev, ins, args, out, err);
    case TN_FORM_COALESCE:
    case TN_FORM_TRY:
        return tn_eval__coalesce(ev, ins, args, out, err);
    case TN_FORM_FIELD:
        return tn_eval__field(ev, ins, args, out, err);
    }
    return tn_fail(err, TARN_E_INTERNAL, "an instruction has no form");
}

/* TRY_CAST: the cast's own faults are nulls; those of its argument stay. */
static void faults_to_nulls(tn_evaluator *ev, const tn_instruction *ins, tn_register *out)
{
    const tn_faults **link = &out->column.faults;
    for (const tn_faults *node = out->column.faults; node != NULL; node = node->next) {
        const fault_source *source = node->context[0];
        if (node->describe == describe && source->ins == ins) {
            if (out->column.validity == NULL) {
                memset(out->validity, 0xff, sizeof(out->validity));
            } else if (out->column.validity != out->validity) {
                memcpy(out->validity, out->column.validity,
                       tn_eval__word_count(ev) * sizeof(uint64_t));
            }
            for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
                out->validity[i] &= ~node->mask[i];
            }
            out->column.validity = out->validity;
            *link = node->next; /* its own is the newest: at the front */
        }
    }
}

tarn_code tn_eval__operation(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                             tn_register *out, tarn_error *err)
{
    ev->has_cut = false;
    TN_RETURN_IF_ERROR(run_form(ev, ins, args, out, err));
    if (ev->has_cut) {
        ev->has_cut = false;
        memcpy(out->faults, ev->cut, sizeof(out->faults));
        TN_RETURN_IF_ERROR(tn_eval__add_faults(ev, ins, args, out, err));
    }
    if (ins->expr->try_cast) {
        faults_to_nulls(ev, ins, out);
    }
    return TARN_OK;
}

/* Does a null argument make a null result? */
bool tn_eval__is_strict(const tn_instruction *ins)
{
    if (ins->opcode == TN_OPCODE_CAST) {
        return true;
    }
    if (ins->opcode != TN_OPCODE_CALL) {
        return ins->opcode == TN_OPCODE_IN;
    }
    switch (ins->bound->form) {
    case TN_FORM_ROWS:
        return !ins->bound->kernel->sees_null;
    case TN_FORM_ARITHMETIC:
    case TN_FORM_CONVERT:
    case TN_FORM_NOT:
    case TN_FORM_FIELD:
        return true;
    case TN_FORM_COMPARE:
        return ins->bound->op < TN_COMPARE_DISTINCT;
    case TN_FORM_IS_NULL:
    case TN_FORM_IS_NOT_NULL:
    case TN_FORM_TRUTH:
    case TN_FORM_COALESCE:
    case TN_FORM_TRY:
        break;
    }
    return false;
}

/* The operation on one row; its result stands for all. */
static TN_FALLIBLE run_constant(tn_evaluator *ev, const tn_instruction *ins,
                                tn_register *const *args, tn_register *out, tarn_error *err)
{
    const uint32_t rows = ev->rows;
    const uint32_t count = ev->count;
    const uint16_t *selection = ev->selection;
    ev->rows = ev->count = 1;
    ev->selection = NULL;
    const tarn_code code = tn_eval__operation(ev, ins, args, out, err);
    ev->rows = rows;
    ev->count = count;
    ev->selection = selection;
    if (code != TARN_OK) {
        return code;
    }
    if (out->column.validity != NULL) {
        out->validity[0] = tn_bit_get(out->column.validity, 0) ? ~UINT64_C(0) : 0;
        out->column.validity = out->validity[0] == 0 ? out->validity : NULL;
    }
    out->column.encoding = TN_CONSTANT;
    out->column.rows = rows;
    for (const tn_faults *node = out->column.faults; node != NULL; node = node->next) {
        if (tn_bit_get(node->mask, 0)) { /* one row for all: every row of the batch fails */
            uint64_t *mask = NULL;
            tn_faults *copy = NULL;
            TN_RETURN_IF_ERROR(tn_arena_array(&ev->arena, uint64_t, TN_ROW_WORDS, &mask, err));
            TN_RETURN_IF_ERROR(tn_arena_new(&ev->arena, tn_faults, &copy, err));
            memset(mask, 0xff, TN_ROW_WORDS * sizeof(*mask));
            *copy = *node;
            copy->mask = mask;
            copy->next = NULL;
            out->column.faults = copy;
            return TARN_OK;
        }
    }
    out->column.faults = NULL;
    return TARN_OK;
}

/* ---- instructions ---- */

/* One value for all rows, and all of them fail or none: NULL beside a column keeps the column's
 * faults, which are of single rows. */
static bool is_one_for_all(const tn_evaluator *ev, const tn_column *column)
{
    for (const tn_faults *node = column->faults; node != NULL; node = node->next) {
        for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
            if (node->mask[i] != ~UINT64_C(0)) {
                return false;
            }
        }
    }
    return column->encoding == TN_CONSTANT;
}

static TN_FALLIBLE run_instruction(tn_evaluator *ev, const tn_instruction *ins, tn_register *out,
                                   tarn_error *err)
{
    bool all_constant = !ins->is_volatile;
    bool null = false;
    for (uint32_t i = 0; i < ins->argument_count; i++) {
        tn_register *reg = &ev->registers[ev->program->arguments[ins->first_argument + i]];
        ev->arguments[i] = reg;
        all_constant &= is_one_for_all(ev, &reg->column);
        null |= tn_eval__is_null_constant(&reg->column);
    }
    out->column.faults = NULL;
    if (null && tn_eval__is_strict(ins)) { /* faults of the other arguments stay */
        for (uint32_t i = 0; i < ins->argument_count; i++) {
            const tn_column *column = &ev->arguments[i]->column;
            for (const tn_faults *node = column->faults; node != NULL; node = node->next) {
                TN_RETURN_IF_ERROR(tn_eval__push_faults(ev, node, &out->column, err));
            }
        }
        tn_eval__null_result(ev, out, ins->expr->type);
        return TARN_OK;
    }
    if (all_constant) {
        return run_constant(ev, ins, ev->arguments, out, err);
    }
    const uint32_t which = tn_eval__lone_dictionary(ev, ins);
    if (which != UINT32_MAX) {
        bool done = false;
        TN_RETURN_IF_ERROR(tn_eval__dictionary(ev, ins, which, out, &done, err));
        if (done) {
            return TARN_OK;
        }
    }
    return tn_eval__operation(ev, ins, ev->arguments, out, err);
}

tarn_code tn_eval__instruction(tn_evaluator *ev, uint32_t index, tarn_error *err)
{
    const tn_instruction *ins = &ev->program->instructions[index];
    tn_register *reg = &ev->registers[index];
    if (reg->epoch == TN_STATIC_EPOCH || reg->epoch == ev->epoch) {
        return TARN_OK;
    }
    reg->flat_epoch = reg->bounds_epoch = 0;
    if (ins->opcode == TN_OPCODE_COLUMN) {
        reg->column = ev->in->columns[ins->input];
    } else {
        TN_RETURN_IF_ERROR(run_instruction(ev, ins, reg, err));
    }
    /* A static result is kept; one with a fault is made again, since its mask lives for a run, as
     * do the elements of lists that were made here. */
    const bool lasts = reg->column.faults == NULL &&
                       (ins->opcode == TN_OPCODE_CONSTANT || !tn_type_is_nested(reg->column.type));
    reg->epoch = ins->is_static && lasts ? TN_STATIC_EPOCH : ev->epoch;
    return TARN_OK;
}

tarn_code tn_evaluator_run(tn_evaluator *ev, const tn_batch *in, uint32_t *next, tn_column *out,
                           tarn_error *err)
{
    const tn_program *program = ev->program;
    assert(in->rows <= TN_BATCH_ROWS);
    tn_eval__begin(ev, in);
    if (*next > 0 && in->selection == NULL) {
        for (uint32_t i = *next; i < in->selected; i++) {
            ev->from_next[i - *next] = (uint16_t)i;
        }
        ev->selection = ev->from_next;
    } else if (*next > 0) {
        ev->selection = in->selection + *next;
    }
    ev->count = in->selected - *next;
    for (uint32_t i = 0; i < program->instruction_count; i++) {
        TN_RETURN_IF_ERROR(tn_eval__instruction(ev, i, err));
    }
    for (uint32_t i = 0; i < program->root_count; i++) {
        out[i] = ev->registers[program->roots[i]].column;
        out[i].rows = in->rows;
        out[i].type = program->instructions[program->roots[i]].expr->type;
    }
    *next += ev->count;
    return TARN_OK;
}

void tn_eval__begin(tn_evaluator *ev, const tn_batch *in)
{
    ev->epoch++;
    tn_arena_reset(&ev->arena);
    ev->in = in;
    ev->was_cut = false;
    ev->heap_bound = ev->heap_most;
    ev->rows = in->rows;
    ev->count = in->selected;
    ev->selection = in->selection;
    ev->row_base = tn_hash_u64(in->tag.morsel) + (uint64_t)in->tag.part * TN_BATCH_ROWS;
}
