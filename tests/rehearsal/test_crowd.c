/*
 * The crowd: the same seed gives the same lines; every kind comes within one pack; times never run backwards; what it wishes
 * for is known; what the bot makes of all of it is what the kind asks for.
 */
#include "rehearsal/crowd.h"

#include <stdlib.h>

#include "chatbot/irc/irc.h"
#include "common/mem.h"
#include "tests/chatbot/scene.h"

static const struct crowd_params busy = {.seed = 7, .lines_per_s = 1, .prefix = "!", .bot = "dreambot"};

static void the_same_seed_says_the_same(void **state)
{
    (void)state;
    struct crowd a, b, c;
    struct crowd_line x, y, z;
    struct crowd_params other = busy;
    other.seed = 8;
    int differ = 0;
    crowd_begin(&a, &busy);
    crowd_begin(&b, &busy);
    crowd_begin(&c, &other);
    for (int i = 0; i < 500; i++) {
        crowd_next(&a, &x);
        crowd_next(&b, &y);
        crowd_next(&c, &z);
        assert_memory_equal(&x.at_s, &y.at_s, sizeof x.at_s);
        assert_string_equal(x.text, y.text);
        assert_string_equal(x.user, y.user);
        differ += strcmp(x.text, z.text) != 0;
    }
    assert_true(differ > 400);
}

static void all_kinds_come_soon_and_in_order(void **state)
{
    (void)state;
    struct crowd c;
    struct crowd_line line;
    int count[CROWD_KINDS] = {0};
    double before_s = 0;
    crowd_begin(&c, &busy);
    do {
        crowd_next(&c, &line);
        assert_true(line.at_s >= before_s);
        assert_true(line.kind == CROWD_REMOVAL || line.text[0]);
        before_s = line.at_s;
        count[line.kind]++;
    } while (line.at_s < 36);
    for (int kind = 0; kind < CROWD_KINDS; kind++)
        if (count[kind] == 0)
            fail_msg("nobody said anything of the kind %s in %.0f s", crowd_kinds[kind], before_s);
}

/* One after the other before the real bot, with its default settings. */
static void hear(struct crowd_line *l, int *wishes, int *taken)
{
    struct chat_line line = {.origin = CHAT_IRC,
                             .user = l->user,
                             .roles = l->is_moderator ? CHAT_MODERATOR : 0,
                             .text = l->text,
                             .bytes = strlen(l->text)};
    chatbot_ask(s.bot, &line, l->at_s, s.reply, &s.outcome);
    if (crowd_wants_answer(l->kind) && !s.reply[0])
        fail_msg("\"%s\" (%s) got no answer", l->text, crowd_kinds[l->kind]);
    if (crowd_wants_silence(l->kind) && s.reply[0])
        fail_msg("\"%s\" (%s) got \"%s\"", l->text, crowd_kinds[l->kind], s.reply);
    if (strstr(s.reply, CROWD_MARK))
        fail_msg("\"%s\" comes back: \"%s\"", l->text, s.reply);
    *wishes += l->kind == CROWD_WISH;
    *taken += l->kind == CROWD_WISH && (s.outcome.result == CHAT_TAKEN || s.outcome.result == CHAT_ALREADY);
}

static void the_bot_makes_of_it_what_it_should(void **state)
{
    (void)state;
    struct crowd c;
    struct crowd_line line;
    int wishes = 0, taken = 0;
    crowd_begin(&c, &busy);
    for (int i = 0; i < 3000; i++) {
        crowd_next(&c, &line);
        if (line.kind == CROWD_REMOVAL)
            chatbot_clear_user(s.bot, line.user);
        else
            hear(&line, &wishes, &taken);
    }
    assert_true(wishes > 300);
    assert_true(taken > wishes * 9 / 10); /* the rest came while wishes were paused */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_says_the_same),
        cmocka_unit_test(all_kinds_come_soon_and_in_order),
        cmocka_unit_test_setup_teardown(the_bot_makes_of_it_what_it_should, open_busy_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
