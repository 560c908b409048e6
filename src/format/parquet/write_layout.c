/* From a schema to leaves, levels and the footer's schema elements. */
#include "format/parquet/write_internal.h"

typedef struct pending {
    const tn_type *type;
    tn_str name;
    uint32_t parent, child;
    bool nullable;
} pending;

static size_t decimal_size(unsigned precision)
{
    /* Bytes that hold 10^precision - 1 and a sign. */
    return (size_t)((double)precision * 3.3219280948873623 + 1.0) / 8 + 1;
}

static void choose_physical(tn_out_leaf *leaf, const tn_type *type)
{
    leaf->kind = TN_OUT_INT;
    leaf->lane = TN_LANE_i64;
    leaf->physical = TN_PHYSICAL_INT64;
    leaf->size = 8;
    switch (type->kind) {
    case TN_KIND_BOOLEAN:
        leaf->kind = TN_OUT_BOOL;
        leaf->lane = TN_LANE_bool;
        leaf->physical = TN_PHYSICAL_BOOLEAN;
        leaf->size = 0;
        break;
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        leaf->kind = TN_OUT_UINT;
        leaf->lane = TN_LANE_u64;
        if (type->kind != TN_KIND_UBIGINT) {
            leaf->physical = TN_PHYSICAL_INT32;
            leaf->size = 4;
        }
        break;
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_DATE:
        leaf->physical = TN_PHYSICAL_INT32;
        leaf->size = 4;
        break;
    case TN_KIND_REAL:
        leaf->kind = TN_OUT_FLOAT;
        leaf->lane = TN_LANE_f32;
        leaf->physical = TN_PHYSICAL_FLOAT;
        leaf->size = 4;
        break;
    case TN_KIND_DOUBLE:
        leaf->kind = TN_OUT_FLOAT;
        leaf->lane = TN_LANE_f64;
        leaf->physical = TN_PHYSICAL_DOUBLE;
        break;
    case TN_KIND_VARCHAR:
    case TN_KIND_BLOB:
        leaf->kind = TN_OUT_VIEW;
        leaf->lane = TN_LANE_view;
        leaf->physical = TN_PHYSICAL_BYTES;
        leaf->size = 0;
        break;
    case TN_KIND_INTERVAL:
        leaf->kind = TN_OUT_INTERVAL;
        leaf->lane = TN_LANE_interval;
        leaf->physical = TN_PHYSICAL_FIXED;
        leaf->size = 12;
        break;
    case TN_KIND_NULL:
        leaf->kind = TN_OUT_NULL;
        leaf->lane = TN_LANE_none;
        leaf->physical = TN_PHYSICAL_INT32;
        leaf->size = 4;
        break;
    case TN_KIND_DECIMAL:
        if (type->precision <= 9) {
            leaf->physical = TN_PHYSICAL_INT32;
            leaf->size = 4;
        } else if (type->precision > 18) {
            leaf->kind = TN_OUT_WIDE;
            leaf->lane = type->lane;
            leaf->physical = TN_PHYSICAL_FIXED;
            leaf->size = decimal_size(type->precision);
        }
        break;
    case TN_KIND_BIGINT:
    case TN_KIND_TIME:
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMP_NS:
    case TN_KIND_TIMESTAMPTZ:
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
    case TN_KIND_COUNT:
        break;
    }
}

static TN_FALLIBLE make_leaf(tn_arena *arena, tn_out_layout *layout, uint32_t node,
                             tn_out_leaf *leaf, tarn_error *err)
{
    uint32_t depth = 0;
    for (uint32_t at = node; at != UINT32_MAX; at = layout->nodes[at].parent) {
        depth++;
    }
    *leaf = (tn_out_leaf){.node = node, .depth = depth, .is_flat = depth == 1};
    leaf->is_text = layout->nodes[node].type == TN_VARCHAR;
    choose_physical(leaf, layout->nodes[node].type);
    TN_RETURN_IF_ERROR(tn_arena_array(arena, uint32_t, depth, &leaf->path, err));
    for (uint32_t at = node; at != UINT32_MAX; at = layout->nodes[at].parent) {
        leaf->path[--depth] = at;
    }
    leaf->column = layout->nodes[leaf->path[0]].child;
    return TARN_OK;
}

static void set_levels(tn_out_layout *layout, tn_out_node *node)
{
    if (node->parent != UINT32_MAX) {
        const tn_out_node *const parent = &layout->nodes[node->parent];
        const bool repeats =
            parent->type->kind == TN_KIND_LIST || parent->type->kind == TN_KIND_MAP;
        node->def = (uint16_t)(parent->def + repeats);
        node->rep = (uint16_t)(parent->rep + repeats);
    }
    node->def = (uint16_t)(node->def + node->nullable);
}

