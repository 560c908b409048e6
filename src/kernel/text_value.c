/* Values of any type and encoding as text and as JSON.  Nested ones are walked with a stack as deep
 * as types may be. */
#include "base/json.h"
#include "base/number.h"
#include "kernel/text_internal.h"

/* A scalar's text; its flat row was found before. */
static size_t print_scalar(const tn_column *column, uint32_t row, char *out)
{
    int64_t value;
    int32_t days;
    if (column->encoding != TN_SEQUENCE) {
        return tn_text_printer_of(column->type, (tn_lane)column->lane)(column->type, column->values,
                                                                       row, out);
    }
    const tn_sequence *sequence = column->values;
    value = (int64_t)((uint64_t)sequence->first + (uint64_t)sequence->step * row);
    days = (int32_t)value;
    return column->type->kind == TN_KIND_DATE
               ? tn_text_printer_of(column->type, TN_LANE_i32)(column->type, &days, 0, out)
               : tn_text_printer_of(column->type, TN_LANE_i64)(column->type, &value, 0, out);
}

static tn_str string_at(const tn_column *column, uint32_t row)
{
    return tn_view_str(&((const tn_view *)column->values)[row]);
}

static void append_hex(tn_text *out, tn_str bytes)
{
    static const char hex[] = "0123456789abcdef";
    size_t size;
    char *at = __builtin_mul_overflow(bytes.size, 2, &size) ? NULL : tn_text_reserve(out, size + 2);
    if (at == NULL) {
        return;
    }
    at[0] = '\\';
    at[1] = 'x';
    for (size_t i = 0; i < bytes.size; i++) {
        at[2 + 2 * i] = hex[(uint8_t)bytes.data[i] >> 4];
        at[3 + 2 * i] = hex[(uint8_t)bytes.data[i] & 15];
    }
    at[2 + size] = '\0';
    out->size += size + 2;
}

