#include "table/files/files.h"

#include "table/files/reshape_internal.h"
#include "table/files/set_internal.h"
#include "table/files/strict_internal.h"

#include "base/vec.h"
#include "expr/program.h"
#include "format/parquet/parquet.h"
#include "sched/io.h"

#include <assert.h>
#include <pthread.h>

enum { OPEN_AHEAD = 4 };

typedef struct files_source {
    tn_source base;
    tn_pool *pool;
    tn_arena arena;
    tn_arena keep; /* the opener's options */
    tn_types *types;
    tn_file_set set;
    tn_source *first; /* the first file, opened at planning */
} files_source;

/* ---- one file of a scan -----------------------------------------------------------------------*/

typedef enum file_state {
    FILE_CLOSED,
    FILE_OPENING,
    FILE_OPEN,
    FILE_DRAINED,
    FILE_FAILED
} file_state;

typedef struct open_file {
    tn_job job; /* first: opens the file on an I/O thread */
    struct files_scan *scan;
    const tn_data_file *part;
    file_state state;
    bool is_first, has_base;
    uint64_t base;    /* number of its first morsel */
    uint32_t morsels; /* in it */
    uint32_t tasks;   /* opened on it */
    uint32_t readers; /* still open */
    tn_source *source;
    tn_scan *sub;
    tn_row_set *deleted; /* rows that are not handed out; NULL: none */
    _Atomic uint64_t left_out, rejected;
    tn_arena arena;        /* of what follows */
    uint32_t *file_fields; /* what is asked of the file */
    uint32_t file_count;
    uint32_t *positions; /* of each wanted column in the file's batch; UINT32_MAX: constant */
    const tn_reshape **reshapes; /* one a wanted column; NULL: nothing to do */
    const tn_program *casts;     /* NULL: lanes fit as they are */
    tn_strict_check *checks;     /* the program's results behind the file's columns */
    uint32_t check_count;
    bool numbered; /* the file is asked for rows' numbers */
    tn_expr_context context;
    tarn_code code;
    tarn_error error;
    TN_VEC(tn_waker *) waiting;
} open_file;

typedef struct files_scan {
    tn_scan base;
    files_source *source;
    tn_pool *pool;
    tn_arena arena;
    tn_scan_request request; /* fields and conjuncts copied */
    pthread_mutex_t lock;    /* guards what follows */
    open_file *files;        /* that were not pruned */
    size_t count, front, opening;
    uint64_t next_morsel;
    tn_scan_counters counters; /* of files that are done */
} files_scan;

typedef struct files_task {
    tn_scan_task base;
    files_scan *scan;
    tn_pool *pool;
    open_file *file; /* in work, or NULL */
    tn_scan_task *sub;
    tn_evaluator *casts;
    tn_arena arena;         /* constants of the file in work */
    tn_reshaped **reshaped; /* one a wanted column, as the file's `reshapes`; in the arena */
    tn_column *columns, *constants, *cast;
    tn_batch batch;
    uint16_t *selection; /* where files have rows that are left out */
} files_task;

static uint32_t width_of(const files_scan *scan)
{
    uint32_t virtuals = 0;
    for (uint32_t bit = TN_VIRTUAL_FILE; bit <= TN_VIRTUAL_MODIFIED; bit <<= 1) {
        virtuals += (scan->request.virtuals & bit) != 0;
    }
    return scan->request.field_count + virtuals;
}

