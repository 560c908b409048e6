#include "api/api_internal.h"

#include "session/request.h"

#include <stdio.h>
#include <unistd.h>

tarn_code tn_api__check(const tarn_session *session, tarn_error *err)
{
    if (session == NULL) {
        return tn_fail(err, TARN_E_INVALID, "the session is NULL");
    }
    if (session->owner != getpid()) {
        (void)tn_fail(err, TARN_E_INVALID, "the session was made before fork()");
        tn_hint(err, "open another one in the child");
        return TARN_E_INVALID;
    }
    return TARN_OK;
}

tarn_code tn_api__check_text(const char *text, const char *name, tarn_error *err)
{
    return tn_api__check_given(text != NULL, name, err);
}

tarn_code tn_api__check_given(bool is_given, const char *name, tarn_error *err)
{
    return is_given ? TARN_OK : tn_fail(err, TARN_E_INVALID, "the %s is NULL", name);
}

tarn_code tarn_session_open(tarn_session **out, tarn_error *err)
{
    tn_session *session;
    void *memory;
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(tn_process_pool(), sizeof(tarn_session), &memory, err));
    tarn_session *made = memory;
    const tarn_code code = tn_session_create(&session, err);
    if (code != TARN_OK) {
        tn_pool_free(tn_process_pool(), made, sizeof(*made));
        return code;
    }
    made->session = session;
    made->owner = getpid();
    atomic_init(&made->holds, 1);
    tn_arena_init(&made->arena, tn_session_pool(session));
    *out = made;
    return TARN_OK;
}

void tn_api__hold(tarn_session *session)
{
    atomic_fetch_add_explicit(&session->holds, 1, memory_order_relaxed);
}

void tn_api__let_go(tarn_session *session)
{
    if (atomic_fetch_sub_explicit(&session->holds, 1, memory_order_acq_rel) != 1) {
        return;
    }
    tn_arena_deinit(&session->arena);
    tn_session_destroy(session->session);
    tn_pool_free(tn_process_pool(), session, sizeof(*session));
}

void tarn_session_close(tarn_session *session)
{
    if (session == NULL || session->owner != getpid()) {
        return; /* the parent's locks and threads are not here */
    }
    tn_api__let_go(session);
}

void tarn_session_cancel(tarn_session *session)
{
    if (session != NULL) {
        tn_session_cancel(session->session);
    }
}

void tarn_session_resume(tarn_session *session)
{
    if (session != NULL) {
        tn_session_resume(session->session);
    }
}

tarn_code tarn_session_set(tarn_session *session, const char *name, const char *value,
                           tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(name, "name", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(value, "value", err));
    return tn_session_set(session->session, tn_str_of(name), tn_str_of(value), TN_FROM_SESSION,
                          err);
}

tarn_code tarn_session_set_option(tarn_session *session, const char *name, const char *value,
                                  tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(name, "name", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(value, "value", err));
    return tn_session_set(session->session, tn_str_of(name), tn_str_of(value), TN_FROM_OPTION, err);
}

static TN_FALLIBLE grow_parameters(tarn_session *session, tarn_error *err)
{
    const uint32_t capacity =
        session->parameter_capacity == 0 ? 8 : 2 * session->parameter_capacity;
    const tn_parameters *old = &session->parameters;
    tn_str *names;
    tn_value *values;
    TN_RETURN_IF_ERROR(tn_arena_array(&session->arena, tn_str, capacity, &names, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&session->arena, tn_value, capacity, &values, err));
    for (uint32_t i = 0; i < old->count; i++) {
        names[i] = old->names[i];
        values[i] = old->values[i];
    }
    session->parameters = (tn_parameters){old->count, names, values};
    session->parameter_capacity = capacity;
    return TARN_OK;
}

/* What can stand behind a $: a name, or the number of a ?. */
static bool names_parameter(const char *name)
{
    const bool is_number = name[0] >= '1' && name[0] <= '9';
    for (const char *c = name; *c != '\0'; c++) {
        const char lower = tn_ascii_lower(*c);
        const bool is_letter =
            (lower >= 'a' && lower <= 'z') || *c == '_' || (unsigned char)*c >= 0x80;
        if (is_number ? *c < '0' || *c > '9' : !is_letter && (c == name || *c < '0' || *c > '9')) {
            return false;
        }
    }
    return name[0] != '\0';
}

tarn_code tarn_session_bind(tarn_session *session, const char *name, const char *text,
                            tarn_error *err)
{
    tn_str kept_name;
    tn_str kept_text;
    tn_value value;
    TN_RETURN_IF_ERROR(tn_api__check(session, err));
    TN_RETURN_IF_ERROR(tn_api__check_text(name, "name", err));
    TN_RETURN_IF_ERROR(tn_api__check_text(text, "value", err));
    if (!names_parameter(name)) {
        (void)tn_fail(err, TARN_E_INVALID, "'%s' is no name of a parameter", name);
        tn_hint(err, "a letter or _, then digits, too, as in $day; or the number of a ?");
        return TARN_E_INVALID;
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(&session->arena, tn_str_of(name), &kept_name, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(&session->arena, tn_str_of(text), &kept_text, err));
    tn_parameter_of_text(kept_text, &value);
    /* The newest of a name wins: it stands first in a new list, since a running script may still
     * look at the old one. */
    if (session->parameters.count == session->parameter_capacity) {
        TN_RETURN_IF_ERROR(grow_parameters(session, err));
    }
    uint32_t at = 0;
    while (at < session->parameters.count &&
           !tn_str_equal(session->parameters.names[at], kept_name)) {
        at++;
    }
    ((tn_str *)(uintptr_t)session->parameters.names)[at] = kept_name;
    ((tn_value *)(uintptr_t)session->parameters.values)[at] = value;
    session->parameters.count += at == session->parameters.count;
    return TARN_OK;
}

void tarn_session_on_progress(tarn_session *session, tarn_progress *progress, void *context)
{
    if (session != NULL) {
        tn_session_on_progress(session->session, progress, context);
    }
}

bool tarn_session_setting(tarn_session *session, size_t index, tarn_setting *out)
{
    static const char *const from_texts[] = {"default", "file", "environment", "command line",
                                             "session"};
    size_t count;
    tn_setting_from from = TN_FROM_DEFAULT;
    const tn_setting *settings = tn_settings(&count);
    if (session == NULL || out == NULL || index >= count || out->struct_size < sizeof(*out)) {
        return false;
    }
    const char *value = tn_session_get(session->session, settings[index].name, &from);
    out->name = settings[index].name;
    out->value = value != NULL && settings[index].is_secret ? "***" : value;
    out->from = from_texts[from];
    out->doc = settings[index].doc;
    out->is_secret = settings[index].is_secret;
    return true;
}

/* "VmHWM:    12345 kB" of the kernel's page about this process. */
static uint64_t peak_rss(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            for (const char *c = line + 6; *c != '\0'; c++) {
                kib = *c >= '0' && *c <= '9' ? 10 * kib + (unsigned)(*c - '0') : kib;
            }
            break;
        }
    }
    (void)fclose(file);
    return (uint64_t)kib * 1024;
}

void tarn_process_figures(tarn_figures *out)
{
    if (out == NULL || out->struct_size < sizeof(*out)) {
        return;
    }
    tn_store_counters(&out->bytes_read, &out->bytes_written);
    out->peak_bytes = atomic_load(&tn_process_pool()->peak);
    out->peak_rss_bytes = peak_rss();
}
