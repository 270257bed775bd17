/*
 * protobuf - a cursor over the fields of one protobuf message; private to engine/weights/.
 *
 * No schema, no recursion, nothing copied: a message inside of a message is a cursor over the field's bytes.
 * Encoding: protobuf.dev/programming-guides/encoding. Groups (wire types 3 and 4) are refused.
 */
#ifndef ENGINE_WEIGHTS_PROTOBUF_H
#define ENGINE_WEIGHTS_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

struct proto {
    const uint8_t *file; /* for offsets in messages */
    const uint8_t *at, *end;
};

struct proto_field {
    uint32_t number;
    int wire;
    uint64_t value;      /* PROTO_VARINT */
    const uint8_t *data; /* all others: where the content stands */
    size_t bytes;
};

/* 1: a field; 0: the message ended; -errno with a line that names the byte. */
int proto_next(struct proto *p, struct proto_field *f, struct error *e);

/* A varint of at most ten bytes. 0 or -errno. */
int proto_varint(struct proto *p, uint64_t *value, struct error *e);

/* The message in a PROTO_BYTES field. */
struct proto proto_inside(const struct proto *p, const struct proto_field *f);

#endif
