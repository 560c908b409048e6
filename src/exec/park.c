#include "exec/park.h"

/* What one open page holds: there are as many as parts, for each task. */
static const size_t page_max = 32 << 10;

void tn_park_init(tn_park *park, tn_run *run, const tn_type *const *types, uint32_t width)
{
    *park =
        (tn_park){.run = run, .types = types, .width = width, .lock = PTHREAD_MUTEX_INITIALIZER};
}

static void init_rows(const tn_park *park, tn_rows *rows)
{
    tn_rows_init(rows, park->layout, park->run->pool, park->run->spill);
    rows->page_max = page_max;
}

/* Locked.  The layout is made with the first row that is parked: most sinks take all at once. */
static TN_FALLIBLE make_layout(tn_park *park, tarn_error *err)
{
    if (park->layout != NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_row_layout_create(park->run->pool, park->types, park->width, 0, &park->layout, err));
    for (uint32_t i = 0; i < TN_SINK_PARTS; i++) {
        init_rows(park, &park->sets[i]);
    }
    init_rows(park, &park->again);
    return TARN_OK;
}

void tn_park_deinit(tn_park *park)
{
    tn_pool *pool = park->run->pool;
    if (park->layout != NULL) {
        tn_rows_cursor_close(&park->cursor);
        for (uint32_t i = 0; i < TN_SINK_PARTS; i++) {
            tn_rows_clear(&park->sets[i]);
        }
        tn_rows_clear(&park->again);
    }
    tn_row_reader_destroy(park->reader);
    tn_pool_free(pool, park->columns, park->width * sizeof(tn_column));
    tn_row_layout_destroy(park->layout);
    (void)pthread_mutex_destroy(&park->lock);
}

/* ---- a task's ---- */

void tn_parked_init(tn_parked *parked, tn_park *park, tn_pool *pool)
{
    parked->park = park;
    parked->pool = pool;
    parked->writer = NULL;
    parked->sets = NULL;
    parked->pointers = NULL;
}

void tn_parked_deinit(tn_parked *parked)
{
    for (uint32_t i = 0; parked->sets != NULL && i < TN_SINK_PARTS; i++) {
        tn_rows_clear(&parked->sets[i]);
    }
    tn_row_writer_destroy(parked->writer);
    tn_pool_free(parked->pool, parked->sets, TN_SINK_PARTS * sizeof(tn_rows));
    tn_pool_free(parked->pool, parked->pointers, parked->park->width * sizeof(void *));
}

static TN_FALLIBLE open_sets(tn_parked *parked, tarn_error *err)
{
    tn_park *park = parked->park;
    void *memory;
    if (parked->writer != NULL) {
        return TARN_OK;
    }
    pthread_mutex_lock(&park->lock);
    const tarn_code code = make_layout(park, err);
    pthread_mutex_unlock(&park->lock);
    TN_RETURN_IF_ERROR(code);
    if (parked->sets == NULL) {
        TN_RETURN_IF_ERROR(
            tn_pool_alloc(parked->pool, TN_SINK_PARTS * sizeof(tn_rows), &memory, err));
        parked->sets = memory;
        for (uint32_t i = 0; i < TN_SINK_PARTS; i++) {
            init_rows(park, &parked->sets[i]);
        }
    }
    if (parked->pointers == NULL) {
        TN_RETURN_IF_ERROR(tn_pool_alloc(parked->pool, park->width * sizeof(void *), &memory, err));
        parked->pointers = memory;
    }
    return tn_row_writer_create(parked->pool, park->layout, 0, &parked->writer, err);
}

tarn_code tn_parked_add(tn_parked *parked, const tn_sink_task *writer, const tn_batch *batch,
                        tarn_error *err)
{
    const uint32_t count = writer->later_count;
    TN_RETURN_IF_ERROR(open_sets(parked, err));
    for (uint32_t i = 0; i < parked->park->width; i++) {
        parked->pointers[i] = &batch->columns[i];
    }
    TN_RETURN_IF_ERROR(
        tn_row_writer_prepare(parked->writer, parked->pointers, writer->later, count, err));
    tn_row_writer_measure(parked->writer, count);
    TN_RETURN_IF_ERROR(tn_row_writer_add(parked->writer, parked->sets, writer->parts, NULL, count,
                                         parked->rows, err));
    tn_row_writer_settle(parked->writer);
    return TARN_OK;
}

void tn_parked_combine(tn_parked *parked)
{
    tn_park *park = parked->park;
    if (parked->writer == NULL) {
        return;
    }
    pthread_mutex_lock(&park->lock);
    for (uint32_t i = 0; i < TN_SINK_PARTS; i++) {
        tn_rows_append(&park->sets[i], &parked->sets[i]);
    }
    pthread_mutex_unlock(&park->lock);
}

/* ---- the reading ---- */

static TN_FALLIBLE open_reading(tn_park *park, tarn_error *err)
{
    void *memory;
    if (park->reader == NULL) {
        TN_RETURN_IF_ERROR(tn_row_reader_create(park->run->pool, park->layout, &park->reader, err));
    }
    if (park->columns == NULL) {
        TN_RETURN_IF_ERROR(
            tn_pool_alloc(park->run->pool, park->width * sizeof(tn_column), &memory, err));
        park->columns = memory;
    }
    return TARN_OK;
}

tarn_code tn_park_next(tn_park *park, tn_batch *out, tarn_error *err)
{
    uint32_t count = 0;
    *out = (tn_batch){.width = park->width};
    if (park->layout == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(open_reading(park, err));
    TN_RETURN_IF_ERROR(tn_rows_cursor_next(&park->cursor, park->cursor.rows->layout->batch_rows,
                                           park->rows, &count, err));
    for (uint32_t i = 0; i < park->width && count > 0; i++) {
        TN_RETURN_IF_ERROR(tn_row_reader_gather(park->reader, i, park->rows, count, NULL, count,
                                                &park->columns[i], err));
    }
    out->columns = park->columns;
    out->rows = out->selected = count;
    return TARN_OK;
}

tarn_code tn_park_again(tn_park *park, const tn_sink_task *writer, tarn_error *err)
{
    uint8_t *from[TN_BATCH_ROWS];
    uint8_t *copies[TN_BATCH_ROWS];
    for (uint32_t i = 0; i < writer->later_count; i++) {
        from[i] = park->rows[writer->later[i]];
    }
    return tn_rows_copy(&park->again, NULL, from, writer->later_count, copies, err);
}

bool tn_park_turn(tn_park *park)
{
    if (park->layout == NULL) {
        return false;
    }
    tn_rows_cursor_close(&park->cursor);
    if (park->again.count > 0) {
        tn_rows_append(&park->sets[park->part], &park->again);
    }
    while (park->part < TN_SINK_PARTS && park->sets[park->part].count == 0) {
        park->part++;
    }
    if (park->part == TN_SINK_PARTS) {
        park->part = 0;
        return false;
    }
    tn_rows_seal(&park->sets[park->part]);
    park->cursor = (tn_rows_cursor){.rows = &park->sets[park->part], .consume = true};
    return true;
}
