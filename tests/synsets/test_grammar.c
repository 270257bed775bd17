/*
 * grammar: signs in a wish (how much, where, away from, and then), and that talk full of the same marks is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "synsets/synsets.h"

static struct synsets_known known;

static int know_everything(void **state)
{
    (void)state;
    for (int i = 0; i < SYNSET_COUNT; i++)
        known.known[i] = true;
    return 0;
}

static void resolve(const char *line, struct synsets_result *r)
{
    synsets_resolve(line, strlen(line), &known, r);
}

/* The label is the wish as it could be typed again; `plain`: also without the bot being spoken to. */
static const struct {
    const char *line, *label;
    bool plain;
    double change_s;
} wishes[] = {
    {"3*goldfish + pizza", "3*goldfish + pizza", true, 0},
    {"3 * goldfish + 0.5*pizza", "3*goldfish + 0.5*pizza", true, 0},
    {"goldfish + 2*pizza, lemon", "goldfish + 2*pizza + lemon", true, 0},
    {"1*goldfish + pizza", "goldfish + pizza", true, 0},
    {"99*goldfish + pizza", "9*goldfish + pizza", true, 0},
    {"3*goldfish", "3*goldfish", false, 0},
    {"5* pizza", "5*pizza", false, 0},
    {"-pizza", "-pizza", false, 0},
    {"goldfish -pizza", "goldfish -pizza", false, 0},
    {"goldfish + lemon -2*pizza", "goldfish + lemon -2*pizza", true, 0},
    {"goldfish + -pizza", "goldfish -pizza", true, 0},
    {"ice -cream", "ice cream", true, 0},
    {"frog left", "bullfrog left", false, 0},
    {"frog on the left", "bullfrog left", false, 0},
    {"a frog in the top right corner", "bullfrog top right", false, 0},
    {"lemon top right", "lemon top right", false, 0},
    {"goldfish in the middle", "goldfish middle", false, 0},
    {"goldfish CENTER!", "goldfish middle", false, 0},
    {"frog left + lemon top right", "bullfrog left + lemon top right", true, 0},
    {"goldfish + lemon upper left", "goldfish + lemon top left", true, 0},
    {"goldfish left + goldfish right", "goldfish left + goldfish right", true, 0},
    {"3*goldfish lower right + lemon -pizza left", "3*goldfish bottom right + lemon -pizza left", true, 0},
    {"frog > volcano 30s", "bullfrog > volcano", true, 30},
    {"frog > volcano 2 min", "bullfrog > volcano", true, 120},
    {"frog > volcano over 12 seconds", "bullfrog > volcano", true, 12},
    {"frog > volcano 9999s", "bullfrog > volcano", true, 600},
    {"frog > volcano", "bullfrog > volcano", false, 0},
    {"frog -> volcano 5s", "bullfrog > volcano", true, 5},
    {"frog => volcano 5s", "bullfrog > volcano", true, 5},
    {"frog → volcano 5s", "bullfrog > volcano", true, 5},
    {"frog >> volcano 5s", "bullfrog >> volcano", true, 5},
    {"> volcano 30s", "volcano", true, 30},
    {">> volcano 30s", "volcano", true, 30},
    {"goldfish + lemon > 2*volcano + pizza 1m", "goldfish + lemon > 2*volcano + pizza", true, 60},
    {"🐸 > 🌋 10s", "bullfrog > volcano", true, 10},
    {"3*a goldfish + the pizza please", "3*goldfish + pizza", true, 0},
    {"entertainment center", "entertainment center", true, 0},
    {"2*entertainment center + lemon", "2*entertainment center + lemon", true, 0},
    /* Without signs nothing has changed. */
    {"goldfish + volcano", "goldfish + volcano", true, 0},
    {"goldfish on top of a volcano", "goldfish + volcano", true, 0},
    {"T-shirt", "jersey", true, 0},
    {"black-and-tan coonhound", "black-and-tan coonhound", true, 0},
};

