/* Deletion vectors: in the log, in files, at absolute paths; kept by what is written after them. */
#include "base/buffer.h"
#include "support/statements.h"
#include "table/delta/delta.h"

#include <stdio.h>

/* Rows 1, 5 and 9, as a file holds them (base 85 below): big-endian size, bitmap, checksum. */
static const char three[] =
    "\x00\x00\x00\x26\xd1\xd3\x39\x64\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x3a\x30\x00"
    "\x00\x01\x00\x00\x00\x00\x00\x02\x00\x10\x00\x00\x00\x01\x00\x05\x00\x09\x00\xd3\x40\x4d\xe9";
enum { THREE = 46 };
static const char three_inline[] = "^Bg9^0rr910000000000iXQKl0rr91000625c8Xg0rro62(<@9";
/* Rows 0 and 2; and with the mark of a short last group that some writers make. */
static const char two_inline[] = "^Bg9^0rr910000000000iXQKl0rr91000315c8Xg00062";

typedef struct table {
    tn_session *session;
    tn_store *store;
    char path[200]; /* of its one data file */
} table;

static tarn_code put_object(const table *t, const char *key, const char *data, size_t size)
{
    const tn_put_options options = {.mode = TN_PUT_OVERWRITE};
    tn_outcome outcome;
    return tn_store_put(t->store, tn_str_of(key), (tn_str){data, size}, &options, &outcome, NULL);
}

/* Whether log entry `version` has `wanted` in it; `path` (or NULL) gets its first file. */
static bool log_has(const table *t, int version, const char *wanted, char *path)
{
    tn_buffer *buffer = NULL;
    char key[64];
    bool found = false;
    (void)snprintf(key, sizeof(key), "t/_delta_log/%020d.json", version);
    if (tn_store_get(t->store, tn_str_of(key), 1 << 20, tn_session_pool(t->session), &buffer, NULL,
                     NULL) != TARN_OK) {
        return false;
    }
    const tn_str text = {(const char *)buffer->data, buffer->size};
    const tn_str mark = TN_STR("\"path\":\"");
    for (size_t i = 0; i < text.size; i++) {
        const tn_str rest = tn_str_slice(text, i, text.size);
        found = found || tn_str_starts(rest, tn_str_of(wanted));
        if (path != NULL && tn_str_starts(rest, mark)) {
            const tn_str from = tn_str_slice(rest, mark.size, rest.size);
            (void)snprintf(path, 200, "%.*s", (int)tn_str_find(from, '"'), from.data);
            path = NULL;
        }
    }
    tn_buffer_release(buffer);
    return found;
}

/* A table of rows 0 to `rows`-1 in one file, which allows vectors. */
static tarn_code make_table(table *t, int rows)
{
    tarn_error err = TARN_ERROR_INIT;
    char sql[200];
    tn_text text;
    static const char allow[] =
        "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
        "[\"deletionVectors\"],\"writerFeatures\":[\"deletionVectors\"]}}\n";
    TN_RETURN_IF_ERROR(tn_session_create(&t->session, NULL));
    TN_RETURN_IF_ERROR(
        tn_stores_add_memory(tn_session_stores(t->session), "m", NULL, NULL, &t->store, NULL));
    tn_text_init(&text, tn_session_pool(t->session), 1 << 20);
    (void)snprintf(sql, sizeof(sql),
                   "COPY (SELECT range AS a, 'row ' || range AS s FROM range(%d)) TO "
                   "'memory://m/t' (FORMAT delta)",
                   rows);
    const tarn_code code = statements_run(t->session, sql, &text, &err);
    tn_text_deinit(&text);
    (void)log_has(t, 0, "", t->path);
    return code != TARN_OK
               ? code
               : put_object(t, "t/_delta_log/00000000000000000001.json", allow, sizeof(allow) - 1);
}

/* The file of the table with another vector: version `version` of the log. */
static tarn_code put_vector(const table *t, int version, const char *before, const char *after)
{
    char key[64];
    char entry[2000];
    (void)snprintf(key, sizeof(key), "t/_delta_log/%020d.json", version);
    const int size = snprintf(
        entry, sizeof(entry),
        "{\"remove\":{\"path\":\"%s\",\"dataChange\":true,\"deletionTimestamp\":1%s%s}}\n"
        "{\"add\":{\"path\":\"%s\",\"partitionValues\":{},\"size\":0,\"modificationTime\":1,"
        "\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":10,\\\"tightBounds\\\":false}\","
        "\"deletionVector\":%s}}\n",
        t->path, before[0] == '\0' ? "" : ",\"deletionVector\":", before, t->path, after);
    return put_object(t, key, entry, (size_t)size);
}

