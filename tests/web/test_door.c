/*
 * The door: private from its first moment, at any depth, in place of what a crash left; a web server behind it that
 * takes who comes by it for the operator, with and without a port.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "web/door.h"
#include "web/http.h"

static char folder[256];

static int make_folder(void **state)
{
    (void)state;
    char base[] = "/tmp/reverie-door-XXXXXX";
    if (!mkdtemp(base))
        return -1;
    snprintf(folder, sizeof folder, "%s/%0120d", base, 0); /* a socket's own path would not hold it */
    return mkdir(folder, 0700);
}

static int remove_folder(void **state)
{
    (void)state;
    int rc = rmdir(folder); /* and so the socket is gone */
    folder[strlen(folder) - 121] = '\0';
    return rc | rmdir(folder);
}

static void test_only_the_owner_opens_it(void **state)
{
    (void)state;
    struct error e = {""};
    struct stat st;
    char path[300];
    mode_t mask = umask(0);
    int fd = door_open(folder, &e);
    umask(mask);
    assert_true(fd >= 0);
    snprintf(path, sizeof path, "%s/" DOOR_NAME, folder);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    int guest = door_knock(folder, 1, &e);
    assert_true(guest >= 0);
    close(guest);
    close(fd); /* as a crash does: the socket stays */
    assert_int_equal(door_knock(folder, 1, &e), -ECONNREFUSED);
    fd = door_open(folder, &e);
    assert_true(fd >= 0);
    door_close(folder, fd);
    assert_int_equal(door_knock(folder, 1, &e), -ENOENT);
    assert_int_equal(door_open("/nonexistent", &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nonexistent"));
}

static bool say_who(void *context, struct http_request *r, struct http_answer *a)
{
    (void)context;
    a->status = 200;
    a->body = r->by_door ? "by door" : "by port";
    a->body_bytes = 7;
    return true;
}

static void test_a_server_without_a_port(void **state)
{
    (void)state;
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct http_params p = {.no_port = true, .folder = folder, .handler = say_who};
    struct error e = {""};
    struct http *h;
    for (int port = 0; port < 2; port++, p.no_port = false, p.bind = "127.0.0.1") {
        assert_int_equal(http_open(&h, &p, &e), 0);
        assert_true(port ? http_port(h) > 0 : http_port(h) < 0);
        for (int i = 0; i < 3; i++) {
            char answer[2048] = "";
            int fd = door_knock(folder, 10, &e);
            assert_true(fd >= 0);
            assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
            for (ssize_t n = 1, at = 0; n > 0; at += n)
                n = read(fd, answer + at, sizeof answer - 1 - (size_t)at);
            close(fd);
            assert_non_null(strstr(answer, "by door"));
        }
        http_close(&h);
    }
    p = (struct http_params){.no_port = true, .folder = "/nonexistent", .handler = say_who};
    assert_int_equal(http_open(&h, &p, &e), -ENOENT);
    assert_null(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_owner_opens_it),
        cmocka_unit_test(test_a_server_without_a_port),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
