/*
 * The parser and its replies: what a line does, that something sensible is always said, and that times told
 * are right.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chatbot/chatbot.h"
#include "common/mem.h"
#include "common/rng.h"
#include "common/text.h"

enum { LAG_S = 4 };

struct scene {
    struct synsets_known known;
    struct stats stats;
    struct requests *requests;
    struct chatbot *bot;
    char reply[CHAT_REPLY_BYTES];
};

static const struct show_config config = {.hold_s = 60, .idle_s = 30, .queue_max = 3, .daydream = true};

static void open_show(struct scene *s, uint64_t seed)
{
    memset(&s->stats, 0, sizeof s->stats);
    for (int i = 0; i < SYNSET_COUNT; i++)
        s->known.known[i] = true;
    assert_int_equal(requests_open(&s->requests, &config, &s->known, seed, &s->stats), 0);
    assert_int_equal(chatbot_open(&s->bot, s->requests, &s->known, seed, LAG_S), 0);
}

static void close_show(struct scene *s)
{
    chatbot_close(&s->bot);
    assert_null(s->bot);
    chatbot_close(&s->bot);
    requests_close(&s->requests);
}

static const char *say(struct scene *s, enum chat_origin origin, const char *user, const char *text,
                       double now_s)
{
    memset(s->reply, 'x', sizeof s->reply);
    struct chat_line line = {.origin = origin, .user = user, .text = text, .bytes = strlen(text)};
    chatbot_line(s->bot, &line, now_s, s->reply);
    assert_true(strnlen(s->reply, sizeof s->reply) < sizeof s->reply);
    return s->reply;
}

static void has(const char *reply, const char *part)
{
    if (!strstr(reply, part))
        fail_msg("\"%s\" does not say \"%s\"", reply, part);
}

static void on_quit(void *context)
{
    ++*(int *)context;
}

/* What people type at any prompt; in a room these are words like others. */
static void test_words_of_the_prompt(void **state)
{
    (void)state;
    static struct scene s;
    int quits = 0;
    open_show(&s, 1);
    has(say(&s, CHAT_TERMINAL, "operator", "help", 0), "!queue");
    has(say(&s, CHAT_TERMINAL, "operator", "?", 1), "!queue");
    has(say(&s, CHAT_TERMINAL, "operator", "exit", 2), "no such order"); /* nobody takes it */
    chatbot_on_quit(s.bot, on_quit, &quits);
    assert_string_equal(say(&s, CHAT_IRC, "ann", "quit", 3), "");
    assert_string_equal(say(&s, CHAT_IRC, "ann", "!quit", 4), "");
    assert_int_equal(quits, 0);
    has(say(&s, CHAT_TERMINAL, "operator", "quit", 5), "Good night");
    has(say(&s, CHAT_TERMINAL, "operator", "Exit", 6), "Good night");
    has(say(&s, CHAT_TERMINAL, "operator", "!quit", 7), "Good night");
    assert_int_equal(quits, 3);
    close_show(&s);
}

static void turn(struct scene *s, double now_s)
{
    struct request now;
    requests_turn(s->requests, now_s, &now);
}

static struct request on(struct scene *s)
{
    struct request now;
    requests_list(s->requests, &now, NULL, 0);
    return now;
}

static void test_requests_and_times(void **state)
{
    (void)state;
    struct scene s;
    open_show(&s, 1);
    has(say(&s, CHAT_SCRIPT, "ann", "goldfish", 0), "goldfish");
    has(s.reply, "@ann ");
    has(s.reply, "on your screen in about 4 s"); /* only the way to the screen */
    turn(&s, 0);
    has(say(&s, CHAT_SCRIPT, "bob", "a volcano!", 10), "volcano");
    has(s.reply, "in about 54 s");
    has(say(&s, CHAT_SCRIPT, "eve", "pizza + tench", 20), "in about 2 min"); /* 40 + 60 + 4 s */
    has(s.reply, "pizza");
    has(s.reply, "tench");
    assert_non_null(strstr(s.reply, "top") ? s.reply : strstr(s.reply, "above"));
    assert_true(strstr(s.reply, "pizza") < strstr(s.reply, "tench"));
    has(say(&s, CHAT_SCRIPT, "eve", "!where", 20), "number 2");
    has(say(&s, CHAT_SCRIPT, "bob", "zebra", 21), "zebra");
    has(s.reply, "in about 43 s"); /* bob's place is kept */
    has(say(&s, CHAT_SCRIPT, "bob", "zebra", 22), "in about 42 s");
    has(say(&s, CHAT_SCRIPT, "zoe", "goldfish", 22), "dream"); /* it is on */
    say(&s, CHAT_SCRIPT, "dan", "mosque", 22);
    has(say(&s, CHAT_SCRIPT, "late", "ant", 22), "3 wishes");
    has(say(&s, CHAT_SCRIPT, "x", "!queue", 22), "1. zebra (@bob), 2. pizza + tench (@eve)");
    has(say(&s, CHAT_SCRIPT, "x", "!now", 22), "goldfish, because @ann wished for it");
    has(say(&s, CHAT_SCRIPT, "dan", "!cancel", 22), "Forgotten");
    has(say(&s, CHAT_SCRIPT, "dan", "!cancel", 22), "nothing of yours");
    assert_int_equal(stats_get(&s.stats, STAT_REQUESTS), 5);
    assert_int_equal(stats_get(&s.stats, STAT_REQUESTS_REFUSED), 1);
    close_show(&s);
}