TN_FALLIBLE tn_out__layout(tn_arena *arena, const tn_schema *schema, tn_out_layout *out,
                           tarn_error *err)
{
    tarn_code code = TARN_OK;
    TN_VEC(pending) jobs = TN_VEC_INIT(arena->pool);
    TN_VEC(tn_out_node) nodes = TN_VEC_INIT(arena->pool);
    uint32_t leaves = 0;
    TN_TRY(tn_schema_copy(arena, schema, &out->schema, err));
    for (uint32_t i = schema->count; i-- > 0;) {
        const tn_field *const field = &out->schema.fields[i];
        const pending next = {field->type, field->name, UINT32_MAX, i, field->nullable};
        TN_TRY(tn_vec_push(&jobs, next, err));
    }
    while (jobs.count > 0) {
        const pending job = tn_vec_pop(&jobs);
        const uint32_t self = (uint32_t)nodes.count;
        const tn_out_node node = {.type = job.type,
                                  .name = job.name,
                                  .parent = job.parent,
                                  .child = job.child,
                                  .nullable = job.nullable};
        TN_TRY(tn_vec_push(&nodes, node, err));
        if (!tn_type_is_nested(job.type)) {
            nodes.items[self].leaf = leaves++;
            continue;
        }
        if (job.type->field_count == 0) {
            code = tn_fail(err, TARN_E_UNSUPPORTED,
                           "column '%.*s': Parquet has no structs without fields",
                           TN_STR_ARGS(job.name));
            goto done;
        }
        for (uint32_t i = job.type->field_count; i-- > 0;) {
            const tn_field *const field = &job.type->fields[i];
            const bool is_map = job.type->kind == TN_KIND_MAP;
            const tn_str name = job.type->kind == TN_KIND_LIST ? TN_STR("element")
                                : !is_map                      ? field->name
                                : i == 0                       ? TN_STR("key")
                                                               : TN_STR("value");
            const bool nullable =
                job.type->kind == TN_KIND_STRUCT ? field->nullable : !(is_map && i == 0);
            const pending next = {field->type, name, self, i, nullable};
            TN_TRY(tn_vec_push(&jobs, next, err));
        }
    }
    out->node_count = (uint32_t)nodes.count;
    out->leaf_count = leaves;
    TN_TRY(tn_arena_array(arena, tn_out_node, nodes.count, &out->nodes, err));
    TN_TRY(tn_arena_array(arena, tn_out_leaf, leaves, &out->leaves, err));
    for (uint32_t i = 0; i < nodes.count; i++) {
        out->nodes[i] = nodes.items[i];
        set_levels(out, &out->nodes[i]);
        if (!tn_type_is_nested(out->nodes[i].type)) {
            TN_TRY(make_leaf(arena, out, i, &out->leaves[out->nodes[i].leaf], err));
        }
    }
done:
    tn_vec_free(&jobs);
    tn_vec_free(&nodes);
    return code;
}

/* ---- schema elements ------------------------------------------------------------------------- */

static void put_unit(tn_thrift_out *out, int logical, bool utc, tn_time_unit unit)
{
    tn_thrift__put_struct(out, logical);
    tn_thrift__put_bool(out, 1, utc);
    tn_thrift__put_struct(out, 2);
    tn_thrift__put_struct(out, (int)unit);
    tn_thrift__end_struct(out);
    tn_thrift__end_struct(out);
    tn_thrift__end_struct(out);
}

static int converted_type(const tn_type *type)
{
    switch (type->kind) {
    case TN_KIND_TINYINT:
        return TN_CONVERTED_INT_8;
    case TN_KIND_SMALLINT:
        return TN_CONVERTED_INT_16;
    case TN_KIND_UTINYINT:
        return TN_CONVERTED_UINT_8;
    case TN_KIND_USMALLINT:
        return TN_CONVERTED_UINT_16;
    case TN_KIND_UINTEGER:
        return TN_CONVERTED_UINT_32;
    case TN_KIND_UBIGINT:
        return TN_CONVERTED_UINT_64;
    case TN_KIND_VARCHAR:
        return TN_CONVERTED_UTF8;
    case TN_KIND_DATE:
        return TN_CONVERTED_DATE;
    case TN_KIND_TIMESTAMPTZ: /* the old name means UTC, so TIMESTAMP has none */
        return TN_CONVERTED_TIMESTAMP_MICROS;
    case TN_KIND_INTERVAL:
        return TN_CONVERTED_INTERVAL;
    case TN_KIND_DECIMAL:
        return TN_CONVERTED_DECIMAL;
    case TN_KIND_LIST:
        return TN_CONVERTED_LIST;
    case TN_KIND_MAP:
        return TN_CONVERTED_MAP;
    case TN_KIND_NULL:
    case TN_KIND_BOOLEAN:
    case TN_KIND_INTEGER:
    case TN_KIND_BIGINT:
    case TN_KIND_REAL:
    case TN_KIND_DOUBLE:
    case TN_KIND_BLOB:
    case TN_KIND_TIME:
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMP_NS:
    case TN_KIND_STRUCT:
    case TN_KIND_COUNT:
        break;
    }
    return -1;
}

static void put_empty(tn_thrift_out *out, int logical)
{
    tn_thrift__put_struct(out, logical);
    tn_thrift__end_struct(out);
}

