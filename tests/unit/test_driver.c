#include "exec/driver.h"
#include "exec/operators.h"
#include "exec/result.h"
#include "os/clock.h"
#include "support/operators.h"

/*
 * A pipeline of doubles: a scan of numbered morsels, a step and an end that can be told to answer
 * anything at any time.
 */
enum { BATCHES = 5, ROWS = 100 };

typedef struct plan {
    tn_scan scan;
    tn_operator step, end;
    _Atomic uint64_t cursor;
    uint64_t morsels;
    uint64_t fails_at, fails_too, slow; /* morsels */
    uint64_t enough_after;              /* rows at the end */
    uint32_t waits;                     /* each slot, before each answer */
    uint32_t expands;                   /* times that the step gives its input */
    uint64_t holds; /* the end takes nothing of later morsels until this one ended */
    bool finalise_fails, combine_fails;

    _Atomic uint64_t rows, closed, combined, finalised, scan_tasks, step_tasks, end_tasks;
} plan;

typedef struct scan_double {
    tn_scan_task base;
    plan *p;
    tn_pool *pool;
    uint64_t morsel;
    uint32_t part, waits;
    bool open;
    int64_t values[ROWS];
    tn_column column;
} scan_double;

typedef struct op_double {
    tn_operator_task base;
    plan *p;
    tn_pool *pool;
    tn_waker *waker;
    uint32_t given, waits;
} op_double;

static bool must_wait(const plan *p, uint32_t *waits, tn_waker *waker)
{
    if (*waits < p->waits) {
        ++*waits;
        tn_wake(waker);
        return true;
    }
    *waits = 0;
    return false;
}

static tarn_code double_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                             tn_scan_answer *answer, tarn_error *err)
{
    scan_double *task = (scan_double *)base;
    plan *p = task->p;
    (void)err;
    *answer = TN_SCAN_WAIT;
    if (must_wait(p, &task->waits, waker)) {
        return TARN_OK;
    }
    *answer = TN_SCAN_END;
    if (!task->open) {
        task->morsel = atomic_fetch_add(&p->cursor, 1);
        task->part = 0;
        if (task->morsel >= p->morsels) {
            return TARN_OK;
        }
        task->open = true;
    }
    if (task->morsel == p->slow) {
        tn_clock_sleep_ms(5);
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        task->values[i] = (int64_t)((task->morsel * BATCHES + task->part) * ROWS + i);
    }
    task->column =
        (tn_column){.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = ROWS, .values = task->values};
    *out = (tn_batch){.columns = &task->column,
                      .width = 1,
                      .rows = ROWS,
                      .selected = ROWS,
                      .tag = {.morsel = task->morsel, .last = ++task->part == BATCHES}};
    task->open = task->part < BATCHES;
    *answer = TN_SCAN_BATCH;
    return TARN_OK;
}

static tarn_code double_scan_open(tn_scan *scan, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(scan_double), &memory, err));
    scan_double *task = memory;
    task->p = (plan *)scan;
    task->pool = pool;
    task->base.ops = scan->ops;
    atomic_fetch_add(&task->p->scan_tasks, 1);
    *out = &task->base;
    return TARN_OK;
}

static void double_scan_close(tn_scan_task *base)
{
    scan_double *task = (scan_double *)base;
    atomic_fetch_sub(&task->p->scan_tasks, 1);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code fail_at(const plan *p, uint64_t morsel, tarn_error *err)
{
    return morsel == p->fails_at || morsel == p->fails_too
               ? tn_fail(err, TARN_E_INVALID, "morsel %llu", (unsigned long long)morsel)
               : TARN_OK;
}

static tarn_code double_step(tn_operator_task *base, const tn_batch *in, tn_batch *out,
                             tn_answer *answer, tarn_error *err)
{
    op_double *task = (op_double *)base;
    plan *p = task->p;
    *answer = TN_WAIT;
    if (must_wait(p, &task->waits, task->waker)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(fail_at(p, in->tag.morsel, err));
    *out = *in;
    *answer = TN_MORE_INPUT;
    if (++task->given < p->expands) {
        out->tag.last = false;
        *answer = TN_MORE_OUTPUT;
    } else {
        task->given = 0;
    }
    return TARN_OK;
}

static tarn_code double_take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                             tarn_error *err)
{
    op_double *task = (op_double *)base;
    plan *p = task->p;
    (void)err;
    *answer = TN_WAIT;
    if (must_wait(p, &task->waits, task->waker)) {
        return TARN_OK;
    }
    if (in->tag.morsel > p->holds && atomic_load(&p->closed) == 0) {
        return TARN_OK; /* nobody will wake it but the pipeline itself */
    }
    *answer = TN_MORE_INPUT;
    if (atomic_fetch_add(&p->rows, in->selected) + in->selected >= p->enough_after) {
        *answer = TN_ENOUGH;
    }
    if (in->tag.last && in->tag.morsel == p->holds) {
        atomic_store(&p->closed, 1);
    }
    return TARN_OK;
}

static tarn_code double_combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    op_double *task = (op_double *)base;
    *answer = TN_WAIT;
    if (must_wait(task->p, &task->waits, task->waker)) {
        return TARN_OK;
    }
    *answer = TN_MORE_INPUT;
    atomic_fetch_add(&task->p->combined, 1);
    return task->p->combine_fails ? tn_fail(err, TARN_E_INVALID, "combine") : TARN_OK;
}

