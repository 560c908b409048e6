/* A task's walk: take a morsel, find its first record, read its blocks, hand out batches. */
#include "base/size.h"
#include "format/text/scan_internal.h"

#include <assert.h>

/* ---- made and ended ---------------------------------------------------------------------------
 */

enum { VIRTUALS = 4 };

static tarn_code alloc_scratch(tn__text_task *task, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(
        tn_pool_alloc_zeroed(task->pool, (task->width + 1) * sizeof(tn_column), &memory, err));
    task->columns = memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc(task->pool, TN_BATCH_ROWS * sizeof(uint16_t), &memory, err));
    task->selection = memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(task->pool, TN_BATCH_ROWS / 8, &memory, err));
    task->dropped = memory;
    if ((task->scan->request.virtuals & TN_VIRTUAL_ROW) != 0) {
        TN_RETURN_IF_ERROR(
            tn_pool_alloc(task->pool, TN_BATCH_ROWS * sizeof(int64_t), &memory, err));
        task->row_numbers = memory;
    }
    if ((task->scan->request.virtuals & TN_VIRTUAL_LINE) != 0) {
        TN_RETURN_IF_ERROR(
            tn_pool_alloc(task->pool, TN_BATCH_ROWS * sizeof(int64_t), &memory, err));
        task->line_numbers = memory;
    }
    return TARN_OK;
}

tarn_code tn__text_task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err)
{
    tn__text_scan *scan = (tn__text_scan *)base;
    tarn_code code = TARN_OK;
    void *memory;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn__text_task), &memory, err));
    tn__text_task *task = memory;
    task->base.ops = base->ops;
    task->scan = scan;
    task->pool = pool;
    task->width =
        scan->request.field_count + (uint32_t)__builtin_popcount(scan->request.virtuals & 15U);
    TN_TRY(alloc_scratch(task, err));
    TN_TRY(tn__block_reader_init(&task->blocks, scan, scan->fields, scan->request.field_count, pool,
                                 err));
    *out = &task->base;
    task = NULL;
done:
    if (task != NULL) {
        tn__text_task_close(&task->base);
    }
    return code;
}

void tn__text_task_close(tn_scan_task *base)
{
    tn__text_task *task = (tn__text_task *)base;
    if (task->blocks.scan != NULL) {
        tn__block_reader_deinit(&task->blocks);
    }
    if (task->has_counting) {
        tn__block_reader_deinit(&task->counting);
    }
    tn_pool_free(task->pool, task->columns, (task->width + 1) * sizeof(tn_column));
    tn_pool_free(task->pool, task->selection, TN_BATCH_ROWS * sizeof(uint16_t));
    tn_pool_free(task->pool, task->dropped, TN_BATCH_ROWS / 8);
    tn_pool_free(task->pool, task->row_numbers, TN_BATCH_ROWS * sizeof(int64_t));
    tn_pool_free(task->pool, task->line_numbers, TN_BATCH_ROWS * sizeof(int64_t));
    tn_pool_free(task->pool, task, sizeof(*task));
}

/* ---- what the morsels know of each other ------------------------------------------------------
 */

/* Exactness spreads: who begins where an exact one ended is exact. */
static void spread(tn__text_scan *scan, uint32_t morsel)
{
    tn__morsel *at = scan->morsels;
    while (morsel + 1 < scan->morsel_count && at[morsel].is_exact && at[morsel].has_to &&
           at[morsel + 1].has_from && !at[morsel + 1].is_exact &&
           at[morsel].to == at[morsel + 1].from) {
        at[++morsel].is_exact = true;
    }
}

static void publish_from(tn__text_task *task)
{
    tn__text_scan *scan = task->scan;
    pthread_mutex_lock(&scan->lock);
    tn__morsel *morsel = &scan->morsels[task->morsel];
    morsel->from = task->from;
    morsel->has_from = true;
    morsel->is_exact = task->is_exact;
    if (task->morsel > 0) {
        spread(scan, task->morsel - 1);
    }
    pthread_mutex_unlock(&scan->lock);
}

