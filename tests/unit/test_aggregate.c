/* Aggregate states against plain loops, whatever the batches, selections and merges. */
#include "expr/aggregate.h"
#include "support/exprs.h"

#include <math.h>
#include <stdio.h>

enum { ROWS = 5000 };

typedef struct test_heap {
    tn_state_heap base;
    tn_arena arena;
} test_heap;

static tarn_code take(tn_state_heap *heap, size_t size, char **out, tarn_error *err)
{
    return tn_arena_alloc(&((test_heap *)heap)->arena, size, (void **)out, err);
}

typedef struct fixture {
    exprs e;
    test_heap heap;
    double values[ROWS];
    int64_t whole[ROWS];
    tn_view texts[ROWS];
    char bytes[ROWS][24];
    uint64_t validity[(ROWS + 63) / 64];
} fixture;

static void fixture_init(fixture *f, tn_pool *pool)
{
    exprs_init(&f->e, pool);
    f->heap.base.take = take;
    tn_arena_init(&f->heap.arena, pool);
    uint64_t seed = 7;
    memset(f->validity, 0, sizeof(f->validity));
    for (uint32_t i = 0; i < ROWS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        f->values[i] = (double)(int64_t)(seed >> 11) * 0x1p-40 * (i % 3 == 0 ? -1e6 : 1e-3);
        f->whole[i] = (int64_t)(seed >> 20) - (INT64_C(1) << 43);
        const int size =
            snprintf(f->bytes[i], sizeof(f->bytes[i]), "text number %u", (unsigned)(seed >> 40));
        f->texts[i] = tn_view_of(f->bytes[i], (size_t)size);
        if (seed >> 60 != 0) {
            tn_bit_set(f->validity, i);
        }
    }
}

static void fixture_deinit(fixture *f)
{
    tn_arena_deinit(&f->heap.arena);
    exprs_deinit(&f->e);
}

static const tn_bound_aggregate *bind(fixture *f, const char *name, const char *type)
{
    const tn_expr *child = type == NULL ? NULL : exprs_column(&f->e, 0, type);
    const tn_expr *out = NULL;
    const tn_aggregate_call call = {
        .name = tn_str_of(name), .children = &child, .count = type != NULL};
    f->e.code = tn_expr_aggregate(&f->e.context, &call, &out, &f->e.err);
    return f->e.code == TARN_OK ? tn_expr_bound_aggregate(out) : NULL;
}

/* The single state over batches of `size` rows, a morsel each `morsel` rows, merged in order. */
static tarn_code single(fixture *f, const tn_bound_aggregate *bound, tn_column column,
                        const void *values, size_t width, uint32_t size, uint32_t morsel,
                        void *result, bool *null)
{
    _Alignas(64) uint64_t total[1024] = {0};
    _Alignas(64) uint64_t part[1024];
    uint64_t validity = 1;
    bound->ops->init(bound, total);
    for (uint32_t start = 0; start < ROWS; start += morsel) {
        memset(part, 0, sizeof(part));
        bound->ops->init(bound, part);
        const uint32_t end = start + morsel < ROWS ? start + morsel : ROWS;
        for (uint32_t from = start; from < end; from += size) {
            const uint32_t count = end - from < size ? end - from : size;
            uint64_t bits[64];
            column.values = (const char *)values + (size_t)from * width;
            column.rows = count;
            if (column.validity != NULL) {
                tn_bitmap_copy(bits, f->validity, from, count);
                column.validity = bits;
            }
            TN_RETURN_IF_ERROR(bound->ops->update_one(bound, part, &column, NULL, count, from,
                                                      &f->heap.base, &f->e.err));
            if (column.validity != NULL) {
                column.validity = f->validity;
            }
        }
        if (bound->ops->end_morsel != NULL) {
            bound->ops->end_morsel(bound, part);
        }
        void *into = total;
        const void *other = part;
        TN_RETURN_IF_ERROR(bound->ops->merge(bound, &into, &other, 1, &f->heap.base, &f->e.err));
    }
    const void *state = total;
    TN_RETURN_IF_ERROR(bound->ops->finalise(bound, &state, 1, result, &validity, &f->e.err));
    *null = (validity & 1) == 0;
    return TARN_OK;
}

