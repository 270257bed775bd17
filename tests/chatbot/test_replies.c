/*
 * Replies: every form keeps its facts, fits, and there are many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chatbot/replies.h"
#include "common/mem.h"
#include "common/text.h"

enum { DRAWS = 4000, DISTINCT_MAX = 256, REPLY_BYTES = 501 };

/* What each kind must say, whatever the joke, and how many forms a viewer may expect. */
static const struct {
    enum reply reply;
    const char *facts; /* letters of replies.h */
    int distinct_min;
} kinds[] = {
    {REPLY_ONE, "sw", 40},         {REPLY_TWO, "tbw", 20},   {REPLY_INSTEAD_ONE, "sw", 5},
    {REPLY_INSTEAD_TWO, "tbw", 5}, {REPLY_ON_NOW, "s", 6},   {REPLY_HAVE_IT, "sw", 5},
    {REPLY_FULL, "n", 6},          {REPLY_UNKNOWN, "p", 6},  {REPLY_DID_YOU_MEAN, "pl", 6},
    {REPLY_LACKING, "pl", 6},      {REPLY_TOO_MANY, "", 4},  {REPLY_FORBIDDEN, "", 6},
    {REPLY_PAUSED, "", 6},         {REPLY_COOLDOWN, "n", 6}, {REPLY_LOTTERY, "snw", 6},
    {REPLY_UNPAID, "", 4},         {REPLY_RESTS, "sw", 6},   {REPLY_HELP, "l", 2},
};

static void test_every_kind(void **state)
{
    (void)state;
    static const struct reply_words words = {.subject = "SUBJECT",
                                             .top = "TOPMOST",
                                             .bottom = "LOWEST",
                                             .when = "on your screen in about 24 s",
                                             .part = "TYPED",
                                             .list = "FIRST or SECOND",
                                             .number = "4711"};
    assert_int_equal(ARRAY_LEN(kinds), REPLY_COUNT);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        static char seen[DISTINCT_MAX][REPLY_BYTES];
        int distinct = 0;
        struct rng rng = rng_make(k, 1);
        for (int i = 0; i < DRAWS; i++) {
            char out[REPLY_BYTES];
            reply_write(kinds[k].reply, &words, &rng, out, sizeof out);
            assert_true(strlen(out) > 20);
            if (strpbrk(out, "{|}$"))
                fail_msg("template left: %s", out);
            for (const char *f = kinds[k].facts; *f; f++) {
                const char *fact = *f == 's'   ? words.subject
                                   : *f == 't' ? words.top
                                   : *f == 'b' ? words.bottom
                                   : *f == 'w' ? words.when
                                   : *f == 'p' ? words.part
                                   : *f == 'l' ? words.list
                                               : words.number;
                if (!strstr(out, fact))
                    fail_msg("\"%s\" does not tell %s", out, fact);
            }
            int at = 0;
            while (at < distinct && strcmp(seen[at], out) != 0)
                at++;
            if (at == distinct && distinct < DISTINCT_MAX)
                text_copy(seen[distinct++], REPLY_BYTES, out);
        }
        if (distinct < kinds[k].distinct_min)
            fail_msg("kind %d has %d forms", kinds[k].reply, distinct);
    }
}

/* The longest words that there can be: cut, not overrun. */
static void test_long_words(void **state)
{
    (void)state;
    char lengthy[600], out[REPLY_BYTES];
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    struct reply_words words = {lengthy, lengthy, lengthy, lengthy, lengthy, lengthy, lengthy};
    struct rng rng = rng_make(1, 1);
    for (int r = 0; r < REPLY_COUNT; r++)
        for (int i = 0; i < 50; i++) {
            reply_write((enum reply)r, &words, &rng, out, sizeof out);
            assert_in_range(strnlen(out, sizeof out), 1, sizeof out - 1);
            reply_write((enum reply)r, &words, &rng, out, 1);
            assert_string_equal(out, "");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
