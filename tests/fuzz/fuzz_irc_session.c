/*
 * libFuzzer over a whole session with a chat server: the bridge, the IRC library, login, join, and all that we say.
 * The server is the input, behind a greeting (unless the first byte is odd) and cut into packets by the first byte.
 */
#include <errno.h>
#include <sys/eventfd.h>

#include "chatbot/irc/session.h"
#include "chatbot/irc/tuning.h"
#include "common/log.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

#define WORD   "not_to_be_said_twice"
#define SECRET ":" WORD
#define PASS   "oauth" SECRET

enum { LINE_BYTES = 1024, TURNS_AFTER = 4 };

static struct {
    char *text; /* what the server says */
    size_t bytes, at, packet;
    int fd, turns_after;
    char line[LINE_BYTES]; /* what we are saying */
    size_t used;
    bool said_pass, said_anything;
    bool knows_pass; /* it has said the password itself: then an answer may hold it, with a colon before it */
} server;

static int fake_open(void *priv, const struct transport_target *target, struct error *e)
{
    (void)priv, (void)target, (void)e;
    return 0;
}

static int fake_fd(void *priv)
{
    (void)priv;
    return server.fd;
}

/* Nothing before we have said something; then the input, and the end when all has passed the library. */
static ssize_t fake_read(void *priv, void *data, size_t bytes)
{
    (void)priv;
    size_t left = server.bytes - server.at, n = left < server.packet ? left : server.packet;
    n = n < bytes ? n : bytes;
    if (!server.said_anything || (n == 0 && server.turns_after-- > 0))
        return -EAGAIN;
    memcpy(data, server.text + server.at, n);
    server.at += n;
    return (ssize_t)n;
}

static bool begins_with(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static void check_line(const char *line)
{
    static const char *const commands[] = {"CAP ",           "NICK ", "USER ",
                                           "PONG ",          "PING ", "JOIN ",
                                           "PRIVMSG #chan ", "QUIT ", "@reply-parent-msg-id="};
    size_t n = strlen(line);
    must(text_line_bytes(line, n) == n, "what we say is one proper line");
    if (begins_with(line, "PASS ")) {
        must(!server.said_pass && strcmp(line, "PASS " PASS) == 0, "the password is said once");
        server.said_pass = true;
        return;
    }
    must(server.knows_pass || strstr(line, SECRET) == NULL, "and in no other line");
    bool known = strcmp(line, "PONG") == 0; /* to a PING that names nothing */
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        known |= begins_with(line, commands[i]);
    must(known, "we say what we may say");
}

static ssize_t fake_write(void *priv, const void *data, size_t bytes)
{
    (void)priv;
    server.said_anything = true;
    for (size_t i = 0; i < bytes; i++) {
        char c = ((const char *)data)[i];
        must(server.used + 1 < LINE_BYTES, "lines end");
        if (c != '\n') {
            server.line[server.used++] = c;
            continue;
        }
        must(server.used > 0 && server.line[server.used - 1] == '\r', "with CR LF");
        server.line[server.used - 1] = '\0';
        check_line(server.line);
        server.used = 0;
    }
    return (ssize_t)bytes;
}

static bool fake_is_local(void *priv)
{
    (void)priv;
    return true;
}

static void fake_close(void *priv)
{
    (void)priv;
}

static const struct transport_ops fake = {.name = "fuzz",
                                          .description = "the input of a fuzzer",
                                          .open = fake_open,
                                          .fd = fake_fd,
                                          .read = fake_read,
                                          .write = fake_write,
                                          .is_local = fake_is_local,
                                          .close = fake_close};

static void on_line(void *context, const struct irc_message *m, struct irc_reply *reply)
{
    (void)context;
    must(text_line_bytes(m->text, m->text_bytes) == m->text_bytes, "what we hear is one proper line");
    server.knows_pass |= strstr(m->text, WORD) != NULL;
    text_copy(reply->text, sizeof reply->text, m->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char greeting[] = ":tmi 001 bot :Welcome\r\n:tmi 376 bot :>\r\n:bot!bot@x JOIN #chan\r\n";
    static struct stop stop;
    static struct irc_shared shared;
    const struct irc_identity id = {.nick = "bot", .pass = PASS};
    const struct irc_events events = {.on_line = on_line};
    struct irc_tuning tuning = irc_tuning_default;
    struct irc_session_end end;
    if (size < 1)
        return 0;
    if (server.fd == 0) {
        log_set_level(LOG_ERROR);
        server.fd = eventfd(1, EFD_CLOEXEC);
        stop_init(&stop);
    }
    size_t before = data[0] & 1 ? 0 : sizeof greeting - 1;
    server.bytes = before + size - 1;
    server.text = xmalloc(server.bytes + 1);
    memcpy(server.text, greeting, before);
    memcpy(server.text + before, data + 1, size - 1);
    server.at = server.used = 0;
    server.packet = 1 + (size_t)data[0] * 8;
    server.turns_after = TURNS_AFTER;
    server.said_pass = server.said_anything = false;
    char *cleaned = xmalloc(size + 1);
    text_clean(cleaned, size + 1, (const char *)data, size); /* as it may come back */
    server.knows_pass = strstr(cleaned, WORD) != NULL;
    free(cleaned);
    tuning.limits.gap_us = 0;
    shared = (struct irc_shared){.tuning = &tuning,
                                 .events = &events,
                                 .host = "fuzz",
                                 .ca_file = "",
                                 .transport = &fake,
                                 .channel = "#chan",
                                 .stop = &stop,
                                 .lock = PTHREAD_MUTEX_INITIALIZER};
    irc_outbox_init(&shared.outbox, &tuning.limits);
    irc_session_run(&shared, &id, NULL, NULL, &end);
    must(end.why.text[0] != '\0', "it ends for a reason");
    free(server.text);
    return 0;
}
