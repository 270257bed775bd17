/*
 * Forbidden words, as people spell them to get past a list, and innocent lines that hold the same letters.
 * The words of the test's own list are made up; those of the built-in list are found by its own lines.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "show/forbidden.h"
#include "synsets/index.h"
#include "synsets/skeleton.h"

static int set_up(void **state)
{
    struct forbidden *f = forbidden_open();
    assert_int_equal(forbidden_add(f, "zorgle", FORBIDDEN_FILE), 0);
    assert_int_equal(forbidden_add(f, "blit", FORBIDDEN_FILE), 0);
    assert_int_equal(forbidden_add(f, "quork*", FORBIDDEN_FILE), 0);
    assert_int_equal(forbidden_add(f, "*snarf*", FORBIDDEN_FILE), 0);
    assert_int_equal(forbidden_add(f, "two words", FORBIDDEN_FILE), 0);
    assert_int_equal(forbidden_add(f, "хрюк", FORBIDDEN_FILE), 0);
    assert_int_equal(forbidden_add(f, "spider", FORBIDDEN_FILE), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct forbidden *f = *state;
    forbidden_close(&f);
    return 0;
}

static void test_skeletons(void **state)
{
    (void)state;
    static const struct {
        const char *text, *read, *blanked;
    } cases[] = {
        {"Zorgle", "zorgie", "zorgie"},
        {"z0rg13", "zorgie", "z rg"},
        {"ｚｏｒｇｌｅ", "zorgie", "zorgie"},
        {"zörglé", "zorgie", "zorgie"},
        {"z\u200do\u00adr\u0336gle", "zorgie", "zorgie"},
        {"ᴢᴏʀɢʟᴇ", "zorgie", "zorgie"},
        {"Ζοrglе", "zorgie", "zorgie"}, /* Greek and Cyrillic */
        {"НОТ", "hot", "hot"},          /* Cyrillic capitals */
        {"нот", "hot", "hot"},          /* and what they become in lower case */
        {"🅉🅞🅡🅖🅛🅔", "zorgie", "zorgie"},
        {"z*rgle!", "z*rgie", "z rgie"},
        {"455 a$$", "455 ass", "455 a"},
        {"a.b-c_d", "ab c d", "ab c d"},
        {"火山", "火山", "火山"},
        {"...", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char read[128], blanked[128];
        skeleton_fold(read, sizeof read, cases[i].text, SKELETON_SIGNS_READ);
        skeleton_fold(blanked, sizeof blanked, cases[i].text, SKELETON_SIGNS_BLANKED);
        assert_string_equal(read, cases[i].read);
        assert_string_equal(blanked, cases[i].blanked);
    }
    char small[5];
    assert_true(skeleton_fold(small, sizeof small, "goldfish", SKELETON_SIGNS_READ) < sizeof small);
}

static void test_texts(void **state)
{
    static const char *const found[] = {
        "zorgle",
        "a ZORGLE please",
        "zorgles",
        "zzoorrggllee",
        "z o r g l e",
        "z.o.r.g.l.e",
        "zor gle",
        "z0rgle",
        "zorgle88",
        "$zorgle$",
        "Ｚｏｒｇｌｅ",
        "zоrgle",
        "z\u200dorgle",
        "z*rgle",
        "zorgle!!!",
        "say zorgle",
        "blit",
        "b l i t",
        "bl it",
        "quorkish",
        "quork",
        "unsnarfed",
        "s n a r f",
        "two words",
        "twowords",
        "хрюк",
        "ХРЮК",
        "nigg3r",
        "n i g g e r",
        "ＮＩＧＧＥＲ",
        "nnniiiggggeeer",
        "n!gger",
        "h1tler",
        "hïtler",
        "ｈｉｔｌｅｒ",
        "h i t l e r",
        "hitlers",
        "HITLER",
        "a$$",
        "Н1ТLЕR",
        "kkkkkk",
        "f*ck",
    };
    static const char *const innocent[] = {
        "goldfish",   "bass",           "glass",          "a pen is red", "Scunthorpe",  "raccoon",
        "snigger",    "zorg",           "sublit",         "blitter",      "therapist",   "cockatoo",
        "hot dog",    "spider",         "shiitake",       "455",          "torpedo",     "peninsula",
        "grape",      "document",       "analyst",        "pussycat",     "hello there", "",
        "wash it",    "saltwater",      "titmouse",       "rapping",      "poorness",    "tilt",
        "annals",     "Shiite",         "maine coon",     "blue tit",     "Whittier",    "agapornis",
        "horny frog", "e. e. cummings", "class assembly", "Essex",
    };
    for (size_t i = 0; i < ARRAY_LEN(found); i++)
        if (!forbidden_text(*state, found[i]))
            fail_msg("\"%s\" should be found", found[i]);
    for (size_t i = 0; i < ARRAY_LEN(innocent); i++)
        if (forbidden_text(*state, innocent[i]))
            fail_msg("\"%s\" should be let through", innocent[i]);
}

