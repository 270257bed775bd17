/*
 * journal - see journal.h.
 */
#include "show/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"

enum { PATH_BYTES = 1024, WAITING_BYTES = 1 << 18 };

struct journal {
    /* immutable after open */
    char log_path[PATH_BYTES], old_path[PATH_BYTES], state_path[PATH_BYTES];
    int64_t file_bytes;
    int tick_ms;
    char *(*state)(void *context, size_t *bytes);
    void *context;
    struct stop stop;
    struct thread thread;

    pthread_mutex_t lock; /* leaf; guards the next three */
    char *waiting;        /* [WAITING_BYTES] */
    size_t waiting_bytes;
    int64_t lost;

    /* journal thread only (open and close before and after it) */
    int fd; /* -1: to be opened */
    int64_t written;
    char *taking;     /* [WAITING_BYTES] */
    char *last_state; /* what the file holds, NULL: nothing yet */
    size_t last_state_bytes;
    bool failing, torn; /* torn: the last line of the file has no end */
    bool began;         /* the thread has run: what came must not be left */
};

static void trouble(struct journal *j, const struct error *e)
{
    if (!j->failing)
        log_warn("chat", "%s; what is asked is not recorded until that is better", e->text);
    j->failing = true;
}

static void all_well(struct journal *j)
{
    if (j->failing)
        log_info("chat", "%s: recorded again", j->log_path);
    j->failing = false;
}

static void close_log(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
}

