/* Which files of _delta_log make a version: checkpoints, commits, and what is missing. */
#include "base/sort.h"
#include "table/delta/delta_internal.h"

enum { HINT_SIZE_MAX = 1 << 20 };

typedef struct log_commit {
    int64_t version, modified_us;
} log_commit;

/* One part of a checkpoint. */
typedef struct log_checkpoint {
    int64_t version;
    int64_t part, parts; /* 1 of 1 for those in one file */
    bool is_json;
    tn_str key;
} log_checkpoint;

typedef struct log_files {
    TN_VEC(log_commit) commits;
    TN_VEC(log_checkpoint) checkpoints;
} log_files;

/* ---- names ------------------------------------------------------------------------------------*/

tarn_code tn_delta__log_key(const tn_delta *table, int64_t version, tn_arena *arena, tn_str *out,
                            tarn_error *err)
{
    return tn_arena_print(arena, out, err, "%.*s_delta_log/%020lld.json", TN_STR_ARGS(table->root),
                          (long long)version);
}

/* Digits at the start; moves past them. */
static bool number(tn_str *text, size_t digits, int64_t *out)
{
    size_t count = 0;
    *out = 0;
    while (count < text->size && count < 19 + 1 && text->data[count] >= '0' &&
           text->data[count] <= '9') {
        *out = 10 * *out + (text->data[count] - '0');
        count++;
    }
    *text = tn_str_slice(*text, count, text->size);
    return count > 0 && (digits == 0 || count == digits);
}

static bool take(tn_str *text, const char *literal)
{
    const tn_str wanted = tn_str_of(literal);
    if (!tn_str_starts(*text, wanted)) {
        return false;
    }
    *text = tn_str_slice(*text, wanted.size, text->size);
    return true;
}

static TN_FALLIBLE note(tn_delta *table, const tn_object_info *info, tn_str name, log_files *files,
                        tarn_error *err)
{
    log_checkpoint checkpoint = {.part = 1, .parts = 1};
    tn_str rest = name;
    if (!number(&rest, 20, &checkpoint.version)) {
        return TARN_OK;
    }
    if (tn_str_equal(rest, TN_STR(".json"))) {
        const log_commit commit = {checkpoint.version, info->modified_us};
        return tn_vec_push(&files->commits, commit, err);
    }
    if (!take(&rest, ".checkpoint.")) {
        return TARN_OK;
    }
    if (!tn_str_equal(rest, TN_STR("parquet"))) {
        tn_str parts = rest;
        const bool multi = number(&parts, 10, &checkpoint.part) && take(&parts, ".") &&
                           number(&parts, 10, &checkpoint.parts) &&
                           tn_str_equal(parts, TN_STR(".parquet"));
        checkpoint.part = multi ? checkpoint.part : 1;
        checkpoint.parts = multi ? checkpoint.parts : 1;
        checkpoint.is_json = tn_str_ends(rest, TN_STR(".json"));
        if (!multi && !checkpoint.is_json && !tn_str_ends(rest, TN_STR(".parquet"))) {
            return TARN_OK;
        }
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, info->key, &checkpoint.key, err));
    return tn_vec_push(&files->checkpoints, checkpoint, err);
}

/* ---- listing ----------------------------------------------------------------------------------*/

/* The version _last_checkpoint names, or -1: only a hint, never an error. */
static int64_t hinted_version(tn_delta *table)
{
    tn_arena arena;
    tn_str key;
    tn_buffer *buffer = NULL;
    const tn_json *json;
    int64_t version = -1;

    tn_arena_init(&arena, table->pool);
    if (tn_arena_print(&arena, &key, NULL, "%.*s_delta_log/_last_checkpoint",
                       TN_STR_ARGS(table->root)) == TARN_OK &&
        tn_store_get(table->store, key, HINT_SIZE_MAX, table->pool, &buffer, NULL, NULL) ==
            TARN_OK &&
        tn_json_parse(&arena, (tn_str){(const char *)buffer->data, buffer->size}, &json, NULL) ==
            TARN_OK) {
        version = tn_json_get_integer(json, "version", -1);
    }
    tn_buffer_release(buffer);
    tn_arena_deinit(&arena);
    return version;
}

static int by_version(const void *a, const void *b, void *context)
{
    const int64_t left = ((const log_commit *)a)->version;
    const int64_t right = ((const log_commit *)b)->version;
    (void)context;
    return (left > right) - (left < right);
}

