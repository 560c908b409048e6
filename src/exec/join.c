/* Joins: planning, the build end, the probe step. */
#include "exec/join_internal.h"

#include "base/size.h"
#include "kernel/hash_column.h"
#include "kernel/template.h"

enum { LOCAL_MIN = 1 << 20 };

static tn_join *join_of_probe(tn_operator *probe)
{
    return (tn_join *)(void *)((char *)probe - offsetof(tn_join, probe));
}

/* ---- build ---- */

typedef struct build_task {
    tn_operator_task base;
    tn_join *join;
    tn_pool *pool;
    tn_inputs *keys;
    tn_row_writer *writer;
    const tn_column **columns;
    tn_rows rows, null_rows;
    tn_rows *parts;
    uint64_t *hashes;
    uint8_t **added;
    uint16_t *which, *nulls;
    uint8_t *part_of;
    uint64_t taken;
    bool has_null, has_bounds;
    int64_t min, max;
} build_task;

static void free_parts(tn_pool *pool, tn_rows *parts)
{
    for (uint32_t p = 0; parts != NULL && p < TN_JOIN_PARTS; p++) {
        tn_rows_clear(&parts[p]);
    }
    tn_pool_free(pool, parts, TN_JOIN_PARTS * sizeof(tn_rows));
}

static void build_close(tn_operator_task *base)
{
    build_task *task = (build_task *)base;
    tn_pool *pool = task->pool;
    tn_rows_clear(&task->rows);
    tn_rows_clear(&task->null_rows);
    free_parts(&task->join->pool, task->parts);
    tn_inputs__destroy(task->keys);
    tn_row_writer_destroy(task->writer);
    tn_pool_free(pool, task->columns, task->join->layout->count * sizeof(void *));
    tn_pool_free(pool, task->hashes, TN_BATCH_ROWS * 8);
    tn_pool_free(pool, task->added, TN_BATCH_ROWS * 8);
    tn_pool_free(pool, task->which, TN_BATCH_ROWS * 2);
    tn_pool_free(pool, task->nulls, TN_BATCH_ROWS * 2);
    tn_pool_free(pool, task->part_of, TN_BATCH_ROWS);
    tn_pool_free(pool, task, sizeof(*task));
}

static tarn_code build_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                            tarn_error *err)
{
    tn_join *join = (tn_join *)base;
    tarn_code code = TARN_OK;
    build_task *made = NULL;
    void *memory = NULL;
    tn_pool *pool = task->pool;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*made), &memory, err));
    made = memory;
    made->base.ops = base->ops;
    made->join = join;
    made->pool = pool;
    tn_rows_init(&made->rows, join->layout, &join->pool, join->run->spill);
    tn_rows_init(&made->null_rows, join->layout, &join->pool, join->run->spill);
    TN_TRY(tn_inputs__create(join->build_program, join->options.key_count, pool, &made->keys, err));
    TN_TRY(tn_row_writer_create(pool, join->layout, join->options.key_count, &made->writer, err));
    TN_TRY(tn_pool_alloc(pool, join->layout->count * sizeof(void *), (void **)&made->columns, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 8, (void **)&made->hashes, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 8, (void **)&made->added, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 2, (void **)&made->which, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * 2, (void **)&made->nulls, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS, (void **)&made->part_of, err));
    *out = &made->base;
    made = NULL;
done:
    if (made != NULL) {
        build_close(&made->base);
    }
    return code;
}

static TN_FALLIBLE make_parts(tn_join *join, tn_rows **out, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc(&join->pool, TN_JOIN_PARTS * sizeof(tn_rows), &memory, err));
    *out = memory;
    for (uint32_t p = 0; p < TN_JOIN_PARTS; p++) {
        tn_rows_init(&(*out)[p], join->layout, &join->pool, join->run->spill);
        (*out)[p].page_max = join->budget / TN_JOIN_PARTS / 16 < (64 << 10) ? 16 << 10 : 64 << 10;
    }
    return TARN_OK;
}

