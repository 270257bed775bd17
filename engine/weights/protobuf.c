/*
 * protobuf - see protobuf.h.
 */
#include "engine/weights/protobuf.h"

#include <errno.h>

static int fault(const struct proto *p, const uint8_t *at, const char *expected, struct error *e)
{
    return error_set(e, EINVAL, "byte %zu: %s is expected", (size_t)(at - p->file), expected);
}

int proto_varint(struct proto *p, uint64_t *value, struct error *e)
{
    const uint8_t *begin = p->at;
    *value = 0;
    for (int shift = 0; shift < 70 && p->at < p->end; shift += 7) {
        uint8_t b = *p->at++;
        if (shift == 63 && b > 1)
            break;
        *value |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return 0;
    }
    return fault(p, begin, "a number of at most ten bytes", e);
}

int proto_next(struct proto *p, struct proto_field *f, struct error *e)
{
    if (p->at == p->end)
        return 0;
    const uint8_t *begin = p->at;
    uint64_t tag, bytes;
    int rc = proto_varint(p, &tag, e);
    if (rc < 0)
        return rc;
    *f = (struct proto_field){.number = (uint32_t)(tag >> 3), .wire = (int)(tag & 7)};
    if (tag >> 3 == 0 || tag >> 3 >= 1u << 29)
        return fault(p, begin, "a field number from 1 to 2^29-1", e);
    switch (f->wire) {
    case PROTO_VARINT:
        rc = proto_varint(p, &f->value, e);
        return rc < 0 ? rc : 1;
    case PROTO_FIXED32:
        bytes = 4;
        break;
    case PROTO_FIXED64:
        bytes = 8;
        break;
    case PROTO_BYTES:
        rc = proto_varint(p, &bytes, e);
        if (rc < 0)
            return rc;
        break;
    default:
        return fault(p, begin, "a field of wire type 0, 1, 2 or 5", e);
    }
    if (bytes > (uint64_t)(p->end - p->at))
        return error_set(e, EINVAL, "byte %zu: field %u has %llu bytes, but %zu are left in its message",
                         (size_t)(begin - p->file), f->number, (unsigned long long)bytes,
                         (size_t)(p->end - p->at));
    f->data = p->at;
    f->bytes = (size_t)bytes;
    p->at += bytes;
    return 1;
}

struct proto proto_inside(const struct proto *p, const struct proto_field *f)
{
    return (struct proto){p->file, f->data, f->data + f->bytes};
}
