/*
 * bridge - see bridge.h. libircclient never meets the network: the bridge parses every line of the server again,
 * cleans it and builds it anew before the library sees it.
 */
#include "chatbot/irc/bridge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    EVENTS = 64,            /* > BRIDGE_WINDOW: an event stays while its callback runs */
    OUT_BYTES = 32768,      /* to the server */
    IN_BYTES = 32768,       /* to the library: a window of longest lines fits */
    READS_PER_TURN = 8,     /* then others have their turn */
    STRANGER_US = 1000000,  /* who connects and does not give the nonce */
    LAST_WORDS_US = 1000000 /* after the server hung up: what it said before still goes to the library */
};

struct buffer {
    char *data;
    size_t size, used;
};

struct irc_bridge {
    struct transport *server;
    const char *pass;
    struct irc_counters *counters;
    char nonce[IRC_NONCE_BYTES];
    int port, listen_fd, library_fd; /* -1: none */
    bool attached;
    int64_t accepted_us, received_us;
    int end_code; /* the server has hung up, why and when */
    int64_t ended_us;
    struct error end;

    struct irc_splitter from_server, from_library;
    struct buffer to_server, to_library;
    uint64_t next, seen; /* sequence numbers: of the next event; the library has shown all up to `seen` */
    int64_t owed_since_us;
    struct irc_event events[EVENTS]; /* number n in [n % EVENTS] */
};

static void make_nonce(char nonce[IRC_NONCE_BYTES])
{
    unsigned char raw[(IRC_NONCE_BYTES - 1) / 2];
    for (size_t got = 0; got < sizeof raw;) {
        ssize_t n = getrandom(raw + got, sizeof raw - got, 0);
        got += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < sizeof raw; i++)
        sprintf(nonce + 2 * i, "%02x", raw[i]);
}

static int listen_on_loopback(struct irc_bridge *b)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
    } a = {.in = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}}};
    socklen_t size = sizeof a.in;
    b->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (b->listen_fd < 0)
        return -errno;
    if (b->listen_fd >= FD_SETSIZE - 64 || transport_fd(b->server) >= FD_SETSIZE)
        return -EMFILE; /* the library's own socket comes next, and select() aborts on it */
    if (bind(b->listen_fd, &a.any, size) < 0 || listen(b->listen_fd, 4) < 0 ||
        getsockname(b->listen_fd, &a.any, &size) < 0)
        return -errno;
    b->port = ntohs(a.in.sin_port);
    return 0;
}

int irc_bridge_open(struct irc_bridge **out, struct transport *server, const char *pass,
                    struct irc_counters *counters, struct error *e)
{
    struct irc_bridge *b = xcalloc(1, sizeof *b);
    *out = b;
    b->server = server;
    b->pass = pass;
    b->counters = counters;
    b->listen_fd = b->library_fd = -1;
    b->to_server = (struct buffer){xmalloc(OUT_BYTES), OUT_BYTES, 0};
    b->to_library = (struct buffer){xmalloc(IN_BYTES), IN_BYTES, 0};
    b->next = 1;
    b->received_us = clock_real_us();
    irc_splitter_init(&b->from_server);
    irc_splitter_init(&b->from_library);
    make_nonce(b->nonce);
    int rc = listen_on_loopback(b);
    if (rc < 0) {
        irc_bridge_close(out);
        return error_set(e, -rc, "cannot open a port on 127.0.0.1 for the IRC library: %s", strerror(-rc));
    }
    return 0;
}

void irc_bridge_close(struct irc_bridge **out)
{
    struct irc_bridge *b = *out;
    if (!b)
        return;
    if (b->library_fd >= 0)
        close(b->library_fd);
    if (b->listen_fd >= 0)
        close(b->listen_fd);
    explicit_bzero(b->to_server.data, b->to_server.size); /* PASS was in it */
    free(b->to_server.data);
    free(b->to_library.data);
    free(b);
    *out = NULL;
}

int irc_bridge_port(const struct irc_bridge *b)
{
    return b->port;
}

const char *irc_bridge_nonce(const struct irc_bridge *b)
{
    return b->nonce;
}

int64_t irc_bridge_received_us(const struct irc_bridge *b)
{
    return b->received_us;
}

int64_t irc_bridge_stuck_us(const struct irc_bridge *b)
{
    return b->next - 1 > b->seen ? b->owed_since_us : INT64_MAX;
}

static bool window_is_full(const struct irc_bridge *b)
{
    return b->next - 1 - b->seen >= BRIDGE_WINDOW ||
           b->to_library.size - b->to_library.used < IRC_CLEAN_BYTES + 2;
}

/* Appends `line` and CR LF. */
static int put_line(struct buffer *to, const char *line, size_t bytes)
{
    if (to->size - to->used < bytes + 2)
        return -ENOBUFS;
    memcpy(to->data + to->used, line, bytes);
    memcpy(to->data + to->used + bytes, "\r\n", 2);
    to->used += bytes + 2;
    return 0;
}

