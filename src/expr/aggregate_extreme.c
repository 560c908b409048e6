/* min, max, bool_and, bool_or, bit_and, bit_or, bit_xor, first, last, any_value. */
#include "expr/aggregate_internal.h"
#include "kernel/operand.h"
#include "kernel/order.h"
#include "kernel/template.h"

#define TN_TEMPLATE "expr/aggregate_extreme.inc.h"
#include "kernel/each_lane.inc.h"

/* ---- values that are kept: any lane, texts in the state's heap ---- */

static size_t value_size(const tn_type *type)
{
    return type->lane == TN_LANE_bool ? 8 : tn_lane_size(type->lane);
}

static void read_row(const tn_column *column, size_t row, const tn_type *type, uint64_t *words)
{
    if (type->lane == TN_LANE_bool) {
        words[0] = tn_bit_get(column->values, row);
        return;
    }
    const size_t size = tn_lane_size(type->lane);
    memcpy(words, (const char *)column->values + row * size, size);
}

static int compare_words(const tn_type *type, const uint64_t *a, const uint64_t *b)
{
    tn_i256 left; /* aligned for any lane */
    tn_i256 right;
    _Alignas(16) char left_bytes[sizeof(tn_i256)];
    _Alignas(16) char right_bytes[sizeof(tn_i256)];
    memset(&left, 0, sizeof(left));
    memset(&right, 0, sizeof(right));
    memcpy(left_bytes, a, value_size(type));
    memcpy(right_bytes, b, value_size(type));
    const tn_operand x = {.values = left_bytes, .mask = 0};
    const tn_operand y = {.values = right_bytes, .mask = 0};
    return tn_operand_compare(&x, 0, &y, 0, type);
}

/* `words` becomes the state's; a far text is copied, into the old one's bytes where they suffice.
 */
static TN_FALLIBLE keep(const tn_type *type, tn_text_room *room, uint64_t *into,
                        const uint64_t *words, tn_state_heap *heap, tarn_error *err)
{
    tn_view view;
    if (type->lane != TN_LANE_view) {
        memcpy(into, words, value_size(type));
        return TARN_OK;
    }
    memcpy(&view, words, sizeof(view));
    if (view.size > TN_VIEW_INLINE) {
        if (room->capacity < view.size) {
            char *bytes = NULL;
            TN_RETURN_IF_ERROR(heap->take(heap, view.size, &bytes, err));
            *room = (tn_text_room){bytes, view.size};
        }
        memmove(room->bytes, view.data, view.size);
        view.data = room->bytes;
    }
    memcpy(into, &view, sizeof(view));
    return TARN_OK;
}

/* ---- min, max of other lanes ---- */

typedef struct generic_extreme {
    uint64_t set;
    uint64_t words[4];
    tn_text_room room;
} generic_extreme;

static void generic_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    memset(state, 0, sizeof(generic_extreme));
}

static TN_FALLIBLE generic_offer(const tn_type *type, generic_extreme *state, const uint64_t *words,
                                 bool max, tn_state_heap *heap, tarn_error *err)
{
    if (state->set != 0) {
        const int order = compare_words(type, words, state->words);
        if (max ? order <= 0 : order >= 0) {
            return TARN_OK;
        }
    }
    state->set = 1;
    return keep(type, &state->room, state->words, words, heap, err);
}

static TN_FALLIBLE generic_update_all(const tn_bound_aggregate *self, void *const *states,
                                      void *one, const tn_column *arguments,
                                      const uint16_t *selection, uint32_t count, bool max,
                                      tn_state_heap *heap, tarn_error *err)
{
    const tn_type *type = self->argument_types[0];
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        uint64_t words[4] = {0};
        if (tn_aggregate__is_valid(arguments, row)) {
            read_row(arguments, row, type, words);
            TN_RETURN_IF_ERROR(
                generic_offer(type, one == NULL ? states[i] : one, words, max, heap, err));
        }
    }
    return TARN_OK;
}

static tarn_code generic_move(const tn_bound_aggregate *self, void *opaque, tn_state_heap *heap,
                              tarn_error *err)
{
    generic_extreme *state = opaque;
    uint64_t words[4];
    if (state->set == 0 || self->argument_types[0]->lane != TN_LANE_view) {
        return TARN_OK;
    }
    memcpy(words, state->words, sizeof(words));
    state->room = (tn_text_room){NULL, 0}; /* the old bytes are no longer ours */
    return keep(self->argument_types[0], &state->room, state->words, words, heap, err);
}

