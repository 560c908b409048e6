/* The prober: from a batch to pairs. */
#include "exec/join_internal.h"

#include "kernel/hash_column.h"
#include "kernel/template.h"

static TN_FALLIBLE array(tn_pool *pool, size_t item, void *out, tarn_error *err)
{
    void *memory = NULL;
    const tarn_code code = tn_pool_alloc_zeroed(pool, TN_BATCH_ROWS * item, &memory, err);
    memcpy(out, &memory, sizeof(memory));
    return code;
}

tarn_code tn_prober__create(tn_join *join, tn_pool *pool, bool may_defer, tn_prober **out,
                            tarn_error *err)
{
    const tn_join_options *options = &join->options;
    tarn_code code = TARN_OK;
    tn_prober *made = NULL;
    void *memory = NULL;
    const uint32_t width = options->probe_layout->count;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*made), &memory, err));
    made = memory;
    made->join = join;
    made->pool = pool;
    made->may_defer = may_defer;
    made->table = &join->table;
    TN_TRY(tn_inputs__create(join->probe_program, options->key_count, pool, &made->keys, err));
    TN_TRY(tn_row_writer_create(pool, join->layout, options->key_count, &made->writer, err));
    TN_TRY(tn_row_reader_create(pool, join->layout, &made->reader, err));
    if (join->residual != NULL) {
        TN_TRY(tn_evaluator_create(join->residual, pool, &made->residual, err));
    }
    TN_TRY(tn_pool_alloc_zeroed(pool, width * sizeof(tn_scratch), (void **)&made->scratch, err));
    for (uint32_t i = 0; i < width; i++) {
        tn_scratch_init(&made->scratch[i], pool);
    }
    TN_TRY(tn_pool_alloc_zeroed(pool, (width + options->payload_count + 1) * sizeof(tn_column),
                                (void **)&made->columns, err));
    TN_TRY(array(pool, 8, &made->hashes, err));
    TN_TRY(array(pool, 8, &made->chain, err));
    TN_TRY(array(pool, 8, &made->pair, err));
    TN_TRY(array(pool, 8, &made->rows, err));
    TN_TRY(array(pool, 1, &made->matched, err));
    TN_TRY(array(pool, 1, &made->is_null, err));
    TN_TRY(array(pool, 1, &made->waits, err));
    TN_TRY(array(pool, 1, &made->mark_values, err));
    TN_TRY(array(pool, 1, &made->mark_validity, err));
    TN_TRY(array(pool, 2, &made->positions, err));
    TN_TRY(array(pool, 2, &made->pair_row, err));
    TN_TRY(array(pool, 2, &made->rest, err));
    TN_TRY(array(pool, 2, &made->active, err));
    TN_TRY(array(pool, 2, &made->equal, err));
    TN_TRY(array(pool, 2, &made->other, err));
    TN_TRY(array(pool, sizeof(uint32_t), &made->at, err));
    *out = made;
    made = NULL;
done:
    tn_prober__destroy(made);
    return code;
}