/* Index among the partition columns, or UINT32_MAX. */
static uint32_t partition_of(const tn_file_set *set, uint32_t field)
{
    for (uint32_t i = 0; i < set->partition_count; i++) {
        if (set->partition_fields[i] == field) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* ---- pruning ----------------------------------------------------------------------------------*/

static bool is_pruned(const tn_file_set *set, const tn_data_file *file, const tn_conjunct *conjunct)
{
    const uint32_t partition = partition_of(set, conjunct->field);
    const uint64_t rows = file->rows == UINT64_MAX ? 1 : file->rows;
    if (partition != UINT32_MAX) {
        const tn_value *value = &file->partitions[partition];
        const tn_column_statistics exact = {.bounds = value->is_null ? TN_UNKNOWN : TN_EXACT,
                                            .nulls = TN_EXACT,
                                            .min = *value,
                                            .max = *value,
                                            .null_count = value->is_null ? rows : 0};
        return tn_conjunct_excludes(conjunct, &exact, rows);
    }
    return file->statistics != NULL && file->rows != UINT64_MAX &&
           tn_conjunct_excludes(conjunct, &file->statistics[conjunct->field], rows);
}

static bool any_prunes(const tn_file_set *set, const tn_data_file *file,
                       const tn_conjunct *conjuncts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (is_pruned(set, file, &conjuncts[i])) {
            return true;
        }
    }
    return false;
}

/* ---- opening a file: on an I/O thread ---------------------------------------------------------*/

static tn_str physical_name(const tn_file_set *set, uint32_t field)
{
    return set->physical_names != NULL ? set->physical_names[field]
                                       : set->schema.fields[field].name;
}

/* Its type, with the names of nested fields that files use. */
static const tn_type *physical_type(const tn_file_set *set, uint32_t field)
{
    return set->physical_types != NULL ? set->physical_types[field]
                                       : set->schema.fields[field].type;
}

/* The file's column for one of the set's: by id where the file has ids, else by name. */
static uint32_t own_column(const open_file *file, uint32_t field, bool *ambiguous)
{
    const tn_file_set *set = &file->scan->source->set;
    const tn_schema *own = &file->source->schema;
    bool has_ids = false;

    *ambiguous = false;
    for (uint32_t i = 0; set->field_ids != NULL && i < own->count; i++) {
        const int32_t id = tn_parquet_field_id(file->source, i);
        if (id >= 0 && id == set->field_ids[field]) {
            return i;
        }
        has_ids = has_ids || id >= 0;
    }
    return has_ids ? UINT32_MAX : tn_schema_find(own, physical_name(set, field), ambiguous);
}

static TN_FALLIBLE find_column(open_file *file, uint32_t field, uint32_t *out, tarn_error *err)
{
    const tn_file_set *set = &file->scan->source->set;
    const tn_str name = physical_name(set, field);
    bool ambiguous;
    *out = own_column(file, field, &ambiguous);
    if (ambiguous) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s' has two columns that '%.*s' may mean",
                       TN_STR_ARGS(file->part->file.uri), TN_STR_ARGS(name));
    }
    if (*out == UINT32_MAX && !set->fill_missing) {
        (void)tn_fail(err, TARN_E_INVALID, "'%.*s' has no column '%.*s'",
                      TN_STR_ARGS(file->part->file.uri), TN_STR_ARGS(name));
        tn_subject(err, file->part->file.uri.data);
        tn_hint(err, "files of one pattern have the first one's columns; union_by_name => true "
                     "takes them as they are");
        return TARN_E_INVALID;
    }
    return TARN_OK;
}

/* A program that casts the columns which need it, and hands the others through. */
static TN_FALLIBLE compile_casts(open_file *file, tarn_error *err)
{
    const files_scan *scan = file->scan;
    const tn_file_set *set = &scan->source->set;
    const tn_schema *schema = &set->schema;
    const tn_schema *own = &file->source->schema;
    const uint32_t count = file->file_count;
    tn_column_id *ids;
    const tn_expr **exprs;
    const tn_expr *faulty;
    bool needed = false;

    file->context = (tn_expr_context){
        .arena = &file->arena, .types = scan->source->types, .zone = TN_STR("UTC")};
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, tn_column_id, count, &ids, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, const tn_expr *, 2 * count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, tn_strict_check, count, &file->checks, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, const tn_reshape *, scan->request.field_count,
                                      &file->reshapes, err));
    for (uint32_t i = 0; i < scan->request.field_count; i++) {
        const uint32_t at = file->positions[i];
        if (at == UINT32_MAX) {
            continue;
        }
        const tn_field *wanted = &schema->fields[scan->request.fields[i]];
        const tn_type *type = own->fields[file->file_fields[at]].type;
        ids[at] = at;
        TN_RETURN_IF_ERROR(tn_expr_column(&file->context, at, wanted->name, type, (tn_span){0, 0},
                                          &exprs[at], err));
        if (type != wanted->type && tn_type_is_nested(type)) {
            TN_RETURN_IF_ERROR(
                tn_reshape__plan(type, wanted->type, physical_type(set, scan->request.fields[i]),
                                 set->fill_missing, &file->arena, &file->reshapes[i], err));
        }
        if (file->reshapes[i] == NULL && !tn_reshape__only_wider(type, wanted->type)) {
            if (tn_type_is_nested(type)) {
                return tn_strict__refuse_nested(file->part->file.uri, wanted, type, err);
            }
            needed = true;
            const tarn_code code =
                tn_strict__cast(&file->context, exprs[at], wanted->type, &exprs[at], &faulty, err);
            if (code != TARN_OK) {
                tn_strict__explain(file->part->file.uri, wanted, type, err);
                return code;
            }
            if (faulty != NULL) {
                exprs[count + file->check_count] = faulty;
                file->checks[file->check_count++] =
                    (tn_strict_check){at, wanted->name, type, wanted->type};
            }
        }
    }
    if (!needed) {
        return TARN_OK;
    }
    const tn_layout layout = {count, ids};
    return tn_program_compile(&file->context, exprs, count + file->check_count, &layout, NULL,
                              &file->casts, err);
}

