/*
 * token.h - the words of SQL text.
 *
 * A token is a place in the text; what it means (decoded strings, folded names) is made when the
 * parser wants it.  Made one at a time: a long INSERT never holds all its tokens.
 */
#ifndef TN_SQL_TOKEN_H
#define TN_SQL_TOKEN_H

#include "base/arena.h"
#include "expr/expr.h"

typedef enum tn_token_kind {
    TN_TOKEN_END,
    TN_TOKEN_NAME,      /* a bare word; .keyword tells which, or none */
    TN_TOKEN_QUOTED,    /* "name" */
    TN_TOKEN_STRING,    /* '', E'', $$ */
    TN_TOKEN_BLOB,      /* X'' */
    TN_TOKEN_INTEGER,   /* 12, 0x1F, 1_000 */
    TN_TOKEN_DECIMAL,   /* 1.5 */
    TN_TOKEN_DOUBLE,    /* 1e5 */
    TN_TOKEN_PARAMETER, /* $name, $1 */
    TN_TOKEN_SYMBOL     /* .symbol */
} tn_token_kind;

/* Symbols: up to four bytes, as one number, so that a switch can tell them. */
#define TN_SYM1(a)          ((uint32_t)(unsigned char)(a))
#define TN_SYM2(a, b)       (TN_SYM1(a) | TN_SYM1(b) << 8)
#define TN_SYM3(a, b, c)    (TN_SYM2(a, b) | TN_SYM1(c) << 16)
#define TN_SYM4(a, b, c, d) (TN_SYM3(a, b, c) | TN_SYM1(d) << 24)

/*
 * X(word, class): the words that the grammar knows.  r: reserved, never a name unless quoted;
 * t: a name or function where an expression begins, but not an alias without AS; u: free.
 */
