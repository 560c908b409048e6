/* tarn status, tarn reset. */
#include "pipeline/run_internal.h"

#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"

#include <stdio.h>

/* ---- status -----------------------------------------------------------------------------------*/

static TN_FALLIBLE copy_tables(tn_arena *arena, const tn_ledger_entry *entry,
                               const tn_dataflow_table **out, tarn_error *err)
{
    tn_dataflow_table *tables;
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_dataflow_table, entry->written_count, &tables, err));
    for (size_t i = 0; i < entry->written_count; i++) {
        tables[i] = entry->written[i];
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, tables[i].name, &tables[i].name, err));
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, tables[i].uri, &tables[i].uri, err));
    }
    *out = tables;
    return TARN_OK;
}

static TN_FALLIBLE copy_flows(tn_arena *arena, const tn_ledger_entry *entry, const tn_flow **out,
                              tarn_error *err)
{
    tn_flow *flows;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_flow, entry->flow_count, &flows, err));
    for (size_t i = 0; i < entry->flow_count; i++) {
        flows[i] = entry->flows[i];
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, flows[i].name, &flows[i].name, err));
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, flows[i].detail, &flows[i].detail, err));
    }
    *out = flows;
    return TARN_OK;
}

static TN_FALLIBLE list_runs(tn_dataflow *p, const tn_ledger *ledger, tn_dataflow_status *out,
                             tarn_error *err)
{
    tn_dataflow_past *runs;
    TN_RETURN_IF_ERROR(
        tn_arena_array(&p->arena, tn_dataflow_past, ledger->entries.count, &runs, err));
    for (size_t i = 0; i < ledger->entries.count; i++) {
        const tn_ledger_entry *entry = ledger->entries.items[i];
        tn_dataflow_past *past = &runs[out->run_count++];
        *past = (tn_dataflow_past){.run = entry->run,
                                   .started_us = entry->now_us,
                                   .ended_us = entry->ended_us,
                                   .state = entry->is_reset ? TN_RUN_RESET : entry->state,
                                   .rows_in = entry->rows_in,
                                   .table_count = entry->written_count};
        for (size_t s = 0; s < entry->source_count; s++) {
            const tn_station *station = tn_dataflow__station(p, entry->sources[s].id);
            past->files +=
                station == NULL || !station->take_all ? entry->sources[s].input_count : 0;
        }
        TN_RETURN_IF_ERROR(copy_tables(&p->arena, entry, &past->tables, err));
        past->flow_count = entry->flow_count;
        TN_RETURN_IF_ERROR(copy_flows(&p->arena, entry, &past->flows, err));
    }
    out->runs = runs;
    return TARN_OK;
}

static TN_FALLIBLE known_file(tn_arena *arena, const tn_known *known, tn_dataflow_file *out,
                              tarn_error *err)
{
    *out = (tn_dataflow_file){.size = known->input->size,
                              .modified_us = known->input->modified_us,
                              .run = known->run,
                              .is_forgotten = known->is_forgotten};
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, known->input->source, &out->source, err));
    return tn_arena_copy(arena, known->input->key, &out->uri, err);
}

static TN_FALLIBLE list_files(tn_dataflow *p, const tn_ledger *ledger, const tn_discovery *found,
                              tn_dataflow_status *out, tarn_error *err)
{
    tn_dataflow_file *files;
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, tn_dataflow_file,
                                      ledger->known.count + found->new_files, &files, err));
    for (size_t i = 0; i < ledger->known.count; i++) {
        TN_RETURN_IF_ERROR(
            known_file(&p->arena, &ledger->known.items[i], &files[out->file_count++], err));
    }
    for (size_t i = 0; i < p->nodes.count; i++) {
        const tn_source_pin *pin = &found->pins[i];
        for (size_t f = 0; f < pin->count && !p->nodes.items[i]->take_all; f++) {
            tn_dataflow_file *file = &files[out->file_count++];
            *file = (tn_dataflow_file){.source = p->nodes.items[i]->id,
                                       .size = pin->files[f].size,
                                       .modified_us = pin->files[f].modified_us};
            TN_RETURN_IF_ERROR(tn_arena_copy(&p->arena, pin->keys[f], &file->uri, err));
            out->waiting++;
        }
    }
    out->files = files;
    return TARN_OK;
}

tarn_code tn_dataflow_get_status(tn_dataflow *p, tn_dataflow_status *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_ledger ledger = {0};
    tn_discovery found;
    tn_arena arena;

    *out = (tn_dataflow_status){.name = p->name, .state = p->state};
    TN_RETURN_IF_ERROR(tn_dataflow__first_fault(p, err));
    tn_arena_init(&arena, p->pool);
    TN_TRY(tn_ledger_open(&ledger, p, err));
    TN_TRY(tn_ledger_load(&ledger, err));
    TN_TRY(tn_discover(p, &ledger, false, 0, &arena, NULL, NULL, &found, err));
    TN_TRY(list_runs(p, &ledger, out, err));
    TN_TRY(list_files(p, &ledger, &found, out, err));
done:
    tn_ledger_close(&ledger);
    tn_arena_deinit(&arena);
    return code;
}

