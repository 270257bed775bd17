/*
 * caffe - .caffemodel: a protobuf NetParameter whose layers carry blobs of numbers.
 *
 *     NetParameter       name = 1, layers = 2 (V1), layer = 100 (V2)
 *     V1LayerParameter   layer = 1 (V0, inside of it), name = 4, type = 5, blobs = 6
 *     LayerParameter     name = 1, type = 2, blobs = 7
 *     BlobProto          num, channels, height, width = 1..4, data = 5, diff = 6, shape = 7, double_data = 8
 *
 * The first blob of a layer becomes the tensor LAYER.weight, the second LAYER.bias, as other frameworks call
 * them. Blobs of the old kind always have four sides: the ones in front of a bias and of a fully connected
 * layer's matrix are dropped. Numbers are used where they lie when they lie there in one piece, which is how
 * every writer packs them. Source: caffe/proto/caffe.proto.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "engine/weights/protobuf.h"
#include "engine/weights/reader.h"

enum { NET_LAYERS_V1 = 2, NET_LAYER = 100 };
enum { NET_NAME_TAG = 0x0a };
enum { V1_INNER_PRODUCT = 14, LAYERS_MAX = 4096, LAYER_NAME_BYTES = 128 };

/* Which field is which in the two generations. */
struct dialect {
    uint32_t name, type, blobs;
};
static const struct dialect v1 = {4, 5, 6}, v2 = {1, 2, 7};

struct layer {
    char name[LAYER_NAME_BYTES];
    bool inner_product;
};

/* What is known of a blob after its fields have been walked once. */
struct blob {
    int64_t legacy[4];
    bool has_legacy, has_shape;
    struct tensor t;
    size_t pieces, bytes; /* of data, or of double_data */
    const uint8_t *first;
};

/* Names are in any language. */
static bool printable(const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (p[i] < ' ' || p[i] == 127)
            return false;
    return true;
}

/* A short text field at *p, stepped over; `tags` are the first bytes that it may have. */
static bool text_field(const uint8_t **p, const uint8_t *end, const char *tags)
{
    const uint8_t *b = *p;
    if (end - b < 2 || !*b || !strchr(tags, *b) || b[1] > 127 || end - b - 2 < b[1] ||
        !printable(b + 2, b[1]) || (b[1] == 0 && b[0] != NET_NAME_TAG))
        return false;
    *p = b + 2 + b[1];
    return true;
}

/* There is no signature: the net's name, which may be empty, and inputs, then a layer that begins with the name of something. */
static bool recognises(const uint8_t *bytes, size_t size)
{
    const uint8_t *p = bytes, *end = bytes + size;
    int texts = 0;
    while (texts < 8 && text_field(&p, end, "\x0a\x1a"))
        texts++;
    for (int i = 0; i < 8 && end - p >= 2 && (*p == 0x20 || *p == 0x28 || *p == 0x30); i++)
        for (p++; p < end && *p++ >= 128;)
            ; /* input_dim and other numbers */
    if (end - p < 2)
        return texts > 0 && texts < 8 && end - p == 0 && *bytes == 0x0a;
    if (end - p >= 3 && p[0] == 0xa2 && p[1] == 0x06)
        p += 2;
    else if (*p == 0x12)
        p++;
    else
        return false;
    for (int i = 0; i < 10 && p < end && *p++ >= 128; i++)
        ; /* the layer's length */
    return text_field(&p, end, "\x0a\x12\x1a\x22");
}

static int read_dims(struct blob *b, const struct proto *p, const struct proto_field *shape, struct error *e)
{
    struct proto in = proto_inside(p, shape);
    struct proto_field f;
    int rc;
    b->has_shape = true;
    while ((rc = proto_next(&in, &f, e)) > 0) {
        if (f.number != 1 || (f.wire != PROTO_VARINT && f.wire != PROTO_BYTES))
            continue;
        struct proto dims = f.wire == PROTO_BYTES ? proto_inside(&in, &f) : in;
        bool more = f.wire == PROTO_VARINT || dims.at < dims.end;
        while (more) {
            uint64_t v = f.value;
            if (f.wire == PROTO_BYTES && (rc = proto_varint(&dims, &v, e)) < 0)
                return rc;
            if (b->t.dims == TENSOR_DIMS_MAX)
                return error_set(e, EINVAL, "a shape of more than %d dimensions", TENSOR_DIMS_MAX);
            b->t.shape[b->t.dims++] = (int64_t)v;
            more = f.wire == PROTO_BYTES && dims.at < dims.end;
        }
    }
    return rc;
}

/* data = 5 as floats, double_data = 8 as doubles; packed, in any number of pieces, or one by one. */
static bool is_data(const struct proto_field *f, enum tensor_dtype *dtype)
{
    *dtype = f->number == 5 ? TENSOR_F32 : TENSOR_F64;
    return (f->number == 5 && (f->wire == PROTO_BYTES || f->wire == PROTO_FIXED32)) ||
           (f->number == 8 && (f->wire == PROTO_BYTES || f->wire == PROTO_FIXED64));
}

static int read_blob(struct blob *b, const struct proto *p, const struct proto_field *blob, struct error *e)
{
    struct proto in = proto_inside(p, blob);
    struct proto_field f;
    int rc;
    *b = (struct blob){.legacy = {1, 1, 1, 1}};
    while ((rc = proto_next(&in, &f, e)) > 0) {
        enum tensor_dtype dtype;
        if (f.number >= 1 && f.number <= 4 && f.wire == PROTO_VARINT) {
            b->legacy[f.number - 1] = (int64_t)f.value;
            b->has_legacy = true;
        } else if (f.number == 7 && f.wire == PROTO_BYTES) {
            if (b->has_shape)
                return error_set(e, EINVAL, "a shape that is there twice");
            rc = read_dims(b, p, &f, e);
            if (rc < 0)
                return rc;
        } else if (is_data(&f, &dtype)) {
            if (b->pieces && b->t.dtype != dtype)
                return error_set(e, EINVAL, "data as float and as double");
            b->t.dtype = dtype;
            b->first = b->pieces++ ? b->first : f.data;
            b->bytes += f.bytes;
        }
    }
    return rc;
}