static void note_steering(void *context, enum chat_steer how)
{
    *(enum chat_steer *)context = how;
}

/* The camera is everybody's, but not at once after one another. */
static void test_camera(void **state)
{
    (void)state;
    struct scene s;
    enum chat_steer how = CHAT_STEER_NONE;
    open_show(&s, 1);
    has(say(&s, CHAT_SCRIPT, "ann", "!slow", 0), "nothing to steer");
    chatbot_on_steer(s.bot, note_steering, &how);
    has(say(&s, CHAT_SCRIPT, "ann", "!slow", 1), "more slowly");
    assert_int_equal(how, CHAT_STEER_SLOW);
    has(say(&s, CHAT_SCRIPT, "ben", "!spin", 6), "in 15 s");
    assert_int_equal(how, CHAT_STEER_SLOW);
    has(say(&s, CHAT_TERMINAL, "operator", "!still", 7), "hold still");
    assert_int_equal(how, CHAT_STEER_STILL);
    has(say(&s, CHAT_SCRIPT, "ben", "!spin", 28), "Round and round");
    assert_int_equal(how, CHAT_STEER_SPIN);
    has(say(&s, CHAT_SCRIPT, "ben", "!fast please", 60), "Say it like this: !fast.");
    has(say(&s, CHAT_SCRIPT, "ben", "!fast", 60), "faster");
    assert_int_equal(how, CHAT_STEER_FAST);
    has(say(&s, CHAT_SCRIPT, "ann", "!dive", 90), "dive");
    assert_int_equal(how, CHAT_STEER_DIVE);
    has(say(&s, CHAT_SCRIPT, "ann", "!left", 120), "left");
    assert_int_equal(how, CHAT_STEER_LEFT);
    has(say(&s, CHAT_SCRIPT, "ben", "!right", 150), "right");
    assert_int_equal(how, CHAT_STEER_RIGHT);
    close_show(&s);
}

static void test_operator(void **state)
{
    (void)state;
    struct scene s;
    open_show(&s, 1);
    say(&s, CHAT_SCRIPT, "ann", "goldfish", 0);
    turn(&s, 0);
    has(say(&s, CHAT_TERMINAL, "operator", "volcano", 5), "in about 4 s");
    assert_true(s.reply[0] != '@');
    turn(&s, 6);
    assert_string_equal(on(&s).user, "operator");
    assert_true(on(&s).immediate);
    has(say(&s, CHAT_SCRIPT, "ann", "!skip", 7), "for moderators");
    has(say(&s, CHAT_SCRIPT, "ann", "!clear", 7), "for moderators");
    turn(&s, 8);
    assert_int_not_equal(on(&s).id, 0);
    say(&s, CHAT_TERMINAL, "operator", "!skip", 9);
    turn(&s, 9);
    assert_int_equal(on(&s).id, 0);
    has(say(&s, CHAT_TERMINAL, "operator", "!now", 9), "nobody told me");
    assert_null(strstr(s.reply, "certainty")); /* nothing is known of it */
    chatbot_set_sight(s.bot, 0, 0.42, 980);
    has(say(&s, CHAT_TERMINAL, "operator", "!now", 9), "I see it with 42 % certainty; also: volcano.");
    chatbot_set_sight(s.bot, 0, 0.42, -1);
    has(say(&s, CHAT_TERMINAL, "operator", "!now", 9), "with 42 % certainty.");
    chatbot_set_sight(s.bot, 77, 0.42, 980); /* of another request */
    say(&s, CHAT_TERMINAL, "operator", "!now", 9);
    assert_null(strstr(s.reply, "certainty"));
    has(say(&s, CHAT_TERMINAL, "operator", "!help", 9), "!ban");
    assert_null(strstr(say(&s, CHAT_SCRIPT, "ann", "!help", 9), "!ban"));
    close_show(&s);
}