/* All of the log from version `from` on. */
static TN_FALLIBLE list_log(tn_delta *table, int64_t from, log_files *files, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_listing *listing = NULL;
    tn_object_info info;
    tn_str prefix;
    tn_str after = TN_STR_NONE;
    bool more;

    tn_arena_init(&arena, table->pool);
    files->commits.count = files->checkpoints.count = 0;
    TN_TRY(tn_arena_print(&arena, &prefix, err, "%.*s_delta_log/", TN_STR_ARGS(table->root)));
    if (from > 0) {
        TN_TRY(tn_arena_print(&arena, &after, err, "%.*s%020lld.zzzz", TN_STR_ARGS(prefix),
                              (long long)(from - 1)));
    }
    TN_TRY(tn_listing_open(table->store, prefix, after, true, table->pool, &listing, err));
    for (;;) {
        TN_TRY(tn_listing_next(listing, &info, &more, err));
        if (!more) {
            break;
        }
        if (!info.is_folder) {
            TN_TRY(
                note(table, &info, tn_str_slice(info.key, prefix.size, info.key.size), files, err));
        }
    }
    tn_sort(files->commits.items, files->commits.count, sizeof(log_commit), by_version, NULL);
done:
    if (listing != NULL) {
        tn_listing_close(listing);
    }
    tn_arena_deinit(&arena);
    return code;
}

/* ---- choosing ---------------------------------------------------------------------------------*/

/* The newest whole checkpoint at or before `version`; -1: none. */
static int64_t newest_checkpoint(const log_files *files, int64_t version, int64_t *parts)
{
    int64_t best = -1;
    for (size_t i = 0; i < files->checkpoints.count; i++) {
        const log_checkpoint *each = &files->checkpoints.items[i];
        int64_t present = 0;
        if (each->version > version || each->version < best ||
            (each->version == best && *parts == 1)) {
            continue;
        }
        for (size_t j = 0; j < files->checkpoints.count && each->parts > 1; j++) {
            const log_checkpoint *other = &files->checkpoints.items[j];
            present += other->version == each->version && other->parts == each->parts;
        }
        if (each->parts == 1 || present == each->parts) {
            best = each->version;
            *parts = each->parts;
        }
    }
    return best;
}

static TN_FALLIBLE no_table(const tn_delta *table, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_NOT_FOUND, "there is no Delta table at '%.*s'",
                  TN_STR_ARGS(table->about.uri));
    tn_subject(err, table->about.uri.data);
    return TARN_E_NOT_FOUND;
}

/* The version to load, from what is listed. */
static TN_FALLIBLE choose_version(const tn_delta *table, const log_files *files,
                                  const tn_delta_at *at, int64_t *out, tarn_error *err)
{
    int64_t parts = 0;
    const int64_t checkpoint = newest_checkpoint(files, INT64_MAX, &parts);
    int64_t last = checkpoint;
    int64_t wanted = -1;
    int64_t latest_time = INT64_MIN;

    for (size_t i = 0; i < files->commits.count; i++) {
        const log_commit *commit = &files->commits.items[i];
        last = commit->version > last ? commit->version : last;
        /* Clocks of stores may stand still or go back: time never does. */
        latest_time = commit->modified_us > latest_time ? commit->modified_us : latest_time;
        if (latest_time <= at->timestamp_us) {
            wanted = commit->version;
        }
    }
    if (last < 0) {
        return no_table(table, err);
    }
    if (at->timestamp_us != INT64_MIN && wanted < 0) {
        (void)tn_fail(err, TARN_E_NOT_FOUND, "the table '%.*s' has no version as old as that",
                      TN_STR_ARGS(table->about.uri));
        tn_hint(err, "'tarn table history' lists its versions with their times");
        return TARN_E_NOT_FOUND;
    }
    *out = at->version >= 0 ? at->version : at->timestamp_us != INT64_MIN ? wanted : last;
    if (*out > last) {
        (void)tn_fail(err, TARN_E_NOT_FOUND, "the table '%.*s' has no version %lld",
                      TN_STR_ARGS(table->about.uri), (long long)*out);
        tn_hint(err, "its latest version is %lld", (long long)last);
        return TARN_E_NOT_FOUND;
    }
    return TARN_OK;
}

/* ---- loading ----------------------------------------------------------------------------------*/

