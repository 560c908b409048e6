#include "format/parquet/thrift_internal.h"

#include <assert.h>

void tn_thrift__put_varint(tn_text *to, uint64_t value)
{
    char bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) {
        bytes[size++] = (char)(value | 0x80);
    }
    bytes[size++] = (char)value;
    tn_text_append(to, (tn_str){bytes, size});
}

static void put_zigzag(tn_text *to, int64_t value)
{
    tn_thrift__put_varint(to, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_field(tn_thrift_out *out, int id, int type)
{
    const int step = id - out->last[out->depth];
    assert(step > 0);
    if (step < 16) {
        tn_text_putc(out->to, (char)(step << 4 | type));
    } else {
        tn_text_putc(out->to, (char)type);
        put_zigzag(out->to, id);
    }
    out->last[out->depth] = id;
}

void tn_thrift__put_i32(tn_thrift_out *out, int id, int64_t value)
{
    put_field(out, id, TN_THRIFT_I32);
    put_zigzag(out->to, value);
}

void tn_thrift__put_i64(tn_thrift_out *out, int id, int64_t value)
{
    put_field(out, id, TN_THRIFT_I64);
    put_zigzag(out->to, value);
}

void tn_thrift__put_byte(tn_thrift_out *out, int id, int8_t value)
{
    put_field(out, id, TN_THRIFT_BYTE);
    tn_text_putc(out->to, value);
}

void tn_thrift__put_bool(tn_thrift_out *out, int id, bool value)
{
    put_field(out, id, value ? TN_THRIFT_TRUE : TN_THRIFT_FALSE);
}

void tn_thrift__put_text(tn_thrift_out *out, tn_str value)
{
    tn_thrift__put_varint(out->to, value.size);
    tn_text_append(out->to, value);
}

void tn_thrift__put_binary(tn_thrift_out *out, int id, tn_str value)
{
    put_field(out, id, TN_THRIFT_BINARY);
    tn_thrift__put_text(out, value);
}

void tn_thrift__put_list(tn_thrift_out *out, int id, int element, size_t count)
{
    put_field(out, id, TN_THRIFT_LIST);
    if (count < 15) {
        tn_text_putc(out->to, (char)(count << 4 | (unsigned)element));
    } else {
        tn_text_putc(out->to, (char)(0xf0 | element));
        tn_thrift__put_varint(out->to, count);
    }
}

void tn_thrift__put_struct(tn_thrift_out *out, int id)
{
    if (id > 0) {
        put_field(out, id, TN_THRIFT_STRUCT);
    }
    assert(out->depth + 1 < TN_THRIFT_DEPTH_MAX);
    out->last[++out->depth] = 0;
}

void tn_thrift__end_struct(tn_thrift_out *out)
{
    tn_text_putc(out->to, '\0');
    out->depth--;
}

void tn_thrift__put_element(tn_thrift_out *out, int64_t value)
{
    put_zigzag(out->to, value);
}
