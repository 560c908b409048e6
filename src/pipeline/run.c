/* tarn run: what is unfinished is replayed, then what is new is taken. */
#include "pipeline/run_internal.h"

#include "kernel/text.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct runner {
    tn_dataflow *p;
    const tn_dataflow_run_options *options;
    tn_ledger ledger;
    tn_dataflow_summary *summary;
    uint64_t begun_ns; /* this run, with the looking for what it takes */
    bool lost_race;    /* to another writer of its tables */
} runner;

static void say(const runner *r, tn_dataflow_level level, tn_str text)
{
    if (r->options->note != NULL) {
        r->options->note(r->options->context, level, text);
    }
}

static void sayf(const runner *r, tn_dataflow_level level, const char *format, ...) TN_PRINTF(3, 4);
static void sayf(const runner *r, tn_dataflow_level level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    say(r, level, tn_str_of(text));
}

typedef struct discovery_notes {
    const runner *r;
    size_t warnings;
    char first[1024];
} discovery_notes;

static void on_discovery(void *context, bool is_warning, tn_str text)
{
    discovery_notes *notes = context;
    if (is_warning && notes->warnings++ == 0) {
        (void)snprintf(notes->first, sizeof(notes->first), "%.*s", TN_STR_ARGS(text));
    }
    if (!is_warning || !notes->r->options->strict) { /* else it is the error */
        say(notes->r, is_warning ? TN_NOTE_WARNING : TN_NOTE_INFO, text);
    }
}

static void waiting(void *context)
{
    say(context, TN_NOTE_INFO, TN_STR("another runner is at work: waiting for it"));
}

/* ---- the end of a run -------------------------------------------------------------------------*/

/* To the whole call's summary, and to whoever wants to hear of each run. */
static void conclude(runner *r, tn_dataflow_summary *run)
{
    const uint64_t now = tn_clock_monotonic_ns();
    tn_dataflow_summary *all = r->summary;
    run->runs = 1;
    run->seconds = (double)(now - r->begun_ns) / 1e9;
    r->begun_ns = now;
    all->run = run->run;
    all->runs++;
    all->files += run->files;
    all->replayed = all->replayed || run->replayed;
    all->stats.rows_in += run->stats.rows_in;
    all->stats.rows_out += run->stats.rows_out;
    all->stats.rows_rejected += run->stats.rows_rejected;
    all->stats.bytes_read += run->stats.bytes_read;
    all->stats.spilled_bytes += run->stats.spilled_bytes;
    all->stats.peak_bytes = run->stats.peak_bytes > all->stats.peak_bytes ? run->stats.peak_bytes
                                                                          : all->stats.peak_bytes;
    all->flows = run->flows;
    all->flow_count = run->flow_count;
    if (r->options->done != NULL) {
        r->options->done(r->options->context, run);
    }
}

static void summarise(runner *r, const tn_execution *x, bool replayed)
{
    tn_dataflow_summary run = {.run = x->entry->run,
                               .files = x->found.new_files,
                               .replayed = replayed,
                               .stats = x->stats,
                               .flows = x->flows,
                               .flow_count = x->flow_count};
    run.stats.rows_out = 0; /* a plan that writes gives no rows: those committed are meant */
    for (size_t i = 0; i < x->flow_count; i++) {
        const tn_flow *flow = &x->flows[i];
        run.stats.rows_out += flow->kind == TN_FLOW_SINK && !flow->skipped ? flow->rows_out : 0;
    }
    conclude(r, &run);
}

/* ---- replay -----------------------------------------------------------------------------------*/

static TN_FALLIBLE refuse_replay(const tn_ledger_entry *entry, const tn_input *changed, bool gone,
                                 tn_str names, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID,
                  "run %lld cannot be finished: its input '%.*s' %s, and %.*s %s its rows already",
                  (long long)entry->run, TN_STR_ARGS(changed->key),
                  gone ? "is gone" : "has changed", TN_STR_ARGS(names), "has");
    tn_hint(err, "bring the input back, or give the run up with 'tarn reset --run %lld'",
            (long long)entry->run);
    return TARN_E_INVALID;
}

/* A source that the pipeline got since has no files in the entry: read as empty it would change
 * what the run gives, as where rows are joined with it, and nobody would see why. */
