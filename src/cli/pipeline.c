/* tarn init, check, run, status, reset, graph. */
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PARAMETERS_MAX = 64 };

static void put_json_text(FILE *to, const char *text)
{
    (void)fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            (void)fprintf(to, "\\%c", *c);
        } else if (*c < 0x20) {
            (void)fprintf(to, "\\u%04x", *c);
        } else {
            (void)fputc(*c, to);
        }
    }
    (void)fputc('"', to);
}

static bool wants_json(const invocation *in)
{
    const char *format = option_text(in, "log-format");
    return format != NULL && strcmp(format, "json") == 0;
}

/* ---- opening ----------------------------------------------------------------------------------*/

static int open_again(const invocation *in, tarn_pipeline **out, tarn_error *error)
{
    const char *parameters[PARAMETERS_MAX];
    size_t count = 0;
    size_t at = 0;
    *out = NULL;
    for (const char *value; (value = option_each(in, "param", &at)) != NULL;) {
        if (count == PARAMETERS_MAX || strchr(value, '=') == NULL) {
            return usage_error(in, "-p NAME=VALUE", "'%s' is no parameter", value);
        }
        parameters[count++] = value;
    }
    if (tarn_pipeline_open(in->session, in->words[0], parameters, count, out, error) == TARN_OK) {
        return -1;
    }
    struct stat about;
    if (error->hint[0] == '\0' && stat(in->words[0], &about) == 0 && S_ISDIR(about.st_mode)) {
        const size_t size = strlen(in->words[0]);
        (void)snprintf(error->hint, sizeof(error->hint),
                       "name the file in it: %.200s%spipeline.toml", in->words[0],
                       size > 0 && in->words[0][size - 1] == '/' ? "" : "/");
    }
    return report_usage(in, error, NULL, 0);
}

/* Exit code, or -1. */
static int open_pipeline(invocation *in, tarn_pipeline **out)
{
    tarn_error error = TARN_ERROR_INIT;
    int code = EXIT_DONE;
    *out = NULL;
    if (in->word_count != 1) {
        char hint[96];
        (void)snprintf(hint, sizeof(hint), "tarn %s%s pipeline.toml", in->command->name,
                       in->command->run == run_reset ? " --run 4" : "");
        return usage_error(in, hint,
                           in->word_count == 0 ? "no pipeline file given"
                                               : "one pipeline file at a time");
    }
    tarn_session *session = session_of(in, &code);
    if (session == NULL) {
        return code;
    }
    return open_again(in, out, &error);
}

/* All mistakes of the file, and the warnings unless they were told; exit code, or -1 where there
 * is no mistake. */
static int put_faults(const invocation *in, const tarn_pipeline *pipeline, bool told,
                      size_t *errors, size_t *warnings)
{
    tarn_error fault = TARN_ERROR_INIT;
    bool is_warning;
    int code = -1;
    *errors = *warnings = 0;
    for (size_t i = 0; tarn_pipeline_fault(pipeline, i, &fault, &is_warning); i++) {
        if (!is_warning) {
            code = report_usage(in, &fault, NULL, 0);
            ++*errors;
        } else if (told) {
            ++*warnings;
        } else if (!warn(in, "%s", fault.message)) {
            code = EXIT_USAGE;
            ++*errors;
        } else {
            ++*warnings;
        }
    }
    return code;
}

/* Mistakes in the file are told all at once and by line, whatever was asked for: who reads the file
 * finds some, who binds its steps finds others. */
static int refuse_faults(const invocation *in, const tarn_pipeline *pipeline, bool told)
{
    tarn_error fault = TARN_ERROR_INIT;
    tarn_pipeline *fresh = NULL;
    size_t errors = 0;
    size_t warnings;
    bool is_warning;
    for (size_t i = 0; tarn_pipeline_fault(pipeline, i, &fault, &is_warning); i++) {
        errors += !is_warning;
    }
    if (errors > 0) {
        tarn_error error = TARN_ERROR_INIT;
        if (open_again(in, &fresh, &error) < 0 &&
            tarn_pipeline_check(fresh, &error) == TARN_OK) { /* they were of this run's data */
            tarn_pipeline_close(fresh);
            fresh = NULL;
        }
    }
    const int code = put_faults(in, fresh != NULL ? fresh : pipeline, told, &errors, &warnings);
    if (code >= 0) {
        tell(in, "%s: %zu mistake%s\n", in->words[0], errors, errors == 1 ? "" : "s");
    }
    tarn_pipeline_close(fresh);
    return code;
}