void tn_prober__destroy(tn_prober *prober)
{
    if (prober == NULL) {
        return;
    }
    tn_pool *pool = prober->pool;
    const tn_join_options *options = &prober->join->options;
    const uint32_t width = options->probe_layout->count;
    for (uint32_t p = 0; prober->deferred != NULL && p < TN_JOIN_PARTS; p++) {
        tn_rows_clear(&prober->deferred[p]);
    }
    tn_pool_free(pool, prober->deferred, TN_JOIN_PARTS * sizeof(tn_rows));
    tn_row_writer_destroy(prober->probe_writer);
    tn_inputs__destroy(prober->keys);
    tn_row_writer_destroy(prober->writer);
    tn_row_reader_destroy(prober->reader);
    tn_evaluator_destroy(prober->residual);
    for (uint32_t i = 0; prober->scratch != NULL && i < width; i++) {
        tn_scratch_deinit(&prober->scratch[i]);
    }
    tn_pool_free(pool, prober->scratch, width * sizeof(tn_scratch));
    tn_pool_free(pool, prober->columns, (width + options->payload_count + 1) * sizeof(tn_column));
    void *const eight[] = {prober->hashes, prober->chain, prober->pair, prober->rows};
    void *const two[] = {prober->positions, prober->pair_row, prober->rest,
                         prober->active,    prober->equal,    prober->other};
    void *const one[] = {prober->matched, prober->is_null, prober->waits, prober->mark_values,
                         prober->mark_validity};
    for (size_t i = 0; i < sizeof(eight) / sizeof(*eight); i++) {
        tn_pool_free(pool, eight[i], TN_BATCH_ROWS * 8);
    }
    for (size_t i = 0; i < sizeof(two) / sizeof(*two); i++) {
        tn_pool_free(pool, two[i], TN_BATCH_ROWS * 2);
    }
    for (size_t i = 0; i < sizeof(one) / sizeof(*one); i++) {
        tn_pool_free(pool, one[i], TN_BATCH_ROWS);
    }
    tn_pool_free(pool, prober->at, TN_BATCH_ROWS * sizeof(uint32_t));
    tn_pool_free(pool, prober, sizeof(*prober));
}

/* ---- looking up ---- */

static bool same_keys(const tn_join *join, const uint8_t *a, const uint8_t *b)
{
    for (uint32_t k = 0; k < join->options.key_count; k++) {
        const tn_row_field *field = &join->layout->fields[k];
        if (tn_row_is_null(join->layout, a, k) != tn_row_is_null(join->layout, b, k)) {
            return false;
        }
        if (field->lane == TN_LANE_view) {
            if (!tn_view_equal((const tn_view *)(const void *)(a + field->offset),
                               (const tn_view *)(const void *)(b + field->offset))) {
                return false;
            }
        } else if (memcmp(a + field->offset, b + field->offset, field->size) != 0) {
            return false;
        }
    }
    return true;
}

/* The next build row with the key of this one. */
static inline tn_join_row *next_match(const tn_prober *prober, tn_join_row *row)
{
    if (prober->table->unique) {
        return NULL; /* without a look at the row */
    }
    tn_join_row *next = row->next;
    if (prober->table->dense) {
        return next;
    }
    while (next != NULL &&
           (next->hash != row->hash ||
            (!prober->join->hash_is_key &&
             !same_keys(prober->join, (const uint8_t *)next, (const uint8_t *)row)))) {
        next = next->next;
    }
    return next;
}

/* Rows with a NULL in a key that does not take NULL for equal; false: there is none. */
static bool find_nulls(tn_prober *prober, uint32_t count)
{
    const tn_join_options *options = &prober->join->options;
    bool any = false;
    memset(prober->is_null, 0, count);
    for (uint32_t k = 0; k < options->key_count; k++) {
        const uint64_t *validity = prober->writer->columns[k].validity;
        if (options->null_equal != NULL && options->null_equal[k]) {
            continue;
        }
        if (prober->writer->columns[k].lane == TN_LANE_none) {
            memset(prober->is_null, 1, count);
            any = true;
        }
        any = any || validity != NULL;
        for (uint32_t i = 0; validity != NULL && i < count; i++) {
            prober->is_null[i] |= !tn_bit_get(validity, i);
        }
    }
    return any;
}

/* The heads some rows ahead, and the rows behind the heads of those nearer, so that misses overlap.
 */
enum { HEAD_AHEAD = 32, ROW_AHEAD = 16 };

#define DENSE_LOOP(TYPE)                                                    \
    for (uint32_t i = 0; i < count; i++) {                                  \
        const uint64_t at = (uint64_t)((const TYPE *)values)[i] - min;      \
        chain[i] = at < range ? (tn_join_row *)(uintptr_t)heads[at] : NULL; \
        __builtin_prefetch(chain[i]);                                       \
    }

