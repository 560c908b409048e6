/* DISTINCT, DISTINCT ON, EXCEPT, INTERSECT, and rows kept to be read twice. */
#include "support/operators.h"

#include <stdio.h>

enum { BATCH = 1000, VALUES = 60000 };

typedef struct input {
    uint32_t batches, range, seed;
    int64_t keys[BATCH], ids[BATCH];
    char text[BATCH * 32];
    tn_view views[BATCH];
    tn_column columns[3];
} input;

static int64_t key_of(const input *in, int64_t id)
{
    uint64_t value = (uint64_t)id * UINT64_C(0xff51afd7ed558ccd) + in->seed;
    value ^= value >> 33;
    return (int64_t)(value * UINT64_C(0xc4ceb9fe1a85ec53) >> 20) % in->range;
}

/* Columns: key, key as text, id. */
static bool make(void *context, uint32_t index, tn_batch *out)
{
    input *in = context;
    if (index == in->batches) {
        return false;
    }
    for (uint32_t i = 0; i < BATCH; i++) {
        in->ids[i] = (int64_t)index * BATCH + i;
        in->keys[i] = key_of(in, in->ids[i]);
        (void)snprintf(in->text + i * 32, 32, "%020" PRId64, in->keys[i]);
        in->views[i] = tn_view_of(in->text + i * 32, 20);
    }
    in->columns[0] =
        (tn_column){.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = BATCH, .values = in->keys};
    in->columns[1] =
        (tn_column){.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = BATCH, .values = in->views};
    in->columns[2] =
        (tn_column){.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = BATCH, .values = in->ids};
    *out = (tn_batch){.columns = in->columns,
                      .width = 2,
                      .rows = BATCH,
                      .selected = BATCH,
                      .tag = {index / 4, index % 4, index % 4 == 3}};
    return true;
}

static bool make_wide(void *context, uint32_t index, tn_batch *out)
{
    const bool more = make(context, index, out);
    out->width = 3;
    return more;
}

static int32_t seen_count[VALUES];
static int64_t seen_id[VALUES];
static uint64_t seen_rows;
static int64_t last_id;
static bool in_order;

static void forget(void)
{
    memset(seen_count, 0, sizeof(seen_count));
    memset(seen_id, 0xff, sizeof(seen_id));
    seen_rows = 0;
    last_id = -1;
    in_order = true;
}

static void see(void *context, const tn_batch *batch)
{
    (void)context;
    for (uint32_t i = 0; i < batch->selected; i++) {
        const uint32_t row = tn_batch_row(batch, i);
        const int64_t key = ((const int64_t *)batch->columns[0].values)[row];
        seen_count[key]++;
        seen_rows++;
        if (batch->width == 3) {
            seen_id[key] = ((const int64_t *)batch->columns[2].values)[row];
            in_order = in_order && seen_id[key] > last_id;
            last_id = seen_id[key];
        }
    }
}

static const tn_column_id ids[] = {0, 1, 2};
static const tn_type *types[3];
static input left;
static input right;

static void set_types(void)
{
    types[0] = TN_BIGINT;
    types[1] = TN_VARCHAR;
    types[2] = TN_BIGINT;
}

TEST(distinct_rows_come_out_once)
{
    set_types();
    for (uint32_t variant = 0; variant < 4; variant += TEST_SIZE(1, 3)) {
        bench b;
        tn_operator *op;
        const tn_layout layout = {2, ids};
        left = (input){.batches = 150, .range = variant % 2 == 0 ? 100 : 50000};
        forget();
        CHECK_EQ(bench_init(&b, pool, variant < 2 ? SIZE_MAX : 8 << 20, 2), TARN_OK);
        CHECK_EQ(tn_distinct_create(&b.run, NULL, 0, NULL, 0, 1, 0, &layout, types, 2, &op, &b.err),
                 TARN_OK);
        CHECK_EQ(bench_push(&b, op, make, &left), TARN_OK);
        CHECK_EQ(bench_read(&b, op, see, NULL), TARN_OK);
        op->ops->destroy(op);
        bench_deinit(&b);
        for (int64_t id = 0; id < 150 * BATCH; id++) {
            CHECK_EQ(seen_count[key_of(&left, id)], 1);
        }
        CHECK(seen_rows <= left.range);
    }
}

