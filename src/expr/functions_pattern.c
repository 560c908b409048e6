/* LIKE and regular expressions: constant patterns are compiled once a task. */
#include "base/utf8.h"
#include "expr/expr_internal.h"
#include "kernel/like.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

/* ---- LIKE ---- */

typedef struct like_state {
    tn_pool *pool;
    tn_like *like;   /* of a constant pattern, or of the last one seen */
    tn_text pattern; /* the last one seen, where it is not constant */
    tn_text lowered; /* of ILIKE */
    bool constant;
} like_state;

enum { PATTERN_MAX = 1 << 20, LOWERED_MAX = 1 << 30 };

static void lower_to(tn_str text, tn_text *out)
{
    tn_text_clear(out);
    char *to = tn_text_reserve(out, text.size * 3 + 4);
    size_t size = 0;
    if (to == NULL) {
        return;
    }
    for (size_t at = 0; at < text.size;) {
        if ((uint8_t)text.data[at] < 0x80) {
            to[size++] = tn_ascii_lower(text.data[at++]);
        } else {
            const uint32_t point = tn_utf8_next(text.data, text.size, &at);
            size += tn_utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)point), to + size);
        }
    }
    out->size += size;
}

static void like_close(void *opaque, tn_pool *pool)
{
    like_state *state = opaque;
    tn_like_destroy(state->like);
    tn_text_deinit(&state->pattern);
    tn_text_deinit(&state->lowered);
    tn_pool_free(pool, state, sizeof(*state));
}

static TN_FALLIBLE like_compile(like_state *state, tn_str pattern, tn_str escape, bool fold,
                                tarn_error *err)
{
    tn_like_destroy(state->like);
    state->like = NULL;
    if (fold) {
        lower_to(pattern, &state->lowered);
        TN_RETURN_IF_ERROR(tn_text_status(&state->lowered, err));
        pattern = state->lowered.data == NULL ? TN_STR("") : tn_text_str(&state->lowered);
    }
    return tn_like_create(state->pool, pattern, escape, &state->like, err);
}

static TN_FALLIBLE check_escape(tn_str escape, tarn_error *err)
{
    if (escape.size > 0 && tn_utf8_length(escape.data, escape.size) != 1) {
        return tn_fail(err, TARN_E_INVALID, "the escape of LIKE must be one character, not '%.*s'",
                       TN_STR_ARGS(escape));
    }
    return TARN_OK;
}

static bool folds(const tn_bound_call *bound)
{
    return strstr(bound->function->name, "ilike") != NULL;
}

static tarn_code like_open(const tn_bound_call *bound, const tn_value *const *constants,
                           tn_pool *pool, void **out, tarn_error *err)
{
    like_state *state = NULL;
    tarn_code code = TARN_OK;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(*state), (void **)&state, err));
    state->pool = pool;
    tn_text_init(&state->pattern, pool, PATTERN_MAX);
    tn_text_init(&state->lowered, pool, LOWERED_MAX);
    const bool known =
        constants[1] != NULL && !constants[1]->is_null &&
        (bound->argument_count < 3 || (constants[2] != NULL && !constants[2]->is_null));
    if (known) {
        const tn_str escape = bound->argument_count < 3 ? TN_STR("\\") : constants[2]->str;
        TN_TRY(check_escape(escape, err));
        TN_TRY(like_compile(state, constants[1]->str, escape, folds(bound), err));
        state->constant = true;
    }
    *out = state;
done:
    if (code != TARN_OK) {
        like_close(state, pool);
    }
    return code;
}

/* A pattern that is wrong is the row's fault; open() says why, given that row's arguments. */
static bool is_wrong_pattern(tarn_code code)
{
    return code == TARN_E_INVALID || code == TARN_E_LIMIT;
}

static tarn_code describe_like(const tn_bound_call *bound, const tn_value *arguments,
                               tarn_error *err)
{
    const tn_value *const constants[3] = {&arguments[0], &arguments[1], &arguments[2]};
    void *state = NULL;
    tn_pool pool;
    tn_pool_init(&pool, NULL, "message", SIZE_MAX);
    tarn_code code = like_open(bound, constants, &pool, &state, err);
    if (state != NULL) {
        like_close(state, &pool);
        code = tn_fail(err, TARN_E_INVALID, "%s: the pattern is wrong", bound->function->name);
    }
    tn_pool_deinit(&pool);
    return code;
}

