/*
 * Direct tables: where the build side's keys are integers that lie close together and none comes
 * twice, a key's place in arrays is its distance to the least one.  A probe subtracts, compares
 * with the range and gathers: no hash, no compare of keys, no row.  Batches of which all rows match
 * keep their selection, and no column of the probe side is copied.
 */
#include "base/size.h"
#include "exec/join_internal.h"
#include "kernel/lookup.h"

enum { ALIGN = 64, SMALL = 8 << 20 };

static bool allows(const tn_join *join)
{
    const tn_join_kind kind = join->options.kind;
    const bool kinds = kind == TN_JOIN_INNER ||
                       ((kind == TN_JOIN_LEFT || kind == TN_JOIN_SINGLE) && join->residual == NULL);
    for (uint32_t p = 0; p < join->options.payload_count; p++) {
        const tn_row_field *field = &join->layout->fields[join->options.key_count + p];
        if (field->is_nested || field->size == 0) {
            return false;
        }
    }
    return kinds && !join->of_build;
}

static size_t size_of(const tn_join *join, size_t entries)
{
    const uint32_t payload = join->options.payload_count;
    size_t size = tn_round_up(payload * sizeof(tn_join_column), ALIGN);
    for (uint32_t p = 0; p < payload; p++) {
        const size_t width = join->layout->fields[join->options.key_count + p].size;
        size += tn_round_up(entries * width, ALIGN) + tn_round_up(entries, ALIGN);
    }
    return size + tn_round_up(entries, ALIGN);
}

/* False: a key came twice. */
static bool take_rows(const tn_join *join, tn_join_table *table, uint8_t *const *rows,
                      uint32_t count)
{
    uint32_t at[256];
    for (uint32_t i = 0; i < count; i++) {
        at[i] = (uint32_t)(tn_join__key(join, rows[i]) - table->min);
        if (table->present[at[i]] != 0) {
            return false;
        }
        table->present[at[i]] = 1;
    }
    for (uint32_t p = 0; p < join->options.payload_count; p++) {
        const uint32_t f = join->options.key_count + p;
        const size_t offset = join->layout->fields[f].offset;
        tn_join_column *column = &table->columns[p];
        for (uint32_t i = 0; i < count; i++) {
            const bool is_null = tn_row_is_null(join->layout, rows[i], f);
            memcpy(column->values + at[i] * column->width, rows[i] + offset, column->width);
            column->nulls[at[i]] = is_null;
            column->has_nulls |= is_null;
        }
    }
    table->rows += count;
    return true;
}

tarn_code tn_join__direct_make(const tn_join *join, tn_pool *pool, tn_rows *const *sets,
                               uint32_t count, tn_join_table *table, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory;
    const size_t entries = (size_t)table->range + 1;
    const size_t heads = (size_t)table->range * sizeof(uint64_t);

    if (!allows(join) || table->range >= UINT32_MAX) {
        return TARN_OK;
    }
    const size_t size = size_of(join, entries);
    if (size > heads && size > tn_min_size(SMALL, tn_run__available(join->run) / 8)) {
        return TARN_OK; /* nobody reckoned with more than heads */
    }
    code = tn_pool_alloc_pages(pool, size, true, &memory, err);
    if (code != TARN_OK) {
        return tn_spill_explain(join->run->spill, code, err);
    }
    table->direct = memory;
    table->direct_size = size;
    table->columns = memory;
    uint8_t *at = memory;
    at += tn_round_up(join->options.payload_count * sizeof(tn_join_column), ALIGN);
    for (uint32_t p = 0; p < join->options.payload_count; p++) {
        tn_join_column *column = &table->columns[p];
        column->width = join->layout->fields[join->options.key_count + p].size;
        column->has_nulls = join->keeps_probe;
        column->values = at;
        at += tn_round_up(entries * column->width, ALIGN);
        column->nulls = at;
        at += tn_round_up(entries, ALIGN);
        if (join->keeps_probe) {
            memset(column->nulls, 1, entries);
        }
    }
    table->present = at;
    TN_TRY(tn_join__each_row(join, sets, count, take_rows, table, err));
    uint64_t total = 0;
    for (uint32_t s = 0; s < count; s++) {
        total += sets[s]->count;
    }
    if (table->rows != total) { /* a key came twice */
        tn_join__direct_free(pool, table);
    }
done:
    if (code != TARN_OK) {
        tn_join__direct_free(pool, table);
    }
    return code;
}

