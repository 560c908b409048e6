/*
 * Which options a command heeds, in each way that it can be called.  What it does not heed is
 * refused: nobody shall believe that it did something.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

/* How errors and notes look, and what holds for all that runs: known to every command. */
static const char everywhere[] = "set memory threads temp-dir timing stats progress strict quiet "
                                 "log-level log-format color help";

#define ROWS "format output no-header null json-strings max-rows max-width"

/* ---- ways of calling a command ---- */

static bool has(const invocation *in, const char *name)
{
    size_t at = 0;
    return option_each(in, name, &at) != NULL;
}

static bool with_json(const invocation *in)
{
    return has(in, "json");
}

static bool with_step(const invocation *in)
{
    return has(in, "step");
}

static bool to_output(const invocation *in)
{
    return in->word_count > 1 && strcmp(in->words[in->word_count - 1], "-") == 0;
}

static bool from_input(const invocation *in)
{
    return in->word_count > 0 && strcmp(in->words[0], "-") == 0;
}

static bool with_rows(const invocation *in)
{
    return has(in, "format") || has(in, "output");
}

static bool of_uploads(const invocation *in)
{
    return has(in, "uploads");
}

static bool listing_uploads(const invocation *in)
{
    return has(in, "uploads") && has(in, "dry-run");
}

typedef struct way {
    const char *command, *verb;
    bool (*is_it)(const invocation *in); /* NULL: always; the first that fits is it */
    const char *name;                    /* behind the command in messages */
    const char *heeds;                   /* besides what is heeded everywhere */
    const char *hint;                    /* what to do instead of --format and -o */
} way;

static const way ways[] = {
    {"query", NULL, NULL, "", ROWS " param command file", ""},
    {"shell", NULL, with_json, " --json", "json", "a request says it: \"params\", \"max_rows\""},
    {"shell", NULL, NULL, "", ROWS " param", ""},
    {"init", NULL, NULL, "", "", ""},
    {"check", NULL, NULL, "", "param format output", ""},
    {"run", NULL, with_step, " --step", ROWS " param step limit-files", ""},
    {"run", NULL, NULL, "", "param dry-run limit-files no-wait grace watch",
     "--step ID prints rows in any form"},
    {"status", NULL, NULL, "", "param files json format output", ""},
    {"reset", NULL, NULL, "", "param input run yes", ""},
    {"graph", NULL, NULL, "", "param format output", ""},
    {"schema", NULL, NULL, "", ROWS, ""},
    {"head", NULL, NULL, "", ROWS " rows", ""},
    {"meta", NULL, NULL, "", "pages format output", ""},
    {"convert", NULL, to_output, " IN -", ROWS " from to", ""},
    {"convert", NULL, NULL, "", "from to mode",
     "the second word is the output, and --to or its ending the format"},
    {"table", "show", NULL, "", ROWS " version at", ""},
    {"table", "schema", NULL, "", ROWS " version at", ""},
    {"table", "files", NULL, "", ROWS " version at", ""},
    {"table", "detail", NULL, "", ROWS " version at", ""},
    {"table", "history", NULL, "", ROWS " limit", ""},
    {"table", "create", NULL, "", "schema like partition-by property", ""},
    {"table", "write", NULL, "", "mode create partition-by",
     "the table is the output, and an input's format follows its ending"},
    {"table", "checkpoint", NULL, "", "", ""},
    {"ls", NULL, with_rows, " with --format or -o", ROWS " recursive long human", ""},
    {"ls", NULL, NULL, "", "recursive long human", "--format csv, json..."},
    {"cat", NULL, NULL, "", "output recursive", ""},
    {"cp", NULL, from_input, " - TO", "no-clobber if-match", ""},
    {"cp", NULL, to_output, " FROM -", "", ""},
    {"cp", NULL, NULL, "", "recursive jobs no-clobber if-match dry-run", ""},
    {"rm", NULL, listing_uploads, " --uploads --dry-run", ROWS " uploads dry-run", ""},
    {"rm", NULL, of_uploads, " --uploads", "uploads", ""},
    {"rm", NULL, NULL, "", "recursive yes dry-run", ""},
    {"stat", NULL, NULL, "", ROWS, ""},
    {"plot", NULL, NULL, "", "output max-width param kind x y height",
     "'tarn query' prints rows in any form"},
    {"config", NULL, NULL, "", ROWS, ""},
    {"help", NULL, NULL, "", "man completion", ""},
};
enum { WAY_COUNT = sizeof(ways) / sizeof(ways[0]) };