/* ---- check ------------------------------------------------------------------------------------*/

/* All faults as one line of JSON on the output; exit code, or -1 where there is no mistake. */
static int put_json_faults(const invocation *in, const tarn_pipeline *pipeline, output *out)
{
    tarn_error fault = TARN_ERROR_INIT;
    bool is_warning;
    int code = -1;
    FILE *to = account_stream(out);
    if (to == NULL) {
        return EXIT_TRY_AGAIN;
    }
    (void)fputs("{\"file\":", to);
    put_json_text(to, in->words[0]);
    (void)fputs(",\"faults\":[", to);
    for (size_t i = 0; tarn_pipeline_fault(pipeline, i, &fault, &is_warning); i++) {
        char *text = NULL;
        is_warning = is_warning && !option_is_set(in, "strict");
        code = is_warning ? code : exit_code_of(&fault, true);
        if (tarn_error_report(&fault, is_warning ? "warning" : "error", NULL, 0, TARN_REPORT_JSON,
                              0, &text, NULL) == TARN_OK) {
            (void)fprintf(to, "%s%.*s", i > 0 ? "," : "", (int)strcspn(text, "\n"), text);
        }
        tarn_text_free(text);
    }
    (void)fprintf(to, "],\"ok\":%s}\n", code < 0 ? "true" : "false");
    (void)fclose(to);
    return code;
}

int run_check(invocation *in)
{
    tarn_pipeline *pipeline;
    output out;
    bool json;
    tarn_error error = TARN_ERROR_INIT;
    size_t errors;
    size_t warnings;
    int code = open_pipeline(in, &pipeline);
    if (code >= 0) {
        return code;
    }
    code = open_account(in, &out, &json);
    if (code < 0 && !json && out.upload != NULL) {
        code = output_close(
            &out, usage_error(in, "tarn check --format json -o FILE",
                              "'tarn check' tells mistakes on standard error: -o is for JSON"));
    }
    if (code >= 0) {
        tarn_pipeline_close(pipeline);
        return code;
    }
    const tarn_code checked = tarn_pipeline_check(pipeline, &error);
    if (json) {
        code = put_json_faults(in, pipeline, &out);
        code = code < 0 && checked != TARN_OK ? report(in, &error, NULL, 0) : code;
        tarn_pipeline_close(pipeline);
        const int closed = output_close(&out, EXIT_DONE); /* mistakes are what was asked for */
        return closed != EXIT_DONE || code < 0 ? closed : code;
    }
    code = put_faults(in, pipeline, false, &errors, &warnings);
    if (code < 0 && checked != TARN_OK) {
        code = report(in, &error, NULL, 0);
    } else if (code < 0) {
        tell(in, "%s: no mistakes found%s\n", in->words[0],
             warnings > 0 ? ", but see the warnings" : "");
        code = EXIT_DONE;
    } else {
        tell(in, "%s: %zu mistake%s\n", in->words[0], errors, errors == 1 ? "" : "s");
    }
    tarn_pipeline_close(pipeline);
    return code;
}

/* ---- run --------------------------------------------------------------------------------------*/

typedef struct running {
    invocation *in;
    const tarn_pipeline *pipeline;
    bool shows_progress, drawn;
    uint64_t last_ns;
} running;

static void clear_bar(running *r)
{
    if (r->drawn) {
        (void)fputs("\r\033[K", stderr);
        r->drawn = false;
    }
}

static void on_note(void *context, bool is_warning, const char *text)
{
    running *r = context;
    clear_bar(r);
    if (is_warning) {
        tell_warning(r->in, text); /* what --strict forbids, the run refuses itself */
    } else if (wants_json(r->in)) {
        if (!is_quiet(r->in)) {
            (void)fputs("{\"level\":\"info\",\"message\":", stderr);
            put_json_text(stderr, text);
            (void)fputs("}\n", stderr);
        }
    } else {
        tell(r->in, "%s\n", text);
    }
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    running *r = context;
    const uint64_t now = now_ns();
    if (!r->shows_progress || now - r->last_ns < 100000000) {
        return;
    }
    r->last_ns = now;
    r->drawn = true;
    if (total > 0) {
        const unsigned share = (unsigned)(100 * (double)done / (double)total);
        char bar[41];
        for (unsigned i = 0; i < 40; i++) {
            bar[i] = i < share * 40 / 100 ? '#' : '.';
        }
        bar[40] = '\0';
        (void)fprintf(stderr, "\r\033[K[%s] %3u %%", bar, share > 100 ? 100 : share);
    } else {
        (void)fprintf(stderr, "\r\033[K%.1f MB read", (double)done / 1e6);
    }
}

