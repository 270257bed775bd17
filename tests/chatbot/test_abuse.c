/*
 * What must never happen, in bulk: ordinary talk and other bots' commands that make a wish, abuse that comes back
 * out of our mouth, in a reply, an offer or a name on the picture.
 */
#include <stdlib.h>

#include "chatbot/irc/irc.h"
#include "common/mem.h"
#include "common/rng.h"
#include "common/text.h"
#include "rehearsal/crowd.h"
#include "tests/chatbot/scene.h"

static const char *hear(const char *user, const char *text)
{
    struct chat_line line = {.origin = CHAT_IRC, .user = user, .text = text, .bytes = strlen(text)};
    chatbot_ask(s.bot, &line, 0, s.reply, &s.outcome);
    return s.reply;
}

#define PICK(list) (list)[rng_below(&rng, ARRAY_LEN(list))]

/* 20,000 lines of talk and commands of other bots (rehearsal/crowd.h): no answer, no wish. */
static void ordinary_lines_are_left_alone(void **state)
{
    (void)state;
    const struct crowd_params busy = {.seed = 1, .lines_per_s = 1, .bot = "dreambot"};
    struct crowd crowd;
    struct crowd_line line;
    crowd_begin(&crowd, &busy);
    for (int heard = 0; heard < 20000;) {
        crowd_next(&crowd, &line);
        if (!crowd_wants_silence(line.kind))
            continue;
        if (*hear(line.user, line.text) || s.outcome.result == CHAT_TAKEN)
            fail_msg("\"%s\" is answered with \"%s\"", line.text, s.reply);
        heard++;
    }
    assert_int_equal(requests_list(s.requests, NULL, NULL, 0), 0);
}

/* The ways in which people write what they may not. */
static void obfuscate(struct rng *rng, const char *word, char *out, size_t size)
{
    static const char *const looks[][2] = {
        {"a", "4"},        {"e", "3"},        {"i", "1"},        {"o", "0"},        {"s", "5"},
        {"i", "\xc3\xaf"}, {"e", "\xc3\xa9"}, {"a", "\xd0\xb0"}, {"o", "\xce\xbf"}, {"c", "\xd1\x81"}};
    uint32_t way = rng_below(rng, 6);
    size_t n = 0;
    for (const char *at = word; *at && n + 8 < size; at++) {
        char letter[8] = {*at, '\0'};
        for (size_t i = 0; (way == 1 || way == 2) && i < ARRAY_LEN(looks); i++)
            if (looks[i][0][0] == *at && (way == 1) == (i < 5) && rng_below(rng, 2))
                text_copy(letter, sizeof letter, looks[i][1]);
        if (way == 5)
            letter[0] = (char)(letter[0] - ('a' <= *at && *at <= 'z' ? 'a' - 'A' : 0));
        n += (size_t)snprintf(out + n, size - n, "%s%s%s", letter, way == 4 ? letter : "",
                              way == 3 && at[1] ? " " : "");
    }
}

/* Whether a reply holds any word of what was typed, of four letters or more, but for words of the tables. */
static bool repeats(const char *reply, const char *typed)
{
    char words[512];
    text_copy(words, sizeof words, typed);
    for (char *rest = words, *word; (word = strsep(&rest, " "));)
        if (strlen(word) >= 4 && strcasestr(reply, word))
            return true;
    return false;
}

static void abuse_never_comes_back(void **state)
{
    (void)state;
    static const char *const slurs[] = {"nigger", "niggers", "nigga",  "faggot", "tranny", "hitler",
                                        "cunt",   "whore",   "bitch",  "pussy",  "porn",   "dildo",
                                        "rapist", "kike",    "retard", "fuckers"};
    static const char *const others[] = {"buy viewers at bigviews.example",
                                         "https://evil.example/xyz",
                                         "free nitro discord.gg/zzqq",
                                         "www.spam-site.example",
                                         "followme99 is better",
                                         "@Ben uninstall yourself",
                                         "call 555-0199 tonight",
                                         "/ban everyone",
                                         ".timeout everybody 600",
                                         "$gamble everything",
                                         "!permit spammer",
                                         "yourmother smells",
                                         "telegram handle zzqqxx",
                                         "OnlyVans dot example"};
    static const char *const fronts[] = {"!dream ",  "dreambot: ", "@dreambot ", "!",
                                         "!words ",  "!help ",     "!ban ",      "!remove ",
                                         "!forbid ", "",           "!dream my ", "!dream goldfish "};
    struct rng rng = rng_make(2, 1);
    char typed[256], text[300], user[80];
    for (int i = 0; i < 1000; i++) {
        if (i % 2)
            obfuscate(&rng, PICK(slurs), typed, sizeof typed);
        else
            snprintf(typed, sizeof typed, "%s", PICK(others));
        snprintf(text, sizeof text, "%s%s", PICK(fronts), typed);
        hear(i % 3 ? "viewer" : "moda", text);
        if (repeats(s.reply, typed))
            fail_msg("\"%s\" is answered with \"%s\"", text, s.reply);
        for (size_t k = 0; k < ARRAY_LEN(slurs); k++)
            if (strcasestr(s.reply, slurs[k]))
                fail_msg("\"%s\" is answered with \"%s\"", text, s.reply);
        if (i % 2 && s.outcome.result == CHAT_TAKEN && strcmp(text, typed) == 0)
            fail_msg("\"%s\" is granted: \"%s\"", text, s.reply);
        /* The same as a name. */
        snprintf(user, sizeof user, "%.40s", typed);
        struct chat_line line = {
            .origin = CHAT_IRC, .user = "login", .display_name = user, .text = "!dream lion", .bytes = 11};
        chatbot_ask(s.bot, &line, 0, s.reply, &s.outcome);
        if (i % 2 && (repeats(s.reply, user) || strcmp(s.outcome.request.user, REQUEST_SOMEBODY) != 0))
            fail_msg("the name \"%s\" is shown as \"%s\": %s", user, s.outcome.request.user, s.reply);
        chatbot_clear_user(s.bot, NULL);
    }
}

static void yes_takes_the_offer(void **state)
{
    (void)state;
    hear("ann", "!dream gold fissh");
    if (s.outcome.near_count == 0)
        fail_msg("nothing is offered: %s", s.reply);
    assert_string_equal(hear("ben", "yes"), "");
    assert_non_null(strstr(hear("ann", "yes"), "goldfish"));
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    assert_string_equal(hear("ann", "yes"), ""); /* once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ordinary_lines_are_left_alone, open_busy_scene, close_scene),
        cmocka_unit_test_setup_teardown(abuse_never_comes_back, open_busy_scene, close_scene),
        cmocka_unit_test_setup_teardown(yes_takes_the_offer, open_busy_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
