/*
 * still, classify, inspect: called as main calls them, results read back from files.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/commands.h"
#include "common/mem.h"
#include "stream/picture.h"
#include "tests/stream/png.h"

enum { ARGUMENTS_MAX = 24, TEXT_BYTES = 1 << 17 };

static char folder[] = "/tmp/test_commands.XXXXXX";

static char *in_folder(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"a.png", "b.png", "c.png", "out", "err"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *path = in_folder(files[i]);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

static void slurp(const char *name, char *text)
{
    char *path = in_folder(name);
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, TEXT_BYTES - 1, f);
    text[n] = '\0';
    fclose(f);
    free(path);
}

static char out[TEXT_BYTES], err[TEXT_BYTES]; /* what the last command wrote */

/* Runs a command with words that end with NULL; stdout and stderr go to `out` and `err`. */
static int run(int (*command)(int, char **), ...)
{
    char *argv[ARGUMENTS_MAX + 1];
    int argc = 0, saved[2] = {dup(1), dup(2)}, status;
    char *paths[2] = {in_folder("out"), in_folder("err")};
    va_list args;
    va_start(args, command);
    while (argc < ARGUMENTS_MAX && (argv[argc] = va_arg(args, char *)))
        argc++;
    va_end(args);
    argv[argc] = NULL;
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        int fd = open(paths[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, i + 1);
        close(fd);
        free(paths[i]);
    }
    pid_t child = fork(); /* commands fence their process in, for good */
    if (child == 0) {
        status = command(argc, argv);
        fflush(NULL);
        _exit(status);
    }
    waitpid(child, &status, 0);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    slurp("out", out);
    slurp("err", err);
    return status;
}

static void still_dreams_what_classify_sees(void **state)
{
    (void)state;
    char *a = in_folder("a.png"), *b = in_folder("b.png"), *c = in_folder("c.png");
    int status = run(cmd_still, "still", "-t", "goldfish", "--size", "96x96", "--steps", "70", "--seed", "3",
                     "--set", "dream.object_large=0.8", "--threads", "1", "-o", a, NULL);
    if (status != 0)
        fail_msg("%s", err);
    assert_string_equal(out, "");
    assert_int_equal(run(cmd_classify, "classify", a, NULL), 0);
    char *expected = xasprintf("%s\t1\t", a);
    assert_memory_equal(out, expected, strlen(expected));
    free(expected);
    assert_non_null(strstr(out, "n01443537\tgoldfish\n"));
    int lines = 0;
    for (const char *s = out; *s; s++)
        lines += *s == '\n';
    assert_int_equal(lines, 5);

    /* The same seed gives the same bytes with two threads, another seed does not. */
    assert_int_equal(run(cmd_still, "still", "--text", "goldfish", "--size", "96x96", "--steps", "4", "-o", b,
                         "--threads", "2", "--octaves", "2", NULL),
                     0);
    assert_int_equal(run(cmd_still, "still", "--text", "goldfish", "--size", "96x96", "--steps", "4", "-o", c,
                         "--threads", "1", "--octaves", "2", NULL),
                     0);
    struct error e;
    float *first, *second;
    int w, h;
    assert_int_equal(picture_read(b, &first, &w, &h, &e), 0);
    assert_true(w == 96 && h == 96);
    assert_int_equal(picture_read(c, &second, &w, &h, &e), 0);
    assert_memory_equal(first, second, 3 * 96 * 96 * sizeof(float));
    free(second);
    assert_int_equal(run(cmd_still, "still", "--text", "goldfish", "--size", "96x96", "--steps", "4", "-o", c,
                         "--seed", "2", "--octaves", "2", NULL),
                     0);
    assert_int_equal(picture_read(c, &second, &w, &h, &e), 0);
    assert_memory_not_equal(first, second, 3 * 96 * 96 * sizeof(float));
    free(first);
    free(second);

    /* Begins with a picture and takes its size; a layer; classic. */
    assert_int_equal(run(cmd_still, "still", "--layer", "conv3_2:5", "-i", a, "--steps", "2", "--profile",
                         "classic", "-o", c, NULL),
                     0);
    assert_int_equal(picture_read(c, &second, &w, &h, &e), 0);
    assert_true(w == 96 && h == 96);
    free(second);
    free(a);
    free(b);
    free(c);
}