static void put_integer(tn_thrift_out *out, int bits, bool is_signed)
{
    tn_thrift__put_struct(out, TN_LOGICAL_INTEGER);
    tn_thrift__put_byte(out, 1, (int8_t)bits);
    tn_thrift__put_bool(out, 2, is_signed);
    tn_thrift__end_struct(out);
}

static void put_logical(tn_thrift_out *out, const tn_type *type)
{
    const tn_kind kind = type->kind;
    if (kind == TN_KIND_BOOLEAN || kind == TN_KIND_INTEGER || kind == TN_KIND_BIGINT ||
        kind == TN_KIND_REAL || kind == TN_KIND_DOUBLE || kind == TN_KIND_BLOB ||
        kind == TN_KIND_INTERVAL || kind == TN_KIND_STRUCT) {
        return;
    }
    tn_thrift__put_struct(out, 10);
    if (kind == TN_KIND_TINYINT || kind == TN_KIND_SMALLINT) {
        put_integer(out, kind == TN_KIND_TINYINT ? 8 : 16, true);
    } else if (tn_type_is_integer(type)) {
        put_integer(out, (int)tn_lane_size(type->lane) * 8, false);
    } else if (kind == TN_KIND_DECIMAL) {
        tn_thrift__put_struct(out, TN_LOGICAL_DECIMAL);
        tn_thrift__put_i32(out, 1, type->scale);
        tn_thrift__put_i32(out, 2, type->precision);
        tn_thrift__end_struct(out);
    } else if (kind == TN_KIND_TIME) {
        put_unit(out, TN_LOGICAL_TIME, false, TN_UNIT_MICROS);
    } else if (tn_type_is_timestamp(type)) {
        put_unit(out, TN_LOGICAL_TIMESTAMP, kind == TN_KIND_TIMESTAMPTZ,
                 kind == TN_KIND_TIMESTAMP_NS ? TN_UNIT_NANOS : TN_UNIT_MICROS);
    } else {
        put_empty(out, kind == TN_KIND_VARCHAR ? TN_LOGICAL_STRING
                       : kind == TN_KIND_DATE  ? TN_LOGICAL_DATE
                       : kind == TN_KIND_LIST  ? TN_LOGICAL_LIST
                       : kind == TN_KIND_MAP   ? TN_LOGICAL_MAP
                                               : TN_LOGICAL_UNKNOWN);
    }
    tn_thrift__end_struct(out);
}

static void put_node(tn_thrift_out *out, const tn_out_layout *layout, const tn_out_node *node)
{
    const tn_type *const type = node->type;
    const bool repeats = type->kind == TN_KIND_LIST || type->kind == TN_KIND_MAP;
    const int converted = converted_type(type);
    tn_thrift__put_struct(out, 0);
    if (!tn_type_is_nested(type)) {
        const tn_out_leaf *const leaf = &layout->leaves[node->leaf];
        tn_thrift__put_i32(out, 1, leaf->physical);
        if (leaf->physical == TN_PHYSICAL_FIXED) {
            tn_thrift__put_i32(out, 2, (int64_t)leaf->size);
        }
    }
    tn_thrift__put_i32(out, 3, node->nullable ? TN_OPTIONAL : TN_REQUIRED);
    tn_thrift__put_binary(out, 4, node->name);
    if (tn_type_is_nested(type)) {
        tn_thrift__put_i32(out, 5, repeats ? 1 : type->field_count);
    }
    if (converted >= 0) {
        tn_thrift__put_i32(out, 6, converted);
    }
    if (type->kind == TN_KIND_DECIMAL) {
        tn_thrift__put_i32(out, 7, type->scale);
        tn_thrift__put_i32(out, 8, type->precision);
    }
    put_logical(out, type);
    tn_thrift__end_struct(out);
    if (repeats) {
        tn_thrift__put_struct(out, 0);
        tn_thrift__put_i32(out, 3, TN_REPEATED);
        tn_thrift__put_binary(out, 4,
                              type->kind == TN_KIND_LIST ? TN_STR("list") : TN_STR("key_value"));
        tn_thrift__put_i32(out, 5, type->field_count);
        tn_thrift__end_struct(out);
    }
}

void tn_out__put_schema(tn_thrift_out *out, const tn_out_layout *layout)
{
    size_t count = 1;
    for (uint32_t i = 0; i < layout->node_count; i++) {
        const tn_kind kind = layout->nodes[i].type->kind;
        count += kind == TN_KIND_LIST || kind == TN_KIND_MAP ? 2 : 1;
    }
    tn_thrift__put_list(out, 2, TN_THRIFT_STRUCT, count);
    tn_thrift__put_struct(out, 0);
    tn_thrift__put_binary(out, 4, TN_STR("schema"));
    tn_thrift__put_i32(out, 5, layout->schema.count);
    tn_thrift__end_struct(out);
    for (uint32_t i = 0; i < layout->node_count; i++) {
        put_node(out, layout, &layout->nodes[i]);
    }
}