/* ": 6 taken, 1 quarantined", where anything happened to the rows. */
static void put_balance(FILE *to, const tarn_flow *flow)
{
    const struct {
        uint64_t rows;
        const char *what;
    } parts[] = {{flow->filtered, "filtered out"},
                 {flow->quarantined, "quarantined"},
                 {flow->dropped, "dropped"}};
    if (flow->filtered + flow->quarantined + flow->dropped == 0) {
        return;
    }
    (void)fprintf(to, ": %" PRIu64 " %s", flow->rows,
                  flow->kind == TARN_FLOW_SOURCE ? "taken" : "given");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].rows > 0) {
            (void)fprintf(to, ", %" PRIu64 " %s", parts[i].rows, parts[i].what);
        }
    }
}

/* What tables give a step is counted by nobody: then only what it gave is told. */
static void put_step(FILE *to, const char *margin, const tarn_flow *flow)
{
    const bool of_tables = flow->rows_in == 0 && flow->rows > 0;
    const uint64_t rows = of_tables ? flow->rows : flow->rows_in;
    (void)fprintf(to, "%sstep    %-20s %10" PRIu64 " row%s %s", margin, flow->name, rows,
                  rows == 1 ? "" : "s", of_tables ? "out" : "in");
    put_balance(to, flow);
    if (!of_tables && flow->filtered + flow->quarantined + flow->dropped == 0) {
        (void)fprintf(to, ", %" PRIu64 " out", flow->rows);
    }
}

static void put_flow(FILE *to, const char *margin, const tarn_flow *flow)
{
    switch (flow->kind) {
    case TARN_FLOW_SOURCE:
        (void)fprintf(to, "%ssource  %-20s %10" PRIu64 " row%s of %" PRIu64 " file%s", margin,
                      flow->name, flow->rows_in, flow->rows_in == 1 ? "" : "s", flow->files,
                      flow->files == 1 ? "" : "s");
        put_balance(to, flow);
        break;
    case TARN_FLOW_STEP:
        put_step(to, margin, flow);
        break;
    case TARN_FLOW_EXPECTATION:
        (void)fprintf(to, "%sexpect  %-20s %10" PRIu64 " broken (%s)", margin, flow->name,
                      flow->rows, flow->detail);
        break;
    case TARN_FLOW_QUARANTINE:
    case TARN_FLOW_SINK:
    default:
        (void)fprintf(to, "%s%s  %-20s %10" PRIu64 " row%s, version %" PRId64 "%s", margin,
                      flow->kind == TARN_FLOW_SINK ? "sink  " : "bad   ", flow->name, flow->rows,
                      flow->rows == 1 ? "" : "s", flow->version,
                      flow->skipped ? " (had the run already)" : "");
        break;
    }
    (void)fputc('\n', to);
}

static void put_json_flow(FILE *to, const tarn_flow *flow)
{
    static const char *const kinds[] = {"source", "expectation", "quarantine", "sink", "step"};
    (void)fprintf(to, "{\"kind\":\"%s\",\"name\":", kinds[flow->kind]);
    put_json_text(to, flow->name);
    (void)fputs(",\"detail\":", to);
    put_json_text(to, flow->detail);
    if (flow->kind == TARN_FLOW_SOURCE || flow->kind == TARN_FLOW_STEP) {
        if (flow->kind == TARN_FLOW_SOURCE) {
            (void)fprintf(to, ",\"files\":%" PRIu64, flow->files);
        }
        (void)fprintf(to,
                      ",\"rows_in\":%" PRIu64 ",\"rows_out\":%" PRIu64 ",\"filtered\":%" PRIu64
                      ",\"quarantined\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"row_wise\":%s",
                      flow->rows_in, flow->rows, flow->filtered, flow->quarantined, flow->dropped,
                      flow->row_wise ? "true" : "false");
    } else if (flow->kind == TARN_FLOW_EXPECTATION) {
        (void)fprintf(to, ",\"broken\":%" PRIu64, flow->rows);
    } else {
        (void)fprintf(to, ",\"rows\":%" PRIu64 ",\"version\":%" PRId64 ",\"skipped\":%s",
                      flow->rows, flow->version, flow->skipped ? "true" : "false");
    }
    (void)fputc('}', to);
}