/* Copies rows to partitions by their hash, and frees them. */
static TN_FALLIBLE partition(tn_rows *from, tn_rows *parts, tarn_error *err)
{
    tarn_code code = TARN_OK;
    uint8_t *rows[256];
    uint8_t *copies[256];
    uint8_t part_of[256];
    uint32_t count;
    tn_rows_seal(from);
    tn_rows_cursor cursor = {.rows = from, .consume = true};
    do {
        TN_TRY(tn_rows_cursor_next(&cursor, 256, rows, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            part_of[i] =
                (uint8_t)(((const tn_join_row *)(void *)rows[i])->hash >> (64 - TN_JOIN_BITS));
        }
        TN_TRY(tn_rows_copy(parts, part_of, rows, count, copies, err));
    } while (count > 0);
done:
    tn_rows_cursor_close(&cursor);
    return code;
}

#define VALUE(TYPE) value = (int64_t)((const TYPE *)key->values)[i]

static void see_bounds(build_task *task, uint32_t count)
{
    const tn_column *key = &task->writer->columns[0];
    if (!task->join->integer_key) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t value;
        if (key->validity != NULL && !tn_bit_get(key->validity, i)) {
            continue;
        }
        TN_BY_INTEGER_LANE(key->lane, VALUE, VALUE(int64_t))
        task->min = !task->has_bounds || value < task->min ? value : task->min;
        task->max = !task->has_bounds || value > task->max ? value : task->max;
        task->has_bounds = true;
    }
}

/* Splits the part's rows: those with a NULL key match nothing. */
static uint32_t without_nulls(build_task *task, uint32_t count, uint32_t *null_count)
{
    const tn_join_options *options = &task->join->options;
    uint32_t kept = 0;
    *null_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_null = false;
        for (uint32_t k = 0; k < options->key_count; k++) {
            const tn_column *key = &task->writer->columns[k];
            const bool counts = options->null_equal == NULL || !options->null_equal[k];
            is_null =
                is_null || (counts && (key->lane == TN_LANE_none ||
                                       (key->validity != NULL && !tn_bit_get(key->validity, i))));
        }
        task->which[kept] = task->nulls[*null_count] = (uint16_t)i;
        kept += !is_null;
        *null_count += is_null;
    }
    return kept;
}

static TN_FALLIBLE build_part(build_task *task, const tn_batch *part, tarn_error *err)
{
    tn_join *join = task->join;
    const tn_join_options *options = &join->options;
    const uint32_t count = part->selected;
    uint32_t nulls;

    for (uint32_t k = 0; k < options->key_count; k++) {
        TN_RETURN_IF_ERROR(tn_inputs__raise(&task->keys->columns[k], part, err));
        task->columns[k] = &task->keys->columns[k];
    }
    for (uint32_t p = 0; p < options->payload_count; p++) {
        const tn_column *column = &part->columns[options->payload[p]];
        TN_RETURN_IF_ERROR(tn_inputs__raise(column, part, err));
        task->columns[options->key_count + p] = column;
    }
    TN_RETURN_IF_ERROR(
        tn_row_writer_prepare(task->writer, task->columns, part->selection, count, err));
    memset(task->hashes, 0, options->key_count == 0 ? count * sizeof(uint64_t) : 0);
    for (uint32_t k = 0; k < options->key_count; k++) {
        tn_hash_column(&task->writer->columns[k], count, k > 0, task->hashes);
    }
    see_bounds(task, count);
    tn_row_writer_measure(task->writer, count);
    const uint32_t kept = without_nulls(task, count, &nulls);
    task->taken += count;
    task->has_null = task->has_null || nulls > 0;
    for (uint32_t i = 0; task->parts != NULL && i < kept; i++) {
        task->part_of[i] = (uint8_t)(task->hashes[task->which[i]] >> (64 - TN_JOIN_BITS));
    }
    TN_RETURN_IF_ERROR(tn_row_writer_add(
        task->writer, task->parts != NULL ? task->parts : &task->rows,
        task->parts != NULL ? task->part_of : NULL, task->which, kept, task->added, err));
    const bool has_flag = join->keeps_build;
    for (uint32_t i = 0; i < kept; i++) {
        tn_join_row *row = (tn_join_row *)(void *)task->added[i];
        row->next = NULL;
        row->hash = task->hashes[task->which[i]];
        if (has_flag) {
            row->matched = 0;
        }
    }
    if (has_flag && nulls > 0) {
        TN_RETURN_IF_ERROR(tn_row_writer_add(task->writer, &task->null_rows, NULL, task->nulls,
                                             nulls, task->added, err));
        for (uint32_t i = 0; i < nulls; i++) {
            *(tn_join_row *)(void *)task->added[i] = (tn_join_row){0};
        }
    }
    tn_row_writer_settle(task->writer);
    if (task->parts == NULL && task->rows.bytes > join->local_max) {
        TN_RETURN_IF_ERROR(make_parts(join, &task->parts, err));
        return partition(&task->rows, task->parts, err);
    }
    return TARN_OK;
}