static TN_FALLIBLE map_columns(open_file *file, tarn_error *err)
{
    files_scan *scan = file->scan;
    const tn_scan_request *request = &scan->request;

    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, uint32_t, request->field_count, &file->positions, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, uint32_t, request->field_count, &file->file_fields, err));
    for (uint32_t i = 0; i < request->field_count; i++) {
        uint32_t column = UINT32_MAX;
        file->positions[i] = UINT32_MAX;
        if (partition_of(&scan->source->set, request->fields[i]) == UINT32_MAX) {
            TN_RETURN_IF_ERROR(find_column(file, request->fields[i], &column, err));
        }
        if (column != UINT32_MAX) {
            file->positions[i] = file->file_count;
            file->file_fields[file->file_count++] = column;
        }
    }
    return compile_casts(file, err);
}

/* The conjuncts that the file itself can use: on columns it has, in the type it has them. */
static TN_FALLIBLE map_conjuncts(open_file *file, tn_scan_request *request, tarn_error *err)
{
    const files_scan *scan = file->scan;
    const tn_schema *schema = &scan->source->set.schema;
    tn_conjunct *conjuncts;
    tn_promise *promises;
    uint32_t count = 0;

    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, tn_conjunct, request->conjunct_count, &conjuncts, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, tn_promise, request->conjunct_count, &promises, err));
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        const tn_conjunct *conjunct = &scan->request.conjuncts[i];
        bool ambiguous;
        if (partition_of(&scan->source->set, conjunct->field) != UINT32_MAX) {
            continue;
        }
        const uint32_t own = own_column(file, conjunct->field, &ambiguous);
        if (own == UINT32_MAX ||
            file->source->schema.fields[own].type != schema->fields[conjunct->field].type) {
            continue;
        }
        conjuncts[count] = *conjunct;
        conjuncts[count++].field = own;
    }
    request->conjuncts = conjuncts;
    request->conjunct_count = count;
    request->promises = promises;
    return TARN_OK;
}

static TN_FALLIBLE open_source(open_file *file, tarn_error *err)
{
    files_scan *scan = file->scan;
    const tn_listed_file *listed = &file->part->file;
    const tn_object_open_options options = {listed->tag[0] == '\0' ? NULL : listed->tag,
                                            listed->size};
    tn_object *object;

    if (file->is_first && scan->source->first != NULL) {
        file->source = tn_source_retain(scan->source->first);
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_object_open(listed->store, listed->key, scan->pool, &options, &object, err));
    const tarn_code code = scan->source->set.open(
        scan->source->set.context, object, scan->source->types, scan->pool, &file->source, err);
    if (code != TARN_OK) {
        tn_object_close(object);
    }
    return code;
}

/* Rows are told from deleted ones by their positions, which the file must give then. */
static TN_FALLIBLE load_deletion(open_file *file, tarn_error *err)
{
    const files_scan *scan = file->scan;
    if (file->part->deletion == NULL) {
        return TARN_OK;
    }
    const tarn_code code =
        scan->source->set.load_deletion(file->part->deletion, scan->pool, &file->deleted, err);
    if (code != TARN_OK) {
        tn_explain(err, "reading which rows of '%.*s' are deleted",
                   TN_STR_ARGS(file->part->file.uri));
        return code;
    }
    file->numbered = true;
    return TARN_OK;
}

