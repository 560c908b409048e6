/* The pipeline's file as a whole: keys, environment, parameters, names. */
#include "base/hash.h"
#include "kernel/text.h"
#include "os/file.h"
#include "pipeline/model_internal.h"
#include "pipeline/place.h"

#include <stdio.h>
#include <stdlib.h>

static const size_t document_max = 1 << 20;

/* ---- keys -------------------------------------------------------------------------------------*/

static const char *kinds_name(unsigned kinds)
{
    switch (kinds) {
    case TN_KEY_TEXT:
        return "a text";
    case TN_KEY_TABLE:
        return "a table";
    case TN_KEY_LIST:
        return "a list";
    case TN_KEY_NUMBER:
        return "a number";
    case TN_KEY_INTEGER:
        return "a whole number";
    case TN_KEY_BOOLEAN:
        return "true or false";
    case TN_KEY_TEXT | TN_KEY_LIST:
        return "a text or a list of texts";
    case TN_KEY_TEXT | TN_KEY_TABLE:
        return "a text or a table";
    default:
        return "of another kind";
    }
}

/* The name that is near, else all there are. */
static const char *suggest(tn_dataflow *p, tn_str name, const tn_str *names, size_t count)
{
    enum { SUGGESTED_MAX = 400 };
    const char *near = tn_dataflow__nearest(p, name, names, count);
    tn_text list;
    tn_str copy = TN_STR_NONE;
    if (near != NULL) {
        return near;
    }
    tn_text_init(&list, p->pool, SUGGESTED_MAX);
    for (size_t i = 0; i < count; i++) {
        tn_text_printf(&list, "%s%.*s", i == 0 ? "its keys are " : ", ", TN_STR_ARGS(names[i]));
    }
    if (tn_text_status(&list, NULL) != TARN_OK ||
        tn_arena_copy(&p->arena, tn_text_str(&list), &copy, NULL) != TARN_OK) {
        copy = TN_STR_NONE; /* a suggestion is worth no failure */
    }
    tn_text_deinit(&list);
    return copy.data;
}

static TN_FALLIBLE check_key(tn_dataflow *p, const tn_toml *member, const tn_key *keys,
                             size_t count, const char *where, tarn_error *err)
{
    tn_str names[32] = {{NULL, 0}};
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        const tn_key *key = &keys[i];
        if (tn_str_equal(member->key, tn_str_of(key->name))) {
            if (key->kinds == 0) {
                return tn_dataflow__fault(p, member, true, key->later, err,
                                          "'%s' of %s is not built yet", key->name, where);
            }
            if ((1U << member->kind & key->kinds) == 0) {
                return tn_dataflow__fault(p, member, false, NULL, err, "'%s' of %s is %s, not %s",
                                          key->name, where, kinds_name(key->kinds),
                                          tn_toml_kind_name((tn_toml_kind)member->kind));
            }
            return TARN_OK;
        }
        if (key->kinds != 0 && known < 32) {
            names[known++] = tn_str_of(key->name);
        }
    }
    return tn_dataflow__fault(p, member, true, suggest(p, member->key, names, known), err,
                              "%s has no key '%.*s'", where, TN_STR_ARGS(member->key));
}

tarn_code tn_model__check_keys(tn_dataflow *p, const tn_toml *table, const tn_key *keys,
                               size_t count, const char *where, tarn_error *err)
{
    for (const tn_toml *each = tn_toml_first(table); each != NULL; each = each->next) {
        TN_RETURN_IF_ERROR(check_key(p, each, keys, count, where, err));
    }
    return TARN_OK;
}

const tn_toml *tn_model__get(const tn_toml *table, const char *name, unsigned kinds)
{
    const tn_toml *found = tn_toml_get(table, name);
    return found != NULL && (1U << found->kind & kinds) != 0 ? found : NULL;
}

tarn_code tn_model__need(tn_dataflow *p, const tn_toml *table, const char *name, unsigned kinds,
                         const char *where, const tn_toml **out, tarn_error *err)
{
    *out = tn_model__get(table, name, kinds);
    return tn_toml_get(table, name) != NULL
               ? TARN_OK
               : tn_dataflow__fault(p, table, true, NULL, err, "%s needs '%s'", where, name);
}

