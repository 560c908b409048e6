#include "format/parquet/thrift_internal.h"

static void fail_short(tn_thrift *t)
{
    t->failed = true;
    t->short_of_bytes = true;
    t->at = t->end;
}

static void fail_damaged(tn_thrift *t)
{
    t->failed = true;
    t->at = t->end;
}

static uint8_t take_byte(tn_thrift *t)
{
    if (t->at == t->end) {
        fail_short(t);
        return 0;
    }
    return *t->at++;
}

uint64_t tn_thrift__varint(tn_thrift *t)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = take_byte(t);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return t->failed ? 0 : value;
        }
    }
    fail_damaged(t);
    return 0;
}

static int64_t take_zigzag(tn_thrift *t)
{
    const uint64_t value = tn_thrift__varint(t);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static void take_bytes(tn_thrift *t, uint64_t size)
{
    if (size > (uint64_t)(t->end - t->at)) {
        fail_short(t);
    } else {
        t->at += size;
    }
}

int tn_thrift__field(tn_thrift *t, int *id)
{
    if (t->failed) {
        return TN_THRIFT_STOP;
    }
    const uint8_t head = take_byte(t);
    const int type = head & 0x0f;
    if (t->failed || type == TN_THRIFT_STOP) {
        return TN_THRIFT_STOP;
    }
    if (type > TN_THRIFT_STRUCT) {
        fail_damaged(t);
        return TN_THRIFT_STOP;
    }
    if (head >> 4 != 0) {
        *id += head >> 4;
    } else {
        const int64_t absolute = take_zigzag(t);
        *id = absolute < INT16_MIN || absolute > INT16_MAX ? -1 : (int)absolute;
    }
    if (*id > INT16_MAX) {
        fail_damaged(t);
    }
    return t->failed ? TN_THRIFT_STOP : type;
}

int64_t tn_thrift__int(tn_thrift *t, int type)
{
    switch (type) {
    case TN_THRIFT_BYTE:
        return (int8_t)take_byte(t);
    case TN_THRIFT_I16:
    case TN_THRIFT_I32:
    case TN_THRIFT_I64:
        return take_zigzag(t);
    default:
        fail_damaged(t);
        return 0;
    }
}

bool tn_thrift__bool(tn_thrift *t, int type)
{
    if (type != TN_THRIFT_TRUE && type != TN_THRIFT_FALSE) {
        fail_damaged(t);
    }
    return type == TN_THRIFT_TRUE;
}

bool tn_thrift__element_bool(tn_thrift *t)
{
    return take_byte(t) == TN_THRIFT_TRUE;
}

tn_str tn_thrift__binary(tn_thrift *t, int type)
{
    if (type != TN_THRIFT_BINARY) {
        fail_damaged(t);
        return TN_STR_NONE;
    }
    const uint64_t size = tn_thrift__varint(t);
    const uint8_t *const from = t->at;
    take_bytes(t, size);
    return t->failed ? TN_STR_NONE : (tn_str){(const char *)from, (size_t)size};
}

size_t tn_thrift__list(tn_thrift *t, int type, int *element)
{
    *element = TN_THRIFT_STOP;
    if (type != TN_THRIFT_LIST && type != TN_THRIFT_SET) {
        fail_damaged(t);
        return 0;
    }
    const uint8_t head = take_byte(t);
    const uint64_t count = head >> 4 == 15 ? tn_thrift__varint(t) : head >> 4;
    *element = head & 0x0f;
    if (count > (uint64_t)(t->end - t->at)) {
        fail_short(t);
        return 0;
    }
    return t->failed ? 0 : (size_t)count;
}

bool tn_thrift__is_struct(tn_thrift *t, int type)
{
    if (type != TN_THRIFT_STRUCT) {
        tn_thrift__skip(t, type);
        return false;
    }
    return !t->failed;
}

/* What is open while skipping: a struct (count UINT64_MAX) or the rest of a list or map. */
typedef struct open_value {
    uint64_t left;
    uint8_t element, value; /* types; `value` of a map's values, taken in turn */
    bool is_map;
} open_value;

/* Skips a scalar, or opens what has parts. */
static bool skip_one(tn_thrift *t, int type, bool is_element, open_value *open)
{
    switch (type) {
    case TN_THRIFT_TRUE:
    case TN_THRIFT_FALSE:
        if (is_element) {
            (void)take_byte(t);
        }
        return false;
    case TN_THRIFT_BYTE:
        (void)take_byte(t);
        return false;
    case TN_THRIFT_I16:
    case TN_THRIFT_I32:
    case TN_THRIFT_I64:
        (void)tn_thrift__varint(t);
        return false;
    case TN_THRIFT_DOUBLE:
        take_bytes(t, 8);
        return false;
    case TN_THRIFT_BINARY:
        take_bytes(t, tn_thrift__varint(t));
        return false;
    case TN_THRIFT_LIST:
    case TN_THRIFT_SET: {
        int element;
        const size_t count = tn_thrift__list(t, type, &element);
        *open = (open_value){.left = count, .element = (uint8_t)element};
        return count > 0;
    }
    case TN_THRIFT_MAP: {
        const uint64_t count = tn_thrift__varint(t);
        if (count == 0) {
            return false;
        }
        const uint8_t types = take_byte(t);
        if (count > (uint64_t)(t->end - t->at)) {
            fail_short(t);
            return false;
        }
        *open = (open_value){
            .left = 2 * count, .element = types >> 4, .value = types & 0x0f, .is_map = true};
        return true;
    }
    case TN_THRIFT_STRUCT:
        *open = (open_value){.left = UINT64_MAX};
        return true;
    default:
        fail_damaged(t);
        return false;
    }
}

void tn_thrift__skip(tn_thrift *t, int type)
{
    open_value stack[TN_THRIFT_DEPTH_MAX];
    size_t depth = 0;
    open_value next;
    if (skip_one(t, type, false, &next)) {
        stack[depth++] = next;
    }
    while (depth > 0 && !t->failed) {
        open_value *const top = &stack[depth - 1];
        bool opened;
        if (top->left == UINT64_MAX) {
            int id = 0;
            const int field = tn_thrift__field(t, &id);
            if (field == TN_THRIFT_STOP) {
                depth--;
                continue;
            }
            opened = skip_one(t, field, false, &next);
        } else if (top->left == 0) {
            depth--;
            continue;
        } else {
            const bool is_value = top->is_map && top->left % 2 == 1;
            top->left--;
            opened = skip_one(t, is_value ? top->value : top->element, true, &next);
        }
        if (opened) {
            if (depth == TN_THRIFT_DEPTH_MAX) {
                fail_damaged(t);
                return;
            }
            stack[depth++] = next;
        }
    }
}
