/* place.h - where something is, however it was written: ".", ".." and doubled slashes count for
 * nothing, and a relative path and an absolute one of the same file are one place. */
#ifndef TN_PIPELINE_PLACE_H
#define TN_PIPELINE_PLACE_H

#include "pipeline/pipeline_internal.h"

/* By its name alone, no link is followed: so equal places of files are the same file only where
 * size and tag agree, too.  Other stores than the local one have one way to write a key. */
TN_FALLIBLE tn_place(const tn_dataflow *p, tn_arena *arena, tn_str uri, tn_str *out,
                     tarn_error *err);
/* How the ledger names a file: from the pipeline's folder where it lies in it or its pattern is
 * written so, whole otherwise. `place` is the file's. */
TN_FALLIBLE tn_place_key(const tn_dataflow *p, tn_arena *arena, tn_str uri, tn_str place,
                         tn_str *out, tarn_error *err);
/* Does one lie in the other, or is it the other? */
bool tn_place_is_inside(tn_str place, tn_str folder);
/* Mistakes of the file: tables and the state that are read as a source's input, or that lie in each
 * other. */
TN_FALLIBLE tn_place_check(tn_dataflow *p, tarn_error *err);

#endif
