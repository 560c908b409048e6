/* Columns of a file, and fields within them, that the set has no place for. */
#include "table/files/scan_internal.h"
#include "table/files/set_internal.h"

enum { PATH_MAX_SIZE = 256 };

static bool takes_column(const tn_schema *set, tn_str name, uint32_t at)
{
    bool ambiguous;
    return (at < set->count && tn_str_equal(set->fields[at].name, name)) ||
           tn_schema_has(set, name) || tn_schema_find(set, name, &ambiguous) != UINT32_MAX ||
           ambiguous;
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
            tn_type_find_new(set->fields[at].type, own->fields[i].type, false, path,
                             sizeof(path))) {
            return refuse(file, "field", name, path, err);
        }
    }
    return TARN_OK;
}