tarn_code tn_model__choose(tn_dataflow *p, const tn_toml *table, const char *key,
                           const char *const *names, int count, int otherwise, int *out,
                           tarn_error *err)
{
    tn_str list[8];
    const tn_toml *member = tn_model__get(table, key, TN_KEY_TEXT);
    *out = otherwise;
    if (member == NULL) {
        return TARN_OK;
    }
    for (int i = 0; i < count; i++) {
        list[i] = tn_str_of(names[i]);
        if (tn_str_equal(member->text, list[i])) {
            *out = i;
            return TARN_OK;
        }
    }
    *out = -1;
    return tn_dataflow__fault(p, member, false,
                              tn_dataflow__nearest(p, member->text, list, (size_t)count), err,
                              "'%s' cannot be '%.*s'", key, TN_STR_ARGS(member->text));
}

/* ---- the environment --------------------------------------------------------------------------*/

static bool is_name(tn_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        const char c = tn_ascii_lower(text.data[i]);
        if (!((c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9' && i > 0))) {
            return false;
        }
    }
    return text.size > 0;
}

/* ${NAME...} at `at`, whose end is `end`. */
static TN_FALLIBLE expand_one(tn_dataflow *p, const tn_toml *node, tn_str inner, tn_text *out,
                              bool *good, tarn_error *err)
{
    char name[256];
    const size_t colon = tn_str_find(inner, ':');
    const bool has_default =
        colon != SIZE_MAX && colon + 1 < inner.size && inner.data[colon + 1] == '-';
    const tn_str key = tn_str_slice(inner, 0, has_default ? colon : inner.size);
    if (!is_name(key) || key.size >= sizeof(name)) {
        *good = false;
        return tn_dataflow__fault(p, node, false, "${NAME} or ${NAME:-default}", err,
                                  "'${%.*s}' names no variable of the environment",
                                  TN_STR_ARGS(inner));
    }
    memcpy(name, key.data, key.size);
    name[key.size] = '\0';
    const char *value = getenv(name);
    if (value != NULL && (value[0] != '\0' || !has_default)) {
        tn_text_puts(out, value);
    } else if (has_default) {
        tn_text_append(out, tn_str_slice(inner, colon + 2, inner.size));
    } else {
        *good = false;
        return tn_dataflow__fault(p, node, false, "set it, or give a default: ${NAME:-default}",
                                  err, "the environment has no variable '%s'", name);
    }
    return TARN_OK;
}

tarn_code tn_model__expand(tn_dataflow *p, const tn_toml *node, tn_str *out, bool *good,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_str text = node->text;
    tn_text made;

    *good = true;
    *out = TN_STR_NONE;
    tn_text_init(&made, p->pool, 1 << 16);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '$' || i + 1 >= text.size || text.data[i + 1] != '{') {
            tn_text_putc(&made, text.data[i]);
            continue;
        }
        const size_t end = tn_str_find(tn_str_slice(text, i, text.size), '}');
        if (end == SIZE_MAX) {
            *good = false;
            code = tn_dataflow__fault(p, node, false, NULL, err, "'${' has no '}'");
            goto done;
        }
        TN_TRY(expand_one(p, node, tn_str_slice(text, i + 2, i + end), &made, good, err));
        i += end;
    }
    TN_TRY(tn_text_status(&made, err));
    if (*good && made.size == 0) {
        *good = false;
        code = tn_dataflow__fault(p, node, false, NULL, err, "'%.*s' is empty",
                                  TN_STR_ARGS(node->key));
        goto done;
    }
    TN_TRY(tn_arena_copy(&p->arena, tn_text_str(&made), out, err));
done:
    tn_text_deinit(&made);
    return code;
}

tarn_code tn_model__uri(tn_dataflow *p, const tn_toml *node, tn_str *out, bool *good,
                        tarn_error *err)
{
    tn_str text;
    tn_str key;
    tn_store *store;
    tarn_error cause = TARN_ERROR_INIT;
    TN_RETURN_IF_ERROR(tn_model__expand(p, node, &text, good, err));
    if (!*good) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_uri_join(&p->arena, p->folder, text, out, err));
    while (out->size > 1 && out->data[out->size - 1] == '/') {
        out->size--;
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(&p->arena, *out, out, err)); /* with its zero */
    const tarn_code code =
        tn_stores_resolve(tn_session_stores(p->session), *out, &p->arena, &store, &key, &cause);
    if (code != TARN_OK) {
        *good = false;
        return tn_dataflow__fault_of(p, NULL, node, &cause, err);
    }
    return TARN_OK;
}

/* ---- parameters -------------------------------------------------------------------------------*/

