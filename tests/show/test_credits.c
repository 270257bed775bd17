/*
 * The book of who dreamed what: what is written into it, what it forgets and what it lets go, and what a file may hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/credits.h"

#define RUN "20261128-004451"

static struct credits *book;
static struct credit list[CREDITS_MAX];

static int set_up(void **state)
{
    (void)state;
    book = credits_open(RUN);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    credits_close(&book);
    return 0;
}

static struct request wish(int64_t id, const char *user)
{
    struct request q = {.id = id, .count = 1};
    q.synset[0] = synsets_by_wnid("n01443537");
    q.manner[0].weight = 1;
    snprintf(q.user, sizeof q.user, "%s", user);
    snprintf(q.login, sizeof q.login, "%s", user);
    snprintf(q.message_id, sizeof q.message_id, "m%lld", (long long)id);
    return q;
}

static void show(int64_t id, const char *user, double now_s)
{
    struct request q = wish(id, user);
    credits_shown(book, &q, 1000000 + (int64_t)now_s, now_s);
}

static void each_wish_is_written_down_once(void **state)
{
    (void)state;
    show(7, "Ann", 10);
    credits_seen(book, 7, 0.4);
    credits_seen(book, 7, 0.83);
    credits_seen(book, 7, 0.5);
    credits_seen(book, 8, 0.9); /* of a picture that is not on the screen yet */
    show(7, "Ann", 40);         /* the second half of "frog > volcano" */
    credits_shown(book, NULL, 0, 70.5);
    credits_seen(book, 7, 0.99); /* the dream goes on, and it is nobody's */
    show(8, "bob", 100);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), 2);
    assert_int_equal(list[0].id, 7);
    assert_string_equal(list[0].run, RUN);
    assert_string_equal(list[0].text, "goldfish");
    assert_string_equal(list[0].by, "Ann");
    assert_int_equal(list[0].at_s, 1000010);
    assert_true(list[0].on_s > 60.4 && list[0].on_s < 60.6);
    assert_true(list[0].belief > 0.829 && list[0].belief < 0.831);
    assert_true(list[1].on_s == 0 && list[1].belief < 0);
    assert_int_equal(credits_of(book, "ANN", list, 5), 1);
    assert_int_equal(credits_of(book, "an", list, 5), 0);
    struct request nobody = wish(9, "");
    credits_shown(book, &nobody, 0, 120);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), 2);
}

static void whom_a_moderator_removes_is_gone(void **state)
{
    (void)state;
    struct credit *gone = calloc(CREDITS_MAX, sizeof *gone);
    for (int i = 1; i <= 6; i++)
        show(i, i % 2 ? "ann" : "bob", i);
    assert_true(credits_keep(book, 6, 100, 0));
    assert_int_equal(credits_remove(book, NULL, "m2", gone), 1);
    assert_int_equal(gone[0].id, 2);
    assert_int_equal(credits_remove(book, "aNN", NULL, gone), 3);
    assert_int_equal(gone[2].id, 5);
    assert_int_equal(credits_of(book, "ann", list, 5), 0);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), 2);
    credits_seen(book, 5, 0.9); /* what comes late finds nothing */
    assert_false(credits_keep(book, 5, 100, 100));
    char *lines = credits_print_lines(list, 2);
    assert_null(strstr(lines, "ann"));
    free(lines);
    assert_int_equal(credits_remove(book, NULL, NULL, gone), 2);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), 0);
    free(gone);
}

static void it_is_bounded(void **state)
{
    (void)state;
    for (int i = 1; i <= 3 * CREDITS_MAX; i++)
        show(i, "ann", i);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), CREDITS_MAX);
    assert_int_equal(list[0].id, 2 * CREDITS_MAX + 1);
    assert_int_equal(credits_list(book, list, 3), 3);
    assert_int_equal(list[2].id, 3 * CREDITS_MAX);
}

static int kept(void)
{
    int count = credits_list(book, list, CREDITS_MAX), files = 0;
    for (int i = 0; i < count; i++)
        files += list[i].still_bytes > 0;
    return files;
}

/* The oldest go first; the wishes of this show stay in the book without their files. */
static void the_gallery_is_trimmed(void **state)
{
    (void)state;
    for (int i = 1; i <= 4; i++)
        credits_restore(book, &(struct credit){.run = "20250101-000000",
                                               .id = i,
                                               .at_s = 1000 * i,
                                               .by = "x",
                                               .login = "x",
                                               .still_bytes = 100,
                                               .loop_bytes = 900});
    for (int i = 5; i <= 8; i++) {
        show(i, "ann", i);
        credits_keep(book, i, 100, 900);
    }
    const struct credits_limits none = {0, 0, 0}, six = {0, 6, 0}, bytes = {0, 0, 2500}, days = {1, 0, 0};
    assert_false(credits_trim(book, &none, 1000010));
    assert_true(credits_trim(book, &six, 1000010));
    assert_int_equal(kept(), 6);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), 6); /* of an earlier show the entry goes, too */
    assert_int_equal(list[0].id, 3);
    assert_true(credits_trim(book, &days, 1000010));
    assert_int_equal(kept(), 4);
    assert_true(credits_trim(book, &bytes, 1000010));
    assert_int_equal(kept(), 2);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), 4);
    assert_true(list[3].still_bytes > 0 && list[0].still_bytes == 0);
    assert_false(credits_trim(book, &bytes, 1000010));
}

