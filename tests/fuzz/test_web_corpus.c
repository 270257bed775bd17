/*
 * The seeds and finds of fuzz_web, once more, under whatever compiler and sanitizer the tests
 * are built with.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/mem.h"
#include "tests/fuzz/fuzz_web.c"

enum { FILE_BYTES_MAX = 1 << 16 };

static void test_web(void **state)
{
    (void)state;
    static const char folder[] = "tests/fuzz/corpus/web";
    DIR *d = opendir(folder);
    assert_non_null(d);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(d)); files++) {
        char path[512];
        uint8_t data[FILE_BYTES_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *f = fopen(path, "rb");
        size_t size = f ? fread(data, 1, sizeof data, f) : 0;
        if (f)
            fclose(f);
        uint8_t *exact = xmalloc(size + !size); /* every byte behind it is out of bounds */
        memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    closedir(d);
    assert_true(files > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_web)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