static void append_base64(tn_text *out, tn_str bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        const size_t left = bytes.size - i;
        uint32_t group = (uint32_t)(uint8_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)(uint8_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(uint8_t)bytes.data[i + 2] : 0;
        const char four[4] = {letters[group >> 18], letters[group >> 12 & 63],
                              left > 1 ? letters[group >> 6 & 63] : '=',
                              left > 2 ? letters[group & 63] : '='};
        tn_text_append(out, (tn_str){four, 4});
    }
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static bool is_number(const tn_column *column, const char *text, size_t size,
                      const tn_json_style *style)
{
    const tn_type *type = column->type;
    if (type->kind == TN_KIND_BOOLEAN) {
        return true;
    }
    if (tn_type_is_float(type)) {
        const char last = text[size - 1];
        return last >= '0' && last <= '9';
    }
    if (type->kind == TN_KIND_DECIMAL) {
        return !style->strings;
    }
    if (!tn_type_is_integer(type)) {
        return false;
    }
    int64_t value;
    return !style->strings || (tn_parse_i64(text, size, &value) == TN_PARSED &&
                               value >= -(INT64_C(1) << 53) && value <= INT64_C(1) << 53);
}

/* `name`: as the name of a member, so always in quotes. */
static void append_scalar(const tn_column *column, uint32_t row, bool name,
                          const tn_json_style *style, tn_text *out)
{
    char text[TN_TEXT_SCALAR_SIZE + 2];
    if (column->type->kind == TN_KIND_VARCHAR) {
        tn_json_quote(out, string_at(column, row));
        return;
    }
    if (column->type->kind == TN_KIND_BLOB) {
        tn_text_putc(out, '"');
        append_base64(out, string_at(column, row));
        tn_text_putc(out, '"');
        return;
    }
    const size_t size = print_scalar(column, row, text + 1);
    if (!name && is_number(column, text + 1, size, style)) {
        tn_text_append(out, (tn_str){text + 1, size});
    } else {
        text[0] = text[size + 1] = '"';
        tn_text_append(out, (tn_str){text, size + 2});
    }
}

typedef struct level {
    const tn_column *column;
    uint32_t row;      /* of structs */
    uint32_t at, from; /* the next member; where the elements begin in the child */
    uint32_t count;
    bool pairs; /* a map whose keys cannot be names: [{"key":..., "value":...}] */
} level;

static bool begins_level(const tn_column *column, uint32_t row, level *out, tn_text *text)
{
    *out = (level){.column = column, .row = row};
    if (column->type->kind == TN_KIND_STRUCT) {
        out->count = column->type->field_count;
    } else {
        const tn_list *list = &((const tn_list *)column->values)[row];
        out->from = list->offset;
        out->count = list->length;
        out->pairs =
            column->type->kind == TN_KIND_MAP && tn_type_is_nested(column->type->fields[0].type);
    }
    tn_text_putc(text, column->type->kind == TN_KIND_LIST || out->pairs ? '[' : '{');
    return true;
}

/* The next member of a level: what stands before it is written, its column and row are returned. */
static const tn_column *next_member(level *l, uint32_t *row, const tn_json_style *style,
                                    tn_text *text)
{
    const tn_column *children = l->column->children;
    const uint32_t i = l->at++;
    if (l->column->type->kind == TN_KIND_STRUCT) {
        if (i > 0) {
            tn_text_putc(text, ',');
        }
        tn_json_quote(text, l->column->type->fields[i].name);
        tn_text_putc(text, ':');
        *row = l->row;
        return &children[i];
    }
    if (l->pairs) { /* two steps an entry */
        *row = l->from + i / 2;
        tn_text_puts(text, i % 2 == 1 ? ",\"value\":" : i > 0 ? "},{\"key\":" : "{\"key\":");
        return &children[i % 2];
    }
    if (i > 0) {
        tn_text_putc(text, ',');
    }
    *row = l->from + i;
    if (l->column->type->kind == TN_KIND_LIST) {
        return &children[0];
    }
    uint32_t key_row = *row;
    const tn_column *key = tn_column_locate(&children[0], &key_row);
    if (key == NULL) {
        tn_text_puts(text, "\"null\"");
    } else {
        append_scalar(key, key_row, true, style, text);
    }
    tn_text_putc(text, ':');
    return &children[1];
}

static void end_level(const level *l, tn_text *text)
{
    if (l->pairs && l->count > 0) {
        tn_text_putc(text, '}');
    }
    tn_text_putc(text, l->column->type->kind == TN_KIND_LIST || l->pairs ? ']' : '}');
}

void tn_text_json(const tn_column *column, uint32_t row, const tn_json_style *style, tn_text *out)
{
    level stack[TN_TYPE_DEPTH_MAX];
    size_t depth = 0;
    for (;;) {
        const tn_column *flat = tn_column_locate(column, &row);
        if (flat == NULL) {
            tn_text_puts(out, "null");
        } else if (!tn_type_is_nested(flat->type)) {
            append_scalar(flat, row, false, style, out);
        } else {
            depth += depth < TN_TYPE_DEPTH_MAX && begins_level(flat, row, &stack[depth], out);
        }
        while (depth > 0) {
            const level *top = &stack[depth - 1];
            if (out->failed == TARN_OK && top->at < top->count * (top->pairs ? 2 : 1)) {
                break;
            }
            end_level(top, out);
            depth--;
        }
        if (depth == 0) {
            return;
        }
        column = next_member(&stack[depth - 1], &row, style, out);
    }
}

/* ---- the doors --------------------------------------------------------------------------------
 */

void tn_text_value(const tn_column *column, uint32_t row, tn_text *out)
{
    static const tn_json_style plain = {.strings = false};
    const tn_column *flat = tn_column_locate(column, &row);
    if (flat == NULL) {
        return;
    }
    if (flat->type->kind == TN_KIND_VARCHAR) {
        tn_text_append(out, string_at(flat, row));
    } else if (flat->type->kind == TN_KIND_BLOB) {
        append_hex(out, string_at(flat, row));
    } else if (tn_type_is_nested(flat->type)) {
        tn_text_json(flat, row, &plain, out);
    } else {
        char text[TN_TEXT_SCALAR_SIZE];
        tn_text_append(out, (tn_str){text, print_scalar(flat, row, text)});
    }
}

typedef struct one_value {
    tn_column column;
    tn_view view;
    uint64_t bits;
    float real;
} one_value;

/* The value as row 0 of a column, which points into both. */
static const tn_column *column_of(const tn_value *value, one_value *one)
{
    static const uint64_t null = 0;
    if (!value->is_null && tn_type_is_nested(value->type)) {
        return value->nested;
    }
    one->column = (tn_column){
        .type = value->type, .lane = (uint8_t)value->type->lane, .rows = 1, .values = &value->i64};
    if (value->is_null) {
        one->column.validity = &null;
    } else if (tn_type_is_string(value->type)) {
        one->view = tn_view_of(value->str.data, value->str.size);
        one->column.values = &one->view;
    } else if (value->type->kind == TN_KIND_BOOLEAN) {
        one->bits = value->boolean;
        one->column.values = &one->bits;
    } else if (value->type->kind == TN_KIND_REAL) {
        one->real = (float)value->f64;
        one->column.values = &one->real;
    } /* integers: the low bytes stand first */
    return &one->column;
}

void tn_text_of(const tn_value *value, tn_text *out)
{
    one_value one;
    tn_text_value(column_of(value, &one), 0, out);
}

void tn_text_json_of(const tn_value *value, const tn_json_style *style, tn_text *out)
{
    one_value one;
    tn_text_json(column_of(value, &one), 0, style, out);
}
