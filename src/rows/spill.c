#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): sync_file_range() */
#include "rows/spill.h"

#include "base/size.h"
#include "os/file.h"
#include "rows/rows.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    UNIT = 256 << 10, /* of I/O and of the file's growth */
    CLASSES = 4,      /* slots of 4, 16, 64 and 256 KiB; larger ones are runs of units */
    EVICT_MIN = 512 << 10,
    /* What may be on its way to the disk: more would be waited for when the file closes, which is
     * when a query that was cancelled must end at once. */
    BEHIND_BYTES = 4 << 20,
    BEHIND_COUNT = 256
};

typedef struct range {
    uint64_t offset;
    size_t size;
} range;

/* Room in the file.  Made with its page, since an eviction must not need memory. */
typedef struct tn_slot {
    struct tn_slot *next;
    uint64_t offset;
    size_t size; /* 0: none yet */
} slot;

struct tn_spill {
    tn_pool *pool; /* the query's */
    tn_path folder;
    pthread_mutex_t load; /* one page comes back at a time */
    pthread_mutex_t lock; /* guards what follows */
    tn_page *coldest, *hottest;
    slot *free[CLASSES + 1]; /* the last: runs of any size */
    uint64_t end;
    int fd;                     /* below 0: not open */
    range behind[BEHIND_COUNT]; /* on its way to the disk: a ring */
    uint32_t behind_first, behind_count;
    size_t behind_bytes;
    size_t evictable; /* bytes of the pages that are linked */
    _Atomic uint64_t written;
    _Atomic uint64_t given_back; /* pages whose memory went to others, so far */
    bool failed;
    bool is_lost; /* the disk did not take what the file was given */
    tarn_error failure;
};

static bool reclaim(void *context, size_t size);

tarn_code tn_spill_create(tn_pool *query, tn_str temp_dir, tn_spill **out, tarn_error *err)
{
    void *memory;
    *out = NULL;
    if (temp_dir.size == 0) {
        temp_dir = tn_str_of(getenv("TMPDIR"));
        temp_dir = temp_dir.size == 0 ? TN_STR("/tmp") : temp_dir;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(query, sizeof(tn_spill), &memory, err));
    tn_spill *spill = memory;
    spill->pool = query;
    spill->fd = -1;
    pthread_mutex_init(&spill->load, NULL);
    pthread_mutex_init(&spill->lock, NULL);
    const tarn_code code = tn_path_set(&spill->folder, temp_dir, err);
    if (code != TARN_OK) {
        tn_pool_free(query, spill, sizeof(*spill));
        return code;
    }
    tn_pool_set_reclaim(query, reclaim, spill);
    *out = spill;
    return TARN_OK;
}

static void free_slots(tn_spill *spill, slot *each)
{
    while (each != NULL) {
        slot *next = each->next;
        tn_pool_free(spill->pool, each, sizeof(*each));
        each = next;
    }
}

void tn_spill_destroy(tn_spill *spill)
{
    if (spill == NULL) {
        return;
    }
    assert(spill->coldest == NULL);
    tn_pool_set_reclaim(spill->pool, NULL, NULL);
    for (size_t i = 0; i <= CLASSES; i++) {
        free_slots(spill, spill->free[i]);
    }
    tn_file_close(spill->fd);
    pthread_mutex_destroy(&spill->load);
    pthread_mutex_destroy(&spill->lock);
    tn_pool_free(spill->pool, spill, sizeof(*spill));
}

uint64_t tn_spill_bytes(const tn_spill *spill)
{
    return spill == NULL ? 0 : atomic_load_explicit(&spill->written, memory_order_relaxed);
}

tarn_code tn_spill_explain(const tn_spill *spill, tarn_code code, tarn_error *err)
{
    if (spill == NULL || code != TARN_E_NOMEM || !spill->failed) {
        return code;
    }
    return tn_error_copy(err, &spill->failure);
}

size_t tn_spill_evictable(tn_spill *spill)
{
    if (spill == NULL) {
        return 0;
    }
    pthread_mutex_lock(&spill->lock);
    const size_t bytes = spill->evictable;
    pthread_mutex_unlock(&spill->lock);
    return bytes;
}

/* ---- the file ---- */

