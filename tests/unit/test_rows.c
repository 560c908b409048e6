/* The row store: every lane there and back, nested values, pages that leave and come back. */
#include "kernel/hash_column.h"
#include "rows/nested.h"
#include "rows/rows.h"
#include "support/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 1000, TYPES = 20 };

static const tn_type *simple[TYPES];
static uint64_t values[TYPES][ROWS * 4];
static uint64_t validity[TYPES][(ROWS + 63) / 64];
static char heap[ROWS * 40];
static tn_column columns[TYPES];
static const tn_column *pointers[TYPES];

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return tn_hash_u64(*state);
}

static void fill(tn_types *types, uint32_t *count)
{
    const tn_type *all[] = {TN_TYPE_NULL, TN_BOOLEAN,  TN_TINYINT,   TN_SMALLINT, TN_INTEGER,
                            TN_BIGINT,    TN_UTINYINT, TN_USMALLINT, TN_UINTEGER, TN_UBIGINT,
                            TN_REAL,      TN_DOUBLE,   TN_VARCHAR,   TN_DATE,     TN_INTERVAL};
    uint32_t n = sizeof(all) / sizeof(all[0]);
    uint64_t seed = 7;
    memcpy(simple, all, sizeof(all));
    if (tn_types_decimal(types, 30, 2, &simple[n], NULL) == TARN_OK &&
        tn_types_decimal(types, 60, 2, &simple[n + 1], NULL) == TARN_OK) {
        n += 2;
    }
    for (uint32_t t = 0; t < n; t++) {
        for (size_t i = 0; i < ROWS * 4; i++) {
            values[t][i] = next_random(&seed);
        }
        for (size_t i = 0; i < (ROWS + 63) / 64; i++) {
            validity[t][i] = next_random(&seed) | next_random(&seed);
        }
        if (simple[t]->lane == TN_LANE_f64) {
            for (size_t i = 0; i < ROWS; i++) {
                const double value = (double)(int)(i % 50) - 25;
                memcpy(&values[t][i], &value, 8);
            }
        }
        if (simple[t]->lane == TN_LANE_f32) {
            for (size_t i = 0; i < ROWS; i++) {
                ((float *)(void *)values[t])[i] = (float)i / 3;
            }
        }
        if (simple[t]->lane == TN_LANE_view) {
            tn_view *views = (tn_view *)(void *)values[t];
            for (size_t i = 0; i < ROWS; i++) {
                (void)snprintf(heap + i * 40, 40, "%0*zu", (int)(i % 30), i * 7919);
                views[i] = tn_view_of(heap + i * 40, strlen(heap + i * 40));
            }
        }
        columns[t] = (tn_column){.type = simple[t],
                                 .lane = (uint8_t)simple[t]->lane,
                                 .encoding = TN_FLAT,
                                 .rows = ROWS,
                                 .values = values[t],
                                 .validity = t % 2 == 0 ? NULL : validity[t]};
        pointers[t] = &columns[t];
    }
    *count = n;
}

static bool same_value(const tn_column *a, uint32_t a_row, const tn_column *b, uint32_t b_row)
{
    const bool a_null = tn_column_is_null(a, a_row);
    if (a_null || tn_column_is_null(b, b_row)) {
        return a_null && tn_column_is_null(b, b_row);
    }
    const size_t size = tn_lane_size((tn_lane)a->lane);
    if (a->lane == TN_LANE_view) {
        return tn_view_equal((const tn_view *)a->values + a_row,
                             (const tn_view *)b->values + b_row);
    }
    if (a->lane == TN_LANE_bool) {
        return tn_bit_get(a->values, a_row) == tn_bit_get(b->values, b_row);
    }
    return memcmp((const char *)a->values + size * a_row, (const char *)b->values + size * b_row,
                  size) == 0;
}