/* The pattern of a row, where it is not the same for all. */
static TN_FALLIBLE like_prepare(tn_call *call, uint32_t row, bool fold, tarn_error *err)
{
    like_state *state = call->state;
    if (state->constant) {
        return TARN_OK;
    }
    const tn_str pattern = tn_call_str(call, 1, row);
    const tn_str escape = call->in_count < 3 ? TN_STR("\\") : tn_call_str(call, 2, row);
    if (state->like != NULL && call->in_count < 3 &&
        tn_str_equal(pattern, tn_text_str(&state->pattern))) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(check_escape(escape, err));
    TN_RETURN_IF_ERROR(like_compile(state, pattern, escape, fold, err));
    tn_text_clear(&state->pattern);
    tn_text_append(&state->pattern, pattern);
    return tn_text_status(&state->pattern, err);
}

/* One pattern for all rows: those that its sieve lets through are matched. */
static void like_constant(tn_call *call, bool negated)
{
    const like_state *state = call->state;
    const tn_sieve *sieve = tn_like_sieve(state->like);
    uint16_t may[TN_BATCH_ROWS];
    if (sieve == NULL || call->count > TN_BATCH_ROWS) {
        TN_EACH (call, row) {
            tn_call_put_bool(call, row,
                             tn_like_match(state->like, tn_call_str(call, 0, row)) != negated);
        }
        return;
    }
    const uint32_t kept = tn_sieve_kernel()(sieve, call->in[0].values, call->in[0].mask, call->rows,
                                            call->count, may);
    const uint32_t whole = call->rows == NULL ? call->count / 8 : 0;
    memset(call->values, negated ? 0xff : 0, whole);
    for (uint32_t i = whole * 8; i < call->count; i++) {
        tn_call_put_bool(call, tn_call_row(call, i), negated);
    }
    for (uint32_t i = 0; i < kept; i++) {
        if (tn_like_match(state->like, tn_call_str(call, 0, may[i]))) {
            tn_call_put_bool(call, may[i], !negated);
        }
    }
}

static TN_FALLIBLE like_rows(tn_call *call, bool fold, bool negated, tarn_error *err)
{
    like_state *state = call->state;
    if (state->constant && !fold) {
        like_constant(call, negated);
        return TARN_OK;
    }
    TN_EACH (call, row) {
        tn_str text = tn_call_str(call, 0, row);
        const tarn_code code = like_prepare(call, row, fold, err);
        if (is_wrong_pattern(code)) {
            tn_call_fault(call, row);
            continue;
        }
        TN_RETURN_IF_ERROR(code);
        if (fold) {
            lower_to(text, &state->lowered);
            TN_RETURN_IF_ERROR(tn_text_status(&state->lowered, err));
            text = tn_text_str(&state->lowered);
        }
        tn_call_put_bool(call, row, tn_like_match(state->like, text) != negated);
    }
    return TARN_OK;
}
static tarn_code run_like(tn_call *call, tarn_error *err)
{
    return like_rows(call, false, false, err);
}
static tarn_code run_not_like(tn_call *call, tarn_error *err)
{
    return like_rows(call, false, true, err);
}
static tarn_code run_ilike(tn_call *call, tarn_error *err)
{
    return like_rows(call, true, false, err);
}
static tarn_code run_not_ilike(tn_call *call, tarn_error *err)
{
    return like_rows(call, true, true, err);
}

/* ---- regular expressions ---- */

enum { NO_MEMORY = -2 };
enum { MATCH_STEPS_MAX = 5000000, MATCH_HEAP_MAX_KIB = 20000, MATCH_DEPTH_MAX = 10000 };

typedef struct regexp_state {
    tn_pool *pool;
    pcre2_general_context *general;
    pcre2_match_context *limits;
    pcre2_code *code;
    pcre2_match_data *match;
    tn_text pattern, options, made;
    bool constant, global, whole;
} regexp_state;

/* PCRE2 frees without telling a size: it stands in front of each block. */
typedef struct sized_block {
    size_t size;
    _Alignas(16) char bytes[];
} sized_block;

