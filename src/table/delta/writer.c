/*
 * Data files of a commit: each partition has one open at a time, and they are staged as whole files
 * with names that no log entry has yet.
 */
#include "base/hash.h"
#include "base/utf8.h"
#include "column/flatten.h"
#include "format/parquet/parquet.h"
#include "kernel/text.h"
#include "os/clock.h"
#include "os/random.h"
#include "table/delta/writer_internal.h"

#include <pthread.h>

enum {
    OPEN_FILES_MAX = 200, /* of the writer: above, the one that was longest idle is finished */
    OPEN_FILES_MIN = 8,   /* where there is little memory */
    CLOSING_MAX = 4       /* files being finished: above, tasks wait */
};
/* What an open file holds that no group is written of, about: itself, and for each of its columns.
 */
static const size_t file_memory = 16 << 10, file_column_memory = 3 << 10;
static const uint64_t file_size_default = UINT64_C(128) << 20;

/* A file without more rows to come, on its way to an I/O thread. */
typedef struct closing {
    tn_job job; /* first */
    tn_delta_writer *writer;
    tn_upload *upload;
    tn_file_writer *file;
    size_t staged; /* its place there: the path is known, the rest comes when it is whole */
} closing;

/* ---- files ------------------------------------------------------------------------------------*/

static TN_FALLIBLE name_file(tn_delta_writer *writer, tn_delta_partition *p, tarn_error *err)
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

