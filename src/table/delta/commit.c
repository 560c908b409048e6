/*
 * One commit: a log entry put where none is yet.  Its body carries a random id; after "it exists"
 * or an answer that was lost the entry is read, and the id tells whose it is.
 */
#include "column/value.h"
#include "os/clock.h"
#include "os/random.h"

#include "table/delta/writer_internal.h"

#include <tarn/version.h>

#include <stdio.h>

enum { REBASES_MAX = 1000, PUTS_MAX = 8, ENTRY_MAX = TN_DELTA_ENTRY_MAX, CHECKPOINT_INTERVAL = 10 };

/* ---- the entry --------------------------------------------------------------------------------*/

typedef struct entry {
    tn_delta_writer *writer;
    tn_text text;
    char id[TN_UUID_SIZE];
    char table_id[TN_UUID_SIZE];
    int64_t now_ms;
    uint64_t rows, bytes, removed;
} entry;

static void put_partition_values(const tn_delta_writer *writer, tn_json_writer *w,
                                 const tn_str *texts)
{
    tn_json_name(w, "partitionValues");
    tn_json_begin(w, '{');
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        tn_json_name_str(w, writer->sink.schema.fields[writer->partition_columns[i]].name);
        if (texts == NULL || texts[i].data == NULL) {
            tn_json_put_null(w);
        } else {
            tn_json_put_str(w, texts[i]);
        }
    }
    tn_json_end(w, '}');
}

static TN_FALLIBLE put_encoded(entry *e, tn_json_writer *w, tn_str path, tarn_error *err)
{
    tn_text encoded;
    tn_text_init(&encoded, e->writer->pool, 1 << 20);
    tn_delta__encode(path, &encoded);
    const tarn_code code = tn_text_status(&encoded, err);
    if (code == TARN_OK) {
        tn_json_put_str(w, tn_text_str(&encoded));
    }
    tn_text_deinit(&encoded);
    return code;
}

static TN_FALLIBLE put_adds(entry *e, tarn_error *err)
{
    tn_delta_writer *writer = e->writer;
    for (size_t i = 0; i < writer->staged.count; i++) {
        const tn_staged_file *file = &writer->staged.items[i];
        tn_json_writer w = {.out = &e->text};
        tn_json_begin(&w, '{');
        tn_json_name(&w, "add");
        tn_json_begin(&w, '{');
        tn_json_name(&w, "path");
        TN_RETURN_IF_ERROR(put_encoded(e, &w, file->path, err));
        put_partition_values(writer, &w, file->partitions);
        tn_json_name(&w, "size");
        tn_json_put_unsigned(&w, file->size);
        tn_json_name(&w, "modificationTime");
        tn_json_put_integer(&w, e->now_ms);
        tn_json_name(&w, "dataChange");
        tn_json_put_bool(&w, true);
        tn_json_name(&w, "stats");
        tn_json_put_str(&w, file->statistics);
        tn_json_end(&w, '}');
        tn_json_end(&w, '}');
        tn_text_putc(&e->text, '\n');
        e->rows += file->rows;
        e->bytes += file->size;
    }
    return TARN_OK;
}

/* A file is what its path and its vector say together. */
static void put_vector(tn_json_writer *w, const tn_delta_vector *vector)
{
    if (vector == NULL) {
        return;
    }
    tn_json_name(w, "deletionVector");
    tn_json_begin(w, '{');
    tn_json_name(w, "storageType");
    tn_json_put_str(w, vector->storage);
    tn_json_name(w, "pathOrInlineDv");
    tn_json_put_str(w, vector->path);
    if (vector->offset >= 0) {
        tn_json_name(w, "offset");
        tn_json_put_integer(w, vector->offset);
    }
    tn_json_name(w, "sizeInBytes");
    tn_json_put_integer(w, vector->size);
    tn_json_name(w, "cardinality");
    tn_json_put_integer(w, vector->cardinality);
    tn_json_end(w, '}');
}

