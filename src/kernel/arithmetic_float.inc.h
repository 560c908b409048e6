/* Template: + - * / of one float lane, as IEEE 754 has them: nothing fails. */
#define PLAIN(name, operator_)                                                                  \
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
                    to[i] = x[i] operator_ y[i];                                                \
                }                                                                               \
            } else {                                                                            \
                for (size_t i = 0; i < left; i++) {                                             \
                    to[i] = x[i] operator_ y[i];                                                \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
    }
PLAIN(add, +)
PLAIN(subtract, -)
PLAIN(multiply, *)
PLAIN(divide, /)
#undef PLAIN
#undef T
#undef LANE
