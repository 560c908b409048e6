/*
 * Data files of a commit: rows are split by partition, encoded by each task on its own, and staged
 * as whole files with names that no log entry has yet.
 */
#include "base/hash.h"
#include "column/flatten.h"
#include "format/parquet/parquet.h"
#include "kernel/text.h"
#include "os/clock.h"
#include "os/random.h"
#include "table/delta/writer_internal.h"

#include <pthread.h>

enum {
    OPEN_GROUPS_MAX = 64, /* of one task: above, the largest is ended */
    OPEN_FILES_MAX = 200, /* of the writer: above, the one that was longest idle is finished */
    CLOSING_MAX = 4,      /* files being finished: above, tasks wait */
    KEY_SIZE_MAX = 4096
};
static const uint64_t file_size_default = UINT64_C(128) << 20;
static const uint64_t group_bytes_max = UINT64_C(16) << 20;
static const uint64_t group_rows_max = 131072;

/* One partition's file that is being written; the list of partitions is the writer's. */
typedef struct partition {
    struct partition *next; /* of the same bucket */
    uint64_t hash;
    tn_str key;          /* the raw values: null marks and bytes */
    const tn_str *texts; /* of each partition column; .data NULL: null */
    tn_upload *upload;
    tn_file_writer *writer;
    tn_str path;
    uint32_t groups;  /* being encoded for it */
    uint32_t ordinal; /* of its next file */
    uint64_t used;    /* for "longest idle" */
} partition;

/* A file without more rows to come, on its way to an I/O thread. */
typedef struct closing {
    tn_job job; /* first */
    tn_delta_writer *writer;
    tn_upload *upload;
    tn_file_writer *file;
    size_t staged; /* its place there: the path is known, the rest comes when it is whole */
} closing;

/* A task's open group of one partition. */
typedef struct open_group {
    partition *partition;
    tn_group_writer *group;
    uint64_t rows;
    bool ends; /* must go before anything else is written */
} open_group;

typedef struct sink_task {
    tn_sink_task base;
    struct tn_delta_writer *writer;
    tn_pool *pool;
    tn_scratch *scratch; /* of the partition columns */
    tn_column *flat;
    tn_column *columns; /* of the data columns */
    open_group groups[OPEN_GROUPS_MAX];
    uint32_t group_count;
    uint8_t last_key[KEY_SIZE_MAX];
    size_t last_size;
    uint32_t last_group;
    /* Of the offered batch, which comes again after a wait: rows that are written, and how many. */
    uint64_t written[TN_BATCH_ROWS / 64];
    uint32_t done;
    uint8_t same[TN_BATCH_ROWS]; /* rows of one key */
    uint16_t rows[TN_BATCH_ROWS];
} sink_task;

/* ---- files ------------------------------------------------------------------------------------*/

static TN_FALLIBLE name_file(tn_delta_writer *writer, partition *p, tarn_error *err)
{
    tarn_code code = TARN_OK;
    char uuid[TN_UUID_SIZE];
    tn_text text;

    tn_random_uuid(uuid);
    tn_text_init(&text, writer->pool, 1 << 20);
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        const tn_field *field = &writer->sink.schema.fields[writer->partition_columns[i]];
        tn_delta__put_partition(field->name, p->texts[i], p->texts[i].data == NULL, &text);
        tn_text_putc(&text, '/');
    }
    tn_text_puts(&text, "part-");
    if (writer->run.size > 0) {
        tn_text_append(&text, writer->run);
        tn_text_putc(&text, '-');
    }
    tn_text_printf(&text, "%05u-%s.parquet", p->ordinal++, uuid);
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(tn_arena_copy(&writer->arena, tn_text_str(&text), &p->path, err));
done:
    tn_text_deinit(&text);
    return code;
}

static TN_FALLIBLE open_file(tn_delta_writer *writer, partition *p, tarn_error *err)
{
    tn_str key;
    const tn_put_options options = {.mode = TN_PUT_CREATE, .durable = true};
    TN_RETURN_IF_ERROR(name_file(writer, p, err));
    TN_RETURN_IF_ERROR(tn_arena_print(&writer->arena, &key, err, "%.*s%.*s",
                                      TN_STR_ARGS(writer->table_root), TN_STR_ARGS(p->path)));
    TN_RETURN_IF_ERROR(
        tn_upload_create(writer->store, key, writer->pool, &options, &p->upload, err));
    const tn_schema schema = {writer->data_count, writer->data_fields};
    const tarn_code code =
        tn_parquet_writer_open(p->upload, &schema, &writer->parquet, writer->pool, &p->writer, err);
    if (code != TARN_OK) {
        tn_upload_abort(p->upload);
        p->upload = NULL;
    }
    writer->open_files += code == TARN_OK;
    return code;
}

