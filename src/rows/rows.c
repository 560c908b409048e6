#include "rows/rows.h"

#include "base/size.h"

#include <assert.h>

enum {
    PAGE_SMALL = 4 << 10,
    PAGE_LARGE = 256 << 10, /* the unit of I/O */
    OWN_PAGE = 64 << 10     /* rows with more heap than this have a page to themselves */
};

tarn_code tn_row_layout_create(tn_pool *pool, const tn_type *const *types, uint32_t count,
                               uint32_t header_size, tn_row_layout **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_row_layout *layout = NULL;
    void *memory = NULL;

    *out = NULL;
    assert(header_size % 8 == 0);
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*layout), &memory, err));
    layout = memory;
    layout->pool = pool;
    layout->count = count;
    layout->header_size = header_size;
    TN_TRY(tn_pool_alloc_zeroed(pool, count * sizeof(tn_row_field), (void **)&layout->fields, err));
    TN_TRY(tn_pool_alloc(pool, count * sizeof(uint32_t), (void **)&layout->views, err));
    for (uint32_t i = 0; i < count; i++) {
        tn_row_field *field = &layout->fields[i];
        field->type = types[i];
        field->is_nested = tn_type_is_nested(types[i]);
        field->lane = field->is_nested ? TN_LANE_view : (uint8_t)types[i]->lane;
        field->size =
            field->lane == TN_LANE_bool ? 1 : (uint16_t)tn_lane_size((tn_lane)field->lane);
        field->size = field->lane == TN_LANE_none ? 0 : field->size;
        layout->has_nested = layout->has_nested || field->is_nested;
        if (field->lane == TN_LANE_view) {
            layout->views[layout->view_count++] = i;
        }
    }
    uint32_t offset = header_size;
    for (uint16_t size = 32; size > 0; size /= 2) { /* large ones first: all are aligned then */
        for (uint32_t i = 0; i < count; i++) {
            if (layout->fields[i].size == size) {
                layout->fields[i].offset = offset;
                offset += size;
            }
        }
    }
    layout->nulls = offset;
    layout->row_size = (uint32_t)tn_round_up(offset + (count + 7) / 8, 8);
    layout->row_size = layout->row_size == 0 ? 8 : layout->row_size;
    layout->batch_rows = tn_batch_rows(layout->row_size);
    *out = layout;
    layout = NULL;
done:
    tn_row_layout_destroy(layout);
    return code;
}

void tn_row_layout_destroy(tn_row_layout *layout)
{
    if (layout != NULL) {
        tn_pool_free(layout->pool, layout->fields, layout->count * sizeof(tn_row_field));
        tn_pool_free(layout->pool, layout->views, layout->count * sizeof(uint32_t));
        tn_pool_free(layout->pool, layout, sizeof(*layout));
    }
}

void tn_rows_init(tn_rows *rows, const tn_row_layout *layout, tn_pool *pool, tn_spill *spill)
{
    *rows = (tn_rows){.layout = layout, .pool = pool, .spill = spill};
}

void tn_rows_note(tn_rows *rows)
{
    tn_page *page = rows->last;
    if (rows->next_row != NULL) {
        page->rows = (uint32_t)((size_t)(rows->next_row - page->data) / rows->layout->row_size);
        page->heap = (size_t)(page->data + page->size - rows->heap);
    }
}

static void close_page(tn_rows *rows)
{
    if (rows->next_row != NULL) {
        tn_rows_note(rows);
        rows->next_row = rows->heap = NULL;
        if (!rows->keep && rows->held == NULL) {
            rows->held = rows->last;
        }
    }
}

void tn_rows_settle(tn_rows *rows)
{
    const tn_page *open = rows->next_row != NULL ? rows->last : NULL;
    tn_page *page = rows->held;
    rows->held = NULL;
    while (page != NULL && page != open) {
        tn_page *next = page->next; /* what is unpinned may go */
        tn_page_unpin(rows->spill, page);
        page = next;
    }
}

void tn_rows_clear(tn_rows *rows)
{
    while (rows->first != NULL) {
        tn_page *gone = rows->first;
        rows->first = gone->next;
        tn_page_destroy(rows->spill, gone);
    }
    rows->last = rows->held = NULL;
    rows->next_row = rows->heap = NULL;
    rows->count = rows->bytes = 0;
}

void tn_rows_seal(tn_rows *rows)
{
    close_page(rows);
    tn_rows_settle(rows);
    if (rows->keep) {
        rows->keep = false;
        for (tn_page *page = rows->first; page != NULL; page = page->next) {
            tn_page_unpin(rows->spill, page);
        }
    }
}

tarn_code tn_rows_pin(tn_rows *rows, tarn_error *err)
{
    assert(rows->next_row == NULL && !rows->keep && rows->held == NULL);
    for (tn_page *page = rows->first; page != NULL; page = page->next) {
        const tarn_code code = tn_page_pin(rows->spill, page, err);
        if (code != TARN_OK) {
            for (tn_page *pinned = rows->first; pinned != page; pinned = pinned->next) {
                tn_page_unpin(rows->spill, pinned);
            }
            return code;
        }
    }
    rows->keep = true;
    return TARN_OK;
}