static void settle_shape(struct blob *b, int index, bool inner_product)
{
    struct tensor *t = &b->t;
    if (!b->has_shape && b->has_legacy) {
        t->dims = 4;
        memcpy(t->shape, b->legacy, sizeof b->legacy);
    }
    int keep = index == 1 ? 1 : inner_product ? 2 : 4;
    if (t->dims != 4)
        return;
    while (t->dims > keep && t->shape[0] == 1) {
        memmove(t->shape, t->shape + 1, (size_t)(t->dims - 1) * sizeof *t->shape);
        t->dims--;
    }
}

/* Joins the pieces of data in memory of the weights. */
static int gather(struct weights *w, struct blob *b, const struct proto *p, const struct proto_field *blob,
                  struct error *e)
{
    struct proto in = proto_inside(p, blob);
    struct proto_field f;
    enum tensor_dtype dtype;
    uint8_t *out;
    int rc = weights_alloc(w, b->bytes, &out, e);
    if (rc < 0)
        return rc;
    b->first = out;
    while ((rc = proto_next(&in, &f, e)) > 0)
        if (is_data(&f, &dtype)) {
            memcpy(out, f.data, f.bytes);
            out += f.bytes;
        }
    return rc;
}

static int add_blob(struct weights *w, const struct layer *l, int index, const struct proto *p,
                    const struct proto_field *field, struct error *e)
{
    char name[LAYER_NAME_BYTES + 24];
    static const char *const parts[] = {"weight", "bias"};
    if (index < 2)
        snprintf(name, sizeof name, "%s.%s", l->name, parts[index]);
    else
        snprintf(name, sizeof name, "%s.blob%d", l->name, index);
    struct blob b;
    int rc = read_blob(&b, p, field, e);
    if (rc < 0)
        return error_prefix(e, rc, "tensor %s", name);
    settle_shape(&b, index, l->inner_product);
    if (b.pieces > 1 && b.bytes > 0) {
        rc = gather(w, &b, p, field, e);
        if (rc < 0)
            return error_prefix(e, rc, "tensor %s", name);
    }
    b.t.name = name;
    b.t.data = b.first ? b.first : p->file;
    return weights_add_tensor(w, &b.t, b.bytes, e);
}

static int read_head(struct layer *l, struct proto in, const struct dialect *d, int *blobs, struct error *e)
{
    struct proto_field f;
    int rc;
    *blobs = 0;
    while ((rc = proto_next(&in, &f, e)) > 0) {
        if (f.number == d->name && f.wire == PROTO_BYTES) {
            if (f.bytes >= sizeof l->name || text_line_bytes((const char *)f.data, f.bytes) != f.bytes)
                return error_set(e, EINVAL,
                                 "byte %zu: a layer's name is expected as one line of less than %zu bytes",
                                 (size_t)(f.data - in.file), sizeof l->name);
            memcpy(l->name, f.data, f.bytes);
            l->name[f.bytes] = '\0';
        } else if (f.number == d->type) {
            l->inner_product = f.wire == PROTO_VARINT ? f.value == V1_INNER_PRODUCT
                                                      : f.bytes == 12 && !memcmp(f.data, "InnerProduct", 12);
        } else if (f.number == d->blobs && f.wire == PROTO_BYTES) {
            (*blobs)++;
        } else if (d == &v1 && f.number == 1 && f.wire == PROTO_BYTES) {
            return error_set(e, EINVAL,
                             "byte %zu: a net of Caffe's first format (V0); convert it with "
                             "upgrade_net_proto_binary",
                             (size_t)(f.data - in.file));
        }
    }
    return rc;
}

static int read_layer(struct weights *w, struct proto in, const struct dialect *d, struct error *e)
{
    struct layer l = {.name = ""};
    int blobs, index = 0;
    int rc = read_head(&l, in, d, &blobs, e);
    if (rc < 0 || blobs == 0)
        return rc;
    if (!l.name[0])
        return error_set(e, EINVAL, "byte %zu: a layer with weights but without a name",
                         (size_t)(in.at - in.file));
    struct proto_field f;
    while ((rc = proto_next(&in, &f, e)) > 0)
        if (f.number == d->blobs && f.wire == PROTO_BYTES) {
            rc = add_blob(w, &l, index++, &in, &f, e);
            if (rc < 0)
                return rc;
        }
    return rc;
}

static int read_file(struct weights *w, const uint8_t *bytes, size_t size, struct error *e)
{
    struct proto net = {bytes, bytes, bytes + size};
    struct proto_field f;
    int rc, layers = 0;
    while ((rc = proto_next(&net, &f, e)) > 0) {
        const struct dialect *d = f.number == NET_LAYERS_V1 ? &v1 : f.number == NET_LAYER ? &v2 : NULL;
        if (!d || f.wire != PROTO_BYTES)
            continue;
        if (++layers > LAYERS_MAX)
            return error_set(e, E2BIG, "more than %d layers", LAYERS_MAX);
        rc = read_layer(w, proto_inside(&net, &f), d, e);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && weights_count(w) == 0)
        return error_set(e, EINVAL, "a Caffe net without weights; the .caffemodel is expected");
    return rc;
}

const struct weights_reader weights_caffe = {
    .name = "Caffe",
    .recognises = recognises,
    .read = read_file,
};