static TN_FALLIBLE open_file(tn_delta_writer *writer, tn_delta_partition *p, tarn_error *err)
{
    tn_str key;
    /* The name is nobody else's.  On a disk a file is linked to it; a store that gives no answer is
     * asked again, and must not say then that the file is there already. */
    const tn_put_options options = {.mode = tn_store_is_local(writer->store) ? TN_PUT_CREATE
                                                                             : TN_PUT_OVERWRITE,
                                    .durable = true};
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
static TN_FALLIBLE detach(tn_delta_writer *writer, tn_delta_partition *p, closing **out,
                          tarn_error *err)
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
static TN_FALLIBLE start_closing(tn_delta_writer *writer, tn_delta_partition *p, tn_job **jobs,
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

/* The log is JSON: bytes that are no text have no spelling there that all readers share. */
static TN_FALLIBLE binary_text(const tn_delta_writer *writer, uint32_t partition, tn_str bytes,
                               tn_text *out, tarn_error *err)
{
    const tn_field *field = &writer->sink.schema.fields[writer->partition_columns[partition]];
    if (tn_utf8_valid(bytes.data, bytes.size)) {
        tn_text_append(out, bytes);
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "the column '%.*s' has bytes that are no UTF-8 text: no table can be partitioned "
                  "by such",
                  TN_STR_ARGS(field->name));
    tn_hint(err, "partition by a text made of it: CAST(%.*s AS VARCHAR)", TN_STR_ARGS(field->name));
    return TARN_E_INVALID;
}

static TN_FALLIBLE partition_texts(tn_delta_writer *writer, const tn_column *flat, uint32_t row,
                                   const tn_str **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_str *texts;
    tn_text text;

    tn_text_init(&text, writer->pool, 1 << 20);
    TN_TRY(tn_arena_array(&writer->arena, tn_str, writer->partition_count, &texts, err));
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        texts[i] = TN_STR_NONE;
        if (tn_column_is_null(&flat[i], row)) {
            continue;
        }
        tn_text_clear(&text);
        if (flat[i].type->kind == TN_KIND_BLOB) {
            TN_TRY(binary_text(writer, i, tn_view_str((const tn_view *)flat[i].values + row), &text,
                               err));
        } else {
            tn_text_value(&flat[i], row, &text);
        }
        TN_TRY(tn_text_status(&text, err));
        if (text.size > 0) { /* the empty string is NULL to the protocol */
            tn_str zoned = tn_text_str(&text);
            const bool utc = flat[i].type->kind == TN_KIND_TIMESTAMPTZ;
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
static TN_FALLIBLE find_partition(tn_delta_writer *writer, const tn_column *flat, uint32_t row,
                                  tn_str key, uint64_t hash, tn_delta_partition **out,
                                  tarn_error *err)
{
    tn_delta_partition **bucket = &writer->buckets[hash % BUCKETS];
    for (tn_delta_partition *each = *bucket; each != NULL; each = each->next) {
        if (each->hash == hash && tn_str_equal(each->key, key)) {
            *out = each;
            return TARN_OK;
        }
    }
    tn_delta_partition *made;
    TN_RETURN_IF_ERROR(tn_arena_new(&writer->arena, tn_delta_partition, &made, err));
    made->hash = hash;
    TN_RETURN_IF_ERROR(tn_arena_copy(&writer->arena, key, &made->key, err));
    TN_RETURN_IF_ERROR(partition_texts(writer, flat, row, &made->texts, err));
    made->next = *bucket;
    *bucket = made;
    *out = made;
    return TARN_OK;
}

static uint32_t files_max(const tn_delta_writer *writer)
{
    const size_t each = file_memory + writer->leaf_count * file_column_memory;
    const size_t fit = writer->sink.task_memory / 2 / each;
    return writer->sink.task_memory == 0 || fit > OPEN_FILES_MAX ? OPEN_FILES_MAX
           : fit < OPEN_FILES_MIN                                ? OPEN_FILES_MIN
                                                                 : (uint32_t)fit;
}

/* Locked: too many files are open; the one that was longest idle is finished. */
static TN_FALLIBLE close_an_idle_file(tn_delta_writer *writer, tn_job **jobs, tarn_error *err)
{
    tn_delta_partition *oldest = NULL;
    if (writer->open_files < files_max(writer)) {
        return TARN_OK;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (tn_delta_partition *each = writer->buckets[i]; each != NULL; each = each->next) {
            if (each->writer != NULL && each->groups == 0 &&
                (oldest == NULL || each->used < oldest->used)) {
                oldest = each;
            }
        }
    }
    return oldest == NULL ? TARN_OK : start_closing(writer, oldest, jobs, err);
}

tarn_code tn_delta__enter_partition(tn_delta_writer *writer, const tn_column *flat, uint32_t row,
                                    tn_str key, uint64_t hash, tn_waker *waker,
                                    tn_delta_partition **out, bool *taken, tarn_error *err)
{
    tn_delta_partition *p = NULL;
    tn_job *jobs = NULL;

    pthread_mutex_lock(&writer->lock);
    tarn_code code = ask_room(writer, CLOSING_MAX, waker, taken, err);
    if (code == TARN_OK && *taken) {
        code = find_partition(writer, flat, row, key, hash, &p, err);
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
    }
    pthread_mutex_unlock(&writer->lock);
    submit(jobs);
    *out = p;
    return code;
}

void tn_delta__leave_partition(tn_delta_writer *writer, tn_delta_partition *p)
{
    pthread_mutex_lock(&writer->lock);
    p->groups--;
    pthread_mutex_unlock(&writer->lock);
}

/* ---- the end ----------------------------------------------------------------------------------*/

tarn_code tn_delta__finish_files(tn_sink *base, tn_waker *waker, tn_sink_answer *answer,
                                 tarn_error *err)
{
    tn_delta_writer *writer = (tn_delta_writer *)base;
    tarn_code code = TARN_OK;
    bool room = true;
    tn_job *jobs = NULL;

    pthread_mutex_lock(&writer->lock);
    for (size_t i = 0; i < BUCKETS && code == TARN_OK && room; i++) {
        for (tn_delta_partition *each = writer->buckets[i]; each != NULL && code == TARN_OK && room;
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

static uint32_t count_leaves(const tn_type *type)
{
    const tn_type *types[TN_TYPE_DEPTH_MAX];
    uint32_t next[TN_TYPE_DEPTH_MAX] = {0};
    uint32_t depth = 1;
    uint32_t count = 0;
    types[0] = type;
    while (depth > 0) {
        const tn_type *at = types[depth - 1];
        if (next[depth - 1] < at->field_count) {
            types[depth] = at->fields[next[depth - 1]++].type;
            next[depth++] = 0;
        } else {
            count += at->field_count == 0;
            depth--;
        }
    }
    return count;
}

TN_FALLIBLE tn_delta__writer_buckets(tn_delta_writer *writer, tarn_error *err)
{
    for (uint32_t i = 0; i < writer->data_count; i++) {
        writer->leaf_count += count_leaves(writer->data_fields[i].type);
    }
    writer->file_size = writer->file_size == 0 ? file_size_default : writer->file_size;
    return tn_arena_array(&writer->arena, tn_delta_partition *, BUCKETS, &writer->buckets, err);
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
        for (tn_delta_partition *each = writer->buckets[i]; each != NULL; each = each->next) {
            if (each->writer != NULL) {
                each->writer->ops->destroy(each->writer);
                each->writer = NULL;
            }
            tn_upload_abort(each->upload);
            each->upload = NULL;
        }
    }
}
