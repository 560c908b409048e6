/* Globs: what matches, what a key with their signs means, and the keys it stands for. */
#include "table/listing/listing_internal.h"

static bool is_glob(char c)
{
    return c == '*' || c == '?' || c == '[';
}

size_t tn_glob_start(tn_str key)
{
    size_t at = 0;
    while (at < key.size && !is_glob(key.data[at])) {
        at++;
    }
    return at;
}

/* [abc], [a-z], [!x]: moves *at behind the class. */
static bool in_class(tn_str pattern, size_t *at, char c)
{
    size_t i = *at + 1;
    bool negated = false;
    bool found = false;
    if (i < pattern.size && (pattern.data[i] == '!' || pattern.data[i] == '^')) {
        negated = true;
        i++;
    }
    for (bool first = true; i < pattern.size && (first || pattern.data[i] != ']'); first = false) {
        const char low = pattern.data[i];
        char high = low;
        if (i + 2 < pattern.size && pattern.data[i + 1] == '-' && pattern.data[i + 2] != ']') {
            high = pattern.data[i + 2];
            i += 2;
        }
        found = found || (c >= low && c <= high);
        i++;
    }
    *at = i < pattern.size ? i + 1 : i;
    return found != negated && c != '/';
}

/* One character of the pattern against one of the text; `*at` moves on a match. */
static bool matches_one(tn_str pattern, size_t *at, char c)
{
    if (*at >= pattern.size) {
        return false;
    }
    if (pattern.data[*at] == '[') {
        size_t next = *at;
        if (!in_class(pattern, &next, c)) {
            return false;
        }
        *at = next;
        return true;
    }
    if (pattern.data[*at] == c || (pattern.data[*at] == '?' && c != '/')) {
        (*at)++;
        return true;
    }
    return false;
}

/*
 * `*` stays within a folder, `**` does not, and "**" with a slash behind it may also match nothing.
 * A failed match falls back to the last star of either kind, and from a single one to the last
 * double one, so the work is bounded by the product of both sizes.
 */
bool tn_glob_matches(tn_str pattern, tn_str text)
{
    size_t at = 0;
    size_t i = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    size_t deep = SIZE_MAX;
    size_t deep_text = 0;
    for (;;) {
        if (at < pattern.size && pattern.data[at] == '*') {
            const bool double_star = at + 1 < pattern.size && pattern.data[at + 1] == '*';
            if (double_star) {
                at += 2;
                at += at < pattern.size && pattern.data[at] == '/' ? 1 : 0;
                deep = at;
                deep_text = i;
                star = SIZE_MAX;
            } else {
                star = ++at;
                star_text = i;
            }
            continue;
        }
        if (i == text.size) {
            if (at == pattern.size) {
                return true;
            }
        } else if (matches_one(pattern, &at, text.data[i])) {
            i++;
            continue;
        }
        if (star != SIZE_MAX && star_text < text.size && text.data[star_text] != '/') {
            at = star;
            i = ++star_text;
        } else if (deep != SIZE_MAX && deep_text < text.size) {
            star = SIZE_MAX;
            at = deep;
            i = ++deep_text;
        } else {
            return false;
        }
    }
}

/* ---- what is meant ----------------------------------------------------------------------------*/

/* Of a component with signs: nobody calls a folder "*" or "part-*.csv", so a bucket is not asked.
 */
static bool is_surely_a_pattern(tn_str component)
{
    bool only_stars = true;
    bool star = false;
    for (size_t i = 0; i < component.size; i++) {
        if (star && component.data[i] == '.') {
            return true;
        }
        star = star || component.data[i] == '*';
        only_stars = only_stars && component.data[i] == '*';
    }
    return only_stars;
}

/* What tells nothing about a name; other failures come back when its neighbours are listed. */
static bool is_answer(tarn_code code)
{
    return code != TARN_E_NOMEM && code != TARN_E_CANCELLED && code != TARN_E_UNAVAILABLE;
}

/* `folder` has no slash at its end. */
static TN_FALLIBLE is_folder(tn_store *store, tn_str folder, tn_pool *pool, bool *out,
                             tarn_error *err)
{
    tarn_error cause = TARN_ERROR_INIT;
    tarn_code code = TARN_OK;
    tn_object_info info;
    *out = false;
    if (tn_store_is_local(store)) {
        code = tn_store_head(store, folder, &info, &cause);
        *out = code == TARN_OK && info.is_folder;
    } else { /* one that holds something */
        tn_arena arena;
        tn_str prefix;
        tn_listing *listing = NULL;
        tn_arena_init(&arena, pool);
        TN_TRY(tn_arena_print(&arena, &prefix, &cause, "%.*s/", TN_STR_ARGS(folder)));
        TN_TRY(tn_listing_open(store, prefix, TN_STR_NONE, true, pool, &listing, &cause));
        TN_TRY(tn_listing_next(listing, &info, out, &cause));
    done:
        if (listing != NULL) {
            tn_listing_close(listing);
        }
        tn_arena_deinit(&arena);
    }
    if (code != TARN_OK && !is_answer(code)) {
        tn_error_copy(err, &cause);
        return code;
    }
    return TARN_OK;
}

/* The key itself, before it is taken apart. */
static TN_FALLIBLE is_there(tn_store *store, tn_str key, bool *out, tarn_error *err)
{
    tarn_error cause = TARN_ERROR_INIT;
    tn_object_info info;
    const tarn_code code = tn_store_head(store, key, &info, &cause);
    *out = code == TARN_OK;
    if (code != TARN_OK && !is_answer(code)) {
        tn_error_copy(err, &cause);
        return code;
    }
    return TARN_OK;
}

