/*
 * The process's HTTP engine: libcurl, loaded when first needed, since linking it would cost every
 * start of the command 4 ms and 6 MB.  One thread drives one multi handle; requests wait in line
 * when enough are under way.  What must be ours and not libcurl's: the idle clock (its own averages
 * over minutes), and the choice of certificates (its default parses 150 of them per connection).
 */
#include "net/http.h"
#include "os/clock.h"
#include "os/thread.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ACTIVE_MAX = 32,
    HANDLES_MAX = 32,
    BUFFER_SIZE = 512 << 10,
    IDLE_CHECK_MS = 500,
    WATCH_MS = 50
};

/* The functions we call; found by name. */
static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    void (*easy_reset)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_perform)(CURLM *multi, int *running);
    CURLMcode (*multi_poll)(CURLM *multi, struct curl_waitfd *fds, unsigned count, int timeout,
                            int *ready);
    CURLMcode (*multi_wakeup)(CURLM *multi);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
} lib;

/* The process's: made once, and anew in a child after fork(), whose thread is gone. */
static struct {
    pthread_mutex_t lock; /* guards what stands before `multi` */
    bool tried;
    bool ready;
    char problem[160];
    tn_http_request *arrived; /* newest first */
    bool cancels;
    CURLM *multi;
    /* The thread's own: */
    tn_http_request *waiting; /* not due yet, or too many under way */
    tn_http_request *active;
    unsigned active_count;
    CURL *spare[HANDLES_MAX];
    unsigned spare_count;
    const char *ca_path; /* a folder with hashed names, or NULL */
} net = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forget_in_child(void)
{
    (void)pthread_mutex_init(&net.lock, NULL);
    net.tried = net.ready = net.cancels = false;
    net.arrived = net.waiting = net.active = NULL;
    net.active_count = net.spare_count = 0;
    net.multi = NULL; /* the parent's connections are not touched */
}

static void prepare(void)
{
    (void)pthread_atfork(NULL, NULL, forget_in_child);
}

static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name); /* NOLINT(concurrency-mt-unsafe) */
    if (found == NULL) {
        (void)snprintf(net.problem, sizeof(net.problem), "libcurl.so.4 has no %s", name);
        return false;
    }
    memcpy(function, &found, sizeof(found));
    return true;
}

static bool load(void)
{
    if (lib.global_init != NULL) {
        return true;
    }
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL) {
        (void)snprintf(net.problem, sizeof(net.problem), "libcurl.so.4 cannot be loaded");
        return false;
    }
    return find(library, "curl_easy_init", &lib.easy_init) &&
           find(library, "curl_easy_cleanup", &lib.easy_cleanup) &&
           find(library, "curl_easy_reset", &lib.easy_reset) &&
           find(library, "curl_easy_setopt", &lib.easy_setopt) &&
           find(library, "curl_easy_getinfo", &lib.easy_getinfo) &&
           find(library, "curl_easy_strerror", &lib.easy_strerror) &&
           find(library, "curl_multi_init", &lib.multi_init) &&
           find(library, "curl_multi_setopt", &lib.multi_setopt) &&
           find(library, "curl_multi_add_handle", &lib.multi_add_handle) &&
           find(library, "curl_multi_remove_handle", &lib.multi_remove_handle) &&
           find(library, "curl_multi_perform", &lib.multi_perform) &&
           find(library, "curl_multi_poll", &lib.multi_poll) &&
           find(library, "curl_multi_wakeup", &lib.multi_wakeup) &&
           find(library, "curl_multi_info_read", &lib.multi_info_read) &&
           find(library, "curl_slist_append", &lib.slist_append) &&
           find(library, "curl_slist_free_all", &lib.slist_free_all) &&
           find(library, "curl_global_init", &lib.global_init);
}

/* ---- one request ------------------------------------------------------------------------------
 */

static size_t take_header(char *data, size_t one, size_t size, void *context)
{
    tn_http_request *request = context;
    (void)one;
    request->progress_ns = tn_clock_monotonic_ns();
    tn_http_head_line(&request->head, (tn_str){data, size});
    return size;
}