static void find_dense(tn_prober *prober, uint32_t count)
{
    const tn_column *key = &prober->writer->columns[0];
    const void *values = key->values;
    const uint64_t *heads = prober->table->heads;
    const uint64_t min = prober->table->min;
    const uint64_t range = prober->table->range;
    tn_join_row **chain = prober->chain;
    TN_BY_INTEGER_LANE(key->lane, DENSE_LOOP, DENSE_LOOP(int64_t))
}

static void find_hashed(tn_prober *prober, uint32_t count)
{
    const tn_join_table *table = prober->table;
    const uint64_t *hashes = prober->hashes;
    tn_join_row **chain = prober->chain;
    const uint32_t first = count < ROW_AHEAD ? count : ROW_AHEAD;

    for (uint32_t i = 0; i < first; i++) {
        chain[i] = tn_join__head(table, hashes[i]);
        __builtin_prefetch(chain[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i + HEAD_AHEAD < count) {
            __builtin_prefetch(&table->heads[hashes[i + HEAD_AHEAD] & table->mask]);
        }
        if (i + ROW_AHEAD < count) {
            chain[i + ROW_AHEAD] = tn_join__head(table, hashes[i + ROW_AHEAD]);
            __builtin_prefetch(chain[i + ROW_AHEAD]);
        }
        tn_join_row *row = chain[i];
        while (row != NULL && row->hash != hashes[i]) {
            row = row->next;
        }
        chain[i] = row;
    }
}

/* Where equal hashes are not equal keys: moves on until the keys are equal. */
static void compare_keys(tn_prober *prober, uint32_t count)
{
    uint32_t active = 0;
    for (uint32_t i = 0; i < count; i++) {
        prober->active[active] = (uint16_t)i;
        prober->rows[active] = (uint8_t *)prober->chain[i];
        active += prober->chain[i] != NULL;
    }
    while (active > 0) {
        const uint32_t equal = tn_row_writer_match(prober->writer, prober->active, active,
                                                   prober->rows, prober->equal, prober->other);
        uint32_t next = 0;
        for (uint32_t o = 0; o < active - equal; o++) {
            const uint16_t i = prober->active[prober->other[o]];
            tn_join_row *row = prober->chain[i]->next;
            while (row != NULL && row->hash != prober->hashes[i]) {
                row = row->next;
            }
            prober->chain[i] = row;
            prober->active[next] = i;
            prober->rows[next] = (uint8_t *)row;
            next += row != NULL;
        }
        active = next;
    }
}

/* Probe rows of partitions that wait are kept whole. */
static TN_FALLIBLE defer(tn_prober *prober, uint32_t count, tarn_error *err)
{
    tn_join *join = prober->join;
    const uint32_t width = join->options.probe_layout->count;
    uint8_t part_of[TN_BATCH_ROWS];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint8_t part = (uint8_t)(prober->hashes[i] >> (64 - TN_JOIN_BITS));
        const bool waits = !prober->is_null[i] && !join->resident[part];
        prober->waits[i] = waits;
        part_of[kept] = part;
        prober->rest[kept] = (uint16_t)tn_batch_row(&prober->part, i);
        kept += waits;
    }
    if (kept == 0) {
        return TARN_OK;
    }
    if (prober->deferred == NULL) {
        void *memory;
        TN_RETURN_IF_ERROR(
            tn_pool_alloc(prober->pool, TN_JOIN_PARTS * sizeof(tn_rows), &memory, err));
        prober->deferred = memory;
        for (uint32_t p = 0; p < TN_JOIN_PARTS; p++) {
            tn_rows_init(&prober->deferred[p], join->probe_layout, &join->pool, join->run->spill);
            prober->deferred[p].page_max = 64 << 10;
        }
        TN_RETURN_IF_ERROR(
            tn_row_writer_create(prober->pool, join->probe_layout, 0, &prober->probe_writer, err));
    }
    tn_batch rows = prober->part;
    rows.selection = prober->rest;
    rows.selected = kept;
    for (uint32_t c = 0; c < width; c++) {
        TN_RETURN_IF_ERROR(tn_inputs__raise(&prober->part.columns[c], &rows, err));
    }
    const tn_column *columns[64];
    const tn_column **all = columns;
    void *memory = NULL;
    if (width > 64) {
        TN_RETURN_IF_ERROR(tn_pool_alloc(prober->pool, width * sizeof(void *), &memory, err));
        all = memory;
    }
    for (uint32_t c = 0; c < width; c++) {
        all[c] = &prober->part.columns[c];
    }
    tarn_code code = tn_row_writer_prepare(prober->probe_writer, all, prober->rest, kept, err);
    if (code == TARN_OK) {
        tn_row_writer_measure(prober->probe_writer, kept);
        code = tn_row_writer_add(prober->probe_writer, prober->deferred, part_of, NULL, kept,
                                 prober->rows, err);
        tn_row_writer_settle(prober->probe_writer);
    }
    tn_pool_free(prober->pool, memory, width * sizeof(void *));
    return code;
}