static TN_FALLIBLE open_whole(open_file *file, tarn_error *err)
{
    files_scan *scan = file->scan;
    tn_scan_request request = scan->request;
    TN_RETURN_IF_ERROR(load_deletion(file, err));
    TN_RETURN_IF_ERROR(open_source(file, err));
    TN_RETURN_IF_ERROR(map_columns(file, err));
    TN_RETURN_IF_ERROR(map_conjuncts(file, &request, err));
    file->numbered = file->numbered || file->check_count > 0;
    if (file->numbered) {
        request.virtuals |= TN_VIRTUAL_ROW;
        request.row_limit = UINT64_MAX; /* of rows that are left */
    }
    if (!tn_files__same_positions(&scan->source->set.schema, &file->source->schema)) {
        request.dynamic_count = 0; /* they name fields by the set's positions */
    }
    request.fields = file->file_fields;
    request.field_count = file->file_count;
    TN_RETURN_IF_ERROR(
        file->source->ops->open(file->source, &request, scan->pool, &file->sub, err));
    file->morsels = file->sub->ops->morsels_expected(file->sub);
    return TARN_OK;
}

static void run_open(tn_job *job)
{
    open_file *file = (open_file *)(void *)job;
    files_scan *scan = file->scan;
    tarn_error err = TARN_ERROR_INIT;
    const tarn_code code = open_whole(file, &err);

    pthread_mutex_lock(&scan->lock);
    file->code = code;
    file->error = err;
    file->state = code == TARN_OK ? FILE_OPEN : FILE_FAILED;
    scan->opening--;
    for (size_t i = 0; i < file->waiting.count; i++) {
        tn_wake(file->waiting.items[i]);
    }
    file->waiting.count = 0;
    pthread_mutex_unlock(&scan->lock);
}

/* Locked: starts opening the front file and a few behind it. */
static void open_ahead(files_scan *scan)
{
    const size_t ahead = scan->request.stop_early ? 1 : OPEN_AHEAD;
    for (size_t i = scan->front; i < scan->count && i < scan->front + ahead; i++) {
        open_file *file = &scan->files[i];
        if (file->state == FILE_CLOSED) {
            file->state = FILE_OPENING;
            file->job.run = run_open;
            scan->opening++;
            tn_io_submit(&file->job);
        }
    }
}

/* Deleted rows count as pruned ones. */
static void add_counters(open_file *file, const tn_scan_counters *from, tn_scan_counters *to)
{
    const uint64_t left_out = atomic_load(&file->left_out);
    const uint64_t rejected = atomic_load(&file->rejected);
    to->bytes_read += from->bytes_read;
    to->rows_read += from->rows_read;
    to->rows_out += from->rows_out - left_out - rejected;
    to->rows_pruned += from->rows_pruned + left_out;
    to->rows_rejected += from->rows_rejected + rejected;
    to->groups += from->groups;
    to->groups_pruned += from->groups_pruned;
}

/* Locked, or alone: the file is read to its end by everybody. */
static TN_FALLIBLE close_file(files_scan *scan, open_file *file, tarn_error *err)
{
    tarn_code code = TARN_OK;
    if (file->sub != NULL) {
        tn_scan_counters counters = {0};
        file->sub->ops->counters(file->sub, &counters);
        code = err == NULL ? TARN_OK : file->sub->ops->finish(file->sub, err);
        file->sub->ops->close(file->sub);
        file->sub = NULL;
        add_counters(file, &counters, &scan->counters);
    }
    tn_source_release(file->source);
    file->source = NULL;
    tn_row_set_destroy(file->deleted);
    file->deleted = NULL;
    tn_vec_free(&file->waiting);
    tn_arena_deinit(&file->arena);
    return code;
}

/* ---- a task -----------------------------------------------------------------------------------*/

static TN_FALLIBLE make_constants(files_task *task, tarn_error *err)
{
    const files_scan *scan = task->scan;
    const open_file *file = task->file;
    const tn_file_set *set = &scan->source->set;
    tn_arena_reset(&task->arena);
    for (uint32_t i = 0; i < scan->request.field_count; i++) {
        if (file->positions[i] != UINT32_MAX) {
            continue;
        }
        const uint32_t field = scan->request.fields[i];
        const uint32_t partition = partition_of(set, field);
        tn_value value = partition != UINT32_MAX ? file->part->partitions[partition]
                                                 : tn_value_null(set->schema.fields[field].type);
        value.type = set->schema.fields[field].type;
        TN_RETURN_IF_ERROR(tn_value_column(&value, 0, &task->arena, &task->constants[i], err));
    }
    return TARN_OK;
}

