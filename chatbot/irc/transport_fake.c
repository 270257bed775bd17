/*
 * transport_fake - a server that is a file: replays a log, so that the whole bot can be tested
 * without a network.
 *
 *     > NICK             wait until the bot has sent a line that begins so
 *     < :srv 001 bot :hi give the bot this line; \r \n \\ \xNN are escapes, CR LF is added
 *     ! text             give it these bytes without CR LF
 *     =                  say nothing more but stay connected; the end of the file hangs up
 *
 * Anything else is a remark. Lines that the bot sent and that no ">" asked for pass unseen.
 */
#include "chatbot/irc/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"

enum { LOG_MAX_BYTES = 1 << 20, SENT_BYTES = 65536 };

struct fake {
    int fd_plus_one; /* an eventfd; zeroed: none */
    char *log;       /* the file, NUL behind it */
    char *at;        /* the step that is next */
    char *give;      /* unescaped bytes of the step, while they are given */
    size_t give_bytes, given;
    char sent[SENT_BYTES]; /* what the bot wrote and no step has asked for yet; whole and half lines */
    size_t sent_bytes;
};

static int fake_fd(void *priv)
{
    return ((struct fake *)priv)->fd_plus_one - 1;
}

/* The eventfd is readable exactly while there is something to read. */
static void show_readable(struct fake *f, bool readable)
{
    uint64_t count = 1;
    ssize_t n = read(fake_fd(f), &count, sizeof count);
    count = 1;
    if (readable)
        n = write(fake_fd(f), &count, sizeof count);
    (void)n;
}

/* Drops sent lines up to and with the first that begins with `prefix`. */
static bool take_sent(struct fake *f, const char *prefix, size_t prefix_bytes)
{
    for (size_t at = 0; at < f->sent_bytes;) {
        char *end = memchr(f->sent + at, '\n', f->sent_bytes - at);
        if (!end)
            return false;
        size_t line_bytes = (size_t)(end - (f->sent + at)) + 1;
        bool match = line_bytes >= prefix_bytes && memcmp(f->sent + at, prefix, prefix_bytes) == 0;
        at += line_bytes;
        if (!match)
            continue;
        memmove(f->sent, f->sent + at, f->sent_bytes - at);
        f->sent_bytes -= at;
        return true;
    }
    return false;
}

static size_t unescape(const char *in, size_t bytes, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        unsigned code = 0;
        if (in[i] != '\\' || i + 1 == bytes) {
            out[n++] = in[i];
        } else if (in[i + 1] == 'x' && i + 3 < bytes && sscanf(in + i + 2, "%2x", &code) == 1) {
            out[n++] = (char)code;
            i += 3;
        } else {
            i++;
            out[n++] = in[i] == 'r' ? '\r' : in[i] == 'n' ? '\n' : in[i];
        }
    }
    return n;
}

/* Goes on through the log until there are bytes to give or something to wait for. */
static void advance(struct fake *f)
{
    while (*f->at && f->given == f->give_bytes) {
        char *end = strchrnul(f->at, '\n');
        size_t bytes = (size_t)(end - f->at), text = bytes > 2 ? 2 : bytes;
        if (*f->at == '=')
            f->sent_bytes = 0;
        if (*f->at == '=' || (*f->at == '>' && !take_sent(f, f->at + text, bytes - text))) {
            show_readable(f, false);
            return;
        }
        f->given = f->give_bytes = 0;
        if (*f->at == '<' || *f->at == '!') {
            f->give_bytes = unescape(f->at + text, bytes - text, f->give);
            if (*f->at == '<') {
                memcpy(f->give + f->give_bytes, "\r\n", 2);
                f->give_bytes += 2;
            }
        }
        f->at = *end ? end + 1 : end;
    }
    show_readable(f, true);
}

static int read_log(struct fake *f, const char *path, struct error *e)
{
    size_t bytes;
    int rc = file_read_all(path, LOG_MAX_BYTES, &f->log, &bytes, e);
    if (rc < 0)
        return rc;
    f->give = xmalloc(LOG_MAX_BYTES + 2);
    f->at = f->log;
    return strlen(f->log) == bytes ? 0 : error_set(e, EINVAL, "%s: not a log of text", path);
}

static int fake_open(void *priv, const struct transport_target *target, struct error *e)
{
    struct fake *f = priv;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return error_set(e, errno, "eventfd: %s", strerror(errno));
    f->fd_plus_one = fd + 1;
    int rc = read_log(f, target->host, e);
    if (rc == 0)
        advance(f);
    return rc;
}

static ssize_t fake_read(void *priv, void *data, size_t bytes)
{
    struct fake *f = priv;
    advance(f);
    size_t n = f->give_bytes - f->given;
    if (n == 0)
        return *f->at ? -EAGAIN : 0;
    n = n < bytes ? n : bytes;
    memcpy(data, f->give + f->given, n);
    f->given += n;
    return (ssize_t)n;
}

static ssize_t fake_write(void *priv, const void *data, size_t bytes)
{
    struct fake *f = priv;
    if (bytes > SENT_BYTES - f->sent_bytes)
        return -ENOBUFS;
    memcpy(f->sent + f->sent_bytes, data, bytes);
    f->sent_bytes += bytes;
    advance(f);
    return (ssize_t)bytes;
}

static bool fake_is_local(void *priv)
{
    (void)priv;
    return true;
}

static void fake_close(void *priv)
{
    struct fake *f = priv;
    free(f->log);
    free(f->give);
    if (fake_fd(f) >= 0)
        close(fake_fd(f));
}

const struct transport_ops transport_fake = {
    .name = "fake",
    .description = "replays a log (for tests)",
    .encrypted = false,
    .priv_size = sizeof(struct fake),
    .open = fake_open,
    .fd = fake_fd,
    .read = fake_read,
    .write = fake_write,
    .is_local = fake_is_local,
    .close = fake_close,
};