static size_t take_body(char *data, size_t one, size_t size, void *context)
{
    tn_http_request *request = context;
    (void)one;
    request->progress_ns = tn_clock_monotonic_ns();
    request->received += size;
    if (request->take != NULL && !request->take(request, (const uint8_t *)data, size)) {
        request->result = TN_HTTP_STOPPED;
        return size + 1; /* anything but `size` ends the transfer */
    }
    return size;
}

static size_t give_body(char *out, size_t one, size_t size, void *context)
{
    tn_http_request *request = context;
    const size_t left = request->body.size - request->sent;
    const size_t part = left < one * size ? left : one * size;
    request->progress_ns = tn_clock_monotonic_ns();
    if (part > 0) {
        memcpy(out, request->body.data + request->sent, part);
    }
    request->sent += part;
    return part;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
    tn_http_request *request = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > request->body.size) {
        return CURL_SEEKFUNC_FAIL;
    }
    request->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void finish(tn_http_request *request)
{
    if (request->handle != NULL) {
        lib.multi_remove_handle(net.multi, request->handle);
        if (net.spare_count < HANDLES_MAX) {
            lib.easy_reset(request->handle);
            net.spare[net.spare_count++] = request->handle;
        } else {
            lib.easy_cleanup(request->handle);
        }
        request->handle = NULL;
    }
    lib.slist_free_all(request->lines);
    request->lines = NULL;
    request->complete(request); /* may start it again */
}

static void set_certificates(CURL *easy, const tn_http_request *request)
{
    if (request->ca_file != NULL) {
        lib.easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
        lib.easy_setopt(easy, CURLOPT_CAPATH, (char *)NULL);
    } else if (net.ca_path != NULL) {
        lib.easy_setopt(easy, CURLOPT_CAINFO, (char *)NULL);
        lib.easy_setopt(easy, CURLOPT_CAPATH, net.ca_path);
    }
}

static bool set_headers(CURL *easy, tn_http_request *request)
{
    struct curl_slist *lines = lib.slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
    for (size_t i = 0; lines != NULL && i < request->header_count; i++) {
        struct curl_slist *longer = lib.slist_append(lines, request->headers[i]);
        if (longer == NULL) {
            lib.slist_free_all(lines);
        }
        lines = longer;
    }
    request->lines = lines;
    lib.easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    return lines != NULL;
}

static bool set_up(CURL *easy, tn_http_request *request)
{
    lib.easy_setopt(easy, CURLOPT_URL, request->url);
    lib.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    lib.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    lib.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    lib.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    lib.easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* keys may hold "/../" */
    lib.easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    lib.easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
    lib.easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_SIZE);
    lib.easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    lib.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    lib.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
#if LIBCURL_VERSION_NUM >= 0x075700 /* a thread that asks a silent name server is not waited for \
                                     */
    lib.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    lib.easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->fresh_connection ? 1L : 0L);
    lib.easy_setopt(easy, CURLOPT_PRIVATE, request);
    lib.easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    lib.easy_setopt(easy, CURLOPT_HEADERDATA, request);
    lib.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    lib.easy_setopt(easy, CURLOPT_WRITEDATA, request);
    set_certificates(easy, request);
    const bool head = strcmp(request->method, "HEAD") == 0;
    const bool sends = strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;
    if (head) {
        lib.easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (sends) {
        lib.easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        lib.easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body.size);
        lib.easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
        lib.easy_setopt(easy, CURLOPT_READDATA, request);
        lib.easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
        lib.easy_setopt(easy, CURLOPT_SEEKDATA, request);
    }
    if (!head) {
        lib.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    return set_headers(easy, request);
}

static void begin(tn_http_request *request)
{
    CURL *easy = net.spare_count > 0 ? net.spare[--net.spare_count] : lib.easy_init();
    request->handle = easy;
    request->result = TN_HTTP_LOST;
    request->begun = true;
    request->received = 0;
    request->sent = 0;
    request->progress_ns = tn_clock_monotonic_ns();
    request->next = net.active;
    if (easy == NULL || !set_up(easy, request) ||
        lib.multi_add_handle(net.multi, easy) != CURLM_OK) {
        request->result = TN_HTTP_NOT_SENT;
        (void)snprintf(request->problem, sizeof(request->problem), "libcurl has no memory");
        finish(request);
        return;
    }
    net.active = request;
    net.active_count++;
}

