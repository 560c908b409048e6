#include "column/chunk.h"
#include "column/flatten.h"
#include "column/gather.h"
#include "support/check.h"

static const tn_type *const flat_types[] = {TN_INTEGER, TN_VARCHAR, TN_BOOLEAN};

static const char long_text[] = "a text that is too long to lie in place";

/* Three columns as they may come: a narrow lane, a dictionary with a null entry, a constant. */
typedef struct sample {
    int8_t numbers[100];
    uint8_t codes[100];
    tn_view entries[3];
    uint64_t entry_validity, constant;
    tn_column dictionary, columns[3];
    uint16_t selection[50];
    tn_batch batch;
} sample;

static void sample_make(sample *s)
{
    *s = (sample){.entry_validity = 5, .constant = 1};
    for (uint8_t i = 0; i < 100; i++) {
        s->numbers[i] = (int8_t)(i - 50);
        s->codes[i] = i % 3;
    }
    for (uint16_t i = 0; i < 50; i++) {
        s->selection[i] = (uint16_t)(2 * i);
    }
    s->entries[0] = tn_view_of("short", 5);
    s->entries[2] = tn_view_of(long_text, sizeof(long_text) - 1);
    s->dictionary = (tn_column){.type = TN_VARCHAR,
                                .lane = TN_LANE_view,
                                .rows = 3,
                                .values = s->entries,
                                .validity = &s->entry_validity};
    s->columns[0] =
        (tn_column){.type = TN_INTEGER, .lane = TN_LANE_i8, .rows = 100, .values = s->numbers};
    s->columns[1] = (tn_column){.type = TN_VARCHAR,
                                .lane = TN_LANE_view,
                                .encoding = TN_DICTIONARY,
                                .code_lane = TN_LANE_u8,
                                .rows = 100,
                                .values = s->codes,
                                .children = &s->dictionary};
    s->columns[2] = (tn_column){.type = TN_BOOLEAN,
                                .lane = TN_LANE_bool,
                                .encoding = TN_CONSTANT,
                                .rows = 100,
                                .values = &s->constant};
    s->batch = (tn_batch){
        .columns = s->columns, .selection = s->selection, .width = 3, .rows = 100, .selected = 50};
}

TEST(a_chunk_keeps_what_lent_batches_said)
{
    sample s;
    tn_chunk_builder *builder;
    tn_chunk *chunk;
    uint32_t next = 0;

    sample_make(&s);
    CHECK_EQ(tn_chunk_builder_create(pool, flat_types, 3, 1000, &builder, NULL), TARN_OK);
    CHECK_EQ(tn_chunk_builder_append(builder, &s.batch, &next, NULL), TARN_OK);
    CHECK_EQ(next, 50);
    CHECK_EQ(tn_chunk_builder_finish(builder, &chunk, NULL), TARN_OK);
    memset(&s, 0xEE, sizeof(s)); /* what was lent is gone */

    CHECK_EQ(chunk->rows, 50);
    CHECK_EQ(((const int32_t *)chunk->columns[0].values)[3], 6 - 50);
    CHECK(tn_column_is_null(&chunk->columns[1], 2));                     /* row 4: code 1 */
    const tn_view *text = (const tn_view *)chunk->columns[1].values + 1; /* row 2: code 2 */
    CHECK_EQ(text->size, sizeof(long_text) - 1);
    CHECK(memcmp(tn_view_data(text), long_text, text->size) == 0);
    CHECK(tn_bit_get(chunk->columns[2].values, 49));
    tn_chunk_release(chunk);
    tn_chunk_builder_destroy(builder);
}