static void test_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"lions pizza", "Did you mean lions or pizza?"},
        {"gold fissh", "Did you mean goldfish"},
        {"xyzzy plugh", " that"},
        {"goldfish, volcano, pizza, lion, tiger, zebra, lemon, mosque, castle", "goldfish + pizza"},
        {"...", "!help"},
        {"!frobnicate", "These I do: !help"},
        {"!hepl", "Did you mean !help?"},
        {"!", "These I do: !help"},
        {"!!!!", "These I do: !help"},
        {"!now or never", "Say it like this: !now."},
        {"!dream", "Say it like this: !dream THING"},
        {"!help dream", "!dream THING [+ THING]: wish"},
        {"!help !where", "!where: your place"},
        {"!HELP", "Commands: !help"},
        {"!help nonsense", "Commands: !help"},
        {"!words spider", "tarantula"},
        {"!words musical instruments", "accordion"},
        {"!words tigrr", "I can dream tiger."},
        {"!words gold fissh", "The nearest that I have: goldfish"},
        {"!words qqqqq", "no such word"},
        {"!words", "more."},
        {"!where", "Nothing of yours"},
        {"!queue", "Nobody waits"},
        {"!now", "only just closed"},
    };
    struct scene s;
    open_show(&s, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        has(say(&s, CHAT_SCRIPT, "ann", cases[i].line, 1), cases[i].says);
    assert_int_equal(stats_get(&s.stats, STAT_REQUESTS), 0);
    assert_int_equal(stats_get(&s.stats, STAT_REQUESTS_REFUSED), 5);
    has(say(&s, CHAT_SCRIPT, "ann", "!dream goldfish", 1), "goldfish");
    assert_int_equal(stats_get(&s.stats, STAT_REQUESTS), 1);
    close_show(&s);
}

static void test_lacking(void **state)
{
    (void)state;
    struct scene s;
    open_show(&s, 1);
    requests_close(&s.requests);
    chatbot_close(&s.bot);
    memset(&s.known, 0, sizeof s.known);
    s.known.known[1] = true;
    assert_int_equal(requests_open(&s.requests, &config, &s.known, 1, NULL), 0);
    assert_int_equal(chatbot_open(&s.bot, s.requests, &s.known, 1, LAG_S), 0);
    has(say(&s, CHAT_SCRIPT, "ann", "tench", 0), "goldfish");
    has(s.reply, "tench");
    has(say(&s, CHAT_SCRIPT, "ann", "fish", 0), "goldfish"); /* of all fish the one that it knows */
    close_show(&s);
}

/* Where people also talk to one another, only what is plainly for us is answered. */
static void test_irc_talk(void **state)
{
    (void)state;
    static const char *const silent[] = {"",
                                         "hello",
                                         "I like my goldfish",
                                         "sub",
                                         "top",
                                         "goldfish lol",
                                         "!lurk",
                                         "!so bob",
                                         "!discord",
                                         "reverie is nice",
                                         "golfish???x",
                                         "😂",
                                         "my volcano please",
                                         "!",
                                         "cat + sub",
                                         "reverieX: cat",
                                         "pizz",
                                         "one, two, three"};
    static const struct {
        const char *line, *says;
    } answered[] = {
        {"goldfish", "goldfish"},
        {"volcno", "volcano"},
        {"dogs", "!x"},
        {"🍕", "pizza"},
        {"goldfish + pizza", "pizza"},
        {"goldfish, lemon, pizza", "goldfish + lemon + pizza"},
        {"!dream goldfish", "goldfish"},
        {"!goldfish", "goldfish"},
        {"!dream sub", "submarine"},
        {"reverie: top", "!x"},
        {"Reverie, volcano", "volcano"},
        {"@reverie volcano", "volcano"},
        {"@reverie: xyzzy", " that"},
        {"bot99: volcano", "volcano"},
        {"@Bot99 !now", "I"},
        {"reverie:", "!help"},
        {"@reverie", "!help"},
        {"reverie: !frobnicate", "These I do"},
        {"!skip", "moderators"},
    };
    struct scene s;
    open_show(&s, 1);
    chatbot_set_name(s.bot, "bot99");
    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        if (*say(&s, CHAT_IRC, "ann", silent[i], 0))
            fail_msg("\"%s\" is answered with \"%s\"", silent[i], s.reply);
    assert_int_equal(stats_get(&s.stats, STAT_REQUESTS), 0);
    assert_int_equal(stats_get(&s.stats, STAT_REQUESTS_REFUSED), 0);
    for (size_t i = 0; i < ARRAY_LEN(answered); i++) {
        say(&s, CHAT_IRC, "ann", answered[i].line, 0);
        if (!s.reply[0])
            fail_msg("\"%s\" is not answered", answered[i].line);
        if (strcmp(answered[i].says, "!x") != 0)
            has(s.reply, answered[i].says);
    }
    assert_string_equal(say(&s, CHAT_SCRIPT, "ann", "  \t ", 0), "");
    close_show(&s);
}