TEST(float_sums_are_equal_to_the_bit_for_any_batches)
{
    fixture f;
    fixture_init(&f, pool);
    const tn_bound_aggregate *sum = bind(&f, "sum", "DOUBLE");
    const tn_column column = {.type = TN_DOUBLE, .lane = TN_LANE_f64, .validity = f.validity};
    double first = 0;
    bool null = false;
    CHECK(sum != NULL);
    static const uint32_t sizes[] = {2048, 1, 7, 64, 100, 512, 1999};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        double got = 0;
        CHECK_EQ(single(&f, sum, column, f.values, 8, sizes[i], 4096, &got, &null), TARN_OK);
        first = i == 0 ? got : first;
        CHECK_F64(got, first);
    }
    fixture_deinit(&f);
}

TEST(sums_counts_extremes_and_means_agree_with_plain_loops)
{
    fixture f;
    fixture_init(&f, pool);
    bool null = false;
    tn_i128 sum = 0;
    int64_t count = 0;
    int64_t least = INT64_MAX;
    const tn_view *greatest = NULL;
    for (uint32_t i = 0; i < ROWS; i++) {
        if (tn_bit_get(f.validity, i)) {
            sum += f.whole[i];
            count++;
            least = f.whole[i] < least ? f.whole[i] : least;
            if (greatest == NULL || tn_view_compare(&f.texts[i], greatest) > 0) {
                greatest = &f.texts[i];
            }
        }
    }
    const tn_column whole = {.type = TN_BIGINT, .lane = TN_LANE_i64, .validity = f.validity};
    const tn_column texts = {.type = TN_VARCHAR, .lane = TN_LANE_view, .validity = f.validity};
    tn_i128 wide = 0;
    int64_t narrow = 0;
    double mean = 0;
    tn_view text;
    CHECK_EQ(single(&f, bind(&f, "sum", "BIGINT"), whole, f.whole, 8, 1000, 2000, &wide, &null),
             TARN_OK);
    CHECK(wide == sum && !null);
    CHECK_EQ(single(&f, bind(&f, "count", "BIGINT"), whole, f.whole, 8, 777, 2000, &narrow, &null),
             TARN_OK);
    CHECK_EQ(narrow, count);
    CHECK_EQ(single(&f, bind(&f, "count", NULL), whole, f.whole, 8, 777, 2000, &narrow, &null),
             TARN_OK);
    CHECK_EQ(narrow, ROWS);
    CHECK_EQ(single(&f, bind(&f, "min", "BIGINT"), whole, f.whole, 8, 1000, 2000, &narrow, &null),
             TARN_OK);
    CHECK_EQ(narrow, least);
    CHECK_EQ(single(&f, bind(&f, "avg", "BIGINT"), whole, f.whole, 8, 1000, 2000, &mean, &null),
             TARN_OK);
    CHECK_F64(mean, (double)sum / (double)count);
    CHECK_EQ(single(&f, bind(&f, "max", "VARCHAR"), texts, f.texts, 16, 64, 256, &text, &null),
             TARN_OK);
    CHECK(tn_view_equal(&text, greatest));
    CHECK_EQ(single(&f, bind(&f, "approx_count_distinct", "BIGINT"), whole, f.whole, 8, 1000, 2000,
                    &narrow, &null),
             TARN_OK);
    CHECK(narrow > count * 95 / 100 && narrow < count * 105 / 100);
    fixture_deinit(&f);
}

