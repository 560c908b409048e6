/* Joins of every kind against nested loops over plain arrays, in memory and spilling. */
#include "support/operators.h"

#include <stdio.h>

enum { BATCH = 1200, KEYS_MAX = 200000 };

typedef struct side {
    uint32_t batches, range, hot; /* every `hot`th row has key 7; 0: none */
    uint32_t step;                /* not 0: keys are unique, this far apart */
    bool nulls, texts;
    int64_t keys[BATCH], ids[BATCH];
    uint64_t validity[(BATCH + 63) / 64], flags[(BATCH + 63) / 64];
    char text[BATCH * 32];
    tn_view views[BATCH];
    tn_column columns[4];
} side;

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 29;
    return value;
}

static int64_t key_of(const side *s, int64_t id)
{
    if (s->nulls && id % 13 == 4) {
        return -1;
    }
    if (s->step > 0) { /* each once, in no order */
        const int64_t rows = (int64_t)s->batches * BATCH;
        return 100 + (rows - 1 - (id ^ 1)) * s->step;
    }
    return s->hot > 0 && id % s->hot == 0 ? 7 : (int64_t)(mix((uint64_t)id + 99) % s->range);
}

/* Columns: key BIGINT, id BIGINT, key as text, a flag (id is even). */
static bool make(void *context, uint32_t index, tn_batch *out)
{
    side *s = context;
    if (index == s->batches) {
        return false;
    }
    for (uint32_t i = 0; i < BATCH; i++) {
        s->ids[i] = (int64_t)index * BATCH + i;
        s->keys[i] = key_of(s, s->ids[i]);
        tn_bit_put(s->validity, i, s->keys[i] >= 0);
        tn_bit_put(s->flags, i, i % 2 == 0);
        (void)snprintf(s->text + i * 32, 32, "%0*" PRId64, (int)(3 + s->keys[i] % 20), s->keys[i]);
        s->views[i] = tn_view_of(s->text + i * 32, strlen(s->text + i * 32));
    }
    const uint64_t *validity = s->nulls ? s->validity : NULL;
    s->columns[0] = (tn_column){.type = TN_BIGINT,
                                .lane = TN_LANE_i64,
                                .rows = BATCH,
                                .values = s->keys,
                                .validity = validity};
    s->columns[1] =
        (tn_column){.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = BATCH, .values = s->ids};
    s->columns[2] = (tn_column){.type = TN_VARCHAR,
                                .lane = TN_LANE_view,
                                .rows = BATCH,
                                .values = s->views,
                                .validity = validity};
    s->columns[3] =
        (tn_column){.type = TN_BOOLEAN, .lane = TN_LANE_bool, .rows = BATCH, .values = s->flags};
    *out = (tn_batch){.columns = s->columns,
                      .width = 4,
                      .rows = BATCH,
                      .selected = BATCH,
                      .tag = {index / 4, index % 4, index % 4 == 3}};
    return true;
}

typedef struct seen {
    tn_join_kind kind;
    bool of_build;
    uint64_t rows, sum; /* of a hash of (probe id, build id), -1 for NULL; order does not matter */
    bool failed;
} seen;

static uint64_t pair_hash(int64_t probe, int64_t build, int mark)
{
    return mix(mix((uint64_t)probe + 5) * 31 + (uint64_t)build * 3 + (uint64_t)mark);
}

static int64_t id_at(const tn_column *column, uint32_t row)
{
    const tn_column *flat = tn_column_locate(column, &row);
    return flat == NULL ? -1 : ((const int64_t *)flat->values)[row];
}

