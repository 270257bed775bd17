/*
 * safetensors_builder - makes safetensors files in memory for tests, good ones and bad ones.
 */
#ifndef TESTS_ENGINE_SAFETENSORS_BUILDER_H
#define TESTS_ENGINE_SAFETENSORS_BUILDER_H

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct builder {
    char *header;
    size_t header_size;
    unsigned char *data;
    size_t data_size;
    unsigned char *file; /* after builder_finish */
    size_t file_size;
};

static inline void builder_text(struct builder *b, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    size_t n = (size_t)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    b->header = xrealloc(b->header, b->header_size + n + 1);
    memcpy(b->header + b->header_size, text, n + 1);
    b->header_size += n;
}

/* A float32 tensor; `shape` as JSON, "[2,3]". Values may be NULL: zeros. */
static inline void builder_tensor(struct builder *b, const char *name, const char *shape, const float *values,
                                  size_t count)
{
    size_t bytes = count * sizeof(float);
    builder_text(b, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                 b->header_size ? "," : "{", name, shape, b->data_size, b->data_size + bytes);
    b->data = xrealloc(b->data, b->data_size + bytes + 1);
    if (values)
        memcpy(b->data + b->data_size, values, bytes);
    else
        memset(b->data + b->data_size, 0, bytes);
    b->data_size += bytes;
}

/* Joins the parts. The header must be closed ("}") by then. */
static inline void builder_finish(struct builder *b)
{
    uint64_t n = htole64(b->header_size);
    b->file_size = 8 + b->header_size + b->data_size;
    b->file = xmalloc(b->file_size);
    memcpy(b->file, &n, 8);
    memcpy(b->file + 8, b->header, b->header_size);
    if (b->data_size)
        memcpy(b->file + 8 + b->header_size, b->data, b->data_size);
}

static inline void builder_free(struct builder *b)
{
    free(b->header);
    free(b->data);
    free(b->file);
    *b = (struct builder){0};
}

#endif