static tarn_code build_take(tn_operator_task *base, const tn_batch *in, tn_answer *answer,
                            tarn_error *err)
{
    build_task *task = (build_task *)base;
    tn_batch part;
    bool more;
    *answer = TN_MORE_INPUT;
    for (;;) {
        TN_RETURN_IF_ERROR(tn_inputs__part(task->keys, in, &part, &more, err));
        if (!more) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(build_part(task, &part, err));
    }
}

static tarn_code build_combine(tn_operator_task *base, tn_answer *answer, tarn_error *err)
{
    build_task *task = (build_task *)base;
    tn_join *join = task->join;
    tarn_code code = TARN_OK;

    *answer = TN_MORE_INPUT;
    pthread_mutex_lock(&join->lock);
    if (task->parts != NULL) {
        if (join->parts == NULL) {
            TN_TRY(make_parts(join, &join->parts, err));
        }
        for (uint32_t p = 0; p < TN_JOIN_PARTS; p++) {
            tn_rows_append(&join->parts[p], &task->parts[p]);
        }
    }
    tn_rows_append(&join->rows, &task->rows);
    tn_rows_append(&join->null_rows, &task->null_rows);
    join->build_rows += task->taken;
    join->has_null = join->has_null || task->has_null;
    if (task->has_bounds) {
        join->min = !join->has_bounds || task->min < join->min ? task->min : join->min;
        join->max = !join->has_bounds || task->max > join->max ? task->max : join->max;
        join->has_bounds = true;
    }
    task->taken = 0;
    task->has_bounds = false;
done:
    pthread_mutex_unlock(&join->lock);
    return code;
}

/* What the build side knows about its keys goes to the probe side's scan. */
static void fill_filters(const tn_join *join)
{
    const tn_join_options *options = &join->options;
    const bool drops = options->kind == TN_JOIN_INNER || options->kind == TN_JOIN_SEMI ||
                       options->kind == TN_JOIN_RIGHT || options->of_build;
    if (options->filters == NULL || !drops || options->key_count == 0) {
        return;
    }
    for (uint32_t k = 0; k < options->key_count; k++) {
        const bool nulls_match = options->null_equal != NULL && options->null_equal[k];
        if (options->filters[k] == NULL || nulls_match) {
            continue;
        }
        if (join->build_rows == 0) {
            tn_join_filter__nothing(options->filters[k]);
        } else if (k == 0 && join->has_bounds) {
            const tn_type *type = join->layout->fields[0].type;
            tn_value min = {.type = type};
            tn_value max = {.type = type};
            min.i64 = join->min; /* unsigned ones share the bits */
            max.i64 = join->max;
            tn_join_filter__bounds(options->filters[k], &min, &max);
        }
    }
}

static size_t heads_bytes(uint64_t rows)
{
    return (size_t)rows * 20; /* at most: 1.25 rounded up to a power of two, 8 bytes each */
}

/* Which partitions stay in memory; the rest wait for the scan. */
static TN_FALLIBLE choose_residents(tn_join *join, tarn_error *err)
{
    const size_t room = tn_min_size(join->budget, tn_run__available(join->run)) / 3;
    size_t used = 0;
    for (uint32_t p = 0; p < TN_JOIN_PARTS; p++) {
        const size_t bytes = join->parts[p].bytes + heads_bytes(join->parts[p].count);
        tn_rows_seal(&join->parts[p]);
        join->resident[p] = false;
        if (used + bytes <= room) {
            const tarn_code code = tn_rows_pin(&join->parts[p], err);
            if (code != TARN_OK && code != TARN_E_NOMEM) {
                return code;
            }
            join->resident[p] = code == TARN_OK;
            used += bytes;
        }
        join->defers = join->defers || !join->resident[p];
    }
    return TARN_OK;
}