tarn_code tn_glob_of(tn_store *store, tn_str key, tn_pool *pool, tn_glob *out, tarn_error *err)
{
    size_t at = 0; /* behind the last folder that is there */
    size_t sign = tn_glob_start(key);
    const bool local = tn_store_is_local(store);
    *out = (tn_glob){.folder = key};
    while (sign < key.size) {
        bool found = false;
        const tn_str behind = tn_str_slice(key, sign, key.size);
        const size_t slash = tn_str_find(behind, '/');
        const size_t end = slash == SIZE_MAX ? key.size : sign + slash;
        while (sign > at && key.data[sign - 1] != '/') {
            sign--;
        }
        if (local || !is_surely_a_pattern(tn_str_slice(key, sign, end))) {
            TN_RETURN_IF_ERROR(is_folder(store, tn_str_slice(key, 0, end), pool, &found, err));
            if (!found && end == key.size) {
                TN_RETURN_IF_ERROR(is_there(store, key, &found, err));
            }
        }
        if (!found) {
            out->folder = tn_str_slice(key, 0, sign);
            out->pattern = tn_str_slice(key, sign, key.size);
            break;
        }
        at = end < key.size ? end + 1 : end;
        sign = at + tn_glob_start(tn_str_slice(key, at, key.size));
    }
    return TARN_OK;
}

/* ---- listing ----------------------------------------------------------------------------------*/

typedef struct search {
    const tn_glob *glob;
    tn_glob_see *see;
    void *context;
    TN_VEC(char) last; /* the key before, from which folders are known that were seen */
} search;

/* Matches within one folder: what is deeper need not be listed. */
static bool is_flat(tn_str pattern)
{
    for (size_t i = 0; i < pattern.size; i++) {
        const bool is_deep =
            pattern.data[i] == '*' && i + 1 < pattern.size && pattern.data[i + 1] == '*';
        if (pattern.data[i] == '/' || is_deep) {
            return false;
        }
    }
    return pattern.size > 0;
}

/* The folders between the pattern's and the key that match and no key before was in. */
static TN_FALLIBLE see_folders(search *s, tn_str below, tarn_error *err)
{
    size_t same = 0;
    while (same < below.size && same < s->last.count && below.data[same] == s->last.items[same]) {
        same++;
    }
    for (size_t i = same; i < below.size; i++) {
        const tn_str folder = {below.data, i};
        if (below.data[i] != '/' || !tn_glob_matches(s->glob->pattern, folder)) {
            continue;
        }
        const tn_object_info info = {
            .key = {below.data - s->glob->folder.size, s->glob->folder.size + i + 1},
            .is_folder = true};
        TN_RETURN_IF_ERROR(s->see(s->context, &info, (tn_str){below.data, i + 1}, err));
    }
    s->last.count = 0;
    TN_RETURN_IF_ERROR(tn_vec_reserve(&s->last, below.size, err));
    memcpy(s->last.items, below.data, below.size);
    s->last.count = below.size;
    return TARN_OK;
}

static bool is_below_match(const tn_glob *glob, tn_str below)
{
    for (size_t i = 0; i < below.size; i++) {
        if (below.data[i] == '/' && tn_glob_matches(glob->pattern, (tn_str){below.data, i})) {
            return true;
        }
    }
    return false;
}

static TN_FALLIBLE see_match(search *s, const tn_object_info *info, tarn_error *err)
{
    const tn_glob *glob = s->glob;
    const tn_str below = tn_str_slice(info->key, glob->folder.size, info->key.size);
    if (glob->pattern.size == 0) {
        return below.size > 0 ? s->see(s->context, info, below, err) : TARN_OK;
    }
    if (info->is_folder) {
        const bool matches =
            glob->folders && tn_glob_matches(glob->pattern, (tn_str){below.data, below.size - 1});
        return matches ? s->see(s->context, info, below, err) : TARN_OK;
    }
    if (glob->folders) {
        TN_RETURN_IF_ERROR(see_folders(s, below, err));
    }
    return tn_glob_matches(glob->pattern, below) || (glob->below && is_below_match(glob, below))
               ? s->see(s->context, info, below, err)
               : TARN_OK;
}

tarn_code tn_glob_list(tn_store *store, const tn_glob *glob, bool delimited,
                       const _Atomic bool *cancelled, tn_pool *pool, tn_glob_see *see,
                       void *context, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const bool is_pattern = glob->pattern.size > 0;
    search s = {glob, see, context, TN_VEC_INIT(pool)};
    tn_str prefix = glob->folder;
    tn_listing *listing = NULL;
    tn_object_info info;
    bool more;

    if (is_pattern && prefix.data + prefix.size == glob->pattern.data) { /* both of one key */
        prefix.size += tn_glob_start(glob->pattern);
    }
    TN_TRY(tn_listing_open(store, prefix, TN_STR_NONE,
                           is_pattern ? is_flat(glob->pattern) && !glob->below : delimited, pool,
                           &listing, err));
    if (glob->shows_all) {
        tn_listing_show_all(listing);
    }
    for (;;) {
        TN_TRY(tn_listing_next(listing, &info, &more, err));
        if (!more) {
            break;
        }
        if (cancelled != NULL && atomic_load(cancelled)) {
            code = tn_fail(err, TARN_E_CANCELLED, "cancelled");
            break;
        }
        TN_TRY(see_match(&s, &info, err));
    }
done:
    tn_vec_free(&s.last);
    if (listing != NULL) {
        tn_listing_close(listing);
    }
    return code;
}