static void *pool_take(size_t size, void *pool)
{
    void *memory = NULL;
    if (tn_pool_alloc(pool, size + sizeof(sized_block), &memory, NULL) != TARN_OK) {
        return NULL;
    }
    sized_block *block = memory;
    block->size = size + sizeof(sized_block);
    return block->bytes;
}
static void pool_give(void *bytes, void *pool)
{
    if (bytes != NULL) {
        sized_block *block = (sized_block *)(void *)((char *)bytes - offsetof(sized_block, bytes));
        tn_pool_free(pool, block, block->size);
    }
}

static void regexp_close(void *opaque, tn_pool *pool)
{
    regexp_state *state = opaque;
    pcre2_match_data_free(state->match);
    pcre2_code_free(state->code);
    pcre2_match_context_free(state->limits);
    pcre2_general_context_free(state->general);
    tn_text_deinit(&state->pattern);
    tn_text_deinit(&state->options);
    tn_text_deinit(&state->made);
    tn_pool_free(pool, state, sizeof(*state));
}

static TN_FALLIBLE read_options(regexp_state *state, tn_str options, uint32_t *flags,
                                tarn_error *err)
{
    *flags = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    state->global = false;
    for (size_t i = 0; i < options.size; i++) {
        switch (options.data[i]) {
        case 'i':
            *flags |= PCRE2_CASELESS;
            break;
        case 'm':
        case 'n':
            *flags |= PCRE2_MULTILINE;
            break;
        case 's':
            *flags |= PCRE2_DOTALL;
            break;
        case 'x':
            *flags |= PCRE2_EXTENDED;
            break;
        case 'l':
            *flags |= PCRE2_LITERAL;
            break;
        case 'c':
            break;
        case 'g':
            state->global = true;
            break;
        default:
            tn_fail(err, TARN_E_INVALID, "'%c' is no option of a regular expression",
                    options.data[i]);
            tn_hint(err, "options are c i m s x l g");
            return TARN_E_INVALID;
        }
    }
    return TARN_OK;
}

static tarn_code no_memory(const regexp_state *state, tarn_error *err)
{
    return tn_pool_fail(state->pool, 0, "a regular expression", err);
}

static TN_FALLIBLE regexp_compile(regexp_state *state, tn_str pattern, tn_str options,
                                  tarn_error *err)
{
    uint32_t flags = 0;
    int number = 0;
    PCRE2_SIZE offset = 0;
    TN_RETURN_IF_ERROR(read_options(state, options, &flags, err));
    if (state->whole) {
        flags |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    }
    pcre2_match_data_free(state->match);
    pcre2_code_free(state->code);
    state->match = NULL;
    state->code = NULL;
    if (pattern.size > PATTERN_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a pattern of %zu bytes is too long", pattern.size);
    }
    pcre2_compile_context *context = pcre2_compile_context_create(state->general);
    if (context == NULL) {
        return no_memory(state, err);
    }
    state->code =
        pcre2_compile((PCRE2_SPTR)pattern.data, pattern.size, flags, &number, &offset, context);
    pcre2_compile_context_free(context);
    if (state->code == NULL) {
        PCRE2_UCHAR text[160] = {0};
        if (number == PCRE2_ERROR_HEAPLIMIT || number == 121) { /* no memory */
            return no_memory(state, err);
        }
        (void)pcre2_get_error_message(number, text, sizeof(text));
        return tn_fail(err, TARN_E_INVALID, "the regular expression '%.*s' is wrong at %zu: %s",
                       TN_STR_ARGS(pattern), (size_t)offset + 1, (const char *)text);
    }
    state->match = pcre2_match_data_create_from_pattern(state->code, state->general);
    if (state->match == NULL) {
        return no_memory(state, err);
    }
    return TARN_OK;
}

/* Where the pattern's options stand among the arguments, 0: nowhere. */
static uint32_t options_at(const char *name, uint32_t count)
{
    if (strcmp(name, "regexp_replace") == 0) {
        return count > 3 ? 3 : 0;
    }
    if (strncmp(name, "regexp_extract", 14) == 0) {
        return count > 3 ? 3 : 0;
    }
    return count > 2 ? 2 : 0;
}

