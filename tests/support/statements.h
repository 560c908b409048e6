/* statements.h - SQL run in a session by a test, with its answer as text. */
#ifndef TN_TESTS_STATEMENTS_H
#define TN_TESTS_STATEMENTS_H

#include "base/text.h"
#include "session/session.h"
#include "support/check.h"

/* The last statement's rows: columns with '|' between, a line a row; or "code: message". */
tarn_code statements_run(tn_session *session, const char *sql, tn_text *out, tarn_error *err);

/* Needs `session` and `text`. */
#define CHECK_SQL(sql, want)                                \
    do {                                                    \
        (void)!statements_run(session, (sql), &text, NULL); \
        CHECK_STR(text.data, (want));                       \
    } while (0)

#endif
