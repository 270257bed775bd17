/*
 * refused - formats that networks come in and that are not read here: recognised, so that the answer
 * is their name and the way out instead of "not a file of weights".
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "engine/weights/protobuf.h"
#include "engine/weights/reader.h"

struct refused {
    const char *what, *way_out;
    size_t at; /* where the signature stands */
    const char *signature;
    size_t bytes;
};

#define SIGNATURE(s) s, sizeof(s) - 1
#define CONVERT      "load it with the program that it was made for and save a state_dict with torch.save"
#define RESAVE                                                                                                \
    "if you trust it (loading runs it), write it anew in Python: m = torch.load(FILE, map_location=\"cpu\", " \
    "weights_only=False); torch.save(m.state_dict() if hasattr(m, \"state_dict\") else m, \"weights.pth\")"
#define FETCH "fetch the file itself"

static const struct refused table[] = {
    {"a PyTorch file of 2017 in a tar archive", RESAVE, 0, SIGNATURE("././@PaxHeader")},
    {"a PyTorch file of 2017 in a tar archive", RESAVE, 0, SIGNATURE("sys_info\0")},
    {"a PyTorch file of 2017 in a tar archive", RESAVE, 0, SIGNATURE("storages\0")},
    {"a PyTorch file of 2017 in a tar archive", RESAVE, 0, SIGNATURE("tensors\0")},
    {"a PyTorch file of 2017 in a tar archive", RESAVE, 0, SIGNATURE("pickle\0")},
    {"a tar archive", "unpack it with tar -xf", 257, SIGNATURE("ustar")},
    {"a TensorFlow Lite model", CONVERT, 4, SIGNATURE("TFL3")},
    {"a Torch7 file (Lua)", CONVERT, 12, SIGNATURE("V 1")},
    {"an XML text, so the download went wrong", FETCH, 0, SIGNATURE("<?xml")},
    {"an HDF5 file (Keras)", CONVERT, 0, SIGNATURE("\x89HDF\r\n\x1a\n")},
    {"a MATLAB file (MatConvNet)", CONVERT, 0, SIGNATURE("MATLAB ")},
    {"a GGUF file", CONVERT, 0, SIGNATURE("GGUF")},
    {"compressed with gzip", "unpack it with gunzip", 0, SIGNATURE("\x1f\x8b\x08")},
    {"compressed with bzip2", "unpack it with bunzip2", 0, SIGNATURE("BZh")},
    {"compressed with xz", "unpack it with unxz", 0, SIGNATURE("\xfd\x37zXZ")},
    {"compressed with zstd", "unpack it with unzstd", 0, SIGNATURE("\x28\xb5\x2f\xfd")},
    {"a pointer of Git LFS", FETCH, 0, SIGNATURE("version https://git-lfs")},
    /* PyTorch's own begin with a magic number, and their reader came first. */
    {"a Python pickle that torch.save did not write", CONVERT, 0, SIGNATURE("\x80\x02")},
    {"a Python pickle that torch.save did not write", CONVERT, 0, SIGNATURE("\x80\x03")},
    {"a Python pickle that torch.save did not write", CONVERT, 0, SIGNATURE("\x80\x04")},
};
static const struct refused onnx = {.what = "an ONNX model", .way_out = CONVERT};
static const struct refused onnx_tensor = {.what = "a single array of ONNX, no network", .way_out = CONVERT};
static const struct refused tensorflow = {.what = "a TensorFlow graph", .way_out = CONVERT};
static const struct refused tfjs = {.what = "a model of TensorFlow.js", .way_out = CONVERT};
static const struct refused json = {.what = "a JSON text, so the download went wrong", .way_out = FETCH};
static const struct refused page = {.what = "a web page, so the download went wrong", .way_out = FETCH};
static const struct refused torch7 = {.what = "a Torch7 file (Lua)", .way_out = CONVERT};

enum { TEXT_BYTES = 4096, TORCH7_TABLE_BYTES = 256 };

/* Does `text` begin within the first `most` bytes? ASCII letters count in both cases. */
static bool holds(const uint8_t *bytes, size_t size, size_t most, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= size && i < most; i++)
        if (strncasecmp((const char *)bytes + i, text, n) == 0)
            return true;
    return false;
}