static void publish_to(tn__text_scan *scan, uint32_t index, uint64_t from, bool exact, uint64_t to,
                       uint64_t rows, uint64_t lines)
{
    pthread_mutex_lock(&scan->lock);
    tn__morsel *morsel = &scan->morsels[index];
    if (!morsel->has_to || exact) {
        /* what a task read by a wrong guess stays as it is: the end of the scan must find it */
        morsel->from = morsel->has_from ? morsel->from : from;
        morsel->has_from = true;
        if (morsel->from == from) {
            morsel->to = to;
            morsel->rows = rows;
            morsel->lines = lines;
            morsel->has_to = true;
            morsel->is_exact = morsel->is_exact || exact;
            spread(scan, index);
        }
    }
    pthread_mutex_unlock(&scan->lock);
}

/* Where the morsel's first record must begin, where the one before has ended. */
static bool known_start(tn__text_scan *scan, uint32_t index, uint64_t *from)
{
    bool known = true;
    pthread_mutex_lock(&scan->lock);
    if (index == 0) {
        *from = scan->source->data_start;
    } else {
        const tn__morsel *before = &scan->morsels[index - 1];
        known = before->has_to && before->is_exact;
        *from = before->to;
    }
    pthread_mutex_unlock(&scan->lock);
    return known;
}

static uint64_t morsel_end(const tn__text_scan *scan, uint32_t index)
{
    return index + 1 == scan->morsel_count ? UINT64_MAX : tn__morsel_start(scan, index + 1);
}

/* ---- counting what is before ------------------------------------------------------------------
 */

static tarn_code start_counting(tn__text_task *task, uint64_t from, tarn_error *err)
{
    if (!task->has_counting) {
        task->has_counting = true;
        TN_RETURN_IF_ERROR(
            tn__block_reader_init(&task->counting, task->scan, NULL, 0, task->pool, err));
    }
    task->is_counting = true;
    task->rows_counted = task->lines_counted = 0;
    task->counting_from = from;
    return tn__block_reader_seek(&task->counting, from,
                                 morsel_end(task->scan, task->counting_morsel), err);
}

/* Sums up the morsels before ours that are known exactly; false where one is not. */
static bool sum_before(tn__text_task *task, uint64_t *from)
{
    tn__text_scan *scan = task->scan;
    bool known = true;
    uint64_t rows = 0;
    uint64_t lines = (uint64_t)scan->source->header_lines;
    *from = scan->source->data_start;
    pthread_mutex_lock(&scan->lock);
    for (uint32_t i = 0; known && i < task->morsel; i++) {
        const tn__morsel *morsel = &scan->morsels[i];
        known = morsel->has_to && morsel->is_exact;
        if (known) {
            rows += morsel->rows;
            lines += morsel->lines;
            *from = morsel->to;
        } else {
            task->counting_morsel = i;
        }
    }
    pthread_mutex_unlock(&scan->lock);
    task->base_rows = rows;
    task->base_lines = lines;
    return known;
}

/* *done: base_rows, base_lines and the exact start are known.  Else it waits. */
static tarn_code locate(tn__text_task *task, tn_waker *waker, bool *done, uint64_t *from,
                        tarn_error *err)
{
    *done = false;
    for (;;) {
        if (!task->is_counting) {
            if (sum_before(task, from)) {
                *done = true;
                return TARN_OK;
            }
            TN_RETURN_IF_ERROR(start_counting(task, *from, err));
        }
        tn__block_answer answer;
        tn__block_reader *blocks = &task->counting;
        TN_RETURN_IF_ERROR(tn__block_reader_next(blocks, waker, &answer, err));
        if (answer == TN__BLOCK_WAIT) {
            return TARN_OK;
        }
        if (answer == TN__BLOCK) {
            blocks->parser->bad_count = 0;
            task->rows_counted += blocks->parser->records;
            task->lines_counted += blocks->parser->newlines;
            continue;
        }
        task->is_counting = false;
        publish_to(task->scan, task->counting_morsel, task->counting_from, true,
                   tn__block_reader_at(blocks), task->rows_counted, task->lines_counted);
        pthread_mutex_lock(&task->scan->lock);
        const bool agrees = task->scan->morsels[task->counting_morsel].has_to &&
                            task->scan->morsels[task->counting_morsel].from == task->counting_from;
        pthread_mutex_unlock(&task->scan->lock);
        if (!agrees) { /* somebody reads that morsel by a wrong guess */
            return tn__text_fail_guess(task->scan, task->scan->morsels[task->counting_morsel].from,
                                       err);
        }
    }
}