static tarn_code build_finalise(tn_operator *base, const tn_task *task, tn_answer *answer,
                                tarn_error *err)
{
    tn_join *join = (tn_join *)base;
    tn_rows *sets[TN_JOIN_PARTS];
    uint32_t count = 0;
    tarn_code code = TARN_OK;

    (void)task;
    *answer = TN_MORE_INPUT;
    fill_filters(join);
    const size_t need = join->rows.bytes + heads_bytes(join->rows.count);
    if (join->parts == NULL && need > tn_run__available(join->run) / 2) {
        TN_TRY(make_parts(join, &join->parts, err));
    }
    if (join->parts == NULL) {
        TN_TRY(tn_rows_pin(&join->rows, err));
        sets[count++] = &join->rows;
    } else {
        TN_TRY(partition(&join->rows, join->parts, err));
        TN_TRY(choose_residents(join, err));
        for (uint32_t p = 0; p < TN_JOIN_PARTS; p++) {
            if (join->resident[p]) {
                sets[count++] = &join->parts[p];
            }
        }
    }
    TN_TRY(tn_join__table_make(join, &join->pool, sets, count,
                               join->parts == NULL && join->integer_key && join->has_bounds &&
                                   join->options.key_count == 1 && join->hash_is_key,
                               &join->table, err));
    if (join->table.present != NULL && join->layout->view_count == 0) {
        tn_rows_clear(&join->rows); /* all of it lies in the table */
    }
done:
    return tn_spill_explain(join->run->spill, code, err);
}

static void build_destroy(tn_operator *base)
{
    tn_join__release((tn_join *)base);
}

void tn_join__release(tn_join *join)
{
    if (atomic_fetch_sub(&join->refs, 1) != 1) {
        return;
    }
    tn_join__table_free(&join->pool, &join->table);
    if (join->layout != NULL) {
        tn_rows_clear(&join->rows);
        tn_rows_clear(&join->null_rows);
    }
    free_parts(&join->pool, join->parts);
    free_parts(&join->pool, join->probes);
    for (size_t i = 0; i < join->work_count; i++) {
        tn_rows_clear(&join->work[i].build);
        tn_rows_clear(&join->work[i].probe);
    }
    tn_pool_free(&join->pool, join->work, join->work_capacity * sizeof(tn_join_part));
    tn_row_layout_destroy(join->layout);
    tn_row_layout_destroy(join->probe_layout);
    pthread_mutex_destroy(&join->lock);
    tn_pool_deinit(&join->pool);
    tn_pool_free(join->run->pool, join, sizeof(*join));
}

/* ---- probe ---- */

typedef struct probe_task {
    tn_operator_task base;
    tn_join *join;
    tn_pool *pool;
    tn_prober *prober;
} probe_task;

static tarn_code probe_open(tn_operator *base, const tn_task *task, tn_operator_task **out,
                            tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, sizeof(probe_task), &memory, err));
    probe_task *made = memory;
    made->base.ops = base->ops;
    made->join = join_of_probe(base);
    made->pool = task->pool;
    const tarn_code code = tn_prober__create(made->join, task->pool, true, &made->prober, err);
    if (code != TARN_OK) {
        tn_pool_free(task->pool, made, sizeof(*made));
        return code;
    }
    *out = &made->base;
    return TARN_OK;
}

/* What was kept for partitions that wait goes to the join: the scan of the build reads it. */
static void probe_close(tn_operator_task *base)
{
    probe_task *task = (probe_task *)base;
    tn_join *join = task->join;
    if (task->prober->deferred != NULL) {
        pthread_mutex_lock(&join->lock);
        for (uint32_t p = 0; join->probes != NULL && p < TN_JOIN_PARTS; p++) {
            tn_rows_append(&join->probes[p], &task->prober->deferred[p]);
        }
        pthread_mutex_unlock(&join->lock);
    }
    tn_prober__destroy(task->prober);
    tn_pool_free(task->pool, task, sizeof(*task));
}

static TN_FALLIBLE make_probes(tn_join *join, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory;
    pthread_mutex_lock(&join->lock);
    if (join->probes == NULL) {
        code = tn_pool_alloc(&join->pool, TN_JOIN_PARTS * sizeof(tn_rows), &memory, err);
        for (uint32_t p = 0; code == TARN_OK && p < TN_JOIN_PARTS; p++) {
            tn_rows_init((tn_rows *)memory + p, join->probe_layout, &join->pool, join->run->spill);
        }
        join->probes = memory;
    }
    pthread_mutex_unlock(&join->lock);
    return code;
}

