/*
 * program_internal.h - programs, registers, and what the evaluator's files share.
 *
 * A program is a list of instructions in an order in which each follows its arguments; instruction
 * i writes register i.  The evaluator computes an instruction at most once a run.
 */
#ifndef TN_EXPR_PROGRAM_INTERNAL_H
#define TN_EXPR_PROGRAM_INTERNAL_H

#include "expr/expr_internal.h"
#include "expr/program.h"
#include "kernel/arithmetic.h"
#include "kernel/compare.h"
#include "kernel/convert.h"

enum { TN_ROW_WORDS = TN_BATCH_ROWS / 64, TN_SELECTION_ROOM = TN_BATCH_ROWS + 8 };

typedef enum tn_opcode {
    TN_OPCODE_COLUMN, /* input column .input */
    TN_OPCODE_CONSTANT,
    TN_OPCODE_CALL, /* .bound */
    TN_OPCODE_CAST, /* .bound */
    TN_OPCODE_AND,
    TN_OPCODE_OR,
    TN_OPCODE_CASE,
    TN_OPCODE_IN
} tn_opcode;

typedef struct tn_instruction {
    tn_opcode opcode;
    bool is_static; /* the same in every run: computed once an evaluator */
    bool is_volatile;
    const tn_expr *expr;
    const tn_bound_call *bound;
    uint32_t first_argument, argument_count; /* registers: program->arguments[first...] */
    uint32_t input;
    tn_column constant;
    const void *data; /* of IN: its look-up table */
} tn_instruction;

struct tn_program {
    const tn_expr_context *context;
    uint32_t instruction_count, argument_count, arguments_most;
    const tn_instruction *instructions;
    const uint32_t *arguments;
    uint32_t root_count;
    const uint32_t *roots;
    /* The instructions a root needs, in order: needed[needed_from[i]] to needed[needed_from[i + 1]]
     */
    const uint32_t *needed, *needed_from;
};

/* A dictionary's entries computed, kept while the dictionary stays the same. */
typedef struct tn_entries {
    uint64_t id, result_id;
    uint64_t seen_id, seen_rows;
    tn_column result; /* flat, in the declared lane */
    void *values;
    uint64_t *validity, *faults;
    size_t capacity; /* rows */
    bool has_faults, has_nulls;
    tn_heap heap;
} tn_entries;

typedef struct tn_register {
    tn_column column;
    uint64_t epoch; /* the run that computed it */
    void *values;   /* own memory for results */
    size_t values_size;
    uint64_t validity[TN_ROW_WORDS], faults[TN_ROW_WORDS];
    tn_heap heap;
    /* The column flat in one lane, made when first asked for in a run. */
    uint64_t flat_epoch;
    tn_operand flat;
    tn_lane flat_lane;
    void *flat_values;
    size_t flat_size;
    uint64_t flat_validity[TN_ROW_WORDS];
    bool flat_cut; /* some values do not fit the lane: their rows fault for who asked */
    uint64_t flat_faults[TN_ROW_WORDS];
    /* What the values lie between, where that is known in this run. */
    uint64_t bounds_epoch;
    tn_i128 min, max;
    uint64_t dictionary_id; /* whose entries lie between the two; 0: none */
    int64_t dictionary_min, dictionary_max;
    void *state; /* of the kernel */
    bool is_open;
    tn_entries *entries;
    struct tn_chunk *chunk; /* nested values gathered from several branches; NULL: none */
} tn_register;

typedef struct tn_conjunct_state {
    uint64_t rows_in, rows_out, nanos;
} tn_conjunct_state;

struct tn_evaluator {
    const tn_program *program;
    tn_pool *pool;
    bool has_cut; /* the operation at hand asked for operands that do not fit: in these rows */
    uint64_t cut[TN_ROW_WORDS];
    tn_arena arena; /* of one run: masks of faults, heads of nested results */
    uint64_t epoch;
    const tn_batch *in;
    /* The rows being computed. */
    uint32_t rows, count;
    const uint16_t *selection; /* NULL: all `rows` */
    uint64_t row_base;
    size_t heap_bound; /* of one kernel's texts in one run */
    size_t heap_most;  /* of that, by the memory there is */
    bool was_cut;      /* a kernel's heap was full */
    tn_register *registers;
    tn_register *spare;      /* one for each argument of a call, for dictionaries' entries */
    tn_register **arguments; /* of the call being computed, and of one inside it */
    tn_register **spare_arguments;
    tn_operand *operands;
    uint16_t from_next[TN_SELECTION_ROOM]; /* selection made for a second call */
    uint16_t valid[TN_SELECTION_ROOM];     /* rows a row kernel is given */
    uint64_t words[4][TN_ROW_WORDS];       /* scratch of one instruction */
    /* Filtering. */
    uint16_t passed[TN_SELECTION_ROOM];
    tn_conjunct_state *conjuncts;
    uint32_t *order; /* in which conjuncts are asked */
    uint64_t filtered_batches;
};

#define TN_STATIC_EPOCH UINT64_MAX /* of a register that is never computed again */

/* ---- evaluate.c ---- */
TN_FALLIBLE tn_eval__grow(tn_pool *pool, void **memory, size_t *have, size_t want, tarn_error *err);
/* The instruction on the active rows, whatever encodings its arguments have. */
TN_FALLIBLE tn_eval__operation(tn_evaluator *ev, const tn_instruction *ins,
                               tn_register *const *args, tn_register *out, tarn_error *err);
/* Does a null argument make a null result? */
bool tn_eval__is_strict(const tn_instruction *ins);
TN_FALLIBLE tn_eval__push_faults(tn_evaluator *ev, const tn_faults *node, tn_column *column,
                                 tarn_error *err);