static void put_summary(const invocation *in, const tarn_pipeline *pipeline,
                        const tarn_pipeline_summary *summary)
{
    tarn_flow flow = TARN_FLOW_INIT;
    if (is_quiet(in)) {
        return;
    }
    if (!wants_json(in)) {
        (void)fprintf(stderr, "run %" PRId64 " is done%s: %.2f s\n", summary->run,
                      summary->replayed ? " (repeated from its pins)" : "", summary->seconds);
        for (size_t i = 0; tarn_pipeline_flow(pipeline, i, &flow); i++) {
            put_flow(stderr, "  ", &flow);
        }
        return;
    }
    (void)fprintf(stderr,
                  "{\"level\":\"info\",\"message\":\"run done\",\"run\":%" PRId64
                  ",\"runs\":%" PRIu64 ",\"files\":%" PRIu64 ",\"replayed\":%s,\"seconds\":%.6f,"
                  "\"flows\":[",
                  summary->run, summary->runs, summary->files, summary->replayed ? "true" : "false",
                  summary->seconds);
    for (size_t i = 0; tarn_pipeline_flow(pipeline, i, &flow); i++) {
        (void)fputs(i > 0 ? "," : "", stderr);
        put_json_flow(stderr, &flow);
    }
    (void)fputs("]}\n", stderr);
}

static void add_stats(invocation *in, const tarn_stats *stats)
{
    in->stats.rows_in += stats->rows_in;
    in->stats.rows_out += stats->rows_out;
    in->stats.rows_rejected += stats->rows_rejected;
    in->stats.bytes_read += stats->bytes_read;
    in->stats.spilled_bytes += stats->spilled_bytes;
    in->stats.peak_bytes =
        stats->peak_bytes > in->stats.peak_bytes ? stats->peak_bytes : in->stats.peak_bytes;
}

static int run_step(invocation *in, tarn_pipeline *pipeline, const char *step, uint64_t limit)
{
    printing form;
    output out;
    tarn_error error = TARN_ERROR_INIT;
    if (!printing_of(in, &form)) {
        return EXIT_USAGE;
    }
    if (form.copied != NULL) {
        return usage_error(in, "-o FILE.csv, or --format csv", "--step prints text");
    }
    const int code = output_open(&out, in, form.file);
    if (code >= 0) {
        return code;
    }
    const tarn_code printed =
        tarn_pipeline_step(pipeline, step, limit, &form.print, output_write, &out, &error);
    const int faulty = refuse_faults(in, pipeline, false);
    /* the name comes from the command line */
    const bool unnamed = printed != TARN_OK && strstr(error.message, "has no step '") != NULL;
    if (unnamed && error.hint[0] == '\0') {
        (void)snprintf(error.hint, sizeof(error.hint), "'tarn graph' shows its steps");
    }
    return output_close(&out, faulty >= 0          ? faulty
                              : printed == TARN_OK ? EXIT_DONE
                              : unnamed            ? report_usage(in, &error, NULL, 0)
                                                   : report(in, &error, NULL, 0));
}

static void on_done(void *context, const tarn_pipeline_summary *run)
{
    running *r = context;
    clear_bar(r);
    put_summary(r->in, r->pipeline, run);
}

static void on_committing(void *context, bool begins)
{
    (void)context;
    signal_hold(begins);
}

static int run_whole(invocation *in, tarn_pipeline *pipeline, uint64_t limit)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_pipeline_summary summary = TARN_PIPELINE_SUMMARY_INIT;
    const char *progress = option_text(in, "progress");
    running r = {.in = in, .pipeline = pipeline};
    r.shows_progress =
        !wants_json(in) && !is_quiet(in) &&
        (progress == NULL || strcmp(progress, "auto") == 0 ? isatty(STDERR_FILENO) == 1
                                                           : strcmp(progress, "always") == 0);
    const tarn_code code = tarn_pipeline_run(
        pipeline,
        TARN_PIPELINE_RUN(.dry_run = option_is_set(in, "dry-run"),
                          .no_wait = option_is_set(in, "no-wait"),
                          .strict = option_is_set(in, "strict"), .limit_files = limit,
                          .note = on_note, .progress = on_progress, .context = &r, .done = on_done,
                          .committing = on_committing),
        &summary, &error);
    clear_bar(&r);
    add_stats(in, &summary.stats);
    const int faulty = refuse_faults(in, pipeline, true);
    return faulty >= 0 ? faulty : code == TARN_OK ? EXIT_DONE : report(in, &error, NULL, 0);
}

