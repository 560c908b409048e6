/* Arrow's format strings, both ways. */
#include "column/arrow_internal.h"

#include "base/number.h"

#include <stdio.h>

/* ---- out ---- */

static const char *simple_format(tn_kind kind, bool views)
{
    switch (kind) {
    case TN_KIND_NULL:
        return "n";
    case TN_KIND_BOOLEAN:
        return "b";
    case TN_KIND_TINYINT:
        return "c";
    case TN_KIND_SMALLINT:
        return "s";
    case TN_KIND_INTEGER:
        return "i";
    case TN_KIND_BIGINT:
        return "l";
    case TN_KIND_UTINYINT:
        return "C";
    case TN_KIND_USMALLINT:
        return "S";
    case TN_KIND_UINTEGER:
        return "I";
    case TN_KIND_UBIGINT:
        return "L";
    case TN_KIND_REAL:
        return "f";
    case TN_KIND_DOUBLE:
        return "g";
    case TN_KIND_VARCHAR:
        return views ? "vu" : "u";
    case TN_KIND_BLOB:
        return views ? "vz" : "z";
    case TN_KIND_DATE:
        return "tdD";
    case TN_KIND_TIME:
        return "ttu";
    case TN_KIND_TIMESTAMP:
        return "tsu:";
    case TN_KIND_TIMESTAMP_NS:
        return "tsn:";
    case TN_KIND_TIMESTAMPTZ:
        return "tsu:UTC";
    case TN_KIND_INTERVAL:
        return "tin";
    case TN_KIND_LIST:
        return "+l";
    case TN_KIND_STRUCT:
        return "+s";
    case TN_KIND_MAP:
        return "+m";
    case TN_KIND_DECIMAL:
    case TN_KIND_COUNT:
    default:
        return NULL;
    }
}

tarn_code tn_arrow__format(const tn_type *type, bool views, tn_arena *arena, const char **out,
                           tarn_error *err)
{
    tn_str text;
    *out = simple_format(type->kind, views);
    if (*out != NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_print(arena, &text, err, "d:%u,%u%s", (unsigned)type->precision,
                                      (unsigned)type->scale, type->precision > 38 ? ",256" : ""));
    *out = text.data;
    return TARN_OK;
}

/* ---- in ---- */

typedef struct reader {
    const struct ArrowSchema *schema;
    tn_types *types;
    tn_arena *arena;
    unsigned depth;
} reader;

static TN_FALLIBLE unsupported(const struct ArrowSchema *schema, const char *what, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_UNSUPPORTED, "Arrow's %s ('%.40s') has no type here", what,
                  schema->format);
    tn_hint(err, "cast the column before handing it over");
    return TARN_E_UNSUPPORTED;
}

static TN_FALLIBLE malformed(const struct ArrowSchema *schema, tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "'%.40s' is no Arrow format", schema->format);
}

static const struct {
    char letter;
    uint8_t width;
    const tn_type *type;
} plain[] = {
    {'c', 1, TN_TINYINT},  {'s', 2, TN_SMALLINT},  {'i', 4, TN_INTEGER},  {'l', 8, TN_BIGINT},
    {'C', 1, TN_UTINYINT}, {'S', 2, TN_USMALLINT}, {'I', 4, TN_UINTEGER}, {'L', 8, TN_UBIGINT},
    {'f', 4, TN_REAL},     {'g', 8, TN_DOUBLE},
};

/* Formats of one letter; false where there is none such. */
static bool read_letter(char letter, tn_arrow_node *out)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (plain[i].letter == letter) {
            out->form = TN_ARROW_VALUES;
            out->width = plain[i].width;
            out->type = plain[i].type;
            return true;
        }
    }
    switch (letter) {
    case 'n':
        out->form = TN_ARROW_NULL;
        out->type = TN_TYPE_NULL;
        return true;
    case 'b':
        out->form = TN_ARROW_BITS;
        out->type = TN_BOOLEAN;
        return true;
    case 'e':
        out->form = TN_ARROW_HALF;
        out->type = TN_REAL;
        return true;
    case 'u':
    case 'U':
    case 'z':
    case 'Z':
        out->form = TN_ARROW_TEXT;
        out->width = letter == 'u' || letter == 'z' ? 4 : 8;
        out->type = letter == 'u' || letter == 'U' ? TN_VARCHAR : TN_BLOB;
        return true;
    default:
        return false;
    }
}