/* The first match of each row of the part, into chain. */
static TN_FALLIBLE look_up(tn_prober *prober, tarn_error *err)
{
    const tn_join *join = prober->join;
    const uint32_t count = prober->part.selected;
    const bool defers = prober->may_defer && join->defers;

    for (uint32_t k = 0; k < join->options.key_count; k++) {
        TN_RETURN_IF_ERROR(tn_inputs__raise(&prober->keys->columns[k], &prober->part, err));
    }
    TN_RETURN_IF_ERROR(tn_row_writer_prepare_keys(prober->writer, prober->keys->pointers,
                                                  prober->part.selection, count, err));
    const bool has_nulls = find_nulls(prober, count);
    memset(prober->waits, 0, count);
    memset(prober->matched, 0, count);
    if (!prober->table->dense || defers) {
        memset(prober->hashes, 0, join->options.key_count == 0 ? count * sizeof(uint64_t) : 0);
        for (uint32_t k = 0; k < join->options.key_count; k++) {
            tn_hash_column(&prober->writer->columns[k], count, k > 0, prober->hashes);
        }
    }
    if (defers) {
        TN_RETURN_IF_ERROR(defer(prober, count, err));
    }
    if (prober->table->heads == NULL) {
        memset(prober->chain, 0, count * sizeof(void *));
    } else if (prober->table->dense) {
        find_dense(prober, count);
    } else {
        find_hashed(prober, count);
        if (!join->hash_is_key && join->options.key_count > 0) {
            compare_keys(prober, count);
        }
    }
    for (uint32_t i = 0; (has_nulls || defers) && i < count; i++) {
        prober->chain[i] = prober->is_null[i] || prober->waits[i] ? NULL : prober->chain[i];
    }
    return TARN_OK;
}

/* ---- handing out ---- */

/* A batch of pairs: probe columns, then payload. */
static TN_FALLIBLE make_pairs(tn_prober *prober, uint32_t count, tn_batch *out, tarn_error *err)
{
    const tn_join *join = prober->join;
    const tn_batch *part = &prober->part;
    const uint32_t width = join->options.probe_layout->count;
    bool ascending = true;
    for (uint32_t i = 1; !prober->table->unique && i < count; i++) {
        ascending &= prober->positions[i - 1] < prober->positions[i];
    }
    const bool in_place = ascending && !join->layout->has_nested; /* each row once: not copied */
    tn_batch pairs = *part;
    pairs.selection = prober->positions;
    pairs.selected = count;
    const bool *is_read = join->is_read;
    for (uint32_t c = 0; c < width; c++) {
        if (in_place) {
            prober->columns[c] = part->columns[c];
        } else if (is_read == NULL || is_read[c]) {
            TN_RETURN_IF_ERROR(tn_inputs__raise(&part->columns[c], &pairs, err));
            TN_RETURN_IF_ERROR(tn_column_flatten(&part->columns[c], prober->positions, count,
                                                 part->columns[c].type->lane, &prober->scratch[c],
                                                 &prober->columns[c], err));
        }
    }
    for (uint32_t p = 0; p < join->options.payload_count; p++) {
        if (is_read != NULL && !is_read[width + p]) {
            continue;
        }
        TN_RETURN_IF_ERROR(
            tn_row_reader_gather(prober->reader, join->options.key_count + p, prober->pair, count,
                                 in_place ? prober->positions : NULL, in_place ? part->rows : count,
                                 &prober->columns[width + p], err));
    }
    *out = (tn_batch){.columns = prober->columns,
                      .selection = in_place ? prober->positions : NULL,
                      .width = width + join->options.payload_count,
                      .rows = in_place ? part->rows : count,
                      .selected = count,
                      .tag = part->tag};
    return TARN_OK;
}