/* Of two cranes the second one comes when the first is on; a kind is drawn from all that it has. */
static void test_choices(void **state)
{
    (void)state;
    struct scene s;
    open_show(&s, 1);
    say(&s, CHAT_TERMINAL, "op", "crane", 0);
    turn(&s, 0);
    int first = on(&s).synset[0];
    say(&s, CHAT_TERMINAL, "op", "cranes", 1);
    turn(&s, 1);
    assert_int_not_equal(on(&s).synset[0], first);
    assert_string_equal(synset_table[on(&s).synset[0]].names[0], "crane");

    bool seen[SYNSET_COUNT] = {false};
    int different = 0, last = -1;
    for (int i = 0; i < 100; i++) {
        say(&s, CHAT_TERMINAL, "op", "dog", 2 + i);
        turn(&s, 2 + i);
        int dog = on(&s).synset[0];
        assert_in_range(dog, 151, 268);
        assert_int_not_equal(dog, last);
        different += !seen[dog];
        seen[dog] = true;
        last = dog;
    }
    assert_true(different > 50);
    say(&s, CHAT_TERMINAL, "op", "dog + dog", 200);
    turn(&s, 200);
    assert_int_equal(on(&s).count, 2);
    assert_int_not_equal(on(&s).synset[0], on(&s).synset[1]);
    close_show(&s);
}

/* The same seed and lines give the same replies; two in a row are never the same; there is variety. */
static void test_variety(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    static char replies[ROUNDS][CHAT_REPLY_BYTES];
    struct scene s, again;
    open_show(&s, 9);
    open_show(&again, 9);
    int distinct = 0;
    for (int i = 0; i < ROUNDS; i++) {
        text_copy(replies[i], CHAT_REPLY_BYTES, say(&s, CHAT_SCRIPT, "ann", "qwertzuiop", 0));
        assert_string_equal(replies[i], say(&again, CHAT_SCRIPT, "ann", "qwertzuiop", 0));
        assert_true(i == 0 || strcmp(replies[i], replies[i - 1]) != 0);
        bool fresh = true;
        for (int j = 0; j < i; j++)
            fresh = fresh && strcmp(replies[i], replies[j]) != 0;
        distinct += fresh;
    }
    assert_true(distinct >= 8); /* three forms, and the alternatives in them */
    close_show(&s);
    close_show(&again);
}

