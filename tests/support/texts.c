#include "support/texts.h"

#include "kernel/text.h"
#include "sched/io.h"

#include <stdio.h>

static tn_fault fail_reads(void *context, tn_store_operation operation, tn_str key)
{
    texts *t = context;
    (void)key;
    return operation == TN_STORE_READ && t->fail_read > 0 && --t->fail_read == 0 ? TN_FAULT_BEFORE
                                                                                 : TN_FAULT_NONE;
}

bool texts_start(texts *t, tn_pool *pool)
{
    memset(t, 0, sizeof(*t));
    t->pool = pool;
    t->err = (tarn_error)TARN_ERROR_INIT;
    tn_arena_init(&t->arena, pool);
    tn_text_init(&t->out, pool, 1 << 30);
    tn_text_init(&t->schema, pool, 1 << 20);
    tn_text_init(&t->rejects, pool, 1 << 28);
    return tn_stores_create(pool, NULL, &t->stores, &t->err) == TARN_OK &&
           tn_stores_add_memory(t->stores, "texts", fail_reads, t, &t->store, &t->err) == TARN_OK &&
           tn_types_create(pool, &t->types, &t->err) == TARN_OK;
}

void texts_stop(texts *t)
{
    tn_types_destroy(t->types);
    tn_stores_destroy(t->stores);
    tn_text_deinit(&t->rejects);
    tn_text_deinit(&t->schema);
    tn_text_deinit(&t->out);
    tn_arena_deinit(&t->arena);
}

bool texts_put(texts *t, const char *key, tn_str bytes)
{
    tn_outcome outcome;
    return tn_store_put(t->store, tn_str_of(key), bytes, NULL, &outcome, &t->err) == TARN_OK;
}

tn_object *texts_open(texts *t, const char *key)
{
    tn_object *object;
    return tn_object_open(t->store, tn_str_of(key), t->pool, NULL, &object, &t->err) == TARN_OK
               ? object
               : NULL;
}

void texts_describe(texts *t, const tn_source *source)
{
    tn_text_clear(&t->schema);
    for (uint32_t i = 0; i < source->schema.count; i++) {
        tn_text_printf(&t->schema, "%s%.*s %.*s", i > 0 ? ", " : "",
                       TN_STR_ARGS(source->schema.fields[i].name),
                       TN_STR_ARGS(source->schema.fields[i].type->name));
    }
}

typedef struct edge {
    tn_reject_edge base;
    texts *t;
} edge;

static tarn_code take_reject(tn_reject_edge *base, const tn_reject *row, tarn_error *err)
{
    texts *t = ((edge *)base)->t;
    tn_text_printf(&t->rejects, "%lld %lld %.*s [%.*s] %.*s\n", (long long)row->line,
                   (long long)row->row, TN_STR_ARGS(row->column), TN_STR_ARGS(row->raw),
                   TN_STR_ARGS(row->reason));
    return tn_text_status(&t->rejects, err);
}

/* Rows of one morsel. */
typedef struct part {
    tn_text text;
    bool used;
} part;
enum { PARTS = 256, TASKS = 4 };

static void print_batch(const tn_batch *batch, tn_text *out)
{
    for (uint32_t i = 0; i < batch->selected; i++) {
        const uint32_t row = tn_batch_row(batch, i);
        for (uint32_t c = 0; c < batch->width; c++) {
            if (c > 0) {
                tn_text_putc(out, '|');
            }
            if (tn_column_is_null(&batch->columns[c], row)) {
                tn_text_putc(out, '~');
            } else {
                tn_text_value(&batch->columns[c], row, out);
            }
        }
        tn_text_putc(out, '\n');
    }
}

