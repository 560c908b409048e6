#include "support/print.h"

#include <inttypes.h>
#include <math.h>

void test_print_string(tn_text *to, tn_str text)
{
    tn_text_putc(to, '"');
    for (size_t i = 0; i < text.size; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\') {
            tn_text_printf(to, "\\%c", c);
        } else if (c < 0x20) {
            tn_text_printf(to, "\\u%04x", c);
        } else {
            tn_text_putc(to, (char)c);
        }
    }
    tn_text_putc(to, '"');
}

static void put_wide(tn_text *to, const tn_column *flat, uint32_t row)
{
    const uint8_t *bytes = (const uint8_t *)flat->values + row * tn_lane_size(flat->lane);
    tn_text_printf(to, "\"i");
    for (size_t i = tn_lane_size(flat->lane); i-- > 0;) {
        tn_text_printf(to, "%02x", bytes[i]);
    }
    tn_text_putc(to, '"');
}

static void put_value(tn_text *to, const tn_column *column, uint32_t row);

static void put_list(tn_text *to, const tn_column *flat, uint32_t row)
{
    const tn_list list = ((const tn_list *)flat->values)[row];
    tn_text_putc(to, '[');
    for (uint32_t i = 0; i < list.length; i++) {
        tn_text_printf(to, "%s", i > 0 ? "," : "");
        if (flat->type->kind == TN_KIND_MAP) {
            tn_text_printf(to, "{\"key\":");
            put_value(to, &flat->children[0], list.offset + i);
            tn_text_printf(to, ",\"value\":");
            put_value(to, &flat->children[1], list.offset + i);
            tn_text_putc(to, '}');
        } else {
            put_value(to, &flat->children[0], list.offset + i);
        }
    }
    tn_text_putc(to, ']');
}

static void put_struct(tn_text *to, const tn_column *flat, uint32_t row)
{
    tn_text_putc(to, '{');
    for (uint32_t i = 0; i < flat->type->field_count; i++) {
        tn_text_printf(to, "%s", i > 0 ? "," : "");
        test_print_string(to, flat->type->fields[i].name);
        tn_text_putc(to, ':');
        put_value(to, &flat->children[i], row);
    }
    tn_text_putc(to, '}');
}

#define INTEGER(name, format, T)                                        \
    case TN_LANE_##name:                                                \
        tn_text_printf(to, "%" format, ((const T *)flat->values)[row]); \
        return;

static void put_value(tn_text *to, const tn_column *column, uint32_t row)
{
    const tn_column *const flat = tn_column_locate(column, &row);
    if (flat == NULL) {
        tn_text_printf(to, "null");
        return;
    }
    if (flat->encoding == TN_SEQUENCE) {
        const tn_sequence *const sequence = flat->values;
        tn_text_printf(to, "%" PRId64, sequence->first + sequence->step * (int64_t)row);
        return;
    }
    if (flat->type->kind == TN_KIND_STRUCT) {
        put_struct(to, flat, row);
        return;
    }
    switch ((tn_lane)flat->lane) {
        INTEGER(i8, PRId8, int8_t)
        INTEGER(i16, PRId16, int16_t)
        INTEGER(i32, PRId32, int32_t)
        INTEGER(i64, PRId64, int64_t)
        INTEGER(u8, PRIu8, uint8_t)
        INTEGER(u16, PRIu16, uint16_t)
        INTEGER(u32, PRIu32, uint32_t)
        INTEGER(u64, PRIu64, uint64_t)
    case TN_LANE_f32:
    case TN_LANE_f64: {
        const double value = flat->lane == TN_LANE_f32 ? (double)((const float *)flat->values)[row]
                                                       : ((const double *)flat->values)[row];
        if (isnan(value)) {
            tn_text_puts(to, "\"NaN\"");
        } else if (isinf(value)) {
            tn_text_printf(to, "\"%g\"", value);
        } else {
            tn_text_printf(to, "%.17g", value);
        }
        return;
    }
    case TN_LANE_bool:
        tn_text_puts(to, tn_bit_get(flat->values, row) ? "true" : "false");
        return;
    case TN_LANE_view: {
        const tn_view *const view = &((const tn_view *)flat->values)[row];
        if (flat->type == TN_VARCHAR) {
            test_print_string(to, tn_view_str(view));
            return;
        }
        tn_text_printf(to, "\"0x");
        for (size_t i = 0; i < view->size; i++) {
            tn_text_printf(to, "%02x", (unsigned char)tn_view_data(view)[i]);
        }
        tn_text_putc(to, '"');
        return;
    }
    case TN_LANE_list:
        put_list(to, flat, row);
        return;
    case TN_LANE_interval: {
        const tn_interval *const value = &((const tn_interval *)flat->values)[row];
        tn_text_printf(to, "[%" PRId32 ",%" PRId32 ",%" PRId64 "]", value->months, value->days,
                       value->nanos);
        return;
    }
    case TN_LANE_i128:
    case TN_LANE_i256:
        put_wide(to, flat, row);
        return;
    case TN_LANE_none:
    case TN_LANE_ALL:
        break;
    }
    tn_text_printf(to, "null");
}

void test_print_row(tn_text *to, const tn_batch *batch, uint32_t row)
{
    tn_text_putc(to, '[');
    for (uint32_t i = 0; i < batch->width; i++) {
        tn_text_puts(to, i > 0 ? "," : "");
        put_value(to, &batch->columns[i], row);
    }
    tn_text_putc(to, ']');
}
