/*
 * sql_catalogue.h - a catalogue for tests of the binder: tables without rows, views, a function.
 */
#ifndef TN_TESTS_SQL_CATALOGUE_H
#define TN_TESTS_SQL_CATALOGUE_H

#include "sql/sql.h"

enum { TEST_TABLES = 4 };

typedef struct test_catalogue {
    tn_catalogue base;
    tn_source sources[TEST_TABLES];
} test_catalogue;

/*
 * Tables t (a INTEGER, b INTEGER, s VARCHAR, d DATE), u (a INTEGER, c BIGINT), flights (origin
 * VARCHAR, delay INTEGER, "Month" INTEGER), nested (id INTEGER, tags VARCHAR[]); views v, loop,
 * bad; the function rows(n => ...) and every URI that ends in .csv are flights.
 */
void test_catalogue_init(test_catalogue *catalogue);

#endif
