/* Which conjuncts bounds can refute: the one place where files, row groups and pages are pruned. */
#include "scan/source.h"

/* Is the value above every bound-abiding one, or below? */
static bool outside(const tn_value *value, const tn_column_statistics *statistics)
{
    return tn_value_compare(value, &statistics->min) < 0 ||
           tn_value_compare(value, &statistics->max) > 0;
}

static bool all_outside(const tn_conjunct *conjunct, const tn_column_statistics *statistics)
{
    for (uint32_t i = 0; i < conjunct->value_count; i++) {
        if (!outside(&conjunct->values[i], statistics)) {
            return false;
        }
    }
    return true;
}

static bool prefix_outside(tn_str prefix, const tn_column_statistics *statistics)
{
    const tn_str min = statistics->min.str;
    const tn_str max = statistics->max.str;
    return tn_str_compare(max, prefix) < 0 ||
           (tn_str_compare(min, prefix) > 0 && !tn_str_starts(min, prefix));
}

static bool comparable(const tn_conjunct *conjunct, const tn_column_statistics *statistics)
{
    const tn_type *type = statistics->min.type;
    if (statistics->bounds == TN_UNKNOWN || statistics->min.is_null || statistics->max.is_null ||
        type == NULL || statistics->max.type != type) {
        return false;
    }
    for (uint32_t i = 0; i < conjunct->value_count; i++) {
        if (conjunct->values[i].type != type || conjunct->values[i].is_null) {
            return false;
        }
    }
    return conjunct->op == TN_OP_IN || conjunct->value_count == 1;
}

bool tn_conjunct_excludes(const tn_conjunct *conjunct, const tn_column_statistics *statistics,
                          uint64_t rows)
{
    const bool nulls_known = statistics->nulls == TN_EXACT;
    if (conjunct->op == TN_OP_IS_NULL) {
        return nulls_known && statistics->null_count == 0;
    }
    /* Everything else is false or null for a null. */
    if (nulls_known && rows > 0 && statistics->null_count == rows) {
        return true;
    }
    if (conjunct->op == TN_OP_IS_NOT_NULL) {
        return false;
    }
    if (conjunct->op == TN_OP_IN && conjunct->value_count == 0) {
        return true;
    }
    if (!comparable(conjunct, statistics)) {
        return false;
    }
    const tn_value *value = &conjunct->values[0];
    switch (conjunct->op) {
    case TN_OP_EQ:
    case TN_OP_IN:
        return all_outside(conjunct, statistics);
    case TN_OP_NE:
        return tn_value_compare(value, &statistics->min) == 0 &&
               tn_value_compare(value, &statistics->max) == 0;
    case TN_OP_LT:
        return tn_value_compare(&statistics->min, value) >= 0;
    case TN_OP_LE:
        return tn_value_compare(&statistics->min, value) > 0;
    case TN_OP_GT:
        return tn_value_compare(&statistics->max, value) <= 0;
    case TN_OP_GE:
        return tn_value_compare(&statistics->max, value) < 0;
    case TN_OP_STARTS_WITH:
        return tn_type_is_string(value->type) && prefix_outside(value->str, statistics);
    case TN_OP_IS_NULL:
    case TN_OP_IS_NOT_NULL:
    default:
        return false;
    }
}
