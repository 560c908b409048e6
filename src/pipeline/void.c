/* Entries that cannot be replayed, since an input is gone or another one now. */
#include "pipeline/run_internal.h"

/* ---- who has it -------------------------------------------------------------------------------*/

static TN_FALLIBLE mark_name(tn_arena *arena, const tn_ledger_entry *entry,
                             const tn_entry_table *table, tn_str *out, tarn_error *err)
{
    return tn_arena_print(arena, out, err, "VOID %.*s %lld", TN_STR_ARGS(table->application),
                          (long long)entry->run);
}

/* A table that carries the number may have the rows, or only the mark that keeps them away. */
static TN_FALLIBLE look_at(tn_dataflow *p, const tn_ledger_entry *entry, const tn_entry_table *sink,
                           tn_arena *arena, bool *has, bool *is_void, tarn_error *err)
{
    tn_delta *table;
    int64_t version;
    tarn_error cause = TARN_ERROR_INIT;
    tn_delta_commit_info *history;
    size_t count;
    tn_str mark;
    tn_stores *stores = tn_session_stores(p->session);

    *has = *is_void = false;
    const tarn_code code = tn_delta_open(stores, tn_session_types(p->session), sink->uri,
                                         &TN_DELTA_LATEST, p->pool, &table, &cause);
    if (code == TARN_E_NOT_FOUND) {
        return TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &cause);
        return code;
    }
    *has = tn_delta_txn(table, sink->application, &version) && version >= entry->run;
    tn_delta_close(table);
    if (!*has) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(mark_name(arena, entry, sink, &mark, err));
    TN_RETURN_IF_ERROR(
        tn_delta_history(stores, sink->uri, 1000, arena, p->pool, &history, &count, err));
    for (size_t i = 0; i < count && !*is_void; i++) {
        *is_void = tn_str_equal(history[i].operation, mark);
    }
    return TARN_OK;
}

tarn_code tn_void__look(tn_dataflow *p, const tn_ledger_entry *entry, tn_arena *arena,
                        tn_landed *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    *out = (tn_landed){.all = true};
    tn_text_init(&text, p->pool, 1 << 16);
    for (size_t i = 0; i < entry->sink_count; i++) {
        bool has;
        bool is_void;
        TN_TRY(look_at(p, entry, &entry->sinks[i], arena, &has, &is_void, err));
        out->voided += has && is_void;
        out->all = out->all && ((has && !is_void) || entry->sinks[i].name.size == 0);
        if (has && !is_void) {
            tn_text_printf(&text, "%s'%.*s'", out->have == 0 ? "" : ", ",
                           TN_STR_ARGS(entry->sinks[i].uri));
            out->have++;
        }
    }
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(tn_arena_copy(arena, tn_text_str(&text), &out->names, err));
done:
    tn_text_deinit(&text);
    return code;
}

/* ---- closing ----------------------------------------------------------------------------------*/

/* The bare marker; a table that does not exist yet is made with it. */
static TN_FALLIBLE mark(tn_dataflow *p, const tn_ledger_entry *entry, const tn_entry_table *sink,
                        tn_arena *arena, tarn_error *err)
{
    tn_session *session = p->session;
    tn_stores *stores = tn_session_stores(session);
    tn_types *types = tn_session_types(session);
    tn_delta_writer *writer;
    tn_delta *table;
    tn_delta_receipt receipt;
    tarn_error cause = TARN_ERROR_INIT;
    tn_schema schema = {sink->column_count, sink->columns};
    tn_delta_write_options options = {.mode = TN_DELTA_APPEND,
                                      .partition_by = sink->partition_by,
                                      .partition_count = sink->partition_count,
                                      .application = sink->application,
                                      .application_version = entry->run};

    TN_RETURN_IF_ERROR(mark_name(arena, entry, sink, &options.operation, err));
    tarn_code code =
        tn_delta_open(stores, types, sink->uri, &TN_DELTA_LATEST, p->pool, &table, &cause);
    if (code == TARN_OK) {
        code = tn_schema_copy(arena, &tn_delta_describe(table)->schema, &schema, err);
        options.partition_count = 0;
        tn_delta_close(table);
        TN_RETURN_IF_ERROR(code);
    } else if (code != TARN_E_NOT_FOUND) {
        tn_error_copy(err, &cause);
        return code;
    }
    TN_RETURN_IF_ERROR(
        tn_delta_writer_open(stores, types, sink->uri, &schema, &options, p->pool, &writer, err));
    code = tn_delta_writer_commit(writer, &receipt, err);
    tn_delta_writer_close(writer);
    return code;
}

tarn_code tn_void__close(tn_dataflow *p, tn_ledger *ledger, tn_ledger_entry *entry, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_landed landed;
    bool mine;

    tn_arena_init(&arena, p->pool);
    tn_stop_at(TN_STOP_void_begun);
    for (size_t i = 0; i < entry->sink_count; i++) {
        TN_TRY(mark(p, entry, &entry->sinks[i], &arena, err));
        if (i == 0) {
            tn_stop_at(TN_STOP_void_table_marked);
        }
    }
    tn_stop_at(TN_STOP_void_tables_marked);
    /* A late twin may have been faster at one of them. */
    TN_TRY(tn_void__look(p, entry, &arena, &landed, err));
    if (landed.have > 0) {
        code = tn_fail(err, TARN_E_CONFLICT,
                       "another runner committed run %lld to %.*s while it was being closed",
                       (long long)entry->run, TN_STR_ARGS(landed.names));
        tn_hint(err, "'tarn reset --run %lld' gives it up, whatever was committed stays",
                (long long)entry->run);
        goto done;
    }
    entry->state = TN_RUN_VOID;
    TN_TRY(tn_ledger_end(ledger, entry, &mine, err));
    tn_stop_at(TN_STOP_void_marked);
done:
    tn_arena_deinit(&arena);
    return code;
}