static TN_FALLIBLE copy_receipt(tn_delta_writer *writer, const tn_file_receipt *from,
                                tn_str *statistics, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    tn_text_init(&text, writer->pool, 1 << 22);
    TN_TRY(tn_delta__put_statistics(from, writer->data_fields, &text, err));
    TN_TRY(tn_arena_copy(&writer->arena, tn_text_str(&text), statistics, err));
done:
    tn_text_deinit(&text);
    return code;
}

/* Locked, or alone: takes the file from its partition, which may have another from now on. */
static TN_FALLIBLE detach(tn_delta_writer *writer, partition *p, closing **out, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_vec_reserve(&writer->staged, 1, err));
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(writer->pool, sizeof(closing), &memory, err));
    closing *file = memory;
    *file = (closing){
        .writer = writer, .upload = p->upload, .file = p->writer, .staged = writer->staged.count};
    writer->staged.items[writer->staged.count++] =
        (tn_staged_file){.path = p->path, .partitions = p->texts};
    p->upload = NULL;
    p->writer = NULL;
    writer->open_files--;
    *out = file;
    return TARN_OK;
}

/* The file is whole: footer, then visible under a name that nobody knows.  May block. */
static TN_FALLIBLE finish_file(closing *file, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta_writer *writer = file->writer;
    tn_arena arena;
    tn_file_receipt receipt;
    tn_str statistics;
    tn_object_info info;
    tn_outcome outcome = TN_OUTCOME_DONE;
    tn_upload *upload = file->upload;

    tn_arena_init(&arena, writer->pool);
    TN_TRY(file->file->ops->finish(file->file, &arena, &receipt, err));
    pthread_mutex_lock(&writer->lock);
    code = copy_receipt(writer, &receipt, &statistics, err);
    pthread_mutex_unlock(&writer->lock);
    if (code != TARN_OK) {
        goto done;
    }
    file->upload = NULL;
    TN_TRY(tn_upload_finish(upload, &info, &outcome, err));
    pthread_mutex_lock(&writer->lock);
    tn_staged_file *staged = &writer->staged.items[file->staged];
    staged->statistics = statistics;
    staged->size = info.size;
    staged->rows = receipt.rows;
    pthread_mutex_unlock(&writer->lock);
done:
    file->file->ops->destroy(file->file);
    tn_upload_abort(file->upload);
    tn_arena_deinit(&arena);
    tn_pool_free(writer->pool, file, sizeof(*file));
    return code;
}

/* The first failure of a file stays; who waits for room, or for the end, is woken. */
static void note_finished(tn_delta_writer *writer, tarn_code code, const tarn_error *err)
{
    pthread_mutex_lock(&writer->lock);
    if (code != TARN_OK && writer->close_code == TARN_OK) {
        writer->close_code = code;
        writer->close_error = *err;
    }
    writer->closing--;
    for (size_t i = 0; i < writer->waiting.count; i++) {
        tn_wake(writer->waiting.items[i]);
    }
    writer->waiting.count = 0;
    pthread_mutex_unlock(&writer->lock); /* the writer may be gone from here on */
}

static void run_closing(tn_job *job)
{
    closing *file = (closing *)(void *)job;
    tn_delta_writer *writer = file->writer;
    tarn_error err = TARN_ERROR_INIT;
    const tarn_code code = finish_file(file, &err);
    note_finished(writer, code, &err);
}

/* Locked.  Has a partition's file finished on an I/O thread, since fsync and the last parts of an
 * upload may take long: once the lock is free again. */
static TN_FALLIBLE start_closing(tn_delta_writer *writer, partition *p, tn_job **jobs,
                                 tarn_error *err)
{
    closing *file;
    TN_RETURN_IF_ERROR(detach(writer, p, &file, err));
    file->job = (tn_job){.run = run_closing, .next = *jobs};
    *jobs = &file->job;
    writer->closing++;
    return TARN_OK;
}