int run_pipeline(invocation *in)
{
    tarn_pipeline *pipeline;
    uint64_t limit;
    if (!option_number(in, "limit-files", 0, &limit)) {
        return EXIT_USAGE;
    }
    unsigned grace_ms;
    if (!option_duration(in, "grace", 10000, &grace_ms)) {
        return EXIT_USAGE;
    }
    signal_grace(grace_ms);
    if (option_is_set(in, "watch")) {
        return not_built(in, "start 'tarn run' from cron or a timer", "--watch is not built yet");
    }
    int code = open_pipeline(in, &pipeline);
    if (code >= 0) {
        return code;
    }
    code = refuse_faults(in, pipeline, false);
    const char *step = option_text(in, "step");
    if (code < 0) {
        code = step != NULL ? run_step(in, pipeline, step, limit) : run_whole(in, pipeline, limit);
    }
    tarn_pipeline_close(pipeline);
    return code;
}

/* ---- status, reset, graph, init ---------------------------------------------------------------*/

static void put_time(FILE *to, int64_t us)
{
    char text[32] = "-";
    const time_t seconds = (time_t)(us / 1000000);
    struct tm parts;
    if (us > 0 && gmtime_r(&seconds, &parts) != NULL) {
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
    }
    (void)fprintf(to, "%-19s", text);
}

static void put_runs(FILE *to, const tarn_pipeline *pipeline)
{
    tarn_pipeline_past past = TARN_PIPELINE_PAST_INIT;
    tarn_pipeline_table table = TARN_PIPELINE_TABLE_INIT;
    tarn_flow flow = TARN_FLOW_INIT;
    for (size_t i = 0; tarn_pipeline_past_run(pipeline, i, &past); i++) {
        (void)fprintf(to, "run %-5" PRId64 " %-5s  ", past.run, past.state);
        put_time(to, past.started_us);
        (void)fprintf(to, "  %" PRIu64 " file%s, %" PRIu64 " row%s\n", past.files,
                      past.files == 1 ? "" : "s", past.rows, past.rows == 1 ? "" : "s");
        for (size_t f = 0; tarn_pipeline_past_flow(pipeline, i, f, &flow); f++) {
            if (flow.kind == TARN_FLOW_SOURCE || flow.kind == TARN_FLOW_STEP ||
                flow.kind == TARN_FLOW_EXPECTATION) {
                put_flow(to, "    ", &flow);
            }
        }
        for (size_t t = 0; tarn_pipeline_past_table(pipeline, i, t, &table); t++) {
            (void)fprintf(to, "    table   %-20s %10" PRIu64 " row%s, version %" PRId64 ", %s\n",
                          table.name, table.rows, table.rows == 1 ? "" : "s", table.version,
                          table.uri);
        }
    }
}

static void put_files(FILE *to, const tarn_pipeline *pipeline, bool only_waiting)
{
    tarn_pipeline_file file = TARN_PIPELINE_FILE_INIT;
    for (size_t i = 0; tarn_pipeline_known_file(pipeline, i, &file); i++) {
        if (only_waiting && file.run != 0) {
            continue;
        }
        if (file.run == 0) {
            (void)fprintf(to, "waiting  ");
        } else {
            (void)fprintf(to, "%s %-5" PRId64 "", file.is_forgotten ? "was" : "run", file.run);
        }
        (void)fprintf(to, "  %-12s %12" PRIu64 "  %s\n", file.source, file.size, file.uri);
    }
}

