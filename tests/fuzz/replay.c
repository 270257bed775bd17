/*
 * replay - every seed and every find of one fuzz target, once more, under whatever compiler and sanitizer the tests are
 * built with. Linked with fuzz_NAME.o it is the test corpus_NAME, which gives it each file of tests/fuzz/corpus/NAME.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static const char *name; /* of the target */

static void replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *data = xmalloc(FILE_BYTES_MAX);
    size_t size = fread(data, 1, FILE_BYTES_MAX, f);
    fclose(f);
    uint8_t *exact = xmalloc(size + !size); /* every byte behind it is out of bounds */
    memcpy(exact, data, size);
    free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void test_corpus(void **state)
{
    (void)state;
    char *folder = xasprintf("tests/fuzz/corpus/%s", name);
    DIR *d = opendir(folder);
    if (!d)
        fail_msg("%s: a fuzz target needs seeds", folder);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        replay_file(path);
        free(path);
        files++;
    }
    closedir(d);
    free(folder);
    assert_true(files >= 2);
    uint8_t nothing = 0;
    LLVMFuzzerTestOneInput(&nothing, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};
    const char *found = argc > 0 ? strstr(argv[0], "corpus_") : NULL;
    name = found ? found + strlen("corpus_") : "";
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
