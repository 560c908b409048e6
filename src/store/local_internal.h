/* local_internal.h - shared by the two files of the local store. */
#ifndef TN_STORE_LOCAL_INTERNAL_H
#define TN_STORE_LOCAL_INTERNAL_H

#include "store/store_internal.h"

#include <sys/stat.h>

/* Size, time and tag of what stat(2) tells. */
void tn_local__about(const struct stat *file, tn_object_info *out);
TN_FALLIBLE tn_local__list(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                           tn_pool *pool, tn_listing **out, tarn_error *err);

#endif
