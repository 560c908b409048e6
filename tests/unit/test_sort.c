/* ORDER BY and top-n, in memory and spilling, against plain arrays. */
#include "exec/sort_internal.h"
#include "support/operators.h"

#include <stdio.h>

enum { BATCH = 1000 };

typedef struct input {
    uint32_t batches;
    uint64_t range;
    bool nulls;
    int64_t keys[BATCH];
    int64_t ids[BATCH];
    uint64_t validity[(BATCH + 63) / 64];
    char texts[BATCH * 24];
    tn_view views[BATCH];
    tn_column columns[3];
} input;

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    return value;
}

static bool key_of(const input *in, int64_t id, int64_t *key)
{
    *key = (int64_t)(mix((uint64_t)id + 1) % in->range) - (int64_t)(in->range / 2);
    return !in->nulls || id % 7 != 3;
}

/* Columns: key BIGINT (some NULL), id BIGINT, key as text. */
static bool make(void *context, uint32_t index, tn_batch *out)
{
    input *in = context;
    if (index == in->batches) {
        return false;
    }
    for (uint32_t i = 0; i < BATCH; i++) {
        const int64_t id = (int64_t)index * BATCH + i;
        tn_bit_put(in->validity, i, key_of(in, id, &in->keys[i]));
        in->ids[i] = id;
        (void)snprintf(in->texts + i * 24, 24, "prefix-%016" PRIx64, (uint64_t)in->keys[i]);
        in->views[i] = tn_view_of(in->texts + i * 24, 23);
    }
    in->columns[0] = (tn_column){.type = TN_BIGINT,
                                 .lane = TN_LANE_i64,
                                 .rows = BATCH,
                                 .values = in->keys,
                                 .validity = in->nulls ? in->validity : NULL};
    in->columns[1] =
        (tn_column){.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = BATCH, .values = in->ids};
    in->columns[2] =
        (tn_column){.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = BATCH, .values = in->views};
    *out = (tn_batch){.columns = in->columns,
                      .width = 3,
                      .rows = BATCH,
                      .selected = BATCH,
                      .tag = {index / 4, index % 4, index % 4 == 3}};
    return true;
}

typedef struct check {
    const input *in;
    bool descending, nulls_first, by_text, failed;
    uint64_t rows;
    int64_t sum;
    bool any, last_null;
    int64_t last_key, last_id;
} check;

static void see(void *context, const tn_batch *batch)
{
    check *c = context;
    for (uint32_t i = 0; i < batch->selected; i++) {
        const int64_t id = ((const int64_t *)batch->columns[1].values)[i];
        int64_t key;
        const bool valid = key_of(c->in, id, &key);
        const bool null = tn_column_is_null(&batch->columns[0], i);
        char text[24];
        c->failed = c->failed || null == valid;
        c->failed = c->failed || (valid && ((const int64_t *)batch->columns[0].values)[i] != key);
        (void)snprintf(text, 24, "prefix-%016" PRIx64, (uint64_t)key);
        const tn_view *view = (const tn_view *)batch->columns[2].values + i;
        c->failed = c->failed || view->size != 23 || memcmp(tn_view_data(view), text, 23) != 0;
        if (c->any && !c->by_text) {
            const bool is_tie = null ? c->last_null : !c->last_null && key == c->last_key;
            const bool fine = is_tie          ? id > c->last_id
                              : null          ? !c->nulls_first
                              : c->last_null  ? c->nulls_first
                              : c->descending ? key < c->last_key
                                              : key > c->last_key;
            c->failed = c->failed || !fine;
        } else if (c->any) {
            c->failed = c->failed || ((uint64_t)key < (uint64_t)c->last_key) != c->descending;
        }
        c->any = true;
        c->last_null = null;
        c->last_key = key;
        c->last_id = id;
        c->sum += id;
        c->rows++;
    }
}