TEST(a_full_chunk_takes_the_rest_next_time)
{
    sample s;
    tn_chunk_builder *builder;
    tn_chunk *chunk;
    uint32_t next = 0;

    sample_make(&s);
    CHECK_EQ(tn_chunk_builder_create(pool, flat_types, 3, 40, &builder, NULL), TARN_OK);
    CHECK_EQ(tn_chunk_builder_append(builder, &s.batch, &next, NULL), TARN_OK);
    CHECK_EQ(next, 40);
    CHECK_EQ(tn_chunk_builder_finish(builder, &chunk, NULL), TARN_OK);
    tn_chunk_release(chunk);
    CHECK_EQ(tn_chunk_builder_append(builder, &s.batch, &next, NULL), TARN_OK);
    CHECK_EQ(next, 50);
    CHECK_EQ(tn_chunk_builder_rows(builder), 10);
    tn_chunk_builder_destroy(builder);
}

TEST(nested_values_go_in_and_out)
{
    tn_types *types;
    const tn_type *type;
    tn_chunk_builder *builder;
    tn_chunk *chunk;
    tn_arena arena;
    int32_t numbers[] = {1, 2, 3, 4, 5};
    tn_view names[] = {tn_view_of("a", 1), tn_view_of(long_text, 20), tn_view_of("c", 1),
                       tn_view_of("d", 1), tn_view_of("e", 1)};
    tn_list heads[] = {{0, 2}, {2, 0}, {2, 3}, {0, 0}};
    const uint64_t validity = 7;
    const tn_column fields[] = {
        {.type = TN_INTEGER, .lane = TN_LANE_i32, .rows = 5, .values = numbers},
        {.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 5, .values = names}};
    tn_value value;

    tn_arena_init(&arena, pool);
    CHECK_EQ(tn_types_create(pool, &types, NULL), TARN_OK);
    CHECK_EQ(tn_types_parse(types, TN_STR("STRUCT(n INTEGER, s VARCHAR)[]"), &type, NULL), TARN_OK);
    const tn_column rows = {
        .type = type->fields[0].type, .lane = TN_LANE_none, .rows = 5, .children = fields};
    const tn_column lists = {.type = type,
                             .lane = TN_LANE_list,
                             .rows = 4,
                             .values = heads,
                             .validity = &validity,
                             .children = &rows};
    const tn_batch batch = {.columns = &lists, .width = 1, .rows = 4, .selected = 4};
    uint32_t next = 0;
    CHECK_EQ(tn_chunk_builder_create(pool, &type, 1, 100, &builder, NULL), TARN_OK);
    CHECK_EQ(tn_value_of(&lists, 2, &arena, &value, NULL), TARN_OK);
    CHECK_EQ(tn_value_copy(&arena, &value, &value, NULL), TARN_OK);
    CHECK_EQ(tn_chunk_builder_put(builder, 0, &value, NULL), TARN_OK);
    CHECK_EQ(tn_chunk_builder_append(builder, &batch, &next, NULL), TARN_OK);
    CHECK_EQ(tn_chunk_builder_finish(builder, &chunk, NULL), TARN_OK);

    tn_value other;
    CHECK_EQ(chunk->rows, 5);
    CHECK(tn_column_is_null(&chunk->columns[0], 4));
    CHECK_EQ(tn_value_of(&chunk->columns[0], 3, &arena, &other, NULL), TARN_OK);
    CHECK_EQ(tn_value_compare(&value, &other), 0);
    CHECK_EQ(tn_value_of(&chunk->columns[0], 1, &arena, &other, NULL), TARN_OK);
    CHECK(tn_value_compare(&value, &other) > 0); /* {3,...} above {1,...} */
    tn_chunk_release(chunk);
    tn_chunk_builder_destroy(builder);
    tn_types_destroy(types);
    tn_arena_deinit(&arena);
}

