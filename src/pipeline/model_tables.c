/* [[source]], [[step]], [[expect]], [[sink]] and [quarantine] of a pipeline's file. */
#include "pipeline/model_internal.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- ids --------------------------------------------------------------------------------------*/

/* What SQL can name without quotes. */
static bool is_id(tn_str id)
{
    for (size_t i = 0; i < id.size; i++) {
        const char c = tn_ascii_lower(id.data[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && i > 0) || (c == '_' && i > 0))) {
            return false;
        }
    }
    return id.size > 0 && id.size <= 100;
}

static TN_FALLIBLE read_id(tn_dataflow *p, const tn_toml *table, const char *where,
                           tn_station *node, tarn_error *err)
{
    const tn_toml *id;
    TN_RETURN_IF_ERROR(tn_model__need(p, table, "id", TN_KEY_TEXT, where, &id, err));
    node->place = id == NULL ? table : id;
    if (id == NULL) {
        node->is_faulty = true;
        return TARN_OK;
    }
    node->id = id->text;
    if (!is_id(id->text)) {
        node->is_faulty = true;
        return tn_dataflow__fault(p, id, false,
                                  "a letter, then letters, digits and _, as SQL names tables", err,
                                  "'%.*s' is no id", TN_STR_ARGS(id->text));
    }
    return TARN_OK;
}

static TN_FALLIBLE add_node(tn_dataflow *p, tn_station **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(&p->arena, tn_station, out, err));
    (*out)->index = (uint32_t)p->nodes.count;
    return tn_vec_push(&p->nodes, *out, err);
}

/* ---- sources ----------------------------------------------------------------------------------*/

static const tn_key source_keys[] = {
    {"id", TN_KEY_TEXT, NULL},
    {"uri", TN_KEY_TEXT | TN_KEY_LIST, NULL},
    {"format", TN_KEY_TEXT | TN_KEY_TABLE, NULL},
    {"columns", TN_KEY_TEXT | TN_KEY_TABLE, NULL},
    {"take", TN_KEY_TEXT, NULL},
    {"on_bad_record", TN_KEY_TEXT, NULL},
    {"on_new_column", TN_KEY_TEXT, NULL},
    {"trigger", 0, "leave it out, and start 'tarn run' from cron or a timer"},
};

static const tn_key format_keys[] = {
    {"type", TN_KEY_TEXT, NULL},
    {"compression", TN_KEY_TEXT, NULL},
    {"delimiter", TN_KEY_TEXT, NULL},
    {"quote", TN_KEY_TEXT, NULL},
    {"escape", TN_KEY_TEXT, NULL},
    {"comment", TN_KEY_TEXT, NULL},
    {"header", TN_KEY_BOOLEAN, NULL},
    {"null", TN_KEY_TEXT | TN_KEY_LIST, NULL},
    {"skip", TN_KEY_INTEGER, NULL},
    {"sample_rows", TN_KEY_INTEGER, NULL},
    {"names", TN_KEY_TEXT | TN_KEY_LIST, NULL},
    {"null_padding", TN_KEY_BOOLEAN, NULL},
    {"new_line_in_values", TN_KEY_BOOLEAN, NULL},
    {"max_line_size", TN_KEY_INTEGER, NULL},
    {"all_varchar", TN_KEY_BOOLEAN, NULL},
    {"hive", TN_KEY_BOOLEAN, NULL},
    {"union_by_name", TN_KEY_BOOLEAN, NULL},
};

static TN_FALLIBLE read_character(tn_dataflow *p, const tn_toml *format, const char *key, char *out,
                                  tarn_error *err)
{
    const tn_toml *member = tn_model__get(format, key, TN_KEY_TEXT);
    if (member == NULL) {
        return TARN_OK;
    }
    if (member->text.size != 1) {
        return tn_dataflow__fault(p, member, false, NULL, err, "'%s' is one character", key);
    }
    *out = member->text.data[0];
    return TARN_OK;
}

