/* parse.c - tokens ahead, names, types, what went wrong; the loop over statements. */
#include "sql/parser_internal.h"

#include "base/utf8.h"

/* ---- tokens ---- */

tarn_code tn_parser__peek(tn_parser *p, uint32_t far, const tn_token **out, tarn_error *err)
{
    while (p->ahead_count <= far) {
        tn_token *slot = &p->ahead[(p->ahead_at + p->ahead_count) % LOOKAHEAD];
        TN_RETURN_IF_ERROR(tn_lexer__next(&p->lexer, slot, err));
        p->ahead_count++;
    }
    *out = &p->ahead[(p->ahead_at + far) % LOOKAHEAD];
    return TARN_OK;
}

tarn_code tn_parser__skip(tn_parser *p, tarn_error *err)
{
    const tn_token *next;
    p->last = *next_token(p);
    p->ahead_at = (p->ahead_at + 1) % LOOKAHEAD;
    p->ahead_count--;
    return tn_parser__peek(p, 0, &next, err);
}

tarn_code tn_parser__accept(tn_parser *p, uint32_t symbol, bool *taken, tarn_error *err)
{
    *taken = next_is(p, symbol);
    return *taken ? tn_parser__skip(p, err) : TARN_OK;
}

tarn_code tn_parser__accept_word(tn_parser *p, tn_keyword word, bool *taken, tarn_error *err)
{
    *taken = next_is_word(p, word);
    return *taken ? tn_parser__skip(p, err) : TARN_OK;
}

tarn_code tn_parser__words_ahead(tn_parser *p, tn_keyword first, tn_keyword second, bool *found,
                                 tarn_error *err)
{
    const tn_token *behind;
    *found = false;
    if (!next_is_word(p, first)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    *found = second == TN_KW_NONE ? behind->kind == TN_TOKEN_SYMBOL && behind->symbol == '('
                                  : behind->kind == TN_TOKEN_NAME && behind->keyword == second;
    return TARN_OK;
}

tarn_code tn_parser__expect(tn_parser *p, uint32_t symbol, const char *what, tarn_error *err)
{
    return next_is(p, symbol) ? tn_parser__skip(p, err) : tn_parser__expected(p, what, err);
}

tarn_code tn_parser__expect_word(tn_parser *p, tn_keyword word, tarn_error *err)
{
    return next_is_word(p, word) ? tn_parser__skip(p, err)
                                 : tn_parser__expected(p, tn_keyword__text(word), err);
}

/* ---- what went wrong ---- */

static tn_str token_text(const tn_parser *p, const tn_token *token)
{
    return tn_str_slice(p->lexer.text, token->span.start, token->span.start + token->span.length);
}

/* The word of the grammar that was perhaps meant. */
static tn_str nearest_keyword(const tn_parser *p, const tn_token *token)
{
    static const char *const words[] = {
        "SELECT",   "FROM",      "WHERE",  "GROUP BY", "HAVING",   "ORDER",  "LIMIT",
        "OFFSET",   "UNION",     "EXCEPT", "JOIN",     "INNER",    "CREATE", "TABLE",
        "INSERT",   "INTO",      "VALUES", "DROP",     "COPY",     "SHOW",   "EXPLAIN",
        "DESCRIBE", "INTERSECT", "GROUP",  "BETWEEN",  "DISTINCT", "USING",  "LATERAL",
        "WITH",     "WHEN",      "THEN",   "ELSE",     "LIKE",     "VIEW"};
    enum { WORDS = sizeof(words) / sizeof(*words) };
    tn_str names[WORDS];
    const tn_str text = token_text(p, token);

    if (token->kind != TN_TOKEN_NAME || token->keyword != TN_KW_NONE || text.size < 3) {
        return TN_STR_NONE;
    }
    for (size_t i = 0; i < WORDS; i++) {
        names[i] = tn_str_of(words[i]);
    }
    const tn_str nearest = tn_str_nearest(text, names, WORDS);
    /* Short words are near to nearly everything: the first letter must be right, too. */
    const bool alike =
        nearest.size > 0 && tn_ascii_lower(nearest.data[0]) == tn_ascii_lower(text.data[0]);
    return alike ? nearest : TN_STR_NONE;
}

tarn_code tn_parser__expected(tn_parser *p, const char *what, tarn_error *err)
{
    enum { SHOWN_MAX = 40 };
    const tn_token found = *next_token(p);
    const tn_str text = token_text(p, &found);
    const int shown = text.size > SHOWN_MAX ? SHOWN_MAX : (int)text.size;
    const tn_str here = nearest_keyword(p, &found);
    const tn_str before = nearest_keyword(p, &p->last);

    if (found.kind == TN_TOKEN_END) {
        (void)tn_sql__fail(p->lexer.text, found.span, err, TARN_E_INVALID,
                           "expected %s before the end of the statement", what);
    } else {
        (void)tn_sql__fail(p->lexer.text, found.span, err, TARN_E_INVALID,
                           "expected %s before '%.*s%s'", what, shown, text.data,
                           text.size > SHOWN_MAX ? "..." : "");
    }
    if (before.size > 0) {
        tn_hint(err, "did you mean '%.*s' for '%.*s'?", TN_STR_ARGS(before),
                TN_STR_ARGS(token_text(p, &p->last)));
    } else if (here.size > 0) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(here));
    } else if (found.kind == TN_TOKEN_NAME && tn_keyword__class(found.keyword) == 'r') {
        tn_hint(err, "%s is a reserved word: as a name, write \"%.*s\"",
                tn_keyword__text(found.keyword), TN_STR_ARGS(text));
    }
    return TARN_E_INVALID;
}

