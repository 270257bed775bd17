/*
 * log - see log.h. Lines are built on the stack and cut at LINE_BYTES.
 */
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"

enum { LINE_BYTES = 2048, HEAD_BYTES = 64, SECRET_MIN = 4, CUT_MIN = 6, PATIENCE_MS = 100 };

static _Atomic int max_level = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the fields below and the write */
static char **secrets;                                   /* longest first: one may be a part of another */
static int secret_count;
static int lost; /* lines that nobody took since the last one that was written */
static log_writer *writer;
static void *writer_context;
static int writing; /* calls of a writer that have not returned */
static pthread_cond_t written = PTHREAD_COND_INITIALIZER;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

void log_add_secret(const char *secret)
{
    if (!secret || strlen(secret) < SECRET_MIN)
        return;
    pthread_mutex_lock(&lock);
    int at = 0;
    while (at < secret_count && strlen(secrets[at]) >= strlen(secret) && strcmp(secrets[at], secret) != 0)
        at++;
    if (at == secret_count || strcmp(secrets[at], secret) != 0) {
        secrets = xrealloc(secrets, (size_t)(secret_count + 1) * sizeof *secrets);
        memmove(secrets + at + 1, secrets + at, (size_t)(secret_count - at) * sizeof *secrets);
        secrets[at] = xstrdup(secret);
        secret_count++;
    }
    pthread_mutex_unlock(&lock);
}

static void blank_out(char *at, size_t length)
{
    memcpy(at, "***", 3);
    memmove(at + 3, at + length, strlen(at + length) + 1);
}

static void redact_cut_locked(char *text, const char *secret)
{
    size_t end = strlen(text), n = strlen(secret) - 1;
    for (n = n < end ? n : end; n >= CUT_MIN; n--) {
        if (memcmp(text + end - n, secret, n) == 0) {
            blank_out(text + end - n, n);
            return;
        }
    }
}

static void redact_locked(char *text)
{
    for (int i = 0; i < secret_count; i++) {
        for (char *hit = text; (hit = strstr(hit, secrets[i])); hit += 3)
            blank_out(hit, strlen(secrets[i]));
        redact_cut_locked(text, secrets[i]);
    }
}

void log_redact(char *text)
{
    pthread_mutex_lock(&lock);
    redact_locked(text);
    pthread_mutex_unlock(&lock);
}

/* False when stderr takes nothing now. Only the first line of a row that is lost waits for it. */
static bool stderr_ready_locked(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&p, 1, lost ? 0 : PATIENCE_MS) != 0; /* an error shows in write */
}

static size_t head(char *line, size_t size, enum log_level level, const char *part)
{
    static const char *const names[] = {"error", "warn ", "info ", "debug"};
    struct tm t;
    time_t now = time(NULL);
    localtime_r(&now, &t);
    int n = snprintf(line, size, "%02d:%02d:%02d %s %s: ", t.tm_hour, t.tm_min, t.tm_sec, names[level], part);
    return (size_t)n < size ? (size_t)n : size - 1;
}

static void report_lost_locked(void)
{
    char line[128];
    size_t n = head(line, sizeof line, LOG_WARN, "log");
    n += (size_t)snprintf(line + n, sizeof line - n, "%d lines were lost: nobody read stderr\n", lost);
    lost = 0;
    file_write(STDERR_FILENO, line, n);
}

void log_set_writer(log_writer *new_writer, void *context)
{
    pthread_mutex_lock(&lock);
    writer = new_writer;
    writer_context = context;
    while (writing > 0)
        pthread_cond_wait(&written, &lock);
    pthread_mutex_unlock(&lock);
}

/* The lock is held, and held again at the end. */
static void write_elsewhere_locked(enum log_level level, const char *part, const char *text)
{
    log_writer *to = writer;
    void *context = writer_context;
    writing++;
    pthread_mutex_unlock(&lock);
    to(context, level, part, text);
    pthread_mutex_lock(&lock);
    if (--writing == 0)
        pthread_cond_broadcast(&written);
}

/* One that is being told while it is replaced is waited for: hence a read-write lock of its own. */
static pthread_rwlock_t listening = PTHREAD_RWLOCK_INITIALIZER;
static void (*listener)(void *context, enum log_level level, const char *part, const char *text);
static void *listener_context;

void log_listen(void (*heard)(void *context, enum log_level level, const char *part, const char *text),
                void *context)
{
    pthread_rwlock_wrlock(&listening);
    listener = heard;
    listener_context = context;
    pthread_rwlock_unlock(&listening);
}

static void tell_listener(enum log_level level, const char *part, const char *text)
{
    pthread_rwlock_rdlock(&listening);
    if (listener)
        listener(listener_context, level, part, text);
    pthread_rwlock_unlock(&listening);
}

/* `line` has room for its end behind its n bytes, and is left as it was. */
static void write_stderr_locked(char *line, size_t n)
{
    if (!stderr_ready_locked()) {
        lost++;
        return;
    }
    if (lost)
        report_lost_locked();
    line[n] = '\n';
    file_write(STDERR_FILENO, line, n + 1); /* when stderr is gone there is nobody left to tell */
    line[n] = '\0';
}

void log_write(enum log_level level, const char *part, const char *format, ...)
{
    if ((int)level > atomic_load(&max_level))
        return;
    int saved_errno = errno;
    char text[LINE_BYTES], line[LINE_BYTES + HEAD_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t n = head(line, HEAD_BYTES, level, part);

    pthread_mutex_lock(&lock);
    redact_locked(text);
    size_t begin = n;
    n += text_escape(line + n, sizeof line - n - 1, text);
    if (writer)
        write_elsewhere_locked(level, part, line + begin);
    else
        write_stderr_locked(line, n);
    pthread_mutex_unlock(&lock);
    if (level <= LOG_WARN)
        tell_listener(level, part, line + begin);
    errno = saved_errno;
}
