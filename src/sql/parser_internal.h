/* parser_internal.h - what the files of the parser share. */
#ifndef TN_SQL_PARSER_INTERNAL_H
#define TN_SQL_PARSER_INTERNAL_H

#include "base/vec.h"
#include "sql/ast.h"
#include "sql/routine.h"

enum { LOOKAHEAD = 4 };

typedef struct tn_parse_operator {
    uint8_t kind; /* of parse_expr.c; of set operations in parse_query.c */
    uint8_t precedence;
    bool negated;
    bool is_open;   /* BETWEEN that still wants its AND */
    uint32_t count; /* operands more than the first */
    uint32_t start;
    const char *name;
} tn_parse_operator;

typedef struct tn_parser {
    tn_routines routines;
    tn_arena *arena;
    tn_pool *pool;
    tn_lexer lexer;
    tn_token ahead[LOOKAHEAD]; /* a ring: the next tokens */
    uint32_t ahead_at, ahead_count;
    tn_token last;       /* that was taken */
    uint32_t parameters; /* ? seen in this statement */

    /* Stacks that expressions and lists share; each user remembers where it began. */
    TN_VEC(tn_ast *) values;
    TN_VEC(tn_parse_operator) operators;
    TN_VEC(tn_ast_item) items;
    TN_VEC(tn_ast_order) orders;
    TN_VEC(tn_ast_column) definitions;
    TN_VEC(tn_ast_option) options;
    TN_VEC(tn_object_name) names;
    TN_VEC(tn_ast_query *) queries;
    TN_VEC(tn_ast_table *) tables; /* names in FROM of the statement, for counting uses of CTEs */
    TN_VEC(tn_ast_cte) ctes;       /* of the WITH being parsed */
    TN_VEC(tn_ast_query *) withs;  /* queries of the statement that have some */
    TN_VEC(tn_ast_table *) joins;  /* that still want their right side or condition */

    /* What the routine that returned last has made. */
    tn_ast *expr;
    tn_ast_query *query;
    tn_ast_table *table;
} tn_parser;

/* ---- tokens ---- */
TN_FALLIBLE tn_parser__peek(tn_parser *p, uint32_t far, const tn_token **out, tarn_error *err);
/* The next token was lexed before (every routine begins with it there). */
static inline const tn_token *next_token(const tn_parser *p)
{
    return &p->ahead[p->ahead_at];
}
static inline bool next_is(const tn_parser *p, uint32_t symbol)
{
    return next_token(p)->kind == TN_TOKEN_SYMBOL && next_token(p)->symbol == symbol;
}
static inline bool next_is_word(const tn_parser *p, tn_keyword word)
{
    return next_token(p)->kind == TN_TOKEN_NAME && next_token(p)->keyword == word;
}
/* Takes the next token and lexes the one behind it. */
TN_FALLIBLE tn_parser__skip(tn_parser *p, tarn_error *err);
/* Takes it if it is this one. */
TN_FALLIBLE tn_parser__accept(tn_parser *p, uint32_t symbol, bool *taken, tarn_error *err);
TN_FALLIBLE tn_parser__accept_word(tn_parser *p, tn_keyword word, bool *taken, tarn_error *err);
/* Two words in a row, or (second NONE) a word and an opening bracket: tells without taking. */
TN_FALLIBLE tn_parser__words_ahead(tn_parser *p, tn_keyword first, tn_keyword second, bool *found,
                                   tarn_error *err);
TN_FALLIBLE tn_parser__expect(tn_parser *p, uint32_t symbol, const char *what, tarn_error *err);
TN_FALLIBLE tn_parser__expect_word(tn_parser *p, tn_keyword word, tarn_error *err);
/* "expected WHAT before 'x'", with a hint where a word is nearly another. */
tarn_code tn_parser__expected(tn_parser *p, const char *what, tarn_error *err);
tarn_code tn_parser__unsupported(tn_parser *p, tn_span span, tarn_error *err, const char *what);

/* A name: quoted, or a word that is not reserved (`alias`: nor one that goes on with a clause). */
bool tn_parser__is_name(const tn_token *token, bool alias);
TN_FALLIBLE tn_parser__name(tn_parser *p, const char *what, tn_str *out, tn_span *span,
                            tarn_error *err);
/* Any word: where nothing else can stand (behind AS and a point). */
TN_FALLIBLE tn_parser__label(tn_parser *p, const char *what, tn_str *out, tn_span *span,
                             tarn_error *err);
TN_FALLIBLE tn_parser__object_name(tn_parser *p, const char *what, tn_object_name *out,
                                   tarn_error *err);
/* (a, b, c) */
TN_FALLIBLE tn_parser__name_list(tn_parser *p, const tn_ast_item **out, uint32_t *count,
                                 tarn_error *err);
/* [AS] alias [(a, b)]; a name without AS only where it cannot be a clause. */
TN_FALLIBLE tn_parser__alias(tn_parser *p, tn_str *alias, tn_span *span, tarn_error *err);
/* The text of a type, for tn_types_parse(). */
TN_FALLIBLE tn_parser__type(tn_parser *p, tn_str *out, tn_span *span, tarn_error *err);

/* A type and a string behind it: DATE '2001-01-01'. */
TN_FALLIBLE tn_parser__typed_literal_ahead(tn_parser *p, bool *found, tarn_error *err);
/* A name and an opening bracket. */
TN_FALLIBLE tn_parser__call_ahead(tn_parser *p, bool *found, tarn_error *err);
bool tn_parser__is_unit(const tn_parser *p); /* DAY, MONTHS... of an interval */

