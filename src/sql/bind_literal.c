/* bind_literal.c - literals, parameters and types. */
#include "base/number.h"
#include "sql/bind_internal.h"

enum { DIGITS_I64 = 18, DIGITS_I128 = 38, LITERAL_MAX = 400 };

static TN_FALLIBLE make(tn_binder *b, const tn_value *value, tn_span span, const tn_expr **out,
                        tarn_error *err)
{
    return tn_expr_literal(b->expr_context, value, tn_binder__span(b, span), out, err);
}

static TN_FALLIBLE make_double(tn_binder *b, tn_str digits, tn_span span, const tn_expr **out,
                               tarn_error *err)
{
    double value = 0;
    const tn_parsed parsed = tn_parse_f64(digits.data, digits.size, &value);
    if (parsed == TN_PARSED_TOO_LARGE) {
        return tn_binder__fail(b, span, err, TARN_E_INVALID, "%.*s is too large for a DOUBLE",
                               TN_STR_ARGS(digits));
    }
    const tn_value literal = tn_value_double(value);
    return make(b, &literal, span, out, err);
}

/* The digits without point and underscores, and how many stood behind the point. */
typedef struct number_text {
    char digits[LITERAL_MAX];
    size_t size;
    bool negative;
    unsigned scale;
    unsigned significant; /* digits without zeros before them */
} number_text;

static bool read_digits(tn_str text, number_text *out)
{
    *out = (number_text){.size = 0};
    bool point = false;
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        if (c == '-') {
            out->negative = true;
        } else if (c == '.') {
            point = true;
        } else if (c >= '0' && c <= '9') {
            if (out->size == LITERAL_MAX) {
                return false;
            }
            out->digits[out->size++] = c;
            out->scale += point;
            out->significant += out->significant > 0 || c != '0';
        }
    }
    return true;
}

static TN_FALLIBLE make_decimal(tn_binder *b, tn_str text, const number_text *number, tn_span span,
                                const tn_expr **out, tarn_error *err)
{
    unsigned precision = number->significant > number->scale ? number->significant : number->scale;
    tn_value value = {.is_null = false};
    tn_i128 whole = 0;

    precision = precision == 0 ? 1 : precision;
    if (precision > TN_DECIMAL_DIGITS_MAX) {
        return make_double(b, text, span, out, err);
    }
    TN_RETURN_IF_ERROR(
        tn_types_decimal(b->expr_context->types, precision, number->scale, &value.type, err));
    if (precision > DIGITS_I128) {
        const tn_value string = tn_value_varchar(text);
        const tn_expr *literal;
        TN_RETURN_IF_ERROR(make(b, &string, span, &literal, err));
        return tn_expr_cast(b->expr_context, literal, value.type, false, false,
                            tn_binder__span(b, span), out, err);
    }
    (void)tn_parse_i128(number->digits, number->size, &whole); /* 38 digits always fit */
    whole = number->negative ? -whole : whole;
    if (precision <= DIGITS_I64) {
        value.i64 = (int64_t)whole;
    } else {
        value.i128 = whole;
    }
    return make(b, &value, span, out, err);
}

