/*
 * join_internal.h - joins: what their files share.
 *
 * The build end keeps rows (keys, payload) in the row store and, once all are there, chains them
 * behind an array of heads: by the key itself where the keys are integers of a small range, else by
 * hash, with a few bits of each hash in the head so that most misses touch no row.  Where such
 * integers are unique as well, the payload lies in arrays by key and no row is touched at all
 * (join_direct.c).  A *prober*
 * takes a batch, finds the first match of each row, and then hands out pairs, as many as fit a
 * batch, from wherever it stopped.
 *
 * Where the build side outgrows its share, tasks partition it by hash.  As many partitions as fit
 * stay resident; probe rows that belong to the others are kept, too, and joined partition by
 * partition in the scan of the build operator, which also gives the rows that only the build side
 * has.  A partition that does not fit is split again; what cannot be split (one key) is joined in
 * blocks.
 */
#ifndef TN_EXEC_JOIN_INTERNAL_H
#define TN_EXEC_JOIN_INTERNAL_H

#include "exec/block_internal.h"
#include "exec/join_filter_internal.h"
#include "exec/sort_internal.h"

enum { TN_JOIN_BITS = 5, TN_JOIN_PARTS = 1 << TN_JOIN_BITS, TN_JOIN_LEVEL_MAX = 8 };

/* A build row's header. */
typedef struct tn_join_row {
    struct tn_join_row *next;
    uint64_t hash;
    uint64_t matched; /* where the join keeps_build */
} tn_join_row;

/* A payload column of a direct table: entry `key - min`; entry `range` is what a miss finds. */
typedef struct tn_join_column {
    uint8_t *values; /* as in a row */
    uint8_t *nulls;  /* 1: null */
    size_t width;
    bool has_nulls;
} tn_join_column;

/* Build rows that can be looked up; their pages are pinned. */
typedef struct tn_join_table {
    uint64_t *heads; /* tags in the top 16 bits, then the first row */
    size_t size;     /* of heads, in bytes */
    size_t mask;
    bool dense;  /* heads by key - min */
    bool unique; /* no key has two rows */
    uint64_t min, range;
    uint64_t rows;
    uint8_t *present;        /* NULL: not direct; by key - min, and 0 at `range` */
    tn_join_column *columns; /* one a payload column */
    void *direct;            /* holds these */
    size_t direct_size;
} tn_join_table;

typedef struct tn_join_part {
    tn_rows build, probe;
    uint32_t level;
} tn_join_part;

typedef struct tn_join {
    tn_operator build, probe;
    tn_run *run;
    tn_pool pool;
    _Atomic uint32_t refs; /* build and probe */
    tn_join_options options;
    bool keeps_build; /* RIGHT, FULL, of_build: rows of the build come out in the end */
    bool keeps_probe; /* LEFT, FULL, SINGLE: unmatched probe rows come out, with NULLs */
    bool only_probe;  /* SEMI, ANTI, MARK: no payload */
    bool of_build;    /* SEMI, ANTI: the build's rows */
    bool *is_read;    /* by the residual, where no pair is handed out: else NULL */
    bool hash_is_key; /* one short key: equal hashes are equal keys */
    bool integer_key; /* the first: has bounds; dense where it is the only one */
    uint32_t width;   /* of the output */
    const tn_program *build_program, *probe_program, *residual;
    tn_row_layout *layout;       /* keys, then payload */
    tn_row_layout *probe_layout; /* all probe columns: rows that wait for their partition */
    size_t budget, local_max;

    pthread_mutex_t lock; /* guards what follows */
    tn_rows rows;         /* all of it, while it is not partitioned */
    tn_rows *parts;       /* NULL: not partitioned */
    tn_rows null_rows;    /* RIGHT, FULL: rows with a NULL key match nothing */
    tn_rows *probes;      /* of partitions that wait */
    uint64_t build_rows;
    bool has_null, has_bounds;
    int64_t min, max; /* of an integer key */
    bool resident[TN_JOIN_PARTS];
    bool defers; /* some partition waits */
    tn_join_table table;

    tn_join_part *work; /* of the scan */
    size_t work_count, work_capacity, next_work;
    bool scan_ready, unmatched_taken;
    tn_scan scan;
    _Atomic(uint64_t) given; /* morsels, by the tasks of the scan */
} tn_join;

