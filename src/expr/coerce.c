/* Which type an argument takes: implicit casts, literals that adapt, overloads. */
#include "expr/expr_internal.h"

#include <stdio.h>

bool tn_coerce__is_text_literal(const tn_expr *expr)
{
    return expr->kind == TN_EXPR_LITERAL && expr->type->kind == TN_KIND_VARCHAR &&
           !expr->value.is_null;
}

bool tn_coerce__is_null_literal(const tn_expr *expr)
{
    return expr->type->kind == TN_KIND_NULL;
}

/* ---- literals that keep their value in another numeric type ---- */

static bool literal_integer(const tn_expr *expr, tn_i128 *value, unsigned *scale)
{
    if (expr->kind != TN_EXPR_LITERAL || expr->value.is_null) {
        return false;
    }
    *scale = 0;
    if (tn_type_is_integer(expr->type)) {
        *value = expr->type->kind >= TN_KIND_UTINYINT ? (tn_i128)expr->value.u64
                                                      : (tn_i128)expr->value.i64;
        return true;
    }
    if (expr->type->kind == TN_KIND_DECIMAL && expr->type->lane != TN_LANE_i256) {
        *value = expr->type->lane == TN_LANE_i128 ? expr->value.i128 : (tn_i128)expr->value.i64;
        *scale = expr->type->scale;
        return true;
    }
    return false;
}

static bool integer_fits(tn_i128 value, const tn_type *type)
{
    switch (type->lane) {
    case TN_LANE_i8:
        return value >= INT8_MIN && value <= INT8_MAX;
    case TN_LANE_i16:
        return value >= INT16_MIN && value <= INT16_MAX;
    case TN_LANE_i32:
        return value >= INT32_MIN && value <= INT32_MAX;
    case TN_LANE_i64:
        return value >= INT64_MIN && value <= INT64_MAX;
    case TN_LANE_u8:
        return value >= 0 && value <= UINT8_MAX;
    case TN_LANE_u16:
        return value >= 0 && value <= UINT16_MAX;
    case TN_LANE_u32:
        return value >= 0 && value <= UINT32_MAX;
    case TN_LANE_u64:
        return value >= 0 && value <= (tn_i128)UINT64_MAX;
    default:
        return false;
    }
}

/* The value times 10^by, exactly; false where it does not fit. */
static bool rescale(tn_i128 *value, unsigned from, unsigned to)
{
    for (; from > to; from--) {
        if (*value % 10 != 0) {
            return false;
        }
        *value /= 10;
    }
    for (; from < to; from++) {
        if (__builtin_mul_overflow(*value, (tn_i128)10, value)) {
            return false;
        }
    }
    return true;
}

/* A numeric literal as a literal of `type`, where that loses nothing. */
static bool adapt_literal(const tn_expr *expr, const tn_type *type, tn_value *out)
{
    tn_i128 value = 0;
    unsigned scale = 0;
    if (!literal_integer(expr, &value, &scale)) {
        return false;
    }
    *out = (tn_value){.type = type};
    if (tn_type_is_integer(type)) {
        if (!rescale(&value, scale, 0) || !integer_fits(value, type)) {
            return false;
        }
        out->i64 = (int64_t)value; /* the same bits as u64 */
        return true;
    }
    if (type->kind == TN_KIND_DECIMAL && type->lane != TN_LANE_i256) {
        tn_i128 bound = 1;
        for (unsigned i = 0; i < type->precision; i++) {
            bound *= 10;
        }
        if (!rescale(&value, scale, type->scale) || value <= -bound || value >= bound) {
            return false;
        }
        if (type->lane == TN_LANE_i128) {
            out->i128 = value;
        } else {
            out->i64 = (int64_t)value;
        }
        return true;
    }
    return false;
}

/* ---- implicit casts ---- */

