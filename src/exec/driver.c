#include "exec/driver.h"

#include "os/clock.h"
#include "scan/sink.h"

#include <assert.h>
#include <stdlib.h>

/* Batches after which a driver lets other tasks run. */
enum { TURN_BATCHES = 128 };

typedef enum phase { PHASE_WALK, PHASE_PLACE, PHASE_COMBINE, PHASE_FINALISE } phase;

typedef struct tn_driver {
    tn_work *work; /* its waker is the driver's */
    tn_pipeline *pipeline;
    tn_pool pool;
    tn_task task;
    phase phase;
    uint32_t at;       /* the slot to go on with; 0 is the scan, the last the end */
    uint32_t at_fault; /* the slot that failed */
    uint64_t again;    /* bit k: slot k wants the same input again */
    uint64_t morsel;   /* in work: for the order of errors */
    tn_scan_task *scan;
    tn_operator_task *steps[TN_STEPS_MAX];
    tn_operator_task *end;
    tn_batch outputs[TN_STEPS_MAX + 1]; /* of the scan and of each step */
    tn_slot_counters counters[TN_STEPS_MAX + 2];
    bool pool_made;
#ifdef TARN_TEST_HOOKS
    uint32_t forced[TN_STEPS_MAX + 2], forced_phase[2]; /* waits still to be made up */
#endif
} tn_driver;

/* ---- failure ----------------------------------------------------------------------------------*/

/* The lowest morsel's error is the one that is told, so that every run tells the same. */
static void record_failure(tn_driver *driver, tarn_code code, const tarn_error *err)
{
    tn_pipeline *pipeline = driver->pipeline;
    pthread_mutex_lock(&pipeline->lock);
    if (pipeline->code == TARN_OK || driver->morsel < atomic_load(&pipeline->failed_at)) {
        pipeline->code = code;
        pipeline->error = *err;
        pipeline->error.row = err->row == TN_ROW_OF_BATCH ? 0 : err->row;
        atomic_store(&pipeline->failed_at, driver->morsel);
    }
    pthread_mutex_unlock(&pipeline->lock);
    /* Who waits for the failed morsel's turn to pass would wait for ever. */
    tn_pipeline_stir(pipeline);
}

/* What wanted the memory there was not enough of. */
static tarn_code explain_step(tarn_code code, const tn_operator_ops *ops, tarn_error *err)
{
    if (code == TARN_E_NOMEM) {
        tn_explain(err, "step '%s'", ops->name);
    }
    return code;
}

/* Morsels below the failed one are still run to their end: one of them may fail, too. */
static bool must_leave(const tn_driver *driver)
{
    const tn_pipeline *pipeline = driver->pipeline;
    return atomic_load_explicit(&pipeline->enough, memory_order_relaxed) ||
           driver->morsel >= atomic_load_explicit(&pipeline->failed_at, memory_order_relaxed);
}

/* ---- one slot ---------------------------------------------------------------------------------*/

#ifdef TARN_TEST_HOOKS
uint32_t tn_driver__forced_waits(void)
{
    static _Atomic int cached = -1;
    int waits = atomic_load(&cached);
    if (waits < 0) {
        const char *text = getenv("TARN_FORCE_WAIT");
        waits = text == NULL ? 0 : (int)strtol(text, NULL, 10);
        atomic_store(&cached, waits);
    }
    return (uint32_t)waits;
}

static bool force(tn_driver *driver, uint32_t *left)
{
    if (*left == 0) {
        return false;
    }
    (*left)--;
    tn_wake(&driver->work->waker);
    return true;
}
#endif

static TN_FALLIBLE run_scan(tn_driver *driver, tn_answer *answer, tarn_error *err)
{
    tn_batch *out = &driver->outputs[0];
    tn_scan_answer scanned = TN_SCAN_END;
    TN_RETURN_IF_ERROR(
        driver->scan->ops->read(driver->scan, &driver->work->waker, out, &scanned, err));
    if (scanned == TN_SCAN_BATCH) {
        driver->morsel = out->tag.morsel;
        out->tag.morsel |= driver->pipeline->ordinal;
    }
    *answer = scanned == TN_SCAN_BATCH  ? TN_MORE_OUTPUT
              : scanned == TN_SCAN_WAIT ? TN_WAIT
                                        : TN_ENOUGH;
    return TARN_OK;
}