/* ---- morsels ----------------------------------------------------------------------------------
 */

static void clear_morsel(tn__text_task *task)
{
    task->rows = task->lines = task->rows_handed = 0;
    task->part = 0;
    task->has_batch = false;
    task->blocks.parser->bad_count = 0;
}

static tarn_code begin_at(tn__text_task *task, uint64_t from, tarn_error *err)
{
    task->from = from;
    task->is_exact = true;
    clear_morsel(task);
    publish_from(task);
    task->phase = TN__READ;
    return tn__block_reader_seek(&task->blocks, from, morsel_end(task->scan, task->morsel), err);
}

static tarn_code next_morsel(tn__text_task *task, tarn_error *err)
{
    tn__text_scan *scan = task->scan;
    const uint32_t before = (uint32_t)(TN_VIRTUAL_ROW | TN_VIRTUAL_LINE);
    uint64_t from;
    if (atomic_load_explicit(&scan->enough, memory_order_relaxed) ||
        (task->morsel = atomic_fetch_add(&scan->next, 1)) >= scan->morsel_count) {
        task->phase = TN__DONE;
        return TARN_OK;
    }
    clear_morsel(task);
    task->is_located = task->is_exact = false;
    if ((scan->request.virtuals & before) != 0 || scan->source->line_ends_in_records) {
        task->phase = TN__LOCATE;
        task->after_locate = TN__NEXT;
        return TARN_OK;
    }
    if (known_start(scan, task->morsel, &from)) {
        return begin_at(task, from, err);
    }
    task->phase = TN__SEEK;
    /* one byte before, since a line end there makes our first byte a record's */
    return tn__block_reader_seek(&task->blocks, tn__morsel_start(scan, task->morsel) - 1,
                                 morsel_end(scan, task->morsel), err);
}

static tarn_code seek(tn__text_task *task, tn_waker *waker, bool *waits, tarn_error *err)
{
    tn__block_answer answer;
    uint64_t from;
    TN_RETURN_IF_ERROR(tn__block_reader_find(&task->blocks, waker, &from, &answer, err));
    *waits = answer == TN__BLOCK_WAIT;
    if (!*waits) {
        task->from = from;
        publish_from(task);
        task->phase = TN__READ;
    }
    return TARN_OK;
}

/* The exact start is known now: does the guess agree? */
static tarn_code located(tn__text_task *task, uint64_t from, tarn_error *err)
{
    task->is_located = true;
    if (task->after_locate == TN__NEXT) {
        return begin_at(task, from, err);
    }
    if (!task->is_exact && from != task->from) {
        if (task->part > 0) {
            return tn__text_fail_guess(task->scan, task->from, err);
        }
        return begin_at(task, from, err); /* nothing was handed out: read it again */
    }
    task->is_exact = true;
    task->phase = task->after_locate;
    return TARN_OK;
}

static void end_morsel(tn__text_task *task, bool whole, tn_batch *out)
{
    if (whole) {
        publish_to(task->scan, task->morsel, task->from, task->is_exact,
                   tn__block_reader_at(&task->blocks), task->rows, task->lines);
    }
    atomic_fetch_add(&task->scan->bytes_read, task->blocks.reader.bytes_read);
    task->blocks.reader.bytes_read = 0;
    for (uint32_t i = 0; i < task->width; i++) {
        task->columns[i].rows = 0;
    }
    *out = (tn_batch){.columns = task->columns,
                      .width = task->width,
                      .tag = {.morsel = task->morsel, .part = task->part++, .last = true}};
    task->phase = TN__NEXT;
}

