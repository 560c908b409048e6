/*
 * Checkpoints and sidecars: Parquet files with a struct column for each kind of action.  Any column
 * and any field of one may be missing.
 */
#include "format/parquet/parquet.h"
#include "kernel/text.h"
#include "sched/io.h"
#include "table/delta/delta_internal.h"

enum {
    ACTION_ADD,
    ACTION_REMOVE,
    ACTION_METADATA,
    ACTION_PROTOCOL,
    ACTION_TXN,
    ACTION_DOMAIN,
    ACTION_SIDECAR,
    ACTION_COUNT
};
static const char *const action_names[ACTION_COUNT] = {
    "add", "remove", "metaData", "protocol", "txn", "domainMetadata", "sidecar"};

/* ---- fields of a struct -----------------------------------------------------------------------*/

/* Field `name` of a struct column's row, located; NULL where missing or null. */
static const tn_column *field_at(const tn_column *column, const char *name, uint32_t *row)
{
    const tn_column *base = column == NULL ? NULL : tn_column_locate(column, row);
    if (base == NULL || base->type->kind != TN_KIND_STRUCT) {
        return NULL;
    }
    for (uint32_t i = 0; i < base->type->field_count; i++) {
        if (tn_str_equal(base->type->fields[i].name, tn_str_of(name))) {
            return tn_column_locate(&base->children[i], row);
        }
    }
    return NULL;
}

static tn_str text_at(const tn_column *column, uint32_t row, const char *name)
{
    const tn_column *field = field_at(column, name, &row);
    return field == NULL || field->lane != TN_LANE_view
               ? TN_STR_NONE
               : tn_view_str((const tn_view *)field->values + row);
}

static int64_t integer_at(const tn_column *column, uint32_t row, const char *name,
                          int64_t otherwise)
{
    tn_value value;
    const tn_column *field = field_at(column, name, &row);
    if (field == NULL || tn_value_of(field, row, NULL, &value, NULL) != TARN_OK ||
        (!tn_type_is_integer(field->type) && field->type->kind != TN_KIND_BOOLEAN)) {
        return otherwise;
    }
    return field->type->kind == TN_KIND_BOOLEAN ? value.boolean : value.i64;
}

/* ---- actions ----------------------------------------------------------------------------------*/

/* The value of a key in a MAP(VARCHAR, VARCHAR); .data NULL where it is missing or null. */
static tn_str map_get(const tn_column *map, uint32_t row, tn_str key)
{
    if (map == NULL || map->lane != TN_LANE_list) {
        return TN_STR_NONE;
    }
    const tn_list list = ((const tn_list *)map->values)[row];
    for (uint32_t i = 0; i < list.length; i++) {
        uint32_t at = list.offset + i;
        uint32_t value_at = at;
        const tn_column *keys = tn_column_locate(&map->children[0], &at);
        const tn_column *values = tn_column_locate(&map->children[1], &value_at);
        if (keys != NULL && tn_str_equal(tn_view_str((const tn_view *)keys->values + at), key)) {
            return values == NULL ? TN_STR_NONE
                                  : tn_view_str((const tn_view *)values->values + value_at);
        }
    }
    return TN_STR_NONE;
}

static TN_FALLIBLE read_partitions(tn_delta *table, const tn_column *action, uint32_t row,
                                   const tn_str **out, tarn_error *err)
{
    const tn_delta_about *about = &table->about;
    uint32_t map_row = row;
    const tn_column *map = field_at(action, "partitionValues", &map_row);
    tn_str *texts;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_str, about->partition_count, &texts, err));
    for (uint32_t i = 0; i < about->partition_count; i++) {
        const uint32_t field = about->partition_fields[i];
        const tn_str name = table->physical_names != NULL ? table->physical_names[field]
                                                          : about->schema.fields[field].name;
        const tn_str value = map_get(map, map_row, name);
        texts[i] = TN_STR_NONE;
        if (value.size > 0) {
            TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, value, &texts[i], err));
        }
    }
    *out = texts;
    return TARN_OK;
}

