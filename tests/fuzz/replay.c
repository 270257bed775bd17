/*
 * replay - every seed and every find of one fuzz target, once more, under whatever compiler and sanitizer the tests are
 * built with; and again with one allocation refused, each in turn. Linked with fuzz_NAME.o it is the test corpus_NAME,
 * which gives it each file of tests/fuzz/corpus/NAME.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/refuse.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static const char *name; /* of the target */

/* Targets whose libraries end the program, or jump to where nothing is, when they get no memory: GLib, libircclient's
 * irc_connect, the decoder of WebP, Jansson's reader of texts (all as of Debian 12). Only our own calls are refused there. */
static const char *const careless[] = {"corpus/caption/", "corpus/irc_session/", "corpus/picture/webp",
                                       "corpus/web/"};
/* Targets that keep something open between inputs. */
static const char *const keepers[] = {"corpus/files/", "corpus/web/"};

static bool is_of(const char *const targets[], size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(path, targets[i]))
            return true;
    return false;
}

/* Returns a copy with nothing behind it; the caller's. */
static uint8_t *read_exactly(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *data = xmalloc(FILE_BYTES_MAX);
    *size = fread(data, 1, FILE_BYTES_MAX, f);
    fclose(f);
    uint8_t *exact = xmalloc(*size + !*size);
    memcpy(exact, data, *size);
    free(data);
    return exact;
}

static void replay_file(const char *path)
{
    size_t size;
    uint8_t *data = read_exactly(path, &size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static void refuse_file(const char *path)
{
    size_t size;
    uint8_t *data = read_exactly(path, &size);
    is_only_ours = is_of(careless, ARRAY_LEN(careless), path);
    print_message("# %s: %d allocations refused\n", path,
                  refuse_each(path, data, size, is_of(keepers, ARRAY_LEN(keepers), path)));
    free(data);
}

/* Returns how many files there are. */
static int each_file(void (*visit)(const char *path))
{
    int files = 0;
    char *folder = xasprintf("tests/fuzz/corpus/%s", name);
    DIR *d = opendir(folder);
    if (!d)
        fail_msg("%s: a fuzz target needs seeds", folder);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        visit(path);
        free(path);
        files++;
    }
    closedir(d);
    free(folder);
    return files;
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(each_file(replay_file) >= 2);
    uint8_t nothing = 0;
    LLVMFuzzerTestOneInput(&nothing, 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    if (!CAN_REFUSE)
        skip();
    each_file(refuse_file);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus), cmocka_unit_test(test_no_memory)};
    const char *found = argc > 0 ? strstr(argv[0], "corpus_") : NULL;
    name = found ? found + strlen("corpus_") : "";
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
