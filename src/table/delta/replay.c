/* Log actions applied to a table's state: the newest word on each path counts. */
#include "base/hash.h"
#include "table/delta/delta_internal.h"

/* ---- the entries by path ----------------------------------------------------------------------*/

static uint64_t hash_of(const tn_delta_file *file)
{
    const uint64_t path = tn_hash_bytes(file->path.data, file->path.size, 0);
    return file->vector.size == 0 ? path
                                  : tn_hash_bytes(file->vector.data, file->vector.size, path);
}

static TN_FALLIBLE rehash(tn_delta *table, tarn_error *err)
{
    const size_t count = table->bucket_count == 0 ? 64 : 2 * table->bucket_count;
    void *memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(table->pool, count * sizeof(uint32_t), &memory, err));
    tn_pool_free(table->pool, table->buckets, table->bucket_count * sizeof(uint32_t));
    table->buckets = memory;
    table->bucket_count = count;
    for (size_t i = 0; i < table->entries.count; i++) {
        size_t at = table->entries.items[i].hash & (count - 1);
        while (table->buckets[at] != 0) {
            at = (at + 1) & (count - 1);
        }
        table->buckets[at] = (uint32_t)i + 1;
    }
    return TARN_OK;
}

tarn_code tn_delta__put_file(tn_delta *table, const tn_delta_entry *entry, tarn_error *err)
{
    tn_delta_entry made = *entry;
    made.partitioning = table->partitionings;
    made.hash = hash_of(&made.file);
    if (2 * (table->entries.count + 1) > table->bucket_count) {
        TN_RETURN_IF_ERROR(rehash(table, err));
    }
    const size_t mask = table->bucket_count - 1;
    size_t at = made.hash & mask;
    for (; table->buckets[at] != 0; at = (at + 1) & mask) {
        tn_delta_entry *known = &table->entries.items[table->buckets[at] - 1];
        if (known->hash == made.hash && tn_str_equal(known->file.path, made.file.path) &&
            tn_str_equal(known->file.vector, made.file.vector)) {
            if (made.text > 0 && known->text == made.text && known->is_live != made.is_live) {
                return tn_fail(err, TARN_E_CORRUPT,
                               "'%.*s' is both added and removed, which one commit cannot do",
                               TN_STR_ARGS(made.file.path));
            }
            *known = made;
            return TARN_OK;
        }
    }
    if (table->entries.count >= UINT32_MAX - 1) {
        return tn_fail(err, TARN_E_LIMIT, "the table has too many files");
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&table->entries, made, err));
    table->buckets[at] = (uint32_t)table->entries.count;
    return TARN_OK;
}

tarn_code tn_delta__set_txn(tn_delta *table, const tn_delta_txn_entry *txn, tarn_error *err)
{
    for (size_t i = 0; i < table->txns.count; i++) {
        if (tn_str_equal(table->txns.items[i].application, txn->application)) {
            table->txns.items[i] = *txn; /* the latest wins, not the greatest */
            return TARN_OK;
        }
    }
    return tn_vec_push(&table->txns, *txn, err);
}

void tn_delta__forget(tn_delta *table)
{
    table->entries.count = table->txns.count = table->domains.count = 0;
    if (table->buckets != NULL) {
        memset(table->buckets, 0, table->bucket_count * sizeof(uint32_t));
    }
    table->has_protocol = table->has_metadata = false;
}

/* ---- numbers ----------------------------------------------------------------------------------*/

/* Times become microseconds elsewhere. */
static const int64_t ms_max = INT64_MAX / 1000;

static TN_FALLIBLE check_number(const char *action, const char *key, int64_t value, int64_t least,
                                int64_t most, tarn_error *err)
{
    return value >= least && value <= most
               ? TARN_OK
               : tn_fail(err, TARN_E_CORRUPT, "'%s.%s' is %lld, which it cannot be", action, key,
                         (long long)value);
}

/* A list of texts, or none. */
static TN_FALLIBLE check_names(const tn_json *list, const char *key, tarn_error *err)
{
    bool good = list == NULL || list->kind == TN_JSON_ARRAY;
    for (const tn_json *each = tn_json_first(list); each != NULL && good; each = each->next) {
        good = each->kind == TN_JSON_STRING;
    }
    return good ? TARN_OK : tn_fail(err, TARN_E_CORRUPT, "'%s' is no list of names", key);
}

