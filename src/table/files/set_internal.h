/* set_internal.h - what a source of files keeps of the set it was made from. */
#ifndef TN_TABLE_FILES_SET_INTERNAL_H
#define TN_TABLE_FILES_SET_INTERNAL_H

#include "table/files/files.h"

/* All but what `keep` and the openers reach. */
TN_FALLIBLE tn_files__copy_set(const tn_file_set *set, tn_arena *arena, tn_file_set *out,
                               tarn_error *err);
/* The same columns in the same order: one's numbers are the other's. */
bool tn_files__same_positions(const tn_schema *a, const tn_schema *b);
/* Widens `into` by what one file says of a column. */
void tn_files__merge_column(tn_column_statistics *into, const tn_column_statistics *from,
                            bool first);

#endif
