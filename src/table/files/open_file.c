/* One file of a scan: opened on an I/O thread, its columns found and cast to the set's. */
#include "table/files/scan_internal.h"
#include "table/files/set_internal.h"

#include "format/parquet/parquet.h"

#include <inttypes.h>

/* ---- opening a file: on an I/O thread ---------------------------------------------------------*/

static tn_str physical_name(const tn_file_set *set, uint32_t field)
{
    return set->physical_names != NULL ? set->physical_names[field]
                                       : set->schema.fields[field].name;
}

/* Its type, with the names of nested fields that files use. */
static const tn_type *physical_type(const tn_file_set *set, uint32_t field)
{
    return set->physical_types != NULL ? set->physical_types[field]
                                       : set->schema.fields[field].type;
}

static bool has_name(const tn_file_set *set, tn_str name)
{
    uint32_t i = 0;
    while (i < set->schema.count && !tn_str_equal(physical_name(set, i), name)) {
        i++;
    }
    return i < set->schema.count;
}

/* The file's column for one of the set's: by id where the file has ids, else by name. */
static uint32_t own_column(const tn_open_file *file, uint32_t field, bool *ambiguous)
{
    const tn_file_set *set = &file->scan->source->set;
    const tn_schema *own = &file->source->schema;
    bool has_ids = false;

    *ambiguous = false;
    for (uint32_t i = 0; set->field_ids != NULL && i < own->count; i++) {
        const int32_t id = tn_parquet_field_id(file->source, i);
        if (id >= 0 && id == set->field_ids[field]) {
            return i;
        }
        has_ids = has_ids || id >= 0;
    }
    if (has_ids) {
        return UINT32_MAX;
    }
    const tn_str name = physical_name(set, field);
    const uint32_t found = tn_schema_find(own, name, ambiguous);
    /* in other case it may be the set's other column */
    return found != UINT32_MAX && !tn_str_equal(own->fields[found].name, name) &&
                   has_name(set, own->fields[found].name)
               ? UINT32_MAX
               : found;
}

static TN_FALLIBLE find_column(tn_open_file *file, uint32_t field, uint32_t *out, tarn_error *err)
{
    const tn_file_set *set = &file->scan->source->set;
    const tn_str name = physical_name(set, field);
    bool ambiguous;
    *out = own_column(file, field, &ambiguous);
    if (ambiguous) {
        return tn_fail(err, TARN_E_INVALID, "'%.*s' has two columns that '%.*s' may mean",
                       TN_STR_ARGS(file->part->file.uri), TN_STR_ARGS(name));
    }
    if (*out == UINT32_MAX && !set->fill_missing) {
        (void)tn_fail(err, TARN_E_INVALID, "'%.*s' has no column '%.*s'",
                      TN_STR_ARGS(file->part->file.uri), TN_STR_ARGS(name));
        tn_subject(err, file->part->file.uri.data);
        tn_hint(err, "files of one pattern have the first one's columns; union_by_name => true "
                     "takes them as they are");
        return TARN_E_INVALID;
    }
    return TARN_OK;
}

/* A program that casts the columns which need it, and hands the others through. */
static TN_FALLIBLE compile_casts(tn_open_file *file, tarn_error *err)
{
    const tn_files_scan *scan = file->scan;
    const tn_file_set *set = &scan->source->set;
    const tn_schema *schema = &set->schema;
    const tn_schema *own = &file->source->schema;
    const uint32_t count = file->file_count;
    tn_column_id *ids;
    const tn_expr **exprs;
    const tn_expr *faulty;
    bool needed = false;

    file->context = (tn_expr_context){
        .arena = &file->arena, .types = scan->source->types, .zone = TN_STR("UTC")};
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, tn_column_id, count, &ids, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, const tn_expr *, 2 * count, &exprs, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, tn_strict_check, count, &file->checks, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&file->arena, const tn_reshape *, scan->request.field_count,
                                      &file->reshapes, err));
    for (uint32_t i = 0; i < scan->request.field_count; i++) {
        const uint32_t at = file->positions[i];
        if (at == UINT32_MAX) {
            continue;
        }
        const tn_field *wanted = &schema->fields[scan->request.fields[i]];
        const tn_type *type = own->fields[file->file_fields[at]].type;
        ids[at] = at;
        TN_RETURN_IF_ERROR(tn_expr_column(&file->context, at, wanted->name, type, (tn_span){0, 0},
                                          &exprs[at], err));
        if (type != wanted->type && tn_type_is_nested(type)) {
            TN_RETURN_IF_ERROR(
                tn_reshape__plan(type, wanted->type, physical_type(set, scan->request.fields[i]),
                                 set->fill_missing, &file->arena, &file->reshapes[i], err));
        }
        if (file->reshapes[i] == NULL && !tn_reshape__only_wider(type, wanted->type)) {
            if (tn_type_is_nested(type)) {
                return tn_strict__refuse_nested(file->part->file.uri, wanted, type, err);
            }
            needed = true;
            const tarn_code code =
                tn_strict__cast(&file->context, exprs[at], wanted->type, &exprs[at], &faulty, err);
            if (code != TARN_OK) {
                tn_strict__explain(file->part->file.uri, wanted, type, err);
                return code;
            }
            if (faulty != NULL) {
                exprs[count + file->check_count] = faulty;
                file->checks[file->check_count++] =
                    (tn_strict_check){at, wanted->name, type, wanted->type};
            }
        }
    }
    if (!needed) {
        return TARN_OK;
    }
    const tn_layout layout = {count, ids};
    return tn_program_compile(&file->context, exprs, count + file->check_count, &layout, NULL,
                              &file->casts, err);
}

