/*
 * mem - two kinds of memory, two kinds of answer when there is none.
 *
 * Small things (strings, structs, tables): the x-functions never return NULL; they say the size on stderr and
 * abort, because a half-rolled-back show is worse than a restart and nobody tests such rollbacks.
 * Large things (weights, pictures, arenas): buffer_alloc returns NULL and the caller says what did not fit.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* zeroed; aborts on overflow too */
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 64-byte aligned, not zeroed. NULL when there is no memory or size is 0. Free with free(). */
void *buffer_alloc(size_t size);

#endif
