/*
 * From the footer's schema to types and nodes.
 *
 * Two passes without recursion: nodes are made from the top, each knowing its levels; types are
 * made in the opposite order, when those below are known.  Annotations that make no sense where
 * they stand, or that this reader has never heard of, are ignored: the column then is what it
 * physically is.
 */
#include "format/parquet/format_internal.h"

#include "base/vec.h"

/* A node to be made from an element. */
typedef struct job {
    tn_node *node;
    uint32_t element;
    uint16_t def, rep, def_slot;
    bool as_item; /* its own repetition is counted already */
} job;

typedef struct builder {
    tn_footer *footer;
    tn_types *types;
    tn_arena *arena;
    uint32_t *ends;    /* one past each element's last descendant */
    uint32_t *parents; /* of each element */
    uint32_t *leaf_at; /* first leaf at or below an element */
    tn_node **made;    /* in the order of making: parents first */
    uint32_t made_count, made_max;
    TN_VEC(job) jobs;
} builder;

static tarn_code damaged(const tn_element *element, const char *what, tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "the Parquet footer is damaged: schema element '%.*s' %s",
                   TN_STR_ARGS(element->name), what);
}

/* Ends, parents and leaves, from the depth-first list that the footer is. */
static TN_FALLIBLE outline(builder *b, tarn_error *err)
{
    tn_footer *const footer = b->footer;
    uint32_t stack[TN_TYPE_DEPTH_MAX];
    uint32_t left[TN_TYPE_DEPTH_MAX];
    uint32_t depth = 0;
    uint32_t leaves = 0;
    for (uint32_t i = 0; i < footer->element_count; i++) {
        const tn_element *const element = &footer->elements[i];
        if (i > 0 && depth == 0) {
            return damaged(element, "belongs to no group", err);
        }
        b->parents[i] = i == 0 ? 0 : stack[depth - 1];
        b->leaf_at[i] = leaves;
        if (i > 0) {
            left[depth - 1]--;
        }
        if (element->child_count < 0 ||
            (uint32_t)element->child_count >= footer->element_count - i) {
            return damaged(element, "has more children than there are elements", err);
        }
        if (element->child_count > 0 ? element->has_type : (i > 0 && !element->has_type)) {
            return damaged(element, "is neither a value nor a group", err);
        }
        if (element->child_count > 0) {
            if (depth == TN_TYPE_DEPTH_MAX) {
                return tn_fail(err, TARN_E_LIMIT, "the schema is nested deeper than %d levels",
                               (int)TN_TYPE_DEPTH_MAX);
            }
            stack[depth] = i;
            left[depth++] = (uint32_t)element->child_count;
        } else if (i > 0) {
            leaves++;
        }
        while (depth > 0 && left[depth - 1] == 0) {
            b->ends[stack[--depth]] = i + 1;
        }
        if (element->child_count == 0) {
            b->ends[i] = i + 1;
        }
    }
    if (depth > 0) {
        return damaged(&footer->elements[stack[depth - 1]], "lacks children", err);
    }
    footer->leaf_count = leaves;
    return TARN_OK;
}

static TN_FALLIBLE add_job(builder *b, tn_node *node, job next, tarn_error *err)
{
    next.node = node;
    return tn_vec_push(&b->jobs, next, err);
}

static TN_FALLIBLE make_children(builder *b, tn_node *node, uint32_t count, tarn_error *err)
{
    node->child_count = count;
    return tn_arena_array(b->arena, tn_node, count, &node->children, err);
}

static bool is_list(const tn_element *element)
{
    return element->logical == TN_LOGICAL_LIST || element->converted == TN_CONVERTED_LIST;
}

static bool is_map(const tn_element *element)
{
    return element->logical == TN_LOGICAL_MAP || element->converted == TN_CONVERTED_MAP ||
           element->converted == TN_CONVERTED_MAP_KEY_VALUE;
}

/* The back-compatibility rules: is the repeated field itself the element, or its one child? */
static bool repeated_is_item(const builder *b, uint32_t list, uint32_t repeated)
{
    const tn_element *const elements = b->footer->elements;
    const tn_element *const field = &elements[repeated];
    if (field->child_count != 1 || elements[repeated + 1].repetition == TN_REPEATED) {
        return true;
    }
    const tn_str parent = elements[list].name;
    return tn_str_equal(field->name, TN_STR("array")) ||
           (field->name.size == parent.size + 6 && tn_str_starts(field->name, parent) &&
            tn_str_ends(field->name, TN_STR("_tuple")));
}

