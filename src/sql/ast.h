/*
 * ast.h - what the parser makes of a text: who stands where, nothing about meaning.
 *
 * All nodes live in the arena given to tn_sql_parse() and are read-only afterwards.  One expression
 * node type keeps long lists of literals small (64 bytes a literal).
 */
#ifndef TN_SQL_AST_H
#define TN_SQL_AST_H

#include "sql/sql.h"
#include "sql/token.h"

typedef enum tn_ast_kind {
    TN_AST_NAME, /* a, t.a, s.t.a: .names, .count */
    TN_AST_STAR, /* *, t.*: .star */
    TN_AST_NULL,
    TN_AST_BOOLEAN,   /* .flag */
    TN_AST_NUMBER,    /* .text as written; .detail: its tn_token_kind */
    TN_AST_STRING,    /* .text */
    TN_AST_BLOB,      /* .text */
    TN_AST_PARAMETER, /* .text: its name; of ? a number */
    TN_AST_DEFAULT,   /* only in the rows of INSERT */
    TN_AST_OPERATOR,  /* .text over one or two items: "+", "=", "||", "not", "is_null"... */
    TN_AST_AND,       /* n items */
    TN_AST_OR,
    TN_AST_LIKE,       /* .text "like", "ilike", "similar_to", "regexp_matches"...; .negated; items:
                          value, pattern [, escape] */
    TN_AST_BETWEEN,    /* .negated; .flag: SYMMETRIC; items: value, low, high */
    TN_AST_IN,         /* .negated; items: value, then the list */
    TN_AST_IN_QUERY,   /* .negated; item: value; .query */
    TN_AST_EXISTS,     /* .query */
    TN_AST_SUBQUERY,   /* .query: one value */
    TN_AST_QUANTIFIED, /* .text: comparison; .flag: ALL, else ANY; item: value, or value and list
                          where .query is NULL */
    TN_AST_CASE,       /* items: operand or NULL; when, then...; else or NULL */
    TN_AST_CAST,       /* item to the type .text; .flag: TRY_CAST; .negated: a typed literal */
    TN_AST_INTERVAL,   /* item; .text: the unit, or empty */
    TN_AST_CALL,       /* function .text over items; .call or NULL */
    TN_AST_ARGUMENT,   /* .text => item */
    TN_AST_LIST,       /* [items] */
    TN_AST_STRUCT,     /* {.names: items} */
    TN_AST_ROW,        /* (a, b), ROW(a) */
    TN_AST_FIELD,      /* item . text */
    TN_AST_SUBSCRIPT,  /* item[item] */
    TN_AST_SLICE,      /* item[item or NULL : item or NULL] */
    TN_AST_GROUPING    /* in GROUP BY; .detail: tn_grouping; items: expressions, ROWs, GROUPINGs */
} tn_ast_kind;

typedef enum tn_grouping { TN_GROUPING_SETS, TN_GROUPING_ROLLUP, TN_GROUPING_CUBE } tn_grouping;

typedef struct tn_ast tn_ast;
typedef struct tn_ast_query tn_ast_query;

typedef struct tn_ast_order {
    tn_ast *expr;
    bool descending, nulls_given, nulls_first;
} tn_ast_order;

/* What only some calls have. */
typedef struct tn_ast_call {
    bool distinct, star, within_group, over;
    tn_span over_span;
    tn_ast *filter;
    const tn_ast_order *order;
    uint32_t order_count;
} tn_ast_call;

typedef struct tn_ast_item {
    tn_ast *expr;
    tn_str alias; /* or empty */
    tn_span alias_span;
} tn_ast_item;

typedef struct tn_ast_star {
    tn_str table;               /* or empty */
    const tn_ast_item *exclude; /* .alias: the name */
    const tn_ast_item *replace; /* .expr AS .alias */
    const tn_ast_item *rename;  /* .expr (a NAME) AS .alias */
    uint32_t exclude_count, replace_count, rename_count;
} tn_ast_star;

struct tn_ast {
    uint8_t kind; /* tn_ast_kind */
    uint8_t detail;
    bool negated, flag;
    uint32_t count;
    tn_span span;
    tn_str text;
    tn_ast **items;
    union {
        const tn_str *names;
        tn_ast_call *call;
        tn_ast_star *star;
        tn_ast_query *query;
    };
};

