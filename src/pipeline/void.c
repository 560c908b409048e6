/* Entries that cannot be replayed, since an input is gone or another one now. */
#include "pipeline/run_internal.h"

enum {
    ID_SIZE = 8,        /* of an entry's id, in what its commits carry */
    HISTORY_FIRST = 10, /* versions of a table that are looked at for it, then more */
    HISTORY_MORE = 10,
    HISTORY_MAX = 1000
};

/* ---- who has it -------------------------------------------------------------------------------*/

static TN_FALLIBLE mark_name(tn_arena *arena, const tn_ledger_entry *entry, tn_str application,
                             tn_str *out, tarn_error *err)
{
    return tn_arena_print(arena, out, err, "VOID %.*s %lld", TN_STR_ARGS(application),
                          (long long)entry->run);
}

tarn_code tn_void__run_name(const tn_ledger_entry *entry, tn_str application, tn_arena *arena,
                            tn_str *out, tarn_error *err)
{
    const size_t slash = tn_str_find(application, '/'); /* behind the pipeline's name */
    const tn_str name = tn_str_slice(application, 0, slash == SIZE_MAX ? application.size : slash);
    const tn_str id =
        tn_str_slice(entry->id, 0, entry->id.size < ID_SIZE ? entry->id.size : ID_SIZE);
    return tn_arena_print(arena, out, err, "%.*s-%lld-%.*s", TN_STR_ARGS(name),
                          (long long)entry->run, TN_STR_ARGS(id));
}

/* Whose the number is that a table carries: this entry's rows, the mark that keeps them away, or
 * rows that another ledger's run of this number wrote.  What the log does not tell any more (or
 * never did) is taken for this entry's. */
typedef enum holder { HOLDER_NONE, HOLDER_ENTRY, HOLDER_MARK, HOLDER_FOREIGN } holder;

/* In the newest `limit` entries; *is_all: there are no more. */
static TN_FALLIBLE look_back(const tn_dataflow *p, tn_str uri, tn_str run, tn_str mark,
                             uint64_t limit, tn_arena *arena, holder *out, bool *is_all,
                             tarn_error *err)
{
    tn_delta_commit_info *history;
    size_t count;
    TN_RETURN_IF_ERROR(tn_delta_history(tn_session_stores(p->session), uri, limit, arena, p->pool,
                                        &history, &count, err));
    *out = HOLDER_NONE;
    *is_all = count < limit;
    for (size_t i = 0; i < count; i++) {
        const tn_str other = history[i].run;
        const size_t same = run.size - ID_SIZE; /* the name, the number */
        if (mark.size > 0 && tn_str_equal(history[i].operation, mark)) {
            *out = HOLDER_MARK;
            return TARN_OK;
        }
        if (tn_str_equal(other, run)) {
            *out = HOLDER_ENTRY;
            return TARN_OK;
        }
        if (run.size > ID_SIZE && other.size == run.size &&
            tn_str_equal(tn_str_slice(other, 0, same), tn_str_slice(run, 0, same))) {
            *out = HOLDER_FOREIGN;
        }
    }
    return TARN_OK;
}

/* Each entry is a request: nearly always a few tell. */
static TN_FALLIBLE look_into(const tn_dataflow *p, const tn_ledger_entry *entry, tn_str uri,
                             tn_str application, tn_str mark, tn_arena *arena, holder *out,
                             tarn_error *err)
{
    bool is_all = false;
    tn_str run;
    TN_RETURN_IF_ERROR(tn_void__run_name(entry, application, arena, &run, err));
    *out = HOLDER_NONE;
    for (uint64_t limit = HISTORY_FIRST; limit <= HISTORY_MAX; limit *= HISTORY_MORE) {
        if (!is_all && *out != HOLDER_ENTRY && *out != HOLDER_MARK) {
            TN_RETURN_IF_ERROR(look_back(p, uri, run, mark, limit, arena, out, &is_all, err));
        }
    }
    *out = *out == HOLDER_NONE ? HOLDER_ENTRY : *out;
    return TARN_OK;
}

