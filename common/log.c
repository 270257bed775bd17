/*
 * log - see log.h. Lines are built on the stack and cut at LINE_BYTES; logging never allocates.
 */
#include "common/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"

enum { LINE_BYTES = 2048, SECRETS_MAX = 16, SECRET_MIN = 4 };

static _Atomic int max_level = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards secrets, secret_count and the write */
static char *secrets[SECRETS_MAX];
static int secret_count;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load(&max_level);
}

void log_add_secret(const char *secret)
{
    if (!secret || strlen(secret) < SECRET_MIN)
        return;
    pthread_mutex_lock(&lock);
    if (secret_count < SECRETS_MAX)
        secrets[secret_count++] = xstrdup(secret);
    pthread_mutex_unlock(&lock);
}

static void redact_locked(char *text)
{
    for (int i = 0; i < secret_count; i++) {
        size_t n = strlen(secrets[i]);
        for (char *hit = text; (hit = strstr(hit, secrets[i]));) {
            memcpy(hit, "***", 3);
            memmove(hit + 3, hit + n, strlen(hit + n) + 1);
            hit += 3;
        }
    }
}

void log_redact(char *text)
{
    pthread_mutex_lock(&lock);
    redact_locked(text);
    pthread_mutex_unlock(&lock);
}

/* Copies `in` to `out`, control characters as \xNN. Returns the bytes written, without the terminator. */
static size_t make_visible(char *out, size_t size, const char *in)
{
    size_t n = 0;
    for (; *in && n + 5 < size; in++) {
        unsigned char c = (unsigned char)*in;
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
        else
            out[n++] = (char)c;
    }
    out[n] = '\0';
    return n;
}

void log_write(enum log_level level, const char *part, const char *format, ...)
{
    static const char *const names[] = {"error", "warn ", "info ", "debug"};
    if ((int)level > atomic_load(&max_level))
        return;

    char text[LINE_BYTES], line[LINE_BYTES + 64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    struct tm t;
    time_t now = time(NULL);
    localtime_r(&now, &t);

    pthread_mutex_lock(&lock);
    redact_locked(text);
    int head = snprintf(line, sizeof line, "%02d:%02d:%02d %s %s: ", t.tm_hour, t.tm_min, t.tm_sec,
                        names[level], part);
    size_t n = (size_t)head + make_visible(line + head, sizeof line - (size_t)head - 1, text);
    line[n++] = '\n';
    for (size_t done = 0; done < n;) {
        ssize_t w = write(STDERR_FILENO, line + done, n - done);
        if (w <= 0)
            break; /* stderr is gone; there is nobody left to tell */
        done += (size_t)w;
    }
    pthread_mutex_unlock(&lock);
}