static tarn_code generic_finalise(const tn_bound_aggregate *self, const void *const *states,
                                  uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    const tn_type *type = self->result_type;
    const size_t size = tn_lane_size(type->lane);
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const generic_extreme *state = states[i];
        if (type->lane == TN_LANE_bool) {
            tn_bit_put(values, i, state->words[0] != 0);
        } else {
            memcpy((char *)values + i * size, state->words, size);
        }
        if (state->set == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

#define GENERIC(name, max)                                                                         \
    static tarn_code name##_update(const tn_bound_aggregate *self, void *const *states,            \
                                   const tn_column *arguments, const uint16_t *selection,          \
                                   uint32_t count, uint64_t rank, tn_state_heap *heap,             \
                                   tarn_error *err)                                                \
    {                                                                                              \
        (void)rank;                                                                                \
        return generic_update_all(self, states, NULL, arguments, selection, count, max, heap,      \
                                  err);                                                            \
    }                                                                                              \
    static tarn_code name##_update_one(const tn_bound_aggregate *self, void *state,                \
                                       const tn_column *arguments, const uint16_t *selection,      \
                                       uint32_t count, uint64_t rank, tn_state_heap *heap,         \
                                       tarn_error *err)                                            \
    {                                                                                              \
        (void)rank;                                                                                \
        return generic_update_all(self, NULL, state, arguments, selection, count, max, heap, err); \
    }                                                                                              \
    static tarn_code name##_merge(const tn_bound_aggregate *self, void *const *into,               \
                                  const void *const *from, uint32_t count, tn_state_heap *heap,    \
                                  tarn_error *err)                                                 \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            const generic_extreme *other = from[i];                                                \
            if (other->set != 0) {                                                                 \
                TN_RETURN_IF_ERROR(generic_offer(self->argument_types[0], into[i], other->words,   \
                                                 max, heap, err));                                 \
            }                                                                                      \
        }                                                                                          \
        return TARN_OK;                                                                            \
    }
GENERIC(generic_min, false)
GENERIC(generic_max, true)

const tn_aggregate_ops *tn_aggregate__extreme(tn_lane lane, bool max)
{
#define OPS(name, which)                                                        \
    {                                                                           \
        .init = init_##name, .update = which##_update_##name,                   \
        .update_one = which##_update_one_##name, .merge = which##_merge_##name, \
        .finalise = finalise_##name                                             \
    }
#define MIN(name, type) [TN_LANE_##name] = OPS(name, min),
#define MAX(name, type) [TN_LANE_##name] = OPS(name, max),
#define GENERIC_OPS(which)                                                            \
    {                                                                                 \
        .init = generic_init, .update = generic_##which##_update,                     \
        .update_one = generic_##which##_update_one, .merge = generic_##which##_merge, \
        .move = generic_move, .finalise = generic_finalise                            \
    }
    static const tn_aggregate_ops mins[TN_LANE_COUNT] = {TN_LANES(MIN)};
    static const tn_aggregate_ops maxs[TN_LANE_COUNT] = {TN_LANES(MAX)};
    static const tn_aggregate_ops generic[2] = {GENERIC_OPS(min), GENERIC_OPS(max)};
    return lane < TN_LANE_COUNT ? (max ? &maxs[lane] : &mins[lane]) : &generic[max];
}

size_t tn_aggregate__extreme_size(tn_lane lane)
{
    return lane < TN_LANE_COUNT ? 16 : sizeof(generic_extreme);
}

/* ---- first, last, any_value ---- */

static void kept_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    memset(state, 0, sizeof(tn_kept));
}

static bool takes(const tn_kept *state, uint64_t rank, bool null, int op)
{
    if (op == TN_KEEP_ANY && null) {
        return false;
    }
    return state->set == 0 || (op == TN_KEEP_LAST ? rank >= state->rank : rank < state->rank);
}

static TN_FALLIBLE kept_offer(const tn_type *type, tn_kept *state, const uint64_t *words, bool null,
                              uint64_t rank, int op, tn_state_heap *heap, tarn_error *err)
{
    if (!takes(state, rank, null, op)) {
        return TARN_OK;
    }
    state->rank = rank;
    state->set = 1;
    state->null = null;
    return null ? TARN_OK : keep(type, &state->room, state->value, words, heap, err);
}