TEST(every_lane_survives_the_row_store)
{
    tn_types *types;
    tn_row_layout *layout;
    tn_row_writer *writer;
    tn_row_reader *reader;
    tn_rows set;
    uint16_t selection[ROWS];
    uint8_t *rows[ROWS];
    uint32_t count;
    uint32_t selected = 0;

    CHECK_EQ(tn_types_create(pool, &types, NULL), TARN_OK);
    fill(types, &count);
    for (uint16_t i = 0; i < ROWS; i++) {
        selection[selected] = i;
        selected += i % 3 != 1;
    }
    CHECK_EQ(tn_row_layout_create(pool, simple, count, 16, &layout, NULL), TARN_OK);
    CHECK_EQ(tn_row_writer_create(pool, layout, count, &writer, NULL), TARN_OK);
    CHECK_EQ(tn_row_reader_create(pool, layout, &reader, NULL), TARN_OK);
    tn_rows_init(&set, layout, pool, NULL);
    set.keep = true;
    CHECK_EQ(tn_row_writer_prepare(writer, pointers, selection, selected, NULL), TARN_OK);
    tn_row_writer_measure(writer, selected);
    CHECK_EQ(tn_row_writer_add(writer, &set, NULL, NULL, selected, rows, NULL), TARN_OK);
    CHECK_U64(set.count, selected);
    for (uint32_t f = 0; f < count; f++) {
        tn_column back;
        CHECK_EQ(tn_row_reader_gather(reader, f, rows, selected, NULL, selected, &back, NULL),
                 TARN_OK);
        for (uint32_t i = 0; i < selected; i++) {
            CHECK(same_value(&columns[f], selection[i], &back, i));
        }
        CHECK_EQ(tn_row_reader_gather(reader, f, rows, selected, selection, ROWS, &back, NULL),
                 TARN_OK);
        for (uint32_t i = 0; i < selected; i++) {
            CHECK(same_value(&columns[f], selection[i], &back, selection[i]));
        }
    }
    uint16_t equal[ROWS];
    uint16_t other[ROWS];
    CHECK_U64(tn_row_writer_match(writer, NULL, selected, rows, equal, other), selected);
    CHECK_U64(tn_row_writer_match(writer, NULL, selected - 1, rows + 1, equal, other), 0);
    tn_rows_clear(&set);
    tn_row_reader_destroy(reader);
    tn_row_writer_destroy(writer);
    tn_row_layout_destroy(layout);
    tn_types_destroy(types);
}

TEST(equal_values_hash_equally)
{
    const double floats[] = {0.0, -0.0, __builtin_nan(""), -__builtin_nan("7")};
    tn_column column = {.type = TN_DOUBLE, .lane = TN_LANE_f64, .rows = 4, .values = floats};
    uint64_t hashes[4];
    tn_hash_column(&column, 4, false, hashes);
    CHECK_U64(hashes[0], hashes[1]);
    CHECK_U64(hashes[2], hashes[3]);
    CHECK(hashes[0] != hashes[2]);
    const int8_t narrow[] = {-5, 100};
    const int64_t wide[] = {-5, 100};
    uint64_t others[2];
    tn_column a = {.type = TN_BIGINT, .lane = TN_LANE_i8, .rows = 2, .values = narrow};
    tn_column b = {.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = 2, .values = wide};
    tn_hash_column(&a, 2, false, hashes);
    tn_hash_column(&b, 2, false, others);
    CHECK(memcmp(hashes, others, 16) == 0);
    const uint64_t valid = 1;
    b.validity = &valid;
    tn_hash_column(&b, 2, true, hashes);
    CHECK(hashes[0] != hashes[1]);
}

/* LIST(STRUCT(a DOUBLE, b VARCHAR)) with nulls at each level. */
static double elements[] = {1.5, -0.0, 3, 4};
static const uint64_t element_valid = 0xb;
static const uint64_t struct_valid = 0x7;
static const uint64_t list_valid = 0xd;
static tn_list lists[] = {{0, 2}, {0, 0}, {2, 2}, {2, 0}};
static tn_view words[4];

static TN_FALLIBLE nested_column(tn_types *types, tn_column *fields, tn_column *element,
                                 tn_column *out)
{
    const tn_field list[] = {{TN_STR("a"), TN_DOUBLE, true}, {TN_STR("b"), TN_VARCHAR, true}};
    const tn_type *type;
    for (size_t i = 0; i < 4; i++) {
        const tn_str text = i % 2 == 0 ? TN_STR("short") : TN_STR("a string of many letters");
        words[i] = tn_view_of(text.data, text.size);
    }
    TN_RETURN_IF_ERROR(tn_types_struct(types, list, 2, &type, NULL));
    fields[0] = (tn_column){.type = TN_DOUBLE,
                            .lane = TN_LANE_f64,
                            .rows = 4,
                            .values = elements,
                            .validity = &element_valid};
    fields[1] = (tn_column){.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = 4, .values = words};
    *element = (tn_column){.type = type,
                           .lane = TN_LANE_none,
                           .rows = 4,
                           .validity = &struct_valid,
                           .children = fields};
    TN_RETURN_IF_ERROR(tn_types_list(types, type, &type, NULL));
    *out = (tn_column){.type = type,
                       .lane = TN_LANE_list,
                       .rows = 4,
                       .values = lists,
                       .validity = &list_valid,
                       .children = element};
    return TARN_OK;
}