static TN_FALLIBLE run_slot(tn_driver *driver, uint32_t at, tn_answer *answer, tarn_error *err)
{
    const uint32_t steps = driver->pipeline->step_count;
#ifdef TARN_TEST_HOOKS
    if (force(driver, &driver->forced[at])) {
        *answer = TN_WAIT;
        return TARN_OK;
    }
#endif
    if (at == 0) {
        return run_scan(driver, answer, err);
    }
    const tn_batch *in = &driver->outputs[at - 1];
    if (at <= steps) {
        tn_operator_task *step = driver->steps[at - 1];
        tn_batch *out = &driver->outputs[at];
        out->selected = 0;
        out->tag = in->tag;
        return explain_step(step->ops->step(step, in, out, answer, err), step->ops, err);
    }
    return explain_step(driver->end->ops->take(driver->end, in, answer, err), driver->end->ops,
                        err);
}

/* What came out of a slot goes down when there are rows, or when a morsel ends with it. */
static bool has_output(const tn_driver *driver, uint32_t at)
{
    return at <= driver->pipeline->step_count &&
           (driver->outputs[at].selected > 0 || driver->outputs[at].tag.last);
}

static void count(tn_driver *driver, uint32_t at, uint64_t nanos, bool inputs, bool outputs)
{
    tn_slot_counters *counters = &driver->counters[at];
    counters->nanos += nanos;
    if (inputs) {
        counters->taken += driver->outputs[at - 1].selected;
    }
    if (outputs) {
        counters->batches++;
        counters->rows += driver->outputs[at].selected;
    }
}

/* ---- the walk ---------------------------------------------------------------------------------*/

typedef enum walk_end { WALK_OVER, WALK_PARK, WALK_TURN, WALK_FAILED } walk_end;

static walk_end walk(tn_driver *driver, tarn_code *code, tarn_error *err)
{
    const tn_pipeline *pipeline = driver->pipeline;
    const uint32_t end = pipeline->step_count + 1;
    uint32_t at = driver->at;
    uint64_t before = tn_clock_monotonic_ns();

    for (uint32_t turns = 0;;) {
        tn_answer answer = TN_MORE_INPUT;
        const bool is_new = at > 0 && (driver->again >> at & 1) == 0; /* input */
        *code = run_slot(driver, at, &answer, err);
        const uint64_t after = tn_clock_monotonic_ns();
        if (*code != TARN_OK) {
            driver->at_fault = at;
            return WALK_FAILED;
        }
        if (answer == TN_WAIT) {
            count(driver, at, after - before, false, false);
            driver->at = at;
            return WALK_PARK;
        }
        switch (answer) {
        case TN_MORE_OUTPUT:
            driver->again |= UINT64_C(1) << at;
            break;
        case TN_ENOUGH:
            driver->again &= ~((UINT64_C(2) << at) - 1);
            break;
        default:
            driver->again &= ~(UINT64_C(1) << at);
            break;
        }
        const bool source_ended = at == 0 && answer == TN_ENOUGH;
        const bool down = at < end && !source_ended && has_output(driver, at);
        count(driver, at, after - before, is_new, down);
        before = after;
        if (source_ended) {
            atomic_fetch_add(&driver->pipeline->drained, 1);
        }
        if (at == end && answer == TN_ENOUGH) {
            atomic_store(&driver->pipeline->enough, true);
        }
        if (down) {
            at++;
            continue;
        }
        if (driver->again == 0 || must_leave(driver)) {
            return WALK_OVER;
        }
        at = 63u - (uint32_t)__builtin_clzll(driver->again);
        if (atomic_load_explicit(pipeline->run->cancelled, memory_order_relaxed)) {
            *code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
            return WALK_FAILED;
        }
        if (++turns == TURN_BATCHES) {
            driver->at = at;
            return WALK_TURN;
        }
    }
}

