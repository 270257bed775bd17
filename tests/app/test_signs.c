/*
 * What the show has to say on the picture: taken from queue, tug of war and dream, for what the pixels show, and only then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "app/signs.h"
#include "app/subjects.h"
#include "common/keyframes.h"

/* A show with the embedded model, "goldfish + pizza" of ann on, at 10 s. */
static struct show_config config;
static struct synsets_known known;
static struct model *model;
static struct requests *requests;
static struct tug *tug;
static struct way *way;
static struct port *port;
static struct request now;
static char caption[KEYFRAME_CAPTION_BYTES];

static void wish(const char *user, const char *text, bool immediate)
{
    struct synsets_result r;
    struct request q = {.immediate = immediate};
    double eta_s;
    bool replaced;
    synsets_resolve(text, strlen(text), &known, &r);
    assert_true(r.count > 0);
    snprintf(q.user, sizeof q.user, "%s", user);
    q.count = r.count;
    for (int i = 0; i < r.count; i++) {
        q.synset[i] = r.synset[i];
        q.manner[i] = r.manner[i];
    }
    assert_int_equal(requests_add(requests, &q, 10, &eta_s, &replaced), 0);
}

static int set_up(void **state)
{
    (void)state;
    struct error e = {""};
    option_defaults(&show_section, &config);
    assert_int_equal(model_load(&model, NULL, &e), 0);
    model_drop_weights(model);
    subjects_known(model, &known);
    assert_int_equal(requests_open(&requests, &config, &known, 1, NULL), 0);
    assert_int_equal(port_open(&port), 0);
    tug = tug_open(&config, 0.5);
    way = way_open(0, 3);
    wish("ann", "goldfish + pizza", true);
    assert_true(requests_turn(requests, 10, &now));
    request_caption(&now, caption, sizeof caption);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    port_close(&port);
    way_close(&way);
    tug_close(&tug);
    requests_close(&requests);
    model_close(&model);
    return 0;
}

static struct signs_content fill(int64_t request_id, const char *shown, double front)
{
    const struct signs_source s = {requests, tug, way, port, model, &known, 12};
    struct signs_content c = {.front = -1};
    signs_fill(&s, request_id, shown, front, &c);
    return c;
}

static int class_of(const char *name)
{
    struct synsets_result r;
    synsets_resolve(name, strlen(name), &known, &r);
    assert_int_equal(r.count, 1);
    int c = model_class(model, synset_table[r.synset[0]].wnid);
    assert_true(c >= 0);
    return c;
}

static void tell(int64_t request_id, double share, const char *first, const char *second)
{
    struct port_state state = {.request_id = request_id, .share = share, .seen_count = 2};
    state.seen[0] = (struct port_seen){class_of(first), 0.6f};
    state.seen[1] = (struct port_seen){class_of(second), 0.2f};
    port_tell(port, &state);
}

static void nothing_is_known_yet(void **state)
{
    (void)state;
    struct signs_content c = fill(now.id, caption, -1);
    assert_true(c.front < 0 && !c.has_belief);
    assert_string_equal(c.lines[SIGNS_BELIEF], "");
    assert_string_equal(c.lines[SIGNS_NEXT], "");
    assert_string_equal(c.won, "");
}

static void belief_is_of_what_the_pixels_show(void **state)
{
    (void)state;
    tell(now.id, 0.834, "goldfish", "mushroom");
    struct signs_content c = fill(now.id, caption, -1);
    assert_string_equal(c.lines[SIGNS_BELIEF], "83 % sure, also: mushroom");
    assert_true(c.has_belief && c.belief > 0.83 && c.belief < 0.84);
    tell(now.id, 0.5, "goldfish", "pizza"); /* both were wished for */
    assert_string_equal(fill(now.id, caption, -1).lines[SIGNS_BELIEF], "50 % sure");
    tell(now.id + 1, 0.9, "goldfish", "mushroom"); /* the dream has gone on already */
    c = fill(now.id, caption, -1);
    assert_true(c.lines[SIGNS_BELIEF][0] == '\0' && !c.has_belief);
    tell(now.id, 0.9, "goldfish", "mushroom");
    c = fill(0, "cliff ~", -1); /* the pixels are of the dream before */
    assert_true(c.lines[SIGNS_BELIEF][0] == '\0' && !c.has_belief);
    tell(now.id, -1, "goldfish", "mushroom"); /* it does not look */
    assert_false(fill(now.id, caption, -1).has_belief);
}

/* Only what may be wished for here is named. */
static void what_is_forbidden_is_not_named(void **state)
{
    (void)state;
    tell(now.id, 0.7, "mushroom", "lion");
    known.known[subjects_synset(model, class_of("mushroom"))] = false;
    assert_string_equal(fill(now.id, caption, -1).lines[SIGNS_BELIEF], "70 % sure, also: lion");
}

static void what_comes_next(void **state)
{
    (void)state;
    wish("bob", "mushroom", false);
    const char *line = fill(now.id, caption, -1).lines[SIGNS_NEXT];
    char text[SIGNS_TEXT_BYTES];
    snprintf(text, sizeof text, "%s", line);
    assert_true(strncmp(text, "next: ", 6) == 0 && strstr(text, "@bob, in about"));
    snprintf(text, sizeof text, "%s",
             fill(0, "cliff ~", -1).lines[SIGNS_NEXT]); /* on its way to the pixels */
    assert_non_null(strstr(text, "@ann, in a moment"));
}

static void the_front_and_who_has_won(void **state)
{
    (void)state;
    tug_turn(tug, &now, false, 10);
    struct signs_content c = fill(now.id, caption, -1);
    assert_true(c.front == 0.5); /* nobody has pulled: the middle */
    assert_string_equal(c.upper, "!1 goldfish");
    assert_string_equal(c.lower, "!2 pizza");
    assert_true(fill(now.id, caption, 0.7).front == 0.7);
    assert_true(fill(0, "cliff ~", 0.7).front < 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(tug_vote(tug, (const char *const[]){"a", "b", "c", "d", "e"}[i], TUG_UPPER, 11), 0);
    double front;
    struct tug_view v = {.winner = TUG_NOBODY};
    for (double t = 11; t < 40 && v.winner == TUG_NOBODY; t += 0.1) {
        tug_pull(tug, t, &front);
        tug_look(tug, &v);
    }
    assert_int_equal(v.winner, TUG_UPPER);
    assert_string_equal(fill(now.id, caption, 0.6).won, ""); /* named once the picture is all of it */
    c = fill(now.id, caption, 0.97);
    assert_string_equal(c.won, "goldfish wins");
    assert_true(c.front < 0);
    tug_stop(tug, true);
    assert_true(fill(now.id, caption, 0.7).front < 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_known_yet),           TEST(belief_is_of_what_the_pixels_show),
        TEST(what_is_forbidden_is_not_named), TEST(what_comes_next),
        TEST(the_front_and_who_has_won),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