TEST(nested_values_survive_the_row_store)
{
    for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
        tn_types *types = NULL;
        tn_row_layout *layout = NULL;
        tn_row_writer *writer = NULL;
        tn_row_reader *reader = NULL;
        tn_column fields[2];
        tn_column element;
        tn_column column;
        tn_column back;
        tn_rows set = {0};
        uint8_t *rows[4];
        const tn_column *in = &column;
        tarn_code code;

        TN_TRY(tn_types_create(pool, &types, NULL));
        TN_TRY(nested_column(types, fields, &element, &column));
        TN_TRY(tn_row_layout_create(pool, &column.type, 1, 0, &layout, NULL));
        TN_TRY(tn_row_writer_create(pool, layout, 0, &writer, NULL));
        TN_TRY(tn_row_reader_create(pool, layout, &reader, NULL));
        tn_rows_init(&set, layout, pool, NULL);
        TN_TRY(tn_row_writer_prepare(writer, &in, NULL, 4, NULL));
        tn_row_writer_measure(writer, 4);
        TN_TRY(tn_row_writer_add(writer, &set, NULL, NULL, 4, rows, NULL));
        TN_TRY(tn_row_reader_gather(reader, 0, rows, 4, NULL, 4, &back, NULL));
        const tn_list *heads = back.values;
        CHECK(!tn_column_is_null(&back, 0) && tn_column_is_null(&back, 1));
        CHECK(heads[0].length == 2 && heads[2].length == 2 && heads[3].length == 0);
        const tn_column *item = back.children;
        CHECK(tn_column_is_null(item, heads[2].offset + 1));
        CHECK(!tn_column_is_null(item, heads[2].offset));
        CHECK_F64(((const double *)item->children[0].values)[heads[0].offset + 1], -0.0);
        CHECK(tn_column_is_null(&item->children[0], heads[2].offset));
        CHECK(tn_view_equal((const tn_view *)item->children[1].values + heads[0].offset + 1,
                            &words[1]));
    done:
        CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
        if (layout != NULL) {
            tn_rows_clear(&set);
        }
        tn_row_reader_destroy(reader);
        tn_row_writer_destroy(writer);
        tn_row_layout_destroy(layout);
        tn_types_destroy(types);
    }
}