int irc_bridge_send(struct irc_bridge *b, const char *line)
{
    return put_line(&b->to_server, line, strcspn(line, "\r\n"));
}

static void drop_front(struct buffer *b, size_t bytes)
{
    memmove(b->data, b->data + bytes, b->used - bytes);
    b->used -= bytes;
}

/* 0 also when not all went out. */
static int flush_to_server(struct irc_bridge *b, struct error *e)
{
    while (b->to_server.used > 0) {
        ssize_t n = transport_write(b->server, b->to_server.data, b->to_server.used);
        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return error_set(e, (int)-n, "sending to the server: %s", strerror((int)-n));
        drop_front(&b->to_server, (size_t)n);
    }
    return 0;
}

static int flush_to_library(struct irc_bridge *b, struct error *e)
{
    while (b->attached && b->to_library.used > 0) {
        ssize_t n = send(b->library_fd, b->to_library.data, b->to_library.used, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n < 0)
            return error_set(e, errno, "handing lines to the IRC library: %s", strerror(errno));
        drop_front(&b->to_library, (size_t)n);
    }
    return 0;
}

/* The server's PING, at once; without a text it gets none back. */
static int answer_ping(struct irc_bridge *b, const struct irc_parsed *p)
{
    char text[IRC_CLEAN_BYTES - 8], line[IRC_CLEAN_BYTES];
    irc_param(p, p->param_count - 1 < 0 ? 0 : p->param_count - 1, text, sizeof text);
    int n = snprintf(line, sizeof line, text[0] ? "PONG :%s" : "PONG", text);
    return put_line(&b->to_server, line, (size_t)n);
}

static int take_server_line(struct irc_bridge *b, struct irc_span line, int64_t now_us)
{
    struct irc_parsed p;
    b->counters->lines++;
    if (irc_parse(line, &p) < 0) {
        b->counters->malformed++;
        return 0;
    }
    struct irc_event *ev = &b->events[b->next % EVENTS];
    irc_event_read(&p, ev);
    b->counters->foreign += ev->kind == IRC_EV_FOREIGN;
    if (ev->kind == IRC_EV_PING)
        return answer_ping(b, &p);
    if (!irc_event_passes(ev))
        return 0;
    if (b->next - 1 == b->seen)
        b->owed_since_us = now_us;
    ev->sequence = b->next++;
    char clean[IRC_CLEAN_BYTES + 1];
    size_t bytes = irc_rebuild(&p, ev->sequence, clean);
    return put_line(&b->to_library, clean, bytes);
}

/* Lines while the window takes them. -ENOBUFS when the server does not read our PONGs. */
static int take_server_lines(struct irc_bridge *b, int64_t now_us)
{
    int rc = 0;
    for (struct irc_span line; rc == 0 && !window_is_full(b) && irc_splitter_next(&b->from_server, &line);)
        rc = take_server_line(b, line, now_us);
    b->counters->too_long += b->from_server.too_long;
    b->from_server.too_long = 0;
    return rc;
}

/* The server's side is over. What it said last ("Login authentication failed") is still under way to the
 * library, so this is told only when that has arrived. */
static void server_ended(struct irc_bridge *b, ssize_t n, int64_t now_us)
{
    b->ended_us = now_us;
    b->end_code = n == 0 ? -ECONNRESET : (int)n;
    if (n == 0)
        error_set(&b->end, ECONNRESET, "the server hung up");
    else
        error_set(&b->end, (int)-n, "reading from the server: %s", strerror((int)-n));
}

static int read_server(struct irc_bridge *b, int64_t now_us, struct error *e)
{
    int rc = take_server_lines(b, now_us);
    for (int i = 0; i < READS_PER_TURN && rc == 0 && b->end_code == 0 && !window_is_full(b); i++) {
        size_t room;
        char *space = irc_splitter_space(&b->from_server, &room);
        ssize_t n = transport_read(b->server, space, room);
        if (n == -EAGAIN)
            return 0;
        if (n <= 0) {
            server_ended(b, n, now_us);
            return 0;
        }
        b->received_us = now_us;
        irc_splitter_added(&b->from_server, (size_t)n);
        rc = take_server_lines(b, now_us);
    }
    return rc < 0 ? error_set(e, -rc, "the server does not take what we send") : 0;
}

/* The library has proved itself: the login may begin. */
static int begin_login(struct irc_bridge *b)
{
    static const char caps[] = "CAP REQ :twitch.tv/tags twitch.tv/commands";
    char line[1024];
    b->attached = true;
    close(b->listen_fd); /* nobody else is expected */
    b->listen_fd = -1;
    int rc = put_line(&b->to_server, caps, sizeof caps - 1);
    if (rc == 0 && b->pass[0]) {
        int n = snprintf(line, sizeof line, "PASS %s", b->pass);
        rc = put_line(&b->to_server, line, (size_t)n);
        explicit_bzero(line, sizeof line);
    }
    return rc;
}