static TN_FALLIBLE kept_update_all(const tn_bound_aggregate *self, void *const *states, void *one,
                                   const tn_column *arguments, const uint16_t *selection,
                                   uint32_t count, uint64_t rank, int op, tn_state_heap *heap,
                                   tarn_error *err)
{
    const tn_type *type = self->argument_types[0];
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        tn_kept *state = one == NULL ? states[i] : one;
        uint64_t words[4] = {0};
        const bool null = !tn_aggregate__is_valid(arguments, row);
        if (!takes(state, rank + row, null, op)) {
            continue;
        }
        if (!null) {
            read_row(arguments, row, type, words);
        }
        TN_RETURN_IF_ERROR(kept_offer(type, state, words, null, rank + row, op, heap, err));
    }
    return TARN_OK;
}

static TN_FALLIBLE kept_merge_all(const tn_bound_aggregate *self, void *const *into,
                                  const void *const *from, uint32_t count, int op,
                                  tn_state_heap *heap, tarn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const tn_kept *other = from[i];
        if (other->set != 0) {
            TN_RETURN_IF_ERROR(kept_offer(self->argument_types[0], into[i], other->value,
                                          other->null != 0, other->rank, op, heap, err));
        }
    }
    return TARN_OK;
}

static tarn_code kept_move(const tn_bound_aggregate *self, void *opaque, tn_state_heap *heap,
                           tarn_error *err)
{
    tn_kept *state = opaque;
    uint64_t words[4];
    if (state->set == 0 || state->null != 0 || self->argument_types[0]->lane != TN_LANE_view) {
        return TARN_OK;
    }
    memcpy(words, state->value, sizeof(words));
    state->room = (tn_text_room){NULL, 0};
    return keep(self->argument_types[0], &state->room, state->value, words, heap, err);
}

static tarn_code kept_finalise(const tn_bound_aggregate *self, const void *const *states,
                               uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    const tn_type *type = self->result_type;
    const size_t size = tn_lane_size(type->lane);
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_kept *state = states[i];
        if (type->lane == TN_LANE_bool) {
            tn_bit_put(values, i, state->value[0] != 0);
        } else {
            memcpy((char *)values + i * size, state->value, size);
        }
        if (state->set == 0 || state->null != 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

#define KEPT(name, op)                                                                          \
    static tarn_code name##_update(const tn_bound_aggregate *self, void *const *states,         \
                                   const tn_column *arguments, const uint16_t *selection,       \
                                   uint32_t count, uint64_t rank, tn_state_heap *heap,          \
                                   tarn_error *err)                                             \
    {                                                                                           \
        return kept_update_all(self, states, NULL, arguments, selection, count, rank, op, heap, \
                               err);                                                            \
    }                                                                                           \
    static tarn_code name##_update_one(const tn_bound_aggregate *self, void *state,             \
                                       const tn_column *arguments, const uint16_t *selection,   \
                                       uint32_t count, uint64_t rank, tn_state_heap *heap,      \
                                       tarn_error *err)                                         \
    {                                                                                           \
        return kept_update_all(self, NULL, state, arguments, selection, count, rank, op, heap,  \
                               err);                                                            \
    }                                                                                           \
    static tarn_code name##_merge(const tn_bound_aggregate *self, void *const *into,            \
                                  const void *const *from, uint32_t count, tn_state_heap *heap, \
                                  tarn_error *err)                                              \
    {                                                                                           \
        return kept_merge_all(self, into, from, count, op, heap, err);                          \
    }
KEPT(first, TN_KEEP_FIRST)
KEPT(last, TN_KEEP_LAST)
KEPT(any, TN_KEEP_ANY)

const tn_aggregate_ops *tn_aggregate__one_of(uint8_t op)
{
#define KEPT_OPS(name)                                                               \
    {                                                                                \
        .init = kept_init, .update = name##_update, .update_one = name##_update_one, \
        .merge = name##_merge, .move = kept_move, .finalise = kept_finalise          \
    }
    static const tn_aggregate_ops table[] = {
        [TN_KEEP_FIRST] = KEPT_OPS(first),
        [TN_KEEP_LAST] = KEPT_OPS(last),
        [TN_KEEP_ANY] = KEPT_OPS(any),
    };
    return &table[op];
}

/* ---- bool_and, bool_or: bit 0 true seen, bit 1 false seen ---- */

static void truth_init(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    *(uint64_t *)state = 0;
}

static tarn_code truth_update(const tn_bound_aggregate *self, void *const *states,
                              const tn_column *arguments, const uint16_t *selection, uint32_t count,
                              uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)self, (void)rank, (void)heap, (void)err;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            *(uint64_t *)states[i] |= tn_bit_get(arguments->values, row) ? 1 : 2;
        }
    }
    return TARN_OK;
}

