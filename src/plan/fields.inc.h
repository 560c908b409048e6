/*
 * fields.inc.h - the fields of plan nodes, written once (decision 18).
 *
 * FIELD(kinds, form, member, count): nodes of these kinds use `member`; of lists, `count` says how
 * long they are.  Equality, hashes, walking over expressions, rewriting, EXPLAIN and the JSON form
 * read this list through tn_plan__fields; a field that is not in it is not part of the plan.
 * Children and outputs belong to every kind and stand in no row.
 */
#define ON(kind) (UINT32_C(1) << TN_PLAN_##kind)
#define ON_JOIN  (ON(JOIN) | ON(APPLY))
#define ON_ALL   ((UINT32_C(1) << TN_PLAN_KIND_COUNT) - 1)

FIELD(ON(SCAN), SOURCE, source, source)
FIELD(ON(SCAN), NUMBERS, fields, output_count)
FIELD(ON(SCAN), CONJUNCTS, conjunct_exprs, conjunct_count)
FIELD(ON(SCAN), BOOL, conjuncts_fallible, source)
FIELD(ON(SCAN), U64, row_limit, source)
FIELD(ON(SCAN), REJECTS, rejects, source)
FIELD(ON_JOIN, JOIN_KIND, join, source)
FIELD(ON_JOIN, BOOL, null_aware, source)
FIELD(ON_JOIN, BOOL, build_left, source)
FIELD(ON_JOIN, U32, mark, source)
FIELD(ON_JOIN, PAIRS, pairs, pair_count)
FIELD(ON(AGGREGATE) | ON(DISTINCT), EXPRS, keys, key_count)
FIELD(ON(VALUES), U32, row_count, source)
FIELD(ON(VALUES) | ON(FILTER) | ON(PROJECT) | ON(AGGREGATE) | ON_JOIN | ON(UNNEST), EXPRS, exprs,
      expr_count)
FIELD(ON(FILTER), BOOL, prefilter, source)
FIELD(ON(SORT) | ON(DISTINCT), ORDER, order, order_count)
FIELD(ON(SORT) | ON(LIMIT) | ON(DISTINCT), U64, limit, source)
FIELD(ON(SORT) | ON(LIMIT) | ON(DISTINCT), U64, offset, source)
FIELD(ON(EXCEPT) | ON(INTERSECT), BOOL, all, source)
FIELD(ON(UNNEST), BOOL, outer, source)
FIELD(ON(SHARED), U32, shared_id, source)
FIELD(ON(METER), U32, meter, source)
FIELD(ON(WRITE), SINK, sink, source)
FIELD(ON_ALL, TEXT, label, source)

#undef ON
#undef ON_JOIN
#undef ON_ALL
#undef FIELD
