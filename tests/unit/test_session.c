#include "support/statements.h"

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
