/*
 * The tug of war in the chat: what counts as a vote, whom it is answered, and what moderators may do.
 */
#include "tests/chatbot/scene.h"

#include "show/tug.h"

static struct tug *tug;

static const struct chatbot_manners manners = {.prefix = "!", .ignore = "", .words_link = "", .reward = ""};

static int set_up(void **state)
{
    return set_up_scene(state);
}

static int tear_down(void **state)
{
    int rc = close_scene(state);
    tug_close(&tug);
    return rc;
}

/* "goldfish + pizza" is on. */
static void open_tug(const char *wish)
{
    struct request now;
    open_scene("mybot", &manners);
    tug = tug_open(&s.config, 0.5);
    chatbot_set_tug(s.bot, tug);
    struct chat_line line = {
        .origin = CHAT_TERMINAL, .user = "operator", .text = wish, .bytes = strlen(wish)};
    chatbot_line(s.bot, &line, 10, s.reply);
    assert_true(requests_turn(s.requests, 10, &now));
    tug_turn(tug, &now, false, 10);
}

static const char *say_as(enum chat_origin origin, const char *user, unsigned roles, const char *text)
{
    struct chat_line line = {
        .origin = origin, .user = user, .roles = roles, .text = text, .bytes = strlen(text)};
    chatbot_ask(s.bot, &line, 11, s.reply, &s.outcome);
    return s.reply;
}

static const char *says(const char *user, const char *text)
{
    return say_as(CHAT_IRC, user, 0, text);
}

static void expect(int upper, int lower)
{
    struct tug_view v;
    tug_look(tug, &v);
    if (v.votes[0] != upper || v.votes[1] != lower)
        fail_msg("%d to %d instead of %d to %d", v.votes[0], v.votes[1], upper, lower);
}

static int waiting(void)
{
    return requests_list(s.requests, NULL, NULL, 0);
}

static void votes_are_silent_in_a_channel(void **state)
{
    (void)state;
    open_tug("goldfish + pizza");
    static const char *const upper[] = {"!1",        "1",       "goldfish", "!goldfish", "mybot: goldfish",
                                        "Goldfish!", "@mybot 1"};
    static const char *const lower[] = {"!2", "2", "pizza", "pizza pie", "!pizza", "\xf0\x9f\x8d\x95"};
    char user[8];
    for (size_t i = 0; i < sizeof upper / sizeof *upper; i++) {
        snprintf(user, sizeof user, "u%zu", i);
        assert_string_equal(says(user, upper[i]), "");
        assert_int_equal(s.outcome.result, CHAT_SAID);
        expect((int)i + 1, 0);
    }
    for (size_t i = 0; i < sizeof lower / sizeof *lower; i++) {
        snprintf(user, sizeof user, "l%zu", i);
        assert_string_equal(says(user, lower[i]), "");
        expect(sizeof upper / sizeof *upper, (int)i + 1);
    }
    says("u0", "!2"); /* a viewer has one vote */
    expect(sizeof upper / sizeof *upper - 1, sizeof lower / sizeof *lower + 1);
    assert_int_equal(waiting(), 0);
}

static void other_lines_are_what_they_were(void **state)
{
    (void)state;
    open_tug("goldfish + pizza");
    static const char *const wishes[] = {"!dream pizza",      "lion",
                                         "pizza + lion",      "!dream 3*pizza",
                                         "!dream pizza left", "!dream pizza > goldfish"};
    char user[8];
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        snprintf(user, sizeof user, "u%zu", i);
        says(user, wishes[i]);
        if (s.outcome.result != CHAT_TAKEN)
            fail_msg("%s: %s", wishes[i], s.reply);
    }
    static const char *const talk[] = {"3", "12", "1 2", "!3", "I like pizza", "1)", "pizzza", "!12"};
    for (size_t i = 0; i < sizeof talk / sizeof *talk; i++)
        says("tom", talk[i]);
    expect(0, 0);
    say_as(CHAT_PAGE, "page:1", 0, "pizza"); /* the page has buttons; typed there it is a wish */
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    expect(0, 0);
    assert_non_null(strstr(say_as(CHAT_PAGE, "page:1", 0, "!2"), "pizza 1"));
    expect(0, 1);
}

