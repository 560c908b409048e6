/* GROUP BY against plain arrays: few groups and many, short keys and strings, in memory and
 * spilling. The aggregates are this test's own: the operator's contract with them is what is
 * tested. */
#include "expr/aggregate.h"
#include "support/operators.h"

#include <stdio.h>

enum { BATCH = 1500, GROUPS_MAX = 300000 };

/* ---- count, sum, min of text (with a heap), median ---- */

static void init_zero(const tn_bound_aggregate *self, void *state)
{
    memset(state, 0, self->state_size);
}

static tarn_code count_update(const tn_bound_aggregate *self, void *const *states,
                              const tn_column *arguments, const uint16_t *selection, uint32_t count,
                              uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)self, (void)arguments, (void)selection, (void)rank, (void)heap, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        ++*(int64_t *)states[i];
    }
    return TARN_OK;
}

static tarn_code sum_update(const tn_bound_aggregate *self, void *const *states,
                            const tn_column *arguments, const uint16_t *selection, uint32_t count,
                            uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    const int64_t *values = arguments[0].values;
    (void)self, (void)rank, (void)heap, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        *(int64_t *)states[i] += values[selection == NULL ? i : selection[i]];
    }
    return TARN_OK;
}

static tarn_code sum_one(const tn_bound_aggregate *self, void *state, const tn_column *arguments,
                         const uint16_t *selection, uint32_t count, uint64_t rank,
                         tn_state_heap *heap, tarn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t at = (uint16_t)(selection == NULL ? i : selection[i]);
        TN_RETURN_IF_ERROR(self->ops->update(self, &state, arguments, &at, 1, rank, heap, err));
    }
    return TARN_OK;
}

static tarn_code sum_merge(const tn_bound_aggregate *self, void *const *into,
                           const void *const *from, uint32_t count, tn_state_heap *heap,
                           tarn_error *err)
{
    (void)self, (void)heap, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        *(int64_t *)into[i] += *(const int64_t *)from[i];
    }
    return TARN_OK;
}

static tarn_code sum_finalise(const tn_bound_aggregate *self, const void *const *states,
                              uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self, (void)validity, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        memcpy((int64_t *)values + i, states[i], 8);
    }
    return TARN_OK;
}

static tarn_code keep_text(void *state, tn_str text, tn_state_heap *heap, tarn_error *err)
{
    tn_str *kept = state;
    char *copy;
    if (kept->data != NULL && tn_str_compare(*kept, text) <= 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(heap->take(heap, text.size, &copy, err));
    memcpy(copy, text.data, text.size);
    *kept = (tn_str){copy, text.size};
    return TARN_OK;
}

static tarn_code text_update(const tn_bound_aggregate *self, void *const *states,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    const tn_view *values = arguments[0].values;
    (void)self, (void)rank;
    for (uint32_t i = 0; i < count; i++) {
        const tn_view *view = &values[selection == NULL ? i : selection[i]];
        TN_RETURN_IF_ERROR(keep_text(states[i], tn_view_str(view), heap, err));
    }
    return TARN_OK;
}

static tarn_code text_merge(const tn_bound_aggregate *self, void *const *into,
                            const void *const *from, uint32_t count, tn_state_heap *heap,
                            tarn_error *err)
{
    (void)self;
    for (uint32_t i = 0; i < count; i++) {
        const tn_str *text = from[i];
        if (text->data != NULL) {
            TN_RETURN_IF_ERROR(keep_text(into[i], *text, heap, err));
        }
    }
    return TARN_OK;
}

static tarn_code text_move(const tn_bound_aggregate *self, void *state, tn_state_heap *heap,
                           tarn_error *err)
{
    const tn_str old = *(tn_str *)state;
    (void)self;
    *(tn_str *)state = TN_STR_NONE;
    return keep_text(state, old, heap, err);
}

static tarn_code text_finalise(const tn_bound_aggregate *self, const void *const *states,
                               uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        const tn_str *text = states[i];
        ((tn_view *)values)[i] = tn_view_of(text->data, text->size);
        tn_bit_put(validity, i, text->data != NULL);
    }
    return TARN_OK;
}

typedef struct median {
    uint64_t rows, seen;
    int64_t value, last;
    bool broken;
} median;

static size_t median_size(const tn_bound_aggregate *self)
{
    (void)self;
    return sizeof(median);
}

static tarn_code median_begin(const tn_bound_aggregate *self, void *stream, tn_pool *pool,
                              uint64_t rows, uint64_t non_null_rows, tarn_error *err)
{
    (void)self, (void)pool, (void)non_null_rows, (void)err;
    *(median *)stream = (median){.rows = rows, .last = INT64_MIN};
    return TARN_OK;
}

