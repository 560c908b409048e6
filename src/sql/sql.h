/*
 * sql.h - SQL text to plans: parse, then bind against a catalogue.
 *
 * The session (or a pipeline) parses a text into
 * statements, binds one after the other (each sees what the earlier ones made) and does what the
 * bound statement says: optimise and run its plan, make a table, change a setting.  Nothing here
 * reads data, prints, or changes the catalogue.
 *
 * Ownership: statements and what they name live in the arena given to tn_sql_parse; a bound
 * statement lives in the plan context's arena and borrows the statement, so both arenas outlive the
 * run.  One thread at a time.
 *
 * Places: every failure has its span (bytes of the *whole* text given to tn_sql_parse), line and
 * column set where they are known.  Failures at run time carry a span, too, as plan and expression
 * nodes do; tn_sql_locate() adds line and column to them.  What goes wrong inside a view is shown
 * at the place where the statement names the view.
 */
#ifndef TN_SQL_SQL_H
#define TN_SQL_SQL_H

#include "plan/plan.h"

/* ---- parse ---- */

typedef enum tn_statement_kind {
    TN_STATEMENT_SELECT,       /* any query: SELECT, FROM, VALUES, TABLE, WITH */
    TN_STATEMENT_CREATE_TABLE, /* with columns */
    TN_STATEMENT_CREATE_TABLE_AS,
    TN_STATEMENT_CREATE_VIEW,
    TN_STATEMENT_DROP_TABLE,
    TN_STATEMENT_DROP_VIEW,
    TN_STATEMENT_INSERT,
    TN_STATEMENT_COPY_TO,
    TN_STATEMENT_DESCRIBE,
    TN_STATEMENT_SHOW,
    TN_STATEMENT_SET,
    TN_STATEMENT_RESET
} tn_statement_kind;

/* What stands before a statement.  With either the statement's own effect is the session's to leave
 * out (PLAN) or to have and measure (ANALYZE). */
typedef enum tn_explain_kind {
    TN_EXPLAIN_NONE,
    TN_EXPLAIN_PLAN,
    TN_EXPLAIN_ANALYZE
} tn_explain_kind;

typedef struct tn_statement {
    tn_statement_kind kind;
    tn_explain_kind explain;
    tn_span span;                       /* in the text, without the semicolon */
    tn_str text;                        /* the whole text it came from */
    const struct tn_ast_statement *ast; /* private */
} tn_statement;

/*
 * All statements of a text, or the first mistake in it: nothing has run yet when the last one has a
 * typing error.  A text of blanks and comments has none.  The text must outlive the arena's use.
 */
TN_FALLIBLE tn_sql_parse(tn_str text, tn_arena *arena, tn_pool *pool,
                         const tn_statement **statements, size_t *count, tarn_error *err);

/* For a shell: does the text end outside of quotes, comments and brackets, with a semicolon? */
bool tn_sql_is_complete(tn_str text);
/* For completion and highlighting: in alphabetical order, upper case. */
const char *const *tn_sql_keywords(size_t *count);
/* `name` as SQL must write it: itself, or quoted. */
void tn_sql_quote_name(tn_str name, tn_text *out);

/* Sets line and column (in characters, from 1) of an error from its span where it has one and they
 * are not known yet. */
void tn_sql_locate(tn_str text, tarn_error *err);

/* ---- the catalogue: what the binder asks ---- */

typedef enum tn_relation_kind {
    TN_RELATION_NONE,   /* there is none of that name */
    TN_RELATION_SOURCE, /* a table, file, table function: .source */
    TN_RELATION_VIEW,   /* .sql and perhaps .columns */
    TN_RELATION_PLAN    /* .plan: a pipeline's step; mostly a SHARED node made for this reference */
} tn_relation_kind;

typedef struct tn_relation {
    tn_relation_kind kind;
    tn_source *source; /* kept alive by the catalogue until the statement has run */
    uint32_t virtuals; /* tn_virtual bits of columns (_file, _row...) that may be named, not by * */
    tn_plan *plan;
    uint32_t hidden_count; /* the plan's last outputs: may be named, not by * */
    tn_str sql;            /* of a view, without semicolon */
    const tn_str *columns; /* names that a view gives to its query's columns; NULL: the query's */
    uint32_t column_count;
    tn_str default_alias; /* by which columns may be qualified; empty: the name that was asked */
} tn_relation;

/* "t", "main.t", "information_schema.tables", "catalogue.schema.t": parts as written. */
typedef struct tn_object_name {
    tn_str catalogue, schema; /* or empty */
    tn_str name;
    tn_span span;
} tn_object_name;

/* read_csv('x', delim => ';'): .name is empty for those without one.  Values are constants; a list
 * literal is a LIST, a struct literal a STRUCT. */
typedef struct tn_argument {
    tn_str name;
    tn_value value;
    tn_span span;      /* of the value */
    tn_span name_span; /* length 0 where it has no name */
} tn_argument;