static TN_FALLIBLE start_file(files_task *task, open_file *file, tarn_error *err)
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
    files_scan *scan = task->scan;
    open_file *file = task->file;
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
    if (drained) {
        file->state = FILE_DRAINED;
    }
    if (file->state == FILE_DRAINED && file->readers == 0) {
        code = close_file(scan, file, err);
    }
    pthread_mutex_unlock(&scan->lock);
    return code;
}

typedef enum next_answer { NEXT_FILE, NEXT_WAIT, NEXT_END, NEXT_FAILED } next_answer;

/* The file at the front that still has morsels for one more task. */
static next_answer next_file(files_scan *scan, tn_waker *waker, open_file **out, tarn_error *err,
                             tarn_code *code)
{
    while (scan->front < scan->count) {
        open_file *file = &scan->files[scan->front];
        open_ahead(scan);
        if (file->state == FILE_OPENING) {
            *code = tn_vec_push(&file->waiting, waker, err);
            return *code == TARN_OK ? NEXT_WAIT : NEXT_FAILED;
        }
        if (file->state == FILE_FAILED) {
            *code = file->code;
            tn_error_copy(err, &file->error);
            return NEXT_FAILED;
        }
        if (file->state == FILE_OPEN && !file->has_base) {
            file->has_base = true;
            file->base = scan->next_morsel;
            scan->next_morsel += file->morsels;
        }
        if (file->state == FILE_OPEN && file->tasks < file->morsels) {
            file->tasks++;
            file->readers++;
            *out = file;
            return NEXT_FILE;
        }
        if (file->state == FILE_OPEN && file->morsels == 0) {
            file->state = FILE_DRAINED;
            *code = close_file(scan, file, err);
            if (*code != TARN_OK) {
                return NEXT_FAILED;
            }
        }
        scan->front++;
    }
    return NEXT_END;
}