static TN_FALLIBLE read_texts(tn_dataflow *p, const tn_toml *member, tn_str **out, uint32_t *count,
                              tarn_error *err)
{
    const bool is_list = member->kind == TN_TOML_ARRAY;
    *count = 0;
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, tn_str, is_list ? member->count : 1, out, err));
    for (const tn_toml *each = is_list ? member->child : member; each != NULL; each = each->next) {
        if (each->kind != TN_TOML_STRING) {
            TN_RETURN_IF_ERROR(tn_dataflow__fault(
                p, each, false, NULL, err, "'%.*s' is a list of texts", TN_STR_ARGS(member->key)));
        } else {
            (*out)[(*count)++] = each->text;
        }
        if (!is_list) {
            break;
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE read_format_type(tn_dataflow *p, tn_station *node, const tn_toml *type,
                                    tarn_error *err)
{
    static const char *const names[] = {"csv", "parquet", "json", "jsonl"};
    static const char *const planned[] = {"delta", "arrow", "avro", "orc", "xlsx"};
    tn_str list[COUNT(names)];
    for (size_t i = 0; i < COUNT(names); i++) {
        list[i] = tn_str_of(names[i]);
        if (tn_str_equal(type->text, list[i])) {
            node->read.format = list[i];
            return TARN_OK;
        }
    }
    for (size_t i = 0; i < COUNT(planned); i++) {
        if (tn_str_equal(type->text, tn_str_of(planned[i]))) {
            return tn_dataflow__fault(
                p, type, false, i == 0 ? "a step reads a table by its URI: FROM 'lake/t'" : NULL,
                err, "sources of format '%s' are not built yet", planned[i]);
        }
    }
    return tn_dataflow__fault(p, type, false,
                              tn_dataflow__nearest(p, type->text, list, COUNT(names)), err,
                              "no format named '%.*s'", TN_STR_ARGS(type->text));
}

static TN_FALLIBLE read_numbers(tn_dataflow *p, const tn_toml *format, tn_read_options *read,
                                tarn_error *err)
{
    const tn_toml *skip = tn_model__get(format, "skip", TN_KEY_INTEGER);
    const tn_toml *sample = tn_model__get(format, "sample_rows", TN_KEY_INTEGER);
    const tn_toml *line = tn_model__get(format, "max_line_size", TN_KEY_INTEGER);
    if (line != NULL && (line->integer < 1 || line->integer > 1 << 30)) {
        TN_RETURN_IF_ERROR(tn_dataflow__fault(p, line, false, NULL, err,
                                              "'max_line_size' is from 1 to 1073741824"));
    } else if (line != NULL) {
        read->record_size_max = (uint64_t)line->integer;
    }
    if (skip != NULL && skip->integer < 0) {
        TN_RETURN_IF_ERROR(tn_dataflow__fault(p, skip, false, NULL, err, "'skip' is 0 or more"));
    } else if (skip != NULL) {
        read->skip = (uint64_t)skip->integer;
    }
    if (sample != NULL && sample->integer < 1) {
        TN_RETURN_IF_ERROR(
            tn_dataflow__fault(p, sample, false, NULL, err, "'sample_rows' is 1 or more"));
    } else if (sample != NULL) {
        read->sample_rows = (uint64_t)sample->integer;
    }
    return TARN_OK;
}

static tn_tristate tristate(const tn_toml *format, const char *key)
{
    const tn_toml *member = tn_model__get(format, key, TN_KEY_BOOLEAN);
    return member == NULL ? TN_AUTO : member->boolean ? TN_YES : TN_NO;
}

/* Keys that the format does not know are refused, not passed over. */
static TN_FALLIBLE refuse_others(tn_dataflow *p, const tn_station *node, const tn_toml *format,
                                 tarn_error *err)
{
    static const char *const csv[] = {
        "delimiter", "quote", "escape", "comment",      "header",
        "null",      "skip",  "names",  "null_padding", "new_line_in_values"};
    static const char *const text[] = {"compression", "sample_rows", "all_varchar",
                                       "max_line_size"};
    const tn_str type = node->read.format;
    if (type.size == 0 || tn_str_equal(type, TN_STR("csv"))) {
        return TARN_OK;
    }
    const bool is_text = !tn_str_equal(type, TN_STR("parquet"));
    for (size_t i = 0; i < COUNT(csv) + COUNT(text); i++) {
        const bool is_csv = i < COUNT(csv);
        const char *key = is_csv ? csv[i] : text[i - COUNT(csv)];
        const tn_toml *member = tn_toml_get(format, key);
        if (member != NULL && (is_csv || !is_text)) {
            TN_RETURN_IF_ERROR(tn_dataflow__fault(p, member, true, NULL, err,
                                                  "'%s' says nothing of %.*s files", key,
                                                  TN_STR_ARGS(type)));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE read_format(tn_dataflow *p, tn_station *node, const tn_toml *format,
                               tarn_error *err)
{
    tn_read_options *read = &node->read;
    tn_str *nulls;
    if (format->kind == TN_TOML_STRING) {
        return read_format_type(p, node, format, err);
    }
    TN_RETURN_IF_ERROR(
        tn_model__check_keys(p, format, format_keys, COUNT(format_keys), "'format'", err));
    const tn_toml *type = tn_model__get(format, "type", TN_KEY_TEXT);
    if (type != NULL) {
        TN_RETURN_IF_ERROR(read_format_type(p, node, type, err));
    }
    const tn_toml *codec = tn_model__get(format, "compression", TN_KEY_TEXT);
    read->codec = codec == NULL ? TN_STR_NONE : codec->text;
    TN_RETURN_IF_ERROR(read_character(p, format, "delimiter", &read->delimiter, err));
    const tn_toml *quote = tn_model__get(format, "quote", TN_KEY_TEXT);
    read->no_quotes = quote != NULL && quote->text.size == 0;
    if (!read->no_quotes) {
        TN_RETURN_IF_ERROR(read_character(p, format, "quote", &read->quote, err));
    }
    TN_RETURN_IF_ERROR(read_character(p, format, "escape", &read->escape, err));
    TN_RETURN_IF_ERROR(read_character(p, format, "comment", &read->comment, err));
    read->header = tristate(format, "header");
    read->hive = tristate(format, "hive");
    read->all_varchar = tristate(format, "all_varchar") == TN_YES;
    read->null_padding = tristate(format, "null_padding") == TN_YES;
    read->new_line_in_values = tristate(format, "new_line_in_values") == TN_YES;
    const tn_toml *names = tn_model__get(format, "names", TN_KEY_TEXT | TN_KEY_LIST);
    if (names != NULL) {
        TN_RETURN_IF_ERROR(read_texts(p, names, &nulls, &read->name_count, err));
        read->names = nulls;
    }
    read->union_by_name = tristate(format, "union_by_name") == TN_YES;
    const tn_toml *null = tn_model__get(format, "null", TN_KEY_TEXT | TN_KEY_LIST);
    if (null != NULL) {
        TN_RETURN_IF_ERROR(read_texts(p, null, &nulls, &read->null_count, err));
        read->nulls = nulls;
    }
    TN_RETURN_IF_ERROR(refuse_others(p, node, format, err));
    return read_numbers(p, format, read, err);
}

/* "TIMESTAMP NOT NULL" */
static TN_FALLIBLE read_column(tn_dataflow *p, const tn_toml *member, tn_field *out, bool *good,
                               tarn_error *err)
{
    static const char ending[] = " NOT NULL";
    const size_t size = sizeof(ending) - 1;
    tarn_error cause = TARN_ERROR_INIT;
    tn_str text = member->text;
    *good = false;
    if (member->kind != TN_TOML_STRING) {
        return tn_dataflow__fault(p, member, false, NULL, err,
                                  "the type of '%.*s' is a text, such as \"BIGINT NOT NULL\"",
                                  TN_STR_ARGS(member->key));
    }
    *out = (tn_field){member->key, NULL, true};
    if (text.size > size && tn_str_equal_fold(tn_str_slice(text, text.size - size, text.size),
                                              (tn_str){ending, size})) {
        out->nullable = false;
        text.size -= size;
    }
    const tarn_code code = tn_types_parse(tn_session_types(p->session), text, &out->type, &cause);
    *good = code == TARN_OK;
    return code == TARN_OK ? TARN_OK : tn_dataflow__fault_of(p, NULL, member, &cause, err);
}

static TN_FALLIBLE read_columns(tn_dataflow *p, tn_station *node, const tn_toml *columns,
                                tarn_error *err)
{
    if (columns->kind == TN_TOML_STRING) {
        return tn_str_equal(columns->text, TN_STR("infer"))
                   ? TARN_OK
                   : tn_dataflow__fault(p, columns, false, NULL, err,
                                        "'columns' is a table of types, or \"infer\"");
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, tn_field, columns->count, &node->columns, err));
    for (const tn_toml *each = tn_toml_first(columns); each != NULL; each = each->next) {
        bool good;
        TN_RETURN_IF_ERROR(read_column(p, each, &node->columns[node->column_count], &good, err));
        node->column_count += good;
        node->is_faulty = node->is_faulty || !good;
    }
    return TARN_OK;
}

static TN_FALLIBLE read_uris(tn_dataflow *p, tn_station *node, const tn_toml *uri, tarn_error *err)
{
    const bool is_list = uri->kind == TN_TOML_ARRAY;
    TN_RETURN_IF_ERROR(
        tn_arena_array(&p->arena, tn_str, is_list ? uri->count : 1, &node->uris, err));
    if (is_list && uri->count == 0) {
        return tn_dataflow__fault(p, uri, false, NULL, err, "'uri' lists nothing");
    }
    for (const tn_toml *each = is_list ? uri->child : uri; each != NULL;
         each = is_list ? each->next : NULL) {
        bool good = false;
        if (each->kind != TN_TOML_STRING) {
            TN_RETURN_IF_ERROR(tn_dataflow__fault(p, each, false, NULL, err,
                                                  "'uri' is a text or a list of texts"));
        } else {
            TN_RETURN_IF_ERROR(tn_model__uri(p, each, &node->uris[node->uri_count], &good, err));
            if (tn_str_equal(each->text, TN_STR("-"))) {
                good = false;
                TN_RETURN_IF_ERROR(tn_dataflow__fault(
                    p, each, false, "put it into a file first", err,
                    "a source cannot be standard input, which cannot be read again"));
            }
        }
        node->uri_count += good;
        node->is_faulty = node->is_faulty || !good;
    }
    return TARN_OK;
}

static TN_FALLIBLE read_policies(tn_dataflow *p, tn_station *node, const tn_toml *table,
                                 tarn_error *err)
{
    static const char *const takes[] = {"new", "all"};
    static const char *const bad[] = {"quarantine", "drop", "fail"};
    static const char *const columns[] = {"fail", "ignore"};
    const tn_toml *evolve = tn_model__get(table, "on_new_column", TN_KEY_TEXT);
    const bool quarantines = tn_toml_get(p->root, "quarantine") != NULL;
    int choice;
    TN_RETURN_IF_ERROR(tn_model__choose(p, table, "take", takes, 2, 0, &choice, err));
    node->take_all = choice == 1;
    TN_RETURN_IF_ERROR(tn_model__choose(p, table, "on_bad_record", bad, 3,
                                        quarantines ? TN_BAD_QUARANTINE : TN_BAD_FAIL, &choice,
                                        err));
    node->bad_record = choice < 0 ? TN_BAD_FAIL : (tn_bad_record)choice;
    if (choice == TN_BAD_QUARANTINE && !quarantines) {
        TN_RETURN_IF_ERROR(tn_dataflow__fault(
            p, tn_toml_get(table, "on_bad_record"), false,
            "[quarantine] with to = \"...\", or on_bad_record = \"drop\"", err,
            "the source '%.*s' quarantines bad records, but there is no [quarantine]",
            TN_STR_ARGS(node->id)));
    }
    if (evolve != NULL && tn_str_equal(evolve->text, TN_STR("evolve"))) {
        return tn_dataflow__fault(p, evolve, false, "\"fail\" or \"ignore\"", err,
                                  "on_new_column = \"evolve\" is not built yet");
    }
    TN_RETURN_IF_ERROR(tn_model__choose(p, table, "on_new_column", columns, 2, 0, &choice, err));
    node->ignores_new_columns = choice == 1;
    return TARN_OK;
}

tarn_code tn_model__read_source(tn_dataflow *p, const tn_toml *table, tarn_error *err)
{
    tn_station *node;
    const tn_toml *uri;
    TN_RETURN_IF_ERROR(add_node(p, &node, err));
    node->is_source = true;
    node->read = TN_READ_DEFAULT;
    TN_RETURN_IF_ERROR(
        tn_model__check_keys(p, table, source_keys, COUNT(source_keys), "a source", err));
    TN_RETURN_IF_ERROR(read_id(p, table, "a source", node, err));
    TN_RETURN_IF_ERROR(
        tn_model__need(p, table, "uri", TN_KEY_TEXT | TN_KEY_LIST, "a source", &uri, err));
    if (uri != NULL) {
        TN_RETURN_IF_ERROR(read_uris(p, node, uri, err));
    }
    node->is_faulty = node->is_faulty || uri == NULL;
    const tn_toml *format = tn_model__get(table, "format", TN_KEY_TEXT | TN_KEY_TABLE);
    if (format != NULL) {
        TN_RETURN_IF_ERROR(read_format(p, node, format, err));
    }
    const tn_toml *columns = tn_model__get(table, "columns", TN_KEY_TEXT | TN_KEY_TABLE);
    if (columns != NULL) {
        TN_RETURN_IF_ERROR(read_columns(p, node, columns, err));
    }
    return read_policies(p, node, table, err);
}

/* ---- steps ------------------------------------------------------------------------------------*/

static const tn_key step_keys[] = {{"id", TN_KEY_TEXT, NULL},
                                   {"sql", TN_KEY_TEXT | TN_KEY_TABLE, NULL}};
static const tn_key sql_keys[] = {{"file", TN_KEY_TEXT, NULL}};

/* sql = { file = "sql/clean.sql" } */
static TN_FALLIBLE read_sql_file(tn_dataflow *p, const tn_toml *table, tn_station *node,
                                 tarn_error *err)
{
    const tn_toml *file;
    tn_str uri;
    tn_str key;
    tn_store *store;
    tn_buffer *buffer = NULL;
    tarn_error cause = TARN_ERROR_INIT;
    bool good;

    TN_RETURN_IF_ERROR(tn_model__check_keys(p, table, sql_keys, COUNT(sql_keys), "'sql'", err));
    TN_RETURN_IF_ERROR(tn_model__need(p, table, "file", TN_KEY_TEXT, "'sql'", &file, err));
    if (file == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_model__uri(p, file, &uri, &good, err));
    if (!good) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_stores_resolve(tn_session_stores(p->session), uri, &p->arena, &store, &key, err));
    tarn_code code = tn_store_get(store, key, 1 << 20, p->pool, &buffer, NULL, &cause);
    if (code != TARN_OK) {
        return tn_dataflow__fault_of(p, NULL, file, &cause, err);
    }
    code = tn_arena_copy(&p->arena, (tn_str){(const char *)buffer->data, buffer->size},
                         &node->sql.text, err);
    tn_buffer_release(buffer);
    node->sql.file = uri;
    node->has_sql = true;
    return code;
}

tarn_code tn_model__read_step(tn_dataflow *p, const tn_toml *table, tarn_error *err)
{
    tn_station *node;
    const tn_toml *sql;
    TN_RETURN_IF_ERROR(add_node(p, &node, err));
    TN_RETURN_IF_ERROR(tn_model__check_keys(p, table, step_keys, COUNT(step_keys), "a step", err));
    TN_RETURN_IF_ERROR(read_id(p, table, "a step", node, err));
    TN_RETURN_IF_ERROR(
        tn_model__need(p, table, "sql", TN_KEY_TEXT | TN_KEY_TABLE, "a step", &sql, err));
    if (sql != NULL && sql->kind == TN_TOML_STRING) {
        node->sql = (tn_sql_text){.text = sql->text, .node = sql};
        node->has_sql = true;
    } else if (sql != NULL) {
        TN_RETURN_IF_ERROR(read_sql_file(p, sql, node, err));
    }
    node->is_faulty = node->is_faulty || !node->has_sql;
    return TARN_OK;
}

/* ---- expectations -----------------------------------------------------------------------------*/

static const tn_key expect_keys[] = {{"on", TN_KEY_TEXT, NULL},
                                     {"name", TN_KEY_TEXT, NULL},
                                     {"rule", TN_KEY_TEXT, NULL},
                                     {"query", TN_KEY_TEXT, NULL},
                                     {"action", TN_KEY_TEXT, NULL}};

tarn_code tn_model__read_expect(tn_dataflow *p, const tn_toml *table, tarn_error *err)
{
    static const char *const actions[] = {"warn", "quarantine", "drop", "fail"};
    tn_expect *expect;
    const tn_toml *on = NULL;
    const tn_toml *action = tn_model__get(table, "action", TN_KEY_TEXT);
    int choice;
    TN_RETURN_IF_ERROR(tn_arena_new(&p->arena, tn_expect, &expect, err));
    TN_RETURN_IF_ERROR(
        tn_model__check_keys(p, table, expect_keys, COUNT(expect_keys), "an expectation", err));
    expect->place = table;
    const tn_toml *rule = tn_model__get(table, "rule", TN_KEY_TEXT);
    const tn_toml *query = tn_model__get(table, "query", TN_KEY_TEXT);
    if ((tn_toml_get(table, "rule") != NULL) == (tn_toml_get(table, "query") != NULL)) {
        return tn_dataflow__fault(p, table, true,
                                  "rule = \"...\" is asked of each row; query = "
                                  "\"SELECT ...\" must return none",
                                  err, "an expectation needs either 'rule' or 'query'");
    }
    if (rule != NULL) {
        TN_RETURN_IF_ERROR(tn_model__need(p, table, "on", TN_KEY_TEXT, "an expectation", &on, err));
    }
    const tn_toml *text = rule != NULL ? rule : query;
    if (text == NULL || (rule != NULL && on == NULL)) {
        return TARN_OK;
    }
    expect->is_query = query != NULL;
    expect->text = (tn_sql_text){.text = text->text, .node = text};
    expect->on = on == NULL ? TN_STR_NONE : on->text;
    const tn_toml *name = tn_model__get(table, "name", TN_KEY_TEXT);
    expect->name = name == NULL ? text->text : name->text;
    TN_RETURN_IF_ERROR(
        tn_model__choose(p, table, "action", actions, 4, TN_EXPECT_FAIL, &choice, err));
    expect->action = choice < 0 ? TN_EXPECT_FAIL : (tn_expect_action)choice;
    if (expect->is_query &&
        (expect->action == TN_EXPECT_QUARANTINE || expect->action == TN_EXPECT_DROP)) {
        TN_RETURN_IF_ERROR(tn_dataflow__fault(
            p, action, false, "\"warn\" or \"fail\"; or a rule, which is asked of each row", err,
            "the rows of a query are none of a step, so they cannot be %s",
            expect->action == TN_EXPECT_DROP ? "dropped" : "quarantined"));
        expect->action = TN_EXPECT_FAIL;
    }
    return tn_vec_push(&p->expects, expect, err);
}

/* ---- sinks ------------------------------------------------------------------------------------*/

static const tn_key sink_keys[] = {
    {"from", TN_KEY_TEXT, NULL},
    {"to", TN_KEY_TEXT, NULL},
    {"format", TN_KEY_TEXT, NULL},
    {"mode", TN_KEY_TEXT, NULL},
    {"partition_by", TN_KEY_TEXT | TN_KEY_LIST, NULL},
    {"schema", TN_KEY_TEXT, NULL},
    {"columns", TN_KEY_TABLE, NULL},
    {"keys", 0, "they belong to mode = \"merge\""},
    {"where", 0, "it belongs to mode = \"replace\""},
    {"flush", 0, "leave it out: a run is one commit"},
};

/* Words that mean something, but not yet. */
static TN_FALLIBLE refuse_later(tn_dataflow *p, const tn_toml *table, tarn_error *err)
{
    static const struct {
        const char *key, *value, *hint;
    } later[] = {
        {"mode", "merge", "\"append\" or \"overwrite\""},
        {"mode", "replace", "\"append\" or \"overwrite\""},
        {"schema", "merge", "\"strict\""},
        {"format", "parquet", "\"delta\"; 'tarn convert' makes files of it"},
        {"format", "csv", "\"delta\"; 'tarn convert' makes files of it"},
        {"format", "jsonl", "\"delta\"; 'tarn convert' makes files of it"},
        {"format", "iceberg", "\"delta\""},
    };
    for (size_t i = 0; i < COUNT(later); i++) {
        const tn_toml *member = tn_model__get(table, later[i].key, TN_KEY_TEXT);
        if (member != NULL && tn_str_equal(member->text, tn_str_of(later[i].value))) {
            TN_RETURN_IF_ERROR(tn_dataflow__fault(p, member, false, later[i].hint, err,
                                                  "%s = \"%s\" of a sink is not built yet",
                                                  later[i].key, later[i].value));
        }
    }
    return TARN_OK;
}

static bool is_later(const tn_toml *table, const char *key, const char *const *values, int count)
{
    const tn_toml *member = tn_model__get(table, key, TN_KEY_TEXT);
    for (int i = 0; i < count && member != NULL; i++) {
        if (tn_str_equal(member->text, tn_str_of(values[i]))) {
            return true;
        }
    }
    return false;
}

static TN_FALLIBLE read_partition_by(tn_dataflow *p, tn_sink_spec *sink, const tn_toml *list,
                                     tarn_error *err)
{
    const bool is_list = list->kind == TN_TOML_ARRAY;
    TN_RETURN_IF_ERROR(read_texts(p, list, &sink->partition_by, &sink->partition_count, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, const tn_toml *, sink->partition_count + 1,
                                      &sink->partition_places, err));
    uint32_t count = 0;
    for (const tn_toml *each = is_list ? list->child : list;
         each != NULL && count < sink->partition_count; each = is_list ? each->next : NULL) {
        if (each->kind == TN_TOML_STRING) {
            sink->partition_places[count++] = each;
        }
    }
    return TARN_OK;
}

/* What the table will hold, for steps that read it before the first run has made it. */
static TN_FALLIBLE read_sink_columns(tn_dataflow *p, tn_sink_spec *sink, tarn_error *err)
{
    const tn_toml *columns = sink->columns_place;
    bool all_good = columns->count > 0;
    if (columns->count == 0) {
        TN_RETURN_IF_ERROR(tn_dataflow__fault(
            p, columns, false, "columns = { id = \"BIGINT\", ... }", err, "'columns' names none"));
    }
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, tn_field, columns->count, &sink->columns, err));
    for (const tn_toml *each = tn_toml_first(columns); each != NULL; each = each->next) {
        tn_field *field = &sink->columns[sink->column_count];
        bool good;
        TN_RETURN_IF_ERROR(read_column(p, each, field, &good, err));
        if (good && !field->nullable) {
            good = false;
            TN_RETURN_IF_ERROR(tn_dataflow__fault(
                p, each, false, "an [[expect]] asks for it: rule = \"id IS NOT NULL\"", err,
                "the columns of a sink are types, without NOT NULL"));
        }
        sink->column_count += good;
        all_good = all_good && good;
    }
    sink->columns_place = all_good ? columns : NULL; /* nothing stands on what is faulty */
    return TARN_OK;
}

tarn_code tn_model__read_sink(tn_dataflow *p, const tn_toml *table, tarn_error *err)
{
    static const char *const modes[] = {"append", "overwrite"};
    static const char *const formats[] = {"delta"};
    static const char *const schemas[] = {"strict"};
    static const char *const later_modes[] = {"merge", "replace"};
    static const char *const later_formats[] = {"parquet", "csv", "jsonl", "iceberg"};
    static const char *const later_schemas[] = {"merge"};
    tn_sink_spec *sink;
    const tn_toml *to;
    int choice = 0;
    bool good = true;
    TN_RETURN_IF_ERROR(tn_arena_new(&p->arena, tn_sink_spec, &sink, err));
    TN_RETURN_IF_ERROR(tn_vec_push(&p->sinks, sink, err));
    sink->place = table;
    const bool merges = is_later(table, "mode", later_modes, 2);
    TN_RETURN_IF_ERROR(tn_model__check_keys(p, table, sink_keys, COUNT(sink_keys), "a sink", err));
    TN_RETURN_IF_ERROR(refuse_later(p, table, err));
    TN_RETURN_IF_ERROR(
        tn_model__need(p, table, "from", TN_KEY_TEXT, "a sink", &sink->from_place, err));
    TN_RETURN_IF_ERROR(tn_model__need(p, table, "to", TN_KEY_TEXT, "a sink", &to, err));
    sink->from = sink->from_place == NULL ? TN_STR_NONE : sink->from_place->text;
    if (to != NULL) {
        sink->to_written = to->text;
        TN_RETURN_IF_ERROR(tn_model__uri(p, to, &sink->to, &good, err));
        sink->to = good ? sink->to : TN_STR_NONE;
    }
    if (!merges) {
        TN_RETURN_IF_ERROR(tn_model__choose(p, table, "mode", modes, 2, 0, &choice, err));
        sink->mode = choice == 1 ? TN_DELTA_OVERWRITE : TN_DELTA_APPEND;
    }
    if (!is_later(table, "format", later_formats, 4)) {
        TN_RETURN_IF_ERROR(tn_model__choose(p, table, "format", formats, 1, 0, &choice, err));
    }
    if (!is_later(table, "schema", later_schemas, 1)) {
        TN_RETURN_IF_ERROR(tn_model__choose(p, table, "schema", schemas, 1, 0, &choice, err));
    }
    sink->columns_place = tn_model__get(table, "columns", TN_KEY_TABLE);
    if (sink->columns_place != NULL) {
        TN_RETURN_IF_ERROR(read_sink_columns(p, sink, err));
    }
    const tn_toml *partition_by = tn_model__get(table, "partition_by", TN_KEY_TEXT | TN_KEY_LIST);
    return partition_by == NULL ? TARN_OK : read_partition_by(p, sink, partition_by, err);
}

/* ---- quarantine -------------------------------------------------------------------------------*/

static const tn_key quarantine_keys[] = {{"to", TN_KEY_TEXT, NULL},
                                         {"max_ratio", TN_KEY_NUMBER, NULL}};

tarn_code tn_model__read_quarantine(tn_dataflow *p, const tn_toml *table, tarn_error *err)
{
    const tn_toml *to;
    bool good;
    p->quarantine_place = table;
    TN_RETURN_IF_ERROR(tn_model__check_keys(p, table, quarantine_keys, COUNT(quarantine_keys),
                                            "[quarantine]", err));
    TN_RETURN_IF_ERROR(tn_model__need(p, table, "to", TN_KEY_TEXT, "[quarantine]", &to, err));
    if (to != NULL) {
        TN_RETURN_IF_ERROR(tn_model__uri(p, to, &p->quarantine, &good, err));
    }
    const tn_toml *ratio = tn_model__get(table, "max_ratio", TN_KEY_NUMBER);
    if (ratio != NULL && !(ratio->number >= 0 && ratio->number <= 1)) {
        return tn_dataflow__fault(p, ratio, false, NULL, err, "'max_ratio' is from 0 to 1");
    }
    p->max_ratio = ratio == NULL ? -1 : ratio->number;
    return TARN_OK;
}
