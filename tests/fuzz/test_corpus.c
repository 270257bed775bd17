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
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_npy
int fuzz_npy(const uint8_t *data, size_t size);
#include "tests/fuzz/fuzz_npy.c"

enum { FILE_BYTES_MAX = 1 << 20 };

typedef int fuzz_target(const uint8_t *data, size_t size);

static int fuzz_any(const uint8_t *data, size_t size)
{
    fuzz_weights(data, size);
    return 0;
}

static void replay_file(const char *path, fuzz_target *target)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *data = xmalloc(FILE_BYTES_MAX);
    size_t size = fread(data, 1, FILE_BYTES_MAX, f);
    fclose(f);
    uint8_t *exact = xmalloc(size + !size); /* every byte behind it is out of bounds */
    memcpy(exact, data, size);
    free(data);
    target(exact, size);
    free(exact);
}

static void replay(const char *name, fuzz_target *target)
{
    char *folder = xasprintf("tests/fuzz/corpus/%s", name);
    DIR *d = opendir(folder);
    assert_non_null(d);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        replay_file(path, target);
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
    replay("safetensors", fuzz_any);
}

static void torch(void **state)
{
    (void)state;
    replay("torch", fuzz_torch);
}

static void caffe(void **state)
{
    (void)state;
    replay("caffe", fuzz_any);
}

static void npy(void **state)
{
    (void)state;
    replay("npy", fuzz_npy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safetensors),
        cmocka_unit_test(torch),
        cmocka_unit_test(caffe),
        cmocka_unit_test(npy),
    };
    return cmocka_run_group_tests_name("fuzz corpus", tests, NULL, NULL);
}
