/* The type that two types can both be read as. */
#include "column/type.h"

/* Digits that hold every value of an integer type. */
static unsigned integer_digits(const tn_type *type)
{
    switch (type->lane) {
    case TN_LANE_i8:
    case TN_LANE_u8:
        return 3;
    case TN_LANE_i16:
    case TN_LANE_u16:
        return 5;
    case TN_LANE_i32:
    case TN_LANE_u32:
        return 10;
    case TN_LANE_i64:
        return 19;
    default:
        return 20;
    }
}

static bool is_signed(const tn_type *type)
{
    return type->kind <= TN_KIND_BIGINT;
}

static TN_FALLIBLE common_integer(tn_types *types, const tn_type *a, const tn_type *b,
                                  const tn_type **out, tarn_error *err)
{
    static const tn_type *const signed_types[] = {TN_TINYINT, TN_SMALLINT, TN_INTEGER, TN_BIGINT};
    static const tn_type *const unsigned_types[] = {TN_UTINYINT, TN_USMALLINT, TN_UINTEGER,
                                                    TN_UBIGINT};
    const unsigned a_width =
        (unsigned)a->kind - (is_signed(a) ? TN_KIND_TINYINT : TN_KIND_UTINYINT);
    const unsigned b_width =
        (unsigned)b->kind - (is_signed(b) ? TN_KIND_TINYINT : TN_KIND_UTINYINT);
    if (is_signed(a) == is_signed(b)) {
        const unsigned width = a_width > b_width ? a_width : b_width;
        *out = is_signed(a) ? signed_types[width] : unsigned_types[width];
        return TARN_OK;
    }
    const unsigned for_unsigned = (is_signed(a) ? b_width : a_width) + 1;
    const unsigned for_signed = is_signed(a) ? a_width : b_width;
    const unsigned width = for_unsigned > for_signed ? for_unsigned : for_signed;
    if (width > 3) {
        return tn_types_decimal(types, 20, 0, out, err);
    }
    *out = signed_types[width];
    return TARN_OK;
}

static TN_FALLIBLE common_decimal(tn_types *types, const tn_type *a, const tn_type *b,
                                  const tn_type **out, tarn_error *err)
{
    const unsigned a_scale = a->kind == TN_KIND_DECIMAL ? a->scale : 0;
    const unsigned b_scale = b->kind == TN_KIND_DECIMAL ? b->scale : 0;
    const unsigned a_whole =
        a->kind == TN_KIND_DECIMAL ? a->precision - a_scale : integer_digits(a);
    const unsigned b_whole =
        b->kind == TN_KIND_DECIMAL ? b->precision - b_scale : integer_digits(b);
    const unsigned scale = a_scale > b_scale ? a_scale : b_scale;
    const unsigned whole = a_whole > b_whole ? a_whole : b_whole;
    const unsigned widest = a->precision > 38 || b->precision > 38 ? TN_DECIMAL_DIGITS_MAX : 38;
    if (whole + scale > widest) {
        *out = TN_DOUBLE;
        return TARN_OK;
    }
    return tn_types_decimal(types, whole + scale, scale, out, err);
}

static TN_FALLIBLE common_numeric(tn_types *types, const tn_type *a, const tn_type *b,
                                  const tn_type **out, tarn_error *err)
{
    if (tn_type_is_float(a) || tn_type_is_float(b)) {
        *out = TN_DOUBLE;
        return TARN_OK;
    }
    if (tn_type_is_integer(a) && tn_type_is_integer(b)) {
        return common_integer(types, a, b, out, err);
    }
    return common_decimal(types, a, b, out, err);
}

static const tn_type *common_time(const tn_type *a, const tn_type *b)
{
    /* DATE < TIMESTAMP < TIMESTAMP_NS, and any with a zone wins. */
    const tn_type *later = a->kind > b->kind ? a : b;
    const bool both = (tn_type_is_timestamp(a) || a->kind == TN_KIND_DATE) &&
                      (tn_type_is_timestamp(b) || b->kind == TN_KIND_DATE);
    return both ? later : NULL;
}

static TN_FALLIBLE common_nested(tn_types *types, const tn_type *a, const tn_type *b,
                                 const tn_type **out, bool *found, tarn_error *err)
{
    /* Depth is bounded by TN_TYPE_DEPTH_MAX, and so is this recursion. */
    tn_field fields[64];
    *found = a->kind == b->kind && a->field_count == b->field_count && a->field_count <= 64;
    for (uint32_t i = 0; *found && i < a->field_count; i++) {
        const tn_type *type = NULL;
        *found =
            a->kind != TN_KIND_STRUCT || tn_str_equal_fold(a->fields[i].name, b->fields[i].name);
        if (*found) {
            TN_RETURN_IF_ERROR(
                tn_types_common(types, a->fields[i].type, b->fields[i].type, &type, found, err));
        }
        fields[i] = a->fields[i];
        fields[i].type = type;
        fields[i].nullable = a->fields[i].nullable || b->fields[i].nullable;
    }
    if (!*found) {
        return TARN_OK;
    }
    switch (a->kind) {
    case TN_KIND_LIST:
        return tn_types_list(types, fields[0].type, out, err);
    case TN_KIND_MAP:
        return tn_types_map(types, fields[0].type, fields[1].type, out, err);
    default:
        return tn_types_struct(types, fields, a->field_count, out, err);
    }
}

tarn_code tn_types_common(tn_types *types, const tn_type *a, const tn_type *b, const tn_type **out,
                          bool *found, tarn_error *err)
{
    *found = true;
    *out = NULL;
    if (a == b || b->kind == TN_KIND_NULL) {
        *out = a;
        return TARN_OK;
    }
    if (a->kind == TN_KIND_NULL) {
        *out = b;
        return TARN_OK;
    }
    if (tn_type_is_numeric(a) && tn_type_is_numeric(b)) {
        return common_numeric(types, a, b, out, err);
    }
    if (tn_type_is_nested(a) && tn_type_is_nested(b)) {
        return common_nested(types, a, b, out, found, err);
    }
    *out = common_time(a, b);
    *found = *out != NULL;
    return TARN_OK;
}
