/* Prints docs/functions.md from the registry; a test compares it with what is committed. */
#include "expr/function.h"

#include <stdio.h>

static void cell(const char *text)
{
    for (; text != NULL && *text != 0; text++) {
        if (*text == '|') {
            putchar('\\');
        }
        putchar(*text);
    }
}

int main(void)
{
    static const char *const categories[] = {"operator", "logic", "string", "pattern",
                                             "time",     "math",  "nested", "aggregate"};
    size_t count = 0;
    const tn_function *const *functions = tn_functions(&count);
    printf("# Functions\n\nMade from the registry (`src/expr/functions_*.c`) by "
           "`build/dev/tests/tarn_functions_doc > docs/functions.md`; `SHOW FUNCTIONS` lists the "
           "same. A scalar function of a NULL is NULL unless it says otherwise. Every example of a "
           "scalar function is run as a test.\n");
    for (size_t c = 0; c < sizeof(categories) / sizeof(*categories); c++) {
        printf("\n## %s\n\n| function | | example |\n|---|---|---|\n", categories[c]);
        for (size_t i = 0; i < count; i++) {
            const tn_function *function = functions[i];
            if (strcmp(function->category, categories[c]) != 0) {
                continue;
            }
            printf("| `");
            cell(function->signature);
            printf("`");
            for (size_t k = 0; function->aliases != NULL && function->aliases[k] != NULL; k++) {
                printf("%s`", k == 0 ? "; also " : ", ");
                cell(function->aliases[k]);
                printf("`");
            }
            printf(" | ");
            cell(function->doc);
            printf(" | ");
            if (function->example != NULL) {
                printf("`");
                cell(function->example);
                printf("`");
            }
            if (function->example_result != NULL) {
                printf(" is `");
                cell(function->example_result);
                printf("`");
            }
            printf(" |\n");
        }
    }
    return 0;
}