static const char *describe(char *out, const char *storage, const char *path, int offset, int size,
                            int count)
{
    char at[32] = "";
    if (offset >= 0) {
        (void)snprintf(at, sizeof(at), "\"offset\":%d,", offset);
    }
    (void)snprintf(out, 400,
                   "{\"storageType\":\"%s\",\"pathOrInlineDv\":\"%s\",%s\"sizeInBytes\":%d,"
                   "\"cardinality\":%d}",
                   storage, path, at, size, count);
    return out;
}

static const char *const all = "SELECT count(*), sum(a) FROM delta_scan('memory://m/t')";

TEST(rows_deleted_by_the_log_are_gone)
{
    table t;
    tn_text text;
    char vector[400];
    char next[400];
    CHECK_EQ(make_table(&t, 10), TARN_OK);
    tn_session *session = t.session;
    tn_text_init(&text, pool, 1 << 20);
    CHECK_SQL(all, "10|45\n");
    CHECK_EQ(put_vector(&t, 2, "", describe(vector, "i", three_inline, -1, 38, 3)), TARN_OK);
    CHECK_SQL("SELECT a, s FROM delta_scan('memory://m/t')",
              "0|row 0\n2|row 2\n3|row 3\n4|row 4\n6|row 6\n7|row 7\n8|row 8\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t')", "7\n"); /* of the log alone */
    CHECK_SQL("SELECT a FROM delta_scan('memory://m/t') LIMIT 6", "0\n2\n3\n4\n6\n7\n");
    CHECK_SQL("SELECT a, _row FROM delta_scan('memory://m/t') WHERE a > 5 ORDER BY a DESC",
              "8|9\n7|8\n6|7\n");
    CHECK_SQL("SELECT count(*) FROM delta_scan('memory://m/t') WHERE a IN (1, 5, 9)", "0\n");
    CHECK_SQL("SELECT max(a), min(s) FROM delta_scan('memory://m/t')", "8|row 0\n");
    CHECK_SQL("SELECT sum(a) FROM delta_scan('memory://m/t', version => 0)", "45\n");
    /* another vector takes its place */
    CHECK_EQ(put_vector(&t, 3, vector, describe(next, "i", two_inline, -1, 36, 2)), TARN_OK);
    CHECK_SQL("SELECT a FROM delta_scan('memory://m/t') WHERE a < 4", "1\n3\n");
    CHECK_SQL(all, "8|43\n");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(rows_deleted_by_a_file_are_gone)
{
    static const char *const keys[] = {
        "t/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",
        "t/ab/cd/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",
        "elsewhere/a b.bin",
    };
    static const char *const names[][2] = {{"u", "^-aqEH.-t@S}K{vb[*k^"},
                                           {"u", "ab/cd^-aqEH.-t@S}K{vb[*k^"},
                                           {"p", "memory://m/elsewhere/a%20b.bin"}};
    for (size_t i = 0; i < 3; i++) {
        table t;
        tn_text text;
        char vector[400];
        char file[1 + 2 * THREE] = {1}; /* two vectors in a file of version 1 */
        CHECK_EQ(make_table(&t, 10), TARN_OK);
        tn_session *session = t.session;
        tn_text_init(&text, pool, 1 << 20);
        memcpy(file + 1, three, THREE);
        memcpy(file + 1 + THREE, three, THREE);
        CHECK_EQ(put_object(&t, keys[i], file, sizeof(file)), TARN_OK);
        CHECK_EQ(
            put_vector(&t, 2, "",
                       describe(vector, names[i][0], names[i][1], i == 1 ? 1 + THREE : 1, 38, 3)),
            TARN_OK);
        CHECK_SQL(all, "7|30\n");
        tn_session_destroy(session);
        tn_text_deinit(&text);
    }
}

TEST(damaged_deletion_vectors_are_refused)
{
    static const char key[] = "t/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
    static const char name[] = "^-aqEH.-t@S}K{vb[*k^";
    table t;
    tn_text text;
    char vector[400];
    char file[1 + THREE] = {1};
    CHECK_EQ(make_table(&t, 10), TARN_OK);
    tn_session *session = t.session;
    tn_text_init(&text, pool, 1 << 20);
    memcpy(file + 1, three, THREE);
    CHECK_EQ(put_vector(&t, 2, "", describe(vector, "u", name, 1, 38, 3)), TARN_OK);
    (void)!statements_run(session, all, &text, NULL);
    CHECK(strstr(text.data, "are deleted: there is no 'memory://m/t/deletion_vector_d2c6") != NULL);
    for (size_t i = 0; i < sizeof(file); i++) { /* each byte: version, size, bitmap, checksum */
        file[i] ^= 0x40;
        CHECK_EQ(put_object(&t, key, file, sizeof(file)), TARN_OK);
        const tarn_code code = statements_run(session, all, &text, NULL);
        CHECK(code == (i == 0 ? TARN_E_UNSUPPORTED : TARN_E_CORRUPT));
        file[i] ^= 0x40;
    }
    CHECK_EQ(put_object(&t, key, file, sizeof(file) - 1), TARN_OK);
    (void)!statements_run(session, all, &text, NULL);
    CHECK(strstr(text.data, "ends before the deletion vector does") != NULL);
    CHECK_EQ(put_object(&t, key, file, sizeof(file)), TARN_OK);
    CHECK_SQL(all, "7|30\n");
    static const struct {
        const char *storage, *path;
        int offset, size, count;
        const char *message;
    } lies[] = {
        {"u", "^-aqEH.-t@S}K{vb[*k^", 1, 38, 4, "has 3 rows, and the log says 4"},
        {"u", "^-aqEH.-t@S}K{vb[*k^", 2, 38, 3, "ends before the deletion vector does"},
        {"u", "^-aqEH.-t@S}K{vb[*k^", 1, 37, 3, "has a deletion vector of another size"},
        {"u", "^-aqEH.-t@S}K{vb[*k^", 1, -1, 3, "has a size that cannot be"},
        {"u", "^-aqEH.-t@S}K{vb[*k^", 1, 2000000000, 3, "has a size that cannot be"},
        {"u", "^-aqEH.-t@S}K{vb[*", 1, 38, 3, "has no name that can be read"},
        {"u", "#####################", 1, 38, 3, "has no name that can be read"},
        {"x", "^-aqEH.-t@S}K{vb[*k^", 1, 38, 3, "lies in a place of an unknown kind"},
        {"i", "^Bg9^0rr91", -1, 38, 3, "the log's deletion vector is not 38 bytes"},
        {"i", "no base 85", -1, 8, 3, "the log's deletion vector is not 8 bytes"},
        {"i", "", -1, 0, 0, "the bitmap of deleted rows is damaged: it ends early"},
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        CHECK_EQ(put_vector(&t, 2, "",
                            describe(vector, lies[i].storage, lies[i].path, lies[i].offset,
                                     lies[i].size, lies[i].count)),
                 TARN_OK);
        (void)!statements_run(session, all, &text, NULL);
        if (strstr(text.data, lies[i].message) == NULL) {
            test_fail(__FILE__, __LINE__, "%s: %s", lies[i].message, text.data);
        }
    }
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(what_is_written_later_keeps_the_vectors)
{
    table t;
    tn_text text;
    char vector[400];
    CHECK_EQ(make_table(&t, 10), TARN_OK);
    tn_session *session = t.session;
    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(put_vector(&t, 2, "", describe(vector, "i", three_inline, -1, 38, 3)), TARN_OK);
    for (int i = 3; i <= 10; i++) { /* the last one makes a checkpoint */
        CHECK_SQL("COPY (SELECT 100 AS a, 'new' AS s) TO 'memory://m/t' (FORMAT delta, MODE "
                  "append)",
                  "1\n");
    }
    CHECK_SQL(all, "15|830\n");
    for (int i = 0; i <= 10; i++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "t/_delta_log/%020d.json", i);
        CHECK_EQ(tn_store_delete(t.store, tn_str_of(key), NULL), TARN_OK);
    }
    CHECK_SQL(all, "15|830\n");
    /* a file with a vector is removed by both */
    CHECK_SQL("COPY (SELECT 7 AS a, 'over' AS s) TO 'memory://m/t' (FORMAT delta, MODE overwrite)",
              "1\n");
    CHECK_SQL(all, "1|7\n");
    CHECK(log_has(&t, 11, "\"deletionVector\":{\"storageType\":\"i\",\"pathOrInlineDv\":\"^Bg9^",
                  NULL));
    tn_session_destroy(session);
    tn_text_deinit(&text);
}

TEST(a_reading_of_vectors_that_loses_any_allocation_says_so)
{
    table t;
    tn_text text;
    char vector[400];
    char file[1 + THREE] = {1};
    CHECK_EQ(make_table(&t, 10), TARN_OK);
    tn_session *session = t.session;
    tn_text_init(&text, pool, 1 << 20);
    memcpy(file + 1, three, THREE);
    CHECK_EQ(put_object(&t, "t/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin", file,
                        sizeof(file)),
             TARN_OK);
    CHECK_EQ(put_vector(&t, 2, "", describe(vector, "u", "^-aqEH.-t@S}K{vb[*k^", 1, 38, 3)),
             TARN_OK);
    CHECK_SQL("SET threads = 1", "");
    for (test_oom oom = test_oom_start(tn_session_pool(session)); test_oom_next(&oom);) {
        tarn_error err = TARN_ERROR_INIT;
        const tarn_code code = statements_run(session, all, &text, &err);
        tn_session_pool(session)->refuse = NULL;
        if (code != TARN_OK && (code != TARN_E_NOMEM || !oom.refused)) {
            test_fail(__FILE__, __LINE__, "%s %s", tarn_code_name(code), err.message);
        }
        CHECK(code != TARN_OK || strcmp(text.data, "7|30\n") == 0);
    }
    tn_session_destroy(session);
    tn_text_deinit(&text);
}
