/* From trees to a program: each different subexpression once, arguments before their users. */
#include "base/vec.h"
#include "expr/program_internal.h"

typedef struct pending {
    const tn_expr *expr;
    uint32_t next; /* child to look at */
} pending;

typedef struct compiler {
    tn_expr_context *context;
    const tn_layout *layout;
    const tn_parameters *parameters;
    TN_VEC(tn_instruction) instructions;
    TN_VEC(uint32_t) arguments;
    TN_VEC(pending) stack;
    TN_VEC(uint32_t) done;  /* registers of finished children */
    TN_VEC(uint32_t) table; /* by hash: instruction + 1, 0 for a free slot; size a power of 2 */
} compiler;

/* ---- instructions found again ---- */

static uint32_t *slot_of(compiler *c, const tn_expr *expr)
{
    const size_t mask = c->table.count - 1;
    size_t slot = (size_t)expr->hash & mask;
    while (c->table.items[slot] != 0 &&
           !(c->instructions.items[c->table.items[slot] - 1].expr == expr ||
             tn_expr_equal(c->instructions.items[c->table.items[slot] - 1].expr, expr))) {
        slot = (slot + 1) & mask;
    }
    return &c->table.items[slot];
}

static TN_FALLIBLE grow_table(compiler *c, tarn_error *err)
{
    const size_t size = c->table.count == 0 ? 64 : c->table.count * 2;
    c->table.count = 0;
    TN_RETURN_IF_ERROR(tn_vec_reserve(&c->table, size, err));
    c->table.count = size;
    memset(c->table.items, 0, size * sizeof(*c->table.items));
    for (uint32_t i = 0; i < c->instructions.count; i++) {
        uint32_t *slot = slot_of(c, c->instructions.items[i].expr);
        if (*slot == 0) {
            *slot = i + 1;
        }
    }
    return TARN_OK;
}

/* ---- leaves ---- */

static TN_FALLIBLE constant_column(compiler *c, const tn_value *value, const tn_type *type,
                                   tn_column *out, tarn_error *err)
{
    tn_value copy;
    TN_RETURN_IF_ERROR(tn_value_copy(c->context->arena, value, &copy, err));
    copy.type = type;
    return tn_value_column(&copy, TN_BATCH_ROWS, c->context->arena, out, err);
}

static TN_FALLIBLE fill_leaf(compiler *c, tn_instruction *ins, tarn_error *err)
{
    const tn_expr *expr = ins->expr;
    if (expr->kind == TN_EXPR_COLUMN) {
        ins->opcode = TN_OPCODE_COLUMN;
        for (uint32_t i = 0; c->layout != NULL && i < c->layout->count; i++) {
            if (c->layout->ids[i] == expr->column) {
                ins->input = i;
                return TARN_OK;
            }
        }
        return tn_fail(err, TARN_E_INTERNAL, "column '%.*s' is not in the input",
                       TN_STR_ARGS(expr->name));
    }
    ins->opcode = TN_OPCODE_CONSTANT;
    ins->is_static = true;
    if (expr->kind == TN_EXPR_LITERAL) {
        return constant_column(c, &expr->value, expr->type, &ins->constant, err);
    }
    for (uint32_t i = 0; c->parameters != NULL && i < c->parameters->count; i++) {
        if (tn_str_equal(c->parameters->names[i], expr->name)) {
            if (c->parameters->values[i].type != expr->type) {
                return tn_fail(err, TARN_E_INVALID, "parameter '%.*s' must be of type %.*s",
                               TN_STR_ARGS(expr->name), TN_STR_ARGS(expr->type->name));
            }
            return constant_column(c, &c->parameters->values[i], expr->type, &ins->constant, err);
        }
    }
    return tn_fail(err, TARN_E_INVALID, "parameter '%.*s' has no value", TN_STR_ARGS(expr->name));
}

