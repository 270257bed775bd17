/*
 * refused - what the tests of bad files share: a file must be refused by one line that says why.
 */
#ifndef TESTS_ENGINE_WEIGHTS_REFUSED_H
#define TESTS_ENGINE_WEIGHTS_REFUSED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "engine/weights/weights.h"
#include "tests/engine/weights/pickle_builder.h"

static inline void refused(struct bytes *b, const char *says)
{
    struct weights *w;
    struct error e = {""};
    uint8_t *copy = xmalloc(b->size); /* of its own, so that every byte behind it is out of bounds */
    memcpy(copy, b->data, b->size);
    int rc = weights_open_memory(&w, copy, b->size, "test", &e);
    if (rc >= 0 || w || !strstr(e.text, says) || strncmp(e.text, "test: ", 6) != 0 || strchr(e.text, '\n'))
        fail_msg("%d, \"%s\" does not say \"%s\"", rc, e.text, says);
    free(copy);
    free(b->data);
    *b = (struct bytes){0};
}

static inline struct bytes file(const char *path)
{
    struct bytes b = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        put(&b, part, n);
    fclose(f);
    return b;
}

#endif
