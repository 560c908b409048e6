/* column_internal.h - what the files of column/ share. */
#ifndef TN_COLUMN_INTERNAL_H
#define TN_COLUMN_INTERNAL_H

#include "column/chunk.h"
#include "column/flatten.h"

tn_pool *tn_types__pool(const tn_types *types);

#endif
