/*
 * Lines from a person.  libedit is loaded when it is there: its native interface is declared here,
 * so that nothing is needed to build, and a machine without it still has a shell.
 */
#include "shell.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- libedit's interface (editline/histedit.h) ---- */

typedef struct line_info {
    const char *buffer, *cursor, *last;
} line_info;
typedef struct history_event {
    int number;
    const char *text;
} history_event;

enum {
    EL_PROMPT = 0,
    EL_EDITOR = 2,
    EL_SIGNAL = 3,
    EL_BIND = 4,
    EL_ADDFN = 9,
    EL_HIST = 10,
    H_SETSIZE = 1,
    H_ENTER = 10,
    H_LOAD = 17,
    H_SAVE = 18,
    H_SETUNIQUE = 20,
    CC_REFRESH = 4,
    CC_REDISPLAY = 8,
    CC_REFRESH_BEEP = 9
};

typedef struct library {
    void *(*el_init)(const char *name, FILE *in, FILE *out, FILE *err);
    void (*el_end)(void *edit);
    int (*el_set)(void *edit, int what, ...);
    const char *(*el_gets)(void *edit, int *count);
    const line_info *(*el_line)(void *edit);
    int (*el_insertstr)(void *edit, const char *text);
    void (*el_deletestr)(void *edit, int count);
    void *(*history_init)(void);
    void (*history_end)(void *history);
    int (*history)(void *history, history_event *event, int what, ...);
} library;

enum { HISTORY_SIZE = 5000, LINE_SIZE = 64 << 10, SHOWN_MAX = 200, NAME_SIZE = 256 };

struct line_editor {
    library lib;
    void *handle, *edit, *past;
    const char *prompt;
    char history_path[1024];
    complete_line *complete;
    void *context;
    char line[LINE_SIZE]; /* without libedit */
    size_t held, taken;
};

/* libedit's callbacks are told no context; a process has one terminal and one editor. */
static line_editor *current;

static bool load(line_editor *e)
{
    const struct {
        const char *name;
        void *into;
    } functions[] = {{"el_init", &e->lib.el_init},
                     {"el_end", &e->lib.el_end},
                     {"el_set", &e->lib.el_set},
                     {"el_gets", &e->lib.el_gets},
                     {"el_line", &e->lib.el_line},
                     {"el_insertstr", &e->lib.el_insertstr},
                     {"el_deletestr", &e->lib.el_deletestr},
                     {"history_init", &e->lib.history_init},
                     {"history_end", &e->lib.history_end},
                     {"history", &e->lib.history}};
    e->handle = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; e->handle != NULL && i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = dlsym(e->handle, functions[i].name);
        if (function == NULL) {
            return false;
        }
        memcpy(functions[i].into, &function, sizeof(function));
    }
    return e->handle != NULL;
}

/* ---- completion ---- */

typedef struct candidates {
    char names[SHOWN_MAX][NAME_SIZE];
    size_t count, total;
    char common[NAME_SIZE];
    size_t replaces;
    char after;
} candidates;

static void take_candidate(void *context, const char *text, size_t replaces, char after)
{
    candidates *c = context;
    const size_t size = strlen(text);
    if (size >= NAME_SIZE) {
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->names[i], text) == 0) {
            return;
        }
    }
    if (c->total == 0) {
        memcpy(c->common, text, size + 1);
        c->replaces = replaces;
        c->after = after;
    }
    size_t same = 0;
    while (c->common[same] != '\0' && c->common[same] == text[same]) {
        same++;
    }
    c->common[same] = '\0';
    if (c->count < SHOWN_MAX) {
        memcpy(c->names[c->count++], text, size + 1);
    }
    c->total++;
}

static void list_candidates(const candidates *c)
{
    size_t widest = 1;
    for (size_t i = 0; i < c->count; i++) {
        const size_t width = tarn_text_width(c->names[i], strlen(c->names[i]));
        widest = width > widest ? width : widest;
    }
    const size_t columns =
        terminal_width() / (widest + 2) > 0 ? terminal_width() / (widest + 2) : 1;
    (void)putchar('\n');
    for (size_t i = 0; i < c->count; i++) {
        printf("%s", c->names[i]);
        if ((i + 1) % columns == 0 || i + 1 == c->count) {
            (void)putchar('\n');
        } else {
            printf("%*s", (int)(widest + 2 - tarn_text_width(c->names[i], strlen(c->names[i]))),
                   "");
        }
    }
    if (c->total > c->count) {
        printf("... and %zu more\n", c->total - c->count);
    }
    (void)fflush(stdout);
}

static unsigned char on_tab(void *edit, int key)
{
    static candidates c; /* too large for a stack */
    line_editor *e = current;
    (void)key;
    const line_info *line = e->lib.el_line(edit);
    c.count = c.total = 0;
    e->complete(e->context, line->buffer, (size_t)(line->cursor - line->buffer), take_candidate,
                &c);
    if (c.total == 0) {
        return CC_REFRESH_BEEP;
    }
    const size_t common = strlen(c.common);
    const bool grows = common > c.replaces || c.total == 1;
    if (grows) {
        e->lib.el_deletestr(edit, (int)c.replaces);
        (void)e->lib.el_insertstr(edit, c.common);
    }
    if (c.total == 1) {
        const char after[] = {c.after, '\0'};
        (void)e->lib.el_insertstr(edit, after);
        return CC_REFRESH;
    }
    if (grows) {
        return CC_REFRESH;
    }
    list_candidates(&c);
    return CC_REDISPLAY;
}

