/*
 * pickle_builder - makes PyTorch's legacy files in memory for tests, good ones and bad ones,
 * operation by operation.
 */
#ifndef TESTS_ENGINE_PICKLE_BUILDER_H
#define TESTS_ENGINE_PICKLE_BUILDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct bytes {
    uint8_t *data;
    size_t size, room; /* bytes; room is above size once anything is put */
};

static inline void put(struct bytes *b, const void *data, size_t size)
{
    if (b->room - b->size <= size) {
        b->room = 2 * (b->size + size) + 1;
        b->data = xrealloc(b->data, b->room);
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

/* Operations without a NUL; PUT for those with one. */
static inline void op(struct bytes *b, const char *operations)
{
    put(b, operations, strlen(operations));
}
#define PUT(b, literal) put(b, literal, sizeof(literal) - 1)

static inline void text(struct bytes *b, const char *s)
{
    uint8_t head[2] = {'U', (uint8_t)strlen(s)};
    put(b, head, 2);
    op(b, s);
}

static inline void number(struct bytes *b, int64_t n)
{
    uint8_t code[10] = {0x8a, 8};
    for (int i = 0; i < 8; i++)
        code[2 + i] = (uint8_t)((uint64_t)n >> 8 * i);
    put(b, code, sizeof code);
}

static inline void global(struct bytes *b, const char *module, const char *name)
{
    op(b, "c");
    op(b, module);
    op(b, "\n");
    op(b, name);
    op(b, "\n");
}

/* What stands in front of the object. */
static inline void header(struct bytes *b)
{
    PUT(b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    PUT(b, "\x80\x02M\xe9\x03.");
    PUT(b, "\x80\x02}U\rlittle_endian\x88s.\x80\x02");
}

/* ('storage', type, key, 'cpu', count, None) as persistent id. */
static inline void storage(struct bytes *b, const char *type, const char *key, int64_t count)
{
    op(b, "(");
    text(b, "storage");
    global(b, "torch", type);
    text(b, key);
    text(b, "cpu");
    number(b, count);
    op(b, "NtQ");
}

/* A vector of `size` with `stride` over a storage of `count`, at `offset`. */
static inline void vector(struct bytes *b, const char *key, int64_t count, int64_t offset, int64_t size,
                          int64_t stride)
{
    global(b, "torch._utils", "_rebuild_tensor");
    op(b, "(");
    storage(b, "FloatStorage", key, count);
    number(b, offset);
    number(b, size);
    op(b, "\x85");
    number(b, stride);
    op(b, "\x85tR");
}

static inline void keys(struct bytes *b, const char *first, const char *second)
{
    op(b, "\x80\x02](");
    if (first)
        text(b, first);
    if (second)
        text(b, second);
    op(b, "e.");
}

/* One storage's count and that many floats of zero. */
static inline void floats(struct bytes *b, int64_t claimed, size_t count)
{
    uint8_t head[8];
    for (int i = 0; i < 8; i++)
        head[i] = (uint8_t)((uint64_t)claimed >> 8 * i);
    put(b, head, 8);
    uint8_t zero[4] = {0};
    for (size_t i = 0; i < count; i++)
        put(b, zero, 4);
}

#endif