static TN_FALLIBLE refuse_added(const tn_dataflow *p, const tn_ledger_entry *entry,
                                const tn_landed *landed, tarn_error *err)
{
    for (size_t i = 0; i < p->nodes.count; i++) {
        const tn_station *station = p->nodes.items[i];
        bool is_pinned = !station->is_source;
        for (size_t s = 0; s < entry->source_count; s++) {
            is_pinned = is_pinned || tn_str_equal(entry->sources[s].id, station->id);
        }
        if (is_pinned) {
            continue;
        }
        (void)tn_fail(err, TARN_E_INVALID,
                      "run %lld was not finished, and began when the pipeline had no source '%.*s'",
                      (long long)entry->run, TN_STR_ARGS(station->id));
        tn_subject(err, p->path.data);
        tn_hint(err,
                "leave the source out until the run is finished; or give the run up with 'tarn "
                "reset --run %lld', and its files are taken anew%s%.*s%s",
                (long long)entry->run, landed->have > 0 ? ", while " : "",
                TN_STR_ARGS(landed->names), landed->have > 0 ? " keeps its rows" : "");
        return TARN_E_INVALID;
    }
    return TARN_OK;
}

/* Parameters are pins, too: a replay takes those that the entry has, whatever is given today. */
static TN_FALLIBLE take_pinned(runner *r, const tn_ledger_entry *entry, tn_arena *arena,
                               tarn_error *err)
{
    tn_dataflow *p = r->p;
    for (uint32_t i = 0; i < p->param_count; i++) {
        const tn_json *pinned = NULL;
        tn_value *value = &p->param_values[i];
        tn_str today;
        tn_text text;
        for (const tn_json *each = tn_json_first(entry->parameter_list); each != NULL;
             each = each->next) {
            pinned = tn_str_equal(each->name, p->param_names[i]) ? each : pinned;
        }
        if (pinned == NULL || pinned->kind != TN_JSON_STRING) {
            continue; /* the file had no such parameter then */
        }
        tn_text_init(&text, p->pool, 1 << 16);
        tn_text_of(value, &text);
        tarn_code code = tn_text_status(&text, err);
        code = code == TARN_OK ? tn_arena_copy(arena, tn_text_str(&text), &today, err) : code;
        tn_text_deinit(&text);
        TN_RETURN_IF_ERROR(code);
        if (tn_str_equal(today, pinned->text)) {
            continue;
        }
        sayf(r, TN_NOTE_WARNING, "run %lld keeps %.*s = %.*s, with which it began, not %.*s",
             (long long)entry->run, TN_STR_ARGS(p->param_names[i]), TN_STR_ARGS(pinned->text),
             TN_STR_ARGS(today));
        if (value->type == TN_VARCHAR) {
            *value = tn_value_varchar(pinned->text);
            continue;
        }
        code = tn_text_parse(pinned->text, value->type, arena, value, err);
        if (code != TARN_OK) {
            tn_explain(err, "the parameter '%.*s' of run %lld", TN_STR_ARGS(p->param_names[i]),
                       (long long)entry->run);
            tn_hint(err, "give it the type it had, or give the run up with 'tarn reset --run %lld'",
                    (long long)entry->run);
            return code;
        }
    }
    return TARN_OK;
}

/* A run goes on under the name that the pipeline had when it began: what it committed under that is
 * not written again.  Not so where another ledger has the number under that name. */
static void keep_names(tn_execution *x, const tn_ledger_entry *entry, const tn_landed *landed)
{
    for (size_t i = 0; i < x->target_count; i++) {
        for (size_t s = 0; s < entry->sink_count; s++) {
            if (tn_str_equal(entry->sinks[s].uri, x->targets[i].uri) && !landed->others[s]) {
                x->targets[i].application = entry->sinks[s].application;
            }
        }
    }
}

/* `*finished` false where the entry was closed as void: its inputs are new again. */
static TN_FALLIBLE replay(runner *r, tn_ledger_entry *entry, bool *finished, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_execution x = {0};
    const tn_input *changed;
    bool gone;
    tn_landed landed;

    *finished = true;
    TN_TRY(tn_execution__open(&x, r->p, &r->ledger, r->options, err));
    TN_TRY(tn_discover_entry(r->p, entry, &x.arena, &x.found, &changed, &gone, err));
    TN_TRY(tn_void__look(r->p, entry, &x.arena, &landed, err));
    x.entry = entry;
    keep_names(&x, entry, &landed);
    if (landed.all) {
        sayf(r, TN_NOTE_INFO, "run %lld was committed, but not marked as done: it is now",
             (long long)entry->run);
        code = tn_execution__finish(&x, err);
        if (code == TARN_OK) {
            conclude(r, &(tn_dataflow_summary){.run = entry->run});
        }
        goto done;
    }
    if (changed != NULL && landed.have > 0) {
        code = refuse_replay(entry, changed, gone, landed.names, err);
        goto done;
    }
    if (landed.have == 0 && (changed != NULL || landed.voided > 0)) {
        if (changed != NULL) {
            sayf(r, TN_NOTE_WARNING,
                 "'%.*s' of run %lld %s before it was committed: the run is given up, and what is "
                 "left of its inputs is taken anew",
                 TN_STR_ARGS(changed->key), (long long)entry->run,
                 gone ? "went away" : "was changed");
        }
        *finished = false;
        r->summary->voided = true;
        code = tn_void__close(r->p, &r->ledger, entry, err);
        x.lost_race = code == TARN_E_CONFLICT; /* a late twin was faster: look again */
        goto done;
    }
    if (landed.voided > 0) {
        code = tn_fail(err, TARN_E_CONFLICT, "run %lld is void in one table and done in %.*s",
                       (long long)entry->run, TN_STR_ARGS(landed.names));
        tn_hint(err, "'tarn reset --run %lld' gives it up; whatever was committed stays",
                (long long)entry->run);
        goto done;
    }
    TN_TRY(refuse_added(r->p, entry, &landed, err));
    sayf(r, TN_NOTE_INFO, "run %lld was not finished: it is repeated from its pins",
         (long long)entry->run);
    if (landed.have > 0 && !tn_str_equal(entry->document_hash, r->p->document_hash)) {
        sayf(r, TN_NOTE_WARNING,
             "the pipeline's file changed since run %lld began: %.*s keep what the earlier one "
             "gave",
             (long long)entry->run, TN_STR_ARGS(landed.names));
    }
    TN_TRY(take_pinned(r, entry, &x.arena, err));
    TN_TRY(tn_execution__bind(&x, err));
    TN_TRY(tn_execution__run(&x, err));
    summarise(r, &x, true);
done:
    r->lost_race = x.lost_race;
    for (uint32_t i = 0; i < r->p->param_count; i++) { /* today's are for what is new */
        r->p->param_values[i] = r->p->params[i].value;
    }
    tn_execution__close(&x);
    return code;
}