tarn_code tn_sql__not_built(tn_str text, tn_span span, tarn_error *err, const char *what)
{
    static const char *const list[][2] = {
        {"window functions (OVER)",
         "a group's figures: GROUP BY in a subquery, joined by its keys; its first rows: a LATERAL "
         "subquery with ORDER BY and LIMIT"},
        {"the WINDOW clause", "GROUP BY in a subquery, joined by its keys"},
        {"QUALIFY", "DISTINCT ON (key) with ORDER BY keeps the first row of each key"},
        {"TABLESAMPLE", "WHERE random() < 0.1 keeps about a tenth"},
        {"USING SAMPLE", "WHERE random() < 0.1 keeps about a tenth"},
        {"LIMIT of a percentage", "count(*) says how many rows there are"},
        {"ASOF JOIN",
         "LEFT JOIN LATERAL (SELECT ... WHERE b.at <= a.at ORDER BY b.at DESC LIMIT 1) b ON true"},
        {"POSITIONAL JOIN", "files have a column _row to join by"},
        {"PIVOT", "sum(x) FILTER (WHERE k = 'a') makes a column of a value"},
        {"UNPIVOT", "UNION ALL takes one SELECT for each column"},
        {"GROUPING()", "a key IS NULL in the rows that are not grouped by it"},
        {"COLUMNS()", "name the columns, or leave some out: * EXCLUDE (a)"},
        {"OVERLAY ... PLACING", "left(), right() and || do the same"},
        {"lists made by FOR", "unnest() the list in FROM, and gather the results with list()"},
        {"recursive queries (WITH RECURSIVE that reads itself)",
         "range() and generate_series() make series"},
        {"UPDATE", "CREATE OR REPLACE TABLE ... AS SELECT makes the table anew"},
        {"DELETE", "CREATE OR REPLACE TABLE ... AS SELECT ... WHERE keeps the other rows"},
        {"-> of JSON", "read_json() gives JSON's fields as columns"}};
    const tarn_code code =
        tn_sql__fail(text, span, err, TARN_E_UNSUPPORTED, "%s: not built yet", what);
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        if (strcmp(list[i][0], what) == 0) {
            tn_hint(err, "%s", list[i][1]);
        }
    }
    return code;
}

tarn_code tn_parser__unsupported(tn_parser *p, tn_span span, tarn_error *err, const char *what)
{
    return tn_sql__not_built(p->lexer.text, span, err, what);
}

/* ---- names ---- */

bool tn_parser__is_name(const tn_token *token, bool alias)
{
    const char class = token->kind == TN_TOKEN_NAME ? tn_keyword__class(token->keyword) : 'r';
    return token->kind == TN_TOKEN_QUOTED || class == 'u' || (class == 't' && !alias);
}

static TN_FALLIBLE take_name(tn_parser *p, tn_str *out, tn_span *span, tarn_error *err)
{
    const tn_token token = *next_token(p);
    TN_RETURN_IF_ERROR(tn_token__decode(p->lexer.text, &token, p->arena, out, err));
    *span = token.span;
    if (out->size == 0) {
        return tn_sql__fail(p->lexer.text, token.span, err, TARN_E_INVALID,
                            "a name cannot be empty");
    }
    return tn_parser__skip(p, err);
}

tarn_code tn_parser__name(tn_parser *p, const char *what, tn_str *out, tn_span *span,
                          tarn_error *err)
{
    return tn_parser__is_name(next_token(p), false) ? take_name(p, out, span, err)
                                                    : tn_parser__expected(p, what, err);
}

