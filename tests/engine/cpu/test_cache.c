/*
 * test_cache - the size of the shared cache, out of folders like the kernel's.
 */
#include "engine/cpu/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FALLBACK = 8 << 20, FILES = 3 };

static const char *const names[FILES] = {"level", "type", "size"};

static void write_cache(const char *folder, int index, const char *const words[FILES])
{
    char path[256];
    snprintf(path, sizeof path, "%s/index%d", folder, index);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/index%d/%s", folder, index, names[i]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fprintf(f, "%s\n", words[i]);
        fclose(f);
    }
}

static void remove_cache(const char *folder, int index)
{
    char path[256];
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/index%d/%s", folder, index, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/index%d", folder, index);
    rmdir(path);
}

/* What is read out of up to four caches. */
static size_t bytes_of(const char *const caches[][FILES], int count)
{
    char folder[] = "/tmp/test_cache.XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < count; i++)
        write_cache(folder, i, caches[i]);
    size_t bytes = cpu_cache_bytes(folder);
    for (int i = 0; i < count; i++)
        remove_cache(folder, i);
    rmdir(folder);
    return bytes;
}

static void the_last_level_counts(void **state)
{
    (void)state;
    static const char *const server[][FILES] = {{"1", "Data", "32K"},
                                                {"1", "Instruction", "32K"},
                                                {"2", "Unified", "512K"},
                                                {"3", "Unified", "32768K"}};
    static const char *const small_board[][FILES] = {
        {"2", "Unified", "1M"}, {"1", "Data", "32K"}, {"1", "Instruction", "48K"}};
    assert_int_equal(bytes_of(server, 4), 32 << 20);
    assert_int_equal(bytes_of(small_board, 3), 1 << 20);
}

static void nonsense_is_not_believed(void **state)
{
    (void)state;
    static const char *const odd[][FILES] = {{"3", "Unified", "0K"},
                                             {"x", "Unified", "64K"},
                                             {"2", "Instruction", "64K"},
                                             {"1", "Unified", "many"}};
    assert_int_equal(bytes_of(odd, 4), FALLBACK);
    assert_int_equal(bytes_of(NULL, 0), FALLBACK);
    assert_int_equal(cpu_cache_bytes("/nowhere"), FALLBACK);
    assert_true(cpu_cache_bytes(CPU_CACHE_FOLDER) >= 128 << 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_level_counts),
        cmocka_unit_test(nonsense_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
