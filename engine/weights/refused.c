/*
 * refused - formats that networks come in and that are not read here: recognised, so that the answer
 * is their name and the way out instead of "not a file of weights".
 */
#include <errno.h>
#include <string.h>

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
#define RESAVE       "load it in Python and write it anew: torch.save(torch.load(FILE), \"weights.pth\")"
#define FETCH        "fetch the file itself"

static const struct refused table[] = {
    {"a PyTorch file of 2017 in a tar archive", RESAVE, 257, SIGNATURE("ustar")},
    {"a PyTorch file of 2017 in a tar archive", RESAVE, 0, SIGNATURE("././@PaxHeader")},
    {"an HDF5 file (Keras)", CONVERT, 0, SIGNATURE("\x89HDF\r\n\x1a\n")},
    {"a MATLAB file (MatConvNet)", CONVERT, 0, SIGNATURE("MATLAB ")},
    {"a GGUF file", CONVERT, 0, SIGNATURE("GGUF")},
    {"compressed with gzip", "unpack it with gunzip", 0, SIGNATURE("\x1f\x8b\x08")},
    {"compressed with bzip2", "unpack it with bunzip2", 0, SIGNATURE("BZh")},
    {"compressed with xz", "unpack it with unxz", 0, SIGNATURE("\xfd\x37zXZ")},
    {"compressed with zstd", "unpack it with unzstd", 0, SIGNATURE("\x28\xb5\x2f\xfd")},
    {"a pointer of Git LFS", FETCH, 0, SIGNATURE("version https://git-lfs")},
    {"a web page, so the download went wrong", FETCH, 0, SIGNATURE("<!DOCTYPE")},
    {"a web page, so the download went wrong", FETCH, 0, SIGNATURE("<!doctype")},
    {"a web page, so the download went wrong", FETCH, 0, SIGNATURE("<html")},
    /* PyTorch's own begin with a magic number, and their reader came first. */
    {"a Python pickle that torch.save did not write", CONVERT, 0, SIGNATURE("\x80\x02")},
    {"a Python pickle that torch.save did not write", CONVERT, 0, SIGNATURE("\x80\x03")},
    {"a Python pickle that torch.save did not write", CONVERT, 0, SIGNATURE("\x80\x04")},
};
static const struct refused onnx = {.what = "an ONNX model", .way_out = CONVERT};

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

static const struct refused *find(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (size >= table[i].at + table[i].bytes &&
            memcmp(bytes + table[i].at, table[i].signature, table[i].bytes) == 0)
            return &table[i];
    return is_onnx(bytes, size) ? &onnx : NULL;
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