tarn_code tn_parser__label(tn_parser *p, const char *what, tn_str *out, tn_span *span,
                           tarn_error *err)
{
    const tn_token_kind kind = next_token(p)->kind;
    return kind == TN_TOKEN_NAME || kind == TN_TOKEN_QUOTED ? take_name(p, out, span, err)
                                                            : tn_parser__expected(p, what, err);
}

tarn_code tn_parser__object_name(tn_parser *p, const char *what, tn_object_name *out,
                                 tarn_error *err)
{
    const uint32_t start = next_token(p)->span.start;
    tn_span span;
    bool more;
    *out = (tn_object_name){.span = {0, 0}};
    TN_RETURN_IF_ERROR(tn_parser__name(p, what, &out->name, &span, err));
    TN_RETURN_IF_ERROR(tn_parser__accept(p, '.', &more, err));
    for (int parts = 1; more && parts < 3; parts++) {
        out->catalogue = out->schema;
        out->schema = out->name;
        TN_RETURN_IF_ERROR(tn_parser__label(p, what, &out->name, &span, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, '.', &more, err));
    }
    out->span = tn_parser__span_from(p, start);
    return TARN_OK;
}

tarn_code tn_parser__name_list(tn_parser *p, const tn_ast_item **out, uint32_t *count,
                               tarn_error *err)
{
    const size_t base = p->items.count;
    bool more;
    TN_RETURN_IF_ERROR(tn_parser__expect(p, '(', "'('", err));
    do {
        tn_ast_item item = {.expr = NULL};
        TN_RETURN_IF_ERROR(tn_parser__name(p, "a column", &item.alias, &item.alias_span, err));
        TN_RETURN_IF_ERROR(tn_vec_push(&p->items, item, err));
        TN_RETURN_IF_ERROR(tn_parser__accept(p, ',', &more, err));
    } while (more);
    TN_RETURN_IF_ERROR(tn_parser__take_items(p, base, out, count, err));
    return tn_parser__expect(p, ')', "',' or ')'", err);
}

tarn_code tn_parser__alias(tn_parser *p, tn_str *alias, tn_span *span, tarn_error *err)
{
    bool as;
    TN_RETURN_IF_ERROR(tn_parser__accept_word(p, TN_KW_AS, &as, err));
    if (as) {
        return tn_parser__label(p, "a name", alias, span, err);
    }
    return tn_parser__is_name(next_token(p), true) ? take_name(p, alias, span, err) : TARN_OK;
}

/* ---- types ---- */

static bool next_is_text(const tn_parser *p, const char *word)
{
    return next_token(p)->kind == TN_TOKEN_NAME &&
           tn_str_equal_fold(token_text(p, next_token(p)), tn_str_of(word));
}

bool tn_parser__is_unit(const tn_parser *p)
{
    static const char *const units[] = {
        "YEAR",        "MONTH",   "DAY",          "HOUR",         "MINUTE",    "WEEK",
        "QUARTER",     "SECOND",  "DECADE",       "CENTURY",      "YEARS",     "MONTHS",
        "DAYS",        "HOURS",   "MINUTES",      "WEEKS",        "SECONDS",   "MILLISECOND",
        "MICROSECOND", "DECADES", "MILLISECONDS", "MICROSECONDS", "CENTURIES", "QUARTERS"};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (next_is_text(p, units[i])) {
            return true;
        }
    }
    return false;
}

tarn_code tn_parser__call_ahead(tn_parser *p, bool *found, tarn_error *err)
{
    const tn_token *behind;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    *found = tn_parser__is_name(next_token(p), false) && behind->kind == TN_TOKEN_SYMBOL &&
             behind->symbol == '(';
    return TARN_OK;
}

tarn_code tn_parser__typed_literal_ahead(tn_parser *p, bool *found, tarn_error *err)
{
    const tn_token *behind;
    TN_RETURN_IF_ERROR(tn_parser__peek(p, 1, &behind, err));
    *found = behind->kind == TN_TOKEN_STRING;
    if ((next_is_text(p, "TIMESTAMP") || next_is_text(p, "TIME")) &&
        behind->kind == TN_TOKEN_NAME &&
        (behind->keyword == TN_KW_WITH || behind->keyword == TN_KW_WITHOUT)) {
        TN_RETURN_IF_ERROR(tn_parser__peek(p, 3, &behind, err));
        *found = behind->kind == TN_TOKEN_NAME && behind->keyword == TN_KW_ZONE;
    }
    return TARN_OK;
}