/* Texts, whatever blanks they begin with. NULL: none. */
static const struct refused *find_text(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && at < TEXT_BYTES && bytes[at] && strchr(" \t\r\n", bytes[at]))
        at++;
    if (at == size)
        return NULL;
    if (holds(bytes + at, size - at, 1, "<!doctype") || holds(bytes + at, size - at, 1, "<html"))
        return &page;
    if (bytes[at] != '{')
        return NULL;
    return holds(bytes, size, TEXT_BYTES, "\"modelTopology\"") ||
                   holds(bytes, size, TEXT_BYTES, "\"weightsManifest\"")
               ? &tfjs
               : &json;
}

/* A GraphDef begins with a node = 1, that with a name = 1 and an op = 2 (tensorflow/core/framework); a SavedModel with its
 * version and a MetaGraphDef that begins with its info. */
static bool is_tensorflow(const uint8_t *bytes, size_t size)
{
    struct proto p = {bytes, bytes, bytes + size};
    struct proto_field node, name, op;
    if (size < 8)
        return false;
    if (memcmp(bytes, "\x08\x01\x12", 3) == 0)
        return true;
    if (bytes[0] != 0x0a || proto_next(&p, &node, NULL) <= 0)
        return false;
    struct proto in = proto_inside(&p, &node);
    return proto_next(&in, &name, NULL) > 0 && name.number == 1 && name.wire == PROTO_BYTES &&
           proto_next(&in, &op, NULL) > 0 && op.number == 2 && op.wire == PROTO_BYTES;
}

/* A table (3) whose first object says its version soon. */
static bool is_torch7_table(const uint8_t *bytes, size_t size)
{
    return size > 16 && memcmp(bytes, "\3\0\0\0\1\0\0\0", 8) == 0 &&
           holds(bytes, size, TORCH7_TABLE_BYTES, "V 1");
}

/* ir_version = 1 as a small number, then soon graph = 7 (onnx/onnx.proto). The graph may be cut short. */
static bool is_onnx(const uint8_t *bytes, size_t size)
{
    struct proto p = {bytes, bytes, bytes + size};
    struct proto_field f;
    if (size < 4 || bytes[0] != 0x08 || bytes[1] > 31)
        return false;
    for (int i = 0; i < 16 && p.at < p.end; i++) {
        if (*p.at == 0x3a)
            return true;
        if (proto_next(&p, &f, NULL) <= 0 || f.number > 25)
            return false;
    }
    return false;
}

/* A TensorProto: up to eight dims = 1, data_type = 2 as a small number, then its segment, numbers, name, text or raw bytes
 * (fields 3 to 12). */
static bool is_onnx_tensor(const uint8_t *bytes, size_t size)
{
    struct proto p = {bytes, bytes, bytes + size};
    struct proto_field f;
    int dims = 0, rc;
    while ((rc = proto_next(&p, &f, NULL)) > 0 && f.number == 1 && f.wire == PROTO_VARINT && dims < 8)
        dims++;
    return dims > 0 && rc > 0 && f.number == 2 && f.wire == PROTO_VARINT && f.value < 32 && p.at < p.end &&
           *p.at >> 3 >= 3 && *p.at >> 3 <= 12;
}

static const struct refused *find(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (size >= table[i].at + table[i].bytes &&
            memcmp(bytes + table[i].at, table[i].signature, table[i].bytes) == 0)
            return &table[i];
    if (is_onnx(bytes, size))
        return &onnx;
    if (is_onnx_tensor(bytes, size))
        return &onnx_tensor;
    if (is_tensorflow(bytes, size))
        return &tensorflow;
    return is_torch7_table(bytes, size) ? &torch7 : find_text(bytes, size);
}

static bool recognises(const uint8_t *bytes, size_t size)
{
    return find(bytes, size) != NULL;
}

static int read_file(struct weights *w, const uint8_t *bytes, size_t size, struct error *e)
{
    (void)w;
    const struct refused *r = find(bytes, size);
    return error_set(e, EINVAL, "%s, which is not read here; %s", r->what, r->way_out);
}

const struct weights_reader weights_refused = {
    .name = "refused",
    .recognises = recognises,
    .read = read_file,
};