static int integer_cost(const tn_type *from, const tn_type *to)
{
    static const int size[] = {1, 2, 4, 8};
    const bool from_signed = from->kind <= TN_KIND_BIGINT;
    const bool to_signed = to->kind <= TN_KIND_BIGINT;
    const int from_size = size[(from->kind - TN_KIND_TINYINT) % 4];
    const int to_size = size[(to->kind - TN_KIND_TINYINT) % 4];
    if (from_signed && !to_signed) {
        return -1;
    }
    if (from_signed == to_signed ? to_size < from_size : to_size <= from_size) {
        return -1;
    }
    return 1 + to_size - from_size + (from_signed != to_signed);
}

static int decimal_digits(const tn_type *type)
{
    static const int digits[] = {3, 5, 10, 19, 3, 5, 10, 20};
    return type->kind == TN_KIND_DECIMAL ? type->precision - type->scale
                                         : digits[type->kind - TN_KIND_TINYINT];
}

static int numeric_cost(const tn_type *from, const tn_type *to)
{
    if (tn_type_is_integer(from) && tn_type_is_integer(to)) {
        return integer_cost(from, to);
    }
    if (to->kind == TN_KIND_DOUBLE) {
        return from->kind == TN_KIND_REAL ? 2 : from->kind == TN_KIND_DECIMAL ? 14 : 16;
    }
    if (to->kind == TN_KIND_REAL) {
        return from->kind == TN_KIND_DOUBLE ? -1 : 20;
    }
    if (to->kind == TN_KIND_DECIMAL && !tn_type_is_float(from)) {
        const int from_scale = from->kind == TN_KIND_DECIMAL ? from->scale : 0;
        return from_scale <= to->scale && decimal_digits(from) <= to->precision - to->scale ? 12
                                                                                            : -1;
    }
    return -1;
}

static int time_cost(const tn_type *from, const tn_type *to)
{
    if (from->kind == TN_KIND_DATE) {
        return to->kind == TN_KIND_TIMESTAMP      ? 2
               : to->kind == TN_KIND_TIMESTAMPTZ  ? 3
               : to->kind == TN_KIND_TIMESTAMP_NS ? 4
                                                  : -1;
    }
    if (from->kind == TN_KIND_TIMESTAMP) {
        return to->kind == TN_KIND_TIMESTAMPTZ ? 2 : to->kind == TN_KIND_TIMESTAMP_NS ? 3 : -1;
    }
    return from->kind == TN_KIND_TIMESTAMP_NS && to->kind == TN_KIND_TIMESTAMPTZ ? 4 : -1;
}

/* A VARCHAR literal is read as what is wanted; so are the elements of nested literals. */
static int text_literal_cost(const tn_type *to)
{
    switch (to->kind) {
    case TN_KIND_BLOB:
    case TN_KIND_TIMESTAMP:
        return 30;
    case TN_KIND_DATE:
    case TN_KIND_INTERVAL:
    case TN_KIND_DOUBLE:
    case TN_KIND_BOOLEAN:
        return 31;
    default:
        return tn_cast__exists(TN_VARCHAR, to) ? 33 : -1;
    }
}

/* Every leaf converts implicitly. Depth is bounded by TN_TYPE_DEPTH_MAX, and so is this. */
static int nested_cost(const tn_type *from, const tn_type *to)
{
    int worst = 1;
    if (from->kind != to->kind || from->field_count != to->field_count) {
        return -1;
    }
    for (uint32_t i = 0; i < from->field_count; i++) {
        const tn_expr child = {.kind = TN_EXPR_COLUMN, .type = from->fields[i].type};
        const int cost = tn_coerce__cost(&child, to->fields[i].type);
        if (cost < 0) {
            return -1;
        }
        worst = cost > worst ? cost : worst;
    }
    return worst;
}

int tn_coerce__cost(const tn_expr *from, const tn_type *to)
{
    const tn_type *type = from->type;
    tn_value adapted;
    if (type == to) {
        return 0;
    }
    if (type->kind == TN_KIND_NULL) {
        return 1;
    }
    if (tn_coerce__is_text_literal(from)) {
        return text_literal_cost(to);
    }
    if (tn_type_is_numeric(type) && tn_type_is_numeric(to)) {
        const int cost = numeric_cost(type, to);
        return cost >= 0 ? cost : adapt_literal(from, to, &adapted) ? 10 : -1;
    }
    if (tn_type_is_nested(type) && tn_type_is_nested(to)) {
        return nested_cost(type, to);
    }
    return time_cost(type, to);
}

