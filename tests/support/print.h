/* print.h - rows as JSON, for tests that compare them: dates and times as the integers they are,
 * decimals unscaled (wide ones as hexadecimal), bytes as hexadecimal. */
#ifndef TN_TESTS_PRINT_H
#define TN_TESTS_PRINT_H

#include "base/text.h"
#include "column/column.h"

void test_print_string(tn_text *to, tn_str text);
void test_print_row(tn_text *to, const tn_batch *batch, uint32_t row);

#endif
