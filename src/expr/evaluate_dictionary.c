/* Operations on a dictionary's entries: once for each, kept while the dictionary stays the same. */
#include "base/size.h"
#include "expr/program_internal.h"

static TN_FALLIBLE entries_room(tn_evaluator *ev, tn_entries *entries, size_t rows, tarn_error *err)
{
    if (entries->capacity >= rows) {
        return TARN_OK;
    }
    const size_t old_words = tn_bitmap_words(entries->capacity) * 8;
    tn_pool_free(ev->pool, entries->values, entries->capacity * sizeof(tn_i256));
    tn_pool_free(ev->pool, entries->validity, old_words);
    tn_pool_free(ev->pool, entries->faults, old_words);
    entries->values = NULL;
    entries->validity = entries->faults = NULL;
    entries->capacity = 0;
    entries->id = 0;
    const size_t words = tn_bitmap_words(rows) * 8;
    void *values = NULL;
    void *validity = NULL;
    void *faults = NULL;
    tarn_code code = TARN_OK;
    TN_TRY(tn_pool_alloc(ev->pool, rows * sizeof(tn_i256), &values, err));
    TN_TRY(tn_pool_alloc(ev->pool, words, &validity, err));
    TN_TRY(tn_pool_alloc(ev->pool, words, &faults, err));
    entries->values = values;
    entries->validity = validity;
    entries->faults = faults;
    entries->capacity = rows;
    return TARN_OK;
done:
    tn_pool_free(ev->pool, values, rows * sizeof(tn_i256));
    tn_pool_free(ev->pool, validity, words);
    return code;
}

/* Texts of entries may lie in what is lent: they are copied. */
static TN_FALLIBLE keep_texts(tn_entries *entries, uint32_t from, uint32_t rows,
                              const tn_column *column, tarn_error *err)
{
    tn_view *views = (tn_view *)entries->values + from;
    for (uint32_t i = 0; i < rows; i++) {
        const bool valid = column->validity == NULL || tn_bit_get(column->validity, i);
        bool fault = false;
        for (const tn_faults *node = column->faults; node != NULL; node = node->next) {
            fault |= tn_bit_get(node->mask, i);
        }
        if (!valid || fault) {
            views[i] = tn_view_of(NULL, 0);
        } else if (views[i].size > TN_VIEW_INLINE) {
            char *copy = NULL;
            TN_RETURN_IF_ERROR(tn_heap_take(&entries->heap, views[i].size, &copy, err));
            memcpy(copy, views[i].data, views[i].size);
            views[i].data = copy;
        }
    }
    return TARN_OK;
}

/* One part of the dictionary's entries, computed as a batch and kept. */
static TN_FALLIBLE compute_part(tn_evaluator *ev, const tn_instruction *ins, tn_register **args,
                                uint32_t which, uint32_t from, uint32_t rows, tn_register *out,
                                tarn_error *err)
{
    const tn_column *dictionary = ev->arguments[which]->column.children;
    tn_entries *entries = out->entries;
    tn_register *part = &ev->spare[which];
    const tn_lane lane = ins->expr->type->lane;
    const size_t in_size = tn_lane_size((tn_lane)dictionary->lane);
    tn_operand result;
    part->column = *dictionary;
    part->column.rows = rows;
    part->column.values = in_size == 0
                              ? (const void *)((const uint64_t *)dictionary->values + from / 64)
                              : (const char *)dictionary->values + from * in_size;
    part->column.validity = dictionary->validity == NULL ? NULL : dictionary->validity + from / 64;
    part->column.faults = NULL;
    part->epoch = 0;
    part->flat_epoch = part->bounds_epoch = 0;
    ev->rows = ev->count = rows;
    ev->selection = NULL;
    out->flat_epoch = out->bounds_epoch = 0;
    TN_RETURN_IF_ERROR(tn_eval__operation(ev, ins, args, out, err));
    if (ev->count < rows) {
        return tn_fail(err, TARN_E_LIMIT, "the values made from one dictionary are too long");
    }
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, out, lane, &result, err));
    const size_t size = tn_lane_size(lane);
    const size_t words = tn_bitmap_words(rows);
    if (result.mask != UINT32_MAX) { /* constant for all entries */
        return tn_fail(err, TARN_E_INTERNAL, "a dictionary's entries became constant");
    }
    if (size == 0) {
        memcpy((uint64_t *)entries->values + from / 64, result.values, words * 8);
    } else {
        memcpy((char *)entries->values + from * size, result.values, rows * size);
    }
    if (lane == TN_LANE_view) {
        TN_RETURN_IF_ERROR(keep_texts(entries, from, rows, &out->column, err));
    }
    if (result.validity != NULL) {
        memcpy(entries->validity + from / 64, result.validity, words * 8);
        entries->has_nulls = true;
    } else {
        memset(entries->validity + from / 64, 0xff, words * 8);
    }
    if (tn_eval__fault_words(ev, &out->column, ev->words[0])) {
        memcpy(entries->faults + from / 64, ev->words[0], words * 8);
        entries->has_faults = true;
    } else {
        memset(entries->faults + from / 64, 0, words * 8);
    }
    return TARN_OK;
}

