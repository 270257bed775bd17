/*
 * How well lines are understood, by two committed texts: words.tsv, what viewers ask for and what a
 * person would expect of it; chat.txt, what they say to one another, which must not be taken for a wish.
 * And how fast.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/rng.h"
#include "synsets/index.h"

enum {
    LINE_BYTES = 4096,
    CHAT_LINES = 18000,
    COMMAND_LINES = 2000,
    TEMPLATES_MAX = 4000,
    WORD_LINES_MIN = 500
};

static struct synsets_known everything(void)
{
    struct synsets_known known;
    for (int i = 0; i < SYNSET_COUNT; i++)
        known.known[i] = true;
    return known;
}

static FILE *open_text(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read; tests run in the repository's root", path);
    return f;
}

static bool is_of_kind(int synset, const char *kind, const struct synsets_known *known)
{
    int found[SYNSET_COUNT], count = synsets_browse(kind, known, found, SYNSET_COUNT);
    for (int i = 0; i < count; i++)
        if (found[i] == synset)
            return true;
    return false;
}

static bool is_right(const struct synsets_result *r, const char *answer, const struct synsets_known *known)
{
    char label[256];
    if (answer[0] == '-')
        return r->verdict != SYNSETS_OK;
    if (answer[0] == '?') {
        bool offered = false;
        for (int i = 0; i < r->suggestion_count; i++)
            offered = offered || strcmp(r->suggestion_name[i], answer + 1) == 0;
        return r->verdict == SYNSETS_UNSURE && offered;
    }
    if (r->verdict != SYNSETS_OK)
        return false;
    if (answer[0] == '~')
        return r->count == 1 && is_of_kind(r->synset[0], answer + 1, known);
    synsets_label(r, label, sizeof label);
    return strcmp(label, answer) == 0;
}

static void test_words(void **state)
{
    (void)state;
    struct synsets_known known = everything();
    FILE *f = open_text("tests/synsets/words.tsv");
    static char row[LINE_BYTES];
    int lines = 0, right = 0;
    while (fgets(row, sizeof row, f)) {
        char *rest = row, *answer = strsep(&rest, "\t\n");
        if (row[0] == '#')
            continue;
        for (const char *line; rest && (line = strsep(&rest, "\t\n")) && *line; lines++) {
            struct synsets_result r;
            synsets_resolve(line, strlen(line), &known, &r);
            if (is_right(&r, answer, &known)) {
                right++;
                continue;
            }
            char label[256];
            synsets_label(&r, label, sizeof label);
            print_message("  \"%s\" should be %s, is %s\n", line, answer, label[0] ? label : "refused");
        }
    }
    fclose(f);
    print_message("  %d of %d lines are understood as expected\n", right, lines);
    assert_true(lines >= WORD_LINES_MIN);
    assert_true(right * 100 >= lines * 97);
}

/* One of the lines that a template stands for: {a|b} is one of the two, an empty one included. */
static void expand(const char *template, struct rng *rng, char *out, size_t size)
{
    size_t n = 0;
    while (*template && n + 1 < size) {
        if (*template != '{') {
            out[n++] = *template ++;
            continue;
        }
        const char *end = strchr(template, '}'), *from = template + 1;
        int count = 1;
        for (const char *c = from; c < end; c++)
            count += *c == '|';
        for (uint32_t skip = rng_below(rng, (uint32_t)count); skip > 0; skip--)
            from = strchr(from, '|') + 1;
        for (; *from != '|' && *from != '}' && n + 1 < size; from++)
            out[n++] = *from;
        template = end + 1;
    }
    out[n] = '\0';
}

struct chat {
    char *templates[TEMPLATES_MAX];
    int count;
};

static void read_chat(struct chat *c)
{
    static char line[LINE_BYTES];
    FILE *f = open_text("tests/synsets/chat.txt");
    c->count = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#') {
            assert_true(c->count < TEMPLATES_MAX);
            c->templates[c->count++] = xstrdup(line);
        }
    }
    fclose(f);
}