/* (10, 2), (a INT, b VARCHAR[]), []: all that stands in brackets, however deep. */
static TN_FALLIBLE skip_brackets(tn_parser *p, tarn_error *err)
{
    int64_t depth = 0;
    do {
        depth += next_is(p, '(') || next_is(p, '[');
        depth -= next_is(p, ')') || next_is(p, ']');
        if (next_token(p)->kind == TN_TOKEN_END || next_is(p, ';')) {
            return tn_parser__expected(p, "the end of the type", err);
        }
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    } while (depth > 0);
    return TARN_OK;
}

tarn_code tn_parser__type(tn_parser *p, tn_str *out, tn_span *span, tarn_error *err)
{
    const uint32_t start = next_token(p)->span.start;
    bool found;
    tn_str name;
    TN_RETURN_IF_ERROR(tn_parser__name(p, "a type", &name, span, err));
    if (next_is_text(p, "PRECISION") || next_is_text(p, "VARYING")) {
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
    }
    if (next_is_text(p, "UNSIGNED")) { /* INT UNSIGNED is UINTEGER */
        const bool plain = tn_str_equal_fold(name, TN_STR("INT"));
        TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        *span = tn_parser__span_from(p, start);
        return tn_arena_print(p->arena, out, err, "U%.*s%s", TN_STR_ARGS(name),
                              plain ? "EGER" : "");
    }
    if (next_is(p, '(')) {
        TN_RETURN_IF_ERROR(skip_brackets(p, err));
    }
    const tn_keyword with = next_is_word(p, TN_KW_WITHOUT) ? TN_KW_WITHOUT : TN_KW_WITH;
    if (next_is_word(p, with)) {
        const tn_token *zone;
        TN_RETURN_IF_ERROR(tn_parser__peek(p, 2, &zone, err));
        found = zone->kind == TN_TOKEN_NAME && zone->keyword == TN_KW_ZONE;
        for (int i = 0; found && i < 3; i++) {
            TN_RETURN_IF_ERROR(tn_parser__skip(p, err));
        }
    }
    while (next_is(p, '[')) {
        TN_RETURN_IF_ERROR(skip_brackets(p, err));
    }
    *span = tn_parser__span_from(p, start);
    *out = tn_str_slice(p->lexer.text, start, start + span->length);
    return TARN_OK;
}

/* ---- nodes ---- */

tn_span tn_parser__span_from(const tn_parser *p, uint32_t start)
{
    const uint32_t end = p->last.span.start + p->last.span.length;
    return (tn_span){start, end > start ? end - start : 0};
}

tarn_code tn_parser__node(tn_parser *p, tn_ast_kind kind, uint32_t start, tn_ast **out,
                          tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(p->arena, tn_ast, out, err));
    (*out)->kind = (uint8_t)kind;
    (*out)->span = tn_parser__span_from(p, start);
    return TARN_OK;
}

tarn_code tn_parser__items_to(tn_parser *p, size_t base, tn_ast *node, tarn_error *err)
{
    node->count = (uint32_t)(p->values.count - base);
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_ast *, node->count, &node->items, err));
    if (node->count > 0) {
        memcpy(node->items, p->values.items + base, node->count * sizeof(*node->items));
    }
    p->values.count = base;
    return TARN_OK;
}

tarn_code tn_parser__take_items(tn_parser *p, size_t base, const tn_ast_item **out, uint32_t *count,
                                tarn_error *err)
{
    tn_ast_item *items;
    *count = (uint32_t)(p->items.count - base);
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_ast_item, *count, &items, err));
    if (*count > 0) {
        memcpy(items, p->items.items + base, *count * sizeof(*items));
    }
    p->items.count = base;
    *out = items;
    return TARN_OK;
}

/* ---- statements ---- */

/* A query that is read once needs no keeping: counts at most too many. */
static void count_uses(tn_parser *p)
{
    for (size_t w = 0; w < p->withs.count; w++) {
        const tn_ast_query *query = p->withs.items[w];
        for (uint32_t c = 0; c < query->cte_count; c++) {
            for (size_t t = 0; t < p->tables.count; t++) {
                const tn_object_name *name = &p->tables.items[t]->name;
                query->ctes[c].uses +=
                    name->schema.size == 0 && tn_str_equal_fold(name->name, query->ctes[c].name);
            }
        }
    }
}

