/* Logs that others left: gaps, damage, lies; what is in checkpoints; features by name; rivals. */
#include "base/buffer.h"
#include "os/clock.h"
#include "support/statements.h"
#include "table/delta/delta.h"

#include <stdio.h>

static tn_session *open_session(tn_store **store)
{
    tn_session *session = NULL;
    if (tn_session_create(&session, NULL) != TARN_OK ||
        tn_stores_add_memory(tn_session_stores(session), "m", NULL, NULL, store, NULL) != TARN_OK) {
        return NULL;
    }
    return session;
}

static tarn_code put_object(tn_store *store, const char *key, tn_str bytes)
{
    const tn_put_options options = {.mode = TN_PUT_OVERWRITE};
    tn_outcome outcome;
    return tn_store_put(store, tn_str_of(key), bytes, &options, &outcome, NULL);
}

static tarn_code put_entry(tn_store *store, int version, const char *text)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "t/_delta_log/%020d.json", version);
    return put_object(store, key, tn_str_of(text));
}

static void delete_entries(tn_store *store, int from, int to)
{
    for (int version = from; version <= to; version++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "t/_delta_log/%020d.json", version);
        (void)!tn_store_delete(store, tn_str_of(key), NULL);
    }
}

#define TEN  "t/_delta_log/00000000000000000010.checkpoint.parquet"
#define HINT "t/_delta_log/_last_checkpoint"

static const char *const make = "COPY (SELECT 0 AS a) TO 'memory://m/t' (FORMAT delta)";
static const char *const append =
    "COPY (SELECT 1 AS a) TO 'memory://m/t' (FORMAT delta, MODE append)";
static const char *const ask = "SELECT count(*), sum(a) FROM delta_scan('memory://m/t')";

/* Versions 0 to `last`, one row each; a checkpoint at 10. */
static tarn_code fill(tn_session *session, tn_text *text, int last)
{
    tarn_code code = statements_run(session, make, text, NULL);
    for (int i = 1; i <= last && code == TARN_OK; i++) {
        code = statements_run(session, append, text, NULL);
    }
    return code;
}

/* ---- damage -----------------------------------------------------------------------------------*/