/* ---- new inputs -------------------------------------------------------------------------------*/

static void announce(const runner *r, const tn_execution *x, bool dry)
{
    for (size_t i = 0; i < r->p->nodes.count; i++) {
        const tn_station *station = r->p->nodes.items[i];
        const tn_source_pin *pin = &x->found.pins[i];
        if (!station->is_source || pin->count == 0) {
            continue;
        }
        sayf(r, TN_NOTE_INFO, "run %lld %s %zu %sfile%s of %.*s", (long long)x->entry->run,
             dry ? "would take" : "takes", pin->count, station->take_all ? "" : "new ",
             pin->count == 1 ? "" : "s", TN_STR_ARGS(station->id));
        for (size_t f = 0; f < pin->count && dry; f++) {
            sayf(r, TN_NOTE_INFO, "  %.*s (%llu byte%s)", TN_STR_ARGS(pin->keys[f]),
                 (unsigned long long)pin->files[f].size, pin->files[f].size == 1 ? "" : "s");
        }
    }
}

/* A table that has the number: from another ledger, unless a runner of this one was faster. */
static TN_FALLIBLE refuse_foreign(runner *r, tn_execution *x, bool *again, tarn_error *err)
{
    bool is_foreign;
    tarn_error cause = TARN_ERROR_INIT;
    const tarn_code code = tn_execution__refuse_foreign(x, &is_foreign, &cause);
    if (code == TARN_OK) {
        return TARN_OK;
    }
    if (is_foreign) {
        TN_RETURN_IF_ERROR(tn_ledger_load(&r->ledger, err));
        *again = r->ledger.last >= x->entry->run;
    }
    return *again ? TARN_OK : tn_error_copy(err, &cause);
}

/* A source that got another id would take all files again, and double their rows. */
static TN_FALLIBLE refuse_renamed(const tn_discovery *found, tarn_error *err)
{
    const tn_known *before = found->taken_before;
    if (before == NULL) {
        return TARN_OK;
    }
    (void)tn_fail(err, TARN_E_INVALID,
                  "the source '%.*s' would take '%.*s', which run %lld took for the source '%.*s': "
                  "that is in the pipeline no more",
                  TN_STR_ARGS(found->taken_by->id), TN_STR_ARGS(before->input->key),
                  (long long)before->run, TN_STR_ARGS(before->input->source));
    tn_hint(err,
            "nothing was committed or taken; give it the id '%.*s' again, or say by 'tarn reset "
            "--input' that such files are to be taken once more",
            TN_STR_ARGS(before->input->source));
    return TARN_E_INVALID;
}