static TN_FALLIBLE make_hex(tn_binder *b, tn_str text, tn_span span, const tn_expr **out,
                            tarn_error *err)
{
    uint64_t bits = 0;
    const bool negative = text.data[0] == '-';
    for (size_t i = negative ? 3 : 2; i < text.size; i++) {
        const char c = tn_ascii_lower(text.data[i]);
        if (c == '_') {
            continue;
        }
        if (bits >> 59 != 0) {
            return tn_binder__fail(b, span, err, TARN_E_INVALID, "%.*s is too large for a BIGINT",
                                   TN_STR_ARGS(text));
        }
        bits = bits << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    const int64_t number = negative ? -(int64_t)bits : (int64_t)bits;
    tn_value value = tn_value_bigint(number);
    if (number >= INT32_MIN && number <= INT32_MAX) {
        value.type = TN_INTEGER;
    }
    return make(b, &value, span, out, err);
}

static TN_FALLIBLE make_number(tn_binder *b, const tn_ast *ast, const tn_expr **out,
                               tarn_error *err)
{
    number_text number;
    int64_t small;
    const tn_str text = ast->text;
    if (ast->detail == TN_TOKEN_INTEGER && text.size > 2 &&
        tn_ascii_lower(text.data[text.data[0] == '-' ? 2 : 1]) == 'x') {
        return make_hex(b, text, ast->span, out, err);
    }
    if (!read_digits(text, &number)) {
        return tn_binder__fail(b, ast->span, err, TARN_E_LIMIT,
                               "a number of %zu digits is too long", text.size);
    }
    if (ast->detail == TN_TOKEN_DOUBLE) {
        char plain[LITERAL_MAX];
        size_t size = 0;
        for (size_t i = 0; i < text.size && size < LITERAL_MAX; i++) {
            if (text.data[i] != '_') {
                plain[size++] = text.data[i];
            }
        }
        return make_double(b, (tn_str){plain, size}, ast->span, out, err);
    }
    if (ast->detail == TN_TOKEN_DECIMAL || number.significant > 19) {
        return make_decimal(b, text, &number, ast->span, out, err);
    }
    tn_i128 wide = 0;
    (void)tn_parse_i128(number.digits, number.size, &wide);
    wide = number.negative ? -wide : wide;
    if (wide < INT64_MIN || wide > INT64_MAX) {
        return make_decimal(b, text, &number, ast->span, out, err);
    }
    small = (int64_t)wide;
    tn_value value = tn_value_bigint(small);
    if (small >= INT32_MIN && small <= INT32_MAX) {
        value.type = TN_INTEGER;
    }
    return make(b, &value, ast->span, out, err);
}

static TN_FALLIBLE make_parameter(tn_binder *b, const tn_ast *ast, const tn_expr **out,
                                  tarn_error *err)
{
    const tn_parameters *parameters = b->context->parameters;
    for (uint32_t i = 0; parameters != NULL && i < parameters->count; i++) {
        if (tn_str_equal(parameters->names[i], ast->text)) {
            return tn_expr_parameter(b->expr_context, ast->text, parameters->values[i].type,
                                     tn_binder__span(b, ast->span), out, err);
        }
    }
    (void)tn_binder__fail(b, ast->span, err, TARN_E_INVALID, "no value was given for $%.*s",
                          TN_STR_ARGS(ast->text));
    const bool number = ast->text.data[0] >= '0' && ast->text.data[0] <= '9';
    tn_hint(err,
            number ? "? is $1, the next one $2...: give a value for each"
                   : "on the command line: -p %.*s=VALUE",
            TN_STR_ARGS(ast->text));
    return TARN_E_INVALID;
}

tarn_code tn_binder__literal(tn_binder *b, const tn_ast *ast, const tn_expr **out, tarn_error *err)
{
    tn_value value = tn_value_null(TN_TYPE_NULL);
    switch ((tn_ast_kind)ast->kind) {
    case TN_AST_NUMBER:
        return make_number(b, ast, out, err);
    case TN_AST_PARAMETER:
        return make_parameter(b, ast, out, err);
    case TN_AST_BOOLEAN:
        value = tn_value_boolean(ast->flag);
        break;
    case TN_AST_STRING:
        value = tn_value_varchar(ast->text);
        break;
    case TN_AST_BLOB:
        value = tn_value_varchar(ast->text);
        value.type = TN_BLOB;
        break;
    case TN_AST_DEFAULT:
        if (!b->allows_default) {
            return tn_binder__fail(b, ast->span, err, TARN_E_INVALID,
                                   "DEFAULT may only stand in the rows of INSERT");
        }
        break;
    default:
        break;
    }
    return make(b, &value, ast->span, out, err);
}

tarn_code tn_binder__type(tn_binder *b, tn_str text, tn_span span, const tn_type **out,
                          tarn_error *err)
{
    const tarn_code code = tn_types_parse(b->expr_context->types, text, out, err);
    if (code != TARN_OK && code != TARN_E_NOMEM && err != NULL) {
        const tn_span shown = tn_binder__span(b, span);
        err->span_start = shown.start;
        err->span_length = shown.length;
    }
    return code;
}

tarn_code tn_binder__constant(tn_binder *b, const tn_expr *expr, tn_value *out, tarn_error *err)
{
    const tn_parameters *parameters = b->context->parameters;
    if (expr->kind == TN_EXPR_PARAMETER) {
        for (uint32_t i = 0; i < parameters->count; i++) {
            if (tn_str_equal(parameters->names[i], expr->name)) {
                *out = parameters->values[i];
                return TARN_OK;
            }
        }
    }
    return tn_expr_evaluate(b->expr_context, expr, b->pool, out, err);
}

typedef struct row_search {
    bool found;
    bool queries_only;
} row_search;

static bool see_row(void *context, const tn_expr *expr)
{
    row_search *search = context;
    search->found = search->found || expr->kind == TN_EXPR_SUBQUERY ||
                    (expr->kind == TN_EXPR_COLUMN && !search->queries_only);
    return !search->found;
}

tarn_code tn_binder__needs_row(tn_binder *b, const tn_expr *expr, bool *out, tarn_error *err)
{
    row_search search = {false, false};
    *out = false;
    if (expr->kind == TN_EXPR_LITERAL || expr->is_constant) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_expr_walk(expr, b->pool, see_row, &search, err));
    *out = search.found;
    return TARN_OK;
}

tarn_code tn_binder__has_query(tn_binder *b, const tn_expr *expr, bool *out, tarn_error *err)
{
    row_search search = {false, true};
    TN_RETURN_IF_ERROR(tn_expr_walk(expr, b->pool, see_row, &search, err));
    *out = search.found;
    return TARN_OK;
}