static tarn_code probe_step(tn_operator_task *base, const tn_batch *in, tn_batch *out,
                            tn_answer *answer, tarn_error *err)
{
    probe_task *task = (probe_task *)base;
    bool more;
    if (task->join->defers && task->join->probes == NULL) { /* closing must not need memory */
        TN_RETURN_IF_ERROR(make_probes(task->join, err));
    }
    TN_RETURN_IF_ERROR(tn_prober__next(task->prober, in, out, &more, err));
    *answer = more ? TN_MORE_OUTPUT : TN_MORE_INPUT;
    out->tag = in->tag;
    out->tag.last = in->tag.last && !more;
    return TARN_OK;
}

static void probe_destroy(tn_operator *base)
{
    tn_join__release(join_of_probe(base));
}

/* ---- planning ---- */

static TN_FALLIBLE copy_list(tn_arena *arena, const void *list, size_t count, size_t size,
                             const void *out, tarn_error *err)
{
    void *copy = NULL;
    if (list != NULL && count > 0) {
        TN_RETURN_IF_ERROR(tn_arena_alloc(arena, count * size, &copy, err));
        memcpy(copy, list, count * size);
    }
    memcpy((void *)(uintptr_t)out, &copy, sizeof(copy));
    return TARN_OK;
}

typedef struct reads {
    const tn_layout *layout;
    bool *is_read;
} reads;

static bool see_read(void *context, const tn_expr *expr)
{
    const reads *r = context;
    for (uint32_t i = 0; expr->kind == TN_EXPR_COLUMN && i < r->layout->count; i++) {
        r->is_read[i] = r->is_read[i] || r->layout->ids[i] == expr->column;
    }
    return true;
}

/* What the residual reads of a pair: no more is made where no pair is handed out. */
static TN_FALLIBLE see_reads(tn_join *join, const tn_join_options *options, tarn_error *err)
{
    reads r = {.layout = options->residual_layout};
    TN_RETURN_IF_ERROR(
        tn_arena_array(join->run->expr->arena, bool, r.layout->count, &r.is_read, err));
    for (uint32_t i = 0; i < options->residual_count; i++) {
        TN_RETURN_IF_ERROR(tn_expr_walk(options->residual[i], &join->pool, see_read, &r, err));
    }
    join->is_read = r.is_read;
    return TARN_OK;
}

static void plan_memory(tn_join *join, uint32_t sharers)
{
    const size_t budget = tn_run__budget(join->run);
    const size_t threads = join->run->threads == 0 ? 1 : join->run->threads;
    join->budget = budget == SIZE_MAX ? SIZE_MAX : budget / sharers;
    join->local_max =
        budget == SIZE_MAX ? SIZE_MAX : tn_max_size(LOCAL_MIN, join->budget / 8 / threads);
}

static void share_budget(tn_operator *base, uint32_t sharers)
{
    plan_memory((tn_join *)base, sharers);
}