tarn_code tn_coerce__to(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                        const tn_expr **out, tarn_error *err)
{
    return tn_expr_cast(context, child, type, false, true, child->span, out, err);
}

/* ---- the common type ---- */

tarn_code tn_coerce__common(tn_expr_context *context, const tn_expr *const *children,
                            uint32_t count, bool compare, const tn_type **out, bool *found,
                            tarn_error *err)
{
    const tn_type *common = TN_TYPE_NULL;
    bool text = false;
    tn_value adapted;
    (void)compare;
    *found = true;
    *out = NULL;
    for (uint32_t i = 0; i < count && *found; i++) { /* what is no literal decides */
        if (children[i]->kind != TN_EXPR_LITERAL) {
            TN_RETURN_IF_ERROR(
                tn_types_common(context->types, common, children[i]->type, &common, found, err));
        }
    }
    for (uint32_t i = 0; i < count && *found; i++) {
        const tn_expr *child = children[i];
        if (child->kind != TN_EXPR_LITERAL || adapt_literal(child, common, &adapted)) {
            continue;
        }
        if (tn_coerce__is_text_literal(child)) {
            text = true;
            continue;
        }
        TN_RETURN_IF_ERROR(
            tn_types_common(context->types, common, child->type, &common, found, err));
    }
    if (*found && common->kind == TN_KIND_NULL && text) {
        common = TN_VARCHAR;
    }
    *out = common;
    return TARN_OK;
}

/* ---- overloads ---- */

static const tn_type *type_of_letter(char letter)
{
    switch (letter) {
    case 'b':
        return TN_BOOLEAN;
    case 'i':
        return TN_INTEGER;
    case 'l':
        return TN_BIGINT;
    case 'u':
        return TN_UBIGINT;
    case 'd':
        return TN_DOUBLE;
    case 's':
    case 'S':
        return TN_VARCHAR;
    case 'x':
        return TN_BLOB;
    case 'D':
        return TN_DATE;
    case 't':
        return TN_TIME;
    case 'T':
        return TN_TIMESTAMP;
    case 'N':
        return TN_TIMESTAMP_NS;
    case 'Z':
        return TN_TIMESTAMPTZ;
    case 'v':
        return TN_INTERVAL;
    default:
        return NULL; /* '?' */
    }
}

/* The letter of parameter i, 0 where there is none. */
static char parameter_of(const char *parameters, uint32_t i)
{
    const size_t size = strlen(parameters);
    if (size > 0 && parameters[size - 1] == '*') {
        return i + 2 < size ? parameters[i] : parameters[size - 2];
    }
    return i < size ? parameters[i] : 0;
}

/* Sum of the arguments' costs; below 0 where it does not fit. */
static int overload_cost(const tn_binder *binder, const tn_overload *overload)
{
    const size_t size = strlen(overload->parameters);
    const bool repeats = size > 0 && overload->parameters[size - 1] == '*';
    int sum = 0;
    if (repeats ? binder->count + 2 < size : binder->count != size) {
        return -1;
    }
    for (uint32_t i = 0; i < binder->count; i++) {
        const char letter = parameter_of(overload->parameters, i);
        const tn_type *type = type_of_letter(letter);
        const int cost =
            type == NULL || letter == 'S' ? 0 : tn_coerce__cost(binder->children[i], type);
        if (cost < 0) {
            return -1;
        }
        sum += cost;
    }
    return sum;
}