static void restore(void *context, const struct credit *entry)
{
    credits_restore(context, entry);
}

static void what_is_written_can_be_read(void **state)
{
    (void)state;
    show(7, "ann", 10);
    credits_seen(book, 7, 0.5);
    credits_keep(book, 7, 100, 200);
    show(8, "b\"o<b", 30);
    int count = credits_list(book, list, CREDITS_MAX);
    char *text = credits_print_json(list, count, true), *open = credits_print_json(list, count, false);
    assert_non_null(strstr(text, "\"login\": \"ann\""));
    assert_null(strstr(open, "login"));
    struct credits *other = credits_open("20270101-000000");
    assert_int_equal(credits_parse(text, strlen(text), restore, other), 0);
    struct credit c;
    assert_true(credits_find(other, RUN, 7, &c));
    assert_true(c.still_bytes == 100 && c.loop_bytes == 200 && c.on_s == 20 && c.belief == 0.5);
    assert_string_equal(c.message_id, "m7");
    assert_true(credits_find(other, RUN, 8, &c));
    assert_string_equal(c.by, "b\"o<b");
    credits_close(&other);
    free(text);
    free(open);
    text = credits_print_lines(list, count);
    assert_string_equal(text, "   7  goldfish, dreamed by ann, 20 s, seen with 50 % certainty\n"
                              "   8  goldfish, dreamed by b\"o<b\n");
    free(text);
}

/* Names of files are made of run and id: nothing else than digits comes through. */
static void a_file_from_elsewhere_brings_nothing_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"dreamed\": 7}",
        "{\"dreamed\": [7, null, {}]}",
        "{\"dreamed\": [{\"run\": \"../../etc/passwd\", \"id\": 1, \"at\": 1, \"by\": \"a\", \"login\": \"a\"}]}",
        "{\"dreamed\": [{\"run\": \"20261128-00445/\", \"id\": 1, \"at\": 1, \"by\": \"a\", \"login\": \"a\"}]}",
        "{\"dreamed\": [{\"run\": \"20261128-004451\", \"id\": -1, \"at\": 1, \"by\": \"a\", \"login\": \"a\"}]}",
        "{\"dreamed\": [{\"run\": \"20261128-004451\", \"id\": 1, \"at\": 1, \"by\": \"\", \"login\": \"a\"}]}",
        "{\"dreamed\": [{\"run\": \"20261128-004451\", \"id\": 1, \"at\": 1, \"by\": \"a\", \"login\": \"a\", "
        "\"still_bytes\": -5}]}",
        "{\"dreamed\": [{\"run\": \"20261128-004451\", \"id\": 1, \"at\": -9223372036854775808, \"by\": \"a\", "
        "\"login\": \"a\", \"still_bytes\": 9}]}",
        "{\"dreamed\": [{\"run\": \"20261128-004451\", \"id\": 1, \"at\": 1, \"by\": \"a\", \"login\": \"a\", "
        "\"still_bytes\": 9223372036854775807, \"loop_bytes\": 9223372036854775807}]}",
        "{\"dreamed\": [{\"run\": \"20261128-004451\", \"id\": 1000000000000000, \"at\": 1, \"by\": \"a\", "
        "\"login\": \"a\"}]}",
        "{\"dreamed\": [{\"run\": \"20261128-004451\", \"id\": 1, \"at\": 1, \"by\": \"a\", \"login\": \"a\", "
        "\"on_s\": 1e308}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        credits_parse(bad[i], strlen(bad[i]), restore, book);
    assert_int_equal(credits_list(book, list, CREDITS_MAX), 0);
}

/* Where nobody keeps a book, nothing is asked of it. */
static void without_a_book(void **state)
{
    (void)state;
    credits_shown(NULL, NULL, 0, 0);
    credits_seen(NULL, 1, 1);
    assert_false(credits_keep(NULL, 1, 1, 1));
    assert_int_equal(credits_of(NULL, "ann", list, 1) + credits_list(NULL, list, 1), 0);
    assert_int_equal(credits_remove(NULL, NULL, NULL, list), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_wish_is_written_down_once),
        TEST(whom_a_moderator_removes_is_gone),
        TEST(it_is_bounded),
        TEST(the_gallery_is_trimmed),
        TEST(what_is_written_can_be_read),
        TEST(a_file_from_elsewhere_brings_nothing_bad),
        TEST(without_a_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