TEST(grouped_updates_go_to_their_states)
{
    fixture f;
    fixture_init(&f, pool);
    const tn_bound_aggregate *avg = bind(&f, "stddev", "DOUBLE");
    uint64_t states[3][8];
    void *list[ROWS];
    const void *finals[3] = {states[0], states[1], states[2]};
    double out[3];
    uint64_t validity = 7;
    CHECK(avg != NULL && avg->state_size <= sizeof(states[0]));
    for (int i = 0; i < 3; i++) {
        avg->ops->init(avg, states[i]);
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        list[i] = states[i % 3];
    }
    const tn_column column = {.type = TN_DOUBLE, .lane = TN_LANE_f64, .values = f.values};
    CHECK_EQ(avg->ops->update(avg, list, &column, NULL, ROWS, 0, NULL, NULL), TARN_OK);
    CHECK_EQ(avg->ops->finalise(avg, finals, 3, out, &validity, NULL), TARN_OK);
    for (uint32_t group = 0; group < 3; group++) {
        double mean = 0;
        double squares = 0;
        double n = 0;
        for (uint32_t i = group; i < ROWS; i += 3) {
            mean += f.values[i];
            n++;
        }
        mean /= n;
        for (uint32_t i = group; i < ROWS; i += 3) {
            squares += (f.values[i] - mean) * (f.values[i] - mean);
        }
        CHECK(fabs(out[group] / sqrt(squares / (n - 1)) - 1) < 1e-9);
    }
    fixture_deinit(&f);
}

/* One group's values through an ordered aggregate. */
static const char *ordered(fixture *f, const char *name, const tn_expr *extra, const char *type,
                           const tn_column *column)
{
    const tn_expr *children[2] = {exprs_column(&f->e, 0, type), extra};
    const tn_expr *expr = NULL;
    const tn_expr *literal = NULL;
    _Alignas(64) char stream[256];
    tn_value value;
    const tn_aggregate_call call = {
        .name = tn_str_of(name), .children = children, .count = extra == NULL ? 1 : 2};
    f->e.code = tn_expr_aggregate(&f->e.context, &call, &expr, &f->e.err);
    if (f->e.code != TARN_OK) {
        return f->e.err.message;
    }
    const tn_bound_aggregate *bound = tn_expr_bound_aggregate(expr);
    const size_t valid =
        column->validity == NULL ? column->rows : tn_bitmap_count(column->validity, column->rows);
    tarn_code code =
        bound->ops->stream_begin(bound, stream, f->e.arena.pool, column->rows, valid, &f->e.err);
    if (code == TARN_OK) {
        code = bound->ops->stream_rows(bound, stream, column, NULL, column->rows, &f->e.err);
    }
    if (code == TARN_OK) {
        code = bound->ops->stream_end(bound, stream, &f->e.arena, &value, &f->e.err);
    }
    if (code == TARN_OK) {
        code = tn_expr_literal(&f->e.context, &value, (tn_span){0, 0}, &literal, &f->e.err);
    }
    f->e.code = code;
    return exprs_print(&f->e, literal);
}

TEST(ordered_aggregates_read_their_groups)
{
    fixture f;
    static const double sorted[] = {1, 2, 4, 8};
    static const int32_t whole[] = {3, 3, 5, 9};
    const uint64_t three = 7;
    fixture_init(&f, pool);
    const tn_column doubles = {.type = TN_DOUBLE, .lane = TN_LANE_f64, .rows = 4, .values = sorted};
    const tn_column holey = {
        .type = TN_DOUBLE, .lane = TN_LANE_f64, .rows = 4, .values = sorted, .validity = &three};
    const tn_column ints = {.type = TN_INTEGER, .lane = TN_LANE_i32, .rows = 4, .values = whole};
    const tn_view views[] = {tn_view_of("a", 1), tn_view_of("bb", 2),
                             tn_view_of("a longer text than twelve", 25)};
    const tn_column texts = {.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 3, .values = views};
    CHECK_STR(ordered(&f, "median", NULL, "DOUBLE", &doubles), "3");
    CHECK_STR(ordered(&f, "median", NULL, "DOUBLE", &holey), "2");
    CHECK_STR(ordered(&f, "quantile_cont", exprs_double(&f.e, 0.25), "DOUBLE", &doubles), "1.75");
    CHECK_STR(ordered(&f, "quantile_disc", exprs_double(&f.e, 0.5), "INTEGER", &ints), "3");
    CHECK_STR(ordered(&f, "mode", NULL, "INTEGER", &ints), "3");
    CHECK_STR(ordered(&f, "string_agg", exprs_text(&f.e, "; "), "VARCHAR", &texts),
              "'a; bb; a longer text than twelve'");
    CHECK_STR(ordered(&f, "array_agg", NULL, "INTEGER", &ints), "'[3,3,5,9]'");
    fixture_deinit(&f);
}
