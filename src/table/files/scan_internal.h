/*
 * scan_internal.h - a scan of a set of files: its files, opened a few ahead, and the tasks that
 * read them together.
 */
#ifndef TN_TABLE_FILES_SCAN_INTERNAL_H
#define TN_TABLE_FILES_SCAN_INTERNAL_H

#include "table/files/files.h"
#include "table/files/reshape_internal.h"
#include "table/files/strict_internal.h"

#include "base/vec.h"
#include "expr/program.h"
#include "sched/io.h"

#include <pthread.h>

typedef struct tn_files_source {
    tn_source base;
    tn_pool *pool;
    tn_arena arena;
    tn_arena keep; /* the opener's options */
    tn_types *types;
    tn_file_set set;
    tn_source *first; /* the first file, opened at planning */
} tn_files_source;

typedef enum tn_file_state {
    TN_FILE_CLOSED,
    TN_FILE_OPENING,
    TN_FILE_OPEN,
    TN_FILE_DRAINED,
    TN_FILE_FAILED
} tn_file_state;

typedef struct tn_open_file {
    tn_job job; /* first: opens the file on an I/O thread */
    struct tn_files_scan *scan;
    const tn_data_file *part;
    tn_file_state state;
    bool is_first, has_base;
    uint64_t base;    /* number of its first morsel */
    uint32_t morsels; /* in it */
    uint32_t tasks;   /* opened on it */
    uint32_t readers; /* still open */
    size_t memory;    /* that each of them takes, about */
    tn_source *source;
    tn_scan *sub;
    tn_row_set *deleted; /* rows that are not handed out; NULL: none */
    _Atomic uint64_t left_out, rejected;
    tn_arena arena;        /* of what follows */
    uint32_t *file_fields; /* what is asked of the file */
    uint32_t file_count;
    uint32_t *positions; /* of each wanted column in the file's batch; UINT32_MAX: constant */
    const tn_reshape **reshapes; /* one a wanted column; NULL: nothing to do */
    const tn_program *casts;     /* NULL: lanes fit as they are */
    tn_strict_check *checks;     /* the program's results behind the file's columns */
    uint32_t check_count;
    bool numbered; /* the file is asked for rows' numbers */
    tn_expr_context context;
    tarn_code code;
    tarn_error error;
    TN_VEC(tn_waker *) waiting;
} tn_open_file;

typedef struct tn_files_scan {
    tn_scan base;
    tn_files_source *source;
    tn_pool *pool;
    tn_arena arena;
    tn_scan_request request; /* fields and conjuncts copied */
    pthread_mutex_t lock;    /* guards what follows */
    tn_open_file *files;     /* that were not pruned */
    size_t count, front, opening;
    uint64_t next_morsel;
    size_t granted;            /* memory of the tasks that read */
    tn_scan_counters counters; /* of files that are done */
} tn_files_scan;

/* ---- files.c ---- */

uint32_t tn_files__width(const tn_files_scan *scan); /* of its batches */
/* Index among the partition columns, or UINT32_MAX. */
uint32_t tn_files__partition(const tn_file_set *set, uint32_t field);

/* ---- open_file.c ---- */

/* Opens the file, and finds out how its columns become the set's; on an I/O thread. */
TN_FALLIBLE tn_open_file__open(tn_open_file *file, tarn_error *err);
/* Of the first column or field that the set would lose, where it may lose none. */
TN_FALLIBLE tn_open_file__refuse_new(const tn_open_file *file, tarn_error *err);
/* Locked, or alone: the file is read to its end by everybody. */
TN_FALLIBLE tn_open_file__close(tn_open_file *file, tarn_error *err);
/* What its scan has counted; deleted rows count as pruned ones. */
void tn_open_file__count(tn_open_file *file, const tn_scan_counters *from, tn_scan_counters *to);

/* ---- task.c ---- */

tarn_code tn_files__task_open(tn_scan *base, tn_pool *pool, tn_scan_task **out, tarn_error *err);
void tn_files__task_close(tn_scan_task *base);
bool tn_files__place(tn_scan_task *base, tn_waker *waker, tn_scan_place *out);
tarn_code tn_files__read(tn_scan_task *base, tn_waker *waker, tn_batch *out, tn_scan_answer *answer,
                         tarn_error *err);

#endif
