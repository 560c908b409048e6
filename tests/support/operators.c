#include "support/operators.h"

tarn_code bench_init(bench *b, tn_pool *pool, size_t limit, uint32_t threads)
{
    memset(b, 0, sizeof(*b));
    b->err = (tarn_error)TARN_ERROR_INIT;
    tn_pool_init(&b->query, pool, "query", limit);
    for (uint32_t i = 0; i < 4; i++) {
        tn_pool_init(&b->task_pools[i], &b->query, "task", SIZE_MAX);
    }
    tn_arena_init(&b->arena, &b->query);
    b->run = (tn_run){.pool = &b->query,
                      .expr = &b->context,
                      .threads = threads,
                      .preserve_order = true,
                      .cancelled = &b->cancelled};
    b->context = (tn_expr_context){.arena = &b->arena, .zone = TN_STR("UTC")};
    for (uint32_t i = 0; i < 4; i++) {
        b->tasks[i] = (tn_task){.run = &b->run, .pool = &b->task_pools[i], .index = i};
    }
    tarn_code code = tn_types_create(&b->query, &b->types, &b->err);
    if (code == TARN_OK) {
        b->run.types = b->context.types = b->types;
        code = tn_spill_create(&b->query, TN_STR("/tmp"), &b->run.spill, &b->err);
    }
    return code;
}

void bench_deinit(bench *b)
{
    tn_spill_destroy(b->run.spill);
    tn_arena_deinit(&b->arena);
    tn_types_destroy(b->types);
    for (uint32_t i = 0; i < 4; i++) {
        tn_pool_deinit(&b->task_pools[i]);
    }
    tn_pool_deinit(&b->query);
}

const tn_expr *bench_column(bench *b, uint32_t id, const tn_type *type)
{
    const tn_expr *out = NULL;
    if (tn_expr_column(&b->context, id, TN_STR("x"), type, (tn_span){0, 0}, &out, &b->err) !=
        TARN_OK) {
        return NULL;
    }
    return out;
}

tarn_code bench_push(bench *b, tn_operator *end, bench_source *source, void *context)
{
    tn_operator_task *tasks[4] = {NULL};
    tn_answer answer;
    tn_batch batch;
    tarn_code code = TARN_OK;
    const uint32_t threads = b->run.threads;

    for (uint32_t i = 0; i < threads; i++) {
        TN_TRY(end->ops->task_open(end, &b->tasks[i], &tasks[i], &b->err));
    }
    for (uint32_t i = 0; source(context, i, &batch); i++) {
        do {
            TN_TRY(end->ops->take(tasks[batch.tag.morsel % threads], &batch, &answer, &b->err));
        } while (answer == TN_WAIT);
    }
    for (uint32_t i = 0; i < threads; i++) {
        do {
            TN_TRY(end->ops->combine(tasks[i], &answer, &b->err));
        } while (answer == TN_WAIT);
    }
    do {
        TN_TRY(end->ops->finalise(end, &b->tasks[0], &answer, &b->err));
    } while (answer != TN_MORE_INPUT);
done:
    for (uint32_t i = 0; i < threads; i++) {
        if (tasks[i] != NULL) {
            end->ops->task_close(tasks[i]);
        }
    }
    return code;
}

tarn_code bench_read_scan(bench *b, tn_scan *scan, bench_see *see, void *context)
{
    tn_scan_task *tasks[4] = {NULL};
    bool ended[4] = {false};
    tarn_code code = TARN_OK;
    uint32_t left = b->run.threads;

    for (uint32_t i = 0; i < b->run.threads; i++) {
        TN_TRY(scan->ops->task_open(scan, &b->task_pools[i], &tasks[i], &b->err));
    }
    while (left > 0) {
        for (uint32_t i = 0; i < b->run.threads; i++) {
            tn_batch batch = {0};
            tn_scan_answer answer = TN_SCAN_WAIT;
            if (ended[i]) {
                continue;
            }
            TN_TRY(scan->ops->read(tasks[i], NULL, &batch, &answer, &b->err));
            if (answer == TN_SCAN_BATCH) {
                see(context, &batch);
            }
            ended[i] = answer == TN_SCAN_END;
            left -= ended[i];
        }
    }
    code = scan->ops->finish(scan, &b->err);
done:
    for (uint32_t i = 0; i < b->run.threads; i++) {
        if (tasks[i] != NULL) {
            scan->ops->task_close(tasks[i]);
        }
    }
    return code;
}

tarn_code bench_read(bench *b, tn_operator *op, bench_see *see, void *context)
{
    tn_scan *scan;
    TN_RETURN_IF_ERROR(op->ops->scan(op, &scan, &b->err));
    const tarn_code code = bench_read_scan(b, scan, see, context);
    scan->ops->close(scan);
    return code;
}

tarn_code bench_step(bench *b, tn_operator *step, bench_source *source, void *context,
                     bench_see *see, void *see_context)
{
    tn_operator_task *tasks[4] = {NULL};
    tn_answer answer;
    tn_batch batch;
    tn_batch out;
    tarn_code code = TARN_OK;
    const uint32_t threads = b->run.threads;

    for (uint32_t i = 0; i < threads; i++) {
        TN_TRY(step->ops->task_open(step, &b->tasks[i], &tasks[i], &b->err));
    }
    for (uint32_t i = 0; source(context, i, &batch); i++) {
        do {
            out = (tn_batch){0};
            TN_TRY(
                step->ops->step(tasks[batch.tag.morsel % threads], &batch, &out, &answer, &b->err));
            if (answer != TN_WAIT && out.selected > 0) {
                see(see_context, &out);
            }
        } while (answer == TN_WAIT || answer == TN_MORE_OUTPUT);
        if (answer == TN_ENOUGH) {
            break;
        }
    }
done:
    for (uint32_t i = 0; i < threads; i++) {
        if (tasks[i] != NULL) {
            step->ops->task_close(tasks[i]);
        }
    }
    return code;
}
