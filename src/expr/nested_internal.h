/* nested_internal.h - what the kernels of lists share: elements read, and gathered to new lists. */
#ifndef TN_EXPR_NESTED_INTERNAL_H
#define TN_EXPR_NESTED_INTERNAL_H

#include "column/chunk.h"
#include "expr/expr_internal.h"

enum { ELEMENTS_MAX = 1 << 28 };

/* ---- elements being gathered: the state of a kernel ---- */

typedef struct gathered {
    tn_pool *pool;
    tn_chunk_builder *builders[2]; /* the elements; a map's values */
    tn_chunk *chunks[2];
} gathered;

tarn_code tn_gather__open(const tn_bound_call *bound, const tn_value *const *constants,
                          tn_pool *pool, void **state, tarn_error *err);
void tn_gather__close(void *opaque, tn_pool *pool);
TN_FALLIBLE tn_gather__begin(tn_call *call, tarn_error *err);
TN_FALLIBLE tn_gather__put(tn_call *call, uint32_t which, const tn_value *value, tarn_error *err);
uint32_t tn_gather__count(const tn_call *call); /* so far */
TN_FALLIBLE tn_gather__end(tn_call *call, tarn_error *err);

#define GATHER(run_)                                                      \
    {                                                                     \
        .run = (run_), .open = tn_gather__open, .close = tn_gather__close \
    }

/* ---- reading lists ---- */

static inline tn_list tn_list__at(const tn_call *call, uint32_t k, uint32_t row)
{
    return TN_IN(call, k, tn_list, row);
}
static inline const tn_column *tn_list__elements(const tn_call *call, uint32_t k, uint32_t field)
{
    return &call->in[k].column->children[field];
}
TN_FALLIBLE tn_list__element(tn_call *call, const tn_column *elements, uint32_t at, tn_value *out,
                             tarn_error *err);
/* Where the element that the row asks for stands; UINT32_MAX: nowhere. */
typedef tarn_code tn_element_at(tn_call *call, uint32_t row, uint32_t *at, tarn_error *err);
/* The result of each row is the element (of that field) that `find` names. */
TN_FALLIBLE tn_list__extract(tn_call *call, uint32_t field, tn_element_at *find, tarn_error *err);
/* Argument i must be a list. */
TN_FALLIBLE tn_list__need(const tn_binder *binder, uint32_t i, tarn_error *err);

extern const tn_function_list tn__list_functions;

#endif
