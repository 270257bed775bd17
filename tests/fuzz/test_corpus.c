/*
 * corpus: every seed and every find of the fuzz targets, once more, under whatever compiler and sanitizer the
 * tests are built with. A file in tests/fuzz/corpus/TARGET is an input of fuzz_TARGET.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/mem.h"
#define LLVMFuzzerTestOneInput fuzz_torch
#include "tests/fuzz/fuzz_torch.c"

enum { FILE_BYTES_MAX = 1 << 20 };

static void replay_file(const char *path, bool torch)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *data = xmalloc(FILE_BYTES_MAX);
    size_t size = fread(data, 1, FILE_BYTES_MAX, f);
    fclose(f);
    uint8_t *exact = xmalloc(size + !size); /* every byte behind it is out of bounds */
    memcpy(exact, data, size);
    free(data);
    if (torch)
        fuzz_torch(exact, size);
    else
        fuzz_weights(exact, size);
    free(exact);
}

static void replay(const char *target)
{
    char *folder = xasprintf("tests/fuzz/corpus/%s", target);
    DIR *d = opendir(folder);
    assert_non_null(d);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        replay_file(path, strcmp(target, "torch") == 0);
        free(path);
        files++;
    }
    closedir(d);
    free(folder);
    assert_true(files >= 2);
}

static void safetensors(void **state)
{
    (void)state;
    replay("safetensors");
}

static void torch(void **state)
{
    (void)state;
    replay("torch");
}

static void caffe(void **state)
{
    (void)state;
    replay("caffe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safetensors),
        cmocka_unit_test(torch),
        cmocka_unit_test(caffe),
    };
    return cmocka_run_group_tests_name("fuzz corpus", tests, NULL, NULL);
}