/* ---- batches ----------------------------------------------------------------------------------
 */

static void add_virtuals(tn__text_task *task, uint32_t rows)
{
    const tn__text_source *source = task->scan->source;
    const tn__text_parser *parser = task->blocks.parser;
    const uint32_t wanted = task->scan->request.virtuals;
    tn_column *column = task->columns + task->scan->request.field_count;
    if ((wanted & TN_VIRTUAL_FILE) != 0) {
        const char *uri = tn_object_uri(source->object);
        task->file_name = tn_view_of(uri, strlen(uri));
        *column++ = (tn_column){.type = TN_VARCHAR,
                                .lane = TN_LANE_view,
                                .encoding = TN_CONSTANT,
                                .rows = rows,
                                .values = &task->file_name};
    }
    if ((wanted & TN_VIRTUAL_ROW) != 0) {
        for (uint32_t i = 0; i < rows; i++) {
            task->row_numbers[i] = tn__text_row_of(task, parser->ordinals[i]);
        }
        *column++ = (tn_column){
            .type = TN_BIGINT, .lane = TN_LANE_i64, .rows = rows, .values = task->row_numbers};
    }
    if ((wanted & TN_VIRTUAL_LINE) != 0) {
        uint32_t at = 0;
        int64_t line = (int64_t)(task->base_lines + task->lines) + 1;
        for (uint32_t i = 0; i < rows; i++) {
            for (; at < parser->starts[i]; at++) {
                line += parser->text[at] == '\n';
            }
            task->line_numbers[i] = line;
        }
        *column++ = (tn_column){
            .type = TN_BIGINT, .lane = TN_LANE_i64, .rows = rows, .values = task->line_numbers};
    }
    if ((wanted & TN_VIRTUAL_MODIFIED) != 0) {
        task->modified = tn_object_about(source->object)->modified_us;
        *column++ = (tn_column){.type = TN_TIMESTAMPTZ,
                                .lane = TN_LANE_i64,
                                .encoding = TN_CONSTANT,
                                .rows = rows,
                                .values = &task->modified};
    }
}

/* The batch that was parsed; its bad records are seen to. */
static tarn_code hand_out(tn__text_task *task, tn_batch *out, tarn_error *err)
{
    tn__text_parser *parser = task->blocks.parser;
    const uint32_t rows = parser->rows;
    const bool any_bad = parser->bad_count > 0;
    uint32_t dropped = 0;
    uint32_t selected = rows;

    if (any_bad) {
        TN_RETURN_IF_ERROR(tn__text_take_bad(task, &dropped, err));
        selected = 0;
        for (uint32_t i = 0; i < rows; i++) {
            task->selection[selected] = (uint16_t)i;
            selected += !tn_bit_get(task->dropped, i);
        }
        memset(task->dropped, 0, TN_BATCH_ROWS / 8);
    }
    if (parser->columns != NULL) {
        memcpy(task->columns, parser->columns, task->scan->request.field_count * sizeof(tn_column));
    }
    add_virtuals(task, rows);
    task->has_batch = false;
    task->rows_handed += selected;
    atomic_fetch_add_explicit(&task->scan->rows_read, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&task->scan->rows_out, selected, memory_order_relaxed);
    *out = (tn_batch){.columns = task->columns,
                      .selection = selected < rows ? task->selection : NULL,
                      .width = task->width,
                      .rows = rows,
                      .selected = selected,
                      .tag = {.morsel = task->morsel, .part = task->part++}};
    return TARN_OK;
}

