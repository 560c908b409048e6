/* Template: min and max for one numeric lane T. The state: whether there is a value, the value. */
typedef struct TN_FN(extreme) {
    uint64_t set;
    T value;
} TN_FN(extreme);

TN_INLINE void TN_FN(offer)(TN_FN(extreme) * state, T value, bool max)
{
    const bool better = max ? TN_LT(state->value, value) : TN_LT(value, state->value);
    if (state->set == 0 || better) {
        state->set = 1;
        state->value = value;
    }
}

TN_INLINE tarn_code TN_FN(update)(void *const *states, const tn_column *arguments,
                                  const uint16_t *selection, uint32_t count, bool max)
{
    for (size_t i = 0; i < count; i++) {
        const size_t row = selection == NULL ? i : selection[i];
        if (arguments->validity == NULL || tn_bit_get(arguments->validity, row)) {
            TN_FN(offer)(states[i], ((const T *)arguments->values)[row], max);
        }
    }
    return TARN_OK;
}

TN_INLINE tarn_code TN_FN(update_one)(void *state, const tn_column *arguments,
                                      const uint16_t *selection, uint32_t count, bool max)
{
    const T *restrict v = arguments->values;
    TN_FN(extreme) *one = state;
    if (arguments->validity == NULL && selection == NULL && count > 0) {
        T best = v[0];
        for (size_t i = 1; i < count; i++) {
            best = (max ? TN_LT(best, v[i]) : TN_LT(v[i], best)) ? v[i] : best;
        }
        TN_FN(offer)(one, best, max);
        return TARN_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t row = selection == NULL ? i : selection[i];
        if (arguments->validity == NULL || tn_bit_get(arguments->validity, row)) {
            TN_FN(offer)(one, v[row], max);
        }
    }
    return TARN_OK;
}

TN_INLINE tarn_code TN_FN(merge)(void *const *into, const void *const *from, uint32_t count,
                                 bool max)
{
    for (size_t i = 0; i < count; i++) {
        const TN_FN(extreme) *other = from[i];
        if (other->set != 0) {
            TN_FN(offer)(into[i], other->value, max);
        }
    }
    return TARN_OK;
}

static void TN_FN(init)(const tn_bound_aggregate *self, void *state)
{
    (void)self;
    memset(state, 0, sizeof(TN_FN(extreme)));
}

static tarn_code TN_FN(finalise)(const tn_bound_aggregate *self, const void *const *states,
                                 uint32_t count, void *values, uint64_t *validity, tarn_error *err)
{
    (void)self;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const TN_FN(extreme) *state = states[i];
        ((T *)values)[i] = state->value;
        if (state->set == 0) {
            tn_bit_clear(validity, i);
        }
    }
    return TARN_OK;
}

#define EXTREME(name, max)                                                                         \
    static tarn_code TN_FN(name##_update)(const tn_bound_aggregate *self, void *const *states,     \
                                          const tn_column *arguments, const uint16_t *selection,   \
                                          uint32_t count, uint64_t rank, tn_state_heap *heap,      \
                                          tarn_error *err)                                         \
    {                                                                                              \
        (void)self, (void)rank, (void)heap, (void)err;                                             \
        return TN_FN(update)(states, arguments, selection, count, max);                            \
    }                                                                                              \
    static tarn_code TN_FN(name##_update_one)(const tn_bound_aggregate *self, void *state,         \
                                              const tn_column *arguments,                          \
                                              const uint16_t *selection, uint32_t count,           \
                                              uint64_t rank, tn_state_heap *heap, tarn_error *err) \
    {                                                                                              \
        (void)self, (void)rank, (void)heap, (void)err;                                             \
        return TN_FN(update_one)(state, arguments, selection, count, max);                         \
    }                                                                                              \
    static tarn_code TN_FN(name##_merge)(const tn_bound_aggregate *self, void *const *into,        \
                                         const void *const *from, uint32_t count,                  \
                                         tn_state_heap *heap, tarn_error *err)                     \
    {                                                                                              \
        (void)self, (void)heap, (void)err;                                                         \
        return TN_FN(merge)(into, from, count, max);                                               \
    }
EXTREME(min, false)
EXTREME(max, true)
#undef EXTREME
#undef T
#undef LANE