/* ---- after the walk ---------------------------------------------------------------------------*/

static bool is_spoiled(const tn_pipeline *pipeline)
{
    return atomic_load(&pipeline->failed_at) != UINT64_MAX;
}

/* The driver that leaves last ends the pipeline. */
static tn_work_answer leave(tn_driver *driver)
{
    tn_pipeline *pipeline = driver->pipeline;
    tn_gang *gang = pipeline->gang;
    atomic_store(&pipeline->is_done, true);
    tn_gang_poke(gang);
    return TN_WORK_DONE;
}

static tn_work_answer fail(tn_driver *driver, tarn_code code, const tarn_error *err)
{
    record_failure(driver, code, err);
    return atomic_fetch_sub(&driver->pipeline->walking, 1) == 1 ? leave(driver) : TN_WORK_DONE;
}

static void put_place(const tn_scan_place *place, tarn_error *err)
{
    const bool lines = place->first_line > 0;
    const int64_t first = lines ? place->first_line : place->first_row;
    const int64_t last = lines ? place->last_line : place->last_row;
    if (place->file.size == 0) {
        return;
    }
    if (first == 0) {
        tn_explain(err, "'%.*s'", TN_STR_ARGS(place->file));
    } else if (first == last) {
        tn_explain(err, "'%.*s', %s %lld", TN_STR_ARGS(place->file), lines ? "line" : "row",
                   (long long)first);
    } else {
        tn_explain(err, "'%.*s', %s %lld to %lld", TN_STR_ARGS(place->file),
                   lines ? "lines" : "rows", (long long)first, (long long)last);
    }
}

/* A row's fault names the file, and the lines or rows of the batch that has it.  It was told
 * already, so that others leave: while what lies before is counted, only its words are missing. */
static tn_work_answer place_fault(tn_driver *driver)
{
    tn_pipeline *pipeline = driver->pipeline;
    tn_scan_place place;
    if (atomic_load_explicit(pipeline->run->cancelled, memory_order_relaxed) == false) {
        if (!driver->scan->ops->place(driver->scan, &driver->work->waker, &place)) {
            return TN_WORK_PARK;
        }
        pthread_mutex_lock(&pipeline->lock);
        if (atomic_load(&pipeline->failed_at) == driver->morsel) { /* no lower one has failed */
            put_place(&place, &pipeline->error);
        }
        pthread_mutex_unlock(&pipeline->lock);
    }
    return atomic_fetch_sub(&pipeline->walking, 1) == 1 ? leave(driver) : TN_WORK_DONE;
}

static bool has_place(const tn_driver *driver, tarn_code code, const tarn_error *err)
{
    return code == TARN_E_INVALID && (err->span_length > 0 || err->row == TN_ROW_OF_BATCH) &&
           driver->at_fault > 0 && driver->scan != NULL && driver->scan->ops->place != NULL;
}

static tn_work_answer finalise(tn_driver *driver)
{
    tn_pipeline *pipeline = driver->pipeline;
    tarn_error err = TARN_ERROR_INIT;
    tn_answer answer = TN_MORE_INPUT;

    if (!pipeline->finalises || is_spoiled(pipeline) || pipeline->end->ops->finalise == NULL) {
        return leave(driver);
    }
#ifdef TARN_TEST_HOOKS
    if (force(driver, &driver->forced_phase[1])) {
        return TN_WORK_PARK;
    }
#endif
    const uint64_t before = tn_clock_monotonic_ns();
    const tarn_code code =
        pipeline->end->ops->finalise(pipeline->end, &driver->task, &answer, &err);
    driver->counters[pipeline->step_count + 1].nanos += tn_clock_monotonic_ns() - before;
    if (code != TARN_OK) {
        record_failure(driver, explain_step(code, pipeline->end->ops, &err), &err);
        return leave(driver);
    }
    if (answer == TN_WAIT) { /* also when cancelled: what was begun ends before its owner goes */
        return TN_WORK_PARK;
    }
    if (atomic_load_explicit(pipeline->run->cancelled, memory_order_relaxed)) {
        record_failure(driver, tn_fail(&err, TARN_E_CANCELLED, "cancelled"), &err);
        return leave(driver);
    }
    return answer == TN_MORE_OUTPUT ? TN_WORK_YIELD : leave(driver);
}