static void see(void *context, const tn_batch *batch)
{
    seen *s = context;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = tn_batch_row(batch, i);
        s->rows++;
        if (s->of_build) {
            s->failed = s->failed || batch->width != 3;
            s->sum += pair_hash(-2, id_at(&batch->columns[0], row), 9);
            continue;
        }
        const int64_t probe = id_at(&batch->columns[1], row);
        int64_t build = -2;
        int mark = 9;
        if (s->kind == TN_JOIN_MARK) {
            const tn_column *flat = tn_column_locate(&batch->columns[4], &row);
            mark = flat == NULL ? 2 : tn_bit_get(flat->values, row);
        } else if (s->kind != TN_JOIN_SEMI && s->kind != TN_JOIN_ANTI) {
            build = id_at(&batch->columns[4], row);
            uint32_t at = row;
            uint32_t of = row;
            const tn_column *text = tn_column_locate(&batch->columns[5], &at);
            const tn_column *mine = tn_column_locate(&batch->columns[2], &of);
            s->failed = s->failed || (text == NULL && build >= 0 && probe >= 0);
            if (text != NULL && mine != NULL) {
                s->failed = s->failed || !tn_view_equal((const tn_view *)text->values + at,
                                                        (const tn_view *)mine->values + of);
            }
        }
        s->sum += pair_hash(probe, build, mark);
    }
}

typedef struct how {
    tn_join_kind kind;
    bool by_text, null_aware, residual, of_build;
    size_t limit;
    uint32_t threads;
} how;

static tarn_code run(tn_pool *pool, side *build, side *probe, how h, seen *out, uint64_t *spilled)
{
    static const tn_column_id build_ids[] = {0, 1, 2, 3};
    static const tn_column_id probe_ids[] = {10, 11, 12, 13};
    static const tn_column_id both_ids[] = {10, 11, 12, 13, 1, 2, 3};
    const tn_layout build_layout = {4, build_ids};
    const tn_layout probe_layout = {4, probe_ids};
    const tn_layout both_layout = {7, both_ids};
    const tn_type *probe_types[] = {TN_BIGINT, TN_BIGINT, TN_VARCHAR, TN_BOOLEAN};
    const tn_type *payload_types[] = {TN_BIGINT, TN_VARCHAR, TN_BOOLEAN};
    const uint32_t payload[] = {1, 2, 3};
    bench b;
    tn_operator *ends[2] = {NULL};
    tarn_code code;

    *out = (seen){.kind = h.kind, .of_build = h.of_build};
    TN_TRY(bench_init(&b, pool, h.limit, h.threads));
    const tn_type *type = h.by_text ? TN_VARCHAR : TN_BIGINT;
    const tn_expr *build_key = bench_column(&b, h.by_text ? 2 : 0, type);
    const tn_expr *probe_key = bench_column(&b, h.by_text ? 12 : 10, type);
    const tn_expr *residual[] = {bench_column(&b, 13, TN_BOOLEAN), bench_column(&b, 3, TN_BOOLEAN)};
    if (build_key == NULL || probe_key == NULL || residual[0] == NULL || residual[1] == NULL) {
        code = TARN_E_NOMEM;
        goto done;
    }
    const bool null_equal = false;
    const tn_join_options options = {.kind = h.kind,
                                     .null_aware = h.null_aware,
                                     .of_build = h.of_build,
                                     .build_keys = &build_key,
                                     .probe_keys = &probe_key,
                                     .null_equal = &null_equal,
                                     .key_count = 1,
                                     .build_layout = &build_layout,
                                     .probe_layout = &probe_layout,
                                     .probe_types = probe_types,
                                     .payload = payload,
                                     .payload_types = payload_types,
                                     .payload_count = 3,
                                     .residual = residual,
                                     .residual_count = h.residual ? 2 : 0,
                                     .residual_layout = &both_layout};
    TN_TRY(tn_join_create(&b.run, &options, &ends[0], &ends[1], &b.err));
    TN_TRY(bench_push(&b, ends[0], make, build));
    TN_TRY(bench_step(&b, ends[1], make, probe, see, out));
    TN_TRY(bench_read(&b, ends[0], see, out));
    *spilled = tn_spill_bytes(b.run.spill);
done:
    if (code != TARN_OK && code != TARN_E_NOMEM && code != TARN_E_INVALID) {
        (void)fprintf(stderr, "%s\n", b.err.message);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (ends[i] != NULL) {
            ends[i]->ops->destroy(ends[i]);
        }
    }
    bench_deinit(&b);
    return code;
}

