/* shell.h - the parts of the interactive shell. */
#ifndef TN_CLI_SHELL_H
#define TN_CLI_SHELL_H

#include "commands.h"

/* ---- line_editor.c: a line from a person: libedit where it is installed, else plain reading ----
 */

typedef struct line_editor line_editor;
/* What may stand at the cursor: calls `found` for each, with the bytes before the cursor that it
 * replaces.  `after`: what follows it once it is the only one. */
typedef void complete_found(void *context, const char *text, size_t replaces, char after);
typedef void complete_line(void *context, const char *line, size_t size, complete_found *found,
                           void *found_context);
line_editor *line_editor_open(const char *history_path, complete_line *complete, void *context);
/* The line, until the next call; NULL at the end of input (*interrupted: Ctrl-C). */
const char *line_editor_read(line_editor *editor, const char *prompt, bool *interrupted);
void line_editor_remember(line_editor *editor, const char *text);
void line_editor_close(line_editor *editor);

/* ---- completion.c ---- */

typedef struct completion completion;
completion *completion_open(tarn_session *session);
void completion_refresh(completion *names); /* after statements: tables may have come and gone */
/* `before`: earlier lines of the statement. */
void completion_set_before(completion *names, const char *before, size_t size);
void completion_find(void *names, const char *line, size_t size, complete_found *found,
                     void *found_context);
void completion_close(completion *names);

#endif
