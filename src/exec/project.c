/* SELECT's expressions: columns are handed through as they came, the others computed in scratch. */
#include "exec/operators.h"

typedef struct project {
    tn_operator base;
    tn_pool *pool;
    const tn_program *program;
    uint32_t width;
} project;

typedef struct project_task {
    tn_operator_task base;
    const project *project;
    tn_pool *pool;
    tn_evaluator *evaluator;
    uint32_t next; /* of the selection: where strings grew too long to go on at once */
    tn_column *columns;
    uint16_t positions[TN_BATCH_ROWS];
} project_task;

static tarn_code project_step(tn_operator_task *base, const tn_batch *in, tn_batch *out,
                              tn_answer *answer, tarn_error *err)
{
    project_task *task = (project_task *)base;
    const uint32_t from = task->next;

    *out = *in;
    out->columns = task->columns;
    out->width = task->project->width;
    *answer = TN_MORE_INPUT;
    if (in->selected == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_evaluator_run(task->evaluator, in, &task->next, task->columns, err));
    if (from == 0 && task->next >= in->selected) {
        task->next = 0;
        return TARN_OK;
    }
    for (uint32_t i = from; i < task->next; i++) {
        task->positions[i - from] = (uint16_t)tn_batch_row(in, i);
    }
    out->selection = task->positions;
    out->selected = task->next - from;
    if (task->next < in->selected) {
        out->tag.last = false;
        *answer = TN_MORE_OUTPUT;
    } else {
        task->next = 0;
    }
    return TARN_OK;
}

static void project_task_close(tn_operator_task *base)
{
    project_task *task = (project_task *)base;
    tn_evaluator_destroy(task->evaluator);
    tn_pool_free(task->pool, task->columns, task->project->width * sizeof(tn_column));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code project_task_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                   tarn_error *err)
{
    tarn_code code = TARN_OK;
    const project *p = (const project *)op;
    project_task *opened = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, sizeof(project_task), &memory, err));
    opened = memory;
    opened->base.ops = op->ops;
    opened->project = p;
    opened->pool = task->pool;
    TN_TRY(tn_pool_alloc_zeroed(task->pool, p->width * sizeof(tn_column), &memory, err));
    opened->columns = memory;
    TN_TRY(tn_evaluator_create(p->program, task->pool, &opened->evaluator, err));
    *out = &opened->base;
    opened = NULL;
done:
    if (opened != NULL) {
        project_task_close(&opened->base);
    }
    return code;
}

static void project_destroy(tn_operator *op)
{
    project *p = (project *)op;
    tn_pool_free(p->pool, p, sizeof(*p));
}

static const tn_operator_ops project_ops = {
    .name = "project",
    .task_open = project_task_open,
    .task_close = project_task_close,
    .step = project_step,
    .destroy = project_destroy,
};

tarn_code tn_project_create(tn_run *run, const tn_expr *const *exprs, uint32_t count,
                            const tn_layout *layout, tn_operator **out, tarn_error *err)
{
    const tn_program *program;
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(
        tn_program_compile(run->expr, exprs, count, layout, run->parameters, &program, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(run->pool, sizeof(project), &memory, err));
    project *p = memory;
    *p = (project){.base = {&project_ops}, .pool = run->pool, .program = program, .width = count};
    *out = &p->base;
    return TARN_OK;
}