/* Overwriting removes every file of the snapshot it was made upon. */
static void put_removes(entry *e)
{
    const tn_delta_about *about = &e->writer->table->about;
    for (uint64_t i = 0; i < about->file_count; i++) {
        const tn_delta_file *file = &about->files[i];
        tn_json_writer w = {.out = &e->text};
        tn_json_begin(&w, '{');
        tn_json_name(&w, "remove");
        tn_json_begin(&w, '{');
        tn_json_name(&w, "path");
        tn_json_put_str(&w, file->written);
        tn_json_name(&w, "deletionTimestamp");
        tn_json_put_integer(&w, e->now_ms);
        tn_json_name(&w, "dataChange");
        tn_json_put_bool(&w, true);
        tn_json_name(&w, "extendedFileMetadata");
        tn_json_put_bool(&w, true);
        put_partition_values(e->writer, &w, file->partitions);
        tn_json_name(&w, "size");
        tn_json_put_unsigned(&w, file->size);
        put_vector(&w, file->deletion);
        tn_json_end(&w, '}');
        tn_json_end(&w, '}');
        tn_text_putc(&e->text, '\n');
    }
    e->removed = about->file_count;
}

static bool needs_ntz(const tn_schema *schema)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        if (tn_delta__has_ntz(schema->fields[i].type)) {
            return true;
        }
    }
    return false;
}

static void put_protocol(entry *e)
{
    const bool ntz = needs_ntz(&e->writer->table_schema);
    tn_text_puts(&e->text,
                 ntz ? "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,"
                       "\"readerFeatures\":[\"timestampNtz\"],"
                       "\"writerFeatures\":[\"timestampNtz\",\"appendOnly\",\"invariants\"]}}\n"
                     : "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n");
}

static TN_FALLIBLE put_metadata(entry *e, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta_writer *writer = e->writer;
    tn_json_writer w = {.out = &e->text};
    tn_text schema;

    tn_text_init(&schema, writer->pool, 1 << 24);
    TN_TRY(tn_delta__put_schema(&writer->table_schema, &schema, err));
    tn_json_begin(&w, '{');
    tn_json_name(&w, "metaData");
    tn_json_begin(&w, '{');
    tn_json_name(&w, "id");
    tn_json_put_text(&w, e->table_id);
    tn_json_name(&w, "format");
    tn_json_put_raw(&w, TN_STR("{\"provider\":\"parquet\",\"options\":{}}"));
    tn_json_name(&w, "schemaString");
    tn_json_put_str(&w, tn_text_str(&schema));
    tn_json_name(&w, "partitionColumns");
    tn_json_begin(&w, '[');
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        tn_json_put_str(&w, writer->table_schema.fields[writer->partition_columns[i]].name);
    }
    tn_json_end(&w, ']');
    tn_json_name(&w, "configuration");
    tn_json_begin(&w, '{');
    for (uint32_t i = 0; i < writer->property_count; i++) {
        tn_json_name_str(&w, writer->properties[i].name);
        tn_json_put_str(&w, writer->properties[i].value);
    }
    tn_json_end(&w, '}');
    tn_json_name(&w, "createdTime");
    tn_json_put_integer(&w, e->now_ms);
    tn_json_end(&w, '}');
    tn_json_end(&w, '}');
    tn_text_putc(&e->text, '\n');
done:
    tn_text_deinit(&schema);
    return code;
}

static void put_txn(entry *e)
{
    tn_json_writer w = {.out = &e->text};
    if (e->writer->application.size == 0) {
        return;
    }
    tn_json_begin(&w, '{');
    tn_json_name(&w, "txn");
    tn_json_begin(&w, '{');
    tn_json_name(&w, "appId");
    tn_json_put_str(&w, e->writer->application);
    tn_json_name(&w, "version");
    tn_json_put_integer(&w, e->writer->application_version);
    tn_json_name(&w, "lastUpdated");
    tn_json_put_integer(&w, e->now_ms);
    tn_json_end(&w, '}');
    tn_json_end(&w, '}');
    tn_text_putc(&e->text, '\n');
}

static void put_text_number(tn_json_writer *w, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    tn_json_name(w, name);
    tn_json_put_text(w, text);
}