/* Leaves out deleted rows: a batch's rows follow one another in their file. */
static TN_FALLIBLE leave_out(files_task *task, tn_batch *batch, tarn_error *err)
{
    open_file *file = task->file;
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
    open_file *file = task->file;
    const tn_strict_rows rows = {.uri = file->part->file.uri,
                                 .checks = file->checks,
                                 .check_count = file->check_count,
                                 .faulty = task->cast + file->file_count,
                                 .columns = batch->columns,
                                 .numbers = &batch->columns[row_at],
                                 .rejects = task->scan->request.rejects};
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
    const files_scan *scan = task->scan;
    const open_file *file = task->file;
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

static tarn_code files_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                            tn_scan_answer *answer, tarn_error *err)
{
    files_task *task = (files_task *)base;
    files_scan *scan = task->scan;
    tarn_error own = TARN_ERROR_INIT;
    tarn_code code = TARN_OK;

    err = err == NULL ? &own : err;
    for (;;) {
        if (task->file == NULL) {
            open_file *file = NULL;
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

static void files_task_close(tn_scan_task *base)
{
    files_task *task = (files_task *)base;
    const size_t width = width_of(task->scan);
    (void)!leave_file(task, false, NULL);
    tn_arena_deinit(&task->arena);
    tn_pool_free(task->pool, task->columns, width * sizeof(tn_column));
    tn_pool_free(task->pool, task->constants, width * sizeof(tn_column));
    tn_pool_free(task->pool, task->cast, 2 * width * sizeof(tn_column));
    tn_pool_free(task->pool, task->selection, TN_BATCH_ROWS * sizeof(uint16_t));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code files_task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    files_scan *scan = (files_scan *)base;
    const size_t width = width_of(scan);
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
        files_task_close(&task->base);
    }
    return code;
}

/* ---- the scan ---------------------------------------------------------------------------------*/

static void files_counters(tn_scan *base, tn_scan_counters *out)
{
    files_scan *scan = (files_scan *)base;
    pthread_mutex_lock(&scan->lock);
    *out = scan->counters;
    for (size_t i = 0; i < scan->count; i++) {
        tn_scan *sub = scan->files[i].state == FILE_OPEN || scan->files[i].state == FILE_DRAINED
                           ? scan->files[i].sub
                           : NULL;
        tn_scan_counters counters = {0};
        if (sub != NULL) {
            sub->ops->counters(sub, &counters);
            add_counters(&scan->files[i], &counters, out);
        }
    }
    pthread_mutex_unlock(&scan->lock);
}

static tarn_code files_finish(tn_scan *base, tarn_error *err)
{
    files_scan *scan = (files_scan *)base;
    for (size_t i = 0; i < scan->count; i++) {
        tn_scan *sub = scan->files[i].sub;
        if (sub != NULL && scan->files[i].state == FILE_OPEN) {
            TN_RETURN_IF_ERROR(sub->ops->finish(sub, err));
        }
    }
    return TARN_OK;
}

static bool is_opening(files_scan *scan)
{
    pthread_mutex_lock(&scan->lock);
    const bool opening = scan->opening > 0;
    pthread_mutex_unlock(&scan->lock);
    return opening;
}

static void files_close(tn_scan *base)
{
    files_scan *scan = (files_scan *)base;
    /* Files opened ahead that nobody came to read: their jobs end soon. */
    for (size_t i = 0; i < scan->count && is_opening(scan); i++) {
        tn_latch latch;
        tn_latch_init(&latch);
        pthread_mutex_lock(&scan->lock);
        const bool wait = scan->files[i].state == FILE_OPENING &&
                          tn_vec_push(&scan->files[i].waiting, &latch.waker, NULL) == TARN_OK;
        pthread_mutex_unlock(&scan->lock);
        if (wait) {
            tn_latch_wait(&latch);
        }
    }
    pthread_mutex_lock(&scan->lock); /* the last job has left run_open() */
    pthread_mutex_unlock(&scan->lock);
    for (size_t i = 0; i < scan->count; i++) {
        (void)!close_file(scan, &scan->files[i], NULL);
    }
    (void)pthread_mutex_destroy(&scan->lock);
    tn_source_release(&scan->source->base);
    tn_arena_deinit(&scan->arena);
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static uint32_t files_morsels(tn_scan *base)
{
    const files_scan *scan = (files_scan *)base;
    if (scan->count > 1) {
        return UINT32_MAX; /* as many as there may be */
    }
    if (scan->count == 0) {
        return 1;
    }
    /* One file: opening it now tells. */
    tn_statistics statistics = {0};
    tn_arena arena;
    tn_arena_init(&arena, scan->pool);
    tn_source *first = scan->source->first;
    const bool known =
        first != NULL && scan->files[0].is_first &&
        first->ops->statistics(first, NULL, 0, &arena, &statistics, NULL) == TARN_OK &&
        statistics.rows_known == TN_EXACT;
    tn_arena_deinit(&arena);
    return known && statistics.rows < 65536 ? 1 : UINT32_MAX;
}

static const tn_scan_ops files_scan_ops = {
    .task_open = files_task_open,
    .read = files_read,
    .task_close = files_task_close,
    .counters = files_counters,
    .finish = files_finish,
    .close = files_close,
    .morsels_expected = files_morsels,
};

static TN_FALLIBLE copy_request(files_scan *scan, const tn_scan_request *request, tarn_error *err)
{
    tn_conjunct *conjuncts;
    uint32_t *fields;
    scan->request = *request;
    TN_RETURN_IF_ERROR(tn_arena_array(&scan->arena, uint32_t, request->field_count, &fields, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&scan->arena, tn_conjunct, request->conjunct_count, &conjuncts, err));
    for (uint32_t i = 0; i < request->field_count; i++) {
        fields[i] = request->fields[i];
    }
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        conjuncts[i] = request->conjuncts[i];
        request->promises[i] = TN_PROMISE_PARTIAL;
    }
    scan->request.fields = fields;
    scan->request.conjuncts = conjuncts;
    return TARN_OK;
}

static tarn_code files_open(tn_source *base, const tn_scan_request *request, tn_pool *pool,
                            tn_scan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    files_source *source = (files_source *)base;
    files_scan *scan = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(files_scan), &memory, err));
    scan = memory;
    scan->base.ops = &files_scan_ops;
    scan->source = (files_source *)tn_source_retain(base);
    scan->pool = pool;
    (void)pthread_mutex_init(&scan->lock, NULL);
    tn_arena_init(&scan->arena, pool);
    TN_TRY(copy_request(scan, request, err));
    TN_TRY(tn_arena_array(&scan->arena, open_file, source->set.count, &scan->files, err));
    for (size_t i = 0; i < source->set.count; i++) {
        const tn_data_file *part = &source->set.files[i];
        scan->counters.files++;
        if (any_prunes(&source->set, part, scan->request.conjuncts, request->conjunct_count)) {
            scan->counters.files_pruned++;
            if (part->rows != UINT64_MAX) {
                scan->counters.rows_pruned += part->rows;
                scan->counters.rows_read += part->rows;
            }
            continue;
        }
        open_file *file = &scan->files[scan->count++];
        *file = (open_file){.scan = scan, .part = part, .is_first = i == 0};
        file->waiting.pool = pool;
        tn_arena_init(&file->arena, pool);
    }
    *out = &scan->base;
    scan = NULL;
done:
    if (scan != NULL) {
        files_close(&scan->base);
    }
    return code;
}