static void wrong_usage_is_two_and_faults_are_one(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *says;
        const char *words[8];
    } cases[] = {
        {2, "what to dream", {"-o", "x.png"}},
        {2, "what to dream", {"-t", "goldfish", "--layer", "conv1_1", "-o", "x.png"}},
        {2, "where to", {"-t", "goldfish"}},
        {2, "no option --frobnicate", {"--frobnicate", "1"}},
        {2, "-o needs a value", {"-t", "goldfish", "-o"}},
        {2, "unexpected argument 'goldfish'; did you mean -t goldfish?", {"goldfish"}},
        {2, "did you mean -t \"king penguin\"?", {"king", "penguin"}},
        {2, "there is no option --stesp; did you mean --steps?", {"--stesp", "9"}},
        {2, "did you mean --set dream.backend=cuda?", {"--backend", "cuda"}},
        {2, "did you mean --set dream.object_large=1?", {"--object-large=1"}},
        {2, "there is no option -q", {"-q"}},
        {2, "--help=x: there is no such help", {"--help=x"}},
        {2, "--size: \"0x0\" is not valid", {"-t", "goldfish", "--size", "0x0", "-o", "x.png"}},
        {2, "--size", {"-t", "goldfish", "--size", "99999999x99999999", "-o", "x.png"}},
        {2, "--steps", {"-t", "goldfish", "--steps", "0", "-o", "x.png"}},
        {2, "--seed", {"-t", "goldfish", "--seed", "-1", "-o", "x.png"}},
        {2, "no option", {"-t", "goldfish", "--set", "dream.colour=1", "-o", "x.png"}},
        {1, "names none", {"-t", "qqqqzzzz", "-o", "x.png"}},
        {1, "near it", {"-t", "violin", "-o", "x.png"}},
        {1, "no word", {"-t", " + ", "-o", "x.png"}},
        {1, "no such layer", {"--layer", "conv9_9", "-o", "x.png"}},
        {1, "channels are 0 to 15", {"--layer", "conv1_1:16", "-o", "x.png"}},
        {1, "/nonexistent", {"-t", "goldfish", "-m", "/nonexistent", "-o", "x.png"}},
        {1, "/nonexistent.jpg", {"-t", "goldfish", "-i", "/nonexistent.jpg", "-o", "x.png"}},
        {1,
         "/nonexistent/x.png",
         {"-t", "goldfish", "--size", "64x64", "--steps", "1", "-o", "/nonexistent/x.png"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const *w = cases[i].words;
        int status = run(cmd_still, "still", w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], NULL);
        if (status != cases[i].status || !strstr(err, cases[i].says))
            fail_msg("case %zu: %d, \"%s\" does not say \"%s\"", i, status, err, cases[i].says);
        assert_string_equal(out, "");
    }
    assert_int_equal(run(cmd_still, "still", "--help", NULL), 0);
    assert_non_null(strstr(out, "usage: reverie still"));
    assert_int_equal(run(cmd_classify, "classify", NULL), 2);
    assert_int_equal(run(cmd_classify, "classify", "--frobnicate", NULL), 2);
    assert_int_equal(run(cmd_classify, "classify", "/nonexistent.png", NULL), 1);
    assert_non_null(strstr(err, "/nonexistent.png"));
    assert_int_equal(run(cmd_classify, "classify", "-m", "/dev/zero", "x.png", NULL), 1);
    assert_int_equal(run(cmd_classify, "classify", "--help", NULL), 0);
    char *small = in_folder("a.png");
    static const float grey[3 * 40 * 30];
    struct error e;
    assert_int_equal(write_png(small, grey, 40, 30, &e), 0);
    assert_int_equal(run(cmd_classify, "classify", "--whole", small, NULL), 1);
    assert_non_null(strstr(err, "a.png: 40x30; the model needs"));
    assert_int_equal(run(cmd_classify, "classify", "--whole", small, "/nonexistent.png", NULL), 1);
    assert_non_null(strstr(err, "/nonexistent.png"));
    free(small);
    assert_int_equal(run(cmd_inspect, "inspect", "a", "b", NULL), 2);
    assert_int_equal(run(cmd_inspect, "inspect", "/", NULL), 1);
    assert_int_equal(run(cmd_inspect, "inspect", "--help", NULL), 0);
}

static void inspect_tells_what_is_in_a_file(void **state)
{
    (void)state;
    assert_int_equal(run(cmd_inspect, "inspect", NULL), 0);
    assert_non_null(strstr(out, "safetensors, 62 tensors"));
    assert_non_null(strstr(out, "features.28.weight           F16  128x128x3x3"));
    assert_non_null(strstr(out, " 12  conv5_3   128 ->  128  3x3  pool  statistics"));
    assert_non_null(strstr(out, "mean 0.4802 0.4481 0.3975"));
    assert_non_null(strstr(out, "  0  n01443537  goldfish"));
    assert_int_equal(run(cmd_inspect, "inspect", "models/patch-prior.safetensors", NULL), 1);
    assert_non_null(strstr(out, "192x3x8x8"));
    assert_non_null(strstr(out, "not a model that can dream"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(still_dreams_what_classify_sees),
        cmocka_unit_test(wrong_usage_is_two_and_faults_are_one),
        cmocka_unit_test(inspect_tells_what_is_in_a_file),
    };
    return cmocka_run_group_tests_name("commands", tests, make_folder, remove_folder);
}
