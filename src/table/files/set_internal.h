/* set_internal.h - what a source of files keeps of the set it was made from. */
#ifndef TN_TABLE_FILES_SET_INTERNAL_H
#define TN_TABLE_FILES_SET_INTERNAL_H

#include "table/files/files.h"

/* All but what `keep` and the openers reach. */
TN_FALLIBLE tn_files__copy_set(const tn_file_set *set, tn_arena *arena, tn_file_set *out,
                               tarn_error *err);

#endif