static bool lists(const char *list, const char *name)
{
    const size_t size = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name)) {
        if ((at == list || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static const way *way_of(const invocation *in)
{
    const char *verb = in->word_count > 0 ? in->words[0] : "";
    for (size_t i = 0; i < WAY_COUNT; i++) {
        const way *w = &ways[i];
        if (strcmp(w->command, in->command->name) == 0 &&
            (w->verb == NULL || strcmp(w->verb, verb) == 0) && (w->is_it == NULL || w->is_it(in))) {
            return w;
        }
    }
    return NULL; /* a verb that there is not */
}

/* "'tarn table show', 'tarn table schema'": who heeds it. */
static void put_heeders(const way *w, const char *name, char *out, size_t room)
{
    size_t size = 0;
    out[0] = '\0';
    for (size_t i = 0; i < WAY_COUNT && size < room; i++) {
        const way *other = &ways[i];
        if (strcmp(other->command, w->command) == 0 && lists(other->heeds, name)) {
            const int put = snprintf(out + size, room - size, "%s'tarn %s%s%s%s'",
                                     size == 0 ? "it is for " : ", ", other->command,
                                     other->verb == NULL ? "" : " ",
                                     other->verb == NULL ? "" : other->verb, other->name);
            size += put < 0 ? room : (size_t)put;
        }
    }
}

static int refuse(const invocation *in, const way *w, const char *name)
{
    char hint[256];
    const bool is_form = lists(ROWS, name);
    put_heeders(w, name, hint, sizeof(hint));
    if (is_form && w->hint[0] != '\0') {
        (void)snprintf(hint, sizeof(hint), "%s", w->hint);
    } else if (is_form && hint[0] == '\0') {
        (void)snprintf(hint, sizeof(hint), "leave it out, or redirect standard output");
    }
    return is_form ? usage_error(in, hint, "'tarn %s%s%s%s' has no rows to print, so no --%s",
                                 w->command, w->verb == NULL ? "" : " ",
                                 w->verb == NULL ? "" : w->verb, w->name, name)
                   : usage_error(in, hint, "'tarn %s%s%s%s' has no use for --%s", w->command,
                                 w->verb == NULL ? "" : " ", w->verb == NULL ? "" : w->verb,
                                 w->name, name);
}

int refuse_unheeded(const invocation *in)
{
    const way *w = way_of(in);
    for (size_t i = 0; w != NULL && i < in->given_count; i++) {
        const char *name = in->given[i].option->name;
        if (!lists(everywhere, name) && !lists(w->heeds, name)) {
            return refuse(in, w, name);
        }
    }
    return -1;
}

/* ---- forms of results ---- */

static const struct {
    const char *option, *forms;
} of_forms[] = {
    {"no-header", "csv tsv table box markdown vertical"},
    {"null", "csv tsv table box markdown vertical"},
    {"json-strings", "json jsonl"},
    {"max-rows", "table box markdown vertical"},
    {"max-width", "table box markdown"},
};

bool form_heeds_all(const invocation *in, const char *form, bool packed)
{
    /* What a terminal gets is another form than what a pipe does: a script runs on both. */
    const bool is_chosen = has(in, "format") || has(in, "output");
    for (size_t i = 0; i < sizeof(of_forms) / sizeof(of_forms[0]); i++) {
        const char *name = of_forms[i].option;
        if (!has(in, name) || (!packed && lists(of_forms[i].forms, form)) ||
            (!is_chosen && strcmp(name, "json-strings") != 0)) {
            continue;
        }
        (void)usage_error(in,
                          packed ? "write it as text, or with the options of COPY ... TO"
                                 : "leave it out, or choose another --format",
                          "--%s says nothing of %s%s", name,
                          packed ? "what is written compressed, " : "the format ", form);
        return false;
    }
    return true;
}