/* ---- FROM ---- */

typedef enum tn_ast_table_kind {
    TN_TABLE_NAME,     /* .name */
    TN_TABLE_URI,      /* .uri */
    TN_TABLE_FUNCTION, /* .call: a CALL node */
    TN_TABLE_QUERY,    /* .query */
    TN_TABLE_JOIN      /* .left, .right */
} tn_ast_table_kind;

typedef struct tn_ast_table tn_ast_table;
struct tn_ast_table {
    tn_ast_table_kind kind;
    tn_span span;
    tn_str alias;               /* or empty */
    const tn_ast_item *columns; /* AS t(a, b): .alias */
    uint32_t column_count;
    bool lateral, ordinality;
    tn_object_name name;
    tn_str uri;
    tn_ast *call;
    tn_ast_query *query;
    tn_join_kind join; /* INNER without a condition: CROSS */
    bool natural;
    tn_ast_table *left, *right;
    tn_ast *condition;
    const tn_ast_item *using; /* .alias */
    uint32_t using_count;
};

/* ---- queries ---- */

typedef enum tn_ast_query_kind {
    TN_QUERY_SELECT,
    TN_QUERY_VALUES,
    TN_QUERY_UNION, /* .children */
    TN_QUERY_EXCEPT,
    TN_QUERY_INTERSECT
} tn_ast_query_kind;

typedef struct tn_ast_cte {
    tn_str name;
    tn_span span;
    const tn_ast_item *columns; /* .alias */
    uint32_t column_count;
    tn_ast_query *query;
    bool inline_each, materialized, recursive;
    uint32_t uses; /* how often the name stands in a FROM of this text, at most */
} tn_ast_cte;

struct tn_ast_query {
    tn_ast_query_kind kind;
    tn_span span;
    tn_ast_cte *ctes;
    uint32_t cte_count;

    /* SELECT */
    bool distinct;
    tn_ast **distinct_on;
    uint32_t distinct_on_count;
    const tn_ast_item *items;
    uint32_t item_count;
    tn_ast_table *from; /* or NULL */
    tn_ast *where, *having;
    tn_ast **groups;
    uint32_t group_count;
    bool group_all;
    bool is_grouped; /* GROUP BY, also of nothing: () */

    tn_ast **rows; /* VALUES: ROW nodes */
    uint32_t row_count;

    tn_ast_query **children; /* UNION..., two or more */
    uint32_t child_count;
    bool all, by_name;

    const tn_ast_order *order;
    uint32_t order_count;
    bool order_all; /* ORDER BY ALL: order[0] tells how */
    tn_ast *limit, *offset;
    bool fetch_one; /* FETCH FIRST ROW ONLY */
};

/* ---- statements ---- */

typedef struct tn_ast_column {
    tn_str name, type;
    tn_span span, type_span;
    bool not_null;
} tn_ast_column;

typedef struct tn_ast_option {
    tn_str name;
    tn_span span;
    tn_ast **values;
    uint32_t value_count;
} tn_ast_option;

typedef struct tn_ast_statement {
    tn_ast_query *query; /* of all that have one; of INSERT and COPY, too */
    tn_str query_text;   /* CREATE VIEW */
    tn_object_name name;
    const tn_object_name *names;
    uint32_t name_count;
    bool or_replace, if_not_exists, if_exists, temporary;
    const tn_ast_item *columns; /* names in brackets: .alias */
    uint32_t column_count;
    const tn_ast_column *definitions;
    uint32_t definition_count;
    const char *not_enforced; /* PRIMARY KEY, UNIQUE, or NULL */
    bool default_values;      /* INSERT INTO t DEFAULT VALUES */
    tn_ast *uri;              /* COPY TO */
    tn_span uri_span;
    const tn_ast_option *options;
    uint32_t option_count;
    tn_show_kind show;
    tn_str setting;
    tn_span setting_span;
    tn_ast *value; /* SET; NULL: DEFAULT */
} tn_ast_statement;

#endif