TEST(a_log_with_a_gap_is_refused)
{
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 4), TARN_OK);
    delete_entries(store, 2, 2);
    CHECK_SQL(ask,
              "corrupt: the log of the Delta table 'memory://m/t' has no entry for version 2\n");
    CHECK_SQL(append,
              "corrupt: the log of the Delta table 'memory://m/t' has no entry for version 2\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t', version => 1)", "2\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

#define ADD(FIELDS) "{\"add\":{\"path\":\"f\",\"partitionValues\":{}," FIELDS "}}\n"

TEST(a_damaged_line_of_the_log_is_an_error)
{
    static const struct {
        const char *entry, *message;
    } cases[] = {
        {"{\"txn\":{\"appId\":\"x\",\"version\":1}}\n{\"txn\":{\"appId\":", "line 2: "},
        {"{\"txn\":{\"appId\":\"x\",\"version\":1}}\n\"add\":{\"path\":\"f\"}}\n",
         "a line begins with something else than '{'"},
        {"", "it is empty"},
        {" \n\n", "it is empty"},
        {ADD("\"size\":0") "{\"remove\":{\"path\":\"f\",\"dataChange\":true}}\n",
         "line 1: 'f' is both added and removed"},
        {"{\"remove\":{\"path\":\"%66\"}}\n{\"remove\":{\"path\":\"g\"}}\n" ADD("\"size\":0"),
         "line 3: 'f' is both added and removed"},
        {"garbage", "a line begins with something else than '{'"},
        {"{\"add\":{\"size\":1}}\n", "line 1: a log entry of"},
        {"{\"add\":{\"size\":1}}\n", "names no path"},
        {"{}\n\n{}\n" ADD("\"size\":-5"), "line 4: 'add.size' is -5, which it cannot be"},
        {ADD("\"size\":99999999999999999999"),
         "line 1: 'add.size' is 99999999999999999999, no whole number of 64 bits"},
        {ADD("\"size\":1.5"), "'add.size' is 1.5, no whole number"},
        {ADD("\"size\":\"9\""), "'add.size' is no number"},
        {ADD("\"size\":{}"), "'add.size' is no number"},
        {ADD("\"size\":9,\"modificationTime\":true"), "'add.modificationTime' is no number"},
        {ADD("\"size\":9,\"modificationTime\":9223372036854775807"),
         "'add.modificationTime' is 9223372036854775807, which it cannot be"},
        {"{\"remove\":{\"path\":\"f\",\"deletionTimestamp\":\"x\"}}",
         "'remove.deletionTimestamp' is no number"},
        {"{\"remove\":{\"path\":\"f\",\"deletionTimestamp\":-9223372036854775808}}",
         "'remove.deletionTimestamp' is -9223372036854775808, which it cannot be"},
        {"{\"remove\":{\"path\":\"f\",\"size\":-1}}", "'remove.size' is -1"},
        {"{\"txn\":{\"appId\":\"x\",\"version\":\"1\"}}", "'txn.version' is no number"},
        {"{\"protocol\":{\"minReaderVersion\":4294967297,\"minWriterVersion\":2}}",
         "'protocol.minReaderVersion' is 4294967297, which it cannot be"},
        {"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":\"x\"}}",
         "'protocol.readerFeatures' is no list of names"},
        {"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"writerFeatures\":[1]}}",
         "'protocol.writerFeatures' is no list of names"},
    };
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 1), TARN_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(put_entry(store, 2, cases[i].entry), TARN_OK);
        CHECK_EQ(statements_run(session, ask, &text, NULL), TARN_E_CORRUPT);
        if (strstr(text.data, "reading log entry 2 of 'memory://m/t'") == NULL ||
            strstr(text.data, cases[i].message) == NULL) {
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].message, text.data);
        }
    }
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t', version => 1)", "2|1\n");
    CHECK_EQ(statements_run(session, append, &text, NULL), TARN_E_CORRUPT);
    /* another vector of the same file is another word on it */
    CHECK_EQ(put_entry(store, 2,
                       "{\"remove\":{\"path\":\"f\",\"deletionVector\":{\"storageType\":\"i\","
                       "\"pathOrInlineDv\":\"a\",\"sizeInBytes\":1,\"cardinality\":1}}}\n"
                       "{\"remove\":{\"path\":\"f\"}}\n"),
             TARN_OK);
    CHECK_SQL(ask, "2|1\n");
    /* what some writers leave, and what nobody knows, are none */
    CHECK_EQ(put_entry(store, 2,
                       "\xEF\xBB\xBF{\n \"txn\":\n {\"appId\":\"x\",\"version\":1}}x\r\n\n"
                       "{\"newAction\":{\"a\":[1]}} \n{}"),
             TARN_OK);
    CHECK_SQL(ask, "2|1\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* The entry of version `version` with `from` in it replaced by `to`. */
static tarn_code change_entry(tn_store *store, int version, const char *from, const char *to,
                              tn_pool *pool)
{
    char key[64];
    tn_buffer *buffer;
    tn_text text;
    (void)snprintf(key, sizeof(key), "t/_delta_log/%020d.json", version);
    tarn_code code = tn_store_get(store, tn_str_of(key), 1 << 20, pool, &buffer, NULL, NULL);
    if (code != TARN_OK) {
        return code;
    }
    const tn_str whole = {(const char *)buffer->data, buffer->size};
    size_t at = 0;
    while (at < whole.size &&
           !tn_str_starts(tn_str_slice(whole, at, whole.size), tn_str_of(from))) {
        at++;
    }
    tn_text_init(&text, pool, 1 << 20);
    tn_text_append(&text, tn_str_slice(whole, 0, at));
    tn_text_puts(&text, to);
    for (at += strlen(from); at < whole.size && whole.data[at] >= '0' && whole.data[at] <= '9';) {
        at++; /* the number behind it goes, too */
    }
    tn_text_append(&text, tn_str_slice(whole, at, whole.size));
    code = at < whole.size ? put_object(store, key, tn_text_str(&text)) : TARN_E_INTERNAL;
    tn_text_deinit(&text);
    tn_buffer_release(buffer);
    return code;
}

TEST(a_file_of_another_length_than_the_log_says_is_told_so)
{
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 1), TARN_OK);
    CHECK_EQ(change_entry(store, 1, "\"size\":", "\"size\":77", pool), TARN_OK);
    CHECK_EQ(statements_run(session, ask, &text, NULL), TARN_E_CORRUPT);
    CHECK(strstr(text.data, "bytes, but the log of its table says 77") != NULL);
    CHECK(strstr(text.data, "memory://m/t/") != NULL);
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t', version => 0)", "1|0\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_file_of_other_rows_than_the_log_says_is_told_so)
{
    static const char *const queries[] = {
        "SELECT count(*), sum(a) FROM delta_scan('memory://m/t')",
        "SELECT a FROM delta_scan('memory://m/t')",
        "SELECT a FROM delta_scan('memory://m/t') WHERE a > 0",
        "SELECT max(a) FROM delta_scan('memory://m/t') WHERE a < 5 LIMIT 1"};
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 1), TARN_OK);
    CHECK_EQ(change_entry(store, 1, "numRecords\\\":", "numRecords\\\":77", pool), TARN_OK);
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        CHECK_EQ(statements_run(session, queries[i], &text, NULL), TARN_E_CORRUPT);
        CHECK(strstr(text.data, "has 1 rows, but the log of its table says 77") != NULL);
        CHECK(strstr(text.data, "memory://m/t/") != NULL);
    }
    CHECK_SQL("SELECT count(*), sum(a) FROM delta_scan('memory://m/t', version => 0)", "1|0\n");
    /* a log without statistics has none to compare */
    CHECK_EQ(change_entry(store, 1, "numRecords\\\":", "other\\\":77", pool), TARN_OK);
    CHECK_SQL(ask, "2|1\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_number_of_rows_that_none_can_be_is_an_error)
{
    static const char *const numbers[] = {"-1", "1.5", "99999999999999999999", "true"};
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 1), TARN_OK);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        char wanted[64];
        char number[64];
        (void)snprintf(number, sizeof(number), "numRecords\\\":%s", numbers[i]);
        CHECK_EQ(change_entry(store, 1, i == 0 ? "numRecords\\\":" : wanted, number, pool),
                 TARN_OK);
        CHECK_EQ(statements_run(session, ask, &text, NULL), TARN_E_CORRUPT);
        (void)snprintf(wanted, sizeof(wanted), "has a 'numRecords' of %s\n", numbers[i]);
        CHECK(strstr(text.data, wanted) != NULL);
        (void)snprintf(wanted, sizeof(wanted), "%s", number);
    }
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

#define META(PARTITIONS)                                                                     \
    "{\"metaData\":{\"id\":\"x\",\"format\":{\"provider\":\"parquet\"},\"schemaString\":\"{" \
    "\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":"      \
    "\\\"integer\\\","                                                                       \
    "\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"b\\\",\\\"type\\\":"       \
    "\\\"integer\\\","                                                                       \
    "\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":[" PARTITIONS "]}}\n"

