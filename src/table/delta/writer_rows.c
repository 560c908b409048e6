/*
 * The rows of a write: each task splits its batches by partition, and encodes a row group for each
 * on its own.  Where there are more partitions than it may have open, the others' rows come later,
 * part by part (scan/sink.h).
 */
#include "base/hash.h"
#include "base/size.h"
#include "column/flatten.h"
#include "table/delta/writer_internal.h"

enum {
    OPEN_GROUPS_MAX = 64, /* of one task, where there is memory for them */
    OPEN_GROUPS_MIN = 4,
    IDLE_BATCHES = 32, /* a group that got no row of so many may be ended for another one */
    KEY_SIZE_MAX = 4096,
    SLOT_TABLE = 4 * OPEN_GROUPS_MAX,
    LATER = OPEN_GROUPS_MAX /* no group: the row comes again */
};
static const size_t group_memory = 1 << 20; /* what an open group should have at least */
/* What each column of an open group should have: dictionary, a page, those that are written. */
static const size_t column_memory = 40 << 10;
static const uint64_t group_bytes_max = UINT64_C(16) << 20;
static const uint64_t group_rows_max = 131072;

/* A task's open group of one partition. */
typedef struct open_group {
    tn_delta_partition *partition; /* NULL: there is none in this slot */
    tn_group_writer *group;
    uint64_t rows;
    size_t memory;
    uint64_t used; /* the task's batch that it took rows of last */
    bool ends;     /* must go before anything else is written */
} open_group;

typedef struct sink_task {
    tn_sink_task base;
    struct tn_delta_writer *writer;
    tn_pool *pool;
    tn_scratch *scratch; /* of the partition columns */
    tn_column *flat;
    tn_column *columns; /* of the data columns */
    open_group groups[OPEN_GROUPS_MAX];
    uint32_t open;             /* of them */
    size_t memory;             /* that they hold */
    uint64_t batches;          /* offered so far */
    uint8_t table[SLOT_TABLE]; /* 1 + the group, by its partition's hash */
    uint8_t keys[2][KEY_SIZE_MAX];
    /* of the batch that is offered */
    uint8_t slots[TN_BATCH_ROWS]; /* the group of each row, or LATER */
    uint16_t rows[TN_BATCH_ROWS]; /* in the order of their groups */
    uint16_t later[TN_BATCH_ROWS];
    uint8_t parts[TN_BATCH_ROWS];
} sink_task;

/* ---- groups -----------------------------------------------------------------------------------*/

static void enter_slot(sink_task *task, uint32_t slot)
{
    size_t at = task->groups[slot].partition->hash % SLOT_TABLE;
    while (task->table[at] != 0) {
        at = (at + 1) % SLOT_TABLE;
    }
    task->table[at] = (uint8_t)(slot + 1);
}

static uint32_t find_slot(const sink_task *task, tn_str key, uint64_t hash)
{
    for (size_t at = hash % SLOT_TABLE; task->table[at] != 0; at = (at + 1) % SLOT_TABLE) {
        const tn_delta_partition *p = task->groups[task->table[at] - 1].partition;
        if (p->hash == hash && tn_str_equal(p->key, key)) {
            return task->table[at] - 1U;
        }
    }
    return LATER;
}

static void free_slot(sink_task *task, uint32_t slot)
{
    tn_delta__leave_partition(task->writer, task->groups[slot].partition);
    task->memory -= task->groups[slot].memory;
    task->groups[slot].partition = NULL;
    task->open--;
    memset(task->table, 0, sizeof(task->table));
    for (uint32_t i = 0; i < OPEN_GROUPS_MAX; i++) {
        if (task->groups[i].partition != NULL) {
            enter_slot(task, i);
        }
    }
}

/* *taken false where the upload has no room: it is ended before the next batch then. */
static TN_FALLIBLE end_group(sink_task *task, uint32_t slot, tn_waker *waker, bool *taken,
                             tarn_error *err)
{
    open_group *group = &task->groups[slot];
    const tarn_code code = group->group->ops->group_end(group->group, waker, taken, err);
    if (code == TARN_OK && !*taken) {
        group->ends = true;
        return TARN_OK;
    }
    free_slot(task, slot);
    return code;
}

static TN_FALLIBLE end_what_must(sink_task *task, tn_waker *waker, bool *taken, tarn_error *err)
{
    *taken = true;
    for (uint32_t i = 0; i < OPEN_GROUPS_MAX && *taken; i++) {
        if (task->groups[i].partition != NULL && task->groups[i].ends) {
            TN_RETURN_IF_ERROR(end_group(task, i, waker, taken, err));
        }
    }
    return TARN_OK;
}

