/* Sets of column ids, and which columns expressions and plans read. */
#include "plan/plan_internal.h"

void tn_columns__deinit(tn_columns *set)
{
    tn_pool_free(set->pool, set->words, set->word_count * sizeof(*set->words));
    set->words = NULL;
    set->word_count = 0;
}

void tn_columns__clear(tn_columns *set)
{
    if (set->word_count > 0) {
        memset(set->words, 0, set->word_count * sizeof(*set->words));
    }
}

TN_FALLIBLE tn_columns__add(tn_columns *set, tn_column_id id, tarn_error *err)
{
    const size_t word = id / 64;
    if (word >= set->word_count) {
        size_t capacity = set->word_count;
        TN_RETURN_IF_ERROR(tn_vec_grow(set->pool, (void **)&set->words, &capacity, set->word_count,
                                       word + 1 - set->word_count, sizeof(*set->words), err));
        memset(set->words + set->word_count, 0, (capacity - set->word_count) * sizeof(*set->words));
        set->word_count = capacity;
    }
    set->words[word] |= UINT64_C(1) << (id % 64);
    return TARN_OK;
}

bool tn_columns__within(const tn_columns *inner, const tn_columns *outer)
{
    for (size_t i = 0; i < inner->word_count; i++) {
        const uint64_t other = i < outer->word_count ? outer->words[i] : 0;
        if ((inner->words[i] & ~other) != 0) {
            return false;
        }
    }
    return true;
}

bool tn_columns__meet(const tn_columns *a, const tn_columns *b)
{
    for (size_t i = 0; i < a->word_count && i < b->word_count; i++) {
        if ((a->words[i] & b->words[i]) != 0) {
            return true;
        }
    }
    return false;
}

bool tn_columns__empty(const tn_columns *set)
{
    for (size_t i = 0; i < set->word_count; i++) {
        if (set->words[i] != 0) {
            return false;
        }
    }
    return true;
}

TN_FALLIBLE tn_columns__add_outputs(tn_columns *set, const tn_plan *plan, tarn_error *err)
{
    for (uint32_t i = 0; i < plan->output_count; i++) {
        TN_RETURN_IF_ERROR(tn_columns__add(set, plan->outputs[i].id, err));
    }
    return TARN_OK;
}

TN_FALLIBLE tn_columns__add_set(tn_columns *set, const tn_columns *from, tarn_error *err)
{
    for (size_t i = 0; i < from->word_count; i++) {
        if (from->words[i] == 0) {
            continue;
        }
        /* Any of its columns makes the word. */
        const tn_column_id one =
            (tn_column_id)(i * 64) + (tn_column_id)__builtin_ctzll(from->words[i]);
        TN_RETURN_IF_ERROR(tn_columns__add(set, one, err));
        set->words[i] |= from->words[i];
    }
    return TARN_OK;
}

/* Expressions and plans still to be looked at; what was read and what was made on the way. */
typedef struct reading {
    tn_expr_vec exprs;
    TN_VEC(const tn_plan *) plans;
    tn_pointer_map seen; /* plans */
    tn_columns reads, makes;
} reading;

static void reading_init(reading *r, tn_pool *pool)
{
    *r = (reading){.exprs = TN_VEC_INIT(pool), .plans = TN_VEC_INIT(pool)};
    tn_pointer_map__init(&r->seen, pool);
    tn_columns__init(&r->reads, pool);
    tn_columns__init(&r->makes, pool);
}

static void reading_deinit(reading *r)
{
    tn_vec_free(&r->exprs);
    tn_vec_free(&r->plans);
    tn_pointer_map__deinit(&r->seen);
    tn_columns__deinit(&r->reads);
    tn_columns__deinit(&r->makes);
}

static tarn_code push_expr(void *context, const tn_expr *expr, tarn_error *err)
{
    reading *r = context;
    return tn_vec_push(&r->exprs, expr, err);
}

static tarn_code push_plan(reading *r, const tn_plan *plan, tarn_error *err)
{
    size_t ignored;
    if (tn_pointer_map__find(&r->seen, plan, &ignored)) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_pointer_map__put(&r->seen, plan, 1, err));
    return tn_vec_push(&r->plans, plan, err);
}

static tarn_code read_expr(reading *r, const tn_expr *expr, tarn_error *err)
{
    if (expr->kind == TN_EXPR_COLUMN) {
        return tn_columns__add(&r->reads, expr->column, err);
    }
    for (uint32_t i = 0; i < expr->child_count; i++) {
        TN_RETURN_IF_ERROR(tn_vec_push(&r->exprs, expr->children[i], err));
    }
    for (uint32_t i = 0; i < expr->order_count; i++) {
        TN_RETURN_IF_ERROR(tn_vec_push(&r->exprs, expr->order[i].expr, err));
    }
    if (expr->filter != NULL) {
        TN_RETURN_IF_ERROR(tn_vec_push(&r->exprs, expr->filter, err));
    }
    return expr->subquery == NULL ? TARN_OK : push_plan(r, expr->subquery->plan, err);
}

