/* What stands on the command line: options, words, and what they mean in the environment. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { NAME_SIZE_MAX = 64 };

/* Promised, not built yet: who asks for one deserves better than a guess. */
static const char *const planned[] = {"mv", "sign", "sync", NULL};

static const char *const planned_formats[] = {"arrow", "avro", "orc", NULL};

bool is_planned_format(const char *name)
{
    size_t i = 0;
    while (planned_formats[i] != NULL && strcasecmp(name, planned_formats[i]) != 0) {
        i++;
    }
    return planned_formats[i] != NULL;
}

/* How many letters must be added, dropped or changed; long names count as far away. */
static size_t distance(const char *from, const char *to)
{
    size_t row[NAME_SIZE_MAX];
    const size_t from_size = strlen(from);
    const size_t to_size = strlen(to);

    if (from_size >= NAME_SIZE_MAX || to_size >= NAME_SIZE_MAX) {
        return NAME_SIZE_MAX;
    }
    for (size_t j = 0; j <= to_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= from_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= to_size; j++) {
            const size_t changed = diagonal + (from[i - 1] != to[j - 1]);
            const size_t moved = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = changed < moved ? changed : moved;
        }
    }
    return row[to_size];
}

const char *nearest_of(const char *name, const char *const *names)
{
    const char *nearest = NULL;
    size_t best = 2 + strlen(name) / 3;
    for (size_t i = 0; names[i] != NULL; i++) {
        const size_t away = distance(name, names[i]);
        if (away < best) {
            best = away;
            nearest = names[i];
        }
    }
    return nearest;
}

/* ---- finding ---- */

static const option *find_in(const option *options, const char *name, size_t size, char letter)
{
    for (; options != NULL && options->name != NULL; options++) {
        if ((size > 0 && strlen(options->name) == size && memcmp(options->name, name, size) == 0) ||
            (letter != 0 && options->letter == letter)) {
            return options;
        }
    }
    return NULL;
}

static const option *find_option(const command *about, const char *name, size_t size, char letter)
{
    const option *own = about == NULL ? NULL : find_in(about->options, name, size, letter);
    return own != NULL ? own : find_in(common_options, name, size, letter);
}

