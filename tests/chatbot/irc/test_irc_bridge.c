/*
 * The bridge alone: who may come in through its inner port, what passes it in either direction.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chatbot/irc/bridge.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

/* A server in memory: `in` is what it says, `out` what it was told. */
struct memory {
    int fd;
    char in[65536], out[65536];
    size_t in_bytes, given, out_bytes;
    bool over;
};

static int memory_fd(void *priv)
{
    return ((struct memory *)priv)->fd;
}

static ssize_t memory_read(void *priv, void *data, size_t bytes)
{
    struct memory *m = priv;
    size_t n = m->in_bytes - m->given < bytes ? m->in_bytes - m->given : bytes;
    memcpy(data, m->in + m->given, n);
    m->given += n;
    return n > 0 || m->over ? (ssize_t)n : -EAGAIN;
}

static ssize_t memory_write(void *priv, const void *data, size_t bytes)
{
    struct memory *m = priv;
    size_t n = bytes > 7 ? 7 : bytes; /* never all at once */
    assert_true(m->out_bytes + n < sizeof m->out);
    memcpy(m->out + m->out_bytes, data, n);
    m->out_bytes += n;
    m->out[m->out_bytes] = '\0';
    return (ssize_t)n;
}

static const struct transport_ops memory_ops = {.fd = memory_fd, .read = memory_read, .write = memory_write};

struct scene {
    struct memory memory;
    struct transport server;
    struct irc_counters counters;
    struct irc_bridge *bridge;
};

static int setup(void **state)
{
    struct scene *s = xcalloc(1, sizeof *s);
    struct error e;
    *state = s;
    s->memory.fd = dup(STDERR_FILENO);
    s->server = (struct transport){&memory_ops, &s->memory};
    return irc_bridge_open(&s->bridge, &s->server, "oauth:secret", &s->counters, &e);
}

static int teardown(void **state)
{
    struct scene *s = *state;
    irc_bridge_close(&s->bridge);
    close(s->memory.fd);
    free(s);
    return 0;
}

static int visit(struct scene *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)irc_bridge_port(s->bridge)),
                            .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    close(fd);
    return -1;
}

static int turn(struct scene *s)
{
    int rc = 0;
    struct error e;
    for (int i = 0; i < 50 && rc == 0; i++) {
        rc = irc_bridge_process(s->bridge, clock_real_us(), &e);
        usleep(1000);
    }
    return rc;
}

