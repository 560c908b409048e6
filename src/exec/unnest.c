/*
 * UNNEST: one row for each element of a list.  Nothing is copied: the input's columns become
 * dictionary columns over themselves, coded by row, and the elements are coded by position.
 */
#include "exec/operators.h"

#include "column/flatten.h"

typedef struct unnest {
    tn_operator base;
    tn_pool *pool;
    const tn_program *program;
    uint32_t lists;
    bool outer;
} unnest;

typedef struct unnest_task {
    tn_operator_task base;
    const unnest *unnest;
    tn_pool *pool;
    tn_evaluator *evaluator;
    uint32_t width;     /* of what goes out, once known */
    tn_column *columns; /* of what goes out */
    tn_column *flat;    /* sequences of the input, flattened */
    tn_scratch *scratch;
    tn_column *lists;
    uint32_t row, element; /* of the selection: where to go on */
    bool evaluated;
    uint16_t rows[TN_BATCH_ROWS]; /* input row of each row out */
    uint32_t *codes;              /* of each column: TN_BATCH_ROWS u32 each */
    uint64_t *validity;
} unnest_task;

static tn_list list_at(const tn_column *lists, uint32_t row)
{
    const tn_column *base = tn_column_locate(lists, &row);
    return base == NULL ? (tn_list){0, 0} : ((const tn_list *)base->values)[row];
}

static const tn_column *elements_of(const tn_column *lists)
{
    return lists->encoding == TN_DICTIONARY ? &lists->children->children[0] : &lists->children[0];
}

static TN_FALLIBLE prepare(unnest_task *task, const tn_batch *in, tarn_error *err)
{
    const uint32_t lists = task->unnest->lists;
    const uint32_t width = in->width + lists;
    void *memory;
    if (task->columns != NULL) {
        return TARN_OK;
    }
    task->width = width;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, width * sizeof(tn_column), &memory, err));
    task->columns = memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, width * sizeof(tn_column), &memory, err));
    task->flat = memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, width * sizeof(tn_scratch), &memory, err));
    task->scratch = memory;
    for (uint32_t i = 0; i < width; i++) {
        tn_scratch_init(&task->scratch[i], task->pool);
    }
    TN_RETURN_IF_ERROR(
        tn_pool_alloc_zeroed(task->pool, width * TN_BATCH_ROWS * sizeof(uint32_t), &memory, err));
    task->codes = memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, width * (TN_BATCH_ROWS / 8), &memory, err));
    task->validity = memory;
    return TARN_OK;
}

/* Input column `index` as the rows out see it. */
static TN_FALLIBLE code_input(unnest_task *task, const tn_batch *in, uint32_t index, uint32_t count,
                              tarn_error *err)
{
    const tn_column *from = &in->columns[index];
    tn_column *out = &task->columns[index];
    uint32_t *codes = task->codes + (size_t)index * TN_BATCH_ROWS;
    uint64_t *validity = task->validity + (size_t)index * (TN_BATCH_ROWS / 64);

    TN_RETURN_IF_ERROR(tn_column_raise(from, in, err));
    if (from->encoding == TN_CONSTANT) {
        *out = *from;
        out->rows = count;
        return TARN_OK;
    }
    if (from->encoding == TN_SEQUENCE) {
        TN_RETURN_IF_ERROR(tn_column_flatten(from, NULL, in->rows, from->type->lane,
                                             &task->scratch[index], &task->flat[index], err));
        from = &task->flat[index];
    }
    const bool coded = from->encoding == TN_DICTIONARY;
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = coded ? tn_column_code(from, task->rows[i]) : task->rows[i];
        if (coded && from->validity != NULL) {
            tn_bit_put(validity, i, tn_bit_get(from->validity, task->rows[i]));
        }
    }
    if (!coded && from != &task->flat[index]) {
        task->flat[index] = *from;
        from = &task->flat[index];
    }
    *out = (tn_column){.type = from->type,
                       .lane = from->lane,
                       .encoding = TN_DICTIONARY,
                       .code_lane = TN_LANE_u32,
                       .rows = count,
                       .values = codes,
                       .validity = coded && from->validity != NULL ? validity : NULL,
                       .children = coded ? from->children : from,
                       .dictionary_id = coded ? from->dictionary_id : tn_dictionary_next_id()};
    return TARN_OK;
}

/* Fills rows[] and the element codes with up to a batch; moves row and element. */
static uint32_t expand(unnest_task *task, const tn_batch *in)
{
    const uint32_t lists = task->unnest->lists;
    uint32_t count = 0;
    while (task->row < in->selected && count < TN_BATCH_ROWS) {
        const uint32_t row = tn_batch_row(in, task->row);
        uint32_t longest = 0;
        for (uint32_t i = 0; i < lists; i++) {
            const tn_list list = list_at(&task->lists[i], row);
            longest = list.length > longest ? list.length : longest;
        }
        if (longest == 0 && task->unnest->outer) {
            longest = 1; /* one row of nulls */
        }
        for (; task->element < longest && count < TN_BATCH_ROWS; task->element++, count++) {
            task->rows[count] = (uint16_t)row;
            for (uint32_t i = 0; i < lists; i++) {
                const tn_list list = list_at(&task->lists[i], row);
                const bool there = task->element < list.length;
                const size_t column = in->width + i;
                task->codes[column * TN_BATCH_ROWS + count] =
                    there ? list.offset + task->element : 0;
                tn_bit_put(task->validity + column * (TN_BATCH_ROWS / 64), count, there);
            }
        }
        if (task->element < longest) {
            break;
        }
        task->element = 0;
        task->row++;
    }
    return count;
}

