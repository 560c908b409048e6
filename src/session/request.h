/*
 * request.h - the JSON shell: a request in, an answer out, each a line of JSON.
 *
 * A shell holds named sessions, made when first named and forgotten by {"cmd": "reset"}.  Requests
 * are answered by one thread; tn_shell_cancel() is for any other.
 */
#ifndef TN_SESSION_REQUEST_H
#define TN_SESSION_REQUEST_H

#include "base/json.h"
#include "session/session.h"

typedef struct tn_shell tn_shell;

TN_FALLIBLE tn_shell_create(tn_shell **out, tarn_error *err);
void tn_shell_destroy(tn_shell *shell); /* NULL is allowed */
/* A setting of every session that is made from now on. */
TN_FALLIBLE tn_shell_set(tn_shell *shell, tn_str name, tn_str value, tn_setting_from from,
                         tarn_error *err);

/* Is this line {"cmd": "cancel"}, which is obeyed when read and has no answer? */
bool tn_shell_is_cancel(tn_str line);
/* The request that is being answered, if any, ends with TARN_E_CANCELLED.  From any thread. */
void tn_shell_cancel(tn_shell *shell);

/* The next request is being answered from here on: a cancel reaches it.  `cancelled`: one did so
 * before its turn. */
void tn_shell_begin(tn_shell *shell, bool cancelled);
/*
 * Appends one line.  Whatever is wrong with the request is an answer with "ok":false; a code other
 * than TARN_OK means that no answer could be made.
 */
TN_FALLIBLE tn_shell_answer(tn_shell *shell, tn_str line, tn_text *out, tarn_error *err);

/* A value as {"a": 1} gives it to $a: integers, decimals, booleans, texts, null.  Others are
 * TARN_E_INVALID, and so are whole numbers beyond 64 bits. */
TN_FALLIBLE tn_parameter_of_json(const tn_json *json, tn_value *out, tarn_error *err);
/* ... and as text does, from the command line: an integer, a number, true, false, else the text, as
 * which a whole number beyond 64 bits keeps its digits. */
void tn_parameter_of_text(tn_str text, tn_value *out);

#endif