/* Unlocked: where there is no I/O thread the file is finished here. */
static void submit(tn_job *jobs)
{
    while (jobs != NULL) {
        tn_job *next = jobs->next;
        tn_io_submit(jobs);
        jobs = next;
    }
}

/* Locked.  False where too much is being finished, or a file failed. */
static TN_FALLIBLE ask_room(tn_delta_writer *writer, uint32_t max, tn_waker *waker, bool *room,
                            tarn_error *err)
{
    if (writer->close_code != TARN_OK) {
        tn_error_copy(err, &writer->close_error);
        return writer->close_code;
    }
    *room = writer->closing <= max;
    return *room ? TARN_OK : tn_vec_push(&writer->waiting, waker, err);
}

/* ---- partitions -------------------------------------------------------------------------------*/

enum { BUCKETS = 1024 };

static TN_FALLIBLE partition_texts(tn_delta_writer *writer, const sink_task *task, uint32_t row,
                                   const tn_str **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_str *texts;
    tn_text text;

    tn_text_init(&text, writer->pool, 1 << 20);
    TN_TRY(tn_arena_array(&writer->arena, tn_str, writer->partition_count, &texts, err));
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        texts[i] = TN_STR_NONE;
        if (tn_column_is_null(&task->flat[i], row)) {
            continue;
        }
        tn_text_clear(&text);
        tn_text_value(&task->flat[i], row, &text);
        TN_TRY(tn_text_status(&text, err));
        if (text.size > 0) { /* the empty string is NULL to the protocol */
            tn_str zoned = tn_text_str(&text);
            const bool utc = task->flat[i].type->kind == TN_KIND_TIMESTAMPTZ;
            if (utc && tn_str_ends(zoned, TN_STR("+00"))) {
                zoned.size -= 3;
                TN_TRY(tn_arena_print(&writer->arena, &texts[i], err, "%.10sT%.*sZ", zoned.data,
                                      (int)zoned.size - 11, zoned.data + 11));
            } else {
                TN_TRY(tn_arena_copy(&writer->arena, zoned, &texts[i], err));
            }
        }
    }
    *out = texts;
done:
    tn_text_deinit(&text);
    return code;
}

/* Locked. */
static TN_FALLIBLE find_partition(tn_delta_writer *writer, const sink_task *task, uint32_t row,
                                  tn_str key, partition **out, tarn_error *err)
{
    const uint64_t hash = tn_hash_bytes(key.data, key.size, 0);
    partition **bucket = &writer->buckets[hash % BUCKETS];
    for (partition *each = *bucket; each != NULL; each = each->next) {
        if (each->hash == hash && tn_str_equal(each->key, key)) {
            *out = each;
            return TARN_OK;
        }
    }
    partition *made;
    TN_RETURN_IF_ERROR(tn_arena_new(&writer->arena, partition, &made, err));
    made->hash = hash;
    TN_RETURN_IF_ERROR(tn_arena_copy(&writer->arena, key, &made->key, err));
    TN_RETURN_IF_ERROR(partition_texts(writer, task, row, &made->texts, err));
    made->next = *bucket;
    *bucket = made;
    *out = made;
    return TARN_OK;
}

/* Locked: too many files are open; the one that was longest idle is finished. */
static TN_FALLIBLE close_an_idle_file(tn_delta_writer *writer, tn_job **jobs, tarn_error *err)
{
    partition *oldest = NULL;
    if (writer->open_files < OPEN_FILES_MAX) {
        return TARN_OK;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (partition *each = writer->buckets[i]; each != NULL; each = each->next) {
            if (each->writer != NULL && each->groups == 0 &&
                (oldest == NULL || each->used < oldest->used)) {
                oldest = each;
            }
        }
    }
    return oldest == NULL ? TARN_OK : start_closing(writer, oldest, jobs, err);
}

/* ---- groups -----------------------------------------------------------------------------------*/