static void unlink_active(const tn_http_request *request)
{
    for (tn_http_request **at = &net.active; *at != NULL; at = &(*at)->next) {
        if (*at == request) {
            *at = request->next;
            net.active_count--;
            return;
        }
    }
}

static tn_http_result result_of(CURLcode code)
{
    if (code == CURLE_OK) {
        return TN_HTTP_ANSWERED;
    }
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
        code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR) {
        return TN_HTTP_NOT_SENT;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_URL_MALFORMAT ||
        code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_SSL_CACERT_BADFILE ||
        code == CURLE_TOO_MANY_REDIRECTS) {
        return TN_HTTP_REFUSED;
    }
    return TN_HTTP_LOST;
}

static bool took_no_time(const tn_http_request *request, CURLINFO phase)
{
    double seconds = 0;
    return lib.easy_getinfo(request->handle, phase, &seconds) == CURLE_OK && seconds <= 0;
}

static void end(tn_http_request *request, CURLcode code)
{
    unlink_active(request);
    if (request->result != TN_HTTP_STOPPED) {
        request->result = result_of(code);
    }
    const bool not_connected = code == CURLE_OPERATION_TIMEDOUT && request->received == 0 &&
                               took_no_time(request, CURLINFO_CONNECT_TIME);
    request->problem[0] = '\0';
    if (not_connected) {
        request->result = TN_HTTP_NOT_SENT;
        (void)snprintf(request->problem, sizeof(request->problem), "%s within %u ms",
                       took_no_time(request, CURLINFO_NAMELOOKUP_TIME)
                           ? "no name server told its address"
                           : "no connection",
                       request->connect_ms);
    } else if (code != CURLE_OK) {
        (void)snprintf(request->problem, sizeof(request->problem), "%s",
                       code == CURLE_PEER_FAILED_VERIFICATION ? "its TLS certificate is not trusted"
                                                              : lib.easy_strerror(code));
    }
    finish(request);
}

static void give_up(tn_http_request *request, tn_http_result result, const char *problem)
{
    unlink_active(request);
    request->result = result;
    (void)snprintf(request->problem, sizeof(request->problem), "%s", problem);
    finish(request);
}

/* ---- the thread -------------------------------------------------------------------------------
 */

static void take_arrivals(void)
{
    pthread_mutex_lock(&net.lock);
    tn_http_request *list = net.arrived;
    net.arrived = NULL;
    net.cancels = false;
    pthread_mutex_unlock(&net.lock);
    tn_http_request **end_of_line = &net.waiting;
    while (*end_of_line != NULL) {
        end_of_line = &(*end_of_line)->next;
    }
    tn_http_request *in_order = NULL;
    while (list != NULL) {
        tn_http_request *next = list->next;
        list->next = in_order;
        in_order = list;
        list = next;
    }
    *end_of_line = in_order;
}

static bool is_cancelled(const tn_http_request *request)
{
    return atomic_load_explicit(&request->cancelled, memory_order_relaxed) ||
           (request->unwanted != NULL && request->unwanted(request));
}

/* Starts what is due, in order of arrival.  Returns ms until the next is, or is asked about. */
static int start_due(void)
{
    const uint64_t now = tn_clock_monotonic_ns();
    uint64_t next_ns = UINT64_MAX;
    bool watched = false;
    for (tn_http_request **at = &net.waiting; *at != NULL;) {
        tn_http_request *request = *at;
        const bool cancelled = is_cancelled(request);
        if (cancelled || (request->start_ns <= now && net.active_count < ACTIVE_MAX)) {
            *at = request->next;
            if (cancelled) {
                give_up(request, TN_HTTP_CANCELLED, "cancelled");
            } else {
                begin(request);
            }
            continue;
        }
        if (request->start_ns > now && request->start_ns < next_ns) {
            next_ns = request->start_ns;
        }
        watched = watched || request->unwanted != NULL;
        at = &request->next;
    }
    const uint64_t most = watched ? WATCH_MS : IDLE_CHECK_MS * 20;
    const uint64_t ms = next_ns == UINT64_MAX ? most : (next_ns - now) / 1000000 + 1;
    return (int)(ms < most ? ms : most);
}