/* Few where there is little memory, down to one of many columns. */
static uint32_t groups_max(const sink_task *task)
{
    const size_t memory = task->writer->sink.task_memory;
    const size_t least = tn_max_size(task->writer->leaf_count * column_memory, 1);
    const size_t fit = memory / tn_max_size(group_memory, least);
    const size_t few = tn_min_size(OPEN_GROUPS_MIN, tn_max_size(memory / least, 1));
    return memory == 0 ? OPEN_GROUPS_MAX
                       : (uint32_t)tn_min_size(tn_max_size(fit, few), OPEN_GROUPS_MAX);
}

/* Room for another group: false in *room where all that are open still get rows. */
static TN_FALLIBLE make_room(sink_task *task, tn_waker *waker, bool *room, bool *taken,
                             tarn_error *err)
{
    uint32_t idlest = 0;
    *taken = *room = true;
    if (task->open < groups_max(task)) {
        return TARN_OK;
    }
    for (uint32_t i = 1; i < OPEN_GROUPS_MAX; i++) {
        const open_group *each = &task->groups[i];
        if (each->partition != NULL &&
            (task->groups[idlest].partition == NULL || each->used < task->groups[idlest].used)) {
            idlest = i;
        }
    }
    *room = task->groups[idlest].used + IDLE_BATCHES <= task->batches;
    return *room ? end_group(task, idlest, waker, taken, err) : TARN_OK;
}

static TN_FALLIBLE begin_group(sink_task *task, uint32_t row, tn_str key, uint64_t hash,
                               tn_waker *waker, uint32_t *out, bool *taken, tarn_error *err)
{
    tn_delta_partition *p;
    uint32_t slot = 0;
    TN_RETURN_IF_ERROR(
        tn_delta__enter_partition(task->writer, task->flat, row, key, hash, waker, &p, taken, err));
    if (!*taken) {
        return TARN_OK;
    }
    while (task->groups[slot].partition != NULL) {
        slot++;
    }
    open_group *group = &task->groups[slot];
    *group = (open_group){.used = task->batches};
    const size_t memory = task->writer->sink.task_memory;
    const size_t share = task->writer->partition_count == 0 ? memory : memory / groups_max(task);
    const tarn_code code =
        p->writer->ops->group_begin(p->writer, task->pool, share, &group->group, err);
    if (code != TARN_OK) {
        tn_delta__leave_partition(task->writer, p);
        return code;
    }
    group->partition = p;
    enter_slot(task, slot);
    task->open++;
    *out = slot;
    return TARN_OK;
}

/* ---- rows -------------------------------------------------------------------------------------*/

static TN_FALLIBLE key_of(const sink_task *task, uint32_t row, uint8_t *key, size_t *size,
                          tarn_error *err)
{
    size_t at = 0;
    for (uint32_t i = 0; i < task->writer->partition_count; i++) {
        const tn_column *column = &task->flat[i];
        const bool is_null = column->validity != NULL && !tn_bit_get(column->validity, row);
        const size_t width = tn_lane_size((tn_lane)column->lane);
        tn_str bytes = TN_STR_NONE;
        uint8_t bit;
        if (column->lane == TN_LANE_view) {
            bytes = tn_view_str((const tn_view *)column->values + row);
        } else if (column->lane == TN_LANE_bool) {
            bit = tn_bit_get(column->values, row);
            bytes = (tn_str){(const char *)&bit, 1};
        } else {
            bytes = (tn_str){(const char *)column->values + row * width, width};
        }
        const uint32_t length = is_null ? UINT32_MAX : (uint32_t)bytes.size;
        bytes.size = is_null ? 0 : bytes.size;
        if (at + sizeof(length) + bytes.size > KEY_SIZE_MAX) {
            return tn_fail(err, TARN_E_LIMIT, "a partition value is longer than %d bytes",
                           KEY_SIZE_MAX);
        }
        memcpy(key + at, &length, sizeof(length));
        if (bytes.size > 0) {
            memcpy(key + at + sizeof(length), bytes.data, bytes.size);
        }
        at += sizeof(length) + bytes.size;
    }
    *size = at;
    return TARN_OK;
}