static void put_info(entry *e, const tn_delta_writer *writer, uint64_t rows, uint64_t bytes)
{
    tn_json_writer w = {.out = &e->text};
    const bool overwrites = writer->mode == TN_DELTA_OVERWRITE;
    const tn_str otherwise = writer->staged.count == 0 && writer->table == NULL
                                 ? TN_STR("CREATE TABLE")
                                 : TN_STR("WRITE");
    tn_json_begin(&w, '{');
    tn_json_name(&w, "commitInfo");
    tn_json_begin(&w, '{');
    tn_json_name(&w, "timestamp");
    tn_json_put_integer(&w, e->now_ms);
    tn_json_name(&w, "operation");
    tn_json_put_str(&w, writer->operation.size > 0 ? writer->operation : otherwise);
    tn_json_name(&w, "operationParameters");
    tn_json_begin(&w, '{');
    tn_json_name(&w, "mode");
    tn_json_put_text(&w, overwrites ? "Overwrite" : "Append");
    tn_json_end(&w, '}');
    if (writer->table != NULL) {
        tn_json_name(&w, "readVersion");
        tn_json_put_integer(&w, writer->table->about.version);
    }
    tn_json_name(&w, "isolationLevel");
    tn_json_put_text(&w, "Serializable");
    tn_json_name(&w, "isBlindAppend");
    tn_json_put_bool(&w, !overwrites);
    tn_json_name(&w, "operationMetrics");
    tn_json_begin(&w, '{');
    put_text_number(&w, "numFiles", writer->staged.count);
    put_text_number(&w, "numOutputRows", rows);
    put_text_number(&w, "numOutputBytes", bytes);
    tn_json_end(&w, '}');
    tn_json_name(&w, "engineInfo");
    tn_json_put_text(&w, "Tarn/" TARN_VERSION);
    tn_json_name(&w, "txnId");
    tn_json_put_text(&w, e->id);
    if (writer->run.size > 0) {
        tn_json_name(&w, "tarnRun");
        tn_json_put_str(&w, writer->run);
    }
    tn_json_end(&w, '}');
    tn_json_end(&w, '}');
    tn_text_putc(&e->text, '\n');
}

/* The bytes of the entry, with a new id. */
static TN_FALLIBLE make_entry(entry *e, tarn_error *err)
{
    const tn_delta_writer *writer = e->writer;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < writer->staged.count; i++) {
        rows += writer->staged.items[i].rows;
        bytes += writer->staged.items[i].size;
    }
    tn_text_clear(&e->text);
    e->rows = e->bytes = e->removed = 0;
    e->now_ms = tn_clock_now_us() / 1000;
    tn_random_uuid(e->id);
    put_info(e, writer, rows, bytes);
    if (writer->table == NULL) {
        put_protocol(e);
        TN_RETURN_IF_ERROR(put_metadata(e, err));
    }
    put_txn(e);
    if (writer->table != NULL && writer->mode == TN_DELTA_OVERWRITE) {
        put_removes(e);
    }
    TN_RETURN_IF_ERROR(put_adds(e, err));
    return tn_text_status(&e->text, err);
}

/* ---- putting it -------------------------------------------------------------------------------*/

/* Whose entry stands at a version: ours, somebody else's, nobody's. */
typedef enum ownership { OURS, OTHERS, NOBODYS } ownership;

static TN_FALLIBLE look(tn_delta_writer *writer, tn_str key, const char *id, ownership *out,
                        tarn_error *err)
{
    tarn_error missing = TARN_ERROR_INIT;
    tn_buffer *buffer = NULL;
    const tarn_code code =
        tn_store_get(writer->store, key, ENTRY_MAX, writer->pool, &buffer, NULL, &missing);
    if (code == TARN_E_NOT_FOUND) {
        *out = NOBODYS;
        return TARN_OK;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &missing);
        return code;
    }
    const tn_str wanted = tn_str_of(id);
    *out = OTHERS;
    for (size_t i = 0; i + wanted.size <= buffer->size && *out == OTHERS; i++) {
        if (buffer->data[i] == (uint8_t)wanted.data[0] &&
            memcmp(buffer->data + i, wanted.data, wanted.size) == 0) {
            *out = OURS;
        }
    }
    tn_buffer_release(buffer);
    return TARN_OK;
}

static TN_FALLIBLE unknown(const tn_delta_writer *writer, const tarn_error *cause, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_OUTCOME_UNKNOWN,
                  "nobody can say whether the commit to '%.*s' happened: %s",
                  TN_STR_ARGS(writer->uri), cause->message);
    tn_subject(err, writer->uri.data);
    tn_hint(err, "'tarn table history' tells, once the store answers again; nothing was deleted");
    return TARN_E_OUTCOME_UNKNOWN;
}

/*
 * Puts the entry at `version`, as often as it takes to know: `*won` says whose it is.  The same
 * bytes and id are put again as long as the answer is not definite.
 */
