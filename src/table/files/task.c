/* A task of a scan: goes from file to file, and hands out rows as the set has them. */
#include "table/files/scan_internal.h"

enum { OPEN_AHEAD = 4, READING_SHARE = 2 /* of the memory, for what scans hold */ };

typedef struct files_task {
    tn_scan_task base;
    tn_files_scan *scan;
    tn_pool *pool;
    tn_open_file *file; /* in work, or NULL */
    tn_scan_task *sub;
    tn_evaluator *casts;
    tn_arena arena;         /* constants of the file in work */
    tn_reshaped **reshaped; /* one a wanted column, as the file's `reshapes`; in the arena */
    tn_column *columns, *constants, *cast;
    tn_batch batch;
    uint16_t *selection; /* where files have rows that are left out */
} files_task;

/* ---- which file is next ----------------------------------------------------------------------*/

static void run_open(tn_job *job)
{
    tn_open_file *file = (tn_open_file *)(void *)job;
    tn_files_scan *scan = file->scan;
    tarn_error err = TARN_ERROR_INIT;
    const tarn_code code = tn_open_file__open(file, &err);

    pthread_mutex_lock(&scan->lock);
    file->code = code;
    file->error = err;
    file->state = code == TARN_OK ? TN_FILE_OPEN : TN_FILE_FAILED;
    scan->opening--;
    for (size_t i = 0; i < file->waiting.count; i++) {
        tn_wake(file->waiting.items[i]);
    }
    file->waiting.count = 0;
    pthread_mutex_unlock(&scan->lock);
}

/* Locked: starts opening the front file and a few behind it. */
static void open_ahead(tn_files_scan *scan)
{
    const size_t ahead = scan->request.stop_early ? 1 : OPEN_AHEAD;
    for (size_t i = scan->front; i < scan->count && i < scan->front + ahead; i++) {
        tn_open_file *file = &scan->files[i];
        if (file->state == TN_FILE_CLOSED) {
            file->state = TN_FILE_OPENING;
            file->job.run = run_open;
            scan->opening++;
            tn_io_submit(&file->job);
        }
    }
}

typedef enum next_answer { NEXT_FILE, NEXT_WAIT, NEXT_END, NEXT_FAILED } next_answer;

/* The file at the front that still has morsels for one more task. */
static next_answer next_file(tn_files_scan *scan, tn_waker *waker, tn_open_file **out,
                             tarn_error *err, tarn_code *code)
{
    while (scan->front < scan->count) {
        tn_open_file *file = &scan->files[scan->front];
        open_ahead(scan);
        if (file->state == TN_FILE_OPENING) {
            *code = tn_vec_push(&file->waiting, waker, err);
            return *code == TARN_OK ? NEXT_WAIT : NEXT_FAILED;
        }
        if (file->state == TN_FILE_FAILED) {
            *code = file->code;
            tn_error_copy(err, &file->error);
            return NEXT_FAILED;
        }
        if (file->state == TN_FILE_OPEN && !file->has_base) {
            file->has_base = true;
            file->base = scan->next_morsel;
            scan->next_morsel += file->morsels;
        }
        if (file->state == TN_FILE_OPEN && file->tasks < file->morsels) {
            const size_t room = tn_pool_budget(scan->pool) / READING_SHARE;
            if (scan->granted > 0 && scan->granted + file->memory > room) {
                return NEXT_END; /* too much for one more task: those that read go on */
            }
            scan->granted += file->memory;
            file->tasks++;
            file->readers++;
            *out = file;
            return NEXT_FILE;
        }
        if (file->state == TN_FILE_OPEN && file->morsels == 0) {
            file->state = TN_FILE_DRAINED;
            *code = tn_open_file__close(file, err);
            if (*code != TARN_OK) {
                return NEXT_FAILED;
            }
        }
        scan->front++;
    }
    return NEXT_END;
}

bool tn_files__place(tn_scan_task *base, tn_waker *waker, tn_scan_place *out)
{
    const files_task *task = (files_task *)base;
    *out = (tn_scan_place){0};
    if (task->sub != NULL && task->sub->ops->place != NULL &&
        !task->sub->ops->place(task->sub, waker, out)) {
        return false;
    }
    if (task->file != NULL) {
        out->file = task->file->part->file.uri;
    }
    return true;
}

/* ---- a task -----------------------------------------------------------------------------------*/

