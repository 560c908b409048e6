/* Casts: which exist, which can fail, and the kernel of each. */
#include "expr/expr_internal.h"

static bool is_time(const tn_type *type)
{
    return tn_type_is_timestamp(type) || type->kind == TN_KIND_DATE;
}

bool tn_cast__exists(const tn_type *from, const tn_type *to)
{
    if (from == to || from->kind == TN_KIND_NULL) {
        return true;
    }
    if (to->kind == TN_KIND_NULL) {
        return false;
    }
    if (tn_type_is_nested(from) || tn_type_is_nested(to)) {
        if (to->kind == TN_KIND_VARCHAR) {
            return true; /* as JSON */
        }
        if (from->kind != to->kind || from->field_count != to->field_count) {
            return false;
        }
        for (uint32_t i = 0; i < from->field_count; i++) { /* depth: TN_TYPE_DEPTH_MAX */
            if (!tn_cast__exists(from->fields[i].type, to->fields[i].type)) {
                return false;
            }
        }
        return true;
    }
    if (from->kind == TN_KIND_VARCHAR || to->kind == TN_KIND_VARCHAR) {
        return true;
    }
    if (tn_type_is_numeric(from)) {
        return tn_type_is_numeric(to) || (to->kind == TN_KIND_BOOLEAN && tn_type_is_integer(from));
    }
    if (from->kind == TN_KIND_BOOLEAN) {
        return tn_type_is_numeric(to);
    }
    if (is_time(from) && is_time(to)) {
        return true;
    }
    return (tn_type_is_timestamp(from) && to->kind == TN_KIND_TIME) ||
           (from->kind == TN_KIND_TIME && to->kind == TN_KIND_INTERVAL);
}

/* Integer bits and sign, for what always fits. */
static bool integer_holds(const tn_type *from, const tn_type *to)
{
    static const int bits[] = {7, 15, 31, 63, 8, 16, 32, 64};
    const bool from_signed = from->kind <= TN_KIND_BIGINT;
    const bool to_signed = to->kind <= TN_KIND_BIGINT;
    return (to_signed || !from_signed) &&
           bits[to->kind - TN_KIND_TINYINT] >= bits[from->kind - TN_KIND_TINYINT];
}

static bool decimal_holds(const tn_type *from, const tn_type *to)
{
    static const int digits[] = {3, 5, 10, 19, 3, 5, 10, 20};
    const int whole = from->kind == TN_KIND_DECIMAL ? from->precision - from->scale
                                                    : digits[from->kind - TN_KIND_TINYINT];
    const int scale = from->kind == TN_KIND_DECIMAL ? from->scale : 0;
    /* fewer digits behind the point may round up into one more before it */
    return to->precision - to->scale >= whole + (scale > to->scale);
}

bool tn_cast__can_fail(const tn_type *from, const tn_type *to)
{
    if (from == to || from->kind == TN_KIND_NULL || from->kind == TN_KIND_BOOLEAN ||
        to->kind == TN_KIND_VARCHAR || to->kind == TN_KIND_BOOLEAN) {
        return from->kind == TN_KIND_VARCHAR || from->kind == TN_KIND_BLOB;
    }
    if (tn_type_is_integer(from) && tn_type_is_integer(to)) {
        return !integer_holds(from, to);
    }
    if (tn_type_is_numeric(from) && tn_type_is_float(to)) {
        return (to->kind == TN_KIND_REAL && from->kind == TN_KIND_DOUBLE) ||
               from->lane == TN_LANE_i256; /* beyond 38 digits */
    }
    if (to->kind == TN_KIND_DECIMAL && !tn_type_is_float(from) && tn_type_is_numeric(from)) {
        return !decimal_holds(from, to);
    }
    return !(is_time(from) && to->kind == TN_KIND_DATE) && to->kind != TN_KIND_TIME;
}

static bool is_number(const tn_type *type)
{
    return tn_type_is_numeric(type) || type->kind == TN_KIND_BOOLEAN;
}

/* Is the element's text, read again, what a cast of the element is? */
static bool goes_by_text(const tn_type *from, const tn_type *to)
{
    if (from->kind == TN_KIND_VARCHAR || to->kind == TN_KIND_VARCHAR) {
        return !tn_type_is_nested(from) && !tn_type_is_nested(to) && from->kind != TN_KIND_BLOB &&
               to->kind != TN_KIND_BLOB && from->kind != TN_KIND_BOOLEAN &&
               to->kind != TN_KIND_BOOLEAN;
    }
    if (tn_type_is_integer(from)) {
        return tn_type_is_numeric(to);
    }
    if (from->kind == TN_KIND_DECIMAL) {
        return to->kind == TN_KIND_DOUBLE ||
               (to->kind == TN_KIND_DECIMAL && to->scale >= from->scale);
    }
    return from->kind == TN_KIND_DATE && tn_type_is_timestamp(to);
}

bool tn_cast__is_local_time(const tn_type *type)
{
    return type->kind == TN_KIND_DATE || type->kind == TN_KIND_TIMESTAMP ||
           type->kind == TN_KIND_TIMESTAMP_NS;
}

static bool element_is_cast(const tn_type *from, const tn_type *to)
{
    return goes_by_text(from, to) || (tn_cast__is_local_time(from) && tn_cast__is_local_time(to));
}

static const tn_kernel *kernel_of(const tn_type *from, const tn_type *to)
{
    if (to->kind == TN_KIND_VARCHAR) {
        return from->kind == TN_KIND_BLOB ? &tn_cast__blob_to_text
               : tn_type_is_nested(from)  ? &tn_cast__nested_to_text
                                          : &tn_cast__to_text;
    }
    if (from->kind == TN_KIND_VARCHAR) {
        return to->kind == TN_KIND_BLOB ? &tn_cast__text_to_blob : &tn_cast__from_text;
    }
    if (from->kind == TN_KIND_LIST && to->kind == TN_KIND_LIST &&
        from->fields[0].type->kind == TN_KIND_NULL) {
        return &tn_cast__empty_list;
    }
    if (from->kind == TN_KIND_LIST && to->kind == TN_KIND_LIST &&
        element_is_cast(from->fields[0].type, to->fields[0].type)) {
        return &tn_cast__list;
    }
    return tn_type_is_nested(from) ? NULL : &tn_cast__time;
}

tarn_code tn_cast__find(tn_expr_context *context, const tn_type *from, const tn_type *to,
                        tn_bound_call **out, tarn_error *err)
{
    const tn_type **types = NULL;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(context->arena, tn_bound_call, out, err));
    TN_RETURN_IF_ERROR(tn_arena_array(context->arena, const tn_type *, 1, &types, err));
    types[0] = from;
    (*out)->type = to;
    (*out)->argument_types = types;
    (*out)->argument_count = 1;
    (*out)->form = is_number(from) && is_number(to) ? TN_FORM_CONVERT : TN_FORM_ROWS;
    if ((*out)->form == TN_FORM_ROWS) {
        (*out)->kernel = from->kind == TN_KIND_NULL ? &tn_cast__time : kernel_of(from, to);
        if ((*out)->kernel == NULL) {
            (void)tn_fail(err, TARN_E_UNSUPPORTED, "casting %.*s to %.*s: not built yet",
                          TN_STR_ARGS(from->name), TN_STR_ARGS(to->name));
            tn_hint(err, "CAST(... AS VARCHAR) makes it JSON; parts can be cast one by one");
            return TARN_E_UNSUPPORTED;
        }
    }
    return TARN_OK;
}