static TN_FALLIBLE open_file(tn_spill *spill, tarn_error *err)
{
    tn_stage stage;
    char folder[TN_PATH_SIZE + 1];
    if (spill->fd >= 0) {
        return TARN_OK;
    }
    memcpy(folder, spill->folder.text, spill->folder.size);
    folder[spill->folder.size] = '/';
    TN_RETURN_IF_ERROR(tn_stage_open(&stage, (tn_str){folder, spill->folder.size + 1}, err));
    spill->fd = fcntl(stage.fd, F_DUPFD_CLOEXEC, 0);
    const int error = errno;
    tn_stage_drop(&stage); /* a name, where one was needed, goes now */
    return spill->fd >= 0 ? TARN_OK : tn_os_fail(err, error, "opening a temporary file");
}

static size_t class_of(size_t size)
{
    return size <= 4096 ? 0 : size <= 16384 ? 1 : size <= 65536 ? 2 : size <= UNIT ? 3 : CLASSES;
}

/* Room for a page: a free slot of its size, or the end of the file. */
static void find_room(tn_spill *spill, tn_page *page)
{
    const size_t of = class_of(page->size);
    const size_t want = of == CLASSES ? tn_round_up(page->size, UNIT) : (size_t)4096 << (2 * of);
    for (slot **each = &spill->free[of]; *each != NULL; each = &(*each)->next) {
        if ((*each)->size >= want) {
            slot *found = *each;
            *each = found->next;
            tn_pool_free(spill->pool, page->slot, sizeof(slot));
            page->slot = found;
            return;
        }
    }
    page->slot->offset = spill->end;
    page->slot->size = want;
    spill->end += want;
}

/* The oldest range that is on its way; no longer in the ring. */
static range oldest_behind(tn_spill *spill)
{
    const range oldest = spill->behind[spill->behind_first];
    spill->behind_first = (spill->behind_first + 1) % BEHIND_COUNT;
    spill->behind_count--;
    spill->behind_bytes -= oldest.size;
    return oldest;
}

/* The query has what failed, whoever gives up for want of memory: tn_spill_explain(). */
static void note_failure(tn_spill *spill, tarn_error *failure)
{
    if (!spill->failed) {
        tn_explain(failure, "writing temporary data to '%s'", spill->folder.text);
        tn_subject(failure, spill->folder.text);
        tn_hint(failure, "free space there, or name another folder for temporary files");
        spill->failure = *failure;
        spill->failed = true;
    }
}

/* Starts the way to the disk, or waits for its end.  A kernel that cannot is no failure; a disk
 * that did not take what was written is: the bytes may be gone when they are asked for. */
static TN_FALLIBLE write_back(const tn_spill *spill, range at, unsigned flags, tarn_error *err)
{
#ifdef SYNC_FILE_RANGE_WRITE
    if (sync_file_range(spill->fd, (off64_t)at.offset, (off64_t)at.size, flags) != 0 &&
        (errno == EIO || errno == ENOSPC || errno == EDQUOT)) {
        return tn_os_fail(err, errno, "writing temporary data to the disk");
    }
#else
    (void)spill, (void)at, (void)flags, (void)err;
#endif
    return TARN_OK;
}

/* On its way to the disk; what is there already leaves the page cache. */
static TN_FALLIBLE leave_cache(tn_spill *spill, uint64_t offset, size_t size, tarn_error *err)
{
    TN_RETURN_IF_ERROR(write_back(spill, (range){offset, size}, SYNC_FILE_RANGE_WRITE, err));
    if (spill->behind_count == BEHIND_COUNT) { /* small ones: not worth a wait */
        const range oldest = oldest_behind(spill);
        (void)posix_fadvise(spill->fd, (off_t)oldest.offset, (off_t)oldest.size,
                            POSIX_FADV_DONTNEED);
    }
    spill->behind[(spill->behind_first + spill->behind_count++) % BEHIND_COUNT] =
        (range){offset, size};
    spill->behind_bytes += size;
    return TARN_OK;
}

/* Waits until little is on its way: the disk's pace is the query's, and the page cache is not a
 * place where what does not fit the memory may pile up.  Without the lock, since it takes long. */