static TN_FALLIBLE default_of(tn_dataflow *p, const tn_toml *member, tn_value *out, bool *good,
                              tarn_error *err)
{
    const tn_type *type = TN_VARCHAR;
    *good = true;
    switch ((tn_toml_kind)member->kind) {
    case TN_TOML_STRING:
        *out = tn_value_varchar(member->text);
        return TARN_OK;
    case TN_TOML_INTEGER:
        *out = tn_value_bigint(member->integer);
        return TARN_OK;
    case TN_TOML_FLOAT:
        *out = tn_value_double(member->number);
        return TARN_OK;
    case TN_TOML_BOOLEAN:
        *out = tn_value_boolean(member->boolean);
        return TARN_OK;
    case TN_TOML_DATE:
        type = TN_DATE;
        break;
    case TN_TOML_TIME:
        type = TN_TIME;
        break;
    case TN_TOML_DATETIME:
        type = TN_TIMESTAMP;
        break;
    case TN_TOML_DATETIMETZ:
        type = TN_TIMESTAMPTZ;
        break;
    default:
        *good = false;
        return tn_dataflow__fault(p, member, false, NULL, err,
                                  "the parameter '%.*s' is %s; it can be a text, a number, true or "
                                  "false, a date or a time",
                                  TN_STR_ARGS(member->key),
                                  tn_toml_kind_name((tn_toml_kind)member->kind));
    }
    return tn_text_parse(member->text, type, &p->arena, out, err);
}

static TN_FALLIBLE read_params(tn_dataflow *p, const tn_toml *table, tarn_error *err)
{
    const uint32_t count = table == NULL ? 0 : table->count;
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, tn_param, count, &p->params, err));
    for (const tn_toml *each = tn_toml_first(table); each != NULL; each = each->next) {
        tn_param *param = &p->params[p->param_count];
        bool good;
        *param = (tn_param){.name = each->key, .place = each};
        if (!is_name(each->key)) {
            TN_RETURN_IF_ERROR(
                tn_dataflow__fault(p, each, true, "letters, digits and _, as in $max_delay", err,
                                   "'%.*s' is no name of a parameter", TN_STR_ARGS(each->key)));
            continue;
        }
        TN_RETURN_IF_ERROR(default_of(p, each, &param->value, &good, err));
        p->param_count += good;
    }
    return TARN_OK;
}

/* The hint where no name is near; NULL where there is no memory for it. */
static const char *list_names(tn_dataflow *p, const tn_str *names, size_t count)
{
    tn_str list = TN_STR("");
    for (size_t i = 0; i < count && i < 8; i++) {
        if (tn_arena_print(&p->arena, &list, NULL, "%.*s%s%.*s", TN_STR_ARGS(list),
                           i == 0 ? "it has " : ", ", TN_STR_ARGS(names[i])) != TARN_OK) {
            return NULL;
        }
    }
    return count == 0 ? "it has none: [pipeline] has them, as params = { least = 0 }" : list.data;
}

/* -p NAME=VALUE: text, read as the default's type. */
static TN_FALLIBLE give_param(tn_dataflow *p, const tn_dataflow_parameter *given, tarn_error *err)
{
    tn_str names[64] = {{NULL, 0}};
    size_t known = 0;
    tarn_error cause = TARN_ERROR_INIT;
    tn_str value;
    for (uint32_t i = 0; i < p->param_count; i++) {
        tn_param *param = &p->params[i];
        if (known < 64) {
            names[known++] = param->name;
        }
        if (!tn_str_equal(param->name, given->name)) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_arena_copy(&p->arena, given->value, &value, err));
        if (param->value.type == TN_VARCHAR) {
            param->value = tn_value_varchar(value);
            return TARN_OK;
        }
        const tarn_code code =
            tn_text_parse(value, param->value.type, &p->arena, &param->value, &cause);
        if (code == TARN_E_NOMEM) {
            return tn_error_copy(err, &cause);
        }
        return code == TARN_OK ? TARN_OK
                               : tn_dataflow__fault(p, NULL, false, NULL, err, "-p %.*s: %s",
                                                    TN_STR_ARGS(given->name), cause.message);
    }
    const char *hint = tn_dataflow__nearest(p, given->name, names, known);
    return tn_dataflow__fault(p, NULL, false, hint != NULL ? hint : list_names(p, names, known),
                              err, "the pipeline has no parameter '%.*s'",
                              TN_STR_ARGS(given->name));
}