static void test_names(void **state)
{
    static const char *const found[] = {
        "zorgle",    "zorgle123",    "xXzorgleXx",   "Zorgles",     "zorg_le",    "ｚｏｒｇｌｅ",
        "z0rgle",    "z\u200dorgle", "big_blit_x",   "superblit",   "snarfer",    "HitlerFan88",
        "hitler123", "H1tler",       "xx_hitler_xx", "niggerlover", "CoonHunter", "coon88",
        "the_coon",  "n1gg3r",       "ＨＩＴＬＥＲ", "c.o.o.n",
    };
    static const char *const innocent[] = {
        "ann",     "raccoon_fan", "RacoonCity", "Nigeria",   "grapes",     "bass_player",
        "Dickens", "analyst99",   "xX_lion_Xx", "SpiderMan", "Scunthorpe", "Essex_girl",
        "cumulus", "torpedo",     "Yoshitaka",  "Kassandra", "ハンサム",
    };
    for (size_t i = 0; i < ARRAY_LEN(found); i++)
        if (!forbidden_name(*state, found[i]))
            fail_msg("the name \"%s\" should be found", found[i]);
    for (size_t i = 0; i < ARRAY_LEN(innocent); i++)
        if (forbidden_name(*state, innocent[i]))
            fail_msg("the name \"%s\" should be let through", innocent[i]);
}

/* The full name of a class may always be said, "coon bear" too. */
static void test_class_names(void **state)
{
    for (int s = 0; s < SYNSET_COUNT; s++)
        for (const char *const *name = synset_table[s].names; *name; name++)
            if (forbidden_text(*state, *name))
                fail_msg("\"%s\" is the name of a class", *name);
}

static void test_changes(void **state)
{
    struct forbidden *f = *state;
    int spider = synsets_by_wnid("n01773549"); /* barn spider */
    assert_true(forbidden_class(f, spider));
    assert_false(forbidden_text(f, "spider")); /* the class is forbidden, not the word */
    assert_int_equal(forbidden_allow(f, "spider"), 0);
    assert_false(forbidden_class(f, spider));
    assert_int_equal(forbidden_allow(f, "spider"), -ENOENT);
    assert_int_equal(forbidden_add(f, "spider", FORBIDDEN_MODERATOR), 0);
    assert_true(forbidden_class(f, spider));

    assert_int_equal(forbidden_add(f, "flumph", FORBIDDEN_MODERATOR), 0);
    assert_int_equal(forbidden_add(f, "FLUMPH", FORBIDDEN_MODERATOR), -EEXIST);
    assert_int_equal(forbidden_add(f, "***", FORBIDDEN_MODERATOR), -EINVAL);
    assert_int_equal(forbidden_allow(f, "*hitler*"), 0);
    assert_false(forbidden_text(f, "hitler"));
    forbidden_forget_file(f);
    assert_false(forbidden_text(f, "zorgle"));
    assert_true(forbidden_text(f, "flumph"));
    assert_false(forbidden_text(f, "hitler"));
    assert_true(forbidden_class(f, spider));

    char word[32];
    int rc = 0;
    for (int i = 0; rc == 0; i++) {
        snprintf(word, sizeof word, "w%cx%cx%cx%cx", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26,
                 'a');
        rc = forbidden_add(f, word, FORBIDDEN_FILE);
    }
    assert_int_equal(rc, -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_skeletons, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_class_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