static tarn_code truth_update_one(const tn_bound_aggregate *self, void *state,
                                  const tn_column *arguments, const uint16_t *selection,
                                  uint32_t count, uint64_t rank, tn_state_heap *heap,
                                  tarn_error *err)
{
    (void)self, (void)rank, (void)heap, (void)err;
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            seen |= tn_bit_get(arguments->values, row) ? 1 : 2;
        }
    }
    *(uint64_t *)state |= seen;
    return TARN_OK;
}

static tarn_code truth_merge(const tn_bound_aggregate *self, void *const *into,
                             const void *const *from, uint32_t count, tn_state_heap *heap,
                             tarn_error *err)
{
    (void)self, (void)heap, (void)err;
    for (size_t i = 0; i < count; i++) {
        *(uint64_t *)into[i] |= *(const uint64_t *)from[i];
    }
    return TARN_OK;
}

static tarn_code and_finalise(const tn_bound_aggregate *self, const void *const *states,
                              uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self, (void)err;
    for (size_t i = 0; i < count; i++) {
        const uint64_t seen = *(const uint64_t *)states[i];
        tn_bit_put(values, i, (seen & 2) == 0);
        if (seen == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

static tarn_code or_finalise(const tn_bound_aggregate *self, const void *const *states,
                             uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self, (void)err;
    for (size_t i = 0; i < count; i++) {
        const uint64_t seen = *(const uint64_t *)states[i];
        tn_bit_put(values, i, (seen & 1) != 0);
        if (seen == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

#define TRUTH(finalise_)                                                            \
    {                                                                               \
        .init = truth_init, .update = truth_update, .update_one = truth_update_one, \
        .merge = truth_merge, .finalise = (finalise_)                               \
    }
const tn_aggregate_ops tn_aggregate__bool_and = TRUTH(and_finalise);
const tn_aggregate_ops tn_aggregate__bool_or = TRUTH(or_finalise);

/* ---- bit_and, bit_or, bit_xor ---- */

static uint64_t join_bits(uint8_t op, uint64_t a, uint64_t b)
{
    return op == TN_BITS_AND ? a & b : op == TN_BITS_OR ? a | b : a ^ b;
}

static void bits_init(const tn_bound_aggregate *self, void *state)
{
    *(tn_bits *)state =
        (tn_bits){.bits = self->expr->function->binding->op == TN_BITS_AND ? UINT64_MAX : 0};
}

static tarn_code bits_update(const tn_bound_aggregate *self, void *const *states,
                             const tn_column *arguments, const uint16_t *selection, uint32_t count,
                             uint64_t rank, tn_state_heap *heap, tarn_error *err)
{
    (void)rank, (void)heap, (void)err;
    const uint8_t op = self->expr->function->binding->op;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            tn_bits *state = states[i];
            state->bits = join_bits(op, state->bits, ((const uint64_t *)arguments->values)[row]);
            state->seen = 1;
        }
    }
    return TARN_OK;
}

static tarn_code bits_update_one(const tn_bound_aggregate *self, void *opaque,
                                 const tn_column *arguments, const uint16_t *selection,
                                 uint32_t count, uint64_t rank, tn_state_heap *heap,
                                 tarn_error *err)
{
    (void)rank, (void)heap, (void)err;
    const uint8_t op = self->expr->function->binding->op;
    tn_bits *state = opaque;
    for (size_t i = 0; i < count; i++) {
        const size_t row = tn_aggregate__row(selection, i);
        if (tn_aggregate__is_valid(arguments, row)) {
            state->bits = join_bits(op, state->bits, ((const uint64_t *)arguments->values)[row]);
            state->seen = 1;
        }
    }
    return TARN_OK;
}

static tarn_code bits_merge(const tn_bound_aggregate *self, void *const *into,
                            const void *const *from, uint32_t count, tn_state_heap *heap,
                            tarn_error *err)
{
    (void)heap, (void)err;
    for (size_t i = 0; i < count; i++) {
        tn_bits *to = into[i];
        const tn_bits *other = from[i];
        to->bits = join_bits(self->expr->function->binding->op, to->bits, other->bits);
        to->seen |= other->seen;
    }
    return TARN_OK;
}

static tarn_code bits_finalise(const tn_bound_aggregate *self, const void *const *states,
                               uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self, (void)err;
    for (size_t i = 0; i < count; i++) {
        const tn_bits *state = states[i];
        ((uint64_t *)values)[i] = state->bits;
        if (state->seen == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

const tn_aggregate_ops tn_aggregate__bits = {.init = bits_init,
                                             .update = bits_update,
                                             .update_one = bits_update_one,
                                             .merge = bits_merge,
                                             .finalise = bits_finalise};