static tarn_code read_all(reading *r, tarn_error *err)
{
    while (r->exprs.count + r->plans.count > 0) {
        if (r->exprs.count > 0) {
            TN_RETURN_IF_ERROR(read_expr(r, tn_vec_pop(&r->exprs), err));
            continue;
        }
        const tn_plan *plan = tn_vec_pop(&r->plans);
        TN_RETURN_IF_ERROR(tn_columns__add_outputs(&r->makes, plan, err));
        TN_RETURN_IF_ERROR(tn_plan__each_expr(plan, push_expr, r, err));
        for (uint32_t i = 0; i < plan->child_count; i++) {
            TN_RETURN_IF_ERROR(push_plan(r, plan->children[i], err));
        }
    }
    for (size_t i = 0; i < r->reads.word_count && i < r->makes.word_count; i++) {
        r->reads.words[i] &= ~r->makes.words[i];
    }
    return TARN_OK;
}

TN_FALLIBLE tn_columns__add_expr(tn_columns *set, const tn_expr *expr, tarn_error *err)
{
    if (expr->kind == TN_EXPR_COLUMN) {
        return tn_columns__add(set, expr->column, err);
    }
    tarn_code code = TARN_OK;
    reading r;
    reading_init(&r, set->pool);
    TN_TRY(read_expr(&r, expr, err));
    TN_TRY(read_all(&r, err));
    TN_TRY(tn_columns__add_set(set, &r.reads, err));
done:
    reading_deinit(&r);
    return code;
}

TN_FALLIBLE tn_columns__add_node(tn_columns *set, const tn_plan *plan, tarn_error *err)
{
    tarn_code code = TARN_OK;
    reading r;
    reading_init(&r, set->pool);
    TN_TRY(tn_plan__each_expr(plan, push_expr, &r, err));
    TN_TRY(read_all(&r, err));
    TN_TRY(tn_columns__add_set(set, &r.reads, err));
done:
    reading_deinit(&r);
    return code;
}

TN_FALLIBLE tn_columns__add_free(tn_columns *set, const tn_plan *plan, tarn_error *err)
{
    tarn_code code = TARN_OK;
    reading r;
    reading_init(&r, set->pool);
    TN_TRY(push_plan(&r, plan, err));
    TN_TRY(read_all(&r, err));
    TN_TRY(tn_columns__add_set(set, &r.reads, err));
done:
    reading_deinit(&r);
    return code;
}

TN_FALLIBLE tn_expr__reads(const tn_expr *expr, const tn_columns *set, tn_pool *pool, tn_reads *out,
                           tarn_error *err)
{
    tn_columns reads;
    tn_columns__init(&reads, pool);
    tarn_code code = tn_columns__add_expr(&reads, expr, err);
    *out = TN_READS_NONE;
    if (code == TARN_OK && !tn_columns__empty(&reads)) {
        *out = tn_columns__within(&reads, set) ? TN_READS_INSIDE
               : tn_columns__meet(&reads, set) ? TN_READS_BOTH
                                               : TN_READS_OUTSIDE;
    }
    tn_columns__deinit(&reads);
    return code;
}

/* ---- pointers to numbers ---- */

void tn_pointer_map__init(tn_pointer_map *map, tn_pool *pool)
{
    *map = (tn_pointer_map){.pool = pool};
}

void tn_pointer_map__deinit(tn_pointer_map *map)
{
    tn_pool_free(map->pool, map->slots, map->capacity * sizeof(*map->slots));
    *map = (tn_pointer_map){.pool = map->pool};
}

static struct tn_pointer_slot *pointer_slot(const tn_pointer_map *map, const void *key)
{
    size_t i = tn_hash_u64((uint64_t)(uintptr_t)key) & (map->capacity - 1);
    while (map->slots[i].key != NULL && map->slots[i].key != key) {
        i = (i + 1) & (map->capacity - 1);
    }
    return &map->slots[i];
}

bool tn_pointer_map__find(const tn_pointer_map *map, const void *key, size_t *value)
{
    if (map->capacity == 0) {
        return false;
    }
    const struct tn_pointer_slot *slot = pointer_slot(map, key);
    *value = slot->value;
    return slot->key != NULL;
}

TN_FALLIBLE tn_pointer_map__put(tn_pointer_map *map, const void *key, size_t value, tarn_error *err)
{
    if ((map->count + 1) * 2 > map->capacity) {
        const tn_pointer_map old = *map;
        const size_t capacity = old.capacity == 0 ? 32 : old.capacity * 2;
        struct tn_pointer_slot *slots = NULL;
        TN_RETURN_IF_ERROR(
            tn_pool_alloc_zeroed(map->pool, capacity * sizeof(*slots), (void **)&slots, err));
        map->slots = slots;
        map->capacity = capacity;
        for (size_t i = 0; i < old.capacity; i++) {
            if (old.slots[i].key != NULL) {
                *pointer_slot(map, old.slots[i].key) = old.slots[i];
            }
        }
        tn_pool_free(map->pool, old.slots, old.capacity * sizeof(*old.slots));
    }
    struct tn_pointer_slot *slot = pointer_slot(map, key);
    map->count += slot->key == NULL;
    *slot = (struct tn_pointer_slot){key, value};
    return TARN_OK;
}
