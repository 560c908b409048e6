#include "support/exprs.h"

void exprs_init(exprs *e, tn_pool *pool)
{
    *e = (exprs){.err = TARN_ERROR_INIT};
    tn_arena_init(&e->arena, pool);
    e->code = tn_types_create(pool, &e->types, &e->err);
    e->context = (tn_expr_context){.arena = &e->arena,
                                   .types = e->types,
                                   .now_us = INT64_C(1000000000000000),
                                   .seed = 42,
                                   .zone = TN_STR("UTC")};
}

void exprs_deinit(exprs *e)
{
    tn_arena_deinit(&e->arena);
    tn_types_destroy(e->types);
}

const tn_type *exprs_type(exprs *e, const char *name)
{
    const tn_type *type = NULL;
    if (e->code == TARN_OK) {
        e->code = tn_types_parse(e->types, tn_str_of(name), &type, &e->err);
    }
    return type;
}

const tn_expr *exprs_column(exprs *e, uint32_t id, const char *type)
{
    const char name = (char)('a' + id);
    const tn_expr *out = NULL;
    const tn_type *column_type = exprs_type(e, type);
    if (e->code == TARN_OK) {
        e->code = tn_expr_column(&e->context, id, (tn_str){&name, 1}, column_type, (tn_span){0, 0},
                                 &out, &e->err);
    }
    return out;
}

static const tn_expr *literal(exprs *e, const tn_value *value)
{
    const tn_expr *out = NULL;
    if (e->code == TARN_OK) {
        e->code = tn_expr_literal(&e->context, value, (tn_span){0, 0}, &out, &e->err);
    }
    return out;
}

const tn_expr *exprs_int(exprs *e, int64_t value)
{
    const tn_value v = {.type = value >= INT32_MIN && value <= INT32_MAX ? TN_INTEGER : TN_BIGINT,
                        .i64 = value};
    return literal(e, &v);
}

const tn_expr *exprs_double(exprs *e, double value)
{
    const tn_value v = tn_value_double(value);
    return literal(e, &v);
}

const tn_expr *exprs_text(exprs *e, const char *value)
{
    const tn_value v = tn_value_varchar(tn_str_of(value));
    return literal(e, &v);
}

const tn_expr *exprs_null(exprs *e)
{
    const tn_value v = tn_value_null(TN_TYPE_NULL);
    return literal(e, &v);
}

const tn_expr *exprs_typed(exprs *e, const char *text, const char *type)
{
    return exprs_cast(e, exprs_text(e, text), type, false);
}

const tn_expr *exprs_call_(exprs *e, const char *name, const tn_expr *const *children,
                           uint32_t count)
{
    const tn_expr *out = NULL;
    if (e->code == TARN_OK) {
        e->code = tn_expr_call(&e->context, tn_str_of(name), children, count, (tn_span){0, 0}, &out,
                               &e->err);
    }
    return out;
}

const tn_expr *exprs_cast(exprs *e, const tn_expr *child, const char *type, bool try_cast)
{
    const tn_expr *out = NULL;
    const tn_type *wanted = exprs_type(e, type);
    if (e->code == TARN_OK) {
        e->code = tn_expr_cast(&e->context, child, wanted, try_cast, false, (tn_span){0, 0}, &out,
                               &e->err);
    }
    return out;
}

const char *exprs_print(exprs *e, const tn_expr *expr)
{
    tn_text text;
    tn_str out = TN_STR("");
    if (e->code != TARN_OK) {
        return e->err.message;
    }
    tn_text_init(&text, e->arena.pool, 1 << 20);
    tn_expr_print(expr, &text);
    e->code = tn_text_status(&text, &e->err);
    if (e->code == TARN_OK) {
        e->code = tn_arena_copy(&e->arena, tn_text_str(&text), &out, &e->err);
    }
    tn_text_deinit(&text);
    return out.data == NULL ? "" : out.data;
}
