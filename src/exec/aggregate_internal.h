/*
 * aggregate_internal.h - GROUP BY: what its files share.
 *
 * A task aggregates into a table of its own as long as that pays: every 64 k rows it looks how many
 * of them made new groups.  Where more than half did, rows go as they are (keys, arguments) to
 * partitions by hash for a while, which costs less than a probe that misses.  Where keys are
 * strings, rows are wide and hardly narrower than groups: if the share of new groups tells that a
 * larger table holds them all, it may grow instead, its groups lying by partition from then on.  A
 * table that outgrows its share gives its groups, as states, to the same partitions.  The next
 * pipeline's scan takes one partition after the other and aggregates it whole.  Ordered aggregates
 * (median, string_agg) keep no state: all their rows go to partitions, and are sorted by group
 * there; without GROUP BY they go to the sorters at once.  A part is split again as long as it has
 * many groups: one that is large since its groups are is sorted as it is.
 */
#ifndef TN_EXEC_AGGREGATE_INTERNAL_H
#define TN_EXEC_AGGREGATE_INTERNAL_H

#include "exec/block_internal.h"
#include "exec/sort_internal.h"
#include "expr/aggregate.h"

#define TN_NO_EXPR UINT32_MAX
enum { TN_AGG_SEEN = 512 };

/* One aggregate: its arguments, filter and order are expressions of the operator's program. */
typedef struct tn_agg_slot {
    const tn_bound_aggregate *bound;
    uint32_t state;     /* offset in a group's row */
    uint32_t arguments; /* first expression */
    uint32_t filter;    /* or TN_NO_EXPR */
    uint32_t order;     /* first expression */
    uint32_t order_count;
    uint32_t counts; /* of ordered ones: offset of tn_agg_counts */
    bool is_shared;  /* its state is an earlier slot's, which updates it: sum(x) and avg(x) */
} tn_agg_slot;

/* Of what an ordered aggregate's group takes. */
typedef struct tn_agg_counts {
    uint64_t rows, not_null;
    uint64_t bytes; /* of texts, where the aggregate's result holds them */
} tn_agg_counts;

/* Rows of some groups that are in no other partition. */
typedef struct tn_agg_part {
    tn_rows raw, states;
    uint32_t level; /* how often it was split again */
    bool has_seen;
    uint64_t seen[TN_AGG_SEEN / 64]; /* a bit by the hash of each row, where has_seen */
    bool whole;                      /* each group is there once: nothing to merge */
} tn_agg_part;

typedef struct tn_agg_heap {
    tn_state_heap base;
    tn_arena arena;
    struct tn_agg_heap *next;
} tn_agg_heap;

/* One state block of a morsel (ungrouped, ordered input). */
typedef struct tn_agg_morsel {
    uint64_t morsel;
    uint8_t *states;
} tn_agg_morsel;

typedef struct tn_aggregation {
    tn_operator base;
    tn_run *run;
    tn_pool pool;
    const tn_program *program;
    uint32_t key_count, slot_count, expr_count;
    tn_agg_slot *slots;
    const tn_type **expr_types;
    tn_row_layout *groups; /* header: hash, index (where ordered), counts, states; fields: keys */
    tn_row_layout *raw;    /* header: rank where wanted; fields: all expressions */
    bool short_key;        /* one key of at most 8 bytes: lies in the directory */
    bool has_move;         /* states point to strings: they cannot be evicted */
    bool has_ordered, has_rank, input_ordered;
    bool has_exact;       /* half of the aggregates, at least, may take their rows group by group */
    uint32_t bits, parts; /* of partitions */
    size_t threads;
    size_t local_max, part_max, page_max;
    size_t table_max;  /* bytes of the table of a part */
    size_t grow_max;   /* bytes of a table that may grow; 0: none may */
    uint32_t index_at; /* offset of a group's number */

    pthread_mutex_t lock; /* guards what follows */
    tn_agg_part *partitions;
    size_t partition_count, partition_capacity, next_partition;
    tn_rows locals; /* groups of tasks that did not partition */
    uint32_t local_count;
    uint32_t spread_count; /* tables that gave their groups by partition, each once */
    bool mixed;            /* others gave to partitions, too */
    tn_agg_heap *heaps;
    tn_agg_morsel *morsels;
    size_t morsel_count, morsel_capacity;
    bool ungrouped_taken;
    uint64_t rows;
    tn_scan scan;
    _Atomic(uint64_t) given;       /* morsels, by the tasks of the scan */
    struct tn_agg_ordered *direct; /* ungrouped ordered aggregates: tasks feed it at once */
} tn_aggregation;

