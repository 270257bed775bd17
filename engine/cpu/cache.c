/*
 * cache - see cache.h.
 *
 * The kernel's description is asked and not the C library's: on virtual machines sysconf(_SC_LEVEL3_CACHE_SIZE)
 * may tell of the whole processor (256 MB were seen where the cores share 32), and on ARM it knows nothing.
 */
#include "engine/cpu/cache.h"

#include <stdio.h>
#include <string.h>

enum { CACHES_MAX = 10, UNKNOWN_BYTES = 8 << 20 };

/* The first word of a file of one of the caches; false when there is none. */
static int read_word(const char *folder, int index, const char *name, char word[16])
{
    char path[512];
    snprintf(path, sizeof path, "%s/index%d/%s", folder, index, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    int found = fscanf(f, "%15s", word) == 1;
    fclose(f);
    return found;
}

size_t cpu_cache_bytes(const char *folder)
{
    int last_level = 0;
    size_t bytes = UNKNOWN_BYTES;
    for (int i = 0; i < CACHES_MAX; i++) {
        char type[16], level[16], size[16], unit = 0;
        int number = 0;
        unsigned count = 0;
        if (!read_word(folder, i, "type", type) || !read_word(folder, i, "level", level) ||
            !read_word(folder, i, "size", size))
            continue;
        if (strcmp(type, "Instruction") == 0 || sscanf(level, "%d", &number) != 1 || number <= last_level ||
            sscanf(size, "%u%c", &count, &unit) != 2 || count == 0 || (unit != 'K' && unit != 'M'))
            continue;
        last_level = number;
        bytes = (size_t)count << (unit == 'K' ? 10 : 20);
    }
    return bytes;
}
