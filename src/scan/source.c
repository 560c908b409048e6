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

size_t tn_scan_tasks_fit(tn_scan *scan, size_t memory)
{
    const size_t each = scan->ops->task_memory == NULL ? 0 : scan->ops->task_memory(scan);
    return each == 0 ? SIZE_MAX : memory / 2 < each ? 1 : memory / 2 / each;
}