static const command *find_command(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int unknown_option(const invocation *in, const char *given_name, size_t size)
{
    const char *names[128];
    char hint[160];
    char name[NAME_SIZE_MAX];
    size_t count = 0;
    const option *lists[] = {in->command == NULL ? NULL : in->command->options, common_options};
    for (size_t i = 0; i < 2; i++) {
        for (const option *o = lists[i]; o != NULL && o->name != NULL && count < 127; o++) {
            if (o->doc != NULL) {
                names[count++] = o->name;
            }
        }
    }
    names[count++] = "version";
    names[count] = NULL;
    (void)snprintf(name, sizeof(name), "%.*s", (int)size, given_name);
    const char *bare = name + strspn(name, "-");
    const char *near = nearest_of(bare, names);
    if (near != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean '--%s'?", near);
    } else if (in->command != NULL) {
        (void)snprintf(hint, sizeof(hint), "'tarn help %s' lists what there is", in->command->name);
    } else {
        (void)snprintf(hint, sizeof(hint), "'tarn help' lists what there is");
    }
    return usage_error(in, hint, "no option named '%s'", name);
}

static int unknown_command(const invocation *in, const char *name)
{
    const char *names[64];
    char hint[96] = "'tarn help' lists what there is";
    size_t count = 0;
    for (size_t i = 0; planned[i] != NULL; i++) {
        if (strcmp(name, planned[i]) == 0) {
            return not_built(in,
                             strcmp(name, "mv") == 0     ? "'tarn cp' and then 'tarn rm'"
                             : strcmp(name, "sync") == 0 ? "'tarn cp -r' copies all of a folder"
                                                         : "",
                             "'%s' is not built yet", name);
        }
    }
    for (size_t i = 0; i < command_count; i++) {
        names[count++] = commands[i].name;
    }
    names[count] = NULL;
    const char *near = nearest_of(name, names);
    if (near != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
    }
    return usage_error(in, hint, "no command named '%s'", name);
}

const command *command_named(const invocation *in, const char *name)
{
    const command *found = find_command(name);
    if (found == NULL) {
        (void)unknown_command(in, name);
    }
    return found;
}

/* ---- values ---- */

/* "a|b|c": is the value one of them? */
static bool is_choice(const option *o)
{
    return o->argument != NULL && strchr(o->argument, '|') != NULL;
}

static int check_choice(const invocation *in, const option *o, const char *value, const char *said)
{
    char list[256];
    char hint[320];
    const char *names[24];
    size_t count = 0;
    if (!is_choice(o)) {
        return -1;
    }
    (void)snprintf(list, sizeof(list), "%s", o->argument);
    for (char *at = list; at != NULL && count < 23;) {
        char *end = strchr(at, '|');
        if (end != NULL) {
            *end++ = '\0';
        }
        if (strcmp(at, value) == 0) {
            return -1;
        }
        names[count++] = at;
        at = end;
    }
    names[count] = NULL;
    const bool is_format = strcmp(o->name, "format") == 0 || strcmp(o->name, "from") == 0 ||
                           strcmp(o->name, "to") == 0;
    for (size_t i = 0; is_format && planned_formats[i] != NULL; i++) {
        if (strcmp(value, planned_formats[i]) == 0) {
            (void)snprintf(hint, sizeof(hint), "it takes one of %s", o->argument);
            return not_built(in, hint, "the format '%s' is not built yet", value);
        }
    }
    const char *near = nearest_of(value, names);
    if (near != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
    } else {
        (void)snprintf(hint, sizeof(hint), "it takes one of %s", o->argument);
    }
    return usage_error(in, hint, "'%s' is no value of %s", value, said);
}

static int take(invocation *in, const option *o, const char *value)
{
    char said[NAME_SIZE_MAX + 2];
    (void)snprintf(said, sizeof(said), "--%s", o->name);
    const int code = check_choice(in, o, value, said);
    if (code >= 0) {
        return code;
    }
    if (in->given_count == GIVEN_MAX) {
        return usage_error(in, "", "more than %d options", GIVEN_MAX);
    }
    in->given[in->given_count++] = (given){o, value};
    return -1;
}

/* ---- the command line ---- */

typedef struct line {
    invocation *in;
    char **arguments;
    int count, at;
    int words;
} line;

static int take_long(line *l)
{
    const char *name = l->arguments[l->at] + 2;
    const char *equals = strchr(name, '=');
    const size_t size = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const option *o = find_option(l->in->command, name, size, 0);
    if (o == NULL && size == 7 && strncmp(name, "version", size) == 0) {
        return l->words == 0 && l->at + 1 == l->count
                   ? put_version()
                   : usage_error(l->in, "tarn table show URI --version N",
                                 "'tarn %s' has no --version: 'tarn table' reads older versions",
                                 l->in->command->name);
    }
    if (o == NULL) {
        return unknown_option(l->in, l->arguments[l->at], size + 2);
    }
    if (o->argument == NULL) {
        return equals != NULL ? usage_error(l->in, "", "--%s takes no value", o->name)
                              : take(l->in, o, "");
    }
    if (equals != NULL) {
        return take(l->in, o, equals + 1);
    }
    if (l->at + 1 >= l->count) {
        return usage_error(l->in, "", "--%s needs a value: %s", o->name, o->argument);
    }
    return take(l->in, o, l->arguments[++l->at]);
}

static int take_short(line *l)
{
    const char *letters = l->arguments[l->at] + 1;
    for (; *letters != '\0'; letters++) {
        const option *o = find_option(l->in->command, "", 0, *letters);
        if (o == NULL) {
            const char text[] = {'-', *letters, '\0'};
            return unknown_option(l->in, text, 2);
        }
        if (o->argument == NULL) {
            const int code = take(l->in, o, "");
            if (code >= 0) {
                return code;
            }
            continue;
        }
        if (letters[1] != '\0') {
            return take(l->in, o, letters + 1);
        }
        if (l->at + 1 >= l->count) {
            return usage_error(l->in, "", "-%c needs a value: %s", *letters, o->argument);
        }
        return take(l->in, o, l->arguments[++l->at]);
    }
    return -1;
}

/* SQL may begin with a comment: "-- by day". */
static bool is_comment(const char *text)
{
    return text[0] == '-' && text[1] == '-' && text[2] != '\0' && strchr(" \t\n", text[2]) != NULL;
}

static bool is_word(const char *text)
{
    return text[0] != '-' || text[1] == '\0' || is_comment(text);
}

/* `tarn --format csv query ...`: which command is it?  The first word that is no option's value;
 * without one, SQL is asked for. */
static int choose_command(invocation *in, int count, char **arguments, int *word)
{
    const command *query = find_command("query");
    *word = -1;
    for (int i = 0; i < count; i++) {
        const char *text = arguments[i];
        if (strcmp(text, "--version") == 0) {
            return put_version();
        }
        if (is_word(text) || strcmp(text, "--") == 0) {
            if (text[0] == '-' && !is_comment(text)) { /* `tarn -`: SQL from standard input */
                break;
            }
            in->command = find_command(text);
            *word = i;
            return in->command == NULL ? unknown_command(in, text) : -1;
        }
        const bool is_long = text[1] == '-';
        const size_t size = is_long ? strcspn(text + 2, "=") : 0;
        const option *o = find_option(query, text + 2, size, is_long ? 0 : text[1]);
        if (o == NULL) {
            return unknown_option(in, text, is_long ? size + 2 : 2);
        }
        if (o->argument != NULL && text[is_long ? size + 2 : 2] == '\0') {
            i++;
        }
        if (find_in(query->options, o->name, strlen(o->name), 0) != NULL) {
            in->command = query; /* -c, -f: a query's own */
            return -1;
        }
    }
    const bool talks = *word < 0 && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    in->command = talks && !(count > 0 && strcmp(arguments[count - 1], "-") == 0)
                      ? find_command("shell")
                      : query;
    return -1;
}

int read_arguments(invocation *in, int count, char **arguments)
{
    line l = {.in = in, .arguments = arguments, .count = count};
    int word;
    bool only_words = false;
    int code = choose_command(in, count, arguments, &word);
    for (; l.at < count && code < 0; l.at++) {
        char *text = arguments[l.at];
        if (l.at == word) {
            continue;
        }
        if (only_words || is_word(text)) {
            arguments[l.words++] = text;
        } else if (strcmp(text, "--") == 0) {
            only_words = true;
        } else {
            code = text[1] == '-' ? take_long(&l) : take_short(&l);
        }
    }
    in->words = arguments;
    in->word_count = (size_t)l.words;
    return code;
}

/* ---- asking ---- */

enum { VARIABLE_SIZE = NAME_SIZE_MAX + 8 };

/* TARN_MAX_ROWS of max-rows. */
static const char *variable_of(const char *name, char *out)
{
    size_t at = strlen("TARN_");
    memcpy(out, "TARN_", at);
    for (const char *c = name; *c != '\0' && at + 1 < VARIABLE_SIZE; c++) {
        out[at++] = (char)(*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - ('a' - 'A') : *c);
    }
    out[at] = '\0';
    return out;
}

static const char *from_environment(const char *name)
{
    char variable[VARIABLE_SIZE];
    const char *value = getenv(variable_of(name, variable));
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Who said it, for messages: "--max-rows", or the variable. */
static const char *sayer_of(const invocation *in, const char *name, char *out)
{
    size_t at = 0;
    if (option_each(in, name, &at) == NULL) {
        return variable_of(name, out);
    }
    (void)snprintf(out, VARIABLE_SIZE, "--%s", name);
    return out;
}

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words != NULL && strcasecmp(text, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

static const char *const words_for_yes[] = {"1", "true", "on", "yes", NULL};
static const char *const words_for_no[] = {"0", "false", "off", "no", NULL};

int check_environment(const invocation *in)
{
    const option *lists[] = {in->command->options, common_options};
    char variable[VARIABLE_SIZE];
    for (size_t i = 0; i < 2; i++) {
        for (const option *o = lists[i]; o != NULL && o->name != NULL; o++) {
            const char *value = from_environment(o->name);
            int code = -1;
            if (value != NULL && o->argument != NULL) {
                code = check_choice(in, o, value, variable_of(o->name, variable));
            } else if (value != NULL && !is_one_of(value, words_for_yes) &&
                       !is_one_of(value, words_for_no)) {
                code = usage_error(in, "1, true, on or yes; 0, false, off or no",
                                   "'%s' is no value of %s", value, variable_of(o->name, variable));
            }
            if (code >= 0) {
                return code;
            }
        }
    }
    return -1;
}

const char *option_text(const invocation *in, const char *name)
{
    for (size_t i = in->given_count; i-- > 0;) {
        if (strcmp(in->given[i].option->name, name) == 0) {
            return in->given[i].value;
        }
    }
    return from_environment(name);
}

bool option_is_set(const invocation *in, const char *name)
{
    const char *text = option_text(in, name);
    return text != NULL && !is_one_of(text, words_for_no);
}

const char *option_each(const invocation *in, const char *name, size_t *at)
{
    while (*at < in->given_count) {
        const given *each = &in->given[(*at)++];
        if (strcmp(each->option->name, name) == 0) {
            return each->value;
        }
    }
    return NULL;
}

bool option_number(const invocation *in, const char *name, uint64_t otherwise, uint64_t *out)
{
    char *end;
    char said[VARIABLE_SIZE];
    const char *text = option_text(in, name);
    *out = otherwise;
    if (text == NULL) {
        return true;
    }
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && (errno == ERANGE || *out > INT64_MAX)) {
        (void)usage_error(in, "", "'%s' is no value of %s: it is too large", text,
                          sayer_of(in, name, said));
        return false;
    }
    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        (void)usage_error(in, "", "'%s' is no value of %s: a number is wanted", text,
                          sayer_of(in, name, said));
        return false;
    }
    return true;
}

bool option_duration(const invocation *in, const char *name, unsigned otherwise_ms, unsigned *out)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}};
    char *end = NULL;
    char said[VARIABLE_SIZE];
    const char *text = option_text(in, name);
    *out = otherwise_ms;
    if (text == NULL) {
        return true;
    }
    const double number = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;
    for (size_t i = 0; number >= 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && number * units[i].ms <= 86400000) {
            *out = (unsigned)(number * units[i].ms);
            return true;
        }
    }
    (void)usage_error(in, "such as 10s, 500ms or 2m; a day at most",
                      "'%s' is no value of %s: a time is wanted", text, sayer_of(in, name, said));
    return false;
}
