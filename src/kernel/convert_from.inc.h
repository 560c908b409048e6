/* Template: conversions from the lane FROM of type F to every other. */
#define PLAIN_TO(name, type)                                                          \
    static void TN_PASTE(plain_##name, LANE)(const void *from, size_t rows, void *to) \
    {                                                                                 \
        const F *restrict x = from;                                                   \
        type *restrict y = to;                                                        \
        for (size_t row = 0; row < rows; row++) {                                     \
            y[row] = (type)x[row];                                                    \
        }                                                                             \
    }
#define CHECKED_TO(name, type)                                                          \
    static bool TN_PASTE(checked_##name, LANE)(const void *from, size_t rows, void *to, \
                                               uint64_t *faults)                        \
    {                                                                                   \
        const F *restrict x = from;                                                     \
        type *restrict y = to;                                                          \
        uint64_t any = 0;                                                               \
        for (size_t row = 0; row < rows; row += 64) {                                   \
            const size_t left = rows - row < 64 ? rows - row : 64;                      \
            uint64_t word = 0;                                                          \
            bool bad = false;                                                           \
            for (size_t i = 0; i < left; i++) {                                         \
                bad |= !FITS_##name(x[row + i]);                                        \
            }                                                                           \
            if (!bad) {                                                                 \
                for (size_t i = 0; i < left; i++) {                                     \
                    y[row + i] = (type)ROUNDED(type, x[row + i]);                       \
                }                                                                       \
            } else {                                                                    \
                for (size_t i = 0; i < left; i++) {                                     \
                    const bool fits = FITS_##name(x[row + i]);                          \
                    y[row + i] = fits ? (type)ROUNDED(type, x[row + i]) : 0;            \
                    word |= (uint64_t)!fits << i;                                       \
                }                                                                       \
            }                                                                           \
            faults[row / 64] = word;                                                    \
            any |= word;                                                                \
        }                                                                               \
        return any != 0;                                                                \
    }
TN_LANES(PLAIN_TO)
PLAIN_TO(i128, tn_i128)
TN_LANES(CHECKED_TO)
CHECKED_TO(i128, tn_i128)
#undef PLAIN_TO
#undef CHECKED_TO
#undef F
#undef LANE
