/* parse_table.c - what stands behind FROM. */
#include "sql/parser_internal.h"

typedef struct table_frame {
    tn_frame head;
    tn_ast_table *table;
    uint32_t start;
    size_t joins;
    bool lateral, call, complete;
} table_frame;

static TN_FALLIBLE new_table(tn_parser *p, tn_ast_table_kind kind, uint32_t start,
                             tn_ast_table **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_table, out, err));
    (*out)->kind = kind;
    (*out)->span = tn_parser__span_from(p, start);
    return TARN_OK;
}

/* ---- one table ---- */

static TN_FALLIBLE parse_table_alias(tn_parser *p, tn_ast_table *table, tarn_error *err)
{
    tn_span span;
    TN_RETURN_IF_ERROR(
        tn_parser__words_ahead(p, TN_KW_WITH, TN_KW_ORDINALITY, &table->ordinality, err));
    if (table->ordinality) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    TN_RETURN_IF_ERROR(tn_parser__alias(p, &table->alias, &span, err));
    if (table->alias.size > 0 && next_is(p, '(')) {
        TN_RETURN_IF_ERROR(tn_parser__name_list(p, &table->columns, &table->column_count, err));
    }
    const bool pivot = next_is_word(p, TN_KW_PIVOT);
    if (pivot || next_is_word(p, TN_KW_UNPIVOT)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, pivot ? "PIVOT" : "UNPIVOT");
    }
    if (next_is_word(p, TN_KW_TABLESAMPLE)) {
        return tn_parser__unsupported(p, next_token(p)->span, err, "TABLESAMPLE");
    }
    return TARN_OK;
}

static TN_FALLIBLE parse_plain_table(tn_parser *p, tn_ast_table **out, tarn_error *err)
{
    const uint32_t start = next_token(p)->span.start;
    if (next_token(p)->kind == TN_TOKEN_STRING) {
        TN_RETURN_IF_ERROR(new_table(p, TN_TABLE_URI, start, out, err));
        TN_RETURN_IF_ERROR(
            tn_token__decode(p->lexer.text, next_token(p), p->arena, &(*out)->uri, err));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        (*out)->span = tn_parser__span_from(p, start);
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(new_table(p, TN_TABLE_NAME, start, out, err));
    TN_RETURN_IF_ERROR(tn_parser__object_name(p, "a table", &(*out)->name, err));
    (*out)->span = (*out)->name.span;
    return TARN_OK;
}

static tarn_code parse_join(void *parser, void *frame, tarn_error *err);

/* (query) or (join) */
static tarn_code parse_table_brackets(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    table_frame *f = frame;
    bool query;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    TN_RETURN_IF_ERROR(tn_parser__query_ahead(p, &query, err));
    if (query) {
        TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = NULL});
        TN_RETURN_IF_ERROR(new_table(p, TN_TABLE_QUERY, f->start, &p->table, err));
        p->table->query = p->query;
    } else {
        TN_CALL(p, f, parse_join, (table_frame){.table = NULL});
        if (p->table->kind == TN_TABLE_QUERY && p->table->alias.size == 0 &&
            tn_parser__goes_on_as_query(p)) {
            /* ((SELECT 1) UNION SELECT 2) t: the inner brackets were a part of the query. */
            f->table = p->table;
            TN_CALL(p, f, tn_parse__query, (tn_query_frame){.first = f->table->query});
            f->table->query = p->query;
            p->table = f->table;
        }
    }
    f->table = p->table;
    TN_RETURN_IF_ERROR(tn_parser__expect(p, ')', "')'", err));
    f->table->span = tn_parser__span_from(p, f->start);
    p->table = f->table;
    TN_ROUTINE_END(p);
}

static tarn_code parse_table(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    table_frame *f = frame;

    TN_ROUTINE(f);
    f->start = next_token(p)->span.start;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_LATERAL, &f->lateral, err));
    TN_RETURN_IF_ERROR(
        tn_parser__words_ahead(p, TN_KW_VALUES, TN_KW_NONE, &f->call, err)); /* FROM VALUES (1) */
    if (f->call) {
        TN_CALL(p, f, tn_parse__values, (tn_values_frame){.start = 0});
        TN_RETURN_IF_ERROR(new_table(p, TN_TABLE_QUERY, f->start, &f->table, err));
        f->table->query = p->query;
    } else if (next_is(p, '(')) {
        TN_CALL(p, f, parse_table_brackets, (table_frame){.table = NULL});
        f->table = p->table;
    } else {
        TN_RETURN_IF_ERROR(tn_parser__call_ahead(p, &f->call, err));
        if (f->call) {
            TN_CALL(p, f, tn_parse__call, (tn_operand_frame){.list = 0});
            TN_RETURN_IF_ERROR(new_table(p, TN_TABLE_FUNCTION, f->start, &f->table, err));
            f->table->call = p->expr;
        } else {
            TN_RETURN_IF_ERROR(parse_plain_table(p, &f->table, err));
            if (f->table->kind == TN_TABLE_NAME) {
                TN_RETURN_IF_ERROR(tn_vec_push(&p->tables, f->table, err));
            }
        }
    }
    f->table->lateral = f->lateral;
    TN_RETURN_IF_ERROR(parse_table_alias(p, f->table, err));
    p->table = f->table;
    TN_ROUTINE_END(p);
}

/* ---- joins ---- */