/* A column without a value, whatever its type: NULL in the set's. */
static bool is_always_null(const tn_open_file *file, uint32_t field, uint32_t column)
{
    const tn_source *own = file->source;
    return column < own->found.count && own->found.fields[column].type->kind == TN_KIND_NULL &&
           own->schema.fields[column].type != file->scan->source->set.schema.fields[field].type &&
           file->scan->source->set.open == tn_files_open_parquet;
}

static TN_FALLIBLE map_columns(tn_open_file *file, tarn_error *err)
{
    tn_files_scan *scan = file->scan;
    const tn_scan_request *request = &scan->request;

    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, uint32_t, request->field_count, &file->positions, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, uint32_t, request->field_count, &file->file_fields, err));
    for (uint32_t i = 0; i < request->field_count; i++) {
        uint32_t column = UINT32_MAX;
        file->positions[i] = UINT32_MAX;
        if (tn_files__partition(&scan->source->set, request->fields[i]) == UINT32_MAX) {
            TN_RETURN_IF_ERROR(find_column(file, request->fields[i], &column, err));
        }
        if (column != UINT32_MAX && !is_always_null(file, request->fields[i], column)) {
            file->positions[i] = file->file_count;
            file->file_fields[file->file_count++] = column;
        }
    }
    return compile_casts(file, err);
}

/* The conjuncts that the file itself can use: on columns it has, in the type it has them. */
static TN_FALLIBLE map_conjuncts(tn_open_file *file, tn_scan_request *request, tarn_error *err)
{
    const tn_files_scan *scan = file->scan;
    const tn_schema *schema = &scan->source->set.schema;
    tn_conjunct *conjuncts;
    tn_promise *promises;
    uint32_t count = 0;

    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, tn_conjunct, request->conjunct_count, &conjuncts, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(&file->arena, tn_promise, request->conjunct_count, &promises, err));
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        const tn_conjunct *conjunct = &scan->request.conjuncts[i];
        bool ambiguous;
        if (tn_files__partition(&scan->source->set, conjunct->field) != UINT32_MAX) {
            continue;
        }
        const uint32_t own = own_column(file, conjunct->field, &ambiguous);
        if (own == UINT32_MAX ||
            file->source->schema.fields[own].type != schema->fields[conjunct->field].type) {
            continue;
        }
        conjuncts[count] = *conjunct;
        conjuncts[count++].field = own;
    }
    request->conjuncts = conjuncts;
    request->conjunct_count = count;
    request->promises = promises;
    return TARN_OK;
}

static bool is_of_table(const tn_open_file *file)
{
    return strcmp(file->scan->source->set.kind, "delta") == 0;
}

/* A table's log says how long each of its files is: another length is another file. */
static TN_FALLIBLE check_size(const tn_open_file *file, uint64_t size, tarn_error *err)
{
    const tn_listed_file *listed = &file->part->file;
    if (listed->size == 0 || size == listed->size || !is_of_table(file)) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_CORRUPT,
                  "'%.*s' has %" PRIu64 " bytes, but the log of its table says %" PRIu64,
                  TN_STR_ARGS(listed->uri), size, listed->size);
    tn_subject(err, listed->uri.data);
    tn_hint(err, "the file was cut off or replaced: bring the one that was written back, or read a "
                 "version that does without it");
    return TARN_E_CORRUPT;
}

/* And how many rows: counts are answered from there, so they must be the file's own. */
static TN_FALLIBLE check_rows(const tn_open_file *file, tarn_error *err)
{
    const tn_data_file *part = file->part;
    if (part->rows == UINT64_MAX || !is_of_table(file) ||
        (part->deletion != NULL) != (file->deleted != NULL)) {
        return TARN_OK;
    }
    const uint64_t deleted = file->deleted == NULL ? 0 : tn_row_set_count(file->deleted);
    const uint64_t rows = tn_parquet_rows(file->source);
    if (rows == part->rows + deleted) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_CORRUPT,
                  "'%.*s' has %" PRIu64 " rows, but the log of its table says %" PRIu64
                  " ('numRecords')",
                  TN_STR_ARGS(part->file.uri), rows, part->rows + deleted);
    tn_subject(err, part->file.uri.data);
    tn_hint(err, "the file was replaced, or the log was changed: bring the one that was written "
                 "back, or read a version that does without it");
    return TARN_E_CORRUPT;
}