/* ---- the table: join_table.c ---- */
TN_FALLIBLE tn_join__table_make(const tn_join *join, tn_pool *pool, tn_rows *const *sets,
                                uint32_t count, bool dense, tn_join_table *table, tarn_error *err);
void tn_join__table_free(tn_pool *pool, tn_join_table *table);
/* `visit` sees all rows of the sets, a few at a time; false ends it. */
typedef bool tn_join_visit(const tn_join *join, tn_join_table *table, uint8_t *const *rows,
                           uint32_t count);
TN_FALLIBLE tn_join__each_row(const tn_join *join, tn_rows *const *sets, uint32_t count,
                              tn_join_visit *visit, tn_join_table *table, tarn_error *err);
uint64_t tn_join__key(const tn_join *join, const uint8_t *row); /* the first, an integer */

/* ---- keys that are unique and close together: join_direct.c ---- */
/* Where the join allows it and keys turn out unique, table->present is not NULL afterwards.  min
 * and range are set. */
TN_FALLIBLE tn_join__direct_make(const tn_join *join, tn_pool *pool, tn_rows *const *sets,
                                 uint32_t count, tn_join_table *table, tarn_error *err);
void tn_join__direct_free(tn_pool *pool, tn_join_table *table);
/* The first row whose key may be that of hash (or key); NULL: none. */
static inline tn_join_row *tn_join__head(const tn_join_table *table, uint64_t hash)
{
    const uint64_t head = table->heads[hash & table->mask];
    const uint64_t tag = UINT64_C(1) << (48 + (hash >> 44 & 15));
    return (head & tag) == 0 ? NULL : (tn_join_row *)(uintptr_t)(head & ((UINT64_C(1) << 48) - 1));
}

/* ---- the prober: join_probe.c ---- */
typedef enum tn_join_pass {
    TN_PASS_WHOLE, /* the table holds all that may match */
    TN_PASS_BLOCK, /* one of several blocks: matches only; flags say who had one */
    TN_PASS_REST   /* after the blocks: what the flags leave */
} tn_join_pass;

typedef struct tn_prober {
    tn_join *join;
    tn_pool *pool;
    const tn_join_table *table;
    tn_join_pass pass;
    uint8_t *flags; /* of a block pass: one a row of the batch */
    bool may_defer;
    tn_rows *deferred; /* by partition; NULL until needed */
    tn_row_writer *probe_writer;

    tn_inputs *keys;
    tn_row_writer *writer; /* over the build's layout: the keys only */
    tn_row_reader *reader; /* payload */
    tn_evaluator *residual;
    tn_scratch *scratch; /* one a probe column */
    tn_column *columns;  /* of the output */
    uint64_t *hashes;
    tn_join_row **chain; /* of each row of the part: the next match */
    uint8_t *matched;    /* of each row of the part */
    uint8_t *is_null;    /* its key is */
    uint8_t *waits;      /* its partition does */
    uint16_t *positions, *pair_row, *rest, *active, *equal, *other;
    uint32_t *at; /* entries of a direct table */
    uint8_t **pair;
    uint8_t **rows;
    uint64_t *mark_values, *mark_validity;

    tn_batch part; /* the rows at hand */
    bool in_part;
    uint32_t row; /* of the part: who hands out pairs */
    bool rest_done;
} tn_prober;

TN_FALLIBLE tn_prober__create(tn_join *join, tn_pool *pool, bool may_defer, tn_prober **out,
                              tarn_error *err);
void tn_prober__destroy(tn_prober *prober); /* NULL is allowed */
/* The next rows for `in`; `*more`: call again with it.  out->selected may be 0. */
TN_FALLIBLE tn_prober__next(tn_prober *prober, const tn_batch *in, tn_batch *out, bool *more,
                            tarn_error *err);

/* All rows of the part that a direct table has a match for, or that come out without one. */
TN_FALLIBLE tn_prober__direct(tn_prober *prober, tn_batch *out, tarn_error *err);

/* ---- the scan of the build: join_rest.c ---- */
extern const tn_scan_ops tn_join__scan_ops;

tarn_code tn_join__scan(tn_operator *build, tn_scan **out, tarn_error *err);
void tn_join__release(tn_join *join);

#endif
