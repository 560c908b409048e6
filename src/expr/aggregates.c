#include "expr/aggregate_internal.h"
const tn_aggregate_ops tn_aggregate__count, tn_aggregate__sum_small, tn_aggregate__sum_wide,
    tn_aggregate__sum_float, tn_aggregate__sum_interval, tn_aggregate__avg_decimal,
    tn_aggregate__avg_integer, tn_aggregate__avg_float, tn_aggregate__avg_interval,
    tn_aggregate__bool_and, tn_aggregate__bool_or, tn_aggregate__approximate,
    tn_aggregate__quantile_cont, tn_aggregate__quantile_disc, tn_aggregate__mode,
    tn_aggregate__string_agg, tn_aggregate__array_agg;
const tn_aggregate_ops *tn_aggregate__extreme(tn_lane lane, bool max)
{
    (void)lane;
    (void)max;
    return &tn_aggregate__count;
}
const tn_aggregate_ops *tn_aggregate__moments(uint8_t op)
{
    (void)op;
    return &tn_aggregate__count;
}
const tn_aggregate_ops *tn_aggregate__pair(uint8_t op)
{
    (void)op;
    return &tn_aggregate__count;
}
const tn_aggregate_ops *tn_aggregate__one_of(uint8_t op)
{
    (void)op;
    return &tn_aggregate__count;
}
