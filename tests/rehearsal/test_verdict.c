/*
 * The town writes down what became of each line, and the verdict names what broke, row by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/mem.h"
#include "rehearsal/verdict.h"

static struct verdict_seen *seen; /* large */

/* A show that is well. */
static int setup(void **state)
{
    (void)state;
    seen = xcalloc(1, sizeof *seen);
    seen->length_s = 300;
    seen->hold_s = 60;
    seen->still_most_s = 6;
    seen->still_s = 2;
    seen->frames = 7500;
    seen->formed = 4;
    seen->town = (struct town_figures){.wanted = 100,
                                       .answered = 98,
                                       .moderators = 10,
                                       .moderators_answered = 10,
                                       .silent = 80,
                                       .connections = 1,
                                       .late_s = 6,
                                       .wishes = 40,
                                       .shown = 5};
    seen->outputs = 1;
    seen->output[0] = (struct verdict_output){.name = "record", .is_up = true};
    seen->faults = 1;
    seen->fault[0] = (struct verdict_fault){.name = "the chat hangs up",
                                            .at_s = 10,
                                            .noticed_s = 11,
                                            .ended_s = 12,
                                            .healed_s = 13,
                                            .heals_s = 20,
                                            .wants_notice = true};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(seen);
    return 0;
}

/* How many rows are broken; the first of them in `what`. */
static int broken(char what[96])
{
    struct verdict_row rows[VERDICT_ROWS];
    int count = verdict_judge(seen, rows), n = 0;
    what[0] = '\0';
    for (int i = 0; i < count; i++)
        if (rows[i].verdict == VERDICT_BROKEN && n++ == 0)
            memcpy(what, rows[i].what, sizeof rows[i].what);
    return n;
}

static void nothing_is_broken_when_all_is_well(void **state)
{
    (void)state;
    char what[96];
    assert_int_equal(broken(what), 0);
}

/* Each alone breaks one row and no other. */
static void each_trouble_breaks_its_row(void **state)
{
    struct verdict_seen *s;
    char what[96];
#define BREAKS(row, change)                                                                                  \
    do {                                                                                                     \
        teardown(state);                                                                                     \
        setup(state);                                                                                        \
        s = seen;                                                                                            \
        change;                                                                                              \
        assert_int_equal(broken(what), 1);                                                                   \
        if (!strstr(what, row))                                                                              \
            fail_msg("%s broke \"%s\"", #change, what);                                                      \
    } while (0)
    BREAKS("want an answer", s->town.answered = 80);
    BREAKS("moderators' orders", s->town.moderators_answered = 8);
    BREAKS("how late", s->town.late_s = 25);
    BREAKS("talk", s->town.disturbed = 1);
    BREAKS("out of the bot's mouth", s->town.leaks = 1);
    BREAKS("connections", s->town.connections = 0);
    BREAKS("on the screen", s->town.shown = 0);
    BREAKS("sees in the end", (s->formed = 1, s->unformed = 3));
    BREAKS("left out", s->left_out = 200);
    BREAKS("without a new picture", s->still_s = 7);
    BREAKS("deaths", s->deaths = 1);
    BREAKS("output record", s->output[0].is_up = false);
    BREAKS("output record", s->output[0].down_s = 4);
    BREAKS("output record", s->output[0].dropped = 1);
    BREAKS("fault at 10 s: the chat hangs up", s->fault[0].noticed_s = -1);
    BREAKS("fault at 10 s: the chat hangs up", s->fault[0].healed_s = -1);
    BREAKS("fault at 10 s: the chat hangs up", s->fault[0].healed_s = 33);
    BREAKS("warnings", s->warnings = 1);
#undef BREAKS
}

/* ---- the town ---- */

static struct town *open_town(void)
{
    const struct town_params p = {.crowd = {.seed = 3, .lines_per_s = 500, .prefix = "!", .bot = "bot"},
                                  .length_s = 1000,
                                  .answers_bare = true,
                                  .answers_people = true};
    return town_open(&p);
}

/* The next line of this kind, with its number. */
static long wait_for(struct town *t, enum crowd_kind kind, struct crowd_line *line)
{
    long number;
    for (int i = 0; i < 5000; i++) {
        if (!town_next(t, line, &number))
            usleep(1000);
        else if (line->kind == kind)
            return number;
    }
    fail_msg("nobody says anything of the kind %s", crowd_kinds[kind]);
    return 0;
}

static void answers_belong_to_lines(void **state)
{
    (void)state;
    struct town *t = open_town();
    struct town_figures *f = xcalloc(1, sizeof *f);
    struct crowd_line line;
    long number;
    char text[128];
    assert_false(town_next(t, &line, &number)); /* nobody is there to hear it */
    town_join(t);
    town_hear(t, wait_for(t, CROWD_QUESTION, &line), "the queue is empty");
    wait_for(t, CROWD_UNKNOWN, &line);
    snprintf(text, sizeof text, "@somebody yes | @%s I do not know that.", line.user);
    town_hear(t, 0, text);
    town_hear(t, wait_for(t, CROWD_TALK, &line), "what is that?");
    town_hear(t, 0, "as you say: " CROWD_MARK);
    town_figures(t, f);
    assert_true(f->answered >= 2);
    assert_int_equal(f->disturbed, 1);
    assert_int_equal(f->leaks, 1);
    assert_int_equal(f->replies, 4);
    long answered = f->answered;
    town_leave(t);
    town_figures(t, f);
    assert_int_equal(f->wanted, answered); /* who has gone owes nothing */
    town_close(&t);
    free(f);
}

static void wishes_are_followed_to_the_screen(void **state)
{
    (void)state;
    struct town *t = open_town();
    struct town_figures *f = xcalloc(1, sizeof *f);
    town_join(t);
    town_taken(t, "ann", "goldfish", 0.05);
    town_taken(t, "ben", "pizza", 100);
    town_shown(t, "Ann");
    town_shown(t, "ann"); /* once is enough */
    town_figures(t, f);
    assert_int_equal(f->wishes, 2);
    assert_int_equal(f->shown, 1);
    assert_true(f->wish[0].shown_s >= 0 && f->wish[1].shown_s < 0);
    assert_true(f->promise_s >= 0 && f->promise_s < 2);
    town_close(&t);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_broken_when_all_is_well, setup, teardown),
        cmocka_unit_test_setup_teardown(each_trouble_breaks_its_row, setup, teardown),
        cmocka_unit_test(answers_belong_to_lines),
        cmocka_unit_test(wishes_are_followed_to_the_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