/* How many lines lie before is known, or counted: of a file on this machine. */
bool tn__text_task_place(tn_scan_task *base, tn_waker *waker, tn_scan_place *out)
{
    tn__text_task *task = (tn__text_task *)base;
    const tn__text_parser *parser = task->blocks.parser;
    uint64_t from = 0;
    *out = (tn_scan_place){.file = tn_str_of(tn_object_uri(task->scan->source->object))};
    if (!task->is_located) {
        bool done = sum_before(task, &from);
        if (!done && task->blocks.reader.direct &&
            locate(task, waker, &done, &from, NULL) == TARN_OK && !done) {
            return false;
        }
        task->is_located = done && from == task->from;
    }
    if (parser != NULL && parser->rows > 0 && task->is_located) {
        out->first_line = tn__text_line_of(task, parser->starts[0]);
        out->last_line = tn__text_line_of(task, parser->starts[parser->rows - 1]);
    }
    return true;
}

/* Must the place of bad records be known before they are seen to? */
static bool needs_place(const tn__text_task *task)
{
    const bool silent = task->scan->request.rejects == NULL && task->scan->source->drops_bad;
    return task->blocks.parser->bad_count > 0 &&
           ((!silent && !task->is_located) || !task->is_exact);
}

static tarn_code parse(tn__text_task *task, tn_batch *out, bool *ready, tarn_error *err)
{
    tn__text_parser *parser = task->blocks.parser;
    if (!task->has_batch) {
        TN_RETURN_IF_ERROR(parser->ops->parse(parser, err));
        task->has_batch = true;
    }
    if (needs_place(task)) {
        task->phase = TN__LOCATE;
        task->after_locate = TN__PARSE;
        return TARN_OK;
    }
    if (parser->rows > 0) {
        *ready = true;
        return hand_out(task, out, err);
    }
    if (parser->bad_count > 0) { /* of a block without a good record */
        uint32_t dropped;
        TN_RETURN_IF_ERROR(tn__text_take_bad(task, &dropped, err));
    }
    task->has_batch = false;
    task->rows += parser->records;
    task->lines += parser->newlines;
    task->phase = TN__READ;
    return TARN_OK;
}

static tarn_code walk(tn__text_task *task, tn_waker *waker, tn_batch *out, tn_scan_answer *answer,
                      tarn_error *err)
{
    bool waits = false;
    bool done = false;
    bool ready = false;
    tn__block_answer block;
    uint64_t from;
    *answer = TN_SCAN_BATCH;
    while (!waits) {
        switch (task->phase) {
        case TN__NEXT:
            TN_RETURN_IF_ERROR(next_morsel(task, err));
            break;
        case TN__LOCATE:
            TN_RETURN_IF_ERROR(locate(task, waker, &done, &from, err));
            waits = !done;
            if (done) {
                TN_RETURN_IF_ERROR(located(task, from, err));
            }
            break;
        case TN__SEEK:
            TN_RETURN_IF_ERROR(seek(task, waker, &waits, err));
            break;
        case TN__READ:
            TN_RETURN_IF_ERROR(tn__block_reader_next(&task->blocks, waker, &block, err));
            waits = block == TN__BLOCK_WAIT;
            task->phase = TN__PARSE;
            if (block == TN__BLOCK_END) {
                end_morsel(task, true, out);
                return TARN_OK;
            }
            if (waits) {
                task->phase = TN__READ;
            }
            break;
        case TN__PARSE:
            if (task->rows_handed >= task->scan->request.row_limit) {
                atomic_store(&task->scan->enough, true);
                end_morsel(task, false, out);
                return TARN_OK;
            }
            TN_RETURN_IF_ERROR(parse(task, out, &ready, err));
            if (ready) {
                return TARN_OK;
            }
            break;
        case TN__DONE:
            *answer = TN_SCAN_END;
            return TARN_OK;
        }
    }
    *answer = TN_SCAN_WAIT;
    return TARN_OK;
}

tarn_code tn__text_task_read(tn_scan_task *base, tn_waker *waker, tn_batch *out,
                             tn_scan_answer *answer, tarn_error *err)
{
    tn__text_task *task = (tn__text_task *)base;
    const tarn_code code = walk(task, waker, out, answer, err);
    if (code != TARN_OK && err != NULL && err->subject[0] == '\0') {
        const char *uri = tn_object_uri(task->scan->source->object);
        tn_explain(err, "reading '%s'", uri);
        tn_subject(err, uri);
    }
    return code;
}
