#include "base/hash.h"
#include "column/value.h"
#include "exec/driver.h"
#include "exec/operators.h"
#include "exec/result.h"
#include "exec/tee.h"
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
    bool hashes; /* the end reads what it is given: rows of two BIGINTs */

    _Atomic uint64_t hash; /* of those rows in any order */
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

static uint64_t hash_of_row(int64_t first, int64_t second)
{
    return tn_hash_mix(tn_hash_u64((uint64_t)first), (uint64_t)second);
}

static TN_FALLIBLE hash_rows(plan *p, const tn_batch *in, tarn_error *err)
{
    for (uint32_t i = 0; i < in->selected; i++) {
        const uint32_t row = in->selection == NULL ? i : in->selection[i];
        tn_value first, second;
        TN_RETURN_IF_ERROR(tn_value_of(&in->columns[0], row, NULL, &first, err));
        TN_RETURN_IF_ERROR(tn_value_of(&in->columns[1], row, NULL, &second, err));
        atomic_fetch_add(&p->hash, hash_of_row(first.i64, second.i64));
    }
    return TARN_OK;
}

static tarn_code double_take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                             tarn_error *err)
{
    op_double *task = (op_double *)base;
    plan *p = task->p;
    *answer = TN_WAIT;
    if (must_wait(p, &task->waits, task->waker)) {
        return TARN_OK;
    }
    if (in->tag.morsel > p->holds && atomic_load(&p->closed) == 0) {
        return TARN_OK; /* nobody will wake it but the pipeline itself */
    }
    if (p->hashes) {
        TN_RETURN_IF_ERROR(hash_rows(p, in, err));
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
static tarn_code run_step(bench *b, plan *p, tn_operator *step, uint32_t drivers, tn_operator *end,
                          tn_slot_counters *counters, tarn_error *err)
{
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

static tarn_code run_plan(bench *b, plan *p, uint32_t drivers, tn_operator *end,
                          tn_slot_counters *counters, tarn_error *err)
{
    return run_step(b, p, &p->step, drivers, end, counters, err);
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

/* ---- a sink that waits on every batch, under a join that makes 100,000 rows of one
 * --------------*/

enum { HOT_KEYS = 3, HOT_ROWS = 100000, BUILD_ROWS = 1000 };

typedef struct building {
    int64_t keys[BUILD_ROWS], ids[BUILD_ROWS];
    tn_column columns[2];
} building;

static int64_t key_of(int64_t id)
{
    return 7 + BATCHES * ROWS * (id % HOT_KEYS); /* one a morsel */
}

static bool build_batch(void *context, uint32_t index, tn_batch *out)
{
    building *build = context;
    for (uint32_t i = 0; i < BUILD_ROWS; i++) {
        build->ids[i] = (int64_t)index * BUILD_ROWS + i;
        build->keys[i] = key_of(build->ids[i]);
    }
    for (uint32_t c = 0; c < 2; c++) {
        build->columns[c] = (tn_column){.type = TN_BIGINT,
                                        .lane = TN_LANE_i64,
                                        .rows = BUILD_ROWS,
                                        .values = c == 0 ? build->keys : build->ids};
    }
    *out = (tn_batch){.columns = build->columns,
                      .width = 2,
                      .rows = BUILD_ROWS,
                      .selected = BUILD_ROWS,
                      .tag = {index, 0, true}};
    return index < HOT_KEYS * HOT_ROWS / BUILD_ROWS;
}

static tarn_code run_join(bench *b, plan *p, uint32_t drivers)
{
    static const tn_column_id probe_ids[] = {10};
    static const tn_column_id build_ids[] = {0, 1};
    static const tn_column_id both_ids[] = {10, 1};
    const tn_layout probe_layout = {1, probe_ids};
    const tn_layout build_layout = {2, build_ids};
    const tn_layout both_layout = {2, both_ids};
    const tn_type *const bigint = TN_BIGINT;
    const uint32_t payload = 1;
    const bool null_equal = false;
    building build;
    tn_operator *end = NULL;
    tn_operator *probe = NULL;
    const tn_expr *build_key = bench_column(b, 0, TN_BIGINT);
    const tn_expr *probe_key = bench_column(b, 10, TN_BIGINT);
    const tn_join_options options = {.kind = TN_JOIN_INNER,
                                     .build_keys = &build_key,
                                     .probe_keys = &probe_key,
                                     .null_equal = &null_equal,
                                     .key_count = 1,
                                     .build_layout = &build_layout,
                                     .probe_layout = &probe_layout,
                                     .probe_types = &bigint,
                                     .payload = &payload,
                                     .payload_types = &bigint,
                                     .payload_count = 1,
                                     .residual_layout = &both_layout};
    tarn_code code = tn_join_create(&b->run, &options, &end, &probe, &b->err);
    if (code == TARN_OK) {
        code = bench_push(b, end, build_batch, &build);
    }
    if (code == TARN_OK) {
        code = run_step(b, p, probe, drivers, &p->end, NULL, &b->err);
    }
    if (probe != NULL) {
        probe->ops->destroy(probe);
    }
    if (end != NULL) {
        end->ops->destroy(end);
    }
    return code;
}

TEST(a_sink_that_waits_on_every_batch_gets_all_rows_of_an_expanding_join)
{
    uint64_t expected = 0;
    for (int64_t id = 0; id < HOT_KEYS * HOT_ROWS; id++) {
        expected += hash_of_row(key_of(id), id);
    }
    for (uint32_t drivers = 1; drivers <= 4; drivers += 3) {
        for (uint32_t waits = 0; waits < 3; waits++) {
            bench b;
            plan p = plan_of(2 * HOT_KEYS);
            p.waits = waits;
            p.hashes = true;
            CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
            CHECK_EQ(run_join(&b, &p, drivers), TARN_OK);
            CHECK_EQ(p.rows, HOT_KEYS * HOT_ROWS);
            CHECK_EQ(p.hash, expected);
            CHECK_EQ(p.scan_tasks + p.end_tasks, 0);
            bench_deinit(&b);
        }
    }
}

/* ---- a tee ------------------------------------------------------------------------------------*/

enum { OUTPUTS = 3 };

typedef struct teed {
    plan source, outputs[OUTPUTS];
    tn_operator *steps[OUTPUTS];
    tn_slot_counters counters[OUTPUTS][3];
    _Atomic bool enough[OUTPUTS];
} teed;

static void teed_init(teed *t, uint64_t morsels)
{
    memset(t, 0, sizeof(*t));
    t->source = plan_of(morsels);
    for (uint32_t i = 0; i < OUTPUTS; i++) {
        t->outputs[i] = plan_of(0);
    }
}

static tarn_code run_teed(bench *b, teed *t, uint32_t drivers)
{
    tn_tee_output outputs[OUTPUTS];
    tn_operator *tee = NULL;
    for (uint32_t i = 0; i < OUTPUTS; i++) {
        t->steps[i] = &t->outputs[i].step;
        outputs[i] = (tn_tee_output){.steps = &t->steps[i],
                                     .step_count = 1,
                                     .end = &t->outputs[i].end,
                                     .enough = &t->enough[i],
                                     .counters = t->counters[i]};
    }
    tarn_code code = tn_tee_create(&b->run, outputs, OUTPUTS, &tee, &b->err);
    if (code == TARN_OK) {
        code = run_plan(b, &t->source, drivers, tee, NULL, &b->err);
        tee->ops->destroy(tee);
    }
    return code;
}

static uint64_t open_tasks(const teed *t)
{
    uint64_t open = t->source.scan_tasks + t->source.step_tasks;
    for (uint32_t i = 0; i < OUTPUTS; i++) {
        open += t->outputs[i].step_tasks + t->outputs[i].end_tasks;
    }
    return open;
}

TEST(a_tee_gives_each_output_all_rows_though_they_wait_in_turn)
{
    for (uint32_t drivers = 1; drivers <= 4; drivers++) {
        for (uint32_t waits = 0; waits < 4; waits++) {
            bench b;
            teed t;
            teed_init(&t, 9);
            t.source.waits = waits / 2;
            for (uint32_t i = 0; i < OUTPUTS; i++) {
                t.outputs[i].waits = (waits + i) % 4;
                t.outputs[i].expands = 1 + 300 * i; /* past a turn */
            }
            CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
            CHECK_EQ(run_teed(&b, &t, drivers), TARN_OK);
            for (uint32_t i = 0; i < OUTPUTS; i++) {
                const plan *p = &t.outputs[i];
                CHECK_EQ(p->rows, 9 * BATCHES * ROWS * p->expands);
                CHECK_EQ(p->combined, drivers);
                CHECK_EQ(p->finalised, 2 + p->waits);
                CHECK_EQ(t.counters[i][0].rows, 9 * BATCHES * ROWS);
                CHECK_EQ(t.counters[i][1].taken, 9 * BATCHES * ROWS);
                CHECK_EQ(t.counters[i][1].rows, p->rows);
                CHECK_EQ(t.counters[i][2].taken, p->rows);
            }
            CHECK_EQ(open_tasks(&t), 0);
            bench_deinit(&b);
        }
    }
}

TEST(an_output_of_a_tee_that_has_enough_leaves_the_others_alone)
{
    for (uint32_t drivers = 1; drivers <= 4; drivers++) {
        bench b;
        teed t;
        teed_init(&t, 40);
        t.outputs[0].enough_after = 1000;
        t.outputs[1].waits = 1;
        t.outputs[2].enough_after = 1;
        CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
        CHECK_EQ(run_teed(&b, &t, drivers), TARN_OK);
        CHECK_EQ(t.outputs[1].rows, 40 * BATCHES * ROWS);
        CHECK(t.outputs[0].rows >= 1000 && t.outputs[0].rows <= 1000 + drivers * ROWS);
        CHECK(t.outputs[2].rows >= 1 && t.outputs[2].rows <= drivers * ROWS);
        CHECK(t.enough[0] && !t.enough[1] && t.enough[2]);
        CHECK_EQ(t.outputs[0].combined, drivers);
        bench_deinit(&b);
        teed_init(&t, 1000000);
        for (uint32_t i = 0; i < OUTPUTS; i++) {
            t.outputs[i].enough_after = 1000 * (i + 1);
        }
        CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
        CHECK_EQ(run_teed(&b, &t, drivers), TARN_OK);
        CHECK(t.source.cursor < 1000000); /* when all have, the scan stops */
        CHECK_EQ(open_tasks(&t), 0);
        bench_deinit(&b);
    }
}

TEST(an_output_of_a_tee_may_fail)
{
    for (uint32_t drivers = 1; drivers <= 4; drivers++) {
        for (uint32_t which = 0; which < OUTPUTS; which++) {
            for (int how = 0; how < 3; how++) {
                static const char *const messages[] = {"morsel 3", "combine", "finalise"};
                bench b;
                teed t;
                teed_init(&t, 20);
                t.outputs[which].fails_at = how == 0 ? 3 : UINT64_MAX;
                t.outputs[which].combine_fails = how == 1;
                t.outputs[which].finalise_fails = how == 2;
                t.outputs[(which + 1) % OUTPUTS].waits = 1;
                CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
                CHECK_EQ(run_teed(&b, &t, drivers), TARN_E_INVALID);
                CHECK_STR(b.err.message, messages[how]);
                CHECK_EQ(open_tasks(&t), 0);
                bench_deinit(&b);
            }
        }
    }
}

static void *cancel_later(void *cancelled)
{
    tn_clock_sleep_ms(20);
    atomic_store((_Atomic bool *)cancelled, true);
    return NULL;
}

TEST(a_tee_is_cancelled_while_an_output_expands_without_end)
{
    for (uint32_t drivers = 1; drivers <= 4; drivers += 3) {
        bench b;
        teed t;
        pthread_t thread;
        teed_init(&t, 4);
        t.outputs[1].expands = UINT32_MAX;
        t.outputs[2].waits = 1;
        CHECK_EQ(bench_init(&b, pool, SIZE_MAX, drivers), TARN_OK);
        CHECK_EQ(pthread_create(&thread, NULL, cancel_later, &b.cancelled), 0);
        CHECK_EQ(run_teed(&b, &t, drivers), TARN_E_CANCELLED);
        (void)pthread_join(thread, NULL);
        CHECK_EQ(open_tasks(&t), 0);
        bench_deinit(&b);
    }
}

TEST(a_tee_survives_the_loss_of_any_allocation)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        bench b;
        teed t;
        teed_init(&t, 3);
        tarn_code code = bench_init(&b, pool, SIZE_MAX, 2);
        if (code == TARN_OK) {
            code = run_teed(&b, &t, 2);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        CHECK_EQ(open_tasks(&t), 0);
        bench_deinit(&b);
    }
}
