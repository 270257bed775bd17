/*
 * Text from outside: cleaning for the screen, cuts on character borders, and the distance of words against a
 * recursion that follows the definition.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "common/text.h"

static void cleans_to(const char *in, const char *out)
{
    char got[256];
    size_t n = text_clean(got, sizeof got, in, strlen(in));
    assert_string_equal(got, out);
    assert_int_equal(n, strlen(out));
}

static void keeps_what_can_be_read(void **state)
{
    (void)state;
    cleans_to("", "");
    cleans_to("goldfish + volcano", "goldfish + volcano");
    cleans_to("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
    cleans_to("\xd1\x80\xd1\x8b\xd0\xb1\xd0\xb0 \xe9\x87\x91\xe9\xad\x9a",
              "\xd1\x80\xd1\x8b\xd0\xb1\xd0\xb0 \xe9\x87\x91\xe9\xad\x9a");
    cleans_to("\xf0\x9f\x90\xa0", "\xf0\x9f\x90\xa0");
    cleans_to("\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4\xef\xb8\x8f"); /* heart with its variation selector */
    cleans_to("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
              "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"); /* joined */
    cleans_to("e\xcc\x81", "e\xcc\x81");
}

static void white_space_becomes_one_blank(void **state)
{
    (void)state;
    cleans_to("  a \t\r\n b  ", "a b");
    cleans_to("\n", "");
    cleans_to("a\xc2\xa0\xe3\x80\x80\xe2\x80\xa8"
              "b",
              "a b");
    cleans_to("a \xe2\x80\x8b b", "a b");
}

static void drops_what_turns_or_hides(void **state)
{
    (void)state;
    cleans_to("a\xe2\x80\xae"
              "b",
              "ab");                             /* U+202E right-to-left override */
    cleans_to("\xe2\x81\xa6x\xe2\x81\xa9", "x"); /* isolates */
    cleans_to("\xef\xbb\xbf"
              "a\xe2\x80\x8b",
              "a"); /* byte order mark, zero width space */
    cleans_to("a\xf3\xa0\x81\x81"
              "b",
              "ab"); /* tag letters */
    cleans_to("a\x1b[31m\x07\x7f\xc2\x9b"
              "b",
              "a[31mb");
    cleans_to("a\xe3\x85\xa4", "a");               /* Hangul filler: nothing to see */
    cleans_to("\xee\x80\x80\xf4\x8f\xbf\xbd", ""); /* private use */
    cleans_to("\xef\xbf\xbe\xef\xbf\xbf", "");     /* noncharacters */
}

static void at_most_three_marks(void **state)
{
    (void)state;
    cleans_to("a\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85"
              "b",
              "a\xcc\x81\xcc\x82\xcc\x83"
              "b");
    cleans_to("\xcc\x81"
              "a",
              "a"); /* nothing to stand on */
    cleans_to("a \xcc\x81"
              "b",
              "a b");
    cleans_to("\xe2\x80\x8d\xe2\x80\x8d", ""); /* a name of joiners only */
    cleans_to("a\xcc\x81\xcc\x82\xcc\x83\xe2\x80\x8d\xcc\x84\xcc\x85\xcc\x86\xcc\x87",
              "a\xcc\x81\xcc\x82\xcc\x83");
    cleans_to("\xe0\xb8\x81\xe0\xb9\x87\xe0\xb9\x87\xe0\xb9\x87\xe0\xb9\x87\xe0\xb9\x87",
              "\xe0\xb8\x81\xe0\xb9\x87\xe0\xb9\x87\xe0\xb9\x87"); /* Thai */
}

/* Whatever script they are of: vowel signs of Arabic, subjoined letters of Tibetan, Khmer, musical symbols. */
static void at_most_three_marks_of_any_script(void **state)
{
    (void)state;
    static const char *const marks[] = {"\u08e4", "\u0fad", "\u17d2", "\u0f7e",     "\u135d",
                                        "\u1dc4", "\u20dd", "\ua8e0", "\U0001e8d0", "\ufe20"};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        char in[128] = "a", expected[32] = "a";
        for (int k = 0; k < 20; k++)
            strcat(in, marks[i]);
        for (int k = 0; k < 3; k++)
            strcat(expected, marks[i]);
        cleans_to(in, expected);
    }
}

/* Two names that look the same are the same. */
static void joins_nothing_in_ascii(void **state)
{
    (void)state;
    cleans_to("a\u200dnn\u200c", "ann");
    cleans_to("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"); /* Devanagari needs it */
}

static void escapes_to(const char *in, const char *out)
{
    char got[256];
    assert_int_equal(text_escape(got, sizeof got, in), strlen(out));
    assert_string_equal(got, out);
    assert_string_equal(text_shown(in).text, out);
}

