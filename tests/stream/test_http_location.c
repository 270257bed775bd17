/*
 * What a redirect's Location means, and where a server leads that a thread plays.
 */
#include <arpa/inet.h>
#include <errno.h>
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

#include <libavutil/error.h>

#include "common/mem.h"
#include "common/thread.h"
#include "stream/http_location.h"

struct server {
    int fd, port;
    const char *answer;
    char asked[2048];
    struct thread thread;
};

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->fd, NULL, NULL);
    ssize_t n = read(fd, s->asked, sizeof s->asked - 1);
    s->asked[n > 0 ? n : 0] = '\0';
    for (const char *p = s->answer; *p; p += n > 0 ? n : 1)
        if ((n = send(fd, p, strlen(p) > 1000 ? 1000 : strlen(p), MSG_NOSIGNAL)) < 0)
            break;
    close(fd);
    return NULL;
}

static int never(void *context)
{
    (void)context;
    return 0;
}

/* What the answer leads to, in *location. */
static int ask(const char *answer, const char *user, struct server *s, char **location)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    const AVIOInterruptCB stop = {never, NULL};
    *s = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .answer = answer};
    assert_true(bind(s->fd, (struct sockaddr *)&a, size) == 0 && listen(s->fd, 1) == 0);
    getsockname(s->fd, (struct sockaddr *)&a, &size);
    assert_int_equal(thread_start(&s->thread, "server", serve, s), 0);
    char *url = xasprintf("http://%s127.0.0.1:%d/dir/radio?x=/1", user, ntohs(a.sin_port));
    int rc = http_location(url, &stop, NULL, location);
    thread_join(&s->thread);
    close(s->fd);
    free(url);
    return rc;
}

/* %d is the server's port. */
static void locations_are_made_whole(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://b.org/z", "https://b.org/z"},
        {"//b.org/z", "http://b.org/z"},
        {"/z?k=1", "http://127.0.0.1:%d/z?k=1"},
        {"z.mp3", "http://127.0.0.1:%d/dir/z.mp3"},
        {"z?u=http://b.org/", "http://127.0.0.1:%d/dir/z?u=http://b.org/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct server s;
        char *answer = xasprintf("HTTP/1.1 307 Go\r\nLocation: %s\r\n\r\n", cases[i][0]), *to, *colon;
        assert_int_equal(ask(answer, "u:p@", &s, &to), 0);
        int port = (colon = strstr(to, "127.0.0.1:")) ? atoi(colon + 10) : 0;
        if (colon)
            assert_true(port > 0);
        const char *mark = strstr(cases[i][1], "%d");
        char *wanted = mark ? xasprintf("%.*s%d%s", (int)(mark - cases[i][1]), cases[i][1], port, mark + 2)
                            : xstrdup(cases[i][1]);
        assert_string_equal(to, wanted);
        free(wanted);
        free(answer);
        free(to);
    }
}

static void answers(void **state)
{
    (void)state;
    struct server s;
    char *to, *endless = xmalloc(40001);
    assert_int_equal(ask("HTTP/1.1 302 Found\r\nA: b\r\nlocation:  http://b.org/x \r\n\r\n", "", &s, &to), 0);
    assert_string_equal(to, "http://b.org/x");
    assert_non_null(strstr(s.asked, "GET /dir/radio?x=/1 HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_null(strstr(s.asked, "Authorization"));
    free(to);
    assert_int_equal(ask("HTTP/1.0 301 Moved\nLocation: /y\n\n", "me:pw@", &s, &to), 0);
    assert_non_null(strstr(to, "/y"));
    assert_null(strstr(to, "pw"));
    assert_non_null(strstr(s.asked, "Authorization: Basic bWU6cHc=\r\n"));
    free(to);
    assert_int_equal(ask("HTTP/1.1 200 OK\r\nLocation: /y\r\n\r\n", "", &s, &to), -ENOENT);
    assert_int_equal(ask("HTTP/1.1 302 Found\r\n\r\nLocation: /y\r\n", "", &s, &to), -ENOENT);
    assert_int_equal(ask("ICY 200 OK\r\n\r\n", "", &s, &to), -ENOENT);
    assert_true(ask("HTTP/1.1 302", "", &s, &to) < 0);
    assert_null(to);
    memset(endless, 'x', 40000);
    endless[40000] = '\0';
    assert_int_equal(ask(endless, "", &s, &to), -ENOENT);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locations_are_made_whole),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
