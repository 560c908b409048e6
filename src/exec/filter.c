/* WHERE, ON and HAVING: writes selections and moves nothing. */
#include "exec/operators.h"

typedef struct filter {
    tn_operator base;
    tn_pool *pool;
    const tn_program *program;
    bool prefilter;
} filter;

typedef struct filter_task {
    tn_operator_task base;
    const filter *filter;
    tn_pool *pool;
    tn_evaluator *evaluator;
} filter_task;

static tarn_code filter_step(tn_operator_task *base, const tn_batch *in, tn_batch *out,
                             tn_answer *answer, tarn_error *err)
{
    filter_task *task = (filter_task *)base;
    *answer = TN_MORE_INPUT;
    *out = *in;
    if (in->selected == 0) {
        return TARN_OK;
    }
    return tn_evaluator_filter(task->evaluator, in, task->filter->prefilter, &out->selection,
                               &out->selected, err);
}

static tarn_code filter_task_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                  tarn_error *err)
{
    filter *f = (filter *)op;
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(filter_task), &memory, err));
    filter_task *opened = memory;
    *opened = (filter_task){.base = {op->ops}, .filter = f, .pool = task->pool};
    const tarn_code code = tn_evaluator_create(f->program, task->pool, &opened->evaluator, err);
    if (code != TARN_OK) {
        tn_pool_free(task->pool, opened, sizeof(*opened));
        return code;
    }
    *out = &opened->base;
    return TARN_OK;
}

static void filter_task_close(tn_operator_task *base)
{
    filter_task *task = (filter_task *)base;
    tn_evaluator_destroy(task->evaluator);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static void filter_destroy(tn_operator *op)
{
    filter *f = (filter *)op;
    tn_pool_free(f->pool, f, sizeof(*f));
}

static const tn_operator_ops filter_ops = {
    .name = "filter",
    .task_open = filter_task_open,
    .task_close = filter_task_close,
    .step = filter_step,
    .destroy = filter_destroy,
};

tarn_code tn_filter_create(tn_run *run, const tn_expr *const *predicates, uint32_t count,
                           const tn_layout *layout, bool prefilter, tn_operator **out,
                           tarn_error *err)
{
    const tn_program *program;
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(
        tn_program_compile(run->expr, predicates, count, layout, run->parameters, &program, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(run->pool, sizeof(filter), &memory, err));
    filter *f = memory;
    *f = (filter){
        .base = {&filter_ops}, .pool = run->pool, .program = program, .prefilter = prefilter};
    *out = &f->base;
    return TARN_OK;
}