/* ---- the editor ---- */

static char *prompt_of(void *edit)
{
    static char text[64]; /* libedit wants it to stay */
    (void)edit;
    (void)snprintf(text, sizeof(text), "%s", current->prompt);
    return text;
}

static void start(line_editor *e)
{
    history_event event;
    /* This thread's alone: the process keeps its locale. */
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale != (locale_t)0) {
        (void)uselocale(locale);
    }
    e->edit = e->lib.el_init("tarn", stdin, stdout, stderr);
    e->past = e->lib.history_init();
    if (e->edit == NULL || e->past == NULL) {
        return;
    }
    (void)e->lib.el_set(e->edit, EL_PROMPT, prompt_of);
    (void)e->lib.el_set(e->edit, EL_EDITOR, "emacs");
    (void)e->lib.el_set(e->edit, EL_SIGNAL, 0);
    (void)e->lib.el_set(e->edit, EL_ADDFN, "tarn-complete", "complete", on_tab);
    (void)e->lib.el_set(e->edit, EL_BIND, "^I", "tarn-complete", NULL);
    (void)e->lib.el_set(e->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)e->lib.history(e->past, &event, H_SETSIZE, HISTORY_SIZE);
    (void)e->lib.history(e->past, &event, H_SETUNIQUE, 1);
    (void)e->lib.el_set(e->edit, EL_HIST, e->lib.history, e->past);
    if (e->history_path[0] != '\0') {
        (void)e->lib.history(e->past, &event, H_LOAD, e->history_path);
    }
}

line_editor *line_editor_open(const char *history_path, complete_line *complete, void *context)
{
    char *memory = NULL;
    if (tarn_text_resize(&memory, sizeof(line_editor), NULL) != TARN_OK) {
        return NULL;
    }
    line_editor *e = (line_editor *)(void *)memory;
    (void)memset(e, 0, sizeof(*e));
    current = e;
    e->complete = complete;
    e->context = context;
    (void)snprintf(e->history_path, sizeof(e->history_path), "%s", history_path);
    if (isatty(STDIN_FILENO) == 1 && load(e)) {
        start(e);
    }
    return e;
}

/* A line without libedit. */
static const char *read_plain(line_editor *e, bool *interrupted)
{
    if (isatty(STDIN_FILENO) == 1) {
        printf("%s", e->prompt);
        (void)fflush(stdout);
    }
    memmove(e->line, e->line + e->taken, e->held - e->taken);
    e->held -= e->taken;
    e->taken = 0;
    for (;;) {
        char *end = memchr(e->line, '\n', e->held);
        if (end != NULL || e->held == sizeof(e->line) - 1) {
            end = end != NULL ? end : e->line + e->held;
            e->taken = (size_t)(end - e->line) + (*end == '\n' ? 1 : 0);
            *end = '\0';
            return e->line;
        }
        const ssize_t got = read(STDIN_FILENO, e->line + e->held, sizeof(e->line) - 1 - e->held);
        if (got < 0 && errno == EINTR && signal_seen() == 0) {
            continue;
        }
        if (got <= 0) {
            *interrupted = got < 0;
            if (e->held == 0 || got < 0) {
                e->held = e->taken = 0;
                return NULL;
            }
            e->line[e->held] = '\0';
            e->taken = e->held;
            return e->line;
        }
        e->held += (size_t)got;
    }
}

const char *line_editor_read(line_editor *e, const char *prompt, bool *interrupted)
{
    int count = 0;
    *interrupted = false;
    e->prompt = prompt;
    if (e->edit == NULL) {
        return read_plain(e, interrupted);
    }
    errno = 0;
    const char *line = e->lib.el_gets(e->edit, &count);
    if (line == NULL || count <= 0) {
        *interrupted = signal_seen() != 0;
        return NULL;
    }
    return line;
}

/* Is a setting named whose value may be a secret?  It is refused, and must not be kept either. */
static bool names_secret(const char *text)
{
    static const char *const words[] = {"s3.secret", "s3.session", "s3.access"};
    for (; *text != '\0'; text++) {
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (strncasecmp(text, words[i], strlen(words[i])) == 0) {
                return true;
            }
        }
    }
    return false;
}

void line_editor_remember(line_editor *e, const char *text)
{
    history_event event;
    if (e->edit != NULL && text[0] != '\0' && !names_secret(text)) {
        (void)e->lib.history(e->past, &event, H_ENTER, text);
        if (e->history_path[0] != '\0') {
            (void)e->lib.history(e->past, &event, H_SAVE, e->history_path);
        }
    }
}

void line_editor_close(line_editor *e)
{
    if (e == NULL) {
        return;
    }
    if (e->edit != NULL) {
        e->lib.history_end(e->past);
        e->lib.el_end(e->edit);
    }
    if (e->handle != NULL) {
        (void)dlclose(e->handle);
    }
    tarn_text_free((char *)(void *)e);
}