static TN_FALLIBLE begin_group(sink_task *task, uint32_t row, tn_str key, tn_waker *waker,
                               uint32_t *out, bool *taken, tarn_error *err)
{
    tn_delta_writer *writer = task->writer;
    partition *p = NULL;
    open_group *group = &task->groups[task->group_count];
    tn_job *jobs = NULL;

    pthread_mutex_lock(&writer->lock);
    tarn_code code = ask_room(writer, CLOSING_MAX, waker, taken, err);
    if (code == TARN_OK && !*taken) {
        pthread_mutex_unlock(&writer->lock);
        return TARN_OK;
    }
    code = code == TARN_OK ? find_partition(writer, task, row, key, &p, err) : code;
    if (code == TARN_OK && p->writer != NULL && p->groups == 0 &&
        p->writer->ops->file_bytes(p->writer) >= writer->file_size) {
        code = start_closing(writer, p, &jobs, err);
    }
    if (code == TARN_OK && p->writer == NULL) {
        code = close_an_idle_file(writer, &jobs, err);
        code = code == TARN_OK ? open_file(writer, p, err) : code;
    }
    if (code == TARN_OK) {
        p->groups++;
        p->used = ++writer->clock;
    }
    pthread_mutex_unlock(&writer->lock);
    submit(jobs);
    TN_RETURN_IF_ERROR(code);
    *group = (open_group){.partition = p};
    code = p->writer->ops->group_begin(p->writer, task->pool, &group->group, err);
    if (code != TARN_OK) {
        pthread_mutex_lock(&writer->lock);
        p->groups--;
        pthread_mutex_unlock(&writer->lock);
        return code;
    }
    *out = task->group_count++;
    return TARN_OK;
}

/* Ends group `index`; *taken false where the upload has no room. */
static TN_FALLIBLE end_group(sink_task *task, uint32_t index, tn_waker *waker, bool *taken,
                             tarn_error *err)
{
    tn_delta_writer *writer = task->writer;
    open_group *group = &task->groups[index];
    partition *p = group->partition;
    const tarn_code code = group->group->ops->group_end(group->group, waker, taken, err);
    if (code == TARN_OK && !*taken) {
        group->ends = true;
        return TARN_OK;
    }
    pthread_mutex_lock(&writer->lock);
    p->groups--;
    pthread_mutex_unlock(&writer->lock);
    task->groups[index] = task->groups[--task->group_count];
    task->last_size = SIZE_MAX;
    return code;
}