/* From the library to the server: what a bot needs to say. */
static int take_library_line(struct irc_bridge *b, struct irc_span line)
{
    static const char *const allowed[] = {"NICK", "USER", "JOIN", "PRIVMSG", "QUIT"};
    struct irc_parsed p;
    if (irc_parse(line, &p) < 0)
        return 0;
    if (!b->attached) {
        bool ours = irc_is(&p, "PASS") && p.param_count == 1 && p.params[0].bytes == IRC_NONCE_BYTES - 1 &&
                    memcmp(p.params[0].start, b->nonce, IRC_NONCE_BYTES - 1) == 0;
        return ours ? begin_login(b) : -EPERM;
    }
    bool is_login_end = irc_is(&p, "USER");
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (irc_is(&p, allowed[i])) {
            int rc = put_line(&b->to_server, line.start, line.bytes);
            return rc == 0 && is_login_end ? irc_bridge_send(b, "CAP END") : rc;
        }
    log_debug("chat", "the IRC library wanted to say %.*s: left out", (int)p.command.bytes, p.command.start);
    return 0;
}

static void turn_stranger_away(struct irc_bridge *b)
{
    log_warn("chat", "another program connected to the bot's inner port; it was turned away");
    close(b->library_fd);
    b->library_fd = -1;
    irc_splitter_init(&b->from_library);
}

static int read_library(struct irc_bridge *b, int64_t now_us, struct error *e)
{
    if (b->library_fd < 0) {
        b->library_fd = accept4(b->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        b->accepted_us = now_us;
        if (b->library_fd < 0)
            return 0;
        setsockopt(b->library_fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    }
    size_t room;
    char *space = irc_splitter_space(&b->from_library, &room);
    ssize_t n = recv(b->library_fd, space, room, 0);
    bool waits = n < 0 && (errno == EAGAIN || errno == EINTR);
    int rc = b->library_fd >= FD_SETSIZE ? -EMFILE : 0;
    if (n > 0) {
        irc_splitter_added(&b->from_library, (size_t)n);
        for (struct irc_span line; rc == 0 && irc_splitter_next(&b->from_library, &line);)
            rc = take_library_line(b, line);
    }
    if (b->attached && n <= 0 && !waits)
        return error_set(e, EPIPE, "the IRC library hung up");
    if (!b->attached && (rc == -EPERM || (n <= 0 && !waits) || now_us - b->accepted_us > STRANGER_US)) {
        turn_stranger_away(b);
        return 0;
    }
    return rc < 0 ? error_set(e, -rc, "passing the bot's lines on: %s", strerror(-rc)) : 0;
}

static void add_fd(int fd, fd_set *set, int *max_fd)
{
    FD_SET(fd, set);
    *max_fd = fd > *max_fd ? fd : *max_fd;
}

bool irc_bridge_add(struct irc_bridge *b, fd_set *readable, fd_set *writable, int *max_fd)
{
    int server_fd = transport_fd(b->server);
    bool full = window_is_full(b), open = b->end_code == 0;
    if (open && !full)
        add_fd(server_fd, readable, max_fd);
    if (open && b->to_server.used > 0)
        add_fd(server_fd, writable, max_fd);
    add_fd(b->library_fd >= 0 ? b->library_fd : b->listen_fd, readable, max_fd);
    if (b->attached && b->to_library.used > 0)
        add_fd(b->library_fd, writable, max_fd);
    bool pending = open && transport_pending(b->server);
    return !full && (pending || b->from_server.end > b->from_server.scanned);
}

int irc_bridge_process(struct irc_bridge *b, int64_t now_us, struct error *e)
{
    /* All descriptors are non-blocking: trying them is simpler than asking select() which of
     * them it meant. */
    int rc = read_library(b, now_us, e);
    if (rc == 0)
        rc = read_server(b, now_us, e);
    if (rc == 0)
        rc = flush_to_library(b, e);
    if (rc == 0 && b->end_code < 0) {
        bool all_told = b->seen == b->next - 1 && b->from_server.end == b->from_server.scanned;
        if (!all_told && now_us - b->ended_us < LAST_WORDS_US)
            return 0;
        if (e)
            *e = b->end;
        return b->end_code;
    }
    return rc < 0 ? rc : flush_to_server(b, e);
}

const struct irc_event *irc_bridge_event(struct irc_bridge *b, uint64_t sequence)
{
    if (sequence <= b->seen || sequence >= b->next)
        return NULL;
    b->counters->lost += (int64_t)(sequence - b->seen - 1);
    b->seen = sequence;
    b->owed_since_us = clock_real_us();
    return &b->events[sequence % EVENTS];
}