static TN_FALLIBLE fill_call(compiler *c, tn_instruction *ins, tarn_error *err)
{
    static const tn_opcode opcodes[] = {
        [TN_EXPR_CALL] = TN_OPCODE_CALL, [TN_EXPR_AND] = TN_OPCODE_AND,
        [TN_EXPR_OR] = TN_OPCODE_OR,     [TN_EXPR_CAST] = TN_OPCODE_CAST,
        [TN_EXPR_CASE] = TN_OPCODE_CASE, [TN_EXPR_IN] = TN_OPCODE_IN,
    };
    const tn_expr *expr = ins->expr;
    uint32_t count = expr->child_count;
    if (expr->kind == TN_EXPR_AGGREGATE || expr->kind == TN_EXPR_SUBQUERY) {
        return tn_fail(err, TARN_E_INTERNAL, "an aggregate or subquery was left in an expression");
    }
    ins->opcode = opcodes[expr->kind];
    ins->bound = expr->function_data;
    ins->is_volatile = expr->is_volatile;
    if (expr->kind == TN_EXPR_IN) {
        TN_RETURN_IF_ERROR(tn_in__build(c->context->arena, expr, &ins->data, err));
        c->done.count -= count - 1; /* the list is in the table */
        count = 1;
    }
    const uint32_t *children = c->done.items + c->done.count - count;
    ins->first_argument = (uint32_t)c->arguments.count;
    ins->argument_count = count;
    ins->is_static = !expr->is_volatile;
    for (uint32_t i = 0; i < count; i++) {
        ins->is_static &= c->instructions.items[children[i]].is_static;
        TN_RETURN_IF_ERROR(tn_vec_push(&c->arguments, children[i], err));
    }
    c->done.count -= count;
    return TARN_OK;
}

static TN_FALLIBLE emit(compiler *c, const tn_expr *expr, tarn_error *err)
{
    tn_instruction ins = {.expr = expr};
    if (c->instructions.count >= UINT32_MAX / 2) {
        return tn_fail(err, TARN_E_LIMIT, "an expression of %zu terms is too long",
                       c->instructions.count);
    }
    TN_RETURN_IF_ERROR(expr->child_count == 0 && expr->kind != TN_EXPR_CALL
                           ? fill_leaf(c, &ins, err)
                           : fill_call(c, &ins, err));
    if ((c->instructions.count + 1) * 2 > c->table.count) {
        TN_RETURN_IF_ERROR(grow_table(c, err));
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&c->instructions, ins, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&c->done, (uint32_t)c->instructions.count - 1, err));
    if (!expr->is_volatile) {
        *slot_of(c, expr) = (uint32_t)c->instructions.count;
    }
    return TARN_OK;
}

/* Leaves the register of `root` on c->done. */
static TN_FALLIBLE compile_root(compiler *c, const tn_expr *root, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_push(&c->stack, ((pending){root, 0}), err));
    while (c->stack.count > 0) {
        pending *top = &c->stack.items[c->stack.count - 1];
        if (top->next == 0 && !top->expr->is_volatile && c->table.count > 0) {
            const uint32_t found = *slot_of(c, top->expr);
            if (found != 0) {
                c->stack.count--;
                TN_RETURN_IF_ERROR(tn_vec_push(&c->done, found - 1, err));
                continue;
            }
        }
        if (top->next < top->expr->child_count) {
            const tn_expr *child = top->expr->children[top->next++];
            TN_RETURN_IF_ERROR(tn_vec_push(&c->stack, ((pending){child, 0}), err));
        } else {
            const tn_expr *expr = top->expr;
            c->stack.count--;
            TN_RETURN_IF_ERROR(emit(c, expr, err));
        }
    }
    return TARN_OK;
}

/* ---- which instructions a root needs ---- */

typedef TN_VEC(uint32_t) uint32_vec;