static TN_FALLIBLE too_many(tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "a subquery used as a value gave more than one row");
    tn_hint(err, "add LIMIT 1, or an aggregate such as max()");
    return TARN_E_INVALID;
}

static inline bool is_matched(const tn_join_row *row)
{
    return __atomic_load_n(&row->matched, __ATOMIC_RELAXED) != 0;
}

static inline void set_matched(tn_join_row *row)
{
    __atomic_store_n(&row->matched, 1, __ATOMIC_RELAXED);
}

/* Of a join of_build without a residual: all that the part matches.  Rows of one key are marked
 * together, so that the first says whether the rest is. */
static void mark_matches(tn_prober *prober)
{
    for (uint32_t i = 0; i < prober->part.selected; i++) {
        tn_join_row *row = prober->chain[i];
        while (row != NULL && !is_matched(row)) {
            set_matched(row);
            row = next_match(prober, row);
        }
    }
    prober->row = prober->part.selected;
}

/* Pair i of those made last has held. */
static TN_FALLIBLE note_match(tn_prober *prober, uint32_t i, tarn_error *err)
{
    const uint32_t row = prober->pair_row[i];
    if (prober->join->options.kind == TN_JOIN_SINGLE && prober->matched[row]) {
        return too_many(err);
    }
    prober->matched[row] = 1;
    if (prober->join->keeps_build) {
        set_matched((tn_join_row *)(void *)prober->pair[i]);
    }
    return TARN_OK;
}

/* Does anyone ask which rows had a match? */
static bool notes_matches(const tn_prober *prober)
{
    return prober->join->options.kind != TN_JOIN_INNER || prober->flags != NULL;
}

/* Asks the residual conditions of the pairs: out keeps those that pass. */
static TN_FALLIBLE ask_residual(tn_prober *prober, uint32_t count, tn_batch *out, tarn_error *err)
{
    const uint16_t *selection;
    uint32_t selected;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(
        tn_evaluator_filter(prober->residual, out, false, &selection, &selected, err));
    if (selection == NULL) {
        selection = out->selection;
    }
    for (uint32_t s = 0; notes_matches(prober) && s < selected; s++) {
        const uint32_t position = selection == NULL ? s : selection[s];
        while (out->selection != NULL && i < count && prober->positions[i] != position) {
            i++;
        }
        TN_RETURN_IF_ERROR(note_match(prober, out->selection == NULL ? position : i, err));
    }
    out->selection = selection;
    out->selected = selected;
    return TARN_OK;
}

/* Of keys without duplicates, where rows without a match drop out: all pairs of the part. */
static uint32_t unique_pairs(tn_prober *prober)
{
    tn_join_row *const *chain = prober->chain;
    const uint16_t *selection = prober->part.selection;
    const uint32_t rows = prober->part.selected;
    uint16_t *restrict positions = prober->positions;
    uint16_t *restrict pair_row = prober->pair_row;
    uint8_t **restrict pair = prober->pair;
    uint32_t made = 0;
    for (uint32_t row = prober->row; row < rows; row++) {
        tn_join_row *match = chain[row];
        positions[made] = selection == NULL ? (uint16_t)row : selection[row];
        pair_row[made] = (uint16_t)row;
        pair[made] = (uint8_t *)match;
        made += match != NULL;
    }
    prober->row = rows;
    return made;
}

