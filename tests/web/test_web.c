/*
 * The page over a show that only pretends: its threads against each other, clients that come and go, alarms, history,
 * and an end with everybody connected.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "web/web.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

enum { CLIENTS = 40, ANSWER_BYTES = 1 << 16 };

static _Atomic int64_t turn, frame; /* of the pretended show */

static void status(void *context, struct web_status *s)
{
    (void)context;
    int64_t now = atomic_load(&turn);
    *s = (struct web_status){.fps = 25,
                             .width_px = 320,
                             .height_px = 180,
                             .seen = 0.5,
                             .also = "castle",
                             .sees_count = 2,
                             .sees = {{"pizza", "n07873807", 0.5}, {"castle", "n02980441", 0.25}},
                             .now = {.count = 1, .turn = now}};
    snprintf(s->now.text, sizeof s->now.text, "dream %lld", (long long)now);
    s->now.subjects[0] = (struct web_subject){.name = "goldfish", .wnid = "n01443537"};
}

static void wish(void *context, const struct web_wish *w, struct web_answer *a)
{
    (void)context;
    *a = (struct web_answer){.result = WEB_TAKEN, .id = 7, .place = 1};
    text_copy(a->text, sizeof a->text, w->text);
    text_copy(a->reply, sizeof a->reply, "as you like");
}

static bool operate(void *context, const struct web_operation *o, char reply[WEB_REPLY_BYTES])
{
    (void)context;
    (void)o;
    text_copy(reply, WEB_REPLY_BYTES, "done");
    return true;
}

static int words(void *context, const char *text, struct web_word *out, int max)
{
    (void)context;
    (void)text;
    (void)max;
    out[0] = (struct web_word){.word = "goldfish", .wnid = "n01443537"};
    return 1;
}

static int picture(void *context, const struct web_picture_want *w, int64_t after, struct web_picture *out)
{
    (void)context;
    (void)w;
    if (atomic_load(&frame) <= after)
        return -EAGAIN;
    *out = (struct web_picture){.bytes = xcalloc(1, 1000), .size = 1000, .frame = atomic_load(&frame)};
    out->dream.turn = atomic_load(&turn);
    return 0;
}

static const struct web_show show = {status, wish, operate, words, picture, NULL, NULL};
static struct stats stats;
static struct web_config config = {.bind = "127.0.0.1", .token = TOKEN, .viewers_max = 30};

static struct web *open_page(void)
{
    struct web_params p = {.config = &config, .stats = &stats, .show = &show, .version = "0", .model = "m"};
    struct error e = {""};
    struct web *w;
    atomic_store(&turn, 1);
    atomic_store(&frame, 1);
    if (web_open(&w, &p, &e) < 0)
        fail_msg("%s", e.text);
    return w;
}

static int port_of(const struct web *w)
{
    char address[WEB_ADDRESS_BYTES];
    int port = 0;
    web_address(w, address);
    assert_int_equal(sscanf(address, "http://127.0.0.1:%d/", &port), 1);
    return port;
}

static int dial(int port, const char *request)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 10};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    return fd;
}

/* Reads until the answer holds `text`. */
static void expect(int fd, const char *text)
{
    static _Thread_local char answer[ANSWER_BYTES];
    size_t n = 0;
    while (n + 1 < sizeof answer) {
        ssize_t got = read(fd, answer + n, sizeof answer - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        answer[n] = '\0';
        if (strstr(answer, text))
            return;
    }
    answer[n] = '\0';
    fail_msg("no \"%s\" in \"%.300s\"", text, answer);
}

static void ask(int port, const char *path, const char *text)
{
    char request[256];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer " TOKEN "\r\n\r\n", path, port);
    int fd = dial(port, request);
    expect(fd, text);
    close(fd);
}

/* Asks until the answer holds the text. */
static bool comes(int port, const char *path, const char *text)
{
    char request[256], answer[ANSWER_BYTES];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n",
             path, port);
    for (int i = 0; i < 200; i++) {
        size_t n = 0;
        int fd = dial(port, request);
        for (ssize_t got; n + 1 < sizeof answer && (got = read(fd, answer + n, sizeof answer - 1 - n)) > 0;)
            n += (size_t)got;
        answer[n] = '\0';
        close(fd);
        if (strstr(answer, text))
            return true;
        usleep(50000);
    }
    return false;
}

static void test_alarms_and_history(void **state)
{
    (void)state;
    struct web *w = open_page();
    int port = port_of(w);
    for (int i = 1; i <= 12; i++) {
        char text[32];
        snprintf(text, sizeof text, "trouble %d <b>", i);
        web_alarm(w, "warn", text);
    }
    ask(port, "/api/status", "trouble 12 \\u003cb\\u003e");
    ask(port, "/events", "trouble 3 ");

    assert_true(comes(port, "/api/status", "\"text\":\"dream 1\""));
    usleep(400000); /* a small picture of it is taken */
    atomic_store(&frame, 2);
    atomic_store(&turn, 2);
    web_shown(w);
    assert_true(comes(port, "/api/history", "\"text\":\"dream 1\""));
    ask(port, "/history/1.jpg", "Content-Length: 1000");
    char address[WEB_ADDRESS_BYTES];
    web_operator_address(w, address);
    assert_string_equal(address, ""); /* the token was given: nobody needs to be shown it */
    web_close(&w);
    assert_null(w);
}

