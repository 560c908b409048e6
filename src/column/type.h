/*
 * type.h - logical types and schemas.
 *
 * The type is a promise about meaning, the lane a fact about layout (decision 4): a column of
 * type BIGINT may travel in lane i8.  Logic asks the type, kernels ask the lane.
 *
 * Types are interned per session: equal types are the same pointer, so == compares them.  Those
 * without parameters are constants (TN_BIGINT, TN_VARCHAR...); the others are made by a tn_types,
 * which must outlive every use.  A tn_types may be used from any thread.
 *
 * At the doors: float16 becomes REAL, seconds and milliseconds become microseconds, UUID becomes
 * VARCHAR, time of nanoseconds becomes TIME.
 */
#ifndef TN_COLUMN_TYPE_H
#define TN_COLUMN_TYPE_H

#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"
#include "column/lanes.h"

/* X(KIND, SQL name, declared lane): the types without parameters. */
#define TN_SIMPLE_TYPES(X)                                        \
    X(NULL, "NULL", none)                                         \
    X(BOOLEAN, "BOOLEAN", bool)                                   \
    X(TINYINT, "TINYINT", i8)                                     \
    X(SMALLINT, "SMALLINT", i16)                                  \
    X(INTEGER, "INTEGER", i32)                                    \
    X(BIGINT, "BIGINT", i64)                                      \
    X(UTINYINT, "UTINYINT", u8)                                   \
    X(USMALLINT, "USMALLINT", u16)                                \
    X(UINTEGER, "UINTEGER", u32)                                  \
    X(UBIGINT, "UBIGINT", u64)                                    \
    X(REAL, "REAL", f32)                                          \
    X(DOUBLE, "DOUBLE", f64)                                      \
    X(VARCHAR, "VARCHAR", view)                                   \
    X(BLOB, "BLOB", view)                                         \
    X(DATE, "DATE", i32)                            /* days */    \
    X(TIME, "TIME", i64)                            /* us */      \
    X(TIMESTAMP, "TIMESTAMP", i64)                  /* us */      \
    X(TIMESTAMP_NS, "TIMESTAMP_NS", i64)            /* ns */      \
    X(TIMESTAMPTZ, "TIMESTAMP WITH TIME ZONE", i64) /* us, UTC */ \
    X(INTERVAL, "INTERVAL", interval)

#define TN_KIND_ID(kind, text, lane) TN_KIND_##kind,
typedef enum tn_kind {
    TN_SIMPLE_TYPES(TN_KIND_ID) TN_KIND_DECIMAL, /* lane i64 to 18 digits, i128 to 38, then i256 */
    TN_KIND_LIST,                                /* one field, "element" */
    TN_KIND_STRUCT,                              /* fields by name */
    TN_KIND_MAP,                                 /* two fields, "key" and "value" */
    TN_KIND_COUNT
} tn_kind;
#undef TN_KIND_ID

typedef struct tn_type tn_type;

typedef struct tn_field {
    tn_str name;
    const tn_type *type;
    bool nullable;
} tn_field;

enum { TN_TYPE_DEPTH_MAX = 64, TN_DECIMAL_DIGITS_MAX = 76 };

struct tn_type {
    tn_kind kind;
    tn_lane lane;             /* the declared one: every value of the type fits it */
    uint8_t precision, scale; /* of decimals */
    uint8_t depth;            /* 1 for flat types; at most TN_TYPE_DEPTH_MAX */
    uint32_t field_count;     /* of nested types */
    const tn_field *fields;
    tn_str name; /* as SQL writes it: "DECIMAL(15,2)", "STRUCT(a INTEGER, b VARCHAR[])" */
};

#define TN_TYPE_CONSTANT(kind, text, lane) extern const tn_type tn_type_##kind;
TN_SIMPLE_TYPES(TN_TYPE_CONSTANT)
#undef TN_TYPE_CONSTANT
#define TN_TYPE_NULL    (&tn_type_NULL)
#define TN_BOOLEAN      (&tn_type_BOOLEAN)
#define TN_TINYINT      (&tn_type_TINYINT)
#define TN_SMALLINT     (&tn_type_SMALLINT)
#define TN_INTEGER      (&tn_type_INTEGER)
#define TN_BIGINT       (&tn_type_BIGINT)
#define TN_UTINYINT     (&tn_type_UTINYINT)
#define TN_USMALLINT    (&tn_type_USMALLINT)
#define TN_UINTEGER     (&tn_type_UINTEGER)
#define TN_UBIGINT      (&tn_type_UBIGINT)
#define TN_REAL         (&tn_type_REAL)
#define TN_DOUBLE       (&tn_type_DOUBLE)
#define TN_VARCHAR      (&tn_type_VARCHAR)
#define TN_BLOB         (&tn_type_BLOB)
#define TN_DATE         (&tn_type_DATE)
#define TN_TIME         (&tn_type_TIME)
#define TN_TIMESTAMP    (&tn_type_TIMESTAMP)
#define TN_TIMESTAMP_NS (&tn_type_TIMESTAMP_NS)
#define TN_TIMESTAMPTZ  (&tn_type_TIMESTAMPTZ)
#define TN_INTERVAL     (&tn_type_INTERVAL)

