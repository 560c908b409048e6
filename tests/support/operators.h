/* operators.h - runs one blocking operator in a test: batches in from a few tasks, its scan out. */
#ifndef TN_TESTS_OPERATORS_H
#define TN_TESTS_OPERATORS_H

#include "exec/operators.h"
#include "rows/spill.h"
#include "support/check.h"

typedef struct bench {
    tn_pool query;
    tn_pool task_pools[4];
    tn_arena arena;
    tn_types *types;
    tn_expr_context context;
    tn_run run;
    tn_task tasks[4];
    _Atomic bool cancelled;
    tarn_error err;
} bench;

tarn_code bench_init(bench *b, tn_pool *pool, size_t limit, uint32_t threads);
void bench_deinit(bench *b);
const tn_expr *bench_column(bench *b, uint32_t id, const tn_type *type);

/* Makes batch `index` of `rows` rows; false at the end. */
typedef bool bench_source(void *context, uint32_t index, tn_batch *out);
/* Pushes all of it into an end, batch i to task i % threads, and finalises. */
tarn_code bench_push(bench *b, tn_operator *end, bench_source *source, void *context);
/* All batches of the operator's scan. */
typedef void bench_see(void *context, const tn_batch *batch);
tarn_code bench_read(bench *b, tn_operator *op, bench_see *see, void *context);
tarn_code bench_read_scan(bench *b, tn_scan *scan, bench_see *see, void *context);
/* Pushes batches through a step, with one task a thread; `op` sees what comes out. */
tarn_code bench_step(bench *b, tn_operator *step, bench_source *source, void *context,
                     bench_see *see, void *see_context);

#endif