static tarn_code regexp_open(const tn_bound_call *bound, const tn_value *const *constants,
                             tn_pool *pool, void **out, tarn_error *err)
{
    regexp_state *state = NULL;
    tarn_code code = TARN_OK;
    const uint32_t options = options_at(bound->function->name, bound->argument_count);
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(*state), (void **)&state, err));
    state->pool = pool;
    state->whole = strcmp(bound->function->name, "regexp_full_match") == 0;
    tn_text_init(&state->pattern, pool, PATTERN_MAX);
    tn_text_init(&state->options, pool, 64);
    tn_text_init(&state->made, pool, LOWERED_MAX);
    state->general = pcre2_general_context_create(pool_take, pool_give, pool);
    state->limits = state->general == NULL ? NULL : pcre2_match_context_create(state->general);
    if (state->limits == NULL) {
        code = no_memory(state, err);
        goto done;
    }
    (void)pcre2_set_match_limit(state->limits, MATCH_STEPS_MAX);
    (void)pcre2_set_depth_limit(state->limits, MATCH_DEPTH_MAX);
    (void)pcre2_set_heap_limit(state->limits, MATCH_HEAP_MAX_KIB);
    if (constants[1] != NULL && !constants[1]->is_null &&
        (options == 0 || (constants[options] != NULL && !constants[options]->is_null))) {
        TN_TRY(regexp_compile(state, constants[1]->str,
                              options == 0 ? TN_STR("") : constants[options]->str, err));
        state->constant = true;
    }
    *out = state;
done:
    if (code != TARN_OK) {
        regexp_close(state, pool);
    }
    return code;
}

/* The pattern of a row, where it is not the same for all. */
static TN_FALLIBLE regexp_prepare(tn_call *call, uint32_t row, const char *name, tarn_error *err)
{
    regexp_state *state = call->state;
    if (state->constant) {
        return TARN_OK;
    }
    const uint32_t at = options_at(name, call->in_count);
    const tn_str pattern = tn_call_str(call, 1, row);
    const tn_str options = at == 0 ? TN_STR("") : tn_call_str(call, at, row);
    if (state->code != NULL && tn_str_equal(pattern, tn_text_str(&state->pattern)) &&
        tn_str_equal(options, tn_text_str(&state->options))) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(regexp_compile(state, pattern, options, err));
    tn_text_clear(&state->pattern);
    tn_text_clear(&state->options);
    tn_text_append(&state->pattern, pattern);
    tn_text_append(&state->options, options);
    TN_RETURN_IF_ERROR(tn_text_status(&state->pattern, err));
    return tn_text_status(&state->options, err);
}

/* 1 a match, 0 none, -1 given up, -2 no memory. */
static int regexp_find(const regexp_state *state, tn_str text, size_t from, uint32_t flags)
{
    const int found = pcre2_match(state->code, (PCRE2_SPTR)(text.data == NULL ? "" : text.data),
                                  text.size, from, flags, state->match, state->limits);
    return found >= 0                      ? 1
           : found == PCRE2_ERROR_NOMATCH  ? 0
           : found == PCRE2_ERROR_NOMEMORY ? NO_MEMORY
                                           : -1;
}

static tarn_code describe_regexp(const tn_bound_call *bound, const tn_value *arguments,
                                 tarn_error *err)
{
    const tn_value *const constants[4] = {&arguments[0], &arguments[1], &arguments[2],
                                          &arguments[3]};
    void *state = NULL;
    tn_pool pool;
    tn_pool_init(&pool, NULL, "message", SIZE_MAX);
    const tarn_code code = regexp_open(bound, constants, &pool, &state, err);
    if (state != NULL) {
        regexp_close(state, &pool);
    }
    tn_pool_deinit(&pool);
    if (code != TARN_OK) {
        return code;
    }
    tn_fail(err, TARN_E_LIMIT, "%s: the pattern needs too many steps on this text",
            bound->function->name);
    tn_hint(err, "patterns with nested repetitions can take very long; make it simpler");
    return TARN_E_LIMIT;
}

static tarn_code run_regexp_matches(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        const tarn_code code = regexp_prepare(call, row, "regexp_matches", err);
        if (is_wrong_pattern(code)) {
            tn_call_fault(call, row);
            continue;
        }
        TN_RETURN_IF_ERROR(code);
        const int found = regexp_find(call->state, tn_call_str(call, 0, row), 0, 0);
        if (found == NO_MEMORY) {
            return no_memory(call->state, err);
        }
        tn_call_put_bool(call, row, found == 1);
        if (found < 0) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}