static TN_FALLIBLE put_entry(entry *e, int64_t version, bool *won, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta_writer *writer = e->writer;
    const tn_put_options options = {
        .mode = TN_PUT_CREATE, .content_type = "application/json", .durable = true};
    tarn_error cause = TARN_ERROR_INIT;
    tn_arena arena;
    tn_str key;
    bool unsure = false;

    tn_arena_init(&arena, writer->pool);
    TN_TRY(tn_arena_print(&arena, &key, err, "%.*s_delta_log/%020lld.json",
                          TN_STR_ARGS(writer->table_root), (long long)version));
    for (int puts = 0;; puts++) {
        tn_outcome outcome = TN_OUTCOME_UNKNOWN;
        ownership whose = NOBODYS;
        const tarn_code put =
            tn_store_put(writer->store, key, tn_text_str(&e->text), &options, &outcome, &cause);
        if (put == TARN_OK) {
            *won = true;
            goto done;
        }
        unsure = unsure || outcome == TN_OUTCOME_UNKNOWN;
        if (outcome == TN_OUTCOME_REFUSED && !unsure) {
            code = put;
            tn_error_copy(err, &cause);
            goto done;
        }
        tarn_error blind = TARN_ERROR_INIT;
        const tarn_code looked = look(writer, key, e->id, &whose, &blind);
        if (looked == TARN_OK && whose == OURS && put == TARN_E_OUTCOME_UNKNOWN &&
            tn_store_is_local(writer->store)) {
            writer->keep_files = true; /* in place, but the disk did not say that it is kept */
            code = put;
            tn_error_copy(err, &cause);
            tn_explain(err, "the commit to '%.*s' is made", TN_STR_ARGS(writer->uri));
            goto done;
        }
        if (looked == TARN_OK && whose != NOBODYS) {
            *won = whose == OURS;
            goto done;
        }
        if (puts + 1 >= PUTS_MAX || put == TARN_E_CANCELLED) {
            if (unsure) {
                writer->keep_files = true;
                code = unknown(writer, looked == TARN_OK ? &cause : &blind, err);
            } else {
                code = put;
                tn_error_copy(err, &cause);
            }
            goto done;
        }
        tn_clock_sleep_ms(20U << puts);
    }
done:
    tn_arena_deinit(&arena);
    return code;
}

/* ---- conflicts --------------------------------------------------------------------------------*/

typedef struct rival {
    tn_pool *pool;
    bool changed_table, changed_files;
} rival;

/* What a commit that came before ours did. */
static TN_FALLIBLE see_rival(void *context, int64_t version, tn_str text, tarn_error *err)
{
    tarn_code code = TARN_OK;
    rival *r = context;
    tn_arena arena;
    const tn_delta_action *actions;
    size_t count;
    (void)version;
    tn_arena_init(&arena, r->pool);
    TN_TRY(tn_delta__parse_actions(&arena, text, &actions, &count, r->pool, err));
    for (size_t i = 0; i < count; i++) {
        for (const tn_json *each = tn_json_first(actions[i].json); each != NULL;
             each = each->next) {
            r->changed_table = r->changed_table || tn_str_equal(each->name, TN_STR("metaData")) ||
                               tn_str_equal(each->name, TN_STR("protocol"));
            r->changed_files = r->changed_files || tn_str_equal(each->name, TN_STR("add")) ||
                               tn_str_equal(each->name, TN_STR("remove"));
        }
    }
done:
    tn_arena_deinit(&arena);
    return code;
}

static TN_FALLIBLE conflict(const tn_delta_writer *writer, const char *what, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_CONFLICT, "another writer %s '%.*s' meanwhile (version %lld)", what,
                  TN_STR_ARGS(writer->uri), (long long)writer->table->about.version);
    tn_subject(err, writer->uri.data);
    tn_hint(err, "run it again: it then sees what the other one wrote");
    return TARN_E_CONFLICT;
}

/* Loads what others committed since our snapshot, and asks whether ours may still follow. */
static TN_FALLIBLE rebase(tn_delta_writer *writer, tarn_error *err)
{
    rival r = {.pool = writer->pool};
    if (writer->table == NULL) {
        (void)tn_fail(err, TARN_E_CONFLICT, "another writer created the table '%.*s' meanwhile",
                      TN_STR_ARGS(writer->uri));
        tn_subject(err, writer->uri.data);
        tn_hint(err, "run it again: it then writes into that table");
        return TARN_E_CONFLICT;
    }
    TN_RETURN_IF_ERROR(tn_delta__catch_up(writer->table, see_rival, &r, err));
    if (r.changed_table) {
        return conflict(writer, "changed the schema or protocol of", err);
    }
    if (r.changed_files && writer->mode == TN_DELTA_OVERWRITE) {
        return conflict(writer, "changed the rows of", err);
    }
    return TARN_OK;
}

/* ---- commit -----------------------------------------------------------------------------------*/

static bool was_applied(const tn_delta_writer *writer)
{
    int64_t version;
    return writer->table != NULL && writer->application.size > 0 &&
           tn_delta_txn(writer->table, writer->application, &version) &&
           version >= writer->application_version;
}

