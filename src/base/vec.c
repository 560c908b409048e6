#include "base/vec.h"

#include "base/size.h"

#include <string.h>

enum { FIRST_ITEMS = 8 };

tarn_code tn_vec_grow(tn_pool *pool, void **items, size_t *capacity, size_t count, size_t more,
                      size_t item_size, tarn_error *err)
{
    size_t needed;
    size_t bytes;
    void *memory;

    if (!tn_size_add(count, more, &needed)) {
        return tn_fail(err, TARN_E_NOMEM, "%zu items more are too many", more);
    }
    if (needed <= *capacity) {
        return TARN_OK;
    }
    needed = tn_max_size(tn_max_size(FIRST_ITEMS, needed), *capacity + *capacity / 2);
    if (!tn_size_mul(needed, item_size, &bytes)) {
        return tn_fail(err, TARN_E_NOMEM, "%zu items are too many", needed);
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, bytes, &memory, err));
    if (count > 0) {
        memcpy(memory, *items, count * item_size);
    }
    tn_pool_free(pool, *items, *capacity * item_size);
    *items = memory;
    *capacity = needed;
    return TARN_OK;
}
