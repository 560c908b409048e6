/*
 * check.h - Tarn's test harness.
 *
 * TEST(name) { ... } registers itself.  A failed CHECK prints both values and leaves the test.
 * `tarn_unit` runs all of them, `tarn_unit pool` those of test_pool.c, `tarn_unit NAME` one; its
 * last line is "N passed, N failed".  Each test gets a fresh `pool`, and fails if it leaves memory
 * charged to it.
 */
#ifndef TN_TESTS_CHECK_H
#define TN_TESTS_CHECK_H

#include "base/pool.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

typedef struct test_case {
    const char *name;
    const char *file;
    void (*run)(tn_pool *pool);
    struct test_case *next;
} test_case;

void test_register(test_case *test);
bool test_same_f64(double a, double b);
void test_fail(const char *file, int line, const char *format, ...) TN_PRINTF(3, 4);

#define TEST(test_name)                                                  \
    static void test_name(tn_pool *pool);                                \
    __attribute__((constructor)) static void register_##test_name(void)  \
    {                                                                    \
        static test_case test = {#test_name, __FILE__, test_name, NULL}; \
        test_register(&test);                                            \
    }                                                                    \
    static void test_name(__attribute__((unused)) tn_pool *pool)

#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            test_fail(__FILE__, __LINE__, "%s", #condition); \
            return;                                          \
        }                                                    \
    } while (0)

/* `same` compares two values of `type`, which printf shows as `format`. */
#define CHECK_SAME_(type, format, same, got, want)                                             \
    do {                                                                                       \
        const type got_ = (type)(got);                                                         \
        const type want_ = (type)(want);                                                       \
        if (!(same)) {                                                                         \
            test_fail(__FILE__, __LINE__, "%s is " format ", not " format, #got, got_, want_); \
            return;                                                                            \
        }                                                                                      \
    } while (0)

/* Signed and small values; CHECK_U64 for what may pass 2^63; CHECK_F64 for floats, to the bit, so
 * that -0 is not 0, and any NaN is as good as another. */
#define CHECK_EQ(got, want)  CHECK_SAME_(intmax_t, "%jd", got_ == want_, got, want)
#define CHECK_U64(got, want) CHECK_SAME_(uint64_t, "%" PRIu64, got_ == want_, got, want)
#define CHECK_F64(got, want) CHECK_SAME_(double, "%.17g", test_same_f64(got_, want_), got, want)

#define CHECK_STR(got, want)                                                                      \
    do {                                                                                          \
        if (strcmp((got), (want)) != 0) {                                                         \
            test_fail(__FILE__, __LINE__, "%s is\n    '%s', not\n    '%s'", #got, (got), (want)); \
            return;                                                                               \
        }                                                                                         \
    } while (0)

/* Sizes and rounds that would take minutes under a sanitizer: what is done usually, and there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define TEST_SIZE(usual, sanitized) (sanitized)
#else
#    define TEST_SIZE(usual, sanitized) (usual)
#endif
/* It knows no thread that is started after a fork of many threads. */
#ifdef __SANITIZE_THREAD__
#    define TEST_FORKS_THREADS false
#else
#    define TEST_FORKS_THREADS true
#endif

/*
 * Runs the body once for each allocation it makes (above `every`, 200, for some of them), refusing
 * that one, and a last time refusing none:
 *
 *     for (test_oom oom = test_oom_start(pool); test_oom_next(&oom);) {
 *         code = thing_under_test(pool, ...);
 *         CHECK_EQ(code, oom.refused ? TARN_E_NOMEM : TARN_OK);
 *         ... release what succeeded ...
 *     }
 */
typedef struct test_oom {
    tn_pool *pool;
    size_t every; /* so many have their turn one by one; then each step is a `share` longer */
    size_t share;
    _Atomic bool refused; /* true once this round's allocation was refused */
    bool started;
} test_oom;

test_oom test_oom_start(tn_pool *pool);
bool test_oom_next(test_oom *oom);

#endif