static void escapes_what_steers_a_terminal(void **state)
{
    (void)state;
    escapes_to("", "");
    escapes_to("goldfish \\ gr\u00fc\u00df", "goldfish \\ gr\u00fc\u00df");
    escapes_to("\x1b]0;x\x07", "\\x1b]0;x\\x07");
    escapes_to("a\rb\nc\t", "a\\x0db\\x0ac\\x09");
    escapes_to("\x7f\xc2\x9b", "\\x7f\\xc2\\x9b");
    escapes_to("\xff\xe2\x82", "\\xff\\xe2\\x82");
    escapes_to("\u202egnp\u2066\u061c\u2028", "\\xe2\\x80\\xaegnp\\xe2\\x81\\xa6\\xd8\\x9c\\xe2\\x80\\xa8");
}

/* Any bytes into any room: terminated, one line, and cut between characters. */
static void escapes_any_bytes(void **state)
{
    (void)state;
    struct rng r = rng_make(6, 1);
    for (int i = 0; i < 30000; i++) {
        char in[40], out[64];
        size_t n = rng_below(&r, sizeof in), size = 8 + rng_below(&r, 50);
        for (size_t j = 0; j < n; j++)
            in[j] = (char)(1 + rng_below(&r, 255));
        in[n] = '\0';
        memset(out, 0x5a, sizeof out);
        size_t length = text_escape(out, size, in);
        assert_true(length < size && strlen(out) == length && out[size] == 0x5a);
        assert_int_equal(text_line_bytes(out, length), length);
    }
}

static void drops_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    cleans_to("a\xff"
              "b",
              "ab");
    cleans_to("a\xc3", "a");
    cleans_to("\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", ""); /* overlong */
    cleans_to("\xed\xa0\x80\xed\xbf\xbf", "");             /* surrogates */
    cleans_to("\xf4\x90\x80\x80\xf5\x80\x80\x80", "");     /* beyond U+10FFFF */
    cleans_to("\xe2\x82"
              "a",
              "a");
    char out[16];
    assert_int_equal(text_clean(out, sizeof out, "a\0b", 3), 2);
    assert_string_equal(out, "ab");
}

/* Random bytes, every output size: valid, terminated, no blank at an end, and cleaning
 * again changes nothing. */
static void hostile_bytes(void **state)
{
    (void)state;
    static const unsigned char likely[] = {0x20, 0x61, 0xc2, 0xcc, 0x81, 0xe2, 0x80, 0x8b,
                                           0xae, 0xf0, 0x9f, 0xa0, 0xed, 0xff, 0x00, 0x0a,
                                           0xe0, 0xb9, 0x87, 0xf3, 0xef, 0xbf, 0xbb, 0x8d};
    struct rng r = rng_make(5, 1);
    for (int i = 0; i < 30000; i++) {
        char in[48], out[64], again[64];
        size_t n = rng_below(&r, sizeof in + 1);
        for (size_t j = 0; j < n; j++)
            in[j] = (char)(rng_below(&r, 4) ? likely[rng_below(&r, sizeof likely)] : rng_below(&r, 256));
        size_t size = 1 + rng_below(&r, 60);
        memset(out, 0x5a, sizeof out);
        char *exact = xmalloc(n ? n : 1); /* so that a sanitizer sees a read beyond the end */
        memcpy(exact, in, n);
        size_t length = text_clean(out, size, exact, n);
        assert_true(length < size && out[length] == '\0' && strlen(out) == length);
        assert_int_equal(out[size], 0x5a);
        assert_int_equal(text_line_bytes(out, length), length);
        assert_true(length == 0 || (out[0] != ' ' && out[length - 1] != ' '));
        assert_int_equal(text_clean(again, sizeof again, out, length), length);
        assert_string_equal(again, out);
        assert_true(text_line_bytes(exact, n) <= n);
        free(exact);
    }
}

static void finds_the_first_bad_byte(void **state)
{
    (void)state;
    assert_int_equal(text_line_bytes("", 0), 0);
    assert_int_equal(text_line_bytes("abc", 3), 3);
    assert_int_equal(text_line_bytes("ab\nc", 4), 2);
    assert_int_equal(text_line_bytes("\xc3\xa4\xc3", 3), 2);
    assert_int_equal(text_line_bytes("a\0b", 3), 1);
    assert_int_equal(text_line_bytes("a\xc2\x85", 3), 1);
    assert_int_equal(text_line_bytes("a\xe2\x80\xa9", 4), 1);
}

