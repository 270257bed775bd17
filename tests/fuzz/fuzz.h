/*
 * fuzz - what all fuzz targets share. A target takes bytes from outside and gives them to one reader; what must hold
 * whatever they are is said with must(). No result is wrong; a crash, a leak or undefined behaviour is.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether the program refuses memory on purpose (refuse.h), where it can: little must hold then. */
__attribute__((weak)) bool fuzz_is_refused(void);

static inline void must(bool holds, const char *what)
{
    if (holds || (fuzz_is_refused && fuzz_is_refused()))
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

/* A file with these bytes that is on no disk. The path is good until fuzz_file_close. */
struct fuzz_file {
    int fd;
    char path[32];
};

static inline struct fuzz_file fuzz_file_open(const uint8_t *data, size_t size)
{
    struct fuzz_file f = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    must(f.fd >= 0 && write(f.fd, data, size) == (ssize_t)size, "the machine has room for an input");
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

static inline void fuzz_file_close(struct fuzz_file *f)
{
    close(f->fd);
}

/* A copy with a terminator; the caller's. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