static void await_disk(tn_spill *spill)
{
    for (;;) {
        pthread_mutex_lock(&spill->lock);
        const bool is_over = spill->behind_bytes <= BEHIND_BYTES;
        const range oldest = is_over ? (range){0, 0} : oldest_behind(spill);
        pthread_mutex_unlock(&spill->lock);
        if (is_over) {
            return;
        }
        tarn_error failure = TARN_ERROR_INIT;
        if (write_back(spill, oldest,
                       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                           SYNC_FILE_RANGE_WAIT_AFTER,
                       &failure) != TARN_OK) {
            pthread_mutex_lock(&spill->lock);
            note_failure(spill, &failure);
            spill->is_lost = true;
            pthread_mutex_unlock(&spill->lock);
        }
        (void)posix_fadvise(spill->fd, (off_t)oldest.offset, (off_t)oldest.size,
                            POSIX_FADV_DONTNEED);
    }
}

/* The middle of a page is empty mostly; what travels is what is used. */
static TN_FALLIBLE transfer(tn_spill *spill, const tn_page *page, uint8_t *data, bool out,
                            tarn_error *err)
{
    const size_t used = tn_round_up((size_t)page->rows * page->layout->row_size, 4096);
    const size_t heap = tn_round_up(page->heap, 4096);
    const bool whole = used + heap + UNIT / 4 > page->size;
    const size_t sizes[2] = {whole ? page->size : used, whole ? 0 : heap};
    for (size_t i = 0; i < 2; i++) {
        const size_t at = i == 0 ? 0 : page->size - sizes[i];
        const uint64_t offset = page->slot->offset + at;
        if (sizes[i] > 0) {
            TN_RETURN_IF_ERROR(out ? tn_file_write_at(spill->fd, offset, data + at, sizes[i], err)
                                   : tn_file_read_at(spill->fd, offset, data + at, sizes[i], err));
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE write_out(tn_spill *spill, tn_page *page, tarn_error *err)
{
    TN_RETURN_IF_ERROR(open_file(spill, err));
    if (page->slot->size == 0) {
        find_room(spill, page);
    }
    TN_RETURN_IF_ERROR(transfer(spill, page, page->data, true, err));
    const tarn_code code = leave_cache(spill, page->slot->offset, page->size, err);
    if (code != TARN_OK) { /* which of the pages it was nobody says */
        spill->is_lost = true;
        return code;
    }
    page->is_written = true;
    page->file_base = page->base;
    atomic_fetch_add_explicit(&spill->written, page->size, memory_order_relaxed);
    return TARN_OK;
}

/* ---- which pages may go ---- */

static void unlink_page(tn_spill *spill, tn_page *page)
{
    *(page->colder != NULL ? &page->colder->hotter : &spill->coldest) = page->hotter;
    *(page->hotter != NULL ? &page->hotter->colder : &spill->hottest) = page->colder;
    page->colder = page->hotter = NULL;
    spill->evictable -= page->size;
}

static void link_hottest(tn_spill *spill, tn_page *page)
{
    page->colder = spill->hottest;
    page->hotter = NULL;
    *(page->colder != NULL ? &page->colder->hotter : &spill->coldest) = page;
    spill->hottest = page;
    spill->evictable += page->size;
}

static bool is_lost(tn_spill *spill)
{
    pthread_mutex_lock(&spill->lock);
    const bool lost = spill->is_lost;
    pthread_mutex_unlock(&spill->lock);
    return lost;
}

bool tn_spill_reclaim(tn_spill *spill, size_t size)
{
    tarn_error failure = TARN_ERROR_INIT;
    size_t freed = 0;

    if (is_lost(spill)) {
        return false;
    }
    const uint64_t before = atomic_load(&spill->given_back);
    size = tn_max_size(size, EVICT_MIN);
    pthread_mutex_lock(&spill->lock);
    while (freed < size && spill->coldest != NULL) {
        tn_page *page = spill->coldest;
        if (!page->is_written && write_out(spill, page, &failure) != TARN_OK) {
            note_failure(spill, &failure);
            break;
        }
        unlink_page(spill, page);
        tn_pool_free_pages(page->pool, page->data, page->size);
        page->data = NULL;
        page->base = page->file_base;
        freed += page->size;
        atomic_fetch_add(&spill->given_back, 1);
    }
    pthread_mutex_unlock(&spill->lock);
    await_disk(spill);
    /* What another thread gave back while this one waited does as well: nothing may be left here.
     */
    return atomic_load(&spill->given_back) != before && !is_lost(spill);
}

static bool reclaim(void *context, size_t size)
{
    return tn_spill_reclaim(context, size);
}

/* ---- pages ---- */

tarn_code tn_page_create(tn_spill *spill, tn_pool *pool, const struct tn_row_layout *layout,
                         size_t size, tn_page **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory = NULL;
    void *data = NULL;
    void *room = NULL;

    *out = NULL;
    size = tn_round_up(size, 4096);
    TN_TRY(tn_pool_alloc(pool, sizeof(tn_page), &memory, err));
    TN_TRY(tn_pool_alloc_pages(pool, size, false, &data, err));
    if (spill != NULL) {
        TN_TRY(tn_pool_alloc_zeroed(spill->pool, sizeof(slot), &room, err));
    }
    *out = memory;
    **out = (tn_page){.pool = pool,
                      .layout = layout,
                      .data = data,
                      .base = data,
                      .slot = room,
                      .size = size,
                      .pins = 1};
    return TARN_OK;
done:
    tn_pool_free_pages(pool, data, size);
    tn_pool_free(pool, memory, sizeof(tn_page));
    return tn_spill_explain(spill, code, err);
}

void tn_page_destroy(tn_spill *spill, tn_page *page)
{
    if (spill != NULL) {
        pthread_mutex_lock(&spill->lock);
        if (page->pins == 0 && page->data != NULL) {
            unlink_page(spill, page);
        }
        if (page->slot->size > 0) {
            const size_t of = class_of(page->slot->size);
            page->slot->next = spill->free[of];
            spill->free[of] = page->slot;
        } else {
            tn_pool_free(spill->pool, page->slot, sizeof(slot));
        }
        pthread_mutex_unlock(&spill->lock);
    }
    tn_pool_free_pages(page->pool, page->data, page->size);
    tn_pool_free(page->pool, page, sizeof(*page));
}

static bool pin_here(tn_spill *spill, tn_page *page)
{
    pthread_mutex_lock(&spill->lock);
    const bool here = page->data != NULL;
    if (here) {
        if (page->pins == 0) {
            unlink_page(spill, page);
        }
        page->pins++;
    }
    pthread_mutex_unlock(&spill->lock);
    return here;
}

/* The bytes lie at `data` now; the views still point to where they were. */
static void rebase(tn_page *page, uint8_t *data)
{
    const tn_row_layout *layout = page->layout;
    const uintptr_t old = (uintptr_t)page->base;
    for (uint32_t v = 0; v < layout->view_count; v++) {
        uint8_t *at = data + layout->fields[layout->views[v]].offset;
        for (uint32_t row = 0; row < page->rows; row++, at += layout->row_size) {
            tn_view *view = (tn_view *)(void *)at;
            if (view->size > TN_VIEW_INLINE) {
                view->data = (const char *)data + ((uintptr_t)view->data - old);
            }
        }
    }
    page->base = data;
}

tarn_code tn_page_pin(tn_spill *spill, tn_page *page, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *data = NULL;

    if (spill == NULL) {
        page->pins++;
        return TARN_OK;
    }
    if (pin_here(spill, page)) {
        return TARN_OK;
    }
    pthread_mutex_lock(&spill->load);
    if (pin_here(spill, page)) { /* another thread brought it back meanwhile */
        goto done;
    }
    TN_TRY(tn_pool_alloc_pages(page->pool, page->size, false, &data, err));
    if (is_lost(spill)) {
        code = TARN_E_NOMEM; /* what follows tells the failure itself */
        goto done;
    }
    TN_TRY(transfer(spill, page, data, false, err));
    (void)posix_fadvise(spill->fd, (off_t)page->slot->offset, (off_t)page->size,
                        POSIX_FADV_DONTNEED);
    rebase(page, data);
    pthread_mutex_lock(&spill->lock);
    page->data = data;
    page->pins = 1;
    pthread_mutex_unlock(&spill->lock);
    data = NULL;
done:
    pthread_mutex_unlock(&spill->load);
    tn_pool_free_pages(page->pool, data, page->size);
    if (code != TARN_OK && code != TARN_E_NOMEM) {
        tn_explain(err, "reading temporary data from '%s'", spill->folder.text);
    }
    return tn_spill_explain(spill, code, err);
}

void tn_page_unpin(tn_spill *spill, tn_page *page)
{
    if (spill == NULL) {
        page->pins--;
        return;
    }
    pthread_mutex_lock(&spill->lock);
    assert(page->pins > 0);
    if (--page->pins == 0) {
        link_hottest(spill, page);
    }
    pthread_mutex_unlock(&spill->lock);
}

void tn_page_touch(tn_spill *spill, tn_page *page)
{
    if (spill != NULL) {
        page->is_written = false;
    }
}
