/*
 * assemble_internal.h - nested columns from the levels of their leaves.
 *
 * An assembly belongs to one column of one scan task and reuses its scratch.  Its output is lent
 * like the leaves' own.
 */
#ifndef TN_FORMAT_PARQUET_ASSEMBLE_INTERNAL_H
#define TN_FORMAT_PARQUET_ASSEMBLE_INTERNAL_H

#include "format/parquet/leaf_internal.h"

/* A node with its scratch; those of a column lie in one array, parents before children. */
typedef struct tn_assembly_node {
    const tn_node *node;
    uint32_t parent; /* in the array */
    uint32_t first_child;
    tn_room validity, heads;
    tn_column *columns; /* of the children */
} tn_assembly_node;

typedef struct tn_assembly {
    tn_pool *pool;
    uint32_t count;
    tn_assembly_node *nodes;
    tn_column *columns; /* one a node; children of a node lie side by side */
} tn_assembly;

TN_FALLIBLE tn_assembly__open(tn_assembly *assembly, const tn_node *column, tn_pool *pool,
                              tarn_error *err);
void tn_assembly__close(tn_assembly *assembly);
/* `readers` are all of the scan's, by leaf; those of this column are filled. */
TN_FALLIBLE tn_assembly__column(tn_assembly *assembly, tn_leaf_reader *const *readers, size_t rows,
                                tn_column *out, tarn_error *err);

#endif