/* clang-format off */
#define TN_KEYWORDS(X)                                                                             \
    X(ALL, r)                                                                                      \
    X(ANALYZE, u)                                                                                  \
    X(AND, r) X(ANTI, t) X(ANY, r) X(ARRAY, t) X(AS, r) X(ASC, r) X(ASOF, t) X(AT, t) X(           \
        BEGIN, u) X(BETWEEN, t) X(BOTH, r) X(BY, u) X(CASE, r) X(CAST, r) X(COLLATE, t)            \
        X(COLUMNS, u) X(COMMIT, u) X(COPY, u) X(CREATE, r) X(CROSS, t) X(CUBE, u) X(DEFAULT, r) X( \
            DELETE, u) X(DESC, r) X(DESCRIBE, u) X(DISTINCT, r) X(DROP, u) X(ELSE, r) X(END, r)    \
            X(ESCAPE, u) X(EXCEPT, r) X(EXCLUDE, u) X(EXISTS, u) X(EXPLAIN, u) X(EXTRACT, u) X(    \
                FALSE, r) X(FETCH, r)                                                              \
                X(FILTER, u) X(FIRST, u) X(FOR, r) X(FORMAT, u) X(FROM, r) X(FULL, t) X(           \
                    FUNCTIONS,                                                                     \
                    u) X(GROUP,                                                                    \
                         r) X(GROUPING, u)                                                         \
                    X(HAVING, r) X(IF, u) X(ILIKE, t) X(IN, r) X(INNER, t) X(INSERT, u) X(         \
                        INTERSECT,                                                                 \
                        r) X(INTERVAL,                                                             \
                             u) X(INTO, r)                                                         \
                        X(IS, t) X(ISNULL, t) X(JOIN, t) X(KEY, u) X(LAST, u) X(LATERAL, r) X(     \
                            LEADING,                                                               \
                            r) X(LEFT, t)                                                          \
                            X(LIKE, t) X(LIMIT, r) X(MATERIALIZED, u) X(MERGE, u) X(NAME, u)       \
                                X(NATURAL, t) X(NEXT, u) X(NOT, r) X(NOTNULL, t) X(NULL, r) X(     \
                                    NULLS, u)                                                      \
                                    X(OFFSET, r) X(ON, r) X(ONLY, u) X(OR, r) X(ORDER, r) X(       \
                                        ORDINALITY,                                                \
                                        u) X(OUTER,                                                \
                                             t) X(OVER, t)                                         \
                                        X(OVERLAY, u) X(PIVOT, t) X(PLACING, r) X(POSITION, u) X(  \
                                            POSITIONAL,                                            \
                                            t) X(PRIMARY, u)                                       \
                                            X(QUALIFY, t) X(RECURSIVE, u) X(RENAME, u) X(          \
                                                REPLACE,                                           \
                                                u) X(RESET,                                        \
                                                     u) X(RIGHT, t)                                \
                                                X(ROLLUP, u) X(ROW, u) X(ROWS, u) X(SELECT, r) X(  \
                                                    SEMI,                                          \
                                                    t) X(SET, u)                                   \
                                                    X(SETS, u) X(SHOW, u) X(SIMILAR, t)            \
                                                        X(SOME, r) X(SUBSTRING, u) X(              \
                                                            SUMMARIZE,                             \
                                                            u) X(SYMMETRIC,                        \
                                                                 t) X(TABLE, r)                    \
                                                            X(TABLES, u) X(TABLESAMPLE, t) X(      \
                                                                TEMP,                              \
                                                                u) X(TEMPORARY, u)                 \
                                                                X(THEN, r) X(TIES, u) X(TO, r) X(  \
                                                                    TRAILING,                      \
                                                                    r) X(TRIM,                     \
                                                                         u) X(TRUE, r)             \
                                                                    X(TRY_CAST, u) X(UNION, r) X(  \
                                                                        UNIQUE,                    \
                                                                        u) X(UNKNOWN,              \
                                                                             u) X(UNPIVOT, t)      \
                                                                        X(UPDATE, u) X(            \
                                                                            USING,                 \
                                                                            r) X(VALUES,           \
                                                                                 t) X(VIEW, u)     \
                                                                            X(WHEN,                \
                                                                              r) X(WHERE,          \
                                                                                   r) X(WINDOW, r) \
                                                                                X(WITH,            \
                                                                                  r) X(WITHIN, u)  \
                                                                                    X(WITHOUT, u)  \
                                                                                        X(ZONE, u)
/* clang-format on */

typedef enum tn_keyword {
    TN_KW_NONE,
#define TN_KEYWORD_ID(word, class) TN_KW_##word,
    TN_KEYWORDS(TN_KEYWORD_ID)
#undef TN_KEYWORD_ID
        TN_KW_COUNT
} tn_keyword;

typedef struct tn_token {
    tn_token_kind kind;
    tn_keyword keyword; /* of NAME */
    uint32_t symbol;
    tn_span span;
} tn_token;

typedef struct tn_lexer {
    tn_str text;
    uint32_t at;
} tn_lexer;

TN_FALLIBLE tn_lexer__next(tn_lexer *lexer, tn_token *out, tarn_error *err);
char tn_keyword__class(tn_keyword keyword); /* 'r', 't', 'u'; 'u' for none */
const char *tn_keyword__text(tn_keyword keyword);

/* What quoted names, strings and parameters say; slices of the text where nothing was escaped. */
TN_FALLIBLE tn_token__decode(tn_str text, const tn_token *token, tn_arena *arena, tn_str *out,
                             tarn_error *err);

/* Raises at a place of the text. */
/* TARN_E_UNSUPPORTED: "`what`: not built yet", with what to write instead where there is something.
 */
tarn_code tn_sql__not_built(tn_str text, tn_span span, tarn_error *err, const char *what);
tarn_code tn_sql__fail(tn_str text, tn_span span, tarn_error *err, tarn_code code,
                       const char *format, ...) TN_PRINTF(5, 6);

#endif