static void free_chat(struct chat *c)
{
    for (int i = 0; i < c->count; i++)
        free(c->templates[i]);
}

/* Talk is no wish. Every template at least once, then at random. */
static void test_chat(void **state)
{
    (void)state;
    struct synsets_known known = everything();
    struct rng rng = rng_make(1, 1);
    struct chat chat;
    read_chat(&chat);
    int taken = 0;
    for (int i = 0; i < CHAT_LINES; i++) {
        char line[LINE_BYTES];
        int t = i < chat.count ? i : (int)rng_below(&rng, (uint32_t)chat.count);
        expand(chat.templates[t], &rng, line, sizeof line);
        struct synsets_result r;
        synsets_resolve(line, strlen(line), &known, &r);
        if ((r.verdict == SYNSETS_OK || r.verdict == SYNSETS_TOO_MANY) && synsets_is_plain(&r)) {
            char label[256];
            synsets_label(&r, label, sizeof label);
            print_message("  \"%s\" is taken for %s\n", line, label);
            taken++;
        }
    }
    free_chat(&chat);
    assert_int_equal(taken, 0);
}

/* Commands of the well-known bots, as people send them: the line is no wish, and without its "!", which is how an
 * unknown command is looked at, it is not plainly a name without a slip. Left out are those that are a thing to
 * look at ("!keyboard"): the chat's list of commands to ignore is for them. */
static void test_commands_of_others(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "!points",  "!clip",     "!sub",         "!watch",     "!watchtime",  "!slots",    "!drop",
        "!drops",   "!sr",       "!songrequest", "!skipsong",  "!song",       "!so",       "!shoutout",
        "!lurk",    "!unlurk",   "!uptime",      "!followage", "!accountage", "!title",    "!game",
        "!discord", "!socials",  "!twitter",     "!youtube",   "!prime",      "!gamble",   "!roulette",
        "!duel",    "!heist",    "!raffle",      "!join",      "!ticket",     "!giveaway", "!leaderboard",
        "!top",     "!rank",     "!elo",         "!quote",     "!addquote",   "!addcom",   "!editcom",
        "!delcom",  "!commands", "!permit",      "!host",      "!raid",       "!poll",     "!vote",
        "!bet",     "!timer",    "!hug",         "!slap",      "!8ball",      "!roll",     "!dice",
        "!love",    "!merch",    "!donate",      "!tip",       "!specs",      "!setup",    "!settings",
        "!sens",    "!dpi",      "!crosshair",   "!res",       "!mods",       "!server",   "!ip",
        "!seed",    "!schedule", "!next",        "!bits",      "!hype",       "!pb",       "!wr",
        "!time",    "!weather",  "!age",         "!height",    "!name",       "!birthday",
    };
    static const char *const arguments[] = {
        "",      " lion",   " @ann",    " 100", " all",   " pizza please",
        " Toto", " red 50", " the cat", " 1",   " help",  " despacito",
        " dog",  " ann 10", " on",      " off", " heads", " goldfish + pizza"};
    struct synsets_known known = everything();
    struct rng rng = rng_make(7, 7);
    for (int i = 0; i < COMMAND_LINES; i++) {
        char line[LINE_BYTES];
        snprintf(line, sizeof line, "%s%s", commands[rng_below(&rng, ARRAY_LEN(commands))],
                 arguments[rng_below(&rng, ARRAY_LEN(arguments))]);
        for (int behind = 0; behind < 2; behind++) {
            struct synsets_result r;
            synsets_resolve(line + behind, strlen(line + behind), &known, &r);
            bool slip = r.count > 0 && r.subject[0].slips > 0;
            if (synsets_is_plain(&r) && !slip)
                fail_msg("\"%s\" is taken for %s", line + behind, synset_table[r.synset[0]].names[0]);
        }
    }
}

