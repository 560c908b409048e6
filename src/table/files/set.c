/* A set of files, copied to the source that reads it. */
#include "table/files/set_internal.h"

static TN_FALLIBLE copy_file(const tn_file_set *set, const tn_data_file *from, tn_arena *arena,
                             tn_data_file *to, tarn_error *err)
{
    tn_str tag;
    tn_value *partitions;
    tn_column_statistics *statistics;

    *to = *from;
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, from->file.key, &to->file.key, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, from->file.uri, &to->file.uri, err));
    TN_RETURN_IF_ERROR(
        tn_arena_copy(arena, tn_str_of(from->file.tag == NULL ? "" : from->file.tag), &tag, err));
    to->file.tag = tag.data;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_value, set->partition_count, &partitions, err));
    for (uint32_t i = 0; i < set->partition_count; i++) {
        TN_RETURN_IF_ERROR(tn_value_copy(arena, &from->partitions[i], &partitions[i], err));
    }
    to->partitions = partitions;
    if (from->statistics == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_column_statistics, set->schema.count, &statistics, err));
    for (uint32_t i = 0; i < set->schema.count; i++) {
        statistics[i] = from->statistics[i];
        if (statistics[i].bounds != TN_UNKNOWN) {
            TN_RETURN_IF_ERROR(
                tn_value_copy(arena, &from->statistics[i].min, &statistics[i].min, err));
            TN_RETURN_IF_ERROR(
                tn_value_copy(arena, &from->statistics[i].max, &statistics[i].max, err));
        }
    }
    to->statistics = statistics;
    return TARN_OK;
}

tarn_code tn_files__copy_set(const tn_file_set *set, tn_arena *arena, tn_file_set *out,
                             tarn_error *err)
{
    uint32_t *partition_fields;
    tn_str *names = NULL;
    tn_data_file *files;

    *out = *set;
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, set->name, &out->name, err));
    TN_RETURN_IF_ERROR(tn_schema_copy(arena, &set->schema, &out->schema, err));
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, uint32_t, set->partition_count, &partition_fields, err));
    for (uint32_t i = 0; i < set->partition_count; i++) {
        partition_fields[i] = set->partition_fields[i];
    }
    out->partition_fields = partition_fields;
    if (set->physical_names != NULL) {
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_str, set->schema.count, &names, err));
        for (uint32_t i = 0; i < set->schema.count; i++) {
            TN_RETURN_IF_ERROR(tn_arena_copy(arena, set->physical_names[i], &names[i], err));
        }
    }
    out->physical_names = names;
    if (set->field_ids != NULL) {
        int32_t *ids;
        TN_RETURN_IF_ERROR(tn_arena_array(arena, int32_t, set->schema.count, &ids, err));
        memcpy(ids, set->field_ids, set->schema.count * sizeof(*ids));
        out->field_ids = ids;
    }
    if (set->physical_types != NULL) {
        const tn_type **nested;
        TN_RETURN_IF_ERROR(tn_arena_array(arena, const tn_type *, set->schema.count, &nested, err));
        memcpy(nested, set->physical_types, set->schema.count * sizeof(*nested));
        out->physical_types = nested;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_data_file, set->count, &files, err));
    for (size_t i = 0; i < set->count; i++) {
        TN_RETURN_IF_ERROR(copy_file(set, &set->files[i], arena, &files[i], err));
    }
    out->files = files;
    return TARN_OK;
}

bool tn_files__same_positions(const tn_schema *a, const tn_schema *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; i < a->count && same; i++) {
        same = tn_str_equal(a->fields[i].name, b->fields[i].name) &&
               a->fields[i].type == b->fields[i].type;
    }
    return same;
}

void tn_files__merge_column(tn_column_statistics *into, const tn_column_statistics *from,
                            bool first)
{
    if (first) {
        *into = *from;
        into->distinct = TN_UNKNOWN;
        return;
    }
    into->nulls = from->nulls < into->nulls ? from->nulls : into->nulls;
    into->null_count += from->null_count;
    into->bounds = from->bounds < into->bounds ? from->bounds : into->bounds;
    if (into->bounds != TN_UNKNOWN) {
        into->min = tn_value_compare(&from->min, &into->min) < 0 ? from->min : into->min;
        into->max = tn_value_compare(&from->max, &into->max) > 0 ? from->max : into->max;
    }
}