static TN_FALLIBLE make_room(sink_task *task, tn_waker *waker, bool *taken, tarn_error *err)
{
    uint32_t largest = 0;
    *taken = true;
    for (uint32_t i = 0; i < task->group_count; i++) {
        if (task->groups[i].ends) {
            return end_group(task, i, waker, taken, err);
        }
        largest = task->groups[i].rows > task->groups[largest].rows ? i : largest;
    }
    return task->group_count < OPEN_GROUPS_MAX ? TARN_OK
                                               : end_group(task, largest, waker, taken, err);
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

static uint32_t find_group(const sink_task *task, tn_str key)
{
    for (uint32_t i = 0; i < task->group_count; i++) {
        if (tn_str_equal(task->groups[i].partition->key, key)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* The group that takes a row of the batch; opened where there is none.  *taken false: wait. */
static TN_FALLIBLE group_of(sink_task *task, uint32_t row, tn_waker *waker, uint32_t *out,
                            bool *taken, tarn_error *err)
{
    uint8_t bytes[KEY_SIZE_MAX];
    size_t size;
    *taken = true;
    TN_RETURN_IF_ERROR(key_of(task, row, bytes, &size, err));
    if (size == task->last_size && memcmp(bytes, task->last_key, size) == 0) {
        *out = task->last_group;
        return TARN_OK;
    }
    const tn_str key = {(const char *)bytes, size};
    *out = find_group(task, key);
    if (*out == UINT32_MAX) {
        TN_RETURN_IF_ERROR(make_room(task, waker, taken, err));
        if (!*taken) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(begin_group(task, row, key, waker, out, taken, err));
        if (!*taken) {
            return TARN_OK;
        }
    }
    memcpy(task->last_key, bytes, size);
    task->last_size = size;
    task->last_group = *out;
    return TARN_OK;
}

#define KEEP_SAME(T)                                              \
    do {                                                          \
        const T *const values = column->values;                   \
        const T wanted = values[row];                             \
        for (size_t i = row; i < count; i++) {                    \
            same[i] = (uint8_t)(same[i] & (values[i] == wanted)); \
        }                                                         \
    } while (0)

/* Keeps those rows from `row` on whose value is that of `row`.  NULL is a value here. */
static void keep_same(const tn_column *column, size_t row, size_t count, uint8_t *restrict same)
{
    const uint64_t *const validity = column->validity;
    if (validity != NULL) {
        const bool is_there = tn_bit_get(validity, row);
        for (size_t i = row; i < count; i++) {
            same[i] = (uint8_t)(same[i] & (tn_bit_get(validity, i) == is_there));
        }
        if (!is_there) {
            return;
        }
    }
    const size_t width = tn_lane_size((tn_lane)column->lane);
    if (column->lane == TN_LANE_view) {
        const tn_view *const views = column->values;
        for (size_t i = row; i < count; i++) {
            same[i] = (uint8_t)(same[i] != 0 && tn_view_equal(&views[i], &views[row]));
        }
    } else if (column->lane == TN_LANE_bool) {
        const bool wanted = tn_bit_get(column->values, row);
        for (size_t i = row; i < count; i++) {
            same[i] = (uint8_t)(same[i] & (tn_bit_get(column->values, i) == wanted));
        }
    } else if (width == 8) {
        KEEP_SAME(uint64_t);
    } else if (width == 4) {
        KEEP_SAME(uint32_t);
    } else {
        const char *const bytes = column->values;
        for (size_t i = row; i < count; i++) {
            same[i] = (uint8_t)(same[i] != 0 &&
                                memcmp(bytes + i * width, bytes + row * width, width) == 0);
        }
    }
}

/* The rows of the batch, as they are numbered there, that have the key of `first` and are not
 * written yet: others may lie between.  Answers their number. */
static uint32_t rows_of_key(sink_task *task, const tn_batch *batch, uint32_t first)
{
    uint32_t count = 0;
    memset(task->same + first, 1, batch->selected - first);
    for (uint32_t i = 0; i < task->writer->partition_count; i++) {
        keep_same(&task->flat[i], first, batch->selected, task->same);
    }
    for (uint32_t i = first; i < batch->selected; i++) { /* one key: what is written has another */
        task->rows[count] = (uint16_t)tn_batch_row(batch, i);
        task->written[i / 64] |= (uint64_t)task->same[i] << i % 64;
        count += task->same[i];
    }
    return count;
}

/* The first row that is not written; there is one. */
static uint32_t first_open(const sink_task *task)
{
    size_t word = 0;
    while (task->written[word] == UINT64_MAX) {
        word++;
    }
    return (uint32_t)(64 * word) + (uint32_t)__builtin_ctzll(~task->written[word]);
}

/* Writes all rows of the batch that go where the first one goes that is not written.  The order of
 * rows within a file is kept, and groups are written in long pieces. */
static TN_FALLIBLE write_key(sink_task *task, const tn_batch *batch, tn_waker *waker, bool *taken,
                             tarn_error *err)
{
    uint32_t group = 0;
    const uint32_t first = first_open(task);
    TN_RETURN_IF_ERROR(group_of(task, first, waker, &group, taken, err));
    if (!*taken) {
        return TARN_OK;
    }
    const uint32_t count = rows_of_key(task, batch, first);
    tn_batch part = *batch;
    part.columns = task->columns;
    part.width = task->writer->data_count;
    part.selection = count == batch->selected && batch->selection == NULL ? NULL : task->rows;
    part.selected = count;
    open_group *open = &task->groups[group];
    TN_RETURN_IF_ERROR(open->group->ops->group_write(open->group, &part, err));
    open->rows += count;
    task->done += count;
    if (open->rows + TN_BATCH_ROWS > group_rows_max ||
        open->group->ops->group_bytes(open->group) >= group_bytes_max) {
        return end_group(task, group, waker, taken, err);
    }
    return TARN_OK;
}

static TN_FALLIBLE refuse_nulls(const tn_delta_writer *writer, const tn_batch *batch,
                                tarn_error *err)
{
    for (uint32_t i = 0; i < writer->sink.schema.count; i++) {
        const tn_column *column = &batch->columns[i];
        const tn_field *field = &writer->sink.schema.fields[i];
        if (field->nullable || (column->validity == NULL && column->encoding != TN_DICTIONARY)) {
            continue;
        }
        for (uint32_t row = 0; row < batch->selected; row++) {
            if (tn_column_is_null(column, tn_batch_row(batch, row))) {
                (void)tn_fail(err, TARN_E_INVALID,
                              "NULL in column '%.*s' of '%.*s', which is NOT NULL",
                              TN_STR_ARGS(field->name), TN_STR_ARGS(writer->uri));
                tn_subject(err, writer->uri.data);
                return TARN_E_INVALID;
            }
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE prepare(sink_task *task, const tn_batch *batch, tarn_error *err)
{
    const tn_delta_writer *writer = task->writer;
    TN_RETURN_IF_ERROR(refuse_nulls(writer, batch, err));
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
    if (batch->selected == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(prepare(task, batch, err));
    TN_RETURN_IF_ERROR(make_room(task, waker, &taken, err));
    while (taken && task->done < batch->selected) {
        TN_RETURN_IF_ERROR(write_key(task, batch, waker, &taken, err));
    }
    /* Rows that were written are not written again when the batch is offered once more; a group
     * that waits to be ended is ended first then. */
    if (task->done < batch->selected) {
        *answer = TN_SINK_WAIT;
        return TARN_OK;
    }
    task->done = 0;
    memset(task->written, 0, sizeof(task->written));
    return TARN_OK;
}

static tarn_code sink_task_finish(tn_sink_task *base, tn_waker *waker, tn_sink_answer *answer,
                                  tarn_error *err)
{
    sink_task *task = (sink_task *)base;
    *answer = TN_SINK_TAKEN;
    while (task->group_count > 0) {
        bool taken;
        TN_RETURN_IF_ERROR(end_group(task, task->group_count - 1, waker, &taken, err));
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
    for (uint32_t i = 0; i < task->group_count; i++) {
        task->groups[i].group->ops->group_abort(task->groups[i].group);
        pthread_mutex_lock(&task->writer->lock);
        task->groups[i].partition->groups--;
        pthread_mutex_unlock(&task->writer->lock);
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
    task->last_size = SIZE_MAX;
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

/* ---- the end ----------------------------------------------------------------------------------*/

static tarn_code sink_finish(tn_sink *base, tn_waker *waker, tn_sink_answer *answer,
                             tarn_error *err)
{
    tn_delta_writer *writer = (tn_delta_writer *)base;
    tarn_code code = TARN_OK;
    bool room = true;
    tn_job *jobs = NULL;

    pthread_mutex_lock(&writer->lock);
    for (size_t i = 0; i < BUCKETS && code == TARN_OK && room; i++) {
        for (partition *each = writer->buckets[i]; each != NULL && code == TARN_OK && room;
             each = each->next) {
            if (each->writer != NULL) {
                code = ask_room(writer, CLOSING_MAX, waker, &room, err);
                code = code == TARN_OK && room ? start_closing(writer, each, &jobs, err) : code;
            }
        }
    }
    if (code == TARN_OK && room) {
        code = ask_room(writer, 0, waker, &room, err);
    }
    pthread_mutex_unlock(&writer->lock);
    submit(jobs);
    *answer = room ? TN_SINK_TAKEN : TN_SINK_WAIT;
    return code;
}

const tn_sink_ops tn_delta__sink_ops = {
    .kind = "delta",
    .task_open = sink_task_open,
    .write = sink_write,
    .task_finish = sink_task_finish,
    .task_close = sink_task_close,
    .finish = sink_finish,
};

TN_FALLIBLE tn_delta__writer_buckets(tn_delta_writer *writer, tarn_error *err)
{
    writer->file_size = writer->file_size == 0 ? file_size_default : writer->file_size;
    return tn_arena_array(&writer->arena, partition *, BUCKETS, &writer->buckets, err);
}

static uint32_t count_closing(tn_delta_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    const uint32_t count = writer->closing;
    pthread_mutex_unlock(&writer->lock);
    return count;
}

void tn_delta__abandon_files(tn_delta_writer *writer)
{
    while (count_closing(writer) > 0) {
        tn_clock_sleep_ms(1);
    }
    for (size_t i = 0; i < BUCKETS && writer->buckets != NULL; i++) {
        for (partition *each = writer->buckets[i]; each != NULL; each = each->next) {
            if (each->writer != NULL) {
                each->writer->ops->destroy(each->writer);
                each->writer = NULL;
            }
            tn_upload_abort(each->upload);
            each->upload = NULL;
        }
    }
}