static TN_FALLIBLE parse_one(tn_parser *p, tn_statement *out, tarn_error *err)
{
    void *frame;
    *out = (tn_statement){.text = p->lexer.text};
    p->parameters = 0;
    p->tables.count = 0;
    p->withs.count = 0;
    TN_RETURN_IF_ERROR(tn_routine_push(&p->routines, tn_parse__statement,
                                       sizeof(tn_statement_frame), &frame, err));
    ((tn_statement_frame *)frame)->statement = out;
    TN_RETURN_IF_ERROR(tn_routines_run(&p->routines, p, err));
    count_uses(p);
    if (!next_is(p, ';') && next_token(p)->kind != TN_TOKEN_END) {
        return tn_parser__expected(p, "the end of the statement", err);
    }
    return TARN_OK;
}

static void parser_init(tn_parser *p, tn_str text, tn_arena *arena, tn_pool *pool)
{
    *p = (tn_parser){.arena = arena,
                     .pool = pool,
                     .lexer = {text, 0},
                     .values = TN_VEC_INIT(pool),
                     .operators = TN_VEC_INIT(pool),
                     .items = TN_VEC_INIT(pool),
                     .orders = TN_VEC_INIT(pool),
                     .definitions = TN_VEC_INIT(pool),
                     .options = TN_VEC_INIT(pool),
                     .names = TN_VEC_INIT(pool),
                     .queries = TN_VEC_INIT(pool),
                     .tables = TN_VEC_INIT(pool),
                     .ctes = TN_VEC_INIT(pool),
                     .withs = TN_VEC_INIT(pool),
                     .joins = TN_VEC_INIT(pool)};
    tn_routines_init(&p->routines, pool);
}

static void parser_deinit(tn_parser *p)
{
    tn_routines_deinit(&p->routines);
    tn_vec_free(&p->values);
    tn_vec_free(&p->operators);
    tn_vec_free(&p->items);
    tn_vec_free(&p->orders);
    tn_vec_free(&p->definitions);
    tn_vec_free(&p->options);
    tn_vec_free(&p->names);
    tn_vec_free(&p->queries);
    tn_vec_free(&p->tables);
    tn_vec_free(&p->ctes);
    tn_vec_free(&p->withs);
    tn_vec_free(&p->joins);
}

/* What literals and names are made of. */
static TN_FALLIBLE check_text(tn_str text, tarn_error *err)
{
    const size_t wrong = tn_utf8_check(text.data, text.size);
    if (wrong == text.size) {
        return TARN_OK;
    }
    (void)tn_sql__fail(text, (tn_span){(uint32_t)wrong, 1}, err, TARN_E_INVALID,
                       "the text has a byte that is no UTF-8");
    tn_hint(err, "convert it first; binary values are written as BLOB '\\xFF'");
    return TARN_E_INVALID;
}

tarn_code tn_sql_parse(tn_str text, tn_arena *arena, tn_pool *pool, const tn_statement **statements,
                       size_t *count, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_parser parser;
    TN_VEC(tn_statement) found = TN_VEC_INIT(pool);
    const tn_token *first;
    tn_statement statement;
    tn_statement *out;
    bool taken;

    *statements = NULL;
    *count = 0;
    parser_init(&parser, text, arena, pool);
    TN_TRY(check_text(text, err));
    TN_TRY(tn_parser__peek(&parser, 0, &first, err));
    for (;;) {
        TN_TRY(tn_parser__accept(&parser, ';', &taken, err));
        if (taken) {
            continue;
        }
        if (next_token(&parser)->kind == TN_TOKEN_END) {
            break;
        }
        TN_TRY(parse_one(&parser, &statement, err));
        TN_TRY(tn_vec_push(&found, statement, err));
    }
    TN_TRY(tn_arena_array(arena, tn_statement, found.count, &out, err));
    if (found.count > 0) {
        memcpy(out, found.items, found.count * sizeof(*out));
    }
    *statements = out;
    *count = found.count;
done:
    tn_vec_free(&found);
    parser_deinit(&parser);
    return code;
}

tarn_code tn_sql__parse_expression(tn_str text, tn_arena *arena, tn_pool *pool, tn_ast **out,
                                   tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_parser parser;
    const tn_token *first;
    void *frame;

    *out = NULL;
    parser_init(&parser, text, arena, pool);
    TN_TRY(tn_parser__peek(&parser, 0, &first, err));
    TN_TRY(tn_routine_push(&parser.routines, tn_parse__expr, sizeof(tn_expr_frame), &frame, err));
    TN_TRY(tn_routines_run(&parser.routines, &parser, err));
    if (next_token(&parser)->kind != TN_TOKEN_END) {
        code = tn_parser__expected(&parser, "the end of the expression", err);
        goto done;
    }
    *out = parser.expr;
done:
    parser_deinit(&parser);
    return code;
}
