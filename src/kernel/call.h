/*
 * call.h - how a row kernel is called: operands, outputs, a heap for what it writes.
 *
 * A row kernel is a plain function over the rows it is given: selected, and without a null argument
 * unless it asked to see them.  It knows nothing of encodings, batches or programs: the evaluator
 * (expr/) peels dictionaries, broadcasts constants and ANDs null masks around it.  Kernels that the
 * compiler should vectorise have forms of their own (compare.h, arithmetic.h, convert.h).
 *
 * A call belongs to one task.
 */
#ifndef TN_KERNEL_CALL_H
#define TN_KERNEL_CALL_H

#include "column/column.h"

/* Bytes that views point to; taken in pieces, all given back at once by a reset. */
typedef struct tn_heap {
    tn_pool *pool;
    struct tn_heap_block *blocks;
    char *next;
    size_t room;
    size_t used; /* since the reset */
} tn_heap;

void tn_heap_init(tn_heap *heap, tn_pool *pool);
void tn_heap_deinit(tn_heap *heap);
void tn_heap_reset(tn_heap *heap); /* keeps one block, as large as what was used */
TN_FALLIBLE tn_heap_more(tn_heap *heap, size_t size, tarn_error *err);

/* Room for `size` bytes; tn_heap_give_back() returns what was not needed of the last piece. */
static inline tarn_code tn_heap_take(tn_heap *heap, size_t size, char **out, tarn_error *err)
{
    *out = NULL;
    if (size > heap->room || heap->next == NULL) {
        TN_RETURN_IF_ERROR(tn_heap_more(heap, size, err));
    }
    *out = heap->next;
    heap->next += size;
    heap->room -= size;
    heap->used += size;
    return TARN_OK;
}
static inline void tn_heap_give_back(tn_heap *heap, size_t size)
{
    heap->next -= size;
    heap->room += size;
    heap->used -= size;
}

typedef struct tn_operand {
    const void *values;       /* in the declared lane; bits for bool */
    uint32_t mask;            /* the value of a row is values[row & mask]: 0 for a constant */
    const uint64_t *validity; /* of row & mask; NULL: no nulls */
    const tn_column *column;  /* for nested values: its children */
} tn_operand;

typedef struct tn_call {
    const uint16_t *rows; /* positions to compute, ascending; NULL: 0 to count */
    uint32_t count;       /* a kernel whose heap is full lowers this to what it computed */
    uint32_t in_count, batch_rows;
    const tn_operand *in;
    void *values;       /* out, in the declared lane of `type` */
    uint64_t *validity; /* out: all set before */
    uint64_t *faults;   /* out: all clear before */
    bool some_null, some_fault;
    tn_heap *heap;
    size_t heap_bound; /* stop behind the row by which heap->used passes this */
    const tn_type *type;
    const tn_type *const *in_types;
    const void *data;          /* what binding chose */
    void *state;               /* this task's, made by the kernel's open() */
    uint64_t seed, row_base;   /* for random(): of the run, and the order of row 0 */
    const tn_column *children; /* out, for nested results: in the arena */
    tn_arena *arena;           /* lives as long as the result */
} tn_call;

typedef tarn_code tn_kernel_fn(tn_call *call, tarn_error *err);

static inline uint32_t tn_call_row(const tn_call *call, uint32_t i)
{
    return call->rows == NULL ? i : call->rows[i];
}
/* Value `row` of operand k as a C type. */
#define TN_IN(call, k, type, row) (((const type *)(call)->in[k].values)[(row) & (call)->in[k].mask])
#define TN_OUT(call, type, row)   (((type *)(call)->values)[row])

static inline tn_str tn_call_str(const tn_call *call, uint32_t k, uint32_t row)
{
    return tn_view_str(&TN_IN(call, k, tn_view, row));
}
static inline bool tn_call_bool(const tn_call *call, uint32_t k, uint32_t row)
{
    return tn_bit_get((const uint64_t *)call->in[k].values, row & call->in[k].mask);
}
static inline bool tn_call_is_null(const tn_call *call, uint32_t k, uint32_t row)
{
    return call->in[k].validity != NULL &&
           !tn_bit_get(call->in[k].validity, row & call->in[k].mask);
}
static inline void tn_call_null(tn_call *call, uint32_t row)
{
    tn_bit_clear(call->validity, row);
    call->some_null = true;
}
static inline void tn_call_fault(tn_call *call, uint32_t row)
{
    tn_bit_set(call->faults, row);
    call->some_fault = true;
}
static inline void tn_call_put_bool(tn_call *call, uint32_t row, bool value)
{
    tn_bit_put((uint64_t *)call->values, row, value);
}
/* A copy of `text` as the result of `row`. */
static inline tarn_code tn_call_put_str(tn_call *call, uint32_t row, tn_str text, tarn_error *err)
{
    char *to = NULL;
    if (text.size > TN_VIEW_INLINE) {
        TN_RETURN_IF_ERROR(tn_heap_take(call->heap, text.size, &to, err));
        memcpy(to, text.data, text.size);
        text.data = to;
    }
    TN_OUT(call, tn_view, row) = tn_view_of(text.data, text.size);
    return TARN_OK;
}

/* for (each row) { ... }: `row` is the position.  Stops where the heap is full. */
#define TN_EACH(call, row)                                                                      \
    for (uint32_t tn_i = 0, row; tn_i < (call)->count && (row = tn_call_row(call, tn_i), true); \
         tn_call_step(call, ++tn_i))
static inline void tn_call_step(tn_call *call, uint32_t done)
{
    if (__builtin_expect(call->heap->used > call->heap_bound, 0)) {
        call->count = done;
    }
}

#endif
