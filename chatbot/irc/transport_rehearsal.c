/*
 * transport_rehearsal - a server that is not there: the channel of a rehearsal (rehearsal/town.h), within this program.
 *
 * It speaks as Twitch does: acknowledges the capabilities, greets, lets the bot into whatever channel it names, and gives the
 * crowd's lines with tags. No socket is opened and no name is looked up, so a rehearsal cannot touch a network. A
 * password that should come all the same is dropped where it is read. The descriptor is a timer: fifty times a second somebody looks
 * whether a line is due.
 */
#include "chatbot/irc/transport.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/text.h"
#include "rehearsal/town.h"

enum { TICK_NS = 20000000, FROM_BYTES = 4096, TO_BYTES = 16384, LINE_BYTES = 1200 };

struct rehearsed {
    int fd_plus_one; /* a timerfd; zeroed: none */
    struct town *town;
    bool is_in;
    char nick[64], channel[128];
    char from[FROM_BYTES]; /* what the bot has written of a line */
    size_t from_bytes;
    char to[TO_BYTES]; /* for the bot */
    size_t to_bytes;
};

static int rehearsed_fd(void *priv)
{
    return ((struct rehearsed *)priv)->fd_plus_one - 1;
}

static int rehearsed_open(void *priv, const struct transport_target *target, struct error *e)
{
    static const struct itimerspec often = {{0, TICK_NS}, {0, TICK_NS}};
    struct rehearsed *r = priv;
    if (!target->town)
        return error_set(e, EINVAL, "there is no rehearsal");
    r->town = target->town;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return error_set(e, errno, "no timer for the rehearsal: %s", strerror(errno));
    r->fd_plus_one = fd + 1;
    if (timerfd_settime(fd, 0, &often, NULL) < 0)
        return error_set(e, errno, "no timer for the rehearsal: %s", strerror(errno));
    return 0;
}

static void __attribute__((format(printf, 2, 3))) say(struct rehearsed *r, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line || (size_t)n + 2 > TO_BYTES - r->to_bytes)
        return; /* a bot that does not read hears nothing more */
    memcpy(r->to + r->to_bytes, line, (size_t)n);
    memcpy(r->to + r->to_bytes + n, "\r\n", 2);
    r->to_bytes += (size_t)n + 2;
}

/* ---- what the bot says ---- */

static void let_in(struct rehearsed *r, const char *channel)
{
    text_copy(r->channel, sizeof r->channel, channel);
    say(r, ":%s!%s@%s.tmi.twitch.tv JOIN %s", r->nick, r->nick, r->nick, r->channel);
    say(r, ":tmi.twitch.tv 353 %s = %s :%s", r->nick, r->channel, r->nick);
    say(r, ":tmi.twitch.tv 366 %s %s :End of /NAMES list", r->nick, r->channel);
    say(r, "@emote-only=0;followers-only=-1;r9k=0;room-id=1;slow=0;subs-only=0 :tmi.twitch.tv ROOMSTATE %s",
        r->channel);
    r->is_in = true;
    town_join(r->town);
}