static TN_FALLIBLE read_sidecars(tn_delta *table, const tn_str_list *sidecars, tarn_error *err)
{
    for (size_t i = 0; i < sidecars->count; i++) {
        tn_str name;
        tn_str key;
        TN_RETURN_IF_ERROR(tn_delta__decode(&table->arena, sidecars->items[i], &name, err));
        TN_RETURN_IF_ERROR(tn_arena_print(&table->arena, &key, err, "%.*s_delta_log/_sidecars/%.*s",
                                          TN_STR_ARGS(table->root), TN_STR_ARGS(name)));
        TN_RETURN_IF_ERROR(tn_delta__read_checkpoint(table, key, NULL, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE read_json_checkpoint(tn_delta *table, tn_str key, tn_str_list *sidecars,
                                        tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_buffer *buffer = NULL;
    tn_arena arena;
    tn_str text;

    tn_arena_init(&arena, table->pool);
    TN_TRY(tn_store_get(table->store, key, TN_DELTA_ENTRY_MAX, table->pool, &buffer, NULL, err));
    text = (tn_str){(const char *)buffer->data, buffer->size};
    TN_TRY(tn_delta__apply_entry(table, text, err));
    while (text.size > 0) {
        const size_t end = tn_str_find(text, '\n');
        const tn_str line = tn_str_slice(text, 0, end == SIZE_MAX ? text.size : end);
        const tn_json *json;
        text = tn_str_slice(text, end == SIZE_MAX ? text.size : end + 1, text.size);
        if (line.size == 0 || tn_json_parse(&arena, line, &json, NULL) != TARN_OK) {
            continue;
        }
        const tn_str path = tn_json_get_text(tn_json_get(json, "sidecar"), "path", TN_STR_NONE);
        if (path.size > 0) {
            tn_str copy;
            TN_TRY(tn_arena_copy(&table->arena, path, &copy, err));
            TN_TRY(tn_vec_push(sidecars, copy, err));
        }
    }
done:
    tn_buffer_release(buffer);
    tn_arena_deinit(&arena);
    return code;
}

static TN_FALLIBLE load_checkpoint(tn_delta *table, const log_files *files, int64_t version,
                                   int64_t parts, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_str_list sidecars = TN_VEC_INIT(table->pool);
    bool done_one = false;

    for (size_t i = 0; i < files->checkpoints.count; i++) {
        const log_checkpoint *each = &files->checkpoints.items[i];
        if (each->version != version || each->parts != parts || (parts == 1 && done_one)) {
            continue;
        }
        done_one = true;
        if (each->is_json) {
            TN_TRY(read_json_checkpoint(table, each->key, &sidecars, err));
        } else {
            TN_TRY(tn_delta__read_checkpoint(table, each->key, &sidecars, err));
        }
    }
    TN_TRY(read_sidecars(table, &sidecars, err));
done:
    tn_vec_free(&sidecars);
    return code;
}

static TN_FALLIBLE load_commit(tn_delta *table, int64_t version, tn_delta_entry_visitor *each,
                               void *context, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_buffer *buffer = NULL;
    tn_arena arena;
    tn_str key;
    tn_object_info info;

    tn_arena_init(&arena, table->pool);
    TN_TRY(tn_delta__log_key(table, version, &arena, &key, err));
    TN_TRY(tn_store_get(table->store, key, TN_DELTA_ENTRY_MAX, table->pool, &buffer, &info, err));
    const tn_str text = {(const char *)buffer->data, buffer->size};
    if (each != NULL) {
        TN_TRY(each(context, version, text, err));
    }
    code = tn_delta__apply_entry(table, text, err);
    if (code != TARN_OK) {
        tn_explain(err, "reading log entry %lld of '%.*s'", (long long)version,
                   TN_STR_ARGS(table->about.uri));
        goto done;
    }
    table->about.version = version;
    table->about.modified_ms = info.modified_us / 1000;
done:
    tn_buffer_release(buffer);
    tn_arena_deinit(&arena);
    return code;
}

static TN_FALLIBLE missing_entry(const tn_delta *table, int64_t version, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_CORRUPT,
                  "the log of the Delta table '%.*s' has no entry for version %lld",
                  TN_STR_ARGS(table->about.uri), (long long)version);
    tn_subject(err, table->about.uri.data);
    return TARN_E_CORRUPT;
}

/* From the newest checkpoint at or before `version` and `limit`; `*tried` becomes its version where
 * it cannot be read. */
static TN_FALLIBLE load_version(tn_delta *table, const log_files *files, int64_t version,
                                int64_t limit, int64_t *tried, tarn_error *err)
{
    int64_t parts = 1;
    const int64_t checkpoint = newest_checkpoint(files, version < limit ? version : limit, &parts);
    int64_t next = 0;
    *tried = -1;
    if (checkpoint >= 0) {
        *tried = checkpoint;
        TN_RETURN_IF_ERROR(load_checkpoint(table, files, checkpoint, parts, err));
        *tried = -1;
        table->about.version = checkpoint;
        next = checkpoint + 1;
    }
    for (size_t i = 0; i < files->commits.count; i++) {
        const log_commit *commit = &files->commits.items[i];
        if (commit->version < next) {
            table->about.modified_ms = commit->modified_us / 1000;
            continue;
        }
        if (commit->version > version) {
            break;
        }
        if (commit->version != next) {
            return missing_entry(table, next, err);
        }
        TN_RETURN_IF_ERROR(load_commit(table, next, NULL, NULL, err));
        next++;
    }
    return next == version + 1 ? TARN_OK : missing_entry(table, next, err);
}

/* Checkpoints only save reading the log: one that is damaged or not whole is passed over where an
 * older one, or the whole log, is there.  Else its error stands. */
static TN_FALLIBLE load_around(tn_delta *table, log_files *files, int64_t version, tarn_error *err)
{
    int64_t tried;
    tarn_error first = TARN_ERROR_INIT;
    tarn_code code = load_version(table, files, version, INT64_MAX, &tried, &first);
    const tarn_code first_code = code;
    bool listed_all = false;

    while (tried >= 0 && (code == TARN_E_CORRUPT || code == TARN_E_NOT_FOUND)) {
        const int64_t limit = tried - 1;
        tn_delta__forget(table);
        if (!listed_all) {
            TN_RETURN_IF_ERROR(list_log(table, 0, files, err));
            listed_all = true;
        }
        code = load_version(table, files, version, limit, &tried, NULL);
    }
    if (code != TARN_OK && err != NULL) {
        *err = first;
    }
    return code == TARN_OK ? TARN_OK : first_code;
}

/* ---- time travel ------------------------------------------------------------------------------*/

/* commitInfo.inCommitTimestamp of a log entry; INT64_MAX where it has none. */
static TN_FALLIBLE read_in_commit_time(tn_delta *table, int64_t version, int64_t *out_ms,
                                       tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_buffer *buffer = NULL;
    tn_arena arena;
    tn_str key;
    const tn_delta_action *actions;
    size_t count;

    *out_ms = INT64_MAX;
    tn_arena_init(&arena, table->pool);
    TN_TRY(tn_delta__log_key(table, version, &arena, &key, err));
    TN_TRY(tn_store_get(table->store, key, TN_DELTA_ENTRY_MAX, table->pool, &buffer, NULL, err));
    const tn_str text = {(const char *)buffer->data, buffer->size};
    TN_TRY(tn_delta__parse_actions(&arena, text, &actions, &count, table->pool, err));
    for (size_t i = 0; i < count; i++) {
        const tn_json *info = tn_json_get(actions[i].json, "commitInfo");
        *out_ms = info == NULL ? *out_ms : tn_json_get_integer(info, "inCommitTimestamp", *out_ms);
    }
done:
    tn_buffer_release(buffer);
    tn_arena_deinit(&arena);
    return code;
}

static int64_t number_of(tn_str text, int64_t otherwise)
{
    int64_t value;
    return number(&text, 0, &value) && text.size == 0 ? value : otherwise;
}

/*
 * Where the table keeps times in its commits (feature inCommitTimestamp), these count from the
 * version on that enabled them; before it the files' own do.  `at` becomes a version where one of
 * the former is meant, else they are as if from the future.
 */
static TN_FALLIBLE use_in_commit_times(tn_delta *table, log_files *files, tn_delta_at *at,
                                       tarn_error *err)
{
    static const char on[] = "delta.enableInCommitTimestamps";
    int64_t last;
    TN_RETURN_IF_ERROR(choose_version(table, files, &TN_DELTA_LATEST, &last, err));
    TN_RETURN_IF_ERROR(load_around(table, files, last, err));
    const bool is_on = tn_str_equal_fold(tn_delta__property(table, on), TN_STR("true"));
    const tn_str enabled = tn_delta__property(table, "delta.inCommitTimestampEnablementVersion");
    const int64_t since = number_of(enabled, 0);
    tn_delta__forget(table);
    for (size_t i = files->commits.count; is_on && i-- > 0;) {
        log_commit *commit = &files->commits.items[i];
        int64_t ms;
        if (commit->version < since) {
            break;
        }
        TN_RETURN_IF_ERROR(read_in_commit_time(table, commit->version, &ms, err));
        if (ms <= at->timestamp_us / 1000) {
            *at = (tn_delta_at){commit->version, INT64_MIN};
            break;
        }
        commit->modified_us = INT64_MAX;
    }
    return TARN_OK;
}

tarn_code tn_delta__finish(tn_delta *table, tarn_error *err)
{
    tn_delta_file *files;
    uint64_t count = 0;
    if (!table->has_protocol || !table->has_metadata) {
        return tn_fail(err, TARN_E_CORRUPT, "the log of the Delta table '%.*s' has no %s",
                       TN_STR_ARGS(table->about.uri),
                       table->has_metadata ? "protocol" : "metadata");
    }
    table->about.bytes = 0;
    for (size_t i = 0; i < table->entries.count; i++) {
        count += table->entries.items[i].is_live;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&table->arena, tn_delta_file, count, &files, err));
    count = 0;
    for (size_t i = 0; i < table->entries.count; i++) {
        if (table->entries.items[i].is_live &&
            table->entries.items[i].partitioning != table->partitionings) {
            return tn_fail(err, TARN_E_CORRUPT,
                           "the Delta table '%.*s' has the file '%.*s' of a time when it was "
                           "partitioned by other columns",
                           TN_STR_ARGS(table->about.uri),
                           TN_STR_ARGS(table->entries.items[i].file.path));
        }
        if (table->entries.items[i].is_live) {
            files[count++] = table->entries.items[i].file;
            table->about.bytes += table->entries.items[i].file.size;
        }
    }
    table->about.files = files;
    table->about.file_count = count;
    return TARN_OK;
}

tarn_code tn_delta__load(tn_delta *table, const tn_delta_at *at, tarn_error *err)
{
    tarn_code code = TARN_OK;
    log_files files = {.commits = TN_VEC_INIT(table->pool),
                       .checkpoints = TN_VEC_INIT(table->pool)};
    const bool latest = at->version < 0 && at->timestamp_us == INT64_MIN;
    const int64_t hint = latest ? hinted_version(table) : -1;
    tn_delta_at wanted = *at;
    int64_t version;

    TN_TRY(list_log(table, hint > 0 ? hint : 0, &files, err));
    int64_t parts = 0;
    if (hint > 0 && newest_checkpoint(&files, INT64_MAX, &parts) < hint) {
        TN_TRY(list_log(table, 0, &files, err)); /* the hint was wrong */
    }
    if (wanted.timestamp_us != INT64_MIN) {
        TN_TRY(use_in_commit_times(table, &files, &wanted, err));
    }
    TN_TRY(choose_version(table, &files, &wanted, &version, err));
    TN_TRY(load_around(table, &files, version, err));
    TN_TRY(tn_delta__finish(table, err));
done:
    tn_vec_free(&files.commits);
    tn_vec_free(&files.checkpoints);
    return code;
}

tarn_code tn_delta__catch_up(tn_delta *table, tn_delta_entry_visitor *each, void *context,
                             tarn_error *err)
{
    for (;;) {
        tarn_error missing = TARN_ERROR_INIT;
        const tarn_code code =
            load_commit(table, table->about.version + 1, each, context, &missing);
        if (code == TARN_E_NOT_FOUND) {
            return tn_delta__finish(table, err);
        }
        if (code != TARN_OK) {
            tn_error_copy(err, &missing);
            return code;
        }
    }
}

tarn_code tn_delta__resolve(tn_delta *table, tn_str uri, tarn_error *err)
{
    tn_str key;
    TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, uri, &table->about.uri, err));
    TN_RETURN_IF_ERROR(
        tn_stores_resolve(table->stores, uri, &table->arena, &table->store, &key, err));
    return tn_arena_print(&table->arena, &table->root, err, "%.*s%s", TN_STR_ARGS(key),
                          key.size == 0 || tn_str_ends(key, TN_STR("/")) ? "" : "/");
}
