/* Values as SQL literals, for EXPLAIN and messages. */
#include "base/number.h"
#include "expr/expr_internal.h"
#include "kernel/text.h"

#include <inttypes.h>

static void print_quoted(tn_str text, tn_text *out)
{
    tn_text_putc(out, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'') {
            tn_text_putc(out, '\'');
        }
        tn_text_putc(out, text.data[i]);
    }
    tn_text_putc(out, '\'');
}

static void print_decimal(tn_i128 value, unsigned scale, tn_text *out)
{
    char digits[TN_NUMBER_SIZE];
    const size_t size = tn_print_i128(digits, value < 0 ? -value : value);
    if (value < 0) {
        tn_text_putc(out, '-');
    }
    if (size <= scale) {
        tn_text_puts(out, "0.");
        for (size_t i = size; i < scale; i++) {
            tn_text_putc(out, '0');
        }
        tn_text_append(out, (tn_str){digits, size});
        return;
    }
    tn_text_append(out, (tn_str){digits, size - scale});
    if (scale > 0) {
        tn_text_putc(out, '.');
        tn_text_append(out, (tn_str){digits + size - scale, scale});
    }
}

static void print_integer(const tn_value *value, tn_text *out)
{
    char digits[TN_NUMBER_SIZE];
    const size_t size = value->type->kind >= TN_KIND_UTINYINT ? tn_print_u64(digits, value->u64)
                                                              : tn_print_i64(digits, value->i64);
    tn_text_append(out, (tn_str){digits, size});
}

static void print_float(const tn_value *value, tn_text *out)
{
    char digits[TN_NUMBER_SIZE];
    const size_t size = value->type->kind == TN_KIND_REAL ? tn_print_f32(digits, (float)value->f64)
                                                          : tn_print_f64(digits, value->f64);
    tn_text_append(out, (tn_str){digits, size});
}

void tn_value__print(const tn_value *value, tn_text *out)
{
    if (value->is_null) {
        tn_text_puts(out, "NULL");
        return;
    }
    if (tn_type_is_integer(value->type)) {
        print_integer(value, out);
    } else if (tn_type_is_float(value->type)) {
        print_float(value, out);
    } else if (value->type->kind == TN_KIND_BOOLEAN) {
        tn_text_puts(out, value->boolean ? "true" : "false");
    } else if (value->type->kind == TN_KIND_VARCHAR) {
        print_quoted(value->str, out);
    } else if (value->type->kind == TN_KIND_DECIMAL && value->type->lane != TN_LANE_i256) {
        print_decimal(value->type->lane == TN_LANE_i128 ? value->i128 : (tn_i128)value->i64,
                      value->type->scale, out);
    } else { /* DATE '2001-01-01' */
        const bool nested = tn_type_is_nested(value->type);
        tn_text_append(out, nested ? TN_STR("") : value->type->name);
        tn_text_puts(out, nested ? "'" : " '");
        tn_text_of(value, out);
        tn_text_putc(out, '\'');
    }
}

const char *tn_value__show(const tn_value *value, tn_text *out)
{
    enum { SHOWN_MAX = 80 };
    const size_t from = out->size;
    tn_value__print(value, out);
    if (out->failed == TARN_OK && out->size - from > SHOWN_MAX) { /* cut between code points */
        size_t at = from + SHOWN_MAX - 4;
        while (at > from && (out->data[at] & 0xc0) == 0x80) {
            at--;
        }
        out->size = at;
        tn_text_puts(out, value->type->kind == TN_KIND_VARCHAR ? "...'" : "...");
    }
    return out->data == NULL ? "" : out->data;
}
