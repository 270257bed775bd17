/*
 * !mine: what one is told of one's own wishes, and what moderators take from that.
 */
#include "tests/chatbot/scene.h"

#include <stdlib.h>

#include "show/credits.h"

static struct credits *book;

static const struct chatbot_manners manners = {.prefix = "!", .ignore = "", .words_link = "", .reward = ""};

static void on_removed(void *context, const char *login, const char *message_id)
{
    struct credit *gone = calloc(CREDITS_MAX, sizeof *gone);
    credits_remove(context, login, message_id, gone);
    free(gone);
}

static int set_up(void **state)
{
    set_up_scene(state);
    open_scene("mybot", &manners);
    book = credits_open("20261128-004451");
    chatbot_set_credits(s.bot, book);
    requests_on_removed(s.requests, on_removed, book);
    return 0;
}

static int tear_down(void **state)
{
    int rc = close_scene(state);
    credits_close(&book);
    return rc;
}

static const char *says(const char *user, unsigned roles, const char *text)
{
    struct chat_line line = {
        .origin = CHAT_IRC, .user = user, .roles = roles, .text = text, .bytes = strlen(text)};
    chatbot_ask(s.bot, &line, 11, s.reply, &s.outcome);
    return s.reply;
}

/* The wish that waits comes on, and to the screen. */
static struct request turn(double now_s)
{
    struct request now;
    requests_skip(s.requests);
    assert_true(requests_turn(s.requests, now_s, &now));
    credits_shown(book, &now, 1000, now_s);
    return now;
}

static void numbers_are_told(void **state)
{
    (void)state;
    char expected[256];
    assert_non_null(strstr(says("ann", 0, "!mine"), "nothing of yours yet"));
    turn(1);
    says("ann", 0, "!dream goldfish + pizza");
    long long first = s.outcome.request.id;
    snprintf(expected, sizeof expected, "@ann Yours: number %lld, goldfish + pizza, which waits still.",
             first);
    assert_string_equal(says("ann", 0, "!mine"), expected);
    turn(100);
    credits_seen(book, first, 0.834);
    says("ann", 0, "!dream lion");
    snprintf(
        expected, sizeof expected,
        "@ann Yours: number %lld, lion, which waits still; number %lld, goldfish + pizza, which I saw with 83 %% "
        "certainty.",
        (long long)s.outcome.request.id, first);
    assert_string_equal(says("ann", 0, "!mine"), expected);
    assert_int_equal(s.outcome.kept_id, 0); /* nothing of it is in the gallery */
    assert_true(credits_keep(book, first, 1000, 0));
    says("ann", 0, "!mine");
    assert_int_equal(s.outcome.kept_id, first);
    assert_string_equal(s.outcome.run, "20261128-004451");
    assert_false(s.outcome.has_loop);
    long long second = turn(200).id; /* on the screen, without a picture yet: the one before has one still */
    assert_true(second != first);
    says("ann", 0, "!mine");
    assert_int_equal(s.outcome.kept_id, first);
    assert_true(credits_keep(book, second, 1000, 2000));
    says("ann", 0, "!mine");
    assert_int_equal(s.outcome.kept_id, second);
    assert_true(s.outcome.has_loop);
    assert_non_null(strstr(says("bob", 0, "!mine"), "nothing of yours yet"));
}

static void who_is_banned_is_forgotten(void **state)
{
    (void)state;
    turn(1);
    says("ann", 0, "!dream goldfish");
    turn(100);
    says("bob", 0, "!dream lion");
    turn(200);
    assert_non_null(strstr(says("ann", 0, "!mine"), "number"));
    says("mod", CHAT_MODERATOR, "!ban ann");
    struct credit list[4];
    assert_int_equal(credits_of(book, "ann", list, 4), 0);
    assert_int_equal(credits_of(book, "bob", list, 4), 1);
    assert_string_equal(says("ann", 0, "!mine"), "");
    chatbot_clear_user(s.bot, "bob"); /* the channel's moderators */
    assert_int_equal(credits_list(book, list, 4), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(numbers_are_told), TEST(who_is_banned_is_forgotten)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