static TN_FALLIBLE compute_entries(tn_evaluator *ev, const tn_instruction *ins, uint32_t which,
                                   tn_register *out, tarn_error *err)
{
    const tn_column *dictionary = ev->arguments[which]->column.children;
    tn_entries *entries = out->entries;
    const uint32_t rows = ev->rows;
    const uint32_t count = ev->count;
    const uint16_t *selection = ev->selection;
    const size_t heap_bound = ev->heap_bound;
    tarn_code code = TARN_OK;
    for (uint32_t i = 0; i < ins->argument_count; i++) {
        ev->spare_arguments[i] = i == which ? &ev->spare[i] : ev->arguments[i];
    }
    TN_RETURN_IF_ERROR(entries_room(ev, entries, tn_max_size(dictionary->rows, 64), err));
    entries->has_faults = entries->has_nulls = false;
    entries->id = 0;
    tn_heap_reset(&entries->heap);
    ev->heap_bound = TN_BATCH_HEAP; /* entries are made whole */
    for (uint32_t from = 0; from < dictionary->rows && code == TARN_OK; from += TN_BATCH_ROWS) {
        const uint32_t part =
            dictionary->rows - from < TN_BATCH_ROWS ? dictionary->rows - from : TN_BATCH_ROWS;
        code = compute_part(ev, ins, ev->spare_arguments, which, from, part, out, err);
    }
    out->flat_epoch = out->bounds_epoch = 0;
    ev->rows = rows;
    ev->count = count;
    ev->selection = selection;
    ev->heap_bound = heap_bound;
    return code;
}

/* Rows whose entry failed. */
static TN_FALLIBLE spread_faults(tn_evaluator *ev, const tn_instruction *ins, uint32_t which,
                                 tn_register *out, tarn_error *err)
{
    const tn_column *codes = &ev->arguments[which]->column;
    memset(out->faults, 0, sizeof(out->faults));
    for (uint32_t i = 0; i < ev->count; i++) {
        const uint32_t row = ev->selection == NULL ? i : ev->selection[i];
        if ((codes->validity == NULL || tn_bit_get(codes->validity, row)) &&
            tn_bit_get(out->entries->faults, tn_column_code(codes, row))) {
            tn_bit_set(out->faults, row);
        }
    }
    return tn_eval__add_faults(ev, ins, ev->arguments, out, err);
}

/* Which argument is the one dictionary among constants; UINT32_MAX where that is not so. */
uint32_t tn_eval__lone_dictionary(const tn_evaluator *ev, const tn_instruction *ins)
{
    uint32_t which = UINT32_MAX;
    if (!tn_eval__is_strict(ins) || ins->is_volatile || tn_type_is_nested(ins->expr->type)) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < ins->argument_count; i++) {
        const tn_column *column = &ev->arguments[i]->column;
        const uint32_t argument = ev->program->arguments[ins->first_argument + i];
        if (column->encoding == TN_DICTIONARY && which == UINT32_MAX &&
            column->dictionary_id != 0 && column->children->encoding == TN_FLAT &&
            !tn_type_is_nested(column->type)) {
            which = i;
        } else if (column->encoding != TN_CONSTANT ||
                   !ev->program->instructions[argument].is_static) {
            return UINT32_MAX;
        }
    }
    return which;
}

/* Computing all entries pays where they are few, or once as many rows have been seen. */
static bool entries_pay(tn_evaluator *ev, tn_entries *entries, const tn_column *column)
{
    if (entries->id == column->dictionary_id) {
        return true;
    }
    if (entries->seen_id != column->dictionary_id) {
        entries->seen_id = column->dictionary_id;
        entries->seen_rows = 0;
    }
    entries->seen_rows += ev->count;
    return column->children->rows <= 256 || entries->seen_rows >= column->children->rows;
}

tarn_code tn_eval__dictionary(tn_evaluator *ev, const tn_instruction *ins, uint32_t which,
                              tn_register *out, bool *done, tarn_error *err)
{
    const tn_column *column = &ev->arguments[which]->column;
    *done = false;
    if (out->entries == NULL) {
        TN_RETURN_IF_ERROR(
            tn_pool_alloc_zeroed(ev->pool, sizeof(tn_entries), (void **)&out->entries, err));
        tn_heap_init(&out->entries->heap, ev->pool);
    }
    tn_entries *entries = out->entries;
    if (column->children->rows == 0 || !entries_pay(ev, entries, column)) {
        return TARN_OK;
    }
    if (entries->id != column->dictionary_id) {
        TN_RETURN_IF_ERROR(compute_entries(ev, ins, which, out, err));
        const tn_type *type = ins->expr->type;
        entries->result = (tn_column){.type = type,
                                      .lane = (uint8_t)type->lane,
                                      .encoding = TN_FLAT,
                                      .rows = column->children->rows,
                                      .values = entries->values,
                                      .validity = entries->has_nulls ? entries->validity : NULL};
        entries->id = column->dictionary_id;
        entries->result_id = tn_dictionary_next_id();
    }
    const tn_faults *faults = NULL;
    out->column = (tn_column){.type = ins->expr->type,
                              .lane = (uint8_t)ins->expr->type->lane,
                              .encoding = TN_DICTIONARY,
                              .code_lane = column->code_lane,
                              .rows = ev->rows,
                              .values = column->values,
                              .validity = column->validity,
                              .faults = faults,
                              .children = &entries->result,
                              .dictionary_id = entries->result_id};
    for (const tn_faults *node = column->faults; node != NULL; node = node->next) {
        TN_RETURN_IF_ERROR(tn_eval__push_faults(ev, node, &out->column, err));
    }
    *done = true;
    return entries->has_faults && !ins->expr->try_cast ? spread_faults(ev, ins, which, out, err)
                                                       : TARN_OK;
}