static tarn_code run_regexp_extract(tn_call *call, tarn_error *err)
{
    const regexp_state *state = call->state;
    TN_EACH (call, row) {
        const tarn_code code = regexp_prepare(call, row, "regexp_extract", err);
        if (is_wrong_pattern(code)) {
            tn_call_fault(call, row);
            continue;
        }
        TN_RETURN_IF_ERROR(code);
        const tn_str text = tn_call_str(call, 0, row);
        const int64_t group = call->in_count > 2 ? TN_IN(call, 2, int64_t, row) : 0;
        const int found = regexp_find(state, text, 0, 0);
        TN_OUT(call, tn_view, row) = tn_view_of(NULL, 0);
        if (found == NO_MEMORY) {
            return no_memory(state, err);
        }
        if (found < 0 || group < 0 || group >= pcre2_get_ovector_count(state->match)) {
            tn_call_fault(call, row);
        } else if (found == 1) {
            const PCRE2_SIZE *at = pcre2_get_ovector_pointer(state->match) + 2 * group;
            if (at[0] != PCRE2_UNSET && at[0] <= at[1]) {
                TN_OUT(call, tn_view, row) = tn_view_of(text.data + at[0], at[1] - at[0]);
            }
        }
    }
    return TARN_OK;
}

/* \1 to \9 are groups, \0 and \& the whole match, \\ a backslash. */
static void append_replacement(const regexp_state *state, tn_str text, tn_str by, tn_text *out)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(state->match);
    const uint32_t groups = pcre2_get_ovector_count(state->match);
    for (size_t i = 0; i < by.size; i++) {
        const char next = i + 1 < by.size ? by.data[i + 1] : 0;
        if (by.data[i] != '\\' || next == 0) {
            tn_text_putc(out, by.data[i]);
            continue;
        }
        i++;
        if (next == '&' || (next >= '0' && next <= '9')) {
            const uint32_t group = next == '&' ? 0 : (uint32_t)(next - '0');
            if (group < groups && at[2 * group] != PCRE2_UNSET &&
                at[2 * group] <= at[2 * group + 1]) {
                tn_text_append(out, tn_str_slice(text, at[2 * group], at[2 * group + 1]));
            }
        } else {
            tn_text_putc(out, next);
        }
    }
}

static int replace_all(regexp_state *state, tn_str text, tn_str by)
{
    size_t copied = 0;
    size_t from = 0;
    uint32_t flags = 0;
    tn_text_clear(&state->made);
    while (from <= text.size) {
        const int found = regexp_find(state, text, from, flags);
        if (found < 0) {
            return found;
        }
        if (found == 0 && flags == 0) {
            break;
        }
        if (found == 0) { /* nothing but the empty match that was taken: one character on */
            flags = 0;
            if (from == text.size) {
                break;
            }
            (void)tn_utf8_next(text.data, text.size, &from);
            continue;
        }
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(state->match);
        if (at[0] > at[1] || at[0] < copied) {
            break; /* \K in a look-around: no sensible place */
        }
        tn_text_append(&state->made, tn_str_slice(text, copied, at[0]));
        append_replacement(state, text, by, &state->made);
        copied = from = at[1];
        flags = at[0] == at[1] ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
        if (!state->global) {
            break;
        }
    }
    tn_text_append(&state->made, tn_str_slice(text, copied, text.size));
    return 1;
}

static tarn_code run_regexp_replace(tn_call *call, tarn_error *err)
{
    regexp_state *state = call->state;
    TN_EACH (call, row) {
        const tarn_code code = regexp_prepare(call, row, "regexp_replace", err);
        if (is_wrong_pattern(code)) {
            tn_call_fault(call, row);
            continue;
        }
        TN_RETURN_IF_ERROR(code);
        const int done = replace_all(state, tn_call_str(call, 0, row), tn_call_str(call, 2, row));
        if (done == NO_MEMORY) {
            return no_memory(state, err);
        }
        if (done < 0) {
            tn_call_fault(call, row);
            continue;
        }
        TN_RETURN_IF_ERROR(tn_text_status(&state->made, err));
        const tn_str made = state->made.data == NULL ? TN_STR("") : tn_text_str(&state->made);
        TN_RETURN_IF_ERROR(tn_call_put_str(call, row, made, err));
    }
    return TARN_OK;
}

#define LIKE_KERNEL(run_)                                                               \
    {                                                                                   \
        .run = (run_), .open = like_open, .close = like_close, .fails_unchecked = true, \
        .describe = describe_like                                                       \
    }
