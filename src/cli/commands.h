/*
 * commands.h - the one table of commands and options, and what a command is given.
 *
 * A command is a row of `commands` (commands.c) and a function.  Help, usage errors, the man page
 * and shell completions are made from the rows.  The command line sees only <tarn/...>, so it can
 * do nothing that a user of the library cannot.
 */
#ifndef TN_CLI_COMMANDS_H
#define TN_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <tarn/tarn.h>

/* What scripts may rely on.  128 + n after signal n. */
enum {
    EXIT_DONE = 0,
    EXIT_DATA = 1,
    EXIT_USAGE = 2,
    EXIT_INTERNAL = 70,
    EXIT_TRY_AGAIN = 75,
    EXIT_INTERRUPTED = 130,
    EXIT_TERMINATED = 143
};

typedef struct option {
    const char *name; /* without the dashes */
    char letter;      /* or 0 */
    const char
        *argument;   /* what it takes, such as "FILE" or "a|b|c" (one of these); NULL: nothing */
    const char *doc; /* NULL: promised only, so not listed */
} option;

typedef struct invocation invocation;

typedef struct command {
    const char *name;
    const char *usage;          /* what stands behind the name: "PIPELINE [--dry-run]" */
    const char *summary;        /* one line for the list */
    const char *about;          /* what help says: sentences, then examples */
    const option *options;      /* its own, besides those that every command knows; ends with {0} */
    int (*run)(invocation *in); /* answers the exit code */
    const char *const *verbs;   /* for completion: what the first word may be; ends with NULL */
} command;

extern const command commands[];
extern const size_t command_count;
extern const option common_options[]; /* ends with {0} */

enum { GIVEN_MAX = 256 };
typedef struct given {
    const option *option;
    const char *value; /* "" for those without an argument */
} given;

struct invocation {
    const command *command;
    char **words; /* what is no option */
    size_t word_count;
    given given[GIVEN_MAX];
    size_t given_count;
    tarn_session *session; /* once session_of() was called */
    uint64_t started_ns;
    tarn_stats stats; /* summed over statements */
    bool told_time;   /* of its statements: --timing */
};

/* ---- options.c: what was given ---- */

/* Exit code, or -1 to go on: fills in command, words and options. */
int read_arguments(invocation *in, int count, char **arguments);
/* Exit code where a variable (TARN_TIMING) has a value that its option could not have; or -1. */
int check_environment(const invocation *in);
/* The command, or NULL after a usage error that suggests the nearest name. */
const command *command_named(const invocation *in, const char *name);
/* The last value of an option: from the command line, else its twin in the environment
 * (TARN_MAX_ROWS), else NULL.  Flags answer "". */
const char *option_text(const invocation *in, const char *name);
bool option_is_set(const invocation *in, const char *name);
/* Each value of an option that may come often: *at from 0; NULL behind the last. */
const char *option_each(const invocation *in, const char *name, size_t *at);
/* False after a usage error was reported. */
/* "10s", "500ms", "2m", or seconds; false after a report. */
bool option_duration(const invocation *in, const char *name, unsigned otherwise_ms, unsigned *out);
bool option_number(const invocation *in, const char *name, uint64_t otherwise, uint64_t *out);
/* Promised, not written yet: arrow... */
bool is_planned_format(const char *name);
/* `nearest` of names (ends with NULL) for "did you mean", or NULL. */
const char *nearest_of(const char *name, const char *const *names);

/* ---- report.c: everything that goes to standard error ---- */

/* Prints the error and answers the exit code that fits.  `sql` (or NULL) is what its place is in.
 */