tarn_code tn_coerce__no_overload(const tn_binder *binder, tarn_error *err)
{
    char types[256];
    size_t size = 0;
    types[0] = 0;
    for (uint32_t i = 0; i < binder->count; i++) {
        const tn_str name = binder->children[i]->type->name;
        const size_t room = sizeof(types) - size;
        const int wrote =
            snprintf(types + size, room, "%s%.*s", i == 0 ? "" : ", ", TN_STR_ARGS(name));
        if (wrote < 0 || (size_t)wrote >= room) {
            break;
        }
        size += (size_t)wrote;
    }
    const bool infix = strcmp(binder->function->category, "operator") == 0 && binder->count == 2;
    const tarn_code code =
        infix ? tn_bind__fail(err, binder->span, "%s is not defined for %.*s and %.*s",
                              binder->function->name, TN_STR_ARGS(binder->children[0]->type->name),
                              TN_STR_ARGS(binder->children[1]->type->name))
              : tn_bind__fail(err, binder->span, "%s is not defined for (%s)",
                              binder->function->name, types);
    if (infix) {
        tn_hint(err, "cast one side to the other's type");
    } else {
        tn_hint(err, "it is %s", binder->function->signature);
    }
    return code;
}

tarn_code tn_coerce__resolve(tn_binder *binder, tarn_error *err)
{
    const tn_overload *best = NULL;
    int best_cost = INT32_MAX;
    for (const tn_overload *overload = binder->function->binding->overloads;
         overload != NULL && overload->parameters != NULL; overload++) {
        const int cost = overload_cost(binder, overload);
        if (cost >= 0 && cost < best_cost) {
            best = overload;
            best_cost = cost;
        }
    }
    if (best == NULL) {
        return tn_coerce__no_overload(binder, err);
    }
    for (uint32_t i = 0; i < binder->count; i++) {
        const char letter = parameter_of(best->parameters, i);
        const tn_type *type = type_of_letter(letter);
        if (letter == 'S') {
            TN_RETURN_IF_ERROR(tn_expr_cast(binder->context, binder->children[i], TN_VARCHAR, false,
                                            false, binder->children[i]->span, &binder->children[i],
                                            err));
        } else if (type != NULL) {
            TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i], type,
                                             &binder->children[i], err));
        } else if (binder->children[i]->type->kind == TN_KIND_NULL && best->result != 'b') {
            TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i], TN_INTEGER,
                                             &binder->children[i], err));
        }
    }
    binder->bound->form = TN_FORM_ROWS;
    binder->bound->kernel = &best->kernel;
    binder->can_fail = best->kernel.can_fail;
    binder->type = best->result >= '1' && best->result <= '9'
                       ? binder->children[best->result - '1']->type
                       : type_of_letter(best->result);
    return TARN_OK;
}

/* ---- literals cast while binding ---- */

/* A numeric or NULL literal in another type, where that loses nothing; else NULL in *out. */
static TN_FALLIBLE cast_literal(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                                const tn_expr **out, tarn_error *err)
{
    tn_value value = {.type = type, .is_null = true};
    *out = NULL;
    if (child->kind != TN_EXPR_LITERAL) {
        return TARN_OK;
    }
    if (!child->value.is_null && !adapt_literal(child, type, &value)) {
        tn_i128 whole = 0;
        unsigned scale = 0;
        const bool known = literal_integer(child, &whole, &scale);
        if (!known || scale != 0 || type->kind != TN_KIND_DOUBLE) {
            return TARN_OK;
        }
        value = tn_value_double((double)whole);
    }
    return tn_bind__literal(context, &value, child->span, out, err);
}