/* ---- nodes ---- */
TN_FALLIBLE tn_parser__node(tn_parser *p, tn_ast_kind kind, uint32_t start, tn_ast **out,
                            tarn_error *err); /* its span ends with the last token taken */
/* Moves values[base..] to the node's items. */
TN_FALLIBLE tn_parser__items_to(tn_parser *p, size_t base, tn_ast *node, tarn_error *err);
TN_FALLIBLE tn_parser__take_items(tn_parser *p, size_t base, const tn_ast_item **out,
                                  uint32_t *count, tarn_error *err);
tn_span tn_parser__span_from(const tn_parser *p, uint32_t start);
/* Does a query begin here: SELECT, VALUES (, WITH, FROM, TABLE? */
TN_FALLIBLE tn_parser__query_ahead(tn_parser *p, bool *found, tarn_error *err);
bool tn_parser__goes_on_as_query(const tn_parser *p); /* UNION, ORDER BY, LIMIT... */

/* ---- routines and their frames (zeroed by the caller but for what is said) ---- */
typedef struct tn_expr_frame {
    tn_frame head;
    bool no_in;               /* given: IN is not an operator here, but a word of POSITION */
    size_t values, operators; /* where this one's part of the stacks begins */
} tn_expr_frame;
tarn_code tn_parse__expr(void *parser, void *frame, tarn_error *err); /* p->expr */

/*
 * What an operand begins with: p->expr where it is a mere name, else the routine that parses it,
 * whose frame is a tn_operand_frame.
 */
typedef struct tn_operand_frame {
    tn_frame head;
    size_t list, items, orders;
    uint32_t start;
    bool flag;        /* given to tn_parse__in: NOT */
    bool rotates;     /* the first argument was written before the others, but comes behind them */
    const char *name; /* given to tn_parse__quantified: its comparison */
    tn_ast *node;
    tn_ast_call *call;
    tn_str text;
    tn_ast_item item;
} tn_operand_frame;
/* Literals and parameters; NULL where the operand needs more. */
TN_FALLIBLE tn_parser__simple(tn_parser *p, tn_ast **out, tarn_error *err);
TN_FALLIBLE tn_parser__operand(tn_parser *p, tn_routine **out, tarn_error *err);
tarn_code tn_parse__subscript(void *parser, void *frame, tarn_error *err); /* of values' top */
tarn_code tn_parse__in(void *parser, void *frame, tarn_error *err);        /* likewise */
tarn_code tn_parse__quantified(void *parser, void *frame, tarn_error *err);
/* name( or, where the name stands in p->expr, from its bracket. */
tarn_code tn_parse__call(void *parser, void *frame, tarn_error *err);

/* Expressions with commas between: pushed to p->values. */
typedef struct tn_list_frame {
    tn_frame head;
} tn_list_frame;
tarn_code tn_parse__list(void *parser, void *frame, tarn_error *err);

/* The list behind ORDER BY: pushed to p->orders. */
typedef struct tn_order_frame {
    tn_frame head;
} tn_order_frame;
tarn_code tn_parse__order(void *parser, void *frame, tarn_error *err);
TN_FALLIBLE tn_parser__take_orders(tn_parser *p, size_t base, const tn_ast_order **out,
                                   uint32_t *count, tarn_error *err);

/* * EXCLUDE (...) REPLACE (...) RENAME (...), from the star: p->expr. */
typedef struct tn_star_frame {
    tn_frame head;
    tn_str table; /* given: of t.* */
    uint32_t start;
    size_t items;
    tn_ast *node;
    bool rename, many;
} tn_star_frame;
tarn_code tn_parse__star(void *parser, void *frame, tarn_error *err);

typedef struct tn_query_frame {
    tn_frame head;
    tn_ast_query *first; /* given or NULL: parsed already, a set operation follows */
    tn_ast_query *query;
    tn_ast_query *with; /* holds its CTEs until the query itself is known */
    size_t operators, queries, ctes, orders;
    uint32_t start;
    bool in_brackets; /* the query is one in brackets: what follows is not its own */
    tn_ast_cte cte;
} tn_query_frame;
tarn_code tn_parse__query(void *parser, void *frame, tarn_error *err); /* p->query */

typedef struct tn_values_frame {
    tn_frame head;
    tn_ast_query *query;
    size_t values, row;
    uint32_t start;
} tn_values_frame;
tarn_code tn_parse__values(void *parser, void *frame, tarn_error *err); /* p->query */

typedef struct tn_from_frame {
    tn_frame head;
    tn_ast_table *table;
    uint32_t start;
} tn_from_frame;
tarn_code tn_parse__from(void *parser, void *frame, tarn_error *err); /* p->table: with commas */

typedef struct tn_statement_frame {
    tn_frame head;
    tn_statement *statement; /* given: to be filled */
    tn_ast_statement *ast;
    size_t items, values, base;
    uint32_t start;
} tn_statement_frame;
/* An expression alone, for tn_sql_bind_expression(). */
TN_FALLIBLE tn_sql__parse_expression(tn_str text, tn_arena *arena, tn_pool *pool, tn_ast **out,
                                     tarn_error *err);
tarn_code tn_parse__statement(void *parser, void *frame, tarn_error *err);

#endif