void tn_rows_append(tn_rows *into, tn_rows *from)
{
    tn_rows_seal(into);
    tn_rows_seal(from);
    if (from->first != NULL) {
        *(into->last != NULL ? &into->last->next : &into->first) = from->first;
        into->last = from->last;
    }
    into->count += from->count;
    into->bytes += from->bytes;
    from->first = from->last = NULL;
    from->count = from->bytes = 0;
}

void tn_rows_move(tn_rows *into, tn_rows *from, size_t bytes)
{
    size_t moved = 0;
    while (from->first != NULL && (moved == 0 || moved + from->first->size <= bytes)) {
        tn_page *page = from->first;
        from->first = page->next;
        from->last = from->first == NULL ? NULL : from->last;
        page->next = NULL;
        *(into->last != NULL ? &into->last->next : &into->first) = page;
        into->last = page;
        from->bytes -= page->size;
        from->count -= page->rows;
        into->bytes += page->size;
        into->count += page->rows;
        moved += page->size;
    }
}

static size_t page_size(const tn_rows *rows, size_t need)
{
    size_t size = PAGE_SMALL;
    const size_t most = rows->page_max == 0 ? PAGE_LARGE : rows->page_max;
    while (4 * size <= most && rows->bytes >= 4 * size) {
        size *= 4;
    }
    if (need > OWN_PAGE) {
        return tn_round_up(need, PAGE_SMALL);
    }
    return size < 2 * need ? tn_round_up(2 * need, PAGE_SMALL) : size;
}

tarn_code tn_rows_slot_slow(tn_rows *rows, size_t heap, uint8_t **row, tarn_error *err)
{
    const size_t need = rows->layout->row_size + heap;
    tn_page *page;
    TN_RETURN_IF_ERROR(
        tn_page_create(rows->spill, rows->pool, rows->layout, page_size(rows, need), &page, err));
    close_page(rows);
    *(rows->last != NULL ? &rows->last->next : &rows->first) = page;
    rows->last = page;
    rows->bytes += page->size;
    rows->next_row = page->data;
    rows->heap = page->data + page->size;
    return tn_rows_slot(rows, heap, row, err);
}

tarn_code tn_rows_cursor_next(tn_rows_cursor *cursor, uint32_t max, uint8_t **rows, uint32_t *count,
                              tarn_error *err)
{
    tn_rows *of = cursor->rows;
    *count = 0;
    tn_rows_note(of);
    while (cursor->page == NULL || cursor->row == cursor->page->rows) {
        tn_page *next = cursor->page != NULL ? cursor->page->next : of->first;
        tn_rows_cursor_close(cursor);
        if (next == NULL) {
            cursor->rows = of; /* at the end: asking again begins anew */
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(tn_page_pin(of->spill, next, err));
        cursor->page = next;
        cursor->row = 0;
    }
    const size_t size = of->layout->row_size;
    const uint32_t left = cursor->page->rows - cursor->row;
    uint8_t *row = cursor->page->data + cursor->row * size;
    *count = left < max ? left : max;
    for (uint32_t i = 0; i < *count; i++, row += size) {
        rows[i] = row;
    }
    cursor->row += *count;
    return TARN_OK;
}

void tn_rows_cursor_close(tn_rows_cursor *cursor)
{
    tn_page *page = cursor->page;
    cursor->page = NULL;
    cursor->row = 0;
    if (page == NULL) {
        return;
    }
    tn_page_unpin(cursor->rows->spill, page);
    if (cursor->consume) {
        tn_rows *of = cursor->rows;
        assert(of->first == page && of->next_row == NULL && !of->keep);
        of->first = page->next;
        of->last = of->first == NULL ? NULL : of->last;
        of->bytes -= page->size;
        of->count -= page->rows;
        tn_page_destroy(of->spill, page);
    }
}

tarn_code tn_rows_copy(tn_rows *sets, const uint8_t *part, uint8_t *const *from, uint32_t count,
                       uint8_t **rows, tarn_error *err)
{
    const tn_row_layout *layout = sets[0].layout;
    for (uint32_t i = 0; i < count; i++) {
        tn_rows *set = &sets[part == NULL ? 0 : part[i]];
        size_t heap = 0;
        for (uint32_t v = 0; v < layout->view_count; v++) {
            const uint32_t offset = layout->fields[layout->views[v]].offset;
            const tn_view *view = (const tn_view *)(const void *)(from[i] + offset);
            heap += view->size > TN_VIEW_INLINE ? view->size : 0;
        }
        TN_RETURN_IF_ERROR(tn_rows_slot(set, heap, &rows[i], err));
        if (set->held != NULL) { /* the rows before this one are written */
            tn_rows_settle(set);
        }
        tn_row_copy(rows[i], from[i], layout->row_size);
        uint8_t *to = set->heap;
        for (uint32_t v = 0; heap > 0 && v < layout->view_count; v++) {
            const uint32_t offset = layout->fields[layout->views[v]].offset;
            tn_view *view = (tn_view *)(void *)(rows[i] + offset);
            if (view->size > TN_VIEW_INLINE) {
                memcpy(to, view->data, view->size);
                view->data = (const char *)to;
                to += view->size;
            }
        }
    }
    return TARN_OK;
}
