/*
 * ask - see ask.h. The least of HTTP: one request, and the connection is closed behind its answer.
 */
#include "app/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "web/door.h"

enum { PATIENCE_S = 5, ANSWER_BYTES = 256 << 10 };

static int cannot_knock(const char *folder, int rc, struct error *e)
{
    if (rc == -ENOENT || rc == -ECONNREFUSED)
        return error_set(e, -rc,
                         "no show is on whose state folder is %s; show.state_dir or -c FILE names another",
                         folder);
    if (rc == -EACCES)
        return error_set(e, EACCES, "%s is another user's: ask as that user, or as root", folder);
    return rc;
}

/* All of it, up to the end of the connection. The length, or -errno. */
static ssize_t receive(int fd, char *out, size_t size)
{
    size_t got = 0;
    ssize_t n = 1;
    while (n > 0 && got < size) {
        n = read(fd, out + got, size - got);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            got += (size_t)n;
    }
    return n < 0 ? -errno : got == size ? -E2BIG : (ssize_t)got;
}

static int read_answer(const char *text, size_t bytes, struct json **answer, struct error *e)
{
    const char *body = memmem(text, bytes, "\r\n\r\n", 4);
    struct error why = {""};
    if (!body || strncmp(text, "HTTP/1.1 200 ", 13) != 0)
        return error_set(e, EPROTO, "the show gives no answer that this version understands");
    body += 4;
    if (json_parse(answer, body, bytes - (size_t)(body - text), &why) < 0)
        return error_set(e, EPROTO, "the show's answer is damaged: %s", why.text);
    return 0;
}

int ask_show(const char *folder, const char *target, struct json **answer, struct error *e)
{
    *answer = NULL;
    int fd = door_knock(folder, PATIENCE_S, e);
    if (fd < 0)
        return cannot_knock(folder, fd, e);
    char *text = xasprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target);
    bool sent = file_write(fd, text, strlen(text)) == strlen(text);
    free(text);
    text = xmalloc(ANSWER_BYTES);
    ssize_t n = sent ? receive(fd, text, ANSWER_BYTES) : -errno;
    int rc = (int)n;
    if (n >= 0)
        rc = read_answer(text, (size_t)n, answer, e);
    else if (n == -EAGAIN || n == -EWOULDBLOCK)
        error_set(e, ETIMEDOUT, "a show is on, and has not answered for %d s", PATIENCE_S);
    else
        error_set(e, (int)-n, "the show does not answer: %s", strerror((int)-n));
    free(text);
    close(fd);
    return rc;
}