static tarn_code median_rows(const tn_bound_aggregate *self, void *stream,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             tarn_error *err)
{
    median *m = stream;
    (void)self, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t value =
            ((const int64_t *)arguments[0].values)[selection == NULL ? i : selection[i]];
        m->broken = m->broken || value < m->last;
        m->last = value;
        m->value = m->seen++ == m->rows / 2 ? value : m->value;
    }
    return TARN_OK;
}

static tarn_code median_end(const tn_bound_aggregate *self, void *stream, tn_arena *arena,
                            tn_value *out, tarn_error *err)
{
    const median *m = stream;
    (void)self, (void)arena, (void)err;
    *out = tn_value_bigint(m->broken || m->seen != m->rows ? INT64_MIN : m->value);
    return TARN_OK;
}

static void median_abandon(const tn_bound_aggregate *self, void *stream)
{
    (void)self, (void)stream;
}

static const tn_aggregate_ops count_ops = {.init = init_zero,
                                           .update = count_update,
                                           .update_one = sum_one,
                                           .merge = sum_merge,
                                           .finalise = sum_finalise};
static const tn_aggregate_ops sum_ops = {.init = init_zero,
                                         .update = sum_update,
                                         .update_one = sum_one,
                                         .merge = sum_merge,
                                         .finalise = sum_finalise};
static const tn_aggregate_ops text_ops = {.init = init_zero,
                                          .update = text_update,
                                          .update_one = sum_one,
                                          .merge = text_merge,
                                          .move = text_move,
                                          .finalise = text_finalise};
static const tn_aggregate_ops median_ops = {.init = init_zero,
                                            .stream_size = median_size,
                                            .stream_begin = median_begin,
                                            .stream_rows = median_rows,
                                            .stream_end = median_end,
                                            .stream_abandon = median_abandon};

/* ---- input ---- */

typedef struct input {
    uint32_t batches;
    uint32_t groups;
    bool texts; /* the key is a string */
    int64_t keys[BATCH], values[BATCH];
    uint64_t validity[(BATCH + 63) / 64];
    char text[BATCH * 32];
    tn_view views[BATCH];
    tn_column columns[3];
    uint32_t few; /* groups of the first quarter; 0: as many as later */
} input;

static uint32_t group_of(const input *in, int64_t id)
{
    uint64_t value = (uint64_t)id * UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    const bool is_early = id < (int64_t)in->batches * BATCH / 4;
    return (uint32_t)(value * UINT64_C(0xc4ceb9fe1a85ec53) >> 20) %
           (in->few > 0 && is_early ? in->few : in->groups);
}

static void text_of(uint32_t group, char *out)
{
    (void)snprintf(out, 32, "group %0*u", 1 + (int)(group % 20), group);
}

/* Columns: group BIGINT (NULL for group 0), value BIGINT, group as text. */
static bool make(void *context, uint32_t index, tn_batch *out)
{
    input *in = context;
    if (index == in->batches) {
        return false;
    }
    for (uint32_t i = 0; i < BATCH; i++) {
        const int64_t id = (int64_t)index * BATCH + i;
        const uint32_t group = group_of(in, id);
        in->keys[i] = group;
        tn_bit_put(in->validity, i, group != 0);
        in->values[i] = id;
        text_of(group, in->text + i * 32);
        in->views[i] = tn_view_of(in->text + i * 32, strlen(in->text + i * 32));
    }
    in->columns[0] = (tn_column){.type = TN_BIGINT,
                                 .lane = TN_LANE_i64,
                                 .rows = BATCH,
                                 .values = in->keys,
                                 .validity = in->validity};
    in->columns[1] =
        (tn_column){.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = BATCH, .values = in->values};
    in->columns[2] =
        (tn_column){.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = BATCH, .values = in->views};
    *out = (tn_batch){.columns = in->columns,
                      .width = 3,
                      .rows = BATCH,
                      .selected = BATCH,
                      .tag = {index / 8, index % 8, index % 8 == 7 || index + 1 == in->batches}};
    return true;
}

/* ---- result ---- */

typedef struct result {
    const input *in;
    uint32_t keys; /* 0: ungrouped; 1: number or text; 2: both */
    bool with_text, with_median, failed;
    uint32_t groups;
    uint8_t seen[GROUPS_MAX];
    int64_t counts[GROUPS_MAX], sums[GROUPS_MAX];
} result;

