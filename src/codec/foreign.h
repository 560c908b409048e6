/* foreign.h - memory of a pool for libraries that bring their own idea of malloc and free. */
#ifndef TN_CODEC_FOREIGN_H
#define TN_CODEC_FOREIGN_H

#include "base/pool.h"

/* `pool` is a tn_pool; the size lies before the block, as free does not know it. */
void *tn_foreign_alloc(void *pool, size_t size);
void *tn_foreign_alloc_array(void *pool, unsigned count, unsigned size); /* zlib's form */
void tn_foreign_free(void *pool, void *memory);

#endif