/* A whole number up to 2^31 - 1 at *text, which moves behind it. */
static bool read_number(const char **text, uint32_t *out)
{
    uint32_t number = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9') {
        return false;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        const uint32_t digit = (uint32_t)(*at - '0');
        if (number > ((uint32_t)INT32_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *text = at;
    *out = number;
    return true;
}

static TN_FALLIBLE read_decimal(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char *at = r->schema->format + 2;
    uint32_t precision;
    uint32_t scale;
    uint32_t bits = 128;
    if (!read_number(&at, &precision) || *at++ != ',') {
        return malformed(r->schema, err);
    }
    if (*at == '-') {
        return unsupported(r->schema, "decimal with a negative scale", err);
    }
    if (!read_number(&at, &scale) || (*at == ',' && (at++, !read_number(&at, &bits))) ||
        *at != '\0') {
        return malformed(r->schema, err);
    }
    const uint32_t most = bits == 32 ? 9 : bits == 64 ? 18 : bits == 128 ? 38 : 76;
    if ((bits != 32 && bits != 64 && bits != 128 && bits != 256) || precision == 0 ||
        precision > most || scale > precision) {
        return unsupported(r->schema, "decimal of this size", err);
    }
    out->form = TN_ARROW_DECIMAL;
    out->width = bits / 8;
    return tn_types_decimal(r->types, precision, scale, &out->type, err);
}

/* 's', 'm', 'u', 'n' as a factor to microseconds; negative: a divisor. */
static bool factor_of(char unit, int64_t *out)
{
    *out = unit == 's' ? 1000000 : unit == 'm' ? 1000 : unit == 'u' ? 1 : -1000;
    return unit == 's' || unit == 'm' || unit == 'u' || unit == 'n';
}

static void scaled(tn_arrow_node *out, const tn_type *type, uint32_t width, int64_t factor)
{
    out->form = factor == 1 ? TN_ARROW_VALUES : TN_ARROW_SCALED;
    out->type = type;
    out->width = width;
    out->factor = factor;
}

static TN_FALLIBLE read_timestamp(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char *format = r->schema->format;
    int64_t factor;
    if (!factor_of(format[2], &factor) || format[3] != ':') {
        return malformed(r->schema, err);
    }
    if (format[4] != '\0') { /* whatever the zone is, values are UTC */
        scaled(out, TN_TIMESTAMPTZ, 8, factor);
    } else if (format[2] == 'n') {
        scaled(out, TN_TIMESTAMP_NS, 8, 1);
    } else {
        scaled(out, TN_TIMESTAMP, 8, factor);
    }
    return TARN_OK;
}

static TN_FALLIBLE read_interval(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char unit = r->schema->format[2];
    out->type = TN_INTERVAL;
    out->width = unit == 'M' ? 4 : unit == 'D' ? 8 : 16;
    out->form = unit == 'M'   ? TN_ARROW_MONTHS
                : unit == 'D' ? TN_ARROW_DAYS_MILLIS
                              : TN_ARROW_VALUES;
    return unit == 'M' || unit == 'D' || unit == 'n' ? TARN_OK : malformed(r->schema, err);
}

static TN_FALLIBLE read_time(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char *format = r->schema->format;
    int64_t factor;
    if (format[1] == 's') {
        return format[2] == '\0' ? malformed(r->schema, err) : read_timestamp(r, out, err);
    }
    if (format[1] == '\0' || format[2] == '\0' || format[3] != '\0') {
        return malformed(r->schema, err);
    }
    if (format[1] == 'i') {
        return read_interval(r, out, err);
    }
    if (format[1] == 'd' && format[2] == 'D') {
        scaled(out, TN_DATE, 4, 1);
        return TARN_OK;
    }
    if (format[1] == 'd' && format[2] == 'm') {
        scaled(out, TN_DATE, 8, -86400000);
        return TARN_OK;
    }
    if (!factor_of(format[2], &factor) || (format[1] != 't' && format[1] != 'D')) {
        return malformed(r->schema, err);
    }
    if (format[1] == 't') {
        scaled(out, TN_TIME, format[2] == 's' || format[2] == 'm' ? 4 : 8, factor);
    } else {
        out->form = TN_ARROW_DURATION;
        out->type = TN_INTERVAL;
        out->width = 8;
        out->factor = format[2] == 'n' ? 1 : factor * 1000;
    }
    return TARN_OK;
}

/* ---- nested ---- */

static TN_FALLIBLE read_children(const reader *r, uint32_t least, uint32_t most, tn_arrow_node *out,
                                 tarn_error *err)
{
    const struct ArrowSchema *schema = r->schema;
    if (schema->n_children < (int64_t)least || schema->n_children > (int64_t)most ||
        (schema->n_children > 0 && schema->children == NULL)) {
        return tn_fail(err, TARN_E_CORRUPT, "an Arrow type '%.40s' with %lld children",
                       schema->format, (long long)schema->n_children);
    }
    out->child_count = (uint32_t)schema->n_children;
    TN_RETURN_IF_ERROR(
        tn_arena_array(r->arena, tn_arrow_node, out->child_count, &out->children, err));
    for (uint32_t i = 0; i < out->child_count; i++) {
        TN_RETURN_IF_ERROR(tn_arrow__node(schema->children[i], r->types, r->arena, r->depth + 1,
                                          &out->children[i], err));
    }
    return TARN_OK;
}

static TN_FALLIBLE read_list(const reader *r, tn_arrow_form form, uint32_t width,
                             tn_arrow_node *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(read_children(r, 1, 1, out, err));
    out->form = form;
    out->width = width;
    return tn_types_list(r->types, out->children[0].type, &out->type, err);
}

static TN_FALLIBLE read_struct(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    tn_field *fields;
    TN_RETURN_IF_ERROR(read_children(r, 0, 1 << 20, out, err));
    TN_RETURN_IF_ERROR(tn_arena_array(r->arena, tn_field, out->child_count, &fields, err));
    for (uint32_t i = 0; i < out->child_count; i++) {
        const tn_arrow_node *child = &out->children[i];
        fields[i] = (tn_field){child->name, child->type, child->nullable};
    }
    out->form = TN_ARROW_STRUCT;
    if (r->depth == 0) { /* the columns: no type of a column */
        return TARN_OK;
    }
    if (out->child_count == 0) {
        return unsupported(r->schema, "struct without fields", err);
    }
    return tn_types_struct(r->types, fields, out->child_count, &out->type, err);
}

static TN_FALLIBLE read_map(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(read_children(r, 1, 1, out, err));
    const tn_arrow_node *entries = &out->children[0];
    if (entries->form != TN_ARROW_STRUCT || entries->child_count != 2) {
        return tn_fail(err, TARN_E_CORRUPT, "an Arrow map whose entries are no keys and values");
    }
    out->form = TN_ARROW_LIST;
    out->width = 4;
    out->child_count = 2;
    out->children = entries->children;
    return tn_types_map(r->types, out->children[0].type, out->children[1].type, &out->type, err);
}

static TN_FALLIBLE read_nested(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char *format = r->schema->format;
    const tn_str text = tn_str_of(format);
    if (tn_str_equal(text, TN_STR("+l")) || tn_str_equal(text, TN_STR("+L"))) {
        return read_list(r, TN_ARROW_LIST, format[1] == 'l' ? 4 : 8, out, err);
    }
    if (tn_str_equal(text, TN_STR("+vl")) || tn_str_equal(text, TN_STR("+vL"))) {
        return read_list(r, TN_ARROW_LIST_VIEW, format[2] == 'l' ? 4 : 8, out, err);
    }
    if (tn_str_equal(text, TN_STR("+s"))) {
        return read_struct(r, out, err);
    }
    if (tn_str_equal(text, TN_STR("+m"))) {
        return read_map(r, out, err);
    }
    if (tn_str_starts(text, TN_STR("+w:"))) {
        const char *at = format + 3;
        uint32_t width;
        if (!read_number(&at, &width) || *at != '\0') {
            return malformed(r->schema, err);
        }
        return read_list(r, TN_ARROW_FIXED_LIST, width, out, err);
    }
    if (tn_str_starts(text, TN_STR("+u"))) {
        return unsupported(r->schema, "union", err);
    }
    return tn_str_equal(text, TN_STR("+r")) ? unsupported(r->schema, "run-end encoding", err)
                                            : malformed(r->schema, err);
}

/* Metadata: a count, then keys and values, each a size and bytes. */
static bool is_extension(const struct ArrowSchema *schema, tn_str wanted)
{
    const char *at = schema->metadata;
    const tn_str key = TN_STR("ARROW:extension:name");
    int32_t count;
    if (at == NULL) {
        return false;
    }
    memcpy(&count, at, 4);
    at += 4;
    for (int32_t i = 0; i < count; i++) {
        tn_str pair[2];
        for (size_t side = 0; side < 2; side++) {
            int32_t size;
            memcpy(&size, at, 4);
            if (size < 0) {
                return false;
            }
            pair[side] = (tn_str){at + 4, (size_t)size};
            at += 4 + size;
        }
        if (tn_str_equal(pair[0], key)) {
            return tn_str_equal(pair[1], wanted);
        }
    }
    return false;
}

static TN_FALLIBLE read_fixed(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char *at = r->schema->format + 2;
    if (!read_number(&at, &out->width) || *at != '\0') {
        return malformed(r->schema, err);
    }
    const bool is_uuid = out->width == 16 && is_extension(r->schema, TN_STR("arrow.uuid"));
    out->form = is_uuid ? TN_ARROW_UUID : TN_ARROW_FIXED;
    out->type = is_uuid ? TN_VARCHAR : TN_BLOB;
    return TARN_OK;
}

/* The node of a dictionary: what the schema says is the type of the indices. */
static TN_FALLIBLE read_dictionary(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char *format = r->schema->format;
    if (format[0] == '\0' || format[1] != '\0' || !read_letter(format[0], out) ||
        !tn_type_is_integer(out->type)) {
        return tn_fail(err, TARN_E_CORRUPT, "a dictionary's indices are '%.40s'", format);
    }
    out->is_signed = out->type->lane <= TN_LANE_i64;
    out->form = TN_ARROW_DICTIONARY;
    out->child_count = 1;
    TN_RETURN_IF_ERROR(tn_arena_new(r->arena, tn_arrow_node, &out->children, err));
    TN_RETURN_IF_ERROR(tn_arrow__node(r->schema->dictionary, r->types, r->arena, r->depth + 1,
                                      out->children, err));
    out->type = out->children->type;
    return tn_type_is_nested(out->type)
               ? unsupported(r->schema->dictionary, "dictionary of nested values", err)
               : TARN_OK;
}

static TN_FALLIBLE read_format(const reader *r, tn_arrow_node *out, tarn_error *err)
{
    const char *format = r->schema->format;
    if (r->schema->dictionary != NULL) {
        return read_dictionary(r, out, err);
    }
    if (format[0] == '\0') {
        return malformed(r->schema, err);
    }
    if (format[1] == '\0') {
        return read_letter(format[0], out) ? TARN_OK : malformed(r->schema, err);
    }
    if (format[0] == '+') {
        return read_nested(r, out, err);
    }
    if (format[0] == 't') {
        return read_time(r, out, err);
    }
    if (format[0] == 'd' && format[1] == ':') {
        return read_decimal(r, out, err);
    }
    if (format[0] == 'w' && format[1] == ':') {
        return read_fixed(r, out, err);
    }
    if (format[0] == 'v' && (format[1] == 'u' || format[1] == 'z') && format[2] == '\0') {
        out->form = TN_ARROW_VIEWS;
        out->type = format[1] == 'u' ? TN_VARCHAR : TN_BLOB;
        return TARN_OK;
    }
    return malformed(r->schema, err);
}

tarn_code tn_arrow__node(const struct ArrowSchema *schema, tn_types *types, tn_arena *arena,
                         unsigned depth, tn_arrow_node *out, tarn_error *err)
{
    const reader r = {schema, types, arena, depth};
    if (schema == NULL || schema->release == NULL || schema->format == NULL) {
        return tn_fail(err, TARN_E_CORRUPT, "an Arrow schema that was released, or has no format");
    }
    if (depth > TN_TYPE_DEPTH_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "an Arrow type nested deeper than %d", TN_TYPE_DEPTH_MAX);
    }
    *out = (tn_arrow_node){.nullable = (schema->flags & ARROW_FLAG_NULLABLE) != 0};
    TN_RETURN_IF_ERROR(
        tn_arena_copy(arena, tn_str_of(schema->name == NULL ? "" : schema->name), &out->name, err));
    const tarn_code code = read_format(&r, out, err);
    if (code != TARN_OK && depth > 0) {
        tn_explain(err, "column '%.100s'", out->name.data);
    }
    return code;
}