/* The next pairs, up to a batch; false where the part has none left. */
static bool next_pairs(tn_prober *prober, uint32_t *count)
{
    const bool nulls =
        prober->join->keeps_probe && prober->residual == NULL && prober->pass == TN_PASS_WHOLE;
    const bool first_only = prober->join->only_probe; /* one match is as good as all */
    const bool of_build = prober->join->of_build;
    if (prober->table->unique && !nulls && !first_only && !of_build) {
        *count = unique_pairs(prober);
        return *count > 0;
    }
    uint32_t made = 0;
    uint32_t row = prober->row;
    while (row < prober->part.selected && made < TN_BATCH_ROWS) {
        tn_join_row *match = prober->chain[row];
        const uint16_t position = (uint16_t)tn_batch_row(&prober->part, row);
        if (match == NULL || (first_only && prober->matched[row])) {
            if (nulls && match == NULL && !prober->matched[row] && !prober->waits[row]) {
                prober->positions[made] = position;
                prober->pair_row[made] = (uint16_t)row;
                prober->pair[made++] = prober->reader->null_row;
            }
            row++;
            continue;
        }
        while (match != NULL && made < TN_BATCH_ROWS) {
            prober->positions[made] = position;
            prober->pair_row[made] = (uint16_t)row;
            prober->pair[made] = (uint8_t *)match;
            made += !(of_build && is_matched(match)); /* which the residual need not say twice */
            match = next_match(prober, match);
        }
        prober->chain[row] = match;
        row += match == NULL;
    }
    prober->row = row;
    *count = made;
    return made > 0;
}

/* Rows by what is known of their matches: SEMI, ANTI, MARK, and who is left of LEFT. */
static TN_FALLIBLE finish_part(tn_prober *prober, tn_batch *out, tarn_error *err)
{
    const tn_join *join = prober->join;
    const tn_join_options *options = &join->options;
    const tn_batch *part = &prober->part;
    const tn_join_kind kind = options->kind;
    const uint32_t width = options->probe_layout->count;
    const bool unknown = options->null_aware && join->build_rows > 0;
    uint32_t kept = 0;

    if (kind == TN_JOIN_MARK) {
        memset(prober->mark_values, 0, TN_BATCH_ROWS / 8);
        memset(prober->mark_validity, 0xff, TN_BATCH_ROWS / 8);
    }
    for (uint32_t i = 0; i < part->selected; i++) {
        const uint32_t position = tn_batch_row(part, i);
        const bool matched = prober->matched[i];
        const bool is_unknown = unknown && !matched && (join->has_null || prober->is_null[i]);
        bool keep = !matched;
        if (kind == TN_JOIN_MARK) {
            tn_bit_put(prober->mark_values, position, matched);
            tn_bit_put(prober->mark_validity, position, !is_unknown);
            keep = true;
        } else if (kind == TN_JOIN_SEMI) {
            keep = matched;
        } else if (kind == TN_JOIN_ANTI) {
            keep = !matched && !is_unknown;
        }
        prober->rest[kept] = (uint16_t)position;
        kept += keep && !prober->waits[i];
    }
    if (!join->only_probe) { /* with NULLs for the other side */
        memcpy(prober->positions, prober->rest, kept * sizeof(uint16_t));
        for (uint32_t i = 0; i < kept; i++) {
            prober->pair[i] = prober->reader->null_row;
        }
        return make_pairs(prober, kept, out, err);
    }
    for (uint32_t c = 0; c < width; c++) {
        prober->columns[c] = part->columns[c];
    }
    if (kind == TN_JOIN_MARK) {
        prober->columns[width] = (tn_column){.type = TN_BOOLEAN,
                                             .lane = TN_LANE_bool,
                                             .encoding = TN_FLAT,
                                             .rows = part->rows,
                                             .values = prober->mark_values,
                                             .validity = unknown ? prober->mark_validity : NULL};
    }
    *out = (tn_batch){.columns = prober->columns,
                      .selection = prober->rest,
                      .width = join->width,
                      .rows = part->rows,
                      .selected = kept,
                      .tag = part->tag};
    return TARN_OK;
}