#define LIKE_OVERLOADS(run_) \
    TN_OVERLOADS({"ss", 'b', LIKE_KERNEL(run_)}, {"sss", 'b', LIKE_KERNEL(run_)})
#define REGEXP_KERNEL(run_)                                                          \
    {                                                                                \
        .run = (run_), .open = regexp_open, .close = regexp_close, .can_fail = true, \
        .describe = describe_regexp                                                  \
    }
#define PATTERN(name_, signature_, doc_, example_, result_)                           \
    .name = (name_), .category = "pattern", .signature = (signature_), .doc = (doc_), \
    .example = (example_), .example_result = (result_)

static const tn_function functions[] = {
    {PATTERN("like", "text LIKE pattern [ESCAPE c] -> BOOLEAN",
             "Does the text fit the pattern? % is any text, _ one character.", "'tern' LIKE 't%n'",
             "true"),
     .cost = 5, .binding = LIKE_OVERLOADS(run_like)},
    {PATTERN("not_like", "text NOT LIKE pattern [ESCAPE c] -> BOOLEAN", "The opposite of LIKE.",
             "'tern' NOT LIKE 'g%'", "true"),
     .cost = 5, .binding = LIKE_OVERLOADS(run_not_like)},
    {PATTERN("ilike", "text ILIKE pattern [ESCAPE c] -> BOOLEAN",
             "LIKE with small letters and capitals alike.", "'Tern' ILIKE 'tE%'", "true"),
     .cost = 6, .binding = LIKE_OVERLOADS(run_ilike)},
    {PATTERN("not_ilike", "text NOT ILIKE pattern [ESCAPE c] -> BOOLEAN", "The opposite of ILIKE.",
             "'Tern' NOT ILIKE 'g%'", "true"),
     .cost = 6, .binding = LIKE_OVERLOADS(run_not_ilike)},
    {PATTERN("regexp_matches",
             "regexp_matches(text VARCHAR, pattern VARCHAR [, options VARCHAR]) -> BOOLEAN",
             "Is there a match? Options: i small and capital alike, m, s, x as in PCRE.",
             "regexp_matches('tern 42', '[0-9]+')", "true"),
     .aliases = TN_ALIASES("regexp_like"), .cost = 10, .can_fail = true,
     .binding = TN_OVERLOADS({"ss", 'b', REGEXP_KERNEL(run_regexp_matches)},
                             {"sss", 'b', REGEXP_KERNEL(run_regexp_matches)})},
    {PATTERN("regexp_full_match",
             "regexp_full_match(text VARCHAR, pattern VARCHAR [, options VARCHAR]) -> BOOLEAN",
             "Does the pattern match the whole text?", "regexp_full_match('tern', 'te..')", "true"),
     .cost = 10, .can_fail = true,
     .binding = TN_OVERLOADS({"ss", 'b', REGEXP_KERNEL(run_regexp_matches)},
                             {"sss", 'b', REGEXP_KERNEL(run_regexp_matches)})},
    {PATTERN(
         "regexp_extract",
         "regexp_extract(text VARCHAR, pattern VARCHAR [, group BIGINT [, options]]) -> VARCHAR",
         "The first match, or a group of it; '' where there is none.",
         "regexp_extract('tern 42', '([0-9])([0-9])', 2)", "2"),
     .cost = 10, .can_fail = true,
     .binding = TN_OVERLOADS({"ss", 's', REGEXP_KERNEL(run_regexp_extract)},
                             {"ssl", 's', REGEXP_KERNEL(run_regexp_extract)},
                             {"ssls", 's', REGEXP_KERNEL(run_regexp_extract)})},
    {PATTERN(
         "regexp_replace",
         "regexp_replace(text VARCHAR, pattern VARCHAR, by VARCHAR [, options VARCHAR]) -> VARCHAR",
         "The first match (option g: every match) becomes `by`, in which \\1 is a group.",
         "regexp_replace('tern 42', '[0-9]', '#', 'g')", "tern ##"),
     .cost = 10, .can_fail = true,
     .binding = TN_OVERLOADS({"sss", 's', REGEXP_KERNEL(run_regexp_replace)},
                             {"ssss", 's', REGEXP_KERNEL(run_regexp_replace)})},
};

const tn_function_list tn__pattern_functions = {functions, sizeof(functions) / sizeof(*functions),
                                                NULL};