static void see(void *context, const tn_batch *batch)
{
    result *r = context;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t group = 0;
        char text[32];
        const tn_column *key = &batch->columns[0];
        if (r->keys > 0 && key->type == TN_BIGINT && !tn_column_is_null(key, i)) {
            group = (uint32_t)((const int64_t *)key->values)[i];
            r->failed = r->failed || group == 0;
        } else if (r->keys > 0 && key->type == TN_VARCHAR) {
            const tn_view *view = (const tn_view *)key->values + i;
            memcpy(text, tn_view_data(view), view->size);
            text[view->size] = 0;
            (void)sscanf(text, "group %u", &group);
        }
        const tn_column *of = batch->columns + r->keys;
        r->failed = r->failed || r->seen[group]++ > 0;
        r->groups++;
        r->counts[group] = ((const int64_t *)of[0].values)[i];
        r->sums[group] = ((const int64_t *)of[1].values)[i];
        if (r->with_text) {
            const tn_view *view = (const tn_view *)of[2].values + i;
            text_of(group, text);
            r->failed =
                r->failed || (r->keys > 0 && !tn_str_equal(tn_view_str(view), tn_str_of(text)));
        }
        if (r->with_median) {
            const int64_t value = ((const int64_t *)of[2].values)[i];
            r->failed = r->failed || value < 0 || group_of(r->in, value) != group;
        }
    }
}

