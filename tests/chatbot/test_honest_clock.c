/*
 * What the chat is promised ("on your screen in about 24 s") against when it comes: a show on a simulated clock, with a
 * dream whose pictures take unequal times, a platform nobody knows the delay of, and a crowd.
 */
#include "tests/chatbot/scene.h"

#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "show/way.h"

enum { WARM_UP = 20, ASKED = 100, CHANGES_MAX = 1000 };

static const struct chatbot_manners manners = {.prefix = "!", .ignore = "", .words_link = "", .reward = ""};
static const double PLATFORM_S = 7.3;

static struct {
    struct way *way;
    struct rng rng;
    double now_s;
    double
        promised_s[WARM_UP + ASKED + 1]; /* by the wish's number: when it is to be on the viewers' screens */
    double seen_s[WARM_UP + ASKED + 1];  /* and when it was */
    int asked;
    /* the picture that is on its way to the pixels */
    int64_t coming;
    char caption[256];
    double shown_at_s;
    /* viewers who will say !seen */
    double tell_at_s[3];
} show;

static double any(double least, double most)
{
    return least + (most - least) * (double)rng_uniform(&show.rng);
}

static void say(const char *user, const char *text)
{
    struct chat_line line = {.origin = CHAT_IRC, .user = user, .text = text, .bytes = strlen(text)};
    chatbot_ask(s.bot, &line, show.now_s, s.reply, &s.outcome);
}

/* Somebody who has asked for nothing yet wishes for something that is not on. */
static void ask(void)
{
    char user[32], text[128];
    snprintf(user, sizeof user, "viewer%d", show.asked);
    snprintf(text, sizeof text, "!dream %s", synset_table[(show.asked * 37 + 5) % SYNSET_COUNT].wnid);
    struct request q = {.count = 1, .synset = {(show.asked * 37 + 5) % SYNSET_COUNT}};
    request_label(&q, text + 7, sizeof text - 7);
    say(user, text);
    if (s.outcome.result != CHAT_TAKEN)
        return;
    show.asked++;
    show.promised_s[s.outcome.request.id] = show.now_s + s.outcome.on_screen_s;
}

/* The picture of a turn is dreamed, blended in, encoded, and is then seen by three who watch for it. */
static void come_to_pixels(void)
{
    if (show.coming < 0 || show.now_s < show.shown_at_s)
        return;
    way_shown(show.way, show.coming, show.caption, show.shown_at_s);
    double there_s = show.shown_at_s + PLATFORM_S + any(-0.2, 0.2);
    if (show.coming > 0)
        show.seen_s[show.coming] = there_s;
    for (int i = 0; i < 3; i++)
        show.tell_at_s[i] = there_s + any(0.1, 0.6);
    show.coming = -1;
}

static void tell_seen(void)
{
    static const char *const users[] = {"ann", "bob", "cid"};
    for (int i = 0; i < 3; i++)
        if (show.tell_at_s[i] > 0 && show.now_s >= show.tell_at_s[i]) {
            say(users[i], "!seen");
            assert_string_equal(s.reply, "");
            show.tell_at_s[i] = 0;
        }
}

static void turn(double picture_s)
{
    struct request q;
    if (!requests_turn(s.requests, show.now_s, &q))
        return;
    request_caption(&q, show.caption, sizeof show.caption);
    show.coming = q.id;
    show.shown_at_s = show.now_s + picture_s + any(0.2, 0.6); /* dreamed; and half of the blend */
    way_turned(show.way, q.id, show.caption, show.now_s);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void promises_are_kept(void **state)
{
    (void)state;
    s.config.hold_s = 20;
    open_scene("mybot", &manners);
    show.way = way_open(0, 3);
    chatbot_set_way(s.bot, show.way);
    show.rng = rng_make(5, 1);
    show.coming = -1;
    double next_ask_s = 5, next_picture_s = 0;
    for (; show.asked < WARM_UP + ASKED || show.seen_s[WARM_UP + ASKED] <= 0; show.now_s += 0.02) {
        assert_true(show.now_s < 100000);
        come_to_pixels();
        tell_seen();
        if (show.now_s >= next_picture_s) {
            double picture_s = any(0.4, 1.8);
            turn(picture_s);
            next_picture_s = show.now_s + picture_s;
        }
        if (show.asked < WARM_UP + ASKED && show.now_s >= next_ask_s) {
            int waiting = requests_list(s.requests, NULL, NULL, 0);
            ask();
            next_ask_s = show.now_s + any(2, waiting > 4 ? 80 : 36);
        }
    }
    double errors[ASKED], worst = 0;
    for (int i = 0; i < ASKED; i++) {
        errors[i] = fabs(show.seen_s[WARM_UP + 1 + i] - show.promised_s[WARM_UP + 1 + i]);
        worst = fmax(worst, errors[i]);
    }
    qsort(errors, ASKED, sizeof *errors, ascending);
    print_message(
        "promise against change: median %.2f s, p95 %.2f s, worst %.2f s; platform %.2f s, learned %.2f s\n",
        errors[ASKED / 2], errors[ASKED * 95 / 100], worst, PLATFORM_S, way_platform_s(show.way));
    assert_true(errors[ASKED / 2] <= 1);
    assert_true(errors[ASKED * 95 / 100] <= 3);
    assert_true(fabs(way_platform_s(show.way) - PLATFORM_S) < 0.8);
}

/* Who sits at the machine, or at its page, sees it as soon as it is drawn. */
static void only_the_stream_is_late(void **state)
{
    (void)state;
    open_scene("mybot", &manners);
    show.way = way_open(7, 2);
    chatbot_set_way(s.bot, show.way);
    show.now_s = 1;
    say("ann", "!dream goldfish");
    assert_float_equal(s.outcome.on_screen_s, 9, 0.01);
    assert_non_null(strstr(s.reply, "on your screen in about 9 s"));
    struct chat_line line = {.origin = CHAT_PAGE, .user = "page:1", .text = "lion", .bytes = 4};
    struct request now;
    requests_turn(s.requests, 1, &now);
    chatbot_ask(s.bot, &line, 1, s.reply, &s.outcome);
    assert_float_equal(s.outcome.on_screen_s, 60 + 2, 0.01);
}

static int tear_down(void **state)
{
    int rc = close_scene(state);
    way_close(&show.way);
    memset(&show, 0, sizeof show);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(promises_are_kept, set_up_scene, tear_down),
        cmocka_unit_test_setup_teardown(only_the_stream_is_late, set_up_scene, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