static uint32_t entries_of(const char *path)
{
    uint32_t count = 0;
    DIR *dir = opendir(path);
    while (dir != NULL && readdir(dir) != NULL) {
        count++;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return count;
}

TEST(pages_leave_for_the_file_and_come_back)
{
    const tn_type *types[] = {TN_BIGINT, TN_VARCHAR};
    enum { BATCHES = 400 };
    tn_pool query;
    tn_spill *spill;
    tn_row_layout *layout;
    tn_row_writer *writer;
    tn_rows sets[4];
    static int64_t numbers[ROWS];
    static tn_view texts[ROWS];
    static uint8_t part[ROWS];
    uint8_t *rows[ROWS];
    tn_column in[2] = {{.type = TN_BIGINT, .lane = TN_LANE_i64, .rows = ROWS, .values = numbers},
                       {.type = TN_VARCHAR, .lane = TN_LANE_view, .rows = ROWS, .values = texts}};
    const tn_column *ins[] = {&in[0], &in[1]};

    char folder[] = "/tmp/tarn-rows-XXXXXX"; /* its own: others write to /tmp meanwhile */
    CHECK(mkdtemp(folder) != NULL);
    const uint32_t before = entries_of(folder);
    tn_pool_init(&query, pool, "query", 6 << 20);
    CHECK_EQ(tn_spill_create(&query, tn_str_of(folder), &spill, NULL), TARN_OK);
    CHECK_EQ(tn_row_layout_create(&query, types, 2, 0, &layout, NULL), TARN_OK);
    CHECK_EQ(tn_row_writer_create(&query, layout, 0, &writer, NULL), TARN_OK);
    for (size_t p = 0; p < 4; p++) {
        tn_rows_init(&sets[p], layout, &query, spill);
    }
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        for (size_t i = 0; i < ROWS; i++) {
            numbers[i] = batch * ROWS + (int64_t)i;
            (void)snprintf(heap + i * 40, 40, "%035" PRId64, numbers[i]);
            texts[i] = tn_view_of(heap + i * 40, i % 4 == 0 ? 5 : 35);
            part[i] = (uint8_t)(tn_hash_u64((uint64_t)numbers[i]) >> 62);
        }
        CHECK_EQ(tn_row_writer_prepare(writer, ins, NULL, ROWS, NULL), TARN_OK);
        tn_row_writer_measure(writer, ROWS);
        CHECK_EQ(tn_row_writer_add(writer, sets, part, NULL, ROWS, rows, NULL), TARN_OK);
        if (batch % 32 == 0) { /* none of these rows goes before its writer says so */
            (void)tn_spill_reclaim(spill, SIZE_MAX);
            CHECK_U64(tn_spill_evictable(spill), 0);
            for (size_t i = 0; i < ROWS; i++) {
                CHECK(memcmp(rows[i] + layout->fields[0].offset, &numbers[i], 8) == 0);
            }
        }
        tn_row_writer_settle(writer);
    }
    CHECK(tn_spill_bytes(spill) > 10 << 20);
    CHECK(query.peak <= query.limit);
    CHECK(entries_of(folder) == before);
    for (uint32_t round = 0; round < 2; round++) { /* read; read and freed */
        uint64_t seen = 0;
        int64_t sum = 0;
        for (size_t p = 0; p < 4; p++) {
            tn_rows_seal(&sets[p]);
            tn_rows_cursor cursor = {.rows = &sets[p], .consume = round == 1};
            uint32_t count;
            do {
                CHECK_EQ(tn_rows_cursor_next(&cursor, ROWS, rows, &count, NULL), TARN_OK);
                for (uint32_t i = 0; i < count; i++) {
                    int64_t number;
                    char want[40];
                    memcpy(&number, rows[i] + layout->fields[0].offset, 8);
                    const tn_view *view =
                        (const tn_view *)(void *)(rows[i] + layout->fields[1].offset);
                    (void)snprintf(want, sizeof(want), "%035" PRId64, number);
                    CHECK(view->size == (number % ROWS % 4 == 0 ? 5 : 35));
                    CHECK(memcmp(tn_view_data(view), want, view->size) == 0);
                    sum += number;
                }
                seen += count;
            } while (count > 0);
            tn_rows_cursor_close(&cursor);
            CHECK(round == 0 || (sets[p].count == 0 && sets[p].bytes == 0));
        }
        CHECK_U64(seen, BATCHES * ROWS);
        CHECK_EQ(sum, (int64_t)BATCHES * ROWS * (BATCHES * ROWS - 1) / 2);
    }
    tn_row_writer_destroy(writer);
    tn_row_layout_destroy(layout);
    tn_spill_destroy(spill);
    CHECK_U64(query.used, 0);
    tn_pool_deinit(&query);
    (void)rmdir(folder);
}

TEST(a_folder_that_cannot_be_written_is_named)
{
    tarn_error err = TARN_ERROR_INIT;
    tn_pool query;
    tn_spill *spill;
    tn_row_layout *layout;
    tn_rows set;
    uint8_t *row;
    tarn_code code = TARN_OK;
    tn_pool_init(&query, pool, "query", 1 << 20);
    CHECK_EQ(tn_spill_create(&query, TN_STR("/nonexistent/here"), &spill, NULL), TARN_OK);
    CHECK_EQ(tn_row_layout_create(&query, &(const tn_type *){TN_BIGINT}, 1, 0, &layout, NULL),
             TARN_OK);
    tn_rows_init(&set, layout, &query, spill);
    while (code == TARN_OK) {
        code = tn_rows_slot(&set, 0, &row, &err);
        tn_rows_settle(&set);
    }
    CHECK_EQ(code, TARN_E_NOT_FOUND);
    CHECK(strstr(err.message, "/nonexistent/here") != NULL);
    CHECK(err.hint[0] != 0);
    tn_rows_clear(&set);
    tn_row_layout_destroy(layout);
    tn_spill_destroy(spill);
    tn_pool_deinit(&query);
}