static tarn_code double_finalise(tn_operator *op, const tn_task *task, tn_answer *answer,
                                 tarn_error *err)
{
    plan *p = (plan *)(void *)((char *)op - offsetof(plan, end));
    const uint64_t calls = atomic_fetch_add(&p->finalised, 1);
    *answer = calls == 0 ? TN_MORE_OUTPUT : calls < 1 + p->waits ? TN_WAIT : TN_MORE_INPUT;
    if (*answer == TN_WAIT) {
        tn_wake(task->waker);
    }
    return p->finalise_fails ? tn_fail(err, TARN_E_INVALID, "finalise") : TARN_OK;
}

static TN_FALLIBLE open_double(plan *p, const tn_operator_ops *ops, const tn_task *task,
                               tn_operator_task **out, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(op_double), &memory, err));
    op_double *opened = memory;
    opened->base.ops = ops;
    opened->p = p;
    opened->pool = task->pool;
    opened->waker = task->waker;
    *out = &opened->base;
    return TARN_OK;
}

static tarn_code double_step_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                  tarn_error *err)
{
    plan *p = (plan *)(void *)((char *)op - offsetof(plan, step));
    TN_RETURN_IF_ERROR(open_double(p, op->ops, task, out, err));
    atomic_fetch_add(&p->step_tasks, 1);
    return TARN_OK;
}

static tarn_code double_end_open(tn_operator *op, const tn_task *task, tn_operator_task **out,
                                 tarn_error *err)
{
    plan *p = (plan *)(void *)((char *)op - offsetof(plan, end));
    TN_RETURN_IF_ERROR(open_double(p, op->ops, task, out, err));
    atomic_fetch_add(&p->end_tasks, 1);
    return TARN_OK;
}