static tarn_code run_sort(tn_pool *pool, input *in, size_t limit_bytes, uint32_t threads,
                          bool by_text, bool descending, uint64_t limit, uint64_t offset,
                          check *seen, uint64_t *spilled)
{
    bench b;
    tn_operator *op = NULL;
    tarn_code code;
    const tn_column_id ids[] = {0, 1, 2};
    const tn_type *types[] = {TN_BIGINT, TN_BIGINT, TN_VARCHAR};
    const tn_layout layout = {3, ids};

    *seen =
        (check){.in = in, .descending = descending, .nulls_first = descending, .by_text = by_text};
    TN_TRY(bench_init(&b, pool, limit_bytes, threads));
    const tn_sort_key key = {.expr = bench_column(&b, by_text ? 2 : 0, types[by_text ? 2 : 0]),
                             .descending = descending,
                             .nulls_first = descending};
    if (key.expr == NULL) {
        code = TARN_E_NOMEM;
        goto done;
    }
    TN_TRY(tn_sort_create(&b.run, &key, 1, &layout, types, 3, limit, offset, NULL, &op, &b.err));
    TN_TRY(bench_push(&b, op, make, in));
    TN_TRY(bench_read(&b, op, see, seen));
    *spilled = tn_spill_bytes(b.run.spill);
done:
    if (code != TARN_OK && code != TARN_E_NOMEM) {
        (void)fprintf(stderr, "%s\n", b.err.message);
    }
    if (op != NULL) {
        op->ops->destroy(op);
    }
    bench_deinit(&b);
    return code;
}

TEST(sorts_in_memory_and_spilling_alike)
{
    static input in;
    check seen;
    uint64_t spilled = 0;
    for (uint32_t variant = 0; variant < 16; variant += TEST_SIZE(1, 5)) {
        in = (input){.batches = variant % 2 == 0 ? 30 : 300,
                     .range = variant % 4 < 2 ? 1000 : UINT64_C(1) << 40,
                     .nulls = variant % 8 < 4};
        const uint64_t rows = in.batches * (uint64_t)BATCH;
        CHECK_EQ(run_sort(pool, &in, variant % 2 == 0 ? SIZE_MAX : 8 << 20, 1 + variant % 3, false,
                          variant < 8, UINT64_MAX, 0, &seen, &spilled),
                 TARN_OK);
        CHECK(!seen.failed);
        CHECK_U64(seen.rows, rows);
        CHECK_EQ(seen.sum, (int64_t)(rows * (rows - 1) / 2));
        CHECK(spilled > 0 || variant % 2 == 0);
    }
}

TEST(entries_are_sorted_wherever_their_keys_differ)
{
    enum { COUNT = 20000 };
    static uint8_t rows[COUNT][8];
    static tn_sort_entry entries[COUNT];
    static tn_sort_entry spare[COUNT];
    static _Atomic bool cancelled;
    const tn_sorter sorter = {.cancelled = &cancelled, .prefix = 8};

    for (uint64_t shape = 0; shape < 8; shape++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            const uint64_t random = mix(i + shape * COUNT + 1);
            const uint64_t keys[] = {
                random,       random % 1000 + (i == 77 ? UINT64_C(1) << 63 : 0), /* skew */
                42,           (random % 20) << 40 | mix(random) >> 40,           i, COUNT - i,
                random << 32, (random % 300) << 50 | (random >> 20) % 3};
            const uint64_t bytes = __builtin_bswap64(keys[shape]);
            memcpy(rows[i], &bytes, 8);
            entries[i] = (tn_sort_entry){keys[shape], rows[i]};
        }
        CHECK(tn_sort__entries(&sorter, entries, spare, COUNT, 0));
        for (size_t i = 1; i < COUNT; i++) {
            CHECK(entries[i - 1].key < entries[i].key ||
                  (entries[i - 1].key == entries[i].key && entries[i - 1].row < entries[i].row));
        }
    }
    atomic_store(&cancelled, true);
    CHECK(!tn_sort__entries(&sorter, entries, spare, COUNT, 0));
    atomic_store(&cancelled, false);
}

TEST(sorts_strings_by_bytes)
{
    static input in;
    check seen;
    uint64_t spilled = 0;
    for (uint32_t variant = 0; variant < 4; variant += TEST_SIZE(1, 3)) {
        in = (input){.batches = 60, .range = UINT64_C(1) << 50};
        CHECK_EQ(run_sort(pool, &in, variant < 2 ? SIZE_MAX : 6 << 20, 2, true, variant % 2 == 1,
                          UINT64_MAX, 0, &seen, &spilled),
                 TARN_OK);
        CHECK(!seen.failed);
        CHECK_U64(seen.rows, 60 * BATCH);
        CHECK(spilled > 0 || variant < 2);
    }
}