/* What it must be, by lists of build rows for each key. */
static void expect(const side *build, const side *probe, how h, seen *out)
{
    static int64_t first[KEYS_MAX];
    static int64_t next[1000000];
    static uint8_t matched[1000000];
    const int64_t builds = (int64_t)build->batches * BATCH;
    const int64_t probes = (int64_t)probe->batches * BATCH;
    bool has_null = false;
    *out = (seen){.kind = h.kind};
    memset(first, 0xff, sizeof(first));
    memset(matched, 0, sizeof(matched));
    for (int64_t id = 0; id < builds; id++) {
        const int64_t key = key_of(build, id);
        has_null = has_null || key < 0;
        if (key >= 0) {
            next[id] = first[key];
            first[key] = id;
        }
    }
    for (int64_t id = 0; id < probes; id++) {
        const int64_t key = key_of(probe, id);
        uint64_t count = 0;
        for (int64_t other = key < 0 ? -1 : first[key]; other >= 0; other = next[other]) {
            if (h.residual && (id % BATCH % 2 != 0 || other % BATCH % 2 != 0)) {
                continue;
            }
            count++;
            matched[other] = 1;
            if (h.kind <= TN_JOIN_FULL || h.kind == TN_JOIN_SINGLE) {
                out->sum += pair_hash(id, other, 9);
                out->rows++;
            }
        }
        const bool unknown = h.null_aware && builds > 0 && count == 0 && (key < 0 || has_null);
        int mark = 9;
        bool keep = false;
        switch (h.of_build ? TN_JOIN_INNER : h.kind) {
        case TN_JOIN_LEFT:
        case TN_JOIN_FULL:
        case TN_JOIN_SINGLE:
            keep = count == 0;
            break;
        case TN_JOIN_SEMI:
            keep = count > 0;
            break;
        case TN_JOIN_ANTI:
            keep = count == 0 && !unknown;
            break;
        case TN_JOIN_MARK:
            keep = true;
            mark = unknown ? 2 : count > 0;
            break;
        case TN_JOIN_INNER:
        case TN_JOIN_RIGHT:
        default:
            break;
        }
        if (keep) {
            const bool payload =
                h.kind == TN_JOIN_LEFT || h.kind == TN_JOIN_FULL || h.kind == TN_JOIN_SINGLE;
            out->sum += pair_hash(id, payload ? -1 : -2, mark);
            out->rows++;
        }
    }
    for (int64_t id = 0; (h.kind == TN_JOIN_RIGHT || h.kind == TN_JOIN_FULL) && id < builds; id++) {
        if (!matched[id]) {
            out->sum += pair_hash(-1, id, 9);
            out->rows++;
        }
    }
    for (int64_t id = 0; h.of_build && id < builds; id++) {
        if ((matched[id] != 0) == (h.kind == TN_JOIN_SEMI)) {
            out->sum += pair_hash(-2, id, 9);
            out->rows++;
        }
    }
}

static side build;
static side probe;

static bool is_right(tn_pool *pool, how h, uint64_t *spilled)
{
    seen got;
    seen want;
    const tarn_code code = run(pool, &build, &probe, h, &got, spilled);
    expect(&build, &probe, h, &want);
    if (code == TARN_OK && !got.failed && got.rows == want.rows && got.sum == want.sum) {
        return true;
    }
    (void)fprintf(stderr,
                  "kind %d%s text %d aware %d residual %d limit %zu threads %u: code %d, %" PRIu64
                  " rows, not %" PRIu64 "%s\n",
                  (int)h.kind, h.of_build ? " of the build" : "", h.by_text, h.null_aware,
                  h.residual, h.limit, h.threads, (int)code, got.rows, want.rows,
                  got.sum == want.sum ? "" : ", other rows");
    return false;
}

TEST(joins_of_every_kind_are_what_nested_loops_give)
{
    uint64_t spilled;
    for (uint32_t kind = TN_JOIN_INNER; kind < TN_JOIN_SINGLE; kind++) {
        for (uint32_t variant = 0; variant < 8; variant++) {
            build = (side){.batches = 8, .range = 7000, .nulls = variant % 2 == 1};
            probe = (side){.batches = 10, .range = 9000, .nulls = variant % 4 < 2};
            const how h = {.kind = (tn_join_kind)kind,
                           .by_text = variant >= 4,
                           .null_aware =
                               variant % 2 == 1 && (kind == TN_JOIN_ANTI || kind == TN_JOIN_MARK),
                           .residual = variant % 4 == 2,
                           .limit = SIZE_MAX,
                           .threads = 1 + variant % 2};
            CHECK(is_right(pool, h, &spilled));
        }
    }
}