/* ---- reset ------------------------------------------------------------------------------------*/

static TN_FALLIBLE write_reset(tn_ledger *ledger, tn_ledger_entry *open, tn_str glob, int64_t run,
                               tarn_error *err)
{
    char uuid[TN_UUID_SIZE];
    bool mine;
    tn_random_uuid(uuid);
    if (open != NULL) { /* it is given up: whatever was committed stays */
        if (!tn_store_is_local(
                ledger->store)) { /* no lock tells whether a runner is at work on it */
            TN_RETURN_IF_ERROR(tn_void__give_up(ledger->p, open, err));
        }
        open->state = TN_RUN_RESET;
        TN_RETURN_IF_ERROR(tn_ledger_end(ledger, open, &mine, err));
    }
    const tn_ledger_entry entry = {.run = ledger->last + 1,
                                   .is_reset = true,
                                   .id = tn_str_of(uuid),
                                   .now_us = tn_clock_now_us(),
                                   .document_hash = ledger->p->document_hash,
                                   .forget_glob = glob,
                                   .forget_run = run};
    TN_RETURN_IF_ERROR(tn_ledger_begin(ledger, &entry, &mine, err));
    return mine ? TARN_OK
                : tn_fail(err, TARN_E_CONFLICT, "a runner began run %lld meanwhile",
                          (long long)entry.run);
}

static tn_ledger_entry *entry_of(const tn_ledger *ledger, int64_t run)
{
    return run >= 1 && run <= (int64_t)ledger->entries.count ? ledger->entries.items[run - 1]
                                                             : NULL;
}

/* Rows of an input whose run is still to be finished come with its repetition: forgotten now, it
 * would be taken twice. */
static TN_FALLIBLE refuse_unfinished(const tn_ledger *ledger, const tn_known *known,
                                     tarn_error *err)
{
    const tn_ledger_entry *open = tn_ledger_unfinished(ledger);
    if (open == NULL || known->run != open->run) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "'%.*s' is an input of run %lld, which was not finished: the next run repeats it",
                  TN_STR_ARGS(known->input->key), (long long)open->run);
    tn_hint(err, "'tarn run' finishes it; 'tarn reset --run %lld' gives it up",
            (long long)open->run);
    return TARN_E_INVALID;
}

static TN_FALLIBLE reset(tn_dataflow *p, tn_ledger *ledger, tn_str glob, int64_t run, bool do_it,
                         const tn_dataflow_file **files, size_t *count,
                         const tn_dataflow_table **tables, size_t *table_count, tarn_error *err)
{
    tn_dataflow_file *list;
    tn_ledger_entry *entry = run > 0 ? entry_of(ledger, run) : NULL;
    if (run > 0 && (entry == NULL || entry->is_reset)) {
        return tn_fail(err, TARN_E_NOT_FOUND, "the ledger has no run %lld", (long long)run);
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(&p->arena, tn_dataflow_file, ledger->known.count, &list, err));
    for (size_t i = 0; i < ledger->known.count; i++) {
        const tn_known *known = &ledger->known.items[i];
        if (!known->is_forgotten &&
            (run > 0 ? known->run == run : tn_glob_matches(glob, known->input->key))) {
            TN_RETURN_IF_ERROR(run > 0 ? TARN_OK : refuse_unfinished(ledger, known, err));
            TN_RETURN_IF_ERROR(known_file(&p->arena, known, &list[(*count)++], err));
        }
    }
    *files = list;
    if (entry != NULL) {
        TN_RETURN_IF_ERROR(copy_tables(&p->arena, entry, tables, err));
        *table_count = entry->written_count;
    }
    const bool is_open = entry != NULL && entry->state == TN_RUN_OPEN;
    return do_it && (*count > 0 || is_open)
               ? write_reset(ledger, is_open ? entry : NULL, glob, run, err)
               : TARN_OK;
}

tarn_code tn_dataflow_reset(tn_dataflow *p, tn_str glob, int64_t run, bool do_it,
                            const tn_dataflow_file **files, size_t *count,
                            const tn_dataflow_table **tables, size_t *table_count, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_ledger ledger = {0};
    int lock = -1;

    *files = NULL;
    *tables = NULL;
    *count = *table_count = 0;
    TN_RETURN_IF_ERROR(tn_dataflow__first_fault(p, err));
    TN_TRY(tn_ledger_open(&ledger, p, err));
    if (do_it) {
        TN_TRY(tn_ledger_lock(&ledger, true, NULL, NULL, &lock, err));
    }
    TN_TRY(tn_ledger_load(&ledger, err));
    code = reset(p, &ledger, glob, run, do_it, files, count, tables, table_count, err);
done:
    tn_file_close(lock);
    tn_ledger_close(&ledger);
    return code;
}