typedef struct tn_catalogue tn_catalogue;
typedef struct tn_catalogue_ops {
    /* A table or view; names match exactly first, then by ASCII case, and two such matches are an
     * error. NONE where there is none: the binder then raises, with the nearest of `names`. */
    tarn_code (*find)(tn_catalogue *catalogue, const tn_object_name *name, tn_relation *out,
                      tarn_error *err);
    /* FROM 'uri'; '-' is standard input. */
    tarn_code (*open_uri)(tn_catalogue *catalogue, tn_str uri, tn_span span, tn_relation *out,
                          tarn_error *err);
    /* FROM name(...): read_csv, read_parquet, read_json, delta_scan, range, generate_series... NONE
     * where no table function has that name.  unnest() is the binder's own. */
    tarn_code (*call)(tn_catalogue *catalogue, tn_str name, tn_span span,
                      const tn_argument *arguments, uint32_t count, tn_relation *out,
                      tarn_error *err);
    /* For "did you mean": tables and views, or table functions.  Lives in `arena`. */
    tarn_code (*names)(tn_catalogue *catalogue, bool functions, tn_arena *arena, const tn_str **out,
                       size_t *count, tarn_error *err);
} tn_catalogue_ops;
struct tn_catalogue {
    const tn_catalogue_ops *ops;
};

/* ---- bind ---- */

typedef enum tn_show_kind {
    TN_SHOW_TABLES,    /* tables and views */
    TN_SHOW_FUNCTIONS, /* .name: LIKE pattern or empty */
    TN_SHOW_ALL,       /* settings */
    TN_SHOW_SETTING    /* .name */
} tn_show_kind;

/* One thing of COPY's list: DELIMITER ';', HEADER, PARTITION_BY (a, b).  FORMAT is among them. */
typedef struct tn_copy_option {
    tn_str name; /* as written: compare with tn_str_equal_fold */
    tn_span span;
    const tn_value *values; /* bare words are VARCHAR, HEADER alone has no value */
    uint32_t value_count;
} tn_copy_option;

typedef struct tn_bound {
    tn_statement_kind kind;
    tn_explain_kind explain;

    /* SELECT: the result's columns are its outputs.  CREATE_TABLE_AS, INSERT, COPY_TO: the rows to
     * write, not yet optimised, for tn_plan_write() with the session's sink.  INSERT: one output
     * for each column of the table, in its order, cast to its type, NULL where the statement gave
     * none. DESCRIBE: not to be run; the answer is its outputs. */
    tn_plan *plan;

    tn_object_name name;         /* of the table or view made, or written to */
    tn_schema schema;            /* CREATE_TABLE; CREATE_TABLE_AS: the plan's, with given names */
    const tn_object_name *names; /* of those dropped */
    uint32_t name_count;
    bool or_replace, if_not_exists, if_exists, is_temporary;
    const char *not_enforced; /* CREATE_TABLE: "PRIMARY KEY" or "UNIQUE", which is taken as a note
                                 and deserves a warning; or NULL */
    tn_source *target;        /* INSERT: the table's, as find() gave it */

    tn_str sql;            /* CREATE_VIEW: the query's text, bound once already to check it */
    const tn_str *columns; /* CREATE_VIEW v (a, b): names given, or NULL */
    uint32_t column_count;

    tn_str uri; /* COPY_TO; "-" is standard output */
    tn_span uri_span;
    const tn_copy_option *options;
    uint32_t option_count;
    tn_str format;              /* of FORMAT, as written, or empty: by the URI's ending */
    const tn_str *partition_by; /* names of the plan's columns, as the columns spell them */
    uint32_t partition_count;

    tn_show_kind show;
    tn_str setting; /* SET, RESET ("" for RESET ALL), SHOW: "a.b" joined with points */
    tn_span setting_span;
    tn_value value; /* SET: a bare word is VARCHAR; DEFAULT is RESET */
} tn_bound;

/*
 * `context` is one statement's, with the parameters' values: $name is looked up by name, ? and $1
 * as "1", "2"...
 */
TN_FALLIBLE tn_sql_bind(const tn_statement *statement, tn_catalogue *catalogue,
                        tn_plan_context *context, tn_bound *out, tarn_error *err);

/* Calls `see` with each parameter's name as it stands in the text ("1", "2"... for ?), once for
 * each place; the name is gone when `see` returns. */
typedef void tn_parameter_seen(void *context, tn_str name);
TN_FALLIBLE tn_sql_parameters(tn_str text, tn_parameter_seen *see, void *context, tarn_error *err);

/* An expression over the columns of `input` (a pipeline's expectation, a frame's SQL), without
 * subqueries and aggregates. Spans are of `text`. */
TN_FALLIBLE tn_sql_bind_expression(tn_str text, const tn_plan *input, tn_plan_context *context,
                                   const tn_expr **out, tarn_error *err);

#endif
