/* tarn shell */
#include "commands.h"

int run_shell(invocation *in)
{
    return option_is_set(in, "json")
               ? serve_json(in)
               : usage_error(in, "tarn shell --json", "the interactive shell is not built yet");
}