static TN_FALLIBLE open_source(tn_open_file *file, tarn_error *err)
{
    tn_files_scan *scan = file->scan;
    const tn_listed_file *listed = &file->part->file;
    const tn_object_open_options options = {listed->tag[0] == '\0' ? NULL : listed->tag,
                                            listed->size};
    tn_object *object;

    if (file->is_first && scan->source->first != NULL) {
        file->source = tn_source_retain(scan->source->first);
        return TARN_OK;
    }
    tarn_code code = tn_object_open(listed->store, listed->key, scan->pool, &options, &object, err);
    if (code == TARN_E_NOT_FOUND && is_of_table(file)) {
        tn_explain(err, "a data file of the table '%.*s' is gone",
                   TN_STR_ARGS(scan->source->set.name));
        tn_hint(err, "its log still names it: bring the file back, or read a version that does "
                     "without it");
    }
    TN_RETURN_IF_ERROR(code);
    code = check_size(file, tn_object_about(object)->size, err);
    if (code != TARN_OK) {
        tn_object_close(object);
        return code;
    }
    code = scan->source->set.open(scan->source->set.context, object, scan->source->types,
                                  scan->pool, &file->source, err);
    if (code != TARN_OK) {
        tn_object_close(object);
    }
    return code;
}

/* Rows are told from deleted ones by their positions, which the file must give then. */
static TN_FALLIBLE load_deletion(tn_open_file *file, tarn_error *err)
{
    const tn_files_scan *scan = file->scan;
    if (file->part->deletion == NULL) {
        return TARN_OK;
    }
    const tarn_code code =
        scan->source->set.load_deletion(file->part->deletion, scan->pool, &file->deleted, err);
    if (code != TARN_OK) {
        tn_explain(err, "reading which rows of '%.*s' are deleted",
                   TN_STR_ARGS(file->part->file.uri));
        return code;
    }
    file->numbered = true;
    return TARN_OK;
}

tarn_code tn_open_file__open(tn_open_file *file, tarn_error *err)
{
    tn_files_scan *scan = file->scan;
    tn_scan_request request = scan->request;
    TN_RETURN_IF_ERROR(load_deletion(file, err));
    TN_RETURN_IF_ERROR(open_source(file, err));
    TN_RETURN_IF_ERROR(check_rows(file, err));
    TN_RETURN_IF_ERROR(tn_open_file__refuse_new(file, err));
    TN_RETURN_IF_ERROR(map_columns(file, err));
    TN_RETURN_IF_ERROR(map_conjuncts(file, &request, err));
    file->numbered = file->numbered || file->check_count > 0;
    if (file->numbered) {
        request.virtuals |= TN_VIRTUAL_ROW;
        request.row_limit = UINT64_MAX; /* of rows that are left */
    }
    if (!tn_files__same_positions(&scan->source->set.schema, &file->source->schema)) {
        request.dynamic_count = 0; /* they name fields by the set's positions */
    }
    request.fields = file->file_fields;
    request.field_count = file->file_count;
    TN_RETURN_IF_ERROR(
        file->source->ops->open(file->source, &request, scan->pool, &file->sub, err));
    file->morsels = file->sub->ops->morsels_expected(file->sub);
    file->memory = file->sub->ops->task_memory == NULL ? 0 : file->sub->ops->task_memory(file->sub);
    return TARN_OK;
}

void tn_open_file__count(tn_open_file *file, const tn_scan_counters *from, tn_scan_counters *to)
{
    const uint64_t left_out = atomic_load(&file->left_out);
    const uint64_t rejected = atomic_load(&file->rejected);
    to->bytes_read += from->bytes_read;
    to->rows_read += from->rows_read;
    to->rows_out += from->rows_out - left_out - rejected;
    to->rows_pruned += from->rows_pruned + left_out;
    to->rows_rejected += from->rows_rejected + rejected;
    to->groups += from->groups;
    to->groups_pruned += from->groups_pruned;
}

tarn_code tn_open_file__close(tn_open_file *file, tarn_error *err)
{
    tn_files_scan *scan = file->scan;
    tarn_code code = TARN_OK;
    if (file->sub != NULL) {
        tn_scan_counters counters = {0};
        file->sub->ops->counters(file->sub, &counters);
        code = err == NULL ? TARN_OK : file->sub->ops->finish(file->sub, err);
        file->sub->ops->close(file->sub);
        file->sub = NULL;
        tn_open_file__count(file, &counters, &scan->counters);
    }
    tn_source_release(file->source);
    file->source = NULL;
    tn_row_set_destroy(file->deleted);
    file->deleted = NULL;
    tn_vec_free(&file->waiting);
    tn_arena_deinit(&file->arena);
    return code;
}
