/* operand.h - values of two operands in the one order of their type, for kernels that look at one
 * row at a time. */
#ifndef TN_KERNEL_OPERAND_H
#define TN_KERNEL_OPERAND_H

#include "column/value.h"
#include "kernel/call.h"

int tn_operand_compare(const tn_operand *a, uint32_t a_row, const tn_operand *b, uint32_t b_row,
                       const tn_type *type);
/* The value of a row; strings and nested values are borrowed. `scratch` holds a nested one. */
void tn_operand_value(const tn_operand *operand, uint32_t row, const tn_type *type,
                      tn_column *scratch, tn_value *out);

/* The same of operand k of a call; structs are made in its arena. */
TN_FALLIBLE tn_call_value(tn_call *call, uint32_t k, uint32_t row, tn_column *scratch,
                          tn_value *out, tarn_error *err);

#endif
