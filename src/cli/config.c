/* tarn config: every setting, its value and where it came from. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

int run_config(invocation *in)
{
    int code;
    if (in->word_count > 0) {
        return usage_error(in, "tarn config --set memory=1GB shows what it would be",
                           "tarn config takes no words");
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    return run_sql(in, "SHOW ALL", strlen("SHOW ALL"));
}
