/* References to sources. */
#include "scan/source.h"

tn_source *tn_source_retain(tn_source *source)
{
    atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void tn_source_release(tn_source *source)
{
    if (source != NULL && atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) == 1) {
        source->ops->destroy(source);
    }
}
