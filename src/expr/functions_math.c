/* Arithmetic. */
#include "expr/expr_internal.h"
#include "kernel/arithmetic.h"

#define ARITHMETIC(op_)                              \
    &(const tn_function_binding)                     \
    {                                                \
        .resolve = tn_rules__arithmetic, .op = (op_) \
    }

static const tn_function functions[] = {
    {.name = "+",
     .category = "operator",
     .signature = "a + b",
     .doc = "The sum.",
     .example = "1 + 2",
     .example_result = "3",
     .cost = 1,
     .can_fail = true,
     .binding = ARITHMETIC(TN_ARITHMETIC_ADD)},
    {.name = "-",
     .aliases = TN_ALIASES("negate"),
     .category = "operator",
     .signature = "a - b, -a",
     .doc = "The difference.",
     .example = "1 - 2",
     .example_result = "-1",
     .cost = 1,
     .can_fail = true,
     .binding = ARITHMETIC(TN_ARITHMETIC_SUBTRACT)},
    {.name = "*",
     .category = "operator",
     .signature = "a * b",
     .doc = "The product.",
     .example = "2 * 3",
     .example_result = "6",
     .cost = 1,
     .can_fail = true,
     .binding = ARITHMETIC(TN_ARITHMETIC_MULTIPLY)},
    {.name = "/",
     .category = "operator",
     .signature = "a / b",
     .doc = "The quotient; between integers it is cut towards zero.",
     .example = "7 / 2",
     .example_result = "3",
     .cost = 2,
     .can_fail = true,
     .binding = ARITHMETIC(TN_ARITHMETIC_DIVIDE)},
    {.name = "%",
     .aliases = TN_ALIASES("mod"),
     .category = "operator",
     .signature = "a % b",
     .doc = "The rest, with a's sign.",
     .example = "7 % 2",
     .example_result = "1",
     .cost = 2,
     .can_fail = true,
     .binding = ARITHMETIC(TN_ARITHMETIC_REMAINDER)},
};
const tn_function_list tn__math_functions = {functions, sizeof(functions) / sizeof(*functions)};
const tn_function_list tn__string_functions, tn__pattern_functions, tn__time_functions,
    tn__nested_functions;
