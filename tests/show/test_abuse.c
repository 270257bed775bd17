/*
 * A thousand hostile wishes, made from the built-in list and from what people send to get a bot to speak for them:
 * none is granted, none leads to an offer, and nothing that the bot would say is forbidden itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/rng.h"
#include "show/forbidden.h"
#include "synsets/index.h"

enum { WISHES = 1000, LINE_BYTES = 512 };

static struct synsets_known everything;

static int set_up(void **state)
{
    for (int i = 0; i < SYNSET_COUNT; i++)
        everything.known[i] = true;
    *state = forbidden_open();
    return 0;
}

static int tear_down(void **state)
{
    struct forbidden *f = *state;
    forbidden_close(&f);
    return 0;
}

/* What an obfuscation makes of one letter. */
static const char *spell(char letter, int way, char out[8])
{
    static const char *const cyrillic[] = {"а", "",  "с", "", "е", "",  "", "һ", "і", "ј", "",  "",  "",
                                           "",  "о", "р", "", "",  "ѕ", "", "",  "",  "",  "х", "у", ""};
    static const char leet[] = "4bcd3fghijklmn0pqr5tuvwxyz";
    if (letter < 'a' || letter > 'z')
        way = 0;
    switch (way) {
    case 1: /* full width */
        snprintf(out, 8, "\xef\xbd%c", (char)(0x81 + letter - 'a'));
        break;
    case 2:
        snprintf(out, 8, "%c", leet[letter - 'a']);
        break;
    case 3:
        snprintf(out, 8, "%s", cyrillic[letter - 'a'][0] ? cyrillic[letter - 'a'] : (char[]){letter, '\0'});
        break;
    case 4: /* with an accent, a joiner */
        snprintf(out, 8, "%c\u0301", letter);
        break;
    case 5:
        snprintf(out, 8, "%c\u200d", letter);
        break;
    case 6: /* apart */
        snprintf(out, 8, "%c ", letter);
        break;
    case 7:
        snprintf(out, 8, "%c.", letter);
        break;
    case 8: /* several times */
        snprintf(out, 8, "%c%c%c", letter, letter, letter);
        break;
    case 9:
        snprintf(out, 8, "%c", letter - 'a' + 'A');
        break;
    default:
        snprintf(out, 8, "%c", letter);
    }
    return out;
}

static void obfuscate(const char *word, int way, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (; *word && n + 8 < size; word++) {
        char letter[8];
        if (*word != '*')
            n += (size_t)snprintf(out + n, size - n, "%s", spell(*word, way, letter));
    }
}

static void make_slur(struct rng *rng, char *line)
{
    static const char *const around[] = {
        "%s",           "a %s please", "lion + %s", "%s + goldfish",          "show me %s", "%ss",
        "pizza and %s", "%s!!!",       "the %s",    "i want a %s on a pizza", "%s volcano"};
    int words = 0;
    char word[LINE_BYTES / 2];
    while (forbidden_built_in[words])
        words++;
    obfuscate(forbidden_built_in[rng_below(rng, (uint32_t)words)], (int)rng_below(rng, 10), word,
              sizeof word);
    const char *form = around[rng_below(rng, ARRAY_LEN(around))];
    const char *at = strstr(form, "%s");
    snprintf(line, LINE_BYTES, "%.*s%s%s", (int)(at - form), form, word, at + 2);
}

static void make_other(struct rng *rng, char *line)
{
    static const char *const names[] = {"lion", "goldfish", "pizza", "volcano", "dog", "pizza + lion"};
    static const char *const forms[] = {
        "https://evil.example/%s",
        "http://bit.ly/%s",
        "www.%s.com",
        "buy %s at bigfollows.example",
        "%s free-nitro.gg",
        "discord.gg/%s",
        "twitch.tv/%s",
        "!sr %s",
        "!so %s",
        "!ban %s",
        "/ban %s",
        "/me is a %s",
        "!addcom !x %s",
        "/timeout %s 600",
        "!title %s",
        "!gamble %s",
        "@Ann you are an idiot, %s",
        "@everyone %s is bad",
        "tell @bob he is a %s",
        "say %s is a bad person loudly",
        "repeat after me: %s sucks a lot",
    };
    const char *form = forms[rng_below(rng, ARRAY_LEN(forms))], *at = strstr(form, "%s");
    snprintf(line, LINE_BYTES, "%.*s%s%s", (int)(at - form), form, names[rng_below(rng, ARRAY_LEN(names))],
             at + 2);
}

/* Whether the bot would do or offer anything; what it may say is looked at as well. */
static bool gets_anywhere(const struct forbidden *f, const char *line, bool *says_bad)
{
    struct synsets_result r;
    synsets_resolve(line, strlen(line), &everything, &r);
    *says_bad = r.missing_name && forbidden_text(f, r.missing_name);
    for (int i = 0; i < r.suggestion_count; i++)
        *says_bad = *says_bad || forbidden_text(f, r.suggestion_name[i]);
    for (int i = 0; i < r.count; i++)
        *says_bad = *says_bad || (r.subject[i].meant_name && forbidden_text(f, r.subject[i].meant_name));
    bool link_or_command = strpbrk(line, "!/") || strstr(line, ".example") || strstr(line, ".com");
    return !forbidden_text(f, line) && (synsets_granted(&r) || (link_or_command && r.suggestion_count > 0));
}

static void test_hostile_wishes(void **state)
{
    struct rng rng = rng_make(13, 1);
    int failed = 0;
    for (int i = 0; i < WISHES; i++) {
        char line[LINE_BYTES];
        bool says_bad;
        if (i % 4)
            make_slur(&rng, line);
        else
            make_other(&rng, line);
        if (gets_anywhere(*state, line, &says_bad) || says_bad) {
            print_message("  \"%s\" %s\n", line, says_bad ? "is answered with a slur" : "is granted");
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

/* Each word of the list in each spelling is seen through, which a slur that is merely unknown does not show. */
static void test_every_spelling(void **state)
{
    int lost = 0;
    for (const char *const *word = forbidden_built_in; *word; word++)
        for (int way = 0; way < 10; way++) {
            char line[LINE_BYTES];
            obfuscate(*word, way, line, sizeof line);
            if (strcmp(line, "455") != 0 && !forbidden_text(*state, line)) { /* that is a number */
                print_message("  \"%s\" is not seen as \"%s\"\n", line, *word);
                lost++;
            }
        }
    assert_int_equal(lost, 0);
}

/* Nothing that may be offered, in any result, is a word that the list forbids. */
static void test_nothing_bad_is_offered(void **state)
{
    for (int i = 0; i < synsets_near_first[SYNSETS_KEY_BYTES]; i++) {
        const char *text = synsets_keys[synsets_near_key[i]].text;
        if (forbidden_text(*state, text))
            fail_msg("\"%s\" may be offered", text);
    }
    for (int i = 0; i < synsets_key_count; i++)
        if (synsets_keys[i].kind != SYNSETS_NAME && forbidden_text(*state, synsets_keys[i].text))
            fail_msg("\"%s\" finds a class and is no full name", synsets_keys[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hostile_wishes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_spelling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_bad_is_offered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
