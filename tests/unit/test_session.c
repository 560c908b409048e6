#include "kernel/text.h"
#include "session/session.h"
#include "support/check.h"

/* The last statement's rows as text: columns with '|' between, a line a row; or the error. */
static void answer(tn_session *session, const char *sql, tn_text *out)
{
    tarn_error err = TARN_ERROR_INIT;
    tn_script *script = NULL;
    tn_result *result = NULL;
    tarn_code code = tn_script_open(session, tn_str_of(sql), NULL, &script, &err);

    tn_text_clear(out);
    while (code == TARN_OK) {
        code = tn_script_next(script, &result, &err);
        if (code != TARN_OK || result == NULL) {
            break;
        }
        tn_text_clear(out);
        for (tn_chunk *chunk = NULL; code == TARN_OK;) {
            code = tn_result_read(result, &chunk, &err);
            if (code != TARN_OK || chunk == NULL) {
                break;
            }
            for (uint32_t row = 0; row < chunk->rows; row++) {
                for (uint32_t i = 0; i < chunk->width; i++) {
                    tn_text_puts(out, i == 0 ? "" : "|");
                    if (tn_column_is_null(&chunk->columns[i], row)) {
                        tn_text_puts(out, "NULL");
                    } else {
                        tn_text_value(&chunk->columns[i], row, out);
                    }
                }
                tn_text_putc(out, '\n');
            }
            tn_chunk_release(chunk);
        }
    }
    if (code != TARN_OK) {
        tn_text_clear(out);
        tn_text_printf(out, "%s: %s\n", tarn_code_name(code), err.message);
    }
    tn_text_puts(out, "");
    tn_script_close(script);
}

#define CHECK_SQL(sql, want)           \
    do {                               \
        answer(session, (sql), &text); \
        CHECK_STR(text.data, (want));  \
    } while (0)

TEST(statements_are_answered)
{
    tn_session *session;
    tn_text text;

    tn_text_init(&text, pool, 1 << 20);
    CHECK_EQ(tn_session_create(&session, NULL), TARN_OK);
    CHECK_SQL("SELECT 1 AS a, 'x' AS b, NULL AS c", "1|x|NULL\n");
    CHECK_SQL("SELECT range FROM range(3)", "0\n1\n2\n");
    CHECK_SQL("SELECT range * 2 + 1 FROM range(100000) WHERE range > 99997", "199997\n199999\n");
    CHECK_SQL("SELECT * FROM (VALUES (1, 'a'), (2, 'b')) t (n, s) WHERE n > 1", "2|b\n");
    CHECK_SQL("SELECT range FROM range(1000000) LIMIT 2 OFFSET 5", "5\n6\n");
    CHECK_SQL(
        "CREATE TABLE t AS SELECT range AS a FROM range(300000); SELECT a FROM t WHERE a = 299999",
        "299999\n");
    CHECK_SQL("INSERT INTO t VALUES (7000000); SELECT a FROM t WHERE a > 299998",
              "299999\n7000000\n");
    CHECK_SQL("SELECT 1 / 0", "invalid: division by zero: 1 / 0\n");
    CHECK_SQL("SELECT CASE WHEN range <> 0 THEN 10 / range END FROM range(3)", "NULL\n10\n5\n");
    CHECK_SQL("DROP TABLE t; SHOW TABLES", "");
    tn_session_destroy(session);
    tn_text_deinit(&text);
}