static TN_FALLIBLE list_needed(compiler *c, uint32_t root, uint32_t *stamps, uint32_t stamp,
                               uint32_vec *stack, uint32_vec *needed, tarn_error *err)
{
    uint32_t least = root;
    stack->count = 0;
    TN_RETURN_IF_ERROR(tn_vec_push(stack, root, err));
    stamps[root] = stamp;
    while (stack->count > 0) {
        const uint32_t at = tn_vec_pop(stack);
        const tn_instruction *ins = &c->instructions.items[at];
        least = at < least ? at : least;
        for (uint32_t i = 0; i < ins->argument_count; i++) {
            const uint32_t argument = c->arguments.items[ins->first_argument + i];
            if (stamps[argument] != stamp) {
                stamps[argument] = stamp;
                TN_RETURN_IF_ERROR(tn_vec_push(stack, argument, err));
            }
        }
    }
    for (uint32_t i = least; i <= root; i++) {
        if (stamps[i] == stamp) {
            TN_RETURN_IF_ERROR(tn_vec_push(needed, i, err));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE copy_out(compiler *c, const uint32_vec *needed, tn_program *program,
                            tarn_error *err)
{
    tn_arena *arena = c->context->arena;
    tn_instruction *instructions = NULL;
    uint32_t *arguments = NULL;
    uint32_t *list = NULL;
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_instruction, c->instructions.count + 1, &instructions, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, uint32_t, c->arguments.count + 1, &arguments, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, uint32_t, needed->count + 1, &list, err));
    if (c->instructions.count > 0) {
        memcpy(instructions, c->instructions.items, c->instructions.count * sizeof(*instructions));
    }
    if (c->arguments.count > 0) {
        memcpy(arguments, c->arguments.items, c->arguments.count * sizeof(*arguments));
    }
    if (needed->count > 0) {
        memcpy(list, needed->items, needed->count * sizeof(*list));
    }
    program->instructions = instructions;
    program->instruction_count = (uint32_t)c->instructions.count;
    program->arguments = arguments;
    program->argument_count = (uint32_t)c->arguments.count;
    program->needed = list;
    for (uint32_t i = 0; i < program->instruction_count; i++) {
        if (instructions[i].argument_count > program->arguments_most) {
            program->arguments_most = instructions[i].argument_count;
        }
    }
    return TARN_OK;
}

tarn_code tn_program_compile(tn_expr_context *context, const tn_expr *const *exprs, uint32_t count,
                             const tn_layout *input, const tn_parameters *parameters,
                             const tn_program **out, tarn_error *err)
{
    tn_pool *pool = context->arena->pool;
    compiler c = {context,           input,
                  parameters,        TN_VEC_INIT(pool),
                  TN_VEC_INIT(pool), TN_VEC_INIT(pool),
                  TN_VEC_INIT(pool), TN_VEC_INIT(pool)};
    uint32_vec stack = TN_VEC_INIT(pool);
    uint32_vec needed = TN_VEC_INIT(pool);
    uint32_vec stamps = TN_VEC_INIT(pool);
    tn_program *program = NULL;
    uint32_t *roots = NULL;
    uint32_t *needed_from = NULL;
    tarn_code code = TARN_OK;

    *out = NULL;
    TN_TRY(tn_arena_new(context->arena, tn_program, &program, err));
    TN_TRY(tn_arena_array(context->arena, uint32_t, count + 1, &roots, err));
    TN_TRY(tn_arena_array(context->arena, uint32_t, count + 2, &needed_from, err));
    for (uint32_t i = 0; i < count; i++) {
        c.done.count = 0;
        TN_TRY(compile_root(&c, exprs[i], err));
        roots[i] = c.done.items[0];
    }
    TN_TRY(tn_vec_reserve(&stamps, c.instructions.count + 1, err));
    memset(stamps.items, 0, (c.instructions.count + 1) * sizeof(*stamps.items));
    for (uint32_t i = 0; i < count; i++) {
        needed_from[i] = (uint32_t)needed.count;
        TN_TRY(list_needed(&c, roots[i], stamps.items, i + 1, &stack, &needed, err));
    }
    needed_from[count] = (uint32_t)needed.count;
    TN_TRY(copy_out(&c, &needed, program, err));
    program->context = context;
    program->roots = roots;
    program->root_count = count;
    program->needed_from = needed_from;
    *out = program;
done:
    tn_vec_free(&c.instructions);
    tn_vec_free(&c.arguments);
    tn_vec_free(&c.stack);
    tn_vec_free(&c.done);
    tn_vec_free(&c.table);
    tn_vec_free(&stack);
    tn_vec_free(&needed);
    tn_vec_free(&stamps);
    return code;
}