static void greet(struct rehearsed *r)
{
    static const char *const numbers[] = {"001", "002", "003", "004", "375", "372", "376"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        say(r, ":tmi.twitch.tv %s %s :rehearsal", numbers[i], r->nick);
}

static void hear_line(struct rehearsed *r, char *line)
{
    static const char thread_tag[] = "@reply-parent-msg-id=";
    long thread = 0;
    if (line[0] == '@') {
        if (strncmp(line, thread_tag, sizeof thread_tag - 1) == 0)
            thread = strtol(line + sizeof thread_tag - 1, NULL, 10);
        line = strchr(line, ' ') ? strchr(line, ' ') + 1 : line;
    }
    const char *text = strstr(line, " :");
    if (strncmp(line, "PRIVMSG ", 8) == 0 && text)
        town_hear(r->town, thread, text + 2);
    else if (strncmp(line, "CAP REQ", 7) == 0 && text)
        say(r, ":tmi.twitch.tv CAP * ACK :%s", text + 2);
    else if (strncmp(line, "NICK ", 5) == 0)
        text_copy(r->nick, sizeof r->nick, line + 5);
    else if (strncmp(line, "USER ", 5) == 0)
        greet(r);
    else if (strncmp(line, "JOIN ", 5) == 0 && !r->is_in)
        let_in(r, line + 5);
    else if (strncmp(line, "PING", 4) == 0)
        say(r, ":tmi.twitch.tv PONG tmi.twitch.tv%s", text ? text : "");
}

static ssize_t rehearsed_write(void *priv, const void *data, size_t bytes)
{
    struct rehearsed *r = priv;
    if (bytes > FROM_BYTES - 1 - r->from_bytes)
        bytes = FROM_BYTES - 1 - r->from_bytes;
    memcpy(r->from + r->from_bytes, data, bytes);
    r->from_bytes += bytes;
    for (char *end; (end = memchr(r->from, '\n', r->from_bytes));) {
        size_t line_bytes = (size_t)(end - r->from) + 1;
        *end = '\0';
        r->from[strcspn(r->from, "\r")] = '\0';
        hear_line(r, r->from);
        r->from_bytes -= line_bytes;
        memmove(r->from, end + 1, r->from_bytes);
    }
    if (r->from_bytes == FROM_BYTES - 1)
        r->from_bytes = 0; /* no line is that long */
    return (ssize_t)bytes;
}

/* ---- what the crowd says ---- */

static void give_line(struct rehearsed *r, const struct crowd_line *l, long number)
{
    double at_ms = ((double)time(NULL) + town_clock_off_s(r->town)) * 1000;
    if (l->kind == CROWD_REMOVAL) {
        say(r, "@ban-duration=60;room-id=1;tmi-sent-ts=%.0f :tmi.twitch.tv CLEARCHAT %s :%s", at_ms,
            r->channel, l->user);
        return;
    }
    say(r,
        "@badges=%s;display-name=%s;emotes=;id=%ld;mod=%d;room-id=1;subscriber=0;tmi-sent-ts=%.0f;user-id=r-%s "
        ":%s!%s@%s.tmi.twitch.tv PRIVMSG %s :%s",
        l->is_moderator ? "moderator/1" : "", l->user, number, l->is_moderator, at_ms, l->user, l->user,
        l->user, l->user, r->channel, l->text);
}

static ssize_t rehearsed_read(void *priv, void *data, size_t bytes)
{
    struct rehearsed *r = priv;
    struct crowd_line line;
    uint64_t ticks;
    long number;
    ssize_t n = read(rehearsed_fd(r), &ticks, sizeof ticks);
    (void)n;
    if (town_hangs_up(r->town))
        return 0;
    while (r->is_in && TO_BYTES - r->to_bytes > LINE_BYTES && town_next(r->town, &line, &number))
        give_line(r, &line, number);
    if (r->to_bytes == 0)
        return -EAGAIN;
    bytes = bytes < r->to_bytes ? bytes : r->to_bytes;
    memcpy(data, r->to, bytes);
    r->to_bytes -= bytes;
    memmove(r->to, r->to + bytes, r->to_bytes);
    return (ssize_t)bytes;
}

static bool rehearsed_is_local(void *priv)
{
    (void)priv;
    return true;
}

static void rehearsed_close(void *priv)
{
    struct rehearsed *r = priv;
    if (r->is_in)
        town_leave(r->town);
    if (rehearsed_fd(r) >= 0)
        close(rehearsed_fd(r));
}

const struct transport_ops transport_rehearsal = {
    .name = "rehearsal",
    .description = "a crowd that is not there, within this program",
    .encrypted = false,
    .priv_size = sizeof(struct rehearsed),
    .open = rehearsed_open,
    .fd = rehearsed_fd,
    .read = rehearsed_read,
    .write = rehearsed_write,
    .is_local = rehearsed_is_local,
    .close = rehearsed_close,
};