/* "dog" is both of them: nobody knows which. */
static void a_kind_counts_where_it_means_one(void **state)
{
    (void)state;
    open_tug("beagle + goldfish");
    says("ann", "dog");
    expect(1, 0);
    tear_down(NULL);
    set_up(NULL);
    open_tug("beagle + pug");
    says("ann", "dog");
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    expect(0, 0);
}

static void nothing_to_pull_at(void **state)
{
    (void)state;
    open_tug("goldfish");
    assert_string_equal(says("ann", "!1"), "");
    assert_string_equal(says("ann", "1"), "");
    assert_non_null(strstr(say_as(CHAT_PAGE, "page:1", 0, "!1"), "nothing to pull at"));
    assert_non_null(strstr(says("ann", "!tug"), "wish for two things"));
    says("ann", "goldfish");
    assert_int_equal(s.outcome.result, CHAT_ALREADY);
    expect(0, 0);
    chatbot_set_tug(s.bot, NULL); /* a bot without: nothing falls over */
    assert_string_equal(says("ann", "!1"), "");
    assert_non_null(strstr(say_as(CHAT_PAGE, "page:1", CHAT_MODERATOR, "!tug off"), "Nobody pulls"));
}

static void moderators_take_the_rope(void **state)
{
    (void)state;
    open_tug("goldfish + pizza");
    says("ann", "!1");
    assert_non_null(strstr(says("ann", "!tug"), "goldfish 1, pizza 0"));
    assert_non_null(strstr(says("ann", "!tug off"), "moderators'"));
    expect(1, 0);
    assert_non_null(strstr(say_as(CHAT_IRC, "mo", CHAT_MODERATOR, "!tug off"), "taken the rope away"));
    expect(0, 0);
    says("ann", "!1");
    expect(0, 0);
    assert_non_null(strstr(says("ann", "!tug"), "taken the rope away"));
    assert_non_null(strstr(say_as(CHAT_PAGE, "page:1", 0, "!1"), "taken the rope away"));
    says("bea", "pizza"); /* a wish again */
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    assert_non_null(strstr(say_as(CHAT_IRC, "mo", CHAT_MODERATOR, "!tug maybe"), "Say it like this"));
    say_as(CHAT_IRC, "mo", CHAT_MODERATOR, "!tug on");
    says("ann", "!1");
    expect(1, 0);
}

/* Whoever is banned, or timed out by the channel, pulls no more; nor does what they have pulled. */
static void the_banned_do_not_pull(void **state)
{
    (void)state;
    open_tug("goldfish + pizza");
    struct chat_line line = {.origin = CHAT_IRC, .user = "troll", .user_id = "77", .text = "!1", .bytes = 2};
    chatbot_line(s.bot, &line, 11, s.reply);
    says("bob", "!2");
    expect(1, 1);
    say_as(CHAT_IRC, "mo", CHAT_MODERATOR, "!ban troll");
    expect(0, 1);
    chatbot_line(s.bot, &line, 11, s.reply);
    expect(0, 1);
    line.user = "troll2"; /* another name, the same viewer */
    chatbot_line(s.bot, &line, 11, s.reply);
    expect(0, 1);
    chatbot_clear_user(s.bot, "bob");
    expect(0, 0);
    says("ann", "1");
    says("bea", "2");
    chatbot_clear_user(s.bot, NULL); /* all of the chat was cleared */
    expect(0, 0);
}

static void a_winner_is_told(void **state)
{
    (void)state;
    open_tug("goldfish + pizza");
    char text[CHAT_REPLY_BYTES];
    chatbot_won(s.bot, 1, 7, 2);
    assert_true(chatbot_notice(s.bot, text));
    assert_non_null(strstr(text, "goldfish wins, 7 to 2"));
    assert_false(chatbot_notice(s.bot, text));
    struct chatbot_manners quiet = manners;
    quiet.replies = CHAT_REPLIES_NONE;
    chatbot_set_manners(s.bot, &quiet);
    chatbot_won(s.bot, 1, 7, 2);
    assert_false(chatbot_notice(s.bot, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(votes_are_silent_in_a_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_lines_are_what_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kind_counts_where_it_means_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_pull_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moderators_take_the_rope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_banned_do_not_pull, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_winner_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
