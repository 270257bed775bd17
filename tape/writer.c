/*
 * writer - see writer.h. A block is filled in memory, sealed with its length and checksum, and appended to what waits for
 * the disk; a name gets a block of its own, whose place in the file is kept.
 */
#include "tape/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "common/thread.h"
#include "tape/code.h"
#include "tape/names.h"

enum { BLOCK_HEAD_BYTES = 8, WAITING_BYTES = 1 << 20 };

struct tape_writer {
    char *path; /* immutable after open */
    struct thread thread;
    int fd;          /* the writer's thread, after open */
    int64_t written; /* bytes; the same thread's, as is the next */
    bool is_refused; /* the disk took less than it was given */

    pthread_mutex_t lock; /* leaf; guards all below */
    pthread_cond_t changed;
    bool is_over;
    bool is_lost; /* nothing more is written */
    struct tape_state state;
    int32_t run; /* pictures that go on like the last one and are not in `out` yet */
    struct tape_out out;
    struct tape_names names;
    int64_t *places; /* [names.room]: where the block of each begins in the file */
    bool *to_forget; /* [names.room] */
    bool has_to_forget;
    int64_t sealed; /* bytes so far, written or waiting */
    size_t waiting; /* bytes of `queue` */
    uint8_t block[TAPE_BLOCK_BYTES];
    uint8_t queue[WAITING_BYTES];
};

/* ---- blocks; the lock is held ---- */

static size_t seal_into(uint8_t *to, const uint8_t *payload, size_t bytes)
{
    struct tape_out o = {.at = to, .room = BLOCK_HEAD_BYTES};
    tape_put_fixed(&o, bytes, 4);
    tape_put_fixed(&o, tape_checksum(payload, bytes), 4);
    memcpy(to + BLOCK_HEAD_BYTES, payload, bytes);
    return BLOCK_HEAD_BYTES + bytes;
}

static void end_run_locked(struct tape_writer *w)
{
    if (w->run > 0)
        tape_put_run(&w->out, w->run);
    w->run = 0;
}

static void seal_locked(struct tape_writer *w)
{
    end_run_locked(w);
    if (w->out.used > 0 && BLOCK_HEAD_BYTES + w->out.used > sizeof w->queue - w->waiting)
        w->is_lost = true; /* the disk has taken nothing for long */
    if (w->out.used > 0 && !w->is_lost) {
        size_t bytes = seal_into(w->queue + w->waiting, w->block, w->out.used);
        w->waiting += bytes;
        w->sealed += (int64_t)bytes;
        if (w->waiting > sizeof w->queue / 4)
            pthread_cond_broadcast(&w->changed);
    }
    w->out = (struct tape_out){.at = w->block, .room = sizeof w->block};
}

static void append_locked(struct tape_writer *w, const struct tape_event *event)
{
    if (w->out.used > sizeof w->block - 2 * TAPE_EVENT_BYTES)
        seal_locked(w);
    end_run_locked(w);
    tape_put_event(&w->out, &w->state, event);
}

/* What cannot be read again must not be written: a text that was cut within a character, a frame before the last. */
static void clean(struct tape_writer *w, struct tape_event *event)
{
    if (event->kind == TAPE_TARGET)
        tape_names_hide(&w->names, event->target.caption);
    for (int i = 0; i < TAPE_TEXTS && event->kind == TAPE_SIGNS; i++) {
        char *text = event->signs.texts[i];
        text[TAPE_TEXT_BYTES - 1] = '\0';
        text[text_line_bytes(text, strlen(text))] = '\0';
        tape_names_hide(&w->names, text);
    }
    if (event->frame < w->state.frame)
        event->frame = w->state.frame;
}

