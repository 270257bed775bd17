/*
 * console - see chatbot.h. One thread, one buffer: bytes are gathered until a line ends, whole lines go to
 * the bot, what does not fit is passed over up to the next line end. The thread sleeps in poll on the input
 * and on its stop flag, so closing never waits for somebody to press a key.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chatbot/chatbot.h"
#include "common/log.h"
#include "common/mem.h"

enum { READ_BYTES = 4096 };

struct console {
    /* immutable after open */
    struct chatbot *bot;
    struct clock *clock;
    int64_t start_us;
    int fd;
    struct stop stop;
    struct thread thread;

    /* console thread only */
    char line[SYNSETS_LINE_BYTES];
    size_t length;
    bool overlong; /* the rest of this line is passed over */
};

static void end_line(struct console *c)
{
    char reply[CHAT_REPLY_BYTES];
    if (c->overlong) {
        log_info("chat", "That line has more than %d bytes, so I passed it over. A thing is enough: goldfish",
                 SYNSETS_LINE_BYTES - 1);
    } else {
        double now_s = (double)(clock_now_us(c->clock) - c->start_us) / 1e6;
        struct chat_line line = {
            .origin = CHAT_TERMINAL, .user = "operator", .text = c->line, .bytes = c->length};
        chatbot_line(c->bot, &line, now_s, reply);
        if (reply[0])
            log_info("chat", "%s", reply);
    }
    c->length = 0;
    c->overlong = false;
}

static void take_bytes(struct console *c, const char *bytes, size_t count)
{
    while (count > 0) {
        const char *end = memchr(bytes, '\n', count);
        size_t n = end ? (size_t)(end - bytes) : count;
        if (n >= sizeof c->line - c->length)
            c->overlong = true;
        if (!c->overlong) {
            memcpy(c->line + c->length, bytes, n);
            c->length += n;
        }
        if (end) {
            end_line(c);
            n++;
        }
        bytes += n;
        count -= n;
    }
}

/* False at the end of the input, also when it breaks: a show goes on without its terminal. */
static bool read_some(struct console *c)
{
    char bytes[READ_BYTES];
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    take_bytes(c, bytes, (size_t)n);
    return n > 0;
}

static void *console_main(void *arg)
{
    struct console *c = arg;
    if (isatty(c->fd))
        log_info("chat",
                 "type a thing and press Enter: goldfish, or two: goldfish + pizza. !help tells more");
    struct pollfd fds[] = {{.fd = c->fd, .events = POLLIN}, {.fd = c->stop.fd, .events = POLLIN}};
    for (;;) {
        int ready = poll(fds, ARRAY_LEN(fds), -1);
        if (ready < 0 && errno != EINTR)
            break;
        if (stop_requested(&c->stop))
            return NULL;
        if (ready > 0 && fds[0].revents && !read_some(c))
            break;
    }
    if (c->length > 0 || c->overlong) /* the last line may lack its end */
        end_line(c);
    return NULL;
}

int console_open(struct console **out, struct chatbot *b, int fd, struct clock *clock, int64_t start_us,
                 struct error *e)
{
    struct console *c = xcalloc(1, sizeof *c);
    *out = NULL;
    c->bot = b;
    c->fd = fd;
    c->clock = clock;
    c->start_us = start_us;
    int rc = stop_init(&c->stop);
    if (rc == 0)
        rc = thread_start(&c->thread, "console", console_main, c);
    if (rc) {
        console_close(&c);
        return error_set(e, -rc, "the terminal cannot be read: %s", strerror(-rc));
    }
    *out = c;
    return 0;
}

void console_close(struct console **c)
{
    if (!*c)
        return;
    stop_request(&(*c)->stop);
    thread_join(&(*c)->thread);
    stop_close(&(*c)->stop);
    free(*c);
    *c = NULL;
}