/* What put_runs() and put_files() tell, as one line of JSON. */
static void put_json_status(FILE *to, const tarn_pipeline *pipeline, bool all_files)
{
    tarn_pipeline_past past = TARN_PIPELINE_PAST_INIT;
    tarn_pipeline_table table = TARN_PIPELINE_TABLE_INIT;
    tarn_pipeline_file file = TARN_PIPELINE_FILE_INIT;
    tarn_flow flow = TARN_FLOW_INIT;
    (void)fputs("{\"pipeline\":", to);
    put_json_text(to, tarn_pipeline_name(pipeline));
    (void)fputs(",\"ledger\":", to);
    put_json_text(to, tarn_pipeline_state(pipeline));
    (void)fputs(",\"runs\":[", to);
    for (size_t i = 0; tarn_pipeline_past_run(pipeline, i, &past); i++) {
        (void)fprintf(to,
                      "%s{\"run\":%" PRId64 ",\"state\":\"%s\",\"started_us\":%" PRId64
                      ",\"ended_us\":%" PRId64 ",\"files\":%" PRIu64 ",\"rows\":%" PRIu64
                      ",\"flows\":[",
                      i > 0 ? "," : "", past.run, past.state, past.started_us, past.ended_us,
                      past.files, past.rows);
        for (size_t f = 0; tarn_pipeline_past_flow(pipeline, i, f, &flow); f++) {
            (void)fputs(f > 0 ? "," : "", to);
            put_json_flow(to, &flow);
        }
        (void)fputs("],\"tables\":[", to);
        for (size_t t = 0; tarn_pipeline_past_table(pipeline, i, t, &table); t++) {
            (void)fputs(t > 0 ? ",{\"name\":" : "{\"name\":", to);
            put_json_text(to, table.name);
            (void)fputs(",\"uri\":", to);
            put_json_text(to, table.uri);
            (void)fprintf(to, ",\"rows\":%" PRIu64 ",\"version\":%" PRId64 "}", table.rows,
                          table.version);
        }
        (void)fputs("]}", to);
    }
    (void)fputs("],\"files\":[", to);
    bool any = false;
    for (size_t i = 0; tarn_pipeline_known_file(pipeline, i, &file); i++) {
        if (all_files || file.run == 0) {
            (void)fputs(any ? ",{\"source\":" : "{\"source\":", to);
            put_json_text(to, file.source);
            (void)fputs(",\"uri\":", to);
            put_json_text(to, file.uri);
            (void)fprintf(to, ",\"size\":%" PRIu64 ",\"state\":\"%s\"", file.size,
                          file.run == 0       ? "waiting"
                          : file.is_forgotten ? "forgotten"
                                              : "taken");
            if (file.run != 0) {
                (void)fprintf(to, ",\"run\":%" PRId64, file.run);
            }
            (void)fputs("}", to);
            any = true;
        }
    }
    (void)fputs("]}\n", to);
}

static void put_status(FILE *to, const tarn_pipeline *pipeline, bool json, bool all_files)
{
    tarn_pipeline_file file = TARN_PIPELINE_FILE_INIT;
    size_t waiting = 0;
    if (json) {
        put_json_status(to, pipeline, all_files);
        return;
    }
    for (size_t i = 0; tarn_pipeline_known_file(pipeline, i, &file); i++) {
        waiting += file.run == 0;
    }
    (void)fprintf(to, "pipeline %s, ledger %s\n", tarn_pipeline_name(pipeline),
                  tarn_pipeline_state(pipeline));
    put_runs(to, pipeline);
    (void)fprintf(to, "%zu file%s waiting\n", waiting, waiting == 1 ? " is" : "s are");
    put_files(to, pipeline, !all_files);
}

int run_status(invocation *in)
{
    tarn_pipeline *pipeline;
    tarn_error error = TARN_ERROR_INIT;
    output out;
    bool json;
    int code = open_pipeline(in, &pipeline);
    if (code >= 0) {
        return code;
    }
    code = refuse_faults(in, pipeline, false);
    if (code < 0 && tarn_pipeline_status(pipeline, &error) != TARN_OK) {
        code = report(in, &error, NULL, 0);
    }
    code = code < 0 ? open_account(in, &out, &json) : code;
    if (code < 0) {
        FILE *to = account_stream(&out);
        if (to != NULL) {
            put_status(to, pipeline, json, option_is_set(in, "files"));
            (void)fclose(to);
        }
        code = output_close(&out, to == NULL ? EXIT_TRY_AGAIN : EXIT_DONE);
    }
    tarn_pipeline_close(pipeline);
    return code;
}