/* Groups by small integers: a dictionary's codes (of several keys: all their codes as one number),
 * or a key less a base.  In front of the table. */
enum { TN_MEMO_SIZE = 4096, TN_MEMO_KEYS = 4 };
typedef struct tn_memo {
    uint8_t **rows;                  /* NULL: not known yet */
    uint64_t dictionary_id;          /* whose codes; 0: keys */
    uint64_t more_ids[TN_MEMO_KEYS]; /* of several keys */
    uint16_t *codes;                 /* of several keys: the number of each row */
    uint64_t base;
    bool has_base, is_off;
    uint32_t asked, missed; /* since it was last looked at */
    uint16_t *miss;         /* rows that were not known */
    uint8_t **found;        /* the others */
} tn_memo;

/* A batch of few groups, told by small codes: its rows by group. */
enum { TN_FEW = 16 };
typedef struct tn_few {
    uint32_t codes; /* there may be; 0: the batch at hand is not such */
    const void *of; /* u8, u16 or u32, one a row: of the part at hand, or of its batch */
    tn_lane lane;
    bool by_part;
    bool has_rows; /* groups->rows are those of the batch at hand */
    uint32_t count[TN_FEW];
    uint8_t *group[TN_FEW];
    uint16_t *rows; /* TN_BATCH_ROWS a code; NULL where no aggregate would ask */
} tn_few;

/* A table of groups, of one task. */
typedef struct tn_groups {
    tn_memo memo;
    tn_few few;
    const tn_aggregation *op;
    tn_pool *pool;
    tn_row_writer *writer;
    tn_rows *sets; /* by partition, or one */
    uint32_t set_count, bits;
    void *directory;
    size_t mask;
    uint64_t count;
    uint64_t most; /* groups there may be; 0: nobody knows */
    uint8_t *null_group;
    tn_agg_heap *heap;
    tn_scratch scratch[4];
    /* of the batch at hand */
    uint64_t *hashes, *keys;
    uint8_t **rows, **fresh_rows, **heap_at;
    void **states, **from;
    uint16_t *fresh, *active, *found, *equal, *other, *which, *selection;
    size_t *at;
} tn_groups;

TN_FALLIBLE tn_groups__create(const tn_aggregation *op, tn_pool *pool, uint32_t set_count,
                              bool evictable, tn_groups **out, tarn_error *err);
void tn_groups__destroy(tn_groups *groups); /* NULL is allowed */
size_t tn_groups__bytes(const tn_groups *groups);
/* Bytes of so many groups, without their texts; where room is not reserved, with the directory that
 * is given up as it grows. */
size_t tn_groups__need(const tn_groups *groups, uint64_t count, bool reserved);
/* Room for so many groups in an empty table. */
TN_FALLIBLE tn_groups__reserve(tn_groups *groups, uint64_t count, tarn_error *err);
/* Forgets the groups, whose rows the caller took. */
void tn_groups__reset(tn_groups *groups);
/* Lays the groups out by partition, from here on.  Not for short keys, nor for states with strings.
 */
TN_FALLIBLE tn_groups__spread(tn_groups *groups, tarn_error *err);
/* Gives the memory of an empty table back. */
void tn_groups__shrink(tn_groups *groups);
/* Hashes of the keys, into groups->hashes. */
TN_FALLIBLE tn_groups__prepare(tn_groups *groups, const tn_column *const *keys,
                               const uint16_t *selection, uint32_t count, tarn_error *err);
/* The group of each prepared row, made where there is none, into groups->rows. */
TN_FALLIBLE tn_groups__find(tn_groups *groups, uint32_t count, tarn_error *err);
/* Both at once, by the memo where the key allows it. */
TN_FALLIBLE tn_groups__look_up(tn_groups *groups, const tn_column *const *keys,
                               const tn_batch *part, tarn_error *err);
/* Updates the states of groups->rows with the expressions of a part of a batch.  `ranks`: one a
 * row, where they do not follow each other; else NULL and `rank` is of row 0. */
TN_FALLIBLE tn_groups__update(tn_groups *groups, const tn_column *exprs, const tn_batch *part,
                              uint64_t rank, const uint64_t *ranks, tarn_error *err);
/* Merges the states of rows `from` into those of groups->rows. */
TN_FALLIBLE tn_groups__merge(tn_groups *groups, uint8_t *const *from, uint32_t count,
                             tarn_error *err);