static int64_t interval_of(const tn_delta_writer *writer)
{
    const tn_str text = writer->table == NULL
                            ? TN_STR_NONE
                            : tn_delta__property(writer->table, "delta.checkpointInterval");
    int64_t interval = 0;
    for (size_t i = 0; i < text.size && interval < 1000000; i++) {
        interval =
            text.data[i] >= '0' && text.data[i] <= '9' ? 10 * interval + (text.data[i] - '0') : 0;
    }
    return interval > 0 ? interval : CHECKPOINT_INTERVAL;
}

/* A checkpoint only helps: that it could not be written is no failure of the commit. */
static void maybe_checkpoint(tn_delta_writer *writer, int64_t version)
{
    tn_delta *table = NULL;
    const tn_delta_at at = {version, INT64_MIN};
    if (version == 0 || version % interval_of(writer) != 0) {
        return;
    }
    if (tn_delta_open(writer->stores, writer->types, writer->uri, &at, writer->pool, &table,
                      NULL) == TARN_OK) {
        (void)!tn_delta_checkpoint(table, writer->pool, NULL);
    }
    tn_delta_close(table);
}

static TN_FALLIBLE commit(entry *e, tn_delta_receipt *receipt, tarn_error *err)
{
    tn_delta_writer *writer = e->writer;
    for (int rebases = 0; rebases < REBASES_MAX; rebases++) {
        bool won = false;
        if (was_applied(writer)) {
            receipt->skipped = true;
            receipt->version = writer->table->about.version;
            return TARN_OK; /* the staged files go at close */
        }
        const int64_t version = writer->table == NULL ? 0 : writer->table->about.version + 1;
        TN_RETURN_IF_ERROR(make_entry(e, err));
        TN_RETURN_IF_ERROR(put_entry(e, version, &won, err));
        if (won) {
            writer->keep_files = true;
            *receipt = (tn_delta_receipt){.version = version,
                                          .rows = e->rows,
                                          .files = writer->staged.count,
                                          .bytes = e->bytes,
                                          .removed_files = e->removed};
            maybe_checkpoint(writer, version);
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(rebase(writer, err));
    }
    return tn_fail(err, TARN_E_CONFLICT, "%d other writers were faster at '%.*s'", REBASES_MAX,
                   TN_STR_ARGS(writer->uri));
}

tarn_code tn_delta_writer_commit(tn_delta_writer *writer, tn_delta_receipt *receipt,
                                 tarn_error *err)
{
    entry e = {.writer = writer};
    tn_delta_receipt ignored;
    receipt = receipt == NULL ? &ignored : receipt;
    *receipt = (tn_delta_receipt){.version = -1};
    tn_random_uuid(e.table_id);
    tn_text_init(&e.text, writer->pool, ENTRY_MAX);
    const tarn_code code = commit(&e, receipt, err);
    tn_text_deinit(&e.text);
    return code;
}

tarn_code tn_delta_create(tn_stores *stores, tn_types *types, tn_str uri, const tn_schema *schema,
                          const tn_delta_write_options *options, tn_pool *pool,
                          tn_delta_receipt *receipt, tarn_error *err)
{
    tn_delta_writer *writer;
    tn_delta_write_options whole = *options;
    whole.mode = TN_DELTA_ERROR;
    TN_RETURN_IF_ERROR(
        tn_delta_writer_open(stores, types, uri, schema, &whole, pool, &writer, err));
    const tarn_code code = tn_delta_writer_commit(writer, receipt, err);
    tn_delta_writer_close(writer);
    return code;
}

tarn_code tn_delta_mark(tn_stores *stores, tn_types *types, tn_str uri, tn_str application,
                        int64_t version, tn_pool *pool, tn_delta_receipt *receipt, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_delta *table = NULL;
    tn_delta_writer *writer = NULL;
    const tn_delta_write_options options = {.mode = TN_DELTA_APPEND,
                                            .must_exist = true,
                                            .application = application,
                                            .application_version = version,
                                            .operation = TN_STR("MARK")};

    TN_TRY(tn_delta_open(stores, types, uri, &TN_DELTA_LATEST, pool, &table, err));
    TN_TRY(tn_delta_writer_open(stores, types, uri, &table->about.schema, &options, pool, &writer,
                                err));
    TN_TRY(tn_delta_writer_commit(writer, receipt, err));
done:
    tn_delta_writer_close(writer);
    tn_delta_close(table);
    return code;
}
