/* listing_internal.h - what the files of listing/ share. */
#ifndef TN_TABLE_LISTING_INTERNAL_H
#define TN_TABLE_LISTING_INTERNAL_H

#include "table/files/files.h"
#include "table/listing/listing.h"

/* Sets the opener of a set of JSON files; its options go to `keep`.  Unless it is but one, a file
 * may be without records. */
TN_FALLIBLE tn_listing__open_json(const tn_read_options *options, bool one, tn_arena *keep,
                                  tn_file_set *set, tarn_error *err);
/* The set's files in these types, which lie in `keep`, as far as they have the fields. */
TN_FALLIBLE tn_listing__type_json(const tn_field *fields, uint32_t count, tn_arena *keep,
                                  tn_file_set *set, tarn_error *err);

#endif