TEST(files_of_another_partitioning_are_refused)
{
    static const char *const partitions[] = {META("\"b\""), META("\"a\",\"b\"")};
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 1), TARN_OK);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(put_entry(store, 2, partitions[i]), TARN_OK);
        CHECK_EQ(statements_run(session, ask, &text, NULL), TARN_E_CORRUPT);
        CHECK(strstr(text.data, "of a time when it was partitioned by other columns") != NULL);
        CHECK_EQ(statements_run(session, append, &text, NULL), TARN_E_CORRUPT);
    }
    CHECK_EQ(put_entry(store, 2, META("\"a\",\"A\"")), TARN_OK);
    CHECK_EQ(statements_run(session, ask, &text, NULL), TARN_E_CORRUPT);
    CHECK(strstr(text.data, "is partitioned by 'a' twice") != NULL);
    CHECK_EQ(put_entry(store, 2, META("")), TARN_OK); /* as before, with a column more */
    CHECK_SQL(ask, "2|1\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_log_in_a_bucket_names_no_file_of_this_machine)
{
    static const struct {
        const char *entry, *named;
    } cases[] = {
        {"{\"add\":{\"path\":\"file:///etc/x.parquet\",\"partitionValues\":{},\"size\":5,"
         "\"modificationTime\":0,\"dataChange\":true}}\n",
         "names '/etc/x.parquet', a file of this machine"},
        {"{\"add\":{\"path\":\"/etc/x%2eparquet\",\"partitionValues\":{},\"size\":5,"
         "\"modificationTime\":0,\"dataChange\":true}}\n",
         "names '/etc/x.parquet', a file of this machine"},
        {"{\"add\":{\"path\":\"x.parquet\",\"partitionValues\":{},\"size\":5,"
         "\"modificationTime\":0,\"dataChange\":true,\"deletionVector\":{\"storageType\":\"p\","
         "\"pathOrInlineDv\":\"file:/etc/x.bin\",\"offset\":1,\"sizeInBytes\":4,"
         "\"cardinality\":1}}}\n",
         "names '/etc/x.bin', a file of this machine"},
    };
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 1), TARN_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(put_entry(store, 2, cases[i].entry), TARN_OK);
        CHECK_EQ(statements_run(session, "FROM delta_scan('memory://m/t')", &text, NULL),
                 TARN_E_UNSUPPORTED);
        if (strstr(text.data, "the log of 'memory://m/t' ") == NULL ||
            strstr(text.data, cases[i].named) == NULL) {
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].named, text.data);
        }
    }
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_damaged_checkpoint_is_passed_over_where_the_log_is_whole)
{
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 12), TARN_OK);
    CHECK_EQ(put_object(store, TEN, TN_STR("PAR1 not at all PAR1")), TARN_OK);
    CHECK_SQL(ask, "13|12\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t', version => 11)", "12\n");
    CHECK_EQ(put_object(store, TEN, TN_STR("")), TARN_OK);
    CHECK_SQL(ask, "13|12\n");
    delete_entries(store, 0, 3);
    CHECK_EQ(statements_run(session, ask, &text, NULL), TARN_E_CORRUPT);
    CHECK(strstr(text.data, "reading the checkpoint '" TEN "'") != NULL);
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_hint_at_a_checkpoint_may_say_anything)
{
    static const char *const hints[] = {
        "{\"version\":11,\"size\":3}",
        "{\"version\":9999999}",
        "{\"version\":-5}",
        "{\"version\":\"ten\"}",
        "{\"version\":1e300}",
        "",
        "{\"version\":3,\"parts\":7}",
        "[]",
        "{\"version\":10",
        "{\"version\":9223372036854775807}",
    };
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 12), TARN_OK);
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        CHECK_EQ(put_object(store, HINT, tn_str_of(hints[i])), TARN_OK);
        CHECK_SQL(ask, "13|12\n");
    }
    CHECK_EQ(tn_store_delete(store, tn_str_of(HINT), NULL), TARN_OK);
    CHECK_SQL(ask, "13|12\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_checkpoint_that_lacks_a_part_does_not_count)
{
    tn_store *store;
    tn_text text;
    tn_buffer *whole;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 12), TARN_OK);
    CHECK_EQ(tn_store_get(store, tn_str_of(TEN), 1 << 20, pool, &whole, NULL, NULL), TARN_OK);
    const tn_str bytes = {(const char *)whole->data, whole->size};
    /* one of two parts of version 11, which nobody may read */
    CHECK_EQ(put_object(store,
                        "t/_delta_log/00000000000000000011.checkpoint.0000000001.0000000002."
                        "parquet",
                        bytes),
             TARN_OK);
    CHECK_EQ(put_object(store, HINT, TN_STR("{\"version\":11,\"parts\":2}")), TARN_OK);
    CHECK_SQL(ask, "13|12\n");
    /* that of version 10 as its only part */
    CHECK_EQ(tn_store_delete(store, tn_str_of(TEN), NULL), TARN_OK);
    CHECK_EQ(put_object(store,
                        "t/_delta_log/00000000000000000010.checkpoint.0000000001.0000000001."
                        "parquet",
                        bytes),
             TARN_OK);
    delete_entries(store, 0, 10);
    CHECK_SQL(ask, "13|12\n");
    delete_entries(store, 12, 12);
    CHECK_SQL(ask, "12|11\n");
    tn_buffer_release(whole);
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- checkpoints ------------------------------------------------------------------------------*/

