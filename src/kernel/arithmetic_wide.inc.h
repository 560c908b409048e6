/* Template: checked arithmetic on 128 bits, by the compiler's builtins; nothing here vectorises. */
#define WIDE(name, expression)                                                                    \
    static bool TN_FN(name##_checked)(const void *a, size_t a_mask, const void *b, size_t b_mask, \
                                      size_t rows, void *out, uint64_t *faults)                   \
    {                                                                                             \
        uint64_t any = 0;                                                                         \
        memset(faults, 0, (rows + 63) / 64 * 8);                                                  \
        for (size_t row = 0; row < rows; row++) {                                                 \
            const T x = ((const T *)a)[row & a_mask];                                             \
            const T y = ((const T *)b)[row & b_mask];                                             \
            T r = 0;                                                                              \
            const uint64_t bad = (uint64_t)(expression);                                          \
            ((T *)out)[row] = r;                                                                  \
            faults[row / 64] |= bad << row % 64;                                                  \
            any |= bad;                                                                           \
        }                                                                                         \
        return any != 0;                                                                          \
    }
#define LOWEST ((T)((U)1 << 127))
WIDE(add, __builtin_add_overflow(x, y, &r))
WIDE(subtract, __builtin_sub_overflow(x, y, &r))
WIDE(multiply, __builtin_mul_overflow(x, y, &r))
WIDE(divide, y == 0 || (y == -1 && x == LOWEST) ? true : (r = x / y, false))
WIDE(remainder, y == 0 ? true : (r = y == -1 ? 0 : x % y, false))
#undef WIDE
#undef LOWEST
#undef TN_ARITHMETIC_BUILTIN
#undef T
#undef U
#undef LANE
