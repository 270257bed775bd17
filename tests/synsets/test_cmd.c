/*
 * `reverie synsets` as a person meets it: what it prints and how it exits, with the built-in model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/commands.h"
#include "app/subjects.h"
#include "common/mem.h"

static char printed[1 << 16];

/* Runs it with stdout and stderr in one file; the text is in `printed`. */
static int run(const char *const *arguments, int count)
{
    char *argv[8] = {"synsets"};
    char path[] = "/tmp/reverie-test-XXXXXX";
    for (int i = 0; i < count; i++)
        argv[i + 1] = xstrdup(arguments[i]);
    int caught = mkstemp(path), out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    assert_true(caught >= 0 && out >= 0 && err >= 0);
    unlink(path);
    fflush(NULL);
    dup2(caught, STDOUT_FILENO);
    dup2(caught, STDERR_FILENO);
    int rc = cmd_synsets(count + 1, argv);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    ssize_t n = pread(caught, printed, sizeof printed - 1, 0);
    printed[n > 0 ? n : 0] = '\0';
    close(caught);
    close(out);
    close(err);
    for (int i = 0; i < count; i++)
        free(argv[i + 1]);
    return rc;
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[4];
        int rc;
        const char *says;
    } cases[] = {
        {{"goldfish"}, 0, "request: goldfish\ngoldfish  n01443537  index 1, in this model\n"},
        {{"gold", "fish", "+", "pizzas"},
         0,
         "request: goldfish + pizza (the first on top, the second below;"},
        {{"pizzas"}, 0, "another number of a name: \"pizzas\""},
        {{"dog"}, 0, "understood as a kind: \"dog\""},
        {{"dog"}, 0, "one of 118 classes that it may mean"},
        {{"golfish"}, 0, "understood as a name: \"goldfish\", 1 slip away\n"},
        {{"🍕"}, 0, "understood as a name: \"pizza\", from its picture\n"},
        {{"lions pizza"}, 1, "did you mean lions (n02129165) or pizza (n07873807)\n"},
        {{"please", "a", "koala"}, 0, "request: koala\n"},
        {{"cat under koala"},
         0,
         "request: koala + tabby (the first on top, the second below, as the line says)"},
        {{"tench"}, 0, "stands in for tench, which this model does not have\n"},
        {{"volcano"}, 0, "request: alp\n"},
        {{"goldfish + qqqqq"}, 0, "half of it: the other names none of the classes\n"},
        {{"goldfish + castle"}, 0, "half of it: castle is not in this model\n"},
        {{"violin"}, 1, "of the kind \"musical instrument\" there is organ"},
        {{"violin"}, 1, "not in this model"},
        {{"helicopter"}, 1, "names none of the classes, and none comes near"},
        {{"goldfish + pizza + espresso + lion + koala + lemon + banana + tabby + alp"},
         1,
         "more than 8 things"},
        {{"..."}, 1, "no word in it"},
        {{"--list", "goldfish"}, 0, "n01443537\t1\tgoldfish, Carassius auratus\n"},
        {{"--list", "qqq"}, 1, "nothing of the kind \"qqq\""},
        {{"--help"}, 0, "usage: reverie synsets"},
        {{NULL}, 2, "which text?"},
        {{"--frob", "x"}, 2, "there is no option"},
        {{"-m"}, 2, "-m needs a"},
        {{"-m", "/nowhere/model", "goldfish"}, 1, "/nowhere/model"},
        {{"--", "--list"}, 1, "\"--list\" names none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int count = 0;
        while (count < 4 && cases[i].arguments[count])
            count++;
        int rc = run(cases[i].arguments, count);
        if (rc != cases[i].rc || !strstr(printed, cases[i].says))
            fail_msg("case %zu: exit %d, expected %d with \"%s\"; got:\n%s", i, rc, cases[i].rc,
                     cases[i].says, printed);
    }
}

static void test_list_is_the_model(void **state)
{
    (void)state;
    static const char *const arguments[] = {"--list"};
    struct model *m;
    struct error e;
    struct synsets_known known;
    assert_int_equal(model_load(&m, NULL, &e), 0);
    int expected = subjects_known(m, &known), lines = 0;
    assert_int_equal(expected, m->classes);
    for (int s = 0; s < SYNSET_COUNT; s++)
        assert_int_equal(known.known[s], model_class(m, synset_table[s].wnid) >= 0);
    model_close(&m);
    assert_int_equal(run(arguments, 1), 0);
    for (const char *c = printed; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, expected);
}

/* A model may bring ids that nobody can ask for, or the same one twice. */
static void test_known_of_odd_models(void **state)
{
    (void)state;
    char wnids[4][MODEL_WNID_BYTES] = {"n01443537", "n99999999", "", "n01443537"};
    struct model m = {.classes = 4, .wnids = wnids};
    struct synsets_known known;
    assert_int_equal(subjects_known(&m, &known), 1);
    assert_true(known.known[1]);
    assert_false(known.known[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_list_is_the_model),
        cmocka_unit_test(test_known_of_odd_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
