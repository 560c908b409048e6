/* Operators and predicates: what SQL writes between or behind its operands. */
#include "expr/expr_internal.h"
#include "kernel/arithmetic.h"

static tarn_code resolve_not(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(
        tn_coerce__to(binder->context, binder->children[0], TN_BOOLEAN, &binder->children[0], err));
    binder->bound->form = TN_FORM_NOT;
    binder->type = TN_BOOLEAN;
    return TARN_OK;
}

static tarn_code resolve_null_test(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    binder->bound->form = (tn_form)binder->function->binding->op;
    binder->type = TN_BOOLEAN;
    return TARN_OK;
}

static tarn_code resolve_truth(tn_binder *binder, tarn_error *err)
{
    TN_RETURN_IF_ERROR(resolve_not(binder, err));
    binder->bound->form = TN_FORM_TRUTH;
    binder->bound->op = binder->function->binding->op;
    return TARN_OK;
}

#define COMPARE(op_)                              \
    &(const tn_function_binding)                  \
    {                                             \
        .resolve = tn_rules__compare, .op = (op_) \
    }
#define NULL_TEST(op_)                            \
    &(const tn_function_binding)                  \
    {                                             \
        .resolve = resolve_null_test, .op = (op_) \
    }
#define TRUTH(op_)                            \
    &(const tn_function_binding)              \
    {                                         \
        .resolve = resolve_truth, .op = (op_) \
    }

static const tn_function functions[] = {
    {.name = "=",
     .aliases = TN_ALIASES("=="),
     .category = "operator",
     .signature = "a = b -> BOOLEAN",
     .doc = "Equal; NaN equals itself, NULL makes NULL.",
     .example = "1 = 1.0",
     .example_result = "true",
     .cost = 1,
     .binding = COMPARE(TN_COMPARE_EQ)},
    {.name = "<>",
     .aliases = TN_ALIASES("!="),
     .category = "operator",
     .signature = "a <> b -> BOOLEAN",
     .doc = "Not equal.",
     .example = "'a' <> 'b'",
     .example_result = "true",
     .cost = 1,
     .binding = COMPARE(TN_COMPARE_NE)},
    {.name = "<",
     .category = "operator",
     .signature = "a < b -> BOOLEAN",
     .doc = "Less, in the type's order: text by bytes, NaN above all numbers.",
     .example = "DATE '2001-01-01' < '2001-02-01'",
     .example_result = "true",
     .cost = 1,
     .binding = COMPARE(TN_COMPARE_LT)},
    {.name = "<=",
     .category = "operator",
     .signature = "a <= b -> BOOLEAN",
     .doc = "Less or equal.",
     .example = "2 <= 2",
     .example_result = "true",
     .cost = 1,
     .binding = COMPARE(TN_COMPARE_LE)},
    {.name = ">",
     .category = "operator",
     .signature = "a > b -> BOOLEAN",
     .doc = "Greater.",
     .example = "'b' > 'a'",
     .example_result = "true",
     .cost = 1,
     .binding = COMPARE(TN_COMPARE_GT)},
    {.name = ">=",
     .category = "operator",
     .signature = "a >= b -> BOOLEAN",
     .doc = "Greater or equal.",
     .example = "1 >= 2",
     .example_result = "false",
     .cost = 1,
     .binding = COMPARE(TN_COMPARE_GE)},
    {.name = "is_distinct_from",
     .category = "operator",
     .signature = "a IS DISTINCT FROM b -> BOOLEAN",
     .doc = "Not equal, where NULL equals NULL and nothing else.",
     .example = "1 IS DISTINCT FROM NULL",
     .example_result = "true",
     .cost = 1,
     .sees_null = true,
     .binding = COMPARE(TN_COMPARE_DISTINCT)},
    {.name = "is_not_distinct_from",
     .category = "operator",
     .signature = "a IS NOT DISTINCT FROM b -> BOOLEAN",
     .doc = "Equal, where NULL equals NULL and nothing else.",
     .example = "NULL IS NOT DISTINCT FROM NULL",
     .example_result = "true",
     .cost = 1,
     .sees_null = true,
     .binding = COMPARE(TN_COMPARE_NOT_DISTINCT)},
    {.name = "not",
     .category = "operator",
     .signature = "NOT a -> BOOLEAN",
     .doc = "The other truth value; NULL stays NULL.",
     .example = "NOT false",
     .example_result = "true",
     .cost = 1,
     .binding = &(const tn_function_binding){.resolve = resolve_not}},
    {.name = "is_null",
     .category = "operator",
     .signature = "a IS NULL -> BOOLEAN",
     .doc = "Is there no value?",
     .example = "NULL IS NULL",
     .example_result = "true",
     .cost = 1,
     .sees_null = true,
     .binding = NULL_TEST(TN_FORM_IS_NULL)},
    {.name = "is_not_null",
     .category = "operator",
     .signature = "a IS NOT NULL -> BOOLEAN",
     .doc = "Is there a value?",
     .example = "1 IS NOT NULL",
     .example_result = "true",
     .cost = 1,
     .sees_null = true,
     .binding = NULL_TEST(TN_FORM_IS_NOT_NULL)},
    {.name = "is_true",
     .category = "operator",
     .signature = "a IS TRUE -> BOOLEAN",
     .doc = "True, and not NULL.",
     .example = "(1 = 1) IS TRUE",
     .example_result = "true",
     .cost = 1,
     .sees_null = true,
     .binding = TRUTH(TN_IS_TRUE)},
    {.name = "is_not_true",
     .category = "operator",
     .signature = "a IS NOT TRUE -> BOOLEAN",
     .doc = "False or NULL.",
     .example = "(NULL = 1) IS NOT TRUE",
     .example_result = "true",
     .cost = 1,
     .sees_null = true,
     .binding = TRUTH(TN_IS_NOT_TRUE)},
    {.name = "is_false",
     .category = "operator",
     .signature = "a IS FALSE -> BOOLEAN",
     .doc = "False, and not NULL.",
     .example = "(1 = 2) IS FALSE",
     .example_result = "true",
     .cost = 1,
     .sees_null = true,
     .binding = TRUTH(TN_IS_FALSE)},
    {.name = "is_not_false",
     .category = "operator",
     .signature = "a IS NOT FALSE -> BOOLEAN",
     .doc = "True or NULL.",
     .example = "(1 = 2) IS NOT FALSE",
     .example_result = "false",
     .cost = 1,
     .sees_null = true,
     .binding = TRUTH(TN_IS_NOT_FALSE)},
};

const tn_function_list tn__operator_functions = {functions, sizeof(functions) / sizeof(*functions),
                                                 NULL};