typedef struct tn_types tn_types;

TN_FALLIBLE tn_types_create(tn_pool *pool, tn_types **out, tarn_error *err);
void tn_types_destroy(tn_types *types);

TN_FALLIBLE tn_types_decimal(tn_types *types, unsigned precision, unsigned scale,
                             const tn_type **out, tarn_error *err);
TN_FALLIBLE tn_types_list(tn_types *types, const tn_type *element, const tn_type **out,
                          tarn_error *err);
TN_FALLIBLE tn_types_map(tn_types *types, const tn_type *key, const tn_type *value,
                         const tn_type **out, tarn_error *err);
/* Copies names and fields. */
TN_FALLIBLE tn_types_struct(tn_types *types, const tn_field *fields, uint32_t count,
                            const tn_type **out, tarn_error *err);
/*
 * The type that SQL text names: "BIGINT", "int", "decimal(10, 2)", "VARCHAR[]", "STRUCT(a INT)",
 * "MAP(VARCHAR, INT)", "TIMESTAMP WITH TIME ZONE", and the usual aliases (TEXT, STRING, INT8,
 * FLOAT4, FLOAT8, NUMERIC, BYTEA, TIMESTAMPTZ, DATETIME...).  TARN_E_INVALID with the nearest name.
 */
TN_FALLIBLE tn_types_parse(tn_types *types, tn_str text, const tn_type **out, tarn_error *err);

static inline bool tn_type_is_integer(const tn_type *type)
{
    return type->kind >= TN_KIND_TINYINT && type->kind <= TN_KIND_UBIGINT;
}
static inline bool tn_type_is_float(const tn_type *type)
{
    return type->kind == TN_KIND_REAL || type->kind == TN_KIND_DOUBLE;
}
static inline bool tn_type_is_numeric(const tn_type *type)
{
    return tn_type_is_integer(type) || tn_type_is_float(type) || type->kind == TN_KIND_DECIMAL;
}
static inline bool tn_type_is_string(const tn_type *type) /* or binary: lane view */
{
    return type->kind == TN_KIND_VARCHAR || type->kind == TN_KIND_BLOB;
}
static inline bool tn_type_is_nested(const tn_type *type)
{
    return type->kind >= TN_KIND_LIST;
}
static inline bool tn_type_is_timestamp(const tn_type *type)
{
    return type->kind >= TN_KIND_TIMESTAMP && type->kind <= TN_KIND_TIMESTAMPTZ;
}

/*
 * The type both can be read as without loss where there is one: for UNION, CASE, COALESCE, VALUES,
 * inference and comparisons.  NULL gives way to anything; integers widen (u64 with signed becomes
 * DECIMAL(20,0)); integer and decimal become a decimal that holds both (to 38 digits, then DOUBLE);
 * anything numeric with a float becomes DOUBLE; DATE with TIMESTAMP becomes TIMESTAMP.  False where
 * none exists.
 */
TN_FALLIBLE tn_types_common(tn_types *types, const tn_type *a, const tn_type *b,
                            const tn_type **out, bool *found, tarn_error *err);

/* Has `now` a field, at any depth, that `known` lacks?  Then the way to the first one is added to
 * the text in `path`, as in "[].price"; else `path` is of no more use.  `fold`: names of structs'
 * fields are matched by ASCII case. */
bool tn_type_find_new(const tn_type *known, const tn_type *now, bool fold, char *path, size_t size);

/* The columns of a table or result.  A plain struct: who makes it says where it lives. */
typedef struct tn_schema {
    uint32_t count;
    const tn_field *fields;
} tn_schema;

/* Exact match first, then by ASCII case; UINT32_MAX where none, *ambiguous where two fold alike. */
uint32_t tn_schema_find(const tn_schema *schema, tn_str name, bool *ambiguous);
/* Exactly that name. */
bool tn_schema_has(const tn_schema *schema, tn_str name);
TN_FALLIBLE tn_schema_copy(tn_arena *arena, const tn_schema *from, tn_schema *out, tarn_error *err);

#endif