static void copies_cut_between_characters(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa4\xe9\x87\x91\xf0\x9f\x90\xa0z"; /* 1 + 2 + 3 + 4 + 1 bytes */
    static const size_t fits[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t size = 1; size <= 13; size++) {
        char out[16];
        memset(out, 0x5a, sizeof out);
        assert_int_equal(text_copy(out, size, text), fits[size - 1]);
        assert_int_equal(strlen(out), fits[size - 1]);
        assert_memory_equal(out, text, fits[size - 1]);
        assert_int_equal(out[size], 0x5a);
    }
}

/* Optimal string alignment by its definition. */
static int naive(const char *a, int na, const char *b, int nb)
{
    if (na == 0 || nb == 0)
        return na + nb;
    int best = naive(a, na - 1, b, nb - 1) + (a[na - 1] != b[nb - 1]);
    int removed = naive(a, na - 1, b, nb) + 1, added = naive(a, na, b, nb - 1) + 1;
    best = removed < best ? removed : best;
    best = added < best ? added : best;
    if (na > 1 && nb > 1 && a[na - 1] == b[nb - 2] && a[na - 2] == b[nb - 1]) {
        int swapped = naive(a, na - 2, b, nb - 2) + 1;
        best = swapped < best ? swapped : best;
    }
    return best;
}

/* The words of up to four letters out of "abc", numbered. */
static int spell(int number, char word[8])
{
    int n = 0;
    for (; number > 0; number = (number - 1) / 3)
        word[n++] = "abc"[(number - 1) % 3];
    word[n] = '\0';
    return n;
}

static void distances_of_all_short_words(void **state)
{
    (void)state;
    enum { WORDS = 1 + 3 + 9 + 27 + 81 };
    for (int i = 0; i < WORDS; i++) {
        for (int j = 0; j < WORDS; j++) {
            char a[8], b[8];
            int na = spell(i, a), nb = spell(j, b), exact = naive(a, na, b, nb);
            for (int limit = 0; limit <= 5; limit++)
                assert_int_equal(text_distance(a, b, limit), exact <= limit ? exact : limit + 1);
        }
    }
}

static void distances_of_long_words(void **state)
{
    (void)state;
    char a[80], b[80];
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    a[63] = b[63] = '\0';
    b[10] = 'x';
    b[62] = 'y';
    assert_int_equal(text_distance(a, b, 3), 2);
    a[63] = b[63] = 'a';
    a[64] = b[64] = '\0';
    assert_int_equal(text_distance(a, b, 3), 4); /* over 63 bytes: far apart */
    assert_int_equal(text_distance(a, a, 3), 0); /* unless equal */
    assert_int_equal(text_distance("goldfish", "godlfish", 2), 1);
    assert_int_equal(text_distance("", "abc", 3), 3);
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void hashes_tell_texts_apart(void **state)
{
    (void)state;
    assert_true(text_hash("goldfish") == text_hash("goldfish"));
    assert_true(text_hash("goldfish") != text_hash("Goldfish"));
    assert_true(text_hash_caseless("GoldFish") == text_hash_caseless("goldfish"));
    assert_true(text_hash_caseless("GoldFish") == text_hash("goldfish"));
    assert_true(text_hash_caseless("\xc3\x84") != text_hash_caseless("\xc3\xa4")); /* no ASCII: as it is */
    static uint64_t seen[26 * 26 * 26];
    int count = 0;
    for (char a = 'a'; a <= 'z'; a++)
        for (char b = 'a'; b <= 'z'; b++)
            for (char c = 'a'; c <= 'z'; c++)
                seen[count++] = text_hash((const char[]){a, b, c, '\0'});
    qsort(seen, ARRAY_LEN(seen), sizeof *seen, compare_hashes);
    for (size_t i = 1; i < ARRAY_LEN(seen); i++)
        assert_true(seen[i] != seen[i - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_can_be_read),
        cmocka_unit_test(white_space_becomes_one_blank),
        cmocka_unit_test(drops_what_turns_or_hides),
        cmocka_unit_test(at_most_three_marks),
        cmocka_unit_test(drops_bytes_that_are_not_utf8),
        cmocka_unit_test(hostile_bytes),
        cmocka_unit_test(finds_the_first_bad_byte),
        cmocka_unit_test(copies_cut_between_characters),
        cmocka_unit_test(distances_of_all_short_words),
        cmocka_unit_test(distances_of_long_words),
        cmocka_unit_test(hashes_tell_texts_apart),
        cmocka_unit_test(at_most_three_marks_of_any_script),
        cmocka_unit_test(joins_nothing_in_ascii),
        cmocka_unit_test(escapes_what_steers_a_terminal),
        cmocka_unit_test(escapes_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