/* A whole number of an action; `otherwise` where it has none. */
static TN_FALLIBLE take_number(const tn_json *json, const char *action, const char *key,
                               int64_t least, int64_t most, int64_t otherwise, int64_t *out,
                               tarn_error *err)
{
    const tn_json *found = tn_json_get(json, key);
    *out = otherwise;
    if (found == NULL) {
        return TARN_OK;
    }
    if (!found->is_integer && found->kind != TN_JSON_NUMBER) {
        return tn_fail(err, TARN_E_CORRUPT, "'%s.%s' is no number", action, key);
    }
    if (!found->is_integer) {
        return tn_fail(err, TARN_E_CORRUPT, "'%s.%s' is %.*s, no whole number of 64 bits", action,
                       key, TN_STR_ARGS(found->text));
    }
    *out = found->integer;
    return check_number(action, key, *out, least, most, err);
}

/* What the log and checkpoints say of a file in numbers. */
tarn_code tn_delta__check_file(const char *action, const tn_delta_entry *entry, tarn_error *err)
{
    TN_RETURN_IF_ERROR(check_number(action, "size", (int64_t)entry->file.size, 0, INT64_MAX, err));
    TN_RETURN_IF_ERROR(
        check_number(action, "modificationTime", entry->file.modified_ms, -ms_max, ms_max, err));
    return check_number(action, "deletionTimestamp", entry->deleted_ms, -ms_max, ms_max, err);
}

/* ---- metadata and protocol --------------------------------------------------------------------*/

static TN_FALLIBLE copy_text(tn_delta *table, const tn_json *object, const char *name, tn_str *out,
                             tarn_error *err)
{
    return tn_arena_copy(&table->arena, tn_json_get_text(object, name, TN_STR("")), out, err);
}

static TN_FALLIBLE set_properties(tn_delta *table, const tn_json *configuration, tarn_error *err)
{
    const uint32_t count = configuration == NULL ? 0 : configuration->count;
    tn_delta_property *properties;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_delta_property, count, &properties, err));
    for (const tn_json *each = tn_json_first(configuration); each != NULL; each = each->next, i++) {
        const tn_str value = tn_json_is(each, TN_JSON_STRING) ? each->text : TN_STR("");
        TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, each->name, &properties[i].name, err));
        TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, value, &properties[i].value, err));
    }
    table->about.properties = properties;
    table->about.property_count = count;
    return TARN_OK;
}

/* Files keep their values in the order of the columns that are the table's when they are added. */
static TN_FALLIBLE note_partitions(tn_delta *table, const uint32_t *fields, uint32_t count,
                                   tarn_error *err)
{
    tn_str *names;
    bool same = count == table->about.partition_count;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_str, count, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = table->physical_names != NULL ? table->physical_names[fields[i]]
                                                 : table->about.schema.fields[fields[i]].name;
        same = same && tn_str_equal(names[i], table->partition_names[i]);
    }
    table->partitionings += !same;
    table->partition_names = names;
    table->about.partition_fields = fields;
    table->about.partition_count = count;
    return TARN_OK;
}

static TN_FALLIBLE set_partitions(tn_delta *table, const tn_json *columns, tarn_error *err)
{
    const uint32_t count = columns == NULL ? 0 : columns->count;
    uint32_t *fields;
    uint32_t i = 0;
    TN_RETURN_IF_ERROR(check_names(columns, "metaData.partitionColumns", err));
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, uint32_t, count, &fields, err));
    for (const tn_json *each = tn_json_first(columns); each != NULL; each = each->next, i++) {
        bool ambiguous;
        fields[i] = tn_schema_find(&table->about.schema, each->text, &ambiguous);
        if (fields[i] == UINT32_MAX) {
            return tn_fail(err, TARN_E_CORRUPT,
                           "the Delta table '%.*s' is partitioned by '%.*s', which is no column",
                           TN_STR_ARGS(table->about.uri), TN_STR_ARGS(each->text));
        }
    }
    for (uint32_t at = 1; at < count; at++) {
        for (uint32_t before = 0; before < at; before++) {
            if (fields[before] == fields[at]) {
                return tn_fail(err, TARN_E_CORRUPT,
                               "the Delta table '%.*s' is partitioned by '%.*s' twice",
                               TN_STR_ARGS(table->about.uri),
                               TN_STR_ARGS(table->about.schema.fields[fields[at]].name));
            }
        }
    }
    return note_partitions(table, fields, count, err);
}