void tape_writer_put(struct tape_writer *w, const struct tape_event *event)
{
    struct tape_event copy = *event, next;
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    clean(w, &copy);
    if (w->run < TAPE_RUN_MAX && tape_runs_on(&w->state, &copy)) {
        w->run++;
        tape_run_on(&w->state, &next);
    } else {
        append_locked(w, &copy);
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- names ---- */

void tape_writer_name(struct tape_writer *w, int64_t request_id, const char *who)
{
    struct tape_event event = {.kind = TAPE_NAME, .name.request_id = request_id};
    if (!w || !who[0] || request_id <= 0)
        return;
    text_copy(event.name.who, sizeof event.name.who, who);
    pthread_mutex_lock(&w->lock);
    if (tape_names_find(&w->names, request_id) < 0 && tape_names_add(&w->names, &event.name)) {
        size_t room = (size_t)w->names.room;
        w->places = xrealloc(w->places, room * sizeof *w->places);
        w->to_forget = xrealloc(w->to_forget, room * sizeof *w->to_forget);
        seal_locked(w);
        w->places[w->names.count - 1] = w->sealed;
        w->to_forget[w->names.count - 1] = false;
        append_locked(w, &event);
        seal_locked(w);
    }
    pthread_mutex_unlock(&w->lock);
}

void tape_writer_forget(struct tape_writer *w, int64_t request_id)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    int i = tape_names_find(&w->names, request_id);
    if (i >= 0 && !tape_name_is_forgotten(&w->names.list[i])) {
        memset(w->names.list[i].who, ' ', strlen(w->names.list[i].who));
        w->to_forget[i] = w->has_to_forget = true;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
}

/* The same block once more, with blanks. The writer's thread, without the lock. */
static bool overwrite(const struct tape_writer *w, const struct tape_name *name, int64_t place)
{
    uint8_t payload[TAPE_WHO_BYTES + 32], block[sizeof payload + BLOCK_HEAD_BYTES];
    struct tape_out o = {.at = payload, .room = sizeof payload};
    struct tape_state state = {0};
    const struct tape_event event = {.kind = TAPE_NAME, .name = *name};
    tape_put_event(&o, &state, &event);
    size_t bytes = seal_into(block, payload, o.used);
    return pwrite(w->fd, block, bytes, place) == (ssize_t)bytes;
}

/* One that is to be forgotten and lies on the disk; what waits for it comes after the next write. -1: none. The lock is
 * held. */
static int next_to_forget_locked(struct tape_writer *w)
{
    bool some_wait = false;
    for (int i = 0; i < w->names.count && w->has_to_forget; i++) {
        if (w->to_forget[i] && w->places[i] < w->written)
            return i;
        some_wait = some_wait || w->to_forget[i];
    }
    w->has_to_forget = some_wait && !w->is_lost;
    return -1;
}

static void forget_all(struct tape_writer *w)
{
    pthread_mutex_lock(&w->lock);
    for (int i; (i = next_to_forget_locked(w)) >= 0;) {
        struct tape_name name = w->names.list[i];
        int64_t place = w->places[i];
        w->to_forget[i] = false;
        pthread_mutex_unlock(&w->lock);
        if (!overwrite(w, &name, place))
            log_warn("tape", "%s: a name cannot be taken out: %s; remove the file if it must go", w->path,
                     strerror(errno));
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- the thread ---- */

static void give_up(struct tape_writer *w, const char *why)
{
    pthread_mutex_lock(&w->lock);
    w->is_lost = true;
    pthread_mutex_unlock(&w->lock);
    log_warn("tape", "%s: cannot be written: %s; the tape ends here, and the show goes on", w->path, why);
}

/* What waits, from memory that nobody else touches meanwhile. False: there was nothing. */
static bool write_waiting(struct tape_writer *w, uint8_t *copy)
{
    pthread_mutex_lock(&w->lock);
    bool was_lost = w->is_lost;
    seal_locked(w);
    size_t bytes = w->waiting;
    memcpy(copy, w->queue, bytes);
    w->waiting = 0;
    bool overflows = w->is_lost && !was_lost;
    pthread_mutex_unlock(&w->lock);
    if (overflows)
        give_up(w, "the disk has taken nothing for too long");
    if (bytes == 0 || w->is_refused)
        return false;
    size_t done = file_write(w->fd, copy, bytes);
    w->written += (int64_t)done;
    w->is_refused = done < bytes;
    if (w->is_refused)
        give_up(w, strerror(errno));
    return true;
}

static bool is_over(struct tape_writer *w)
{
    pthread_mutex_lock(&w->lock);
    if (!w->is_over && !w->has_to_forget && w->waiting < sizeof w->queue / 4)
        cond_wait_us(&w->changed, &w->lock, (int64_t)TAPE_FLUSH_MS * 1000);
    bool over = w->is_over;
    pthread_mutex_unlock(&w->lock);
    return over;
}

static void *writer_main(void *arg)
{
    struct tape_writer *w = arg;
    uint8_t *copy = xmalloc(WAITING_BYTES);
    thread_lower_priority(0);
    while (!is_over(w)) {
        write_waiting(w, copy);
        forget_all(w);
    }
    while (write_waiting(w, copy))
        continue;
    forget_all(w);
    free(copy);
    return NULL;
}

/* ---- open and close ---- */

static int create(struct tape_writer *w, const struct tape_head *head, struct error *e)
{
    uint8_t block[TAPE_BLOCK_BYTES + BLOCK_HEAD_BYTES], payload[TAPE_BLOCK_BYTES];
    struct tape_out o = {.at = payload, .room = sizeof payload};
    char magic[32];
    int magic_bytes = snprintf(magic, sizeof magic, TAPE_MAGIC "%d\n", TAPE_FORMAT);
    tape_put_head(&o, head);
    size_t bytes = seal_into(block, payload, o.used);
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (w->fd < 0 || file_write(w->fd, magic, (size_t)magic_bytes) < (size_t)magic_bytes ||
        file_write(w->fd, block, bytes) < bytes)
        return error_set(e, errno, "%s: cannot be written: %s; check tape.dir and who may write there",
                         w->path, strerror(errno));
    w->written = w->sealed = magic_bytes + (int64_t)bytes;
    return 0;
}

static void free_all(struct tape_writer **out)
{
    struct tape_writer *w = *out;
    if (w->fd >= 0)
        close(w->fd);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    tape_names_clear(&w->names);
    free(w->places);
    free(w->to_forget);
    free(w->path);
    free(w);
    *out = NULL;
}

int tape_writer_open(struct tape_writer **out, const char *path, const struct tape_head *head,
                     struct error *e)
{
    struct tape_writer *w = *out = xcalloc(1, sizeof *w);
    w->path = xstrdup(path);
    w->out = (struct tape_out){.at = w->block, .room = sizeof w->block};
    pthread_mutex_init(&w->lock, NULL);
    cond_init_monotonic(&w->changed);
    int rc = create(w, head, e);
    if (rc == 0 && (rc = thread_start(&w->thread, "tape", writer_main, w)) < 0)
        error_set(e, -rc, "cannot start the tape's thread: %s", strerror(-rc));
    if (rc < 0)
        free_all(out);
    return rc;
}

void tape_writer_close(struct tape_writer **out, int64_t frames)
{
    struct tape_writer *w = *out;
    const struct tape_event end = {.kind = TAPE_END, .frame = frames};
    if (!w)
        return;
    tape_writer_put(w, &end);
    pthread_mutex_lock(&w->lock);
    w->is_over = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    thread_join(&w->thread);
    free_all(out);
}