/* `*again`: another runner wrote this number, so look anew. */
static TN_FALLIBLE take_new(runner *r, bool *again, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_execution x = {0};
    tn_ledger_entry entry = {.run = r->ledger.last + 1};
    discovery_notes notes = {.r = r};
    char uuid[TN_UUID_SIZE];
    bool mine;

    *again = false;
    TN_TRY(tn_execution__open(&x, r->p, &r->ledger, r->options, err));
    x.entry = &entry;
    TN_TRY(tn_discover(r->p, &r->ledger, false, r->options->limit_files, &x.arena, on_discovery,
                       &notes, &x.found, err));
    if (notes.warnings > 0 && r->options->strict) {
        code = tn_fail(err, TARN_E_INVALID, "%s", notes.first);
        tn_hint(err, "--strict makes warnings errors");
        goto done;
    }
    TN_TRY(refuse_renamed(&x.found, err));
    if (x.found.takes_new && x.found.new_files == 0) {
        say(r, TN_NOTE_INFO, TN_STR("nothing new"));
        goto done;
    }
    tn_stop_at(TN_STOP_discovered);
    tn_random_uuid(uuid);
    entry.id = tn_str_of(uuid);
    entry.now_us = tn_clock_now_us();
    entry.seed = tn_random_u64();
    entry.document_hash = r->p->document_hash;
    TN_TRY(tn_execution__bind(&x, err));
    TN_TRY(tn_build__check_sinks(&x.build, true, err));
    TN_TRY(tn_dataflow__first_fault(r->p, err));
    code = refuse_foreign(r, &x, again, err);
    if (code != TARN_OK || *again) {
        goto done;
    }
    announce(r, &x, r->options->dry_run);
    if (r->options->dry_run) {
        r->summary->files = x.found.new_files;
        goto done;
    }
    TN_TRY(tn_execution__pin(&x, err));
    TN_TRY(tn_ledger_begin(&r->ledger, &entry, &mine, err));
    if (!mine) {
        *again = true;
        goto done;
    }
    tn_stop_at(TN_STOP_ledger_written);
    TN_TRY(tn_execution__run(&x, err));
    summarise(r, &x, false);
done:
    r->lost_race = x.lost_race;
    tn_execution__close(&x);
    return code;
}

/* Other writers of a table came first in a way that forbids our commit: they made it, changed its
 * schema, or changed what we overwrite.  The run is repeated then, some times. */
static bool may_repeat(runner *r, tarn_code code, const tarn_error *cause, int *losses)
{
    enum { LOSSES_MAX = 8 };
    if (code != TARN_E_CONFLICT || !r->lost_race || ++*losses > LOSSES_MAX) {
        return false;
    }
    sayf(r, TN_NOTE_INFO, "%s", cause->message);
    tn_clock_sleep_ms(10U + (unsigned)(tn_random_u64() % (40U << *losses)));
    return true;
}

static TN_FALLIBLE run_all(runner *r, tarn_error *err)
{
    int losses = 0;
    for (int rounds = 0; rounds < 1000; rounds++) {
        bool again = false;
        bool finished;
        tarn_error cause = TARN_ERROR_INIT;
        TN_RETURN_IF_ERROR(tn_ledger_load(&r->ledger, err));
        if (rounds > 0 && tn_session_is_cancelled(r->p->session)) {
            (void)tn_fail(err, TARN_E_CANCELLED, "stopped between two runs");
            tn_hint(err, "'tarn run' goes on with what is left");
            return TARN_E_CANCELLED;
        }
        tn_ledger_entry *open = tn_ledger_unfinished(&r->ledger);
        if (open != NULL && r->options->dry_run) {
            sayf(r, TN_NOTE_INFO, "run %lld was not finished and would be repeated first",
                 (long long)open->run);
            return TARN_OK;
        }
        if (open != NULL) {
            const tarn_code code = replay(r, open, &finished, &cause);
            if (code != TARN_OK && !may_repeat(r, code, &cause, &losses)) {
                return tn_error_copy(err, &cause);
            }
            continue;
        }
        const tarn_code code = take_new(r, &again, &cause);
        if (code == TARN_OK && !again) {
            return TARN_OK;
        }
        if (code != TARN_OK && !may_repeat(r, code, &cause, &losses)) {
            return tn_error_copy(err, &cause);
        }
    }
    return tn_fail(err, TARN_E_CONFLICT, "other runners were faster each time");
}

tarn_code tn_dataflow_run(tn_dataflow *p, const tn_dataflow_run_options *options,
                          tn_dataflow_summary *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    runner r = {.p = p, .options = options, .summary = out};
    const uint64_t begun = tn_clock_monotonic_ns();
    int lock = -1;

    r.begun_ns = begun;
    *out = (tn_dataflow_summary){0};
    TN_RETURN_IF_ERROR(tn_stop_check(err));
    TN_RETURN_IF_ERROR(tn_dataflow__first_fault(p, err));
    TN_TRY(tn_ledger_open(&r.ledger, p, err));
    if (!options->dry_run) {
        TN_TRY(tn_ledger_lock(&r.ledger, options->no_wait, waiting, &r, &lock, err));
    }
    TN_TRY(run_all(&r, err));
    if (!options->dry_run) {
        tn_ledger_pack(&r.ledger);
    }
done:
    tn_file_close(lock);
    tn_ledger_close(&r.ledger);
    out->seconds = (double)(tn_clock_monotonic_ns() - begun) / 1e9;
    return code;
}