/* --run names no run: the command line is wrong, and which runs there are helps. */
static int report_run(const invocation *in, tarn_pipeline *pipeline, tarn_error *error)
{
    tarn_pipeline_past past = TARN_PIPELINE_PAST_INIT;
    int64_t least = 0;
    int64_t most = 0;
    if (tarn_pipeline_status(pipeline, NULL) == TARN_OK) {
        for (size_t i = 0; tarn_pipeline_past_run(pipeline, i, &past); i++) {
            least = least == 0 || past.run < least ? past.run : least;
            most = past.run > most ? past.run : most;
        }
    }
    if (most > 0) {
        (void)snprintf(error->hint, sizeof(error->hint),
                       "it has runs %" PRId64 " to %" PRId64 "; 'tarn status' shows them", least,
                       most);
    } else {
        (void)snprintf(error->hint, sizeof(error->hint), "no run was begun yet");
    }
    return report_usage(in, error, NULL, 0);
}

int run_reset(invocation *in)
{
    tarn_pipeline *pipeline;
    tarn_error error = TARN_ERROR_INIT;
    uint64_t run;
    size_t count;
    const char *glob = option_text(in, "input");
    const bool yes = option_is_set(in, "yes");
    if (!option_number(in, "run", 0, &run)) {
        return EXIT_USAGE;
    }
    if ((glob == NULL) == (run == 0)) {
        return usage_error(in, "tarn reset --input 'landing/2001-06*' pipeline.toml",
                           glob != NULL ? "--input and --run forget different inputs: one at a time"
                                        : "say what to forget: --input GLOB or --run N");
    }
    int code = open_pipeline(in, &pipeline);
    if (code >= 0) {
        return code;
    }
    code = refuse_faults(in, pipeline, false);
    if (code < 0 &&
        tarn_pipeline_reset(pipeline, glob, (int64_t)run, yes, &count, &error) != TARN_OK) {
        code = run != 0 && error.code == TARN_E_NOT_FOUND ? report_run(in, pipeline, &error)
                                                          : report(in, &error, NULL, 0);
    }
    if (code < 0) {
        put_files(stdout, pipeline, false);
        tell(in,
             count == 0   ? "%zu input%s match: nothing to forget\n"
             : !yes       ? "%zu input%s would be forgotten; --yes does it\n"
             : count == 1 ? "%zu input%s forgotten: the next run takes it again, and rows that are "
                            "in the tables stay there\n"
                          : "%zu input%s forgotten: the next run takes them again, and rows that "
                            "are in the tables stay there\n",
             count, count == 1 ? "" : "s");
        if (count == 0 && glob != NULL && strchr(glob, '*') != NULL && strstr(glob, "**") == NULL) {
            tell(in, "a * ends at a slash: '**' is for folders, too\n");
        }
        code = EXIT_DONE;
    }
    tarn_pipeline_close(pipeline);
    return code;
}

int run_graph(invocation *in)
{
    tarn_pipeline *pipeline;
    tarn_error error = TARN_ERROR_INIT;
    char *text = NULL;
    output out;
    bool json;
    int code = open_pipeline(in, &pipeline);
    if (code >= 0) {
        return code;
    }
    code = refuse_faults(in, pipeline, false);
    code = code < 0 ? open_account(in, &out, &json) : code;
    if (code >= 0) {
        tarn_pipeline_close(pipeline);
        return code;
    }
    if ((json ? tarn_pipeline_graph_json(pipeline, &text, &error)
              : tarn_pipeline_graph(pipeline, &text, &error)) != TARN_OK) {
        code = report(in, &error, NULL, 0);
    }
    code = code < 0 ? refuse_faults(in, pipeline, false) : code;
    if (code < 0) {
        (void)output_write(&out, text, strlen(text));
    }
    code = output_close(&out, code < 0 ? EXIT_DONE : code);
    tarn_text_free(text);
    tarn_pipeline_close(pipeline);
    return code;
}

int run_init(invocation *in)
{
    tarn_error error = TARN_ERROR_INIT;
    int code;
    if (in->word_count > 1) {
        return usage_error(in, "tarn init DIR", "one folder at a time");
    }
    const char *folder = in->word_count == 0 ? "" : in->words[0];
    tarn_session *session = session_of(in, &code);
    if (session == NULL) {
        return code;
    }
    if (tarn_pipeline_init(session, folder, &error) != TARN_OK) {
        return report(in, &error, NULL, 0);
    }
    tell(in,
         "made pipeline.toml, sql/clean.sql and two files of landing/%s%s\n"
         "  tarn check %s%spipeline.toml\n"
         "  tarn run %s%spipeline.toml\n",
         folder[0] == '\0' ? "" : " in ", folder, folder, folder[0] == '\0' ? "" : "/", folder,
         folder[0] == '\0' ? "" : "/");
    return EXIT_DONE;
}