static TN_FALLIBLE accept_join_kind(tn_parser *p, tn_ast_table *join, bool *taken, tarn_error *err)
{
    bool outer;
    *taken = true;
    join->join = TN_JOIN_INNER;
    if (next_is_word(p, TN_KW_LEFT)) {
        join->join = TN_JOIN_LEFT;
    } else if (next_is_word(p, TN_KW_RIGHT)) {
        join->join = TN_JOIN_RIGHT;
    } else if (next_is_word(p, TN_KW_FULL)) {
        join->join = TN_JOIN_FULL;
    } else if (next_is_word(p, TN_KW_SEMI)) {
        join->join = TN_JOIN_SEMI;
    } else if (next_is_word(p, TN_KW_ANTI)) {
        join->join = TN_JOIN_ANTI;
    } else if (!next_is_word(p, TN_KW_INNER)) {
        *taken = false;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    if ((join->join == TN_JOIN_LEFT || join->join == TN_JOIN_RIGHT) &&
        (next_is_word(p, TN_KW_SEMI) || next_is_word(p, TN_KW_ANTI))) {
        join->lateral = join->join == TN_JOIN_RIGHT; /* of a join: its sides change places */
        join->join = next_is_word(p, TN_KW_SEMI) ? TN_JOIN_SEMI : TN_JOIN_ANTI;
        return tn_parser__skip(p, err);
    }
    return join->join <= TN_JOIN_FULL ? tn_parser__accept_word(p, TN_KW_OUTER, &outer, err)
                                      : TARN_OK;
}

/* [NATURAL] [kind] JOIN; *cross where nothing else may follow. */
static TN_FALLIBLE accept_join(tn_parser *p, tn_ast_table *join, bool *taken, bool *complete,
                               tarn_error *err)
{
    bool kind;
    const bool asof = next_is_word(p, TN_KW_ASOF);
    if (asof || next_is_word(p, TN_KW_POSITIONAL)) {
        return tn_parser__unsupported(p, next_token(p)->span, err,
                                      asof ? "ASOF JOIN" : "POSITIONAL JOIN");
    }
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_CROSS, complete, err));
    if (*complete) {
        *taken = true;
        return tn_parser__expect_word(p, TN_KW_JOIN, err);
    }
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_NATURAL, &join->natural, err));
    *complete = join->natural;
    TN_RETURN_IF_ERROR(accept_join_kind(p, join, &kind, err));
    if (kind || join->natural) {
        *taken = true;
        return tn_parser__expect_word(p, TN_KW_JOIN, err);
    }
    return tn_parser__accept_word(p, TN_KW_JOIN, taken, err);
}

/* The join that waits longest on top takes its right side. */
static void close_join(tn_parser *p, tn_ast_table **table)
{
    tn_ast_table *join = tn_vec_pop(&p->joins);
    join->right = *table;
    if (join->lateral) {
        join->right = join->left;
        join->left = *table;
    }
    const uint32_t start = join->lateral ? join->right->span.start : join->left->span.start;
    join->lateral = false;
    join->span = tn_parser__span_from(p, start);
    *table = join;
}

/* Tables and joins without commas.  a JOIN b JOIN c ON x ON y nests to the right. */
static tarn_code parse_join(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    table_frame *f = frame;
    tn_ast_table join;
    bool taken;

    TN_ROUTINE(f);
    f->joins = p->joins.count;
    TN_CALL(p, f, parse_table, (table_frame){.table = NULL});
    f->table = p->table;
    for (;;) {
        join = (tn_ast_table){.kind = TN_TABLE_JOIN, .left = f->table};
        TN_RETURN_IF_ERROR(accept_join(p, &join, &taken, &f->complete, err));
        if (taken) {
            tn_ast_table *node;
            TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast_table, &node, err));
            *node = join;
            TN_RETURN_IF_ERROR(tn_vec_push(&p->joins, node, err));
            TN_CALL(p, f, parse_table, (table_frame){.table = NULL});
            f->table = p->table;
            if (f->complete) {
                close_join(p, &f->table);
            }
        } else if (p->joins.count > f->joins && next_is_word(p, TN_KW_ON)) {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            TN_CALL(p, f, tn_parse__expr, (tn_expr_frame){.no_in = false});
            close_join(p, &f->table);
            f->table->condition = p->expr;
        } else if (p->joins.count > f->joins && next_is_word(p, TN_KW_USING)) {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
            close_join(p, &f->table);
            TN_RETURN_IF_ERROR(
                tn_parser__name_list(p, &f->table->using, &f->table->using_count, err));
            f->table->span = tn_parser__span_from(p, f->table->span.start);
        } else {
            break;
        }
    }
    if (p->joins.count > f->joins) {
        return tn_parser__expected(p, "ON or USING of the JOIN", err);
    }
    p->table = f->table;
    TN_ROUTINE_END(p);
}

tarn_code tn_parse__from(void *parser, void *frame, tarn_error *err)
{
    tn_parser *p = parser;
    tn_from_frame *f = frame;
    tn_ast_table *join;
    bool more;

    TN_ROUTINE(f);
    do {
        TN_CALL(p, f, parse_join, (table_frame){.table = NULL});
        if (f->table == NULL) {
            f->table = p->table;
        } else {
            TN_RETURN_IF_ERROR(new_table(p, TN_TABLE_JOIN, f->table->span.start, &join, err));
            join->join = TN_JOIN_INNER;
            join->left = f->table;
            join->right = p->table;
            f->table = join;
        }
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more);
    p->table = f->table;
    TN_ROUTINE_END(p);
}