/* Fields are matched by name; UINT32_MAX: there is none. */
static uint32_t field_of(const tn_type *type, tn_str name)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (tn_str_equal_fold(type->fields[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* A list, struct or map that is made here is made of the right parts; NULL: it is none of them.
 * The depth is that of types: TN_TYPE_DEPTH_MAX. */
static TN_FALLIBLE cast_parts(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                              bool try_cast, tn_span span, const tn_expr **out, tarn_error *err)
{
    const tn_expr **parts = NULL;
    const char *name = child->kind == TN_EXPR_CALL ? child->function->name : "";
    const bool list = strcmp(name, "list_value") == 0 && type->kind == TN_KIND_LIST;
    const bool structure = strcmp(name, "struct_pack") == 0 && type->kind == TN_KIND_STRUCT;
    const bool map = strcmp(name, "map") == 0 && type->kind == TN_KIND_MAP;
    uint32_t count = 0;
    *out = NULL;
    if ((!list && !structure && !map) || child->child_count == 0 || try_cast) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_expr *,
                                      2 * (size_t)child->child_count, &parts, err));
    for (uint32_t i = 0; i < child->child_count; i++) {
        const tn_type *part = type->fields[list ? 0 : i].type;
        uint32_t from = i;
        if (structure) { /* names and values in turn */
            from = field_of(child->type, type->fields[i].name);
            if (from == UINT32_MAX) {
                return TARN_OK;
            }
            const tn_value field = tn_value_varchar(type->fields[i].name);
            TN_RETURN_IF_ERROR(tn_expr_literal(context, &field, span, &parts[count++], err));
        } else if (map) {
            TN_RETURN_IF_ERROR(tn_types_list(context->types, part, &part, err));
        }
        TN_RETURN_IF_ERROR(tn_expr_cast(context, child->children[from], part, false, false,
                                        child->children[from]->span, &parts[count++], err));
    }
    return tn_expr_call(context, tn_str_of(name), parts, count, span, out, err);
}

tarn_code tn_expr_cast(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                       bool try_cast, bool implicit, tn_span span, const tn_expr **out,
                       tarn_error *err)
{
    tn_expr *expr = NULL;
    tn_bound_call *bound = NULL;
    *out = child;
    if (child->type == type) {
        return TARN_OK;
    }
    const bool possible =
        implicit ? tn_coerce__cost(child, type) >= 0 : tn_cast__exists(child->type, type);
    if (!possible) {
        tn_bind__fail(err, span,
                      implicit ? "%.*s is not taken as %.*s" : "cannot cast %.*s to %.*s",
                      TN_STR_ARGS(child->type->name), TN_STR_ARGS(type->name));
        if (implicit && tn_cast__exists(child->type, type)) {
            tn_hint(err, "if that is meant, write CAST(... AS %.*s)", TN_STR_ARGS(type->name));
        }
        return TARN_E_INVALID;
    }
    TN_RETURN_IF_ERROR(cast_literal(context, child, type, out, err));
    if (*out != NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(cast_parts(context, child, type, try_cast, span, out, err));
    if (*out != NULL && (*out)->type == type) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_cast__find(context, child->type, type, &bound, err));
    TN_RETURN_IF_ERROR(tn_expr__new(context, TN_EXPR_CAST, type, &child, 1, span, &expr, err));
    expr->try_cast = try_cast;
    expr->function_data = bound;
    expr->fails_itself = !try_cast && tn_cast__can_fail(child->type, type);
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}

tarn_code tn_expr_cast_stored(tn_expr_context *context, const tn_expr *child, const tn_type *type,
                              tn_span span, const tn_expr **out, tarn_error *err)
{
    tn_expr *expr = NULL;
    tn_bound_call *bound = NULL;
    const bool lists = child->type->kind == TN_KIND_LIST && type->kind == TN_KIND_LIST;
    const tn_type *const from = lists ? child->type->fields[0].type : child->type;
    const tn_type *const to = lists ? type->fields[0].type : type;
    if (from != TN_TIMESTAMP_NS || !tn_type_is_timestamp(to) || from == to) {
        return tn_expr_cast(context, child, type, false, false, span, out, err);
    }
    TN_RETURN_IF_ERROR(tn_cast__find(context, child->type, type, &bound, err));
    bound->kernel = lists ? &tn_cast__list_exact : &tn_cast__time_exact;
    TN_RETURN_IF_ERROR(tn_expr__new(context, TN_EXPR_CAST, type, &child, 1, span, &expr, err));
    expr->exact = true;
    expr->function_data = bound;
    expr->fails_itself = true;
    tn_expr__finish(expr);
    *out = expr;
    return TARN_OK;
}
