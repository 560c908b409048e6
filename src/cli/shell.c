/* tarn shell: statements as they are typed, and commands that begin with a backslash or a point. */
#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct shell {
    invocation *in;
    sql_run run;
    bool has_run; /* `run` was begun */
    completion *names;
    line_editor *editor;
    char *text; /* of the statement so far */
    size_t size;
    bool quits;
    char output[1024];
    char format[32];
} shell;

static const option shell_format = {"format", 0, "FORMAT", ""};
static const option shell_output = {"output", 'o', "FILE", ""};
static const option shell_timing = {"timing", 0, NULL, ""};

static const char help_text[] =
    "Statements end with a semicolon; Ctrl-C forgets the line or ends what runs; Tab completes.\n"
    "  \\d [TABLE]          tables, or a table's or file's columns\n"
    "  \\timing             print how long statements take, or stop it\n"
    "  \\format FORM        table, box, csv, tsv, json, jsonl, markdown, vertical\n"
    "  \\o [FILE]           write results to a file, or to the terminal again\n"
    "  \\i FILE             run the statements of a file\n"
    "  \\set [NAME VALUE]   settings, or change one\n"
    "  \\q                  leave (also Ctrl-D)\n"
    "Each may also be written with a point: .timing, .tables, .schema TABLE, .help, .quit.\n"
    "Tables made by CREATE TABLE are gone when the shell ends: keep them with\n"
    "COPY t TO 't.parquet', or COPY t TO 'lake/t' (FORMAT delta).\n";

/* ---- running ---- */

static void no_cancel(void *context)
{
    (void)context; /* at the prompt a Ctrl-C only forgets the line */
}

static void cancel_session(void *session)
{
    tarn_session_cancel(session);
}

static void end_run(shell *s)
{
    if (s->has_run) {
        (void)run_end(&s->run, -1);
        s->has_run = false;
    }
}

static bool begin_run(shell *s)
{
    if (!s->has_run) {
        s->has_run = run_begin(&s->run, s->in) < 0;
        s->run.stays = true;
    }
    return s->has_run;
}

static void run_text_here(shell *s, const char *sql, size_t size)
{
    if (!begin_run(s)) {
        return;
    }
    tarn_session_resume(s->in->session);
    signal_forget();
    cancel_with(cancel_session, s->in->session);
    (void)run_text(&s->run, sql, size);
    cancel_with(no_cancel, NULL);
    signal_forget();
    tarn_session_resume(s->in->session);
    completion_refresh(s->names);
}

/* ---- commands ---- */

static void set_option(shell *s, const option *o, const char *value)
{
    invocation *in = s->in;
    size_t kept = 0;
    for (size_t i = 0; i < in->given_count; i++) {
        if (strcmp(in->given[i].option->name, o->name) != 0) {
            in->given[kept++] = in->given[i];
        }
    }
    in->given_count = kept;
    if (value != NULL && kept < GIVEN_MAX) {
        in->given[in->given_count++] = (given){o, value};
    }
    end_run(s);
}

/* x.csv, lake/t, s3://lake/t: no name of SQL unless a table is named so, and then there is no such
 * file. */
static bool is_bare_file(const char *what)
{
    const char *point = strrchr(what, '.');
    return strpbrk(what, "'\"(") == NULL &&
           (strchr(what, '/') != NULL || (point != NULL && access(what, F_OK) == 0));
}

static void describe(shell *s, const char *what)
{
    draft sql = {NULL, 0, false};
    if (what[0] == '\0') {
        run_text_here(s, "SHOW TABLES", strlen("SHOW TABLES"));
        return;
    }
    draft_put(&sql, "DESCRIBE SELECT * FROM ");
    if (is_bare_file(what)) {
        draft_put_quoted(&sql, what);
    } else {
        draft_put(&sql, what);
    }
    if (!sql.failed) {
        run_text_here(s, sql.data, sql.size);
    }
    draft_free(&sql);
}

static void set_setting(shell *s, char *words)
{
    tarn_error error = TARN_ERROR_INIT;
    char *value = words + strcspn(words, " =");
    if (words[0] == '\0') {
        run_text_here(s, "SHOW ALL", strlen("SHOW ALL"));
        return;
    }
    if (*value != '\0') {
        *value++ = '\0';
        value += strspn(value, " =");
    }
    if (check_setting(s->in, words) < 0 &&
        tarn_session_set(s->in->session, words, value, &error) != TARN_OK) {
        (void)report(s->in, &error, NULL, 0);
    }
}

static void run_file(shell *s, const char *path)
{
    char *text;
    size_t size;
    if (read_whole(s->in, path, &text, &size) < 0) {
        run_text_here(s, text, size);
        tarn_text_free(text);
    }
}