static void code_elements(unnest_task *task, const tn_batch *in, uint32_t index, uint32_t count)
{
    const size_t column = in->width + index;
    const tn_column *from = elements_of(&task->lists[index]);
    tn_column *out = &task->columns[column];
    uint32_t *codes = task->codes + column * TN_BATCH_ROWS;
    uint64_t *validity = task->validity + column * (TN_BATCH_ROWS / 64);
    if (from->encoding == TN_DICTIONARY) {
        for (uint32_t i = 0; i < count; i++) {
            const bool there = tn_bit_get(validity, i) &&
                               (from->validity == NULL || tn_bit_get(from->validity, codes[i]));
            codes[i] = there ? tn_column_code(from, codes[i]) : 0;
            tn_bit_put(validity, i, there);
        }
        from = from->children;
    }
    *out = (tn_column){.type = from->type,
                       .lane = from->lane,
                       .encoding = TN_DICTIONARY,
                       .code_lane = TN_LANE_u32,
                       .rows = count,
                       .values = codes,
                       .validity = validity,
                       .children = from,
                       .dictionary_id = tn_dictionary_next_id()};
}

static tarn_code unnest_step(tn_operator_task *base, const tn_batch *in, tn_batch *out,
                             tn_answer *answer, tarn_error *err)
{
    unnest_task *task = (unnest_task *)base;
    uint32_t next = 0;

    TN_RETURN_IF_ERROR(prepare(task, in, err));
    if (!task->evaluated && in->selected > 0) {
        TN_RETURN_IF_ERROR(tn_evaluator_run(task->evaluator, in, &next, task->lists, err));
        for (uint32_t i = 0; i < task->unnest->lists; i++) {
            TN_RETURN_IF_ERROR(tn_column_raise(&task->lists[i], in, err));
        }
        task->evaluated = true;
    }
    const uint32_t count = in->selected > 0 ? expand(task, in) : 0;
    for (uint32_t i = 0; i < in->width && count > 0; i++) {
        TN_RETURN_IF_ERROR(code_input(task, in, i, count, err));
    }
    for (uint32_t i = 0; i < task->unnest->lists && count > 0; i++) {
        code_elements(task, in, i, count);
    }
    const bool more = task->row < in->selected;
    *out = (tn_batch){.columns = task->columns,
                      .width = task->width,
                      .rows = count,
                      .selected = count,
                      .tag = in->tag};
    out->tag.last = in->tag.last && !more;
    *answer = more ? TN_MORE_OUTPUT : TN_MORE_INPUT;
    if (!more) {
        task->row = task->element = 0;
        task->evaluated = false;
    }
    return TARN_OK;
}

static void unnest_task_close(tn_operator_task *base)
{
    unnest_task *task = (unnest_task *)base;
    const size_t width = task->width;
    for (size_t i = 0; task->scratch != NULL && i < width; i++) {
        tn_scratch_deinit(&task->scratch[i]);
    }
    tn_pool_free(task->pool, task->columns, width * sizeof(tn_column));
    tn_pool_free(task->pool, task->flat, width * sizeof(tn_column));
    tn_pool_free(task->pool, task->scratch, width * sizeof(tn_scratch));
    tn_pool_free(task->pool, task->codes, width * TN_BATCH_ROWS * sizeof(uint32_t));
    tn_pool_free(task->pool, task->validity, width * (TN_BATCH_ROWS / 8));
    tn_pool_free(task->pool, task->lists, task->unnest->lists * sizeof(tn_column));
    tn_evaluator_destroy(task->evaluator);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code unnest_task_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                  tarn_error *err)
{
    tarn_code code = TARN_OK;
    const unnest *u = (const unnest *)op;
    unnest_task *opened = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, sizeof(unnest_task), &memory, err));
    opened = memory;
    opened->base.ops = op->ops;
    opened->unnest = u;
    opened->pool = task->pool;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, u->lists * sizeof(tn_column), &memory, err));
    opened->lists = memory;
    TN_TRY(tn_evaluator_create(u->program, task->pool, &opened->evaluator, err));
    *out = &opened->base;
    opened = NULL;
done:
    if (opened != NULL) {
        unnest_task_close(&opened->base);
    }
    return code;
}

static void unnest_destroy(tn_operator *op)
{
    unnest *u = (unnest *)op;
    tn_pool_free(u->pool, u, sizeof(*u));
}

static const tn_operator_ops unnest_ops = {
    .name = "unnest",
    .task_open = unnest_task_open,
    .task_close = unnest_task_close,
    .step = unnest_step,
    .destroy = unnest_destroy,
};

tarn_code tn_unnest_create(tn_run *run, const tn_expr *const *lists, uint32_t count, bool outer,
                           const tn_layout *layout, tn_operator **out, tarn_error *err)
{
    const tn_program *program;
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(
        tn_program_compile(run->expr, lists, count, layout, run->parameters, &program, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(run->pool, sizeof(unnest), &memory, err));
    unnest *u = memory;
    *u = (unnest){.base = {&unnest_ops},
                  .pool = run->pool,
                  .program = program,
                  .lists = count,
                  .outer = outer};
    *out = &u->base;
    return TARN_OK;
}