static bool wants_rest(const tn_prober *prober)
{
    const tn_join *join = prober->join;
    return prober->pass == TN_PASS_REST ||
           (prober->pass == TN_PASS_WHOLE &&
            (join->only_probe || (join->keeps_probe && prober->residual != NULL)));
}

static TN_FALLIBLE begin_part(tn_prober *prober, const tn_batch *in, bool *more, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_inputs__part(prober->keys, in, &prober->part, more, err));
    if (!*more) {
        return TARN_OK;
    }
    prober->in_part = true;
    prober->rest_done = false;
    prober->row = 0;
    if (prober->table->present != NULL) {
        return TARN_OK;
    }
    if (prober->pass == TN_PASS_REST) {
        TN_RETURN_IF_ERROR(tn_row_writer_prepare_keys(prober->writer, prober->keys->pointers,
                                                      prober->part.selection, prober->part.selected,
                                                      err));
        (void)find_nulls(prober, prober->part.selected);
        memset(prober->waits, 0, prober->part.selected);
        prober->row = prober->part.selected;
    } else {
        TN_RETURN_IF_ERROR(look_up(prober, err));
    }
    for (uint32_t i = 0; prober->flags != NULL && i < prober->part.selected; i++) {
        prober->matched[i] = prober->flags[tn_batch_row(&prober->part, i)];
    }
    if (prober->join->only_probe && prober->residual == NULL && prober->pass != TN_PASS_REST) {
        for (uint32_t i = 0; i < prober->part.selected; i++) {
            prober->matched[i] |= prober->chain[i] != NULL;
        }
        prober->row = prober->part.selected;
    }
    if (prober->join->of_build && prober->residual == NULL) {
        mark_matches(prober);
    }
    return TARN_OK;
}

/* What a block found out about the part's rows. */
static void save_flags(tn_prober *prober)
{
    for (uint32_t i = 0; prober->flags != NULL && i < prober->part.selected; i++) {
        prober->flags[tn_batch_row(&prober->part, i)] = prober->matched[i];
    }
}

tarn_code tn_prober__next(tn_prober *prober, const tn_batch *in, tn_batch *out, bool *more,
                          tarn_error *err)
{
    const tn_join *join = prober->join;
    uint32_t count;

    *more = true;
    for (;;) {
        if (!prober->in_part) {
            TN_RETURN_IF_ERROR(begin_part(prober, in, more, err));
            if (!*more) {
                *out = (tn_batch){.columns = prober->columns, .width = join->width, .tag = in->tag};
                return TARN_OK;
            }
        }
        if (prober->table->present != NULL) {
            prober->in_part = false;
            TN_RETURN_IF_ERROR(tn_prober__direct(prober, out, err));
            if (prober->residual != NULL && out->selected > 0) {
                TN_RETURN_IF_ERROR(ask_residual(prober, out->selected, out, err));
            }
            if (out->selected > 0) {
                return TARN_OK;
            }
            continue;
        }
        while (next_pairs(prober, &count)) {
            if (atomic_load_explicit(join->run->cancelled, memory_order_relaxed)) {
                return tn_fail(err, TARN_E_CANCELLED, "cancelled"); /* a condition may pass none */
            }
            TN_RETURN_IF_ERROR(make_pairs(prober, count, out, err));
            if (prober->residual != NULL) {
                TN_RETURN_IF_ERROR(ask_residual(prober, count, out, err));
            } else if (join->keeps_build || join->options.kind == TN_JOIN_SINGLE ||
                       prober->flags != NULL) {
                for (uint32_t i = 0; i < count; i++) {
                    if (prober->pair[i] != prober->reader->null_row) {
                        TN_RETURN_IF_ERROR(note_match(prober, i, err));
                    }
                }
            }
            if (!join->only_probe && !join->of_build && out->selected > 0) {
                return TARN_OK;
            }
        }
        save_flags(prober);
        prober->in_part = false;
        if (wants_rest(prober)) {
            TN_RETURN_IF_ERROR(finish_part(prober, out, err));
            if (out->selected > 0) {
                return TARN_OK;
            }
        }
    }
}
