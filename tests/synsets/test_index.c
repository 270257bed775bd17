/*
 * What stands behind resolution: every name is found, the index is sorted, distances are right, and bytes of every kind
 * do no harm.
 */
#include "common/mem.h"
#include "common/rng.h"
#include "common/text.h"
#include "synsets/index.h"
#include "tests/synsets/classes.h"

/* Every name of every class finds a class that has that name, but where people mean something else by it. */
static void test_every_name(void **state)
{
    (void)state;
    static const char *const meant_otherwise[] = {"painter", "trump", "ai", "chopper", "plane", "head"};
    struct synsets_known known = everything();
    for (int i = 0; i < SYNSET_COUNT; i++)
        for (const char *const *name = synset_table[i].names; *name; name++) {
            struct synsets_result r;
            synsets_resolve(*name, strlen(*name), &known, &r);
            bool otherwise = false; /* meant by people */
            for (size_t c = 0; c < ARRAY_LEN(meant_otherwise); c++)
                otherwise = otherwise || strcmp(meant_otherwise[c], *name) == 0;
            if (otherwise)
                continue;
            if (r.verdict != SYNSETS_OK ||
                (r.subject[0].how != SYNSETS_NAME && r.subject[0].how != SYNSETS_EVERYDAY))
                fail_msg("%s is not found", *name);
            bool among = false;
            for (int c = 0; c < r.subject[0].choice_count; c++)
                among = among || r.subject[0].choices[c] == i;
            if (!among)
                fail_msg("%s does not find class %d", *name, i);
        }
}

static void test_index_is_sorted(void **state)
{
    (void)state;
    for (int i = 1; i < synsets_key_count; i++)
        assert_true(strcmp(synsets_keys[i - 1].text, synsets_keys[i].text) < 0);
    for (int n = 0; n < SYNSETS_KEY_BYTES; n++)
        for (int i = synsets_near_first[n]; i < synsets_near_first[n + 1]; i++) {
            const char *text = synsets_keys[synsets_near_key[i]].text;
            assert_int_equal((int)strlen(text), n);
            assert_int_equal(synsets_near_letters[i], synsets_letters(text));
        }
}

/* Keys pass through fold unchanged: the generator's folding and ours are the same. */
static void test_fold_agrees_with_generator(void **state)
{
    (void)state;
    char folded[SYNSETS_KEY_BYTES];
    for (int i = 0; i < synsets_key_count; i++) {
        synsets_fold(folded, sizeof folded, synsets_keys[i].text, strlen(synsets_keys[i].text));
        assert_string_equal(folded, synsets_keys[i].text);
    }
}

/* The bit-parallel distance is text_distance. */
static void test_distance(void **state)
{
    (void)state;
    struct rng rng = rng_make(5, 1);
    for (int round = 0; round < 200000; round++) {
        char a[64], b[64];
        int na = (int)rng_below(&rng, round % 10 ? 9 : 63), nb = (int)rng_below(&rng, round % 10 ? 9 : 63);
        for (int i = 0; i < na; i++)
            a[i] = (char)('a' + rng_below(&rng, 3));
        for (int i = 0; i < nb; i++)
            b[i] = (char)('a' + rng_below(&rng, 3));
        a[na] = b[nb] = '\0';
        struct synsets_pattern p;
        synsets_pattern_init(&p, a);
        if (synsets_pattern_distance(&p, b) != text_distance(a, b, 63))
            fail_msg("\"%s\" and \"%s\": %d, expected %d", a, b, synsets_pattern_distance(&p, b),
                     text_distance(a, b, 63));
    }
}