/* Any bytes: a bounded line of valid UTF-8, never empty for what is visible, no braces or letters of a
 * template left. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const bits[] = {
        "goldfish", "!",    "!words ", "!dream ", "!help ",           "+",
        " ",        "\xff", "{a|b}",   "$s%n",    "\xf0\x9f\x90\xb8", "dog",
        "\xcc\x81", "@",    "\r\n",    "/ban ",   "!queue",           "!where"};
    struct scene s;
    open_show(&s, 3);
    struct rng rng = rng_make(3, 3);
    static char line[2 * SYNSETS_LINE_BYTES], clean[2 * SYNSETS_LINE_BYTES];
    for (int round = 0; round < 40000; round++) {
        size_t bytes = rng_below(&rng, round % 50 ? 60 : sizeof line), n = 0;
        while (n < bytes) {
            const char *bit = bits[rng_below(&rng, ARRAY_LEN(bits))];
            if (round % 2 || n + strlen(bit) > bytes) {
                line[n++] = (char)rng_below(&rng, 256);
            } else {
                memcpy(line + n, bit, strlen(bit));
                n += strlen(bit);
            }
        }
        char user[100];
        snprintf(user, sizeof user, "%.*s", (int)rng_below(&rng, 99), line);
        struct chat_line said = {.origin = round % 3 ? CHAT_SCRIPT : CHAT_TERMINAL,
                                 .user = n ? user : "",
                                 .text = line,
                                 .bytes = n};
        chatbot_line(s.bot, &said, round, s.reply);
        turn(&s, round);
        size_t length = strnlen(s.reply, sizeof s.reply);
        assert_true(length < sizeof s.reply);
        if (text_clean(clean, SYNSETS_LINE_BYTES, line, n) > 0)
            assert_true(length > 0);
        text_clean(clean, sizeof clean, s.reply, length);
        assert_string_equal(clean, s.reply);
    }
    close_show(&s);
}

static void *talk(void *arg)
{
    struct scene *s = arg;
    char reply[CHAT_REPLY_BYTES];
    for (int i = 0; i < 3000; i++) {
        static const char *const lines[] = {"dog",  "!queue",        "crane + cat",
                                            "!now", "nothing known", "!where"};
        const char *line = lines[i % 6];
        struct chat_line said = {
            .origin = CHAT_SCRIPT, .user = i % 2 ? "ann" : "bob", .text = line, .bytes = strlen(line)};
        chatbot_line(s->bot, &said, i, reply);
        if (!reply[0])
            abort();
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct scene s;
    open_show(&s, 1);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, talk, &s);
    for (int i = 0; i < 3000; i++)
        turn(&s, i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    close_show(&s);
}

/* Who is told about halves hears of the right ones. */
static void halves_are_those_of_the_dream(void **state)
{
    (void)state;
    for (int below = 0; below < 2; below++) {
        struct scene s;
        open_show(&s, 3);
        chatbot_set_first_below(s.bot, below);
        const char *reply = say(&s, CHAT_IRC, "ann", "!dream goldfish + pizza", 0);
        const char *fish = strstr(reply, "goldfish"), *pizza = strstr(reply, "pizza");
        assert_non_null(fish);
        assert_non_null(pizza);
        assert_true(below ? pizza < fish : fish < pizza); /* every form names the upper one first */
        close_show(&s);
    }
}

static struct chat_outcome ask(struct scene *s, const char *user, const char *text, double now_s)
{
    struct chat_outcome o;
    struct chat_line line = {.origin = CHAT_PAGE, .user = user, .text = text, .bytes = strlen(text)};
    chatbot_ask(s->bot, &line, now_s, s->reply, &o);
    assert_true(s->reply[0] && s->reply[0] != '@'); /* the page's viewer is answered, by no name */
    return o;
}

/* A viewer of the page has a viewer's rights, and programs are told what became of his line. */
static void test_page(void **state)
{
    (void)state;
    static struct scene s;
    open_show(&s, 1);
    struct request now;
    requests_turn(s.requests, 0, &now);
    struct chat_outcome o = ask(&s, "ann", "goldfish", 1);
    assert_int_equal(o.result, CHAT_TAKEN);
    assert_true(o.request.id == 1 && !o.request.immediate && o.on_screen_s >= LAG_S);
    assert_int_equal(ask(&s, "ann", "goldfish", 1).result, CHAT_ALREADY);
    o = ask(&s, "ann", "qqqqqqqq", 1);
    assert_int_equal(o.result, CHAT_UNKNOWN);
    assert_int_equal(
        ask(&s, "ann", "goldfish + pizza + lion + tiger + zebra + lemon + banana + castle + mosque", 1)
            .result,
        CHAT_TOO_MANY);
    assert_int_equal(ask(&s, "ann", "!queue", 1).result, CHAT_SAID);
    assert_int_equal(ask(&s, "ann", "!clear", 1).result, CHAT_SAID); /* a moderator's: refused */
    assert_int_equal(requests_list(s.requests, NULL, NULL, 0), 1);
    ask(&s, "ben", "pizza", 1);
    ask(&s, "cy", "lion", 1);
    assert_int_equal(ask(&s, "dan", "tench", 1).result, CHAT_FULL);
    close_show(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_and_times),
        cmocka_unit_test(test_operator),
        cmocka_unit_test(test_camera),
        cmocka_unit_test(test_words_of_the_prompt),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_lacking),
        cmocka_unit_test(test_irc_talk),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_variety),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(halves_are_those_of_the_dream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
