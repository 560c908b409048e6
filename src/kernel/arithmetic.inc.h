/*
 * Template: + - * / % for one integer lane T (U: the same width, unsigned).  Blocks of 64 rows, so
 * that a constant's 64 copies serve every block and one word of fault bits is made at a time; the
 * bits are only looked for where the block's OR says that there are any.
 */
#define IS_SIGNED ((T)-1 < (T)1)

enum { TN_FN(BITS) = (int)(sizeof(T) * 8) };

/* In the top bit: did a + b = sum wrap? */
TN_INLINE U TN_FN(add_wrapped)(T a, T b, T sum)
{
    return IS_SIGNED ? (U)((U)(a ^ sum) & (U)(b ^ sum)) : (U)((U)(sum < a) << (TN_FN(BITS) - 1));
}
TN_INLINE U TN_FN(subtract_wrapped)(T a, T b, T difference)
{
    return IS_SIGNED ? (U)((U)(a ^ b) & (U)(a ^ difference)) : (U)((U)(a < b) << (TN_FN(BITS) - 1));
}

TN_INLINE uint64_t TN_FN(sum_block)(const T *restrict a, const T *restrict b, size_t rows,
                                    T *restrict out, bool subtract)
{
    U any = 0;
    for (size_t i = 0; i < rows; i++) {
        const T r = subtract ? (T)((U)a[i] - (U)b[i]) : (T)((U)a[i] + (U)b[i]);
        any |=
            subtract ? TN_FN(subtract_wrapped)(a[i], b[i], r) : TN_FN(add_wrapped)(a[i], b[i], r);
        out[i] = r;
    }
    if ((any >> (TN_FN(BITS) - 1)) == 0) {
        return 0;
    }
    uint64_t word = 0;
    for (size_t i = 0; i < rows; i++) {
        const U bad = subtract ? TN_FN(subtract_wrapped)(a[i], b[i], out[i])
                               : TN_FN(add_wrapped)(a[i], b[i], out[i]);
        word |= (uint64_t)(bad >> (TN_FN(BITS) - 1)) << i;
    }
    return word;
}

/* Narrow products are made twice as wide; of 64 bits, a block whose factors all fit 32 is made
 * without a check, any other by the processor's overflow flag. */
TN_INLINE uint64_t TN_FN(product_block)(const T *restrict a, const T *restrict b, size_t rows,
                                        T *restrict out)
{
    uint64_t word = 0;
    if (sizeof(T) == 8) {
        uint64_t wide = 0;
        for (size_t i = 0; i < rows; i++) {
            const uint64_t bias = IS_SIGNED ? UINT64_C(0x80000000) : 0;
            wide |= ((uint64_t)a[i] + bias) | ((uint64_t)b[i] + bias);
        }
        if (wide >> 32 == 0) {
            for (size_t i = 0; i < rows; i++) {
                out[i] = (T)((U)a[i] * (U)b[i]);
            }
            return 0;
        }
    } else {
        bool bad = false;
        for (size_t i = 0; i < rows; i++) {
            const int64_t r = (int64_t)((uint64_t)(int64_t)a[i] * (uint64_t)(int64_t)b[i]);
            out[i] = (T)r;
            bad |= IS_SIGNED ? (int64_t)(T)r != r : (uint64_t)(T)r != (uint64_t)r;
        }
        if (!bad) {
            return 0;
        }
    }
    for (size_t i = 0; i < rows; i++) {
        word |= (uint64_t)__builtin_mul_overflow(a[i], b[i], &out[i]) << i;
    }
    return word;
}

TN_INLINE uint64_t TN_FN(quotient_block)(const T *restrict a, const T *restrict b, size_t rows,
                                         T *restrict out, bool remainder)
{
    uint64_t word = 0;
    for (size_t i = 0; i < rows; i++) {
        const bool minus_one = IS_SIGNED && b[i] == (T)-1; /* the processor traps on MIN / -1 */
        const bool lowest = IS_SIGNED && a[i] == (T)((U)1 << (TN_FN(BITS) - 1));
        const bool bad = b[i] == 0 || (!remainder && minus_one && lowest);
        const T by = b[i] == 0 || minus_one ? (T)1 : b[i];
        const T q = remainder ? (T)(a[i] % by) : (T)(a[i] / by);
        out[i] = minus_one && !remainder ? (T)((U)0 - (U)q) : q;
        word |= (uint64_t)bad << i;
    }
    return word;
}

#define CHECKED(name, block)                                                                      \
    static bool TN_FN(name##_checked)(const void *a, size_t a_mask, const void *b, size_t b_mask, \
                                      size_t rows, void *out, uint64_t *faults)                   \
    {                                                                                             \
        uint64_t any = 0;                                                                         \
        for (size_t row = 0; row < rows; row += 64) {                                             \
            const T *x = (const T *)a + (row & a_mask & ~(size_t)63);                             \
            const T *y = (const T *)b + (row & b_mask & ~(size_t)63);                             \
            T *to = (T *)out + row;                                                               \
            const size_t left = rows - row;                                                       \
            const uint64_t word = left >= 64 ? block(x, y, 64, to) : block(x, y, left, to);       \
            faults[row / 64] = word;                                                              \
            any |= word;                                                                          \
        }                                                                                         \
        return any != 0;                                                                          \
    }
#define ADD_BLOCK(x, y, rows, to)       TN_FN(sum_block)(x, y, rows, to, false)
#define SUBTRACT_BLOCK(x, y, rows, to)  TN_FN(sum_block)(x, y, rows, to, true)
#define MULTIPLY_BLOCK(x, y, rows, to)  TN_FN(product_block)(x, y, rows, to)
#define DIVIDE_BLOCK(x, y, rows, to)    TN_FN(quotient_block)(x, y, rows, to, false)
#define REMAINDER_BLOCK(x, y, rows, to) TN_FN(quotient_block)(x, y, rows, to, true)
CHECKED(add, ADD_BLOCK)
CHECKED(subtract, SUBTRACT_BLOCK)
CHECKED(multiply, MULTIPLY_BLOCK)
CHECKED(divide, DIVIDE_BLOCK)
CHECKED(remainder, REMAINDER_BLOCK)

#define PLAIN(name, expression)                                                                 \
    static void TN_FN(name##_plain)(const void *a, size_t a_mask, const void *b, size_t b_mask, \
                                    size_t rows, void *out)                                     \
    {                                                                                           \
        for (size_t row = 0; row < rows; row += 64) {                                           \
            const T *restrict x = (const T *)a + (row & a_mask & ~(size_t)63);                  \
            const T *restrict y = (const T *)b + (row & b_mask & ~(size_t)63);                  \
            T *restrict to = (T *)out + row;                                                    \
            const size_t left = rows - row < 64 ? rows - row : 64;                              \
            if (left == 64) {                                                                   \
                for (size_t i = 0; i < 64; i++) {                                               \
                    to[i] = (T)(expression);                                                    \
                }                                                                               \
            } else {                                                                            \
                for (size_t i = 0; i < left; i++) {                                             \
                    to[i] = (T)(expression);                                                    \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
    }
PLAIN(add, (U)x[i] + (U)y[i])
PLAIN(subtract, (U)x[i] - (U)y[i])
PLAIN(multiply, (uint64_t)x[i] * (uint64_t)y[i])

#undef IS_SIGNED
#undef CHECKED
#undef PLAIN
#undef ADD_BLOCK
#undef SUBTRACT_BLOCK
#undef MULTIPLY_BLOCK
#undef DIVIDE_BLOCK
#undef REMAINDER_BLOCK
#undef T
#undef U
#undef LANE