static void test_relations(void **state)
{
    (void)state;
    int goldfish = index_of("goldfish"), tench = index_of("tench"), volcano = index_of("volcano");
    assert_int_equal(synsets_distance(goldfish, goldfish), 0);
    assert_int_equal(synsets_distance(goldfish, tench), synsets_distance(tench, goldfish));
    assert_true(synsets_distance(goldfish, tench) < synsets_distance(goldfish, volcano));
    assert_int_equal(synsets_by_wnid("n01443537"), goldfish);
    assert_int_equal(goldfish, 1);
    assert_int_equal(synsets_by_wnid("n00000000"), -1);
    assert_int_equal(synsets_by_wnid(""), -1);

    struct synsets_known known = everything(), none = {{false}};
    int out[8];
    int count;
    const char *shared;
    assert_int_equal(synsets_stand_in(goldfish, &known, out, &count, &shared), tench);
    assert_int_equal(synsets_stand_in(goldfish, &none, out, &count, &shared), -1);
    assert_int_equal(count, 0);
    known = none; /* violins do not stand in for accordions, but are of a kind that people know */
    known.known[index_of("violin")] = known.known[volcano] = true;
    assert_int_equal(synsets_stand_in(index_of("accordion"), &known, out, &count, &shared), -1);
    assert_int_equal(count, 1);
    assert_int_equal(out[0], index_of("violin"));
    assert_string_equal(shared, "musical instrument");
    known = everything();
    assert_int_equal(synsets_browse("", &known, out, 8), SYNSET_COUNT);
    assert_int_equal(synsets_browse("dog", &known, out, 8), 118);
    assert_int_equal(synsets_browse("goldfish", &known, out, 8), 1);
    assert_int_equal(out[0], goldfish);
    assert_int_equal(synsets_browse("volcan", &known, out, 8), 1); /* a part of a name */
    assert_int_equal(synsets_browse("qqq", &known, out, 8), 0);
    assert_int_equal(synsets_browse("dog", &none, out, 8), 0);
}

/* Bytes of every kind: nothing may be read or written out of bounds, and every answer is well-formed. */
static void test_hostile_bytes(void **state)
{
    (void)state;
    static const char *const bits[] = {
        "goldfish",         " and ", "+",  ",",    "&",     " ",        "a ", "\xff", "\xc3", "\xe2\x80",
        "\xf0\x9f\x90\xb8", "\0",    "\n", "the ", "black", "\xcc\x81", "'",  "-"};
    struct synsets_known known = everything();
    struct rng rng = rng_make(11, 2);
    static char line[3 * SYNSETS_LINE_BYTES];
    for (int round = 0; round < 60000; round++) {
        size_t bytes = rng_below(&rng, round % 100 ? 80 : sizeof line), n = 0;
        while (n < bytes) {
            const char *bit = bits[rng_below(&rng, ARRAY_LEN(bits))];
            size_t length = *bit ? strlen(bit) : 1;
            if (round % 2 || n + length > bytes)
                line[n++] = (char)rng_below(&rng, 256);
            else
                memcpy(line + n, bit, length), n += length;
        }
        struct synsets_result r;
        char label[256];
        synsets_resolve(line, bytes, &known, &r);
        synsets_label(&r, label, sizeof label);
        assert_true(r.verdict <= SYNSETS_EMPTY);
        assert_true(synsets_granted(&r) == (r.count > 0) && r.count <= SYNSETS_SUBJECTS_MAX);
        for (int i = 0; i < r.count; i++)
            assert_in_range(r.synset[i], 0, SYNSET_COUNT - 1);
        for (int i = 0; i < r.suggestion_count; i++)
            assert_in_range(r.suggestion[i], 0, SYNSET_COUNT - 1);
    }
}

/* A NUL inside the line is a character to be left out, not its end. */
static void test_nul_inside(void **state)
{
    (void)state;
    struct synsets_known known = everything();
    struct synsets_result r;
    synsets_resolve("gold\0fish", 9, &known, &r);
    assert_int_equal(r.verdict, SYNSETS_OK);
    assert_int_equal(r.synset[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name),
        cmocka_unit_test(test_index_is_sorted),
        cmocka_unit_test(test_fold_agrees_with_generator),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_relations),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_nul_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