static void wishes_are_understood(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
        struct synsets_result r;
        char label[SYNSETS_LABEL_BYTES];
        resolve(wishes[i].line, &r);
        synsets_label(&r, label, sizeof label);
        bool right = r.verdict == SYNSETS_OK && strcmp(label, wishes[i].label) == 0 &&
                     r.change.s == wishes[i].change_s;
        if (right && wishes[i].plain == synsets_is_plain(&r))
            continue;
        print_message("  \"%s\": \"%s\" (verdict %d, plain %d, %.0f s), not \"%s\"\n", wishes[i].line, label,
                      r.verdict, synsets_is_plain(&r), r.change.s, wishes[i].label);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* What a label says means the same when it is typed. */
static void labels_can_be_typed_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
        struct synsets_result r, again;
        char label[SYNSETS_LABEL_BYTES], second[SYNSETS_LABEL_BYTES];
        resolve(wishes[i].line, &r);
        synsets_label(&r, label, sizeof label);
        resolve(label, &again);
        synsets_label(&again, second, sizeof second);
        assert_string_equal(label, second);
        assert_int_equal(r.count, again.count);
    }
}

/* Marks in a chat mean what people mean by them: nothing of this is taken for a wish unasked. */
static void talk_is_no_grammar(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "cats > dogs",
        "dogs >> cats",
        "pizza > burgers any day",
        ">be me, goldfish",
        "lion > tiger lol",
        "<3 goldfish",
        "goldfish <3",
        "goldfish >:(",
        "goldfish >_<",
        "5* pizza",
        "10/10 * pizza",
        "*pets cat*",
        "*goldfish noises*",
        "goldfish*",
        "*pizza",
        "nice pizza -bob",
        "goldfish - pizza",
        "- goldfish",
        "-goldfish",
        "--goldfish",
        "cat right?",
        "the dog left",
        "dog left the chat",
        "lion on the left",
        "dog in the middle",
        "left cat",
        "is that a cat top left?",
        "goldfish at 30s",
        "2*3 = 6",
        "3*",
        "-",
        ">",
        "> >",
        "goldfish > ",
        "a > b > c",
        "goldfish > volcano > pizza 3s",
        "goldfish > 30s",
        "x*goldfish + y*pizza",
        "1e9*goldfish + pizza xx",
        "0*goldfish + pizza lol",
        "-_-",
        "goldfish -.-",
        "lion -tiger",
        "goldfish -> pizza",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct synsets_result r;
        resolve(lines[i], &r);
        if (synsets_is_plain(&r) && synsets_granted(&r) && strpbrk(lines[i], "*>") && r.talk < 2 &&
            (r.manner[0].weight != 0 || r.change.s > 0 || r.change.at > 0))
            fail_msg("\"%s\" is taken for grammar", lines[i]);
        if (synsets_is_plain(&r) && (r.change.at > 0 || r.manner[0].weight < 0 || r.manner[0].place))
            fail_msg("\"%s\" is taken for a wish", lines[i]);
    }
}

static void what_is_lacking_is_told(void **state)
{
    (void)state;
    struct synsets_result r;
    resolve("3*goldfish + 2*qwxzt", &r);
    assert_false(synsets_granted(&r));
    resolve("goldfish > qwxzt 30s", &r);
    assert_false(synsets_granted(&r));
    resolve("qwxzt > goldfish 30s", &r);
    assert_false(synsets_granted(&r));
    resolve("3*goldfish left + volcno right", &r);
    assert_true(r.verdict == SYNSETS_OK && r.subject[1].slips > 0);
    resolve("2*goldfish + volcano + pizza + lion + tiger + zebra + banana + castle + lemon", &r);
    assert_int_equal(r.verdict, SYNSETS_TOO_MANY);
    resolve("goldfish + volcano + pizza + lion > tiger + zebra + banana + castle + lemon 9s", &r);
    assert_int_equal(r.verdict, SYNSETS_TOO_MANY);
    assert_int_equal(r.count, 0);
    resolve("goldfish + volcano > tiger + zebra 9s", &r);
    assert_true(r.count == 4 && r.change.at == 2 && !r.placed);
}

static void places_are_on_the_picture(void **state)
{
    (void)state;
    for (int place = 0; place < SYNSETS_PLACES; place++) {
        struct synsets_area a = synsets_area((enum synsets_place)place);
        assert_true((a.right > 0) == (place != SYNSETS_ANYWHERE));
        assert_true(a.left >= 0 && a.top >= 0 && a.right <= 1 && a.bottom <= 1);
        assert_true((synsets_place_name((enum synsets_place)place) != NULL) == (place != SYNSETS_ANYWHERE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_are_understood),     cmocka_unit_test(labels_can_be_typed_again),
        cmocka_unit_test(talk_is_no_grammar),        cmocka_unit_test(what_is_lacking_is_told),
        cmocka_unit_test(places_are_on_the_picture),
    };
    return cmocka_run_group_tests(tests, know_everything, NULL);
}