TEST(top_n_is_the_head_of_the_whole)
{
    static input in;
    check seen;
    uint64_t spilled;
    for (uint32_t variant = 0; variant < 8; variant += TEST_SIZE(1, 3)) {
        in = (input){.batches = 100, .range = 100000, .nulls = variant % 2 == 0};
        CHECK_EQ(run_sort(pool, &in, 8 << 20, 1 + variant % 2, false, variant < 4, 50, variant,
                          &seen, &spilled),
                 TARN_OK);
        CHECK(!seen.failed);
        CHECK_U64(seen.rows, 50);
        int64_t largest = INT64_MIN;
        for (int64_t id = 0; id < 100 * BATCH; id++) {
            int64_t key;
            largest = key_of(&in, id, &key) && key > largest ? key : largest;
        }
        CHECK(variant < 4 || variant > 4 || seen.last_key < -49000);
        (void)largest;
    }
    in = (input){.batches = 0, .range = 5};
    CHECK_EQ(run_sort(pool, &in, 8 << 20, 2, false, false, UINT64_MAX, 0, &seen, &spilled),
             TARN_OK);
    CHECK_U64(seen.rows, 0);
}

TEST(sorting_survives_the_loss_of_any_allocation)
{
    static input in;
    check seen;
    uint64_t spilled;
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        in = (input){.batches = 6, .range = 1000};
        CHECK_EQ(run_sort(pool, &in, SIZE_MAX, 2, true, false, UINT64_MAX, 0, &seen, &spilled),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
    CHECK(!seen.failed);
}

/* ---- one column, which is all of the row ---- */

typedef struct one {
    const tn_type *type;
    uint32_t batches;
    uint64_t range;
    bool nulls, selected, descending, nulls_first, failed;
    uint64_t values[BATCH];
    uint64_t validity[(BATCH + 63) / 64];
    uint16_t selection[BATCH];
    tn_column column;
    uint64_t rows, nulls_seen; /* of the result */
    bool any, last_null;
    uint64_t last, sum;
} one;

/* Values of the lane, as a number that orders as they do. */
static uint64_t one_at(const tn_column *column, size_t i)
{
    const uint64_t half = UINT64_C(1) << 63;
    switch (column->lane) {
    case TN_LANE_i16:
        return (uint64_t)(int64_t)((const int16_t *)column->values)[i] ^ half;
    case TN_LANE_i32:
        return (uint64_t)(int64_t)((const int32_t *)column->values)[i] ^ half;
    case TN_LANE_i64:
        return ((const uint64_t *)column->values)[i] ^ half;
    case TN_LANE_u8:
        return ((const uint8_t *)column->values)[i];
    default:
        return ((const uint64_t *)column->values)[i];
    }
}

static bool make_one(void *context, uint32_t index, tn_batch *out)
{
    one *in = context;
    const size_t size = tn_lane_size(in->type->lane);
    uint32_t count = 0;
    if (index >= in->batches) { /* an empty batch ends the morsel */
        *out = (tn_batch){.tag = {index / 4, index % 4, true}};
        return index == in->batches;
    }
    for (uint32_t i = 0; i < BATCH; i++) {
        const uint64_t id = (uint64_t)index * BATCH + i;
        const uint64_t value = mix(id + 1) % in->range - (id % 2 == 0 ? in->range / 2 : 0);
        memcpy((uint8_t *)in->values + i * size, &value, size);
        tn_bit_put(in->validity, i, id % 7 != 3);
        in->selection[count] = (uint16_t)i;
        count += id % 3 != 0;
    }
    in->column = (tn_column){.type = in->type,
                             .lane = (uint8_t)in->type->lane,
                             .rows = BATCH,
                             .values = in->values,
                             .validity = in->nulls ? in->validity : NULL};
    *out = (tn_batch){.columns = &in->column,
                      .width = 1,
                      .rows = BATCH,
                      .selection = in->selected ? in->selection : NULL,
                      .selected = in->selected ? count : BATCH,
                      .tag = {index / 4, index % 4, index % 4 == 3}};
    return true;
}

static void see_one(void *context, const tn_batch *batch)
{
    one *in = context;
    for (uint32_t i = 0; i < batch->selected; i++) {
        const bool null = tn_column_is_null(&batch->columns[0], i);
        const uint64_t value = null ? 0 : one_at(&batch->columns[0], i);
        if (in->any) {
            in->failed =
                in->failed || (null != in->last_null && null == in->nulls_first) ||
                (!null && !in->last_null && (in->descending ? value > in->last : value < in->last));
        }
        in->any = true;
        in->last = value;
        in->last_null = null;
        in->sum += value;
        in->rows++;
        in->nulls_seen += null;
    }
}

static tarn_code run_one(tn_pool *pool, one *in, size_t limit_bytes, uint32_t threads,
                         uint64_t limit, uint64_t offset, uint64_t *spilled)
{
    bench b;
    tn_operator *op = NULL;
    tarn_code code;
    const tn_column_id id = 0;
    const tn_layout layout = {1, &id};

    TN_TRY(bench_init(&b, pool, limit_bytes, threads));
    const tn_sort_key key = {.expr = bench_column(&b, 0, in->type),
                             .descending = in->descending,
                             .nulls_first = in->nulls_first};
    if (key.expr == NULL) {
        code = TARN_E_NOMEM;
        goto done;
    }
    if (!tn_sort__is_column(&key, 1, &layout, &in->type, 1)) {
        test_fail(__FILE__, __LINE__, "not sorted as a column");
    }
    TN_TRY(
        tn_sort_create(&b.run, &key, 1, &layout, &in->type, 1, limit, offset, NULL, &op, &b.err));
    TN_TRY(bench_push(&b, op, make_one, in));
    TN_TRY(bench_read(&b, op, see_one, in));
    *spilled = tn_spill_bytes(b.run.spill);
done:
    if (op != NULL) {
        op->ops->destroy(op);
    }
    bench_deinit(&b);
    return code;
}

TEST(a_column_that_is_its_own_key_is_sorted)
{
    static one in;
    const tn_type *types[] = {TN_BIGINT, TN_INTEGER, TN_UTINYINT, TN_UBIGINT, TN_SMALLINT};
    for (uint32_t variant = 0; variant < 40; variant += TEST_SIZE(3, 7)) {
        const bool large = variant >= 36;
        const size_t bytes = large ? 4 << 20 : SIZE_MAX;
        uint64_t spilled = 0;
        in = (one){.type = types[variant % 5],
                   .batches = large ? 1200 : 60,
                   .range = variant % 9 < 4 ? 100 : UINT64_C(1) << 50,
                   .nulls = variant % 2 == 0,
                   .selected = variant % 4 == 2,
                   .descending = variant % 8 >= 4,
                   .nulls_first = variant % 16 >= 8};
        uint64_t rows = 0;
        uint64_t nulls = 0;
        uint64_t sum = 0;
        tn_batch batch;
        for (uint32_t index = 0; make_one(&in, index, &batch); index++) {
            for (uint32_t i = 0; i < batch.selected; i++) {
                const uint32_t at = batch.selection == NULL ? i : batch.selection[i];
                const bool null = tn_column_is_null(&in.column, at);
                rows++;
                nulls += null;
                sum += null ? 0 : one_at(&in.column, at);
            }
        }
        const uint32_t threads = 1 + variant % 2;
        CHECK_EQ(run_one(pool, &in, bytes, threads, UINT64_MAX, 0, &spilled), TARN_OK);
        CHECK(!in.failed);
        CHECK_U64(in.rows, rows);
        CHECK_U64(in.nulls_seen, nulls);
        CHECK_U64(in.sum, sum);
        CHECK(spilled > 0 || !large);
        in.any = false;
        in.rows = 0;
        CHECK_EQ(run_one(pool, &in, bytes, threads, UINT64_C(1) << 40, rows - 5000, &spilled),
                 TARN_OK);
        CHECK(!in.failed);
        CHECK_U64(in.rows, 5000);
    }
    uint64_t spilled;
    in = (one){.type = TN_BIGINT};
    CHECK_EQ(run_one(pool, &in, SIZE_MAX, 2, UINT64_MAX, 0, &spilled), TARN_OK);
    CHECK_U64(in.rows, 0);
}

TEST(sorting_a_column_survives_the_loss_of_any_allocation)
{
    static one in;
    uint64_t spilled;
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        in = (one){.type = TN_BIGINT, .batches = 6, .range = 1000, .nulls = true};
        CHECK_EQ(run_one(pool, &in, SIZE_MAX, 2, UINT64_MAX, 0, &spilled),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
    CHECK(!in.failed);
}

TEST(keys_are_sorted_wherever_they_differ)
{
    enum { LARGEST = 200000 };
    static uint64_t keys[LARGEST];
    static uint64_t spare[LARGEST];
    static _Atomic bool cancelled;
    const tn_sorter sorter = {.cancelled = &cancelled};

    for (uint64_t run = 0; run < 20; run++) {
        const uint64_t shape = run % 10;
        const uint64_t count = run < 10 ? LARGEST / 10 : LARGEST; /* and cut into parts */
        uint64_t sum = 0;
        for (uint64_t i = 0; i < count; i++) {
            const uint64_t random = mix(i + shape * count + 1);
            const uint64_t of[] = {random,
                                   random % 1000 + (i == 77 ? UINT64_C(1) << 63 : 0), /* skew */
                                   42,
                                   (random % 20) << 40 | mix(random) >> 40,
                                   i,
                                   count - i,
                                   random << 32,
                                   (random % 300) << 50 | (random >> 20) % 3,
                                   (random % 300) << 50 | random >> 40,
                                   random % 256 << 50 | (count - i)};
            keys[i] = of[shape];
            sum += keys[i];
        }
        CHECK(tn_sort__keys(&sorter, keys, spare, count));
        for (size_t i = 0; i < count; i++) {
            CHECK(i == 0 || keys[i - 1] <= keys[i]);
            sum -= keys[i];
        }
        CHECK_U64(sum, 0);
    }
    keys[0] = 7;
    keys[1] = 3;
    atomic_store(&cancelled, true);
    CHECK(!tn_sort__keys(&sorter, keys, spare, LARGEST));
    keys[0] = UINT64_MAX;
    CHECK(!tn_sort__keys(&sorter, keys, spare, LARGEST / 10));
    atomic_store(&cancelled, false);
}

/* Key i of run r, in order. */
static uint64_t merge_key(uint32_t shape, uint32_t run, uint32_t i)
{
    const uint64_t step = (uint64_t)i * 1000 + mix(i * 300 + run) % 1000;
    switch (shape) {
    case 0:
        return step; /* all runs over all of the range */
    case 1:
        return (uint64_t)run << 50 | step; /* one run behind the other */
    case 2:
        return 42;
    case 3:
        return i < 20000 ? 0 : UINT64_MAX;
    case 4:
        return run == 0 ? step : 1000000 + i / 5000; /* long ties beside a run without any */
    default:
        return step / 20000 * 20000; /* ties in and between runs */
    }
}

static TN_FALLIBLE merge_runs(tn_pool *pool, uint32_t shape, uint32_t runs, uint64_t *rows,
                              bool *ordered, tarn_error *err)
{
    static uint64_t keys[TN_BATCH_ROWS];
    static _Atomic bool cancelled;
    tarn_code code = TARN_OK;
    tn_sorter *sorter = NULL;
    tn_key_merge *merge = NULL;
    uint64_t sum = 0;
    uint64_t last = 0;
    uint32_t count = 0;
    const tn_sorter_options options = {.pool = pool,
                                       .cancelled = &cancelled,
                                       .is_bare = true,
                                       .budget = SIZE_MAX,
                                       .tasks = 1,
                                       .limit = UINT64_MAX};
    tn_rows run = {0};

    *rows = 0;
    *ordered = true;
    TN_TRY(tn_sorter__create(&options, &sorter, err));
    for (uint32_t r = 0; r < runs; r++) {
        const uint32_t length = r % 4 == 3 ? 3 + r : 120000 / runs + (r == 0 ? 40000 : 0);
        tn_rows_init(&run, sorter->layout, pool, NULL);
        for (uint32_t i = 0; i < length; i++) {
            uint8_t *row;
            TN_TRY(tn_rows_slot(&run, 0, &row, err));
            const uint64_t bytes = __builtin_bswap64(merge_key(shape, r, i));
            memcpy(row, &bytes, sizeof(bytes));
            sum += merge_key(shape, r, i);
        }
        *rows += length;
        tn_rows_seal(&run);
        TN_TRY(tn_sorter__add_run(sorter, &run, false, err));
    }
    TN_TRY(tn_key_merge__create(sorter, pool, &merge, err));
    do {
        TN_TRY(tn_key_merge__next(merge, TN_BATCH_ROWS, keys, &count, err));
        *rows -= count;
        for (uint32_t i = 0; i < count; i++) {
            *ordered = *ordered && last <= keys[i];
            last = keys[i];
            sum -= last;
        }
        *ordered = *ordered && (count == TN_BATCH_ROWS || *rows == 0); /* none is cut short */
    } while (count > 0);
    *ordered = *ordered && sum == 0;
done:
    tn_key_merge__destroy(merge);
    tn_rows_clear(&run);
    tn_sorter__destroy(sorter);
    return code;
}

TEST(runs_of_keys_merge_whatever_they_hold)
{
    const uint32_t runs[] = {0, 1, 2, 3, 7, 10, 256};
    tarn_error err = TARN_ERROR_INIT;
    uint64_t left;
    bool ordered;
    for (uint32_t shape = 0; shape < 6; shape++) {
        for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
            CHECK_EQ(merge_runs(pool, shape, runs[i], &left, &ordered, &err), TARN_OK);
            CHECK(ordered);
            CHECK_U64(left, 0);
        }
    }
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        CHECK_EQ(merge_runs(pool, 0, 3, &left, &ordered, &err),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
}