static tarn_code run(tn_pool *pool, input *in, size_t limit, uint32_t threads, uint32_t keys,
                     bool with_text, bool with_median, result *out, uint64_t *spilled)
{
    bench b;
    tn_operator *op = NULL;
    tarn_code code;
    const tn_column_id ids[] = {0, 1, 2};
    const tn_layout layout = {3, ids};
    tn_bound_aggregate bound[3] = {
        {.ops = &count_ops, .result_type = TN_BIGINT, .state_size = 8},
        {.ops = &sum_ops, .argument_count = 1, .result_type = TN_BIGINT, .state_size = 8},
        {.ops = &text_ops, .argument_count = 1, .result_type = TN_VARCHAR, .state_size = 16}};
    tn_expr exprs[3];
    const tn_expr *aggregates[3];
    const tn_expr *columns[3];

    memset(out->seen, 0, in->groups);
    memset(out->counts, 0, in->groups * sizeof(int64_t));
    memset(out->sums, 0, in->groups * sizeof(int64_t));
    out->failed = false;
    out->groups = 0;
    out->in = in;
    out->keys = keys;
    out->with_text = with_text;
    out->with_median = with_median;
    TN_TRY(bench_init(&b, pool, limit, threads));
    columns[0] = bench_column(&b, 0, TN_BIGINT);
    columns[1] = bench_column(&b, 1, TN_BIGINT);
    columns[2] = bench_column(&b, 2, TN_VARCHAR);
    if (columns[0] == NULL || columns[1] == NULL || columns[2] == NULL) {
        code = TARN_E_NOMEM;
        goto done;
    }
    if (with_median) {
        bound[2] = (tn_bound_aggregate){.ops = &median_ops,
                                        .argument_count = 1,
                                        .result_type = TN_BIGINT,
                                        .is_ordered = true,
                                        .sorted_by_value = true};
    }
    for (uint32_t s = 0; s < 3; s++) {
        exprs[s] = (tn_expr){.kind = TN_EXPR_AGGREGATE,
                             .type = bound[s].result_type,
                             .child_count = bound[s].argument_count,
                             .children = s == 2 && !with_median ? &columns[2] : &columns[1],
                             .function_data = &bound[s]};
        bound[s].expr = &exprs[s];
        aggregates[s] = &exprs[s];
    }
    const tn_expr *key_exprs[2] = {in->texts ? columns[2] : columns[0], columns[0]};
    TN_TRY(tn_aggregate_create(&b.run, key_exprs, keys, aggregates,
                               with_text || with_median ? 3 : 2, &layout, true, 0, &op, &b.err));
    TN_TRY(bench_push(&b, op, make, in));
    TN_TRY(bench_read(&b, op, see, out));
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

static bool is_right(const input *in, const result *r)
{
    static int64_t counts[GROUPS_MAX];
    static int64_t sums[GROUPS_MAX];
    uint32_t groups = 0;
    memset(counts, 0, sizeof(counts));
    memset(sums, 0, sizeof(sums));
    for (int64_t id = 0; id < (int64_t)in->batches * BATCH; id++) {
        const uint32_t group = r->keys == 0 ? 0 : group_of(in, id);
        counts[group]++;
        sums[group] += id;
    }
    for (uint32_t g = 0; g < in->groups; g++) {
        if (counts[g] != r->counts[g] || sums[g] != r->sums[g]) {
            (void)fprintf(stderr, "group %u: %" PRId64 " rows, not %" PRId64 "\n", g, r->counts[g],
                          counts[g]);
            return false;
        }
        groups += counts[g] > 0;
    }
    return !r->failed && groups == r->groups;
}

static input in;
static result out;

TEST(groups_by_numbers_and_strings_in_memory)
{
    const uint32_t groups[] = {1, 100, 20000, 250000};
    uint64_t spilled = 0;
    for (uint32_t variant = 0; variant < 16; variant += TEST_SIZE(1, 5)) {
        in = (input){.batches = 200, .groups = groups[variant % 4], .texts = variant >= 8};
        CHECK_EQ(run(pool, &in, SIZE_MAX, 1 + variant % 3, variant % 8 < 4 ? 1 : 2, false, false,
                     &out, &spilled),
                 TARN_OK);
        CHECK(is_right(&in, &out));
    }
}

TEST(groups_spill_and_stay_right)
{
    uint64_t spilled = 0;
    for (uint32_t variant = 0; variant < 4; variant += TEST_SIZE(1, 3)) {
        in = (input){.batches = 400, .groups = 250000, .texts = variant % 2 == 1};
        CHECK_EQ(run(pool, &in, 10 << 20, 1 + variant / 2, 1, false, false, &out, &spilled),
                 TARN_OK);
        CHECK(is_right(&in, &out));
        CHECK(spilled > 0);
    }
}

TEST(a_table_of_strings_grows_where_it_will_hold_all_groups)
{
    uint64_t spilled = 0;
    for (uint32_t threads = 1; threads <= 4; threads *= 2) {
        for (uint32_t keys = 1; keys <= 2; keys++) {
            in = (input){.batches = 400, .groups = 60000 / threads, .texts = true};
            CHECK_EQ(run(pool, &in, 32 << 20, threads, keys, false, false, &out, &spilled),
                     TARN_OK);
            CHECK(is_right(&in, &out));
            CHECK_EQ(spilled, 0); /* its 600,000 rows would be */
        }
    }
}

TEST(a_table_that_outgrows_the_estimate_hands_its_groups_over)
{
    uint64_t spilled = 0;
    for (uint32_t threads = 1; threads <= 4; threads *= 2) {
        in = (input){.batches = 400, .groups = GROUPS_MAX, .few = 40000 / threads, .texts = true};
        CHECK_EQ(run(pool, &in, 24 << 20, threads, 1, false, false, &out, &spilled), TARN_OK);
        CHECK(is_right(&in, &out));
        CHECK(spilled > 0);
    }
}

TEST(states_with_strings_are_kept_apart_from_what_spills)
{
    uint64_t spilled = 0;
    for (uint32_t variant = 0; variant < 4; variant += TEST_SIZE(1, 3)) {
        in = (input){
            .batches = 300, .groups = variant < 2 ? 1000 : 200000, .texts = variant % 2 == 1};
        CHECK_EQ(
            run(pool, &in, variant < 2 ? SIZE_MAX : 32 << 20, 2, 1, true, false, &out, &spilled),
            TARN_OK);
        CHECK(is_right(&in, &out));
    }
}

TEST(ordered_aggregates_see_their_groups_in_order)
{
    uint64_t spilled = 0;
    for (uint32_t variant = 0; variant < 6; variant += TEST_SIZE(1, 3)) {
        in = (input){.batches = 200,
                     .groups = variant < 2   ? 7
                               : variant < 4 ? 30000
                                             : 1,
                     .texts = variant % 2 == 1};
        CHECK_EQ(run(pool, &in, variant % 2 == 0 ? SIZE_MAX : 16 << 20, 2, variant < 4 ? 1 : 0,
                     false, true, &out, &spilled),
                 TARN_OK);
        CHECK(is_right(&in, &out));
    }
}

TEST(no_groups_and_one_row_without_keys)
{
    uint64_t spilled = 0;
    for (uint32_t keys = 0; keys < 2; keys++) {
        for (uint32_t variant = 0; variant < 3; variant++) {
            in = (input){.batches = variant == 2 ? 20 : 0, .groups = 10};
            CHECK_EQ(run(pool, &in, SIZE_MAX, 2, keys, variant > 0, false, &out, &spilled),
                     TARN_OK);
            CHECK(variant == 2 ? is_right(&in, &out) : out.groups == (keys == 0));
        }
    }
}

TEST(growing_survives_the_loss_of_any_allocation)
{
    uint64_t spilled = 0;
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        in = (input){.batches = 8, .groups = 3000, .texts = true};
        CHECK_EQ(run(pool, &in, 2 << 20, 1, 1, false, false, &out, &spilled),
                 oom.refused ? TARN_E_NOMEM : TARN_OK);
    }
}

TEST(grouping_survives_the_loss_of_any_allocation)
{
    uint64_t spilled = 0;
    for (uint32_t variant = 0; variant < 3; variant++) {
        for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
            in = (input){.batches = 2, .groups = 12, .texts = true};
            CHECK_EQ(run(pool, &in, 64 << 20, 2, variant == 2 ? 0 : 1, variant == 0, variant == 1,
                         &out, &spilled),
                     oom.refused ? TARN_E_NOMEM : TARN_OK);
        }
    }
}