tarn_code tn_delta__set_metadata(tn_delta *table, const tn_json *metadata, tarn_error *err)
{
    const tn_str provider =
        tn_json_get_text(tn_json_get(metadata, "format"), "provider", TN_STR("parquet"));
    if (!tn_str_equal(provider, TN_STR("parquet"))) {
        return tn_fail(err, TARN_E_UNSUPPORTED,
                       "the Delta table '%.*s' keeps files of format '%.*s'",
                       TN_STR_ARGS(table->about.uri), TN_STR_ARGS(provider));
    }
    TN_RETURN_IF_ERROR(copy_text(table, metadata, "id", &table->about.id, err));
    TN_RETURN_IF_ERROR(copy_text(table, metadata, "name", &table->about.name, err));
    TN_RETURN_IF_ERROR(copy_text(table, metadata, "description", &table->about.description, err));
    TN_RETURN_IF_ERROR(copy_text(table, metadata, "schemaString", &table->schema_json, err));
    if (table->schema_json.size == 0) { /* a table that nobody has given columns yet */
        table->schema_json = TN_STR("{\"type\":\"struct\",\"fields\":[]}");
    }
    table->about.created_ms = tn_json_get_integer(metadata, "createdTime", 0);
    TN_RETURN_IF_ERROR(set_properties(table, tn_json_get(metadata, "configuration"), err));
    TN_RETURN_IF_ERROR(tn_delta__parse_schema(table, err));
    TN_RETURN_IF_ERROR(set_partitions(table, tn_json_get(metadata, "partitionColumns"), err));
    table->has_metadata = true;
    return TARN_OK;
}

static TN_FALLIBLE set_features(tn_delta *table, const tn_json *list, const tn_str **out,
                                uint32_t *count, tarn_error *err)
{
    tn_str *features;
    uint32_t i = 0;
    *count = list == NULL ? 0 : list->count;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_str, *count, &features, err));
    for (const tn_json *each = tn_json_first(list); each != NULL; each = each->next, i++) {
        TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, each->text, &features[i], err));
    }
    *out = features;
    return TARN_OK;
}

tarn_code tn_delta__set_protocol(tn_delta *table, const tn_json *protocol, tarn_error *err)
{
    tn_delta_about *about = &table->about;
    int64_t reader;
    int64_t writer;
    TN_RETURN_IF_ERROR(
        take_number(protocol, "protocol", "minReaderVersion", 0, INT32_MAX, 0, &reader, err));
    TN_RETURN_IF_ERROR(
        take_number(protocol, "protocol", "minWriterVersion", 0, INT32_MAX, 0, &writer, err));
    about->reader_version = (int)reader;
    about->writer_version = (int)writer;
    table->has_protocol = true;
    TN_RETURN_IF_ERROR(
        check_names(tn_json_get(protocol, "readerFeatures"), "protocol.readerFeatures", err));
    TN_RETURN_IF_ERROR(
        check_names(tn_json_get(protocol, "writerFeatures"), "protocol.writerFeatures", err));
    TN_RETURN_IF_ERROR(set_features(table, tn_json_get(protocol, "readerFeatures"),
                                    &about->reader_features, &about->reader_feature_count, err));
    return set_features(table, tn_json_get(protocol, "writerFeatures"), &about->writer_features,
                        &about->writer_feature_count, err);
}

/* ---- files ------------------------------------------------------------------------------------*/

static TN_FALLIBLE apply_vector(tn_delta *table, const tn_json *json, tn_delta_file *file,
                                tarn_error *err)
{
    if (!tn_json_is(json, TN_JSON_OBJECT)) {
        return TARN_OK;
    }
    const tn_delta_vector vector = {.storage = tn_json_get_text(json, "storageType", TN_STR("?")),
                                    .path = tn_json_get_text(json, "pathOrInlineDv", TN_STR("")),
                                    .offset = tn_json_get_integer(json, "offset", -1),
                                    .size = tn_json_get_integer(json, "sizeInBytes", -1),
                                    .cardinality = tn_json_get_integer(json, "cardinality", -1)};
    return tn_delta__set_vector(table, &vector, file, err);
}

static TN_FALLIBLE partition_texts(tn_delta *table, const tn_json *values, const tn_str **out,
                                   tarn_error *err)
{
    const tn_delta_about *about = &table->about;
    tn_str *texts;
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_str, about->partition_count, &texts, err));
    for (uint32_t i = 0; i < about->partition_count; i++) {
        const uint32_t field = about->partition_fields[i];
        const tn_str name = table->physical_names != NULL ? table->physical_names[field]
                                                          : about->schema.fields[field].name;
        const tn_json *value = tn_json_find(values, name);
        texts[i] = TN_STR_NONE;
        if (tn_json_is(value, TN_JSON_STRING) && value->text.size > 0) {
            TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, value->text, &texts[i], err));
        }
    }
    *out = texts;
    return TARN_OK;
}