static tn_work_answer combine(tn_driver *driver)
{
    tn_pipeline *pipeline = driver->pipeline;
    tarn_error err = TARN_ERROR_INIT;
    tn_answer answer = TN_MORE_INPUT;

    if (!is_spoiled(pipeline) && driver->end->ops->combine != NULL) {
#ifdef TARN_TEST_HOOKS
        if (force(driver, &driver->forced_phase[0])) {
            return TN_WORK_PARK;
        }
#endif
        const tarn_code code = driver->end->ops->combine(driver->end, &answer, &err);
        if (code != TARN_OK) {
            return fail(driver, explain_step(code, driver->end->ops, &err), &err);
        }
        if (answer == TN_WAIT &&
            !atomic_load_explicit(pipeline->run->cancelled, memory_order_relaxed)) {
            return TN_WORK_PARK;
        }
        if (answer == TN_WAIT) {
            return fail(driver, tn_fail(&err, TARN_E_CANCELLED, "cancelled"), &err);
        }
    }
    if (atomic_fetch_sub(&pipeline->walking, 1) > 1) {
        return TN_WORK_DONE;
    }
    driver->phase = PHASE_FINALISE;
    return finalise(driver);
}

static tn_work_answer run_driver(tn_work *work)
{
    tn_driver *driver = work->context;
    tarn_error err = TARN_ERROR_INIT;
    tarn_code code = TARN_OK;

    if (driver->phase == PHASE_FINALISE) {
        return finalise(driver);
    }
    if (driver->phase == PHASE_PLACE) {
        return place_fault(driver);
    }
    if (driver->phase == PHASE_COMBINE) {
        return combine(driver);
    }
    if (atomic_load_explicit(driver->pipeline->run->cancelled, memory_order_relaxed)) {
        return fail(driver, tn_fail(&err, TARN_E_CANCELLED, "cancelled"), &err);
    }
    const walk_end ended = must_leave(driver) ? WALK_OVER : walk(driver, &code, &err);
    switch (ended) {
    case WALK_PARK:
        return TN_WORK_PARK;
    case WALK_TURN:
        return TN_WORK_YIELD;
    case WALK_FAILED:
        if (has_place(driver, code, &err)) {
            record_failure(driver, code, &err);
            driver->phase = PHASE_PLACE;
            return place_fault(driver);
        }
        return fail(driver, code, &err);
    default:
        driver->phase = PHASE_COMBINE;
        return combine(driver);
    }
}

/* ---- start and close --------------------------------------------------------------------------*/

static void driver_close(tn_driver *driver)
{
    if (driver->end != NULL) {
        driver->end->ops->task_close(driver->end);
    }
    for (uint32_t i = driver->pipeline->step_count; i > 0; i--) {
        if (driver->steps[i - 1] != NULL) {
            driver->steps[i - 1]->ops->task_close(driver->steps[i - 1]);
        }
    }
    if (driver->scan != NULL) {
        driver->scan->ops->task_close(driver->scan);
    }
    tn_work_destroy(driver->work);
    if (driver->pool_made) {
        tn_pool_deinit(&driver->pool);
    }
}

