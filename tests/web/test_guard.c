/*
 * Who may come in: Host, bearer, and where a POST comes from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "web/guard.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define CSRF  "fedcba9876543210fedcba9876543210"

static const struct guard local = {.port = 8080, .hosts = "", .token = TOKEN, .csrf = CSRF};

static void test_hosts(void **state)
{
    (void)state;
    static const char *const ours[] = {"127.0.0.1:8080", "localhost:8080", "LocalHost:8080", "[::1]:8080"};
    static const char *const foreign[] = {"",
                                          "127.0.0.1",
                                          "127.0.0.1:80",
                                          "127.0.0.1:8080:8080",
                                          "127.0.0.1:",
                                          "127.0.0.1:8080 ",
                                          " 127.0.0.1:8080",
                                          "127.0.0.1.evil.example:8080",
                                          "evil.example:8080",
                                          "localhost.:8080",
                                          "0127.0.0.1:8080",
                                          "[::1",
                                          "[::1]x:8080",
                                          "::1:8080",
                                          ":8080",
                                          "user@127.0.0.1:8080",
                                          "127.0.0.1:8080/",
                                          "192.168.1.2:8080",
                                          "127.0.0.1:08080000"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        assert_true(guard_knows_host(&local, ours[i]));
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        if (guard_knows_host(&local, foreign[i]))
            fail_msg("%s is let in", foreign[i]);
    assert_false(guard_knows_host(&local, NULL));
    char large[5000];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_false(guard_knows_host(&local, large));
}

static void test_more_hosts(void **state)
{
    (void)state;
    struct guard g = local;
    g.hosts = "dream.example.org, other.example:8443";
    assert_true(guard_knows_host(&g, "dream.example.org"));
    assert_true(guard_knows_host(&g, "DREAM.example.org:443"));
    assert_true(guard_knows_host(&g, "other.example:8443"));
    assert_false(guard_knows_host(&g, "other.example"));
    assert_false(guard_knows_host(&g, "example.org"));
    assert_false(guard_knows_host(&g, "192.168.1.2:8080"));
    g.any_address = true;
    assert_true(guard_knows_host(&g, "192.168.1.2:8080"));
    assert_true(guard_knows_host(&g, "[fe80::1]:8080"));
    assert_false(guard_knows_host(&g, "192.168.1.2:81"));
    assert_false(guard_knows_host(&g, "printer:8080"));
    g.port = 80;
    assert_true(guard_knows_host(&g, "127.0.0.1"));
}

static void test_bearer(void **state)
{
    (void)state;
    struct http_request r = {0};
    assert_int_equal(guard_bearer(&local, &r), GUARD_NONE);
    static const char *const wrong[] = {"",
                                        "Bearer",
                                        "Bearer ",
                                        "Basic " TOKEN,
                                        "Bearer x",
                                        "Bearer " TOKEN "0",
                                        TOKEN,
                                        "Bearer  " TOKEN,
                                        "Bearer 0123456789abcdef"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        r.header[HTTP_AUTHORIZATION] = wrong[i];
        assert_int_equal(guard_bearer(&local, &r), GUARD_WRONG);
    }
    r.header[HTTP_AUTHORIZATION] = "bearer " TOKEN;
    assert_int_equal(guard_bearer(&local, &r), GUARD_OPERATOR);
    struct guard without = local;
    without.token = "";
    r.header[HTTP_AUTHORIZATION] = "Bearer ";
    assert_int_equal(guard_bearer(&without, &r), GUARD_WRONG);
}

/* The status with which a POST is refused; 0: it is not. */
static int refused(const struct http_request *r, enum guard_bearer bearer)
{
    int status;
    return guard_refuses_post(&local, r, bearer, &status) ? status : 0;
}

static void test_posts(void **state)
{
    (void)state;
    const struct http_request own = {.header = {[HTTP_HOST] = "127.0.0.1:8080",
                                                [HTTP_ORIGIN] = "http://127.0.0.1:8080",
                                                [HTTP_CONTENT_TYPE] = "application/json; charset=utf-8",
                                                [HTTP_CSRF] = CSRF}};
    static const struct {
        enum http_header header;
        const char *value;
        int status;
    } changes[] = {
        {HTTP_ORIGIN, NULL, 403},
        {HTTP_ORIGIN, "null", 403},
        {HTTP_ORIGIN, "http://localhost:8080", 403},
        {HTTP_ORIGIN, "http://127.0.0.1:8081", 403},
        {HTTP_ORIGIN, "127.0.0.1:8080", 403},
        {HTTP_ORIGIN, "https://127.0.0.1:8080", 0}, /* a proxy speaks TLS for us */
        {HTTP_FETCH_SITE, "cross-site", 403},
        {HTTP_FETCH_SITE, "same-origin", 0},
        {HTTP_CSRF, NULL, 403},
        {HTTP_CSRF, "", 403},
        {HTTP_CSRF, TOKEN, 403},
        {HTTP_CONTENT_TYPE, NULL, 415},
        {HTTP_CONTENT_TYPE, "text/plain", 415},
        {HTTP_CONTENT_TYPE, "application/jsonx", 415},
    };
    assert_int_equal(refused(&own, GUARD_NONE), 0);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct http_request r = own;
        r.header[changes[i].header] = changes[i].value;
        assert_int_equal(refused(&r, GUARD_NONE), changes[i].status);
    }
    struct http_request program = {.header = {[HTTP_CONTENT_TYPE] = "application/json"}};
    assert_int_equal(refused(&program, GUARD_OPERATOR), 0);
    assert_int_equal(refused(&program, GUARD_NONE), 403);
    program.header[HTTP_FETCH_SITE] = "same-origin"; /* instead of an Origin */
    program.header[HTTP_CSRF] = CSRF;
    assert_int_equal(refused(&program, GUARD_NONE), 0);
}

static void test_tokens(void **state)
{
    (void)state;
    char a[GUARD_TOKEN_BYTES], b[GUARD_TOKEN_BYTES];
    assert_int_equal(guard_make_token(a), 0);
    assert_int_equal(guard_make_token(b), 0);
    assert_int_equal(strlen(a), 32);
    assert_string_not_equal(a, b);
    struct guard g = local;
    struct http_request r = {.header = {[HTTP_AUTHORIZATION] = "Bearer abab"}};
    g.token = "ab";
    assert_int_equal(guard_bearer(&g, &r), GUARD_WRONG); /* the secret over and over is not the secret */
    g.token = "abab";
    assert_int_equal(guard_bearer(&g, &r), GUARD_OPERATOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts), cmocka_unit_test(test_more_hosts), cmocka_unit_test(test_bearer),
        cmocka_unit_test(test_posts), cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