void tn_join__direct_free(tn_pool *pool, tn_join_table *table)
{
    tn_pool_free_pages(pool, table->direct, table->direct_size);
    table->direct = NULL;
    table->direct_size = 0;
    table->columns = NULL;
    table->present = NULL;
    table->rows = 0;
}

/* ---- probing ---- */

static TN_FALLIBLE gather(tn_prober *prober, uint32_t p, uint32_t count, const uint16_t *positions,
                          tn_column *out, tarn_error *err)
{
    const tn_join_column *from = &prober->table->columns[p];
    const uint32_t f = prober->join->options.key_count + p;
    const tn_row_field *field = &prober->join->layout->fields[f];
    tn_scratch *scratch = &prober->reader->scratch[f];

    TN_RETURN_IF_ERROR(tn_scratch_reserve(scratch, TN_BATCH_ROWS * from->width, err));
    if (field->lane == TN_LANE_bool) {
        memset(scratch->values, 0, TN_BATCH_ROWS / 8);
        tn_lookup_bits(from->values, 0, prober->at, count, positions, scratch->values);
    } else {
        tn_lookup_gather(from->width, from->values, prober->at, count, positions, scratch->values);
    }
    if (from->has_nulls) {
        memset(scratch->validity, 0xff, TN_BATCH_ROWS / 8);
        tn_lookup_bits(from->nulls, 1, prober->at, count, positions, scratch->validity);
    }
    *out = (tn_column){.type = field->type,
                       .lane = field->lane,
                       .encoding = TN_FLAT,
                       .rows = prober->part.rows,
                       .values = scratch->values,
                       .validity = from->has_nulls ? scratch->validity : NULL};
    return TARN_OK;
}

tarn_code tn_prober__direct(tn_prober *prober, tn_batch *out, tarn_error *err)
{
    const tn_join *join = prober->join;
    const tn_join_table *table = prober->table;
    const tn_batch *part = &prober->part;
    const uint32_t count = part->selected;
    const uint32_t width = join->options.probe_layout->count;
    const uint32_t range = (uint32_t)table->range;
    const uint16_t *selection = part->selection;
    const tn_column *key = &prober->writer->columns[0];
    uint32_t kept = count;

    TN_RETURN_IF_ERROR(tn_inputs__raise(&prober->keys->columns[0], part, err));
    TN_RETURN_IF_ERROR(
        tn_row_writer_prepare_keys(prober->writer, prober->keys->pointers, selection, count, err));
    bool missed =
        tn_lookup_positions((tn_lane)key->lane, key->values, count, table->min, range, prober->at);
    for (uint32_t i = 0; key->validity != NULL && i < count; i++) {
        prober->at[i] = tn_bit_get(key->validity, i) ? prober->at[i] : range;
        missed = true;
    }
    if (!join->keeps_probe && (missed || table->rows < range)) {
        kept = tn_lookup_present(table->present, prober->at, selection, count, prober->positions);
        selection = kept < count ? prober->positions : selection;
    }
    for (uint32_t c = 0; c < width; c++) {
        prober->columns[c] = part->columns[c];
    }
    for (uint32_t p = 0; p < join->options.payload_count; p++) {
        TN_RETURN_IF_ERROR(gather(prober, p, kept, selection, &prober->columns[width + p], err));
    }
    *out = (tn_batch){.columns = prober->columns,
                      .selection = selection,
                      .width = width + join->options.payload_count,
                      .rows = part->rows,
                      .selected = kept,
                      .tag = part->tag};
    return TARN_OK;
}
