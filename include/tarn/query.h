/*
 * query.h - SQL: scripts, their results, and the JSON shell.
 *
 * A script is a text with its statements, run one after the other; the result of one is read before
 * the next is started.
 */
#ifndef TARN_QUERY_H
#define TARN_QUERY_H

#include <tarn/session.h>
#include <tarn/text.h>

TARN_BEGIN_DECLS

typedef struct tarn_script tarn_script;
typedef struct tarn_result tarn_result;

/* Reads the whole text: nothing has run when its last statement has a typing error. */
TARN_FALLIBLE tarn_script_open(tarn_session *session, const char *sql, size_t sql_size,
                               tarn_script **out, tarn_error *err);
TARN_API void tarn_script_close(tarn_script *script); /* NULL is allowed; before the session */

/*
 * Starts the next statement, or answers NULL when there is none.  One without rows (CREATE, SET)
 * has run when this returns.  After a failure the script may go on.  The result belongs to the
 * script and ends with the next call.
 */
TARN_FALLIBLE tarn_script_next(tarn_script *script, tarn_result **out, tarn_error *err);

/* How many of the statements that have not run yet answer rows: SELECT, SHOW, EXPLAIN... */
TARN_API size_t tarn_script_results(const tarn_script *script);

/* Does a statement of the text, or a view of the session, have $NAME?  ("1" is $1, and the first
 * ?.)
 */
TARN_API bool tarn_script_has_parameter(const tarn_script *script, const char *name);

/* The rows of the next statement that answers any are written to `uri`, and its result is their
 * count; one more would replace them and fails.  `format` is "parquet", "csv", "tsv", "json",
 * "jsonl", or NULL: by the URI's ending.  A NULL uri ends it. */
TARN_FALLIBLE tarn_script_write_to(tarn_script *script, const char *uri, const char *format,
                                   tarn_error *err);

TARN_API size_t tarn_result_column_count(const tarn_result *result); /* 0: it has no rows */
/* Until the result ends; "" behind the last column. */
TARN_API const char *tarn_result_column_name(const tarn_result *result, size_t column);
TARN_API const char *tarn_result_column_type(const tarn_result *result, size_t column);
/* INSERT, COPY...: the one row is a count of rows. */
TARN_API bool tarn_result_is_count(const tarn_result *result);
/* What deserves a word though the statement succeeded, or NULL. */
TARN_API const char *tarn_result_warning(const tarn_result *result);

typedef struct tarn_stats {
    size_t struct_size;
    uint64_t rows_in, rows_out, rows_rejected, bytes_read, spilled_bytes, peak_bytes;
} tarn_stats;
#define TARN_STATS_INIT                      \
    {                                        \
        sizeof(tarn_stats), 0, 0, 0, 0, 0, 0 \
    }
TARN_API void tarn_result_stats(const tarn_result *result, tarn_stats *out);

/* ---- results as text ---- */

typedef enum tarn_form {
    TARN_FORM_TABLE = 0,
    TARN_FORM_BOX = 1,
    TARN_FORM_CSV = 2,
    TARN_FORM_TSV = 3,
    TARN_FORM_JSON = 4,
    TARN_FORM_JSONL = 5,
    TARN_FORM_MARKDOWN = 6,
    TARN_FORM_VERTICAL = 7
} tarn_form;

typedef struct tarn_print {
    size_t struct_size;
    tarn_form form;
    int no_header;
    int json_strings;      /* integers beyond 2^53 and decimals as strings */
    int colour;            /* escapes for a terminal */
    const char *null_text; /* NULL: empty in CSV, "NULL" in tables */
    uint64_t max_rows;     /* of the forms for people; 0: all */
    uint32_t max_width;    /* of a line of the forms for people; 0: any */
} tarn_print;
#define TARN_PRINT(...) TARN_OPTIONS(tarn_print, __VA_ARGS__)

/* Reads the result to its end, or until `write` answers 0, which is no failure. */
TARN_FALLIBLE tarn_result_print(tarn_result *result, const tarn_print *options, tarn_write *write,
                                void *context, tarn_error *err);

/* Each row's values as text, NULL for a null, until the call returns; 0 ends it. */
typedef int tarn_row(void *context, const char *const *values, size_t count);
TARN_FALLIBLE tarn_result_rows(tarn_result *result, tarn_row *row, void *context, tarn_error *err);

/* Of results that belong to no script: lists of files, of a table's commits... */
TARN_API void tarn_result_close(tarn_result *result); /* NULL is allowed */

/* ---- for shells ---- */

/* Does the text end outside of quotes, comments and brackets, with a semicolon? */
TARN_API bool tarn_sql_is_complete(const char *sql, size_t sql_size);
/* Keywords in alphabetical order; NULL behind the last. */
TARN_API const char *tarn_sql_keyword(size_t index);

/*
 * The JSON shell: a request in, an answer out, each one line (docs: the command's contract).
 * Sessions are named by requests.  Requests are answered by one thread; cancel is for any other.
 */
typedef struct tarn_shell tarn_shell;
TARN_FALLIBLE tarn_shell_open(tarn_shell **out, tarn_error *err);
TARN_API void tarn_shell_close(tarn_shell *shell); /* NULL is allowed */
/* A setting of each session that a request names from now on. */
TARN_FALLIBLE tarn_shell_set(tarn_shell *shell, const char *name, const char *value,
                             tarn_error *err);
/* Is the line {"cmd": "cancel"}?  It is obeyed at once, with tarn_shell_cancel(), and not answered.
 */
TARN_API bool tarn_shell_is_cancel(const char *line, size_t size);
TARN_API void tarn_shell_cancel(tarn_shell *shell);
/* The next request is being answered from here on: a cancel reaches it.  `cancelled`: one did so
 * before its turn. */
TARN_API void tarn_shell_begin(tarn_shell *shell, bool cancelled);
/* The answer with its line end. */
TARN_FALLIBLE tarn_shell_answer(tarn_shell *shell, const char *line, size_t size, char **out,
                                size_t *out_size, tarn_error *err);

TARN_END_DECLS

#endif