/* ---- the source -------------------------------------------------------------------------------*/

static TN_FALLIBLE statistics_of_log(const files_source *source, const tn_conjunct *conjuncts,
                                     uint32_t count, tn_arena *arena, tn_statistics *out,
                                     tarn_error *err)
{
    const tn_file_set *set = &source->set;
    tn_column_statistics *columns;
    bool first = true;
    bool have_columns = true;

    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_column_statistics, set->schema.count, &columns, err));
    *out = (tn_statistics){.rows_known = count == 0 ? TN_EXACT : TN_ESTIMATE,
                           .bytes_known = TN_ESTIMATE};
    for (size_t i = 0; i < set->count; i++) {
        const tn_data_file *file = &set->files[i];
        if (any_prunes(set, file, conjuncts, count)) {
            continue;
        }
        out->rows_known = file->rows == UINT64_MAX ? TN_ESTIMATE : out->rows_known;
        out->rows += file->rows == UINT64_MAX ? file->file.size / 64 : file->rows;
        out->bytes += file->file.size;
        have_columns = have_columns && file->statistics != NULL;
        for (uint32_t field = 0; field < set->schema.count && have_columns; field++) {
            tn_files__merge_column(&columns[field], &file->statistics[field], first);
        }
        first = false;
    }
    out->columns = have_columns && !first ? columns : NULL;
    return TARN_OK;
}

static tarn_code files_statistics(tn_source *base, const tn_conjunct *conjuncts, uint32_t count,
                                  tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    const files_source *source = (const files_source *)base;
    tn_statistics one;
    if (source->first == NULL || source->set.count == 0) {
        return statistics_of_log(source, conjuncts, count, arena, out, err);
    }
    const bool whole = source->set.count == 1 &&
                       tn_files__same_positions(&source->set.schema, &source->first->schema);
    TN_RETURN_IF_ERROR(source->first->ops->statistics(source->first, whole ? conjuncts : NULL,
                                                      whole ? count : 0, arena, &one, err));
    if (whole) {
        *out = one;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(statistics_of_log(source, conjuncts, count, arena, out, err));
    const uint64_t size = source->set.files[0].file.size;
    out->rows_known = TN_ESTIMATE;
    out->rows =
        size == 0 ? one.rows : (uint64_t)((double)one.rows * (double)out->bytes / (double)size);
    return TARN_OK;
}

static void files_destroy(tn_source *base)
{
    files_source *source = (files_source *)base;
    tn_source_release(source->first);
    tn_arena_deinit(&source->arena);
    tn_arena_deinit(&source->keep);
    tn_pool_free(source->pool, source, sizeof(*source));
}

static const tn_source_ops files_source_ops = {
    .kind = "files",
    .statistics = files_statistics,
    .open = files_open,
    .destroy = files_destroy,
};

tarn_code tn_files_source_create(const tn_file_set *set, tn_types *types, tn_source *first,
                                 tn_pool *pool, tn_source **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    files_source *source = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(files_source), &memory, err));
    source = memory;
    source->base.ops = &files_source_ops;
    atomic_init(&source->base.refs, 1);
    source->base.is_ordered = true;
    source->pool = pool;
    source->types = types;
    tn_arena_init(&source->arena, pool);
    tn_arena_init(&source->keep, pool);
    TN_TRY(tn_files__copy_set(set, &source->arena, &source->set, err));
    source->base.name = source->set.name;
    source->base.schema = source->set.schema;
    source->first = first; /* from here on ours */
    if (set->keep != NULL) {
        source->keep = *set->keep;
        tn_arena_init(set->keep, pool);
    }
    *out = &source->base;
    source = NULL;
done:
    if (source != NULL) {
        files_destroy(&source->base);
    }
    return code;
}

tarn_code tn_files_open_parquet(const void *context, tn_object *object, tn_types *types,
                                tn_pool *pool, tn_source **out, tarn_error *err)
{
    (void)context;
    return tn_parquet_open(object, types, pool, out, err);
}