void tn_eval__begin(tn_evaluator *ev, const tn_batch *in);
TN_FALLIBLE tn_eval__instruction(tn_evaluator *ev, uint32_t index, tarn_error *err);
TN_FALLIBLE tn_eval__values(tn_evaluator *ev, tn_register *reg, size_t size, tarn_error *err);
/* The register's column flat (or 64 copies of a constant) in `lane`, for the active rows. */
TN_FALLIBLE tn_eval__operand(tn_evaluator *ev, tn_register *reg, tn_lane lane, tn_operand *out,
                             tarn_error *err);
/* Validity and faults of a strict operation: what is null or faulty in an argument is in the
 * result. */
TN_FALLIBLE tn_eval__strict(tn_evaluator *ev, tn_register *const *args, uint32_t count,
                            tn_register *out, tarn_error *err);
/* Declares the result: flat values of `lane` in out->values; validity and faults were set. */
void tn_eval__flat_result(tn_evaluator *ev, tn_register *out, const tn_type *type, tn_lane lane);
/* out->faults has bits: they become a fault of the column (after validity cleared those of null
 * rows), described by the instruction's kernel over its arguments. */
TN_FALLIBLE tn_eval__add_faults(tn_evaluator *ev, const tn_instruction *ins,
                                tn_register *const *args, tn_register *out, tarn_error *err);
static inline size_t tn_eval__mask(const tn_operand *operand)
{
    return operand->mask == UINT32_MAX ? TN_MASK_COLUMN : operand->mask;
}
/* All the active rows' bits; the inverse for rows that are not. */
static inline uint32_t tn_eval__word_count(const tn_evaluator *ev)
{
    return (ev->rows + 63) / 64;
}
bool tn_eval__is_null_constant(const tn_column *column);
/* NULL for every row; the faults that out->column has stay. */
void tn_eval__null_result(tn_evaluator *ev, tn_register *out, const tn_type *type);

/* A word of a bitmap of the operand's: of one for all rows where it is constant. */
static inline uint64_t tn_eval__word_of(const uint64_t *words, const tn_operand *operand,
                                        uint32_t i)
{
    return words == NULL ? ~UINT64_C(0) : words[operand->mask == UINT32_MAX ? i : 0];
}

/* ---- evaluate_dictionary.c ---- */
/* Which argument is the one dictionary among constants; UINT32_MAX where that is not so. */
uint32_t tn_eval__lone_dictionary(const tn_evaluator *ev, const tn_instruction *ins);
/* By its entries, where that pays. */
TN_FALLIBLE tn_eval__dictionary(tn_evaluator *ev, const tn_instruction *ins, uint32_t which,
                                tn_register *out, bool *done, tarn_error *err);

/* ---- evaluate_numeric.c ---- */
/* What the values of a column of integers or decimals lie between; `scan` allows a look at them. */
bool tn_eval__bounds(tn_evaluator *ev, tn_register *reg, bool scan, tn_i128 *min, tn_i128 *max);
TN_FALLIBLE tn_eval__arithmetic(tn_evaluator *ev, const tn_instruction *ins,
                                tn_register *const *args, tn_register *out, tarn_error *err);
TN_FALLIBLE tn_eval__compare(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                             tn_register *out, tarn_error *err);
/* A comparison straight to a selection, where its operands allow that. */
TN_FALLIBLE tn_eval__compare_at(tn_evaluator *ev, const tn_instruction *ins,
                                tn_register *const *args, uint16_t *passed, uint32_t *count,
                                bool *done, tarn_error *err);
/* i128 values of a register as narrower ones, in place. */
TN_FALLIBLE tn_eval__narrow(tn_evaluator *ev, tn_register *reg, tn_lane lane, uint64_t *faults,
                            tarn_error *err);
TN_FALLIBLE tn_eval__convert(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                             tn_register *out, tarn_error *err);

/* ---- evaluate_logic.c ---- */
TN_FALLIBLE tn_eval__junction(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                              tn_register *out, tarn_error *err);
TN_FALLIBLE tn_eval__case(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                          tn_register *out, tarn_error *err);
TN_FALLIBLE tn_eval__coalesce(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                              tn_register *out, tarn_error *err);
TN_FALLIBLE tn_eval__simple_logic(tn_evaluator *ev, const tn_instruction *ins,
                                  tn_register *const *args, tn_register *out, tarn_error *err);
TN_FALLIBLE tn_eval__in(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                        tn_register *out, tarn_error *err);
/* The OR of a column's fault masks, to `words`; false where there is none. */
bool tn_eval__fault_words(const tn_evaluator *ev, const tn_column *column, uint64_t *words);
/* The faults of a column on the rows of `keep` become the result's. */
TN_FALLIBLE tn_eval__keep_faults(tn_evaluator *ev, const tn_column *from, const uint64_t *keep,
                                 tn_register *out, tarn_error *err);

/* ---- evaluate_nested.c ---- */
TN_FALLIBLE tn_eval__field(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                           tn_register *out, tarn_error *err);

/* CASE and COALESCE: rows take[i] of branch i. */
TN_FALLIBLE tn_eval__merge_nested(tn_evaluator *ev, const tn_type *type,
                                  tn_register *const *branches, uint32_t count,
                                  const uint64_t (*take)[TN_ROW_WORDS], tn_register *out,
                                  tarn_error *err);

/* ---- in.c ---- */
TN_FALLIBLE tn_in__build(tn_arena *arena, const tn_expr *expr, const void **out, tarn_error *err);

#endif