static tarn_code read_one(texts *t, tn_scan_task *task, part *parts, bool *ended)
{
    tn_batch batch;
    tn_scan_answer answer;
    tn_latch latch;
    for (;;) {
        tn_latch_init(&latch);
        const tarn_code code = task->ops->read(task, &latch.waker, &batch, &answer, &t->err);
        if (code != TARN_OK) {
            return code;
        }
        if (answer != TN_SCAN_WAIT) {
            break;
        }
        tn_latch_wait(&latch);
    }
    *ended = answer == TN_SCAN_END;
    if (!*ended && batch.tag.morsel < PARTS) {
        part *p = &parts[batch.tag.morsel];
        if (!p->used) {
            tn_text_init(&p->text, t->pool, 1 << 30);
            p->used = true;
        }
        print_batch(&batch, &p->text);
        return tn_text_status(&p->text, &t->err);
    }
    return TARN_OK;
}

static tarn_code read_all(texts *t, tn_scan *scan, part *parts)
{
    tn_scan_task *tasks[TASKS] = {NULL};
    bool ended[TASKS] = {false};
    const uint32_t count = t->tasks == 0 ? 1 : t->tasks;
    uint32_t left = count;
    tarn_code code = TARN_OK;
    for (uint32_t i = 0; i < count; i++) {
        TN_TRY(scan->ops->task_open(scan, t->pool, &tasks[i], &t->err));
    }
    while (left > 0) {
        for (uint32_t i = 0; i < count; i++) {
            if (!ended[i]) {
                TN_TRY(read_one(t, tasks[i], parts, &ended[i]));
                left -= ended[i];
            }
        }
    }
    code = scan->ops->finish(scan, &t->err);
done:
    for (uint32_t i = 0; i < count; i++) {
        if (tasks[i] != NULL) {
            tasks[i]->ops->task_close(tasks[i]);
        }
    }
    return code;
}

tarn_code texts_scan(texts *t, tn_source *source, const uint32_t *fields, uint32_t count)
{
    static part parts[PARTS];
    uint32_t all[256];
    tarn_code code;
    tn_scan *scan = NULL;
    edge rejects = {.base = {take_reject}, .t = t};
    if (fields == NULL) {
        for (uint32_t i = 0; i < 256; i++) {
            all[i] = i;
        }
        fields = all;
        count = source->schema.count < 256 ? source->schema.count : 256;
    }
    const tn_scan_request request = {
        .fields = fields,
        .field_count = count,
        .virtuals = t->virtuals,
        .row_limit = t->row_limit == 0 ? UINT64_MAX : t->row_limit,
        .rejects = t->with_rejects ? &rejects.base : NULL,
        .tasks_max = t->tasks,
    };
    memset(parts, 0, sizeof(parts));
    tn_text_clear(&t->out);
    tn_text_clear(&t->rejects);
    TN_TRY(source->ops->open(source, &request, t->pool, &scan, &t->err));
    code = read_all(t, scan, parts);
    scan->ops->counters(scan, &t->counters);
    for (uint32_t i = 0; i < PARTS; i++) {
        if (parts[i].used) {
            tn_text_append(&t->out, tn_text_str(&parts[i].text));
            tn_text_deinit(&parts[i].text);
        }
    }
    tn_text_puts(&t->out, "");
    if (code == TARN_OK) {
        code = tn_text_status(&t->out, &t->err);
    }
done:
    if (scan != NULL) {
        scan->ops->close(scan);
    }
    return code;
}

tarn_code texts_csv(texts *t, tn_str bytes, const tn_csv_options *options)
{
    tn_source *source = NULL;
    t->err = (tarn_error)TARN_ERROR_INIT;
    if (!texts_put(t, "t.csv", bytes)) {
        return t->err.code;
    }
    tn_object *object = texts_open(t, "t.csv");
    if (object == NULL) {
        return t->err.code;
    }
    tarn_code code = tn_csv_open(object, !t->remote, options, t->types, t->pool, &source, &t->err);
    if (code != TARN_OK) {
        tn_object_close(object);
        return code;
    }
    texts_describe(t, source);
    code = texts_scan(t, source, NULL, 0);
    tn_source_release(source);
    return code;
}