TEST(statistics_of_a_checkpoint_may_be_a_struct_alone)
{
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    for (int i = 0; i < 2; i++) { /* the second file is not there: statistics must rule it out */
        char sql[200];
        (void)snprintf(sql, sizeof(sql),
                       "COPY (SELECT range + %d AS a FROM range(10)) TO 'memory://m/t/f%d.parquet'",
                       100 * i, i);
        CHECK_SQL(sql, "10\n");
    }
    CHECK_SQL(
        "COPY (SELECT {'minReaderVersion': 1, 'minWriterVersion': 2} AS protocol, "
        "{'id': 'x', 'schemaString': "
        "'{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\",\"nullable\":true,"
        "\"metadata\":{}}]}'} AS \"metaData\", "
        "CASE WHEN n < 2 THEN {'path': 'f' || n || '.parquet', 'size': 0::BIGINT, "
        "'stats_parsed': {'numRecords': 10::BIGINT, 'minValues': {'a': 100 * n}, "
        "'maxValues': {'a': 100 * n + 9}, 'nullCount': {'a': 0::BIGINT}}} END AS add "
        "FROM (SELECT range AS n FROM range(3))) "
        "TO 'memory://m/t/_delta_log/00000000000000000010.checkpoint.parquet' (FORMAT parquet)",
        "3\n");
    CHECK_SQL(ask, "20|1090\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t')", "20\n");
    CHECK_EQ(tn_store_delete(store, TN_STR("t/f1.parquet"), NULL), TARN_OK);
    CHECK_SQL("SELECT count(a), max(a) FROM delta_scan('memory://m/t') WHERE a < 50", "10|9\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t')", "20\n"); /* of statistics alone */
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* Is `wanted` among the domains of the checkpoint at version 10? */
static const char *const domains =
    "SELECT \"domainMetadata\".domain, \"domainMetadata\".configuration FROM "
    "read_parquet('memory://m/" TEN "') WHERE \"domainMetadata\" IS NOT NULL";

TEST(checkpoints_keep_what_features_keep_in_domains)
{
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_SQL(make, "1\n");
    CHECK_EQ(put_entry(store, 1,
                       "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,"
                       "\"readerFeatures\":[\"v2Checkpoint\"],\"writerFeatures\":"
                       "[\"domainMetadata\",\"v2Checkpoint\"]}}\n"
                       "{\"domainMetadata\":{\"domain\":\"gone\",\"configuration\":\"{}\","
                       "\"removed\":false}}\n"
                       "{\"domainMetadata\":{\"domain\":\"app\",\"configuration\":\"one\","
                       "\"removed\":false}}\n"),
             TARN_OK);
    CHECK_EQ(put_entry(store, 2,
                       "{\"domainMetadata\":{\"domain\":\"gone\",\"configuration\":\"\","
                       "\"removed\":true}}\n"
                       "{\"domainMetadata\":{\"domain\":\"app\",\"configuration\":\"two\","
                       "\"removed\":false}}\n"),
             TARN_OK);
    for (int i = 3; i <= 10; i++) {
        CHECK_SQL(append, "1\n");
    }
    CHECK_SQL(domains, "app|two\n");
    /* and the next one keeps what this one says */
    delete_entries(store, 0, 10);
    for (int i = 11; i <= 20; i++) {
        CHECK_SQL(append, "1\n");
    }
    CHECK_SQL("SELECT \"domainMetadata\".configuration FROM read_parquet('memory://m/t/_delta_log/"
              "00000000000000000020.checkpoint.parquet') WHERE \"domainMetadata\" IS NOT NULL",
              "two\n");
    CHECK_SQL(ask, "19|18\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- statistics -------------------------------------------------------------------------------*/

TEST(bounds_of_a_file_hold_for_readers_of_every_kind)
{
    static const struct {
        const char *value, *min, *max;
    } cases[] = {
        {"TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'", "\\\"9999-12-31T23:59:59.999Z\\\"",
         "\\\"9999-12-31T23:59:59.999Z\\\""},
        {"TIMESTAMP '1969-12-31 23:59:59.999999'", "\\\"1969-12-31T23:59:59.999\\\"",
         "\\\"1970-01-01T00:00:00.000\\\""},
        {"TIMESTAMPTZ '0001-01-01 00:00:00+00'", "\\\"0001-01-01T00:00:00.000Z\\\"",
         "\\\"0001-01-01T00:00:00.000Z\\\""},
        {"-0.0::DOUBLE", "-0.0", "0.0"},
        {"0.0::REAL", "-0.0", "0.0"},
        {"1.5::REAL", "1.5", "1.5"},
    };
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sql[200];
        char wanted[200];
        tn_buffer *buffer = NULL;
        (void)snprintf(sql, sizeof(sql),
                       "COPY (SELECT %s AS a) TO 'memory://m/s%zu' (FORMAT delta)", cases[i].value,
                       i);
        CHECK_EQ(statements_run(session, sql, &text, NULL), TARN_OK);
        (void)snprintf(sql, sizeof(sql), "s%zu/_delta_log/00000000000000000000.json", i);
        CHECK_EQ(tn_store_get(store, tn_str_of(sql), 1 << 20, pool, &buffer, NULL, NULL), TARN_OK);
        tn_text_clear(&text);
        tn_text_append(&text, (tn_str){(const char *)buffer->data, buffer->size});
        tn_text_putc(&text, '\0');
        tn_buffer_release(buffer);
        (void)snprintf(wanted, sizeof(wanted),
                       "\\\"minValues\\\":{\\\"a\\\":%s},\\\"maxValues\\\":{\\\"a\\\":%s}",
                       cases[i].min, cases[i].max);
        if (strstr(text.data, wanted) == NULL) {
            test_fail(__FILE__, __LINE__, "%s: no %s in %s", cases[i].value, wanted, text.data);
        }
        (void)snprintf(sql, sizeof(sql),
                       "SELECT count(*) FROM delta_scan('memory://m/s%zu') WHERE a = %s", i,
                       cases[i].value);
        CHECK_SQL(sql, "1\n");
    }
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(bounds_of_decimals_that_a_double_has_rounded_hide_no_row)
{
    static const char exact[] = "12345678901234567890.1234567891";
    static const char rounded[] = "12345678901234567000.0000000000";
    static const char key[] = "t/_delta_log/00000000000000000000.json";
    tn_store *store;
    tn_text text;
    tn_buffer *buffer = NULL;
    size_t found = 0;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(statements_run(session,
                            "COPY (SELECT '12345678901234567890.1234567891'::DECIMAL(38,10) AS a, "
                            "0.25::DECIMAL(15,2) AS b) TO 'memory://m/t' (FORMAT delta)",
                            &text, NULL),
             TARN_OK);
    CHECK_EQ(tn_store_get(store, tn_str_of(key), 1 << 20, pool, &buffer, NULL, NULL), TARN_OK);
    for (size_t i = 0; i + sizeof(exact) <= buffer->size; i++) {
        if (memcmp(buffer->data + i, exact, sizeof(exact) - 1) == 0) {
            memcpy(buffer->data + i, rounded, sizeof(rounded) - 1);
            found++;
        }
    }
    CHECK_EQ(found, 2);
    CHECK_EQ(put_object(store, key, (tn_str){(const char *)buffer->data, buffer->size}), TARN_OK);
    CHECK_SQL("SELECT b FROM delta_scan('memory://m/t') WHERE a = "
              "'12345678901234567890.1234567891'::DECIMAL(38,10)",
              "0.25\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t') WHERE b > 0.3", "0\n");
    tn_buffer_release(buffer);
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(checkpoints_keep_tombstones_as_long_as_the_table_says)
{
    static const struct {
        const char *retention;
        int kept;
    } cases[] = {{NULL, 1},
                 {"interval 30 days", 2},
                 {"2 weeks 1 day", 2},
                 {"interval 1 hour", 0},
                 {"interval 1 month", 3}};
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    const long long now = (long long)(tn_clock_now_us() / 1000);
    tn_text_init(&text, pool, 1 << 20);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char entry[1024];
        size_t size = 0;
        CHECK_EQ(fill(session, &text, 8), TARN_OK);
        size += (size_t)snprintf(
            entry, sizeof(entry),
            "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\","
            "\\\"fields\\\":["
            "{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"integer\\\",\\\"nullable\\\":true,"
            "\\\"metadata\\\":{}}]}\",\"partitionColumns\":[],\"configuration\":{%s%s%s}}}\n",
            cases[i].retention == NULL ? "" : "\"delta.deletedFileRetentionDuration\":\"",
            cases[i].retention == NULL ? "" : cases[i].retention,
            cases[i].retention == NULL ? "" : "\"");
        for (int days = 2; days <= 98; days += 6 * (days == 2 ? 1 : 15)) { /* 2, 8 and 98 ago */
            size +=
                (size_t)snprintf(entry + size, sizeof(entry) - size,
                                 "{\"remove\":{\"path\":\"%d.parquet\",\"deletionTimestamp\":%lld,"
                                 "\"dataChange\":true}}\n",
                                 days, now - days * 86400000LL);
        }
        CHECK_EQ(put_entry(store, 9, entry), TARN_OK);
        CHECK_EQ(statements_run(session, append, &text, NULL), TARN_OK); /* version 10 */
        (void)snprintf(entry, sizeof(entry), "%d\n", cases[i].kept);
        CHECK_SQL("SELECT count(*) FROM read_parquet('memory://m/" TEN
                  "') WHERE \"remove\" IS NOT NULL",
                  entry);
        delete_entries(store, 0, 10);
        CHECK_EQ(tn_store_delete(store, tn_str_of(TEN), NULL), TARN_OK);
    }
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- names of files ---------------------------------------------------------------------------*/

TEST(a_file_keeps_the_spelling_of_its_path_in_removes_and_checkpoints)
{
    static const char *const paths[] = {"p=\xC3\xA9(1/f%2d%c3%a9.parquet", "plain.parquet",
                                        "memory://m/t/below%20it.parquet"};
    tn_store *store;
    tn_text text;
    tn_buffer *buffer = NULL;
    tn_session *session = open_session(&store);
    char entry[1024];
    size_t size = 0;
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(fill(session, &text, 8), TARN_OK);
    for (size_t i = 0; i < 3; i++) {
        size += (size_t)snprintf(entry + size, sizeof(entry) - size,
                                 "{\"add\":{\"path\":\"%s\",\"partitionValues\":{},\"size\":1,"
                                 "\"modificationTime\":1,\"dataChange\":true}}\n",
                                 paths[i]);
    }
    CHECK_EQ(put_entry(store, 9, entry), TARN_OK);
    CHECK_EQ(statements_run(session, append, &text, NULL), TARN_OK); /* version 10, a checkpoint */
    CHECK_SQL("SELECT count(*) FROM (SELECT \"add\".path AS p FROM "
              "read_parquet('memory://m/" TEN "')) WHERE p = 'p=\xC3\xA9(1/f%2d%c3%a9.parquet' OR "
              "p = 'plain.parquet' OR p = 'memory://m/t/below%20it.parquet'",
              "3\n");
    delete_entries(store, 0, 9);
    CHECK_EQ(statements_run(session,
                            "COPY (SELECT 7 AS a) TO 'memory://m/t' (FORMAT delta, MODE overwrite)",
                            &text, NULL),
             TARN_OK);
    CHECK_EQ(tn_store_get(store, TN_STR("t/_delta_log/00000000000000000011.json"), 1 << 20, pool,
                          &buffer, NULL, NULL),
             TARN_OK);
    tn_text_clear(&text);
    tn_text_append(&text, (tn_str){(const char *)buffer->data, buffer->size});
    tn_text_putc(&text, '\0');
    for (size_t i = 0; i < 3; i++) {
        char wanted[128];
        (void)snprintf(wanted, sizeof(wanted), "{\"remove\":{\"path\":\"%s\"", paths[i]);
        if (strstr(text.data, wanted) == NULL) {
            test_fail(__FILE__, __LINE__, "%s is not in %s", wanted, text.data);
        }
    }
    CHECK_SQL(ask, "1|7\n");
    tn_buffer_release(buffer);
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- time travel ------------------------------------------------------------------------------*/

TEST(a_time_between_two_commits_means_the_first_of_them)
{
    tn_store *store;
    tn_text text;
    int64_t times[4];
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    for (int i = 0; i < 4; i++) {
        CHECK_SQL(i == 0 ? make : append, "1\n");
        tn_clock_sleep_ms(3);
        times[i] = tn_clock_now_us();
        tn_clock_sleep_ms(3);
    }
    for (int i = 0; i < 4; i++) {
        tn_delta *table;
        tn_types *types;
        const tn_delta_at at = {-1, times[i]};
        CHECK_EQ(tn_types_create(pool, &types, NULL), TARN_OK);
        CHECK_EQ(tn_delta_open(tn_session_stores(session), types, TN_STR("memory://m/t"), &at, pool,
                               &table, NULL),
                 TARN_OK);
        CHECK_EQ(tn_delta_describe(table)->version, i);
        tn_delta_close(table);
        tn_types_destroy(types);
    }
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* The version at a time in milliseconds; -1: none. */
static int64_t version_at(tn_session *session, tn_pool *pool, int64_t ms)
{
    tn_delta *table = NULL;
    tn_types *types = NULL;
    const tn_delta_at at = {-1, ms * 1000};
    int64_t version = -1;
    if (tn_types_create(pool, &types, NULL) == TARN_OK &&
        tn_delta_open(tn_session_stores(session), types, TN_STR("memory://m/t"), &at, pool, &table,
                      NULL) == TARN_OK) {
        version = tn_delta_describe(table)->version;
    }
    tn_delta_close(table);
    tn_types_destroy(types);
    return version;
}

TEST(times_that_commits_tell_count_before_those_of_files)
{
    tn_store *store;
    tn_text text;
    const int64_t now = tn_clock_now_us() / 1000;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_SQL(make, "1\n");
    CHECK_SQL(append, "1\n");
    CHECK_EQ(
        put_entry(store, 2,
                  "{\"commitInfo\":{\"inCommitTimestamp\":32503680000000}}\n"
                  "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,"
                  "\"writerFeatures\":[\"inCommitTimestamp\"]}}\n"
                  "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\","
                  "\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"integer\\\","
                  "\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":[],"
                  "\"configuration\":{\"delta.enableInCommitTimestamps\":\"true\","
                  "\"delta.inCommitTimestampEnablementVersion\":\"2\"}}}\n"),
        TARN_OK);
    CHECK_EQ(put_entry(store, 3, "{\"commitInfo\":{\"inCommitTimestamp\":32503680000010}}\n"),
             TARN_OK);
    CHECK_EQ(version_at(session, pool, now - 1000000), -1);
    CHECK_EQ(version_at(session, pool, now + 1000000), 1); /* by their files' times */
    CHECK_EQ(version_at(session, pool, INT64_C(32503679999999)), 1);
    CHECK_EQ(version_at(session, pool, INT64_C(32503680000000)), 2);
    CHECK_EQ(version_at(session, pool, INT64_C(32503680000009)), 2);
    CHECK_EQ(version_at(session, pool, INT64_C(32503680000010)), 3);
    CHECK_EQ(version_at(session, pool, INT64_C(42503680000010)), 3);
    CHECK_SQL(ask, "2|1\n");
    CHECK_SQL(append, "unsupported: the Delta table 'memory://m/t' needs the feature "
                      "'inCommitTimestamp', which Tarn cannot write yet\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- features ---------------------------------------------------------------------------------*/

typedef struct asked {
    const char *protocol; /* of the table; and of its metadata: */
    const char *configuration, *column;
    const char *reads, *appends, *replaces; /* what is refused, or NULL */
} asked;

#define LISTS(reader, writer)                                                   \
    "\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[" reader \
    "],\"writerFeatures\":[" writer "]"
#define OLD(writer) "\"minReaderVersion\":1,\"minWriterVersion\":" #writer

TEST(what_a_table_asks_for_is_done_or_refused_by_name)
{
    static const asked cases[] = {
        {OLD(2), "", "", NULL, NULL, NULL},
        {OLD(6), "", "", NULL, NULL, NULL},
        {OLD(8), "", "", NULL, "writer version 8", "writer version 8"},
        {"\"minReaderVersion\":4,\"minWriterVersion\":7", "", "", "reader version 4",
         "reader version 4", "reader version 4"},
        {LISTS("\"fromTheFuture\"", "\"fromTheFuture\""), "", "", "'fromTheFuture'",
         "'fromTheFuture'", "'fromTheFuture'"},
        {LISTS("", "\"fromTheFuture\""), "", "", NULL, "'fromTheFuture'", "'fromTheFuture'"},
        {LISTS("", "\"rowTracking\",\"domainMetadata\""), "", "", NULL, "'rowTracking'",
         "'rowTracking'"},
        {LISTS("", "\"clustering\",\"domainMetadata\""), "", "", NULL, "'clustering'",
         "'clustering'"},
        {LISTS("", "\"icebergCompatV2\""), "", "", NULL, "'icebergCompatV2'", "'icebergCompatV2'"},
        {LISTS("\"catalogManaged\"", "\"catalogManaged\""), "", "", "'catalogManaged'",
         "'catalogManaged'", "'catalogManaged'"},
        {LISTS("\"vacuumProtocolCheck\",\"timestampNtz\"",
               "\"vacuumProtocolCheck\",\"timestampNtz\",\"appendOnly\",\"invariants\""),
         "", "", NULL, NULL, NULL},
        {LISTS("\"typeWidening\"", "\"typeWidening\""), "", "", NULL, NULL, NULL},
        {LISTS("", "\"appendOnly\""), "\"delta.appendOnly\":\"true\"", "", NULL, NULL,
         "is append-only"},
        {OLD(2), "\"delta.appendOnly\":\"true\"", "", NULL, NULL, "is append-only"},
        {OLD(3), "\"delta.constraints.positive\":\"a > 0\"", "", NULL, "'checkConstraints'",
         "'checkConstraints'"},
        {OLD(2), "", "\\\"delta.invariants\\\":\\\"a > 0\\\"", NULL, "'invariants'",
         "'invariants'"},
        {OLD(4), "", "\\\"delta.generationExpression\\\":\\\"1 + 1\\\"", NULL, "'generatedColumns'",
         "'generatedColumns'"},
        {OLD(6), "", "\\\"delta.identity.start\\\":1", NULL, "'identityColumns'",
         "'identityColumns'"},
        {LISTS("", "\"allowColumnDefaults\""), "", "\\\"CURRENT_DEFAULT\\\":\\\"7\\\"", NULL, NULL,
         NULL}, /* the column is written: its default is not asked */
        {"\"minReaderVersion\":2,\"minWriterVersion\":5", "\"delta.columnMapping.mode\":\"name\"",
         "\\\"delta.columnMapping.id\\\":1,\\\"delta.columnMapping.physicalName\\\":\\\"a\\\"",
         NULL, "'columnMapping'", "'columnMapping'"},
        {LISTS("", "\"inCommitTimestamp\""), "", "", NULL, "'inCommitTimestamp'",
         "'inCommitTimestamp'"},
        {LISTS("", "\"changeDataFeed\""), "\"delta.enableChangeDataFeed\":\"true\"", "", NULL, NULL,
         NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const asked *c = &cases[i];
        const char *const statements[] = {
            ask, append, "COPY (SELECT 5 AS a) TO 'memory://m/t' (FORMAT delta, MODE overwrite)"};
        const char *const refused[] = {c->reads, c->appends, c->replaces};
        tn_store *store;
        tn_text text;
        char entry[2000];
        tn_session *session = open_session(&store);
        tn_text_init(&text, pool, 1 << 20);
        CHECK_SQL(make, "1\n");
        (void)snprintf(
            entry, sizeof(entry),
            "{\"protocol\":{%s}}\n{\"metaData\":{\"id\":\"x\",\"schemaString\":"
            "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\","
            "\\\"type\\\":\\\"integer\\\",\\\"nullable\\\":true,\\\"metadata\\\":{%s}}]}\","
            "\"partitionColumns\":[],\"configuration\":{%s}}}\n",
            c->protocol, c->column, c->configuration);
        CHECK_EQ(put_entry(store, 1, entry), TARN_OK);
        for (size_t j = 0; j < 3; j++) {
            const tarn_code code = statements_run(session, statements[j], &text, NULL);
            const bool good = refused[j] == NULL
                                  ? code == TARN_OK
                                  : code != TARN_OK && strstr(text.data, refused[j]) != NULL;
            if (!good) {
                test_fail(__FILE__, __LINE__, "case %zu, %zu: %s", i, j, text.data);
            }
        }
        tn_session_destroy(session);
        tn_text_deinit(&text);
    }
}

TEST(a_default_that_nobody_can_compute_is_asked_for)
{
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_SQL("COPY (SELECT 0 AS a, 1 AS b) TO 'memory://m/t' (FORMAT delta)", "1\n");
    CHECK_EQ(
        put_entry(store, 1,
                  "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\","
                  "\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"integer\\\","
                  "\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"b\\\","
                  "\\\"type\\\":\\\"integer\\\",\\\"nullable\\\":true,\\\"metadata\\\":"
                  "{\\\"CURRENT_DEFAULT\\\":\\\"7\\\"}}]}\",\"partitionColumns\":[],"
                  "\"configuration\":{}}}\n"),
        TARN_OK);
    CHECK_SQL(append, "invalid: the rows do not fit the Delta table 'memory://m/t': column 'b' is "
                      "missing and has a default, which Tarn cannot compute\n");
    CHECK_SQL("COPY (SELECT 1 AS a, 2 AS b) TO 'memory://m/t' (FORMAT delta, MODE append)", "1\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(nulls_that_a_table_bars_within_its_values_are_not_let_in)
{
    tn_store *store;
    tn_text text;
    tn_session *session = open_session(&store);
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(put_entry(
                 store, 0,
                 "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
                 "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\","
                 "\\\"fields\\\":[{\\\"name\\\":\\\"l\\\",\\\"type\\\":{\\\"type\\\":\\\"array\\\","
                 "\\\"elementType\\\":\\\"integer\\\",\\\"containsNull\\\": false},"
                 "\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"m\\\",\\\"type\\\":"
                 "{\\\"type\\\":\\\"map\\\",\\\"keyType\\\":\\\"integer\\\",\\\"valueType\\\":"
                 "\\\"integer\\\",\\\"valueContainsNull\\\":false},\\\"nullable\\\":true,"
                 "\\\"metadata\\\":{}},{\\\"name\\\":\\\"s\\\",\\\"type\\\":{\\\"type\\\":"
                 "\\\"struct\\\","
                 "\\\"fields\\\":[{\\\"name\\\":\\\"x\\\",\\\"type\\\":\\\"integer\\\","
                 "\\\"nullable\\\":false,"
                 "\\\"metadata\\\":{}}]},\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":"
                 "\\\"n\\\",\\\"type\\\":{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":"
                 "\\\"integer\\\",\\\"containsNull\\\":true},\\\"nullable\\\":true,"
                 "\\\"metadata\\\":{}}]}\","
                 "\"partitionColumns\":[],\"configuration\":{}}}\n"),
             TARN_OK);
    CHECK_SQL(
        "COPY (SELECT [1, NULL]::INTEGER[] AS l) TO 'memory://m/t' (FORMAT delta, MODE append)",
        "invalid: the rows do not fit the Delta table 'memory://m/t': column 'l' has lists or "
        "maps without NULL in them, which Tarn cannot check\n");
    CHECK_SQL(
        "COPY (SELECT MAP {1: 2} AS m) TO 'memory://m/t' (FORMAT delta, MODE append)",
        "invalid: the rows do not fit the Delta table 'memory://m/t': column 'm' has lists or "
        "maps without NULL in them, which Tarn cannot check\n");
    CHECK_SQL("COPY (SELECT {'x': 1} AS s) TO 'memory://m/t' (FORMAT delta, MODE append)",
              "invalid: the rows do not fit the Delta table 'memory://m/t': column 's' has other "
              "fields that are NOT NULL than STRUCT(x INTEGER) in the table\n");
    CHECK_SQL(
        "COPY (SELECT [1, NULL]::INTEGER[] AS n) TO 'memory://m/t' (FORMAT delta, MODE append)",
        "1\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

/* ---- rivals -----------------------------------------------------------------------------------*/

/* Opens a writer, lets `meanwhile` happen (SQL, or an entry for version 1), and commits one row. */
static tarn_code commit_after(tn_session *session, tn_store *store, tn_pool *pool,
                              tn_delta_mode mode, const char *application, const char *meanwhile,
                              tn_delta_receipt *receipt, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const int32_t value = 100;
    const tn_field field = {TN_STR("a"), TN_INTEGER, true};
    const tn_schema schema = {1, &field};
    const tn_column column = {.type = TN_INTEGER, .lane = TN_LANE_i32, .rows = 1, .values = &value};
    const tn_batch batch = {
        .columns = &column, .width = 1, .rows = 1, .selected = 1, .tag = {.last = true}};
    const tn_delta_write_options options = {
        .mode = mode, .application = tn_str_of(application), .application_version = 7};
    tn_delta_writer *writer = NULL;
    tn_sink_task *task = NULL;
    tn_types *types = NULL;
    tn_sink_answer answer = TN_SINK_WAIT;
    tn_latch latch;
    tn_text text;

    tn_latch_init(&latch);
    tn_text_init(&text, pool, 1 << 20);
    TN_TRY(tn_types_create(pool, &types, err));
    TN_TRY(tn_delta_writer_open(tn_session_stores(session), types, TN_STR("memory://m/t"), &schema,
                                &options, pool, &writer, err));
    tn_sink *sink = tn_delta_writer_sink(writer);
    TN_TRY(sink->ops->task_open(sink, pool, &task, err));
    TN_TRY(task->ops->write(task, &batch, &latch.waker, &answer, err));
    TN_TRY(task->ops->task_finish(task, &latch.waker, &answer, err));
    task->ops->task_close(task);
    task = NULL;
    for (answer = TN_SINK_WAIT; answer == TN_SINK_WAIT;) {
        TN_TRY(sink->ops->finish(sink, &latch.waker, &answer, err));
        tn_clock_sleep_ms(1);
    }
    TN_TRY(meanwhile[0] == '{' ? put_entry(store, 1, meanwhile)
                               : statements_run(session, meanwhile, &text, err));
    TN_TRY(tn_delta_writer_commit(writer, receipt, err));
done:
    if (task != NULL) {
        task->ops->task_close(task);
    }
    tn_delta_writer_close(writer);
    tn_types_destroy(types);
    tn_text_deinit(&text);
    return code;
}

TEST(who_commits_second_follows_or_conflicts)
{
    static const char replace[] =
        "COPY (SELECT 5 AS a) TO 'memory://m/t' (FORMAT delta, MODE overwrite)";
    static const char metadata[] =
        "{ \"commitInfo\":{}}\n{ \"metaData\" : {\"id\":\"x\",\"schemaString\":"
        "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":"
        "\\\"long\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":[],"
        "\"configuration\":{}}}\n";
    static const char protocol[] =
        "{\"commitInfo\":{}}\n{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":3}}\n";
    static const char other_txn[] = "{\"txn\":{\"appId\":\"them\",\"version\":9}}\n";
    static const char same_txn[] = "{\"txn\":{\"appId\":\"us\",\"version\":7}}\n";
    static const char older_txn[] = "{\"txn\":{\"appId\":\"us\",\"version\":6}}\n";
    static const char nothing[] = "{\"commitInfo\":{\"operation\":\"OPTIMIZE\"}}\n";
    static const struct {
        const char *meanwhile;
        tn_delta_mode mode;
        const char *conflict; /* or NULL: it follows */
        const char *rows;
        bool skipped;
    } cases[] = {
        {append, TN_DELTA_APPEND, NULL, "3|101\n", false},
        {append, TN_DELTA_OVERWRITE, "changed the rows of", "2|1\n", false},
        {replace, TN_DELTA_APPEND, NULL, "2|105\n", false},
        {replace, TN_DELTA_OVERWRITE, "changed the rows of", "1|5\n", false},
        {metadata, TN_DELTA_APPEND, "changed the schema or protocol of", "1|0\n", false},
        {metadata, TN_DELTA_OVERWRITE, "changed the schema or protocol of", "1|0\n", false},
        {protocol, TN_DELTA_APPEND, "changed the schema or protocol of", "1|0\n", false},
        {protocol, TN_DELTA_OVERWRITE, "changed the schema or protocol of", "1|0\n", false},
        {nothing, TN_DELTA_OVERWRITE, NULL, "1|100\n", false},
        {other_txn, TN_DELTA_APPEND, NULL, "2|100\n", false},
        {same_txn, TN_DELTA_APPEND, NULL, "1|0\n", true},
        {older_txn, TN_DELTA_APPEND, NULL, "2|100\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_store *store;
        tn_text text;
        tn_delta_receipt receipt = {0};
        tarn_error err = TARN_ERROR_INIT;
        tn_session *session = open_session(&store);
        tn_text_init(&text, pool, 1 << 20);
        CHECK_SQL(make, "1\n");
        const tarn_code code = commit_after(session, store, pool, cases[i].mode, "us",
                                            cases[i].meanwhile, &receipt, &err);
        const bool good =
            cases[i].conflict == NULL
                ? code == TARN_OK && receipt.skipped == cases[i].skipped
                : code == TARN_E_CONFLICT && strstr(err.message, cases[i].conflict) != NULL;
        if (!good) {
            test_fail(__FILE__, __LINE__, "case %zu: %s %s", i, tarn_code_name(code), err.message);
        }
        CHECK_SQL(ask, cases[i].rows);
        tn_session_destroy(session);
        tn_text_deinit(&text);
    }
}
