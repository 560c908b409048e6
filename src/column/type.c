/*
 * The parameterised types of a session, found by their SQL name: equal names are equal types, since
 * a name spells out everything a type consists of.
 */
#include "column/column_internal.h"

#include "base/hash.h"

#include <pthread.h>

enum { BUCKETS = 256, NAME_SIZE_MAX = 1 << 20 };

#define CONSTANT(id, text, lane_)           \
    const tn_type tn_type_##id = {          \
        .kind = TN_KIND_##id,               \
        .lane = TN_LANE_##lane_,            \
        .depth = 1,                         \
        .name = {(text), sizeof(text) - 1}, \
    };
TN_SIMPLE_TYPES(CONSTANT)

typedef struct entry {
    struct entry *next;
    tn_type type;
} entry;

struct tn_types {
    tn_pool *pool;
    pthread_mutex_t lock; /* guards what follows */
    tn_arena arena;
    entry *buckets[BUCKETS];
};

tarn_code tn_types_create(tn_pool *pool, tn_types **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn_types), &memory, err));
    tn_types *types = memory;
    types->pool = pool;
    (void)pthread_mutex_init(&types->lock, NULL);
    tn_arena_init(&types->arena, pool);
    *out = types;
    return TARN_OK;
}

void tn_types_destroy(tn_types *types)
{
    if (types != NULL) {
        tn_arena_deinit(&types->arena);
        (void)pthread_mutex_destroy(&types->lock);
        tn_pool_free(types->pool, types, sizeof(*types));
    }
}

/* Names that could be misread are written in quotes. */
static void put_name(tn_text *text, tn_str name)
{
    bool plain = name.size > 0 && !(name.data[0] >= '0' && name.data[0] <= '9');
    for (size_t i = 0; i < name.size && plain; i++) {
        const char c = name.data[i];
        plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    if (plain) {
        tn_text_append(text, name);
        return;
    }
    tn_text_putc(text, '"');
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"') {
            tn_text_putc(text, '"');
        }
        tn_text_putc(text, name.data[i]);
    }
    tn_text_putc(text, '"');
}

static void spell(const tn_type *type, tn_text *text)
{
    const tn_field *fields = type->fields;
    if (type->kind == TN_KIND_DECIMAL) {
        tn_text_printf(text, "DECIMAL(%u,%u)", type->precision, type->scale);
    } else if (type->kind == TN_KIND_LIST) {
        tn_text_append(text, fields[0].type->name);
        tn_text_puts(text, "[]");
    } else if (type->kind == TN_KIND_MAP) {
        tn_text_printf(text, "MAP(%.*s, %.*s)", TN_STR_ARGS(fields[0].type->name),
                       TN_STR_ARGS(fields[1].type->name));
    } else {
        tn_text_puts(text, "STRUCT(");
        for (uint32_t i = 0; i < type->field_count; i++) {
            tn_text_puts(text, i == 0 ? "" : ", ");
            put_name(text, fields[i].name);
            tn_text_putc(text, ' ');
            tn_text_append(text, fields[i].type->name);
        }
        tn_text_putc(text, ')');
    }
}

/* Names do not say which struct fields may be null; types do. */
static bool same_fields(const tn_type *a, const tn_type *b)
{
    bool same = a->kind == b->kind && a->field_count == b->field_count;
    for (uint32_t i = 0; i < a->field_count && same; i++) {
        same = a->fields[i].type == b->fields[i].type &&
               a->fields[i].nullable == b->fields[i].nullable &&
               tn_str_equal(a->fields[i].name, b->fields[i].name);
    }
    return same;
}

static TN_FALLIBLE insert(tn_types *types, entry **bucket, const tn_type *wanted,
                          const tn_type **out, tarn_error *err)
{
    entry *made;
    tn_field *fields = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(&types->arena, entry, &made, err));
    made->type = *wanted;
    TN_RETURN_IF_ERROR(tn_arena_copy(&types->arena, wanted->name, &made->type.name, err));
    if (wanted->field_count > 0) {
        TN_RETURN_IF_ERROR(
            tn_arena_array(&types->arena, tn_field, wanted->field_count, &fields, err));
    }
    for (uint32_t i = 0; i < wanted->field_count; i++) {
        fields[i] = wanted->fields[i];
        TN_RETURN_IF_ERROR(
            tn_arena_copy(&types->arena, wanted->fields[i].name, &fields[i].name, err));
    }
    made->type.fields = fields;
    made->next = *bucket;
    *bucket = made;
    *out = &made->type;
    return TARN_OK;
}

