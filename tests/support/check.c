#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* Every allocation up to here has its turn, then one in a growing number. */
enum { OOM_EVERY = 200, OOM_SHARE = TEST_SIZE(32, 4) };
static const double SLOW_S = 1.0; /* a test that takes this long says so */

static test_case *first_test;
static _Atomic bool current_failed; /* checks and allocations may happen on any thread */

static struct {
    test_oom *loop;
    size_t round;
    _Atomic size_t countdown;
} fault;

void test_register(test_case *test)
{
    test->next = first_test;
    first_test = test;
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%s:%d: ", file, line);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    current_failed = true;
}

bool test_same_f64(double a, double b)
{
    uint64_t a_bits;
    uint64_t b_bits;
    memcpy(&a_bits, &a, sizeof(a));
    memcpy(&b_bits, &b, sizeof(b));
    return a_bits == b_bits || (a != a && b != b);
}

static bool refuse_one(tn_pool *pool, size_t size)
{
    (void)pool;
    (void)size;
    const bool refused = atomic_fetch_sub(&fault.countdown, 1) == 0; /* one thread sees the zero */
    if (refused) {
        fault.loop->refused = true;
    }
    return refused;
}

test_oom test_oom_start(tn_pool *pool)
{
    fault.round = 0;
    return (test_oom){.pool = pool, .every = OOM_EVERY, .share = OOM_SHARE};
}

bool test_oom_next(test_oom *oom)
{
    if (oom->started && !oom->refused) {
        oom->pool->refuse = NULL;
        return false; /* the last round met no fault: every allocation has had its turn */
    }
    oom->started = true;
    oom->refused = false;
    oom->pool->refuse = refuse_one;
    fault.loop = oom;
    fault.countdown = fault.round;
    fault.round += 1 + (fault.round >= oom->every ? fault.round / oom->share : 0);
    return true;
}

/* Named by its own name, or by its file: "pool" means test_pool.c. */
static bool is_named(const test_case *test, const char *name)
{
    const char *slash = strrchr(test->file, '/');
    const char *stem = (slash == NULL ? test->file : slash + 1) + strlen("test_");
    const size_t size = strlen(name);
    return strcmp(name, test->name) == 0 ||
           (strncmp(stem, name, size) == 0 && strcmp(stem + size, ".c") == 0);
}

/* Of all threads: the time by the clock says how busy the machine was. */
static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int passed = 0;
    int failed = 0;
    for (test_case *test = first_test; test != NULL; test = test->next) {
        if (argc > 1 && !is_named(test, argv[1])) {
            continue;
        }
        tn_pool pool;
        tn_pool_init(&pool, NULL, test->name, SIZE_MAX);
        current_failed = false;
        const double began = cpu_seconds();
        test->run(&pool);
        const double seconds = cpu_seconds() - began;
        if (!current_failed && pool.used != 0) {
            test_fail(__FILE__, __LINE__, "%s leaked %zu bytes", test->name, (size_t)pool.used);
        }
        if (pool.used == 0) {
            tn_pool_deinit(&pool);
        }
        printf("%s %s", current_failed ? "FAIL" : "ok  ", test->name);
        if (seconds >= SLOW_S) {
            printf(" (%.1f s of CPU)", seconds);
        }
        printf("\n");
        passed += !current_failed;
        failed += current_failed;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