static TN_FALLIBLE apply_file(tn_delta *table, const tn_json *json, bool is_add, tarn_error *err)
{
    const char *const action = is_add ? "add" : "remove";
    int64_t size;
    tn_delta_entry entry = {.is_live = is_add,
                            .data_change = tn_json_get_bool(json, "dataChange", true),
                            .text = table->texts};
    const tn_str path = tn_json_get_text(json, "path", TN_STR(""));
    const tn_str statistics = tn_json_get_text(json, "stats", TN_STR(""));

    if (path.size == 0) {
        return tn_fail(err, TARN_E_CORRUPT, "a log entry of the Delta table '%.*s' names no path",
                       TN_STR_ARGS(table->about.uri));
    }
    TN_RETURN_IF_ERROR(tn_delta__name_file(table, path, &entry.file, err));
    TN_RETURN_IF_ERROR(apply_vector(table, tn_json_get(json, "deletionVector"), &entry.file, err));
    TN_RETURN_IF_ERROR(take_number(json, action, "size", 0, INT64_MAX, 0, &size, err));
    TN_RETURN_IF_ERROR(take_number(json, action, "modificationTime", -ms_max, ms_max, 0,
                                   &entry.file.modified_ms, err));
    TN_RETURN_IF_ERROR(
        take_number(json, action, "deletionTimestamp", -ms_max, ms_max, 0, &entry.deleted_ms, err));
    entry.file.size = (uint64_t)size;
    if (is_add) {
        TN_RETURN_IF_ERROR(partition_texts(table, tn_json_get(json, "partitionValues"),
                                           &entry.file.partitions, err));
        TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, statistics, &entry.file.statistics, err));
    }
    return tn_delta__put_file(table, &entry, err);
}

tarn_code tn_delta__set_domain(tn_delta *table, tn_str name, tn_str configuration, bool removed,
                               tarn_error *err)
{
    tn_delta_domain domain;
    size_t at = 0;
    while (at < table->domains.count && !tn_str_equal(table->domains.items[at].name, name)) {
        at++;
    }
    if (removed) {
        if (at < table->domains.count) {
            table->domains.items[at] = table->domains.items[--table->domains.count];
        }
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, name, &domain.name, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, configuration, &domain.configuration, err));
    if (at == table->domains.count) {
        return tn_vec_push(&table->domains, domain, err);
    }
    table->domains.items[at] = domain;
    return TARN_OK;
}

static TN_FALLIBLE apply_domain(tn_delta *table, const tn_json *json, tarn_error *err)
{
    return tn_delta__set_domain(table, tn_json_get_text(json, "domain", TN_STR("")),
                                tn_json_get_text(json, "configuration", TN_STR("")),
                                tn_json_get_bool(json, "removed", false), err);
}

static TN_FALLIBLE apply_txn(tn_delta *table, const tn_json *json, tarn_error *err)
{
    tn_delta_txn_entry txn = {.version = 0};
    TN_RETURN_IF_ERROR(
        take_number(json, "txn", "version", INT64_MIN, INT64_MAX, 0, &txn.version, err));
    TN_RETURN_IF_ERROR(
        take_number(json, "txn", "lastUpdated", INT64_MIN, INT64_MAX, 0, &txn.updated_ms, err));
    TN_RETURN_IF_ERROR(copy_text(table, json, "appId", &txn.application, err));
    return tn_delta__set_txn(table, &txn, err);
}

tarn_code tn_delta__apply(tn_delta *table, const tn_json *action, bool removes, tarn_error *err)
{
    const tn_json *inner = tn_json_first(action);
    for (; inner != NULL; inner = inner->next) { /* unknown actions are ignored */
        const bool is_remove = tn_str_equal(inner->name, TN_STR("remove"));
        const bool is_add = tn_str_equal(inner->name, TN_STR("add"));
        if (inner->kind != TN_JSON_OBJECT || is_remove != removes) {
            continue;
        }
        if (is_add || is_remove) {
            TN_RETURN_IF_ERROR(apply_file(table, inner, is_add, err));
        } else if (tn_str_equal(inner->name, TN_STR("metaData"))) {
            TN_RETURN_IF_ERROR(tn_delta__set_metadata(table, inner, err));
        } else if (tn_str_equal(inner->name, TN_STR("protocol"))) {
            TN_RETURN_IF_ERROR(tn_delta__set_protocol(table, inner, err));
        } else if (tn_str_equal(inner->name, TN_STR("txn"))) {
            TN_RETURN_IF_ERROR(apply_txn(table, inner, err));
        } else if (tn_str_equal(inner->name, TN_STR("domainMetadata"))) {
            TN_RETURN_IF_ERROR(apply_domain(table, inner, err));
        }
    }
    return TARN_OK;
}