TEST(distinct_on_keeps_the_first_row_of_each_key)
{
    static int64_t first[VALUES];
    static int64_t last[VALUES];
    set_types();
    for (uint32_t variant = 0; variant < 4; variant += TEST_SIZE(1, 3)) {
        bench b;
        tn_operator *op;
        const tn_layout layout = {3, ids};
        left = (input){.batches = 100, .range = variant % 2 == 0 ? 100 : 30000};
        forget();
        CHECK_EQ(bench_init(&b, pool, variant < 2 ? SIZE_MAX : 8 << 20, 2), TARN_OK);
        const tn_expr *key = bench_column(&b, 1, TN_VARCHAR);
        const tn_sort_key order = {.expr = bench_column(&b, 2, TN_BIGINT), .descending = true};
        CHECK_EQ(tn_distinct_create(&b.run, &key, 1, &order, variant / 2, 1, 0, &layout, types, 3,
                                    &op, &b.err),
                 TARN_OK);
        CHECK_EQ(bench_push(&b, op, make_wide, &left), TARN_OK);
        CHECK_EQ(bench_read(&b, op, see, NULL), TARN_OK);
        op->ops->destroy(op);
        bench_deinit(&b);
        memset(first, 0xff, sizeof(first));
        for (int64_t id = 100 * BATCH - 1; id >= 0; id--) {
            const int64_t value = key_of(&left, id);
            last[value] = first[value] < 0 ? id : last[value];
            first[value] = id;
        }
        for (uint32_t value = 0; value < left.range; value++) {
            CHECK_EQ(seen_count[value], first[value] >= 0);
            CHECK(first[value] < 0 || seen_id[value] == (variant < 2 ? first[value] : last[value]));
        }
    }
}

TEST(set_operations_count_copies)
{
    static int32_t counts[2][VALUES];
    set_types();
    for (uint32_t variant = 0; variant < 8; variant += TEST_SIZE(1, 3)) {
        const tn_plan_kind kind = variant % 2 == 0 ? TN_PLAN_EXCEPT : TN_PLAN_INTERSECT;
        const bool all = variant % 4 >= 2;
        bench b;
        tn_operator *ends[2];
        left = (input){.batches = 60, .range = 20000, .seed = 1};
        right = (input){.batches = 30, .range = 20000, .seed = 77};
        forget();
        CHECK_EQ(bench_init(&b, pool, variant < 4 ? SIZE_MAX : 6 << 20, 2), TARN_OK);
        CHECK_EQ(tn_set_create(&b.run, kind, all, types, 2, &ends[0], &ends[1], &b.err), TARN_OK);
        CHECK_EQ(bench_push(&b, ends[0], make, &left), TARN_OK);
        CHECK_EQ(bench_push(&b, ends[1], make, &right), TARN_OK);
        CHECK_EQ(bench_read(&b, ends[1], see, NULL), TARN_OK);
        ends[0]->ops->destroy(ends[0]);
        ends[1]->ops->destroy(ends[1]);
        bench_deinit(&b);
        memset(counts, 0, sizeof(counts));
        for (int64_t id = 0; id < 60 * BATCH; id++) {
            counts[0][key_of(&left, id)]++;
            counts[1][key_of(&right, id)] += id < 30 * BATCH;
        }
        for (uint32_t value = 0; value < 20000; value++) {
            const int32_t a = counts[0][value];
            const int32_t c = counts[1][value];
            const int32_t common = a < c ? a : c;
            const int32_t want = kind == TN_PLAN_INTERSECT ? (all ? common : common > 0)
                                 : all                     ? (a > c ? a - c : 0)
                                                           : a > 0 && c == 0;
            CHECK_EQ(seen_count[value], want);
        }
    }
}

TEST(kept_rows_are_read_again_in_their_order)
{
    set_types();
    for (uint32_t variant = 0; variant < 4; variant++) {
        bench b;
        tn_operator *op;
        tn_scan *scan;
        left = (input){.batches = variant == 3 ? 0 : 200, .range = 1000};
        CHECK_EQ(bench_init(&b, pool, variant % 2 == 0 ? SIZE_MAX : 6 << 20, 1), TARN_OK);
        CHECK_EQ(tn_keep_create(&b.run, types, 3, true, &op, &b.err), TARN_OK);
        CHECK_EQ(bench_push(&b, op, make_wide, &left), TARN_OK);
        for (uint32_t round = 0; round < 3; round++) {
            forget();
            CHECK_EQ(tn_keep_scan(op, &b.query, &scan, &b.err), TARN_OK);
            CHECK_EQ(bench_read_scan(&b, scan, see, NULL), TARN_OK);
            scan->ops->close(scan);
            CHECK_U64(seen_rows, left.batches * (uint64_t)BATCH);
            CHECK(in_order);
        }
        CHECK(variant != 1 || tn_spill_bytes(b.run.spill) > 0);
        op->ops->destroy(op);
        bench_deinit(&b);
    }
}