static TN_FALLIBLE driver_open(tn_driver *driver, tn_pipeline *pipeline, uint32_t index,
                               tarn_error *err)
{
    tn_pool_init(&driver->pool, pipeline->run->pool, "task", SIZE_MAX);
    driver->pool_made = true;
    TN_RETURN_IF_ERROR(tn_work_create(&driver->work, err));
    driver->work->context = driver;
    driver->again = 1;
    driver->task = (tn_task){
        .run = pipeline->run, .pool = &driver->pool, .waker = &driver->work->waker, .index = index};
    TN_RETURN_IF_ERROR(
        pipeline->scan->ops->task_open(pipeline->scan, &driver->pool, &driver->scan, err));
    for (uint32_t i = 0; i < pipeline->step_count; i++) {
        tn_operator *step = pipeline->steps[i];
        TN_RETURN_IF_ERROR(explain_step(
            step->ops->task_open(step, &driver->task, &driver->steps[i], err), step->ops, err));
    }
#ifdef TARN_TEST_HOOKS
    for (uint32_t i = 0; i < TN_STEPS_MAX + 2; i++) {
        driver->forced[i] = tn_driver__forced_waits();
    }
    driver->forced_phase[0] = driver->forced_phase[1] = tn_driver__forced_waits();
#endif
    return explain_step(
        pipeline->end->ops->task_open(pipeline->end, &driver->task, &driver->end, err),
        pipeline->end->ops, err);
}

tarn_code tn_pipeline_start(tn_pipeline *pipeline, tn_gang *gang, uint32_t drivers, tarn_error *err)
{
    void *memory;
    tarn_code code = TARN_OK;

    assert(pipeline->step_count <= TN_STEPS_MAX);
    (void)pthread_mutex_init(&pipeline->lock, NULL);
    pipeline->gang = gang;
    pipeline->code = TARN_OK;
    pipeline->error = (tarn_error)TARN_ERROR_INIT;
    atomic_store(&pipeline->failed_at, UINT64_MAX);
    atomic_store(&pipeline->walking, drivers);
    atomic_store(&pipeline->drained, 0);
    atomic_store(&pipeline->is_done, false);
    atomic_store(&pipeline->enough, false);
    TN_RETURN_IF_ERROR(
        tn_pool_alloc_zeroed(pipeline->run->pool, drivers * sizeof(tn_driver), &memory, err));
    pipeline->drivers = memory;
    pipeline->driver_count = drivers;
    for (uint32_t i = 0; i < drivers; i++) {
        pipeline->drivers[i].pipeline = pipeline;
    }
    for (uint32_t i = 0; i < drivers && code == TARN_OK; i++) {
        code = driver_open(&pipeline->drivers[i], pipeline, i, err);
    }
    if (code != TARN_OK) {
        atomic_store(&pipeline->is_done, true);
        return code; /* close() frees what was opened */
    }
    for (uint32_t i = 0; i < drivers; i++) {
        tn_gang_start(gang, pipeline->drivers[i].work, run_driver);
    }
    return TARN_OK;
}

void tn_pipeline_stir(tn_pipeline *pipeline)
{
    for (uint32_t i = 0; i < pipeline->driver_count; i++) {
        tn_work *work = pipeline->drivers[i].work;
        if (work != NULL) { /* opening failed before it had one */
            tn_wake(&work->waker);
        }
    }
}

tarn_code tn_pipeline_close(tn_pipeline *pipeline, tarn_error *err)
{
    if (pipeline->drivers == NULL) {
        return TARN_OK;
    }
    for (uint32_t i = 0; i < pipeline->driver_count; i++) {
        tn_driver *driver = &pipeline->drivers[i];
        for (uint32_t slot = 0; pipeline->counters != NULL && slot < pipeline->step_count + 2;
             slot++) {
            pipeline->counters[slot].batches += driver->counters[slot].batches;
            pipeline->counters[slot].rows += driver->counters[slot].rows;
            pipeline->counters[slot].taken += driver->counters[slot].taken;
            pipeline->counters[slot].nanos += driver->counters[slot].nanos;
        }
    }
    for (uint32_t i = pipeline->driver_count; i > 0; i--) { /* all have left: reverse order */
        driver_close(&pipeline->drivers[i - 1]);
    }
    tn_pool_free(pipeline->run->pool, pipeline->drivers,
                 pipeline->driver_count * sizeof(tn_driver));
    pipeline->drivers = NULL;
    (void)pthread_mutex_destroy(&pipeline->lock);
    if (pipeline->code != TARN_OK) {
        tn_error_copy(err, &pipeline->error);
    }
    return pipeline->code;
}