TEST(flattening_reuses_its_scratch)
{
    sample s;
    tn_scratch scratch;
    tn_column out;

    sample_make(&s);
    tn_scratch_init(&scratch, pool);
    CHECK_EQ(tn_column_flatten(&s.columns[0], s.selection, 50, TN_LANE_i32, &scratch, &out, NULL),
             TARN_OK);
    const void *first = scratch.values;
    CHECK_EQ(((const int32_t *)out.values)[49], 98 - 50);
    CHECK(out.validity == NULL);
    CHECK_EQ(tn_column_flatten(&s.columns[0], NULL, 100, TN_LANE_i32, &scratch, &out, NULL),
             TARN_OK);
    const void *longer = scratch.values;
    CHECK(first != longer); /* room for 64 rows is none for 100 */
    CHECK_EQ(tn_column_flatten(&s.columns[0], s.selection, 50, TN_LANE_i32, &scratch, &out, NULL),
             TARN_OK);
    CHECK(longer == scratch.values);
    CHECK_EQ(tn_column_flatten(&s.columns[0], NULL, 100, TN_LANE_i8, &scratch, &out, NULL),
             TARN_OK);
    CHECK(out.values == s.numbers); /* nothing to do: handed through */
    tn_scratch_deinit(&scratch);
}

TEST(dictionaries_are_decoded_as_slices_take_them_out)
{
    uint64_t entries[300];
    uint32_t codes32[TN_BATCH_ROWS];
    uint16_t codes16[TN_BATCH_ROWS];
    uint8_t codes8[TN_BATCH_ROWS];
    uint16_t rows[TN_BATCH_ROWS];
    uint64_t values[TN_BATCH_ROWS];
    const tn_lane lanes[] = {TN_LANE_u8, TN_LANE_u16, TN_LANE_u32};
    const void *const codes[] = {codes8, codes16, codes32};
    for (uint32_t i = 0; i < TN_BATCH_ROWS; i++) {
        codes32[i] = codes16[i] = codes8[i] = (uint8_t)(i * 31 % 251);
        rows[i] = (uint16_t)(i * 3 / 2 % TN_BATCH_ROWS);
    }
    for (uint32_t i = 0; i < 300; i++) {
        entries[i] = i * UINT64_C(0x9e3779b97f4a7c15);
    }
    tn_column inner = {.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = 300, .values = entries};
    tn_column column = {.type = TN_BIGINT,
                        .encoding = TN_DICTIONARY,
                        .lane = TN_LANE_i64,
                        .rows = TN_BATCH_ROWS,
                        .children = &inner};
    for (uint32_t variant = 0; variant < 12; variant++) {
        const uint16_t *const selection = variant / 3 % 2 == 0 ? NULL : rows;
        const bool in_place = variant >= 6;
        column.code_lane = (uint8_t)lanes[variant % 3];
        column.values = codes[variant % 3];
        memset(values, 0, sizeof(values));
        CHECK(tn_column_decode(&column, selection, 7, 1300, TN_LANE_i64, in_place, values));
        for (uint32_t i = 0; i < 1300; i++) {
            const uint32_t row = selection == NULL ? 7 + i : selection[i];
            CHECK_U64(values[in_place ? row : i], entries[codes32[row]]);
        }
    }
    CHECK(!tn_column_decode(&column, NULL, 0, 10, TN_LANE_i32, false, values));
    inner.validity = values;
    CHECK(!tn_column_decode(&column, NULL, 0, 10, TN_LANE_i64, false, values));
    inner.validity = NULL;
    column.validity = values;
    CHECK(!tn_column_decode(&column, NULL, 0, 10, TN_LANE_i64, false, values));
    CHECK(!tn_column_decode(&inner, NULL, 0, 10, TN_LANE_i64, false, values));
}

TEST(chunks_survive_the_loss_of_any_allocation)
{
    sample s;
    sample_make(&s);
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_chunk_builder *builder = NULL;
        tn_chunk *chunk = NULL;
        uint32_t next = 0;
        tarn_code code = tn_chunk_builder_create(pool, flat_types, 3, 1000, &builder, NULL);
        if (code == TARN_OK) {
            code = tn_chunk_builder_append(builder, &s.batch, &next, NULL);
        }
        if (code == TARN_OK) {
            code = tn_chunk_builder_finish(builder, &chunk, NULL);
        }
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        tn_chunk_release(chunk);
        tn_chunk_builder_destroy(builder);
    }
}