int report(const invocation *in, const tarn_error *error, const char *sql, size_t sql_size);
/* The same for a mistake on the command line, or in a pipeline file: mostly exit code 2. */
int report_usage(const invocation *in, const tarn_error *error, const char *text, size_t size);
int exit_code_of(const tarn_error *error, bool is_usage);
int usage_error(const invocation *in, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what is promised only: the code is `unsupported`. */
int not_built(const invocation *in, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A warning; with --strict it is an error, and false is answered. */
bool warn(const invocation *in, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A warning whatever --strict says. */
void tell_warning(const invocation *in, const char *text);
/* One line of the log where the level is wanted: "info", "debug". Members are JSON without braces,
 * or "". */
void log_line(const invocation *in, const char *level, const char *message, const char *members);
/* A word to people at a terminal, unless -q. */
void tell(const invocation *in, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool wants_colour(const invocation *in, int fd);
bool is_quiet(const invocation *in);

/* ---- output.c: results ---- */

typedef struct output {
    const invocation *in;
    tarn_upload *upload; /* of -o; NULL: standard output */
    int fd;              /* which is this one */
    bool closed;         /* the reader left */
    bool failed;
    tarn_error error;
} output;
/* Where results go: -o, or standard output.  Exit code, or -1. */
int output_open(output *out, invocation *in, const char *uri);
int output_write(void *out, const char *data, size_t size); /* a tarn_write */
/* Everything was delivered, or the exit code says why not. `code` is what it would be otherwise. */
int output_close(output *out, int code);

/* For what is no rows: where it goes (-o, or standard output), and whether as JSON, by --format or
 * the ending of -o.  Exit code, or -1; `out` is then to be closed. */
int open_account(invocation *in, output *out, bool *json);
/* Text of any length that is printed to it goes to the output; NULL after a report.  fclose() it
 * before the output is closed. */
FILE *account_stream(output *out);

/* The form of results by --format, by the ending of -o, or by where they go. False after a report.
 */
typedef struct printing {
    tarn_print print;
    const char *file;   /* -o, or NULL */
    const char *copied; /* the format's name where COPY's machinery writes it, or NULL */
    bool holds_one;     /* a second result would replace the first one, or spoil it */
} printing;
bool printing_of(const invocation *in, printing *out);
int refuse_packed_parquet(const invocation *in, const char *file);
uint32_t terminal_width(void);

/* ---- heeded.c: no option is passed over in silence ---- */

/* Exit code where an option was given that the command does not heed, called as it is; or -1. */
int refuse_unheeded(const invocation *in);
/* The same for options that a form of results does not heed; false after a report. */
bool form_heeds_all(const invocation *in, const char *form, bool packed);

/* ---- main.c ---- */

/* Opened at the first call, with all settings of the command line; NULL after a report, with the
 * exit code in *code. */
tarn_session *session_of(invocation *in, int *code);
/* What SIGINT and SIGTERM cancel from now on; NULL: they end the process.  A second one always
 * does.
 */
void cancel_with(void (*cancel)(void *context), void *context);
/* Each setting of the command line by `set`, which answers an exit code or -1; so does this. */
int each_setting(const invocation *in,
                 int (*set)(void *context, const char *name, const char *value), void *context);
int check_setting(const invocation *in, const char *name);
/* Which signal came, or 0. */
int signal_seen(void);
void signal_forget(void);
/* SIGTERM: what runs is cancelled at once, or while it is held, once that has ended; after the
 * grace (10 s by default) the process ends, whatever it does.  0 ms: at once. */
void signal_hold(bool hold);
void signal_grace(unsigned ms);
uint64_t now_ns(void);
/* --stats, if it was asked for. */
void put_stats(const invocation *in);

/* ---- progress.c: on a terminal, or in the log ---- */
void progress_begin(const invocation *in); /* with a session */
void progress_clear(void);                 /* before anything else is written there */
void progress_end(const invocation *in);

/* ---- draft.c: texts that grow, and the formats of files ---- */

/* Appended to a text of `*size` bytes.  False when there is no memory. */
bool text_add(char **text, size_t *size, const char *piece, size_t piece_size);

/* A statement that a command makes, or names with a zero behind each.  Ends with a zero; begins as
 * {NULL, 0, false}; whoever holds it frees it. */
typedef struct draft {
    char *data;
    size_t size;
    bool failed; /* for want of memory: asked once, in the end */
} draft;
void draft_put(draft *t, const char *piece);
void draft_put_bytes(draft *t, const char *piece, size_t size);
void draft_put_quoted(draft *t, const char *piece); /* as a text of SQL */
void draft_free(draft *t);
/* Runs the statement, prints what it answers, and frees it; the exit code. */
int draft_run(invocation *in, draft *t);
/* Each row that the statement answers, and frees it.  A failure gives none. */
void draft_rows(tarn_session *session, draft *t, tarn_row *row, void *context);

typedef struct file_format {
    const char *name;   /* --format's and --from's word */
    const char *reader; /* the head of the call that reads it; NULL: written only */
    bool is_text;       /* its values have no types of their own */
    const char *endings[2];
} file_format;
/* By the ending, in any case, before that of a compression; NULL where it says nothing. */
const file_format *format_of_file(const char *name);
const file_format *format_named(const char *name);
bool is_packed(const char *name);

/* ---- query.c: what other commands run as SQL ---- */

typedef struct sql_run {
    invocation *in;
    printing form;
    output out;
    const char *sql; /* NULL where nobody typed it: its places say nothing then */
    size_t sql_size;
    bool is_made;
    bool stays;          /* the process goes on after a signal: a shell */
    char copy_path[256]; /* where Parquet for standard output is made */
    uint64_t statements;
    size_t results; /* that the file holds, where it can hold one only */
} sql_run;

/* Chooses form and place of results; exit code, or -1. */
int run_begin(sql_run *r, invocation *in);
/* All statements of a text; exit code, or -1. */
int run_text(sql_run *r, const char *sql, size_t size);
/* Delivers what was written; `code` as it stands, or -1. */
int run_end(sql_run *r, int code);
/* Runs statements that a command made, and prints what they answer; the exit code. */
int run_sql(invocation *in, const char *sql, size_t size);
/* All of a file, or of standard input ("-").  Exit code, or -1. */
int read_whole(const invocation *in, const char *path, char **out, size_t *size);

/* Which of in->given are parameters that the script has, or none; then the exit code where one was
 * never seen, or -1. */
void see_parameters(const invocation *in, const tarn_script *script, bool *used);
int refuse_unused(const invocation *in, const bool *used);

/* Prints a result that belongs to no script, and closes it; the exit code. */
int print_and_close(invocation *in, tarn_result *result);

/* ---- commands ---- */
int run_query(invocation *in);
int run_schema(invocation *in);
int run_head(invocation *in);
int run_meta(invocation *in);
int run_convert(invocation *in);
int run_table(invocation *in);
int run_ls(invocation *in);
int run_cat(invocation *in);
int run_cp(invocation *in);
int run_rm(invocation *in);
int run_stat(invocation *in);
int run_plot(invocation *in);
int run_config(invocation *in);
int run_shell(invocation *in);
int run_help(invocation *in);
int run_init(invocation *in);
int run_check(invocation *in);
int run_pipeline(invocation *in);
int run_status(invocation *in);
int run_reset(invocation *in);
int run_graph(invocation *in);
int put_version(void);
int put_help(const command *about);
int put_man(void);
int put_completion(const char *shell);
int serve_json(invocation *in);

#endif
