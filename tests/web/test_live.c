/*
 * The preview's ring: where a viewer begins, that he only ever skips forward, and when his answer ends.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "web/live.h"

enum { GROUP = 20 };

/* Fragments are their numbers in five digits; every 20th begins a group. */
static void add(struct live *l, int from, int count)
{
    char text[6];
    for (int i = from; i < from + count; i++) {
        snprintf(text, sizeof text, "%05d", i);
        live_add(l, (const uint8_t *)text, 5, i % GROUP == 0, (i + 1) / 10.0);
    }
}

static struct live *begin(void)
{
    struct live *l = live_new();
    live_begin(l, (const uint8_t *)"HEAD-", 5, "video/mp4");
    return l;
}

/* All that the viewer is given now; "" for nothing, NULL at the end. */
static const char *read_all(struct live_viewer *v, char out[1024])
{
    size_t n = 0;
    ssize_t got;
    while ((got = live_read(v, out + n, 7)) > 0) /* never whole fragments */
        n += (size_t)got;
    out[n] = '\0';
    return got < 0 && n == 0 ? NULL : out;
}

static void test_begins_at_newest_group(void **state)
{
    (void)state;
    char type[LIVE_TYPE_BYTES], text[1024];
    struct live *l = live_new();
    assert_null(live_join(l, type));
    live_begin(l, (const uint8_t *)"HEAD-", 5, "video/mp4");
    assert_null(live_join(l, type)); /* a header shows nothing */
    add(l, 0, 43);
    struct live_viewer *v = live_join(l, type);
    assert_string_equal(type, "video/mp4");
    assert_string_equal(read_all(v, text), "HEAD-000400004100042");
    assert_string_equal(read_all(v, text), "");
    add(l, 43, 1);
    assert_string_equal(read_all(v, text), "00043");
    live_leave(v);
    live_free(l);
}

static void test_skips_forward_only(void **state)
{
    (void)state;
    char type[LIVE_TYPE_BYTES], text[1024], part[8];
    struct live_state s;
    struct live *l = begin();
    add(l, 0, 3);
    struct live_viewer *v = live_join(l, type);
    assert_int_equal(live_read(v, part, 7), 7); /* the header, and two bytes of fragment 0 */
    add(l, 3, 30);                              /* 33 behind: over the limit, and a group is ahead */
    assert_string_equal(read_all(v, text),
                        "00000020000210002200023000240002500026000270002800029000300003100032");
    live_look(l, &s);
    assert_int_equal(s.skips, 1);
    add(l, 33, 6); /* behind, but not by much: nothing is left out */
    assert_string_equal(read_all(v, text), "000330003400035000360003700038");
    live_leave(v);
    live_free(l);
}

static void test_never_goes_back(void **state)
{
    (void)state;
    char type[LIVE_TYPE_BYTES], text[1024];
    struct live *l = begin();
    add(l, 0, 1);
    struct live_viewer *v = live_join(l, type);
    int last = -1;
    for (int i = 1; i < 2000; i += 1 + i % 37) {
        add(l, i, 1 + i % 37);
        if (i % 3 == 0)
            continue; /* he sleeps */
        const char *p = read_all(v, text);
        p += strncmp(p, "HEAD-", 5) == 0 ? 5 : 0;
        for (int number; sscanf(p, "%5d", &number) == 1; p += 5) {
            assert_true(number > last);
            assert_true(number == last + 1 || number % GROUP == 0);
            last = number;
        }
    }
    assert_true(last > 1900);
    live_leave(v);
    live_free(l);
}

static void test_new_header_ends(void **state)
{
    (void)state;
    char type[LIVE_TYPE_BYTES], text[1024];
    struct live *l = begin();
    add(l, 0, 2);
    struct live_viewer *v = live_join(l, type), *w;
    assert_string_equal(read_all(v, text), "HEAD-0000000001");
    live_begin(l, (const uint8_t *)"NEWH-", 5, "video/mp4; other");
    assert_null(live_join(l, type)); /* nothing of the new one yet */
    add(l, 100, 1);
    assert_null(read_all(v, text));
    w = live_join(l, type);
    assert_string_equal(type, "video/mp4; other");
    assert_string_equal(read_all(w, text), "NEWH-00100");
    live_leave(v);
    live_leave(w);
    live_free(l);
}

static void test_ring_without_a_group(void **state)
{
    (void)state;
    char type[LIVE_TYPE_BYTES], text[1024];
    struct live *l = begin();
    add(l, 0, 1);
    struct live_viewer *v = live_join(l, type);
    for (int i = 1; i < 200; i++)
        live_add(l, (const uint8_t *)"xxxxx", 5, false, 0);
    read_all(v, text);
    assert_null(read_all(v, text)); /* he cannot be helped: the page asks anew */
    assert_null(live_join(l, type));
    live_leave(v);
    live_free(l);
}

static void *write_many(void *arg)
{
    add(arg, 0, 3000);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    char type[LIVE_TYPE_BYTES], text[1024];
    struct live *l = begin();
    pthread_t writer;
    add(l, 0, 1);
    struct live_viewer *v[4];
    for (int i = 0; i < 4; i++)
        v[i] = live_join(l, type);
    pthread_create(&writer, NULL, write_many, l);
    for (int round = 0; round < 2000; round++)
        live_read(v[round % 4], text, 1 + (size_t)round % 100);
    pthread_join(writer, NULL);
    struct live_state s;
    live_look(l, &s);
    assert_int_equal(s.viewers, 4);
    for (int i = 0; i < 4; i++)
        live_leave(v[i]);
    live_look(l, &s);
    assert_int_equal(s.viewers, 0);
    live_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_at_newest_group), cmocka_unit_test(test_skips_forward_only),
        cmocka_unit_test(test_never_goes_back),        cmocka_unit_test(test_new_header_ends),
        cmocka_unit_test(test_ring_without_a_group),   cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