static TN_FALLIBLE look_at(tn_dataflow *p, const tn_ledger_entry *entry, const tn_entry_table *sink,
                           tn_arena *arena, holder *out, tarn_error *err)
{
    tn_delta *table;
    int64_t version;
    tarn_error cause = TARN_ERROR_INIT;
    tn_str mark;
    tn_stores *stores = tn_session_stores(p->session);

    *out = HOLDER_NONE;
    const tarn_code code = tn_delta_open(stores, tn_session_types(p->session), sink->uri,
                                         &TN_DELTA_LATEST, p->pool, &table, &cause);
    if (code == TARN_E_NOT_FOUND) {
        return TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &cause);
        return code;
    }
    const bool has = tn_delta_txn(table, sink->application, &version) && version >= entry->run;
    tn_delta_close(table);
    if (!has) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(mark_name(arena, entry, sink->application, &mark, err));
    return look_into(p, entry, sink->uri, sink->application, mark, arena, out, err);
}

static TN_FALLIBLE fail_foreign(const tn_dataflow *p, const tn_ledger_entry *entry, tn_str uri,
                                tn_str application, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID,
                  "'%.*s' has run %lld of '%.*s' from another ledger than '%.*s': another pipeline "
                  "of this name writes there, and was faster",
                  TN_STR_ARGS(uri), (long long)entry->run, TN_STR_ARGS(application),
                  TN_STR_ARGS(p->state));
    tn_hint(err,
            "the rows of this run are not in the table; give the pipeline another 'name' and keep "
            "its 'state', or give the run up with 'tarn reset --run %lld'",
            (long long)entry->run);
    return TARN_E_INVALID;
}

tarn_code tn_void__refuse_foreign(tn_dataflow *p, const tn_ledger_entry *entry, tn_str uri,
                                  tn_str application, tn_arena *arena, tarn_error *err)
{
    holder found;
    tn_str mark;
    TN_RETURN_IF_ERROR(mark_name(arena, entry, application, &mark, err));
    TN_RETURN_IF_ERROR(look_into(p, entry, uri, application, mark, arena, &found, err));
    if (found == HOLDER_MARK) { /* what is not there must not count as done */
        (void)tn_fail(err, TARN_E_CONFLICT, "run %lld was given up by another runner meanwhile",
                      (long long)entry->run);
        tn_hint(err, "run it again: what is left of its inputs is taken anew");
        return TARN_E_CONFLICT;
    }
    return found == HOLDER_FOREIGN ? fail_foreign(p, entry, uri, application, err) : TARN_OK;
}

/* A pipeline that got another name since writes under that: what its old one met is no matter. */
static bool is_renamed(const tn_dataflow *p, tn_str application)
{
    return !tn_str_starts(application, p->name) || application.size <= p->name.size ||
           application.data[p->name.size] != '/';
}

tarn_code tn_void__look(tn_dataflow *p, const tn_ledger_entry *entry, tn_arena *arena,
                        tn_landed *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    *out = (tn_landed){.all = true};
    tn_text_init(&text, p->pool, 1 << 16);
    TN_TRY(tn_arena_array(arena, bool, entry->sink_count + 1, &out->others, err));
    for (size_t i = 0; i < entry->sink_count; i++) {
        const tn_entry_table *sink = &entry->sinks[i];
        holder found;
        TN_TRY(look_at(p, entry, sink, arena, &found, err));
        if (found == HOLDER_FOREIGN && !is_renamed(p, sink->application)) {
            code = fail_foreign(p, entry, sink->uri, sink->application, err);
            goto done;
        }
        out->others[i] = found == HOLDER_FOREIGN;
        out->voided += found == HOLDER_MARK;
        out->all = out->all && (found == HOLDER_ENTRY || sink->name.size == 0);
        if (found == HOLDER_ENTRY) {
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

    TN_RETURN_IF_ERROR(mark_name(arena, entry, sink->application, &options.operation, err));
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

tarn_code tn_void__give_up(tn_dataflow *p, const tn_ledger_entry *entry, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_arena_init(&arena, p->pool);
    for (size_t i = 0; i < entry->sink_count; i++) {
        TN_TRY(mark(p, entry, &entry->sinks[i], &arena, err));
    }
done:
    tn_arena_deinit(&arena);
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
