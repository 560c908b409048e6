/* Columns of a file, and fields within them, that the set has no place for. */
#include "table/files/scan_internal.h"
#include "table/files/set_internal.h"

#include <stdio.h>

enum { PATH_MAX_SIZE = 256, NAME_SHOWN = 48 };

static bool takes_column(const tn_schema *set, tn_str name, uint32_t at)
{
    bool ambiguous;
    return (at < set->count && tn_str_equal(set->fields[at].name, name)) ||
           tn_schema_has(set, name) || tn_schema_find(set, name, &ambiguous) != UINT32_MAX ||
           ambiguous;
}

/* The first field within `now` that `known` lacks, added to `path` as "[].price"; false: none. */
static bool find_new_field(const tn_type *known, const tn_type *now, char *path)
{
    struct {
        const tn_type *known, *now;
        uint32_t next;
        size_t end; /* of the path to it */
    } stack[TN_TYPE_DEPTH_MAX + 1] = {{known, now, 0, strlen(path)}};
    size_t depth = 1;
    while (depth > 0) {
        const tn_type *old = stack[depth - 1].known;
        const tn_type *type = stack[depth - 1].now;
        const size_t end = stack[depth - 1].end;
        const uint32_t at = stack[depth - 1].next++;
        if (old == type || old->kind != type->kind || at >= type->field_count) {
            depth--;
            continue;
        }
        const bool is_struct = type->kind == TN_KIND_STRUCT;
        const tn_field *field = &type->fields[at];
        const tn_type *below = is_struct ? NULL : old->fields[at].type;
        for (uint32_t i = 0; i < old->field_count && is_struct; i++) {
            below = tn_str_equal(old->fields[i].name, field->name) ? old->fields[i].type : below;
        }
        const int shown = (int)(field->name.size < NAME_SHOWN ? field->name.size : NAME_SHOWN);
        const int added = snprintf(path + end, PATH_MAX_SIZE - end, "%s%.*s",
                                   is_struct ? "." : "[]", is_struct ? shown : 0, field->name.data);
        if (below == NULL) {
            return true;
        }
        if (tn_type_is_nested(below) && depth <= TN_TYPE_DEPTH_MAX) {
            const size_t next = end + (size_t)(added > 0 ? added : 0);
            stack[depth].known = below;
            stack[depth].now = field->type;
            stack[depth].next = 0;
            stack[depth++].end = next < PATH_MAX_SIZE ? next : PATH_MAX_SIZE - 1;
        }
    }
    return false;
}

static TN_FALLIBLE refuse(const tn_open_file *file, const char *what, tn_str name, const char *path,
                          tarn_error *err)
{
    const tn_str uri = file->part->file.uri;
    (void)tn_fail(err, TARN_E_INVALID,
                  "'%.*s' has the %s '%.*s%s', which the columns of the other files lack",
                  TN_STR_ARGS(uri), what, TN_STR_ARGS(name), path);
    tn_subject(err, uri.data);
    tn_hint(err, file->scan->source->set.is_pipeline
                     ? "union_by_name = true in 'format' takes it, on_new_column = \"ignore\" "
                       "leaves it out"
                     : "union_by_name => true takes it, on_new_column => 'ignore' leaves it out");
    return TARN_E_INVALID;
}

tarn_code tn_open_file__refuse_new(const tn_open_file *file, tarn_error *err)
{
    const tn_files_scan *scan = file->scan;
    const tn_schema *set = &scan->source->set.schema;
    const tn_schema *own = &file->source->schema;
    bool ambiguous;
    /* who asks for no column loses none */
    if (!scan->source->set.refuse_new_columns || scan->request.field_count == 0 ||
        tn_files__same_positions(set, own)) {
        return TARN_OK;
    }
    for (uint32_t i = 0; i < own->count; i++) {
        const tn_str name = own->fields[i].name;
        char path[PATH_MAX_SIZE] = "";
        if (!takes_column(set, name, i)) {
            return refuse(file, "column", name, path, err);
        }
        const uint32_t at = tn_schema_find(set, name, &ambiguous);
        if (at != UINT32_MAX && tn_type_is_nested(own->fields[i].type) &&
            find_new_field(set->fields[at].type, own->fields[i].type, path)) {
            return refuse(file, "field", name, path, err);
        }
    }
    return TARN_OK;
}