struct feeding {
    struct web *web;
    atomic_bool stop;
};

static void *feed(void *arg)
{
    struct feeding *f = arg;
    static const uint8_t fragment[5000];
    web_live_begin(f->web, (const uint8_t *)"head", 4, "video/mp4");
    for (int i = 0; !atomic_load(&f->stop); i++) {
        web_live_fragment(f->web, fragment, sizeof fragment, i % 20 == 0, i / 10.0);
        atomic_fetch_add(&frame, 1);
        if (i % 50 == 49)
            atomic_fetch_add(&turn, 1), web_shown(f->web);
        if (i % 70 == 69)
            web_alarm(f->web, "error", "again");
        usleep(2000);
    }
    return NULL;
}

static void test_everybody_connected(void **state)
{
    (void)state;
    static const char *const paths[] = {"/live.mp4", "/events", "/live.mjpg", "/frame.jpg", "/api/sta"};
    struct feeding f = {.web = open_page()};
    pthread_t feeder;
    int port = port_of(f.web), fds[CLIENTS];
    pthread_create(&feeder, NULL, feed, &f);
    ask(port, "/live.mp4", "head");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            char request[256];
            snprintf(request, sizeof request, "GET %s%s", paths[i % 5],
                     i % 5 == 4 ? "" : " HTTP/1.1\r\nHost: localhost:");
            if (i % 5 != 4)
                snprintf(request + strlen(request), sizeof request - strlen(request), "%d\r\n\r\n", port);
            fds[i] = dial(port, request);
        }
        for (int i = 0; i < CLIENTS; i++)
            if (i % 5 < 2)
                expect(fds[i], i % 5 ? "event: status" : "Transfer-Encoding: chunked");
        usleep(100000);
        for (int i = 0; i < CLIENTS && round < 2; i++)
            close(fds[i]);
    }
    ask(port, "/metrics", "reverie_page_viewers{kind=\"mp4\"}");
    atomic_store(&f.stop, true);
    pthread_join(feeder, NULL);
    int64_t began_us = clock_real_us();
    web_close(&f.web);
    assert_true(clock_real_us() - began_us < 3000000);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

static void test_seats(void **state)
{
    (void)state;
    struct web *w = open_page();
    int port = port_of(w), fds[30];
    char request[128];
    web_live_begin(w, (const uint8_t *)"head", 4, "video/mp4");
    web_live_fragment(w, (const uint8_t *)"body", 4, true, 0.1);
    snprintf(request, sizeof request, "GET /live.mp4 HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", port);
    for (int i = 0; i < 30; i++) {
        fds[i] = dial(port, request);
        expect(fds[i], "body");
    }
    ask(port, "/live.mp4", "503");
    close(fds[0]);
    for (int i = 0; i < 5; i++, usleep(20000)) /* that he has gone is seen when there is something to send */
        web_live_fragment(w, (const uint8_t *)"more", 4, false, 0.2);
    assert_true(comes(port, "/api/status", "\"viewers\":29"));
    ask(port, "/live.mp4", "head");
    for (int i = 1; i < 30; i++)
        close(fds[i]);
    web_close(&w);
}

static void test_port_taken(void **state)
{
    (void)state;
    struct web *w = open_page(), *second;
    struct error e = {""};
    struct web_config taken = config;
    taken.port = port_of(w);
    struct web_params p = {.config = &taken, .stats = &stats, .show = &show, .version = "0", .model = "m"};
    assert_int_equal(web_open(&second, &p, &e), -EADDRINUSE);
    assert_null(second);
    assert_non_null(strstr(e.text, "127.0.0.1"));
    struct web_config wrong = config;
    text_copy(wrong.bind, sizeof wrong.bind, "nowhere");
    p.config = &wrong;
    assert_int_equal(web_open(&second, &p, &e), -EINVAL);
    char text[512];
    assert_int_equal(web_check(&taken, text, sizeof text, &e), 1);
    assert_non_null(strstr(text, "web.port"));
    assert_int_equal(web_check(&wrong, text, sizeof text, &e), -EINVAL);
    struct web_config open = {.bind = "0.0.0.0"};
    assert_int_equal(web_check(&open, text, sizeof text, &e), -EPERM);
    assert_non_null(strstr(e.text, "REVERIE_WEB_TOKEN"));
    web_close(&w);
    web_close(&w);
    assert_int_equal(web_check(&taken, text, sizeof text, &e), 0); /* free again, and left so */
    assert_int_equal(web_check(&taken, text, sizeof text, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alarms_and_history),
        cmocka_unit_test(test_everybody_connected),
        cmocka_unit_test(test_seats),
        cmocka_unit_test(test_port_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