static TN_FALLIBLE read_vector(tn_delta *table, const tn_column *action, uint32_t row,
                               tn_delta_file *file, tarn_error *err)
{
    uint32_t at = row;
    const tn_column *column = field_at(action, "deletionVector", &at);
    if (column == NULL || text_at(column, at, "storageType").size == 0) {
        return TARN_OK;
    }
    const tn_delta_vector vector = {.storage = text_at(column, at, "storageType"),
                                    .path = text_at(column, at, "pathOrInlineDv"),
                                    .offset = integer_at(column, at, "offset", -1),
                                    .size = integer_at(column, at, "sizeInBytes", -1),
                                    .cardinality = integer_at(column, at, "cardinality", -1)};
    return tn_delta__set_vector(table, &vector, file, err);
}

/* As JSON, which some checkpoints leave out for a struct of the same names. */
static TN_FALLIBLE read_statistics(tn_delta *table, const tn_column *action, uint32_t row,
                                   tn_delta_file *file, tarn_error *err)
{
    const tn_str json = text_at(action, row, "stats");
    tarn_code code = TARN_OK;
    uint32_t at = row;
    tn_text text;
    if (json.size > 0) {
        return tn_arena_copy(&table->arena, json, &file->statistics, err);
    }
    const tn_column *parsed = field_at(action, "stats_parsed", &at);
    if (parsed == NULL) {
        file->statistics = TN_STR("");
        return TARN_OK;
    }
    const tn_json_style style = {false};
    tn_text_init(&text, table->pool, TN_DELTA_ENTRY_MAX);
    tn_text_json(parsed, at, &style, &text);
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(tn_arena_copy(&table->arena, tn_text_str(&text), &file->statistics, err));
    file->statistics_parsed = true;
done:
    tn_text_deinit(&text);
    return code;
}

static TN_FALLIBLE read_file(tn_delta *table, const tn_column *action, uint32_t row, bool is_add,
                             tarn_error *err)
{
    tn_delta_entry entry = {.is_live = is_add, .data_change = false};
    const tn_str path = text_at(action, row, "path");
    if (path.size == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_delta__name_file(table, path, &entry.file, err));
    TN_RETURN_IF_ERROR(read_vector(table, action, row, &entry.file, err));
    entry.file.size = (uint64_t)integer_at(action, row, "size", 0);
    entry.file.modified_ms = integer_at(action, row, "modificationTime", 0);
    entry.deleted_ms = integer_at(action, row, "deletionTimestamp", 0);
    const tarn_code code = tn_delta__check_file(is_add ? "add" : "remove", &entry, err);
    if (code != TARN_OK) {
        tn_explain(err, "'%.*s'", TN_STR_ARGS(path));
        return code;
    }
    if (is_add) {
        TN_RETURN_IF_ERROR(read_partitions(table, action, row, &entry.file.partitions, err));
        TN_RETURN_IF_ERROR(read_statistics(table, action, row, &entry.file, err));
    }
    return tn_delta__put_file(table, &entry, err);
}

/* Metadata and protocol go the road of log entries: as JSON. */
static TN_FALLIBLE read_as_json(tn_delta *table, const tn_column *action, uint32_t row,
                                tarn_code (*set)(tn_delta *, const tn_json *, tarn_error *),
                                tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_json_style style = {false};
    const tn_json *json;
    tn_text text;

    tn_text_init(&text, table->pool, TN_DELTA_ENTRY_MAX);
    tn_text_json(action, row, &style, &text);
    TN_TRY(tn_text_status(&text, err));
    tn_str copy;
    TN_TRY(tn_arena_copy(&table->arena, tn_text_str(&text), &copy, err));
    TN_TRY(tn_json_parse(&table->arena, copy, &json, err));
    TN_TRY(set(table, json, err));
done:
    tn_text_deinit(&text);
    return code;
}

static TN_FALLIBLE read_txn(tn_delta *table, const tn_column *action, uint32_t row, tarn_error *err)
{
    tn_delta_txn_entry txn = {.version = integer_at(action, row, "version", 0),
                              .updated_ms = integer_at(action, row, "lastUpdated", 0)};
    TN_RETURN_IF_ERROR(
        tn_arena_copy(&table->arena, text_at(action, row, "appId"), &txn.application, err));
    return tn_delta__set_txn(table, &txn, err);
}