/* A bare word is a wish without a command, as it was in 2015, unless it is an ordinary remark. */
static void test_plain(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool plain;
    } cases[] = {
        {"goldfish", true},
        {"volcanoes", true},
        {"dog", true},
        {"🍕", true},
        {"🍕🐸", true},
        {"volcno", true},
        {"golden retreiver", true},
        {"goldfish + cat", true},
        {"hammerhead", true},
        {"space shuttle", true},
        {"sub", false},
        {"subs", false},
        {"cap", false},
        {"top", false},
        {"solid", false},
        {"sweet", false},
        {"🐐", false},
        {"goat", false},
        {"hot", false},
        {"great", false},
        {"space", false},
        {"pizaa", false},
        {"cat + sub", false},
        {"bars", false},
        {"works", false},
        {"unicorn", false},
        {"", false},
        {"goldfish lol", false},
        {"fire", false},
    };
    struct synsets_known known = everything(), none = {{false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct synsets_result r;
        synsets_resolve(cases[i].line, strlen(cases[i].line), &known, &r);
        if ((r.verdict == SYNSETS_OK && synsets_is_plain(&r)) != cases[i].plain)
            fail_msg("\"%s\" should %sbe plain", cases[i].line, cases[i].plain ? "" : "not ");
        if (strchr(cases[i].line, '+'))
            continue; /* the first part alone is what is lacking */
        synsets_resolve(cases[i].line, strlen(cases[i].line), &none, &r);
        if ((r.verdict == SYNSETS_LACKING && synsets_is_plain(&r)) != cases[i].plain)
            fail_msg("\"%s\" should %sbe plain where it is lacking", cases[i].line,
                     cases[i].plain ? "" : "not ");
    }
}

/* Every picture's word is in the index, and they are in order. */
static void test_pictures(void **state)
{
    (void)state;
    assert_true(synsets_emoji_count >= 150);
    for (int i = 0; i < synsets_emoji_count; i++) {
        if (!synsets_find(synsets_emojis[i].word))
            fail_msg("picture %x: \"%s\" is no text of the index", synsets_emojis[i].code,
                     synsets_emojis[i].word);
        assert_true(i == 0 || synsets_emojis[i - 1].code < synsets_emojis[i].code);
    }
    for (int i = 1; i < synsets_ordinary_count; i++)
        assert_true(strcmp(synsets_ordinary[i - 1], synsets_ordinary[i]) < 0);
}

/* 100,000 lines a second on one core, and nothing from the heap. Half are talk, half wishes,
 * slips among them. */
static void test_speed(void **state)
{
    (void)state;
    enum { ROUNDS = 40000 };
    static const char *const wishes[] = {"goldfish",  "volcno",        "Great White Shark", "🍕",
                                         "dog + cat", "café ＋ pizza", "golden retreiver",  "the zebras"};
    struct synsets_known known = everything();
    struct rng rng = rng_make(2, 2);
    struct chat chat;
    read_chat(&chat);
    static char lines[1024][256];
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (i % 2)
            expand(chat.templates[rng_below(&rng, (uint32_t)chat.count)], &rng, lines[i], sizeof lines[i]);
        else
            snprintf(lines[i], sizeof lines[i], "%s", wishes[i / 2 % ARRAY_LEN(wishes)]);
    free_chat(&chat);
    struct synsets_result r;
    synsets_resolve("pizza", 5, &known, &r);
    size_t heap = mallinfo2().uordblks;
    int64_t began_us = clock_real_us();
    for (int i = 0; i < ROUNDS; i++) {
        const char *line = lines[i % (int)ARRAY_LEN(lines)];
        synsets_resolve(line, strlen(line), &known, &r);
    }
    double seconds = (double)(clock_real_us() - began_us) / 1e6;
    assert_int_equal(mallinfo2().uordblks, heap);
    print_message("  %.0f lines/s\n", ROUNDS / seconds);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(ROUNDS / seconds > 20000); /* other work may share the core; alone it is over 100,000 */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_chat),
        cmocka_unit_test(test_commands_of_others),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
