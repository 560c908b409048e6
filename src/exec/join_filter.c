/* What a build side or a top-n tells the scan of the other side. */
#include "exec/join_filter_internal.h"

typedef struct filter {
    tn_dynamic_filter base;
    tn_pool *pool;
    uint32_t field;
    const tn_type *type;
    pthread_mutex_t lock; /* guards what follows */
    bool has_min, has_max, has_values;
    tn_value min, max;
    uint32_t count;
    tn_value values[TN_FILTER_IN_MAX];
} filter;

static void visit(tn_dynamic_filter *base, void (*see)(void *context, const tn_conjunct *conjunct),
                  void *context)
{
    filter *self = (filter *)base;
    pthread_mutex_lock(&self->lock);
    if (self->has_min) {
        see(context, &(tn_conjunct){self->field, TN_OP_GE, 1, &self->min});
    }
    if (self->has_max) {
        see(context, &(tn_conjunct){self->field, TN_OP_LE, 1, &self->max});
    }
    if (self->has_values) {
        see(context, &(tn_conjunct){self->field, TN_OP_IN, self->count, self->values});
    }
    pthread_mutex_unlock(&self->lock);
}

tarn_code tn_join_filter_create(tn_pool *pool, uint32_t field, const tn_type *type,
                                tn_dynamic_filter **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(filter), &memory, err));
    filter *self = memory;
    self->base.visit = visit;
    self->pool = pool;
    self->field = field;
    self->type = type;
    pthread_mutex_init(&self->lock, NULL);
    *out = &self->base;
    return TARN_OK;
}

void tn_join_filter_destroy(tn_dynamic_filter *base)
{
    filter *self = (filter *)base;
    if (self != NULL) {
        pthread_mutex_destroy(&self->lock);
        tn_pool_free(self->pool, self, sizeof(*self));
    }
}

void tn_join_filter__bounds(tn_dynamic_filter *base, const tn_value *min, const tn_value *max)
{
    filter *self = (filter *)base;
    bool changed = false;
    pthread_mutex_lock(&self->lock);
    if (min != NULL && (!self->has_min || tn_value_compare(min, &self->min) > 0)) {
        self->min = *min;
        self->has_min = changed = true;
    }
    if (max != NULL && (!self->has_max || tn_value_compare(max, &self->max) < 0)) {
        self->max = *max;
        self->has_max = changed = true;
    }
    pthread_mutex_unlock(&self->lock);
    if (changed) {
        atomic_fetch_add(&self->base.version, 1);
    }
}

void tn_join_filter__values(tn_dynamic_filter *base, const tn_value *values, uint32_t count)
{
    filter *self = (filter *)base;
    pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < count; i++) {
        self->values[i] = values[i];
    }
    self->count = count;
    self->has_values = true;
    pthread_mutex_unlock(&self->lock);
    atomic_fetch_add(&self->base.version, 1);
}

void tn_join_filter__nothing(tn_dynamic_filter *base)
{
    tn_join_filter__values(base, NULL, 0);
}
