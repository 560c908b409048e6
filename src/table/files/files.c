/* A set of data files as a source, and what can be said of them before one is opened. */
#include "table/files/scan_internal.h"
#include "table/files/set_internal.h"

#include "format/parquet/parquet.h"

uint32_t tn_files__width(const tn_files_scan *scan)
{
    uint32_t virtuals = 0;
    for (uint32_t bit = TN_VIRTUAL_FILE; bit <= TN_VIRTUAL_MODIFIED; bit <<= 1) {
        virtuals += (scan->request.virtuals & bit) != 0;
    }
    return scan->request.field_count + virtuals;
}

uint32_t tn_files__partition(const tn_file_set *set, uint32_t field)
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
    const uint32_t partition = tn_files__partition(set, conjunct->field);
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

/* ---- the scan ---------------------------------------------------------------------------------*/

static void files_counters(tn_scan *base, tn_scan_counters *out)
{
    tn_files_scan *scan = (tn_files_scan *)base;
    pthread_mutex_lock(&scan->lock);
    *out = scan->counters;
    for (size_t i = 0; i < scan->count; i++) {
        tn_scan *sub =
            scan->files[i].state == TN_FILE_OPEN || scan->files[i].state == TN_FILE_DRAINED
                ? scan->files[i].sub
                : NULL;
        tn_scan_counters counters = {0};
        if (sub != NULL) {
            sub->ops->counters(sub, &counters);
            tn_open_file__count(&scan->files[i], &counters, out);
        }
    }
    pthread_mutex_unlock(&scan->lock);
}

static tarn_code files_finish(tn_scan *base, tarn_error *err)
{
    tn_files_scan *scan = (tn_files_scan *)base;
    for (size_t i = 0; i < scan->count; i++) {
        tn_scan *sub = scan->files[i].sub;
        if (sub != NULL && scan->files[i].state == TN_FILE_OPEN) {
            TN_RETURN_IF_ERROR(sub->ops->finish(sub, err));
        }
    }
    return TARN_OK;
}

static bool is_opening(tn_files_scan *scan)
{
    pthread_mutex_lock(&scan->lock);
    const bool opening = scan->opening > 0;
    pthread_mutex_unlock(&scan->lock);
    return opening;
}

static void files_close(tn_scan *base)
{
    tn_files_scan *scan = (tn_files_scan *)base;
    /* Files opened ahead that nobody came to read: their jobs end soon. */
    for (size_t i = 0; i < scan->count && is_opening(scan); i++) {
        tn_latch latch;
        tn_latch_init(&latch);
        pthread_mutex_lock(&scan->lock);
        const bool wait = scan->files[i].state == TN_FILE_OPENING &&
                          tn_vec_push(&scan->files[i].waiting, &latch.waker, NULL) == TARN_OK;
        pthread_mutex_unlock(&scan->lock);
        if (wait) {
            tn_latch_wait(&latch);
        }
    }
    pthread_mutex_lock(&scan->lock); /* the last job has left run_open() */
    pthread_mutex_unlock(&scan->lock);
    for (size_t i = 0; i < scan->count; i++) {
        (void)!tn_open_file__close(&scan->files[i], NULL);
    }
    (void)pthread_mutex_destroy(&scan->lock);
    tn_source_release(&scan->source->base);
    tn_arena_deinit(&scan->arena);
    tn_pool_free(scan->pool, scan, sizeof(*scan));
}

static uint32_t files_morsels(tn_scan *base)
{
    const tn_files_scan *scan = (tn_files_scan *)base;
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
    .task_open = tn_files__task_open,
    .read = tn_files__read,
    .task_close = tn_files__task_close,
    .counters = files_counters,
    .finish = files_finish,
    .close = files_close,
    .morsels_expected = files_morsels,
    .place = tn_files__place,
};

static TN_FALLIBLE copy_request(tn_files_scan *scan, const tn_scan_request *request,
                                tarn_error *err)
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
    tn_files_source *source = (tn_files_source *)base;
    tn_files_scan *scan = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_files_scan), &memory, err));
    scan = memory;
    scan->base.ops = &files_scan_ops;
    scan->source = (tn_files_source *)tn_source_retain(base);
    scan->pool = pool;
    (void)pthread_mutex_init(&scan->lock, NULL);
    tn_arena_init(&scan->arena, pool);
    TN_TRY(copy_request(scan, request, err));
    TN_TRY(tn_arena_array(&scan->arena, tn_open_file, source->set.count, &scan->files, err));
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
        tn_open_file *file = &scan->files[scan->count++];
        *file = (tn_open_file){.scan = scan, .part = part, .is_first = i == 0};
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

static TN_FALLIBLE statistics_of_log(const tn_files_source *source, const tn_conjunct *conjuncts,
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
    const tn_files_source *source = (const tn_files_source *)base;
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
    tn_files_source *source = (tn_files_source *)base;
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
    tn_files_source *source = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(tn_files_source), &memory, err));
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
    return tn_parquet_open_as(object, context, types, pool, out, err);
}
