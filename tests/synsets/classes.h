/*
 * classes - which classes the tests of resolution ask for.
 */
#ifndef TESTS_SYNSETS_CLASSES_H
#define TESTS_SYNSETS_CLASSES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "synsets/synsets.h"

static inline struct synsets_known everything(void)
{
    struct synsets_known known;
    for (int i = 0; i < SYNSET_COUNT; i++)
        known.known[i] = true;
    return known;
}

static inline int index_of(const char *name)
{
    for (int i = 0; i < SYNSET_COUNT; i++)
        if (strcmp(synset_table[i].names[0], name) == 0)
            return i;
    fail_msg("no class is called %s", name);
    return -1;
}

#endif