/* Opens the log for more, or false with errno. A last line that a crash has torn gets its end first. */
static bool open_log(struct journal *j)
{
    struct stat st;
    char last = '\n';
    j->fd = open(j->log_path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (j->fd < 0)
        return false;
    if (fstat(j->fd, &st) < 0) {
        int code = errno;
        close_log(j);
        errno = code;
        return false;
    }
    j->written = st.st_size;
    if (j->written > 0 && pread(j->fd, &last, 1, j->written - 1) == 1)
        j->torn = last != '\n';
    return true;
}

/* All of it, or false with errno; what got through is in `written` and `torn`. */
static bool write_text(struct journal *j, const char *text, size_t bytes)
{
    size_t n = file_write(j->fd, text, bytes);
    j->written += (int64_t)n;
    if (n > 0)
        j->torn = text[n - 1] != '\n';
    return n == bytes;
}

static bool append(struct journal *j, const char *text, size_t bytes)
{
    if (j->fd >= 0 && j->written >= j->file_bytes) {
        close_log(j);
        rename(j->log_path, j->old_path);
    }
    if (j->fd < 0 && !open_log(j))
        return false;
    return (!j->torn || write_text(j, "\n", 1)) && write_text(j, text, bytes);
}

/* Moves what waits to the disk. */
static void write_log(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    size_t bytes = j->waiting_bytes;
    int64_t lost = j->lost;
    memcpy(j->taking, j->waiting, bytes);
    j->waiting_bytes = 0;
    j->lost = 0;
    pthread_mutex_unlock(&j->lock);
    if (bytes == 0 && lost == 0)
        return;
    char line[64];
    int n = snprintf(line, sizeof line, "{\"event\":\"lost\",\"lines\":%lld}\n", (long long)lost);
    if ((lost == 0 || append(j, line, (size_t)n)) && (bytes == 0 || append(j, j->taking, bytes))) {
        fdatasync(j->fd);
        all_well(j);
        return;
    }
    struct error e;
    error_set(&e, errno, "%s: cannot be written: %s", j->log_path, strerror(errno));
    trouble(j, &e);
    close_log(j);
    for (size_t i = 0; i < bytes; i++)
        lost += j->taking[i] == '\n';
    pthread_mutex_lock(&j->lock);
    j->lost += lost;
    pthread_mutex_unlock(&j->lock);
}

static void write_state(struct journal *j)
{
    size_t bytes = 0;
    char *text = j->state ? j->state(j->context, &bytes) : NULL;
    if (!text)
        return;
    if (j->last_state && bytes == j->last_state_bytes && memcmp(text, j->last_state, bytes) == 0) {
        free(text);
        return;
    }
    struct error e = {""};
    if (file_write_whole(j->state_path, text, bytes, 0600, &e) < 0) {
        trouble(j, &e);
        free(text);
        return;
    }
    free(j->last_state);
    j->last_state = text;
    j->last_state_bytes = bytes;
}

static void *journal_main(void *arg)
{
    struct journal *j = arg;
    struct pollfd stop = {.fd = j->stop.fd, .events = POLLIN};
    while (!stop_requested(&j->stop)) {
        poll(&stop, 1, j->tick_ms);
        write_log(j);
        write_state(j);
    }
    return NULL;
}

static int make_paths(struct journal *j, const struct journal_params *p, struct error *e)
{
    int longest = snprintf(j->state_path, sizeof j->state_path, "%s/%s", p->folder, p->state_name);
    snprintf(j->log_path, sizeof j->log_path, "%s/%s", p->folder, p->log_name);
    int other = snprintf(j->old_path, sizeof j->old_path, "%s/%s.1", p->folder, p->log_name);
    if (longest >= PATH_BYTES || other >= PATH_BYTES)
        return error_set(e, ENAMETOOLONG, "%.60s...: the path is too long", p->folder);
    int rc = file_make_folders(p->folder, 0755, e);
    if (rc < 0)
        return rc;
    if (!open_log(j)) {
        int code = errno;
        return error_set(e, code, "%s: cannot be opened: %s", j->log_path, strerror(code));
    }
    return 0;
}

int journal_open(struct journal **out, const struct journal_params *p, struct error *e)
{
    struct journal *j = xcalloc(1, sizeof *j);
    *out = NULL;
    j->fd = -1;
    j->file_bytes = p->file_bytes ? p->file_bytes : JOURNAL_FILE_BYTES;
    j->tick_ms = p->tick_ms ? p->tick_ms : JOURNAL_TICK_MS;
    j->state = p->state;
    j->context = p->context;
    j->waiting = xcalloc(WAITING_BYTES, 1);
    j->taking = xcalloc(WAITING_BYTES, 1);
    pthread_mutex_init(&j->lock, NULL);
    int rc = stop_init(&j->stop);
    if (rc)
        error_set(e, -rc, "the journal cannot be stopped: %s", strerror(-rc));
    else
        rc = make_paths(j, p, e);
    if (rc == 0) {
        rc = thread_start(&j->thread, "journal", journal_main, j);
        if (rc)
            error_set(e, -rc, "the journal has no thread: %s", strerror(-rc));
        j->began = rc == 0;
    }
    if (rc)
        journal_close(&j);
    *out = j;
    return rc;
}

void journal_close(struct journal **out)
{
    struct journal *j = *out;
    if (!j)
        return;
    stop_request(&j->stop);
    thread_join(&j->thread);
    if (j->began) { /* what came between the last look and now */
        write_log(j);
        write_state(j);
    }
    close_log(j);
    stop_close(&j->stop);
    pthread_mutex_destroy(&j->lock);
    free(j->waiting);
    free(j->taking);
    free(j->last_state);
    free(j);
    *out = NULL;
}

void journal_write(struct journal *j, const char *line, size_t bytes)
{
    pthread_mutex_lock(&j->lock);
    if (bytes > WAITING_BYTES - j->waiting_bytes) {
        j->lost++;
    } else {
        memcpy(j->waiting + j->waiting_bytes, line, bytes);
        j->waiting_bytes += bytes;
    }
    pthread_mutex_unlock(&j->lock);
}

int journal_read_state(const char *folder, const char *state_name, size_t max, char **text, struct error *e)
{
    char *path = xasprintf("%s/%s", folder, state_name);
    size_t bytes;
    struct error why;
    int rc = file_read_all(path, max, text, &bytes, &why);
    free(path);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return error_set(e, -rc, "%s", why.text);
    for (size_t i = 0; i < bytes; i++) /* it is text to everybody who reads it */
        if ((*text)[i] == '\0')
            (*text)[i] = '?';
    return 0;
}
