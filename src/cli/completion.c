/* What may stand at the cursor: keywords, functions, tables, columns, settings, paths, commands. */
#include "shell.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct completion {
    tarn_session *session;
    draft functions, tables, columns, settings; /* names, each with its end */
    const char *before;
    size_t before_size;
};

static const char *const meta_commands[] = {
    "\\d",     "\\timing", "\\format", "\\o",   "\\i",     "\\set",   "\\q",  "\\?",
    ".tables", ".schema",  ".help",    ".quit", ".timing", ".format", ".set", NULL};

static int take_first(void *context, const char *const *values, size_t count)
{
    if (count > 0 && values[0] != NULL) {
        draft_put_bytes(context, values[0], strlen(values[0]) + 1);
    }
    return 1;
}

/* The first column of a statement's rows; a failure offers nothing. */
static void ask(completion *c, const char *statement, const char *relation, size_t size,
                draft *into)
{
    draft sql = {NULL, 0, false};
    draft_put(&sql, statement);
    draft_put_bytes(&sql, relation, size);
    draft_rows(c->session, &sql, take_first, into);
}

static void describe(completion *c, const char *relation, size_t size)
{
    ask(c, "DESCRIBE SELECT * FROM ", relation, size, &c->columns);
}

void completion_refresh(completion *c)
{
    draft_free(&c->tables);
    draft_free(&c->columns);
    ask(c, "SHOW TABLES", "", 0, &c->tables);
    for (size_t at = 0; at < c->tables.size; at += strlen(c->tables.data + at) + 1) {
        char name[300];
        const int size = snprintf(name, sizeof(name), "\"%s\"", c->tables.data + at);
        if (size > 0 && (size_t)size < sizeof(name) && strchr(c->tables.data + at, '"') == NULL) {
            describe(c, name, (size_t)size);
        }
    }
}

completion *completion_open(tarn_session *session)
{
    char *memory = NULL;
    tarn_setting setting = TARN_SETTING_INIT;
    if (tarn_text_resize(&memory, sizeof(completion), NULL) != TARN_OK) {
        return NULL;
    }
    completion *c = (completion *)(void *)memory;
    (void)memset(c, 0, sizeof(*c));
    c->session = session;
    ask(c, "SHOW FUNCTIONS", "", 0, &c->functions);
    for (size_t i = 0; tarn_session_setting(session, i, &setting); i++) {
        draft_put_bytes(&c->settings, setting.name, strlen(setting.name) + 1);
    }
    return c;
}

void completion_close(completion *c)
{
    if (c != NULL) {
        draft_free(&c->functions);
        draft_free(&c->tables);
        draft_free(&c->columns);
        draft_free(&c->settings);
        tarn_text_free((char *)(void *)c);
    }
}

void completion_set_before(completion *c, const char *before, size_t size)
{
    c->before = before;
    c->before_size = size;
}

/* ---- finding ---- */

typedef struct search {
    const char *word;
    size_t size;
    complete_found *found;
    void *context;
} search;

static void offer(const search *s, const char *name, char after)
{
    if (strncasecmp(name, s->word, s->size) == 0) {
        s->found(s->context, name, s->size, after);
    }
}

static void offer_list(const search *s, const draft *l, char after)
{
    for (size_t at = 0; at < l->size; at += strlen(l->data + at) + 1) {
        offer(s, l->data + at, after);
    }
}

/* Keywords in the case in which the word was begun. */
static void offer_keywords(const search *s)
{
    const bool lower = s->size > 0 && islower((unsigned char)s->word[0]) != 0;
    const char *keyword;
    for (size_t i = 0; (keyword = tarn_sql_keyword(i)) != NULL; i++) {
        char text[64];
        size_t size = 0;
        for (; keyword[size] != '\0' && size + 1 < sizeof(text); size++) {
            text[size] = (char)(lower ? tolower((unsigned char)keyword[size]) : keyword[size]);
        }
        text[size] = '\0';
        offer(s, text, ' ');
    }
}

/* Names in the folder that the text names so far. */
static void offer_paths(const search *s)
{
    char folder[1024] = "./";
    size_t base = s->size;
    while (base > 0 && s->word[base - 1] != '/') {
        base--;
    }
    if (base >= sizeof(folder)) {
        return;
    }
    if (base > 0) {
        memcpy(folder, s->word, base);
        folder[base] = '\0';
    }
    DIR *open_folder = opendir(folder);
    const struct dirent *entry;
    while (open_folder != NULL && (entry = readdir(open_folder)) != NULL) {
        char path[1400];
        char whole[1400];
        struct stat about;
        if (strncmp(entry->d_name, s->word + base, s->size - base) != 0 ||
            (entry->d_name[0] == '.' && s->size == base)) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s%s", folder, entry->d_name);
        const bool is_folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
        (void)snprintf(whole, sizeof(whole), "%s%s", entry->d_name, is_folder ? "/" : "");
        s->found(s->context, whole, s->size - base, is_folder ? '\0' : '\'');
    }
    if (open_folder != NULL) {
        (void)closedir(open_folder);
    }
}

/* Is the end of the text inside a literal?  Where it began. */
static const char *open_literal(const char *text, size_t size)
{
    const char *begun = NULL;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\'') {
            begun = begun == NULL ? text + i + 1 : NULL;
        }
    }
    return begun;
}

/* Columns of the files that the statement names. */
static void describe_files(completion *c, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\'') {
            continue;
        }
        size_t end = i + 1;
        while (end < size && text[end] != '\'') {
            end++;
        }
        if (end < size && end - i < 1000) {
            describe(c, text + i, end + 1 - i);
        }
        i = end;
    }
}

void completion_find(void *context, const char *line, size_t size, complete_found *found,
                     void *found_context)
{
    completion *c = context;
    search s = {line, size, found, found_context};
    if (size > 0 && (line[0] == '\\' || line[0] == '.') && memchr(line, ' ', size) == NULL &&
        c->before_size == 0) {
        for (size_t i = 0; meta_commands[i] != NULL; i++) {
            offer(&s, meta_commands[i], ' ');
        }
        return;
    }
    const char *literal = open_literal(line, size);
    if (literal != NULL || (size > 2 && strncmp(line, "\\i ", 3) == 0)) {
        s.word = literal != NULL ? literal : line + 3;
        s.size = (size_t)(line + size - s.word);
        offer_paths(&s);
        return;
    }
    size_t word = size;
    while (word > 0 && (isalnum((unsigned char)line[word - 1]) != 0 || line[word - 1] == '_' ||
                        line[word - 1] == '.' || ((unsigned char)line[word - 1] & 0x80) != 0)) {
        word--;
    }
    s.word = line + word;
    s.size = size - word;
    offer_keywords(&s);
    offer_list(&s, &c->functions, '(');
    offer_list(&s, &c->tables, ' ');
    offer_list(&s, &c->columns, ' ');
    if (c->before_size > 0 || s.word > line) {
        draft kept = c->columns;
        c->columns = (draft){NULL, 0, false};
        describe_files(c, c->before, c->before_size);
        describe_files(c, line, (size_t)(s.word - line));
        offer_list(&s, &c->columns, ' ');
        draft_free(&c->columns);
        c->columns = kept;
    }
    if (strncasecmp(line, "set ", 4) == 0 || strncmp(line, "\\set ", 5) == 0) {
        offer_list(&s, &c->settings, ' ');
    }
}