TEST(unique_keys_that_lie_close_are_joined_like_others)
{
    uint64_t spilled;
    for (uint32_t kind = TN_JOIN_INNER; kind <= TN_JOIN_SINGLE; kind++) {
        for (uint32_t variant = 0; variant < 16; variant++) {
            build = (side){.batches = 3, .nulls = variant % 2 == 1, .step = 1 + variant / 2 % 2};
            probe = (side){.batches = 7, .range = variant / 4 % 2 == 0 ? 3000 : 9000};
            probe.nulls = variant >= 8;
            how h = {.kind = (tn_join_kind)kind, .limit = SIZE_MAX, .threads = 1 + variant % 2};
            h.null_aware = variant % 2 == 1 && (kind == TN_JOIN_ANTI || kind == TN_JOIN_MARK);
            CHECK(is_right(pool, h, &spilled));
            h.residual = true;
            CHECK(is_right(pool, h, &spilled));
        }
        /* All rows of the probe side have a match: what is handed through has no selection. */
        build = (side){.batches = 3, .step = 1};
        probe = (side){.batches = 2, .step = 1};
        const how h = {.kind = (tn_join_kind)kind, .limit = SIZE_MAX, .threads = 1};
        CHECK(is_right(pool, h, &spilled));
    }
}

TEST(a_direct_table_survives_the_loss_of_any_allocation)
{
    seen got;
    uint64_t spilled;
    build = (side){.batches = 2, .step = 1};
    probe = (side){.batches = 2, .range = 500, .nulls = true};
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        const how h = {.kind = TN_JOIN_LEFT, .limit = SIZE_MAX, .threads = 2};
        CHECK_EQ(run(pool, &build, &probe, h, &got, &spilled),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
}

TEST(joins_spill_and_stay_right)
{
    uint64_t spilled;
    for (uint32_t kind = TN_JOIN_INNER; kind < TN_JOIN_SINGLE; kind++) {
        for (uint32_t variant = TEST_SIZE(0, kind % 3); variant < TEST_SIZE(3, kind % 3 + 1);
             variant++) {
            build = (side){.batches = 120, .range = 150000, .nulls = variant == 1};
            probe = (side){.batches = 100, .range = 200000, .nulls = variant == 1};
            const how h = {.kind = (tn_join_kind)kind,
                           .by_text = variant == 1,
                           .null_aware = variant == 1 && kind == TN_JOIN_ANTI,
                           .residual = variant == 2,
                           .limit = 12 << 20,
                           .threads = 1 + variant % 2};
            CHECK(is_right(pool, h, &spilled));
            CHECK(spilled > 0);
        }
    }
}

TEST(a_key_with_more_rows_than_memory_is_joined_in_blocks)
{
    uint64_t spilled;
    for (uint32_t kind = TN_JOIN_INNER; kind < TN_JOIN_SINGLE; kind += TEST_SIZE(1, 3)) {
        build = (side){.batches = 150, .range = 1000, .hot = 2};
        probe = (side){.batches = 1, .range = 150000, .hot = 300};
        CHECK(is_right(pool, (how){.kind = (tn_join_kind)kind, .limit = 10 << 20, .threads = 2},
                       &spilled));
        CHECK(spilled > 0);
    }
}

TEST(one_row_may_match_a_hundred_thousand)
{
    uint64_t spilled;
    build = (side){.batches = 84, .range = 1, .hot = 1};
    probe = (side){.batches = 1, .range = 100000, .hot = 600};
    CHECK(is_right(pool, (how){.kind = TN_JOIN_INNER, .limit = SIZE_MAX, .threads = 1}, &spilled));
    CHECK(is_right(pool,
                   (how){.kind = TN_JOIN_LEFT, .limit = SIZE_MAX, .threads = 1, .by_text = true},
                   &spilled));
}

TEST(empty_sides_join)
{
    uint64_t spilled;
    for (uint32_t kind = TN_JOIN_INNER; kind <= TN_JOIN_SINGLE; kind++) {
        for (uint32_t empty = 1; empty < 4; empty++) {
            build = (side){.batches = empty % 2 == 1 ? 0 : 2, .range = 50};
            probe = (side){.batches = empty >= 2 ? 0 : 2, .range = 50};
            CHECK(is_right(pool,
                           (how){.kind = (tn_join_kind)kind,
                                 .limit = SIZE_MAX,
                                 .threads = 2,
                                 .null_aware = kind == TN_JOIN_ANTI || kind == TN_JOIN_MARK},
                           &spilled));
        }
    }
}

TEST(a_second_match_of_a_single_join_is_an_error)
{
    seen got;
    uint64_t spilled;
    build = (side){.batches = 1, .range = 5};
    probe = (side){.batches = 1, .range = 5};
    CHECK_EQ(run(pool, &build, &probe,
                 (how){.kind = TN_JOIN_SINGLE, .limit = SIZE_MAX, .threads = 1}, &got, &spilled),
             TARN_E_INVALID);
}

TEST(joining_survives_the_loss_of_any_allocation)
{
    seen got;
    uint64_t spilled;
    build = (side){.batches = 2, .range = 500};
    probe = (side){.batches = 2, .range = 500};
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        const how h = {.kind = TN_JOIN_FULL, .limit = SIZE_MAX, .threads = 2, .by_text = true};
        CHECK_EQ(run(pool, &build, &probe, h, &got, &spilled),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
}

static how of_build(uint32_t variant)
{
    return (how){.kind = variant % 2 == 0 ? TN_JOIN_SEMI : TN_JOIN_ANTI,
                 .of_build = true,
                 .by_text = variant / 2 % 2 == 1,
                 .residual = variant / 4 % 2 == 1,
                 .limit = SIZE_MAX,
                 .threads = 1 + variant / 8 % 2};
}

TEST(rows_of_the_build_are_kept_by_their_matches)
{
    uint64_t spilled;
    for (uint32_t variant = 0; variant < 16; variant++) {
        for (uint32_t unique = 0; unique < 2; unique++) {
            build = (side){.batches = 8, .range = 7000, .nulls = variant < 8, .step = unique};
            probe = (side){.batches = 10, .range = 9000, .nulls = variant % 8 < 4};
            CHECK(is_right(pool, of_build(variant), &spilled));
        }
        for (uint32_t empty = 1; empty < 4; empty++) {
            build = (side){.batches = empty % 2 == 1 ? 0 : 2, .range = 50, .nulls = true};
            probe = (side){.batches = empty >= 2 ? 0 : 2, .range = 50};
            CHECK(is_right(pool, of_build(variant), &spilled));
        }
    }
}

TEST(rows_of_the_build_spill_and_come_in_blocks)
{
    uint64_t spilled;
    for (uint32_t variant = 0; variant < 16; variant += TEST_SIZE(1, 5)) {
        how h = of_build(variant);
        build = (side){.batches = 120, .range = 150000, .nulls = variant >= 8};
        probe = (side){.batches = 100, .range = 200000, .nulls = variant < 8};
        h.limit = 12 << 20;
        CHECK(is_right(pool, h, &spilled));
        CHECK(spilled > 0);
        build = (side){.batches = 150, .range = 1000, .hot = 2};
        probe = (side){.batches = 1, .range = 150000, .hot = 300};
        h.limit = 10 << 20;
        CHECK(is_right(pool, h, &spilled));
        CHECK(spilled > 0);
    }
}

TEST(rows_of_the_build_survive_the_loss_of_any_allocation)
{
    seen got;
    uint64_t spilled;
    build = (side){.batches = 2, .range = 500, .nulls = true};
    probe = (side){.batches = 2, .range = 500};
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        CHECK_EQ(run(pool, &build, &probe, of_build(15), &got, &spilled),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
}