/* The group of a key; opened where there is none and room for one.  *taken false: wait. */
static TN_FALLIBLE slot_of(sink_task *task, uint32_t row, tn_str key, uint64_t hash,
                           tn_waker *waker, uint32_t *out, bool *taken, tarn_error *err)
{
    bool room;
    *taken = true;
    *out = find_slot(task, key, hash);
    if (*out != LATER) {
        task->groups[*out].used = task->batches;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(make_room(task, waker, &room, taken, err));
    return *taken && room ? begin_group(task, row, key, hash, waker, out, taken, err) : TARN_OK;
}

/* Finds the group of each row.  Nothing is written yet: after a wait all of it is done again. */
static TN_FALLIBLE assign(sink_task *task, const tn_batch *batch, tn_waker *waker, bool *taken,
                          tarn_error *err)
{
    const uint32_t keyed = task->writer->partition_count > 0 ? batch->selected : 1;
    uint32_t turn = 0;
    uint32_t slot = LATER;
    size_t last = SIZE_MAX; /* bytes of the key before */
    uint8_t part = 0;
    task->base.later_count = 0;
    for (uint32_t i = 0; i < keyed; i++) {
        uint8_t *key = task->keys[turn];
        size_t size = 0;
        TN_RETURN_IF_ERROR(key_of(task, i, key, &size, err));
        if (size != last || memcmp(key, task->keys[1 - turn], size) != 0) {
            const uint64_t hash = tn_hash_bytes(key, size, 0);
            const tn_str text = {(const char *)key, size};
            TN_RETURN_IF_ERROR(slot_of(task, i, text, hash, waker, &slot, taken, err));
            if (!*taken) {
                return TARN_OK;
            }
            part = (uint8_t)((hash >> 32) % TN_SINK_PARTS);
            last = size;
            turn = 1 - turn;
        }
        task->slots[i] = (uint8_t)slot;
        if (slot == LATER) {
            task->later[task->base.later_count] = (uint16_t)tn_batch_row(batch, i);
            task->parts[task->base.later_count++] = part;
        }
    }
    memset(task->slots + keyed, (int)slot, batch->selected - keyed);
    return TARN_OK;
}

static TN_FALLIBLE write_group(sink_task *task, uint32_t slot, tn_batch *part, tn_waker *waker,
                               tarn_error *err)
{
    open_group *open = &task->groups[slot];
    bool taken;
    TN_RETURN_IF_ERROR(open->group->ops->group_write(open->group, part, err));
    const uint64_t bytes = open->group->ops->group_bytes(open->group);
    const size_t memory = open->group->ops->group_memory(open->group);
    open->rows += part->selected;
    task->memory += memory - open->memory;
    open->memory = memory;
    return open->rows + TN_BATCH_ROWS > group_rows_max || bytes >= group_bytes_max
               ? end_group(task, slot, waker, &taken, err)
               : TARN_OK;
}

/* Each group gets its rows in one piece, in their order. */
static TN_FALLIBLE write_rows(sink_task *task, const tn_batch *batch, tn_waker *waker,
                              tarn_error *err)
{
    uint32_t counts[LATER + 1] = {0};
    uint32_t starts[LATER + 1];
    uint32_t at = 0;
    tn_batch part = *batch;
    part.columns = task->columns;
    part.width = task->writer->data_count;
    for (uint32_t i = 0; i < batch->selected; i++) {
        counts[task->slots[i]]++;
    }
    if (task->slots[0] != LATER && counts[task->slots[0]] == batch->selected) {
        return write_group(task, task->slots[0], &part, waker, err);
    }
    for (uint32_t slot = 0; slot <= LATER; slot++) {
        starts[slot] = at;
        at += counts[slot];
    }
    for (uint32_t i = 0; i < batch->selected; i++) {
        task->rows[starts[task->slots[i]]++] = (uint16_t)tn_batch_row(batch, i);
    }
    for (uint32_t slot = 0; slot < LATER; slot++) {
        part.selected = counts[slot];
        part.selection = task->rows + starts[slot] - counts[slot];
        if (counts[slot] > 0) {
            TN_RETURN_IF_ERROR(write_group(task, slot, &part, waker, err));
        }
    }
    return TARN_OK;
}

/* The largest groups are ended where all together hold more than the task may: their end takes the
 * rest. */
static TN_FALLIBLE heed_memory(sink_task *task, tn_waker *waker, tarn_error *err)
{
    const size_t memory = task->writer->sink.task_memory;
    bool taken = true;
    while (memory > 0 && task->memory > memory / 4 * 3 && task->open > 0 && taken) {
        uint32_t largest = 0;
        for (uint32_t i = 1; i < OPEN_GROUPS_MAX; i++) {
            if (task->groups[i].partition != NULL &&
                (task->groups[largest].partition == NULL ||
                 task->groups[i].memory > task->groups[largest].memory)) {
                largest = i;
            }
        }
        TN_RETURN_IF_ERROR(end_group(task, largest, waker, &taken, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE prepare(sink_task *task, const tn_batch *batch, tarn_error *err)
{
    const tn_delta_writer *writer = task->writer;
    if (tn_sink_refuse_nulls(&writer->sink, writer->uri, batch, task->pool, err) != TARN_OK) {
        tn_subject(err, writer->uri.data);
        return TARN_E_INVALID;
    }
    for (uint32_t i = 0; i < writer->data_count; i++) {
        task->columns[i] = batch->columns[writer->data_columns[i]];
    }
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        const tn_column *column = &batch->columns[writer->partition_columns[i]];
        TN_RETURN_IF_ERROR(tn_column_flatten(column, batch->selection, batch->selected,
                                             column->type->lane, &task->scratch[i], &task->flat[i],
                                             err));
    }
    return TARN_OK;
}

static tarn_code sink_write(tn_sink_task *base, const tn_batch *batch, tn_waker *waker,
                            tn_sink_answer *answer, tarn_error *err)
{
    sink_task *task = (sink_task *)base;
    bool taken = true;

    *answer = TN_SINK_TAKEN;
    task->base.later_count = 0;
    if (batch->selected == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(end_what_must(task, waker, &taken, err));
    if (taken) {
        TN_RETURN_IF_ERROR(prepare(task, batch, err));
        TN_RETURN_IF_ERROR(assign(task, batch, waker, &taken, err));
    }
    if (!taken) {
        *answer = TN_SINK_WAIT;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(write_rows(task, batch, waker, err));
    task->batches++;
    return heed_memory(task, waker, err);
}

static tarn_code sink_task_finish(tn_sink_task *base, tn_waker *waker, tn_sink_answer *answer,
                                  tarn_error *err)
{
    sink_task *task = (sink_task *)base;
    *answer = TN_SINK_TAKEN;
    for (uint32_t i = 0; i < OPEN_GROUPS_MAX; i++) {
        bool taken = true;
        if (task->groups[i].partition != NULL) {
            TN_RETURN_IF_ERROR(end_group(task, i, waker, &taken, err));
        }
        if (!taken) {
            *answer = TN_SINK_WAIT;
            return TARN_OK;
        }
    }
    return TARN_OK;
}

static void sink_task_close(tn_sink_task *base)
{
    sink_task *task = (sink_task *)base;
    const uint32_t partitions = task->writer->partition_count;
    for (uint32_t i = 0; i < OPEN_GROUPS_MAX; i++) {
        if (task->groups[i].partition != NULL) {
            task->groups[i].group->ops->group_abort(task->groups[i].group);
            tn_delta__leave_partition(task->writer, task->groups[i].partition);
        }
    }
    for (uint32_t i = 0; task->scratch != NULL && i < partitions; i++) {
        tn_scratch_deinit(&task->scratch[i]);
    }
    tn_pool_free(task->pool, task->scratch, partitions * sizeof(tn_scratch));
    tn_pool_free(task->pool, task->flat, partitions * sizeof(tn_column));
    tn_pool_free(task->pool, task->columns, task->writer->data_count * sizeof(tn_column));
    tn_pool_free(task->pool, task, sizeof(*task));
}

static tarn_code sink_task_open(tn_sink *base, tn_pool *pool, tn_sink_task **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta_writer *writer = (tn_delta_writer *)base;
    sink_task *task = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(sink_task), &memory, err));
    task = memory;
    task->base.ops = base->ops;
    task->writer = writer;
    task->pool = pool;
    task->base.later = task->later;
    task->base.parts = task->parts;
    TN_TRY(tn_pool_alloc_zeroed(pool, writer->partition_count * sizeof(tn_scratch), &memory, err));
    task->scratch = memory;
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        tn_scratch_init(&task->scratch[i], pool);
    }
    TN_TRY(tn_pool_alloc_zeroed(pool, writer->partition_count * sizeof(tn_column), &memory, err));
    task->flat = memory;
    TN_TRY(tn_pool_alloc_zeroed(pool, writer->data_count * sizeof(tn_column), &memory, err));
    task->columns = memory;
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        sink_task_close(&task->base);
    }
    return code;
}

const tn_sink_ops tn_delta__sink_ops = {
    .kind = "delta",
    .task_open = sink_task_open,
    .write = sink_write,
    .task_finish = sink_task_finish,
    .task_close = sink_task_close,
    .finish = tn_delta__finish_files,
};