static TN_FALLIBLE make_constants(files_task *task, tarn_error *err)
{
    const tn_files_scan *scan = task->scan;
    const tn_open_file *file = task->file;
    const tn_file_set *set = &scan->source->set;
    tn_arena_reset(&task->arena);
    for (uint32_t i = 0; i < scan->request.field_count; i++) {
        if (file->positions[i] != UINT32_MAX) {
            continue;
        }
        const uint32_t field = scan->request.fields[i];
        const uint32_t partition = tn_files__partition(set, field);
        tn_value value = partition != UINT32_MAX ? file->part->partitions[partition]
                                                 : tn_value_null(set->schema.fields[field].type);
        value.type = set->schema.fields[field].type;
        TN_RETURN_IF_ERROR(tn_value_column(&value, 0, &task->arena, &task->constants[i], err));
    }
    return TARN_OK;
}

static TN_FALLIBLE start_file(files_task *task, tn_open_file *file, tarn_error *err)
{
    task->file = file;
    TN_RETURN_IF_ERROR(file->sub->ops->task_open(file->sub, task->pool, &task->sub, err));
    if (file->casts != NULL) {
        TN_RETURN_IF_ERROR(tn_evaluator_create(file->casts, task->pool, &task->casts, err));
    }
    TN_RETURN_IF_ERROR(make_constants(task, err));
    const uint32_t count = task->scan->request.field_count;
    TN_RETURN_IF_ERROR(tn_arena_array(&task->arena, tn_reshaped *, count, &task->reshaped, err));
    for (uint32_t i = 0; i < count; i++) {
        if (file->reshapes[i] != NULL) {
            TN_RETURN_IF_ERROR(
                tn_reshape__start(file->reshapes[i], &task->arena, &task->reshaped[i], err));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE leave_file(files_task *task, bool drained, tarn_error *err)
{
    tn_files_scan *scan = task->scan;
    tn_open_file *file = task->file;
    tarn_code code = TARN_OK;
    if (file == NULL) {
        return TARN_OK;
    }
    tn_evaluator_destroy(task->casts);
    task->casts = NULL;
    if (task->sub != NULL) {
        task->sub->ops->task_close(task->sub);
        task->sub = NULL;
    }
    task->file = NULL;
    pthread_mutex_lock(&scan->lock);
    file->readers--;
    scan->granted -= file->memory;
    if (drained) {
        file->state = TN_FILE_DRAINED;
    }
    if (file->state == TN_FILE_DRAINED && file->readers == 0) {
        code = tn_open_file__close(file, err);
    }
    pthread_mutex_unlock(&scan->lock);
    return code;
}

/* Leaves out deleted rows: a batch's rows follow one another in their file. */
static TN_FALLIBLE leave_out(files_task *task, tn_batch *batch, tarn_error *err)
{
    tn_open_file *file = task->file;
    const uint32_t at = file->file_count + ((task->scan->request.virtuals & TN_VIRTUAL_FILE) != 0);
    if (file->deleted == NULL || batch->rows == 0) {
        return TARN_OK;
    }
    const tn_column *numbers = &batch->columns[at];
    const tn_sequence *sequence = numbers->values;
    if (numbers->encoding != TN_SEQUENCE || sequence->step != 1 || batch->selection != NULL) {
        return tn_fail(err, TARN_E_INTERNAL, "rows of '%.*s' come out of order",
                       TN_STR_ARGS(file->part->file.uri));
    }
    batch->selected = tn_row_set_others(file->deleted, (uint64_t)sequence->first - 1, batch->rows,
                                        task->selection);
    batch->selection = batch->selected == batch->rows ? NULL : task->selection;
    (void)atomic_fetch_add(&file->left_out, batch->rows - batch->selected);
    return TARN_OK;
}

/* Leaves out rows whose values do not fit the set's types. */
static TN_FALLIBLE leave_bad(files_task *task, tn_batch *batch, uint32_t row_at, tarn_error *err)
{
    tn_open_file *file = task->file;
    const tn_strict_rows rows = {.uri = file->part->file.uri,
                                 .checks = file->checks,
                                 .check_count = file->check_count,
                                 .faulty = task->cast + file->file_count,
                                 .columns = batch->columns,
                                 .numbers = &batch->columns[row_at],
                                 .rejects = task->scan->request.rejects,
                                 .is_united = task->scan->source->set.fill_missing};
    uint32_t rejected = 0;
    if (file->check_count == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_strict__leave_out(&rows, batch, task->selection, &task->arena, &rejected, err));
    (void)atomic_fetch_add(&file->rejected, rejected);
    return TARN_OK;
}

static TN_FALLIBLE hand_out(files_task *task, tn_batch *in, tn_batch *out, tarn_error *err)
{
    const tn_files_scan *scan = task->scan;
    const tn_open_file *file = task->file;
    const tn_column *columns = in->columns;
    uint32_t next = 0;
    uint32_t width = scan->request.field_count;
    const bool drops_row = file->numbered && (scan->request.virtuals & TN_VIRTUAL_ROW) == 0;
    const uint32_t row_at = file->file_count + ((scan->request.virtuals & TN_VIRTUAL_FILE) != 0);

    TN_RETURN_IF_ERROR(leave_out(task, in, err));
    if (task->casts != NULL && in->selected > 0) {
        tn_batch narrow = *in;
        narrow.width = file->file_count;
        TN_RETURN_IF_ERROR(tn_evaluator_run(task->casts, &narrow, &next, task->cast, err));
        if (next < in->selected) {
            return tn_fail(err, TARN_E_LIMIT, "values of '%.*s' grow too long when cast",
                           TN_STR_ARGS(file->part->file.uri));
        }
        columns = task->cast;
        TN_RETURN_IF_ERROR(leave_bad(task, in, row_at, err));
    }
    for (uint32_t i = 0; i < scan->request.field_count; i++) {
        const uint32_t at = file->positions[i];
        task->columns[i] = at != UINT32_MAX ? columns[at] : task->constants[i];
        if (task->reshaped[i] != NULL) {
            tn_reshape__run(task->reshaped[i], &columns[at], &task->columns[i]);
        }
        task->columns[i].type = scan->source->set.schema.fields[scan->request.fields[i]].type;
        task->columns[i].rows = in->rows;
    }
    *out = *in;
    for (uint32_t i = file->file_count; i < in->width; i++) { /* virtual columns come last */
        if (!drops_row || i != row_at) {
            task->columns[width++] = in->columns[i];
        }
    }
    out->columns = task->columns;
    out->width = width;
    out->tag.morsel += file->base;
    return TARN_OK;
}

tarn_code tn_files__read(tn_scan_task *base, tn_waker *waker, tn_batch *out, tn_scan_answer *answer,
                         tarn_error *err)
{
    files_task *task = (files_task *)base;
    tn_files_scan *scan = task->scan;
    tarn_error own = TARN_ERROR_INIT;
    tarn_code code = TARN_OK;

    err = err == NULL ? &own : err;
    for (;;) {
        if (task->file == NULL) {
            tn_open_file *file = NULL;
            pthread_mutex_lock(&scan->lock);
            const next_answer next = next_file(scan, waker, &file, err, &code);
            pthread_mutex_unlock(&scan->lock);
            if (next != NEXT_FILE) {
                *answer = next == NEXT_WAIT ? TN_SCAN_WAIT : TN_SCAN_END;
                return code;
            }
            TN_RETURN_IF_ERROR(start_file(task, file, err));
        }
        TN_RETURN_IF_ERROR(task->sub->ops->read(task->sub, waker, &task->batch, answer, err));
        if (*answer == TN_SCAN_BATCH) {
            TN_RETURN_IF_ERROR(hand_out(task, &task->batch, out, err));
            if (out->selected > 0 || out->tag.last) {
                return TARN_OK;
            }
            continue; /* all its rows are left out */
        }
        if (*answer == TN_SCAN_WAIT) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(leave_file(task, true, err));
    }
}

void tn_files__task_close(tn_scan_task *base)
{
    files_task *task = (files_task *)base;
    const size_t width = tn_files__width(task->scan);
    (void)!leave_file(task, false, NULL);
    tn_arena_deinit(&task->arena);
    tn_pool_free(task->pool, task->columns, width * sizeof(tn_column));
    tn_pool_free(task->pool, task->constants, width * sizeof(tn_column));
    tn_pool_free(task->pool, task->cast, 2 * width * sizeof(tn_column));
    tn_pool_free(task->pool, task->selection, TN_BATCH_ROWS * sizeof(uint16_t));
    tn_pool_free(task->pool, task, sizeof(*task));
}

tarn_code tn_files__task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_files_scan *scan = (tn_files_scan *)base;
    const size_t width = tn_files__width(scan);
    files_task *task = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(files_task), &memory, err));
    task = memory;
    task->base.ops = base->ops;
    task->scan = scan;
    task->pool = pool;
    tn_arena_init(&task->arena, pool);
    TN_TRY(tn_pool_alloc_zeroed(pool, width * sizeof(tn_column), &memory, err));
    task->columns = memory;
    TN_TRY(tn_pool_alloc_zeroed(pool, width * sizeof(tn_column), &memory, err));
    task->constants = memory;
    TN_TRY(tn_pool_alloc_zeroed(pool, 2 * width * sizeof(tn_column), &memory, err));
    task->cast = memory;
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(uint16_t), &memory, err));
    task->selection = memory;
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        tn_files__task_close(&task->base);
    }
    return code;
}