/* Returns ms until it wants to be called again. */
static int check_clocks(void)
{
    const uint64_t now = tn_clock_monotonic_ns();
    int soon = net.active == NULL ? IDLE_CHECK_MS * 20 : IDLE_CHECK_MS;
    for (tn_http_request *request = net.active; request != NULL;) {
        tn_http_request *next = request->next;
        soon = request->unwanted != NULL ? WATCH_MS : soon;
        if (is_cancelled(request)) {
            give_up(request, TN_HTTP_CANCELLED, "cancelled");
            next = net.active; /* completing may have changed the list */
        } else if (request->idle_ms > 0 && now > request->progress_ns &&
                   now - request->progress_ns > (uint64_t)request->idle_ms * 1000000) {
            char problem[96];
            (void)snprintf(problem, sizeof(problem), "no byte for %u ms", request->idle_ms);
            give_up(request, TN_HTTP_LOST, problem);
            next = net.active;
        }
        request = next;
    }
    return soon;
}

static void *drive(void *argument)
{
    int running;
    (void)argument;
    for (;;) {
        int left;
        take_arrivals();
        int timeout = start_due();
        lib.multi_perform(net.multi, &running);
        for (CURLMsg *message; (message = lib.multi_info_read(net.multi, &left)) != NULL;) {
            if (message->msg == CURLMSG_DONE) {
                tn_http_request *request = NULL;
                const CURLcode code = message->data.result;
                (void)lib.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
                end(request, code);
                timeout = 0; /* one may be started in its place */
            }
        }
        const int soon = check_clocks();
        lib.multi_poll(net.multi, NULL, 0, timeout < soon ? timeout : soon, NULL);
    }
    return NULL;
}

/* ---- the engine -------------------------------------------------------------------------------
 */

static void start(const tn_http *http, tn_http_request *request)
{
    (void)http;
    request->handle = NULL;
    request->lines = NULL;
    request->begun = false;
    request->head = (tn_http_head){.range_total = UINT64_MAX};
    pthread_mutex_lock(&net.lock);
    request->next = net.arrived;
    net.arrived = request;
    pthread_mutex_unlock(&net.lock);
    (void)lib.multi_wakeup(net.multi);
}

static void cancel(const tn_http *http, tn_http_request *request)
{
    (void)http;
    atomic_store(&request->cancelled, true);
    (void)lib.multi_wakeup(net.multi);
}

/* Debian's folder of certificates by hash; a bundle is parsed again for each connection. */
static bool is_hashed_folder(const char *path)
{
    DIR *folder = opendir(path);
    bool found = false;
    if (folder == NULL) {
        return false;
    }
    for (const struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) { /* NOLINT */
        const size_t size = strlen(entry->d_name);
        found = size == 10 && entry->d_name[8] == '.' && entry->d_name[9] == '0';
    }
    (void)closedir(folder);
    return found;
}

static bool set_up_once(void)
{
    static const char *const folders[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};
    pthread_t thread;
    if (!load()) {
        return false;
    }
    if (lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (net.multi = lib.multi_init()) == NULL) {
        (void)snprintf(net.problem, sizeof(net.problem), "libcurl cannot start");
        return false;
    }
    lib.multi_setopt(net.multi, CURLMOPT_MAXCONNECTS, 2L * ACTIVE_MAX);
    for (size_t i = 0; net.ca_path == NULL && i < sizeof(folders) / sizeof(folders[0]); i++) {
        net.ca_path = is_hashed_folder(folders[i]) ? folders[i] : NULL;
    }
    if (tn_thread_start("tarn-net", drive, NULL, &thread, NULL) != TARN_OK) {
        (void)snprintf(net.problem, sizeof(net.problem), "no thread can be started");
        return false;
    }
    tn_thread_detach(thread);
    return true;
}

tarn_code tn_http_open(const tn_http **out, tarn_error *err)
{
    static const tn_http engine = {start, cancel, NULL};
    (void)pthread_once(&once, prepare);
    pthread_mutex_lock(&net.lock);
    if (!net.tried) {
        net.tried = true;
        net.ready = set_up_once();
    }
    const bool ready = net.ready;
    pthread_mutex_unlock(&net.lock);
    if (!ready) {
        *out = NULL;
        (void)tn_fail(err, TARN_E_UNSUPPORTED, "no HTTP: %s", net.problem);
        tn_hint(err, "install it: apt-get install libcurl4");
        return TARN_E_UNSUPPORTED;
    }
    *out = &engine;
    return TARN_OK;
}
