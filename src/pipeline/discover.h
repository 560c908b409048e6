/* discover.h - which files a run would take, and whether pinned ones are still the same. */
#ifndef TN_PIPELINE_DISCOVER_H
#define TN_PIPELINE_DISCOVER_H

#include "pipeline/ledger.h"

typedef struct tn_discovery {
    tn_source_pin *pins;          /* one a station */
    size_t new_files;             /* of sources that take = "new" */
    bool takes_new;               /* there is such a source */
    const tn_known *taken_before; /* of a new file: by a source that is gone; or NULL */
    const tn_station *taken_by;   /* the source whose new file that is */
} tn_discovery;

/* `every`: every file is new (check), and the ledger's columns count where there is none; `ledger`
 * may be NULL then.  `limit`: new files of each source at most; 0: all.
 * Notes about changed and missing files go to `note`. */
typedef void tn_discover_note(void *context, bool is_warning, tn_str text);
TN_FALLIBLE tn_discover(tn_dataflow *p, const tn_ledger *ledger, bool every, uint64_t limit,
                        tn_arena *arena, tn_discover_note *note, void *context, tn_discovery *out,
                        tarn_error *err);
/* The pins of an entry; *changed is the first input that is gone or is another one now. */
TN_FALLIBLE tn_discover_entry(tn_dataflow *p, const tn_ledger_entry *entry, tn_arena *arena,
                              tn_discovery *out, const tn_input **changed, bool *is_gone,
                              tarn_error *err);
/* Opens the new files of sources whose columns are known and compares them: a new column fails the
 * run where on_new_column says so. */
TN_FALLIBLE tn_discover_columns(tn_dataflow *p, const tn_station *station, tn_source_pin *pin,
                                tarn_error *err);

#endif