static void double_step_close(tn_operator_task *base)
{
    op_double *task = (op_double *)base;
    atomic_fetch_sub(&task->p->step_tasks, 1);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static void double_end_close(tn_operator_task *base)
{
    op_double *task = (op_double *)base;
    atomic_fetch_sub(&task->p->end_tasks, 1);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static const tn_scan_ops scan_ops = {
    .task_open = double_scan_open, .read = double_read, .task_close = double_scan_close};
static const tn_operator_ops step_ops = {.name = "step",
                                         .task_open = double_step_open,
                                         .task_close = double_step_close,
                                         .step = double_step};
static const tn_operator_ops end_ops = {.name = "end",
                                        .task_open = double_end_open,
                                        .task_close = double_end_close,
                                        .take = double_take,
                                        .combine = double_combine,
                                        .finalise = double_finalise};

static plan plan_of(uint64_t morsels)
{
    return (plan){.scan = {&scan_ops},
                  .step = {&step_ops},
                  .end = {&end_ops},
                  .morsels = morsels,
                  .fails_at = UINT64_MAX,
                  .fails_too = UINT64_MAX,
                  .slow = UINT64_MAX,
                  .holds = UINT64_MAX,
                  .enough_after = UINT64_MAX,
                  .expands = 1};
}

static bool is_done(void *context)
{
    return atomic_load(&((tn_pipeline *)context)->is_done);
}

/* Runs it with some drivers; TARN_E_INTERNAL where it never ends. */
static tarn_code run_plan(bench *b, plan *p, uint32_t drivers, tn_operator *end,
                          tn_slot_counters *counters, tarn_error *err)
{
    tn_operator *step = &p->step;
    tn_gang gang;
    tn_pipeline pipeline = {.run = &b->run,
                            .scan = &p->scan,
                            .steps = &step,
                            .step_count = 1,
                            .end = end,
                            .finalises = true,
                            .counters = counters};
    tn_gang_init(&gang, drivers);
    tarn_code code = tn_pipeline_start(&pipeline, &gang, drivers, err);
    if (code == TARN_OK) {
        tn_gang_work(&gang, is_done, &pipeline, 20000);
        if (!is_done(&pipeline)) {
            return TARN_E_INTERNAL; /* and leaks: drivers still stand on it */
        }
        code = tn_pipeline_close(&pipeline, err);
    } else {
        (void)!tn_pipeline_close(&pipeline, NULL);
    }
    tn_gang_deinit(&gang);
    return code;
}

TEST(a_driver_walks_all_rows_whatever_waits_or_expands)
{
    for (uint32_t drivers = 1; drivers <= 4; drivers++) {
        for (uint32_t waits = 0; waits < 3; waits++) {
            bench b;
            plan p = plan_of(9);
            tn_slot_counters counters[3] = {{0}};
            p.waits = waits;
            p.expands = 1 + 3 * waits;
            CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
            CHECK_EQ(run_plan(&b, &p, drivers, &p.end, counters, &b.err), TARN_OK);
            CHECK_EQ(p.rows, 9 * BATCHES * ROWS * p.expands);
            CHECK_EQ(p.combined, drivers);
            CHECK_EQ(p.finalised, 2 + waits);
            CHECK_EQ(counters[0].rows, 9 * BATCHES * ROWS);
            CHECK_EQ(counters[1].rows, p.rows);
            CHECK_EQ(counters[1].batches, 9 * BATCHES * p.expands);
            CHECK_EQ(p.scan_tasks + p.step_tasks + p.end_tasks, 0);
            bench_deinit(&b);
        }
    }
}

TEST(enough_at_the_end_stops_every_driver)
{
    for (uint32_t drivers = 1; drivers <= 3; drivers++) {
        bench b;
        plan p = plan_of(1000000);
        p.enough_after = 1000;
        CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
        CHECK_EQ(run_plan(&b, &p, drivers, &p.end, NULL, &b.err), TARN_OK);
        CHECK(p.rows >= 1000 && p.cursor < 10000);
        CHECK_EQ(p.combined, drivers);
        CHECK_EQ(p.finalised, 2);
        bench_deinit(&b);
    }
}

TEST(the_lowest_morsels_error_is_the_one_that_is_told)
{
    for (int round = 0; round < 20; round++) {
        bench b;
        tarn_error err = TARN_ERROR_INIT;
        plan p = plan_of(50);
        p.fails_at = 7;
        p.fails_too = 8;
        p.slow = 7; /* the higher one fails first */
        p.waits = (uint32_t)round % 2;
        CHECK_EQ(bench_init(&b, pool, SIZE_MAX, 3), TARN_OK);
        CHECK_EQ(run_plan(&b, &p, 3, &p.end, NULL, &err), TARN_E_INVALID);
        CHECK_STR(err.message, "morsel 7");
        CHECK_EQ(p.finalised, 0);
        CHECK_EQ(p.scan_tasks + p.step_tasks + p.end_tasks, 0);
        bench_deinit(&b);
    }
}

TEST(who_waits_for_a_failed_morsels_turn_is_not_left_waiting)
{
    bench b;
    tarn_error err = TARN_ERROR_INIT;
    plan p = plan_of(50);
    p.fails_at = p.holds = 0;
    p.slow = 0; /* the others park long before it fails */
    CHECK_EQ(bench_init(&b, pool, SIZE_MAX, 3), TARN_OK);
    CHECK_EQ(run_plan(&b, &p, 3, &p.end, NULL, &err), TARN_E_INVALID);
    CHECK_STR(err.message, "morsel 0");
    bench_deinit(&b);
}

TEST(combine_and_finalise_may_fail)
{
    for (int both = 0; both < 2; both++) {
        bench b;
        tarn_error err = TARN_ERROR_INIT;
        plan p = plan_of(4);
        p.combine_fails = both == 0;
        p.finalise_fails = both == 1;
        CHECK_EQ(bench_init(&b, pool, SIZE_MAX, 2), TARN_OK);
        CHECK_EQ(run_plan(&b, &p, 2, &p.end, NULL, &err), TARN_E_INVALID);
        CHECK_STR(err.message, both == 0 ? "combine" : "finalise");
        CHECK_EQ(p.scan_tasks + p.step_tasks + p.end_tasks, 0);
        bench_deinit(&b);
    }
}

TEST(a_cancelled_pipeline_ends_without_an_answer)
{
    bench b;
    tarn_error err = TARN_ERROR_INIT;
    plan p = plan_of(UINT64_MAX);
    CHECK_EQ(bench_init(&b, pool, SIZE_MAX, 2), TARN_OK);
    atomic_store(&b.cancelled, true);
    CHECK_EQ(run_plan(&b, &p, 2, &p.end, NULL, &err), TARN_E_CANCELLED);
    CHECK_EQ(p.finalised, 0);
    bench_deinit(&b);
}

TEST(a_pipeline_that_cannot_be_opened_closes_what_it_opened)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        bench b;
        plan p = plan_of(3);
        tarn_code code = bench_init(&b, pool, SIZE_MAX, 3);
        if (code == TARN_OK) {
            code = run_plan(&b, &p, 3, &p.end, NULL, &b.err);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        CHECK_EQ(p.scan_tasks + p.step_tasks + p.end_tasks, 0);
        bench_deinit(&b);
    }
}

/* ---- the result: order, LIMIT, a reader that is slow ------------------------------------------*/

typedef struct reading {
    tn_pipeline *pipeline;
    tn_operator *result;
} reading;

static bool something_came(void *context)
{
    const reading *r = context;
    return atomic_load(&r->pipeline->is_done) || tn_result_is_ready(r->result);
}

/* Reads all rows; -1 where they are out of order. */
static int64_t read_result(bench *b, plan *p, uint32_t drivers, uint64_t limit, uint64_t offset,
                           tarn_code *code)
{
    tn_operator *result = NULL;
    tn_operator *step = &p->step;
    const tn_type *const type = TN_BIGINT;
    tn_gang gang;
    tn_pipeline pipeline = {
        .run = &b->run, .scan = &p->scan, .steps = &step, .step_count = 1, .finalises = true};
    const tn_result_options options = {.pool = &b->query,
                                       .types = &type,
                                       .width = 1,
                                       .chunk_rows = 256,
                                       .ordered = true,
                                       .limit = limit,
                                       .offset = offset};
    reading r = {&pipeline, NULL};
    int64_t rows = 0;

    *code = tn_result_create(&b->run, &options, &result, &b->err);
    if (*code != TARN_OK) {
        return 0;
    }
    r.result = pipeline.end = result;
    tn_gang_init(&gang, drivers);
    *code = tn_pipeline_start(&pipeline, &gang, drivers, &b->err);
    while (*code == TARN_OK) {
        tn_chunk *chunk = NULL;
        const bool all = atomic_load(&pipeline.is_done);
        *code = tn_result_next(result, all, &chunk, &b->err);
        for (uint32_t i = 0; chunk != NULL && i < chunk->rows; i++) {
            const int64_t want = (int64_t)offset + rows;
            rows =
                rows < 0 || ((const int64_t *)chunk->columns[0].values)[i] != want ? -1 : rows + 1;
        }
        tn_chunk_release(chunk);
        if (chunk == NULL && all) {
            break;
        }
        tn_gang_work(&gang, something_came, &r, 20);
    }
    if (*code == TARN_OK || pipeline.drivers != NULL) {
        while (!atomic_load(&pipeline.is_done)) {
            tn_gang_work(&gang, is_done, &pipeline, 1000);
        }
        const tarn_code closed = tn_pipeline_close(&pipeline, &b->err);
        *code = *code == TARN_OK ? closed : *code;
    }
    result->ops->destroy(result);
    tn_gang_deinit(&gang);
    return rows;
}

TEST(results_come_in_order_from_any_number_of_drivers)
{
    for (uint32_t drivers = 1; drivers <= 7; drivers += 3) {
        for (uint64_t slow = 0; slow < 3; slow++) {
            bench b;
            tarn_code code;
            plan p = plan_of(30);
            p.slow = slow == 0 ? UINT64_MAX : slow;
            p.waits = (uint32_t)slow;
            CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
            CHECK_EQ(read_result(&b, &p, drivers, UINT64_MAX, 0, &code), 30 * BATCHES * ROWS);
            CHECK_EQ(code, TARN_OK);
            p = plan_of(100000);
            p.slow = slow;
            CHECK_EQ(read_result(&b, &p, drivers, 777, 1234, &code), 777);
            CHECK_EQ(code, TARN_OK);
            CHECK(p.cursor < 50000);
            bench_deinit(&b);
        }
    }
}

TEST(a_result_that_fails_leaves_nothing_behind)
{
    for (uint64_t at = 0; at < 12; at += 3) {
        bench b;
        tarn_code code;
        plan p = plan_of(30);
        p.fails_at = at;
        p.slow = at;
        CHECK_EQ(bench_init(&b, pool, SIZE_MAX, 3), TARN_OK);
        CHECK(read_result(&b, &p, 3, UINT64_MAX, 0, &code) >= 0);
        CHECK_STR(b.err.message, at == 0   ? "morsel 0"
                                 : at == 3 ? "morsel 3"
                                 : at == 6 ? "morsel 6"
                                           : "morsel 9");
        CHECK_EQ(code, TARN_E_INVALID);
        bench_deinit(&b);
    }
}