static void tell(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int attach(struct scene *s)
{
    char text[128];
    int fd = visit(s);
    snprintf(text, sizeof text, "PASS %s\r\nNICK bot\r\nUSER nobody unknown unknown :noname\r\n",
             irc_bridge_nonce(s->bridge));
    tell(fd, text);
    assert_int_equal(turn(s), 0);
    return fd;
}

static void strangers_are_turned_away(void **state)
{
    struct scene *s = *state;
    static const char *const tries[] = {"PASS 0123456789abcdef0123456789abcdef\r\n", "NICK bot\r\n",
                                        "PASS\r\n", "PRIVMSG #chan :spam\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        char byte;
        int fd = visit(s);
        tell(fd, tries[i]);
        assert_int_equal(turn(s), 0);
        assert_int_equal(recv(fd, &byte, 1, 0), 0);
        close(fd);
    }
    assert_int_equal(s->memory.out_bytes, 0);
    int fd = attach(s);
    assert_int_equal(visit(s), -1);
    close(fd);
}

static void the_login_has_the_real_password_in_the_right_order(void **state)
{
    struct scene *s = *state;
    int fd = attach(s);
    assert_string_equal(s->memory.out,
                        "CAP REQ :twitch.tv/tags twitch.tv/commands\r\nPASS oauth:secret\r\nNICK bot\r\n"
                        "USER nobody unknown unknown :noname\r\nCAP END\r\n");
    close(fd);
}

static void only_a_bots_commands_go_out(void **state)
{
    struct scene *s = *state;
    int fd = attach(s);
    s->memory.out_bytes = 0;
    tell(fd, "OPER a b\r\nPASS again\r\nPONG x\r\nPRIVMSG #chan :hello\r\nNOTICE ann :VERSION\r\nJOIN "
             "#chan\r\n\r\n:\r\n");
    assert_int_equal(turn(s), 0);
    assert_string_equal(s->memory.out, "PRIVMSG #chan :hello\r\nJOIN #chan\r\n");
    close(fd);
}

static void only_clean_lines_come_in(void **state)
{
    struct scene *s = *state;
    int fd = attach(s);
    s->memory.out_bytes = 0;
    s->memory.in_bytes =
        (size_t)sprintf(s->memory.in, "\r\n@a=b :ann!u@h PRIVMSG #c :\x01"
                                      "ACTION hi\x01\r\nPING :x\r\nb@d line\r\nRECONNECT\r\n");
    assert_int_equal(turn(s), 0);
    char got[256] = "";
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    assert_true(n > 0);
    assert_string_equal(got, ":ann!s1@b PRIVMSG #c :ACTION hi\r\n:-!s2@b RECONNECT :-\r\n");
    assert_string_equal(s->memory.out, "PONG :x\r\n");
    assert_int_equal(s->counters.malformed, 1);

    const struct irc_event *ev = irc_bridge_event(s->bridge, 1);
    assert_non_null(ev);
    assert_string_equal(ev->message.text, "hi");
    assert_true(ev->message.is_action);
    assert_null(irc_bridge_event(s->bridge, 1));
    assert_null(irc_bridge_event(s->bridge, 3));
    assert_int_equal(irc_bridge_event(s->bridge, 2)->kind, IRC_EV_RECONNECT);
    assert_int_equal(s->counters.lost, 0);
    close(fd);
}

static void a_flood_waits_until_the_library_has_listened(void **state)
{
    struct scene *s = *state;
    int fd = attach(s);
    for (int i = 0; i < 500; i++)
        s->memory.in_bytes +=
            (size_t)sprintf(s->memory.in + s->memory.in_bytes, ":ann!u@h PRIVMSG #c :line %d\r\n", i);
    assert_int_equal(turn(s), 0);
    assert_true(irc_bridge_stuck_us(s->bridge) <= clock_real_us());
    assert_null(irc_bridge_event(s->bridge, BRIDGE_WINDOW + 1));
    int drained = 0;
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "line %d", i);
        const struct irc_event *ev = irc_bridge_event(s->bridge, (uint64_t)i + 1);
        assert_non_null(ev);
        assert_string_equal(ev->message.text, text);
        if (i % 20 == 19) {
            struct error e;
            char drain[4096];
            drained += recv(fd, drain, sizeof drain, MSG_DONTWAIT) > 0;
            assert_int_equal(irc_bridge_process(s->bridge, clock_real_us(), &e), 0);
        }
    }
    assert_true(drained > 1);
    assert_int_equal(s->counters.lost, 0);
    assert_true(irc_bridge_stuck_us(s->bridge) == INT64_MAX);
    close(fd);
}

static void last_words_arrive_before_the_end(void **state)
{
    struct scene *s = *state;
    int fd = attach(s);
    s->memory.in_bytes = (size_t)sprintf(s->memory.in, ":srv NOTICE * :Login authentication failed\r\n");
    s->memory.over = true;
    assert_int_equal(turn(s), 0);
    assert_non_null(irc_bridge_event(s->bridge, 1));
    assert_int_equal(turn(s), -ECONNRESET);
    close(fd);
}

int main(void)
{
    log_set_level(LOG_ERROR);
#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(strangers_are_turned_away),
        SCENE(the_login_has_the_real_password_in_the_right_order),
        SCENE(only_a_bots_commands_go_out),
        SCENE(only_clean_lines_come_in),
        SCENE(a_flood_waits_until_the_library_has_listened),
        SCENE(last_words_arrive_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