static TN_FALLIBLE make_list(builder *b, const job *from, uint32_t repeated, tarn_error *err)
{
    tn_node *const node = from->node;
    const bool itself = repeated_is_item(b, from->element, repeated);
    node->kind = TN_NODE_LIST;
    TN_RETURN_IF_ERROR(make_children(b, node, 1, err));
    return add_job(b, node->children,
                   (job){.element = itself ? repeated : repeated + 1,
                         .def = node->def_element,
                         .rep = node->rep,
                         .def_slot = node->def_element,
                         .as_item = itself},
                   err);
}

static TN_FALLIBLE make_map(builder *b, const job *from, uint32_t repeated, tarn_error *err)
{
    tn_node *const node = from->node;
    const job inner = {.element = repeated + 1,
                       .def = node->def_element,
                       .rep = node->rep,
                       .def_slot = node->def_element};
    /* Without values a map is the list of its keys. */
    const uint32_t count = (uint32_t)b->footer->elements[repeated].child_count;
    node->kind = count == 2 ? TN_NODE_MAP : TN_NODE_LIST;
    TN_RETURN_IF_ERROR(make_children(b, node, count, err));
    TN_RETURN_IF_ERROR(add_job(b, node->children, inner, err));
    if (count == 2) {
        job value = inner;
        value.element = b->ends[repeated + 1];
        TN_RETURN_IF_ERROR(add_job(b, node->children + 1, value, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE make_struct(builder *b, const job *from, tarn_error *err)
{
    tn_node *const node = from->node;
    const tn_element *const element = &b->footer->elements[from->element];
    node->kind = TN_NODE_STRUCT;
    TN_RETURN_IF_ERROR(make_children(b, node, (uint32_t)element->child_count, err));
    uint32_t child = from->element + 1;
    for (uint32_t i = 0; i < node->child_count; i++) {
        TN_RETURN_IF_ERROR(add_job(
            b, &node->children[i],
            (job){.element = child, .def = from->def, .rep = from->rep, .def_slot = from->def_slot},
            err));
        child = b->ends[child];
    }
    return TARN_OK;
}

static TN_FALLIBLE make_node(builder *b, job from, tarn_error *err)
{
    tn_footer *const footer = b->footer;
    const tn_element *const element = &footer->elements[from.element];
    tn_node *const node = from.node;
    if (b->made_count == b->made_max) {
        return tn_fail(err, TARN_E_INTERNAL, "a Parquet schema made more nodes than it can");
    }
    b->made[b->made_count++] = node;
    node->name = element->name;
    node->leaf = b->leaf_at[from.element];
    node->leaf_end = b->ends[from.element] < footer->element_count
                         ? b->leaf_at[b->ends[from.element]]
                         : footer->leaf_count;
    node->def_slot = from.def_slot;
    if (!from.as_item && element->repetition == TN_REPEATED) { /* bare: a list of required values */
        node->kind = TN_NODE_LIST;
        node->def_present = from.def;
        node->def_element = (uint16_t)(from.def + 1);
        node->rep = (uint16_t)(from.rep + 1);
        TN_RETURN_IF_ERROR(make_children(b, node, 1, err));
        return add_job(b, node->children,
                       (job){.element = from.element,
                             .def = node->def_element,
                             .rep = node->rep,
                             .def_slot = node->def_element,
                             .as_item = true},
                       err);
    }
    if (!from.as_item && element->repetition == TN_OPTIONAL) {
        node->nullable = true;
        from.def++;
    }
    node->def_present = from.def;
    node->rep = from.rep;
    if (element->child_count == 0) {
        tn_leaf *const leaf = &footer->leaves[node->leaf];
        node->kind = TN_NODE_LEAF;
        leaf->element = from.element;
        leaf->def_max = from.def;
        leaf->rep_max = from.rep;
        return TARN_OK;
    }
    const uint32_t child = from.element + 1;
    const bool has_repeated =
        element->child_count == 1 && footer->elements[child].repetition == TN_REPEATED;
    const int32_t inner = footer->elements[child].child_count;
    const bool map = has_repeated && is_map(element) && inner >= 1 && inner <= 2;
    if (map || (has_repeated && is_list(element))) {
        node->def_element = (uint16_t)(from.def + 1);
        node->rep = (uint16_t)(from.rep + 1);
        return map ? make_map(b, &from, child, err) : make_list(b, &from, child, err);
    }
    return make_struct(b, &from, err);
}

/* ---- types ----------------------------------------------------------------------------------- */

static const tn_type *integer_type(unsigned bits, bool is_signed, tn_physical physical)
{
    if (physical == TN_PHYSICAL_INT64) {
        return is_signed ? TN_BIGINT : TN_UBIGINT;
    }
    return bits == 8    ? (is_signed ? TN_TINYINT : TN_UTINYINT)
           : bits == 16 ? (is_signed ? TN_SMALLINT : TN_USMALLINT)
                        : (is_signed ? TN_INTEGER : TN_UINTEGER);
}

static const tn_type *physical_type(tn_physical physical)
{
    switch (physical) {
    case TN_PHYSICAL_BOOLEAN:
        return TN_BOOLEAN;
    case TN_PHYSICAL_INT32:
        return TN_INTEGER;
    case TN_PHYSICAL_INT64:
        return TN_BIGINT;
    case TN_PHYSICAL_INT96:
        return TN_TIMESTAMP;
    case TN_PHYSICAL_FLOAT:
        return TN_REAL;
    case TN_PHYSICAL_DOUBLE:
        return TN_DOUBLE;
    case TN_PHYSICAL_BYTES:
    case TN_PHYSICAL_FIXED:
    case TN_PHYSICAL_GROUP:
        break;
    }
    return TN_BLOB;
}

/* Old annotations in the words of the new ones. */
static void modernise(tn_element *e)
{
    static const uint8_t logical[] = {
        [TN_CONVERTED_UTF8] = TN_LOGICAL_STRING,
        [TN_CONVERTED_ENUM] = TN_LOGICAL_ENUM,
        [TN_CONVERTED_DECIMAL] = TN_LOGICAL_DECIMAL,
        [TN_CONVERTED_DATE] = TN_LOGICAL_DATE,
        [TN_CONVERTED_TIME_MILLIS] = TN_LOGICAL_TIME,
        [TN_CONVERTED_TIME_MICROS] = TN_LOGICAL_TIME,
        [TN_CONVERTED_TIMESTAMP_MILLIS] = TN_LOGICAL_TIMESTAMP,
        [TN_CONVERTED_TIMESTAMP_MICROS] = TN_LOGICAL_TIMESTAMP,
        [TN_CONVERTED_JSON] = TN_LOGICAL_JSON,
        [TN_CONVERTED_BSON] = TN_LOGICAL_BSON,
        [TN_CONVERTED_INTERVAL] = 0,
    };
    const int converted = e->converted;
    if (e->logical != TN_LOGICAL_NONE || converted < 0) {
        return;
    }
    if (converted >= TN_CONVERTED_UINT_8 && converted <= TN_CONVERTED_INT_64) {
        e->logical = TN_LOGICAL_INTEGER;
        e->is_signed = converted >= TN_CONVERTED_INT_8;
        e->bit_width = (uint8_t)(8 << ((converted - TN_CONVERTED_UINT_8) % 4));
    } else if (converted < (int)sizeof(logical)) {
        e->logical = logical[converted];
    }
    if (converted == TN_CONVERTED_TIME_MILLIS || converted == TN_CONVERTED_TIMESTAMP_MILLIS) {
        e->unit = TN_UNIT_MILLIS;
    } else if (e->logical == TN_LOGICAL_TIME || e->logical == TN_LOGICAL_TIMESTAMP) {
        e->unit = TN_UNIT_MICROS;
    }
}

static TN_FALLIBLE decimal_type(builder *b, const tn_element *e, const tn_type **out,
                                tarn_error *err)
{
    const bool fits = e->precision > 0 && e->precision <= TN_DECIMAL_DIGITS_MAX && e->scale >= 0 &&
                      e->scale <= e->precision &&
                      (e->physical == TN_PHYSICAL_INT32 || e->physical == TN_PHYSICAL_INT64 ||
                       e->physical == TN_PHYSICAL_BYTES || e->physical == TN_PHYSICAL_FIXED);
    if (!fits) {
        return TARN_OK;
    }
    return tn_types_decimal(b->types, (unsigned)e->precision, (unsigned)e->scale, out, err);
}

static TN_FALLIBLE leaf_type(builder *b, tn_element *e, const tn_type **out, tarn_error *err)
{
    const tn_physical physical = e->physical;
    *out = physical_type(physical);
    modernise(e);
    switch (e->logical) {
    case TN_LOGICAL_STRING:
    case TN_LOGICAL_ENUM:
    case TN_LOGICAL_JSON:
        if (physical == TN_PHYSICAL_BYTES || physical == TN_PHYSICAL_FIXED) {
            *out = TN_VARCHAR;
        }
        break;
    case TN_LOGICAL_DECIMAL:
        return decimal_type(b, e, out, err);
    case TN_LOGICAL_DATE:
        *out = physical == TN_PHYSICAL_INT32 ? TN_DATE : *out;
        break;
    case TN_LOGICAL_TIME:
        if (e->unit != 0 && (physical == TN_PHYSICAL_INT32 || physical == TN_PHYSICAL_INT64)) {
            *out = TN_TIME;
        }
        break;
    case TN_LOGICAL_TIMESTAMP:
        if (e->unit != 0 && physical == TN_PHYSICAL_INT64) {
            *out = e->is_utc                  ? TN_TIMESTAMPTZ
                   : e->unit == TN_UNIT_NANOS ? TN_TIMESTAMP_NS
                                              : TN_TIMESTAMP;
        }
        break;
    case TN_LOGICAL_INTEGER:
        if (physical == TN_PHYSICAL_INT32 || physical == TN_PHYSICAL_INT64) {
            *out = integer_type(e->bit_width, e->is_signed, physical);
        }
        break;
    case TN_LOGICAL_UUID:
        *out = physical == TN_PHYSICAL_FIXED && e->length == 16 ? TN_VARCHAR : *out;
        break;
    case TN_LOGICAL_FLOAT16:
        *out = physical == TN_PHYSICAL_FIXED && e->length == 2 ? TN_REAL : *out;
        break;
    default:
        if (e->converted == TN_CONVERTED_INTERVAL && physical == TN_PHYSICAL_FIXED &&
            e->length == 12) {
            *out = TN_INTERVAL;
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE node_type(builder *b, tn_node *node, tarn_error *err)
{
    switch (node->kind) {
    case TN_NODE_LEAF: {
        tn_leaf *const leaf = &b->footer->leaves[node->leaf];
        tn_element *const element = &b->footer->elements[leaf->element];
        if (element->physical == TN_PHYSICAL_FIXED &&
            (element->length < 0 || element->length > (1 << 24))) {
            return damaged(element, "has an impossible length", err);
        }
        TN_RETURN_IF_ERROR(leaf_type(b, element, &node->type, err));
        leaf->type = node->type;
        return TARN_OK;
    }
    case TN_NODE_LIST:
        return tn_types_list(b->types, node->children->type, &node->type, err);
    case TN_NODE_MAP:
        return tn_types_map(b->types, node->children[0].type, node->children[1].type, &node->type,
                            err);
    case TN_NODE_STRUCT:
        break;
    }
    tarn_code code = TARN_OK;
    void *memory = NULL;
    const size_t size = node->child_count * sizeof(tn_field);
    TN_TRY(tn_pool_alloc(b->arena->pool, size, &memory, err));
    tn_field *const fields = memory;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const tn_node *const child = &node->children[i];
        fields[i] = (tn_field){child->name, child->type, child->nullable};
    }
    code = tn_types_struct(b->types, fields, node->child_count, &node->type, err);
done:
    tn_pool_free(b->arena->pool, memory, size);
    return code;
}

/* "a.b.c"; the name alone for flat columns. */
static TN_FALLIBLE leaf_path(builder *b, tn_leaf *leaf, tarn_error *err)
{
    const tn_element *const elements = b->footer->elements;
    leaf->path = elements[leaf->element].name;
    for (uint32_t parent = b->parents[leaf->element]; parent != 0; parent = b->parents[parent]) {
        TN_RETURN_IF_ERROR(tn_arena_print(b->arena, &leaf->path, err, "%.*s.%.*s",
                                          TN_STR_ARGS(elements[parent].name),
                                          TN_STR_ARGS(leaf->path)));
    }
    return TARN_OK;
}

static TN_FALLIBLE make_all(builder *b, tarn_error *err)
{
    tn_footer *const footer = b->footer;
    const uint32_t count = (uint32_t)footer->elements[0].child_count;
    tn_field *fields;
    tn_field *found;
    bool guessed = false;
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_field, count, &found, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_leaf, footer->leaf_count, &footer->leaves, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_node, count, &footer->columns, err));
    TN_RETURN_IF_ERROR(tn_arena_array(b->arena, tn_field, count, &fields, err));
    uint32_t element = 1;
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(add_job(b, &footer->columns[i], (job){.element = element}, err));
        element = b->ends[element];
    }
    while (b->jobs.count > 0) {
        TN_RETURN_IF_ERROR(make_node(b, tn_vec_pop(&b->jobs), err));
    }
    for (uint32_t i = b->made_count; i-- > 0;) {
        TN_RETURN_IF_ERROR(node_type(b, b->made[i], err));
    }
    for (uint32_t i = 0; i < footer->leaf_count; i++) {
        TN_RETURN_IF_ERROR(leaf_path(b, &footer->leaves[i], err));
    }
    for (uint32_t i = 0; i < count; i++) {
        const tn_node *const node = &footer->columns[i];
        const bool unknown =
            node->kind == TN_NODE_LEAF &&
            footer->elements[footer->leaves[node->leaf].element].logical == TN_LOGICAL_UNKNOWN;
        fields[i] = found[i] = (tn_field){node->name, node->type, node->nullable};
        found[i].type = unknown ? TN_TYPE_NULL : node->type;
        guessed = guessed || unknown;
    }
    footer->schema = (tn_schema){count, fields};
    footer->found = (tn_schema){guessed ? count : 0, found};
    return TARN_OK;
}

/* May values of the one type come as another, which holds more of what the bytes say? */
static bool may_come_as(const tn_element *element, const tn_type *own, const tn_type *wanted)
{
    switch (wanted->kind) {
    case TN_KIND_TIMESTAMP_NS:
        return element->physical == TN_PHYSICAL_INT96 ||
               (element->unit == TN_UNIT_NANOS && tn_type_is_timestamp(own));
    case TN_KIND_BIGINT:
        return own->kind == TN_KIND_TIME && element->physical == TN_PHYSICAL_INT64;
    case TN_KIND_INTEGER:
        return tn_type_is_integer(own) && tn_lane_size(own->lane) < 4;
    case TN_KIND_DECIMAL:
        return own->kind == TN_KIND_DECIMAL && own->scale == wanted->scale &&
               own->precision < wanted->precision;
    default:
        return false;
    }
}

TN_FALLIBLE tn_footer__take_as(tn_footer *footer, const tn_schema *wanted, tn_arena *arena,
                               tarn_error *err)
{
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, footer->schema.count, &fields, err));
    memcpy(fields, footer->schema.fields, footer->schema.count * sizeof(*fields));
    footer->schema.fields = fields;
    for (uint32_t i = 0; i < footer->schema.count; i++) {
        tn_node *const node = &footer->columns[i];
        bool ambiguous;
        const uint32_t at = tn_schema_find(wanted, node->name, &ambiguous);
        if (at == UINT32_MAX || ambiguous || node->kind != TN_NODE_LEAF) {
            continue;
        }
        tn_leaf *const leaf = &footer->leaves[node->leaf];
        const tn_element *const element = &footer->elements[leaf->element];
        const tn_type *const type = wanted->fields[at].type;
        if (may_come_as(element, leaf->type, type)) {
            leaf->type = node->type = fields[i].type = type;
        }
    }
    return TARN_OK;
}

TN_FALLIBLE tn_footer__build(tn_footer *footer, tn_types *types, tn_arena *arena, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const uint32_t count = footer->element_count;
    builder b = {.footer = footer, .types = types, .arena = arena, .made_max = 2 * count};
    b.jobs.pool = arena->pool;
    /* Scratch of the arena, too: as large as the schema, which stays. */
    TN_TRY(tn_arena_array(arena, uint32_t, count, &b.ends, err));
    TN_TRY(tn_arena_array(arena, uint32_t, count, &b.parents, err));
    TN_TRY(tn_arena_array(arena, uint32_t, count, &b.leaf_at, err));
    TN_TRY(tn_arena_array(arena, tn_node *, b.made_max, &b.made, err));
    TN_TRY(outline(&b, err));
    TN_TRY(make_all(&b, err));
done:
    tn_vec_free(&b.jobs);
    return code;
}