static TN_FALLIBLE list_params(tn_dataflow *p, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, tn_str, p->param_count, &p->param_names, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&p->arena, tn_value, p->param_count, &p->param_values, err));
    for (uint32_t i = 0; i < p->param_count; i++) {
        p->param_names[i] = p->params[i].name;
        p->param_values[i] = p->params[i].value;
    }
    p->parameters = (tn_parameters){p->param_count, p->param_names, p->param_values};
    return TARN_OK;
}

/* ---- names ------------------------------------------------------------------------------------*/

tn_station *tn_dataflow__station(const tn_dataflow *p, tn_str id)
{
    for (size_t i = 0; i < p->nodes.count; i++) {
        if (tn_str_equal(p->nodes.items[i]->id, id)) {
            return p->nodes.items[i];
        }
    }
    for (size_t i = 0; i < p->nodes.count; i++) {
        if (tn_str_equal_fold(p->nodes.items[i]->id, id)) {
            return p->nodes.items[i];
        }
    }
    return NULL;
}

static TN_FALLIBLE equal_ids(tn_dataflow *p, tarn_error *err)
{
    for (size_t i = 1; i < p->nodes.count; i++) {
        for (size_t j = 0; j < i; j++) {
            const tn_station *a = p->nodes.items[j];
            const tn_station *b = p->nodes.items[i];
            if (a->id.size > 0 && tn_str_equal_fold(a->id, b->id)) {
                TN_RETURN_IF_ERROR(tn_dataflow__fault(
                    p, b->place, false, "names of sources and steps differ, also in small letters",
                    err, "the id '%.*s' is taken by the %s of line %u", TN_STR_ARGS(b->id),
                    a->is_source ? "source" : "step", a->place->line));
                break;
            }
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE no_such_node(tn_dataflow *p, const tn_toml *at, tn_str id, tarn_error *err)
{
    tn_str names[256];
    size_t count = 0;
    for (size_t i = 0; i < p->nodes.count && count < 256; i++) {
        names[count++] = p->nodes.items[i]->id;
    }
    return tn_dataflow__fault(p, at, false, tn_dataflow__nearest(p, id, names, count), err,
                              "there is no source or step '%.*s'", TN_STR_ARGS(id));
}

static TN_FALLIBLE resolve_names(tn_dataflow *p, tarn_error *err)
{
    for (size_t i = 0; i < p->expects.count; i++) {
        tn_expect *expect = p->expects.items[i];
        expect->node = tn_dataflow__station(p, expect->on);
        if (expect->node == NULL && expect->on.size > 0) {
            TN_RETURN_IF_ERROR(no_such_node(p, tn_toml_get(expect->place, "on"), expect->on, err));
        }
        if (expect->action == TN_EXPECT_QUARANTINE && p->quarantine_place == NULL) {
            TN_RETURN_IF_ERROR(tn_dataflow__fault(
                p, expect->place, true, "[quarantine] with to = \"...\", or action = \"drop\"", err,
                "the expectation '%.*s' quarantines rows, but there is no [quarantine]",
                TN_STR_ARGS(expect->name)));
        }
    }
    for (size_t i = 0; i < p->sinks.count; i++) {
        tn_sink_spec *sink = p->sinks.items[i];
        sink->node = tn_dataflow__station(p, sink->from);
        if (sink->node == NULL && sink->from.size > 0) {
            TN_RETURN_IF_ERROR(no_such_node(p, sink->from_place, sink->from, err));
        }
    }
    if (p->nodes.count > 0 && p->sinks.count == 0) {
        TN_RETURN_IF_ERROR(tn_dataflow__fault(p, NULL, false, "[[sink]] with from and to", err,
                                              "the pipeline has no sink"));
    }
    return TARN_OK;
}

/* ---- the file ---------------------------------------------------------------------------------*/

static const tn_key root_keys[] = {
    {"pipeline", TN_KEY_TABLE, NULL},
    {"source", TN_KEY_LIST, NULL},
    {"step", TN_KEY_LIST, NULL},
    {"expect", TN_KEY_LIST, NULL},
    {"sink", TN_KEY_LIST, NULL},
    {"quarantine", TN_KEY_TABLE, NULL},
    {"retry", 0, "leave it out: what can be repeated safely is repeated"},
    {"observe", 0, "leave it out; --log-format json tells what happens"},
    {"test", 0, "leave it out; 'tarn run --step ID' shows what a step gives"},
};
static const tn_key pipeline_keys[] = {
    {"name", TN_KEY_TEXT, NULL}, {"state", TN_KEY_TEXT, NULL}, {"params", TN_KEY_TABLE, NULL}};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

typedef tarn_code read_table(tn_dataflow *p, const tn_toml *table, tarn_error *err);

static TN_FALLIBLE read_each(tn_dataflow *p, const char *key, read_table *read, tarn_error *err)
{
    const tn_toml *list = tn_model__get(p->root, key, TN_KEY_LIST);
    for (const tn_toml *each = tn_toml_first(list); each != NULL; each = each->next) {
        if (each->kind != TN_TOML_TABLE) {
            TN_RETURN_IF_ERROR(tn_dataflow__fault(p, each, false, NULL, err,
                                                  "each %s is a table: [[%s]]", key, key));
        } else {
            TN_RETURN_IF_ERROR(read(p, each, err));
        }
    }
    return TARN_OK;
}

/* Letters, digits, - and _. */
static bool is_pipeline_name(tn_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        const char c = tn_ascii_lower(name.data[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) {
            return false;
        }
    }
    return name.size > 0 && name.size <= 100;
}

static TN_FALLIBLE read_head(tn_dataflow *p, tarn_error *err)
{
    const tn_toml *head = tn_model__get(p->root, "pipeline", TN_KEY_TABLE);
    const tn_toml *name;
    if (head == NULL) {
        return tn_toml_get(p->root, "pipeline") != NULL
                   ? TARN_OK
                   : tn_dataflow__fault(p, NULL, false, "[pipeline] with name = \"...\"", err,
                                        "the file has no [pipeline]");
    }
    TN_RETURN_IF_ERROR(
        tn_model__check_keys(p, head, pipeline_keys, COUNT(pipeline_keys), "[pipeline]", err));
    TN_RETURN_IF_ERROR(tn_model__need(p, head, "name", TN_KEY_TEXT, "[pipeline]", &name, err));
    if (name != NULL && !is_pipeline_name(name->text)) {
        TN_RETURN_IF_ERROR(tn_dataflow__fault(p, name, false, "letters, digits, - and _", err,
                                              "'%.*s' is no name for a pipeline",
                                              TN_STR_ARGS(name->text)));
    } else if (name != NULL) {
        p->name = name->text;
    }
    return read_params(p, tn_model__get(head, "params", TN_KEY_TABLE), err);
}

/* _tarn/NAME beside the first sink. */
static TN_FALLIBLE read_state(tn_dataflow *p, tarn_error *err)
{
    const tn_toml *state =
        tn_model__get(tn_model__get(p->root, "pipeline", TN_KEY_TABLE), "state", TN_KEY_TEXT);
    bool good;
    if (state != NULL) {
        return tn_model__uri(p, state, &p->state, &good, err);
    }
    if (p->sinks.count == 0 || p->sinks.items[0]->to.size == 0) {
        return TARN_OK;
    }
    const tn_str to = p->sinks.items[0]->to;
    const size_t slash = tn_str_find_last(to, '/');
    const tn_str folder = tn_str_slice(to, 0, slash == SIZE_MAX ? 0 : slash + 1);
    return tn_arena_print(&p->arena, &p->state, err, "%.*s_tarn/%.*s", TN_STR_ARGS(folder),
                          TN_STR_ARGS(p->name));
}

static TN_FALLIBLE name_transactions(tn_dataflow *p, tarn_error *err)
{
    for (size_t i = 0; i < p->sinks.count; i++) {
        tn_sink_spec *sink = p->sinks.items[i];
        TN_RETURN_IF_ERROR(tn_arena_print(&p->arena, &sink->application, err, "%.*s/%.*s",
                                          TN_STR_ARGS(p->name), TN_STR_ARGS(sink->from)));
    }
    return TARN_OK;
}

tarn_code tn_dataflow__read_model(tn_dataflow *p, const tn_dataflow_parameter *given,
                                  size_t given_count, tarn_error *err)
{
    tn_toml_document read;
    TN_RETURN_IF_ERROR(tn_toml_read(&p->arena, p->document, &read, err));
    p->root = read.root;
    for (size_t i = 0; i < read.fault_count; i++) {
        const tn_toml at = {.line = read.faults[i].line, .column = read.faults[i].column};
        TN_RETURN_IF_ERROR(tn_dataflow__fault(p, &at, false, NULL, err, "%.*s",
                                              TN_STR_ARGS(read.faults[i].message)));
    }
    TN_RETURN_IF_ERROR(
        tn_model__check_keys(p, p->root, root_keys, COUNT(root_keys), "a pipeline file", err));
    TN_RETURN_IF_ERROR(read_head(p, err));
    for (size_t i = 0; i < given_count; i++) {
        TN_RETURN_IF_ERROR(give_param(p, &given[i], err));
    }
    TN_RETURN_IF_ERROR(list_params(p, err));
    TN_RETURN_IF_ERROR(read_each(p, "source", tn_model__read_source, err));
    TN_RETURN_IF_ERROR(read_each(p, "step", tn_model__read_step, err));
    TN_RETURN_IF_ERROR(read_each(p, "expect", tn_model__read_expect, err));
    TN_RETURN_IF_ERROR(read_each(p, "sink", tn_model__read_sink, err));
    const tn_toml *quarantine = tn_model__get(p->root, "quarantine", TN_KEY_TABLE);
    if (quarantine != NULL) {
        TN_RETURN_IF_ERROR(tn_model__read_quarantine(p, quarantine, err));
    }
    TN_RETURN_IF_ERROR(equal_ids(p, err));
    TN_RETURN_IF_ERROR(resolve_names(p, err));
    TN_RETURN_IF_ERROR(name_transactions(p, err));
    TN_RETURN_IF_ERROR(read_state(p, err));
    return tn_place_check(p, err);
}

/* ---- opening ----------------------------------------------------------------------------------*/

static TN_FALLIBLE read_file(tn_dataflow *p, tn_str path, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_store *store;
    tn_str key;
    tn_buffer *buffer = NULL;
    tarn_error cause = TARN_ERROR_INIT;

    TN_TRY(tn_stores_resolve(tn_session_stores(p->session), path, &p->arena, &store, &key, err));
    code = tn_store_get(store, key, document_max, p->pool, &buffer, NULL, &cause);
    if (code == TARN_E_NOT_FOUND) {
        code = tn_fail(err, TARN_E_NOT_FOUND, "there is no pipeline file '%s'", p->path.data);
        tn_hint(err, "'tarn init' makes a small one to begin with");
        tn_subject(err, p->path.data);
        goto done;
    }
    if (code != TARN_OK) {
        tn_error_copy(err, &cause);
        goto done;
    }
    TN_TRY(tn_arena_copy(&p->arena, (tn_str){(const char *)buffer->data, buffer->size},
                         &p->document, err));
    TN_TRY(tn_arena_print(&p->arena, &p->document_hash, err, "%016llx",
                          (unsigned long long)tn_hash_bytes(buffer->data, buffer->size, 0)));
done:
    tn_buffer_release(buffer);
    return code;
}

tarn_code tn_dataflow_open(tn_session *session, tn_str path,
                           const tn_dataflow_parameter *parameters, size_t parameter_count,
                           tn_dataflow **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_dataflow *p = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(tn_session_pool(session), sizeof(tn_dataflow), &memory, err));
    p = memory;
    p->session = session;
    p->pool = tn_session_pool(session);
    p->nodes.pool = p->expects.pool = p->sinks.pool = p->faults.pool = p->pool;
    p->max_ratio = -1;
    tn_arena_init(&p->arena, p->pool);
    TN_TRY(tn_arena_copy(&p->arena, path, &p->path, err));
    const size_t slash = tn_str_find_last(p->path, '/');
    TN_TRY(tn_arena_copy(&p->arena, tn_str_slice(p->path, 0, slash == SIZE_MAX ? 0 : slash + 1),
                         &p->folder, err));
    char here[4096];
    TN_TRY(tn_arena_copy(&p->arena, tn_path_current(here, sizeof(here)), &p->here, err));
    TN_TRY(tn_place(p, &p->arena, p->folder, &p->place, err));
    TN_TRY(read_file(p, path, err));
    TN_TRY(tn_dataflow__read_model(p, parameters, parameter_count, err));
    tn_dataflow__sort_faults(p);
    *out = p;
    p = NULL;
done:
    tn_dataflow_close(p);
    return code;
}

void tn_dataflow_close(tn_dataflow *p)
{
    if (p == NULL) {
        return;
    }
    tn_vec_free(&p->nodes);
    tn_vec_free(&p->expects);
    tn_vec_free(&p->sinks);
    tn_vec_free(&p->faults);
    tn_arena_deinit(&p->arena);
    tn_pool_free(p->pool, p, sizeof(*p));
}

const tn_dataflow_fault *tn_dataflow_faults(const tn_dataflow *p, size_t *count)
{
    *count = p->faults.count;
    return p->faults.items;
}
