/* ledger_internal.h - the ledger's objects: ledger.c, ledger_json.c and ledger_pack.c. */
#ifndef TN_PIPELINE_LEDGER_INTERNAL_H
#define TN_PIPELINE_LEDGER_INTERNAL_H

#include "pipeline/ledger.h"

enum { TN_LEDGER_OBJECT_MAX = 256 << 20 };

/* ---- JSON ---- */

/* What stands there must be of this run and of a kind that is known: what was taken for an entry
 * without inputs would have them taken again. */
TN_FALLIBLE tn_ledger__check(const tn_json *root, bool is_entry, tn_str key, int64_t run,
                             tarn_error *err);
TN_FALLIBLE tn_ledger__read_entry(tn_ledger *ledger, const tn_json *root, tn_ledger_entry *entry,
                                  tarn_error *err);
TN_FALLIBLE tn_ledger__read_end(tn_ledger *ledger, const tn_json *root, tn_ledger_entry *entry,
                                tarn_error *err);
void tn_ledger__put_entry(tn_json_writer *w, const tn_ledger_entry *entry);
void tn_ledger__put_end(tn_json_writer *w, const tn_ledger_entry *entry);
/* What to do about an object that cannot be read. */
extern const char tn_ledger__damage_hint[];

/* ---- objects ---- */

/* The text at a key, until the ledger is loaded again; `data` NULL where there is none. */
TN_FALLIBLE tn_ledger__fetch(tn_ledger *ledger, tn_str key, tn_str *out, tarn_error *err);
/* The next run, of the texts of its entry and end (`data` NULL: none), from an object each or a
 * pack. */
TN_FALLIBLE tn_ledger__add(tn_ledger *ledger, tn_str entry_text, tn_str entry_key, tn_str end_text,
                           tn_str end_key, uint32_t packed, tarn_error *err);

/* ---- packs ---- */

/* Adds the runs of the largest pack that begins behind the last run, if there is one. */
TN_FALLIBLE tn_ledger__load_pack(tn_ledger *ledger, bool *found, tarn_error *err);

#endif