static TN_FALLIBLE intern(tn_types *types, tn_type *wanted, const tn_type **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text name;

    *out = NULL;
    tn_text_init(&name, types->pool, NAME_SIZE_MAX);
    wanted->depth = 1;
    for (uint32_t i = 0; i < wanted->field_count; i++) {
        const uint8_t depth = wanted->fields[i].type->depth;
        wanted->depth = depth >= wanted->depth ? (uint8_t)(depth + 1) : wanted->depth;
    }
    if (wanted->depth > TN_TYPE_DEPTH_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "types may be nested %d deep", TN_TYPE_DEPTH_MAX);
    }
    spell(wanted, &name);
    TN_TRY(tn_text_status(&name, err));
    wanted->name = tn_text_str(&name);

    entry **bucket = &types->buckets[tn_hash_bytes(name.data, name.size, 0) % BUCKETS];
    (void)pthread_mutex_lock(&types->lock);
    for (const entry *each = *bucket; each != NULL && *out == NULL; each = each->next) {
        if (tn_str_equal(each->type.name, wanted->name) && same_fields(&each->type, wanted)) {
            *out = &each->type;
        }
    }
    if (*out == NULL) {
        code = insert(types, bucket, wanted, out, err);
    }
    (void)pthread_mutex_unlock(&types->lock);
done:
    tn_text_deinit(&name);
    return code;
}

tarn_code tn_types_decimal(tn_types *types, unsigned precision, unsigned scale, const tn_type **out,
                           tarn_error *err)
{
    *out = NULL;
    if (precision < 1 || precision > TN_DECIMAL_DIGITS_MAX || scale > precision) {
        (void)tn_fail(err, TARN_E_INVALID, "DECIMAL(%u,%u) is no decimal type", precision, scale);
        tn_hint(err, "precision is 1 to %d, scale 0 to the precision", TN_DECIMAL_DIGITS_MAX);
        return TARN_E_INVALID;
    }
    tn_type wanted = {.kind = TN_KIND_DECIMAL,
                      .lane = precision <= 18   ? TN_LANE_i64
                              : precision <= 38 ? TN_LANE_i128
                                                : TN_LANE_i256,
                      .precision = (uint8_t)precision,
                      .scale = (uint8_t)scale};
    return intern(types, &wanted, out, err);
}

tarn_code tn_types_list(tn_types *types, const tn_type *element, const tn_type **out,
                        tarn_error *err)
{
    const tn_field field = {TN_STR("element"), element, true};
    tn_type wanted = {
        .kind = TN_KIND_LIST, .lane = TN_LANE_list, .field_count = 1, .fields = &field};
    return intern(types, &wanted, out, err);
}

tarn_code tn_types_map(tn_types *types, const tn_type *key, const tn_type *value,
                       const tn_type **out, tarn_error *err)
{
    const tn_field fields[] = {{TN_STR("key"), key, false}, {TN_STR("value"), value, true}};
    tn_type wanted = {
        .kind = TN_KIND_MAP, .lane = TN_LANE_list, .field_count = 2, .fields = fields};
    return intern(types, &wanted, out, err);
}

tarn_code tn_types_struct(tn_types *types, const tn_field *fields, uint32_t count,
                          const tn_type **out, tarn_error *err)
{
    tn_type wanted = {
        .kind = TN_KIND_STRUCT, .lane = TN_LANE_none, .field_count = count, .fields = fields};
    return intern(types, &wanted, out, err);
}

uint32_t tn_schema_find(const tn_schema *schema, tn_str name, bool *ambiguous)
{
    uint32_t found = UINT32_MAX;
    *ambiguous = false;
    for (uint32_t i = 0; i < schema->count; i++) {
        if (tn_str_equal(schema->fields[i].name, name)) {
            *ambiguous = false;
            return i;
        }
        if (tn_str_equal_fold(schema->fields[i].name, name)) {
            *ambiguous = found != UINT32_MAX;
            found = i;
        }
    }
    return *ambiguous ? UINT32_MAX : found;
}

bool tn_schema_has(const tn_schema *schema, tn_str name)
{
    uint32_t i = 0;
    while (i < schema->count && !tn_str_equal(schema->fields[i].name, name)) {
        i++;
    }
    return i < schema->count;
}

tarn_code tn_schema_copy(tn_arena *arena, const tn_schema *from, tn_schema *out, tarn_error *err)
{
    tn_field *fields = NULL;
    *out = (tn_schema){0};
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, from->count, &fields, err));
    for (uint32_t i = 0; i < from->count; i++) {
        fields[i] = from->fields[i];
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, from->fields[i].name, &fields[i].name, err));
    }
    *out = (tn_schema){from->count, fields};
    return TARN_OK;
}

tn_pool *tn_types__pool(const tn_types *types)
{
    return types->pool;
}
