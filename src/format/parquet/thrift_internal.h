/*
 * thrift_internal.h - Thrift's compact protocol, as far as Parquet's footer and pages use it.
 *
 * The reader is a cursor with a sticky failure: after damage every call answers nothing, and who
 * reads asks `failed` once, at the end of a struct.  It never reserves memory; counts are checked
 * against the bytes that are left, since each element takes one at least.
 */
#ifndef TN_FORMAT_PARQUET_THRIFT_INTERNAL_H
#define TN_FORMAT_PARQUET_THRIFT_INTERNAL_H

#include "base/text.h"

enum {
    TN_THRIFT_STOP = 0,
    TN_THRIFT_TRUE = 1,
    TN_THRIFT_FALSE = 2,
    TN_THRIFT_BYTE = 3,
    TN_THRIFT_I16 = 4,
    TN_THRIFT_I32 = 5,
    TN_THRIFT_I64 = 6,
    TN_THRIFT_DOUBLE = 7,
    TN_THRIFT_BINARY = 8,
    TN_THRIFT_LIST = 9,
    TN_THRIFT_SET = 10,
    TN_THRIFT_MAP = 11,
    TN_THRIFT_STRUCT = 12,
    TN_THRIFT_DEPTH_MAX = 64
};

typedef struct tn_thrift {
    const uint8_t *at, *end;
    bool failed;
    bool short_of_bytes; /* failed since the bytes ended: more of them might help */
} tn_thrift;

static inline tn_thrift tn_thrift__over(const uint8_t *from, size_t size)
{
    return (tn_thrift){.at = from, .end = from + size};
}

/* A struct is read as: int id = 0; while ((type = tn_thrift__field(t, &id)) != STOP) switch (id)
 * ... default: tn_thrift__skip(t, type).  STOP also after damage. */
int tn_thrift__field(tn_thrift *t, int *id);
int64_t tn_thrift__int(tn_thrift *t, int type); /* byte, i16, i32, i64; else skips and fails */
bool tn_thrift__bool(tn_thrift *t, int type);   /* of a field: the type holds the value */
tn_str tn_thrift__binary(tn_thrift *t, int type);
/* The head of a list; its elements are then read one by one. */
size_t tn_thrift__list(tn_thrift *t, int type, int *element);
bool tn_thrift__element_bool(tn_thrift *t);
bool tn_thrift__is_struct(tn_thrift *t, int type); /* skips what is none */
void tn_thrift__skip(tn_thrift *t, int type);
uint64_t tn_thrift__varint(tn_thrift *t);

/*
 * The writer: begin a struct (inside a field, as a list's element, or at the top), its fields in
 * rising order, end it.  Bytes go to a tn_text, whose failure is sticky.
 */
typedef struct tn_thrift_out {
    tn_text *to;
    int last[TN_THRIFT_DEPTH_MAX]; /* field written last, by depth */
    int depth;
} tn_thrift_out;

void tn_thrift__put_varint(tn_text *to, uint64_t value);
void tn_thrift__put_i32(tn_thrift_out *out, int id, int64_t value);
void tn_thrift__put_i64(tn_thrift_out *out, int id, int64_t value);
void tn_thrift__put_byte(tn_thrift_out *out, int id, int8_t value);
void tn_thrift__put_bool(tn_thrift_out *out, int id, bool value);
void tn_thrift__put_binary(tn_thrift_out *out, int id, tn_str value);
void tn_thrift__put_list(tn_thrift_out *out, int id, int element, size_t count);
void tn_thrift__put_struct(tn_thrift_out *out, int id); /* id 0: an element, or the top */
void tn_thrift__end_struct(tn_thrift_out *out);
void tn_thrift__put_element(tn_thrift_out *out, int64_t value); /* a number in a list */
void tn_thrift__put_text(tn_thrift_out *out, tn_str value);     /* bytes in a list */

#endif