/* Past what may stand between two values: blanks, and up to the line's end behind a value the stray
 * byte that some writers leave there.  SIZE_MAX where something else begins. */
static size_t pass_over(tn_str text, size_t at)
{
    bool behind_value = at > 0;
    for (; at < text.size && text.data[at] != '{'; at++) {
        const char c = text.data[at];
        behind_value = behind_value && c != '\n';
        if (!behind_value && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            return SIZE_MAX;
        }
    }
    return at;
}

static size_t line_of(tn_str text, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++) {
        line += text.data[i] == '\n';
    }
    return line;
}

tarn_code tn_delta__parse_actions(tn_arena *arena, tn_str text, const tn_delta_action **out,
                                  size_t *count, tn_pool *pool, tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(tn_delta_action) actions = TN_VEC_INIT(pool);
    size_t at = tn_str_starts(text, TN_STR("\xEF\xBB\xBF")) ? 3 : 0;
    size_t line_begin = 0;
    tn_delta_action *copy;

    text = tn_str_slice(text, at, text.size);
    for (at = pass_over(text, 0); at < text.size; at = pass_over(text, at)) {
        const tn_json *json;
        size_t end;
        tarn_error damage = TARN_ERROR_INIT;
        code = tn_json_parse_prefix(arena, tn_str_slice(text, at, text.size), &json, &end, &damage);
        if (code != TARN_OK) {
            code = code == TARN_E_INVALID ? TARN_E_CORRUPT : code;
            (void)tn_fail(err, code, "line %zu: %s", line_of(text, at), damage.message);
            goto done;
        }
        TN_TRY(tn_vec_push(&actions, ((tn_delta_action){json, at}), err));
        line_begin = at;
        at += end;
    }
    if (at == SIZE_MAX) {
        code = tn_fail(err, TARN_E_CORRUPT,
                       "a line begins with something else than '{' behind line %zu",
                       line_of(text, line_begin));
        goto done;
    }
    TN_TRY(tn_arena_array(arena, tn_delta_action, actions.count, &copy, err));
    if (actions.count > 0) {
        memcpy(copy, actions.items, actions.count * sizeof(*actions.items));
    }
    *out = copy;
    *count = actions.count;
done:
    tn_vec_free(&actions);
    return code;
}

static bool is_about_table(const tn_json *action)
{
    return tn_json_get(action, "metaData") != NULL || tn_json_get(action, "protocol") != NULL;
}

/* What partition columns there are must be known for the files, and removes come before adds. */
typedef enum pass { PASS_TABLE, PASS_REMOVES, PASS_REST, PASS_COUNT } pass;

tarn_code tn_delta__apply_entry(tn_delta *table, tn_str text, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena; /* of the JSON: the state copies what it keeps */
    const tn_delta_action *actions;
    size_t count;

    tn_arena_init(&arena, table->pool);
    TN_TRY(tn_delta__parse_actions(&arena, text, &actions, &count, table->pool, err));
    if (count == 0) { /* every writer says at least what it did */
        code = tn_fail(err, TARN_E_CORRUPT, "it is empty");
        tn_hint(err, "its writer was stopped before it was whole, or the disk lost it: bring it "
                     "back, or read a version before it");
        goto done;
    }
    table->texts++;
    for (pass now = PASS_TABLE; now < PASS_COUNT; now++) {
        for (size_t i = 0; i < count; i++) {
            const tn_json *const action = actions[i].json;
            if (now != PASS_REMOVES && is_about_table(action) != (now == PASS_TABLE)) {
                continue;
            }
            code = tn_delta__apply(table, action, now == PASS_REMOVES, err);
            if (code != TARN_OK) {
                tn_explain(err, "line %zu", line_of(text, actions[i].at));
                goto done;
            }
        }
    }
done:
    tn_arena_deinit(&arena);
    return code;
}