void tn_memo__forget(tn_memo *memo);
/* Puts the part's rows by group, where there are few codes and all are known; groups->rows are not
 * told then. */
bool tn_few__divide(tn_groups *groups, const void *of, tn_lane lane, bool by_part, uint32_t codes,
                    const tn_batch *part);
/* Tells them, for aggregates that take row by row. */
void tn_few__spell(tn_groups *groups, const tn_batch *part);
/* Updates a slot's states so; `done` is false where its rows have to be taken one by one. */
TN_FALLIBLE tn_few__update(tn_groups *groups, const tn_agg_slot *slot, const tn_column *exprs,
                           const tn_batch *part, bool *done, tarn_error *err);
/* A row's states as new. */
void tn_agg__init_states(const tn_aggregation *op, uint8_t *row);
/* Rows of the part that the slot's filter lets through, as positions in the part (count of them).
 */
TN_FALLIBLE tn_agg__filter(const tn_agg_slot *slot, const tn_column *exprs, const tn_batch *part,
                           uint16_t *which, uint32_t *count, tarn_error *err);

/* The lane an argument is taken in: as it comes, where the aggregate can do with a narrow one. */
static inline tn_lane tn_agg__lane(const tn_bound_aggregate *bound, const tn_column *column)
{
    const tn_lane lane = (tn_lane)column->lane;
    return bound->takes_narrow && lane != TN_LANE_none && tn_lane_fits(column->type, lane)
               ? lane
               : column->type->lane;
}

static inline uint64_t tn_group__hash(const uint8_t *row)
{
    uint64_t hash;
    memcpy(&hash, row, 8);
    return hash;
}

static inline void tn_agg__see(uint64_t *seen, uint64_t hash)
{
    seen[hash / 64 % (TN_AGG_SEEN / 64)] |= UINT64_C(1) << (hash % 64);
}

TN_FALLIBLE tn_agg__heap_create(tn_pool *pool, tn_agg_heap **out, tarn_error *err);

/* Shared by both kinds of end. */
tarn_code tn_agg__scan(tn_operator *base, tn_scan **out, tarn_error *err);
void tn_agg__destroy(tn_operator *base);

/* ---- the scan: aggregate_merge.c ---- */
extern const tn_scan_ops tn_agg__scan_ops;
/* Ungrouped without ordered aggregates: aggregate_one.c */
extern const tn_operator_ops tn_agg__one_ops;
extern const tn_scan_ops tn_agg__one_scan_ops;

/* Results of fixed-size aggregates as a column. */
typedef struct tn_agg_output {
    void *values;
    size_t size;
    uint64_t *validity;
} tn_agg_output;
TN_FALLIBLE tn_agg__output(const tn_agg_slot *slot, tn_pool *pool, tn_agg_output *output,
                           const void *const *states, uint32_t count, tn_column *out,
                           tarn_error *err);

/* ---- ordered aggregates of one partition: aggregate_ordered.c ---- */
typedef struct tn_agg_ordered tn_agg_ordered;
TN_FALLIBLE tn_agg_ordered__create(const tn_aggregation *op, tn_pool *pool, tn_agg_ordered **out,
                                   tarn_error *err);
void tn_agg_ordered__destroy(tn_agg_ordered *ordered); /* NULL is allowed */
/* What one task adds. */
typedef struct tn_agg_feed tn_agg_feed;
TN_FALLIBLE tn_agg_feed__create(tn_agg_ordered *ordered, tn_pool *pool, tn_agg_feed **out,
                                tarn_error *err);
void tn_agg_feed__destroy(tn_agg_feed *feed); /* NULL is allowed */
/* Rows whose groups are `rows` (NULL: there is one).  `ranks`: one a row, else NULL and `rank` is
 * of row 0. */
TN_FALLIBLE tn_agg_feed__add(tn_agg_feed *feed, const tn_column *exprs, const tn_batch *part,
                             uint8_t *const *rows, uint64_t rank, const uint64_t *ranks,
                             tarn_error *err);
TN_FALLIBLE tn_agg_feed__finish(tn_agg_feed *feed, tarn_error *err);
/* After all who feed it have finished. */
TN_FALLIBLE tn_agg_ordered__finish(tn_agg_ordered *ordered, tarn_error *err);
/* Results of the next groups, in the order of their numbers; columns by slot. */
TN_FALLIBLE tn_agg_ordered__next(tn_agg_ordered *ordered, uint8_t *const *rows, uint32_t count,
                                 tn_column *columns, tarn_error *err);

#endif