static void set_format(shell *s, const char *name)
{
    static const char *const forms[] = {"table", "box",      "csv",      "tsv", "json",
                                        "jsonl", "markdown", "vertical", NULL};
    for (size_t i = 0; forms[i] != NULL; i++) {
        if (strcmp(name, forms[i]) == 0) {
            (void)snprintf(s->format, sizeof(s->format), "%s", name);
            set_option(s, &shell_format, s->format);
            return;
        }
    }
    const char *near = nearest_of(name, forms);
    char hint[96];
    (void)snprintf(hint, sizeof(hint), near == NULL ? "%s" : "did you mean '%s'?",
                   near == NULL ? "table, box, csv, tsv, json, jsonl, markdown, vertical" : near);
    (void)usage_error(s->in, hint, "'%s' is no format", name);
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static void run_command(shell *s, char *line)
{
    char *word = line + 1; /* behind the backslash or point */
    char *rest = word + strcspn(word, " \t");
    if (*rest != '\0') {
        *rest++ = '\0';
        rest += strspn(rest, " \t");
    }
    if (is_one_of(word, "q", "quit") || strcmp(word, "exit") == 0) {
        s->quits = true;
    } else if (is_one_of(word, "?", "help")) {
        (void)fputs(help_text, stdout);
    } else if (is_one_of(word, "d", "schema")) {
        describe(s, rest);
    } else if (strcmp(word, "tables") == 0) {
        describe(s, "");
    } else if (strcmp(word, "timing") == 0) {
        const bool on = !option_is_set(s->in, "timing");
        set_option(s, &shell_timing, on ? "" : NULL);
        printf("timing is %s\n", on ? "on" : "off");
    } else if (strcmp(word, "format") == 0) {
        set_format(s, rest);
    } else if (is_one_of(word, "o", "output")) {
        (void)snprintf(s->output, sizeof(s->output), "%s", rest);
        set_option(s, &shell_output, rest[0] == '\0' ? NULL : s->output);
        if (!begin_run(s)) { /* told now, and not at each statement */
            set_option(s, &shell_output, NULL);
        }
    } else if (is_one_of(word, "i", "read")) {
        run_file(s, rest);
    } else if (strcmp(word, "set") == 0) {
        set_setting(s, rest);
    } else {
        (void)usage_error(s->in, "\\? lists what there is", "no command named '%s'", line);
    }
}

/* ---- the loop ---- */

static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
}

static void find_history(char *out, size_t room)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    out[0] = '\0';
    if (state != NULL && state[0] == '/') {
        (void)snprintf(out, room, "%s/tarn/history", state);
    } else if (home != NULL && home[0] == '/') {
        (void)snprintf(out, room, "%s/.local/state/tarn/history", home);
    }
    if (out[0] != '\0') {
        make_folders(out);
    }
}

static void forget_text(shell *s)
{
    tarn_text_free(s->text);
    s->text = NULL;
    s->size = 0;
    completion_set_before(s->names, NULL, 0);
}

/* "exit" and "quit" alone leave, as in any shell; in the middle of a statement they are its words.
 */
static bool says_leave(const char *line)
{
    static const char *const words[] = {"exit", "quit"};
    const char *at = line + strspn(line, " \t");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const size_t size = strlen(words[i]);
        if (strncasecmp(at, words[i], size) == 0 &&
            at[size + strspn(at + size, " \t\r\n;")] == '\0') {
            return true;
        }
    }
    return false;
}

static void take_line(shell *s, const char *line)
{
    size_t size = strlen(line);
    while (size > 0 && strchr("\r\n", line[size - 1]) != NULL) {
        size--;
    }
    const size_t blank = strspn(line, " \t");
    if (s->size == 0 && (blank >= size)) {
        return;
    }
    if (s->size == 0 && says_leave(line)) {
        s->quits = true;
        return;
    }
    if (!text_add(&s->text, &s->size, line, size)) {
        forget_text(s);
        return;
    }
    if (s->size == size && (s->text[blank] == '\\' || s->text[blank] == '.')) {
        line_editor_remember(s->editor, s->text);
        char *words = s->text;
        s->text = NULL;
        s->size = 0;
        run_command(s, words + blank);
        tarn_text_free(words);
        return;
    }
    if (!text_add(&s->text, &s->size, "\n", 1)) {
        forget_text(s);
        return;
    }
    if (tarn_sql_is_complete(s->text, s->size)) {
        char *statement = s->text;
        const size_t statement_size = s->size;
        s->text = NULL;
        s->size = 0;
        completion_set_before(s->names, NULL, 0);
        statement[statement_size - 1] = '\0'; /* its line end */
        line_editor_remember(s->editor, statement);
        run_text_here(s, statement, statement_size - 1);
        tarn_text_free(statement);
    } else {
        completion_set_before(s->names, s->text, s->size);
    }
}

static int talk(shell *s)
{
    char history[1024];
    find_history(history, sizeof(history));
    s->names = completion_open(s->in->session);
    s->editor = s->names == NULL ? NULL : line_editor_open(history, completion_find, s->names);
    if (s->editor == NULL) {
        completion_close(s->names);
        return usage_error(s->in, "", "out of memory");
    }
    if (isatty(STDOUT_FILENO) == 1 && !is_quiet(s->in)) {
        printf("tarn %s. \\? explains the shell, \\q leaves it.\n", tarn_version());
    }
    cancel_with(no_cancel, NULL);
    while (!s->quits) {
        bool interrupted;
        (void)fflush(stdout);
        const char *line =
            line_editor_read(s->editor, s->size == 0 ? "tarn> " : "   -> ", &interrupted);
        if (interrupted && signal_seen() != 15) {
            signal_forget();
            forget_text(s);
            (void)putchar('\n');
        } else if (line == NULL) {
            s->quits = true;
            if (isatty(STDIN_FILENO) == 1) {
                (void)putchar('\n');
            }
        } else {
            take_line(s, line);
        }
    }
    if (s->size > 0) { /* what stands there without a semicolon is a statement, too */
        run_text_here(s, s->text, s->size);
    }
    forget_text(s);
    end_run(s);
    line_editor_close(s->editor);
    completion_close(s->names);
    return signal_seen() == 15 ? EXIT_TERMINATED : EXIT_DONE;
}

int run_shell(invocation *in)
{
    static shell s; /* large; one a process */
    int code;
    if (in->word_count > 0) {
        return usage_error(in, "tarn query runs a statement", "tarn shell takes no words");
    }
    if (option_is_set(in, "json")) {
        return serve_json(in);
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    s.in = in;
    return talk(&s);
}
