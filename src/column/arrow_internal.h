/* arrow_internal.h - what the files of the Arrow door share. */
#ifndef TN_COLUMN_ARROW_INTERNAL_H
#define TN_COLUMN_ARROW_INTERNAL_H

#include "column/arrow.h"

/* How a node's buffers are read. */
typedef enum tn_arrow_form {
    TN_ARROW_NULL,
    TN_ARROW_BITS,     /* booleans */
    TN_ARROW_VALUES,   /* as they are: `width` bytes each, in the type's lane */
    TN_ARROW_HALF,     /* half floats */
    TN_ARROW_DECIMAL,  /* `width` bytes, sign-extended or cut to the lane */
    TN_ARROW_SCALED,   /* integers of `width` bytes, times `factor`, or divided by -factor */
    TN_ARROW_DURATION, /* 64 bits, times `factor`: nanoseconds of an interval */
    TN_ARROW_MONTHS,
    TN_ARROW_DAYS_MILLIS,
    TN_ARROW_TEXT, /* offsets of `width` bytes */
    TN_ARROW_VIEWS,
    TN_ARROW_FIXED, /* `width` bytes each */
    TN_ARROW_UUID,
    TN_ARROW_LIST,       /* offsets of `width` bytes; also maps */
    TN_ARROW_LIST_VIEW,  /* offsets and sizes of `width` bytes */
    TN_ARROW_FIXED_LIST, /* `width` elements each */
    TN_ARROW_STRUCT,
    TN_ARROW_DICTIONARY /* indices of `width` bytes into child 0 */
} tn_arrow_form;

typedef struct tn_arrow_node {
    tn_arrow_form form;
    const tn_type *type;
    tn_str name;
    bool nullable, is_signed; /* of a dictionary's indices */
    uint32_t width;
    int64_t factor;
    uint32_t child_count; /* of a map: its key and value */
    struct tn_arrow_node *children;
} tn_arrow_node;

/* Arrow's format string of a type; lives in the arena. */
TN_FALLIBLE tn_arrow__format(const tn_type *type, bool views, tn_arena *arena, const char **out,
                             tarn_error *err);
TN_FALLIBLE tn_arrow__node(const struct ArrowSchema *schema, tn_types *types, tn_arena *arena,
                           unsigned depth, tn_arrow_node *out, tarn_error *err);

#endif