static TN_FALLIBLE read_action(tn_delta *table, int kind, const tn_column *column, uint32_t row,
                               tn_str_list *sidecars, tarn_error *err)
{
    tn_str copy;
    switch (kind) {
    case ACTION_ADD:
    case ACTION_REMOVE:
        return read_file(table, column, row, kind == ACTION_ADD, err);
    case ACTION_METADATA:
        return read_as_json(table, column, row, tn_delta__set_metadata, err);
    case ACTION_PROTOCOL:
        return read_as_json(table, column, row, tn_delta__set_protocol, err);
    case ACTION_TXN:
        return read_txn(table, column, row, err);
    case ACTION_DOMAIN:
        return tn_delta__set_domain(table, text_at(column, row, "domain"),
                                    text_at(column, row, "configuration"),
                                    integer_at(column, row, "removed", 0) != 0, err);
    default:
        if (sidecars == NULL || text_at(column, row, "path").size == 0) {
            return TARN_OK;
        }
        TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, text_at(column, row, "path"), &copy, err));
        return tn_vec_push(sidecars, copy, err);
    }
}

/* ---- the file ---------------------------------------------------------------------------------*/

/* Reads a whole source on this thread, which may wait. */
static TN_FALLIBLE read_rows(tn_delta *table, tn_source *source, const uint32_t *fields,
                             const int *kinds, uint32_t count, tn_str_list *sidecars,
                             tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_scan *scan = NULL;
    tn_scan_task *task = NULL;
    const tn_scan_request request = {
        .fields = fields, .field_count = count, .row_limit = UINT64_MAX, .tasks_max = 1};

    TN_TRY(source->ops->open(source, &request, table->pool, &scan, err));
    TN_TRY(scan->ops->task_open(scan, table->pool, &task, err));
    for (;;) {
        tn_latch latch;
        tn_batch batch;
        tn_scan_answer answer;
        tn_latch_init(&latch);
        TN_TRY(task->ops->read(task, &latch.waker, &batch, &answer, err));
        if (answer == TN_SCAN_END) {
            break;
        }
        if (answer == TN_SCAN_WAIT) {
            tn_latch_wait(&latch);
            continue;
        }
        for (uint32_t row = 0; row < batch.selected; row++) {
            const uint32_t at = tn_batch_row(&batch, row);
            for (uint32_t i = 0; i < count; i++) {
                if (!tn_column_is_null(&batch.columns[i], at)) {
                    TN_TRY(read_action(table, kinds[i], &batch.columns[i], at, sidecars, err));
                }
            }
        }
    }
done:
    if (task != NULL) {
        task->ops->task_close(task);
    }
    if (scan != NULL) {
        scan->ops->close(scan);
    }
    return code;
}

/* One pass for some kinds of actions: files come after the metadata that names partitions. */
static TN_FALLIBLE read_kinds(tn_delta *table, tn_source *source, int from, int to,
                              tn_str_list *sidecars, tarn_error *err)
{
    uint32_t fields[ACTION_COUNT];
    int kinds[ACTION_COUNT];
    uint32_t count = 0;
    for (int kind = from; kind < to; kind++) {
        bool ambiguous;
        const uint32_t field =
            tn_schema_find(&source->schema, tn_str_of(action_names[kind]), &ambiguous);
        if (field != UINT32_MAX) {
            fields[count] = field;
            kinds[count++] = kind;
        }
    }
    return count == 0 ? TARN_OK : read_rows(table, source, fields, kinds, count, sidecars, err);
}

tarn_code tn_delta__read_checkpoint(tn_delta *table, tn_str key, tn_str_list *sidecars,
                                    tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_object *object = NULL;
    tn_source *source = NULL;

    TN_TRY(tn_object_open(table->store, key, table->pool, &TN_OBJECT_OPEN_DEFAULT, &object, err));
    TN_TRY(tn_parquet_open(object, table->types, table->pool, &source, err));
    object = NULL;
    TN_TRY(read_kinds(table, source, ACTION_METADATA, ACTION_COUNT, sidecars, err));
    TN_TRY(read_kinds(table, source, ACTION_ADD, ACTION_METADATA, sidecars, err));
done:
    if (code != TARN_OK) {
        tn_explain(err, "reading the checkpoint '%.*s'", TN_STR_ARGS(key));
    }
    tn_source_release(source);
    if (object != NULL) {
        tn_object_close(object);
    }
    return code;
}