static TN_FALLIBLE plan(tn_join *join, const tn_join_options *options, tarn_error *err)
{
    tn_arena *arena = join->run->expr->arena;
    tn_join_options *own = &join->options;
    const tn_type **types;
    const uint32_t keys = options->key_count;
    const uint32_t payload = options->payload_count;

    *own = *options;
    TN_RETURN_IF_ERROR(
        copy_list(arena, options->null_equal, keys, sizeof(bool), &own->null_equal, err));
    TN_RETURN_IF_ERROR(
        copy_list(arena, options->payload, payload, sizeof(uint32_t), &own->payload, err));
    TN_RETURN_IF_ERROR(copy_list(arena, options->payload_types, payload, sizeof(void *),
                                 &own->payload_types, err));
    TN_RETURN_IF_ERROR(copy_list(arena, options->probe_types, options->probe_layout->count,
                                 sizeof(void *), &own->probe_types, err));
    TN_RETURN_IF_ERROR(
        copy_list(arena, options->filters, keys, sizeof(void *), &own->filters, err));
    TN_RETURN_IF_ERROR(
        copy_list(arena, options->probe_layout, 1, sizeof(tn_layout), &own->probe_layout, err));
    const tn_join_kind kind = options->kind;
    join->of_build = options->of_build;
    join->keeps_build = kind == TN_JOIN_RIGHT || kind == TN_JOIN_FULL || join->of_build;
    join->keeps_probe = kind == TN_JOIN_LEFT || kind == TN_JOIN_FULL || kind == TN_JOIN_SINGLE;
    join->only_probe =
        (kind == TN_JOIN_SEMI || kind == TN_JOIN_ANTI || kind == TN_JOIN_MARK) && !join->of_build;
    join->width =
        (join->of_build ? 0 : options->probe_layout->count) + (kind == TN_JOIN_MARK ? 1
                                                               : join->only_probe   ? 0
                                                                                    : payload);
    TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_type *, keys + payload, &types, err));
    for (uint32_t k = 0; k < keys; k++) {
        types[k] = options->build_keys[k]->type;
    }
    for (uint32_t p = 0; p < payload; p++) {
        types[keys + p] = options->payload_types[p];
    }
    TN_RETURN_IF_ERROR(tn_row_layout_create(&join->pool, types, keys + payload,
                                            join->keeps_build ? sizeof(tn_join_row)
                                                              : offsetof(tn_join_row, matched),
                                            &join->layout, err));
    TN_RETURN_IF_ERROR(tn_row_layout_create(&join->pool, options->probe_types,
                                            options->probe_layout->count, 0, &join->probe_layout,
                                            err));
    tn_rows_init(&join->rows, join->layout, &join->pool, join->run->spill);
    tn_rows_init(&join->null_rows, join->layout, &join->pool, join->run->spill);
    const bool null_equal = keys > 0 && options->null_equal != NULL && options->null_equal[0];
    const tn_lane lane = keys > 0 ? (tn_lane)join->layout->fields[0].lane : TN_LANE_none;
    join->hash_is_key =
        keys == 0 || (keys == 1 && !null_equal && (lane <= TN_LANE_f64 || lane == TN_LANE_bool));
    join->integer_key = keys >= 1 && lane < TN_LANE_u64;
    plan_memory(join, 1);
    TN_RETURN_IF_ERROR(tn_program_compile(join->run->expr, options->build_keys, keys,
                                          options->build_layout, join->run->parameters,
                                          &join->build_program, err));
    TN_RETURN_IF_ERROR(tn_program_compile(join->run->expr, options->probe_keys, keys,
                                          options->probe_layout, join->run->parameters,
                                          &join->probe_program, err));
    if (options->residual_count == 0) {
        return TARN_OK;
    }
    if (join->only_probe || join->of_build) {
        TN_RETURN_IF_ERROR(see_reads(join, options, err));
    }
    return tn_program_compile(join->run->expr, options->residual, options->residual_count,
                              options->residual_layout, join->run->parameters, &join->residual,
                              err);
}

tarn_code tn_join_create(tn_run *run, const tn_join_options *options, tn_operator **build,
                         tn_operator **probe, tarn_error *err)
{
    static const tn_operator_ops build_ops = {.name = "join build",
                                              .task_open = build_open,
                                              .task_close = build_close,
                                              .take = build_take,
                                              .combine = build_combine,
                                              .finalise = build_finalise,
                                              .scan = tn_join__scan,
                                              .destroy = build_destroy,
                                              .share_budget = share_budget};
    static const tn_operator_ops probe_ops = {.name = "join probe",
                                              .task_open = probe_open,
                                              .task_close = probe_close,
                                              .step = probe_step,
                                              .destroy = probe_destroy};
    tarn_code code = TARN_OK;
    tn_join *join = NULL;

    *build = *probe = NULL;
    TN_TRY(tn_block__new(run, sizeof(*join), &join, err));
    join->build.ops = &build_ops;
    join->probe.ops = &probe_ops;
    join->run = run;
    join->refs = 1;
    pthread_mutex_init(&join->lock, NULL);
    tn_pool_init(&join->pool, run->pool, "join", SIZE_MAX);
    TN_TRY(plan(join, options, err));
    join->refs = 2;
    *build = &join->build;
    *probe = &join->probe;
    join = NULL;
done:
    if (join != NULL) {
        tn_join__release(join);
    }
    return code;
}
